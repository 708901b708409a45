//! What most resources share: bringing a live object to what is wanted.

use engine::{CallError, Change, Changed, ErrorClass, Resource};
use serde_json::Value;

use crate::Context;

/// Brings a live object to what `wanted` says: reads it, and updates the properties that differ.
///
/// This is a resource's `configure` where a create call cannot set everything, or where the object may be one
/// that was adopted. It sends no mutating call where nothing differs, so it is safe to repeat.
///
/// # Errors
/// [`ErrorClass::NotYet`] while the object cannot be seen, which is normal for seconds after its creation;
/// [`ErrorClass::Conflict`] where a property differs that no update can change, so that an adopted object is not
/// the one that is wanted; otherwise as the calls fail.
pub async fn converge<R>(
    wanted: &R,
    cx: &Context,
    outputs: &R::Outputs<engine::Resolved>,
) -> Result<(), CallError>
where
    R: Resource<Context = Context>,
{
    let Some(before) = wanted.read(cx, outputs).await? else {
        let message = "it was created, but cannot be seen yet";
        return Err(CallError::new(ErrorClass::NotYet, format!("reading {}", R::KIND), message));
    };
    let properties = differing(wanted, &before)?;
    if let Some(fixed) = properties.iter().find(|name| R::FACTS.change(name) == Change::Replace) {
        return Err(CallError::conflict(
            format!("adopting {}", R::KIND),
            format!("it exists already, with another {fixed}"),
        ));
    }
    if !properties.is_empty() {
        wanted.update(cx, outputs, &Changed { before, properties }).await?;
    }
    Ok(())
}

fn differing<R: Resource>(wanted: &R, live: &R) -> Result<Vec<String>, CallError> {
    let (Value::Object(wanted), Value::Object(live)) = (data(wanted)?, data(live)?) else {
        return Err(CallError::new(ErrorClass::Invalid, R::KIND, "its properties are not a struct"));
    };
    let names = wanted.keys().chain(live.keys().filter(|name| !wanted.contains_key(*name)));
    let accepted = |name: &String| {
        let both = live.get(name).zip(wanted.get(name));
        both.is_some_and(|(live, wanted)| R::accepts(name, live, wanted).is_some())
    };
    Ok(names.filter(|name| wanted.get(*name) != live.get(*name) && !accepted(name)).cloned().collect())
}

fn data<R: Resource>(properties: &R) -> Result<Value, CallError> {
    serde_json::to_value(properties)
        .map_err(|error| CallError::new(ErrorClass::Invalid, R::KIND, error.to_string()))
}
