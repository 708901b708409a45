//! Tags of objects (S3 User Guide, "Categorizing your storage using tags").

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, Tag,
    Tagging, VersioningConfiguration,
};
use emulator::Emulator;

use crate::s3_objects::bucket;
use crate::support::code;

async fn put(s3: &Client, tagging: &str) -> Result<(), String> {
    let call = s3.put_object().bucket("data").key("k").tagging(tagging).body(ByteStream::from_static(b"x"));
    match call.send().await {
        Ok(_) => Ok(()),
        error => Err(code(error)),
    }
}

async fn tags(s3: &Client, version: Option<String>) -> Vec<(String, String)> {
    let got = s3.get_object_tagging().bucket("data").key("k").set_version_id(version).send().await.unwrap();
    let pair = |tag: &Tag| (tag.key().to_owned(), tag.value().to_owned());
    got.tag_set().iter().map(pair).collect()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_object_has_the_tags_that_it_was_put_with_until_others_are_put() {
    let s3 = bucket(&Emulator::in_memory()).await;
    put(&s3, "stack%3Akept=history&b=two+words").await.unwrap();
    let expected = [("b", "two words"), ("stack:kept", "history")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(tags(&s3, None).await, expected);
    let head = s3.head_object().bucket("data").key("k").send().await.unwrap();
    let got = s3.get_object().bucket("data").key("k").send().await.unwrap();
    assert_eq!((head.tag_count(), got.tag_count()), (Some(2), Some(2)));
    let others = Tagging::builder().tag_set(tag("c", "3")).build().unwrap();
    s3.put_object_tagging().bucket("data").key("k").tagging(others).send().await.unwrap();
    assert_eq!(tags(&s3, None).await, [("c".to_owned(), "3".to_owned())]);
    s3.delete_object_tagging().bucket("data").key("k").send().await.unwrap();
    assert_eq!(tags(&s3, None).await, []);
    let head = s3.head_object().bucket("data").key("k").send().await.unwrap();
    assert_eq!(head.tag_count(), None);
    let missing = s3.get_object_tagging().bucket("data").key("other").send().await;
    assert_eq!(code(missing), "NoSuchKey");
}

#[tokio::test(start_paused = true)]
async fn each_version_has_its_own_tags() {
    let s3 = bucket(&Emulator::in_memory()).await;
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3.put_bucket_versioning().bucket("data").versioning_configuration(on).send().await.unwrap();
    put(&s3, "n=1").await.unwrap();
    let first = s3.head_object().bucket("data").key("k").send().await.unwrap().version_id;
    put(&s3, "n=2").await.unwrap();
    assert_eq!(tags(&s3, first.clone()).await, [("n".to_owned(), "1".to_owned())]);
    assert_eq!(tags(&s3, None).await, [("n".to_owned(), "2".to_owned())]);
    s3.delete_object().bucket("data").key("k").send().await.unwrap();
    let gone = s3.get_object_tagging().bucket("data").key("k").send().await;
    assert_eq!(code(gone), "NoSuchKey");
    assert_eq!(tags(&s3, first).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn tags_that_cannot_be_are_refused() {
    let s3 = bucket(&Emulator::in_memory()).await;
    let eleven: String = (0..11).map(|number| format!("k{number}=v&")).collect();
    for (tagging, expected) in [
        ("a=1&a=2", "InvalidArgument"),
        ("=1", "InvalidArgument"),
        ("a=%FF", "InvalidArgument"),
        ("aws:a=1", "InvalidTag"),
        (&*format!("a={}", "v".repeat(257)), "InvalidTag"),
        (&*eleven, "BadRequest"),
    ] {
        assert_eq!(put(&s3, tagging).await, Err(expected.to_owned()), "{tagging}");
    }
    assert_eq!(
        code(s3.get_object().bucket("data").key("k").send().await),
        "NoSuchKey",
        "nothing was written"
    );
    let ten: String = (0..10).map(|number| format!("k{number}=v&")).collect();
    put(&s3, &ten).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lifecycle_rule_chooses_by_tag() {
    let s3 = bucket(&Emulator::in_memory()).await;
    let rule = LifecycleRule::builder()
        .id("history")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().tag(tag("n", "1")).build())
        .expiration(LifecycleExpiration::builder().days(10).build())
        .build()
        .unwrap();
    let rules = aws_sdk_s3::types::BucketLifecycleConfiguration::builder().rules(rule).build().unwrap();
    let call = s3.put_bucket_lifecycle_configuration().bucket("data").lifecycle_configuration(rules);
    call.send().await.unwrap();
    for (tagging, expires) in [("n=1", true), ("n=2", false)] {
        put(&s3, tagging).await.unwrap();
        let head = s3.head_object().bucket("data").key("k").send().await.unwrap();
        assert_eq!(head.expiration().is_some(), expires, "{tagging}");
    }
}
