//! Policies of secrets.

use super::{Answer, Cx, State, answer_about};
use crate::services::iam::policy::Statement;
use crate::services::resource_policy::{self, Problem};
use crate::services::{Call, Refusal};

/// Secrets Manager API Reference, PutResourcePolicy.
pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (secret_id, resource_policy, block_public_policy): (String, String, bool) =
        call.members(&["SecretId", "ResourcePolicy", "BlockPublicPolicy"])?;
    cx.r.secretsmanager.live(&secret_id)?;
    let policy =
        resource_policy::read(&resource_policy, &cx.global.iam, cx.now_millis).map_err(|problem| {
            match problem {
                Problem::Malformed(reason) => malformed(reason),
                Problem::NoSuchPrincipal => {
                    malformed("This resource policy contains an unsupported principal.")
                }
            }
        })?;
    if !policy.statements.iter().all(Statement::has_resource) {
        return Err(malformed("This resource policy contains a statement with no resource."));
    }
    if block_public_policy && resource_policy::is_public(&policy) {
        return Err(Refusal::new(
            "PublicPolicyException",
            "The policy would grant broad access to the secret.",
        ));
    }
    let secret = cx.r.secretsmanager.live_mut(&secret_id)?;
    secret.policy = Some(resource_policy);
    Ok(answer_about(secret))
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new("MalformedPolicyDocumentException", message)
}

impl State {
    pub(super) fn get_resource_policy(&self, call: &Call) -> Answer {
        let secret_id: String = call.member("SecretId")?;
        let secret = self.live(&secret_id)?;
        let mut answer = answer_about(secret);
        answer["ResourcePolicy"] = secret.policy.clone().into();
        Ok(answer)
    }

    pub(super) fn delete_resource_policy(&mut self, call: &Call) -> Answer {
        let secret_id: String = call.member("SecretId")?;
        let secret = self.live_mut(&secret_id)?;
        secret.policy = None;
        Ok(answer_about(secret))
    }
}
