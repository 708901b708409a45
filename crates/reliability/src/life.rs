//! One process: when it dies, it does nothing any more, not even what its destructors would do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use emulator::{Call, Layer, Next, Reply};
use tokio::sync::Notify;

/// The life of one process. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    dead: Arc<AtomicBool>,
    died: Arc<Notify>,
}

impl Life {
    /// The process dies here and now.
    pub(crate) fn end(&self) {
        self.dead.store(true, Ordering::SeqCst);
        self.died.notify_one();
    }

    /// Returns when the process has died.
    pub(crate) async fn over(&self) {
        self.died.notified().await;
    }

    /// Returns at once while the process lives, and never when it is dead.
    pub(crate) async fn go_on(&self) {
        if self.dead.load(Ordering::SeqCst) {
            std::future::pending().await
        }
    }
}

/// Between the process and the cloud: what a dead process still tries to send does not arrive.
pub(crate) struct Wire(pub(crate) Life);

#[async_trait]
impl Layer for Wire {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        self.0.go_on().await;
        next.run(call).await
    }
}
