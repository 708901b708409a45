//! Lifecycle policies and repository policies: documents that are checked and kept as they are.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{invalid, lifecycle};
use crate::services::{ACCOUNT_ID, Answer, Call, Cx, Refusal, ensure};

/// ECR API Reference, PutLifecyclePolicy.
pub(super) fn put_lifecycle(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (registry_id, repository_name, text): (Option<String>, String, String) =
        call.members(&["registryId", "repositoryName", "lifecyclePolicyText"])?;
    let repository = cx.r.ecr.repository_mut(registry_id.as_deref(), &repository_name)?;
    lifecycle::check(&text)?;
    repository.lifecycle_policy = Some(text.clone());
    Ok(lifecycle_answer(&repository_name, text))
}

fn lifecycle_answer(name: &str, text: String) -> Value {
    json!({"registryId": ACCOUNT_ID, "repositoryName": name, "lifecyclePolicyText": text})
}

fn no_lifecycle(name: &str) -> Refusal {
    let message = format!("Lifecycle policy does not exist for the repository with name '{name}'");
    Refusal::new("LifecyclePolicyNotFoundException", message)
}

/// ECR API Reference, GetLifecyclePolicy.
pub(super) fn get_lifecycle(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (registry_id, name): (Option<String>, String) = call.members(&["registryId", "repositoryName"])?;
    let repository = cx.r.ecr.repository(registry_id.as_deref(), &name)?;
    let text = repository.lifecycle_policy.clone().ok_or_else(|| no_lifecycle(&name))?;
    Ok(lifecycle_answer(&name, text))
}

/// ECR API Reference, DeleteLifecyclePolicy.
pub(super) fn delete_lifecycle(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (registry_id, name): (Option<String>, String) = call.members(&["registryId", "repositoryName"])?;
    let repository = cx.r.ecr.repository_mut(registry_id.as_deref(), &name)?;
    let text = repository.lifecycle_policy.take().ok_or_else(|| no_lifecycle(&name))?;
    Ok(lifecycle_answer(&name, text))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Set {
    registry_id: Option<String>,
    repository_name: String,
    policy_text: String,
    /// Lets a policy through that would shut its owner out, which is not checked.
    #[serde(rename = "force")]
    _force: Option<bool>,
}

/// ECR API Reference, SetRepositoryPolicy.
pub(super) fn set(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Set { registry_id, repository_name, policy_text, .. } = call.input()?;
    let repository = cx.r.ecr.repository_mut(registry_id.as_deref(), &repository_name)?;
    check_policy(&policy_text)?;
    repository.policy = Some(policy_text.clone());
    Ok(policy_answer(&repository_name, policy_text))
}

/// IAM User Guide, "IAM JSON policy elements reference": statements with effect, principal and action.
fn check_policy(text: &str) -> Result<(), Refusal> {
    let bad = |what: &str| {
        invalid(format!("Invalid parameter at 'PolicyText' failed to satisfy constraint: {what}"))
    };
    let policy: Value = serde_json::from_str(text).map_err(|_| bad("it is not JSON"))?;
    let statements = match &policy["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        statement @ Value::Object(_) => std::slice::from_ref(statement),
        _ => return Err(bad("it has no Statement")),
    };
    let is_whole = |statement: &Value| {
        let has = |name: &str| statement.get(name).is_some();
        matches!(statement["Effect"].as_str(), Some("Allow" | "Deny"))
            && (has("Principal") || has("NotPrincipal"))
            && (has("Action") || has("NotAction"))
    };
    ensure(!statements.is_empty() && statements.iter().all(is_whole), || {
        bad("each statement needs Effect, Principal and Action")
    })
}

fn policy_answer(name: &str, text: String) -> Value {
    json!({"registryId": ACCOUNT_ID, "repositoryName": name, "policyText": text})
}

fn no_policy(name: &str) -> Refusal {
    let message = format!("Repository policy does not exist for the repository with name '{name}'");
    Refusal::new("RepositoryPolicyNotFoundException", message)
}

/// ECR API Reference, GetRepositoryPolicy.
pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (registry_id, name): (Option<String>, String) = call.members(&["registryId", "repositoryName"])?;
    let repository = cx.r.ecr.repository(registry_id.as_deref(), &name)?;
    let text = repository.policy.clone().ok_or_else(|| no_policy(&name))?;
    Ok(policy_answer(&name, text))
}

/// ECR API Reference, DeleteRepositoryPolicy.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (registry_id, name): (Option<String>, String) = call.members(&["registryId", "repositoryName"])?;
    let repository = cx.r.ecr.repository_mut(registry_id.as_deref(), &name)?;
    let text = repository.policy.take().ok_or_else(|| no_policy(&name))?;
    Ok(policy_answer(&name, text))
}
