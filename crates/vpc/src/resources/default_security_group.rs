//! The VPC's default security group, stripped of its rules (Security Hub EC2.2, PCI DSS 1.2): what is started
//! without a group of its own can then talk to nobody.
//!
//! The surprise: AWS makes this group with the VPC and deletes it with the VPC, and nobody else can do either. So
//! creating it here is tagging it, and deleting it here leaves it alone. CloudFormation has no type for that,
//! hence the `Custom::` name.

use async_trait::async_trait;
use aws::ec2::{Rule, filter, ready_when_seen, retag, security_groups};
use aws::{CallResult, Called, Context, SecurityGroupId, Tags, VpcId, converge, required};
use aws_sdk_ec2::types::{IpPermission, SecurityGroup as Live};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ForeignId, FoundIn, ImportId,
    Intent, Listed, Loss, Named, Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging,
    Template, Times,
};
use serde::{Deserialize, Serialize};

use super::visible;

/// The properties of the default security group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct DefaultSecurityGroup<S: Stage = Declared> {
    /// The VPC whose group it is.
    pub vpc_id: S::Of<VpcId>,
    /// Always empty when it is declared; a live group may have rules that somebody added.
    pub security_group_ingress: Vec<Rule>,
    /// Likewise.
    pub security_group_egress: Vec<Rule>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct DefaultSecurityGroupOutputs<S: Stage> {
    /// The group.
    pub group_id: S::Of<SecurityGroupId>,
}

impl Declares for DefaultSecurityGroup<Declared> {
    type Resolved = DefaultSecurityGroup<Resolved>;
}

async fn of_vpc(cx: &Context, vpc: &VpcId) -> Result<Option<Live>, CallError> {
    let request = cx
        .ec2()
        .describe_security_groups()
        .filters(filter("vpc-id", [vpc]))
        .filters(filter("group-name", ["default"]));
    let answer = request.send().await.called("DescribeSecurityGroups")?;
    Ok(answer.security_groups.unwrap_or_default().into_iter().next())
}

/// One rule a peer, sorted: AWS groups peers that share protocol and ports, in no order.
fn rules(permissions: &[IpPermission]) -> Vec<Rule> {
    let mut rules: Vec<Rule> = permissions.iter().flat_map(rules_of).collect();
    rules.sort();
    rules
}

fn rules_of(permission: &IpPermission) -> Vec<Rule> {
    let addresses = permission.ip_ranges().iter().filter_map(|range| range.cidr_ip());
    let addresses6 = permission.ipv6_ranges().iter().filter_map(|range| range.cidr_ipv6());
    let groups = permission.user_id_group_pairs().iter().filter_map(|pair| pair.group_id());
    let lists = permission.prefix_list_ids().iter().filter_map(|list| list.prefix_list_id());
    let peers = addresses.chain(addresses6).chain(groups).chain(lists);
    peers
        .map(|peer| Rule {
            ip_protocol: permission.ip_protocol().unwrap_or_default().to_owned(),
            from_port: permission.from_port(),
            to_port: permission.to_port(),
            peer: peer.to_owned(),
        })
        .collect()
}

fn outputs(live: &Live) -> Result<DefaultSecurityGroupOutputs<Resolved>, CallError> {
    let id = required(live.group_id(), "DescribeSecurityGroups", "GroupId")?;
    Ok(DefaultSecurityGroupOutputs { group_id: id.into() })
}

