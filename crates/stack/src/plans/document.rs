//! A plan as data: what `preview --json` prints, and what a plan file has in it. `docs/plan.schema.json` is made from these types.
//!
//! The format has a version. Programs that read it must bear with members that they do not know: adding one raises the number
//! after the dot. Taking one away, or giving it another meaning, raises the one before it.

use engine::{Action, Fate, Host as _, Note, Plan, PropertyChange, Reasons, ReplaceOrder, Step, SystemHost};
use schemars::JsonSchema;
use secrets::{masked_at, shown_path};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chosen::Asked;
use crate::losses::{self, LossTold};
use crate::narrowed::{BeforeTold, SelectionTold};
use crate::plan_lines::refers_to;
use crate::plans::title::Title;
use crate::render::{Counts, is_kept, nothing_is_recorded};
use crate::time::rfc3339;

/// The version of the format.
pub(crate) const FORMAT_VERSION: &str = "1.0";

/// Which command runs a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Running {
    /// `stack up`.
    Up,
    /// `stack destroy`.
    Destroy,
}

impl Running {
    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Running::Up => "up",
            Running::Destroy => "destroy",
        }
    }
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    /// The version of this format: `1.0`.
    pub(crate) format_version: String,
    /// The command that does this.
    pub(crate) command: Running,
    /// When the plan was made, as in RFC 3339.
    pub(crate) time: String,
    /// What it is about.
    pub(crate) title: Title,
    /// Whether there is nothing to do.
    pub(crate) empty: bool,
    /// Whether nothing was recorded, so that objects with the tags of this environment are adopted rather than created.
    pub(crate) nothing_recorded: bool,
    /// How many resources there are of each action.
    pub(crate) summary: Counts,
    /// How long all of it typically takes: the longest chain of changes that wait for each other.
    pub(crate) typical_seconds: u64,
    /// What changes, in the order of the plan.
    pub(crate) changes: Vec<Change>,
    /// The addresses of what stays as it is.
    pub(crate) unchanged: Vec<String>,
    /// What is lost, and what is kept of what goes.
    pub(crate) losses: Vec<LossTold>,
    /// Resources that are called otherwise than before. Nothing changes in AWS.
    pub(crate) moved: Vec<Moved>,
    /// What somebody who decides has to know.
    pub(crate) warnings: Vec<Warning>,
    /// What is not as declared, and is left so.
    pub(crate) accepted: Vec<Accepted>,
    /// Which part of all there is to do was asked for, with `--only`, `--exclude` and `--replace`, and what came of it; `null` where
    /// everything was.
    pub(crate) selection: Option<SelectionTold>,
    /// What the run before left out, as far as it is still to be done; `null` where nothing is.
    pub(crate) left_out_before: Option<BeforeTold>,
}

/// What happens to a resource; the same names as in the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActionName {
    /// A new object.
    Create,
    /// An object that is there already, and that nothing recorded stands for, is taken over.
    Adopt,
    /// The object is changed.
    Update,
    /// A new object takes the place of the present one.
    Replace,
    /// The object is deleted.
    Delete,
    /// The object stays in the account and is no longer managed.
    Keep,
    /// What an interrupted run has begun is brought to an end.
    Finish,
}

/// What happens to one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// The resource.
    pub(crate) address: String,
    /// Its CloudFormation type.
    pub(crate) kind: String,
    /// What happens.
    pub(crate) action: ActionName,
    /// Why; at least one.
    pub(crate) reasons: Vec<Reason>,
    /// How it is replaced; `null` unless it is.
    pub(crate) replacement: Option<Replacement>,
    /// What is taken over; `null` unless something is.
    pub(crate) adoption: Option<AdoptionTold>,
    /// The properties that the configuration changes, or that an unfinished run has not set yet; of a new object, all of them.
    pub(crate) properties: Vec<Property>,
    /// The properties that somebody changed outside of this program.
    pub(crate) drift: Vec<Drifted>,
    /// What becomes of the object that goes; `null` where none does.
    pub(crate) removal: Option<Removed>,
    /// How long it typically takes.
    pub(crate) typical_seconds: u64,
}

