//! Tags of repositories.

use serde::Deserialize;
use serde_json::json;

use super::{State, invalid, no_repository};
use crate::request::Call;
use crate::response::Refusal;
use crate::services::support::{Tag, Tags, tag_list, tags};
use crate::services::{Answer, Cx};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Add {
    resource_arn: String,
    tags: Vec<Tag>,
}

/// ECR API Reference, TagResource.
pub(super) fn tag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Add { resource_arn, tags: given } = call.input()?;
    let given = tags(given, |message| Refusal::new("InvalidTagParameterException", message))?;
    let own = cx.r.ecr.tags_of(&resource_arn)?;
    let mut all = own.clone();
    all.extend(given);
    if all.len() > 50 {
        return Err(Refusal::new("TooManyTagsException", "A repository can have 50 tags at most."));
    }
    *own = all;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Remove {
    resource_arn: String,
    tag_keys: Vec<String>,
}

/// ECR API Reference, UntagResource.
pub(super) fn untag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Remove { resource_arn, tag_keys } = call.input()?;
    cx.r.ecr.tags_of(&resource_arn)?.retain(|key, _| !tag_keys.contains(key));
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct List {
    resource_arn: String,
}

/// ECR API Reference, ListTagsForResource.
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let List { resource_arn } = call.input()?;
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
