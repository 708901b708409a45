//! Every command that the README shows is run, in the order in which it stands there, or has a reason why not.

use std::fs;
use std::path::PathBuf;

use crate::command::{Ended, Workplace};
use crate::server::Server;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The lines of the README's blocks in which somebody types: shell lines, and what stands behind a `$` in transcripts.
fn typed() -> Vec<String> {
    let text = fs::read_to_string(repository().join("README.md")).unwrap();
    let (mut typed, mut block) = (Vec::new(), None);
    for line in text.lines() {
        match (block, line.strip_prefix("```")) {
            (None, Some(language)) => block = Some(language),
            (Some(_), Some(_)) => block = None,
            (Some("sh"), None) => typed.extend(command(line)),
            (Some("text"), None) => typed.extend(line.strip_prefix("$ ").and_then(command)),
            _ => {}
        }
    }
    typed
}

/// A line without its comment.
fn command(line: &str) -> Option<String> {
    let line = line.split("  #").next().unwrap_or_default().trim_end();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Arguments, and variables for them.
type Run<'a> = (Vec<&'a str>, Vec<(&'a str, &'a str)>);

/// How a line runs this program, if it does.
fn of_the_program(line: &str) -> Option<Run<'_>> {
    let line = line.split(" | ").next().unwrap();
    let mut words = line.split_whitespace().peekable();
    let mut variables = Vec::new();
    while let Some(variable) = words.peek().and_then(|word| word.split_once('=')) {
        variables.push(variable);
        words.next();
    }
    let rest: Vec<&str> = words.collect();
    match rest.as_slice() {
        ["stack", arguments @ ..] | ["cargo", "run", "-p", "stack", "--", arguments @ ..] => {
            Some((arguments.to_vec(), variables))
        }
        ["cargo", "run", "-p", "stack"] => Some((Vec::new(), variables)),
        _ => None,
    }
}

/// Other programs, and why they are not run here.
const NOT_RUN: &[(&str, &str)] = &[
    ("cargo test --workspace", "it would run this test"),
    ("aws sso login", "somebody has to sign in"),
    ("aws kms disable-key-rotation --key-id …", "the test of `verify` does it with a client"),
    ("cargo run -p engine --example quick_start", "cargo runs in the test; the crate's tests build it"),
    ("cargo run -p vpc --example alone", "cargo runs in the test; the crate's tests build it"),
    ("cargo run -p stack --example three_tiers", "cargo runs in the test; `example::` runs what it does"),
    ("cargo run -p emulator --example in_process", "cargo runs in the test; the crate's tests build it"),
];

#[test]
fn every_command_of_the_readme_runs_or_has_a_reason() {
    let place = Workplace::new();
    let file = fs::read_to_string(repository().join("stack.toml")).unwrap();
    let server = Server::start(&place);
    let bucket = "bucket = \"payment-state-123456789012-ap-southeast-1\"\n";
    let mut ran = 0;
    for line in typed() {
        let Some((arguments, variables)) = of_the_program(&line) else {
            assert!(
                NOT_RUN.iter().any(|(other, _)| *other == line),
                "`{line}` is neither run nor has a reason"
            );
            continue;
        };
        let is_about_the_team = arguments.contains(&"bootstrap") || arguments.contains(&"push");
        let file = match is_about_the_team {
            true => file.replace("[state]\n", &format!("[state]\n{bucket}")),
            false => file.clone(),
        };
        place.write("stack.toml", &file);
        // It is shown after what destroys.
        if arguments.first() == Some(&"verify") {
            place.run(&["up"]).expect(0);
        }
        let is_real = arguments.contains(&"aws");
        let mut command = match is_real {
            true => server.command(&place, &arguments[..arguments.len() - 2]),
            false => place.command(&arguments),
        };
        command.envs(variables);
        let ended = Ended::of(&command.output().unwrap());
        assert_eq!(ended.code, 0, "`{line}`:\n{}\n{}", ended.out, ended.err);
        ran += 1;
    }
    assert!(ran >= 10, "{ran} commands");
}

/// The README's table of commands has those that there are.
#[test]
fn the_table_of_commands_is_complete() {
    let text = fs::read_to_string(repository().join("README.md")).unwrap();
    let table = text.split("| command | does |").nth(1).unwrap();
    let table: String = table.lines().take_while(|line| line.is_empty() || line.starts_with('|')).collect();
    let help = Workplace::new().run(&["--help"]).expect(0).out;
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() >= 10, "{help}");
    for name in names.into_iter().filter(|name| *name != "help") {
        assert!(table.contains(&format!("`stack {name}")), "`stack {name}` is not in the table");
    }
}
