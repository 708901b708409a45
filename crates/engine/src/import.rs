//! Adopting objects that this program did not make: they are looked at, compared with what is declared, and then recorded.
//!
//! An adoption is recorded as any other object is: the intent of a create, which is never sent; `Created`, adopted; then, once the
//! object carries what says whose it is, `Ready`. Nothing else of the object is changed: that is what the next plan is for.
//! What is recorded are the live properties, so that the plan shows all that differs from what is declared, and none of it as
//! somebody's doing.
//!
//! A run that dies in the middle leaves a whole number of adopted objects, one of them perhaps without its marks. The next plan
//! brings that to its end, as it does every object whose creation was interrupted, and so does the same adoption again.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use serde_json::Value;

use crate::address::Address;
use crate::calls::{read, repeat};
use crate::codec::JournalError;
use crate::diff::managed;
use crate::engine_error::EngineError;
use crate::error::{CallError, ErrorClass};
use crate::event::{Event, Intended, Mutation, Seq};
use crate::foreign::{ForeignId, filled};
use crate::graph::Graph;
use crate::plan::{Grounds, Plan, Reading, Readings, plan, relocated};
use crate::plan_error::PlanError;
use crate::provider::{Kind, Known};
use crate::reading::READS_AT_ONCE;
use crate::references;
use crate::resource::{Readiness, Settle};
use crate::selector::Selector;
use crate::session::Session;
use crate::state::{Object, Phase, State};
use crate::step::{Action, Step, Subject, Wanted};

mod adopting;

/// Why an object cannot be adopted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// No resource is declared there.
    #[error("no resource of this name is declared")]
    NotDeclared,
    /// The resource has another object.
    #[error("it has another object already, which is recorded: {id}")]
    HasAnother {
        /// The id of that.
        id: String,
    },
    /// The object is another resource's. Of a kind that names no natural key, though it has one, an object is shared.
    #[error("the object is recorded already, as {by}")]
    Taken {
        /// The resource that has it.
        by: Address,
    },
    /// There is none.
    #[error("there is no such object")]
    NotThere,
    /// What it carries says that it is another one's.
    #[error("its tags say that it belongs to {owner}")]
    Owned {
        /// In words.
        owner: String,
    },
    /// It is still being made or changed.
    #[error("it is not ready: {state}")]
    Pending {
        /// In the cloud's words.
        state: String,
    },
    /// It will never be ready.
    #[error("the cloud reports that it failed: {reason}")]
    Broken {
        /// In the cloud's words.
        reason: String,
    },
    /// A property is not shown by the cloud, and what is declared of it is not known.
    #[error("its {property} is not shown, and what is declared of it needs {needs}, which is not recorded")]
    Unknown {
        /// The property.
        property: String,
        /// The resource.
        needs: Address,
    },
    /// The cloud did not show it.
    #[error("it cannot be looked at")]
    Call(#[source] CallError),
}

/// An object that can be adopted.
#[derive(Clone, Debug, PartialEq)]
pub struct Adoption {
    /// The resource.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// The object's id.
    pub id: ForeignId,
    node: usize,
    outputs: Value,
    /// As they are live.
    live: Value,
    /// Those of them that are recorded.
    properties: Value,
    dependencies: Vec<Address>,
    protect: bool,
    /// The object, where an earlier run began to adopt it.
    unfinished: Option<Seq>,
}

impl Adoption {
    /// The properties that are recorded once it is adopted.
    #[must_use]
    pub fn recorded(&self) -> &Value {
        &self.properties
    }

    fn step(&self) -> Step {
        let wanted = Wanted { node: self.node, desired: self.properties.clone() };
        Step::new(self.address.clone(), self.kind.clone(), Action::Unchanged, Subject::Declared(wanted))
    }

    fn intended(&self, token: String) -> Intended {
        Intended {
            address: self.address.clone(),
            kind: self.kind.clone(),
            mutation: Mutation::Create,
            token,
            properties: self.properties.clone(),
            dependencies: self.dependencies.clone(),
            protect: self.protect,
        }
    }
}

