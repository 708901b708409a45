//! Running a plan: everything that is ready at once, what takes longest first.

use std::collections::BinaryHeap;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::address::Address;
use crate::event::Operation;
use crate::observer::Progress;
use crate::operate::{Cause, Operator};
use crate::plan::{Action, Plan, Step};
use crate::removal::Fate;
use crate::schedule::{Part, Task};
use crate::state::Phase;

/// Something that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The resource.
    pub address: Address,
    /// What was done; `None` where only what is recorded changed.
    pub operation: Option<Operation>,
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
    /// What was not begun because the run was interrupted.
    pub not_begun: Vec<Address>,
    /// What was in progress when the journal could not be written any more, or the lock was lost. That is one failure, the
    /// first; the next run looks up what came of these.
    pub unrecorded: Vec<Address>,
    /// Whether the run was interrupted.
    pub interrupted: bool,
}

impl Report {
    /// Whether everything that was planned is done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.skipped.is_empty() && self.not_begun.is_empty()
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
        (Part::Do, _) if step.phase == Some(Phase::Creating) => Operation::Create,
        (Part::Do, _) => Operation::Update,
    }
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
    skipped: Vec<bool>,
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
        skipped: vec![false; tasks.len()],
        report: Report::default(),
    };
    for (position, task) in tasks.iter().enumerate() {
        if task.waits_for == 0 {
            run.ready.push((task.remaining, std::cmp::Reverse(position)));
        }
    }
    run.drive(operator).await;
    run.report
}

/// Whether a person wants to hear of a task: not where only what is recorded changes.
fn visible(plan: &Plan, task: &Task) -> bool {
    let step = &plan.steps()[task.step];
    match task.part {
        Part::Do => step.is_change(),
        Part::Delete => !step.removal().is_some_and(|removal| removal.fate == Fate::Retained),
    }
}

impl Run<'_> {
    async fn drive(&mut self, operator: &Operator<'_>) {
        let plan = self.plan;
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut running = FuturesUnordered::new();
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
        // A journal that fails cancels the rest, but nobody interrupted it.
        self.report.interrupted = operator.cancel.is_cancelled() && !self.report.is_stopped_by_journal();
        for (position, task) in plan.schedule.tasks.iter().enumerate() {
            if !self.begun[position] && !self.skipped[position] && visible(plan, task) {
                self.report.not_begun.push(plan.steps()[task.step].address.clone());
            }
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
        match result {
            Ok(()) => {
                self.identified(position);
                self.release(position, false);
                if shown {
                    operator.observer.observe(&Progress::Done {
                        address: step.address.clone(),
                        operation,
                        took,
                    });
                }
                let operation = shown.then_some(operation);
                self.report.done.push(Done { address: step.address.clone(), operation, took });
            }
            // What ends the run is told once, not for everything that was in progress.
            Err(_) if self.report.is_stopped_by_journal() || !operator.lock.is_held() => {
                self.report.unrecorded.push(step.address.clone());
            }
            Err(cause) => {
                let (address, kind) = (step.address.clone(), step.kind.clone());
                if matches!(cause, Cause::Journal(_)) {
                    // Without a journal nothing more may be begun. It is not the resource's failure, and ends the session
                    // with an error of its own.
                    operator.cancel.cancel();
                } else {
                    let (address, reason) = (address.clone(), cause.to_string());
                    operator.observer.observe(&Progress::Failed { address, operation, reason });
                    self.skip_dependents(position, operator);
                }
                self.report.failed.push(Failure { address, kind, operation, cause });
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
            kind: step.kind.clone(),
            operation: operation(step, task.part),
        });
    }
    let identified = || {
        // The receiver lives as long as the run.
        let _ = tell.send(Told::Identified(position));
    };
    let result = match task.part {
        Part::Do => operator.perform(step, identified).await,
        Part::Delete => operator.delete(step).await,
    };
    (position, begun.elapsed(), result)
}
