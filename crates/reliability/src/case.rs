//! One case: what goes wrong, and what becomes of it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use emulator::{Counted, Fault, FaultPlan, Moment, When};
use engine::Graph;

use crate::audit::{Findings, audit};
use crate::disk::WriteEnd;
use crate::kept::Backend;
use crate::meddle::{self, Meddling};
use crate::pause::Aside;
use crate::scenario::{Scenario, Stage};
use crate::trouble::Trouble;
use crate::world::{Ended, Fate, Run, World};

/// After so many runs of the same command, somebody has to look.
const RUNS_AT_MOST: usize = 5;
/// How many calls in a row a burst of throttling refuses.
const BURST: u64 = 10;
/// After so many refused calls, credentials are valid again. No process makes as many once it has been told.
const EXPIRED: u64 = 400;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Harm {
    /// The process dies at the call of this number, before it is sent or before its answer is seen.
    Call(u64, End),
    /// The process dies at the write of this number.
    Write(u64, WriteEnd),
    /// The process dies at a call after its effect, and the next one at one of its own.
    Twice(u64, u64),
    /// The call of this number goes wrong; the process lives.
    Fault(u64, Lapse),
    /// This share of all calls goes wrong, in percent; the second number is the seed.
    Storm(u8, u64),
    /// Somebody else does something to the object of this number between plan and apply.
    Between(u64, Meddling),
    /// The process dies at the call of the first number, after its effect; somebody else does something to the object of
    /// the second number; then the next process begins.
    Meanwhile(u64, u64, Meddling),
    /// When all is done, the state is put back from a copy that was made after the write of this number (in S3: the request).
    OldCopy(u64),
    /// Something goes wrong with the request of this number to the bucket of the state.
    Request(u64, Trouble),
    /// The process dies at a request to the bucket after its effect, and the next one at one of its own.
    TwiceAtRequests(u64, u64),
    /// This share of all requests to the bucket goes wrong, in percent; the second number is the seed.
    RequestStorm(u8, u64),
}

/// When a process dies at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// Before it is sent.
    Before,
    /// After it took effect and before its answer is seen.
    After,
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lapse {
    /// It takes effect and is answered with an internal error.
    Error,
    /// The connection breaks before it takes effect.
    Reset,
    /// It takes effect, and the caller gives up waiting.
    TimeOut,
    /// It and those after it are refused as too frequent.
    Throttle,
    /// It and all after it are refused, since the credentials have expired.
    Expired,
}

/// A case of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Case {
    /// How the state is kept.
    pub state: Backend,
    /// What is done.
    pub scenario: Scenario,
    /// What goes wrong.
    pub harm: Harm,
}

/// What became of a case.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Which one.
    pub case: Case,
    /// Whether it came about: somebody else cannot do to an object what AWS refuses.
    pub possible: bool,
    /// How often the command was run again until it was complete.
    pub again: usize,
    /// Whether the same command, run again, was not enough.
    pub human: bool,
    /// What the audit found.
    pub findings: Findings,
    /// What happened, a line each.
    pub story: Vec<String>,
}

impl Verdict {
    /// Whether in the end everything is as it is when nothing goes wrong.
    #[must_use]
    pub fn converged(&self) -> bool {
        !self.human && self.findings.is_clean()
    }
}

