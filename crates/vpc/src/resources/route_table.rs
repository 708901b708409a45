//! A route table: where the traffic of a subnet goes.
//!
//! The surprise: it says nothing of its own. A new table has one route, to the VPC itself; every other is a
//! resource of its own ([`Route`](super::Route)), and so is each subnet that uses it
//! ([`SubnetRouteTableAssociation`](super::SubnetRouteTableAssociation)). That a database subnet cannot reach the
//! internet is a table without routes.

use async_trait::async_trait;
use aws::ec2::{found_by, ready_when_seen, retag};
use aws::{CallResult, Called, Context, Tags, VpcId, required};
use aws_sdk_ec2::types::ResourceType;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Listed, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::visible;
use crate::RouteTableId;
use crate::describe::describe;

in_vpc! {
    /// The properties of a route table.
    RouteTable, const KIND: &'static str = "AWS::EC2::RouteTable";
    /// What others can refer to.
    RouteTableOutputs {
        /// The table.
        route_table_id: RouteTableId
    },
    import: ImportId {
        parts: &["RouteTableId"],
        words: "the id of the route table",
        example: "rtb-0a1b2c3d4e5f60718",
    },
    found by describe_route_tables "DescribeRouteTables" route_tables.route_table_id route_tables,
    made by create_route_table "CreateRouteTable" route_table RouteTable,
    deleted by delete_route_table "DeleteRouteTable" route_table_id
}
