//! Task definitions: revisions of a family, which are never changed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::container::{self, Container};
use super::{State, client, fargate, invalid, is_name, lookup, not_modelled};
use crate::services::{
    Answer, Call, Cx, Next, Refusal, Spread, Tag, Tags, ensure, named_tag_list, spread, tags, to_json,
};

/// How long a deleted task definition that nothing uses is still shown. Estimate: AWS gives no number.
const DELETE: Spread = spread(60.0, 30.0, 120.0);

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskDefinition {
    pub(super) task_definition_arn: String,
    pub(super) container_definitions: Vec<Container>,
    pub(super) family: String,
    revision: u32,
    pub(super) task_role_arn: Option<String>,
    pub(super) execution_role_arn: Option<String>,
    network_mode: String,
    volumes: Vec<Volume>,
    status: String,
    placement_constraints: Vec<Value>,
    compatibilities: Vec<String>,
    requires_compatibilities: Vec<String>,
    pub(super) cpu: String,
    pub(super) memory: String,
    runtime_platform: Option<RuntimePlatform>,
    pid_mode: Option<String>,
    pub(super) ephemeral_storage: Option<EphemeralStorage>,
    enable_fault_injection: Option<bool>,
    registered_at: f64,
    deregistered_at: Option<f64>,
    delete_requested_at: Option<f64>,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    #[serde(rename = "_next")]
    next: Option<Next>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Volume {
    name: String,
    host: Option<HostVolume>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct HostVolume {
    source_path: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EphemeralStorage {
    #[serde(rename = "sizeInGiB")]
    pub(super) size_in_gib: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RuntimePlatform {
    cpu_architecture: Option<String>,
    operating_system_family: Option<String>,
}

impl TaskDefinition {
    pub(super) fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }

    pub(super) fn container(&self, name: &str) -> Option<&Container> {
        self.container_definitions.iter().find(|container| container.name == name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Register {
    family: String,
    task_role_arn: Option<String>,
    execution_role_arn: Option<String>,
    network_mode: Option<String>,
    container_definitions: Vec<Container>,
    #[serde(default)]
    volumes: Vec<Volume>,
    #[serde(default)]
    requires_compatibilities: Vec<String>,
    cpu: Option<String>,
    memory: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    pid_mode: Option<String>,
    ephemeral_storage: Option<EphemeralStorage>,
    runtime_platform: Option<RuntimePlatform>,
    enable_fault_injection: Option<bool>,
}

/// ECS API Reference, RegisterTaskDefinition.
pub(super) fn register(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut input: Register = call.input()?;
    let mut containers = std::mem::take(&mut input.container_definitions);
    ensure(is_name(&input.family), || client("Family contains invalid characters."))?;
    if input.requires_compatibilities != ["FARGATE"] {
        return Err(not_modelled(
            "task definitions for anything but FARGATE alone (requiresCompatibilities)",
        ));
    }
    if input.network_mode.as_deref() != Some("awsvpc") {
        return Err(client("Networking mode must be awsvpc to support FARGATE."));
    }
    let size = fargate::size(input.cpu.as_deref(), input.memory.as_deref())?;
    input.check_roles()?;
    input.check_host()?;
    let volumes = input.volume_names()?;
    let has_role = input.execution_role_arn.is_some();
    container::check(&mut containers, &volumes, size, has_role)?;
    let tag_set = tags(input.tags, invalid)?;

    let state = &mut cx.r.ecs;
    let revision = state.families.get(&input.family).copied().unwrap_or(0) + 1;
    let text = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let definition = TaskDefinition {
        task_definition_arn: cx.arn("ecs", &format!("task-definition/{}:{revision}", input.family)),
        container_definitions: containers,
        family: input.family.clone(),
        revision,
        task_role_arn: input.task_role_arn,
        execution_role_arn: input.execution_role_arn,
        network_mode: "awsvpc".to_owned(),
        volumes: input.volumes,
        status: "ACTIVE".to_owned(),
        placement_constraints: Vec::new(),
        compatibilities: text(&["EC2", "FARGATE"]),
        requires_compatibilities: input.requires_compatibilities,
        cpu: size.cpu.to_string(),
        memory: size.memory.to_string(),
        runtime_platform: input.runtime_platform,
        pid_mode: input.pid_mode,
        ephemeral_storage: input.ephemeral_storage,
        enable_fault_injection: input.enable_fault_injection,
        registered_at: cx.now_seconds(),
        deregistered_at: None,
        delete_requested_at: None,
        tags: tag_set,
        next: None,
    };
    let answer = json!({
        "taskDefinition": to_json(&definition),
        "tags": named_tag_list(&definition.tags, "key", "value"),
    });
    let state = &mut cx.r.ecs;
    state.families.insert(input.family.clone(), revision);
    state.task_definitions.entry(input.family).or_default().insert(revision, definition);
    Ok(answer)
}

impl Register {
    /// The form of the roles. Whether they are there and trust ECS shows when a task starts (ECS Developer Guide, "Amazon
    /// ECS task IAM role").
    fn check_roles(&self) -> Result<(), Refusal> {
        for arn in [&self.task_role_arn, &self.execution_role_arn].into_iter().flatten() {
            ensure(is_role_arn(arn), || client(format!("Role is not valid: {arn}.")))?;
        }
        Ok(())
    }

    /// ECS API Reference, RegisterTaskDefinition, `pidMode`, `ephemeralStorage` and `runtimePlatform` on Fargate.
    fn check_host(&self) -> Result<(), Refusal> {
        if self.pid_mode.as_deref() == Some("host") {
            return Err(client("Fargate supports no pidMode but task."));
        }
        if self.ephemeral_storage.as_ref().is_some_and(|storage| !(21..=200).contains(&storage.size_in_gib)) {
            return Err(client("Ephemeral storage is 21 to 200 GiB."));
        }
        let family =
            self.runtime_platform.as_ref().and_then(|platform| platform.operating_system_family.as_deref());
        match family {
            Some(family) if family != "LINUX" => {
                Err(not_modelled("tasks on Windows (operatingSystemFamily)"))
            }
            _ => Ok(()),
        }
    }

    /// ECS API Reference, Volume: names are unique; on Fargate a volume is storage of the task, not of its host.
    fn volume_names(&self) -> Result<BTreeSet<&str>, Refusal> {
        let mut names = BTreeSet::new();
        for Volume { name, host } in &self.volumes {
            ensure(is_name(name), || client(format!("Invalid volume name {name}.")))?;
            if host.as_ref().is_some_and(|host| host.source_path.is_some()) {
                return Err(client("host.sourcePath should not be set for volumes in Fargate."));
            }
            if !names.insert(name.as_str()) {
                return Err(client(format!("The volume name {name} is used more than once.")));
            }
        }
        Ok(names)
    }
}

/// `arn:aws:iam::ACCOUNT:role/NAME` (IAM User Guide, "IAM ARNs").
pub(super) fn is_role_arn(arn: &str) -> bool {
    let Some((account, name)) = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":role/"))
    else {
        return false;
    };
    account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty()
}

/// ECS API Reference, DescribeTaskDefinition: a revision, or the latest active one of a family.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (task_definition, include): (String, Vec<String>) = call.members(&["taskDefinition", "include"])?;
    let found = cx.r.ecs.task_definition(&task_definition);
    let definition = found.ok_or_else(|| client("Unable to describe task definition."))?;
    let mut answer = json!({"taskDefinition": to_json(definition)});
    if include.iter().any(|item| item == "TAGS") {
        answer["tags"] = named_tag_list(&definition.tags, "key", "value");
    }
    Ok(answer)
}

/// ECS API Reference, DeregisterTaskDefinition: what runs of it goes on running.
pub(super) fn deregister(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let task_definition: String = call.member("taskDefinition")?;
    if split(&task_definition).1.is_none() {
        return Err(invalid("A task definition is deregistered by family and revision."));
    }
    let now = cx.now_seconds();
    let found = cx.r.ecs.task_definition_mut(&task_definition);
    let definition = found.ok_or_else(|| client("Unable to describe task definition."))?;
    if !definition.is_active() {
        return Err(client(
            "The specified task definition is inactive. You must specify an active task definition.",
        ));
    }
    definition.status = "INACTIVE".to_owned();
    definition.deregistered_at = Some(now);
    Ok(json!({"taskDefinition": to_json(definition)}))
}

/// ECS API Reference, DeleteTaskDefinitions: up to 10 that are `INACTIVE`. They go once nothing uses them.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let task_definitions: Vec<String> = call.member("taskDefinitions")?;
    if !(1..=10).contains(&task_definitions.len()) {
        return Err(invalid("1 to 10 task definitions can be deleted at once."));
    }
    if task_definitions.iter().any(|name| split(name).1.is_none()) {
        return Err(invalid("A task definition is deleted by family and revision."));
    }
    let now = cx.now_seconds();
    let mut deleted = Vec::new();
    let mut failures = Vec::new();
    for name in &task_definitions {
        let (family, revision) = split(name);
        let arn = cx.arn("ecs", &format!("task-definition/{family}:{}", revision.unwrap_or_default()));
        let at_millis = cx.after(DELETE, &arn).unwrap_or(cx.now_millis);
        let failure = |reason: &str| json!({"arn": arn, "reason": reason});
        match cx.r.ecs.task_definition_mut(name) {
            None => failures.push(failure("The specified task definition does not exist.")),
            Some(definition) if definition.is_active() => {
                failures.push(failure("The specified task definition is still in ACTIVE status."));
            }
            Some(definition) => {
                definition.status = "DELETE_IN_PROGRESS".to_owned();
                definition.delete_requested_at = Some(now);
                definition.next = Some(Next { state: "DELETED".to_owned(), at_millis });
                deleted.push(to_json(definition));
            }
        }
    }
    settle(cx);
    Ok(json!({"taskDefinitions": deleted, "failures": failures}))
}

/// Task definitions that were deleted go, once no service uses them.
pub(super) fn settle(cx: &mut Cx<'_>) {
    let now = cx.now_millis;
    let state = &mut cx.r.ecs;
    let services = state.services.values().filter(|service| !service.is_inactive());
    let mut used: BTreeSet<&str> = services.map(|service| service.task_definition.as_str()).collect();
    used.extend(
        state.tasks.values().filter(|task| !task.is_stopped()).map(|task| task.task_definition_arn.as_str()),
    );
    for revisions in state.task_definitions.values_mut() {
        revisions.retain(|_, definition| {
            let is_due = definition.next.as_ref().is_some_and(|next| next.at_millis <= now);
            !is_due || used.contains(definition.task_definition_arn.as_str())
        });
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct List {
    family_prefix: Option<String>,
    status: Option<String>,
    sort: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

/// ECS API Reference, ListTaskDefinitions: of all families or of one (the parameter is a whole name in spite of its own),
/// pages of up to 100.
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let List { family_prefix, status, sort, next_token, max_results } = call.input()?;
    let status = status.as_deref().unwrap_or("ACTIVE");
    let families = cx.r.ecs.task_definitions.iter();
    let families =
        families.filter(|(family, _)| family_prefix.as_ref().is_none_or(|wanted| wanted == *family));
    let mut arns: Vec<&String> = families
        .flat_map(|(_, revisions)| revisions.values())
        .filter(|definition| definition.status == status)
        .map(|definition| &definition.task_definition_arn)
        .collect();
    if sort.as_deref() == Some("DESC") {
        arns.reverse();
    }
    let (arns, next) = lookup::paged(arns, next_token.as_deref(), max_results, 100)?;
    Ok(json!({"taskDefinitionArns": arns, "nextToken": next}))
}

/// Family and revision of an ARN, of `FAMILY:REVISION` or of `FAMILY`.
fn split(name: &str) -> (&str, Option<u32>) {
    let short = name.split_once(":task-definition/").map_or(name, |(_, short)| short);
    match short.split_once(':') {
        Some((family, revision)) => (family, Some(revision.parse().unwrap_or(0))),
        None => (short, None),
    }
}

impl State {
    /// A task definition by ARN or `FAMILY:REVISION`, or the latest active one of a family.
    pub(super) fn task_definition(&self, name: &str) -> Option<&TaskDefinition> {
        let (family, revision) = split(name);
        let revisions = self.task_definitions.get(family)?;
        match revision {
            Some(revision) => revisions.get(&revision),
            None => revisions.values().rev().find(|definition| definition.is_active()),
        }
    }

    pub(super) fn task_definition_mut(&mut self, name: &str) -> Option<&mut TaskDefinition> {
        let revision = self.task_definition(name)?.revision;
        self.task_definitions.get_mut(split(name).0)?.get_mut(&revision)
    }

    /// A task definition that a service may begin to use (ECS API Reference, DeregisterTaskDefinition).
    pub(super) fn usable_task_definition(&self, name: &str) -> Result<&TaskDefinition, Refusal> {
        let definition = self.task_definition(name).ok_or_else(|| client("TaskDefinition not found."))?;
        ensure(definition.is_active(), || client("TaskDefinition is inactive."))?;
        Ok(definition)
    }
}
