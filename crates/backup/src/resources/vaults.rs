//! What the objects of AWS Backup have in common.

use std::collections::BTreeMap;

use aws::tags::{LiveTags, TagPairs};
use aws::{CallResult, Called, Context, Tags};
use engine::{CallError, ErrorClass};
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn backup(cx: &Context) -> aws_sdk_backup::Client {
    cx.client(aws_sdk_backup::Client::new)
}

/// Of a plan or a selection that is gone, AWS Backup says that a parameter has a wrong value: "Cannot find …". The message is
/// all that tells it from any other wrong value.
pub(super) trait OfPlans {
    /// It is not found.
    fn of_plans(self) -> Self;
}

impl<T> OfPlans for Result<T, CallError> {
    fn of_plans(self) -> Self {
        self.classed_saying("InvalidParameterValueException", "Cannot find", ErrorClass::NotFound)
    }
}

/// The tags of a vault or a plan, page by page.
pub(super) async fn tags_of(cx: &Context, arn: &str) -> Result<Option<LiveTags>, CallError> {
    let mut all = std::collections::HashMap::new();
    let mut pages = backup(cx).list_tags().resource_arn(arn).into_paginator().send();
    while let Some(page) = pages.next().await {
        let Some(page) = page.called("ListTags").of_plans().if_exists()? else { return Ok(None) };
        all.extend(page.tags.unwrap_or_default());
    }
    Ok(Some(LiveTags::map(Some(all))))
}

/// Changes tags from `before` to `wanted`. Sends nothing where they are the same.
pub(super) async fn retag(cx: &Context, arn: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    let remove = async |keys| {
        backup(cx)
            .untag_resource()
            .resource_arn(arn)
            .set_tag_key_list(Some(keys))
            .send()
            .await
            .called("UntagResource")
            .map(drop)
    };
    let set = async |tags: TagPairs| {
        backup(cx)
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(tags.map()))
            .send()
            .await
            .called("TagResource")
            .map(drop)
    };
    before.changes_to(wanted).send(remove, set).await
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
