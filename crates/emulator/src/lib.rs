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
//! There are three layers, and each knows only those before it:
//!
//! | layer | what it is |
//! |---|---|
//! | `protocol` | requests and answers: models of the APIs, codecs, what the models forbid, bounds, secrets |
//! | `machine` | the [`Emulator`]: clock, layers, faults, throttling, the gate, the disk, the server |
//! | `services` | state and rules of each service of AWS |
//!
//! Protocol and machine know no service by name. What they need of one is data that the service declares (its API, how many calls
//! it takes, how long they take, which members are secret) or a trait that the services implement (`machine::services`);
//! `registry` is the one place where they are given to each other. `tests/it/layers.rs` reads the sources and holds this true.
//!
//! A request goes this way:
//!
//! 1. `protocol::request`: which service, operation, region and parameters, decoded once;
//! 2. the layers of the machine ([`Layer`]): the call log first, then faults, throttling and whatever else the [`Builder`] was
//!    given;
//! 3. the gate (`machine::gate`): one turn at a time, and on disk one flush for all calls of a turn;
//! 4. the rules, layers inside the turn;
//! 5. the service: typed state and the rules of AWS. EC2 reads its own wire format; the requests of all others are decoded,
//!    checked and answered by the models of their APIs (`protocol::model`).
//!
//! Two principles make it trustworthy: a parameter or filter that is not modelled is refused by name, never
//! ignored; and what AWS refuses is refused with AWS's code.

mod machine;
mod protocol;
mod registry;
mod services;

pub use machine::calls::CallRecord;
pub use machine::calls::Outcome;
pub use machine::emulator::ACCOUNT_ID;
pub use machine::emulator::Builder;
pub use machine::emulator::Emulator;
pub use machine::emulator::Snapshot;
pub use machine::error::EmulatorError;
pub use machine::faults::ContainerFault;
pub use machine::faults::ContainerRule;
pub use machine::faults::Counted;
pub use machine::faults::Fault;
pub use machine::faults::FaultPlan;
pub use machine::faults::FaultRule;
pub use machine::faults::Moment;
pub use machine::faults::When;
pub use machine::layer::Layer;
pub use machine::layer::Next;
pub use machine::layer::World;
pub use machine::objects::Object;
pub use machine::persist::reset;
pub use machine::serve::serve;
pub use protocol::request::Call;
pub use protocol::request::Protocol;
pub use protocol::response::Lost;
pub use protocol::response::Refusal;
pub use protocol::response::Reply;
pub use protocol::response::Response;
pub use protocol::secrets::REDACTED;
pub use protocol::secrets::redact;
pub use registry::operation_of;
pub use registry::regions;
pub use services::apigateway::ApiRequest;
pub use services::apigateway::IntegrationRequest;
pub use services::apigateway::Routed;
pub use services::apigateway::ServedStage;

// The tests of the protocol read requests to these APIs.
#[cfg(test)]
use registry::APIS;
