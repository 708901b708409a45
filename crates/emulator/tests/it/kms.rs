//! KMS keys, their policies, rotation and aliases.

use std::time::Duration;

use aws_sdk_iam::Client as Iam;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::DateTime;
use aws_sdk_kms::types::{KeyManagerType, KeySpec, KeyState, KeyUsageType, Tag};
use emulator::Emulator;

use crate::rows::check;
use crate::support::{REGION, TRUST, code, config};

const DAY: Duration = Duration::from_secs(86_400);
const NOW: i64 = 1_767_225_600;

fn client(emulator: &Emulator) -> Client {
    Client::new(&config(emulator, REGION))
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().tag_key(key).tag_value(value).build().unwrap()
}

async fn key(kms: &Client) -> String {
    kms.create_key().send().await.unwrap().key_metadata.unwrap().key_id
}

async fn alias(kms: &Client, name: &str, key: &str) -> String {
    code(kms.create_alias().alias_name(name).target_key_id(key).send().await)
}

async fn state(kms: &Client, key: &str) -> KeyState {
    let found = kms.describe_key().key_id(key).send().await.unwrap();
    found.key_metadata.unwrap().key_state.unwrap()
}

fn policy(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

const ROOT: &str = r#"{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}"#;

fn with_principal(kind: &str, principal: &str) -> String {
    let statement = format!(
        r#"{{"Effect":"Allow","Principal":{{"{kind}":"{principal}"}},"Action":"kms:Decrypt","Resource":"*"}}"#
    );
    policy(&format!("{ROOT},{statement}"))
}

#[tokio::test(start_paused = true)]
async fn a_key_comes_back_as_it_was_made() {
    let emulator = Emulator::in_memory();
    let kms = client(&emulator);
    let document = with_principal("Service", "logs.ap-southeast-1.amazonaws.com");
    let made = kms.create_key().description("Zoë's").policy(&document);
    let made = made.tags(tag("Name", "data")).tags(tag("Author", "Zoë")).send().await.unwrap();
    let made = made.key_metadata.unwrap();
    let found = kms.describe_key().key_id(made.arn().unwrap()).send().await.unwrap();
    assert_eq!(found.key_metadata(), Some(&made));
    assert_eq!(made.arn().unwrap(), format!("arn:aws:kms:{REGION}:123456789012:key/{}", made.key_id()));
    let parts: Vec<usize> = made.key_id().split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12]);
    assert_eq!((made.description(), made.enabled()), (Some("Zoë's"), true));
    assert_eq!(made.creation_date(), Some(&DateTime::from_secs(NOW)));
    assert_eq!(made.key_manager(), Some(&KeyManagerType::Customer));
    assert_eq!(made.key_spec(), Some(&KeySpec::SymmetricDefault));
    assert_eq!(made.encryption_algorithms().len(), 1);

    let got = kms.get_key_policy().key_id(made.key_id()).send().await.unwrap();
    assert_eq!((got.policy(), got.policy_name()), (Some(document.as_str()), Some("default")));
    let untag = kms.untag_resource().key_id(made.key_id()).tag_keys("Author").send();
    untag.await.unwrap();
    kms.tag_resource().key_id(made.key_id()).tags(tag("Env", "dev")).send().await.unwrap();
    let tags = kms.list_resource_tags().key_id(made.key_id()).send().await.unwrap();
    assert_eq!(tags.tags(), [tag("Env", "dev"), tag("Name", "data")]);
    kms.update_key_description().key_id(made.key_id()).description("d").send().await.unwrap();
    let found = kms.describe_key().key_id(made.key_id()).send().await.unwrap();
    assert_eq!(found.key_metadata().unwrap().description(), Some("d"));
    let keys = kms.list_keys().send().await.unwrap();
    assert_eq!(keys.keys()[0].key_arn(), made.arn());

    let objects = emulator.objects().await.unwrap();
    let [object] = objects.as_slice() else { panic!("{objects:?}") };
    assert_eq!((object.kind.as_str(), object.id.as_str()), ("AWS::KMS::Key", made.key_id()));
    assert_eq!(object.name.as_deref(), Some("data"));
}

