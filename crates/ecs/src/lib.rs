//! The containers tier: an image repository, and a service on Fargate behind the load balancer that is deployed
//! blue/green, traced, and scaled by load.
//!
//! The first time there is no image yet, because the repository for it is made here. Then the service is made with no
//! task to run, and [`Outputs::next_steps`] says what to do. With [`Args::image`] it runs.
//!
//! ```
//! use engine::{Component, Scope};
//!
//! let inputs = ecs::Inputs {
//!     place: aws::Place {
//!         region: "ap-southeast-1".to_owned(),
//!         account_id: "123456789012".to_owned(),
//!         partition: "aws".to_owned(),
//!     },
//!     vpc_id: aws::VpcId::from("vpc-0a1b2c3d4e5f60718").into(),
//!     private_subnet_ids: ["subnet-0a", "subnet-0b"].map(|id| aws::SubnetId::from(id).into()).to_vec(),
//!     database: None,
//!     load_balancer: ecs::LoadBalancerInputs {
//!         security_group_id: aws::SecurityGroupId::from("sg-0a1b2c3d4e5f60718").into(),
//!         blue_target_group_arn: aws::TargetGroupArn::from("arn:…:targetgroup/payment-blue-dev/1").into(),
//!         green_target_group_arn: aws::TargetGroupArn::from("arn:…:targetgroup/payment-green-dev/2").into(),
//!         production_rule_arn: aws::ListenerRuleArn::from("arn:…:listener-rule/app/payment-alb-dev/1/2/3").into(),
//!         test_rule_arn: None,
//!     },
//!     ready: Vec::new(),
//! };
//! let mut scope = Scope::new();
//! let tier = ecs::Tier::new(ecs::Args::default());
//! let outputs = scope.within(ecs::Tier::NAME, |scope| tier.declare(scope, &inputs))?;
//! assert_eq!(outputs.next_steps.len(), 2); // There is no image yet.
//! # Ok::<(), engine::DeclareError>(())
//! ```

mod args;
mod containers;
mod declare;
mod fargate;
mod image;
mod inputs;
pub mod operations;
mod permissions;
mod reach;
pub mod resources;

pub use args::Architecture;
pub use args::Args;
pub use args::DatabaseCredentials;
pub use args::Encryption;
pub use args::HealthCheck;
pub use args::Repository;
pub use args::Tracing;
pub use declare::Outputs;
pub use declare::Tier;
pub use image::check_reference;
pub use inputs::DatabaseInputs;
pub use inputs::Inputs;
pub use inputs::LoadBalancerInputs;
pub use reach::Need;
pub use reach::Way;

engine::id! {
    /// The name of an image repository.
    pub struct RepositoryName;
    /// The ARN of an image repository.
    pub struct RepositoryArn;
    /// What an image of a repository is called before its tag or digest, such as
    /// `123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/payment-app-dev`.
    pub struct RepositoryUri;
    /// The ARN of an ECS cluster.
    pub struct ClusterArn;
    /// The ARN of a revision of a task definition.
    pub struct TaskDefinitionArn;
    /// The ARN of an ECS service.
    pub struct ServiceArn;
    /// The id of a scalable target, such as `service/CLUSTER/SERVICE|ecs:service:DesiredCount|ecs`.
    pub struct ScalableTargetId;
    /// The ARN of a scaling policy.
    pub struct ScalingPolicyArn;
}

/// Registers the kinds that only this tier has. [`aws::kinds`] registers the ones that it shares.
pub fn kinds(registry: &mut aws::Registry) {
    resources::kinds(registry);
}
