//! Arguments that cannot work: each is refused before any call, by its name, with what would be right.

use std::collections::BTreeMap;

use ecs::{Args, DatabaseInputs, Encryption, HealthCheck, Inputs, Repository, Tracing};
use engine::{DeclareError, Input};
use serde_json::json;
use testing::declare;

use crate::support::{database, inputs, tier, with_image};

fn refused_with(args: Args, inputs: &Inputs) -> String {
    match declare(&tier(args), inputs).unwrap_err() {
        DeclareError::Argument { argument, reason, hint } => format!("{argument}: {reason} ({hint})"),
        other => panic!("{other}"),
    }
}

fn with_key(arn: &str) -> Args {
    let repository =
        Repository { encryption: Encryption::Kms, kms_key_arn: Some(arn.into()), ..Repository::default() };
    Args { repository, ..Args::default() }
}

#[test]
fn each_is_named_with_what_would_be_right() {
    let variable = |name: &str| BTreeMap::from([(name.to_owned(), "1".to_owned())]);
    let check = |command: &[&str], interval| HealthCheck {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        interval,
        timeout: 5,
        retries: 3,
        start_period: 0,
    };
    let key = Some("arn:aws:kms:ap-southeast-1:123456789012:key/1".into());
    let rows = [
        (Args { environment: "Dev".into(), ..Args::default() }, "environment: `Dev`"),
        (with_image("nginx"), "image: `nginx` has neither a tag nor a digest"),
        (with_image("@sha256:12"), "image: `@sha256:12` is neither a tag nor a digest"),
        (
            Args { cpu: 500, ..Args::default() },
            "cpu: Fargate has no task with 500 CPU units (use one of 256, 512",
        ),
        (
            Args { memory: 512, ..Args::default() },
            "memory: Fargate has no task with 512 CPU units and 512 MiB",
        ),
        (Args { desired_min: 0, ..Args::default() }, "desired_min: 0 is out of range (use 1 to 5000)"),
        (
            Args { desired_min: 5, desired_max: 4, ..Args::default() },
            "desired_max: 4 is less than desired_min, 5",
        ),
        (Args { cpu_target: 0, ..Args::default() }, "cpu_target: 0 is out of range (use 1 to 100)"),
        (Args { memory_target: 101, ..Args::default() }, "memory_target: 101 is out of range"),
        (Args { bake_time_minutes: 1441, ..Args::default() }, "bake_time_minutes: 1441 is out of range"),
        (Args { log_retention_in_days: 2556, ..Args::default() }, "log_retention_in_days: CloudWatch Logs"),
        (Args { insights: "all".into(), ..Args::default() }, "insights: there is no mode `all`"),
        (Args { user: "a b".into(), ..Args::default() }, "user: `a b` is not a user"),
        (Args { user: "1:2:3".into(), ..Args::default() }, "user: `1:2:3` is not a user"),
        (Args { user: "1:".into(), ..Args::default() }, "user: `1:` is not a user"),
        (Args { user: "-1".into(), ..Args::default() }, "user: `-1` is not the number of a user or a group"),
        (
            Args { user: "4294967296".into(), ..Args::default() },
            "user: `4294967296` is not the number of a user or a group, nor a name (use a number from 0 to 2147483647",
        ),
        (Args { user: "app:2147483648".into(), ..Args::default() }, "user: `2147483648` is not the number"),
        (
            Args { tracing_user: Some("1:-1".into()), ..Args::default() },
            "tracing_user: `-1` is not the number of a user or a group",
        ),
        (Args { tracing_user: Some("a b".into()), ..Args::default() }, "tracing_user: `a b` is not a user"),
        (
            Args { tracing_image: Some("otel".into()), ..Args::default() },
            "tracing_image: `otel` has neither a tag nor a digest",
        ),
        (with_key("alias/x"), "repository.kms_key_arn: `alias/x` is not the ARN of a KMS key"),
        (with_key("arn:aws:kms:ap-southeast-1:123456789012:alias/x"), "repository.kms_key_arn: `arn:"),
        (with_key("arn:aws:kms:ap-southeast-1:12:key/x"), "repository.kms_key_arn: `arn:"),
        (
            with_key("arn:aws:kms:us-east-1:123456789012:key/x"),
            "repository.kms_key_arn: the key is in us-east-1 (aws) and the repository in ap-southeast-1 (aws)",
        ),
        (
            with_key("arn:aws-cn:kms:ap-southeast-1:123456789012:key/x"),
            "repository.kms_key_arn: the key is in ap-southeast-1 (aws-cn)",
        ),
        (
            Args { environment_variables: variable("AWS_SECRET_ACCESS_KEY"), ..Args::default() },
            "environment_variables.AWS_SECRET_ACCESS_KEY: it would take the place of the task's role",
        ),
        (
            Args { health_check_grace_period_seconds: 2_147_483_648, ..Args::default() },
            "health_check_grace_period_seconds: 2147483648 is out of range",
        ),
        (Args { container_port: 0, ..Args::default() }, "container_port: 0 is no port"),
        (Args { container_port: 4317, ..Args::default() }, "container_port: 4317 is a port of the tracing"),
        (
            Args { environment_variables: variable("A-B"), ..Args::default() },
            "environment_variables: `A-B` is not the name of a variable",
        ),
        (
            Args { environment_variables: variable("DB_PASSWORD"), ..Args::default() },
            "environment_variables.DB_PASSWORD: the tier sets this itself",
        ),
        (
            Args { database_ca_bundle: "bundle.pem".to_owned(), ..Args::default() },
            "database_ca_bundle: `bundle.pem` is not the path of a file in the image",
        ),
        (
            Args { environment_variables: variable("DB_HOST"), ..Args::default() },
            "environment_variables.DB_HOST: the tier sets this itself",
        ),
        (
            Args { health_check: Some(check(&["/healthy"], 30)), ..Args::default() },
            "health_check.command: [\"/healthy\"] is not a command",
        ),
        (
            Args { health_check: Some(check(&["CMD", "/healthy"], 1)), ..Args::default() },
            "health_check.interval: 1 is out of range (use 5 to 300)",
        ),
        (
            Args { repository: Repository { keep_images: 0, ..Repository::default() }, ..Args::default() },
            "repository.keep_images: 0 is out of range",
        ),
        (
            Args { repository: Repository { kms_key_arn: key, ..Repository::default() }, ..Args::default() },
            "repository.kms_key_arn: AES256 is encryption without a key",
        ),
    ];
    for (args, wanted) in rows {
        let said = refused_with(args, &inputs());
        assert!(said.starts_with(wanted) && said.ends_with(')'), "{said}");
    }
}

