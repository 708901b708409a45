//! Rules of security groups: one direction, one range of ports, one peer.
//!
//! The surprise: two rules that say the same cannot be in one group, whatever their descriptions. So a rule that changes
//! only its description is deleted before the new one is made.
//!
//! `InvalidGroup.NotFound` means wait where one of its groups is new. EC2 shows protocols by name (`tcp` for `6`), no ports
//! where a protocol has none, and a block without the bits behind its prefix. There are no states.

use async_trait::async_trait;
use aws_sdk_ec2::types::{
    IpPermission, IpRange, PrefixListId, ResourceType, SecurityGroupRule as Live, TagSpecification,
    UserIdGroupPair,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ForeignId, ImportId, Input, Intent, Listed,
    Loss, Named, Readiness, Reads, Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging,
    Template, Times,
};
use serde::{Deserialize, Serialize};

use crate::ec2::{filter, found_by, ours, ready_when_seen, retag, sighted};
use crate::error::{CallResult, Called, required};
use crate::tags::LiveTags;
use crate::{Context, SecurityGroupId, SecurityGroupRuleId, Tags};

/// Whom a rule is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Peer {
    /// Addresses, such as `10.0.0.0/16`.
    Addresses(Input<String>),
    /// What is in a group.
    Group(Input<SecurityGroupId>),
}

