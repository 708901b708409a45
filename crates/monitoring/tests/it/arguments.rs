//! Arguments that cannot work: each is refused before any call, by its name, with what would be right.

use engine::DeclareError;
use monitoring::{Args, DatabaseInputs, Inputs, Thresholds, Tracing};
use testing::declare;

use crate::support::{inputs, tier};

fn refused_with(args: Args, inputs: &Inputs) -> String {
    match declare(&tier(args), inputs).unwrap_err() {
        DeclareError::Argument { argument, reason, hint } => format!("{argument}: {reason} ({hint})"),
        other => panic!("{other}"),
    }
}

#[test]
fn each_is_named_with_what_would_be_right() {
    let base = Args::default;
    let emails = |emails: &[&str]| Args {
        alarm_emails: emails.iter().map(|email| (*email).to_owned()).collect(),
        ..base()
    };
    let thresholds = |thresholds: Thresholds| Args { thresholds, ..base() };
    let t = Thresholds::default;
    let tracing = |tracing: Tracing| Args { tracing, ..base() };
    let x = Tracing::default;
    let rows = [
        (Args { environment: "Dev".into(), ..base() }, "environment: `Dev`"),
        (emails(&["ops"]), "alarm_emails[0]: `ops` is no e-mail address (write it like ops@example.com)"),
        (emails(&["a@example.com", "b c@example.com"]), "alarm_emails[1]: `b c@example.com` is no"),
        (emails(&["a@example"]), "alarm_emails[0]: `a@example` is no"),
        (emails(&["a@-x.example.com"]), "alarm_emails[0]: `a@-x.example.com` is no"),
        (emails(&["a@10.0.0.1"]), "alarm_emails[0]: `a@10.0.0.1` is no"),
        (emails(&[&format!("a@{}.com", "x".repeat(64))]), "alarm_emails[0]: `a@xxxxxxxx"),
        (emails(&["a..b@example.com"]), "alarm_emails[0]: `a..b@example.com` is no"),
        (emails(&[".a@example.com"]), "alarm_emails[0]: `.a@example.com` is no"),
        (emails(&["a@example.com", "A@Example.com"]), "alarm_emails[1]: A@Example.com is there twice"),
        (Args { period: 0, ..base() }, "period: 0 seconds cannot be one period"),
        (Args { period: 90, ..base() }, "period: 90 seconds cannot be one period"),
        (Args { period: 7200, ..base() }, "period: 7200 seconds cannot be one period"),
        (
            Args { disabled_alarms: vec!["ecs-cpu".into(), "ecs".into()], ..base() },
            "disabled_alarms[1]: there is no alarm `ecs` (use one of alb-unhealthy-hosts, ",
        ),
        (Args { error_pattern: " ".into(), ..base() }, "error_pattern: it would count every line"),
        (
            Args { error_pattern: "{ $.level = ".into(), ..base() },
            "error_pattern: at character 13: the pattern ends where a value should be",
        ),
        (
            Args { error_pattern: "[a, b".into(), ..base() },
            "error_pattern: at character 1: this bracket is not closed",
        ),
        (
            Args { error_pattern: "\"fatal".into(), ..base() },
            "error_pattern: at character 1: this quotation mark is not closed",
        ),
        (
            Args { error_pattern: "ERROR level:fatal".into(), ..base() },
            "error_pattern: at character 12: `:` can only stand between quotation marks",
        ),
        (
            Args { error_pattern: "{ $.level == \"error\" }".into(), ..base() },
            "error_pattern: at character 11: `==` is no operator: write `=`",
        ),
        (Args { error_pattern: "\" \"".into(), ..base() }, "error_pattern: it would count every line"),
        (
            Args { error_pattern: "?ERROR ?FATAL -health".into(), ..base() },
            "error_pattern: CloudWatch Logs ignores terms with a question mark",
        ),
        (
            Args { error_pattern: "x".repeat(1025), ..base() },
            "error_pattern: at character 1025: it is longer than the 1024 characters",
        ),
        (tracing(Tracing { fixed_rate: 10.0, ..x() }), "tracing.fixed_rate: 10 is no share (use 0 to 1"),
        (tracing(Tracing { fixed_rate: f64::NAN, ..x() }), "tracing.fixed_rate: NaN is no share"),
        (tracing(Tracing { reservoir: 1001, ..x() }), "tracing.reservoir: 1001 requests a second"),
        (tracing(Tracing { priority: 0, ..x() }), "tracing.priority: AWS does not allow 0"),
        (tracing(Tracing { priority: 10_000, ..x() }), "tracing.priority: AWS does not allow 10000"),
        (
            thresholds(Thresholds { task_cpu_percent: 100.0, ..t() }),
            "thresholds.task_cpu_percent: 100 percent is never passed",
        ),
        (
            thresholds(Thresholds { free_local_storage_percent: -1.0, ..t() }),
            "thresholds.free_local_storage_percent: -1 percent",
        ),
        (
            thresholds(Thresholds { response_seconds: f64::INFINITY, ..t() }),
            "thresholds.response_seconds: inf cannot be a threshold (use 0 or more)",
        ),
        (
            thresholds(Thresholds { unhealthy_hosts: 0, ..t() }),
            "thresholds.unhealthy_hosts: with 0 it is never passed, or always (use 1 or more)",
        ),
        (thresholds(Thresholds { healthy_hosts: Some(0), ..t() }), "thresholds.healthy_hosts: with 0"),
        (
            thresholds(Thresholds { api_anomaly_deviations: 0.0, ..t() }),
            "thresholds.api_anomaly_deviations: 0 standard deviations",
        ),
    ];
    for (args, wanted) in rows {
        let said = refused_with(args, &inputs());
        assert!(said.starts_with(wanted) && said.ends_with(')'), "{said}");
    }
}

