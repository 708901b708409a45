//! A listener: a port of the load balancer, and what happens to requests that no rule is for.
//!
//! The surprise: without a security policy AWS takes one of 2016, which still speaks TLS 1.0. So one is always given. A rule that
//! somebody has added can come before all of ours and send requests anywhere, so that it is drift, and an update deletes it. So are
//! attributes by which a listener renames headers of requests, and adds or replaces headers of responses, such as
//! `Strict-Transport-Security`: none is declared (see [`super::attributes`]).

use async_trait::async_trait;
use aws::{CallResult, Called, Context, Tags, converge, port_or_zero, required};
use aws_sdk_elasticloadbalancingv2::types::{
    Certificate as LiveCertificate, Listener as Live, ListenerAttribute, ProtocolEnum, Rule as LiveRule,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, Foreseen, ImportId, Intent, Listed, Loss,
    Named, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times, Wish,
};
use serde::{Deserialize, Serialize};

use super::ListenerRule;
use super::action::{self, Action};
use super::attributes::{added, of_listener, taken_back};
use super::elb::{Attribute, elb, retag, tag, tags_of, taken};
use super::security_policy;
use crate::{ListenerArn, LoadBalancerArn};

/// The properties of a listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Listener<S: Stage = Declared> {
    /// The load balancer. Its ARN is enough: it need not be active yet.
    pub load_balancer_arn: S::Of<LoadBalancerArn>,
    /// The port, on which there can be one listener.
    pub port: u16,
    /// `HTTP` or `HTTPS`.
    pub protocol: String,
    /// Which versions and ciphers of TLS it speaks. Only for HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<String>,
    /// The certificate that it shows. Only for HTTPS, and exactly one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
    /// What happens to requests that no rule is for.
    pub default_actions: Vec<Action<S>>,
    /// Rules that somebody has added. Never declared: each rule of ours is a resource of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<AddedRule>,
    /// Attributes that somebody has set. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listener_attributes: Vec<Attribute<Resolved>>,
    /// What people see.
    pub tags: Tags,
}

