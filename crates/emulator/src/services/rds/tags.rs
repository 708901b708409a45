//! Tags of everything that has an ARN.

use serde_json::json;

use super::State;
use super::kind::{Record, Table, find_mut, invalid};
use crate::services::{Answer, Call, Cx, Refusal, Tag, Tagging, Tags, support};

pub(super) const TAGS: Tagging = Tagging {
    members: &["Tags", "ResourceName", "TagKeys"],
    ..Tagging::new(of, read, |_| invalid("An object can have 50 tags at most."))
};

/// Reads tags (RDS User Guide, "Tagging Amazon RDS resources": keys of 1 to 128 characters, values of up to 256, neither
/// with any character but letters, digits, white-space and `_.:/=+-@`, and no key with the prefix `aws:` or `rds:`).
pub(super) fn read(given: Vec<Tag>) -> Result<Tags, Refusal> {
    let allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    for Tag { key, value } in &given {
        let key_fits = (1..=128).contains(&key.chars().count()) && key.chars().all(allowed);
        if !key_fits || key.to_ascii_lowercase().starts_with("rds:") {
            return Err(invalid(format!("The tag key {key} is not valid.")));
        }
        if value.chars().count() > 256 || !value.chars().all(allowed) {
            return Err(invalid(format!("The value of the tag {key} is not valid.")));
        }
    }
    support::tags(given, invalid)
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let name: String = call.member("ResourceName")?;
    Ok(json!({"TagList": support::tag_list(of(cx, &name)?)}))
}

/// The tags of what has an ARN.
fn of<'a>(cx: &'a mut Cx<'_>, arn: &str) -> Result<&'a mut Tags, Refusal> {
    let bad = || invalid(format!("Invalid resource name: {arn}"));
    let own = cx.arn("rds", "");
    let (resource, name) = arn.strip_prefix(&own).and_then(|rest| rest.split_once(':')).ok_or_else(bad)?;
    let State {
        clusters,
        instances,
        snapshots,
        subnet_groups,
        cluster_parameter_groups,
        parameter_groups,
        event_subscriptions,
        ..
    } = &mut cx.r.rds;
    match resource {
        "cluster" => tagged(clusters, name),
        "db" => tagged(instances, name),
        "subgrp" => tagged(subnet_groups, name),
        "cluster-snapshot" => tagged(snapshots, name),
        "cluster-pg" => tagged(cluster_parameter_groups, name),
        "pg" => tagged(parameter_groups, name),
        "es" => tagged(event_subscriptions, name),
        _ => Err(bad()),
    }
}

fn tagged<'a, R: Record>(table: &'a mut Table<R>, name: &str) -> Result<&'a mut Tags, Refusal> {
    find_mut(table, name).map(Record::tags_mut)
}
