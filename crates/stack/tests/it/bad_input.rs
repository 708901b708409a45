//! Bad input: one clear error, the right exit code, no call, nothing lost.

use crate::command::Workplace;

#[test]
fn bad_configuration_is_one_error_with_exit_code_65_before_any_call() {
    for (text, expected) in [
        ("[vpc\n", "stack.toml, line 1: this is not TOML"),
        ("[vpc]\nzones = 3\n", "stack.toml, line 2: `vpc.zones`: there is no such key"),
        ("[vcp]\ncidr = \"10.0.0.0/16\"\n", "stack.toml, line 1: `vcp`: there is no such tier"),
        ("[vpc]\ncidr = \"10.0.0.0/99\"\n", "stack.toml, line 2: `vpc.cidr`: invalid"),
        ("[vpc]\ncidr = \"10.0.0.0/8\"\n", "stack.toml, line 2: `vpc.cidr`: "),
        ("[vpc]\ncidr = \"10.0.0.0/27\"\n", "stack.toml, line 2: `vpc.cidr`: "),
        ("[vpc]\nzone_count = 9\n", "stack.toml, line 2: `vpc.zone_count`: "),
        ("[vpc]\nnat = \"two\"\n", "stack.toml, line 2: `vpc.nat`: "),
        (
            "[vpc]\navailability_zones = [\"eu-west-1a\", \"ap-southeast-1b\", \"ap-southeast-1c\"]\n",
            "`vpc.availability_zones",
        ),
        (
            "[vpc.flow_logs]\nretention_in_days = 2556\n",
            "stack.toml, line 2: `vpc.flow_logs.retention_in_days`: ",
        ),
        ("[environments.PROD.vpc]\nzone_count = 2\n", "`environments.PROD`"),
    ] {
        let place = Workplace::new();
        place.write("stack.toml", text);
        let ended = place.run(&["up"]).expect(65);
        assert!(ended.err.contains(expected), "{text:?} gave:\n{}", ended.err);
        assert_eq!(ended.err.matches("error: ").count(), 1, "{}", ended.err);
        assert_eq!(ended.err.matches("hint: ").count(), 1, "{}", ended.err);
        assert_eq!(ended.out, "");
        // Only the names of zones need AWS to be checked, which then is asked, and not changed.
        assert!(!place.state_directory("dev").exists(), "{text:?}");
        assert_eq!(place.path().join(".stack").exists(), text.contains("availability_zones"), "{text:?}");
    }
}

#[test]
fn a_bad_environment_name_is_refused_with_the_rule() {
    let place = Workplace::new();
    for name in ["Prod", "", "a-name-that-is-too-long", "../dev", "dev_1"] {
        let ended = place.run(&["preview", "--env", name]).expect(65);
        assert!(ended.err.contains("is not the name of an environment"), "{}", ended.err);
        assert!(ended.err.contains("hint: use 1 to 16 lower case letters"), "{}", ended.err);
    }
    assert!(!place.path().join(".stack").exists());
}

#[test]
fn a_wrong_command_line_is_exit_code_64() {
    let place = Workplace::new();
    place.run(&["upp"]).expect(64);
    place.run(&["up", "--no-such-flag"]).expect(64);
    place.run(&["up", "--target", "azure"]).expect(64);
    let ended = place.run(&["destroy"]).expect(64);
    assert!(ended.err.contains("hint: look at `stack preview`, then add --yes"), "{}", ended.err);
    place.run(&["--help"]).expect(0);
}

#[test]
fn a_named_configuration_file_that_does_not_exist_is_an_error_that_names_it() {
    let place = Workplace::new();
    let ended = place.run(&["up", "--config", "nowhere.toml"]).expect(65);
    assert!(ended.err.contains("nowhere.toml: it cannot be read"), "{}", ended.err);
}

#[test]
fn damaged_state_is_refused_by_file_and_line_and_left_as_it_is() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let journal = place.state_directory("dev").join("journal.jsonl");
    let good = std::fs::read_to_string(&journal).unwrap();
    let flipped = good.replacen("10.0.0.0/16", "10.9.0.0/16", 1);
    let version = good.replacen("\"version\":1", "\"version\":7", 1);
    let cut: String =
        good.lines().take(3).chain(good.lines().skip(4)).map(|line| format!("{line}\n")).collect();
    for (damaged, expected) in
        [(flipped, "hash does not match"), (version, "format version 7"), (cut, "line 4")]
    {
        std::fs::write(&journal, &damaged).unwrap();
        for command in [["up"].as_slice(), &["preview"], &["refresh"], &["outputs"], &["destroy", "--yes"]] {
            let ended = place.run(command).expect(65);
            assert!(ended.err.contains("journal.jsonl, line"), "{}", ended.err);
            assert!(ended.err.contains(expected), "{}", ended.err);
            assert_eq!(std::fs::read_to_string(&journal).unwrap(), damaged);
        }
    }
    // A line that was being written when the machine died was never acknowledged: it is left out.
    std::fs::write(&journal, format!("{good}{{\"n\":")).unwrap();
    place.run(&["preview", "--detailed-exitcode"]).expect(0);
    place.run(&["up"]).expect(0);
}

#[test]
fn a_state_is_not_used_for_another_region() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    for command in [["up"].as_slice(), &["preview"], &["destroy", "--yes"]] {
        let command: Vec<&str> = command.iter().copied().chain(["--region", "us-east-1"]).collect();
        let ended = place.run(&command).expect(65);
        assert!(ended.err.contains("in ap-southeast-1, not"), "{}", ended.err);
    }
    place.run(&["destroy", "--yes"]).expect(0);
    place.run(&["up", "--region", "us-east-1"]).expect(0);
}
