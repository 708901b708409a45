//! What a schedule calls, and how it tries again.

use aws::{QueueArn, RoleArn, count_or_zero, number};
use aws_sdk_scheduler::error::BuildError;
use aws_sdk_scheduler::types::{
    DeadLetterConfig as DeadLettersForCall, FlexibleTimeWindow as WindowForCall, FlexibleTimeWindowMode,
    RetryPolicy as RetryForCall, Target as TargetForCall,
};
use engine::{CallError, Declared, ErrorClass, Resolved, Stage};
use serde::{Deserialize, Serialize};

use crate::FunctionArn;

/// What a schedule calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Target<S: Stage = Declared> {
    /// The function.
    pub arn: S::Of<FunctionArn>,
    /// The role in which Scheduler calls it.
    pub role_arn: S::Of<RoleArn>,
    /// Where an event goes that could not be handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter_config: Option<TargetDeadLetterConfig<S>>,
    /// How it tries again.
    pub retry_policy: RetryPolicy,
}

/// Where an event goes that could not be handed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetDeadLetterConfig<S: Stage = Declared> {
    /// A queue that the role may send to.
    pub arn: S::Of<QueueArn>,
}

/// How Scheduler tries again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RetryPolicy {
    /// For how long, in seconds: 60 to 86400.
    pub maximum_event_age_in_seconds: u32,
    /// How often: 0 to 185.
    pub maximum_retry_attempts: u32,
}

/// Whether Scheduler may call later than the schedule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FlexibleTimeWindow {
    /// `OFF`: it may not.
    pub mode: String,
}

/// A request that the SDK will not build: nothing was sent.
pub(super) fn unbuilt(operation: &str) -> impl FnOnce(BuildError) -> CallError {
    move |error| CallError::new(ErrorClass::Invalid, operation, error.to_string())
}

impl Target<Resolved> {
    /// What somebody else lets it be told, if it is this one that is called now.
    pub(super) fn input_of(&self, live: &TargetForCall) -> Option<String> {
        live.input().filter(|_| live.arn() == self.arn.as_str()).map(str::to_owned)
    }

    pub(super) fn for_call(
        &self,
        operation: &str,
        input: Option<String>,
    ) -> Result<TargetForCall, CallError> {
        let dead_letters = self.dead_letter_config.as_ref();
        let dead_letters =
            dead_letters.map(|config| DeadLettersForCall::builder().arn(config.arn.as_str()).build());
        TargetForCall::builder()
            .arn(self.arn.as_str())
            .role_arn(self.role_arn.as_str())
            .set_dead_letter_config(dead_letters)
            .retry_policy(self.retry_policy.for_call())
            .set_input(input)
            .build()
            .map_err(unbuilt(operation))
    }

    pub(super) fn from_live(live: &TargetForCall) -> Self {
        let dead_letters = live.dead_letter_config().and_then(DeadLettersForCall::arn);
        Self {
            arn: live.arn().into(),
            role_arn: live.role_arn().into(),
            dead_letter_config: dead_letters.map(|arn| TargetDeadLetterConfig { arn: arn.into() }),
            retry_policy: RetryPolicy::from_live(live.retry_policy()),
        }
    }
}

impl RetryPolicy {
    fn for_call(&self) -> RetryForCall {
        RetryForCall::builder()
            .maximum_event_age_in_seconds(number(self.maximum_event_age_in_seconds))
            .maximum_retry_attempts(number(self.maximum_retry_attempts))
            .build()
    }

    /// EventBridge Scheduler API Reference, RetryPolicy: a day and 185 times where nobody said.
    fn from_live(live: Option<&RetryForCall>) -> Self {
        let age = live.and_then(RetryForCall::maximum_event_age_in_seconds);
        let attempts = live.and_then(RetryForCall::maximum_retry_attempts);
        Self {
            maximum_event_age_in_seconds: count_or_zero(age.or(Some(86_400))),
            maximum_retry_attempts: count_or_zero(attempts.or(Some(185))),
        }
    }
}

impl FlexibleTimeWindow {
    pub(super) fn for_call(&self, operation: &str) -> Result<WindowForCall, CallError> {
        let mode = FlexibleTimeWindowMode::from(self.mode.as_str());
        WindowForCall::builder().mode(mode).build().map_err(unbuilt(operation))
    }

    pub(super) fn from_live(live: Option<&WindowForCall>) -> Self {
        Self { mode: live.map_or("OFF", |window| window.mode().as_str()).to_owned() }
    }
}
