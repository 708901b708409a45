//! Completions, asked for as the shells ask for them.

use std::process::Command;

use crate::command::{Ended, Workplace};

/// What a shell is offered for the last of these words.
fn asked(place: &Workplace, shell: &str, words: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    let mut command = place.command(&["--"]);
    command.args(words).env("COMPLETE", shell).envs(variables.iter().copied());
    if shell != "fish" {
        command.env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string()).env("_CLAP_IFS", "\n");
    }
    let ended = Ended::of(&command.output().unwrap()).expect(0);
    assert_eq!(ended.err, "", "{shell} {words:?}");
    // Fish and zsh get the help as well.
    let value = |line: &str| line.split(['\t', ':']).next().unwrap().to_owned();
    ended.out.lines().filter(|line| !line.is_empty()).map(value).collect()
}

/// The same for each of the shells, which must be offered the same.
#[track_caller]
fn offered(place: &Workplace, words: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    let offered = ["bash", "zsh", "fish"].map(|shell| asked(place, shell, words, variables));
    assert!(offered.iter().all(|one| *one == offered[0]), "{words:?}: {offered:?}");
    offered.into_iter().next().unwrap()
}

fn recorded(place: &Workplace, names: &[&str]) {
    for name in names {
        std::fs::create_dir_all(place.path().join(name)).unwrap();
    }
}

#[test]
fn environments_of_the_file_and_of_the_state_directory_are_offered() {
    let place = Workplace::new();
    place.write(
        "stack.toml",
        "[environments.prod.vpc]\nnat = \"single\"\n[environments.pr7]\n[vpc]\nnat = 3\n",
    );
    place.write("other.toml", "[environments.staging]\n");
    recorded(&place, &[".stack/embedded/dev", ".stack/embedded/Not an environment", ".stack/aws/prod"]);
    recorded(&place, &[".stack/aws/pay", "kept/aws/live", "kept/embedded/test", ".stack/emulator"]);
    let before = std::fs::read_dir(place.path()).unwrap().count();
    for (words, wanted) in [
        (&["stack", "--env", ""][..], &["dev", "pay", "pr7", "prod"][..]),
        (&["stack", "preview", "--env", "pr"], &["pr7", "prod"]),
        (&["stack", "preview", "--env=pr"], &["pr7", "prod"]),
        (&["stack", "state", "push", "--target", "aws", "--env", ""], &["pay", "pr7", "prod"]),
        (&["stack", "--target=embedded", "--env", ""], &["dev", "pr7", "prod"]),
        (&["stack", "--config", "other.toml", "up", "--env", ""], &["dev", "pay", "prod", "staging"]),
        (&["stack", "--config=other.toml", "--state-dir", "kept", "--env", ""], &["live", "staging", "test"]),
        (&["stack", "--config", "none.toml", "--state-dir", "none", "--env", ""], &[]),
        (&["stack", "--env", "x"], &[]),
    ] {
        let is_joined = words.last().unwrap().starts_with("--env=");
        let wanted: Vec<String> = match is_joined {
            true => wanted.iter().map(|name| format!("--env={name}")).collect(),
            false => wanted.iter().map(|&name| name.to_owned()).collect(),
        };
        assert_eq!(offered(&place, words, &[]), wanted, "{words:?}");
    }
    let variables = [("STACK_CONFIG", "other.toml"), ("STACK_STATE_DIR", "kept"), ("STACK_TARGET", "aws")];
    assert_eq!(offered(&place, &["stack", "--env", ""], &variables), ["live", "staging"]);
    let words = ["stack", "--config", "stack.toml", "--env", ""];
    assert_eq!(offered(&place, &words, &variables), ["live", "pr7", "prod"]);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), before);
}

#[test]
fn what_cannot_be_read_has_no_names_and_nothing_is_said() {
    let place = Workplace::new();
    for file in [
        "[environments.prod\n",
        "environments = 3\n",
        "environments = { Prod = {}, \"a b\" = {} }\n",
        "\u{1}",
    ] {
        place.write("stack.toml", file);
        assert_eq!(offered(&place, &["stack", "--env", ""], &[]), Vec::<String>::new(), "{file}");
    }
    place.write(".stack", "a file");
    std::fs::remove_file(place.path().join("stack.toml")).unwrap();
    recorded(&place, &["stack.toml"]);
    assert_eq!(offered(&place, &["stack", "--env", ""], &[]), Vec::<String>::new());
}

