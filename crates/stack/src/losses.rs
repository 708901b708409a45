//! What a plan loses, and what it keeps.

use std::collections::BTreeMap;

use engine::{Action, Contents, Facts, Fate, How, Loss, Lowered, Plan, Removal, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::output::{Lines, Style};

/// From this many objects of one kind that share their fate, they are told together.
const TOGETHER: usize = 3;

/// As wide as a list of names gets, and what is before it.
const WIDTH: usize = 80;
const INDENT: &str = "      ";

/// What becomes of an object, as far as a person wants to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    /// `waits` is for how many days a key can still be saved.
    Lost {
        label: &'static str,
        what: String,
        waits: Option<u64>,
    },
    Copied(&'static str),
    Retained,
}

impl Told {
    fn of(removal: &Removal) -> Option<Self> {
        match removal.fate {
            Fate::Retained => Some(Self::Retained),
            Fate::Copied(copy) => Some(Self::Copied(copy)),
            Fate::Lost if removal.loses() => Some(Self::Lost {
                label: label(removal.loss)?,
                what: what(removal)?,
                waits: removal.property("PendingWindowInDays").and_then(Value::as_u64),
            }),
            Fate::Lost => None,
        }
    }
}

const ADDRESS: &str = "ADDRESS LOST";

fn label(loss: Loss) -> Option<&'static str> {
    match loss {
        Loss::Data(_) => Some("DATA LOSS"),
        Loss::Images(_) => Some("IMAGES LOST"),
        Loss::Logs(_) => Some("LOGS LOST"),
        Loss::Keys(_) => Some("KEY LOST"),
        Loss::Addresses(_) => Some(ADDRESS),
        Loss::Nothing => None,
        // A kind of loss that this program has no word for is one all the same.
        _ => Some("LOSS"),
    }
}

/// `all its images (3 images)`.
fn what(removal: &Removal) -> Option<String> {
    let words = removal.loss.words()?;
    Some(match &removal.contents {
        Contents::Some { words: found, .. } => format!("{words} ({found})"),
        _ => words.to_owned(),
    })
}

fn named(step: &Step, removal: &Removal) -> String {
    match &removal.name {
        Some(name) => format!("{} ({name})", step.address),
        None => step.address.to_string(),
    }
}

/// One sentence for each object that goes, or for several of a kind: what is lost, what is kept.
#[must_use]
pub(crate) fn losses(plan: &Plan) -> Lines {
    losses_of(plan, &plan.steps().iter().collect::<Vec<_>>())
}

/// The same of some of its steps.
#[must_use]
pub(crate) fn losses_of(plan: &Plan, steps: &[&Step]) -> Lines {
    let mut groups: BTreeMap<(Told, &str, bool), Vec<String>> = BTreeMap::new();
    for step in steps.iter().copied() {
        let Some((removal, told)) = step.removal().and_then(|removal| Some((removal, Told::of(removal)?)))
        else {
            continue;
        };
        let replaced = matches!(step.action, Action::Replace { .. });
        groups.entry((told, &removal.kind, replaced)).or_default().push(named(step, removal));
    }
    let mut lines = Lines::new();
    for step in steps.iter().copied() {
        if let Some(Gone { text, .. }) = Gone::of_step(plan, step) {
            lines.add("  ").styled(Style::Loud, text).end();
        }
    }
    for ((told, kind, replaced), names) in groups {
        let style = if matches!(told, Told::Lost { .. }) { Style::Loud } else { Style::Yellow };
        if names.len() < TOGETHER {
            for name in names {
                lines.add("  ").styled(style, sentence(&told, &name, replaced, false)).end();
            }
        } else {
            let subject = format!("{} × {kind}", names.len());
            lines.add("  ").styled(style, sentence(&told, &subject, replaced, true));
            lines.line(":");
            wrapped(&mut lines, INDENT, &names);
        }
    }
    for step in steps.iter().copied() {
        for lowered in step.lowered() {
            let text = lowered_sentence(step, lowered);
            lines.add("  ").styled(Style::Loud, text).end();
        }
    }
    lines
}

