//! The chain that every call goes through.
//!
//! A [`Layer`] stands around the rest of the chain, so it can answer in place of the service, wait before
//! or after it, change what comes back, or lose the answer after the effect. There are two places for one:
//!
//! - *around the turn* ([`Builder::layer`](crate::Builder::layer)): many calls at once, free to sleep. Latency,
//!   throttling and faults belong here, and so does the call log.
//! - *inside the turn* ([`Builder::rule`](crate::Builder::rule)): one call at a time, after the state is known to
//!   be current and before it is written. Rules that look at the state and then let a call pass belong
//!   here, because nothing can change between the look and the effect. They must not sleep.
//!
//! Both see the state through [`World`].

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::machine::error::EmulatorError;
use crate::machine::gate::Gate;
use crate::machine::objects::Object;
use crate::machine::services::Services;
use crate::protocol::request::Call;
use crate::protocol::response::Reply;

/// One link of the chain.
#[async_trait]
pub trait Layer: Send + Sync + 'static {
    /// Handles a call; `next.run(call)` is the rest of the chain. `Next` may be run not at all, once, or (to
    /// model a request that arrives twice) more than once.
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply;
}

/// The rest of the chain.
#[derive(Clone, Copy)]
pub struct Next<'a> {
    layers: &'a [Arc<dyn Layer>],
    end: End<'a>,
}

#[derive(Clone, Copy)]
enum End<'a> {
    Gate(&'a Arc<Gate>),
    Services(&'a dyn Services),
}

impl<'a> Next<'a> {
    /// The outer chain, which ends in the gate.
    pub(crate) fn outer(layers: &'a [Arc<dyn Layer>], gate: &'a Arc<Gate>) -> Self {
        Next { layers, end: End::Gate(gate) }
    }

    /// The inner chain, which ends in the service.
    pub(crate) fn inner(rules: &'a [Arc<dyn Layer>], services: &'a dyn Services) -> Self {
        Next { layers: rules, end: End::Services(services) }
    }

    /// Runs the rest of the chain.
    pub async fn run(self, call: &Call) -> Reply {
        match (self.layers.split_first(), self.end) {
            (Some((layer, layers)), end) => layer.handle(call, Next { layers, end }).await,
            (None, End::Gate(gate)) => gate.call(call).await,
            (None, End::Services(services)) => Ok(services.answer(call)),
        }
    }

    /// The state as it is now.
    pub fn world(&self) -> World<'a> {
        World { end: self.end }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("layers", &self.layers.len()).finish_non_exhaustive()
    }
}

/// Read access to the state of all services.
///
/// Around the turn, each look is a turn of its own: it sees everything acknowledged before it, other
/// processes included. Inside the turn, it sees the state that the call will change.
#[derive(Clone, Copy)]
pub struct World<'a> {
    end: End<'a>,
}

impl World<'_> {
    /// Every object there is.
    ///
    /// # Errors
    ///
    /// If state on disk cannot be read. Never inside the turn, and never in memory.
    pub async fn objects(&self) -> Result<Vec<Object>, EmulatorError> {
        match self.end {
            End::Gate(gate) => gate.objects().await,
            End::Services(services) => Ok(services.objects()),
        }
    }

    /// The state of one service in one region, as it would be written to disk. Global services have the
    /// region `global`. `None` for a service that the emulator does not have.
    ///
    /// # Errors
    ///
    /// If state on disk cannot be read. Never inside the turn, and never in memory.
    pub async fn state(&self, service: &str, region: &str) -> Result<Option<Value>, EmulatorError> {
        match self.end {
            End::Gate(gate) => gate.state(service, region).await,
            End::Services(services) => Ok(services.save(service, region)),
        }
    }
}

impl fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}
