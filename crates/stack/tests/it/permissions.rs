//! `docs/deploying-identity.json`: what the identity needs that deploys the stack.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws::{Account, Context, Identity};
use aws_sdk_ec2::config::Region;
use emulator::Emulator;
use engine::{Engine, Graph, MemoryStore, Registry, Selector, TestHost};
use serde_json::Value;
use stack::{Config, Place, Stack};
use tokio::time::Instant;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every action that the policy allows.
fn allowed() -> BTreeSet<String> {
    let text = std::fs::read_to_string(repository().join("docs/deploying-identity.json")).unwrap();
    let policy: Value = serde_json::from_str(&text).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
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
    assert!(missing.is_empty(), "docs/deploying-identity.json lacks {missing:#?}");
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
    let mut missing = BTreeSet::new();
    let mut seen = 0;
    for tier in ["alb", "apigw", "aws", "backup", "database", "ecs", "monitoring", "vpc"] {
        for file in sources(&repository().join("crates").join(tier).join("src")) {
            let text = std::fs::read_to_string(file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for named in code.split("called(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                seen += 1;
                let prefixes = allowed.iter().filter_map(|action| action.split(':').next());
                let is_allowed = prefixes
                    .collect::<BTreeSet<_>>()
                    .iter()
                    .any(|prefix| allowed.contains(&action(prefix, named)));
                if !is_allowed {
                    missing.insert(named.to_owned());
                }
            }
        }
    }
    assert!(seen > 100, "only {seen}");
    assert!(missing.is_empty(), "docs/deploying-identity.json lacks {missing:#?}");
}
