//! VPC endpoints, and those of the gateway kind (S3, DynamoDB). They work by a route in each of their route tables,
//! whose destination is the service's prefix list (VPC User Guide, "Gateway endpoints").

use serde_json::{Value, json};

use super::describe::{Record, describe, find, find_mut, not_found};
use super::flow_log::unsuccessful_item;
use super::interface_endpoint::latency_of;
use super::records::{Route, VpcEndpoint};
use super::tags::Tags;
use super::{Answer, Cx, Region, done};
use crate::protocol::parameters::Parameters;
use crate::services::{ACCOUNT_ID, Refusal, refuse_if, to_json};

/// What an endpoint allows if nothing else is said (EC2 API Reference, CreateVpcEndpoint, `PolicyDocument`).
pub(super) const FULL_ACCESS: &str = r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

/// The same for an endpoint of the interface kind, whose policy names no version (recorded from real AWS).
pub(super) const INTERFACE_ACCESS: &str =
    r#"{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}"#;

impl Region {
    pub(super) fn create_vpc_endpoint(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        match p.optional("VpcEndpointType")?.as_deref() {
            None | Some("Gateway") => self.create_gateway_endpoint(cx, p),
            Some("Interface") => self.create_interface_endpoint(cx, p),
            Some(other) => Err(p.invalid("VpcEndpointType", other, "Gateway or Interface, those modelled")),
        }
    }

    fn create_gateway_endpoint(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let vpc_id = p.text("VpcId")?;
        let service_name = p.text("ServiceName")?;
        let policy_document = policy(&mut p)?.unwrap_or_else(|| FULL_ACCESS.to_owned());
        let tables = p.texts("RouteTableId")?;
        let tag_set = Tags::given_to::<VpcEndpoint>(&mut p)?;
        p.finish()?;
        find(&self.vpcs, &vpc_id)?;
        let prefix_list_id = prefix_list(cx, &service_name)?;
        self.check_tables(&vpc_id, &tables, &prefix_list_id)?;
        let id = self.ids.id("vpce");
        let available = cx.after(VpcEndpoint::KIND.latency.create, &id);
        let endpoint = VpcEndpoint {
            vpc_endpoint_id: id.clone(),
            vpc_endpoint_type: "Gateway".to_owned(),
            vpc_id,
            service_name,
            state: if available.is_some() { "pending" } else { "available" }.to_owned(),
            policy_document,
            route_table_id_set: tables.clone(),
            subnet_id_set: Vec::new(),
            network_interface_id_set: Vec::new(),
            group_set: Vec::new(),
            dns_entry_set: Vec::new(),
            private_dns_enabled: false,
            dns_options: None,
            ip_address_type: None,
            service_region: None,
            requester_managed: false,
            creation_timestamp: cx.now(),
            owner_id: ACCOUNT_ID.to_owned(),
            tag_set,
        };
        self.add_routes(&id, &tables, &prefix_list_id);
        let answer = json!({"vpcEndpoint": to_json(&endpoint)});
        self.vpc_endpoints.create(cx, endpoint);
        if let Some(at_millis) = available {
            self.vpc_endpoints.will_be(&id, "available", at_millis);
        }
        Ok(answer)
    }

    pub(super) fn describe_vpc_endpoints(&self, p: Parameters) -> Answer {
        describe(&self.vpc_endpoints, p)
    }

    pub(super) fn modify_vpc_endpoint(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let id = p.text("VpcEndpointId")?;
        let new_policy = policy(&mut p)?;
        let resets_policy = p.flag("ResetPolicy")? == Some(true);
        let endpoint = find(&self.vpc_endpoints, &id)?;
        let new_policy = match (resets_policy, endpoint.vpc_endpoint_type.as_str()) {
            (true, "Interface") => Some(INTERFACE_ACCESS.to_owned()),
            (true, _) => Some(FULL_ACCESS.to_owned()),
            (false, _) => new_policy,
        };
        refuse_if(endpoint.state == "deleting", || not_found::<VpcEndpoint>(&id))?;
        if endpoint.vpc_endpoint_type == "Interface" {
            self.modify_interface_endpoint(cx, &id, new_policy, p)?;
            return Ok(done());
        }
        let add = p.texts("AddRouteTableId")?;
        let remove = p.texts("RemoveRouteTableId")?;
        p.finish()?;
        let current = &endpoint.route_table_id_set;
        let add: Vec<String> = add.into_iter().filter(|t| !current.contains(t)).collect();
        let prefix_list_id = prefix_list(cx, &endpoint.service_name)?;
        self.check_tables(&endpoint.vpc_id, &add, &prefix_list_id)?;
        for table in &remove {
            find(&self.route_tables, table)?;
        }
        self.remove_routes(&id, &remove);
        self.add_routes(&id, &add, &prefix_list_id);
        let endpoint = find_mut(&mut self.vpc_endpoints, &id)?;
        let tables = &mut endpoint.route_table_id_set;
        tables.retain(|table| !remove.contains(table));
        tables.extend(add);
        if let Some(policy) = new_policy {
            endpoint.policy_document = policy;
        }
        Ok(done())
    }

