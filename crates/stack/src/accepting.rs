//! `refresh --accept`: what is live becomes what is recorded, and what to write into the configuration is printed, so that the next
//! plan leaves it as it is.
//!
//! Nothing is called that changes something. What is found is shown and asked about while the lock is held; what is recorded is in
//! the journal. A process that dies in the middle has taken a part, and the next one finds the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::{
    Acceptance, Address, Choice, Drift, EngineError, Graph, Loss, PlanError, PropertyChange, Selector,
    Session, State, Survey, Taken,
};
use secrets::masked_at;
use serde_json::{Value, json};

use crate::change::ends;
use crate::cli::Refresh;
use crate::codes::Code;
use crate::config::Origin;
use crate::exit::{Exit, Failure};
use crate::expression::{self, Expression, Left};
use crate::failures::engine_failure;
use crate::ignored;
use crate::output::{Lines, note, print, print_json, tell};
use crate::plan_lines;
use crate::question::{agreed, introduce};
use crate::refresh::remarks;
use crate::render::{changes_json, some_of};
use crate::run::{Prepared, Work, nothing_changed};
use crate::signals::Signals;
use crate::stack::Place;
use crate::stores::purpose;

/// What the lock is taken for.
const PURPOSE: &str = "refresh --accept";

/// What the answer needs beside the session.
struct Asked<'a> {
    graph: &'a Arc<Graph>,
    place: &'a Place,
    selector: Selector,
}

impl Work {
    pub(crate) async fn accept(&self, wanted: &Refresh, signals: &Signals) -> Result<Exit, Failure> {
        let everything = Choice::all();
        let Some(prepared) = signals.unless(Box::pin(self.prepare(true, &everything))).await else {
            return Ok(nothing_changed());
        };
        let Prepared { engine, graph, place, anchors, .. } = prepared?;
        let selector = selector(&wanted.addresses);
        let Some(fit) = signals.unless(Box::pin(self.check_store())).await else {
            return Ok(nothing_changed());
        };
        fit?;
        let engine = engine
            .with_cancel(signals.cancel())
            .with_lock_timeout(self.options.lock_timeout)
            .with_purpose(purpose(PURPOSE));
        let session = match Box::pin(engine.open()).await {
            Err(EngineError::Interrupted) => return Ok(nothing_changed()),
            session => session.map_err(engine_failure)?,
        };
        let asked = Asked { graph: &graph, place: &place, selector };
        // Boxed, as in `run`.
        let done = Box::pin(self.accept_in(&engine, &session, &asked, signals)).await;
        ends(&session, done.as_ref().map(|exit| Some(*exit)));
        let (head, closed) = Box::pin(session.close_with_head()).await;
        let exit = done?;
        closed.map_err(|error| Failure { exit: Exit::Failed, ..engine_failure(error) })?;
        if let (Some(anchors), Exit::Done) = (anchors, exit) {
            Box::pin(anchors.write(&head, signals)).await?;
        }
        Ok(exit)
    }

    async fn accept_in(
        &self,
        engine: &engine::Engine,
        session: &Session,
        asked: &Asked<'_>,
        signals: &Signals,
    ) -> Result<Exit, Failure> {
        let before = session.state();
        check_selected(&asked.selector, asked.graph, &before)?;
        let survey = match Box::pin(session.look(&asked.selector)).await {
            Err(EngineError::Interrupted) => return Ok(nothing_changed()),
            survey => survey.map_err(engine_failure)?.ignoring(asked.graph),
        };
        let found = survey.acceptances();
        let kept = with_lost_data(&survey, &found);
        let may_be = |one: &Acceptance| is_taken(one) && !has_secret(one) && !kept.contains(&one.address);
        let (taken, left): (Vec<_>, Vec<_>) = found.into_iter().partition(may_be);
        note(remarks(&survey));
        note(not_taken(&left));
        tell(never_taken(&left, &kept));
        if taken.is_empty() {
            return self.tell_nothing_to_accept();
        }
        let told = shown(&survey, &taken);
        introduce(&self.options, told);
        Box::pin(self.may_forget(engine, asked.graph, &taken)).await?;
        let answer = agreed(&self.options, &format!("Accept this for {}", self.title()), signals).await?;
        if let Some(exit) = answer.cancelled() {
            return Ok(exit);
        }
        match session.accept(&taken).await {
            Err(EngineError::Interrupted) => {
                tell("Interrupted: a part was accepted; run it again for the rest");
                return Ok(Exit::Interrupted);
            }
            done => done.map_err(engine_failure)?,
        }
        self.tell_accepted(asked, &before, &session.state(), &taken, &left)?;
        Ok(Exit::Done)
    }

