//! Plans, drift and reports as a person reads them. Colour codes are taken out where nobody can see them.

use std::fmt::Write as _;

use engine::{Action, Drift, Note, Operation, Plan, PropertyChange, ReplaceOrder, Report, Step};
use serde_json::{Value, json};

pub(crate) const GREEN: &str = "\x1b[32m";
pub(crate) const YELLOW: &str = "\x1b[33m";
pub(crate) const RED: &str = "\x1b[31m";
pub(crate) const DIM: &str = "\x1b[2m";
pub(crate) const BOLD: &str = "\x1b[1m";
pub(crate) const PLAIN: &str = "\x1b[0m";

/// Counts of a plan, by what happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// New objects.
    pub(crate) create: usize,
    /// Changed objects.
    pub(crate) update: usize,
    /// Replaced objects.
    pub(crate) replace: usize,
    /// Deleted objects.
    pub(crate) delete: usize,
    /// Objects whose interrupted creation is brought to an end.
    pub(crate) finish: usize,
    /// Objects that stay as they are.
    pub(crate) unchanged: usize,
}

impl Counts {
    /// Counts the steps of a plan.
    #[must_use]
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut counts = Self::default();
        for step in plan.steps() {
            *match (&step.action, step.note) {
                (Action::Create, _) => &mut counts.create,
                (Action::Update, _) => &mut counts.update,
                (Action::Replace { .. }, _) => &mut counts.replace,
                (Action::Delete, _) => &mut counts.delete,
                (Action::Unchanged, Some(Note::Unfinished)) => &mut counts.finish,
                (Action::Unchanged, _) => &mut counts.unchanged,
            } += 1;
        }
        counts
    }

    /// `61 to create, 1 to replace, 3 unchanged`.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        let parts = [
            (self.create, "to create"),
            (self.update, "to change"),
            (self.replace, "to replace"),
            (self.delete, "to delete"),
            (self.finish, "to finish"),
            (self.unchanged, "unchanged"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if parts.is_empty() { "nothing declared and nothing recorded".to_owned() } else { parts.join(", ") }
    }
}

/// The plan: one line a resource that changes, with the properties that differ below it.
#[must_use]
pub(crate) fn plan(plan: &Plan, details: bool) -> String {
    let mut text = String::new();
    let shown: Vec<&Step> = plan.steps().iter().filter(|step| step.is_change()).collect();
    let width = shown.iter().map(|step| step.address.as_str().len()).max().unwrap_or(0);
    for step in shown {
        let (colour, sign) = match &step.action {
            Action::Create => (GREEN, "+"),
            Action::Update => (YELLOW, "~"),
            Action::Replace { .. } => (RED, "±"),
            Action::Delete => (RED, "-"),
            Action::Unchanged => (YELLOW, ">"),
        };
        let address = step.address.as_str();
        let _ =
            write!(text, "  {colour}{sign}{PLAIN} {BOLD}{address:width$}{PLAIN}  {DIM}{}{PLAIN}", step.kind);
        let _ = writeln!(text, "{}", remark(step));
        for change in &step.changes {
            property(&mut text, change);
        }
        if let (true, Action::Create, Some(Value::Object(desired))) = (details, &step.action, &step.desired) {
            for (name, wanted) in desired {
                let _ = writeln!(text, "      {name}: {}", value(wanted));
            }
        }
    }
    text
}

