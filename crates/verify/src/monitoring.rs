//! Alarms, dashboard, logs, tracing and the verification of backups, as live AWS shows them.

use apigw::resources::{AccessLogSetting, RestApiStage};
use aws::TopicArn;
use aws::resources::{Alarm, LogGroup};
use backup::resources::{BackupSelection, Function, Schedule, ServiceOptIn, Target};
use database::resources::Cluster;
use ecs::resources::Cluster as EcsCluster;
use engine::Resolved;
use monitoring::resources::{CompositeAlarm, Dashboard, EventSubscription, Sampling, SamplingRule};
use serde_json::Value;
use vpc::resources::FlowLog;

use crate::result::{Check, Finding, Verdict};
use crate::subject::Subject;
use crate::typed::{Property, Seen, Typed};

/// What the reference document has alarms on: namespace, metric, and in words.
const WATCHED: [(&str, &str, &str); 6] = [
    ("AWS/ApplicationELB", "UnHealthyHostCount", "the health of the load balancer's targets"),
    ("AWS/ECS", "CPUUtilization", "the tasks' CPU"),
    ("AWS/ECS", "MemoryUtilization", "the tasks' memory"),
    ("AWS/RDS", "CPUUtilization", "the database's CPU"),
    ("AWS/RDS", "DatabaseConnections", "the database's connections"),
    ("AWS/RDS", "FreeLocalStorage", "the database's storage"),
];

const REPAIR: &str = "somebody changed it outside of this program: `refresh` shows what, `up` repairs it";

/// All checks of monitoring.
pub(crate) fn checks(subject: &Subject) -> Vec<Check> {
    let mut checks = vec![
        alarms(subject).of("monitoring/alarms", "every alarm is on and tells the topic of alarms", REPAIR),
        database_events(subject).of(
            "monitoring/database-events",
            "every subscription of the database's events is on and tells the topic of alarms",
            REPAIR,
        ),
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
    ];
    // A vault is an option, and without one there is nothing to say.
    if subject.of::<BackupSelection<Resolved>>().next().is_some() {
        checks.push(opt_in(subject).of(
            "backup/opt-in",
            "AWS Backup backs up Aurora clusters in this account and region",
            "set `backup.vault.opt_in` and run `stack up`, or turn it on in the console of AWS Backup, under Settings",
        ));
    }
    checks
}

fn alarms(subject: &Subject) -> Verdict {
    let on_metrics =
        alarms_of::<Alarm<Resolved>>(subject, |alarm| (alarm.actions_enabled, &alarm.alarm_actions));
    let composite =
        alarms_of::<CompositeAlarm<Resolved>>(subject, |alarm| (alarm.actions_enabled, &alarm.alarm_actions));
    on_metrics.and(composite)
}

fn alarms_of<R: engine::Resource>(
    subject: &Subject,
    actions: impl Fn(&R) -> (bool, &Vec<TopicArn>),
) -> Verdict {
    let [enabled, told] = ["ActionsEnabled", "AlarmActions"].map(Property::new);
    let topic = subject.output("alarmTopicArn");
    subject.every::<R>("no alarm is deployed", |alarm| {
        let (is_on, topics) = actions(&alarm.live);
        let mut findings = alarm.must_be(&enabled, &is_on, &true);
        if !topics.iter().any(|arn| Some(arn.as_str()) == topic) {
            let expected = topic.unwrap_or("the topic of alarms, of which there is no output");
            findings.push(alarm.wrong(&told, expected));
        }
        findings
    })
}

/// Security Hub RDS.19 to RDS.22.
fn database_events(subject: &Subject) -> Verdict {
    let [enabled, told] = ["Enabled", "SnsTopicArn"].map(Property::new);
    let topic = subject.output("alarmTopicArn");
    subject.every::<EventSubscription<Resolved>>("no database is watched", |events| {
        let mut findings = events.must_be(&enabled, &events.live.enabled, &true);
        if Some(events.live.sns_topic_arn.as_str()) != topic {
            let expected = topic.unwrap_or("the topic of alarms, of which there is no output");
            findings.push(events.wrong(&told, expected));
        }
        findings
    })
}

