//! A VPC endpoint: a way to a service of AWS that needs no NAT gateway. The one for S3 is a gateway, a route that costs
//! nothing; those for other services are network interfaces in subnets, which cost money by the hour, and to which the
//! service's own name leads (private DNS).
//!
//! The surprises: a VPC can have one endpoint with private DNS for each service, and private DNS needs both DNS settings
//! of the VPC. An endpoint has at most one subnet in a zone, so one that takes another's place comes after it has left.
//! And a policy judges every request through an endpoint, and pulling a container image is one. The layers of
//! an ECR image are in a bucket of AWS's, fetched with a URL that ECR has signed with its own account, so a policy
//! that lets only our account through breaks every start of a task. [`s3_policy`] makes that one exception.

use async_trait::async_trait;
use aws::ec2::{found_by, ours, retag, sighted};
use aws::policy::{PolicyDocument, Principal, Statement};
use aws::{CallResult, Called, Context, SecurityGroupId, SubnetId, Tags, VpcId, in_order_of, required};
use aws_sdk_ec2::types::{ResourceType, VpcEndpoint as Live, VpcEndpointType};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, Foreseen, ImportId, Input, Intent,
    Listed, Loss, Named, Readiness, Reads, Resolved, Resource, Search, Settle, Sighting, Span, Stage,
    Tagging, Template, Text, Times, Wish,
};
use serde::{Deserialize, Serialize};

use super::{none_unsuccessful, visible};
use crate::describe::describe;
use crate::{RouteTableId, VpcEndpointId};

/// The properties of an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcEndpoint<S: Stage = Declared> {
    /// The VPC that it is in.
    pub vpc_id: S::Of<VpcId>,
    /// The service that it leads to, such as `com.amazonaws.ap-southeast-1.s3`.
    pub service_name: String,
    /// `Gateway`: a route; `Interface`: network interfaces.
    pub vpc_endpoint_type: String,
    /// The tables that get a gateway's route. Their order has no meaning, nor has that of the other lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub route_table_ids: Vec<S::Of<RouteTableId>>,
    /// The subnets that get a network interface, at most one in a zone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnet_ids: Vec<S::Of<SubnetId>>,
    /// The groups of the network interfaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_group_ids: Vec<S::Of<SecurityGroupId>>,
    /// Whether the service's name leads to the network interfaces, everywhere in the VPC. A gateway has no such thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_dns_enabled: Option<bool>,
    /// Which requests may go through.
    pub policy_document: PolicyDocument,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcEndpointOutputs<S: Stage> {
    /// The endpoint.
    pub id: S::Of<VpcEndpointId>,
}

impl Declares for VpcEndpoint<Declared> {
    type Resolved = VpcEndpoint<Resolved>;
}

/// The policy of the S3 endpoint: our account's principals may do what their own policies allow, and everybody may
/// fetch ECR's image layers (Amazon ECR User Guide, "Minimum Amazon S3 bucket permissions").
///
/// With that, stolen credentials of another account cannot carry data out through the endpoint.
#[must_use]
pub fn s3_policy(partition: &str, region: &str, account_id: &str) -> PolicyDocument {
    let layers = format!("arn:{partition}:s3:::prod-{region}-starport-layer-bucket/*");
    PolicyDocument::new([
        Statement::allow(["s3:*"])
            .sid("OurAccount")
            .principal(Principal::Anyone)
            .resources(["*".into()])
            .when("StringEquals", "aws:PrincipalAccount", [account_id.into()]),
        Statement::allow(["s3:GetObject"])
            .sid("ImageLayers")
            .principal(Principal::Anyone)
            .resources([Input::Literal(layers)]),
    ])
}

/// AWS spells states in lower case where the API model has capitals.
fn state(live: &Live) -> String {
    live.state().map_or_else(String::new, |state| state.as_str().to_ascii_lowercase())
}

fn is_live(live: &Live) -> bool {
    matches!(state(live).as_str(), "pending" | "available")
}

/// Ids for a call, which takes a list or none.
fn given<T: Text>(ids: &[T]) -> Option<Vec<String>> {
    without(ids, &[])
}

/// Those of the first list that are not in the second.
fn without<T: Text>(ids: &[T], others: &[T]) -> Option<Vec<String>> {
    let ids: Vec<_> =
        ids.iter().filter(|id| !others.contains(id)).map(|id| id.as_text().to_owned()).collect();
    Some(ids).filter(|ids| !ids.is_empty())
}

