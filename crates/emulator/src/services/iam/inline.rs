//! Policies inside a role.

use serde_json::{Value, json};

use super::policy::Policy;
use super::{Answer, State, exceeded, listed, malformed, missing, size};
use crate::protocol::parameters::percent_encode;
use crate::services::{Call, Refusal, Table, ensure};

/// Characters of all inline policies of a role together, white space not counted
/// (IAM User Guide, "IAM and AWS STS quotas").
const TOGETHER: usize = 10_240;

/// What an identity's policy must be, besides its grammar: it names resources (IAM User Guide, "IAM JSON policy
/// elements: Resource") and no principal ("AWS JSON policy elements: Principal").
fn check(document: &str) -> Result<(), Refusal> {
    for statement in &Policy::parse(document).map_err(malformed)?.statements {
        if statement.has_principal() {
            return Err(malformed("Policy document should not specify a principal."));
        }
        ensure(statement.has_resource(), || malformed("Policy statement must contain resources."))?;
    }
    Ok(())
}

fn no_policy(name: &str) -> Refusal {
    missing(format!("The role policy with name {name} cannot be found."))
}

impl State {
    pub(super) fn put_role_policy(&mut self, call: &Call) -> Answer {
        let (role_name, policy_name, policy_document): (String, String, String) =
            call.members(&["RoleName", "PolicyName", "PolicyDocument"])?;
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
        let (role_name, policy_name): (String, String) = call.members(&["RoleName", "PolicyName"])?;
        let role = self.roles.find(&role_name)?;
        let document = role.inline_policies.get(&policy_name).ok_or_else(|| no_policy(&policy_name))?;
        Ok(json!({
            "RoleName": role_name,
            "PolicyName": policy_name,
            "PolicyDocument": percent_encode(document),
        }))
    }

    pub(super) fn list_role_policies(&self, call: &Call) -> Answer {
        let (role_name, max_items, marker): (String, Option<usize>, Option<String>) =
            call.members(&["RoleName", "MaxItems", "Marker"])?;
        let names = self.roles.find(&role_name)?.inline_policies.keys().cloned().map(Value::String);
        listed("PolicyNames", names.collect(), max_items, marker.as_deref())
    }

    pub(super) fn delete_role_policy(&mut self, call: &Call) -> Answer {
        let (role_name, policy_name): (String, String) = call.members(&["RoleName", "PolicyName"])?;
        let role = self.changeable(&role_name)?;
        role.inline_policies.remove(&policy_name).ok_or_else(|| no_policy(&policy_name))?;
        Ok(json!({}))
    }
}
