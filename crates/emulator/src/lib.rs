//! An AWS account inside the process, for unchanged `aws-sdk-*` clients.
//!
//! It is where new users deploy first and where all tests run. It answers through the SDK's own HTTP
//! interface, so code that talks to it is the code that talks to AWS. `README.md` lists what is modelled.
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
//! [`serve()`] puts it behind HTTP for clients outside of the process.
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
