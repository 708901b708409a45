//! The binary as a person or a script runs it: a child process for each command, on the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(unix)]
mod bad_input;
mod command;
mod configuration;
mod drift;
mod emulator;
mod endpoints;
mod environments;
mod example;
mod export;
mod life;
mod lock;
mod processes;
mod rehearsal;
mod server;
mod signals;
mod tap_stack;
mod verify;
