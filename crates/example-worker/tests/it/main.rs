//! The example's binary as a person or a script runs it, and its tier alone, both on the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod command;
mod configuration;
mod life;
mod queue;
