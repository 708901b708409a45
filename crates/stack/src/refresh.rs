//! `refresh`: compares live AWS with what is recorded. What to do with what differs is in [`crate::accepting`], and what nothing
//! recorded stands for in [`crate::orphans`].

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Drift, Reading, Remark, Selector, Survey};

use crate::cli::Refresh;
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::losses::Gone;
use crate::output::{Lines, Style, note, print, print_json, tell};
use crate::plan_lines;
use crate::render;
use crate::run::Work;
use crate::stack::Place;
use crate::working;

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
        tell(self.heading(&cloud));
        let graph = match ignores {
            true => self.declare(&Place::new(&cloud, &recorded))?,
            false => Arc::default(),
        };
        let engine = self.engine(cloud).await?;
        let working = self.who_works().await?;
        let mut survey = engine.look(&Selector::all()).await.map_err(engine_failure)?.ignoring(&graph);
        if working.is_some() {
            survey = survey.followed_by(&self.recorded().await?);
        }
        note(working::left_out(working.as_ref(), &survey, &self.command("up")));
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
            print(&self.drifted(&survey, &drift))?;
        }
        Ok(if wanted.detailed_exitcode && !drift.is_empty() { Exit::Changes } else { Exit::Done })
    }

    /// What differs, and what the next `up` does about it.
    fn drifted(&self, survey: &Survey, drift: &[Drift]) -> Lines {
        let count = drift.len();
        let objects = if count == 1 { "object differs" } else { "objects differ" };
        let gone = survey.objects().filter_map(|(address, object, live)| {
            let gone = Gone::of(address.as_str(), &object.properties, None, survey.facts(&object.kind)?)?;
            (*live == Reading::Missing).then_some((address.as_str(), gone.text))
        });
        let gone: BTreeMap<&str, String> = gone.collect();
        let mut lines = plan_lines::drift(drift);
        for text in gone.values() {
            lines.add("  ").styled(Style::Loud, text).end();
        }
        let up = self.command("up");
        let names = render::some_of(&gone.keys().copied().collect::<Vec<_>>(), 3);
        let does = match (gone.len(), count) {
            (0, _) => format!("{up} repairs that"),
            (all, count) if all == count => format!("{up} creates it again, EMPTY: {names}"),
            _ => format!("{up} repairs the others, and creates {names} EMPTY"),
        };
        lines.line(format!("{}: {count} {objects} from what was recorded; {does}", self.title()));
        lines
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
