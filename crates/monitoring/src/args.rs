//! What the tier can be told.

use std::collections::{BTreeMap, BTreeSet};

use engine::DeclareError;
use filter_pattern::Pattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Inputs;

/// The name of the alarm on all those that are critical.
pub(crate) const CRITICAL: &str = "critical";

/// The names of all alarms. Those of several objects share one.
pub(crate) const NAMES: [&str; 22] = [
    "alb-unhealthy-hosts",
    "alb-healthy-hosts",
    "alb-errors",
    "alb-target-errors",
    "alb-latency",
    "alb-rejected-connections",
    "ecs-cpu",
    "ecs-memory",
    "ecs-running-tasks",
    "payment-errors",
    "database-cpu",
    "database-connections",
    "database-storage",
    "database-capacity",
    "database-replica-lag",
    "api-errors",
    "api-latency",
    "api-requests",
    "waf-blocked-requests",
    "nat-ports",
    "nat-dropped-packets",
    CRITICAL,
];

/// What the tier can be told; a configuration file can say all of it but the environment and the tags, which all tiers
/// share. Everything has a default; without e-mail addresses, alarms are seen on the dashboard only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Args {
    /// The environment, part of every name.
    #[serde(skip)]
    pub environment: String,
    /// E-mail addresses that are told of alarms, and of their ends. The owner of each must click on the link in a first
    /// e-mail from AWS within two days, or gets nothing.
    pub alarm_emails: Vec<String>,
    /// What one value of an alarm or of a graph covers, in seconds: 60 to 3600 in whole minutes. The default is the
    /// reference's five minutes.
    #[schemars(range(min = 60, max = 3600))]
    pub period: u32,
    /// When alarms go off.
    pub thresholds: Thresholds,
    /// Alarms that are not made, such as `api-latency`. Those of several objects have one name: `nat-ports` is that of
    /// each NAT gateway.
    pub disabled_alarms: Vec<String>,
    /// Whether there is an alarm on a number of API requests that is unusual for the hour. CloudWatch learns what is usual
    /// from two weeks; the metric behind it costs as much as three alarms.
    pub api_anomaly: bool,
    /// Which lines of the application's log are errors (CloudWatch Logs User Guide, "Filter pattern syntax"): words, of
    /// which each with a question mark is enough, or `{ $.level = "error" }` where lines are JSON.
    pub error_pattern: String,
    /// Which share of the requests is traced.
    pub tracing: Tracing,
    /// Tags for everything that can have tags; `Name` is added.
    #[serde(skip)]
    pub tags: BTreeMap<String, String>,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            environment: "dev".to_owned(),
            alarm_emails: Vec::new(),
            period: 300,
            thresholds: Thresholds::default(),
            disabled_alarms: Vec::new(),
            api_anomaly: false,
            error_pattern: "?ERROR ?FATAL ?PANIC".to_owned(),
            tracing: Tracing::default(),
            tags: BTreeMap::new(),
        }
    }
}

