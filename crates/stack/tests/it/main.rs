//! The binary as a person or a script runs it: a child process for each command, on the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod anchors;
mod any_change;
#[cfg(unix)]
mod bad_input;
mod cases;
mod command;
mod configuration;
mod drift;
mod emulator;
mod endpoints;
mod environments;
mod example;
mod export;
mod forgery;
mod kinds;
mod life;
mod lock;
mod log_key;
#[cfg(unix)]
mod permissions;
mod private_files;
mod processes;
mod program;
mod protection;
mod rehearsal;
mod server;
mod signals;
mod tap_stack;
mod verify;
