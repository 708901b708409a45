//! Explanations, manual pages, and how much is said in which colours.

use regex::Regex;
use serde_json::json;

use crate::command::{Ended, Workplace};
use crate::server::Server;

#[test]
fn an_error_is_explained_by_its_code() {
    let place = Workplace::new();
    let page = place.run(&["explain", "e0301"]).expect(0);
    assert!(page.out.starts_with("# E0301: AWS denies the call\n"), "{}", page.out);
    assert_eq!(page.err, "");
    let list = place.run(&["explain"]).expect(0).out;
    assert!(list.lines().any(|line| line == "E0401  a quota of the account is reached"), "{list}");
    let unknown = place.run(&["explain", "E0310"]).expect(64);
    assert!(
        unknown
            .err
            .starts_with("error[E0101]: `E0310` is not the code of an error\nhint: did you mean E0301?")
    );
    let slip = place.run(&["explian"]).expect(64);
    assert!(slip.err.starts_with("error[E0101]: unrecognized subcommand"), "{}", slip.err);
    assert!(!place.path().join(".stack").exists());
}

#[test]
fn manual_pages_are_for_the_commands_that_there_are() {
    let place = Workplace::new();
    place.run(&["man", "pages/man1"]).expect(0);
    for page in ["stack.1", "stack-up.1", "stack-state-verify.1"] {
        let text = std::fs::read_to_string(place.path().join("pages/man1").join(page)).unwrap();
        assert!(text.contains(".TH ") && text.contains("NAME"), "{page}");
    }
    place.write("file", "");
    let ended = place.run(&["man", "file"]).expect(1);
    assert!(
        ended.err.starts_with("error[E0901]: cannot write the manual pages into file\n"),
        "{}",
        ended.err
    );
}

#[test]
fn quiet_leaves_warnings_the_summary_and_errors_and_verbose_adds_the_calls_without_what_is_in_them() {
    let place = Workplace::new();
    let up = place.run(&["up", "--quiet"]).expect(0);
    assert!(
        Regex::new(
            r"^payment dev: the embedded AWS, ap-southeast-1\nDone in [^\n]+: 171 created, 1 adopted\n$"
        )
        .unwrap()
        .is_match(&up.err),
        "{}",
        up.err
    );
    assert_eq!(up.out, "");
    let again = place.run(&["up", "-q"]).expect(0);
    let heading = "payment dev: the embedded AWS, ap-southeast-1\n";
    assert_eq!(
        again.err,
        format!("{heading}payment dev (embedded, ap-southeast-1): nothing to do; 172 unchanged\n")
    );
    // What is lost, and what may be wrong, is told whatever is left out.
    let single = place.run(&["up", "-q", "--set", "vpc.nat=single"]).expect(0);
    let lost = Regex::new(
        r"^payment dev: the embedded AWS, ap-southeast-1\n(  ADDRESS LOST: [^\n]+\n){2}Done in [^\n]+\n$",
    );
    assert!(lost.unwrap().is_match(&single.err), "{}", single.err);
    let open = place.run(&["preview", "-q", "--env", "prod-eu"]).expect(0);
    assert!(open.err.contains("WARNING: prod-eu has settings that are for trying out:\n"), "{}", open.err);
    let wrong = place.run(&["preview", "-q", "--set", "vpc.nat=two"]).expect(65);
    assert!(wrong.err.starts_with("error[E0102]: "), "{}", wrong.err);

    let preview = place.run(&["preview", "--verbose"]).expect(0);
    let calls: Vec<&str> = preview.err.lines().filter(|line| line.starts_with("call ")).collect();
    let line = Regex::new(
        r"^call [a-z0-9-]+ [A-Za-z0-9]+: [0-9]{3} in [0-9]+\.[0-9]{2} s(, request [A-Za-z0-9-]+)?$",
    )
    .unwrap();
    assert!(calls.iter().all(|call| line.is_match(call)), "{calls:#?}");
    for call in [
        "call sts GetCallerIdentity: 200 in",
        "call ec2 DescribeVpcs: 200",
        "call apigateway GetRestApi: 200",
    ] {
        assert!(calls.iter().any(|one| one.starts_with(call)), "{call}: {calls:#?}");
    }
    assert!(!preview.err.contains("vpc-") && !preview.err.contains("10.0."), "{}", preview.err);
    assert_eq!(preview.out, place.run(&["preview"]).expect(0).out);
    place.run(&["preview", "-q", "-v"]).expect(64);
}

