//! The journal: what is recorded is durable before anybody goes on.
//!
//! One task writes. While it waits for the disk, further events gather; the next write takes all of them, so one flush
//! serves many. State is folded in the same task, hence in the order of the records.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::address::Address;
use crate::anchor::Head;
use crate::codec::{self, Decoded, JournalError};
use crate::event::{Event, Intended, Mutation, Outcome, Run, Seq};
use crate::host::Host;
use crate::state::State;
use crate::store::{Content, File, Store, StoreError, Version};

/// How many events one write takes at the most.
const BATCH: usize = 4096;

/// The state as kept in `store`, and an empty one with a fresh lineage where nothing is kept yet. Changes nothing.
///
/// # Errors
/// [`JournalError`] names file and line.
pub(crate) async fn load(store: &dyn Store, host: &dyn Host) -> Result<Loaded, JournalError> {
    // A compaction between the two reads makes them disagree; then both are read again.
    let mut attempt = 0;
    loop {
        attempt += 1;
        match decode(store, &read(store).await?, host) {
            Ok(Decoded { state, changed_at, .. }) => return Ok(Loaded { state, changed_at }),
            Err(JournalError::Broken { .. }) if attempt < 3 => {}
            Err(error) => return Err(error),
        }
    }
}

/// What is known, and when something was last recorded.
pub(crate) struct Loaded {
    pub(crate) state: State,
    /// In milliseconds since the Unix epoch.
    pub(crate) changed_at: u64,
}

/// What a state belongs to: not given is not checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Binding {
    /// Where the objects are, such as an account and a region.
    pub(crate) place: Option<String>,
    /// Whose they are, such as a project and an environment.
    pub(crate) stack: Option<String>,
}

impl Binding {
    /// Refuses a state with objects in it that is bound to something else.
    pub(crate) fn check(&self, state: &State) -> Result<(), JournalError> {
        for (recorded, wanted) in [(state.stack(), &self.stack), (state.bound_to(), &self.place)] {
            if let (Some(recorded), Some(wanted)) = (recorded, wanted)
                && recorded != wanted
                && !state.is_empty()
            {
                let (recorded, wanted) = (recorded.to_owned(), wanted.clone());
                return Err(JournalError::BoundElsewhere { recorded, wanted });
            }
        }
        Ok(())
    }
}

/// What a store keeps, unread.
pub(crate) struct Kept {
    pub(crate) state: Option<Content>,
    pub(crate) journal: Option<Content>,
}

pub(crate) async fn read(store: &dyn Store) -> Result<Kept, StoreError> {
    Ok(Kept { state: store.read(File::State).await?, journal: store.read(File::Journal).await? })
}

fn decode(store: &dyn Store, kept: &Kept, host: &dyn Host) -> Result<Decoded, JournalError> {
    Ok(decode_kept(store, kept)?.unwrap_or_else(|| {
        let lineage = host.unique();
        let hash = codec::genesis(&lineage);
        Decoded { state: State::new(&lineage), hash, whole: 0, records: 0, changed_at: 0 }
    }))
}

/// What is kept, checked; `None` where nothing is.
pub(crate) fn decode_kept(store: &dyn Store, kept: &Kept) -> Result<Option<Decoded>, JournalError> {
    let snapshot = match &kept.state {
        Some(content) => Some(codec::decode_state(&store.name(File::State), &content.bytes)?),
        None => None,
    };
    match (&kept.journal, snapshot) {
        // The journal alone would only say that records are missing, and not from which file.
        (Some(content), None) if codec::goes_on_after(&content.bytes) > 0 => Err(JournalError::Broken {
            file: store.name(File::State),
            line: 1,
            reason: format!(
                "it is missing, and {} goes on after record {}, which it had",
                store.name(File::Journal),
                codec::goes_on_after(&content.bytes)
            ),
        }),
        (Some(content), snapshot) => {
            codec::decode_journal(&store.name(File::Journal), &content.bytes, snapshot).map(Some)
        }
        // A snapshot is only ever written while there is a journal, and a journal is never removed.
        (None, Some(_)) => Err(JournalError::Broken {
            file: store.name(File::Journal),
            line: 1,
            reason: format!("it is missing, but {} is there", store.name(File::State)),
        }),
        (None, None) => Ok(None),
    }
}

/// What an [`Event::Intent`] says, before it has a number.
#[derive(Clone, Debug)]
pub(crate) struct NewIntent {
    pub(crate) address: Address,
    pub(crate) kind: String,
    pub(crate) mutation: Mutation,
    pub(crate) properties: Value,
    pub(crate) dependencies: Vec<Address>,
    pub(crate) protect: bool,
}

