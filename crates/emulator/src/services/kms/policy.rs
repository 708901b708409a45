//! Key policies.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Cx, State, not_found};
use crate::services::iam::policy::{Effect, Policy, Principal, Statement};
use crate::services::resource_policy::{self, Problem};
use crate::services::{ACCOUNT_ID, Call, Refusal, ensure};

/// Bytes of a policy (KMS Developer Guide, "Resource quotas": key policy document size).
const LONGEST: usize = 32 * 1024;

/// The one name that a key policy has (KMS API Reference, PutKeyPolicy, `PolicyName`).
const NAME: &str = "default";

/// The policy of a key that was made without one (KMS Developer Guide, "Default key policy", for keys that are made by
/// programs).
pub(super) fn by_default() -> String {
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT_ID}:root")},
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
    .to_string()
}

/// What KMS asks of a key policy (KMS API Reference, CreateKey, `Policy` and `BypassPolicyLockoutSafetyCheck`).
pub(super) fn check(cx: &Cx<'_>, text: &str, bypass_lockout_check: bool) -> Result<(), Refusal> {
    if text.len() > LONGEST {
        return Err(Refusal::new(
            "LimitExceededException",
            format!("A key policy has {LONGEST} bytes at most."),
        ));
    }
    let policy =
        resource_policy::read(text, &cx.global.iam, cx.now_millis).map_err(|problem| match problem {
            Problem::Malformed(reason) => malformed(reason),
            Problem::NoSuchPrincipal => {
                malformed("Policy contains a statement with one or more invalid principals.")
            }
        })?;
    if !policy.statements.iter().all(Statement::has_resource) {
        return Err(malformed("Policy contains a statement with no resource."));
    }
    ensure(bypass_lockout_check || lets_caller_change_it(&policy), || {
        malformed("The new key policy will not allow you to update the key policy in the future.")
    })
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new("MalformedPolicyDocumentException", message)
}

/// Whether the caller could change the policy again, directly and not through a service. All other conditions are
/// taken to be met where they allow, and not to be met where they deny.
fn lets_caller_change_it(policy: &Policy) -> bool {
    let (allow, deny): (Vec<_>, Vec<_>) = policy
        .statements
        .iter()
        .filter(|statement| is_about_caller(statement) && statement.covers("kms:PutKeyPolicy"))
        .partition(|statement| statement.effect == Effect::Allow);
    let needs_service = |statement: &Statement| {
        let mut keys = statement.condition.values().flat_map(|keys| keys.keys());
        keys.any(|key| key.eq_ignore_ascii_case("kms:ViaService"))
    };
    allow.into_iter().any(|statement| !needs_service(statement))
        && deny.into_iter().all(|statement| !statement.condition.is_empty())
}

/// Whether the principals of a statement include the caller. The account stands for everybody whom IAM allows, which
/// the caller is (KMS Developer Guide, "Default key policy").
fn is_about_caller(statement: &Statement) -> bool {
    let root = format!("arn:aws:iam::{ACCOUNT_ID}:root");
    let caller = format!("arn:aws:iam::{ACCOUNT_ID}:user/emulator");
    let includes = |principal: &Principal| match principal {
        Principal::Everyone => true,
        Principal::Named(names) => {
            names.aws.0.iter().any(|name| [root.as_str(), &caller, ACCOUNT_ID, "*"].contains(&name.as_str()))
        }
    };
    match (&statement.principal, &statement.not_principal) {
        (Some(principal), _) => includes(principal),
        (None, Some(excepted)) => !includes(excepted),
        (None, None) => false,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutKeyPolicy {
    key_id: String,
    policy_name: Option<String>,
    policy: String,
    #[serde(default)]
    bypass_policy_lockout_safety_check: bool,
}

/// The policy of a key that is pending deletion can be changed (KMS Developer Guide, "Key states of AWS KMS keys").
pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: PutKeyPolicy = call.input()?;
    cx.r.kms.find_mut(&given.key_id)?;
    check_name(given.policy_name.as_deref())?;
    check(cx, &given.policy, given.bypass_policy_lockout_safety_check)?;
    cx.r.kms.find_mut(&given.key_id)?.policy = given.policy;
    Ok(Value::Null)
}

fn check_name(name: Option<&str>) -> Result<(), Refusal> {
    match name.unwrap_or(NAME) {
        NAME => Ok(()),
        other => Err(not_found(format!("No such policy exists: {other}"))),
    }
}

impl State {
    pub(super) fn get_key_policy(&self, call: &Call) -> Answer {
        let (key_id, policy_name): (String, Option<String>) = call.members(&["KeyId", "PolicyName"])?;
        let key = self.find(&key_id)?;
        check_name(policy_name.as_deref())?;
        Ok(json!({"Policy": key.policy, "PolicyName": NAME}))
    }
}
