//! `stack deploy` and `stack rollback`: an image gets into the repository, and ECS replaces the tasks by ones that run it.
//!
//! Both are runs of the plan of `up`, for an image that they say in place of the configuration; see [`deployed`](crate::deployed) for
//! what is recorded of it. What they do beside it is to push the image, which only adds what nobody has named yet, and to tell ECS to
//! go back while it still can. Each is recorded before the first call.

use std::sync::Arc;
use std::time::Duration;

use aws::{Context, LogLines};
use ecs::operations::{self, Rollout};
use ecs::resources::{Cluster, Repository, Service};
use engine::{
    Backoff, CallError, Cancel, Host as _, Observer, Pace, Plan, Progress, Report, Resolved, Resource as _,
    Session, Slot, State, SystemHost, visible,
};
use serde_json::{Value, json};

use crate::advice::code_of_call;
use crate::chosen::Asked;
use crate::cli::{Deploy, Rollback, Target};
use crate::codes::Code;
use crate::deployed::{self, By, Deployments, Image, NAME, Outcome};
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::output::{Lines, note, tell};
use crate::plans::document::Running;
use crate::pushing::ImageSource;
use crate::question::agreed;
use crate::run::{Work, nothing_changed};
use crate::signals::Signals;
use crate::stack::Place;
use crate::state_records::Entered;
use crate::time::rfc3339;

/// How often it is looked whether a deployment has ended.
const PACE: Pace = Pace { first: Duration::from_secs(2), factor: 1.5, longest: Duration::from_secs(15) };
/// How long ECS may take to go back: it starts no task, since those of before still run in the bake time.
const BACK_WITHIN: Duration = Duration::from_secs(30 * 60);

/// After how long ECS lists a deployment that it has accepted, at the latest. Estimate.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);
/// So many lines of a failed container's log are shown.
const LINES: usize = 30;

/// What the state has of the service, as calls name it.
pub(crate) struct Names {
    pub(crate) cluster: String,
    pub(crate) service: String,
    pub(crate) repository: String,
}

impl Names {
    fn of(state: &State) -> Option<Self> {
        let property = |address: &str, kind: &str, name: &str| {
            let object = state.current(address).filter(|object| object.kind == kind)?;
            object.properties[name].as_str().map(str::to_owned)
        };
        Some(Self {
            cluster: property("ecs/cluster", Cluster::KIND, "ClusterName")?,
            service: property(deployed::SERVICE, Service::<Resolved>::KIND, "ServiceName")?,
            repository: property(deployed::REPOSITORY, Repository::KIND, "RepositoryName")?,
        })
    }
}

/// Ends a run once ECS has accepted the deployment.
pub(crate) struct UntilAccepted {
    cancel: Cancel,
}

impl UntilAccepted {
    pub(crate) fn new(cancel: Cancel) -> Arc<Self> {
        Arc::new(Self { cancel })
    }

    /// What ends the run.
    pub(crate) fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }
}

impl Observer for UntilAccepted {
    fn observe(&self, progress: &Progress) {
        if let Progress::Waiting { address, operation: Some(_), refused: None, .. } = progress
            && address.as_str() == deployed::SERVICE
        {
            self.cancel.cancel();
        }
    }
}

impl Work {
    /// The image that is to run, beside the configuration.
    pub(crate) fn image_in(&self, state: &State) -> Option<Image> {
        match &self.image {
            Some(image) => Some(Image { image: image.clone(), instead: true }),
            None => {
                let deployments = Deployments::of(state)?;
                let image = deployments.wanted(self.retry)?.to_owned();
                Some(Image { image, instead: self.retry && deployments.attempt.is_some() })
            }
        }
    }

    /// A place with the image that is to run.
    pub(crate) fn with_image(&self, mut place: Place, state: &State) -> Place {
        place.recorded.image = self.image_in(state);
        place
    }

    /// Who does something now.
    pub(crate) fn by(&self) -> By {
        let holder = SystemHost.holder();
        By {
            command: self.purpose.to_owned(),
            who: holder.split(", process ").next().unwrap_or(&holder).to_owned(),
            now: SystemHost.now_millis(),
            asked_for: self.image.is_some(),
        }
    }

