//! What is going on, as it goes on: a live line a resource on a terminal, a plain line an event elsewhere.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use engine::{Address, Awaited, ErrorClass, Observer, Operation, Progress, visible};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::Instant;

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

/// The state of the live lines.
pub struct Live {
    bars: MultiProgress,
    lines: Mutex<Lines>,
    waits: Waits,
}

#[derive(Default)]
struct Lines {
    lock: Option<ProgressBar>,
    total: Option<ProgressBar>,
    running: HashMap<(Address, Operation), ProgressBar>,
}

impl Screen {
    /// Live lines if standard error is a terminal.
    #[must_use]
    pub fn detect() -> Self {
        if is_watched() {
            Screen::Live(Live {
                bars: MultiProgress::new(),
                lines: Mutex::default(),
                waits: Waits::default(),
            })
        } else {
            Screen::Plain(Plain::default())
        }
    }
}

fn doing(operation: Operation) -> &'static str {
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
        Progress::Failed { address, operation, reason } => {
            format!("failed {} {address}: {reason}", doing(*operation))
        }
        Progress::Skipped { address, because, .. } => format!("skipped {address}, because {because} failed"),
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
    /// Leaves a line on the screen, above the live ones.
    #[expect(clippy::disallowed_methods, reason = "here it is escaped")]
    fn keep(&self, line: &str) {
        // Nobody is left to tell if the terminal is gone.
        let _ = self.bars.println(visible(line));
    }

    fn observe(&self, progress: &Progress) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Progress::WaitingForLock { .. } = progress {
            let bar = lines.lock.get_or_insert_with(|| self.bars.add(ProgressBar::new_spinner()));
            say(bar, &line(progress).unwrap_or_default());
            return;
        }
        if let Some(lock) = lines.lock.take() {
            lock.finish_and_clear();
        }
        if let Progress::Begun { .. } = progress {
            self.waits.begun();
        }
        let mut said = None;
        match progress {
            Progress::Begun { total } if *total > 0 => {
                let bar = self.bars.add(ProgressBar::new(*total as u64));
                bar.set_style(style("{wide_bar} {pos}/{len}  {elapsed}"));
                bar.enable_steady_tick(Duration::from_millis(200));
                lines.total = Some(bar);
            }
            Progress::Started { address, operation, .. } => {
                let bar = match &lines.total {
                    Some(total) => self.bars.insert_before(total, ProgressBar::new_spinner()),
                    None => self.bars.add(ProgressBar::new_spinner()),
                };
                bar.set_style(style("  {spinner} {prefix}  {elapsed}  {wide_msg}"));
                name(&bar, &format!("{} {address}", doing(*operation)));
                bar.enable_steady_tick(Duration::from_millis(200));
                lines.running.insert((address.clone(), *operation), bar);
            }
            Progress::Waiting { address, operation, on, refused } => {
                let bar = operation.and_then(|operation| lines.running.get(&(address.clone(), operation)));
                if let Some(bar) = bar {
                    say(bar, on);
                }
                // A live line is as long as the terminal is wide, and a reason that may last is longer.
                if bar.is_none() || refused.is_some() {
                    said = self.waits.line(progress);
                }
            }
            Progress::Ended => {
                for (_, bar) in lines.running.drain() {
                    bar.finish_and_clear();
                }
                if let Some(total) = lines.total.take() {
                    total.finish_and_clear();
                }
            }
            Progress::Done { address, operation, .. }
            | Progress::Failed { address, operation, .. }
            | Progress::Left { address, operation } => {
                if let Some(bar) = lines.running.remove(&(address.clone(), *operation)) {
                    bar.finish_and_clear();
                }
                if let Some(total) = &lines.total {
                    total.inc(1);
                }
            }
            _ => {}
        }
        if let Some(line) = line(progress).or(said) {
            self.keep(&line);
        }
        let over = lines.total.as_ref().is_some_and(|total| total.length() == Some(total.position()));
        if over && let Some(total) = lines.total.take() {
            total.finish_and_clear();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "here it is escaped")]
fn say(bar: &ProgressBar, message: &str) {
    bar.set_message(visible(message).into_owned());
}

#[expect(clippy::disallowed_methods, reason = "here it is escaped")]
fn name(bar: &ProgressBar, prefix: &str) {
    bar.set_prefix(visible(prefix).into_owned());
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
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
