//! Arguments that cannot work: each is refused before any call, by its name, with what would be right.

use backup::{Args, Inputs, Vault};
use engine::DeclareError;
use testing::declare;

use crate::support::{inputs, tier, with_vault};

fn refused_with(args: Args, inputs: &Inputs) -> String {
    match declare(&tier(args), inputs).unwrap_err() {
        DeclareError::Argument { argument, reason, hint } => format!("{argument}: {reason} ({hint})"),
        other => panic!("{other}"),
    }
}

fn vault(vault: Vault) -> Args {
    Args { vault, ..Args::default() }
}

#[test]
fn each_is_named_with_what_would_be_right() {
    let every = |schedule: &str| Args { schedule_expression: schedule.to_owned(), ..Args::default() };
    let zone = |zone: &str| Args { time_zone: zone.to_owned(), ..Args::default() };
    let rows = [
        (Args { environment: "Dev".into(), ..Args::default() }, "environment: `Dev`"),
        (every("daily"), "schedule_expression: `daily` is not a schedule (write it like cron(0 6 * * ? *)"),
        (every("cron(0 25 * * ? *)"), "schedule_expression: `25` are not hours of a day"),
        (every("cron(0 6 ? * MON *)"), "schedule_expression: `cron(0 6 ? * MON *)` is not due every day"),
        (every("rate(2 days)"), "schedule_expression: `rate(2 days)` is not due every day"),
        (
            zone("Singapore"),
            "time_zone: `Singapore` is not the name of a time zone (did you mean Asia/Singapore?)",
        ),
        (
            zone("asia/singapore"),
            "time_zone: `asia/singapore` is not the name of a time zone (did you mean Asia/Singapore?)",
        ),
        (
            zone("Mars/Phobos"),
            "time_zone: `Mars/Phobos` is not the name of a time zone (use UTC, or a name of the",
        ),
        (every("cron(+5 6 * * ? *)"), "schedule_expression: `+5` are not minutes of an hour"),
        (every("rate(1 days)"), "schedule_expression: `rate(1 days)` is not a rate"),
        (
            Args { min_retention_days: 36, ..Args::default() },
            "min_retention_days: 36 is out of range (use 1 to 35)",
        ),
        (
            Args { min_retention_days: 0, ..Args::default() },
            "min_retention_days: 0 is out of range (use 1 to 35)",
        ),
        (
            Args { max_snapshot_age_hours: 23, ..Args::default() },
            "max_snapshot_age_hours: 23 is out of range (use 24 to 168)",
        ),
        (
            Args { max_restore_lag_minutes: 4, ..Args::default() },
            "max_restore_lag_minutes: 4 is out of range (use 5 to 1440)",
        ),
        (Args { memory: 127, ..Args::default() }, "memory: 127 is out of range (use 128 to 10240)"),
        (Args { timeout: 901, ..Args::default() }, "timeout: 901 is out of range (use 1 to 900)"),
        (
            Args { reserved_concurrency: Some(0), ..Args::default() },
            "reserved_concurrency: 0 is out of range (use 1 to 900)",
        ),
        (
            Args { log_retention_in_days: 2556, ..Args::default() },
            "log_retention_in_days: CloudWatch Logs cannot keep logs for 2556 days (the next longer period",
        ),
        (
            vault(Vault { schedule_expression: "rate(1 day)".into(), ..with_vault() }),
            "vault.schedule_expression: `rate(1 day)` is not a schedule",
        ),
        (
            vault(Vault { retention_days: 0, lock_days: None, ..with_vault() }),
            "vault.retention_days: 0 is out of range (use 1 to 36500)",
        ),
        (
            vault(Vault { retention_days: 30, lock_days: Some(31), ..with_vault() }),
            "vault.lock_days: 31 is out of range (use 1 to 30)",
        ),
    ];
    for (args, wanted) in rows {
        let said = refused_with(args, &inputs());
        assert!(said.starts_with(wanted) && said.ends_with(')'), "{said}");
    }
}

#[test]
fn a_key_without_a_topic_is_refused() {
    let inputs = Inputs { alarm_topic_arn: None, ..inputs() };
    let said = refused_with(Args::default(), &inputs);
    assert!(said.starts_with("alarm_topic_key_arn: there is a key, but no topic"), "{said}");
}

#[test]
fn a_file_can_set_every_argument_and_no_other() {
    let text = r#"
        schedule_expression = "cron(30 5 * * ? *)"
        time_zone = "Asia/Singapore"
        min_retention_days = 35
        max_snapshot_age_hours = 30
        max_restore_lag_minutes = 20
        memory = 512
        timeout = 60
        reserved_concurrency = 1
        log_retention_in_days = 30
        vault = { enabled = true, schedule_expression = "cron(0 4 * * ? *)", retention_days = 365, lock_days = 30 }
    "#;
    let args: Args = toml::from_str(text).unwrap();
    assert!(declare(&tier(args.clone()), &inputs()).is_ok());
    assert_eq!(toml::from_str::<Args>(&toml::to_string(&args).unwrap()).unwrap(), args);
    for unknown in ["environment = \"dev\"", "vault = { size = 1 }"] {
        assert!(toml::from_str::<Args>(unknown).is_err(), "{unknown}");
    }
}

#[test]
fn an_editor_is_told_what_each_argument_is_and_may_be() {
    let schema = serde_json::to_value(schemars::schema_for!(Args)).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    assert!(!properties.contains_key("environment") && !properties.contains_key("tags"));
    for (name, property) in properties {
        assert!(property["description"].is_string(), "{name}");
    }
    let bounds = |name: &str| (properties[name]["minimum"].as_u64(), properties[name]["maximum"].as_u64());
    assert_eq!(bounds("min_retention_days"), (Some(1), Some(35)));
    assert_eq!(bounds("timeout"), (Some(1), Some(900)));
    assert!(properties["log_retention_in_days"]["enum"].as_array().unwrap().contains(&2557.into()));
}