    /// What there is to say of the image before a plan: that another one than the one that was deployed will run, that a deployment is
    /// gone on with, or that one has failed and is not tried again.
    pub(crate) fn remark_image(&self, state: &State) -> Lines {
        let mut lines = Lines::new();
        let configured =
            self.loaded.config.get::<ecs::Tier>().and_then(|containers| containers.image.as_ref());
        if let Some(image) = &self.image {
            if let Some(configured) = configured.filter(|configured| *configured != image) {
                lines.line(format!(
                    "WARNING: the configuration names {configured}, which the next `up` puts in place of {image}: leave `ecs.image` out, \
                     so that the deployed image is kept"
                ));
            }
            return lines;
        }
        let Some(deployments) = Deployments::of(state) else { return lines };
        if let (Some(configured), Some(image)) = (configured, &deployments.image)
            && configured != image
            && !(self.retry && deployments.failed().is_some())
        {
            let last = deployments.past.iter().find(|past| &past.image == image);
            let deployed = last.map_or_else(String::new, |last| {
                format!(", which {} deployed at {} with `{}`", last.who, rfc3339(last.began), last.command)
            });
            lines.line(format!(
                "WARNING: the configuration names another image than the one that was deployed: {configured} in place of {image}{deployed}. \
                 If the configuration is older, leave `ecs.image` out: then the deployed image is kept"
            ));
        } else if let Some(failed) = deployments.failed().filter(|_| !self.retry && configured.is_none()) {
            let kept = deployments.image.as_deref().unwrap_or("no image");
            lines.line(format!(
                "The deployment of {} has {}, so it is {kept} that runs; --retry tries it again",
                failed.image,
                failed.ended.as_ref().map_or("failed", |ended| match ended.outcome {
                    Outcome::RolledBack => "been rolled back",
                    _ => "failed",
                })
            ));
        } else if let Some(attempt) = &deployments.attempt {
            lines.line(format!(
                "Going on with the deployment of {}, which {} began at {}",
                attempt.image,
                attempt.who,
                rfc3339(attempt.began)
            ));
        }
        lines
    }

    /// Records that an image is about to be deployed: what `deploy` and `rollback` deploy, and what anything else does once they did.
    pub(crate) async fn record_begun(&self, session: &Session, image: Option<&str>) -> Result<(), Failure> {
        let recorded = Deployments::of(&session.state());
        let Some(image) = image.filter(|_| self.image.is_some() || recorded.is_some()) else { return Ok(()) };
        let mut deployments = recorded.unwrap_or_default();
        deployments.begin(image, &self.by());
        session.remember(NAME, Some(json!(deployments))).await.map_err(engine_failure)
    }

    /// Records how the deployment ended, if it was followed to its end. Where nothing had to be done for it, the image ran already.
    pub(crate) async fn record_ended(
        &self,
        session: &Session,
        image: Option<&str>,
        plan: &Plan,
        report: &Report,
    ) -> Result<(), Failure> {
        let state = session.state();
        let Some(mut deployments) = Deployments::of(&state) else {
            // They went with the repository.
            return match state.remembered(NAME).is_some() && report.is_complete() {
                true => session.remember(NAME, None).await.map_err(engine_failure),
                false => Ok(()),
            };
        };
        let before = deployments.clone();
        let by = self.by();
        if let Some(outcome) = deployed::outcome_of(report) {
            if !deployed::is_deployed_by(plan)
                && let Some(image) = image.filter(|image| deployments.image.as_deref() != Some(image))
                && !deployed::is_left_out(plan)
            {
                deployments.begin(image, &by);
            }
            deployments.end(outcome, deployed::revision(&state), by.now);
        }
        match deployments == before {
            true => Ok(()),
            false => session.remember(NAME, Some(json!(deployments))).await.map_err(engine_failure),
        }
    }

    /// Whether the run ended because ECS had accepted the deployment, and nobody asked for more.
    pub(crate) fn is_accepted(&self, report: &Report) -> bool {
        let waits = report.in_progress.iter().any(|begun| begun.address.as_str() == deployed::SERVICE);
        self.until_accepted.is_some() && report.interrupted && waits && report.failed.is_empty()
    }

    /// What is said of a deployment that nobody waits for.
    pub(crate) fn remark_accepted(&self) -> String {
        format!(
            "ECS has accepted the deployment. {} follows it to its end, {} stops it",
            self.command("up"),
            self.command("rollback")
        )
    }

