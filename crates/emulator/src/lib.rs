//! An AWS account inside the process, for unchanged `aws-sdk-*` clients.
//!
//! It is where new users deploy first and where all tests run. It answers through the SDK's own HTTP
//! interface, so code that talks to it is the code that talks to AWS. `README.md` lists what is modelled.
//!
//! # In a test suite
//!
//! Code that takes a client of `aws-sdk-*` is tested unchanged: it gets a client that talks to an account of its own. Under
//! tokio's paused clock (`#[tokio::test(start_paused = true)]`) everything takes as long as on AWS, and no time:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut runtime = tokio::runtime::Builder::new_current_thread();
//! # runtime.enable_all().start_paused(true).build()?.block_on(async {
//! use std::time::Duration;
//!
//! use aws_config::{BehaviorVersion, Region, SdkConfig};
//! use aws_credential_types::provider::SharedCredentialsProvider;
//! use aws_sdk_kms::types::KeyState;
//! use emulator::Emulator;
//!
//! let emulator = Emulator::builder().latency(1.0).in_memory();
//! let config = SdkConfig::builder()
//!     .behavior_version(BehaviorVersion::latest())
//!     .region(Region::new("eu-west-1"))
//!     .http_client(emulator.http_client())
//!     .credentials_provider(SharedCredentialsProvider::new(emulator.credentials()))
//!     .build();
//!
//! let kms = aws_sdk_kms::Client::new(&config);
//! let key = kms.create_key().send().await?.key_metadata.expect("AWS describes the key").key_id;
//! // KMS does not find it at once everywhere, here as on AWS.
//! tokio::time::sleep(Duration::from_secs(5)).await;
//! let delete = kms.schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await?;
//! assert_eq!(delete.key_state(), Some(&KeyState::PendingDeletion));
//! tokio::time::advance(Duration::from_secs(7 * 24 * 60 * 60)).await;
//! assert!(kms.describe_key().key_id(&key).send().await.is_err(), "the key is gone");
//!
//! // What was called, and what is left, besides what the client shows:
//! assert_eq!(emulator.calls()[1].operation, "ScheduleKeyDeletion");
//! assert!(emulator.objects().await?.is_empty());
//! # Ok(())
//! # }) }
//! ```
//!
//! `cargo run -p emulator --example in_process` is a program that shows more: the SDK's own waiters, what AWS refuses, and a call
//! whose answer is lost.
//!
//! # From another language
//!
//! [`serve()`] puts it behind HTTP for clients outside of the process, and so does the program `stack emulator serve`. Their tests
//! need not wait either: they move the clock ([`Emulator::advance`]) by a request.
//!
//! ```text
//! import subprocess, boto3, requests
//!
//! server = subprocess.Popen(["stack", "emulator", "serve", "--port", "0", "--state-dir", directory],
//!                           stdout=subprocess.PIPE, text=True)
//! url = server.stdout.readline().strip()
//! kms = boto3.client("kms", endpoint_url=url, region_name="eu-west-1",
//!                    aws_access_key_id="any", aws_secret_access_key="any")
//! key = kms.create_key()["KeyMetadata"]["KeyId"]
//! kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
//! requests.post(f"{url}/_emulator/advance", json={"seconds": 7 * 24 * 60 * 60})
//! with pytest.raises(kms.exceptions.NotFoundException):
//!     kms.describe_key(KeyId=key)
//! ```
//!
//! # How it works
//!
//! A request goes this way:
//!
//! 1. `request`: which service, operation, region and parameters, decoded once;
//! 2. the layers ([`Layer`]): the call log first, then faults, throttling and whatever else the [`Builder`] was
//!    given;
//! 3. the gate (`gate`): one turn at a time, and on disk one flush for all calls of a turn;
//! 4. the rules, layers inside the turn;
//! 5. the service (`services`): typed state and the rules of AWS. EC2 reads its own wire format; the requests of all
//!    others are decoded, checked and answered by the models of their APIs (`model`).
//!
//! Two principles make it trustworthy: a parameter or filter that is not modelled is refused by name, never
//! ignored; and what AWS refuses is refused with AWS's code.

mod bounds;
mod calls;
mod clock;
mod control;
mod emulator;
mod error;
mod exchange;
mod faults;
mod gate;
mod ids;
mod latency;
mod layer;
mod limits;
mod model;
mod objects;
mod operation;
mod parameters;
mod persist;
mod request;
mod response;
mod serve;
mod services;
mod throttle;
mod xml;

pub use calls::CallRecord;
pub use calls::Outcome;
pub use calls::REDACTED;
pub use calls::redact;
pub use emulator::ACCOUNT_ID;
pub use emulator::Builder;
pub use emulator::Emulator;
pub use emulator::Snapshot;
pub use error::EmulatorError;
pub use faults::Counted;
pub use faults::Fault;
pub use faults::FaultPlan;
pub use faults::FaultRule;
pub use faults::Moment;
pub use faults::When;
pub use layer::Layer;
pub use layer::Next;
pub use layer::World;
pub use objects::Object;
pub use operation::operation_of;
pub use persist::reset;
pub use request::Call;
pub use request::Protocol;
pub use response::Lost;
pub use response::Refusal;
pub use response::Reply;
pub use response::Response;
pub use serve::serve;
pub use services::apigateway::ApiRequest;
pub use services::apigateway::IntegrationRequest;
pub use services::apigateway::Routed;
pub use services::apigateway::ServedStage;

/// The regions that there are, sorted: those of the partition `aws` that were known when this was written.
pub fn regions() -> impl Iterator<Item = &'static str> {
    services::ec2::regions()
}
