//! The application load balancer: what the world, or the VPC, talks to.
//!
//! The surprises: it takes minutes to become active, but has its ARN and its name at once, so that listeners need not
//! wait for it; it cannot move to another VPC, though its subnets can be changed; cross-zone balancing is always on and
//! cannot be set; and after its deletion its network interfaces hold their security group and subnets for a while more.
//!
//! Attributes are changed all or none, and one that a partition does not have yet makes the whole call fail. Every load
//! balancer shows all that there are, so what is not shown is not sent, and is no drift. Some that are not declared decide what
//! becomes of requests and of their headers: those are drift where somebody has set them (see [`super::attributes`]).
//!
//! "Access Denied for bucket" means wait: a bucket policy of a moment ago. `failed` is final; `active_impaired` routes requests.

use async_trait::async_trait;
use aws::{
    CallResult, Called, Context, SecurityGroupId, SubnetId, Tags, VpcId, converge, in_order_of, required,
};
use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancer as Live, LoadBalancerAttribute, LoadBalancerSchemeEnum, LoadBalancerStateEnum,
    LoadBalancerTypeEnum,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ForeignId, How, ImportId, Intent,
    Keep, KeepValue, Listed, Loss, Named, Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage,
    Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::attributes::{added, of_load_balancer, taken_back};
use super::elb::{Attribute, elb, managed_or_unknown, retag, tag, tags_of, taken};
use crate::LoadBalancerArn;

/// The properties of a load balancer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoadBalancer<S: Stage = Declared> {
    /// Its name, unique in account and region, at most 32 characters.
    pub name: String,
    /// `application`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// `internet-facing` or `internal`.
    pub scheme: String,
    /// The VPC of its subnets. It is not sent: it says that another VPC needs another load balancer, since this one
    /// cannot move. CloudFormation has no such property.
    pub vpc_id: S::Of<VpcId>,
    /// One subnet in each of at least two zones. Their order has no meaning.
    pub subnets: Vec<S::Of<SubnetId>>,
    /// Who may talk to it, and to whom it may talk. Their order has no meaning.
    pub security_groups: Vec<S::Of<SecurityGroupId>>,
    /// The attributes that are set. AWS has more; those that matter stay as AWS makes them.
    pub load_balancer_attributes: Vec<Attribute<S>>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoadBalancerOutputs<S: Stage> {
    /// The ARN.
    pub load_balancer_arn: S::Of<LoadBalancerArn>,
    /// The end of the ARN, by which CloudWatch knows it: `app/payment-alb-dev/0123456789abcdef`.
    pub load_balancer_full_name: S::Of<String>,
    /// Its name in DNS.
    #[serde(rename = "DNSName")]
    pub dns_name: S::Of<String>,
    /// The zone of that name, for an alias record in Route 53.
    #[serde(rename = "CanonicalHostedZoneID")]
    pub canonical_hosted_zone_id: S::Of<String>,
}

impl Declares for LoadBalancer<Declared> {
    type Resolved = LoadBalancer<Resolved>;
}

