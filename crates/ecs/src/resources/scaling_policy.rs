//! When autoscaling adds and takes away tasks: so that an average stays about where it should be.
//!
//! The surprises: putting a policy is an upsert and a policy has no tags, so this looks first, and takes a policy for
//! ours where its target is; AWS makes the two alarms of a policy and deletes them with it; and two policies do not
//! contradict each other, the one that wants more tasks decides.
//!
//! A policy that only adds tasks costs what it has added once, for ever: that somebody has set `DisableScaleIn` is drift.
//!
//! **Wait**: as for its target; `FailedResourceAccessException` comes from reads too, as long as the service-linked role is
//! so new that it cannot read alarms. Nothing is rewritten on read, an update does what it says, and there are no states.

use async_trait::async_trait;
use aws::{CallResult, Called, Context, converge, count, number, required};
use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalingPolicy as Live,
    TargetTrackingScalingPolicyConfiguration as ConfigurationForCall,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Loss, Named,
    Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::scalable_target::{self, OfScaling, Scope};
use super::scaling;
use crate::{ScalableTargetId, ScalingPolicyArn};

/// The properties of a scaling policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ScalingPolicy<S: Stage = Declared> {
    /// Its name, unique for its target.
    pub policy_name: String,
    /// `TargetTrackingScaling`.
    pub policy_type: String,
    /// What it changes.
    pub scaling_target_id: S::Of<ScalableTargetId>,
    /// When.
    pub target_tracking_scaling_policy_configuration: TargetTracking,
}

/// The average that a policy keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetTracking {
    /// Its value.
    pub target_value: f64,
    /// Of what.
    pub predefined_metric_specification: PredefinedMetric,
    /// How long after adding more may be added, in seconds.
    pub scale_out_cooldown: u32,
    /// How long after taking away more may be taken, in seconds.
    pub scale_in_cooldown: u32,
    /// Whether nothing is ever taken away. Never declared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disable_scale_in: bool,
}

/// A metric that AWS knows by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PredefinedMetric {
    /// `ECSServiceAverageCPUUtilization` or `ECSServiceAverageMemoryUtilization`.
    pub predefined_metric_type: String,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ScalingPolicyOutputs<S: Stage> {
    /// The ARN.
    pub arn: S::Of<ScalingPolicyArn>,
}

impl Declares for ScalingPolicy<Declared> {
    type Resolved = ScalingPolicy<Resolved>;
}

impl TargetTracking {
    fn for_call(&self) -> ConfigurationForCall {
        let metric = self.predefined_metric_specification.predefined_metric_type.as_str();
        let metric =
            PredefinedMetricSpecification::builder().predefined_metric_type(MetricType::from(metric));
        ConfigurationForCall::builder()
            .target_value(self.target_value)
            .predefined_metric_specification(metric.build().expect("a type is given"))
            .scale_out_cooldown(number(self.scale_out_cooldown))
            .scale_in_cooldown(number(self.scale_in_cooldown))
            .disable_scale_in(self.disable_scale_in)
            .build()
            .expect("a value is given")
    }

    fn live(live: Option<&ConfigurationForCall>) -> Self {
        let metric = live.and_then(ConfigurationForCall::predefined_metric_specification);
        let metric = metric.map(|metric| metric.predefined_metric_type().as_str().to_owned());
        let seconds = |seconds: Option<i32>| seconds.map(count).unwrap_or_default();
        Self {
            target_value: live.map(ConfigurationForCall::target_value).unwrap_or_default(),
            predefined_metric_specification: PredefinedMetric {
                predefined_metric_type: metric.unwrap_or_default(),
            },
            scale_out_cooldown: seconds(live.and_then(ConfigurationForCall::scale_out_cooldown)),
            scale_in_cooldown: seconds(live.and_then(ConfigurationForCall::scale_in_cooldown)),
            disable_scale_in: live.and_then(ConfigurationForCall::disable_scale_in).unwrap_or_default(),
        }
    }
}

impl ScalingPolicy<Resolved> {
    async fn describe(&self, cx: &Context) -> Result<Option<Live>, CallError> {
        let scope = Scope::of(&self.scaling_target_id);
        let request = scaling(cx)
            .describe_scaling_policies()
            .policy_names(&self.policy_name)
            .service_namespace(scope.namespace())
            .resource_id(scope.resource)
            .scalable_dimension(scope.dimension());
        let answer = request.send().await.called("DescribeScalingPolicies").of_scaling().if_exists()?;
        Ok(answer.and_then(|answer| answer.scaling_policies.unwrap_or_default().into_iter().next()))
    }

