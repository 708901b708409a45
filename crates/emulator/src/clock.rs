//! The one place that knows what time it is.
//!
//! An emulator in memory counts from a fixed date by tokio's clock, so a test under a paused clock sees the
//! same timestamps every time. An emulator on disk uses the wall clock, because its objects outlive the
//! process, unless a test says when tokio's clock began.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use tokio::time::Instant;

/// 2026-01-01T00:00:00Z, when time begins in memory.
const BEGINNING_MILLIS: i64 = 1_767_225_600_000;

/// A clock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// From a fixed date, by tokio's clock.
    Virtual {
        /// When the emulator was made.
        start: Instant,
        /// How much time had passed before that, in an account that goes on from a snapshot.
        before: Duration,
    },
    /// The machine's clock.
    Wall,
}

impl Clock {
    pub(crate) fn in_memory() -> Self {
        Clock::going_on(Duration::ZERO)
    }

    /// The clock of an account in memory in which so much time has passed already.
    pub(crate) fn going_on(before: Duration) -> Self {
        Clock::Virtual { start: Instant::now(), before }
    }

    /// How much time has passed in an account in memory.
    pub(crate) fn passed(&self) -> Duration {
        match self {
            Clock::Virtual { start, before } => *before + start.elapsed(),
            Clock::Wall => Duration::ZERO,
        }
    }

    /// The machine's clock, or tokio's where somebody says when it began.
    pub(crate) fn on_disk(start: Option<Instant>) -> Self {
        start.map_or(Clock::Wall, |start| Clock::Virtual { start, before: Duration::ZERO })
    }

    /// Milliseconds since 1970.
    pub(crate) fn now_millis(&self) -> i64 {
        match self {
            Clock::Virtual { .. } => BEGINNING_MILLIS + millis(self.passed()),
            Clock::Wall => millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
        }
    }
}

/// Time since a moment, by tokio's clock. For what ends with the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    start: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Stopwatch { start: Instant::now() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A time as EC2 and IAM write it, such as `2026-01-01T00:00:00Z`.
pub(crate) fn timestamp(millis: i64) -> String {
    DateTime::from_millis(millis)
        .fmt(Format::DateTime)
        .expect("a date of this age is inside the range of RFC 3339")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_in_memory_starts_at_a_fixed_date_and_follows_tokio() {
        let clock = Clock::in_memory();
        assert_eq!(timestamp(clock.now_millis()), "2026-01-01T00:00:00Z");
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(timestamp(clock.now_millis()), "2026-01-01T00:01:30Z");
    }
}
