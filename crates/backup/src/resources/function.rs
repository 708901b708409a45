//! A Lambda function: code that AWS runs when it is called.
//!
//! The surprises: code and settings are changed by two calls, and the second is refused while the first is in progress,
//! so an update looks at what still differs each time it is tried; a role that was made a moment ago cannot be assumed
//! yet, and neither can what it was just allowed be seen; and reserved concurrency is a call of its own.
//!
//! What is never declared is here because somebody may set it, and because of what it does: a layer is code that runs in the
//! function's role, also where an environment variable only names a wrapper; a VPC without a way out cuts the function off from
//! every API that it calls; and a file system that cannot be mounted keeps it from starting. All of them are drift. The keys that
//! encrypt the environment and the package, temporary storage and SnapStart do no harm, and stay.
//!
//! Wait: "cannot be assumed by Lambda", "role does not have permissions", and then "KMS key is invalid for CreateGrant", for half a
//! minute after the role was made; `ResourceConflictException` while a change is made. Read: an environment without variables is not
//! there, and the log group is the default one where nobody said. Update: what UpdateFunctionConfiguration leaves out stays as it
//! is, so all of it is sent, an empty dead letter target too; UpdateFunctionCode drops the key of the package that it is not told.
//! Terminal are the state and the last update `Failed`.

use async_trait::async_trait;
use aws::tags::{LiveTags, TagPairs};
use aws::{CallResult, Called, Context, RoleArn, Tags, converge, count, count_or_zero, number, required};
use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, FunctionCode, FunctionConfiguration, LastUpdateStatus, Runtime, State,
    TracingConfigResponse,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Listed, Loss,
    Named, Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::function_parts::{
    DeadLetterConfig, Environment, FileSystemConfig, LoggingConfig, TracingConfig, VpcConfig,
};
use crate::package::{Package, package};
use crate::{FunctionArn, FunctionName};

/// The properties of a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Function<S: Stage = Declared> {
    /// Its name, unique in account and region, 64 characters at most.
    pub function_name: FunctionName,
    /// What it is for.
    pub description: String,
    /// What runs the code.
    pub runtime: String,
    /// What is called: file and function.
    pub handler: String,
    /// The processor, `arm64` or `x86_64`.
    pub architectures: Vec<String>,
    /// The hash of the package with the code, as Lambda itself says it. In CloudFormation's place of `Code`, which has
    /// the code itself: a plan shows that it changed, and state need not hold it. The code is [`SOURCE`](crate::SOURCE).
    pub code_sha256: String,
    /// What it may do.
    pub role: S::Of<RoleArn>,
    /// In MB.
    pub memory_size: u32,
    /// How long an execution may take, in seconds.
    pub timeout: u32,
    /// How many executions are kept for it, which are also all that it can have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved_concurrent_executions: Option<u32>,
    /// What it is told.
    pub environment: Environment<S>,
    /// Where an event goes that it failed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letter_config: Option<DeadLetterConfig<S>>,
    /// Whether executions are traced.
    pub tracing_config: TracingConfig,
    /// Where logs go.
    pub logging_config: LoggingConfig<S>,
    /// Versions of layers, whose files the code finds beside its own. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// The network that it runs in. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_config: Option<VpcConfig>,
    /// What it mounts. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_system_configs: Vec<FileSystemConfig>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct FunctionOutputs<S: Stage> {
    /// The ARN.
    pub arn: S::Of<FunctionArn>,
    /// The name.
    pub function_name: S::Of<FunctionName>,
}

impl Declares for Function<Declared> {
    type Resolved = Function<Resolved>;
}

/// What Lambda calls nearly everything that it refuses.
const INVALID: &str = "InvalidParameterValueException";
/// How many executions must stay without a reservation (Lambda Developer Guide, "Configuring reserved concurrency for a
/// function").
const UNRESERVED: u32 = 100;
/// A function takes one change at a time, and its name is one's only.
const BUSY: &str = "ResourceConflictException";

pub(super) fn lambda(cx: &Context) -> aws_sdk_lambda::Client {
    cx.client(aws_sdk_lambda::Client::new)
}

async fn describe(cx: &Context, name: &FunctionName) -> Result<Option<GetFunctionOutput>, CallError> {
    lambda(cx).get_function().function_name(name.as_str()).send().await.called("GetFunction").if_exists()
}

