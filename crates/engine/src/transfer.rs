//! What is kept in one store, brought to another one.
//!
//! # Guarantees
//! Nothing that the target has and the source has not is overwritten: what the target keeps must be a beginning of what the source
//! keeps, as the hashes prove, those of the store's [history](Store::history) included, or describe no object at all. Where the target has a beginning, what is missing is added to its
//! journal by one change. Otherwise snapshot and journal are written, one after the other: a copy that is cut off between the two
//! leaves a target that cannot be read, until the copy is made again.
//!
//! # Assumptions
//! Both locks are [held](crate::hold). A target that is not to be used until the copy is complete is marked by the caller, who says
//! so when it is made again.

use crate::anchor::{Head, Inspection, Proof, examine, hash_before};
use crate::codec::{self, JournalError};
use crate::journal::{self, Kept};
use crate::store::{File, Store, StoreError, Version};

/// Why what is kept in one store cannot be brought to another.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// There is nothing to bring.
    #[error("{name}: there is no state")]
    Nothing {
        /// The source's journal.
        name: String,
    },
    /// The target goes on where the source ends.
    #[error("{name} is newer: it has {to} records, and what would replace it has {from}")]
    Newer {
        /// The target's journal.
        name: String,
        /// Records of the source.
        from: u64,
        /// Records of the target.
        to: u64,
    },
    /// Both went on from the same state, each in its own way.
    #[error(
        "{name} and what would replace it went apart: both were used since they were the same. It has {to} records, the other one \
         {from}; {}", in_common(*common)
    )]
    Diverged {
        /// The target's journal.
        name: String,
        /// Records of the source.
        from: u64,
        /// Records of the target.
        to: u64,
        /// The last record that both have, where that can be seen.
        common: Option<u64>,
    },
    /// The target is longer, and its journal does not go back to where the source ends.
    #[error(
        "{name} has {to} records and what would replace it {from}, and its journal begins after record {after}: whether it goes on \
         from the other one, or the two went apart, cannot be seen"
    )]
    Longer {
        /// The target's journal.
        name: String,
        /// Records of the source.
        from: u64,
        /// Records of the target.
        to: u64,
        /// The last record that only the target's snapshot has.
        after: u64,
    },
    /// They have nothing in common.
    #[error("{name} belongs to another state (lineage {to}, not {from})")]
    OtherState {
        /// The target's journal.
        name: String,
        /// Lineage of the source.
        from: String,
        /// Lineage of the target.
        to: String,
    },
    /// The source has no record any more of what the target ends with.
    #[error("{name} ends at record {to}, which is older than the source's journal: it cannot be compared")]
    Unproven {
        /// The target's journal.
        name: String,
        /// The target's last record.
        to: u64,
    },
    /// After the copy they are not the same.
    #[error("{name} is not what was copied")]
    Unlike {
        /// The target's journal.
        name: String,
    },
    /// One of them is damaged.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn in_common(record: Option<u64>) -> String {
    match record {
        Some(record) => format!("the first {record} are the same"),
        None => "how many of them are the same is not known any more".to_owned(),
    }
}

impl From<StoreError> for TransferError {
    fn from(error: StoreError) -> Self {
        Self::Journal(error.into())
    }
}

/// How the target gets what it lacks.
#[derive(Debug)]
enum Way {
    /// It has everything.
    None,
    /// This is added to its journal.
    Append(Version, Vec<u8>),
    /// Its journal is replaced: it ends in a line that was cut off, and everything is to come after what is whole; or it is of an
    /// earlier version.
    Mend(Version, Vec<u8>),
    /// Snapshot and journal are written anew.
    Whole { state: Option<Version>, journal: Option<Version> },
}

/// What is to be copied. Nothing is written before [`run`](Self::run).
#[derive(Debug)]
pub struct Transfer {
    head: Head,
    records: u64,
    source: Source,
    way: Way,
    /// How many records the target has, if anything is there; 0 where it cannot be read.
    there: Option<u64>,
}