    /// The names under which the service is recorded.
    pub(crate) fn names(&self, state: &State) -> Result<Names, Failure> {
        Names::of(state).ok_or_else(|| {
            Failure::new(Exit::Configuration, format!("{}: no service is recorded", self.title()))
                .coded(Code::NothingRecorded)
                .hint("`stack up` makes it; nothing was changed")
        })
    }

    /// Whether the program has the tier that this is about.
    fn check_has_containers(&self) -> Result<(), Failure> {
        match self.loaded.config.get::<ecs::Tier>() {
            Some(_) => Ok(()),
            None => Err(Failure::new(
                Exit::Usage,
                "this program has no tier `ecs`, so there is no image to deploy",
            )),
        }
    }

    pub(crate) async fn deploy(&mut self, wanted: &Deploy, signals: &Signals) -> Result<Exit, Failure> {
        self.check_has_containers()?;
        let agreed = self.agreed_to_new(Some("--new-environment"), signals).await?;
        if let Some(exit) = agreed.cancelled() {
            return Ok(exit);
        }
        let Some(source) = signals.unless(self.image_source(&wanted.image)).await else {
            return Ok(nothing_changed());
        };
        let source = source?;
        let state = self.recorded().await?;
        let is_first = Deployments::of(&state).is_none_or(|deployments| deployments.image.is_none());
        if Names::of(&state).is_none() {
            if let ImageSource::InRepository(reference) = &source {
                let message =
                    format!("there is no image `{}`: the repository is not there yet", visible(reference));
                return Err(Failure::new(Exit::Configuration, message)
                    .coded(Code::Image)
                    .hint("name a file or directory that has the image; nothing was changed"));
            }
            note("There is no service and no repository yet: what is declared is made first");
            // Whatever image is configured: it cannot be there yet.
            let configured = self.loaded.config.section_mut::<ecs::Tier>().image.take();
            let made = self.change(Running::Up, signals).await;
            self.loaded.config.section_mut::<ecs::Tier>().image = configured;
            let made = made?;
            if made != Exit::Done {
                return Ok(made);
            }
        }
        let Some(digest) = self.in_repository(source, signals).await? else { return Ok(nothing_changed()) };
        self.image = Some(format!("@{digest}"));
        self.until_accepted = wanted.no_wait.then(|| UntilAccepted::new(signals.cancel().child()));
        // With the first image there is more to make: what scales the tasks, and what watches them.
        if !is_first {
            self.asked = Asked { only: vec![deployed::tier().to_owned()], ..Asked::default() };
        }
        self.change_image(signals).await
    }

    /// Deploys the image that is meant. With `--json`, what came of it is data.
    async fn change_image(&self, signals: &Signals) -> Result<Exit, Failure> {
        let exit = self.change(Running::Up, signals).await?;
        if self.options.json {
            self.list_deployments().await?;
        }
        Ok(exit)
    }

    pub(crate) async fn roll_back(&mut self, wanted: &Rollback, signals: &Signals) -> Result<Exit, Failure> {
        self.check_has_containers()?;
        let state = self.recorded().await?;
        let names = self.names(&state)?;
        let Some(deployments) = Deployments::of(&state) else { return Err(self.nothing_to_go_back_to()) };
        let chosen = wanted.to.as_deref().map(|to| chosen(&deployments, to)).transpose()?;
        let cloud = match signals.unless(self.connect()).await {
            None => return Ok(nothing_changed()),
            Some(cloud) => cloud?,
        };
        let cx = &cloud.context;
        let last = operations::last_rollout(cx, &names.cluster, &names.service).await.map_err(called)?;
        let is_begun = deployments.attempt.as_ref().is_some_and(|attempt| attempt.ended.is_none());
        let mut under_way = last.filter(|rollout| !rollout.is_over);
        if is_begun && under_way.is_none() && state.slot(deployed::SERVICE).is_some_and(Slot::is_in_hand) {
            let Some(shown) = signals.unless(shown(cx, &names)).await else { return Ok(nothing_changed()) };
            under_way = shown?;
        }
        // What serves during a deployment, and after one that did not succeed, is what ran before it.
        let is_undone = under_way.is_some() || deployments.attempt.is_some();
        let image = match chosen {
            Some(image) => Some(image),
            None if is_undone => deployments.image.clone(),
            None => deployments.before().map(|before| before.image.clone()),
        };
        let Some(image) = image else { return Err(self.nothing_to_go_back_to()) };
        if let Some(rollout) = under_way
            && let Some(exit) = self.stop_deployment(cx, &names, &rollout, signals).await?
        {
            return Ok(exit);
        }
        note(&format!("going back to {image}"));
        self.image = Some(image);
        self.asked = Asked { only: vec![deployed::tier().to_owned()], ..Asked::default() };
        self.change_image(signals).await
    }

