//! Faults that AWS, or the embedded one, does not let anybody make: they are made in what was read.

use serde_json::{Value, json};
use verify::{Subject, verify};

use crate::world::{World, failures, findings, live_of, reason};

/// The subject with one live property changed.
fn with(subject: &Subject, address: &str, pointer: &str, value: Value) -> Subject {
    let mut subject = subject.clone();
    let resource = subject.resources.iter_mut().find(|one| one.address == address);
    let resource = resource.unwrap_or_else(|| panic!("no {address}"));
    let place = live_of(resource).pointer_mut(pointer);
    *place.unwrap_or_else(|| panic!("{address} has no {pointer}")) = value;
    subject
}

/// The subject without the resources at these addresses, as if the configuration left them out.
fn without(subject: &Subject, gone: impl Fn(&str) -> bool) -> Subject {
    let mut subject = subject.clone();
    subject.resources.retain(|resource| !gone(&resource.address));
    subject
}

#[tokio::test]
async fn each_wrong_live_property_fails_the_check_that_is_about_it() {
    let world = World::deployed("dev").await;
    let good = world.subject().await;
    let elsewhere = "arn:aws:kms:ap-southeast-1:123456789012:key/somebody-s";
    let topic = "arn:aws:sns:ap-southeast-1:123456789012:somebody-s";
    for (address, pointer, value, failing) in [
        ("database/cluster", "/StorageEncrypted", json!(false), "encryption/database"),
        ("database/cluster", "/KmsKeyId", json!(elsewhere), "encryption/database"),
        (
            "database/parameter-group",
            "/Parameters/ssl_min_protocol_version",
            json!("TLSv1.1"),
            "encryption/database-tls",
        ),
        (
            "database/cluster",
            "/MembersPendingReboot",
            json!(["payment-db-1-dev"]),
            "encryption/database-parameters",
        ),
        (
            "alb/log-bucket",
            "/BucketEncryption/ServerSideEncryptionConfiguration",
            json!([]),
            "encryption/buckets",
        ),
        ("database/instance-2", "/PubliclyAccessible", json!(true), "access/database"),
        ("apigw/rest-api", "/SecurityPolicy", json!("TLS_1_0"), "https/api"),
        ("monitoring/alarm-ecs-cpu", "/AlarmActions", json!([topic]), "monitoring/alarms"),
        ("monitoring/alarm-critical", "/ActionsEnabled", json!(false), "monitoring/alarms"),
        ("backup/errors-alarm", "/AlarmActions", json!([]), "monitoring/alarms"),
        ("vpc/flow-log", "/TrafficType", json!("REJECT"), "monitoring/flow-logs"),
        (
            "apigw/stage",
            "/AccessLogSetting/DestinationArn",
            json!("arn:aws:logs:ap-southeast-1:123456789012:log-group:other"),
            "monitoring/api-access-log",
        ),
        ("database/cluster", "/EnableCloudwatchLogsExports", json!([]), "monitoring/database-logs"),
        ("database/log-group", "/RetentionInDays", Value::Null, "monitoring/log-retention"),
        ("database/cluster", "/BackupRetentionPeriod", json!(0), "backup/retention"),
        (
            "backup/schedule",
            "/Target/Arn",
            json!("arn:aws:lambda:ap-southeast-1:123456789012:function:other"),
            "backup/verification",
        ),
        ("database/cluster", "/DBClusterIdentifier", json!("other"), "naming/names"),
        ("vpc/flow-log-group", "/LogGroupName", json!("/aws/vpc/payment-flow-logs-prod"), "naming/names"),
        (
            "apigw/execution-log-group",
            "/LogGroupName",
            json!("API-Gateway-Execution-Logs_a1b2c3d4e5/prod"),
            "naming/names",
        ),
        ("vpc/vpc", "/Tags", json!([{ "Key": "Name", "Value": "payment-vpc-dev" }]), "naming/tags"),
    ] {
        let subject = with(&good, address, pointer, value);
        assert_eq!(failures(&subject), [failing], "{address}{pointer}");
        let found = findings(&verify(&subject), failing);
        assert!(found.len() == 1 && found[0].starts_with(address), "{found:?}");
    }
}

