//! The state in S3: several machines work on one environment.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    VersioningConfiguration,
};
use engine::{Engine, LocalStore, Registry, Store};
use s3_store::{Location, S3Store};
use serde_json::json;

use crate::command::{Ended, Workplace};
use crate::processes::there;
use crate::server::{Running, Server};

pub(crate) const BUCKET: &str = "payment-state-123456789012";

/// A served account with a bucket for states.
pub(crate) struct Account {
    place: Workplace,
    pub(crate) server: Server,
}

impl Account {
    /// Without a bucket.
    pub(crate) fn empty() -> Self {
        let place = Workplace::new();
        let server = Server::start(&place);
        Self { place, server }
    }

    pub(crate) async fn new() -> Self {
        let account = Self::without_versions().await;
        let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let call = account.s3().put_bucket_versioning().bucket(BUCKET).versioning_configuration(on);
        call.send().await.unwrap();
        account
    }

    pub(crate) async fn without_versions() -> Self {
        let account = Self::empty();
        let region = BucketLocationConstraint::ApSoutheast1;
        let region = CreateBucketConfiguration::builder().location_constraint(region).build();
        let call = account.s3().create_bucket().bucket(BUCKET).create_bucket_configuration(region);
        call.send().await.unwrap();
        account
    }

    pub(crate) fn s3(&self) -> Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("ap-southeast-1"))
            .endpoint_url(&self.server.url)
            .force_path_style(true)
            .credentials_provider(Credentials::for_tests())
            .build();
        Client::from_conf(config)
    }

    pub(crate) async fn keys(&self) -> Vec<String> {
        let listed = self.s3().list_objects_v2().bucket(BUCKET).send().await.unwrap();
        listed.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
    }

    /// Serves the same account once more, with faults.
    pub(crate) fn with_faults(self, faults: &serde_json::Value) -> Self {
        drop(self.server);
        let server = Server::with_faults(&self.place, faults, &[]);
        Self { server, ..self }
    }

    /// Makes this the key that the bucket encrypts with by default.
    pub(crate) async fn encrypt_with(&self, key: &str) {
        let by_default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::AwsKms)
            .kms_master_key_id(key)
            .build()
            .unwrap();
        let rule =
            ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(by_default).build();
        let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build().unwrap();
        let s3 = self.s3();
        let call = s3.put_bucket_encryption().bucket(BUCKET).server_side_encryption_configuration(rules);
        call.send().await.unwrap();
    }

    fn sdk(&self) -> aws_config::SdkConfig {
        aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("ap-southeast-1"))
            .endpoint_url(&self.server.url)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .build()
    }

    pub(crate) fn ec2(&self) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.sdk())
    }

    /// What another program keeps its state with in this bucket.
    pub(crate) fn store(&self, environment: &str) -> S3Store {
        let sdk = self.sdk();
        let location = Location {
            bucket: BUCKET.to_owned(),
            prefix: format!("payment/{environment}"),
            account_id: Some("123456789012".to_owned()),
            kms_key_arn: None,
        };
        S3Store::new(&sdk, location)
    }

    /// Sessions that change nothing, each of which is a record.
    pub(crate) async fn record(&self, environment: &str, sessions: usize) {
        record(Arc::new(self.store(environment)), sessions).await;
    }
}

/// Sessions that change nothing, each of which is a record.
async fn record(store: Arc<dyn Store>, sessions: usize) {
    for _ in 0..sessions {
        let engine = Engine::new(Arc::new(Registry::new(())), Arc::clone(&store));
        engine.open().await.unwrap().close().await.unwrap();
    }
}

/// A machine: a working directory of its own.
pub(crate) struct Machine(pub(crate) Workplace);

impl Machine {
    pub(crate) fn new() -> Self {
        let place = Workplace::new();
        place.write("stack.toml", &format!("[state]\nbackend = \"s3\"\nbucket = \"{BUCKET}\"\n"));
        Self(place)
    }

    /// Sessions that change nothing, each of which is a record in the state directory.
    pub(crate) async fn record(&self, sessions: usize) {
        record(Arc::new(LocalStore::new(self.0.path().join(".stack/aws/dev"))), sessions).await;
    }

    /// Without a terminal, and without `--yes`.
    pub(crate) fn run_without_yes(&self, account: &Account, arguments: &[&str]) -> Ended {
        let mut command = self.0.command(arguments);
        let command = account.server.reached_by(command.args(["--target", "aws"]));
        Ended::of(&command.stdin(Stdio::null()).output().unwrap())
    }

