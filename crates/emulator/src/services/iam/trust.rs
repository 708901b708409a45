//! Trust policies: what IAM asks of one, and whom it lets in.

use std::collections::BTreeMap;

use super::policy::{Effect, Many, Names, Policy, Principal, Scalar, Statement, matches};
use super::{Role, exceeded, malformed, size};
use crate::services::{ACCOUNT_ID, Refusal, refuse_if};

/// Characters of a trust policy, white space not counted (IAM User Guide, "IAM and AWS STS quotas").
const LONGEST: usize = 2048;

/// The actions of STS that a trust policy may name (Service Authorization Reference, "Actions, resources, and
/// condition keys for AWS Security Token Service").
const ACTIONS: [&str; 13] = [
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "DecodeAuthorizationMessage",
    "GetAccessKeyInfo",
    "GetCallerIdentity",
    "GetFederationToken",
    "GetServiceBearerToken",
    "GetSessionToken",
    "SetContext",
    "SetSourceIdentity",
    "TagSession",
];

/// Identity providers that AWS knows without a provider of the account ("AWS JSON policy elements: Principal",
/// "OIDC federated principals").
const PROVIDERS: [&str; 4] =
    ["accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"];

/// What a trust policy must be, besides its grammar: it has principals that exist and no resource, and its actions are
/// STS's (IAM User Guide, "How to use trust policies with IAM roles" and "AWS JSON policy elements: Principal").
pub(super) fn check(document: &str, roles: &BTreeMap<String, Role>) -> Result<(), Refusal> {
    if size(document) > LONGEST {
        return Err(exceeded(format!("Cannot exceed quota for ACLSizePerRole: {LONGEST}")));
    }
    let policy = Policy::parse(document).map_err(malformed)?;
    policy.statements.iter().try_for_each(|statement| check_statement(statement, roles)).map_err(malformed)
}

fn check_statement(statement: &Statement, roles: &BTreeMap<String, Role>) -> Result<(), String> {
    let principal = statement.principal.as_ref().or(statement.not_principal.as_ref());
    let principal = principal.ok_or("Missing required field Principal")?;
    if statement.resource.is_some() || statement.not_resource.is_some() {
        return Err("Has prohibited field Resource".to_owned());
    }
    if statement.not_action.is_some() || !statement.actions().iter().all(|action| is_of_sts(action)) {
        return Err("AssumeRole policy may only specify STS AssumeRole actions.".to_owned());
    }
    match principal {
        Principal::Everyone => Ok(()),
        Principal::Named(names) => check_names(names, roles),
    }
}

fn is_of_sts(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let name = action.strip_prefix("sts:");
    name.is_some_and(|name| ACTIONS.iter().any(|known| matches(name, &known.to_ascii_lowercase())))
}

pub(super) fn check_names(names: &Names, roles: &BTreeMap<String, Role>) -> Result<(), String> {
    let Names { aws, service, federated, canonical_user } = names;
    let is_aws = |name: &str| is_aws_principal(name, roles);
    let is_provider = |name: &str| PROVIDERS.contains(&name);
    // Canonical users are S3's alone.
    check_kind("AWS", aws, is_aws)?;
    check_kind("SERVICE", service, is_service)?;
    check_kind("FEDERATED", federated, is_provider)?;
    check_kind("CANONICALUSER", canonical_user, |_| false)?;
    refuse_if([aws, service, federated].iter().all(|Many(names)| names.is_empty()), || {
        "Missing required field Principal".to_owned()
    })
}

fn check_kind(kind: &str, Many(names): &Many<String>, exists: impl Fn(&str) -> bool) -> Result<(), String> {
    match names.iter().find(|name| !exists(name)) {
        None => Ok(()),
        Some(name) => Err(format!("Invalid principal in policy: \"{kind}\":\"{name}\"")),
    }
}

