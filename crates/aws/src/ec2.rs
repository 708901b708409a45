//! What the EC2 resources of every tier share.

use std::fmt::Display;

use aws_sdk_ec2::primitives::{DateTime, DateTimeFormat as Format};
use aws_sdk_ec2::types::{Filter, SecurityGroup, Tag};
use engine::{CallError, Readiness, Search, Sighting};
use serde::{Deserialize, Serialize};

use crate::batcher::Batcher;
use crate::context::Context;
use crate::error::Called;
use crate::identity::Identity;
use crate::ids::SecurityGroupId;
use crate::tags::{ADDRESS, ENVIRONMENT, INTENT, LiveTags, PROJECT, TagPairs, Tags};

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
    let addresses = filter(&format!("tag:{ADDRESS}"), search.addresses());
    let mut filters = vec![tag(PROJECT, project), tag(ENVIRONMENT, environment), addresses];
    filters.extend(search.token.as_ref().map(|token| tag(INTENT, token)));
    filters
}

/// Filters of a Describe call: objects of this project and environment, whatever they are for.
#[must_use]
pub fn ours(cx: &Context) -> Vec<Filter> {
    let Identity { project, environment } = cx.identity();
    let tag = |key: &str, value: &str| filter(&format!("tag:{key}"), [value]);
    vec![tag(PROJECT, project), tag(ENVIRONMENT, environment)]
}

/// What is told of an object that [`ours`] lets through.
pub fn sighted<O>(
    cx: &Context,
    outputs: Option<O>,
    tags: Option<&[Tag]>,
    created: Option<&DateTime>,
) -> Option<Sighting<O>> {
    LiveTags::ec2(tags).sighting(cx.identity(), outputs?, created.and_then(time))
}

/// A time as RFC 3339 writes it.
#[must_use]
pub fn time(time: &DateTime) -> Option<String> {
    time.fmt(Format::DateTime).ok()
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

/// Security groups with their rules, read together with those that others ask for at about the same time.
#[must_use]
pub fn security_groups(cx: &Context) -> Batcher<SecurityGroupId, SecurityGroup> {
    cx.client(|config| {
        let ec2 = aws_sdk_ec2::Client::new(config);
        Batcher::of_ec2(move |keys: Vec<SecurityGroupId>| {
            let request = ec2.describe_security_groups().filters(filter("group-id", keys));
            async move {
                let groups = request.into_paginator().items().send().try_collect().await;
                let groups = groups.called("DescribeSecurityGroups")?.into_iter();
                Ok(groups.filter_map(|group| Some((group.group_id.clone()?.into(), group))).collect())
            }
        })
    })
}
