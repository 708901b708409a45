//! What is going on, as it goes on: live rows on a terminal, a plain line an event elsewhere.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use engine::{Address, Awaited, ErrorClass, Observer, Operation, Progress, visible};
use tokio::time::Instant;

use crate::footer;
use crate::live::View;
use crate::output::{is_watched, note};

/// Where progress goes.
pub enum Screen {
    /// A terminal that can redraw lines.
    Live(Live),
    /// Anything else.
    Plain(Plain),
}

/// Lines for a log.
#[derive(Default)]
pub struct Plain {
    waits: Waits,
    said_lock: Mutex<Option<Awaited>>,
}

/// How often a plain line says that something is still waiting.
const STILL_WAITING_EVERY: Duration = Duration::from_secs(15);

/// When each resource last said what it waits for, so that a log neither falls silent nor fills up.
#[derive(Default)]
struct Waits {
    said: Mutex<HashMap<(Address, Option<Operation>), Waited>>,
    /// Whether anything was said of what an earlier run left.
    looking: AtomicBool,
    /// Whether the apply has begun.
    applying: AtomicBool,
}

struct Waited {
    since: Instant,
    urgent: bool,
}

/// How often live rows are drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(200);

/// The state of the live rows.
#[derive(Default)]
pub struct Live {
    /// What is under way, while there is something.
    view: Arc<Mutex<Option<View>>>,
    waits: Waits,
    is_waiting_for_lock: AtomicBool,
    /// Whether this AWS takes less time than AWS, so that estimates would be wrong.
    is_quick: bool,
}

impl Screen {
    /// Live rows if standard error is a terminal.
    #[must_use]
    pub fn detect() -> Self {
        if is_watched() { Screen::Live(Live::default()) } else { Screen::Plain(Plain::default()) }
    }

    /// The same without estimates of how long something takes: the embedded AWS takes none of AWS's times.
    #[must_use]
    pub fn without_estimates(self) -> Self {
        match self {
            Screen::Live(live) => Screen::Live(Live { is_quick: true, ..live }),
            plain @ Screen::Plain(_) => plain,
        }
    }
}

pub(crate) fn doing(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "creating",
        Operation::Update => "changing",
        Operation::Delete => "deleting",
    }
}

fn did(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "created",
        Operation::Update => "changed",
        Operation::Delete => "deleted",
    }
}

