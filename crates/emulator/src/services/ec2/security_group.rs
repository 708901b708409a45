//! Security groups. Their rules are objects of their own; the permissions of a group are put together from
//! them when it is shown.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::describe::{describe, describe_as, find};
use super::guard_records::{ReferencedGroup, SecurityGroup, SecurityGroupRule};
use super::tags::Tags;
use super::{Answer, Cx, Region, done};
use crate::protocol::parameters::Parameters;
use crate::services::{ACCOUNT_ID, Refusal, Spread, ensure, refuse_if, spread, to_json};

/// From when a new group is seen until its first rule is.
const DEFAULT_RULE: Spread = spread(3.0, 0.0, 6.0);

/// What a rule allows. Two rules of a group may not allow the same, however they are described.
#[derive(Clone)]
struct Permission {
    ip_protocol: String,
    from_port: i64,
    to_port: i64,
    peer: Peer,
    description: Option<String>,
}

#[derive(Clone, PartialEq)]
enum Peer {
    Ipv4(String),
    Ipv6(String),
    PrefixList(String),
    Group(String),
}

impl Permission {
    fn allows_the_same(&self, other: &Permission) -> bool {
        (&self.ip_protocol, self.from_port, self.to_port, &self.peer)
            == (&other.ip_protocol, other.from_port, other.to_port, &other.peer)
    }

    fn is_that_of(&self, rule: &SecurityGroupRule) -> bool {
        let same_peer = match &self.peer {
            Peer::Ipv4(block) => rule.cidr_ipv4.as_ref() == Some(block),
            Peer::Ipv6(block) => rule.cidr_ipv6.as_ref() == Some(block),
            Peer::PrefixList(id) => rule.prefix_list_id.as_ref() == Some(id),
            Peer::Group(id) => rule.referenced_group_info.as_ref().is_some_and(|group| group.group_id == *id),
        };
        same_peer
            && self.ip_protocol == rule.ip_protocol
            && (self.from_port, self.to_port) == (rule.from_port, rule.to_port)
    }

    /// Every protocol, every port, every IPv4 address: how a group starts on its way out.
    fn everything(peer: Peer) -> Self {
        Permission { ip_protocol: "-1".to_owned(), from_port: -1, to_port: -1, peer, description: None }
    }
}

impl SecurityGroup {
    pub(super) fn is_default(&self) -> bool {
        self.group_name == "default"
    }
}

impl Region {
    /// The group that comes with a VPC: everything out, and in from itself
    /// (VPC User Guide, "Default security groups").
    pub(super) fn add_default_security_group(
        &mut self,
        cx: &Cx<'_>,
        vpc_id: &str,
        unseen_until: Option<i64>,
    ) {
        let group = self.new_group(cx.region, vpc_id, "default", "default VPC security group");
        let inside = Permission::everything(Peer::Group(group.group_id.clone()));
        let outside = Permission::everything(Peer::Ipv4("0.0.0.0/0".to_owned()));
        for (permission, egress) in [(inside, false), (outside, true)] {
            let mut rule = self.new_rule(cx.region, &group, egress, permission, Tags::default());
            rule.made_by_default = true;
            self.security_group_rules.create_unseen(unseen_until, rule);
        }
        self.security_groups.create_unseen(unseen_until, group);
    }

