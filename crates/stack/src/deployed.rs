//! Which image an environment runs: what `stack deploy` and `stack rollback` record, for the runs after them.
//!
//! From the first `deploy` on, the configuration need not name an image: `up` keeps the one that is recorded here. An image that the
//! configuration names is used instead, and recorded in its turn. What is being deployed is recorded before the first call, so that
//! the run after one that was killed goes on with it; one whose deployment has failed is not tried again unless somebody asks.

use ecs::resources::{Repository, Service, TaskDefinition};
use engine::{Component as _, Plan, Report, Resolved, Resource as _, State};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::stack::Place;

/// The name under which the state has it.
pub(crate) const NAME: &str = "ecs.image";
/// So many deployments are kept here. The journal has all.
const KEPT: usize = 50;
/// Where the tier declares what makes a deployment.
pub(crate) const SERVICE: &str = "ecs/service";
const TASK_DEFINITION: &str = "ecs/task-definition";
pub(crate) const REPOSITORY: &str = "ecs/repository";

/// What is recorded of the images of an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deployments {
    /// The image that runs, as `ecs.image` would name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) image: Option<String>,
    /// The deployment that was begun last, if it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<Deployment>,
    /// Those that came to an end, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) past: Vec<Deployment>,
}

/// One deployment of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deployment {
    /// The image, as `ecs.image` would name it.
    pub(crate) image: String,
    /// The command that began it.
    pub(crate) command: String,
    /// Who ran that: user and machine.
    pub(crate) who: String,
    /// When it began, in milliseconds since 1970.
    pub(crate) began: u64,
    /// How it ended, and when; `None` while that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<Ended>,
    /// The task definition with it, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<String>,
}

/// The end of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    /// In milliseconds since 1970.
    pub(crate) at: u64,
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Succeeded,
    Failed,
    RolledBack,
    /// Another one was begun before its end was known.
    Superseded,
}

impl Outcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::Failed => "failed",
            Outcome::RolledBack => "rolled back",
            Outcome::Superseded => "not followed to its end",
        }
    }
}

/// Who does something now, and when.
#[derive(Clone, Debug)]
pub(crate) struct By {
    pub(crate) command: String,
    pub(crate) who: String,
    pub(crate) now: u64,
    /// Whether the command named the image.
    pub(crate) asked_for: bool,
}

/// The image that is to run, beside what the configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// As `ecs.image` would name it.
    pub image: String,
    /// Whether it is used though the configuration names one.
    pub instead: bool,
}

impl Image {
    /// The one that runs, or is being deployed.
    pub(crate) fn recorded_in(state: &State) -> Option<Self> {
        let deployments = Deployments::of(state)?;
        deployments.wanted(false).map(|image| Self { image: image.to_owned(), instead: false })
    }
}

impl Deployments {
    /// What a state has. Nothing where none was deployed, or where the repository is not there any more that has them.
    pub(crate) fn of(state: &State) -> Option<Self> {
        let there = state.current(REPOSITORY).is_some_and(|object| object.kind == Repository::KIND);
        let recorded = state.remembered(NAME).filter(|_| there)?;
        serde_json::from_value(recorded.clone()).ok()
    }

    /// The image to run where the configuration names none: the one that is being deployed, if that was not followed to its end,
    /// or, if somebody asks for it, the one that failed; else the one that runs.
    pub(crate) fn wanted(&self, retry: bool) -> Option<&str> {
        let attempt = self.attempt.as_ref().filter(|attempt| attempt.ended.is_none() || retry);
        attempt.map(|attempt| attempt.image.as_str()).or(self.image.as_deref())
    }

    /// The deployment that has failed, and that the next run does not try again.
    pub(crate) fn failed(&self) -> Option<&Deployment> {
        self.attempt.as_ref().filter(|attempt| attempt.ended.is_some())
    }

    /// An image is about to be deployed. What only goes back to the image that runs, after the deployment of another has failed, is no
    /// deployment, unless somebody asked for that image: then the one that failed is forgotten.
    pub(crate) fn begin(&mut self, image: &str, by: &By) {
        if !by.asked_for && self.failed().is_some() && self.image.as_deref() == Some(image) {
            return;
        }
        let again = self.attempt.take_if(|attempt| attempt.ended.is_none() && attempt.image == image);
        self.put_aside(by.now);
        self.attempt = Some(again.unwrap_or_else(|| Deployment {
            image: image.to_owned(),
            command: by.command.clone(),
            who: by.who.clone(),
            began: by.now,
            ended: None,
            revision: None,
        }));
    }

    /// What is not to be followed any more is among the past ones.
    fn put_aside(&mut self, now: u64) {
        let Some(mut attempt) = self.attempt.take() else { return };
        if attempt.ended.is_none() {
            attempt.ended = Some(Ended { outcome: Outcome::Superseded, at: now });
            self.past.insert(0, attempt);
        }
        self.past.truncate(KEPT);
    }

    /// The deployment that goes on came to an end.
    pub(crate) fn end(&mut self, outcome: Outcome, revision: Option<String>, now: u64) {
        let Some(mut attempt) = self.attempt.take_if(|attempt| attempt.ended.is_none()) else { return };
        attempt.ended = Some(Ended { outcome, at: now });
        attempt.revision = revision;
        self.past.insert(0, attempt.clone());
        self.past.truncate(KEPT);
        match outcome {
            Outcome::Succeeded => self.image = Some(attempt.image),
            Outcome::Failed | Outcome::RolledBack | Outcome::Superseded => self.attempt = Some(attempt),
        }
    }

