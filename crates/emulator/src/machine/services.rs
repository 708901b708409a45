//! What the machine asks of the services, none of which it knows by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::machine::blobs::Blobs;
use crate::machine::clock::Clock;
use crate::machine::error::EmulatorError;
use crate::machine::faults::ContainerRule;
use crate::machine::latency::{Latencies, Spread};
use crate::machine::limits::ServiceLimits;
use crate::machine::objects::Object;
use crate::machine::persist::{Files, Stored};
use crate::protocol::apis::Apis;
use crate::protocol::request::Call;
use crate::protocol::response::{Refusal, Response};
use crate::protocol::secrets::Secrets;

/// Service and region, or `global`: what one file holds.
pub(crate) type Home = (String, String);

/// What there is to know of the services without an account. The [`Builder`](crate::Builder) is given it.
pub(crate) trait Catalog: Send + Sync {
    /// Their APIs.
    fn apis(&self) -> &'static Apis;

    /// What a service says of itself, by the name that calls are for. Of one that is not there, what holds for all.
    fn facts(&self, service: &str) -> Facts;

    /// The largest bodies of requests, for services that take larger ones than others.
    fn large_bodies(&self) -> &'static [(&'static str, usize)];

    /// A new account.
    fn account(&self, setting: Setting) -> Box<dyn Services>;
}

/// What an account is given to live with.
pub(crate) struct Setting {
    pub(crate) clock: Clock,
    /// What ids are made from.
    pub(crate) seed: u64,
    pub(crate) latencies: Latencies,
    pub(crate) blobs: Blobs,
    /// What containers do that are told to go wrong.
    pub(crate) containers: Vec<ContainerRule>,
}

/// What a service says of itself.
#[derive(Clone, Copy)]
pub(crate) struct Facts {
    /// How many calls it takes.
    pub(crate) limits: ServiceLimits,
    /// Operations that take their time before they answer.
    pub(crate) calls: &'static [(&'static str, Spread)],
    /// Members that are secret in one operation only, and that no model marks.
    pub(crate) secrets: Secrets,
    /// The refusal of a caller whom no policy allows the call.
    pub(crate) denied: fn(&Call) -> Refusal,
    /// The code of an internal error.
    pub(crate) internal_error: &'static str,
}

impl Facts {
    /// How long a call takes until it answers, where that is not at once.
    pub(crate) fn duration(&self, operation: &str) -> Option<Spread> {
        self.calls.iter().find(|(name, _)| *name == operation).map(|(_, spread)| *spread)
    }
}

/// All services of an account.
pub(crate) trait Services: Send + Sync {
    /// The account's clock.
    fn clock(&self) -> &Arc<Clock>;

    fn answer(&self, call: &Call) -> Response;

    /// Every object there is.
    fn objects(&self) -> Vec<Object>;

    /// The homes in which a call may have an effect.
    fn homes(&self, call: &Call) -> Vec<Home>;

    /// The home of the service that a call asks.
    fn home(&self, call: &Call) -> Home;

    /// The state of a service in a region, or `global`; `None` for a service that is not there.
    fn save(&self, service: &str, home: &str) -> Option<Value>;

    /// The same for a new account, which has no file.
    fn blank(&self, service: &str, home: &str) -> Option<Value>;

    /// Whether a stored state can be loaded.
    fn check(&self, stored: &Stored) -> Result<(), EmulatorError>;

    /// Makes memory equal to what was read: homes without a file are those of a new account. Files are
    /// [checked](Self::check) before.
    fn load(&self, files: Vec<Stored>) -> Result<(), EmulatorError>;

    /// Puts an object into a state whose cause is not modelled; whether there is one of this name.
    fn put(&self, service: &str, region: &str, name: &str, state: &str) -> bool;

    /// The state as it is now is kept: what it no longer names goes.
    fn kept(&self);

    /// The state was not kept, or is read anew: nothing goes that was to go with it.
    fn not_kept(&self);

    /// The account as it is, and how much time has passed in it.
    fn copy(&self) -> (Arc<dyn Copied>, Duration);

    /// What of the files can be loaded, and what is wrong with the others.
    fn usable(&self, files: Files) -> (Vec<Stored>, BTreeMap<Home, EmulatorError>) {
        let home = |service: &String, region: &String| (service.clone(), region.clone());
        let mut bad: BTreeMap<_, _> =
            files.unreadable.into_iter().map(|one| (home(&one.service, &one.region), one.error)).collect();
        let mut good = Vec::new();
        for stored in files.readable {
            match self.check(&stored) {
                Ok(()) => good.push(stored),
                Err(error) => drop(bad.insert(home(&stored.service, &stored.region), error)),
            }
        }
        (good, bad)
    }
}

/// An account that was copied.
pub(crate) trait Copied: Send + Sync {
    /// Goes on with a copy of it and of its blobs, by a clock that shows the moment at which it was copied.
    fn going_on(&self, setting: Setting) -> Box<dyn Services>;
}