/// What is copied.
#[derive(Debug)]
struct Source {
    state: Option<Vec<u8>>,
    journal: Vec<u8>,
}

impl Transfer {
    /// Reads both, checks every hash, and decides what is to be copied. `is_old` says that the target was marked as one that is not
    /// in use and goes back to this source.
    ///
    /// # Errors
    /// [`TransferError`] says why the target must not be overwritten.
    pub async fn plan(from: &dyn Store, to: &dyn Store, is_old: bool) -> Result<Self, TransferError> {
        let kept = journal::read(from).await?;
        let nothing = || TransferError::Nothing { name: from.name(File::Journal) };
        let (source, whole) = examine(from, &kept)?.ok_or_else(nothing)?;
        let Kept { state, journal } = kept;
        let journal = journal.map(|content| content.bytes[..whole].to_vec()).unwrap_or_default();
        let there = match journal::read(to).await {
            // A copy that was cut off between the two files.
            Err(StoreError::Lost { .. }) if is_old => {
                Kept { state: None, journal: to.read(File::Journal).await? }
            }
            there => there?,
        };
        let state_version = there.state.as_ref().map(|content| content.version.clone());
        let journal_version = there.journal.as_ref().map(|content| content.version.clone());
        let rewrite = Way::Whole { state: state_version, journal: journal_version.clone() };
        let name = to.name(File::Journal);
        let head = source.head.clone();
        let is_there = there.state.is_some() || there.journal.is_some();
        let mut records_there = 0;
        let (way, has) = match examine(to, &there) {
            // Both together, which a copy that was cut off leaves: a snapshot alone, or one that the journal does not lead to.
            Err(JournalError::Broken { .. }) if is_old => (rewrite, 0),
            Err(JournalError::Broken { .. }) if journal_version.is_none() => {
                same_lineage(&there, to, &source)?;
                (rewrite, 0)
            }
            Err(error) => return Err(error.into()),
            Ok(None) => (rewrite, 0),
            Ok(Some((target, end))) => {
                let sides = Sides { from, source: &source, to, target: &target };
                let is_beginning = sides.is_beginning(is_old, &name).await?;
                let has = target.head.records;
                records_there = has;
                match (is_beginning, journal_version) {
                    (true, Some(version)) => {
                        let tail = after(&journal, source.after, has);
                        let there = there.journal.map(|content| content.bytes).unwrap_or_default();
                        (append(version, &there, end, tail), has)
                    }
                    _ if target.head.lineage == head.lineage => (rewrite, has),
                    _ => (rewrite, 0),
                }
            }
        };
        let source = Source { state: state.map(|content| content.bytes), journal };
        let there = (is_there && !matches!(way, Way::None)).then_some(records_there);
        Ok(Self { records: head.records - has, head, source, way, there })
    }

    /// How many records the target has that is overwritten or goes on with those of the source; 0 where it cannot be read. `None`
    /// where nothing is there, or nothing is written.
    #[must_use]
    pub fn overwrites(&self) -> Option<u64> {
        self.there
    }

    /// The last record of both, afterwards.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// How many records the target gets.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Copies, and checks that the target has what the source has.
    ///
    /// # Errors
    /// Where the target cannot be written or was changed meanwhile.
    pub async fn run(&self, from: &dyn Store, to: &dyn Store) -> Result<(), TransferError> {
        let Source { state, journal } = &self.source;
        match &self.way {
            Way::None => {}
            Way::Append(version, tail) => drop(to.append(File::Journal, version, tail.clone()).await?),
            Way::Mend(version, all) => drop(to.replace(File::Journal, Some(version), all.clone()).await?),
            Way::Whole { state: state_was, journal: journal_was } => {
                match (state, state_was) {
                    (Some(state), was) => drop(to.replace(File::State, was.as_ref(), state.clone()).await?),
                    (None, Some(was)) => to.remove(File::State, was).await?,
                    (None, None) => {}
                }
                to.replace(File::Journal, journal_was.as_ref(), journal.clone()).await?;
            }
        }
        for store in [from, to] {
            let found = crate::inspect(store).await?;
            if found.is_none_or(|found| found.head != self.head) {
                return Err(TransferError::Unlike { name: store.name(File::Journal) });
            }
        }
        Ok(())
    }
}

