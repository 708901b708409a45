//! The body of a dashboard (CloudWatch API Reference, "Dashboard Body Structure and Syntax").
//!
//! Checked is what CloudWatch refuses: the structure, the position and size of widgets, and the properties that each type
//! needs. Properties that it does not know get a warning there and nothing here.

use serde_json::{Map, Value, json};

use crate::protocol::response::Refusal;

/// What is wrong, and where.
type Problems = Vec<Value>;

/// Checks a body.
pub(super) fn check_body(body: &str) -> Result<(), Refusal> {
    let Ok(Value::Object(body)) = serde_json::from_str::<Value>(body) else {
        return Err(invalid("The field DashboardBody must be a valid JSON object"));
    };
    let mut problems = Problems::new();
    match body.get("widgets") {
        Some(Value::Array(widgets)) if widgets.len() > 500 => {
            note(&mut problems, "/widgets", "Should NOT have more than 500 items");
        }
        Some(Value::Array(widgets)) => {
            for (index, widget) in widgets.iter().enumerate() {
                check_widget(&mut problems, &format!("/widgets/{index}"), widget);
            }
        }
        Some(_) => note(&mut problems, "/widgets", "Should be array"),
        None => note(&mut problems, "/", "Should have required property 'widgets'"),
    }
    match problems.len() {
        0 => Ok(()),
        count => {
            let list = serde_json::to_string_pretty(&problems).expect("JSON can be written");
            Err(invalid(format!(
                "The dashboard body is invalid, there are {count} validation errors:\n{list}"
            )))
        }
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    // The model's name of the error, which CloudWatch sends together with its old code InvalidParameterInput.
    Refusal::new("DashboardInvalidInputError", message)
}

fn note(problems: &mut Problems, path: &str, message: impl Into<String>) {
    problems.push(json!({"dataPath": path, "message": message.into()}));
}

fn check_widget(problems: &mut Problems, path: &str, widget: &Value) {
    let Value::Object(widget) = widget else {
        return note(problems, path, "Should be object");
    };
    for (name, low, high) in [("x", 0, 23), ("y", 0, i64::MAX), ("width", 1, 24), ("height", 1, 1000)] {
        let given = widget.get(name);
        let in_range = |value: &Value| value.as_i64().is_some_and(|value| (low..=high).contains(&value));
        if given.is_some_and(|value| !in_range(value)) {
            note(problems, &format!("{path}/{name}"), format!("Should be an integer from {low} to {high}"));
        }
    }
    if widget.contains_key("x") != widget.contains_key("y") {
        note(problems, path, "Should have both of the properties 'x' and 'y' or none");
    }
    let properties = match widget.get("properties") {
        Some(Value::Object(properties)) => properties,
        Some(_) => return note(problems, &format!("{path}/properties"), "Should be object"),
        None => return note(problems, path, "Should have required property 'properties'"),
    };
    let mut inside = Properties { problems, path: format!("{path}/properties"), properties };
    match widget.get("type").and_then(Value::as_str) {
        Some("text") => inside.need("markdown", Value::is_string),
        Some("metric") => inside.check_metric(),
        Some("log") => {
            inside.need("region", Value::is_string);
            inside.need("query", Value::is_string);
        }
        Some("alarm") => {
            inside.need("alarms", |alarms| {
                alarms.as_array().is_some_and(|alarms| (1..=100).contains(&alarms.len()))
            });
        }
        Some("explorer") => {
            inside.need("metrics", Value::is_array);
            inside.need("labels", Value::is_array);
        }
        Some("custom") => inside.need("endpoint", Value::is_string),
        Some(other) => {
            let message = format!("{other} is none of text, metric, log, alarm, explorer, custom");
            note(problems, &format!("{path}/type"), message);
        }
        None => note(problems, path, "Should have required property 'type'"),
    }
}

/// The properties of one widget.
struct Properties<'a> {
    problems: &'a mut Problems,
    path: String,
    properties: &'a Map<String, Value>,
}

