//! Files that are named to be written: nothing that the program needs is lost by a slip.

use crate::command::Workplace;

#[test]
fn no_output_takes_the_place_of_the_state_the_configuration_or_the_plan() {
    let place = Workplace::new();
    place.write("stack.toml", "[vpc]\nnat = \"single\"\n");
    place.write("other.toml", "[vpc]\nnat = \"single\"\n");
    place.run(&["up"]).expect(0);
    place.run(&["preview", "--out", "plan.json"]).expect(0);
    let journal = ".stack/embedded/dev/journal.jsonl";
    let read = |name: &str| std::fs::read(place.path().join(name)).unwrap();
    let all = || (place.files("dev"), ["stack.toml", "other.toml", "plan.json"].map(read));
    let before = all();
    for (arguments, why) in [
        (&["preview", "--out", journal][..], "it is in the state directory .stack"),
        (&["preview", "--out", ".stack/new.json"], "it is in the state directory .stack"),
        (&["up", "--events", journal], "it is in the state directory .stack"),
        (
            &["up", "--json", "--events", "./.stack/../.stack/emulator/ec2.json"],
            "it is in the state directory .stack",
        ),
        (&["destroy", "--yes", "--events", journal], "it is in the state directory .stack"),
        (&["destroy", "--preview", "--out", journal], "it is in the state directory .stack"),
        (&["verify", "--junit", journal], "it is in the state directory .stack"),
        (&["export", "cloudformation", "--out", journal], "it is in the state directory .stack"),
        (&["preview", "--out", "stack.toml"], "it is the configuration"),
        (&["up", "--events", "./stack.toml"], "it is the configuration"),
        (&["verify", "--junit", "stack.toml"], "it is the configuration"),
        (&["export", "cloudformation", "--out", "stack.toml"], "it is the configuration"),
        (&["up", "--config", "other.toml", "--events", "other.toml"], "it is the configuration"),
        (&["up", "plan.json", "--events", "plan.json"], "it is the plan that is to be run"),
    ] {
        let ended = place.run(arguments).expect(64);
        let flag = arguments.iter().find(|one| ["--out", "--events", "--junit"].contains(one)).unwrap();
        assert!(ended.err.contains(&format!("error[E0101]: {flag}: cannot write ")), "{}", ended.err);
        assert!(ended.err.contains(&format!(": {why}\nhint: nothing was written")), "{}", ended.err);
        assert!(all() == before, "{arguments:?}");
    }
    // Another configuration than the one in use is any file, and a state directory that somebody works in has other files.
    place.run(&["export", "cloudformation", "--config", "other.toml", "--out", "template.json"]).expect(0);
    place.run(&["preview", "--state-dir", ".", "--out", "here.json"]).expect(0);
    place.run(&["preview", "--state-dir", ".", "--out", "embedded/dev/here.json"]).expect(64);
    assert!(all() == before);
}
