//! What real AWS answered about S3, row by row: buckets, their settings and their listings.
//!
//! An entry has a name, the answer and the call. Names begin with the row of the recordings, or with `K` and its number for what
//! is of the same kind and known from documentation and public reports. The answer is the code, the status and what the error says besides, or what a success shows.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::create_bucket::builders::CreateBucketFluentBuilder;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::builders::LifecycleRuleBuilder;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketCannedAcl, BucketLifecycleConfiguration, BucketLocationConstraint,
    BucketVersioningStatus, CreateBucketConfiguration, EncodingType, ExpirationStatus, LifecycleExpiration,
    LifecycleRule, LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration,
    NoncurrentVersionTransition, ObjectOwnership, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    Transition, TransitionDefaultMinimumObjectSize, TransitionStorageClass, VersioningConfiguration,
};
use emulator::Emulator;

use crate::rows::check;
use crate::support::{REGION, config};
use crate::wire::Wire;

const FIRST: &str = "us-east-1";
pub(crate) const DAY: i64 = 86_400;
/// When the clock of an emulator in memory begins: 2026-01-01T00:00:00Z.
pub(crate) const NOW: i64 = 1_767_225_600;

/// A client of S3 in one region, and what it was answered last.
pub(crate) struct S3 {
    pub(crate) emulator: Emulator,
    client: Client,
    pub(crate) wire: Wire,
}

impl std::ops::Deref for S3 {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl S3 {
    fn of(emulator: &Emulator, region: &str) -> S3 {
        let wire = Wire::default();
        let config = Builder::from(&config(emulator, region)).interceptor(wire.clone()).build();
        S3 { emulator: emulator.clone(), client: Client::from_conf(config), wire }
    }

    /// With a bucket `data`.
    pub(crate) async fn with_bucket() -> S3 {
        let s3 = S3::of(&Emulator::in_memory(), REGION);
        s3.create(REGION, "data").send().await.unwrap();
        s3
    }

    fn create(&self, place: &str, name: &str) -> CreateBucketFluentBuilder {
        self.create_bucket().bucket(name).create_bucket_configuration(in_region(place))
    }

    pub(crate) fn put(&self, key: &str) -> PutObjectFluentBuilder {
        self.put_object().bucket("data").key(key).body(ByteStream::from_static(b"hello"))
    }

    pub(crate) async fn versioning(&self, status: BucketVersioningStatus) {
        let configuration = VersioningConfiguration::builder().status(status).build();
        let put = self.put_bucket_versioning().bucket("data").versioning_configuration(configuration);
        put.send().await.unwrap();
    }

    pub(crate) fn said<T, E, R>(&self, answer: Result<T, SdkError<E, R>>) -> String
    where
        E: ProvideErrorMetadata,
    {
        self.wire.said(answer)
    }

    pub(crate) async fn lifecycle(&self, rules: Vec<LifecycleRule>) -> String {
        let rules = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().unwrap();
        let put = self.put_bucket_lifecycle_configuration().bucket("data").lifecycle_configuration(rules);
        self.said(put.send().await)
    }

