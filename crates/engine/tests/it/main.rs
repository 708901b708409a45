//! The engine against a strict cloud in memory, in virtual time.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod apply;
mod client;
mod component;
mod dependencies;
mod fake_cloud;
mod interrupt;
mod journal;
mod life;
mod lock;
mod old_copy;
mod plan;
mod properties;
mod replacement;
mod settle;
mod typed;
mod world;
