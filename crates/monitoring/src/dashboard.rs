//! What is on the dashboard: a row for each part of the stack that there is.
//!
//! The body is JSON with references in it, since the names of what it shows are not known before that exists.
//! [`text_of`] makes one text of it.

use aws::{AlarmArn, Names};
use engine::{Input, Piece, Text};
use serde_json::{Value, json};

use crate::inputs::{ApiInputs, ContainerInputs, DatabaseInputs, Inputs, LoadBalancerInputs};

/// How wide a dashboard is.
const WIDTH: usize = 24;
const HEADING_HEIGHT: usize = 1;
const ROW_HEIGHT: usize = 6;

/// The body of the dashboard.
pub(crate) fn body(names: &Names, inputs: &Inputs, alarms: &[Input<AlarmArn>], period: u32) -> Input<String> {
    let mut board = Board { region: &inputs.place.region, period, widgets: Vec::new(), y: 0 };
    board.alarms(names, alarms);
    if let Some(load_balancer) = &inputs.load_balancer {
        board.load_balancer(load_balancer);
    }
    if let Some(containers) = &inputs.containers {
        board.containers(containers);
    }
    if let Some(database) = &inputs.database {
        board.database(database);
    }
    if let Some(api) = &inputs.api {
        board.api(api);
    }
    board.edge(inputs);
    board.logs(inputs);
    // Each graph has the period that is asked for, and not one that follows from the time that is shown.
    text_of(&json!({ "periodOverride": "inherit", "start": "-PT3H", "widgets": board.widgets }))
}

/// Widgets, row by row.
struct Board<'a> {
    region: &'a str,
    period: u32,
    widgets: Vec<Value>,
    y: usize,
}

fn data(input: &Input<String>) -> Value {
    serde_json::to_value(input).expect("an input is plain data with text keys")
}

fn joined<const N: usize>(pieces: [Piece; N]) -> Value {
    data(&Input::join(pieces))
}

/// `[namespace, name, dimension, value, …, options]`.
fn series<const N: usize>(
    namespace: &str,
    name: &str,
    dimensions: [(&str, &Input<String>); N],
    options: Value,
) -> Value {
    let dimensions = dimensions.into_iter().flat_map(|(name, value)| [name.into(), data(value)]);
    [namespace.into(), name.into()].into_iter().chain(dimensions).chain([options]).collect()
}

