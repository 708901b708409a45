//! Values of secrets: GetSecretValue and PutSecretValue.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::json;

use super::secret::{CURRENT, Content, Secret, Version};
use super::{Answer, Cx, answer_about, check_key, invalid, invalid_request, not_found};
use crate::services::{Call, Refusal, ensure};

/// Staging labels that one version may have (Secrets Manager User Guide, "Secrets Manager quotas").
const STAGES: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetSecretValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutSecretValue {
    secret_id: String,
    client_request_token: Option<String>,
    secret_binary: Option<String>,
    secret_string: Option<String>,
    version_stages: Option<BTreeSet<String>>,
}

/// A version that a request brings. The token of the request is its id.
pub(super) struct NewVersion {
    pub(super) id: String,
    pub(super) content: Content,
}

/// The version of a request: a text or bytes, and not both; and then a token, which SDKs add by themselves
/// (Secrets Manager API Reference, CreateSecret, `ClientRequestToken`; the code is from `async-aws/aws#1069`).
pub(super) fn new_version(
    token: Option<String>,
    text: Option<String>,
    binary: Option<String>,
) -> Result<Option<NewVersion>, Refusal> {
    let content = match (text, binary) {
        (Some(_), Some(_)) => {
            return Err(invalid("You can't specify both a binary secret value and a string secret value."));
        }
        (Some(text), None) => Content::Text(text),
        (None, Some(binary)) => Content::Binary(binary),
        (None, None) => return Ok(None),
    };
    let id = token.ok_or_else(|| {
        invalid_request("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
    })?;
    Ok(Some(NewVersion { id, content }))
}

/// Whether this request has been made before: there is a version with this token and value.
///
/// # Errors
///
/// The version has another value (Secrets Manager API Reference, PutSecretValue, `ClientRequestToken`).
pub(super) fn is_repeated(secret: &Secret, new: &NewVersion) -> Result<bool, Refusal> {
    match secret.versions.get(&new.id) {
        None => Ok(false),
        Some(version) if version.content == new.content => Ok(true),
        Some(_) => Err(Refusal::new(
            "ResourceExistsException",
            "You can't use a ClientRequestToken that was used for a version with another value.",
        )),
    }
}

/// Without a version this is the current one (Secrets Manager API Reference, GetSecretValue).
pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: GetSecretValue = call.input()?;
    let now = cx.now_seconds();
    let secret = cx.r.secretsmanager.live(&given.secret_id)?;
    let (id, version) = version(secret, &given)?;
    if let Some(key) = &secret.kms_key_id {
        cx.r.kms.usable(key).map_err(|problem| Refusal::new("DecryptionFailure", problem.to_string()))?;
    }
    let mut answer = answer_about(secret);
    answer["VersionId"] = id.as_str().into();
    answer["CreatedDate"] = version.created.into();
    if !version.stages.is_empty() {
        answer["VersionStages"] = json!(version.stages);
    }
    match &version.content {
        Content::Text(text) => answer["SecretString"] = text.as_str().into(),
        Content::Binary(binary) => answer["SecretBinary"] = binary.as_str().into(),
    }
    cx.r.secretsmanager.find_mut(&given.secret_id)?.accessed(now);
    Ok(answer)
}

fn version<'a>(secret: &'a Secret, given: &GetSecretValue) -> Result<(&'a String, &'a Version), Refusal> {
    let Some(id) = &given.version_id else {
        let stage = given.version_stage.as_deref().unwrap_or(CURRENT);
        let missing = || {
            not_found(format!(
                "Secrets Manager can't find the specified secret value for staging label: {stage}"
            ))
        };
        return secret.version_at(stage).ok_or_else(missing);
    };
    let found = secret.versions.get_key_value(id);
    let found = found.ok_or_else(|| {
        not_found(format!("Secrets Manager can't find the specified secret value for VersionId: {id}"))
    })?;
    ensure(given.version_stage.as_ref().is_none_or(|stage| found.1.stages.contains(stage)), || {
        invalid_request("You provided a VersionStage that is not associated to the provided VersionId.")
    })?;
    Ok(found)
}

/// The first version becomes the current one whatever its labels are (Secrets Manager API Reference, PutSecretValue,
/// `VersionStages`).
pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: PutSecretValue = call.input()?;
    let new = new_version(given.client_request_token, given.secret_string, given.secret_binary)?
        .ok_or_else(|| invalid("You must provide either SecretString or SecretBinary."))?;
    let mut stages = given.version_stages.unwrap_or_else(|| BTreeSet::from([CURRENT.to_owned()]));
    let secret = cx.r.secretsmanager.live(&given.secret_id)?;
    secret.check_not_managed()?;
    let is_repeated = is_repeated(secret, &new)?;
    if let Some(key) = &secret.kms_key_id {
        check_key(cx, key)?;
    }
    if secret.versions.is_empty() {
        stages.insert(CURRENT.to_owned());
    }
    if stages.len() > STAGES {
        let message = format!("A version can have {STAGES} staging labels at most.");
        return Err(Refusal::new("LimitExceededException", message));
    }
    let now = cx.now_seconds();
    let secret = cx.r.secretsmanager.live_mut(&given.secret_id)?;
    let NewVersion { id, content } = new;
    if !is_repeated {
        secret.add_version(id.clone(), content, stages, now);
    }
    let mut answer = answer_about(secret);
    let stages = secret.versions.get(&id).map(|version| &version.stages);
    answer["VersionStages"] = json!(stages.filter(|stages| !stages.is_empty()));
    answer["VersionId"] = id.into();
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_needs_a_token_which_sdks_send_by_themselves() {
        let code = |token: Option<&str>, text: Option<&str>| {
            let (token, text) = (token.map(str::to_owned), text.map(str::to_owned));
            new_version(token, text, None).map(|new| new.is_some()).map_err(|refusal| refusal.code)
        };
        assert_eq!(code(None, Some("v")), Err("InvalidRequestException".to_owned()));
        assert_eq!(code(Some("t"), Some("v")), Ok(true));
        assert_eq!(code(None, None), Ok(false));
    }
}
