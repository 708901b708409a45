//! The buckets to which load balancers write logs (User Guide for Application Load Balancers, "Enable access logs for
//! your Application Load Balancer").
//!
//! Turning logs on writes a test file. That fails without the bucket, without a bucket policy that allows it, and with
//! a KMS key for its default encryption, because load balancers write with Amazon S3-managed keys only.
//!
//! The request carries no `aws:SourceArn`: two real applies whose statement asked for it failed with "Access Denied for
//! bucket" for as long as it was there, and AWS's policy for Application Load Balancers has no condition. Whether
//! `aws:SourceAccount` is sent is not known, so here it is not: a policy must be right either way. Nor is an ACL sent by
//! this service, unlike by those that deliver logs of Network Load Balancers.

use serde_json::Value;

use super::regions::log_account;
use super::wrong_configuration;
use crate::services::{ACCOUNT_ID, Cx, Refusal};

/// Where a load balancer writes.
pub(super) struct Delivery<'a> {
    pub(super) bucket: &'a str,
    pub(super) prefix: &'a str,
}

/// The service that writes logs in every region.
const DELIVERY: &str = "logdelivery.elasticloadbalancing.amazonaws.com";

/// Checks that a load balancer may write its logs.
pub(super) fn check(cx: &Cx<'_>, delivery: &Delivery<'_>) -> Result<(), Refusal> {
    let Delivery { bucket: name, prefix } = delivery;
    if prefix.starts_with('/') || prefix.ends_with('/') || prefix.contains("AWSLogs") {
        return Err(wrong_configuration(format!(
            "The log prefix '{prefix}' must not begin or end with a slash, nor contain AWSLogs"
        )));
    }
    let Some(bucket) = cx.global.s3.bucket(name).filter(|bucket| bucket.region() == cx.region) else {
        return Err(wrong_configuration(format!("S3Bucket: {name} does not exist in region {}", cx.region)));
    };
    let denied =
        wrong_configuration(format!("Access Denied for bucket: {name}. Please check S3bucket permission"));
    match &bucket.policy {
        Some(policy) if !bucket.encrypts_with_kms() && allows(policy, cx.region, delivery) => Ok(()),
        _ => Err(denied),
    }
}

/// Whether a bucket policy lets a load balancer write: some statement allows it and none denies it.
fn allows(policy: &str, region: &str, delivery: &Delivery<'_>) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else {
        return false;
    };
    let request = Request::new(region, delivery);
    let applies = |effect: &str| {
        let statements = listed(&policy["Statement"]);
        statements.iter().any(|statement| statement["Effect"] == effect && request.is_meant_by(statement))
    };
    applies("Allow") && !applies("Deny")
}

/// The request by which a load balancer writes a log file.
struct Request<'a> {
    region: &'a str,
    file: String,
}

impl<'a> Request<'a> {
    fn new(region: &'a str, delivery: &Delivery<'_>) -> Self {
        let Delivery { bucket, prefix } = delivery;
        let folder = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let file = format!("arn:aws:s3:::{bucket}/{folder}AWSLogs/{ACCOUNT_ID}/ELBAccessLogTestFile");
        Request { region, file }
    }

