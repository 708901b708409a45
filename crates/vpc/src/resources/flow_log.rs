//! The flow log: who talked to whom in the VPC, kept for seven years (Security Hub EC2.6, PCI DSS 10.2).
//!
//! The surprise: a flow log cannot be changed, only replaced, and AWS refuses two with the same settings for one
//! VPC. It writes with a role; a role that was made a moment ago is not usable yet, which AWS reports as an
//! invalid parameter. And one whose role was lost delivers nothing while its status stays `ACTIVE`, also when the role is right
//! again: it is replaced.

use async_trait::async_trait;
use aws::ec2::{found_by, ours, ready_when_seen, retag, sighted};
use aws::{CallResult, Called, Context, LogGroupName, RoleArn, Tags, VpcId, required};
use aws_sdk_ec2::types::{
    FlowLog as Live, FlowLogsResourceType, LogDestinationType, ResourceType, TrafficType,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Listed, Loss,
    Named, Readiness, Reads, Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging, Template,
    Times,
};
use serde::{Deserialize, Serialize};

use super::{none_unsuccessful, visible};
use crate::FlowLogId;
use crate::describe::describe;

/// The properties of a flow log of a VPC, into a log group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct FlowLog<S: Stage = Declared> {
    /// `VPC`: every network interface in it.
    pub resource_type: String,
    /// The VPC.
    pub resource_id: S::Of<VpcId>,
    /// `ALL`, `ACCEPT` or `REJECT`.
    pub traffic_type: String,
    /// `cloud-watch-logs`.
    pub log_destination_type: String,
    /// Where records go.
    pub log_group_name: S::Of<LogGroupName>,
    /// The role with which they are written.
    pub deliver_logs_permission_arn: S::Of<RoleArn>,
    /// How many seconds one record sums up: 60 or 600.
    pub max_aggregation_interval: i32,
    /// Why nothing is delivered, such as `Access error`. Never declared: it is what a look finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliver_logs_error_message: Option<String>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct FlowLogOutputs<S: Stage> {
    /// The flow log.
    pub id: S::Of<FlowLogId>,
}

impl Declares for FlowLog<Declared> {
    type Resolved = FlowLog<Resolved>;
}

/// What AWS answers while a fresh role cannot be assumed yet.
const ROLE_NOT_USABLE: &str = "InvalidParameter";

#[async_trait]
impl Resource for FlowLog<Resolved> {
    const KIND: &'static str = "AWS::EC2::FlowLog";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::AllBut(&["Tags"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { own_properties: &["DeliverLogsErrorMessage"], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 2, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId { parts: &["Id"], words: "the id of the flow log", example: "fl-0a1b2c3d4e5f60718" },
        reads: Reads { least: 1, most: 1, together: Some("DescribeFlowLogs") },
        cost: Some("vended-log-delivery"),
    };
    const SETTLE: Settle = Settle::Token;
    const CLOSED: &'static [&'static str] = &["DeliverLogsErrorMessage"];
    type Context = Context;
    type Declared = FlowLog<Declared>;
    type Outputs<S: Stage> = FlowLogOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{} {}", self.resource_id, self.log_group_name))
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<FlowLogOutputs<Resolved>>, CallError> {
        let request = cx.ec2().describe_flow_logs().set_filter(Some(found_by(cx, search)));
        let answer = request.send().await.called("DescribeFlowLogs")?;
        let id = answer.flow_logs.unwrap_or_default().into_iter().find_map(|flow_log| flow_log.flow_log_id);
        Ok(id.map(|id| FlowLogOutputs { id: id.into() }))
    }

    async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<FlowLogOutputs<Resolved>>>>, CallError> {
        let request = cx.ec2().describe_flow_logs().set_filter(Some(ours(cx)));
        let answer = request.send().await.called("DescribeFlowLogs")?;
        let found = answer.flow_logs.unwrap_or_default().into_iter();
        let sighted = found.filter_map(|live| {
            let outputs = live.flow_log_id.map(|id| FlowLogOutputs { id: id.into() });
            sighted(cx, outputs, live.tags.as_deref(), live.creation_time.as_ref())
        });
        Ok(Some(sighted.collect()))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<FlowLogOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateFlowLogs";
        let request = cx
            .ec2()
            .create_flow_logs()
            .client_token(&intent.token)
            .resource_type(FlowLogsResourceType::from(self.resource_type.as_str()))
            .resource_ids(self.resource_id.as_str())
            .traffic_type(TrafficType::from(self.traffic_type.as_str()))
            .log_destination_type(LogDestinationType::from(self.log_destination_type.as_str()))
            .log_group_name(self.log_group_name.as_str())
            .deliver_logs_permission_arn(self.deliver_logs_permission_arn.as_str())
            .max_aggregation_interval(self.max_aggregation_interval)
            .tag_specifications(cx.stamp(&self.tags, intent)?.ec2(ResourceType::VpcFlowLog));
        let answer = request.send().await.called(OPERATION);
        let answer = answer
            .and_then(|answer| none_unsuccessful(OPERATION, answer.unsuccessful.as_deref()).map(|()| answer))
            .classed(&[ROLE_NOT_USABLE], ErrorClass::NotYet)
            // EC2 does not say what is not allowed.
            .once_spread(cx, &["UnauthorizedOperation"])
            .once_visible()?;
        let id = answer.flow_log_ids.unwrap_or_default().into_iter().next();
        Ok(FlowLogOutputs { id: required(id, OPERATION, "FlowLogId")?.into() })
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &FlowLogOutputs<Resolved>,
    ) -> Result<Readiness<FlowLogOutputs<Resolved>>, CallError> {
        Ok(ready_when_seen(describe(cx).flow_logs.get(&outputs.id).await?, outputs))
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &FlowLogOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = describe(cx).flow_logs.get(&outputs.id).await? else { return Ok(None) };
        let Live { traffic_type, log_destination_type, .. } = &live;
        Ok(Some(Self {
            // AWS does not return the type; the id's prefix says the same.
            resource_type: self.resource_type.clone(),
            resource_id: live.resource_id().unwrap_or_default().into(),
            traffic_type: traffic_type.as_ref().map_or("", TrafficType::as_str).to_owned(),
            log_destination_type: log_destination_type
                .as_ref()
                .map_or("", LogDestinationType::as_str)
                .to_owned(),
            log_group_name: live.log_group_name().unwrap_or_default().into(),
            deliver_logs_permission_arn: live.deliver_logs_permission_arn().unwrap_or_default().into(),
            max_aggregation_interval: live.max_aggregation_interval().unwrap_or_default(),
            deliver_logs_error_message: (live.deliver_logs_status() == Some("FAILED"))
                .then(|| live.deliver_logs_error_message().unwrap_or("AWS gives no reason").to_owned()),
            tags: visible(live.tags),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &FlowLogOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<FlowLogOutputs<Resolved>, CallError> {
        retag(cx, outputs.id.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &FlowLogOutputs<Resolved>) -> Result<(), CallError> {
        const OPERATION: &str = "DeleteFlowLogs";
        let request = cx.ec2().delete_flow_logs().flow_log_ids(outputs.id.as_str());
        let answer = request.send().await.called(OPERATION);
        answer.and_then(|answer| none_unsuccessful(OPERATION, answer.unsuccessful.as_deref())).gone_is_ok()
    }
}