/// Why something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReasonName {
    /// It is declared and nothing is recorded of it.
    New,
    /// The configuration has other values.
    Configuration,
    /// Somebody changed it outside of this program.
    Drift,
    /// The object has disappeared.
    Disappeared,
    /// The property cannot be changed.
    CannotBeChanged,
    /// It is of another kind than before.
    KindChanged,
    /// AWS reports that the object failed.
    Failed,
    /// `--replace` asks for it.
    Requested,
    /// A run has not finished it: the last one, or the one that is under way.
    Unfinished,
    /// An earlier run replaced it and did not delete it.
    ReplacedBefore,
    /// An earlier run replaced it, and what it replaced is what is declared now.
    TakenBack,
    /// It is not declared any more, or everything is destroyed.
    NotDeclared,
    /// The resource that it refers to is created, or replaced.
    ReferenceChanges,
}

/// Why something happens, and what that is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// Why.
    pub(crate) reason: ReasonName,
    /// The property that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) property: Option<String>,
    /// The resource that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
}

/// Which comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderName {
    /// The new object is created, then the old one is deleted.
    CreateFirst,
    /// The old object is deleted, then the new one is created.
    DeleteFirst,
}

/// How an object is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replacement {
    /// The properties that cannot be changed.
    pub(crate) forced_by: Vec<String>,
    /// Which comes first.
    pub(crate) order: OrderName,
}

/// An object that is taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdoptionTold {
    /// Its id; `null` where its kind has none.
    pub(crate) id: Option<String>,
    /// Why the run will refuse to take it over; `null` where it will not.
    pub(crate) refused: Option<String>,
}

/// A property that the configuration changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Property {
    /// Where it is: `Tags[Name].Value`, `Rules[0].CidrIp`.
    pub(crate) path: String,
    /// What it is now; `null` where it is not set.
    pub(crate) before: Option<Value>,
    /// What it will be; `null` where it will not be set. `{"$ref": ADDRESS, "attr": NAME}` stands for an output that is not known
    /// yet, and `{"$join": [...]}` for a text that has one in it.
    pub(crate) after: Option<Value>,
    /// The resources whose outputs must be known before the value is; empty where it is known.
    pub(crate) known_after: Vec<String>,
    /// Whether it is a property that only stack has, and AWS is not told of.
    pub(crate) own: bool,
}

/// A property that somebody changed outside of this program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drifted {
    /// Where it is.
    pub(crate) path: String,
    /// What was recorded; `null` where it was not set, or cannot be told.
    pub(crate) recorded: Option<Value>,
    /// What it is now.
    pub(crate) live: Option<Value>,
    /// What it will be.
    pub(crate) declared: Option<Value>,
    /// Whether the plan only puts back what was recorded. Otherwise the configuration changes the property too, and it is also among
    /// `properties`.
    pub(crate) put_back: bool,
}

/// What becomes of an object that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removed {
    /// Its CloudFormation type, which is another one than the resource's where that changes.
    pub(crate) kind: String,
    /// What it is called, where it has a name.
    pub(crate) name: Option<String>,
    /// What becomes of what it holds.
    pub(crate) fate: FateName,
    /// What is kept of it, such as `a final snapshot`.
    pub(crate) copy: Option<String>,
    /// What is lost that cannot be made again; `null` where nothing is.
    pub(crate) loses: Option<String>,
    /// What is in it now, such as `3 images`, or `empty`; `null` where nobody can tell.
    pub(crate) contents: Option<String>,
}

/// What becomes of what an object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FateName {
    /// It goes with the object.
    Lost,
    /// A copy is kept.
    Copied,
    /// The object stays in the account.
    Retained,
}

impl From<Fate> for FateName {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Lost => FateName::Lost,
            Fate::Copied(_) => FateName::Copied,
            Fate::Retained => FateName::Retained,
        }
    }
}

/// A resource that is called otherwise than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moved {
    /// What it was called.
    pub(crate) from: String,
    /// What it is called now.
    pub(crate) to: String,
}

/// What somebody who decides has to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Warning {
    /// The resource.
    pub(crate) address: String,
    /// A sentence whose subject is the resource.
    pub(crate) text: String,
}

