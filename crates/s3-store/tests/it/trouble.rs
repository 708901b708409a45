//! Requests that go wrong when a test says so.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use emulator::{Call, Layer, Lost, Moment, Next, Refusal, Reply};
use tokio::sync::Notify;

/// How a request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    /// It is refused with this code and status, and takes no effect.
    Refused(&'static str, u16),
    /// It takes effect, and is answered with HTTP 500.
    ErrorAfterEffect,
    /// The connection breaks.
    Reset(Moment),
    /// The client gives up waiting.
    TimedOut(Moment),
    /// It is never answered.
    Silence(Moment),
}

/// All that may pass: the same request, sent again, succeeds.
pub(crate) const PASSING: [Harm; 12] = [
    Harm::Refused("ConditionalRequestConflict", 409),
    Harm::Refused("InternalError", 500),
    Harm::Refused("ServiceUnavailable", 503),
    Harm::Refused("SlowDown", 503),
    Harm::Refused("RequestTimeout", 400),
    Harm::ErrorAfterEffect,
    Harm::Reset(Moment::BeforeEffect),
    Harm::Reset(Moment::AfterEffect),
    Harm::TimedOut(Moment::BeforeEffect),
    Harm::TimedOut(Moment::AfterEffect),
    Harm::Silence(Moment::BeforeEffect),
    Harm::Silence(Moment::AfterEffect),
];

/// What a person must mend. The status is S3's: an expired token is a 400 (S3 API Reference, "Error responses").
pub(crate) const LASTING: [Harm; 5] = [
    Harm::Refused("AccessDenied", 403),
    Harm::Refused("ExpiredToken", 400),
    Harm::Refused("InvalidAccessKeyId", 403),
    Harm::Refused("NotImplemented", 501),
    Harm::Refused("KMS.DisabledException", 400),
];

impl Harm {
    pub(crate) fn takes_effect(self) -> bool {
        match self {
            Harm::Refused(..) => false,
            Harm::ErrorAfterEffect => true,
            Harm::Reset(moment) | Harm::TimedOut(moment) | Harm::Silence(moment) => {
                moment == Moment::AfterEffect
            }
        }
    }

    /// Whether the caller cannot know that nothing happened.
    pub(crate) fn is_uncertain(self) -> bool {
        match self {
            Harm::Refused(code, _) => matches!(code, "InternalError" | "ServiceUnavailable"),
            _ => true,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Planned {
    /// `None` for any.
    operation: Option<&'static str>,
    /// How many requests go well before.
    after: usize,
    /// How many go wrong then.
    times: usize,
    harm: Harm,
}

#[derive(Debug, Default)]
struct Plan {
    planned: Option<Planned>,
    done: usize,
}

/// The layer, and what tells it. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble {
    plan: Arc<Mutex<Plan>>,
    came: Arc<Notify>,
}

impl Trouble {
    /// The next request of this operation goes wrong.
    pub(crate) fn once(&self, operation: &'static str, harm: Harm) {
        self.set(Some(Planned { operation: Some(operation), after: 0, times: 1, harm }));
    }

    /// All requests of this operation go wrong from now on.
    pub(crate) fn always(&self, operation: &'static str, harm: Harm) {
        self.set(Some(Planned { operation: Some(operation), after: 0, times: usize::MAX, harm }));
    }

    /// The request after so many goes wrong, whichever it is.
    pub(crate) fn after(&self, after: usize, harm: Harm) {
        self.set(Some(Planned { operation: None, after, times: 1, harm }));
    }

    /// Nothing goes wrong any more. How many requests did.
    pub(crate) fn end(&self) -> usize {
        let done = self.plan.lock().unwrap().done;
        self.set(None);
        done
    }

    fn set(&self, planned: Option<Planned>) {
        *self.plan.lock().unwrap() = Plan { planned, done: 0 };
    }

    /// Waits until a request has gone wrong, whether it has taken effect or not.
    pub(crate) async fn came(&self) {
        self.came.notified().await;
    }

    fn falls_on(&self, call: &Call) -> Option<Harm> {
        let mut plan = self.plan.lock().unwrap();
        let planned = plan.planned.as_mut()?;
        if planned.operation.is_some_and(|operation| operation != call.operation) || planned.times == 0 {
            return None;
        }
        if planned.after > 0 {
            planned.after -= 1;
            return None;
        }
        planned.times -= 1;
        let harm = planned.harm;
        plan.done += 1;
        Some(harm)
    }
}

#[async_trait]
impl Layer for Trouble {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        let Some(harm) = self.falls_on(call) else {
            return next.run(call).await;
        };
        if harm.takes_effect() {
            let _ = next.run(call).await;
        }
        self.came.notify_one();
        let refused =
            |code, status| Ok(call.refuse(Refusal::new(code, "As the test says.").with_status(status)));
        match harm {
            Harm::Refused(code, status) => refused(code, status),
            Harm::ErrorAfterEffect => refused("InternalError", 500),
            Harm::Reset(_) => Err(Lost::ConnectionReset),
            Harm::TimedOut(_) => Err(Lost::TimedOut),
            Harm::Silence(_) => std::future::pending().await,
        }
    }
}
