//! A route table: where the traffic of a subnet goes.
//!
//! The surprise: it says nothing of its own. A new table has one route, to the VPC itself; every other is a
//! resource of its own ([`Route`](super::Route)), and so is each subnet that uses it
//! ([`SubnetRouteTableAssociation`](super::SubnetRouteTableAssociation)). That a database subnet cannot reach the
//! internet is a table without routes. So a route that no resource of ours has made is drift of its table, and an update
//! deletes it. Two kinds of routes are left alone: those that a gateway endpoint keeps in its tables, which go with the endpoint,
//! and those that a virtual private gateway propagates, which cannot be deleted.

use async_trait::async_trait;
use aws::ec2::{found_by, ours, ready_when_seen, retag, sighted};
use aws::{CallResult, Called, Context, Tags, VpcId, required};
use aws_sdk_ec2::types::{ResourceType, Route as LiveRoute, RouteOrigin, RouteTable as LiveTable};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Input, Intent, Listed, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::{Route, visible};
use crate::RouteTableId;
use crate::describe::describe;

/// A route that somebody has added.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AddedRoute {
    /// Which traffic takes it: a CIDR block or a prefix list.
    pub destination: String,
    /// Where it leads: the id of a gateway, an interface or a connection.
    pub target: String,
}

/// The routes that are not ours.
fn added(cx: &Context, table: &RouteTableId, live: &LiveTable) -> Vec<AddedRoute> {
    let ours: Vec<Route<Resolved>> = cx.ours().into_iter().map(|ours| ours.properties).collect();
    let is_ours = |destination: &str| {
        let mut ours = ours.iter().filter(|route| route.route_table_id == *table);
        ours.any(|route| route.destination_cidr_block.to_string() == destination)
    };
    let kept_by_aws = |route: &LiveRoute| {
        let gateway = route.gateway_id().unwrap_or_default();
        gateway == "local"
            || gateway.starts_with("vpce-")
            || route.origin() == Some(&RouteOrigin::EnableVgwRoutePropagation)
    };
    let routes = live.routes().iter().filter(|route| !kept_by_aws(route));
    let mut added: Vec<AddedRoute> = routes
        .map(|route| AddedRoute {
            destination: destination(route).unwrap_or_default().to_owned(),
            target: target(route).unwrap_or_default().to_owned(),
        })
        .filter(|route| !is_ours(&route.destination))
        .collect();
    added.sort();
    added
}

fn destination(route: &LiveRoute) -> Option<&str> {
    let block = route.destination_cidr_block().or_else(|| route.destination_ipv6_cidr_block());
    block.or_else(|| route.destination_prefix_list_id())
}

fn target(route: &LiveRoute) -> Option<&str> {
    let targets = [
        route.gateway_id(),
        route.nat_gateway_id(),
        route.transit_gateway_id(),
        route.vpc_peering_connection_id(),
        route.egress_only_internet_gateway_id(),
        route.network_interface_id(),
        route.instance_id(),
        route.local_gateway_id(),
        route.carrier_gateway_id(),
        route.core_network_arn(),
    ];
    targets.into_iter().flatten().next()
}

async fn remove(cx: &Context, table: &RouteTableId, route: &AddedRoute) -> Result<(), CallError> {
    let request = cx.ec2().delete_route().route_table_id(table.as_str());
    let destination = route.destination.as_str();
    let request = match destination {
        list if list.starts_with("pl-") => request.destination_prefix_list_id(list),
        block if block.contains(':') => request.destination_ipv6_cidr_block(block),
        block => request.destination_cidr_block(block),
    };
    request.send().await.called("DeleteRoute").gone_is_ok()
}

in_vpc! {
    /// The properties of a route table.
    RouteTable, const KIND: &'static str = "AWS::EC2::RouteTable";
    /// What others can refer to.
    RouteTableOutputs {
        /// The table.
        route_table_id: RouteTableId
    },
    holding
    /// Routes that somebody has added. Never declared: each route of ours is a resource of its own.
    routes: AddedRoute, closed "Routes", added by added, removed by remove,
    import: ImportId {
        parts: &["RouteTableId"],
        words: "the id of the route table",
        example: "rtb-0a1b2c3d4e5f60718",
    },
    found by describe_route_tables "DescribeRouteTables" route_tables.route_table_id route_tables,
    made by create_route_table "CreateRouteTable" route_table RouteTable,
    deleted by delete_route_table "DeleteRouteTable" route_table_id
}
