//! S3 buckets and their settings.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    BlockedEncryptionTypes, BucketCannedAcl, BucketLifecycleConfiguration, BucketLocationConstraint,
    BucketVersioningStatus, CreateBucketConfiguration, EncryptionType, ExpirationStatus, LifecycleExpiration,
    LifecycleRule, LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration,
    NoncurrentVersionTransition, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging, Transition,
    TransitionStorageClass, VersioningConfiguration,
};
use emulator::Emulator;

use crate::rows::check;
use crate::support::{REGION, code, config};

fn client(emulator: &Emulator, region: &str) -> Client {
    Client::new(&config(emulator, region))
}

fn in_region(region: &str) -> CreateBucketConfiguration {
    let constraint = BucketLocationConstraint::from(region);
    CreateBucketConfiguration::builder().location_constraint(constraint).build()
}

async fn create(s3: &Client, name: &str) -> String {
    code(s3.create_bucket().bucket(name).create_bucket_configuration(in_region(REGION)).send().await)
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

fn tagging(tags: Vec<Tag>) -> Tagging {
    Tagging::builder().set_tag_set(Some(tags)).build().unwrap()
}

pub(crate) fn encryption(
    algorithm: ServerSideEncryption,
    key: Option<&str>,
) -> ServerSideEncryptionConfiguration {
    let default = ServerSideEncryptionByDefault::builder().sse_algorithm(algorithm);
    let default = default.set_kms_master_key_id(key.map(str::to_owned)).build().unwrap();
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default);
    let rule = rule.bucket_key_enabled(key.is_some()).build();
    ServerSideEncryptionConfiguration::builder().rules(rule).build().unwrap()
}

fn ownership(ownership: ObjectOwnership) -> OwnershipControls {
    let rule = OwnershipControlsRule::builder().object_ownership(ownership).build().unwrap();
    OwnershipControls::builder().rules(rule).build().unwrap()
}

fn rule() -> aws_sdk_s3::types::builders::LifecycleRuleBuilder {
    let filter = LifecycleRuleFilter::builder().prefix("").build();
    LifecycleRule::builder().id("old").status(ExpirationStatus::Enabled).filter(filter)
}

fn after(days: i32) -> LifecycleExpiration {
    LifecycleExpiration::builder().days(days).build()
}

