//! The API tier: a regional REST API before the load balancer, with API keys, rate limits and a record of every request.
//!
//! `GET /health` is for everybody; everything else needs the API key. Requests go to the load balancer over the internet,
//! or, where it is private, through a VPC link; then API Gateway would put the name of the stage before the path, which a
//! mapping template for JSON bodies prevents, and other bodies are refused. What clients see is a *stage*, which serves a *deployment*: a snapshot of
//! the API. A change of the API makes a new deployment, and the stage moves to it; nothing else does.
//!
//! The stage has a firewall of its own, since only there the clients' addresses are seen: see [`aws::firewall`].
//!
//! API Gateway has one role for its logs in a whole region. The first stack that finds none makes it, and no stack ever
//! takes it away, since others may log with it: see [`resources::Account`].
//!
//! ```
//! use engine::{Component, Scope};
//!
//! let inputs = apigw::Inputs {
//!     place: aws::Place {
//!         region: "ap-southeast-1".to_owned(),
//!         account_id: "123456789012".to_owned(),
//!         partition: "aws".to_owned(),
//!     },
//!     vpc_id: aws::VpcId::from("vpc-0a1b2c3d4e5f60718").into(),
//!     private_subnet_ids: ["subnet-0a", "subnet-0b"].map(|id| aws::SubnetId::from(id).into()).to_vec(),
//!     backend: apigw::Backend {
//!         alb_dns_name: "payment-alb-dev-1.ap-southeast-1.elb.amazonaws.com".into(),
//!         alb_arn: aws::LoadBalancerArn::from("arn:…:loadbalancer/app/payment-alb-dev/1").into(),
//!         alb_security_group_id: aws::SecurityGroupId::from("sg-0a1b2c3d4e5f60718").into(),
//!         https: false,
//!         private: false,
//!     },
//!     ready: Vec::new(),
//! };
//! let mut scope = Scope::new();
//! let tier = apigw::Tier::new(apigw::Args::default());
//! let outputs = scope.within(apigw::Tier::NAME, |scope| tier.declare(scope, &inputs))?;
//! assert_eq!(outputs.stage_name, apigw::StageName::from("dev").into());
//! # Ok::<(), engine::DeclareError>(())
//! ```

mod args;
mod declare;
mod inputs;
mod key_value;
mod live_api;
mod requests;
pub mod resources;

pub use args::Args;
pub use args::ExecutionLogs;
pub use args::Throttle;
pub use aws::firewall::Waf;
pub use declare::Outputs;
pub use declare::Tier;
pub use inputs::Backend;
pub use inputs::Inputs;
pub use key_value::ApiKeyValue;
pub use key_value::api_key_value;
pub use live_api::LiveApi;
pub use live_api::live_api;

engine::id! {
    /// A REST API's id, such as `a1b2c3d4e5`: the first part of its host name.
    pub struct RestApiId;
    /// The id of a resource of a REST API, such as `a1b2c3`.
    pub struct ApiResourceId;
    /// The id of a method: `API|RESOURCE|VERB`, as CloudFormation identifies it.
    pub struct MethodId;
    /// The id of a request validator of a REST API, such as `a1b2c3`.
    pub struct RequestValidatorId;
    /// The id of a deployment of a REST API, such as `a1b2c3`.
    pub struct DeploymentId;
    /// The name of a stage, unique in its API, such as `dev`: the first segment of the path of a request.
    pub struct StageName;
    /// A usage plan's id, such as `a1b2c3`.
    pub struct UsagePlanId;
    /// An API key's id, such as `a1b2c3d4e5`. It is no secret; the key's value is.
    pub struct ApiKeyId;
    /// A VPC link's id, such as `a1b2c3`.
    pub struct VpcLinkId;
}

/// The name of the role with which API Gateway writes logs, where the region's setting names no other: the same for all
/// environments, which is why none of them deletes it.
#[must_use]
pub fn logs_role_name(region: &str) -> String {
    format!("payment-apigw-logs-{region}")
}

/// Registers the kinds that only this tier has. [`aws::kinds`] registers the ones that it shares.
pub fn kinds(registry: &mut aws::Registry) {
    resources::kinds(registry);
}
