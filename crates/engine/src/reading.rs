//! Looking at what is recorded: many objects at once, each until the cloud answers.

use std::collections::HashMap;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};

use crate::address::Address;
use crate::backoff::Backoff;
use crate::calls::{contents, read, repeat};
use crate::engine_error::EngineError;
use crate::error::{CallError, ErrorClass};
use crate::event::Seq;
use crate::facade::Engine;
use crate::foresight::{Foreseen, Going, Refusal, There, Wish};
use crate::graph::Graph;
use crate::ignored::with_live;
use crate::loss::Contents;
use crate::observer::Progress;
use crate::plan::{Plan, Reading, Readings};
use crate::plan_error::PlanError;
use crate::provider::Known;
use crate::selector::Selection;
use crate::state::{Object, State};
use crate::step::{Action, Step};

/// How many objects are read at once. Batching joins them into far fewer calls.
pub(crate) const READS_AT_ONCE: usize = 256;

impl Engine {
    /// The plan, once somebody has looked into what would be deleted.
    pub(crate) async fn weighed(&self, plan: Plan, state: &State) -> Result<Plan, EngineError> {
        let mut plan = self.encountered(plan, state).await?;
        let mut looking: FuturesUnordered<_> = plan
            .to_weigh()
            .into_iter()
            .filter_map(|(position, seq)| {
                let address = &plan.steps()[position].address;
                Some((position, address.clone(), state.slot(address.as_str())?.object(seq)?))
            })
            .map(|(position, address, object)| async move {
                let Some(kind) = self.provider.kind(&object.kind) else {
                    return Ok::<_, EngineError>((position, Contents::Unknown));
                };
                let looked = repeat(address.as_str(), || contents(kind, object), |_| ()).await;
                let found = looked.map_err(|source| EngineError::Read { address, source })?;
                Ok((position, found))
            })
            .collect();
        let mut found = Vec::new();
        while let Some(contents) = looking.next().await {
            found.push(contents?);
        }
        drop(looking);
        found.sort_unstable_by_key(|(position, _)| *position);
        plan.weigh(found, state)?;
        self.foreseen(plan, state).await
    }

    /// The plan, with what the kinds say of it before anything is called.
    async fn foreseen(&self, mut plan: Plan, state: &State) -> Result<Plan, EngineError> {
        let goes = |step: &Step| {
            let object = state.slot(step.address.as_str())?.object(step.existing()?.seq)?;
            let goes = matches!(step.action, Action::Delete | Action::Replace { .. });
            goes.then(|| Going { kind: object.kind.clone(), properties: object.properties.clone() })
        };
        let going: Vec<Going> = plan.steps().iter().filter_map(goes).collect();
        let ignored = plan.graph.ignores().clone();
        for step in plan.steps_mut() {
            let Some((kind, declared)) = self.provider.kind(&step.kind).zip(step.desired()) else { continue };
            let recorded = step.existing().filter(|_| !step.creates());
            let recorded = recorded.and_then(|it| state.slot(step.address.as_str())?.object(it.seq));
            let there =
                recorded.zip(step.live()).map(|(object, live)| There { recorded: &object.properties, live });
            let Step { address, changes, .. } = &*step;
            let kept = there.map(|there| with_live(declared, there.live, ignored.of(address)));
            let declared = kept.as_ref().unwrap_or(declared);
            let wish = Wish { address, declared, there, changes, going: &going };
            let foreseen = match repeat(step.address.as_str(), || kind.foresee(&wish), |_| ()).await {
                // Then the cloud decides.
                Err(error) if error.class == ErrorClass::Denied => Foreseen::nothing(),
                Err(source) => return Err(EngineError::Read { address: step.address.clone(), source }),
                Ok(foreseen) => foreseen,
            };
            if let Some(Refusal { reason, hint }) = foreseen.refused {
                return Err(PlanError::Refused { address: step.address.clone(), reason, hint }.into());
            }
            step.warnings = foreseen.warnings;
        }
        Ok(plan)
    }

    /// The same as [`Engine::read_all`], for those who cannot go on with a part: what may not be read is an error.
    pub(crate) async fn read_whole(
        &self,
        state: &State,
        selection: &Selection,
        changed_at: u64,
    ) -> Result<Readings, EngineError> {
        let live = self.read_all(state, selection, changed_at, None).await?;
        for (address, object) in state.objects() {
            if let Some(Reading::Denied(source)) = live.get(&object.seq) {
                return Err(EngineError::Read { address: address.clone(), source: source.clone() });
            }
        }
        Ok(live)
    }

    /// Reads every selected object that is recorded, where something was last recorded at `changed_at`.
    pub(crate) async fn read_all(
        &self,
        state: &State,
        selection: &Selection,
        changed_at: u64,
        declared: Option<&Graph>,
    ) -> Result<Readings, EngineError> {
        self.provider.known(&Known { state, declared });
        // Only what was created a moment ago can exist without being shown.
        let age = Duration::from_millis(self.host.now_millis().saturating_sub(changed_at));
        let patience = self.settle_grace.saturating_sub(age);
        let mut readings = HashMap::new();
        let mut reading = FuturesUnordered::new();
        for (address, object) in state.objects() {
            if !selection.contains(address.as_str()) {
                continue;
            }
            if reading.len() >= READS_AT_ONCE
                && let Some(read) = reading.next().await
            {
                let (seq, live) = read?;
                readings.insert(seq, live);
            }
            reading.push(self.read_one(address, object, patience));
        }
        while let Some(read) = reading.next().await {
            let (seq, live) = read?;
            readings.insert(seq, live);
        }
        Ok(readings)
    }

    async fn read_one(
        &self,
        address: &Address,
        object: &Object,
        patience: Duration,
    ) -> Result<(Seq, Reading), EngineError> {
        let unknown = || PlanError::UnknownKind { address: address.clone(), kind: object.kind.clone() };
        let kind = self.provider.kind(&object.kind).ok_or_else(unknown)?;
        let mut backoff = Backoff::retry(address.as_str(), patience);
        let waiting = |on: String, refused| {
            let address = address.clone();
            self.observer.observe(&Progress::Waiting { address, operation: None, on, refused });
        };
        loop {
            let look = || read(kind, &object.properties, &object.outputs);
            let refused = |error: &CallError| waiting(error.to_string(), Some(error.class));
            match repeat(address.as_str(), look, refused).await {
                Ok(Some(live)) => return Ok((object.seq, Reading::Found(live))),
                Ok(None) => {
                    waiting("it is not found; a new object may not be visible yet".to_owned(), None);
                    if !backoff.wait().await {
                        return Ok((object.seq, Reading::Missing));
                    }
                }
                Err(source) if source.class == ErrorClass::Denied => {
                    return Ok((object.seq, Reading::Denied(source)));
                }
                Err(source) => return Err(EngineError::Read { address: address.clone(), source }),
            }
        }
    }
}
