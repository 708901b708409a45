//! A route: the way from a route table to the internet, straight or through a NAT gateway.
//!
//! The surprise: a route cannot have tags, so whose it is shows in where it leads. A route to the same
//! destination with another target is somebody else's.

use async_trait::async_trait;
use aws::ec2::ready_when_seen;
use aws::{CallResult, Called, Context, NatGatewayId};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Loss, Named, Readiness,
    Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::cidr;
use crate::describe::describe;
use crate::{InternetGatewayId, RouteTableId};

/// The properties of a route. It has one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Route<S: Stage = Declared> {
    /// The table that it is in.
    pub route_table_id: S::Of<RouteTableId>,
    /// Which traffic takes it.
    pub destination_cidr_block: Ipv4Net,
    /// To the internet and back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<S::Of<InternetGatewayId>>,
    /// To the internet, and back only what was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_gateway_id: Option<S::Of<NatGatewayId>>,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct RouteOutputs<S: Stage> {
    /// The table that it is in.
    pub route_table_id: S::Of<RouteTableId>,
    /// Its destination: with the table, what identifies it.
    pub cidr_block: S::Of<Ipv4Net>,
}

impl Declares for Route<Declared> {
    type Resolved = Route<Resolved>;
}

impl Route<Resolved> {
    fn outputs(&self) -> RouteOutputs<Resolved> {
        RouteOutputs { route_table_id: self.route_table_id.clone(), cidr_block: self.destination_cidr_block }
    }
}

async fn live(cx: &Context, outputs: &RouteOutputs<Resolved>) -> Result<Option<Route<Resolved>>, CallError> {
    let table = describe(cx).route_tables.get(&outputs.route_table_id).await?;
    let destination = outputs.cidr_block.to_string();
    let routes = table.and_then(|table| table.routes).unwrap_or_default();
    // Routes to prefix lists, which a gateway endpoint adds, have no CIDR block.
    let found = routes.into_iter().find(|one| one.destination_cidr_block.as_deref() == Some(&destination));
    let Some(found) = found else { return Ok(None) };
    Ok(Some(Route {
        route_table_id: outputs.route_table_id.clone(),
        destination_cidr_block: cidr(found.destination_cidr_block, "DescribeRouteTables")?,
        gateway_id: found.gateway_id.map(Into::into),
        nat_gateway_id: found.nat_gateway_id.map(Into::into),
    }))
}

#[async_trait]
impl Resource for Route<Resolved> {
    const KIND: &'static str = "AWS::EC2::Route";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["RouteTableId", "DestinationCidrBlock"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["RouteTableId", "CidrBlock"],
            words: "the id of the route table and the destination of the route",
            example: "rtb-0a1b2c3d4e5f60718|0.0.0.0/0",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeRouteTables") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = Route<Declared>;
    type Outputs<S: Stage> = RouteOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{} {}", self.route_table_id, self.destination_cidr_block))
    }

    async fn find(&self, cx: &Context, _: &Search) -> Result<Option<RouteOutputs<Resolved>>, CallError> {
        match live(cx, &self.outputs()).await? {
            None => Ok(None),
            Some(live) if live == *self => Ok(Some(self.outputs())),
            Some(_) => Err(CallError::conflict(
                format!("looking for the route to {}", self.destination_cidr_block),
                format!("{} has one that leads somewhere else", self.route_table_id),
            )),
        }
    }

    async fn create(&self, cx: &Context, _: &Intent) -> Result<RouteOutputs<Resolved>, CallError> {
        let request = cx
            .ec2()
            .create_route()
            .route_table_id(self.route_table_id.as_str())
            .destination_cidr_block(self.destination_cidr_block.to_string())
            .set_gateway_id(self.gateway_id.as_ref().map(ToString::to_string))
            .set_nat_gateway_id(self.nat_gateway_id.as_ref().map(ToString::to_string));
        request.send().await.called("CreateRoute").once_visible()?;
        Ok(self.outputs())
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &RouteOutputs<Resolved>,
    ) -> Result<Readiness<RouteOutputs<Resolved>>, CallError> {
        Ok(ready_when_seen(live(cx, outputs).await?, outputs))
    }

    async fn read(&self, cx: &Context, outputs: &RouteOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        live(cx, outputs).await
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &RouteOutputs<Resolved>,
        _: &Changed<Self>,
    ) -> Result<RouteOutputs<Resolved>, CallError> {
        let request = cx
            .ec2()
            .replace_route()
            .route_table_id(self.route_table_id.as_str())
            .destination_cidr_block(self.destination_cidr_block.to_string())
            .set_gateway_id(self.gateway_id.as_ref().map(ToString::to_string))
            .set_nat_gateway_id(self.nat_gateway_id.as_ref().map(ToString::to_string));
        request.send().await.called("ReplaceRoute")?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &RouteOutputs<Resolved>) -> Result<(), CallError> {
        let request = cx
            .ec2()
            .delete_route()
            .route_table_id(outputs.route_table_id.as_str())
            .destination_cidr_block(outputs.cidr_block.to_string());
        request.send().await.called("DeleteRoute").gone_is_ok()
    }
}