fn lifecycle(rules: Vec<LifecycleRule>) -> BucketLifecycleConfiguration {
    BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_new_bucket_is_private_and_encrypted() {
    let emulator = Emulator::in_memory();
    let s3 = client(&emulator, REGION);
    let call = s3.create_bucket().bucket("logs").create_bucket_configuration(in_region(REGION));
    let made = call.send().await.unwrap();
    assert_eq!(made.location(), Some("http://logs.s3.amazonaws.com/"));
    let head = s3.head_bucket().bucket("logs").send().await.unwrap();
    assert_eq!(head.bucket_region(), Some(REGION));
    let location = s3.get_bucket_location().bucket("logs").send().await.unwrap();
    assert_eq!(location.location_constraint(), Some(&BucketLocationConstraint::from(REGION)));
    let found = s3.get_bucket_encryption().bucket("logs").send().await.unwrap();
    let rule = &found.server_side_encryption_configuration().unwrap().rules()[0];
    let algorithm = rule.apply_server_side_encryption_by_default().unwrap().sse_algorithm();
    assert_eq!(algorithm, &ServerSideEncryption::Aes256);
    let found = s3.get_public_access_block().bucket("logs").send().await.unwrap();
    let block = found.public_access_block_configuration().unwrap();
    assert_eq!((block.block_public_policy(), block.restrict_public_buckets()), (Some(true), Some(true)));
    let found = s3.get_bucket_ownership_controls().bucket("logs").send().await.unwrap();
    let rules = found.ownership_controls().unwrap().rules();
    assert_eq!(rules[0].object_ownership(), &ObjectOwnership::BucketOwnerEnforced);
    assert_eq!(s3.get_bucket_versioning().bucket("logs").send().await.unwrap().status(), None);
    let listed = s3.list_buckets().send().await.unwrap();
    assert_eq!(listed.buckets()[0].name(), Some("logs"));
    let missing = [
        code(s3.get_bucket_tagging().bucket("logs").send().await),
        code(s3.get_bucket_policy().bucket("logs").send().await),
        code(s3.get_bucket_lifecycle_configuration().bucket("logs").send().await),
    ];
    assert_eq!(missing, ["NoSuchTagSet", "NoSuchBucketPolicy", "NoSuchLifecycleConfiguration"]);
    let objects = emulator.objects().await.unwrap();
    assert_eq!((objects[0].kind.as_str(), objects[0].id.as_str()), ("AWS::S3::Bucket", "logs"));
    assert_eq!(objects[0].region, REGION);
}

#[tokio::test(start_paused = true)]
async fn settings_come_back_and_go() {
    let emulator = Emulator::in_memory();
    let s3 = client(&emulator, REGION);
    assert_eq!(create(&s3, "logs").await, "ok");

    let tags = vec![tag("Author", "Zoë"), tag("Name", "x")];
    s3.put_bucket_tagging().bucket("logs").tagging(tagging(tags.clone())).send().await.unwrap();
    let found = s3.get_bucket_tagging().bucket("logs").send().await.unwrap();
    assert_eq!(found.tag_set(), tags);
    s3.delete_bucket_tagging().bucket("logs").send().await.unwrap();
    assert_eq!(code(s3.get_bucket_tagging().bucket("logs").send().await), "NoSuchTagSet");

    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3.put_bucket_versioning().bucket("logs").versioning_configuration(enabled).send().await.unwrap();
    let found = s3.get_bucket_versioning().bucket("logs").send().await.unwrap();
    assert_eq!(found.status(), Some(&BucketVersioningStatus::Enabled));

    let given = encryption(ServerSideEncryption::AwsKms, Some("alias/data"));
    let put = s3.put_bucket_encryption().bucket("logs").server_side_encryption_configuration(given.clone());
    put.send().await.unwrap();
    let found = s3.get_bucket_encryption().bucket("logs").send().await.unwrap();
    assert_eq!(found.server_side_encryption_configuration(), Some(&given));
    s3.delete_bucket_encryption().bucket("logs").send().await.unwrap();
    let found = s3.get_bucket_encryption().bucket("logs").send().await.unwrap();
    assert_ne!(found.server_side_encryption_configuration(), Some(&given));

    let block = PublicAccessBlockConfiguration::builder().block_public_acls(true).ignore_public_acls(false);
    let block = block.block_public_policy(false).restrict_public_buckets(false).build();
    let put = s3.put_public_access_block().bucket("logs").public_access_block_configuration(block.clone());
    put.send().await.unwrap();
    let found = s3.get_public_access_block().bucket("logs").send().await.unwrap();
    assert_eq!(found.public_access_block_configuration(), Some(&block));
    s3.delete_public_access_block().bucket("logs").send().await.unwrap();
    let gone = s3.get_public_access_block().bucket("logs").send().await;
    assert_eq!(code(gone), "NoSuchPublicAccessBlockConfiguration");

    let preferred = ownership(ObjectOwnership::BucketOwnerPreferred);
    let put = s3.put_bucket_ownership_controls().bucket("logs").ownership_controls(preferred.clone());
    put.send().await.unwrap();
    let found = s3.get_bucket_ownership_controls().bucket("logs").send().await.unwrap();
    assert_eq!(found.ownership_controls(), Some(&preferred));
    s3.delete_bucket_ownership_controls().bucket("logs").send().await.unwrap();
    let gone = s3.get_bucket_ownership_controls().bucket("logs").send().await;
    assert_eq!(code(gone), "OwnershipControlsNotFoundError");

    let old = NoncurrentVersionExpiration::builder().noncurrent_days(30).build();
    let glacier = Transition::builder().days(90).storage_class(TransitionStorageClass::Glacier).build();
    let rule = rule().expiration(after(2557)).noncurrent_version_expiration(old).transitions(glacier);
    let given = lifecycle(vec![rule.build().unwrap()]);
    let put = s3.put_bucket_lifecycle_configuration().bucket("logs").lifecycle_configuration(given.clone());
    put.send().await.unwrap();
    let found = s3.get_bucket_lifecycle_configuration().bucket("logs").send().await.unwrap();
    assert_eq!(found.rules(), given.rules());
    s3.delete_bucket_lifecycle().bucket("logs").send().await.unwrap();
    let gone = s3.get_bucket_lifecycle_configuration().bucket("logs").send().await;
    assert_eq!(code(gone), "NoSuchLifecycleConfiguration");
}

#[tokio::test(start_paused = true)]
async fn what_rules_leave_out_and_move_comes_back_until_other_rules_are_put() {
    let emulator = Emulator::in_memory();
    let s3 = client(&emulator, REGION);
    assert_eq!(create(&s3, "logs").await, "ok");
    let both = LifecycleRuleAndOperator::builder().prefix("AWSLogs/").tags(tag("keep", "no"));
    let both = both.object_size_greater_than(1024).object_size_less_than(1 << 20).build();
    let old = NoncurrentVersionExpiration::builder().noncurrent_days(30).newer_noncurrent_versions(5).build();
    let moved = NoncurrentVersionTransition::builder().noncurrent_days(7).newer_noncurrent_versions(2);
    let moved = moved.storage_class(TransitionStorageClass::GlacierIr).build();
    let given = rule().filter(LifecycleRuleFilter::builder().and(both).build()).expiration(after(2557));
    let given = given.noncurrent_version_expiration(old).noncurrent_version_transitions(moved);
    let given = lifecycle(vec![given.build().unwrap()]);
    let put = async |rules: &BucketLifecycleConfiguration| {
        let put = s3.put_bucket_lifecycle_configuration().bucket("logs");
        put.lifecycle_configuration(rules.clone()).send().await.unwrap();
        s3.get_bucket_lifecycle_configuration().bucket("logs").send().await.unwrap().rules.unwrap()
    };
    assert_eq!(put(&given).await, given.rules());
    let plain = lifecycle(vec![rule().expiration(after(2557)).build().unwrap()]);
    assert_eq!(put(&plain).await, plain.rules());
}

#[tokio::test(start_paused = true)]
async fn an_encryption_that_is_put_replaces_bucket_keys_and_what_is_blocked() {
    let emulator = Emulator::in_memory();
    let s3 = client(&emulator, REGION);
    assert_eq!(create(&s3, "logs").await, "ok");
    let put = async |rule: ServerSideEncryptionRule| {
        let given = ServerSideEncryptionConfiguration::builder().rules(rule).build().unwrap();
        let put = s3.put_bucket_encryption().bucket("logs").server_side_encryption_configuration(given);
        put.send().await.unwrap();
        let found = s3.get_bucket_encryption().bucket("logs").send().await.unwrap();
        found.server_side_encryption_configuration.unwrap().rules.remove(0)
    };
    let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256);
    let plain = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default.build().unwrap())
        .bucket_key_enabled(false)
        .build();
    let blocked = BlockedEncryptionTypes::builder().encryption_type(EncryptionType::SseC).build();
    let mut more = plain.clone();
    (more.bucket_key_enabled, more.blocked_encryption_types) = (Some(true), Some(blocked));
    assert_eq!(put(more.clone()).await, more);
    assert_eq!(put(plain.clone()).await, plain);
}

