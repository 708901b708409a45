//! Event subscriptions: which events are published to which topic.
//!
//! Nothing is published here: no event of RDS's happens by itself.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kind::{Kind, Record, find, find_mut, free, invalid};
use super::pages::{Describe, Listing};
use super::{EVENT_SUBSCRIPTION, names, tags};
use crate::machine::clock::timestamp;
use crate::services::resource_policy::allows_service;
use crate::services::{ACCOUNT_ID, Answer, Call, Cx, Next, Refusal, Tag, Tags, ensure, to_json};

/// Who publishes (Aurora User Guide, "Granting permissions to publish notifications to an Amazon SNS topic").
const PUBLISHER: &str = "events.rds.amazonaws.com";
/// RDS User Guide, "Quotas for Amazon RDS", "Event subscriptions".
const MOST: usize = 20;
const ACTIVE: &str = "active";

/// Types of sources with their categories (Aurora User Guide, "Amazon RDS event categories and event messages for Aurora", and
/// the RDS User Guide's page of that name for the two that Aurora does not have).
const CATEGORIES: [(&str, &[&str]); 6] = [
    (
        "db-instance",
        &[
            "availability",
            "backup",
            "configuration change",
            "creation",
            "deletion",
            "failover",
            "failure",
            "low storage",
            "maintenance",
            "notification",
            "read replica",
            "recovery",
            "restoration",
            "security patching",
        ],
    ),
    (
        "db-cluster",
        &[
            "configuration change",
            "creation",
            "deletion",
            "failover",
            "failure",
            "global-failover",
            "maintenance",
            "notification",
            "serverless",
        ],
    ),
    ("db-parameter-group", &["configuration change"]),
    ("db-security-group", &["configuration change", "failure"]),
    ("db-snapshot", &["creation", "deletion", "notification", "restoration"]),
    ("db-cluster-snapshot", &["backup", "notification"]),
];

/// The types that RDS has besides, of which nothing is here.
const OTHER_TYPES: [&str; 4] = ["db-proxy", "zero-etl", "custom-engine-version", "blue-green-deployment"];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EventSubscription {
    customer_aws_id: String,
    cust_subscription_id: String,
    sns_topic_arn: String,
    status: String,
    subscription_creation_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_type: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    source_ids_list: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    event_categories_list: Vec<String>,
    enabled: bool,
    event_subscription_arn: String,
    #[serde(rename = "_tags")]
    tags: Tags,
    #[serde(rename = "_next", default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Next>,
}

impl Record for EventSubscription {
    const KIND: Kind = Kind {
        noun: "Event Subscription",
        resource: "es",
        cloudformation: "AWS::RDS::EventSubscription",
        not_found: "SubscriptionNotFound",
        exists: "SubscriptionAlreadyExist",
    };
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }
}

impl EventSubscription {
    fn show(&self) -> Value {
        to_json(self)
    }

    /// What the next state is, as it becomes due.
    pub(super) fn becomes(&mut self, state: String) {
        self.status = state;
    }

    /// It is in a state for a while, and then can be used.
    fn changing(&mut self, cx: &Cx<'_>, status: &str) {
        match cx.after(EVENT_SUBSCRIPTION.create, &format!("{} {status}", self.event_subscription_arn)) {
            Some(at_millis) => {
                status.clone_into(&mut self.status);
                self.next = Some(Next { state: ACTIVE.to_owned(), at_millis });
            }
            None => ACTIVE.clone_into(&mut self.status),
        }
    }

