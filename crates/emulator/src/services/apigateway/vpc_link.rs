//! VPC links of the second generation (API Gateway Developer Guide, "Set up VPC links V2 in API Gateway").

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::json;

use super::joins::link_role;
use super::records::{Stage, VpcLink};
use super::{State, bad, fresh_id, nothing};
use crate::services::{
    Answer, Call, Cx, Interface, Next, Refusal, Spread, Table, Tags, ensure, page_by_key, refuse_if, spread,
    tag_map, to_json,
};

/// Estimates.
const CREATE: Spread = spread(90.0, 45.0, 240.0);
const DELETE: Spread = spread(120.0, 30.0, 300.0);

const GONE: &str = "gone";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    name: String,
    security_group_ids: Option<Vec<String>>,
    subnet_ids: Vec<String>,
    tags: Option<Tags>,
}

impl State {
    /// The methods that go through a link: those of the APIs as they are now (`API:VERB:RESOURCE`), and those that
    /// stages serve (`API:VERB:RESOURCE:STAGE`), which stay whatever becomes of the API.
    fn users(&self, link: &str) -> Vec<String> {
        let mut users = Vec::new();
        for (id, tree) in &self.apis {
            for linked in tree.linked().iter().filter(|linked| linked.vpc_link_id == link) {
                users.push(format!("{id}:{}:{}", linked.http_method, linked.resource_id));
            }
            for stage @ Stage { stage_name, .. } in tree.stages.values() {
                let served = tree.deployments.values().filter(|deployment| stage.serves(&deployment.id));
                let served = served.flat_map(|deployment| &deployment.linked);
                for linked in served.filter(|linked| linked.vpc_link_id == link) {
                    let (verb, resource) = (&linked.http_method, &linked.resource_id);
                    users.push(format!("{id}:{verb}:{resource}:{stage_name}"));
                }
            }
        }
        users
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    ensure((1..=128).contains(&name.chars().count()), || {
        bad("The name of a VPC link has 1 to 128 characters.")
    })
}

/// Subnets and security groups must be there, and in one VPC.
fn check_network(cx: &Cx<'_>, subnets: &[String], groups: &[String]) -> Result<(), Refusal> {
    let mut vpcs = BTreeSet::new();
    for id in subnets {
        let facts = cx.r.ec2.subnet_facts(id);
        let facts = facts.ok_or_else(|| bad(format!("The subnet ID '{id}' does not exist")))?;
        vpcs.insert(facts.vpc_id);
    }
    refuse_if(vpcs.is_empty(), || bad("A VPC link needs at least one subnet."))?;
    for id in groups {
        let vpc = cx.r.ec2.group_vpc(id);
        vpcs.insert(vpc.ok_or_else(|| bad(format!("The security group ID '{id}' does not exist")))?);
    }
    match vpcs.len() {
        1 => Ok(()),
        _ => Err(bad("The subnets and security groups of a VPC link must be in one VPC.")),
    }
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Create = call.input()?;
    let groups = given.security_group_ids.unwrap_or_default();
    check_name(&given.name)?;
    check_network(cx, &given.subnet_ids, &groups)?;
    let tags = tag_map(given.tags.unwrap_or_default(), bad)?;
    let mut ids = cx.r.apigateway.ids;
    let id = fresh_id(&mut ids, 6, |id| cx.r.apigateway.vpc_links.contains_key(id));
    let interfaces = given.subnet_ids.iter().map(|subnet| Interface {
        id: ids.id("eni"),
        subnet_id: subnet.clone(),
        group_ids: groups.clone(),
        description: format!("API Gateway VPC link {id}"),
        interface_type: "interface".to_owned(),
        has_public_address: false,
    });
    let interfaces = interfaces.collect();
    let ready = cx.after(CREATE, &id);
    let link = VpcLink {
        vpc_link_id: id.clone(),
        name: given.name,
        created_date: cx.now_seconds(),
        security_group_ids: groups,
        subnet_ids: given.subnet_ids,
        tags,
        vpc_link_status: if ready.is_some() { "PENDING" } else { "AVAILABLE" }.to_owned(),
        vpc_link_status_message: message(ready.is_some()),
        vpc_link_version: "V2".to_owned(),
        interfaces,
        next: ready.map(|at_millis| Next { state: "AVAILABLE".to_owned(), at_millis }),
    };
    let answer = to_json(&link);
    cx.r.apigateway.ids = ids;
    cx.r.apigateway.vpc_links.insert(id, link);
    link_role(cx);
    Ok(answer)
}

fn message(pending: bool) -> String {
    if pending { "VPC link is provisioning ENIs" } else { "VPC link is ready to route traffic" }.to_owned()
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let vpc_link_id: String = call.member("VpcLinkId")?;
    Ok(to_json(cx.r.apigateway.vpc_links.find(&vpc_link_id)?))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (max_results, next_token): (Option<String>, Option<String>) =
        call.members(&["MaxResults", "NextToken"])?;
    let size = match max_results {
        None => 25,
        Some(text) => match text.parse() {
            Ok(size) if (1..=500).contains(&size) => size,
            _ => return Err(bad("maxResults must be a number between 1 and 500.")),
        },
    };
    let links = cx.r.apigateway.vpc_links.iter().map(|(id, link)| (id.as_str(), to_json(link)));
    let (items, next) = page_by_key(links, next_token.as_deref(), size);
    Ok(json!({"Items": items, "NextToken": next}))
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (vpc_link_id, name): (String, Option<String>) = call.members(&["VpcLinkId", "Name"])?;
    let link = cx.r.apigateway.vpc_links.find_mut(&vpc_link_id)?;
    if let Some(name) = name {
        check_name(&name)?;
        link.name = name;
    }
    Ok(to_json(link))
}

/// A link stays while a method goes through it.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let vpc_link_id: String = call.member("VpcLinkId")?;
    let state = &cx.r.apigateway;
    let link = state.vpc_links.find(&vpc_link_id)?;
    let users = state.users(&vpc_link_id);
    if !users.is_empty() {
        let users = users.join(", ");
        return Err(bad(format!(
            "Cannot delete vpc link. Vpc link '{vpc_link_id}', is referenced in [{users}] in format of \
             [RESTApiId:Method:Resource:Stage]."
        )));
    }
    if link.vpc_link_status == "DELETING" {
        return Ok(nothing());
    }
    match cx.after(DELETE, &format!("{vpc_link_id} deleted")) {
        None => {
            cx.r.apigateway.vpc_links.remove(&vpc_link_id);
        }
        Some(at_millis) => {
            let link = cx.r.apigateway.vpc_links.find_mut(&vpc_link_id)?;
            link.vpc_link_status = "DELETING".to_owned();
            link.vpc_link_status_message = "VPC link is deleting ENIs".to_owned();
            link.next = Some(Next { state: GONE.to_owned(), at_millis });
        }
    }
    Ok(nothing())
}

pub(super) fn settle(cx: &mut Cx<'_>) {
    let now_millis = cx.now_millis;
    cx.r.apigateway.vpc_links.retain(|_, link| match Next::due(&mut link.next, now_millis) {
        Some(next) if next.state == GONE => false,
        Some(next) => {
            link.vpc_link_status = next.state;
            link.vpc_link_status_message = message(false);
            true
        }
        None => true,
    });
}
