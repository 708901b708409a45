//! The services and how they are addressed.
//!
//! A [`Service`] answers calls and can hand out and take back its state for one region as JSON, which is all
//! that persistence, reloading and inspection need. To add one: implement the trait, name it in
//! [`Services::new`]. A service of winterbaume's goes through [`base`], with its wrong or thin
//! operations replaced in the service's own file, as in `logs.rs`.

mod base;
mod ec2;
mod iam;
mod logs;
mod roles;
mod sts;

use async_trait::async_trait;
use serde_json::Value;

use crate::clock::Clock;
use crate::error::EmulatorError;
use crate::latency::Latencies;
use crate::objects::Object;
use crate::persist::Stored;
use crate::request::{Call, Protocol};
use crate::response::{Refusal, Response};

/// The region under which global services keep their state.
const GLOBAL: &str = "global";

/// One AWS service. A `home` is a region, or `global`.
#[async_trait]
trait Service: Send + Sync {
    /// The signing name.
    fn name(&self) -> &'static str;

    /// Whether one state serves all regions.
    fn is_global(&self) -> bool {
        false
    }

    /// Answers a call.
    async fn answer(&self, call: &Call) -> Response;

    /// Whether `load` will be able to read a state.
    fn check(&self, state: &Value) -> Result<(), serde_json::Error>;

    /// The homes that have state.
    fn homes(&self) -> Vec<String>;

    /// The state of a home.
    async fn save(&self, home: &str) -> Value;

    /// Replaces the state of a home; `None` is the state of a new account.
    async fn load(&self, home: &str, state: Option<Value>) -> Result<(), serde_json::Error>;

    /// What is there.
    async fn objects(&self, home: &str) -> Vec<Object>;
}

/// All services of the account.
pub(crate) struct Services(Vec<Box<dyn Service>>);

impl Services {
    pub(crate) fn new(clock: Clock, seed: u64, latencies: Latencies) -> Self {
        let roles = roles::Roles::new(clock, latencies);
        Services(vec![
            Box::new(ec2::Ec2::new(clock, seed, latencies, roles.clone())),
            Box::new(iam::Iam::new(clock, seed, roles)),
            Box::new(logs::Logs::new(clock)),
            Box::new(sts::Sts::new()),
        ])
    }

    fn find(&self, name: &str) -> Option<&dyn Service> {
        self.0.iter().find(|service| service.name() == name).map(AsRef::as_ref)
    }

    pub(crate) async fn answer(&self, call: &Call) -> Response {
        match self.find(&call.service) {
            Some(service) => service.answer(call).await,
            None => call.refuse(Refusal::new(
                "UnknownService",
                format!(
                    "The emulator has no service {}, asked for {} in {}.",
                    call.service, call.operation, call.region
                ),
            )),
        }
    }

    /// Where a call's effect is kept: service and home.
    pub(crate) fn home(&self, call: &Call) -> Option<(String, String)> {
        let service = self.find(&call.service)?;
        let home = match service.is_global() {
            true => GLOBAL.to_owned(),
            false => call.region.clone(),
        };
        Some((call.service.clone(), home))
    }

    pub(crate) async fn save(&self, service: &str, home: &str) -> Option<Value> {
        Some(self.find(service)?.save(home).await)
    }

    /// Whether a stored state can be loaded.
    pub(crate) fn check(&self, stored: &Stored) -> Result<(), EmulatorError> {
        let service = self.find(&stored.service).ok_or_else(|| unknown(stored))?;
        service.check(&stored.state).map_err(|error| broken(stored, &error))
    }

    /// Makes memory equal to what was read: homes without a file are emptied.
    pub(crate) async fn load(&self, files: Vec<Stored>) -> Result<(), EmulatorError> {
        for stored in &files {
            self.check(stored)?;
        }
        for service in &self.0 {
            for home in service.homes() {
                let is_kept =
                    |stored: &Stored| (stored.service.as_str(), &stored.region) == (service.name(), &home);
                if !files.iter().any(is_kept) {
                    // Emptying a home reads nothing that could be malformed.
                    let _ = service.load(&home, None).await;
                }
            }
        }
        for stored in files {
            let service = self.find(&stored.service).ok_or_else(|| unknown(&stored))?;
            let state = Some(stored.state.clone());
            service.load(&stored.region, state).await.map_err(|error| broken(&stored, &error))?;
        }
        Ok(())
    }

    pub(crate) async fn objects(&self) -> Vec<Object> {
        let mut objects = Vec::new();
        for service in &self.0 {
            for home in service.homes() {
                objects.extend(service.objects(&home).await);
            }
        }
        objects.sort_by(|a, b| {
            let key = |o: &Object| (o.service.clone(), o.region.clone(), o.kind.clone(), o.id.clone());
            key(a).cmp(&key(b))
        });
        objects
    }
}

fn unknown(stored: &Stored) -> EmulatorError {
    EmulatorError::UnknownService { path: stored.path.clone(), service: stored.service.clone() }
}

fn broken(stored: &Stored, error: &serde_json::Error) -> EmulatorError {
    EmulatorError::Broken { path: stored.path.clone(), reason: error.to_string() }
}

/// The refusal of an operation that a service does not have, with AWS's code for that.
fn unknown_operation(call: &Call) -> Refusal {
    let code = match call.protocol {
        Protocol::Ec2Query | Protocol::AwsQuery => "InvalidAction",
        Protocol::AwsJson | Protocol::Rest => "UnknownOperationException",
    };
    Refusal::new(
        code,
        format!("The emulator has no operation {} in service {}.", call.operation, call.service),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Http;

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_not_there_is_refused_by_name() {
        let services = Services::new(Clock::in_memory(), 0, Latencies::new(0.0, 0));
        let call = Call::decode(
            1,
            Http {
                uri: "https://sqs.eu-west-1.amazonaws.com/".to_owned(),
                headers: vec![("x-amz-target".to_owned(), "AmazonSQS.CreateQueue".to_owned())],
                ..Http::default()
            },
        );
        let response = services.answer(&call.expect("it is well formed")).await;
        assert_eq!(response.error.as_deref(), Some("UnknownService"));
        let body = String::from_utf8(response.body).expect("it is well formed");
        assert!(body.contains("sqs") && body.contains("CreateQueue"), "{body}");
    }
}
