//! A schedule of EventBridge Scheduler: it calls something at a time of day in a time zone.
//!
//! The surprises: it has no tags (only groups have), so whose it is shows in the role in which it calls; an update sets
//! everything, and what it does not name goes back to the default; and a role that was made a moment ago cannot be
//! assumed yet.
//!
//! So an update sends back what somebody else has set and does no harm: the key that encrypts the schedule, and an input of our
//! target, which the function does not read. A start, an end and a deletion after the last call are drift: with each of them the
//! schedule may not call, while its state goes on saying `ENABLED`.
//!
//! Wait: "must allow AWS EventBridge Scheduler to assume", while the role is new. Read: what was not said has a default. Update: what it
//! leaves out goes back to the default. No state is terminal: a schedule has none.

use async_trait::async_trait;
use aws::{CallResult, Called, Context, required};
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::primitives::{DateTime, DateTimeFormat};
use aws_sdk_scheduler::types::{ActionAfterCompletion, ScheduleState};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::schedule_target::{FlexibleTimeWindow, Target};
use crate::{ScheduleArn, ScheduleName};

/// The properties of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Schedule<S: Stage = Declared> {
    /// Its name, unique in the group.
    pub name: ScheduleName,
    /// The group that it is in; `default` is there by itself.
    pub group_name: String,
    /// What it is for.
    pub description: String,
    /// When it is due.
    pub schedule_expression: String,
    /// In which time zone.
    pub schedule_expression_timezone: String,
    /// `ENABLED` or `DISABLED`.
    pub state: String,
    /// Whether it may be late.
    pub flexible_time_window: FlexibleTimeWindow,
    /// Since when it calls. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<String>,
    /// Until when it calls. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<String>,
    /// `DELETE`, if it is deleted after its last call. Never declared. CloudFormation has no such property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_after_completion: Option<String>,
    /// What it calls.
    pub target: Target<S>,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ScheduleOutputs<S: Stage> {
    /// The ARN, which has group and name.
    pub arn: S::Of<ScheduleArn>,
    /// The name.
    pub name: S::Of<ScheduleName>,
}

impl Declares for Schedule<Declared> {
    type Resolved = Schedule<Resolved>;
}

/// How Scheduler says that a name is taken, or that another change is in progress.
const CONFLICT: &str = "ConflictException";

fn scheduler(cx: &Context) -> aws_sdk_scheduler::Client {
    cx.client(aws_sdk_scheduler::Client::new)
}

/// `arn:aws:scheduler:REGION:ACCOUNT:schedule/GROUP/NAME` has the name of the group.
fn group_of(arn: &ScheduleArn) -> &str {
    arn.as_str().rsplit('/').nth(1).unwrap_or_default()
}

async fn live(
    cx: &Context,
    group: &str,
    name: &ScheduleName,
) -> Result<Option<GetScheduleOutput>, CallError> {
    let request = scheduler(cx).get_schedule().group_name(group).name(name.as_str());
    request.send().await.called("GetSchedule").if_exists()
}

/// A date as CloudFormation writes it.
fn text_of(date: &DateTime) -> String {
    // Every date that AWS can send has such a text.
    date.fmt(DateTimeFormat::DateTime).unwrap_or_else(|_| date.secs().to_string())
}

/// A fresh role spreads for seconds.
fn once_role_is_seen<T>(answer: Result<T, CallError>) -> Result<T, CallError> {
    answer.classed_saying(
        "ValidationException",
        "must allow AWS EventBridge Scheduler to assume",
        ErrorClass::NotYet,
    )
}