impl Harm {
    /// Its row in the table.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Harm::Call(_, End::Before) => "dies before a call is sent",
            Harm::Call(_, End::After) => "dies after a call's effect, before its answer",
            Harm::Write(_, WriteEnd::Before) => "dies before a write",
            Harm::Write(_, WriteEnd::Torn) => "dies in the middle of a line",
            Harm::Write(_, WriteEnd::After) => "dies after a write",
            Harm::Twice(..) => "dies, and dies again while it recovers",
            Harm::Fault(_, Lapse::Error) => "HTTP 500 after the effect",
            Harm::Fault(_, Lapse::Reset) => "connection reset",
            Harm::Fault(_, Lapse::TimeOut) => "time-out after the effect",
            Harm::Fault(_, Lapse::Throttle) => "throttle burst",
            Harm::Fault(_, Lapse::Expired) => "credentials expire",
            Harm::Storm(10, _) => "10 % of all calls fail",
            Harm::Storm(..) => "30 % of all calls fail",
            Harm::Between(_, Meddling::Delete) => "deleted by others between plan and apply",
            Harm::Between(_, Meddling::Change) => "changed by others between plan and apply",
            Harm::Between(_, Meddling::Create) => "created by others between plan and apply",
            Harm::Meanwhile(_, _, Meddling::Delete) => "dies; deleted by others before the restart",
            Harm::Meanwhile(_, _, Meddling::Change) => "dies; changed by others before the restart",
            Harm::Meanwhile(_, _, Meddling::Create) => "dies; created by others before the restart",
            Harm::OldCopy(_) => "an old copy of the state is put back",
            Harm::Request(_, trouble) => trouble.class(),
            Harm::TwiceAtRequests(..) => "state in S3: dies at a request, and again while it recovers",
            Harm::RequestStorm(10, _) => "state in S3: 10 % of all requests fail",
            Harm::RequestStorm(..) => "state in S3: 30 % of all requests fail",
        }
    }

    /// Whether it goes wrong where the state is kept.
    #[must_use]
    pub fn is_of_the_state(&self) -> bool {
        match self {
            Harm::Write(..)
            | Harm::OldCopy(_)
            | Harm::Request(..)
            | Harm::TwiceAtRequests(..)
            | Harm::RequestStorm(..) => true,
            Harm::Call(..)
            | Harm::Twice(..)
            | Harm::Fault(..)
            | Harm::Storm(..)
            | Harm::Between(..)
            | Harm::Meanwhile(..) => false,
        }
    }

    fn fate(&self) -> Fate {
        let calls = |faults| Fate { faults, ..Fate::default() };
        let at = |call, fault| FaultPlan::default().with(Counted::All, When::Call(call), fault);
        match *self {
            Harm::Call(call, End::Before) => calls(at(call, Fault::Abort(Moment::BeforeEffect))),
            Harm::Call(call, End::After) | Harm::Twice(call, _) | Harm::Meanwhile(call, ..) => {
                calls(at(call, Fault::Abort(Moment::AfterEffect)))
            }
            Harm::Write(write, end) => Fate { dies_writing: Some((write, end)), ..Fate::default() },
            Harm::Fault(call, Lapse::Error) => calls(at(call, Fault::ErrorAfterEffect)),
            Harm::Fault(call, Lapse::Reset) => calls(at(call, Fault::ConnectionReset(Moment::BeforeEffect))),
            Harm::Fault(call, Lapse::TimeOut) => calls(at(call, Fault::TimeOut(Moment::AfterEffect))),
            Harm::Fault(call, Lapse::Throttle) => {
                let burst =
                    |plan: FaultPlan, call| plan.with(Counted::All, When::Call(call), Fault::Throttle);
                calls((call..call + BURST).fold(FaultPlan::default(), burst))
            }
            Harm::Fault(call, Lapse::Expired) => {
                let expired = |plan: FaultPlan, call| {
                    let error = Fault::Error { code: "ExpiredToken".to_owned(), status: 403 };
                    plan.with(Counted::All, When::Call(call), error)
                };
                calls((call..call + EXPIRED).fold(FaultPlan::default(), expired))
            }
            Harm::Storm(percent, seed) => calls(storm(f64::from(percent) / 100.0, seed)),
            Harm::Request(request, trouble) => trouble.fate(request),
            Harm::TwiceAtRequests(request, _) => Trouble::DiesAfter.fate(request),
            Harm::RequestStorm(percent, seed) => {
                Fate { bucket: storm(f64::from(percent) / 100.0, seed), ..Fate::default() }
            }
            // Of a directory, the lengths of its writes are enough.
            Harm::OldCopy(request) if request > 0 => {
                Fate { aside: Some((request, Aside::Copy)), ..Fate::default() }
            }
            Harm::Between(..) | Harm::OldCopy(_) => Fate::default(),
        }
    }

    /// Whether the first process is to die.
    fn kills(&self) -> bool {
        match self {
            Harm::Request(_, trouble) => trouble.kills(),
            Harm::Call(..)
            | Harm::Write(..)
            | Harm::Twice(..)
            | Harm::Meanwhile(..)
            | Harm::TwiceAtRequests(..) => true,
            _ => false,
        }
    }

    /// How long nobody does anything after the death: a second, an hour, or so long that AWS has forgotten every client
    /// token, in turn.
    fn pause(&self) -> Duration {
        let number = match *self {
            Harm::Call(number, _) | Harm::Write(number, _) | Harm::Request(number, _) => number,
            _ => 0,
        };
        Duration::from_secs(match number % 4 {
            0 | 1 => 1,
            2 => 3600,
            _ => 30 * 3600,
        })
    }
}

