//! Journal and snapshot as text.
//!
//! The journal is one JSON object a line: a header, then records. Each record has its number, the hash of the record
//! before, and its own hash over number, time, that hash and the event's exact bytes. So a changed, missing, doubled or
//! reordered line shows: an integrity check, which finds damage and careless edits. It is no seal: whoever can write the
//! directory can compute all of it anew ([`anchor`](crate::anchor) says what helps). What comes after the last newline is a torn write: it was never acknowledged, and is left out.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::event::Event;
use crate::state::{State, hex};
use crate::store::StoreError;

const JOURNAL_FORMAT: &str = "stack-journal";
const STATE_FORMAT: &str = "stack-state";
/// What is written.
const FORMAT_VERSION: u32 = 2;
/// The oldest version that is read. A journal of it is brought to the present one by the first session that opens it.
const OLDEST_VERSION: u32 = 1;

/// What can go wrong with journal and state. Nothing is overwritten when it does.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file is damaged or was edited.
    #[error("{file}, line {line}: {reason}; nothing was changed")]
    Broken {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The file was written by another version of this program.
    #[error(
        "{file}, line 1: format version {found}, but this program reads versions {OLDEST_VERSION} and {FORMAT_VERSION}; nothing was \
         changed"
    )]
    UnknownVersion {
        /// The file.
        file: String,
        /// The version that it has.
        found: u32,
    },
    /// An event that cannot follow: a bug in the engine, caught before it was written.
    #[error("refused to record: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// The state describes objects somewhere else.
    #[error("this state describes {recorded}, not {wanted}")]
    BoundElsewhere {
        /// What it is bound to.
        recorded: String,
        /// What was asked for.
        wanted: String,
    },
    /// The store failed.
    #[error("cannot read or write the state")]
    Store(#[from] std::sync::Arc<StoreError>),
}

impl JournalError {
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Broken { file, line, reason } => {
                Self::Broken { file: file.clone(), line: *line, reason: reason.clone() }
            }
            Self::BoundElsewhere { recorded, wanted } => {
                Self::BoundElsewhere { recorded: recorded.clone(), wanted: wanted.clone() }
            }
            Self::UnknownVersion { file, found } => {
                Self::UnknownVersion { file: file.clone(), found: *found }
            }
            Self::Refused { reason } => Self::Refused { reason: reason.clone() },
            Self::Store(source) => Self::Store(std::sync::Arc::clone(source)),
        }
    }
}

