//! What is going on, as it goes on: a live line a resource on a terminal, a plain line an event elsewhere.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use engine::{Address, Observer, Operation, Progress, visible};
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

/// When each resource last said what it waits for, so that a log neither falls silent nor fills up.
#[derive(Default)]
pub struct Plain {
    said: Mutex<HashMap<(Address, Operation), Instant>>,
    said_lock: AtomicBool,
}

/// How often a plain line says that something is still waiting.
const STILL_WAITING_EVERY: Duration = Duration::from_secs(15);

/// The state of the live lines.
pub struct Live {
    bars: MultiProgress,
    lines: Mutex<Lines>,
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
            Screen::Live(Live { bars: MultiProgress::new(), lines: Mutex::default() })
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

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

/// The line that stays on the screen, if the event leaves one.
fn line(progress: &Progress) -> Option<String> {
    Some(match progress {
        Progress::WaitingForLock { holder, left } => {
            format!(
                "the lock is held by {holder}; if it does not answer, it is taken over in {}",
                seconds(*left)
            )
        }
        Progress::Settled { address, operation, took_effect } => {
            let came = if *took_effect { "it had taken effect" } else { "it is decided anew" };
            format!(
                "settled {address}: an earlier run was interrupted while {} it; {came}",
                doing(*operation)
            )
        }
        Progress::Done { address, operation, took } => {
            format!("{} {address} ({})", did(*operation), seconds(*took))
        }
        Progress::Failed { address, operation, reason } => {
            format!("failed {} {address}: {reason}", doing(*operation))
        }
        Progress::Skipped { address, because, .. } => format!("skipped {address}, because {because} failed"),
        _ => return None,
    })
}

impl Observer for Screen {
    fn observe(&self, progress: &Progress) {
        match self {
            Screen::Live(live) => live.observe(progress),
            Screen::Plain(plain) => {
                let lock = matches!(progress, Progress::WaitingForLock { .. });
                if lock && plain.said_lock.swap(true, Ordering::Relaxed) {
                    return;
                }
                if let Some(line) = line(progress).or_else(|| plain.waiting(progress)) {
                    note(&line);
                }
            }
        }
    }
}

impl Plain {
    fn waiting(&self, progress: &Progress) -> Option<String> {
        let Progress::Waiting { address, operation, on } = progress else { return None };
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let last = said.entry((address.clone(), *operation)).or_insert(now);
        if now.duration_since(*last) < STILL_WAITING_EVERY {
            return None;
        }
        *last = now;
        Some(format!("still {} {address}: {on}", doing(*operation)))
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
            Progress::Waiting { address, operation, on } => {
                if let Some(bar) = lines.running.get(&(address.clone(), *operation)) {
                    say(bar, on);
                }
            }
            Progress::Done { address, operation, .. } | Progress::Failed { address, operation, .. } => {
                if let Some(bar) = lines.running.remove(&(address.clone(), *operation)) {
                    bar.finish_and_clear();
                }
                if let Some(total) = &lines.total {
                    total.inc(1);
                }
            }
            _ => {}
        }
        if let Some(line) = line(progress) {
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
