//! The tier's AWS objects, one a file.

mod cluster;
mod cluster_change;
mod cluster_parameter_group;
mod cluster_parts;
mod database_user;
mod instance;
mod outage;
pub(crate) mod status;
mod subnet_group;
mod subnet_group_change;
mod version;

pub use cluster::{Cluster, ClusterOutputs};
pub use cluster_parameter_group::{ClusterParameterGroup, ClusterParameterGroupOutputs, Parameters};
pub use cluster_parts::{DeletionPolicy, MasterUserSecret, ServerlessScaling};
pub(crate) use database_user::IAM;
pub use database_user::{
    DatabasePrivilege, DatabaseUser, DatabaseUserOutputs, RoleAttribute, SchemaPrivilege,
};
pub use instance::{Instance, InstanceOutputs};
pub use outage::Outage;
pub use subnet_group::{SubnetGroup, SubnetGroupOutputs};

pub(crate) use version::Version;

use aws::Registry;
use engine::Resolved;

/// Registers every kind of this tier.
pub(crate) fn kinds(registry: &mut Registry) {
    registry
        .register::<SubnetGroup<Resolved>>()
        .register::<ClusterParameterGroup>()
        .register::<Cluster<Resolved>>()
        .register::<Instance<Resolved>>()
        .register::<DatabaseUser<Resolved>>();
}