impl VpcEndpoint<Resolved> {
    /// Changes what differs, but lets no subnet in.
    async fn modify(&self, cx: &Context, id: &VpcEndpointId, before: &Self) -> Result<(), CallError> {
        let add_tables = without(&self.route_table_ids, &before.route_table_ids);
        let remove_tables = without(&before.route_table_ids, &self.route_table_ids);
        let remove_subnets = without(&before.subnet_ids, &self.subnet_ids);
        let add_groups = without(&self.security_group_ids, &before.security_group_ids);
        let remove_groups = without(&before.security_group_ids, &self.security_group_ids);
        let dns = self.private_dns_enabled.filter(|_| self.private_dns_enabled != before.private_dns_enabled);
        let policy = !self.policy_document.same_as(&before.policy_document);
        let policy = policy.then(|| self.policy_document.to_json());
        let lists = [&add_tables, &remove_tables, &remove_subnets, &add_groups, &remove_groups];
        if lists.iter().all(|list| list.is_none()) && dns.is_none() && policy.is_none() {
            return Ok(());
        }
        let request = cx
            .ec2()
            .modify_vpc_endpoint()
            .vpc_endpoint_id(id.as_str())
            .set_add_route_table_ids(add_tables)
            .set_remove_route_table_ids(remove_tables)
            .set_remove_subnet_ids(remove_subnets)
            .set_add_security_group_ids(add_groups)
            .set_remove_security_group_ids(remove_groups)
            .set_private_dns_enabled(dns)
            .set_policy_document(policy);
        request.send().await.called("ModifyVpcEndpoint").map(drop)
    }

    /// Lets subnets in. Those that have left may still have an interface in the same zone for a while.
    async fn add_subnets(&self, cx: &Context, id: &VpcEndpointId, before: &Self) -> Result<(), CallError> {
        let Some(subnets) = without(&self.subnet_ids, &before.subnet_ids) else { return Ok(()) };
        let request = cx.ec2().modify_vpc_endpoint().vpc_endpoint_id(id.as_str());
        let added = request.set_add_subnet_ids(Some(subnets)).send().await.called("ModifyVpcEndpoint");
        added.classed(&["DuplicateSubnetsInSameZone"], ErrorClass::NotYet).once_visible().map(drop)
    }
}

fn ids<T: From<String>>(live: impl IntoIterator<Item = String>) -> Vec<T> {
    live.into_iter().map(Into::into).collect()
}

#[async_trait]
impl Resource for VpcEndpoint<Resolved> {
    const KIND: &'static str = "AWS::EC2::VPCEndpoint";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["VpcId", "ServiceName", "VpcEndpointType"]),
        lists: &[Listed::TAGS, Listed { path: "PolicyDocument.Statement", key: "Sid" }],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        // Those of an interface; a gateway takes 8 and 10.
        times: Times { ready: Span { typical: 75, longest: 600 }, gone: Span { typical: 60, longest: 900 } },
        import: ImportId {
            parts: &["Id"],
            words: "the id of the VPC endpoint",
            example: "vpce-0a1b2c3d4e5f60718",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeVpcEndpoints") },
        cost: Some("interface-endpoint"),
    };
    const SETTLE: Settle = Settle::Token;
    type Context = Context;
    type Declared = VpcEndpoint<Declared>;
    type Outputs<S: Stage> = VpcEndpointOutputs<S>;

    fn claim(&self) -> Option<String> {
        // A route table can lead to a service through one gateway only, and so can a name in the VPC's DNS.
        Some(format!("{} {}", self.vpc_id, self.service_name))
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<VpcEndpointOutputs<Resolved>>, CallError> {
        let request = cx.ec2().describe_vpc_endpoints().set_filters(Some(found_by(cx, search)));
        let answer = request.send().await.called("DescribeVpcEndpoints")?;
        let live = answer.vpc_endpoints.unwrap_or_default().into_iter().find(is_live);
        let id = live.and_then(|endpoint| endpoint.vpc_endpoint_id);
        Ok(id.map(|id| VpcEndpointOutputs { id: id.into() }))
    }

    /// Which services have endpoints differs from region to region, and only AWS knows it.
    async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        const OPERATION: &str = "DescribeVpcEndpointServices";
        let name = wish.declared["ServiceName"].as_str().filter(|_| wish.there.is_none());
        let Some(name) = name else { return Ok(Foreseen::nothing()) };
        let answer = cx.ec2().describe_vpc_endpoint_services().service_names(name).send().await;
        match answer.called(OPERATION).classed(&["InvalidServiceName"], ErrorClass::NotFound).if_exists()? {
            Some(_) => Ok(Foreseen::nothing()),
            None => Ok(Foreseen::refusal(
                format!("AWS has no VPC endpoints of the service {name}"),
                "correct its name in `vpc.interface_endpoints.services`, or leave it out: \
                 `aws ec2 describe-vpc-endpoint-services` lists those of the region",
            )),
        }
    }