    async fn tags(&self, tags: &[(&str, &str)]) -> String {
        let tags = tags.iter().map(|(key, value)| tag(key, value)).collect();
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build().unwrap();
        self.said(self.put_bucket_tagging().bucket("data").tagging(tagging).send().await)
    }
}

fn in_region(place: &str) -> CreateBucketConfiguration {
    CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(place)).build()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

/// A rule for all objects.
pub(crate) fn rule() -> LifecycleRuleBuilder {
    let filter = LifecycleRuleFilter::builder().prefix("").build();
    LifecycleRule::builder().id("r").status(ExpirationStatus::Enabled).filter(filter)
}

pub(crate) fn after(days: i32) -> LifecycleExpiration {
    LifecycleExpiration::builder().days(days).build()
}

pub(crate) fn at(seconds: i64) -> DateTime {
    DateTime::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn lifecycle_rules() {
    let s3 = S3::with_bucket().await;
    let expire = async |expiration: LifecycleExpiration| {
        s3.lifecycle(vec![rule().expiration(expiration).build().unwrap()]).await
    };
    let of = async |filter: LifecycleRuleFilter| {
        s3.lifecycle(vec![rule().filter(filter).expiration(after(1)).build().unwrap()]).await
    };
    let all_of = |and: LifecycleRuleAndOperator| LifecycleRuleFilter::builder().and(and).build();
    let one = LifecycleRuleFilter::builder().tag(tag("a", "1")).build();
    let twice = LifecycleRuleAndOperator::builder().tags(tag("a", "1")).tags(tag("a", "2")).build();
    let sizes = |least, most| {
        let and = LifecycleRuleAndOperator::builder();
        all_of(and.object_size_greater_than(least).object_size_less_than(most).build())
    };
    let on = |seconds| LifecycleExpiration::builder().date(at(seconds)).build();
    let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(1).build();
    let marker = LifecycleExpiration::builder().expired_object_delete_marker(true).build();
    let noncurrent = NoncurrentVersionExpiration::builder;
    let old = async |expiration: NoncurrentVersionExpiration| {
        s3.lifecycle(vec![rule().noncurrent_version_expiration(expiration).build().unwrap()]).await
    };
    let moved = NoncurrentVersionTransition::builder().storage_class(TransitionStorageClass::Glacier).build();
    let dated = Transition::builder().date(at(NOW + 1)).storage_class(TransitionStorageClass::Glacier);
    let by_prefix = LifecycleRule::builder().id("p").status(ExpirationStatus::Enabled).expiration(after(1));
    #[expect(deprecated, reason = "it is the old form that is tried")]
    let by_prefix = by_prefix.prefix("logs/").build().unwrap();
    let size = BucketLifecycleConfiguration::builder().rules(rule().expiration(after(1)).build().unwrap());
    let size = s3.put_bucket_lifecycle_configuration().lifecycle_configuration(size.build().unwrap());
    let size = size.transition_default_minimum_object_size(TransitionDefaultMinimumObjectSize::from("x"));
    let (xml, request) = ("MalformedXML 400", "InvalidRequest 400");
    let midnight = |date| format!("InvalidArgument 400 ArgumentName=Date ArgumentValue={date}");
    check([
        ("A9 a date at midnight", "ok 200", expire(on(NOW + DAY)).await),
        ("A9 a date that is not", &midnight("2026-01-02T10:00:00Z"), expire(on(NOW + DAY + 36_000)).await),
        (
            "K9 the same of a transition",
            &midnight("2026-01-01T00:00:01Z"),
            s3.lifecycle(vec![rule().transitions(dated.build()).build().unwrap()]).await,
        ),
        ("A9 tag keys twice", request, of(all_of(twice)).await),
        ("A9 an empty NoncurrentVersionExpiration", xml, old(noncurrent().build()).await),
        ("K9 one without days", xml, old(noncurrent().newer_noncurrent_versions(1).build()).await),
        (
            "K9 a count of none",
            "InvalidArgument 400",
            old(noncurrent().noncurrent_days(1).newer_noncurrent_versions(0).build()).await,
        ),
        (
            "K9 a noncurrent transition without days",
            xml,
            s3.lifecycle(vec![rule().noncurrent_version_transitions(moved).build().unwrap()]).await,
        ),
        ("K9 sizes that exclude each other", request, of(sizes(10, 10)).await),
        ("K9 sizes that do not", "ok 200", of(sizes(10, 11)).await),
        (
            "K9 uploads have no tags",
            request,
            s3.lifecycle(vec![
                rule().filter(one.clone()).abort_incomplete_multipart_upload(abort.clone()).build().unwrap(),
            ])
            .await,
        ),
        (
            "K9 nor sizes",
            request,
            s3.lifecycle(vec![
                rule().filter(sizes(1, 2)).abort_incomplete_multipart_upload(abort.clone()).build().unwrap(),
            ])
            .await,
        ),
        (
            "K9 for all of them",
            "ok 200",
            s3.lifecycle(vec![rule().abort_incomplete_multipart_upload(abort).build().unwrap()]).await,
        ),
        (
            "K9 markers have no tags",
            request,
            s3.lifecycle(vec![rule().filter(one).expiration(marker).build().unwrap()]).await,
        ),
        ("K9 the old form alone", "ok 200", s3.lifecycle(vec![by_prefix.clone()]).await),
        (
            "K9 the old form beside the new one",
            request,
            s3.lifecycle(vec![by_prefix, rule().expiration(after(1)).build().unwrap()]).await,
        ),
        ("C33 another minimum size", request, s3.said(size.clone().bucket("data").send().await)),
        ("C33 for a bucket that is not there", request, s3.said(size.bucket("none").send().await)),
        ("B28 no rules", "ok 204", s3.said(s3.delete_bucket_lifecycle().bucket("data").send().await)),
        (
            "B28 none to show",
            "NoSuchLifecycleConfiguration 404 BucketName=data",
            s3.said(s3.get_bucket_lifecycle_configuration().bucket("data").send().await),
        ),
    ]);
}

#[tokio::test(start_paused = true)]
async fn buckets_and_their_places() {
    let emulator = Emulator::in_memory();
    let (s3, first) = (S3::of(&emulator, REGION), S3::of(&emulator, FIRST));
    let ireland = S3::of(&emulator, "eu-west-1");
    let tagged = CreateBucketConfiguration::builder().tags(tag("a", "b")).build();
    let nothing = CreateBucketConfiguration::builder().build();
    let made = async |s3: &S3, place: &str, name: &str| s3.said(s3.create(place, name).send().await);
    let unsaid = async |s3: &S3, name: &str| s3.said(s3.create_bucket().bucket(name).send().await);
    let with = async |s3: &S3, name: &str, configuration: &CreateBucketConfiguration| {
        let call = s3.create_bucket().bucket(name).create_bucket_configuration(configuration.clone());
        s3.said(call.send().await)
    };
    let place = async |s3: &S3, name: &str| {
        let answer = s3.get_bucket_location().bucket(name).send().await.unwrap();
        answer.location_constraint().map(|place| place.as_str().to_owned()).unwrap_or_default()
    };
    let owned = s3.create(REGION, "owned").object_ownership(ObjectOwnership::from("Everybody"));
    let listed = s3.create(REGION, "listed").acl(BucketCannedAcl::from("everybody"));
    let (illegal, invalid) = ("IllegalLocationConstraintException 400", |place: &str| {
        format!("InvalidLocationConstraint 400 LocationConstraint={place}")
    });
    check([
        ("C32 the first region says no name", &*invalid(FIRST), made(&first, FIRST, "one").await),
        ("C32 no region at all", &invalid("nowhere"), made(&first, "nowhere", "one").await),
        ("C32 no region, asked elsewhere", illegal, made(&s3, "nowhere", "one").await),
        ("C32 another region", illegal, made(&s3, "eu-west-1", "one").await),
        ("C32 the first region, asked elsewhere", illegal, made(&s3, FIRST, "one").await),
        ("C32 no place", illegal, unsaid(&s3, "one").await),
        ("K32 a document that says nothing", "MalformedXML 400", with(&first, "one", &nothing).await),
        ("K32 the right place", "ok 200", made(&s3, REGION, "one").await),
        ("B27 a region's old name", "ok 200", made(&ireland, "EU", "old").await),
        ("B27 reads back", "EU", place(&ireland, "old").await),
        ("K27 the region's own name reads back", REGION, place(&s3, "one").await),
        ("A10 a bucket with tags", "ok 200", with(&first, "mine", &tagged).await),
        (
            "A10 once more with tags",
            "BucketAlreadyOwnedByYou 409 BucketName=mine",
            with(&first, "mine", &tagged).await,
        ),
        ("A10 once more without", "ok 200", unsaid(&first, "mine").await),
        (
            "B28 once more elsewhere",
            "BucketAlreadyOwnedByYou 409 BucketName=one",
            made(&s3, REGION, "one").await,
        ),
        ("B28 a name that is none", "InvalidBucketName 400 BucketName=A_b", made(&s3, REGION, "A_b").await),
        (
            "C33 an ownership that is none",
            "InvalidArgument 400 ArgumentName=x-amz-object-ownership ArgumentValue=Everybody",
            s3.said(owned.send().await),
        ),
        (
            "C33 a list that is none",
            "InvalidArgument 400 ArgumentName=x-amz-acl ArgumentValue=everybody",
            s3.said(listed.send().await),
        ),
    ]);
}

#[tokio::test(start_paused = true)]
async fn redirects_and_listings_name_the_region() {
    let emulator = Emulator::in_memory();
    let (s3, first) = (S3::of(&emulator, REGION), S3::of(&emulator, FIRST));
    s3.create(REGION, "data").send().await.unwrap();
    let moved = format!("PermanentRedirect 301 Endpoint=data.s3-{REGION}.amazonaws.com Bucket=data");
    let region = |s3: &S3, said: String| format!("{said} [{}]", s3.wire.header("x-amz-bucket-region"));
    check([
        (
            "B15 a redirect",
            &*format!("{moved} [{REGION}]"),
            region(&first, first.said(first.get_bucket_policy().bucket("data").send().await)),
        ),
        (
            "B15 of an object",
            &format!("{moved} [{REGION}]"),
            region(&first, first.said(first.get_object().bucket("data").key("k").send().await)),
        ),
        (
            "B15 of a head",
            &format!("none 301 [{REGION}]"),
            region(&first, first.said(first.head_bucket().bucket("data").send().await)),
        ),
        (
            "B15 a listing",
            &format!("ok 200 [{REGION}]"),
            region(&s3, s3.said(s3.list_objects_v2().bucket("data").send().await)),
        ),
    ]);
}

#[tokio::test(start_paused = true)]
async fn settings_of_buckets() {
    let s3 = S3::with_bucket().await;
    let policy = async |bucket: &str, text: &str| {
        s3.said(s3.put_bucket_policy().bucket(bucket).policy(text).send().await)
    };
    let sound = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"s3:*","Resource":"arn:aws:s3:::data"}}"#;
    let encryption = async |bucket: &str, algorithms: &[&str]| {
        let rule = |algorithm: &&str| {
            let algorithm = ServerSideEncryption::from(*algorithm);
            let default = ServerSideEncryptionByDefault::builder().sse_algorithm(algorithm).build().unwrap();
            ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build()
        };
        let rules = algorithms.iter().map(rule).collect();
        let rules = ServerSideEncryptionConfiguration::builder().set_rules(Some(rules)).build().unwrap();
        let call = s3.put_bucket_encryption().bucket(bucket);
        s3.said(call.server_side_encryption_configuration(rules).send().await)
    };
    let owner = async |owner: &str| {
        s3.said(s3.get_bucket_policy().bucket("data").expected_bucket_owner(owner).send().await)
    };
    let nothing = PublicAccessBlockConfiguration::builder().build();
    let nothing = s3.put_public_access_block().bucket("data").public_access_block_configuration(nothing);
    let tag_of = |key: &str| format!("InvalidTag 400 TagKey={key}");
    let no_bucket = "NoSuchBucket 404 BucketName=none";
    check([
        ("B27 a policy", "ok 204", policy("data", sound).await),
        ("C33 an empty policy", "MalformedPolicy 400", policy("data", "").await),
        (
            "K33 one that begins with a space",
            "MalformedPolicy 400",
            policy("data", &format!(" {sound}")).await,
        ),
        ("K33 an empty one for no bucket", no_bucket, policy("none", "").await),
        ("C33 encryption of no bucket", no_bucket, encryption("none", &[]).await),
        ("K33 with what is none", no_bucket, encryption("none", &["aws:none"]).await),
        ("K33 no rules", "MalformedXML 400", encryption("data", &[]).await),
        ("K33 two rules", "MalformedXML 400", encryption("data", &["AES256", "AES256"]).await),
        ("K33 an algorithm that is none", "MalformedXML 400", encryption("data", &["aws:none"]).await),
        ("C33 an owner that is no account", "InvalidBucketOwnerAWSAccountID 400", owner("abcd").await),
        ("C33 an owner of 13 digits", "InvalidBucketOwnerAWSAccountID 400", owner("0000000000020").await),
        ("K33 another owner", "AccessDenied 403", owner("111111111111").await),
        ("K33 the owner", "ok 200", owner("123456789012").await),
        ("K33 access blocked by nothing", "InvalidRequest 400", s3.said(nothing.send().await)),
        ("B27 tags", "ok 204", s3.tags(&[("a b", "x_.:/=+-@é1")]).await),
        ("A10 a comma in a key", &tag_of("a,b"), s3.tags(&[("a,b", "1")]).await),
        ("A10 one in a value", &format!("{} TagValue=1,2", tag_of("a")), s3.tags(&[("a", "1,2")]).await),
        ("K10 a key given twice", &tag_of("a"), s3.tags(&[("a", "1"), ("a", "2")]).await),
        ("K10 a reserved key", &tag_of("aws:a"), s3.tags(&[("aws:a", "1")]).await),
        ("K10 no key", &tag_of(""), s3.tags(&[("", "1")]).await),
        ("K10 no tags", "ok 204", s3.tags(&[]).await),
        (
            "B28 none to show",
            "NoSuchTagSet 404 BucketName=data",
            s3.said(s3.get_bucket_tagging().bucket("data").send().await),
        ),
        ("B28 no policy any more", "ok 204", s3.said(s3.delete_bucket_policy().bucket("data").send().await)),
        (
            "B28 none to show",
            "NoSuchBucketPolicy 404 BucketName=data",
            s3.said(s3.get_bucket_policy().bucket("data").send().await),
        ),
        (
            "B28 a bucket that is not there",
            no_bucket,
            s3.said(s3.get_bucket_tagging().bucket("none").send().await),
        ),
        (
            "B28 access that is not blocked",
            "ok 204",
            s3.said(s3.delete_public_access_block().bucket("data").send().await),
        ),
        (
            "B28 nothing to show of it",
            "NoSuchPublicAccessBlockConfiguration 404 BucketName=data",
            s3.said(s3.get_public_access_block().bucket("data").send().await),
        ),
        (
            "B28 no ownership",
            "ok 204",
            s3.said(s3.delete_bucket_ownership_controls().bucket("data").send().await),
        ),
        (
            "B28 nothing to show of it",
            "OwnershipControlsNotFoundError 404 BucketName=data",
            s3.said(s3.get_bucket_ownership_controls().bucket("data").send().await),
        ),
        ("B28 an object", "ok 200", s3.said(s3.put("k").send().await)),
        (
            "B28 a bucket that is not empty",
            "BucketNotEmpty 409 BucketName=data",
            s3.said(s3.delete_bucket().bucket("data").send().await),
        ),
    ]);
}

