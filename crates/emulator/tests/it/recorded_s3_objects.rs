//! What real AWS answered about objects in S3, row by row. Entries are those of `recorded_s3`.

use aws_sdk_s3::types::{
    BucketVersioningStatus, ChecksumMode, Delete, ObjectCannedAcl, ObjectIdentifier, ServerSideEncryption,
    StorageClass,
};

use crate::recorded_s3::{DAY, NOW, S3, after, at, rule};
use crate::rows::check;
use crate::support::{REGION, config};

#[tokio::test(start_paused = true)]
async fn an_object_needs_its_key() {
    let s3 = S3::with_bucket().await;
    let kms = aws_sdk_kms::Client::new(&config(&s3.emulator, REGION));
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap().key_id;
    let put = s3.put("k").server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(&key);
    put.send().await.unwrap();
    let get = async || s3.said(s3.get_object().bucket("data").key("k").send().await);
    let head = async |mode: Option<ChecksumMode>| {
        s3.said(s3.head_object().bucket("data").key("k").set_checksum_mode(mode).send().await)
    };
    let before = get().await;
    kms.disable_key().key_id(&key).send().await.unwrap();
    let disabled = [get().await, head(None).await, head(Some(ChecksumMode::Enabled)).await];
    let [disabled, its_head, its_checksum] = disabled;
    kms.schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await.unwrap();
    let pending = get().await;
    kms.cancel_key_deletion().key_id(&key).send().await.unwrap();
    kms.enable_key().key_id(&key).send().await.unwrap();
    check([
        ("A2 a key that can be used", "ok 200", before),
        ("A2 a disabled key", "KMS.DisabledException 400", disabled),
        ("A2 a key pending deletion", "KMS.KMSInvalidStateException 400", pending),
        ("K2 the head needs no key", "ok 200", its_head),
        ("K2 but its checksum does", "none 400", its_checksum),
        ("K2 a key that is enabled again", "ok 200", get().await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn versions_and_conditions() {
    let s3 = S3::with_bucket().await;
    const ID: &str = "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD";
    let invalid = |id: &str| format!("InvalidArgument 400 ArgumentName=versionId ArgumentValue={id}");
    let get = async |key: &str, id: &str| {
        s3.said(s3.get_object().bucket("data").key(key).version_id(id).send().await)
    };
    let delete =
        async |id: &str| s3.said(s3.delete_object().bucket("data").key("k").version_id(id).send().await);
    let delete_all = async |id: &str| {
        let object = ObjectIdentifier::builder().key("k").version_id(id).build().unwrap();
        let objects = Delete::builder().objects(object).build().unwrap();
        let answer = s3.delete_objects().bucket("data").delete(objects).send().await.unwrap();
        let deleted = answer.deleted().iter().filter_map(|deleted| deleted.version_id());
        let errors = answer.errors().iter().map(|error| {
            assert_eq!((error.key(), error.version_id()), (Some("k"), Some(id)));
            error.code().unwrap_or_default()
        });
        deleted.chain(errors).collect::<Vec<_>>().join(" ")
    };
    let there = s3.put("k").send().await.unwrap().e_tag.unwrap();
    let failed = |condition: &str| format!("PreconditionFailed 412 Condition={condition}");
    let no_value = |header: &str| {
        format!(
            "NotImplemented 501 Header={header} additionalMessage=We don't accept the provided value of {header} header for \
             this API"
        )
    };
    check([
        (
            "A11 both conditions",
            "NotImplemented 501 Header=If-Match,If-None-Match additionalMessage=Multiple conditional request headers present \
             in the request",
            s3.said(s3.put("k").if_match(&there).if_none_match("*").send().await),
        ),
        ("C33 If-Match *", &*no_value("If-Match"), s3.said(s3.put("k").if_match("*").send().await)),
        (
            "K33 If-None-Match with an ETag",
            &no_value("If-None-Match"),
            s3.said(s3.put("k").if_none_match(&there).send().await),
        ),
        ("B28 what is there", &failed("If-None-Match"), s3.said(s3.put("k").if_none_match("*").send().await)),
        ("B28 another ETag", &failed("If-Match"), s3.said(s3.put("k").if_match("\"x\"").send().await)),
        (
            "B28 what is not there",
            "NoSuchKey 404 Key=none",
            s3.said(s3.put("none").if_match("\"x\"").send().await),
        ),
        ("A11 an id where no versions are kept", &invalid(ID), get("k", ID).await),
        ("A11 deleting it", &invalid(ID), delete(ID).await),
        ("A11 deleting it among others", "NoSuchVersion", delete_all(ID).await),
        ("K11 the version without an id", "ok 200", get("k", "null").await),
    ]);
    s3.versioning(BucketVersioningStatus::Enabled).await;
    let one = s3.put("k").send().await.unwrap().version_id.unwrap();
    let gone = s3.delete_object().bucket("data").key("k").send().await.unwrap().version_id.unwrap();
    let newest = async || s3.said(s3.get_object().bucket("data").key("k").send().await);
    check([
        ("A11 an impossible id", &*invalid("x"), get("k", "x").await),
        ("A11 deleting an impossible id", &invalid("x"), delete("x").await),
        ("A11 deleting it among others", "NoSuchVersion", delete_all("x").await),
        (
            "B28 an id that is not there",
            &format!("NoSuchVersion 404 Key=k VersionId={ID}"),
            get("k", ID).await,
        ),
        ("K11 deleting it", "ok 204", delete(ID).await),
        ("K11 deleting it among others", ID, delete_all(ID).await),
        ("K11 an id that is there", "ok 200", get("k", &one).await),
        (
            "K28 a delete marker",
            "MethodNotAllowed 405 Method=GET ResourceType=DeleteMarker",
            get("k", &gone).await,
        ),
        ("K28 which says what to do", "DELETE", s3.wire.header("allow")),
        ("B28 an object with a delete marker", "NoSuchKey 404 Key=k", newest().await),
        ("K28 which says so", "true", s3.wire.header("x-amz-delete-marker")),
        ("K28 and which", &gone, s3.wire.header("x-amz-version-id")),
    ]);
    s3.versioning(BucketVersioningStatus::Suspended).await;
    let made = s3.put("k").send().await.unwrap();
    let got = s3.get_object().bucket("data").key("k").send().await.unwrap();
    check([
        ("B27 no version where none are kept any more", "None", format!("{:?}", made.version_id())),
        ("K27 but what is read has one", "Some(\"null\")", format!("{:?}", got.version_id())),
    ]);
}

#[tokio::test(start_paused = true)]
async fn conditions_of_reading_and_deleting() {
    let s3 = S3::with_bucket().await;
    let etag = s3.put("k").send().await.unwrap().e_tag.unwrap();
    // What is to come is no condition, so time passes.
    tokio::time::advance(std::time::Duration::from_secs(10)).await;
    let get = || s3.get_object().bucket("data").key("k");
    let delete = |if_match: &str| s3.delete_object().bucket("data").key("k").if_match(if_match);
    let failed = |condition: &str| format!("PreconditionFailed 412 Condition={condition}");
    check([
        ("K28 If-Match", "ok 200", s3.said(get().if_match(&etag).send().await)),
        ("B28 If-Match of another", &*failed("If-Match"), s3.said(get().if_match("\"x\"").send().await)),
        ("K28 If-None-Match", "none 304", s3.said(get().if_none_match(&etag).send().await)),
        ("K28 without a body", "0", s3.wire.length().to_string()),
        ("K28 modified since", "ok 200", s3.said(get().if_modified_since(at(NOW - 1)).send().await)),
        ("K28 not modified since", "none 304", s3.said(get().if_modified_since(at(NOW + 1)).send().await)),
        ("K28 since a time to come", "ok 200", s3.said(get().if_modified_since(at(NOW + DAY)).send().await)),
        ("K28 unmodified since", "ok 200", s3.said(get().if_unmodified_since(at(NOW)).send().await)),
        (
            "B28 modified in the meantime",
            &failed("If-Unmodified-Since"),
            s3.said(get().if_unmodified_since(at(NOW - 1)).send().await),
        ),
        (
            "K28 an ETag overrules a time",
            "ok 200",
            s3.said(get().if_match(&etag).if_unmodified_since(at(NOW - 1)).send().await),
        ),
        ("K11 deleting another", &failed("If-Match"), s3.said(delete("\"x\"").send().await)),
        ("K11 by a size", "NotImplemented 501", {
            let said = s3.said(delete(&etag).if_match_size(5).send().await);
            said.chars().take(18).collect()
        }),
        ("K11 deleting this one", "ok 204", s3.said(delete(&etag).send().await)),
        ("K11 which is gone", "NoSuchKey 404 Key=k", s3.said(delete(&etag).send().await)),
    ]);
}

#[tokio::test(start_paused = true)]
async fn what_objects_are_put_with() {
    let s3 = S3::with_bucket().await;
    let none =
        |name: &str, value: &str| format!("InvalidArgument 400 ArgumentName={name} ArgumentValue={value}");
    let md5 = async |digest: &str| s3.said(s3.put("k").content_md5(digest).send().await);
    let sum = async |sum: &str| s3.said(s3.put("k").checksum_sha256(sum).send().await);
    let invalid_md5 = |digest: &str| format!("InvalidDigest 400 Content-MD5={digest}");
    let large = "x".repeat(2049);
    let archived = s3.put("cold").storage_class(StorageClass::Glacier).send().await;
    let archived = s3.said(archived);
    let listed = s3.list_objects_v2().bucket("data").send().await.unwrap();
    let listed = format!("{:?}", listed.contents()[0].storage_class());
    check([
        (
            "C33 a list that is none",
            &*none("x-amz-acl", "everybody"),
            s3.said(s3.put("k").acl(ObjectCannedAcl::from("everybody")).send().await),
        ),
        (
            "K33 an encryption that is none",
            &none("x-amz-server-side-encryption", "aws:none"),
            s3.said(s3.put("k").server_side_encryption("aws:none".into()).send().await),
        ),
        (
            "K33 a class that is none",
            "InvalidStorageClass 400 StorageClassRequested=WARM",
            s3.said(s3.put("k").storage_class(StorageClass::from("WARM")).send().await),
        ),
        (
            "K33 a class of other places",
            "InvalidStorageClass 400 StorageClassRequested=OUTPOSTS",
            s3.said(s3.put("k").storage_class(StorageClass::Outposts).send().await),
        ),
        ("K33 a class for what is rarely read", "ok 200", archived),
        ("K33 is listed", "Some(Glacier)", listed),
        (
            "K33 and not read",
            "InvalidObjectState 403 StorageClass=GLACIER",
            s3.said(s3.get_object().bucket("data").key("cold").send().await),
        ),
        ("K28 no digest", &invalid_md5("MTIz"), md5("MTIz").await),
        ("K28 no base64", &invalid_md5("__invalid__"), md5("__invalid__").await),
        (
            "K28 the digest of something else",
            "BadDigest 400 ExpectedDigest=d41d8cd98f00b204e9800998ecf8427e CalculatedDigest=XUFAKrxLKna5cZ2REBfFkg==",
            md5("1B2M2Y8AsgTpgAmY7PhCfg==").await,
        ),
        ("K28 its digest", "ok 200", md5("XUFAKrxLKna5cZ2REBfFkg==").await),
        ("K27 a checksum that is none", "InvalidRequest 400", sum("MTIz").await),
        ("K27 of something else", "BadDigest 400", sum("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=").await),
        ("K27 its checksum", "ok 200", sum("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=").await),
        (
            "K28 a key that is too long",
            "KeyTooLongError 400 Size=1025 MaxSizeAllowed=1024",
            s3.said(s3.put(&large[..1025]).send().await),
        ),
        (
            "K28 too much metadata",
            "MetadataTooLarge 400 Size=2050 MaxSizeAllowed=2048",
            s3.said(s3.put("k").metadata("a", &large).send().await),
        ),
        (
            "K28 no such key",
            "NoSuchKey 404 Key=none",
            s3.said(s3.get_object().bucket("data").key("none").send().await),
        ),
        ("K28 a head has no body", "NotFound 404", {
            s3.said(s3.head_object().bucket("data").key("none").send().await)
        }),
    ]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_with_objects() {
    let s3 = S3::with_bucket().await;
    let expiring = rule().id("old").expiration(after(2)).build().unwrap();
    assert_eq!(s3.lifecycle(vec![expiring]).await, "ok 200");
    let meaning = async |value: &str| {
        s3.put("k").metadata("m", value).send().await.unwrap();
        let head = s3.head_object().bucket("data").key("k").send().await.unwrap();
        head.metadata().unwrap()["m"].clone()
    };
    let due = r#"expiry-date="Sun, 04 Jan 2026 00:00:00 GMT", rule-id="old""#;
    let made = s3.put("k").send().await.unwrap();
    let sum = s3.put("k").checksum_crc64_nvme("M3eFcAZSQlc=").send().await.unwrap();
    let head = s3.head_object().bucket("data").key("k").checksum_mode(ChecksumMode::Enabled);
    let head = head.send().await.unwrap();
    let part = async |range: &str| {
        let got = s3.get_object().bucket("data").key("k").range(range).send().await;
        let text = match got {
            Ok(got) => {
                let text = got.body.collect().await.unwrap().to_vec();
                format!("{} {}", String::from_utf8(text).unwrap(), got.content_range.unwrap_or_default())
            }
            Err(error) => return s3.said::<(), _, _>(Err(error)),
        };
        format!("{} {text}", s3.wire.header("content-length"))
    };
    let other =
        s3.get_object().bucket("data").key("k").response_content_type("text/css").send().await.unwrap();
    check([
        ("D46 an encoded word of ASCII", "f r", meaning("=?UTF-8?Q?f_r?=").await),
        ("D46 one that is not", "=?UTF-8?Q?f=C3=BCr?=", meaning("=?UTF-8?Q?f=C3=BCr?=").await),
        ("D46 in base64", "=?UTF-8?Q?f=C3=BCr?=", meaning("=?UTF-8?B?ZsO8cg==?=").await),
        ("K9 when an object goes", due, made.expiration().unwrap_or_default().to_owned()),
        ("K9 its head says so too", due, head.expiration().unwrap_or_default().to_owned()),
        ("K27 a checksum", "Some(FullObject)", format!("{:?}", sum.checksum_type())),
        ("K27 comes back", "M3eFcAZSQlc=", head.checksum_crc64_nvme().unwrap_or_default().to_owned()),
        ("K28 a part", "3 ell bytes 1-3/5", part("bytes=1-3").await),
        ("K28 the last part", "2 lo bytes 3-4/5", part("bytes=-2").await),
        (
            "K28 no part of it",
            "InvalidRange 416 ActualObjectSize=5 RangeRequested=bytes=9-",
            part("bytes=9-").await,
        ),
        ("K28 another type", "Some(\"text/css\")", format!("{:?}", other.content_type())),
    ]);
}
