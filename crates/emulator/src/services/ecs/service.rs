//! Services: what they are told, and their way from `ACTIVE` over `DRAINING` to `INACTIVE`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shapes::{
    DeploymentConfiguration, DeploymentController, LoadBalancer, NetworkConfiguration, StrategyItem,
};
use super::{REMEMBERED_MILLIS, State, invalid, is_name, lookup, rollout, routing, service_checks, task};
use crate::services::{
    ACCOUNT_ID, Answer, Call, Cx, Refusal, Spread, Tag, Tags, autoscaling, named_tag_list, spread, tags,
    to_json,
};

/// For how long a client token is remembered. AWS gives no number for ECS; this is EC2's.
const TOKEN_MILLIS: i64 = 24 * 60 * 60 * 1000;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Service {
    pub(super) service_arn: String,
    pub(super) service_name: String,
    pub(super) cluster_arn: String,
    pub(super) load_balancers: Vec<LoadBalancer>,
    service_registries: Vec<Value>,
    status: String,
    pub(super) desired_count: u32,
    pub(super) launch_type: Option<String>,
    pub(super) capacity_provider_strategy: Option<Vec<StrategyItem>>,
    pub(super) platform_version: String,
    pub(super) platform_family: String,
    pub(super) task_definition: String,
    pub(super) deployment_configuration: DeploymentConfiguration,
    pub(super) deployments: Vec<Deployment>,
    role_arn: String,
    events: Vec<Event>,
    created_at: f64,
    pub(super) current_service_deployment: Option<String>,
    placement_constraints: Vec<Value>,
    placement_strategy: Vec<Value>,
    pub(super) network_configuration: NetworkConfiguration,
    pub(super) health_check_grace_period_seconds: Option<u32>,
    scheduling_strategy: String,
    deployment_controller: DeploymentController,
    created_by: String,
    #[serde(rename = "enableECSManagedTags")]
    pub(super) enable_ecs_managed_tags: bool,
    pub(super) propagate_tags: String,
    pub(super) enable_execute_command: bool,
    pub(super) availability_zone_rebalancing: String,
    resource_management_type: String,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    /// The revision that was deployed completely, last.
    #[serde(rename = "_steadyRevision")]
    pub(super) steady_revision: Option<String>,
    /// Until when it can be described.
    #[serde(rename = "_until")]
    until: Option<i64>,
    /// What is shown instead of it for a moment after a change.
    #[serde(rename = "_stale", default, skip_serializing_if = "Option::is_none")]
    pub(super) stale: Option<Stale>,
}

/// How a service was before a change that is not seen everywhere yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stale {
    until: i64,
    shown: Value,
}

/// How long a service and its deployments may be shown as they were before UpdateService. ECS calls its API eventually
/// consistent and gives no number (ECS API Reference, DescribeServices and ListServiceDeployments are reads of their own;
/// hashicorp/terraform-provider-aws waits for the deployment that UpdateService has returned). Estimate.
const SEEN_LATE: Spread = spread(2.0, 1.0, 4.0);

/// ECS API Reference, Deployment. Its counts are those of its tasks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) status: String,
    task_definition: String,
    pub(super) desired_count: u32,
    pub(super) failed_tasks: u32,
    created_at: f64,
    pub(super) updated_at: f64,
    capacity_provider_strategy: Option<Vec<StrategyItem>>,
    launch_type: Option<String>,
    platform_version: String,
    platform_family: String,
    network_configuration: NetworkConfiguration,
    pub(super) rollout_state: String,
    pub(super) rollout_state_reason: String,
    #[serde(rename = "_revision")]
    pub(super) revision: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    id: String,
    created_at: f64,
    message: String,
}

impl Deployment {
    pub(super) fn new(revision: &super::Revision, desired_count: u32, at: i64) -> Self {
        let id = format!("ecs-svc/{}", revision.number);
        Deployment {
            rollout_state_reason: format!("ECS deployment {id} in progress."),
            id,
            status: "PRIMARY".to_owned(),
            task_definition: revision.task_definition.clone(),
            desired_count,
            failed_tasks: 0,
            created_at: task::seconds(at),
            updated_at: task::seconds(at),
            capacity_provider_strategy: revision.capacity_provider_strategy.clone(),
            launch_type: revision.launch_type.clone(),
            platform_version: revision.platform_version.clone(),
            platform_family: revision.platform_family.clone(),
            network_configuration: revision.network_configuration.clone(),
            rollout_state: "IN_PROGRESS".to_owned(),
            revision: revision.service_revision_arn.clone(),
        }
    }

