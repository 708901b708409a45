//! VPCs, and what AWS makes along with each: a default security group, a main route table and a default
//! network ACL (VPC User Guide, "Default VPC components" and the chapters on each).

use serde_json::{Map, json};

use super::describe::{Record, describe_as, find, find_mut};
use super::records::{CidrAssociation, RouteTableAssociation, State, Vpc};
use super::tags::Tags;
use super::{Answer, Cx, Region, done, network};
use crate::protocol::parameters::Parameters;
use crate::services::{ACCOUNT_ID, Refusal, to_json};

impl Region {
    pub(super) fn create_vpc(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let block = network::block(&mut p, "CidrBlock")?;
        let instance_tenancy = p.optional("InstanceTenancy")?.unwrap_or_else(|| "default".to_owned());
        let tag_set = Tags::given_to::<Vpc>(&mut p)?;
        p.finish()?;
        if !network::has_legal_size(block) {
            let message = format!("The CIDR '{block}' is invalid.");
            return Err(Refusal::new("InvalidVpc.Range", message));
        }
        let vpc_id = self.ids.id("vpc");
        let available = cx.after(Vpc::KIND.latency.create, &vpc_id);
        let vpc = Vpc {
            vpc_id: vpc_id.clone(),
            owner_id: ACCOUNT_ID.to_owned(),
            state: if available.is_some() { "pending" } else { "available" }.to_owned(),
            cidr_block: block.to_string(),
            cidr_block_association_set: vec![CidrAssociation {
                association_id: self.ids.id("vpc-cidr-assoc"),
                cidr_block: block.to_string(),
                cidr_block_state: State::associated(),
            }],
            dhcp_options_id: self.dhcp_options_id.clone(),
            instance_tenancy,
            is_default: false,
            tag_set,
            // CreateVpc: DNS resolution is on and DNS hostnames are off in a VPC that is not the default.
            enable_dns_support: true,
            enable_dns_hostnames: false,
        };
        let unseen_until = cx.unseen_until::<Vpc>(&vpc_id);
        self.add_default_security_group(cx, &vpc_id, unseen_until);
        self.add_default_network_acl(&vpc_id, unseen_until);
        let mut table = self.new_route_table(&vpc.vpc_id, &vpc.cidr_block, Tags::default());
        table.made_by_default = true;
        table.association_set.push(RouteTableAssociation {
            route_table_association_id: self.ids.id("rtbassoc"),
            route_table_id: table.route_table_id.clone(),
            subnet_id: None,
            main: true,
            association_state: State::associated(),
        });
        self.route_tables.create_unseen(unseen_until, table);
        let answer = json!({"vpc": to_json(&vpc)});
        self.vpcs.create(cx, vpc);
        if let Some(at_millis) = available {
            self.vpcs.will_be(&vpc_id, "available", at_millis);
        }
        Ok(answer)
    }

    pub(super) fn describe_vpcs(&self, p: Parameters) -> Answer {
        describe_as(&self.vpcs, p, |vpc| {
            let mut value = to_json(vpc);
            value["blockPublicAccessStates"] = self.block_public_access.states();
            value
        })
    }

    pub(super) fn describe_vpc_attribute(&self, mut p: Parameters) -> Answer {
        let vpc = find(&self.vpcs, &p.text("VpcId")?)?;
        let attribute = p.text("Attribute")?;
        let value = match attribute.as_str() {
            "enableDnsSupport" => vpc.enable_dns_support,
            "enableDnsHostnames" => vpc.enable_dns_hostnames,
            // Off, as in a new VPC: it cannot be turned on here.
            "enableNetworkAddressUsageMetrics" => false,
            other => {
                let expected = "enableDnsSupport, enableDnsHostnames or enableNetworkAddressUsageMetrics";
                return Err(p.invalid("Attribute", other, expected));
            }
        };
        p.finish()?;
        let mut answer = Map::new();
        answer.insert("vpcId".to_owned(), vpc.vpc_id.as_str().into());
        answer.insert(attribute, json!({"value": value}));
        Ok(answer.into())
    }

    /// Changes one attribute a call, which is all that EC2 allows
    /// (EC2 API Reference, ModifyVpcAttribute, `EnableDnsHostnames`).
    pub(super) fn modify_vpc_attribute(&mut self, mut p: Parameters) -> Answer {
        let vpc = find_mut(&mut self.vpcs, &p.text("VpcId")?)?;
        let support = boolean(&mut p, "EnableDnsSupport")?;
        let hostnames = boolean(&mut p, "EnableDnsHostnames")?;
        p.finish()?;
        match (support, hostnames) {
            (Some(on), None) => vpc.enable_dns_support = on,
            (None, Some(on)) => vpc.enable_dns_hostnames = on,
            (None, None) => {
                let message = "The request must contain an attribute to modify";
                return Err(Refusal::new("MissingParameter", message));
            }
            (Some(_), Some(_)) => {
                let message = "Fields for multiple attribute types specified";
                return Err(Refusal::new("InvalidParameterCombination", message));
            }
        }
        Ok(done())
    }

    pub(super) fn delete_vpc(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("VpcId")?;
        p.finish()?;
        find(&self.vpcs, &id)?;
        if self.is_in_use(&id) {
            let message = format!("The vpc '{id}' has dependencies and cannot be deleted.");
            return Err(Refusal::new("DependencyViolation", message));
        }
        self.vpcs.remove(&id);
        self.security_groups.retain(|group| group.vpc_id != id);
        let groups = &self.security_groups;
        self.security_group_rules.retain(|rule| groups.contains_key(&rule.group_id));
        self.route_tables.retain(|table| table.vpc_id != id);
        self.network_acls.retain(|acl| acl.vpc_id != id);
        self.flow_logs.retain(|log| log.resource_id != id);
        Ok(done())
    }

    /// What a VPC takes with it when it goes is only what came with it.
    fn is_in_use(&self, vpc_id: &str) -> bool {
        self.subnets.values().any(|subnet| subnet.vpc_id == vpc_id)
            || self
                .internet_gateways
                .values()
                .flat_map(|gateway| &gateway.attachment_set)
                .any(|attachment| attachment.vpc_id == vpc_id)
            || self.vpc_endpoints.values().any(|endpoint| endpoint.vpc_id == vpc_id)
            || self.security_groups.values().any(|group| group.vpc_id == vpc_id && !group.is_default())
            || self
                .route_tables
                .values()
                .any(|table| table.vpc_id == vpc_id && !table.association_set.iter().any(|a| a.main))
            || self.network_acls.values().any(|acl| acl.vpc_id == vpc_id && !acl.is_default)
    }
}

/// Reads an attribute that is sent as `Name.Value`.
pub(super) fn boolean(p: &mut Parameters, name: &str) -> Result<Option<bool>, Refusal> {
    let Some(mut group) = p.group(name)? else {
        return Ok(None);
    };
    let value: Option<bool> = group.flag("Value")?;
    let missing = group.missing("Value");
    group.finish()?;
    value.map(Some).ok_or(missing)
}
