//! What a denial says: who may not do what on which object, and which policy decided that.
//!
//! AWS's message is `User: ARN is not authorized to perform: ACTION on resource: RESOURCE`, then `because no KIND policy allows
//! the ACTION action` or `with an explicit deny in a KIND policy: ARN` (IAM User Guide, "Troubleshoot access denied error
//! messages"). EC2 puts a sentence before it and an encoded message behind it. Messages are no interface: where one says nothing
//! that can be read, the action is that of the call.

use engine::CallError;
use serde_json::json;

/// What a message says of a denial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    /// Who was denied, as an ARN.
    pub(crate) who: Option<String>,
    /// The action, such as `ec2:CreateVpc`.
    pub(crate) action: String,
    /// An ARN, or `*` where AWS names none.
    pub(crate) resource: String,
    pub(crate) decided: Decided,
}

/// What decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    /// AWS does not say.
    Unsaid,
    /// No policy of this kind allows it: `identity-based policy`, `permissions boundary`.
    NoneAllows(String),
    /// A policy of this kind denies it, whatever others allow; its ARN where AWS names it.
    Denies(String, Option<String>),
}

impl Denial {
    /// What the message says; otherwise the action of the call to a service, where that is known.
    pub(crate) fn of(error: &CallError, service: Option<&str>) -> Option<Self> {
        Self::said(&error.message).or_else(|| {
            let action = action(service?, &error.operation)?;
            Some(Self { who: None, action, resource: "*".to_owned(), decided: Decided::Unsaid })
        })
    }

    fn said(message: &str) -> Option<Self> {
        let (before, after) = message.split_once("is not authorized to perform: ")?;
        let who = before.rsplit_once("User: ").map(|(_, who)| who.trim());
        let action = first_word(after);
        if !is_action(action) {
            return None;
        }
        let resource = after.split_once("on resource: ").map(|(_, resource)| first_word(resource));
        let resource = resource.filter(|resource| resource.starts_with("arn:")).unwrap_or("*");
        Some(Self {
            who: who.filter(|who| who.starts_with("arn:")).map(str::to_owned),
            action: action.to_owned(),
            resource: resource.to_owned(),
            decided: decided(after),
        })
    }

    /// The statement that allows it, in one line.
    pub(crate) fn statement(&self) -> String {
        json!({ "Effect": "Allow", "Action": self.action, "Resource": self.resource }).to_string()
    }

    /// What to do, and whether the statement is part of it.
    pub(crate) fn advice(&self) -> (String, bool) {
        let Self { who, action, resource, decided } = self;
        let whom = who.as_deref().unwrap_or("this identity");
        let on = if resource == "*" { String::new() } else { format!(" on {resource}") };
        match decided {
            Decided::Denies(kind, policy) => {
                let policy = policy.as_ref().map_or_else(String::new, |policy| format!(" ({policy})"));
                let advice = format!(
                    "{kind}{policy} denies {whom} {action}{on}. An explicit deny wins over everything that allows it, so another \
                     policy does not help: ask whoever owns this one for an exception"
                );
                (advice, false)
            }
            Decided::NoneAllows(kind) if kind.starts_with("identity-based") => {
                (format!("allow {action}{on} for {whom}: add this statement to one of its policies"), true)
            }
            Decided::NoneAllows(kind) => {
                (format!("allow {action}{on} for {whom}: no {kind} does, so add this statement there"), true)
            }
            Decided::Unsaid => {
                (format!("allow {action}{on} for {whom}: add this statement to one of its policies"), true)
            }
        }
    }
}

fn first_word(text: &str) -> &str {
    let word = text.split_whitespace().next().unwrap_or_default();
    word.trim_end_matches(['.', ','])
}

fn is_action(text: &str) -> bool {
    let good = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split_once(':').is_some_and(|(service, name)| good(service) && good(name))
}

