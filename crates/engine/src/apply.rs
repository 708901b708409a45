//! Running a plan: everything that is ready at once, what takes longest first.

use std::collections::{BinaryHeap, HashSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::address::Address;
use crate::event::Operation;
use crate::observer::Progress;
use crate::operate::{Cause, Operator};
use crate::plan::Plan;
use crate::removal::Fate;
use crate::schedule::{Part, Task, gains};
use crate::state::Phase;
use crate::step::{Action, Step};

/// Something that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The resource.
    pub address: Address,
    /// What was done; `None` where only what is recorded changed.
    pub operation: Option<Operation>,
    /// Whether the object of a creation was there already.
    pub adopted: bool,
    /// How long it took.
    pub took: Duration,
}

/// Something that failed.
#[derive(Debug)]
pub struct Failure {
    /// The resource.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// What was tried.
    pub operation: Operation,
    /// Why.
    pub cause: Cause,
}

/// Something that was begun and that the next run goes on with.
#[derive(Clone, Debug, PartialEq)]
pub struct InProgress {
    /// The resource.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// What was being done.
    pub operation: Operation,
    /// What it was waiting for.
    pub during: String,
    /// Whether the cloud kept refusing, so that waiting alone may not help.
    pub blocked: bool,
}

/// Something that was not tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Skipped {
    /// The resource.
    pub address: Address,
    /// What was not tried.
    pub operation: Operation,
    /// The resource whose failure is the reason.
    pub because: Address,
}

/// What an apply did and did not do.
#[derive(Debug, Default)]
pub struct Report {
    /// What was done, in the order in which it ended.
    pub done: Vec<Done>,
    /// What failed: the root causes.
    pub failed: Vec<Failure>,
    /// What was not tried because of a failure.
    pub skipped: Vec<Skipped>,
    /// What was begun before the run was interrupted, or could not go on, and is neither done nor failed.
    pub in_progress: Vec<InProgress>,
    /// What was not begun because the run was interrupted, or could not go on.
    pub not_begun: Vec<Address>,
    /// How many steps were not reached that would only have been recorded: nothing is called for them.
    pub unrecorded: usize,
    /// Whether the run was interrupted.
    pub interrupted: bool,
}

impl Report {
    /// Whether everything that was planned is done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty()
            && self.skipped.is_empty()
            && self.in_progress.is_empty()
            && self.not_begun.is_empty()
            && self.unrecorded == 0
    }

    /// Whether the run ended early because its credentials had expired.
    #[must_use]
    pub fn credentials_expired(&self) -> bool {
        self.failed.iter().any(|failure| failure.cause.is_expired())
    }

    /// Whether the run ended because the journal could not be written.
    #[must_use]
    pub fn is_stopped_by_journal(&self) -> bool {
        self.failed.iter().any(|failure| matches!(failure.cause, Cause::Journal(_)))
    }
}

fn operation(step: &Step, part: Part) -> Operation {
    match (part, &step.action) {
        (Part::Delete, _) => Operation::Delete,
        (Part::Do, Action::Create | Action::Replace { .. }) => Operation::Create,
        (Part::Do, _) if is_being_created(step) => Operation::Create,
        (Part::Do | Part::Widen, _) => Operation::Update,
    }
}

fn is_being_created(step: &Step) -> bool {
    step.existing().is_some_and(|existing| existing.phase == Phase::Creating)
}

/// What a running task tells.
enum Told {
    /// The identity of a new object is known: those who need no more can begin.
    Identified(usize),
}

struct Run<'a> {
    plan: &'a Plan,
    waits: Vec<usize>,
    /// Longest remaining path first; then in the order of the plan.
    ready: BinaryHeap<(u64, std::cmp::Reverse<usize>)>,
    early_released: Vec<bool>,
    begun: Vec<bool>,
    ended: Vec<bool>,
    skipped: Vec<bool>,
    /// What is in the report as not begun.
    named: HashSet<Address>,
    report: Report,
}