/// Whether an alarm is on this metric, by itself or in an expression.
fn watches(alarm: &Alarm<Resolved>, namespace: &str, metric: &str) -> bool {
    let itself =
        (alarm.namespace.as_deref(), alarm.metric_name.as_deref()) == (Some(namespace), Some(metric));
    let mut queried = alarm.metrics.iter().filter_map(|query| Some(&query.metric_stat.as_ref()?.metric));
    itself || queried.any(|queried| queried.namespace == namespace && queried.metric_name == metric)
}

fn coverage(subject: &Subject) -> Verdict {
    let mut findings = Vec::new();
    let mut left_out = Vec::new();
    for (namespace, metric, words) in WATCHED {
        let is_on = |alarm: Result<Alarm<Resolved>, Finding>| {
            alarm.is_ok_and(|alarm| watches(&alarm, namespace, metric))
        };
        if subject.of::<Alarm<Resolved>>().any(|alarm| is_on(alarm.found())) {
            continue;
        }
        match subject.of::<Alarm<Resolved>>().find(|alarm| is_on(alarm.recorded())) {
            Some(alarm) => {
                let expected = format!("an alarm on {namespace} {metric}, {words}");
                findings.push(match alarm.found() {
                    Err(unseen) => Finding { expected, ..unseen },
                    Ok(_) => Finding::new("alarms", expected, "none watches it"),
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
    let body = Property::new("DashboardBody");
    subject.every::<Dashboard<Resolved>>("no dashboard is deployed", |dashboard| {
        let mut findings = Vec::new();
        if !shows_metrics(&dashboard.live.dashboard_body) {
            findings.push(dashboard.wrong(&body, "widgets with metrics"));
        }
        // The URL is what people have in their bookmarks.
        let name = &dashboard.live.dashboard_name;
        let url = subject.output("dashboardUrl").unwrap_or_default();
        if !url.ends_with(&format!("#dashboards:name={name}")) {
            findings.push(Finding::new("dashboardUrl", format!("leads to the dashboard {name}"), url));
        }
        findings
    })
}

/// Whether a widget has metrics (CloudWatch API Reference, "Dashboard Body Structure and Syntax").
fn shows_metrics(body: &str) -> bool {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let mut widgets = body["widgets"].as_array().into_iter().flatten();
    widgets
        .any(|widget| widget["properties"]["metrics"].as_array().is_some_and(|metrics| !metrics.is_empty()))
}

fn flow_logs(subject: &Subject) -> Verdict {
    let [traffic, of] = ["TrafficType", "ResourceId"].map(Property::new);
    let vpc = subject.output("vpcId").unwrap_or_default();
    let reason = "no flow log is deployed: `vpc.flow_logs.enabled` is false";
    subject.every::<FlowLog<Resolved>>(reason, |log| {
        let mut findings = log.must_be(&traffic, &log.live.traffic_type, &"ALL".to_owned());
        findings.extend(log.must_be(&of, &log.live.resource_id, &vpc.into()));
        findings
    })
}

/// Judges what a configuration may turn off: where it was deployed so, nothing is judged.
fn unless_off<R: engine::Resource>(
    subject: &Subject,
    is_on: impl Fn(&R) -> bool,
    reason: &str,
    judge: impl Fn(&Seen<'_, R>) -> Vec<Finding>,
) -> Verdict {
    // What cannot be read may be on.
    let may_be_on = |resource: Typed<'_, R>| resource.recorded().map_or(true, |recorded| is_on(&recorded));
    match subject.of::<R>().any(may_be_on) {
        true => subject.every(reason, judge),
        false => Verdict::skipped(reason),
    }
}

fn tracing(subject: &Subject) -> Verdict {
    let enabled = Property::new("TracingEnabled");
    unless_off::<RestApiStage<Resolved>>(
        subject,
        |stage| stage.tracing_enabled,
        "it was deployed without: `apigw.tracing` is false",
        |stage| stage.must_be(&enabled, &stage.live.tracing_enabled, &true),
    )
}

fn sampling(subject: &Subject) -> Verdict {
    let rate = Property::new("SamplingRule").member::<Sampling>("FixedRate");
    let reason = "no rule is deployed: `monitoring.tracing.enabled` is false";
    subject.every::<SamplingRule>(reason, |rule| {
        // A share of nothing is no tracing.
        let (found, wanted) = (rule.live.sampling_rule.fixed_rate, rule.recorded.sampling_rule.fixed_rate);
        match found >= wanted {
            true => Vec::new(),
            false => vec![rule.wrong(&rate, &format!("{wanted:?} at least"))],
        }
    })
}

fn insights(subject: &Subject) -> Verdict {
    const SETTING: &str = "containerInsights";
    let setting = Property::new("ClusterSettings").element(SETTING);
    let is_on = |cluster: &EcsCluster| {
        let mut settings = cluster.cluster_settings.iter();
        settings.any(|one| one.name == SETTING && matches!(one.value.as_str(), "enabled" | "enhanced"))
    };
    unless_off::<EcsCluster>(
        subject,
        is_on,
        "it was deployed without: `ecs.insights` is disabled",
        |cluster| match is_on(&cluster.live) {
            true => Vec::new(),
            false => vec![cluster.wrong(&setting, "enabled or enhanced")],
        },
    )
}

fn access_log(subject: &Subject) -> Verdict {
    let destination =
        Property::new("AccessLogSetting").member::<AccessLogSetting<Resolved>>("DestinationArn");
    let group = subject.output("apiAccessLogGroupName").unwrap_or_default();
    subject.every::<RestApiStage<Resolved>>("no API is deployed", |stage| {
        let setting = stage.live.access_log_setting.as_ref();
        let is_there = setting.is_some_and(|setting| setting.destination_arn.ends_with(&format!(":{group}")));
        match is_there && !group.is_empty() {
            true => Vec::new(),
            false => vec![stage.wrong(&destination, &format!("the log group {group}"))],
        }
    })
}

fn database_logs(subject: &Subject) -> Verdict {
    const LOG: &str = "postgresql";
    let exported = Property::new("EnableCloudwatchLogsExports");
    subject.every::<Cluster<Resolved>>("no database is deployed", |cluster| {
        match cluster.live.enable_cloudwatch_logs_exports.iter().any(|log| log == LOG) {
            true => Vec::new(),
            false => vec![cluster.wrong(&exported, LOG)],
        }
    })
}

/// At least what was deployed, and set at all: a log group without a period keeps everything for ever.
fn retention(subject: &Subject) -> Verdict {
    let period = Property::new("RetentionInDays");
    subject.every::<LogGroup<Resolved>>("no log group is deployed", |group| {
        let days = |group: &LogGroup<Resolved>| group.retention_in_days.map(u32::from);
        match (days(&group.live), days(&group.recorded)) {
            (Some(found), Some(wanted)) if found >= wanted => Vec::new(),
            (Some(_), None) => Vec::new(),
            (_, wanted) => {
                let expected = wanted.map_or("a period".to_owned(), |days| format!("{days} days at least"));
                vec![group.wrong(&period, &expected)]
            }
        }
    })
}

fn backups(subject: &Subject) -> Verdict {
    let period = Property::new("BackupRetentionPeriod");
    subject.every::<Cluster<Resolved>>("no database is deployed", |cluster| {
        let wanted = cluster.recorded.backup_retention_period;
        match cluster.live.backup_retention_period >= wanted.max(1) {
            true => Vec::new(),
            false => vec![cluster.wrong(&period, &format!("{wanted} days at least"))],
        }
    })
}

/// AWS Backup leaves out services that the account has not opted in to, and says nothing.
fn opt_in(subject: &Subject) -> Verdict {
    let aurora = Property::new("ServiceOptIn").member::<ServiceOptIn>("Aurora");
    subject.every::<BackupSelection<Resolved>>("no vault is deployed", |selection| {
        selection.must_be(&aurora, &selection.live.service_opt_in.aurora, &true)
    })
}

fn verification(subject: &Subject) -> Verdict {
    let state = Property::new("State");
    let called = Property::new("Target").member::<Target<Resolved>>("Arn");
    let function = subject.output("backupFunctionArn").unwrap_or_default();
    let judged = subject.every::<Schedule<Resolved>>("no schedule is deployed", |schedule| {
        let mut findings = schedule.must_be(&state, &schedule.live.state, &"ENABLED".to_owned());
        if function.is_empty() || schedule.live.target.arn.as_str() != function {
            findings.push(schedule.wrong(&called, function));
        }
        findings
    });
    let Verdict::Judged(mut findings) = judged else { return judged };
    findings.extend(subject.of::<Function<Resolved>>().filter_map(|function| function.found().err()));
    Verdict::Judged(findings)
}
