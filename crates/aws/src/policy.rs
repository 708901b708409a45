//! IAM policy documents: built with types, sent as JSON, compared by meaning.
//!
//! AWS keeps the text of a policy but not always as it was sent: IAM answers with URL-encoded JSON, writes a
//! one-element list as its element, and an account id as the ARN of its root. [`PolicyDocument::same_as`] sees
//! through that, so that a plan after an apply is empty.

use std::collections::BTreeMap;

use engine::{CallError, ErrorClass, Input};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A policy document. While it is declared, it may contain references to outputs at any depth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyDocument(Value);

impl PolicyDocument {
    /// A document of the current policy language, `2012-10-17`.
    ///
    /// ```
    /// use aws::policy::{PolicyDocument, Principal, Statement};
    /// let trust = PolicyDocument::new([Statement::allow(["sts:AssumeRole"])
    ///     .principal(Principal::Service("vpc-flow-logs.amazonaws.com".to_owned()))
    ///     .when("StringEquals", "aws:SourceAccount", ["123456789012".into()])]);
    /// assert_eq!(
    ///     trust.to_json(),
    ///     r#"{"Statement":[{"Action":["sts:AssumeRole"],"Condition":{"StringEquals":{"aws:SourceAccount":["123456789012"]}},"Effect":"Allow","Principal":{"Service":"vpc-flow-logs.amazonaws.com"}}],"Version":"2012-10-17"}"#
    /// );
    /// ```
    pub fn new(statements: impl IntoIterator<Item = Statement>) -> Self {
        let statements: Value = statements.into_iter().map(Statement::into_json).collect();
        Self(Value::Object(Map::from_iter([
            ("Version".to_owned(), "2012-10-17".into()),
            ("Statement".to_owned(), statements),
        ])))
    }

    /// Reads a document as AWS returns it: JSON, which IAM encodes as in a URL (RFC 3986).
    ///
    /// # Errors
    /// [`ErrorClass::Invalid`] where it is not JSON, naming `operation`.
    pub fn parse(text: &str, operation: &str) -> Result<Self, CallError> {
        // A raw document may contain a percent sign; an encoded one cannot contain a brace.
        let decoded = match text.trim_start().starts_with('{') {
            true => text.into(),
            false => percent_decode_str(text).decode_utf8_lossy(),
        };
        serde_json::from_str(&decoded).map(Self).map_err(|error| {
            let message = format!("the policy in the answer is not JSON: {error}");
            CallError::new(ErrorClass::Invalid, operation, message)
        })
    }

    /// The text to send.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.0.to_string()
    }

    /// Whether both say the same, however it is written down.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        canonical(&self.0) == canonical(&other.0)
    }

    /// `self` where it says the same as `live`, otherwise `live`: how a read reports a policy, so that a
    /// difference in writing is not a difference.
    #[must_use]
    pub fn unless_changed(&self, live: Self) -> Self {
        if self.same_as(&live) { self.clone() } else { live }
    }
}

/// Whom a statement is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Principal {
    /// An AWS service, such as `vpc-flow-logs.amazonaws.com`.
    Service(String),
    /// An account, a role or a user, by ARN; an account also by its number.
    Aws(Input<String>),
    /// Everybody. Limit it with a condition.
    Anyone,
}

/// One statement of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    effect: &'static str,
    sid: Option<String>,
    principal: Option<Principal>,
    actions: Vec<String>,
    resources: Vec<Input<String>>,
    conditions: BTreeMap<String, BTreeMap<String, Vec<Input<String>>>>,
}

impl Statement {
    /// Allows actions, such as `logs:PutLogEvents`.
    pub fn allow<A: Into<String>>(actions: impl IntoIterator<Item = A>) -> Self {
        Self::new("Allow", actions)
    }

    /// Denies actions, whatever else allows them.
    pub fn deny<A: Into<String>>(actions: impl IntoIterator<Item = A>) -> Self {
        Self::new("Deny", actions)
    }

    fn new<A: Into<String>>(effect: &'static str, actions: impl IntoIterator<Item = A>) -> Self {
        Self {
            effect,
            sid: None,
            principal: None,
            actions: actions.into_iter().map(Into::into).collect(),
            resources: Vec::new(),
            conditions: BTreeMap::new(),
        }
    }

