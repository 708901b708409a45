//! Every check, with a stack on the embedded AWS in which something is wrong, or a server that answers wrongly.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod denied;
mod faults;
mod open;
mod outputs;
mod partial;
mod recorded;
mod server;
mod traceable;
mod typed;
mod world;
