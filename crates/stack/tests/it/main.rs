//! The binary as a person or a script runs it: a child process for each command, on the embedded AWS.

mod bad_input;
mod command;
mod drift;
mod environments;
mod life;
mod lock;
