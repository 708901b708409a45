//! The payment stack: its configuration, its tiers wired together, and the command line.
//!
//! As a library: make a [`Stack`] from a [`Config`], declare it for a [`Place`], and give the graph to an
//! [`engine::Engine`] whose registry knows the [`kinds`].
//!
//! A program of your own adds tiers to the seven of the payment stack, and keeps the whole command line: see [`Program`].

#![warn(clippy::print_stdout, clippy::print_stderr)]
// Futures of commands contain those of sessions, which contain those of AWS's clients: more than 128 types deep.
#![recursion_limit = "256"]

mod accepting;
mod account;
mod across;
mod advice;
mod anchor;
mod binding;
mod bootstrap;
mod change;
mod chosen;
mod cli;
mod cli_advice;
mod codes;
mod completions;
mod config;
mod conveniences;
mod denied;
mod deploy;
mod deployed;
mod deployments;
mod differences;
mod emulated;
mod encounters;
mod endpoint;
mod environment;
mod environments;
mod error_json;
mod events;
mod exit;
mod export;
mod expression;
mod failures;
mod footer;
mod heading;
mod history;
mod ignored;
mod import;
mod import_file;
mod import_form;
mod init;
mod input;
mod interruption;
mod live;
mod logs;
mod losses;
mod made_with;
mod moved;
mod moves;
mod narrowed;
mod open_settings;
mod orphans;
mod output;
mod outputs;
mod payment;
mod plan_lines;
mod plans;
mod preflight;
mod program;
mod progress;
mod protection;
mod pushing;
mod question;
mod quota;
mod refresh;
mod render;
mod repeat;
mod run;
mod shortened;
mod signals;
mod stack;
mod state;
mod state_args;
mod state_forget;
mod state_list;
mod state_protect;
mod state_records;
mod state_show;
mod stores;
mod summary;
mod target;
mod tier;
mod time;
mod trace;
mod unfinished;
mod unlock;
mod verify;
mod working;
mod written;

pub use chosen::{Chosen, Part, Typed};
pub use cli::{
    Applied, Bootstrap, Cli, Color, Command, Deploy, EmulatorCommand, EnvCommand, ExportCommand, Import,
    Init, Options, Refresh, Rollback, Serve, Shown, StateCommand, Target, Up,
};
pub use codes::Code;
pub use config::{
    Config, ConfigError, DEFAULT_FILE, Loaded, Logs, Origin, Setting, Sources, load, schema, variables,
};
pub use deployed::Image as DeployedImage;
pub use environment::{Environment, InvalidEnvironment};
pub use exit::{Exit, Failure};
pub use logs::{LogSource, Pattern, ReadLogs, Since};
pub use output::{Lines, note, print_usage};
pub use payment::Payment;
pub use program::{Program, ProgramError, UnknownTier};
pub use progress::Screen;
pub use stack::{Place, Recorded, Stack, StackError, kinds};
pub use state_args::{AwsArgs, Backend, StateArgs};
pub use target::{Cloud, NOTHING_REAL, connect, embedded};
pub use tier::{Handle, Section, Shared, Tier, Wired};
