//! The one place that knows what time it is.
//!
//! An emulator in memory counts from a fixed date by tokio's clock, so a test under a paused clock sees the
//! same timestamps every time. An emulator on disk uses the wall clock, because its objects outlive the
//! process, unless a test says when tokio's clock began.
//!
//! Either clock can be moved forward ([`Emulator::advance`](crate::Emulator::advance)). How far is part of the account: on
//! disk it is kept in the directory, and all processes there read it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::machine::error::EmulatorError;

/// 2026-01-01T00:00:00Z, when time begins in memory.
const BEGINNING_MILLIS: i64 = 1_767_225_600_000;

/// How far a clock can be moved in all: ten years.
pub(crate) const AHEAD_AT_MOST: Duration = Duration::from_secs(3653 * 24 * 60 * 60);

/// A clock.
#[derive(Debug)]
pub(crate) struct Clock {
    base: Base,
    /// How far it was moved forward. Whoever sleeps by this clock watches it.
    ahead: watch::Sender<Duration>,
}

#[derive(Debug)]
enum Base {
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

/// Where a clock is moved to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Forward {
    By(Duration),
    /// To so many milliseconds since 1970.
    To(i64),
}

impl Clock {
    pub(crate) fn in_memory() -> Self {
        Clock::going_on(Duration::ZERO)
    }

    /// The clock of an account in memory in which so much time has passed already.
    pub(crate) fn going_on(before: Duration) -> Self {
        Clock::of(Base::Virtual { start: Instant::now(), before })
    }

    /// The machine's clock, or tokio's where somebody says when it began.
    pub(crate) fn on_disk(start: Option<Instant>) -> Self {
        Clock::of(start.map_or(Base::Wall, |start| Base::Virtual { start, before: Duration::ZERO }))
    }

    fn of(base: Base) -> Self {
        Clock { base, ahead: watch::Sender::new(Duration::ZERO) }
    }

    /// How much time has passed in an account in memory.
    pub(crate) fn passed(&self) -> Duration {
        match self.base {
            Base::Virtual { start, before } => before + start.elapsed() + self.ahead(),
            Base::Wall => Duration::ZERO,
        }
    }

    /// Milliseconds since 1970.
    pub(crate) fn now_millis(&self) -> i64 {
        match self.base {
            Base::Virtual { .. } => BEGINNING_MILLIS + millis(self.passed()),
            Base::Wall => {
                let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                millis(wall + self.ahead())
            }
        }
    }

    /// How far it was moved forward.
    pub(crate) fn ahead(&self) -> Duration {
        *self.ahead.borrow()
    }

    /// Makes it so far ahead, and wakes who has slept long enough by that.
    pub(crate) fn set_ahead(&self, ahead: Duration) {
        self.ahead.send_if_modified(|known| std::mem::replace(known, ahead) != ahead);
    }

    /// Moves it forward, and never back.
    pub(crate) fn advance(&self, forward: Forward) -> Result<(), EmulatorError> {
        let by = match forward {
            Forward::By(by) => by,
            Forward::To(to) => {
                let now = self.now_millis();
                let by = to.checked_sub(now).and_then(|by| u64::try_from(by).ok());
                Duration::from_millis(by.ok_or_else(|| EmulatorError::Backwards { now: timestamp(now) })?)
            }
        };
        let ahead = self.ahead().saturating_add(by);
        if ahead > AHEAD_AT_MOST {
            return Err(EmulatorError::TooFarAhead { ahead: self.ahead(), at_most: AHEAD_AT_MOST });
        }
        self.set_ahead(ahead);
        Ok(())
    }

    /// Waits until so much time has passed on this clock, by itself or because it was moved.
    pub(crate) async fn sleep(&self, time: Duration) {
        let (start, mut moves) = (Instant::now(), self.ahead.subscribe());
        let before = *moves.borrow_and_update();
        loop {
            let moved = moves.borrow_and_update().saturating_sub(before);
            let left = time.saturating_sub(start.elapsed()).saturating_sub(moved);
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => return,
                _ = moves.changed() => {}
            }
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

    #[tokio::test(start_paused = true)]
    async fn a_clock_moves_forward_to_a_limit_and_never_back() {
        let clock = Clock::in_memory();
        clock.advance(Forward::By(Duration::from_secs(60))).unwrap();
        clock.advance(Forward::To(clock.now_millis() + 500)).unwrap();
        assert_eq!(timestamp(clock.now_millis()), "2026-01-01T00:01:00.5Z");
        let back = clock.advance(Forward::To(clock.now_millis() - 1)).unwrap_err();
        assert!(matches!(back, EmulatorError::Backwards { .. }), "{back:?}");
        let most = AHEAD_AT_MOST - clock.ahead();
        clock.advance(Forward::By(most)).unwrap();
        for too_far in
            [Forward::By(Duration::from_millis(1)), Forward::By(Duration::MAX), Forward::To(i64::MAX)]
        {
            let error = clock.advance(too_far).unwrap_err();
            assert!(matches!(error, EmulatorError::TooFarAhead { .. }), "{error:?}");
        }
        assert_eq!(timestamp(clock.now_millis()), "2036-01-02T00:00:00Z");
    }

    #[tokio::test(start_paused = true)]
    async fn who_sleeps_by_a_clock_sees_that_it_is_moved() {
        let clock = std::sync::Arc::new(Clock::in_memory());
        let begun = Instant::now();
        let sleeper = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep(Duration::from_secs(60)).await })
        };
        tokio::task::yield_now().await;
        clock.advance(Forward::By(Duration::from_secs(50))).unwrap();
        sleeper.await.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_secs(10), "only what the clock was not moved by");
        clock.sleep(Duration::from_secs(5)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(15), "what was before does not count");
    }
}
