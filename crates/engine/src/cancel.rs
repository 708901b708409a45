//! Telling a running apply to stop.

use std::sync::Arc;

use tokio::sync::watch;

/// A flag that can be set once and waited for. Clones share it.
#[derive(Clone, Debug)]
pub struct Cancel {
    flag: Arc<watch::Sender<bool>>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

impl Cancel {
    /// A flag that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self { flag: Arc::new(watch::Sender::new(false)) }
    }

    /// Sets it: nothing new is started, what runs is brought to an end.
    pub fn cancel(&self) {
        self.flag.send_replace(true);
    }

    /// Whether it is set.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.flag.borrow()
    }

    /// Returns when it is set.
    pub async fn cancelled(&self) {
        let mut flag = self.flag.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = flag.wait_for(|set| *set).await;
    }
}
