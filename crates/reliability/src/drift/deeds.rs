//! What somebody does that is not another value of a property: adds something, takes a tag off, moves a weight.

mod network;
mod services;

use std::pin::Pin;

use apigw::resources::{ApiResource, Deployment, UsagePlanKey, VpcLink};
use aws::resources::{SecurityGroupEgress, ServiceLinkedRole};
use backup::resources::BackupSelection;
use engine::{Resolved, Resource};
use monitoring::resources::Subscription;

use super::{Hand, Seen};

/// What must come of a deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `refresh` shows this property of this object as drift, and nothing else; `up` takes it back.
    Repaired(&'static str, &'static str),
    /// `refresh` says so in a remark that begins with this address; `up` leaves it.
    Kept(&'static str),
    /// Nobody says anything, because of this.
    NotSeen(&'static str),
}

type Doing<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// What somebody does with a plain client.
#[derive(Clone, Copy)]
pub struct Deed {
    /// Its name, by which it is run alone.
    pub id: &'static str,
    /// The kind that it is done to.
    pub kind: &'static str,
    /// The command, in short.
    pub command: &'static str,
    /// What must come of it.
    pub expected: Expected,
    /// Checks of `verify` that must fail, beside those that fail for every drift.
    pub fails: &'static [&'static str],
    /// Does it.
    pub act: for<'a> fn(&'a Hand<'a>) -> Doing<'a>,
}

impl Deed {
    /// Whether what came of it is what must.
    #[must_use]
    pub fn is_as_expected(&self, seen: &Seen) -> bool {
        let failures: Vec<&str> = seen.failures.iter().copied().collect();
        if seen.refused.is_some() || seen.up.is_some() || failures != self.fails {
            return false;
        }
        match self.expected {
            Expected::Repaired(address, property) => {
                let alone = seen.drift.len() == 1
                    && seen.drift.iter().all(|(found, changed)| found == address && changed == property);
                alone && seen.is_repaired() && seen.changed.iter().all(|changed| changed == address)
            }
            Expected::Kept(address) => {
                let is_said = seen.remarks.iter().any(|remark| remark.starts_with(address));
                is_said && seen.drift.is_empty() && seen.changed.is_empty()
            }
            Expected::NotSeen(_) => {
                seen.drift.is_empty()
                    && seen.remarks.is_empty()
                    && seen.changed.is_empty()
                    && !seen.verify_fails
            }
        }
    }
}

impl std::fmt::Debug for Deed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deed").field("id", &self.id).field("expected", &self.expected).finish_non_exhaustive()
    }
}

/// Kinds that nobody can change in place and to which nothing can be added, and why there is no entry.
pub const UNTOUCHED: &[(&str, &str)] = &[
    (Deployment::<Resolved>::KIND, "a deployment never changes; what it serves is seen at its stage"),
    (
        ApiResource::<Resolved>::KIND,
        "a path never changes; what is added below it is served by another deployment only",
    ),
    (UsagePlanKey::<Resolved>::KIND, "it is there or not; keys that are added are seen at their plan"),
    (VpcLink::<Resolved>::KIND, "with private ingress only; the contract of its tier has every property"),
    (BackupSelection::<Resolved>::KIND, "a selection never changes; one more backs up more"),
    (
        SecurityGroupEgress::<Resolved>::KIND,
        "a rule never changes; for its tags see the rules that let something in",
    ),
    (ServiceLinkedRole::KIND, "AWS lets nobody change it"),
    (
        Subscription::<Resolved>::KIND,
        "an e-mail address is pending on the embedded AWS; the contract of its tier sets a filter",
    ),
];

/// All of them.
pub fn deeds() -> impl Iterator<Item = &'static Deed> {
    network::DEEDS.iter().chain(services::DEEDS)
}

impl Hand<'_> {
    fn elb(&self) -> aws_sdk_elasticloadbalancingv2::Client {
        self.cx().client(aws_sdk_elasticloadbalancingv2::Client::new)
    }
}

fn done<T, E: std::error::Error + 'static>(answer: Result<T, E>) -> Result<(), String> {
    answer.map(drop).map_err(|error| words(&error))
}

fn words<E: std::error::Error>(error: &E) -> String {
    crate::world::words(error)
}
