//! A plan in a file: made by `preview --out`, applied by `up FILE`, exactly as it is or not at all.
//!
//! The file says what was planned and, in digests, from what. Applying it plans once more, under the lock, and goes on only if the
//! plan is made from the same: state, configuration, program and live objects. So what is done is never read from the file, and
//! whoever changes a file can only make it useless.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use engine::{Address, Basis, Plan, Since, digest};
use secrets::masked_at;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::codes::Code;
use crate::config::Loaded;
use crate::exit::{Exit, Failure};
use crate::output::json as as_json;
use crate::plans::document::{Document, FORMAT_VERSION, Running};
use crate::plans::title::Title;
use crate::render::value;
use crate::repeat::{anew, quoted_path};

/// No plan of a stack comes near this.
const LIMIT: u64 = 64 << 20;

/// So many things that have changed are named; others are counted.
const NAMED: usize = 12;

/// Of a value so much is shown.
const VALUE: usize = 60;

/// What is not known yet in an older or newer form of the file.
#[derive(Deserialize)]
struct Form {
    plan_file: String,
}

/// A plan that is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanFile {
    /// The version of this format, which says also what the file is.
    plan_file: String,
    /// A digest of everything else in the file.
    digest: String,
    made_from: MadeFrom,
    plan: Document,
    #[serde(skip)]
    path: PathBuf,
}

/// What the plan was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MadeFrom {
    /// A digest of the value of each key of the configuration.
    configuration: BTreeMap<String, String>,
    basis: Basis,
}

impl PlanFile {
    /// A plan that was just made.
    pub(crate) fn new(plan: Document, loaded: &Loaded, made: &Plan) -> Self {
        let made_from = MadeFrom { configuration: configuration(loaded), basis: made.basis() };
        let plan_file = FORMAT_VERSION.to_owned();
        let digest = digest(&json!([plan_file, made_from, plan]));
        Self { plan_file, digest, made_from, plan, path: PathBuf::new() }
    }

