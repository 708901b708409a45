//! `stack bootstrap`: the bucket for states.

use std::process::Stdio;

use aws_sdk_s3::types::{Tag, Tagging};
use serde_json::{Value, json};

use crate::command::{Ended, Workplace};
use crate::state_s3::{Account, BUCKET, Machine};

/// A machine whose configuration names the bucket and not yet that the state is kept there.
fn newcomer() -> Machine {
    let machine = Machine::new();
    machine.0.write("stack.toml", &format!("[state]\nbucket = \"{BUCKET}\"\n"));
    machine
}

async fn policy(account: &Account) -> Value {
    let policy = account.s3().get_bucket_policy().bucket(BUCKET).send().await.unwrap().policy.unwrap();
    serde_json::from_str(&policy).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_made_and_used_and_then_there_is_nothing_to_do() {
    let account = Account::empty();
    let machine = newcomer();
    let made = machine.run(&account, &["bootstrap"]).expect(0);
    let title = format!("bucket {BUCKET} (ap-southeast-1)");
    for line in [
        format!("  + {title}"),
        "      versioning: Enabled".to_owned(),
        "      policy: denies requests without TLS".to_owned(),
        format!("created {title}"),
        "set lifecycle".to_owned(),
    ] {
        assert!(made.err.lines().any(|said| said == line), "{line} is not in\n{}", made.err);
    }
    assert!(made.err.contains("history expires after 2557 days"), "{}", made.err);
    assert!(made.err.contains("up to 15 minutes"), "{}", made.err);
    assert!(
        made.out.ends_with("then write into the configuration:\n\n[state]\nbackend = \"s3\"\n"),
        "{}",
        made.out
    );

    // Another environment and another machine use it as it is.
    let machine = Machine::new();
    let again = machine.run(&account, &["bootstrap", "--env", "prod", "--json"]).expect(0);
    assert_eq!(again.err, "");
    let wanted = json!({ "bucket": BUCKET, "region": "ap-southeast-1", "created": false, "changes": [], "to_configure": [] });
    assert_eq!(again.json(), wanted);
    let again = machine.run(&account, &["bootstrap"]).expect(0);
    assert!(again.out.contains("nothing to do; as it must be"), "{}", again.out);
    assert_eq!(account.keys().await, Vec::<String>::new());
    account.record("dev", 1).await;
    assert!(account.keys().await.contains(&"payment/dev/state.json".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_differs_is_changed_and_protection_comes_and_goes() {
    let account = Account::empty();
    let machine = Machine::new();
    machine.run(&account, &["bootstrap"]).expect(0);
    account.s3().delete_public_access_block().bucket(BUCKET).send().await.unwrap();
    let mended = machine.run(&account, &["bootstrap", "--protect", "--json"]).expect(0);
    let changes = mended.json()["changes"].clone();
    let settings: Vec<&str> =
        changes.as_array().unwrap().iter().map(|it| it["setting"].as_str().unwrap()).collect();
    assert_eq!(settings, ["public access", "policy"]);
    let denied = policy(&account).await["Statement"][1].clone();
    assert_eq!(denied["Action"], json!(["s3:DeleteBucket", "s3:DeleteObjectVersion"]));
    // Nobody speaks of it: it stays.
    machine.run(&account, &["bootstrap"]).expect(0);
    assert_eq!(policy(&account).await["Statement"].as_array().unwrap().len(), 2);
    let freed = machine.run(&account, &["bootstrap", "--no-protect"]).expect(0);
    let change = "policy: denies requests without TLS, and deleting the bucket and old versions → denies requests without TLS";
    assert!(freed.err.contains(change), "{}", freed.err);
    assert_eq!(policy(&account).await["Statement"].as_array().unwrap().len(), 1);
    machine.run(&account, &["bootstrap", "--protect", "--no-protect"]).expect(64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_somebody_else_made_is_used_only_if_that_is_said() {
    let account = Account::without_versions().await;
    account.s3().put_object().bucket(BUCKET).key("theirs").body(b"x".to_vec().into()).send().await.unwrap();
    let machine = Machine::new();
    let refused = machine.run(&account, &["bootstrap"]).expect(65);
    assert!(
        refused.err.contains("exists already, and `bootstrap` did not make it: there are objects in it"),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("      versioning: off → Enabled"), "{}", refused.err);
    assert!(
        refused.err.contains("hint: with `stack bootstrap --adopt --target aws` it is used"),
        "{}",
        refused.err
    );
    let untouched = account.s3().get_bucket_versioning().bucket(BUCKET).send().await.unwrap();
    assert_eq!(untouched.status(), None);
    machine.run(&account, &["bootstrap", "--adopt"]).expect(0);
    assert_eq!(account.keys().await, ["theirs"]);
    // From now on it is one of ours.
    machine.run(&account, &["bootstrap"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_cannot_be_used_is_one_error_that_names_the_difference() {
    let account = Account::without_versions().await;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
    let tags = Tagging::builder().tag_set(tag("stack:project", "billing"));
    let call = account.s3().put_bucket_tagging().bucket(BUCKET).tagging(tags.build().unwrap());
    call.send().await.unwrap();
    let machine = Machine::new();
    for (more, words, hint) in [
        (&[][..], "has the tag stack:project = billing, not payment", "each project has its own prefix"),
        (
            &["--set", "state.region=eu-central-1"],
            "is in ap-southeast-1",
            "set `state.region = \"ap-southeast-1\"`",
        ),
        (&["--set", "state.account_id=210987654321"], "state.account_id is 210987654321", "state.role_arn"),
        (&["--set", "state.bucket=a..b"], "is not the name of an S3 bucket", "lower case"),
    ] {
        let ended = machine.run(&account, &[&["bootstrap", "--adopt"], more].concat()).expect(65);
        assert!(ended.err.contains(words) && ended.err.contains(hint), "{}", ended.err);
        assert_eq!(ended.err.matches("error[E").count(), 1, "{}", ended.err);
    }
    let taken = json!({ "of": { "operation": "CreateBucket" }, "when": { "share": 1.0 },
        "fault": { "error": { "code": "BucketAlreadyExists", "status": 409 } } });
    let account = Account::empty().with_faults(&json!({ "rules": [taken] }));
    let ended = machine.run(&account, &["bootstrap"]).expect(65);
    assert!(ended.err.contains("is taken: a bucket of another account has it"), "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bootstrap_that_failed_halfway_is_run_again() {
    let denied = json!({ "of": { "operation": "PutBucketVersioning" }, "when": { "call": 1 },
        "fault": { "error": { "code": "AccessDenied", "status": 403 } } });
    let account = Account::empty().with_faults(&json!({ "rules": [denied] }));
    let machine = Machine::new();
    let failed = machine.run(&account, &["bootstrap"]).expect(1);
    assert!(failed.err.contains("created bucket "), "{}", failed.err);
    assert!(
        failed.err.contains("hint: nothing was lost; docs/deploying-identity/state.json"),
        "{}",
        failed.err
    );
    let next = machine.run(&account, &["bootstrap"]).expect(0);
    assert!(next.err.contains(&format!("  ~ bucket {BUCKET}")), "{}", next.err);
    machine.run(&account, &["bootstrap"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_asks_and_without_a_terminal_needs_a_yes() {
    let account = Account::empty();
    let machine = Machine::new();
    let mut command = machine.0.command(&["bootstrap", "--target", "aws"]);
    let ended = account.server.reached_by(&mut command).stdin(Stdio::null()).output().unwrap();
    let ended = Ended::of(&ended).expect(64);
    assert!(ended.err.contains("  + bucket ") && ended.err.contains("--yes"), "{}", ended.err);
    let listed = account.s3().list_buckets().send().await.unwrap();
    assert_eq!(listed.buckets().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_cannot_be_used_does_not_become_the_default_of_the_bucket() {
    let account = Account::empty();
    let machine = Machine::new();
    machine.run(&account, &["bootstrap"]).expect(0);
    let key =
        "state.kms_key_arn=arn:aws:kms:ap-southeast-1:123456789012:key/00000000-0000-4000-8000-000000000000";
    let refused = machine.run(&account, &["bootstrap", "--set", key]).expect(1);
    assert!(refused.err.contains("KMS.NotFoundException"), "{}", refused.err);
    let encryption = account.s3().get_bucket_encryption().bucket(BUCKET).send().await.unwrap();
    let rules = encryption.server_side_encryption_configuration().unwrap().rules();
    let algorithm = rules[0].apply_server_side_encryption_by_default().unwrap().sse_algorithm().as_str();
    assert_eq!(algorithm, "AES256");
    machine.run(&account, &["up"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_default_key_that_cannot_be_used_is_shown_and_gives_way() {
    let account = Account::empty();
    let machine = Machine::new();
    machine.run(&account, &["bootstrap"]).expect(0);
    let key = "arn:aws:kms:ap-southeast-1:123456789012:key/00000000-0000-4000-8000-000000000000";
    account.encrypt_with(key).await;
    let mended = machine.run(&account, &["bootstrap"]).expect(0);
    let change = format!(
        "      encryption: aws:kms with {key}, which cannot be used (KMS.NotFoundException) → SSE-S3; "
    );
    assert!(mended.err.contains(&change), "{}", mended.err);
    assert!(mended.err.contains("the key is gone"), "{}", mended.err);
    let again = machine.run(&account, &["bootstrap"]).expect(0);
    assert!(again.out.contains("nothing to do; as it must be"), "{}", again.out);
}

#[test]
fn where_there_is_nothing_to_make_the_error_says_what_to_do() {
    let place = Workplace::new();
    let ended = place.run(&["bootstrap"]).expect(64);
    assert!(ended.err.contains("the embedded AWS keeps its state in the state directory"), "{}", ended.err);
    assert!(ended.err.contains("hint: for the bucket on real AWS, add --target aws"), "{}", ended.err);
    let ended = place.run(&["bootstrap", "--target", "aws"]).expect(65);
    assert!(ended.err.contains("error[E0102]: no bucket for the state is configured"), "{}", ended.err);
    assert!(ended.err.contains("`bucket = \"payment-state-ACCOUNT-ap-southeast-1\"`"), "{}", ended.err);
    assert!(!place.path().join(".stack").exists());
}