    pub(super) fn create_security_group(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let name = p.text("GroupName")?;
        let description = p.text("GroupDescription")?;
        let vpc_id = p.text("VpcId")?;
        let tag_set = Tags::given_to::<SecurityGroup>(&mut p)?;
        // CreateSecurityGroup: up to 255 characters, and a name may not look like an id.
        for (field, value) in [("GroupName", &name), ("GroupDescription", &description)] {
            let legal = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
            if value.len() > 255 || !value.chars().all(legal) {
                return Err(p.invalid(field, value, "255 of a-z A-Z 0-9 and ._-:/()#,@[]+=&;{}!$*"));
            }
        }
        if name.starts_with("sg-") {
            return Err(p.invalid("GroupName", &name, "a name that does not begin with sg-"));
        }
        p.finish()?;
        find(&self.vpcs, &vpc_id)?;
        let same = |group: &SecurityGroup| group.vpc_id == vpc_id && group.group_name == name;
        if self.security_groups.values().any(same) {
            let message = format!("The security group '{name}' already exists for VPC '{vpc_id}'");
            return Err(Refusal::new("InvalidGroup.Duplicate", message));
        }
        let mut group = self.new_group(cx.region, &vpc_id, &name, &description);
        group.tag_set = tag_set;
        let outside = Permission::everything(Peer::Ipv4("0.0.0.0/0".to_owned()));
        let mut rule = self.new_rule(cx.region, &group, true, outside, Tags::default());
        rule.made_by_default = true;
        // It is there from the start, and seen later than the group: providers found groups that were still open because
        // they revoked only what was shown. How much later is an estimate.
        let group_seen = cx.unseen_until::<SecurityGroup>(&group.group_id);
        let later = |seen| seen + cx.latencies.millis(DEFAULT_RULE, &group.group_id);
        self.security_group_rules.create_unseen(group_seen.map(later), rule);
        let answer = json!({
            "groupId": group.group_id,
            "securityGroupArn": group.security_group_arn,
            "tagSet": to_json(&group.tag_set),
        });
        self.security_groups.create(cx, group);
        Ok(answer)
    }

    pub(super) fn describe_security_groups(&self, mut p: Parameters) -> Answer {
        // Names are looked up in the default VPC (DescribeSecurityGroups, GroupName), and there is none.
        if let Some(name) = p.texts("GroupName")?.first() {
            let message = format!("The security group '{name}' does not exist in default VPC");
            return Err(Refusal::new("InvalidGroup.NotFound", message));
        }
        describe_as(&self.security_groups, p, |group| self.show_group(group))
    }

    pub(super) fn describe_security_group_rules(&self, p: Parameters) -> Answer {
        describe(&self.security_group_rules, p)
    }

    pub(super) fn delete_security_group(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let id = p.text("GroupId")?;
        p.finish()?;
        let group = find(&self.security_groups, &id)?;
        if group.is_default() {
            let message =
                format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
            return Err(Refusal::new("CannotDelete", message));
        }
        let refers = |rule: &SecurityGroupRule| {
            rule.group_id != id
                && rule.referenced_group_info.as_ref().is_some_and(|group| group.group_id == id)
        };
        if self.security_group_rules.values().any(refers) || self.group_is_attached(cx, &id) {
            let message = format!("resource {id} has a dependent object");
            return Err(Refusal::new("DependencyViolation", message));
        }
        self.security_groups.remove(&id);
        self.security_group_rules.retain(|rule| rule.group_id != id);
        Ok(json!({"return": true, "groupId": id}))
    }

    pub(super) fn authorize(&mut self, cx: &Cx<'_>, mut p: Parameters, egress: bool) -> Answer {
        let id = p.text("GroupId")?;
        let permissions = permissions(&mut p)?;
        let tag_set = Tags::given_to::<SecurityGroupRule>(&mut p)?;
        refuse_if(permissions.is_empty(), || p.missing("IpPermissions"))?;
        p.finish()?;
        let group = find(&self.security_groups, &id)?.clone();
        for (at, permission) in permissions.iter().enumerate() {
            if let Peer::Group(peer) = &permission.peer {
                find(&self.security_groups, peer)?;
            }
            let is_twice = permissions[..at].iter().any(|other| other.allows_the_same(permission));
            if is_twice || self.rule_of(&id, egress, permission).is_some() {
                let message = "the specified rule already exists";
                return Err(Refusal::new("InvalidPermission.Duplicate", message));
            }
        }
        let mut added = Vec::new();
        for permission in permissions {
            let rule = self.new_rule(cx.region, &group, egress, permission, tag_set.clone());
            added.push(to_json(&rule));
            self.security_group_rules.create(cx, rule);
        }
        Ok(json!({"return": true, "securityGroupRuleSet": added}))
    }

    pub(super) fn revoke(&mut self, mut p: Parameters, egress: bool) -> Answer {
        let id = p.text("GroupId")?;
        let permissions = permissions(&mut p)?;
        let rule_ids = p.texts("SecurityGroupRuleId")?;
        if permissions.is_empty() && rule_ids.is_empty() {
            return Err(p.missing("IpPermissions or SecurityGroupRuleId"));
        }
        p.finish()?;
        find(&self.security_groups, &id)?;
        let mut revoked = Vec::new();
        for rule_id in rule_ids {
            let rule = find(&self.security_group_rules, &rule_id)?;
            if rule.group_id != id || rule.is_egress != egress {
                return Err(super::describe::not_found::<SecurityGroupRule>(&rule_id));
            }
            revoked.push(rule_id);
        }
        for permission in &permissions {
            let rule = self.rule_of(&id, egress, permission).ok_or_else(|| {
                let message = "The specified rule does not exist in this security group.";
                Refusal::new("InvalidPermission.NotFound", message)
            })?;
            revoked.push(rule.security_group_rule_id.clone());
        }
        for rule_id in revoked {
            self.security_group_rules.remove(&rule_id);
        }
        Ok(done())
    }

