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

/// What a later version adds is no reason to refuse a lease, so unknown members are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Lease {
    holder: String,
    /// Random name of this holding.
    id: String,
    /// What the holder does, such as its command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
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
    #[error("{name} is held by {holder}{}, for {for_seconds} s", with_purpose(purpose.as_deref()))]
    Held {
        /// The lock, as a person would look for it.
        name: String,
        /// Who.
        holder: String,
        /// What the holder does, if it says so.
        purpose: Option<String>,
        /// For how long.
        for_seconds: u64,
    },
    /// The lock is not one of ours.
    #[error("{name} is not a valid lock file")]
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

fn with_purpose(purpose: Option<&str>) -> String {
    purpose.map(|purpose| format!(" ({purpose})")).unwrap_or_default()
}

/// Who holds the lock of a state. Two are equal if the lock was neither renewed nor given back in between.
#[derive(Clone, Debug)]
pub struct Holder {
    /// User, machine and process.
    pub who: String,
    /// The random name of this holding, which [`unlock`] wants.
    pub id: String,
    /// What the holder does, if it says so.
    pub purpose: Option<String>,
    /// Since when, in milliseconds since the Unix epoch, by the holder's clock.
    pub since: u64,
    /// Whether the process that took it is known to have ended. Only processes of this machine can be known of.
    pub is_dead: bool,
    /// Whether that process is known to live. Only where all users of a store are on one machine.
    pub lives: bool,
    version: Version,
}

impl PartialEq for Holder {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version
    }
}

impl Eq for Holder {}

/// Who holds the lock of the state in `store`; `None` if nobody does. Changes nothing.
///
/// # Errors
/// Where the lock cannot be read.
pub async fn lock_holder(store: &dyn Store) -> Result<Option<Holder>, LockError> {
    let Some(content) = store.read(File::Lock).await? else { return Ok(None) };
    let Lease { holder, id, purpose, since, mark, .. } = Lease::read(store, &content.bytes)?;
    // The mark is given back at once: whoever takes the lock over asks for it again.
    let free = store.mark().await;
    let is_dead = mark.is_some() && mark.as_deref() == free.as_ref().map(Mark::name);
    let lives = mark.is_some() && free.is_none() && store.lease().one_clock;
    Ok(Some(Holder { who: holder, id, purpose, since, is_dead, lives, version: content.version }))
}

/// Takes the lock away from this holder, whether it lives or not; `false` if it is not there any more. A holder that lives
/// finds out at its next renewal or record, and stops.
///
/// # Errors
/// Where the lock cannot be read or removed.
pub async fn unlock(store: &dyn Store, id: &str) -> Result<bool, LockError> {
    loop {
        match lock_holder(store).await? {
            Some(holder) if holder.id == id => match store.remove(File::Lock, &holder.version).await {
                Ok(()) => return Ok(true),
                // It was renewed in between, or given back.
                Err(StoreError::Changed { .. }) => {}
                Err(error) => return Err(error.into()),
            },
            _ => return Ok(false),
        }
    }
}

