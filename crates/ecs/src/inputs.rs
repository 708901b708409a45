//! What the tier needs to know: other tiers' outputs, or literals.

use aws::{KeyArn, ListenerRuleArn, Place, SecretArn, SecurityGroupId, SubnetId, TargetGroupArn, VpcId};
use engine::Input;

/// What the tier needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Where it is made.
    pub place: Place,
    /// The VPC that tasks are in.
    pub vpc_id: Input<VpcId>,
    /// Where tasks are: subnets from which they reach AWS, through a NAT gateway or endpoints.
    pub private_subnet_ids: Vec<Input<SubnetId>>,
    /// The database that tasks use, if they use one.
    pub database: Option<DatabaseInputs>,
    /// The load balancer that sends requests to tasks. ECS refuses a service before that.
    pub load_balancer: LoadBalancerInputs,
    /// What must be ready before the first task starts, and goes after the last one has ended: a database instance that
    /// answers, ways out of the subnets. Only the service waits for it, and only if there is an image to run. Any output
    /// of a resource will do, as a text.
    pub ready: Vec<Input<String>>,
}

/// The database that tasks use.
#[derive(Clone, Debug, PartialEq)]
pub struct DatabaseInputs {
    /// Its name in DNS. That it is known does not mean that anybody answers: see [`Inputs::ready`].
    pub endpoint: Input<String>,
    /// The name of its readers in DNS.
    pub reader_endpoint: Input<String>,
    /// Its port, which must be a literal.
    pub port: Input<u16>,
    /// The name of the database in it.
    pub name: Input<String>,
    /// The user that tasks log in as with IAM. It need not be there yet: see [`Inputs::ready`].
    pub user: Input<String>,
    /// The secret with the master user's name and password. Tasks get it only if that is asked for.
    pub secret_arn: Input<SecretArn>,
    /// The key that encrypts the secret.
    pub key_arn: Input<KeyArn>,
    /// The id by which IAM policies name it, such as `cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ`.
    pub resource_id: Input<String>,
    /// Its group, which lets tasks in by a rule of this tier.
    pub security_group_id: Input<SecurityGroupId>,
}

/// The load balancer that sends requests to tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadBalancerInputs {
    /// Its group, which lets requests out to tasks by a rule of this tier.
    pub security_group_id: Input<SecurityGroupId>,
    /// One of the two target groups between which deployments alternate. Both must be behind both rules.
    pub blue_target_group_arn: Input<TargetGroupArn>,
    /// The other one.
    pub green_target_group_arn: Input<TargetGroupArn>,
    /// The rule whose weights ECS moves from one to the other.
    pub production_rule_arn: Input<ListenerRuleArn>,
    /// The rule by which the new one is tried before that. It must not be the production rule.
    pub test_rule_arn: Option<Input<ListenerRuleArn>>,
}
