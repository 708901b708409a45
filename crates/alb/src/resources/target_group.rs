//! A target group: the tasks that requests may go to, and how it is found out whether they are well.
//!
//! The surprises: tasks are registered by ECS, not here; a group that no rule of a load balancer mentions is refused by
//! ECS; and a group belongs to one load balancer only, so that a second one cannot take it over while the first has it.
//!
//! Attributes that are not declared and decide which task gets a request, such as stickiness, are drift where somebody has set them
//! (see [`super::attributes`]).
//!
//! There are no states. `ResourceInUse` when it is deleted means wait: a listener or a rule still names it.

use async_trait::async_trait;
use aws::{
    CallResult, Called, Context, Tags, VpcId, converge, count_or_zero, number, port_or_zero, required,
};
use aws_sdk_elasticloadbalancingv2::types::{
    Matcher as LiveMatcher, ProtocolEnum, TargetGroup as Live, TargetGroupAttribute, TargetTypeEnum,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ForeignId, ImportId, Intent, Listed, Loss,
    Named, Order, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::attributes::{added, of_target_group, taken_back};
use super::elb::{Attribute, elb, managed, retag, tag, tags_of, taken};
use super::{Listener, ListenerRule};
use crate::TargetGroupArn;

/// The properties of a target group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetGroup<S: Stage = Declared> {
    /// Its name, unique in account and region, at most 32 characters.
    pub name: String,
    /// The VPC that the targets are in.
    pub vpc_id: S::Of<VpcId>,
    /// `ip`: tasks of Fargate have addresses of their own.
    pub target_type: String,
    /// `HTTP`.
    pub protocol: String,
    /// `HTTP1`.
    pub protocol_version: String,
    /// The port of a target that is registered without one.
    pub port: u16,
    /// How targets are asked whether they are well: `HTTP`.
    pub health_check_protocol: String,
    /// On which port: `traffic-port` is the one that requests go to.
    pub health_check_port: String,
    /// At which path.
    pub health_check_path: String,
    /// How often, in seconds: 5 to 300.
    pub health_check_interval_seconds: u32,
    /// How long an answer may take, in seconds: 2 to 120.
    pub health_check_timeout_seconds: u32,
    /// How many good answers in a row make a target healthy: 2 to 10.
    pub healthy_threshold_count: u32,
    /// How many bad answers in a row make it unhealthy: 2 to 10.
    pub unhealthy_threshold_count: u32,
    /// Which answers are good.
    pub matcher: Matcher,
    /// The attributes that are set. AWS has more; those that matter stay as AWS makes them.
    pub target_group_attributes: Vec<Attribute<S>>,
    /// What people see.
    pub tags: Tags,
}

/// Which answers are good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Matcher {
    /// One status, a list, or a range: `200`, `200,202`, `200-299`.
    pub http_code: String,
}

