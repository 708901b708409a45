//! What a person or a log may want to see while the engine works. The engine itself prints nothing.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::address::Address;
use crate::error::ErrorClass;
use crate::event::Operation;
use crate::lock::Awaited;

/// Something that just happened.
///
/// Serialised, it is an object whose member `event` says what, in the form [`FORMAT_VERSION`](Self::FORMAT_VERSION): durations are
/// seconds, and what is done to a resource is its `action`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Progress {
    /// Another process holds the lock.
    #[serde(rename = "lock_waiting")]
    WaitingForLock {
        /// Who holds it.
        holder: String,
        /// What is waited for.
        awaited: Awaited,
        /// At most this long: for a lease to run out, from now on; for its release, in all.
        #[serde(rename = "seconds_left", serialize_with = "seconds")]
        left: Duration,
    },
    /// A [`Session`](crate::Session) was dropped and not closed. It is closed in the background, if the program lives long
    /// enough.
    SessionDropped,
    /// An interrupted create, update or delete of an earlier run was looked up in the cloud.
    Settled {
        /// The resource.
        address: Address,
        /// What had been begun.
        #[serde(rename = "action")]
        operation: Operation,
        /// Whether it turned out to have taken effect.
        took_effect: bool,
    },
    /// An apply begins, with this many tasks.
    #[serde(rename = "apply_started")]
    Begun {
        /// How many.
        total: usize,
    },
    /// Work on a resource begins.
    #[serde(rename = "resource_started")]
    Started {
        /// The resource.
        address: Address,
        /// Its kind.
        kind: String,
        /// What is done.
        #[serde(rename = "action")]
        operation: Operation,
        /// How long that typically takes: see [`Times`](crate::Times).
        #[serde(rename = "typical_seconds", serialize_with = "seconds")]
        typical: Duration,
        /// How long it typically takes until this and all that waits for it is done, over however many others.
        #[serde(rename = "remaining_seconds", serialize_with = "seconds")]
        remaining: Duration,
    },
    /// It is under way; the text says what is being waited for.
    #[serde(rename = "resource_waiting")]
    Waiting {
        /// The resource.
        address: Address,
        /// What is done; `None` while it is only read.
        #[serde(rename = "action")]
        operation: Option<Operation>,
        /// What is being waited for, in the cloud's own words where it has some.
        #[serde(rename = "waiting_for")]
        on: String,
        /// Why the last call did not succeed; `None` where the object is just not there yet, or not gone yet.
        refused: Option<ErrorClass>,
    },
    /// The apply is to end: nothing new is begun.
    Stopping {
        /// How many calls that change something have not been answered yet.
        calls: usize,
    },
    /// It was begun and is left as it is for the next run.
    #[serde(rename = "resource_left")]
    Left {
        /// The resource.
        address: Address,
        /// What was being done.
        #[serde(rename = "action")]
        operation: Operation,
    },
    /// It is done.
    #[serde(rename = "resource_done")]
    Done {
        /// The resource.
        address: Address,
        /// What was done.
        #[serde(rename = "action")]
        operation: Operation,
        /// Whether the object of a creation was there already.
        adopted: bool,
        /// How long it took.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        took: Duration,
    },
    /// It failed.
    #[serde(rename = "resource_failed")]
    Failed {
        /// The resource.
        address: Address,
        /// What was tried.
        #[serde(rename = "action")]
        operation: Operation,
        /// Why.
        reason: String,
    },
    /// It was not tried, because something that it needs failed.
    #[serde(rename = "resource_skipped")]
    Skipped {
        /// The resource.
        address: Address,
        /// What was not tried.
        #[serde(rename = "action")]
        operation: Operation,
        /// The resource that failed.
        because: Address,
    },
    /// The apply has ended.
    #[serde(rename = "apply_ended")]
    Ended,
}

impl Progress {
    /// The version of its serial form. A number after the dot that is higher has more events or members; one before it, others.
    pub const FORMAT_VERSION: &'static str = "1.0";
}

/// In milliseconds' precision, which is what anybody reads.
fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let millis = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    serializer.serialize_f64(f64::from(millis) / 1000.0)
}

/// Is told what happens. Called often and in the middle of things: it must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn observe(&self, progress: &Progress);
}

/// Looks the other way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn observe(&self, _: &Progress) {}
}
