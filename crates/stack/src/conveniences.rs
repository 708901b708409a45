//! What makes the command line handy: manual pages, help, colours.

use std::ffi::OsString;
use std::path::Path;

use clap::ValueEnum as _;
use serde_json::json;

use crate::cli::{Color, Options};
use crate::exit::{Exit, Failure};
use crate::output::{note, print_help, print_json};
use crate::program::Program;
use crate::repeat::flags;

/// Writes the manual pages into a directory.
pub(crate) fn manual(program: &Program, directory: &Path, as_json: bool) -> Result<Exit, Failure> {
    let written = std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(program.command_line(), directory));
    written.map_err(|error| {
        Failure::from_error(Exit::Failed, &error)
            .context(format!("cannot write the manual pages into {}", directory.display()))
            .hint("name a directory that you may write; it is made if it does not exist")
    })?;
    let first = directory.join(format!("{}.1", program.name()));
    note(&format!("manual pages: man -l {}", first.display()));
    if as_json {
        print_json(
            &json!({ "directory": directory.display().to_string(), "first": first.display().to_string() }),
        )?;
    }
    Ok(Exit::Done)
}

/// Shows the help, where a command must be named and is not.
pub(crate) fn no_command(program: &Program, options: &Options) -> Failure {
    print_help(program.command_line());
    Failure::new(Exit::Usage, "no command was given, and the target is real AWS").hint(format!(
        "`{} up{}` deploys; without a command it does so on the embedded AWS only",
        program.name(),
        flags(options, "up")
    ))
}

/// What an option's value comes from: the flag, or the variable that stands for it where the flag is not given.
pub(crate) fn blamed<'a>(flag: &'a str, variable: &'a str) -> &'a str {
    let is_given = std::env::args_os().any(|argument| {
        let argument = argument.to_string_lossy();
        argument == flag || argument.strip_prefix(flag).is_some_and(|rest| rest.starts_with('='))
    });
    if !is_given && std::env::var_os(variable).is_some() { variable } else { flag }
}

/// What `--color` says, before the command line is read.
pub(crate) fn color(arguments: impl IntoIterator<Item = OsString>) -> Option<Color> {
    Color::from_str(&value_of(arguments, "--color")?, false).ok()
}

/// The value of an option on a command line that was not parsed.
pub(crate) fn value_of(arguments: impl IntoIterator<Item = OsString>, option: &str) -> Option<String> {
    let mut arguments = arguments.into_iter().take_while(|argument| argument != "--");
    while let Some(argument) = arguments.next() {
        let Some(rest) = argument.to_str().and_then(|text| text.strip_prefix(option)) else { continue };
        match rest.strip_prefix('=') {
            Some(value) => return Some(value.to_owned()),
            None if rest.is_empty() => return arguments.next()?.into_string().ok(),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_of_colours_is_found_before_the_rest_is_read() {
        let color = |arguments: &[&str]| super::color(arguments.iter().map(OsString::from));
        assert_eq!(color(&["stack", "--color", "never", "--no-such"]), Some(Color::Never));
        assert_eq!(color(&["stack", "--color=always"]), Some(Color::Always));
        for arguments in [
            &["stack"][..],
            &["stack", "--color"],
            &["stack", "--color=x"],
            &["stack", "--", "--color=never"],
        ] {
            assert_eq!(color(arguments), None, "{arguments:?}");
        }
    }
}
