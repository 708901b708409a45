//! What the objects of AWS Backup have in common.

use std::collections::BTreeMap;

use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, Tags};
use engine::CallError;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn backup(cx: &Context) -> aws_sdk_backup::Client {
    cx.client(aws_sdk_backup::Client::new)
}

/// The tags of a vault or a plan, page by page.
pub(super) async fn tags_of(cx: &Context, arn: &str) -> Result<Option<LiveTags>, CallError> {
    let mut all = std::collections::HashMap::new();
    let mut pages = backup(cx).list_tags().resource_arn(arn).into_paginator().send();
    while let Some(page) = pages.next().await {
        let Some(page) = page.called("ListTags").if_exists()? else { return Ok(None) };
        all.extend(page.tags.unwrap_or_default());
    }
    Ok(Some(LiveTags::map(Some(all))))
}

/// Changes tags from `before` to `wanted`. Sends nothing where they are the same.
pub(super) async fn retag(cx: &Context, arn: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    let changes = before.changes_to(wanted);
    if !changes.remove.is_empty() {
        let request = backup(cx).untag_resource().resource_arn(arn).set_tag_key_list(Some(changes.remove));
        request.send().await.called("UntagResource")?;
    }
    if !changes.set.is_empty() {
        let request = backup(cx).tag_resource().resource_arn(arn);
        let request = request.set_tags(Some(changes.set.into_iter().collect()));
        request.send().await.called("TagResource")?;
    }
    Ok(())
}

/// Tags as CloudFormation writes those of AWS Backup: an object.
pub(super) mod tag_map {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(tags: &Tags, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(tags.iter())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Tags, D::Error> {
        BTreeMap::deserialize(deserializer).map(Tags::from)
    }
}
