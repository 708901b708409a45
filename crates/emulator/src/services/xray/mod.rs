//! X-Ray: sampling rules and groups.

mod filter;
mod group;
mod rule;
mod tags;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::group::Group;
use self::rule::Rule;
use super::{
    Answer, Api, Call, Cx, IdSource, Object, Refusal, ServiceLimits, Spread, rate, spread, unknown_operation,
};

/// Everything of one region.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    ids: IdSource,
    /// By name.
    rules: BTreeMap<String, Rule>,
    /// By name.
    groups: BTreeMap<String, Group>,
}

/// How long a write takes. Estimate.
const WRITE: Spread = spread(0.5, 0.3, 1.0);

impl Api for State {
    // What X-Ray sends for input of the wrong length (hashicorp/terraform-provider-aws#18667).
    const INVALID: &'static str = "ValidationException";
    // Unpublished; clients are known to live with it.
    const LIMITS: ServiceLimits =
        ServiceLimits::together(rate(10.0, 10.0)).throttled("ThrottledException", 429);
    const CALLS: &'static [(&'static str, Spread)] = &[
        ("CreateSamplingRule", WRITE),
        ("UpdateSamplingRule", WRITE),
        ("DeleteSamplingRule", WRITE),
        ("CreateGroup", WRITE),
        ("UpdateGroup", WRITE),
        ("DeleteGroup", WRITE),
    ];

    fn new(ids: IdSource, region: &str) -> Self {
        let default = Rule::default_of(region);
        State { ids, rules: BTreeMap::from([(default.name().to_owned(), default)]), groups: BTreeMap::new() }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateSamplingRule" => rule::create(cx, call),
            "GetSamplingRules" => rule::get(cx, call),
            "UpdateSamplingRule" => rule::update(cx, call),
            "DeleteSamplingRule" => rule::delete(cx, call),

            "CreateGroup" => group::create(cx, call),
            "GetGroup" => group::get(cx, call),
            "GetGroups" => group::get_all(cx, call),
            "UpdateGroup" => group::update(cx, call),
            "DeleteGroup" => group::delete(cx, call),

            "TagResource" => tags::TAGS.tag(cx, call),
            "UntagResource" => tags::TAGS.untag(cx, call),
            "ListTagsForResource" => tags::list(cx, call),
            _ => Err(unknown_operation(call)),
        }
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        let rules = self.rules.values().filter(|rule| !rule.is_as_from_the_start(home));
        let rules = rules.map(|rule| rule.object(home));
        rules.chain(self.groups.values().map(|group| group.object(home))).collect()
    }
}

/// The refusal of most of what X-Ray refuses.
fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidRequestException", message)
}

/// Everything comes on one page, so that no token is ever given out.
fn check_token(token: Option<&str>) -> Result<(), Refusal> {
    match token {
        Some(_) => Err(invalid("The token is not valid.")),
        None => Ok(()),
    }
}

/// What is named by either its name or its ARN (CloudFormation's and the API Reference's "either name or ARN, but not
/// both").
fn one_of<'a>(kind: &str, name: Option<&'a str>, arn: Option<&'a str>) -> Result<Named<'a>, Refusal> {
    match (name, arn) {
        (Some(name), None) => Ok(Named::Name(name)),
        (None, Some(arn)) => Ok(Named::Arn(arn)),
        _ => Err(invalid(format!("Exactly one of name and ARN of the {kind} must be given."))),
    }
}

enum Named<'a> {
    Name(&'a str),
    Arn(&'a str),
}
