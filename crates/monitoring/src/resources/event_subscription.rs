//! A subscription of RDS's events: what happens to databases is told to a topic.
//!
//! The surprise: RDS checks the topic when the subscription is made, so both the topic's policy and the policy of the key that
//! encrypts it must let RDS publish by then; a policy that was put a moment ago may not have spread. And while RDS makes a change, it
//! refuses the next one.
//!
//! Wait: `SNSNoAuthorization` right after the topic's policy, a topic that is not found yet, and `InvalidEventSubscriptionState` while
//! an earlier change is made. Read: the lists come back in an order of their own. Update: ModifyEventSubscription changes no
//! sources, which have calls of their own, and another source type takes the sources away. No state is terminal, but
//! `no-permission` and `topic-not-exist` may outlast their cause until the subscription is modified (AWS does not say): it counts as
//! not enabled, so that the next run modifies it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws::rds::types::EventSubscription as Live;
use aws::rds::{client, retag, tag, tags_of};
use aws::{CallResult, Called, Context, Tags, TopicArn, in_order_of, required};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Listed, Loss,
    Named, Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

/// A change that came too early (RDS API Reference, DeleteEventSubscription: "This error can occur if someone else is modifying a
/// subscription. You should retry the action.").
const BUSY: &str = "InvalidEventSubscriptionState";
/// The topic does not let RDS publish, or not yet.
const NOT_YET: &str = "SNSNoAuthorization";

/// The statuses of one whose topic does not let RDS publish any more, or is gone.
const MUTE: [&str; 2] = ["no-permission", "topic-not-exist"];
/// The statuses that do not end by themselves (RDS API Reference, EventSubscription, `Status`).
const SETTLED: [&str; 3] = ["active", MUTE[0], MUTE[1]];

/// The properties of a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct EventSubscription<S: Stage = Declared> {
    /// Its name, unique in account and region.
    pub subscription_name: String,
    /// Where events are published.
    pub sns_topic_arn: S::Of<TopicArn>,
    /// What events are of: `db-cluster`, `db-instance`, `db-parameter-group`, `db-security-group` and others.
    pub source_type: String,
    /// Whose events, by their names; everybody's of that type in account and region where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty", default = "Vec::new")]
    pub source_ids: Vec<S::Of<String>>,
    /// Which events, such as `failure`. The type has its own.
    pub event_categories: Vec<String>,
    /// Whether anything is published. A live one that cannot publish, since the topic is another one or lets nobody, is not.
    pub enabled: bool,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct EventSubscriptionOutputs<S: Stage> {
    /// Its name.
    pub subscription_name: S::Of<String>,
    /// Its ARN.
    pub arn: S::Of<String>,
}

impl Declares for EventSubscription<Declared> {
    type Resolved = EventSubscription<Resolved>;
}

/// A subscription, also one that is going.
async fn described(cx: &Context, name: &str) -> Result<Option<Live>, CallError> {
    let request = client(cx).describe_event_subscriptions().subscription_name(name);
    let answer = request.send().await.called("DescribeEventSubscriptions").if_exists()?;
    let found = answer.and_then(|answer| answer.event_subscriptions_list).unwrap_or_default();
    Ok(found.into_iter().next())
}

/// A subscription, unless there is none or it is going.
async fn live(cx: &Context, name: &str) -> Result<Option<Live>, CallError> {
    Ok(described(cx, name).await?.filter(|live| live.status() != Some("deleting")))
}

fn outputs(live: &Live, operation: &str) -> Result<EventSubscriptionOutputs<Resolved>, CallError> {
    let name = required(live.cust_subscription_id(), operation, "CustSubscriptionId")?;
    let arn = required(live.event_subscription_arn(), operation, "EventSubscriptionArn")?;
    Ok(EventSubscriptionOutputs { subscription_name: name.to_owned(), arn: arn.to_owned() })
}

/// Whether RDS publishes what it should: not where the topic went, or does not let it any more.
fn publishes(live: &Live) -> bool {
    live.enabled() == Some(true) && !live.status().is_some_and(|status| MUTE.contains(&status))
}

impl EventSubscription<Resolved> {
    /// Whether everything is as wanted that one call sets.
    fn is_as_modified(&self, live: &Live) -> bool {
        let categories: BTreeSet<&String> = live.event_categories_list().iter().collect();
        live.sns_topic_arn() == Some(self.sns_topic_arn.as_str())
            && live.source_type() == Some(self.source_type.as_str())
            && categories == self.event_categories.iter().collect()
            && publishes(live) == self.enabled
    }

    /// Sets what one call sets, where something of it is not as wanted.
    async fn modify(&self, cx: &Context, live: &Live) -> Result<(), CallError> {
        if self.is_as_modified(live) {
            return Ok(());
        }
        let request = client(cx)
            .modify_event_subscription()
            .subscription_name(&self.subscription_name)
            .sns_topic_arn(self.sns_topic_arn.as_str())
            .source_type(&self.source_type)
            .set_event_categories(Some(self.event_categories.clone()))
            .enabled(self.enabled);
        once_free(request.send().await.called("ModifyEventSubscription")).map(drop)
    }
}

/// One that is to be changed must be there.
async fn present(cx: &Context, name: &str) -> Result<Live, CallError> {
    let gone = || CallError::new(ErrorClass::NotFound, "DescribeEventSubscriptions", "it is gone");
    live(cx, name).await?.ok_or_else(gone)
}

/// A call that changes one: again later, where an earlier change is not done or the topic's policy has not spread.
fn once_free<T>(answer: Result<T, CallError>) -> Result<T, CallError> {
    answer.classed(&[BUSY], ErrorClass::Throttled).classed(&[NOT_YET], ErrorClass::NotYet)
}

