//! An SNS topic: who publishes to it need not know who listens.
//!
//! The surprise: what is encrypted with AWS's own key for SNS cannot be published by CloudWatch, so that its alarms are
//! silent; the key must be one whose policy lets CloudWatch use it.
//!
//! Wait: the key is not found for a moment after it was made. Read: a topic without a display name has an empty one, and the policy
//! that SNS gives it. Update: SNS takes any key, and fails only with the first message if it cannot use it. No state is terminal:
//! a topic has none.

use async_trait::async_trait;
use aws::cloudwatch::taken;
use aws::{CallResult, Called, Context, KeyArn, Tags, TopicArn, converge, required};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Listed, Loss, Named, Reads,
    Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::sns::{attributes, live_tags, retag, set_attribute, sns, tag};

/// The properties of a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Topic<S: Stage = Declared> {
    /// Its name, unique in account and region.
    pub topic_name: String,
    /// From whom e-mails seem to come, at most 100 characters.
    pub display_name: String,
    /// The key that encrypts its messages while SNS has them.
    pub kms_master_key_id: S::Of<KeyArn>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct TopicOutputs<S: Stage> {
    /// The ARN.
    pub topic_arn: S::Of<TopicArn>,
}

impl Declares for Topic<Declared> {
    type Resolved = Topic<Resolved>;
}

impl Topic<Resolved> {
    fn arn(&self, cx: &Context) -> TopicArn {
        let (partition, region, account) = (cx.partition(), cx.region(), cx.account_id());
        format!("arn:{partition}:sns:{region}:{account}:{}", self.topic_name).into()
    }
}

#[async_trait]
impl Resource for Topic<Resolved> {
    const KIND: &'static str = "AWS::SNS::Topic";
    const FACTS: Facts = Facts {
        name: Named::ByName("TopicName"),
        create_only: CreateOnly::These(&["TopicName"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["TopicArn"],
            words: "the ARN of the topic",
            example: "arn:aws:sns:ap-southeast-1:123456789012:payment-alarms-dev",
        },
        reads: Reads { least: 2, most: 2, together: None },
        cost: Some("sns-request"),
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = Topic<Declared>;
    type Outputs<S: Stage> = TopicOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.topic_name.clone())
    }

    async fn find(&self, cx: &Context, search: &Search) -> Result<Option<TopicOutputs<Resolved>>, CallError> {
        let topic_arn = self.arn(cx);
        let Some(tags) = live_tags(cx, &topic_arn).await? else { return Ok(None) };
        cx.adopt(&format!("topic {}", self.topic_name), &tags, search)?;
        Ok(Some(TopicOutputs { topic_arn }))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<TopicOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateTopic";
        // A topic of that name would be answered as if it were new, or refused as an invalid parameter.
        if attributes(cx, &self.arn(cx)).await?.is_some() {
            return Err(taken(OPERATION, &format!("topic {}", self.topic_name)));
        }
        let request = sns(cx)
            .create_topic()
            .name(&self.topic_name)
            .attributes("DisplayName", &self.display_name)
            .attributes("KmsMasterKeyId", self.kms_master_key_id.as_str())
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request.send().await.called(OPERATION).once_visible();
        let answer = answer.once_spread(
            cx,
            &["KMSDisabled", "KMSDisabledException", "KMSNotFound", "KMSNotFoundException"],
        )?;
        let topic_arn = required(answer.topic_arn, OPERATION, "TopicArn")?.into();
        Ok(TopicOutputs { topic_arn })
    }

    async fn configure(&self, cx: &Context, outputs: &TopicOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(&self, cx: &Context, outputs: &TopicOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let topic = &outputs.topic_arn;
        let Some(mut live) = attributes(cx, topic).await? else { return Ok(None) };
        let Some(tags) = live_tags(cx, topic).await? else { return Ok(None) };
        Ok(Some(Self {
            topic_name: topic.as_str().rsplit(':').next().unwrap_or_default().to_owned(),
            display_name: live.remove("DisplayName").unwrap_or_default(),
            kms_master_key_id: live.remove("KmsMasterKeyId").unwrap_or_default().into(),
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &TopicOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<TopicOutputs<Resolved>, CallError> {
        let topic = &outputs.topic_arn;
        if changed.has("DisplayName") {
            set_attribute(cx, topic, "DisplayName", &self.display_name).await?;
        }
        if changed.has("KmsMasterKeyId") {
            set_attribute(cx, topic, "KmsMasterKeyId", self.kms_master_key_id.as_str()).await?;
        }
        retag(cx, topic, &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &TopicOutputs<Resolved>) -> Result<(), CallError> {
        // Its subscriptions go with it, also those that nobody confirmed.
        let request = sns(cx).delete_topic().topic_arn(outputs.topic_arn.as_str());
        request.send().await.called("DeleteTopic").map(drop).gone_is_ok()
    }
}
