//! The load balancer tier: an application load balancer with two target groups for blue/green deployments, WAF before
//! it, and a record of every request.
//!
//! Requests go to the blue target group at first; a deployment of the ECS tier moves them between blue and green.
//! Those with the test header go to where the next version is. The load balancer may talk to nobody: the tier with
//! the targets adds rules to its security group ([`Outputs::alb_security_group_id`]).
//!
//! ```
//! use engine::{Component, Scope};
//!
//! let subnets = |group: &str| ["a", "b"].map(|zone| aws::SubnetId::from(format!("{group}-{zone}")).into()).to_vec();
//! let inputs = alb::Inputs {
//!     place: aws::Place {
//!         region: "ap-southeast-1".to_owned(),
//!         account_id: "123456789012".to_owned(),
//!         partition: "aws".to_owned(),
//!     },
//!     vpc_id: aws::VpcId::from("vpc-0a1b2c3d4e5f60718").into(),
//!     vpc_cidr: ipnet::Ipv4Net::new_assert([10, 0, 0, 0].into(), 16).into(),
//!     public_subnet_ids: subnets("subnet-public"),
//!     private_subnet_ids: subnets("subnet-private"),
//!     client_security_group_ids: Vec::new(),
//!     api_requests: None,
//! };
//! let mut scope = Scope::new();
//! let tier = alb::Tier::new(alb::Args::default());
//! let outputs = scope.within(alb::Tier::NAME, |scope| tier.declare(scope, &inputs))?;
//! assert!(outputs.web_acl_arn.is_some());
//! # Ok::<(), engine::DeclareError>(())
//! ```

mod args;
mod declare;
pub mod resources;

pub use args::AccessLogs;
pub use args::Args;
pub use args::HealthCheck;
pub use args::Ingress;
pub use args::Inputs;
pub use args::TargetProtocol;
pub use args::TestHeader;
pub use aws::ListenerArn;
pub use aws::ListenerRuleArn;
pub use aws::LoadBalancerArn;
pub use aws::TargetGroupArn;
pub use aws::WebAclArn;
pub use aws::firewall::Waf;
pub use declare::Outputs;
pub use declare::Tier;

engine::id! {
    /// A bucket's name.
    pub struct BucketName;
    /// A bucket's ARN.
    pub struct BucketArn;
}

/// Registers the kinds that only this tier has. [`aws::kinds`] registers the ones that it shares.
pub fn kinds(registry: &mut aws::Registry) {
    resources::kinds(registry);
}
