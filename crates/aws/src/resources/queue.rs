//! A queue: where messages wait until something works on them, or, of a dead letter queue, until somebody looks at them.
//!
//! The surprises: creating a queue whose name is taken is no error as long as the attributes are the same, AWS answers
//! with the one that is there, so this looks first; a name is held for a minute after its queue was deleted; and changes
//! of attributes take up to a minute to be seen everywhere.
//!
//! Wait: `QueueDeletedRecently`, for a minute. Read: every attribute is there, as a text, whether somebody set it or not. Update: a minute
//! until it holds everywhere. No state is terminal: a queue has none.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_sqs::types::QueueAttributeName;
use engine::{
    CallError, Changed, Contents, CreateOnly, Declared, Declares, ErrorClass, Facts, ForeignId, ImportId,
    Intent, Limit, Listed, Loss, Named, Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage,
    Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{CallResult, Called, required};
use crate::tags::{LiveTags, TagPairs};
use crate::{Context, QueueArn, QueueName, QueueUrl, Tags, converge};

/// The properties of a queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Queue<S: Stage = Declared> {
    /// Its name, unique in account and region.
    pub queue_name: QueueName,
    /// How long a message is kept, in seconds: 60 to 1209600, which are 14 days.
    pub message_retention_period: u32,
    /// For how long a message that was received is hidden from others, in seconds: 0 to 43200. SQS's 30 where it is not
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility_timeout: Option<u32>,
    /// Where messages go that were received in vain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redrive_policy: Option<RedrivePolicy<S>>,
    /// Whether messages are encrypted with a key of SQS's own.
    pub sqs_managed_sse_enabled: bool,
    /// Who may use it beside those that IAM lets in: a policy as JSON. Never declared; a live queue may have one that somebody set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What people see.
    pub tags: Tags,
}

/// Where messages go that were received in vain. With a small first letter, as SQS and CloudFormation have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase", deny_unknown_fields)]
pub struct RedrivePolicy<S: Stage = Declared> {
    /// The dead letter queue.
    pub dead_letter_target_arn: S::Of<QueueArn>,
    /// How often a message is received before it goes there: 1 to 1000.
    pub max_receive_count: u32,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct QueueOutputs<S: Stage> {
    /// The ARN.
    pub arn: S::Of<QueueArn>,
    /// The name.
    pub queue_name: S::Of<QueueName>,
    /// The URL, by which SQS's calls name it.
    pub queue_url: S::Of<QueueUrl>,
}

impl Declares for Queue<Declared> {
    type Resolved = Queue<Resolved>;
}

/// How SQS says that a queue is not there.
const MISSING: [&str; 2] = ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"];
/// How SQS says that a name is still held.
const HELD: [&str; 2] = ["AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently"];
/// How long messages are kept where a queue does not say: four days.
const RETENTION: u32 = 345_600;
/// For how long a received message is hidden where a queue does not say, in seconds.
const VISIBILITY: u32 = 30;

fn sqs(cx: &Context) -> aws_sdk_sqs::Client {
    cx.client(aws_sdk_sqs::Client::new)
}

/// The URL of the queue of this name, if there is one.
async fn url_of(cx: &Context, name: &QueueName) -> Result<Option<String>, CallError> {
    const OPERATION: &str = "GetQueueUrl";
    let answer = sqs(cx).get_queue_url().queue_name(name.as_str()).send().await.called(OPERATION);
    let Some(answer) = answer.classed(&MISSING, ErrorClass::NotFound).if_exists()? else { return Ok(None) };
    required(answer.queue_url, OPERATION, "QueueUrl").map(Some)
}

async fn tags_of(cx: &Context, url: &str) -> Result<Option<LiveTags>, CallError> {
    let answer = sqs(cx).list_queue_tags().queue_url(url).send().await.called("ListQueueTags");
    let answer = answer.classed(&MISSING, ErrorClass::NotFound).if_exists()?;
    Ok(answer.map(|answer| LiveTags::map(answer.tags)))
}

async fn attributes_of(
    cx: &Context,
    url: &QueueUrl,
) -> Result<Option<HashMap<QueueAttributeName, String>>, CallError> {
    let request = sqs(cx).get_queue_attributes().queue_url(url.as_str());
    let answer = request.attribute_names(QueueAttributeName::All).send().await;
    let answer = answer.called("GetQueueAttributes").classed(&MISSING, ErrorClass::NotFound).if_exists()?;
    Ok(answer.map(|answer| answer.attributes.unwrap_or_default()))
}

impl RedrivePolicy<Resolved> {
    fn for_call(&self) -> String {
        let Self { dead_letter_target_arn, max_receive_count } = self;
        json!({ "deadLetterTargetArn": dead_letter_target_arn, "maxReceiveCount": max_receive_count })
            .to_string()
    }

