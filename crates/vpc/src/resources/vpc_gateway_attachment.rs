//! The attachment of the internet gateway to the VPC: from here on, the VPC has a way out.
//!
//! The surprise: AWS takes a NAT gateway or an internet-facing load balancer only where an internet gateway is
//! attached already, and lets go of the gateway only when no public address is in use any more. So what is public
//! takes its VPC, and its gateway, from this resource's outputs: it is made after the attachment and deleted
//! before it.
//!
//! A gateway that somebody has detached is a change of `InternetGatewayId`, not a missing resource: it is attached
//! again in place. Otherwise the public subnets, whose VPC comes from here, would be replaced along with it.

use crate::InternetGatewayId;
use crate::describe::describe;
use async_trait::async_trait;
use aws::ec2::filter;
use aws::{CallResult, Called, Context, VpcId};
use aws_sdk_ec2::types::InternetGateway;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ForeignId, ImportId, Intent, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

/// The properties of an attachment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcGatewayAttachment<S: Stage = Declared> {
    /// The VPC, which can have one internet gateway.
    pub vpc_id: S::Of<VpcId>,
    /// The gateway. Only a live attachment that was undone has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internet_gateway_id: Option<S::Of<InternetGatewayId>>,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcGatewayAttachmentOutputs<S: Stage> {
    /// The VPC, once it has a way out.
    pub vpc_id: S::Of<VpcId>,
    /// The gateway, once it leads somewhere.
    pub internet_gateway_id: S::Of<InternetGatewayId>,
}

impl Declares for VpcGatewayAttachment<Declared> {
    type Resolved = VpcGatewayAttachment<Resolved>;
}

/// The internet gateway that is attached to a VPC.
async fn attached(cx: &Context, vpc: &VpcId) -> Result<Option<InternetGatewayId>, CallError> {
    let request = cx.ec2().describe_internet_gateways().filters(filter("attachment.vpc-id", [vpc]));
    let answer = request.send().await.called("DescribeInternetGateways")?;
    let mut gateways = answer.internet_gateways.unwrap_or_default().into_iter();
    Ok(gateways
        .find(|gateway| is_attached_to(gateway, vpc))
        .and_then(|one| one.internet_gateway_id)
        .map(Into::into))
}

fn is_attached_to(gateway: &InternetGateway, vpc: &VpcId) -> bool {
    gateway.attachments().iter().any(|attachment| {
        // AWS says `available` for internet gateways where the API model says `attached`.
        let state = attachment.state().map_or("", |state| state.as_str());
        attachment.vpc_id() == Some(vpc.as_str()) && matches!(state, "available" | "attached")
    })
}

async fn detach(cx: &Context, vpc: &VpcId, gateway: &InternetGatewayId) -> Result<(), CallError> {
    let request = cx.ec2().detach_internet_gateway().vpc_id(vpc.as_str());
    let request = request.internet_gateway_id(gateway.as_str());
    request.send().await.called("DetachInternetGateway").gone_is_ok()
}

impl VpcGatewayAttachment<Resolved> {
    async fn attach(&self, cx: &Context) -> Result<VpcGatewayAttachmentOutputs<Resolved>, CallError> {
        const OPERATION: &str = "AttachInternetGateway";
        let gateway = aws::required(self.internet_gateway_id.clone(), OPERATION, "InternetGatewayId")?;
        let request = cx.ec2().attach_internet_gateway().vpc_id(self.vpc_id.as_str());
        let request = request.internet_gateway_id(gateway.as_str());
        request.send().await.called(OPERATION).once_visible()?;
        Ok(VpcGatewayAttachmentOutputs { vpc_id: self.vpc_id.clone(), internet_gateway_id: gateway })
    }
}

