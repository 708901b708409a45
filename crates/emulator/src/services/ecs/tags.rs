//! Tags of clusters, services, task definitions and tasks.

use super::{State, invalid};
use crate::services::{Refusal, Tagging, Tags, named_tag_list, tags};

pub(super) const TAGS: Tagging = Tagging {
    members: &["tags", "resourceArn", "tagKeys"],
    list: |tags| named_tag_list(tags, "key", "value"),
    ..Tagging::new(
        |cx, arn| cx.r.ecs.tags_of(arn),
        |given| tags(given, invalid),
        |_| invalid("An object can have 50 tags at most."),
    )
};

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
