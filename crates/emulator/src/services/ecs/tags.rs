//! Tags of clusters, services, task definitions and tasks.

use serde_json::json;

use super::{State, invalid};
use crate::request::Call;
use crate::response::{Refusal, refuse_if};
use crate::services::support::{Tag, Tags, named_tag_list, tags};
use crate::services::{Answer, Cx};

/// ECS API Reference, TagResource.
pub(super) fn tag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource_arn, given): (String, Vec<Tag>) = call.members(&["resourceArn", "tags"])?;
    let given = tags(given, invalid)?;
    let own = cx.r.ecs.tags_of(&resource_arn)?;
    let mut all = own.clone();
    all.extend(given);
    refuse_if(all.len() > 50, || invalid("An object can have 50 tags at most."))?;
    *own = all;
    Ok(json!({}))
}

/// ECS API Reference, UntagResource.
pub(super) fn untag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource_arn, tag_keys): (String, Vec<String>) = call.members(&["resourceArn", "tagKeys"])?;
    cx.r.ecs.tags_of(&resource_arn)?.retain(|key, _| !tag_keys.contains(key));
    Ok(json!({}))
}

/// ECS API Reference, ListTagsForResource.
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource_arn: String = call.member("resourceArn")?;
    let tags = cx.r.ecs.tags_of(&resource_arn)?;
    Ok(json!({"tags": named_tag_list(tags, "key", "value")}))
}

impl State {
    /// The tags of what has an ARN and is there.
    fn tags_of(&mut self, arn: &str) -> Result<&mut Tags, Refusal> {
        let missing = |what: &str| {
            Refusal::new("ResourceNotFoundException", format!("The specified {what} was not found."))
        };
        let resource = arn.splitn(6, ':').nth(5).filter(|_| arn.starts_with("arn:aws:ecs:"));
        let Some((kind, name)) = resource.and_then(|resource| resource.split_once('/')) else {
            return Err(invalid(format!("Invalid identifier: {arn} is not an ARN of ECS.")));
        };
        match kind {
            "cluster" => {
                let cluster = self.clusters.get_mut(name).filter(|cluster| !cluster.is_inactive());
                let missing = || Refusal::new("ClusterNotFoundException", "Cluster not found.");
                cluster.map(|cluster| &mut cluster.tags).ok_or_else(missing)
            }
            "service" => {
                let service = self.services.get_mut(arn).filter(|service| !service.is_inactive());
                service.map(|service| &mut service.tags).ok_or_else(|| missing("service"))
            }
            "task-definition" => {
                let definition = self.task_definition_mut(arn);
                definition.map(|definition| &mut definition.tags).ok_or_else(|| missing("task definition"))
            }
            "task" => self.tasks.get_mut(arn).map(|task| &mut task.tags).ok_or_else(|| missing("task")),
            _ => Err(invalid(format!("Resources of the type {kind} cannot be tagged."))),
        }
    }
}