/// Names, as many as fit on a line behind `indent`.
pub(crate) fn wrapped(lines: &mut Lines, indent: &str, names: &[String]) {
    let mut line = String::new();
    for (position, name) in names.iter().enumerate() {
        let name = if position + 1 < names.len() { format!("{name},") } else { name.clone() };
        if !line.is_empty() && line.chars().count() + 1 + name.chars().count() > WIDTH - indent.len() {
            lines.line(format!("{indent}{line}"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&name);
    }
    lines.line(format!("{indent}{line}"));
}

/// `many` says that the subject is several objects.
fn sentence(told: &Told, subject: &str, replaced: bool, many: bool) -> String {
    let then = if replaced { ", then created empty" } else { "" };
    match told {
        Told::Lost { label, waits: Some(days), .. } => {
            let (then, it) =
                (if replaced { ", and created again" } else { "" }, if many { "they" } else { "it" });
            format!(
                "{label}: {subject} will be deleted in {days} days{then}; after that nothing that {it} encrypted can be read"
            )
        }
        Told::Lost { label, what, waits: None } => {
            let then = match (replaced, what.strip_prefix("its ").filter(|_| *label == ADDRESS)) {
                (true, Some(address)) if many => format!(", then created with other {}", plural(address)),
                (true, Some(address)) => format!(", then created with another {address}"),
                _ => then.to_owned(),
            };
            let what = match many {
                true => of_many(what, *label == ADDRESS),
                false => what.clone(),
            };
            format!("{label}: {subject} will be deleted with {what}{then}")
        }
        Told::Copied(copy) => {
            let kept = copy.rsplit(' ').next().unwrap_or(copy).to_uppercase();
            let each = if many { " of each" } else { "" };
            format!("DELETED, {kept} KEPT: {subject} will be deleted{then}; {copy}{each} is kept")
        }
        Told::Retained => format!("KEPT: {subject} will stay in the account, no longer managed"),
    }
}

/// `all their logs` for `all its logs`.
fn of_many(what: &str, is_address: bool) -> String {
    let words = what.split(' ').map(|word| match word {
        "its" => "their",
        "it" => "them",
        other => other,
    });
    let words = words.collect::<Vec<_>>().join(" ");
    if is_address { plural(&words) } else { words }
}

fn plural(noun: &str) -> String {
    format!("{noun}{}", if noun.ends_with('s') { "es" } else { "s" })
}

/// What was lost before the plan: somebody deleted an object that held something, and the plan creates it empty.
pub(crate) struct Gone {
    /// What the object is called, where it has a name.
    name: Option<String>,
    /// What it held.
    words: &'static str,
    /// All of it in a sentence.
    pub(crate) text: String,
}

impl Gone {
    fn of_step(plan: &Plan, step: &Step) -> Option<Self> {
        let facts = plan.facts(step.address.as_str())?;
        Self::of(step.address.as_str(), step.vanished()?, step.desired(), facts)
    }

    /// Of an object that has disappeared, with the properties that are recorded of it, and those that are declared if somebody plans;
    /// `None` if it held nothing.
    pub(crate) fn of(
        address: &str,
        recorded: &Value,
        declared: Option<&Value>,
        facts: &Facts,
    ) -> Option<Self> {
        let (label, words) = match facts.loss {
            Loss::Data(words) => ("DATA GONE", words),
            Loss::Images(words) => ("IMAGES GONE", words),
            Loss::Logs(words) => ("LOGS GONE", words),
            _ => return None,
        };
        // What a copy can be kept of can be restored from one.
        let has_copies = facts.keeps.iter().any(|keep| matches!(keep.how, How::Copy(_)));
        let back = if has_copies { " To get the data back first: docs/recovery.md" } else { "" };
        let name_in = |properties: &Value| {
            facts.name.property().and_then(|property| properties.get(property)?.as_str()).map(str::to_owned)
        };
        let (name, new) = (name_in(recorded), declared.and_then(name_in));
        let does = match new.filter(|new| name.as_ref() != Some(new)) {
            Some(new) => format!("`up` takes over {new}, or creates it EMPTY"),
            None => "`up` creates an EMPTY one in its place".to_owned(),
        };
        let subject = name.as_ref().map_or_else(|| address.to_owned(), |name| format!("{address} ({name})"));
        let text = format!("{label}: {subject} was deleted outside of stack with {words}; {does}.{back}");
        Some(Self { name, words, text })
    }
}

/// What is lost or kept, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LossTold {
    /// The resource.
    pub(crate) address: String,
    /// The CloudFormation type of the object.
    pub(crate) kind: String,
    /// What the object is called, where it has a name.
    pub(crate) name: Option<String>,
    /// What becomes of what the object holds.
    pub(crate) fate: LossFate,
    /// What is lost that cannot be made again; `null` where nothing is.
    pub(crate) loses: Option<String>,
    /// The property that is lowered, so that AWS deletes a part of what the object holds.
    pub(crate) property: Option<String>,
    /// All of it in a sentence.
    pub(crate) text: String,
}

/// What becomes of what an object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LossFate {
    /// It is lost already: the object was deleted outside of this program, and is created empty.
    Gone,
    /// It is lost with the object.
    Lost,
    /// A part of it is lost; the object stays.
    PartLost,
    /// The object goes and a copy is kept.
    Copied,
    /// The object stays in the account, no longer managed.
    Retained,
}