    /// Also one that is not seen yet: what a group allows is decided by the truth.
    fn rule_of(&self, group_id: &str, egress: bool, permission: &Permission) -> Option<&SecurityGroupRule> {
        self.security_group_rules
            .values()
            .find(|rule| rule.group_id == group_id && rule.is_egress == egress && permission.is_that_of(rule))
    }

    fn new_group(&mut self, region: &str, vpc_id: &str, name: &str, about: &str) -> SecurityGroup {
        let group_id = self.ids.id("sg");
        SecurityGroup {
            security_group_arn: format!("arn:aws:ec2:{region}:{ACCOUNT_ID}:security-group/{group_id}"),
            group_id,
            group_name: name.to_owned(),
            group_description: about.to_owned(),
            owner_id: ACCOUNT_ID.to_owned(),
            vpc_id: vpc_id.to_owned(),
            tag_set: Tags::default(),
        }
    }

    fn new_rule(
        &mut self,
        region: &str,
        group: &SecurityGroup,
        is_egress: bool,
        permission: Permission,
        tag_set: Tags,
    ) -> SecurityGroupRule {
        let id = self.ids.id("sgr");
        let mut rule = SecurityGroupRule {
            security_group_rule_arn: format!("arn:aws:ec2:{region}:{ACCOUNT_ID}:security-group-rule/{id}"),
            security_group_rule_id: id,
            group_id: group.group_id.clone(),
            group_owner_id: ACCOUNT_ID.to_owned(),
            is_egress,
            ip_protocol: permission.ip_protocol,
            from_port: permission.from_port,
            to_port: permission.to_port,
            cidr_ipv4: None,
            cidr_ipv6: None,
            prefix_list_id: None,
            referenced_group_info: None,
            description: permission.description,
            tag_set,
            made_by_default: false,
        };
        match permission.peer {
            Peer::Ipv4(block) => rule.cidr_ipv4 = Some(block),
            Peer::Ipv6(block) => rule.cidr_ipv6 = Some(block),
            Peer::PrefixList(id) => rule.prefix_list_id = Some(id),
            Peer::Group(group_id) => {
                rule.referenced_group_info = Some(ReferencedGroup {
                    group_id,
                    user_id: ACCOUNT_ID.to_owned(),
                    vpc_id: group.vpc_id.clone(),
                });
            }
        }
        rule
    }

    fn show_group(&self, group: &SecurityGroup) -> Value {
        let mut value = to_json(group);
        value["ipPermissions"] = self.permissions_of(&group.group_id, false);
        value["ipPermissionsEgress"] = self.permissions_of(&group.group_id, true);
        value
    }

    /// Rules with the same protocol and ports are one permission with many peers, as EC2 shows them.
    fn permissions_of(&self, group_id: &str, egress: bool) -> Value {
        let mut by_ports: BTreeMap<(&str, i64, i64), Value> = BTreeMap::new();
        for rule in self.security_group_rules.values() {
            if rule.group_id != group_id || rule.is_egress != egress {
                continue;
            }
            let key = (rule.ip_protocol.as_str(), rule.from_port, rule.to_port);
            let permission = by_ports.entry(key).or_insert_with(|| {
                let mut permission = json!({
                    "ipProtocol": rule.ip_protocol,
                    "groups": [], "ipRanges": [], "ipv6Ranges": [], "prefixListIds": [],
                });
                if rule.ip_protocol != "-1" {
                    permission["fromPort"] = rule.from_port.into();
                    permission["toPort"] = rule.to_port.into();
                }
                permission
            });
            let about = &rule.description;
            let (list, peer) = if let Some(block) = &rule.cidr_ipv4 {
                ("ipRanges", json!({"cidrIp": block, "description": about}))
            } else if let Some(block) = &rule.cidr_ipv6 {
                ("ipv6Ranges", json!({"cidrIpv6": block, "description": about}))
            } else if let Some(id) = &rule.prefix_list_id {
                ("prefixListIds", json!({"prefixListId": id, "description": about}))
            } else if let Some(group) = &rule.referenced_group_info {
                let (id, owner) = (&group.group_id, &group.user_id);
                ("groups", json!({"groupId": id, "userId": owner, "description": about}))
            } else {
                continue;
            };
            if let Some(peers) = permission[list].as_array_mut() {
                peers.push(peer);
            }
        }
        by_ports.into_values().collect()
    }
}

