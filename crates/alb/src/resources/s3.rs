//! What the resources of S3 share.
//!
//! Every call says whose the bucket must be. Bucket names are the same for all accounts of the world: without that, a
//! call could reach a bucket that somebody else made after ours was deleted.

use aws::tags::LiveTags;
use aws::{CallResult, Called, Context};
use aws_sdk_s3::types::Tag;
use engine::{CallError, ErrorClass};

use crate::BucketName;

pub(super) fn s3(cx: &Context) -> aws_sdk_s3::Client {
    cx.client(aws_sdk_s3::Client::new)
}

/// What a bucket's setting is: `None` where it was never made, which S3 answers with an error of its own.
pub(super) fn setting<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Err(error) if error.class == ErrorClass::NotFound && !is_no_bucket(&error) => Ok(None),
        answer => answer.map(Some),
    }
}

/// Whether a call failed because there is no such bucket, rather than no such setting.
fn is_no_bucket(error: &CallError) -> bool {
    error.code.as_deref().is_none_or(|code| matches!(code, "NoSuchBucket" | "NotFound"))
}

/// All tags of a bucket; `None` where there is no such bucket.
pub(super) async fn tags_of(cx: &Context, bucket: &BucketName) -> Result<Option<Vec<Tag>>, CallError> {
    let request = s3(cx).get_bucket_tagging().bucket(bucket.as_str());
    let answer = request.expected_bucket_owner(cx.account_id()).send().await.called("GetBucketTagging");
    let answer = setting(answer).if_exists()?;
    Ok(answer.map(|answer| answer.map(|answer| answer.tag_set).unwrap_or_default()))
}

pub(super) fn live_tags(tags: &[Tag]) -> LiveTags {
    LiveTags::pairs(tags.iter().map(|tag| (Some(tag.key()), Some(tag.value()))))
}

pub(super) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a key and a value are given")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: &str) -> Result<(), CallError> {
        let error = CallError::new(ErrorClass::NotFound, "GetBucketTagging", "no");
        Err(CallError { code: Some(code.to_owned()), ..error })
    }

    #[test]
    fn a_setting_that_was_never_made_is_none_and_a_bucket_that_is_gone_is_an_error() {
        assert_eq!(setting(Ok(())), Ok(Some(())));
        assert_eq!(setting(failed("NoSuchTagSet")), Ok(None));
        assert_eq!(setting(failed("NoSuchBucket")), failed("NoSuchBucket").map(Some));
    }
}
