//! Managed policies on roles.
//!
//! AWS has over a thousand managed policies of its own; those that exist here are the ones that a payment stack
//! attaches, and those of the roles that belong to services (AWS Managed Policy Reference Guide). What they allow is
//! not stored, because nothing is enforced.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, State, exceeded, invalid_input, listed, missing};
use crate::services::{Call, Refusal, Table, ensure};

/// A policy of AWS's.
struct Managed {
    /// Path and name.
    policy: &'static str,
    /// The version that is in force, the time of the first version and the time of this one.
    version: &'static str,
    created: i64,
    updated: i64,
}

const fn managed(policy: &'static str, version: &'static str, created: i64, updated: i64) -> Managed {
    Managed { policy, version, created, updated }
}

/// As AWS listed them in October 2026, by path and name.
const MANAGED: &[Managed] = &[
    managed("AWSBackupServiceRolePolicyForS3Backup", "v5", 1_645_206_024, 1_787_595_438),
    managed("AWSBackupServiceRolePolicyForS3Restore", "v2", 1_645_205_977, 1_675_728_360),
    managed("AWSXRayDaemonWriteAccess", "v2", 1_535_497_233, 1_707_861_510),
    managed("AmazonECSInfrastructureRolePolicyForLoadBalancers", "v6", 1_752_770_227, 1_770_919_265),
    managed("AmazonECS_FullAccess", "v22", 1_510_090_614, 1_788_360_427),
    managed("AmazonSSMManagedInstanceCore", "v2", 1_552_670_532, 1_558_630_461),
    managed("CloudWatchAgentServerPolicy", "v3", 1_520_384_804, 1_707_237_457),
    managed("ReadOnlyAccess", "v190", 1_423_247_988, 1_790_271_428),
    managed("aws-service-role/APIGatewayServiceRolePolicy", "v9", 1_508_520_190, 1_626_128_680),
    managed("aws-service-role/AWSApplicationAutoscalingECSServicePolicy", "v3", 1_508_975_588, 1_779_312_433),
    managed(
        "aws-service-role/AWSBackupServiceLinkedRolePolicyForBackup",
        "v31",
        1_591_139_320,
        1_770_919_176,
    ),
    managed("aws-service-role/AWSElasticLoadBalancingServiceRolePolicy", "v14", 1_505_859_544, 1_770_919_088),
    managed("aws-service-role/AmazonECSServiceRolePolicy", "v24", 1_507_943_938, 1_776_899_529),
    managed("aws-service-role/AmazonRDSServiceRolePolicy", "v14", 1_515_435_466, 1_719_873_725),
    managed("aws-service-role/WAFV2LoggingServiceRolePolicy", "v1", 1_573_080_665, 1_573_080_665),
    managed("service-role/AWSBackupServiceRolePolicyForBackup", "v30", 1_547_154_088, 1_771_875_731),
    managed("service-role/AWSBackupServiceRolePolicyForRestores", "v36", 1_547_252_634, 1_787_875_027),
    managed("service-role/AWSLambdaBasicExecutionRole", "v1", 1_428_591_823, 1_428_591_823),
    managed("service-role/AWSLambdaVPCAccessExecutionRole", "v3", 1_455_232_526, 1_704_494_306),
    managed("service-role/AmazonAPIGatewayPushToCloudWatchLogs", "v1", 1_447_285_306, 1_447_285_306),
    managed("service-role/AmazonECSInfrastructureRolePolicyForVolumes", "v5", 1_704_927_401, 1_770_919_354),
    managed("service-role/AmazonECSTaskExecutionRolePolicy", "v1", 1_510_858_102, 1_510_858_102),
    managed("service-role/AmazonRDSEnhancedMonitoringRole", "v1", 1_447_271_909, 1_447_271_909),
];

/// What the ARNs of AWS's policies begin with.
pub(super) const PREFIX: &str = "arn:aws:iam::aws:policy/";

/// The path of the policies that only the roles of services have.
const LINKED: &str = "/aws-service-role/";

/// Managed policies that a role may have (IAM User Guide, "IAM and AWS STS quotas": 10 unless raised).
const PER_ROLE: usize = 10;

fn by_arn(arn: &str) -> Option<&'static Managed> {
    let policy = arn.strip_prefix(PREFIX)?;
    MANAGED.iter().find(|managed| managed.policy == policy)
}

/// Whether a policy may be the boundary of a role.
pub(super) fn may_bound(arn: &str) -> bool {
    by_arn(arn).is_some_and(|managed| !managed.is_linked())
}

