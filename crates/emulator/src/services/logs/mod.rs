//! CloudWatch Logs: log groups and what belongs to them.
//!
//! Log events are those that clients put, and what tasks of ECS write. What other services would write to their groups is not
//! there, and no metric is made of what is.

mod events;
mod filters;
mod groups;
mod matching;
mod policies;
mod search;
mod streams;
mod tags;
mod transformers;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use self::events::write;
use self::filters::MetricFilter;
pub(crate) use self::groups::LogGroup;
use self::policies::ResourcePolicy;
use self::streams::LogStream;
use self::tags::TAGS;
use super::{
    ACCOUNT_ID, Answer, Api, Call, Cx, IdSource, Limit, Object, Refusal, ServiceLimits, Spread, kinds, page,
    rate, spread, unknown_operation,
};

/// How many items a list has where the call does not say (`limit` in the CloudWatch Logs API Reference).
const PAGE: usize = 50;

/// Everything in one region, by name.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    groups: BTreeMap<String, LogGroup>,
    resource_policies: BTreeMap<String, ResourcePolicy>,
}

impl State {
    /// A log group, by its name.
    pub(crate) fn group(&self, name: &str) -> Option<&LogGroup> {
        self.groups.get(name)
    }

    /// What services do that write logs: a group that is not there is made, and keeps its events for ever.
    pub(crate) fn ensure_group(&mut self, region: &str, now_millis: i64, name: &str) {
        let group = || LogGroup::new(region, now_millis, name.to_owned());
        self.groups.entry(name.to_owned()).or_insert_with(group);
    }
}

kinds! {
    LogGroup: |_| no_group(), |_| exists("log group");
    LogStream: |_| missing("log stream"), |_| exists("log stream");
    MetricFilter: |_| missing("metric filter");
    ResourcePolicy: |_| missing("resource policy");
}

impl Api for State {
    const INVALID: &'static str = "InvalidParameterException";
    // CloudWatch Logs API Reference, CreateLogStream and DescribeLogStreams; CloudWatch Logs User Guide, "CloudWatch Logs
    // quotas", for events (outside of the three largest regions) and the operations on log groups.
    const LIMITS: ServiceLimits = ServiceLimits::each(&[
        Limit::of(&["CreateLogStream"], rate(50.0, 50.0)),
        Limit::of(&["DescribeLogStreams", "GetLogEvents", "FilterLogEvents"], rate(25.0, 25.0)),
        Limit::of(&["PutLogEvents"], rate(1500.0, 1500.0)),
        Limit::any(rate(10.0, 10.0)),
    ]);
    // The errors of each operation.
    const INTERNAL: &'static str = "ServiceUnavailableException";
    const CALLS: &'static [(&'static str, Spread)] =
        &[("CreateLogGroup", spread(1.0, 0.5, 5.0)), ("DeleteLogGroup", spread(0.5, 0.2, 1.0))];

    fn new(_ids: IdSource, _region: &str) -> Self {
        State { groups: BTreeMap::new(), resource_policies: BTreeMap::new() }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateLogGroup" => groups::create(cx, call),
            "DeleteLogGroup" => groups::delete(cx, call),
            "DescribeLogGroups" => groups::describe(cx, call),
            "PutRetentionPolicy" => groups::put_retention(cx, call),
            "DeleteRetentionPolicy" => groups::delete_retention(cx, call),
            "AssociateKmsKey" => groups::associate_key(cx, call),
            "DisassociateKmsKey" => groups::disassociate_key(cx, call),
            "PutLogGroupDeletionProtection" => groups::put_protection(cx, call),
            "GetDataProtectionPolicy" => groups::get_data_protection(cx, call),
            "DescribeIndexPolicies" => groups::describe_index_policies(cx, call),

            "TagResource" => TAGS.tag(cx, call),
            "UntagResource" => TAGS.untag(cx, call),
            "ListTagsForResource" => TAGS.list(cx, call),

            "PutMetricFilter" => filters::put(cx, call),
            "DescribeMetricFilters" => filters::describe(cx, call),
            "DeleteMetricFilter" => filters::delete(cx, call),

            "PutTransformer" => transformers::put(cx, call),
            "GetTransformer" => transformers::get(cx, call),
            "DeleteTransformer" => transformers::delete(cx, call),

            "PutResourcePolicy" => policies::put(cx, call),
            "DescribeResourcePolicies" => policies::describe(cx, call),
            "DeleteResourcePolicy" => policies::delete(cx, call),

            "CreateLogStream" => streams::create(cx, call),
            "DescribeLogStreams" => streams::describe(cx, call),
            "DeleteLogStream" => streams::delete(cx, call),

            "PutLogEvents" => events::put(cx, call),
            "GetLogEvents" => events::get(cx, call),
            "FilterLogEvents" => search::filter(cx, call),
            "StartLiveTail" => Err(search::no_live_tail()),

            _ => Err(unknown_operation(call)),
        }
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        let groups = self.groups.values().flat_map(|group| group.objects(home));
        let policies = self.resource_policies.keys().map(|name| {
            Object::new("logs", home, "AWS::Logs::ResourcePolicy", name, BTreeMap::new()).named(name)
        });
        groups.chain(policies).collect()
    }
}

