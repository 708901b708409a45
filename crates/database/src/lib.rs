//! The database tier: an Aurora PostgreSQL cluster that grows and shrinks by itself, with a writer and readers in
//! different zones, encrypted with a key of the customer's own, backed up daily.
//!
//! Nobody can talk to it at first: whoever needs the database adds a rule to its security group
//! ([`Outputs::database_security_group_id`]), or is named in [`Inputs::client_security_group_ids`].
//!
//! ```
//! use engine::{Component, Scope};
//!
//! let inputs = database::Inputs {
//!     place: aws::Place {
//!         region: "ap-southeast-1".to_owned(),
//!         account_id: "123456789012".to_owned(),
//!         partition: "aws".to_owned(),
//!     },
//!     vpc_id: aws::VpcId::from("vpc-0a1b2c3d4e5f60718").into(),
//!     subnet_ids: ["subnet-0a", "subnet-0b"].map(|id| aws::SubnetId::from(id).into()).to_vec(),
//!     availability_zones: ["a", "b"].map(|zone| format!("ap-southeast-1{zone}").into()).to_vec(),
//!     recorded: database::Recorded::default(),
//!     client_security_group_ids: Vec::new(),
//! };
//! let mut scope = Scope::new();
//! let tier = database::Tier::new(database::Args::default());
//! let outputs = scope.within(database::Tier::NAME, |scope| tier.declare(scope, &inputs))?;
//! assert_eq!(outputs.database_instance_ids.len(), 2);
//! # Ok::<(), engine::DeclareError>(())
//! ```

mod args;
mod data_api;
mod declare;
mod names;
mod placement;
pub mod resources;

pub use args::Args;
pub use args::Capacity;
pub use args::Inputs;
pub use aws::DbClusterId as ClusterId;
pub use aws::SecretArn;
pub use declare::Outputs;
pub use declare::Tier;
pub use placement::Recorded;

engine::id! {
    /// The name of a DB instance.
    pub struct InstanceId;
    /// The name of a DB subnet group.
    pub struct SubnetGroupName;
    /// The name of a DB cluster parameter group.
    pub struct ParameterGroupName;
    /// The name of a role in the database.
    pub struct DatabaseRoleName;
}

/// Registers the kinds that only this tier has. [`aws::kinds`] registers the ones that it shares.
pub fn kinds(registry: &mut aws::Registry) {
    resources::kinds(registry);
}
