//! `stack state push` and `stack state pull`: the state of an environment moves between the state directory and S3.
//!
//! # Order
//! Both locks are held. The target is marked as one that is not in use, the copy is made and checked, the source is marked, and the
//! target's mark is taken away. So at any moment at most one of the two can be used, except before a first copy has begun, and a
//! move that was cut off is made again with the same command:
//!
//! | cut off after | source | target |
//! |---|---|---|
//! | the target was marked, or the copy | in use | marked |
//! | the source was marked | marked | marked |

use std::sync::Arc;
use std::time::Duration;

use engine::{
    Awaited, EngineError, Holding, LockError, Observer as _, Progress, Store, StoreError, SystemHost,
    Transfer, TransferError, hold,
};
use s3_store::Unfit;
use serde_json::json;

use crate::cli::Target;
use crate::codes::Code;
use crate::environments::last_run;
use crate::exit::{Exit, Failure};
use crate::failures::{S3, code_of_journal, engine_failure};
use crate::moved::{Kept, Moved};
use crate::output::{Lines, note, print, print_json, tell};
use crate::progress::Screen;
use crate::question::agreed;
use crate::run::{Work, nothing_changed};
use crate::signals::Signals;
use crate::state_args::Backend;
use crate::stores::{purpose, unfit};
use crate::time::rfc3339;

/// One place of two, and its lock.
struct Side {
    kept: Kept,
    files: Arc<dyn Store>,
    lock: Holding,
}

impl Work {
    pub(crate) async fn push(&self, signals: &Signals) -> Result<Exit, Failure> {
        let (local, bucket) = self.both_places().await?;
        if let Kept::S3(store) = &bucket {
            let fit = async {
                store.check().await?;
                store.probe().await
            };
            fit.await.map_err(|error: Unfit| unfit(&error))?;
        }
        self.move_state("push", local, bucket, signals).await
    }

    pub(crate) async fn pull(&self, signals: &Signals) -> Result<Exit, Failure> {
        let (local, bucket) = self.both_places().await?;
        self.move_state("pull", bucket, local, signals).await
    }

    /// The state directory and the bucket.
    async fn both_places(&self) -> Result<(Kept, Kept), Failure> {
        if self.options.target == Target::Embedded {
            return Err(Failure::new(
                Exit::Usage,
                "there is no state to move: the embedded AWS keeps its state in the state directory",
            )
            .hint("for the state of real AWS, add --target aws")
            .coded(Code::CommandLine));
        }
        let bucket = Kept::S3(self.state_in().await?.store(Some(&self.environment)));
        Ok((Kept::local(self.local(&self.environment)), bucket))
    }

    async fn move_state(
        &self,
        command: &str,
        from: Kept,
        to: Kept,
        signals: &Signals,
    ) -> Result<Exit, Failure> {
        let Some(from) = self.lock_side(command, from, signals).await? else { return Ok(nothing_changed()) };
        let to = match self.lock_side(command, to, signals).await {
            Ok(Some(to)) => to,
            failed => {
                let _ = from.lock.release().await;
                return failed.map(|_| nothing_changed());
            }
        };
        let moved = self.move_between(command, &from, &to, signals).await;
        for Side { lock, .. } in [from, to] {
            // Otherwise it runs out.
            let _ = lock.release().await;
        }
        moved
    }

    /// `None` if it was interrupted.
    async fn lock_side(&self, command: &str, kept: Kept, signals: &Signals) -> Result<Option<Side>, Failure> {
        let files = kept.files();
        let screen = Screen::detect();
        let waiting = |holder: &str, awaited: Awaited, left: Duration| {
            screen.observe(&Progress::WaitingForLock { holder: holder.to_owned(), awaited, left });
        };
        let purpose = purpose(&format!("state {command}"));
        let (host, patience) = (Arc::new(SystemHost), self.options.lock_timeout);
        let cancel = signals.cancel().child();
        match hold(Arc::clone(&files), host, &purpose, patience, cancel, waiting).await {
            Ok(lock) => Ok(Some(Side { kept, files, lock })),
            Err(LockError::Interrupted) => Ok(None),
            Err(error) => Err(engine_failure(EngineError::Lock(error))),
        }
    }