/// All kinds of faults that a process survives, in equal parts.
fn storm(share: f64, seed: u64) -> FaultPlan {
    let faults = [
        Fault::ErrorAfterEffect,
        Fault::Error { code: "ServiceUnavailable".to_owned(), status: 503 },
        Fault::TimeOut(Moment::AfterEffect),
        Fault::TimeOut(Moment::BeforeEffect),
        Fault::ConnectionReset(Moment::AfterEffect),
        Fault::ConnectionReset(Moment::BeforeEffect),
        Fault::Throttle,
    ];
    // Each is drawn by itself, so that together they fall on `share` of the calls.
    let each = 1.0 - (1.0 - share).powf(1.0 / faults.len() as f64);
    let plan = FaultPlan::default().seed(seed);
    faults.into_iter().fold(plan, |plan, fault| plan.with(Counted::All, When::Share(each), fault))
}

impl Case {
    /// Runs it, on a copy of the stage's world.
    #[must_use]
    pub fn run(&self, stage: &Stage) -> Verdict {
        let play = Play { case: *self, stage, world: stage.before.copy(), story: Vec::new() };
        if let Harm::Between(number, Meddling::Create) = self.harm {
            return play.foreign(number, None);
        }
        if let Harm::Meanwhile(call, number, Meddling::Create) = self.harm {
            return play.foreign(number, Some(call));
        }
        play.play()
    }
}

struct Play<'a> {
    case: Case,
    stage: &'a Stage,
    world: World,
    story: Vec<String>,
}