/// A live value that is not as declared, and is left so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accepted {
    /// The resource.
    pub(crate) address: String,
    /// The property.
    pub(crate) property: String,
    /// What it is.
    pub(crate) live: Value,
    /// What is declared.
    pub(crate) declared: Value,
    /// Why it is left: a sentence whose subject is the resource.
    pub(crate) because: String,
}

impl Document {
    /// A plan that was just made.
    pub(crate) fn of(plan: &Plan, command: Running, title: &Title, asked: &Asked) -> Self {
        let times = plan.typical_times();
        let changes = plan.steps().iter().zip(times).filter(|(step, _)| step.is_change());
        let unchanged = plan.steps().iter().filter(|step| !step.is_change());
        let steps = || plan.steps().iter();
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            command,
            time: rfc3339(SystemHost.now_millis()),
            title: title.clone(),
            empty: plan.is_empty(),
            nothing_recorded: nothing_is_recorded(plan),
            summary: Counts::of(plan),
            typical_seconds: plan.typical_time().as_secs(),
            changes: changes.map(|(step, time)| change(plan, step, time.as_secs())).collect(),
            unchanged: unchanged.map(|step| step.address.to_string()).collect(),
            losses: losses::told(plan),
            moved: plan
                .moved()
                .iter()
                .map(|one| Moved { from: one.from.to_string(), to: one.to.to_string() })
                .collect(),
            warnings: steps().flat_map(warnings).collect(),
            accepted: steps().flat_map(accepted).collect(),
            selection: SelectionTold::of(plan, asked),
            left_out_before: BeforeTold::of(plan, command),
        }
    }
}

fn warnings(step: &Step) -> impl Iterator<Item = Warning> {
    let address = step.address.to_string();
    step.warnings().iter().map(move |text| Warning { address: address.clone(), text: text.clone() })
}

fn accepted(step: &Step) -> impl Iterator<Item = Accepted> {
    let address = step.address.to_string();
    step.accepted().iter().map(move |one| Accepted {
        address: address.clone(),
        property: one.property.clone(),
        live: masked_at(&one.property, &one.live),
        declared: masked_at(&one.property, &one.declared),
        because: one.because.clone(),
    })
}

fn change(plan: &Plan, step: &Step, typical_seconds: u64) -> Change {
    let own = |path: &str| {
        let property = path.split(['.', '[']).next().unwrap_or_default();
        plan.is_own_property(step, property)
    };
    let put_back = |change: &&PropertyChange| {
        !step.outside().iter().any(|outside| outside.path == change.path && outside.puts_back)
    };
    let met = step.encounter();
    let mut properties: Vec<Property> = step
        .changes
        .iter()
        .chain(met.map_or(&[][..], |met| &met.changes))
        .filter(put_back)
        .map(|change| property(&change.path, change.before.as_ref(), change.after.as_ref(), &own))
        .collect();
    if let (Action::Create, None, Some(Value::Object(desired))) = (&step.action, met, step.desired()) {
        properties.extend(desired.iter().map(|(name, value)| property(name, None, Some(value), &own)));
    }
    Change {
        address: step.address.to_string(),
        kind: step.kind.clone(),
        action: action(step),
        reasons: reasons(plan, step),
        replacement: replacement(step),
        adoption: met.map(|met| AdoptionTold { id: met.id.clone(), refused: met.refused.clone() }),
        properties,
        drift: drift(step),
        removal: removed(step),
        typical_seconds,
    }
}

fn property(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    own: &impl Fn(&str) -> bool,
) -> Property {
    Property {
        path: shown_path(path).into_owned(),
        before: before.map(|value| masked_at(path, value)),
        after: after.map(|value| masked_at(path, value)),
        known_after: after.into_iter().flat_map(refers_to).map(str::to_owned).collect(),
        own: own(path),
    }
}

fn action(step: &Step) -> ActionName {
    match &step.action {
        Action::Create if step.encounter().is_some() => ActionName::Adopt,
        Action::Create => ActionName::Create,
        Action::Update => ActionName::Update,
        Action::Replace { .. } => ActionName::Replace,
        Action::Delete if is_kept(step) => ActionName::Keep,
        Action::Delete => ActionName::Delete,
        Action::Unchanged => ActionName::Finish,
    }
}

