//! A route table: where the traffic of a subnet goes.
//!
//! The surprise: it says nothing of its own. A new table has one route, to the VPC itself; every other is a
//! resource of its own ([`Route`](super::Route)), and so is each subnet that uses it
//! ([`SubnetRouteTableAssociation`](super::SubnetRouteTableAssociation)). That a database subnet cannot reach the
//! internet is a table without routes.

use async_trait::async_trait;
use aws::ec2::{found_by, ready_when_seen, retag};
use aws::{CallResult, Called, Context, RouteTableId, Tags, VpcId, required};
use aws_sdk_ec2::types::ResourceType;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Listed, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::visible;

/// The properties of a route table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct RouteTable<S: Stage = Declared> {
    /// The VPC that it is in.
    pub vpc_id: S::Of<VpcId>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct RouteTableOutputs<S: Stage> {
    /// The table.
    pub route_table_id: S::Of<RouteTableId>,
}

impl Declares for RouteTable<Declared> {
    type Resolved = RouteTable<Resolved>;
}

#[async_trait]
impl Resource for RouteTable<Resolved> {
    const KIND: &'static str = "AWS::EC2::RouteTable";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["VpcId"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["RouteTableId"],
            words: "the id of the route table",
            example: "rtb-0a1b2c3d4e5f60718",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeRouteTables") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Token;
    type Context = Context;
    type Declared = RouteTable<Declared>;
    type Outputs<S: Stage> = RouteTableOutputs<S>;

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<RouteTableOutputs<Resolved>>, CallError> {
        let request = cx.ec2().describe_route_tables().set_filters(Some(found_by(cx, search)));
        let answer = request.send().await.called("DescribeRouteTables")?;
        let id = answer.route_tables.unwrap_or_default().into_iter().find_map(|table| table.route_table_id);
        Ok(id.map(|id| RouteTableOutputs { route_table_id: id.into() }))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<RouteTableOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateRouteTable";
        let request = cx
            .ec2()
            .create_route_table()
            .client_token(&intent.token)
            .vpc_id(self.vpc_id.as_str())
            .tag_specifications(cx.stamp(&self.tags, intent)?.ec2(ResourceType::RouteTable));
        let answer = request.send().await.called(OPERATION).once_visible()?;
        let id = answer.route_table.and_then(|table| table.route_table_id);
        Ok(RouteTableOutputs { route_table_id: required(id, OPERATION, "RouteTableId")?.into() })
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &RouteTableOutputs<Resolved>,
    ) -> Result<Readiness<RouteTableOutputs<Resolved>>, CallError> {
        Ok(ready_when_seen(cx.describe().route_tables.get(&outputs.route_table_id).await?, outputs))
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &RouteTableOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = cx.describe().route_tables.get(&outputs.route_table_id).await?;
        Ok(live.map(|live| Self { vpc_id: live.vpc_id.unwrap_or_default().into(), tags: visible(live.tags) }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &RouteTableOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<RouteTableOutputs<Resolved>, CallError> {
        retag(cx, outputs.route_table_id.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &RouteTableOutputs<Resolved>) -> Result<(), CallError> {
        let request = cx.ec2().delete_route_table().route_table_id(outputs.route_table_id.as_str());
        request.send().await.called("DeleteRouteTable").gone_is_ok()
    }
}
