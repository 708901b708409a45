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
//! Whoever reads the journal also asks for the segment after the last one: if S3 answers that it was deleted, and one of its old
//! versions goes on from the journal, that is an error, as is a segment that is missing between others or does not match the
//! checksum in its first line, and a missing snapshot. Errors name the object, and the version of it that has what was recorded.
//!
//! # What S3 guarantees, and what is made of it
//! - `PutObject` with `If-None-Match: *` or `If-Match`, and `DeleteObject` with `If-Match`, are compare and swap (S3 User Guide,
//!   "How to prevent object overwrites with conditional writes", "How to perform conditional deletes"). 412 means that the condition
//!   does not hold, and so does 404 where there is nothing that could match. 409 means that another request was under way: nothing
//!   happened, and the same request is sent again.
//! - An answer that was lost: the request is sent again, and may now meet its own effect. Then what is there is read. All bodies are
//!   unique, so it is our own bytes or somebody else's. Somebody else's say that a segment of ours was never written, since
//!   segments stay. A snapshot of ours may have been there in between, so that this is an error and not
//!   [`Changed`](engine::StoreError::Changed). Of the lock, `Changed` says no more than whose it is now.
//! - Reads see every write that was answered before (S3 User Guide, "Amazon S3 data consistency model").
//! - An ETag is compared, never interpreted: with SSE-KMS it is not the MD5 of the body (S3 API Reference, "Object").
//!
//! # Tags
//! The lock has the tag `stack:kept = lock`, the snapshot `stack:kept = state`. The segments of a journal get `stack:kept = history` once
//! a compaction has begun the next one, and not before. So lifecycle rules can expire history, old leases and old snapshots, each in
//! its own time, and never the present snapshot, nor what a session that was killed has left, however long ago that was.
//! [`StateBucket`] sets them.
//!
//! # Other stores
//! [`S3Store::probe`] refuses a store that breaks one of these rules. `scripts/store-judges` has it and this store judged by S3s that
//! others have written:
//!
//! | store | conditions of `PutObject` | `If-Match` of `DeleteObject` | of several requests at once, one wins | verdict |
//! |---|---|---|---|---|
//! | ministack 1.5.33 | kept | kept | yes | fit |
//! | moto 5.2.5 | kept | kept | no: it looks first and writes then | refused |
//!
//! moto is refused by [`S3Store::check`] in every run, because its answer to `GetBucketVersioning` cannot be read. That two of several
//! requests win was seen in the contract's race. The probe has writers race as well, and saw it in few runs: it finds only what happens
//! meanwhile, so that a probe that passes is no proof of this rule. LocalStack answers `DeleteObject` with `If-Match` with 501
//! (its issue 13894), and a store that does so is refused. Its packages need a newer Python than the scripts do, so that it is not
//! among the judges.

mod bucket;
mod error;
mod journal;
mod lost;
mod note;
mod objects;
mod probe;
mod store;

pub use bucket::{BucketError, BucketWish, Change, Look, StateBucket};
pub use error::S3Error;
pub use probe::Unfit;
pub use store::{Location, S3Store};
