//! The refusal of a caller whom no policy allows the call (IAM User Guide, "Troubleshoot access denied error messages"). Every call
//! is allowed here, but for the hand-over of a role that is too new; a fault refuses others ([`Fault::Deny`](crate::Fault::Deny)).

use super::{ACCOUNT_ID, Call, Refusal};
use crate::protocol::request::Protocol;

/// What IAM says. `actions` is what the names of the service's actions begin with, and `resource` says on what.
pub(crate) fn message(call: &Call, actions: &str, resource: &str) -> String {
    let action = format!("{actions}:{}", call.operation);
    format!(
        "User: arn:aws:iam::{ACCOUNT_ID}:user/emulator is not authorized to perform: {action}{resource} because no identity-based \
         policy allows the {action} action"
    )
}

/// The refusal with the code that most services of the call's protocol have for it.
pub(crate) fn refusal(call: &Call, actions: &str) -> Refusal {
    let message = message(call, actions, " on resource: *");
    match call.protocol {
        Protocol::AwsJson | Protocol::Cbor => Refusal::new("AccessDeniedException", message),
        Protocol::RestJson => Refusal::new("AccessDeniedException", message).with_status(403),
        _ => Refusal::new("AccessDenied", message).with_status(403),
    }
}

/// The refusal of a call that hands over a role before the caller may. EC2 does not say what is not allowed.
pub(crate) fn not_passed(call: &Call, role: &str) -> Refusal {
    let (code, status) = match call.protocol {
        Protocol::Ec2Query => {
            let message = "You are not authorized to perform this operation.";
            return Refusal::new("UnauthorizedOperation", message).with_status(403);
        }
        Protocol::AwsQuery => ("AccessDenied", 403),
        Protocol::AwsJson | Protocol::Cbor => ("AccessDeniedException", 400),
        Protocol::RestJson | Protocol::RestXml | Protocol::Registry => ("AccessDeniedException", 403),
    };
    let message = format!(
        "User: arn:aws:iam::{ACCOUNT_ID}:user/emulator is not authorized to perform: iam:PassRole on resource: {role} \
         because no identity-based policy allows the iam:PassRole action"
    );
    Refusal::new(code, message).with_status(status)
}
