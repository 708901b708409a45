//! An ECS cluster: what services and tasks are in. On Fargate it has no machines, only a name and settings.
//!
//! The surprise: creating a cluster whose name is taken is no error, AWS answers with the one that is there. So this
//! looks first, lest somebody else's cluster be taken over.
//!
//! What somebody sets of it beside that is drift where it decides what becomes of tasks and of commands in them: where sessions of
//! `execute-command` are logged (`NONE` hides them, `OVERRIDE` sends them elsewhere) and with which key they are encrypted, which
//! capacity providers tasks without a launch type get, and a namespace that new services of Service Connect join. Providers that are
//! only associated with the cluster do nothing. A key for the storage of tasks is said and left alone: it only hardens, as long as
//! it can be used, and the ECS API names no way to take it off again.
//!
//! **Wait**: `InvalidParameterException` that says "unable to assume" in an account whose service-linked role is new, and
//! `UpdateInProgressException`. Read back, all settings are there and not only those that were made. An update does what it
//! says. `FAILED`, `DEPROVISIONING` and `INACTIVE` are terminal.

use async_trait::async_trait;
use aws::{CallResult, Called, Context, EcsClusterName, Tags, converge, count, required};
use aws_sdk_ecs::types::{
    CapacityProviderStrategyItem as LiveItem, Cluster as Live, ClusterConfiguration as LiveConfiguration,
    ClusterField, ClusterServiceConnectDefaultsRequest, ClusterSetting as SettingForCall, ClusterSettingName,
    ExecuteCommandConfiguration as LiveExecute, ExecuteCommandLogging,
    ManagedStorageConfiguration as LiveStorage,
};
use engine::{
    CallError, Changed, CreateOnly, Declares, ErrorClass, Facts, ImportId, Intent, Listed, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ecs, live_tags, retag, tag};
use crate::ClusterArn;

/// The properties of a cluster. None of them is another resource's output, so one struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Cluster {
    /// Its name, unique in account and region.
    pub cluster_name: EcsClusterName,
    /// How it is measured.
    pub cluster_settings: Vec<ClusterSetting>,
    /// What somebody has said of commands in containers. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<ClusterConfiguration>,
    /// What tasks without a launch type run on, where somebody has said so. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// The namespace that somebody lets new services of Service Connect join. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_defaults: Option<ServiceConnectDefaults>,
    /// The keys that somebody lets encrypt the storage of tasks. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_storage: Option<ManagedStorageConfiguration>,
    /// What people see.
    pub tags: Tags,
}

/// What somebody has said of a cluster, as far as it is drift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ClusterConfiguration {
    /// How commands in containers are logged and encrypted.
    pub execute_command_configuration: ExecuteCommandConfiguration,
}

/// How commands in containers are logged and encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ExecuteCommandConfiguration {
    /// `DEFAULT`: as the task definition says; `NONE`, or `OVERRIDE`.
    pub logging: String,
    /// The key that encrypts what goes to and fro.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// Where logs go instead: a log group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_watch_log_group_name: Option<String>,
    /// Where logs go instead: a bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_bucket_name: Option<String>,
}

/// What tasks without a launch type run on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CapacityProviderStrategyItem {
    /// `FARGATE`, `FARGATE_SPOT`, or one of the account.
    pub capacity_provider: String,
    /// Its share.
    pub weight: u32,
    /// How many tasks it gets first.
    pub base: u32,
}

/// The namespace that new services of Service Connect join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceConnectDefaults {
    /// Its ARN.
    pub namespace: String,
}

/// The keys that encrypt the storage of tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ManagedStorageConfiguration {
    /// That of volumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// That of the storage that each task of Fargate has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fargate_ephemeral_storage_kms_key_id: Option<String>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ClusterSetting {
    /// `containerInsights`.
    pub name: String,
    /// `enhanced`, `enabled` or `disabled`.
    pub value: String,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ClusterOutputs<S: Stage> {
    /// The name.
    pub cluster_name: S::Of<EcsClusterName>,
    /// The ARN.
    pub arn: S::Of<ClusterArn>,
}