/// Runs the plan until nothing can be done any more.
pub(crate) async fn apply(plan: &Plan, operator: &Operator<'_>) -> Report {
    let tasks = &plan.schedule.tasks;
    operator
        .observer
        .observe(&Progress::Begun { total: tasks.iter().filter(|task| visible(plan, task)).count() });
    let mut run = Run {
        plan,
        waits: tasks.iter().map(|task| task.waits_for).collect(),
        ready: BinaryHeap::new(),
        early_released: vec![false; tasks.len()],
        begun: vec![false; tasks.len()],
        ended: vec![false; tasks.len()],
        skipped: vec![false; tasks.len()],
        named: HashSet::new(),
        report: Report::default(),
    };
    for (position, task) in tasks.iter().enumerate() {
        if task.waits_for == 0 {
            run.ready.push((task.remaining, std::cmp::Reverse(position)));
        }
    }
    run.drive(operator).await;
    operator.observer.observe(&Progress::Ended);
    run.report
}

/// Whether a person wants to hear of a task: not where only what is recorded changes.
fn visible(plan: &Plan, task: &Task) -> bool {
    let step = &plan.steps()[task.step];
    match task.part {
        Part::Do => step.is_change(),
        Part::Widen => step.changes.iter().any(|change| gains(step, change.property())),
        Part::Delete => !step.removal().is_some_and(|removal| removal.fate == Fate::Retained),
    }
}

