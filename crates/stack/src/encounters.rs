//! What a plan says of objects that are there already, and that it takes over.

use engine::Encounter;

use crate::shortened::cut;

/// So much of an id is shown.
const ID: usize = 90;

/// Whether nothing of it is changed.
pub(crate) fn is_plain(met: &Encounter) -> bool {
    met.changes.is_empty() && met.refused.is_none()
}

/// Behind the address and the kind of the resource.
pub(crate) fn note(met: &Encounter) -> String {
    let id = met.id.as_deref().map_or_else(String::new, |id| format!(" ({})", cut(id, ID)));
    let becomes = if met.refused.is_some() { "cannot be adopted" } else { "is adopted" };
    format!("  is there already{id} and {becomes}")
}
