//! `up` and `destroy`: a plan is made under the lock, agreed to where that is due, and done; then it is told what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use engine::{Choice, Engine, EngineError, Graph, Head, Outcome, Remark, Report, Selector, Session, State};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::advice::Advisor;
use crate::anchor;
use crate::chosen::Asked;
use crate::cli::Target;
use crate::deployed;
use crate::exit::{Exit, Failure};
use crate::failures::{EXPIRED, engine_failure};
use crate::interruption;
use crate::losses::losses;
use crate::narrowed;
use crate::output::{Lines, note, tell};
use crate::plan_lines;
use crate::plans::document::{Document, Running};
use crate::plans::file::{PlanFile, introduction};
use crate::plans::guarding;
use crate::plans::title::Title;
use crate::protection::plan_failure;
use crate::question::{Answer, agreed};
use crate::render;
use crate::run::{Prepared, Work, nothing_changed};
use crate::signals::Signals;
use crate::stores::purpose;
use crate::summary::{Deletions, keys_that_wait, summary};
use crate::working::Unfinished;

/// What is to be run.
struct Wanted {
    running: Running,
    graph: Arc<Graph>,
    /// The plan that it must be.
    kept: Option<PlanFile>,
    /// Which part of it, and in which words.
    choice: Choice,
    asked: Asked,
    title: Title,
    /// The image that runs after it.
    image: Option<String>,
}

/// What came of a plan.
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    /// `None` if the plan was not run.
    pub(crate) report: Option<Report>,
    /// The addresses of what was left out.
    left_out: Vec<String>,
    /// What to ask for, so that the run is resumed.
    again: Asked,
}

impl Ran {
    /// What left nothing out.
    pub(crate) fn whole(exit: Exit, report: Option<Report>) -> Self {
        Self { exit, report, left_out: Vec::new(), again: Asked::default() }
    }

    /// How it ended before anything was run.
    pub(crate) fn without_run(&self) -> Option<Exit> {
        self.report.is_none().then_some(self.exit)
    }
}

/// Says how a session ends, where it has not said so by itself: what was run has. Where somebody did not agree, it failed without
/// being run.
pub(crate) fn ends(session: &Session, ended: Result<Option<Exit>, &Failure>) {
    match ended {
        Err(failure) if failure.exit != Exit::Interrupted => session.ends_as(Outcome::Failed),
        Ok(Some(Exit::Interrupted)) => session.ends_as(Outcome::Interrupted),
        Ok(Some(Exit::Failed)) => session.ends_as(Outcome::Cancelled),
        _ => {}
    }
}

impl Work {
    pub(crate) async fn up(&self, signals: &Signals) -> Result<Exit, Failure> {
        // A plan that was kept says which environment is meant.
        let agreed = match self.plan_file {
            Some(_) => Answer::Yes,
            None => self.agreed_to_new(Some("--new-environment"), signals).await?,
        };
        match agreed.cancelled() {
            None => self.change(Running::Up, signals).await,
            Some(exit) => Ok(exit),
        }
    }

    /// Plans, asks where that is due, applies, and tells.
    pub(crate) async fn change(&self, running: Running, signals: &Signals) -> Result<Exit, Failure> {
        let declared = running == Running::Up;
        let kept = self.kept_plan(running)?;
        let asked = self.asked(kept.as_ref())?;
        let choice = asked.choice(running)?;
        let prepared = async {
            self.check_chosen(running, &choice).await?;
            self.prepare(declared, &choice).await
        };
        let Some(prepared) = signals.unless(Box::pin(prepared)).await else { return Ok(nothing_changed()) };
        let Prepared { engine, mut graph, mut place, anchors, title, is_new, .. } = prepared?;
        if is_new && !declared {
            return Ok(self.tell_nothing_is_recorded());
        }
        if let Some(events) = &self.events {
            events.tell("connected", json!({ "title": title }));
        }
        if let Some(kept) = &kept {
            kept.check_place(&title)?;
            note(&introduction(kept));
        }
        let Some(fit) = signals.unless(self.check_store()).await else { return Ok(nothing_changed()) };
        fit?;
        // What an interrupted run left is looked up first, and somebody else may have the lock.
        let cancel = self.until_accepted.as_ref().map_or_else(|| signals.cancel(), |until| until.cancel());
        let engine = engine
            .with_cancel(cancel)
            .with_lock_timeout(self.options.lock_timeout)
            .with_purpose(purpose(self.purpose));
        let session = match engine.open().await {
            Err(EngineError::Interrupted) => return Ok(nothing_changed()),
            session => session.map_err(engine_failure)?,
        };
        if declared {
            self.note_made_with();
        }
        // Somebody else may have deployed an image until the lock was taken.
        let image = self.image_in(&session.state());
        if declared && image != place.recorded.image {
            place.recorded.image = image;
            graph = self.declare(&place)?;
        }
        let image = deployed::image(&self.loaded.config, &place).filter(|_| declared);
        let wanted = Wanted { running, graph: guarding(running, graph), kept, choice, asked, title, image };
        let result = self.change_in(&session, wanted, signals).await;
        ends(&session, result.as_ref().map(Ran::without_run));
        let state = session.state();
        // By now something was called, whatever is wrong with the state.
        let (head, closed) = session.close_with_head().await;
        let closed = closed.map_err(|error| Failure { exit: Exit::Failed, ..engine_failure(error) });
        let ran = result?;
        let anchored = anchor::write(anchors, &ran, &head, signals).await;
        let is_anchored = anchored.as_ref().copied().unwrap_or(Some(false));
        let changed = ran.report.as_ref().is_some_and(|report| declared && !report.done.is_empty());
        let exit = self.tell(running, ran, &state, &head, is_anchored)?;
        if changed && exit == Exit::Done {
            self.tell_what_is_left(&engine).await;
        }
        // That the journal could not be written is told last, after what was done.
        closed?;
        anchored.map(|_| exit)
    }

