//! The worker's section of `stack.toml`, as people meet it.

use crate::command::Workplace;

#[test]
fn the_section_is_in_the_schema_and_in_what_config_shows() {
    let place = Workplace::with("[worker]\ntasks = 4\n");
    let schema = place.run(&["config", "--schema"]).expect(0).json();
    let section = &schema["definitions"]["worker"];
    assert_eq!(section["description"], "The worker: a queue, and tasks that work on its messages.");
    assert_eq!(section["properties"]["attempts"]["default"], 5);
    // All else is the schema of the payment stack.
    let mut without = schema.clone();
    for keys in ["/definitions", "/properties", "/definitions/environment/properties"] {
        let removed = without.pointer_mut(keys).unwrap().as_object_mut().unwrap().remove("worker");
        assert!(removed.is_some(), "{keys}");
    }
    assert_eq!(without, stack::schema());

    let shown = place
        .run_with(&["config", "--set", "worker.attempts=7"], &[("STACK_WORKER__SECONDS_PER_MESSAGE", "90")]);
    let shown = shown.expect(0).out;
    let lines: Vec<String> =
        shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for expected in [
        "[worker]",
        "tasks = 4 # stack.toml:2",
        "attempts = 7 # --set worker.attempts",
        "seconds_per_message = 90 # STACK_WORKER__SECONDS_PER_MESSAGE",
        "# image = # not set",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}: {shown}");
    }
}

#[test]
fn a_mistake_in_the_section_names_file_line_key_and_what_would_be_right() {
    for (text, message, hint) in [
        (
            "[worker]\n\natempts = 3\n",
            "stack.toml, line 3: `worker.atempts`: there is no such key",
            "did you mean `attempts`?",
        ),
        ("[wroker]\n", "stack.toml, line 1: `wroker`: there is no such tier", "did you mean `worker`?"),
        (
            "[worker]\ntasks = \"two\"\n",
            "stack.toml, line 2: `worker.tasks`: invalid type",
            "the default is: 2",
        ),
        ("[worker]\nattempts = 0\n", "stack.toml, line 2: `worker.attempts`: 0 is out of range", "1 to 1000"),
        (
            "[environments.dev.worker]\nimage = \"worker\"\n",
            "stack.toml, line 2: `environments.dev.worker.image`: `worker` is not the whole name",
            "public.ecr.aws/example/worker:1.4",
        ),
        ("[worker]\nlog_retention_in_days = 4\n", "stack.toml, line 2: `worker.log_retention_in_days`: ", ""),
    ] {
        let place = Workplace::with(text);
        let refused = place.run(&["preview"]).expect(65);
        assert!(refused.err.contains(message), "{text:?} gave {}", refused.err);
        assert!(refused.err.contains(hint), "{text:?} gave {}", refused.err);
        assert!(!place.path().join(".stack").exists(), "{text:?} called something");
    }
    let place = Workplace::new();
    let refused = place.run_with(&["preview"], &[("STACK_WORKER__TASK", "1")]).expect(65);
    assert!(refused.err.contains("`STACK_WORKER__TASK`: there is no such key"), "{}", refused.err);
    assert!(refused.err.contains("did you mean `STACK_WORKER__TASKS`?"), "{}", refused.err);
}

#[test]
fn help_and_version_name_the_program() {
    let place = Workplace::new();
    let version = place.run(&["--version"]).expect(0);
    assert_eq!(version.out, format!("example-worker {}\n", env!("CARGO_PKG_VERSION")));
    let help = place.run(&["--help"]).expect(0);
    assert!(help.out.contains("Usage: example-worker [OPTIONS] [COMMAND]"), "{}", help.out);
}