#[test]
fn a_user_is_a_name_or_a_number_that_a_container_can_run_as() {
    for user in ["0", "2147483647:2147483647", "app", "app:1000", "1000:app", "app-1", "0x0"] {
        assert!(
            declare(&tier(Args { user: user.to_owned(), ..Args::default() }), &inputs()).is_ok(),
            "{user}"
        );
    }
}

#[test]
fn a_secret_in_a_variable_is_refused_and_not_printed() {
    for (name, value, what) in [
        ("DATABASE_URL", "postgres://app:hunter2@db.example/payments", "a password in a URL"),
        ("OPTIONS", "user=app password=hunter2", "a password behind `=`"),
        ("PGPASSWORD", "hunter2", "what its name says is a secret"),
    ] {
        let environment_variables = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let said = refused_with(Args { environment_variables, ..Args::default() }, &inputs());
        let wanted = format!("environment_variables.{name}: its value is or has {what}");
        assert!(said.starts_with(&wanted), "{said}");
        assert!(said.contains("Secrets Manager") && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_port_of_the_tracing_container_is_free_without_it() {
    let args = Args { container_port: 4317, tracing: Tracing::None, ..Args::default() };
    assert!(declare(&tier(args), &inputs()).is_ok());
}

#[test]
fn inputs_that_cannot_work_are_named_too() {
    let none = Inputs { private_subnet_ids: Vec::new(), ..inputs() };
    assert!(refused_with(Args::default(), &none).starts_with("private_subnet_ids: tasks need a subnet"));
    let port: Input<u16> =
        serde_json::from_value(json!({ "$ref": "database/cluster", "attr": "Port" })).unwrap();
    let unknown = Inputs { database: Some(DatabaseInputs { port, ..database() }), ..inputs() };
    assert!(refused_with(Args::default(), &unknown).starts_with("database.port: it is not known"));
}
