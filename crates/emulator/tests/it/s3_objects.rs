//! S3 objects and their versions.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, Delete, ObjectIdentifier,
    ServerSideEncryption, VersioningConfiguration,
};
use emulator::Emulator;

use crate::rows::check;
use crate::support::{REGION, code, config};

pub(crate) async fn bucket(emulator: &Emulator) -> Client {
    let s3 = Client::new(&config(emulator, REGION));
    let region =
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(REGION));
    s3.create_bucket().bucket("data").create_bucket_configuration(region.build()).send().await.unwrap();
    s3
}

async fn versioning(s3: &Client, status: BucketVersioningStatus) {
    let configuration = VersioningConfiguration::builder().status(status).build();
    let put = s3.put_bucket_versioning().bucket("data").versioning_configuration(configuration);
    put.send().await.unwrap();
}

async fn put(s3: &Client, key: &str, body: &'static str) -> Option<String> {
    let call = s3.put_object().bucket("data").key(key).body(ByteStream::from_static(body.as_bytes()));
    call.send().await.unwrap().version_id
}

async fn get(s3: &Client, key: &str, version: Option<&str>) -> String {
    let call = s3.get_object().bucket("data").key(key).set_version_id(version.map(str::to_owned));
    match call.send().await {
        Ok(got) => String::from_utf8(got.body.collect().await.unwrap().to_vec()).unwrap(),
        Err(error) => code::<(), _, _>(Err(error)),
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_comes_back_as_it_was_put() {
    let s3 = bucket(&Emulator::in_memory()).await;
    let call = s3.put_object().bucket("data").key("a/b c.txt").content_type("text/plain");
    let call = call.metadata("owner", "me").cache_control("no-store");
    let made = call.body(ByteStream::from_static(b"hello")).send().await.unwrap();
    assert_eq!(made.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(made.server_side_encryption(), Some(&ServerSideEncryption::Aes256));
    assert_eq!(made.version_id(), None);
    let head = s3.head_object().bucket("data").key("a/b c.txt").send().await.unwrap();
    assert_eq!((head.content_length(), head.content_type()), (Some(5), Some("text/plain")));
    assert_eq!(head.metadata().unwrap()["owner"], "me");
    assert_eq!(head.cache_control(), Some("no-store"));
    assert_eq!(head.last_modified().unwrap().secs(), 1_767_225_600);
    assert_eq!(get(&s3, "a/b c.txt", None).await, "hello");
    assert_eq!(put(&s3, "a/b c.txt", "again").await, None);
    assert_eq!(get(&s3, "a/b c.txt", None).await, "again");
}

#[tokio::test(start_paused = true)]
async fn versions_are_kept_where_it_is_asked_for() {
    let s3 = bucket(&Emulator::in_memory()).await;
    assert_eq!(put(&s3, "k", "old").await, None);
    versioning(&s3, BucketVersioningStatus::Enabled).await;
    let one = put(&s3, "k", "one").await.unwrap();
    let two = put(&s3, "k", "two").await.unwrap();
    let deleted = s3.delete_object().bucket("data").key("k").send().await.unwrap();
    assert_eq!(deleted.delete_marker(), Some(true));
    let marker = deleted.version_id().unwrap();
    check([
        ("the object is gone", "NoSuchKey", get(&s3, "k", None).await),
        ("its versions are there", "one", get(&s3, "k", Some(&one)).await),
        ("and the second", "two", get(&s3, "k", Some(&two)).await),
        ("and the one from before", "old", get(&s3, "k", Some("null")).await),
        ("a marker has nothing", "MethodNotAllowed", get(&s3, "k", Some(marker)).await),
        ("another id", "NoSuchVersion", get(&s3, "k", Some(&"0".repeat(32))).await),
        ("what is no id", "InvalidArgument", get(&s3, "k", Some("none")).await),
        ("the bucket stays", "BucketNotEmpty", code(s3.delete_bucket().bucket("data").send().await)),
    ]);
    let listed = s3.list_object_versions().bucket("data").send().await.unwrap();
    let ids: Vec<_> = listed.versions().iter().map(|v| v.version_id().unwrap()).collect();
    assert_eq!(ids, [two.as_str(), &one, "null"]);
    assert_eq!(listed.delete_markers()[0].is_latest(), Some(true));
    assert_eq!(s3.list_objects_v2().bucket("data").send().await.unwrap().key_count(), Some(0));

    let remove =
        async |id: &str| s3.delete_object().bucket("data").key("k").version_id(id).send().await.unwrap();
    assert_eq!(remove(marker).await.delete_marker(), Some(true));
    assert_eq!(get(&s3, "k", None).await, "two");
    versioning(&s3, BucketVersioningStatus::Suspended).await;
    assert_eq!(put(&s3, "k", "last").await, None);
    assert_eq!(get(&s3, "k", Some("null")).await, "last");
    for id in [&one, &two, "null"] {
        remove(id).await;
    }
    assert_eq!(code(s3.delete_bucket().bucket("data").send().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_is_emptied_by_pages_of_versions() {
    let s3 = bucket(&Emulator::in_memory()).await;
    versioning(&s3, BucketVersioningStatus::Enabled).await;
    for key in ["a", "b", "b", "c"] {
        put(&s3, key, "x").await;
    }
    s3.delete_object().bucket("data").key("b").send().await.unwrap();
    let mut seen = 0;
    loop {
        let page = s3.list_object_versions().bucket("data").max_keys(2).send().await.unwrap();
        let versions = page.versions().iter().map(|v| (v.key().unwrap(), v.version_id().unwrap()));
        let markers = page.delete_markers().iter().map(|m| (m.key().unwrap(), m.version_id().unwrap()));
        let all: Vec<ObjectIdentifier> = versions
            .chain(markers)
            .map(|(key, id)| ObjectIdentifier::builder().key(key).version_id(id).build().unwrap())
            .collect();
        if all.is_empty() {
            break;
        }
        seen += all.len();
        let delete = Delete::builder().set_objects(Some(all)).build().unwrap();
        let deleted = s3.delete_objects().bucket("data").delete(delete).send().await.unwrap();
        assert_eq!(deleted.errors(), []);
    }
    assert_eq!(seen, 5);
    assert_eq!(code(s3.delete_bucket().bucket("data").send().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn versions_are_listed_by_pages() {
    let s3 = bucket(&Emulator::in_memory()).await;
    versioning(&s3, BucketVersioningStatus::Enabled).await;
    let mut put_ids = Vec::new();
    for key in ["a", "b", "b"] {
        put_ids.push(put(&s3, key, "x").await.unwrap());
    }
    let (mut found, mut key, mut id) = (Vec::new(), None, None);
    loop {
        let call = s3.list_object_versions().bucket("data").max_keys(1);
        let page = call.set_key_marker(key).set_version_id_marker(id).send().await.unwrap();
        found.extend(page.versions().iter().map(|version| version.version_id().unwrap().to_owned()));
        if page.is_truncated() != Some(true) {
            break;
        }
        (key, id) = (page.next_key_marker, page.next_version_id_marker);
    }
    assert_eq!(found, [&put_ids[0], &put_ids[2], &put_ids[1]].map(Clone::clone));
}

#[tokio::test(start_paused = true)]
async fn objects_are_listed_by_prefix_delimiter_and_page() {
    let s3 = bucket(&Emulator::in_memory()).await;
    for key in ["a", "b/1", "b/2", "c/1", "d"] {
        put(&s3, key, "x").await;
    }
    let names = async |prefix: &str, delimiter: Option<&str>, size: i32| {
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let call = s3.list_objects_v2().bucket("data").prefix(prefix).max_keys(size);
            let call = call.set_delimiter(delimiter.map(str::to_owned)).set_continuation_token(token);
            let page = call.send().await.unwrap();
            names.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
            names.extend(page.common_prefixes().iter().map(|prefix| prefix.prefix().unwrap().to_owned()));
            if page.is_truncated() != Some(true) {
                return names.join(" ");
            }
            token = page.next_continuation_token;
        }
    };
    assert_eq!(names("", None, 1000).await, "a b/1 b/2 c/1 d");
    assert_eq!(names("", None, 2).await, "a b/1 b/2 c/1 d");
    assert_eq!(names("b/", None, 1000).await, "b/1 b/2");
    assert_eq!(names("", Some("/"), 1000).await, "a d b/ c/");
    assert_eq!(names("", Some("/"), 1).await, "a b/ c/ d");
}

#[tokio::test(start_paused = true)]
async fn rules_of_objects() {
    let emulator = Emulator::in_memory();
    let s3 = bucket(&emulator).await;
    let kms = aws_sdk_kms::Client::new(&config(&emulator, REGION));
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap();
    put(&s3, "there", "x").await;
    let call = || s3.put_object().bucket("data").key("k").body(ByteStream::from_static(b"x"));
    let with_key = async |key: &str| {
        let call = call().server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(key);
        call.send().await
    };
    let encrypted = with_key(key.key_id()).await.unwrap();
    assert_eq!(encrypted.ssekms_key_id(), key.arn());
    kms.disable_key().key_id(key.key_id()).send().await.unwrap();
    let long = s3.put_object().bucket("data").key("x".repeat(1025)).send().await;
    let twice = s3.put_object().bucket("data").key("there").if_none_match("*").send().await;
    let elsewhere = s3.put_object().bucket("none").key("k").send().await;
    let public = call().acl(aws_sdk_s3::types::ObjectCannedAcl::PublicRead).send().await;
    let owner = call().acl(aws_sdk_s3::types::ObjectCannedAcl::BucketOwnerFullControl).send().await;
    check([
        ("a bucket that is not there", "NoSuchBucket", code(elsewhere)),
        ("an object that is not there", "NoSuchKey", get(&s3, "none", None).await),
        ("its head", "NotFound", code(s3.head_object().bucket("data").key("none").send().await)),
        ("deleting it", "ok", code(s3.delete_object().bucket("data").key("none").send().await)),
        ("a key of 1025 bytes", "KeyTooLongError", code(long)),
        ("an object that must not be there", "PreconditionFailed", code(twice)),
        ("a list that lets everybody in", "AccessControlListNotSupported", code(public)),
        ("a list for the bucket's owner", "ok", code(owner)),
        ("a key that is disabled", "KMS.DisabledException", code(with_key(key.key_id()).await)),
        ("a key that is not there", "KMS.NotFoundException", code(with_key("alias/none").await)),
    ]);
}

#[tokio::test]
async fn objects_are_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let version = {
        let emulator = Emulator::open(directory.path()).unwrap();
        let s3 = bucket(&emulator).await;
        versioning(&s3, BucketVersioningStatus::Enabled).await;
        let version = put(&s3, "k", "one").await;
        put(&s3, "k", "two").await;
        s3.delete_object().bucket("data").key("k").send().await.unwrap();
        version
    };
    let emulator = Emulator::open(directory.path()).unwrap();
    let s3 = Client::new(&config(&emulator, REGION));
    assert_eq!(get(&s3, "k", version.as_deref()).await, "one");
    assert_eq!(get(&s3, "k", None).await, "NoSuchKey");
}
