//! What the EC2 resources of every tier share.

use std::fmt::Display;

use aws_sdk_ec2::types::{Filter, IpPermission, UnsuccessfulItem};
use engine::{CallError, Readiness, Search};
use serde::{Deserialize, Serialize};

use crate::context::{Context, Identity};
use crate::error::{Called, class_of};
use crate::tags::{ADDRESS, ENVIRONMENT, INTENT, PROJECT, TagPairs, Tags};

/// A rule of a security group as AWS reports it: traffic with one peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Rule {
    /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
    pub ip_protocol: String,
    /// The first port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_port: Option<i32>,
    /// The last port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_port: Option<i32>,
    /// Addresses, a security group or a prefix list.
    pub peer: String,
}

/// One rule a peer, sorted: AWS groups peers that share protocol and ports, in no order.
#[must_use]
pub fn rules(permissions: &[IpPermission]) -> Vec<Rule> {
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

/// A filter of a Describe call: objects whose `name` is one of `values`.
pub fn filter<V: Display>(name: &str, values: impl IntoIterator<Item = V>) -> Filter {
    let values = values.into_iter().map(|value| value.to_string()).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

/// Filters of a Describe call: objects that the search is for, by the tags that the create call set.
#[must_use]
pub fn found_by(cx: &Context, search: &Search) -> Vec<Filter> {
    let Identity { project, environment } = cx.identity();
    let tag = |key: &str, value: &str| filter(&format!("tag:{key}"), [value]);
    let mut filters =
        vec![tag(PROJECT, project), tag(ENVIRONMENT, environment), tag(ADDRESS, search.address.as_str())];
    filters.extend(search.token.as_ref().map(|token| tag(INTENT, token)));
    filters
}

/// Ready as soon as a Describe call shows the object: EC2's reads lag behind its writes by up to seconds, and a
/// dependent that went on earlier would be told that the object does not exist.
pub fn ready_when_seen<T, O: Clone>(seen: Option<T>, outputs: &O) -> Readiness<O> {
    match seen {
        Some(_) => Readiness::Ready(outputs.clone()),
        None => Readiness::Pending("not visible yet".to_owned()),
    }
}

/// Changes the tags of an EC2 object from `before` to `wanted`. Sends nothing where they are the same.
///
/// # Errors
/// As the calls fail.
pub async fn retag(cx: &Context, id: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    let remove = async |keys: Vec<String>| {
        // A tag is named by its key alone: with a value, it would only be deleted while it has that value.
        let keys = keys.into_iter().map(|key| aws_sdk_ec2::types::Tag::builder().key(key).build());
        let request = cx.ec2().delete_tags().resources(id).set_tags(Some(keys.collect()));
        request.send().await.called("DeleteTags").map(drop)
    };
    let set = async |tags: TagPairs| {
        let request = cx.ec2().create_tags().resources(id).set_tags(Some(tags.ec2_tags()));
        request.send().await.called("CreateTags").map(drop)
    };
    before.changes_to(wanted).send(remove, set).await
}

/// Some calls take a list and answer 200 even where they did nothing; what failed is in the answer.
///
/// # Errors
/// The first failure, classed by its code.
pub fn none_unsuccessful(operation: &str, items: Option<&[UnsuccessfulItem]>) -> Result<(), CallError> {
    let Some(error) = items.unwrap_or_default().iter().find_map(|item| item.error.as_ref()) else {
        return Ok(());
    };
    let code = error.code.clone().unwrap_or_default();
    Err(CallError {
        class: class_of(&code, None),
        operation: operation.to_owned(),
        code: Some(code),
        message: error.message.clone().unwrap_or_default(),
        request_id: None,
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{IpRange, UnsuccessfulItemError, UserIdGroupPair};
    use engine::ErrorClass;

    use super::*;

    #[test]
    fn a_failure_inside_a_successful_answer_is_an_error() {
        assert_eq!(none_unsuccessful("DeleteFlowLogs", None), Ok(()));
        let error =
            UnsuccessfulItemError::builder().code("InvalidFlowLogId.NotFound").message("gone").build();
        let items = [UnsuccessfulItem::builder().error(error).build()];
        let error = none_unsuccessful("DeleteFlowLogs", Some(&items)).unwrap_err();
        assert_eq!(error.class, ErrorClass::NotFound);
        assert_eq!(error.to_string(), "DeleteFlowLogs: InvalidFlowLogId.NotFound: gone");
    }

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
