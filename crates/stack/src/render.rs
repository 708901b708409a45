//! What is counted, remarked and reported, as a person reads it, and drift and reports as data.

use engine::{
    Accepted, Action, Address, Cause, Drift, Fate, Note, Operation, Plan, PropertyChange, Report, Step,
};
use schemars::JsonSchema;
use secrets::{masked_at, shown_path};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::advice::{Advice, Advisor, code_of, told};
use crate::output::{Lines, Style};
use crate::shortened::{VALUE, cut};

/// Counts of a plan, by what happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    /// New objects.
    pub(crate) create: usize,
    /// Changed objects.
    pub(crate) update: usize,
    /// Replaced objects.
    pub(crate) replace: usize,
    /// Deleted objects.
    pub(crate) delete: usize,
    /// Objects that stay and are not managed any more.
    pub(crate) keep: usize,
    /// Objects whose interrupted creation is brought to an end.
    pub(crate) finish: usize,
    /// Objects that stay as they are.
    pub(crate) unchanged: usize,
}

impl Counts {
    /// Counts the steps of a plan.
    #[must_use]
    pub(crate) fn of(plan: &Plan) -> Self {
        Self::of_steps(plan.steps())
    }

    /// Counts some of the steps of a plan.
    #[must_use]
    pub(crate) fn of_steps<'s>(steps: impl IntoIterator<Item = &'s Step>) -> Self {
        let mut counts = Self::default();
        for step in steps {
            *match (&step.action, step.note) {
                (Action::Create, _) => &mut counts.create,
                (Action::Update, _) => &mut counts.update,
                (Action::Replace { .. }, _) => &mut counts.replace,
                (Action::Delete, _) if is_kept(step) => &mut counts.keep,
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
            (self.keep, "to keep, no longer managed"),
            (self.finish, "to finish"),
            (self.unchanged, "unchanged"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if parts.is_empty() { "no resources".to_owned() } else { parts.join(", ") }
    }
}

/// What is said below a plan: what is renamed or found again, [`warnings`], and [what stays as it is](accepted).
#[must_use]
pub(crate) fn remarks(plan: &Plan) -> Lines {
    let mut lines = found(plan);
    lines.append(&warnings(plan)).append(&accepted(plan));
    lines
}

/// What is renamed, and that nothing is recorded.
#[must_use]
pub(crate) fn found(plan: &Plan) -> Lines {
    let mut lines = Lines::new();
    if let [first, more @ ..] = plan.moved() {
        let others = match more.len() {
            0 => String::new(),
            1 => ", and 1 more".to_owned(),
            count => format!(", and {count} more"),
        };
        lines.line(format!("  renamed: {} is now {}{others}; nothing changes in AWS", first.from, first.to));
    }
    if nothing_is_recorded(plan) {
        lines.line("  nothing is recorded for this environment; objects that carry its tags are");
        lines.line("  adopted rather than created again");
    }
    lines
}

/// What the kinds warn of, a line for each cause.
#[must_use]
pub(crate) fn warnings(plan: &Plan) -> Lines {
    let mut lines = Lines::new();
    let all: Vec<(&Address, &str)> = plan
        .steps()
        .iter()
        .flat_map(|step| step.warnings().iter().map(|warning| (&step.address, warning.as_str())))
        .collect();
    for line in each_once(&all) {
        lines.add("  ").styled(Style::Loud, line).end();
    }
    lines
}

/// A line for each live value that is not as declared, and stays.
#[must_use]
pub(crate) fn accepted(plan: &Plan) -> Lines {
    let mut lines = Lines::new();
    for step in plan.steps() {
        for accepted in step.accepted() {
            remark(&mut lines, &step.address, accepted);
        }
    }
    lines
}

/// A line for each warning. What is the same for several resources has one cause, and is said once.
fn each_once(all: &[(&Address, &str)]) -> Vec<String> {
    let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
    for (address, warning) in all {
        match told.iter_mut().find(|(other, _)| other == warning) {
            Some((_, addresses)) => addresses.push(address.as_str()),
            None => told.push((warning, vec![address.as_str()])),
        }
    }
    let line = |(warning, addresses): &(&str, Vec<&str>)| match addresses.as_slice() {
        [first, others @ ..] if !others.is_empty() => {
            format!("WARNING: {first} (and {}) {warning}", some_of(others, SHOWN))
        }
        addresses => format!("WARNING: {} {warning}", addresses.join(", ")),
    };
    told.iter().map(line).collect()
}

/// A live value that is not as declared, or recorded, and stays.
pub(crate) fn remark(lines: &mut Lines, address: &Address, accepted: &Accepted) {
    if accepted.is_ignored {
        let text = |one: &Value| match one {
            Value::Null => "not set".to_owned(),
            one => cut(&value(&masked_at(&accepted.property, one)), VALUE),
        };
        let Accepted { property, live, declared, .. } = accepted;
        let (declared, live) = (text(declared), text(live));
        lines.line(format!("  ignored: {address} {property} (declared {declared}, live {live})"));
        return;
    }
    lines.line(format!("  {address} {}", accepted.because));
}

/// Whether the object stays when it is not managed any more.
pub(crate) fn is_kept(step: &Step) -> bool {
    step.removal().is_some_and(|removal| removal.fate == Fate::Retained)
}

/// Whether the plan begins from nothing: all is new, as far as this program knows.
pub(crate) fn nothing_is_recorded(plan: &Plan) -> bool {
    let is_new = |step: &Step| step.action == Action::Create && step.note.is_none();
    // Of a part, only the state tells.
    let may = !plan.narrowed().is_part() || plan.begins_from_nothing();
    may && !plan.steps().is_empty() && plan.steps().iter().all(is_new)
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

pub(crate) fn changes_json(changes: &[PropertyChange]) -> Vec<Value> {
    let one = |change: &PropertyChange| {
        let masked = |value: &Value| masked_at(&change.path, value);
        let (before, after) = (change.before.as_ref().map(masked), change.after.as_ref().map(masked));
        json!({ "property": shown_path(&change.path), "before": before, "after": after })
    };
    changes.iter().map(one).collect()
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

/// So many resources are named in one line.
const SHOWN: usize = 8;

/// What failed and what was not tried because of it. Empty for a complete run.
#[must_use]
pub(crate) fn report(report: &Report, advisor: Advisor<'_>) -> Lines {
    let mut lines = Lines::new();
    // That the journal could not be written is an error of the whole run, told once, after this.
    let (stopped, mut failed): (Vec<_>, Vec<_>) =
        report.failed.iter().partition(|failure| matches!(failure.cause, Cause::Journal(_)));
    failed.sort_by(|one, other| one.address.as_str().cmp(other.address.as_str()));
    // What is to be done for several is said once.
    let mut advised: Vec<(Advice, &Address)> = Vec::new();
    for failure in failed {
        let (address, kind, operation) = (&failure.address, &failure.kind, failure.operation);
        let advice = advisor.of_failure(failure);
        lines.styled(Style::Red, format!("error[{}]", advice.code)).add(format!(": {operation} "));
        lines.styled(Style::Bold, address).line(format!(" ({kind}) failed"));
        lines.line(format!("  {}", told(&failure.cause)));
        let mut source = std::error::Error::source(&failure.cause);
        while let Some(cause) = source {
            lines.line(format!("  cause: {cause}"));
            source = cause.source();
        }
        match (&advice.hint, advised.iter().find(|(given, _)| *given == advice)) {
            (Some(_), Some((_, first))) => {
                lines.line(format!("  hint: as for {first}"));
            }
            (Some(hint), None) => {
                lines.line(format!("  hint: {hint}"));
                for line in &advice.to_copy {
                    lines.line(format!("    {line}"));
                }
                advised.push((advice, address));
            }
            (None, _) => {}
        }
        let skipped = report.skipped.iter().filter(|skipped| skipped.because == *address);
        let mut skipped: Vec<&str> = skipped.map(|skipped| skipped.address.as_str()).collect();
        skipped.sort_unstable();
        if !skipped.is_empty() {
            lines.line(format!("  not tried because of it: {}", some_of(&skipped, SHOWN)));
        }
    }
    // What an interrupted run leaves is counted in its summary.
    let left = !report.interrupted;
    let stopped = stopped.into_iter().map(|failure| &failure.address);
    let begun = report.in_progress.iter().map(|left| &left.address);
    let in_progress: Vec<&str> = stopped.chain(begun).map(engine::Address::as_str).collect();
    if left && !in_progress.is_empty() {
        lines.line(format!("in progress when the run stopped: {}", some_of(&in_progress, SHOWN)));
    }
    if left && !report.not_begun.is_empty() {
        let names: Vec<&str> = report.not_begun.iter().map(engine::Address::as_str).collect();
        lines.line(format!("not begun: {}", some_of(&names, SHOWN)));
    }
    lines
}

/// The names, where they are few; otherwise the first ones and how many more there are. `--json` has all.
pub(crate) fn some_of(names: &[&str], shown: usize) -> String {
    match names.get(..shown) {
        Some(first) if names.len() > shown + 1 => {
            format!("{} and {} more", first.join(", "), names.len() - shown)
        }
        _ => names.join(", "),
    }
}

fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string).collect()
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
            json!({
                "address": done.address,
                "action": operation(&did),
                "adopted": done.adopted,
                "seconds": done.took.as_secs_f64(),
            })
        })
        .collect();
    let failed: Vec<Value> = report
        .failed
        .iter()
        .map(|failure| {
            json!({
                "address": failure.address,
                "kind": failure.kind,
                "action": operation(&failure.operation),
                "code": code_of(&failure.cause).name(),
                "reason": failure.cause.to_string(),
                "causes": causes(&failure.cause),
            })
        })
        .collect();
    let skipped: Vec<Value> = report
        .skipped
        .iter()
        .map(|skipped| {
            json!({
                "address": skipped.address,
                "action": operation(&skipped.operation),
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
                "action": operation(&left.operation),
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

#[cfg(test)]
mod tests {
    use engine::{Address, CallError, ErrorClass, Failure, Report, Resource as _, is_hidden};
    use proptest::prelude::*;
    use vpc::resources::Eip;

    use super::*;

    fn address() -> Address {
        Address::new("vpc/vpc").expect("it is one")
    }

    /// The lines, without colours.
    fn shown(lines: &Lines) -> Vec<String> {
        let text = anstream::adapter::strip_str(&lines.to_string()).to_string();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn advice_for_several_resources_is_given_once_in_the_order_of_their_addresses() {
        let failed = ["vpc/nat-eip-b", "vpc/nat-eip-a"].map(|address| {
            let message = "The maximum number of addresses has been reached.";
            let mut error = CallError::new(ErrorClass::Invalid, "AllocateAddress", message);
            error.code = Some("AddressLimitExceeded".to_owned());
            let address = Address::new(address).expect("it is one");
            Failure { address, kind: Eip::KIND.to_owned(), operation: Operation::Create, cause: error.into() }
        });
        let lines =
            shown(&report(&Report { failed: failed.into(), ..Report::default() }, Advisor::default()));
        assert_eq!(lines[0], format!("error[E0401]: create vpc/nat-eip-a ({}) failed", Eip::KIND));
        assert!(lines[2].starts_with("  hint: the quota `EC2-VPC Elastic IPs` is reached"), "{lines:#?}");
        let commands = lines[3..5].iter().filter(|line| line.starts_with("    aws service-quotas "));
        assert_eq!(commands.count(), 2, "{lines:#?}");
        assert_eq!(lines[5], format!("error[E0401]: create vpc/nat-eip-b ({}) failed", Eip::KIND));
        assert_eq!(lines[7..], ["  hint: as for vpc/nat-eip-a"]);
    }

    #[test]
    fn a_warning_that_several_resources_share_is_said_once() {
        let [one, two, three] = ["t/one", "t/two", "t/three"].map(|it| Address::new(it).expect("it is one"));
        let all = [(&one, "stops"), (&two, "costs more"), (&three, "stops")];
        assert_eq!(each_once(&all), ["WARNING: t/one (and t/three) stops", "WARNING: t/two costs more"]);
    }

    proptest! {
        #[test]
        fn a_failure_is_a_line_and_what_is_said_of_it_is_indented(message in any::<String>(), code in any::<String>()) {
            let mut error = CallError::new(ErrorClass::Invalid, "CreateVpc", message);
            error.code = Some(code.clone());
            let failure = Failure { address: address(), kind: code, operation: Operation::Create, cause: error.into() };
            let empty = Report { done: vec![], failed: vec![], skipped: vec![], not_begun: vec![], ..Report::default() };
            let lines = shown(&report(&Report { failed: vec![failure], ..empty }, Advisor::default()));
            prop_assert!(lines.len() >= 2 && lines[0].starts_with("error[E04"), "{:?}", lines);
            prop_assert!(lines[1..].iter().all(|line| line.starts_with("  ")), "{:?}", lines);
            prop_assert!(lines.iter().all(|line| !line.contains(is_hidden)), "{:?}", lines);
        }
    }
}
