//! What is declared, with which properties, and what depends on what.

use backup::{Args, Inputs, SOURCE};
use engine::{Component, Graph};
use serde_json::{Value, json};
use testing::declare;

use crate::support::{CLUSTER, TOPIC, inputs, tier, with_everything};

fn graph(args: Args, inputs: &Inputs) -> Graph {
    declare(&tier(args), inputs).unwrap().0
}

fn properties(graph: &Graph, address: &str) -> Value {
    let node = graph.nodes().iter().find(|node| node.address.as_str() == address);
    node.unwrap_or_else(|| panic!("{address} is not declared")).properties.clone()
}

fn policy(graph: &Graph, role: &str) -> Value {
    properties(graph, role)["Policies"][0]["PolicyDocument"]["Statement"].clone()
}

fn statement<'a>(statements: &'a Value, sid: &str) -> &'a Value {
    let all = statements.as_array().unwrap();
    all.iter().find(|one| one["Sid"] == sid).unwrap_or_else(|| panic!("there is no statement {sid}"))
}

/// The reference document's unit test of BackupVerificationStack, "Backup verification stack instantiation".
#[test]
fn backup_verification_stack_instantiation() {
    let (graph, outputs) = declare(&tier(Args::default()), &inputs()).unwrap();
    let mut declared: Vec<_> =
        graph.nodes().iter().map(|node| (node.address.as_str(), node.kind.as_str())).collect();
    declared.sort_unstable();
    assert_eq!(
        declared,
        [
            ("backup/dead-letter-queue", "AWS::SQS::Queue"),
            ("backup/errors-alarm", "AWS::CloudWatch::Alarm"),
            ("backup/event-invoke-config", "AWS::Lambda::EventInvokeConfig"),
            ("backup/function", "AWS::Lambda::Function"),
            ("backup/log-group", "AWS::Logs::LogGroup"),
            ("backup/schedule", "AWS::Scheduler::Schedule"),
            ("backup/schedule-role", "AWS::IAM::Role"),
            ("backup/throttles-alarm", "AWS::CloudWatch::Alarm"),
            ("backup/unverified-alarm", "AWS::CloudWatch::Alarm"),
            ("backup/verification-role", "AWS::IAM::Role"),
        ]
    );
    let outputs = serde_json::to_value(&outputs).unwrap();
    assert_eq!(outputs["backupFunctionName"], json!({ "$ref": "backup/function", "attr": "FunctionName" }));
    assert_eq!(outputs["backupScheduleName"], json!({ "$ref": "backup/schedule", "attr": "Name" }));
    assert_eq!(outputs["backupAlarmArns"].as_array().unwrap().len(), 3);
    assert_eq!(outputs.get("backupVaultName"), None);
}

#[test]
fn the_function_is_told_what_to_look_at_and_what_is_wanted() {
    let args = Args { min_retention_days: 35, ..Args::default() };
    let mut function = properties(&graph(args, &inputs()), "backup/function");
    let hash = function["CodeSha256"].take();
    assert_eq!(hash.as_str().unwrap().len(), 44);
    assert_eq!(
        function,
        json!({
            "FunctionName": "payment-backup-verification-dev",
            "Description": "Verifies daily that the payment database could be restored",
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Architectures": ["arm64"],
            "CodeSha256": null,
            "Role": { "$ref": "backup/verification-role", "attr": "Arn" },
            "MemorySize": 256,
            "Timeout": 300,
            "Environment": { "Variables": {
                "ENVIRONMENT": "dev",
                "CLUSTER_ID": "payment-cluster-dev",
                "KEY_ARN": "arn:aws:kms:ap-southeast-1:123456789012:key/database",
                "TOPIC_ARN": TOPIC,
                "NAMESPACE": "Payment/Backup",
                "MIN_RETENTION_DAYS": "35",
                "MAX_SNAPSHOT_AGE_HOURS": "26",
                "MAX_RESTORE_LAG_MINUTES": "15",
            } },
            "DeadLetterConfig": { "TargetArn": { "$ref": "backup/dead-letter-queue", "attr": "Arn" } },
            "TracingConfig": { "Mode": "Active" },
            "LoggingConfig": {
                "LogFormat": "JSON",
                "ApplicationLogLevel": "INFO",
                "SystemLogLevel": "INFO",
                "LogGroup": { "$ref": "backup/log-group", "attr": "LogGroupName" },
            },
            "Tags": [{ "Key": "Name", "Value": "payment-backup-verification-dev" }],
        })
    );
}

