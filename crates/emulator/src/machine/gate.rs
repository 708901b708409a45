//! One turn at a time, and one flush for many calls.
//!
//! Every look at the state and every change of it happens in a *turn*. In memory a turn is one call. On disk
//! a turn serves every call that is waiting when it begins: it locks the directory, reads again if another
//! process has written, runs the calls one after the other, writes the files that changed, gives the lock
//! back, and only then answers. A call that is answered is therefore on disk, and fifty calls at once need
//! about two flushes: the first call's, and one for the forty-nine that arrived meanwhile.
//!
//! A turn on disk runs in a task of its own, so a caller that gives up (a time-out, Ctrl-C) does not take the
//! calls of others with it. If a turn fails half-way, what is in memory is no longer trusted and the next
//! turn reads from disk.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::machine::clock::Forward;
use crate::machine::error::EmulatorError;
use crate::machine::layer::{Layer, Next};
use crate::machine::objects::Object;
use crate::machine::persist::{Current, Directory, Unsaved};
use crate::machine::services::{Copied, Home, Services};
use crate::protocol::request::Call;
use crate::protocol::response::{Refusal, Reply};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Guards the state.
pub(crate) struct Gate {
    services: Box<dyn Services>,
    rules: Vec<Arc<dyn Layer>>,
    directory: Option<Arc<Directory>>,
    turn: tokio::sync::Mutex<Turn>,
    waiting: Mutex<Vec<Job>>,
}

/// What only the holder of the turn may touch.
#[derive(Debug, Default)]
struct Turn {
    /// The generation on disk that memory is equal to, if it surely is.
    known: Option<u64>,
    /// What the files of that generation hold, to see which of them a turn has changed. A home without a file
    /// has the state of a new account.
    on_disk: BTreeMap<Home, Arc<Value>>,
    /// Homes whose files cannot be used. Their services answer with an error, and their files are not replaced.
    unreadable: BTreeMap<Home, EmulatorError>,
}

struct Job {
    work: Work,
    done: oneshot::Sender<Result<Done, EmulatorError>>,
}

enum Work {
    Call(Call),
    Objects,
    State { service: String, region: String },
    Put { service: String, region: String, name: String, state: String },
    Now,
    Advance(Forward),
}

enum Done {
    Call(Reply),
    Objects(Vec<Object>),
    State(Option<Value>),
    /// Whether there is such an object.
    Put(bool),
    /// What time it is, in milliseconds since 1970.
    Now(Result<i64, EmulatorError>),
}

impl Gate {
    pub(crate) fn new(
        services: Box<dyn Services>,
        rules: Vec<Arc<dyn Layer>>,
        directory: Option<Directory>,
    ) -> Self {
        Gate {
            services,
            rules,
            directory: directory.map(Arc::new),
            turn: tokio::sync::Mutex::default(),
            waiting: Mutex::default(),
        }
    }

    /// Runs a call. An emulator that fails answers as an AWS service does that fails: HTTP 500, which leaves
    /// open whether the call took effect.
    ///
    /// Boxed, because a turn runs the inner chain, whose type is that of the outer one, which ends here.
    pub(crate) fn call<'a>(self: &'a Arc<Self>, call: &'a Call) -> BoxFuture<'a, Reply> {
        Box::pin(self.answer(call))
    }

    async fn answer(self: &Arc<Self>, call: &Call) -> Reply {
        match self.run(Work::Call(call.clone())).await {
            Ok(Done::Call(reply)) => reply,
            Ok(_) => unreachable!("a call is answered with a reply"),
            Err(error) => Ok(call.refuse(Refusal::new("InternalError", told(&error)).with_status(500))),
        }
    }

    pub(crate) async fn objects(self: &Arc<Self>) -> Result<Vec<Object>, EmulatorError> {
        match self.run(Work::Objects).await? {
            Done::Objects(objects) => Ok(objects),
            _ => unreachable!("a question for objects is answered with objects"),
        }
    }