#[tokio::test(start_paused = true)]
async fn rules_of_buckets() {
    let emulator = Emulator::in_memory();
    let s3 = client(&emulator, REGION);
    let first = client(&emulator, "us-east-1");
    let constrained = async |s3: &Client, name: &str, region: &str| {
        code(s3.create_bucket().bucket(name).create_bucket_configuration(in_region(region)).send().await)
    };
    let unconstrained = async |s3: &Client, name: &str| code(s3.create_bucket().bucket(name).send().await);
    let public = s3.create_bucket().bucket("public").acl(BucketCannedAcl::PublicRead);
    let public = public.create_bucket_configuration(in_region(REGION)).send().await;
    let expected = s3.delete_bucket().bucket("taken").expected_bucket_owner("111111111111");
    let (illegal, taken) = ("IllegalLocationConstraintException", "BucketAlreadyOwnedByYou");
    check([
        ("two characters", "InvalidBucketName", create(&s3, "ab").await),
        ("a capital letter", "InvalidBucketName", create(&s3, "Logs").await),
        ("an address", "InvalidBucketName", create(&s3, "10.0.0.1").await),
        ("no region", illegal, unconstrained(&s3, "taken").await),
        ("another region", illegal, constrained(&s3, "taken", "eu-west-1").await),
        (
            "the first region by name",
            "InvalidLocationConstraint",
            constrained(&first, "taken", "us-east-1").await,
        ),
        ("a new bucket", "ok", create(&s3, "taken").await),
        ("the same again", taken, create(&s3, "taken").await),
        ("its name in another region", taken, unconstrained(&first, "taken").await),
        ("in the first region", "ok", unconstrained(&first, "first").await),
        ("the same again there", "ok", unconstrained(&first, "first").await),
        ("from the first region elsewhere", "ok", constrained(&first, "far", "eu-west-1").await),
        ("a list that lets everybody in", "InvalidBucketAclWithObjectOwnership", code(public)),
        (
            "a bucket that is not there",
            "NoSuchBucket",
            code(s3.get_bucket_location().bucket("none").send().await),
        ),
        ("its head", "NotFound", code(s3.head_bucket().bucket("none").send().await)),
        (
            "from another region",
            "PermanentRedirect",
            code(first.get_bucket_policy().bucket("taken").send().await),
        ),
        ("another owner", "AccessDenied", code(expected.send().await)),
        ("deleting it", "ok", code(s3.delete_bucket().bucket("taken").send().await)),
        ("deleting it twice", "NoSuchBucket", code(s3.delete_bucket().bucket("taken").send().await)),
        ("its name is free", "ok", create(&s3, "taken").await),
    ]);
    let listed = s3.list_buckets().bucket_region("eu-west-1").send().await.unwrap();
    assert_eq!(listed.buckets().iter().map(|b| b.name().unwrap()).collect::<Vec<_>>(), ["far"]);
    let nowhere = first.get_bucket_location().bucket("first").send().await.unwrap();
    assert_eq!(nowhere.location_constraint().map(BucketLocationConstraint::as_str).unwrap_or_default(), "");
}