#[test]
fn the_handler_reads_every_variable_that_it_is_given_and_no_other() {
    let function = properties(&graph(Args::default(), &inputs()), "backup/function");
    let given = function["Environment"]["Variables"].as_object().unwrap();
    for name in given.keys() {
        let read = SOURCE.contains(&format!("variables[\"{name}\"]"))
            || SOURCE.contains(&format!("variables.get(\"{name}\")"));
        assert!(read, "{name}");
    }
    assert_eq!(
        SOURCE.matches("variables[\"").count() + SOURCE.matches("variables.get(\"").count(),
        given.len()
    );
}

#[test]
fn a_plan_shows_the_hash_of_the_code_and_not_the_code() {
    let graph = graph(with_everything(), &inputs());
    for node in graph.nodes() {
        assert!(!node.properties.to_string().contains("import boto3"), "{}", node.address);
    }
}

#[test]
fn logs_are_kept_and_what_failed_too() {
    let graph = graph(Args::default(), &inputs());
    assert_eq!(
        properties(&graph, "backup/log-group"),
        json!({
            "LogGroupName": "/aws/lambda/payment-backup-verification-dev",
            "RetentionInDays": 2557,
            "Tags": [{ "Key": "Name", "Value": "payment-backup-logs-dev" }],
        })
    );
    assert_eq!(
        properties(&graph, "backup/dead-letter-queue"),
        json!({
            "QueueName": "payment-backup-dead-letters-dev",
            "MessageRetentionPeriod": 1_209_600,
            "SqsManagedSseEnabled": true,
            "Tags": [{ "Key": "Name", "Value": "payment-backup-dead-letters-dev" }],
        })
    );
}

#[test]
fn one_failure_is_told_once() {
    assert_eq!(
        properties(&graph(Args::default(), &inputs()), "backup/event-invoke-config"),
        json!({
            "FunctionName": { "$ref": "backup/function", "attr": "FunctionName" },
            "Qualifier": "$LATEST",
            "MaximumRetryAttempts": 0,
            "MaximumEventAgeInSeconds": 3600,
        })
    );
}