/// What came of a look at the objects that are to be adopted.
#[derive(Debug)]
pub struct Imports {
    /// Those that can be, each after what it refers to.
    pub adoptions: Vec<Adoption>,
    /// Resources that have the very object already.
    pub unchanged: Vec<Address>,
    /// What cannot be, and why.
    pub refused: Vec<(Address, Unfit)>,
    /// What the next plan does, if all are adopted and nothing else changes: other objects are taken as they are recorded.
    /// `None` where nothing is to be adopted or something is refused.
    pub plan: Option<Plan>,
    /// Why the next plan is refused, as it stands.
    pub problem: Option<PlanError>,
    graph: Arc<Graph>,
}

/// An id on its way to an adoption.
struct Candidate<'a> {
    position: usize,
    id: &'a ForeignId,
    node: usize,
    kind: &'a dyn Kind,
    /// Properties to read it with, and outputs.
    known: Option<(Value, Value)>,
    unfinished: Option<Seq>,
}

/// What became of the id of each position.
enum Verdict {
    Adoption(Box<Adoption>),
    Unchanged,
    Refused(Unfit),
    /// Only because of another one that is refused.
    Consequence,
}

impl Session {
    /// Looks at objects that are to be adopted, each for the resource that its id names. Nothing is recorded, and no call changes
    /// anything. With `take_over`, an object may say that it is somebody else's.
    ///
    /// # Errors
    /// Where the cloud cannot be read at all, or there is no plan. What is wrong with a single object is in the answer.
    pub async fn examine(
        &self,
        graph: Arc<Graph>,
        ids: &[ForeignId],
        take_over: bool,
    ) -> Result<Imports, EngineError> {
        self.settle().await?;
        let (state, moved) = relocated(&graph, self.state());
        let looked = self.unless_cancelled(self.verdicts(&graph, &state, ids, take_over)).await?;
        let (mut adoptions, mut unchanged, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for (id, verdict) in ids.iter().zip(looked) {
            match verdict {
                Verdict::Adoption(adoption) => adoptions.push(*adoption),
                Verdict::Unchanged => unchanged.push(id.address().clone()),
                Verdict::Refused(unfit) => refused.push((id.address().clone(), unfit)),
                Verdict::Consequence => {}
            }
        }
        let place = |node| graph.order().iter().position(|one| *one == node);
        adoptions.sort_by_key(|adoption| place(adoption.node));
        let (mut planned, mut problem) = (None, None);
        if refused.is_empty() && !adoptions.is_empty() {
            let (state, live) = self.adopted_in(state, &adoptions)?;
            let selection = Selector::all().resolve(&graph, &state);
            let provider = &*self.engine.provider;
            let grounds =
                Grounds { state: &state, live: &live, provider, forced: &BTreeSet::new(), in_order: true };
            let mut made = plan(Arc::clone(&graph), grounds, &selection)?;
            made.moved = moved;
            let weighing = self.engine.weighed(made.clone(), &state);
            match self.unless_cancelled(weighing).await {
                Ok(weighed) => made = weighed,
                Err(EngineError::Plan(error)) => problem = Some(error),
                Err(error) => return Err(error),
            }
            made.state = Arc::new(state);
            planned = Some(made);
        }
        Ok(Imports { adoptions, unchanged, refused, plan: planned, problem, graph })
    }

    async fn verdicts(
        &self,
        graph: &Graph,
        state: &State,
        ids: &[ForeignId],
        take_over: bool,
    ) -> Result<Vec<Verdict>, EngineError> {
        let mut verdicts: Vec<Option<Verdict>> = ids.iter().map(|_| None).collect();
        let mut candidates = Vec::new();
        for (position, id) in ids.iter().enumerate() {
            match self.candidate(graph, state, ids, position, id) {
                Ok(candidate) => candidates.push(candidate),
                Err(verdict) => verdicts[position] = Some(verdict),
            }
        }
        let mut known = state.clone();
        let mut identified: Vec<Candidate<'_>> = Vec::new();
        while !candidates.is_empty() {
            // Those that refer to none of the others; references have no circles.
            let left: HashSet<&Address> = candidates.iter().map(|one| one.id.address()).collect();
            let waits = |one: &Candidate<'_>| graph.refers_to(one.node).iter().any(|to| left.contains(to));
            let (later, now): (Vec<_>, Vec<_>) = candidates.into_iter().partition(waits);
            let found: Vec<_> = stream::iter(now)
                .map(|one| self.identified(graph, &known, one))
                .buffered(READS_AT_ONCE)
                .collect()
                .await;
            for (one, found) in found {
                match found? {
                    Ok((properties, outputs)) => {
                        let one = Candidate { known: Some((properties.clone(), outputs.clone())), ..one };
                        let adoption = one.adoption(graph, &outputs, Value::Null, properties);
                        fold(&mut known, &adoption)?;
                        identified.push(one);
                    }
                    Err(unfit) => verdicts[one.position] = Some(Verdict::Refused(unfit)),
                }
            }
            candidates = later;
        }
        // Some kinds show what is in an object but for what is ours.
        self.engine.provider.known(&Known { state: &known, declared: Some(graph) });
        let known = &known;
        let looked: Vec<_> = stream::iter(identified)
            .map(|one| async move {
                let verdict = self.judged(graph, known, &one, take_over).await;
                (one.position, verdict)
            })
            .buffered(READS_AT_ONCE)
            .collect()
            .await;
        for (position, verdict) in looked {
            verdicts[position] = Some(verdict?.unwrap_or_else(Verdict::Refused));
        }
        let is_refused = |needs: &Address| {
            let at = ids.iter().position(|id| id.address() == needs);
            at.is_some_and(|at| matches!(verdicts[at], Some(Verdict::Refused(_))))
        };
        let is_consequence = |verdict: &Option<Verdict>| match verdict {
            Some(Verdict::Refused(Unfit::Unknown { needs, .. })) => is_refused(needs),
            _ => false,
        };
        let consequences: Vec<bool> = verdicts.iter().map(is_consequence).collect();
        let verdict = |(verdict, consequence): (Option<Verdict>, bool)| match (verdict, consequence) {
            (Some(verdict), false) => verdict,
            _ => Verdict::Consequence,
        };
        Ok(verdicts.into_iter().zip(consequences).map(verdict).collect())
    }

    /// What needs no call.
    fn candidate<'a>(
        &'a self,
        graph: &'a Graph,
        state: &State,
        ids: &[ForeignId],
        position: usize,
        id: &'a ForeignId,
    ) -> Result<Candidate<'a>, Verdict> {
        let address = id.address();
        let refused = |unfit| Err(Verdict::Refused(unfit));
        let Some(node) = graph.position(address.as_str()) else { return refused(Unfit::NotDeclared) };
        let name = &graph.nodes()[node].kind;
        let Some(kind) = self.engine.provider.kind(name) else { return refused(Unfit::NotDeclared) };
        let text = id.text();
        let id_of = |object: &Object| {
            let import = self.engine.provider.kind(&object.kind)?.facts().import;
            import.of(&object.properties, &object.outputs)
        };
        let is_it = |object: &Object| object.kind == *name && id_of(object).as_ref() == Some(&text);
        let mut candidate = Candidate { position, id, node, kind, known: None, unfinished: None };
        if let Some(object) = state.current(address.as_str()) {
            return match (is_it(object), object.phase == Phase::Creating && object.adopted) {
                (true, true) => {
                    candidate.unfinished = Some(object.seq);
                    candidate.known = Some((object.properties.clone(), object.outputs.clone()));
                    Ok(candidate)
                }
                (true, false) => Err(Verdict::Unchanged),
                (false, _) => refused(Unfit::HasAnother { id: id_of(object).unwrap_or_default() }),
            };
        }
        let is_shared = |properties: &Value| kind.settle() == Settle::Key && kind.claim(properties).is_none();
        let other = state.objects().find(|(_, object)| is_it(object) && !is_shared(&object.properties));
        if let Some((by, _)) = other {
            return refused(Unfit::Taken { by: by.clone() });
        }
        let twice = |other: &&ForeignId| {
            let of_kind = graph.get(other.address().as_str()).is_some_and(|other| other.kind == *name);
            of_kind && other.text() == text
        };
        let named = id.over(&filled(&graph.nodes()[node].properties), kind.properties());
        match ids[..position].iter().find(twice).filter(|_| !is_shared(&named)) {
            Some(other) => refused(Unfit::Taken { by: other.address().clone() }),
            None => Ok(candidate),
        }
    }

    /// The properties to read an object with, and its outputs.
    async fn identified<'a>(
        &self,
        graph: &Graph,
        known: &State,
        one: Candidate<'a>,
    ) -> (Candidate<'a>, Result<Result<(Value, Value), Unfit>, EngineError>) {
        if let Some(found) = &one.known {
            let found = found.clone();
            return (one, Ok(Ok(found)));
        }
        let declared = filled(&known.resolve(&graph.nodes()[one.node].properties));
        let properties = one.id.over(&declared, one.kind.properties());
        let look = || one.kind.identify(&properties, one.id);
        let found = self.answered(one.id.address(), repeat(one.id.address().as_str(), look, |_| ()).await);
        let found = found.map(|found| match found? {
            None => Err(Unfit::NotThere),
            // A name may have led to another object than the whole id means.
            Some((properties, outputs)) => {
                match one.kind.facts().import.of(&properties, &outputs) == Some(one.id.text()) {
                    true => Ok((properties, outputs)),
                    false => Err(Unfit::NotThere),
                }
            }
        });
        (one, found)
    }

    /// Reads an object, and judges whether it can be adopted.
    async fn judged(
        &self,
        graph: &Graph,
        known: &State,
        one: &Candidate<'_>,
        take_over: bool,
    ) -> Result<Result<Verdict, Unfit>, EngineError> {
        let (address, kind) = (one.id.address(), one.kind);
        let Some((properties, outputs)) = &one.known else { return Ok(Err(Unfit::NotThere)) };
        let look = || read(kind, properties, outputs);
        let live = match self.answered(address, repeat(address.as_str(), look, |_| ()).await)? {
            Ok(Some(live)) => live,
            Ok(None) => return Ok(Err(Unfit::NotThere)),
            Err(unfit) => return Ok(Err(unfit)),
        };
        if let Some(owner) = owner(graph, address, kind, &live).filter(|_| !take_over) {
            return Ok(Err(Unfit::Owned { owner }));
        }
        let poll = || kind.poll_ready(outputs);
        let outputs = match self.answered(address, repeat(address.as_str(), poll, |_| ()).await)? {
            Ok(Readiness::Ready(outputs)) => outputs,
            Ok(Readiness::Pending(state)) => return Ok(Err(Unfit::Pending { state })),
            Ok(Readiness::Failed(reason)) => return Ok(Err(Unfit::Broken { reason })),
            Err(unfit) => return Ok(Err(unfit)),
        };
        let desired = known.resolve(&graph.nodes()[one.node].properties);
        let recorded = managed(&live, &desired, &desired, kind.closed());
        if let Some(unfit) = unknown_in(&recorded, &desired) {
            return Ok(Err(unfit));
        }
        Ok(Ok(Verdict::Adoption(Box::new(one.adoption(graph, &outputs, live, recorded)))))
    }

    /// An answer, or why this object cannot be looked at; an error where no object can.
    fn answered<T>(
        &self,
        address: &Address,
        answer: Result<T, CallError>,
    ) -> Result<Result<T, Unfit>, EngineError> {
        match answer {
            Ok(answer) => Ok(Ok(answer)),
            Err(error) if error.class == ErrorClass::NotFound => Ok(Err(Unfit::NotThere)),
            Err(source)
                if source.class.is_transient()
                    || matches!(source.class, ErrorClass::Ambiguous | ErrorClass::Expired) =>
            {
                Err(EngineError::Read { address: address.clone(), source })
            }
            Err(error) => Ok(Err(Unfit::Call(error))),
        }
    }

    /// The state with the objects in it, and what was seen of them, marks included: those they will have.
    fn adopted_in(&self, mut state: State, adoptions: &[Adoption]) -> Result<(State, Readings), EngineError> {
        let mut live = Readings::new();
        for adoption in adoptions {
            let seq = fold(&mut state, adoption)?;
            let marked = match self.engine.provider.kind(&adoption.kind) {
                Some(kind) => kind.marked(&adoption.address, &adoption.live),
                None => adoption.live.clone(),
            };
            live.insert(seq, Reading::Found(marked));
        }
        Ok((state, live))
    }
}

