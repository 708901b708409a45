//! Where web ACLs write their logs (AWS WAF Developer Guide, "Logging AWS WAF web ACL traffic").
//!
//! A log group of a moment ago is not known to WAF yet, and is refused as if WAF were not allowed to write to it: providers
//! retry `WAFLogDestinationPermissionIssueException` for that (API Reference, PutLoggingConfiguration).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::statements::only;
use super::{invalid, nonexistent};
use crate::services::{ACCOUNT_ID, Answer, Call, Cx, Refusal, Spread, Table, ensure, iam, spread};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct LoggingConfiguration {
    resource_arn: String,
    log_destination_configs: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    redacted_fields: Vec<Value>,
    #[serde(default)]
    managed_by_firewall_manager: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logging_filter: Option<Value>,
    #[serde(default = "waf_logs")]
    log_type: String,
    #[serde(default = "customer")]
    log_scope: String,
}

fn waf_logs() -> String {
    "WAF_LOGS".to_owned()
}

fn customer() -> String {
    "CUSTOMER".to_owned()
}

pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let configuration: LoggingConfiguration = call.member("LoggingConfiguration")?;
    let arn = &configuration.resource_arn;
    cx.r.wafv2.web_acls.find(arn)?;
    check_owner(&configuration.log_scope)?;
    if configuration.managed_by_firewall_manager {
        let reason = "Only AWS Firewall Manager can make such a configuration.";
        return Err(invalid(reason, "WEB_ACL", "ManagedByFirewallManager"));
    }
    match configuration.log_destination_configs.as_slice() {
        [destination] => check_destination(cx, destination)?,
        _ => {
            let reason = "You can associate one logging destination to a web ACL.";
            return Err(invalid(reason, "LOG_DESTINATION", "LogDestinationConfigs"));
        }
    }
    for field in &configuration.redacted_fields {
        let (kind, _) = only(field, "FIELD_TO_MATCH", "RedactedFields")?;
        // API Reference, LoggingConfiguration, `RedactedFields`.
        if !matches!(kind, "UriPath" | "QueryString" | "SingleHeader" | "Method") {
            return Err(invalid("This field cannot be redacted.", "FIELD_TO_MATCH", kind));
        }
    }
    let answer = json!({"LoggingConfiguration": crate::services::to_json(&configuration)});
    let arn = arn.clone();
    // WAF Developer Guide, "Using service-linked roles for AWS WAF": the first call makes the role.
    if !iam::State::usable_link(cx, "wafv2.amazonaws.com") {
        return Err(Refusal::new(
            "WAFServiceLinkedRoleErrorException",
            "AWS WAF is not able to access the service linked role. Please try again later.",
        ));
    }
    cx.r.wafv2.logging.insert(arn, configuration);
    Ok(answer)
}

/// Configurations of other owners are made by other services.
fn check_owner(log_scope: &str) -> Result<(), Refusal> {
    match log_scope {
        "CUSTOMER" => Ok(()),
        other => Err(invalid("The log scope must be CUSTOMER.", "SCOPE_VALUE", other)),
    }
}

/// A log group, a bucket or a delivery stream whose name begins with `aws-waf-logs-`. A wrong one is not a valid ARN, by
/// the words of the API; one that is not there cannot be written to.
fn check_destination(cx: &Cx<'_>, arn: &str) -> Result<(), Refusal> {
    let region = cx.region;
    let group = format!("arn:aws:logs:{region}:{ACCOUNT_ID}:log-group:");
    let stream = format!("arn:aws:firehose:{region}:{ACCOUNT_ID}:deliverystream/");
    let (name, is_there): (&str, fn(&Cx<'_>, &str) -> bool) = if let Some(name) = arn.strip_prefix(&group) {
        (name.strip_suffix(":*").unwrap_or(name), log_group_exists)
    } else if let Some(name) = arn.strip_prefix("arn:aws:s3:::") {
        (name, bucket_exists)
    } else if let Some(name) = arn.strip_prefix(&stream) {
        // There is no Firehose, so that no stream is there.
        (name, |_, _| false)
    } else {
        ("", |_, _| false)
    };
    if !name.starts_with("aws-waf-logs-") {
        let reason = "The ARN isn't valid. A valid ARN begins with arn: and includes other information separated by \
                      colons or slashes.";
        return Err(invalid(reason, "LOG_DESTINATION", arn));
    }
    ensure(is_there(cx, name), || {
        Refusal::new(
            "WAFLogDestinationPermissionIssueException",
            format!("Unable to deliver logs to the configured destination {arn}."),
        )
    })
}

/// From the creation of a log group until WAF can write to it: an estimate.
const PROPAGATION: Spread = spread(6.0, 2.0, 30.0);

fn log_group_exists(cx: &Cx<'_>, name: &str) -> bool {
    let Some(group) = cx.r.logs.group(name) else { return false };
    let known_after = cx.after(PROPAGATION, name).map_or(0, |then| then - cx.now_millis);
    cx.now_millis - group.creation_time() >= known_after
}

fn bucket_exists(cx: &Cx<'_>, name: &str) -> bool {
    cx.global.s3.bucket(name).is_some()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Which {
    resource_arn: String,
    #[serde(rename = "LogType")]
    _log_type: Option<String>,
    log_scope: Option<String>,
}

impl Which {
    /// There are only configurations of customers.
    fn key(&self) -> Result<&str, Refusal> {
        match self.log_scope.as_deref() {
            None | Some("CUSTOMER") => Ok(&self.resource_arn),
            Some(_) => Err(nonexistent(&self.resource_arn)),
        }
    }
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let which: Which = call.input()?;
    let arn = which.key()?;
    let found = cx.r.wafv2.logging.find(arn)?;
    Ok(json!({"LoggingConfiguration": crate::services::to_json(found)}))
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let which: Which = call.input()?;
    let arn = which.key()?;
    cx.r.wafv2.logging.take(arn)?;
    Ok(json!({}))
}
