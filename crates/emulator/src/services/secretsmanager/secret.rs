//! Secrets: what is kept and shown of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, State, invalid_request};
use crate::services::{Call, Object, Refusal, Tags, refuse_if, tag_list, to_json};

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

/// A secret. Its public members are those of DescribeSecret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Secret {
    #[serde(rename = "ARN")]
    arn: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kms_key_id: Option<String>,
    created_date: f64,
    last_changed_date: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_accessed_date: Option<f64>,
    /// When it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deleted_date: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owning_service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rotation_enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rotation_rules: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next_rotation_date: Option<f64>,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    /// Whether tags were taken from it: then even an empty list of them is shown (recorded from real AWS).
    #[serde(rename = "_untagged", default)]
    pub(super) untagged: bool,
    #[serde(rename = "_policy", default, skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<String>,
    /// By id.
    #[serde(rename = "_versions")]
    pub(super) versions: BTreeMap<String, Version>,
}

/// One value that a secret has or had.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Version {
    pub(super) created: f64,
    pub(super) content: Content,
    pub(super) stages: BTreeSet<String>,
}

/// A value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Content {
    #[serde(rename = "SecretString")]
    Text(String),
    /// In base64.
    #[serde(rename = "SecretBinary")]
    Binary(String),
}

/// A value is never shown by accident.
impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

impl Secret {
    pub(super) fn new(arn: String, name: String, now: f64) -> Self {
        Secret {
            arn,
            name,
            description: None,
            kms_key_id: None,
            created_date: now,
            last_changed_date: now,
            last_accessed_date: None,
            deleted_date: None,
            owning_service: None,
            rotation_enabled: None,
            rotation_rules: None,
            next_rotation_date: None,
            tags: Tags::new(),
            untagged: false,
            policy: None,
            versions: BTreeMap::new(),
        }
    }

    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// When it was made, for lists.
    pub(super) fn created(&self) -> f64 {
        self.created_date
    }

    pub(super) fn changed(&mut self, now: f64) {
        self.last_changed_date = now;
    }

    pub(super) fn last_changed(&self) -> f64 {
        self.last_changed_date
    }

    /// The day is noted, not the time (Secrets Manager API Reference, DescribeSecret, `LastAccessedDate`).
    pub(super) fn accessed(&mut self, now: f64) {
        const DAY_SECONDS: f64 = 86_400.0;
        self.last_accessed_date = Some((now / DAY_SECONDS).floor() * DAY_SECONDS);
    }

    pub(super) fn last_accessed(&self) -> Option<f64> {
        self.last_accessed_date
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.deleted_date.is_some()
    }

    pub(super) fn is_gone(&self, now: f64) -> bool {
        self.deleted_date.is_some_and(|date| date <= now)
    }

    pub(super) fn check_not_deleted(&self) -> Result<(), Refusal> {
        refuse_if(self.is_deleted(), || {
            invalid_request(
                "You can't perform this operation on the secret because it was marked for deletion.",
            )
        })
    }

    /// Secrets that a service manages are changed through that service (Secrets Manager User Guide, "Secrets managed
    /// by other AWS services").
    pub(super) fn check_not_managed(&self) -> Result<(), Refusal> {
        match &self.owning_service {
            None => Ok(()),
            Some(service) => Err(invalid_request(format!(
                "You can't perform this operation on the secret because it is managed by {service}."
            ))),
        }
    }

    /// Adds a version, and moves staging labels to it. The version that loses `AWSCURRENT` becomes `AWSPREVIOUS`
    /// (Secrets Manager API Reference, PutSecretValue).
    pub(super) fn add_version(&mut self, id: String, content: Content, stages: BTreeSet<String>, now: f64) {
        let old = self.version_at(CURRENT).map(|(id, _)| id.clone()).filter(|_| stages.contains(CURRENT));
        for version in self.versions.values_mut() {
            version.stages.retain(|stage| !stages.contains(stage));
            if old.is_some() {
                version.stages.remove(PREVIOUS);
            }
        }
        if let Some(version) = old.and_then(|id| self.versions.get_mut(&id)) {
            version.stages.insert(PREVIOUS.to_owned());
        }
        self.versions.insert(id, Version { created: now, content, stages });
        self.changed(now);
    }

    /// The version that has a staging label.
    pub(super) fn version_at(&self, stage: &str) -> Option<(&String, &Version)> {
        self.versions.iter().find(|(_, version)| version.stages.contains(stage))
    }

    /// Versions without a staging label are deprecated and not shown (Secrets Manager API Reference, DescribeSecret,
    /// `VersionIdsToStages`).
    fn stages(&self) -> Option<Value> {
        let shown = self.versions.iter().filter(|(_, version)| !version.stages.is_empty());
        let stages: serde_json::Map<String, Value> =
            shown.map(|(id, version)| (id.clone(), json!(version.stages))).collect();
        (!stages.is_empty()).then_some(Value::Object(stages))
    }

    fn shown(&self, stages_are_called: &str) -> Value {
        let mut value = to_json(self);
        value[stages_are_called] = json!(self.stages());
        if self.untagged || !self.tags.is_empty() {
            value["Tags"] = tag_list(&self.tags);
        }
        // A description of nothing is none (recorded from real AWS).
        value["Description"] = json!(self.description.as_ref().filter(|text| !text.is_empty()));
        value
    }

    /// As DescribeSecret shows it.
    pub(super) fn described(&self) -> Value {
        self.shown("VersionIdsToStages")
    }

    /// As ListSecrets shows it.
    pub(super) fn listed(&self) -> Value {
        self.shown("SecretVersionsToStages")
    }

    /// A secret that a service manages comes and goes with what the service made it for.
    pub(super) fn object(&self, home: &str) -> Object {
        let object =
            Object::new("secretsmanager", home, "AWS::SecretsManager::Secret", &self.arn, self.tags.clone());
        object.named(&self.name).by_default(self.owning_service.is_some())
    }
}

impl State {
    pub(super) fn describe_secret(&self, call: &Call) -> Answer {
        let secret_id: String = call.member("SecretId")?;
        Ok(self.find(&secret_id)?.described())
    }
}
