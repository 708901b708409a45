//! Change anything: every key of the configuration, changed on a live stack and back again.
//!
//! A case begins with a stack that runs tasks of an image in its repository. It previews the change, applies it, looks for what
//! the plan did not show, goes back, and destroys. It ends in one of two ways: done in one run, or refused before any call
//! that changes something. Anything else is a fault.

mod case;
mod compare;
mod document;
mod drawn;
mod live;
mod rows_network;
mod rows_top;
mod rows_work;
mod run;
mod table;
mod traffic;

pub use case::{Case, End, Leg, Verdict};
pub use document::document;
pub use drawn::drawn;
pub use live::{Bases, ENVIRONMENTS};
pub use run::{cases, find, run};
pub use table::{Row, keys, rows};