/// Whether a function is the project's.
pub(super) async fn is_ours(cx: &Context, name: &FunctionName) -> Result<bool, CallError> {
    let live = describe(cx, name).await?;
    Ok(live.is_some_and(|live| LiveTags::map(live.tags).is_ours(cx.identity())))
}

fn outputs(live: &FunctionConfiguration, operation: &str) -> Result<FunctionOutputs<Resolved>, CallError> {
    Ok(FunctionOutputs {
        arn: required(live.function_arn(), operation, "FunctionArn")?.into(),
        function_name: required(live.function_name(), operation, "FunctionName")?.into(),
    })
}

/// A fresh role spreads for seconds, and what it is allowed does too. KMS, which grants it to decrypt the environment
/// variables, knows it last.
fn once_role_is_seen<T>(answer: Result<T, CallError>) -> Result<T, CallError> {
    let texts = [
        "cannot be assumed by Lambda",
        "role does not have permissions",
        "KMS key is invalid for CreateGrant",
    ];
    texts.iter().fold(answer, |answer, text| answer.classed_saying(INVALID, text, ErrorClass::NotYet))
}

/// What is called while another change is in progress is called again.
fn once_settled<T>(answer: Result<T, CallError>) -> Result<T, CallError> {
    once_role_is_seen(answer).classed(&[BUSY], ErrorClass::NotYet)
}

impl Function<Resolved> {
    /// The package that the properties speak of.
    fn package(&self, operation: &str) -> Result<Package, CallError> {
        let package = package();
        match package.sha256 == self.code_sha256 {
            true => Ok(package),
            false => {
                let message =
                    format!("this program does not have the code with the hash {}", self.code_sha256);
                Err(CallError::new(ErrorClass::Invalid, operation, message))
            }
        }
    }

    fn architectures(&self) -> Vec<Architecture> {
        self.architectures.iter().map(|name| Architecture::from(name.as_str())).collect()
    }

    /// Whether something differs that UpdateFunctionConfiguration sets.
    fn differs_in_settings(&self, live: &Self) -> bool {
        let rest = Self {
            code_sha256: live.code_sha256.clone(),
            architectures: live.architectures.clone(),
            reserved_concurrent_executions: live.reserved_concurrent_executions,
            tags: live.tags.clone(),
            ..self.clone()
        };
        rest != *live
    }

    async fn update_settings(&self, cx: &Context, name: &str, live: &Self) -> Result<(), CallError> {
        let none = aws_sdk_lambda::types::DeadLetterConfig::builder().target_arn("").build();
        let dead_letters = self.dead_letter_config.as_ref().map_or(none, DeadLetterConfig::for_call);
        let request = lambda(cx)
            .update_function_configuration()
            .function_name(name)
            .description(&self.description)
            .runtime(Runtime::from(self.runtime.as_str()))
            .handler(&self.handler)
            .role(self.role.as_str())
            .memory_size(number(self.memory_size))
            .timeout(number(self.timeout))
            .environment(self.environment.for_call())
            .dead_letter_config(dead_letters)
            .tracing_config(self.tracing_config.for_call())
            .logging_config(self.logging_config.for_call())
            .set_layers((!live.layers.is_empty()).then(Vec::new))
            .set_vpc_config(live.vpc_config.is_some().then(VpcConfig::none))
            .set_file_system_configs((!live.file_system_configs.is_empty()).then(Vec::new));
        once_settled(request.send().await.called("UpdateFunctionConfiguration")).once_passed(cx).map(drop)
    }

    async fn update_code(&self, cx: &Context, name: &str, key: Option<String>) -> Result<(), CallError> {
        const OPERATION: &str = "UpdateFunctionCode";
        let request = lambda(cx)
            .update_function_code()
            .function_name(name)
            .zip_file(Blob::new(self.package(OPERATION)?.bytes))
            .set_source_kms_key_arn(key)
            .set_architectures(Some(self.architectures()));
        once_settled(request.send().await.called(OPERATION)).map(drop)
    }