    /// Succeeds even if it deletes nothing; what failed is listed (EC2 API Reference, DeleteVpcEndpoints).
    /// Routes go at once; the endpoint is in its VPC for as long as it is `deleting`.
    pub(super) fn delete_vpc_endpoints(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let ids = p.texts("VpcEndpointId")?;
        p.finish()?;
        let mut unsuccessful = Vec::new();
        for id in ids {
            let Some(endpoint) = self.vpc_endpoints.seen_mut(&id) else {
                unsuccessful.push(unsuccessful_item(&id, &not_found::<VpcEndpoint>(&id)));
                continue;
            };
            if endpoint.state == "deleting" {
                continue;
            }
            let tables = std::mem::take(&mut endpoint.route_table_id_set);
            let latency = latency_of(endpoint);
            self.remove_routes(&id, &tables);
            match cx.after(latency.delete, &format!("{id} delete")) {
                Some(at_millis) => {
                    self.vpc_endpoint_is(&id, "deleting");
                    self.vpc_endpoints.will_be(&id, "deleted", at_millis);
                }
                None => self.vpc_endpoint_is(&id, "deleted"),
            }
        }
        Ok(json!({"unsuccessful": unsuccessful}))
    }

    /// What happens when an endpoint reaches a state.
    pub(super) fn vpc_endpoint_is(&mut self, id: &str, state: &str) {
        match state {
            "deleted" => self.vpc_endpoints.remove(id),
            _ => {
                if let Some(endpoint) = self.vpc_endpoints.get_mut(id) {
                    endpoint.state = state.to_owned();
                }
            }
        }
    }

    fn check_tables(&self, vpc_id: &str, tables: &[String], prefix_list_id: &str) -> Result<(), Refusal> {
        for id in tables {
            let table = find(&self.route_tables, id)?;
            if table.vpc_id != vpc_id {
                let message = format!("Route table {id} does not belong to VPC {vpc_id}");
                return Err(Refusal::new("InvalidParameter", message));
            }
            let leads_there =
                |route: &Route| route.destination_prefix_list_id.as_deref() == Some(prefix_list_id);
            if table.route_set.iter().any(leads_there) {
                let message = format!(
                    "route table {id} already has a route with destination-prefix-list-id {prefix_list_id}"
                );
                return Err(Refusal::new("RouteAlreadyExists", message));
            }
        }
        Ok(())
    }

    fn add_routes(&mut self, endpoint_id: &str, tables: &[String], prefix_list_id: &str) {
        for id in tables {
            if let Some(table) = self.route_tables.get_mut(id) {
                table.route_set.push(Route {
                    destination_cidr_block: None,
                    destination_prefix_list_id: Some(prefix_list_id.to_owned()),
                    gateway_id: Some(endpoint_id.to_owned()),
                    nat_gateway_id: None,
                    origin: "CreateRoute".to_owned(),
                    state: "active".to_owned(),
                });
            }
        }
    }

    fn remove_routes(&mut self, endpoint_id: &str, tables: &[String]) {
        for id in tables {
            if let Some(table) = self.route_tables.get_mut(id) {
                let routes = &mut table.route_set;
                routes.retain(|route| route.gateway_id.as_deref() != Some(endpoint_id));
            }
        }
    }
}

pub(super) fn policy(p: &mut Parameters) -> Result<Option<String>, Refusal> {
    match p.optional("PolicyDocument")? {
        Some(text) if serde_json::from_str::<Value>(&text).is_err() => {
            Err(Refusal::new("MalformedPolicyDocument", "The policy document is not JSON."))
        }
        document => Ok(document),
    }
}

/// The prefix list of a service that has gateway endpoints. The ids are ours; AWS has others for each region.
fn prefix_list(cx: &Cx<'_>, service_name: &str) -> Result<String, Refusal> {
    let service = service_name.strip_prefix("com.amazonaws.").and_then(|rest| rest.strip_prefix(cx.region));
    match service {
        Some(".s3") => Ok("pl-00000053".to_owned()),
        Some(".dynamodb") => Ok("pl-000000db".to_owned()),
        _ => Err(Refusal::new(
            "InvalidServiceName",
            format!("The Vpc Endpoint Service '{service_name}' does not exist"),
        )),
    }
}
