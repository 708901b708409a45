//! Tags by ARN.

use serde_json::json;

use super::{State, arn, bad, not_found, nothing};
use crate::request::Call;
use crate::response::Refusal;
use crate::services::support::{Tags, tag_map};
use crate::services::{Answer, Cx};

/// A page is "not currently supported" (API Gateway API Reference, GetTags), so everything comes at once.
impl State {
    /// The tags of an object that a call of the first generation can tag.
    fn tags_mut(&mut self, region: &str, resource: &str) -> Result<&mut Tags, Refusal> {
        let path = resource.strip_prefix(&arn(region, "/")).unwrap_or_default();
        let tags = match path.split('/').collect::<Vec<_>>().as_slice() {
            ["restapis", id] => self.apis.get_mut(*id).map(|tree| &mut tree.api.tags),
            ["restapis", id, "stages", stage] => self
                .apis
                .get_mut(*id)
                .and_then(|tree| tree.stages.get_mut(*stage))
                .map(|stage| &mut stage.tags),
            ["usageplans", id] => self.usage_plans.get_mut(*id).map(|plan| &mut plan.tags),
            ["apikeys", id] => self.api_keys.get_mut(*id).map(|key| &mut key.tags),
            _ => None,
        };
        tags.ok_or_else(|| not_found(format!("Invalid resource identifier specified: {resource}")))
    }

    /// The same for the second generation.
    fn link_tags_mut(&mut self, region: &str, resource: &str) -> Result<&mut Tags, Refusal> {
        let link = resource.strip_prefix(&arn(region, "/vpclinks/"));
        let link = link.and_then(|id| self.vpc_links.get_mut(id));
        link.map(|link| &mut link.tags)
            .ok_or_else(|| not_found(format!("Invalid resource identifier specified: {resource}")))
    }
}

fn add(tags: &mut Tags, given: Tags) -> Answer {
    let given = tag_map(given, bad)?;
    let mut all = tags.clone();
    all.extend(given);
    *tags = tag_map(all, bad)?;
    Ok(nothing())
}

fn remove(tags: &mut Tags, keys: &[String]) -> Answer {
    tags.retain(|key, _| !keys.contains(key));
    Ok(nothing())
}

pub(super) fn tag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource_arn, tags): (String, Tags) = call.members(&["resourceArn", "tags"])?;
    add(cx.r.apigateway.tags_mut(cx.region, &resource_arn)?, tags)
}

pub(super) fn untag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource_arn, tag_keys): (String, Vec<String>) = call.members(&["resourceArn", "tagKeys"])?;
    remove(cx.r.apigateway.tags_mut(cx.region, &resource_arn)?, &tag_keys)
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource_arn: String = call.member("resourceArn")?;
    Ok(json!({"tags": cx.r.apigateway.tags_mut(cx.region, &resource_arn)?}))
}

pub(super) fn tag_link(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource_arn, tags): (String, Option<Tags>) = call.members(&["ResourceArn", "Tags"])?;
    add(cx.r.apigateway.link_tags_mut(cx.region, &resource_arn)?, tags.unwrap_or_default())
}

pub(super) fn untag_link(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource_arn, tag_keys): (String, Vec<String>) = call.members(&["ResourceArn", "TagKeys"])?;
    remove(cx.r.apigateway.link_tags_mut(cx.region, &resource_arn)?, &tag_keys)
}

pub(super) fn link_tags(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource_arn: String = call.member("ResourceArn")?;
    Ok(json!({"Tags": cx.r.apigateway.link_tags_mut(cx.region, &resource_arn)?}))
}