    /// Names the statement. IAM allows letters and digits only.
    #[must_use]
    pub fn sid(mut self, sid: impl Into<String>) -> Self {
        self.sid = Some(sid.into());
        self
    }

    /// Whom it is about. Needed in policies of resources and in trust policies, forbidden in policies of roles.
    #[must_use]
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// What it is about, by ARN or `*`. Needed everywhere except in trust policies.
    #[must_use]
    pub fn resources(mut self, resources: impl IntoIterator<Item = Input<String>>) -> Self {
        self.resources.extend(resources);
        self
    }

    /// Holds only if `operator` (`StringEquals`, `ArnLike`) finds `key` among `values`. Several conditions must
    /// all hold.
    #[must_use]
    pub fn when(
        mut self,
        operator: &str,
        key: &str,
        values: impl IntoIterator<Item = Input<String>>,
    ) -> Self {
        let keys = self.conditions.entry(operator.to_owned()).or_default();
        keys.entry(key.to_owned()).or_default().extend(values);
        self
    }

    fn into_json(self) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| {
            members.insert(name.to_owned(), value);
        };
        put("Effect", self.effect.into());
        put("Action", self.actions.into());
        if let Some(sid) = self.sid {
            put("Sid", sid.into());
        }
        match self.principal {
            Some(Principal::Service(name)) => put("Principal", pair("Service", name.into())),
            Some(Principal::Aws(arn)) => put("Principal", pair("AWS", data(&arn))),
            Some(Principal::Anyone) => put("Principal", "*".into()),
            None => {}
        }
        if !self.resources.is_empty() {
            put("Resource", data(&self.resources));
        }
        if !self.conditions.is_empty() {
            put("Condition", data(&self.conditions));
        }
        Value::Object(members)
    }
}

