//! Keys of the containers and the database.

use super::table::{Row, live};

const CHECK: &[&str] = &["ecs.health_check.command=[\"CMD\", \"/app/healthy\"]"];
const VERIFIED: &[&str] = &["backup.min_retention_days=1"];
const PAUSES: &[&str] = &["database.capacity.min=0"];

pub(super) const ROWS: &[Row] = &[
    live("database.allow_data_loss", &["[]", "[\"payment-aurora-dev\", \"another\"]"]),
    live("database.allow_major_version_upgrade", &["true"]),
    live("database.application_creates_tables", &["false"]),
    live("database.application_user", &["payments_service"]),
    live("database.backup_retention_in_days", &["14", "1"]).from(VERIFIED),
    live("database.backup_window", &["01:00-02:00"]),
    live("database.capacity.max", &["4", "1"]),
    live("database.capacity.min", &["1", "0"]),
    live("database.capacity.pause_after_seconds", &["900"]).from(PAUSES),
    live("database.cluster_name", &["payment-cluster-dev"]),
    live("database.data_api", &["false"]),
    live("database.database_name", &["pay2"]),
    live("database.deletion_protection", &["true", "false"]),
    live("database.engine_version", &["17.9", "17.6", "17", "18.1"]),
    live("database.engine_version", &["17.7"])
        .with(&["database.allow_major_version_upgrade=true"])
        .born(&["database.engine_version=16.10"])
        .only("dev"),
    live("database.engine_version", &["17.7"]).born(&["database.engine_version=16.10"]).only("dev"),
    live("database.final_snapshot", &["true", "false"]),
    live("database.insights", &["advanced"]),
    live("database.instances", &["1", "2", "3", "4"]),
    live("database.log_retention_in_days", &["365", "3653"]),
    live("database.maintenance_window", &["mon:05:00-mon:06:00"]),
    live("database.master_username", &["owner2"]),
    live("database.monitoring_interval", &["15", "0"]),
    live("database.pgaudit_log", &["[\"all\"]", "[\"none\"]"]),
    // The containers.
    live("ecs.architecture", &["ARM64"]),
    live("ecs.bake_time_minutes", &["0", "30"]),
    live("ecs.container_port", &["9000"]),
    live("ecs.cpu", &["1024"]).with(&["ecs.memory=2048"]),
    live("ecs.cpu", &["256", "4096"]),
    live("ecs.cpu_target", &["50"]),
    live("ecs.database_ca_bundle", &["", "/app/rds.pem"]),
    live("ecs.database_credentials", &["master_secret"]).fails(&["access/database-credentials"]),
    live("ecs.desired_max", &["20", "1"]),
    live("ecs.desired_min", &["1", "4"]),
    live("ecs.environment_variables", &[".LOG_LEVEL=debug"]),
    live("ecs.execute_command", &["true"]),
    live(
        "ecs.health_check.command",
        &["[\"CMD\", \"/app/healthy\"]", "[\"CMD-SHELL\", \"curl -f http://localhost:8080/\"]"],
    ),
    live("ecs.health_check.interval", &["60"]).from(CHECK),
    live("ecs.health_check.retries", &["5"]).from(CHECK),
    live("ecs.health_check.start_period", &["120"]).from(CHECK),
    live("ecs.health_check.timeout", &["10"]).from(CHECK),
    live("ecs.health_check_grace_period_seconds", &["120"]),
    live("ecs.image", &[":v2", ":missing", "public.ecr.aws/nginx/nginx:1.29"]),
    live("ecs.insights", &["enabled", "disabled"]),
    live("ecs.log_retention_in_days", &["365", "3653"]),
    live("ecs.memory", &["2048", "300"]),
    live("ecs.memory_target", &["60"]),
    live("ecs.repository.delete_images", &["false", "true"]),
    live("ecs.repository.encryption", &["KMS"]),
    live("ecs.repository.keep_images", &["10", "1"]),
    live(
        "ecs.repository.kms_key_arn",
        &["arn:aws:kms:ap-southeast-1:123456789012:key/12345678-1234-1234-1234-123456789012"],
    )
    .with(&["ecs.repository.encryption=KMS"]),
    live("ecs.scale_in_cooldown", &["120"]),
    live("ecs.scale_out_cooldown", &["30"]),
    live("ecs.tracing", &["xray_daemon", "none"]),
    live("ecs.tracing_image", &["public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3"]),
    live("ecs.tracing_user", &["1337"]),
    live("ecs.user", &["20000:20000"]),
];
