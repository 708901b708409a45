//! A security group: who may talk to what is in it. Its rules are resources of their own
//! ([`SecurityGroupIngress`](super::SecurityGroupIngress), [`SecurityGroupEgress`](super::SecurityGroupEgress)), so that
//! two groups can name each other.
//!
//! The surprises: a new group lets everything out; that rule is taken away here, also while it is not shown yet. And a rule that somebody adds by hand is
//! in none of our resources. So what the group reports as its rules are those that are not ours: there should be none,
//! and one that is there is drift, which an update revokes.
//!
//! `InvalidGroup.NotFound` right after the creation means wait; so does `DependencyViolation` when it is deleted, for as long as
//! network interfaces that a service leaves behind are in it. There are no states. EC2 gives everything back as it was sent.

use async_trait::async_trait;
use aws_sdk_ec2::types::{IpPermission, IpRange, ResourceType, SecurityGroupRule};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Input, Intent, Listed, Loss, Named,
    Order, Readiness, Reads, Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging, Template,
    Times,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{SecurityGroupEgress, SecurityGroupIngress};
use crate::ec2::{Rule, filter, found_by, ours, ready_when_seen, retag, security_groups, sighted};
use crate::error::{CallResult, Called, required};
use crate::tags::LiveTags;
use crate::{Context, SecurityGroupId, SecurityGroupRuleId, Tags, VpcId, converge};

/// The properties of a security group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct SecurityGroup<S: Stage = Declared> {
    /// Its name, unique in the VPC.
    pub group_name: String,
    /// What it is for. EC2 keeps it for ever: another one needs another group.
    pub group_description: String,
    /// The VPC that it is in.
    pub vpc_id: S::Of<VpcId>,
    /// Always empty when it is declared; a live group may have rules that somebody added.
    #[serde(default)]
    pub security_group_ingress: Vec<Rule>,
    /// Likewise.
    #[serde(default)]
    pub security_group_egress: Vec<Rule>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct SecurityGroupOutputs<S: Stage> {
    /// The group.
    pub group_id: S::Of<SecurityGroupId>,
}

impl Declares for SecurityGroup<Declared> {
    type Resolved = SecurityGroup<Resolved>;
}

/// A group without rules may talk to everybody in CloudFormation. Its documentation shows this rule, which leads nowhere, for
/// one that may not.
fn nowhere_without_rules(properties: &mut Map<String, Value>) {
    let is_empty = |property: &Value| property.as_array().is_some_and(Vec::is_empty);
    let nowhere = json!([{ "IpProtocol": "-1", "CidrIp": "127.0.0.1/32", "Description": "Nowhere" }]);
    if properties.get("SecurityGroupEgress").is_none_or(is_empty) {
        properties.insert("SecurityGroupEgress".to_owned(), nowhere);
    }
    if properties.get("SecurityGroupIngress").is_some_and(is_empty) {
        properties.remove("SecurityGroupIngress");
    }
}

impl SecurityGroup {
    /// A group that lets nothing in or out: each rule is a resource of its own.
    #[must_use]
    pub fn closed(name: impl Into<String>, description: &str, vpc_id: Input<VpcId>, tags: Tags) -> Self {
        Self {
            group_name: name.into(),
            group_description: description.to_owned(),
            vpc_id,
            security_group_ingress: Vec::new(),
            security_group_egress: Vec::new(),
            tags,
        }
    }
}

/// The rules of a group that are seen.
async fn seen_rules(cx: &Context, group: &SecurityGroupId) -> Result<Vec<SecurityGroupRule>, CallError> {
    let request = cx.ec2().describe_security_group_rules().filters(filter("group-id", [group]));
    let rules = request.into_paginator().items().send();
    rules.try_collect().await.called("DescribeSecurityGroupRules")
}

