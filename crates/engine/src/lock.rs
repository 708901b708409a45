//! One writer at a time: a lease that its holder renews.
//!
//! A process that dies leaves its lease behind; the next one waits until it has run out and takes it over. A process
//! that was merely slow finds out at its next renewal, at its next call, since its own lease has run out, or at its
//! next record, which the journal refuses. From then on it sends nothing: work that is under way is dropped where it waits,
//! since an operation may consist of several calls, and the next one would meet what another process does meanwhile. To the
//! next run, a call whose answer was not heard looks as it does after a crash.
//!
//! Where the store has a [`Mark`], the holder keeps it and its lease names it. Who gets the very mark that a lease names
//! knows that its holder is dead, and need not wait. Calls that were sent before it died may still take effect, as they
//! may after any lease: what is looked for in vain is looked for again during the engine's grace period.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::cancel::Cancel;
use crate::engine_error::EngineError;
use crate::host::Host;
use crate::store::{File, Mark, Store, StoreError, Version};

/// How long a lease lasts without being renewed.
pub(crate) const LEASE: Duration = Duration::from_secs(20);

/// How often it is renewed.
const HEARTBEAT: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lease {
    holder: String,
    /// Random name of this holding.
    id: String,
    /// Milliseconds since the Unix epoch.
    since: u64,
    expires: u64,
    /// The mark that the holder keeps while it lives, if it got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<String>,
}

/// Why the lock cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process works on this state.
    #[error("{name} is held by {holder}, for {for_seconds} s")]
    Held {
        /// The lock, as a person would look for it.
        name: String,
        /// Who.
        holder: String,
        /// For how long.
        for_seconds: u64,
    },
    /// The lock is not one of ours.
    #[error("{name} cannot be understood")]
    Broken {
        /// The lock, as a person would look for it.
        name: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The run was interrupted while it waited for the lock.
    #[error("interrupted while waiting for the lock")]
    Interrupted,
    /// The store failed.
    #[error("cannot take the lock")]
    Store(#[from] StoreError),
}

/// The lock, held and renewed until [`release`](Lock::release). One that is dropped is given back as well, if the store
/// answers; nobody learns whether it did.
pub(crate) struct Lock {
    store: Arc<dyn Store>,
    host: Arc<dyn Host>,
    expires: Arc<AtomicU64>,
    lost: Lost,
    stop: oneshot::Sender<()>,
    heartbeat: JoinHandle<Option<Version>>,
    _mark: Option<Mark>,
}

/// What is set when a lock is lost.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    /// That it is lost.
    flag: Cancel,
    /// That nothing more is to be begun, and what was begun is given up.
    cancel: Cancel,
    /// Why it could not be renewed the last time, if the store said so.
    why: Arc<Mutex<Option<Arc<std::io::Error>>>>,
}

impl Lost {
    pub(crate) fn new(flag: Cancel, cancel: Cancel) -> Self {
        Self { flag, cancel, why: Arc::default() }
    }

    fn why(&self) -> MutexGuard<'_, Option<Arc<std::io::Error>>> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self) {
        self.flag.cancel();
        self.cancel.abandon();
    }
}

