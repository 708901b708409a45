//! A DB cluster parameter group: how PostgreSQL is set up on all instances of a cluster.
//!
//! The surprise: a parameter is never absent. One that is no longer wanted is *reset* to the engine's default; and a
//! static one takes effect only with the next restart of each instance, which nobody makes: the cluster shows which of its
//! instances wait for one.
//!
//! - **Wait.** `InvalidDBParameterGroupState` just after a change, and while a cluster that has the group is being changed or
//!   has it still. RDS asks for five minutes between a new group and its first cluster; where that was too soon, the cluster
//!   shows instances that wait for a restart.
//! - **Rewritten.** The source of a parameter: one that was set to the value that it has by default is not the user's. So
//!   declared parameters are read by their value, and only of the others it matters whose they are. The method of a dynamic
//!   parameter can read back as `pending-reboot`.
//! - **Silent.** A dynamic parameter that is set with `pending-reboot` does not hold before a restart.
//! - **Terminal.** None: a group has no state.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws::rds::{client, retag, tag, tags_of};
use aws::{CallResult, Called, Context, Tags, converge, required};
use aws_sdk_rds::types::{ApplyMethod, DbClusterParameterGroup as Live, Parameter};
use engine::{
    CallError, Changed, CreateOnly, Declares, ErrorClass, Facts, ImportId, Intent, Listed, Loss, Named,
    Order, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use crate::ParameterGroupName;

/// The most parameters that one call takes (RDS API Reference, ModifyDBClusterParameterGroup).
const AT_ONCE: usize = 20;

/// A change that is being taken over, or a cluster that is being changed or has the group (RDS API Reference,
/// ModifyDBClusterParameterGroup, ResetDBClusterParameterGroup, DeleteDBClusterParameterGroup).
const BUSY: &str = "InvalidDBParameterGroupState";

/// Parameters by name, with values as RDS writes them.
pub type Parameters = BTreeMap<String, String>;

/// The properties of a DB cluster parameter group. None can refer to another resource, so one struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ClusterParameterGroup {
    /// Its name, unique in account and region, lower case.
    #[serde(rename = "DBClusterParameterGroupName")]
    pub name: ParameterGroupName,
    /// What it is for.
    pub description: String,
    /// The engine and its major version, such as `aurora-postgresql17`.
    pub family: String,
    /// Parameters that differ from the engine's defaults.
    pub parameters: Parameters,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ClusterParameterGroupOutputs<S: Stage> {
    /// The name; a reference to it waits until the group exists and has its parameters.
    #[serde(rename = "DBClusterParameterGroupName")]
    pub name: S::Of<ParameterGroupName>,
    /// The ARN, by which RDS tags it.
    #[serde(rename = "DBClusterParameterGroupArn")]
    pub arn: S::Of<String>,
}

impl Declares for ClusterParameterGroup {
    type Resolved = Self;
}

async fn describe(cx: &Context, name: &ParameterGroupName) -> Result<Option<Live>, CallError> {
    let request = client(cx).describe_db_cluster_parameter_groups();
    let request = request.db_cluster_parameter_group_name(name.as_str());
    let answer = request.send().await.called("DescribeDBClusterParameterGroups").if_exists()?;
    Ok(answer.and_then(|answer| answer.db_cluster_parameter_groups.unwrap_or_default().into_iter().next()))
}

fn outputs(live: &Live, operation: &str) -> Result<ClusterParameterGroupOutputs<Resolved>, CallError> {
    let name = required(live.db_cluster_parameter_group_name(), operation, "DBClusterParameterGroupName")?;
    let arn = required(live.db_cluster_parameter_group_arn(), operation, "DBClusterParameterGroupArn")?;
    Ok(ClusterParameterGroupOutputs { name: name.into(), arn: arn.to_owned() })
}

/// All parameters that there are in a group.
async fn all_parameters(cx: &Context, name: &ParameterGroupName) -> Result<Vec<Parameter>, CallError> {
    let request = client(cx).describe_db_cluster_parameters();
    let request = request.db_cluster_parameter_group_name(name.as_str());
    let pages = request.into_paginator().items().send();
    pages.try_collect().await.called("DescribeDBClusterParameters")
}

/// A parameter as it is sent: at once where it can be, which a static one cannot.
fn given(all: &[Parameter], name: &str, value: Option<&str>) -> Parameter {
    let is_dynamic =
        |one: &Parameter| one.parameter_name() == Some(name) && one.apply_type() == Some("dynamic");
    let method = match all.iter().any(is_dynamic) {
        true => ApplyMethod::Immediate,
        false => ApplyMethod::PendingReboot,
    };
    let parameter = Parameter::builder().parameter_name(name).apply_method(method);
    parameter.set_parameter_value(value.map(str::to_owned)).build()
}

#[async_trait]
impl Resource for ClusterParameterGroup {
    const KIND: &'static str = "AWS::RDS::DBClusterParameterGroup";
    const FACTS: Facts = Facts {
        name: Named::ByName("DBClusterParameterGroupName"),
        create_only: CreateOnly::These(&["DBClusterParameterGroupName", "Description", "Family"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 1800 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["DBClusterParameterGroupName"],
            words: "the name of the cluster parameter group",
            example: "payment-db-params-17-dev",
        },
        reads: Reads { least: 3, most: 3, together: Some("DescribeDBClusterParameterGroups") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    const ORDER: Order = Order { held: true, ..Order::NONE };
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = ClusterParameterGroupOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.name.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<ClusterParameterGroupOutputs<Resolved>>, CallError> {
        let Some(live) = describe(cx, &self.name).await? else { return Ok(None) };
        let outputs = outputs(&live, "DescribeDBClusterParameterGroups")?;
        let tags = tags_of(cx, &outputs.arn).await?;
        cx.adopt(&format!("DB cluster parameter group {}", self.name), &tags, search)?;
        Ok(Some(outputs))
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<ClusterParameterGroupOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateDBClusterParameterGroup";
        let request = client(cx)
            .create_db_cluster_parameter_group()
            .db_cluster_parameter_group_name(self.name.as_str())
            .db_parameter_group_family(&self.family)
            .description(&self.description)
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request.send().await.called(OPERATION)?;
        let live = required(answer.db_cluster_parameter_group, OPERATION, "DBClusterParameterGroup")?;
        outputs(&live, OPERATION)
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &ClusterParameterGroupOutputs<Resolved>,
    ) -> Result<(), CallError> {
        converge(self, cx, outputs).await.once_visible()
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &ClusterParameterGroupOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = describe(cx, &outputs.name).await? else { return Ok(None) };
        let Some(all) = all_parameters(cx, &outputs.name).await.if_exists()? else { return Ok(None) };
        let Some(tags) = tags_of(cx, &outputs.arn).await.if_exists()? else { return Ok(None) };
        let ours = |one: &Parameter| {
            one.source() == Some("user")
                || one.parameter_name().is_some_and(|name| self.parameters.contains_key(name))
        };
        let pair = |one: Parameter| Some((one.parameter_name?, one.parameter_value?));
        Ok(Some(Self {
            name: outputs.name.clone(),
            description: live.description.unwrap_or_default(),
            family: live.db_parameter_group_family.unwrap_or_default(),
            parameters: all.into_iter().filter(ours).filter_map(pair).collect(),
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &ClusterParameterGroupOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<ClusterParameterGroupOutputs<Resolved>, CallError> {
        let (name, before) = (outputs.name.as_str(), &changed.before.parameters);
        let all = match changed.has("Parameters") {
            true => all_parameters(cx, &outputs.name).await?,
            false => Vec::new(),
        };
        let set = self.parameters.iter().filter(|(name, value)| before.get(*name) != Some(*value));
        let set: Vec<_> = set.map(|(name, value)| given(&all, name, Some(value))).collect();
        for parameters in set.chunks(AT_ONCE) {
            let request = client(cx).modify_db_cluster_parameter_group();
            let request = request.db_cluster_parameter_group_name(name);
            let request = request.set_parameters(Some(parameters.to_vec()));
            let answer = request.send().await.called("ModifyDBClusterParameterGroup");
            answer.classed(&[BUSY], ErrorClass::NotYet)?;
        }
        let reset = before.keys().filter(|name| !self.parameters.contains_key(*name));
        let reset: Vec<_> = reset.map(|name| given(&all, name, None)).collect();
        for parameters in reset.chunks(AT_ONCE) {
            let request = client(cx).reset_db_cluster_parameter_group();
            let request = request.db_cluster_parameter_group_name(name);
            let request = request.set_parameters(Some(parameters.to_vec()));
            let answer = request.send().await.called("ResetDBClusterParameterGroup");
            answer.classed(&[BUSY], ErrorClass::NotYet)?;
        }
        retag(cx, &outputs.arn, &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        cx: &Context,
        outputs: &ClusterParameterGroupOutputs<Resolved>,
    ) -> Result<(), CallError> {
        let request = client(cx).delete_db_cluster_parameter_group();
        let request = request.db_cluster_parameter_group_name(outputs.name.as_str());
        request
            .send()
            .await
            .called("DeleteDBClusterParameterGroup")
            .classed(&[BUSY], ErrorClass::DependencyViolation)
            .map(drop)
            .gone_is_ok()
    }
}
