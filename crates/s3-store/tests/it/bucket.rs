//! The bucket for states, made and brought back to what it must be.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    ServerSideEncryption, Tag, Tagging, VersioningConfiguration,
};
use emulator::{Counted, Emulator, Fault, FaultPlan, Moment, When};
use s3_store::{BucketError, BucketWish, StateBucket};
use testing::{ACCOUNT, REGION};

use crate::place::BUCKET;

const KEY: &str = "arn:aws:kms:ap-southeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn wish() -> BucketWish {
    BucketWish {
        name: BUCKET.to_owned(),
        region: REGION.to_owned(),
        account_id: ACCOUNT.to_owned(),
        partition: "aws".to_owned(),
        project: "payment".to_owned(),
        prefix: "payment".to_owned(),
        kms_key_arn: None,
        unusable_key: None,
        history_days: 2557,
        protect: None,
        tags: [("Author".to_owned(), "ada".to_owned())].into(),
    }
}

fn bucket(emulator: &Emulator, wish: BucketWish) -> StateBucket {
    let region = aws_sdk_s3::config::Region::new(wish.region.clone());
    StateBucket::new(&testing::config(emulator).into_builder().region(region).build(), wish)
}

fn client(emulator: &Emulator) -> Client {
    Client::new(&testing::config(emulator))
}

/// Makes everything that differs; what that was.
async fn make(bucket: &StateBucket) -> Result<Vec<&'static str>, BucketError> {
    if !bucket.look().await?.exists {
        bucket.create().await?;
    }
    let changes = bucket.look().await?.changes;
    for change in &changes {
        bucket.make(change).await?;
    }
    Ok(changes.iter().map(|change| change.what).collect())
}

async fn what_differs(emulator: &Emulator, wish: BucketWish) -> Vec<&'static str> {
    bucket(emulator, wish).look().await.unwrap().changes.iter().map(|change| change.what).collect()
}

fn changes(emulator: &Emulator) -> Vec<String> {
    let calls = emulator.calls();
    let changing = calls.iter().filter(|call| !call.operation.starts_with("Get"));
    let changing =
        changing.filter(|call| !["HeadBucket", "ListObjectsV2"].contains(&call.operation.as_str()));
    changing.map(|call| call.operation.clone()).collect()
}

/// A bucket that somebody made by hand.
async fn theirs(emulator: &Emulator) {
    let region = BucketLocationConstraint::from(REGION);
    let region = CreateBucketConfiguration::builder().location_constraint(region).build();
    let call = client(emulator).create_bucket().bucket(BUCKET).create_bucket_configuration(region);
    call.send().await.unwrap();
}

async fn set_tags(emulator: &Emulator, tags: &[(&str, &str)]) {
    let tag = |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build().unwrap();
    let tagging = Tagging::builder().set_tag_set(Some(tags.iter().map(tag).collect())).build().unwrap();
    client(emulator).put_bucket_tagging().bucket(BUCKET).tagging(tagging).send().await.unwrap();
}