#[async_trait]
impl Resource for VpcGatewayAttachment<Resolved> {
    const KIND: &'static str = "AWS::EC2::VPCGatewayAttachment";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["VpcId"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 10, longest: 900 } },
        import: ImportId {
            parts: &["VpcId"],
            words: "the id of the VPC whose internet gateway it attaches",
            example: "vpc-0a1b2c3d4e5f60718",
        },
        reads: Reads { least: 1, most: 2, together: Some("DescribeInternetGateways") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    // The gateway is the one that is given to the resource, so it is known, but another one is an update.
    const VOLATILE: &'static [&'static str] = &["InternetGatewayId"];
    type Context = Context;
    type Declared = VpcGatewayAttachment<Declared>;
    type Outputs<S: Stage> = VpcGatewayAttachmentOutputs<S>;

    fn claim(&self) -> Option<String> {
        self.internet_gateway_id.as_ref().map(ToString::to_string)
    }

    async fn find(
        &self,
        cx: &Context,
        _: &Search,
    ) -> Result<Option<VpcGatewayAttachmentOutputs<Resolved>>, CallError> {
        match attached(cx, &self.vpc_id).await? {
            None => Ok(None),
            Some(gateway) if self.internet_gateway_id.as_ref() == Some(&gateway) => {
                Ok(Some(VpcGatewayAttachmentOutputs {
                    vpc_id: self.vpc_id.clone(),
                    internet_gateway_id: gateway,
                }))
            }
            Some(other) => Err(CallError::conflict(
                format!("looking for the internet gateway of {}", self.vpc_id),
                format!("{other} is attached to it, and a VPC can have one"),
            )),
        }
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<VpcGatewayAttachmentOutputs<Resolved>>, CallError> {
        let vpc_id = id.part("VpcId").into();
        let Some(internet_gateway_id) = attached(cx, &vpc_id).await? else { return Ok(None) };
        Ok(Some(VpcGatewayAttachmentOutputs { vpc_id, internet_gateway_id }))
    }

    async fn create(
        &self,
        cx: &Context,
        _: &Intent,
    ) -> Result<VpcGatewayAttachmentOutputs<Resolved>, CallError> {
        self.attach(cx).await
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &VpcGatewayAttachmentOutputs<Resolved>,
    ) -> Result<Readiness<VpcGatewayAttachmentOutputs<Resolved>>, CallError> {
        let live = describe(cx).internet_gateways.get(&outputs.internet_gateway_id).await?;
        Ok(match live.is_some_and(|gateway| is_attached_to(&gateway, &outputs.vpc_id)) {
            true => Readiness::Ready(outputs.clone()),
            false => Readiness::Pending("attaching".to_owned()),
        })
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &VpcGatewayAttachmentOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let internet_gateway_id = attached(cx, &outputs.vpc_id).await?;
        if internet_gateway_id.is_none() && describe(cx).vpcs.get(&outputs.vpc_id).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { vpc_id: outputs.vpc_id.clone(), internet_gateway_id }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &VpcGatewayAttachmentOutputs<Resolved>,
        _: &Changed<Self>,
    ) -> Result<VpcGatewayAttachmentOutputs<Resolved>, CallError> {
        // After an answer that was lost, the gateway is attached already, and AWS refuses to attach it once more.
        match (attached(cx, &outputs.vpc_id).await?, &self.internet_gateway_id) {
            (Some(live), Some(wanted)) if live == *wanted => {
                let vpc_id = outputs.vpc_id.clone();
                return Ok(VpcGatewayAttachmentOutputs { vpc_id, internet_gateway_id: live });
            }
            (Some(live), _) => detach(cx, &outputs.vpc_id, &live).await?,
            (None, _) => {}
        }
        self.attach(cx).await
    }

    async fn delete(
        &self,
        cx: &Context,
        outputs: &VpcGatewayAttachmentOutputs<Resolved>,
    ) -> Result<(), CallError> {
        detach(cx, &outputs.vpc_id, &outputs.internet_gateway_id).await
    }

    async fn poll_gone(
        &self,
        cx: &Context,
        outputs: &VpcGatewayAttachmentOutputs<Resolved>,
    ) -> Result<bool, CallError> {
        Ok(attached(cx, &outputs.vpc_id).await?.as_ref() != Some(&outputs.internet_gateway_id))
    }
}