    /// The image before the one that runs: the last one that was deployed successfully and is another.
    pub(crate) fn before(&self) -> Option<&Deployment> {
        let succeeded =
            |past: &&Deployment| past.ended.as_ref().is_some_and(|ended| ended.outcome == Outcome::Succeeded);
        self.past.iter().filter(succeeded).find(|past| Some(&past.image) != self.image.as_ref())
    }
}

/// The configuration with the image that is to run.
pub(crate) fn effective(config: &Config, place: &Place) -> Config {
    let mut config = config.clone();
    if let Some(Image { image, instead }) = &place.recorded.image
        && config.get::<ecs::Tier>().is_some_and(|containers| *instead || containers.image.is_none())
    {
        config.section_mut::<ecs::Tier>().image = Some(image.clone());
    }
    config
}

/// The image that a stack at this place runs.
pub(crate) fn image(config: &Config, place: &Place) -> Option<String> {
    effective(config, place).get::<ecs::Tier>().and_then(|containers| containers.image.clone())
}

/// Whether a plan leaves out what it would do about the image.
pub(crate) fn is_left_out(plan: &Plan) -> bool {
    plan.narrowed().left_out().iter().any(|left| [SERVICE, TASK_DEFINITION].contains(&left.address.as_str()))
}

/// Whether a plan deploys: it changes what the service runs.
pub(crate) fn is_deployed_by(plan: &Plan) -> bool {
    let is_due = |address: &str, kind: &str| {
        plan.step(address).is_some_and(|step| step.kind == kind && step.is_change()) && !is_left_out(plan)
    };
    is_due(SERVICE, Service::<Resolved>::KIND) || is_due(TASK_DEFINITION, TaskDefinition::<Resolved>::KIND)
}

/// How the deployment ended that a run made; `None` where it was not followed to its end.
pub(crate) fn outcome_of(report: &Report) -> Option<Outcome> {
    let is_of_it = |address: &engine::Address| [SERVICE, TASK_DEFINITION].contains(&address.as_str());
    if report.failed.iter().any(|failure| is_of_it(&failure.address)) {
        return Some(Outcome::Failed);
    }
    let is_left = report.skipped.iter().any(|skipped| is_of_it(&skipped.address))
        || report.in_progress.iter().any(|begun| is_of_it(&begun.address))
        || report.not_begun.iter().any(is_of_it);
    (!is_left).then_some(Outcome::Succeeded)
}

/// The task definition that a state has, with its revision.
pub(crate) fn revision(state: &State) -> Option<String> {
    Some(state.output(TASK_DEFINITION, "TaskDefinitionArn")?.as_str()?.to_owned())
}

/// The tier that a deployment is about.
pub(crate) fn tier() -> &'static str {
    ecs::Tier::NAME
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(command: &str, now: u64) -> By {
        By { command: command.to_owned(), who: "ada@laptop".to_owned(), now, asked_for: command != "up" }
    }

    fn deployed(images: &[&str]) -> Deployments {
        let mut deployments = Deployments::default();
        for (index, image) in images.iter().enumerate() {
            deployments.begin(image, &by("deploy", index as u64));
            deployments.end(Outcome::Succeeded, None, index as u64);
        }
        deployments
    }

    #[test]
    fn what_was_begun_is_gone_on_with_and_what_failed_is_not_tried_again_unless_asked() {
        let mut deployments = deployed(&["@1"]);
        deployments.begin("@2", &by("deploy", 5));
        assert_eq!(deployments.wanted(false), Some("@2"));
        deployments.end(Outcome::Failed, None, 6);
        assert_eq!((deployments.wanted(false), deployments.wanted(true)), (Some("@1"), Some("@2")));
        // The next run goes back to what runs, which is not a deployment.
        deployments.begin("@1", &by("up", 7));
        deployments.end(Outcome::Succeeded, None, 7);
        assert_eq!((deployments.wanted(true), deployments.past.len()), (Some("@2"), 2));
        deployments.begin("@2", &by("up", 7));
        deployments.end(Outcome::Succeeded, None, 8);
        assert_eq!((deployments.wanted(false), deployments.failed()), (Some("@2"), None));
    }

    #[test]
    fn a_run_that_goes_on_with_a_deployment_does_not_begin_another() {
        let mut deployments = Deployments::default();
        deployments.begin("@1", &by("deploy", 1));
        deployments.begin("@1", &by("up", 2));
        assert_eq!((deployments.attempt.as_ref().unwrap().began, deployments.past.len()), (1, 0));
        deployments.begin("@2", &by("deploy", 3));
        assert_eq!(deployments.past[0].ended, Some(Ended { outcome: Outcome::Superseded, at: 3 }));
    }

    #[test]
    fn the_one_before_is_the_last_that_succeeded_with_another_image() {
        assert_eq!(deployed(&["@1"]).before(), None);
        let mut deployments = deployed(&["@1", "@2", "@2"]);
        assert_eq!(deployments.before().unwrap().image, "@1");
        deployments.begin("@3", &by("deploy", 9));
        deployments.end(Outcome::Failed, None, 9);
        assert_eq!(deployments.before().unwrap().image, "@1");
        assert_eq!(deployed(&["@1", "@2", "@1"]).before().unwrap().image, "@2");
    }

    #[test]
    fn only_so_many_are_kept() {
        let images: Vec<String> = (0..KEPT + 5).map(|n| format!("@{n}")).collect();
        let deployments = deployed(&images.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(deployments.past.len(), KEPT);
        assert_eq!(deployments.past[0].image, format!("@{}", KEPT + 4));
    }
}
