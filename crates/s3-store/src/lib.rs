//! The state of a stack in S3, for teams and CI: [`S3Store`], a [`Store`](engine::Store) made of conditional writes.
//!
//! # Layout
//! Below the prefix of an environment there are:
//!
//! | key | what |
//! |---|---|
//! | `lock.json` | The lease of whoever holds the lock. |
//! | `state.json` | The snapshot. |
//! | `moved.json` | Where the state has gone, once it was taken out of the bucket. |
//! | `journal/<order>.<number>` | One append to the journal each, numbered from 1. `<order>` is 999999999999 minus the number, so that S3 lists the newest one first. |
//!
//! A segment of the journal is one line about itself, and then what was appended. It is written with `If-None-Match: *` and never
//! again: an append costs one request and its own bytes, however long the journal is, and of two writers who append after the same
//! segment, the second gets 412. So a process that has lost the lock without noticing learns it from S3, before its next call.
//! A compaction begins a new journal with the next number. The segments before it stay, and with them the history.
//!
//! # What S3 guarantees, and what is made of it
//! - `PutObject` with `If-None-Match: *` or `If-Match`, and `DeleteObject` with `If-Match`, are compare and swap (S3 User Guide,
//!   "How to prevent object overwrites with conditional writes", "How to perform conditional deletes"). 412 means that the condition
//!   does not hold, and so does 404 where there is nothing that could match. 409 means that another request was under way: nothing
//!   happened, and the same request is sent again.
//! - An answer that was lost: the request is sent again, and may now meet its own effect. Then what is there is read. All bodies are
//!   unique, so it is our own bytes or somebody else's.
//! - Reads see every write that was answered before (S3 User Guide, "Amazon S3 data consistency model").
//! - An ETag is compared, never interpreted: with SSE-KMS it is not the MD5 of the body (S3 API Reference, "Object").
//!
//! # Tags
//! Segments that are not the first of a journal have the tag `stack:kept = history`, the lock has `stack:kept = lock`, the snapshot
//! `stack:kept = state`. Lifecycle rules can so expire history, old leases and old snapshots, each in its own time, and never what a
//! journal begins with, nor the present snapshot. [`StateBucket`] sets them.

mod bucket;
mod error;
mod journal;
mod note;
mod objects;
mod probe;
mod store;

pub use bucket::{BucketError, BucketWish, Change, Look, StateBucket};
pub use error::S3Error;
pub use probe::Unfit;
pub use store::{Location, S3Store};