/// What a Describe call finds, by name or by ARN.
enum By<'a> {
    Name(&'a str),
    Arn(&'a LoadBalancerArn),
}

async fn describe(cx: &Context, by: By<'_>) -> Result<Option<Live>, CallError> {
    let request = match by {
        By::Name(name) => elb(cx).describe_load_balancers().names(name),
        By::Arn(arn) => elb(cx).describe_load_balancers().load_balancer_arns(arn.as_str()),
    };
    let answer = request.send().await.called("DescribeLoadBalancers").if_exists()?;
    Ok(answer.and_then(|answer| answer.load_balancers.unwrap_or_default().into_iter().next()))
}

fn outputs(live: &Live, operation: &str) -> Result<LoadBalancerOutputs<Resolved>, CallError> {
    let arn = required(live.load_balancer_arn(), operation, "LoadBalancerArn")?;
    let full_name = arn.split_once(":loadbalancer/").map(|(_, name)| name);
    let zone = required(live.canonical_hosted_zone_id(), operation, "CanonicalHostedZoneId")?;
    Ok(LoadBalancerOutputs {
        load_balancer_arn: arn.into(),
        load_balancer_full_name: required(full_name, operation, "a name in LoadBalancerArn")?.to_owned(),
        dns_name: required(live.dns_name(), operation, "DNSName")?.to_owned(),
        canonical_hosted_zone_id: zone.to_owned(),
    })
}

fn texts<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

impl LoadBalancer<Resolved> {
    /// Those that the live load balancer has, and what takes others of `before` back.
    fn attributes(
        &self,
        live: &[LoadBalancerAttribute],
        before: &[Attribute<Resolved>],
    ) -> Vec<LoadBalancerAttribute> {
        let is_there =
            |wanted: &&Attribute<Resolved>| live.iter().any(|live| live.key() == Some(wanted.key.as_str()));
        let attribute = |attribute: &Attribute<Resolved>| {
            LoadBalancerAttribute::builder().key(&attribute.key).value(&attribute.value).build()
        };
        let back = taken_back(before, &self.load_balancer_attributes, of_load_balancer);
        self.load_balancer_attributes.iter().chain(&back).filter(is_there).map(attribute).collect()
    }
}

/// All attributes that the load balancer has.
async fn live_attributes(
    cx: &Context,
    arn: &LoadBalancerArn,
) -> Result<Option<Vec<LoadBalancerAttribute>>, CallError> {
    let request = elb(cx).describe_load_balancer_attributes().load_balancer_arn(arn.as_str());
    let answer = request.send().await.called("DescribeLoadBalancerAttributes").if_exists()?;
    Ok(answer.map(|answer| answer.attributes.unwrap_or_default()))
}

#[async_trait]
impl Resource for LoadBalancer<Resolved> {
    const KIND: &'static str = "AWS::ElasticLoadBalancingV2::LoadBalancer";
    const FACTS: Facts = Facts {
        name: Named::ByName("Name"),
        create_only: CreateOnly::These(&["Name", "Type", "Scheme", "VpcId"]),
        lists: &[Listed::TAGS, Listed { path: "LoadBalancerAttributes", key: "Key" }],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Addresses("its DNS name"),
        keeps: &[Keep {
            property: "LoadBalancerAttributes",
            value: KeepValue::Item("deletion_protection.enabled", "true"),
            how: How::Forbid,
        }],
        limits: &[],
        template: Template { own_properties: &["VpcId"], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 148, longest: 900 }, gone: Span { typical: 10, longest: 900 } },
        import: ImportId {
            parts: &["LoadBalancerArn"],
            words: "the ARN of the load balancer",
            example: "arn:aws:elasticloadbalancing:ap-southeast-1:123456789012:loadbalancer/app/payment-alb-dev/0123456789abcdef",
        },
        reads: Reads { least: 3, most: 3, together: Some("DescribeLoadBalancers") },
        cost: Some("load-balancer"),
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = LoadBalancer<Declared>;
    type Outputs<S: Stage> = LoadBalancerOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.name.clone())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<LoadBalancerOutputs<Resolved>>, CallError> {
        let Some(live) = describe(cx, By::Name(&self.name)).await? else { return Ok(None) };
        let outputs = outputs(&live, "DescribeLoadBalancers")?;
        let Some(tags) = tags_of(cx, outputs.load_balancer_arn.as_str()).await.if_exists()? else {
            return Ok(None);
        };
        cx.adopt(&format!("load balancer {}", self.name), &tags, search)?;
        Ok(Some(outputs))
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<LoadBalancerOutputs<Resolved>>, CallError> {
        let live = describe(cx, By::Arn(&id.part("LoadBalancerArn").into())).await?;
        live.map(|live| outputs(&live, "DescribeLoadBalancers")).transpose()
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<LoadBalancerOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateLoadBalancer";
        if describe(cx, By::Name(&self.name)).await?.is_some() {
            return Err(taken(OPERATION, &format!("load balancer {}", self.name)));
        }
        let request = elb(cx)
            .create_load_balancer()
            .name(&self.name)
            .r#type(LoadBalancerTypeEnum::from(self.kind.as_str()))
            .scheme(LoadBalancerSchemeEnum::from(self.scheme.as_str()))
            .set_subnets(Some(texts(&self.subnets)))
            .set_security_groups(Some(texts(&self.security_groups)))
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request.send().await.called(OPERATION).once_visible()?;
        let made = answer.load_balancers.unwrap_or_default().into_iter().next();
        outputs(&required(made, OPERATION, "LoadBalancers")?, OPERATION)
    }

    async fn poll_ready(
        cx: &Context,
        known: &LoadBalancerOutputs<Resolved>,
    ) -> Result<Readiness<LoadBalancerOutputs<Resolved>>, CallError> {
        let Some(live) = describe(cx, By::Arn(&known.load_balancer_arn)).await? else {
            return Ok(Readiness::Pending("not visible yet".to_owned()));
        };
        let state = live.state();
        let code = state.and_then(|state| state.code());
        Ok(match code {
            // Impaired: it routes requests, and cannot grow. What is behind it can go on.
            Some(LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired) => {
                Readiness::Ready(outputs(&live, "DescribeLoadBalancers")?)
            }
            Some(LoadBalancerStateEnum::Failed) => {
                let reason = state.and_then(|state| state.reason()).unwrap_or("AWS gives no reason");
                Readiness::Failed(format!("its state is failed: {reason}"))
            }
            code => Readiness::Pending(code.map_or("unknown", LoadBalancerStateEnum::as_str).to_owned()),
        })
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &LoadBalancerOutputs<Resolved>,
    ) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &LoadBalancerOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let arn = &outputs.load_balancer_arn;
        let Some(live) = describe(cx, By::Arn(arn)).await? else { return Ok(None) };
        let attributes = live_attributes(cx, arn).await?;
        let tags = tags_of(cx, arn.as_str()).await.if_exists()?;
        let (Some(attributes), Some(tags)) = (attributes, tags) else { return Ok(None) };
        let attributes = attributes.iter().map(|attribute| (attribute.key(), attribute.value()));
        let zones = live.availability_zones.unwrap_or_default();
        let subnets = zones.into_iter().filter_map(|zone| zone.subnet_id).map(Into::into).collect();
        let groups = live.security_groups.unwrap_or_default().into_iter().map(Into::into).collect();
        Ok(Some(Self {
            name: live.load_balancer_name.unwrap_or_default(),
            kind: live.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            scheme: live.scheme.map(|scheme| scheme.as_str().to_owned()).unwrap_or_default(),
            vpc_id: live.vpc_id.unwrap_or_default().into(),
            subnets: in_order_of(&self.subnets, subnets, SubnetId::clone),
            security_groups: in_order_of(&self.security_groups, groups, SecurityGroupId::clone),
            load_balancer_attributes: {
                let set = &self.load_balancer_attributes;
                let mut seen = managed_or_unknown(set, attributes.clone());
                seen.extend(added(set, attributes, of_load_balancer));
                seen
            },
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &LoadBalancerOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<LoadBalancerOutputs<Resolved>, CallError> {
        let arn = outputs.load_balancer_arn.as_str();
        if changed.has("SecurityGroups") {
            let request = elb(cx).set_security_groups().load_balancer_arn(arn);
            let request = request.set_security_groups(Some(texts(&self.security_groups)));
            request.send().await.called("SetSecurityGroups")?;
        }
        if changed.has("Subnets") {
            let request = elb(cx).set_subnets().load_balancer_arn(arn);
            request.set_subnets(Some(texts(&self.subnets))).send().await.called("SetSubnets")?;
        }
        if changed.has("LoadBalancerAttributes") {
            let live = live_attributes(cx, &outputs.load_balancer_arn).await?.unwrap_or_default();
            let request = elb(cx).modify_load_balancer_attributes().load_balancer_arn(arn);
            let before = &changed.before.load_balancer_attributes;
            let request = request.set_attributes(Some(self.attributes(&live, before)));
            let answer = request.send().await.called("ModifyLoadBalancerAttributes");
            // A bucket policy of a moment ago need not hold everywhere yet.
            let denied = "Access Denied for bucket";
            answer.classed_saying("InvalidConfigurationRequest", denied, ErrorClass::NotYet)?;
        }
        retag(cx, arn, &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &LoadBalancerOutputs<Resolved>) -> Result<(), CallError> {
        let request = elb(cx).delete_load_balancer().load_balancer_arn(outputs.load_balancer_arn.as_str());
        request.send().await.called("DeleteLoadBalancer").gone_is_ok()
    }
}