fn decided(text: &str) -> Decided {
    if let Some((_, rest)) = text.split_once("with an explicit deny in ") {
        let rest = rest.split_once(". ").map_or(rest, |(sentence, _)| sentence);
        let (kind, policy) = match rest.split_once(": ") {
            Some((kind, policy)) => {
                (kind, Some(first_word(policy)).filter(|policy| policy.starts_with("arn:")))
            }
            None => (rest, None),
        };
        // Some messages have no colon before the ARN.
        let (kind, policy) = match kind.split_once(" arn:") {
            Some((kind, policy)) => (kind, Some(format!("arn:{}", first_word(policy)))),
            None => (kind, policy.map(str::to_owned)),
        };
        return Decided::Denies(kind.trim_end_matches('.').to_owned(), policy);
    }
    let kind = text.split_once("because no ").and_then(|(_, rest)| rest.split_once(" allows"));
    kind.map_or(Decided::Unsaid, |(kind, _)| Decided::NoneAllows(kind.to_owned()))
}

/// The message without what EC2 puts behind it, which nobody can read and which has a thousand characters.
pub(crate) fn without_encoded(message: &str) -> &str {
    message.split_once(" Encoded authorization failure message:").map_or(message, |(readable, _)| readable)
}

/// The service of a kind of resource, as the name of its actions begins.
pub(crate) fn service_of(kind: &str) -> Option<&'static str> {
    Some(match kind.split("::").nth(1)? {
        "EC2" => "ec2",
        "RDS" => "rds",
        "ElasticLoadBalancingV2" => "elasticloadbalancing",
        "ECS" => "ecs",
        "ECR" => "ecr",
        "IAM" => "iam",
        "KMS" => "kms",
        "Logs" => "logs",
        "Lambda" => "lambda",
        "WAFv2" => "wafv2",
        "SNS" => "sns",
        "SQS" => "sqs",
        "S3" => "s3",
        "Backup" => "backup",
        "Scheduler" => "scheduler",
        "SecretsManager" => "secretsmanager",
        "CloudWatch" => "cloudwatch",
        "XRay" => "xray",
        "ApplicationAutoScaling" => "application-autoscaling",
        "ApiGateway" | "ApiGatewayV2" => "apigateway",
        _ => return None,
    })
}

/// The action of a call. Most have the operation's name (Service Authorization Reference); those of API Gateway are the methods
/// of HTTP, which the call does not tell.
fn action(service: &str, operation: &str) -> Option<String> {
    let name = match (service, operation) {
        ("apigateway", _) => return None,
        // Amazon S3 User Guide, "Required permissions for Amazon S3 API operations".
        ("s3", "ListObjectVersions") => "ListBucketVersions",
        ("s3", "PutBucketEncryption") => "PutEncryptionConfiguration",
        ("s3", "GetBucketEncryption") => "GetEncryptionConfiguration",
        ("s3", "PutPublicAccessBlock") => "PutBucketPublicAccessBlock",
        ("s3", "GetPublicAccessBlock") => "GetBucketPublicAccessBlock",
        ("s3", "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle") => "PutLifecycleConfiguration",
        ("s3", "GetBucketLifecycleConfiguration") => "GetLifecycleConfiguration",
        ("s3", "HeadBucket") => "ListBucket",
        (_, operation) => operation,
    };
    let action = format!("{service}:{name}");
    is_action(&action).then_some(action)
}

#[cfg(test)]
mod tests {
    use engine::ErrorClass;
    use proptest::prelude::*;

    use super::*;

    fn denied(message: &str) -> CallError {
        CallError::new(ErrorClass::Denied, "CreateVpc", message)
    }

