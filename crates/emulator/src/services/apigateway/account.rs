//! The settings of the account in a region: one object, which is always there.

use serde_json::{Value, json};

use super::patch::{Given, Op, Patch};
use super::{State, bad};
use crate::services::{Answer, Call, Cx};

/// The throttle is the quota of a new account (API Gateway Developer Guide, "Account-level quotas, per Region").
fn shown(state: &State) -> Value {
    json!({
        "cloudwatchRoleArn": state.cloudwatch_role_arn,
        "throttleSettings": {"burstLimit": 5000, "rateLimit": 10_000.0},
        "features": ["UsagePlans"],
        "apiKeyVersion": "4",
    })
}

pub(super) fn get(cx: &mut Cx<'_>, _call: &Call) -> Answer {
    Ok(shown(&cx.r.apigateway))
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let patch_operations: Option<Vec<Given>> = call.member("patchOperations")?;
    let mut role = cx.r.apigateway.cloudwatch_role_arn.clone();
    for patch in Patch::read(patch_operations)? {
        // API Gateway API Reference, "Patch Operations", UpdateAccount.
        match (patch.op, patch.raw().as_slice()) {
            (Op::Replace, ["cloudwatchRoleArn"]) => role = patch.text(),
            (_, ["features"]) => return Err(patch.unmodelled()),
            _ => return Err(patch.unknown("/cloudwatchRoleArn, /features")),
        }
    }
    if let Some(arn) = &role
        && cx.global.iam.assumable(arn, "apigateway.amazonaws.com", cx.now_millis).is_err()
    {
        return Err(bad(
            "The role ARN does not have required permissions configured. Please grant trust permission for API \
             Gateway and add the required role policy.",
        ));
    }
    cx.r.apigateway.cloudwatch_role_arn = role;
    Ok(shown(&cx.r.apigateway))
}
