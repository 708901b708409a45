//! The kinds that tiers share, on the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod contract;
mod groups;
mod keys;
mod linked_roles;
