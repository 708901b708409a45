//! Explanations, manual pages, and how much is said in which colours.

use regex::Regex;

use crate::command::{Ended, Workplace};

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
fn quiet_leaves_the_summary_and_errors_and_verbose_adds_the_calls_without_what_is_in_them() {
    let place = Workplace::new();
    let up = place.run(&["up", "--quiet"]).expect(0);
    assert!(
        Regex::new(r"^Done in [^\n]+: 171 created, 1 adopted\n$").unwrap().is_match(&up.err),
        "{}",
        up.err
    );
    assert_eq!(up.out, "");
    let again = place.run(&["up", "-q"]).expect(0);
    assert_eq!(again.err, "payment dev (embedded, ap-southeast-1): nothing to do; 172 unchanged\n");
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
