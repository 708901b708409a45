//! What a plan loses, what it keeps, and how something that is protected can be let go.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws::resources::LogGroup;
use engine::{Action, Contents, Fate, Guarded, Loss, Lowered, Plan, Removal, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    losses_of(&plan.steps().iter().collect::<Vec<_>>())
}

/// The same of some steps.
#[must_use]
pub(crate) fn losses_of(steps: &[&Step]) -> Lines {
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
    for step in steps.iter().copied() {
        for lowered in step.lowered() {
            let text = lowered_sentence(step, lowered);
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
            text: sentence(&told, &named(step, removal), replaced),
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
    let goes = plan.steps().iter().filter_map(of_step);
    let parts = plan.steps().iter().flat_map(|step| step.lowered().iter().map(move |one| lowered(step, one)));
    goes.chain(parts).collect()
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
