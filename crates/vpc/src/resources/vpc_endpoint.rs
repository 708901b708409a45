//! The gateway endpoint for S3: traffic to S3 stays inside AWS, costs nothing and needs no NAT gateway.
//!
//! The surprise: its policy judges every request through it, and pulling a container image is one. The layers of
//! an ECR image are in a bucket of AWS's, fetched with a URL that ECR has signed with its own account, so a policy
//! that lets only our account through breaks every start of a task. [`s3_policy`] makes that one exception.

use std::time::Duration;

use async_trait::async_trait;
use aws::ec2::{by_intent, none_unsuccessful, retag};
use aws::policy::{PolicyDocument, Principal, Statement};
use aws::{CallResult, Called, Context, RouteTableId, Tags, VpcEndpointId, VpcId, replaced_by, required};
use aws_sdk_ec2::types::{ResourceType, VpcEndpoint as Live, VpcEndpointType};
use engine::{
    CallError, Change, Changed, Declared, Declares, Input, Intent, Readiness, Resolved, Resource, Settle,
    Stage,
};
use serde::{Deserialize, Serialize};

use super::visible;

/// The properties of a gateway endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcEndpoint<S: Stage = Declared> {
    /// The VPC that it is in.
    pub vpc_id: S::Of<VpcId>,
    /// The service that it leads to, such as `com.amazonaws.ap-southeast-1.s3`.
    pub service_name: String,
    /// `Gateway`: a route, not a network interface.
    pub vpc_endpoint_type: String,
    /// The tables that get the route. Their order has no meaning.
    pub route_table_ids: Vec<S::Of<RouteTableId>>,
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

/// The tables in the order in which they were recorded, so that AWS's order is not a difference.
fn in_order_of(recorded: &[RouteTableId], live: Vec<String>) -> Vec<RouteTableId> {
    let mut tables: Vec<RouteTableId> = live.into_iter().map(Into::into).collect();
    let place = |table: &RouteTableId| recorded.iter().position(|one| one == table).unwrap_or(usize::MAX);
    tables.sort_by(|left, right| place(left).cmp(&place(right)).then_with(|| left.cmp(right)));
    tables
}

fn ids<'a>(tables: impl Iterator<Item = &'a RouteTableId>) -> Option<Vec<String>> {
    let tables: Vec<_> = tables.map(ToString::to_string).collect();
    Some(tables).filter(|tables| !tables.is_empty())
}

#[async_trait]
impl Resource for VpcEndpoint<Resolved> {
    const KIND: &'static str = "AWS::EC2::VPCEndpoint";
    const SETTLE: Settle = Settle::Token;
    const READY_WITHIN: Duration = Duration::from_secs(300);
    const TYPICAL_SECONDS: (u32, u32) = (8, 10);
    type Context = Context;
    type Declared = VpcEndpoint<Declared>;
    type Outputs<S: Stage> = VpcEndpointOutputs<S>;

    fn change(property: &str) -> Change {
        replaced_by(property, &["VpcId", "ServiceName", "VpcEndpointType"])
    }

    fn claim(&self) -> Option<String> {
        // A route table can lead to a service through one gateway endpoint only.
        Some(format!("{} {}", self.vpc_id, self.service_name))
    }

    async fn find(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<Option<VpcEndpointOutputs<Resolved>>, CallError> {
        let request = cx.ec2().describe_vpc_endpoints().filters(by_intent(intent));
        let answer = request.send().await.called("DescribeVpcEndpoints")?;
        let live = answer.vpc_endpoints.unwrap_or_default().into_iter().find(is_live);
        let id = live.and_then(|endpoint| endpoint.vpc_endpoint_id);
        Ok(id.map(|id| VpcEndpointOutputs { id: id.into() }))
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
            .set_route_table_ids(ids(self.route_table_ids.iter()))
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
        let Some(live) = cx.describe().vpc_endpoints.get(&outputs.id).await? else {
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
        let live = cx.describe().vpc_endpoints.get(&outputs.id).await?;
        let Some(live) = live.filter(is_live) else { return Ok(None) };
        let policy = PolicyDocument::parse(live.policy_document().unwrap_or("{}"), "DescribeVpcEndpoints")?;
        Ok(Some(Self {
            vpc_id: live.vpc_id.unwrap_or_default().into(),
            service_name: live.service_name.unwrap_or_default(),
            vpc_endpoint_type: live
                .vpc_endpoint_type
                .map_or_else(String::new, |kind| kind.as_str().to_owned()),
            route_table_ids: in_order_of(&self.route_table_ids, live.route_table_ids.unwrap_or_default()),
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
        let (wanted, live) = (&self.route_table_ids, &changed.before.route_table_ids);
        let add = ids(wanted.iter().filter(|table| !live.contains(table)));
        let remove = ids(live.iter().filter(|table| !wanted.contains(table)));
        let policy = changed.has("PolicyDocument").then(|| self.policy_document.to_json());
        if add.is_some() || remove.is_some() || policy.is_some() {
            let request = cx
                .ec2()
                .modify_vpc_endpoint()
                .vpc_endpoint_id(outputs.id.as_str())
                .set_add_route_table_ids(add)
                .set_remove_route_table_ids(remove)
                .set_policy_document(policy);
            request.send().await.called("ModifyVpcEndpoint")?;
        }
        retag(cx, outputs.id.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &VpcEndpointOutputs<Resolved>) -> Result<(), CallError> {
        const OPERATION: &str = "DeleteVpcEndpoints";
        let request = cx.ec2().delete_vpc_endpoints().vpc_endpoint_ids(outputs.id.as_str());
        let answer = request.send().await.called(OPERATION);
        answer.and_then(|answer| none_unsuccessful(OPERATION, answer.unsuccessful.as_deref())).gone_is_ok()
    }

    /// While it is `deleting`, its routes still hold the tables.
    async fn poll_gone(
        &self,
        cx: &Context,
        outputs: &VpcEndpointOutputs<Resolved>,
    ) -> Result<bool, CallError> {
        let live = cx.describe().vpc_endpoints.get(&outputs.id).await?;
        Ok(live.is_none_or(|live| state(&live) == "deleted"))
    }
}