impl Lock {
    /// Takes the lock. Waits for a lease that is not being renewed to run out, unless its holder is known to be dead;
    /// `lost` is set when the lock is lost later on.
    pub(crate) async fn acquire(
        store: Arc<dyn Store>,
        host: Arc<dyn Host>,
        lost: Lost,
        waiting: impl Fn(&str, Duration),
    ) -> Result<Self, LockError> {
        let name = store.name(File::Lock);
        let mut seen: Option<(Version, Instant)> = None;
        let mut mark = None;
        loop {
            let now = host.now_millis();
            let content = store.read(File::Lock).await?;
            if let Some(content) = &content {
                let lease: Lease = serde_json::from_slice(&content.bytes)
                    .map_err(|source| LockError::Broken { name: name.clone(), source })?;
                let (version, since) = seen.get_or_insert_with(|| (content.version.clone(), Instant::now()));
                if *version != content.version {
                    let for_seconds = now.saturating_sub(lease.since) / 1000;
                    return Err(LockError::Held { name, holder: lease.holder, for_seconds });
                }
                if mark.is_none() && lease.mark.is_some() {
                    mark = store.mark().await;
                }
                let dead = lease.mark.is_some() && lease.mark.as_deref() == mark.as_ref().map(Mark::name);
                // Whoever lives renews. A clock that was wrong when the lease was written must not keep it for ever.
                let unchanged = LEASE.saturating_sub(since.elapsed());
                let left = Duration::from_millis(lease.expires.saturating_sub(now)).min(unchanged);
                if !dead && !left.is_zero() {
                    waiting(&lease.holder, left);
                    tokio::select! {
                        biased;
                        () = lost.cancel.cancelled() => return Err(LockError::Interrupted),
                        () = tokio::time::sleep(left.min(Duration::from_secs(1))) => {}
                    }
                    continue;
                }
            }
            if mark.is_none() {
                mark = store.mark().await;
            }
            let lease = Lease {
                holder: host.holder(),
                id: host.unique(),
                since: now,
                expires: now + LEASE.as_millis() as u64,
                mark: mark.as_ref().map(|mark| mark.name().to_owned()),
            };
            let expected = content.map(|content| content.version);
            match store.replace(File::Lock, expected.as_ref(), encode(&lease)).await {
                Ok(version) => {
                    let (stop, stopped) = oneshot::channel();
                    let expires = Arc::new(AtomicU64::new(lease.expires));
                    let renewal = Renewal {
                        store: Arc::clone(&store),
                        host: Arc::clone(&host),
                        lease,
                        expires: Arc::clone(&expires),
                        version,
                        lost: lost.clone(),
                    };
                    let heartbeat = tokio::spawn(renewal.run(stopped));
                    return Ok(Self { store, host, expires, lost, stop, heartbeat, _mark: mark });
                }
                Err(StoreError::Changed { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether the lease still holds. A process that stood still for longer than its lease learns it here, before its
    /// next call, though nobody could tell it.
    pub(crate) fn is_held(&self) -> bool {
        if self.host.now_millis() >= self.expires.load(Ordering::Relaxed) {
            self.lost.set();
        }
        !self.lost.flag.is_cancelled()
    }

    /// Why it was lost.
    pub(crate) fn why_lost(&self) -> EngineError {
        match &*self.lost.why() {
            Some(source) => {
                EngineError::LockUnrenewed { name: self.store.name(File::Lock), source: Arc::clone(source) }
            }
            None => EngineError::LockLost,
        }
    }

    /// Gives the lock back.
    pub(crate) async fn release(self) -> Result<(), LockError> {
        let _ = self.stop.send(());
        if let Ok(Some(version)) = self.heartbeat.await {
            match self.store.remove(File::Lock, &version).await {
                // Somebody took it over: it is not ours to remove.
                Ok(()) | Err(StoreError::Changed { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn encode(lease: &Lease) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(lease).expect("a struct of texts and numbers is JSON");
    bytes.push(b'\n');
    bytes
}

struct Renewal {
    store: Arc<dyn Store>,
    host: Arc<dyn Host>,
    lease: Lease,
    expires: Arc<AtomicU64>,
    version: Version,
    lost: Lost,
}

impl Renewal {
    /// Renews the lease until told to stop or the lock is lost; the last version that was ours, if it may still be there and
    /// the store answers.
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) -> Option<Version> {
        loop {
            tokio::select! {
                biased;
                stopped = &mut stopped => {
                    // Nobody waits for it: the lock was dropped, not released.
                    if stopped.is_err() {
                        let _ = self.store.remove(File::Lock, &self.version).await;
                    }
                    return Some(self.version);
                }
                () = tokio::time::sleep(HEARTBEAT) => {}
            }
            let now = self.host.now_millis();
            let renewed = Lease { expires: now + LEASE.as_millis() as u64, ..self.lease.clone() };
            let left = Duration::from_millis(self.lease.expires.saturating_sub(now));
            let replaced = self.store.replace(File::Lock, Some(&self.version), encode(&renewed));
            // A store that does not answer is as bad as one that says no.
            match tokio::time::timeout(left, replaced).await {
                Ok(Ok(next)) => {
                    self.expires.store(renewed.expires, Ordering::Relaxed);
                    self.lost.why().take();
                    (self.lease, self.version) = (renewed, next);
                    continue;
                }
                Ok(Err(StoreError::Io { source, .. })) => {
                    *self.lost.why() = Some(Arc::new(source));
                    if now < self.lease.expires {
                        continue;
                    }
                    self.lost.set();
                    // If nobody has taken it over, it can still be given back.
                    return Some(self.version);
                }
                Ok(Err(StoreError::Unusable { reason, .. })) => {
                    *self.lost.why() = Some(Arc::new(std::io::Error::other(reason)));
                }
                Ok(Err(StoreError::Changed { .. })) => {
                    self.lost.why().take();
                }
                Err(_) => {}
            }
            self.lost.set();
            return None;
        }
    }
}
