//! Who may do what: the policies of the tier's roles.

use aws::policy::{PolicyDocument, Principal, Statement};
use aws::{LogGroupArn, Place, QueueArn};
use engine::Input;

use crate::FunctionArn;
use crate::args::Inputs;

/// The namespace of the tier's metric.
pub(crate) const NAMESPACE: &str = "Payment/Backup";
/// The group that schedules are in that name none.
pub(crate) const SCHEDULE_GROUP: &str = "default";

/// What lets Lambda take a role. AWS documents no condition that Lambda would meet; who may hand it the role is limited
/// by `iam:PassRole`.
pub(crate) fn function_trust() -> PolicyDocument {
    trust("lambda.amazonaws.com", |statement| statement)
}

/// What lets the schedules of this account's group take a role, and no others. Scheduler names the group, and not the
/// schedule (EventBridge Scheduler User Guide, "Confused deputy prevention in EventBridge Scheduler").
pub(crate) fn schedule_trust(place: &Place) -> PolicyDocument {
    let group = place.arn("scheduler", &format!("schedule-group/{SCHEDULE_GROUP}"));
    trust("scheduler.amazonaws.com", |statement| {
        statement.when("StringEquals", "aws:SourceAccount", [place.account_id.clone().into()]).when(
            "ArnEquals",
            "aws:SourceArn",
            [group.into()],
        )
    })
}

/// What lets AWS Backup take a role. The same is true of it.
pub(crate) fn backup_trust() -> PolicyDocument {
    trust("backup.amazonaws.com", |statement| statement)
}

fn trust(service: &str, further: impl FnOnce(Statement) -> Statement) -> PolicyDocument {
    let statement = Statement::allow(["sts:AssumeRole"]).principal(Principal::Service(service.to_owned()));
    PolicyDocument::new([further(statement)])
}

/// What the function does: look at one cluster and its snapshots, say what it found, and nothing else.
pub(crate) fn function(
    inputs: &Inputs,
    log_group: &Input<LogGroupArn>,
    dead_letters: &Input<QueueArn>,
) -> PolicyDocument {
    let place = &inputs.place;
    let cluster = inputs.database.cluster_arn.clone();
    // Asked for by cluster, the call names no snapshot.
    let snapshots = place.arn("rds", "cluster-snapshot:*");
    let mut statements = vec![
        Statement::allow(["rds:DescribeDBClusters"]).sid("ReadCluster").resources([cluster.clone()]),
        Statement::allow(["rds:DescribeDBClusterSnapshots"])
            .sid("ReadSnapshots")
            .resources([cluster, snapshots.into()]),
        // The call has no resource.
        Statement::allow(["cloudwatch:PutMetricData"]).sid("PublishMetric").resources(["*".into()]).when(
            "StringEquals",
            "cloudwatch:namespace",
            [NAMESPACE.into()],
        ),
        Statement::allow(["logs:CreateLogStream", "logs:PutLogEvents"])
            .sid("Log")
            .resources([log_group.text()]),
        Statement::allow(["sqs:SendMessage"]).sid("DeadLetters").resources([dead_letters.text()]),
        // Neither call has a resource.
        Statement::allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"])
            .sid("Trace")
            .resources(["*".into()]),
    ];
    if let Some(topic) = &inputs.alarm_topic_arn {
        statements.push(Statement::allow(["sns:Publish"]).sid("TellPeople").resources([topic.text()]));
    }
    if let Some(key) = &inputs.alarm_topic_key_arn {
        statements.push(
            Statement::allow(["kms:GenerateDataKey*", "kms:Decrypt"])
                .sid("EncryptMessages")
                .resources([key.text()])
                .when("StringEquals", "kms:ViaService", place.via("sns")),
        );
    }
    PolicyDocument::new(statements)
}

/// What the schedule does: call the function, and put aside what it could not.
pub(crate) fn schedule(function: &Input<FunctionArn>, dead_letters: &Input<QueueArn>) -> PolicyDocument {
    let versions = Input::join([function.into(), ":*".into()]);
    PolicyDocument::new([
        Statement::allow(["lambda:InvokeFunction"]).sid("Invoke").resources([function.text(), versions]),
        Statement::allow(["sqs:SendMessage"]).sid("DeadLetters").resources([dead_letters.text()]),
    ])
}