/// Reads `IpPermissions`, or the single rule that older callers put at the top level.
fn permissions(p: &mut Parameters) -> Result<Vec<Permission>, Refusal> {
    let mut all = Vec::new();
    for mut group in p.groups("IpPermissions")? {
        permission(&mut group, &mut all)?;
        group.finish()?;
    }
    if let Some(block) = p.optional("CidrIp")? {
        let (ip_protocol, from_port, to_port) = ports(p)?;
        all.push(Permission { ip_protocol, from_port, to_port, peer: Peer::Ipv4(block), description: None });
    }
    Ok(all)
}

fn permission(p: &mut Parameters, all: &mut Vec<Permission>) -> Result<(), Refusal> {
    let (ip_protocol, from_port, to_port) = ports(p)?;
    let before = all.len();
    let mut add = |peer: Peer, description: Option<String>| {
        all.push(Permission { ip_protocol: ip_protocol.clone(), from_port, to_port, peer, description });
    };
    type Wrap = fn(String) -> Peer;
    let lists: [(&str, &str, Wrap); 4] = [
        ("IpRanges", "CidrIp", Peer::Ipv4),
        ("Ipv6Ranges", "CidrIpv6", Peer::Ipv6),
        ("PrefixListIds", "PrefixListId", Peer::PrefixList),
        ("Groups", "GroupId", Peer::Group),
    ];
    for (list, member, wrap) in lists {
        for mut peer in p.groups(list)? {
            let value = peer.text(member)?;
            if member == "CidrIp" && value.parse::<ipnet::Ipv4Net>().is_err() {
                return Err(peer.invalid(member, &value, "a valid CIDR block"));
            }
            let description = peer.optional("Description")?;
            if member == "GroupId" {
                // The owner may be repeated; another account's group is not modelled.
                if let Some(owner) = peer.optional("UserId")?.filter(|owner| owner != ACCOUNT_ID) {
                    return Err(peer.invalid("UserId", &owner, ACCOUNT_ID));
                }
            }
            peer.finish()?;
            add(wrap(value), description);
        }
    }
    ensure(all.len() > before, || p.missing("IpRanges, Ipv6Ranges, PrefixListIds or Groups"))
}

/// Protocol and ports in the one form that EC2 stores: names for tcp, udp and icmp, -1 for all.
fn ports(p: &mut Parameters) -> Result<(String, i64, i64), Refusal> {
    let protocol = match p.text("IpProtocol")?.to_ascii_lowercase().as_str() {
        "6" => "tcp".to_owned(),
        "17" => "udp".to_owned(),
        "1" => "icmp".to_owned(),
        "58" => "icmpv6".to_owned(),
        "all" => "-1".to_owned(),
        other => other.to_owned(),
    };
    let from = p.number("FromPort")?;
    let to = p.number("ToPort")?;
    match protocol.as_str() {
        // With all protocols, ports are all too, whatever is given (IpPermission.IpProtocol).
        "-1" => Ok((protocol, -1, -1)),
        "tcp" | "udp" => match (from, to) {
            (Some(from @ 0..=65535), Some(to @ 0..=65535)) if from <= to => Ok((protocol, from, to)),
            _ => Err(p.invalid("FromPort", &format!("{from:?}-{to:?}"), "ports 0 to 65535")),
        },
        "icmp" | "icmpv6" => Ok((protocol, from.unwrap_or(-1), to.unwrap_or(-1))),
        _ => match protocol.parse::<u8>() {
            Ok(_) => Ok((protocol, -1, -1)),
            Err(_) => Err(p.invalid("IpProtocol", &protocol, "tcp, udp, icmp, icmpv6, -1 or a number")),
        },
    }
}