#[async_trait]
impl Resource for DefaultSecurityGroup<Resolved> {
    const KIND: &'static str = "Custom::DefaultSecurityGroup";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["VpcId"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template {
            outputs: &[(
                "GroupId",
                FoundIn::AttributeOf { property: "VpcId", attribute: "DefaultSecurityGroup" },
            )],
            ..Template::AS_DECLARED
        },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["GroupId"],
            words: "the id of the VPC's default security group",
            example: "sg-0a1b2c3d4e5f60718",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeSecurityGroups") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = DefaultSecurityGroup<Declared>;
    type Outputs<S: Stage> = DefaultSecurityGroupOutputs<S>;

    /// The group is ours if the VPC is; [`create`](Self::create) marks it as taken over.
    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<DefaultSecurityGroupOutputs<Resolved>>, CallError> {
        let Some(live) = of_vpc(cx, &self.vpc_id).await? else { return Ok(None) };
        let taken = aws::tags::LiveTags::ec2(live.tags.as_deref());
        match taken.belongs_to(cx.identity(), search) {
            true => outputs(&live).map(Some),
            false => Ok(None),
        }
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<DefaultSecurityGroupOutputs<Resolved>>, CallError> {
        let live = security_groups(cx).get(&id.part("GroupId").into()).await?;
        let live = live.filter(|live| live.group_name() == Some("default"));
        live.map(|live| outputs(&live)).transpose()
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<DefaultSecurityGroupOutputs<Resolved>, CallError> {
        let Some(live) = of_vpc(cx, &self.vpc_id).await? else {
            let message = format!("the default group of {} cannot be seen yet", self.vpc_id);
            return Err(CallError::new(ErrorClass::NotYet, "DescribeSecurityGroups", message));
        };
        let outputs = outputs(&live)?;
        let tags = cx.stamp(&self.tags, intent)?.ec2_tags();
        let request = cx.ec2().create_tags().resources(outputs.group_id.as_str()).set_tags(Some(tags));
        request.send().await.called("CreateTags").once_visible()?;
        Ok(outputs)
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &DefaultSecurityGroupOutputs<Resolved>,
    ) -> Result<Readiness<DefaultSecurityGroupOutputs<Resolved>>, CallError> {
        Ok(ready_when_seen(security_groups(cx).get(&outputs.group_id).await?, outputs))
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &DefaultSecurityGroupOutputs<Resolved>,
    ) -> Result<(), CallError> {
        converge(self, cx, outputs).await.once_visible()
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &DefaultSecurityGroupOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = security_groups(cx).get(&outputs.group_id).await?;
        Ok(live.map(|live| Self {
            vpc_id: live.vpc_id().unwrap_or_default().into(),
            security_group_ingress: rules(live.ip_permissions()),
            security_group_egress: rules(live.ip_permissions_egress()),
            tags: visible(live.tags),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &DefaultSecurityGroupOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<DefaultSecurityGroupOutputs<Resolved>, CallError> {
        let id = &outputs.group_id;
        if changed.has("SecurityGroupIngress") || changed.has("SecurityGroupEgress") {
            // What is revoked is what AWS reports now, with all its details, not what was read into rules.
            let live = security_groups(cx).get(id).await?;
            let live = required(live, "DescribeSecurityGroups", "the group")?;
            if let Some(rules) = live.ip_permissions.filter(|rules| !rules.is_empty()) {
                let request = cx.ec2().revoke_security_group_ingress().group_id(id.as_str());
                let request = request.set_ip_permissions(Some(rules));
                request.send().await.called("RevokeSecurityGroupIngress").gone_is_ok()?;
            }
            if let Some(rules) = live.ip_permissions_egress.filter(|rules| !rules.is_empty()) {
                let request = cx.ec2().revoke_security_group_egress().group_id(id.as_str());
                let request = request.set_ip_permissions(Some(rules));
                request.send().await.called("RevokeSecurityGroupEgress").gone_is_ok()?;
            }
        }
        retag(cx, id.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, _: &Context, _: &DefaultSecurityGroupOutputs<Resolved>) -> Result<(), CallError> {
        Ok(())
    }

    async fn poll_gone(
        &self,
        _: &Context,
        _: &DefaultSecurityGroupOutputs<Resolved>,
    ) -> Result<bool, CallError> {
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{IpRange, UserIdGroupPair};

    use super::*;

    #[test]
    fn a_permission_is_one_rule_a_peer_in_a_fixed_order() {
        let permission = IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(22)
            .to_port(22)
            .ip_ranges(IpRange::builder().cidr_ip("192.0.2.0/24").build())
            .user_id_group_pairs(UserIdGroupPair::builder().group_id("sg-1").build())
            .ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build())
            .build();
        let rules = rules(&[permission]);
        let peers: Vec<_> = rules.iter().map(|rule| rule.peer.as_str()).collect();
        assert_eq!(peers, ["0.0.0.0/0", "192.0.2.0/24", "sg-1"]);
        assert!(rules.iter().all(|rule| rule.ip_protocol == "tcp" && rule.from_port == Some(22)));
    }
}
