//! The containers tier: what it declares, what it refuses, and its life on the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod arguments;
mod carried;
mod contract;
mod declaration;
mod deployments;
mod life;
mod linked_roles;
mod lost_answers;
mod running;
mod support;
mod world;
