//! What the hash chain of the journal can prove, and to whom.
//!
//! Each record carries the hash of the one before, so damage, a careless edit, a lost or a doubled line shows. It does **not**
//! show what somebody does on purpose who can write the state directory: the whole chain can be computed anew. That takes
//! something that this person cannot write: a [`Head`] that was noted elsewhere, an *anchor*. [`Inspection::compare`] says what
//! an anchor proves of the state that is there now.
//!
//! A head names the last record and its hash, and with it, by the chain, everything before. After a compaction the journal
//! begins with the hash of the last record that the snapshot contains. The records before it are gone, so that a head older
//! than this can no longer be compared; the head of the moment of the compaction, and every later one, can.

use serde::{Deserialize, Serialize};

use crate::codec::{self, Decoded, JournalError};
use crate::event::Event;
use crate::journal::{self, Kept};
use crate::state::State;
use crate::store::{File, Store, StoreError};

/// The last record of a journal: with its hash, everything that was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The random name that the state was given when it began.
    pub lineage: String,
    /// How many records there are, those in the snapshot included.
    pub records: u64,
    /// The hash of the last one.
    pub head: String,
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (record {} of lineage {})", self.head, self.records, self.lineage)
    }
}

/// What an anchor proves.
///
/// Exhaustive on purpose: whoever checks anchors must say what each proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The chain contains the anchored record: all records up to it are the ones that were anchored.
    Contained,
    /// The chain has another record in its place: the journal was rewritten.
    Differs,
    /// The anchored record is not there: the state is an older copy, or the end of the journal was cut off.
    Missing,
    /// The record is older than the journal, which begins after this one. Nothing is proved.
    Compacted {
        /// The last record that only the snapshot contains.
        after: u64,
    },
    /// The anchor belongs to another state.
    OtherLineage,
}

/// A state directory that was read and checked: every hash of the journal, the checksum of the snapshot, and that both
/// belong together.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The last record.
    pub head: Head,
    /// How many records only the snapshot contains.
    pub after: u64,
    /// Whether there is a snapshot.
    pub snapshot: bool,
    /// Whether the journal ends in a line that was not written to its end. It was never acknowledged, and the next run
    /// removes it; another process may also be writing it just now.
    pub torn: bool,
    /// What is recorded.
    pub state: State,
    /// The hashes of the record `after` and all later ones.
    hashes: Vec<String>,
}

impl Inspection {
    /// The last record that both have, among those that neither has in its snapshot only.
    #[must_use]
    pub fn common(&self, other: &Self) -> Option<u64> {
        let hash = |of: &Self, record: u64| {
            let position = usize::try_from(record.checked_sub(of.after)?).ok()?;
            of.hashes.get(position).cloned()
        };
        let (first, last) = (self.after.max(other.after), self.head.records.min(other.head.records));
        (first..=last).rev().find(|record| {
            let own = hash(self, *record);
            own.is_some() && own == hash(other, *record)
        })
    }

    /// What `anchor` proves of this state.
    #[must_use]
    pub fn compare(&self, anchor: &Head) -> Proof {
        if anchor.lineage != self.head.lineage {
            return Proof::OtherLineage;
        }
        if anchor.records > self.head.records {
            return Proof::Missing;
        }
        let Some(position) = anchor.records.checked_sub(self.after) else {
            return Proof::Compacted { after: self.after };
        };
        let hash = usize::try_from(position).ok().and_then(|position| self.hashes.get(position));
        match hash == Some(&anchor.head) {
            true => Proof::Contained,
            false => Proof::Differs,
        }
    }
}

/// Reads and checks what is kept in a store, without a lock; `None` if nothing is. Changes nothing.
///
/// # Errors
/// [`JournalError`] names file and line of what is wrong.
pub async fn inspect(store: &dyn Store) -> Result<Option<Inspection>, JournalError> {
    // A process that works at the same time may compact between two reads, which then disagree.
    let mut attempt = 0;
    loop {
        attempt += 1;
        match inspect_once(store).await {
            Err(JournalError::Broken { .. }) if attempt < 3 => {}
            inspected => return inspected,
        }
    }
}

/// Who had a journal last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// User, machine and process.
    pub holder: String,
    /// When, in milliseconds since the Unix epoch, by that machine's clock.
    pub at: u64,
}

/// The last session among lines of a journal, all of them or a part. Other lines are left out.
#[must_use]
pub fn last_opened(lines: &[u8]) -> Option<Opened> {
    codec::records(lines).rev().find_map(|(at, event)| match event {
        Event::Opened { holder, .. } => Some(Opened { holder, at }),
        _ => None,
    })
}

/// The hash of a record that the journal of a store does not go back to, where the store still keeps it and the journal that is
/// there now goes on from it. A search that halves what is left: the history may be long, and each part of it a request.
pub(crate) async fn hash_before(
    store: &dyn Store,
    inspection: &Inspection,
    record: u64,
) -> Result<Option<String>, StoreError> {
    let part = async |back| {
        let lines = store.history(back).await?;
        Ok::<_, StoreError>(lines.map(|lines| codec::numbered(&lines)).filter(|part| !part.is_empty()))
    };
    let beginning = inspection.hashes.first().map(|hash| (inspection.after, hash.clone()));
    if part(0).await?.and_then(|last| last.last().cloned()) != beginning {
        return Ok(None);
    }
    // Parts below `near` begin after the record. `far` does not, or is not there.
    let (mut near, mut far) = (0, 0);
    while part(far).await?.is_some_and(|part| part[0].0 > record) {
        (near, far) = (far + 1, far * 2 + 1);
    }
    while near < far {
        let middle = near + (far - near) / 2;
        match part(middle).await?.is_some_and(|part| part[0].0 > record) {
            true => near = middle + 1,
            false => far = middle,
        }
    }
    let found = part(near).await?.unwrap_or_default().into_iter().find(|(number, _)| *number == record);
    Ok(found.map(|(_, hash)| hash))
}

async fn inspect_once(store: &dyn Store) -> Result<Option<Inspection>, JournalError> {
    let kept = journal::read(store).await?;
    Ok(examine(store, &kept)?.map(|(inspection, _)| inspection))
}

/// What was read, checked; and how much of the journal is whole.
pub(crate) fn examine(store: &dyn Store, kept: &Kept) -> Result<Option<(Inspection, usize)>, JournalError> {
    let Some(Decoded { state, hash, whole, .. }) = journal::decode_kept(store, kept)? else {
        return Ok(None);
    };
    let bytes = kept.journal.as_ref().map(|content| content.bytes.as_slice()).unwrap_or_default();
    let (after, hashes) = codec::hashes(&store.name(File::Journal), &bytes[..whole])?;
    let head = Head { lineage: state.lineage.clone(), records: state.records, head: hash };
    let (snapshot, torn) = (kept.state.is_some(), bytes.len() > whole);
    Ok(Some((Inspection { head, after, snapshot, torn, state, hashes }, whole)))
}
