//! Clusters. One that is deleted becomes `INACTIVE` and can be described for a while.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shapes::{StrategyItem, check_strategy};
use super::{REMEMBERED_MILLIS, State, invalid, is_name, lookup};
use crate::services::{
    Answer, Call, Cx, Next, Refusal, Spread, Tag, Tags, ensure, named_tag_list, refuse_if, spread, tags,
    to_json,
};

/// From creation to `ACTIVE`: 1 to 12 s in logs of Terraform applies.
const CREATE: Spread = spread(5.0, 1.0, 12.0);
/// From deletion to `INACTIVE`: the same logs.
const DELETE: Spread = spread(2.0, 1.0, 4.0);

const ACTIVE: &str = "ACTIVE";
const INACTIVE: &str = "INACTIVE";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cluster {
    pub(super) cluster_arn: String,
    pub(super) cluster_name: String,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) configuration: Option<Configuration>,
    settings: Vec<Setting>,
    pub(super) capacity_providers: Vec<String>,
    pub(super) default_capacity_provider_strategy: Vec<StrategyItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_connect_defaults: Option<ServiceConnectDefaults>,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    /// What it was made from, by which a repeated creation is recognised.
    #[serde(rename = "_parameters")]
    parameters: Value,
    #[serde(rename = "_next", skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
    /// Until when it can be described.
    #[serde(rename = "_until", skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    name: String,
    value: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Configuration {
    #[serde(skip_serializing_if = "Option::is_none")]
    execute_command_configuration: Option<ExecuteCommand>,
    #[serde(skip_serializing_if = "Option::is_none")]
    managed_storage_configuration: Option<ManagedStorage>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceConnectDefaults {
    namespace: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ExecuteCommand {
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logging: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_configuration: Option<ExecuteCommandLog>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ExecuteCommandLog {
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_watch_log_group_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_watch_encryption_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_bucket_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_encryption_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s3_key_prefix: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ManagedStorage {
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fargate_ephemeral_storage_kms_key_id: Option<String>,
}

impl Cluster {
    pub(super) fn is_active(&self) -> bool {
        self.status == ACTIVE
    }

    pub(super) fn is_inactive(&self) -> bool {
        self.status == INACTIVE
    }

    /// The key of the ephemeral storage of its tasks.
    pub(super) fn storage_key(&self) -> Option<&str> {
        let storage = self.configuration.as_ref()?.managed_storage_configuration.as_ref()?;
        storage.fargate_ephemeral_storage_kms_key_id.as_deref()
    }

    /// Everything that a cluster can be asked for, which calls that change one answer with.
    fn whole(&self, state: &State) -> Value {
        self.shown(state, &["SETTINGS", "CONFIGURATIONS", "STATISTICS", "TAGS"].map(str::to_owned))
    }

    /// What was asked to be included (ECS API Reference, DescribeClusters, `include`).
    fn shown(&self, state: &State, include: &[String]) -> Value {
        let includes = |what: &str| include.iter().any(|item| item == what);
        let mut shown = to_json(self);
        if !includes("SETTINGS") {
            shown["settings"] = json!([]);
        }
        if !includes("CONFIGURATIONS") {
            shown["configuration"] = Value::Null;
        }
        let tasks = || state.tasks.values().filter(|task| task.cluster_arn == self.cluster_arn);
        let running = tasks().filter(|task| task.is_running()).count();
        let pending = tasks().filter(|task| task.is_pending()).count();
        let services = state.services.values().filter(|service| service.cluster_arn == self.cluster_arn);
        let services = services.filter(|service| service.is_active()).count();
        let statistic = |name: &str, value: usize| json!({"name": name, "value": value.to_string()});
        let statistics = [
            statistic("runningFargateTasksCount", running),
            statistic("pendingFargateTasksCount", pending),
            statistic("activeFargateServiceCount", services),
        ];
        shown["statistics"] = if includes("STATISTICS") { json!(statistics) } else { json!([]) };
        shown["tags"] = if includes("TAGS") { named_tag_list(&self.tags, "key", "value") } else { json!([]) };
        shown["registeredContainerInstancesCount"] = json!(0);
        shown["runningTasksCount"] = json!(running);
        shown["pendingTasksCount"] = json!(pending);
        shown["activeServicesCount"] = json!(services);
        shown
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Create {
    cluster_name: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    settings: Vec<Setting>,
    configuration: Option<Configuration>,
    #[serde(default)]
    capacity_providers: Vec<String>,
    #[serde(default)]
    default_capacity_provider_strategy: Vec<StrategyItem>,
    service_connect_defaults: Option<ServiceConnectDefaults>,
}

/// ECS API Reference, CreateCluster. The same request again answers with the cluster that is there; another one for
/// the same name is `InvalidParameterException`.
pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Create = call.input()?;
    let name = input.cluster_name.unwrap_or_else(|| "default".to_owned());
    ensure(is_name(&name), || invalid(format!("{name} is not a name for a cluster.")))?;
    if let Some(cluster) = cx.r.ecs.clusters.get(&name).filter(|cluster| !cluster.is_inactive()) {
        ensure(cluster.parameters == *call.parameters, || {
            invalid(
                "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
            )
        })?;
        return Ok(json!({"cluster": cluster.whole(&cx.r.ecs)}));
    }
    check_settings(&input.settings)?;
    if let Some(configuration) = &input.configuration {
        check_configuration(cx, configuration)?;
    }
    check_capacity_providers(&input.capacity_providers)?;
    check_strategy(&input.default_capacity_provider_strategy, &input.capacity_providers)?;
    let tags = tags(input.tags, invalid)?;
    super::check_linked_role(cx)?;
    let namespace = input.service_connect_defaults.map(|given| namespace(cx, &given)).transpose()?;

    let insights = || Setting {
        name: "containerInsights".to_owned(),
        value: cx.r.ecs.setting("containerInsights").to_owned(),
    };
    let settings = if input.settings.is_empty() { vec![insights()] } else { input.settings };
    let arn = cx.arn("ecs", &format!("cluster/{name}"));
    let ready = cx.after(CREATE, &arn);
    let cluster = Cluster {
        cluster_arn: arn,
        cluster_name: name.clone(),
        status: if ready.is_some() { "PROVISIONING" } else { ACTIVE }.to_owned(),
        configuration: input.configuration,
        settings,
        capacity_providers: input.capacity_providers,
        default_capacity_provider_strategy: input.default_capacity_provider_strategy,
        service_connect_defaults: namespace.flatten(),
        tags,
        parameters: Value::clone(&call.parameters),
        next: ready.map(|at_millis| Next { state: ACTIVE.to_owned(), at_millis }),
        until: None,
    };
    let answer = json!({"cluster": cluster.whole(&cx.r.ecs)});
    cx.r.ecs.clusters.insert(name, cluster);
    Ok(answer)
}

/// ECS API Reference, DescribeClusters: up to 100, and the default cluster if none is named.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (mut clusters, include): (Vec<String>, Vec<String>) = call.members(&["clusters", "include"])?;
    if clusters.is_empty() {
        clusters.push("default".to_owned());
    }
    refuse_if(clusters.len() > 100, || invalid("Clusters cannot be more than 100."))?;
    let state = &cx.r.ecs;
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for name in &clusters {
        match state.clusters.get(short_name(name)) {
            Some(cluster) => found.push(cluster.shown(state, &include)),
            None => {
                let arn = cx.arn("ecs", &format!("cluster/{}", short_name(name)));
                failures.push(json!({"arn": arn, "reason": "MISSING"}));
            }
        }
    }
    Ok(json!({"clusters": found, "failures": failures}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Update {
    cluster: String,
    settings: Option<Vec<Setting>>,
    configuration: Option<Configuration>,
    service_connect_defaults: Option<ServiceConnectDefaults>,
}

/// ECS API Reference, UpdateCluster. Whether a configuration replaces all of the one before, or only the parts that it has, is
/// not said; here it replaces all.
pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Update { cluster, settings, configuration, service_connect_defaults } = call.input()?;
    let name = cx.r.ecs.active_cluster(Some(&cluster))?.cluster_name.clone();
    check_settings(settings.as_deref().unwrap_or_default())?;
    if let Some(configuration) = &configuration {
        check_configuration(cx, configuration)?;
    }
    let namespace = service_connect_defaults.map(|given| namespace(cx, &given)).transpose()?;
    change(cx, &name, |cluster| {
        cluster.service_connect_defaults =
            namespace.unwrap_or_else(|| cluster.service_connect_defaults.take());
        cluster.settings = settings.unwrap_or_else(|| std::mem::take(&mut cluster.settings));
        cluster.configuration = configuration.or_else(|| cluster.configuration.take());
    })
}

/// ECS API Reference, UpdateClusterSettings.
pub(super) fn update_settings(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (cluster, settings): (String, Vec<Setting>) = call.members(&["cluster", "settings"])?;
    let name = cx.r.ecs.active_cluster(Some(&cluster))?.cluster_name.clone();
    check_settings(&settings)?;
    change(cx, &name, |cluster| cluster.settings = settings)
}

/// ECS API Reference, PutClusterCapacityProviders: a provider that services use cannot be taken away.
pub(super) fn put_capacity_providers(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (cluster, capacity_providers, default_capacity_provider_strategy): (
        String,
        Vec<String>,
        Vec<StrategyItem>,
    ) = call.members(&["cluster", "capacityProviders", "defaultCapacityProviderStrategy"])?;
    let cluster = cx.r.ecs.active_cluster(Some(&cluster))?;
    check_capacity_providers(&capacity_providers)?;
    check_strategy(&default_capacity_provider_strategy, &capacity_providers)?;
    let name = cluster.cluster_name.clone();
    let services =
        cx.r.ecs
            .services
            .values()
            .filter(|service| service.cluster_arn == cluster.cluster_arn && !service.is_inactive());
    let mut used = services.flat_map(|service| service.capacity_provider_strategy.iter().flatten());
    if let Some(item) = used.find(|item| !capacity_providers.contains(&item.capacity_provider)) {
        let message = format!("The capacity provider {} is in use by a service.", item.capacity_provider);
        return Err(Refusal::new("ResourceInUseException", message));
    }
    change(cx, &name, |cluster| {
        cluster.capacity_providers = capacity_providers;
        cluster.default_capacity_provider_strategy = default_capacity_provider_strategy;
    })
}

fn change(cx: &mut Cx<'_>, name: &str, change: impl FnOnce(&mut Cluster)) -> Answer {
    let state = &mut cx.r.ecs;
    change(state.clusters.get_mut(name).expect("the caller has found it"));
    Ok(json!({"cluster": state.clusters[name].whole(state)}))
}

/// ECS API Reference, DeleteCluster: not while it has services or tasks.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let cluster: String = call.member("cluster")?;
    let state = &cx.r.ecs;
    let cluster = state.present_cluster(&cluster)?;
    let arn = cluster.cluster_arn.clone();
    if state.services.values().any(|service| service.cluster_arn == arn && !service.is_inactive()) {
        let message = "The Cluster cannot be deleted while Services are active.";
        return Err(Refusal::new("ClusterContainsServicesException", message));
    }
    if state.tasks.values().any(|task| task.cluster_arn == arn && !task.is_stopped()) {
        let message = "The Cluster cannot be deleted while Tasks are active.";
        return Err(Refusal::new("ClusterContainsTasksException", message));
    }
    let name = cluster.cluster_name.clone();
    let gone = cx.after(DELETE, &format!("{arn} deleted"));
    let now = cx.now_millis;
    change(cx, &name, |cluster| {
        cluster.status = if gone.is_some() { "DEPROVISIONING" } else { INACTIVE }.to_owned();
        cluster.next = gone.map(|at_millis| Next { state: INACTIVE.to_owned(), at_millis });
        cluster.until = Some(gone.unwrap_or(now) + REMEMBERED_MILLIS);
    })
}

/// ECS API Reference, ListClusters: pages of up to 100.
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (next_token, max_results): (Option<String>, Option<i64>) =
        call.members(&["nextToken", "maxResults"])?;
    let clusters = cx.r.ecs.clusters.values().filter(|cluster| !cluster.is_inactive());
    let arns: Vec<&String> = clusters.map(|cluster| &cluster.cluster_arn).collect();
    let (arns, next) = lookup::paged(arns, next_token.as_deref(), max_results, 100)?;
    Ok(json!({"clusterArns": arns, "nextToken": next}))
}

/// Clusters reach the state that time brings, and are forgotten.
pub(super) fn settle(cx: &mut Cx<'_>) {
    let now = cx.now_millis;
    for cluster in cx.r.ecs.clusters.values_mut() {
        if let Some(next) = Next::due(&mut cluster.next, now) {
            cluster.status = next.state;
        }
    }
    cx.r.ecs.clusters.retain(|_, cluster| cluster.until.is_none_or(|until| now < until));
}

/// The name in an ARN, or the name itself.
pub(super) fn short_name(name_or_arn: &str) -> &str {
    name_or_arn.split_once(":cluster/").map_or(name_or_arn, |(_, name)| name)
}

fn cluster_not_found() -> Refusal {
    Refusal::new("ClusterNotFoundException", "Cluster not found.")
}

impl State {
    /// A cluster that is not `INACTIVE`, by name or ARN.
    pub(super) fn present_cluster(&self, name_or_arn: &str) -> Result<&Cluster, Refusal> {
        let cluster = self.clusters.get(short_name(name_or_arn)).filter(|cluster| !cluster.is_inactive());
        cluster.ok_or_else(cluster_not_found)
    }

    /// A cluster that can be used, by name or ARN; the default one if none is named.
    pub(super) fn active_cluster(&self, name_or_arn: Option<&str>) -> Result<&Cluster, Refusal> {
        let cluster = self.present_cluster(name_or_arn.unwrap_or("default"))?;
        Some(cluster).filter(|cluster| cluster.is_active()).ok_or_else(cluster_not_found)
    }
}

/// ECS API Reference, ClusterServiceConnectDefaultsRequest: a name of up to 1024 characters, shown as the ARN of its namespace in
/// Cloud Map, which is made where there is none. An empty one takes the defaults away.
fn namespace(
    cx: &mut Cx<'_>,
    given: &ServiceConnectDefaults,
) -> Result<Option<ServiceConnectDefaults>, Refusal> {
    let name = given.namespace.as_str();
    if name.is_empty() {
        return Ok(None);
    }
    if name.starts_with("arn:") {
        return Ok(Some(given.clone()));
    }
    if name.len() > 1024 || name.contains(['<', '>', '"', '/']) {
        return Err(invalid(format!("{name} is not the name of a namespace.")));
    }
    let id = cx.r.ecs.short_id().to_lowercase();
    Ok(Some(ServiceConnectDefaults {
        namespace: cx.arn("servicediscovery", &format!("namespace/ns-{}", &id[..16])),
    }))
}

/// ECS API Reference, ClusterSetting.
fn check_settings(settings: &[Setting]) -> Result<(), Refusal> {
    match settings.iter().find(|setting| !matches!(&*setting.value, "enabled" | "enhanced" | "disabled")) {
        Some(setting) => Err(invalid(format!("{} is not a value of {}.", setting.value, setting.name))),
        None => Ok(()),
    }
}

/// Fargate's own providers are all that there are (ECS Developer Guide, "Amazon ECS clusters for Fargate").
fn check_capacity_providers(names: &[String]) -> Result<(), Refusal> {
    match names.iter().find(|name| !matches!(name.as_str(), "FARGATE" | "FARGATE_SPOT")) {
        Some(name) => Err(invalid(format!("The specified capacity provider {name} was not found."))),
        None => Ok(()),
    }
}

/// ECS API Reference, ExecuteCommandConfiguration: a log configuration goes with `OVERRIDE`, and only with it. Keys must
/// be usable.
fn check_configuration(cx: &Cx<'_>, configuration: &Configuration) -> Result<(), Refusal> {
    let mut keys = Vec::new();
    if let Some(execute) = &configuration.execute_command_configuration {
        let overrides = execute.logging.as_deref() == Some("OVERRIDE");
        if overrides != execute.log_configuration.is_some() {
            return Err(invalid(
                "A log configuration must be given with logging OVERRIDE, and only with it.",
            ));
        }
        keys.extend(&execute.kms_key_id);
    }
    if let Some(storage) = &configuration.managed_storage_configuration {
        keys.extend(&storage.kms_key_id);
        keys.extend(&storage.fargate_ephemeral_storage_kms_key_id);
    }
    keys.into_iter().try_for_each(|key| lookup::check_key(cx, key))
}
