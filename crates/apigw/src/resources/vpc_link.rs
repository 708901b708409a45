//! A VPC link of the second generation: network interfaces through which API Gateway reaches a load balancer that has no
//! address on the internet.
//!
//! The surprises: it takes minutes to come and to go; it stays for as long as a method or a deployment that is served goes
//! through it; and its tags are another API's, `apigatewayv2`.
//!
//! Wait: "is referenced in", until no method and no deployment that is served goes through it. Read: lists come back in an order of their
//! own. Update: the name only. Terminal is `FAILED`; `INACTIVE`, after two months without a request, ends with the next one.

use async_trait::async_trait;
use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, SecurityGroupId, SubnetId, Tags, in_order_of, required};
use aws_sdk_apigatewayv2::primitives::DateTimeFormat as Format;
use aws_sdk_apigatewayv2::types::VpcLinkStatus;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Listed, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::calls::{OfGateway, arn, links};
use crate::VpcLinkId;

/// The properties of a VPC link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcLink<S: Stage = Declared> {
    /// Its name, which others may have too.
    pub name: String,
    /// Where its network interfaces are.
    pub subnet_ids: Vec<S::Of<SubnetId>>,
    /// What they may talk to.
    pub security_group_ids: Vec<S::Of<SecurityGroupId>>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcLinkOutputs<S: Stage> {
    /// The id. A method can use it once it is available.
    pub vpc_link_id: S::Of<VpcLinkId>,
}

impl Declares for VpcLink<Declared> {
    type Resolved = VpcLink<Resolved>;
}

fn outputs(id: Option<String>, operation: &str) -> Result<VpcLinkOutputs<Resolved>, CallError> {
    Ok(VpcLinkOutputs { vpc_link_id: required(id, operation, "vpcLinkId")?.into() })
}

fn is_going(status: Option<&VpcLinkStatus>) -> bool {
    status.is_some_and(|status| status.as_str() == "DELETING")
}

fn ids<T: From<String>>(live: Option<Vec<String>>) -> Vec<T> {
    live.unwrap_or_default().into_iter().map(T::from).collect()
}

/// CloudFormation has the tags of a link as an object.
fn tags_as_map(properties: &mut Map<String, Value>) {
    let tags = properties.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let tags: Map<String, Value> =
        tags.filter_map(|tag| Some((tag["Key"].as_str()?.to_owned(), tag["Value"].clone()))).collect();
    properties.insert("Tags".to_owned(), Value::Object(tags));
}

#[async_trait]
impl Resource for VpcLink<Resolved> {
    const KIND: &'static str = "AWS::ApiGatewayV2::VpcLink";
    const FACTS: Facts = Facts {
        name: Named::ByName("Name"),
        create_only: CreateOnly::These(&["SubnetIds", "SecurityGroupIds"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { adapt: tags_as_map, ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 90, longest: 900 }, gone: Span { typical: 120, longest: 900 } },
        import: ImportId { parts: &["VpcLinkId"], words: "the id of the VPC link", example: "v1w2x3" },
        reads: Reads { least: 1, most: 1, together: Some("GetVpcLinks") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Tag;
    type Context = Context;
    type Declared = VpcLink<Declared>;
    type Outputs<S: Stage> = VpcLinkOutputs<S>;

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<VpcLinkOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "GetVpcLinks";
        let mut next = None;
        loop {
            let request = links(cx).get_vpc_links().set_next_token(next);
            let answer = request.send().await.called(OPERATION)?;
            for live in answer.items.unwrap_or_default() {
                if !is_going(live.vpc_link_status.as_ref())
                    && LiveTags::map(live.tags).fit(cx.identity(), search)
                {
                    return outputs(live.vpc_link_id, OPERATION).map(Some);
                }
            }
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(None);
            }
        }
    }

    async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<VpcLinkOutputs<Resolved>>>>, CallError> {
        const OPERATION: &str = "GetVpcLinks";
        let (mut next, mut sighted) = (None, Vec::new());
        loop {
            let answer = links(cx).get_vpc_links().set_next_token(next).send().await.called(OPERATION)?;
            for live in answer.items.unwrap_or_default() {
                if is_going(live.vpc_link_status.as_ref()) {
                    continue;
                }
                let created = live.created_date.as_ref().and_then(|date| date.fmt(Format::DateTime).ok());
                let outputs = outputs(live.vpc_link_id, OPERATION)?;
                sighted.extend(LiveTags::map(live.tags).sighting(cx.identity(), outputs, created));
            }
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(Some(sighted));
            }
        }
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<VpcLinkOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateVpcLink";
        let request = links(cx)
            .create_vpc_link()
            .name(&self.name)
            .set_subnet_ids(Some(self.subnet_ids.iter().map(ToString::to_string).collect()))
            .set_security_group_ids(Some(self.security_group_ids.iter().map(ToString::to_string).collect()))
            .set_tags(Some(cx.stamp(&self.tags, intent)?.map()));
        outputs(request.send().await.called(OPERATION).of_gateway()?.vpc_link_id, OPERATION)
    }

