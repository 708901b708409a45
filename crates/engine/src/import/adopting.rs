//! Adopting what was looked at: it is recorded, and gets what says whose it is.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::{Adoption, Imports};
use crate::apply::{Done, Failure, InProgress, Report};
use crate::diff::changed_properties;
use crate::engine_error::EngineError;
use crate::error::ErrorClass;
use crate::event::{Event, Intended, Operation, Seq};
use crate::journal::NewIntent;
use crate::observer::Progress;
use crate::operate::{Cause, Changing, Operator};
use crate::provider::Kind;
use crate::session::Session;
use crate::step::Step;

impl Session {
    /// Records the objects, and puts on each what says whose it is.
    ///
    /// # Errors
    /// Where the lock was lost. What fails of an object is in the report.
    pub async fn adopt(&self, imports: &Imports) -> Result<Report, EngineError> {
        self.ends_with(self.adopt_each(imports)).await
    }

    async fn adopt_each(&self, imports: &Imports) -> Result<Report, EngineError> {
        // What ends this by itself does not end the session.
        let cancel = self.cancel.child();
        let operator = self.operator(&imports.graph, &cancel);
        let mut report = Report::default();
        let mut left = imports.adoptions.iter();
        self.looked().clear();
        operator.observer.observe(&Progress::Begun { total: imports.adoptions.len() });
        for one in left.by_ref() {
            let begun = Instant::now();
            let done = tokio::select! {
                biased;
                () = cancel.abandoned() => {
                    Err(Cause::Interrupted { during: "no answer yet".to_owned(), blocked: false })
                }
                done = operator.adopt(one) => done,
            };
            let is_over = tell(&mut report, &operator, one, done, begun.elapsed());
            if is_over || self.lost.is_cancelled() {
                break;
            }
        }
        report.not_begun.extend(left.map(|one| one.address.clone()));
        operator.observer.observe(&Progress::Ended);
        if self.lost.is_cancelled() && !report.is_stopped_by_journal() {
            return Err(self.lock().why_lost());
        }
        report.interrupted = self.cancel.is_cancelled();
        Ok(report)
    }
}

/// Puts what came of one adoption into the report; whether no other can be begun.
fn tell(
    report: &mut Report,
    operator: &Operator<'_>,
    one: &Adoption,
    done: Result<(), Cause>,
    took: Duration,
) -> bool {
    let (address, kind) = (one.address.clone(), one.kind.clone());
    let operation = Operation::Update;
    let (progress, is_over) = match done {
        Ok(()) => {
            let done = Done { address: address.clone(), operation: Some(operation), adopted: true, took };
            report.done.push(done);
            (Progress::Done { address, operation, adopted: true, took }, false)
        }
        Err(Cause::Interrupted { during, blocked }) => {
            match operator.is_begun(&address, Operation::Create) {
                true => report.in_progress.push(InProgress {
                    address: address.clone(),
                    kind,
                    operation,
                    during,
                    blocked,
                }),
                false => report.not_begun.push(address.clone()),
            }
            (Progress::Left { address, operation }, true)
        }
        Err(cause) => {
            let reason = cause.to_string();
            let is_over = matches!(cause, Cause::Journal(_)) || cause.is_expired();
            report.failed.push(Failure { address: address.clone(), kind, operation, cause });
            (Progress::Failed { address, operation, reason }, is_over)
        }
    };
    operator.observer.observe(&progress);
    is_over
}

impl Operator<'_> {
    async fn adopt(&self, adoption: &Adoption) -> Result<(), Cause> {
        let kind = self.kind(&adoption.kind)?;
        let step = adoption.step();
        let typical = Duration::from_secs(1);
        self.observer.observe(&Progress::Started {
            address: adoption.address.clone(),
            kind: adoption.kind.clone(),
            operation: Operation::Update,
            typical,
            remaining: typical,
        });
        let seq = match adoption.unfinished {
            Some(seq) => seq,
            None => self.record_adoption(adoption, &step).await?,
        };
        let outputs = self.mark(adoption, &step, kind).await?;
        Ok(self.journal.record(Event::Ready { seq, outputs }).await?)
    }

    async fn record_adoption(&self, adoption: &Adoption, step: &Step) -> Result<Seq, Cause> {
        self.may_call(step)?;
        let open = {
            let state = self.journal.state();
            let slot = state.slot(adoption.address.as_str());
            slot.and_then(|slot| slot.open_create()).map(|open| open.seq)
        };
        if let Some(seq) = open {
            // It was looked for when this run began, and is not there.
            self.journal.record(Event::Failed { seq, class: ErrorClass::NotFound }).await?;
        }
        let Intended { address, kind, mutation, properties, dependencies, protect, .. } =
            adoption.intended(String::new());
        let intent = NewIntent { address, kind, mutation, properties, dependencies, protect };
        let seq = self.journal.intend(intent).await?.seq;
        let outputs = adoption.outputs.clone();
        self.journal.record(Event::Created { seq, outputs, adopted: true }).await?;
        Ok(seq)
    }

    /// Puts on the object what says whose it is, and nothing else.
    async fn mark(&self, adoption: &Adoption, step: &Step, kind: &dyn Kind) -> Result<Value, Cause> {
        let Adoption { address, live, outputs, .. } = adoption;
        let marked = kind.marked(address, live);
        let changed = changed_properties(kind, live, &marked, &[]);
        if changed.is_empty() {
            return Ok(outputs.clone());
        }
        let update = || kind.update(&marked, outputs, live, changed.clone());
        let outputs = self.again(step, kind, Operation::Update, update).await?;
        let lingers = changed.iter().any(|property| kind.lingers(property));
        let changing = Changing { desired: &marked, lingers };
        self.wait_changed(step, kind, &changing, Operation::Update, outputs).await
    }
}
