//! The log of calls, and the one place that decides which parameters are secret.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use crate::layer::{Layer, Next};
use crate::request::Call;
use crate::response::{Lost, Reply};

/// How many calls the log keeps; the oldest go first.
const KEPT: usize = 100_000;

/// One call that the emulator received.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CallRecord {
    /// Position among all calls of this emulator, from 1.
    pub sequence: u64,
    /// The signing name of the service, such as `ec2`.
    pub service: String,
    /// The operation, such as `CreateVpc`.
    pub operation: String,
    /// The region that the call was signed for.
    pub region: String,
    /// Whether the operation may change something.
    pub mutating: bool,
    /// The parameters, with secrets replaced by [`REDACTED`]. Shared, because logs are copied.
    pub parameters: Arc<Value>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not answered yet, or given up by the caller.
    Pending,
    /// Success.
    Ok,
    /// An error with AWS's code.
    Error(String),
    /// No answer reached the caller.
    Lost(Lost),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Pending => f.write_str("pending"),
            Outcome::Ok => f.write_str("ok"),
            Outcome::Error(code) => f.write_str(code),
            Outcome::Lost(Lost::TimedOut) => f.write_str("timed out"),
            Outcome::Lost(Lost::ConnectionReset) => f.write_str("connection reset"),
        }
    }
}

/// The log. It is the outermost layer, so it records what the client sees.
#[derive(Debug, Default)]
pub(crate) struct CallLog {
    records: Mutex<VecDeque<CallRecord>>,
}

impl CallLog {
    pub(crate) fn records(&self) -> Vec<CallRecord> {
        let mut records: Vec<_> = self.lock().iter().cloned().collect();
        // Calls of several threads may arrive here in another order than they were numbered.
        records.sort_by_key(|record| record.sequence);
        records
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<CallRecord>> {
        // A record is pushed or changed in one step, so a panic elsewhere leaves the log whole.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Layer for CallLog {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        {
            let mut records = self.lock();
            if records.len() == KEPT {
                records.pop_front();
            }
            records.push_back(CallRecord {
                sequence: call.sequence,
                service: call.service.clone(),
                operation: call.operation.clone(),
                region: call.region.clone(),
                mutating: call.is_mutating(),
                parameters: Arc::new(call.redacted()),
                outcome: Outcome::Pending,
            });
        }
        let reply = next.run(call).await;
        let outcome = match &reply {
            Ok(response) => match &response.error {
                None => Outcome::Ok,
                Some(code) => Outcome::Error(code.clone()),
            },
            Err(lost) => Outcome::Lost(*lost),
        };
        let mut records = self.lock();
        // Calls finish soon after they start, so the record is near the end.
        if let Some(record) = records.iter_mut().rev().find(|record| record.sequence == call.sequence) {
            record.outcome = outcome;
        }
        reply
    }
}

/// What stands in the log in place of a secret.
pub const REDACTED: &str = "(redacted)";

/// Members that are secret in one operation only, and that no model marks: the value of an API key, and headers that an
/// integration sends, of which one may be a password between API and origin.
const OF_OPERATIONS: [(&str, &str); 4] = [
    ("CreateApiKey", "value"),
    ("UpdateApiKey", "patchOperations"),
    ("PutIntegration", "requestParameters"),
    ("UpdateIntegration", "patchOperations"),
];

/// The same parameters without what is secret in this operation only.
pub(crate) fn redact_of(operation: &str, mut parameters: Value) -> Value {
    for (_, member) in OF_OPERATIONS.iter().filter(|(name, _)| *name == operation) {
        match parameters.get_mut(*member) {
            Some(Value::Object(values)) => values.values_mut().for_each(|value| *value = blank(value)),
            Some(Value::Array(patches)) => {
                patches
                    .iter_mut()
                    .filter_map(|patch| patch.get_mut("value"))
                    .for_each(|value| *value = blank(value));
            }
            Some(value) => *value = blank(value),
            None => {}
        }
    }
    parameters
}

/// Copies parameters without the values that look like secrets.
///
/// A member is secret by its name. A pair of a name and a value, which is how tags and environment variables
/// are sent, is secret by the name that it carries.
pub fn redact(parameters: &Value) -> Value {
    match parameters {
        Value::Object(map) => {
            let named_secret = ["Key", "key", "Name", "name"]
                .iter()
                .any(|member| map.get(*member).and_then(Value::as_str).is_some_and(is_secret));
            map.iter()
                .map(|(name, value)| {
                    let is_value = name.eq_ignore_ascii_case("value");
                    let value = match value {
                        value if is_secret(name) || (named_secret && is_value) => blank(value),
                        value => redact(value),
                    };
                    (name.clone(), value)
                })
                .collect()
        }
        Value::Array(items) => items.iter().map(redact).collect(),
        other => other.clone(),
    }
}

/// Keeps the shape and drops every text and number.
fn blank(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        _ => Value::String(REDACTED.to_owned()),
    }
}

fn is_secret(name: &str) -> bool {
    const SECRET: [&str; 6] = ["password", "passphrase", "secret", "token", "credential", "privatekey"];
    // These only identify a request, a page or a secret; an audit of retries needs them.
    const HARMLESS: [&str; 8] = [
        "clienttoken",
        "clientrequesttoken",
        "idempotencytoken",
        "nexttoken",
        "locktoken",
        "secretid",
        "secretarn",
        "managemasteruserpassword",
    ];
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    !HARMLESS.contains(&name.as_str()) && SECRET.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn some_members_are_secret_in_one_operation_only() {
        let patch = json!({"patchOperations": [{"op": "replace", "path": "/x", "value": "s"}], "name": "n"});
        let blank =
            json!({"patchOperations": [{"op": "replace", "path": "/x", "value": REDACTED}], "name": "n"});
        assert_eq!(redact_of("UpdateApiKey", patch.clone()), blank);
        assert_eq!(redact_of("UpdateStage", patch.clone()), patch);
        assert_eq!(redact_of("CreateApiKey", json!({"value": "s"})), json!({"value": REDACTED}));
        let headers = json!({"requestParameters": {"integration.request.header.X": "'s'"}});
        let blank = json!({"requestParameters": {"integration.request.header.X": REDACTED}});
        assert_eq!(redact_of("PutIntegration", headers), blank);
    }

    #[test]
    fn secrets_are_blanked_by_their_name_wherever_they_stand() {
        let given = json!({
            "MasterUserPassword": "hunter2",
            "ClientToken": "abc",
            "SecretString": "{\"user\":\"x\"}",
            "Tags": [{"Key": "db-password", "Value": "hunter2"}, {"Key": "Name", "Value": "n"}],
            "environment": [{"name": "API_TOKEN", "value": "t"}],
            "nested": {"secretList": ["a", "b"]},
        });
        let wanted = json!({
            "MasterUserPassword": REDACTED,
            "ClientToken": "abc",
            "SecretString": REDACTED,
            "Tags": [{"Key": "db-password", "Value": REDACTED}, {"Key": "Name", "Value": "n"}],
            "environment": [{"name": "API_TOKEN", "value": REDACTED}],
            "nested": {"secretList": REDACTED},
        });
        assert_eq!(redact(&given), wanted);
    }
}
