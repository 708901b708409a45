//! What a service runs: the images of its tasks, and a service that runs and that no state knows.

use std::collections::BTreeSet;

use aws::{Called, Context, count};
use aws_sdk_ecs::types::{Container, DesiredStatus, Service as Live, Task};
use engine::{CallError, Foreseen, Going, Resolved, Resource, Wish};
use serde::{Deserialize, Serialize};

use super::super::pull::{self, RunningImage};
use super::super::{Cluster, Repository, ecs, live_tags};
use super::{Service, cluster_of, deployment, describe};
use crate::ServiceArn;
use crate::containers::APP;

/// An image that runs and that no other task could pull.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MissingImage {
    /// Its whole name, by digest if that is known.
    pub image: String,
    /// Whether that is only not known, because this identity may not look (`ecr:DescribeImages`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub denied: bool,
}

/// What is said of images that are missing.
pub(super) fn said(missing: &[MissingImage]) -> String {
    let listed = |denied: bool| {
        let of = missing.iter().filter(|one| one.denied == denied).map(|one| one.image.as_str());
        Some(of.collect::<Vec<_>>().join(", ")).filter(|listed| !listed.is_empty())
    };
    let gone = listed(false).map(|images| {
        format!(
            "runs {images}, which is not in its repository any more: the next task that starts cannot pull it. Push the same image \
             again, so that it has this digest, or deploy another one with `ecs.image` or `ecs.tracing_image`"
        )
    });
    let unknown = listed(true).map(|images| {
        format!(
            "runs {images}, and whether that is still in its repository is not known, because this identity may not call \
             ecr:DescribeImages"
        )
    });
    gone.into_iter().chain(unknown).collect::<Vec<_>>().join("; it ")
}

/// The images of the service that no other task could pull.
pub(super) async fn missing_images(cx: &Context, live: &Live) -> Result<Vec<MissingImage>, CallError> {
    if live.desired_count() == 0 && live.running_count() == 0 {
        return Ok(Vec::new());
    }
    pull::missing(cx, &images(cx, live).await?).await
}

/// What the tasks of a service run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tasks {
    /// Whether a deployment is running, so that there may be two sorts of tasks.
    pub is_deploying: bool,
    /// The images of their containers.
    pub containers: BTreeSet<RunningImage>,
}

/// What the tasks of a service run now; `None` where there is no such service. Changes nothing.
///
/// # Errors
/// As the calls fail.
pub async fn tasks(cx: &Context, service: &ServiceArn) -> Result<Option<Tasks>, CallError> {
    let Some(live) = describe(cx, cluster_of(service), service.as_str()).await? else { return Ok(None) };
    let is_deploying = deployment::in_progress(&live).is_some();
    Ok(Some(Tasks { is_deploying, containers: running_images(cx, &live).await? }))
}

/// The images of up to a hundred tasks, of which there are one or two sorts.
async fn running_images(cx: &Context, live: &Live) -> Result<BTreeSet<RunningImage>, CallError> {
    let (cluster, service) =
        (live.cluster_arn().unwrap_or_default(), live.service_name().unwrap_or_default());
    let tasks = deployment::tasks_of(cx, cluster, service, DesiredStatus::Running).await?;
    let containers = tasks.iter().flat_map(Task::containers).filter(|container| is_ours(container));
    let image = |container: &Container| {
        Some(RunningImage {
            container: container.name()?.to_owned(),
            image: container.image()?.to_owned(),
            digest: container.image_digest().map(str::to_owned),
        })
    };
    Ok(containers.filter_map(image).collect())
}

/// Those; where no task runs, the ones of the task definition.
async fn images(cx: &Context, live: &Live) -> Result<BTreeSet<RunningImage>, CallError> {
    let mut images = running_images(cx, live).await?;
    if images.is_empty() {
        let request = ecs(cx).describe_task_definition();
        let request = request.task_definition(live.task_definition().unwrap_or_default());
        let answer = request.send().await.called("DescribeTaskDefinition")?;
        let containers = answer.task_definition.and_then(|found| found.container_definitions);
        images.extend(containers.into_iter().flatten().filter_map(|container| {
            Some(RunningImage { container: container.name?, image: container.image?, digest: None })
        }));
    }
    Ok(images)
}

