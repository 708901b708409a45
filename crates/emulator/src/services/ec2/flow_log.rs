//! Flow logs of VPCs and subnets.
//!
//! A role that is too new to be assumed is refused (VPC User Guide, "IAM role for publishing flow logs to CloudWatch
//! Logs"; the code is the one that Terraform users report). Whether there is such a role at all is not checked.

use serde_json::json;

use super::describe::{describe, find, not_found};
use super::records::FlowLog;
use super::tags::Tags;
use super::{Answer, Cx, Region};
use crate::parameters::Parameters;
use crate::response::Refusal;

/// EC2 API Reference, CreateFlowLogs, LogFormat: the default format.
const DEFAULT_FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} \
     ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

impl Region {
    pub(super) fn create_flow_logs(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let resource_ids = p.texts("ResourceId")?;
        let resource_type = p.text("ResourceType")?;
        let traffic_type = p.text("TrafficType")?;
        if !matches!(traffic_type.as_str(), "ACCEPT" | "REJECT" | "ALL") {
            return Err(p.invalid("TrafficType", &traffic_type, "ACCEPT, REJECT or ALL"));
        }
        let log_destination_type =
            p.optional("LogDestinationType")?.unwrap_or_else(|| "cloud-watch-logs".to_owned());
        let log_destination = p.optional("LogDestination")?;
        let mut log_group_name = p.optional("LogGroupName")?;
        let deliver_logs_permission_arn = p.optional("DeliverLogsPermissionArn")?;
        match log_destination_type.as_str() {
            "cloud-watch-logs" => {
                match (&log_group_name, &log_destination) {
                    (Some(_), None) => {}
                    (None, Some(arn)) => {
                        log_group_name = arn
                            .split(":log-group:")
                            .nth(1)
                            .map(|name| name.trim_end_matches(":*").to_owned());
                    }
                    (None, None) => return Err(p.missing("LogGroupName")),
                    (Some(_), Some(_)) => {
                        let message = "Please only provide LogGroupName or only provide LogDestination.";
                        return Err(Refusal::new("InvalidParameter", message));
                    }
                }
                if deliver_logs_permission_arn.is_none() {
                    let message = "DeliverLogsPermissionArn can't be empty if \
                                   LogDestinationType is cloud-watch-logs.";
                    return Err(Refusal::new("InvalidParameter", message));
                }
            }
            "s3" if log_destination.is_some() => {}
            "s3" => return Err(p.missing("LogDestination")),
            other => {
                let expected = "cloud-watch-logs or s3, the ones modelled";
                return Err(p.invalid("LogDestinationType", other, expected));
            }
        }
        let log_format = p.optional("LogFormat")?.unwrap_or_else(|| DEFAULT_FORMAT.to_owned());
        let max_aggregation_interval = p.number("MaxAggregationInterval")?.unwrap_or(600);
        if !matches!(max_aggregation_interval, 60 | 600) {
            let given = max_aggregation_interval.to_string();
            return Err(p.invalid("MaxAggregationInterval", &given, "60 or 600"));
        }
        let tag_set = Tags::given_to::<FlowLog>(&mut p)?;
        if resource_ids.is_empty() {
            return Err(p.missing("ResourceId"));
        }
        for id in &resource_ids {
            match resource_type.as_str() {
                "VPC" => find(&self.vpcs, id).map(drop)?,
                "Subnet" => find(&self.subnets, id).map(drop)?,
                other => {
                    return Err(p.invalid("ResourceType", other, "VPC or Subnet, the ones modelled"));
                }
            }
        }
        p.finish()?;
        if let Some(arn) =
            deliver_logs_permission_arn.as_ref().filter(|arn| !cx.iam.role_is_visible(arn, cx.now_millis))
        {
            let message = format!("Unable to assume given IAM role: '{arn}'");
            return Err(Refusal::new("InvalidParameter", message));
        }
        let same = |log: &FlowLog| {
            resource_ids.contains(&log.resource_id)
                && log.traffic_type.as_ref() == Some(&traffic_type)
                && log.log_destination_type == log_destination_type
                && log.log_destination == log_destination
                && log.log_group_name == log_group_name
        };
        if self.flow_logs.values().any(same) {
            let message = "There is an existing Flow Log with the same configuration and log destination.";
            return Err(Refusal::new("FlowLogAlreadyExists", message));
        }
        let mut ids = Vec::new();
        for resource_id in resource_ids {
            let log = FlowLog {
                flow_log_id: self.ids.id("fl"),
                resource_id,
                traffic_type: Some(traffic_type.clone()),
                log_destination_type: log_destination_type.clone(),
                log_destination: log_destination.clone(),
                log_group_name: log_group_name.clone(),
                deliver_logs_permission_arn: deliver_logs_permission_arn.clone(),
                log_format: log_format.clone(),
                max_aggregation_interval,
                flow_log_status: "ACTIVE".to_owned(),
                deliver_logs_status: "SUCCESS".to_owned(),
                creation_time: cx.now(),
                tag_set: tag_set.clone(),
            };
            ids.push(log.flow_log_id.clone());
            self.flow_logs.create(cx, log);
        }
        Ok(json!({"flowLogIdSet": ids, "unsuccessful": []}))
    }

    pub(super) fn describe_flow_logs(&self, p: Parameters) -> Answer {
        describe(&self.flow_logs, p)
    }

    /// Succeeds even if it deletes nothing; what failed is listed (EC2 API Reference, DeleteFlowLogs).
    pub(super) fn delete_flow_logs(&mut self, mut p: Parameters) -> Answer {
        let ids = p.texts("FlowLogId")?;
        p.finish()?;
        let mut unsuccessful = Vec::new();
        for id in ids {
            match self.flow_logs.seen(&id) {
                Some(_) => self.flow_logs.remove(&id),
                None => unsuccessful.push(unsuccessful_item(&id, &not_found::<FlowLog>(&id))),
            }
        }
        Ok(json!({"unsuccessful": unsuccessful}))
    }
}

/// One failure in a call for many objects.
pub(super) fn unsuccessful_item(id: &str, refusal: &Refusal) -> serde_json::Value {
    json!({
        "resourceId": id,
        "error": {"code": refusal.code, "message": refusal.message},
    })
}
