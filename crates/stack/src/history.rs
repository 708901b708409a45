//! `stack history`: past runs, and what each did.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::{
    Address, Did, End, EngineError, ErrorClass, History, HistoryError, Older, Operation, Outcome, PastRun,
    PastStep, Which, history, visible,
};
use serde_json::{Value, json};

use crate::codes::Code;
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::output::{Lines, Style, note, print, print_json};
use crate::run::Work;
use crate::summary::duration;
use crate::time::rfc3339;
use crate::unlock::ago;

/// How much of an id is shown in a list. It is enough to name the run.
const SHORT: usize = 8;

impl Work {
    /// Past runs that are wanted. Takes no lock.
    pub(crate) async fn past(&self, which: &Which) -> Result<History, Failure> {
        // Whose it is, and whether it was moved.
        self.recorded().await?;
        let store = self.store().await?;
        history(&*store, which).await.map_err(|error| match error {
            HistoryError::Journal(error) => engine_failure(EngineError::Journal(error)),
            HistoryError::Lock(error) => engine_failure(EngineError::Lock(error)),
            error => Failure::from_error(Exit::Failed, &error),
        })
    }

    pub(crate) async fn list_history(&self, limit: u32) -> Result<Exit, Failure> {
        let count = usize::try_from(limit).unwrap_or(usize::MAX);
        let History { runs, older } = self.past(&Which::Newest(count)).await?;
        if self.options.json {
            let before = match older {
                Older::Nothing => "nothing",
                Older::More => "more",
                Older::NotKept { .. } => "not_kept",
            };
            let runs: Vec<Value> = runs.iter().map(|run| run_json(run, false)).collect();
            print_json(&json!({ "runs": runs, "older": before }))?;
            return Ok(Exit::Done);
        }
        if runs.is_empty() {
            note(&format!("{}: no run is recorded", self.title()));
            return Ok(Exit::Done);
        }
        print(&table(&runs))?;
        match older {
            Older::Nothing => {}
            Older::More => note(&format!(
                "there are older runs: {} shows more",
                self.command(&format!("history --limit {}", u64::from(limit) * 5))
            )),
            Older::NotKept { first } => note(&format!("the records before {first} are not kept any more")),
        }
        Ok(Exit::Done)
    }

    pub(crate) async fn show_run(&self, id: &str) -> Result<Exit, Failure> {
        let unknown = || {
            Failure::new(Exit::Configuration, format!("there is no run `{}`", visible(id)))
                .coded(Code::NothingRecorded)
                .hint("`stack history` lists past runs, with the ids that they have")
        };
        if id.is_empty() {
            return Err(unknown());
        }
        let History { runs, .. } = self.past(&Which::Id(id.to_ascii_lowercase())).await?;
        let run = runs.first().ok_or_else(unknown)?;
        match self.options.json {
            true => print_json(&run_json(run, true))?,
            false => print(&shown(run))?,
        }
        Ok(Exit::Done)
    }
}

/// The id as it is shown in a list.
pub(crate) fn short(id: &str) -> &str {
    id.get(..SHORT).unwrap_or(id)
}

/// The command, without where CI shows the run.
fn command(run: &PastRun) -> &str {
    run.purpose.as_deref().map_or("(unknown)", |purpose| purpose.split(", ").next().unwrap_or(purpose))
}

/// Without the process, which says nothing once it has ended.
fn person(run: &PastRun) -> &str {
    run.holder.split(", process ").next().unwrap_or(&run.holder)
}

/// Who somebody is for AWS, without the account: `role/session`, `user`.
fn identity(arn: &str) -> &str {
    arn.rsplit(':').next().and_then(|resource| resource.split_once('/')).map_or(arn, |(_, name)| name)
}

fn outcome(end: End) -> &'static str {
    match end {
        End::Said(Outcome::Done) => "done",
        End::Said(Outcome::Failed) => "failed",
        End::Said(Outcome::Interrupted) | End::GaveUp => "interrupted",
        End::Said(Outcome::Cancelled) => "cancelled",
        End::Killed => "killed",
        End::Unknown => "not recorded",
        End::UnderWay { lives: true } => "running",
        End::UnderWay { lives: false } => "running?",
    }
}

fn style(end: End) -> Option<Style> {
    match end {
        End::Said(Outcome::Done) => Some(Style::Green),
        End::Said(Outcome::Failed) | End::Killed => Some(Style::Red),
        End::Said(Outcome::Interrupted) | End::GaveUp => Some(Style::Yellow),
        End::Said(Outcome::Cancelled) | End::Unknown | End::UnderWay { .. } => None,
    }
}