/// Those that no resource of ours has made: neither their ids are recorded, nor do tags say so.
async fn foreign_rules(cx: &Context, group: &SecurityGroupId) -> Result<Vec<SecurityGroupRule>, CallError> {
    let ingress = cx.ours::<SecurityGroupIngress<Resolved>>().into_iter().filter_map(|ours| ours.outputs);
    let egress = cx.ours::<SecurityGroupEgress<Resolved>>().into_iter().filter_map(|ours| ours.outputs);
    let recorded: Vec<SecurityGroupRuleId> =
        ingress.map(|rule| rule.id).chain(egress.map(|rule| rule.id)).collect();
    let is_recorded = |id: &str| recorded.iter().any(|recorded| recorded.as_str() == id);
    let is_ours = |rule: &SecurityGroupRule| {
        rule.security_group_rule_id().is_some_and(is_recorded)
            || LiveTags::ec2(rule.tags.as_deref()).is_ours(cx.identity())
    };
    Ok(seen_rules(cx, group).await?.into_iter().filter(|rule| !is_ours(rule)).collect())
}

/// Whether a rule is the one with which a group begins: everything, to every IPv4 address.
fn is_default(rule: &SecurityGroupRule) -> bool {
    rule.is_egress() == Some(true) && rule.ip_protocol() == Some("-1") && rule.cidr_ipv4() == Some(EVERYWHERE)
}

/// All IPv4 addresses.
const EVERYWHERE: &str = "0.0.0.0/0";

/// Takes away the rule with which a new group begins, which may be there without being seen.
async fn close(cx: &Context, group: &SecurityGroupId) -> Result<(), CallError> {
    let everything = IpPermission::builder().ip_protocol("-1");
    let everything = everything.ip_ranges(IpRange::builder().cidr_ip(EVERYWHERE).build()).build();
    let request = cx.ec2().revoke_security_group_egress().group_id(group.as_str());
    match request.ip_permissions(everything).send().await.called("RevokeSecurityGroupEgress") {
        Err(error) if error.code.as_deref() == Some("InvalidPermission.NotFound") => Ok(()),
        answer => answer.map(drop),
    }
}

fn shown(rules: &[SecurityGroupRule], egress: bool) -> Vec<Rule> {
    let of_direction = rules.iter().filter(|rule| rule.is_egress() == Some(egress));
    let mut shown: Vec<Rule> = of_direction.map(rule).collect();
    shown.sort();
    shown
}

fn rule(live: &SecurityGroupRule) -> Rule {
    let group = live.referenced_group_info().and_then(|group| group.group_id());
    let peer = live.cidr_ipv4().or(live.cidr_ipv6()).or(group).or(live.prefix_list_id());
    // All ports, where ports make no sense, are -1.
    let port = |port: Option<i32>| port.filter(|port| *port >= 0);
    Rule {
        ip_protocol: live.ip_protocol().unwrap_or_default().to_owned(),
        from_port: port(live.from_port()),
        to_port: port(live.to_port()),
        peer: peer.unwrap_or_default().to_owned(),
    }
}

fn rule_ids(rules: &[SecurityGroupRule], egress: bool) -> Vec<String> {
    let of_direction = rules.iter().filter(|rule| rule.is_egress() == Some(egress));
    of_direction.filter_map(|rule| rule.security_group_rule_id.clone()).collect()
}

