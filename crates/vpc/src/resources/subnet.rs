//! A subnet: a part of the VPC's addresses, in one availability zone.
//!
//! The surprise: AWS gives public addresses to what starts in a subnet by a setting of the subnet that
//! `CreateSubnet` does not take. It stays off here (Security Hub EC2.15); load balancers and NAT gateways bring
//! their own public addresses.
//!
//! `DependencyViolation` when it is deleted means wait: services leave network interfaces behind, Lambda for 20 minutes and
//! longer.

use async_trait::async_trait;
use aws::ec2::{filter, ours, retag, sighted};
use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, SubnetId, Tags, VpcId, converge, required};
use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, SubnetState};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Listed, Loss, Named, Order,
    Readiness, Reads, Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging, Template, Times,
};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::{cidr, visible};
use crate::describe::describe;
use crate::layout::overlap;

/// The properties of a subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Subnet<S: Stage = Declared> {
    /// The VPC that it is in.
    pub vpc_id: S::Of<VpcId>,
    /// Its addresses: a block of /16 to /28 inside the VPC's, apart from all other subnets'.
    pub cidr_block: Ipv4Net,
    /// The zone that it is in.
    pub availability_zone: String,
    /// Whether what starts in it gets a public address.
    pub map_public_ip_on_launch: bool,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct SubnetOutputs<S: Stage> {
    /// The subnet.
    pub subnet_id: S::Of<SubnetId>,
}

impl Declares for Subnet<Declared> {
    type Resolved = Subnet<Resolved>;
}

#[async_trait]
impl Resource for Subnet<Resolved> {
    const KIND: &'static str = "AWS::EC2::Subnet";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["VpcId", "CidrBlock", "AvailabilityZone"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        // As long as network interfaces can be left in it.
        times: Times { ready: Span { typical: 2, longest: 300 }, gone: Span { typical: 1, longest: 1800 } },
        import: ImportId {
            parts: &["SubnetId"],
            words: "the id of the subnet",
            example: "subnet-0a1b2c3d4e5f60718",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeSubnets") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    const ORDER: Order = Order { held: true, ..Order::NONE };
    type Context = Context;
    type Declared = Subnet<Declared>;
    type Outputs<S: Stage> = SubnetOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.vpc_id.to_string())
    }

    fn coexists(&self, other: &Self) -> bool {
        !overlap(self.cidr_block, other.cidr_block)
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<SubnetOutputs<Resolved>>, CallError> {
        let request = cx
            .ec2()
            .describe_subnets()
            .filters(filter("vpc-id", [&self.vpc_id]))
            .filters(filter("cidr-block", [self.cidr_block]));
        let found = request.send().await.called("DescribeSubnets")?.subnets.unwrap_or_default();
        let Some(live) = found.into_iter().next() else { return Ok(None) };
        let id = required(live.subnet_id, "DescribeSubnets", "SubnetId")?;
        cx.adopt(&format!("subnet {id}"), &LiveTags::ec2(live.tags.as_deref()), search)?;
        Ok(Some(SubnetOutputs { subnet_id: id.into() }))
    }

    async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<SubnetOutputs<Resolved>>>>, CallError> {
        let request = cx.ec2().describe_subnets().set_filters(Some(ours(cx)));
        let answer = request.send().await.called("DescribeSubnets")?;
        let found = answer.subnets.unwrap_or_default().into_iter();
        let sighted = found.filter_map(|live| {
            let outputs = live.subnet_id.map(|id| SubnetOutputs { subnet_id: id.into() });
            sighted(cx, outputs, live.tags.as_deref(), None)
        });
        Ok(Some(sighted.collect()))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<SubnetOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateSubnet";
        let request = cx
            .ec2()
            .create_subnet()
            .vpc_id(self.vpc_id.as_str())
            .cidr_block(self.cidr_block.to_string())
            .availability_zone(&self.availability_zone)
            .tag_specifications(cx.stamp(&self.tags, intent)?.ec2(ResourceType::Subnet));
        let answer = request.send().await.called(OPERATION).once_visible()?;
        let id = required(answer.subnet.and_then(|subnet| subnet.subnet_id), OPERATION, "SubnetId")?;
        Ok(SubnetOutputs { subnet_id: id.into() })
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &SubnetOutputs<Resolved>,
    ) -> Result<Readiness<SubnetOutputs<Resolved>>, CallError> {
        let live = describe(cx).subnets.get(&outputs.subnet_id).await?;
        Ok(match live.and_then(|subnet| subnet.state) {
            Some(SubnetState::Available) => Readiness::Ready(outputs.clone()),
            Some(SubnetState::Failed) => Readiness::Failed("AWS could not make it".to_owned()),
            Some(state) => Readiness::Pending(state.as_str().to_owned()),
            None => Readiness::Pending("not visible yet".to_owned()),
        })
    }

    async fn configure(&self, cx: &Context, outputs: &SubnetOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await.once_visible()
    }

    async fn read(&self, cx: &Context, outputs: &SubnetOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let Some(live) = describe(cx).subnets.get(&outputs.subnet_id).await? else { return Ok(None) };
        Ok(Some(Self {
            vpc_id: live.vpc_id.unwrap_or_default().into(),
            cidr_block: cidr(live.cidr_block, "DescribeSubnets")?,
            availability_zone: live.availability_zone.unwrap_or_default(),
            map_public_ip_on_launch: live.map_public_ip_on_launch.unwrap_or_default(),
            tags: visible(live.tags),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &SubnetOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<SubnetOutputs<Resolved>, CallError> {
        let id = outputs.subnet_id.as_str();
        if changed.has("MapPublicIpOnLaunch") {
            let value = AttributeBooleanValue::builder().value(self.map_public_ip_on_launch).build();
            let request = cx.ec2().modify_subnet_attribute().subnet_id(id).map_public_ip_on_launch(value);
            request.send().await.called("ModifySubnetAttribute")?;
        }
        retag(cx, id, &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &SubnetOutputs<Resolved>) -> Result<(), CallError> {
        let request = cx.ec2().delete_subnet().subnet_id(outputs.subnet_id.as_str());
        request.send().await.called("DeleteSubnet").gone_is_ok()
    }
}
