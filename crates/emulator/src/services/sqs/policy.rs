//! Policies of queues.

use crate::services::iam::policy::{Many, Statement, matches};
use crate::services::{Cx, resource_policy};

/// Whether a text is a policy for a queue: its principals exist, its actions are SQS's, and it is about no other queue
/// (SQS Developer Guide, "Overview of managing access in Amazon SQS"). Resources that are not ARNs are
/// accepted (recorded from real AWS).
pub(super) fn is_legal(cx: &Cx<'_>, queue_arn: &str, text: &str) -> bool {
    resource_policy::read_with_any_resource(text, &cx.global.iam, cx.now_millis)
        .is_ok_and(|policy| policy.statements.iter().all(|statement| is_about(statement, queue_arn)))
}

fn is_about(statement: &Statement, queue_arn: &str) -> bool {
    let is_of_sqs = |action: &String| action == "*" || action.to_ascii_lowercase().starts_with("sqs:");
    let is_other = |one: &String| one.starts_with("arn:") && !matches(one, queue_arn);
    let is_queue = |Many(resources): &Many<String>| !resources.iter().any(is_other);
    let resources = statement.resource.as_ref().or(statement.not_resource.as_ref());
    statement.actions().iter().all(is_of_sqs) && resources.is_none_or(is_queue)
}
