//! `stack state protect` and `stack state unprotect`: a protection that is recorded for a resource, whatever is configured.

use engine::{Address, EngineError, Guarded, Ledger, Outcome, PlanError, Sides, State};
use serde_json::json;

use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::failures::engine_failure;
use crate::output::{note, print_json, tell};
use crate::plans::document::Running;
use crate::protection::plan_failure;
use crate::run::{Work, nothing_changed};
use crate::signals::Signals;
use crate::state_records::{Entered, addresses, all_meant};

/// Whether everything that is recorded may be deleted, as far as the record itself says. Asked before anything is called.
///
/// # Errors
/// As the plan would be refused.
pub(crate) fn check_unprotected(state: &State, config: &Config) -> Result<(), Failure> {
    let resources: Vec<Guarded> = state
        .protected()
        .filter(|address| state.slot(address.as_str()).is_some_and(|slot| slot.objects().next().is_some()))
        .map(|address| Guarded {
            address: address.clone(),
            name: None,
            by: Sides::BY_ITSELF,
            property: None,
            contents: None,
        })
        .collect();
    match resources.is_empty() {
        true => Ok(()),
        false => {
            let error = EngineError::Plan(PlanError::Protected { resources });
            Err(plan_failure(error, config, Running::Destroy))
        }
    }
}

/// What is asked for, and of that, what is so already.
struct Wanted {
    changed: Vec<Address>,
    already: Vec<Address>,
}

impl Wanted {
    fn protected(state: &State, texts: &[String]) -> Result<Self, Failure> {
        let all = all_meant(texts, &addresses(state))?;
        let (already, changed) = all.into_iter().partition(|address| state.is_protected(address.as_str()));
        Ok(Self { changed, already })
    }

    fn unprotected(state: &State, texts: &[String]) -> Result<Self, Failure> {
        // One that has disappeared may be protected still.
        let mut known = addresses(state);
        known.extend(state.protected());
        let all = all_meant(texts, &known)?;
        let (changed, already) = all.into_iter().partition(|address| state.is_protected(address.as_str()));
        Ok(Self { changed, already })
    }
}

fn list(addresses: &[Address]) -> String {
    addresses.iter().map(Address::as_str).collect::<Vec<_>>().join(", ")
}

impl Work {
    pub(crate) async fn protect(&self, texts: &[String], signals: &Signals) -> Result<Exit, Failure> {
        Wanted::protected(&self.recorded_resources().await?, texts)?;
        let entered = self.in_ledger("state protect", signals, async |ledger: &Ledger| {
            let wanted = Wanted::protected(&ledger.state(), texts)?;
            if !wanted.changed.is_empty() {
                ledger.protect(wanted.changed.clone()).await.map_err(engine_failure)?;
            }
            Ok(Entered { outcome: Outcome::Done, told: wanted })
        });
        let Some((Wanted { changed, already }, head)) = entered.await? else { return Ok(nothing_changed()) };
        if !already.is_empty() {
            note(&format!("protected already: {}", list(&already)));
        }
        if !changed.is_empty() {
            tell(&format!("Protected: {}. No plan may delete or replace it.", list(&changed)));
            note(&format!("to lift it: {}", self.command(&format!("state unprotect {}", spaced(&changed)))));
        }
        if self.options.json {
            print_json(&json!({ "protected": changed, "already_protected": already, "head": head }))?;
        }
        Ok(Exit::Done)
    }

    pub(crate) async fn unprotect(&self, texts: &[String], signals: &Signals) -> Result<Exit, Failure> {
        Wanted::unprotected(&self.recorded_resources().await?, texts)?;
        let entered = self.in_ledger("state unprotect", signals, async |ledger: &Ledger| {
            let wanted = Wanted::unprotected(&ledger.state(), texts)?;
            if !wanted.changed.is_empty() {
                ledger.unprotect(wanted.changed.clone()).await.map_err(engine_failure)?;
            }
            Ok(Entered { outcome: Outcome::Done, told: (wanted, ledger.state()) })
        });
        let Some(((Wanted { changed, already }, state), head)) = entered.await? else {
            return Ok(nothing_changed());
        };
        if !already.is_empty() {
            note(&format!("not protected by `state protect`: {}", list(&already)));
        }
        if !changed.is_empty() {
            tell(&format!("No longer protected by `state protect`: {}", list(&changed)));
        }
        let still = changed
            .iter()
            .chain(&already)
            .filter(|address| state.current(address.as_str()).is_some_and(|object| object.protect));
        let still: Vec<Address> = still.cloned().collect();
        if !still.is_empty() {
            note(&format!("still protected as configured: {}", list(&still)));
        }
        if self.options.json {
            print_json(&json!({
                "unprotected": changed,
                "not_protected": already,
                "still_protected_as_configured": still,
                "head": head,
            }))?;
        }
        Ok(Exit::Done)
    }
}

fn spaced(addresses: &[Address]) -> String {
    addresses.iter().map(Address::as_str).collect::<Vec<_>>().join(" ")
}
