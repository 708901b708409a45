//! Alarms, dashboard, logs, tracing and the verification of backups, as live AWS shows them.

use serde_json::{Value, json};

use crate::result::{Check, Finding, Verdict};
use crate::security::CLUSTER;
use crate::subject::{Resource, Subject, items, text};

const ALARM: &str = "AWS::CloudWatch::Alarm";
const COMPOSITE: &str = "AWS::CloudWatch::CompositeAlarm";
const STAGE: &str = "AWS::ApiGateway::Stage";
const FUNCTION: &str = "AWS::Lambda::Function";

/// What the reference document has alarms on: namespace, metric, and in words.
const WATCHED: [(&str, &str, &str); 6] = [
    ("AWS/ApplicationELB", "UnHealthyHostCount", "the health of the load balancer's targets"),
    ("AWS/ECS", "CPUUtilization", "the tasks' CPU"),
    ("AWS/ECS", "MemoryUtilization", "the tasks' memory"),
    ("AWS/RDS", "CPUUtilization", "the database's CPU"),
    ("AWS/RDS", "DatabaseConnections", "the database's connections"),
    ("AWS/RDS", "FreeLocalStorage", "the database's storage"),
];

const REPAIR: &str =
    "somebody changed it outside of this program: `stack refresh` shows what, `stack up` repairs it";

/// All checks of monitoring.
pub(crate) fn checks(subject: &Subject) -> Vec<Check> {
    vec![
        alarms(subject).of("monitoring/alarms", "every alarm is on and tells the topic of alarms", REPAIR),
        coverage(subject).of(
            "monitoring/alarm-coverage",
            "load balancer, tasks and database have the reference's alarms",
            REPAIR,
        ),
        dashboard(subject).of("monitoring/dashboard", "the dashboard exists and shows metrics", REPAIR),
        flow_logs(subject).of(
            "monitoring/flow-logs",
            "a flow log records all traffic of the stack's VPC",
            REPAIR,
        ),
        tracing(subject).of("monitoring/tracing", "the API's requests are traced with X-Ray", REPAIR),
        sampling(subject).of("monitoring/sampling", "X-Ray has the stack's rule of what is traced", REPAIR),
        insights(subject).of(
            "monitoring/container-insights",
            "Container Insights measures the tasks",
            REPAIR,
        ),
        access_log(subject).of("monitoring/api-access-log", "the API's requests are logged", REPAIR),
        database_logs(subject).of(
            "monitoring/database-logs",
            "the database's log goes to CloudWatch",
            REPAIR,
        ),
        retention(subject).of(
            "monitoring/log-retention",
            "every log is kept as long as was deployed, and not for ever",
            REPAIR,
        ),
        backups(subject).of(
            "backup/retention",
            "the database's backups are kept as long as was deployed",
            REPAIR,
        ),
        verification(subject).of(
            "backup/verification",
            "backups are verified on a schedule that is on",
            REPAIR,
        ),
    ]
}

fn alarms(subject: &Subject) -> Verdict {
    let topic = subject.output("alarmTopicArn");
    subject.every(&[ALARM, COMPOSITE], "no alarm is deployed", |alarm, live| {
        let mut findings: Vec<Finding> =
            alarm.must_be(live, "ActionsEnabled", &Value::Bool(true)).into_iter().collect();
        let expected = topic.unwrap_or("the topic of alarms, of which there is no output");
        if !items(live, "AlarmActions").any(|action| action.as_str().is_some_and(|arn| Some(arn) == topic)) {
            findings.push(alarm.wrong("AlarmActions", expected, &live["AlarmActions"]));
        }
        findings
    })
}

/// Whether an alarm is on this metric, by itself or in an expression.
fn watches(alarm: &Value, namespace: &str, metric: &str) -> bool {
    let is = |one: &Value| text(one, "Namespace") == namespace && text(one, "MetricName") == metric;
    is(alarm) || items(alarm, "Metrics").any(|query| is(&query["MetricStat"]["Metric"]))
}

