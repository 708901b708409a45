//! Completions: the script that a shell loads, and the answers that it asks for while somebody types.
//!
//! The script calls this program with what is typed so far, as `COMPLETE=bash stack -- stack --env pr`. Commands, options and
//! values are known from the command line itself; names of environments are read from files, and resources are those that are
//! declared by default. Nothing is called, no lock is taken, nothing is written, and what cannot be read has no names.
//!
//! `clap_complete` calls this part of it unstable: script and answer must be of the same version, so a shell loads the script when
//! it starts. No other module uses it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Command, ValueEnum as _};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Shells, Zsh};
use clap_complete::{ArgValueCandidates, CompletionCandidate, Shell, engine};

use crate::cli::{DEFAULT_ENVIRONMENT, DEFAULT_STATE_DIR, Target};
use crate::codes::Code;
use crate::config;
use crate::conveniences::value_of;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::output::print_text;
use crate::program::Program;
use crate::stack::Place;
use crate::stores::local_environments;

/// The variable that says which shell asks.
const VARIABLE: &str = "COMPLETE";

const SHELLS: Shells<'static> = Shells(&[&JoiningBash, &Elvish, &Fish, &Powershell, &Zsh]);

/// Prints the script for a shell.
pub(crate) fn script(program: &Program, shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    let name = program.name();
    let this = PathBuf::from(std::env::args_os().next().unwrap_or_else(|| name.into()));
    // A path from here is another one elsewhere; a name alone is looked up in PATH.
    let this = match std::env::current_dir() {
        Ok(here) if this.components().count() > 1 => here.join(this),
        _ => this,
    };
    let shell = SHELLS.completer(&shell.to_string()).ok_or_else(|| {
        Failure::new(Exit::Failed, format!("there is no script for {shell}")).coded(Code::Defect)
    })?;
    shell
        .write_registration(VARIABLE, name, name, &this.to_string_lossy(), &mut script)
        .map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    print_text(&String::from_utf8_lossy(&script)).map(|()| Exit::Done)
}

/// Answers a shell; `None` where none asks, and the command line is to be run.
pub(crate) fn answer(program: &Program) -> Option<Exit> {
    let shell = std::env::var(VARIABLE).ok()?;
    let shell = SHELLS.completer(&shell)?;
    let mut arguments = std::env::args_os().skip(1);
    // Somebody else's variable of this name must not keep a command from running.
    arguments.next().filter(|first| first == "--")?;
    let words: Vec<OsString> = arguments.collect();
    if words.is_empty() {
        return Some(Exit::Failed);
    }
    let mut command = with_names(program, &words);
    let mut answer = Vec::new();
    let here = std::env::current_dir().ok();
    let written = shell.write_complete(&mut command, words, here.as_deref(), &mut answer);
    // Whatever is said here would stand in the middle of what somebody types.
    let printed = written.is_ok() && print_text(&String::from_utf8_lossy(&answer)).is_ok();
    Some(if printed { Exit::Done } else { Exit::Failed })
}

/// The command line, with the values that it does not know itself.
fn with_names(program: &Program, words: &[OsString]) -> Command {
    let words: Vec<OsString> = words.iter().filter(|word| *word != "=").cloned().collect();
    let command = Declared::of(program).offered_by(program.command_line());
    command.mut_arg("env", |argument| {
        argument.add(ArgValueCandidates::new(move || {
            environments(&words).into_iter().map(CompletionCandidate::new).collect()
        }))
    })
}

/// What is declared by default.
struct Declared {
    addresses: Vec<String>,
    tiers: Vec<String>,
    outputs: Vec<String>,
}

impl Declared {
    fn of(program: &Program) -> Self {
        let config = program.default_config();
        let environment = DEFAULT_ENVIRONMENT.parse().ok();
        let declare = |environment: Environment| {
            program.stack(config.clone(), &environment).declare(&Place::imagined(&config)).ok()
        };
        let Some(graph) = environment.and_then(declare) else {
            return Self { addresses: Vec::new(), tiers: Vec::new(), outputs: Vec::new() };
        };
        let addresses: Vec<String> = graph.nodes().iter().map(|node| node.address.to_string()).collect();
        let tier = |address: &String| Some(address.split_once('/')?.0.to_owned());
        let tiers: BTreeSet<String> = addresses.iter().filter_map(tier).collect();
        let outputs = graph.exports().as_object();
        Self {
            tiers: tiers.into_iter().collect(),
            outputs: outputs.into_iter().flat_map(|all| all.keys().cloned()).collect(),
            addresses,
        }
    }