    /// Whether the account has the executions that are to be kept for the function, which has so many already. Lambda refuses
    /// to leave fewer than 100 to all others, and new accounts have 10 in all.
    async fn check_room(&self, cx: &Context, has: u32, operation: &str) -> Result<(), CallError> {
        let Some(wanted) = self.reserved_concurrent_executions.filter(|wanted| *wanted > has) else {
            return Ok(());
        };
        let answer = lambda(cx).get_account_settings().send().await.called("GetAccountSettings")?;
        let limit = required(answer.account_limit, "GetAccountSettings", "AccountLimit")?;
        let free = count_or_zero(limit.unreserved_concurrent_executions());
        if free.saturating_add(has) >= wanted.saturating_add(UNRESERVED) {
            return Ok(());
        }
        let reason = format!(
            "{wanted} executions cannot be kept for the function: of the {} that the account has in this region, {free} are \
             not reserved, and {UNRESERVED} of them must stay so. Leave out `backup.reserved_concurrency`, which a daily \
             verification does not need, or have the account's quota raised (Service Quotas, Lambda, Concurrent executions)",
            count(limit.concurrent_executions)
        );
        Err(CallError::new(ErrorClass::Invalid, operation, reason))
    }

    fn from_live(answer: GetFunctionOutput, outputs: &FunctionOutputs<Resolved>) -> Result<Self, CallError> {
        let live = required(answer.configuration, "GetFunction", "Configuration")?;
        let reserved = answer.concurrency.and_then(|one| one.reserved_concurrent_executions);
        let architectures = live.architectures().iter().map(|one| one.as_str().to_owned());
        let layers = live.layers().iter().filter_map(|layer| layer.arn());
        let mode = live.tracing_config().and_then(TracingConfigResponse::mode);
        Ok(Self {
            function_name: outputs.function_name.clone(),
            description: live.description().unwrap_or_default().to_owned(),
            runtime: live.runtime().map_or("", Runtime::as_str).to_owned(),
            handler: live.handler().unwrap_or_default().to_owned(),
            architectures: architectures.collect(),
            code_sha256: live.code_sha256().unwrap_or_default().to_owned(),
            role: live.role().unwrap_or_default().into(),
            memory_size: count_or_zero(live.memory_size()),
            timeout: count_or_zero(live.timeout()),
            reserved_concurrent_executions: reserved.map(count),
            environment: Environment::from_live(live.environment()),
            dead_letter_config: DeadLetterConfig::from_live(live.dead_letter_config()),
            tracing_config: TracingConfig::from_live(mode),
            logging_config: LoggingConfig::from_live(live.logging_config(), outputs.function_name.as_str()),
            layers: layers.map(str::to_owned).collect(),
            vpc_config: VpcConfig::from_live(live.vpc_config()),
            file_system_configs: live.file_system_configs().iter().map(FileSystemConfig::from_live).collect(),
            tags: LiveTags::map(answer.tags).visible(),
        })
    }

    async fn reserve(&self, cx: &Context, name: &str) -> Result<(), CallError> {
        match self.reserved_concurrent_executions {
            Some(reserved) => {
                let request = lambda(cx).put_function_concurrency().function_name(name);
                let request = request.reserved_concurrent_executions(number(reserved));
                once_settled(request.send().await.called("PutFunctionConcurrency")).map(drop)
            }
            None => {
                let request = lambda(cx).delete_function_concurrency().function_name(name);
                once_settled(request.send().await.called("DeleteFunctionConcurrency")).map(drop)
            }
        }
    }

    async fn retag(&self, cx: &Context, arn: &FunctionArn, before: &Tags) -> Result<(), CallError> {
        let remove = async |keys| {
            let request = lambda(cx).untag_resource().resource(arn.as_str()).set_tag_keys(Some(keys));
            once_settled(request.send().await.called("UntagResource")).map(drop)
        };
        let set = async |tags: TagPairs| {
            let request = lambda(cx).tag_resource().resource(arn.as_str()).set_tags(Some(tags.map()));
            once_settled(request.send().await.called("TagResource")).map(drop)
        };
        before.changes_to(&self.tags).send(remove, set).await
    }
}

