//! IP sets.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::scope::{self, Identified, Key, Which};
use super::statements::{text, walk};
use super::web_acl::WebAcl;
use super::{associated, duplicate, invalid, summary, tags, too_much};
use crate::services::{Answer, Call, Cx, Refusal, Tag, Tags, page_by_key, refuse_if};

/// AWS WAF Developer Guide, "AWS WAF quotas": IP sets for an account and region, and addresses in one.
const MOST: usize = 100;
const MOST_ADDRESSES: usize = 10_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct IpSet {
    pub(super) name: String,
    id: String,
    #[serde(rename = "ARN")]
    arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(rename = "IPAddressVersion")]
    ip_address_version: String,
    addresses: Vec<String>,
    #[serde(rename = "_scope")]
    scope: String,
    #[serde(rename = "_lockToken")]
    lock_token: String,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
}

impl Identified for IpSet {
    fn key(&self) -> Key<'_> {
        Key {
            name: &self.name,
            id: &self.id,
            arn: &self.arn,
            scope: &self.scope,
            lock_token: &self.lock_token,
            description: self.description.as_deref(),
        }
    }
}

/// API Reference, CreateIPSet, `Addresses`: CIDR notation of the set's version, "all … CIDR ranges except for /0".
fn check_addresses(addresses: &[String], version: &str) -> Result<(), Refusal> {
    if addresses.len() > MOST_ADDRESSES {
        return Err(too_much(&format!("{MOST_ADDRESSES} addresses in an IP set")));
    }
    let legal = |address: &String| match address.parse() {
        Ok(IpNet::V4(block)) => version == "IPV4" && block.prefix_len() > 0,
        Ok(IpNet::V6(block)) => version == "IPV6" && block.prefix_len() > 0,
        Err(_) => false,
    };
    match addresses.iter().find(|address| !legal(address)) {
        Some(address) => {
            Err(invalid("The parameter contains formatting that is not valid.", "IP_ADDRESS", address))
        }
        None => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    name: String,
    scope: String,
    description: Option<String>,
    #[serde(rename = "IPAddressVersion")]
    ip_address_version: String,
    addresses: Vec<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Create = call.input()?;
    scope::check(cx.region, &given.scope)?;
    check_addresses(&given.addresses, &given.ip_address_version)?;
    let tags = tags::read(given.tags)?;
    let state = &mut cx.r.wafv2;
    refuse_if(scope::is_taken(&state.ip_sets, &given.scope, &given.name), || duplicate(&given.name))?;
    refuse_if(state.ip_sets.len() >= MOST, || too_much(&format!("{MOST} IP sets")))?;
    let (id, lock_token) = (state.uuid(), state.uuid());
    let ip_set = IpSet {
        arn: scope::arn(cx, &given.scope, "ipset", &given.name, &id),
        name: given.name,
        id,
        description: given.description,
        ip_address_version: given.ip_address_version,
        addresses: given.addresses,
        scope: given.scope,
        lock_token,
        tags,
    };
    let answer = json!({"Summary": summary(&ip_set)});
    cx.r.wafv2.ip_sets.insert(ip_set.arn.clone(), ip_set);
    Ok(answer)
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name, scope, id): (String, String, String) = call.members(&["Name", "Scope", "Id"])?;
    scope::check(cx.region, &scope)?;
    let table = &cx.r.wafv2.ip_sets;
    let arn = scope::find(table, &Which { name: &name, scope: &scope, id: &id })?;
    let ip_set = &table[&arn];
    Ok(json!({"IPSet": crate::services::to_json(ip_set), "LockToken": ip_set.lock_token}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Update {
    name: String,
    scope: String,
    id: String,
    description: Option<String>,
    addresses: Vec<String>,
    lock_token: String,
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Update = call.input()?;
    scope::check(cx.region, &given.scope)?;
    let state = &mut cx.r.wafv2;
    let which = Which { name: &given.name, scope: &given.scope, id: &given.id };
    let arn = scope::find_to_change(&state.ip_sets, &which, &given.lock_token)?;
    check_addresses(&given.addresses, &state.ip_sets[&arn].ip_address_version)?;
    let lock_token = state.uuid();
    if let Some(ip_set) = state.ip_sets.get_mut(&arn) {
        ip_set.description = given.description;
        ip_set.addresses = given.addresses;
        ip_set.lock_token.clone_from(&lock_token);
    }
    Ok(json!({"NextLockToken": lock_token}))
}

/// It stays while a web ACL refers to it.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name, scope, id, lock_token): (String, String, String, String) =
        call.members(&["Name", "Scope", "Id", "LockToken"])?;
    scope::check(cx.region, &scope)?;
    let state = &mut cx.r.wafv2;
    let which = Which { name: &name, scope: &scope, id: &id };
    let arn = scope::find_to_change(&state.ip_sets, &which, &lock_token)?;
    if let Some(web_acl) = state.web_acls.values().find(|web_acl| refers_to(web_acl, &arn)) {
        return Err(associated(&web_acl.name));
    }
    state.ip_sets.remove(&arn);
    Ok(json!({}))
}

fn refers_to(web_acl: &WebAcl, ip_set_arn: &str) -> bool {
    let mut refers = false;
    for rule in web_acl.rules() {
        walk(&rule.statement, &mut |kind, body| {
            refers |= kind == "IPSetReferenceStatement" && text(body, "ARN") == ip_set_arn;
        });
    }
    refers
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (scope, next_marker, limit): (String, Option<String>, Option<usize>) =
        call.members(&["Scope", "NextMarker", "Limit"])?;
    scope::check(cx.region, &scope)?;
    let all = cx.r.wafv2.ip_sets.iter().filter(|(_, found)| found.scope == scope);
    let all = all.map(|(arn, found)| (arn, summary(found)));
    // API Reference, ListWebACLs, `Limit`: 100 at most. A marker is the ARN of the last one shown.
    let (page, next) = page_by_key(all, next_marker.as_deref(), limit.unwrap_or(100));
    Ok(json!({"IPSets": page, "NextMarker": next}))
}
