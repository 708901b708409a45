//! The API tier: what it declares, what it refuses, and its life on the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod account;
mod arguments;
mod behind_alb;
mod changes;
mod contract;
mod declaration;
mod drift;
mod life;
mod live_api;
mod path;
mod refusals;
mod secrets;
mod support;
