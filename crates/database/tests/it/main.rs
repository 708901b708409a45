//! The database tier: what it declares, what it refuses, and its life on the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod application_user;
mod arguments;
mod changes;
mod contract;
mod declaration;
mod granted;
mod instances;
mod life;
mod parameters;
mod secret;
mod snapshots;
mod status;
mod stopped;
mod support;
mod versions;