/// A service's principal looks like `SERVICE.amazonaws.com`, with or without a region ("AWS JSON policy elements:
/// Principal", "AWS service principals").
fn is_service(name: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'));
    name.strip_suffix(".amazonaws.com").is_some_and(|service| service.split('.').all(is_label))
}

/// An account or an identity in it. In this account the identity must exist; of others nothing is known, and they are
/// taken to exist ("AWS JSON policy elements: Principal", "AWS account principals" and the sections after it).
fn is_aws_principal(name: &str, roles: &BTreeMap<String, Role>) -> bool {
    if name == "*" || is_account(name) {
        return true;
    }
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    let ["arn", "aws", vendor @ ("iam" | "sts"), "", account, resource] = parts[..] else {
        return false;
    };
    if !is_account(account) || resource.contains(['*', '?']) {
        return false;
    }
    let (kind, rest) = resource.split_once('/').unwrap_or((resource, ""));
    let is_ours = account == ACCOUNT_ID;
    match (vendor, kind) {
        ("iam", "root") => rest.is_empty(),
        ("iam", "role") if is_ours => roles.values().any(|role| role.arn() == name),
        // The caller is the only user.
        ("iam", "user") if is_ours => rest == "emulator",
        ("sts", "assumed-role") if is_ours => rest
            .split_once('/')
            .is_some_and(|(role, session)| roles.contains_key(role) && !session.is_empty()),
        ("iam", "role" | "user") | ("sts", "assumed-role" | "federated-user") => !rest.is_empty(),
        _ => false,
    }
}

fn is_account(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a service, such as `ecs.amazonaws.com`, may assume the role of a trust policy: a statement allows it and
/// none denies it (IAM User Guide, "Policy evaluation logic").
///
/// Of what conditions ask about, two things are known where a service sends them ([`NAMES_ITS_SOURCE`]): `aws:SourceAccount`
/// is the account, and `aws:SourceArn` is of this partition and account, or of no account, as the ARNs of buckets are
/// ("AWS global condition context keys"). Which resource it names is not known, so a pattern that could be met is met. A
/// condition on anything else is taken to keep the service out, and so is any condition for a service that is not known to
/// send anything.
pub(super) fn admits(document: &str, service: &str) -> bool {
    let Ok(policy) = Policy::parse(document) else {
        return false;
    };
    let is_sent = NAMES_ITS_SOURCE.iter().any(|(known, _)| *known == service);
    let about = policy.statements.iter().filter(|statement| {
        statement.is_about(service) && statement.actions().iter().any(|action| includes_assume_role(action))
    });
    let (allow, deny): (Vec<_>, Vec<_>) = about.partition(|statement| statement.effect == Effect::Allow);
    allow.iter().any(|statement| statement.holds_if(is_sent) == Some(true))
        && deny.iter().all(|statement| statement.holds_if(is_sent) == Some(false))
}

/// The services whose documentation has conditions on the source in a role's trust policy, with the page: only these are
/// known to send it. That of `ecs.amazonaws.com` (ECS Developer Guide, "Amazon ECS infrastructure IAM role for load
/// balancers"), Lambda, AWS Backup and API Gateway has none.
const NAMES_ITS_SOURCE: [(&str, &str); 4] = [
    ("ecs-tasks.amazonaws.com", "ECS Developer Guide, Amazon ECS task IAM role"),
    ("monitoring.rds.amazonaws.com", "RDS User Guide, Setting up and enabling Enhanced Monitoring"),
    (
        "scheduler.amazonaws.com",
        "EventBridge Scheduler User Guide, Confused deputy prevention in EventBridge Scheduler",
    ),
    ("vpc-flow-logs.amazonaws.com", "VPC User Guide, Publish flow logs to CloudWatch Logs"),
];

fn includes_assume_role(action: &str) -> bool {
    matches(&action.to_ascii_lowercase(), "sts:assumerole")
}

impl Statement {
    /// Whether a service is among its principals.
    pub(crate) fn is_about(&self, service: &str) -> bool {
        let names = |principal: &Principal| match principal {
            Principal::Everyone => true,
            Principal::Named(names) => {
                names.service.0.iter().any(|name| name == service)
                    || names.aws.0.iter().any(|name| name == "*")
            }
        };
        match (&self.principal, &self.not_principal) {
            (Some(principal), _) => names(principal),
            (None, Some(excepted)) => !names(excepted),
            (None, None) => false,
        }
    }

    /// Whether all conditions hold, where the caller sends what they call for, or perhaps does not; `None` if that cannot be known.
    fn holds_if(&self, is_sent: bool) -> Option<bool> {
        self.holds_with(is_sent, &[])
    }

    /// The same for a request that has all of it, and of which more is known: pairs of condition keys and their values.
    pub(crate) fn holds_in(&self, context: &[(&str, &str)]) -> Option<bool> {
        self.holds_with(true, context)
    }

    fn holds_with(&self, is_sent: bool, context: &[(&str, &str)]) -> Option<bool> {
        let conditions = self.condition.iter().flat_map(|(operator, keys)| {
            keys.iter().map(move |(key, Many(values))| {
                let verdict = match context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)) {
                    Some((_, actual)) => known_condition_holds(operator, values, actual),
                    None => condition_holds(operator, key, values),
                };
                // What is not there meets a condition that ends in `IfExists`.
                let stays = is_sent || (operator.ends_with("IfExists") && verdict == Some(true));
                verdict.filter(|_| stays)
            })
        });
        let verdicts: Vec<Option<bool>> = conditions.collect();
        if verdicts.contains(&Some(false)) {
            Some(false)
        } else {
            verdicts.into_iter().collect::<Option<Vec<bool>>>().map(|_| true)
        }
    }
}

