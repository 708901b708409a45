//! Calls that the engine does not make, repeated until they are answered: the first of a run, and its last.

use std::future::Future;
use std::time::Duration;

use engine::{Backoff, CallError, ErrorClass, Pace};
use tokio::time::timeout;

/// These calls are few and quick, and somebody waits for them.
const PACE: Pace = Pace { first: Duration::from_millis(500), factor: 2.0, longest: Duration::from_secs(5) };

/// How long the first answer of a run is waited for.
const FIRST_ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long an answer is waited for where a run has gone well so far.
const ANSWER_WITHIN: Duration = Duration::from_secs(45);

/// How long one attempt may take. These calls are answered in far less than a second.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(10);

/// Repeats a call while AWS throttles it or its answer is lost, for half a minute. For the first calls of a run, which the
/// engine does not make: an endpoint that nobody listens on is an error at once. The call only reads.
pub(crate) async fn retrying<T, F>(operation: &str, call: impl FnMut() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    repeating(operation, FIRST_ANSWER_WITHIN, |class| class != ErrorClass::Unreachable, call).await
}

/// The same for three quarters of a minute, and also while there is no connection: for calls in the middle or at the end of a
/// run, where there was one before. The call reads, or may have its effect twice.
pub(crate) async fn insisting<T, F>(operation: &str, call: impl FnMut() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    repeating(operation, ANSWER_WITHIN, |_| true, call).await
}

async fn repeating<T, F>(
    operation: &str,
    within: Duration,
    is_passing: impl Fn(ErrorClass) -> bool,
    mut call: impl FnMut() -> F,
) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let mut backoff = Backoff::new(operation, PACE, within);
    loop {
        let silent = |_| {
            let message = format!("no answer within {} s", ATTEMPT_WITHIN.as_secs());
            Err(CallError::new(ErrorClass::Ambiguous, operation, message))
        };
        let error = match timeout(ATTEMPT_WITHIN, call()).await.unwrap_or_else(silent) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let may_pass = error.class.is_transient() || !error.class.is_certain();
        if !may_pass || !is_passing(error.class) {
            return Err(error);
        }
        if !backoff.wait().await {
            // What it was to the end is what is to be done about: a call that is throttled was answered.
            let message = format!("not within {} s; last seen: {error}", within.as_secs());
            return Err(CallError { operation: operation.to_owned(), message, ..error });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_read_is_repeated_while_it_is_throttled_and_not_when_it_is_denied() {
        let classes = RefCell::new(vec![ErrorClass::Denied, ErrorClass::Ambiguous, ErrorClass::Throttled]);
        let result: Result<(), _> = retrying("Read", || async {
            let class = classes.borrow_mut().pop().unwrap();
            Err(CallError::new(class, "Read", "no"))
        })
        .await;
        assert_eq!(result.unwrap_err().class, ErrorClass::Denied);
        assert!(classes.into_inner().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_call_that_is_never_answered_says_so_after_half_a_minute() {
        let start = Instant::now();
        let error = retrying::<(), _>("Read", std::future::pending).await.unwrap_err();
        assert_eq!(error.to_string(), "Read: not within 30 s; last seen: Read: no answer within 10 s");
        assert!(start.elapsed() < Duration::from_secs(41), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_call_that_finds_nobody_is_not_repeated() {
        for class in [ErrorClass::Unreachable, ErrorClass::Expired] {
            let start = Instant::now();
            let read = || async { Err(CallError::new(class, "Read", "no")) };
            assert_eq!(retrying::<(), _>("Read", read).await.unwrap_err().class, class);
            assert!(start.elapsed().is_zero());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_there_was_a_connection_before_it_is_waited_for_up_to_the_deadline() {
        let left = RefCell::new(3);
        let call = || async {
            *left.borrow_mut() -= 1;
            match *left.borrow() {
                0 => Ok("written"),
                _ => Err(CallError::new(ErrorClass::Unreachable, "Write", "refused")),
            }
        };
        assert_eq!(insisting("Write", call).await, Ok("written"));
        let start = Instant::now();
        let refused = || async { Err(CallError::new(ErrorClass::Unreachable, "Write", "refused")) };
        let error = insisting::<(), _>("Write", refused).await.unwrap_err();
        assert_eq!(error.to_string(), "Write: not within 45 s; last seen: Write: refused");
        assert_eq!(start.elapsed().as_secs(), 45);
        let expired = || async { Err(CallError::new(ErrorClass::Expired, "Write", "no")) };
        assert_eq!(insisting::<(), _>("Write", expired).await.unwrap_err().class, ErrorClass::Expired);
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_stays_throttled_says_so_after_half_a_minute() {
        let start = Instant::now();
        let throttled = || async { Err(CallError::new(ErrorClass::Throttled, "Read", "slow down")) };
        let error = retrying::<(), _>("Read", throttled).await.unwrap_err();
        assert_eq!(error.to_string(), "Read: not within 30 s; last seen: Read: slow down");
        assert_eq!(error.class, ErrorClass::Throttled);
        assert_eq!(start.elapsed().as_secs(), 30);
    }
}