#[test]
fn colours_are_where_they_are_wanted() {
    let place = Workplace::new();
    let run = |arguments: &[&str], variable: Option<(&str, &str)>| {
        let mut command = place.command(arguments);
        let ended = Ended::of(&command.envs(variable).output().unwrap());
        ended.out.contains("\u{1b}[") || ended.err.contains("\u{1b}[")
    };
    let plan = ["preview", "--details"];
    assert!(!run(&plan, None));
    assert!(run(&[&plan[..], &["--color", "always"]].concat(), None));
    assert!(run(&plan, Some(("CLICOLOR_FORCE", "1"))));
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        assert!(!run(&plan, Some(variable)));
    }
    assert!(!run(&[&plan[..], &["--color=never"]].concat(), Some(("CLICOLOR_FORCE", "1"))));
    assert!(run(&["no-such-command", "--color=always"], None));
    assert!(!run(&["no-such-command", "--color=never"], Some(("CLICOLOR_FORCE", "1"))));
}

#[test]
fn without_a_command_nothing_is_deployed_to_real_aws() {
    let place = Workplace::new();
    for (arguments, variable) in
        [(&["--target", "aws", "--yes"][..], None), (&[], Some(("STACK_TARGET", "aws")))]
    {
        let ended = Ended::of(&place.command(arguments).envs(variable).output().unwrap()).expect(64);
        assert!(ended.err.contains("Usage: stack"), "{}", ended.err);
        assert!(
            ended.err.contains("error[E0101]: no command was given, and the target is real AWS\n"),
            "{}",
            ended.err
        );
        assert_eq!(ended.out, "");
    }
    assert!(!place.path().join(".stack").exists());
}

/// In the log of a pipeline, it is all that says where something was done.
#[test]
fn a_quiet_run_on_real_aws_names_project_environment_and_account() {
    let place = Workplace::new();
    let server = Server::start(&place);
    let up = server.run(&place, &["up", "-q"]).expect(0);
    let heading = "payment dev: AWS account 123456789012 in ap-southeast-1, as arn:aws:";
    assert!(up.err.starts_with(heading) && up.err.contains("\nDone in "), "{}", up.err);
    assert!(!up.err.contains("created vpc/vpc"), "{}", up.err);
}

#[test]
fn json_is_printed_by_every_command_that_has_something_to_say() {
    let place = Workplace::new();
    let page = place.run(&["explain", "E0301", "--json"]).expect(0).json();
    assert_eq!((&page["code"], &page["title"]), (&"E0301".into(), &"AWS denies the call".into()));
    assert!(page["page"].as_str().unwrap().starts_with("# E0301: "));
    let all = place.run(&["explain", "--json"]).expect(0).json();
    assert!(all.as_array().unwrap().contains(&json!({ "code": "E0301", "title": "AWS denies the call" })));
    let nobody = place.run(&["unlock", "--json"]).expect(0).json();
    assert_eq!((&nobody["taken_away"], &nobody["from"]), (&json!(false), &json!(null)));
    let pages = place.run(&["man", "pages", "--json"]).expect(0).json();
    assert_eq!(pages, json!({ "directory": "pages", "first": "pages/stack.1" }));
    let file = place.run(&["init", "--json", "--project", "pay", "--environments", "qa"]).expect(0).json();
    let wanted =
        json!({ "file": "stack.toml", "project": "pay", "region": "ap-southeast-1", "environments": ["qa"] });
    assert_eq!(file, wanted);
    let reset = place.run(&["emulator", "reset", "--yes", "--json"]).expect(0).json();
    assert_eq!(reset, json!({ "directory": ".stack/emulator", "files": 0 }));
}

#[test]
fn a_flag_of_another_command_is_answered_with_that_command_and_a_wrong_value_with_what_is_wanted() {
    let place = Workplace::new();
    for (arguments, says) in [
        (&["up", "--details"][..], "tip: --details is a flag of `stack preview` and `stack destroy`\n"),
        (&["refresh", "--junit", "x"], "tip: --junit is a flag of `stack verify`\n"),
        (
            &["up", "--lock-timeout", "-5s"],
            "invalid value '-5s' for '--lock-timeout <DURATION>': a number with s, m or h",
        ),
        (&["verify", "--timeout", "-1"], "invalid value '-1' for '--timeout <SECONDS>'"),
        (&["emulator", "serve", "--latency", "-1"], "a number from 0 up is wanted"),
        (&["up", "-x"], "unexpected argument '-x' found"),
    ] {
        let ended = place.run(arguments).expect(64);
        assert!(ended.err.contains(says), "{}", ended.err);
        assert!(!ended.err.contains("as a value"), "{}", ended.err);
    }
}
