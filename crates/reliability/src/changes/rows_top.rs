//! Keys at the top of the configuration, of logs, and of backup and monitoring.

use super::table::{Row, fixed, live};

const ALERTS: [&str; 3] = ["0.5", "5", "99"];

const STATE: &str =
    "it is about where the state is kept: no object changes with it (crates/stack/tests/it/state_s3.rs)";
const CREDENTIALS: &str = "it is about whose credentials are used: no object changes with it";

pub(super) const ROWS: &[Row] = &[
    fixed(
        "project",
        "it is part of the identity of every object: another project is another stack beside this one",
    ),
    fixed("region", "the state is bound to its region, and refuses another one before any call"),
    fixed("allow_unknown_region", "it only lets a region pass that the program does not know"),
    live("ignored_tags", &["[\"CostCenter\", \"org:*\"]"]),
    live("ignore", &[".\"vpc/vpc\"=[\"EnableDnsHostnames\"]"]),
    fixed("environments", "a section of it is tried as the environment `prod`, key by key"),
    fixed(
        "state.anchor_log_group",
        "it is about the state directory: no object changes with it (crates/stack/tests/it/anchors.rs)",
    ),
    fixed("state.backend", STATE),
    fixed("state.bucket", STATE),
    fixed("state.prefix", STATE),
    fixed("state.region", STATE),
    fixed("state.account_id", STATE),
    fixed("state.kms_key_arn", STATE),
    fixed("state.role_arn", STATE),
    fixed("state.history_days", STATE),
    fixed("aws.profile", CREDENTIALS),
    fixed("aws.role_arn", CREDENTIALS),
    fixed("aws.external_id", CREDENTIALS),
    fixed("aws.session_name", CREDENTIALS),
    fixed("aws.session_duration", CREDENTIALS),
    live("tags", &[".Author=somebody", ".Repository=git.example.com/payment", ".CostCenter=4711"]),
    live("logs.keep_on_destroy", &["true", "false"]),
    live("logs.customer_key", &["true", "false"]),
    // Backup.
    live("backup.log_retention_in_days", &["365", "3653"]),
    live("backup.max_restore_lag_minutes", &["30"]),
    live("backup.max_snapshot_age_hours", &["48"]),
    live("backup.memory", &["512", "128"]),
    live("backup.min_retention_days", &["5", "1"]),
    live("backup.reserved_concurrency", &["1"]),
    live("backup.schedule_expression", &["cron(30 7 * * ? *)", "rate(12 hours)"]),
    live("backup.time_zone", &["Asia/Singapore"]),
    live("backup.timeout", &["120"]),
    live("backup.vault.enabled", &["true"]).with(&["backup.vault.opt_in=true"]),
    live("backup.vault.enabled", &["true"]),
    live("backup.vault.enabled", &["false"]).from(VAULT),
    live("backup.vault.lock_days", &["35"]).from(VAULT),
    live("backup.vault.opt_in", &["true"]),
    live("backup.vault.opt_in", &["false"]).from(VAULT),
    live("backup.vault.retention_days", &["120", "60"]).from(VAULT),
    live("backup.vault.schedule_expression", &["cron(15 4 * * ? *)"]).from(VAULT),
    // Monitoring.
    live(
        "monitoring.alarm_emails",
        &["[\"ops@example.com\"]", "[\"ops@example.com\", \"night@example.com\"]"],
    ),
    live("monitoring.alarm_emails", &["[]", "[\"night@example.com\"]"])
        .from(&["monitoring.alarm_emails=[\"ops@example.com\"]"]),
    live("monitoring.api_anomaly", &["true"]),
    live("monitoring.disabled_alarms", &["[\"api-latency\"]", "[\"database-cpu\", \"ecs-running-tasks\"]"]),
    live("monitoring.error_pattern", &["?ERROR ?PANIC", "{ $.level = \"error\" }"]),
    live("monitoring.period", &["60", "600"]),
    live("monitoring.thresholds.api_anomaly_deviations", &["2"]).from(&["monitoring.api_anomaly=true"]),
    live("monitoring.thresholds.api_error_percent", &ALERTS),
    live("monitoring.thresholds.api_response_seconds", &["5"]),
    live("monitoring.thresholds.blocked_requests", &["50"]),
    live("monitoring.thresholds.database_capacity_percent", &["75"]),
    live("monitoring.thresholds.database_connection_percent", &["60"]),
    live("monitoring.thresholds.database_cpu_percent", &["90"]),
    live("monitoring.thresholds.free_local_storage_bytes", &["1073741824"]),
    live("monitoring.thresholds.free_local_storage_percent", &["10"]),
    live("monitoring.thresholds.healthy_hosts", &["1"]),
    live("monitoring.thresholds.load_balancer_errors", &["3"]),
    live("monitoring.thresholds.minimum_requests", &["100"]),
    live("monitoring.thresholds.nat_dropped_packets", &["10"]),
    live("monitoring.thresholds.nat_port_errors", &["1"]),
    live("monitoring.thresholds.payment_errors", &["1"]),
    live("monitoring.thresholds.rejected_connections", &["5"]),
    live("monitoring.thresholds.replica_lag_milliseconds", &["500"]),
    live("monitoring.thresholds.response_seconds", &["0.5"]),
    live("monitoring.thresholds.running_tasks", &["1"]),
    live("monitoring.thresholds.target_error_percent", &["1"]),
    live("monitoring.thresholds.task_cpu_percent", &["95"]),
    live("monitoring.thresholds.task_memory_percent", &["95"]),
    live("monitoring.thresholds.unhealthy_hosts", &["2"]),
    live("monitoring.tracing.enabled", &["false"]),
    live("monitoring.tracing.fixed_rate", &["0.5", "0"]),
    live("monitoring.tracing.priority", &["500"]),
    live("monitoring.tracing.reservoir", &["5"]),
];

const VAULT: &[&str] = &["backup.vault.enabled=true", "backup.vault.opt_in=true"];
