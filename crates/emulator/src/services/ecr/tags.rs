//! Tags of repositories.

use serde_json::json;

use super::{State, invalid, no_repository};
use crate::request::Call;
use crate::response::Refusal;
use crate::services::support::{Tag, Tags, tag_list, tags};
use crate::services::{Answer, Cx};

/// Tags that a repository may have (ECR API Reference, CreateRepository and TagResource, `TooManyTagsException`).
const PER_REPOSITORY: usize = 50;

/// Reads the tags of a request.
pub(super) fn read(given: Vec<Tag>) -> Result<Tags, Refusal> {
    check_count(given.len())?;
    tags(given, |message| Refusal::new("InvalidTagParameterException", message))
}

fn check_count(count: usize) -> Result<(), Refusal> {
    match count {
        ..=PER_REPOSITORY => Ok(()),
        _ => {
            let message = format!("A repository can have {PER_REPOSITORY} tags at most.");
            Err(Refusal::new("TooManyTagsException", message))
        }
    }
}

/// ECR API Reference, TagResource.
pub(super) fn tag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource_arn, given): (String, Vec<Tag>) = call.members(&["resourceArn", "tags"])?;
    let given = read(given)?;
    let own = cx.r.ecr.tags_of(&resource_arn)?;
    let mut all = own.clone();
    all.extend(given);
    check_count(all.len())?;
    *own = all;
    Ok(json!({}))
}

/// ECR API Reference, UntagResource.
pub(super) fn untag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource_arn, tag_keys): (String, Vec<String>) = call.members(&["resourceArn", "tagKeys"])?;
    cx.r.ecr.tags_of(&resource_arn)?.retain(|key, _| !tag_keys.contains(key));
    Ok(json!({}))
}

/// ECR API Reference, ListTagsForResource.
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource_arn: String = call.member("resourceArn")?;
    Ok(json!({"tags": tag_list(cx.r.ecr.tags_of(&resource_arn)?)}))
}

impl State {
    fn tags_of(&mut self, arn: &str) -> Result<&mut Tags, Refusal> {
        let name = arn.split_once(":repository/").map(|(_, name)| name);
        let name = name.ok_or_else(|| invalid(format!("{arn} is not the ARN of a repository.")))?;
        let repository =
            self.repositories.get_mut(name).filter(|repository| repository.repository_arn == arn);
        repository.map(|repository| &mut repository.tags).ok_or_else(|| no_repository(name))
    }
}
