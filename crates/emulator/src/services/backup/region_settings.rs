//! Which services AWS Backup backs up in a region: one setting for the whole account.
//!
//! What a new account has is not documented: here Aurora is off, which is the harder case. As AWS has it now, the opt-in is
//! asked for selections by tag only, and older texts ask it for every selection (AWS Backup API Reference,
//! UpdateRegionSettings; AWS Backup Developer Guide, "Getting started 1: Service opt-in"). No job is made from a plan here, so
//! nothing else depends on it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{State, invalid};
use crate::services::{Answer, Call, Cx};

/// The services that have an opt-in, and what a new account has.
const SERVICES: [(&str, bool); 18] = [
    ("Aurora", false),
    ("CloudFormation", true),
    ("DocumentDB", true),
    ("DynamoDB", true),
    ("EBS", true),
    ("EC2", true),
    ("EFS", true),
    ("EKS", true),
    ("FSx", true),
    ("Neptune", true),
    ("RDS", true),
    ("Redshift", true),
    ("Redshift Serverless", true),
    ("S3", true),
    ("SAP HANA on Amazon EC2", true),
    ("Storage Gateway", true),
    ("Timestream", true),
    ("VirtualMachine", true),
];

/// By service.
type Preference = BTreeMap<String, bool>;

impl State {
    fn opt_ins(&self) -> BTreeMap<&str, bool> {
        let by_default = SERVICES.into_iter();
        by_default.chain(self.opt_ins.iter().map(|(name, is_on)| (name.as_str(), *is_on))).collect()
    }
}

pub(super) fn describe(cx: &mut Cx<'_>, _call: &Call) -> Answer {
    Ok(json!({
        "ResourceTypeOptInPreference": cx.r.backup.opt_ins(),
        "ResourceTypeManagementPreference": {"DynamoDB": true, "EFS": true},
    }))
}

/// What is not named stays as it is. A service that has no opt-in is refused (hashicorp/terraform-provider-aws#21801).
pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (opt_ins, management): (Option<Preference>, Option<Preference>) =
        call.members(&["ResourceTypeOptInPreference", "ResourceTypeManagementPreference"])?;
    if management.is_some() {
        return Err(invalid("The emulator does not model ResourceTypeManagementPreference."));
    }
    let wanted = opt_ins.unwrap_or_default();
    if wanted.keys().any(|name| !SERVICES.iter().any(|(known, _)| known == name)) {
        return Err(invalid("Element present in resource type opt in preference has invalid values"));
    }
    cx.r.backup.opt_ins.extend(wanted);
    Ok(Value::Null)
}
