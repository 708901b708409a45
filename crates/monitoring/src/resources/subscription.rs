//! A subscription: somebody who gets what is published to a topic.
//!
//! The surprises: an e-mail address gets nothing until its owner clicks on the link in a first e-mail. Until then the
//! subscription is pending and has no ARN that a list would show; it cannot be deleted, and goes by itself after two to
//! three days, or with its topic. It is recorded as made all the same; if nobody clicks and it goes, a refresh says so,
//! and the next run sends the e-mail again.
//!
//! Wait: the topic is not found for a moment after it was made. Read: in the place of the ARN there may be the words
//! `PendingConfirmation` and `Deleted`. Update: only of a filter, which somebody has set and which keeps alarms from whoever should
//! get them: an empty one takes it off. Terminal is `Deleted`; a pending one ends by itself, and shows no filter.

use async_trait::async_trait;
use aws::{CallResult, Called, Context, TopicArn};
use aws_sdk_sns::types::Subscription as Live;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Loss, Named, Reads,
    Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::sns::{check_ours, sns};

/// The properties of a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Subscription<S: Stage = Declared> {
    /// The topic.
    pub topic_arn: S::Of<TopicArn>,
    /// How it is told: `email`.
    pub protocol: String,
    /// Who is told: an e-mail address.
    pub endpoint: String,
    /// Which messages it gets, as JSON. Never declared: it gets all. A live one may have a filter that somebody set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_policy: Option<String>,
}

/// What others can refer to. CloudFormation has the ARN, which a pending subscription does not show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct SubscriptionOutputs<S: Stage> {
    /// The topic.
    pub topic_arn: S::Of<TopicArn>,
    /// How it is told.
    pub protocol: S::Of<String>,
    /// Who is told.
    pub endpoint: S::Of<String>,
}

impl Declares for Subscription<Declared> {
    type Resolved = Subscription<Resolved>;
}

impl Subscription<Resolved> {
    fn outputs(&self) -> SubscriptionOutputs<Resolved> {
        SubscriptionOutputs {
            topic_arn: self.topic_arn.clone(),
            protocol: self.protocol.clone(),
            endpoint: self.endpoint.clone(),
        }
    }
}

/// The subscription of an endpoint. There is one at most.
async fn live(cx: &Context, outputs: &SubscriptionOutputs<Resolved>) -> Result<Option<Live>, CallError> {
    let request = sns(cx).list_subscriptions_by_topic().topic_arn(outputs.topic_arn.as_str());
    let mut subscriptions = request.into_paginator().items().send();
    while let Some(subscription) = subscriptions.next().await {
        let subscription = subscription.called("ListSubscriptionsByTopic").if_exists()?;
        // Where the topic is gone, its subscriptions are.
        let Some(subscription) = subscription else { return Ok(None) };
        let is_it = subscription.protocol() == Some(outputs.protocol.as_str())
            && subscription.endpoint() == Some(outputs.endpoint.as_str());
        // SNS shows one that was deleted for a while, with this in the place of its ARN.
        if is_it && subscription.subscription_arn() != Some("Deleted") {
            return Ok(Some(subscription));
        }
    }
    Ok(None)
}

/// The ARN of a subscription that was confirmed: everything else in its place is a word.
fn confirmed(live: &Live) -> Option<&str> {
    live.subscription_arn().filter(|arn| arn.starts_with("arn:"))
}

/// The filter that lets everything through, and takes another one off (SNS API Reference, SetSubscriptionAttributes).
const NO_FILTER: &str = "{}";

/// The filter of a confirmed subscription, if it has one.
async fn filter_of(cx: &Context, arn: &str) -> Result<Option<String>, CallError> {
    let answer = sns(cx).get_subscription_attributes().subscription_arn(arn).send().await;
    let answer = answer.called("GetSubscriptionAttributes").if_exists()?;
    let filter = answer.and_then(|answer| answer.attributes?.remove("FilterPolicy"));
    Ok(filter.filter(|filter| !filter.is_empty() && filter != NO_FILTER))
}

#[async_trait]
impl Resource for Subscription<Resolved> {
    const KIND: &'static str = "AWS::SNS::Subscription";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["TopicArn", "Protocol", "Endpoint"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { own_properties: &["FilterPolicy"], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["TopicArn", "Protocol", "Endpoint"],
            words: "the ARN of the topic, the protocol and the endpoint",
            example: "arn:aws:sns:ap-southeast-1:123456789012:payment-alarms-dev|email|oncall@example.com",
        },
        reads: Reads { least: 1, most: 2, together: Some("ListSubscriptionsByTopic") },
        cost: Some("sns-delivery"),
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &["FilterPolicy"];
    type Context = Context;
    type Declared = Subscription<Declared>;
    type Outputs<S: Stage> = SubscriptionOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{} {} {}", self.topic_arn, self.protocol, self.endpoint))
    }

    async fn find(
        &self,
        cx: &Context,
        _search: &Search,
    ) -> Result<Option<SubscriptionOutputs<Resolved>>, CallError> {
        let outputs = self.outputs();
        if live(cx, &outputs).await?.is_none() {
            return Ok(None);
        }
        check_ours(cx, &self.topic_arn, "a subscription").await?;
        Ok(Some(outputs))
    }

    /// Safe to repeat: an endpoint that is subscribed already keeps its subscription.
    async fn create(
        &self,
        cx: &Context,
        _intent: &Intent,
    ) -> Result<SubscriptionOutputs<Resolved>, CallError> {
        let request = sns(cx)
            .subscribe()
            .topic_arn(self.topic_arn.as_str())
            .protocol(&self.protocol)
            .endpoint(&self.endpoint);
        request.send().await.called("Subscribe").once_visible()?;
        Ok(self.outputs())
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &SubscriptionOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = live(cx, outputs).await? else { return Ok(None) };
        let filter_policy = match confirmed(&live) {
            Some(arn) => filter_of(cx, arn).await?,
            None => None,
        };
        Ok(Some(Self {
            topic_arn: outputs.topic_arn.clone(),
            protocol: outputs.protocol.clone(),
            endpoint: outputs.endpoint.clone(),
            filter_policy,
        }))
    }

    /// Nothing of it can be changed but its filter.
    async fn update(
        &self,
        cx: &Context,
        outputs: &SubscriptionOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<SubscriptionOutputs<Resolved>, CallError> {
        let live = live(cx, outputs).await?;
        if let Some(arn) = live.as_ref().and_then(confirmed).filter(|_| changed.has("FilterPolicy")) {
            let policy = self.filter_policy.as_deref().unwrap_or(NO_FILTER);
            let request = sns(cx).set_subscription_attributes().subscription_arn(arn);
            let request = request.attribute_name("FilterPolicy").attribute_value(policy);
            request.send().await.called("SetSubscriptionAttributes")?;
        }
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &SubscriptionOutputs<Resolved>) -> Result<(), CallError> {
        let live = live(cx, outputs).await?;
        // SNS refuses to delete one that is pending. It delivers nothing, and goes by itself or with its topic.
        let Some(arn) = live.as_ref().and_then(confirmed) else { return Ok(()) };
        let request = sns(cx).unsubscribe().subscription_arn(arn);
        request.send().await.called("Unsubscribe").map(drop).gone_is_ok()
    }

    /// One that is pending counts as gone, since nobody can do more about it.
    async fn poll_gone(
        &self,
        cx: &Context,
        outputs: &SubscriptionOutputs<Resolved>,
    ) -> Result<bool, CallError> {
        Ok(live(cx, outputs).await?.as_ref().and_then(confirmed).is_none())
    }
}
