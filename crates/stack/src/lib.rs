//! The payment stack: its configuration, its tiers wired together, and the command line.
//!
//! As a library: make a [`Stack`] from a [`Config`], declare it for a [`Place`], and give the graph to an
//! [`engine::Engine`] whose registry knows the [`kinds`].

mod cli;
mod config;
mod emulated;
mod environment;
mod exit;
mod export;
mod interruption;
mod progress;
mod render;
mod run;
mod signals;
mod stack;
mod target;
mod verify;

pub use cli::{Cli, Command, EmulatorCommand, ExportCommand, Options, Serve, Target};
pub use config::{
    Config, ConfigError, DEFAULT_FILE, Loaded, Origin, Setting, Sources, load, schema, variables,
};
pub use environment::{Environment, InvalidEnvironment};
pub use exit::{Exit, Failure};
pub use progress::Screen;
pub use run::run;
pub use stack::{Outputs, Place, Stack, StackError, kinds};
pub use target::{Cloud, NOTHING_REAL, connect, embedded};
