//! Secrets Manager.

use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};
use emulator::Emulator;

use crate::rows::check;
use crate::support::{REGION, code, config};

const DAY: Duration = Duration::from_secs(86_400);
const TOKEN: &str = "00000000-0000-4000-8000-00000000000a";
const OTHER: &str = "00000000-0000-4000-8000-00000000000b";

fn client(emulator: &Emulator) -> Client {
    Client::new(&config(emulator, REGION))
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

async fn create(secrets: &Client, name: &str) -> String {
    code(secrets.create_secret().name(name).secret_string("s3cr3t").send().await)
}

#[tokio::test(start_paused = true)]
async fn a_secret_comes_back_as_it_was_made() {
    let emulator = Emulator::in_memory();
    let secrets = client(&emulator);
    let kms = aws_sdk_kms::Client::new(&config(&emulator, REGION));
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    let call = secrets.create_secret().name("app/db").description("Zoë's").kms_key_id(&key);
    let call = call.tags(tag("Name", "x")).tags(tag("Author", "Zoë")).client_request_token(TOKEN);
    let made = call.secret_string("hunter2").send().await.unwrap();
    let arn = made.arn().unwrap();
    let prefix = format!("arn:aws:secretsmanager:{REGION}:123456789012:secret:app/db-");
    assert!(arn.starts_with(&prefix) && arn.len() == prefix.len() + 6, "{arn}");
    assert_eq!(made.version_id(), Some(TOKEN));

    for id in ["app/db", arn, prefix.trim_end_matches('-')] {
        let found = secrets.describe_secret().secret_id(id).send().await.unwrap();
        assert_eq!((found.arn(), found.name()), (Some(arn), Some("app/db")));
        assert_eq!((found.description(), found.kms_key_id()), (Some("Zoë's"), Some(key.as_str())));
        assert_eq!(found.tags(), [tag("Author", "Zoë"), tag("Name", "x")]);
        assert_eq!(found.version_ids_to_stages().unwrap()[TOKEN], ["AWSCURRENT"]);
        let value = secrets.get_secret_value().secret_id(id).send().await.unwrap();
        assert_eq!((value.secret_string(), value.version_id()), (Some("hunter2"), Some(TOKEN)));
    }
    secrets.untag_resource().secret_id(arn).tag_keys("Name").send().await.unwrap();
    let listed = secrets.list_secrets().send().await.unwrap();
    assert_eq!(listed.secret_list()[0].tags(), [tag("Author", "Zoë")]);

    let log = format!("{:?}", emulator.calls());
    assert!(!log.contains("hunter2"), "{log}");
    let objects = emulator.objects().await.unwrap();
    assert!(objects.iter().any(|o| o.kind == "AWS::SecretsManager::Secret" && o.id == arn));
}

#[tokio::test(start_paused = true)]
async fn a_new_value_is_the_current_one_and_the_old_one_the_previous() {
    let secrets = client(&Emulator::in_memory());
    assert_eq!(create(&secrets, "a").await, "ok");
    let put = secrets.put_secret_value().secret_id("a").secret_binary(Blob::new("two"));
    let second = put.send().await.unwrap();
    assert_eq!(second.version_stages(), ["AWSCURRENT"]);
    let update = secrets.update_secret().secret_id("a").secret_string("three").description("d");
    update.send().await.unwrap();
    let value = async |stage: &str| {
        let got = secrets.get_secret_value().secret_id("a").version_stage(stage).send().await.unwrap();
        got.secret_string
            .unwrap_or_else(|| String::from_utf8(got.secret_binary.unwrap().into_inner()).unwrap())
    };
    assert_eq!((value("AWSCURRENT").await, value("AWSPREVIOUS").await), ("three".into(), "two".into()));
    let found = secrets.describe_secret().secret_id("a").send().await.unwrap();
    assert_eq!(found.version_ids_to_stages().unwrap().len(), 2);
    assert_eq!(found.description(), Some("d"));
}

#[tokio::test(start_paused = true)]
async fn rules_of_secrets() {
    let emulator = Emulator::in_memory();
    let secrets = client(&emulator);
    let kms = aws_sdk_kms::Client::new(&config(&emulator, REGION));
    let disabled = kms.create_key().send().await.unwrap().key_metadata.unwrap().key_id;
    kms.disable_key().key_id(&disabled).send().await.unwrap();
    for name in ["taken", "deleted", "empty"] {
        let call = secrets.create_secret().name(name).client_request_token(TOKEN);
        let value = Some("v".to_owned()).filter(|_| name != "empty");
        call.set_secret_string(value).send().await.unwrap();
    }
    secrets.delete_secret().secret_id("deleted").send().await.unwrap();
    let with_key = async |key: &str| {
        code(secrets.create_secret().name("k").kms_key_id(key).secret_string("v").send().await)
    };
    let again = async |token: &str, value: &str| {
        let call = secrets.create_secret().name("taken").client_request_token(token);
        code(call.secret_string(value).send().await)
    };
    let put = async |id: &str, token: &str, value: &str| {
        let call = secrets.put_secret_value().secret_id(id).client_request_token(token);
        code(call.secret_string(value).send().await)
    };
    let get = async |id: &str| code(secrets.get_secret_value().secret_id(id).send().await);
    let delete = async |id: &str, days: Option<i64>, force: bool| {
        let call = secrets.delete_secret().secret_id(id).set_recovery_window_in_days(days);
        code(call.set_force_delete_without_recovery(force.then_some(true)).send().await)
    };
    let stage = secrets.get_secret_value().secret_id("taken").version_stage("NONE");
    let mixed = secrets.get_secret_value().secret_id("taken").version_id(TOKEN).version_stage("NONE");
    let both = secrets.put_secret_value().secret_id("taken").secret_string("a").secret_binary(Blob::new("b"));
    let (invalid, held, exists, none) = (
        "InvalidParameterException",
        "InvalidRequestException",
        "ResourceExistsException",
        "ResourceNotFoundException",
    );
    check([
        ("a name with a space", "ValidationException", create(&secrets, "a b").await),
        ("a name that is taken", exists, create(&secrets, "taken").await),
        ("the same request again", "ok", again(TOKEN, "v").await),
        ("the same token with another value", exists, again(TOKEN, "w").await),
        ("another token", exists, again(OTHER, "v").await),
        ("a name whose secret is being deleted", held, create(&secrets, "deleted").await),
        ("a key that is not there", invalid, with_key("alias/none").await),
        ("a key that is disabled", "EncryptionFailure", with_key(&disabled).await),
        ("AWS's key", "ok", with_key("alias/aws/secretsmanager").await),
        ("a value for none", none, put("none", OTHER, "v").await),
        ("a value for a deleted one", held, put("deleted", OTHER, "v").await),
        ("a new value", "ok", put("taken", OTHER, "v2").await),
        ("the same value again", "ok", put("taken", OTHER, "v2").await),
        ("another value with its token", exists, put("taken", OTHER, "v3").await),
        ("a value of 65537 bytes", "ValidationException", put("taken", OTHER, &"x".repeat(65_537)).await),
        ("two values", invalid, code(both.send().await)),
        ("reading one that is not there", none, get("none").await),
        ("reading a deleted one", held, get("deleted").await),
        ("reading one without a value", none, get("empty").await),
        ("a stage that is not there", none, code(stage.send().await)),
        ("a stage of another version", held, code(mixed.send().await)),
        ("deleting twice", held, delete("deleted", None, false).await),
        ("in 6 days", invalid, delete("taken", Some(6), false).await),
        ("in 31 days", invalid, delete("taken", Some(31), false).await),
        ("in some days and at once", invalid, delete("taken", Some(7), true).await),
        ("one that is not there", none, delete("none", None, false).await),
        ("one that is not there, at once", "ok", delete("none", None, true).await),
        ("a deleted one, at once", "ok", delete("deleted", None, true).await),
        ("its name is free then", "ok", create(&secrets, "deleted").await),
        (
            "a reserved tag",
            invalid,
            code(secrets.tag_resource().secret_id("taken").tags(tag("aws:x", "")).send().await),
        ),
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_secret_can_be_restored_until_it_is_gone() {
    let emulator = Emulator::in_memory();
    let secrets = client(&emulator);
    for name in ["kept", "gone"] {
        assert_eq!(create(&secrets, name).await, "ok");
        secrets.delete_secret().secret_id(name).recovery_window_in_days(7).send().await.unwrap();
    }
    let described = secrets.describe_secret().secret_id("gone").send().await.unwrap();
    assert_eq!(described.deleted_date().unwrap().secs(), 1_767_225_600 + 7 * 86_400);
    assert_eq!(secrets.list_secrets().send().await.unwrap().secret_list(), []);
    let planned = secrets.list_secrets().include_planned_deletion(true).send().await.unwrap();
    assert_eq!(planned.secret_list().len(), 2);
    assert_eq!(emulator.objects().await.unwrap(), []);

    tokio::time::advance(6 * DAY).await;
    secrets.restore_secret().secret_id("kept").send().await.unwrap();
    assert_eq!(code(secrets.get_secret_value().secret_id("kept").send().await), "ok");
    tokio::time::advance(DAY).await;
    let gone = secrets.describe_secret().secret_id("gone").send().await;
    assert_eq!(code(gone), "ResourceNotFoundException");
    assert_eq!(create(&secrets, "gone").await, "ok");
}

#[tokio::test(start_paused = true)]
async fn secrets_are_found_by_filters() {
    let secrets = client(&Emulator::in_memory());
    for name in ["app/db", "app/mail", "web"] {
        assert_eq!(create(&secrets, name).await, "ok");
    }
    secrets.tag_resource().secret_id("web").tags(tag("Env", "dev")).send().await.unwrap();
    let find = async |key: FilterNameStringType, value: &str| {
        let filter = Filter::builder().key(key).values(value).build();
        let found = secrets.list_secrets().filters(filter).send().await.unwrap();
        let mut names: Vec<String> =
            found.secret_list().iter().map(|s| s.name().unwrap().to_owned()).collect();
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(find(FilterNameStringType::Name, "app/").await, "app/db app/mail");
    assert_eq!(find(FilterNameStringType::Name, "!app/").await, "web");
    assert_eq!(find(FilterNameStringType::TagKey, "Env").await, "web");
}

#[tokio::test(start_paused = true)]
async fn policies_of_secrets_come_back_and_are_checked() {
    let secrets = client(&Emulator::in_memory());
    assert_eq!(create(&secrets, "a").await, "ok");
    let policy = |principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"secretsmanager:GetSecretValue","Resource":"*"}}}}"#
        )
    };
    let put = async |document: &str, block: bool| {
        let call = secrets.put_resource_policy().secret_id("a").resource_policy(document);
        code(call.block_public_policy(block).send().await)
    };
    let account = policy("arn:aws:iam::123456789012:root");
    let malformed = "MalformedPolicyDocumentException";
    check([
        ("no JSON", malformed, put("nonsense", false).await),
        (
            "a role that is not there",
            malformed,
            put(&policy("arn:aws:iam::123456789012:role/none"), false).await,
        ),
        ("everybody, where that is blocked", "PublicPolicyException", put(&policy("*"), true).await),
        ("everybody", "ok", put(&policy("*"), false).await),
        ("the account", "ok", put(&account, true).await),
    ]);
    let got = async || secrets.get_resource_policy().secret_id("a").send().await.unwrap().resource_policy;
    assert_eq!(got().await, Some(account));
    secrets.delete_resource_policy().secret_id("a").send().await.unwrap();
    assert_eq!(got().await, None);
}

#[tokio::test]
async fn keys_and_secrets_are_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let key = {
        let emulator = Emulator::open(directory.path()).unwrap();
        let kms = aws_sdk_kms::Client::new(&config(&emulator, REGION));
        let key = kms.create_key().send().await.unwrap().key_metadata.unwrap();
        kms.create_alias().alias_name("alias/a").target_key_id(key.key_id()).send().await.unwrap();
        let call = client(&emulator).create_secret().name("a").kms_key_id("alias/a").secret_string("v");
        call.send().await.unwrap();
        key
    };
    let emulator = Emulator::open(directory.path()).unwrap();
    let kms = aws_sdk_kms::Client::new(&config(&emulator, REGION));
    let found = kms.describe_key().key_id("alias/a").send().await.unwrap();
    assert_eq!(found.key_metadata(), Some(&key));
    let secrets = client(&emulator);
    let value = secrets.get_secret_value().secret_id("a").send().await.unwrap();
    assert_eq!(value.secret_string(), Some("v"));
    kms.disable_key().key_id(key.key_id()).send().await.unwrap();
    let refused = secrets.get_secret_value().secret_id("a").send().await;
    assert_eq!(code(refused), "DecryptionFailure");
}
