//! Which roles are too new to be used.
//!
//! IAM answers for a new role at once, but the services that are to assume it do not know it for some seconds (IAM
//! User Guide, "Changes that I make are not always immediately visible"). A service that checks a role asks here;
//! IAM tells here what it makes. The times are part of IAM's saved state.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::latency::{Latencies, ROLE_PROPAGATION};

/// A handle; clones are the same.
#[derive(Clone)]
pub(super) struct Roles {
    clock: Clock,
    latencies: Latencies,
    /// When each new role becomes visible.
    unseen_until: Arc<Mutex<BTreeMap<String, i64>>>,
}

impl Roles {
    pub(super) fn new(clock: Clock, latencies: Latencies) -> Self {
        Roles { clock, latencies, unseen_until: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, i64>> {
        // Each change is one step, so a panic elsewhere leaves the map whole.
        self.unseen_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a new role, by its name and unique id.
    pub(super) fn created(&self, name: &str, role_id: &str) {
        let mut unseen = self.lock();
        let now = self.clock.now_millis();
        unseen.retain(|_, until| *until > now);
        if !self.latencies.are_off() {
            unseen.insert(name.to_owned(), now + self.latencies.millis(ROLE_PROPAGATION, role_id));
        }
    }

    /// Whether other services know a role, provided that it exists.
    pub(super) fn role_is_visible(&self, name: &str) -> bool {
        self.lock().get(name).is_none_or(|until| *until <= self.clock.now_millis())
    }

    /// The same for a role's ARN, whose last part is the name.
    pub(super) fn arn_is_visible(&self, arn: &str) -> bool {
        self.role_is_visible(arn.rsplit('/').next().unwrap_or(arn))
    }

    pub(super) fn save(&self) -> BTreeMap<String, i64> {
        self.lock().clone()
    }

    pub(super) fn load(&self, unseen_until: BTreeMap<String, i64>) {
        *self.lock() = unseen_until;
    }
}
