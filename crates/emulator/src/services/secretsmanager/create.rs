//! CreateSecret and UpdateSecret.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::secret::{CURRENT, Secret};
use super::value::{NewVersion, is_repeated, new_version};
use super::{Answer, Cx, answer_about, check_key, invalid_request, tags};
use crate::services::{Call, IdSource, Refusal, Tag, ensure};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateSecret {
    name: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_binary: Option<String>,
    secret_string: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct UpdateSecret {
    secret_id: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_binary: Option<String>,
    secret_string: Option<String>,
}

/// Secrets Manager API Reference, CreateSecret, `Name`. The exclamation mark, which the names of managed secrets have, is what
/// AWS's message adds to it.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-!".contains(c);
    ensure(name.chars().all(is_legal), || {
        Refusal::new(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )
    })
}

/// Secrets Manager API Reference, CreateSecret. The token is the id of the first version.
pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: CreateSecret = call.input()?;
    check_name(&given.name)?;
    let version = new_version(given.client_request_token, given.secret_string, given.secret_binary)?;
    let tags = tags::read(given.tags)?;
    if let Some(secret) = cx.r.secretsmanager.secrets.get(&given.name) {
        return create_again(secret, version.as_ref());
    }
    if let Some(key) = &given.kms_key_id {
        check_key(cx, key)?;
    }
    let now = cx.now_seconds();
    let mut secret = Secret::new(arn(cx, &given.name), given.name.clone(), now);
    secret.description = given.description;
    secret.kms_key_id = given.kms_key_id;
    secret.tags = tags;
    let mut answer = answer_about(&secret);
    if let Some(NewVersion { id, content }) = version {
        answer["VersionId"] = id.as_str().into();
        secret.add_version(id, content, BTreeSet::from([CURRENT.to_owned()]), now);
    }
    cx.r.secretsmanager.secrets.insert(given.name, secret);
    Ok(answer)
}

/// The ARN ends in a hyphen and six random characters, so that a new secret with an old name is another one
/// (Secrets Manager API Reference, CreateSecret, `ARN`).
pub(super) fn arn(cx: &mut Cx<'_>, name: &str) -> String {
    let suffix = suffix(&mut cx.r.secretsmanager.ids);
    cx.arn("secretsmanager", &format!("secret:{name}-{suffix}"))
}

pub(super) fn suffix(ids: &mut IdSource) -> String {
    const CHARACTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut number = ids.number();
    (0..6)
        .map(|_| {
            let character = CHARACTERS[(number % 62) as usize];
            number /= 62;
            char::from(character)
        })
        .collect()
}

fn create_again(secret: &Secret, version: Option<&NewVersion>) -> Answer {
    if secret.is_deleted() {
        return Err(invalid_request(
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        ));
    }
    match version {
        Some(version) if is_repeated(secret, version)? => {
            let mut answer = answer_about(secret);
            answer["VersionId"] = version.id.as_str().into();
            Ok(answer)
        }
        _ => Err(Refusal::new(
            "ResourceExistsException",
            format!("The operation failed because the secret {} already exists.", secret.name()),
        )),
    }
}

/// Secrets Manager API Reference, UpdateSecret: what is not given stays.
pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: UpdateSecret = call.input()?;
    let version = new_version(given.client_request_token, given.secret_string, given.secret_binary)?;
    let secret = cx.r.secretsmanager.live(&given.secret_id)?;
    secret.check_not_managed()?;
    let is_new = version.as_ref().map(|version| is_repeated(secret, version)).transpose()? == Some(false);
    let key = given.kms_key_id.clone().or_else(|| secret.kms_key_id.clone().filter(|_| is_new));
    if let Some(key) = key {
        check_key(cx, &key)?;
    }
    let now = cx.now_seconds();
    let secret = cx.r.secretsmanager.live_mut(&given.secret_id)?;
    if given.description.is_some() {
        secret.description = given.description;
    }
    if given.kms_key_id.is_some() {
        secret.kms_key_id = given.kms_key_id;
    }
    secret.changed(now);
    let mut answer = answer_about(secret);
    if let Some(NewVersion { id, content }) = version {
        answer["VersionId"] = id.as_str().into();
        if is_new {
            secret.add_version(id, content, BTreeSet::from([CURRENT.to_owned()]), now);
        }
    }
    Ok(answer)
}
