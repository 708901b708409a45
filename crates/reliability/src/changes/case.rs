//! One case: there, back, and gone.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use engine::{Action, Fate as Becomes, Graph, Plan, ReplaceOrder};
use serde::{Deserialize, Serialize};

use super::compare::{self, Moment};
use super::live::{Base, Bases, declare, failing, load, unprotected};
use super::traffic::Traffic;
use crate::world::{Ended, Fate, Run, World};

/// How long nobody does anything between two runs.
const BETWEEN: Duration = Duration::from_secs(900);

/// A change of a live stack, with a name by which it is found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The environment.
    pub environment: &'static str,
    /// The key that it is about, or what kind of drawn case it is.
    pub key: String,
    /// What the stack has from its first deployment.
    pub born: Vec<String>,
    /// What it is changed to before.
    pub from: Vec<String>,
    /// What is set then; drawn cases have several of these, one run each.
    pub settings: Vec<Vec<String>>,
    /// At which call that changes something, counted from 1, the run of this number dies.
    pub dies: Option<(usize, u64)>,
    /// Checks of `verify` that rightly fail with it.
    pub fails: Vec<String>,
    /// What it is called, where that is not what it does.
    pub name: Option<String>,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { environment, born, from, settings, name, .. } = self;
        if let Some(name) = name {
            return write!(f, "{environment}/{name}");
        }
        let join = |settings: &[String]| settings.join(" ");
        let settings: Vec<String> = settings.iter().map(|settings| join(settings)).collect();
        write!(f, "{environment}/{}", settings.join(", then "))?;
        for (word, others) in [("after", from), ("born with", born)] {
            if !others.is_empty() {
                write!(f, " {word} {}", join(others))?;
            }
        }
        Ok(())
    }
}

/// How a run that changes something ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// There was nothing to change: the stack has these values already.
    Same,
    /// All is as declared after one run, and the plan showed all of it.
    #[default]
    Done,
    /// It was refused before any call that changes something.
    Refused,
    /// Anything else.
    Fault,
}

/// One run of a case: what it was to do, and what came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Leg {
    /// How it ended.
    pub end: End,
    /// How many resources were created, changed in place, and deleted.
    pub counts: [usize; 3],
    /// Addresses of what was replaced.
    pub replaced: Vec<String>,
    /// What the plan says is lost.
    pub lost: Vec<String>,
    /// What the plan says is kept.
    pub kept: Vec<String>,
    /// For how many seconds nobody answered requests, and the call after which that began.
    pub down: Option<(u64, String)>,
    /// Why it was refused.
    pub refused: String,
    /// What is wrong.
    pub faults: Vec<String>,
    /// How long it took, in seconds of virtual time.
    pub took: u64,
    /// Whether its process was killed, and another one went on.
    #[serde(default)]
    pub died: bool,
}

/// What became of a case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// Its name.
    pub case: String,
    /// The key that it is about.
    pub key: String,
    /// Its environment.
    pub environment: String,
    /// The changes.
    pub there: Vec<Leg>,
    /// The way back.
    pub back: Option<Leg>,
    /// The end of the stack.
    pub gone: Option<Leg>,
}

impl Verdict {
    /// The worst of its ends; a way back that is refused is no fault.
    #[must_use]
    pub fn end(&self) -> End {
        let legs = || self.there.iter().chain(&self.back).chain(&self.gone);
        let all = |end: End| self.there.iter().all(|leg| leg.end == end);
        match () {
            () if legs().any(|leg| leg.end == End::Fault) => End::Fault,
            () if all(End::Same) => End::Same,
            () if all(End::Refused) => End::Refused,
            () => End::Done,
        }
    }

    /// All that is wrong.
    pub fn faults(&self) -> impl Iterator<Item = String> {
        let named = |word: &'static str| {
            move |leg: &Leg| leg.faults.iter().map(|fault| format!("{word}: {fault}")).collect::<Vec<_>>()
        };
        let there = self.there.iter().flat_map(named("there"));
        there
            .chain(self.back.iter().flat_map(named("back")))
            .chain(self.gone.iter().flat_map(named("destroy")))
    }
}

impl Case {
    /// Runs it on a copy of the live stack that it begins with.
    #[must_use]
    pub fn run(&self, bases: &Bases) -> Verdict {
        let play = || bases.with(self.environment, &self.born, |base| Play::new(self, base).play());
        let broken = |fault: String| {
            let leg = Leg { end: End::Fault, faults: vec![fault], ..Leg::default() };
            Verdict { there: vec![leg], ..self.verdict() }
        };
        match catch_unwind(AssertUnwindSafe(play)) {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(error)) => broken(error),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                broken(format!("panic: {}", text.unwrap_or_default()))
            }
        }
    }

    fn verdict(&self) -> Verdict {
        let (key, environment) = (self.key.clone(), self.environment.to_owned());
        Verdict { case: self.to_string(), key, environment, there: Vec::new(), back: None, gone: None }
    }
}