    async fn move_between(
        &self,
        command: &str,
        from: &Side,
        to: &Side,
        signals: &Signals,
    ) -> Result<Exit, Failure> {
        let (source, target) = (from.kept.place(), to.kept.place());
        let (source_moved, target_moved) = (moved(from).await?, moved(to).await?);
        if let Some(moved) = source_moved.as_ref().filter(|moved| moved.to != target) {
            return Err(moved.failure().context(format!("there is nothing to {command}")));
        }
        if let Some(moved) = target_moved.as_ref().filter(|moved| moved.to != source) {
            return Err(moved.failure().context(format!("the state in {target} is not in use")));
        }
        if source_moved.is_some() && target_moved.is_none() {
            note(&format!("nothing to {command}: the state is in {target} already"));
            return self.tell_moved(&source, &target, None);
        }
        let transfer = Transfer::plan(&*from.files, &*to.files, target_moved.is_some()).await;
        let transfer = match transfer {
            Ok(transfer) => transfer,
            Err(error) => return Err(self.refused(&error, from, to).await),
        };
        if let Some(records) = transfer.overwrites() {
            let there = match records {
                0 => "what is there cannot be read".to_owned(),
                _ => format!("{}{}", count(records), last(to).await),
            };
            let comes = format!("{}{}", count(transfer.head().records), last(from).await);
            let mut lines = Lines::new();
            lines
                .line(format!("  the state in {target} ({there})"))
                .line(format!("  will be overwritten with that in {source} ({comes})"));
            tell(lines);
            let question = format!("OVERWRITE the state in {target}");
            if let Some(exit) = agreed(&self.options, &question, signals).await?.cancelled() {
                return Ok(exit);
            }
        }
        let both = [from, to];
        mark(to, Some(&Moved::to(&source)), both).await?;
        held(both)?;
        if let Err(error) = transfer.run(&*from.files, &*to.files).await {
            return Err(self.refused(&error, from, to).await);
        }
        mark(from, Some(&Moved::to(&target)), both).await?;
        mark(to, None, both).await?;
        self.tell_moved(&source, &target, Some(&transfer))
    }

    fn tell_moved(&self, source: &str, target: &str, transfer: Option<&Transfer>) -> Result<Exit, Failure> {
        let state = &self.loaded.config.state;
        let is_in_bucket = target.starts_with("s3://");
        let to_configure = match (is_in_bucket, state.backend) {
            (true, _) => self.missing_lines(),
            (false, Backend::S3) => vec!["backend = \"local\"".to_owned()],
            (false, Backend::Local) => Vec::new(),
        };
        if self.options.json {
            print_json(&json!({
                "from": source,
                "to": target,
                "records": transfer.map_or(0, Transfer::records),
                "head": transfer.map(Transfer::head),
                "to_configure": to_configure,
            }))?;
            return Ok(Exit::Done);
        }
        let mut lines = Lines::new();
        if let Some(transfer) = transfer {
            let records = count(transfer.records());
            lines.line(format!("moved {source} to {target}: {records} copied, every hash matches"));
            lines.line(format!("head     {}", transfer.head()));
            lines.line(format!("what stays in {source} is old: it is marked, and refused from now on"));
        }
        if !to_configure.is_empty() {
            let until = match is_in_bucket {
                true => "now write into the configuration:",
                false => "now write into the configuration, or every command is refused:",
            };
            lines.line(until).line("").line("[state]");
            to_configure.iter().for_each(|missing| {
                lines.line(missing);
            });
        }
        print(&lines)?;
        Ok(Exit::Done)
    }

