//! SNS: topics and subscriptions.
//!
//! Messages are checked and go nowhere. Nobody confirms a subscription, so those that need it stay pending.

mod attributes;
mod filter_policy;
mod message_attributes;
mod policy;
mod publish;
mod subscribe;
mod subscription;
mod tags;
mod topic;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::subscription::Subscription;
use self::tags::TAGS;
pub(crate) use self::topic::Topic;
use super::{
    Answer, Api, Call, Cx, IdSource, Limit, Object, Refusal, ServiceLimits, Spread, Table, denied, ensure,
    kinds, page, rate, spread, unknown_operation,
};

/// How many items a list has (SNS API Reference, ListTopics and ListSubscriptions).
const PAGE: usize = 100;

/// The topics and subscriptions of one region, by ARN.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    ids: IdSource,
    topics: BTreeMap<String, Topic>,
    subscriptions: BTreeMap<String, Subscription>,
}

impl State {
    /// A topic, by its ARN.
    pub(crate) fn topic(&self, arn: &str) -> Option<&Topic> {
        self.topics.get(arn)
    }

    /// The topic that a call in a region is about.
    fn find(&self, region: &str, arn: &str) -> Result<&Topic, Refusal> {
        check_topic_arn(region, arn)?;
        self.topics.find(arn)
    }

    fn find_mut(&mut self, region: &str, arn: &str) -> Result<&mut Topic, Refusal> {
        check_topic_arn(region, arn)?;
        self.topics.find_mut(arn)
    }

    fn subscriptions_of<'a>(&'a self, topic: &'a str) -> impl Iterator<Item = &'a Subscription> {
        self.subscriptions.values().filter(move |subscription| subscription.topic_arn() == topic)
    }
}

kinds! {
    Topic: |_| not_found("Topic does not exist");
    Subscription: |_| not_found("Subscription does not exist");
}

impl Api for State {
    const INVALID: &'static str = "InvalidParameter";
    // AWS General Reference, "Amazon SNS endpoints and quotas", "Amazon SNS API throttling". What is not listed there
    // gets the number of the lists.
    const LIMITS: ServiceLimits = ServiceLimits::each(&[
        Limit::of(&["TagResource", "UntagResource", "ListTagsForResource"], rate(10.0, 10.0)),
        Limit::of(&["Subscribe", "Unsubscribe"], rate(100.0, 100.0)),
        Limit::of(&["Publish"], rate(300.0, 300.0)),
        Limit::any(rate(30.0, 30.0)),
    ])
    .throttled("ThrottlingException", 400);
    const CALLS: &'static [(&'static str, Spread)] =
        &[("CreateTopic", spread(1.0, 0.5, 1.0)), ("DeleteTopic", spread(0.5, 0.3, 1.0))];

    fn denied(call: &Call) -> Refusal {
        Refusal { code: "AuthorizationError".to_owned(), ..denied::refusal(call, "sns") }
    }

    fn new(ids: IdSource, _region: &str) -> Self {
        State { ids, topics: BTreeMap::new(), subscriptions: BTreeMap::new() }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateTopic" => topic::create(cx, call),
            "DeleteTopic" => cx.r.sns.delete_topic(call),
            "ListTopics" => cx.r.sns.list_topics(call),
            "GetTopicAttributes" => cx.r.sns.get_topic_attributes(call),
            "SetTopicAttributes" => topic::set_attribute(cx, call),

            "Subscribe" => subscribe::subscribe(cx, call),
            "Unsubscribe" => cx.r.sns.unsubscribe(call),
            "ListSubscriptions" => cx.r.sns.list_subscriptions(call),
            "ListSubscriptionsByTopic" => cx.r.sns.list_subscriptions_by_topic(call),
            "GetSubscriptionAttributes" => cx.r.sns.get_subscription_attributes(call),
            "SetSubscriptionAttributes" => cx.r.sns.set_subscription_attributes(call),

            "Publish" => publish::publish(cx, call),

            "TagResource" => TAGS.tag(cx, call),
            "UntagResource" => TAGS.untag(cx, call),
            "ListTagsForResource" => TAGS.list(cx, call),

            _ => Err(unknown_operation(call)),
        }
    }

    fn settle(cx: &mut Cx<'_>) {
        let now_millis = cx.now_millis;
        cx.r.sns.subscriptions.retain(|_, subscription| !subscription.has_expired(now_millis));
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        let topics = self.topics.values().map(|topic| topic.object(home));
        topics.chain(self.subscriptions.values().map(|subscription| subscription.object(home))).collect()
    }
}

/// One page of a list, in the form of all of SNS's lists.
fn listed(name: &str, items: Vec<Value>, token: Option<&str>) -> Answer {
    let (items, next) = page(items, PAGE, token).ok_or_else(|| invalid("NextToken"))?;
    Ok(json!({name: items, "NextToken": next}))
}

fn check_arn(parameter: &str, arn: &str) -> Result<(), Refusal> {
    let elements = arn.split(':').count();
    ensure(elements >= 6 && arn.starts_with("arn:"), || {
        invalid(format!("{parameter} Reason: An ARN must have at least 6 elements, not {elements}"))
    })
}

/// The ARN of a topic in another region is an invalid parameter (recorded from real AWS).
fn check_topic_arn(region: &str, arn: &str) -> Result<(), Refusal> {
    check_arn("TopicArn", arn)?;
    ensure(arn.split(':').nth(3) == Some(region), || invalid("TopicArn"))
}

fn invalid(what: impl AsRef<str>) -> Refusal {
    Refusal::new("InvalidParameter", format!("Invalid parameter: {}", what.as_ref()))
}

fn not_found(message: &str) -> Refusal {
    Refusal::new("NotFound", message).with_status(404)
}
