//! What autoscaling may change: the number of tasks of a service, between two bounds.
//!
//! The surprises: registering a target is an upsert, so this looks first, lest one of somebody else's be changed; a call
//! that registers brings the service into the bounds at once; and policies go with their target.
//!
//! Scaling that somebody has suspended, for a deployment perhaps, stays so until it is said otherwise, whatever else is registered.
//! Then nothing adds tasks when they are needed, so it is drift.
//!
//! **Wait**: `ValidationException` says that the service does not exist, or that the service-linked role cannot be assumed,
//! where either is new; `FailedResourceAccessException`, that the role cannot read alarms yet; `ConcurrentUpdateException`,
//! that two calls met. Nothing is rewritten on read, an update does what it says, and there are no states.

use async_trait::async_trait;
use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, Tags, converge, count, number, required};
use aws_sdk_applicationautoscaling::types::{
    ScalableDimension, ScalableTarget as Live, ServiceNamespace, SuspendedState as LiveState,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Listed, Loss,
    Named, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::scaling;
use crate::ScalableTargetId;

/// The properties of a scalable target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ScalableTarget<S: Stage = Declared> {
    /// `ecs`.
    pub service_namespace: String,
    /// `service/CLUSTER/SERVICE`.
    pub resource_id: S::Of<String>,
    /// `ecs:service:DesiredCount`.
    pub scalable_dimension: String,
    /// How many there are at least.
    pub min_capacity: u32,
    /// How many there are at most.
    pub max_capacity: u32,
    /// What autoscaling does not do. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_state: Option<SuspendedState>,
    /// What people see.
    pub tags: Tags,
}

/// What autoscaling does not do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SuspendedState {
    /// Take tasks away, by policies.
    pub dynamic_scaling_in_suspended: bool,
    /// Add tasks, by policies.
    pub dynamic_scaling_out_suspended: bool,
    /// What is scheduled.
    pub scheduled_scaling_suspended: bool,
}

impl SuspendedState {
    fn for_call(self) -> LiveState {
        LiveState::builder()
            .dynamic_scaling_in_suspended(self.dynamic_scaling_in_suspended)
            .dynamic_scaling_out_suspended(self.dynamic_scaling_out_suspended)
            .scheduled_scaling_suspended(self.scheduled_scaling_suspended)
            .build()
    }

    /// AWS shows all of it also where nothing is suspended.
    fn from_live(live: &LiveState) -> Option<Self> {
        let state = Self {
            dynamic_scaling_in_suspended: live.dynamic_scaling_in_suspended().unwrap_or_default(),
            dynamic_scaling_out_suspended: live.dynamic_scaling_out_suspended().unwrap_or_default(),
            scheduled_scaling_suspended: live.scheduled_scaling_suspended().unwrap_or_default(),
        };
        (state != Self::default()).then_some(state)
    }
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ScalableTargetOutputs<S: Stage> {
    /// The resource, the dimension and the namespace.
    pub id: S::Of<ScalableTargetId>,
}

impl Declares for ScalableTarget<Declared> {
    type Resolved = ScalableTarget<Resolved>;
}

/// An answer of Application Auto Scaling that asks for another attempt.
pub(super) trait OfScaling: Sized {
    /// The same result, with the class that the code means.
    fn of_scaling(self) -> Self;
}

impl<T> OfScaling for Result<T, CallError> {
    /// Two calls met; or the service-linked role is so new that the service cannot use it, or cannot read alarms with it
    /// (Application Auto Scaling API Reference, `FailedResourceAccessException`; aws/aws-cdk#4108). One that stays so is an
    /// error once the time for attempts is over.
    fn of_scaling(self) -> Self {
        self.classed(&["ConcurrentUpdateException"], ErrorClass::Throttled)
            .classed(&["FailedResourceAccessException"], ErrorClass::NotYet)
            .classed_saying("ValidationException", "nable to assume IAM role", ErrorClass::NotYet)
    }
}

/// The parts of a target's id.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) resource: &'a str,
    dimension: &'a str,
    namespace: &'a str,
}

impl<'a> Scope<'a> {
    pub(super) fn of(id: &'a ScalableTargetId) -> Self {
        let mut parts = id.as_str().split('|');
        let mut next = || parts.next().unwrap_or_default();
        Self { resource: next(), dimension: next(), namespace: next() }
    }

    pub(super) fn dimension(self) -> ScalableDimension {
        ScalableDimension::from(self.dimension)
    }

    pub(super) fn namespace(self) -> ServiceNamespace {
        ServiceNamespace::from(self.namespace)
    }
}

