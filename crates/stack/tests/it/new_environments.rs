//! Files that are missing, and names that promise more than their settings hold.

use crate::command::Workplace;

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
