//! The network tier: what it declares, without a cloud, and each of its resources on the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod arguments;
mod conflicts;
mod contract;
mod declaration;
mod drift;
mod example;
mod life_cycles;
mod support;
mod surroundings;
mod tier;
