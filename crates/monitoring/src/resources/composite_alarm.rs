//! A composite alarm: one alarm on the states of others, so that an incident is one message.
//!
//! The surprise: an alarm that it names cannot be deleted, so its rule must refer to their names, and it is deleted
//! first.
//!
//! An alarm that suppresses this one's actions would silence the one message that counts, and actions for the state without data
//! tell somebody else: whatever somebody has set there is drift. What its messages say besides (`ActionConfiguration`) is sent
//! back by an update.
//!
//! Wait: "do not exist" is said of alarms that were made a moment ago. Read: AWS gives back the rule and the lists as they were
//! put. Update: a put replaces everything, so everything is put; it sets no tags on an alarm that is there, which have calls of
//! their own. No state is terminal: an alarm has no life cycle.

use async_trait::async_trait;
use aws::cloudwatch::{client, live_tags, retag, tag, taken};
use aws::resources::alarm_named;
use aws::{
    AlarmArn, AlarmName, CallResult, Called, Context, Tags, TopicArn, converge, count, in_order_of, number,
    required,
};
use aws_sdk_cloudwatch::types::ActionConfiguration;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Listed, Loss,
    Named, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

/// The properties of a composite alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct CompositeAlarm<S: Stage = Declared> {
    /// Its name, unique in account and region, also among alarms on metrics.
    pub alarm_name: AlarmName,
    /// What it means.
    pub alarm_description: String,
    /// When it goes off, such as `ALARM("a") OR ALARM("b")`.
    pub alarm_rule: S::Of<String>,
    /// Whether anybody is told.
    pub actions_enabled: bool,
    /// Who is told when it goes off.
    pub alarm_actions: Vec<S::Of<TopicArn>>,
    /// Who is told when all is well again.
    #[serde(rename = "OKActions")]
    pub ok_actions: Vec<S::Of<TopicArn>>,
    /// Who is told when there is no data to tell. Never declared.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub insufficient_data_actions: Vec<S::Of<TopicArn>>,
    /// The alarm, by its name or ARN, that keeps this one from telling anybody while it is on. Never declared.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub actions_suppressor: Option<S::Of<AlarmName>>,
    /// For how many seconds this one waits until that alarm is on. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions_suppressor_wait_period: Option<u32>,
    /// For how many seconds it stays silent once that alarm is off. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions_suppressor_extension_period: Option<u32>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct CompositeAlarmOutputs<S: Stage> {
    /// The ARN.
    pub arn: S::Of<AlarmArn>,
    /// The name; a reference to it waits until the alarm exists. CloudFormation has it as `Ref`.
    pub alarm_name: S::Of<AlarmName>,
}

impl Declares for CompositeAlarm<Declared> {
    type Resolved = CompositeAlarm<Resolved>;
}

fn texts(arns: &[TopicArn]) -> Option<Vec<String>> {
    Some(arns.iter().map(ToString::to_string).collect())
}

fn topics(live: Option<Vec<String>>, recorded: &[TopicArn]) -> Vec<TopicArn> {
    let live = live.unwrap_or_default().into_iter().map(TopicArn::from).collect();
    in_order_of(recorded, live, TopicArn::clone)
}

impl CompositeAlarm<Resolved> {
    /// One call for making and for changing, with what messages said besides before it.
    async fn put(
        &self,
        cx: &Context,
        intent: Option<&Intent>,
        tells: Option<ActionConfiguration>,
    ) -> Result<(), CallError> {
        let tags = intent.map(|intent| cx.stamp(&self.tags, intent)).transpose()?;
        let request = client(cx)
            .put_composite_alarm()
            .alarm_name(self.alarm_name.as_str())
            .alarm_description(&self.alarm_description)
            .alarm_rule(&self.alarm_rule)
            .actions_enabled(self.actions_enabled)
            .set_alarm_actions(texts(&self.alarm_actions))
            .set_ok_actions(texts(&self.ok_actions))
            .set_insufficient_data_actions(texts(&self.insufficient_data_actions))
            .set_actions_suppressor(self.actions_suppressor.as_ref().map(ToString::to_string))
            .set_actions_suppressor_wait_period(self.actions_suppressor_wait_period.map(number))
            .set_actions_suppressor_extension_period(self.actions_suppressor_extension_period.map(number))
            .set_action_configuration(tells)
            .set_tags(tags.map(|tags| tags.list(tag)));
        // The alarms in its rule were made a moment ago.
        let answer = request.send().await.called("PutCompositeAlarm");
        answer.classed_saying("ValidationError", "do not exist", ErrorClass::NotYet).map(drop)
    }
}