    /// It has come to an end.
    pub(super) fn say(&mut self, state: &str, reason: String, at: i64) {
        state.clone_into(&mut self.rollout_state);
        self.rollout_state_reason = reason;
        self.updated_at = task::seconds(at);
    }
}

impl Service {
    pub(super) fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }

    pub(super) fn is_inactive(&self) -> bool {
        self.status == "INACTIVE"
    }

    fn is_draining(&self) -> bool {
        self.status == "DRAINING"
    }

    /// The names of cluster and service.
    pub(super) fn place(&self) -> (&str, &str) {
        let place = self.service_arn.rsplit_once(":service/").map_or("", |(_, place)| place);
        place.split_once('/').unwrap_or(("", place))
    }

    /// As it is shown for a while, now that it is about to change.
    pub(super) fn stale(&self, cx: &Cx<'_>) -> Option<Stale> {
        let until = cx.after(SEEN_LATE, &format!("{} {}", self.service_arn, cx.now_millis))?;
        Some(Stale { until, shown: self.shown(&cx.r.ecs, true) })
    }

    /// How it was before a change that is not seen yet.
    pub(super) fn seen(&self, now_millis: i64) -> Option<&Value> {
        self.stale.as_ref().filter(|stale| stale.until > now_millis).map(|stale| &stale.shown)
    }

    /// Whether another telling of the service would make the same tasks.
    pub(super) fn runs_like(&self, other: &Service) -> bool {
        self.task_definition == other.task_definition
            && self.load_balancers == other.load_balancers
            && self.launch_type == other.launch_type
            && self.capacity_provider_strategy == other.capacity_provider_strategy
            && self.platform_version == other.platform_version
            && self.network_configuration == other.network_configuration
    }

    /// All target groups that it may register tasks with.
    pub(super) fn target_groups(&self) -> Vec<String> {
        let alternate = |balancer: &LoadBalancer| {
            balancer
                .advanced_configuration
                .as_ref()
                .and_then(|advanced| advanced.alternate_target_group_arn.clone())
        };
        let both = |balancer: &LoadBalancer| [Some(balancer.target_group_arn.clone()), alternate(balancer)];
        self.load_balancers.iter().flat_map(both).flatten().collect()
    }

    pub(super) fn deployment_mut(&mut self, revision: &str) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|deployment| deployment.revision == revision)
    }

    /// As it is answered, with the counts of its tasks.
    pub(super) fn shown(&self, state: &State, with_tags: bool) -> Value {
        let mut shown = to_json(self);
        let (running, pending) = state.counts(&self.service_arn, None);
        shown["runningCount"] = json!(running);
        shown["pendingCount"] = json!(pending);
        for (deployment, shown) in
            self.deployments.iter().zip(shown["deployments"].as_array_mut().into_iter().flatten())
        {
            let (running, pending) = state.counts(&self.service_arn, Some(&deployment.revision));
            shown["runningCount"] = json!(running);
            shown["pendingCount"] = json!(pending);
        }
        let revisions = self.deployments.iter().map(|deployment| {
            let (running, pending) = state.counts(&self.service_arn, Some(&deployment.revision));
            json!({
                "arn": deployment.revision,
                "requestedTaskCount": deployment.desired_count,
                "runningTaskCount": running,
                "pendingTaskCount": pending,
            })
        });
        shown["currentServiceRevisions"] = revisions.collect();
        shown["tags"] = if with_tags { named_tag_list(&self.tags, "key", "value") } else { Value::Null };
        shown
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Create {
    cluster: Option<String>,
    service_name: String,
    task_definition: Option<String>,
    availability_zone_rebalancing: Option<String>,
    #[serde(default)]
    load_balancers: Vec<LoadBalancer>,
    desired_count: Option<i64>,
    client_token: Option<String>,
    launch_type: Option<String>,
    capacity_provider_strategy: Option<Vec<StrategyItem>>,
    platform_version: Option<String>,
    deployment_configuration: Option<DeploymentConfiguration>,
    network_configuration: Option<NetworkConfiguration>,
    health_check_grace_period_seconds: Option<u32>,
    scheduling_strategy: Option<String>,
    deployment_controller: Option<DeploymentController>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(rename = "enableECSManagedTags", default)]
    enable_ecs_managed_tags: bool,
    propagate_tags: Option<String>,
    #[serde(default)]
    enable_execute_command: bool,
}

