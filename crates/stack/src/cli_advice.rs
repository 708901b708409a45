//! What is said of a command line that is wrong, beyond what clap says.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::conveniences::blamed;

/// What other tools call a command, and what to run here.
const ELSEWHERE: [(&str, &str); 7] = [
    ("plan", "`preview` shows what `up` would do"),
    ("diff", "`preview` shows what `up` would do"),
    ("apply", "`up` shows what it will do and does it; `preview` only shows it"),
    ("output", "`outputs` prints them"),
    ("drift", "`refresh` compares live AWS with the recorded state"),
    ("force-unlock", "`unlock` takes the lock away from a run that has died"),
    ("delete", "`destroy` deletes everything recorded for the environment"),
];

/// Flags that have a variable.
const BY_VARIABLE: [(&str, &str); 4] = [
    ("--env", "STACK_ENV"),
    ("--config", "STACK_CONFIG"),
    ("--state-dir", "STACK_STATE_DIR"),
    ("--target", "STACK_TARGET"),
];

/// An error with advice that helps: what a command of another tool is called here, which command has the flag, and that it was a
/// variable and no flag.
pub(crate) fn with_advice(mut error: clap::Error, program: &clap::Command) -> clap::Error {
    let advise = |error: &mut clap::Error, advice: Vec<StyledStr>| {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(advice));
    };
    if let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) {
        let advice = ELSEWHERE.iter().find(|(name, _)| name == typed).map(|(_, advice)| *advice);
        if let Some(advice) = advice {
            advise(&mut error, vec![StyledStr::from(advice)]);
        }
    }
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return error };
    let argument = argument.clone();
    if error.kind() == ErrorKind::UnknownArgument {
        let mut tips = match error.get(ContextKind::Suggested) {
            Some(ContextValue::StyledStrs(tips)) => tips.clone(),
            _ => Vec::new(),
        };
        // Nobody means a plan whose name begins with a hyphen, which clap thinks of.
        tips.retain(|tip| !tip.to_string().contains("as a value, use"));
        let owners = with_flag(program, &argument);
        if !owners.is_empty() {
            // Nobody means a flag that only looks like it.
            error.remove(ContextKind::SuggestedArg);
            tips.push(StyledStr::from(format!("{argument} is a flag of {}", owners.join(" and "))));
        }
        match tips.is_empty() {
            true => drop(error.remove(ContextKind::Suggested)),
            false => advise(&mut error, tips),
        }
        return error;
    }
    let flag = argument.split_whitespace().next().unwrap_or_default();
    let by = BY_VARIABLE.iter().find(|(known, _)| *known == flag);
    if let Some((flag, variable)) = by
        && blamed(flag, variable) == *variable
    {
        error.insert(ContextKind::InvalidArg, ContextValue::String((*variable).to_owned()));
        advise(&mut error, vec![StyledStr::from(format!("correct the variable {variable}, or unset it"))]);
    }
    error
}

/// The commands that have a flag of their own.
fn with_flag(program: &clap::Command, flag: &str) -> Vec<String> {
    let Some(name) = flag.strip_prefix("--") else { return Vec::new() };
    let mut found = Vec::new();
    for command in program.get_subcommands() {
        let has = |command: &clap::Command| command.get_arguments().any(|one| one.get_long() == Some(name));
        if has(command) {
            found.push(format!("`{} {}`", program.get_name(), command.get_name()));
        }
        let inner = command.get_subcommands().filter(|inner| has(inner));
        found
            .extend(inner.map(|inner| {
                format!("`{} {} {}`", program.get_name(), command.get_name(), inner.get_name())
            }));
    }
    found
}