#[async_trait]
impl Resource for CompositeAlarm<Resolved> {
    const KIND: &'static str = "AWS::CloudWatch::CompositeAlarm";
    const FACTS: Facts = Facts {
        name: Named::ByName("AlarmName"),
        create_only: CreateOnly::These(&["AlarmName"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["AlarmName"],
            words: "the name of the composite alarm",
            example: "payment-critical-dev",
        },
        reads: Reads { least: 2, most: 2, together: Some("DescribeAlarms") },
        cost: Some("composite-alarm"),
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &[
        "ActionsSuppressor",
        "ActionsSuppressorExtensionPeriod",
        "ActionsSuppressorWaitPeriod",
        "InsufficientDataActions",
    ];
    type Context = Context;
    type Declared = CompositeAlarm<Declared>;
    type Outputs<S: Stage> = CompositeAlarmOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.alarm_name.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<CompositeAlarmOutputs<Resolved>>, CallError> {
        let what = format!("composite alarm {}", self.alarm_name);
        let live = match alarm_named(cx, self.alarm_name.as_str()).await? {
            (_, Some(live)) => live,
            (None, None) => return Ok(None),
            (Some(_), None) => {
                return Err(CallError::conflict(format!("looking for {what}"), "it is an alarm on a metric"));
            }
        };
        let arn: AlarmArn = required(live.alarm_arn, "DescribeAlarms", "AlarmArn")?.into();
        let Some(tags) = live_tags(cx, arn.as_str()).await.if_exists()? else { return Ok(None) };
        cx.adopt(&what, &tags, search)?;
        Ok(Some(CompositeAlarmOutputs { arn, alarm_name: self.alarm_name.clone() }))
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<CompositeAlarmOutputs<Resolved>, CallError> {
        let name = &self.alarm_name;
        if alarm_named(cx, name.as_str()).await? != (None, None) {
            return Err(taken("PutCompositeAlarm", &format!("alarm {name}")));
        }
        self.put(cx, Some(intent), None).await?;
        // The call answers nothing; the ARN is made of what is known.
        let arn =
            format!("arn:{}:cloudwatch:{}:{}:alarm:{name}", cx.partition(), cx.region(), cx.account_id());
        Ok(CompositeAlarmOutputs { arn: arn.into(), alarm_name: name.clone() })
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &CompositeAlarmOutputs<Resolved>,
    ) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &CompositeAlarmOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let (_, Some(live)) = alarm_named(cx, outputs.alarm_name.as_str()).await? else { return Ok(None) };
        let Some(tags) = live_tags(cx, outputs.arn.as_str()).await.if_exists()? else { return Ok(None) };
        Ok(Some(Self {
            alarm_name: live.alarm_name.unwrap_or_default().into(),
            alarm_description: live.alarm_description.unwrap_or_default(),
            alarm_rule: live.alarm_rule.unwrap_or_default(),
            // PutCompositeAlarm: true where it is left out.
            actions_enabled: live.actions_enabled.unwrap_or(true),
            alarm_actions: topics(live.alarm_actions, &self.alarm_actions),
            ok_actions: topics(live.ok_actions, &self.ok_actions),
            insufficient_data_actions: topics(
                live.insufficient_data_actions,
                &self.insufficient_data_actions,
            ),
            actions_suppressor: live.actions_suppressor.map(AlarmName::from),
            actions_suppressor_wait_period: live.actions_suppressor_wait_period.map(count),
            actions_suppressor_extension_period: live.actions_suppressor_extension_period.map(count),
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &CompositeAlarmOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<CompositeAlarmOutputs<Resolved>, CallError> {
        if changed.properties.iter().any(|name| name != "Tags") {
            let (_, live) = alarm_named(cx, self.alarm_name.as_str()).await?;
            self.put(cx, None, live.and_then(|live| live.action_configuration)).await?;
        }
        retag(cx, outputs.arn.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &CompositeAlarmOutputs<Resolved>) -> Result<(), CallError> {
        let request = client(cx).delete_alarms().alarm_names(outputs.alarm_name.as_str());
        request.send().await.called("DeleteAlarms").map(drop).gone_is_ok()
    }
}
