//! Policies of topics (SNS Developer Guide, "Amazon SNS API permissions: Actions and resources reference").

use serde_json::json;

use super::invalid;
use crate::services::iam::policy::{Many, Statement, matches};
use crate::services::resource_policy::{self, Problem};
use crate::services::{ACCOUNT_ID, Cx, Refusal, ensure, refuse_if};

/// Bytes of a policy.
const LONGEST: usize = 30 * 1024;

/// The actions that a policy may name. Patterns are not among them.
const ACTIONS: [&str; 12] = [
    "sns:addpermission",
    "sns:deletetopic",
    "sns:getdataprotectionpolicy",
    "sns:gettopicattributes",
    "sns:listsubscriptionsbytopic",
    "sns:listtagsforresource",
    "sns:publish",
    "sns:putdataprotectionpolicy",
    "sns:receive",
    "sns:removepermission",
    "sns:settopicattributes",
    "sns:subscribe",
];

/// The policy of a topic that was made without one.
pub(super) fn by_default(topic_arn: &str) -> String {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
                "SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
            ],
            "Resource": topic_arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": ACCOUNT_ID}},
        }],
    })
    .to_string()
}

/// What SNS asks of a policy.
pub(super) fn check(cx: &Cx<'_>, topic_arn: &str, text: &str) -> Result<(), Refusal> {
    refuse_if(text.len() > LONGEST, || invalid("Policy Reason: The policy is too long."))?;
    let policy =
        resource_policy::read(text, &cx.global.iam, cx.now_millis).map_err(|problem| match problem {
            Problem::Malformed(reason) => invalid(format!("Policy Error: {reason}")),
            Problem::NoSuchPrincipal => invalid("Policy Error: PrincipalNotFound"),
        })?;
    policy.statements.iter().try_for_each(|statement| check_statement(statement, topic_arn))
}

fn check_statement(statement: &Statement, topic_arn: &str) -> Result<(), Refusal> {
    if !statement.actions().iter().all(|action| ACTIONS.contains(&action.to_ascii_lowercase().as_str())) {
        return Err(invalid("Policy statement action out of service scope!"));
    }
    let resources = statement.resource.as_ref().or(statement.not_resource.as_ref());
    let is_topic = |Many(resources): &Many<String>| {
        !resources.is_empty() && resources.iter().all(|resource| matches(resource, topic_arn))
    };
    ensure(resources.is_some_and(is_topic), || invalid("Policy statement resource must be the topic."))
}