#[async_trait]
impl Resource for EventSubscription<Resolved> {
    const KIND: &'static str = "AWS::RDS::EventSubscription";
    const FACTS: Facts = Facts {
        name: Named::ByName("SubscriptionName"),
        create_only: CreateOnly::These(&["SubscriptionName"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        // Terraform's provider gives RDS 40 minutes for each.
        times: Times {
            ready: Span { typical: 20, longest: 2400 },
            gone: Span { typical: 10, longest: 2400 },
        },
        import: ImportId {
            parts: &["SubscriptionName"],
            words: "the name of the event subscription",
            example: "payment-db-cluster-events-dev",
        },
        reads: Reads { least: 2, most: 2, together: Some("DescribeEventSubscriptions") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = EventSubscription<Declared>;
    type Outputs<S: Stage> = EventSubscriptionOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.subscription_name.clone())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<EventSubscriptionOutputs<Resolved>>, CallError> {
        let Some(live) = live(cx, &self.subscription_name).await? else { return Ok(None) };
        let outputs = outputs(&live, "DescribeEventSubscriptions")?;
        let tags = tags_of(cx, &outputs.arn).await?;
        cx.adopt(&format!("event subscription {}", self.subscription_name), &tags, search)?;
        Ok(Some(outputs))
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<EventSubscriptionOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateEventSubscription";
        let request = client(cx)
            .create_event_subscription()
            .subscription_name(&self.subscription_name)
            .sns_topic_arn(self.sns_topic_arn.as_str())
            .source_type(&self.source_type)
            .set_source_ids((!self.source_ids.is_empty()).then(|| self.source_ids.clone()))
            .set_event_categories(Some(self.event_categories.clone()))
            .enabled(self.enabled)
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = once_free(request.send().await.called(OPERATION)).once_visible()?;
        outputs(&required(answer.event_subscription, OPERATION, "EventSubscription")?, OPERATION)
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &EventSubscriptionOutputs<Resolved>,
    ) -> Result<Readiness<EventSubscriptionOutputs<Resolved>>, CallError> {
        let live = live(cx, &outputs.subscription_name).await?;
        Ok(match live.and_then(|live| live.status) {
            // One that cannot publish may stay so until it is modified: there is nothing to wait for.
            Some(status) if SETTLED.contains(&status.as_str()) => Readiness::Ready(outputs.clone()),
            status => Readiness::Pending(status.unwrap_or_else(|| "not visible yet".to_owned())),
        })
    }

    /// One whose creation was interrupted may have lost its topic since.
    async fn configure(
        &self,
        cx: &Context,
        outputs: &EventSubscriptionOutputs<Resolved>,
    ) -> Result<(), CallError> {
        self.modify(cx, &present(cx, &outputs.subscription_name).await?).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &EventSubscriptionOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = live(cx, &outputs.subscription_name).await? else { return Ok(None) };
        let Some(tags) = tags_of(cx, &outputs.arn).await.if_exists()? else { return Ok(None) };
        let enabled = publishes(&live);
        let categories = live.event_categories_list.unwrap_or_default();
        Ok(Some(Self {
            subscription_name: outputs.subscription_name.clone(),
            sns_topic_arn: live.sns_topic_arn.unwrap_or_default().into(),
            source_type: live.source_type.unwrap_or_default(),
            source_ids: in_order_of(
                &self.source_ids,
                live.source_ids_list.unwrap_or_default(),
                String::clone,
            ),
            event_categories: in_order_of(&self.event_categories, categories, String::clone),
            enabled,
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &EventSubscriptionOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<EventSubscriptionOutputs<Resolved>, CallError> {
        let name = outputs.subscription_name.as_str();
        // While one change is made, RDS refuses the next, so this runs again and must go on where it was.
        let live = present(cx, name).await?;
        self.modify(cx, &live).await?;
        // Sources are named one by one, and a change of the type takes away those that were of the other one.
        let same_type = live.source_type() == Some(self.source_type.as_str());
        let sources = if same_type { live.source_ids_list() } else { &[] };
        // First what comes: without any source it would be everybody's events.
        for id in self.source_ids.iter().filter(|id| !sources.contains(id)) {
            let request = client(cx).add_source_identifier_to_subscription();
            let request = request.subscription_name(name).source_identifier(id);
            once_free(request.send().await.called("AddSourceIdentifierToSubscription"))?;
        }
        for id in sources.iter().filter(|id| !self.source_ids.contains(id)) {
            let request = client(cx).remove_source_identifier_from_subscription();
            let request = request.subscription_name(name).source_identifier(id);
            once_free(request.send().await.called("RemoveSourceIdentifierFromSubscription"))?;
        }
        retag(cx, &outputs.arn, &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        cx: &Context,
        outputs: &EventSubscriptionOutputs<Resolved>,
    ) -> Result<(), CallError> {
        if live(cx, &outputs.subscription_name).await?.is_none() {
            return Ok(());
        }
        let request = client(cx).delete_event_subscription().subscription_name(&outputs.subscription_name);
        let answer = request.send().await.called("DeleteEventSubscription");
        answer.classed(&[BUSY], ErrorClass::DependencyViolation).map(drop).gone_is_ok()
    }

    /// One that is going still has its name.
    async fn poll_gone(
        &self,
        cx: &Context,
        outputs: &EventSubscriptionOutputs<Resolved>,
    ) -> Result<bool, CallError> {
        Ok(described(cx, &outputs.subscription_name).await?.is_none())
    }
}
