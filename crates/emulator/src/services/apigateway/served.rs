//! What a stage serves, and what becomes of a request to it on its way to what the integration calls.
//!
//! Requests are not answered here, but where they would go can be asked: it is what makes an API work or not, and no
//! operation of API Gateway shows it. For each request API Gateway
//!
//! - finds the resource: one whose path is the same, before one with a parameter, before a greedy one (API Gateway Developer
//!   Guide, "Set up a proxy integration with a proxy resource"), and its method, before `ANY`;
//! - takes the mapping template for the content type, `application/json` where the request has none, and what
//!   `passthroughBehavior` says where there is none ("Method request behavior for payloads without mapping templates");
//! - calls the integration's URI with its placeholders replaced. **In a private integration the name of the stage goes
//!   before that path**, unless the template overrides it with `$context.requestOverride.path` ("Private integrations for
//!   REST APIs in API Gateway").

use std::collections::BTreeMap;

use serde_json::Value;

use super::State;
use super::records::{CanarySettings, Frozen, Integration, Method, Resource};
use super::template::{self, Rendered};
use crate::machine::emulator::Emulator;
use crate::machine::error::EmulatorError;

impl Emulator {
    /// What a stage of an API of API Gateway serves, if there is such a stage: its deployment, whatever became of the API
    /// since. No operation of API Gateway shows that.
    ///
    /// # Errors
    ///
    /// If state on disk cannot be read. Never in memory.
    pub async fn stage(
        &self,
        region: &str,
        api: &str,
        stage: &str,
    ) -> Result<Option<ServedStage>, EmulatorError> {
        let state = self.state("apigateway", region).await?;
        Ok(state.and_then(|state| State::served(state, api, stage)))
    }
}

/// A request, as a client sends it to a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiRequest<'a> {
    /// The verb.
    pub verb: &'a str,
    /// The path behind the name of the stage, such as `/payments/1`.
    pub path: &'a str,
    /// The media type of the body, if the request says one.
    pub content_type: Option<&'a str>,
    /// The body; empty where there is none.
    pub body: &'a str,
}

/// What API Gateway does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Routed {
    /// It answers by itself, with this status.
    Answered(u16),
    /// It calls what the integration says.
    Sent(IntegrationRequest),
}

/// What API Gateway sends to what an integration calls.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IntegrationRequest {
    /// The verb.
    pub verb: String,
    /// Protocol and host: what the URI of the integration begins with.
    pub host: String,
    /// The path that the target sees.
    pub path: String,
    /// The body that the target sees.
    pub body: String,
    /// The load balancer behind a VPC link.
    pub target: Option<String>,
}

/// What a stage serves.
#[derive(Clone, Debug)]
pub struct ServedStage {
    name: String,
    frozen: Frozen,
    canary: Option<CanarySettings>,
}

impl State {
    /// What a stage serves, from the state of a region as it is kept.
    fn served(state: Value, api: &str, stage: &str) -> Option<ServedStage> {
        let state: State = serde_json::from_value(state).ok()?;
        let tree = state.apis.get(api)?;
        let stage = tree.stages.get(stage)?;
        let frozen = tree.deployments.get(&stage.deployment_id)?.frozen.clone()?;
        Some(ServedStage { name: stage.stage_name.clone(), frozen, canary: stage.canary_settings.clone() })
    }
}

impl ServedStage {
    /// The versions and ciphers of TLS that clients can use.
    #[must_use]
    pub fn security_policy(&self) -> &str {
        &self.frozen.security_policy
    }

    /// Whether the API insists on being called by its own name.
    #[must_use]
    pub fn endpoint_access_mode(&self) -> Option<&str> {
        self.frozen.endpoint_access_mode.as_deref()
    }

    /// How much of the requests another deployment gets, in per cent.
    #[must_use]
    pub fn canary_percent(&self) -> Option<f64> {
        self.canary.as_ref().map(|canary| canary.percent_traffic)
    }

    /// What becomes of a request. Neither keys nor limits are looked at.
    #[must_use]
    pub fn route(&self, request: &ApiRequest<'_>) -> Routed {
        let Some((method, parameters)) = self.method(request) else {
            // "Missing Authentication Token": what is not there is forbidden.
            return Routed::Answered(403);
        };
        match &method.method_integration {
            None => Routed::Answered(500),
            Some(integration) => self.integrate(integration, &parameters, request),
        }
    }

