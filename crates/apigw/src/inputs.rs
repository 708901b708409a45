//! What the tier needs to know: other tiers' outputs, or literals.

use aws::{LoadBalancerArn, Place, SecurityGroupId, SubnetId, VpcId};
use engine::Input;

/// What the tier needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Where it is made.
    pub place: Place,
    /// The VPC of the load balancer. Needed where that is private.
    pub vpc_id: Input<VpcId>,
    /// Subnets from which a VPC link reaches the load balancer, one in each zone. Needed where that is private.
    pub private_subnet_ids: Vec<Input<SubnetId>>,
    /// Where requests go.
    pub backend: Backend,
    /// What must be there before clients' requests go to the backend, such as the rule that answers them: a deployment that sends them
    /// elsewhere is shown to clients after it, and what was there before goes after that.
    pub ready: Vec<Input<String>>,
}

/// The load balancer that requests go to.
#[derive(Clone, Debug, PartialEq)]
pub struct Backend {
    /// Its name in DNS.
    pub alb_dns_name: Input<String>,
    /// Its ARN.
    pub alb_arn: Input<LoadBalancerArn>,
    /// Its group, which lets a VPC link in by a rule of this tier.
    pub alb_security_group_id: Input<SecurityGroupId>,
    /// Whether it speaks HTTPS, with a certificate, on port 443. Otherwise it speaks HTTP on port 80.
    pub https: bool,
    /// Whether it has no address on the internet, and is reached through a VPC link.
    pub private: bool,
}