/// What happened to a resource, in a word.
fn word(did: &Did) -> &'static str {
    match did {
        Did::Created => "created",
        Did::Adopted => "adopted",
        Did::Changed => "changed",
        Did::Deleted => "deleted",
        Did::NoEffect { .. } => "no effect",
        Did::Failed { .. } => "failed",
        Did::Broken { .. } => "broken",
        Did::Unfinished { .. } => "unfinished",
        Did::LookedUp { .. } => "looked up",
        Did::Missing => "missing",
        Did::Released => "released",
        Did::TakenBack => "taken back",
        Did::Moved { .. } => "renamed",
        Did::Recorded => "recorded",
        Did::Forgotten => "forgotten",
        Did::Protected => "protected",
        Did::Unprotected => "unprotected",
    }
}

/// Where a word stands among the counts: what matters most comes first.
fn rank(word: &str) -> usize {
    const ORDER: [&str; 7] = ["created", "adopted", "changed", "deleted", "failed", "broken", "unfinished"];
    ORDER.iter().position(|known| *known == word).unwrap_or(ORDER.len())
}

/// How many resources came to what. An object that was replaced is created and deleted.
fn counts(run: &PastRun) -> Vec<(&'static str, usize)> {
    let mut counted: BTreeMap<(usize, &'static str), usize> = BTreeMap::new();
    for step in &run.steps {
        let word = word(&step.did);
        *counted.entry((rank(word), word)).or_default() += 1;
    }
    counted.into_iter().map(|((_, word), count)| (word, count)).collect()
}

fn counts_text(run: &PastRun) -> String {
    let parts: Vec<String> = counts(run).iter().map(|(word, count)| format!("{count} {word}")).collect();
    if parts.is_empty() { "nothing changed".to_owned() } else { parts.join(", ") }
}

/// `2026-11-30 13:40`, in UTC.
fn minute(millis: u64) -> String {
    let time = rfc3339(millis);
    match (time.get(..10), time.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute}"),
        _ => time,
    }
}

fn took(run: &PastRun) -> String {
    duration(Duration::from_millis(run.last.saturating_sub(run.began)))
}

/// A line a run.
fn table(runs: &[PastRun]) -> Lines {
    let width = |texts: Vec<usize>| texts.into_iter().max().unwrap_or(0);
    let commands = width(runs.iter().map(|run| command(run).chars().count()).collect());
    let outcomes = width(runs.iter().map(|run| outcome(run.end).len()).collect());
    let changes = width(runs.iter().map(|run| counts_text(run).len()).collect());
    let times = width(runs.iter().map(|run| took(run).len()).collect());
    let mut lines = Lines::new();
    for run in runs {
        lines.add(format!("{:SHORT$}  {}  {:commands$}  ", short(&run.id), minute(run.began), command(run)));
        let ended = format!("{:outcomes$}", outcome(run.end));
        match style(run.end) {
            Some(style) => lines.styled(style, ended),
            None => lines.add(ended),
        };
        lines.add(format!("  {:changes$}  {:>times$}  {}", counts_text(run), took(run), person(run)));
        if let Some(caller) = &run.caller {
            lines.add(format!(" as {}", identity(caller)));
        }
        lines.end();
    }
    lines
}

/// A run with each of its steps.
fn shown(run: &PastRun) -> Lines {
    let mut lines = Lines::new();
    lines.line(format!("run      {}", run.id));
    lines.line(format!("command  {}", run.purpose.as_deref().unwrap_or("not recorded")));
    lines.line(format!("by       {}", run.holder));
    if let Some(caller) = &run.caller {
        lines.line(format!("as       {caller}"));
    }
    lines.line(format!("began    {} ({})", rfc3339(run.began), ago(run.began)));
    let last = match run.end {
        End::Said(_) | End::GaveUp => "ended    ",
        End::Killed | End::Unknown | End::UnderWay { .. } => "last     ",
    };
    lines.line(format!("{last}{} (after {})", rfc3339(run.last), took(run)));
    lines.add("outcome  ");
    match style(run.end) {
        Some(style) => lines.styled(style, outcome(run.end)),
        None => lines.add(outcome(run.end)),
    };
    lines.line(match run.end {
        End::Killed => ": it recorded no end. What it had begun, the next run has looked up, or will",
        End::Unknown => ": made by an earlier version, which recorded no end",
        End::UnderWay { lives: false } => ": it holds the lock; whether it lives cannot be known here",
        _ => "",
    });
    lines.line(format!("changes  {}", counts_text(run)));
    lines.line(format!("record   {}", run.record));
    if run.steps.is_empty() {
        return lines;
    }
    lines.end();
    let width = |of: fn(&PastStep) -> usize| run.steps.iter().map(of).max().unwrap_or(0);
    let words = width(|step| word(&step.did).len());
    let addresses = width(|step| address(step).chars().count());
    for step in &run.steps {
        // Where it was begun by an earlier run, the time is that of its end.
        let time = rfc3339(step.began.or(step.ended).unwrap_or(run.began));
        let clock = time.get(11..19).unwrap_or(&time);
        let kind = step.kind.as_ref().map_or_else(String::new, |kind| format!("  {kind}"));
        let rest = kind + &remark(step);
        let line = format!("{clock}  {:words$}  {:addresses$}{rest}", word(&step.did), address(step));
        lines.line(line.trim_end());
    }
    lines
}

