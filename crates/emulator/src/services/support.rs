//! What the services have in common.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Global, Region};
use crate::machine::blobs::Blobs;
use crate::machine::emulator::ACCOUNT_ID;
use crate::machine::faults::ContainerRule;
use crate::machine::latency::{Latencies, Spread};
use crate::protocol::request::Call;
use crate::protocol::response::{Refusal, ensure, refuse_if};

/// What an operation answers: members by the names of the API's model, or AWS's error.
pub(crate) type Answer = Result<Value, Refusal>;

/// What an operation is given.
pub(crate) struct Cx<'a> {
    /// The name of the region.
    pub(crate) region: &'a str,
    /// Milliseconds since 1970.
    pub(crate) now_millis: i64,
    pub(crate) latencies: Latencies,
    /// What is too large for a state.
    pub(crate) blobs: &'a Blobs,
    /// Containers that are to go wrong.
    pub(crate) containers: &'a [ContainerRule],
    pub(crate) global: &'a mut Global,
    pub(crate) r: &'a mut Region,
}

impl Cx<'_> {
    /// Now, as models count: in seconds since 1970.
    pub(crate) fn now_seconds(&self) -> f64 {
        self.now_millis as f64 / 1000.0
    }

    /// When something that begins now is over; `None` where it takes no time. `about` tells it from all others.
    pub(crate) fn after(&self, spread: Spread, about: &str) -> Option<i64> {
        if self.latencies.are_off() {
            None
        } else {
            Some(self.now_millis + self.latencies.millis(spread, about))
        }
    }

    /// `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{ACCOUNT_ID}:{resource}", self.region)
    }
}

/// A state that an object will reach by time alone, kept with the object as its member `_next`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Next {
    pub(crate) state: String,
    /// When, in milliseconds since 1970.
    pub(crate) at_millis: i64,
}

impl Next {
    /// Takes the state out once it is due.
    pub(crate) fn due(next: &mut Option<Next>, now_millis: i64) -> Option<Next> {
        next.take_if(|next| next.at_millis <= now_millis)
    }
}

/// A network interface that a service has in a subnet. While it is there, its subnet and its groups stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Interface {
    /// Such as `eni-0123456789abcdef0`.
    pub(crate) id: String,
    pub(crate) subnet_id: String,
    pub(crate) group_ids: Vec<String>,
    /// What the console shows, such as `ELB app/NAME/0123456789abcdef`.
    pub(crate) description: String,
    /// The `InterfaceType` of the EC2 API Reference, such as `interface`, `network_load_balancer`, `vpc_endpoint`.
    pub(crate) interface_type: String,
    /// Whether a public address is mapped to it, which keeps the internet gateway attached.
    pub(crate) has_public_address: bool,
}

/// Declares the refusals of a service: functions of a message, each with AWS's code and, where it is not 400, the HTTP status.
macro_rules! refusals {
    ($($(#[$doc:meta])* $vis:vis $name:ident: $code:literal $(, $status:literal)?;)+) => {
        $(
            $(#[$doc])*
            $vis fn $name(message: impl Into<String>) -> crate::services::Refusal {
                crate::services::Refusal::new($code, message)$(.with_status($status))?
            }
        )+
    };
}
pub(crate) use refusals;

/// Tags by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// Tags as most APIs list them: `[{"Key": …, "Value": …}]`.
pub(crate) fn tag_list(tags: &Tags) -> Value {
    named_tag_list(tags, "Key", "Value")
}

/// The same where the members have other names, such as `key` and `value` (ECS) or `TagKey` and `TagValue` (KMS).
pub(crate) fn named_tag_list(tags: &Tags, key: &str, value: &str) -> Value {
    tags.iter().map(|(k, v)| json!({key: k, value: v})).collect()
}

/// A tag as most APIs take it, whichever names its members have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tag {
    #[serde(alias = "key", alias = "TagKey")]
    #[serde(rename = "Key")]
    pub(crate) key: String,
    #[serde(alias = "value", alias = "TagValue")]
    #[serde(rename = "Value", default)]
    pub(crate) value: String,
}

/// Reads a list of tags.
///
/// # Errors
///
/// `invalid` with a reason, for a key given twice, a key of AWS's own (`aws:`), or more than 50.
pub(crate) fn tags(
    given: impl IntoIterator<Item = Tag>,
    invalid: impl Fn(String) -> Refusal,
) -> Result<Tags, Refusal> {
    let mut tags = Tags::new();
    for Tag { key, value } in given {
        add_tag(&mut tags, key, value, &invalid)?;
    }
    Ok(tags)
}

fn add_tag(
    tags: &mut Tags,
    key: String,
    value: String,
    invalid: impl Fn(String) -> Refusal,
) -> Result<(), Refusal> {
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(invalid(format!("Tag keys that begin with aws: are reserved, as {key} is.")));
    }
    refuse_if(tags.contains_key(&key), || invalid(format!("The tag key {key} is given twice.")))?;
    tags.insert(key, value);
    match tags.len() {
        // AWS General Reference, "Tagging your AWS resources", "Tag naming limits and requirements".
        ..=50 => Ok(()),
        _ => Err(invalid("An object can have 50 tags at most.".to_owned())),
    }
}

/// The same for a map of tags.
pub(crate) fn tag_map(given: Tags, invalid: impl Fn(String) -> Refusal) -> Result<Tags, Refusal> {
    tags(given.into_iter().map(|(key, value)| Tag { key, value }), invalid)
}

/// What was answered to which client token. A token belongs to one operation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tokens(BTreeMap<String, Used>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Used {
    at_millis: i64,
    parameters: Value,
    answer: Value,
}

impl Tokens {
    /// What was answered to the same request with this token; `other` if the token was used for another one. Tokens older than
    /// `good_for_millis` are forgotten.
    pub(crate) fn look(
        &mut self,
        now_millis: i64,
        good_for_millis: i64,
        call: &Call,
        token: &str,
        other: impl FnOnce() -> Refusal,
    ) -> Result<Option<Value>, Refusal> {
        self.0.retain(|_, used| now_millis - used.at_millis < good_for_millis);
        let Some(used) = self.0.get(&token_key(call, token)) else { return Ok(None) };
        ensure(used.parameters == *call.parameters, other)?;
        Ok(Some(used.answer.clone()))
    }

    /// Notes what was answered.
    pub(crate) fn note(&mut self, now_millis: i64, call: &Call, token: &str, answer: &Value) {
        let used = Used {
            at_millis: now_millis,
            parameters: Value::clone(&call.parameters),
            answer: answer.clone(),
        };
        self.0.insert(token_key(call, token), used);
    }
}

fn token_key(call: &Call, token: &str) -> String {
    format!("{} {token}", call.operation)
}