/// A recorded intent: its number and its token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) seq: Seq,
    pub(crate) token: String,
}

type Reply<T> = oneshot::Sender<Result<T, JournalError>>;

/// Something to write, and who waits until it is durable.
enum Write {
    Event(Event, Reply<()>),
    Intent(NewIntent, Reply<Recorded>),
}

/// Tells whoever waits what became of the record.
type Answer = Box<dyn FnOnce(Result<Seq, JournalError>) + Send>;

/// The open journal of the process that holds the lock.
pub(crate) struct Journal {
    state: Arc<RwLock<State>>,
    changed_at: Arc<AtomicU64>,
    head: Arc<Mutex<Head>>,
    writes: mpsc::UnboundedSender<Write>,
    writer: JoinHandle<Writer>,
    /// Whether the record of who opened it says what for, so that its end is recorded too.
    says_its_end: bool,
}

impl Journal {
    /// Reads what is kept, brings an earlier version of it to the present one, mends a torn last line, and records who opens it
    /// and what for, which fences off whoever had it before.
    pub(crate) async fn open(
        store: Arc<dyn Store>,
        host: Arc<dyn Host>,
        binding: Binding,
        run: Option<Run>,
    ) -> Result<Self, JournalError> {
        let kept = read(&*store).await?;
        let decoded = decode(&*store, &kept, &*host)?;
        binding.check(&decoded.state)?;
        let version = match kept.journal {
            None => {
                let state = &decoded.state;
                let header =
                    codec::journal_header(&state.lineage, state.records, &decoded.hash, host.now_millis());
                store.replace(File::Journal, None, header).await?
            }
            Some(content) => {
                let whole = &content.bytes[..decoded.whole];
                let mended = || (content.bytes.len() > decoded.whole).then(|| whole.to_vec());
                match codec::upgraded(whole).or_else(mended) {
                    Some(bytes) => store.replace(File::Journal, Some(&content.version), bytes).await?,
                    None => content.version,
                }
            }
        };
        let (lineage, records) = (decoded.state.lineage.clone(), decoded.state.records);
        let head = Arc::new(Mutex::new(Head { lineage, records, head: decoded.hash.clone() }));
        let state = Arc::new(RwLock::new(decoded.state));
        let changed_at = Arc::new(AtomicU64::new(decoded.changed_at));
        let (writes, queue) = mpsc::unbounded_channel();
        let holder = host.holder();
        let writer = Writer {
            state: Arc::clone(&state),
            changed_at: Arc::clone(&changed_at),
            head: Arc::clone(&head),
            store,
            host,
            hash: decoded.hash,
            version,
            state_version: kept.state.map(|content| content.version),
            records: decoded.records,
            failed: None,
        };
        let writer = tokio::spawn(writer.run(queue));
        let says_its_end = run.is_some();
        let journal = Self { state, changed_at, head, writes, writer, says_its_end };
        let Binding { place: bound_to, stack } = binding;
        journal.record(Event::Opened { holder, bound_to, stack, run }).await?;
        Ok(journal)
    }

    /// What is known now.
    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// When something was last recorded, in milliseconds since the Unix epoch; who had it does not count.
    pub(crate) fn changed_at(&self) -> u64 {
        self.changed_at.load(Ordering::Relaxed)
    }

    /// Where the last durable record is kept, also when the journal is closed.
    pub(crate) fn watch_head(&self) -> Arc<Mutex<Head>> {
        Arc::clone(&self.head)
    }