/// When alarms go off. The defaults are the reference's where those can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// So many unhealthy targets in one group, or more. The reference has more than 10, which ten tasks never reach.
    #[schemars(range(min = 1))]
    pub unhealthy_hosts: u32,
    /// Fewer healthy targets, in both groups together. Without it, as many as there always are tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy_hosts: Option<u32>,
    /// More answers 5XX of the load balancer itself in one period.
    #[schemars(range(min = 0))]
    pub load_balancer_errors: f64,
    /// More answers 5XX of targets, in percent of all requests.
    #[schemars(range(min = 0, max = 100))]
    pub target_error_percent: f64,
    /// Fewer requests in one period say nothing about a share of them: a percentage counts only beyond.
    pub minimum_requests: u32,
    /// A longer time in which targets answer 99 percent of the requests, in seconds.
    #[schemars(range(min = 0))]
    pub response_seconds: f64,
    /// More connections that the load balancer turned away in one period.
    #[schemars(range(min = 0))]
    pub rejected_connections: f64,
    /// A higher average CPU load of tasks, in percent. The reference's.
    #[schemars(range(min = 0, max = 100))]
    pub task_cpu_percent: f64,
    /// A higher average use of tasks' memory, in percent. The reference's.
    #[schemars(range(min = 0, max = 100))]
    pub task_memory_percent: f64,
    /// Fewer running tasks. Without it, as many as there always are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_tasks: Option<u32>,
    /// More lines with errors in the application's log in one period.
    #[schemars(range(min = 0))]
    pub payment_errors: f64,
    /// A higher average CPU load of the database, in percent. The reference's.
    #[schemars(range(min = 0, max = 100))]
    pub database_cpu_percent: f64,
    /// More connections to one instance of the database, in percent of what its largest capacity allows.
    #[schemars(range(min = 0, max = 100))]
    pub database_connection_percent: f64,
    /// Less free local storage of an instance, in percent of its size, where that is known. The reference's.
    #[schemars(range(min = 0, max = 100))]
    pub free_local_storage_percent: f64,
    /// Less free local storage of an instance, in bytes, where its size is not known. AWS does not publish it for
    /// serverless instances, so that this is an estimate.
    #[schemars(range(min = 0))]
    pub free_local_storage_bytes: f64,
    /// A higher use of the database's largest capacity, in percent.
    #[schemars(range(min = 0, max = 100))]
    pub database_capacity_percent: f64,
    /// A larger delay of the database's readers, in milliseconds.
    #[schemars(range(min = 0))]
    pub replica_lag_milliseconds: f64,
    /// More answers 5XX of the API, in percent of all requests.
    #[schemars(range(min = 0, max = 100))]
    pub api_error_percent: f64,
    /// A longer time in which the API answers 99 percent of the requests, in seconds.
    #[schemars(range(min = 0))]
    pub api_response_seconds: f64,
    /// How far from the usual the number of API requests may be, in standard deviations.
    #[schemars(range(min = 1, max = 10))]
    pub api_anomaly_deviations: f64,
    /// More requests that the firewall blocked in one period.
    #[schemars(range(min = 0))]
    pub blocked_requests: f64,
    /// More connections that a NAT gateway had no port for in one period.
    #[schemars(range(min = 0))]
    pub nat_port_errors: f64,
    /// More packets that a NAT gateway dropped in one period.
    #[schemars(range(min = 0))]
    pub nat_dropped_packets: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            unhealthy_hosts: 1,
            healthy_hosts: None,
            load_balancer_errors: 10.0,
            target_error_percent: 5.0,
            minimum_requests: 20,
            response_seconds: 2.0,
            rejected_connections: 0.0,
            task_cpu_percent: 80.0,
            task_memory_percent: 80.0,
            running_tasks: None,
            payment_errors: 10.0,
            database_cpu_percent: 80.0,
            database_connection_percent: 80.0,
            free_local_storage_percent: 20.0,
            free_local_storage_bytes: 2_147_483_648.0,
            database_capacity_percent: 90.0,
            replica_lag_milliseconds: 1000.0,
            api_error_percent: 1.0,
            api_response_seconds: 3.0,
            api_anomaly_deviations: 3.0,
            blocked_requests: 1000.0,
            nat_port_errors: 0.0,
            nat_dropped_packets: 0.0,
        }
    }
}

/// Which share of the requests is traced.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tracing {
    /// Whether there are a sampling rule and a group in X-Ray. Without the rule, AWS's own decides: one request a second
    /// and five percent of the others.
    pub enabled: bool,
    /// The share of requests beyond the reservoir: 0 to 1. The default is the reference's tenth.
    #[schemars(range(min = 0, max = 1))]
    pub fixed_rate: f64,
    /// How many requests a second are traced before that: 0 to 1000. With 0, the share is exact.
    #[schemars(range(min = 0, max = 1000))]
    pub reservoir: u32,
    /// The place among the region's sampling rules, of which the lowest that fits decides: 1 to 9999.
    #[schemars(range(min = 1, max = 9999))]
    pub priority: u32,
}