/// A condition on a key whose value is known ("IAM JSON policy elements: Condition operators").
fn known_condition_holds(operator: &str, values: &[Scalar], actual: &str) -> Option<bool> {
    let mut values = values.iter().map(Scalar::to_string);
    match operator.strip_suffix("IfExists").unwrap_or(operator) {
        "StringEquals" => Some(values.any(|value| value == actual)),
        "StringNotEquals" => Some(values.all(|value| value != actual)),
        "StringLike" | "ArnLike" | "ArnEquals" => Some(values.any(|value| matches(&value, actual))),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => Some(values.all(|value| !matches(&value, actual))),
        _ => None,
    }
}

fn condition_holds(operator: &str, key: &str, values: &[Scalar]) -> Option<bool> {
    let mut values = values.iter().map(Scalar::to_string);
    match (key.to_ascii_lowercase().as_str(), operator.strip_suffix("IfExists").unwrap_or(operator)) {
        ("aws:sourceaccount", "StringEquals" | "StringEqualsIgnoreCase") => {
            Some(values.any(|value| value == ACCOUNT_ID))
        }
        ("aws:sourceaccount", "StringNotEquals" | "StringNotEqualsIgnoreCase") => {
            Some(values.all(|value| value != ACCOUNT_ID))
        }
        ("aws:sourceaccount", "StringLike") => Some(values.any(|value| matches(&value, ACCOUNT_ID))),
        ("aws:sourceaccount", "StringNotLike") => Some(values.all(|value| !matches(&value, ACCOUNT_ID))),
        ("aws:sourcearn", "ArnLike" | "ArnEquals" | "StringLike" | "StringEquals") => {
            Some(values.any(|value| may_be_ours(&value)))
        }
        _ => None,
    }
}

