//! What API Gateway asks of other services.

use crate::services::{Cx, iam};

/// The web ACL that is associated with a stage.
pub(super) fn web_acl_of(cx: &Cx<'_>, stage_arn: &str) -> Option<String> {
    cx.r.wafv2.web_acl_of(stage_arn)
}

/// A stage is gone, and its association with a web ACL goes with it.
pub(super) fn forget_web_acl(cx: &mut Cx<'_>, stage_arn: &str) {
    cx.r.wafv2.forget_resource(stage_arn);
}

/// Whether a load balancer of this account and region is there.
pub(super) fn load_balancer_exists(cx: &Cx<'_>, arn: &str) -> bool {
    cx.r.elbv2.load_balancer(arn).is_some()
}

/// Makes the role by which API Gateway works in the account (API Gateway Developer Guide, "Using service-linked roles for
/// API Gateway": it comes with the first API, custom domain name or VPC link).
pub(super) fn link_role(cx: &mut Cx<'_>) {
    iam::State::link(cx, "ops.apigateway.amazonaws.com", None);
}
