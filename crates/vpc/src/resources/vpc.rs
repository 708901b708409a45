//! The VPC: the network that everything else of the stack is in.
//!
//! The surprise: `CreateVpc` takes neither a client token nor the DNS settings. A VPC whose create was not
//! answered is found again by its intent tag, and the DNS settings are set afterwards, one call each, in an
//! order: AWS refuses host names while resolution is off.

use async_trait::async_trait;
use aws::ec2::{found_by, retag};
use aws::{CallResult, Called, Context, Tags, VpcId, converge, required};
use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, VpcAttributeName, VpcState};
use engine::{
    CallError, Changed, CreateOnly, Declares, Facts, ImportId, Intent, Listed, Loss, Named, Readiness, Reads,
    Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{cidr, visible};
use crate::describe::describe;

/// The properties of a VPC. None can refer to another resource, so one struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Vpc {
    /// Its addresses: a block of /16 to /28.
    pub cidr_block: Ipv4Net,
    /// Whether Amazon's DNS server answers in the VPC.
    pub enable_dns_support: bool,
    /// Whether instances with public addresses get host names. Endpoints with private DNS need it too.
    pub enable_dns_hostnames: bool,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcOutputs<S: Stage> {
    /// The VPC.
    pub vpc_id: S::Of<VpcId>,
}

impl Declares for Vpc {
    type Resolved = Self;
}

async fn attribute(cx: &Context, id: &VpcId, name: VpcAttributeName) -> Result<Option<bool>, CallError> {
    let request = cx.ec2().describe_vpc_attribute().vpc_id(id.as_str()).attribute(name);
    let answer = request.send().await.called("DescribeVpcAttribute").if_exists()?;
    let value = |answer: aws_sdk_ec2::operation::describe_vpc_attribute::DescribeVpcAttributeOutput| {
        answer.enable_dns_support.or(answer.enable_dns_hostnames)
    };
    Ok(answer.and_then(value).map(|value| value.value.unwrap_or_default()))
}

fn to(value: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(value).build()
}

async fn set_dns_support(cx: &Context, id: &VpcId, value: bool) -> Result<(), CallError> {
    let request = cx.ec2().modify_vpc_attribute().vpc_id(id.as_str()).enable_dns_support(to(value));
    request.send().await.called("ModifyVpcAttribute").map(|_| ())
}

async fn set_dns_hostnames(cx: &Context, id: &VpcId, value: bool) -> Result<(), CallError> {
    let request = cx.ec2().modify_vpc_attribute().vpc_id(id.as_str()).enable_dns_hostnames(to(value));
    request.send().await.called("ModifyVpcAttribute").map(|_| ())
}

#[async_trait]
impl Resource for Vpc {
    const KIND: &'static str = "AWS::EC2::VPC";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["CidrBlock"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId { parts: &["VpcId"], words: "the id of the VPC", example: "vpc-0a1b2c3d4e5f60718" },
        reads: Reads { least: 3, most: 3, together: Some("DescribeVpcs") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Tag;
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = VpcOutputs<S>;

    async fn find(&self, cx: &Context, search: &Search) -> Result<Option<VpcOutputs<Resolved>>, CallError> {
        let request = cx.ec2().describe_vpcs().set_filters(Some(found_by(cx, search)));
        let found = request.send().await.called("DescribeVpcs")?.vpcs.unwrap_or_default();
        Ok(found.into_iter().find_map(|vpc| vpc.vpc_id).map(|id| VpcOutputs { vpc_id: id.into() }))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<VpcOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateVpc";
        let request = cx
            .ec2()
            .create_vpc()
            .cidr_block(self.cidr_block.to_string())
            .tag_specifications(cx.stamp(&self.tags, intent)?.ec2(ResourceType::Vpc));
        let answer = request.send().await.called(OPERATION)?;
        let id = required(answer.vpc.and_then(|vpc| vpc.vpc_id), OPERATION, "VpcId")?;
        Ok(VpcOutputs { vpc_id: id.into() })
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &VpcOutputs<Resolved>,
    ) -> Result<Readiness<VpcOutputs<Resolved>>, CallError> {
        let live = describe(cx).vpcs.get(&outputs.vpc_id).await?;
        Ok(match live.and_then(|vpc| vpc.state) {
            Some(VpcState::Available) => Readiness::Ready(outputs.clone()),
            Some(state) => Readiness::Pending(state.as_str().to_owned()),
            None => Readiness::Pending("not visible yet".to_owned()),
        })
    }

    async fn configure(&self, cx: &Context, outputs: &VpcOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await.once_visible()
    }

    async fn read(&self, cx: &Context, outputs: &VpcOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let id = &outputs.vpc_id;
        let Some(live) = describe(cx).vpcs.get(id).await? else { return Ok(None) };
        let support = attribute(cx, id, VpcAttributeName::EnableDnsSupport).await?;
        let hostnames = attribute(cx, id, VpcAttributeName::EnableDnsHostnames).await?;
        let (Some(enable_dns_support), Some(enable_dns_hostnames)) = (support, hostnames) else {
            return Ok(None);
        };
        Ok(Some(Self {
            cidr_block: cidr(live.cidr_block, "DescribeVpcs")?,
            enable_dns_support,
            enable_dns_hostnames,
            tags: visible(live.tags),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &VpcOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<VpcOutputs<Resolved>, CallError> {
        let id = &outputs.vpc_id;
        let (support, hostnames) = (self.enable_dns_support, self.enable_dns_hostnames);
        if changed.has("EnableDnsSupport") && support {
            set_dns_support(cx, id, support).await?;
        }
        if changed.has("EnableDnsHostnames") {
            set_dns_hostnames(cx, id, hostnames).await?;
        }
        if changed.has("EnableDnsSupport") && !support {
            set_dns_support(cx, id, support).await?;
        }
        retag(cx, id.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &VpcOutputs<Resolved>) -> Result<(), CallError> {
        let request = cx.ec2().delete_vpc().vpc_id(outputs.vpc_id.as_str());
        request.send().await.called("DeleteVpc").gone_is_ok()
    }
}