/// Whether a container is of the task definition. AWS adds its own, of GuardDuty (`aws-guardduty-agent-…`) and of Service Connect
/// (`ecs-service-connect-…`), whose images are in registries of AWS that nobody may look into.
fn is_ours(container: &Container) -> bool {
    let name = container.name().unwrap_or_default();
    !["aws-", "ecs-"].iter().any(|prefix| name.starts_with(prefix))
}

/// A plan that would stop everything that runs. Where the state knows the service, the plan shows it, and says so; where it was lost,
/// it would only show a service that is made.
pub(super) async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
    if wish.declared["DesiredCount"] != 0 {
        return Ok(Foreseen::nothing());
    }
    if let Some(there) = wish.there {
        return Ok(match there.live["DesiredCount"].as_u64() {
            None | Some(0) => Foreseen::nothing(),
            Some(_) => Foreseen::warning("all of its tasks are stopped, because `ecs.image` is not set"),
        });
    }
    let name = wish.declared["ServiceName"].as_str().unwrap_or_default();
    let is_replaced = |going: &Going| {
        going.kind == <Service<Resolved> as Resource>::KIND && going.properties["ServiceName"] == name
    };
    if wish.going.iter().any(is_replaced) {
        return Ok(Foreseen::nothing());
    }
    for cluster in cx.ours::<Cluster>() {
        let found = describe(cx, cluster.properties.cluster_name.as_str(), name).await?;
        let is_ours = |live: &Live| {
            live.status() == Some("ACTIVE")
                && live.desired_count() > 0
                && live_tags(live.tags()).is_ours(cx.identity())
        };
        if let Some(live) = found.filter(is_ours) {
            let (reason, hint) = unknown(cx, &live).await?;
            return Ok(Foreseen::refusal(reason, hint));
        }
    }
    Ok(Foreseen::nothing())
}

/// What is said of a service that runs, and of which the state does not know, where no image is declared.
pub(super) async fn unknown(cx: &Context, live: &Live) -> Result<(String, String), CallError> {
    let name = live.service_name().unwrap_or_default();
    let tasks = match count(live.desired_count()) {
        1 => "one task".to_owned(),
        tasks => format!("{tasks} tasks"),
    };
    let images = images(cx, live).await?;
    let app = images.iter().find(|running| running.container == APP);
    let (image, digest) = match app {
        Some(RunningImage { image, digest, .. }) => (image.as_str(), digest.as_deref()),
        None => ("an image", None),
    };
    let digest = digest.filter(|digest| !image.ends_with(digest)).map(|digest| format!(" ({digest})"));
    Ok((
        format!(
            "{name} runs already, with {tasks} of {image}{}, and the state does not know it. Without `ecs.image`, this run would \
             stop all of them",
            digest.unwrap_or_default()
        ),
        format!(
            "set ecs.image = \"{}\", so that it goes on running, or put the newest copy of the state back",
            as_configured(cx, image)
        ),
    ))
}

/// An image as `ecs.image` names it: without the tier's own repository.
fn as_configured<'a>(cx: &Context, image: &'a str) -> &'a str {
    let registry = format!("{}.dkr.ecr.{}.", cx.account_id(), cx.region());
    let Some((_, path)) = image.split_once('/').filter(|_| image.starts_with(&registry)) else {
        return image;
    };
    let ours = cx.ours::<Repository>();
    let mut short = ours
        .iter()
        .filter_map(|repository| path.strip_prefix(repository.properties.repository_name.as_str()));
    short.find(|reference| reference.starts_with([':', '@'])).unwrap_or(image)
}
