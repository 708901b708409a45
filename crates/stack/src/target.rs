//! Where the resources live: the embedded AWS or a real one.

use std::path::Path;

use aws::{Context, Identity};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use emulator::Emulator;

use crate::cli::Target;
use crate::config::Config;
use crate::emulated;
use crate::endpoint;
use crate::environment::Environment;
use crate::exit::{Exit, Failure};

/// A connected target: clients, and facts that declaring needs.
pub struct Cloud {
    /// Clients and identity.
    pub context: Context,
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
    let (sdk, name) = match target {
        Target::Embedded => {
            let directory = emulated::directory(state_dir);
            let emulator =
                Emulator::open(&directory).map_err(|error| emulated::unusable(&directory, &error))?;
            (embedded(&emulator, region), "the embedded AWS account")
        }
        Target::Aws => {
            let loader = aws_config::defaults(BehaviorVersion::latest()).region(region);
            (loader.load().await, "AWS account")
        }
    };
    let identity = Identity { project: config.project.clone(), environment: environment.as_str().to_owned() };
    let unreachable = |error: engine::CallError| {
        Failure::from_error(Exit::Failed, &error).hint(match target {
            Target::Embedded => "this is a defect of the embedded AWS",
            Target::Aws => {
                "check the credentials with `aws sts get-caller-identity`, then the network and the region"
            }
        })
    };
    let context = Context::connect(&sdk, identity).await.map_err(unreachable)?;
    let zones = aws::zones(&context).await.map_err(unreachable)?;
    let place = format!("{name} {} in {}", context.account_id(), context.region());
    let endpoint_url = endpoint::custom(&sdk);
    Ok(Cloud { context, zones, place, endpoint_url })
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
