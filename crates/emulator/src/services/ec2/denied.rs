//! The refusal of a caller whom no policy allows the call. EC2 puts a sentence before it, names the resource that would be made, and
//! has a code of its own (EC2 API Reference, "Error codes"); what is only listed has no resource.

use crate::services::{ACCOUNT_ID, Call, Refusal, denied};

pub(super) fn refusal(call: &Call) -> Refusal {
    let resource = match call.operation.strip_prefix("Create") {
        Some(made) => {
            let made = match made {
                "NatGateway" => "natgateway".to_owned(),
                made => hyphenated(made),
            };
            format!(" on resource: arn:aws:ec2:{}:{ACCOUNT_ID}:{made}/*", call.region)
        }
        None if call.operation.starts_with("Describe") => String::new(),
        None => " on resource: *".to_owned(),
    };
    let message = denied::message(call, "ec2", &resource);
    let message = format!(
        "You are not authorized to perform this operation. {message}. Encoded authorization failure message: emulated"
    );
    Refusal::new("UnauthorizedOperation", message).with_status(403)
}

/// `InternetGateway` as it is in ARNs: `internet-gateway`.
fn hyphenated(name: &str) -> String {
    let mut text = String::new();
    for one in name.chars() {
        if one.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(one.to_ascii_lowercase());
    }
    text
}
