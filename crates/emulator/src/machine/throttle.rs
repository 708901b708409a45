//! Throttling: calls that come faster than AWS takes them are refused.
//!
//! A call draws a token from each of its buckets ([`limits`]). If one of them is empty it is refused, draws
//! nothing and does nothing (EC2 Developer Guide, "How throttling is applied"). Buckets fill by tokio's clock,
//! also where the state is on disk, and by what the account's clock is moved; they belong to this emulator: another process has
//! its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::machine::clock::{Clock, Stopwatch};
use crate::machine::layer::{Layer, Next};
use crate::machine::limits::{self, Rate};
use crate::machine::services::Catalog;
use crate::protocol::request::Call;
use crate::protocol::response::Reply;

/// The layer that counts and refuses.
pub(crate) struct Throttle {
    watch: Stopwatch,
    clock: Arc<Clock>,
    catalog: &'static dyn Catalog,
    /// By service, region and the bucket's own name.
    buckets: Mutex<BTreeMap<(String, String, String), Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    /// When there were so many.
    at: Duration,
}

impl Bucket {
    fn filled(self, rate: Rate, now: Duration) -> Self {
        let gained = now.saturating_sub(self.at).as_secs_f64() * rate.per_second;
        Bucket { tokens: (self.tokens + gained).min(rate.size), at: now }
    }
}

impl Throttle {
    pub(crate) fn new(clock: Arc<Clock>, catalog: &'static dyn Catalog) -> Self {
        Throttle { watch: Stopwatch::start(), clock, catalog, buckets: Mutex::default() }
    }

    /// Draws a token from each bucket of a call, or from none.
    fn admits(&self, call: &Call) -> bool {
        let now = self.watch.elapsed() + self.clock.ahead();
        // The buckets of a call change together at the end, so a panic elsewhere leaves them whole.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn: Vec<_> = limits::buckets(self.catalog.facts(&call.service).limits, call)
            .into_iter()
            .map(|(name, rate)| {
                let key = (call.service.clone(), call.region.clone(), name.into_owned());
                let full = Bucket { tokens: rate.size, at: now };
                let bucket = buckets.get(&key).copied().unwrap_or(full).filled(rate, now);
                (key, Bucket { tokens: bucket.tokens - 1.0, ..bucket })
            })
            .collect();
        // What fills in small steps may miss a whole token by a rounding error.
        let admitted = drawn.iter().all(|(_, bucket)| bucket.tokens > -1e-9);
        if admitted {
            buckets.extend(drawn);
        }
        admitted
    }
}

#[async_trait]
impl Layer for Throttle {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        if self.admits(call) {
            return next.run(call).await;
        }
        Ok(call.refuse(limits::exceeded(self.catalog.facts(&call.service).limits, call)))
    }
}