    /// A name with a slip in it must not become an environment because somebody destroyed it.
    fn tell_nothing_is_recorded(&self) -> Exit {
        self.tell_summary(None, &[], &BTreeMap::new(), None, None);
        tell(&format!(
            "{}: nothing is recorded for this environment, so there is nothing to destroy; {} shows those that have a state. What is \
             there without a record, the next `up` takes over",
            self.title(),
            self.command("env list")
        ));
        Exit::Done
    }

    /// Whether somebody must agree to a plan. A plan that was kept was looked at when it was made; what is destroyed is asked for
    /// all the same.
    fn asks(&self, wanted: &Wanted) -> bool {
        match wanted.running {
            // The plan is shown on the real target, where somebody decides on it.
            Running::Up => self.options.target == Target::Aws && wanted.kept.is_none(),
            Running::Destroy => true,
        }
    }

    async fn change_in(&self, session: &Session, wanted: Wanted, signals: &Signals) -> Result<Ran, Failure> {
        let asked = &wanted.asked;
        let not_run = |exit| Ran { again: asked.clone(), ..Ran::whole(exit, None) };
        let plan = match session.plan_chosen(Arc::clone(&wanted.graph), &wanted.choice).await {
            Err(EngineError::Interrupted) => return Ok(not_run(nothing_changed())),
            plan => plan.map_err(|error| plan_failure(error, &self.loaded.config, wanted.running))?,
        };
        self.check_kept(wanted.kept.as_ref(), &plan)?;
        let document = Document::of(&plan, wanted.running, &wanted.title, asked);
        if let Some(events) = &self.events {
            let file = wanted.kept.as_ref().map(PlanFile::path);
            events.planned(&plan, &document, file);
        }
        let ask = self.asks(&wanted);
        // What somebody is asked about is shown to them, also with `--quiet`; and that there is nothing to do is the summary.
        let asks = ask && !plan.is_empty() && !self.options.yes;
        let to_all = asks || plan.is_empty();
        let tell_first = |lines: Lines| if to_all { tell(lines) } else { note(lines) };
        document.left_out_before.iter().for_each(|before| tell_first(Lines::from(&before.line())));
        if ask && !plan.is_empty() {
            tell_first(plan_lines::plan(&plan, false, Unfinished::Interrupted));
        }
        tell_first(narrowed::explained(&plan, asked, false));
        // What is lost is told whatever is left out.
        tell(losses(&plan));
        tell_first(render::found(&plan));
        tell(render::warnings(&plan));
        tell_first(render::accepted(&plan));
        tell_first(Lines::from(&self.summary(&plan)));
        let left_out = narrowed::left_out(plan.narrowed(), asked);
        left_out.iter().for_each(|left| tell_first(Lines::from(left)));
        let what = match wanted.running {
            Running::Up => "do this to",
            Running::Destroy => "DELETE all of the above of",
        };
        if ask && !plan.is_empty() {
            let answer =
                agreed(&self.options, &format!("{what} {}", wanted.title.asked_about()), signals).await?;
            if let Some(exit) = answer.cancelled() {
                return Ok(not_run(exit));
            }
        }
        if wanted.running == Running::Up && !plan.is_empty() {
            self.note_begun();
        }
        let (begun, before) = (Instant::now(), session.state());
        let deploys = wanted.image.as_deref().filter(|_| deployed::is_deployed_by(&plan));
        self.record_begun(session, deploys).await?;
        let report = session.apply(&plan).await.map_err(engine_failure)?;
        self.record_ended(session, wanted.image.as_deref(), &plan, &report).await?;
        if report.is_complete() {
            self.note_finished();
        }
        let took = begun.elapsed();
        if !report.is_complete() {
            tell(render::report(&report, Advisor::new(&self.loaded)));
        }
        let mut deletions = Deletions::new();
        for address in keys_that_wait(&plan, &report) {
            let remains = signals.unless(session.remains(&before, address)).await.flatten();
            let date = remains.as_ref().and_then(|key| key["DeletionDate"].as_str());
            deletions.extend(date.map(|date| (address.to_owned(), date.to_owned())));
        }
        tell(summary(&plan, &report, took, SystemTime::now(), &deletions));
        // Where nothing was done, it stands below the plan, one line above.
        if !plan.is_empty() {
            left_out.iter().for_each(tell);
        }
        if deploys.is_some() && deployed::outcome_of(&report) == Some(deployed::Outcome::Failed) {
            self.tell_diagnosis(&session.state()).await;
        }
        let is_accepted = self.is_accepted(&report);
        if is_accepted {
            tell(&self.remark_accepted());
        }
        let exit = match (report.interrupted, report.is_complete()) {
            (_, true) => Exit::Done,
            (true, false) if is_accepted => Exit::Done,
            (true, false) => Exit::Interrupted,
            (false, false) => Exit::Failed,
        };
        let left_out = plan.narrowed().left_out().iter().map(|left| left.address.to_string()).collect();
        let again = asked.again(&before, &session.state());
        Ok(Ran { exit, report: Some(report), left_out, again })
    }

