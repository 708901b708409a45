//! Listeners.

use serde::Deserialize;
use serde_json::{Value, json};

use super::actions::{self, At};
use super::attributes::{self, Pair};
use super::pages::page;
use super::records::{Action, Certificate, Listener, MutualAuthentication, Rule, Security};
use super::{State, arns, invalid, shown, tags, tls};
use crate::services::{Answer, Call, Cx, Refusal, Tag, ensure, refuse_if};

/// AWS General Reference, "Elastic Load Balancing endpoints and quotas": listeners for an application load balancer.
const MOST: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    load_balancer_arn: String,
    protocol: Option<String>,
    port: Option<u16>,
    ssl_policy: Option<String>,
    certificates: Option<Vec<Certificate>>,
    default_actions: Vec<Action>,
    #[serde(default)]
    tags: Vec<Tag>,
    mutual_authentication: Option<MutualAuthentication>,
}

/// Application load balancers listen for HTTP and HTTPS.
fn check_protocol(protocol: &str) -> Result<(), Refusal> {
    match protocol {
        "HTTP" | "HTTPS" => Ok(()),
        other => Err(Refusal::new(
            "UnsupportedProtocol",
            format!("Protocol '{other}' is not supported for application load balancers"),
        )),
    }
}

impl State {
    /// A listener with the actions of its default rule.
    fn show_listener(&self, listener: &Listener) -> Value {
        let mut value = shown(listener);
        value["DefaultActions"] = shown(&self.default_actions(listener));
        value
    }

    fn default_actions(&self, listener: &Listener) -> &[Action] {
        self.rules.get(&listener.default_rule_arn).map_or(&[], |rule| &rule.actions)
    }

    fn listener_at(&self, load_balancer_arn: &str, port: u16) -> Option<&Listener> {
        let mut listeners = self.listeners.values();
        listeners.find(|other| other.load_balancer_arn == load_balancer_arn && other.port == port)
    }
}

fn duplicate(port: u16) -> Refusal {
    Refusal::new(
        "DuplicateListener",
        format!("A listener already exists on port {port} for this load balancer"),
    )
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Create = call.input()?;
    let state = &cx.r.elbv2;
    let load_balancer = arns::find(cx.region, &state.load_balancers, &given.load_balancer_arn)?;
    let path = load_balancer.path().to_owned();
    let protocol = given.protocol.ok_or_else(|| invalid("A listener protocol must be specified"))?;
    check_protocol(&protocol)?;
    let port = given.port.ok_or_else(|| invalid("A listener port must be specified"))?;
    let security = tls::Given {
        certificates: given.certificates,
        ssl_policy: given.ssl_policy,
        mutual_authentication: given.mutual_authentication,
    };
    let security = tls::secured(cx.region, &protocol, security, &Security::default())?;
    let tags = tags::read(given.tags)?;
    let actions = actions::completed(given.default_actions, &At { protocol: &protocol, port })?;
    state.check_forwarding(cx.region, &actions, &given.load_balancer_arn)?;
    let mut listener = Listener {
        listener_arn: String::new(),
        load_balancer_arn: given.load_balancer_arn,
        port,
        security,
        default_rule_arn: String::new(),
        attributes: attributes::of_listener(protocol == "HTTPS").defaults(),
        protocol,
        tags,
    };
    if let Some(existing) = state.listener_at(&listener.load_balancer_arn, port) {
        // API Reference, CreateListener: "If you attempt to create multiple listeners with the same settings, each call
        // succeeds."
        let same = (&existing.protocol, &existing.security, &existing.tags)
            == (&listener.protocol, &listener.security, &listener.tags)
            && state.default_actions(existing) == actions;
        ensure(same, || duplicate(port))?;
        return Ok(json!({"Listeners": [state.show_listener(existing)]}));
    }
    let siblings = state.listeners.values().filter(|l| l.load_balancer_arn == listener.load_balancer_arn);
    if siblings.count() >= MOST {
        let message = format!("A load balancer can have {MOST} listeners at most");
        return Err(Refusal::new("TooManyListeners", message));
    }
    name(cx, &mut listener, &path);
    let state = &mut cx.r.elbv2;
    let rule = Rule {
        rule_arn: listener.default_rule_arn.clone(),
        priority: "default".to_owned(),
        conditions: Vec::new(),
        actions,
        is_default: true,
        listener_arn: listener.listener_arn.clone(),
        tags: Default::default(),
    };
    state.rules.insert(rule.rule_arn.clone(), rule);
    state.listeners.insert(listener.listener_arn.clone(), listener.clone());
    state.relink();
    Ok(json!({"Listeners": [state.show_listener(&listener)]}))
}

/// Gives a new listener and its default rule their ARNs.
fn name(cx: &mut Cx<'_>, listener: &mut Listener, load_balancer_path: &str) {
    let arn_id = cx.r.elbv2.arn_id();
    let resource = format!("listener/{load_balancer_path}/{arn_id}");
    listener.listener_arn = cx.arn("elasticloadbalancing", &resource);
    let arn_id = cx.r.elbv2.arn_id();
    let resource = format!("listener-rule/{}/{arn_id}", listener.path());
    listener.default_rule_arn = cx.arn("elasticloadbalancing", &resource);
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    load_balancer_arn: Option<String>,
    #[serde(default)]
    listener_arns: Vec<String>,
    marker: Option<String>,
    page_size: Option<usize>,
}

pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Describe = call.input()?;
    let state = &cx.r.elbv2;
    match (&given.load_balancer_arn, given.listener_arns.as_slice()) {
        (Some(arn), []) => arns::find(cx.region, &state.load_balancers, arn).map(drop)?,
        (None, [_, ..]) => {}
        _ => return Err(invalid("You must specify either listener ARNs or a load balancer ARN")),
    }
    for arn in &given.listener_arns {
        arns::find(cx.region, &state.listeners, arn)?;
    }
    let wanted = |listener: &&Listener| match &given.load_balancer_arn {
        Some(arn) => listener.load_balancer_arn == *arn,
        None => given.listener_arns.contains(&listener.listener_arn),
    };
    let all = state.listeners.values().filter(wanted).collect();
    let arn = |listener: &Listener| listener.listener_arn.clone();
    let (page, next) = page(all, arn, given.marker.as_deref(), given.page_size)?;
    let page: Vec<Value> = page.into_iter().map(|listener| state.show_listener(listener)).collect();
    Ok(json!({"Listeners": page, "NextMarker": next}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Modify {
    listener_arn: String,
    port: Option<u16>,
    protocol: Option<String>,
    ssl_policy: Option<String>,
    certificates: Option<Vec<Certificate>>,
    default_actions: Option<Vec<Action>>,
    mutual_authentication: Option<MutualAuthentication>,
}

/// API Reference, ModifyListener: properties that are not specified stay, but for the certificate and the policy when
/// the protocol becomes HTTP.
pub(super) fn modify(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Modify = call.input()?;
    let state = &cx.r.elbv2;
    let mut listener = arns::find(cx.region, &state.listeners, &given.listener_arn)?.clone();
    if let Some(port) = given.port.filter(|port| *port != listener.port) {
        refuse_if(state.listener_at(&listener.load_balancer_arn, port).is_some(), || duplicate(port))?;
        listener.port = port;
    }
    if let Some(protocol) = given.protocol.filter(|protocol| *protocol != listener.protocol) {
        check_protocol(&protocol)?;
        listener.attributes = attributes::of_listener(protocol == "HTTPS").defaults();
        listener.protocol = protocol;
    }
    let security = tls::Given {
        certificates: given.certificates,
        ssl_policy: given.ssl_policy,
        mutual_authentication: given.mutual_authentication,
    };
    listener.security = tls::secured(cx.region, &listener.protocol, security, &listener.security)?;
    let at = At { protocol: &listener.protocol, port: listener.port };
    let actions = match given.default_actions {
        Some(actions) => actions,
        None => state.default_actions(&listener).to_vec(),
    };
    let actions = actions::completed(actions, &at)?;
    state.check_forwarding(cx.region, &actions, &listener.load_balancer_arn)?;
    let state = &mut cx.r.elbv2;
    if let Some(rule) = state.rules.get_mut(&listener.default_rule_arn) {
        rule.actions = actions;
    }
    state.listeners.insert(listener.listener_arn.clone(), listener.clone());
    state.relink();
    Ok(json!({"Listeners": [state.show_listener(&listener)]}))
}

/// Its rules go with it.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let arn: String = call.member("ListenerArn")?;
    let state = &mut cx.r.elbv2;
    arns::find(cx.region, &state.listeners, &arn)?;
    state.listeners.remove(&arn);
    state.rules.retain(|_, rule| rule.listener_arn != arn);
    state.relink();
    Ok(json!({}))
}

pub(super) fn modify_attributes(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (listener_arn, attributes): (String, Vec<Pair>) = call.members(&["ListenerArn", "Attributes"])?;
    let listener = arns::find_mut(cx.region, &mut cx.r.elbv2.listeners, &listener_arn)?;
    let table = attributes::of_listener(listener.is_https());
    let (attributes, _) = table.changed(&listener.attributes, attributes)?;
    listener.attributes = attributes;
    Ok(attributes::answer(&listener.attributes))
}

pub(super) fn describe_attributes(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let listener_arn: String = call.member("ListenerArn")?;
    let listener = arns::find(cx.region, &cx.r.elbv2.listeners, &listener_arn)?;
    Ok(attributes::answer(&listener.attributes))
}

/// The default certificate: there are no others, because AddListenerCertificates is not modelled.
pub(super) fn describe_certificates(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (listener_arn, marker, page_size): (String, Option<String>, Option<usize>) =
        call.members(&["ListenerArn", "Marker", "PageSize"])?;
    let listener = arns::find(cx.region, &cx.r.elbv2.listeners, &listener_arn)?;
    let arn = |certificate: &Certificate| certificate.certificate_arn.clone().unwrap_or_default();
    let (page, next) =
        page(listener.security.certificates.iter().collect(), arn, marker.as_deref(), page_size)?;
    let page: Vec<Value> = page
        .into_iter()
        .map(|found| json!({"CertificateArn": found.certificate_arn, "IsDefault": true}))
        .collect();
    Ok(json!({"Certificates": page, "NextMarker": next}))
}