impl Declares for Cluster {
    type Resolved = Self;
}

/// What holds a cluster that is to be deleted (ECS API Reference, DeleteCluster).
const HELD: [&str; 4] = [
    "ClusterContainsCapacityProviderException",
    "ClusterContainsServicesException",
    "ClusterContainsTasksException",
    "UpdateInProgressException",
];

/// The cluster, unless nothing is left of it. One that was deleted stays visible for a while as `INACTIVE`.
async fn describe(cx: &Context, name: &EcsClusterName) -> Result<Option<Live>, CallError> {
    let request = ecs(cx)
        .describe_clusters()
        .clusters(name.as_str())
        .include(ClusterField::Configurations)
        .include(ClusterField::Settings)
        .include(ClusterField::Tags);
    let answer = request.send().await.called("DescribeClusters").if_exists()?;
    let live = answer.and_then(|answer| answer.clusters.unwrap_or_default().into_iter().next());
    Ok(live.filter(|live| live.status() != Some("INACTIVE")))
}

fn is_going(live: &Live) -> bool {
    live.status() == Some("DEPROVISIONING")
}

fn outputs(live: &Live, operation: &str) -> Result<ClusterOutputs<Resolved>, CallError> {
    Ok(ClusterOutputs {
        cluster_name: required(live.cluster_name(), operation, "clusterName")?.into(),
        arn: required(live.cluster_arn(), operation, "clusterArn")?.into(),
    })
}

impl ClusterConfiguration {
    /// What differs from what ECS does where nobody says anything: `DEFAULT` logging, and no key (ECS API Reference,
    /// ExecuteCommandConfiguration).
    fn live(live: &LiveConfiguration) -> Option<Self> {
        let execute = live.execute_command_configuration()?;
        let log = execute.log_configuration();
        let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let found = ExecuteCommandConfiguration {
            logging: execute.logging().map_or(DEFAULT_LOGGING, ExecuteCommandLogging::as_str).to_owned(),
            kms_key_id: text(execute.kms_key_id()),
            cloud_watch_log_group_name: text(log.and_then(|log| log.cloud_watch_log_group_name())),
            s3_bucket_name: text(log.and_then(|log| log.s3_bucket_name())),
        };
        let usual = found.logging == DEFAULT_LOGGING && found.kms_key_id.is_none();
        (!usual).then_some(Self { execute_command_configuration: found })
    }
}

impl ManagedStorageConfiguration {
    fn live(live: &LiveConfiguration) -> Option<Self> {
        let storage = live.managed_storage_configuration()?;
        let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let found = Self {
            kms_key_id: text(storage.kms_key_id()),
            fargate_ephemeral_storage_kms_key_id: text(storage.fargate_ephemeral_storage_kms_key_id()),
        };
        let is_empty = found.kms_key_id.is_none() && found.fargate_ephemeral_storage_kms_key_id.is_none();
        (!is_empty).then_some(found)
    }

    fn for_call(&self) -> LiveStorage {
        LiveStorage::builder()
            .set_kms_key_id(self.kms_key_id.clone())
            .set_fargate_ephemeral_storage_kms_key_id(self.fargate_ephemeral_storage_kms_key_id.clone())
            .build()
    }
}

/// How commands are logged where nobody says anything.
const DEFAULT_LOGGING: &str = "DEFAULT";

impl Cluster {
    /// A cluster with these settings. What others set beside is never declared.
    #[must_use]
    pub fn new(cluster_name: EcsClusterName, cluster_settings: Vec<ClusterSetting>, tags: Tags) -> Self {
        Self {
            cluster_name,
            cluster_settings,
            configuration: None,
            default_capacity_provider_strategy: Vec::new(),
            service_connect_defaults: None,
            managed_storage: None,
            tags,
        }
    }

