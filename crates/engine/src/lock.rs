//! One writer at a time: a lease that its holder renews.
//!
//! A process that dies leaves its lease behind; the next one waits until it has run out and takes it over. A process
//! that was merely slow finds out at its next renewal, or at its next record, which the journal refuses.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cancel::Cancel;
use crate::host::Host;
use crate::store::{File, Store, StoreError, Version};

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
    /// The store failed.
    #[error("cannot take the lock")]
    Store(#[from] StoreError),
}

/// The lock, held and renewed until [`release`](Lock::release).
pub(crate) struct Lock {
    store: Arc<dyn Store>,
    stop: oneshot::Sender<()>,
    heartbeat: JoinHandle<Option<Version>>,
}

impl Lock {
    /// Takes the lock. Waits for a lease that is not being renewed to run out; `lost` is set when the lock is lost
    /// later on.
    pub(crate) async fn acquire(
        store: Arc<dyn Store>,
        host: Arc<dyn Host>,
        lost: Cancel,
        waiting: impl Fn(&str, Duration),
    ) -> Result<Self, LockError> {
        let name = store.name(File::Lock);
        let mut seen: Option<Version> = None;
        loop {
            let now = host.now_millis();
            let content = store.read(File::Lock).await?;
            if let Some(content) = &content {
                let lease: Lease = serde_json::from_slice(&content.bytes)
                    .map_err(|source| LockError::Broken { name: name.clone(), source })?;
                if lease.expires > now {
                    let alive = seen.replace(content.version.clone()).is_some_and(|seen| seen != content.version);
                    if alive {
                        let for_seconds = now.saturating_sub(lease.since) / 1000;
                        return Err(LockError::Held { name, holder: lease.holder, for_seconds });
                    }
                    let left = Duration::from_millis(lease.expires - now);
                    waiting(&lease.holder, left);
                    tokio::time::sleep(left.min(Duration::from_secs(1))).await;
                    continue;
                }
            }
            let lease = Lease {
                holder: host.holder(),
                id: host.unique(),
                since: now,
                expires: now + LEASE.as_millis() as u64,
            };
            let expected = content.map(|content| content.version);
            match store.replace(File::Lock, expected.as_ref(), encode(&lease)).await {
                Ok(version) => {
                    let (stop, stopped) = oneshot::channel();
                    let beat = renew(Arc::clone(&store), host, lease, version, stopped, lost);
                    return Ok(Self { store, stop, heartbeat: tokio::spawn(beat) });
                }
                Err(StoreError::Changed { .. }) => {}
                Err(error) => return Err(error.into()),
            }
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

/// Renews the lease until told to stop; the last version, unless the lock was lost.
async fn renew(
    store: Arc<dyn Store>,
    host: Arc<dyn Host>,
    mut lease: Lease,
    mut version: Version,
    mut stopped: oneshot::Receiver<()>,
    lost: Cancel,
) -> Option<Version> {
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => return Some(version),
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
        let now = host.now_millis();
        let renewed = Lease { expires: now + LEASE.as_millis() as u64, ..lease.clone() };
        match store.replace(File::Lock, Some(&version), encode(&renewed)).await {
            Ok(next) => (lease, version) = (renewed, next),
            Err(StoreError::Io { .. }) if now < lease.expires => {}
            Err(_) => {
                lost.cancel();
                return None;
            }
        }
    }
}
