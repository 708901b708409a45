//! Clients' configurations on `--target aws`: for the stack's resources, and for its state, which may be in another account; and
//! what the account is called.

use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;

use crate::config::Config;
use crate::endpoint;
use crate::environment::Environment;
use crate::exit::Failure;
use crate::trace::traced;

/// How long the name of the account may keep somebody waiting.
const ALIAS_WITHIN: Duration = Duration::from_secs(3);

/// A role that is assumed, and how.
struct Role<'a> {
    arn: &'a str,
    external_id: Option<&'a str>,
    session_name: String,
    duration: Option<Duration>,
}

/// What the calls for the stack's resources are made with.
///
/// # Errors
/// If somebody has chosen an endpoint that none can be.
pub(crate) async fn of_resources(config: &Config, environment: &Environment) -> Result<SdkConfig, Failure> {
    let sdk = own(config, &config.region).await?;
    let aws = &config.aws;
    let Some(arn) = aws.role_arn.as_deref() else { return Ok(sdk) };
    let role = Role {
        arn,
        external_id: aws.external_id.as_deref(),
        session_name: aws.session_name.clone().unwrap_or_else(|| session_name(config, environment)),
        duration: aws.session_duration.map(|seconds| Duration::from_secs(seconds.into())),
    };
    Ok(assume(sdk, role).await)
}

/// What the calls for the state are made with.
///
/// # Errors
/// As [`of_resources`].
pub(crate) async fn of_state(config: &Config, environment: &Environment) -> Result<SdkConfig, Failure> {
    let state = &config.state;
    let sdk = own(config, config.state_region()).await?;
    let Some(arn) = state.role_arn.as_deref() else { return Ok(sdk) };
    let session_name = session_name(config, environment);
    Ok(assume(sdk, Role { arn, external_id: None, session_name, duration: None }).await)
}

/// Names of projects and environments are short enough for the 64 characters of a session's name.
fn session_name(config: &Config, environment: &Environment) -> String {
    format!("stack-{}-{environment}", config.project)
}

/// Whoever runs this.
async fn own(config: &Config, region: &str) -> Result<SdkConfig, Failure> {
    let loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::new(region.to_owned()));
    let sdk = match &config.aws.profile {
        Some(profile) => loader.profile_name(profile).load().await,
        None => loader.load().await,
    };
    let of_variable = std::env::var("AWS_PROFILE").ok();
    endpoint::check(&sdk, config.aws.profile.as_deref().or(of_variable.as_deref()))?;
    Ok(traced(sdk))
}

async fn assume(sdk: SdkConfig, role: Role<'_>) -> SdkConfig {
    let mut builder = AssumeRoleProvider::builder(role.arn).session_name(role.session_name).configure(&sdk);
    if let Some(external_id) = role.external_id {
        builder = builder.external_id(external_id);
    }
    if let Some(duration) = role.duration {
        builder = builder.session_length(duration);
    }
    let provider = builder.build().await;
    sdk.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
}

/// The alias of the account. Only titles show it, so nothing is said where there is none, the identity may not ask, or the answer
/// does not come soon.
pub(crate) async fn alias(cx: &aws::Context) -> Option<String> {
    tokio::time::timeout(ALIAS_WITHIN, aws::account_alias(cx)).await.ok()?.ok()?
}
