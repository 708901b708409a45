//! AWS Backup: vaults, plans and selections, and recovery points of jobs that somebody starts. Plans start none.

mod cron;
mod lock;
mod plan;
mod plan_rule;
mod recovery_point;
mod region_settings;
mod selection;
mod tags;
mod vault;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::plan::Plan;
use self::recovery_point::RecoveryPoint;
use self::selection::Selection;
use self::vault::Vault;
use super::{
    Answer, Api, Call, Cx, IdSource, Object, Refusal, ServiceLimits, Spread, ensure, kinds, rate, refusals,
    refuse_if, spread, unknown_operation,
};

/// Everything of one region.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    ids: IdSource,
    /// By name.
    vaults: BTreeMap<String, Vault>,
    /// By id. Deleted ones stay, for lists that include them.
    plans: BTreeMap<String, Plan>,
    /// By id.
    selections: BTreeMap<String, Selection>,
    /// By ARN.
    #[serde(default)]
    recovery_points: BTreeMap<String, RecoveryPoint>,
    /// Opt-ins that somebody set, by service.
    #[serde(default)]
    opt_ins: BTreeMap<String, bool>,
}

/// How long a write takes. Estimate.
const WRITE: Spread = spread(1.0, 0.5, 2.0);

kinds! {
    Vault: |name| not_found(format!("Backup vault {name} does not exist."));
}

impl Api for State {
    const INVALID: &'static str = "InvalidParameterValueException";
    const MISSING: &'static str = "MissingParameterValueException";
    // Unpublished; clients are known to live with it. The code is in the API Reference's "Common Errors".
    const LIMITS: ServiceLimits =
        ServiceLimits::together(rate(10.0, 10.0)).throttled("ThrottlingException", 400);
    const CALLS: &'static [(&'static str, Spread)] = &[
        ("CreateBackupVault", WRITE),
        ("DeleteBackupVault", WRITE),
        ("CreateBackupPlan", WRITE),
        ("UpdateBackupPlan", WRITE),
        ("DeleteBackupPlan", WRITE),
        ("CreateBackupSelection", WRITE),
        ("DeleteBackupSelection", WRITE),
    ];

    fn new(ids: IdSource, _region: &str) -> Self {
        State {
            ids,
            vaults: BTreeMap::new(),
            plans: BTreeMap::new(),
            selections: BTreeMap::new(),
            recovery_points: BTreeMap::new(),
            opt_ins: BTreeMap::new(),
        }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateBackupVault" => vault::create(cx, call),
            "DescribeBackupVault" => vault::describe(cx, call),
            "ListBackupVaults" => vault::list(cx, call),
            "DeleteBackupVault" => vault::delete(cx, call),
            "PutBackupVaultLockConfiguration" => lock::put(cx, call),
            "DeleteBackupVaultLockConfiguration" => lock::delete(cx, call),

            "StartBackupJob" => recovery_point::start(cx, call),
            "ListRecoveryPointsByBackupVault" => recovery_point::list(cx, call),
            "DeleteRecoveryPoint" => recovery_point::delete(cx, call),

            "CreateBackupPlan" => plan::create(cx, call),
            "GetBackupPlan" => plan::get(cx, call),
            "ListBackupPlans" => plan::list(cx, call),
            "UpdateBackupPlan" => plan::update(cx, call),
            "DeleteBackupPlan" => plan::delete(cx, call),

            "CreateBackupSelection" => selection::create(cx, call),
            "GetBackupSelection" => selection::get(cx, call),
            "ListBackupSelections" => selection::list(cx, call),
            "DeleteBackupSelection" => selection::delete(cx, call),

            "DescribeRegionSettings" => region_settings::describe(cx, call),
            "UpdateRegionSettings" => region_settings::update(cx, call),

            "TagResource" => tags::TAGS.tag(cx, call),
            "UntagResource" => tags::TAGS.untag(cx, call),
            "ListTags" => tags::list(cx, call),
            _ => Err(unknown_operation(call)),
        }
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        let vaults = self.vaults.values().map(|vault| vault.object(home));
        let plans = self.plans.values().filter(|plan| plan.is_live()).map(|plan| plan.object(home));
        let selections = self.selections.values().map(|selection| selection.object(home));
        vaults.chain(plans).chain(selections).collect()
    }
}

impl State {
    fn recovery_points_in(&self, vault: &str) -> usize {
        self.recovery_points.values().filter(|point| point.backup_vault_name == vault).count()
    }
}

refusals! {
    invalid: "InvalidParameterValueException";
    missing: "MissingParameterValueException";
    invalid_request: "InvalidRequestException";
    not_found: "ResourceNotFoundException";
}

/// Plans and selections that are not there are a parameter with a wrong value, for every operation
/// (hashicorp/terraform-provider-aws, `FindPlanByID` and `FindSelectionByTwoPartKey`, which look for "Cannot find Backup plan"
/// below this code), although the API Reference lists ResourceNotFoundException.
fn cannot_find(what: &str, id: &str) -> Refusal {
    invalid(format!("Cannot find {what} with ID {id}"))
}

/// The refusal of a name or a document that is there already, with its ARN as AWS's error has it.
fn already_exists(what: &str, arn: &str) -> Refusal {
    Refusal::new("AlreadyExistsException", format!("{what} already exists: {arn}"))
}

/// An id such as `8f81f553-3a74-4a3f-893d-b3360dc80c50`.
fn uuid(ids: &mut IdSource) -> String {
    let digits = format!("{:016x}{:016x}", ids.number(), ids.number());
    let [a, b, c, d, e] = [&digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..]];
    format!("{a}-{b}-4{c}-8{d}-{e}")
}

/// CreateBackupVault, CreateBackupPlan and CreateBackupSelection, CreatorRequestId; and names of plans: "1 to 50
/// alphanumeric or '-_.' characters".
fn check_word(member: &str, value: &str) -> Result<(), Refusal> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure((1..=50).contains(&value.len()) && value.chars().all(legal), || {
        invalid(format!("{member} must be 1 to 50 letters, digits or -_. characters, and is {value}."))
    })
}

/// One page of a list. Tokens are numbers of items.
fn page<T>(
    items: Vec<T>,
    token: Option<&str>,
    size: Option<usize>,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let wrong = || invalid("The next token is not valid.");
    let start = token.map_or(Ok(0), |token| token.parse::<usize>().map_err(|_| wrong()))?;
    let end = start.saturating_add(size.unwrap_or(1000)).min(items.len());
    refuse_if(start > end, wrong)?;
    let next = (end < items.len()).then(|| end.to_string());
    Ok((items.into_iter().take(end).skip(start).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_shape_of_a_uuid() {
        let mut ids = IdSource::new(0, "eu-west-1");
        let id = uuid(&mut ids);
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_ne!(id, uuid(&mut ids));
    }

    #[test]
    fn pages_follow_each_other_and_end() {
        let (first, token) = page(vec![1, 2, 3], None, Some(2)).expect("there is a first page");
        assert_eq!((first, token.as_deref()), (vec![1, 2], Some("2")));
        let (second, token) = page(vec![1, 2, 3], token.as_deref(), Some(2)).expect("there is a second");
        assert_eq!((second, token), (vec![3], None));
        assert!(page(vec![1], Some("9"), None).is_err());
    }
}
