//! What goes wrong with one request to the bucket that the state is in.

use emulator::{CallRecord, Counted, Fault, FaultPlan, Moment, When};

use crate::pause::Aside;
use crate::world::Fate;

/// For how many requests in a row S3 is out: more than a process sends in the minute for which it insists on an answer.
const OUT_FOR: u64 = 100;

/// What goes wrong with one request to the bucket that the state is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trouble {
    /// The process dies before it is sent.
    DiesBefore,
    /// The process dies after it took effect, before its answer is seen.
    DiesAfter,
    /// Another machine takes the lock away just before it, and does the same work: what the process writes meets 412, or 404 once
    /// the lock has been given back.
    Rival,
    /// 409: another request for the same object was under way. It takes no effect.
    Conflict,
    /// 500, without effect.
    Error,
    /// 500, after the effect.
    ErrorAfter,
    /// 503, too many requests. It takes no effect.
    SlowDown,
    /// The connection breaks before it takes effect.
    Reset,
    /// The connection breaks after it took effect.
    ResetAfter,
    /// Nobody answers, and it takes no effect.
    Silence,
    /// Nobody answers, and it takes effect.
    SilenceAfter,
    /// It and those after it get 503, until the process has given up.
    Outage,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Trouble; 12] = [
        Trouble::DiesBefore,
        Trouble::DiesAfter,
        Trouble::Rival,
        Trouble::Conflict,
        Trouble::Error,
        Trouble::ErrorAfter,
        Trouble::SlowDown,
        Trouble::Reset,
        Trouble::ResetAfter,
        Trouble::Silence,
        Trouble::SilenceAfter,
        Trouble::Outage,
    ];

    /// As it is written in a case's id.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Trouble::DiesBefore => "before",
            Trouble::DiesAfter => "after",
            Trouble::Rival => "rival",
            Trouble::Conflict => "conflict",
            Trouble::Error => "error",
            Trouble::ErrorAfter => "errorafter",
            Trouble::SlowDown => "slowdown",
            Trouble::Reset => "reset",
            Trouble::ResetAfter => "resetafter",
            Trouble::Silence => "silence",
            Trouble::SilenceAfter => "silenceafter",
            Trouble::Outage => "outage",
        }
    }

    /// Its row in the table.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Trouble::DiesBefore => "state in S3: dies before a request",
            Trouble::DiesAfter => "state in S3: dies after a request's effect",
            Trouble::Rival => "state in S3: another writer, 412",
            Trouble::Conflict => "state in S3: 409 ConditionalRequestConflict",
            Trouble::Error => "state in S3: HTTP 500",
            Trouble::ErrorAfter => "state in S3: HTTP 500 after the effect",
            Trouble::SlowDown => "state in S3: 503 SlowDown",
            Trouble::Reset => "state in S3: connection reset",
            Trouble::ResetAfter => "state in S3: connection reset after the effect",
            Trouble::Silence => "state in S3: time-out",
            Trouble::SilenceAfter => "state in S3: time-out after the effect",
            Trouble::Outage => "state in S3: an outage of more than a minute",
        }
    }

    /// Whether the process is to die.
    pub(crate) fn kills(self) -> bool {
        matches!(self, Trouble::DiesBefore | Trouble::DiesAfter)
    }

    /// Whether it can happen to such a request. Only writes have conditions, and only to a write it matters whether its answer is
    /// lost before or after it took effect.
    pub(crate) fn can_happen_to(self, request: &CallRecord) -> bool {
        match self {
            Trouble::Rival
            | Trouble::Conflict
            | Trouble::ErrorAfter
            | Trouble::ResetAfter
            | Trouble::SilenceAfter => request.mutating,
            Trouble::DiesBefore
            | Trouble::DiesAfter
            | Trouble::Error
            | Trouble::SlowDown
            | Trouble::Reset
            | Trouble::Silence
            | Trouble::Outage => true,
        }
    }

    /// What happens to the process with this trouble at its request of this number.
    pub(crate) fn fate(self, request: u64) -> Fate {
        let fault = |fault| {
            let bucket = FaultPlan::default().with(Counted::All, When::Call(request), fault);
            Fate { bucket, ..Fate::default() }
        };
        let aside = |aside| Fate { aside: Some((request, aside)), ..Fate::default() };
        match self {
            Trouble::DiesBefore => fault(Fault::Abort(Moment::BeforeEffect)),
            Trouble::DiesAfter => fault(Fault::Abort(Moment::AfterEffect)),
            Trouble::Rival => aside(Aside::Rival),
            Trouble::Conflict => fault(error("ConditionalRequestConflict", 409)),
            Trouble::Error => fault(error("InternalError", 500)),
            Trouble::ErrorAfter => fault(Fault::ErrorAfterEffect),
            Trouble::SlowDown => fault(error("SlowDown", 503)),
            Trouble::Reset => fault(Fault::ConnectionReset(Moment::BeforeEffect)),
            Trouble::ResetAfter => fault(Fault::ConnectionReset(Moment::AfterEffect)),
            Trouble::Silence => aside(Aside::SilenceBefore),
            Trouble::SilenceAfter => aside(Aside::SilenceAfter),
            Trouble::Outage => {
                let out = |plan: FaultPlan, at| {
                    plan.with(Counted::All, When::Call(at), error("ServiceUnavailable", 503))
                };
                let bucket = (request..request + OUT_FOR).fold(FaultPlan::default(), out);
                Fate { bucket, ..Fate::default() }
            }
        }
    }
}

fn error(code: &str, status: u16) -> Fault {
    Fault::Error { code: code.to_owned(), status }
}
