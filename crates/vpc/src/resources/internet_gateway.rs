//! The internet gateway: the VPC's door to the internet, once it is attached.
//!
//! The surprise: it is made without a VPC. Attaching it is a call of its own, hence a resource of its own
//! ([`VpcGatewayAttachment`](super::VpcGatewayAttachment)); what needs the internet waits for that one.

use async_trait::async_trait;
use aws::ec2::{found_by, ours, ready_when_seen, retag, sighted};
use aws::{CallResult, Called, Context, Tags, required};
use aws_sdk_ec2::types::ResourceType;
use engine::{
    CallError, Changed, CreateOnly, Declares, Facts, ImportId, Intent, Listed, Loss, Named, Readiness, Reads,
    Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::visible;
use crate::InternetGatewayId;
use crate::describe::describe;

/// The properties of an internet gateway. None can refer to another resource, so one struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct InternetGateway {
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct InternetGatewayOutputs<S: Stage> {
    /// The gateway.
    pub internet_gateway_id: S::Of<InternetGatewayId>,
}

impl Declares for InternetGateway {
    type Resolved = Self;
}

#[async_trait]
impl Resource for InternetGateway {
    const KIND: &'static str = "AWS::EC2::InternetGateway";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::Nothing,
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 2, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["InternetGatewayId"],
            words: "the id of the internet gateway",
            example: "igw-0a1b2c3d4e5f60718",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeInternetGateways") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Tag;
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = InternetGatewayOutputs<S>;

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<InternetGatewayOutputs<Resolved>>, CallError> {
        let request = cx.ec2().describe_internet_gateways().set_filters(Some(found_by(cx, search)));
        let answer = request.send().await.called("DescribeInternetGateways")?;
        let mut found = answer.internet_gateways.unwrap_or_default().into_iter();
        let id = found.find_map(|gateway| gateway.internet_gateway_id);
        Ok(id.map(|id| InternetGatewayOutputs { internet_gateway_id: id.into() }))
    }

    async fn ours(
        cx: &Context,
    ) -> Result<Option<Vec<Sighting<InternetGatewayOutputs<Resolved>>>>, CallError> {
        let request = cx.ec2().describe_internet_gateways().set_filters(Some(ours(cx)));
        let answer = request.send().await.called("DescribeInternetGateways")?;
        let found = answer.internet_gateways.unwrap_or_default().into_iter();
        let sighted = found.filter_map(|live| {
            let outputs =
                live.internet_gateway_id.map(|id| InternetGatewayOutputs { internet_gateway_id: id.into() });
            sighted(cx, outputs, live.tags.as_deref(), None)
        });
        Ok(Some(sighted.collect()))
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<InternetGatewayOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateInternetGateway";
        let tags = cx.stamp(&self.tags, intent)?.ec2(ResourceType::InternetGateway);
        let answer =
            cx.ec2().create_internet_gateway().tag_specifications(tags).send().await.called(OPERATION)?;
        let id = answer.internet_gateway.and_then(|gateway| gateway.internet_gateway_id);
        let id = required(id, OPERATION, "InternetGatewayId")?;
        Ok(InternetGatewayOutputs { internet_gateway_id: id.into() })
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &InternetGatewayOutputs<Resolved>,
    ) -> Result<Readiness<InternetGatewayOutputs<Resolved>>, CallError> {
        let live = describe(cx).internet_gateways.get(&outputs.internet_gateway_id).await?;
        Ok(ready_when_seen(live, outputs))
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &InternetGatewayOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = describe(cx).internet_gateways.get(&outputs.internet_gateway_id).await?;
        Ok(live.map(|live| Self { tags: visible(live.tags) }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &InternetGatewayOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<InternetGatewayOutputs<Resolved>, CallError> {
        retag(cx, outputs.internet_gateway_id.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        cx: &Context,
        outputs: &InternetGatewayOutputs<Resolved>,
    ) -> Result<(), CallError> {
        let id = outputs.internet_gateway_id.as_str();
        let request = cx.ec2().delete_internet_gateway().internet_gateway_id(id);
        request.send().await.called("DeleteInternetGateway").gone_is_ok()
    }
}
