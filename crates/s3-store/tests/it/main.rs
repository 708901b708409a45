//! The store in S3, on the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bucket;
mod by_hand;
mod contract;
mod cost;
mod faults;
mod history;
mod outside;
mod place;
mod probe;
mod race;
mod restore;
mod session_faults;
mod trouble;
