//! A web ACL: the rules by which WAF lets requests through to what it stands before.
//!
//! The surprises: a change needs the lock token of the state that it changes, so each one reads first, and one that was
//! overtaken is made again; a change replaces everything, not only what it mentions; and what is new cannot be
//! associated with anything for a while.
//!
//! Because a change replaces everything, it sends back what is in the live web ACL and has no property here: bodies of
//! custom responses, settings of CAPTCHA, challenges and tokens, of associated resources, of data protection and of
//! protection against DDoS. None of them changes what our rules do, and so none is drift. The same holds for the rule
//! that Shield Advanced adds to a web ACL in front of what it protects: without it, there is no automatic mitigation
//! (Shield Advanced Developer Guide, "Protecting the application layer with the Shield Advanced rule group"). Firewall
//! Manager's groups of rules are no part of the call. Every other rule that somebody adds or changes is drift, also where
//! only its answer, its labels or its CAPTCHA settings are other ones.
//!
//! There are no states: a web ACL exists or it does not. `WAFUnavailableEntityException` right after the creation means
//! wait, and so does `WAFAssociatedItemException` while it is being deleted.

use async_trait::async_trait;
use aws_sdk_wafv2::types::{
    AllowAction, BlockAction, DefaultAction as LiveDefault, Rule as LiveRule, Scope, WebAcl as Live,
};
use engine::{
    CallError, Changed, CreateOnly, Declares, ErrorClass, Facts, ImportId, Intent, Listed, Loss, Named,
    Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::web_acl_rule::{VisibilityConfig, WebAclRule, is_of_shield};
use crate::error::{CallResult, Called, required};
use crate::waf::{OfWaf, retag, tag, tags_of, waf};
use crate::{Context, Tags, WebAclArn, WebAclId, converge, in_order_of};

/// The properties of a web ACL. It refers to nothing, so one struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct WebAcl {
    /// Its name, unique in account and region.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// `REGIONAL`: for load balancers and APIs.
    pub scope: String,
    /// What happens to a request that no rule decides about.
    pub default_action: DefaultAction,
    /// The rules.
    pub rules: Vec<WebAclRule>,
    /// What is measured of the whole.
    pub visibility_config: VisibilityConfig,
    /// What people see.
    pub tags: Tags,
}

/// What happens to a request that no rule decides about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefaultAction {
    /// It goes on.
    Allow {},
    /// It is answered with 403.
    Block {},
    /// Anything else, which somebody set by hand: it is shown, and never sent.
    Other {},
}

impl DefaultAction {
    fn for_call(self) -> Result<LiveDefault, CallError> {
        let builder = LiveDefault::builder();
        match self {
            DefaultAction::Allow {} => Ok(builder.allow(AllowAction::builder().build()).build()),
            DefaultAction::Block {} => Ok(builder.block(BlockAction::builder().build()).build()),
            DefaultAction::Other {} => Err(CallError::new(
                ErrorClass::Invalid,
                "writing a web ACL",
                "a default action of another kind cannot be sent",
            )),
        }
    }

    /// An answer or a header of somebody's own is part of an action, and none of these has one.
    fn from_live(live: Option<&LiveDefault>) -> Self {
        let allows = live.and_then(LiveDefault::allow).map(|allow| allow.custom_request_handling().is_none());
        let blocks = live.and_then(LiveDefault::block).map(|block| block.custom_response().is_none());
        match (allows, blocks) {
            (Some(true), _) => DefaultAction::Allow {},
            (_, Some(true)) => DefaultAction::Block {},
            _ => DefaultAction::Other {},
        }
    }
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct WebAclOutputs<S: Stage> {
    /// The ARN.
    pub arn: S::Of<WebAclArn>,
    /// The id.
    pub id: S::Of<WebAclId>,
}

impl Declares for WebAcl {
    type Resolved = Self;
}

impl WebAcl {
    fn scope(&self) -> Scope {
        Scope::from(self.scope.as_str())
    }

    fn rules(&self) -> Result<Vec<LiveRule>, CallError> {
        self.rules.iter().map(WebAclRule::for_call).collect()
    }

    /// The live web ACL, and the token that a change of it must have.
    async fn live(&self, cx: &Context, id: &WebAclId) -> Result<Option<(Live, String)>, CallError> {
        const OPERATION: &str = "GetWebACL";
        let request = waf(cx).get_web_acl().name(&self.name).scope(self.scope()).id(id.as_str());
        let Some(answer) = request.send().await.called(OPERATION).of_waf().if_exists()? else {
            return Ok(None);
        };
        let live = required(answer.web_acl, OPERATION, "WebACL")?;
        Ok(Some((live, required(answer.lock_token, OPERATION, "LockToken")?)))
    }

    /// The web ACL of this name, whoever has made it.
    async fn there(&self, cx: &Context) -> Result<Option<WebAclOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "ListWebACLs";
        let mut marker = None;
        loop {
            let request = waf(cx).list_web_acls().scope(self.scope()).set_next_marker(marker);
            let page = request.send().await.called(OPERATION).of_waf()?;
            let found = page.web_acls().iter().find(|summary| summary.name() == Some(self.name.as_str()));
            if let Some(summary) = found {
                return outputs(summary.arn(), summary.id(), OPERATION).map(Some);
            }
            marker = page.next_marker;
            if marker.is_none() {
                return Ok(None);
            }
        }
    }
}

