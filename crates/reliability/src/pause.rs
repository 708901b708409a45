//! A request to the bucket at which the process is held up, and what others do meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use emulator::{Call, Layer, Moment, Next, Reply};
use tokio::sync::Notify;

/// What happens beside a process when it comes to a certain request to the bucket of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Aside {
    /// Nobody ever answers that request; it takes no effect.
    SilenceBefore,
    /// The same, but it takes effect.
    SilenceAfter,
    /// Before it takes effect, another machine takes the lock away, and does the same work at the same time.
    Rival,
    /// After its effect, somebody copies the bucket.
    Copy,
}

impl Aside {
    fn moment(self) -> Moment {
        match self {
            Aside::SilenceBefore | Aside::Rival => Moment::BeforeEffect,
            Aside::SilenceAfter | Aside::Copy => Moment::AfterEffect,
        }
    }
}

/// Holds one request up until it is told to go on. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Pause(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    aside: Option<(u64, Aside)>,
    count: AtomicU64,
    reached: Notify,
    go_on: Notify,
}

impl Pause {
    /// One at the request of this number, counted from 1.
    pub(crate) fn of(aside: Option<(u64, Aside)>) -> Self {
        let (reached, go_on) = (Notify::new(), Notify::new());
        Self(Arc::new(Inner { aside, count: AtomicU64::new(0), reached, go_on }))
    }

    /// Waits for the process to come to that request, and says what happens then.
    pub(crate) async fn reached(&self) -> Option<Aside> {
        self.0.reached.notified().await;
        self.0.aside.map(|(_, aside)| aside)
    }

    /// The request goes on.
    pub(crate) fn go_on(&self) {
        self.0.go_on.notify_one();
    }

    async fn hold_up(&self) {
        self.0.reached.notify_one();
        self.0.go_on.notified().await;
    }
}

#[async_trait]
impl Layer for Pause {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        let number = self.0.count.fetch_add(1, Ordering::Relaxed) + 1;
        let moment = self.0.aside.filter(|(at, _)| *at == number).map(|(_, aside)| aside.moment());
        if moment == Some(Moment::BeforeEffect) {
            self.hold_up().await;
        }
        let reply = next.run(call).await;
        if moment == Some(Moment::AfterEffect) {
            self.hold_up().await;
        }
        reply
    }
}