/// Takes the lock away from a holder that has not renewed it since it was looked at; `false` if it has, or gave it back.
///
/// # Errors
/// Where the lock cannot be removed.
pub async fn unlock_unrenewed(store: &dyn Store, holder: &Holder) -> Result<bool, LockError> {
    match store.remove(File::Lock, &holder.version).await {
        Ok(()) => Ok(true),
        Err(StoreError::Changed { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The lock by itself, for work on what a store keeps, such as copying it. It is renewed until it is given back.
pub struct Holding(Lock);

/// Takes the lock of a store. Without any `patience` it waits for a lease that is not renewed to run out, and for no holder that
/// lives; otherwise for both, and for no longer than that. `cancel` is set when the lock is lost later on.
///
/// # Errors
/// [`LockError::Held`] if another process has it; otherwise where the lock cannot be read or written.
pub async fn hold(
    store: Arc<dyn Store>,
    host: Arc<dyn Host>,
    purpose: &str,
    patience: Duration,
    cancel: Cancel,
    waiting: impl Fn(&str, Awaited, Duration),
) -> Result<Holding, LockError> {
    let wish = Wish { purpose: Some(purpose.to_owned()), patience };
    let lost = Lost::new(Cancel::new(), cancel);
    Lock::acquire(store, host, wish, lost, waiting).await.map(Holding)
}

impl Holding {
    /// Whether the lease still holds.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.is_held()
    }

    /// Gives the lock back.
    ///
    /// # Errors
    /// Where it cannot be removed; it runs out then.
    pub async fn release(self) -> Result<(), LockError> {
        self.0.release().await
    }
}

/// Who wants the lock, and how long it waits for its holder. Without any patience a lease that is not renewed is waited for all
/// the same, until it has run out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) purpose: Option<String>,
    pub(crate) patience: Duration,
}

/// What whoever wants the lock waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaited {
    /// That the holder lets go: it has just renewed its lease, or the patience ends before that can run out.
    Release,
    /// That the lease runs out: it was not renewed since it was first seen.
    Expiry,
}

impl Lease {
    fn read(store: &dyn Store, bytes: &[u8]) -> Result<Self, LockError> {
        serde_json::from_slice(bytes)
            .map_err(|source| LockError::Broken { name: store.name(File::Lock), source })
    }
}

/// The lock, held and renewed until [`release`](Lock::release). One that is dropped is given back as well, if the store
/// answers; nobody learns whether it did.
pub(crate) struct Lock {
    /// The random name of this holding.
    id: String,
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
    /// Takes the lock. Waits as `wish` says, and not at all for a holder that is known to be dead; `lost` is set when the lock is
    /// lost later on.
    pub(crate) async fn acquire(
        store: Arc<dyn Store>,
        host: Arc<dyn Host>,
        wish: Wish,
        lost: Lost,
        waiting: impl Fn(&str, Awaited, Duration),
    ) -> Result<Self, LockError> {
        let terms = store.lease();
        let give_up = Instant::now() + wish.patience;
        let mut seen: Option<(Version, Instant)> = None;
        let mut awaited = Awaited::Expiry;
        let mut mark = None;
        loop {
            let now = host.now_millis();
            let content = store.read(File::Lock).await?;
            if let Some(content) = &content {
                let lease = Lease::read(&*store, &content.bytes)?;
                let (version, since) = seen.get_or_insert_with(|| (content.version.clone(), Instant::now()));
                if *version != content.version {
                    (*version, *since) = (content.version.clone(), Instant::now());
                    awaited = Awaited::Release;
                }
                if mark.is_none() && lease.mark.is_some() {
                    mark = store.mark().await;
                }
                let dead = lease.mark.is_some() && lease.mark.as_deref() == mark.as_ref().map(Mark::name);
                // Whoever lives renews. A clock that was wrong when the lease was written must not keep it for ever, and what
                // the clock of another machine said is not compared with this one's at all.
                let unchanged = terms.lasts.saturating_sub(since.elapsed());
                let stamped = Duration::from_millis(lease.expires.saturating_sub(now));
                let left = if terms.one_clock { stamped.min(unchanged) } else { unchanged };
                if !dead && !left.is_zero() {
                    let patience = give_up.saturating_duration_since(Instant::now());
                    if patience.is_zero() && (awaited == Awaited::Release || !wish.patience.is_zero()) {
                        let Lease { holder, purpose, since, .. } = lease;
                        let for_seconds = now.saturating_sub(since) / 1000;
                        let name = store.name(File::Lock);
                        return Err(LockError::Held { name, holder, purpose, for_seconds });
                    }
                    let pause = left.min(terms.renewed_every / 5);
                    let (told, is_for, pause) = match awaited {
                        // It gives up before the lease can run out.
                        Awaited::Expiry if !patience.is_zero() && patience < left => {
                            (Awaited::Release, wish.patience, pause.min(patience))
                        }
                        Awaited::Expiry => (Awaited::Expiry, left, pause),
                        Awaited::Release => (Awaited::Release, wish.patience, pause.min(patience)),
                    };
                    waiting(&lease.holder, told, is_for);
                    tokio::select! {
                        biased;
                        () = lost.cancel.cancelled() => return Err(LockError::Interrupted),
                        () = tokio::time::sleep(pause) => {}
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
                purpose: wish.purpose.clone(),
                since: now,
                expires: now + millis(terms.lasts),
                mark: mark.as_ref().map(|mark| mark.name().to_owned()),
            };
            let expected = content.map(|content| content.version);
            match store.replace(File::Lock, expected.as_ref(), encode(&lease)).await {
                Ok(version) => {
                    let (stop, stopped) = oneshot::channel();
                    let expires = Arc::new(AtomicU64::new(lease.expires));
                    let id = lease.id.clone();
                    let renewal = Renewal {
                        store: Arc::clone(&store),
                        host: Arc::clone(&host),
                        lease,
                        expires: Arc::clone(&expires),
                        version,
                        lost: lost.clone(),
                    };
                    let heartbeat = tokio::spawn(renewal.run(stopped));
                    return Ok(Self { id, store, host, expires, lost, stop, heartbeat, _mark: mark });
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

    /// The random name of this holding.
    pub(crate) fn id(&self) -> &str {
        &self.id
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

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
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
        let terms = self.store.lease();
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
                () = tokio::time::sleep(terms.renewed_every) => {}
            }
            let now = self.host.now_millis();
            let renewed = Lease { expires: now + millis(terms.lasts), ..self.lease.clone() };
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
                Ok(Err(StoreError::Unusable { reason, .. } | StoreError::Lost { reason, .. })) => {
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