fn coverage(subject: &Subject) -> Verdict {
    let mut findings = Vec::new();
    let mut left_out = Vec::new();
    for (namespace, metric, words) in WATCHED {
        let mut live = subject.of(&[ALARM]).filter_map(Resource::found);
        if live.any(|alarm| watches(alarm, namespace, metric)) {
            continue;
        }
        let mut deployed = subject.of(&[ALARM]).filter(|alarm| watches(&alarm.recorded, namespace, metric));
        match deployed.next() {
            Some(alarm) => {
                let expected = format!("an alarm on {namespace} {metric}, {words}");
                findings.push(match alarm.unseen() {
                    Some(unseen) => Finding { expected, ..unseen },
                    None => Finding::new("alarms", expected, "none watches it"),
                });
            }
            None => left_out.push(words),
        }
    }
    match (findings.is_empty(), left_out.is_empty()) {
        (true, false) => Verdict::skipped(format!(
            "the rest is watched; `monitoring.disabled_alarms` leaves out {}",
            left_out.join(", ")
        )),
        _ => Verdict::Judged(findings),
    }
}

fn dashboard(subject: &Subject) -> Verdict {
    const KIND: &str = "AWS::CloudWatch::Dashboard";
    subject.every(&[KIND], "no dashboard is deployed", |dashboard, live| {
        let body: Value = serde_json::from_str(text(live, "DashboardBody")).unwrap_or_default();
        let shows = |widget: &Value| items(&widget["properties"], "metrics").next().is_some();
        let mut findings = Vec::new();
        if !items(&body, "widgets").any(shows) {
            findings.push(dashboard.wrong("DashboardBody", "widgets with metrics", &live["DashboardBody"]));
        }
        // The URL is what people have in their bookmarks.
        let (name, url) = (text(live, "DashboardName"), subject.output("dashboardUrl").unwrap_or_default());
        if !url.ends_with(&format!("#dashboards:name={name}")) {
            findings.push(Finding::new("dashboardUrl", format!("leads to the dashboard {name}"), url));
        }
        findings
    })
}

fn flow_logs(subject: &Subject) -> Verdict {
    const KIND: &str = "AWS::EC2::FlowLog";
    let vpc = subject.output("vpcId").unwrap_or_default();
    subject.every(&[KIND], "no flow log is deployed: `vpc.flow_logs.enabled` is false", |log, live| {
        let wanted = [("TrafficType", json!("ALL")), ("ResourceId", json!(vpc))];
        wanted.iter().filter_map(|(property, value)| log.must_be(live, property, value)).collect()
    })
}

/// Judges what a configuration may turn off: where it was deployed so, nothing is judged.
fn unless_off(
    subject: &Subject,
    kind: &str,
    is_off: impl Fn(&Value) -> bool,
    reason: &str,
    judge: impl Fn(&Resource, &Value) -> Vec<Finding>,
) -> Verdict {
    match subject.of(&[kind]).all(|resource| is_off(&resource.recorded)) {
        true => Verdict::skipped(reason),
        false => subject.every(&[kind], reason, judge),
    }
}

fn tracing(subject: &Subject) -> Verdict {
    let off = |stage: &Value| stage["TracingEnabled"] != Value::Bool(true);
    unless_off(subject, STAGE, off, "it was deployed without: `apigw.tracing` is false", |stage, live| {
        stage.must_be(live, "TracingEnabled", &Value::Bool(true)).into_iter().collect()
    })
}

fn sampling(subject: &Subject) -> Verdict {
    const KIND: &str = "AWS::XRay::SamplingRule";
    let reason = "no rule is deployed: `monitoring.tracing.enabled` is false";
    subject.every(&[KIND], reason, |rule, live| {
        // A share of nothing is no tracing.
        let (found, wanted) =
            (&live["SamplingRule"]["FixedRate"], &rule.recorded["SamplingRule"]["FixedRate"]);
        let expected = format!("{wanted} at least");
        let enough = found.as_f64().zip(wanted.as_f64()).is_some_and(|(found, wanted)| found >= wanted);
        if enough { Vec::new() } else { vec![rule.wrong("SamplingRule.FixedRate", &expected, found)] }
    })
}

