//! Telling work to stop: first that nothing new is begun, then that nothing is waited for any more.

use std::sync::Arc;

use tokio::sync::watch;

/// How far a stop has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// Work goes on.
    Going,
    /// Nothing new is begun and nothing is waited for, but calls in flight may be answered.
    Cancelled,
    /// Calls in flight are given up, too.
    Abandoned,
}

/// A signal to stop that can be set once and waited for. Clones share it; children follow their parent.
#[derive(Clone, Debug)]
pub struct Cancel {
    level: Arc<watch::Sender<Level>>,
    parent: Option<Arc<Cancel>>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

impl Cancel {
    /// A signal that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self { level: Arc::new(watch::Sender::new(Level::Going)), parent: None }
    }

    /// A signal that is set when this one is, and can be set without this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { parent: Some(Arc::new(self.clone())), ..Self::new() }
    }

    /// Sets it: nothing new is begun, waits end, and calls in flight are still answered.
    pub fn cancel(&self) {
        self.raise(Level::Cancelled);
    }

    /// Gives up calls in flight as well. Their outcome is looked up by the next run, as after a crash.
    pub fn abandon(&self) {
        self.raise(Level::Abandoned);
    }

    fn raise(&self, level: Level) {
        self.level.send_if_modified(|now| {
            let before = *now;
            *now = before.max(level);
            before < level
        });
    }

    /// Whether it is set.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.level.borrow() >= Level::Cancelled || self.parent.as_ref().is_some_and(|it| it.is_cancelled())
    }

    /// Returns when it is set.
    pub async fn cancelled(&self) {
        self.reached(Level::Cancelled).await;
    }

    /// Returns when calls in flight are to be given up.
    pub async fn abandoned(&self) {
        self.reached(Level::Abandoned).await;
    }

    async fn reached(&self, level: Level) {
        let own = async {
            // The sender lives in `self`, so waiting cannot fail.
            let _ = self.level.subscribe().wait_for(|now| *now >= level).await;
        };
        match &self.parent {
            None => own.await,
            Some(parent) => tokio::select! {
                () = own => {}
                () = Box::pin(parent.reached(level)) => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_child_follows_its_parent_and_not_the_other_way_round() {
        let parent = Cancel::new();
        let (one, other) = (parent.child(), parent.child());
        one.cancel();
        one.cancelled().await;
        assert!(!parent.is_cancelled() && !other.is_cancelled());
        parent.abandon();
        other.abandoned().await;
        one.abandoned().await;
        assert!(other.is_cancelled());
    }

    #[tokio::test]
    async fn cancelling_does_not_take_back_that_calls_are_abandoned() {
        let cancel = Cancel::new();
        cancel.abandon();
        cancel.cancel();
        cancel.abandoned().await;
    }
}