/// What is lost and what is kept, one by one.
pub(crate) fn told(plan: &Plan) -> Vec<LossTold> {
    let of_step = |step: &Step| {
        let removal = step.removal()?;
        let told = Told::of(removal)?;
        let replaced = matches!(step.action, Action::Replace { .. });
        Some(LossTold {
            address: step.address.to_string(),
            kind: removal.kind.clone(),
            name: removal.name.clone(),
            fate: match told {
                Told::Lost { .. } => LossFate::Lost,
                Told::Copied(_) => LossFate::Copied,
                Told::Retained => LossFate::Retained,
            },
            loses: removal.loss.words().filter(|_| removal.loses()).map(str::to_owned),
            property: None,
            text: sentence(&told, &named(step, removal), replaced, false),
        })
    };
    let lowered = |step: &Step, lowered: &Lowered| LossTold {
        address: step.address.to_string(),
        kind: step.kind.clone(),
        name: lowered.name.clone(),
        fate: LossFate::PartLost,
        loses: Some(lowered.words.to_owned()),
        property: Some(lowered.property.to_owned()),
        text: lowered_sentence(step, lowered),
    };
    let gone = |step: &Step| {
        let Gone { name, words, text } = Gone::of_step(plan, step)?;
        let (address, kind) = (step.address.to_string(), step.kind.clone());
        let loses = Some(words.to_owned());
        Some(LossTold { address, kind, name, fate: LossFate::Gone, loses, property: None, text })
    };
    let gone = plan.steps().iter().filter_map(gone);
    let goes = plan.steps().iter().filter_map(of_step);
    let parts = plan.steps().iter().flat_map(|step| step.lowered().iter().map(move |one| lowered(step, one)));
    gone.chain(goes).chain(parts).collect()
}

fn lowered_sentence(step: &Step, Lowered { name, property, words, loss }: &Lowered) -> String {
    let name =
        name.as_ref().map_or_else(|| step.address.to_string(), |name| format!("{} ({name})", step.address));
    let label = label(*loss).unwrap_or("LOSS");
    format!("{label}: {property} of {name} is lowered, so AWS will delete {words}")
}

/// What is in an object that goes: `3 images`, `empty`; `None` where nobody can tell.
pub(crate) fn contents(removal: &Removal) -> Option<String> {
    match &removal.contents {
        Contents::Some { words, .. } => Some(words.clone()),
        Contents::Empty => Some("empty".to_owned()),
        Contents::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(label: &'static str, what: &str, waits: Option<u64>) -> Told {
        Told::Lost { label, what: what.to_owned(), waits }
    }

    #[test]
    fn what_is_lost_is_said_of_one_and_of_many() {
        let name = lost(ADDRESS, "its DNS name", None);
        assert_eq!(
            sentence(&name, "alb/load-balancer", true, false),
            "ADDRESS LOST: alb/load-balancer will be deleted with its DNS name, then created with another DNS name"
        );
        let addresses = lost(ADDRESS, "its public address", None);
        assert_eq!(
            sentence(&addresses, "3 × EIP", true, true),
            "ADDRESS LOST: 3 × EIP will be deleted with their public addresses, then created with other public addresses"
        );
        assert_eq!(
            sentence(&lost("LOGS LOST", "all its logs", None), "3 × Logs", false, true),
            "LOGS LOST: 3 × Logs will be deleted with all their logs"
        );
        assert_eq!(
            sentence(&lost("KEY LOST", "access", Some(30)), "database/key", false, false),
            "KEY LOST: database/key will be deleted in 30 days; after that nothing that it encrypted can be read"
        );
        assert_eq!(
            sentence(&Told::Copied("a final snapshot"), "database/cluster", false, false),
            "DELETED, SNAPSHOT KEPT: database/cluster will be deleted; a final snapshot is kept"
        );
    }
}