impl Default for Tracing {
    fn default() -> Self {
        Self { enabled: true, fixed_rate: 0.10, reservoir: 0, priority: 1000 }
    }
}

/// The longest e-mail address. The address of its subscription in the graph is made from it.
const MAX_EMAIL_LENGTH: usize = 100;
/// Letters that the part of an e-mail address before the `@` may have, beside letters and digits.
const MAILBOX: &str = "!#$%&'*+-/=?^_`{|}~.";

fn is_email(text: &str) -> bool {
    let Some((mailbox, domain)) = text.split_once('@') else { return false };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // RFC 5322, `dot-atom`: no dot at an end, nor two in a row.
    (1..=64).contains(&mailbox.len())
        && mailbox.split('.').all(|part| !part.is_empty())
        && mailbox.chars().all(|c| c.is_ascii_alphanumeric() || MAILBOX.contains(c))
        && text.len() <= MAX_EMAIL_LENGTH
        && domain.contains('.')
        && domain.split('.').all(is_label)
        // An address of four numbers is no name.
        && domain.contains(|one: char| one.is_ascii_alphabetic())
}

impl Args {
    /// What can be said to be wrong before any call.
    pub(crate) fn check(&self, inputs: &Inputs) -> Result<(), DeclareError> {
        self.check_emails()?;
        if !(60..=3600).contains(&self.period) || !self.period.is_multiple_of(60) {
            let reason = format!("{} seconds cannot be one period", self.period);
            return Err(DeclareError::argument("period", reason, "use 60 to 3600 seconds, in whole minutes"));
        }
        for (index, name) in self.disabled_alarms.iter().enumerate() {
            if !NAMES.contains(&name.as_str()) {
                let reason = format!("there is no alarm `{name}`");
                let hint = format!("use one of {}", NAMES.join(", "));
                return Err(DeclareError::argument(format!("disabled_alarms[{index}]"), reason, &hint));
            }
        }
        self.check_pattern()?;
        self.tracing.check()?;
        self.thresholds.check()?;
        check_inputs(inputs)
    }

    fn check_pattern(&self) -> Result<(), DeclareError> {
        let reason = match filter_pattern::parse(&self.error_pattern) {
            Err(wrong) => wrong.to_string(),
            Ok(Pattern::Terms(terms)) if terms.fit_everything => "it would count every line".to_owned(),
            // CloudWatch Logs User Guide, "Filter pattern syntax": a term with a question mark is ignored there.
            Ok(Pattern::Terms(terms)) if terms.ignore_optional => {
                "CloudWatch Logs ignores terms with a question mark where there are others without one"
                    .to_owned()
            }
            Ok(_) => return Ok(()),
        };
        let hint = "use terms such as ?ERROR ?FATAL, `\"level: error\"` in quotation marks, { $.level = \"error\" } for lines that are \
                    JSON, or [time, level = ERROR, ...] for columns";
        Err(DeclareError::argument("error_pattern", reason, hint))
    }

    fn check_emails(&self) -> Result<(), DeclareError> {
        let mut seen = BTreeSet::new();
        for (index, email) in self.alarm_emails.iter().enumerate() {
            let argument = format!("alarm_emails[{index}]");
            if !is_email(email) {
                let reason = format!("`{email}` is no e-mail address");
                return Err(DeclareError::argument(argument, reason, "write it like ops@example.com"));
            }
            if !seen.insert(email.to_ascii_lowercase()) {
                return Err(DeclareError::argument(
                    argument,
                    format!("{email} is there twice"),
                    "leave one out",
                ));
            }
        }
        Ok(())
    }
}