    /// A change has to wait for the one before it.
    fn idle(&self) -> Result<(), Refusal> {
        match self.status.as_str() {
            "creating" | "modifying" | "deleting" => Err(Refusal::new(
                "InvalidEventSubscriptionState",
                format!("Event subscription {} is in the state {}.", self.cust_subscription_id, self.status),
            )),
            _ => Ok(()),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    subscription_name: String,
    sns_topic_arn: String,
    source_type: Option<String>,
    #[serde(default)]
    event_categories: Vec<String>,
    #[serde(default)]
    source_ids: Vec<String>,
    enabled: Option<bool>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Modify {
    subscription_name: String,
    sns_topic_arn: Option<String>,
    source_type: Option<String>,
    event_categories: Option<Vec<String>>,
    enabled: Option<bool>,
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Create = call.input()?;
    // RDS API Reference, CreateEventSubscription, `SubscriptionName`: "The name must be less than 255 characters."
    let name = names::identifier("SubscriptionName", &given.subscription_name, 254)?;
    free(&cx.r.rds.event_subscriptions, &name)?;
    if cx.r.rds.event_subscriptions.len() >= MOST {
        let message = format!("You have reached the maximum of {MOST} event subscriptions.");
        return Err(Refusal::new("EventSubscriptionQuotaExceeded", message));
    }
    check_topic(cx, &given.sns_topic_arn)?;
    check_categories(given.source_type.as_deref(), &given.event_categories)?;
    if given.source_type.is_none() && !given.source_ids.is_empty() {
        return Err(invalid("SourceType must be provided with SourceIds."));
    }
    for id in &given.source_ids {
        check_source(cx, given.source_type.as_deref(), id)?;
    }
    let mut subscription = EventSubscription {
        customer_aws_id: ACCOUNT_ID.to_owned(),
        event_subscription_arn: cx.arn("rds", &format!("{}:{name}", EventSubscription::KIND.resource)),
        cust_subscription_id: name.clone(),
        sns_topic_arn: given.sns_topic_arn,
        status: String::new(),
        subscription_creation_time: timestamp(cx.now_millis),
        source_type: given.source_type,
        source_ids_list: sorted(given.source_ids),
        event_categories_list: sorted(given.event_categories),
        enabled: given.enabled.unwrap_or(true),
        tags: tags::read(given.tags)?,
        next: None,
    };
    subscription.changing(cx, "creating");
    let answer = json!({"EventSubscription": subscription.show()});
    cx.r.rds.event_subscriptions.insert(name, subscription);
    Ok(answer)
}

pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    notice_topics(cx);
    // RDS API Reference, DescribeEventSubscriptions, `Filters`: "This parameter isn't currently supported."
    const LISTING: Listing =
        Listing { member: "EventSubscriptionsList", name: "CustSubscriptionId", filters: &[] };
    let asked = Describe::read(call)?;
    let all = &cx.r.rds.event_subscriptions;
    match &asked.subscription_name {
        Some(name) => asked.page(&LISTING, [find(all, name)?.show()]),
        None => asked.page(&LISTING, all.values().map(EventSubscription::show)),
    }
}

pub(super) fn modify(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Modify = call.input()?;
    let mut subscription = find(&cx.r.rds.event_subscriptions, &given.subscription_name)?.clone();
    subscription.idle()?;
    if let Some(topic) = given.sns_topic_arn {
        subscription.sns_topic_arn = topic;
    }
    check_topic(cx, &subscription.sns_topic_arn)?;
    if let Some(source_type) = given.source_type {
        // What it named was of the other type.
        if subscription.source_type.as_ref() != Some(&source_type) {
            subscription.source_ids_list.clear();
        }
        subscription.source_type = Some(source_type);
    }
    if let Some(categories) = given.event_categories {
        subscription.event_categories_list = sorted(categories);
    }
    check_categories(subscription.source_type.as_deref(), &subscription.event_categories_list)?;
    subscription.enabled = given.enabled.unwrap_or(subscription.enabled);
    put(cx, subscription)
}

pub(super) fn add_source(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (subscription_name, source_identifier): (String, String) =
        call.members(&["SubscriptionName", "SourceIdentifier"])?;
    let mut subscription = find(&cx.r.rds.event_subscriptions, &subscription_name)?.clone();
    subscription.idle()?;
    check_source(cx, subscription.source_type.as_deref(), &source_identifier)?;
    subscription.source_ids_list.push(source_identifier);
    subscription.source_ids_list = sorted(subscription.source_ids_list);
    put(cx, subscription)
}

pub(super) fn remove_source(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (subscription_name, source_identifier): (String, String) =
        call.members(&["SubscriptionName", "SourceIdentifier"])?;
    let mut subscription = find(&cx.r.rds.event_subscriptions, &subscription_name)?.clone();
    subscription.idle()?;
    ensure(subscription.source_ids_list.contains(&source_identifier), || no_source(&source_identifier))?;
    subscription.source_ids_list.retain(|id| *id != source_identifier);
    put(cx, subscription)
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let subscription_name: String = call.member("SubscriptionName")?;
    let mut subscription = find(&cx.r.rds.event_subscriptions, &subscription_name)?.clone();
    subscription.idle()?;
    let about = format!("{} deleting", subscription.event_subscription_arn);
    let name = subscription.cust_subscription_id.clone();
    match cx.after(EVENT_SUBSCRIPTION.delete, &about) {
        Some(at_millis) => {
            "deleting".clone_into(&mut subscription.status);
            subscription.next = Some(Next { state: super::life_cycle::GONE.to_owned(), at_millis });
            cx.r.rds.event_subscriptions.insert(name, subscription.clone());
        }
        None => {
            cx.r.rds.event_subscriptions.remove(&name);
        }
    }
    Ok(json!({"EventSubscription": subscription.show()}))
}

/// What is active and whose topic went, or does not let RDS publish any more, says so until it is modified (RDS API Reference,
/// EventSubscription, `Status`). AWS notices as it publishes; here it is noticed when somebody looks.
fn notice_topics(cx: &mut Cx<'_>) {
    let active = cx.r.rds.event_subscriptions.values().filter(|one| one.status == ACTIVE);
    let lost: Vec<(String, &str)> = active
        .filter_map(|one| {
            let refusal = check_topic(cx, &one.sns_topic_arn).err()?;
            let status =
                if refusal.code == "SNSTopicArnNotFound" { "topic-not-exist" } else { "no-permission" };
            Some((one.cust_subscription_id.clone(), status))
        })
        .collect();
    for (name, status) in lost {
        if let Some(subscription) = cx.r.rds.event_subscriptions.get_mut(&name) {
            status.clone_into(&mut subscription.status);
        }
    }
}

fn put(cx: &mut Cx<'_>, mut subscription: EventSubscription) -> Answer {
    subscription.changing(cx, "modifying");
    let answer = json!({"EventSubscription": subscription.show()});
    let kept = find_mut(&mut cx.r.rds.event_subscriptions, &subscription.cust_subscription_id)?;
    *kept = subscription;
    Ok(answer)
}

/// In no order that a caller could rely on.
fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts.dedup();
    texts
}

/// RDS publishes to it, so it must exist and let RDS (RDS API Reference, CreateEventSubscription, `SNSTopicArnNotFound`,
/// `SNSNoAuthorization`: "You do not have permission to publish to the SNS topic ARN", `SNSInvalidTopic`). A topic that is encrypted
/// needs a key whose policy lets RDS use it (Aurora User Guide, "Granting permissions to publish notifications to an Amazon SNS
/// topic").
fn check_topic(cx: &Cx<'_>, arn: &str) -> Result<(), Refusal> {
    let refusal = |code: &str, message: &str| Refusal::new(code, message.to_owned());
    if arn.ends_with(".fifo") || !arn.starts_with(&cx.arn("sns", "")) {
        return Err(refusal(
            "SNSInvalidTopic",
            "SNS has responded that there is a problem with the SNS topic specified.",
        ));
    }
    let Some(topic) = cx.r.sns.topic(arn) else {
        return Err(refusal("SNSTopicArnNotFound", "The SNS topic ARN does not exist.").with_status(404));
    };
    let denied =
        || refusal("SNSNoAuthorization", "You do not have permission to publish to the SNS topic ARN.");
    ensure(allows_service(&topic.policy(), PUBLISHER, "sns:Publish"), denied)?;
    match topic.kms_key() {
        // AWS's own key has a policy that nobody can change, and that lets no service but SNS use it.
        Some(key) => match cx.r.kms.usable(key) {
            Ok(key)
                if ["kms:GenerateDataKey", "kms:Decrypt"]
                    .iter()
                    .all(|action| key.allows_service(PUBLISHER, action)) =>
            {
                Ok(())
            }
            _ => Err(denied()),
        },
        None => Ok(()),
    }
}

fn check_categories(source_type: Option<&str>, categories: &[String]) -> Result<(), Refusal> {
    let known = match source_type {
        None => CATEGORIES.iter().flat_map(|(_, all)| all.iter().copied()).collect::<Vec<_>>(),
        Some(source_type) => match CATEGORIES.iter().find(|(name, _)| *name == source_type) {
            Some((_, all)) => all.to_vec(),
            None if OTHER_TYPES.contains(&source_type) => return Ok(()),
            None => return Err(invalid(format!("{source_type} is not a valid source type."))),
        },
    };
    match categories.iter().find(|category| !known.contains(&category.as_str())) {
        None => Ok(()),
        Some(category) => Err(Refusal::new(
            "SubscriptionCategoryNotFound",
            format!("The event category {category} does not exist for this source type."),
        )
        .with_status(404)),
    }
}

/// A source must exist (RDS API Reference, CreateEventSubscription, `SourceNotFound`).
fn check_source(cx: &Cx<'_>, source_type: Option<&str>, id: &str) -> Result<(), Refusal> {
    let rds = &cx.r.rds;
    let exists = match source_type {
        Some("db-instance") => rds.instances.contains_key(id),
        Some("db-cluster") => rds.clusters.contains_key(id),
        Some("db-parameter-group") => rds.parameter_groups.contains_key(id),
        Some("db-cluster-snapshot") => rds.snapshots.contains_key(id),
        _ => false,
    };
    ensure(exists, || no_source(id))
}

fn no_source(id: &str) -> Refusal {
    Refusal::new("SourceNotFound", format!("The requested source {id} could not be found.")).with_status(404)
}
