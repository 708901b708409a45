//! Past runs, as the journal and what the store keeps of earlier journals have them. Read without the lock.
//!
//! Each record carries the hash of the one before it, so the way back from the journal that is there now leads to the records that
//! belong to it, whatever else a store has kept: what was copied over, or was brought to a newer version, is met again and left out.

use std::collections::HashMap;

use crate::address::Address;
use crate::codec::{self, Entry, JournalError};
use crate::error::ErrorClass;
use crate::event::{Event, Operation, Outcome, Seq};
use crate::journal;
use crate::lock::{Holder, LockError, lock_holder};
use crate::state::State;
use crate::store::{File, Store};

/// How many parts of earlier journals are read at once.
const AT_ONCE: u64 = 32;

/// Which runs are wanted. What is not is not read either, as far as that can be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The newest ones, so many of them.
    Newest(usize),
    /// The newest one whose id begins like this.
    Id(String),
    /// Those from this record on, with the run that made it.
    Since(u64),
}

/// Runs of the past, and of the present.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The newest first.
    pub runs: Vec<PastRun>,
    /// What there is before them.
    pub older: Older,
}

/// What there is before the runs that were found.
///
/// Exhaustive on purpose: whoever shows a history must say what is missing in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Older {
    /// Nothing: the first run of all is among them.
    Nothing,
    /// More runs, which nobody wanted.
    More,
    /// The store does not keep the records before this one.
    NotKept {
        /// The first record that is there.
        first: u64,
    },
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct PastRun {
    /// Its name: of its holding of the lock, or, where an earlier version of the program has not recorded that, the hash of its
    /// first record.
    pub id: String,
    /// The number of its first record.
    pub record: u64,
    /// User, machine and process.
    pub holder: String,
    /// What for, such as its command, where it has said so.
    pub purpose: Option<String>,
    /// Whom the cloud took it for, where it called the cloud.
    pub caller: Option<String>,
    /// When it began, in milliseconds since the Unix epoch, by the clock of its machine; the other times, too.
    pub began: u64,
    /// When it recorded something the last time.
    pub last: u64,
    /// How it ended.
    pub end: End,
    /// What it did, in the order in which it was begun.
    pub steps: Vec<PastStep>,
}

/// How a run ended.
///
/// Exhaustive on purpose: whoever shows past runs needs a word for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As it said itself.
    Said(Outcome),
    /// It gave up its session, and said no more.
    GaveUp,
    /// It has recorded no end, though it would have: it was killed, or lost its lock.
    Killed,
    /// It was made by an earlier version of the program, which recorded no ends.
    Unknown,
    /// It has the lock.
    UnderWay {
        /// Whether it is known to live.
        lives: bool,
    },
}

/// What became of a resource, or of its record.
#[derive(Clone, Debug, PartialEq)]
pub struct PastStep {
    /// The resource; `None` where the record that says so is not kept any more.
    pub address: Option<Address>,
    /// Its kind, where that is known.
    pub kind: Option<String>,
    /// The record with which it was begun, or the only one of it. Of an object that was made, it is the object's identity.
    pub record: u64,
    /// What happened.
    pub did: Did,
    /// When it was begun; `None` where an earlier run has begun it.
    pub began: Option<u64>,
    /// When it came to its end, if it did.
    pub ended: Option<u64>,
}

/// What happened.
///
/// Exhaustive on purpose: whoever shows past runs needs a word for each.
#[derive(Clone, Debug, PartialEq)]
pub enum Did {
    /// An object was made and is ready.
    Created,
    /// An object that was there already was taken over.
    Adopted,
    /// An object was changed.
    Changed,
    /// An object was deleted.
    Deleted,
    /// What an earlier run has begun was looked up: it had no effect.
    NoEffect {
        /// What had been begun.
        operation: Operation,
    },
    /// A call had no effect.
    Failed {
        /// What it was to do.
        operation: Operation,
        /// Why.
        class: ErrorClass,
    },
    /// An object was made, and will never be ready.
    Broken {
        /// In the cloud's words.
        reason: String,
    },
    /// It was begun; how it ended was left to a later run.
    Unfinished {
        /// What was begun.
        operation: Operation,
    },
    /// What an earlier run has begun was looked up: the object is there.
    LookedUp {
        /// What had been begun.
        operation: Operation,
    },
    /// An object was found to be gone.
    Missing,
    /// An object stays in the cloud and is not managed any more.
    Released,
    /// An object that had been replaced was taken back.
    TakenBack,
    /// The resource is called otherwise.
    Moved {
        /// How.
        to: Address,
    },
    /// Only the record was changed, to what is declared.
    Recorded,
    /// All that was known was taken out of the record.
    Forgotten,
    /// It was protected by itself.
    Protected,
    /// That protection was ended.
    Unprotected,
}

