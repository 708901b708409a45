//! The emulator as real `aws-sdk-*` clients see it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod concurrency;
mod conflicts;
mod dependencies;
mod faults;
mod filters;
mod identity;
mod inspection;
mod life_cycle;
mod logs;
mod persistence;
mod rehearsal;
mod round_trip;
mod serving;
mod support;
mod throttling;
mod tokens;
