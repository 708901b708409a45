//! The association of a subnet with its network ACL.
//!
//! The surprise: a subnet always has exactly one, so none is ever made or deleted. Creating it moves the subnet
//! away from the VPC's default ACL, deleting it moves the subnet back there, and each move gives the association
//! another id. Another ACL is an update here although CloudFormation replaces: a subnet that went back to the
//! default ACL in between would be open for that moment.

use crate::describe::describe;
use crate::{NetworkAclAssociationId, NetworkAclId};
use async_trait::async_trait;
use aws::ec2::filter;
use aws::{CallResult, Called, Context, SubnetId, required};
use aws_sdk_ec2::types::{NetworkAcl, NetworkAclAssociation as Live};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ForeignId, ImportId, Intent, Loss,
    Named, Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

/// The properties of an association.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct SubnetNetworkAclAssociation<S: Stage = Declared> {
    /// The subnet.
    pub subnet_id: S::Of<SubnetId>,
    /// The ACL at its border.
    pub network_acl_id: S::Of<NetworkAclId>,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct SubnetNetworkAclAssociationOutputs<S: Stage> {
    /// The association.
    pub association_id: S::Of<NetworkAclAssociationId>,
    /// The subnet, once the ACL is at its border.
    pub subnet_id: S::Of<SubnetId>,
    /// The ACL.
    pub network_acl_id: S::Of<NetworkAclId>,
}

impl Declares for SubnetNetworkAclAssociation<Declared> {
    type Resolved = SubnetNetworkAclAssociation<Resolved>;
}

impl SubnetNetworkAclAssociation<Resolved> {
    fn outputs(
        &self,
        association: Option<String>,
        operation: &str,
    ) -> Result<SubnetNetworkAclAssociationOutputs<Resolved>, CallError> {
        Ok(SubnetNetworkAclAssociationOutputs {
            association_id: required(association, operation, "AssociationId")?.into(),
            subnet_id: self.subnet_id.clone(),
            network_acl_id: self.network_acl_id.clone(),
        })
    }

    async fn move_here(
        &self,
        cx: &Context,
        live: Live,
    ) -> Result<SubnetNetworkAclAssociationOutputs<Resolved>, CallError> {
        let moved = move_to(cx, live, self.network_acl_id.as_str()).await.once_visible()?;
        self.outputs(moved, REPLACE)
    }
}

const REPLACE: &str = "ReplaceNetworkAclAssociation";

async fn move_to(cx: &Context, live: Live, acl: &str) -> Result<Option<String>, CallError> {
    let request = cx
        .ec2()
        .replace_network_acl_association()
        .set_association_id(live.network_acl_association_id)
        .network_acl_id(acl);
    Ok(request.send().await.called(REPLACE)?.new_association_id)
}

async fn live(cx: &Context, subnet: &SubnetId) -> Result<Option<Live>, CallError> {
    describe(cx).network_acl_associations.get(subnet).await
}

/// The ACL that an association is with. It is `None` only if it went just now.
async fn acl_of(cx: &Context, live: &Live) -> Result<Option<NetworkAcl>, CallError> {
    describe(cx).network_acls.get(&live.network_acl_id().unwrap_or_default().into()).await
}

async fn default_acl(cx: &Context, vpc: &str) -> Result<String, CallError> {
    const OPERATION: &str = "DescribeNetworkAcls";
    let request = cx
        .ec2()
        .describe_network_acls()
        .filters(filter("vpc-id", [vpc]))
        .filters(filter("default", ["true"]));
    let found = request.send().await.called(OPERATION)?.network_acls.unwrap_or_default();
    let id = found.into_iter().find_map(|acl| acl.network_acl_id);
    required(id, OPERATION, "the VPC's default network ACL")
}

