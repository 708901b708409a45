//! The one seam to the wall clock and to randomness.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the engine asks of the machine that it runs on.
///
/// Waiting and back-off use tokio's clock, which tests pause; this is for what must mean the same to another
/// process: times in leases and records, and names that must be unique.
pub trait Host: Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now_millis(&self) -> u64;

    /// 16 random bytes, as hexadecimal digits.
    fn unique(&self) -> String;

    /// Who runs this, for the person that finds the lock taken: `user@machine, process 123`.
    fn holder(&self) -> String;
}

/// The real machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemHost;

impl Host for SystemHost {
    fn now_millis(&self) -> u64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
    }

    fn unique(&self) -> String {
        // The standard library seeds each RandomState from the operating system's random source.
        use std::hash::{BuildHasher, RandomState};
        format!("{:016x}{:016x}", RandomState::new().hash_one(1), RandomState::new().hash_one(2))
    }

    fn holder(&self) -> String {
        let user = std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned());
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname")
            .map(|name| name.trim().to_owned())
            .or_else(|_| std::env::var("HOSTNAME"))
            .unwrap_or_else(|_| "this machine".to_owned());
        format!("{user}@{machine}, process {}", std::process::id())
    }
}

/// A machine for tests: its wall clock is tokio's clock, and its random numbers count up from a seed.
#[derive(Debug)]
pub struct TestHost {
    started: tokio::time::Instant,
    name: String,
    next: std::sync::atomic::AtomicU64,
}

impl TestHost {
    /// A machine of this name. Hosts with different seeds give different unique texts.
    ///
    /// All hosts share tokio's clock, so that one sees another's lease expire.
    #[must_use]
    pub fn new(name: &str, seed: u64, started: tokio::time::Instant) -> Self {
        Self { started, name: name.to_owned(), next: (seed << 32).into() }
    }
}

impl Host for TestHost {
    fn now_millis(&self) -> u64 {
        let elapsed = tokio::time::Instant::now().duration_since(self.started);
        1_800_000_000_000 + u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX / 2)
    }

    fn unique(&self) -> String {
        format!("{:032x}", self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    }

    fn holder(&self) -> String {
        self.name.clone()
    }
}
