//! Rotation of key material. Nothing is encrypted, so nothing is rotated but the date of the next time.
//!
//! A rotation on demand leaves the automatic ones as they are; while it is under way, its start is shown and no second one can
//! begin (KMS API Reference, RotateKeyOnDemand and GetKeyRotationStatus, `OnDemandRotationStartDate`).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::key::{Key, KeyState};
use super::{Answer, Cx, Refusal, State, unsupported};
use crate::services::{Call, Spread, ensure, spread};

const DAY_SECONDS: f64 = 86_400.0;

/// How long a rotation on demand is under way. KMS says only that it happens in the background. Estimate.
const ON_DEMAND: Spread = spread(60.0, 20.0, 300.0);

/// How often a key can be rotated on demand (KMS API Reference, RotateKeyOnDemand).
const MOST_ON_DEMAND: u32 = 25;

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

/// The rotations on demand of a key that had one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OnDemand {
    count: u32,
    /// Of the one that is under way: its start, and when it ends in milliseconds since 1970.
    under_way: Option<(f64, i64)>,
}

impl OnDemand {
    pub(super) fn settle(&mut self, now_millis: i64) {
        self.under_way.take_if(|(_, until)| *until <= now_millis);
    }
}

/// Whether automatic rotation is on makes no difference.
pub(super) fn on_demand(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let key_id: String = call.member("KeyId")?;
    let (now_seconds, until) = (cx.now_seconds(), cx.after(ON_DEMAND, &key_id));
    let key = rotatable(&mut cx.r.kms, &key_id)?;
    if key.on_demand.under_way.is_some() {
        let message = format!("A rotation of {} is under way.", key.arn);
        return Err(Refusal::new("ConflictException", message));
    }
    if key.on_demand.count == MOST_ON_DEMAND {
        let message = format!("{} was rotated on demand {MOST_ON_DEMAND} times.", key.arn);
        return Err(Refusal::new("LimitExceededException", message));
    }
    key.on_demand.count += 1;
    key.on_demand.under_way = until.map(|until| (now_seconds, until));
    Ok(json!({"KeyId": key.key_id}))
}

/// The model allows 90 to 2560 days (KMS API Reference, EnableKeyRotation, `RotationPeriodInDays`).
pub(super) fn enable(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (key_id, rotation_period_in_days): (String, Option<i64>) =
        call.members(&["KeyId", "RotationPeriodInDays"])?;
    let now_seconds = cx.now_seconds();
    let key = rotatable(&mut cx.r.kms, &key_id)?;
    let period_days = rotation_period_in_days.unwrap_or(YEAR);
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
    ensure(key.is_symmetric(), || {
        unsupported(format!("{} is not a symmetric encryption key, which this needs.", key.arn))
    })
}

impl State {
    pub(super) fn disable_key_rotation(&mut self, call: &Call) -> Answer {
        let key_id: String = call.member("KeyId")?;
        rotatable(self, &key_id)?.rotation = None;
        Ok(Value::Null)
    }

    /// While a key is pending deletion its status is false (KMS API Reference, GetKeyRotationStatus).
    pub(super) fn get_key_rotation_status(&self, call: &Call) -> Answer {
        let key_id: String = call.member("KeyId")?;
        let key = self.find(&key_id)?;
        check_symmetric(key)?;
        let mut status = json!({"KeyId": key.key_id, "KeyRotationEnabled": key.is_of_aws()});
        if let Some((start, _)) = key.on_demand.under_way {
            status["OnDemandRotationStartDate"] = start.into();
        }
        let rotation = key.rotation.as_ref().filter(|_| key.state() != KeyState::PendingDeletion);
        if let Some(rotation) = rotation {
            status["KeyRotationEnabled"] = true.into();
            status["RotationPeriodInDays"] = rotation.period_days.into();
            status["NextRotationDate"] = rotation.next_seconds.into();
        }
        Ok(status)
    }
}
