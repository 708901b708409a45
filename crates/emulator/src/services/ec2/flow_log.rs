//! Flow logs of VPCs and subnets.
//!
//! The answer of CreateFlowLogs has a client token even if the call had none, flow logs to S3 have options of their files, and
//! a destination that is missing or given twice is an `InvalidParameter` whatever the type (recorded from real AWS).
//!
//! A role that flow logs cannot assume is refused (VPC User Guide, "IAM role for publishing flow logs to CloudWatch
//! Logs"; the code is the one that Terraform users report). A log group need not be there.

use serde_json::{Value, json};

use super::describe::{describe, find, not_found};
use super::guard_records::{DestinationOptions, FlowLog};
use super::tags::Tags;
use super::{Answer, Cx, Region};
use crate::protocol::parameters::Parameters;
use crate::protocol::response::{Refusal, refuse_if};

/// The service that delivers.
const DELIVERS: &str = "vpc-flow-logs.amazonaws.com";
/// EC2 API Reference, CreateFlowLogs, LogFormat: the default format.
const DEFAULT_FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} \
     ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

/// Where a flow log goes, and as whom.
#[derive(Clone)]
struct Destination {
    kind: String,
    arn: Option<String>,
    group: Option<String>,
    role: Option<String>,
    options: Option<DestinationOptions>,
}

impl Destination {
    fn read(p: &mut Parameters) -> Result<Self, Refusal> {
        let kind = p.optional("LogDestinationType")?.unwrap_or_else(|| "cloud-watch-logs".to_owned());
        let is_bucket = match kind.as_str() {
            "cloud-watch-logs" => false,
            "s3" => true,
            other => {
                let expected = "cloud-watch-logs or s3, the ones modelled";
                return Err(p.invalid("LogDestinationType", other, expected));
            }
        };
        let destination = Destination {
            kind,
            arn: p.optional("LogDestination")?,
            group: p.optional("LogGroupName")?,
            role: p.optional("DeliverLogsPermissionArn")?,
            options: options(p, is_bucket)?,
        };
        match (&destination.group, &destination.arn) {
            (Some(_), Some(_)) => {
                Err(invalid("Please only provide LogGroupName or only provide LogDestination."))
            }
            (None, None) => Err(invalid("LogDestination can't be empty if LogGroupName is not provided.")),
            (Some(_), None) if is_bucket => {
                Err(invalid("LogDestination type must be cloud-watch-logs if LogGroupName is provided."))
            }
            _ if is_bucket => destination.checked_for_bucket(),
            _ => destination.checked_for_logs(),
        }
    }

    fn checked_for_logs(self) -> Result<Self, Refusal> {
        if self.role.is_none() {
            return Err(invalid(
                "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.",
            ));
        }
        let named = self.arn.as_deref().and_then(|arn| arn.split(":log-group:").nth(1));
        let named = named.map(|name| name.trim_end_matches(":*").to_owned());
        Ok(Destination { group: self.group.or(named), ..self })
    }

    fn checked_for_bucket(self) -> Result<Self, Refusal> {
        match self.role {
            Some(_) => Err(invalid("DeliverLogsPermissionArn is not applicable for s3 delivery")),
            None => Ok(self),
        }
    }

    fn check_role(&self, cx: &Cx<'_>) -> Result<(), Refusal> {
        let Some(role) = &self.role else { return Ok(()) };
        let assumable = cx.iam.assumable(role, DELIVERS, cx.now_millis);
        assumable.map_err(|_| invalid(format!("Unable to assume given IAM role: '{role}'")))
    }

    /// The bucket, if there is none of that name. Flow logs write into every bucket of the account: they change its policy.
    fn missing_bucket(&self, cx: &Cx<'_>) -> Option<&str> {
        let path = self.arn.as_deref().filter(|_| self.kind == "s3")?.strip_prefix("arn:aws:s3:::")?;
        let name = path.split('/').next().unwrap_or_default();
        cx.s3.bucket(name).is_none().then_some(name)
    }
}

/// How the files in a bucket are written (EC2 API Reference, DestinationOptionsRequest).
fn options(p: &mut Parameters, is_bucket: bool) -> Result<Option<DestinationOptions>, Refusal> {
    let given = p.group("DestinationOptions")?;
    if !is_bucket {
        return match given {
            Some(_) => Err(invalid("DestinationOptions are only for flow logs to S3.")),
            None => Ok(None),
        };
    }
    let mut options = DestinationOptions {
        file_format: "plain-text".to_owned(),
        hive_compatible_partitions: false,
        per_hour_partition: false,
    };
    if let Some(mut given) = given {
        if let Some(format) = given.optional("FileFormat")? {
            if !["plain-text", "parquet"].contains(&format.as_str()) {
                return Err(given.invalid("FileFormat", &format, "plain-text or parquet"));
            }
            options.file_format = format;
        }
        options.hive_compatible_partitions = given.flag("HiveCompatiblePartitions")?.unwrap_or_default();
        options.per_hour_partition = given.flag("PerHourPartition")?.unwrap_or_default();
        given.finish()?;
    }
    Ok(Some(options))
}