    #[test]
    fn the_messages_of_aws_are_understood() {
        let who = "arn:aws:sts::123456789012:assumed-role/deployer/me";
        let vpc = "arn:aws:ec2:eu-west-1:123456789012:vpc/*";
        for (message, action, resource, decided) in [
            (
                format!(
                    "You are not authorized to perform this operation. User: {who} is not authorized to perform: ec2:CreateVpc on \
                     resource: {vpc} because no identity-based policy allows the ec2:CreateVpc action. Encoded authorization \
                     failure message: 3kD9f_-x"
                ),
                "ec2:CreateVpc",
                vpc,
                Decided::NoneAllows("identity-based policy".to_owned()),
            ),
            (
                format!(
                    "User: {who} is not authorized to perform: ec2:DescribeVpcs because no permissions boundary allows the \
                     ec2:DescribeVpcs action"
                ),
                "ec2:DescribeVpcs",
                "*",
                Decided::NoneAllows("permissions boundary".to_owned()),
            ),
            (
                format!(
                    "User: {who} is not authorized to perform: ec2:CreateVpc on resource: {vpc} with an explicit deny in a service \
                     control policy: arn:aws:organizations::1:policy/o-x/service_control_policy/p-y. Encoded authorization failure \
                     message: abc"
                ),
                "ec2:CreateVpc",
                vpc,
                Decided::Denies(
                    "a service control policy".to_owned(),
                    Some("arn:aws:organizations::1:policy/o-x/service_control_policy/p-y".to_owned()),
                ),
            ),
            (
                format!(
                    "User: {who} is not authorized to perform: iam:PassRole on resource: {vpc} with an explicit deny in an \
                     identity-based policy"
                ),
                "iam:PassRole",
                vpc,
                Decided::Denies("an identity-based policy".to_owned(), None),
            ),
            (
                format!(
                    "User: {who} is not authorized to perform: iam:AttachRolePolicy on resource: role payment-x"
                ),
                "iam:AttachRolePolicy",
                "*",
                Decided::Unsaid,
            ),
        ] {
            let denial = Denial::of(&denied(&message), None).unwrap();
            let wanted = Denial {
                who: Some(who.to_owned()),
                action: action.into(),
                resource: resource.into(),
                decided,
            };
            assert_eq!(denial, wanted, "{message}");
            let statement: serde_json::Value = serde_json::from_str(&denial.statement()).unwrap();
            assert_eq!((&statement["Action"], &statement["Resource"]), (&json!(action), &json!(resource)));
        }
    }

    #[test]
    fn an_explicit_deny_has_no_statement_to_add_and_the_others_have() {
        let message = "User: arn:a is not authorized to perform: ec2:CreateVpc with an explicit deny in a session policy";
        let (advice, adds) = Denial::of(&denied(message), None).unwrap().advice();
        assert!(!adds && advice.starts_with("a session policy denies arn:a ec2:CreateVpc. "), "{advice}");
        let (advice, adds) = Denial::of(&denied("Access Denied"), Some("ec2")).unwrap().advice();
        assert!(adds && advice.starts_with("allow ec2:CreateVpc for this identity"), "{advice}");
        assert_eq!(Denial::of(&denied("Access Denied"), Some("apigateway")), None);
        assert_eq!(Denial::of(&denied("Access Denied"), None), None);
    }

    #[test]
    fn what_nobody_can_read_is_left_out() {
        assert_eq!(without_encoded("No. Encoded authorization failure message: abc"), "No.");
        assert_eq!(without_encoded("No."), "No.");
    }

    proptest! {
        #[test]
        fn any_message_is_read_without_harm(text in any::<String>(), more in any::<String>()) {
            for message in [
                text.clone(),
                format!("User: {text} is not authorized to perform: {more}"),
                format!("is not authorized to perform: ec2:X on resource: {text} with an explicit deny in {more}"),
                format!("is not authorized to perform: ec2:X because no {text} allows {more}"),
            ] {
                if let Some(denial) = Denial::of(&denied(&message), None) {
                    prop_assert!(is_action(&denial.action));
                    prop_assert!(denial.resource == "*" || denial.resource.starts_with("arn:"));
                    prop_assert_eq!(denial.statement().lines().count(), 1);
                }
            }
        }
    }
}