/// The rules of one direction: their names differ in CloudFormation, and so do the calls.
macro_rules! rule {
    (
        $(#[$doc:meta])*
        $rule:ident, $outputs:ident, $kind:literal,
        $(#[$group_doc:meta])* $group:ident, $(#[$list_doc:meta])* $list:ident,
        $authorize:ident $authorized:literal, $revoke:ident $revoked:literal, $is_egress:literal
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
        pub struct $rule<S: Stage = Declared> {
            /// The group that the rule is in.
            pub group_id: S::Of<SecurityGroupId>,
            /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
            pub ip_protocol: String,
            /// The first port.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub from_port: Option<u16>,
            /// The last port.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub to_port: Option<u16>,
            /// The peer: addresses. Exactly one peer is given.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub cidr_ip: Option<S::Of<String>>,
            $(#[$group_doc])*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $group: Option<S::Of<SecurityGroupId>>,
            $(#[$list_doc])*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $list: Option<String>,
            /// Why the traffic is allowed.
            pub description: String,
            /// Those that say whose it is, of a live rule; a rule is declared without any.
            #[serde(default, skip_serializing_if = "Tags::is_empty")]
            pub tags: Tags,
        }

        /// What others can refer to.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
        pub struct $outputs<S: Stage> {
            /// The rule.
            pub id: S::Of<SecurityGroupRuleId>,
        }

        impl Declares for $rule<Declared> {
            type Resolved = $rule<Resolved>;
        }

        impl $rule<Declared> {
            /// A rule for one port of TCP.
            #[must_use]
            pub fn tcp(
                group_id: Input<SecurityGroupId>,
                port: u16,
                peer: Peer,
                description: impl Into<String>,
            ) -> Self {
                let (cidr_ip, $group) = match peer {
                    Peer::Addresses(addresses) => (Some(addresses), None),
                    Peer::Group(group) => (None, Some(group)),
                };
                Self {
                    group_id,
                    ip_protocol: "tcp".to_owned(),
                    from_port: Some(port),
                    to_port: Some(port),
                    cidr_ip,
                    $group,
                    $list: None,
                    description: description.into(),
                    tags: Tags::new(),
                }
            }
        }

        impl $rule<Resolved> {
            fn permission(&self) -> IpPermission {
                let Self { ip_protocol, from_port, to_port, cidr_ip, $group, $list, description, .. } = self;
                let port = |port: &Option<u16>| port.map(i32::from);
                let cidr = cidr_ip
                    .as_ref()
                    .map(|cidr| IpRange::builder().cidr_ip(cidr).description(description).build());
                let group = $group.as_ref().map(|group| {
                    UserIdGroupPair::builder().group_id(group.as_str()).description(description).build()
                });
                let list = $list
                    .as_ref()
                    .map(|list| PrefixListId::builder().prefix_list_id(list).description(description).build());
                IpPermission::builder()
                    .ip_protocol(ip_protocol)
                    .set_from_port(port(from_port))
                    .set_to_port(port(to_port))
                    .set_ip_ranges(cidr.map(|cidr| vec![cidr]))
                    .set_user_id_group_pairs(group.map(|group| vec![group]))
                    .set_prefix_list_ids(list.map(|list| vec![list]))
                    .build()
            }
        }

        #[async_trait]
        impl Resource for $rule<Resolved> {
            const KIND: &'static str = $kind;
            const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::AllBut(&["Tags"]),
        lists: &[Listed::TAGS],
        tags: Tagging::Ownership,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["Id"],
            words: "the id of the rule of the security group",
            example: "sgr-0a1b2c3d4e5f60718",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeSecurityGroupRules") },
        cost: None,
    };
            const SETTLE: Settle = Settle::Tag;
            const CLOSED: &'static [&'static str] = &["Tags"];
            type Context = Context;
            type Declared = $rule<Declared>;
            type Outputs<S: Stage> = $outputs<S>;

            fn claim(&self) -> Option<String> {
                let Self { group_id, ip_protocol, from_port, to_port, cidr_ip, $group, $list, .. } = self;
                let group = $group.as_ref().map(ToString::to_string);
                let peer = cidr_ip.clone().or(group).or($list.clone()).unwrap_or_default();
                Some(format!("{group_id} {ip_protocol} {from_port:?}-{to_port:?} {peer}"))
            }

            async fn find(
                &self,
                cx: &Context,
                search: &Search,
            ) -> Result<Option<$outputs<Resolved>>, CallError> {
                Ok(find(cx, search).await?.map(|id| $outputs { id }))
            }

            async fn identify(
                &mut self,
                cx: &Context,
                id: &ForeignId,
            ) -> Result<Option<$outputs<Resolved>>, CallError> {
                let id = id.part("Id").into();
                let live = live(cx, &id).await?;
                // Both directions have ids of one form.
                let is_this = |live: &Live| live.is_egress() == Some($is_egress);
                Ok(live.filter(is_this).map(|_| $outputs { id }))
            }

            async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<$outputs<Resolved>>>>, CallError> {
                let request = cx.ec2().describe_security_group_rules().set_filters(Some(ours(cx)));
                let answer = request.send().await.called("DescribeSecurityGroupRules")?;
                let all = answer.security_group_rules.unwrap_or_default().into_iter();
                // Both directions are in one list.
                let sighted = all.filter(|live| live.is_egress == Some($is_egress)).filter_map(|live| {
                    let outputs = live.security_group_rule_id.map(|id| $outputs { id: id.into() });
                    sighted(cx, outputs, live.tags.as_deref(), None)
                });
                Ok(Some(sighted.collect()))
            }

            async fn create(
                &self,
                cx: &Context,
                intent: &Intent,
            ) -> Result<$outputs<Resolved>, CallError> {
                let request = cx
                    .ec2()
                    .$authorize()
                    .group_id(self.group_id.as_str())
                    .ip_permissions(self.permission())
                    .tag_specifications(tags(cx, intent)?);
                let answer = request.send().await.called($authorized).once_visible()?;
                let made = answer.security_group_rules.unwrap_or_default().into_iter().next();
                let id = made.and_then(|rule| rule.security_group_rule_id);
                Ok($outputs { id: required(id, $authorized, "SecurityGroupRuleId")?.into() })
            }

            async fn poll_ready(
                cx: &Context,
                outputs: &$outputs<Resolved>,
            ) -> Result<Readiness<$outputs<Resolved>>, CallError> {
                Ok(ready_when_seen(live(cx, &outputs.id).await?, outputs))
            }

            async fn read(
                &self,
                cx: &Context,
                outputs: &$outputs<Resolved>,
            ) -> Result<Option<Self>, CallError> {
                let Some(live) = live(cx, &outputs.id).await? else { return Ok(None) };
                let port = |port: Option<i32>| port.and_then(|port| u16::try_from(port).ok());
                let group = live.referenced_group_info.and_then(|group| group.group_id);
                Ok(Some(Self {
                    group_id: live.group_id.unwrap_or_default().into(),
                    ip_protocol: live.ip_protocol.unwrap_or_default(),
                    from_port: port(live.from_port),
                    to_port: port(live.to_port),
                    cidr_ip: live.cidr_ipv4.or(live.cidr_ipv6),
                    $group: group.map(Into::into),
                    $list: live.prefix_list_id,
                    description: live.description.unwrap_or_default(),
                    tags: LiveTags::ec2(live.tags.as_deref()).visible(),
                }))
            }

            /// Nothing changes in place but the tags.
            async fn update(
                &self,
                cx: &Context,
                outputs: &$outputs<Resolved>,
                changed: &Changed<Self>,
            ) -> Result<$outputs<Resolved>, CallError> {
                retag(cx, outputs.id.as_str(), &changed.before.tags, &self.tags).await?;
                Ok(outputs.clone())
            }

            async fn delete(&self, cx: &Context, outputs: &$outputs<Resolved>) -> Result<(), CallError> {
                let request = cx.ec2().$revoke().group_id(self.group_id.as_str());
                let request = request.security_group_rule_ids(outputs.id.as_str());
                request.send().await.called($revoked).gone_is_ok()
            }
        }
    };
}

rule! {
    /// Traffic that a security group lets in.
    SecurityGroupIngress, SecurityGroupIngressOutputs, "AWS::EC2::SecurityGroupIngress",
    /// The peer: what is in another group.
    source_security_group_id,
    /// The peer: a prefix list, such as that of a gateway endpoint.
    source_prefix_list_id,
    authorize_security_group_ingress "AuthorizeSecurityGroupIngress",
    revoke_security_group_ingress "RevokeSecurityGroupIngress", false
}

rule! {
    /// Traffic that a security group lets out.
    SecurityGroupEgress, SecurityGroupEgressOutputs, "AWS::EC2::SecurityGroupEgress",
    /// The peer: what is in another group.
    destination_security_group_id,
    /// The peer: a prefix list, such as that of a gateway endpoint.
    destination_prefix_list_id,
    authorize_security_group_egress "AuthorizeSecurityGroupEgress",
    revoke_security_group_egress "RevokeSecurityGroupEgress", true
}

/// A rule has no tags in CloudFormation; those that say whose it is are all it has.
fn tags(cx: &Context, intent: &Intent) -> Result<TagSpecification, CallError> {
    Ok(cx.stamp(&Tags::new(), intent)?.ec2(ResourceType::SecurityGroupRule))
}

async fn find(cx: &Context, search: &Search) -> Result<Option<SecurityGroupRuleId>, CallError> {
    let request = cx.ec2().describe_security_group_rules().set_filters(Some(found_by(cx, search)));
    let answer = request.send().await.called("DescribeSecurityGroupRules")?;
    let rules = answer.security_group_rules.unwrap_or_default();
    Ok(rules.into_iter().find_map(|rule| rule.security_group_rule_id).map(Into::into))
}

async fn live(cx: &Context, id: &SecurityGroupRuleId) -> Result<Option<Live>, CallError> {
    let request = cx.ec2().describe_security_group_rules().filters(filter("security-group-rule-id", [id]));
    let answer = request.send().await.called("DescribeSecurityGroupRules")?;
    let rules = answer.security_group_rules.unwrap_or_default();
    Ok(rules.into_iter().find(|rule| rule.security_group_rule_id() == Some(id.as_str())))
}