    fn nothing_to_go_back_to(&self) -> Failure {
        Failure::new(Exit::Configuration, format!("{}: there is no image to go back to", self.title()))
            .coded(Code::NothingRecorded)
            .hint("`stack deployments` lists what was deployed, and `stack deploy` deploys another image; nothing was changed")
    }

    /// Tells ECS to go back, and waits until it has. How the command ends, if that is not to be gone on with.
    async fn stop_deployment(
        &self,
        cx: &Context,
        names: &Names,
        rollout: &Rollout,
        signals: &Signals,
    ) -> Result<Option<Exit>, Failure> {
        let question = format!("stop the deployment that is under way in {}, and go back", self.title());
        if self.options.target == Target::Aws {
            let answer = agreed(&self.options, &question, signals).await?;
            if let Some(exit) = answer.cancelled() {
                return Ok(Some(exit));
            }
        }
        let by = self.by();
        let stopped = self
            .in_ledger(self.purpose, signals, async |ledger| {
                // Under the lock, since whoever began it may be following it.
                let mut deployments = Deployments::of(&ledger.state()).unwrap_or_default();
                deployments.end(Outcome::RolledBack, deployed::revision(&ledger.state()), by.now);
                ledger.remember(NAME, Some(json!(deployments))).await.map_err(engine_failure)?;
                if !rollout.goes_back {
                    operations::roll_back(cx, &rollout.arn).await.map_err(called)?;
                }
                let ended = self.until_over(cx, names, rollout, signals).await?;
                let outcome = ended.as_ref().map_or(engine::Outcome::Interrupted, |_| engine::Outcome::Done);
                Ok(Entered { outcome, told: ended })
            })
            .await?;
        match stopped {
            None => Ok(Some(nothing_changed())),
            Some((None, _)) => {
                tell("Interrupted; ECS goes on going back. Run the same command again to follow it");
                Ok(Some(Exit::Interrupted))
            }
            Some((Some(ended), _)) if ended.succeeded => {
                tell(
                    "The deployment had come to its end before it could be stopped, so the image before it is deployed again",
                );
                Ok(None)
            }
            Some((Some(ended), _)) if ended.status == "ROLLBACK_FAILED" => Err(Failure::new(
                Exit::Failed,
                format!("ECS could not go back: {}", ended.reason.as_deref().unwrap_or("it gives no reason")),
            )
            .hint("look at the service in ECS; `stack up` deploys what is recorded again")),
            Some((Some(_), _)) => {
                note("ECS has gone back to what ran before");
                Ok(None)
            }
        }
    }

    /// Waits until ECS is done with a deployment. `None` if it was interrupted.
    async fn until_over(
        &self,
        cx: &Context,
        names: &Names,
        rollout: &Rollout,
        signals: &Signals,
    ) -> Result<Option<Rollout>, Failure> {
        let mut backoff = Backoff::new(&rollout.arn, PACE, BACK_WITHIN);
        loop {
            let last = operations::last_rollout(cx, &names.cluster, &names.service).await.map_err(called)?;
            match last {
                Some(last) if last.is_over => return Ok(Some(last)),
                Some(last) => note(&format!("ECS: {}", last.status)),
                None => {}
            }
            match signals.unless(backoff.wait()).await {
                None => return Ok(None),
                Some(true) => {}
                Some(false) => {
                    let minutes = BACK_WITHIN.as_secs() / 60;
                    let message = format!("ECS has not gone back within {minutes} minutes ({})", rollout.arn);
                    return Err(Failure::new(Exit::Failed, message)
                        .hint("run the same command again; the service's events in ECS say what it waits for")
                        .coded(Code::Late));
                }
            }
        }
    }