impl Play<'_> {
    fn tell(&mut self, what: impl Into<String>) {
        self.story.push(what.into());
    }

    /// A process with this fate, and its line in the story.
    fn run(&mut self, wanted: &Arc<Graph>, fate: &Fate) -> Run {
        let run = self.world.run(wanted, fate);
        self.note(&run);
        run
    }

    fn note(&mut self, run: &Run) {
        let last = run.calls.last().map_or_else(String::new, |call| {
            format!("; the last call was {}:{} ({})", call.service, call.operation, call.outcome)
        });
        self.tell(format!(
            "{:?} after {} calls and {} writes in {:?}{last}",
            run.ended,
            run.calls.len(),
            run.writes.len() + run.requests.iter().filter(|request| request.mutating).count(),
            run.took
        ));
        if let Some(rival) = &run.rival {
            self.tell(format!("another process, which took the lock away: {rival:?}"));
        }
    }

    fn verdict(self, possible: bool, again: usize, human: bool, findings: Findings) -> Verdict {
        Verdict { case: self.case, possible, again, human, findings, story: self.story }
    }

    fn impossible(self) -> Verdict {
        self.verdict(false, 0, false, Findings::default())
    }

    fn play(mut self) -> Verdict {
        let wanted = Arc::clone(&self.stage.wanted);
        let harm = self.case.harm;
        let mut findings = Findings::default();
        let first = match harm {
            Harm::Between(number, meddling) => {
                let stage = self.stage;
                let mut done = None;
                let run = self.world.run_with(&wanted, &harm.fate(), async |emulator| {
                    done = meddle::with(emulator, stage, number, meddling).await;
                });
                self.note(&run);
                let Some(done) = done else { return self.impossible() };
                self.tell(done);
                run
            }
            _ => self.run(&wanted, &harm.fate()),
        };
        if harm.kills() && first.ended != Ended::Died {
            // Times differ by nothing and numbers by nothing, so this is a fault of the harness.
            findings.problems.push(format!("it should have died, but {:?}", first.ended));
        }
        if let Harm::Fault(_, Lapse::Expired) = harm {
            findings.problems.extend(said_otherwise_than_once(&first.ended));
        }
        self.world.wait(harm.pause());
        if let Harm::OldCopy(write) = harm {
            self.world.put_back(&self.stage.before, &first, write);
            let lines = self.world.look().map_or(0, |sight| sight.state.objects().count());
            self.tell(format!("a copy is put back that knows {lines} objects"));
        }
        let second = match harm {
            Harm::Twice(_, second) => Some(Harm::Call(second, End::After)),
            Harm::TwiceAtRequests(_, second) => Some(Harm::Request(second, Trouble::DiesAfter)),
            _ => None,
        };
        if let Some(second) = second {
            let second = self.run(&wanted, &second.fate());
            if !matches!(second.ended, Ended::Died | Ended::Complete { .. }) {
                findings.problems.push(format!("it should have died again, but {:?}", second.ended));
            }
        }
        if let Harm::Meanwhile(_, number, meddling) = harm {
            let stage = self.stage;
            let done = meddle::alone(&mut self.world, stage, number, meddling);
            let Some(done) = done else { return self.impossible() };
            self.tell(done);
        }
        let mut ended = first.ended;
        if matches!(harm, Harm::OldCopy(_)) {
            ended = self.run(&wanted, &Fate::default()).ended;
        }
        let mut again = 0;
        // What the report calls complete must be so; only where it does not, the command is run again.
        while !matches!(ended, Ended::Complete { .. }) && again < RUNS_AT_MOST {
            ended = self.run(&wanted, &Fate::default()).ended;
            again += 1;
        }
        let mut human = !matches!(ended, Ended::Complete { .. });
        // What others did after the object had been looked at for the last time is the next run's to see.
        if matches!(harm, Harm::Between(..)) && again == 0 {
            human |= !matches!(self.run(&wanted, &Fate::default()).ended, Ended::Complete { .. });
        }
        let found = audit(&self.world, self.stage);
        findings.add(if matches!(harm, Harm::OldCopy(_)) { found.but_revisions() } else { found });
        self.verdict(true, again, human, findings)
    }

    /// Somebody else has an object of the name that we want: it is neither taken nor deleted.
    fn foreign(mut self, number: u64, dies_at: Option<u64>) -> Verdict {
        let wanted = Arc::clone(&self.stage.wanted);
        let stage = self.stage;
        let mut findings = Findings::default();
        let theirs = match dies_at {
            None => {
                let mut theirs = None;
                let run = self.world.run_with(&wanted, &Fate::default(), async |emulator| {
                    theirs = meddle::foreign(emulator, stage, number).await;
                });
                self.note(&run);
                if theirs.is_some() && matches!(run.ended, Ended::Complete { .. }) {
                    findings.problems.push("what somebody else had was not reported".to_owned());
                }
                theirs
            }
            Some(call) => {
                self.run(&wanted, &Harm::Call(call, End::After).fate());
                let known = self.world.look().map(|sight| sight.state).unwrap_or_default();
                let theirs = self.world.meddle(meddle::SOMEBODY, async |registry| {
                    meddle::create(registry, stage, number, Some(&known)).await
                });
                if theirs.is_some() {
                    let run = self.run(&wanted, &Fate::default());
                    if matches!(run.ended, Ended::Complete { .. }) {
                        findings.problems.push("what somebody else had was not reported".to_owned());
                    }
                }
                theirs
            }
        };
        let Some(theirs) = theirs else { return self.impossible() };
        self.tell(format!("somebody else made {} as theirs", theirs.address));
        // Neither going on nor giving up may touch it.
        for wanted in [&wanted, &Arc::default()] {
            let run = self.run(wanted, &Fate::default());
            if !wanted.nodes().is_empty() && matches!(run.ended, Ended::Complete { .. }) {
                findings.problems.push("what somebody else had was taken".to_owned());
            }
            if wanted.nodes().is_empty() && !matches!(run.ended, Ended::Complete { .. }) {
                findings.problems.push(format!("it cannot be taken down: {:?}", run.ended));
            }
        }
        let kept = self.world.meddle(meddle::SOMEBODY, async |registry| theirs.is_there(registry).await);
        if kept != Ok(true) {
            findings
                .problems
                .push(format!("what somebody else had, {}, was touched: {kept:?}", theirs.address));
        }
        let removed = self.world.meddle(meddle::SOMEBODY, async |registry| theirs.remove(registry).await);
        if let Err(error) = removed {
            findings.problems.push(format!("somebody cannot remove what they made: {error}"));
        }
        let last = self.run(&wanted, &Fate::default());
        let human = !matches!(last.ended, Ended::Complete { .. });
        findings.add(audit(&self.world, self.stage));
        self.verdict(true, 1, human, findings)
    }
}

/// Credentials that expire are one failure: nothing else fails because of it, and nothing is skipped.
fn said_otherwise_than_once(ended: &Ended) -> Option<String> {
    let expired = |text: &&String| text.contains("ExpiredToken");
    match ended {
        Ended::Incomplete(told) if told.iter().filter(expired).count() == 1 => None,
        Ended::Refused(reason) if expired(&reason) => None,
        other => Some(format!("expired credentials were not said once: {other:?}")),
    }
}