    /// What to do about two states that cannot be brought together, with who used each of them last.
    async fn refused(&self, error: &TransferError, from: &Side, to: &Side) -> Failure {
        let sides =
            format!("{}{}; {}{}", from.kept.place(), last(from).await, to.kept.place(), last(to).await);
        let hint = match error {
            TransferError::Nothing { .. } => {
                "`stack up` begins one; --env, --target and --state-dir say where to look".to_owned()
            }
            TransferError::Newer { .. } => format!(
                "the state there was used since: set `state.backend` to where it is, or move it the other way. {sides}"
            ),
            TransferError::Diverged { .. }
            | TransferError::OtherState { .. }
            | TransferError::Longer { .. } => {
                format!(
                    "nothing was changed. {sides}. Find out which of the two describes what is deployed: `stack refresh` with `--set \
                     state.backend=local`, and with `--set state.backend=s3 --state-dir elsewhere`. If it is the one in the bucket, move \
                     the files of the state directory to another place and keep them. If it is the one on this machine, set \
                     `state.prefix` to a new value and push it there: the other one stays where it is. What only the other one knows, the \
                     next `stack up` takes over by its tags"
                )
            }
            TransferError::Unproven { .. } => format!(
                "nothing was changed. If it is an old copy, move it to another place, and do this again. {sides}"
            ),
            TransferError::Unlike { .. } => {
                "run it again: nothing is lost, and the source is in use as before".to_owned()
            }
            _ => "keep a copy of both places, and restore the damaged file from a backup or an old version"
                .to_owned(),
        };
        if let TransferError::Journal(journal) = error
            && matches!(journal, engine::JournalError::Store(_) | engine::JournalError::Broken { .. })
        {
            return of_journal(journal, hint);
        }
        let code = match error {
            TransferError::Nothing { .. } => Code::NothingRecorded,
            TransferError::Unlike { .. } => Code::StateStore,
            TransferError::Journal(journal) => code_of_journal(journal),
            _ => Code::StateElsewhere,
        };
        Failure::from_error(Exit::Configuration, error).hint(hint).coded(code)
    }
}

/// A journal that cannot be read or written, at one of the two places.
fn of_journal(error: &engine::JournalError, hint: String) -> Failure {
    match error {
        engine::JournalError::Store(store) => {
            engine_failure(EngineError::Journal(engine::JournalError::Store(Arc::clone(store))))
        }
        engine::JournalError::Broken { file, line, reason } if file.starts_with(S3) => {
            let (file, line, reason) = (file.clone(), *line, reason.clone());
            engine_failure(EngineError::Journal(engine::JournalError::Broken { file, line, reason }))
        }
        error => Failure::from_error(Exit::Configuration, error).hint(hint).coded(code_of_journal(error)),
    }
}

fn count(records: u64) -> String {
    match records {
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    }
}

/// Who used a state last, as far as that can be seen: for a list in brackets, or behind a place.
async fn last(side: &Side) -> String {
    match last_run(&side.kept, None).await {
        Ok(Some(last)) => format!(", last run {} by {}", rfc3339(last.at), last.holder),
        _ => String::new(),
    }
}

async fn mark(side: &Side, note: Option<&Moved>, both: [&Side; 2]) -> Result<(), Failure> {
    held(both)?;
    side.kept.set_moved(note).await.map_err(store_failure)
}

/// Whoever has taken a lock over may write there.
fn held(both: [&Side; 2]) -> Result<(), Failure> {
    match both.iter().all(|side| side.lock.is_held()) {
        true => Ok(()),
        false => Err(engine_failure(EngineError::LockLost)),
    }
}

async fn moved(side: &Side) -> Result<Option<Moved>, Failure> {
    side.kept.moved().await.map_err(store_failure)
}

pub(crate) fn store_failure(error: StoreError) -> Failure {
    engine_failure(EngineError::Journal(error.into()))
}