/// The client token that EC2 makes where a call has none.
fn token(number: u64) -> String {
    format!("{:08x}-0000-4000-8000-{:012x}", number >> 32, number & 0xffff_ffff)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameter", message)
}

impl Region {
    pub(super) fn create_flow_logs(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let resource_ids = p.texts("ResourceId")?;
        let resource_type = p.text("ResourceType")?;
        let traffic_type = p.text("TrafficType")?;
        if !matches!(traffic_type.as_str(), "ACCEPT" | "REJECT" | "ALL") {
            return Err(p.invalid("TrafficType", &traffic_type, "ACCEPT, REJECT or ALL"));
        }
        let to = Destination::read(&mut p)?;
        let log_format = p.optional("LogFormat")?.unwrap_or_else(|| DEFAULT_FORMAT.to_owned());
        let max_aggregation_interval = p.number("MaxAggregationInterval")?.unwrap_or(600);
        if !matches!(max_aggregation_interval, 60 | 600) {
            let given = max_aggregation_interval.to_string();
            return Err(p.invalid("MaxAggregationInterval", &given, "60 or 600"));
        }
        let tag_set = Tags::given_to::<FlowLog>(&mut p)?;
        self.check_logged(&resource_ids, &resource_type, &p)?;
        p.finish()?;
        to.check_role(cx)?;
        if let Some(bucket) = to.missing_bucket(cx) {
            // As clients see it: the call succeeds, and the code in it is a number.
            let refusal = Refusal::new("400", format!("LogDestination: {bucket} does not exist"));
            let failed: Vec<Value> = resource_ids.iter().map(|id| unsuccessful_item(id, &refusal)).collect();
            let token = token(self.ids.number());
            return Ok(json!({"flowLogIdSet": [], "unsuccessful": failed, "clientToken": token}));
        }
        let same = |log: &FlowLog| {
            resource_ids.contains(&log.resource_id)
                && log.traffic_type.as_ref() == Some(&traffic_type)
                && log.log_destination_type == to.kind
                && log.log_destination == to.arn
                && log.log_group_name == to.group
        };
        if self.flow_logs.values().any(same) {
            let message = "There is an existing Flow Log with the same configuration and log destination.";
            return Err(Refusal::new("FlowLogAlreadyExists", message));
        }
        let mut ids = Vec::new();
        for resource_id in resource_ids {
            let to = to.clone();
            let log = FlowLog {
                flow_log_id: self.ids.id("fl"),
                resource_id,
                traffic_type: Some(traffic_type.clone()),
                log_destination_type: to.kind,
                log_destination: to.arn,
                log_group_name: to.group,
                deliver_logs_permission_arn: to.role,
                log_format: log_format.clone(),
                max_aggregation_interval,
                flow_log_status: "ACTIVE".to_owned(),
                deliver_logs_status: "SUCCESS".to_owned(),
                deliver_logs_error_message: None,
                creation_time: cx.now(),
                destination_options: to.options,
                tag_set: tag_set.clone(),
            };
            ids.push(log.flow_log_id.clone());
            self.flow_logs.create(cx, log);
        }
        let token = token(self.ids.number());
        Ok(json!({"flowLogIdSet": ids, "unsuccessful": [], "clientToken": token}))
    }

    /// Checks that what is to be logged is there.
    fn check_logged(&self, ids: &[String], kind: &str, p: &Parameters) -> Result<(), Refusal> {
        refuse_if(ids.is_empty(), || p.missing("ResourceId"))?;
        ids.iter().try_for_each(|id| match kind {
            "VPC" => find(&self.vpcs, id).map(drop),
            "Subnet" => find(&self.subnets, id).map(drop),
            other => Err(p.invalid("ResourceType", other, "VPC or Subnet, the ones modelled")),
        })
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

/// A flow log whose role cannot be assumed any more delivers nothing, and says so while it stays `ACTIVE` (EC2 API Reference,
/// FlowLog, `DeliverLogsErrorMessage`: "Access error"). It does not go on when the role is right again: users had to make it anew
/// (terraform-aws-modules/terraform-aws-vpc, issue 1262).
pub(super) fn notice_roles(cx: &mut crate::services::Cx<'_>) {
    let now = cx.now_millis;
    let lost = |log: &FlowLog| {
        let role = log.deliver_logs_permission_arn.as_deref();
        log.deliver_logs_status == "SUCCESS"
            && role.is_some_and(|role| cx.global.iam.assumable(role, DELIVERS, now).is_err())
    };
    let lost: Vec<String> =
        cx.r.ec2.flow_logs.values().filter(|log| lost(log)).map(|log| log.flow_log_id.clone()).collect();
    for id in lost {
        if let Some(log) = cx.r.ec2.flow_logs.get_mut(&id) {
            "FAILED".clone_into(&mut log.deliver_logs_status);
            log.deliver_logs_error_message = Some("Access error".to_owned());
        }
    }
}

/// One failure in a call for many objects.
pub(super) fn unsuccessful_item(id: &str, refusal: &Refusal) -> Value {
    json!({
        "resourceId": id,
        "error": {"code": refusal.code, "message": refusal.message},
    })
}
