//! Route tables, their routes, and which subnets use them.

use serde_json::json;

use super::describe::{describe, find, find_mut};
use super::records::{InternetGateway, NatGateway, Route, RouteTable, RouteTableAssociation, State};
use super::tags::Tags;
use super::{Answer, Cx, Region, done, network};
use crate::protocol::parameters::Parameters;
use crate::services::{ACCOUNT_ID, Refusal, ensure, to_json};

/// Where a route leads.
enum Target {
    InternetGateway(String),
    NatGateway(String),
}

impl Region {
    /// A table with the route that every table has (VPC User Guide, "Route tables").
    pub(super) fn new_route_table(&mut self, vpc_id: &str, vpc_block: &str, tag_set: Tags) -> RouteTable {
        RouteTable {
            route_table_id: self.ids.id("rtb"),
            vpc_id: vpc_id.to_owned(),
            owner_id: ACCOUNT_ID.to_owned(),
            route_set: vec![Route {
                destination_cidr_block: Some(vpc_block.to_owned()),
                destination_prefix_list_id: None,
                gateway_id: Some("local".to_owned()),
                nat_gateway_id: None,
                origin: "CreateRouteTable".to_owned(),
                state: "active".to_owned(),
            }],
            association_set: Vec::new(),
            propagating_vgw_set: Vec::new(),
            tag_set,
            made_by_default: false,
        }
    }

    pub(super) fn create_route_table(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let vpc_id = p.text("VpcId")?;
        let tag_set = Tags::given_to::<RouteTable>(&mut p)?;
        p.finish()?;
        let vpc_block = find(&self.vpcs, &vpc_id)?.cidr_block.clone();
        let table = self.new_route_table(&vpc_id, &vpc_block, tag_set);
        let answer = json!({"routeTable": to_json(&table)});
        self.route_tables.create(cx, table);
        Ok(answer)
    }

    pub(super) fn describe_route_tables(&self, p: Parameters) -> Answer {
        describe(&self.route_tables, p)
    }

    pub(super) fn delete_route_table(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("RouteTableId")?;
        p.finish()?;
        if !find(&self.route_tables, &id)?.association_set.is_empty() {
            let message = format!("The routeTable '{id}' has dependencies and cannot be deleted.");
            return Err(Refusal::new("DependencyViolation", message));
        }
        self.route_tables.remove(&id);
        for endpoint in self.vpc_endpoints.values_mut() {
            endpoint.route_table_id_set.retain(|table| *table != id);
        }
        Ok(done())
    }

    pub(super) fn create_route(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("RouteTableId")?;
        let destination = network::block(&mut p, "DestinationCidrBlock")?.to_string();
        let target = target(&mut p)?;
        p.finish()?;
        let table = find(&self.route_tables, &id)?;
        self.check_target(table, &target)?;
        if position(table, &destination).is_some() {
            let message = format!("The route identified by {destination} already exists.");
            return Err(Refusal::new("RouteAlreadyExists", message));
        }
        let route = route_to(destination, target);
        find_mut(&mut self.route_tables, &id)?.route_set.push(route);
        self.refresh_routes();
        Ok(done())
    }

    pub(super) fn replace_route(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("RouteTableId")?;
        let destination = network::block(&mut p, "DestinationCidrBlock")?.to_string();
        let target = target(&mut p)?;
        p.finish()?;
        let table = find(&self.route_tables, &id)?;
        self.check_target(table, &target)?;
        let at = position(table, &destination).ok_or_else(|| {
            let message = format!(
                "There is no route defined for '{destination}' in the route table. \
                 Use CreateRoute instead."
            );
            Refusal::new("InvalidParameterValue", message)
        })?;
        refuse_local(table, at, "replace")?;
        find_mut(&mut self.route_tables, &id)?.route_set[at] = route_to(destination, target);
        self.refresh_routes();
        Ok(done())
    }

