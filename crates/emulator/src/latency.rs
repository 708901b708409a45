//! How long things take, and the layer that makes calls take their time.
//!
//! The numbers are seconds, from logs of real deployments (Terraform, CloudFormation and cdkd applies) and public
//! benchmarks; those marked "estimate" are not measured. Times of a kind are from the call to the state, or to the
//! object being seen, whichever AWS has. Everything here is off unless
//! [`Builder::latency`](crate::Builder::latency) asks for it.
//!
//! Times of EC2's kinds are here, those of others with their service. Operations that take their time before they
//! answer are listed with their service ([`Api::CALLS`](crate::services::Api::CALLS)).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Clock;
use crate::ids::draw;
use crate::layer::{Layer, Next};
use crate::request::Call;
use crate::response::Reply;
use crate::services;

/// How long something takes, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    typical: f64,
    low: f64,
    high: f64,
}

/// How long it takes to make and to delete an object of one kind.
#[derive(Debug, PartialEq)]
pub(crate) struct Latency {
    pub(crate) create: Spread,
    pub(crate) delete: Spread,
}

/// `typical` seconds, and between `low` and `high`.
pub(crate) const fn spread(typical: f64, low: f64, high: f64) -> Spread {
    Spread { typical, low, high }
}

pub(crate) const fn latency(create: Spread, delete: Spread) -> Latency {
    Latency { create, delete }
}

pub(crate) const VPC: Latency = latency(spread(1.1, 1.0, 8.0), spread(1.0, 1.0, 2.0));
pub(crate) const SUBNET: Latency = latency(spread(1.5, 1.0, 2.0), spread(1.0, 0.5, 60.0));
/// Deleting includes detaching, which is what takes long.
pub(crate) const INTERNET_GATEWAY: Latency = latency(spread(1.5, 1.0, 2.0), spread(11.0, 1.0, 66.0));
pub(crate) const ADDRESS: Latency = latency(spread(2.4, 1.0, 6.0), spread(1.0, 1.0, 9.0));
pub(crate) const NAT_GATEWAY: Latency = latency(spread(105.0, 85.0, 130.0), spread(56.0, 37.0, 79.0));
pub(crate) const ROUTE_TABLE: Latency = latency(spread(1.0, 1.0, 5.0), spread(1.0, 1.0, 1.0));
pub(crate) const ROUTE: Latency = latency(spread(1.0, 1.0, 2.0), spread(1.0, 0.5, 1.0));
pub(crate) const ASSOCIATION: Latency = latency(spread(1.0, 1.0, 2.0), spread(1.0, 1.0, 1.0));
pub(crate) const SECURITY_GROUP: Latency = latency(spread(2.0, 1.9, 7.0), spread(1.1, 1.0, 36.0));
/// Deleting: estimate.
pub(crate) const GATEWAY_ENDPOINT: Latency = latency(spread(8.0, 5.0, 9.0), spread(10.0, 5.0, 20.0));
/// Estimate.
pub(crate) const INTERFACE_ENDPOINT: Latency = latency(spread(75.0, 45.0, 150.0), spread(60.0, 30.0, 120.0));
/// Estimate.
pub(crate) const FLOW_LOG: Latency = latency(spread(1.5, 1.0, 3.0), spread(1.0, 1.0, 2.0));
/// From the creation of a role until services can assume it (IAM User Guide, "Changes that I make are not always
/// immediately visible").
pub(crate) const ROLE_PROPAGATION: Spread = spread(8.0, 5.0, 12.0);
/// Until KMS knows it as a principal, to which it can grant something: after services can assume it, as the answers of
/// CreateFunction show, which come in that order. Estimate.
pub(crate) const PRINCIPAL_PROPAGATION: Spread = spread(16.0, 13.0, 20.0);
/// From a change of a role's policies until services know what they allow. Estimate.
pub(crate) const POLICY_PROPAGATION: Spread = spread(15.0, 13.0, 20.0);

/// Nobody waits longer than this to see an EC2 object that is there (EC2 Developer Guide, "Eventual
/// consistency", gives no number; this one is of the order that clients report).
const LONGEST_UNSEEN: f64 = 2.0;

impl Spread {
    /// A time as far below the typical one as above it, and never outside what was seen. `at` is from 0 to 1.
    fn seconds(self, at: f64) -> f64 {
        let reach = (self.typical - self.low).min(self.high - self.typical);
        self.typical + reach * (2.0 * at - 1.0)
    }
}

/// How much of AWS's time the emulator takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Latencies {
    scale: f64,
    seed: u64,
}

impl Latencies {
    /// A scale that is negative or not a number is 0.
    pub(crate) fn new(scale: f64, seed: u64) -> Self {
        let scale = if scale.is_finite() { scale.max(0.0) } else { 0.0 };
        Latencies { scale, seed }
    }

    pub(crate) fn are_off(&self) -> bool {
        self.scale == 0.0
    }

    /// How long something takes, in milliseconds; `about` tells it from all others.
    pub(crate) fn millis(&self, spread: Spread, about: &str) -> i64 {
        self.scaled(spread.seconds(draw(self.seed, about)))
    }

    /// How long a new object that is ready once it is seen stays unseen, in milliseconds.
    pub(crate) fn unseen_millis(&self, latency: &Latency, id: &str) -> i64 {
        self.scaled(latency.create.seconds(draw(self.seed, id)).min(LONGEST_UNSEEN))
    }

    /// The same for one that is seen before it is ready.
    pub(crate) fn unseen_early_millis(&self, latency: &Latency, id: &str) -> i64 {
        let early = draw(self.seed, &format!("{id} unseen"));
        self.scaled(latency.create.typical.min(LONGEST_UNSEEN) * early)
    }

    fn scaled(&self, seconds: f64) -> i64 {
        (seconds * self.scale * 1000.0).round() as i64
    }
}

/// The layer in which calls take their time before they answer.
pub(crate) struct Slow {
    latencies: Latencies,
    clock: Arc<Clock>,
}

impl Slow {
    pub(crate) fn new(latencies: Latencies, clock: Arc<Clock>) -> Self {
        Slow { latencies, clock }
    }
}

#[async_trait]
impl Layer for Slow {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        let reply = next.run(call).await;
        // A refusal comes at once.
        let succeeded = reply.as_ref().is_ok_and(|response| response.error.is_none());
        let spread = services::duration(&call.service, &call.operation).filter(|_| succeeded);
        if let Some(spread) = spread {
            let about = format!("{} {}", call.sequence, call.operation);
            let millis = self.latencies.millis(spread, &about);
            self.clock.sleep(Duration::from_millis(millis.unsigned_abs())).await;
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lie_evenly_around_the_typical_one_and_inside_what_was_seen() {
        assert_eq!(NAT_GATEWAY.create.seconds(0.0), 85.0);
        assert_eq!(NAT_GATEWAY.create.seconds(0.5), 105.0);
        assert_eq!(NAT_GATEWAY.create.seconds(1.0), 125.0);
        assert_eq!(SUBNET.delete.seconds(1.0), 1.5);
    }

    #[test]
    fn a_scale_that_makes_no_sense_is_none() {
        for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Latencies::new(scale, 0).are_off(), "{scale}");
        }
        assert_eq!(Latencies::new(0.1, 0).millis(spread(8.0, 8.0, 8.0), "x"), 800);
    }
}