    /// Says why the tasks of a deployment stopped: what a colleague would look at first. What cannot be found out is left out, since
    /// the deployment has failed all the same.
    pub(crate) async fn tell_diagnosis(&self, state: &State) {
        let Some(names) = Names::of(state) else { return };
        let Ok(cloud) = self.connect().await else { return };
        let Ok(tasks) = operations::stopped_tasks(&cloud.context, &names.cluster, &names.service).await
        else {
            return;
        };
        let Some(task) = tasks.first() else { return };
        let mut lines = Lines::new();
        lines.line(format!(
            "Task {} stopped: {}",
            task.id,
            task.reason.as_deref().unwrap_or("ECS gives no reason")
        ));
        if let Some(code) = &task.code {
            lines.line(format!("  stop code: {code}"));
        }
        for container in &task.containers {
            let code = container
                .exit_code
                .map_or_else(|| "never ran".to_owned(), |code| format!("exit code {code}"));
            let reason = container.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            lines.line(format!("  container {}: {code}{reason}", container.name));
        }
        if let Some(advice) = task.advice() {
            lines.line(format!("  look at {advice}"));
        }
        if tasks.len() > 1 {
            lines.line(format!("  {} more tasks stopped within the last hour", tasks.len() - 1));
        }
        if let Some(container) = task.culprit() {
            let name = if container.name == "app" { "appLogGroupName" } else { "tracingLogGroupName" };
            let exports = state.exports();
            let written = match exports.get(name).and_then(Value::as_str) {
                Some(group) => LogLines::new(&cloud.context, group, &container.log_stream).last(LINES).await,
                None => Ok(Vec::new()),
            };
            match written {
                Ok(written) if written.is_empty() => {
                    lines.line(format!("  {} has written nothing to its log", container.name));
                }
                Ok(written) => {
                    lines.line(format!("  the end of its log ({}):", container.log_stream));
                    written.iter().for_each(|line| {
                        lines.line(format!("    {}", visible(line.trim_end())));
                    });
                }
                Err(error) => {
                    lines.line(format!("  its log cannot be read: {error}"));
                }
            }
        }
        tell(lines);
        let deployments = Deployments::of(state).unwrap_or_default();
        if let Some(image) = &deployments.image {
            tell(&format!("{image}, which ran before, goes on serving"));
        }
    }
}

/// The deployment that a run has begun: ECS lists it some seconds later. `None` where it does not come, because it was never begun or is
/// over.
async fn shown(cx: &Context, names: &Names) -> Result<Option<Rollout>, Failure> {
    let mut backoff = Backoff::new(&names.service, PACE, SHOWN_WITHIN);
    loop {
        let last = operations::last_rollout(cx, &names.cluster, &names.service).await.map_err(called)?;
        if let Some(rollout) = last.filter(|rollout| !rollout.is_over) {
            return Ok(Some(rollout));
        }
        if !backoff.wait().await {
            return Ok(None);
        }
    }
}

/// The image that somebody means: by its revision, or the beginning of its digest.
fn chosen(deployments: &Deployments, to: &str) -> Result<String, Failure> {
    let digest = to.trim_start_matches('@').trim_start_matches("sha256:");
    let is_meant = |past: &&deployed::Deployment| {
        let revision = past.revision.as_deref().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
        let number = revision.rsplit(':').next().unwrap_or_default();
        let of_image = past.image.trim_start_matches("@sha256:");
        past.image == to
            || (!revision.is_empty() && (revision == to || number == to))
            || (digest.len() >= 4 && of_image.starts_with(digest))
    };
    let mut found: Vec<&str> =
        deployments.past.iter().filter(is_meant).map(|past| past.image.as_str()).collect();
    found.dedup();
    let wrong = |message: String| {
        Failure::new(Exit::Configuration, message)
            .coded(Code::NothingRecorded)
            .hint("`stack deployments` lists what was deployed; nothing was changed")
    };
    match found.as_slice() {
        [image] => Ok((*image).to_owned()),
        [] => Err(wrong(format!("no deployment is called `{}`", visible(to)))),
        _ => Err(wrong(format!("several images are called `{}`", visible(to)))),
    }
}

/// A call of such a command that failed.
pub(crate) fn called(error: CallError) -> Failure {
    let code = code_of_call(&error);
    Failure::from_error(Exit::Failed, &error).coded(code)
}
