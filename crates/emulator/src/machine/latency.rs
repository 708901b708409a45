//! How long things take, and the layer that makes calls take their time.
//!
//! The numbers are seconds, from logs of real deployments (Terraform, CloudFormation and cdkd applies) and public
//! benchmarks; those marked "estimate" are not measured. Times of a kind are from the call to the state, or to the
//! object being seen, whichever AWS has. Everything here is off unless
//! [`Builder::latency`](crate::Builder::latency) asks for it.
//!
//! The times stand with each service, and so do the operations that take their time before they answer.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::machine::clock::Clock;
use crate::machine::ids::draw;
use crate::machine::layer::{Layer, Next};
use crate::machine::services::Catalog;
use crate::protocol::request::Call;
use crate::protocol::response::Reply;

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

    /// How long a new object that is ready once it is seen stays unseen, in milliseconds, and `longest` seconds at most.
    pub(crate) fn unseen_millis(&self, latency: &Latency, longest: f64, id: &str) -> i64 {
        self.scaled(latency.create.seconds(draw(self.seed, id)).min(longest))
    }

    /// The same for one that is seen before it is ready.
    pub(crate) fn unseen_early_millis(&self, latency: &Latency, longest: f64, id: &str) -> i64 {
        let early = draw(self.seed, &format!("{id} unseen"));
        self.scaled(latency.create.typical.min(longest) * early)
    }

    fn scaled(&self, seconds: f64) -> i64 {
        (seconds * self.scale * 1000.0).round() as i64
    }
}

/// The layer in which calls take their time before they answer.
pub(crate) struct Slow {
    latencies: Latencies,
    clock: Arc<Clock>,
    catalog: &'static dyn Catalog,
}

impl Slow {
    pub(crate) fn new(latencies: Latencies, clock: Arc<Clock>, catalog: &'static dyn Catalog) -> Self {
        Slow { latencies, clock, catalog }
    }
}

#[async_trait]
impl Layer for Slow {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        let reply = next.run(call).await;
        // A refusal comes at once.
        let succeeded = reply.as_ref().is_ok_and(|response| response.error.is_none());
        let spread = self.catalog.facts(&call.service).duration(&call.operation).filter(|_| succeeded);
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
        let create = spread(105.0, 85.0, 130.0);
        assert_eq!(create.seconds(0.0), 85.0);
        assert_eq!(create.seconds(0.5), 105.0);
        assert_eq!(create.seconds(1.0), 125.0);
        assert_eq!(spread(1.0, 0.5, 60.0).seconds(1.0), 1.5);
    }

    #[test]
    fn a_scale_that_makes_no_sense_is_none() {
        for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Latencies::new(scale, 0).are_off(), "{scale}");
        }
        assert_eq!(Latencies::new(0.1, 0).millis(spread(8.0, 8.0, 8.0), "x"), 800);
    }
}
