//! The backup tier: what it declares, what it refuses, and its life on the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod arguments;
mod carried;
mod conflicts;
mod contents;
mod contract;
mod declaration;
mod drift;
mod life;
mod opt_in;
mod pace;
mod refusals;
mod support;
