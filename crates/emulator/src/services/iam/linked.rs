//! Roles that belong to a service (IAM User Guide, "Create a service-linked role").
//!
//! A service makes its role when it is first needed, or somebody makes it beforehand. It then stays: the account shares
//! it, and only the service can have it deleted, which is not modelled.
//!
//! The call that needs the role first makes it, and the service cannot use it yet: like any role it spreads for seconds.
//! So in a new account that call is refused, and so are those after it until the service knows the role
//! ([`State::usable_link`]). Each service has its own words for it:
//!
//! | service | call | source |
//! |---|---|---|
//! | RDS | subnet group, cluster, instance | message of the API, as reported for new accounts |
//! | ECS | CreateCluster, CreateService | aws/containers-roadmap#2614, openemr/openemr-on-ecs#8 |
//! | Application Auto Scaling | RegisterScalableTarget | aws/aws-cdk#4108, aws-samples/amazon-bedrock-samples#253 |
//! | WAF | PutLoggingConfiguration | WAFServiceLinkedRoleErrorException in the API Reference |
//!
//! Elastic Load Balancing, API Gateway and AWS Backup make their roles without such a refusal: no report of one was found.
//! Without latencies a role is known at once, and nothing is refused.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::attached::PREFIX;
use super::roles::{LINKED_PATH, New, ROLE_PROPAGATION};
use super::{Answer, Cx, Role, State, invalid_input, unique_id};
use crate::protocol::parameters::percent_encode;
use crate::services::{Call, Refusal};

/// The services that a stack may touch: principal, role and policy, from the sections on service-linked roles in the
/// guides of Amazon ECS, Elastic Load Balancing, Amazon RDS, API Gateway, Application Auto Scaling, AWS Backup and AWS WAF.
/// None of them takes a suffix.
const SERVICES: [(&str, &str, &str); 7] = [
    ("backup.amazonaws.com", "AWSServiceRoleForBackup", "AWSBackupServiceLinkedRolePolicyForBackup"),
    ("ecs.amazonaws.com", "AWSServiceRoleForECS", "AmazonECSServiceRolePolicy"),
    (
        "ecs.application-autoscaling.amazonaws.com",
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
        "AWSApplicationAutoscalingECSServicePolicy",
    ),
    (
        "elasticloadbalancing.amazonaws.com",
        "AWSServiceRoleForElasticLoadBalancing",
        "AWSElasticLoadBalancingServiceRolePolicy",
    ),
    ("ops.apigateway.amazonaws.com", "AWSServiceRoleForAPIGateway", "APIGatewayServiceRolePolicy"),
    ("rds.amazonaws.com", "AWSServiceRoleForRDS", "AmazonRDSServiceRolePolicy"),
    ("wafv2.amazonaws.com", "AWSServiceRoleForWAFV2Logging", "WAFV2LoggingServiceRolePolicy"),
];

/// Makes the role of a service (IAM API Reference, CreateServiceLinkedRole, `InvalidInput`).
pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (service, description, custom_suffix): (String, Option<String>, Option<String>) =
        call.members(&["AWSServiceName", "Description", "CustomSuffix"])?;
    let name = name_of(&service).ok_or_else(|| unknown(&service))?;
    if custom_suffix.is_some() {
        return Err(invalid_input(format!("Custom suffix is not allowed for {service}")));
    }
    if cx.global.iam.roles.contains_key(name) {
        return Err(invalid_input(format!(
            "Service role name {name} has been taken in this account, please try a different suffix."
        )));
    }
    let role = State::link(cx, &service, description).ok_or_else(|| unknown(&service))?;
    let mut answer = role.made();
    answer["AssumeRolePolicyDocument"] = percent_encode(&trust_policy(&json!([service]))).into();
    Ok(json!({"Role": answer}))
}

fn name_of(service: &str) -> Option<&'static str> {
    SERVICES.iter().find(|(principal, ..)| *principal == service).map(|(_, name, _)| *name)
}

fn unknown(service: &str) -> Refusal {
    invalid_input(format!("The emulator knows no role that is linked to {service}."))
}

impl State {
    /// The role of a service, which is made if it is not there yet. `None` for a service that has none.
    pub(crate) fn link<'a>(
        cx: &'a mut Cx<'_>,
        service: &str,
        description: Option<String>,
    ) -> Option<&'a Role> {
        let (_, name, policy) = SERVICES.iter().find(|(principal, ..)| *principal == service)?;
        if !cx.global.iam.roles.contains_key(*name) {
            let role_id = unique_id("AROA", cx.global.iam.ids.number());
            let new = New {
                path: format!("{LINKED_PATH}{service}/"),
                name: (*name).to_owned(),
                trust_policy: trust_policy(&json!(service)),
                description: description.or_else(|| usual_description(service).map(str::to_owned)),
                max_session_duration: None,
            };
            let mut role = Role::new(new, role_id.clone(), cx.now_millis);
            role.unseen_until = cx.after(ROLE_PROPAGATION, &role_id);
            role.attached_policies = BTreeSet::from([format!("{PREFIX}aws-service-role/{policy}")]);
            cx.global.iam.roles.insert((*name).to_owned(), role);
        }
        cx.global.iam.roles.get(*name)
    }
}

impl State {
    /// The same, and whether the service can use it by now. Where it cannot, the call that needs it is to be refused; the
    /// role stays.
    pub(crate) fn usable_link(cx: &mut Cx<'_>, service: &str) -> bool {
        let now = cx.now_millis;
        State::link(cx, service, None).is_none_or(|role| role.is_visible(now))
    }
}

/// What a role is for where nobody said. Of these services only RDS says it (recorded from real AWS).
fn usual_description(service: &str) -> Option<&'static str> {
    (service == "rds.amazonaws.com").then_some("Allows Amazon RDS to manage AWS resources on your behalf")
}

/// What CreateServiceLinkedRole answers has lists (IAM API Reference, CreateServiceLinkedRole, "Examples"), and what is read
/// afterwards has texts (recorded from real AWS).
fn trust_policy(service: &Value) -> String {
    let action = match service {
        Value::Array(_) => json!(["sts:AssumeRole"]),
        _ => json!("sts:AssumeRole"),
    };
    let statement = json!({"Action": action, "Effect": "Allow", "Principal": {"Service": service}});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}
