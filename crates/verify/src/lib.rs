//! Checks of a deployed payment stack: the reference document's integration tests, as a library. They change nothing.
//!
//! A [`Subject`] is what is judged: outputs from the recorded state, and every resource as AWS shows it now, which is what
//! [`Engine::survey`](engine::Engine::survey) reads. [`verify`] judges it; [`http::checks`] sends requests to it. What came of
//! it is a [`Report`] of [`Check`]s, which can be written as JSON, by serde, and as JUnit XML, by [`junit`].
//!
//! A check passes only if it has looked at something. Where there is nothing to look at, because the configuration leaves it
//! out, or no way to do so, it is skipped and says why. What whoever looks may not see, it fails to verify, and so it does what has
//! disappeared: neither is known to be unencrypted or public.
//!
//! # The reference document's integration tests
//! It counts 19, and lists 20 in five groups. These are ours:
//!
//! | reference | checks |
//! |---|---|
//! | *Output validation* | |
//! | required outputs are defined | `outputs/required` |
//! | optional outputs are available when exported | `outputs/optional` |
//! | format of the ALB's DNS name | `outputs/alb-dns-name` |
//! | format of the API's URL (HTTPS) | `outputs/api-url` |
//! | format of the dashboard's URL | `outputs/dashboard-url`, `monitoring/dashboard` |
//! | format of the VPC's id | `outputs/vpc-id` |
//! | format of the RDS endpoint | `outputs/database-endpoint` |
//! | format of the ECS cluster's ARN | `outputs/ecs-cluster-arn` |
//! | consistency across regions | `outputs/region` |
//! | consistency of the environment's suffix | `outputs/environment` |
//! | *HTTP connectivity* | |
//! | the ALB is reachable | `http/load-balancer`, `http/load-balancer-health` |
//! | the payment API's health | `http/api-health` |
//! | the API and its key | `http/api-refuses`, `http/api-key`, `access/api-key` |
//! | headers of answers | `http/api-headers` |
//! | *Security and compliance* | |
//! | HTTPS is enforced | `https/api`, `http/api-plain`, `https/load-balancer`, `http/load-balancer-https` |
//! | the RDS endpoint is encrypted | `encryption/database`, `encryption/database-tls`, `encryption/database-parameters`, and the other `encryption/…`, `access/…` |
//! | monitoring by CloudWatch | `monitoring/…`, `backup/…` |
//! | *Naming* | |
//! | names are `payment-*` | `naming/names`, `naming/tags` |
//! | the environment is identified | `naming/names`, `naming/tags`, `outputs/environment` |
//! | *Final validation* | |
//! | all is deployed; three core outputs at least | `completeness/…`, `outputs/required`, `outputs/optional` |
//!
//! The reference judges the texts of outputs for most of these, and passes where they are missing or nobody answers. Here the
//! same questions are asked of what AWS shows.
//!
//! # Further checks
//! A program with a tier of its own adds checks: functions that make [`Check`]s of a subject, which [`verify_with`] takes.
//! [`Subject::every`] judges each resource of a kind by its struct, and a [`Verdict`] becomes a check with id, sentence and advice:
//!
//! ```
//! use aws::resources::Alarm;
//! use engine::Resolved;
//! use verify::{Check, Property, Subject, verify_with};
//!
//! fn checks(subject: &Subject) -> Vec<Check> {
//!     let missing = Property::new("TreatMissingData");
//!     let alarms = subject.every::<Alarm<Resolved>>("no alarm is deployed", |alarm| {
//!         match alarm.live.treat_missing_data.as_deref() {
//!             Some("breaching") => Vec::new(),
//!             _ => vec![alarm.wrong(&missing, "breaching")],
//!         }
//!     });
//!     let advice = "`stack up` repairs it";
//!     vec![alarms.of("ledger/alarms", "every alarm goes off where there is no data", advice)]
//! }
//!
//! fn verify_all(subject: &Subject) -> Vec<Check> {
//!     verify_with(subject, &[checks])
//! }
//! ```
//!
//! Names need no check of their own: `naming/names` judges every kind whose [`Facts`](engine::Facts) say that it is
//! [`ByName`](engine::Named::ByName).
//!
//! # What is not looked at
//! Properties that this program does not manage, such as in which state an alarm is; and objects that it did not make, but for what
//! somebody has added to those that it made (`docs/drift.md` says to which).

use std::collections::BTreeSet;

mod application;
mod completeness;
mod copies;
pub mod http;
mod junit;
mod monitoring;
mod naming;
mod network;
mod outputs;
mod result;
mod security;
mod subject;
mod typed;

pub use application::{running_images, targets};
pub use copies::first_copy;
pub use junit::junit;
pub use result::{Check, Counts, Finding, Outcome, Report, Verdict};
pub use subject::{Resource, Subject};
pub use typed::{Property, Seen, Typed};

/// A group of checks. They look at nothing but the subject.
pub type Checks = fn(&Subject) -> Vec<Check>;

/// All checks that need no HTTP, in the reference document's order. Pure: the subject was read before.
#[must_use]
pub fn verify(subject: &Subject) -> Vec<Check> {
    verify_with(subject, &[])
}

/// The same checks as [`verify`], and after them those of a program that deploys more than this stack.
///
/// # Panics
/// In a debug build, if two checks have the same id: reports by JUnit would show one of them only.
#[must_use]
pub fn verify_with(subject: &Subject, further: &[Checks]) -> Vec<Check> {
    const OWN: [Checks; 6] = [
        outputs::checks,
        security::checks,
        network::checks,
        monitoring::checks,
        naming::checks,
        completeness::checks,
    ];
    let checks: Vec<Check> = OWN.iter().chain(further).flat_map(|checks| checks(subject)).collect();
    let mut ids = BTreeSet::new();
    let twice = checks.iter().find(|check| !ids.insert(check.id));
    debug_assert!(twice.is_none(), "two checks have the id {}", twice.map_or("", |check| check.id));
    checks
}
