//! An ECS cluster: what services and tasks are in. On Fargate it has no machines, only a name and settings.
//!
//! The surprise: creating a cluster whose name is taken is no error, AWS answers with the one that is there. So this
//! looks first, lest somebody else's cluster be taken over.
//!
//! **Wait**: `InvalidParameterException` that says "unable to assume" in an account whose service-linked role is new, and
//! `UpdateInProgressException`. Read back, all settings are there and not only those that were made. An update does what it
//! says. `FAILED`, `DEPROVISIONING` and `INACTIVE` are terminal.

use async_trait::async_trait;
use aws::{CallResult, Called, Context, EcsClusterName, Tags, converge, required};
use aws_sdk_ecs::types::{
    Cluster as Live, ClusterField, ClusterSetting as SettingForCall, ClusterSettingName,
};
use engine::{
    CallError, Changed, CreateOnly, Declares, ErrorClass, Facts, ImportId, Intent, Listed, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

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
    /// What people see.
    pub tags: Tags,
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

impl Cluster {
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
        template: Template::AS_DECLARED,
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
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = ClusterOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.cluster_name.to_string())
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
        Ok(live.map(|live| Self {
            cluster_name: outputs.cluster_name.clone(),
            cluster_settings: self.live_settings(live.settings()),
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
