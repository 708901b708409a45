//! Policies that hang on a resource: a key, a bucket, a topic, a queue, a secret.
//!
//! What they have in common is here. Each service refuses them with a code of its own.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::iam::State as Iam;
use super::iam::policy::{Effect, Many, Policy, Principal, Scalar, Statement, matches};
use crate::protocol::response::ensure;

/// Of how many policies answers are remembered.
const REMEMBERED_AT_MOST: usize = 100;

/// Why a policy is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It is no policy of a resource, for this reason.
    Malformed(String),
    /// It names somebody who does not exist, or whom services do not know yet.
    NoSuchPrincipal,
}

/// Reads a policy and checks its principals. Every statement must name some ("AWS JSON policy elements: Principal").
pub(crate) fn read(text: &str, iam: &Iam, now_millis: i64) -> Result<Policy, Problem> {
    check_principals(Policy::parse_of_resource(text), iam, now_millis)
}

/// The same for services that accept resources that are not ARNs.
pub(crate) fn read_with_any_resource(text: &str, iam: &Iam, now_millis: i64) -> Result<Policy, Problem> {
    check_principals(Policy::parse_with_any_resource(text), iam, now_millis)
}

fn check_principals(parsed: Result<Policy, String>, iam: &Iam, now_millis: i64) -> Result<Policy, Problem> {
    let policy = parsed.map_err(Problem::Malformed)?;
    if !policy.statements.iter().all(Statement::has_principal) {
        return Err(Problem::Malformed("Missing required field Principal".to_owned()));
    }
    ensure(iam.knows_principals(&policy, now_millis), || Problem::NoSuchPrincipal)?;
    Ok(policy)
}

impl Statement {
    /// Whether it is about an action, such as `kms:Decrypt`. Actions do not differ by case.
    pub(crate) fn covers(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        let is_named = self.actions().iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), &action));
        is_named == self.action.is_some()
    }
}

/// Whether a policy lets a service, such as `logs.eu-west-1.amazonaws.com`, do something.
///
/// Of conditions only `aws:SourceAccount` and `aws:SourceArn` are understood. All others are taken to be met where they
/// allow, and not to be met where they deny: what the service will ask for is not known here.
///
/// What was asked before is remembered: some services ask at every call, of policies that hardly ever change.
pub(crate) fn allows_service(text: &str, service: &str, action: &str) -> bool {
    /// By policy, then by service and action.
    type Remembered = HashMap<String, Vec<(String, String, bool)>>;
    static REMEMBERED: LazyLock<Mutex<Remembered>> = LazyLock::new(Mutex::default);
    // Entries are added whole, so a panic elsewhere leaves them whole.
    let remembered = || REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = remembered().get(text).and_then(|answers| {
        let answer = answers.iter().find(|(of, to, _)| of == service && to == action)?;
        Some(answer.2)
    });
    known.unwrap_or_else(|| {
        let allowed = allows_service_in(text, service, action, &[]);
        let mut remembered = remembered();
        if remembered.len() >= REMEMBERED_AT_MOST {
            remembered.clear();
        }
        let answers = remembered.entry(text.to_owned()).or_default();
        answers.push((service.to_owned(), action.to_owned(), allowed));
        allowed
    })
}

/// The same for a request of which more is known: pairs of condition keys, such as
/// `kms:EncryptionContext:aws:logs:arn`, and their values.
pub(crate) fn allows_service_in(text: &str, service: &str, action: &str, context: &[(&str, &str)]) -> bool {
    let Ok(policy) = Policy::parse_of_resource(text) else {
        return false;
    };
    let is_asked = |statement: &&Statement| statement.is_about(service) && statement.covers(action);
    let (allow, deny): (Vec<_>, Vec<_>) =
        policy.statements.iter().filter(is_asked).partition(|statement| statement.effect == Effect::Allow);
    allow.iter().any(|statement| statement.holds_in(context) != Some(false))
        && deny.iter().all(|statement| statement.holds_in(context) != Some(true))
}

/// Whether a policy lets everybody in: it allows a principal `*` something without a condition that holds it to fixed
/// values (S3 User Guide, "Blocking public access to your Amazon S3 storage", "The meaning of public").
pub(crate) fn is_public(policy: &Policy) -> bool {
    policy.statements.iter().any(|statement| {
        statement.effect == Effect::Allow && is_for_everyone(statement) && !is_held_to_fixed_values(statement)
    })
}

fn is_for_everyone(statement: &Statement) -> bool {
    match &statement.principal {
        Some(Principal::Everyone) => true,
        Some(Principal::Named(names)) => names.aws.0.iter().any(|name| name == "*"),
        None => false,
    }
}

fn is_held_to_fixed_values(statement: &Statement) -> bool {
    const KEYS: [&str; 13] = [
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    ];
    const OPERATORS: [&str; 7] = [
        "ArnEquals",
        "ArnLike",
        "IpAddress",
        "StringEquals",
        "StringEqualsIgnoreCase",
        "StringLike",
        "ForAnyValue:StringEquals",
    ];
    statement.condition.iter().filter(|(operator, _)| OPERATORS.contains(&operator.as_str())).any(
        |(_, keys)| {
            keys.iter().any(|(key, Many(values))| {
                KEYS.contains(&key.to_ascii_lowercase().as_str()) && values.iter().all(is_fixed)
            })
        },
    )
}

