//! Whom to ask. The load balancer is found by the stack's outputs and live resources; of one that may not be looked at, as it
//! was deployed. The API, which gets the key, is found by what API Gateway has shown in this run and by nothing else: what was
//! recorded can have been edited.

use alb::resources::{LoadBalancer as Balancer, TargetGroup};
use apigw::LiveApi;
use apigw::resources::{Method, RestApi};
use ecs::resources::Service;
use engine::{CallError, Component as _, ErrorClass, Resolved};
use http::Uri;

use crate::result::{Finding, Verdict};
use crate::security::has_certificate;
use crate::subject::Subject;
use crate::typed::Typed;

/// Whom to ask. Where nobody can be asked, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The load balancer.
    pub load_balancer: Result<LoadBalancer, Unasked>,
    /// The API.
    pub api: Result<Api, Unasked>,
    /// Why the application cannot answer, if there is a reason to know of.
    pub no_application: Option<String>,
}

/// The load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    /// Its root by HTTP: `http://…/`.
    pub http: Uri,
    /// Its root by HTTPS and the name on its certificate, where it has one.
    pub https: Option<(Uri, String)>,
    /// The path that tells the health of a target, such as `/health`.
    pub health_path: String,
}

/// The API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// Its URL with the stage.
    pub url: String,
    /// The same by plain HTTP, where nobody must answer it.
    pub plain_url: String,
}

/// Why the load balancer, the API or something else is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unasked {
    /// There is nobody to ask, and that is meant.
    Skipped(String),
    /// Where it answers could not be read, so that nothing is known of it.
    Unknown(Finding),
}

impl Unasked {
    fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped(reason.into())
    }

    /// Where the API at this address answers cannot be read.
    #[must_use]
    pub fn unread(address: &str, error: &CallError) -> Self {
        let finding = Finding::new(address, "an API that this stack made", error.to_string());
        Self::Unknown(if error.class == ErrorClass::Denied { finding.denied() } else { finding })
    }

    /// What every check says that would have asked.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Skipped(reason) => Verdict::skipped(reason),
            Self::Unknown(finding) => Verdict::Judged(vec![finding.clone()]),
        }
    }
}

impl Endpoints {
    /// The endpoints of a stack on AWS. `live` is where API Gateway says that the API answers.
    #[must_use]
    pub fn of(subject: &Subject, live: &Result<LiveApi, Unasked>) -> Self {
        Self { load_balancer: load_balancer(subject), api: api(subject, live), no_application: idle(subject) }
    }

    /// Nobody can be asked, for this reason.
    #[must_use]
    pub fn unreachable(reason: &str) -> Self {
        Self {
            load_balancer: Err(Unasked::skipped(reason)),
            api: Err(Unasked::skipped(reason)),
            no_application: Some(reason.to_owned()),
        }
    }
}

/// The resources of a kind in one of the payment stack's tiers. A program may have others of them, which answer elsewhere.
fn of_tier<'a, R: engine::Resource>(
    subject: &'a Subject,
    tier: &'a str,
) -> impl Iterator<Item = Typed<'a, R>> {
    subject.of::<R>().filter(move |resource| resource.address().split('/').next() == Some(tier))
}

/// The first of them that exists, as it is known.
fn first<R: engine::Resource>(subject: &Subject, tier: &str) -> Result<Option<R>, Unasked> {
    of_tier::<R>(subject, tier).find_map(|resource| resource.known()).transpose().map_err(Unasked::Unknown)
}

fn load_balancer(subject: &Subject) -> Result<LoadBalancer, Unasked> {
    let Some(name) = subject.output("albDnsName") else {
        return Err(Unasked::skipped("there is no output albDnsName"));
    };
    let live: Option<Balancer<Resolved>> = first(subject, alb::Tier::NAME)?;
    if live.is_some_and(|live| live.scheme == "internal") {
        return Err(Unasked::skipped("the load balancer is private: it has no address outside of its VPC"));
    }
    let uri = |scheme: &str| {
        let no_name = |_| Unasked::skipped(format!("the output albDnsName is no name of a host: {name}"));
        format!("{scheme}://{name}/").parse::<Uri>().map_err(no_name)
    };
    let group: Option<TargetGroup<Resolved>> = first(subject, alb::Tier::NAME)?;
    let health_path = group.map_or_else(|| "/health".to_owned(), |group| group.health_check_path);
    let certified = if has_certificate(subject) { backend_name(subject)? } else { None };
    let https = certified.map(|name| Ok((uri("https")?, name))).transpose()?;
    Ok(LoadBalancer { http: uri("http")?, https, health_path })
}

/// The name on the load balancer's certificate, as the API calls it.
fn backend_name(subject: &Subject) -> Result<Option<String>, Unasked> {
    for method in of_tier::<Method<Resolved>>(subject, apigw::Tier::NAME).filter_map(|method| method.known())
    {
        let integration = method.map_err(Unasked::Unknown)?.integration;
        let uri = integration.as_ref().and_then(|integration| integration.uri.strip_prefix("https://"));
        if let Some(name) = uri.and_then(|uri| uri.split('/').next()) {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

fn api(subject: &Subject, live: &Result<LiveApi, Unasked>) -> Result<Api, Unasked> {
    for api in of_tier::<RestApi>(subject, apigw::Tier::NAME).filter_map(|api| api.known()) {
        if api.map_err(Unasked::Unknown)?.disable_execute_api_endpoint {
            let reason = "`apigw.disable_execute_api_endpoint` closes the API under its own name";
            return Err(Unasked::skipped(reason));
        }
    }
    let live = live.as_ref().map_err(Clone::clone)?;
    let place = format!("{}/{}", live.host(), live.stage());
    Ok(Api { url: format!("https://{place}"), plain_url: format!("http://{place}") })
}

/// Why no task runs, where that is meant. Of a service that cannot be read as one, nobody knows.
fn idle(subject: &Subject) -> Option<String> {
    match of_tier::<Service<Resolved>>(subject, ecs::Tier::NAME).find_map(|service| service.known()) {
        None => Some("there is no service that could run the application".to_owned()),
        Some(Ok(service)) if service.desired_count == 0 => {
            Some("no task is to run: `ecs.image` is not set, or the service is scaled to none".to_owned())
        }
        Some(_) => None,
    }
}