impl Candidate<'_> {
    fn adoption(&self, graph: &Graph, outputs: &Value, live: Value, properties: Value) -> Adoption {
        let declaration = &graph.nodes()[self.node];
        Adoption {
            address: declaration.address.clone(),
            kind: declaration.kind.clone(),
            id: self.id.clone(),
            node: self.node,
            outputs: outputs.clone(),
            live,
            properties,
            dependencies: graph.refers_to(self.node),
            protect: declaration.protect,
            unfinished: self.unfinished,
        }
    }
}

/// Who has an object that is not the resource's, as far as what it carries says.
fn owner(graph: &Graph, address: &Address, kind: &dyn Kind, live: &Value) -> Option<String> {
    let owner = kind.owner(live)?;
    if !owner.is_ours {
        return Some(match owner.address {
            Some(address) => format!("{}, where it is {address}", owner.words),
            None => owner.words,
        });
    }
    let names =
        |is: &str| is == address.as_str() || graph.formerly(address).any(|former| former.as_str() == is);
    owner.address.filter(|is| !names(is)).map(|is| format!("{is} of this environment"))
}

/// A property that is only known from what is declared, where that is not known.
fn unknown_in(recorded: &Value, desired: &Value) -> Option<Unfit> {
    for (property, wanted) in desired.as_object()? {
        let mut unknown = Vec::new();
        references::visit(wanted, &mut |found| unknown.push(found.address));
        let Some(recorded) = recorded.get(property) else { continue };
        let text = |address: &&&str| references::contains_text(recorded, &format!("(known after {address})"));
        if let Some(needs) = unknown.iter().find(text).and_then(|address| Address::new(address).ok()) {
            return Some(Unfit::Unknown { property: property.clone(), needs });
        }
    }
    None
}

/// The state after an adoption, and the object in it.
fn fold(state: &mut State, adoption: &Adoption) -> Result<Seq, EngineError> {
    let mut seq = adoption.unfinished.unwrap_or_else(|| Seq::of_record(state.records + 1));
    let mut events = Vec::new();
    if adoption.unfinished.is_none() {
        let open = state.slot(adoption.address.as_str()).and_then(|slot| slot.open_create());
        if let Some(open) = open.map(|open| open.seq) {
            events.push(Event::Failed { seq: open, class: ErrorClass::NotFound });
            seq = Seq::of_record(state.records + 2);
        }
        events.push(Event::Intent(adoption.intended(String::new())));
        events.push(Event::Created { seq, outputs: adoption.outputs.clone(), adopted: true });
    }
    events.push(Event::Ready { seq, outputs: adoption.outputs.clone() });
    for event in events {
        let refused = |error: crate::state::IllegalEvent| JournalError::Refused { reason: error.to_string() };
        state.fold(&event).map_err(refused)?;
    }
    Ok(seq)
}
