//! `docs/deploying-identity/`: what the identity needs that deploys the stack.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws::{Account, Context, Identity};
use aws_sdk_ec2::config::Region;
use emulator::Emulator;
use engine::{Engine, Graph, MemoryStore, Registry, Selector, TestHost};
use s3_store::{BucketWish, Location, S3Store, StateBucket};
use serde_json::{Value, json};
use stack::{Config, Place, Stack};
use tokio::time::Instant;

use crate::command::Workplace;
use crate::server::Server;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The policies, by the names of their files.
fn policies() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(repository().join("docs/deploying-identity")).unwrap();
    let read = |path: PathBuf| {
        let policy = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), policy)
    };
    files.map(|file| read(file.unwrap().path())).collect()
}

/// The actions of a policy whose statements allow some.
fn actions(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// Every action that one of the policies of the deploying identity allows.
fn allowed() -> BTreeSet<String> {
    policies()
        .iter()
        .filter(|(name, _)| !["read-only", "state"].contains(&name.as_str()))
        .flat_map(|(_, policy)| actions(policy))
        .collect()
}

/// IAM takes no managed policy with more than 6,144 characters besides white space (IAM User Guide, "IAM and AWS STS quotas").
#[test]
fn each_policy_can_be_made_in_iam() {
    let policies = policies();
    assert_eq!(
        policies.keys().collect::<Vec<_>>(),
        ["data-and-access", "network", "read-only", "services", "state"]
    );
    for (name, policy) in policies {
        let length = policy.to_string().chars().filter(|character| !character.is_whitespace()).count();
        assert!(length <= 6144, "{name} has {length} characters");
    }
}

/// What AWS demands of the caller besides the permission for the call itself. No emulator shows that.
#[test]
fn what_aws_checks_in_the_name_of_the_caller_is_in_the_list() {
    let allowed = allowed();
    for (action, source) in [
        // AWS WAF Developer Guide, "Actions that require additional permissions settings".
        ("elasticloadbalancing:SetWebACL", "AssociateWebACL"),
        ("elasticloadbalancing:CreateWebACLAssociation", "AssociateWebACL"),
        ("elasticloadbalancing:DeleteWebACLAssociation", "DisassociateWebACL"),
        ("apigateway:SetWebACL", "AssociateWebACL"),
        // API Gateway Developer Guide, "Create and attach an API Gateway resource policy to an API", prerequisites.
        ("apigateway:UpdateRestApiPolicy", "UpdateRestApi of a policy"),
        // Amazon S3 API Reference, CreateBucket, "Permissions".
        ("s3:TagResource", "CreateBucket with tags"),
        // Service Authorization Reference, dependent actions.
        ("route53:AssociateVPCWithHostedZone", "CreateVpcEndpoint with private DNS"),
        ("rds:CreateDBClusterSnapshot", "DeleteDBCluster with a final snapshot"),
        ("iam:PassRole", "every call that hands a role over"),
    ] {
        assert!(allowed.contains(action), "{action} is missing, for {source}");
    }
}

/// What looks and changes nothing, and no content of a secret or an image.
#[test]
fn the_policy_for_reading_lets_nothing_change() {
    let (policies, allowed) = (policies(), allowed());
    let reading = actions(&policies["read-only"]);
    let reads = |action: &str| {
        let name = action.split(':').nth(1).unwrap();
        let others = ["apigateway:GET", "logs:FilterLogEvents"];
        ["Get", "List", "Describe"].iter().any(|word| name.starts_with(word)) || others.contains(&action)
    };
    let content = [
        "secretsmanager:GetSecretValue",
        // A token lets `docker` do whatever the identity may, and is only for pulling and pushing.
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
    ];
    let wanted: BTreeSet<String> =
        allowed.into_iter().filter(|action| reads(action) && !content.contains(&action.as_str())).collect();
    assert_eq!(reading, wanted);
}

/// The services that have an operation of this name, by the prefix of their actions. EC2 has no model here.
fn services_with(operation: &str) -> BTreeSet<String> {
    let models = repository().join("crates/emulator/models");
    let mut services = BTreeSet::new();
    for file in std::fs::read_dir(models).unwrap() {
        let path = file.unwrap().path();
        let model: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let has = |list: &str| model[list].get(operation).is_some();
        if has("operations") || has("others") {
            services.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    services.insert("ec2".to_owned());
    services
}

/// The action that a call needs. Most have the operation's name (Service Authorization Reference).
fn action(service: &str, operation: &str) -> String {
    let prefix = match service {
        "monitoring" => "cloudwatch",
        "apigatewayv2" => "apigateway",
        other => other,
    };
    let named = match (prefix, operation) {
        // API Gateway's actions are the methods of its resources.
        ("apigateway", "TagResource") => "PUT",
        ("apigateway", "UntagResource") => "DELETE",
        ("apigateway", operation) if operation.starts_with("Get") => "GET",
        ("apigateway", operation) if operation.starts_with("Create") => "POST",
        ("apigateway", operation) if operation.starts_with("Put") => "PUT",
        ("apigateway", operation) if operation.starts_with("Update") => "PATCH",
        ("apigateway", operation) if operation.starts_with("Delete") => "DELETE",
        ("s3", "GetBucketEncryption") => "GetEncryptionConfiguration",
        ("s3", "PutBucketEncryption") => "PutEncryptionConfiguration",
        ("s3", "GetBucketLifecycleConfiguration") => "GetLifecycleConfiguration",
        ("s3", "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle") => "PutLifecycleConfiguration",
        ("s3", "GetPublicAccessBlock") => "GetBucketPublicAccessBlock",
        ("s3", "PutPublicAccessBlock") => "PutBucketPublicAccessBlock",
        ("s3", "DeleteObjects") => "DeleteObjectVersion",
        ("s3", "ListObjectVersions") => "ListBucketVersions",
        ("s3", "HeadBucket" | "ListObjectsV2") => "ListBucket",
        (_, operation) => operation,
    };
    format!("{prefix}:{named}")
}

/// The calls of an `up`, and of a `destroy` where the configuration lets it.
async fn calls(config: Config, environment: &str, destroy: bool) -> BTreeSet<String> {
    let emulator = Emulator::in_memory();
    let sdk = stack::embedded(&emulator, Region::new("ap-southeast-1"));
    let identity = Identity { project: "payment".to_owned(), environment: environment.to_owned() };
    let place = Place { account_id: "123456789012".to_owned(), ..Place::imagined(&config) };
    let account = Account { id: place.account_id.clone(), partition: place.partition.clone() };
    let mut registry = Registry::new(Context::from_config(&sdk, identity, account).unwrap());
    stack::kinds(&mut registry);
    let engine = Engine::new(Arc::new(registry), Arc::new(MemoryStore::new()))
        .with_host(Arc::new(TestHost::new("test", 1, Instant::now())));
    let wanted = Stack::new(config, &environment.parse().unwrap()).declare(&place).unwrap();
    let mut calls = BTreeSet::new();
    let runs = [Some(wanted), destroy.then(Arc::<Graph>::default)];
    for graph in runs.into_iter().flatten() {
        let session = engine.open().await.unwrap();
        let plan = session.plan(graph, &Selector::all()).await.unwrap();
        let report = session.apply(&plan).await.unwrap();
        session.close().await.unwrap();
        assert!(report.is_complete(), "{report:#?}");
        calls.extend(emulator.calls().iter().map(|call| action(&call.service, &call.operation)));
        emulator.clear_calls();
    }
    calls
}

#[tokio::test(start_paused = true)]
async fn every_call_of_a_run_is_in_the_list_for_the_deploying_identity() {
    let prod = "prod".parse().unwrap();
    let file = repository().join("stack.toml");
    let prod = stack::load(&stack::Sources::file(Some(&file), &prod)).unwrap().config;
    let mut called = calls(prod, "prod", false).await;
    // Prod is protected, so another one goes.
    let mut other = Config::default();
    other.section_mut::<ecs::Tier>().image = Some("public.ecr.aws/nginx/nginx:1.29".to_owned());
    called.extend(calls(other, "dev", true).await);
    assert!(called.len() > 150, "these are too few: {called:?}");
    let allowed = allowed();
    let missing: Vec<_> = called.iter().filter(|action| !allowed.contains(*action)).collect();
    assert!(missing.is_empty(), "docs/deploying-identity lacks {missing:#?}");
}

/// Also of those that are made around a plan, by the program itself.
#[test]
fn every_call_of_a_preview_and_of_logs_is_in_the_list_for_reading() {
    let place = Workplace::new();
    let server = Server::start(&place);
    server.run(&place, &["up"]).expect(0);
    let told =
        [&["preview", "-v"][..], &["logs", "-v"]].map(|command| server.run(&place, command).expect(0).err);
    let calls = told.iter().flat_map(|told| told.lines());
    let calls = calls.filter_map(|line| line.strip_prefix("call ")?.split_once(": "));
    let mut called: BTreeSet<String> = calls
        .map(|(call, _)| call.split_once(' ').unwrap())
        .map(|(service, operation)| action(service, operation))
        .collect();
    assert!(called.contains("iam:ListAccountAliases"), "{called:?}");
    assert!(called.contains("logs:FilterLogEvents"), "{called:?}");
    // AWS STS API Reference: no permission is needed for it.
    assert!(called.remove("sts:GetCallerIdentity"), "{called:?}");
    let reading = actions(&policies()["read-only"]);
    let missing: Vec<_> = called.iter().filter(|action| !reading.contains(*action)).collect();
    // The database is asked for its users where the identity may: `docs/deploying-identity.md`.
    let known = ["rds-data:ExecuteStatement"];
    assert!(missing.iter().all(|action| known.contains(&action.as_str())), "read-only lacks {missing:#?}");
}

/// What the policy for the state allows on the bucket and on its objects.
fn allowed_of_state() -> (BTreeSet<String>, BTreeSet<String>) {
    let policy = &policies()["state"];
    let on = |objects: bool| {
        let statements = policy["Statement"].as_array().unwrap().iter();
        let about = statements.filter(|statement| {
            let resource = statement["Resource"].as_str().unwrap();
            resource.starts_with("arn:aws:s3:::") && resource.ends_with("/payment/*") == objects
        });
        about.flat_map(|statement| actions(&json!({ "Statement": [statement] }))).collect()
    };
    (on(false), on(true))
}

/// Every setting of the bucket is made, and made again after somebody has changed it; a run, a look from outside, a move and
/// an unlocking use it.
#[tokio::test(start_paused = true)]
async fn every_call_about_the_state_is_in_the_policy_for_it() {
    let emulator = Emulator::in_memory();
    let sdk = stack::embedded(&emulator, Region::new("ap-southeast-1"));
    let name = "payment-state-123456789012-ap-southeast-1";
    let wish = BucketWish {
        name: name.to_owned(),
        region: "ap-southeast-1".to_owned(),
        account_id: "123456789012".to_owned(),
        partition: "aws".to_owned(),
        project: "payment".to_owned(),
        prefix: "payment".to_owned(),
        kms_key_arn: Some(
            "arn:aws:kms:ap-southeast-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab".to_owned(),
        ),
        unusable_key: None,
        history_days: 30,
        protect: Some(true),
        tags: BTreeMap::new(),
    };
    let bucket = StateBucket::new(&sdk, wish);
    bucket.look().await.unwrap();
    bucket.create().await.unwrap();
    let mut called = BTreeSet::new();
    let mut note = || {
        called.extend(emulator.calls().iter().map(|call| action(&call.service, &call.operation)));
        emulator.clear_calls();
    };
    note();
    let s3 = aws_sdk_s3::Client::new(&sdk);
    s3.delete_public_access_block().bucket(name).send().await.unwrap();
    s3.delete_bucket_ownership_controls().bucket(name).send().await.unwrap();
    s3.delete_bucket_tagging().bucket(name).send().await.unwrap();
    emulator.clear_calls();
    let changes = bucket.look().await.unwrap().changes;
    assert_eq!(changes.len(), 7, "{changes:?}");
    for change in changes {
        bucket.make(&change).await.unwrap();
    }
    note();
    s3.delete_bucket_encryption().bucket(name).send().await.unwrap();
    emulator.clear_calls();
    let location = Location {
        bucket: name.to_owned(),
        prefix: "payment/dev".to_owned(),
        account_id: Some("123456789012".to_owned()),
        kms_key_arn: None,
    };
    let store = S3Store::new(&sdk, location);
    store.check().await.unwrap();
    store.probe().await.unwrap();
    let host = Arc::new(TestHost::new("test", 1, Instant::now()));
    let engine = Engine::new(Arc::new(Registry::new(())), Arc::new(store.clone())).with_host(host);
    engine.open().await.unwrap().close().await.unwrap();
    engine::inspect(&store).await.unwrap().unwrap();
    store.environments().await.unwrap();
    store.session_before().await.unwrap().unwrap();
    store.set_moved(Some(b"{}")).await.unwrap();
    store.set_moved(None).await.unwrap();
    let held = engine.open().await.unwrap();
    let holder = engine::lock_holder(&store).await.unwrap().unwrap();
    assert!(engine::unlock(&store, &holder.id).await.unwrap());
    drop(held);
    note();
    // A segment that somebody deleted is looked for among its versions.
    let listed = s3.list_objects_v2().bucket(name).prefix("payment/dev/journal/").max_keys(1).send().await;
    let newest = listed.unwrap().contents()[0].key().unwrap().to_owned();
    s3.delete_object().bucket(name).key(newest).send().await.unwrap();
    emulator.clear_calls();
    assert!(engine::inspect(&store).await.is_err());
    engine::Store::history(&store, 0).await.unwrap();
    note();
    called.insert("s3:GetObjectVersion".to_owned());
    // With the calls: for tags in CreateBucket and PutObject, and for a key of KMS (S3 API Reference, "Permissions").
    called.extend(["s3:TagResource", "s3:PutObjectTagging"].map(str::to_owned));
    assert!(called.len() >= 20, "these are too few: {called:?}");
    let (on_bucket, on_objects) = allowed_of_state();
    let (objects, others): (BTreeSet<String>, BTreeSet<String>) =
        called.into_iter().partition(|action| action.contains("Object"));
    assert_eq!(objects, on_objects);
    assert_eq!(others, on_bucket);
    for action in ["kms:GenerateDataKey", "kms:Decrypt"] {
        assert!(
            actions(&policies()["state"]).contains(action),
            "{action} is missing, for a bucket with a KMS key"
        );
    }
}

/// All Rust sources in a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// What is only called for a change is in no run of the other test: it is found where a kind names the call.
#[test]
fn every_call_that_a_kind_names_is_in_the_list_for_the_deploying_identity() {
    let allowed = allowed();
    let mut services = BTreeMap::new();
    let mut missing = BTreeSet::new();
    let mut seen = 0;
    for tier in ["alb", "apigw", "aws", "backup", "database", "ecs", "monitoring", "vpc"] {
        for file in sources(&repository().join("crates").join(tier).join("src")) {
            let text = std::fs::read_to_string(file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for named in code.split("called(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                seen += 1;
                let services = services.entry(named.to_owned()).or_insert_with(|| services_with(named));
                let is_allowed = services.iter().any(|service| allowed.contains(&action(service, named)));
                if !is_allowed {
                    missing.insert(named.to_owned());
                }
            }
        }
    }
    assert!(seen > 100, "only {seen}");
    assert!(missing.is_empty(), "docs/deploying-identity lacks {missing:#?}");
}