    pub(crate) async fn state(
        self: &Arc<Self>,
        service: &str,
        region: &str,
    ) -> Result<Option<Value>, EmulatorError> {
        let work = Work::State { service: service.to_owned(), region: region.to_owned() };
        match self.run(work).await? {
            Done::State(state) => Ok(state),
            _ => unreachable!("a question for state is answered with state"),
        }
    }

    /// Puts an object into a state whose cause is not modelled; whether there is one of this name.
    pub(crate) async fn put(
        self: &Arc<Self>,
        service: &str,
        region: &str,
        name: &str,
        state: &str,
    ) -> Result<bool, EmulatorError> {
        let [service, region, name, state] = [service, region, name, state].map(str::to_owned);
        match self.run(Work::Put { service, region, name, state }).await? {
            Done::Put(found) => Ok(found),
            _ => unreachable!("a change of a state is answered with whether it was made"),
        }
    }

    /// What time it is, in milliseconds since 1970, once the clock was moved where that is asked for.
    pub(crate) async fn now(self: &Arc<Self>, forward: Option<Forward>) -> Result<i64, EmulatorError> {
        match self.run(forward.map_or(Work::Now, Work::Advance)).await? {
            Done::Now(now) => now,
            _ => unreachable!("a question for the time is answered with the time"),
        }
    }

    /// The account as it is in memory, and how much time has passed in it; `None` on disk.
    pub(crate) fn copy(&self) -> Option<(Arc<dyn Copied>, Duration)> {
        self.directory.is_none().then(|| self.services.copy())
    }

