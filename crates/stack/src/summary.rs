//! After a run: what was done, what was left as it is, and what stays behind though it is no longer managed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine::{Action, Fate, Operation, Plan, Report, Resource as _, Step};

use crate::output::Lines;
use crate::render::is_kept;
use crate::time::rfc3339;

const SECONDS_A_DAY: u64 = 86_400;

/// What a run did, in one line, and a line for each thing that stays behind. Nothing where there was nothing to do.
#[must_use]
pub(crate) fn summary(
    plan: &Plan,
    report: &Report,
    took: Duration,
    now: SystemTime,
    deletions: &Deletions,
) -> Lines {
    let mut lines = Lines::new();
    if plan.is_empty() || report.interrupted {
        return lines;
    }
    let of = |wanted: Operation| -> BTreeSet<&str> {
        let done = report.done.iter().filter(|done| done.operation == Some(wanted));
        done.map(|done| done.address.as_str()).collect()
    };
    let (made, changed, gone) = (of(Operation::Create), of(Operation::Update), of(Operation::Delete));
    let replaced = |address: &&&str| {
        plan.step(address).is_some_and(|step| matches!(step.action, Action::Replace { .. }))
    };
    let both = made.intersection(&gone).filter(replaced).count();
    let adopted = report.done.iter().filter(|done| done.adopted).count();
    let kept: Vec<&Step> = plan.steps().iter().filter(|step| is_kept(step)).collect();
    let unchanged = plan.steps().iter().filter(|step| !step.is_change()).count();
    let parts = [
        (made.len().saturating_sub(adopted + both), "created"),
        (adopted, "adopted"),
        (changed.difference(&made).count(), "changed"),
        (both, "replaced"),
        (gone.len() - both, "deleted"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let parts = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
    let left = if unchanged > 0 { format!("; {unchanged} left as they are") } else { String::new() };
    let ended = if report.is_complete() { "Done in" } else { "Stopped after" };
    lines.line(format!("{ended} {}: {parts}{left}", duration(took)));
    behind(&mut lines, plan, &gone, &kept, now, deletions);
    lines
}

/// When AWS will delete keys that are only marked to go, as it says itself, by address.
pub(crate) type Deletions = BTreeMap<String, String>;

/// The keys that a run has marked to go.
pub(crate) fn keys_that_wait<'p>(plan: &'p Plan, report: &Report) -> Vec<&'p str> {
    let is_gone = |step: &&Step| {
        report
            .done
            .iter()
            .any(|done| done.operation == Some(Operation::Delete) && done.address == step.address)
    };
    let waits = |step: &&Step| {
        step.removal()
            .is_some_and(|removal| removal.kind == aws::resources::Key::KIND && removal.fate == Fate::Lost)
    };
    plan.steps().iter().filter(is_gone).filter(waits).map(|step| step.address.as_str()).collect()
}

/// What is still in the account, and why.
fn behind(
    lines: &mut Lines,
    plan: &Plan,
    gone: &BTreeSet<&str>,
    kept: &[&Step],
    now: SystemTime,
    deletions: &Deletions,
) {
    let is_gone = |step: &&Step| gone.contains(step.address.as_str());
    for step in plan.steps().iter().filter(is_gone) {
        let Some(removal) = step.removal() else { continue };
        let name = removal.name.as_ref().map_or(String::new(), |name| format!(" ({name})"));
        if let Fate::Copied(copy) = removal.fate {
            lines.line(format!("  stays: {copy} of {}{name}, until somebody deletes it", step.address));
        }
        if removal.kind == aws::resources::Key::KIND
            && removal.fate == Fate::Lost
            && let Some(days) = removal.property("PendingWindowInDays").and_then(serde_json::Value::as_u64)
        {
            let address = &step.address;
            let until = match deletions.get(address.as_str()) {
                // The day is enough, and the time of day is the cloud's.
                Some(until) => until.chars().take_while(|one| *one != 'T').collect(),
                None => format!("about {}", date(now + Duration::from_secs(days * SECONDS_A_DAY))),
            };
            lines.line(format!(
                "  waits: the key {address} can be restored until {until}, when AWS deletes it"
            ));
        }
        if removal.kind == apigw::resources::Account::KIND {
            lines.line("  stays: API Gateway's role for logs, which all environments in the region share");
        }
    }
    let mut of_kind: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for step in kept {
        of_kind.entry(step.kind.as_str()).or_default().push(step.address.as_str());
    }
    for (kind, addresses) in of_kind {
        let what = match addresses.as_slice() {
            [one] => (*one).to_owned(),
            more => format!("{} × {kind}", more.len()),
        };
        let why = match kind == aws::resources::ServiceLinkedRole::KIND {
            true => "shared by the whole account",
            false => "with its contents, no longer managed",
        };
        lines.line(format!("  stays: {what}, {why}"));
    }
}

/// `4.2 s`, `3 min 20 s`, `1 h 5 min`.
pub(crate) fn duration(took: Duration) -> String {
    match took.as_secs() {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// The day in UTC, as ISO 8601 has it.
fn date(time: SystemTime) -> String {
    let millis = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut day = rfc3339(u64::try_from(millis).unwrap_or(u64::MAX));
    day.truncate(day.find('T').unwrap_or(day.len()));
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_date_is_right_in_leap_years_too() {
        assert_eq!(date(at(0)), "1970-01-01");
        assert_eq!(date(at(951_782_400)), "2000-02-29");
        assert_eq!(date(at(951_868_800)), "2000-03-01");
        assert_eq!(date(at(1_798_761_599)), "2026-12-31");
        assert_eq!(date(at(4_107_542_400)), "2100-03-01");
    }

    #[test]
    fn a_duration_is_as_exact_as_it_matters() {
        let text = |millis| duration(Duration::from_millis(millis));
        assert_eq!([4_210, 200_000, 3_900_000].map(text), ["4.2 s", "3 min 20 s", "1 h 5 min"]);
    }
}
