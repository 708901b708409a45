//! Keys come and go: enabled, disabled, about to be deleted.
//!
//! Which operations a state allows is the table in KMS Developer Guide, "Key states of AWS KMS keys".

use serde_json::{Value, json};

use super::key::KeyState;
use super::{Answer, Cx, State, invalid};
use crate::services::{Call, refuse_if};

const DAY_SECONDS: f64 = 86_400.0;

/// KMS API Reference, ScheduleKeyDeletion: 7 to 30 days, and 30 unless it is said.
pub(super) fn schedule_deletion(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (key_id, pending_window_in_days): (String, Option<i64>) =
        call.members(&["KeyId", "PendingWindowInDays"])?;
    let days = pending_window_in_days.unwrap_or(30);
    if !(7..=30).contains(&days) {
        return Err(invalid(format!("PendingWindowInDays is 7 to 30, and {days} is not.")));
    }
    let deletion_date = cx.now_seconds() + days as f64 * DAY_SECONDS;
    let key = cx.r.kms.live_mut(&key_id)?;
    key.enter(KeyState::PendingDeletion);
    key.deletion_date = Some(deletion_date);
    Ok(json!({
        "KeyId": key.arn,
        "DeletionDate": deletion_date,
        "KeyState": key.state(),
        "PendingWindowInDays": days,
    }))
}

impl State {
    pub(super) fn enable_key(&mut self, call: &Call) -> Answer {
        self.change_state(call, KeyState::Enabled)
    }

    pub(super) fn disable_key(&mut self, call: &Call) -> Answer {
        self.change_state(call, KeyState::Disabled)
    }

    fn change_state(&mut self, call: &Call, state: KeyState) -> Answer {
        let key_id: String = call.member("KeyId")?;
        self.live_mut(&key_id)?.enter(state);
        Ok(Value::Null)
    }

    /// The key is disabled afterwards (KMS API Reference, CancelKeyDeletion).
    pub(super) fn cancel_key_deletion(&mut self, call: &Call) -> Answer {
        let key_id: String = call.member("KeyId")?;
        let key = self.find_mut(&key_id)?;
        refuse_if(key.state() != KeyState::PendingDeletion, || key.wrong_state("is not pending deletion."))?;
        key.enter(KeyState::Disabled);
        key.deletion_date = None;
        Ok(json!({"KeyId": key.arn}))
    }

    /// A key takes its aliases with it (KMS API Reference, ScheduleKeyDeletion).
    pub(super) fn delete_keys_that_are_due(&mut self, now_seconds: f64) {
        let State { keys, aliases, .. } = self;
        keys.retain(|_, key| key.deletion_date.is_none_or(|date| date > now_seconds));
        aliases.retain(|_, alias| keys.contains_key(alias.target()));
    }
}
