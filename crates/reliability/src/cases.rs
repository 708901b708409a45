//! Which cases there are: what can go wrong with each call, write and request of a run that goes well, and what is drawn.

use crate::case::{Case, End, Harm, Lapse};
use crate::disk::WriteEnd;
use crate::draw::draw;
use crate::meddle::Meddling;
use crate::scenario::{Scenario, Stage};
use crate::trouble::Trouble;

/// All cases of a stage that are not drawn, and as many of the others as asked for.
#[must_use]
pub fn cases(stage: &Stage, seed: u64, drawn: u64) -> Vec<Case> {
    let scenario = stage.scenario;
    let mut harms = Vec::new();
    let calls = stage.clean.calls.len() as u64;
    for (made, call) in stage.clean.calls.iter().zip(1..) {
        harms.extend(End::of(made.mutating).map(|end| Harm::Call(call, end)));
        harms.extend(Lapse::of(made.mutating, call).map(|lapse| Harm::Fault(call, lapse)));
    }
    for (position, request) in stage.clean.requests.iter().enumerate() {
        let possible = Trouble::ALL.into_iter().filter(|trouble| trouble.can_happen_to(request));
        harms.extend(possible.map(|trouble| Harm::Request(position as u64 + 1, trouble)));
    }
    for (position, written) in stage.clean.writes.iter().enumerate() {
        let write = position as u64 + 1;
        harms.extend([WriteEnd::Before, WriteEnd::After].map(|end| Harm::Write(write, end)));
        if written.appended {
            harms.push(Harm::Write(write, WriteEnd::Torn));
        }
    }
    let pick = |what: &str, number: u64, of: u64| draw(seed, &format!("{what} {number}"), of.max(1)) + 1;
    for number in 0..drawn {
        harms.extend([10, 30].map(|percent| Harm::Storm(percent, seed * 1000 + number)));
        let requests = stage.clean.requests.len() as u64;
        let writes = stage.clean.writes.len() as u64 + requests;
        harms.push(Harm::OldCopy(pick("old copy", number, writes + 1) - 1));
        if requests > 0 {
            harms.extend([10, 30].map(|percent| Harm::RequestStorm(percent, seed * 1000 + number)));
            let (one, two) =
                (pick("first request", number, requests), pick("second request", number, requests));
            harms.push(Harm::TwiceAtRequests(one, two));
        }
        harms.push(Harm::Twice(pick("first", number, calls), pick("second", number, calls)));
        // What is gone cannot be adopted, and somebody has to say what else is meant. What others do while what is live is taken into
        // the state is taken as well, and the configuration does not say it.
        let is_settled = !matches!(scenario, Scenario::Import | Scenario::Accept);
        for meddling in Meddling::ALL.into_iter().filter(|_| is_settled) {
            // Of a world that is empty before, something is there when the process dies.
            let objects = match meddling {
                Meddling::Delete => 1000,
                other => stage.targets.count(other),
            };
            if objects > 0 {
                // What needs nothing is created first, so only early is it missing still.
                let among = if meddling == Meddling::Create { calls.min(12) } else { calls };
                let call = pick(meddling.name(), number, among);
                harms.push(Harm::Meanwhile(call, pick("object", number, objects) - 1, meddling));
            }
        }
    }
    for meddling in Meddling::ALL.into_iter().filter(|_| scenario != Scenario::Accept) {
        harms.extend((0..stage.targets.count(meddling)).map(|number| Harm::Between(number, meddling)));
    }
    harms.into_iter().map(|harm| Case { state: stage.state, scenario, harm }).collect()
}
