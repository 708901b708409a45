//! `stack state forget`: resources are taken out of the record, and their objects stay in AWS.

use engine::{Address, EngineError, Ledger, Outcome, State};
use serde_json::json;

use crate::codes::Code;
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::output::{Lines, note, print_json, tell};
use crate::question::{Answer, agreed};
use crate::run::{Work, nothing_changed};
use crate::signals::Signals;
use crate::state_records::{Entered, Row, addresses, all_meant, rows};

/// What is to be forgotten, as a person decides on it.
struct Loose {
    addresses: Vec<Address>,
    /// What stays recorded and refers to one of them: which, and to which.
    dependents: Vec<(Address, Address)>,
    /// Those that are protected.
    protected: Vec<Address>,
}

impl Loose {
    /// What is meant, where it can be forgotten.
    fn of(state: &State, texts: &[String]) -> Result<Self, Failure> {
        let addresses = all_meant(texts, &addresses(state))?;
        let is_open =
            |address: &&Address| state.slot(address.as_str()).is_some_and(|slot| !slot.open.is_empty());
        if let Some(address) = addresses.iter().find(is_open) {
            let message = format!("{address} cannot be forgotten: how a call for it ended is not known yet");
            let mut failure = Failure::new(Exit::Configuration, message).coded(Code::Unsettled).hint(
                "nothing was changed. The next run looks it up: run `stack up` or `stack destroy`, then repeat this command",
            );
            failure.address = Some(address.to_string());
            return Err(failure);
        }
        let mut dependents: Vec<(Address, Address)> = state
            .objects()
            .filter(|(address, _)| !addresses.contains(address))
            .flat_map(|(address, object)| {
                let needed = object.dependencies.iter().filter(|needed| addresses.contains(needed));
                needed.map(move |needed| (address.clone(), needed.clone()))
            })
            .collect();
        dependents.sort_unstable();
        dependents.dedup();
        let is_protected = |address: &&Address| {
            let declared = state.current(address.as_str()).is_some_and(|object| object.protect);
            declared || state.is_protected(address.as_str())
        };
        let protected = addresses.iter().filter(is_protected).cloned().collect();
        Ok(Self { addresses, dependents, protected })
    }

    fn count(&self) -> String {
        match self.addresses.len() {
            1 => "1 resource".to_owned(),
            count => format!("{count} resources"),
        }
    }
}

impl Work {
    pub(crate) async fn forget(&self, texts: &[String], signals: &Signals) -> Result<Exit, Failure> {
        // What cannot be is refused before the lock is taken.
        Loose::of(&self.recorded_resources().await?, texts)?;
        let entered = self.in_ledger("state forget", signals, async |ledger: &Ledger| {
            let state = ledger.state();
            let loose = Loose::of(&state, texts)?;
            tell(self.told_before(&state, &loose)?);
            let question = format!("forget {} of {}", loose.count(), self.title());
            let answer = agreed(&self.options, &question, signals).await?;
            if let Some(exit) = answer.cancelled() {
                let is_signal = answer == Answer::Interrupted;
                let outcome = if is_signal { Outcome::Interrupted } else { Outcome::Cancelled };
                return Ok(Entered { outcome, told: (loose, exit) });
            }
            let forgotten: Result<(), EngineError> = ledger.forget(loose.addresses.clone()).await;
            forgotten.map_err(engine_failure)?;
            Ok(Entered { outcome: Outcome::Done, told: (loose, Exit::Done) })
        });
        let Some(((loose, exit), head)) = entered.await? else { return Ok(nothing_changed()) };
        if exit != Exit::Done {
            return Ok(exit);
        }
        tell(&format!("Forgotten: {}. What is in AWS was not touched.", loose.count()));
        if self.options.json {
            let dependents: Vec<_> = loose
                .dependents
                .iter()
                .map(|(address, needs)| json!({ "address": address, "needs": needs }))
                .collect();
            print_json(&json!({
                "forgotten": loose.addresses,
                "dependents": dependents,
                "head": head,
            }))?;
        }
        note(&format!("journal: {head}"));
        Ok(exit)
    }

    /// What somebody must know to agree.
    fn told_before(&self, state: &State, loose: &Loose) -> Result<Lines, Failure> {
        let ids = self.ids()?;
        let mut table: Vec<(Row, String)> = Vec::new();
        for address in &loose.addresses {
            let Some(slot) = state.slot(address.as_str()) else { continue };
            for (row, is_replaced) in Work::rows_of(&ids, address, slot) {
                let remark = if is_replaced { "replaced, not deleted yet" } else { "" };
                table.push((row, remark.to_owned()));
            }
        }
        let mut lines = Lines::new();
        lines.line("no longer managed from now on; they stay in AWS, and cost what they cost:");
        rows(&mut lines, "  ", &table);
        if !loose.dependents.is_empty() {
            lines.line("recorded resources that depend on them:");
            for (address, needs) in &loose.dependents {
                lines.line(format!("  {address} needs {needs}"));
            }
        }
        for address in &loose.protected {
            lines.line(format!("{address} is protected; the record of that goes too"));
        }
        lines.line("What the configuration still declares, the next `up` looks for, and adopts or creates.");
        Ok(lines)
    }
}
