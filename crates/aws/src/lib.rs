//! What every tier needs of AWS: clients, error classes, identity and tags, calls that are repeated, batching; and the
//! resources that several tiers share.
//!
//! A tier's resource is called with a [`Context`] and answers with [`engine::CallError`]s. The shape of a call
//! is always the same:
//!
//! ```ignore
//! cx.ec2().delete_vpc().vpc_id(id).send().await.called("DeleteVpc").gone_is_ok()
//! ```

mod alias;
mod batcher;
mod context;
mod converge;
mod deletion_policy;
mod error;
mod identity;
mod ids;
mod known;
mod log_events;
mod log_lines;
mod naming;
mod poll;
#[cfg(test)]
mod scripted;
mod sign_in;
mod wire;
mod zones;

pub mod cloudwatch;
pub mod ec2;
pub mod firewall;
pub mod policy;
pub mod rds;
pub mod resources;
pub mod schema;
pub mod tags;
pub mod waf;

pub use alias::account_alias;
pub use batcher::Batcher;
pub use context::Account;
pub use context::Context;
pub use context::account;
pub use context::client_config;
pub use converge::converge;
pub use deletion_policy::DeletionPolicy;
pub use error::CallResult;
pub use error::Called;
pub use error::class_of;
pub use error::required;
pub use identity::Identity;
pub use ids::*;
pub use known::Ours;
pub use log_events::LogEvent;
pub use log_events::LogEvents;
pub use log_lines::LogLines;
pub use naming::MAX_ENVIRONMENT_LENGTH;
pub use naming::NAME_PREFIX;
pub use naming::Names;
pub use naming::Place;
pub use sign_in::SignInError;
pub use sign_in::sign_in;
pub use tags::Tags;
pub use wire::count;
pub use wire::count_or_zero;
pub use wire::in_order_of;
pub use wire::number;
pub use wire::port_or_zero;
pub use zones::zones;

/// The kinds of resource that a program knows, with the context that their calls need.
pub type Registry = engine::Registry<Context>;

/// Registers the kinds of this crate, which several tiers share.
pub fn kinds(registry: &mut Registry) {
    registry
        .register::<resources::Role<engine::Resolved>>()
        .register::<resources::ServiceLinkedRole>()
        .register::<resources::LogGroup<engine::Resolved>>()
        .register::<resources::Key>()
        .register::<resources::Alarm<engine::Resolved>>()
        .register::<resources::Alias<engine::Resolved>>()
        .register::<resources::Queue<engine::Resolved>>()
        .register::<resources::SecurityGroup<engine::Resolved>>()
        .register::<resources::SecurityGroupIngress<engine::Resolved>>()
        .register::<resources::SecurityGroupEgress<engine::Resolved>>()
        .register::<resources::WebAcl>()
        .register::<resources::LoggingConfiguration<engine::Resolved>>()
        .register::<resources::WebAclAssociation<engine::Resolved>>();
}