#[async_trait]
impl Resource for SubnetNetworkAclAssociation<Resolved> {
    const KIND: &'static str = "AWS::EC2::SubnetNetworkAclAssociation";
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
            parts: &["AssociationId"],
            words: "the id of the association of the subnet with its network ACL",
            example: "aclassoc-0a1b2c3d4e5f60718",
        },
        reads: Reads { least: 1, most: 2, together: Some("DescribeNetworkAcls") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    const VOLATILE: &'static [&'static str] = &["AssociationId", "NetworkAclId"];
    type Context = Context;
    type Declared = SubnetNetworkAclAssociation<Declared>;
    type Outputs<S: Stage> = SubnetNetworkAclAssociationOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.subnet_id.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        _: &Search,
    ) -> Result<Option<SubnetNetworkAclAssociationOutputs<Resolved>>, CallError> {
        let Some(live) = live(cx, &self.subnet_id).await? else { return Ok(None) };
        if live.network_acl_id() == Some(self.network_acl_id.as_str()) {
            return self.outputs(live.network_acl_association_id, "DescribeNetworkAcls").map(Some);
        }
        let Some(acl) = acl_of(cx, &live).await? else { return Ok(None) };
        if acl.is_default() == Some(true) {
            return Ok(None);
        }
        Err(CallError::conflict(
            format!("looking for the network ACL of {}", self.subnet_id),
            format!("somebody has given it {}", live.network_acl_id().unwrap_or("another one")),
        ))
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<SubnetNetworkAclAssociationOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "DescribeNetworkAcls";
        let wanted = id.part("AssociationId");
        let request =
            cx.ec2().describe_network_acls().filters(filter("association.association-id", [wanted]));
        let found = request.send().await.called(OPERATION)?.network_acls.unwrap_or_default();
        let mut associations = found.into_iter().flat_map(|acl| acl.associations.unwrap_or_default());
        let live = associations.find(|live| live.network_acl_association_id() == Some(wanted));
        let Some(live) = live else { return Ok(None) };
        self.subnet_id = required(live.subnet_id, OPERATION, "SubnetId")?.into();
        self.network_acl_id = required(live.network_acl_id, OPERATION, "NetworkAclId")?.into();
        self.outputs(live.network_acl_association_id, OPERATION).map(Some)
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<SubnetNetworkAclAssociationOutputs<Resolved>, CallError> {
        // AWS would take the subnet away from somebody else's ACL without a word, so look first.
        if let Some(done) = self.find(cx, &Search::made_by(intent)).await? {
            return Ok(done);
        }
        match live(cx, &self.subnet_id).await? {
            Some(live) => self.move_here(cx, live).await,
            None => {
                let message = format!("{} cannot be seen yet", self.subnet_id);
                Err(CallError::new(ErrorClass::NotYet, "DescribeNetworkAcls", message))
            }
        }
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &SubnetNetworkAclAssociationOutputs<Resolved>,
    ) -> Result<Readiness<SubnetNetworkAclAssociationOutputs<Resolved>>, CallError> {
        let live = live(cx, &outputs.subnet_id).await?;
        let seen = live.is_some_and(|live| live.network_acl_id() == Some(outputs.network_acl_id.as_str()));
        Ok(match seen {
            true => Readiness::Ready(outputs.clone()),
            false => Readiness::Pending("not visible yet".to_owned()),
        })
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &SubnetNetworkAclAssociationOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = live(cx, &outputs.subnet_id).await? else { return Ok(None) };
        if live.network_acl_id() != Some(outputs.network_acl_id.as_str()) {
            // Back at the default ACL means that there is no association in the sense of this resource.
            let acl = acl_of(cx, &live).await?;
            if acl.is_none_or(|acl| acl.is_default() == Some(true)) {
                return Ok(None);
            }
        }
        Ok(Some(Self {
            subnet_id: outputs.subnet_id.clone(),
            network_acl_id: live.network_acl_id.unwrap_or_default().into(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &SubnetNetworkAclAssociationOutputs<Resolved>,
        _: &Changed<Self>,
    ) -> Result<SubnetNetworkAclAssociationOutputs<Resolved>, CallError> {
        // The recorded id may be stale: whoever changed the ACL gave the association another one.
        let live = required(live(cx, &outputs.subnet_id).await?, REPLACE, "the subnet's association")?;
        match live.network_acl_id() == Some(self.network_acl_id.as_str()) {
            true => self.outputs(live.network_acl_association_id, REPLACE),
            false => self.move_here(cx, live).await,
        }
    }

    async fn delete(
        &self,
        cx: &Context,
        outputs: &SubnetNetworkAclAssociationOutputs<Resolved>,
    ) -> Result<(), CallError> {
        let Some(live) = live(cx, &outputs.subnet_id).await? else { return Ok(()) };
        let Some(acl) = acl_of(cx, &live).await? else { return Ok(()) };
        // On another ACL it is not ours any more: somebody moved it, or an earlier attempt did.
        if live.network_acl_id() != Some(outputs.network_acl_id.as_str()) {
            return Ok(());
        }
        let default = default_acl(cx, acl.vpc_id().unwrap_or_default()).await?;
        move_to(cx, live, &default).await.gone_is_ok()
    }

    async fn poll_gone(
        &self,
        cx: &Context,
        outputs: &SubnetNetworkAclAssociationOutputs<Resolved>,
    ) -> Result<bool, CallError> {
        let live = live(cx, &outputs.subnet_id).await?;
        Ok(live.is_none_or(|live| live.network_acl_id() != Some(outputs.network_acl_id.as_str())))
    }
}
