//! What becomes of tasks that start and then fail, because a plan of faults names the image of one of their containers
//! ([`ContainerRule`](crate::ContainerRule)).
//!
//! Every such task fails, so a deployment of them does not succeed: it starts round after round until its circuit breaker has counted
//! enough. A service that was steady before stays as it is until it starts tasks anew.

use serde::{Deserialize, Serialize};

use super::container::Container;
use super::revision::Revision;
use super::task::{self, Why};
use super::task_definition::TaskDefinition;
use super::{lines, routing};
use crate::machine::faults::ContainerFault;
use crate::services::{Cx, Spread, spread};

/// From the start of a container until it exits. Estimate.
const EXIT: Spread = spread(5.0, 3.0, 8.0);

/// How a task fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Fate {
    /// A container without which the task does not go on exits.
    Exit,
    /// The health check of a container fails.
    Unhealthy,
    /// The health checks of a load balancer fail in this target group.
    UnhealthyTarget(String),
}

impl Fate {
    /// As in `stoppedReason` (ECS Developer Guide, "Amazon ECS stopped tasks error messages"; the texts about health are from
    /// memory).
    pub(super) fn reason(&self) -> String {
        match self {
            Fate::Exit => "Essential container in task exited".to_owned(),
            Fate::Unhealthy => "Task failed container health checks".to_owned(),
            Fate::UnhealthyTarget(group) => {
                format!("Task failed ELB health checks in (target-group {group})")
            }
        }
    }

    pub(super) fn fails_targets(&self) -> bool {
        *self != Fate::Exit
    }
}

/// What the plan has for a container.
pub(super) fn fault<'a>(cx: &Cx<'a>, container: &Container) -> Option<&'a ContainerFault> {
    let rule = cx.containers.iter().find(|rule| rule.is_for(&container.image));
    rule.map(|rule| &rule.fault)
}

/// How tasks of a revision fail once they have started, and the container that makes them.
pub(super) fn of(cx: &Cx<'_>, definition: &TaskDefinition, revision: &Revision) -> Option<(String, Fate)> {
    let group_of = |container: &Container| {
        let balancers = revision.load_balancers.iter();
        let mut groups = balancers.zip(revision.targets());
        let (_, (group, _)) = groups.find(|(balancer, _)| balancer.container_name == container.name)?;
        Some(Fate::UnhealthyTarget(group))
    };
    definition.container_definitions.iter().find_map(|container| {
        let fate = match fault(cx, container)? {
            ContainerFault::Exit { .. } => container.essential.then_some(Fate::Exit),
            ContainerFault::Unhealthy if container.essential && container.health_check.is_some() => {
                Some(Fate::Unhealthy)
            }
            ContainerFault::Unhealthy => group_of(container),
            ContainerFault::NoImage => None,
        };
        fate.map(|fate| (container.name.clone(), fate))
    })
}

/// How long a task runs until it fails.
pub(super) fn delay(cx: &Cx<'_>, arn: &str) -> i64 {
    let Some(task) = cx.r.ecs.tasks.get(arn) else { return 0 };
    let definition = cx.r.ecs.task_definition(&task.task_definition_arn);
    let seconds = match &task.fate {
        None => return 0,
        Some(Fate::Exit) => return cx.latencies.millis(EXIT, &format!("{arn} exits")),
        Some(Fate::Unhealthy) => {
            let containers = definition.iter().flat_map(|definition| &definition.container_definitions);
            containers.filter_map(Container::seconds_until_unhealthy).max().unwrap_or_default()
        }
        Some(Fate::UnhealthyTarget(group)) => {
            let service = cx.r.ecs.services.get(&task.service);
            let grace = service.and_then(|service| service.health_check_grace_period_seconds);
            routing::seconds_until_unhealthy(cx, group).saturating_add(grace.unwrap_or_default())
        }
    };
    let seconds = f64::from(seconds);
    cx.latencies.millis(spread(seconds, seconds, seconds), arn)
}

/// The moment has come.
pub(super) fn strike(cx: &mut Cx<'_>, arn: &str, at: i64) {
    let Some(task) = cx.r.ecs.tasks.get(arn) else { return };
    let (Some(fate), service) = (task.fate.clone(), task.service.clone()) else { return };
    let definition = task.task_definition_arn.clone();
    match &fate {
        Fate::Exit => {
            lines::exited(cx, arn, at, true);
            task::exit(cx, arn, at, &fate.reason());
        }
        Fate::Unhealthy => {
            let checked = task::checked_containers(cx, &definition);
            if let Some(task) = cx.r.ecs.tasks.get_mut(arn) {
                task.checked(&checked, "UNHEALTHY");
            }
            task::stop_for(cx, arn, at, &Why::scheduler(fate.reason()));
        }
        Fate::UnhealthyTarget(group) => {
            let id = arn.rsplit('/').next().unwrap_or(arn);
            let message = format!(
                "(task {id}) is unhealthy in (target-group {group}) due to (reason Health checks failed)"
            );
            cx.r.ecs.note(&service, at, &message);
            task::stop_for(cx, arn, at, &Why::scheduler(fate.reason()));
        }
    }
}