impl From<StoreError> for JournalError {
    fn from(error: StoreError) -> Self {
        JournalError::Store(std::sync::Arc::new(error))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalHeader {
    format: String,
    version: u32,
    lineage: String,
    /// Number and hash of the record before the first one.
    after: u64,
    hash: String,
    /// When it was begun, in milliseconds since the Unix epoch.
    at: u64,
    /// Of the four before it.
    sum: String,
}

impl JournalHeader {
    fn sum(&self) -> String {
        hex(&Sha256::digest(format!("{}\n{}\n{}\n{}", self.lineage, self.after, self.hash, self.at)))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateHeader {
    format: String,
    version: u32,
    records: u64,
    hash: String,
    /// Of the second line.
    sum: String,
}

#[derive(Deserialize)]
struct AnyHeader {
    format: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record<'a> {
    n: u64,
    /// Milliseconds since the Unix epoch.
    at: u64,
    prev: String,
    hash: String,
    #[serde(borrow)]
    event: &'a RawValue,
}

/// The hash that the first record carries as that of its predecessor.
pub(crate) fn genesis(lineage: &str) -> String {
    hex(&Sha256::digest(lineage.as_bytes()))
}

fn hash_record(n: u64, at: u64, prev: &str, event: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{n}\n{at}\n{prev}\n").as_bytes());
    hash.update(event.as_bytes());
    hex(&hash.finalize())
}

/// The first line of a journal that goes on after a snapshot, or begins.
pub(crate) fn journal_header(lineage: &str, after: u64, hash: &str, at: u64) -> Vec<u8> {
    let mut header = JournalHeader {
        format: JOURNAL_FORMAT.to_owned(),
        version: FORMAT_VERSION,
        lineage: lineage.to_owned(),
        after,
        hash: hash.to_owned(),
        at,
        sum: String::new(),
    };
    header.sum = header.sum();
    let mut line = serde_json::to_vec(&header).expect("a struct of texts and numbers is JSON");
    line.push(b'\n');
    line
}

/// The same journal with the header of the present version; `None` where it has that, or none.
pub(crate) fn upgraded(journal: &[u8]) -> Option<Vec<u8>> {
    let end = journal.iter().position(|byte| *byte == b'\n')?;
    let old: JournalHeader = header("", &journal[..end], JOURNAL_FORMAT).ok()?;
    if old.version == FORMAT_VERSION {
        return None;
    }
    let mut upgraded = journal_header(&old.lineage, old.after, &old.hash, old.at);
    upgraded.extend(&journal[end + 1..]);
    Some(upgraded)
}

/// Adds a record to `bytes` and returns its hash.
pub(crate) fn encode(bytes: &mut Vec<u8>, n: u64, at: u64, prev: &str, event: &Event) -> String {
    let event = serde_json::value::to_raw_value(event).expect("an event is JSON with text keys");
    let hash = hash_record(n, at, prev, event.get());
    let record = Record { n, at, prev: prev.to_owned(), hash: hash.clone(), event: &event };
    serde_json::to_writer(&mut *bytes, &record).expect("a record is JSON, and a Vec takes any bytes");
    bytes.push(b'\n');
    hash
}

/// A snapshot of `state`, whose last record has `hash`.
pub(crate) fn encode_state(state: &State, hash: &str) -> Vec<u8> {
    let body = serde_json::to_vec(state).expect("state is JSON with text keys");
    let header = StateHeader {
        format: STATE_FORMAT.to_owned(),
        version: FORMAT_VERSION,
        records: state.records,
        hash: hash.to_owned(),
        sum: hex(&Sha256::digest(&body)),
    };
    let mut bytes = serde_json::to_vec(&header).expect("a struct of texts and numbers is JSON");
    bytes.push(b'\n');
    bytes.extend(body);
    bytes.push(b'\n');
    bytes
}

fn header<'a, T: Deserialize<'a>>(file: &str, line: &'a [u8], format: &str) -> Result<T, JournalError> {
    let broken = |reason: String| JournalError::Broken { file: file.to_owned(), line: 1, reason };
    let any: AnyHeader =
        serde_json::from_slice(line).map_err(|error| broken(format!("not a {format} file: {error}")))?;
    if any.format != format {
        return Err(broken(format!("not a {format} file but `{}`", any.format)));
    }
    if !(OLDEST_VERSION..=FORMAT_VERSION).contains(&any.version) {
        return Err(JournalError::UnknownVersion { file: file.to_owned(), found: any.version });
    }
    serde_json::from_slice(line).map_err(|error| broken(error.to_string()))
}

/// Reads a snapshot: the state, and the hash of its last record.
pub(crate) fn decode_state(file: &str, bytes: &[u8]) -> Result<(State, String), JournalError> {
    let broken =
        |line, reason: &str| JournalError::Broken { file: file.to_owned(), line, reason: reason.to_owned() };
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let header: StateHeader = header(file, lines.next().unwrap_or_default(), STATE_FORMAT)?;
    let body = lines.next().ok_or_else(|| broken(2, "the state itself is missing"))?;
    if hex(&Sha256::digest(body)) != header.sum {
        return Err(broken(2, "the content does not match its checksum: the file is damaged or was edited"));
    }
    if lines.next() != Some(b"") || lines.next().is_some() {
        return Err(broken(3, "the file goes on where it should end"));
    }
    let mut state: State = serde_json::from_slice(body).map_err(|error| broken(2, &error.to_string()))?;
    if state.records != header.records {
        return Err(broken(1, "the number of records does not match the content"));
    }
    state.index();
    Ok((state, header.hash))
}

/// What a journal says.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) state: State,
    /// Of the last record.
    pub(crate) hash: String,
    /// Length without a torn last line.
    pub(crate) whole: usize,
    /// How many records the file holds.
    pub(crate) records: usize,
    /// When something of an object was last recorded, in milliseconds since the Unix epoch.
    pub(crate) changed_at: u64,
}

/// Reads a journal on top of a snapshot, if there is one. Records that the snapshot contains already are checked and
/// left out: the process may have died between writing the snapshot and starting a new journal.
pub(crate) fn decode_journal(
    file: &str,
    bytes: &[u8],
    snapshot: Option<(State, String)>,
) -> Result<Decoded, JournalError> {
    let broken = |line, reason: String| JournalError::Broken { file: file.to_owned(), line, reason };
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    if whole == 0 {
        return Err(broken(1, "the header is missing".to_owned()));
    }
    let mut lines = bytes[..whole - 1].split(|byte| *byte == b'\n').enumerate();
    let first = lines.next().map(|(_, line)| line).unwrap_or_default();
    let header: JournalHeader = header(file, first, JOURNAL_FORMAT)?;
    if header.sum != header.sum() {
        return Err(broken(1, "its checksum does not match: it is damaged or was edited".to_owned()));
    }
    let (mut state, known) = match snapshot {
        Some((state, hash)) => (state, Some(hash)),
        None => (State::new(&header.lineage), None),
    };
    if state.lineage != header.lineage {
        return Err(broken(
            1,
            format!("it belongs to lineage {}, the state to {}", header.lineage, state.lineage),
        ));
    }
    if header.after > state.records {
        let reason = format!("records {} to {} are missing before it", state.records + 1, header.after);
        return Err(broken(1, reason));
    }
    let check = |n: u64, hash: &str, line: usize, state: &State| match &known {
        Some(expected) if n == state.records && hash != expected => {
            Err(broken(line, "it does not lead to the state in the snapshot".to_owned()))
        }
        _ => Ok(()),
    };
    let (mut n, mut hash, mut records, mut changed_at) = (header.after, header.hash, 0, header.at);
    let snapshot_end = state.records;
    if n == 0 && hash != genesis(&state.lineage) {
        return Err(broken(1, "the header's hash is not that of a beginning".to_owned()));
    }
    if n == snapshot_end {
        check(n, &hash, 1, &state)?;
    }
    for (position, line) in lines {
        let line_number = position + 1;
        let record: Record<'_> = serde_json::from_slice(line)
            .map_err(|error| broken(line_number, format!("not a record: {error}")))?;
        if record.n != n + 1 {
            return Err(broken(line_number, format!("record {} where {} belongs", record.n, n + 1)));
        }
        if record.prev != hash {
            return Err(broken(line_number, "the hash of the record before does not match".to_owned()));
        }
        if record.hash != hash_record(record.n, record.at, &record.prev, record.event.get()) {
            return Err(broken(
                line_number,
                "its hash does not match: it is damaged or was edited".to_owned(),
            ));
        }
        (n, hash, records) = (record.n, record.hash, records + 1);
        if n <= snapshot_end {
            if n == snapshot_end {
                check(n, &hash, line_number, &state)?;
            }
            changed_at = record.at;
            continue;
        }
        let event: Event = serde_json::from_str(record.event.get())
            .map_err(|error| broken(line_number, format!("not an event: {error}")))?;
        state.fold(&event).map_err(|error| broken(line_number, error.to_string()))?;
        if !event.is_of_session() {
            changed_at = record.at;
        }
    }
    if goes_on(&bytes[whole..]) {
        return Err(broken(
            records + 2,
            "a whole record without the end of its line: it is damaged".to_owned(),
        ));
    }
    if n < snapshot_end {
        return Err(broken(
            records + 1,
            format!("it ends at record {n}, but the snapshot has {snapshot_end}"),
        ));
    }
    Ok(Decoded { state, hash, whole, records, changed_at })
}

/// The number of the record that a journal goes on after, which a snapshot then contains; 0 for one that begins, and for what is
/// no journal.
#[must_use]
pub fn goes_on_after(bytes: &[u8]) -> u64 {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let header = header::<JournalHeader>("", first, JOURNAL_FORMAT);
    header.ok().filter(|header| header.sum == header.sum()).map_or(0, |header| header.after)
}

/// Number and hash of the record that a journal goes on from, then the hash of each of its records. For a journal that
/// [`decode_journal`] has checked.
pub(crate) fn hashes(file: &str, bytes: &[u8]) -> Result<(u64, Vec<String>), JournalError> {
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate();
    let first = lines.next().map(|(_, line)| line).unwrap_or_default();
    let header: JournalHeader = header(file, first, JOURNAL_FORMAT)?;
    let mut hashes = vec![header.hash];
    for (position, line) in lines {
        let record: Record<'_> = serde_json::from_slice(line).map_err(|error| JournalError::Broken {
            file: file.to_owned(),
            line: position + 1,
            reason: format!("not a record: {error}"),
        })?;
        hashes.push(record.hash);
    }
    Ok((header.after, hashes))
}

/// Number and hash of each record in a part of a journal; of a header, those of the record that it goes on after. Other lines are
/// left out.
pub(crate) fn numbered(lines: &[u8]) -> Vec<(u64, String)> {
    let one = |line: &[u8]| {
        if let Ok(header) = header::<JournalHeader>("", line, JOURNAL_FORMAT) {
            return Some((header.after, header.hash));
        }
        let record: Record<'_> = serde_json::from_slice(line).ok()?;
        Some((record.n, record.hash))
    };
    lines.split(|byte| *byte == b'\n').filter_map(one).collect()
}

/// Whether lines go on where a journal ends, by the hash that their first one carries: a record, or the header of a new journal.
#[must_use]
pub fn goes_on_from(journal: &[u8], lines: &[u8]) -> bool {
    let Some((_, end)) = numbered(journal).pop() else { return false };
    let first = lines.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let before = match header::<JournalHeader>("", first, JOURNAL_FORMAT) {
        Ok(header) => Some(header.hash),
        Err(_) => serde_json::from_slice::<Record<'_>>(first).ok().map(|record| record.prev),
    };
    before.as_ref() == Some(&end)
}

/// When each record was made, and what it says.
pub(crate) fn records(lines: &[u8]) -> impl DoubleEndedIterator<Item = (u64, Event)> {
    entries(lines).filter_map(|entry| Some((entry.at, entry.event?)))
}

/// One record, by itself.
pub(crate) struct Entry {
    pub(crate) n: u64,
    pub(crate) at: u64,
    pub(crate) prev: String,
    pub(crate) hash: String,
    /// What it says; `None` where this program does not know the event.
    pub(crate) event: Option<Event>,
}

/// The records among lines of a journal that are what their hash says. Other lines are left out.
pub(crate) fn entries(lines: &[u8]) -> impl DoubleEndedIterator<Item = Entry> {
    lines.split(|byte| *byte == b'\n').filter_map(|line| {
        let record: Record<'_> = serde_json::from_slice(line).ok()?;
        let Record { n, at, prev, hash, event } = record;
        if hash != hash_record(n, at, &prev, event.get()) {
            return None;
        }
        Some(Entry { n, at, prev, hash, event: serde_json::from_str(event.get()).ok() })
    })
}

/// Whether a last line without its end is more than a write that was cut off, which is the beginning of a record.
fn goes_on(tail: &[u8]) -> bool {
    let mut records = serde_json::Deserializer::from_slice(tail).into_iter::<Record<'_>>();
    matches!(records.next(), Some(Ok(_))) && records.byte_offset() < tail.len()
}
