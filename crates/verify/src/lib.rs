//! Checks of a deployed payment stack: the reference document's integration tests, as a library. They change nothing.
//!
//! A [`Subject`] is what is judged: outputs from the recorded state, and every resource as AWS shows it now, which is what
//! [`Engine::survey`](engine::Engine::survey) reads. [`verify`] judges it; [`http::checks`] sends requests to it. What came of
//! it is a [`Report`] of [`Check`]s, which can be written as JSON, by serde, and as JUnit XML, by [`junit`].
//!
//! A check passes only if it has looked at something. Where there is nothing to look at, because the configuration leaves it
//! out, or no way to do so, it is skipped and says why. What whoever looks may not see, it fails to verify.
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
//! | the RDS endpoint is encrypted | `encryption/database`, `encryption/database-tls`, and the other `encryption/…`, `access/…` |
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
//! # What is not looked at
//! Properties that this program does not manage, such as whether a key of KMS is disabled or in which state an alarm is; and
//! objects that it did not make.

mod completeness;
pub mod http;
mod junit;
mod monitoring;
mod naming;
mod outputs;
mod result;
mod security;
mod subject;

pub use junit::junit;
pub use result::{Check, Counts, Finding, Outcome, Report};
pub use subject::{Resource, Subject};

/// All checks that need no HTTP, in the reference document's order. Pure: the subject was read before.
#[must_use]
pub fn verify(subject: &Subject) -> Vec<Check> {
    let groups =
        [outputs::checks, security::checks, monitoring::checks, naming::checks, completeness::checks];
    groups.iter().flat_map(|checks| checks(subject)).collect()
}