/// A snapshot without a journal is what a copy leaves that was cut off: no run does.
fn same_lineage(there: &Kept, to: &dyn Store, source: &Inspection) -> Result<(), TransferError> {
    let Some(content) = &there.state else { return Ok(()) };
    let (state, _) = codec::decode_state(&to.name(File::State), &content.bytes)?;
    match state.lineage == source.head.lineage {
        true => Ok(()),
        false => Err(TransferError::OtherState {
            name: to.name(File::State),
            from: source.head.lineage.clone(),
            to: state.lineage,
        }),
    }
}

/// Both, read.
struct Sides<'a> {
    from: &'a dyn Store,
    source: &'a Inspection,
    to: &'a dyn Store,
    target: &'a Inspection,
}

impl Sides<'_> {
    /// Whether the journal of the target can go on with the records of the source; otherwise all of it may be replaced.
    async fn is_beginning(&self, is_old: bool, name: &str) -> Result<bool, TransferError> {
        let Self { from, source, to, target } = *self;
        match source.compare(&target.head) {
            Proof::Contained => Ok(true),
            Proof::Compacted { .. } => match hash_before(from, source, target.head.records).await? {
                Some(hash) if hash == target.head.head => Ok(false),
                Some(_) => Err(self.diverged(name)),
                None if is_old => Ok(false),
                None => Err(TransferError::Unproven { name: name.to_owned(), to: target.head.records }),
            },
            Proof::OtherLineage if target.state.is_empty() => Ok(false),
            Proof::OtherLineage => Err(TransferError::OtherState {
                name: name.to_owned(),
                from: source.head.lineage.clone(),
                to: target.head.lineage.clone(),
            }),
            Proof::Missing => {
                let (name, from, longer) = (name.to_owned(), source.head.records, target.head.records);
                Err(match target.compare(&source.head) {
                    Proof::Contained => TransferError::Newer { name, from, to: longer },
                    Proof::Compacted { after } => match hash_before(to, target, from).await? {
                        Some(hash) if hash == source.head.head => {
                            TransferError::Newer { name, from, to: longer }
                        }
                        Some(_) => self.diverged(&name),
                        None => TransferError::Longer { name, from, to: longer, after },
                    },
                    _ => self.diverged(&name),
                })
            }
            Proof::Differs => Err(self.diverged(name)),
        }
    }

    fn diverged(&self, name: &str) -> TransferError {
        TransferError::Diverged {
            name: name.to_owned(),
            from: self.source.head.records,
            to: self.target.head.records,
            common: self.source.common(self.target),
        }
    }
}

/// The records after this one, of a journal that begins after another one.
fn after(journal: &[u8], begins_after: u64, record: u64) -> &[u8] {
    // The first line is the header.
    let skipped = usize::try_from(record - begins_after).unwrap_or(usize::MAX).saturating_add(1);
    let mut ends = journal.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(end, _)| end + 1);
    ends.nth(skipped - 1).map_or(&[], |end| &journal[end..])
}

fn append(version: Version, there: &[u8], whole: usize, tail: &[u8]) -> Way {
    if there.len() > whole {
        let mended = codec::upgraded(&there[..whole]).unwrap_or_else(|| there[..whole].to_vec());
        return Way::Mend(version, [&mended[..], tail].concat());
    }
    if tail.is_empty() {
        return Way::None;
    }
    // Records of the present version do not belong below a header that says an earlier one.
    match codec::upgraded(there) {
        Some(upgraded) => Way::Mend(version, [&upgraded[..], tail].concat()),
        None => Way::Append(version, tail.to_vec()),
    }
}
