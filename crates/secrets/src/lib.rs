//! What looks like a secret, and how it is shown: the one rule for the configuration, plans, drift and checks.
//!
//! A text is taken for a secret
//!
//! - by its value ([`in_text`]): a key of AWS, a private key, a JSON Web Token, a token with a prefix that its issuer publishes, a
//!   URL with a password, or `password=…`;
//! - or by its name ([`is_named`]): a variable, a tag or a property whose name has a word such as `PASSWORD` or `TOKEN`, unless the
//!   name or the value says that it is something else, such as `TOKEN_TTL` or an ARN.
//!
//! What only stands for a secret, such as `${DB_PASSWORD}`, is none. The rule is wide on purpose: a value that is hidden without need
//! is a smaller loss than a password in the log of a CI system.

mod name;
mod text;

use std::borrow::Cow;

use serde_json::{Map, Value};

pub use name::is_named;
pub use text::in_text;

/// What stands for a secret wherever a value is shown.
pub const SHOWN: &str = "(secret)";

/// What a value is if it looks like a secret, by itself or by its name.
#[must_use]
pub fn of(name: &str, value: &str) -> Option<&'static str> {
    let by_name = || is_named(name) && text::may_be_one(value);
    in_text(value).or_else(|| by_name().then_some("what its name says is a secret"))
}

/// A text, or what stands for it where it has a secret in it.
#[must_use]
pub fn shown(text: &str) -> Cow<'_, str> {
    match in_text(text) {
        Some(_) => SHOWN.into(),
        None => text.into(),
    }
}

/// A path, where the key of an element, such as that of a tag, has no secret in it.
#[must_use]
pub fn shown_path(path: &str) -> Cow<'_, str> {
    match in_text(path) {
        Some(_) => format!("{}[{SHOWN}]", path.split(['.', '[']).next().unwrap_or_default()).into(),
        None => path.into(),
    }
}

/// The value without secrets.
#[must_use]
pub fn masked(value: &Value) -> Value {
    of_name(None, value)
}

/// The value of a property without secrets. Its path says what it is called: `Environment.Variables.DB_PASSWORD`,
/// `Tags[password].Value`.
#[must_use]
pub fn masked_at(path: &str, value: &Value) -> Value {
    of_name(name_at(path), value)
}

/// What the last thing in a path is called.
fn name_at(path: &str) -> Option<&str> {
    let of_pair =
        VALUES.iter().find_map(|field| path.strip_suffix(field)?.strip_suffix("].")?.rsplit('[').next());
    of_pair.or_else(|| path.rsplit(['.', '[']).next().map(|name| name.trim_end_matches(']')))
}

/// The fields of a pair, as AWS's services write it.
const NAMES: [&str; 4] = ["Name", "name", "Key", "key"];
const VALUES: [&str; 2] = ["Value", "value"];

/// What a pair of a name and a value is called, such as a tag or a variable of a container; `None` where an object is none.
#[must_use]
pub fn name_of_pair(object: &Map<String, Value>) -> Option<&str> {
    let has_value = VALUES.iter().any(|field| object.contains_key(*field));
    NAMES.iter().filter(|_| has_value).find_map(|field| object.get(*field)?.as_str())
}

fn of_name(name: Option<&str>, value: &Value) -> Value {
    match value {
        Value::String(text) if of(name.unwrap_or_default(), text).is_some() => SHOWN.into(),
        // A policy, the body of a dashboard, the definitions of containers.
        Value::String(text) if text.starts_with(['{', '[']) => {
            let Ok(inner) = serde_json::from_str::<Value>(text) else { return value.clone() };
            let masked = masked(&inner);
            if masked == inner { value.clone() } else { masked.to_string().into() }
        }
        Value::Array(items) => items.iter().map(|item| of_name(name, item)).collect(),
        Value::Object(fields) => {
            let pair = name_of_pair(fields);
            let of_field = |(field, inner): (&String, &Value)| {
                let name = pair.filter(|_| VALUES.contains(&field.as_str())).unwrap_or(field);
                (field.clone(), of_name(Some(name), inner))
            };
            fields.iter().map(of_field).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_masked_at_any_depth_and_nothing_else_is() {
        // Put together here, so that nobody takes the source for a leak.
        let secret = format!("AKIA{}", "A7".repeat(8));
        let value = json!({ "A": [{ "Value": format!("key={secret}") }, "AKIA", 1], "B": "plain" });
        assert_eq!(masked(&value), json!({ "A": [{ "Value": "(secret)" }, "AKIA", 1], "B": "plain" }));
    }

    #[test]
    fn names_are_those_of_fields_of_pairs_and_of_paths() {
        let value = json!({
            "Variables": { "DB_PASSWORD": "hunter2", "LOG": "info" },
            "Tags": [{ "Key": "password", "Value": "hunter2" }, { "Key": "Owner", "Value": "me" }],
            "Body": r#"[{"name":"PGPASSWORD","value":"hunter2"},{"name":"LOG","value":"info"}]"#,
            "Secrets": [{ "Name": "DB_PASSWORD", "ValueFrom": "arn:aws:secretsmanager:x" }],
            "TOKEN": ["one", 2],
        });
        let wanted = json!({
            "Variables": { "DB_PASSWORD": SHOWN, "LOG": "info" },
            "Tags": [{ "Key": "password", "Value": SHOWN }, { "Key": "Owner", "Value": "me" }],
            "Body": r#"[{"name":"PGPASSWORD","value":"(secret)"},{"name":"LOG","value":"info"}]"#,
            "Secrets": [{ "Name": "DB_PASSWORD", "ValueFrom": "arn:aws:secretsmanager:x" }],
            "TOKEN": [SHOWN, 2],
        });
        assert_eq!(masked(&value), wanted);
        assert_eq!(masked(&wanted), wanted);
        let text = json!("hunter2");
        for path in ["Variables.DB_PASSWORD", "Tags[password].Value", "A[0].Env[my.token].value", "PASSWORD"]
        {
            assert_eq!(masked_at(path, &text), SHOWN, "{path}");
        }
        for path in ["Variables.LOG", "Tags[Owner].Value", "Passwords[0].Name", "A[0].Value", "Value", ""] {
            assert_eq!(masked_at(path, &text), "hunter2", "{path}");
        }
        let secret = format!("AKIA{}", "A7".repeat(8));
        assert_eq!(shown_path(&format!("Tags[{secret}].Value")), "Tags[(secret)]");
        assert_eq!(shown_path("Tags[token].Value"), "Tags[token].Value");
        // An element as a whole has its own name.
        assert_eq!(masked_at("Tags[k]", &json!({ "Key": "token", "Value": "x" }))["Value"], SHOWN);
    }

    #[test]
    fn what_is_not_known_yet_stays() {
        let reference = json!({ "$ref": "database/cluster", "attr": "Endpoint" });
        assert_eq!(masked_at("Variables.DB_PASSWORD", &reference), reference);
        let join = json!({ "$join": ["https://", reference, "/health"] });
        assert_eq!(masked(&join), join);
    }
}
