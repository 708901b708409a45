//! What is watched, and when it is too much.
//!
//! Each alarm here says what it watches; [`Spec::alarm`] makes the resource of it. Unless an alarm says otherwise, two
//! periods in a row must be bad, and no data is no trouble: most metrics are published only while something happens.

use aws::resources::{Alarm, Dimension, Metric, MetricDataQuery, MetricStat};
use aws::{Names, TopicArn};
use engine::Input;

use crate::args::{Args, Thresholds};
use crate::capacity::max_connections;
use crate::inputs::{ApiInputs, ContainerInputs, DatabaseInputs, Inputs, LoadBalancerInputs};

/// The metric of errors in the application's log.
pub(crate) const PAYMENT_ERRORS: &str = "PaymentErrors";

const ABOVE: &str = "GreaterThanThreshold";
const AT_LEAST: &str = "GreaterThanOrEqualToThreshold";
const BELOW: &str = "LessThanThreshold";
const OUTSIDE: &str = "LessThanLowerOrGreaterThanUpperThreshold";

/// What an expression is called in the list of an alarm's metrics.
const RESULT: &str = "result";

/// An alarm.
pub(crate) struct Spec {
    name: &'static str,
    /// Which of several objects it is about.
    object: Option<String>,
    description: &'static str,
    watched: Watched,
    comparison: &'static str,
    threshold: f64,
    /// What one value covers, where that is not what the arguments say.
    period: Option<u32>,
    periods: u32,
    missing: &'static str,
    critical: bool,
}

