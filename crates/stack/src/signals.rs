//! Signals: the first one ends the program in an orderly way, the second at once.
//!
//! A system for continuous integration kills ten seconds after SIGTERM, or sends SIGINT, SIGTERM 7.5 s later, and kills 2.5 s
//! after that. So after a signal nothing is waited for, and calls in flight have a few seconds to be answered. What is not
//! answered then stays open in the journal, the lock is given back, and the next run looks up what became of it.

use std::time::Duration;

use engine::Cancel;

use crate::exit::Exit;
use crate::output::tell;

/// How long calls in flight may still be answered after SIGINT.
const AFTER_INTERRUPT: Duration = Duration::from_secs(5);
/// The same after SIGTERM and SIGHUP.
const AFTER_TERMINATION: Duration = Duration::from_secs(2);
/// How long it may take after that to write the journal and to give the lock back.
const TO_CLOSE: Duration = Duration::from_secs(3);
/// The same when somebody has said twice that it is to end.
const TO_CLOSE_AT_ONCE: Duration = Duration::from_secs(1);

/// What the user, or whoever started the program, asks for from outside.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    cancel: Cancel,
}

impl Signals {
    /// Listens from now on; before, a signal ends the program as the system does it.
    ///
    /// Must be called inside a tokio runtime.
    pub(crate) fn listen() -> Self {
        let cancel = Cancel::new();
        tokio::spawn(attend(Source::new(), cancel.clone()));
        Self { cancel }
    }

    /// What is set by the first signal.
    pub(crate) fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Does work that can be dropped at any time; `None` if it was interrupted.
    pub(crate) async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => None,
            done = work => Some(done),
        }
    }
}

async fn attend(mut signals: Source, cancel: Cancel) {
    let grace = signals.next().await;
    cancel.cancel();
    let to_close = tokio::select! {
        _ = signals.next() => TO_CLOSE_AT_ONCE,
        () = tokio::time::sleep(grace) => TO_CLOSE,
    };
    cancel.abandon();
    tokio::select! {
        _ = signals.next() => {}
        () = tokio::time::sleep(to_close) => {}
    }
    tell("Stopped. Run again to resume: calls that were not answered will be looked up");
    std::process::exit(Exit::Interrupted as i32);
}

#[cfg(unix)]
struct Source {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Source {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
            // `nohup` starts a program that is to outlive its terminal.
            hangup: if hangup_is_ignored() { None } else { signal(SignalKind::hangup()).ok() },
        }
    }

    /// The next signal: how long calls in flight may still be answered.
    async fn next(&mut self) -> Duration {
        async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
            let received = match signal {
                Some(signal) => signal.recv().await,
                None => None,
            };
            // What cannot be listened for never comes.
            if received.is_none() {
                std::future::pending::<()>().await;
            }
        }
        tokio::select! {
            () = received(&mut self.interrupt) => AFTER_INTERRUPT,
            () = received(&mut self.terminate) => AFTER_TERMINATION,
            () = received(&mut self.hangup) => AFTER_TERMINATION,
        }
    }
}

/// Whether whoever started this program has it ignore SIGHUP. Linux says so in `/proc`; elsewhere nobody can be asked
/// without unsafe code.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    // SIGHUP is signal 1.
    ignored & 1 != 0
}

#[cfg(not(unix))]
struct Source;

#[cfg(not(unix))]
impl Source {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) -> Duration {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        AFTER_INTERRUPT
    }
}