    pub(crate) fn command(&self, account: &Account, arguments: &[&str]) -> Command {
        account.server.command(&self.0, arguments)
    }

    pub(crate) fn run(&self, account: &Account, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(account, arguments).output().unwrap())
    }

    pub(crate) fn begin(&self, account: &Account, arguments: &[&str]) -> Running {
        Running::begin(self.command(account, arguments).stdin(Stdio::null()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_machine_deploys_another_one_sees_changes_and_destroys() {
    let account = Account::new().await;
    let (one, other) = (Machine::new(), Machine::new());
    one.run(&account, &["up"]).expect(0);
    // Nothing of it is on this machine.
    let local = one.0.path().join(".stack/aws/dev");
    let mut names: Vec<_> = fs::read_dir(&local).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".holder", "made-with"]);
    let keys = account.keys().await;
    assert!(keys.iter().all(|key| key.starts_with("payment/dev/")), "{keys:?}");
    assert!(keys.contains(&"payment/dev/state.json".to_owned()), "{keys:?}");
    assert!(!keys.iter().any(|key| key.ends_with("lock.json") || key.contains("/probe/")), "{keys:?}");

    other.run(&account, &["preview", "--detailed-exitcode"]).expect(0);
    other.run(&account, &["refresh", "--detailed-exitcode"]).expect(0);
    other.run(&account, &["state", "verify"]).expect(0);
    let outputs = [&one, &other].map(|machine| machine.run(&account, &["outputs"]).expect(0).out);
    assert_eq!(outputs[0], outputs[1]);
    other.run(&account, &["up", "--set", "vpc.nat=single"]).expect(0);
    one.run(&account, &["preview", "--detailed-exitcode", "--set", "vpc.nat=single"]).expect(0);
    one.run(&account, &["preview", "--detailed-exitcode"]).expect(2);
    one.run(&account, &["destroy"]).expect(0);
    let nothing = other.run(&account, &["preview"]).expect(0);
    assert!(nothing.out.contains(" to create"), "{}", nothing.out);
    // The history of all four runs is there.
    let segments = account.keys().await.iter().filter(|key| key.contains("/journal/")).count();
    assert!(segments > 100, "{segments}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_machine_waits_for_the_first_or_is_refused_and_takes_over_after_a_kill() {
    let account = Account::new().await;
    let held = json!({ "of": { "operation": "CreateNatGateway" }, "when": { "share": 1.0 },
        "fault": { "time_out": "after_effect" } });
    let account = account.with_faults(&json!({ "rules": [held] }));
    let (one, other) = (Machine::new(), Machine::new());
    let mut up = one.begin(&account, &["up"]);
    up.after(20, "created ");
    // Its holder lives: seconds later it has renewed its lease.
    let refused = other.run(&account, &["up"]).expect(75);
    assert!(
        refused.err.contains("s3://payment-state-123456789012/payment/dev/lock.json is held by "),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("(up), for "), "{}", refused.err);
    assert!(
        refused.err.contains("hint: wait until it has finished, or let this run wait: --lock-timeout"),
        "{}",
        refused.err
    );
    let mut patient = other.begin(&account, &["up", "--lock-timeout", "5m", "--set", "vpc.nat=none"]);
    patient.after(1, "the lock is held by ");
    patient.after(1, "waiting up to ");
    let begun = Instant::now();
    up.signal("KILL");
    up.end();
    // Nobody on another machine can know that it has ended: its lease runs out.
    patient.end().expect(0);
    assert!(begun.elapsed().as_secs() >= 20, "{:?}", begun.elapsed());
    other.run(&account, &["preview", "--detailed-exitcode", "--set", "vpc.nat=none"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_killed_is_taken_up_at_once_on_the_same_machine() {
    let account = Account::new().await;
    let held = json!({ "of": { "operation": "CreateNatGateway" }, "when": { "share": 1.0 },
        "fault": { "time_out": "after_effect" } });
    let account = account.with_faults(&json!({ "rules": [held] }));
    let one = Machine::new();
    let mut up = one.begin(&account, &["up"]);
    up.after(20, "created ");
    up.signal("KILL");
    up.end();
    // Nobody is at work here; another machine cannot know it.
    let here = one.run(&account, &["preview", "--set", "vpc.nat=none"]).expect(0);
    assert!(!here.err.contains("the plan may change"), "{}", here.err);
    let there = Machine::new().run(&account, &["preview", "--set", "vpc.nat=none"]).expect(0);
    assert!(
        there.err.contains("for up: if that run is still under way, the plan may change"),
        "{}",
        there.err
    );
    let next = one.run(&account, &["up", "--set", "vpc.nat=none"]).expect(0);
    assert!(!next.err.contains("the lock is held"), "{}", next.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_expire_while_the_state_is_written_lose_nothing_and_the_next_run_goes_on() {
    let expired = |call: u64| {
        let error = json!({ "error": { "code": "ExpiredToken", "status": 400 } });
        json!({ "of": { "operation": "PutObject" }, "when": { "call": call }, "fault": error })
    };
    // Of a session that writes more than a hundred segments.
    let faults = json!({ "rules": (40..400).map(expired).collect::<Vec<_>>() });
    let account = Account::new().await.with_faults(&faults);
    let (one, other) = (Machine::new(), Machine::new());
    let up = one.run(&account, &["up"]).expect(1);
    assert!(up.err.contains("PutObject: ExpiredToken"), "{}", up.err);
    assert!(up.err.contains("hint: sign in again"), "{}", up.err);
    drop(account.server);
    let account = Account { server: Server::start(&account.place), place: account.place };
    other.run(&account, &["up"]).expect(0);
    other.run(&account, &["preview", "--detailed-exitcode"]).expect(0);
    other.run(&account, &["destroy"]).expect(0);
    // The bucket of the state, and the role of the region's API Gateway, are nobody's.
    assert!(there(&account.place).keys().all(|(_, address)| address.is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_second_state_is_begun_beside_one_that_was_not_moved() {
    let account = Account::new().await;
    let machine = Machine::new();
    machine.run(&account, &["up", "--set", "state.backend=local"]).expect(0);
    for command in ["preview", "up", "destroy"] {
        let refused = machine.run(&account, &[command]).expect(65);
        assert!(refused.err.contains("has a state of environment dev with 172 resources"), "{}", refused.err);
        assert!(
            refused.err.contains("hint: move it there: `stack state push --target aws`"),
            "{}",
            refused.err
        );
    }
    assert_eq!(account.keys().await, Vec::<String>::new());
    machine.run(&account, &["state", "push"]).expect(0);
    machine.run(&account, &["preview", "--detailed-exitcode"]).expect(0);
    machine.run(&account, &["preview", "--set", "state.backend=local"]).expect(65);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_target_keeps_its_state_here_and_says_so() {
    let machine = Machine::new();
    let ended = machine.0.run(&["up"]).expect(0);
    assert!(ended.err.contains("the embedded AWS keeps its state in the state directory"), "{}", ended.err);
    assert!(machine.0.state_directory("dev").join("journal.jsonl").exists());
}

/// Runs `up`, which must be refused with this code, these words in the error and this in the advice, and change nothing.
#[track_caller]
fn refused(machine: &Machine, account: &Account, more: &[&str], code: i32, words: &[&str]) {
    let ended = machine.run(account, &[&["up"], more].concat()).expect(code);
    for words in words {
        assert!(ended.err.contains(words), "{words} is not in\n{}", ended.err);
    }
    assert_eq!(ended.err.matches("error[E").count(), 1, "{}", ended.err);
    assert!(!ended.err.contains("created "), "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_cannot_be_used_is_one_error_and_nothing_is_written() {
    let account = Account::new().await;
    let machine = Machine::new();
    let of = |account: &Account, more: &[&str], code: i32, words: &[&str]| {
        refused(&machine, account, more, code, words);
    };
    of(
        &account,
        &["--set", "state.bucket=payment-state-other"],
        65,
        &[
            "error[E0203]",
            "NoSuchBucket",
            "`stack bootstrap --target aws --set state.bucket=payment-state-other`",
            "state.bucket",
        ],
    );
    of(
        &account,
        &["--set", "state.account_id=210987654321"],
        1,
        &["error[E0203]", "AccessDenied", "does not belong to account 210987654321", "`state.account_id`"],
    );
    of(
        &account,
        &["--set", "state.region=eu-central-1"],
        65,
        &["error[E0203]", "the bucket is in ap-southeast-1: set `state.region`"],
    );
    assert_eq!(account.keys().await, Vec::<String>::new());

    for (operation, code) in [
        ("GetObject", "AccessDenied"),
        ("GetBucketVersioning", "AccessDenied"),
        ("PutObject", "AccessDenied"),
        ("PutObject", "KMS.DisabledException"),
        ("PutObject", "ExpiredToken"),
    ] {
        let fault = json!({ "error": { "code": code, "status": 403 } });
        let rule = json!({ "of": { "operation": operation }, "when": { "share": 1.0 }, "fault": fault });
        let account = Account::new().await.with_faults(&json!({ "rules": [rule] }));
        let (kind, advice) = match code {
            "AccessDenied" => ("error[E0301]", "this identity needs s3:ListBucket"),
            "ExpiredToken" => ("error[E0303]", "sign in again"),
            _ => ("error[E0203]", "aws kms enable-key"),
        };
        of(&account, &[], 1, &[kind, operation, code, advice]);
        assert_eq!(account.keys().await, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_without_versions_is_refused() {
    let account = Account::without_versions().await;
    let words = ["does not keep old versions of its objects", "put-bucket-versioning"];
    refused(&Machine::new(), &account, &[], 65, &words);
    assert_eq!(account.keys().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_disabled_is_named_in_the_advice() {
    let account = Account::new().await;
    let machine = Machine::new();
    account
        .encrypt_with("arn:aws:kms:ap-southeast-1:123456789012:key/00000000-0000-4000-8000-000000000000")
        .await;
    refused(
        &machine,
        &account,
        &[],
        1,
        &["error[E0203]", "KMS.", "aws s3api get-bucket-encryption --bucket payment-state-123456789012"],
    );
    assert_eq!(account.keys().await, Vec::<String>::new());
}

#[test]
fn what_cannot_be_configured_is_refused_before_any_call() {
    let place = Workplace::new();
    for (settings, words) in [
        (&["state.backend=s3"][..], "`state.bucket`: state.backend is \"s3\", and no bucket is given"),
        (&["state.bucket=A"], "`--set state.bucket`: `A` is not the name of an S3 bucket"),
        (&["state.bucket=a..b"], "is not the name of an S3 bucket"),
        (&["state.bucket=a.-b"], "is not the name of an S3 bucket"),
        (&["state.bucket=ab"], "has fewer than 3 characters"),
        (&["state.bucket=ab-.c"], "has a hyphen beside a dot"),
        (&["state.bucket=10.0.0.1"], "looks like an IP address"),
        (&["state.bucket=xn--states"], "begins with xn--, which is reserved by AWS"),
        (&["state.bucket=sthree-states"], "begins with sthree-"),
        (&["state.bucket=states-s3alias"], "ends with -s3alias, which is reserved by AWS"),
        (&["state.bucket=states--ol-s3"], "ends with --ol-s3"),
        (&["state.bucket=states--x-s3"], "ends with --x-s3"),
        (
            &["state.bucket=a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"],
            "has more than 63 characters",
        ),
        (&["state.prefix=/x"], "`--set state.prefix`: `/x` is not a prefix of keys"),
        (&["state.prefix=a/../b"], "it has a part that is `.` or `..`"),
        (
            &["state.kms_key_arn=arn:aws:kms:us-east-1:123456789012:key/1234abcd"],
            "the key is in us-east-1, and the bucket in ap-southeast-1",
        ),
        (&["state.region=Singapore"], "is not an AWS region"),
        (&["state.account_id=12"], "is not an AWS account"),
        (&["state.kms_key_arn=alias/x"], "an alias will not do"),
        (&["state.role_arn=admin"], "is not the ARN of a role"),
        (&["state.history_days=0"], "0 is out of range"),
        (&["aws.role_arn=admin"], "is not the ARN of a role"),
        (&["aws.external_id=x4"], "aws.role_arn is not given"),
        (&["aws.session_duration=60"], "60 is out of range"),
    ] {
        let mut arguments = vec!["preview", "--target", "aws"];
        settings.iter().for_each(|setting| arguments.extend(["--set", *setting]));
        let ended = place.run(&arguments).expect(65);
        assert!(ended.err.contains(words), "{settings:?}: {words} is not in\n{}", ended.err);
    }
    place.run(&["up", "--lock-timeout", "soon"]).expect(64);
}
