//! One rule of a network ACL.
//!
//! The surprise: rules are read in the order of their numbers and the first that fits decides, so the numbers
//! leave gaps. An entry cannot have tags; its ACL, direction and number identify it, and whose it is shows in
//! what it says.

use async_trait::async_trait;
use aws::ec2::ready_when_seen;
use aws::{CallResult, Called, Context};
use aws_sdk_ec2::types as sdk;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::cidr;
use crate::NetworkAclId;
use crate::describe::describe;

/// The properties of an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct NetworkAclEntry<S: Stage = Declared> {
    /// The ACL that it is in.
    pub network_acl_id: S::Of<NetworkAclId>,
    /// Its place, 1 to 32766; lower numbers decide first.
    pub rule_number: i32,
    /// Whether it is about traffic that leaves.
    pub egress: bool,
    /// The protocol's number, such as 6 for TCP, or -1 for all.
    pub protocol: i32,
    /// What happens to the traffic.
    pub rule_action: RuleAction,
    /// Where the traffic comes from or goes to.
    pub cidr_block: Ipv4Net,
    /// The ports at the receiving end; only for TCP and UDP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_range: Option<PortRange>,
}

/// What an entry does to the traffic that fits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleAction {
    /// Let it through.
    Allow,
    /// Drop it.
    Deny,
}

/// Ports from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PortRange {
    /// The first port.
    pub from: i32,
    /// The last port.
    pub to: i32,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct NetworkAclEntryOutputs<S: Stage> {
    /// The ACL that it is in.
    pub network_acl_id: S::Of<NetworkAclId>,
    /// Its place.
    pub rule_number: S::Of<i32>,
    /// Its direction.
    pub egress: S::Of<bool>,
}

impl Declares for NetworkAclEntry<Declared> {
    type Resolved = NetworkAclEntry<Resolved>;
}

impl NetworkAclEntry<Resolved> {
    fn outputs(&self) -> NetworkAclEntryOutputs<Resolved> {
        NetworkAclEntryOutputs {
            network_acl_id: self.network_acl_id.clone(),
            rule_number: self.rule_number,
            egress: self.egress,
        }
    }

    fn action(&self) -> sdk::RuleAction {
        match self.rule_action {
            RuleAction::Allow => sdk::RuleAction::Allow,
            RuleAction::Deny => sdk::RuleAction::Deny,
        }
    }

    fn ports(&self) -> Option<sdk::PortRange> {
        self.port_range.map(|ports| sdk::PortRange::builder().from(ports.from).to(ports.to).build())
    }
}

async fn live(
    cx: &Context,
    outputs: &NetworkAclEntryOutputs<Resolved>,
) -> Result<Option<NetworkAclEntry<Resolved>>, CallError> {
    const OPERATION: &str = "DescribeNetworkAcls";
    let acl = describe(cx).network_acls.get(&outputs.network_acl_id).await?;
    let entries = acl.and_then(|acl| acl.entries).unwrap_or_default();
    let found = entries
        .into_iter()
        .find(|entry| entry.rule_number == Some(outputs.rule_number) && entry.egress == Some(outputs.egress));
    let Some(found) = found else { return Ok(None) };
    let protocol = found.protocol.unwrap_or_default().parse().map_err(|_| {
        CallError::new(ErrorClass::Invalid, OPERATION, "the protocol in the answer is not a number")
    })?;
    let ports = found
        .port_range
        .map(|range| PortRange { from: range.from.unwrap_or_default(), to: range.to.unwrap_or_default() });
    Ok(Some(NetworkAclEntry {
        network_acl_id: outputs.network_acl_id.clone(),
        rule_number: outputs.rule_number,
        egress: outputs.egress,
        protocol,
        rule_action: match found.rule_action {
            Some(sdk::RuleAction::Allow) => RuleAction::Allow,
            _ => RuleAction::Deny,
        },
        cidr_block: cidr(found.cidr_block, OPERATION)?,
        port_range: ports,
    }))
}

#[async_trait]
impl Resource for NetworkAclEntry<Resolved> {
    const KIND: &'static str = "AWS::EC2::NetworkAclEntry";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["NetworkAclId", "RuleNumber", "Egress"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["NetworkAclId", "RuleNumber", "Egress"],
            words: "the id of the network ACL, the number of the rule, and whether it is for outgoing traffic (true or false)",
            example: "acl-0a1b2c3d4e5f60718|100|false",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeNetworkAcls") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = NetworkAclEntry<Declared>;
    type Outputs<S: Stage> = NetworkAclEntryOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{} {} {}", self.network_acl_id, self.egress, self.rule_number))
    }

    async fn find(
        &self,
        cx: &Context,
        _: &Search,
    ) -> Result<Option<NetworkAclEntryOutputs<Resolved>>, CallError> {
        match live(cx, &self.outputs()).await? {
            None => Ok(None),
            Some(live) if live == *self => Ok(Some(self.outputs())),
            Some(_) => Err(CallError::conflict(
                format!("looking for entry {} of {}", self.rule_number, self.network_acl_id),
                "it exists already and says something else",
            )),
        }
    }

    async fn create(&self, cx: &Context, _: &Intent) -> Result<NetworkAclEntryOutputs<Resolved>, CallError> {
        let request = cx
            .ec2()
            .create_network_acl_entry()
            .network_acl_id(self.network_acl_id.as_str())
            .rule_number(self.rule_number)
            .egress(self.egress)
            .protocol(self.protocol.to_string())
            .rule_action(self.action())
            .cidr_block(self.cidr_block.to_string())
            .set_port_range(self.ports());
        request.send().await.called("CreateNetworkAclEntry").once_visible()?;
        Ok(self.outputs())
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &NetworkAclEntryOutputs<Resolved>,
    ) -> Result<Readiness<NetworkAclEntryOutputs<Resolved>>, CallError> {
        Ok(ready_when_seen(live(cx, outputs).await?, outputs))
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &NetworkAclEntryOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        live(cx, outputs).await
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &NetworkAclEntryOutputs<Resolved>,
        _: &Changed<Self>,
    ) -> Result<NetworkAclEntryOutputs<Resolved>, CallError> {
        let request = cx
            .ec2()
            .replace_network_acl_entry()
            .network_acl_id(self.network_acl_id.as_str())
            .rule_number(self.rule_number)
            .egress(self.egress)
            .protocol(self.protocol.to_string())
            .rule_action(self.action())
            .cidr_block(self.cidr_block.to_string())
            .set_port_range(self.ports());
        request.send().await.called("ReplaceNetworkAclEntry")?;
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        cx: &Context,
        outputs: &NetworkAclEntryOutputs<Resolved>,
    ) -> Result<(), CallError> {
        let request = cx
            .ec2()
            .delete_network_acl_entry()
            .network_acl_id(outputs.network_acl_id.as_str())
            .rule_number(outputs.rule_number)
            .egress(outputs.egress);
        request.send().await.called("DeleteNetworkAclEntry").gone_is_ok()
    }
}
