//! Adopting what somebody else made.

use std::sync::Arc;

use aws::Registry;
use emulator::Emulator;
use engine::{EngineError, ForeignId, Graph, Provider as _, Report, Session, State};

use crate::kept::{Backend, Kept};
use crate::meddle::OURS;
use crate::world::{World, registry, rt};

/// An address and the id of the object that it adopts.
pub(crate) type Wish = (String, String);

/// The account as it is, to somebody who has no state and wants to adopt all that is recorded.
///
/// # Errors
/// Where an object has no id, or the state cannot be read, in words.
pub(crate) fn without_state(mut world: World, backend: Backend) -> Result<World, String> {
    let state = world.look()?.state;
    // Only kinds are asked here, and no call is made.
    world.wishes = wishes(&registry(&Emulator::in_memory(), OURS), &state)?;
    world.kept = rt().block_on(Kept::empty(backend));
    world.project = OURS;
    Ok(world)
}

/// What names every object of a state.
fn wishes(registry: &Registry, state: &State) -> Result<Arc<[Wish]>, String> {
    let wish = |(address, object): (&engine::Address, &engine::Object)| {
        let kind = registry.kind(&object.kind);
        let id = kind.and_then(|kind| kind.facts().import.of(&object.properties, &object.outputs));
        Ok((address.to_string(), id.ok_or_else(|| format!("{address} has no id"))?))
    };
    state.objects().map(wish).collect()
}

/// Adopts all that is not recorded yet, whosever it is. `None` where that is done; otherwise what was not.
pub(crate) async fn adopt(
    session: &Session,
    wanted: &Arc<Graph>,
    wishes: &[Wish],
) -> Result<Option<Report>, EngineError> {
    if wishes.is_empty() {
        return Ok(None);
    }
    let parsed = |(address, id): &Wish| {
        let declared = wanted.get(address)?;
        ForeignId::parse(&declared.address, &declared.facts.import, id)
    };
    let ids: Vec<ForeignId> = wishes.iter().filter_map(parsed).collect();
    let imports = session.examine(Arc::clone(wanted), &ids, true).await?;
    if !imports.refused.is_empty() {
        let not_begun = imports.refused.into_iter().map(|(address, _)| address).collect();
        return Ok(Some(Report { not_begun, ..Report::default() }));
    }
    let report = session.adopt(&imports).await?;
    Ok((!report.is_complete()).then_some(report))
}
