//! What a recorded state belongs to.

use engine::State;
use serde_json::Value;

/// The environment that a state's objects are tagged with, if it is another one. States that do not say whose they are,
/// since an earlier version of the program wrote them, are recognised by this.
pub(crate) fn other_environment<'a>(state: &'a State, environment: &str) -> Option<&'a str> {
    if state.stack().is_some() {
        return None;
    }
    let tagged = state.objects().filter_map(|(_, object)| environment_of(&object.properties));
    tagged.into_iter().find(|tagged| *tagged != environment)
}

/// The value of the tag `Environment`, which every configuration gives every object.
fn environment_of(properties: &Value) -> Option<&str> {
    let tags = properties.get("Tags")?;
    if let Some(list) = tags.as_array() {
        let tag = list.iter().find(|tag| tag["Key"] == "Environment")?;
        return tag["Value"].as_str();
    }
    tags.get("Environment")?.as_str()
}