/// A time as somebody gave it: `90 s`, `10 min`, `1 h`.
fn given(time: Duration) -> String {
    match time.as_secs() {
        hours if hours > 0 && hours.is_multiple_of(3600) => format!("{} h", hours / 3600),
        minutes if minutes > 0 && minutes.is_multiple_of(60) => format!("{} min", minutes / 60),
        seconds => format!("{seconds} s"),
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

/// The line that stays on the screen, if the event leaves one.
fn line(progress: &Progress) -> Option<String> {
    Some(match progress {
        Progress::WaitingForLock { holder, awaited: Awaited::Expiry, left } => {
            format!(
                "the lock is held by {holder}; if it does not answer, it is taken over in {}",
                seconds(*left)
            )
        }
        Progress::WaitingForLock { holder, awaited: Awaited::Release, left } => {
            format!("waiting up to {} for {holder} to finish and release the lock", given(*left))
        }
        Progress::Settled { address, operation, took_effect } => {
            let came = if *took_effect {
                "it had taken effect"
            } else {
                "it had no effect, or is still there; it will be planned again"
            };
            format!(
                "settled {address}: an earlier run was interrupted while {} it; {came}",
                doing(*operation)
            )
        }
        Progress::Done { address, adopted: true, .. } => format!("adopted {address}: it existed already"),
        Progress::Done { address, operation, took, .. } => {
            format!("{} {address} ({})", did(*operation), seconds(*took))
        }
        // Why, and what is not tried because of it, is told once, at the end.
        Progress::Failed { address, operation, .. } => {
            format!("failed {} {address}; more at the end", doing(*operation))
        }
        Progress::SessionDropped => "the session was not closed: releasing its lock".to_owned(),
        Progress::Stopping { calls: 0 } => "Stopping".to_owned(),
        Progress::Stopping { calls } => {
            let calls = if *calls == 1 { "1 call".to_owned() } else { format!("{calls} calls") };
            format!("Stopping: waiting for {calls} in flight")
        }
        _ => return None,
    })
}

impl Observer for Screen {
    fn observe(&self, progress: &Progress) {
        match self {
            Screen::Live(live) => live.observe(progress),
            Screen::Plain(plain) => {
                if let Progress::WaitingForLock { awaited, .. } = progress {
                    let mut said = plain.said_lock.lock().unwrap_or_else(PoisonError::into_inner);
                    if said.replace(*awaited) == Some(*awaited) {
                        return;
                    }
                }
                if let Some(line) = line(progress).or_else(|| plain.waits.line(progress)) {
                    note(&line);
                }
            }
        }
    }
}

impl Waits {
    fn begun(&self) {
        self.applying.store(true, Ordering::Relaxed);
    }

    /// The line that says what is being waited for, if it is time for one. At once where AWS refuses, or cannot be reached,
    /// for a reason that may last; otherwise once it takes long.
    fn line(&self, progress: &Progress) -> Option<String> {
        if let Progress::Begun { .. } = progress {
            self.begun();
        }
        let Progress::Waiting { address, operation, on, refused } = progress else { return None };
        let lasting = matches!(refused, Some(ErrorClass::DependencyViolation | ErrorClass::Unreachable));
        // Before the apply, what an earlier run left is looked up. The first line says so for all.
        let first_look = operation.is_some()
            && !self.applying.load(Ordering::Relaxed)
            && !self.looking.swap(true, Ordering::Relaxed);
        let urgent = lasting || first_look;
        // Each entry changes in one step, so a panic elsewhere leaves them whole.
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let fresh = Waited { since: now, urgent: false };
        let last = said.entry((address.clone(), *operation)).or_insert(fresh);
        if now.duration_since(last.since) < STILL_WAITING_EVERY && (last.urgent || !urgent) {
            return None;
        }
        *last = Waited { since: now, urgent };
        Some(format!("still {} {address}: {on}", operation.map_or("reading", doing)))
    }
}

impl Live {
    fn observe(&self, progress: &Progress) {
        if let Progress::WaitingForLock { .. } = progress {
            self.is_waiting_for_lock.store(true, Ordering::Relaxed);
            let width = footer::size().1.saturating_sub(1);
            let said = visible(&line(progress).unwrap_or_default()).into_owned();
            footer::show(&[console::truncate_str(&said, width, "…").into_owned()]);
            return;
        }
        if self.is_waiting_for_lock.swap(false, Ordering::Relaxed) {
            footer::show(&[]);
        }
        let now = std::time::Instant::now();
        match progress {
            Progress::Begun { total } => {
                self.waits.begun();
                if *total > 0 {
                    let view = View::new(*total, now);
                    *lock(&self.view) = Some(if self.is_quick { view.without_estimates() } else { view });
                    keep_drawing(Arc::downgrade(&self.view));
                }
            }
            Progress::Ended => {
                lock(&self.view).take();
                footer::show(&[]);
            }
            _ => {
                if let Some(view) = &mut *lock(&self.view) {
                    view.observe(progress, now);
                }
            }
        }
        if let Some(line) = self.stays(progress) {
            note(&line);
        }
    }

    /// The line that stays above the rows, if the event leaves one. What is done is counted in the rows.
    fn stays(&self, progress: &Progress) -> Option<String> {
        match progress {
            Progress::Done { .. } => None,
            // A row is as long as the terminal is wide, and a reason that may last is longer.
            Progress::Waiting { operation, refused, .. } if operation.is_none() || refused.is_some() => {
                self.waits.line(progress)
            }
            Progress::Waiting { .. } if lock(&self.view).is_none() => self.waits.line(progress),
            _ => line(progress),
        }
    }
}

fn lock(view: &Mutex<Option<View>>) -> MutexGuard<'_, Option<View>> {
    view.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Draws the rows until there is nothing under way. In a thread of its own: times go on while nothing happens.
fn keep_drawing(view: Weak<Mutex<Option<View>>>) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(DRAWN_EVERY);
            let Some(view) = view.upgrade() else { return };
            let view = lock(&view);
            let Some(view) = &*view else { return };
            let (height, width) = footer::size();
            footer::show(&view.rows(width, height, std::time::Instant::now()));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(at: &str, operation: Option<Operation>, refused: Option<ErrorClass>) -> Progress {
        Progress::Waiting {
            address: Address::new(at).unwrap(),
            operation,
            on: "in words".to_owned(),
            refused,
        }
    }

    async fn after(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_that_may_last_is_said_at_once_and_again_and_other_waits_once_they_are_long() {
        let waits = Waits::default();
        assert_eq!(waits.line(&Progress::Begun { total: 2 }), None);
        let held = waiting("t/a", Some(Operation::Delete), Some(ErrorClass::DependencyViolation));
        let pending = waiting("t/b", Some(Operation::Create), None);
        let throttled = waiting("t/c", None, Some(ErrorClass::Throttled));
        assert_eq!(waits.line(&held).as_deref(), Some("still deleting t/a: in words"));
        for _ in 0..2 {
            assert_eq!([&held, &pending, &throttled].map(|one| waits.line(one)), [None, None, None]);
            after(15).await;
            assert_eq!(waits.line(&held).as_deref(), Some("still deleting t/a: in words"));
            assert_eq!(waits.line(&pending).as_deref(), Some("still creating t/b: in words"));
            assert_eq!(waits.line(&throttled).as_deref(), Some("still reading t/c: in words"));
        }
        // What was just not there yet is refused now.
        after(1).await;
        let refused = waiting("t/b", Some(Operation::Create), Some(ErrorClass::Unreachable));
        assert!(waits.line(&refused).is_some());
        assert_eq!(waits.line(&refused), None);
    }

    #[test]
    fn a_time_that_was_given_is_said_as_it_was() {
        let said = [5, 60, 90, 600, 3600, 5400].map(|seconds| given(Duration::from_secs(seconds)));
        assert_eq!(said, ["5 s", "1 min", "90 s", "10 min", "1 h", "90 min"]);
    }

    #[tokio::test(start_paused = true)]
    async fn looking_up_what_an_earlier_run_left_is_said_once_at_once() {
        let waits = Waits::default();
        assert!(waits.line(&waiting("t/a", Some(Operation::Create), None)).is_some());
        assert!(waits.line(&waiting("t/b", Some(Operation::Create), None)).is_none());
        assert!(waits.line(&waiting("t/c", None, None)).is_none());
        after(15).await;
        assert!(waits.line(&waiting("t/b", Some(Operation::Create), None)).is_some());
    }
}
