//! Whom to ask. The load balancer is found by the stack's outputs and live resources; of one that may not be looked at, as it
//! was deployed. The API, which gets the key, is found by what API Gateway has shown in this run and by nothing else: what was
//! recorded can have been edited.

use apigw::LiveApi;
use engine::{CallError, ErrorClass};
use http::Uri;
use serde_json::Value;

use crate::result::Finding;
use crate::security::{REST_API, has_certificate};
use crate::subject::{Resource, Subject, text};

/// Whom to ask. Where nobody can be asked, why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The load balancer.
    pub load_balancer: Result<LoadBalancer, String>,
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

/// Why the API is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unasked {
    /// There is nobody to ask, and that is meant.
    Skipped(String),
    /// AWS did not show where it answers, so that nothing is known of it.
    Unknown(Finding),
}

impl Unasked {
    /// Where the API at this address answers cannot be read.
    #[must_use]
    pub fn unread(address: &str, error: &CallError) -> Self {
        let finding = Finding::new(address, "an API that this stack made", error.to_string());
        Self::Unknown(if error.class == ErrorClass::Denied { finding.denied() } else { finding })
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
            load_balancer: Err(reason.to_owned()),
            api: Err(Unasked::Skipped(reason.to_owned())),
            no_application: Some(reason.to_owned()),
        }
    }
}

fn load_balancer(subject: &Subject) -> Result<LoadBalancer, String> {
    let Some(name) = subject.output("albDnsName") else {
        return Err("there is no output albDnsName".to_owned());
    };
    let live = subject.of(&["AWS::ElasticLoadBalancingV2::LoadBalancer"]).find_map(Resource::known);
    if live.is_some_and(|live| text(live, "Scheme") == "internal") {
        return Err("the load balancer is private: it has no address outside of its VPC".to_owned());
    }
    let uri = |scheme: &str| {
        let text = format!("{scheme}://{name}/");
        text.parse::<Uri>().map_err(|_| format!("the output albDnsName is no name of a host: {name}"))
    };
    let groups = subject.of(&["AWS::ElasticLoadBalancingV2::TargetGroup"]);
    let path = groups.filter_map(|group| group.known()?["HealthCheckPath"].as_str()).next();
    let https = match has_certificate(subject).then(|| backend_name(subject)).flatten() {
        Some(certified) => Some((uri("https")?, certified)),
        None => None,
    };
    Ok(LoadBalancer { http: uri("http")?, https, health_path: path.unwrap_or("/health").to_owned() })
}

/// The name on the load balancer's certificate, as the API calls it.
fn backend_name(subject: &Subject) -> Option<String> {
    let mut methods = subject.of(&["AWS::ApiGateway::Method"]).filter_map(Resource::known);
    methods.find_map(|method| {
        let uri = text(&method["Integration"], "Uri").strip_prefix("https://")?;
        uri.split('/').next().map(str::to_owned)
    })
}

fn api(subject: &Subject, live: &Result<LiveApi, Unasked>) -> Result<Api, Unasked> {
    let closed = |api: &Value| api["DisableExecuteApiEndpoint"] == Value::Bool(true);
    if subject.of(&[REST_API]).filter_map(Resource::known).any(closed) {
        let reason = "`apigw.disable_execute_api_endpoint` closes the API under its own name";
        return Err(Unasked::Skipped(reason.to_owned()));
    }
    let live = live.as_ref().map_err(Clone::clone)?;
    let place = format!("{}/{}", live.host(), live.stage());
    Ok(Api { url: format!("https://{place}"), plain_url: format!("http://{place}") })
}

/// Why no task runs, where that is meant.
fn idle(subject: &Subject) -> Option<String> {
    let live = subject.of(&["AWS::ECS::Service"]).find_map(Resource::known);
    let Some(live) = live else {
        return Some("there is no service that could run the application".to_owned());
    };
    let none = live["DesiredCount"] == 0;
    none.then(|| "no task is to run: `ecs.image` is not set, or the service is scaled to none".to_owned())
}
