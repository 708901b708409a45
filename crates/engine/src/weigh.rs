//! What a plan does with what was found in the objects that go: some stay after all, and some forbid the whole plan.

use std::collections::HashSet;

use serde_json::Value;

use crate::address::Address;
use crate::event::Seq;
use crate::loss::{Contents, Loss};
use crate::plan::Plan;
use crate::plan_error::PlanError;
use crate::references;
use crate::removal::{Fate, Guarded, Removal};
use crate::state::State;
use crate::step::Step;

impl Plan {
    /// The steps that part with an object which may hold something that cannot be made again: where they are, with the
    /// object. Only these are looked into.
    pub(crate) fn to_weigh(&self) -> Vec<(usize, Seq)> {
        let asks = |step: &Step| {
            let removal = step.removal.as_ref()?;
            let may_lose = removal.loss != Loss::Nothing && removal.contents == Contents::Unknown;
            let weighs = may_lose && removal.fate != Fate::Retained;
            step.existing().filter(|_| weighs).map(|existing| existing.seq)
        };
        self.steps().iter().enumerate().filter_map(|(position, step)| Some((position, asks(step)?))).collect()
    }

    /// Takes in what was found in the objects that go.
    ///
    /// # Errors
    /// [`PlanError::Protected`], [`PlanError::OnlyBecauseMissing`], [`PlanError::InTheWay`] and [`PlanError::PartInUse`], where
    /// something would go that must not.
    pub(crate) fn weigh(
        &mut self,
        found: impl IntoIterator<Item = (usize, Contents)>,
        state: &State,
    ) -> Result<(), PlanError> {
        for (position, contents) in found {
            if let Some(removal) = &mut self.steps_mut()[position].removal {
                if removal.retained_unless_empty && matches!(contents, Contents::Some { .. }) {
                    removal.fate = Fate::Retained;
                }
                removal.contents = contents;
            }
        }
        self.keep_keys(state);
        let refused = |step: &Step| {
            let removal = step.removal.as_ref()?;
            let (by, property) = removal.refused.filter(|_| removal.loses())?;
            let contents = match &removal.contents {
                Contents::Some { words, .. } => Some(words.clone()),
                _ => None,
            };
            Some(Guarded {
                address: step.address.clone(),
                name: removal.name.clone(),
                by,
                property,
                contents,
            })
        };
        let mut resources = std::mem::take(&mut self.protected);
        resources.extend(self.steps().iter().filter_map(refused));
        resources.sort_by(|one, other| one.address.cmp(&other.address));
        if !resources.is_empty() {
            return Err(PlanError::Protected { resources });
        }
        let only_because = |step: &Step| {
            let (removal, missing) = (step.removal.as_ref()?, step.missing.clone()?);
            let has_data = matches!(removal.loss, Loss::Data(_) | Loss::Images(_) | Loss::Keys(_));
            let words = removal.loss.words().filter(|_| has_data && removal.contents != Contents::Empty)?;
            Some(PlanError::OnlyBecauseMissing { address: step.address.clone(), words, missing })
        };
        if let Some(error) = self.steps().iter().find_map(only_because) {
            return Err(error);
        }
        if let Some((address, by)) = self.schedule.in_the_way.clone() {
            return Err(PlanError::InTheWay { address, by });
        }
        if let Some(address) = self.schedule.name_retained.clone() {
            return Err(PlanError::NameRetained { address });
        }
        // A new object of the same name has the same outputs, and not the part.
        let unselected = state.objects().filter(|(address, _)| !self.selection.contains(address.as_str()));
        let wanted: Vec<(&Address, Value)> = match self.steps().iter().any(has_parts) {
            false => Vec::new(),
            true => self
                .steps()
                .iter()
                .filter_map(|step| Some((&step.address, state.resolve(step.desired()?))))
                .chain(unselected.map(|(address, object)| (address, object.properties.clone())))
                .collect(),
        };
        for step in self.steps() {
            let Some(Removal { contents: Contents::Some { parts, .. }, .. }) = &step.removal else {
                continue;
            };
            for part in parts {
                let uses = |(address, desired): &&(&Address, Value)| {
                    **address != step.address && references::names(desired, part)
                };
                if let Some((user, _)) = wanted.iter().find(uses) {
                    let (address, by) = (step.address.clone(), (*user).clone());
                    return Err(PlanError::PartInUse { address, part: part.clone(), by });
                }
            }
        }
        Ok(())
    }

    /// A copy can be read only while the key that encrypts it is there: a key that something depends on which stays, or of
    /// which a copy stays, stays too.
    fn keep_keys(&mut self, state: &State) {
        let stays = |step: &&Step| step.removal.as_ref().is_some_and(|removal| removal.fate != Fate::Lost);
        let object = |step: &Step| state.slot(step.address.as_str())?.object(step.existing()?.seq);
        let needed: HashSet<Address> = self
            .steps()
            .iter()
            .filter(stays)
            .filter_map(object)
            .flat_map(|object| object.dependencies.iter().cloned())
            .collect();
        for step in self.steps_mut() {
            if let Some(removal) = &mut step.removal
                && matches!(removal.loss, Loss::Keys(_))
                && needed.contains(&step.address)
            {
                removal.fate = Fate::Retained;
            }
        }
    }
}

fn has_parts(step: &Step) -> bool {
    let parts =
        |removal: &Removal| matches!(&removal.contents, Contents::Some { parts, .. } if !parts.is_empty());
    step.removal.as_ref().is_some_and(parts)
}
