//! What a plan would create and is there already: looked for before anybody decides on the plan, by the same search that a creation
//! begins with. A creation looks again, and decides for itself.

use std::collections::HashMap;

use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;

use crate::address::Address;
use crate::calls::{read, repeat};
use crate::create::weakened;
use crate::diff::{PropertyChange, accept, diff, managed};
use crate::engine_error::EngineError;
use crate::error::CallError;
use crate::facade::Engine;
use crate::graph::Graph;
use crate::plan::Plan;
use crate::plan_error::PlanError;
use crate::provider::Kind;
use crate::reading::READS_AT_ONCE;
use crate::references;
use crate::resource::Search;
use crate::settle::{is_recorded, is_somebody_elses, unchangeable};
use crate::state::State;
use crate::step::{Action, Step};

/// An object that is there, that nothing recorded stands for, and that a creation takes over instead of making one.
#[derive(Clone, Debug, PartialEq)]
pub struct Encounter {
    /// The id that a person would name it by; `None` where its kind has none.
    pub id: Option<String>,
    /// What is changed of it, from what it is now.
    pub changes: Vec<PropertyChange>,
    /// Why the creation will fail with it, if it will.
    pub refused: Option<String>,
}

/// A creation whose properties are known.
struct Wanted<'a> {
    position: usize,
    step: &'a Step,
    kind: &'a dyn Kind,
    properties: Value,
}

/// The position of a step, and the outputs of what was met there.
type Met = (usize, Option<(Value, Encounter)>);

impl Engine {
    /// The plan, with what is there already of what it creates.
    ///
    /// # Errors
    /// [`PlanError::Unrecorded`], where something is replaced only because what it refers to is there and not recorded.
    pub(crate) async fn encountered(&self, mut plan: Plan, state: &State) -> Result<Plan, EngineError> {
        let mut open: Vec<usize> = (0..plan.steps().len())
            .filter(|position| {
                let step = &plan.steps()[*position];
                let slot = state.slot(step.address.as_str());
                let is_begun = slot.is_some_and(|slot| slot.open_create().is_some());
                step.action == Action::Create && step.existing().is_none() && !is_begun
            })
            .collect();
        // The outputs of what was found, by which others may be known.
        let mut known: HashMap<Address, Value> = HashMap::new();
        let mut found: Vec<(usize, Encounter)> = Vec::new();
        loop {
            let (mut now, mut later) = (Vec::new(), Vec::new());
            for position in open {
                let step = &plan.steps()[position];
                let Some((kind, desired)) = self.provider.kind(&step.kind).zip(step.desired()) else {
                    continue;
                };
                let output =
                    |found: references::Found<'_>| known.get(found.address)?.get(found.attr).cloned();
                let properties = references::resolve(desired, &output);
                match references::is_known(&properties) {
                    true => now.push(Wanted { position, step, kind, properties }),
                    false => later.push(position),
                }
            }
            let mut looked = Vec::new();
            let mut looking = FuturesUnordered::new();
            for wanted in now {
                if looking.len() >= READS_AT_ONCE
                    && let Some(one) = looking.next().await
                {
                    looked.push(one);
                }
                looking.push(self.met_at(&plan.graph, wanted, state));
            }
            while let Some(one) = looking.next().await {
                looked.push(one);
            }
            drop(looking);
            let before = found.len();
            for one in looked {
                let (position, Some((outputs, encounter))) = one else { continue };
                known.insert(plan.steps()[position].address.clone(), outputs);
                found.push((position, encounter));
            }
            if found.len() == before || later.is_empty() {
                break;
            }
            open = later;
        }
        let needless = plan.steps().iter().find_map(|step| Some((step, needless(step, &known)?)));
        if let Some((step, by)) = needless {
            let met = found.iter().find(|(position, _)| plan.steps()[*position].address == by);
            let id = met.and_then(|(_, encounter)| encounter.id.clone()).unwrap_or_default();
            return Err(PlanError::Unrecorded { address: step.address.clone(), by, id }.into());
        }
        for (position, encounter) in found {
            plan.steps_mut()[position].encounter = Some(encounter);
        }
        Ok(plan)
    }

    /// What cannot be looked for, whatever the reason, is taken as not there: the creation looks again, and says so.
    async fn met_at(&self, graph: &Graph, wanted: Wanted<'_>, state: &State) -> Met {
        (wanted.position, self.met(graph, &wanted, state).await.ok().flatten())
    }

    /// What a creation with these properties would find.
    async fn met(
        &self,
        graph: &Graph,
        wanted: &Wanted<'_>,
        state: &State,
    ) -> Result<Option<(Value, Encounter)>, CallError> {
        let Wanted { step, kind, properties, .. } = wanted;
        let (address, kind) = (&step.address, *kind);
        let there = unrecorded(kind, (address, &step.kind), properties, graph, state).await?;
        let Some((outputs, live)) = there else { return Ok(None) };
        let ignored = graph.ignores().of(address);
        let differs = unchangeable(kind, &live, properties, ignored);
        if kind.is_revision() && differs.is_some() {
            return Ok(None);
        }
        let refused = weakened(kind, &live, properties, ignored)
            .or_else(|| Some(format!("its {} differs, which cannot be changed", differs?)));
        let desired = kind.marked(address, properties);
        let (taken, _) = accept(kind, &managed(&live, properties, &desired, &[]), &desired, ignored);
        let changes = diff(&taken, &desired, kind.facts().lists);
        let id = kind.facts().import.of(properties, &outputs);
        Ok(Some((outputs, Encounter { id, changes, refused })))
    }
}

/// What a creation with these properties would find at an address, as outputs and live properties: nothing where it is recorded, or
/// somebody else's.
pub(crate) async fn unrecorded(
    kind: &dyn Kind,
    (address, name): (&Address, &str),
    properties: &Value,
    graph: &Graph,
    state: &State,
) -> Result<Option<(Value, Value)>, CallError> {
    let search = Search::made_for(address.clone()).or_formerly(graph.formerly(address));
    let outputs = match repeat(address.as_str(), || kind.find(properties, &search), |_| ()).await {
        Err(error) if is_somebody_elses(kind, &error) => None,
        found => found?,
    };
    let Some(outputs) = outputs.filter(|outputs| !is_recorded(state, kind, name, outputs)) else {
        return Ok(None);
    };
    let live = repeat(address.as_str(), || read(kind, properties, &outputs), |_| ()).await?;
    Ok(live.map(|live| (outputs, live)))
}

/// What was met and makes a replacement needless: with its outputs, nothing that cannot be changed would differ.
fn needless(step: &Step, known: &HashMap<Address, Value>) -> Option<Address> {
    let Action::Replace { because, .. } = &step.action else { return None };
    let mut met = None;
    let is_needless = |change: &PropertyChange| {
        let Some(after) = &change.after else { return false };
        references::visit(after, &mut |found| {
            met =
                met.take().or_else(|| known.get_key_value(found.address).map(|(address, _)| address.clone()));
        });
        let output = |found: references::Found<'_>| known.get(found.address)?.get(found.attr).cloned();
        change.before.as_ref() == Some(&references::resolve(after, &output))
    };
    let mut forcing =
        step.changes.iter().filter(|change| because.iter().any(|property| property == change.property()));
    let is_all = forcing.clone().next().is_some() && forcing.all(is_needless);
    met.filter(|_| is_all)
}