#[async_trait]
impl Resource for SecurityGroup<Resolved> {
    const KIND: &'static str = "AWS::EC2::SecurityGroup";
    const FACTS: Facts = Facts {
        name: Named::ByName("GroupName"),
        create_only: CreateOnly::These(&["GroupName", "GroupDescription", "VpcId"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { adapt: nowhere_without_rules, ..Template::AS_DECLARED },
        // The interfaces of a load balancer or of a task let their groups go only after a while.
        times: Times { ready: Span { typical: 2, longest: 300 }, gone: Span { typical: 2, longest: 1800 } },
        import: ImportId {
            parts: &["GroupId"],
            words: "the id of the security group",
            example: "sg-0a1b2c3d4e5f60718",
        },
        reads: Reads { least: 2, most: 2, together: Some("DescribeSecurityGroups") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Tag;
    const ORDER: Order = Order { held: true, ..Order::NONE };
    type Context = Context;
    type Declared = SecurityGroup<Declared>;
    type Outputs<S: Stage> = SecurityGroupOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{} {}", self.vpc_id, self.group_name))
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<SecurityGroupOutputs<Resolved>>, CallError> {
        let request = cx.ec2().describe_security_groups().set_filters(Some(found_by(cx, search)));
        let answer = request.send().await.called("DescribeSecurityGroups")?;
        let id = answer.security_groups.unwrap_or_default().into_iter().find_map(|group| group.group_id);
        Ok(id.map(|id| SecurityGroupOutputs { group_id: id.into() }))
    }

    async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<SecurityGroupOutputs<Resolved>>>>, CallError> {
        let request = cx.ec2().describe_security_groups().set_filters(Some(ours(cx)));
        let answer = request.send().await.called("DescribeSecurityGroups")?;
        let found = answer.security_groups.unwrap_or_default().into_iter();
        let sighted = found.filter_map(|live| {
            let outputs = live.group_id.map(|id| SecurityGroupOutputs { group_id: id.into() });
            sighted(cx, outputs, live.tags.as_deref(), None)
        });
        Ok(Some(sighted.collect()))
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<SecurityGroupOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateSecurityGroup";
        let request = cx
            .ec2()
            .create_security_group()
            .group_name(&self.group_name)
            .description(&self.group_description)
            .vpc_id(self.vpc_id.as_str())
            .tag_specifications(cx.stamp(&self.tags, intent)?.ec2(ResourceType::SecurityGroup));
        let answer = request.send().await.called(OPERATION).once_visible()?;
        Ok(SecurityGroupOutputs { group_id: required(answer.group_id, OPERATION, "GroupId")?.into() })
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &SecurityGroupOutputs<Resolved>,
    ) -> Result<Readiness<SecurityGroupOutputs<Resolved>>, CallError> {
        Ok(ready_when_seen(security_groups(cx).get(&outputs.group_id).await?, outputs))
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &SecurityGroupOutputs<Resolved>,
    ) -> Result<(), CallError> {
        let shown = seen_rules(cx, &outputs.group_id).await?.iter().any(is_default);
        converge(self, cx, outputs).await.once_visible()?;
        match shown {
            true => Ok(()),
            false => close(cx, &outputs.group_id).await.once_visible(),
        }
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &SecurityGroupOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let id = &outputs.group_id;
        let Some(live) = security_groups(cx).get(id).await? else { return Ok(None) };
        let foreign = foreign_rules(cx, id).await?;
        Ok(Some(Self {
            group_name: live.group_name.unwrap_or_default(),
            group_description: live.description.unwrap_or_default(),
            vpc_id: live.vpc_id.unwrap_or_default().into(),
            security_group_ingress: shown(&foreign, false),
            security_group_egress: shown(&foreign, true),
            tags: LiveTags::ec2(live.tags.as_deref()).visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &SecurityGroupOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<SecurityGroupOutputs<Resolved>, CallError> {
        let id = outputs.group_id.as_str();
        if changed.has("SecurityGroupIngress") || changed.has("SecurityGroupEgress") {
            let foreign = foreign_rules(cx, &outputs.group_id).await?;
            let ingress = rule_ids(&foreign, false);
            if !ingress.is_empty() {
                let request = cx.ec2().revoke_security_group_ingress().group_id(id);
                let request = request.set_security_group_rule_ids(Some(ingress));
                request.send().await.called("RevokeSecurityGroupIngress").gone_is_ok()?;
            }
            let egress = rule_ids(&foreign, true);
            if !egress.is_empty() {
                let request = cx.ec2().revoke_security_group_egress().group_id(id);
                let request = request.set_security_group_rule_ids(Some(egress));
                request.send().await.called("RevokeSecurityGroupEgress").gone_is_ok()?;
            }
        }
        retag(cx, id, &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &SecurityGroupOutputs<Resolved>) -> Result<(), CallError> {
        let request = cx.ec2().delete_security_group().group_id(outputs.group_id.as_str());
        request.send().await.called("DeleteSecurityGroup").gone_is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_may_talk_to_nobody_says_so_in_a_template() {
        let declared = json!({ "GroupName": "g", "SecurityGroupIngress": [], "SecurityGroupEgress": [] });
        let Value::Object(mut properties) = declared else { unreachable!() };
        nowhere_without_rules(&mut properties);
        assert_eq!(properties["SecurityGroupEgress"][0]["CidrIp"], "127.0.0.1/32");
        assert_eq!(properties.get("SecurityGroupIngress"), None);
    }
}
