//! The monitoring tier: what it declares, what it refuses, and its life on the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod arguments;
mod carried;
mod changes;
mod conflicts;
mod contract;
mod dashboard;
mod declaration;
mod drift;
mod life;
mod refusals;
mod support;
