//! What an account runs on: the [`Emulator`](emulator::Emulator) and everything that is the same for all services.
//!
//! It knows no service by name. What it asks of them is in [`services`]: facts that each declares, and the traits of an account.
//!
//! | module | what it is |
//! |---|---|
//! | [`emulator`], [`exchange`], [`serve`], [`control`] | the emulator and its options; requests as such, over HTTP, and to itself |
//! | [`layer`] | the chain that a call goes through: [`calls`], [`faults`], [`throttle`] with [`limits`], [`latency`] |
//! | [`gate`], [`persist`], [`blobs`] | one turn at a time; state on disk; what is too large for the state |
//! | [`services`] | what is asked of the services |
//! | [`clock`], [`ids`], [`objects`], [`error`] | what time it is, ids, what is there, what can go wrong |

pub(crate) mod blobs;
pub(crate) mod calls;
pub(crate) mod clock;
pub(crate) mod control;
pub(crate) mod emulator;
pub(crate) mod error;
mod exchange;
pub(crate) mod faults;
pub(crate) mod gate;
pub(crate) mod ids;
pub(crate) mod latency;
pub(crate) mod layer;
pub(crate) mod limits;
pub(crate) mod objects;
pub(crate) mod persist;
pub(crate) mod serve;
pub(crate) mod services;
pub(crate) mod throttle;
