//! Secrets Manager: secrets, their versions and their policies.
//!
//! Values are stored as they are. They are in no message and in no call log.

mod create;
mod delete;
mod list;
mod managed;
mod policy;
mod secret;
mod tags;
mod value;

pub(crate) use self::managed::Managed;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::secret::Secret;
use super::kms::KeyProblem;
use super::{
    ACCOUNT_ID, Answer, Api, Call, Cx, IdSource, Limit, Object, Refusal, ServiceLimits, Spread, rate,
    refusals, spread, unknown_operation,
};

/// The secrets of one region, by name. A secret keeps its name until it is gone.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    region: String,
    ids: IdSource,
    secrets: BTreeMap<String, Secret>,
}

impl State {
    /// Whether there is a secret with this ARN that can be used.
    pub(crate) fn secret_exists(&self, arn: &str) -> bool {
        self.look(arn).is_some_and(|secret| !secret.is_deleted())
    }

    /// A secret by name, ARN, or ARN without the six characters that AWS adds
    /// (Secrets Manager API Reference, DescribeSecret, `SecretId`).
    fn look(&self, id: &str) -> Option<&Secret> {
        let prefix = format!("arn:aws:secretsmanager:{}:{ACCOUNT_ID}:secret:", self.region);
        match id.strip_prefix(&prefix) {
            None => self.secrets.get(id),
            Some(rest) => self.secrets.get(rest).or_else(|| {
                let (name, _) = rest.rsplit_once('-')?;
                self.secrets.get(name).filter(|secret| secret.arn() == id)
            }),
        }
    }

    fn find(&self, id: &str) -> Result<&Secret, Refusal> {
        self.look(id).ok_or_else(no_secret)
    }

    fn find_mut(&mut self, id: &str) -> Result<&mut Secret, Refusal> {
        let name = self.find(id)?.name().to_owned();
        self.secrets.get_mut(&name).ok_or_else(no_secret)
    }

    /// A secret whose deletion is not scheduled.
    fn live(&self, id: &str) -> Result<&Secret, Refusal> {
        let secret = self.find(id)?;
        secret.check_not_deleted()?;
        Ok(secret)
    }

    fn live_mut(&mut self, id: &str) -> Result<&mut Secret, Refusal> {
        let secret = self.find_mut(id)?;
        secret.check_not_deleted()?;
        Ok(secret)
    }
}

impl Api for State {
    const INVALID: &'static str = "ValidationException";
    // Secrets Manager User Guide, "Secrets Manager quotas", "Request rates".
    const LIMITS: ServiceLimits = ServiceLimits::each(&[
        Limit::of(&["DescribeSecret", "GetSecretValue"], rate(10_000.0, 10_000.0)),
        Limit::of(&["ListSecrets"], rate(100.0, 100.0)),
        Limit::any(rate(50.0, 50.0)),
    ]);
    const CALLS: &'static [(&'static str, Spread)] =
        &[("CreateSecret", spread(2.0, 1.0, 2.0)), ("DeleteSecret", spread(0.5, 0.2, 1.0))];

    fn new(ids: IdSource, region: &str) -> Self {
        State { region: region.to_owned(), ids, secrets: BTreeMap::new() }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        // Every operation is asked about a name that a secret can have, or an ARN; others are refused as in CreateSecret.
        if let Some(id) = call.parameters["SecretId"].as_str() {
            create::check_name(id.strip_prefix("arn:").map_or(id, |_| ""))?;
        }
        match call.operation.as_str() {
            "CreateSecret" => create::create(cx, call),
            "UpdateSecret" => create::update(cx, call),
            "DescribeSecret" => cx.r.secretsmanager.describe_secret(call),
            "ListSecrets" => cx.r.secretsmanager.list_secrets(call),

            "GetSecretValue" => value::get(cx, call),
            "PutSecretValue" => value::put(cx, call),

            "DeleteSecret" => delete::delete(cx, call),
            "RestoreSecret" => cx.r.secretsmanager.restore_secret(call),

            "PutResourcePolicy" => policy::put(cx, call),
            "GetResourcePolicy" => cx.r.secretsmanager.get_resource_policy(call),
            "DeleteResourcePolicy" => cx.r.secretsmanager.delete_resource_policy(call),

            "TagResource" => tags::TAGS.tag(cx, call),
            "UntagResource" => cx.r.secretsmanager.untag_resource(call),

            _ => Err(unknown_operation(call)),
        }
    }

    fn settle(cx: &mut Cx<'_>) {
        let now_seconds = cx.now_seconds();
        cx.r.secretsmanager.secrets.retain(|_, secret| !secret.is_gone(now_seconds));
    }

    /// Secrets whose deletion is scheduled are not listed: they cannot be used, and are not billed.
    fn objects(&self, home: &str) -> Vec<Object> {
        let secrets = self.secrets.values().filter(|secret| !secret.is_deleted());
        secrets.map(|secret| secret.object(home)).collect()
    }
}

/// Refuses a key that Secrets Manager cannot encrypt with. That it is not there makes the parameter invalid
/// (CreateSecret, `InvalidParameterException` and `EncryptionFailure`).
fn check_key(cx: &Cx<'_>, key: &str) -> Result<(), Refusal> {
    match cx.r.kms.usable(key) {
        Ok(key) if key.is_symmetric() => Ok(()),
        Ok(_) => Err(invalid("The operation failed because the KMS key is not a symmetric encryption key.")),
        Err(KeyProblem::NotFound) => {
            Err(invalid("The operation failed because of an invalid KMS key: Invalid keyId"))
        }
        Err(problem @ (KeyProblem::Disabled | KeyProblem::PendingDeletion)) => {
            Err(Refusal::new("EncryptionFailure", problem.to_string()))
        }
    }
}

/// What every operation on a secret answers.
fn answer_about(secret: &Secret) -> Value {
    serde_json::json!({"ARN": secret.arn(), "Name": secret.name()})
}

refusals! {
    invalid: "InvalidParameterException";
    invalid_request: "InvalidRequestException";
    not_found: "ResourceNotFoundException";
}

fn no_secret() -> Refusal {
    not_found("Secrets Manager can't find the specified secret.")
}
