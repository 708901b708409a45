//! The stack's outputs, and the API's key, which is a secret and recorded nowhere.

use std::collections::BTreeMap;

use engine::{ErrorClass, State, visible, visible_json};
use serde_json::{Value, json};

use crate::advice::Advisor;
use crate::codes::Code;
use crate::config::closest;
use crate::exit::{Exit, Failure};
use crate::output::{Lines, note, print, print_json, print_value};
use crate::render;
use crate::run::Work;

/// The id of the API's key, which is recorded; its value is not.
pub(crate) fn api_key_id(state: &State) -> Result<apigw::ApiKeyId, Failure> {
    let exports = state.exports();
    let id = exports.get("apiKeyId").and_then(Value::as_str).map(apigw::ApiKeyId::from);
    id.ok_or_else(|| {
        Failure::new(Exit::Configuration, "there is no API key here")
            .hint("`stack up` makes one, with the API")
            .coded(Code::NothingRecorded)
    })
}

/// Asks AWS for the API's key.
pub(crate) async fn fetch_api_key(
    context: &aws::Context,
    id: &apigw::ApiKeyId,
) -> Result<apigw::ApiKeyValue, Failure> {
    apigw::api_key_value(context, id).await.map_err(|error| {
        let failure = Failure::from_error(Exit::Failed, &error);
        let advice = Advisor::default().of_call(&error, None);
        let hint = match (error.class, advice.code) {
            (ErrorClass::Conflict, _) => "the state names a key of another stack: restore it from a backup",
            (ErrorClass::NotFound, _) => "the key was deleted outside stack: `stack up` makes a new one",
            (_, Code::Denied) => "the credentials need apigateway:GET on the key",
            _ => return advice.on(failure),
        };
        advice.on(failure.hint(hint))
    })
}

/// What the user has to do before the application runs.
fn next_steps(state: &State) -> Vec<String> {
    let steps = state.exports().get(NEXT_STEPS).and_then(Value::as_array).cloned().unwrap_or_default();
    steps.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The output that is for the person, and no property of the stack.
pub(crate) const NEXT_STEPS: &str = "nextSteps";

/// The outputs of the reference document, in its order.
const MAIN_OUTPUTS: [&str; 6] =
    ["albDnsName", "apiGatewayUrl", "dashboardUrl", "vpcId", "databaseEndpoint", "ecsClusterArn"];

/// The output that is a secret: it is recorded nowhere, and asked for when somebody names it.
pub(crate) const API_KEY: &str = "apiKey";

/// The output that is meant, where a name is written otherwise or a slip away from one.
fn similar<'n>(name: &str, names: &[&'n str]) -> Option<&'n str> {
    let plain = |name: &str| {
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let same = names.iter().copied().find(|other| plain(other) == plain(name));
    same.or_else(|| closest(name, names.iter().copied(), (name.len() / 3).min(3)))
}

/// The outputs, without what a choice in the configuration leaves out.
fn shown(state: &State) -> BTreeMap<String, Value> {
    let mut exports = state.exports();
    exports.retain(|name, value| !value.is_null() && name != NEXT_STEPS);
    exports
}

fn table(outputs: &[(&str, &Value)]) -> Lines {
    let width = outputs.iter().map(|(name, _)| visible(name).chars().count()).max().unwrap_or(0);
    let mut lines = Lines::new();
    for (name, value) in outputs {
        lines.line(format!("{:width$} = {}", visible(name), render::value(value)));
    }
    lines
}

impl Work {
    /// What the user has to do next, with commands that can be copied.
    pub(crate) fn steps(&self, state: &State) -> Vec<String> {
        next_steps(state).iter().map(|step| self.with_commands(step)).collect()
    }

    /// The outputs that everybody wants; the others are a command away.
    pub(crate) fn tell_outputs(&self, state: &State) -> Result<(), Failure> {
        let all = shown(state);
        let first: Vec<_> =
            MAIN_OUTPUTS.into_iter().filter_map(|name| Some((name, all.get(name)?))).collect();
        print(&table(&first))?;
        let others = all.len() - first.len();
        if others > 0 {
            note(&format!(
                "{others} more outputs: {}; the API's key: {}",
                self.command("outputs"),
                self.command(&format!("outputs {API_KEY}")),
            ));
        }
        Ok(())
    }

    pub(crate) async fn outputs(&self, name: Option<&str>) -> Result<Exit, Failure> {
        let state = self.recorded().await?;
        let exports = state.exports();
        let Some(name) = name else {
            if state.records == 0 {
                let message = format!("{}: nothing was ever deployed here", self.title());
                return Err(Failure::new(Exit::Configuration, message).coded(Code::NothingRecorded).hint(
                    "`stack up` deploys it; `stack env list` shows the environments that have a state",
                ));
            }
            if self.options.json {
                print_json(&json!(exports))?;
            } else if exports.is_empty() {
                note(&format!("{} has no outputs; {} deploys it", self.title(), self.command("up")));
            } else {
                let all = shown(&state);
                print(&table(&all.iter().map(|(name, value)| (name.as_str(), value)).collect::<Vec<_>>()))?;
            }
            return Ok(Exit::Done);
        };
        if name == API_KEY {
            return self.api_key(&state).await;
        }
        let Some(value) = exports.get(name) else {
            let names: Vec<&str> = exports.keys().map(String::as_str).collect();
            let hint = match similar(name, &names) {
                _ if names.is_empty() => "nothing is deployed here; `stack up` does that".to_owned(),
                Some(similar) => format!("did you mean `{similar}`? `stack outputs` lists all"),
                None => format!("the outputs are: {}", names.join(", ")),
            };
            return Err(Failure::new(Exit::Configuration, format!("there is no output `{name}`"))
                .hint(hint)
                .coded(Code::NothingRecorded));
        };
        match value {
            Value::String(text) if !self.options.json => print_value(text)?,
            value => print_value(&visible_json(&value.to_string()))?,
        }
        Ok(Exit::Done)
    }

    /// Prints the API's key, which AWS is asked for now.
    async fn api_key(&self, state: &State) -> Result<Exit, Failure> {
        let id = api_key_id(state)?;
        let cloud = self.connect().await?;
        let value = fetch_api_key(&cloud.context, &id).await?;
        match self.options.json {
            true => print_json(&json!(value.expose()))?,
            false => print_value(value.expose())?,
        }
        Ok(Exit::Done)
    }
}