    async fn poll_ready(
        cx: &Context,
        known: &VpcLinkOutputs<Resolved>,
    ) -> Result<Readiness<VpcLinkOutputs<Resolved>>, CallError> {
        let request = links(cx).get_vpc_link().vpc_link_id(known.vpc_link_id.as_str());
        let live = request.send().await.called("GetVpcLink")?;
        let message = live.vpc_link_status_message.unwrap_or_default();
        Ok(match live.vpc_link_status.as_ref().map(|status| status.as_str()).unwrap_or_default() {
            // One that nobody used for two months sleeps until somebody does.
            "AVAILABLE" | "INACTIVE" => Readiness::Ready(known.clone()),
            status @ ("FAILED" | "DELETING") => {
                Readiness::Failed(format!("its status is {status}: {message}"))
            }
            status => Readiness::Pending(status.to_owned()),
        })
    }

    async fn read(&self, cx: &Context, known: &VpcLinkOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let request = links(cx).get_vpc_link().vpc_link_id(known.vpc_link_id.as_str());
        let Some(live) = request.send().await.called("GetVpcLink").if_exists()? else { return Ok(None) };
        if is_going(live.vpc_link_status.as_ref()) {
            return Ok(None);
        }
        Ok(Some(Self {
            name: live.name.unwrap_or_default(),
            subnet_ids: in_order_of(&self.subnet_ids, ids(live.subnet_ids), Clone::clone),
            security_group_ids: in_order_of(
                &self.security_group_ids,
                ids(live.security_group_ids),
                Clone::clone,
            ),
            tags: LiveTags::map(live.tags).visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        known: &VpcLinkOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<VpcLinkOutputs<Resolved>, CallError> {
        if changed.has("Name") {
            let request =
                links(cx).update_vpc_link().vpc_link_id(known.vpc_link_id.as_str()).name(&self.name);
            request.send().await.called("UpdateVpcLink").of_gateway()?;
        }
        let arn = arn(cx, &format!("/vpclinks/{}", known.vpc_link_id));
        aws::tag_by_arn!(
            changed.before.tags.changes_to(&self.tags),
            links(cx),
            &arn,
            |tags| tags.map(),
            OfGateway::of_gateway
        )?;
        Ok(known.clone())
    }

    async fn delete(&self, cx: &Context, known: &VpcLinkOutputs<Resolved>) -> Result<(), CallError> {
        let request = links(cx).delete_vpc_link().vpc_link_id(known.vpc_link_id.as_str());
        request.send().await.called("DeleteVpcLink").of_delete().gone_is_ok()
    }

    /// Until its network interfaces are gone, their subnets and groups cannot go.
    async fn poll_gone(&self, cx: &Context, known: &VpcLinkOutputs<Resolved>) -> Result<bool, CallError> {
        let request = links(cx).get_vpc_link().vpc_link_id(known.vpc_link_id.as_str());
        Ok(request.send().await.called("GetVpcLink").if_exists()?.is_none())
    }
}
