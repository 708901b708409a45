//! The engine against a strict cloud in memory, in virtual time.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod acceptance;
mod anchor;
mod apply;
mod basis;
mod choice;
mod client;
mod component;
mod dependencies;
mod facts;
mod fake_cloud;
mod foresight;
mod full_disk;
mod history;
mod ignored;
mod import;
mod interrupt;
mod journal;
mod ledger;
mod life;
mod lock;
mod moved;
mod observer;
mod old_copy;
mod order;
mod plan;
#[cfg(unix)]
mod private_files;
mod properties;
mod removal;
mod replacement;
mod selection;
mod settle;
mod sharing;
mod transfer;
mod typed;
mod world;
