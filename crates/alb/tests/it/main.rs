//! The load balancer tier: what it declares, what it refuses, and its life on the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod arguments;
mod changes;
mod conflicts;
mod contract;
mod declaration;
mod drift;
mod life;
mod log_bucket;
mod refusals;
mod security_policy;
mod support;