/// Whether somebody who read the plan knows that requests will not be answered for a while: it says so, or another load balancer
/// takes the place of this one, whose address goes.
fn announces_downtime(plan: &Plan) -> bool {
    plan.steps().iter().any(|step| {
        let is_replaced = matches!(step.action, Action::Replace { order: ReplaceOrder::DeleteFirst, .. });
        (step.address.as_str() == "alb/load-balancer" && is_replaced)
            || step.warnings().iter().any(|warning| warning.contains("DOWNTIME"))
    })
}

struct Play<'a> {
    case: &'a Case,
    base: &'a Base,
    world: World,
    /// The stack after the run before.
    moment: Moment,
    /// Whether anything was created, replaced or taken away.
    is_other: bool,
    /// What stays when the stack is destroyed, as plans say.
    kept: BTreeSet<String>,
}

impl<'a> Play<'a> {
    fn new(case: &'a Case, base: &'a Base) -> Self {
        let (world, moment) = (base.world.copy(), base.moment.clone());
        Self { case, base, world, moment, is_other: false, kept: BTreeSet::new() }
    }

    fn play(mut self) -> Verdict {
        let mut verdict = self.case.verdict();
        let home: Vec<String> = [&self.case.born[..], &self.case.from].concat();
        if !self.case.from.is_empty() {
            let leg = self.change(&home, &self.case.born, None);
            if !matches!(leg.end, End::Done | End::Same) {
                verdict.there.push(leg);
                return verdict;
            }
            self.world.wait(BETWEEN);
        }
        let mut current = home.clone();
        for (number, settings) in self.case.settings.iter().enumerate() {
            // In a sequence, each change comes on top of those before it that were not refused.
            let wanted = [&current[..], settings].concat();
            let dies = self.case.dies.filter(|(run, _)| *run == number).map(|(_, call)| call);
            let leg = self.change(&wanted, &current, dies);
            let end = leg.end;
            verdict.there.push(leg);
            match end {
                End::Fault => return verdict,
                End::Done => current = wanted,
                End::Same | End::Refused => {}
            }
            self.world.wait(BETWEEN);
        }
        if current == home {
            return verdict;
        }
        let back = self.change(&home, &current, None);
        let end = back.end;
        verdict.back = Some(back);
        match end {
            End::Fault => return verdict,
            End::Done => current.clone_from(&home),
            End::Same | End::Refused => {}
        }
        // What was only changed in place, and back again, goes as it goes without that.
        if self.is_other || current != home || self.case.dies.is_some() {
            self.world.wait(BETWEEN);
            verdict.gone = Some(self.destroy(&current));
        }
        verdict
    }

    /// Brings the stack to these settings.
    fn change(&mut self, settings: &[String], current: &[String], dies: Option<u64>) -> Leg {
        let mut leg = Leg::default();
        if let Err(fault) = self.try_change(settings, current, dies, &mut leg) {
            leg.faults.push(fault);
        }
        if !leg.faults.is_empty() {
            leg.end = End::Fault;
        }
        leg
    }

    fn try_change(
        &mut self,
        settings: &[String],
        current: &[String],
        dies: Option<u64>,
        leg: &mut Leg,
    ) -> Result<(), String> {
        let environment = self.case.environment;
        let refused = |leg: &mut Leg, reason: String| {
            leg.end = End::Refused;
            leg.refused = reason;
            Ok(())
        };
        let config = match load(environment, settings) {
            Ok(config) => config,
            Err(reason) => return refused(leg, reason),
        };
        let known = load(environment, current)?;
        if serde_json::to_value(&config).ok() == serde_json::to_value(&known).ok() {
            leg.end = End::Same;
            return Ok(());
        }
        let wanted = match declare(&mut self.world, environment, &config) {
            Ok(wanted) => wanted,
            Err(reason) => return refused(leg, reason),
        };
        if let Some(plan) = self.run(&wanted, dies, leg)
            && leg.faults.is_empty()
        {
            self.look(&wanted, dies.is_none().then_some(&plan), leg)?;
        }
        Ok(())
    }

    /// Runs the change. What was planned, unless it was refused.
    fn run(&mut self, wanted: &Arc<Graph>, dies: Option<u64>, leg: &mut Leg) -> Option<Plan> {
        let traffic = Traffic::default();
        let mut run = match dies {
            None => self.world.run_watched(wanted, &Fate::default(), traffic.clone()),
            Some(call) => {
                let run = self.world.run_watched(wanted, &Fate::dies_after(call), traffic.clone());
                // The next process begins at once, and does the rest.
                match run.ended {
                    Ended::Died => {
                        leg.died = true;
                        let next = self.world.run_watched(wanted, &Fate::default(), traffic.clone());
                        Run { plan: run.plan.or(next.plan), ..next }
                    }
                    _ => run,
                }
            }
        };
        let plan = run.plan.take();
        if let Some(plan) = &plan {
            self.told(plan, leg);
        }
        leg.took = run.took.as_secs();
        let outage = traffic.outage();
        if outage.interruptions > 0 {
            leg.down = Some((outage.seconds, outage.after.unwrap_or_default()));
            if !plan.as_ref().is_some_and(announces_downtime) {
                let seconds = outage.seconds;
                leg.faults.push(format!("nobody answered for {seconds} s, and no plan said so"));
            }
        }
        let changes = |run: &Run| run.calls.iter().any(|call| call.mutating);
        match &run.ended {
            Ended::Complete { .. } => {}
            Ended::Refused(reason) if !changes(&run) && !leg.died => {
                leg.end = End::Refused;
                leg.refused = reason.clone();
                return None;
            }
            ended => {
                leg.faults.push(format!("the run ended as {ended:?}"));
                run = self.world.run(wanted, &Fate::default());
                leg.faults.push(match run.ended {
                    Ended::Complete { .. } => "a second run completes it".to_owned(),
                    ended => format!("a second run ends as {ended:?}"),
                });
            }
        }
        plan
    }

