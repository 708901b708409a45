//! The network tier: a VPC over several availability zones, with public, private and database subnets.
//!
//! Traffic from private subnets leaves through NAT gateways; database subnets have no route to the internet and a
//! network ACL that lets only PostgreSQL from the private subnets in. Everything that flows is logged.
//!
//! Services of AWS can be reached through endpoints in the VPC: S3 always, which costs nothing, others where
//! [`InterfaceEndpoints`] are enabled. With them and [`NatMode::None`], private subnets reach AWS and nothing else. Images
//! must be in ECR then; the one that the containers tier takes for tracing is not, so it has to do without.
//!
//! ```
//! use engine::{Component, Scope};
//!
//! let inputs = vpc::Inputs {
//!     place: aws::Place {
//!         region: "ap-southeast-1".to_owned(),
//!         account_id: "123456789012".to_owned(),
//!         partition: "aws".to_owned(),
//!     },
//!     availability_zones: ["a", "b", "c"].map(|zone| format!("ap-southeast-1{zone}")).to_vec(),
//!     recorded: vpc::Recorded::default(),
//! };
//! let mut scope = Scope::new();
//! let tier = vpc::Tier::new(vpc::Args::default());
//! let outputs = scope.within(vpc::Tier::NAME, |scope| tier.declare(scope, &inputs))?;
//! assert_eq!(outputs.database_subnet_ids.len(), 3);
//! # Ok::<(), engine::DeclareError>(())
//! ```

mod args;
mod declare;
mod describe;
mod endpoints;
pub mod layout;
pub mod resources;
mod zones;

pub use args::Args;
pub use args::FlowLogs;
pub use args::Inputs;
pub use args::InterfaceEndpoints;
pub use args::NatMode;
pub use declare::Outputs;
pub use declare::Tier;
pub use endpoints::services_with_endpoints;
pub use zones::Recorded;

engine::id! {
    /// An internet gateway's id, such as `igw-0a1b2c3d4e5f60718`.
    pub struct InternetGatewayId;
    /// The id of an elastic IP address, such as `eipalloc-0a1b2c3d4e5f60718`.
    pub struct AllocationId;
    /// A route table's id, such as `rtb-0a1b2c3d4e5f60718`.
    pub struct RouteTableId;
    /// The id of a subnet's association with a route table, such as `rtbassoc-0a1b2c3d4e5f60718`.
    pub struct RouteTableAssociationId;
    /// A network ACL's id, such as `acl-0a1b2c3d4e5f60718`.
    pub struct NetworkAclId;
    /// The id of a subnet's association with a network ACL, such as `aclassoc-0a1b2c3d4e5f60718`.
    pub struct NetworkAclAssociationId;
    /// A flow log's id, such as `fl-0a1b2c3d4e5f60718`.
    pub struct FlowLogId;
    /// A VPC endpoint's id, such as `vpce-0a1b2c3d4e5f60718`.
    pub struct VpcEndpointId;
}

/// Registers the kinds that only this tier has. [`aws::kinds`] registers the ones that it shares.
pub fn kinds(registry: &mut aws::Registry) {
    resources::kinds(registry);
}
