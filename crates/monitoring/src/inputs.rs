//! What the tier needs to know: other tiers' outputs, or literals. What is not there is not watched.

use aws::{DbClusterId, EcsClusterName, EcsServiceName, LogGroupName, NatGatewayId, Place};
use engine::Input;

/// What the tier needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Where it is made.
    pub place: Place,
    /// The load balancer.
    pub load_balancer: Option<LoadBalancerInputs>,
    /// The service and its tasks.
    pub containers: Option<ContainerInputs>,
    /// The database.
    pub database: Option<DatabaseInputs>,
    /// The API before the load balancer.
    pub api: Option<ApiInputs>,
    /// The name of the web ACL in front of the load balancer.
    pub web_acl_name: Option<Input<String>>,
    /// The name of the web ACL in front of the API.
    pub api_web_acl_name: Option<Input<String>>,
    /// The NAT gateways.
    pub nat_gateway_ids: Vec<Input<NatGatewayId>>,
    /// Where the VPC's flow log goes.
    pub flow_log_group_name: Option<Input<LogGroupName>>,
}

impl Inputs {
    /// Nothing to watch yet, at a place.
    #[must_use]
    pub fn new(place: Place) -> Self {
        Self {
            place,
            load_balancer: None,
            containers: None,
            database: None,
            api: None,
            web_acl_name: None,
            api_web_acl_name: None,
            nat_gateway_ids: Vec::new(),
            flow_log_group_name: None,
        }
    }
}

/// The load balancer.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadBalancerInputs {
    /// The end of its ARN, by which CloudWatch knows it: `app/payment-alb-dev/0123456789abcdef`.
    pub full_name: Input<String>,
    /// The end of the ARN of one of the two target groups between which deployments alternate:
    /// `targetgroup/payment-blue-dev/0123456789abcdef`.
    pub blue_target_group_full_name: Input<String>,
    /// That of the other one.
    pub green_target_group_full_name: Input<String>,
}

/// The service and its tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerInputs {
    /// The cluster.
    pub cluster_name: Input<EcsClusterName>,
    /// The service.
    pub service_name: Input<EcsServiceName>,
    /// Where the application's logs go.
    pub app_log_group_name: Input<LogGroupName>,
    /// How many tasks there always are. `None` where there is no image yet, so that none runs; then there is no alarm on
    /// too few tasks or healthy targets, which would never end.
    pub tasks_expected: Option<u32>,
}

/// The database, an Aurora cluster with instances of the class `db.serverless`.
#[derive(Clone, Debug, PartialEq)]
pub struct DatabaseInputs {
    /// The cluster.
    pub cluster_id: Input<DbClusterId>,
    /// The instances.
    pub instance_ids: Vec<Input<String>>,
    /// How small an instance becomes, in ACU.
    pub min_capacity: f64,
    /// How large an instance becomes, in ACU: how many connections it allows follows from it.
    pub max_capacity: f64,
    /// How much local storage an instance has, in bytes, where it is known. AWS publishes it for other classes than
    /// `db.serverless`.
    pub local_storage_bytes: Option<u64>,
}

/// The API before the load balancer.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiInputs {
    /// Its name.
    pub name: Input<String>,
    /// The name of its stage.
    pub stage: Input<String>,
    /// Where its access log goes, in JSON with a member `status`.
    pub access_log_group_name: Option<Input<LogGroupName>>,
}
