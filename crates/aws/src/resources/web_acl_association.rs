//! What a web ACL stands before: a load balancer, or a stage of an API.
//!
//! The surprises: a resource has one web ACL at most, and associating another one takes its place without a word. So
//! the create looks first; and what CloudFormation replaces, unprotected for a moment, is changed in place here.
//!
//! `WAFUnavailableEntityException` means wait: a new load balancer, also one that is active, and a new web ACL can be unknown to
//! WAF for more than five minutes, so that a quarter of an hour is allowed. WAF says that the association is there before
//! every request is judged by it. There are no states.

use async_trait::async_trait;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Loss, Named, Readiness,
    Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use crate::error::{CallResult, Called};
use crate::waf::{OfWaf, waf};
use crate::{Context, WebAclArn};

/// The properties of an association.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct WebAclAssociation<S: Stage = Declared> {
    /// What is protected, by ARN.
    pub resource_arn: S::Of<String>,
    /// The web ACL.
    #[serde(rename = "WebACLArn")]
    pub web_acl_arn: S::Of<WebAclArn>,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct WebAclAssociationOutputs<S: Stage> {
    /// What is protected; a reference to it waits until it is.
    pub resource_arn: S::Of<String>,
}

impl Declares for WebAclAssociation<Declared> {
    type Resolved = WebAclAssociation<Resolved>;
}

/// The web ACL before a resource; `None` where there is none, or no such resource.
async fn before(cx: &Context, resource: &str) -> Result<Option<WebAclArn>, CallError> {
    let answer = waf(cx).get_web_acl_for_resource().resource_arn(resource).send().await;
    let answer = answer.called("GetWebACLForResource").of_waf().if_exists()?;
    Ok(answer.and_then(|answer| answer.web_acl).map(|web_acl| web_acl.arn.into()))
}

impl WebAclAssociation<Resolved> {
    fn outputs(&self) -> WebAclAssociationOutputs<Resolved> {
        WebAclAssociationOutputs { resource_arn: self.resource_arn.clone() }
    }

    async fn associate(&self, cx: &Context) -> Result<(), CallError> {
        let request = waf(cx).associate_web_acl().resource_arn(&self.resource_arn);
        let request = request.web_acl_arn(self.web_acl_arn.as_str());
        request.send().await.called("AssociateWebACL").of_waf().once_visible().map(drop)
    }
}

#[async_trait]
impl Resource for WebAclAssociation<Resolved> {
    const KIND: &'static str = "AWS::WAFv2::WebACLAssociation";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["ResourceArn"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 3, longest: 900 }, gone: Span { typical: 2, longest: 900 } },
        import: ImportId {
            parts: &["ResourceArn", "WebACLArn"],
            words: "the ARNs of the protected resource and of the web ACL",
            example: "arn:aws:elasticloadbalancing:ap-southeast-1:123456789012:loadbalancer/app/payment-alb-dev/0123456789abcdef|arn:aws:wafv2:ap-southeast-1:123456789012:regional/webacl/payment-waf-dev/1a2b3c4d-5e6f-4a1b-8c2d-3e4f5a6b7c8d",
        },
        reads: Reads { least: 1, most: 1, together: Some("ListResourcesForWebACL") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = WebAclAssociation<Declared>;
    type Outputs<S: Stage> = WebAclAssociationOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.resource_arn.clone())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<WebAclAssociationOutputs<Resolved>>, CallError> {
        match before(cx, &self.resource_arn).await? {
            None => Ok(None),
            Some(web_acl) if web_acl == self.web_acl_arn => Ok(Some(self.outputs())),
            Some(web_acl) => Err(CallError::conflict(
                format!("looking for the web ACL of {}", self.resource_arn),
                format!("it is {web_acl}, not the one of {}", search.address),
            )),
        }
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<WebAclAssociationOutputs<Resolved>, CallError> {
        if self.find(cx, &Search::made_by(intent)).await?.is_none() {
            self.associate(cx).await?;
        }
        Ok(self.outputs())
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &WebAclAssociationOutputs<Resolved>,
    ) -> Result<Readiness<WebAclAssociationOutputs<Resolved>>, CallError> {
        Ok(match before(cx, &outputs.resource_arn).await? {
            Some(_) => Readiness::Ready(outputs.clone()),
            None => Readiness::Pending("not visible yet".to_owned()),
        })
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &WebAclAssociationOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let web_acl = before(cx, &outputs.resource_arn).await?;
        Ok(web_acl.map(|web_acl_arn| Self { resource_arn: outputs.resource_arn.clone(), web_acl_arn }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &WebAclAssociationOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<WebAclAssociationOutputs<Resolved>, CallError> {
        self.associate(cx).await?;
        Ok(outputs.clone())
    }

    /// Another web ACL, that somebody put there instead, stays.
    async fn delete(
        &self,
        cx: &Context,
        outputs: &WebAclAssociationOutputs<Resolved>,
    ) -> Result<(), CallError> {
        if before(cx, &outputs.resource_arn).await? != Some(self.web_acl_arn.clone()) {
            return Ok(());
        }
        let request = waf(cx).disassociate_web_acl().resource_arn(&outputs.resource_arn);
        request.send().await.called("DisassociateWebACL").of_waf().map(drop).gone_is_ok()
    }

    async fn poll_gone(
        &self,
        cx: &Context,
        outputs: &WebAclAssociationOutputs<Resolved>,
    ) -> Result<bool, CallError> {
        Ok(before(cx, &outputs.resource_arn).await? != Some(self.web_acl_arn.clone()))
    }
}
