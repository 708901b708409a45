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
        let user = user();
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname")
            .map(|name| name.trim().to_owned())
            .or_else(|_| std::env::var("HOSTNAME"))
            .unwrap_or_else(|_| "this machine".to_owned());
        format!("{user}@{machine}, process {}", std::process::id())
    }
}

/// Who runs this: services and containers often have no variable that says so, and then the owner of the process does.
fn user() -> String {
    let variables = ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    let named = variables.into_iter().find(|name| !name.trim().is_empty());
    named.or_else(owner).unwrap_or_else(|| "unknown".to_owned())
}

/// The name of the process's owner, or its number where nobody has given it a name.
#[cfg(unix)]
fn owner() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let id = std::fs::metadata("/proc/self").ok()?.uid();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    Some(name_of(id, &accounts).unwrap_or_else(|| format!("user {id}")))
}

#[cfg(not(unix))]
fn owner() -> Option<String> {
    std::env::var("USERNAME").ok()
}

/// The name that belongs to a number: passwd(5), `name:password:UID:…`.
#[cfg(unix)]
fn name_of(id: u32, accounts: &str) -> Option<String> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    })
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_user_without_a_variable_is_looked_up_by_number() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nbroken\ndeploy:x:1000:1000::/home/deploy:/bin/sh\n";
        assert_eq!(name_of(1000, accounts).as_deref(), Some("deploy"));
        assert_eq!((name_of(0, accounts).as_deref(), name_of(7, accounts)), (Some("root"), None));
    }
}
