//! What a person or a log may want to see while the engine works. The engine itself prints nothing.

use std::time::Duration;

use crate::address::Address;
use crate::error::ErrorClass;
use crate::event::Operation;
use crate::lock::Awaited;

/// Something that just happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Progress {
    /// Another process holds the lock.
    WaitingForLock {
        /// Who holds it.
        holder: String,
        /// What is waited for.
        awaited: Awaited,
        /// At most this long: for a lease to run out, from now on; for its release, in all.
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
        operation: Operation,
        /// Whether it turned out to have taken effect.
        took_effect: bool,
    },
    /// An apply begins, with this many tasks.
    Begun {
        /// How many.
        total: usize,
    },
    /// Work on a resource begins.
    Started {
        /// The resource.
        address: Address,
        /// Its kind.
        kind: String,
        /// What is done.
        operation: Operation,
    },
    /// It is under way; the text says what is being waited for.
    Waiting {
        /// The resource.
        address: Address,
        /// What is done; `None` while it is only read.
        operation: Option<Operation>,
        /// What is being waited for, in the cloud's own words where it has some.
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
    Left {
        /// The resource.
        address: Address,
        /// What was being done.
        operation: Operation,
    },
    /// It is done.
    Done {
        /// The resource.
        address: Address,
        /// What was done.
        operation: Operation,
        /// Whether the object of a creation was there already.
        adopted: bool,
        /// How long it took.
        took: Duration,
    },
    /// It failed.
    Failed {
        /// The resource.
        address: Address,
        /// What was tried.
        operation: Operation,
        /// Why.
        reason: String,
    },
    /// It was not tried, because something that it needs failed.
    Skipped {
        /// The resource.
        address: Address,
        /// What was not tried.
        operation: Operation,
        /// The resource that failed.
        because: Address,
    },
    /// The apply has ended.
    Ended,
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
