//! What the commands about the recorded state have in common: the resource that somebody means, its id, and the ledger.

use std::sync::Arc;

use aws::{Account, Context, Identity, Registry};
use aws_config::Region;
use emulator::Emulator;
use engine::{
    Address, Engine, EngineError, Head, Ledger, Object, Outcome, Provider as _, Slot, State, visible,
};

use crate::codes::Code;
use crate::config::closest;
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::output::Lines;
use crate::progress::Screen;
use crate::run::Work;
use crate::signals::Signals;
use crate::stack::Place;
use crate::stores::purpose;
use crate::target::embedded;

/// What AWS calls recorded objects: the id with which somebody finds them there.
pub(crate) struct Ids(Registry);

impl Ids {
    /// `None` where nothing that says it is recorded, or the kind is not known any more.
    pub(crate) fn of(&self, object: &Object) -> Option<String> {
        self.0.kind(&object.kind)?.facts().import.of(&object.properties, &object.outputs)
    }
}

/// A recorded resource: what a line about it says.
pub(crate) struct Row {
    pub(crate) address: Address,
    pub(crate) kind: String,
    pub(crate) id: Option<String>,
}

/// Rows below each other, as columns. Each may have remarks behind it.
pub(crate) fn rows(lines: &mut Lines, indent: &str, rows: &[(Row, String)]) {
    let width = |of: fn(&Row) -> &str| rows.iter().map(|(row, _)| of(row).chars().count()).max().unwrap_or(0);
    let (addresses, kinds) = (width(|row| row.address.as_str()), width(|row| row.kind.as_str()));
    for (Row { address, kind, id }, remark) in rows {
        let id = id.as_deref().unwrap_or("(no id yet)");
        lines.add(format!("{indent}{:addresses$}  {kind:kinds$}  {id}", address.as_str()));
        if !remark.is_empty() {
            lines.add(format!("  ({remark})"));
        }
        lines.end();
    }
}

/// What of the record of a slot is no object yet: the kind of what is to be made.
pub(crate) fn only_intended(slot: &Slot) -> Option<&str> {
    match (&slot.current, slot.deposed.is_empty()) {
        (None, true) => slot.open.first().map(|open| open.kind.as_str()),
        _ => None,
    }
}

/// The address that somebody means, among those that are known.
pub(crate) fn meant(text: &str, known: &[&Address]) -> Result<Address, Failure> {
    if let Some(address) = known.iter().find(|address| address.as_str() == text) {
        return Ok((*address).clone());
    }
    let slips = (text.chars().count() / 3).clamp(1, 4);
    // The name without its tier is another way to mean one, where only one is called so.
    let mut called_so = known.iter().filter(|address| address.name() == text);
    let called = called_so.next().filter(|_| called_so.next().is_none()).map(|address| address.as_str());
    let similar = called.or_else(|| closest(text, known.iter().map(|address| address.as_str()), slips));
    let failure = Failure::new(Exit::Configuration, format!("`{}` is not recorded", visible(text)))
        .coded(Code::NothingRecorded);
    Err(match similar {
        _ if known.is_empty() => failure.hint("nothing is recorded here; `stack up` deploys"),
        Some(similar) => failure.hint(format!("did you mean `{similar}`? `stack state list` lists all")),
        None => failure.hint("`stack state list` lists what is recorded"),
    })
}

/// All that are meant, each once.
pub(crate) fn all_meant(texts: &[String], known: &[&Address]) -> Result<Vec<Address>, Failure> {
    let mut all: Vec<Address> = Vec::new();
    for text in texts {
        let address = meant(text, known)?;
        if !all.contains(&address) {
            all.push(address);
        }
    }
    Ok(all)
}

/// The addresses at which something is recorded.
pub(crate) fn addresses(state: &State) -> Vec<&Address> {
    state.slots().map(|(address, _)| address).collect()
}

/// What came of work on a ledger: how it ends, and what is told then.
pub(crate) struct Entered<T> {
    pub(crate) outcome: Outcome,
    pub(crate) told: T,
}

