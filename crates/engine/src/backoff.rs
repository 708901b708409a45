//! Waiting longer each time, up to a limit and a deadline, on tokio's clock.

use std::time::Duration;

use tokio::time::Instant;

/// Delays between attempts.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    factor: f64,
    longest: Duration,
    deadline: Instant,
    /// Spreads callers that began together. Seeded by the intent's token or address, so that a run repeats exactly.
    spread: u64,
}

impl Backoff {
    /// For a call that is sent again: a quarter of a second, doubling up to 16 s.
    pub(crate) fn retry(seed: &str, within: Duration) -> Self {
        Self::new(seed, Duration::from_millis(250), 2.0, Duration::from_secs(16), within)
    }

    /// For looking whether something has happened: one second, growing to 10 s.
    pub(crate) fn poll(seed: &str, within: Duration) -> Self {
        Self::new(seed, Duration::from_secs(1), 1.5, Duration::from_secs(10), within)
    }

    fn new(seed: &str, first: Duration, factor: f64, longest: Duration, within: Duration) -> Self {
        // FNV-1a: any hash that is the same in every process will do.
        let spread = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self { next: first, factor, longest, deadline: Instant::now() + within, spread }
    }

    /// Waits, at most until the deadline; `false` if that has passed.
    pub(crate) async fn wait(&mut self) -> bool {
        self.spread =
            self.spread.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let eighths = 7 + (self.spread >> 61) % 3; // 7/8 to 9/8 of the delay
        let delay = self.next * u32::try_from(eighths).unwrap_or(8) / 8;
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        self.next = self.next.mul_f64(self.factor).min(self.longest);
        tokio::time::sleep(delay.min(left)).await;
        true
    }
}
