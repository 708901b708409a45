//! Rotation of key material. Nothing is encrypted, so nothing is rotated but the date of the next time.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::key::{Key, KeyState, OneKey};
use super::{Answer, Cx, Refusal, State, unsupported};
use crate::request::Call;

const DAY_SECONDS: f64 = 86_400.0;

/// How often the material changes unless it is said, in days, and that of AWS's own keys
/// (KMS API Reference, EnableKeyRotation).
const YEAR: i64 = 365;

/// The rotation of a key that has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rotation {
    period_days: i64,
    next_seconds: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct EnableKeyRotation {
    key_id: String,
    rotation_period_in_days: Option<i64>,
}

/// The model allows 90 to 2560 days (KMS API Reference, EnableKeyRotation, `RotationPeriodInDays`).
pub(super) fn enable(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: EnableKeyRotation = call.input()?;
    let now_seconds = cx.now_seconds();
    let key = rotatable(&mut cx.r.kms, &given.key_id)?;
    let period_days = given.rotation_period_in_days.unwrap_or(YEAR);
    let next_seconds = now_seconds + period_days as f64 * DAY_SECONDS;
    key.rotation = Some(Rotation { period_days, next_seconds });
    Ok(Value::Null)
}

/// A key whose rotation can be changed: a symmetric one that is enabled (KMS Developer Guide, "Key states of AWS KMS
/// keys", notes 1, 3 and 7).
fn rotatable<'a>(kms: &'a mut State, name: &str) -> Result<&'a mut Key, Refusal> {
    let key = kms.live_mut(name)?;
    check_symmetric(key)?;
    match key.state() {
        KeyState::Disabled => Err(Refusal::new("DisabledException", format!("{} is disabled.", key.arn))),
        _ => Ok(key),
    }
}

fn check_symmetric(key: &Key) -> Result<(), Refusal> {
    match key.is_symmetric() {
        true => Ok(()),
        false => {
            Err(unsupported(format!("{} is not a symmetric encryption key, which this needs.", key.arn)))
        }
    }
}

impl State {
    pub(super) fn disable_key_rotation(&mut self, call: &Call) -> Answer {
        let OneKey { key_id } = call.input()?;
        rotatable(self, &key_id)?.rotation = None;
        Ok(Value::Null)
    }

    /// While a key is pending deletion its status is false (KMS API Reference, GetKeyRotationStatus).
    pub(super) fn get_key_rotation_status(&self, call: &Call) -> Answer {
        let OneKey { key_id } = call.input()?;
        let key = self.find(&key_id)?;
        check_symmetric(key)?;
        let status = json!({"KeyId": key.key_id, "KeyRotationEnabled": key.is_of_aws()});
        let rotation = key.rotation.as_ref().filter(|_| key.state() != KeyState::PendingDeletion);
        Ok(match rotation {
            None => status,
            Some(rotation) => json!({
                "KeyId": key.key_id,
                "KeyRotationEnabled": true,
                "RotationPeriodInDays": rotation.period_days,
                "NextRotationDate": rotation.next_seconds,
            }),
        })
    }
}