fn insights(subject: &Subject) -> Verdict {
    const KIND: &str = "AWS::ECS::Cluster";
    let is_on = |cluster: &Value| {
        items(cluster, "ClusterSettings").any(|setting| {
            setting["Name"] == "containerInsights" && matches!(text(setting, "Value"), "enabled" | "enhanced")
        })
    };
    let reason = "it was deployed without: `ecs.insights` is disabled";
    unless_off(
        subject,
        KIND,
        |cluster| !is_on(cluster),
        reason,
        |cluster, live| match is_on(live) {
            true => Vec::new(),
            false => vec![cluster.wrong(
                "ClusterSettings.containerInsights",
                "enabled or enhanced",
                &live["ClusterSettings"],
            )],
        },
    )
}

fn access_log(subject: &Subject) -> Verdict {
    subject.every(&[STAGE], "no API is deployed", |stage, live| {
        let found = &live["AccessLogSetting"]["DestinationArn"];
        let group = subject.output("apiAccessLogGroupName").unwrap_or_default();
        let good = !group.is_empty() && found.as_str().is_some_and(|arn| arn.ends_with(&format!(":{group}")));
        let expected = format!("the log group {group}");
        if good { Vec::new() } else { vec![stage.wrong("AccessLogSetting.DestinationArn", &expected, found)] }
    })
}

fn database_logs(subject: &Subject) -> Verdict {
    const PROPERTY: &str = "EnableCloudwatchLogsExports";
    subject.every(&[CLUSTER], "no database is deployed", |cluster, live| {
        match items(live, PROPERTY).any(|log| log == "postgresql") {
            true => Vec::new(),
            false => vec![cluster.wrong(PROPERTY, "postgresql", &live[PROPERTY])],
        }
    })
}

/// At least what was deployed, and set at all: a log group without a period keeps everything for ever.
fn retention(subject: &Subject) -> Verdict {
    const PROPERTY: &str = "RetentionInDays";
    subject.every(&["AWS::Logs::LogGroup"], "no log group is deployed", |group, live| {
        let (found, wanted) = (live[PROPERTY].as_u64(), group.recorded[PROPERTY].as_u64());
        match (found, wanted) {
            (Some(found), Some(wanted)) if found >= wanted => Vec::new(),
            (Some(_), None) => Vec::new(),
            (_, wanted) => {
                let expected = wanted.map_or("a period".to_owned(), |days| format!("{days} days at least"));
                vec![group.wrong(PROPERTY, &expected, &live[PROPERTY])]
            }
        }
    })
}

fn backups(subject: &Subject) -> Verdict {
    const PROPERTY: &str = "BackupRetentionPeriod";
    subject.every(&[CLUSTER], "no database is deployed", |cluster, live| {
        let wanted = &cluster.recorded[PROPERTY];
        match live[PROPERTY].as_u64() >= wanted.as_u64().max(Some(1)) {
            true => Vec::new(),
            false => vec![cluster.wrong(PROPERTY, &format!("{wanted} days at least"), &live[PROPERTY])],
        }
    })
}

fn verification(subject: &Subject) -> Verdict {
    const SCHEDULE: &str = "AWS::Scheduler::Schedule";
    let function = subject.output("backupFunctionArn").unwrap_or_default();
    let schedule = subject.every(&[SCHEDULE], "no schedule is deployed", |schedule, live| {
        let mut findings: Vec<Finding> =
            schedule.must_be(live, "State", &json!("ENABLED")).into_iter().collect();
        if function.is_empty() || text(&live["Target"], "Arn") != function {
            findings.push(schedule.wrong("Target.Arn", function, &live["Target"]["Arn"]));
        }
        findings
    });
    let Verdict::Judged(mut findings) = schedule else { return schedule };
    findings.extend(subject.of(&[FUNCTION]).filter_map(Resource::unseen));
    Verdict::Judged(findings)
}