fn is_fixed(value: &Scalar) -> bool {
    let value = value.to_string();
    !value.contains(['*', '?']) && !value.ends_with("/0")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const LOGS: &str = "logs.eu-west-1.amazonaws.com";

    fn policy(statements: Value) -> String {
        json!({"Version": "2012-10-17", "Statement": statements}).to_string()
    }

    #[test]
    fn what_is_remembered_is_of_one_policy_one_service_and_one_action() {
        let asked = |number: usize, service: &str, action: &str| {
            let allow = json!({"Sid": format!("s{number}"), "Effect": "Allow", "Principal": {"Service": LOGS},
                "Action": if number.is_multiple_of(2) { "kms:Decrypt" } else { "kms:Encrypt" }, "Resource": "*"});
            allows_service(&policy(json!([allow])), service, action)
        };
        // More policies than are remembered, and each asked again.
        for number in (0..3 * REMEMBERED_AT_MOST).flat_map(|number| [number, number]) {
            assert_eq!(asked(number, LOGS, "kms:Decrypt"), number.is_multiple_of(2));
            assert_eq!(asked(number, LOGS, "kms:Encrypt"), !number.is_multiple_of(2));
            assert!(!asked(number, "sns.amazonaws.com", "kms:Decrypt"));
        }
    }

    #[test]
    fn a_service_is_allowed_what_a_statement_allows_and_none_denies() {
        let condition = |operator: &str, key: &str, value: &str| json!({operator: {key: value}});
        let allow = |principal: Value, action: Value, condition: Value| {
            json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*",
                "Condition": condition})
        };
        let service = json!({"Service": ["sns.amazonaws.com", LOGS]});
        let open = allow(service.clone(), json!("kms:*"), json!({}));
        let deny = |condition: Value| {
            json!({"Effect": "Deny", "Principal": "*", "Action": "kms:Dec*", "Resource": "*",
                "Condition": condition})
        };
        let context = condition("ArnEquals", "kms:EncryptionContext:aws:logs:arn", "arn:aws:logs:*");
        let rows = [
            (json!([open]), true),
            (json!(allow(service.clone(), json!(["kms:Encrypt", "KMS:decrypt"]), json!({}))), true),
            (json!([allow(service.clone(), json!("kms:Encrypt"), json!({}))]), false),
            (json!([allow(json!({"Service": "logs.amazonaws.com"}), json!("kms:*"), json!({}))]), false),
            (json!([allow(json!("*"), json!("*"), json!({}))]), true),
            (json!([allow(service.clone(), json!("kms:*"), context)]), true),
            (
                json!([allow(
                    service.clone(),
                    json!("kms:*"),
                    condition("StringEquals", "aws:SourceAccount", "999999999999")
                )]),
                false,
            ),
            (json!([open, deny(json!({}))]), false),
            (json!([open, deny(condition("Bool", "aws:SecureTransport", "false"))]), true),
            (
                json!([{"Effect": "Allow", "Principal": service, "NotAction": "kms:Decrypt", "Resource": "*"}]),
                false,
            ),
        ];
        for (statements, expected) in rows {
            let text = policy(statements);
            for _ in 0..2 {
                assert_eq!(allows_service(&text, LOGS, "kms:Decrypt"), expected, "{text}");
            }
        }
        assert!(!allows_service("no policy", LOGS, "kms:Decrypt"));
    }

    #[test]
    fn a_condition_on_what_is_known_of_a_request_is_judged() {
        const KEY: &str = "kms:EncryptionContext:aws:logs:arn";
        let ours = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/app-dev";
        let of = |operator: &str, value: Value| {
            policy(
                json!([{"Effect": "Allow", "Principal": {"Service": LOGS}, "Action": "kms:*", "Resource": "*",
                "Condition": {operator: {KEY: value}}}]),
            )
        };
        let allows = |text: &str| allows_service_in(text, LOGS, "kms:Decrypt", &[(KEY, ours)]);
        for (operator, value, expected) in [
            (
                "ArnLike",
                json!(["arn:aws:logs:*:*:log-group:other", "arn:aws:logs:*:*:log-group:*-dev"]),
                true,
            ),
            ("ArnLike", json!("arn:aws:logs:*:*:log-group:*-prod"), false),
            ("ArnEquals", json!(ours), true),
            ("StringEquals", json!("arn:aws:logs:*"), false),
            ("ArnNotLike", json!("arn:aws:logs:*"), false),
            ("StringNotEquals", json!("other"), true),
        ] {
            assert_eq!(allows(&of(operator, value.clone())), expected, "{operator} {value}");
        }
    }

    #[test]
    fn a_policy_is_public_unless_something_holds_it() {
        let allow = |principal: Value, condition: Value| {
            policy(json!({"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::b/*", "Condition": condition}))
        };
        let everyone = json!("*");
        let rows = [
            (allow(everyone.clone(), json!({})), true),
            (allow(json!({"AWS": "*"}), json!({})), true),
            (allow(json!({"AWS": "123456789012"}), json!({})), false),
            (allow(json!({"Service": "sns.amazonaws.com"}), json!({})), false),
            (allow(everyone.clone(), json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}})), false),
            (allow(everyone.clone(), json!({"StringLike": {"aws:SourceVpce": "vpce-*"}})), true),
            (allow(everyone.clone(), json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})), true),
            (allow(everyone, json!({"Bool": {"aws:SecureTransport": "true"}})), true),
        ];
        for (text, expected) in rows {
            let policy = Policy::parse_of_resource(&text).expect("it is well formed");
            assert_eq!(is_public(&policy), expected, "{text}");
        }
    }
}