    /// Takes back what somebody has set and is not declared.
    async fn take_back(&self, cx: &Context, changed: &Changed<Self>) -> Result<(), CallError> {
        let name = self.cluster_name.as_str();
        let (commands, connect) = (changed.has("Configuration"), changed.has("ServiceConnectDefaults"));
        if commands || connect {
            let execute = LiveExecute::builder().logging(ExecuteCommandLogging::Default).build();
            // What is left alone goes along: whether it would stay, AWS does not say.
            let configuration = LiveConfiguration::builder()
                .execute_command_configuration(execute)
                .set_managed_storage_configuration(
                    changed.before.managed_storage.as_ref().map(ManagedStorageConfiguration::for_call),
                );
            let none = ClusterServiceConnectDefaultsRequest::builder().namespace("").build();
            let none = none.expect("a namespace is given");
            let request = ecs(cx)
                .update_cluster()
                .cluster(name)
                .set_configuration(commands.then(|| configuration.build()))
                .set_service_connect_defaults(connect.then_some(none));
            let answer = request.send().await.called("UpdateCluster");
            answer.classed(&["UpdateInProgressException"], ErrorClass::NotYet)?;
        }
        if changed.has("DefaultCapacityProviderStrategy") {
            let live = describe(cx, &self.cluster_name).await?;
            let providers = live.and_then(|live| live.capacity_providers).unwrap_or_default();
            let request = ecs(cx)
                .put_cluster_capacity_providers()
                .cluster(name)
                .set_capacity_providers(Some(providers))
                .set_default_capacity_provider_strategy(Some(Vec::new()));
            let answer = request.send().await.called("PutClusterCapacityProviders");
            answer.classed(&["UpdateInProgressException"], ErrorClass::NotYet)?;
        }
        Ok(())
    }

    fn settings(&self) -> Vec<SettingForCall> {
        let setting = |ClusterSetting { name, value }: &ClusterSetting| {
            SettingForCall::builder().name(ClusterSettingName::from(name.as_str())).value(value).build()
        };
        self.cluster_settings.iter().map(setting).collect()
    }

    /// The live values of the settings that were made. AWS reports all that there are.
    fn live_settings(&self, live: &[SettingForCall]) -> Vec<ClusterSetting> {
        let value_of = |name: &str| {
            let is_it =
                |setting: &&SettingForCall| setting.name().is_some_and(|other| other.as_str() == name);
            live.iter().find(is_it).and_then(|setting| setting.value())
        };
        let settings = self.cluster_settings.iter().filter_map(|setting| {
            Some(ClusterSetting { name: setting.name.clone(), value: value_of(&setting.name)?.to_owned() })
        });
        settings.collect()
    }
}

