//! Secrets go, and come back while they may.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Cx, State, answer_about, create, invalid, invalid_request};
use crate::services::{Call, Refusal};

const DAY_SECONDS: f64 = 86_400.0;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeleteSecret {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

/// Secrets Manager API Reference, DeleteSecret: 7 to 30 days and 30 unless it is said, during which the name is held;
/// or at once.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: DeleteSecret = call.input()?;
    let window = window(&given)?;
    let now = cx.now_seconds();
    let state = &mut cx.r.secretsmanager;
    let Some(days) = window else {
        return if state.look(&given.secret_id).is_some() {
            delete_at_once(state, &given.secret_id, now)
        } else {
            Ok(delete_nothing(cx, &given.secret_id, now))
        };
    };
    let secret = state.find_mut(&given.secret_id)?;
    secret.check_not_managed()?;
    if secret.is_deleted() {
        return Err(invalid_request(
            "You can't perform this operation on the secret because it was already scheduled for deletion.",
        ));
    }
    let date = now + days as f64 * DAY_SECONDS;
    secret.deleted_date = Some(date);
    let mut answer = answer_about(secret);
    answer["DeletionDate"] = date.into();
    Ok(answer)
}

/// In how many days; `None` for at once.
fn window(given: &DeleteSecret) -> Result<Option<i64>, Refusal> {
    match (given.force_delete_without_recovery, given.recovery_window_in_days) {
        (true, Some(_)) => {
            Err(invalid("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."))
        }
        (true, None) => Ok(None),
        (false, days) => match days.unwrap_or(30) {
            days @ 7..=30 => Ok(Some(days)),
            _ => Err(invalid("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")),
        },
    }
}

/// A secret that is not there is no error (Secrets Manager API Reference, DeleteSecret, `ForceDeleteWithoutRecovery`). It is
/// answered as if it had been there, with an ARN (recorded from real AWS).
fn delete_nothing(cx: &mut Cx<'_>, id: &str, now: f64) -> Value {
    let (name, arn) = match id.split_once(":secret:") {
        Some((_, rest)) => (rest.rsplit_once('-').map_or(rest, |(name, _)| name), id.to_owned()),
        None => (id, create::arn(cx, id)),
    };
    json!({"ARN": arn, "Name": name, "DeletionDate": now})
}

fn delete_at_once(state: &mut State, id: &str, now: f64) -> Answer {
    let secret = state.find(id)?;
    secret.check_not_managed()?;
    let mut answer = answer_about(secret);
    answer["DeletionDate"] = now.into();
    let name = secret.name().to_owned();
    state.secrets.remove(&name);
    Ok(answer)
}

impl State {
    pub(super) fn restore_secret(&mut self, call: &Call) -> Answer {
        let secret_id: String = call.member("SecretId")?;
        let secret = self.find_mut(&secret_id)?;
        secret.deleted_date = None;
        Ok(answer_about(secret))
    }
}
