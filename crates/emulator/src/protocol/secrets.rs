//! Which parameters are secret, and parameters without them.

use serde_json::Value;

/// What stands in the log in place of a secret.
pub const REDACTED: &str = "(redacted)";

/// Operations and their members that are secret there only.
pub(crate) type Secrets = &'static [(&'static str, &'static str)];

/// The same parameters without what is secret in this operation only.
pub(crate) fn redact_of(secrets: Secrets, operation: &str, mut parameters: Value) -> Value {
    for (_, member) in secrets.iter().filter(|(name, _)| *name == operation) {
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
        const SECRETS: Secrets = &[
            ("CreateApiKey", "value"),
            ("UpdateApiKey", "patchOperations"),
            ("PutIntegration", "requestParameters"),
        ];
        let patch = json!({"patchOperations": [{"op": "replace", "path": "/x", "value": "s"}], "name": "n"});
        let blank =
            json!({"patchOperations": [{"op": "replace", "path": "/x", "value": REDACTED}], "name": "n"});
        assert_eq!(redact_of(SECRETS, "UpdateApiKey", patch.clone()), blank);
        assert_eq!(redact_of(SECRETS, "UpdateStage", patch.clone()), patch);
        assert_eq!(redact_of(SECRETS, "CreateApiKey", json!({"value": "s"})), json!({"value": REDACTED}));
        let headers = json!({"requestParameters": {"integration.request.header.X": "'s'"}});
        let blank = json!({"requestParameters": {"integration.request.header.X": REDACTED}});
        assert_eq!(redact_of(SECRETS, "PutIntegration", headers), blank);
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
