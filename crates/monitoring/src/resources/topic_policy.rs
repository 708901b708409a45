//! The policy of a topic: who may publish to it, and how.
//!
//! The surprises: a topic is never without a policy, since SNS gives it one that lets the whole account do everything;
//! and there is no call that takes a policy away, so that deleting ours puts that one back.
//!
//! Wait: the topic is not found for a moment after it was made. Read: SNS gives the document back in its own order, with lists of
//! one as that one, so documents are compared by meaning. Update: takes up to a minute until it holds everywhere. No state is
//! terminal: there is none.

use async_trait::async_trait;
use aws::policy::{PolicyDocument, Principal, Statement};
use aws::{CallResult, Context, TopicArn, converge};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, FoundIn, ImportId, Intent, Listed, Loss,
    Named, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::sns::{attributes, check_ours, set_attribute};

/// The properties of a topic policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct TopicPolicy<S: Stage = Declared> {
    /// The topic, alone in a list.
    pub topics: [S::Of<TopicArn>; 1],
    /// Who may do what.
    pub policy_document: PolicyDocument,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct TopicPolicyOutputs<S: Stage> {
    /// The topic; a reference to it waits until the policy is in place. CloudFormation has no such output.
    pub topic_arn: S::Of<TopicArn>,
}

impl Declares for TopicPolicy<Declared> {
    type Resolved = TopicPolicy<Resolved>;
}

/// What SNS gives to a new topic (SNS Developer Guide, "Default topic policy").
fn by_default(cx: &Context, topic: &TopicArn) -> PolicyDocument {
    let actions = [
        "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes",
        "SNS:AddPermission",
        "SNS:RemovePermission",
        "SNS:DeleteTopic",
        "SNS:Subscribe",
        "SNS:ListSubscriptionsByTopic",
        "SNS:Publish",
    ];
    let account = cx.account_id().to_owned();
    PolicyDocument::new([Statement::allow(actions)
        .sid(DEFAULT_SID)
        .principal(Principal::Anyone)
        .resources([topic.to_string().into()])
        .when("StringEquals", "AWS:SourceOwner", [account.into()])])
}

/// The name of the statement in that policy.
const DEFAULT_SID: &str = "__default_statement_ID";

/// The policy that somebody gave to a topic, if somebody did.
async fn live(cx: &Context, topic: &TopicArn) -> Result<Option<PolicyDocument>, CallError> {
    let Some(mut attributes) = attributes(cx, topic).await? else { return Ok(None) };
    let Some(policy) = attributes.remove("Policy") else { return Ok(None) };
    let policy = PolicyDocument::parse(&policy, "GetTopicAttributes")?;
    Ok(Some(policy).filter(|policy| !policy.to_json().contains(DEFAULT_SID)))
}

impl TopicPolicy<Resolved> {
    async fn put(&self, cx: &Context, policy: &PolicyDocument) -> Result<(), CallError> {
        set_attribute(cx, &self.topics[0], "Policy", &policy.to_json()).await
    }

    fn outputs(&self) -> TopicPolicyOutputs<Resolved> {
        TopicPolicyOutputs { topic_arn: self.topics[0].clone() }
    }
}

#[async_trait]
impl Resource for TopicPolicy<Resolved> {
    const KIND: &'static str = "AWS::SNS::TopicPolicy";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["Topics"]),
        lists: &[Listed { path: "PolicyDocument.Statement", key: "Sid" }],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        // Who refers to the topic through its policy waits for the policy.
        template: Template { outputs: &[("TopicArn", FoundIn::FirstOf("Topics"))], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["TopicArn"],
            words: "the ARN of the topic that has the policy",
            example: "arn:aws:sns:ap-southeast-1:123456789012:payment-alarms-dev",
        },
        reads: Reads { least: 1, most: 1, together: None },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = TopicPolicy<Declared>;
    type Outputs<S: Stage> = TopicPolicyOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.topics[0].to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        _search: &Search,
    ) -> Result<Option<TopicPolicyOutputs<Resolved>>, CallError> {
        let topic = &self.topics[0];
        if live(cx, topic).await?.is_none() {
            return Ok(None);
        }
        check_ours(cx, topic, "its policy").await?;
        Ok(Some(self.outputs()))
    }

    async fn create(
        &self,
        cx: &Context,
        _intent: &Intent,
    ) -> Result<TopicPolicyOutputs<Resolved>, CallError> {
        check_ours(cx, &self.topics[0], "its policy").await?;
        self.put(cx, &self.policy_document).await.once_visible()?;
        Ok(self.outputs())
    }

    async fn configure(&self, cx: &Context, outputs: &TopicPolicyOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &TopicPolicyOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let policy = live(cx, &outputs.topic_arn).await?;
        Ok(policy.map(|policy| Self {
            topics: [outputs.topic_arn.clone()],
            policy_document: self.policy_document.unless_changed(policy),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &TopicPolicyOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<TopicPolicyOutputs<Resolved>, CallError> {
        self.put(cx, &self.policy_document).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &TopicPolicyOutputs<Resolved>) -> Result<(), CallError> {
        let topic = &outputs.topic_arn;
        set_attribute(cx, topic, "Policy", &by_default(cx, topic).to_json()).await.gone_is_ok()
    }
}
