//! What a process does in a world.

use std::sync::Arc;
use std::time::Duration;

use emulator::Emulator;
use engine::{Choice, Engine, EngineError, Graph, Plan, Report, Session, lock_holder, unlock};
use tokio::time::timeout;

use crate::accepting::accept;
use crate::import::{self, Wish};
use crate::pause::Pause;
use crate::world::{Ended, words};

/// For so long the request of a process is held up while another one opens the journal.
const OPENS_WITHIN: Duration = Duration::from_secs(5);

/// What a process does: it adopts, and then does what is chosen of all that is wanted.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) wanted: &'a Arc<Graph>,
    pub(crate) wishes: &'a [Wish],
    pub(crate) choice: &'a Choice,
    /// It takes what is live into the state instead.
    pub(crate) accepting: bool,
}

/// Another machine takes the lock away from whoever holds it, and does the work. Who was held up meanwhile goes on once this one
/// has opened the journal.
pub(crate) async fn take_over(
    engine: &Engine,
    store: &dyn engine::Store,
    emulator: &Emulator,
    work: Work<'_>,
    pause: &Pause,
) -> Ended {
    let session = async {
        if let Some(holder) = lock_holder(store).await? {
            unlock(store, &holder.id).await?;
        }
        engine.open().await
    };
    let mut session = std::pin::pin!(session);
    // To open includes to look for what was left open, which may take longer than anybody waits for an answer of S3.
    let opened = timeout(OPENS_WITHIN, &mut session).await;
    pause.go_on();
    let working = async {
        let session = match opened {
            Ok(opened) => opened?,
            Err(_) => session.await?,
        };
        finish(session, emulator, work, async |_| {}, &mut None).await
    };
    ended(working.await)
}

/// Opens a session, and does the work.
pub(crate) async fn plan_and_apply(
    engine: &Engine,
    emulator: &Emulator,
    work: Work<'_>,
    between: impl AsyncFnOnce(&Emulator),
    planned: &mut Option<Plan>,
) -> Ended {
    let working = async {
        let session = engine.open().await?;
        finish(session, emulator, work, between, planned).await
    };
    ended(working.await)
}

async fn finish(
    session: Session,
    emulator: &Emulator,
    work: Work<'_>,
    between: impl AsyncFnOnce(&Emulator),
    planned: &mut Option<Plan>,
) -> Result<(usize, Report), EngineError> {
    if work.accepting {
        return accept(session).await.map(|changes| (changes, Report::default()));
    }
    let applied = in_session(&session, emulator, work, between, planned).await;
    let closed = session.close().await;
    let applied = applied?;
    closed?;
    Ok(applied)
}

fn ended(done: Result<(usize, Report), EngineError>) -> Ended {
    match done {
        Ok((changes, report)) if report.is_complete() => Ended::Complete { changes },
        Ok((_, report)) => Ended::Incomplete(failures(&report)),
        Err(error) => Ended::Refused(words::<EngineError>(&error)),
    }
}

async fn in_session(
    session: &Session,
    emulator: &Emulator,
    work: Work<'_>,
    between: impl AsyncFnOnce(&Emulator),
    planned: &mut Option<Plan>,
) -> Result<(usize, Report), EngineError> {
    if let Some(report) = import::adopt(session, work.wanted, work.wishes).await? {
        return Ok((0, report));
    }
    let plan = session.plan_chosen(Arc::clone(work.wanted), work.choice).await?;
    let plan = planned.insert(plan);
    between(emulator).await;
    let report = session.apply(plan).await?;
    let changes = plan.steps().iter().filter(|step| step.is_change()).count();
    Ok((changes, report))
}

fn failures(report: &Report) -> Vec<String> {
    let failed =
        report.failed.iter().map(|failure| format!("{}: {}", failure.address, words(&failure.cause)));
    let in_progress = report.in_progress.iter().map(|left| format!("{}: in progress", left.address));
    let not_begun = report.not_begun.iter().map(|address| format!("{address}: not begun"));
    failed.chain(in_progress).chain(not_begun).collect()
}