    /// Writes it, for nobody else to read. The file is replaced as a whole.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = as_json(&json!(self));
        files::replace(path, text.as_bytes()).map_err(|error| {
            Failure::from_error(Exit::Failed, &error)
                .context(format!("cannot write {}", path.display()))
                .coded(Code::Output)
        })
    }

    /// Reads one, and checks that it is what was written.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let bytes = files::read_named(path, LIMIT).map_err(|error| {
            Failure::from_error(Exit::Configuration, &error)
                .context(format!("cannot read the plan {name}"))
                .hint("nothing was changed; name a file that `preview --out` wrote")
                .coded(Code::PlanFile)
        })?;
        let damaged = |cause: String| {
            Failure::new(Exit::Configuration, format!("{name} is not a plan that `preview --out` wrote"))
                .caused_by(cause)
                .hint("nothing was changed; make a new one with `preview --out`")
                .coded(Code::PlanFile)
        };
        let content: Value = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        let form = Form::deserialize(&content).map_err(|error| damaged(error.to_string()))?;
        if form.plan_file != FORMAT_VERSION {
            let message = format!(
                "{name} has the form {} of plan files, and this version reads {FORMAT_VERSION}",
                form.plan_file
            );
            return Err(Failure::new(Exit::Configuration, message)
                .hint("nothing was changed; make a new one with this version, or use the one that made it")
                .coded(Code::PlanFile));
        }
        let kept: Self = serde_json::from_value(content).map_err(|error| damaged(error.to_string()))?;
        if kept.digest != digest(&json!([kept.plan_file, kept.made_from, kept.plan])) {
            return Err(damaged(
                "its content does not match its digest: it was changed, or cut off".to_owned(),
            ));
        }
        Ok(Self { path: path.to_owned(), ..kept })
    }

    /// What was planned.
    pub(crate) fn plan(&self) -> &Document {
        &self.plan
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Another version may decide otherwise.
    pub(crate) fn check_program(&self, program: &str, version: &str) -> Result<(), Failure> {
        let made_by = &self.plan.title;
        if (made_by.program.as_str(), made_by.version.as_str()) == (program, version) {
            return Ok(());
        }
        let cause = format!(
            "it was made by {} {}, and this is {program} {version}",
            made_by.program, made_by.version
        );
        Err(self.refused("the program", vec![cause]))
    }

    /// A plan to destroy must not be run by a slip.
    pub(crate) fn check_command(&self, running: Running, program: &str) -> Result<(), Failure> {
        let of = self.plan.command;
        if of == running {
            return Ok(());
        }
        let message = format!("{} is a plan of `{}`", self.path.display(), of.name());
        let run = format!("`{program} {} {}`", of.name(), quoted_path(&self.path));
        Err(Failure::new(Exit::Configuration, message)
            .hint(format!("nothing was changed; {run} runs it"))
            .coded(Code::PlanFile))
    }

    /// Whether it is about the same stack in the same place; of account and endpoint only where they are known by now.
    pub(crate) fn check_place(&self, now: &Title) -> Result<(), Failure> {
        let then = &self.plan.title;
        let shown = |text: Option<&String>| text.map_or("none".to_owned(), Clone::clone);
        let mut places = vec![
            ("project", then.project.clone(), now.project.clone()),
            ("environment", then.environment.clone(), now.environment.clone()),
            ("target", then.target.clone(), now.target.clone()),
            ("region", then.region.clone(), now.region.clone()),
        ];
        if now.account.is_some() {
            places.push(("account", shown(then.account.as_ref()), shown(now.account.as_ref())));
            places.push(("endpoint", shown(then.endpoint.as_ref()), shown(now.endpoint.as_ref())));
        }
        let other: Vec<(&str, String)> = places
            .into_iter()
            .filter(|(_, then, now)| then != now)
            .map(|(what, then, now)| (what, format!("{what}: the plan is for {then}, and this is {now}")))
            .collect();
        if other.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = other.iter().map(|(what, _)| *what).collect();
        let message =
            format!("{} is a plan for another {}", self.path.display(), names.join(" and another "));
        let failure = Failure::new(Exit::Configuration, message).coded(Code::PlanFile).hint(
            "nothing was changed; run it where it was made for, with the same --env, --target and --region",
        );
        Err(other.into_iter().fold(failure, |failure, (_, cause)| failure.caused_by(cause)))
    }

    /// Whether the configuration is the same, key by key.
    pub(crate) fn check_configuration(&self, loaded: &Loaded) -> Result<(), Failure> {
        let (then, now) = (&self.made_from.configuration, configuration(loaded));
        let changed = then.keys().chain(now.keys().filter(|key| !then.contains_key(*key)));
        let changed = changed.filter(|key| then.get(*key) != now.get(*key));
        let values = loaded.to_json();
        let causes: Vec<String> = changed
            .map(|key| match values.get(key).and_then(|it| it.get("value")) {
                Some(is) => format!("{key} is now {}", short("", is)),
                None => format!("{key} is not set any more"),
            })
            .collect();
        if causes.is_empty() {
            return Ok(());
        }
        let failure = self.refused("the configuration", causes);
        Err(failure.hint(
            "nothing was changed; use the file, the variables and the --set flags that the plan was made with, or make a new plan",
        ))
    }

    /// Whether state and live objects are the same, and so the plan.
    pub(crate) fn check_basis(&self, now: &Plan) -> Result<(), Failure> {
        let (then, basis) = (&self.made_from.basis, now.basis());
        let changed = causes_alone(then.changed(&basis));
        if changed.is_empty() {
            return Ok(());
        }
        let is_live = changed.iter().any(|one| matches!(one, Since::Live(..)));
        let is_recorded = changed.iter().any(|one| matches!(one, Since::Recorded(_) | Since::OtherState));
        let what = match (is_recorded, is_live) {
            (true, true) => "the recorded state and live objects",
            (true, false) => "the recorded state",
            (false, true) => "live objects",
            (false, false) => "what is declared",
        };
        let records = |basis: &Basis| format!("record {}", basis.records);
        let mut causes = Vec::new();
        if is_recorded {
            causes.push(format!(
                "the plan was made at {} of the state, which is at {} now",
                records(then),
                records(&basis)
            ));
        }
        causes.extend(changed.iter().map(|one| told(one, now)));
        Err(self.refused(what, causes))
    }

    /// How to make a plan like this, and to run it.
    fn anew(&self) -> String {
        let asked = self.plan.selection.as_ref().map_or_else(String::new, |told| told.asked.flags());
        anew(self.plan.command, &asked, &self.path, |command| format!("`stack {command}`"))
    }

    fn refused(&self, what: &str, causes: Vec<String>) -> Failure {
        let have = if what.ends_with("objects") { "have" } else { "has" };
        let message =
            format!("{} cannot be run: {what} {have} changed since it was made", self.path.display());
        let more = causes.len().saturating_sub(NAMED);
        let mut failure = Failure::new(Exit::Configuration, message);
        failure.causes = causes.into_iter().take(NAMED).collect();
        if more > 0 {
            failure = failure.caused_by(format!("and {more} more"));
        }
        failure.coded(Code::PlanFile).hint(format!("nothing was changed; {}", self.anew()))
    }
}