#[tokio::test]
async fn a_bucket_is_made_as_it_must_be_and_then_left_alone() {
    let emulator = Emulator::in_memory();
    let wished = bucket(&emulator, wish());
    let look = wished.look().await.unwrap();
    assert!(!look.exists && changes(&emulator).is_empty());
    let made = make(&wished).await.unwrap();
    assert_eq!(made, ["versioning", "lifecycle", "policy"]);
    let look = wished.look().await.unwrap();
    assert!(look.exists && look.is_ours && look.is_empty && look.changes.is_empty(), "{look:?}");
    emulator.clear_calls();
    assert_eq!(make(&wished).await.unwrap(), Vec::<&str>::new());
    assert_eq!(changes(&emulator), Vec::<String>::new());

    let s3 = client(&emulator);
    let policy = s3.get_bucket_policy().bucket(BUCKET).send().await.unwrap().policy.unwrap();
    assert!(policy.contains(r#""aws:SecureTransport":"false""#), "{policy}");
    assert!(!policy.contains("Allow"), "{policy}");
    let tags = s3.get_bucket_tagging().bucket(BUCKET).send().await.unwrap();
    let tags: Vec<_> = tags.tag_set().iter().map(|tag| (tag.key(), tag.value())).collect();
    for tag in [("Author", "ada"), ("stack:project", "payment"), ("stack:address", "state/bucket")] {
        assert!(tags.contains(&tag), "{tags:?}");
    }
    // A state can be kept in it.
    let location = s3_store::Location {
        bucket: BUCKET.to_owned(),
        prefix: "payment/dev".to_owned(),
        account_id: Some(ACCOUNT.to_owned()),
        kms_key_arn: None,
    };
    let store = s3_store::S3Store::new(&testing::config(&emulator), location);
    store.check().await.unwrap();
    store.probe().await.unwrap();
}

/// What somebody wishes otherwise.
type Otherwise = fn(&mut BucketWish);

#[tokio::test]
async fn only_what_differs_is_set_again() {
    let emulator = Emulator::in_memory();
    make(&bucket(&emulator, wish())).await.unwrap();
    let s3 = client(&emulator);
    let off = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(off).send().await.unwrap();
    s3.delete_public_access_block().bucket(BUCKET).send().await.unwrap();
    emulator.clear_calls();
    assert_eq!(make(&bucket(&emulator, wish())).await.unwrap(), ["public access", "versioning"]);
    assert_eq!(changes(&emulator), ["PutPublicAccessBlock", "PutBucketVersioning"]);
    let mut wanted = wish();
    let steps: [(Otherwise, &str); 4] = [
        (|wish| wish.kms_key_arn = Some(KEY.to_owned()), "encryption"),
        (|wish| wish.history_days = 30, "lifecycle"),
        (|wish| wish.protect = Some(true), "policy"),
        (|wish| drop(wish.tags.insert("Owner".to_owned(), "bob".to_owned())), "tags"),
    ];
    for (step, what) in steps {
        step(&mut wanted);
        assert_eq!(make(&bucket(&emulator, wanted.clone())).await.unwrap(), [what]);
        assert_eq!(what_differs(&emulator, wanted.clone()).await, Vec::<&str>::new());
    }
    // Another environment's tags, a key that is not configured any more and a protection that nobody speaks of stay.
    let other = BucketWish { tags: [("Author".to_owned(), "bob".to_owned())].into(), ..wish() };
    assert_eq!(what_differs(&emulator, other).await, ["lifecycle"]);
    assert_eq!(what_differs(&emulator, wish()).await, ["lifecycle"]);
    assert_eq!(
        what_differs(&emulator, BucketWish { protect: Some(false), ..wish() }).await,
        ["lifecycle", "policy"]
    );
    let encryption = s3.get_bucket_encryption().bucket(BUCKET).send().await.unwrap();
    let rules = encryption.server_side_encryption_configuration.unwrap().rules;
    let default = rules[0].apply_server_side_encryption_by_default().unwrap();
    assert_eq!(
        (default.sse_algorithm(), rules[0].bucket_key_enabled()),
        (&ServerSideEncryption::AwsKms, Some(true))
    );
}

/// A key of KMS by default that somebody disabled, is about to delete, or has deleted.
#[tokio::test]
async fn a_default_key_that_cannot_be_used_gives_way_and_one_that_can_stays() {
    let emulator = Emulator::in_memory();
    let kms = aws_sdk_kms::Client::new(&testing::config(&emulator));
    let live = kms.create_key().send().await.unwrap().key_metadata.unwrap();
    let arn = live.arn.clone().unwrap();
    make(&bucket(&emulator, BucketWish { kms_key_arn: Some(arn.clone()), ..wish() })).await.unwrap();
    let found = async || bucket(&emulator, wish()).unusable_key().await.unwrap();
    assert_eq!(found().await, None);
    kms.disable_key().key_id(&arn).send().await.unwrap();
    assert_eq!(found().await.as_deref(), Some("KMS.DisabledException"));
    kms.schedule_key_deletion().key_id(&arn).pending_window_in_days(7).send().await.unwrap();
    assert_eq!(found().await.as_deref(), Some("KMS.KMSInvalidStateException"));
    emulator.advance(std::time::Duration::from_secs(8 * 86_400)).await.unwrap();
    let code = found().await;
    assert_eq!(code.as_deref(), Some("KMS.NotFoundException"));

    let wished = bucket(&emulator, BucketWish { unusable_key: code, ..wish() });
    let changes = wished.look().await.unwrap().changes;
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(change.from, format!("aws:kms with {arn}, which cannot be used (KMS.NotFoundException)"));
    assert!(
        change.to.starts_with("SSE-S3; what is encrypted with that key stays unreadable"),
        "{}",
        change.to
    );
    assert_eq!(make(&wished).await.unwrap(), ["encryption"]);
    assert_eq!(make(&wished).await.unwrap(), Vec::<&str>::new());
    assert_eq!(found().await, None);
    client(&emulator)
        .put_object()
        .bucket(BUCKET)
        .key("theirs")
        .body(b"x".to_vec().into())
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_shorter_history_is_shown_with_the_longer_one_and_what_is_lost() {
    let emulator = Emulator::in_memory();
    make(&bucket(&emulator, wish())).await.unwrap();
    let lifecycle = async |days| {
        let look = bucket(&emulator, BucketWish { history_days: days, ..wish() }).look().await.unwrap();
        let [change] = look.changes.as_slice() else { panic!("{look:?}") };
        (change.from.clone(), change.to.clone())
    };
    let (from, to) = lifecycle(30).await;
    assert_eq!(from, "history expires after 2557 days");
    assert!(to.starts_with("history expires after 30 days, "), "{to}");
    assert!(to.contains("HISTORY LOST: what is older than 30 days will be deleted"), "{to}");
    let (from, to) = lifecycle(3000).await;
    assert_eq!(from, "history expires after 2557 days");
    assert!(!to.contains("LOST"), "{to}");
}

#[tokio::test]
async fn what_others_have_set_stays() {
    let emulator = Emulator::in_memory();
    theirs(&emulator).await;
    let s3 = client(&emulator);
    set_tags(&emulator, &[("CostCenter", "17")]).await;
    let expires = LifecycleExpiration::builder().days(1).build();
    let rule = LifecycleRule::builder().id("logs").status(ExpirationStatus::Enabled).expiration(expires);
    let rule = rule.filter(LifecycleRuleFilter::builder().prefix("logs/").build()).build().unwrap();
    let rules = BucketLifecycleConfiguration::builder().rules(rule).build().unwrap();
    s3.put_bucket_lifecycle_configuration()
        .bucket(BUCKET)
        .lifecycle_configuration(rules)
        .send()
        .await
        .unwrap();
    let statement = r#"{"Version":"2012-10-17","Statement":{"Sid":"Theirs","Effect":"Allow",
        "Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::NAME/*"}}"#;
    let policy = statement.replace("NAME", BUCKET);
    s3.put_bucket_policy().bucket(BUCKET).policy(policy).send().await.unwrap();
    s3.put_object().bucket(BUCKET).key("theirs").body(b"x".to_vec().into()).send().await.unwrap();

    let look = bucket(&emulator, wish()).look().await.unwrap();
    assert!(look.exists && !look.is_ours && !look.is_empty, "{look:?}");
    make(&bucket(&emulator, wish())).await.unwrap();
    assert!(bucket(&emulator, wish()).look().await.unwrap().is_ours);
    let policy = s3.get_bucket_policy().bucket(BUCKET).send().await.unwrap().policy.unwrap();
    assert!(policy.contains("Theirs") && policy.contains("aws:SecureTransport"), "{policy}");
    let rules = s3.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await.unwrap().rules.unwrap();
    assert_eq!((rules.len(), rules[0].id()), (5, Some("logs")));
    let tags = s3.get_bucket_tagging().bucket(BUCKET).send().await.unwrap().tag_set;
    assert!(tags.iter().any(|tag| tag.key() == "CostCenter"), "{tags:?}");
    s3.get_object().bucket(BUCKET).key("theirs").send().await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_must_not_be_used_is_refused_with_the_difference() {
    let emulator = Emulator::in_memory();
    make(&bucket(&emulator, wish())).await.unwrap();
    emulator.clear_calls();
    let refused = async |wish| bucket(&emulator, wish).look().await.unwrap_err().to_string();
    let name = BUCKET;
    for (wish, error) in [
        (
            BucketWish { project: "billing".to_owned(), ..wish() },
            format!("bucket {name} has the tag stack:project = payment, not billing"),
        ),
        (
            BucketWish { account_id: "210987654321".to_owned(), ..wish() },
            format!("bucket {name} does not belong to account 210987654321, or access to it is denied"),
        ),
        (BucketWish { region: "eu-central-1".to_owned(), ..wish() }, format!("bucket {name} is in {REGION}")),
    ] {
        assert_eq!(refused(wish).await, error);
    }
    set_tags(&emulator, &[("stack:project", "payment"), ("stack:address", "alb/log-bucket")]).await;
    let error = refused(wish()).await;
    assert_eq!(error, format!("bucket {name} has the tag stack:address = alb/log-bucket, not state/bucket"));
    set_tags(&emulator, &[]).await;
    let expires = LifecycleExpiration::builder().days(30).build();
    let rule = LifecycleRule::builder().id("all").status(ExpirationStatus::Enabled).expiration(expires);
    let rule = rule.filter(LifecycleRuleFilter::builder().prefix("").build()).build().unwrap();
    let rules = BucketLifecycleConfiguration::builder().rules(rule).build().unwrap();
    let call = client(&emulator).put_bucket_lifecycle_configuration().bucket(BUCKET);
    call.lifecycle_configuration(rules).send().await.unwrap();
    assert_eq!(
        refused(wish()).await,
        format!("the lifecycle rule `all` of bucket {name} would delete the state")
    );

    let error = Fault::Error { code: "BucketAlreadyExists".to_owned(), status: 409 };
    let plan = FaultPlan::default().with(Counted::Operation("CreateBucket".to_owned()), When::Call(1), error);
    let emulator = Emulator::builder().faults(plan).in_memory();
    let taken = bucket(&emulator, wish()).create().await.unwrap_err();
    assert_eq!(taken.to_string(), format!("the name {name} is taken: a bucket of another account has it"));
}

/// Each call that changes something fails in each way once, among them those that took effect.
#[tokio::test(start_paused = true)]
async fn whatever_becomes_of_a_call_the_bucket_is_as_it_must_be_in_the_end() {
    let wish = BucketWish { kms_key_arn: Some(KEY.to_owned()), protect: Some(true), ..wish() };
    let error = |code: &str, status| Fault::Error { code: code.to_owned(), status };
    for fault in [
        Fault::TimeOut(Moment::BeforeEffect),
        Fault::TimeOut(Moment::AfterEffect),
        Fault::ErrorAfterEffect,
        Fault::ConnectionReset(Moment::AfterEffect),
        error("OperationAborted", 409),
        error("SlowDown", 503),
    ] {
        for number in 1..=5 {
            let plan = FaultPlan::default().with(Counted::Mutating, When::Call(number), fault.clone());
            let emulator = Emulator::builder().faults(plan).in_memory();
            let made = make(&bucket(&emulator, wish.clone())).await;
            assert_eq!(
                made.unwrap(),
                ["encryption", "versioning", "lifecycle", "policy"],
                "{fault:?} {number}"
            );
            assert_eq!(what_differs(&emulator, wish.clone()).await, Vec::<&str>::new(), "{fault:?} {number}");
        }
    }
}

/// Where it is found only after a while, and where the first region answers in its own way.
#[tokio::test(start_paused = true)]
async fn a_bucket_that_cannot_be_seen_yet_is_waited_for_in_every_region() {
    for region in [REGION, "us-east-1"] {
        let emulator = Emulator::builder().latency(1.0).seed(3).in_memory();
        let wish = BucketWish { region: region.to_owned(), ..wish() };
        make(&bucket(&emulator, wish.clone())).await.unwrap();
        assert_eq!(what_differs(&emulator, wish.clone()).await, Vec::<&str>::new());
        // Somebody was faster: that is no error, and what differs is seen.
        bucket(&emulator, wish).create().await.unwrap();
    }
}

/// A run that ends after any call leaves what the next one goes on with.
#[tokio::test]
async fn a_run_that_was_cut_off_is_run_again() {
    for number in 1..=4 {
        let denied = Fault::Error { code: "AccessDenied".to_owned(), status: 403 };
        let plan = FaultPlan::default().with(Counted::Mutating, When::Call(number), denied);
        let emulator = Emulator::builder().faults(plan).in_memory();
        let error = make(&bucket(&emulator, wish())).await.unwrap_err();
        assert!(error.to_string().contains("AccessDenied"), "{error}");
        assert!(error.hint().contains("docs/deploying-identity/state.json"), "{}", error.hint());
        assert!(bucket(&emulator, wish()).look().await.unwrap().is_ours);
        make(&bucket(&emulator, wish())).await.unwrap();
        assert_eq!(what_differs(&emulator, wish()).await, Vec::<&str>::new());
    }
}

/// The lock, snapshots and history say by their tags which rule is theirs.
#[tokio::test]
async fn every_object_of_a_state_has_the_tag_of_its_rule() {
    use engine::{File, Store as _};
    let place = crate::place::Place::new(Emulator::in_memory()).await;
    let store = place.open();
    for file in [File::State, File::Lock] {
        store.replace(file, None, b"{}\n".to_vec()).await.unwrap();
    }
    let first = store.replace(File::Journal, None, b"head\n".to_vec()).await.unwrap();
    let second = store.append(File::Journal, &first, b"one\n".to_vec()).await.unwrap();
    // A compaction: what was there before is history from now on.
    store.replace(File::Journal, Some(&second), b"anew\n".to_vec()).await.unwrap();
    let s3 = client(&place.emulator);
    let listed = s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    let mut kept = Vec::new();
    for object in listed.contents() {
        let key = object.key().unwrap();
        let tags = s3.get_object_tagging().bucket(BUCKET).key(key).send().await;
        let tags = tags.unwrap_or_else(|error| panic!("{key}: {:?}", error.code())).tag_set;
        kept.push((
            key.rsplit('/').next().unwrap().to_owned(),
            tags.first().map(|tag| tag.value().to_owned()),
        ));
    }
    let tag = |name: &str| Some(name.to_owned());
    assert_eq!(
        kept,
        [
            ("999999999996.3".to_owned(), None),
            ("999999999997.2".to_owned(), tag("history")),
            ("999999999998.1".to_owned(), tag("history")),
            ("lock.json".to_owned(), tag("lock")),
            ("state.json".to_owned(), tag("state")),
        ]
    );
}
