//! The grammar of policy documents (IAM User Guide, "Grammar of the IAM JSON policy language").
//!
//! It is one for all services. What a service asks besides (whether there is a principal, which actions there are) the
//! service checks, with a code of its own. Sentences are close to AWS's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use crate::protocol::response::{ensure, refuse_if};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

/// A policy that follows the grammar.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) statements: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "Version")]
    _version: Option<Version>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    #[serde(rename = "Statement")]
    statement: Many<Statement>,
}

/// "IAM JSON policy elements: Version".
#[derive(Debug, Deserialize)]
enum Version {
    #[serde(rename = "2008-10-17")]
    Of2008,
    #[serde(rename = "2012-10-17")]
    Of2012,
}

/// One statement.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Statement {
    sid: Option<String>,
    pub(crate) effect: Effect,
    pub(crate) principal: Option<Principal>,
    pub(crate) not_principal: Option<Principal>,
    pub(crate) action: Option<Many<String>>,
    pub(crate) not_action: Option<Many<String>>,
    pub(crate) resource: Option<Many<String>>,
    pub(crate) not_resource: Option<Many<String>>,
    /// Values by operator and key.
    #[serde(default)]
    pub(crate) condition: BTreeMap<String, BTreeMap<String, Many<Scalar>>>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// Whom a statement is about.
#[derive(Debug)]
pub(crate) enum Principal {
    /// `*`.
    Everyone,
    Named(Names),
}

/// Principals by their kind ("AWS JSON policy elements: Principal").
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Names {
    #[serde(rename = "AWS", default)]
    pub(crate) aws: Many<String>,
    #[serde(rename = "Service", default)]
    pub(crate) service: Many<String>,
    #[serde(rename = "Federated", default)]
    pub(crate) federated: Many<String>,
    #[serde(rename = "CanonicalUser", default)]
    pub(crate) canonical_user: Many<String>,
}

/// A value of a condition.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Scalar {
    Text(String),
    Flag(bool),
    Number(serde_json::Number),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Text(text) => f.write_str(text),
            Scalar::Flag(flag) => flag.fmt(f),
            Scalar::Number(number) => number.fmt(f),
        }
    }
}

/// What may be written as one value or as a list.
#[derive(Debug)]
pub(crate) struct Many<T>(pub(crate) Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Many(Vec::new())
    }
}

impl Policy {
    /// Reads a policy of IAM's own, with the names that IAM allows for statements.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Policy, String> {
        let policy = Policy::parse_of_resource(text)?;
        policy.check_sids()?;
        Ok(policy)
    }

    /// Whether its statements have names that IAM allows.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub(crate) fn check_sids(&self) -> Result<(), String> {
        self.statements.iter().filter_map(Statement::sid).try_for_each(check_sid)
    }

    /// Reads a policy of a resource. Its statements may have any names, as in the default policies of KMS and SNS
    /// (`Enable IAM User Permissions`, `__default_statement_ID`).
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub(crate) fn parse_of_resource(text: &str) -> Result<Policy, String> {
        let policy = Policy::parse_with_any_resource(text)?;
        policy.statements.iter().try_for_each(Statement::check_resources)?;
        Ok(policy)
    }

    /// The same for services that accept resources that are not ARNs.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub(crate) fn parse_with_any_resource(text: &str) -> Result<Policy, String> {
        let document: Document =
            serde_json::from_str(text).map_err(|error| format!("Syntax errors in policy: {error}."))?;
        let Many(statements) = document.statement;
        refuse_if(statements.is_empty(), || "Syntax errors in policy: it has no statement.".to_owned())?;
        let mut sids = BTreeSet::new();
        for statement in &statements {
            if statement.sid().is_some_and(|sid| !sids.insert(sid)) {
                return Err("Statement IDs (SID) in a single policy must be unique.".to_owned());
            }
            statement.check()?;
        }
        Ok(Policy { statements })
    }
}

/// "IAM JSON policy elements: Sid".
fn check_sid(sid: &str) -> Result<(), String> {
    ensure(sid.chars().all(|c| c.is_ascii_alphanumeric()), || {
        format!("Statement IDs (SID) must be alpha-numeric, and {sid} is not.")
    })
}