#[test]
fn the_schedule_is_daily_in_a_time_zone_and_loses_nothing() {
    let args = Args { time_zone: "Asia/Singapore".to_owned(), ..Args::default() };
    assert_eq!(
        properties(&graph(args, &inputs()), "backup/schedule"),
        json!({
            "Name": "payment-backup-verification-dev",
            "GroupName": "default",
            "Description": "Calls the daily verification of the payment database's backups",
            "ScheduleExpression": "cron(0 6 * * ? *)",
            "ScheduleExpressionTimezone": "Asia/Singapore",
            "State": "ENABLED",
            "FlexibleTimeWindow": { "Mode": "OFF" },
            "Target": {
                "Arn": { "$ref": "backup/function", "attr": "Arn" },
                "RoleArn": { "$ref": "backup/schedule-role", "attr": "Arn" },
                "DeadLetterConfig": { "Arn": { "$ref": "backup/dead-letter-queue", "attr": "Arn" } },
                "RetryPolicy": { "MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 10 },
            },
        })
    );
}

#[test]
fn the_function_may_do_what_it_does_and_nothing_else() {
    let statements = policy(&graph(Args::default(), &inputs()), "backup/verification-role");
    let queue = json!({ "$ref": "backup/dead-letter-queue", "attr": "Arn" });
    let rows = [
        ("ReadCluster", json!(["rds:DescribeDBClusters"]), json!([CLUSTER]), Value::Null),
        (
            "ReadSnapshots",
            json!(["rds:DescribeDBClusterSnapshots"]),
            json!([CLUSTER, "arn:aws:rds:ap-southeast-1:123456789012:cluster-snapshot:*"]),
            Value::Null,
        ),
        (
            "PublishMetric",
            json!(["cloudwatch:PutMetricData"]),
            json!(["*"]),
            json!({ "StringEquals": { "cloudwatch:namespace": ["Payment/Backup"] } }),
        ),
        (
            "Log",
            json!(["logs:CreateLogStream", "logs:PutLogEvents"]),
            json!([{ "$join": [{ "$ref": "backup/log-group", "attr": "Arn" }] }]),
            Value::Null,
        ),
        ("DeadLetters", json!(["sqs:SendMessage"]), json!([{ "$join": [queue] }]), Value::Null),
        ("Trace", json!(["xray:PutTraceSegments", "xray:PutTelemetryRecords"]), json!(["*"]), Value::Null),
        ("TellPeople", json!(["sns:Publish"]), json!([TOPIC]), Value::Null),
        (
            "EncryptMessages",
            json!(["kms:GenerateDataKey*", "kms:Decrypt"]),
            json!(["arn:aws:kms:ap-southeast-1:123456789012:key/topic"]),
            json!({ "StringEquals": { "kms:ViaService": ["sns.ap-southeast-1.amazonaws.com"] } }),
        ),
    ];
    for (sid, actions, resources, condition) in &rows {
        let statement = statement(&statements, sid);
        assert_eq!(&statement["Action"], actions, "{sid}");
        assert_eq!(&statement["Resource"], resources, "{sid}");
        assert_eq!(statement.get("Condition").unwrap_or(&Value::Null), condition, "{sid}");
    }
    assert_eq!(statements.as_array().unwrap().len(), rows.len());
}

#[test]
fn in_china_a_service_uses_a_key_under_either_of_its_names() {
    let mut inputs = inputs();
    inputs.place.partition = "aws-cn".to_owned();
    inputs.place.region = "cn-north-1".to_owned();
    let statements = policy(&graph(Args::default(), &inputs), "backup/verification-role");
    let condition = &statement(&statements, "EncryptMessages")["Condition"];
    let via = ["sns.cn-north-1.amazonaws.com", "sns.cn-north-1.amazonaws.com.cn"];
    assert_eq!(condition["StringEquals"]["kms:ViaService"], json!(via));
}

#[test]
fn an_alarm_rings_when_no_verification_was_good_for_more_than_a_day() {
    let alarm = properties(&graph(Args::default(), &inputs()), "backup/unverified-alarm");
    let description = alarm["AlarmDescription"].clone();
    assert_eq!(
        alarm,
        json!({
            "AlarmName": "payment-backup-unverified-dev",
            "AlarmDescription": description,
            "ActionsEnabled": true,
            "AlarmActions": [TOPIC],
            "OKActions": [TOPIC],
            "InsufficientDataActions": [],
            "Namespace": "Payment/Backup",
            "MetricName": "BackupVerified",
            "Dimensions": [
                { "Name": "Environment", "Value": "dev" },
                { "Name": "DBClusterIdentifier", "Value": "payment-cluster-dev" },
            ],
            "Statistic": "Maximum",
            "Period": 3600,
            "Threshold": 1.0,
            "ComparisonOperator": "LessThanThreshold",
            "EvaluationPeriods": 26,
            "DatapointsToAlarm": 26,
            "TreatMissingData": "breaching",
            "Tags": [{ "Key": "Name", "Value": "payment-backup-unverified-dev" }],
        })
    );
    // The handler publishes just that.
    let published = [
        "METRIC = \"BackupVerified\"",
        "{\"Name\": \"Environment\", ",
        "{\"Name\": \"DBClusterIdentifier\", ",
    ];
    for part in published {
        assert!(SOURCE.contains(part), "{part}");
    }
}

#[test]
fn alarms_ring_on_the_first_error_and_the_first_throttle() {
    let graph = graph(Args::default(), &inputs());
    for (address, metric) in [("backup/errors-alarm", "Errors"), ("backup/throttles-alarm", "Throttles")] {
        let alarm = properties(&graph, address);
        assert_eq!((&alarm["Namespace"], &alarm["MetricName"]), (&json!("AWS/Lambda"), &json!(metric)));
        let function = json!({ "$join": [{ "$ref": "backup/function", "attr": "FunctionName" }] });
        assert_eq!(alarm["Dimensions"], json!([{ "Name": "FunctionName", "Value": function }]));
        assert_eq!((&alarm["Statistic"], &alarm["Period"]), (&json!("Sum"), &json!(300)));
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanOrEqualToThreshold");
        assert_eq!((&alarm["Threshold"], &alarm["EvaluationPeriods"]), (&json!(1.0), &json!(1)));
        assert_eq!(alarm["TreatMissingData"], "notBreaching");
        assert_eq!((&alarm["AlarmActions"], &alarm["OKActions"]), (&json!([TOPIC]), &json!([])));
    }
}

#[test]
fn without_a_topic_the_function_neither_knows_nor_may_use_one() {
    let alone = Inputs { alarm_topic_arn: None, alarm_topic_key_arn: None, ..inputs() };
    let graph = graph(Args::default(), &alone);
    assert_eq!(policy(&graph, "backup/verification-role").as_array().unwrap().len(), 6);
    let function = properties(&graph, "backup/function");
    assert_eq!(function["Environment"]["Variables"].get("TOPIC_ARN"), None);
    for alarm in ["backup/unverified-alarm", "backup/errors-alarm", "backup/throttles-alarm"] {
        assert_eq!(properties(&graph, alarm)["AlarmActions"], json!([]));
    }
}

#[test]
fn only_this_accounts_schedules_call_the_function_and_only_it() {
    let graph = graph(Args::default(), &inputs());
    let role = properties(&graph, "backup/schedule-role");
    assert_eq!(role["RoleName"], "payment-backup-schedule-ap-southeast-1-dev");
    assert_eq!(
        role["AssumeRolePolicyDocument"]["Statement"],
        json!([{
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Principal": { "Service": "scheduler.amazonaws.com" },
            "Condition": {
                "StringEquals": { "aws:SourceAccount": ["123456789012"] },
                "ArnEquals": {
                    "aws:SourceArn": ["arn:aws:scheduler:ap-southeast-1:123456789012:schedule-group/default"],
                },
            },
        }])
    );
    let function = json!({ "$ref": "backup/function", "attr": "Arn" });
    let queue = json!({ "$ref": "backup/dead-letter-queue", "attr": "Arn" });
    let statements = policy(&graph, "backup/schedule-role");
    assert_eq!(
        statement(&statements, "Invoke")["Resource"],
        json!([{ "$join": [function] }, { "$join": [function, ":*"] }])
    );
    assert_eq!(statement(&statements, "DeadLetters")["Resource"], json!([{ "$join": [queue] }]));
    assert_eq!(statements.as_array().unwrap().len(), 2);
}

#[test]
fn copies_by_aws_backup_are_an_option() {
    let (graph, outputs) = declare(&tier(with_everything()), &inputs()).unwrap();
    assert!(outputs.backup_vault_name.is_some());
    assert_eq!(graph.nodes().len(), 15);
    assert_eq!(
        properties(&graph, "backup/vault"),
        json!({
            "BackupVaultName": "payment-backup-vault-dev",
            "EncryptionKeyArn": "arn:aws:kms:ap-southeast-1:123456789012:key/database",
            "LockConfiguration": { "MinRetentionDays": 7 },
            "BackupVaultTags": { "Name": "payment-backup-vault-dev" },
        })
    );
    assert_eq!(
        properties(&graph, "backup/plan"),
        json!({
            "BackupPlan": {
                "BackupPlanName": "payment-backup-plan-dev",
                "BackupPlanRule": [{
                    "RuleName": "daily",
                    "TargetBackupVault": { "$ref": "backup/vault", "attr": "BackupVaultName" },
                    "ScheduleExpression": "cron(0 5 * * ? *)",
                    "ScheduleExpressionTimezone": "UTC",
                    "StartWindowMinutes": 60,
                    "CompletionWindowMinutes": 480,
                    "Lifecycle": { "DeleteAfterDays": 90 },
                }],
            },
            "BackupPlanTags": { "Name": "payment-backup-plan-dev" },
        })
    );
    assert_eq!(
        properties(&graph, "backup/selection"),
        json!({
            "BackupPlanId": { "$ref": "backup/plan", "attr": "BackupPlanId" },
            "BackupSelection": {
                "SelectionName": "payment-database-dev",
                "IamRoleArn": { "$ref": "backup/vault-role", "attr": "Arn" },
                "Resources": [CLUSTER],
            },
            "ServiceOptIn": { "Aurora": true, "TurnedOnForAccount": true },
        })
    );
    let role = properties(&graph, "backup/vault-role");
    assert_eq!(
        role["ManagedPolicyArns"],
        json!(["arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"])
    );
    assert_eq!(role.get("Policies"), None);
}

#[test]
fn reserved_executions_are_an_option() {
    let function = |args: Args| properties(&graph(args, &inputs()), "backup/function");
    assert_eq!(function(with_everything())["ReservedConcurrentExecutions"], 1);
    assert_eq!(function(Args::default()).get("ReservedConcurrentExecutions"), None);
}

#[test]
fn names_of_the_longest_environment_fit() {
    let args = Args { environment: "e".repeat(aws::MAX_ENVIRONMENT_LENGTH), ..with_everything() };
    let graph = graph(args, &inputs());
    let name = |address: &str, property: &str| {
        properties(&graph, address)[property].as_str().unwrap_or_else(|| panic!("{address}")).len()
    };
    for role in ["backup/verification-role", "backup/schedule-role", "backup/vault-role"] {
        assert!(name(role, "RoleName") <= 64, "{role}");
    }
    assert!(name("backup/function", "FunctionName") <= 64);
    assert!(name("backup/schedule", "Name") <= 64);
    assert!(name("backup/vault", "BackupVaultName") <= 50);
}

#[test]
fn the_tier_is_called_backup() {
    assert_eq!(backup::Tier::NAME, "backup");
}