    /// Says what the run has left to a person, such as an instance of the database that has to be restarted: the changed
    /// objects' plan was made before it was so. That it cannot be looked at is no failure of the run.
    async fn tell_what_is_left(&self, engine: &Engine) {
        let databases =
            Selector::kinds(<database::resources::Cluster<engine::Resolved> as engine::Resource>::KIND);
        let mut left = Lines::new();
        for Remark { address, accepted } in engine.look(&databases).await.iter().flat_map(|it| it.remarks()) {
            render::remark(&mut left, &address, &accepted);
        }
        if let Some(events) = &self.events {
            left.plain().lines().for_each(|line| events.note(line.trim()));
        }
        tell(left);
    }

    fn tell(
        &self,
        running: Running,
        Ran { exit, report, left_out, again }: Ran,
        state: &State,
        head: &Head,
        anchored: Option<bool>,
    ) -> Result<Exit, Failure> {
        self.tell_summary(report.as_ref(), &left_out, &state.exports(), Some(head), anchored);
        if running == Running::Up && exit == Exit::Done {
            if !self.options.json && !self.options.quiet {
                self.tell_outputs(state)?;
            }
            for step in self.steps(state) {
                if let Some(events) = &self.events {
                    events.note(&format!("next: {step}"));
                }
                note(&format!("next: {step}"));
            }
        }
        // Also where there was nothing to do: that it was looked is a record.
        if report.is_some() {
            note(&format!("journal: {head}"));
        }
        let again = self.resuming(running, &again);
        match (exit, &report) {
            (Exit::Failed, Some(report)) if report.credentials_expired() => {
                tell(&format!("{EXPIRED}, then {again}"));
            }
            (Exit::Failed, Some(report)) => {
                let again = match self.image {
                    Some(_) => format!("{}, or, for another image, {}", again, self.command("deploy IMAGE")),
                    None => again,
                };
                tell(&Advisor::new(&self.loaded).of_report(report, self.program.name(), &again));
            }
            (Exit::Interrupted, Some(report)) => {
                tell(interruption::summary(report));
                tell(&format!("{} to resume", capitalised(&again)));
            }
            _ => {}
        }
        Ok(exit)
    }

    /// What came of the run, for programs that follow it.
    fn tell_summary(
        &self,
        report: Option<&Report>,
        left_out: &[String],
        outputs: &BTreeMap<String, Value>,
        head: Option<&Head>,
        anchored: Option<bool>,
    ) {
        if let Some(events) = &self.events {
            let report = report.map(render::report_json);
            events.tell(
                "summary",
                json!({
                    "report": report,
                    "left_out": left_out,
                    "outputs": outputs,
                    "head": head,
                    "anchored": anchored,
                }),
            );
        }
    }
}

/// A sentence that begins with a letter of ASCII.
fn capitalised(text: &str) -> String {
    text.get(..1).map_or_else(String::new, str::to_ascii_uppercase) + text.get(1..).unwrap_or_default()
}