#[test]
fn a_capacity_that_aurora_does_not_have_is_refused() {
    for (min_capacity, max_capacity) in [(0.5, 0.5), (2.0, 1.0), (0.5, 257.0), (f64::NAN, 2.0)] {
        let database = DatabaseInputs { min_capacity, max_capacity, ..inputs().database.unwrap() };
        let inputs = Inputs { database: Some(database), ..inputs() };
        assert!(refused_with(Args::default(), &inputs).starts_with("database.max_capacity: "));
    }
}

#[test]
fn a_configuration_can_say_everything_but_environment_and_tags() {
    let args: Args = serde_json::from_value(serde_json::json!({
        "alarm_emails": ["ops@example.com"],
        "period": 60,
        "thresholds": { "task_cpu_percent": 70 },
        "disabled_alarms": ["nat-ports"],
        "tracing": { "fixed_rate": 0.5 },
    }))
    .unwrap();
    assert!((args.thresholds.task_cpu_percent - 70.0).abs() < f64::EPSILON);
    assert!((args.thresholds.task_memory_percent - 80.0).abs() < f64::EPSILON);
    assert!(args.tracing.enabled);
    for unknown in ["environment", "tags", "email"] {
        let unknown = serde_json::json!({ unknown: "x" });
        assert!(serde_json::from_value::<Args>(unknown).is_err());
    }
    let schema = serde_json::to_value(schemars::schema_for!(Args)).unwrap();
    let emails = schema["properties"]["alarm_emails"]["description"].as_str().unwrap();
    assert!(emails.contains("must click on the link"));
    assert!(schema["properties"].get("environment").is_none());
}

#[test]
fn patterns_of_every_kind_are_taken() {
    for pattern in [
        "?ERROR ?FATAL",
        "{ $.level = \"error\" }",
        "[time, level=ERROR, ...]",
        "\"exact phrase\"",
        "%ERR.*%",
    ] {
        let args = Args { error_pattern: pattern.to_owned(), ..Args::default() };
        assert!(declare(&tier(args), &inputs()).is_ok(), "{pattern}");
    }
}
