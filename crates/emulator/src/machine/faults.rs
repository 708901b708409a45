//! Faults on purpose: which calls go wrong, and how.
//!
//! What a deployment must survive is listed in the AWS SDKs and Tools Reference Guide ("Retry behavior") and in
//! the Builders' Library ("Making retries safe with idempotent APIs"): an error before anything happened, an
//! error after everything happened, no answer at all, a throttle, and the end of the process at any of these
//! points. A [`FaultPlan`] says which of them falls on which call. It is plain data, so a test can try every
//! call in turn and a command line can take it as JSON:
//!
//! ```json
//! {"seed": 7, "rules": [{"of": "mutating", "when": {"call": 12}, "fault": {"abort": "after_effect"}}]}
//! ```
//!
//! A plan also says which containers go wrong ([`ContainerRule`]), which is no call's doing.
//!
//! The same plan over the same calls in the same order does the same. Calls are counted in the order in which
//! they arrive.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::machine::ids::draw;
use crate::machine::layer::{Layer, Next};
use crate::machine::limits;
use crate::machine::services::{Catalog, Facts};
use crate::protocol::request::Call;
use crate::protocol::response::{Lost, Refusal, Reply};

/// What goes wrong with which calls, for [`Builder::faults`](crate::Builder::faults).
///
/// ```
/// use emulator::{Counted, Emulator, Fault, FaultPlan, Moment, When};
///
/// // The third call that changes something takes effect, and its answer is lost.
/// let fault = Fault::TimeOut(Moment::AfterEffect);
/// let plan = FaultPlan::default().with(Counted::Mutating, When::Call(3), fault);
/// let emulator = Emulator::builder().faults(plan).in_memory();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultPlan {
    /// What decides which calls a [`When::Share`] falls on.
    pub seed: u64,
    /// The rules. Each counts its calls by itself; where several fall on one call, the first happens.
    pub rules: Vec<FaultRule>,
    /// Containers that go wrong. Of several rules for one container, the first holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<ContainerRule>,
}

/// A rule of a [`FaultPlan`] for containers of tasks: what becomes of them whenever they start while the plan holds.
///
/// ```
/// use emulator::{ContainerFault, Emulator, FaultPlan};
///
/// let lines = vec!["panic: no database".to_owned()];
/// let plan = FaultPlan::default().with_container(Some("shop:2"), ContainerFault::Exit { code: 1, lines });
/// let emulator = Emulator::builder().faults(plan).in_memory();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerRule {
    /// The image that it holds for, as the task definition has it, with or without what stands before a `/` (the registry), or
    /// before the `@` of a digest. Without it, the rule holds for all containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// How its containers go wrong.
    pub fault: ContainerFault,
}

/// How a container goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerFault {
    /// It starts, writes lines to its log, and exits some seconds later.
    Exit {
        /// Its exit code.
        code: i32,
        /// What it writes.
        #[serde(default)]
        lines: Vec<String>,
    },
    /// It runs, and no health check succeeds. Where nothing checks it, nothing happens.
    Unhealthy,
    /// Its image is not found.
    NoImage,
}

impl ContainerRule {
    /// Whether it holds for an image.
    pub(crate) fn is_for(&self, image: &str) -> bool {
        self.image.as_ref().is_none_or(|own| {
            let before = image.strip_suffix(own.as_str());
            before.is_some_and(|before| before.is_empty() || before.ends_with(['/', '@']))
        })
    }
}

/// One rule of a [`FaultPlan`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Which calls are counted.
    pub of: Counted,
    /// Which of the counted calls go wrong.
    pub when: When,
    /// How they go wrong.
    pub fault: Fault,
}

/// The calls that a [`FaultRule`] counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// All calls.
    All,
    /// Calls of operations that may change something.
    Mutating,
    /// Calls of one operation, such as `CreateVpc`, or `ec2:CreateVpc` where services share a name.
    Operation(String),
}

/// Which of its counted calls a [`FaultRule`] falls on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The one with this number, from 1.
    Call(u64),
    /// This share of them, from 0 (none) to 1 (all). Which ones follows from the plan's seed.
    Share(f64),
}

