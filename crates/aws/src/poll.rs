//! Looking again and again until something is so: with back-off, and with a deadline.
//!
//! The engine has its own loop for resources. This one is for what runs before or outside it.

use std::future::Future;
use std::time::Duration;

use engine::{CallError, ErrorClass};
use tokio::time::{Instant, sleep, timeout};

/// How long to wait between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Before the second look.
    pub first: Duration,
    /// How many times longer each wait is than the one before.
    pub factor: u32,
    /// No wait is longer.
    pub most: Duration,
}

impl Default for Backoff {
    /// 0.5, 1, 2, 4, then every 5 seconds.
    fn default() -> Self {
        Self { first: Duration::from_millis(500), factor: 2, most: Duration::from_secs(5) }
    }
}

/// What one look saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look<T> {
    /// It is so.
    Done(T),
    /// Not yet; the text says what was seen instead.
    Again(String),
}

/// Why polling ended without what it waited for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PollError<E> {
    /// A look failed.
    #[error(transparent)]
    Failed(E),
    /// The time is over.
    #[error("not within {} s; last seen: {last}", within.as_secs())]
    Deadline {
        /// How long it was waited for.
        within: Duration,
        /// What the last look saw.
        last: String,
    },
}

/// Looks until it is [`Look::Done`].
///
/// The first look is at once, and the last one exactly at the deadline, so that a long wait does not overshoot
/// it. Dropping the future stops it between looks, or drops the look that is running.
///
/// # Errors
/// [`PollError::Failed`] as soon as a look fails, and [`PollError::Deadline`] when `within` is over.
pub async fn until<T, E, F>(
    backoff: Backoff,
    within: Duration,
    mut look: impl FnMut() -> F,
) -> Result<T, PollError<E>>
where
    F: Future<Output = Result<Look<T>, E>>,
{
    let deadline = Instant::now() + within;
    let mut wait = backoff.first.min(backoff.most);
    loop {
        let last = match look().await.map_err(PollError::Failed)? {
            Look::Done(value) => return Ok(value),
            Look::Again(last) => last,
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(PollError::Deadline { within, last });
        }
        sleep(wait.min(left)).await;
        wait = wait.saturating_mul(backoff.factor).min(backoff.most);
    }
}

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
    let look = || {
        let call = call();
        async {
            let silent = |_| {
                let message = format!("no answer within {} s", ATTEMPT_WITHIN.as_secs());
                Err(CallError::new(ErrorClass::Ambiguous, operation, message))
            };
            match timeout(ATTEMPT_WITHIN, call).await.unwrap_or_else(silent) {
                Ok(value) => Ok(Look::Done(value)),
                Err(error)
                    if is_passing(error.class)
                        && (error.class.is_transient() || !error.class.is_certain()) =>
                {
                    Ok(Look::Again(error.to_string()))
                }
                Err(error) => Err(error),
            }
        }
    };
    until(Backoff::default(), within, look).await.map_err(|error| match error {
        PollError::Failed(error) => error,
        deadline @ PollError::Deadline { .. } => {
            CallError::new(ErrorClass::Ambiguous, operation, deadline.to_string())
        }
    })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const BACKOFF: Backoff = Backoff { first: SECOND, factor: 2, most: Duration::from_secs(4) };

    #[tokio::test(start_paused = true)]
    async fn waits_grow_up_to_the_longest_and_the_last_look_is_at_the_deadline() {
        let start = Instant::now();
        let looks = RefCell::new(Vec::new());
        let result: Result<(), PollError<String>> = until(BACKOFF, 12 * SECOND, || async {
            looks.borrow_mut().push(start.elapsed().as_secs());
            Ok(Look::Again("pending".to_owned()))
        })
        .await;
        assert_eq!(looks.into_inner(), [0, 1, 3, 7, 11, 12]);
        let error = result.unwrap_err();
        assert_eq!(error.to_string(), "not within 12 s; last seen: pending");
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_the_first_look_that_is_done() {
        let left = RefCell::new(2);
        let value = until::<_, String, _>(BACKOFF, 60 * SECOND, || async {
            let mut left = left.borrow_mut();
            *left -= 1;
            Ok(if *left == 0 { Look::Done("available") } else { Look::Again("pending".to_owned()) })
        });
        assert_eq!(value.await, Ok("available"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_fails_ends_it() {
        let result: Result<(), _> = until(BACKOFF, 60 * SECOND, || async { Err("denied") }).await;
        assert_eq!(result, Err(PollError::Failed("denied")));
    }

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
        assert_eq!(start.elapsed().as_secs(), 30);
    }
}
