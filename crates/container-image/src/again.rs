//! Calls that are sent again.

use std::future::Future;
use std::time::Duration;

use engine::{Backoff, CallError, Pace};

const PACE: Pace = Pace { first: Duration::from_millis(500), factor: 2.0, longest: Duration::from_secs(10) };

/// Repeats a call, which can do no harm twice, while it is throttled, finds no connection, or has no answer: for so long after its first
/// failure, however long one attempt takes.
pub(crate) async fn patiently<T, F>(
    seed: &str,
    within: Duration,
    mut call: impl FnMut() -> F,
) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let mut backoff = None;
    loop {
        let error = match call().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let may_pass = error.class.is_transient() || !error.class.is_certain();
        let backoff = backoff.get_or_insert_with(|| Backoff::new(seed, PACE, within));
        if !may_pass || !backoff.wait().await {
            return Err(error);
        }
    }
}