fn replacement(step: &Step) -> Option<Replacement> {
    let Action::Replace { because, order } = &step.action else { return None };
    Some(Replacement {
        forced_by: because.iter().map(str::to_owned).collect(),
        order: match order {
            ReplaceOrder::CreateFirst => OrderName::CreateFirst,
            ReplaceOrder::DeleteFirst => OrderName::DeleteFirst,
        },
    })
}

fn reasons(plan: &Plan, step: &Step) -> Vec<Reason> {
    let plain = |reason| Reason { reason, property: None, address: None };
    let mut all = Vec::new();
    if let Action::Replace { because, .. } = &step.action {
        all.extend(because.iter().map(|forced| match forced {
            "Readiness" => plain(ReasonName::Failed),
            "Type" => plain(ReasonName::KindChanged),
            Reasons::REQUESTED => plain(ReasonName::Requested),
            property => Reason { property: Some(property.to_owned()), ..plain(ReasonName::CannotBeChanged) },
        }));
    }
    let noted = step.note.map(|note| match note {
        Note::Unfinished => ReasonName::Unfinished,
        Note::Missing => ReasonName::Disappeared,
        Note::Deposed => ReasonName::ReplacedBefore,
        Note::TakenBack => ReasonName::TakenBack,
    });
    all.extend(noted.map(plain));
    match &step.action {
        Action::Create if step.note.is_none() => all.push(plain(ReasonName::New)),
        Action::Delete if step.note != Some(Note::Deposed) => all.push(plain(ReasonName::NotDeclared)),
        _ => {}
    }
    let puts_back = step.outside().iter().filter(|outside| outside.puts_back).count() + step.pending().len();
    if !step.outside().is_empty() {
        all.push(plain(ReasonName::Drift));
    }
    let sources: std::collections::BTreeSet<&str> =
        step.changes.iter().filter_map(|change| change.after.as_ref()).flat_map(refers_to).collect();
    let others = sources.into_iter().filter(|source| plan.step(source).is_some_and(Step::is_change));
    all.extend(
        others.map(|at| Reason { address: Some(at.to_owned()), ..plain(ReasonName::ReferenceChanges) }),
    );
    let is_configured =
        |change: &PropertyChange| change.after.as_ref().is_none_or(|after| refers_to(after).is_empty());
    let is_configured = puts_back < step.changes.len() && step.changes.iter().any(is_configured);
    if is_configured || all.is_empty() {
        all.push(plain(ReasonName::Configuration));
    }
    all
}

fn drift(step: &Step) -> Vec<Drifted> {
    let drifted = |change: &PropertyChange| {
        let outside = step.outside().iter().find(|outside| outside.path == change.path)?;
        let masked = |value: &Value| masked_at(&change.path, value);
        Some(Drifted {
            path: shown_path(&change.path).into_owned(),
            recorded: outside.recorded.as_ref().map(masked),
            live: change.before.as_ref().map(masked),
            declared: change.after.as_ref().map(masked),
            put_back: outside.puts_back,
        })
    };
    step.changes.iter().filter_map(drifted).collect()
}

fn removed(step: &Step) -> Option<Removed> {
    let removal = step.removal()?;
    Some(Removed {
        kind: removal.kind.clone(),
        name: removal.name.clone(),
        fate: removal.fate.into(),
        copy: match removal.fate {
            Fate::Copied(copy) => Some(copy.to_owned()),
            Fate::Lost | Fate::Retained => None,
        },
        loses: removal.loss.words().filter(|_| removal.loses()).map(str::to_owned),
        contents: losses::contents(removal),
    })
}

/// The JSON schema of a plan.
#[cfg(test)]
fn schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft07();
    let mut schema = settings.into_generator().into_root_schema_for::<Document>().to_value();
    schema["title"] = "A plan of stack".into();
    schema["description"] =
        "What `stack preview --json` and `stack destroy --preview --json` print. See docs/plans.md.".into();
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `STACK_TRANSCRIPTS=write` writes it anew.
    #[test]
    fn the_schema_in_the_documentation_is_the_one_of_the_types() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plan.schema.json");
        let text = crate::output::json(&schema());
        if std::env::var_os("STACK_TRANSCRIPTS").is_some_and(|wish| wish == "write") {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text);
    }
}