/// Without what only follows from something else: a live object is another one where a run has changed it, and what is declared
/// depends on what is recorded and what is there.
fn causes_alone(mut changed: Vec<Since>) -> Vec<Since> {
    let recorded: BTreeSet<Address> = changed
        .iter()
        .filter_map(|one| match one {
            Since::Recorded(address) => Some(address.clone()),
            _ => None,
        })
        .collect();
    changed.retain(|one| !matches!(one, Since::Live(address, _) if recorded.contains(address)));
    let is_cause = |one: &Since| matches!(one, Since::OtherState | Since::Recorded(_) | Since::Live(..));
    if changed.iter().any(is_cause) {
        changed.retain(is_cause);
    }
    changed
}

fn told(since: &Since, now: &Plan) -> String {
    match since {
        Since::OtherState => {
            "it is another state: it was begun anew, or belongs to something else".to_owned()
        }
        Since::Recorded(address) => format!("{address}: something else is recorded"),
        Since::Live(address, Some(property)) => {
            let step = now.step(address.as_str());
            let live = step.and_then(|step| step.live()?.get(property));
            let is = live.map_or("not set".to_owned(), |live| short(property, live));
            format!("{address}: {property} was changed outside of this program, and is now {is}")
        }
        Since::Live(address, None) => {
            let is_there = now.step(address.as_str()).is_some_and(|step| step.live().is_some());
            format!(
                "{address}: the live object {}",
                if is_there { "is there again" } else { "has disappeared" }
            )
        }
        Since::Declared(address, Some(property)) => format!("{address}: {property} is declared otherwise"),
        Since::Declared(address, None) => format!("{address}: it is declared only in one of the plans"),
        Since::Outputs => "other outputs are declared".to_owned(),
        Since::Decision(address) => format!("{address}: something else would be done with it now"),
        _ => "something else".to_owned(),
    }
}

/// The value of a property in a sentence.
fn short(property: &str, is: &Value) -> String {
    let text = value(&masked_at(property, is));
    match text.char_indices().nth(VALUE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// A digest of the value of each key, whatever layer it is from.
pub(crate) fn configuration(loaded: &Loaded) -> BTreeMap<String, String> {
    let Value::Object(all) = loaded.to_json() else { return BTreeMap::new() };
    all.iter().map(|(key, one)| (key.clone(), digest(&one["value"]))).collect()
}

/// What a person is told of a plan that is run: when it was made, by whom.
pub(crate) fn introduction(kept: &PlanFile) -> String {
    let Document { time, title, .. } = kept.plan();
    let by = title.caller.as_ref().map_or(String::new(), |caller| format!(" by {caller}"));
    format!("running the plan {}, made at {time}{by}", kept.path().display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_has_changed_is_not_said_to_be_changed_outside_and_what_follows_is_not_told() {
        let at = |address: &str| Address::new(address).unwrap();
        let live = |address: &str| Since::Live(at(address), Some("Size".to_owned()));
        let declared = || Since::Declared(at("t/c"), Some("Id".to_owned()));
        let recorded = || Since::Recorded(at("t/a"));
        let told = causes_alone(vec![recorded(), live("t/a"), live("t/b"), declared(), Since::Outputs]);
        assert_eq!(told, [recorded(), live("t/b")]);
        assert_eq!(causes_alone(vec![declared(), Since::Outputs]), [declared(), Since::Outputs]);
        assert_eq!(causes_alone(Vec::new()), []);
    }
}
