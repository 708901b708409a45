//! A task definition: what a task is made from.
//!
//! The surprises: nothing in it ever changes, a change registers the next revision of the family, beside the one before.
//! That one is not deleted but deregistered: what runs of it goes on running, and it stays visible as `INACTIVE`. And a
//! register call whose answer was lost leaves a revision that nothing uses, which is found by its tag.
//!
//! - **Wait**: `ClientException` for a role that was made a moment ago is not known here: a role that is too new shows when a
//!   task starts, which ECS tries again.
//! - **Rewritten on read**: members that were left out come back with their defaults; only what was declared is compared.
//! - **Silent**: there are no updates.
//! - **Terminal**: `INACTIVE`, and `DELETE_IN_PROGRESS` where somebody deletes it.

use async_trait::async_trait;
use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, RoleArn, Tags, required};
use aws_sdk_ecs::types::{
    Compatibility, CpuArchitecture, NetworkMode, OsFamily, RuntimePlatform as LivePlatform, SortOrder,
    TaskDefinition as Live, TaskDefinitionField, TaskDefinitionStatus, Volume as LiveVolume,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, Foreseen, ImportId, Intent,
    Listed, Loss, Named, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
    Wish,
};
use serde::{Deserialize, Serialize};

use super::{ContainerDefinition, ecs, live_tags, pull, retag, tag};
use crate::TaskDefinitionArn;

/// The properties of a task definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct TaskDefinition<S: Stage = Declared> {
    /// The name that its revisions share.
    pub family: String,
    /// CPU units, of which 1024 are one vCPU.
    pub cpu: String,
    /// MiB.
    pub memory: String,
    /// `awsvpc`: each task has a network interface.
    pub network_mode: String,
    /// `FARGATE`.
    pub requires_compatibilities: Vec<String>,
    /// What it runs on.
    pub runtime_platform: RuntimePlatform,
    /// The role of what Fargate does for a task.
    pub execution_role_arn: S::Of<RoleArn>,
    /// The role of the application.
    pub task_role_arn: S::Of<RoleArn>,
    /// Its containers.
    pub container_definitions: Vec<ContainerDefinition<S>>,
    /// Its volumes, which live as long as the task.
    pub volumes: Vec<Volume>,
    /// What people see.
    pub tags: Tags,
}

/// What a task runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RuntimePlatform {
    /// `X86_64` or `ARM64`.
    pub cpu_architecture: String,
    /// `LINUX`.
    pub operating_system_family: String,
}

/// A volume of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Volume {
    /// Its name.
    pub name: String,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct TaskDefinitionOutputs<S: Stage> {
    /// The revision.
    pub task_definition_arn: S::Of<TaskDefinitionArn>,
}

impl Declares for TaskDefinition<Declared> {
    type Resolved = TaskDefinition<Resolved>;
}

/// The revision with its tags, unless it is deregistered.
async fn active(cx: &Context, arn: &str) -> Result<Option<(Live, LiveTags)>, CallError> {
    const OPERATION: &str = "DescribeTaskDefinition";
    let request = ecs(cx).describe_task_definition().task_definition(arn).include(TaskDefinitionField::Tags);
    let answer = request
        .send()
        .await
        .called(OPERATION)
        // What ECS says of a revision that was deleted, or that nothing uses any more.
        .classed_saying("ClientException", "nable to describe task definition", ErrorClass::NotFound)
        .if_exists()?;
    let Some(answer) = answer else { return Ok(None) };
    let tags = live_tags(answer.tags());
    let live = required(answer.task_definition, OPERATION, "taskDefinition")?;
    let is_active = live.status() == Some(&TaskDefinitionStatus::Active);
    Ok(is_active.then_some((live, tags)))
}

impl TaskDefinition<Resolved> {
    fn live_properties(live: &Live, tags: LiveTags) -> Self {
        let platform = live.runtime_platform();
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            family: text(live.family()),
            cpu: text(live.cpu()),
            memory: text(live.memory()),
            network_mode: text(live.network_mode().map(NetworkMode::as_str)),
            requires_compatibilities: live
                .requires_compatibilities()
                .iter()
                .map(|one| one.as_str().to_owned())
                .collect(),
            runtime_platform: RuntimePlatform {
                cpu_architecture: platform
                    .and_then(LivePlatform::cpu_architecture)
                    .map_or("X86_64", CpuArchitecture::as_str)
                    .to_owned(),
                operating_system_family: platform
                    .and_then(LivePlatform::operating_system_family)
                    .map_or("LINUX", OsFamily::as_str)
                    .to_owned(),
            },
            execution_role_arn: live.execution_role_arn().unwrap_or_default().into(),
            task_role_arn: live.task_role_arn().unwrap_or_default().into(),
            container_definitions: live
                .container_definitions()
                .iter()
                .map(ContainerDefinition::live)
                .collect(),
            volumes: live.volumes().iter().map(|volume| Volume { name: text(volume.name()) }).collect(),
            tags: tags.visible(),
        }
    }
}