/// What an alarm watches.
enum Watched {
    /// A statistic of a metric.
    One { metric: Metric, stat: &'static str },
    /// An expression on statistics of metrics.
    Math { metrics: Vec<(&'static str, Metric, &'static str)>, expression: String },
    /// A statistic of a metric, which may be so many standard deviations from the usual: the threshold.
    Usual { metric: Metric, stat: &'static str },
}

impl Spec {
    fn new(
        name: &'static str,
        description: &'static str,
        watched: Watched,
        (comparison, threshold): (&'static str, f64),
    ) -> Self {
        Self {
            name,
            object: None,
            description,
            watched,
            comparison,
            threshold,
            period: None,
            periods: 2,
            missing: "notBreaching",
            critical: false,
        }
    }

    fn of(mut self, object: impl Into<String>) -> Self {
        self.object = Some(object.into());
        self
    }

    fn periods(mut self, periods: u32) -> Self {
        self.periods = periods;
        self
    }

    fn critical(mut self) -> Self {
        self.critical = true;
        self
    }

    /// Whether it is one of those that mean that payments fail, or are about to.
    pub(crate) fn is_critical(&self) -> bool {
        self.critical
    }

    /// The name, with the object that it is about.
    pub(crate) fn full_name(&self) -> String {
        match &self.object {
            Some(object) => format!("{}-{object}", self.name),
            None => self.name.to_owned(),
        }
    }

    /// The resource.
    pub(crate) fn alarm(&self, names: &Names, period: u32, topic: &Input<TopicArn>) -> Alarm {
        let (name, period) = (self.full_name(), self.period.unwrap_or(period));
        let topics = [topic.clone()];
        let mut alarm = Alarm {
            ok_actions: topics.to_vec(),
            threshold: Some(self.threshold),
            comparison_operator: self.comparison.to_owned(),
            evaluation_periods: self.periods,
            treat_missing_data: Some(self.missing.to_owned()),
            ..Alarm::silent(names.name(&name), self.description, &topics, names.tags(&name))
        };
        self.watch(&mut alarm, period);
        alarm
    }

    fn watch(&self, alarm: &mut Alarm, period: u32) {
        match &self.watched {
            Watched::One { metric, stat } => {
                alarm.namespace = Some(metric.namespace.clone());
                alarm.metric_name = Some(metric.metric_name.clone());
                alarm.dimensions = metric.dimensions.clone();
                alarm.period = Some(period);
                if stat.starts_with('p') {
                    alarm.extended_statistic = Some((*stat).to_owned());
                    // The slowest of three requests says nothing about one in a hundred.
                    alarm.evaluate_low_sample_count_percentile = Some("ignore".to_owned());
                } else {
                    alarm.statistic = Some((*stat).to_owned());
                }
            }
            Watched::Math { metrics, expression } => {
                let queries = metrics.iter().map(|(id, metric, stat)| query(id, metric, stat, period, false));
                alarm.metrics = queries.chain([calculation(RESULT, expression.clone())]).collect();
            }
            Watched::Usual { metric, stat } => {
                let band = format!("ANOMALY_DETECTION_BAND({RESULT}, {})", self.threshold);
                alarm.metrics = vec![query(RESULT, metric, stat, period, true), calculation("band", band)];
                alarm.threshold_metric_id = Some("band".to_owned());
                alarm.threshold = None;
            }
        }
    }
}

fn query(id: &str, metric: &Metric, stat: &str, period: u32, return_data: bool) -> MetricDataQuery {
    let stat = MetricStat { metric: metric.clone(), period, stat: stat.to_owned(), unit: None };
    MetricDataQuery { return_data, ..MetricDataQuery::metric(id, stat) }
}

fn calculation(id: &str, expression: String) -> MetricDataQuery {
    MetricDataQuery::expression(id, expression)
}

fn metric<const N: usize>(namespace: &str, name: &str, dimensions: [(&str, Input<String>); N]) -> Metric {
    let dimension = |(name, value): (&str, Input<String>)| Dimension { name: name.to_owned(), value };
    Metric {
        namespace: namespace.to_owned(),
        metric_name: name.to_owned(),
        dimensions: dimensions.into_iter().map(dimension).collect(),
    }
}

fn one(metric: Metric, stat: &'static str) -> Watched {
    Watched::One { metric, stat }
}

/// The share of requests that failed, in percent. Few requests say nothing, and none cannot be divided by.
fn share(errors: Metric, requests: Metric, minimum: u32) -> Watched {
    Watched::Math {
        metrics: vec![("errors", errors, "Sum"), ("requests", requests, "Sum")],
        expression: format!("IF(requests > {minimum}, 100 * FILL(errors, 0) / requests, 0)"),
    }
}

/// The namespace of metrics that are made from logs.
pub(crate) fn own_namespace(names: &Names) -> String {
    format!("Payment/{}", names.environment())
}

/// All alarms on what there is, but for those that are disabled.
pub(crate) fn all(args: &Args, names: &Names, inputs: &Inputs) -> Vec<Spec> {
    let thresholds = &args.thresholds;
    let mut all = Vec::new();
    let tasks = inputs.containers.as_ref().and_then(|containers| containers.tasks_expected);
    if let Some(load_balancer) = &inputs.load_balancer {
        all.extend(of_load_balancer(load_balancer, thresholds, tasks));
    }
    if let Some(containers) = &inputs.containers {
        all.extend(of_containers(containers, thresholds, names));
    }
    if let Some(database) = &inputs.database {
        all.extend(of_database(database, thresholds));
    }
    if let Some(api) = &inputs.api {
        all.extend(of_api(api, thresholds, args.api_anomaly));
    }
    if let Some(web_acl) = &inputs.web_acl_name {
        all.push(of_firewall(web_acl, &inputs.place.region, thresholds));
    }
    if let Some(web_acl) = &inputs.api_web_acl_name {
        all.push(of_firewall(web_acl, &inputs.place.region, thresholds).of("api"));
    }
    for (number, gateway) in (1..).zip(&inputs.nat_gateway_ids) {
        all.extend(of_nat_gateway(number, &gateway.text(), thresholds));
    }
    all.retain(|spec| !args.disabled_alarms.iter().any(|name| name == spec.name));
    all
}

fn of_load_balancer(inputs: &LoadBalancerInputs, t: &Thresholds, tasks: Option<u32>) -> Vec<Spec> {
    const NAMESPACE: &str = "AWS/ApplicationELB";
    let all = |name: &str| metric(NAMESPACE, name, [("LoadBalancer", inputs.full_name.clone())]);
    let group = |name: &str, group: &Input<String>| {
        let load_balancer = ("LoadBalancer", inputs.full_name.clone());
        metric(NAMESPACE, name, [load_balancer, ("TargetGroup", group.clone())])
    };
    let (blue, green) = (&inputs.blue_target_group_full_name, &inputs.green_target_group_full_name);
    let mut specs = Vec::new();
    for (color, full_name) in [("blue", blue), ("green", green)] {
        let spec = Spec::new(
            "alb-unhealthy-hosts",
            "Tasks do not answer health checks. See the application's log, and the events of the ECS service.",
            one(group("UnHealthyHostCount", full_name), "Maximum"),
            (AT_LEAST, f64::from(t.unhealthy_hosts)),
        );
        specs.push(Spec { period: Some(60), ..spec.of(color).periods(3).critical() });
    }
    // A group that is not in use is empty, so that only both together say anything.
    if let Some(fewest) = tasks.map(|tasks| t.healthy_hosts.unwrap_or(tasks)) {
        let hosts = |full_name| group("HealthyHostCount", full_name);
        let watched = Watched::Math {
            metrics: vec![("blue", hosts(blue), "Minimum"), ("green", hosts(green), "Minimum")],
            expression: "FILL(blue, 0) + FILL(green, 0)".to_owned(),
        };
        let spec = Spec::new(
            "alb-healthy-hosts",
            "Fewer tasks than there should be take requests. See the events of the ECS service.",
            watched,
            (BELOW, f64::from(fewest)),
        );
        // Where no group has a target at all, there is no data.
        specs.push(Spec { missing: "breaching", ..spec.critical() });
    }
    specs.extend([
        Spec::new(
            "alb-errors",
            "The load balancer itself answers with errors: no task takes requests, or too slowly.",
            one(all("HTTPCode_ELB_5XX_Count"), "Sum"),
            (ABOVE, t.load_balancer_errors),
        )
        .critical(),
        Spec::new(
            "alb-target-errors",
            "The application answers a share of the requests with errors. See its log.",
            share(all("HTTPCode_Target_5XX_Count"), all("RequestCount"), t.minimum_requests),
            (ABOVE, t.target_error_percent),
        )
        .critical(),
        Spec::new(
            "alb-latency",
            "The application is slow for one request in a hundred.",
            one(all("TargetResponseTime"), "p99"),
            (ABOVE, t.response_seconds),
        ),
        Spec::new(
            "alb-rejected-connections",
            "The load balancer turns connections away: it has as many as it can take.",
            one(all("RejectedConnectionCount"), "Sum"),
            (ABOVE, t.rejected_connections),
        ),
    ]);
    specs
}

fn of_containers(inputs: &ContainerInputs, t: &Thresholds, names: &Names) -> Vec<Spec> {
    let of_service = |namespace: &str, name: &str| {
        let service = ("ServiceName", inputs.service_name.text());
        metric(namespace, name, [("ClusterName", inputs.cluster_name.text()), service])
    };
    let mut specs = vec![
        Spec::new(
            "ecs-cpu",
            "Tasks have too much to compute, and there are no more to share it, or not soon enough.",
            one(of_service("AWS/ECS", "CPUUtilization"), "Average"),
            (ABOVE, t.task_cpu_percent),
        )
        .critical(),
        Spec::new(
            "ecs-memory",
            "Tasks use nearly all of their memory. Beyond it they are stopped.",
            one(of_service("AWS/ECS", "MemoryUtilization"), "Average"),
            (ABOVE, t.task_memory_percent),
        )
        .critical(),
        Spec::new(
            "payment-errors",
            "The application writes errors into its log.",
            one(metric(&own_namespace(names), PAYMENT_ERRORS, []), "Sum"),
            (ABOVE, t.payment_errors),
        ),
    ];
    if let Some(fewest) = inputs.tasks_expected.map(|tasks| t.running_tasks.unwrap_or(tasks)) {
        let running = of_service("ECS/ContainerInsights", "RunningTaskCount");
        let spec = Spec::new(
            "ecs-running-tasks",
            "Fewer tasks run than there should be. See the events of the ECS service.",
            one(running, "Minimum"),
            (BELOW, f64::from(fewest)),
        );
        specs.push(spec.critical());
    }
    specs
}

fn of_database(inputs: &DatabaseInputs, t: &Thresholds) -> Vec<Spec> {
    const NAMESPACE: &str = "AWS/RDS";
    let all = |name: &str| metric(NAMESPACE, name, [("DBClusterIdentifier", inputs.cluster_id.text())]);
    let allowed = max_connections(inputs.min_capacity, inputs.max_capacity);
    let mut specs = vec![
        Spec::new(
            "database-cpu",
            "The database has too much to compute.",
            one(all("CPUUtilization"), "Average"),
            (ABOVE, t.database_cpu_percent),
        )
        .critical(),
        Spec::new(
            "database-connections",
            "An instance of the database has nearly as many connections as it allows.",
            // The limit is that of an instance, so the fullest one counts.
            one(all("DatabaseConnections"), "Maximum"),
            (ABOVE, (allowed * t.database_connection_percent / 100.0).floor()),
        )
        .critical(),
        Spec::new(
            "database-capacity",
            "The database is nearly as large as it may become. Raise its largest capacity.",
            one(all("ACUUtilization"), "Average"),
            (ABOVE, t.database_capacity_percent),
        )
        .periods(3),
    ];
    // With one instance there is no reader that could lag.
    if inputs.instance_ids.len() > 1 {
        specs.push(Spec::new(
            "database-replica-lag",
            "Readers of the database are behind its writer.",
            one(all("AuroraReplicaLag"), "Maximum"),
            (ABOVE, t.replica_lag_milliseconds),
        ));
    }
    let least = match inputs.local_storage_bytes {
        #[expect(clippy::cast_precision_loss, reason = "a size in bytes is known less exactly than that")]
        Some(bytes) => (bytes as f64 * t.free_local_storage_percent / 100.0).floor(),
        None => t.free_local_storage_bytes,
    };
    for (number, instance) in (1..).zip(&inputs.instance_ids) {
        let free = metric(NAMESPACE, "FreeLocalStorage", [("DBInstanceIdentifier", instance.clone())]);
        let spec = Spec::new(
            "database-storage",
            "An instance of the database has little local storage left for sorting and for logs. The data itself is \
             elsewhere, and grows by itself.",
            one(free, "Minimum"),
            (BELOW, least),
        );
        specs.push(spec.of(number.to_string()).critical());
    }
    specs
}

fn of_api(inputs: &ApiInputs, t: &Thresholds, anomaly: bool) -> Vec<Spec> {
    let all = |name: &str| {
        metric("AWS/ApiGateway", name, [("ApiName", inputs.name.clone()), ("Stage", inputs.stage.clone())])
    };
    let mut specs = vec![
        Spec::new(
            "api-errors",
            "The API answers a share of the requests with errors.",
            share(all("5XXError"), all("Count"), t.minimum_requests),
            (ABOVE, t.api_error_percent),
        )
        .critical(),
        Spec::new(
            "api-latency",
            "The API is slow for one request in a hundred.",
            one(all("Latency"), "p99"),
            (ABOVE, t.api_response_seconds * 1000.0),
        ),
    ];
    if anomaly {
        specs.push(Spec::new(
            "api-requests",
            "The number of API requests is unusual for the hour.",
            Watched::Usual { metric: all("Count"), stat: "Sum" },
            (OUTSIDE, t.api_anomaly_deviations),
        ));
    }
    specs
}

fn of_firewall(web_acl: &Input<String>, region: &str, t: &Thresholds) -> Spec {
    let dimensions = [("WebACL", web_acl.clone()), ("Region", region.into()), ("Rule", "ALL".into())];
    Spec::new(
        "waf-blocked-requests",
        "The firewall blocks many requests: somebody attacks, or a rule is wrong. See its log.",
        one(metric("AWS/WAFV2", "BlockedRequests", dimensions), "Sum"),
        (ABOVE, t.blocked_requests),
    )
}

fn of_nat_gateway(number: u32, gateway: &Input<String>, t: &Thresholds) -> [Spec; 2] {
    let of = |name: &str| metric("AWS/NATGateway", name, [("NatGatewayId", gateway.clone())]);
    [
        Spec::new(
            "nat-ports",
            "A NAT gateway has no port left for connections to one destination.",
            one(of("ErrorPortAllocation"), "Sum"),
            (ABOVE, t.nat_port_errors),
        )
        .of(number.to_string()),
        Spec::new(
            "nat-dropped-packets",
            "A NAT gateway drops packets.",
            one(of("PacketsDropCount"), "Sum"),
            (ABOVE, t.nat_dropped_packets),
        )
        .of(number.to_string()),
    ]
}