/// The name of the group that an ARN of this account and region names, with or without `:*` at its end. The one with it
/// stands for the group's streams (CloudWatch Logs API Reference, LogGroup, `arn` and `logGroupArn`).
fn name_in<'a>(cx: &Cx<'_>, arn: &'a str) -> Result<&'a str, Refusal> {
    let mut parts = arn.splitn(6, ':');
    let ["arn", "aws", "logs", region, account, resource] =
        std::array::from_fn(|_| parts.next().unwrap_or(""))
    else {
        return Err(invalid(format!("{arn} is not an ARN of CloudWatch Logs.")));
    };
    let name = resource.strip_prefix("log-group:").filter(|_| region == cx.region && account == ACCOUNT_ID);
    name.map(|name| name.strip_suffix(":*").unwrap_or(name)).ok_or_else(no_group)
}

/// The name in an identifier, which is a name or an ARN (`logGroupIdentifier`).
fn identified<'a>(cx: &Cx<'_>, identifier: &'a str) -> Result<&'a str, Refusal> {
    if identifier.starts_with("arn:") { name_in(cx, identifier) } else { Ok(identifier) }
}

/// The name of a group that a call names by `logGroupName` or by `logGroupIdentifier`. The code for both at once is recorded from
/// real AWS for DescribeLogStreams; the API's model does not have it.
fn one_group<'a>(
    cx: &Cx<'_>,
    name: Option<&'a str>,
    identifier: Option<&'a str>,
) -> Result<&'a str, Refusal> {
    match (name, identifier) {
        (Some(name), None) => Ok(name),
        (None, Some(identifier)) => identified(cx, identifier),
        (Some(_), Some(_)) => {
            let message = "LogGroup name and LogGroup ARN are mutually exclusive parameters.";
            Err(Refusal::new("ValidationException", message))
        }
        (None, None) => Err(invalid("Give either logGroupName or logGroupIdentifier.")),
    }
}

/// One page of a list, under the name that the operation gives it.
fn listed(name: &str, items: Vec<Value>, limit: Option<usize>, token: Option<&str>) -> Answer {
    let (items, next) = page(items, limit.unwrap_or(PAGE), token)
        .ok_or_else(|| invalid("The specified nextToken is invalid."))?;
    Ok(json!({name: items, "nextToken": next}))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterException", message)
}

fn missing(what: &str) -> Refusal {
    Refusal::new("ResourceNotFoundException", format!("The specified {what} does not exist."))
}

fn no_group() -> Refusal {
    missing("log group")
}

fn exists(what: &str) -> Refusal {
    Refusal::new("ResourceAlreadyExistsException", format!("The specified {what} already exists"))
}

fn exceeded() -> Refusal {
    Refusal::new("LimitExceededException", "Resource limit exceeded.")
}