    /// SQS keeps the text as it was sent: the count may be a number or a text.
    fn live(text: &str) -> Option<Self> {
        let live: Value = serde_json::from_str(text).ok()?;
        let count = &live["maxReceiveCount"];
        let count = count.as_u64().or_else(|| count.as_str()?.parse().ok());
        Some(Self {
            dead_letter_target_arn: live["deadLetterTargetArn"].as_str()?.into(),
            max_receive_count: u32::try_from(count?).ok()?,
        })
    }
}

/// An attribute, which has the name of its property.
struct Attribute {
    name: &'static str,
    value: Option<String>,
    /// What sets it back to where nothing is said.
    unset: String,
}

impl Queue<Resolved> {
    fn attributes(&self) -> [Attribute; 5] {
        let of = |name, value: Option<String>, unset: String| Attribute { name, value, unset };
        let retention = self.message_retention_period.to_string();
        let encrypted = self.sqs_managed_sse_enabled.to_string();
        let visibility = self.visibility_timeout.map(|seconds| seconds.to_string());
        let redrive = self.redrive_policy.as_ref().map(RedrivePolicy::for_call);
        [
            of("MessageRetentionPeriod", Some(retention), RETENTION.to_string()),
            of("Policy", self.policy.clone(), String::new()),
            of("RedrivePolicy", redrive, String::new()),
            of("SqsManagedSseEnabled", Some(encrypted), true.to_string()),
            of("VisibilityTimeout", visibility, VISIBILITY.to_string()),
        ]
    }

