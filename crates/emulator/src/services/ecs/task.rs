//! Tasks: started and stopped by the deployments of services, each with a network interface of its own.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::failure::Problem;
use super::fate::{self, Fate};
use super::network::{self, Place};
use super::revision::Revision;
use super::task_definition::EphemeralStorage;
use super::{REMEMBERED_MILLIS, State, cluster, invalid, lines, lookup, routing};
use crate::services::{
    Answer, Call, Cx, Interface, Next, Spread, Tags, ensure, named_tag_list, spread, to_json,
};

/// From the start of a task on Fargate until it is `RUNNING`. Estimate, within the 59 s in which services become steady.
const START: Spread = spread(40.0, 30.0, 50.0);
/// From the decision to stop a task until it is `STOPPING`, where it has no targets to drain. Estimate.
const DEACTIVATE: Spread = spread(5.0, 3.0, 10.0);
/// From there until a task is `STOPPED` and its interface gone. Estimate: with a deregistration delay of 300 s a service
/// was deleted within 209 to 382 s.
const STOP: Spread = spread(45.0, 30.0, 60.0);

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Task {
    pub(super) task_arn: String,
    pub(super) cluster_arn: String,
    pub(super) task_definition_arn: String,
    containers: Vec<TaskContainer>,
    last_status: String,
    desired_status: String,
    launch_type: String,
    capacity_provider_name: Option<String>,
    cpu: String,
    memory: String,
    created_at: f64,
    started_at: Option<f64>,
    stopping_at: Option<f64>,
    stopped_at: Option<f64>,
    stopped_reason: Option<String>,
    stop_code: Option<String>,
    group: String,
    started_by: String,
    connectivity: Option<String>,
    attachments: Vec<Attachment>,
    availability_zone: Option<String>,
    platform_version: String,
    platform_family: String,
    version: u32,
    ephemeral_storage: EphemeralStorage,
    enable_execute_command: bool,
    health_status: String,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    #[serde(rename = "_service")]
    pub(super) service: String,
    #[serde(rename = "_revision")]
    pub(super) revision: String,
    #[serde(rename = "_interface")]
    pub(super) interface: Option<Interface>,
    #[serde(rename = "_address")]
    address: Option<Ipv4Addr>,
    /// The target groups that it is to serve in, each with the port.
    #[serde(rename = "_targets")]
    targets: Vec<(String, u16)>,
    #[serde(rename = "_next")]
    next: Option<Next>,
    /// How it fails once it runs.
    #[serde(rename = "_fate", default, skip_serializing_if = "Option::is_none")]
    pub(super) fate: Option<Fate>,
    /// Until when it can be described.
    #[serde(rename = "_until")]
    until: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskContainer {
    container_arn: String,
    task_arn: String,
    name: String,
    image: String,
    /// The digest that was pulled, which the revision holds its tasks to (ECS API Reference, Container).
    #[serde(default)]
    image_digest: Option<String>,
    last_status: String,
    health_status: String,
    reason: Option<String>,
    /// Of a container that has run.
    #[serde(default)]
    exit_code: Option<i32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Attachment {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    status: String,
    details: Vec<Detail>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Detail {
    name: String,
    value: String,
}

impl Task {
    pub(super) fn is_running(&self) -> bool {
        self.last_status == "RUNNING"
    }

    pub(super) fn is_pending(&self) -> bool {
        self.last_status == "PENDING"
    }

    /// Whether it is drained, and stops or has stopped.
    pub(super) fn is_drained(&self) -> bool {
        matches!(self.last_status.as_str(), "STOPPING" | "STOPPED")
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.last_status == "STOPPED"
    }

    /// Whether it runs or is to run.
    pub(super) fn is_wanted(&self) -> bool {
        self.desired_status == "RUNNING"
    }

    pub(super) fn has_address(&self, address: Ipv4Addr) -> bool {
        self.address == Some(address)
    }

    fn say(&mut self, status: &str) {
        status.clone_into(&mut self.last_status);
        self.version += 1;
        for container in self.containers.iter_mut().filter(|container| container.exit_code.is_none()) {
            status.clone_into(&mut container.last_status);
        }
    }

    /// The digests of its images, by container.
    pub(super) fn digests(&self) -> BTreeMap<String, String> {
        let digests = self.containers.iter();
        digests.filter_map(|one| Some((one.name.clone(), one.image_digest.clone()?))).collect()
    }

    /// The containers that have started and not exited.
    pub(super) fn running_containers(&self) -> Vec<String> {
        let running =
            self.containers.iter().filter(|one| self.started_at.is_some() && one.exit_code.is_none());
        running.map(|one| one.name.clone()).collect()
    }

    pub(super) fn container_exited(&mut self, name: &str, code: i32) {
        for container in self.containers.iter_mut().filter(|container| container.name == name) {
            container.exit_code = Some(code);
            "STOPPED".clone_into(&mut container.last_status);
        }
    }

    /// What the health checks of containers have found.
    pub(super) fn checked(&mut self, containers: &[String], health: &str) {
        if !containers.is_empty() {
            health.clone_into(&mut self.health_status);
        }
        for container in self.containers.iter_mut().filter(|one| containers.contains(&one.name)) {
            health.clone_into(&mut container.health_status);
        }
    }

    /// When it will run.
    pub(super) fn runs_at(&self) -> Option<i64> {
        self.next.as_ref().filter(|next| next.state == "RUNNING").map(|next| next.at_millis)
    }

    fn shown(&self, with_tags: bool) -> Value {
        let mut shown = to_json(self);
        shown["tags"] = if with_tags { named_tag_list(&self.tags, "key", "value") } else { json!([]) };
        shown["overrides"] = json!({"containerOverrides": []});
        shown
    }
}

/// Brings the number of tasks of a revision to `count`.
pub(super) fn scale(cx: &mut Cx<'_>, revision: &Revision, count: u32, at: i64) {
    let mine = |task: &&Task| task.revision == revision.service_revision_arn && task.is_wanted();
    let tasks: Vec<String> = cx.r.ecs.tasks.values().filter(mine).map(|task| task.task_arn.clone()).collect();
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    for _ in tasks.len()..wanted {
        start(cx, revision, at);
    }
    for arn in tasks.iter().skip(wanted) {
        stop(cx, arn, at);
    }
}

fn start(cx: &mut Cx<'_>, revision: &Revision, at: i64) {
    let place = network::place(cx, &revision.service_arn, &revision.network_configuration);
    let Some(place) = place else { return };
    let Some(mut task) = make(cx, revision, at) else { return };
    let attachment_id = cx.r.ecs.uuid();
    let interface_id = cx.r.ecs.ids.id("eni");
    task.attachments.push(attachment(&attachment_id, &interface_id, &place));
    task.availability_zone = Some(place.availability_zone);
    task.address = Some(place.address);
    task.interface = Some(Interface {
        id: interface_id,
        subnet_id: place.subnet_id,
        group_ids: place.group_ids,
        description: cx.arn("ecs", &format!("attachment/{attachment_id}")),
        interface_type: "interface".to_owned(),
        has_public_address: place.has_public_address,
    });
    let at_millis = at + cx.latencies.millis(START, &task.task_arn);
    task.next = Some(Next { state: "RUNNING".to_owned(), at_millis });
    cx.r.ecs.tasks.insert(task.task_arn.clone(), task);
}

fn attachment(id: &str, interface_id: &str, place: &Place) -> Attachment {
    let detail = |name: &str, value: &str| Detail { name: name.to_owned(), value: value.to_owned() };
    Attachment {
        id: id.to_owned(),
        kind: "ElasticNetworkInterface".to_owned(),
        status: "ATTACHED".to_owned(),
        details: vec![
            detail("subnetId", &place.subnet_id),
            detail("networkInterfaceId", interface_id),
            detail("privateIPv4Address", &place.address.to_string()),
        ],
    }
}

/// A task that has not started; `None` if its task definition is gone.
fn make(cx: &mut Cx<'_>, revision: &Revision, at: i64) -> Option<Task> {
    let id = cx.r.ecs.hex_id();
    let service = cx.r.ecs.services.get(&revision.service_arn)?.clone();
    let (cluster, _) = service.place();
    let task_arn = cx.arn("ecs", &format!("task/{cluster}/{id}"));
    let definition = cx.r.ecs.task_definition(&revision.task_definition)?.clone();
    let mut containers = Vec::new();
    for container in &definition.container_definitions {
        let container_id = cx.r.ecs.uuid();
        containers.push(TaskContainer {
            container_arn: cx.arn("ecs", &format!("container/{cluster}/{id}/{container_id}")),
            task_arn: task_arn.clone(),
            name: container.name.clone(),
            image: container.image.clone(),
            image_digest: revision.digest(&container.name),
            last_status: "PENDING".to_owned(),
            health_status: "UNKNOWN".to_owned(),
            reason: None,
            exit_code: None,
        });
    }
    let fate = fate::of(cx, &definition, revision).map(|(_, fate)| fate);
    let mut tags = match service.propagate_tags.as_str() {
        "SERVICE" => service.tags.clone(),
        "TASK_DEFINITION" => definition.tags.clone(),
        _ => Tags::new(),
    };
    if service.enable_ecs_managed_tags {
        tags.insert("aws:ecs:clusterName".to_owned(), cluster.to_owned());
        tags.insert("aws:ecs:serviceName".to_owned(), service.service_name.clone());
    }
    let provider =
        revision.capacity_provider_strategy.iter().flatten().max_by_key(|item| (item.base, item.weight));
    Some(Task {
        task_arn: task_arn.clone(),
        cluster_arn: service.cluster_arn.clone(),
        task_definition_arn: revision.task_definition.clone(),
        containers,
        last_status: "PENDING".to_owned(),
        desired_status: "RUNNING".to_owned(),
        launch_type: "FARGATE".to_owned(),
        capacity_provider_name: provider.map(|item| item.capacity_provider.clone()),
        cpu: definition.cpu.clone(),
        memory: definition.memory.clone(),
        created_at: seconds(at),
        started_at: None,
        stopping_at: None,
        stopped_at: None,
        stopped_reason: None,
        stop_code: None,
        group: format!("service:{}", service.service_name),
        started_by: format!("ecs-svc/{}", revision.number),
        connectivity: None,
        attachments: Vec::new(),
        availability_zone: None,
        platform_version: revision.platform_version.clone(),
        platform_family: revision.platform_family.clone(),
        version: 1,
        // ECS Developer Guide, "Fargate task ephemeral storage for Amazon ECS": 20 GiB unless told otherwise.
        ephemeral_storage: definition
            .ephemeral_storage
            .clone()
            .unwrap_or(EphemeralStorage { size_in_gib: 20 }),
        enable_execute_command: service.enable_execute_command,
        health_status: "UNKNOWN".to_owned(),
        tags,
        service: service.service_arn.clone(),
        revision: revision.service_revision_arn.clone(),
        interface: None,
        address: None,
        targets: revision.targets(),
        next: None,
        fate,
        until: None,
    })
}

/// Notes tasks that could not start.
pub(super) fn fail(cx: &mut Cx<'_>, revision: &Revision, count: u32, at: i64, problem: &Problem) {
    for _ in 0..count {
        let Some(mut task) = make(cx, revision, at) else { return };
        task.say("STOPPED");
        task.desired_status = "STOPPED".to_owned();
        task.stop_code = Some("TaskFailedToStart".to_owned());
        task.stopped_reason = Some(problem.reason.clone());
        task.stopping_at = Some(seconds(at));
        task.stopped_at = Some(seconds(at));
        task.until = Some(at + REMEMBERED_MILLIS);
        if let Some(container) =
            task.containers.iter_mut().find(|container| container.name == problem.container)
        {
            container.reason = Some(problem.reason.clone());
        }
        cx.r.ecs.tasks.insert(task.task_arn.clone(), task);
    }
}

/// Why a task stops.
#[derive(Clone, Debug)]
pub(super) struct Why {
    code: &'static str,
    reason: String,
}

impl Why {
    /// The service has decided so.
    pub(super) fn scheduler(reason: String) -> Self {
        Why { code: "ServiceSchedulerInitiated", reason }
    }
}

/// A task is not wanted any more.
pub(super) fn stop(cx: &mut Cx<'_>, arn: &str, at: i64) {
    let Some(task) = cx.r.ecs.tasks.get(arn) else { return };
    let reason = format!("Scaling activity initiated by (deployment {})", task.started_by);
    stop_for(cx, arn, at, &Why::scheduler(reason));
}

/// A task serves no more, is drained, and stops.
pub(super) fn stop_for(cx: &mut Cx<'_>, arn: &str, at: i64, why: &Why) {
    let Some(task) = cx.r.ecs.tasks.get(arn).filter(|task| task.is_wanted()).cloned() else { return };
    let mut drained = cx.latencies.millis(DEACTIVATE, arn);
    for (group, port) in task.targets.iter().filter(|_| task.is_running()) {
        if let Some(address) = task.address {
            routing::deregister(cx, group, address, *port);
        }
        let seconds = f64::from(routing::deregistration_delay(cx, group));
        drained = drained.max(cx.latencies.millis(spread(seconds, seconds, seconds), arn));
    }
    let Some(task) = cx.r.ecs.tasks.get_mut(arn) else { return };
    task.say("DEACTIVATING");
    task.desired_status = "STOPPED".to_owned();
    task.stop_code = Some(why.code.to_owned());
    task.stopped_reason = Some(why.reason.clone());
    task.next = Some(Next { state: "STOPPING".to_owned(), at_millis: at + drained });
}

/// A container that a task needs has exited, and so the task stops without being drained.
pub(super) fn exit(cx: &mut Cx<'_>, arn: &str, at: i64, reason: &str) {
    let Some(task) = cx.r.ecs.tasks.get(arn).filter(|task| task.is_wanted()).cloned() else { return };
    for (group, port) in &task.targets {
        if let Some(address) = task.address {
            routing::deregister(cx, group, address, *port);
        }
    }
    let Some(task) = cx.r.ecs.tasks.get_mut(arn) else { return };
    task.desired_status = "STOPPED".to_owned();
    task.stop_code = Some("EssentialContainerExited".to_owned());
    task.stopped_reason = Some(reason.to_owned());
    stopping(cx, arn, at);
}

/// Its containers are told to end, and its interface goes after a while.
fn stopping(cx: &mut Cx<'_>, arn: &str, at: i64) {
    lines::stopping(cx, arn, at);
    let at_millis = at + cx.latencies.millis(STOP, &format!("{arn} stopped"));
    let Some(task) = cx.r.ecs.tasks.get_mut(arn) else { return };
    task.say("STOPPING");
    task.stopping_at = Some(seconds(at));
    task.next = Some(Next { state: "STOPPED".to_owned(), at_millis });
}

/// Stops all tasks of a revision.
pub(super) fn stop_all(cx: &mut Cx<'_>, revision_arn: &str, at: i64) {
    let of_it = |task: &&Task| task.revision == revision_arn && task.is_wanted();
    let arns: Vec<String> = cx.r.ecs.tasks.values().filter(of_it).map(|task| task.task_arn.clone()).collect();
    for arn in arns {
        stop(cx, &arn, at);
    }
}

/// What becomes of tasks until a time.
pub(super) fn settle(cx: &mut Cx<'_>, now: i64) {
    let due = |task: &Task| {
        let next = task.next.as_ref().filter(|next| next.at_millis <= now)?;
        Some((next.at_millis, task.task_arn.clone()))
    };
    while let Some((at, arn)) = cx.r.ecs.tasks.values().filter_map(due).min() {
        let Some(task) = cx.r.ecs.tasks.get_mut(&arn) else { return };
        match task.next.take() {
            Some(next) if next.state == "RUNNING" => run(cx, &arn, at),
            Some(next) if next.state == "FAILING" => fate::strike(cx, &arn, at),
            Some(next) if next.state == "STOPPING" => stopping(cx, &arn, at),
            _ => task.end(at),
        }
    }
}

/// The containers that have health checks.
pub(super) fn checked_containers(cx: &Cx<'_>, task_definition: &str) -> Vec<String> {
    let definition = cx.r.ecs.task_definition(task_definition);
    let containers = definition.iter().flat_map(|definition| &definition.container_definitions);
    let checked = containers.filter(|container| container.health_check.is_some());
    checked.map(|container| container.name.clone()).collect()
}

/// A task runs, and begins to serve.
fn run(cx: &mut Cx<'_>, arn: &str, at: i64) {
    let Some(task) = cx.r.ecs.tasks.get(arn) else { return };
    let checked = checked_containers(cx, &task.task_definition_arn);
    let fails_at = at + fate::delay(cx, arn);
    let Some(task) = cx.r.ecs.tasks.get_mut(arn) else { return };
    task.say("RUNNING");
    task.started_at = Some(seconds(at));
    task.connectivity = Some("CONNECTED".to_owned());
    let is_healthy = !task.fate.as_ref().is_some_and(Fate::fails_targets);
    // Until a check has failed as often as it may, nothing is known.
    if task.fate != Some(Fate::Unhealthy) {
        task.checked(&checked, "HEALTHY");
    }
    if task.fate.is_some() {
        task.next = Some(Next { state: "FAILING".to_owned(), at_millis: fails_at });
    }
    let (targets, address) = (task.targets.clone(), task.address);
    for (group, port) in &targets {
        if let Some(address) = address {
            routing::register(cx, group, address, *port, is_healthy);
        }
    }
    lines::started(cx, arn, at);
}

impl Task {
    /// It has stopped, and its interface is gone.
    fn end(&mut self, at: i64) {
        self.say("STOPPED");
        self.stopped_at = Some(seconds(at));
        self.connectivity = None;
        self.interface = None;
        self.address = None;
        for attachment in &mut self.attachments {
            attachment.status = "DELETED".to_owned();
        }
        self.until = Some(at + REMEMBERED_MILLIS);
    }

    pub(super) fn is_forgotten(&self, now: i64) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// When it will have drained.
    pub(super) fn drained_at(&self) -> Option<i64> {
        self.next.as_ref().filter(|next| next.state == "STOPPING").map(|next| next.at_millis)
    }
}

pub(super) fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct List {
    cluster: Option<String>,
    family: Option<String>,
    started_by: Option<String>,
    service_name: Option<String>,
    desired_status: Option<String>,
    launch_type: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

/// ECS API Reference, ListTasks: pages of up to 100; `PENDING` is a desired status that no task ever has.
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: List = call.input()?;
    let state = &cx.r.ecs;
    let cluster = &state.present_cluster(input.cluster.as_deref().unwrap_or("default"))?.cluster_arn;
    let service = match &input.service_name {
        Some(name) => Some(state.service(cluster, name)?.service_arn.clone()),
        None => None,
    };
    let desired = input.desired_status.as_deref().unwrap_or("RUNNING");
    let family_of = |task: &Task| {
        let short = task.task_definition_arn.rsplit_once('/').map_or("", |(_, short)| short);
        short.split(':').next().unwrap_or_default().to_owned()
    };
    let arns: Vec<&String> = state
        .tasks
        .values()
        .filter(|task| task.cluster_arn == *cluster && task.desired_status == desired)
        .filter(|task| service.as_ref().is_none_or(|service| task.service == *service))
        .filter(|task| input.family.as_ref().is_none_or(|family| family_of(task) == *family))
        .filter(|task| input.started_by.as_ref().is_none_or(|by| task.started_by == *by))
        .filter(|task| input.launch_type.as_ref().is_none_or(|kind| task.launch_type == *kind))
        .map(|task| &task.task_arn)
        .collect();
    let (arns, next) = lookup::paged(arns, input.next_token.as_deref(), input.max_results, 100)?;
    Ok(json!({"taskArns": arns, "nextToken": next}))
}

/// ECS API Reference, DescribeTasks: up to 100, by id or ARN.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (cluster, tasks, include): (Option<String>, Vec<String>, Vec<String>) =
        call.members(&["cluster", "tasks", "include"])?;
    ensure((1..=100).contains(&tasks.len()), || invalid("1 to 100 tasks can be described at once."))?;
    let name = cluster.as_deref().unwrap_or("default");
    cx.r.ecs.present_cluster(name)?;
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for task in &tasks {
        let id = task.rsplit('/').next().unwrap_or(task);
        let arn = cx.arn("ecs", &format!("task/{}/{id}", cluster::short_name(name)));
        match cx.r.ecs.tasks.get(&arn) {
            Some(task) => found.push(task.shown(include.iter().any(|item| item == "TAGS"))),
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({"tasks": found, "failures": failures}))
}

impl State {
    /// Running and pending tasks of a service, or of one revision of it.
    pub(super) fn counts(&self, service: &str, revision: Option<&str>) -> (usize, usize) {
        let of_it = |task: &&Task| task.service == service && revision.is_none_or(|arn| task.revision == arn);
        let tasks = || self.tasks.values().filter(of_it);
        (tasks().filter(|task| task.is_running()).count(), tasks().filter(|task| task.is_pending()).count())
    }
}
