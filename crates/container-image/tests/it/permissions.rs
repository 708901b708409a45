//! What the identity needs that pushes and pulls.

use std::collections::BTreeSet;
use std::path::Path;

use container_image::{PULL_ACTIONS, PUSH_ACTIONS};
use serde_json::Value;

#[test]
fn the_deploying_identity_may_push_and_pull() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/deploying-identity/services.json");
    let policy: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let allowed: BTreeSet<&str> = statements
        .iter()
        .flat_map(|statement| statement["Action"].as_array().unwrap())
        .map(|action| action.as_str().unwrap())
        .collect();
    let missing: Vec<_> =
        PUSH_ACTIONS.iter().chain(&PULL_ACTIONS).filter(|action| !allowed.contains(**action)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
