//! How Lambda tries again when a function that nobody waits for has failed.
//!
//! The surprise: without it, Lambda calls the function twice more. A verification that failed would tell people three
//! times. Errors of Lambda's own and throttles are tried again in any case, until the event is too old.
//!
//! Wait: `ResourceConflictException` while the function changes. Read: what was not said has a default. Update: a put replaces all of it.
//! A destination that somebody added, which gets a record of each verification, is drift: the function's role may send to none but
//! ours, and Lambda refuses a destination that the role may not send to. No state is terminal: there is none.

use async_trait::async_trait;
use aws::{CallResult, Called, Context, converge, count_or_zero, number};
use aws_sdk_lambda::operation::get_function_event_invoke_config::GetFunctionEventInvokeConfigOutput;
use aws_sdk_lambda::types::DestinationConfig as LiveDestinations;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Loss, Named,
    Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::function::{is_ours, lambda};
use crate::FunctionName;

/// The properties of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct EventInvokeConfig<S: Stage = Declared> {
    /// The function.
    pub function_name: S::Of<FunctionName>,
    /// `$LATEST`, or a version or an alias.
    pub qualifier: String,
    /// How often Lambda calls again after an error of the function: 0 to 2.
    pub maximum_retry_attempts: u32,
    /// How long Lambda tries to call at all, in seconds: 60 to 21600.
    pub maximum_event_age_in_seconds: u32,
    /// Where records of calls go. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_config: Option<DestinationConfig>,
}

/// Where records of calls go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DestinationConfig {
    /// Those of calls that ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_success: Option<Destination>,
    /// Those of calls that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<Destination>,
}

/// Where a record goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Destination {
    /// The ARN of a queue, a topic, a function, a bucket or an event bus.
    pub destination: String,
}

impl DestinationConfig {
    /// Lambda shows a configuration without destinations where there is none.
    fn from_live(live: &LiveDestinations) -> Option<Self> {
        let of = |arn: Option<&str>| arn.map(|arn| Destination { destination: arn.to_owned() });
        let on_success = of(live.on_success().and_then(|to| to.destination()));
        let on_failure = of(live.on_failure().and_then(|to| to.destination()));
        (on_success.is_some() || on_failure.is_some()).then_some(Self { on_success, on_failure })
    }
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct EventInvokeConfigOutputs<S: Stage> {
    /// The function.
    pub function_name: S::Of<FunctionName>,
    /// Which of it.
    pub qualifier: S::Of<String>,
}

impl Declares for EventInvokeConfig<Declared> {
    type Resolved = EventInvokeConfig<Resolved>;
}

/// Lambda API Reference, PutFunctionEventInvokeConfig: what is so where nobody said.
const RETRIES: i32 = 2;
const AGE: i32 = 21_600;

/// A function takes one change at a time.
fn once_settled<T>(answer: Result<T, CallError>) -> Result<T, CallError> {
    answer.classed(&["ResourceConflictException"], ErrorClass::NotYet)
}

async fn live(
    cx: &Context,
    function: &FunctionName,
    qualifier: &str,
) -> Result<Option<GetFunctionEventInvokeConfigOutput>, CallError> {
    let request =
        lambda(cx).get_function_event_invoke_config().function_name(function.as_str()).qualifier(qualifier);
    request.send().await.called("GetFunctionEventInvokeConfig").if_exists()
}

impl EventInvokeConfig<Resolved> {
    fn outputs(&self) -> EventInvokeConfigOutputs<Resolved> {
        EventInvokeConfigOutputs {
            function_name: self.function_name.clone(),
            qualifier: self.qualifier.clone(),
        }
    }

    async fn put(&self, cx: &Context) -> Result<(), CallError> {
        let request = lambda(cx)
            .put_function_event_invoke_config()
            .function_name(self.function_name.as_str())
            .qualifier(&self.qualifier)
            .maximum_retry_attempts(number(self.maximum_retry_attempts))
            .maximum_event_age_in_seconds(number(self.maximum_event_age_in_seconds));
        once_settled(request.send().await.called("PutFunctionEventInvokeConfig")).once_visible().map(drop)
    }
}

#[async_trait]
impl Resource for EventInvokeConfig<Resolved> {
    const KIND: &'static str = "AWS::Lambda::EventInvokeConfig";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["FunctionName", "Qualifier"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["FunctionName", "Qualifier"],
            words: "the name of the function and the qualifier",
            example: "payment-backup-verification-dev|$LATEST",
        },
        reads: Reads { least: 1, most: 1, together: Some("ListFunctionEventInvokeConfigs") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &["DestinationConfig"];
    type Context = Context;
    type Declared = EventInvokeConfig<Declared>;
    type Outputs<S: Stage> = EventInvokeConfigOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{}|{}", self.function_name, self.qualifier))
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<EventInvokeConfigOutputs<Resolved>>, CallError> {
        if live(cx, &self.function_name, &self.qualifier).await?.is_none() {
            return Ok(None);
        }
        // It has no tags; its function has.
        if !is_ours(cx, &self.function_name).await? {
            let operation =
                format!("looking for how events of function {} are tried again", self.function_name);
            let message = format!(
                "the function has that, and its tags do not say that it is ours, as {} needs",
                search.address
            );
            return Err(CallError::conflict(operation, message));
        }
        Ok(Some(self.outputs()))
    }

    async fn create(
        &self,
        cx: &Context,
        _intent: &Intent,
    ) -> Result<EventInvokeConfigOutputs<Resolved>, CallError> {
        if live(cx, &self.function_name, &self.qualifier).await?.is_some() {
            let message = format!("function {} has one", self.function_name);
            let operation = "PutFunctionEventInvokeConfig";
            return Err(CallError::new(ErrorClass::AlreadyExists, operation, message));
        }
        self.put(cx).await?;
        Ok(self.outputs())
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &EventInvokeConfigOutputs<Resolved>,
    ) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &EventInvokeConfigOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = live(cx, &outputs.function_name, &outputs.qualifier).await?;
        Ok(live.map(|live| Self {
            function_name: outputs.function_name.clone(),
            qualifier: outputs.qualifier.clone(),
            maximum_retry_attempts: count_or_zero(live.maximum_retry_attempts.or(Some(RETRIES))),
            maximum_event_age_in_seconds: count_or_zero(live.maximum_event_age_in_seconds.or(Some(AGE))),
            destination_config: live.destination_config().and_then(DestinationConfig::from_live),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &EventInvokeConfigOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<EventInvokeConfigOutputs<Resolved>, CallError> {
        self.put(cx).await?;
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        cx: &Context,
        outputs: &EventInvokeConfigOutputs<Resolved>,
    ) -> Result<(), CallError> {
        let request = lambda(cx)
            .delete_function_event_invoke_config()
            .function_name(outputs.function_name.as_str())
            .qualifier(&outputs.qualifier);
        once_settled(request.send().await.called("DeleteFunctionEventInvokeConfig")).gone_is_ok()
    }
}