    /// Looks at what is there after a change.
    fn look(&mut self, wanted: &Arc<Graph>, shown: Option<&Plan>, leg: &mut Leg) -> Result<(), String> {
        let left = self.world.preview(wanted)?;
        for step in left.steps().iter().filter(|step| step.is_change() || step.note.is_some()) {
            let changes: Vec<&str> = step.changes.iter().map(|change| change.property()).collect();
            leg.faults.push(format!(
                "a second run would still do: {} {:?} {}",
                step.address,
                step.action,
                changes.join(", ")
            ));
        }
        let after = Moment::of(&self.world)?;
        let before = std::mem::replace(&mut self.moment, after.clone());
        if let Some(plan) = shown {
            leg.faults.extend(compare::surprises(plan, &before, &after));
        }
        for (check, found) in failing(self.case.environment, wanted, &after.survey) {
            if !self.base.failing.contains(&check) && !self.case.fails.contains(&check) {
                leg.faults.push(format!("verify fails: {check}: {found}"));
            }
        }
        Ok(())
    }

    /// What a plan says, for the record.
    fn told(&mut self, plan: &Plan, leg: &mut Leg) {
        for step in plan.steps() {
            self.is_other |= !matches!(step.action, Action::Update | Action::Unchanged);
            match &step.action {
                Action::Create => leg.counts[0] += 1,
                Action::Update => leg.counts[1] += 1,
                Action::Delete => leg.counts[2] += 1,
                Action::Replace { .. } => leg.replaced.push(step.address.to_string()),
                Action::Unchanged => {}
            }
            if let Some(removal) = step.removal() {
                let address = step.address.to_string();
                match removal.fate {
                    Becomes::Lost if removal.loses() => {
                        leg.lost.push(format!("{address}: {}", removal.loss.words().unwrap_or("something")));
                    }
                    Becomes::Lost => {}
                    Becomes::Copied(copy) => {
                        leg.kept.push(format!("{address}: {copy}"));
                        self.kept.insert(copy.to_owned());
                    }
                    Becomes::Retained => {
                        leg.kept.push(address.clone());
                        self.kept.insert(address);
                    }
                }
            }
            let lowered = step.lowered().iter();
            leg.lost.extend(lowered.map(|lowered| format!("{}: {}", step.address, lowered.words)));
        }
    }

    /// Takes the stack down: nothing is left but what plans said.
    fn destroy(&mut self, current: &[String]) -> Leg {
        let mut leg = Leg::default();
        if let Err(fault) = self.try_destroy(current, &mut leg) {
            leg.faults.push(fault);
        }
        if !leg.faults.is_empty() {
            leg.end = End::Fault;
        }
        leg
    }

    fn try_destroy(&mut self, current: &[String], leg: &mut Leg) -> Result<(), String> {
        let environment = self.case.environment;
        let settings = unprotected(environment, current);
        let opened = self.change(&settings, current, None);
        if !matches!(opened.end, End::Done | End::Same) {
            leg.faults.push(format!("its protections cannot be taken away: {}", opened.refused));
            leg.faults.extend(opened.faults);
            return Ok(());
        }
        let config = load(environment, &settings)?;
        let wanted = declare(&mut self.world, environment, &config)?;
        let nothing = Arc::new(Graph::clone(&wanted).into_guards());
        let run = self.world.run(&nothing, &Fate::default());
        leg.took = run.took.as_secs();
        if let Some(plan) = &run.plan {
            self.told(plan, leg);
        }
        if !matches!(run.ended, Ended::Complete { .. }) {
            return Err(format!("destroy ended as {:?}", run.ended));
        }
        let left = self.world.look()?;
        if !left.state.is_empty() {
            leg.faults.push("destroy leaves objects in the state".to_owned());
        }
        for object in left.objects {
            let address = compare::address_of(&object, &self.moment);
            let stays = address.as_ref().is_some_and(|address| self.kept.contains(address));
            let is_copy =
                object.kind.contains("Snapshot") && self.kept.iter().any(|kept| kept.contains("snapshot"));
            let goes_with = object.part_of.is_some();
            if !stays && !is_copy && !goes_with {
                let address = address.unwrap_or_default();
                leg.faults.push(format!("destroy leaves {} {} {address}", object.kind, object.id));
            }
        }
        Ok(())
    }
}
