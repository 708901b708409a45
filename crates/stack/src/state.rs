//! `stack state verify`: whether the record of what was deployed is whole.

use std::time::Duration;

use serde_json::json;

use engine::{EngineError, inspect};

use crate::anchor::{Anchors, SHOWN_WITHIN};
use crate::cli::Target;
use crate::codes::Code;
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::output::{Lines, print, print_json};
use crate::run::Work;

impl Work {
    /// Checks snapshot and chain, and compares with the anchors where some are kept. Takes no lock; calls nothing without
    /// anchors.
    pub(crate) async fn verify_state(&self) -> Result<Exit, Failure> {
        let store = self.store().await?;
        let nothing = || {
            Failure::new(Exit::Configuration, format!("{}: no state", self.title()))
                .coded(Code::NothingRecorded)
                .hint("`stack up` begins one; --env, --target and --state-dir say where to look")
        };
        let inspected =
            inspect(&*store).await.map_err(|error| engine_failure(EngineError::Journal(error)))?;
        let state = inspected.ok_or_else(nothing)?;
        let anchors = match self.loaded.config.state.anchor_log_group {
            Some(_) => Anchors::of(&self.loaded.config, &self.environment, &self.connect().await?),
            None => None,
        };
        let (state, findings) = match &anchors {
            // What was read before anybody signed in may be old by now.
            Some(anchors) => {
                let (state, findings) = anchors.check(&*store, self.patience()).await?.ok_or_else(nothing)?;
                (state, Some(findings))
            }
            None => (state, None),
        };
        if self.options.json {
            print_json(&json!({
                "lineage": state.head.lineage,
                "records": state.head.records,
                "head": state.head.head,
                "in_snapshot_only": state.after,
                "torn": state.torn,
                "anchors": findings.as_ref().map(crate::anchor::Findings::json),
            }))?;
        } else {
            let mut lines = Lines::new();
            lines.line(format!("lineage  {}", state.head.lineage));
            lines.add(format!("records  {}", state.head.records));
            if state.after > 0 {
                lines.add(format!(" ({} of them only in the snapshot)", state.after));
            }
            lines
                .end()
                .line(format!("head     {}", state.head.head))
                .line("chain    whole: every hash matches");
            if state.torn {
                lines.line(
                    "torn     the last line was cut off while it was written, and never counted; the next run removes it",
                );
            }
            let anchors = match &findings {
                None => {
                    "none kept; without one, anyone who can write the state can rewrite the chain".to_owned()
                }
                Some(findings) if findings.problem().is_none() => findings.text(),
                Some(_) => "NOT CONFIRMED".to_owned(),
            };
            print(lines.line(format!("anchors  {anchors}")))?;
        }
        match (anchors, findings.and_then(|findings| findings.problem())) {
            (Some(anchors), Some(problem)) => Err(Failure::new(
                Exit::Configuration,
                format!("the anchors do not confirm this state: {problem}"),
            )
            .hint(format!("the anchors are in {}", anchors.place()))
            .coded(Code::Anchor)),
            _ => Ok(Exit::Done),
        }
    }

    /// The embedded AWS shows a line at once.
    fn patience(&self) -> Duration {
        match self.options.target {
            Target::Embedded => Duration::ZERO,
            Target::Aws => SHOWN_WITHIN,
        }
    }
}