impl Work {
    /// The ids of recorded objects. Nothing is called.
    pub(crate) fn ids(&self) -> Result<Ids, Failure> {
        let config = &self.loaded.config;
        let place = Place::imagined(config);
        // Whoever called something by mistake would reach nothing.
        let sdk = embedded(&Emulator::builder().in_memory(), Region::new(config.region.clone()));
        let identity =
            Identity { project: config.project.clone(), environment: self.environment.as_str().to_owned() };
        let account = Account { id: place.account_id, partition: place.partition };
        let context = Context::from_config(&sdk, identity, account)
            .map_err(|error| Failure::from_error(Exit::Failed, &error).coded(Code::Defect))?;
        let mut registry = Registry::new(context);
        self.program.register(&mut registry);
        Ok(Ids(registry))
    }

    /// What somebody sees of a slot: its objects, those that were replaced and are still there behind the present one.
    pub(crate) fn rows_of(ids: &Ids, address: &Address, slot: &Slot) -> Vec<(Row, bool)> {
        let row =
            |object: &Object| Row { address: address.clone(), kind: object.kind.clone(), id: ids.of(object) };
        let current = slot.current.iter().map(|object| (row(object), false));
        current.chain(slot.deposed.iter().map(|object| (row(object), true))).collect()
    }

    /// Takes the lock for work on the record alone, does it, says how it ended, and gives the lock back. `None` if it was
    /// interrupted before.
    pub(crate) async fn in_ledger<T>(
        &self,
        command: &str,
        signals: &Signals,
        work: impl AsyncFnOnce(&Ledger) -> Result<Entered<T>, Failure>,
    ) -> Result<Option<(T, Head)>, Failure> {
        let Some(fit) = signals.unless(self.check_store()).await else { return Ok(None) };
        fit?;
        let engine: Engine = self
            .records()
            .await?
            .of_stack(self.stack_name())
            .with_observer(Arc::new(Screen::detect()))
            .with_cancel(signals.cancel())
            .with_lock_timeout(self.options.lock_timeout)
            .with_purpose(purpose(command));
        let ledger = match engine.open_ledger().await {
            Err(EngineError::Interrupted) => return Ok(None),
            opened => opened.map_err(engine_failure)?,
        };
        let done = work(&ledger).await;
        let outcome = done.as_ref().map_or(Outcome::Failed, |done| done.outcome);
        let closed = ledger.close(outcome).await.map_err(engine_failure);
        let told = done?.told;
        Ok(Some((told, closed?)))
    }

    /// What is recorded, of a state that is this environment's.
    pub(crate) async fn recorded_resources(&self) -> Result<State, Failure> {
        let state = self.recorded().await?;
        match state.records {
            0 => Err(Failure::new(Exit::Configuration, format!("{}: no state", self.title()))
                .coded(Code::NothingRecorded)
                .hint("`stack up` begins one; --env, --target and --state-dir say where to look")),
            _ => Ok(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(text: &str, known: &[&str]) -> String {
        let known: Vec<Address> = known.iter().map(|one| Address::new(one).unwrap()).collect();
        let known: Vec<&Address> = known.iter().collect();
        meant(text, &known).unwrap_err().hint.unwrap()
    }

    #[test]
    fn a_slip_in_an_address_is_answered_with_the_one_that_is_meant() {
        let known = ["vpc/vpc", "vpc/private-subnet-a", "database/cluster", "ecs/cluster"];
        assert!(hint("vpc/privat-subnet-a", &known).contains("did you mean `vpc/private-subnet-a`?"));
        assert!(hint("private-subnet-a", &known).contains("did you mean `vpc/private-subnet-a`?"));
        // Two are called so.
        assert!(!hint("cluster", &known).contains("did you mean"));
        assert!(hint("monitoring/dashboard", &known).contains("`stack state list`"));
        assert!(hint("vpc/vpc", &[]).contains("nothing is recorded"));
    }
}