    async fn run(self: &Arc<Self>, work: Work) -> Result<Done, EmulatorError> {
        if self.directory.is_none() {
            let _turn = self.turn.lock().await;
            let done = self.perform(&work).await;
            self.services.kept();
            return Ok(done);
        }
        let (done, answer) = oneshot::channel();
        self.waiting().push(Job { work, done });
        let gate = Arc::clone(self);
        tokio::spawn(async move { gate.take_turn().await });
        answer.await.unwrap_or(Err(EmulatorError::Interrupted))
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Job>> {
        // A job is pushed, or all are taken, in one step; a panic elsewhere cannot tear the list.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take_turn(&self) {
        let mut turn = self.turn.lock().await;
        let jobs = std::mem::take(&mut *self.waiting());
        let (Some(directory), false) = (&self.directory, jobs.is_empty()) else {
            return; // An earlier turn has served this call too.
        };
        let (works, senders): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.work, job.done)).unzip();
        let results = match self.serve(directory, &mut turn, &works).await {
            Ok(results) => results,
            Err(error) => works.iter().map(|_| Err(error.clone())).collect(),
        };
        for (sender, result) in senders.into_iter().zip(results) {
            // A caller that has gone away does not want its answer.
            let _ = sender.send(result);
        }
    }

    /// One turn on disk, from lock to unlock.
    async fn serve(
        &self,
        directory: &Arc<Directory>,
        turn: &mut Turn,
        works: &[Work],
    ) -> Result<Vec<Result<Done, EmulatorError>>, EmulatorError> {
        let changes: BTreeSet<Home> = works
            .iter()
            .filter_map(|work| match work {
                Work::Call(call) if call.is_mutating() => Some(self.services.homes(call)),
                Work::Put { service, region, .. } => Some(vec![(service.clone(), region.clone())]),
                _ => None,
            })
            .flatten()
            .collect();
        let result = self.locked(directory, turn, works, &changes).await;
        directory.unlock()?;
        result
    }

    async fn locked(
        &self,
        directory: &Arc<Directory>,
        turn: &mut Turn,
        works: &[Work],
        changes: &BTreeSet<Home>,
    ) -> Result<Vec<Result<Done, EmulatorError>>, EmulatorError> {
        let moves = works.iter().any(|work| matches!(work, Work::Advance(_)));
        let exclusive = moves || !changes.is_empty();
        // Until this turn has succeeded, memory is not known to be equal to anything on disk.
        let known = turn.known.take();
        self.services.not_kept();
        let Current { generation, files } =
            blocking(directory, move |directory| directory.lock(exclusive, known)).await?;
        if let Some(files) = files {
            let ahead = files.ahead;
            let (readable, unreadable) = self.services.usable(files);
            turn.unreadable = unreadable;
            turn.on_disk = readable
                .iter()
                .map(|stored| {
                    let home = (stored.service.clone(), stored.region.clone());
                    (home, Arc::new(stored.state.clone()))
                })
                .collect();
            self.services.load(readable)?;
            self.services.clock().set_ahead(ahead);
        }
        let ahead = self.services.clock().ahead();
        let changes: Vec<&Home> =
            changes.iter().filter(|home| !turn.unreadable.contains_key(*home)).collect();
        for home in &changes {
            if !turn.on_disk.contains_key(home) {
                let (service, region) = *home;
                let blank = self.services.blank(service, region).unwrap_or_default();
                turn.on_disk.insert((*home).clone(), Arc::new(blank));
            }
        }
        let mut done = Vec::with_capacity(works.len());
        for work in works {
            done.push(match self.refused(work, &turn.unreadable) {
                Some(refused) => refused,
                None => Ok(self.perform(work).await),
            });
        }
        let mut unsaved = Vec::new();
        for home in changes {
            let state = self.save(home);
            if turn.on_disk.get(home) != Some(&state) {
                turn.on_disk.insert(home.clone(), Arc::clone(&state));
                let (service, region) = home.clone();
                unsaved.push(Unsaved { service, region, state });
            }
        }
        let moved = Some(self.services.clock().ahead()).filter(|moved| *moved != ahead);
        let generation = if unsaved.is_empty() && moved.is_none() {
            generation
        } else {
            let write = move |directory: &Directory| directory.write(generation, &unsaved, moved);
            blocking(directory, write).await?
        };
        self.services.kept();
        // Whoever mends a file does not say so.
        turn.known = turn.unreadable.is_empty().then_some(generation);
        Ok(done)
    }

    fn save(&self, (service, region): &Home) -> Arc<Value> {
        Arc::new(self.services.save(service, region).unwrap_or_default())
    }

    /// The refusal of what asks for a state that cannot be read. Repeating a call does not help, so it is no server error.
    fn refused(
        &self,
        work: &Work,
        unreadable: &BTreeMap<Home, EmulatorError>,
    ) -> Option<Result<Done, EmulatorError>> {
        match work {
            Work::Call(call) => {
                let error = unreadable.get(&self.services.home(call))?;
                Some(Ok(Done::Call(Ok(call.refuse(Refusal::new("UnreadableState", told(error)))))))
            }
            Work::Objects => unreadable.values().next().cloned().map(Err),
            Work::State { service, region } | Work::Put { service, region, .. } => {
                unreadable.get(&(service.clone(), region.clone())).cloned().map(Err)
            }
            Work::Now | Work::Advance(_) => None,
        }
    }

    async fn perform(&self, work: &Work) -> Done {
        match work {
            Work::Call(call) => Done::Call(Next::inner(&self.rules, &*self.services).run(call).await),
            Work::Objects => Done::Objects(self.services.objects()),
            Work::State { service, region } => Done::State(self.services.save(service, region)),
            Work::Put { service, region, name, state } => {
                Done::Put(self.services.put(service, region, name, state))
            }
            Work::Now => Done::Now(Ok(self.services.clock().now_millis())),
            Work::Advance(forward) => {
                let clock = self.services.clock();
                Done::Now(clock.advance(*forward).map(|()| clock.now_millis()))
            }
        }
    }
}

/// An error with its causes.
pub(crate) fn told(error: &EmulatorError) -> String {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    message
}

/// Runs blocking file work where it does not hold up other tasks.
async fn blocking<T: Send + 'static>(
    directory: &Arc<Directory>,
    work: impl FnOnce(&Directory) -> Result<T, EmulatorError> + Send + 'static,
) -> Result<T, EmulatorError> {
    let directory = Arc::clone(directory);
    tokio::task::spawn_blocking(move || work(&directory)).await.unwrap_or(Err(EmulatorError::Interrupted))
}