/// The past runs of a state, read without its lock. Nothing was ever recorded where there are none.
///
/// # Errors
/// Where journal, lock or earlier journals cannot be read.
pub async fn history(store: &dyn Store, which: &Which) -> Result<History, HistoryError> {
    // A run that begins or ends between two looks would seem to have been killed.
    let mut attempt = 0;
    let (holder, read) = loop {
        attempt += 1;
        let (before, read, after) =
            (lock_holder(store).await?, read(store, which).await?, lock_holder(store).await?);
        let id = |holder: &Option<Holder>| holder.as_ref().map(|holder| holder.id.clone());
        if attempt >= 3 || id(&before) == id(&after) {
            break (after, read);
        }
    };
    let Some(Read { entries, state, older }) = read else {
        return Ok(History { runs: Vec::new(), older: Older::Nothing });
    };
    let mut past = Past::new(&state);
    entries.into_iter().for_each(|entry| past.add(entry));
    let mut runs = past.ended(holder.as_ref());
    runs.reverse();
    let older = match which {
        Which::Newest(count) if runs.len() > *count => {
            runs.truncate(*count);
            Older::More
        }
        Which::Newest(_) | Which::Since(_) => older,
        Which::Id(id) => {
            runs.retain(|run| run.id.starts_with(id.as_str()));
            runs.truncate(1);
            older
        }
    };
    Ok(History { runs, older })
}

/// Why past runs cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The lock.
    #[error(transparent)]
    Lock(#[from] LockError),
}

/// The records that were read, the oldest first.
struct Read {
    entries: Vec<Entry>,
    state: State,
    older: Older,
}

async fn read(store: &dyn Store, which: &Which) -> Result<Option<Read>, JournalError> {
    let mut attempt = 0;
    let (kept, decoded) = loop {
        attempt += 1;
        let kept = journal::read(store).await?;
        match journal::decode_kept(store, &kept) {
            Ok(Some(decoded)) => break (kept, decoded),
            Ok(None) => return Ok(None),
            // A compaction between the two reads makes them disagree.
            Err(JournalError::Broken { .. }) if attempt < 3 => {}
            Err(error) => return Err(error),
        }
    };
    let bytes = kept.journal.map(|content| content.bytes).unwrap_or_default();
    let whole = &bytes[..decoded.whole];
    let (after, hashes) = codec::hashes(&store.name(File::Journal), whole)?;
    let mut entries: Vec<Entry> = codec::entries(whole).collect();
    entries.reverse();
    let mut before = Before { record: after, hash: hashes.into_iter().next().unwrap_or_default() };
    let (mut from, mut is_lost) = (0, false);
    while before.record > 0 && !is_lost && !is_enough(&entries, which) {
        let parts = store.history_parts(from, AT_ONCE).await?;
        let is_last = parts.len() < usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        is_lost = is_last;
        for part in &parts {
            if !before.take(part, &mut entries) {
                is_lost = true;
                break;
            }
        }
        from += AT_ONCE;
    }
    let older = match before.record {
        0 => Older::Nothing,
        record if is_lost => Older::NotKept { first: record + 1 },
        _ => Older::More,
    };
    entries.reverse();
    Ok(Some(Read { entries, state: decoded.state, older }))
}

/// Whether the records, the newest first, go back far enough.
fn is_enough(entries: &[Entry], which: &Which) -> bool {
    let opened = |entry: &&Entry| matches!(entry.event, Some(Event::Opened { .. }));
    match which {
        Which::Newest(count) => entries.iter().filter(opened).count() >= *count,
        Which::Since(record) => entries.iter().filter(opened).any(|entry| entry.n <= *record),
        Which::Id(id) => entries.iter().filter(opened).any(|entry| id_of(entry).starts_with(id.as_str())),
    }
}