    async fn put(&self, cx: &Context) -> Result<ScalingPolicyOutputs<Resolved>, CallError> {
        const OPERATION: &str = "PutScalingPolicy";
        let scope = Scope::of(&self.scaling_target_id);
        let request = scaling(cx)
            .put_scaling_policy()
            .policy_name(&self.policy_name)
            .policy_type(PolicyType::from(self.policy_type.as_str()))
            .service_namespace(scope.namespace())
            .resource_id(scope.resource)
            .scalable_dimension(scope.dimension())
            .target_tracking_scaling_policy_configuration(
                self.target_tracking_scaling_policy_configuration.for_call(),
            );
        let answer = request.send().await.called(OPERATION).once_visible().of_scaling()?;
        Ok(ScalingPolicyOutputs { arn: required(Some(answer.policy_arn), OPERATION, "PolicyARN")?.into() })
    }
}

#[async_trait]
impl Resource for ScalingPolicy<Resolved> {
    const KIND: &'static str = "AWS::ApplicationAutoScaling::ScalingPolicy";
    const FACTS: Facts = Facts {
        name: Named::Within("PolicyName"),
        create_only: CreateOnly::These(&["PolicyName", "ScalingTargetId"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["Arn"],
            words: "the ARN of the scaling policy",
            example: "arn:aws:autoscaling:ap-southeast-1:123456789012:scalingPolicy:1a2b3c4d-5e6f-4a1b-8c2d-3e4f5a6b7c8d:resource/ecs/service/payment-cluster-dev/payment-service-dev:policyName/payment-cpu-scaling-dev",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeScalingPolicies") },
        cost: Some("target-tracking-alarms"),
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = ScalingPolicy<Declared>;
    type Outputs<S: Stage> = ScalingPolicyOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{} {}", self.scaling_target_id, self.policy_name))
    }

    async fn find(
        &self,
        cx: &Context,
        _search: &Search,
    ) -> Result<Option<ScalingPolicyOutputs<Resolved>>, CallError> {
        let Some(live) = self.describe(cx).await? else { return Ok(None) };
        let target = scalable_target::find(cx, Scope::of(&self.scaling_target_id)).await?;
        if !target.is_some_and(|(_, tags)| tags.is_ours(cx.identity())) {
            return Err(CallError::conflict(
                format!("looking for scaling policy {}", self.policy_name),
                "it exists already, on a target whose tags do not say that it is ours",
            ));
        }
        Ok(Some(ScalingPolicyOutputs { arn: live.policy_arn.into() }))
    }

    async fn create(
        &self,
        cx: &Context,
        _intent: &Intent,
    ) -> Result<ScalingPolicyOutputs<Resolved>, CallError> {
        if self.describe(cx).await?.is_some() {
            let message = "there is a policy of this name";
            return Err(CallError::new(ErrorClass::AlreadyExists, "PutScalingPolicy", message));
        }
        self.put(cx).await
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &ScalingPolicyOutputs<Resolved>,
    ) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &ScalingPolicyOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = self.describe(cx).await?;
        // Another policy of the same name is not ours.
        let live = live.filter(|live| live.policy_arn() == outputs.arn.as_str());
        Ok(live.map(|live| Self {
            policy_type: live.policy_type().as_str().to_owned(),
            scaling_target_id: self.scaling_target_id.clone(),
            target_tracking_scaling_policy_configuration: TargetTracking::live(
                live.target_tracking_scaling_policy_configuration(),
            ),
            policy_name: live.policy_name,
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        _outputs: &ScalingPolicyOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<ScalingPolicyOutputs<Resolved>, CallError> {
        self.put(cx).await
    }

    async fn delete(&self, cx: &Context, _outputs: &ScalingPolicyOutputs<Resolved>) -> Result<(), CallError> {
        let scope = Scope::of(&self.scaling_target_id);
        let request = scaling(cx)
            .delete_scaling_policy()
            .policy_name(&self.policy_name)
            .service_namespace(scope.namespace())
            .resource_id(scope.resource)
            .scalable_dimension(scope.dimension());
        let answer = request.send().await.called("DeleteScalingPolicy");
        answer.of_scaling().gone_is_ok()
    }
}
