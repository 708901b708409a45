//! Tags by ARN.

use serde_json::json;

use super::{State, arn, bad, not_found};
use crate::services::{Refusal, Tagging, Tags, tags};

/// The first generation. A page is "not currently supported" (API Gateway API Reference, GetTags), so everything comes at
/// once.
pub(super) const TAGS: Tagging = Tagging {
    members: &["tags", "resourceArn", "tagKeys"],
    finds_first: true,
    takes_map: true,
    list: |tags| json!(tags),
    ..Tagging::new(
        |cx, arn| cx.r.apigateway.tags_mut(cx.region, arn),
        |given| tags(given, bad),
        |_| bad("An object can have 50 tags at most."),
    )
};

/// The second generation.
pub(super) const TAGS_OF_LINKS: Tagging = Tagging {
    members: &["Tags", "ResourceArn", "TagKeys"],
    of: |cx, arn| cx.r.apigateway.link_tags_mut(cx.region, arn),
    ..TAGS
};

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