#[tokio::test(start_paused = true)]
async fn listings() {
    let s3 = S3::with_bucket().await;
    s3.put("a/1").send().await.unwrap();
    s3.put("b").send().await.unwrap();
    let invalid =
        |name: &str, value: &str| format!("InvalidArgument 400 ArgumentName={name} ArgumentValue={value}");
    let objects = || s3.list_objects_v2().bucket("data");
    let versions = || s3.list_object_versions().bucket("data");
    let named = s3.list_buckets().send().await.unwrap().buckets()[0].bucket_region().is_some();
    let asked = s3.list_buckets().prefix("d").send().await.unwrap();
    let asked = asked.buckets()[0].bucket_region().unwrap_or_default().to_owned();
    let none = objects().max_keys(0).send().await.unwrap();
    let page = versions().delimiter("/").max_keys(1).send().await.unwrap();
    let prefixes: Vec<_> = page.common_prefixes().iter().filter_map(|prefix| prefix.prefix()).collect();
    let next = versions().delimiter("/").set_key_marker(page.next_key_marker.clone()).send().await.unwrap();
    let next: Vec<_> = next.versions().iter().filter_map(|version| version.key()).collect();
    let old = s3.list_objects().bucket("data").delimiter("/").max_keys(1).send().await.unwrap();
    let old_prefixes: Vec<_> = old.common_prefixes().iter().filter_map(|prefix| prefix.prefix()).collect();
    let marker = old.next_marker().unwrap_or_default();
    let old_next = s3.list_objects().bucket("data").delimiter("/").marker(marker).send().await.unwrap();
    let old_region = s3.wire.header("x-amz-bucket-region");
    let old_keys: Vec<_> = old_next.contents().iter().filter_map(|object| object.key()).collect();
    let old_owner = old_next.contents()[0].owner().is_some();
    let shown = objects().send().await.unwrap().contents()[0].clone();
    let version = versions().send().await.unwrap().versions()[0].clone();
    check([
        (
            "A14 a region that is none",
            &*invalid("bucket-region", "nowhere-1"),
            s3.said(s3.list_buckets().bucket_region("nowhere-1").send().await),
        ),
        (
            "A14 an empty token",
            &invalid("continuation-token", ""),
            s3.said(objects().continuation_token("").send().await),
        ),
        (
            "A14 an empty token for buckets",
            &invalid("continuation-token", ""),
            s3.said(s3.list_buckets().continuation_token("").send().await),
        ),
        (
            "K14 a page of no buckets",
            &invalid("max-buckets", "0"),
            s3.said(s3.list_buckets().max_buckets(0).send().await),
        ),
        (
            "K14 a version without a key",
            &invalid("version-id-marker", "x"),
            s3.said(versions().version_id_marker("x").send().await),
        ),
        (
            "C33 an encoding that is none",
            &invalid("encoding-type", "xml"),
            s3.said(objects().encoding_type(EncodingType::from("xml")).send().await),
        ),
        ("K14 no region unless something is asked", "false", named.to_string()),
        ("K14 the region otherwise", REGION, asked),
        ("K14 a page of nothing has no next", "Some(false)", format!("{:?}", none.is_truncated())),
        ("K15 the old form names the region", REGION, old_region),
        (
            "K14 and goes on after its marker",
            "a/ then b true",
            format!("{} then {} {old_owner}", old_prefixes.join(" "), old_keys.join(" ")),
        ),
        ("K14 versions by delimiter", "a/ then b", format!("{} then {}", prefixes.join(" "), next.join(" "))),
        (
            "B27 checksums of objects",
            "[Crc32] Some(FullObject)",
            format!("{:?} {:?}", shown.checksum_algorithm(), shown.checksum_type()),
        ),
        (
            "B27 checksums of versions",
            "[Crc32] Some(FullObject)",
            format!("{:?} {:?}", version.checksum_algorithm(), version.checksum_type()),
        ),
    ]);
}