fn outputs(
    arn: Option<&str>,
    id: Option<&str>,
    operation: &str,
) -> Result<WebAclOutputs<Resolved>, CallError> {
    Ok(WebAclOutputs {
        arn: required(arn, operation, "ARN")?.into(),
        id: required(id, operation, "Id")?.into(),
    })
}

#[async_trait]
impl Resource for WebAcl {
    const KIND: &'static str = "AWS::WAFv2::WebACL";
    const FACTS: Facts = Facts {
        name: Named::ByName("Name"),
        create_only: CreateOnly::These(&["Name", "Scope"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 2, longest: 300 }, gone: Span { typical: 2, longest: 900 } },
        import: ImportId {
            parts: &["Name", "Id", "Scope"],
            words: "the name and the id of the web ACL, and its scope",
            example: "payment-waf-dev|1a2b3c4d-5e6f-4a1b-8c2d-3e4f5a6b7c8d|REGIONAL",
        },
        reads: Reads { least: 2, most: 2, together: None },
        cost: Some("web-acl"),
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = WebAclOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{} {}", self.scope, self.name))
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<WebAclOutputs<Resolved>>, CallError> {
        let Some(outputs) = self.there(cx).await? else { return Ok(None) };
        let Some(tags) = tags_of(cx, outputs.arn.as_str()).await.if_exists()? else { return Ok(None) };
        cx.adopt(&format!("web ACL {}", self.name), &tags, search)?;
        Ok(Some(outputs))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<WebAclOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateWebACL";
        let request = waf(cx)
            .create_web_acl()
            .name(&self.name)
            .description(&self.description)
            .scope(self.scope())
            .default_action(self.default_action.for_call()?)
            .set_rules(Some(self.rules()?))
            .visibility_config(self.visibility_config.for_call())
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request.send().await.called(OPERATION).of_waf()?;
        let summary = required(answer.summary, OPERATION, "Summary")?;
        outputs(summary.arn(), summary.id(), OPERATION)
    }

    async fn configure(&self, cx: &Context, outputs: &WebAclOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(&self, cx: &Context, outputs: &WebAclOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let Some((live, _)) = self.live(cx, &outputs.id).await? else { return Ok(None) };
        let Some(tags) = tags_of(cx, outputs.arn.as_str()).await.if_exists()? else { return Ok(None) };
        let rules =
            live.rules().iter().filter(|rule| !is_of_shield(rule)).map(WebAclRule::from_live).collect();
        Ok(Some(Self {
            name: live.name().to_owned(),
            description: live.description().unwrap_or_default().to_owned(),
            scope: self.scope.clone(),
            default_action: DefaultAction::from_live(live.default_action()),
            rules: in_order_of(&self.rules, rules, |rule| rule.name.clone()),
            visibility_config: VisibilityConfig::from_live(live.visibility_config()),
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &WebAclOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<WebAclOutputs<Resolved>, CallError> {
        if changed.properties.iter().any(|name| name != "Tags") {
            let Some((live, token)) = self.live(cx, &outputs.id).await? else {
                return Err(CallError::conflict("UpdateWebACL", format!("web ACL {} is gone", self.name)));
            };
            let shield = live.rules().iter().filter(|rule| is_of_shield(rule)).cloned();
            let rules = self.rules()?.into_iter().chain(shield).collect();
            let request = waf(cx)
                .update_web_acl()
                .name(&self.name)
                .scope(self.scope())
                .id(outputs.id.as_str())
                .lock_token(token)
                .description(&self.description)
                .default_action(self.default_action.for_call()?)
                .set_rules(Some(rules))
                .visibility_config(self.visibility_config.for_call())
                // Everything is replaced: what is not sent is gone.
                .set_data_protection_config(live.data_protection_config)
                .set_custom_response_bodies(live.custom_response_bodies.filter(|bodies| !bodies.is_empty()))
                .set_captcha_config(live.captcha_config)
                .set_challenge_config(live.challenge_config)
                .set_token_domains(live.token_domains.filter(|domains| !domains.is_empty()))
                .set_association_config(live.association_config)
                .set_on_source_d_do_s_protection_config(live.on_source_d_do_s_protection_config)
                .set_application_config(live.application_config);
            request.send().await.called("UpdateWebACL").of_waf()?;
        }
        retag(cx, outputs.arn.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &WebAclOutputs<Resolved>) -> Result<(), CallError> {
        let Some((_, token)) = self.live(cx, &outputs.id).await? else { return Ok(()) };
        let request = waf(cx)
            .delete_web_acl()
            .name(&self.name)
            .scope(self.scope())
            .id(outputs.id.as_str())
            .lock_token(token);
        // While it is still before something, `WAFAssociatedItemException`: the engine comes back.
        request.send().await.called("DeleteWebACL").of_waf().map(drop).gone_is_ok()
    }
}