/// How a call goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It is refused with this code and HTTP status, and takes no effect.
    Error {
        /// AWS's error code.
        code: String,
        /// HTTP status.
        status: u16,
    },
    /// The same in these words, where it matters what AWS says.
    Saying {
        /// AWS's error code.
        code: String,
        /// HTTP status.
        status: u16,
        /// What is wrong.
        message: String,
    },
    /// It is refused for want of a permission, with the code and in the words of AWS, and takes no effect.
    Deny,
    /// It takes effect and is answered with HTTP 500 and the service's code for an internal error.
    ErrorAfterEffect,
    /// The caller gives up waiting.
    TimeOut(Moment),
    /// The connection breaks.
    ConnectionReset(Moment),
    /// It is refused as too frequent, with the service's own code, and takes no effect.
    Throttle,
    /// The process ends: [`std::process::abort`], or what
    /// [`Builder::on_abort`](crate::Builder::on_abort) was given.
    Abort(Moment),
}

/// Whether a fault comes before the call takes effect, or after the effect and before the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Nothing has happened.
    BeforeEffect,
    /// Everything has happened (and is on disk, where there is one); nobody has been told.
    AfterEffect,
}

impl FaultPlan {
    /// Adds a rule.
    #[must_use]
    pub fn with(mut self, of: Counted, when: When, fault: Fault) -> Self {
        self.rules.push(FaultRule { of, when, fault });
        self
    }

    /// Adds a rule for containers of an image, or for all.
    #[must_use]
    pub fn with_container(mut self, image: Option<&str>, fault: ContainerFault) -> Self {
        self.containers.push(ContainerRule { image: image.map(str::to_owned), fault });
        self
    }

    /// Sets what decides which calls a [`When::Share`] falls on.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl Counted {
    fn includes(&self, call: &Call) -> bool {
        match self {
            Counted::All => true,
            Counted::Mutating => call.is_mutating(),
            Counted::Operation(name) => match name.split_once(':') {
                Some((service, operation)) => call.service == service && call.operation == operation,
                None => call.operation == *name,
            },
        }
    }
}

/// What stands in for the end of the process.
pub(crate) type Abort = Arc<dyn Fn() + Send + Sync>;

/// The layer that carries a plan out.
pub(crate) struct Faults {
    plan: FaultPlan,
    /// How many calls each rule has counted.
    counts: Mutex<Vec<u64>>,
    abort: Abort,
    catalog: &'static dyn Catalog,
}

impl Faults {
    pub(crate) fn new(plan: FaultPlan, abort: Abort, catalog: &'static dyn Catalog) -> Self {
        Faults { counts: Mutex::new(vec![0; plan.rules.len()]), plan, abort, catalog }
    }

    /// Counts a call, and says what is to go wrong with it.
    fn count(&self, call: &Call) -> Option<&Fault> {
        // Each count changes in one step, so a panic elsewhere leaves them whole.
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        for (at, (rule, count)) in self.plan.rules.iter().zip(counts.iter_mut()).enumerate() {
            if !rule.of.includes(call) {
                continue;
            }
            *count += 1;
            let falls = match rule.when {
                When::Call(number) => *count == number,
                When::Share(share) => draw(self.plan.seed, &format!("{at} {count}")) < share,
            };
            if falls && found.is_none() {
                found = Some(&rule.fault);
            }
        }
        found
    }
}

#[async_trait]
impl Layer for Faults {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        let Some(fault) = self.count(call) else {
            return next.run(call).await;
        };
        if fault.takes_effect() {
            // Whatever the answer is, nobody hears it.
            let _ = next.run(call).await;
        }
        let facts = self.catalog.facts(&call.service);
        match fault {
            Fault::Error { code, status } => {
                let message = "The emulator was told to refuse this call.";
                Ok(call.refuse(Refusal::new(code, message).with_status(*status)))
            }
            Fault::Saying { code, status, message } => {
                Ok(call.refuse(Refusal::new(code, message).with_status(*status)))
            }
            Fault::Deny => Ok(call.refuse((facts.denied)(call))),
            Fault::ErrorAfterEffect => Ok(call.refuse(internal_error(facts))),
            Fault::Throttle => Ok(call.refuse(limits::exceeded(facts.limits, call))),
            Fault::TimeOut(_) => Err(Lost::TimedOut),
            Fault::ConnectionReset(_) => Err(Lost::ConnectionReset),
            Fault::Abort(_) => {
                (self.abort)();
                // Only what a test puts in place of the end comes back. A dead process answers nobody.
                std::future::pending().await
            }
        }
    }
}