#[tokio::test(start_paused = true)]
async fn rules_of_settings() {
    let s3 = client(&Emulator::in_memory(), REGION);
    assert_eq!(create(&s3, "logs").await, "ok");
    let tags = async |tags: Vec<Tag>| {
        code(s3.put_bucket_tagging().bucket("logs").tagging(tagging(tags)).send().await)
    };
    let encrypt = async |algorithm: ServerSideEncryption, key: Option<&str>| {
        let call = s3.put_bucket_encryption().bucket("logs");
        code(call.server_side_encryption_configuration(encryption(algorithm, key)).send().await)
    };
    let expire = async |rules: Vec<LifecycleRule>| {
        let call = s3.put_bucket_lifecycle_configuration().bucket("logs");
        code(call.lifecycle_configuration(lifecycle(rules)).send().await)
    };
    let soon = Transition::builder().days(29).storage_class(TransitionStorageClass::StandardIa).build();
    let late = Transition::builder().days(90).storage_class(TransitionStorageClass::Glacier).build();
    let sound = rule().expiration(after(1)).build().unwrap();
    let nameless = LifecycleRule::builder().id("n").status(ExpirationStatus::Enabled).expiration(after(1));
    let versioning = s3.put_bucket_versioning().bucket("logs");
    let versioning = versioning.versioning_configuration(VersioningConfiguration::builder().build());
    let invalid = "InvalidArgument";
    check([
        ("a key given twice", "InvalidTag", tags(vec![tag("a", "1"), tag("a", "2")]).await),
        ("a reserved tag", "InvalidTag", tags(vec![tag("aws:a", "1")]).await),
        ("51 tags", "BadRequest", tags((0..51).map(|n| tag(&n.to_string(), "")).collect()).await),
        ("a key without KMS", invalid, encrypt(ServerSideEncryption::Aes256, Some("alias/a")).await),
        (
            "versioning without a status",
            "IllegalVersioningConfigurationException",
            code(versioning.send().await),
        ),
        ("a rule without an action", "InvalidRequest", expire(vec![rule().build().unwrap()]).await),
        ("a rule without a filter", "MalformedXML", expire(vec![nameless.build().unwrap()]).await),
        ("two rules of one name", invalid, expire(vec![sound.clone(), sound.clone()]).await),
        ("after no day", invalid, expire(vec![rule().expiration(after(0)).build().unwrap()]).await),
        (
            "infrequent access too soon",
            invalid,
            expire(vec![rule().transitions(soon).build().unwrap()]).await,
        ),
        (
            "moved after it is gone",
            invalid,
            expire(vec![rule().transitions(late).expiration(after(90)).build().unwrap()]).await,
        ),
        ("a sound rule", "ok", expire(vec![sound]).await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn rules_of_bucket_policies() {
    let emulator = Emulator::in_memory();
    let s3 = client(&emulator, REGION);
    assert_eq!(create(&s3, "logs").await, "ok");
    let put = async |text: &str| code(s3.put_bucket_policy().bucket("logs").policy(text).send().await);
    let policy = |principal: &str, action: &str, resource: &str, condition: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"{action}","Resource":"arn:aws:s3:::{resource}","Condition":{condition}}}]}}"#
        )
    };
    let delivery = r#"{"Service":"logdelivery.elasticloadbalancing.amazonaws.com"}"#;
    let account = r#"{"StringEquals":{"aws:SourceAccount":"123456789012"}}"#;
    let sound = policy(delivery, "s3:PutObject", "logs/AWSLogs/123456789012/*", account);
    let everyone = policy("\"*\"", "s3:GetObject", "logs/*", "{}");
    let none = r#"{"AWS":"arn:aws:iam::123456789012:role/none"}"#;
    let secure = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::logs","arn:aws:s3:::logs/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;
    let malformed = "MalformedPolicy";
    check([
        ("no JSON", malformed, put("nonsense").await),
        ("no principal", malformed, put(&sound.replace(&format!(r#""Principal":{delivery},"#), "")).await),
        (
            "a principal that is not there",
            malformed,
            put(&policy(none, "s3:GetObject", "logs/*", "{}")).await,
        ),
        ("another bucket", malformed, put(&policy(delivery, "s3:PutObject", "other/*", "{}")).await),
        (
            "an action on objects for the bucket",
            malformed,
            put(&policy(delivery, "s3:PutObject", "logs", "{}")).await,
        ),
        (
            "an action on the bucket for objects",
            malformed,
            put(&policy(delivery, "s3:ListBucket", "logs/*", "{}")).await,
        ),
        (
            "an action of another service",
            malformed,
            put(&policy(delivery, "sns:Publish", "logs/*", "{}")).await,
        ),
        ("everybody", "AccessDenied", put(&everyone).await),
        ("everybody refused", "ok", put(secure).await),
        ("a service", "ok", put(&sound).await),
    ]);
    let found = s3.get_bucket_policy().bucket("logs").send().await.unwrap();
    assert_eq!(found.policy(), Some(sound.as_str()));
    let kinds: Vec<_> = emulator.objects().await.unwrap().into_iter().map(|object| object.kind).collect();
    assert_eq!(kinds, ["AWS::S3::Bucket", "AWS::S3::BucketPolicy"]);
    s3.delete_bucket_policy().bucket("logs").send().await.unwrap();
    s3.delete_public_access_block().bucket("logs").send().await.unwrap();
    assert_eq!(put(&everyone).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn settings_of_a_bucket_of_a_moment_ago_may_not_find_it() {
    let mut waits = Vec::new();
    for seed in 0..8 {
        let s3 = client(&Emulator::builder().latency(1.0).seed(seed).in_memory(), REGION);
        assert_eq!(create(&s3, "logs").await, "ok");
        assert_eq!(code(s3.head_bucket().bucket("logs").send().await), "ok");
        let block = || {
            let block = PublicAccessBlockConfiguration::builder().block_public_acls(true).build();
            s3.put_public_access_block().bucket("logs").public_access_block_configuration(block)
        };
        let start = tokio::time::Instant::now();
        loop {
            match code(block().send().await).as_str() {
                "ok" => break,
                answer => assert_eq!(answer, "NoSuchBucket"),
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        waits.push(start.elapsed().as_secs());
    }
    assert!(waits.iter().any(|wait| *wait > 30) && waits.iter().all(|wait| *wait <= 40), "{waits:?}");
}
