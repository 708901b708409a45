//! `refresh --orphans`: live objects that carry this environment's tags, and that nothing recorded stands for.

use engine::{Orphan, Orphans};
use secrets::{masked, masked_at};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::losses::wrapped;
use crate::output::{Lines, Style, note, print, print_json, tell};
use crate::run::Work;
use crate::stack::Place;

impl Work {
    pub(crate) async fn orphans(&self, detailed_exitcode: bool) -> Result<Exit, Failure> {
        self.declare(&Place::imagined(&self.loaded.config))?;
        let recorded = self.recorded().await?;
        let cloud = self.connect().await?;
        tell(self.heading(&cloud));
        let graph = self.declare(&Place::new(&cloud, &recorded))?;
        let engine = self.engine(cloud).await?;
        let working = self.who_works().await?;
        note(
            working
                .map_or_else(Lines::new, |run| Lines::from(&run.so("what it has just made may be listed"))),
        );
        let orphans = Box::pin(engine.orphans(&graph)).await.map_err(engine_failure)?;
        match self.options.json {
            true => print_json(&self.orphans_json(&orphans))?,
            false => {
                print(&self.orphan_lines(&orphans))?;
                note(not_listed(&orphans));
            }
        }
        let is_some = orphans.found.iter().any(|one| !one.is_pending);
        Ok(if detailed_exitcode && is_some { Exit::Changes } else { Exit::Done })
    }

    fn orphan_lines(&self, orphans: &Orphans) -> Lines {
        let mut lines = Lines::new();
        for orphan in &orphans.found {
            let id = orphan.id.as_deref().unwrap_or("(no id)");
            let address = orphan.address.as_deref().unwrap_or("(no address)");
            lines.add("  ").styled(Style::Yellow, "?").add(" ").styled(Style::Bold, address).add("  ");
            lines.styled(Style::Dim, &orphan.kind).line(format!("  {id}"));
            for (key, value) in &orphan.tags {
                let value = masked_at(key, &Value::from(value.as_str()));
                lines.line(format!("      {key}: {}", value.as_str().unwrap_or_default()));
            }
            if let Some(created) = &orphan.created {
                lines.line(format!("      created {created}"));
            }
            lines.line(format!("      {}", self.why(orphan)));
            let (look, take) = self.commands(orphan);
            look.iter().for_each(|command| {
                lines.line(format!("      look: {command}"));
            });
            take.iter().for_each(|command| {
                lines.line(format!("      take: {command}"));
            });
        }
        let doubles = orphans.found.iter().filter(|one| one.is_double).count();
        let all = orphans.found.len();
        let summary = match all {
            0 => "no orphans".to_owned(),
            1 => "1 object that nothing recorded stands for".to_owned(),
            all => format!("{all} objects that nothing recorded stands for"),
        };
        let of_them = match doubles {
            0 => String::new(),
            _ => format!("; {doubles} of them where there is another one for the same address"),
        };
        lines.line(format!("{}: {summary}{of_them}", self.title()));
        lines
    }

    /// What it is, and what becomes of it.
    fn why(&self, orphan: &Orphan) -> &'static str {
        match orphan {
            Orphan { is_pending: true, .. } => {
                "a run that was interrupted may have made it; the next `up` takes it up"
            }
            Orphan { is_revision: true, .. } => "a revision beside the recorded one; it does no harm",
            Orphan { is_double: true, .. } => "a double: there is another one for this address",
            _ => "an orphan: nothing is recorded at this address",
        }
    }

    /// Commands that look at it, and that take it into the state.
    fn commands(&self, orphan: &Orphan) -> (Option<String>, Option<String>) {
        let Some(id) = &orphan.id else { return (None, None) };
        let region = &self.loaded.config.region;
        let kind = &orphan.kind;
        let look =
            format!("aws cloudcontrol get-resource --region {region} --type-name {kind} --identifier '{id}'");
        let take = orphan.address.as_ref().filter(|_| !orphan.is_double && !orphan.is_pending);
        let take = take.map(|address| self.command(&format!("import {address} '{id}'")).replace('`', ""));
        (Some(look), take)
    }

    fn orphans_json(&self, orphans: &Orphans) -> Value {
        let one = |orphan: &Orphan| {
            let (look, take) = self.commands(orphan);
            json!({
                "kind": orphan.kind,
                "id": orphan.id,
                "address": orphan.address,
                "tags": masked(&json!(orphan.tags)),
                "created": orphan.created,
                "double": orphan.is_double,
                "pending": orphan.is_pending,
                "revision": orphan.is_revision,
                "look": look,
                "take": take,
            })
        };
        json!({
            "orphans": orphans.found.iter().map(one).collect::<Vec<_>>(),
            "listed": orphans.listed,
            "by_name": orphans.by_name,
            "denied": orphans.denied.iter().map(|(kind, error)| json!({ "kind": kind, "message": error.to_string() })).collect::<Vec<_>>(),
        })
    }
}

/// What was not looked for, and why.
fn not_listed(orphans: &Orphans) -> Lines {
    let mut lines = Lines::new();
    if !orphans.by_name.is_empty() {
        lines.line("  AWS was asked by name or place only for these, so what has another one is not found:");
        wrapped(&mut lines, "    ", &orphans.by_name);
    }
    for (kind, error) in &orphans.denied {
        lines.line(format!("  {kind} was not looked for: {error}"));
    }
    lines
}