fn id_of(entry: &Entry) -> &str {
    match &entry.event {
        Some(Event::Opened { run: Some(run), .. }) => &run.id,
        _ => &entry.hash,
    }
}

/// The record that is wanted next on the way back.
struct Before {
    record: u64,
    hash: String,
}

impl Before {
    /// Takes what leads further back out of a part. `false` where the part is older and does not lead there: the way is lost.
    fn take(&mut self, part: &[u8], entries: &mut Vec<Entry>) -> bool {
        let (mut has_older, mut leads) = (false, false);
        for entry in codec::entries(part).rev() {
            if entry.n == self.record && entry.hash == self.hash {
                (self.record, self.hash) = (entry.n - 1, entry.prev.clone());
                entries.push(entry);
                leads = true;
            } else {
                has_older |= entry.n <= self.record;
            }
        }
        leads || !has_older
    }
}

/// An intent, or the object that came of it.
struct Known {
    address: Address,
    kind: String,
    operation: Operation,
    adopted: bool,
    /// The step of the run that is read now.
    step: Option<usize>,
}

/// Puts records together to runs.
struct Past {
    runs: Vec<PastRun>,
    known: HashMap<Seq, Known>,
    /// Whether the run that is read says its end.
    says_its_end: bool,
}

impl Past {
    /// What is known at the end helps where the beginning is not kept.
    fn new(state: &State) -> Self {
        let mut known = HashMap::new();
        let one = |address: &Address, kind: &str, operation, adopted| Known {
            address: address.clone(),
            kind: kind.to_owned(),
            operation,
            adopted,
            step: None,
        };
        for (address, object) in state.objects() {
            known.insert(object.seq, one(address, &object.kind, Operation::Create, object.adopted));
        }
        for (address, open) in state.slots().flat_map(|(at, slot)| slot.open.iter().map(move |it| (at, it))) {
            known.insert(open.seq, one(address, &open.kind, open.mutation.operation(), false));
        }
        Self { runs: Vec::new(), known, says_its_end: false }
    }

    fn add(&mut self, entry: Entry) {
        let id = id_of(&entry).to_owned();
        let Entry { n, at, event: Some(event), .. } = entry else { return };
        if let Event::Opened { holder, run, .. } = event {
            self.close();
            self.says_its_end = run.is_some();
            let (purpose, caller) = run.map_or((None, None), |run| (Some(run.purpose), run.caller));
            let (end, steps) = (End::Unknown, Vec::new());
            let run = PastRun { id, record: n, holder, purpose, caller, began: at, last: at, end, steps };
            self.runs.push(run);
            return;
        }
        // What comes before the first run that is there belongs to one that is not kept as a whole.
        let Some(run) = self.runs.last_mut() else { return };
        run.last = at;
        match event {
            Event::Ended { outcome } => run.end = End::Said(outcome),
            Event::Dropped { .. } => run.end = End::GaveUp,
            event => self.step(n, at, event),
        }
    }

    /// A run ends where the next one begins, whether it says so or not.
    fn close(&mut self) {
        let Some(run) = self.runs.last_mut() else { return };
        if run.end == End::Unknown && self.says_its_end {
            run.end = End::Killed;
        }
        self.known.values_mut().for_each(|known| known.step = None);
    }

