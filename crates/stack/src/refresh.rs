//! `refresh`: compares live AWS with what is recorded. What to do with what differs is in [`crate::accepting`], and what nothing
//! recorded stands for in [`crate::orphans`].

use std::sync::Arc;

use engine::{Remark, Selector, Survey};

use crate::cli::Refresh;
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::output::{Lines, note, print, print_json};
use crate::plan_lines;
use crate::render;
use crate::run::Work;
use crate::stack::Place;

impl Work {
    /// The look that changes nothing.
    pub(crate) async fn refresh(&self, wanted: &Refresh) -> Result<Exit, Failure> {
        if wanted.orphans {
            return Box::pin(self.orphans(wanted.detailed_exitcode)).await;
        }
        let recorded = self.recorded().await?;
        let is_empty = recorded.is_empty();
        let ignores = !self.loaded.config.ignore.is_empty();
        if ignores {
            self.declare(&Place::imagined(&self.loaded.config))?;
        }
        let cloud = self.connect().await?;
        note(self.heading(&cloud));
        let graph = match ignores {
            true => self.declare(&Place::new(&cloud, &recorded))?,
            false => Arc::default(),
        };
        let engine = self.engine(cloud).await?;
        let survey = engine.look(&Selector::all()).await.map_err(engine_failure)?.ignoring(&graph);
        let drift = survey.drift();
        note(remarks(&survey));
        if self.options.json {
            print_json(&render::drift_json(&drift))?;
        } else if is_empty {
            let text = format!("{}: nothing is recorded; {} deploys it", self.title(), self.command("up"));
            print(&Lines::from(&text))?;
        } else if drift.is_empty() {
            print(&Lines::from(&format!("{}: no drift", self.title())))?;
        } else {
            let count = drift.len();
            let objects = if count == 1 { "object differs" } else { "objects differ" };
            let summary = format!(
                "{}: {count} {objects} from what was recorded; {} repairs that",
                self.title(),
                self.command("up")
            );
            print(plan_lines::drift(&drift).line(summary))?;
        }
        Ok(if wanted.detailed_exitcode && !drift.is_empty() { Exit::Changes } else { Exit::Done })
    }
}

/// What differs and is no drift.
pub(crate) fn remarks(survey: &Survey) -> Lines {
    let mut remarks = Lines::new();
    for Remark { address, accepted } in survey.remarks() {
        render::remark(&mut remarks, &address, &accepted);
    }
    remarks
}