impl Board<'_> {
    /// Puts widgets of the same width side by side, under those that there are.
    fn row(&mut self, height: usize, widgets: Vec<Value>) {
        if widgets.is_empty() {
            return;
        }
        let width = WIDTH / widgets.len();
        for (column, mut widget) in widgets.into_iter().enumerate() {
            widget["x"] = (column * width).into();
            widget["y"] = self.y.into();
            widget["width"] = width.into();
            widget["height"] = height.into();
            self.widgets.push(widget);
        }
        self.y += height;
    }

    fn heading(&mut self, markdown: &str) {
        self.row(HEADING_HEIGHT, vec![json!({ "type": "text", "properties": { "markdown": markdown } })]);
    }

    fn graph(&self, title: &str, stat: &str, metrics: Vec<Value>) -> Value {
        json!({
            "type": "metric",
            "properties": {
                "title": title,
                "region": self.region,
                "view": "timeSeries",
                "stacked": false,
                "period": self.period,
                "stat": stat,
                "metrics": metrics,
            },
        })
    }

    fn alarms(&mut self, names: &Names, alarms: &[Input<AlarmArn>]) {
        self.heading(&format!("# Payment, {}, {}", names.environment(), self.region));
        if alarms.is_empty() {
            return;
        }
        let arns: Vec<Value> = alarms.iter().map(|arn| data(&arn.text())).collect();
        let alarms = json!({ "type": "alarm", "properties": { "title": "Alarms", "alarms": arns } });
        self.row(ROW_HEIGHT, vec![alarms]);
    }

    fn load_balancer(&mut self, inputs: &LoadBalancerInputs) {
        let all = |name: &str, options: Value| {
            series("AWS/ApplicationELB", name, [("LoadBalancer", &inputs.full_name)], options)
        };
        let errors = |class: &str| {
            vec![
                all(&format!("HTTPCode_Target_{class}_Count"), json!({ "label": "targets" })),
                all(&format!("HTTPCode_ELB_{class}_Count"), json!({ "label": "load balancer" })),
            ]
        };
        let times =
            ["Average", "p99"].map(|stat| all("TargetResponseTime", json!({ "stat": stat, "label": stat })));
        self.heading("## Load balancer");
        self.row(
            ROW_HEIGHT,
            vec![
                self.graph("Requests", "Sum", vec![all("RequestCount", json!({}))]),
                self.graph("Response time of targets, seconds", "Average", times.to_vec()),
                self.graph("Answers 4XX", "Sum", errors("4XX")),
                self.graph("Answers 5XX", "Sum", errors("5XX")),
            ],
        );
    }

    fn containers(&mut self, inputs: &ContainerInputs) {
        let (cluster, service) = (inputs.cluster_name.text(), inputs.service_name.text());
        let of = |namespace: &str, name: &str| {
            series(namespace, name, [("ClusterName", &cluster), ("ServiceName", &service)], json!({}))
        };
        let graph = |title: &str, stat: &str, metric: Value| self.graph(title, stat, vec![metric]);
        let widgets = vec![
            graph("CPU, percent", "Average", of("AWS/ECS", "CPUUtilization")),
            graph("Memory, percent", "Average", of("AWS/ECS", "MemoryUtilization")),
            graph("Running tasks", "Minimum", of("ECS/ContainerInsights", "RunningTaskCount")),
        ];
        self.heading("## Tasks");
        self.row(ROW_HEIGHT, widgets);
    }

    fn database(&mut self, inputs: &DatabaseInputs) {
        let cluster = inputs.cluster_id.text();
        let of = |name: &str| series("AWS/RDS", name, [("DBClusterIdentifier", &cluster)], json!({}));
        let graph = |title: &str, stat: &str, name: &str| self.graph(title, stat, vec![of(name)]);
        let first = vec![
            graph("Connections to the fullest instance", "Maximum", "DatabaseConnections"),
            graph("CPU, percent", "Average", "CPUUtilization"),
            graph("Storage used, bytes", "Average", "VolumeBytesUsed"),
            graph("Delay of readers, milliseconds", "Maximum", "AuroraReplicaLag"),
        ];
        let second = vec![
            graph("Capacity, ACU", "Average", "ServerlessDatabaseCapacity"),
            graph("Capacity used, percent", "Average", "ACUUtilization"),
        ];
        self.heading("## Database");
        self.row(ROW_HEIGHT, first);
        self.row(ROW_HEIGHT, second);
    }

    fn api(&mut self, inputs: &ApiInputs) {
        let of = |name: &str, options: Value| {
            let dimensions = [("ApiName", &inputs.name), ("Stage", &inputs.stage)];
            series("AWS/ApiGateway", name, dimensions, options)
        };
        let times = ["Average", "p99"].map(|stat| of("Latency", json!({ "stat": stat, "label": stat })));
        let widgets = vec![
            self.graph("Requests", "Sum", vec![of("Count", json!({}))]),
            self.graph("Answers 4XX", "Sum", vec![of("4XXError", json!({}))]),
            self.graph("Answers 5XX", "Sum", vec![of("5XXError", json!({}))]),
            self.graph("Latency, milliseconds", "Average", times.to_vec()),
        ];
        self.heading("## API");
        self.row(ROW_HEIGHT, widgets);
    }

    /// What is between the stack and the world: the firewall and the NAT gateways.
    fn edge(&mut self, inputs: &Inputs) {
        let mut widgets = Vec::new();
        let firewalls = [
            ("Firewall: requests", &inputs.web_acl_name),
            ("Firewall of the API: requests", &inputs.api_web_acl_name),
        ];
        for (title, web_acl) in firewalls {
            let Some(web_acl) = web_acl else { continue };
            let (region, all) = (self.region.into(), "ALL".into());
            let of = |name: &str| {
                let dimensions = [("WebACL", web_acl), ("Region", &region), ("Rule", &all)];
                series("AWS/WAFV2", name, dimensions, json!({}))
            };
            let metrics = vec![of("AllowedRequests"), of("BlockedRequests")];
            widgets.push(self.graph(title, "Sum", metrics));
        }
        if !inputs.nat_gateway_ids.is_empty() {
            let gateways: Vec<_> = inputs.nat_gateway_ids.iter().map(Input::text).collect();
            let of = |name: &str, label: &str| {
                let label = |number: usize| json!({ "label": format!("{label} {}", number + 1) });
                let gateways = gateways.iter().enumerate();
                let metrics = gateways.map(|(number, gateway)| {
                    series("AWS/NATGateway", name, [("NatGatewayId", gateway)], label(number))
                });
                metrics.collect::<Vec<_>>()
            };
            let metrics = [of("BytesOutToDestination", "out"), of("BytesInFromDestination", "in")].concat();
            widgets.push(self.graph("NAT gateways: bytes", "Sum", metrics));
        }
        if !widgets.is_empty() {
            self.heading("## Edge");
            self.row(ROW_HEIGHT, widgets);
        }
    }

    /// What the logs say of what went wrong.
    fn logs(&mut self, inputs: &Inputs) {
        let mut widgets = Vec::new();
        if let Some(containers) = &inputs.containers {
            let query = "fields @timestamp, @message | filter @message like /(?i)error|fatal|panic/ | \
                         sort @timestamp desc | limit 50";
            widgets.push(self.log("Errors of the application", &containers.app_log_group_name, query));
        }
        if let Some(group) = inputs.api.as_ref().and_then(|api| api.access_log_group_name.as_ref()) {
            let query =
                "fields @timestamp, @message | filter status >= 500 | sort @timestamp desc | limit 50";
            widgets.push(self.log("Errors of the API", group, query));
        }
        if let Some(group) = &inputs.flow_log_group_name {
            let query = "filter action = 'REJECT' | stats count(*) as packets by srcAddr, dstPort | \
                         sort packets desc | limit 20";
            widgets.push(self.log("Rejected by the network", group, query));
        }
        if !widgets.is_empty() {
            self.heading("## Logs");
            self.row(ROW_HEIGHT, widgets);
        }
    }

    fn log<T: Text>(&self, title: &str, group: &Input<T>, query: &str) -> Value {
        let query = joined(["SOURCE '".into(), group.into(), "' | ".into(), query.into()]);
        let properties = json!({ "title": title, "region": self.region, "view": "table", "query": query });
        json!({ "type": "log", "properties": properties })
    }
}

