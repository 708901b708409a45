//! Policies inside a role.

use serde::Deserialize;
use serde_json::{Value, json};

use super::policy::Policy;
use super::{Answer, State, exceeded, listed, malformed, missing, size};
use crate::parameters::percent_encode;
use crate::request::Call;
use crate::response::Refusal;

/// Characters of all inline policies of a role together, white space not counted
/// (IAM User Guide, "IAM and AWS STS quotas").
const TOGETHER: usize = 10_240;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutRolePolicy {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OnePolicy {
    role_name: String,
    policy_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListRolePolicies {
    role_name: String,
    max_items: Option<usize>,
    marker: Option<String>,
}

/// What an identity's policy must be, besides its grammar: it names resources (IAM User Guide, "IAM JSON policy
/// elements: Resource") and no principal ("AWS JSON policy elements: Principal").
fn check(document: &str) -> Result<(), Refusal> {
    for statement in &Policy::parse(document).map_err(malformed)?.statements {
        if statement.has_principal() {
            return Err(malformed("Policy document should not specify a principal."));
        }
        if !statement.has_resource() {
            return Err(malformed("Policy statement must contain resources."));
        }
    }
    Ok(())
}

fn no_policy(name: &str) -> Refusal {
    missing(format!("The role policy with name {name} cannot be found."))
}

impl State {
    pub(super) fn put_role_policy(&mut self, call: &Call) -> Answer {
        let PutRolePolicy { role_name, policy_name, policy_document } = call.input()?;
        let role = self.changeable(&role_name)?;
        check(&policy_document)?;
        let others = role.inline_policies.iter().filter(|(name, _)| **name != policy_name);
        if others.map(|(_, document)| size(document)).sum::<usize>() + size(&policy_document) > TOGETHER {
            let message = format!("Maximum policy size of {TOGETHER} bytes exceeded for role {role_name}");
            return Err(exceeded(message));
        }
        role.inline_policies.insert(policy_name, policy_document);
        Ok(json!({}))
    }

    pub(super) fn get_role_policy(&self, call: &Call) -> Answer {
        let OnePolicy { role_name, policy_name } = call.input()?;
        let role = self.find(&role_name)?;
        let document = role.inline_policies.get(&policy_name).ok_or_else(|| no_policy(&policy_name))?;
        Ok(json!({
            "RoleName": role_name,
            "PolicyName": policy_name,
            "PolicyDocument": percent_encode(document),
        }))
    }

    pub(super) fn list_role_policies(&self, call: &Call) -> Answer {
        let given: ListRolePolicies = call.input()?;
        let names = self.find(&given.role_name)?.inline_policies.keys().cloned().map(Value::String);
        listed("PolicyNames", names.collect(), given.max_items, given.marker.as_deref())
    }

    pub(super) fn delete_role_policy(&mut self, call: &Call) -> Answer {
        let OnePolicy { role_name, policy_name } = call.input()?;
        let role = self.changeable(&role_name)?;
        role.inline_policies.remove(&policy_name).ok_or_else(|| no_policy(&policy_name))?;
        Ok(json!({}))
    }
}