    /// The method of a request, and the parameters in its path.
    fn method(&self, request: &ApiRequest<'_>) -> Option<(&Method, BTreeMap<String, String>)> {
        let fitting = self.frozen.resources.iter().filter_map(|resource| {
            let parameters = fit(&resource.path, request.path)?;
            Some((specificity(resource), resource, parameters))
        });
        let (_, resource, parameters) = fitting.min_by_key(|(specificity, _, _)| *specificity)?;
        let methods = &resource.resource_methods;
        let method = methods.get(request.verb).or_else(|| methods.get("ANY"))?;
        Some((method, parameters))
    }

    fn integrate(
        &self,
        integration: &Integration,
        parameters: &BTreeMap<String, String>,
        request: &ApiRequest<'_>,
    ) -> Routed {
        let rendered = match template_for(integration, request) {
            Chosen::Refused => return Routed::Answered(415),
            Chosen::AsItIs => Rendered { body: request.body.to_owned(), path: None },
            Chosen::Template(template) => match template::render(template, request, parameters) {
                Ok(rendered) => rendered,
                Err(_) => return Routed::Answered(500),
            },
        };
        let uri = integration.uri.as_deref().unwrap_or_default();
        let host_ends = uri.find("://").map_or(0, |at| at + 3);
        let host_ends = uri[host_ends..].find('/').map_or(uri.len(), |at| host_ends + at);
        let Some(path) = filled(&uri[host_ends..], integration, parameters) else {
            return Routed::Answered(500);
        };
        let stage = match integration.connection_type.as_deref() {
            Some("VPC_LINK") => format!("/{}", self.name),
            _ => String::new(),
        };
        let verb = integration.http_method.as_deref().filter(|verb| *verb != "ANY").unwrap_or(request.verb);
        Routed::Sent(IntegrationRequest {
            verb: verb.to_owned(),
            host: uri[..host_ends].to_owned(),
            path: rendered.path.unwrap_or_else(|| format!("{stage}{path}")),
            body: rendered.body,
            target: integration.integration_target.clone(),
        })
    }
}

/// The parameters by which a path fits that of a resource.
fn fit(resource: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let segments = |text: &str| text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let (wanted, given): (Vec<String>, Vec<String>) = (segments(resource), segments(path));
    let mut parameters = BTreeMap::new();
    for (at, part) in wanted.iter().enumerate() {
        if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix("+}")) {
            let rest = given.get(at..).filter(|rest| !rest.is_empty())?;
            parameters.insert(name.to_owned(), rest.join("/"));
            return Some(parameters);
        }
        let given = given.get(at)?;
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => drop(parameters.insert(name.to_owned(), given.clone())),
            None if part == given => {}
            None => return None,
        }
    }
    (wanted.len() == given.len()).then_some(parameters)
}

/// Less is more specific.
fn specificity(resource: &Resource) -> usize {
    match (resource.path.contains("+}"), resource.path.contains('{')) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    }
}

/// What is done with the body of a request.
enum Chosen<'a> {
    Template(&'a str),
    AsItIs,
    Refused,
}

fn template_for<'a>(integration: &'a Integration, request: &ApiRequest<'_>) -> Chosen<'a> {
    // Parameters of a media type, such as a charset, are no part of it (RFC 9110, 8.3.1).
    let kind = request.content_type.and_then(|kind| kind.split(';').next()).map(str::trim);
    let kind = kind.unwrap_or("application/json");
    let templates = integration.request_templates.iter().flatten();
    let found = templates.clone().find(|(name, _)| name.eq_ignore_ascii_case(kind));
    match (found, integration.passthrough_behavior.as_str()) {
        (Some((_, template)), _) => Chosen::Template(template),
        (None, "NEVER") => Chosen::Refused,
        (None, "WHEN_NO_TEMPLATES") if templates.count() > 0 => Chosen::Refused,
        (None, _) => Chosen::AsItIs,
    }
}

/// A path with its placeholders replaced, each by what is mapped to it.
fn filled(path: &str, integration: &Integration, parameters: &BTreeMap<String, String>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        let source =
            integration.request_parameters.as_ref()?.get(&format!("integration.request.path.{name}"))?;
        filled += before;
        filled += parameters.get(source.strip_prefix("method.request.path.")?)?;
        rest = after;
    }
    Some(filled + rest)
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn a_path_fits_that_of_a_resource() {
        assert!(fit("/health", "/health").is_some_and(|found| found.is_empty()));
        assert_eq!(fit("/a/{id}/b", "/a/7/b").unwrap()["id"], "7");
        assert_eq!(fit("/{proxy+}", "/a/b").unwrap()["proxy"], "a/b");
        for (resource, path) in [("/health", "/health/x"), ("/a/{id}", "/a"), ("/{proxy+}", "/")] {
            assert_eq!(fit(resource, path), None, "{resource} {path}");
        }
    }
}