fn pair(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

fn data(part: &impl Serialize) -> Value {
    serde_json::to_value(part).expect("texts, lists and maps with text keys are always JSON")
}

/// One form for all documents that mean the same.
fn canonical(document: &Value) -> Value {
    let Value::Object(members) = document else { return document.clone() };
    let mut members = members.clone();
    if let Some(statements) = members.get_mut("Statement") {
        let mut list: Vec<Value> = match statements.take() {
            Value::Array(list) => list,
            single => vec![single],
        };
        list.iter_mut().for_each(canonical_statement);
        *statements = sorted(list);
    }
    Value::Object(members)
}

fn canonical_statement(statement: &mut Value) {
    let Value::Object(members) = statement else { return };
    members.retain(|name, value| !(name == "Sid" && value == ""));
    for (name, value) in members.iter_mut() {
        let taken = value.take();
        *value = match name.as_str() {
            // IAM compares action names without regard to case.
            "Action" | "NotAction" => set_of(taken, |action| action.to_ascii_lowercase()),
            "Resource" | "NotResource" => set_of(taken, |arn| arn),
            "Principal" | "NotPrincipal" => principals(taken),
            "Condition" => conditions(taken),
            _ => taken,
        };
    }
}

/// `"*"` is `{"AWS": "*"}`, and an account's number is the ARN of its root.
fn principals(value: Value) -> Value {
    match value {
        Value::Object(kinds) => Value::Object(
            kinds.into_iter().map(|(kind, names)| (kind, set_of(names, account_number))).collect(),
        ),
        anyone => pair("AWS", set_of(anyone, account_number)),
    }
}

fn account_number(principal: String) -> String {
    let number = principal.strip_suffix(":root").and_then(|arn| arn.split("::").nth(1));
    match number {
        Some(number) if is_account(number) && principal.contains(":iam::") => number.to_owned(),
        _ => principal,
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn conditions(value: Value) -> Value {
    let Value::Object(operators) = value else { return value };
    let keys = |keys: Value| match keys {
        Value::Object(keys) => {
            Value::Object(keys.into_iter().map(|(key, values)| (key, set_of(values, |text| text))).collect())
        }
        other => other,
    };
    Value::Object(operators.into_iter().map(|(operator, inner)| (operator, keys(inner))).collect())
}

/// A list whose order and repetitions do not matter; a single value is a list of one, and numbers and truth values
/// are texts.
fn set_of(value: Value, normal: impl Fn(String) -> String) -> Value {
    let list = match value {
        Value::Array(list) => list,
        single => vec![single],
    };
    let texts = list.into_iter().map(|item| match item {
        Value::String(text) => Value::String(normal(text)),
        Value::Bool(_) | Value::Number(_) => Value::String(item.to_string()),
        other => other,
    });
    sorted(texts.collect())
}

fn sorted(mut list: Vec<Value>) -> Value {
    list.sort_by_cached_key(Value::to_string);
    list.dedup();
    Value::Array(list)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn same(left: Value, right: Value) -> bool {
        PolicyDocument(left).same_as(&PolicyDocument(right))
    }

    fn with(statement: Value) -> Value {
        json!({ "Version": "2012-10-17", "Statement": [statement] })
    }

    #[test]
    fn leaves_may_be_references_to_outputs() {
        let arn: Input<String> =
            serde_json::from_value(json!({ "$ref": "vpc/flow-log-group", "attr": "Arn" })).unwrap();
        let policy =
            PolicyDocument::new([Statement::allow(["logs:PutLogEvents"]).sid("Write").resources([arn])]);
        assert_eq!(
            serde_json::to_value(policy).unwrap(),
            json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Sid": "Write",
                    "Effect": "Allow",
                    "Action": ["logs:PutLogEvents"],
                    "Resource": [{ "$ref": "vpc/flow-log-group", "attr": "Arn" }],
                }],
            })
        );
    }

    #[test]
    fn a_document_comes_back_from_iam_url_encoded() {
        let policy =
            PolicyDocument::new([Statement::allow(["s3:GetObject"]).resources(["arn:a/100%/*".into()])]);
        let encoded: String = policy.to_json().bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(PolicyDocument::parse(&encoded, "GetRole").unwrap(), policy);
        assert_eq!(PolicyDocument::parse(&policy.to_json(), "GetRole").unwrap(), policy);
        assert!(PolicyDocument::parse("nonsense", "GetRole").is_err());
    }

    #[test]
    fn writing_does_not_matter() {
        let sent = json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": { "AWS": ["123456789012"] },
                    "Action": ["logs:PutLogEvents", "logs:CreateLogStream"],
                    "Resource": ["b", "a"],
                    "Condition": { "Bool": { "aws:SecureTransport": [true] } },
                },
                { "Sid": "", "Effect": "Deny", "Principal": "*", "Action": ["s3:*"], "Resource": ["*"] },
            ],
        });
        let live = json!({
            "Version": "2012-10-17",
            "Statement": [
                { "Effect": "Deny", "Principal": { "AWS": "*" }, "Action": "s3:*", "Resource": "*" },
                {
                    "Effect": "Allow",
                    "Principal": { "AWS": "arn:aws:iam::123456789012:root" },
                    "Action": ["logs:createlogstream", "logs:PutLogEvents"],
                    "Resource": ["a", "b"],
                    "Condition": { "Bool": { "aws:SecureTransport": "true" } },
                },
            ],
        });
        assert!(same(sent.clone(), live.clone()));
        let sent = PolicyDocument(sent);
        assert_eq!(sent.unless_changed(PolicyDocument(live)), sent);
    }

    #[test]
    fn meaning_does_matter() {
        let base = json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:a" });
        for (name, value) in [
            ("Effect", json!("Deny")),
            ("Action", json!("s3:PutObject")),
            ("Resource", json!("arn:A")),
            ("Condition", json!({ "StringEquals": { "aws:PrincipalAccount": "1" } })),
            ("Principal", json!({ "Service": "ec2.amazonaws.com" })),
            ("Sid", json!("Name")),
        ] {
            let mut other = base.clone();
            other[name] = value;
            assert!(!same(with(base.clone()), with(other)), "{name}");
        }
        assert!(!same(with(base.clone()), json!({ "Version": "2008-10-17", "Statement": base })));
    }
}
