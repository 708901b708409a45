//! Where the resources live: the embedded AWS or a real one.

use std::path::Path;
use std::time::Duration;

use aws::{Context, Identity, SignInError};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use emulator::Emulator;
use engine::{CallError, ErrorClass};

use crate::account;
use crate::advice::{Advisor, code_of_call};
use crate::cli::Target;
use crate::codes::Code;
use crate::config::Config;
use crate::emulated;
use crate::endpoint;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};
use crate::output::note;
use crate::trace::traced;

/// How often it is said that something is waited for.
const SAID_EVERY: Duration = Duration::from_secs(3);

/// What to do without credentials.
const SIGN_IN: &str =
    "sign in with `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/// A connected target: clients, and facts that declaring needs.
pub struct Cloud {
    /// Clients and identity.
    pub context: Context,
    /// The alias of the account, where a command that shows it has asked and was answered.
    pub account_alias: Option<String>,
    /// The region's availability zones that can be used, sorted.
    pub zones: Vec<String>,
    /// Account and region, in words: what a state is bound to.
    pub place: String,
    /// The endpoint of API Gateway or Elastic Load Balancing, where it is not AWS's own.
    pub endpoint_url: Option<String>,
}

/// The line that every command on the embedded target begins with.
pub const NOTHING_REAL: &str =
    "embedded AWS: nothing real is created, nothing costs money (real AWS: --target aws)";

/// Connects, and asks for account and zones. Changes nothing.
///
/// # Errors
/// Where the embedded AWS cannot be opened, or the account not be reached.
pub async fn connect(
    target: Target,
    config: &Config,
    environment: &Environment,
    state_dir: &Path,
) -> Result<Cloud, Failure> {
    let region = Region::new(config.region.clone());
    let mut endpoint = "the embedded AWS".to_owned();
    let (sdk, name) = match target {
        Target::Embedded => {
            let directory = emulated::directory(state_dir);
            let emulator = emulated::open(&directory)?;
            (traced(embedded(&emulator, region)), "the embedded AWS account")
        }
        Target::Aws => {
            let sdk = account::of_resources(config, environment).await?;
            endpoint = endpoint_of(&sdk, &config.region);
            (signed_in(&sdk).await?, "AWS account")
        }
    };
    let identity = Identity { project: config.project.clone(), environment: environment.as_str().to_owned() };
    let unreachable = |error: CallError| match target {
        Target::Embedded => Failure::from_error(Exit::Failed, &error)
            .hint("this is a defect of the embedded AWS")
            .coded(Code::Emulator),
        Target::Aws => refused(&error, &endpoint, sdk.endpoint_url().is_some()),
    };
    let answer = format!("an answer from {endpoint}");
    let context = patiently(&answer, Context::connect(&sdk, identity)).await.map_err(unreachable)?;
    let context = context
        .ignoring(config.ignored_tags().map_err(|error| Failure::from_error(Exit::Configuration, &error))?);
    let zones = patiently(&answer, aws::zones(&context)).await.map_err(unreachable)?;
    let place = format!("{name} {} in {}", context.account_id(), context.region());
    let endpoint_url = endpoint::custom(&sdk);
    Ok(Cloud { context, account_alias: None, zones, place, endpoint_url })
}

/// The configuration, once there are credentials for it.
pub(crate) async fn signed_in(sdk: &SdkConfig) -> Result<SdkConfig, Failure> {
    patiently("AWS credentials", aws::sign_in(sdk)).await.map_err(signed_out)
}

/// The account of the credentials.
pub(crate) async fn account(sdk: &SdkConfig) -> Result<aws::Account, Failure> {
    let region = sdk.region().map(ToString::to_string).unwrap_or_default();
    let endpoint = endpoint_of(sdk, &region);
    let asked = patiently(&format!("an answer from {endpoint}"), aws::account(sdk)).await;
    asked.map_err(|error| refused(&error, &endpoint, sdk.endpoint_url().is_some()))
}

/// The address of the first call, as people know it.
fn endpoint_of(sdk: &SdkConfig, region: &str) -> String {
    match sdk.endpoint_url() {
        Some(url) => url.to_owned(),
        None => format!("AWS in {region}"),
    }
}

/// Waits, and says so where it takes long.
async fn patiently<T>(what: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(SAID_EVERY) => note(&format!("waiting for {what}")),
        }
    }
}

/// No credentials: one sentence, and what to do.
fn signed_out(error: SignInError) -> Failure {
    let mut message = error.to_string();
    if let (SignInError::NotFound, Ok(profile)) = (&error, std::env::var("AWS_PROFILE")) {
        message += &format!(": profile `{profile}`, which AWS_PROFILE names, does not exist or has none");
    }
    Failure::new(Exit::Failed, message).hint(SIGN_IN).coded(Code::NoCredentials)
}

/// The first call failed.
fn refused(error: &CallError, endpoint: &str, is_chosen: bool) -> Failure {
    let failure = match error.class {
        ErrorClass::Unreachable if is_chosen => {
            let message =
                format!("cannot connect to {endpoint}, which AWS_ENDPOINT_URL or the profile names");
            Failure::new(Exit::Failed, message)
                .caused_by(&error.message)
                .hint("start what is to listen there, or unset AWS_ENDPOINT_URL to use AWS itself")
        }
        ErrorClass::Unreachable => Failure::new(Exit::Failed, format!("cannot connect to {endpoint}"))
            .caused_by(&error.message)
            .hint("check the network, its proxy and DNS, and that the region exists"),
        ErrorClass::Ambiguous => Failure::new(Exit::Failed, format!("no answer from {endpoint}"))
            .caused_by(error.to_string())
            .hint("check the network and the endpoint, then run again"),
        ErrorClass::Throttled => Failure::from_error(Exit::Failed, error)
            .context(format!("{endpoint} refuses calls as too frequent"))
            .hint("this may pass: run again in some minutes; others use the same quota of calls in this account and region"),
        ErrorClass::Expired => Failure::from_error(Exit::Failed, error).hint(SIGN_IN),
        ErrorClass::Denied if matches!(code_of_call(error), Code::Denied | Code::Account) => {
            return Advisor::default().of_call(error, None).on(Failure::from_error(Exit::Failed, error));
        }
        _ => Failure::from_error(Exit::Failed, error).hint(
            "check the credentials with `aws sts get-caller-identity`, this machine's clock, and that the account has enabled the \
             region",
        ),
    };
    failure.coded(code_of_call(error))
}

/// A client configuration for the embedded AWS. It reads no environment variable and no file, so that nothing can
/// lead it to a real account.
#[must_use]
pub fn embedded(emulator: &Emulator, region: Region) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .http_client(emulator.http_client())
        .credentials_provider(SharedCredentialsProvider::new(emulator.credentials()))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AWS answers, so that the network is as it should be.
    #[test]
    fn calls_that_are_refused_as_too_frequent_are_called_that() {
        let error = CallError::new(
            ErrorClass::Throttled,
            "GetCallerIdentity",
            "not within 30 s; last seen: Rate exceeded",
        );
        let failure = refused(&error, "AWS in eu-west-1", false);
        assert_eq!((failure.code, failure.exit), (Some(Code::Throttled), Exit::Failed));
        assert_eq!(failure.message, "AWS in eu-west-1 refuses calls as too frequent");
        let hint = failure.hint.unwrap();
        assert!(hint.contains("run again") && !hint.contains("network"), "{hint}");
    }
}
