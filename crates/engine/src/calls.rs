//! Calls to a provider that change nothing, or are safe to repeat: sent until they are answered.

use std::time::Duration;

use serde_json::Value;

use crate::backoff::Backoff;
use crate::error::{CallError, ErrorClass};
use crate::loss::Contents;
use crate::provider::Kind;
use crate::state::Object;

/// How long a call that may be sent again is sent again.
pub(crate) const RETRY_WITHIN: Duration = Duration::from_secs(300);

/// How long a call that makes or changes an object of a kind is sent again: as long as making one may take, where that is
/// longer. What such a call needs (another object that is new, a role that spreads) can take as long as the object itself.
pub(crate) fn patience(kind: &dyn Kind) -> Duration {
    RETRY_WITHIN.max(kind.facts().times.ready.deadline())
}

/// Sends a call that is safe to repeat until it is answered, for some minutes.
pub(crate) async fn repeat<T, F: Future<Output = Result<T, CallError>>>(
    seed: &str,
    call: impl Fn() -> F,
    waiting: impl Fn(&CallError),
) -> Result<T, CallError> {
    let mut backoff = Backoff::retry(seed, RETRY_WITHIN);
    loop {
        match call().await {
            Err(error) if error.class.is_transient() || error.class == ErrorClass::Ambiguous => {
                waiting(&error);
                if !backoff.wait().await {
                    return Err(error);
                }
            }
            answer => return answer,
        }
    }
}

/// [`Kind::read`]; an object that is not found is none.
pub(crate) async fn read(
    kind: &dyn Kind,
    properties: &Value,
    outputs: &Value,
) -> Result<Option<Value>, CallError> {
    match kind.read(properties, outputs).await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(None),
        answer => answer,
    }
}

/// [`Kind::contents`]; in an object that is not found is nothing, and who may not look must assume that there is something.
pub(crate) async fn contents(kind: &dyn Kind, object: &Object) -> Result<Contents, CallError> {
    match kind.contents(&object.properties, &object.outputs).await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(Contents::Empty),
        Err(error) if error.class == ErrorClass::Denied => Ok(Contents::Unknown),
        answer => answer,
    }
}

/// [`Kind::poll_gone`]; an object that is not found is gone.
pub(crate) async fn is_gone(kind: &dyn Kind, properties: &Value, outputs: &Value) -> Result<bool, CallError> {
    match kind.poll_gone(properties, outputs).await {
        Err(error) if error.class == ErrorClass::NotFound => Ok(true),
        answer => answer,
    }
}