/// ECS API Reference, CreateService.
pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Create = call.input()?;
    let token = input.client_token.clone();
    if let Some(answer) = earlier_answer(cx, call, token.as_deref())? {
        return Ok(answer);
    }
    let service = input.into_service(cx)?;
    let arn = service.service_arn.clone();
    match cx.r.ecs.services.get(&arn) {
        Some(other) if other.is_active() => return Err(invalid("Creation of service was not idempotent.")),
        Some(other) if other.is_draining() => {
            return Err(invalid("Unable to Start a service that is still Draining."));
        }
        _ => {}
    }
    service_checks::check(cx, &service)?;

    super::check_linked_role(cx)?;
    cx.r.ecs.forget_service(&arn);
    for group in service.target_groups() {
        routing::use_group(cx, &group, &arn);
    }
    cx.r.ecs.services.insert(arn.clone(), service);
    rollout::start(cx, &arn);
    let answer = answer(cx, &arn, true);
    if let Some(token) = token {
        cx.r.ecs.tokens.note(cx.now_millis, call, &token, &answer);
    }
    Ok(answer)
}

/// What was answered to the same request with the same token, while its service is there (ECS API Reference,
/// CreateService, `clientToken`).
fn earlier_answer(cx: &mut Cx<'_>, call: &Call, token: Option<&str>) -> Result<Option<Value>, Refusal> {
    let Some(token) = token else { return Ok(None) };
    if !(1..=36).contains(&token.len()) || !token.bytes().all(|byte| (33..=126).contains(&byte)) {
        return Err(invalid("A client token has up to 36 printable ASCII characters."));
    }
    let other = || invalid("Creation of service was not idempotent.");
    let answer = cx.r.ecs.tokens.look(cx.now_millis, TOKEN_MILLIS, call, token, other)?;
    let is_there = |answer: &Value| {
        cx.r.ecs.service_exists(answer["service"]["serviceArn"].as_str().unwrap_or_default())
    };
    Ok(answer.filter(is_there))
}