    /// The last record that is durable.
    pub(crate) fn head(&self) -> Head {
        self.head.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records an event; returns when it is durable.
    pub(crate) async fn record(&self, event: Event) -> Result<(), JournalError> {
        self.write(|reply| Write::Event(event, reply)).await
    }

    /// Records an intent; returns when it is durable.
    pub(crate) async fn intend(&self, intent: NewIntent) -> Result<Recorded, JournalError> {
        self.write(|reply| Write::Intent(intent, reply)).await
    }

    async fn write<T>(&self, write: impl FnOnce(Reply<T>) -> Write) -> Result<T, JournalError> {
        let stopped = || JournalError::Refused { reason: "the journal is closed".to_owned() };
        let (reply, answer) = oneshot::channel();
        self.writes.send(write(reply)).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Records how the session ends, where it has said what it is for.
    pub(crate) async fn record_end(&self, outcome: Outcome) -> Result<(), JournalError> {
        match self.says_its_end {
            true => self.record(Event::Ended { outcome }).await,
            false => Ok(()),
        }
    }

    /// Ends writing, and leaves what is there to whoever has the lock now.
    pub(crate) async fn leave(self) -> Result<(), JournalError> {
        self.writer().await?.failed.map_or(Ok(()), Err)
    }

    /// Ends writing, and compacts a long journal.
    pub(crate) async fn close(self) -> Result<(), JournalError> {
        self.writer().await?.compact_if_long().await
    }

    async fn writer(self) -> Result<Writer, JournalError> {
        drop(self.writes);
        self.writer.await.map_err(|error| JournalError::Refused { reason: error.to_string() })
    }
}

struct Writer {
    state: Arc<RwLock<State>>,
    changed_at: Arc<AtomicU64>,
    /// What of `hash` is durable.
    head: Arc<Mutex<Head>>,
    store: Arc<dyn Store>,
    host: Arc<dyn Host>,
    hash: String,
    version: Version,
    state_version: Option<Version>,
    records: usize,
    /// After a failed write nobody knows where the file ends, so nothing is written any more.
    failed: Option<JournalError>,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Write>) -> Self {
        let mut batch = Vec::new();
        while queue.recv_many(&mut batch, BATCH).await > 0 {
            // Let everybody who is ready say what they have, so that one flush serves all of them.
            tokio::task::yield_now().await;
            while batch.len() < BATCH
                && let Ok(more) = queue.try_recv()
            {
                batch.push(more);
            }
            self.write(std::mem::take(&mut batch)).await;
        }
        self
    }

    async fn write(&mut self, batch: Vec<Write>) {
        let mut bytes = Vec::new();
        let mut written = Vec::with_capacity(batch.len());
        for write in batch {
            let (event, answer) = self.event_of(write);
            let folded = match &self.failed {
                Some(error) => Err(error.again()),
                None => self.fold(&event, &mut bytes),
            };
            match folded {
                Ok(seq) => written.push((answer, seq)),
                Err(error) => answer(Err(error)),
            }
        }
        if written.is_empty() {
            return;
        }
        let done = self.store.append(File::Journal, &self.version, bytes).await;
        match done {
            Ok(version) => {
                self.version = version;
                let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
                // This task alone folds, so the state's last record is the last one of the batch.
                let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
                (head.records, head.head) = (state.records, self.hash.clone());
            }
            Err(error) => self.failed = Some(error.into()),
        }
        self.records += written.len();
        for (answer, seq) in written {
            answer(self.failed.as_ref().map_or(Ok(seq), |error| Err(error.again())));
        }
    }

    /// What is recorded, and how it is answered. Whoever does not wait any more need not be told.
    fn event_of(&self, write: Write) -> (Event, Answer) {
        match write {
            Write::Event(event, reply) => {
                let answer = |done: Result<Seq, JournalError>| {
                    let _ = reply.send(done.map(|_| ()));
                };
                (event, Box::new(answer))
            }
            Write::Intent(new, reply) => {
                let NewIntent { address, kind, mutation, properties, dependencies, protect } = new;
                let token = self.state.read().unwrap_or_else(PoisonError::into_inner).token(&address);
                let intended = Intended {
                    address,
                    kind,
                    mutation,
                    token: token.clone(),
                    properties,
                    dependencies,
                    protect,
                };
                let answer = |done: Result<Seq, JournalError>| {
                    let _ = reply.send(done.map(|seq| Recorded { seq, token }));
                };
                (Event::Intent(intended), Box::new(answer))
            }
        }
    }

    fn fold(&mut self, event: &Event, bytes: &mut Vec<u8>) -> Result<Seq, JournalError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.fold(event).map_err(|error| JournalError::Refused { reason: error.to_string() })?;
        let (number, now) = (state.records, self.host.now_millis());
        if !event.is_of_session() {
            self.changed_at.store(now, Ordering::Relaxed);
        }
        self.hash = codec::encode(bytes, number, now, &self.hash, event);
        Ok(Seq::of_record(number))
    }

    async fn compact_if_long(self) -> Result<(), JournalError> {
        if let Some(error) = &self.failed {
            return Err(error.again());
        }
        // The unit tests would only be slower for the stores' own number.
        let longest = if cfg!(test) { 20 } else { self.store.compact_after() };
        if self.records <= longest {
            return Ok(());
        }
        let (snapshot, header) = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            let header =
                codec::journal_header(&state.lineage, state.records, &self.hash, self.host.now_millis());
            (codec::encode_state(&state, &self.hash), header)
        };
        // If the process dies between the two, the next one finds records that the snapshot contains, and skips them.
        self.store.replace(File::State, self.state_version.as_ref(), snapshot).await?;
        self.store.replace(File::Journal, Some(&self.version), header).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
