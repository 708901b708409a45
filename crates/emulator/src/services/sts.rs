//! STS: who is calling.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Answer, Api, Cx, unknown_operation};
use crate::machine::emulator::ACCOUNT_ID;
use crate::machine::ids::IdSource;
use crate::machine::limits::{ServiceLimits, rate};
use crate::machine::objects::Object;
use crate::protocol::request::Call;

/// Whether a call changes nothing: it hands out identities and keeps nothing that a user could find again.
pub(crate) fn only_reads(_call: &Call) -> bool {
    true
}

/// The service. It keeps nothing.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {}

impl Api for State {
    const INVALID: &'static str = "ValidationError";
    // IAM User Guide, "IAM and AWS STS quotas", "AWS STS request quotas".
    const LIMITS: ServiceLimits = ServiceLimits::together(rate(600.0, 600.0));

    fn new(_ids: IdSource, _region: &str) -> Self {
        State {}
    }

    fn answer(_cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "GetCallerIdentity" => Ok(json!({
                "Account": ACCOUNT_ID,
                // An IAM user's ARN is `arn:aws:iam::ACCOUNT:user/NAME` (IAM User Guide, "IAM ARNs").
                "Arn": format!("arn:aws:iam::{ACCOUNT_ID}:user/emulator"),
                "UserId": "AIDAEMULATOR000000000",
            })),
            _ => Err(unknown_operation(call)),
        }
    }

    fn objects(&self, _home: &str) -> Vec<Object> {
        Vec::new()
    }
}