/// A rule that somebody has added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AddedRule {
    /// Its place: the smallest number decides first.
    pub priority: u32,
    /// Its ARN.
    pub rule_arn: String,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Certificate {
    /// Its ARN in ACM.
    pub certificate_arn: String,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListenerOutputs<S: Stage> {
    /// The ARN.
    pub listener_arn: S::Of<ListenerArn>,
}

impl Declares for Listener<Declared> {
    type Resolved = Listener<Resolved>;
}

async fn by_arn(cx: &Context, arn: &ListenerArn) -> Result<Option<Live>, CallError> {
    let answer = elb(cx).describe_listeners().listener_arns(arn.as_str()).send().await;
    let answer = answer.called("DescribeListeners").if_exists()?;
    Ok(answer.and_then(|answer| answer.listeners.unwrap_or_default().into_iter().next()))
}

/// The rules that are not ours.
async fn added_rules(cx: &Context, listener: &ListenerArn) -> Result<Vec<AddedRule>, CallError> {
    let request = elb(cx).describe_rules().listener_arn(listener.as_str());
    let rules = request.into_paginator().items().send();
    let rules: Vec<LiveRule> =
        rules.try_collect().await.called("DescribeRules").if_exists()?.unwrap_or_default();
    let ours = cx.ours::<ListenerRule<Resolved>>();
    let is_ours = |priority: u32| {
        let mut ours = ours.iter().filter(|rule| rule.properties.listener_arn == *listener);
        ours.any(|rule| rule.properties.priority == priority)
    };
    let is_recorded = |arn: &str| {
        ours.iter().filter_map(|rule| rule.outputs.as_ref()).any(|rule| rule.rule_arn.as_str() == arn)
    };
    let rule = |rule: &LiveRule| {
        // The rule for all the others has no number.
        let priority = rule.priority()?.parse().ok()?;
        let rule_arn = rule.rule_arn()?.to_owned();
        (!is_ours(priority) && !is_recorded(&rule_arn)).then_some(AddedRule { priority, rule_arn })
    };
    let mut added: Vec<AddedRule> = rules.iter().filter_map(rule).collect();
    added.sort_by_key(|rule| rule.priority);
    Ok(added)
}

/// The attributes that somebody has set.
async fn added_attributes(
    cx: &Context,
    listener: &ListenerArn,
) -> Result<Vec<Attribute<Resolved>>, CallError> {
    let request = elb(cx).describe_listener_attributes().listener_arn(listener.as_str());
    let answer = request.send().await.called("DescribeListenerAttributes").if_exists()?;
    let live = answer.and_then(|answer| answer.attributes).unwrap_or_default();
    Ok(added(&[], live.iter().map(|live| (live.key(), live.value())), of_listener))
}

fn outputs(live: &Live, operation: &str) -> Result<ListenerOutputs<Resolved>, CallError> {
    let arn = required(live.listener_arn(), operation, "ListenerArn")?;
    Ok(ListenerOutputs { listener_arn: arn.into() })
}

impl Listener<Resolved> {
    /// The listener on this port.
    async fn there(&self, cx: &Context) -> Result<Option<Live>, CallError> {
        let request = elb(cx).describe_listeners().load_balancer_arn(self.load_balancer_arn.as_str());
        let listeners = request.into_paginator().items().send();
        let listeners: Vec<Live> =
            listeners.try_collect().await.called("DescribeListeners").if_exists()?.unwrap_or_default();
        Ok(listeners.into_iter().find(|listener| listener.port() == Some(i32::from(self.port))))
    }

    fn certificates(&self) -> Option<Vec<LiveCertificate>> {
        let certificate = |certificate: &Certificate| {
            LiveCertificate::builder().certificate_arn(&certificate.certificate_arn).build()
        };
        let certificates: Vec<_> = self.certificates.iter().map(certificate).collect();
        Some(certificates).filter(|certificates| !certificates.is_empty())
    }
}

#[async_trait]
impl Resource for Listener<Resolved> {
    const KIND: &'static str = "AWS::ElasticLoadBalancingV2::Listener";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["LoadBalancerArn"]),
        lists: &[Listed::TAGS, Listed { path: "ListenerAttributes", key: "Key" }],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { own_properties: &["Rules"], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["ListenerArn"],
            words: "the ARN of the listener",
            example: "arn:aws:elasticloadbalancing:ap-southeast-1:123456789012:listener/app/payment-alb-dev/0123456789abcdef/fedcba9876543210",
        },
        reads: Reads { least: 4, most: 4, together: Some("DescribeListeners") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &["ListenerAttributes", "Rules"];
    type Context = Context;
    type Declared = Listener<Declared>;
    type Outputs<S: Stage> = ListenerOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{} {}", self.load_balancer_arn, self.port))
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<ListenerOutputs<Resolved>>, CallError> {
        let Some(live) = self.there(cx).await? else { return Ok(None) };
        let outputs = outputs(&live, "DescribeListeners")?;
        let Some(tags) = tags_of(cx, outputs.listener_arn.as_str()).await.if_exists()? else {
            return Ok(None);
        };
        let what = format!("the listener on port {} of {}", self.port, self.load_balancer_arn);
        cx.adopt(&what, &tags, search)?;
        Ok(Some(outputs))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<ListenerOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateListener";
        if self.there(cx).await?.is_some() {
            return Err(taken(OPERATION, &format!("a listener on port {}", self.port)));
        }
        let request = elb(cx)
            .create_listener()
            .load_balancer_arn(self.load_balancer_arn.as_str())
            .port(i32::from(self.port))
            .protocol(ProtocolEnum::from(self.protocol.as_str()))
            .set_ssl_policy(self.ssl_policy.clone())
            .set_certificates(self.certificates())
            .set_default_actions(Some(action::for_call(&self.default_actions)))
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request.send().await.called(OPERATION)?;
        let made = answer.listeners.unwrap_or_default().into_iter().next();
        outputs(&required(made, OPERATION, "Listeners")?, OPERATION)
    }

    async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        security_policy::foresee(cx, wish).await
    }

    async fn configure(&self, cx: &Context, outputs: &ListenerOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &ListenerOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = by_arn(cx, &outputs.listener_arn).await? else { return Ok(None) };
        let Some(tags) = tags_of(cx, outputs.listener_arn.as_str()).await.if_exists()? else {
            return Ok(None);
        };
        let certificates = live.certificates().iter().filter_map(|certificate| certificate.certificate_arn());
        Ok(Some(Self {
            load_balancer_arn: live.load_balancer_arn().unwrap_or_default().into(),
            port: port_or_zero(live.port),
            protocol: live.protocol().map(|protocol| protocol.as_str().to_owned()).unwrap_or_default(),
            certificates: certificates.map(|arn| Certificate { certificate_arn: arn.to_owned() }).collect(),
            default_actions: action::from_live(live.default_actions()),
            rules: added_rules(cx, &outputs.listener_arn).await?,
            listener_attributes: added_attributes(cx, &outputs.listener_arn).await?,
            ssl_policy: live.ssl_policy,
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &ListenerOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<ListenerOutputs<Resolved>, CallError> {
        let arn = outputs.listener_arn.as_str();
        for rule in changed.before.rules.iter().filter(|_| changed.has("Rules")) {
            let request = elb(cx).delete_rule().rule_arn(&rule.rule_arn);
            request.send().await.called("DeleteRule").map(drop).gone_is_ok()?;
        }
        let back = taken_back(&changed.before.listener_attributes, &self.listener_attributes, of_listener);
        if !back.is_empty() {
            let attribute = |attribute: &Attribute<Resolved>| {
                ListenerAttribute::builder().key(&attribute.key).value(&attribute.value).build()
            };
            let request = elb(cx).modify_listener_attributes().listener_arn(arn);
            let request = request.set_attributes(Some(back.iter().map(attribute).collect()));
            request.send().await.called("ModifyListenerAttributes")?;
        }
        let is_told = |name: &String| !matches!(name.as_str(), "ListenerAttributes" | "Tags" | "Rules");
        if changed.properties.iter().any(is_told) {
            // What is not sent stays. From HTTPS to HTTP, AWS drops policy and certificate by itself.
            let given = |name: &str| changed.has(name);
            let request = elb(cx)
                .modify_listener()
                .listener_arn(arn)
                .set_port(given("Port").then_some(i32::from(self.port)))
                .set_protocol(given("Protocol").then(|| ProtocolEnum::from(self.protocol.as_str())))
                .set_ssl_policy(self.ssl_policy.clone().filter(|_| given("SslPolicy")))
                .set_certificates(self.certificates().filter(|_| given("Certificates")))
                .set_default_actions(
                    given("DefaultActions").then(|| action::for_call(&self.default_actions)),
                );
            request.send().await.called("ModifyListener")?;
        }
        retag(cx, arn, &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &ListenerOutputs<Resolved>) -> Result<(), CallError> {
        let request = elb(cx).delete_listener().listener_arn(outputs.listener_arn.as_str());
        request.send().await.called("DeleteListener").map(drop).gone_is_ok()
    }
}
