//! Waiting longer each time, up to a limit and a deadline, on tokio's clock.

use std::time::Duration;

use tokio::time::Instant;

/// How the delays between attempts grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Before the second attempt.
    pub first: Duration,
    /// How many times longer each delay is than the one before.
    pub factor: f64,
    /// No delay is longer.
    pub longest: Duration,
}

impl Pace {
    /// For a call that is sent again: a quarter of a second, doubling up to 16 s.
    pub(crate) const RETRY: Self =
        Self { first: Duration::from_millis(250), factor: 2.0, longest: Duration::from_secs(16) };

    /// For looking whether something has happened: one second, growing to 10 s.
    pub(crate) const POLL: Self =
        Self { first: Duration::from_secs(1), factor: 1.5, longest: Duration::from_secs(10) };
}

/// Delays between attempts, up to a deadline.
///
/// The last delay ends exactly at the deadline, so that there is one more attempt then, and a long delay does not overshoot.
///
/// # Cancellation
/// Dropping the future of [`wait`](Self::wait) ends the wait.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    pace: Pace,
    deadline: Instant,
    /// Spreads callers that began together. Seeded by the intent's token or address, so that a run repeats exactly.
    spread: u64,
}

impl Backoff {
    /// Delays that grow at this pace, until `within` from now. Each is up to an eighth shorter or longer, so that callers with
    /// different seeds do not call in step; with the same seed, it is the same in every run.
    #[must_use]
    pub fn new(seed: &str, pace: Pace, within: Duration) -> Self {
        // FNV-1a: any hash that is the same in every process will do.
        let spread = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self { next: pace.first.min(pace.longest), pace, deadline: Instant::now() + within, spread }
    }

    pub(crate) fn retry(seed: &str, within: Duration) -> Self {
        Self::new(seed, Pace::RETRY, within)
    }

    pub(crate) fn poll(seed: &str, within: Duration) -> Self {
        Self::new(seed, Pace::POLL, within)
    }

    /// Waits, at most until the deadline; `false`, without a wait, if that has passed.
    pub async fn wait(&mut self) -> bool {
        self.spread =
            self.spread.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let eighths = 7 + (self.spread >> 61) % 3; // 7/8 to 9/8 of the delay
        let delay = self.next * u32::try_from(eighths).unwrap_or(8) / 8;
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        self.next = self.next.mul_f64(self.pace.factor).min(self.pace.longest);
        tokio::time::sleep(delay.min(left)).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const PACE: Pace = Pace { first: SECOND, factor: 2.0, longest: Duration::from_secs(4) };

    #[tokio::test(start_paused = true)]
    async fn waits_grow_up_to_the_longest_and_the_last_one_ends_at_the_deadline() {
        let start = Instant::now();
        let mut backoff = Backoff::new("seed", PACE, 30 * SECOND);
        let (mut ends, mut begun) = (Vec::new(), start);
        while backoff.wait().await {
            ends.push(begun.elapsed());
            begun = Instant::now();
        }
        let last = ends.pop().unwrap();
        for (position, waited) in ends.iter().enumerate() {
            let expected = [1, 2, 4][position.min(2)] * SECOND;
            assert!(*waited >= expected * 7 / 8 && *waited <= expected * 9 / 8 + SECOND / 100, "{waited:?}");
        }
        assert!(ends.len() >= 7 && last <= 4 * SECOND * 9 / 8 + SECOND / 100, "{ends:?}, {last:?}");
        assert_eq!(start.elapsed(), 30 * SECOND);
        assert!(!backoff.wait().await, "it does not wait any more");
        assert_eq!(start.elapsed(), 30 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_seed_waits_the_same_and_others_spread() {
        async fn waits(seed: &str) -> Vec<Duration> {
            let mut backoff = Backoff::new(seed, PACE, 30 * SECOND);
            let (mut waits, mut begun) = (Vec::new(), Instant::now());
            while backoff.wait().await {
                waits.push(begun.elapsed());
                begun = Instant::now();
            }
            waits
        }
        assert_eq!(waits("one").await, waits("one").await);
        assert_ne!(waits("one").await, waits("other").await);
    }
}