impl Create {
    /// The service that is asked for, completed with what AWS chooses.
    fn into_service(self, cx: &Cx<'_>) -> Result<Service, Refusal> {
        let state = &cx.r.ecs;
        let cluster = state.active_cluster(self.cluster.as_deref())?;
        if !is_name(&self.service_name) {
            return Err(invalid(format!("{} is not a name for a service.", self.service_name)));
        }
        let desired =
            self.desired_count.ok_or_else(|| invalid("desiredCount is required for REPLICA services."))?;
        let given = self.task_definition.ok_or_else(|| invalid("TaskDefinition can not be blank."))?;
        let task_definition = state.usable_task_definition(&given)?.task_definition_arn.clone();
        let (launch_type, capacity_provider_strategy) =
            service_checks::capacity(cluster, self.launch_type, self.capacity_provider_strategy)?;
        let network = self.network_configuration.ok_or_else(|| {
            invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
        })?;
        let controller =
            self.deployment_controller.unwrap_or_else(|| DeploymentController { kind: "ECS".to_owned() });
        Ok(Service {
            service_arn: cx.arn("ecs", &format!("service/{}/{}", cluster.cluster_name, self.service_name)),
            service_name: self.service_name,
            cluster_arn: cluster.cluster_arn.clone(),
            load_balancers: self.load_balancers,
            service_registries: Vec::new(),
            status: "ACTIVE".to_owned(),
            desired_count: service_checks::count(desired)?,
            launch_type,
            capacity_provider_strategy,
            platform_version: self.platform_version.unwrap_or_else(|| "LATEST".to_owned()),
            platform_family: "Linux".to_owned(),
            task_definition,
            deployment_configuration: DeploymentConfiguration::usual()
                .with(self.deployment_configuration.unwrap_or_default()),
            deployments: Vec::new(),
            role_arn: format!(
                "arn:aws:iam::{ACCOUNT_ID}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
            ),
            events: Vec::new(),
            created_at: cx.now_seconds(),
            current_service_deployment: None,
            placement_constraints: Vec::new(),
            placement_strategy: Vec::new(),
            network_configuration: network,
            health_check_grace_period_seconds: self.health_check_grace_period_seconds,
            scheduling_strategy: service_checks::scheduling(self.scheduling_strategy)?,
            deployment_controller: service_checks::controller(controller)?,
            created_by: format!("arn:aws:iam::{ACCOUNT_ID}:user/emulator"),
            enable_ecs_managed_tags: self.enable_ecs_managed_tags,
            propagate_tags: self.propagate_tags.unwrap_or_else(|| "NONE".to_owned()),
            enable_execute_command: self.enable_execute_command,
            // ECS API Reference, CreateService: `ENABLED` unless told otherwise.
            availability_zone_rebalancing: self
                .availability_zone_rebalancing
                .unwrap_or_else(|| "ENABLED".to_owned()),
            resource_management_type: "CUSTOMER".to_owned(),
            tags: tags(self.tags, invalid)?,
            steady_revision: None,
            until: None,
            stale: None,
        })
    }
}

/// The answer of a call that made or changed a service.
pub(super) fn answer(cx: &Cx<'_>, arn: &str, with_tags: bool) -> Value {
    let service = cx.r.ecs.services.get(arn);
    json!({"service": service.map(|service| service.shown(&cx.r.ecs, with_tags))})
}

/// ECS API Reference, DescribeServices: up to 10, by name or ARN.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (cluster, services, include): (Option<String>, Vec<String>, Vec<String>) =
        call.members(&["cluster", "services", "include"])?;
    match services.len() {
        0 => return Err(invalid("Services cannot be empty.")),
        1..=10 => {}
        _ => return Err(invalid("Services cannot be greater than 10.")),
    }
    let state = &cx.r.ecs;
    let cluster = &state.present_cluster(cluster.as_deref().unwrap_or("default"))?.cluster_arn;
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for name in &services {
        let arn = service_arn(cluster, name);
        match state.services.get(&arn) {
            Some(service) => {
                let with_tags = include.iter().any(|item| item == "TAGS");
                let mut shown = match service.seen(cx.now_millis) {
                    Some(seen) => seen.clone(),
                    None => service.shown(state, with_tags),
                };
                if !with_tags {
                    shown["tags"] = Value::Null;
                }
                found.push(shown);
            }
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({"services": found, "failures": failures}))
}

/// ECS API Reference, DeleteService: scaled to 0 first, or with force.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (cluster, service, force): (Option<String>, String, bool) =
        call.members(&["cluster", "service", "force"])?;
    let cluster = &cx.r.ecs.present_cluster(cluster.as_deref().unwrap_or("default"))?.cluster_arn;
    let found = cx.r.ecs.service(cluster, &service)?;
    let arn = found.service_arn.clone();
    if found.is_active() {
        if found.desired_count > 0 && !force {
            return Err(invalid("The service cannot be stopped while it is scaled above 0."));
        }
        // So clients report, also of deletions by force; for how long is not known, here until it has begun
        // (convox/rack#346; hashicorp/terraform-provider-aws, internal/service/ecs/service.go).
        if cx.r.ecs.deployments.values().any(|one| one.service_arn == arn && one.status == "PENDING") {
            return Err(invalid("The service cannot be stopped while deployments are active."));
        }
        drain(cx, &arn);
    }
    Ok(answer(cx, &arn, false))
}