#[async_trait]
impl Resource for TaskDefinition<Resolved> {
    const KIND: &'static str = "AWS::ECS::TaskDefinition";
    const FACTS: Facts = Facts {
        name: Named::ByName("Family"),
        create_only: CreateOnly::AllBut(&["Tags"]),
        lists: &[
            Listed::TAGS,
            Listed { path: "ContainerDefinitions", key: "Name" },
            Listed { path: "ContainerDefinitions.Environment", key: "Name" },
            Listed { path: "ContainerDefinitions.Secrets", key: "Name" },
        ],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["TaskDefinitionArn"],
            words: "the ARN of the task definition, with its revision",
            example: "arn:aws:ecs:ap-southeast-1:123456789012:task-definition/payment-app-dev:7",
        },
        reads: Reads { least: 1, most: 1, together: None },
        cost: None,
    };
    const SETTLE: Settle = Settle::Tag;
    const IS_REVISION: bool = true;
    type Context = Context;
    type Declared = TaskDefinition<Declared>;
    type Outputs<S: Stage> = TaskDefinitionOutputs<S>;

    /// A new revision needs images to pull.
    async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        match wish.there {
            Some(_) => Ok(Foreseen::nothing()),
            None => pull::foresee(cx, wish).await,
        }
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<TaskDefinitionOutputs<Resolved>>, CallError> {
        // The newest first: what is looked for was made a moment ago.
        let request = ecs(cx).list_task_definitions().family_prefix(&self.family).sort(SortOrder::Desc);
        let mut arns = request.into_paginator().items().send();
        while let Some(arn) = arns.next().await {
            let arn = arn.called("ListTaskDefinitions")?;
            let Some((_, tags)) = active(cx, &arn).await? else { continue };
            if tags.fit(cx.identity(), search) {
                return Ok(Some(TaskDefinitionOutputs { task_definition_arn: arn.into() }));
            }
        }
        Ok(None)
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<TaskDefinitionOutputs<Resolved>, CallError> {
        const OPERATION: &str = "RegisterTaskDefinition";
        let RuntimePlatform { cpu_architecture, operating_system_family } = &self.runtime_platform;
        let platform = LivePlatform::builder()
            .cpu_architecture(CpuArchitecture::from(cpu_architecture.as_str()))
            .operating_system_family(OsFamily::from(operating_system_family.as_str()))
            .build();
        let compatibilities =
            self.requires_compatibilities.iter().map(|one| Compatibility::from(one.as_str()));
        let volumes = self.volumes.iter().map(|volume| LiveVolume::builder().name(&volume.name).build());
        let request = ecs(cx)
            .register_task_definition()
            .family(&self.family)
            .cpu(&self.cpu)
            .memory(&self.memory)
            .network_mode(NetworkMode::from(self.network_mode.as_str()))
            .set_requires_compatibilities(Some(compatibilities.collect()))
            .runtime_platform(platform)
            .execution_role_arn(self.execution_role_arn.as_str())
            .task_role_arn(self.task_role_arn.as_str())
            .set_container_definitions(Some(
                self.container_definitions.iter().map(ContainerDefinition::for_call).collect(),
            ))
            .set_volumes(Some(volumes.collect()))
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request
            .send()
            .await
            .called(OPERATION)
            // A role that was made a moment ago.
            .classed_saying("ClientException", "Role is not valid", ErrorClass::NotYet)
            .once_passed(cx)?;
        let live = answer.task_definition.and_then(|live| live.task_definition_arn);
        let arn = required(live, OPERATION, "taskDefinitionArn")?;
        Ok(TaskDefinitionOutputs { task_definition_arn: arn.into() })
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &TaskDefinitionOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = active(cx, outputs.task_definition_arn.as_str()).await?;
        Ok(live.map(|(live, tags)| Self::live_properties(&live, tags)))
    }

    /// Only tags change in place.
    async fn update(
        &self,
        cx: &Context,
        outputs: &TaskDefinitionOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<TaskDefinitionOutputs<Resolved>, CallError> {
        retag(cx, outputs.task_definition_arn.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &TaskDefinitionOutputs<Resolved>) -> Result<(), CallError> {
        let arn = outputs.task_definition_arn.as_str();
        // One that is inactive is refused.
        if active(cx, arn).await?.is_none() {
            return Ok(());
        }
        let request = ecs(cx).deregister_task_definition().task_definition(arn);
        request.send().await.called("DeregisterTaskDefinition").gone_is_ok()
    }
}
