//! Subscriptions that are there.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::attributes::{Attributes, are_equal, fold_flag};
use super::subscribe::{Subject, check_attribute};
use super::{Answer, State, check_arn, invalid, listed};
use crate::services::{ACCOUNT_ID, Call, Object, Refusal, Table, Tags, ensure, to_json};

/// How long a subscription waits to be confirmed: 48 hours (SNS Developer Guide, "Deleting an Amazon SNS subscription and
/// topic").
const PATIENCE_MILLIS: i64 = 48 * 60 * 60 * 1000;

/// The attribute that says what a filter policy is applied to.
pub(super) const SCOPE: &str = "FilterPolicyScope";
/// Its default.
pub(super) const BY_DEFAULT: &str = "MessageAttributes";

/// Filter policies that a topic may have (SNS Developer Guide, "Filter policy constraints in Amazon SNS").
const FILTERS: usize = 200;

/// A subscription. Its public members are `Subscription` of the SNS API Reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Subscription {
    pub(super) subscription_arn: String,
    pub(super) owner: String,
    pub(super) protocol: String,
    pub(super) endpoint: String,
    pub(super) topic_arn: String,
    #[serde(rename = "_attributes")]
    pub(super) attributes: Attributes,
    /// Since when it waits to be confirmed, in milliseconds since 1970.
    #[serde(rename = "_pendingSince", default, skip_serializing_if = "Option::is_none")]
    pub(super) pending_since: Option<i64>,
}

impl Subscription {
    pub(super) fn topic_arn(&self) -> &str {
        &self.topic_arn
    }

    pub(super) fn is_pending(&self) -> bool {
        self.pending_since.is_some()
    }

    pub(super) fn has_expired(&self, now_millis: i64) -> bool {
        self.pending_since.is_some_and(|since| now_millis - since >= PATIENCE_MILLIS)
    }

    /// Whether it has these attributes.
    pub(super) fn has(&self, given: &Attributes) -> bool {
        let by_default = |name: &str| match name {
            "RawMessageDelivery" => "false",
            SCOPE => BY_DEFAULT,
            _ => "",
        };
        given.iter().all(|(name, value)| {
            let own = self.attributes.get(name).map_or_else(|| by_default(name), String::as_str);
            are_equal(own, value)
        })
    }

    /// As lists show it: one that is pending shows no ARN (SNS API Reference, ListSubscriptionsByTopic).
    fn listed(&self) -> Value {
        let mut value = to_json(self);
        if self.is_pending() {
            value["SubscriptionArn"] = "PendingConfirmation".into();
        }
        value
    }

    fn has_filter(&self) -> bool {
        self.attributes.contains_key("FilterPolicy")
    }

    fn scope(&self) -> &str {
        self.attributes.get(SCOPE).map_or(BY_DEFAULT, String::as_str)
    }

    fn is_fifo(&self) -> bool {
        self.topic_arn.ends_with(".fifo") && self.endpoint.ends_with(".fifo")
    }