    pub(super) fn delete_route(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("RouteTableId")?;
        let destination = network::block(&mut p, "DestinationCidrBlock")?.to_string();
        p.finish()?;
        let table = find(&self.route_tables, &id)?;
        let at = position(table, &destination).ok_or_else(|| {
            let message = format!("no route with destination-cidr-block {destination} in route table {id}");
            Refusal::new("InvalidRoute.NotFound", message)
        })?;
        refuse_local(table, at, "remove")?;
        find_mut(&mut self.route_tables, &id)?.route_set.remove(at);
        Ok(done())
    }

    /// A subnet uses one table (VPC User Guide, "Subnet route tables").
    pub(super) fn associate_route_table(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("RouteTableId")?;
        let subnet_id = p.text("SubnetId")?;
        p.finish()?;
        let table = find(&self.route_tables, &id)?;
        if find(&self.subnets, &subnet_id)?.vpc_id != table.vpc_id {
            return Err(different_networks(&format!("subnet {subnet_id}"), &id));
        }
        let has_it =
            |t: &RouteTable| t.association_set.iter().any(|a| a.subnet_id.as_deref() == Some(&subnet_id));
        if self.route_tables.values().any(has_it) {
            let message = format!(
                "the specified association for route table {id} conflicts with an existing association"
            );
            return Err(Refusal::new("Resource.AlreadyAssociated", message));
        }
        let association_id = self.ids.id("rtbassoc");
        find_mut(&mut self.route_tables, &id)?.association_set.push(RouteTableAssociation {
            route_table_association_id: association_id.clone(),
            route_table_id: id,
            subnet_id: Some(subnet_id),
            main: false,
            association_state: State::associated(),
        });
        Ok(json!({"associationId": association_id, "associationState": State::associated()}))
    }

    /// Moves an association, the main one too, to another table. It gets a new id
    /// (EC2 API Reference, ReplaceRouteTableAssociation).
    pub(super) fn replace_route_table_association(&mut self, mut p: Parameters) -> Answer {
        let association_id = p.text("AssociationId")?;
        let id = p.text("RouteTableId")?;
        p.finish()?;
        let table = find(&self.route_tables, &id)?;
        let old = self.association(&association_id)?;
        let old_table = find(&self.route_tables, &old.route_table_id)?;
        if old_table.vpc_id != table.vpc_id {
            return Err(different_networks(&format!("association {association_id}"), &id));
        }
        let new = RouteTableAssociation {
            route_table_association_id: self.ids.id("rtbassoc"),
            route_table_id: id.clone(),
            ..old
        };
        let answer = json!({
            "newAssociationId": new.route_table_association_id,
            "associationState": State::associated(),
        });
        self.remove_association(&association_id);
        find_mut(&mut self.route_tables, &id)?.association_set.push(new);
        Ok(answer)
    }

    pub(super) fn disassociate_route_table(&mut self, mut p: Parameters) -> Answer {
        let association_id = p.text("AssociationId")?;
        p.finish()?;
        if self.association(&association_id)?.main {
            let message = format!("cannot disassociate the main route table association {association_id}");
            return Err(Refusal::new("InvalidParameterValue", message));
        }
        self.remove_association(&association_id);
        Ok(done())
    }

    /// Brings each route's state up to date: `blackhole` when its target is gone
    /// (EC2 API Reference, Route.State).
    pub(super) fn refresh_routes(&mut self) {
        let live: Vec<String> = self.live_nat_gateways().map(|nat| nat.nat_gateway_id.clone()).collect();
        let gateways = &self.internet_gateways;
        for table in self.route_tables.values_mut() {
            let vpc_id = &table.vpc_id;
            for route in &mut table.route_set {
                let is_open = match (&route.gateway_id, &route.nat_gateway_id) {
                    (Some(id), _) if id.starts_with("igw-") => {
                        gateways.get(id).is_some_and(|g| g.attachment_set.iter().any(|a| a.vpc_id == *vpc_id))
                    }
                    (_, Some(id)) => live.contains(id),
                    _ => true,
                };
                route.state = if is_open { "active" } else { "blackhole" }.to_owned();
            }
        }
    }