impl Statement {
    fn check(&self) -> Result<(), String> {
        let both = |one: bool, other: bool, name: &str| {
            refuse_if(one && other, || {
                format!("Syntax errors in policy: {name} and Not{name} are given together.")
            })
        };
        both(self.principal.is_some(), self.not_principal.is_some(), "Principal")?;
        both(self.action.is_some(), self.not_action.is_some(), "Action")?;
        both(self.resource.is_some(), self.not_resource.is_some(), "Resource")?;
        if self.not_principal.is_some() && self.effect == Effect::Allow {
            // "AWS JSON policy elements: NotPrincipal".
            return Err("NotPrincipal is not supported with the effect Allow.".to_owned());
        }
        let actions = items(&self.action, &self.not_action);
        refuse_if(actions.is_empty(), || "Policy statement must contain actions.".to_owned())?;
        actions.iter().try_for_each(|action| check_action(action))?;
        for (operator, keys) in &self.condition {
            check_operator(operator)?;
            keys.keys().try_for_each(|key| check_condition_key(key))?;
        }
        Ok(())
    }

    fn check_resources(&self) -> Result<(), String> {
        items(&self.resource, &self.not_resource).iter().try_for_each(|resource| check_resource(resource))
    }

    fn sid(&self) -> Option<&str> {
        self.sid.as_deref().filter(|sid| !sid.is_empty())
    }

    pub(crate) fn has_principal(&self) -> bool {
        self.principal.is_some() || self.not_principal.is_some()
    }

    pub(crate) fn has_resource(&self) -> bool {
        !items(&self.resource, &self.not_resource).is_empty()
    }

    /// Whether it allows an action, wherever and whenever.
    pub(crate) fn allows(&self, action: &str) -> bool {
        let is_named = |actions: &Many<String>| actions.0.iter().any(|named| matches(named, action));
        let is_meant = match (&self.action, &self.not_action) {
            (Some(actions), _) => is_named(actions),
            (None, Some(actions)) => !is_named(actions),
            (None, None) => false,
        };
        self.effect == Effect::Allow && is_meant
    }

    /// The actions that are named, whether they are meant or excepted.
    pub(crate) fn actions(&self) -> &[String] {
        items(&self.action, &self.not_action)
    }
}

fn items<'a>(one: &'a Option<Many<String>>, other: &'a Option<Many<String>>) -> &'a [String] {
    one.as_ref().or(other.as_ref()).map_or(&[], |Many(items)| items)
}

/// "IAM JSON policy elements: Action": `*`, or a service's name and an action's.
fn check_action(action: &str) -> Result<(), String> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "-.*".contains(c);
    match action.split_once(':') {
        _ if action == "*" => Ok(()),
        None => Err(no_vendor(action)),
        Some((_, name)) if name.contains(':') => {
            Err(format!("Actions can contain only one colon, and {action} has more."))
        }
        Some((vendor, _)) if vendor.is_empty() || !vendor.chars().all(is_legal) => {
            Err(format!("Vendor {vendor} is not valid"))
        }
        Some(_) => Ok(()),
    }
}

fn no_vendor(name: &str) -> String {
    format!("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc., and {name} is not.")
}

/// "IAM JSON policy elements: Resource": `*`, or an ARN, which may have wildcards.
fn check_resource(resource: &str) -> Result<(), String> {
    const PARTITIONS: [&str; 9] =
        ["*", "aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"];
    if resource == "*" {
        return Ok(());
    }
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, ..] if !PARTITIONS.contains(&partition) => {
            Err(format!("Partition \"{partition}\" is not valid for resource \"{resource}\"."))
        }
        ["arn", _, vendor, ..] if !vendor.is_empty() => {
            // An ARN that breaks off early must have wildcards for what it leaves out.
            ensure(parts.len() == 6 || resource.ends_with('*'), || {
                format!("The policy failed legacy parsing: {resource} is not a whole ARN.")
            })
        }
        ["arn", ..] => Err(format!("Resource vendor must be fully qualified, and {resource} is not.")),
        _ => Err(format!("Resource {resource} must be in ARN format or \"*\".")),
    }
}

/// "IAM JSON policy elements: Condition operators".
fn check_operator(operator: &str) -> Result<(), String> {
    const OPERATORS: [&str; 27] = [
        "ArnEquals",
        "ArnLike",
        "ArnNotEquals",
        "ArnNotLike",
        "BinaryEquals",
        "Bool",
        "DateEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateNotEquals",
        "IpAddress",
        "NotIpAddress",
        "Null",
        "NumericEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericNotEquals",
        "StringEquals",
        "StringEqualsIgnoreCase",
        "StringLike",
        "StringNotEquals",
        "StringNotEqualsIgnoreCase",
        "StringNotLike",
    ];
    let bare = ["ForAllValues:", "ForAnyValue:"].iter().find_map(|set| operator.strip_prefix(set));
    let bare = bare.unwrap_or(operator);
    ensure(OPERATORS.contains(&bare.strip_suffix("IfExists").unwrap_or(bare)), || {
        format!("Syntax errors in policy: {operator} is not a condition operator.")
    })
}