#[async_trait]
impl Resource for Schedule<Resolved> {
    const KIND: &'static str = "AWS::Scheduler::Schedule";
    const FACTS: Facts = Facts {
        name: Named::ByName("Name"),
        create_only: CreateOnly::These(&["Name", "GroupName"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { own_properties: &["ActionAfterCompletion"], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["Name"],
            words: "the name of the schedule",
            example: "payment-backup-verification-dev",
        },
        reads: Reads { least: 1, most: 1, together: None },
        cost: Some("scheduler-invocation"),
    };
    const SETTLE: Settle = Settle::Token;
    const CLOSED: &'static [&'static str] = &["ActionAfterCompletion", "EndDate", "StartDate"];
    type Context = Context;
    type Declared = Schedule<Declared>;
    type Outputs<S: Stage> = ScheduleOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{}/{}", self.group_name, self.name))
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<ScheduleOutputs<Resolved>>, CallError> {
        let Some(live) = live(cx, &self.group_name, &self.name).await? else { return Ok(None) };
        // The role is ours, or there would be none by which this is recorded; nobody else calls in it.
        let role = live.target().map(|target| target.role_arn());
        if !search.whosever && role != Some(self.target.role_arn.as_str()) {
            let operation = format!("looking for schedule {}", self.name);
            let message = format!("it exists already, and does not call in the role of {}", search.address);
            return Err(CallError::conflict(operation, message));
        }
        let arn = required(live.arn, "GetSchedule", "Arn")?;
        Ok(Some(ScheduleOutputs { arn: arn.into(), name: self.name.clone() }))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<ScheduleOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateSchedule";
        let request = scheduler(cx)
            .create_schedule()
            .client_token(&intent.token)
            .name(self.name.as_str())
            .group_name(&self.group_name)
            .description(&self.description)
            .schedule_expression(&self.schedule_expression)
            .schedule_expression_timezone(&self.schedule_expression_timezone)
            .state(ScheduleState::from(self.state.as_str()))
            .flexible_time_window(self.flexible_time_window.for_call(OPERATION)?)
            .target(self.target.for_call(OPERATION, None)?);
        let answer = once_role_is_seen(request.send().await.called(OPERATION))
            .once_passed(cx)
            .classed(&[CONFLICT], ErrorClass::AlreadyExists)?;
        Ok(ScheduleOutputs { arn: answer.schedule_arn.into(), name: self.name.clone() })
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &ScheduleOutputs<Resolved>,
    ) -> Result<Readiness<ScheduleOutputs<Resolved>>, CallError> {
        Ok(match live(cx, group_of(&outputs.arn), &outputs.name).await? {
            Some(_) => Readiness::Ready(outputs.clone()),
            None => Readiness::Pending("not visible yet".to_owned()),
        })
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &ScheduleOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let group = group_of(&outputs.arn);
        let Some(live) = live(cx, group, &outputs.name).await? else { return Ok(None) };
        let target = required(live.target(), "GetSchedule", "Target")?;
        let action = live.action_after_completion();
        let action = action.filter(|action| **action != ActionAfterCompletion::None);
        Ok(Some(Self {
            name: outputs.name.clone(),
            group_name: group.to_owned(),
            description: live.description().unwrap_or_default().to_owned(),
            schedule_expression: live.schedule_expression().unwrap_or_default().to_owned(),
            schedule_expression_timezone: live.schedule_expression_timezone().unwrap_or("UTC").to_owned(),
            state: live.state().map_or("ENABLED", ScheduleState::as_str).to_owned(),
            flexible_time_window: FlexibleTimeWindow::from_live(live.flexible_time_window()),
            start_date: live.start_date().map(text_of),
            end_date: live.end_date().map(text_of),
            action_after_completion: action.map(|action| action.as_str().to_owned()),
            target: Target::from_live(target),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &ScheduleOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<ScheduleOutputs<Resolved>, CallError> {
        const OPERATION: &str = "UpdateSchedule";
        let live = live(cx, &self.group_name, &self.name).await?;
        let input = live.as_ref().and_then(|live| self.target.input_of(live.target()?));
        let request = scheduler(cx)
            .update_schedule()
            .name(self.name.as_str())
            .group_name(&self.group_name)
            .description(&self.description)
            .schedule_expression(&self.schedule_expression)
            .schedule_expression_timezone(&self.schedule_expression_timezone)
            .state(ScheduleState::from(self.state.as_str()))
            .flexible_time_window(self.flexible_time_window.for_call(OPERATION)?)
            // Everything is replaced: what is not sent is gone.
            .set_kms_key_arn(live.and_then(|live| live.kms_key_arn))
            .target(self.target.for_call(OPERATION, input)?);
        once_role_is_seen(request.send().await.called(OPERATION))
            .once_passed(cx)
            .classed(&[CONFLICT], ErrorClass::NotYet)?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &ScheduleOutputs<Resolved>) -> Result<(), CallError> {
        let request =
            scheduler(cx).delete_schedule().group_name(group_of(&outputs.arn)).name(outputs.name.as_str());
        let answer = request.send().await.called("DeleteSchedule");
        answer.classed(&[CONFLICT], ErrorClass::NotYet).gone_is_ok()
    }
}