    /// A command whose arguments, and those of its own commands, offer what can be meant by them.
    fn offered_by(&self, command: Command) -> Command {
        let name = command.get_name().to_owned();
        let command = command.mut_args(|argument| {
            let names: Vec<String> = match (name.as_str(), argument.get_id().as_str()) {
                ("explain", "code") => Code::ALL.iter().map(ToString::to_string).collect(),
                ("outputs", "name") => self.outputs.clone(),
                (_, "address" | "addresses" | "replace") => self.addresses.clone(),
                (_, "only" | "exclude") | ("list", "what") => {
                    self.tiers.iter().chain(&self.addresses).cloned().collect()
                }
                _ => return argument,
            };
            argument
                .add(ArgValueCandidates::new(move || names.iter().map(CompletionCandidate::new).collect()))
        });
        command.mut_subcommands(|command| self.offered_by(command))
    }
}

/// The environments that the configuration file names, and those that the state directory has.
fn environments(words: &[OsString]) -> BTreeSet<String> {
    let chosen = |option: &str, variable: &str| {
        let typed = value_of(words.iter().cloned(), option);
        typed.or_else(|| std::env::var(variable).ok()).filter(|value| !value.is_empty())
    };
    let file = chosen("--config", "STACK_CONFIG").map(PathBuf::from);
    let directory = chosen("--state-dir", "STACK_STATE_DIR").unwrap_or_else(|| DEFAULT_STATE_DIR.to_owned());
    let target = chosen("--target", "STACK_TARGET").and_then(|name| Target::from_str(&name, false).ok());
    let targets = target.as_ref().map_or_else(Target::value_variants, std::slice::from_ref);
    let recorded = targets.iter().flat_map(|target| local_environments(Path::new(&directory), *target));
    let recorded = recorded.map(|environment| environment.as_str().to_owned());
    config::environments(file.as_deref()).into_iter().chain(recorded).collect()
}

/// Bash, which takes `--env=prod` for three words.
struct JoiningBash;

impl EnvCompleter for JoiningBash {
    fn name(&self) -> &'static str {
        Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        Bash.is(name)
    }

    fn write_registration(
        &self,
        variable: &str,
        name: &str,
        bin: &str,
        completer: &str,
        script: &mut dyn Write,
    ) -> std::io::Result<()> {
        Bash.write_registration(variable, name, bin, completer, script)
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        here: Option<&Path>,
        answer: &mut dyn Write,
    ) -> std::io::Result<()> {
        let index = std::env::var("_CLAP_COMPLETE_INDEX").ok().and_then(|index| index.parse().ok());
        let (words, index) = without_equals_signs(words, index.unwrap_or_default());
        let separator = std::env::var("_CLAP_IFS").unwrap_or_else(|_| "\n".to_owned());
        let candidates = engine::complete(command, words, index, here)?;
        let values: Vec<_> =
            candidates.iter().map(|candidate| candidate.get_value().to_string_lossy()).collect();
        answer.write_all(values.join(&separator).as_bytes())
    }
}

/// An option and its value as two words, as in `--env prod`, and the index of the word that is typed.
fn without_equals_signs(words: Vec<OsString>, index: usize) -> (Vec<OsString>, usize) {
    let mut kept: Vec<OsString> = Vec::new();
    let mut at = index;
    for (place, word) in words.into_iter().enumerate() {
        let is_sign =
            word == "=" && kept.last().is_some_and(|last| last.as_encoded_bytes().starts_with(b"--"));
        match is_sign {
            true if place == index => kept.push(OsString::new()),
            true => at -= usize::from(place < index),
            false => kept.push(word),
        }
    }
    (kept, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bash_takes_apart_is_put_together() {
        for (words, index, wanted, at) in [
            (&["stack", "--env", "=", "pr"][..], 3, &["stack", "--env", "pr"][..], 2),
            (&["stack", "--env", "="], 2, &["stack", "--env", ""], 2),
            (&["stack", "--env", "", "up"], 2, &["stack", "--env", "", "up"], 2),
            (&["stack", "--env", "=", "pr", "up", "--ev"], 5, &["stack", "--env", "pr", "up", "--ev"], 4),
            (
                &["stack", "--env", "pr", "--config", "=", "x"],
                2,
                &["stack", "--env", "pr", "--config", "x"],
                2,
            ),
            (&["stack", "up", "="], 2, &["stack", "up", "="], 2),
        ] {
            let words = words.iter().map(OsString::from).collect();
            let wanted: Vec<OsString> = wanted.iter().map(OsString::from).collect();
            assert_eq!(without_equals_signs(words, index), (wanted, at));
        }
    }
}
