//! What Lambda asks of other services.

use crate::services::Cx;

/// Whether a queue, a topic or a function is there, for whatever a function sends to.
pub(super) fn target_exists(cx: &Cx<'_>, arn: &str) -> bool {
    match arn.split(':').nth(2) {
        Some("sqs") => cx.r.sqs.queue_by_arn(arn).is_some(),
        Some("sns") => cx.r.sns.topic(arn).is_some(),
        Some("lambda") => cx.r.lambda.function(arn).is_some(),
        _ => false,
    }
}

/// Whether a KMS key can be used.
pub(super) fn key_usable(cx: &Cx<'_>, arn: &str) -> bool {
    cx.r.kms.usable(arn).is_ok()
}
