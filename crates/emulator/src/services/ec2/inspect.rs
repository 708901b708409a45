//! Every object of a region, for audits. Parts of an object that have a CloudFormation type of their own are
//! listed too, and say what they are part of.

use super::Region;
use super::describe::Record;
use super::table::Table;
use crate::machine::objects::Object;

impl Region {
    pub(super) fn list(&self, region: &str) -> Vec<Object> {
        fn all<'a, R: Record>(table: &'a Table<R>, region: &'a str) -> impl Iterator<Item = (&'a R, Object)> {
            table.values().map(move |record| {
                let tags = record.tags().0.clone();
                let object = Object::new("ec2", region, R::KIND.cloudformation, record.id(), tags);
                (record, object)
            })
        }
        let part = |kind: &str, id: String, whole: &str| {
            Object::new("ec2", region, kind, id, Default::default()).part_of(whole)
        };
        let mut out = Vec::new();
        out.extend(all(&self.vpcs, region).map(|(_, object)| object));
        out.extend(all(&self.subnets, region).map(|(_, object)| object));
        out.extend(all(&self.addresses, region).map(|(_, object)| object));
        out.extend(all(&self.flow_logs, region).map(|(_, object)| object));
        out.extend(all(&self.vpc_endpoints, region).map(|(_, object)| object));
        out.extend(all(&self.dhcp_options, region).map(|(_, object)| object));
        for (gateway, object) in all(&self.internet_gateways, region) {
            let id = &gateway.internet_gateway_id;
            out.extend(gateway.attachment_set.iter().map(|attachment| {
                let both = format!("{id}|{}", attachment.vpc_id);
                part("AWS::EC2::VPCGatewayAttachment", both, id)
            }));
            out.push(object);
        }
        // What is deleted or has failed is a memory, not an object.
        out.extend(
            all(&self.nat_gateways, region)
                .filter(|(nat, _)| nat.ended_millis.is_none())
                .map(|(_, object)| object),
        );
        for (table, object) in all(&self.route_tables, region) {
            let id = &table.route_table_id;
            out.extend(table.route_set.iter().map(|route| {
                let destination =
                    route.destination_cidr_block.as_ref().or(route.destination_prefix_list_id.as_ref());
                let both = format!("{id}|{}", destination.map_or("", String::as_str));
                // The local route comes with the table, a prefix list's with its endpoint.
                let made_by_default = route.gateway_id.as_deref() == Some("local")
                    || route.destination_prefix_list_id.is_some();
                part("AWS::EC2::Route", both, id).by_default(made_by_default)
            }));
            out.extend(table.association_set.iter().map(|association| {
                let kind = "AWS::EC2::SubnetRouteTableAssociation";
                part(kind, association.route_table_association_id.clone(), id).by_default(association.main)
            }));
            out.push(object.by_default(table.made_by_default));
        }
        for (group, object) in all(&self.security_groups, region) {
            let object = object.named(&group.group_name);
            out.push(object.by_default(group.is_default()));
        }
        for (rule, mut object) in all(&self.security_group_rules, region) {
            if rule.is_egress {
                object.kind = "AWS::EC2::SecurityGroupEgress".to_owned();
            }
            let object = object.part_of(&rule.group_id);
            out.push(object.by_default(rule.made_by_default));
        }
        for (acl, object) in all(&self.network_acls, region) {
            let id = &acl.network_acl_id;
            out.extend(acl.entry_set.iter().map(|entry| {
                let all_three = format!("{id}|{}|{}", entry.rule_number, entry.egress);
                part("AWS::EC2::NetworkAclEntry", all_three, id).by_default(entry.made_by_default)
            }));
            out.extend(acl.association_set.iter().map(|association| {
                let kind = "AWS::EC2::SubnetNetworkAclAssociation";
                part(kind, association.network_acl_association_id.clone(), id).by_default(acl.is_default)
            }));
            out.push(object.by_default(acl.is_default));
        }
        out
    }
}
