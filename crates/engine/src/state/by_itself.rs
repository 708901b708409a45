//! What changes the record alone: what is forgotten, and what is protected by itself.

use std::collections::BTreeSet;

use super::{IllegalEvent, State};
use crate::address::Address;

/// That nothing is named, or something twice: such a record was written by no session.
fn check_named(event: &'static str, addresses: &[Address]) -> Result<(), IllegalEvent> {
    let illegal = |reason: String| Err(IllegalEvent { event, reason });
    let mut seen = BTreeSet::new();
    match addresses.iter().find(|address| !seen.insert(*address)) {
        Some(twice) => illegal(format!("{twice} is named twice")),
        None if addresses.is_empty() => illegal("it names no resource".to_owned()),
        None => Ok(()),
    }
}

impl State {
    pub(super) fn forget(&mut self, addresses: &[Address]) -> Result<(), IllegalEvent> {
        let illegal = |reason: String| Err(IllegalEvent { event: "forgotten", reason });
        check_named("forgotten", addresses)?;
        for address in addresses {
            match self.slots.get(address).map(|slot| slot.open.first()) {
                None => return illegal(format!("nothing is known of {address}")),
                Some(Some(open)) => return illegal(format!("{address} has the open intent {}", open.seq)),
                Some(None) => {}
            }
        }
        for address in addresses {
            self.slots.remove(address);
            self.protected.remove(address);
        }
        self.owners.retain(|_, owner| !addresses.contains(owner));
        Ok(())
    }

    pub(super) fn protect(&mut self, addresses: &[Address]) -> Result<(), IllegalEvent> {
        let illegal = |reason: String| Err(IllegalEvent { event: "protected", reason });
        check_named("protected", addresses)?;
        for address in addresses {
            if !self.slots.contains_key(address) {
                return illegal(format!("nothing is known of {address}"));
            }
            if self.protected.contains(address) {
                return illegal(format!("{address} is protected already"));
            }
        }
        self.protected.extend(addresses.iter().cloned());
        Ok(())
    }

    pub(super) fn unprotect(&mut self, addresses: &[Address]) -> Result<(), IllegalEvent> {
        check_named("unprotected", addresses)?;
        if let Some(address) = addresses.iter().find(|address| !self.protected.contains(*address)) {
            let reason = format!("{address} is not protected");
            return Err(IllegalEvent { event: "unprotected", reason });
        }
        for address in addresses {
            self.protected.remove(address);
        }
        Ok(())
    }
}