#[async_trait]
impl Resource for Function<Resolved> {
    const KIND: &'static str = "AWS::Lambda::Function";
    const FACTS: Facts = Facts {
        name: Named::ByName("FunctionName"),
        create_only: CreateOnly::These(&["FunctionName"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { own_properties: &["CodeSha256"], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 8, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["FunctionName"],
            words: "the name of the function",
            example: "payment-backup-verification-dev",
        },
        reads: Reads { least: 1, most: 1, together: Some("ListFunctions") },
        cost: Some("lambda-invocation"),
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] =
        &["DeadLetterConfig", "FileSystemConfigs", "Layers", "ReservedConcurrentExecutions", "VpcConfig"];
    type Context = Context;
    type Declared = Function<Declared>;
    type Outputs<S: Stage> = FunctionOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.function_name.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<FunctionOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "GetFunction";
        let Some(live) = describe(cx, &self.function_name).await? else { return Ok(None) };
        let tags = LiveTags::map(live.tags);
        cx.adopt(&format!("function {}", self.function_name), &tags, search)?;
        outputs(&required(live.configuration, OPERATION, "Configuration")?, OPERATION).map(Some)
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<FunctionOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateFunction";
        self.check_room(cx, 0, OPERATION).await?;
        let code = FunctionCode::builder().zip_file(Blob::new(self.package(OPERATION)?.bytes)).build();
        let request = lambda(cx)
            .create_function()
            .function_name(self.function_name.as_str())
            .description(&self.description)
            .runtime(Runtime::from(self.runtime.as_str()))
            .handler(&self.handler)
            .set_architectures(Some(self.architectures()))
            .code(code)
            .role(self.role.as_str())
            .memory_size(number(self.memory_size))
            .timeout(number(self.timeout))
            .environment(self.environment.for_call())
            .set_dead_letter_config(self.dead_letter_config.as_ref().map(DeadLetterConfig::for_call))
            .tracing_config(self.tracing_config.for_call())
            .logging_config(self.logging_config.for_call())
            .set_tags(Some(cx.stamp(&self.tags, intent)?.map()));
        let answer = once_role_is_seen(request.send().await.called(OPERATION))
            .once_passed(cx)
            .classed(&[BUSY], ErrorClass::AlreadyExists)?;
        Ok(FunctionOutputs {
            arn: required(answer.function_arn, OPERATION, "FunctionArn")?.into(),
            function_name: required(answer.function_name, OPERATION, "FunctionName")?.into(),
        })
    }

    async fn poll_ready(
        cx: &Context,
        known: &FunctionOutputs<Resolved>,
    ) -> Result<Readiness<FunctionOutputs<Resolved>>, CallError> {
        let live = describe(cx, &known.function_name).await?.and_then(|live| live.configuration);
        let Some(live) = live else { return Ok(Readiness::Pending("not visible yet".to_owned())) };
        let failed = |what: &str, reason: Option<&str>| {
            Readiness::Failed(format!("{what}: {}", reason.unwrap_or("no reason is given")))
        };
        Ok(match (live.state(), live.last_update_status()) {
            (Some(State::Failed), _) => failed("it could not be made", live.state_reason()),
            (_, Some(LastUpdateStatus::Failed)) => {
                failed("it could not be changed", live.last_update_status_reason())
            }
            (_, Some(LastUpdateStatus::InProgress)) => Readiness::Pending("InProgress".to_owned()),
            (Some(State::Pending), _) => Readiness::Pending("Pending".to_owned()),
            // One that nobody called for weeks is inactive, until somebody does.
            _ => Readiness::Ready(known.clone()),
        })
    }

    async fn configure(&self, cx: &Context, outputs: &FunctionOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &FunctionOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let answer = describe(cx, &outputs.function_name).await?;
        answer.map(|answer| Self::from_live(answer, outputs)).transpose()
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &FunctionOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<FunctionOutputs<Resolved>, CallError> {
        // What was there before an earlier try may have been changed by it.
        let Some(answer) = describe(cx, &outputs.function_name).await? else {
            return Err(CallError::new(ErrorClass::NotFound, "GetFunction", "the function disappeared"));
        };
        let key = answer.code().and_then(|code| code.source_kms_key_arn()).map(str::to_owned);
        let live = Self::from_live(answer, outputs)?;
        let name = outputs.function_name.as_str();
        if self.differs_in_settings(&live) {
            self.update_settings(cx, name, &live).await?;
        }
        if self.code_sha256 != live.code_sha256 || self.architectures != live.architectures {
            self.update_code(cx, name, key).await?;
        }
        if self.reserved_concurrent_executions != live.reserved_concurrent_executions {
            let has = live.reserved_concurrent_executions.unwrap_or_default();
            self.check_room(cx, has, "PutFunctionConcurrency").await?;
            self.reserve(cx, name).await?;
        }
        self.retag(cx, &outputs.arn, &changed.before.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &FunctionOutputs<Resolved>) -> Result<(), CallError> {
        let request = lambda(cx).delete_function().function_name(outputs.function_name.as_str());
        let answer = request.send().await.called("DeleteFunction");
        answer.classed(&[BUSY], ErrorClass::DependencyViolation).gone_is_ok()
    }
}