    fn tell_nothing_to_accept(&self) -> Result<Exit, Failure> {
        match self.options.json {
            true => print_json(&document(&[], &[], &Said::default()))?,
            false => print(&Lines::from(&format!("{}: nothing to accept", self.title())))?,
        }
        Ok(Exit::Done)
    }

    /// What has disappeared must not be forgotten while that is all that keeps something which holds data from being replaced: the
    /// plan would be refused now, and not any more then.
    async fn may_forget(
        &self,
        engine: &engine::Engine,
        graph: &Arc<Graph>,
        taken: &[Acceptance],
    ) -> Result<(), Failure> {
        let is_forgotten = |address: &Address| {
            taken.iter().any(|one| one.taken == Taken::Forgotten && one.address == *address)
        };
        if !taken.iter().any(|one| one.taken == Taken::Forgotten) {
            return Ok(());
        }
        // Whatever else is wrong with the plan is said by the next `up`.
        match Box::pin(engine.preview(Arc::clone(graph), &Selector::all())).await {
            Err(error @ EngineError::Plan(PlanError::OnlyBecauseMissing { .. })) => {
                let EngineError::Plan(PlanError::OnlyBecauseMissing { missing, .. }) = &error else {
                    return Ok(());
                };
                match is_forgotten(missing) {
                    true => Err(engine_failure(error)),
                    false => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn tell_accepted(
        &self,
        asked: &Asked<'_>,
        before: &State,
        state: &State,
        taken: &[Acceptance],
        left: &[Acceptance],
    ) -> Result<(), Failure> {
        let place = asked.place.clone().as_recorded_in(state);
        let addresses: BTreeSet<Address> = taken.iter().map(|one| one.address.clone()).collect();
        let found = expression::find(self, asked.graph, &place, before, state, &addresses);
        let said = self.said(asked.graph, &found);
        if self.options.json {
            return print_json(&document(taken, left, &said));
        }
        let count = taken.len();
        let objects = if count == 1 { "object is" } else { "objects are" };
        note(&format!("accepted: {count} {objects} recorded as they are now; nothing changed in AWS"));
        print(&said.lines(&self.command("up")))
    }

    /// What is said of the configuration.
    fn said(&self, graph: &Graph, found: &Expression) -> Said {
        let environment = ["environments", self.environment.as_str()];
        let mut said = Said::default();
        for assignment in &found.assignments {
            let (table, line) = assignment.line(&environment);
            let (now, origin) = self.loaded.now(&assignment.path);
            let is_hidden = matches!(origin, Origin::Variable(_) | Origin::Flag(_));
            let hides = if is_hidden { ": this hides the line, so change it there" } else { "" };
            said.lines.entry(table).or_default().push(format!("{line}  # now {now} ({origin}){hides}"));
            let value = &assignment.value;
            said.settings
                .push(json!({ "key": assignment.key(), "value": value, "origin": origin.to_string() }));
        }
        for Left { address, property, near } in &found.left {
            let near = near.as_ref().map(|(assignment, others)| {
                let resources = if *others == 1 { "resource" } else { "resources" };
                format!("`{}` would, and would change {others} other {resources}", assignment.setting())
            });
            let Some(property) = property else {
                let is_declared = graph.get(address.as_str()).is_some();
                said.left.push(Unsaid {
                    address: address.clone(),
                    property: None,
                    near,
                    why_not: None,
                    is_declared,
                });
                continue;
            };
            let why_not = graph.get(address.as_str()).and_then(|declared| {
                let knows =
                    graph.fields(&declared.kind).is_some_and(|fields| fields.contains(&property.as_str()));
                match knows {
                    true => ignored::why_not(declared, property).map(|(reason, _)| reason),
                    false => Some(format!("{} has no property `{property}`", declared.kind)),
                }
            });
            if why_not.is_none() {
                let known = self.loaded.config.ignore.get(address.as_str());
                let names = said
                    .ignore
                    .entry(address.to_string())
                    .or_insert_with(|| known.cloned().unwrap_or_default());
                if !names.contains(property) {
                    names.push(property.clone());
                }
            }
            let property = Some(property.clone());
            said.left.push(Unsaid { address: address.clone(), property, near, why_not, is_declared: true });
        }
        said.ignore_table = crate::config::path_of_keys(&[environment[0], environment[1], ignored::KEY]);
        said
    }
}

/// What is said of the configuration.
#[derive(Default)]
struct Said {
    /// Lines of the file, by their tables.
    lines: BTreeMap<String, Vec<String>>,
    settings: Vec<Value>,
    left: Vec<Unsaid>,
    /// What could be ignored, by address, with what is ignored there already.
    ignore: BTreeMap<String, Vec<String>>,
    ignore_table: String,
}

/// What the configuration cannot say.
struct Unsaid {
    address: Address,
    /// `None` for the object as a whole.
    property: Option<String>,
    /// What would say it, but also something else.
    near: Option<String>,
    /// Why it cannot be ignored either.
    why_not: Option<String>,
    /// Whether the next run makes what is not there.
    is_declared: bool,
}

impl Said {
    fn lines(&self, up: &str) -> Lines {
        let mut lines = Lines::new();
        if !self.lines.is_empty() {
            lines.line("# What says the same in stack.toml:");
            for (table, of_it) in &self.lines {
                lines.line(format!("[{table}]"));
                of_it.iter().for_each(|line| {
                    lines.line(line);
                });
            }
        }
        if !self.left.is_empty() {
            lines.line("# Cannot be expressed in stack.toml:");
        }
        for one in &self.left {
            let what = match &one.property {
                Some(property) => format!("{} {property}: the next {up} puts it back", one.address),
                None if one.is_declared => {
                    format!("{}: it is forgotten, and the next {up} creates it again", one.address)
                }
                None => format!("{}: it is not declared, and the next {up} deletes it", one.address),
            };
            lines.line(format!("#   {what}"));
            one.near.iter().for_each(|near| {
                lines.line(format!("#     {near}"));
            });
            one.why_not.iter().for_each(|reason| {
                lines.line(format!("#     {reason}"));
            });
        }
        if !self.ignore.is_empty() {
            lines.line("# These lines leave it to others instead:");
            lines.line(format!("[{}]", self.ignore_table));
            for (address, names) in &self.ignore {
                let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
                lines.line(format!("\"{address}\" = [{}]", names.join(", ")));
            }
        }
        lines
    }
}

fn is_taken(one: &Acceptance) -> bool {
    matches!(one.taken, Taken::Properties { .. } | Taken::Forgotten)
}

/// Whether what would be recorded has a secret in it: that is never recorded.
fn has_secret(one: &Acceptance) -> bool {
    let Taken::Properties { changes, .. } = &one.taken else { return false };
    let is_one = |change: &PropertyChange| {
        change.after.as_ref().is_some_and(|after| masked_at(&change.path, after) != *after)
    };
    changes.iter().any(is_one)
}

/// What has disappeared together with its data, and what has disappeared with that: once it is forgotten, no plan would say any more
/// that the data is gone.
fn with_lost_data(survey: &Survey, found: &[Acceptance]) -> BTreeSet<Address> {
    let forgotten = || found.iter().filter(|one| one.taken == Taken::Forgotten);
    let has_data =
        |one: &&Acceptance| survey.facts(&one.kind).is_some_and(|facts| matches!(facts.loss, Loss::Data(_)));
    let mut kept: BTreeSet<Address> = forgotten().filter(has_data).map(|one| one.address.clone()).collect();
    loop {
        let needs_it = |one: &&Acceptance| {
            let object = survey.state.current(one.address.as_str());
            object.is_some_and(|object| object.dependencies.iter().any(|needs| kept.contains(needs)))
        };
        let more: Vec<Address> = forgotten()
            .filter(|one| !kept.contains(&one.address))
            .filter(needs_it)
            .map(|one| one.address.clone())
            .collect();
        if more.is_empty() {
            return kept;
        }
        kept.extend(more);
    }
}

/// What is not taken though it could be recorded, and why.
fn never_taken(left: &[Acceptance], kept: &BTreeSet<Address>) -> Lines {
    let names = |is_it: &dyn Fn(&Acceptance) -> bool| -> Vec<&str> {
        left.iter().filter(|one| is_it(one)).map(|one| one.address.as_str()).collect()
    };
    let mut lines = Lines::new();
    for (names, why) in [
        (
            names(&has_secret),
            "not accepted: a value looks like a secret, and secrets are never recorded; the next `up` takes it out",
        ),
        (
            names(&|one| kept.contains(&one.address)),
            "not accepted: DATA GONE, which plans have to go on saying; the next `up` creates it empty",
        ),
    ] {
        if !names.is_empty() {
            lines.line(format!("  {}: {why}", some_of(&names, 4)));
        }
    }
    lines
}

/// What the command line selects.
fn selector(addresses: &[Selector]) -> Selector {
    let mut all = addresses.iter().cloned();
    let Some(first) = all.next() else { return Selector::all() };
    all.fold(first, Selector::or)
}

/// Refuses what is recorded nowhere: most likely it is misspelled.
fn check_selected(selector: &Selector, graph: &Graph, state: &State) -> Result<(), Failure> {
    match selector.resolve(&Graph::default(), state).unmatched() {
        [] => Ok(()),
        [wrong, ..] => {
            let declared = graph.get(wrong).is_some();
            let reason = if declared { "is not there yet" } else { "is no recorded resource, tier or type" };
            let message = format!("there is nothing to accept of `{wrong}`: it {reason}");
            let hint = "`refresh` shows the addresses of what differs; nothing was changed";
            Err(Failure::new(Exit::Configuration, message).hint(hint).coded(Code::NothingRecorded))
        }
    }
}

/// What would be taken, as `refresh` shows it.
fn shown(survey: &Survey, taken: &[Acceptance]) -> Lines {
    let drift: Vec<Drift> = taken
        .iter()
        .map(|one| {
            let changes = match &one.taken {
                Taken::Properties { changes, .. } => Some(changes.clone()),
                _ => None,
            };
            Drift { address: one.address.clone(), kind: one.kind.clone(), changes }
        })
        .collect();
    let mut lines = plan_lines::drift(&drift);
    let gone: Vec<&Address> =
        taken.iter().filter(|one| one.taken == Taken::Forgotten).map(|one| &one.address).collect();
    if !gone.is_empty() {
        let dependents = dependents(&survey.state, &gone);
        if let [first, more @ ..] = dependents.as_slice() {
            let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
            lines.line(format!(
                "  what refers to what has disappeared: {first}{more}; `preview` shows what follows"
            ));
        }
    }
    lines
}

/// What is recorded and refers to one of these.
fn dependents<'s>(state: &'s State, gone: &[&Address]) -> Vec<&'s Address> {
    let refers = |(address, object): &(&Address, &engine::Object)| {
        !gone.contains(address) && object.dependencies.iter().any(|one| gone.contains(&one))
    };
    let mut found: Vec<&Address> = state.objects().filter(refers).map(|(address, _)| address).collect();
    found.dedup();
    found
}

/// What differs and is not taken, and why.
fn not_taken(left: &[Acceptance]) -> Lines {
    let mut lines = Lines::new();
    for (taken, why) in [
        (
            Taken::NotRecorded,
            "not accepted: tags that say whose it is are recorded nowhere; the next `up` puts them back",
        ),
        (Taken::Unfinished, "not accepted: it is not finished; the next `up` finishes it"),
    ] {
        let names: Vec<&str> =
            left.iter().filter(|one| one.taken == taken).map(|one| one.address.as_str()).collect();
        if !names.is_empty() {
            lines.line(format!("  {}: {why}", some_of(&names, 4)));
        }
    }
    lines
}

fn document(taken: &[Acceptance], left: &[Acceptance], said: &Said) -> Value {
    let accepted = taken.iter().map(|one| {
        let changes = match &one.taken {
            Taken::Properties { changes, .. } => changes_json(changes),
            _ => Vec::new(),
        };
        json!({
            "address": one.address,
            "kind": one.kind,
            "forgotten": one.taken == Taken::Forgotten,
            "changes": changes,
        })
    });
    let unsaid = said.left.iter().map(
        |one| json!({ "address": one.address, "property": one.property, "why_not_ignored": one.why_not }),
    );
    json!({
        "accepted": accepted.collect::<Vec<_>>(),
        "not_accepted": left.iter().map(|one| &one.address).collect::<Vec<_>>(),
        "settings": said.settings,
        "not_expressible": unsaid.collect::<Vec<_>>(),
        "ignore": said.ignore,
    })
}
