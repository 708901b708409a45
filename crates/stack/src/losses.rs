//! What a plan loses, what it keeps, and how something that is protected can be let go.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws::resources::LogGroup;
use engine::{Action, Contents, Fate, Guarded, Loss, Lowered, Plan, Removal, Step};
use serde_json::{Value, json};

use crate::output::{Lines, Style};

/// From this many objects of one kind that share their fate, they are told together.
const TOGETHER: usize = 3;

/// As wide as a list of names gets, and what is before it.
const WIDTH: usize = 80;
const INDENT: &str = "      ";

/// What becomes of an object, as far as a person wants to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Lost { label: &'static str, what: String },
    Copied(&'static str),
    Retained,
}

impl Told {
    fn of(removal: &Removal) -> Option<Self> {
        match removal.fate {
            Fate::Retained => Some(Self::Retained),
            Fate::Copied(copy) => Some(Self::Copied(copy)),
            Fate::Lost if removal.loses() => {
                Some(Self::Lost { label: label(removal.loss)?, what: what(removal)? })
            }
            Fate::Lost => None,
        }
    }
}

fn label(loss: Loss) -> Option<&'static str> {
    match loss {
        Loss::Data(_) => Some("DATA LOSS"),
        Loss::Images(_) => Some("IMAGES LOST"),
        Loss::Logs(_) => Some("LOGS LOST"),
        Loss::Keys(_) => Some("KEY LOST"),
        Loss::Addresses(_) => Some("ADDRESS LOST"),
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
    let mut groups: BTreeMap<(Told, &str, bool), Vec<String>> = BTreeMap::new();
    for step in plan.steps() {
        let Some((removal, told)) = step.removal().and_then(|removal| Some((removal, Told::of(removal)?)))
        else {
            continue;
        };
        let replaced = matches!(step.action, Action::Replace { .. });
        groups.entry((told, &removal.kind, replaced)).or_default().push(named(step, removal));
    }
    let mut lines = Lines::new();
    for ((told, kind, replaced), names) in groups {
        let style = if matches!(told, Told::Lost { .. }) { Style::Loud } else { Style::Yellow };
        if names.len() < TOGETHER {
            for name in names {
                lines.add("  ").styled(style, sentence(&told, &name, replaced)).end();
            }
        } else {
            let subject = format!("{} × {kind}", names.len());
            lines.add("  ").styled(style, sentence(&told, &subject, replaced));
            lines.line(":");
            wrapped(&mut lines, &names);
        }
    }
    for step in plan.steps() {
        for lowered in step.lowered() {
            let Lowered { name, property, words, loss } = lowered;
            let name = name
                .as_ref()
                .map_or_else(|| step.address.to_string(), |name| format!("{} ({name})", step.address));
            let label = label(*loss).unwrap_or("LOSS");
            let text = format!("{label}: {property} of {name} is lowered, so AWS will delete {words}");
            lines.add("  ").styled(Style::Loud, text).end();
        }
    }
    lines
}

/// Names, as many as fit on a line.
fn wrapped(lines: &mut Lines, names: &[String]) {
    let mut line = String::new();
    for (position, name) in names.iter().enumerate() {
        let name = if position + 1 < names.len() { format!("{name},") } else { name.clone() };
        if !line.is_empty() && line.chars().count() + 1 + name.chars().count() > WIDTH - INDENT.len() {
            lines.line(format!("{INDENT}{line}"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&name);
    }
    lines.line(format!("{INDENT}{line}"));
}

fn sentence(told: &Told, subject: &str, replaced: bool) -> String {
    let then = if replaced { ", then created empty" } else { "" };
    match told {
        Told::Lost { label, what } => format!("{label}: {subject} will be deleted with {what}{then}"),
        Told::Copied(copy) => format!("KEPT: {subject} will be deleted{then}; {copy} is kept"),
        Told::Retained => format!("KEPT: {subject} will stay in the account, no longer managed"),
    }
}

/// What becomes of a step's object, as data.
pub(crate) fn removal_json(step: &Step) -> Value {
    let Some(removal) = step.removal() else { return Value::Null };
    let (fate, copy) = match removal.fate {
        Fate::Lost => ("lost", None),
        Fate::Copied(copy) => ("copied", Some(copy)),
        Fate::Retained => ("retained", None),
    };
    let contents = match &removal.contents {
        Contents::Some { words, .. } => json!(words),
        Contents::Empty => json!("empty"),
        Contents::Unknown => Value::Null,
    };
    json!({
        "kind": removal.kind,
        "name": removal.name,
        "fate": fate,
        "copy": copy,
        "loses": removal.loses().then(|| removal.loss.words()).flatten(),
        "contents": contents,
    })
}

/// Which keys of the configuration let an object go.
const LET_GO: [(&str, &str); 5] = [
    (
        "database/cluster",
        "set `database.deletion_protection = false`, and either `database.final_snapshot = true`, which keeps its data, or name \
         it in `database.allow_data_loss`; to keep a cluster of another name, such as payment-cluster-ENVIRONMENT, name it in \
         `database.cluster_name`",
    ),
    ("alb/load-balancer", "set `alb.deletion_protection = false`"),
    ("alb/log-bucket", "set `alb.access_logs.delete_logs = true`"),
    ("ecs/repository", "set `ecs.repository.delete_images = true`"),
    ("backup/vault", "delete its recovery points first; AWS deletes only an empty vault"),
];

/// The command that lifts the protection of a log group, which no setting does.
fn unprotecting(guarded: &Guarded) -> Option<String> {
    LogGroup::unprotecting(guarded.property?, guarded.name.as_deref()?)
}

/// How protected objects can be let go.
pub(crate) fn protection_hint(resources: &[Guarded]) -> String {
    let mut hint = String::new();
    for (address, advice) in LET_GO {
        if resources.iter().any(|guarded| guarded.address.as_str() == address) {
            let _ = write!(hint, "{address}: {advice}. ");
        }
    }
    let commands: Vec<String> = resources.iter().filter_map(unprotecting).collect();
    if !commands.is_empty() {
        let _ = write!(
            hint,
            "To delete these log groups, lift their protection: `{}`; to keep them and their logs, set `logs.keep_on_destroy = true`. ",
            commands.join("`, `")
        );
    }
    // Where the cloud itself forbids it, or somebody else, no setting helps.
    let no_setting = |guarded: &Guarded| {
        (guarded.property.is_none() && guarded.contents.is_some()) || unprotecting(guarded).is_some()
    };
    if resources.iter().all(no_setting) {
        hint.push_str("Then run this command again");
        return hint;
    }
    let applied = resources.iter().any(|guarded| guarded.by.recorded || guarded.by.live);
    hint.push_str(match applied {
        true => {
            "Both the last `up` and the current configuration must allow it: run `up` with only these settings changed \
             (in the file, or with --set), then repeat this command with the same settings"
        }
        false => "Then repeat this command with the same settings",
    });
    hint
}