    fn is_meant_by(&self, statement: &Value) -> bool {
        let any = |member: &str, text: &str, ignore_case: bool| {
            texts(&statement[member]).any(|pattern| {
                if ignore_case {
                    matches(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
                } else {
                    matches(pattern, text)
                }
            })
        };
        let action = match statement.get("NotAction") {
            Some(_) => !any("NotAction", "s3:PutObject", true),
            None => any("Action", "s3:PutObject", true),
        };
        let resource = match statement.get("NotResource") {
            Some(_) => !any("NotResource", &self.file, false),
            None => any("Resource", &self.file, false),
        };
        action
            && resource
            && self.principal_is_in(&statement["Principal"])
            && self.meets(&statement["Condition"])
    }

    fn principal_is_in(&self, principal: &Value) -> bool {
        let is_account = |text: &str| {
            let account = log_account(self.region).unwrap_or("none");
            text == "*" || text == account || text == format!("arn:aws:iam::{account}:root")
        };
        principal == "*"
            || texts(&principal["Service"]).any(|text| text == DELIVERY || text == "*")
            || texts(&principal["AWS"]).any(is_account)
    }

    /// Whether every condition holds. A key that the request does not carry makes a positive condition fail, and the
    /// negated operators hold without it (IAM User Guide, "IAM JSON policy elements: Condition operators").
    fn meets(&self, conditions: &Value) -> bool {
        let Some(operators) = conditions.as_object() else {
            return true;
        };
        operators.iter().all(|(operator, keys)| {
            keys.as_object()
                .is_some_and(|keys| keys.iter().all(|(key, wanted)| self.holds(operator, key, wanted)))
        })
    }

    fn holds(&self, operator: &str, key: &str, wanted: &Value) -> bool {
        if !key.eq_ignore_ascii_case("aws:SecureTransport") {
            let negated = operator.starts_with("StringNot") || operator.starts_with("ArnNot");
            return negated || operator.ends_with("IfExists");
        }
        let mut wanted = listed(wanted).into_iter().map(plain);
        matches!(operator, "StringEquals" | "Bool") && wanted.any(|text| text == "true")
    }
}

/// A value or a list of values.
fn listed(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        value => vec![value],
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    listed(value).into_iter().filter_map(Value::as_str)
}

/// Policies write flags and numbers with or without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether a text matches a pattern with `*` and `?`.
fn matches(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            let rest = &pattern[1..];
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| matches(rest, &text[at..]))
        }
        (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
            matches(&pattern[wanted.len_utf8()..], &text[found.len_utf8()..])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DELIVERY_TO: Delivery<'static> = Delivery { bucket: "logs", prefix: "alb" };

    fn allow(changes: &[(&str, Value)]) -> Value {
        let mut statement = json!({
            "Effect": "Allow",
            "Principal": {"Service": DELIVERY},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::logs/alb/AWSLogs/123456789012/*",
        });
        for (member, value) in changes {
            statement[*member] = value.clone();
        }
        statement
    }

    fn given(operator: &str, key: &str, value: &str) -> Value {
        allow(&[("Condition", json!({operator: {key: value}}))])
    }

    fn decides(statements: &[Value]) -> bool {
        allows(&json!({"Statement": statements}).to_string(), "ap-southeast-1", &DELIVERY_TO)
    }

    #[test]
    fn a_policy_must_let_the_delivery_service_put_objects_under_the_prefix() {
        let insecure = json!({"Bool": {"aws:SecureTransport": "false"}});
        let tls_only =
            allow(&[("Effect", json!("Deny")), ("Principal", json!("*")), ("Condition", insecure)]);
        let rows = [
            ("as documented", vec![allow(&[])], true),
            ("with TLS only", vec![allow(&[]), tls_only], true),
            (
                "by the region's account",
                vec![allow(&[("Principal", json!({"AWS": "arn:aws:iam::114774131450:root"}))])],
                true,
            ),
            (
                "by another region's account",
                vec![allow(&[("Principal", json!({"AWS": "arn:aws:iam::127311923021:root"}))])],
                false,
            ),
            (
                "by another service",
                vec![allow(&[("Principal", json!({"Service": "delivery.logs.amazonaws.com"}))])],
                false,
            ),
            (
                "with another prefix",
                vec![allow(&[("Resource", json!("arn:aws:s3:::logs/AWSLogs/123456789012/*"))])],
                false,
            ),
            ("of the bucket only", vec![allow(&[("Resource", json!("arn:aws:s3:::logs"))])], false),
            ("of reading", vec![allow(&[("Action", json!(["s3:GetObject"]))])], false),
            ("of everything", vec![allow(&[("Action", json!("s3:*"))])], true),
            (
                "with the account as its source",
                vec![given("StringEquals", "aws:SourceAccount", "123456789012")],
                false,
            ),
            (
                "with load balancers as its source",
                vec![given("ArnLike", "aws:SourceArn", "arn:aws:*")],
                false,
            ),
            ("with an ACL", vec![given("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control")], false),
            ("unless from another account", vec![given("StringNotEquals", "aws:SourceAccount", "1")], true),
            ("denied as well", vec![allow(&[]), allow(&[("Effect", json!("Deny"))])], false),
            ("nothing", vec![], false),
        ];
        for (what, statements, expected) in rows {
            assert_eq!(decides(&statements), expected, "{what}");
        }
    }
}