#[tokio::test(start_paused = true)]
async fn a_key_without_a_policy_gets_the_default_one() {
    let kms = client(&Emulator::in_memory());
    let key = key(&kms).await;
    let got = kms.get_key_policy().key_id(&key).send().await.unwrap();
    let text = got.policy().unwrap();
    assert!(text.contains("key-default-1") && text.contains("arn:aws:iam::123456789012:root"), "{text}");
    // It may be put again as it is.
    let again = kms.put_key_policy().key_id(&key).policy(text).send().await;
    assert_eq!(code(again), "ok");
}

/// KMS API Reference, RotateKeyOnDemand.
#[tokio::test(start_paused = true)]
async fn a_rotation_on_demand_is_under_way_for_a_while_and_changes_no_automatic_one() {
    let emulator = Emulator::builder().latency(1.0).in_memory();
    let kms = client(&emulator);
    let key = key(&kms).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let rotate = async || code(kms.rotate_key_on_demand().key_id(&key).send().await);
    let status = async || kms.get_key_rotation_status().key_id(&key).send().await.unwrap();
    kms.enable_key_rotation().key_id(&key).rotation_period_in_days(180).send().await.unwrap();
    let before = status().await;
    assert_eq!(rotate().await, "ok");
    assert_eq!(rotate().await, "ConflictException");
    let under_way = status().await;
    assert!(under_way.on_demand_rotation_start_date().is_some());
    assert_eq!(under_way.rotation_period_in_days(), Some(180));
    assert_eq!(under_way.next_rotation_date(), before.next_rotation_date());
    for _ in 1..25 {
        tokio::time::sleep(Duration::from_secs(300)).await;
        assert_eq!(status().await.on_demand_rotation_start_date(), None);
        assert_eq!(rotate().await, "ok");
    }
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(rotate().await, "LimitExceededException");
    kms.disable_key().key_id(&key).send().await.unwrap();
    assert_eq!(rotate().await, "DisabledException");
}

#[tokio::test(start_paused = true)]
async fn rotation_comes_back() {
    let kms = client(&Emulator::in_memory());
    let key = key(&kms).await;
    let status = async || kms.get_key_rotation_status().key_id(&key).send().await.unwrap();
    assert!(!status().await.key_rotation_enabled());
    kms.enable_key_rotation().key_id(&key).send().await.unwrap();
    let by_default = status().await;
    assert_eq!((by_default.key_rotation_enabled(), by_default.rotation_period_in_days()), (true, Some(365)));
    kms.enable_key_rotation().key_id(&key).rotation_period_in_days(90).send().await.unwrap();
    let quarterly = status().await;
    assert_eq!(quarterly.rotation_period_in_days(), Some(90));
    assert_eq!(quarterly.next_rotation_date(), Some(&DateTime::from_secs(NOW + 90 * 86_400)));
    kms.disable_key_rotation().key_id(&key).send().await.unwrap();
    assert!(!status().await.key_rotation_enabled());
}

