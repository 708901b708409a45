//! The emulator as real `aws-sdk-*` clients see it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod concurrency;
mod conflicts;
mod dependencies;
mod filters;
mod identity;
mod inspection;
mod logs;
mod persistence;
mod rehearsal;
mod round_trip;
mod support;
mod tokens;