#[async_trait]
impl Resource for Cluster {
    const KIND: &'static str = "AWS::ECS::Cluster";
    const FACTS: Facts = Facts {
        name: Named::ByName("ClusterName"),
        create_only: CreateOnly::These(&["ClusterName"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { own_properties: &["ManagedStorage"], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 5, longest: 300 }, gone: Span { typical: 2, longest: 900 } },
        import: ImportId {
            parts: &["ClusterName"],
            words: "the name of the ECS cluster",
            example: "payment-cluster-dev",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeClusters") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] =
        &["Configuration", "DefaultCapacityProviderStrategy", "ManagedStorage", "ServiceConnectDefaults"];
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = ClusterOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.cluster_name.to_string())
    }

    fn accepts(property: &str, live: &Value, _declared: &Value) -> Option<String> {
        let found =
            (property == "ManagedStorage").then(|| ManagedStorageConfiguration::deserialize(live).ok())??;
        let keys = [found.kms_key_id, found.fargate_ephemeral_storage_kms_key_id].into_iter().flatten();
        let keys: Vec<String> = keys.collect();
        Some(format!(
            "encrypts the storage of tasks with {}, which somebody else has set; as long as that key can be used, it does no harm. \
             Without it, no task can start",
            keys.join(" and ")
        ))
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<ClusterOutputs<Resolved>>, CallError> {
        let name = &self.cluster_name;
        let live = describe(cx, name).await?.filter(|live| !is_going(live));
        let Some(live) = live else { return Ok(None) };
        cx.adopt(&format!("ECS cluster {name}"), &live_tags(live.tags()), search)?;
        outputs(&live, "DescribeClusters").map(Some)
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<ClusterOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateCluster";
        if let Some(live) = describe(cx, &self.cluster_name).await? {
            let (class, message) = match is_going(&live) {
                true => (ErrorClass::NotYet, "a cluster of this name is being deleted"),
                false => (ErrorClass::AlreadyExists, "there is a cluster of this name"),
            };
            return Err(CallError::new(class, OPERATION, message));
        }
        let request = ecs(cx)
            .create_cluster()
            .cluster_name(self.cluster_name.as_str())
            .set_settings(Some(self.settings()))
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request
            .send()
            .await
            .called(OPERATION)
            // In an account that never had a cluster, AWS has just made its role for ECS.
            .classed_saying("InvalidParameterException", "nable to assume", ErrorClass::NotYet)?;
        outputs(&required(answer.cluster, OPERATION, "cluster")?, OPERATION)
    }

    async fn poll_ready(
        cx: &Context,
        known: &ClusterOutputs<Resolved>,
    ) -> Result<Readiness<ClusterOutputs<Resolved>>, CallError> {
        let Some(live) = describe(cx, &known.cluster_name).await? else {
            return Ok(Readiness::Pending("not visible yet".to_owned()));
        };
        Ok(match live.status().unwrap_or_default() {
            "ACTIVE" => Readiness::Ready(known.clone()),
            status @ ("FAILED" | "DEPROVISIONING") => Readiness::Failed(format!("its status is {status}")),
            status => Readiness::Pending(status.to_owned()),
        })
    }

    async fn configure(&self, cx: &Context, outputs: &ClusterOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &ClusterOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = describe(cx, &outputs.cluster_name).await?.filter(|live| !is_going(live));
        let item = |item: &LiveItem| CapacityProviderStrategyItem {
            capacity_provider: item.capacity_provider().to_owned(),
            weight: count(item.weight()),
            base: count(item.base()),
        };
        let namespace = |live: &Live| {
            let namespace = live.service_connect_defaults()?.namespace()?.to_owned();
            (!namespace.is_empty()).then_some(ServiceConnectDefaults { namespace })
        };
        Ok(live.map(|live| Self {
            cluster_name: outputs.cluster_name.clone(),
            cluster_settings: self.live_settings(live.settings()),
            configuration: live.configuration().and_then(ClusterConfiguration::live),
            default_capacity_provider_strategy: live
                .default_capacity_provider_strategy()
                .iter()
                .map(item)
                .collect(),
            service_connect_defaults: namespace(&live),
            managed_storage: live.configuration().and_then(ManagedStorageConfiguration::live),
            tags: live_tags(live.tags()).visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &ClusterOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<ClusterOutputs<Resolved>, CallError> {
        if changed.has("ClusterSettings") {
            let request = ecs(cx).update_cluster_settings().cluster(outputs.cluster_name.as_str());
            let request = request.set_settings(Some(self.settings()));
            request
                .send()
                .await
                .called("UpdateClusterSettings")
                .classed(&["UpdateInProgressException"], ErrorClass::NotYet)?;
        }
        self.take_back(cx, changed).await?;
        retag(cx, outputs.arn.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &ClusterOutputs<Resolved>) -> Result<(), CallError> {
        let request = ecs(cx).delete_cluster().cluster(outputs.cluster_name.as_str());
        let answer = request.send().await.called("DeleteCluster");
        answer.classed(&HELD, ErrorClass::DependencyViolation).gone_is_ok()
    }

    async fn poll_gone(&self, cx: &Context, outputs: &ClusterOutputs<Resolved>) -> Result<bool, CallError> {
        Ok(describe(cx, &outputs.cluster_name).await?.is_none())
    }
}