    fn outputs(&self, cx: &Context, url: &str) -> QueueOutputs<Resolved> {
        let (partition, region, account) = (cx.partition(), cx.region(), cx.account_id());
        QueueOutputs {
            arn: format!("arn:{partition}:sqs:{region}:{account}:{}", self.queue_name).into(),
            queue_name: self.queue_name.clone(),
            queue_url: url.into(),
        }
    }
}

#[async_trait]
impl Resource for Queue<Resolved> {
    const KIND: &'static str = "AWS::SQS::Queue";
    const FACTS: Facts = Facts {
        name: Named::ByName("QueueName"),
        create_only: CreateOnly::These(&["QueueName"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Data("the messages in it"),
        keeps: &[],
        limits: &[Limit { property: "MessageRetentionPeriod", words: "messages that are older" }],
        template: Template { own_properties: &["Policy"], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["QueueUrl"],
            words: "the URL of the queue",
            example: "https://sqs.ap-southeast-1.amazonaws.com/123456789012/payment-backup-dead-letters-dev",
        },
        reads: Reads { least: 2, most: 2, together: None },
        cost: Some("sqs-request"),
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &["Policy", "RedrivePolicy", "VisibilityTimeout"];
    type Context = Context;
    type Declared = Queue<Declared>;
    type Outputs<S: Stage> = QueueOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.queue_name.to_string())
    }

    async fn find(&self, cx: &Context, search: &Search) -> Result<Option<QueueOutputs<Resolved>>, CallError> {
        let Some(url) = url_of(cx, &self.queue_name).await? else { return Ok(None) };
        let Some(tags) = tags_of(cx, &url).await? else { return Ok(None) };
        cx.adopt(&format!("queue {}", self.queue_name), &tags, search)?;
        Ok(Some(self.outputs(cx, &url)))
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<QueueOutputs<Resolved>>, CallError> {
        // `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`
        self.queue_name = id.part("QueueUrl").rsplit('/').next().unwrap_or_default().into();
        self.find(cx, &id.search()).await
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<QueueOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateQueue";
        if url_of(cx, &self.queue_name).await?.is_some() {
            let message = format!("there is a queue {}", self.queue_name);
            return Err(CallError::new(ErrorClass::AlreadyExists, OPERATION, message));
        }
        let attributes = self.attributes().into_iter().filter_map(|one| Some((one.name.into(), one.value?)));
        let request = sqs(cx)
            .create_queue()
            .queue_name(self.queue_name.as_str())
            .set_attributes(Some(attributes.collect()))
            .set_tags(Some(cx.stamp(&self.tags, intent)?.map()));
        let answer = request.send().await.called(OPERATION).classed(&HELD, ErrorClass::NotYet)?;
        Ok(self.outputs(cx, &required(answer.queue_url, OPERATION, "QueueUrl")?))
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &QueueOutputs<Resolved>,
    ) -> Result<Readiness<QueueOutputs<Resolved>>, CallError> {
        Ok(match attributes_of(cx, &outputs.queue_url).await? {
            Some(_) => Readiness::Ready(outputs.clone()),
            None => Readiness::Pending("not visible yet".to_owned()),
        })
    }

    async fn configure(&self, cx: &Context, outputs: &QueueOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(&self, cx: &Context, outputs: &QueueOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let Some(live) = attributes_of(cx, &outputs.queue_url).await? else { return Ok(None) };
        let Some(tags) = tags_of(cx, outputs.queue_url.as_str()).await? else { return Ok(None) };
        let retention = live.get(&QueueAttributeName::MessageRetentionPeriod);
        let encrypted = live.get(&QueueAttributeName::SqsManagedSseEnabled);
        let visibility = live.get(&QueueAttributeName::VisibilityTimeout);
        let visibility = visibility.and_then(|text| text.parse().ok()).unwrap_or(VISIBILITY);
        let is_said = self.visibility_timeout.is_some() || visibility != VISIBILITY;
        let redrive = live.get(&QueueAttributeName::RedrivePolicy);
        Ok(Some(Self {
            queue_name: outputs.queue_name.clone(),
            message_retention_period: retention.and_then(|text| text.parse().ok()).unwrap_or(RETENTION),
            visibility_timeout: is_said.then_some(visibility),
            redrive_policy: redrive.and_then(|text| RedrivePolicy::live(text)),
            sqs_managed_sse_enabled: encrypted.is_some_and(|text| text == "true"),
            policy: live.get(&QueueAttributeName::Policy).filter(|policy| !policy.is_empty()).cloned(),
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &QueueOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<QueueOutputs<Resolved>, CallError> {
        let (sqs, url) = (sqs(cx), outputs.queue_url.as_str());
        let attributes = self.attributes().into_iter().filter(|one| changed.has(one.name));
        let attributes: HashMap<QueueAttributeName, String> =
            attributes.map(|one| (one.name.into(), one.value.unwrap_or(one.unset))).collect();
        if !attributes.is_empty() {
            let request = sqs.set_queue_attributes().queue_url(url).set_attributes(Some(attributes));
            request.send().await.called("SetQueueAttributes")?;
        }
        let remove = async |keys| {
            let request = sqs.untag_queue().queue_url(url).set_tag_keys(Some(keys));
            request.send().await.called("UntagQueue").map(drop)
        };
        let set = async |tags: TagPairs| {
            let request = sqs.tag_queue().queue_url(url).set_tags(Some(tags.map()));
            request.send().await.called("TagQueue").map(drop)
        };
        changed.before.tags.changes_to(&self.tags).send(remove, set).await?;
        Ok(outputs.clone())
    }

    async fn contents(&self, cx: &Context, outputs: &QueueOutputs<Resolved>) -> Result<Contents, CallError> {
        const COUNTS: [QueueAttributeName; 3] = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request = sqs(cx).get_queue_attributes().queue_url(outputs.queue_url.as_str());
        let request = request.set_attribute_names(Some(COUNTS.to_vec()));
        let found =
            request.send().await.called("GetQueueAttributes").classed(&MISSING, ErrorClass::NotFound)?;
        let found = found.attributes.unwrap_or_default();
        let count: u64 = found.values().filter_map(|count| count.parse::<u64>().ok()).sum();
        // The counts come true only after about a minute (SQS API Reference, GetQueueAttributes): a message may be there that
        // they do not have.
        Ok(match count {
            0 => Contents::Unknown,
            1 => Contents::Some { words: "about 1 message".to_owned(), parts: Vec::new() },
            count => Contents::Some { words: format!("about {count} messages"), parts: Vec::new() },
        })
    }

    async fn delete(&self, cx: &Context, outputs: &QueueOutputs<Resolved>) -> Result<(), CallError> {
        let answer = sqs(cx).delete_queue().queue_url(outputs.queue_url.as_str()).send().await;
        answer.called("DeleteQueue").classed(&MISSING, ErrorClass::NotFound).gone_is_ok()
    }
}
