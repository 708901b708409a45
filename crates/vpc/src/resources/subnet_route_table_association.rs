//! The association of a subnet with its route table.
//!
//! The surprise: a subnet always uses some table, the VPC's main one if no other is associated. Changing the
//! association in place keeps the subnet from falling back to that one for a moment, so another table is an
//! update here although CloudFormation replaces. The update gives the association another id.

use crate::describe::describe;
use crate::{RouteTableAssociationId, RouteTableId};
use async_trait::async_trait;
use aws::ec2::filter;
use aws::{CallResult, Called, Context, SubnetId, required};
use aws_sdk_ec2::types::{RouteTableAssociation as Live, RouteTableAssociationStateCode as State};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ForeignId, ImportId, Intent, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

/// The properties of an association.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct SubnetRouteTableAssociation<S: Stage = Declared> {
    /// The subnet.
    pub subnet_id: S::Of<SubnetId>,
    /// The table that it uses.
    pub route_table_id: S::Of<RouteTableId>,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct SubnetRouteTableAssociationOutputs<S: Stage> {
    /// The association.
    pub id: S::Of<RouteTableAssociationId>,
    /// The subnet, once it uses its table.
    pub subnet_id: S::Of<SubnetId>,
}

impl Declares for SubnetRouteTableAssociation<Declared> {
    type Resolved = SubnetRouteTableAssociation<Resolved>;
}

/// The explicit association that a subnet has, of whatever id.
async fn live(cx: &Context, subnet: &SubnetId) -> Result<Option<Live>, CallError> {
    let found = describe(cx).route_table_associations.get(subnet).await?;
    Ok(found.filter(|one| !matches!(state(one), Some(State::Disassociating | State::Disassociated))))
}

fn state(live: &Live) -> Option<&State> {
    live.association_state().and_then(|state| state.state())
}

fn outputs(
    id: Option<String>,
    subnet: &SubnetId,
    operation: &str,
) -> Result<SubnetRouteTableAssociationOutputs<Resolved>, CallError> {
    let id = required(id, operation, "AssociationId")?.into();
    Ok(SubnetRouteTableAssociationOutputs { id, subnet_id: subnet.clone() })
}

#[async_trait]
impl Resource for SubnetRouteTableAssociation<Resolved> {
    const KIND: &'static str = "AWS::EC2::SubnetRouteTableAssociation";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["SubnetId"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["Id"],
            words: "the id of the association of the subnet with its route table",
            example: "rtbassoc-0a1b2c3d4e5f60718",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeRouteTables") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    const VOLATILE: &'static [&'static str] = &["Id"];
    type Context = Context;
    type Declared = SubnetRouteTableAssociation<Declared>;
    type Outputs<S: Stage> = SubnetRouteTableAssociationOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.subnet_id.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        _: &Search,
    ) -> Result<Option<SubnetRouteTableAssociationOutputs<Resolved>>, CallError> {
        let Some(live) = live(cx, &self.subnet_id).await? else { return Ok(None) };
        if live.route_table_id() == Some(self.route_table_id.as_str()) {
            return outputs(live.route_table_association_id, &self.subnet_id, "DescribeRouteTables")
                .map(Some);
        }
        Err(CallError::conflict(
            format!("looking for the route table of {}", self.subnet_id),
            format!("it is associated with {}", live.route_table_id().unwrap_or("another one")),
        ))
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<SubnetRouteTableAssociationOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "DescribeRouteTables";
        let wanted = id.part("Id");
        let by_id = filter("association.route-table-association-id", [wanted]);
        let request = cx.ec2().describe_route_tables().filters(by_id);
        let found = request.send().await.called(OPERATION)?.route_tables.unwrap_or_default();
        let mut associations = found.into_iter().flat_map(|table| table.associations.unwrap_or_default());
        let live = associations.find(|live| live.route_table_association_id() == Some(wanted));
        // That of the VPC's main table has no subnet.
        let Some(subnet) = live.and_then(|live| live.subnet_id) else { return Ok(None) };
        self.subnet_id = subnet.into();
        outputs(Some(wanted.to_owned()), &self.subnet_id, OPERATION).map(Some)
    }

    async fn create(
        &self,
        cx: &Context,
        _: &Intent,
    ) -> Result<SubnetRouteTableAssociationOutputs<Resolved>, CallError> {
        const OPERATION: &str = "AssociateRouteTable";
        let request = cx.ec2().associate_route_table().subnet_id(self.subnet_id.as_str());
        let request = request.route_table_id(self.route_table_id.as_str());
        let answer = request.send().await.called(OPERATION).once_visible()?;
        outputs(answer.association_id, &self.subnet_id, OPERATION)
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &SubnetRouteTableAssociationOutputs<Resolved>,
    ) -> Result<Readiness<SubnetRouteTableAssociationOutputs<Resolved>>, CallError> {
        let live = live(cx, &outputs.subnet_id).await?;
        Ok(match live.as_ref().map(state) {
            None => Readiness::Pending("not visible yet".to_owned()),
            Some(Some(State::Associated) | None) => Readiness::Ready(outputs.clone()),
            Some(Some(State::Failed)) => Readiness::Failed("AWS could not associate it".to_owned()),
            Some(Some(other)) => Readiness::Pending(other.as_str().to_owned()),
        })
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &SubnetRouteTableAssociationOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = live(cx, &outputs.subnet_id).await?;
        Ok(live.map(|live| Self {
            subnet_id: outputs.subnet_id.clone(),
            route_table_id: live.route_table_id.unwrap_or_default().into(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        _: &SubnetRouteTableAssociationOutputs<Resolved>,
        _: &Changed<Self>,
    ) -> Result<SubnetRouteTableAssociationOutputs<Resolved>, CallError> {
        const OPERATION: &str = "ReplaceRouteTableAssociation";
        // The recorded id may be stale: whoever changed the table gave the association another one.
        let live = live(cx, &self.subnet_id).await?;
        let current = required(live, OPERATION, "the subnet's association")?;
        if current.route_table_id() == Some(self.route_table_id.as_str()) {
            return outputs(current.route_table_association_id, &self.subnet_id, OPERATION);
        }
        let request = cx
            .ec2()
            .replace_route_table_association()
            .set_association_id(current.route_table_association_id)
            .route_table_id(self.route_table_id.as_str());
        let answer = request.send().await.called(OPERATION)?;
        outputs(answer.new_association_id, &self.subnet_id, OPERATION)
    }

    async fn delete(
        &self,
        cx: &Context,
        outputs: &SubnetRouteTableAssociationOutputs<Resolved>,
    ) -> Result<(), CallError> {
        let Some(live) = live(cx, &outputs.subnet_id).await? else { return Ok(()) };
        let request = cx.ec2().disassociate_route_table().set_association_id(live.route_table_association_id);
        request.send().await.called("DisassociateRouteTable").gone_is_ok()
    }
}