impl Tracing {
    fn check(&self) -> Result<(), DeclareError> {
        if !(0.0..=1.0).contains(&self.fixed_rate) {
            let reason = format!("{} is no share", self.fixed_rate);
            return Err(DeclareError::argument(
                "tracing.fixed_rate",
                reason,
                "use 0 to 1, such as 0.1 for a tenth",
            ));
        }
        if self.reservoir > 1000 {
            let reason = format!("{} requests a second are too many", self.reservoir);
            return Err(DeclareError::argument(
                "tracing.reservoir",
                reason,
                "use 0 to 1000 requests a second",
            ));
        }
        if !(1..=9999).contains(&self.priority) {
            let reason = format!("AWS does not allow {}", self.priority);
            return Err(DeclareError::argument("tracing.priority", reason, "use 1 to 9999"));
        }
        Ok(())
    }
}

impl Thresholds {
    fn check(&self) -> Result<(), DeclareError> {
        let percentages = [
            ("target_error_percent", self.target_error_percent),
            ("task_cpu_percent", self.task_cpu_percent),
            ("task_memory_percent", self.task_memory_percent),
            ("database_cpu_percent", self.database_cpu_percent),
            ("database_connection_percent", self.database_connection_percent),
            ("free_local_storage_percent", self.free_local_storage_percent),
            ("database_capacity_percent", self.database_capacity_percent),
            ("api_error_percent", self.api_error_percent),
        ];
        for (name, value) in percentages {
            if !(0.0..100.0).contains(&value) {
                let reason = format!("{value} percent is never passed, or always");
                return Err(DeclareError::argument(
                    format!("thresholds.{name}"),
                    reason,
                    "use 0 to less than 100",
                ));
            }
        }
        let others = [
            ("load_balancer_errors", self.load_balancer_errors),
            ("response_seconds", self.response_seconds),
            ("rejected_connections", self.rejected_connections),
            ("payment_errors", self.payment_errors),
            ("free_local_storage_bytes", self.free_local_storage_bytes),
            ("replica_lag_milliseconds", self.replica_lag_milliseconds),
            ("api_response_seconds", self.api_response_seconds),
            ("blocked_requests", self.blocked_requests),
            ("nat_port_errors", self.nat_port_errors),
            ("nat_dropped_packets", self.nat_dropped_packets),
        ];
        for (name, value) in others {
            if !(value.is_finite() && value >= 0.0) {
                let reason = format!("{value} cannot be a threshold");
                return Err(DeclareError::argument(format!("thresholds.{name}"), reason, "use 0 or more"));
            }
        }
        if !(1.0..=10.0).contains(&self.api_anomaly_deviations) {
            let reason = format!("{} standard deviations are no useful band", self.api_anomaly_deviations);
            return Err(DeclareError::argument(
                "thresholds.api_anomaly_deviations",
                reason,
                "use 1 to 10, such as 3",
            ));
        }
        let counts = [
            ("unhealthy_hosts", Some(self.unhealthy_hosts)),
            ("healthy_hosts", self.healthy_hosts),
            ("running_tasks", self.running_tasks),
        ];
        for (name, value) in counts {
            if value == Some(0) {
                let reason = "with 0 it is never passed, or always".to_owned();
                return Err(DeclareError::argument(format!("thresholds.{name}"), reason, "use 1 or more"));
            }
        }
        Ok(())
    }
}

fn check_inputs(inputs: &Inputs) -> Result<(), DeclareError> {
    let Some(database) = &inputs.database else { return Ok(()) };
    let (min, max) = (database.min_capacity, database.max_capacity);
    match (0.0..=max).contains(&min) && (1.0..=256.0).contains(&max) {
        true => Ok(()),
        false => Err(DeclareError::argument(
            "database.max_capacity",
            format!("{min} to {max} ACU is no capacity that Aurora has"),
            "use 0 to 256 ACU, the largest at least 1",
        )),
    }
}