#[tokio::test(start_paused = true)]
async fn rules_of_keys() {
    let kms = client(&Emulator::in_memory());
    let sound = key(&kms).await;
    let disabled = key(&kms).await;
    kms.disable_key().key_id(&disabled).send().await.unwrap();
    let pending = key(&kms).await;
    assert_eq!(alias(&kms, "alias/pending", &pending).await, "ok");
    kms.schedule_key_deletion().key_id(&pending).pending_window_in_days(7).send().await.unwrap();
    let hmac = kms.create_key().key_spec(KeySpec::Hmac256).key_usage(KeyUsageType::GenerateVerifyMac);
    let hmac = hmac.send().await.unwrap().key_metadata.unwrap().key_id;
    let missing = format!("arn:aws:kms:{REGION}:123456789012:key/00000000-0000-4000-8000-000000000000");
    let abroad = format!("arn:aws:kms:us-east-1:123456789012:key/{sound}");

    let describe = async |id: &str| code(kms.describe_key().key_id(id).send().await);
    let rotate = async |id: &str, days: Option<i32>| {
        let call = kms.enable_key_rotation().key_id(id).set_rotation_period_in_days(days);
        code(call.send().await)
    };
    let schedule = async |id: &str, days: i32| {
        code(kms.schedule_key_deletion().key_id(id).pending_window_in_days(days).send().await)
    };
    let status = async |id: &str| code(kms.get_key_rotation_status().key_id(id).send().await);
    let tag = async |id: &str, tags: Vec<Tag>| {
        code(kms.tag_resource().key_id(id).set_tags(Some(tags)).send().await)
    };
    let many = (0..51).map(|n| self::tag(&n.to_string(), "")).collect();
    let wrong = "KMSInvalidStateException";
    check([
        ("an id that no key has", "NotFoundException", describe("nothing").await),
        ("an ARN that no key has", "NotFoundException", describe(&missing).await),
        ("an ARN of another region", "NotFoundException", describe(&abroad).await),
        ("an alias that is not there", "NotFoundException", describe("alias/none").await),
        ("no ARN of KMS", "InvalidArnException", describe("arn:aws:s3:::bucket").await),
        ("an alias where a key is needed", "NotFoundException", rotate("alias/pending", None).await),
        ("rotation sooner than 90 days", "ValidationException", rotate(&sound, Some(89)).await),
        ("rotation later than 2560 days", "ValidationException", rotate(&sound, Some(2561)).await),
        ("rotation of a disabled key", "DisabledException", rotate(&disabled, None).await),
        ("rotation of a key pending deletion", wrong, rotate(&pending, None).await),
        ("rotation of an HMAC key", "UnsupportedOperationException", rotate(&hmac, None).await),
        ("rotation status of an HMAC key", "UnsupportedOperationException", status(&hmac).await),
        ("rotation status of a key pending deletion", "ok", status(&pending).await),
        ("a window of 6 days", "ValidationException", schedule(&sound, 6).await),
        ("a window of 31 days", "ValidationException", schedule(&sound, 31).await),
        ("deleting twice", wrong, schedule(&pending, 7).await),
        ("describing a key pending deletion", "ok", describe(&pending).await),
        ("by its alias", "ok", describe("alias/pending").await),
        ("enabling it", wrong, code(kms.enable_key().key_id(&pending).send().await)),
        ("disabling it", wrong, code(kms.disable_key().key_id(&pending).send().await)),
        ("tagging it", wrong, tag(&pending, vec![self::tag("a", "b")]).await),
        ("untagging it", wrong, code(kms.untag_resource().key_id(&pending).tag_keys("a").send().await)),
        (
            "describing it anew",
            wrong,
            code(kms.update_key_description().key_id(&pending).description("x").send().await),
        ),
        ("an alias for it", wrong, alias(&kms, "alias/more", &pending).await),
        (
            "its policy may change",
            "ok",
            code(kms.put_key_policy().key_id(&pending).policy(policy(ROOT)).send().await),
        ),
        (
            "cancelling what is not pending",
            wrong,
            code(kms.cancel_key_deletion().key_id(&sound).send().await),
        ),
        ("51 tags", "TagException", tag(&sound, many).await),
        ("a reserved tag", "TagException", tag(&sound, vec![self::tag("aws:x", "")]).await),
        (
            "an HMAC key without a usage",
            "ValidationException",
            code(kms.create_key().key_spec(KeySpec::Hmac256).send().await),
        ),
        (
            "a usage that the spec does not have",
            "ValidationException",
            code(kms.create_key().key_usage(KeyUsageType::SignVerify).send().await),
        ),
        (
            "a page that KMS did not give",
            "InvalidMarkerException",
            code(kms.list_keys().marker("x").send().await),
        ),
        ("a key of AWS's", "ok", describe("alias/aws/rds").await),
        ("another key of AWS's", "NotFoundException", describe("alias/aws/none").await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn rules_of_key_policies() {
    let emulator = Emulator::in_memory();
    let kms = client(&emulator);
    let iam = Iam::new(&config(&emulator, REGION));
    iam.create_role().role_name("app").assume_role_policy_document(TRUST).send().await.unwrap();
    let put = async |document: &str| code(kms.create_key().policy(document).send().await);
    let only_service = policy(
        r#"{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"kms:*","Resource":"*"}"#,
    );
    let through_service = policy(&ROOT.replace(
        r#""Resource":"*""#,
        r#""Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"s3.ap-southeast-1.amazonaws.com"}}"#,
    ));
    let denied =
        policy(&format!(r#"{ROOT},{{"Effect":"Deny","Principal":"*","Action":"kms:Put*","Resource":"*"}}"#));
    let role = |name: &str| with_principal("AWS", &format!("arn:aws:iam::123456789012:role/{name}"));
    let malformed = "MalformedPolicyDocumentException";
    let bypassed = kms.create_key().policy(&only_service).bypass_policy_lockout_safety_check(true);
    let key = key(&kms).await;
    let named = kms.put_key_policy().key_id(&key).policy_name("other").policy(policy(ROOT));
    check([
        ("no JSON", malformed, put("nonsense").await),
        ("no statement", malformed, put(r#"{"Version":"2012-10-17"}"#).await),
        (
            "no principal",
            malformed,
            put(&policy(r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#)).await,
        ),
        ("no resource", malformed, put(&policy(&ROOT.replace(r#","Resource":"*""#, ""))).await),
        ("a role that is there", "ok", put(&role("app")).await),
        ("a role that is not there", malformed, put(&role("none")).await),
        ("a role of another account", "ok", put(&role("none").replace("2:role", "3:role")).await),
        ("a service", "ok", put(&with_principal("Service", "sns.amazonaws.com")).await),
        ("no service", malformed, put(&with_principal("Service", "sns")).await),
        ("a policy that locks the caller out", malformed, put(&only_service).await),
        ("one that leaves changes to a service", malformed, put(&through_service).await),
        ("one that denies changes", malformed, put(&denied).await),
        ("locked out on purpose", "ok", code(bypassed.send().await)),
        (
            "larger than 32 KiB",
            "LimitExceededException",
            put(&with_principal("AWS", &"x".repeat(32 * 1024))).await,
        ),
        ("a policy by another name", "NotFoundException", code(named.send().await)),
        (
            "getting one by another name",
            "NotFoundException",
            code(kms.get_key_policy().key_id(&key).policy_name("other").send().await),
        ),
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_too_new_is_no_principal_yet() {
    let emulator = Emulator::builder().latency(1.0).in_memory();
    let (kms, iam) = (client(&emulator), Iam::new(&config(&emulator, REGION)));
    iam.create_role().role_name("app").assume_role_policy_document(TRUST).send().await.unwrap();
    let document = with_principal("AWS", "arn:aws:iam::123456789012:role/app");
    let put = async || code(kms.create_key().policy(&document).send().await);
    assert_eq!(put().await, "MalformedPolicyDocumentException");
    tokio::time::sleep(Duration::from_secs(13)).await;
    assert_eq!(put().await, "ok");
}

#[tokio::test(start_paused = true)]
async fn rules_of_aliases() {
    let kms = client(&Emulator::in_memory());
    let (one, two) = (key(&kms).await, key(&kms).await);
    let hmac = kms.create_key().key_spec(KeySpec::Hmac256).key_usage(KeyUsageType::GenerateVerifyMac);
    let hmac = hmac.send().await.unwrap().key_metadata.unwrap().key_id;
    let delete = async |name: &str| code(kms.delete_alias().alias_name(name).send().await);
    let update = async |name: &str, key: &str| {
        code(kms.update_alias().alias_name(name).target_key_id(key).send().await)
    };
    let aws = kms.describe_key().key_id("alias/aws/s3").send().await.unwrap();
    let aws = aws.key_metadata.unwrap().key_id;
    check([
        ("no prefix", "ValidationException", alias(&kms, "data", &one).await),
        ("nothing but the prefix", "ValidationException", alias(&kms, "alias/", &one).await),
        ("a colon", "ValidationException", alias(&kms, "alias/a:b", &one).await),
        ("AWS's own prefix", "NotAuthorizedException", alias(&kms, "alias/aws/data", &one).await),
        ("a key that is not there", "NotFoundException", alias(&kms, "alias/data", "none").await),
        ("an alias of an alias", "ValidationException", alias(&kms, "alias/data", "alias/aws/s3").await),
        ("an alias of AWS's key", "AccessDeniedException", alias(&kms, "alias/data", &aws).await),
        ("a new name", "ok", alias(&kms, "alias/data", &one).await),
        ("a name that is taken", "AlreadyExistsException", alias(&kms, "alias/data", &two).await),
        ("moving it", "ok", update("alias/data", &two).await),
        ("moving it to a key of another kind", "ValidationException", update("alias/data", &hmac).await),
        ("moving one that is not there", "NotFoundException", update("alias/none", &two).await),
        ("deleting it", "ok", delete("alias/data").await),
        ("deleting it twice", "NotFoundException", delete("alias/data").await),
        ("its name is free at once", "ok", alias(&kms, "alias/data", &one).await),
        (
            "AWS's key stays",
            "AccessDeniedException",
            code(kms.schedule_key_deletion().key_id(&aws).send().await),
        ),
    ]);
    let listed = kms.list_aliases().key_id(&one).send().await.unwrap();
    let [found] = listed.aliases() else { panic!("{listed:?}") };
    assert_eq!(found.alias_name(), Some("alias/data"));
    assert_eq!(found.alias_arn(), Some("arn:aws:kms:ap-southeast-1:123456789012:alias/data"));
    assert_eq!(found.target_key_id(), Some(one.as_str()));
    let first = kms.list_aliases().limit(1).send().await.unwrap();
    assert!(first.truncated() && first.aliases().len() == 1);
    let rest = kms.list_aliases().marker(first.next_marker().unwrap()).send().await.unwrap();
    assert!(rest.aliases().iter().any(|alias| alias.alias_name() == Some("alias/aws/rds")));
}

#[tokio::test(start_paused = true)]
async fn a_key_goes_when_its_window_is_over_and_takes_its_aliases_along() {
    let emulator = Emulator::in_memory();
    let kms = client(&emulator);
    let (gone, kept) = (key(&kms).await, key(&kms).await);
    assert_eq!(alias(&kms, "alias/gone", &gone).await, "ok");
    for id in [&gone, &kept] {
        let scheduled = kms.schedule_key_deletion().key_id(id).pending_window_in_days(7);
        let scheduled = scheduled.send().await.unwrap();
        assert_eq!(scheduled.deletion_date(), Some(&DateTime::from_secs(NOW + 7 * 86_400)));
        assert_eq!(state(&kms, id).await, KeyState::PendingDeletion);
    }
    kms.cancel_key_deletion().key_id(&kept).send().await.unwrap();
    assert_eq!(state(&kms, &kept).await, KeyState::Disabled);
    tokio::time::advance(7 * DAY - Duration::from_secs(1)).await;
    assert_eq!(state(&kms, &gone).await, KeyState::PendingDeletion);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(code(kms.describe_key().key_id(&gone).send().await), "NotFoundException");
    assert_eq!(code(kms.describe_key().key_id("alias/gone").send().await), "NotFoundException");
    kms.enable_key().key_id(&kept).send().await.unwrap();
    assert_eq!(state(&kms, &kept).await, KeyState::Enabled);
    let objects = emulator.objects().await.unwrap();
    assert_eq!(objects.iter().map(|object| &object.id).collect::<Vec<_>>(), [&kept]);
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_read_at_once_and_changed_only_after_a_while() {
    let kms = client(&Emulator::builder().latency(1.0).in_memory());
    let key = key(&kms).await;
    assert_eq!(state(&kms, &key).await, KeyState::Enabled);
    let rotate = async || code(kms.enable_key_rotation().key_id(&key).send().await);
    let put = async || code(kms.put_key_policy().key_id(&key).policy(policy(ROOT)).send().await);
    assert_eq!((rotate().await.as_str(), put().await.as_str()), ("NotFoundException", "NotFoundException"));
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!((rotate().await.as_str(), put().await.as_str()), ("ok", "ok"));
}
