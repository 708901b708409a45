//! What Scheduler asks of other services.

use crate::services::Cx;

/// Whether a KMS key can be used.
pub(super) fn key_usable(cx: &Cx<'_>, arn: &str) -> bool {
    cx.r.kms.usable(arn).is_ok()
}