impl Fault {
    fn takes_effect(&self) -> bool {
        match self {
            Fault::Error { .. } | Fault::Saying { .. } | Fault::Deny | Fault::Throttle => false,
            Fault::ErrorAfterEffect => true,
            Fault::TimeOut(moment) | Fault::ConnectionReset(moment) | Fault::Abort(moment) => {
                *moment == Moment::AfterEffect
            }
        }
    }
}

/// HTTP 500 with the service's code for it.
fn internal_error(facts: Facts) -> Refusal {
    Refusal::new(facts.internal_error, "An internal error has occurred.").with_status(500)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_reads_and_writes_as_json() {
        let text = json!({"seed": 7, "rules": [
            {"of": "all", "when": {"share": 0.25}, "fault": {"time_out": "before_effect"}},
            {"of": {"operation": "ec2:CreateVpc"}, "when": {"call": 2}, "fault": {"abort": "after_effect"}},
            {"of": "mutating", "when": {"call": 1}, "fault": {"error": {"code": "X", "status": 418}}},
            {"of": "all", "when": {"call": 3}, "fault": "throttle"},
            {"of": "all", "when": {"call": 4}, "fault": "deny"},
            {"of": "all", "when": {"call": 5}, "fault": {"saying": {"code": "X", "status": 400, "message": "m"}}},
        ]});
        let plan: FaultPlan = serde_json::from_value(text.clone()).expect("it is well formed");
        let operation = Counted::Operation("ec2:CreateVpc".to_owned());
        let same = FaultPlan::default()
            .seed(7)
            .with(Counted::All, When::Share(0.25), Fault::TimeOut(Moment::BeforeEffect))
            .with(operation, When::Call(2), Fault::Abort(Moment::AfterEffect))
            .with(Counted::Mutating, When::Call(1), Fault::Error { code: "X".to_owned(), status: 418 })
            .with(Counted::All, When::Call(3), Fault::Throttle)
            .with(Counted::All, When::Call(4), Fault::Deny)
            .with(
                Counted::All,
                When::Call(5),
                Fault::Saying { code: "X".to_owned(), status: 400, message: "m".to_owned() },
            );
        assert_eq!(plan, same);
        assert_eq!(serde_json::to_value(&plan).expect("it is plain data"), text);
        assert!(serde_json::from_value::<FaultPlan>(json!({"rule": []})).is_err());
    }

    #[test]
    fn rules_for_containers_read_and_write_as_json() {
        let text = json!({"seed": 0, "rules": [], "containers": [
            {"image": "shop:2", "fault": {"exit": {"code": 1, "lines": ["no database"]}}},
            {"image": "shop:3", "fault": "no_image"},
            {"fault": "unhealthy"},
        ]});
        let plan: FaultPlan = serde_json::from_value(text.clone()).expect("it is well formed");
        let exit = ContainerFault::Exit { code: 1, lines: vec!["no database".to_owned()] };
        let same = FaultPlan::default()
            .with_container(Some("shop:2"), exit)
            .with_container(Some("shop:3"), ContainerFault::NoImage)
            .with_container(None, ContainerFault::Unhealthy);
        assert_eq!(plan, same);
        assert_eq!(serde_json::to_value(&plan).expect("it is plain data"), text);
    }

    #[test]
    fn a_rule_names_an_image_in_full_or_from_a_slash_or_a_digest_on() {
        let rule = |own: Option<&str>| ContainerRule {
            image: own.map(str::to_owned),
            fault: ContainerFault::Unhealthy,
        };
        let image = "1.dkr.ecr.eu-west-1.amazonaws.com/team/shop:2@sha256:ab";
        for own in
            [None, Some(image), Some("team/shop:2@sha256:ab"), Some("shop:2@sha256:ab"), Some("sha256:ab")]
        {
            assert!(rule(own).is_for(image), "{own:?}");
        }
        for own in ["op:2@sha256:ab", "shop:2", "b", "x/team/shop:2@sha256:ab"] {
            assert!(!rule(Some(own)).is_for(image), "{own}");
        }
    }
}