    fn step(&mut self, n: u64, at: u64, event: Event) {
        match event {
            Event::Intent(intended) => {
                let operation = intended.mutation.operation();
                let step = self.push(PastStep {
                    address: Some(intended.address.clone()),
                    kind: Some(intended.kind.clone()),
                    record: n,
                    did: Did::Unfinished { operation },
                    began: Some(at),
                    ended: None,
                });
                let known = Known {
                    address: intended.address,
                    kind: intended.kind,
                    operation,
                    adopted: false,
                    step: Some(step),
                };
                self.known.insert(Seq::of_record(n), known);
            }
            Event::Created { seq, adopted, .. } => {
                if let Some(known) = self.known.get_mut(&seq) {
                    known.adopted = adopted;
                }
                self.of(seq, Operation::Create);
            }
            Event::Ready { seq, .. } => {
                let adopted = self.known.get(&seq).is_some_and(|known| known.adopted);
                self.ends(seq, at, |operation| match operation {
                    Operation::Create if adopted => Did::Adopted,
                    Operation::Create => Did::Created,
                    Operation::Update | Operation::Delete => Did::Changed,
                });
            }
            Event::Broken { seq, reason } => self.ends(seq, at, |_| Did::Broken { reason }),
            Event::Gone { seq } => self.ends(seq, at, |_| Did::Deleted),
            Event::Failed { seq, class } => {
                let is_own = self.known.get(&seq).is_some_and(|known| known.step.is_some());
                self.ends(seq, at, |operation| match is_own {
                    true => Did::Failed { operation, class },
                    false => Did::NoEffect { operation },
                });
            }
            Event::Observed { seq, .. } => self.ends(seq, at, |operation| Did::LookedUp { operation }),
            Event::Missing { address, object } => self.note(n, address, Some(object), at, Did::Missing),
            Event::Released { address, object } => self.note(n, address, Some(object), at, Did::Released),
            Event::Restored { address, object } => self.note(n, address, Some(object), at, Did::TakenBack),
            Event::Recorded { address, object, .. } => self.note(n, address, Some(object), at, Did::Recorded),
            Event::Moved { address, to } => self.note(n, address, None, at, Did::Moved { to }),
            Event::Forgotten { addresses } => self.notes(n, addresses, at, &Did::Forgotten),
            Event::Protected { addresses } => self.notes(n, addresses, at, &Did::Protected),
            Event::Unprotected { addresses } => self.notes(n, addresses, at, &Did::Unprotected),
            Event::Exports { .. }
            | Event::LeftOut { .. }
            | Event::Remembered { .. }
            | Event::Opened { .. }
            | Event::Ended { .. }
            | Event::Dropped { .. } => {}
        }
    }

    /// Adds a step to the run that is read; where it is.
    fn push(&mut self, step: PastStep) -> usize {
        let Some(run) = self.runs.last_mut() else { return 0 };
        run.steps.push(step);
        run.steps.len() - 1
    }

    /// The step of an intent in the run that is read. One that an earlier run has begun begins here anew.
    fn of(&mut self, seq: Seq, if_unknown: Operation) -> (usize, Operation) {
        let known = self.known.get(&seq);
        let operation = known.map_or(if_unknown, |known| known.operation);
        if let Some(step) = known.and_then(|known| known.step) {
            return (step, operation);
        }
        let step = PastStep {
            address: known.map(|known| known.address.clone()),
            kind: known.map(|known| known.kind.clone()),
            record: seq.record(),
            did: Did::Unfinished { operation },
            began: None,
            ended: None,
        };
        let step = self.push(step);
        if let Some(known) = self.known.get_mut(&seq) {
            known.step = Some(step);
        }
        (step, operation)
    }

    fn ends(&mut self, seq: Seq, at: u64, did: impl FnOnce(Operation) -> Did) {
        let (step, operation) = self.of(seq, Operation::Update);
        if let Some(step) = self.runs.last_mut().and_then(|run| run.steps.get_mut(step)) {
            (step.did, step.ended) = (did(operation), Some(at));
        }
    }

    fn note(&mut self, record: u64, address: Address, object: Option<Seq>, at: u64, did: Did) {
        let kind = object.and_then(|seq| self.known.get(&seq)).map(|known| known.kind.clone());
        self.push(PastStep { address: Some(address), kind, record, did, began: Some(at), ended: Some(at) });
    }

    fn notes(&mut self, n: u64, addresses: Vec<Address>, at: u64, did: &Did) {
        addresses.into_iter().for_each(|address| self.note(n, address, None, at, did.clone()));
    }

    /// All runs, the last of which may be under way.
    fn ended(mut self, holder: Option<&Holder>) -> Vec<PastRun> {
        let says_its_end = self.says_its_end;
        if let Some(run) = self.runs.last_mut()
            && run.end == End::Unknown
        {
            let is_holder = |holder: &&Holder| match says_its_end {
                true => holder.id == run.id,
                false => holder.who == run.holder,
            };
            match holder.filter(is_holder).filter(|holder| !holder.is_dead) {
                Some(holder) => run.end = End::UnderWay { lives: holder.lives },
                None => self.close(),
            }
        }
        self.runs
    }
}