    fn check_target(&self, table: &RouteTable, target: &Target) -> Result<(), Refusal> {
        let id = &table.route_table_id;
        match target {
            Target::InternetGateway(gateway_id) => {
                let gateway: &InternetGateway = self.internet_gateways.seen(gateway_id).ok_or_else(|| {
                    let message = format!("The gateway ID '{gateway_id}' does not exist");
                    Refusal::new("InvalidGatewayID.NotFound", message)
                })?;
                let attached = gateway.attachment_set.iter().any(|a| a.vpc_id == table.vpc_id);
                ensure(attached, || different_networks(&format!("network gateway {gateway_id}"), id))
            }
            Target::NatGateway(nat_id) => {
                let nat: &NatGateway = self.nat_gateways.seen(nat_id).ok_or_else(|| {
                    let message = format!("The natGateway ID '{nat_id}' does not exist");
                    Refusal::new("InvalidNatGatewayID.NotFound", message)
                })?;
                ensure(nat.vpc_id == table.vpc_id, || {
                    different_networks(&format!("NAT gateway {nat_id}"), id)
                })
            }
        }
    }

    fn association(&self, id: &str) -> Result<RouteTableAssociation, Refusal> {
        self.route_tables
            .values()
            .flat_map(|table| &table.association_set)
            .find(|association| association.route_table_association_id == id)
            .cloned()
            .ok_or_else(|| {
                let message = format!("The association ID '{id}' does not exist");
                Refusal::new("InvalidAssociationID.NotFound", message)
            })
    }

    fn remove_association(&mut self, id: &str) {
        for table in self.route_tables.values_mut() {
            table.association_set.retain(|association| association.route_table_association_id != id);
        }
    }
}

fn target(p: &mut Parameters) -> Result<Target, Refusal> {
    match (p.optional("GatewayId")?, p.optional("NatGatewayId")?) {
        (Some(id), None) if id.starts_with("igw-") => Ok(Target::InternetGateway(id)),
        (Some(id), None) => Err(p.invalid("GatewayId", &id, "an internet gateway, the kind modelled")),
        (None, Some(id)) => Ok(Target::NatGateway(id)),
        (None, None) => Err(p.missing("GatewayId or NatGatewayId")),
        (Some(_), Some(_)) => Err(Refusal::new(
            "InvalidParameterCombination",
            "The request must contain exactly one of gatewayId and natGatewayId",
        )),
    }
}

fn route_to(destination: String, target: Target) -> Route {
    let (gateway_id, nat_gateway_id) = match target {
        Target::InternetGateway(id) => (Some(id), None),
        Target::NatGateway(id) => (None, Some(id)),
    };
    Route {
        destination_cidr_block: Some(destination),
        destination_prefix_list_id: None,
        gateway_id,
        nat_gateway_id,
        origin: "CreateRoute".to_owned(),
        state: "active".to_owned(),
    }
}

fn position(table: &RouteTable, destination: &str) -> Option<usize> {
    table.route_set.iter().position(|route| route.destination_cidr_block.as_deref() == Some(destination))
}

fn refuse_local(table: &RouteTable, at: usize, verb: &str) -> Result<(), Refusal> {
    match table.route_set[at].gateway_id.as_deref() {
        Some("local") => Err(Refusal::new(
            "InvalidParameterValue",
            format!("cannot {verb} local route in route table {}", table.route_table_id),
        )),
        _ => Ok(()),
    }
}

fn different_networks(what: &str, table_id: &str) -> Refusal {
    let message = format!("route table {table_id} and {what} belong to different networks");
    Refusal::new("InvalidParameterValue", message)
}