impl Properties<'_> {
    fn need(&mut self, name: &str, is_good: impl Fn(&Value) -> bool) {
        match self.properties.get(name) {
            Some(value) if is_good(value) => {}
            Some(_) => {
                note(self.problems, &format!("{}/{name}", self.path), "Should match what the widget needs")
            }
            None => note(self.problems, &self.path, format!("Should have required property '{name}'")),
        }
    }

    fn may(&mut self, name: &str, is_good: impl Fn(&Value) -> bool, expected: &str) {
        if self.properties.get(name).is_some_and(|value| !is_good(value)) {
            note(self.problems, &format!("{}/{name}", self.path), format!("Should be {expected}"));
        }
    }

    fn check_metric(&mut self) {
        self.need("region", Value::is_string);
        let one_of = |words: &'static [&'static str]| {
            move |value: &Value| value.as_str().is_some_and(|word| words.contains(&word))
        };
        let views = &["timeSeries", "singleValue", "gauge", "bar", "pie", "table"];
        self.may("view", one_of(views), "one of timeSeries, singleValue, gauge, bar, pie, table");
        let is_period = |period: &Value| {
            period.as_i64().is_some_and(|p| matches!(p, 1 | 5 | 10 | 20 | 30) || (p > 0 && p % 60 == 0))
        };
        self.may("period", is_period, "1, 5, 10, 20, 30 or a multiple of 60");
        self.may("stat", Value::is_string, "string");
        self.may("stacked", Value::is_boolean, "boolean");
        self.may("title", Value::is_string, "string");
        let alarms = self.properties.get("annotations").and_then(|annotations| annotations.get("alarms"));
        match (self.properties.get("metrics"), alarms) {
            (Some(Value::Array(metrics)), _) => self.check_metrics(metrics),
            (Some(_), _) => note(self.problems, &format!("{}/metrics", self.path), "Should be array"),
            (None, Some(Value::Array(alarms))) if alarms.len() == 1 => {}
            (None, Some(_)) => {
                note(
                    self.problems,
                    &format!("{}/annotations/alarms", self.path),
                    "Should have exactly 1 item",
                );
            }
            (None, None) => note(self.problems, &self.path, "Should have required property 'metrics'"),
        }
    }

    fn check_metrics(&mut self, metrics: &[Value]) {
        for (index, metric) in metrics.iter().enumerate() {
            if !is_metric(metric) {
                let message = "Should be namespace, name, and pairs of dimensions, or an expression";
                note(self.problems, &format!("{}/metrics/{index}", self.path), message);
            }
        }
    }
}

/// Whether something is `[namespace, name, dimension name, dimension value, …, options]` or `[{"expression": …}]`. In the
/// place of texts `"."` repeats the one above, and `"..."` all of those that are left out.
fn is_metric(metric: &Value) -> bool {
    let Some((last, before)) = metric.as_array().and_then(|parts| parts.split_last()) else {
        return false;
    };
    let (texts, options) = match last {
        Value::Object(options) => (before.to_vec(), Some(options)),
        _ => ([before, std::slice::from_ref(last)].concat(), None),
    };
    if texts.is_empty() {
        return options.is_some_and(|options| options.contains_key("expression"));
    }
    let abbreviated = texts.iter().any(|text| text == "...");
    texts.iter().all(Value::is_string) && (abbreviated || texts.len() % 2 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(widget: Value) -> usize {
        let mut problems = Problems::new();
        check_widget(&mut problems, "/widgets/0", &widget);
        problems.len()
    }

    #[test]
    fn widgets_of_every_kind_pass() {
        let metric = json!({"region": "eu-west-1", "period": 300, "metrics": [
            ["AWS/ECS", "CPUUtilization", "ClusterName", "c", {"stat": "p99"}],
            ["...", "d"], [{"expression": "SUM(METRICS())", "id": "e1"}], [".", "MemoryUtilization"],
        ]});
        let good = [
            json!({"type": "metric", "x": 0, "y": 0, "width": 12, "height": 6, "properties": metric}),
            json!({"type": "metric", "properties": {"region": "r", "annotations": {"alarms": ["arn"]}}}),
            json!({"type": "text", "properties": {"markdown": "# Hi"}}),
            json!({"type": "log", "properties": {"region": "r", "query": "SOURCE 'g' | fields @message"}}),
            json!({"type": "alarm", "properties": {"alarms": ["arn"]}}),
            json!({"type": "explorer", "properties": {"metrics": [], "labels": []}}),
        ];
        for widget in good {
            assert_eq!(problems(widget.clone()), 0, "{widget}");
        }
    }

    #[test]
    fn each_mistake_is_found() {
        let text = |member: &str, value: Value| {
            let mut widget = json!({"type": "text", "x": 0, "y": 0, "properties": {"markdown": ""}});
            widget[member] = value;
            widget
        };
        let wrong = [
            text("x", json!(24)),
            text("width", json!(25)),
            text("height", json!(1001)),
            text("y", json!(-1)),
            text("type", json!("video")),
            text("properties", json!({})),
            text("properties", json!([])),
            json!({"type": "text", "x": 1, "properties": {"markdown": ""}}),
            json!({"type": "metric", "properties": {"metrics": [["AWS/ECS", "CPUUtilization"]]}}),
            json!({"type": "metric", "properties": {"region": "r"}}),
            json!({"type": "metric", "properties": {"region": "r", "metrics": [["AWS/ECS", "a", "b"]]}}),
            json!({"type": "metric", "properties": {"region": "r", "metrics": [[]]}}),
            json!({"type": "metric", "properties": {"region": "r", "metrics": [], "period": 45}}),
            json!({"type": "alarm", "properties": {"alarms": []}}),
            json!({"properties": {}}),
            json!(1),
        ];
        for widget in wrong {
            assert_eq!(problems(widget.clone()), 1, "{widget}");
        }
    }
}
