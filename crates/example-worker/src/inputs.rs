//! What the tier needs to know: outputs of the payment stack's tiers, or literals.

use aws::{Place, SubnetId, VpcId};
use ecs::{Architecture, ClusterArn, RepositoryName};
use engine::Input;
use stack::{Payment, Wired};

/// What the tier needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Where it is made.
    pub place: Place,
    /// The VPC that tasks are in.
    pub vpc_id: Input<VpcId>,
    /// Where tasks are: subnets from which they reach AWS, through a NAT gateway or endpoints.
    pub private_subnet_ids: Vec<Input<SubnetId>>,
    /// The cluster that tasks run in.
    pub cluster_arn: Input<ClusterArn>,
    /// The repository that images are pulled from, unless they are public.
    pub repository_name: Input<RepositoryName>,
    /// The processor that images are built for.
    pub architecture: Architecture,
    /// What must be ready before the first task starts, and goes after the last one has ended: ways out of the subnets.
    pub ready: Vec<Input<String>>,
}

impl Inputs {
    /// Those that the payment stack has.
    #[must_use]
    pub fn of(wired: &Wired<'_>, payment: &Payment) -> Self {
        let (network, containers) = (&wired[&payment.network], &wired[&payment.ecs]);
        let gateways = network.nat_gateway_ids.iter().map(Input::text);
        let endpoints = network.interface_endpoint_ids.iter().map(Input::text);
        Self {
            place: wired.place(),
            vpc_id: network.vpc_id.clone(),
            private_subnet_ids: network.private_subnet_ids.clone(),
            cluster_arn: containers.ecs_cluster_arn.clone(),
            repository_name: containers.repository_name.clone(),
            architecture: wired.args(&payment.ecs).architecture,
            ready: gateways.chain(endpoints).collect(),
        }
    }
}