/// Whether an ARN of this partition and account, or of no account, could match a pattern.
fn may_be_ours(pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, _, _, account, _] => {
            matches(partition, "aws") && (account.is_empty() || matches(account, ACCOUNT_ID))
        }
        // The pattern's last part stands for all that it leaves out.
        ["arn", partition, .., last] => matches(partition, "aws") && last.ends_with('*'),
        ["arn", last] => last.ends_with('*') && matches(last, "aws:"),
        _ => pattern == "*",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ECS: &str = "ecs-tasks.amazonaws.com";
    const INFRASTRUCTURE: &str = "ecs.amazonaws.com";

    fn trust(statements: Value) -> String {
        json!({"Version": "2012-10-17", "Statement": statements}).to_string()
    }

    fn allow(condition: Value) -> Value {
        json!({
            "Effect": "Allow", "Principal": {"Service": [ECS, "rds.amazonaws.com"]},
            "Action": "sts:AssumeRole", "Condition": condition,
        })
    }

    #[test]
    fn a_service_is_let_in_by_name_action_and_conditions() {
        let rows = [
            (json!({"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}), true),
            (json!({"StringEquals": {"AWS:sourceAccount": ["1", ACCOUNT_ID]}}), true),
            (json!({"StringEquals": {"aws:SourceAccount": "210987654321"}}), false),
            (json!({"StringLike": {"aws:SourceAccount": "1234*"}}), true),
            (json!({"StringNotEquals": {"aws:SourceAccount": ACCOUNT_ID}}), false),
            (json!({"ArnLike": {"aws:SourceArn": format!("arn:aws:ecs:*:{ACCOUNT_ID}:*")}}), true),
            (json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket"}}), true),
            (json!({"ArnLike": {"aws:SourceArn": "arn:aws:*"}}), true),
            (json!({"ArnLike": {"aws:SourceArn": "arn:aws-cn:ecs:*:*:*"}}), false),
            (json!({"ArnLike": {"aws:SourceArn": "arn:aws:ecs:*:210987654321:*"}}), false),
            (json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), false),
            (
                json!({
                    "StringEquals": {"aws:SourceAccount": ACCOUNT_ID},
                    "Bool": {"aws:SecureTransport": true},
                }),
                false,
            ),
            (json!({}), true),
        ];
        for (condition, wanted) in rows {
            let document = trust(json!(allow(condition)));
            check(&document, &BTreeMap::new()).expect("it follows the grammar");
            assert_eq!(admits(&document, ECS), wanted, "{document}");
            assert!(!admits(&document, INFRASTRUCTURE), "{document}");
        }
        for (action, wanted) in [("sts:*", true), ("STS:assumerole", true), ("sts:TagSession", false)] {
            let mut statement = allow(json!({}));
            statement["Action"] = json!([action]);
            assert_eq!(admits(&trust(json!([statement])), ECS), wanted, "{action}");
        }
    }

    #[test]
    fn a_service_that_is_not_known_to_say_for_whom_it_calls_meets_no_condition_on_that() {
        for service in [INFRASTRUCTURE, "lambda.amazonaws.com", "backup.amazonaws.com"] {
            let trusting = |condition: Value| {
                let mut statement = allow(condition);
                statement["Principal"]["Service"] = service.into();
                trust(json!(statement))
            };
            assert!(admits(&trusting(json!({})), service));
            for operator in ["StringEquals", "StringLike", "StringNotEquals"] {
                let account = if operator == "StringNotEquals" { "210987654321" } else { ACCOUNT_ID };
                let document = trusting(json!({operator: {"aws:SourceAccount": account}}));
                assert!(!admits(&document, service), "{document}");
            }
            let document = trusting(json!({"ArnLike": {"aws:SourceArn": "arn:aws:ecs:*:123456789012:*"}}));
            assert!(!admits(&document, service), "{document}");
            let document = trusting(json!({"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT_ID}}));
            assert!(admits(&document, service), "{document}");
        }
    }

    #[test]
    fn a_denial_wins() {
        let deny = |condition: Value| {
            let mut statement = allow(condition);
            statement["Effect"] = "Deny".into();
            trust(json!([allow(json!({})), statement]))
        };
        assert!(!admits(&deny(json!({})), ECS));
        assert!(!admits(&deny(json!({"Bool": {"aws:SecureTransport": false}})), ECS));
        assert!(admits(&deny(json!({"StringNotEquals": {"aws:SourceAccount": ACCOUNT_ID}})), ECS));
        let except = json!({"Effect": "Deny", "NotPrincipal": {"Service": ECS}, "Action": "sts:AssumeRole"});
        let document = trust(json!([allow(json!({})), except]));
        check(&document, &BTreeMap::new()).expect("it follows the grammar");
        assert!(admits(&document, ECS) && !admits(&document, "rds.amazonaws.com"));
    }

    #[test]
    fn what_is_no_trust_policy_is_refused() {
        let with = |name: &str, value: Value| {
            let mut statement = allow(json!({}));
            statement[name] = value;
            trust(json!(statement))
        };
        let role = format!("arn:aws:iam::{ACCOUNT_ID}:role/none");
        let rows = [
            ("Syntax errors", "x".to_owned()),
            ("Syntax errors", trust(json!([]))),
            ("Syntax errors", json!({"Statement": allow(json!({})), "Other": 1}).to_string()),
            ("Syntax errors", json!({"Statement": allow(json!({})), "Version": "2012-10-18"}).to_string()),
            ("Syntax errors", with("Efect", "Allow".into())),
            ("Syntax errors", with("Effect", "allow".into())),
            ("Syntax errors", with("Principal", ECS.into())),
            ("Syntax errors", with("Principal", json!({"Services": ECS}))),
            ("Syntax errors", with("Condition", json!({"StringIs": {"aws:SourceAccount": "1"}}))),
            ("vendor", with("Condition", json!({"StringEquals": {"SourceAccount": "1"}}))),
            ("Missing required field Principal", with("Principal", Value::Null)),
            ("Missing required field Principal", with("Principal", json!({}))),
            ("SERVICE", with("Principal", json!({"Service": "ecs"}))),
            ("SERVICE", with("Principal", json!({"Service": "*"}))),
            ("AWS", with("Principal", json!({"AWS": role}))),
            ("AWS", with("Principal", json!({"AWS": "arn:aws:iam::210987654321:role/*"}))),
            ("AWS", with("Principal", json!({"AWS": "someone"}))),
            ("FEDERATED", with("Principal", json!({"Federated": "example.com"}))),
            ("prohibited field Resource", with("Resource", "*".into())),
            ("STS AssumeRole actions", with("Action", "*".into())),
            ("STS AssumeRole actions", with("Action", json!(["sts:AssumeRole", "s3:GetObject"]))),
            ("STS AssumeRole actions", with("Action", "sts:TagSessions".into())),
            ("must contain actions", with("Action", Value::Null)),
            ("must be unique", trust(json!([with_sid("a"), with_sid("a")]))),
            ("alpha-numeric", trust(json!(with_sid("a-b")))),
            (
                "NotPrincipal",
                trust(json!({"Effect": "Allow", "NotPrincipal": "*", "Action": "sts:AssumeRole"})),
            ),
        ];
        for (part, document) in rows {
            let refusal = check(&document, &BTreeMap::new()).expect_err(&document);
            assert_eq!(refusal.code, "MalformedPolicyDocument");
            assert!(refusal.message.contains(part), "{document}: {}", refusal.message);
        }
    }

    fn with_sid(sid: &str) -> Value {
        let mut statement = allow(json!({}));
        statement["Sid"] = sid.into();
        statement
    }

    #[test]
    fn accounts_and_identities_are_principals() {
        for name in [
            "*",
            ACCOUNT_ID,
            "arn:aws:iam::123456789012:root",
            "arn:aws:iam::123456789012:user/emulator",
            "arn:aws:iam::210987654321:role/deploy/er",
            "arn:aws:sts::210987654321:assumed-role/deployer/me",
        ] {
            assert!(is_aws_principal(name, &BTreeMap::new()), "{name}");
        }
    }
}