impl Run<'_> {
    async fn drive(&mut self, operator: &Operator<'_>) {
        let plan = self.plan;
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut running = FuturesUnordered::new();
        let mut stopping = false;
        loop {
            while !operator.cancel.is_cancelled()
                && let Some((_, std::cmp::Reverse(position))) = self.ready.pop()
            {
                self.begun[position] = true;
                let tell = tell.clone();
                running.push(run_task(plan, operator, position, tell));
            }
            if running.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                // As if the process had died here, but for what is recorded already and the lock: calls that were not
                // answered are looked up by the next run.
                () = operator.cancel.abandoned() => break,
                () = operator.cancel.cancelled(), if !stopping => {
                    stopping = true;
                    let calls = operator.in_flight.load(Ordering::Relaxed);
                    operator.observer.observe(&Progress::Stopping { calls });
                }
                Some(Told::Identified(position)) = told.recv() => self.identified(position),
                Some((position, took, result)) = running.next() => {
                    // What was told before the end counts before the end.
                    while let Ok(Told::Identified(position)) = told.try_recv() {
                        self.identified(position);
                    }
                    self.ended(position, took, result, operator);
                }
                else => break,
            }
        }
        drop(running);
        for position in 0..plan.schedule.tasks.len() {
            if self.begun[position] && !self.ended[position] {
                self.left(position, "no answer yet".to_owned(), false, operator);
            }
            if !self.begun[position] && !self.skipped[position] {
                self.not_begun(position);
            }
        }
    }

    /// Notes what was begun and is left to the next run.
    fn left(&mut self, position: usize, during: String, blocked: bool, operator: &Operator<'_>) {
        let task = &self.plan.schedule.tasks[position];
        if !visible(self.plan, task) {
            self.report.unrecorded += 1;
            return;
        }
        let step = &self.plan.steps()[task.step];
        let operation = operation(step, task.part);
        let (address, kind) = (step.address.clone(), task.part.kind(step).to_owned());
        operator.observer.observe(&Progress::Left { address: address.clone(), operation });
        // What was never sent has left no trace.
        if blocked || operator.is_begun(&address, operation) {
            self.report.in_progress.push(InProgress { address, kind, operation, during, blocked });
        } else {
            self.not_begun(position);
        }
    }

    /// Notes what was not begun, once for each resource.
    fn not_begun(&mut self, position: usize) {
        let task = &self.plan.schedule.tasks[position];
        if !visible(self.plan, task) {
            self.report.unrecorded += 1;
            return;
        }
        let address = &self.plan.steps()[task.step].address;
        if self.named.insert(address.clone()) {
            self.report.not_begun.push(address.clone());
        }
    }

    fn identified(&mut self, position: usize) {
        if !std::mem::replace(&mut self.early_released[position], true) {
            self.release(position, true);
        }
    }

    fn release(&mut self, position: usize, early: bool) {
        let tasks = &self.plan.schedule.tasks;
        for &(dependent, _) in tasks[position].dependents.iter().filter(|(_, is_early)| *is_early == early) {
            self.waits[dependent] -= 1;
            if self.waits[dependent] == 0 && !self.skipped[dependent] {
                self.ready.push((tasks[dependent].remaining, std::cmp::Reverse(dependent)));
            }
        }
    }

    fn ended(&mut self, position: usize, took: Duration, result: Result<(), Cause>, operator: &Operator<'_>) {
        let task = &self.plan.schedule.tasks[position];
        let step = &self.plan.steps()[task.step];
        let operation = operation(step, task.part);
        let shown = visible(self.plan, task);
        self.ended[position] = true;
        match result {
            Ok(()) => {
                self.identified(position);
                self.release(position, false);
                let adopted = shown && operation == Operation::Create && operator.is_adopted(&step.address);
                if shown {
                    let address = step.address.clone();
                    operator.observer.observe(&Progress::Done { address, operation, adopted, took });
                }
                let operation = shown.then_some(operation);
                self.report.done.push(Done { address: step.address.clone(), operation, adopted, took });
            }
            Err(Cause::Interrupted { during, blocked }) => self.left(position, during, blocked, operator),
            // What ends the run is told once, not for everything that was in progress.
            Err(cause)
                if (cause.is_expired() && self.report.credentials_expired())
                    || self.report.is_stopped_by_journal()
                    || !operator.lock.is_held() =>
            {
                self.left(position, cause.to_string(), false, operator);
            }
            Err(cause) => {
                // Without a journal nothing more may be begun, and without credentials nothing more can be.
                let (journal, expired) = (matches!(cause, Cause::Journal(_)), cause.is_expired());
                if journal || expired {
                    operator.cancel.cancel();
                }
                let (address, kind) = (step.address.clone(), task.part.kind(step).to_owned());
                // A journal that fails is not the resource's failure, and ends the session with an error of its own.
                if !journal {
                    let (address, reason) = (address.clone(), cause.to_string());
                    operator.observer.observe(&Progress::Failed { address, operation, reason });
                }
                self.report.failed.push(Failure { address, kind, operation, cause });
                if !journal && !expired {
                    self.skip_dependents(position, operator);
                }
            }
        }
    }

    fn skip_dependents(&mut self, failed: usize, operator: &Operator<'_>) {
        let plan = self.plan;
        let because = &plan.steps()[plan.schedule.tasks[failed].step].address;
        let mut pending = vec![failed];
        while let Some(position) = pending.pop() {
            for &(dependent, _) in &plan.schedule.tasks[position].dependents {
                if self.begun[dependent] || std::mem::replace(&mut self.skipped[dependent], true) {
                    continue;
                }
                pending.push(dependent);
                let task = &plan.schedule.tasks[dependent];
                if visible(plan, task) {
                    let step = &plan.steps()[task.step];
                    let (address, operation) = (step.address.clone(), operation(step, task.part));
                    let because = because.clone();
                    operator.observer.observe(&Progress::Skipped {
                        address: address.clone(),
                        operation,
                        because: because.clone(),
                    });
                    self.report.skipped.push(Skipped { address, operation, because });
                }
            }
        }
    }
}

async fn run_task(
    plan: &Plan,
    operator: &Operator<'_>,
    position: usize,
    tell: mpsc::UnboundedSender<Told>,
) -> (usize, Duration, Result<(), Cause>) {
    let task = &plan.schedule.tasks[position];
    let step = &plan.steps()[task.step];
    let begun = Instant::now();
    if visible(plan, task) {
        operator.observer.observe(&Progress::Started {
            address: step.address.clone(),
            kind: task.part.kind(step).to_owned(),
            operation: operation(step, task.part),
            typical: Duration::from_secs(task.own),
            remaining: Duration::from_secs(task.remaining),
        });
    }
    let identified = || {
        // The receiver lives as long as the run.
        let _ = tell.send(Told::Identified(position));
    };
    let result = match task.part {
        Part::Do => operator.perform_last(step, plan.steps(), identified).await,
        Part::Widen => operator.widen(step, plan.steps()).await,
        Part::Delete => operator.delete(step, plan.steps()).await,
    };
    (position, begun.elapsed(), result)
}
