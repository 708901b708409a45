//! What references become in a plan: the outputs that are known and stay what they are.

use serde_json::Value;

use super::Planner;
use crate::address::Address;
use crate::plan_error::PlanError;
use crate::references::{self, Found};
use crate::state::{Object, Phase};
use crate::step::Action;

impl Planner<'_> {
    /// The declared properties with the outputs that are known and stay what they are.
    pub(super) fn resolve(&self, node: usize) -> Result<Value, PlanError> {
        let declaration = &self.graph.nodes()[node];
        let refused = std::cell::RefCell::new(None);
        let resolved = references::resolve(&declaration.properties, &|found| {
            let output = self.output(&declaration.address, found);
            output.unwrap_or_else(|error| {
                refused.borrow_mut().get_or_insert(error);
                None
            })
        });
        refused.into_inner().map_or(Ok(resolved), Err)
    }

    /// An output that `from` refers to, as far as it is known now and stays what it is.
    fn output(&self, from: &Address, found: Found<'_>) -> Result<Option<Value>, PlanError> {
        let Some(to) = self.graph.position(found.address) else { return Ok(None) };
        let Some(step) = self.by_node[to].map(|position| &self.steps[position]) else {
            return self.output_of_unselected(from, &self.graph.nodes()[to].address, found).map(Some);
        };
        let phase = step.existing().map(|existing| existing.phase);
        let stays = match (&step.action, phase) {
            // Until it is ready, only what its creation gave is known.
            (Action::Unchanged | Action::Update, Some(Phase::Creating)) => {
                found.early && !self.is_volatile(&step.kind, found.attr)
            }
            (Action::Unchanged, Some(Phase::Ready)) => true,
            (Action::Unchanged | Action::Update, _) => !self.is_volatile(&step.kind, found.attr),
            (Action::Create | Action::Replace { .. } | Action::Delete, _) => false,
        };
        if stays { self.recorded_output(from, found).map(Some) } else { Ok(None) }
    }

    fn is_volatile(&self, kind: &str, attr: &str) -> bool {
        self.provider.kind(kind).is_some_and(|kind| kind.volatile().contains(&attr))
    }

    fn recorded_output(&self, from: &Address, found: Found<'_>) -> Result<Value, PlanError> {
        let output = self.state.output(found.address, found.attr).cloned();
        output.ok_or_else(|| PlanError::MissingOutput {
            from: from.clone(),
            address: found.address.to_owned(),
            attr: found.attr.to_owned(),
        })
    }

    /// An output of a resource that this plan leaves as it is: what is recorded of it must be final.
    fn output_of_unselected(
        &self,
        from: &Address,
        needs: &Address,
        found: Found<'_>,
    ) -> Result<Value, PlanError> {
        let final_without_it = |object: &&Object| {
            let stays = !self.is_volatile(&object.kind, found.attr);
            match object.phase {
                Phase::Ready => true,
                Phase::Creating => found.early && stays,
                Phase::Changing => stays,
                Phase::Broken => false,
            }
        };
        let object = self.state.current(needs.as_str());
        let refused = |is_unfinished| PlanError::NotSelected {
            from: from.clone(),
            needs: needs.clone(),
            is_unfinished,
        };
        let object = object.ok_or_else(|| refused(false))?;
        Some(object).filter(final_without_it).ok_or_else(|| refused(true))?;
        self.recorded_output(from, found)
    }
}
