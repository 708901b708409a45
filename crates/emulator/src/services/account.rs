//! The account: all state of all services, and how the machine gets at it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::{
    Cx, GLOBAL, GLOBALS, Global, Latencies, Object, REGIONAL, Region, answer, check_state, denied, ecr,
    settle, state_name,
};
use crate::machine::blobs::Blobs;
use crate::machine::clock::Clock;
use crate::machine::error::EmulatorError;
use crate::machine::faults::ContainerRule;
use crate::machine::persist::Stored;
use crate::machine::services::{Copied, Home, Services, Setting};
use crate::protocol::request::{Call, Protocol};
use crate::protocol::response::Response;

/// Everything in the account.
#[derive(Clone)]
pub(super) struct Account {
    global: Global,
    regions: BTreeMap<String, Region>,
}

impl Account {
    pub(super) fn new(seed: u64) -> Self {
        Account { global: Global::new(seed), regions: BTreeMap::new() }
    }

    pub(super) fn live(self, setting: Setting) -> Box<dyn Services> {
        let Setting { clock, seed, latencies, blobs, containers } = setting;
        let (clock, account) = (Arc::new(clock), Mutex::new(self));
        Box::new(LiveAccount { clock, seed, latencies, blobs, containers, account })
    }
}

/// An account at one moment.
struct AccountCopy {
    account: Account,
    blobs: Blobs,
}

impl Copied for AccountCopy {
    fn going_on(&self, setting: Setting) -> Box<dyn Services> {
        self.account.clone().live(Setting { blobs: self.blobs.copy(), ..setting })
    }
}

/// An account that is used.
struct LiveAccount {
    clock: Arc<Clock>,
    seed: u64,
    latencies: Latencies,
    blobs: Blobs,
    containers: Vec<ContainerRule>,
    account: Mutex<Account>,
}

impl LiveAccount {
    fn account(&self) -> MutexGuard<'_, Account> {
        // Operations change the state after their last check, so a panic leaves it whole.
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something in a region, once everything has happened there that is due.
    fn within<T>(&self, region: &str, work: impl FnOnce(&mut Cx<'_>) -> T) -> T {
        let mut account = self.account();
        let Account { global, regions } = &mut *account;
        let r = regions.entry(region.to_owned()).or_insert_with(|| Region::new(self.seed, region));
        let now_millis = self.clock.now_millis();
        let (blobs, containers) = (&self.blobs, self.containers.as_slice());
        let mut cx = Cx { region, now_millis, latencies: self.latencies, blobs, containers, global, r };
        settle(&mut cx);
        work(&mut cx)
    }
}

impl Services for LiveAccount {
    fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    fn copy(&self) -> (Arc<dyn Copied>, Duration) {
        let account = self.account().clone();
        (Arc::new(AccountCopy { account, blobs: self.blobs.copy() }), self.clock.passed())
    }

    fn kept(&self) {
        self.blobs.sweep();
    }

    fn not_kept(&self) {
        self.blobs.spare();
    }

    fn answer(&self, call: &Call) -> Response {
        if call.protocol == Protocol::Registry {
            return self.within(&call.region, |cx| ecr::registry::answer(cx, call));
        }
        let answered =
            self.within(&call.region, |cx| match cx.global.iam.passed_too_early(call, cx.now_millis) {
                Some(role) => Err(denied::not_passed(call, role)),
                None => answer(cx, call),
            });
        match answered {
            Ok(value) => Response::success(call, &value),
            Err(refusal) => call.refuse(refusal),
        }
    }

    fn put(&self, service: &str, region: &str, name: &str, state: &str) -> bool {
        self.within(region, |cx| cx.r.put(service, name, state))
    }

    fn homes(&self, call: &Call) -> Vec<Home> {
        let regional = REGIONAL.iter().map(|service| ((*service).to_owned(), call.region.clone()));
        let global = GLOBALS.iter().map(|service| ((*service).to_owned(), GLOBAL.to_owned()));
        regional.chain(global).collect()
    }

    fn home(&self, call: &Call) -> Home {
        let name = state_name(&call.service);
        let region = if GLOBALS.contains(&name) { GLOBAL } else { call.region.as_str() };
        (name.to_owned(), region.to_owned())
    }

    fn save(&self, service: &str, home: &str) -> Option<Value> {
        match home {
            GLOBAL => self.account().global.save(service),
            region => self.within(region, |cx| cx.r.save(service)),
        }
    }

    fn blank(&self, service: &str, home: &str) -> Option<Value> {
        match home {
            GLOBAL => Global::new(self.seed).save(service),
            region => Region::new(self.seed, region).save(service),
        }
    }

    fn check(&self, stored: &Stored) -> Result<(), EmulatorError> {
        match check_state(&stored.service, &stored.state) {
            Some(checked) => checked.map_err(|error| broken(stored, &error)),
            None => Err(unknown(stored)),
        }
    }

    fn load(&self, files: Vec<Stored>) -> Result<(), EmulatorError> {
        let mut account = Account::new(self.seed);
        for stored in files {
            let Stored { service, region, state, .. } = &stored;
            let loaded = match region.as_str() {
                GLOBAL => account.global.load(service, state.clone()),
                name => {
                    let new = || Region::new(self.seed, name);
                    account.regions.entry(name.to_owned()).or_insert_with(new).load(service, state.clone())
                }
            };
            loaded.map_err(|error| broken(&stored, &error))?;
        }
        *self.account() = account;
        Ok(())
    }

    fn objects(&self) -> Vec<Object> {
        let names: Vec<String> = self.account().regions.keys().cloned().collect();
        let mut objects: Vec<Object> =
            names.iter().flat_map(|region| self.within(region, |cx| cx.r.objects(region))).collect();
        objects.extend(self.account().global.objects());
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
