//! Files that are missing, and names that promise more than their settings hold.

use crate::command::Workplace;

/// A wrong name would create a second stack, without the settings of the one that was meant.
#[test]
fn an_environment_that_nothing_knows_is_refused_where_nobody_is_asked() {
    let place = Workplace::new();
    place.write("stack.toml", "[environments.e1]\n[environments.e2]\n");
    let unknown = "nothing is recorded for payment production (embedded, ap-southeast-1), and stack.toml has no section \
                   [environments.production]; it has sections for e1, e2\n";
    for more in [["--yes"].as_slice(), &[]] {
        let ended = place.run(&[["up", "--env", "production"].as_slice(), more].concat()).expect(65);
        assert!(ended.err.contains(&format!("error[E0104]: {unknown}")), "{}", ended.err);
        for part in
            ["a section [environments.production] to stack.toml", "--new-environment", "`stack env list`"]
        {
            assert!(ended.err.contains(part), "{}", ended.err);
        }
        assert!(!place.path().join(".stack").exists());
    }
    let preview = place.run(&["preview", "--env", "production", "--quiet"]).expect(0);
    assert!(preview.err.contains(&format!("  WARNING: {unknown}")), "{}", preview.err);
    // The embedded AWS's first environment, and one with a section.
    for known in ["dev", "e1"] {
        let preview = place.run(&["preview", "--env", known]).expect(0);
        assert!(!preview.err.contains("has no section"), "{}", preview.err);
    }
    place.run(&["up", "--env", "production", "--yes", "--new-environment"]).expect(0);
    place.run(&["up", "--env", "production", "--yes"]).expect(0);
    // A file without sections says nothing of names.
    place.write("stack.toml", "[vpc]\nnat = \"single\"\n");
    place.run(&["up", "--env", "qa", "--yes"]).expect(0);
}

#[test]
fn that_there_is_no_file_is_said_before_a_first_deployment() {
    let place = Workplace::new();
    let said = "no stack.toml here: every value is its default, unless a flag or a variable sets it; `stack config` shows them\n";
    assert!(place.run(&["preview"]).expect(0).err.contains(said));
    let up = place.run(&["up"]).expect(0);
    assert!(up.err.contains(said), "{}", up.err);
    assert!(!place.run(&["preview"]).expect(0).err.contains(said));
    place.write("stack.toml", "[environments.qa]\n");
    assert!(!place.run(&["preview", "--env", "qa"]).expect(0).err.contains(said));
}

#[test]
fn a_file_that_the_environment_was_deployed_with_must_be_there_to_destroy_it() {
    let place = Workplace::new();
    place.write("stack.toml", "[vpc]\nnat = \"single\"\n");
    place.run(&["up"]).expect(0);
    std::fs::remove_file(place.path().join("stack.toml")).unwrap();
    let before = place.emulator_bytes();
    let ended = place.run(&["destroy", "--yes"]).expect(65);
    let says =
        "error[E0106]: the last `up` of dev used stack.toml, which is not here\nhint: nothing was changed. ";
    assert!(ended.err.contains(says), "{}", ended.err);
    assert_eq!(place.emulator_bytes(), before);
    let preview = place.run(&["preview"]).expect(0);
    assert!(
        preview.err.contains("WARNING: the last `up` of dev used stack.toml, which is not here"),
        "{}",
        preview.err
    );
    // That the defaults are meant can be said: then it goes as far as the question.
    place.write("stack.toml", "");
    let ended = place.run(&["destroy"]).expect(64);
    assert!(ended.err.contains("error[E0103]: there is no terminal"), "{}", ended.err);
    // An `up` without a file is one to which no file belongs.
    std::fs::remove_file(place.path().join("stack.toml")).unwrap();
    place.run(&["up"]).expect(0);
    place.run(&["destroy"]).expect(64);
}

#[test]
fn a_name_of_a_real_environment_with_open_settings_is_warned_of() {
    let place = Workplace::new();
    let open = place.run(&["preview", "--env", "prod-eu", "--set", "database.instances=1"]).expect(0).err;
    assert!(open.contains("  WARNING: prod-eu has settings that are for trying out:\n"), "{open}");
    for setting in
        ["database.deletion_protection = false", "database.instances = 1", "logs.keep_on_destroy = false"]
    {
        assert!(open.contains(&format!("\n    {setting}\n")), "{open}");
    }
    for name in ["dev", "preprod"] {
        assert!(!place.run(&["preview", "--env", name]).expect(0).err.contains("WARNING"), "{name}");
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack.toml");
    place.write("stack.toml", &std::fs::read_to_string(file).unwrap());
    let prod = place.run(&["preview", "--env", "prod"]).expect(0).err;
    assert!(!prod.contains("WARNING"), "{prod}");
}
