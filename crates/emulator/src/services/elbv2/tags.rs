//! Tags.

use serde::Deserialize;
use serde_json::{Value, json};

use super::arns::{self, Found, Kind};
use super::records::{Listener, LoadBalancer, Rule, TargetGroup};
use super::{State, invalid};
use crate::services::{Answer, Call, Cx, Refusal, Tag, Tags, tag_list};

/// Reads the tags of a new object.
pub(super) fn read(given: Vec<Tag>) -> Result<Tags, Refusal> {
    with(&Tags::new(), given)
}

/// Tags with others added to them.
fn with(tags: &Tags, given: Vec<Tag>) -> Result<Tags, Refusal> {
    let mut added = Tags::new();
    for Tag { key, value } in given {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid(format!("The tag key '{key}' begins with aws:, which is reserved")));
        }
        if added.insert(key.clone(), value).is_some() {
            return Err(Refusal::new("DuplicateTagKeys", format!("The tag key '{key}' is specified twice")));
        }
    }
    let mut tags = tags.clone();
    tags.extend(added);
    match tags.len() {
        // AWS General Reference, "Tagging your AWS resources", "Tag naming limits and requirements".
        ..=50 => Ok(tags),
        _ => Err(Refusal::new("TooManyTags", "An object can have 50 tags at most")),
    }
}

impl State {
    fn tags(&self, region: &str, arn: &str) -> Result<&Tags, Refusal> {
        let tags = match kind(arn)? {
            kind if kind == LoadBalancer::KIND => &arns::find(region, &self.load_balancers, arn)?.tags,
            kind if kind == TargetGroup::KIND => &arns::find(region, &self.target_groups, arn)?.tags,
            kind if kind == Listener::KIND => &arns::find(region, &self.listeners, arn)?.tags,
            _ => &arns::find(region, &self.rules, arn)?.tags,
        };
        Ok(tags)
    }

    /// Gives an object, of whatever kind, other tags.
    fn retag(&mut self, arn: &str, tags: Tags) {
        let places = [
            self.load_balancers.get_mut(arn).map(|found| &mut found.tags),
            self.target_groups.get_mut(arn).map(|found| &mut found.tags),
            self.listeners.get_mut(arn).map(|found| &mut found.tags),
            self.rules.get_mut(arn).map(|found| &mut found.tags),
        ];
        for place in places.into_iter().flatten() {
            place.clone_from(&tags);
        }
    }
}

/// The kind of object that an ARN names.
fn kind(arn: &str) -> Result<Kind, Refusal> {
    [LoadBalancer::KIND, TargetGroup::KIND, Listener::KIND, Rule::KIND]
        .into_iter()
        .find(|kind| kind.names(arn))
        .ok_or_else(|| invalid(format!("'{arn}' is not a valid ARN")))
}

/// API Reference, DescribeTags: up to 20 resources in a call.
fn check_number(arns: &[String]) -> Result<(), Refusal> {
    match arns.len() {
        ..=20 => Ok(()),
        _ => Err(invalid("Up to 20 resources can be specified in a call")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Add {
    resource_arns: Vec<String>,
    tags: Vec<Tag>,
}

pub(super) fn add(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Add = call.input()?;
    check_number(&given.resource_arns)?;
    let state = &mut cx.r.elbv2;
    let changed = |arn: &String| with(state.tags(cx.region, arn)?, given.tags.clone());
    let changed: Vec<Tags> = given.resource_arns.iter().map(changed).collect::<Result<_, _>>()?;
    for (arn, tags) in given.resource_arns.iter().zip(changed) {
        state.retag(arn, tags);
    }
    Ok(json!({}))
}

pub(super) fn remove(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource_arns, tag_keys): (Vec<String>, Vec<String>) = call.members(&["ResourceArns", "TagKeys"])?;
    check_number(&resource_arns)?;
    let state = &mut cx.r.elbv2;
    let mut changed = Vec::new();
    for arn in &resource_arns {
        let mut tags = state.tags(cx.region, arn)?.clone();
        tags.retain(|key, _| !tag_keys.contains(key));
        changed.push(tags);
    }
    for (arn, tags) in resource_arns.iter().zip(changed) {
        state.retag(arn, tags);
    }
    Ok(json!({}))
}

pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource_arns: Vec<String> = call.member("ResourceArns")?;
    check_number(&resource_arns)?;
    let described = |arn: &String| {
        let tags = cx.r.elbv2.tags(cx.region, arn)?;
        Ok(json!({"ResourceArn": arn, "Tags": tag_list(tags)}))
    };
    let descriptions: Vec<Value> = resource_arns.iter().map(described).collect::<Result<_, Refusal>>()?;
    Ok(json!({"TagDescriptions": descriptions}))
}