    async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<VpcEndpointOutputs<Resolved>>>>, CallError> {
        let request = cx.ec2().describe_vpc_endpoints().set_filters(Some(ours(cx)));
        let answer = request.send().await.called("DescribeVpcEndpoints")?;
        let found = answer.vpc_endpoints.unwrap_or_default().into_iter().filter(is_live);
        let sighted = found.filter_map(|live| {
            let outputs = live.vpc_endpoint_id.map(|id| VpcEndpointOutputs { id: id.into() });
            sighted(cx, outputs, live.tags.as_deref(), live.creation_timestamp.as_ref())
        });
        Ok(Some(sighted.collect()))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<VpcEndpointOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateVpcEndpoint";
        let request = cx
            .ec2()
            .create_vpc_endpoint()
            .client_token(&intent.token)
            .vpc_id(self.vpc_id.as_str())
            .service_name(&self.service_name)
            .vpc_endpoint_type(VpcEndpointType::from(self.vpc_endpoint_type.as_str()))
            .set_route_table_ids(given(&self.route_table_ids))
            .set_subnet_ids(given(&self.subnet_ids))
            .set_security_group_ids(given(&self.security_group_ids))
            .set_private_dns_enabled(self.private_dns_enabled)
            .policy_document(self.policy_document.to_json())
            .tag_specifications(cx.stamp(&self.tags, intent)?.ec2(ResourceType::VpcEndpoint));
        let answer = request.send().await.called(OPERATION).once_visible()?;
        let id = answer.vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id);
        Ok(VpcEndpointOutputs { id: required(id, OPERATION, "VpcEndpointId")?.into() })
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &VpcEndpointOutputs<Resolved>,
    ) -> Result<Readiness<VpcEndpointOutputs<Resolved>>, CallError> {
        let Some(live) = describe(cx).vpc_endpoints.get(&outputs.id).await? else {
            return Ok(Readiness::Pending("not visible yet".to_owned()));
        };
        let state = state(&live);
        Ok(match state.as_str() {
            "available" => Readiness::Ready(outputs.clone()),
            "pending" | "" => Readiness::Pending("pending".to_owned()),
            _ => {
                let error = live.last_error().and_then(|error| error.message());
                let reason = error.or(live.failure_reason()).unwrap_or("no reason given");
                Readiness::Failed(format!("{state}: {reason}"))
            }
        })
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &VpcEndpointOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = describe(cx).vpc_endpoints.get(&outputs.id).await?;
        let Some(live) = live.filter(is_live) else { return Ok(None) };
        let policy = PolicyDocument::parse(live.policy_document().unwrap_or("{}"), "DescribeVpcEndpoints")?;
        let is_gateway = live.vpc_endpoint_type() == Some(&VpcEndpointType::Gateway);
        let groups = live.groups.unwrap_or_default().into_iter().filter_map(|group| group.group_id);
        Ok(Some(Self {
            vpc_id: live.vpc_id.unwrap_or_default().into(),
            service_name: live.service_name.unwrap_or_default(),
            vpc_endpoint_type: live
                .vpc_endpoint_type
                .map_or_else(String::new, |kind| kind.as_str().to_owned()),
            route_table_ids: in_order_of(
                &self.route_table_ids,
                ids(live.route_table_ids.unwrap_or_default()),
                Clone::clone,
            ),
            subnet_ids: in_order_of(&self.subnet_ids, ids(live.subnet_ids.unwrap_or_default()), Clone::clone),
            security_group_ids: in_order_of(&self.security_group_ids, ids(groups), Clone::clone),
            private_dns_enabled: live.private_dns_enabled.filter(|_| !is_gateway),
            policy_document: self.policy_document.unless_changed(policy),
            tags: visible(live.tags),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &VpcEndpointOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<VpcEndpointOutputs<Resolved>, CallError> {
        // As it is now: an update that runs again is sent what is left to do.
        let Some(before) = self.read(cx, outputs).await? else {
            return Err(CallError::new(ErrorClass::NotFound, "DescribeVpcEndpoints", "the endpoint is gone"));
        };
        self.modify(cx, &outputs.id, &before).await?;
        self.add_subnets(cx, &outputs.id, &before).await?;
        retag(cx, outputs.id.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &VpcEndpointOutputs<Resolved>) -> Result<(), CallError> {
        const OPERATION: &str = "DeleteVpcEndpoints";
        let request = cx.ec2().delete_vpc_endpoints().vpc_endpoint_ids(outputs.id.as_str());
        let answer = request.send().await.called(OPERATION);
        answer.and_then(|answer| none_unsuccessful(OPERATION, answer.unsuccessful.as_deref())).gone_is_ok()
    }

    /// While it is `deleting`, its routes still hold the tables, and its interfaces subnets and groups.
    async fn poll_gone(
        &self,
        cx: &Context,
        outputs: &VpcEndpointOutputs<Resolved>,
    ) -> Result<bool, CallError> {
        let live = describe(cx).vpc_endpoints.get(&outputs.id).await?;
        Ok(live.is_none_or(|live| state(&live) == "deleted"))
    }
}
