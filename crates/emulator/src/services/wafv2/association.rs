//! Web ACLs in front of application load balancers and stages of API Gateway.

use serde_json::{Value, json};

use super::{invalid, nonexistent};
use crate::services::{ACCOUNT_ID, Answer, Call, Cx, Refusal, Table, ensure};

/// What a web ACL can stand in front of here.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    LoadBalancer,
    Stage,
}

/// The kind of a resource, by its ARN.
fn kind(region: &str, arn: &str) -> Option<Kind> {
    let load_balancer = format!("arn:aws:elasticloadbalancing:{region}:{ACCOUNT_ID}:loadbalancer/app/");
    let api = format!("arn:aws:apigateway:{region}::/restapis/");
    if arn.starts_with(&load_balancer) {
        return Some(Kind::LoadBalancer);
    }
    let parts: Vec<&str> = arn.strip_prefix(&api)?.split('/').collect();
    matches!(parts.as_slice(), [id, "stages", stage] if !id.is_empty() && !stage.is_empty())
        .then_some(Kind::Stage)
}

fn unavailable(what: &str) -> Refusal {
    let message =
        format!("AWS WAF couldn't retrieve the resource that you requested: {what}. Retry your request.");
    Refusal::new("WAFUnavailableEntityException", message)
}

fn wrong_arn(arn: &str) -> Refusal {
    let reason = "The ARN isn't valid. A valid ARN begins with arn: and includes other information separated by \
                  colons or slashes.";
    invalid(reason, "RESOURCE_ARN", arn)
}

/// Checks that a resource is there and can be protected.
fn check_resource(cx: &Cx<'_>, arn: &str) -> Result<(), Refusal> {
    match kind(cx.region, arn).ok_or_else(|| wrong_arn(arn))? {
        Kind::LoadBalancer => {
            let found = cx.r.elbv2.load_balancer(arn).ok_or_else(|| nonexistent(arn))?;
            ensure(found.is_active(), || unavailable(arn))
        }
        Kind::Stage => stage_exists(cx, arn),
    }
}

fn stage_exists(cx: &Cx<'_>, arn: &str) -> Result<(), Refusal> {
    ensure(cx.r.apigateway.stage_exists(arn), || nonexistent(arn))
}

/// A resource has one web ACL: another one takes its place (AWS WAF Developer Guide, "Associating protection with an
/// AWS resource").
pub(super) fn associate(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (web_acl_arn, resource_arn): (String, String) = call.members(&["WebACLArn", "ResourceArn"])?;
    let prefix = format!("arn:aws:wafv2:{}:{ACCOUNT_ID}:regional/webacl/", cx.region);
    ensure(web_acl_arn.starts_with(&prefix), || wrong_arn(&web_acl_arn))?;
    check_resource(cx, &resource_arn)?;
    let web_acl = cx.r.wafv2.web_acls.find(&web_acl_arn)?;
    ensure(web_acl.is_usable(cx.now_millis), || unavailable(&web_acl_arn))?;
    cx.r.wafv2.associations.insert(resource_arn, web_acl_arn);
    Ok(json!({}))
}

pub(super) fn disassociate(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource_arn: String = call.member("ResourceArn")?;
    kind(cx.region, &resource_arn).ok_or_else(|| wrong_arn(&resource_arn))?;
    match cx.r.wafv2.associations.remove(&resource_arn) {
        Some(_) => Ok(json!({})),
        None => Err(nonexistent(&resource_arn)),
    }
}

/// The answer for a resource without a web ACL is empty.
pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource_arn: String = call.member("ResourceArn")?;
    check_resource(cx, &resource_arn)?;
    let state = &cx.r.wafv2;
    let web_acl = state.associations.get(&resource_arn).and_then(|arn| state.web_acls.get(arn));
    Ok(json!({"WebACL": web_acl.map_or(Value::Null, |web_acl| web_acl.shown())}))
}

/// Load balancers unless another type is asked for (API Reference, ListResourcesForWebACL, `ResourceType`).
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (web_acl_arn, resource_type): (String, Option<String>) =
        call.members(&["WebACLArn", "ResourceType"])?;
    let state = &cx.r.wafv2;
    state.web_acls.find(&web_acl_arn)?;
    let wanted = match resource_type.as_deref() {
        None | Some("APPLICATION_LOAD_BALANCER") => Some(Kind::LoadBalancer),
        Some("API_GATEWAY") => Some(Kind::Stage),
        Some(_) => None,
    };
    let is_wanted = |arn: &str| wanted.is_some() && kind(cx.region, arn) == wanted;
    let arns: Vec<&String> = state
        .associations
        .iter()
        .filter(|(resource, acl)| **acl == web_acl_arn && is_wanted(resource))
        .map(|(resource, _)| resource)
        .collect();
    Ok(json!({"ResourceArns": arns}))
}
