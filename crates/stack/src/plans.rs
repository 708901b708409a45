//! Plans as others read and keep them: as data, as Markdown for a pull request, and as a file that is applied later.

pub(crate) mod document;
pub(crate) mod file;
mod markdown;
pub(crate) mod title;

use std::sync::Arc;

use engine::{Graph, Plan};
use serde_json::json;

use crate::cli::Shown;
use crate::exit::{Exit, Failure};
use crate::losses::losses;
use crate::narrowed;
use crate::output::{Lines, Style, note, print, print_json, print_text, tell};
use crate::plan_lines;
use crate::plans::document::{Document, Running};
use crate::plans::file::PlanFile;
use crate::plans::title::Title;
use crate::protection::plan_failure;
use crate::render;
use crate::repeat::quoted_path;
use crate::run::Work;
use crate::working::Unfinished;

impl Work {
    /// Shows what `up` or `destroy` would do, and keeps it in a file where that is wanted. Changes nothing else.
    pub(crate) async fn preview(&self, running: Running, shown: &Shown) -> Result<Exit, Failure> {
        if shown.markdown && self.options.json {
            return Err(Failure::new(Exit::Usage, "--markdown and --json cannot be used together")
                .hint("run the command twice, or keep the plan with --out"));
        }
        let choice = self.asked.choice(running)?;
        self.check_chosen(running, &choice).await?;
        let prepared = self.prepare(running == Running::Up, &choice).await?;
        if running == Running::Up && prepared.is_unknown {
            let mut warning = Lines::new();
            warning.add("  ").styled(Style::Loud, format!("WARNING: {}", self.unknown())).end();
            warning.line("    `up` asks before it creates that; with --yes, it needs --new-environment");
            tell(&warning);
        }
        let graph = guarding(running, prepared.graph);
        let working = self.who_works().await?;
        note(working.as_ref().map_or_else(Lines::new, |run| Lines::from(&run.so("the plan may change"))));
        let unfinished = Unfinished::by(working.as_ref());
        let plan = prepared.engine.preview_chosen(graph, &choice).await;
        let plan = plan.map_err(|error| plan_failure(error, &self.loaded.config, running))?;
        let document = Document::of(&plan, running, &prepared.title, &self.asked);
        if let Some(path) = &shown.out {
            PlanFile::new(document.clone(), &self.loaded, &plan).write(path)?;
            let apply = self.command(&format!("{} {}", running.name(), quoted_path(path)));
            note(&format!("plan written to {}; {apply} runs exactly that", path.display()));
        }
        if self.options.json {
            print_json(&json!(document))?;
        } else if shown.markdown {
            print_text(&markdown::page(&plan, &document, unfinished))?;
        } else {
            let mut lines = Lines::new();
            if let Some(before) = &document.left_out_before {
                lines.line(before.line());
            }
            lines.append(&plan_lines::plan(&plan, shown.details, unfinished));
            lines.append(&narrowed::explained(&plan, &self.asked, shown.details));
            lines.append(&losses(&plan)).append(&render::remarks(&plan)).line(self.summary(&plan));
            if let Some(left) = narrowed::left_out(plan.narrowed(), &self.asked) {
                lines.line(left);
            }
            print(&lines)?;
        }
        Ok(if shown.detailed_exitcode && !plan.is_empty() { Exit::Changes } else { Exit::Done })
    }

    /// Refuses a plan that somebody kept, unless it is the very one that would be made now.
    pub(crate) fn check_kept(&self, kept: Option<&PlanFile>, plan: &Plan) -> Result<(), Failure> {
        kept.map_or(Ok(()), |kept| kept.check_basis(plan))
    }

    /// Reads the plan that the command line names, and checks all of it that needs no call.
    pub(crate) fn kept_plan(&self, running: Running) -> Result<Option<PlanFile>, Failure> {
        let Some(path) = self.plan_file.as_deref() else { return Ok(None) };
        let kept = PlanFile::read(path)?;
        kept.check_program(self.program.name(), self.program.version())?;
        kept.check_command(running, self.program.name())?;
        let title = Title::expected(self);
        kept.check_place(&title)?;
        kept.check_configuration(&self.loaded)?;
        Ok(Some(kept))
    }
}

/// What is declared protects what is destroyed, and nothing else is made of it.
pub(crate) fn guarding(running: Running, graph: Arc<Graph>) -> Arc<Graph> {
    match running {
        Running::Up => graph,
        Running::Destroy => Arc::new(Graph::clone(&graph).into_guards()),
    }
}
