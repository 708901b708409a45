//! Tags of repositories (ECR API Reference, CreateRepository and TagResource).

use super::{invalid, no_repository};
use crate::services::{Cx, Refusal, Table, Tag, Tagging, Tags, ensure, refuse_if, tags};

pub(super) const TAGS: Tagging =
    Tagging { members: &["tags", "resourceArn", "tagKeys"], ..Tagging::new(tags_of, read, |_| too_many()) };

/// Reads the tags of a request.
pub(super) fn read(given: Vec<Tag>) -> Result<Tags, Refusal> {
    refuse_if(given.len() > 50, too_many)?;
    tags(given, |message| Refusal::new("InvalidTagParameterException", message))
}

fn too_many() -> Refusal {
    Refusal::new("TooManyTagsException", "A repository can have 50 tags at most.")
}

fn tags_of<'a>(cx: &'a mut Cx<'_>, arn: &str) -> Result<&'a mut Tags, Refusal> {
    let name = arn.split_once(":repository/").map(|(_, name)| name);
    let name = name.ok_or_else(|| invalid(format!("{arn} is not the ARN of a repository.")))?;
    let repository = cx.r.ecr.repositories.find_mut(name)?;
    ensure(repository.repository_arn == arn, || no_repository(name))?;
    Ok(&mut repository.tags)
}
