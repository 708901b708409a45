//! Whether AWS Backup backs up Aurora clusters at all: a setting of the whole account in a region.
//!
//! AWS's documentation has it both ways: what is assigned by its ARN is backed up even where the service is not opted in
//! (AWS Backup API Reference, UpdateRegionSettings), and a service that is not is left out ("Getting started 1: Service
//! opt-in"). What a new account has is not documented. So it must be on, whichever is true: where it is off, the selection is
//! refused with the reason, or it is turned on if the configuration says so. It is the account's, and other backup plans may
//! count on it by now: it is never turned off.

use aws::{Called, Context};
use engine::{CallError, ErrorClass};
use serde::{Deserialize, Serialize};

use super::vaults::backup;

/// The service's name in the setting.
const AURORA: &str = "Aurora";

/// Whether AWS Backup backs up Aurora clusters, for the whole account in the region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceOptIn {
    /// Whether it does.
    pub aurora: bool,
    /// Whether it may be turned on, for the whole account in the region.
    pub turned_on_for_account: bool,
}

/// Asks AWS Backup whether it backs up Aurora clusters in this account and region: one call, `backup:DescribeRegionSettings`.
///
/// # Errors
/// As the call fails.
pub async fn has_aurora(cx: &Context) -> Result<bool, CallError> {
    let answer = backup(cx).describe_region_settings().send().await.called("DescribeRegionSettings")?;
    let services = answer.resource_type_opt_in_preference.unwrap_or_default();
    // A region in which the service is not listed has no setting that could leave it out.
    Ok(services.get(AURORA).copied().unwrap_or(true))
}

impl ServiceOptIn {
    /// Refuses where AWS Backup would leave the cluster out and that may not be changed. Sends nothing that changes anything.
    pub(super) async fn check(self, cx: &Context, operation: &str) -> Result<(), CallError> {
        if !self.aurora || self.turned_on_for_account || has_aurora(cx).await? {
            return Ok(());
        }
        let reason = "AWS Backup does not back up Aurora clusters in this account and region: its service opt-in is off. \
                      Set `backup.vault.opt_in` to turn it on for the whole account in this region, or turn it on in the \
                      console of AWS Backup, under Settings";
        Err(CallError::new(ErrorClass::Invalid, operation, reason))
    }

    /// Turns it on where it is off and may be turned on.
    pub(super) async fn ensure(self, cx: &Context) -> Result<(), CallError> {
        const OPERATION: &str = "UpdateRegionSettings";
        if !self.aurora || has_aurora(cx).await? {
            return Ok(());
        }
        self.check(cx, OPERATION).await?;
        // What is not named stays as it is.
        let request = backup(cx).update_region_settings().resource_type_opt_in_preference(AURORA, true);
        request.send().await.called(OPERATION).map(drop)
    }
}