    fn all_attributes(&self) -> Attributes {
        let mut attributes = Attributes::from(
            [
                ("SubscriptionArn", self.subscription_arn.clone()),
                ("TopicArn", self.topic_arn.clone()),
                ("Owner", self.owner.clone()),
                ("Protocol", self.protocol.clone()),
                ("Endpoint", self.endpoint.clone()),
                ("SubscriptionPrincipal", format!("arn:aws:iam::{ACCOUNT_ID}:user/emulator")),
                ("PendingConfirmation", self.is_pending().to_string()),
                ("ConfirmationWasAuthenticated", (!self.is_pending()).to_string()),
                ("RawMessageDelivery", "false".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        attributes.extend(self.attributes.clone());
        // The scope is shown only with a policy (recorded from real AWS).
        if self.has_filter() {
            attributes.insert(SCOPE.to_owned(), self.scope().to_owned());
        } else {
            attributes.remove(SCOPE);
        }
        attributes
    }

    pub(super) fn object(&self, home: &str) -> Object {
        let id = &self.subscription_arn;
        Object::new("sns", home, "AWS::SNS::Subscription", id, Tags::new()).part_of(&self.topic_arn)
    }
}

/// Whether an ARN ends in the id of a subscription, which is a UUID.
fn has_id(arn: &str) -> bool {
    let Some(id) = arn.split(':').nth(6) else { return false };
    let groups: Vec<&str> = id.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl State {
    /// The one subscription that an endpoint has of a topic.
    pub(super) fn subscription_of(
        &self,
        topic: &str,
        protocol: &str,
        endpoint: &str,
    ) -> Option<&Subscription> {
        self.subscriptions
            .values()
            .find(|s| s.topic_arn == topic && s.protocol == protocol && s.endpoint == endpoint)
    }

    /// Whether another subscription of a topic may have a filter policy.
    pub(super) fn check_filters(&self, topic: &str) -> Result<(), Refusal> {
        match self.subscriptions_of(topic).filter(|subscription| subscription.has_filter()).count() {
            ..FILTERS => Ok(()),
            _ => {
                let message = format!("A topic can have {FILTERS} filter policies at most.");
                Err(Refusal::new("FilterPolicyLimitExceeded", message).with_status(403))
            }
        }
    }

    /// One that is pending stays until it is confirmed or forgotten, or its topic goes. One that is not there is no
    /// error, but a malformed id is (recorded from real AWS).
    pub(super) fn unsubscribe(&mut self, call: &Call) -> Answer {
        let subscription_arn: String = call.member("SubscriptionArn")?;
        check_arn("SubscriptionArn", &subscription_arn)?;
        ensure(has_id(&subscription_arn), || invalid("SubscriptionId"))?;
        if self.subscriptions.get(&subscription_arn).is_some_and(Subscription::is_pending) {
            return Err(invalid(
                "SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation",
            ));
        }
        self.subscriptions.remove(&subscription_arn);
        Ok(Value::Null)
    }

    pub(super) fn list_subscriptions(&self, call: &Call) -> Answer {
        let next_token: Option<String> = call.member("NextToken")?;
        let all = self.subscriptions.values().map(Subscription::listed).collect();
        listed("Subscriptions", all, next_token.as_deref())
    }

    pub(super) fn list_subscriptions_by_topic(&self, call: &Call) -> Answer {
        let (topic_arn, next_token): (String, Option<String>) = call.members(&["TopicArn", "NextToken"])?;
        self.find(&call.region, &topic_arn)?;
        let its = self.subscriptions_of(&topic_arn).map(Subscription::listed).collect();
        listed("Subscriptions", its, next_token.as_deref())
    }

    pub(super) fn get_subscription_attributes(&self, call: &Call) -> Answer {
        let subscription_arn: String = call.member("SubscriptionArn")?;
        check_arn("SubscriptionArn", &subscription_arn)?;
        let subscription = self.subscriptions.find(&subscription_arn)?;
        Ok(json!({"Attributes": subscription.all_attributes()}))
    }

    /// An empty value takes an attribute away.
    pub(super) fn set_subscription_attributes(&mut self, call: &Call) -> Answer {
        let (subscription_arn, attribute_name, attribute_value): (String, String, Option<String>) =
            call.members(&["SubscriptionArn", "AttributeName", "AttributeValue"])?;
        let attribute_value = attribute_value.unwrap_or_default();
        check_arn("SubscriptionArn", &subscription_arn)?;
        let subscription = self.subscriptions.find(&subscription_arn)?;
        let (name, mut value) = (attribute_name, attribute_value);
        fold_flag(&name, &mut value);
        let subject = Subject { is_fifo: subscription.is_fifo(), scope: subscription.scope() };
        check_attribute(&subject, &name, &value)?;
        if name == SCOPE
            && let Some(policy) = subscription.attributes.get("FilterPolicy")
        {
            let subject = Subject { scope: &value, ..subject };
            check_attribute(&subject, "FilterPolicy", policy)?;
        }
        if name == "FilterPolicy" && !value.is_empty() && !subscription.has_filter() {
            self.check_filters(&subscription.topic_arn)?;
        }
        let subscription = self.subscriptions.find_mut(&subscription_arn)?;
        if value.is_empty() {
            subscription.attributes.remove(&name)
        } else {
            subscription.attributes.insert(name, value)
        };
        Ok(Value::Null)
    }
}
