//! An elastic IP address: the address from which a NAT gateway's traffic leaves, and which partners may allow.
//!
//! The surprise: `AllocateAddress` takes no client token, and an address that is lost after its allocation costs
//! money for ever. So it carries its intent tag from the first moment.

use async_trait::async_trait;
use aws::ec2::{found_by, ours, ready_when_seen, retag, sighted};
use aws::{CallResult, Called, Context, Tags, required};
use aws_sdk_ec2::types::{DomainType, ResourceType};
use engine::{
    CallError, Changed, CreateOnly, Declares, ErrorClass, Facts, ForeignId, ImportId, Intent, Listed, Loss,
    Named, Readiness, Reads, Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging, Template,
    Times,
};
use serde::{Deserialize, Serialize};

use super::visible;
use crate::AllocationId;
use crate::describe::describe;

/// The properties of an elastic IP address. None can refer to another resource, so one struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Eip {
    /// `vpc`: for use in a VPC.
    pub domain: String,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct EipOutputs<S: Stage> {
    /// The allocation, which is what a NAT gateway takes.
    pub allocation_id: S::Of<AllocationId>,
    /// The address itself, such as `203.0.113.25`.
    pub public_ip: S::Of<String>,
}

impl Declares for Eip {
    type Resolved = Self;
}

fn outputs(
    id: Option<String>,
    address: Option<String>,
    operation: &str,
) -> Result<EipOutputs<Resolved>, CallError> {
    Ok(EipOutputs {
        allocation_id: required(id, operation, "AllocationId")?.into(),
        public_ip: required(address, operation, "PublicIp")?,
    })
}

#[async_trait]
impl Resource for Eip {
    const KIND: &'static str = "AWS::EC2::EIP";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["Domain"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Addresses("its public address"),
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 2, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["PublicIp", "AllocationId"],
            words: "the public address and its allocation id",
            example: "203.0.113.10|eipalloc-0a1b2c3d4e5f60718",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeAddresses") },
        cost: Some("public-ipv4-address"),
    };
    const SETTLE: Settle = Settle::Tag;
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = EipOutputs<S>;

    async fn find(&self, cx: &Context, search: &Search) -> Result<Option<EipOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "DescribeAddresses";
        let request = cx.ec2().describe_addresses().set_filters(Some(found_by(cx, search)));
        let found = request.send().await.called(OPERATION)?.addresses.unwrap_or_default();
        let found = found.into_iter().next();
        found.map(|live| outputs(live.allocation_id, live.public_ip, OPERATION)).transpose()
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<EipOutputs<Resolved>>, CallError> {
        let live = describe(cx).addresses.get(&id.part("AllocationId").into()).await?;
        live.map(|live| outputs(live.allocation_id, live.public_ip, "DescribeAddresses")).transpose()
    }

    async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<EipOutputs<Resolved>>>>, CallError> {
        const OPERATION: &str = "DescribeAddresses";
        let request = cx.ec2().describe_addresses().set_filters(Some(ours(cx)));
        let found = request.send().await.called(OPERATION)?.addresses.unwrap_or_default();
        let sighted = found.into_iter().map(|live| {
            let outputs = outputs(live.allocation_id, live.public_ip, OPERATION)?;
            Ok(sighted(cx, Some(outputs), live.tags.as_deref(), None))
        });
        let sighted: Vec<_> = sighted.collect::<Result<_, CallError>>()?;
        Ok(Some(sighted.into_iter().flatten().collect()))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<EipOutputs<Resolved>, CallError> {
        const OPERATION: &str = "AllocateAddress";
        let request = cx
            .ec2()
            .allocate_address()
            .domain(DomainType::from(self.domain.as_str()))
            .tag_specifications(cx.stamp(&self.tags, intent)?.ec2(ResourceType::ElasticIp));
        let answer = request.send().await.called(OPERATION)?;
        outputs(answer.allocation_id, answer.public_ip, OPERATION)
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &EipOutputs<Resolved>,
    ) -> Result<Readiness<EipOutputs<Resolved>>, CallError> {
        Ok(ready_when_seen(describe(cx).addresses.get(&outputs.allocation_id).await?, outputs))
    }

    async fn read(&self, cx: &Context, outputs: &EipOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let Some(live) = describe(cx).addresses.get(&outputs.allocation_id).await? else { return Ok(None) };
        let domain = live.domain.map_or_else(String::new, |domain| domain.as_str().to_owned());
        Ok(Some(Self { domain, tags: visible(live.tags) }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &EipOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<EipOutputs<Resolved>, CallError> {
        retag(cx, outputs.allocation_id.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &EipOutputs<Resolved>) -> Result<(), CallError> {
        let request = cx.ec2().release_address().allocation_id(outputs.allocation_id.as_str());
        // While a NAT gateway or another interface of AWS's still holds the address, the answer is sometimes that
        // the caller has no right to it. A caller who really has none gets UnauthorizedOperation.
        let released = request.send().await.called("ReleaseAddress");
        released.classed(&["AuthFailure"], ErrorClass::DependencyViolation).gone_is_ok()
    }
}
