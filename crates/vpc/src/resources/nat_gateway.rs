//! A NAT gateway: lets what is in private subnets call out, and nobody call in.
//!
//! The surprise: it takes two minutes, so everything around it is arranged to start it early. A create that fails
//! is answered with success; the gateway then goes to `failed`, with the reason in its description. And a deleted
//! gateway stays in descriptions for an hour, so "there" and "gone" are decided by its state.

use async_trait::async_trait;
use aws::ec2::{found_by, ours, retag, sighted};
use aws::{CallResult, Called, Context, NatGatewayId, SubnetId, Tags, required};
use aws_sdk_ec2::types::{NatGateway as Live, NatGatewayState as State, ResourceType};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Listed, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::visible;
use crate::AllocationId;
use crate::describe::describe;

/// The properties of a public NAT gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct NatGateway<S: Stage = Declared> {
    /// The public subnet that it is in.
    pub subnet_id: S::Of<SubnetId>,
    /// Its elastic IP address.
    pub allocation_id: S::Of<AllocationId>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct NatGatewayOutputs<S: Stage> {
    /// The gateway.
    pub nat_gateway_id: S::Of<NatGatewayId>,
}

impl Declares for NatGateway<Declared> {
    type Resolved = NatGateway<Resolved>;
}

fn is_live(state: Option<&State>) -> bool {
    matches!(state, Some(State::Pending | State::Available))
}

fn primary_allocation(live: &Live) -> String {
    // Further addresses may be added to a gateway; the one that it was made with is the primary one.
    let addresses = live.nat_gateway_addresses();
    let primary = addresses.iter().find(|address| address.is_primary() == Some(true)).or(addresses.first());
    primary.and_then(|address| address.allocation_id()).unwrap_or_default().to_owned()
}

#[async_trait]
impl Resource for NatGateway<Resolved> {
    const KIND: &'static str = "AWS::EC2::NatGateway";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["SubnetId", "AllocationId"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        // 85 to 130 seconds were seen.
        times: Times { ready: Span { typical: 105, longest: 600 }, gone: Span { typical: 56, longest: 900 } },
        import: ImportId {
            parts: &["NatGatewayId"],
            words: "the id of the NAT gateway",
            example: "nat-0a1b2c3d4e5f60718",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeNatGateways") },
        cost: Some("nat-gateway"),
    };
    const SETTLE: Settle = Settle::Token;
    type Context = Context;
    type Declared = NatGateway<Declared>;
    type Outputs<S: Stage> = NatGatewayOutputs<S>;

    fn claim(&self) -> Option<String> {
        // An address can be at one gateway only.
        Some(self.allocation_id.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<NatGatewayOutputs<Resolved>>, CallError> {
        let request = cx.ec2().describe_nat_gateways().set_filter(Some(found_by(cx, search)));
        let answer = request.send().await.called("DescribeNatGateways")?;
        let mut found = answer.nat_gateways.unwrap_or_default().into_iter();
        let live = found.find(|gateway| is_live(gateway.state.as_ref()));
        let id = live.and_then(|gateway| gateway.nat_gateway_id);
        Ok(id.map(|id| NatGatewayOutputs { nat_gateway_id: id.into() }))
    }

    async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<NatGatewayOutputs<Resolved>>>>, CallError> {
        let request = cx.ec2().describe_nat_gateways().set_filter(Some(ours(cx)));
        let answer = request.send().await.called("DescribeNatGateways")?;
        let found =
            answer.nat_gateways.unwrap_or_default().into_iter().filter(|live| is_live(live.state.as_ref()));
        let sighted = found.filter_map(|live| {
            let outputs = live.nat_gateway_id.map(|id| NatGatewayOutputs { nat_gateway_id: id.into() });
            sighted(cx, outputs, live.tags.as_deref(), live.create_time.as_ref())
        });
        Ok(Some(sighted.collect()))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<NatGatewayOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateNatGateway";
        let request = cx
            .ec2()
            .create_nat_gateway()
            .client_token(&intent.token)
            .subnet_id(self.subnet_id.as_str())
            .allocation_id(self.allocation_id.as_str())
            .tag_specifications(cx.stamp(&self.tags, intent)?.ec2(ResourceType::Natgateway));
        let answer = request.send().await.called(OPERATION).once_visible()?;
        let id = answer.nat_gateway.and_then(|gateway| gateway.nat_gateway_id);
        Ok(NatGatewayOutputs { nat_gateway_id: required(id, OPERATION, "NatGatewayId")?.into() })
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &NatGatewayOutputs<Resolved>,
    ) -> Result<Readiness<NatGatewayOutputs<Resolved>>, CallError> {
        let Some(live) = describe(cx).nat_gateways.get(&outputs.nat_gateway_id).await? else {
            return Ok(Readiness::Pending("not visible yet".to_owned()));
        };
        Ok(match live.state() {
            Some(State::Available) => Readiness::Ready(outputs.clone()),
            Some(State::Failed) => {
                let code = live.failure_code().unwrap_or("failed");
                Readiness::Failed(format!("{code}: {}", live.failure_message().unwrap_or("no reason given")))
            }
            Some(state @ (State::Deleting | State::Deleted)) => {
                Readiness::Failed(format!("somebody deleted it: its state is {state}"))
            }
            state => Readiness::Pending(state.map_or("unknown", State::as_str).to_owned()),
        })
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &NatGatewayOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = describe(cx).nat_gateways.get(&outputs.nat_gateway_id).await?;
        let Some(live) = live.filter(|gateway| is_live(gateway.state())) else { return Ok(None) };
        Ok(Some(Self {
            subnet_id: live.subnet_id().unwrap_or_default().into(),
            allocation_id: primary_allocation(&live).into(),
            tags: visible(live.tags),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &NatGatewayOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<NatGatewayOutputs<Resolved>, CallError> {
        retag(cx, outputs.nat_gateway_id.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &NatGatewayOutputs<Resolved>) -> Result<(), CallError> {
        let request = cx.ec2().delete_nat_gateway().nat_gateway_id(outputs.nat_gateway_id.as_str());
        request.send().await.called("DeleteNatGateway").gone_is_ok()
    }

    /// Until it is `deleted`, the gateway holds its address and a network interface in its subnet. A failed one
    /// holds neither.
    async fn poll_gone(
        &self,
        cx: &Context,
        outputs: &NatGatewayOutputs<Resolved>,
    ) -> Result<bool, CallError> {
        let live = describe(cx).nat_gateways.get(&outputs.nat_gateway_id).await?;
        let state = live.and_then(|gateway| gateway.state);
        Ok(matches!(state, None | Some(State::Deleted | State::Failed)))
    }
}