/// The reference's alarm on unhealthy targets, which may have moved to another metric behind the program's back.
#[tokio::test]
async fn an_alarm_that_watches_something_else_leaves_its_metric_unwatched() {
    let world = World::deployed("dev").await;
    let good = world.subject().await;
    let subject = with(&good, "monitoring/alarm-ecs-memory", "/MetricName", json!("Other"));
    assert_eq!(failures(&subject), ["monitoring/alarm-coverage"]);
    assert_eq!(
        findings(&verify(&subject), "monitoring/alarm-coverage"),
        ["alarms: expected an alarm on AWS/ECS MemoryUtilization, the tasks' memory; found none watches it"]
    );
    // One of two that watch the same is enough for this check.
    let subject = with(&good, "monitoring/alarm-alb-unhealthy-hosts-blue", "/MetricName", json!("Other"));
    assert_eq!(failures(&subject), Vec::<&str>::new());
}

#[tokio::test]
async fn what_the_configuration_leaves_out_is_skipped_with_the_key_that_does_so() {
    let world = World::deployed("dev").await;
    let good = world.subject().await;
    let set = |pointer: &str, address: &str, value: Value| {
        let mut subject = with(&good, address, pointer, value.clone());
        let resource = subject.resources.iter_mut().find(|one| one.address == address).unwrap();
        *resource.recorded.pointer_mut(pointer).unwrap() = value;
        subject
    };
    let off = json!("disabled");
    for (subject, id, key) in [
        (without(&good, |one| one == "vpc/flow-log"), "monitoring/flow-logs", "`vpc.flow_logs.enabled`"),
        (without(&good, |one| one == "alb/log-bucket"), "encryption/buckets", "`alb.access_logs.enabled`"),
        (without(&good, |one| one == "alb/log-bucket"), "access/buckets", "`alb.access_logs.enabled`"),
        (
            without(&good, |one| one == "monitoring/sampling-rule"),
            "monitoring/sampling",
            "`monitoring.tracing.enabled`",
        ),
        (
            without(&good, |one| one == "monitoring/alarm-ecs-cpu"),
            "monitoring/alarm-coverage",
            "`monitoring.disabled_alarms` leaves out the tasks' CPU",
        ),
        (set("/TracingEnabled", "apigw/stage", json!(false)), "monitoring/tracing", "`apigw.tracing`"),
        (
            set("/ClusterSettings/0/Value", "ecs/cluster", off),
            "monitoring/container-insights",
            "`ecs.insights`",
        ),
        (good.clone(), "https/load-balancer", "`alb.certificate_arn`"),
    ] {
        let checks = verify(&subject);
        assert_eq!(failures(&subject), Vec::<&str>::new(), "{id}");
        assert!(reason(&checks, id).contains(key), "{id}: {}", reason(&checks, id));
    }
}

#[tokio::test]
async fn a_whole_tier_that_is_missing_is_missed() {
    let world = World::deployed("dev").await;
    let good = world.subject().await;
    for tier in ["vpc", "database", "alb", "ecs", "apigw", "monitoring", "backup"] {
        let subject = without(&good, |one| one.split('/').next() == Some(tier));
        let checks = verify(&subject);
        let expected = format!("{tier}: expected a tier with resources; found nothing");
        assert_eq!(findings(&checks, "completeness/tiers"), [expected]);
    }
}

#[tokio::test]
async fn long_values_are_cut() {
    let world = World::deployed("dev").await;
    let good = world.subject().await;
    let subject = with(&good, "monitoring/dashboard", "/DashboardBody", json!("é".repeat(5000)));
    let found = findings(&verify(&subject), "monitoring/dashboard");
    assert!(found[0].len() < 500 && found[0].ends_with('…'), "{found:?}");
}