fn address(step: &PastStep) -> &str {
    step.address.as_ref().map_or("(not kept)", Address::as_str)
}

/// What else there is to say of a step.
fn remark(step: &PastStep) -> String {
    let time = step.began.zip(step.ended).map(|(began, ended)| ended.saturating_sub(began));
    let time = time.filter(|millis| *millis > 0).map(|millis| duration(Duration::from_millis(millis)));
    let what = match &step.did {
        Did::Failed { operation, class } => Some(format!("{operation}: {}", why(*class))),
        Did::NoEffect { operation } => Some(format!("{operation} that was interrupted")),
        Did::Broken { reason } => Some(reason.clone()),
        Did::Unfinished { operation } => Some(format!("{operation}: left to the next run")),
        Did::LookedUp { operation } => Some(format!("{operation} that was interrupted: it is there")),
        Did::Moved { to } => Some(format!("now {to}")),
        _ => None,
    };
    let earlier = step.began.is_none().then(|| "begun by an earlier run".to_owned());
    let parts: Vec<String> = [time, what, earlier].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!("  ({})", parts.join("; ")) }
}

/// Why a call failed.
fn why(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::NotFound => "not found",
        ErrorClass::AlreadyExists => "it exists already",
        ErrorClass::DependencyViolation => "something depends on it",
        ErrorClass::Throttled => "too many calls",
        ErrorClass::NotYet => "not possible yet",
        ErrorClass::Unreachable => "no connection",
        ErrorClass::Expired => "credentials expired",
        ErrorClass::Denied => "access denied",
        ErrorClass::Invalid => "refused",
        ErrorClass::Conflict => "in conflict with something else",
        ErrorClass::Ambiguous => "no answer",
        _ => "failed",
    }
}

fn operation(operation: Operation) -> Value {
    json!(operation)
}

/// A run for programs.
fn run_json(run: &PastRun, with_steps: bool) -> Value {
    let counts: BTreeMap<&str, usize> = counts(run).into_iter().collect();
    let mut all = json!({
        "id": run.id,
        "record": run.record,
        "command": run.purpose,
        "by": run.holder,
        "caller": run.caller,
        "began": rfc3339(run.began),
        "last_record": rfc3339(run.last),
        "seconds": run.last.saturating_sub(run.began) / 1000,
        "outcome": outcome_json(run.end),
        "counts": counts,
    });
    if with_steps {
        all["steps"] = run.steps.iter().map(step_json).collect();
    }
    all
}

fn outcome_json(end: End) -> &'static str {
    match end {
        End::Unknown => "not_recorded",
        End::UnderWay { lives: true } => "running",
        End::UnderWay { lives: false } => "perhaps_running",
        end => outcome(end),
    }
}

fn step_json(step: &PastStep) -> Value {
    let mut all = json!({
        "address": step.address,
        "kind": step.kind,
        "result": word(&step.did).replace(' ', "_"),
        "began": step.began.map(rfc3339),
        "ended": step.ended.map(rfc3339),
    });
    match &step.did {
        Did::Failed { operation: failed, class } => {
            all["operation"] = operation(*failed);
            all["class"] = json!(class);
        }
        Did::Broken { reason } => all["reason"] = json!(reason),
        Did::Unfinished { operation: open }
        | Did::LookedUp { operation: open }
        | Did::NoEffect { operation: open } => {
            all["operation"] = operation(*open);
        }
        Did::Moved { to } => all["to"] = json!(to),
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_arn_the_name_is_shown() {
        for (arn, name) in [
            ("arn:aws:sts::123456789012:assumed-role/deployer/ada", "deployer/ada"),
            ("arn:aws:iam::123456789012:user/ada", "ada"),
            ("arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:root"),
        ] {
            assert_eq!(identity(arn), name);
        }
    }

    #[test]
    fn a_minute_is_in_utc() {
        assert_eq!(minute(1_800_000_000_250), "2027-01-15 08:00");
    }
}
