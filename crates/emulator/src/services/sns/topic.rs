//! Topics.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::attributes::{Attributes, are_equal, check_changed, check_new, fold_flag};
use super::{Answer, Cx, State, check_topic_arn, invalid, listed, policy, tags};
use crate::services::{ACCOUNT_ID, Call, Object, Refusal, Tag, Tags, ensure, refuse_if};

/// How deliveries are tried again where nobody said (SNS Developer Guide, "Amazon SNS message delivery retries").
const DELIVERY: &str = r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}"#;

/// A topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Topic {
    topic_arn: String,
    /// Those that were given.
    attributes: Attributes,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
}

impl Topic {
    /// Who may do what with it.
    pub(crate) fn policy(&self) -> String {
        match self.attributes.get("Policy") {
            Some(policy) => policy.clone(),
            None => policy::by_default(&self.topic_arn),
        }
    }

    /// The key that encrypts its messages, as it was named.
    pub(crate) fn kms_key(&self) -> Option<&str> {
        self.attributes.get("KmsMasterKeyId").map(String::as_str)
    }

    pub(super) fn is_fifo(&self) -> bool {
        self.topic_arn.ends_with(".fifo")
    }

    pub(super) fn deduplicates(&self) -> bool {
        self.attributes.get("ContentBasedDeduplication").is_some_and(|flag| flag == "true")
    }

    fn name(&self) -> &str {
        self.topic_arn.rsplit(':').next().unwrap_or(&self.topic_arn)
    }

    /// An attribute, given or by default.
    fn attribute(&self, name: &str) -> String {
        match (name, self.attributes.get(name)) {
            ("Policy", _) => self.policy(),
            (_, Some(value)) => value.clone(),
            ("TracingConfig", None) => "PassThrough".to_owned(),
            ("SignatureVersion", None) => "1".to_owned(),
            ("FifoTopic" | "ContentBasedDeduplication", None) => "false".to_owned(),
            (_, None) => String::new(),
        }
    }

    pub(super) fn object(&self, home: &str) -> Object {
        Object::new("sns", home, "AWS::SNS::Topic", &self.topic_arn, self.tags.clone()).named(self.name())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateTopic {
    name: String,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SetTopicAttributes {
    topic_arn: String,
    attribute_name: String,
    #[serde(default)]
    attribute_value: String,
}

/// SNS API Reference, CreateTopic, `Name`.
fn check_name(name: &str, is_fifo: bool) -> Result<(), Refusal> {
    let base = name.strip_suffix(".fifo").filter(|_| is_fifo).unwrap_or(name);
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    ensure(!base.is_empty() && name.len() <= 256 && base.chars().all(is_legal), || invalid("Topic Name"))?;
    refuse_if(is_fifo && base == name, || {
        invalid("Topic Name Reason: the name of a FIFO topic must end in .fifo.")
    })
}

/// A topic with this name is given again, provided that what is asked for is what it has (SNS API Reference, CreateTopic).
pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut given: CreateTopic = call.input()?;
    given.attributes.iter_mut().for_each(|(name, value)| fold_flag(name, value));
    let is_fifo = given.attributes.get("FifoTopic").is_some_and(|flag| flag == "true");
    check_name(&given.name, is_fifo)?;
    for (name, value) in &given.attributes {
        check_new(name, value, is_fifo)?;
    }
    let topic_arn = cx.arn("sns", &given.name);
    if let Some(text) = given.attributes.get("Policy") {
        policy::check(cx, &topic_arn, text)?;
    }
    let tags = tags::read(given.tags)?;
    let answer = json!({"TopicArn": topic_arn});
    if let Some(topic) = cx.r.sns.topics.get(&topic_arn) {
        check_same(topic, &given.attributes, &tags)?;
        return Ok(answer);
    }
    let mut attributes = given.attributes;
    // Standard topics do not show `FifoTopic` (recorded from real AWS).
    let is_shown = |name: &str, value: &str| !value.is_empty() && (name, value) != ("FifoTopic", "false");
    attributes.retain(|name, value| is_shown(name, value));
    cx.r.sns.topics.insert(topic_arn.clone(), Topic { topic_arn, attributes, tags });
    Ok(answer)
}

fn check_same(topic: &Topic, attributes: &Attributes, tags: &Tags) -> Result<(), Refusal> {
    if !attributes.iter().all(|(name, value)| are_equal(&topic.attribute(name), value)) {
        return Err(invalid("Attributes Reason: Topic already exists with different attributes"));
    }
    ensure(tags.iter().all(|(key, value)| topic.tags.get(key) == Some(value)), || {
        invalid("Tags Reason: Topic already exists with different tags")
    })
}

/// An empty value takes an attribute away: the policy becomes the default one, messages are not encrypted any more.
pub(super) fn set_attribute(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: SetTopicAttributes = call.input()?;
    let SetTopicAttributes { topic_arn, attribute_name: name, attribute_value: mut value } = given;
    let topic = cx.r.sns.find(cx.region, &topic_arn)?;
    fold_flag(&name, &mut value);
    check_changed(&name, &value, topic.is_fifo())?;
    if name == "Policy" && !value.is_empty() {
        policy::check(cx, &topic_arn, &value)?;
    }
    let attributes = &mut cx.r.sns.find_mut(cx.region, &topic_arn)?.attributes;
    if value.is_empty() {
        attributes.remove(&name)
    } else {
        attributes.insert(name, value)
    };
    Ok(Value::Null)
}

impl State {
    /// Its subscriptions go with it, and a topic that is not there is no error (SNS API Reference, DeleteTopic).
    pub(super) fn delete_topic(&mut self, call: &Call) -> Answer {
        let topic_arn: String = call.member("TopicArn")?;
        check_topic_arn(&call.region, &topic_arn)?;
        self.topics.remove(&topic_arn);
        self.subscriptions.retain(|_, subscription| subscription.topic_arn() != topic_arn);
        Ok(Value::Null)
    }

    pub(super) fn list_topics(&self, call: &Call) -> Answer {
        let next_token: Option<String> = call.member("NextToken")?;
        let topics = self.topics.keys().map(|arn| json!({"TopicArn": arn})).collect();
        listed("Topics", topics, next_token.as_deref())
    }

    pub(super) fn get_topic_attributes(&self, call: &Call) -> Answer {
        let topic_arn: String = call.member("TopicArn")?;
        let topic = self.find(&call.region, &topic_arn)?;
        let (pending, confirmed): (Vec<_>, Vec<_>) =
            self.subscriptions_of(&topic_arn).partition(|subscription| subscription.is_pending());
        let mut attributes = Attributes::from(
            [
                ("TopicArn", topic_arn.clone()),
                ("Owner", ACCOUNT_ID.to_owned()),
                ("Policy", topic.policy()),
                ("DisplayName", String::new()),
                ("EffectiveDeliveryPolicy", DELIVERY.to_owned()),
                ("SubscriptionsConfirmed", confirmed.len().to_string()),
                ("SubscriptionsPending", pending.len().to_string()),
                ("SubscriptionsDeleted", "0".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        if topic.is_fifo() {
            attributes.insert("ContentBasedDeduplication".to_owned(), "false".to_owned());
        }
        if let Some(policy) = topic.attributes.get("DeliveryPolicy") {
            attributes.insert("EffectiveDeliveryPolicy".to_owned(), policy.clone());
        }
        attributes.extend(topic.attributes.clone());
        Ok(json!({"Attributes": attributes}))
    }
}
