//! A network ACL: a filter at the border of subnets, here in front of the databases.
//!
//! The surprise: it keeps no connections in mind. Whatever is let in needs a rule of its own for the answer, to
//! the ports from which clients ask. A new ACL lets nothing through until it has entries.

use async_trait::async_trait;
use aws::ec2::{found_by, ready_when_seen, retag};
use aws::{CallResult, Called, Context, NetworkAclId, Tags, VpcId, required};
use aws_sdk_ec2::types::ResourceType;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Listed, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::visible;

/// The properties of a network ACL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct NetworkAcl<S: Stage = Declared> {
    /// The VPC that it is in.
    pub vpc_id: S::Of<VpcId>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct NetworkAclOutputs<S: Stage> {
    /// The ACL.
    pub id: S::Of<NetworkAclId>,
}

impl Declares for NetworkAcl<Declared> {
    type Resolved = NetworkAcl<Resolved>;
}

#[async_trait]
impl Resource for NetworkAcl<Resolved> {
    const KIND: &'static str = "AWS::EC2::NetworkAcl";
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
            parts: &["Id"],
            words: "the id of the network ACL",
            example: "acl-0a1b2c3d4e5f60718",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeNetworkAcls") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Token;
    type Context = Context;
    type Declared = NetworkAcl<Declared>;
    type Outputs<S: Stage> = NetworkAclOutputs<S>;

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<NetworkAclOutputs<Resolved>>, CallError> {
        let request = cx.ec2().describe_network_acls().set_filters(Some(found_by(cx, search)));
        let answer = request.send().await.called("DescribeNetworkAcls")?;
        let id = answer.network_acls.unwrap_or_default().into_iter().find_map(|acl| acl.network_acl_id);
        Ok(id.map(|id| NetworkAclOutputs { id: id.into() }))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<NetworkAclOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateNetworkAcl";
        let request = cx
            .ec2()
            .create_network_acl()
            .client_token(&intent.token)
            .vpc_id(self.vpc_id.as_str())
            .tag_specifications(cx.stamp(&self.tags, intent)?.ec2(ResourceType::NetworkAcl));
        let answer = request.send().await.called(OPERATION).once_visible()?;
        let id = answer.network_acl.and_then(|acl| acl.network_acl_id);
        Ok(NetworkAclOutputs { id: required(id, OPERATION, "NetworkAclId")?.into() })
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &NetworkAclOutputs<Resolved>,
    ) -> Result<Readiness<NetworkAclOutputs<Resolved>>, CallError> {
        Ok(ready_when_seen(cx.describe().network_acls.get(&outputs.id).await?, outputs))
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &NetworkAclOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = cx.describe().network_acls.get(&outputs.id).await?;
        Ok(live.map(|live| Self { vpc_id: live.vpc_id.unwrap_or_default().into(), tags: visible(live.tags) }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &NetworkAclOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<NetworkAclOutputs<Resolved>, CallError> {
        retag(cx, outputs.id.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &NetworkAclOutputs<Resolved>) -> Result<(), CallError> {
        let request = cx.ec2().delete_network_acl().network_acl_id(outputs.id.as_str());
        request.send().await.called("DeleteNetworkAcl").gone_is_ok()
    }
}