/// What the id of a case begins with whose state is in S3.
const IN_S3: &str = "s3/";

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            Backend::Local => "",
            Backend::S3 => IN_S3,
        };
        write!(f, "{state}{}/", self.scenario.name())?;
        match self.harm {
            Harm::Call(call, end) => write!(f, "call-{call}-{}", end.name()),
            Harm::Write(write, end) => write!(f, "write-{write}-{}", write_end(end)),
            Harm::Twice(one, two) => write!(f, "twice-{one}-{two}"),
            Harm::Fault(call, lapse) => write!(f, "fault-{call}-{}", lapse.name()),
            Harm::Storm(percent, seed) => write!(f, "storm-{percent}-{seed}"),
            Harm::OldCopy(write) => write!(f, "old-copy-{write}"),
            Harm::Request(request, trouble) => write!(f, "request-{request}-{}", trouble.name()),
            Harm::TwiceAtRequests(one, two) => write!(f, "twice-at-requests-{one}-{two}"),
            Harm::RequestStorm(percent, seed) => write!(f, "request-storm-{percent}-{seed}"),
            Harm::Between(number, meddling) => write!(f, "between-{number}-{}", meddling.name()),
            Harm::Meanwhile(call, number, meddling) => {
                write!(f, "meanwhile-{call}-{number}-{}", meddling.name())
            }
        }
    }
}

impl End {
    /// Those that differ. After a call that changes nothing, cloud and disk are as they are before the next call is sent.
    pub(crate) fn of(mutating: bool) -> impl Iterator<Item = End> {
        [End::Before, End::After].into_iter().take(if mutating { 2 } else { 1 })
    }

    fn name(self) -> &'static str {
        match self {
            End::Before => "before",
            End::After => "after",
        }
    }
}

fn write_end(end: WriteEnd) -> &'static str {
    match end {
        WriteEnd::Before => "before",
        WriteEnd::Torn => "torn",
        WriteEnd::After => "after",
    }
}

impl Lapse {
    /// All of them.
    pub const ALL: [Lapse; 5] = [Lapse::Throttle, Lapse::Expired, Lapse::Error, Lapse::Reset, Lapse::TimeOut];

    /// Those that differ. Whether a call that changes nothing took effect does not matter, so of the last three there is one, in
    /// turn from call to call.
    pub(crate) fn of(mutating: bool, call: u64) -> impl Iterator<Item = Lapse> {
        let [throttle, expired, lost @ ..] = Lapse::ALL;
        let kept = move |lapse: &usize| mutating || *lapse as u64 == call % 3;
        [throttle, expired].into_iter().chain((0..3).filter(kept).map(move |lapse| lost[lapse]))
    }

    fn name(self) -> &'static str {
        match self {
            Lapse::Error => "error",
            Lapse::Reset => "reset",
            Lapse::TimeOut => "timeout",
            Lapse::Throttle => "throttle",
            Lapse::Expired => "expired",
        }
    }
}

/// A text that is no id of a case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a case; one looks like up/call-17-before, update/write-3-torn, destroy/storm-30-7 or s3/up/request-9-conflict"
)]
pub struct UnknownCase(String);

impl FromStr for Case {
    type Err = UnknownCase;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| UnknownCase(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Case> {
    let (state, text) = match text.strip_prefix(IN_S3) {
        Some(text) => (Backend::S3, text),
        None => (Backend::Local, text),
    };
    let (scenario, harm) = text.split_once('/')?;
    let scenario = Scenario::ALL.into_iter().find(|known| known.name() == scenario)?;
    let parts: Vec<&str> = harm.split('-').collect();
    let number = |text: &str| text.parse::<u64>().ok();
    let end = |text: &str| [End::Before, End::After].into_iter().find(|end| end.name() == text);
    let write = |text: &str| {
        [WriteEnd::Before, WriteEnd::Torn, WriteEnd::After].into_iter().find(|end| write_end(*end) == text)
    };
    let harm = match parts[..] {
        ["call", call, at] => Harm::Call(number(call)?, end(at)?),
        ["write", at, how] => Harm::Write(number(at)?, write(how)?),
        ["twice", one, two] => Harm::Twice(number(one)?, number(two)?),
        ["fault", call, how] => {
            Harm::Fault(number(call)?, Lapse::ALL.into_iter().find(|lapse| lapse.name() == how)?)
        }
        ["storm", percent, seed] => Harm::Storm(percent.parse().ok()?, number(seed)?),
        ["old", "copy", write] => Harm::OldCopy(number(write)?),
        ["request", "storm", percent, seed] => Harm::RequestStorm(percent.parse().ok()?, number(seed)?),
        ["request", request, how] => {
            Harm::Request(number(request)?, Trouble::ALL.into_iter().find(|trouble| trouble.name() == how)?)
        }
        ["twice", "at", "requests", one, two] => Harm::TwiceAtRequests(number(one)?, number(two)?),
        ["between", at, how] => Harm::Between(number(at)?, Meddling::named(how)?),
        ["meanwhile", call, at, how] => Harm::Meanwhile(number(call)?, number(at)?, Meddling::named(how)?),
        _ => return None,
    };
    Some(Case { state, scenario, harm })
}
