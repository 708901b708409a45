//! `stack env list`: what is recorded on a target, environment by environment.

use engine::{EngineError, File, Holder, Opened, StoreError, inspect, last_opened, lock_holder};
use serde_json::json;

use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::moved::{Kept, Moved};
use crate::output::{Lines, print, print_json};
use crate::run::Work;
use crate::time::rfc3339;
use crate::unlock::{ago, holder_json};

/// One environment.
struct Listed {
    environment: Environment,
    /// How many objects are recorded; `None` where the record cannot be read.
    resources: Option<usize>,
    problem: Option<String>,
    last: Option<Opened>,
    holder: Option<Holder>,
    moved: Option<Moved>,
}

impl Work {
    pub(crate) async fn list_environments(&self) -> Result<Exit, Failure> {
        let places = self.places().await?;
        let mut all = Vec::new();
        for environment in self.environments_at(&places).await? {
            let kept = self.kept_at(&places, &environment);
            all.extend(listed(environment, &kept).await?);
        }
        if self.options.json {
            let one = |one: &Listed| {
                json!({
                    "environment": one.environment.as_str(),
                    "resources": one.resources,
                    "problem": one.problem,
                    "last_run": one.last.as_ref().map(|last| json!({ "at": rfc3339(last.at), "by": last.holder })),
                    "running": one.holder.as_ref().map(holder_json),
                    "moved_to": one.moved.as_ref().map(|moved| &moved.to),
                })
            };
            print_json(&all.iter().map(one).collect())?;
            return Ok(Exit::Done);
        }
        let mut lines = Lines::new();
        if all.is_empty() {
            lines.line(format!("no environment has a state on --target {}", self.options.target.name()));
        }
        for one in &all {
            line(&mut lines, one);
        }
        print(&lines)?;
        Ok(Exit::Done)
    }
}

/// `None` where nothing was ever recorded.
async fn listed(environment: Environment, kept: &Kept) -> Result<Option<Listed>, Failure> {
    let store = kept.files();
    let of_store = |error: StoreError| engine_failure(EngineError::Journal(error.into()));
    let holder = lock_holder(&*store).await.map_err(|error| engine_failure(EngineError::Lock(error)))?;
    let moved = kept.moved().await.map_err(of_store)?;
    let (resources, problem) = match inspect(&*store).await {
        Ok(Some(inspection)) => (Some(inspection.state.objects().count()), None),
        Ok(None) if holder.is_none() && moved.is_none() => return Ok(None),
        Ok(None) => (Some(0), None),
        // A bucket that does not answer is an error; a state that is damaged is a line, and the others are shown.
        Err(engine::JournalError::Store(error)) => {
            return Err(engine_failure(EngineError::Journal(engine::JournalError::Store(error))));
        }
        Err(error) => (None, Some(error.to_string())),
    };
    let last = last_run(kept, holder.as_ref()).await.map_err(of_store)?;
    Ok(Some(Listed { environment, resources, problem, last, holder, moved }))
}

/// The newest session of a state: as the journal has it, or of whoever has just taken the lock.
pub(crate) async fn last_run(kept: &Kept, holder: Option<&Holder>) -> Result<Option<Opened>, StoreError> {
    let journal = kept.files().read(File::Journal).await;
    let last = journal.ok().flatten().and_then(|content| last_opened(&content.bytes));
    let last = match (last, kept) {
        // In S3, each run ends with a new journal, and what it recorded is in the one before.
        (None, Kept::S3(store)) => store.session_before().await?.and_then(|lines| last_opened(&lines)),
        (last, _) => last,
    };
    let holding = holder.map(|holder| Opened { holder: holder.who.clone(), at: holder.since });
    Ok(last.into_iter().chain(holding).max_by_key(|opened| opened.at))
}

fn line(lines: &mut Lines, one: &Listed) {
    let resources = match one.resources {
        None => "not readable".to_owned(),
        Some(1) => "1 resource".to_owned(),
        Some(count) => format!("{count} resources"),
    };
    lines.add(format!("{:<16}  {resources:<14}", one.environment.as_str()));
    match &one.last {
        Some(last) => {
            lines.add(format!("  last run {} ({}) by {}", rfc3339(last.at), ago(last.at), last.holder))
        }
        None => lines.add("  last run unknown"),
    };
    if let Some(Holder { who, purpose, is_dead, since, .. }) = &one.holder {
        let doing = purpose.as_deref().unwrap_or("a run");
        match is_dead {
            true => lines.add(format!("; {doing} of {who} was killed, and is resumed by the next run")),
            false => lines.add(format!("; running: {doing}, by {who}, since {}", ago(*since))),
        };
    }
    if let Some(moved) = &one.moved {
        lines.add(format!("; old: moved to {}", moved.to));
    }
    if let Some(problem) = &one.problem {
        lines.add(format!("; {problem}"));
    }
    lines.end();
}
