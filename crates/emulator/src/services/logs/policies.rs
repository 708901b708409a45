//! Resource policies of the account, by which services may write logs. Policies of one log group (`resourceArn`) are not
//! modelled.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, Cx, exceeded, invalid, listed};
use crate::services::iam::policy::Policy;
use crate::services::{Call, Refusal, Table, refuse_if};

/// Policies that an account may have in a region (CloudWatch Logs API Reference, PutResourcePolicy).
const PER_REGION: usize = 10;

/// A resource policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourcePolicy {
    policy_name: String,
    policy_document: String,
    last_updated_time: i64,
    policy_scope: Scope,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Scope {
    #[default]
    Account,
    Resource,
}

/// CloudWatch Logs User Guide, "Overview of managing access permissions to your CloudWatch Logs resources": a
/// statement says who may do what of CloudWatch Logs, and to which resources. Resources that are not ARNs are
/// accepted (recorded from real AWS).
fn check(document: &str) -> Result<(), Refusal> {
    let policy = Policy::parse_with_any_resource(document).map_err(invalid)?;
    policy.check_sids().map_err(invalid)?;
    for statement in &policy.statements {
        if !statement.has_principal() {
            return Err(invalid("Invalid resource policy: a statement has no principal."));
        }
        if !statement.has_resource() {
            return Err(invalid("Invalid resource policy: a statement has no resource."));
        }
        if let Some(action) = statement.actions().iter().find(|action| !action.starts_with("logs:")) {
            return Err(invalid(format!(
                "Invalid resource policy: {action} is no action of CloudWatch Logs."
            )));
        }
    }
    Ok(())
}

/// The document as CloudWatch Logs returns it (recorded from real AWS): a list with one item becomes that item, and a missing
/// version becomes `2008-10-17`, which is its default ("IAM JSON policy elements: Version").
fn rewritten(document: &str) -> String {
    let Ok(Value::Object(mut document)) = serde_json::from_str(document) else { return document.to_owned() };
    document.entry("Version").or_insert_with(|| "2008-10-17".into());
    match document.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.iter_mut().for_each(single),
        Some(statement) => single(statement),
        None => {}
    }
    Value::Object(document).to_string()
}

/// Writes lists of one as that one, at any depth.
fn single(value: &mut Value) {
    match value {
        Value::Array(items) if items.len() == 1 => *value = items.remove(0),
        Value::Array(items) => items.iter_mut().for_each(single),
        Value::Object(members) => members.values_mut().for_each(single),
        _ => {}
    }
}

/// Both parameters are required (CloudWatch Logs API Reference, PutResourcePolicy).
pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (policy_name, policy_document): (Option<String>, Option<String>) =
        call.members(&["policyName", "policyDocument"])?;
    let policy_name = policy_name.filter(|name| !name.is_empty());
    let policy_name = policy_name.ok_or_else(|| invalid("policyName is required."))?;
    let policy_document = policy_document.ok_or_else(|| invalid("policyDocument is required."))?;
    check(&policy_document)?;
    let policy_document = rewritten(&policy_document);
    let policies = &mut cx.r.logs.resource_policies;
    refuse_if(!policies.contains_key(&policy_name) && policies.len() >= PER_REGION, exceeded)?;
    let policy = ResourcePolicy {
        policy_name: policy_name.clone(),
        policy_document,
        last_updated_time: cx.now_millis,
        policy_scope: Scope::Account,
    };
    let answer = json!({"resourcePolicy": policy});
    policies.insert(policy_name, policy);
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DescribeResourcePolicies {
    #[serde(default)]
    policy_scope: Scope,
    limit: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: DescribeResourcePolicies = call.input()?;
    let policies = cx.r.logs.resource_policies.values();
    let policies = policies.filter(|policy| policy.policy_scope == given.policy_scope);
    let policies = policies.map(|policy| json!(policy)).collect();
    listed("resourcePolicies", policies, given.limit, given.next_token.as_deref())
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let policy_name: Option<String> = call.member("policyName")?;
    let policy_name = policy_name.ok_or_else(|| invalid("policyName is required."))?;
    cx.r.logs.resource_policies.take(&policy_name)?;
    Ok(Value::Null)
}
