//! What most resources share: bringing a live object to what is wanted.

use engine::{CallError, Caller as _, Change, Changed, CreateOnly, ErrorClass, Facts, Resource};
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
    let before: R = data(&before).and_then(|live| typed(left_alone::<R>(cx, live)))?;
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
    // What others have added to an object that was found may be our own, of which an old state does not know: the next plan does.
    let is_compared = |name: &&String| {
        let name = name.as_str();
        !(R::CLOSED.contains(&name) && R::FACTS.template.own_properties.contains(&name))
    };
    let names = wanted.keys().chain(live.keys().filter(|name| !wanted.contains_key(*name)));
    let names = names.filter(is_compared);
    let accepted = |name: &String| {
        let both = live.get(name).zip(wanted.get(name));
        both.is_some_and(|(live, wanted)| R::accepts(name, live, wanted).is_some())
    };
    Ok(names.filter(|name| wanted.get(*name) != live.get(*name) && !accepted(name)).cloned().collect())
}

/// The live properties without what others may set, and without the tags that say whose the object is: that they are there has
/// been asked before.
fn left_alone<R: Resource>(cx: &Context, mut live: Value) -> Value {
    let unmarked = Facts { create_only: CreateOnly::Everything, ..R::FACTS };
    cx.left_alone(&unmarked, &mut live);
    live
}

fn typed<R: Resource>(live: Value) -> Result<R, CallError> {
    R::deserialize(live).map_err(|error| CallError::new(ErrorClass::Invalid, R::KIND, error.to_string()))
}

fn data<R: Resource>(properties: &R) -> Result<Value, CallError> {
    serde_json::to_value(properties)
        .map_err(|error| CallError::new(ErrorClass::Invalid, R::KIND, error.to_string()))
}