impl Matcher {
    fn for_call(&self) -> LiveMatcher {
        LiveMatcher::builder().http_code(&self.http_code).build()
    }
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetGroupOutputs<S: Stage> {
    /// The ARN.
    pub target_group_arn: S::Of<TargetGroupArn>,
    /// The end of the ARN, by which CloudWatch knows it: `targetgroup/payment-blue-dev/0123456789abcdef`.
    pub target_group_full_name: S::Of<String>,
}

impl Declares for TargetGroup<Declared> {
    type Resolved = TargetGroup<Resolved>;
}

async fn by_name(cx: &Context, name: &str) -> Result<Option<Live>, CallError> {
    let answer = elb(cx).describe_target_groups().names(name).send().await;
    let answer = answer.called("DescribeTargetGroups").if_exists()?;
    Ok(answer.and_then(|answer| answer.target_groups.unwrap_or_default().into_iter().next()))
}

async fn by_arn(cx: &Context, arn: &TargetGroupArn) -> Result<Option<Live>, CallError> {
    let answer = elb(cx).describe_target_groups().target_group_arns(arn.as_str()).send().await;
    let answer = answer.called("DescribeTargetGroups").if_exists()?;
    Ok(answer.and_then(|answer| answer.target_groups.unwrap_or_default().into_iter().next()))
}

fn outputs(live: &Live, operation: &str) -> Result<TargetGroupOutputs<Resolved>, CallError> {
    let arn = required(live.target_group_arn(), operation, "TargetGroupArn")?;
    let full_name = arn.rsplit(':').next().unwrap_or_default().to_owned();
    Ok(TargetGroupOutputs { target_group_arn: arn.into(), target_group_full_name: full_name })
}

impl TargetGroup<Resolved> {
    /// Those that are declared, and what takes others of the live ones back.
    fn attributes(&self, live: &[Attribute<Resolved>]) -> Vec<TargetGroupAttribute> {
        let attribute = |attribute: &Attribute<Resolved>| {
            TargetGroupAttribute::builder().key(&attribute.key).value(&attribute.value).build()
        };
        let back = taken_back(live, &self.target_group_attributes, of_target_group);
        self.target_group_attributes.iter().chain(&back).map(attribute).collect()
    }
}

#[async_trait]
impl Resource for TargetGroup<Resolved> {
    const KIND: &'static str = "AWS::ElasticLoadBalancingV2::TargetGroup";
    const FACTS: Facts = Facts {
        name: Named::ByName("Name"),
        create_only: CreateOnly::These(&[
            "Name",
            "VpcId",
            "TargetType",
            "Protocol",
            "ProtocolVersion",
            "Port",
        ]),
        lists: &[Listed::TAGS, Listed { path: "TargetGroupAttributes", key: "Key" }],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["TargetGroupArn"],
            words: "the ARN of the target group",
            example: "arn:aws:elasticloadbalancing:ap-southeast-1:123456789012:targetgroup/payment-blue-dev/0123456789abcdef",
        },
        reads: Reads { least: 3, most: 3, together: Some("DescribeTargetGroups") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    /// AWS counts rules and default actions; alarms and services only name it.
    const ORDER: Order = Order {
        held: true,
        held_by: &[Listener::<Resolved>::KIND, ListenerRule::<Resolved>::KIND],
        ..Order::NONE
    };
    type Context = Context;
    type Declared = TargetGroup<Declared>;
    type Outputs<S: Stage> = TargetGroupOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.name.clone())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<TargetGroupOutputs<Resolved>>, CallError> {
        let Some(live) = by_name(cx, &self.name).await? else { return Ok(None) };
        let outputs = outputs(&live, "DescribeTargetGroups")?;
        let Some(tags) = tags_of(cx, outputs.target_group_arn.as_str()).await.if_exists()? else {
            return Ok(None);
        };
        cx.adopt(&format!("target group {}", self.name), &tags, search)?;
        Ok(Some(outputs))
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<TargetGroupOutputs<Resolved>>, CallError> {
        let live = by_arn(cx, &id.part("TargetGroupArn").into()).await?;
        live.map(|live| outputs(&live, "DescribeTargetGroups")).transpose()
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<TargetGroupOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateTargetGroup";
        if by_name(cx, &self.name).await?.is_some() {
            return Err(taken(OPERATION, &format!("target group {}", self.name)));
        }
        let request = elb(cx)
            .create_target_group()
            .name(&self.name)
            .vpc_id(self.vpc_id.as_str())
            .target_type(TargetTypeEnum::from(self.target_type.as_str()))
            .protocol(ProtocolEnum::from(self.protocol.as_str()))
            .protocol_version(&self.protocol_version)
            .port(i32::from(self.port))
            .health_check_enabled(true)
            .health_check_protocol(ProtocolEnum::from(self.health_check_protocol.as_str()))
            .health_check_port(&self.health_check_port)
            .health_check_path(&self.health_check_path)
            .health_check_interval_seconds(number(self.health_check_interval_seconds))
            .health_check_timeout_seconds(number(self.health_check_timeout_seconds))
            .healthy_threshold_count(number(self.healthy_threshold_count))
            .unhealthy_threshold_count(number(self.unhealthy_threshold_count))
            .matcher(self.matcher.for_call())
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request.send().await.called(OPERATION).once_visible()?;
        let made = answer.target_groups.unwrap_or_default().into_iter().next();
        outputs(&required(made, OPERATION, "TargetGroups")?, OPERATION)
    }

    async fn configure(&self, cx: &Context, outputs: &TargetGroupOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &TargetGroupOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let arn = &outputs.target_group_arn;
        let Some(live) = by_arn(cx, arn).await? else { return Ok(None) };
        let request = elb(cx).describe_target_group_attributes().target_group_arn(arn.as_str());
        let attributes = request.send().await.called("DescribeTargetGroupAttributes").if_exists()?;
        let tags = tags_of(cx, arn.as_str()).await.if_exists()?;
        let (Some(attributes), Some(tags)) = (attributes, tags) else { return Ok(None) };
        let attributes = attributes.attributes().iter().map(|attribute| (attribute.key(), attribute.value()));
        let protocol = |protocol: Option<ProtocolEnum>| {
            protocol.map(|protocol| protocol.as_str().to_owned()).unwrap_or_default()
        };
        let matcher = live.matcher.and_then(|matcher| matcher.http_code);
        Ok(Some(Self {
            name: live.target_group_name.unwrap_or_default(),
            vpc_id: live.vpc_id.unwrap_or_default().into(),
            target_type: live.target_type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            protocol: protocol(live.protocol),
            protocol_version: live.protocol_version.unwrap_or_default(),
            port: port_or_zero(live.port),
            health_check_protocol: protocol(live.health_check_protocol),
            health_check_port: live.health_check_port.unwrap_or_default(),
            health_check_path: live.health_check_path.unwrap_or_default(),
            health_check_interval_seconds: count_or_zero(live.health_check_interval_seconds),
            health_check_timeout_seconds: count_or_zero(live.health_check_timeout_seconds),
            healthy_threshold_count: count_or_zero(live.healthy_threshold_count),
            unhealthy_threshold_count: count_or_zero(live.unhealthy_threshold_count),
            matcher: Matcher { http_code: matcher.unwrap_or_default() },
            target_group_attributes: {
                let set = &self.target_group_attributes;
                let mut seen = managed(set, attributes.clone());
                seen.extend(added(set, attributes, of_target_group));
                seen
            },
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &TargetGroupOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<TargetGroupOutputs<Resolved>, CallError> {
        let arn = outputs.target_group_arn.as_str();
        let mut properties = changed.properties.iter();
        if properties.any(|name| !matches!(name.as_str(), "TargetGroupAttributes" | "Tags")) {
            // All of them, since interval and timeout are only valid together.
            let request = elb(cx)
                .modify_target_group()
                .target_group_arn(arn)
                .health_check_protocol(ProtocolEnum::from(self.health_check_protocol.as_str()))
                .health_check_port(&self.health_check_port)
                .health_check_path(&self.health_check_path)
                .health_check_interval_seconds(number(self.health_check_interval_seconds))
                .health_check_timeout_seconds(number(self.health_check_timeout_seconds))
                .healthy_threshold_count(number(self.healthy_threshold_count))
                .unhealthy_threshold_count(number(self.unhealthy_threshold_count))
                .matcher(self.matcher.for_call());
            request.send().await.called("ModifyTargetGroup")?;
        }
        if changed.has("TargetGroupAttributes") {
            let request = elb(cx).modify_target_group_attributes().target_group_arn(arn);
            let live = &changed.before.target_group_attributes;
            let request = request.set_attributes(Some(self.attributes(live)));
            request.send().await.called("ModifyTargetGroupAttributes")?;
        }
        retag(cx, arn, &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &TargetGroupOutputs<Resolved>) -> Result<(), CallError> {
        // In use, by a rule that is being deleted, is `ResourceInUse`: the engine comes back.
        let request = elb(cx).delete_target_group().target_group_arn(outputs.target_group_arn.as_str());
        request.send().await.called("DeleteTargetGroup").map(drop).gone_is_ok()
    }
}