impl Managed {
    fn path_and_name(&self) -> (String, &'static str) {
        match self.policy.rsplit_once('/') {
            Some((path, name)) => (format!("/{path}/"), name),
            None => ("/".to_owned(), self.policy),
        }
    }

    fn is_linked(&self) -> bool {
        self.path_and_name().0 == LINKED
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListAttachedRolePolicies {
    role_name: String,
    #[serde(default)]
    path_prefix: String,
    max_items: Option<usize>,
    marker: Option<String>,
}

/// An ARN of a policy is `arn:aws:iam::ACCOUNT:policy/PATH/NAME`, with `aws` as the account of AWS's own
/// (IAM User Guide, "IAM identifiers", "IAM ARNs").
fn check(arn: &str) -> Result<(), Refusal> {
    let resource = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":policy/"));
    match resource {
        Some((_, policy)) if !policy.is_empty() && !policy.ends_with('/') => Ok(()),
        _ => Err(invalid_input(format!("ARN {arn} is not valid."))),
    }
}

fn no_policy(arn: &str) -> Refusal {
    missing(format!("Policy {arn} was not found."))
}

impl State {
    /// Attaching twice is the same as once. Policies of services go to the roles of services only
    /// (IAM API Reference, AttachRolePolicy, `PolicyNotAttachable`).
    pub(super) fn attach_role_policy(&mut self, call: &Call) -> Answer {
        let (role_name, policy_arn): (String, String) = call.members(&["RoleName", "PolicyArn"])?;
        let role = self.changeable(&role_name)?;
        check(&policy_arn)?;
        let managed = by_arn(&policy_arn)
            .ok_or_else(|| missing(format!("Policy {policy_arn} does not exist or is not attachable.")))?;
        if managed.is_linked() {
            let message = "Cannot attach a Service Role Policy to a Customer Role.";
            return Err(Refusal::new("PolicyNotAttachable", message));
        }
        if !role.attached_policies.contains(&policy_arn) && role.attached_policies.len() >= PER_ROLE {
            return Err(exceeded(format!("Cannot exceed quota for PoliciesPerRole: {PER_ROLE}")));
        }
        role.attached_policies.insert(policy_arn);
        Ok(json!({}))
    }

    pub(super) fn detach_role_policy(&mut self, call: &Call) -> Answer {
        let (role_name, policy_arn): (String, String) = call.members(&["RoleName", "PolicyArn"])?;
        let role = self.changeable(&role_name)?;
        check(&policy_arn)?;
        ensure(role.attached_policies.remove(&policy_arn), || no_policy(&policy_arn))?;
        Ok(json!({}))
    }

    pub(super) fn list_attached_role_policies(&self, call: &Call) -> Answer {
        let given: ListAttachedRolePolicies = call.input()?;
        let attached = self.roles.find(&given.role_name)?.attached_policies.iter();
        let mut attached: Vec<_> = attached
            .filter_map(|arn| Some((by_arn(arn)?.path_and_name(), arn)))
            .filter(|((path, _), _)| path.starts_with(&given.path_prefix))
            .map(|((_, name), arn)| (name, arn))
            .collect();
        attached.sort_unstable();
        let attached: Vec<Value> =
            attached.into_iter().map(|(name, arn)| json!({"PolicyName": name, "PolicyArn": arn})).collect();
        listed("AttachedPolicies", attached, given.max_items, given.marker.as_deref())
    }

    /// A policy of AWS's, without its id and its description.
    pub(super) fn get_policy(&self, call: &Call) -> Answer {
        let policy_arn: String = call.member("PolicyArn")?;
        check(&policy_arn)?;
        let managed = by_arn(&policy_arn).ok_or_else(|| no_policy(&policy_arn))?;
        let (path, name) = managed.path_and_name();
        let attached = self.roles.values().filter(|role| role.attached_policies.contains(&policy_arn));
        let bounds = |boundary: &Option<String>| boundary.as_ref() == Some(&policy_arn);
        let bounded = self.roles.values().filter(|role| bounds(&role.permissions_boundary));
        Ok(json!({"Policy": {
            "PolicyName": name,
            "Path": path,
            "AttachmentCount": attached.count(),
            "PermissionsBoundaryUsageCount": bounded.count(),
            "Arn": policy_arn,
            "DefaultVersionId": managed.version,
            "IsAttachable": true,
            "CreateDate": managed.created,
            "UpdateDate": managed.updated,
        }}))
    }
}
