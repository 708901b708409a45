//! What RDS looks up and does in other services.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::kind::{combination, invalid};
use super::versions::ENGINE;
use crate::services::secretsmanager::Managed;
use crate::services::{Cx, Refusal, Tags, ensure, iam};

/// The key of RDS's own that encrypts storage where no other was asked for.
pub(super) const OWN_KEY: &str = "alias/aws/rds";
/// The same for managed secrets.
pub(super) const OWN_SECRET_KEY: &str = "alias/aws/secretsmanager";

/// The ARN of a key, whichever way it was named (RDS API Reference, CreateDBCluster, `KmsKeyId`, and error
/// `KMSKeyNotAccessibleFault`).
pub(super) fn key_arn(cx: &Cx<'_>, key: &str) -> Result<String, Refusal> {
    cx.r.kms.usable(key).map(|found| found.arn.clone()).map_err(|problem| {
        Refusal::new("KMSKeyNotAccessibleFault", format!("The key {key} is not accessible: {problem}"))
    })
}

/// The first of these calls in an account makes the role by which RDS works there, and RDS cannot use it at once (RDS User
/// Guide, "Using service-linked roles for Amazon RDS"; the message is what clients in new accounts report).
pub(super) fn check_linked_role(cx: &mut Cx<'_>, operation: &str) -> Result<(), Refusal> {
    let needs_it = matches!(operation, "CreateDBSubnetGroup" | "CreateDBCluster" | "CreateDBInstance");
    ensure(!needs_it || iam::State::usable_link(cx, "rds.amazonaws.com"), || {
        Refusal::new(
            "InvalidParameterValue",
            "Unable to create the resource. Verify that you have permission to create service linked role. Otherwise wait \
             and try again later",
        )
    })
}

/// Makes the secret of a cluster's master user (Aurora User Guide, "Password management with Amazon Aurora and AWS
/// Secrets Manager"), and gives its ARN.
pub(super) fn create_secret(cx: &mut Cx<'_>, cluster_arn: &str, username: &str, key_arn: &str) -> String {
    let name = format!("rds!cluster-{}", uuid(cx));
    let description = format!("The secret associated with the primary RDS DB cluster: {cluster_arn}");
    let tags = Tags::from([("aws:rds:primaryDBClusterArn".to_owned(), cluster_arn.to_owned())]);
    // A secret does not name the key that all have by default.
    let own = self::key_arn(cx, OWN_SECRET_KEY).is_ok_and(|own| own == key_arn);
    let managed = Managed {
        owner: "rds",
        name: &name,
        description: &description,
        kms_key_id: Some(key_arn).filter(|_| !own),
        username,
        tags,
    };
    cx.r.secretsmanager.create_managed(cx.region, cx.now_millis, managed)
}

/// Makes the groups that a cluster's logs are published to, where they are not there. They keep events forever
/// (Aurora User Guide, "Publishing Aurora PostgreSQL logs to Amazon CloudWatch Logs").
pub(super) fn ensure_log_groups(cx: &mut Cx<'_>, cluster: &str, log_types: &[String]) {
    for log_type in log_types {
        let name = format!("/aws/rds/cluster/{cluster}/{log_type}");
        cx.r.logs.ensure_group(cx.region, cx.now_millis, &name);
    }
}

/// Refuses a role that RDS cannot assume to monitor instances (Aurora User Guide, "Setting up and enabling Enhanced
/// Monitoring").
pub(super) fn check_monitoring_role(cx: &Cx<'_>, role_arn: &str) -> Result<(), Refusal> {
    cx.global.iam.assumable(role_arn, "monitoring.rds.amazonaws.com", cx.now_millis).map_err(|_| {
        invalid(
            "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING",
        )
    })
}

/// A security group that a cluster is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Membership {
    pub(super) vpc_security_group_id: String,
    status: String,
}

/// The security groups that were asked for, or the VPC's default one.
pub(super) fn security_groups(
    cx: &Cx<'_>,
    asked: Option<Vec<String>>,
    vpc_id: &str,
) -> Result<Vec<Membership>, Refusal> {
    let ids = match asked {
        Some(ids) if !ids.is_empty() => ids,
        _ => cx.r.ec2.default_group(vpc_id).into_iter().collect(),
    };
    ids.into_iter().map(|id| security_group(cx, id, vpc_id)).collect()
}

fn security_group(cx: &Cx<'_>, id: String, vpc_id: &str) -> Result<Membership, Refusal> {
    match cx.r.ec2.group_vpc(&id) {
        None => Err(invalid(format!("Invalid security group, groupId= {id}, groupName=."))),
        Some(other) if other != vpc_id => Err(combination(format!(
            "The DB instance and EC2 security group are in different VPCs. The DB instance is in {vpc_id} and the EC2 \
             security group is in {other}"
        ))),
        Some(_) => Ok(Membership { vpc_security_group_id: id, status: "active".to_owned() }),
    }
}

/// The three zones of a cluster's storage: those asked for, then those of its subnets, then others of the region
/// (RDS API Reference, CreateDBCluster, `AvailabilityZones`).
pub(super) fn storage_zones(
    cx: &Cx<'_>,
    asked: &[String],
    subnet_zones: &BTreeSet<String>,
) -> Result<Vec<String>, Refusal> {
    let known = crate::services::ec2::zone_names(cx.region)?;
    if let Some(bad) = asked.iter().find(|zone| !known.contains(zone)) {
        let message = format!(
            "Availability zone '[{bad}]' is unavailable in this region, please choose another zone set."
        );
        return Err(Refusal::new("InvalidVPCNetworkStateFault", message));
    }
    if asked.len() > 3 {
        return Err(invalid(format!("{ENGINE} clusters can have three Availability Zones at most.")));
    }
    let mut zones: BTreeSet<String> = asked.iter().cloned().collect();
    for zone in subnet_zones.iter().chain(&known) {
        if zones.len() < 3 {
            zones.insert(zone.clone());
        }
    }
    Ok(zones.into_iter().collect())
}

/// Six, twelve or more characters that no other object has.
pub(super) fn letters(cx: &mut Cx<'_>, count: usize) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    while text.len() < count {
        let mut number = cx.r.rds.ids.number();
        // A number of 64 bits is 13 digits of 5 bits.
        for _ in 0..13.min(count - text.len()) {
            text.push(char::from(DIGITS[(number % 32) as usize]));
            number /= 32;
        }
    }
    text
}

fn uuid(cx: &mut Cx<'_>) -> String {
    let (high, low) = (cx.r.rds.ids.number(), cx.r.rds.ids.number());
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}