#[test]
fn commands_options_and_values_are_offered() {
    let place = Workplace::new();
    for (words, wanted) in [
        (&["stack", "pre"][..], &["preview"][..]),
        (&["stack", "state", "pu"], &["push", "pull"]),
        (&["stack", "up", "--ev"], &["--events"]),
        (&["stack", "up", "--target", ""], &["embedded", "aws"]),
        (&["stack", "completions", "fi"], &["fish"]),
        (&["stack", "explain", "E030"], &["E0301", "E0302", "E0303"]),
        (&["stack", "logs", "a"], &["app", "api", "api-execution", "api-waf"]),
        (&["stack", "outputs", "databaseE"], &["databaseEndpoint"]),
        (&["stack", "state", "show", "vpc/igw"], &["vpc/igw", "vpc/igw-attachment"]),
        (&["stack", "up", "--only", "backup/s"], &["backup/schedule-role", "backup/schedule"]),
        (&["stack", "up", "--replace", "monitoring/dash"], &["monitoring/dashboard"]),
        (&["stack", "import", "database/cl"], &["database/cluster"]),
        (&["stack", "refresh", "--accept", "alb/web-acl-l"], &["alb/web-acl-logging"]),
    ] {
        assert_eq!(offered(&place, words, &[]), wanted, "{words:?}");
    }
    assert_eq!(offered(&place, &["stack", "up", "--exclude", "data"], &[])[0], "database");
    place.write("plan.json", "");
    let offered = offered(&place, &["stack", "up", "pl"], &[]);
    assert_eq!(offered, ["plan.json"]);
}

/// A variable of this name that means something else.
#[test]
fn a_command_line_is_run_unless_a_shell_asks() {
    let place = Workplace::new();
    for value in ["1", "bash", "nu"] {
        let mut command = place.command(&["explain", "E0301"]);
        let ended = Ended::of(&command.env("COMPLETE", value).output().unwrap()).expect(0);
        assert!(ended.out.starts_with("# E0301"), "{}", ended.out);
    }
    let mut command = place.command(&["--"]);
    let ended = Ended::of(&command.env("COMPLETE", "fish").output().unwrap()).expect(1);
    assert_eq!((ended.out.as_str(), ended.err.as_str()), ("", ""));
}

#[test]
fn each_shell_gets_a_script_that_asks_this_program() {
    let place = Workplace::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = place.run(&["completions", shell]).expect(0);
        assert!(ended.out.contains(env!("CARGO_BIN_EXE_stack")), "{shell}: {}", ended.out);
        assert!(ended.out.contains(shell), "{shell}: {}", ended.out);
        assert_eq!(ended.err, "");
        place.write(&format!("script.{shell}"), &ended.out);
    }
    for shell in ["bash", "zsh", "fish"] {
        let mut check = Command::new(shell);
        let checked = check.args(["-n", &format!("script.{shell}")]).current_dir(place.path()).status();
        assert!(checked.is_ok_and(|it| it.success()) || !is_there(shell), "{shell}");
    }
}

fn is_there(shell: &str) -> bool {
    Command::new(shell).arg("--version").output().is_ok()
}

/// Bash takes `--env=pr` apart, and replaces what stands behind the sign.
#[test]
fn bash_itself_completes_what_is_typed() {
    if !is_there("bash") {
        return eprintln!("skipped: there is no bash");
    }
    let place = Workplace::new();
    place.write("stack.toml", "[environments.prod]\n[environments.pr7]\n");
    place.write("script", &place.run(&["completions", "bash"]).expect(0).out);
    for (words, typed, wanted) in [
        ("stack --env pr", "pr", "pr7 prod"),
        ("stack --env = pr", "pr", "pr7 prod"),
        ("stack --env =", "", "pr7 prod"),
        ("stack preview --env = pro", "pro", "prod"),
        ("stack pre", "pre", "preview"),
    ] {
        let script = format!(
            "source ./script; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_TYPE=9; \
             _clap_complete_stack stack '{typed}'; echo \"${{COMPREPLY[*]}}\""
        );
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &script]).current_dir(place.path());
        let ended = Ended::of(&bash.output().unwrap()).expect(0);
        assert_eq!(ended.out.trim_end(), wanted, "{words}\n{}", ended.err);
    }
}