/// A service is on its way out: nothing is deployed any more, and all tasks stop.
fn drain(cx: &mut Cx<'_>, arn: &str) {
    let now = cx.now_millis;
    rollout::abandon(cx, arn, "The service was deleted.");
    let Some(service) = cx.r.ecs.services.get_mut(arn) else { return };
    service.status = "DRAINING".to_owned();
    service.desired_count = 0;
    for deployment in &mut service.deployments {
        deployment.desired_count = 0;
    }
    let groups = service.target_groups();
    let of_it = |task: &&super::Task| task.service == arn;
    let tasks: Vec<String> =
        cx.r.ecs.tasks.values().filter(of_it).map(|task| task.task_arn.clone()).collect();
    for task in tasks {
        task::stop(cx, &task, now);
    }
    for group in groups {
        routing::release_group(cx, &group, arn);
    }
    autoscaling::service_is_gone(cx, arn);
    task::settle(cx, now);
    settle(cx);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct List {
    cluster: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
    launch_type: Option<String>,
    scheduling_strategy: Option<String>,
}

/// ECS API Reference, ListServices: only `ACTIVE` ones (DeleteService), pages of 10 or up to 100.
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: List = call.input()?;
    let state = &cx.r.ecs;
    let cluster = &state.present_cluster(input.cluster.as_deref().unwrap_or("default"))?.cluster_arn;
    let arns: Vec<&String> = state
        .services
        .values()
        .filter(|service| service.cluster_arn == *cluster && service.is_active())
        .filter(|service| input.launch_type.is_none() || service.launch_type == input.launch_type)
        .filter(|service| {
            input.scheduling_strategy.as_ref().is_none_or(|kind| *kind == service.scheduling_strategy)
        })
        .map(|service| &service.service_arn)
        .collect();
    let (arns, next) = lookup::paged(arns, input.next_token.as_deref(), input.max_results, 10)?;
    Ok(json!({"serviceArns": arns, "nextToken": next}))
}

/// Services that have drained become `INACTIVE`, and are forgotten with all that they had (ECS API Reference, DeleteService:
/// once all tasks are `STOPPING` or `STOPPED`).
pub(super) fn settle(cx: &mut Cx<'_>) {
    let now = cx.now_millis;
    let state = &mut cx.r.ecs;
    for service in state.services.values_mut().filter(|service| service.is_draining()) {
        let has_tasks =
            state.tasks.values().any(|task| task.service == service.service_arn && !task.is_drained());
        if !has_tasks {
            service.status = "INACTIVE".to_owned();
            service.deployments.clear();
            service.until = Some(now + REMEMBERED_MILLIS);
        }
    }
    let is_over = |service: &&Service| service.until.is_some_and(|until| until <= now);
    let over: Vec<String> = state.services.values().filter(is_over).map(|s| s.service_arn.clone()).collect();
    for arn in over {
        state.forget_service(&arn);
    }
}

/// The ARN that a name has in a cluster, or the ARN itself.
fn service_arn(cluster_arn: &str, name: &str) -> String {
    if name.starts_with("arn:") {
        name.to_owned()
    } else {
        format!("{}/{name}", cluster_arn.replacen(":cluster/", ":service/", 1))
    }
}

pub(super) fn service_not_found() -> Refusal {
    Refusal::new("ServiceNotFoundException", "Service not found.")
}

impl State {
    /// A service that is not `INACTIVE`, by name or ARN.
    pub(super) fn service(&self, cluster_arn: &str, name: &str) -> Result<&Service, Refusal> {
        let service = self.services.get(&service_arn(cluster_arn, name));
        service.filter(|service| !service.is_inactive()).ok_or_else(service_not_found)
    }

    fn forget_service(&mut self, arn: &str) {
        self.services.remove(arn);
        self.revisions.retain(|_, revision| revision.service_arn != arn);
        self.deployments.retain(|_, deployment| deployment.service_arn != arn);
    }

    /// Adds to the events of a service, of which 100 are kept, the latest first (ECS API Reference, Service, `events`).
    pub(super) fn note(&mut self, service_arn: &str, at: i64, message: &str) {
        let id = self.uuid();
        let Some(service) = self.services.get_mut(service_arn) else { return };
        let message = format!("(service {}) {message}", service.service_name);
        service.events.insert(0, Event { id, created_at: task::seconds(at), message });
        service.events.truncate(100);
    }
}
