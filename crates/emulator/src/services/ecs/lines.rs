//! What tasks write to their logs by the driver `awslogs`: a stream for each container, named by the prefix, the container and the task
//! (ECS Developer Guide, "Send Amazon ECS logs to CloudWatch").
//!
//! No program runs in a container here, so the lines say what the emulator does with it, and begin with `[emulator]`. What a plan of
//! faults lets a container write stands there as the plan has it. Groups of other regions are not written to.

use super::container::Container;
use super::fate;
use crate::machine::faults::ContainerFault;
use crate::services::{Cx, logs};

const BY: &str = "[emulator]";

/// Where a log driver writes.
struct Place<'a> {
    region: &'a str,
    group: &'a str,
    /// What the names of its streams begin with.
    prefix: &'a str,
    /// Whether it makes the group where there is none.
    makes_group: bool,
}

/// Where a container's log driver writes, if that is CloudWatch Logs and it has a prefix for its streams.
fn place(container: &Container) -> Option<Place<'_>> {
    let options = &container.log_configuration.as_ref().filter(|logs| logs.log_driver == "awslogs")?.options;
    Some(Place {
        region: options.get("awslogs-region")?,
        group: options.get("awslogs-group")?,
        prefix: options.get("awslogs-stream-prefix")?,
        makes_group: options.get("awslogs-create-group").is_some_and(|text| text == "true"),
    })
}

/// Writes the lines that a container of a task has, where its group is there.
fn write(cx: &mut Cx<'_>, arn: &str, at: i64, lines_of: impl Fn(&Cx<'_>, &Container) -> Vec<String>) {
    let Some(task) = cx.r.ecs.tasks.get(arn) else { return };
    let Some(definition) = cx.r.ecs.task_definition(&task.task_definition_arn).cloned() else { return };
    let id = arn.rsplit('/').next().unwrap_or(arn);
    for container in &definition.container_definitions {
        let Some(place) = place(container).filter(|place| place.region == cx.region) else { continue };
        let lines = lines_of(cx, container);
        logs::write(cx, place.group, &format!("{}/{}/{id}", place.prefix, container.name), at, &lines);
    }
}

/// Drivers make the groups that they may make, when they begin.
fn make_groups(cx: &mut Cx<'_>, arn: &str, at: i64) {
    let task = cx.r.ecs.tasks.get(arn);
    let definition = task.and_then(|task| cx.r.ecs.task_definition(&task.task_definition_arn));
    let containers = definition.iter().flat_map(|definition| &definition.container_definitions);
    let places = containers.filter_map(place).filter(|place| place.makes_group && place.region == cx.region);
    let groups: Vec<String> = places.map(|place| place.group.to_owned()).collect();
    for group in groups {
        cx.r.logs.ensure_group(cx.region, at, &group);
    }
}

/// The containers of a task have started.
pub(super) fn started(cx: &mut Cx<'_>, arn: &str, at: i64) {
    make_groups(cx, arn, at);
    let digests = cx.r.ecs.tasks.get(arn).map(super::Task::digests).unwrap_or_default();
    write(cx, arn, at, |_, container| {
        let digest = digests.get(&container.name).map(|digest| format!(" ({digest})")).unwrap_or_default();
        vec![
            format!("{BY} image {}{digest}", container.image),
            format!("{BY} container {} has started", container.name),
        ]
    });
    // Those without which the task goes on exit by themselves.
    exited(cx, arn, at, false);
}

/// Containers have exited that a plan of faults lets exit: those that the task needs, or the others.
pub(super) fn exited(cx: &mut Cx<'_>, arn: &str, at: i64, essential: bool) {
    write(cx, arn, at, |cx, container| match fate::fault(cx, container) {
        Some(ContainerFault::Exit { lines, .. }) if container.essential == essential => lines.clone(),
        _ => Vec::new(),
    });
    let Some(task) = cx.r.ecs.tasks.get(arn) else { return };
    let definition = cx.r.ecs.task_definition(&task.task_definition_arn);
    let containers = definition.iter().flat_map(|definition| &definition.container_definitions);
    let codes: Vec<(String, i32)> = containers
        .filter(|container| container.essential == essential)
        .filter_map(|container| match fate::fault(cx, container)? {
            ContainerFault::Exit { code, .. } => Some((container.name.clone(), *code)),
            _ => None,
        })
        .collect();
    if let Some(task) = cx.r.ecs.tasks.get_mut(arn) {
        for (name, code) in codes {
            task.container_exited(&name, code);
        }
    }
}

/// The containers of a task that still run are told to end, and do.
pub(super) fn stopping(cx: &mut Cx<'_>, arn: &str, at: i64) {
    let running = cx.r.ecs.tasks.get(arn).map(super::Task::running_containers).unwrap_or_default();
    write(cx, arn, at, |_, container| {
        if !running.contains(&container.name) {
            return Vec::new();
        }
        vec![
            format!("{BY} container {} has received SIGTERM", container.name),
            format!("{BY} container {} has exited with code 0", container.name),
        ]
    });
    if let Some(task) = cx.r.ecs.tasks.get_mut(arn) {
        for name in running {
            task.container_exited(&name, 0);
        }
    }
}
