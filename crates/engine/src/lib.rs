//! A typed resource graph: declare, plan, apply, read back, destroy.
//!
//! The engine knows nothing of any cloud. A program declares resources into a [`Scope`]; their references to each
//! other make a [`Graph`]; an [`Engine`] compares it with what it recorded and with what is live, says what it would
//! do, and does it. Everything that a run did is in a journal, flushed before each call that changes something, so that
//! a run that is killed at any instant is resumed by the next one, with no manual steps.
//!
//! # Where things are
//! - declaring: [`Resource`] and [`Component`] are implemented by tiers; [`Input`], [`Output`] and [`id!`] are what
//!   their properties are made of; [`Scope`] collects, [`Graph`] checks.
//! - deciding: [`Plan`], [`Step`], [`Action`], [`diff`](diff()); a part of it: [`Selector`], [`Choice`].
//! - doing: [`Engine`], [`Session`], [`Report`]; the calls themselves go through a [`Provider`], which a [`Registry`]
//!   of resource types is.
//! - adopting what this program did not make: [`ForeignId`], [`Session::examine`], [`Session::adopt`].
//! - remembering: [`State`] is the fold of [`Event`]s, kept in a [`Store`]. The journal's hash chain finds damage, not
//!   forgery; [`Head`] is what one notes elsewhere to find that too, and [`inspect`] compares.
//!
//! # What may grow
//! Enums of errors, events and progress, and those of facts that a kind only states, are `#[non_exhaustive]`: a match on them needs
//! a wildcard. The others are exhaustive on purpose, so that a program which shows plans or judges objects does not compile
//! until it has an answer for a new variant; each says why.
//!
//! # Quick start
//! `examples/quick_start.rs`, as a whole:
//!
#![doc = concat!("```\n", include_str!("../examples/quick_start.rs"), "```")]

extern crate self as engine;

#[doc(hidden)]
pub use serde;

mod acceptance;
mod address;
mod anchor;
mod apply;
mod backoff;
mod basis;
mod calls;
mod cancel;
mod choice;
mod codec;
mod component;
mod create;
mod delete;
mod diff;
mod encounter;
mod engine_error;
mod error;
mod event;
mod facade;
mod facts;
mod fields;
mod forecast;
mod foreign;
mod foresight;
mod graph;
mod history;
mod host;
mod ignored;
mod import;
mod input;
mod journal;
mod ledger;
mod local_store;
mod lock;
mod loss;
mod narrow;
mod observer;
mod operate;
mod orphans;
mod outside;
mod plan;
mod plan_error;
mod provider;
mod reading;
mod references;
mod referrers;
mod removal;
mod resource;
mod schedule;
mod scope;
mod selector;
mod session;
mod settle;
mod stage;
mod state;
mod step;
mod store;
mod survey;
mod transfer;
mod visible;
mod weigh;
mod widen;

pub use acceptance::{Acceptance, Taken};
pub use address::{Address, InvalidAddress, MAX_ADDRESS_LENGTH};
pub use anchor::{Head, Inspection, Opened, Proof, inspect, last_opened};
pub use apply::{Done, Failure, InProgress, Report, Skipped};
pub use backoff::{Backoff, Pace};
pub use basis::{Basis, Decided, Since, digest};
pub use cancel::Cancel;
pub use choice::{Bond, Choice, LeftOut, Link, Narrowed};
pub use codec::{JournalError, goes_on_after, goes_on_from};
pub use component::{Component, ComponentError, Reading as TierReading};
pub use diff::{PropertyChange, diff};
pub use encounter::Encounter;
pub use engine_error::EngineError;
pub use error::{CallError, ErrorClass};
pub use event::{Event, Intended, Mutation, Operation, Outcome, Run, Seq};
pub use facade::Engine;
pub use facts::{CreateOnly, Facts, FoundIn, ImportId, Listed, Named, Reads, Span, Tagging, Template, Times};
pub use fields::fields;
pub use foreign::{ForeignId, Owner};
pub use foresight::Accepted;
pub use foresight::Foreseen;
pub use foresight::Going;
pub use foresight::Refusal;
pub use foresight::Remark;
pub use foresight::There;
pub use foresight::Wish;
pub use graph::{Graph, GraphError, Moved};
pub use history::{Did, End, History, HistoryError, Older, PastRun, PastStep, Which, history};
pub use host::{Host, SystemHost, TestHost};
pub use ignored::Ignored;
pub use import::{Adoption, Imports, Unfit};
pub use input::{Input, Join, Output, Piece, Text};
pub use ledger::Ledger;
pub use local_store::LocalStore;
pub use lock::{Awaited, Holder, Holding, LockError, hold, lock_holder, unlock, unlock_unrenewed};
pub use loss::{Contents, How, Keep, KeepValue, Limit, Loss};
pub use observer::{Observer, Progress, Silent};
pub use operate::Cause;
pub use orphans::{Orphan, Orphans, Sighting};
pub use outside::Outside;
pub use plan::{Plan, Reading};
pub use plan_error::PlanError;
pub use provider::{Caller, Kind, Known, Provider, Registry};
pub use references::Term;
pub use removal::{Fate, Guarded, Lowered, Removal, Sides};
pub use resource::{
    Change, Changed, Declares, Intent, Order, OutputsOf, Readiness, Resource, Search, Settle,
};
pub use scope::{Declaration, DeclareError, Scope};
pub use selector::{InvalidSelector, Selection, Selector};
pub use session::Session;
pub use settle::SettleError;
pub use stage::{Data, Declared, Resolved, Stage};
pub use state::{IllegalEvent, Object, Open, Partial, Phase, Slot, State};
pub use step::{Action, Note, Reasons, ReplaceOrder, Step};
pub use store::{Content, File, LeaseTerms, Mark, MemoryStore, Store, StoreError, Version};
pub use survey::{Drift, Survey};
pub use transfer::{Transfer, TransferError};
pub use visible::{is_hidden, visible, visible_json};
