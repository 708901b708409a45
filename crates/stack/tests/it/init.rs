//! `stack init`.

use crate::command::Workplace;

const ARN: &str = "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012";

fn file(place: &Workplace) -> String {
    std::fs::read_to_string(place.path().join("stack.toml")).unwrap()
}

#[test]
fn what_init_writes_is_a_configuration_without_a_warning_for_each_of_its_environments() {
    for arguments in [
        &["init"][..],
        &["init", "--yes", "--project", "shop", "--environments", "test, live,pr7", "--region", "eu-west-1"],
        &["init", "--region", "eu-west-1", "--certificate", ARN, "--domain", "pay.example.com"],
    ] {
        let place = Workplace::new();
        let ended = place.run(arguments).expect(0);
        assert!(ended.err.starts_with("stack.toml is written: `stack preview --env "), "{}", ended.err);
        let text = file(&place);
        assert!(text.lines().all(|line| line.chars().count() <= 130), "{text}");
        let names: Vec<&str> = match arguments.contains(&"--environments") {
            true => vec!["test", "live", "pr7"],
            false => vec!["dev", "prod"],
        };
        for name in names {
            assert!(text.contains(&format!("[environments.{name}.")), "{text}");
            let config = place.run(&["config", "--env", name]).expect(0);
            assert_eq!(config.err, "", "{name}");
            // Warnings about open settings come with the plan: without a certificate it is HTTP, and nothing else is open.
            let preview = place.run(&["preview", "--env", name]).expect(0);
            let open: Vec<&str> = preview.err.lines().filter(|line| line.starts_with("    ")).collect();
            match (name, arguments.contains(&ARN)) {
                ("prod" | "live", false) => {
                    assert_eq!(
                        open,
                        ["    alb.certificate_arn not set, so HTTP without TLS"],
                        "{}",
                        preview.err
                    );
                }
                _ => assert!(open.is_empty() && !preview.err.contains("WARNING"), "{}", preview.err),
            }
        }
    }
}

#[test]
fn init_overwrites_nothing_and_writes_nothing_that_does_not_work() {
    let place = Workplace::new();
    place.write("stack.toml", "# mine\n");
    let ended = place.run(&["init"]).expect(64);
    assert!(
        ended.err.starts_with("error[E0101]: stack.toml exists already; `init` overwrites nothing\n"),
        "{}",
        ended.err
    );
    assert_eq!(file(&place), "# mine\n");
    let ended = place.run(&["init", "--config", "nowhere/other.toml"]).expect(64);
    assert!(
        ended
            .err
            .starts_with("error[E0101]: --config: cannot write nowhere/other.toml: there is no directory"),
        "{}",
        ended.err
    );
    place.run(&["init", "--config", "other.toml"]).expect(0);
    place.run(&["preview", "--config", "other.toml", "--env", "prod"]).expect(0);

    let place = Workplace::new();
    for (arguments, code, says) in [
        (&["--project", "Pay \"x\"\nregion = \"y"][..], 65, "error[E0102]: --project: `Pay "),
        (&["--region", "mars"], 65, "error[E0102]: --region: `mars` is not an AWS region"),
        (
            &["--environments", "dev,Prod"],
            65,
            "error[E0104]: --environments: `Prod` is not the name of an environment",
        ),
        (&["--environments", ","], 64, "error[E0101]: --environments: no environment is named"),
        (
            &["--certificate", "arn:x", "--domain", "a.b"],
            65,
            "--certificate: `arn:x` is not the ARN of a certificate in ACM",
        ),
        (
            &["--certificate", ARN, "--domain", "pay.example.com"],
            65,
            "--certificate: the certificate is in eu-west-1",
        ),
        (&["--certificate", ARN], 64, "--domain"),
    ] {
        let ended = place.run(&[&["init"], arguments].concat()).expect(code);
        assert!(ended.err.contains(says), "{}", ended.err);
        assert!(!place.path().join("stack.toml").exists(), "{arguments:?}");
    }
}

/// What somebody who answers questions gets must not protect less than the file that the documentation shows.
#[test]
fn production_is_configured_as_in_the_sample_file() {
    let values = |place: &Workplace| {
        let shown = place.run(&["config", "--json", "--env", "prod"]).expect(0);
        let shown: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&shown.out).unwrap();
        let keys = shown.into_iter().filter(|(key, _)| !key.starts_with("tags."));
        keys.map(|(key, shown)| (key, shown["value"].clone())).collect::<std::collections::BTreeMap<_, _>>()
    };
    let sample = Workplace::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    sample.write("stack.toml", &std::fs::read_to_string(root.join("stack.toml")).unwrap());
    let sample = values(&sample);
    let certificate = sample["alb.certificate_arn"].as_str().unwrap();
    let place = Workplace::new();
    place.run(&["init", "--certificate", certificate, "--domain", "payments.example.com"]).expect(0);
    assert_eq!(values(&place), sample);
}