/// A target and its tags.
pub(super) async fn find(cx: &Context, scope: Scope<'_>) -> Result<Option<(Live, LiveTags)>, CallError> {
    let request = scaling(cx)
        .describe_scalable_targets()
        .service_namespace(scope.namespace())
        .resource_ids(scope.resource)
        .scalable_dimension(scope.dimension());
    let answer = request.send().await.called("DescribeScalableTargets").of_scaling();
    let targets = answer?.scalable_targets;
    let Some(live) = targets.unwrap_or_default().into_iter().next() else { return Ok(None) };
    let arn = required(live.scalable_target_arn(), "DescribeScalableTargets", "ScalableTargetARN")?;
    let request = scaling(cx).list_tags_for_resource().resource_arn(arn);
    let answer = request.send().await.called("ListTagsForResource").if_exists()?;
    Ok(answer.map(|answer| (live, LiveTags::map(answer.tags))))
}

impl ScalableTarget<Resolved> {
    fn id(&self) -> ScalableTargetId {
        let Self { service_namespace, resource_id, scalable_dimension, .. } = self;
        format!("{resource_id}|{scalable_dimension}|{service_namespace}").into()
    }

    /// Registers the target, or changes its bounds and what is suspended, which would stay as it is if nothing were said. Tags
    /// are only taken for a new one.
    async fn register(&self, cx: &Context, intent: Option<&Intent>) -> Result<(), CallError> {
        let tags = intent.map(|intent| cx.stamp(&self.tags, intent)).transpose()?;
        let request = scaling(cx)
            .register_scalable_target()
            .service_namespace(ServiceNamespace::from(self.service_namespace.as_str()))
            .resource_id(&self.resource_id)
            .scalable_dimension(ScalableDimension::from(self.scalable_dimension.as_str()))
            .min_capacity(number(self.min_capacity))
            .max_capacity(number(self.max_capacity))
            .suspended_state(self.suspended_state.unwrap_or_default().for_call())
            .set_tags(tags.map(|tags| tags.map()));
        let answer = request.send().await.called("RegisterScalableTarget");
        answer
            .of_scaling()
            // The service was made a moment ago.
            .classed_saying("ValidationException", "service doesn't exist", ErrorClass::NotYet)
            .map(drop)
    }
}

#[async_trait]
impl Resource for ScalableTarget<Resolved> {
    const KIND: &'static str = "AWS::ApplicationAutoScaling::ScalableTarget";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["ServiceNamespace", "ResourceId", "ScalableDimension"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["ResourceId", "ScalableDimension", "ServiceNamespace"],
            words: "the resource that is scaled, the dimension and the service namespace",
            example: "service/payment-cluster-dev/payment-service-dev|ecs:service:DesiredCount|ecs",
        },
        reads: Reads { least: 2, most: 2, together: Some("DescribeScalableTargets") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &["SuspendedState"];
    type Context = Context;
    type Declared = ScalableTarget<Declared>;
    type Outputs<S: Stage> = ScalableTargetOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.id().to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<ScalableTargetOutputs<Resolved>>, CallError> {
        let id = self.id();
        let Some((_, tags)) = find(cx, Scope::of(&id)).await? else { return Ok(None) };
        cx.adopt(&format!("scalable target {id}"), &tags, search)?;
        Ok(Some(ScalableTargetOutputs { id }))
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<ScalableTargetOutputs<Resolved>, CallError> {
        let id = self.id();
        if find(cx, Scope::of(&id)).await?.is_some() {
            let message = "there is a scalable target for this service";
            return Err(CallError::new(ErrorClass::AlreadyExists, "RegisterScalableTarget", message));
        }
        self.register(cx, Some(intent)).await?;
        Ok(ScalableTargetOutputs { id })
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &ScalableTargetOutputs<Resolved>,
    ) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &ScalableTargetOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = find(cx, Scope::of(&outputs.id)).await?;
        Ok(live.map(|(live, tags)| Self {
            service_namespace: live.service_namespace.as_str().to_owned(),
            scalable_dimension: live.scalable_dimension.as_str().to_owned(),
            resource_id: live.resource_id,
            min_capacity: count(live.min_capacity),
            max_capacity: count(live.max_capacity),
            suspended_state: live.suspended_state.as_ref().and_then(SuspendedState::from_live),
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &ScalableTargetOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<ScalableTargetOutputs<Resolved>, CallError> {
        if ["MinCapacity", "MaxCapacity", "SuspendedState"].iter().any(|name| changed.has(name)) {
            self.register(cx, None).await?;
        }
        let changes = changed.before.tags.changes_to(&self.tags);
        if changes.is_empty() {
            return Ok(outputs.clone());
        }
        let live = find(cx, Scope::of(&outputs.id)).await?;
        let arn = live.and_then(|(live, _)| live.scalable_target_arn);
        let arn = required(arn, "DescribeScalableTargets", "ScalableTargetARN")?;
        aws::tag_by_arn!(changes, scaling(cx), &arn, |tags| tags.map())?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &ScalableTargetOutputs<Resolved>) -> Result<(), CallError> {
        let scope = Scope::of(&outputs.id);
        let request = scaling(cx)
            .deregister_scalable_target()
            .service_namespace(scope.namespace())
            .resource_id(scope.resource)
            .scalable_dimension(scope.dimension());
        let answer = request.send().await.called("DeregisterScalableTarget");
        answer.of_scaling().gone_is_ok()
    }
}