/// "IAM JSON policy elements: Condition": a key is `SERVICE:NAME`.
fn check_condition_key(key: &str) -> Result<(), String> {
    ensure(key.contains(':'), || no_vendor(key))
}

/// Whether a text matches a pattern with `*` and `?`.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    // The last `*`, and how much of the text it and what comes before it have taken.
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match (pattern.get(at), star) {
            (Some('*'), _) => {
                star = Some((at, read));
                at += 1;
            }
            (Some(c), _) if *c == '?' || *c == text[read] => {
                at += 1;
                read += 1;
            }
            (_, Some((star_at, taken))) => {
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                read = taken + 1;
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ManyVisitor(PhantomData))
    }
}

struct ManyVisitor<T>(PhantomData<T>);

impl<T> ManyVisitor<T> {
    fn one<'de, E: Error>(value: impl IntoDeserializer<'de, E>) -> Result<Many<T>, E>
    where
        T: Deserialize<'de>,
    {
        T::deserialize(value.into_deserializer()).map(|value| Many(vec![value]))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ManyVisitor<T> {
    type Value = Many<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of values")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Self::one(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Self::one(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Self::one(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Self::one(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Self::one(value)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|value| Many(vec![value]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Many(items))
    }
}

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PrincipalVisitor)
    }
}

struct PrincipalVisitor;

impl<'de> Visitor<'de> for PrincipalVisitor {
    type Value = Principal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"*\" or principals by their kind")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        match value {
            "*" => Ok(Principal::Everyone),
            other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Names::deserialize(MapAccessDeserializer::new(map)).map(Principal::Named)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(name: &str, value: serde_json::Value) -> Result<Policy, String> {
        let mut statement = json!({"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"});
        statement[name] = value;
        Policy::parse(&json!({"Id": "any", "Statement": [statement]}).to_string())
    }

    #[test]
    fn actions_and_resources_have_the_shape_of_aws() {
        for (name, value, wanted) in [
            ("Action", json!("*"), None),
            ("Action", json!(["kms:Decrypt", "execute-api:*"]), None),
            ("Action", json!("GetObject"), Some("vendor")),
            ("Action", json!("s3:Get:Object"), Some("one colon")),
            ("Action", json!("s 3:GetObject"), Some("Vendor s 3")),
            ("Action", json!([]), Some("must contain actions")),
            ("Action", json!(1), Some("Syntax errors")),
            ("NotAction", json!("s3:*"), Some("together")),
            ("Resource", json!(["arn:aws:s3:::bucket/*", "arn:aws:logs:*:*:log-group:/a:*"]), None),
            ("Resource", json!("arn:aws:s3*"), None),
            ("Resource", json!("bucket"), Some("ARN format")),
            ("Resource", json!("arn:amazon:s3:::bucket"), Some("Partition")),
            ("Resource", json!("arn:aws"), Some("vendor")),
            ("Resource", json!("arn:aws:s3:bucket"), Some("legacy parsing")),
            ("Condition", json!({"Bool": {"aws:SecureTransport": false}}), None),
            ("Condition", json!({"ForAllValues:StringLikeIfExists": {"aws:TagKeys": ["a", 1]}}), None),
        ] {
            let got = with(name, value.clone()).err();
            let fits = match (&got, wanted) {
                (None, None) => true,
                (Some(message), Some(part)) => message.contains(part),
                _ => false,
            };
            assert!(fits, "{name} {value}: {got:?}");
        }
    }

    #[test]
    fn an_element_that_is_given_twice_is_refused() {
        let text = r#"{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"s3:*"}}"#;
        let error = Policy::parse(text).expect_err("it is no policy");
        assert!(error.contains("duplicate field"), "{error}");
    }

    #[test]
    fn stars_and_question_marks_match() {
        for (pattern, text, wanted) in [
            ("", "", true),
            ("*", "", true),
            ("a*c*", "abcc", true),
            ("a*c", "abcd", false),
            ("*ab", "aab", true),
            ("a?c", "abc", true),
            ("a?", "a", false),
        ] {
            assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
