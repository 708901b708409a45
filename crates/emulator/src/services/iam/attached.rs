//! Managed policies on roles.
//!
//! AWS has over a thousand managed policies of its own; those that exist here are the ones that a payment stack
//! attaches (AWS Managed Policy Reference Guide). What they allow is not stored, because nothing is enforced. Policies
//! that a customer made are winterbaume's.

use serde_json::{Value, json};
use winterbaume_iam::views::{AttachedPolicyView, RoleView};

use super::{Iam, missing};
use crate::parameters::Parameters;
use crate::response::Refusal;

/// AWS's policies by path and name, which follow `arn:aws:iam::aws:policy/`.
const MANAGED_BY_AWS: [&str; 16] = [
    "AWSBackupServiceRolePolicyForS3Backup",
    "AWSBackupServiceRolePolicyForS3Restore",
    "AWSXRayDaemonWriteAccess",
    "AmazonECSInfrastructureRolePolicyForLoadBalancers",
    "AmazonECS_FullAccess",
    "AmazonSSMManagedInstanceCore",
    "CloudWatchAgentServerPolicy",
    "ReadOnlyAccess",
    "service-role/AWSBackupServiceRolePolicyForBackup",
    "service-role/AWSBackupServiceRolePolicyForRestores",
    "service-role/AWSLambdaBasicExecutionRole",
    "service-role/AWSLambdaVPCAccessExecutionRole",
    "service-role/AmazonAPIGatewayPushToCloudWatchLogs",
    "service-role/AmazonECSInfrastructureRolePolicyForVolumes",
    "service-role/AmazonECSTaskExecutionRolePolicy",
    "service-role/AmazonRDSEnhancedMonitoringRole",
];

const PREFIX: &str = "arn:aws:iam::aws:policy/";

/// Managed policies that a role may have (IAM User Guide, "IAM and AWS STS quotas": 10 unless raised).
const PER_ROLE: usize = 10;

/// Path and name of a policy, from its ARN.
fn path_and_name(arn: &str) -> Option<(String, &str)> {
    let (_, resource) = arn.strip_prefix("arn:aws:iam::")?.split_once(":policy/")?;
    let (path, name) = resource.rsplit_once('/').unwrap_or(("", resource));
    let path = if path.is_empty() { "/".to_owned() } else { format!("/{path}/") };
    (!name.is_empty()).then_some((path, name))
}

impl Iam {
    /// Attaching twice is the same as once. A customer's policy is left to winterbaume, which counts its roles.
    pub(super) async fn attach_role_policy(&self, mut p: Parameters) -> Result<Option<Value>, Refusal> {
        let mut role = self.role(&p.text("RoleName")?).await?;
        let arn = p.text("PolicyArn")?;
        p.finish()?;
        let Some((_, name)) = path_and_name(&arn) else {
            return Err(Refusal::new("InvalidInput", format!("ARN {arn} is not valid.")));
        };
        let is_attached = has(&role, &arn);
        if !is_attached && role.attached_policies.len() >= PER_ROLE {
            let message = format!("Cannot exceed quota for PoliciesPerRole: {PER_ROLE}");
            return Err(Refusal::new("LimitExceeded", message).with_status(409));
        }
        let is_aws = arn.strip_prefix(PREFIX).is_some_and(|policy| MANAGED_BY_AWS.contains(&policy));
        if !is_aws {
            return match self.view().await.policies.contains_key(&arn) {
                true => Ok(None),
                false => Err(missing(format!("Policy {arn} does not exist or is not attachable."))),
            };
        }
        if !is_attached {
            let policy_name = name.to_owned();
            role.attached_policies.push(AttachedPolicyView { policy_name, policy_arn: arn });
            self.put(role).await?;
        }
        Ok(Some(json!({})))
    }

    pub(super) async fn detach_role_policy(&self, mut p: Parameters) -> Result<Option<Value>, Refusal> {
        let mut role = self.role(&p.text("RoleName")?).await?;
        let arn = p.text("PolicyArn")?;
        p.finish()?;
        if !has(&role, &arn) {
            return Err(missing(format!("Policy {arn} was not found.")));
        }
        if !arn.starts_with(PREFIX) {
            return Ok(None);
        }
        role.attached_policies.retain(|policy| policy.policy_arn != arn);
        self.put(role).await?;
        Ok(Some(json!({})))
    }

    pub(super) async fn list_attached_role_policies(&self, mut p: Parameters) -> Result<Value, Refusal> {
        let role = self.role(&p.text("RoleName")?).await?;
        let prefix = p.optional("PathPrefix")?.unwrap_or_default();
        p.number("MaxItems")?;
        p.finish()?;
        let mut attached = role.attached_policies;
        attached.retain(|policy| {
            path_and_name(&policy.policy_arn).is_some_and(|(path, _)| path.starts_with(&prefix))
        });
        attached.sort_by(|a, b| a.policy_name.cmp(&b.policy_name));
        let attached: Vec<Value> = attached
            .into_iter()
            .map(|policy| json!({"PolicyName": policy.policy_name, "PolicyArn": policy.policy_arn}))
            .collect();
        Ok(json!({"AttachedPolicies": attached, "IsTruncated": false}))
    }
}

fn has(role: &RoleView, arn: &str) -> bool {
    role.attached_policies.iter().any(|policy| policy.policy_arn == arn)
}