/// What a plan does to data, one loud line for each database that goes.
#[must_use]
pub(crate) fn losses(plan: &Plan) -> String {
    let goes = |step: &&Step| {
        step.kind == "AWS::RDS::DBCluster" && matches!(step.action, Action::Delete | Action::Replace { .. })
    };
    let mut text = String::new();
    for step in plan.steps().iter().filter(goes) {
        let address = &step.address;
        let name = step.live().and_then(|live| live["DBClusterIdentifier"].as_str()).unwrap_or_default();
        let what = match step.action {
            Action::Delete => "is deleted",
            _ => "is replaced by an empty one",
        };
        let kept = step.live().is_some_and(|live| live["DeletionPolicy"] == "Snapshot");
        let line = match kept {
            true => format!("{YELLOW}{address} ({name}) {what}; a final snapshot is taken and stays{PLAIN}"),
            false => format!(
                "{RED}{BOLD}DATA LOSS: {address} ({name}) {what}, with all its data and automated backups{PLAIN}"
            ),
        };
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn remark(step: &Step) -> String {
    let note = match step.note {
        Some(Note::Unfinished) => "  finish what an interrupted run began",
        Some(Note::Missing) if step.action == Action::Delete => "  it has disappeared already",
        Some(Note::Missing) => "  it has disappeared",
        Some(Note::Deposed) => "  was replaced by an earlier run",
        None => "",
    };
    match &step.action {
        Action::Replace { because, order } => {
            let because: Vec<&str> = because.iter().collect();
            let order = match order {
                ReplaceOrder::CreateFirst => "the new one is created first",
                ReplaceOrder::DeleteFirst => "the old one is deleted first",
            };
            format!("  replaced: {} cannot be changed; {order}{note}", because.join(", "))
        }
        _ => note.to_owned(),
    }
}

fn property(text: &mut String, change: &PropertyChange) {
    let absent = || "(not set)".to_owned();
    let before = change.before.as_ref().map_or_else(absent, value);
    let after = change.after.as_ref().map_or_else(absent, value);
    let _ = writeln!(text, "      {}: {before} → {after}", change.path);
}

/// A value on one line; what is not known yet says after what it will be.
#[must_use]
pub(crate) fn value(value: &Value) -> String {
    if let Some(unknown) = PropertyChange::unknown_text(value) {
        return unknown;
    }
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(self::value).collect::<Vec<_>>().join(", ")),
        Value::Object(object) => {
            let fields = object.iter().map(|(name, inner)| format!("{name}: {}", self::value(inner)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// The plan as data.
#[must_use]
pub(crate) fn plan_json(plan: &Plan) -> Value {
    let steps: Vec<Value> = plan
        .steps()
        .iter()
        .map(|step| {
            let (action, because, order) = match &step.action {
                Action::Create => ("create", vec![], None),
                Action::Update => ("update", vec![], None),
                Action::Replace { because, order } => {
                    let order = match order {
                        ReplaceOrder::CreateFirst => "create_first",
                        ReplaceOrder::DeleteFirst => "delete_first",
                    };
                    ("replace", because.iter().collect(), Some(order))
                }
                Action::Delete => ("delete", vec![], None),
                Action::Unchanged => ("unchanged", vec![], None),
            };
            let note = step.note.map(|note| match note {
                Note::Unfinished => "unfinished",
                Note::Missing => "missing",
                Note::Deposed => "deposed",
            });
            json!({
                "address": step.address,
                "kind": step.kind,
                "action": action,
                "because": because,
                "order": order,
                "note": note,
                "changes": changes_json(&step.changes),
                "properties": step.desired,
            })
        })
        .collect();
    let counts = Counts::of(plan);
    json!({
        "empty": plan.is_empty(),
        "create": counts.create,
        "update": counts.update,
        "replace": counts.replace,
        "delete": counts.delete,
        "finish": counts.finish,
        "unchanged": counts.unchanged,
        "steps": steps,
    })
}

fn changes_json(changes: &[PropertyChange]) -> Vec<Value> {
    let one = |change: &PropertyChange| json!({ "property": change.path, "before": change.before, "after": change.after });
    changes.iter().map(one).collect()
}

/// Drift: one line an object, with the properties that differ below it.
#[must_use]
pub(crate) fn drift(drift: &[Drift]) -> String {
    let mut text = String::new();
    for one in drift {
        let (sign, changes) = match &one.changes {
            Some(changes) => ("~", changes.as_slice()),
            None => ("-", [].as_slice()),
        };
        let gone = if one.changes.is_none() { "  it has disappeared" } else { "" };
        let (address, kind) = (&one.address, &one.kind);
        let _ = writeln!(text, "  {YELLOW}{sign}{PLAIN} {BOLD}{address}{PLAIN}  {DIM}{kind}{PLAIN}{gone}");
        for change in changes {
            property(&mut text, change);
        }
    }
    text
}

/// Drift as data.
#[must_use]
pub(crate) fn drift_json(drift: &[Drift]) -> Value {
    let one = |one: &Drift| {
        json!({
            "address": one.address,
            "kind": one.kind,
            "missing": one.changes.is_none(),
            "changes": changes_json(one.changes.as_deref().unwrap_or_default()),
        })
    };
    Value::Array(drift.iter().map(one).collect())
}

/// What failed and what was not tried because of it. Empty for a complete run.
#[must_use]
pub(crate) fn report(report: &Report) -> String {
    let mut text = String::new();
    for failure in &report.failed {
        let (address, kind, operation) = (&failure.address, &failure.kind, failure.operation);
        let _ = writeln!(text, "{RED}failed{PLAIN}: {operation} {BOLD}{address}{PLAIN} ({kind})");
        let _ = writeln!(text, "  {}", failure.cause);
        let mut source = std::error::Error::source(&failure.cause);
        while let Some(cause) = source {
            let _ = writeln!(text, "  cause: {cause}");
            source = cause.source();
        }
        let skipped = report.skipped.iter().filter(|skipped| skipped.because == *address);
        let skipped: Vec<&str> = skipped.map(|skipped| skipped.address.as_str()).collect();
        if !skipped.is_empty() {
            let _ = writeln!(text, "  not tried because of it: {}", some_of(&skipped));
        }
    }
    // What an interrupted run leaves is counted in its summary.
    let left = !report.interrupted;
    if left && !report.in_progress.is_empty() {
        let names: Vec<&str> = report.in_progress.iter().map(|left| left.address.as_str()).collect();
        let _ = writeln!(text, "in progress: {}", some_of(&names));
    }
    if left && !report.not_begun.is_empty() {
        let names: Vec<&str> = report.not_begun.iter().map(engine::Address::as_str).collect();
        let _ = writeln!(text, "not begun: {}", some_of(&names));
    }
    text
}

/// The names, where they are few; otherwise the first ones and how many more there are. `--json` has all.
fn some_of(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    match names.get(..SHOWN) {
        Some(first) if names.len() > SHOWN + 1 => {
            format!("{} and {} more", first.join(", "), names.len() - SHOWN)
        }
        _ => names.join(", "),
    }
}

/// The report as data.
#[must_use]
pub(crate) fn report_json(report: &Report) -> Value {
    let operation = |operation: &Operation| operation.to_string();
    let done: Vec<Value> = report
        .done
        .iter()
        .filter_map(|done| Some((done, done.operation?)))
        .map(|(done, did)| {
            json!({ "address": done.address, "operation": operation(&did), "seconds": done.took.as_secs_f64() })
        })
        .collect();
    let failed: Vec<Value> = report
        .failed
        .iter()
        .map(|failure| {
            json!({
                "address": failure.address,
                "kind": failure.kind,
                "operation": operation(&failure.operation),
                "reason": failure.cause.to_string(),
            })
        })
        .collect();
    let skipped: Vec<Value> = report
        .skipped
        .iter()
        .map(|skipped| {
            json!({
                "address": skipped.address,
                "operation": operation(&skipped.operation),
                "because": skipped.because,
            })
        })
        .collect();
    let in_progress: Vec<Value> = report
        .in_progress
        .iter()
        .map(|left| {
            json!({
                "address": left.address,
                "kind": left.kind,
                "operation": operation(&left.operation),
                "waiting_for": left.during,
            })
        })
        .collect();
    json!({
        "complete": report.is_complete(),
        "interrupted": report.interrupted,
        "done": done,
        "failed": failed,
        "skipped": skipped,
        "in_progress": in_progress,
        "not_begun": report.not_begun,
    })
}