/// The JSON text of a value with references in it.
fn text_of(value: &Value) -> Input<String> {
    let mut pieces = Vec::new();
    write(value, &mut pieces);
    Input::join(pieces)
}

fn write(value: &Value, pieces: &mut Vec<Piece>) {
    match value {
        Value::Array(items) => {
            pieces.push("[".into());
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    pieces.push(",".into());
                }
                write(item, pieces);
            }
            pieces.push("]".into());
        }
        Value::Object(members) if members.contains_key("$ref") => {
            pieces.push("\"".into());
            pieces.push(reference(value));
            pieces.push("\"".into());
        }
        Value::Object(members) => match members.get("$join") {
            Some(Value::Array(parts)) => {
                pieces.push("\"".into());
                pieces.extend(parts.iter().map(|part| match part {
                    Value::String(text) => escaped(text).into(),
                    other => reference(other),
                }));
                pieces.push("\"".into());
            }
            _ => {
                pieces.push("{".into());
                for (index, (name, member)) in members.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    pieces.push(format!("{comma}\"{}\":", escaped(name)).into());
                    write(member, pieces);
                }
                pieces.push("}".into());
            }
        },
        other => pieces.push(other.to_string().into()),
    }
}

/// A reference as it goes into a text. What it refers to are names and ARNs, which JSON has as they are.
fn reference(value: &Value) -> Piece {
    let input: Input<String> = serde_json::from_value(value.clone()).expect("it was made from an input");
    (&input).into()
}

/// A text as JSON has it between quotes.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_without_references_is_its_json() {
        let body = json!({ "a": ["x \"y\" \\ z", 1, true, null, {}], "b": { "c": [] } });
        let text = text_of(&body);
        let text = text.literal().expect("it has no references");
        assert_eq!(serde_json::from_str::<Value>(text).ok(), Some(body));
    }

    #[test]
    fn references_become_parts_of_one_text() {
        let name = json!({ "$ref": "ecs/cluster", "attr": "Name" });
        let body = json!({ "a": name, "b": { "$join": ["say \"", name, "\""] } });
        let text = serde_json::to_value(text_of(&body)).expect("it is plain data");
        let expected = json!({ "$join": [r#"{"a":""#, name, r#"","b":"say \""#, name, r#"\""}"#] });
        assert_eq!(text, expected);
    }
}
