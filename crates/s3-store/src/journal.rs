//! The journal: numbered segments that are written once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use engine::{Content, File, StoreError, Version};
use futures::stream::{StreamExt as _, TryStreamExt as _, iter};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use crate::error::S3Error;
use crate::objects::{Condition, Kept};
use crate::store::S3Store;

/// How many segments are read or marked at once.
const AT_ONCE: usize = 32;

/// How long that may hold up the end of a session, of which it is the last and least.
const MARKED_WITHIN: Duration = Duration::from_secs(10);

/// The number that no segment reaches: ten a second for three thousand years.
const LAST: u64 = 999_999_999_999;

/// The first line of a segment.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Frame {
    /// Its number.
    segment: u64,
    /// The number of the segment that this journal begins with.
    pub(crate) base: u64,
    /// Tells it from what another process would have written in its place.
    write: String,
    /// SHA-256 of what was appended. The journal's chain of hashes shows that something was altered; this shows in which object.
    sum: String,
    /// Of the first segment of a journal: the one with which the session began that ended the journal before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<u64>,
    /// The journal was removed here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) removed: bool,
}

/// The end of a journal: what its version says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    segment: u64,
    base: u64,
}

impl End {
    fn version(self) -> Version {
        Version(format!("{}/{}", self.segment, self.base))
    }

    fn of(version: &Version) -> Option<Self> {
        let (segment, base) = version.0.split_once('/')?;
        Some(Self { segment: segment.parse().ok()?, base: base.parse().ok()? })
    }
}

/// What is after the prefix of the journal.
fn name_of(segment: u64) -> String {
    format!("{:012}.{segment}", LAST.saturating_sub(segment))
}

/// The number of the segment with this key.
fn number_of(key: &str) -> Option<u64> {
    let (name, number) = (key.rsplit('/').next()?, key.rsplit('.').next()?.parse().ok()?);
    (name == name_of(number)).then_some(number)
}

fn sum_of(appended: &[u8]) -> String {
    Sha256::digest(appended).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Frame and what was appended.
pub(crate) fn split(body: &[u8]) -> Option<(Frame, &[u8])> {
    let end = body.iter().position(|byte| *byte == b'\n')?;
    Some((serde_json::from_slice(&body[..end]).ok()?, &body[end + 1..]))
}

/// Whether it was written as the segment of this number.
pub(crate) fn is_segment(body: &[u8], number: u64) -> bool {
    split(body).is_some_and(|(frame, lines)| frame.segment == number && frame.sum == sum_of(lines))
}

impl S3Store {
    pub(crate) fn segment_key(&self, segment: u64) -> String {
        self.key(&format!("journal/{}", name_of(segment)))
    }

    /// The number of the newest segment, of whichever journal.
    pub(crate) async fn newest(&self) -> Result<Option<u64>, StoreError> {
        let prefix = self.key("journal/");
        let keys =
            self.objects.first_keys(&prefix, 1).await.map_err(|error| self.io("list", &prefix, error))?;
        let Some(key) = keys.first() else { return Ok(None) };
        match number_of(key) {
            Some(number) => Ok(Some(number)),
            None => Err(self.damaged_end(key, "it is not a segment of the journal", |_| false).await),
        }
    }

    /// Whether nothing was ever recorded here. It asks for one key, however long the journal is.
    ///
    /// # Errors
    /// Where the bucket cannot be listed.
    pub async fn is_new(&self) -> Result<bool, StoreError> {
        Ok(self.newest().await?.is_none())
    }

    /// A segment of the journal that begins with `base`, where that is known already: the newest one says it.
    async fn segment(&self, number: u64, base: Option<u64>) -> Result<(Frame, Vec<u8>), StoreError> {
        let key = self.segment_key(number);
        let object = self.objects.get(&key).await.map_err(|error| self.io("read", &key, error))?;
        let is_of_it = |frame: &Frame| base.is_none_or(|base| frame.base == base && !frame.removed);
        let is_ours = |body: &[u8]| is_segment(body, number) && split(body).is_some_and(|it| is_of_it(&it.0));
        let wrong = match object.as_ref().map(|object| split(&object.body)) {
            None => "it is missing".to_owned(),
            Some(None) => "it does not begin as a segment does".to_owned(),
            Some(Some((frame, lines))) if frame.sum != sum_of(lines) => {
                "its content does not match its checksum: it was altered".to_owned()
            }
            Some(Some((frame, _))) if frame.segment != number => {
                format!("it says that it is segment {}", frame.segment)
            }
            Some(Some((frame, _))) if !is_of_it(&frame) => {
                "it belongs to another journal than the one after it".to_owned()
            }
            Some(Some((frame, lines))) => return Ok((frame, lines.to_vec())),
        };
        Err(match base {
            Some(_) => self.lost(&key, &wrong, is_ours).await,
            None => self.damaged_end(&key, &wrong, is_ours).await,
        })
    }

    pub(crate) async fn read_journal(&self) -> Result<Option<Content>, StoreError> {
        let was_deleted = async |key: String| {
            self.objects.was_deleted(&key).await.map_err(|error| self.io("read", &key, error))
        };
        let Some(newest) = self.newest().await? else {
            // There is no journal yet, unless all of it was deleted: then the first segment or the snapshot left a delete marker.
            let (first, snapshot) = (self.segment_key(1), self.key("state.json"));
            if was_deleted(first.clone()).await? {
                self.check_deleted(&first, |body| is_segment(body, 1)).await?;
            }
            if was_deleted(snapshot.clone()).await? {
                self.check_deleted(&snapshot, |_| true).await?;
            }
            return Ok(None);
        };
        let next = newest + 1;
        let ((frame, last), is_cut) =
            tokio::try_join!(self.segment(newest, None), was_deleted(self.segment_key(next)))?;
        if frame.removed {
            if is_cut {
                self.check_deleted(&self.segment_key(next), |body| is_segment(body, next)).await?;
            }
            return Ok(None);
        }
        let base = frame.base;
        let before =
            iter(base..newest).map(|number| async move { Ok(self.segment(number, Some(base)).await?.1) });
        let mut bytes: Vec<u8> = before.buffered(AT_ONCE).try_concat().await?;
        bytes.extend(last);
        if is_cut {
            self.check_deleted_end(next, base, &bytes).await?;
        }
        Ok(Some(Content { bytes, version: End { segment: newest, base }.version() }))
    }

    pub(crate) async fn append_journal(&self, to: &Version, bytes: &[u8]) -> Result<Version, StoreError> {
        let end = End::of(to).ok_or_else(|| self.changed(File::Journal))?;
        self.write(End { segment: end.segment + 1, base: end.base }, bytes, false).await
    }

    pub(crate) async fn replace_journal(
        &self,
        was: Option<&Version>,
        bytes: &[u8],
    ) -> Result<Version, StoreError> {
        let after = match was {
            Some(was) => {
                let end = End::of(was).ok_or_else(|| self.changed(File::Journal))?;
                return self.begin_anew(end, bytes, false).await;
            }
            None => match self.newest().await? {
                None => 0,
                // Only where the last one was removed, there is none.
                Some(newest) if self.segment(newest, None).await?.0.removed => newest,
                Some(_) => return Err(self.changed(File::Journal)),
            },
        };
        self.write(End { segment: after + 1, base: after + 1 }, bytes, false).await
    }

    pub(crate) async fn remove_journal(&self, was: &Version) -> Result<(), StoreError> {
        let end = End::of(was).ok_or_else(|| self.changed(File::Journal))?;
        self.begin_anew(end, &[], true).await.map(drop)
    }

    /// Ends a journal with the first segment of the next one. What the old one consists of is history from then on, and not
    /// before: until then a snapshot does not contain it, and no lifecycle rule may expire it, however long nobody comes by.
    async fn begin_anew(&self, old: End, bytes: &[u8], removed: bool) -> Result<Version, StoreError> {
        let next = old.segment + 1;
        let version = self.write(End { segment: next, base: next }, bytes, removed).await?;
        let marked = iter(old.base..next)
            .map(|number| async move { self.objects.mark_as_history(&self.segment_key(number)).await });
        // The journal is in place. A segment that stays unmarked is only kept longer than it must be.
        let marked = marked.buffer_unordered(AT_ONCE).collect::<Vec<Result<(), S3Error>>>();
        let _ = timeout(MARKED_WITHIN, marked).await;
        Ok(version)
    }

    /// What the session recorded first that ended the journal before the present one: lines of a journal that is not read any
    /// more. `None` where there is none, or its history has expired.
    ///
    /// # Errors
    /// Where the bucket cannot be read.
    pub async fn session_before(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(newest) = self.newest().await? else { return Ok(None) };
        let base = self.segment(newest, None).await?.0.base;
        let session = self.segment_if_there(base).await?.and_then(|(frame, _)| frame.session);
        let number = match session.filter(|session| *session < base) {
            Some(number) => number,
            None => {
                let Some(before) = self.segment_if_there(base.saturating_sub(1)).await? else {
                    return Ok(None);
                };
                // Of a journal that says no more: the first segment is the header alone, the second what a session began with.
                before.0.base + 1
            }
        };
        Ok(self.segment_if_there(number).await?.map(|(_, lines)| lines))
    }

    /// The lines of segments before the present journal, counted back from there: as many as are there in a row.
    pub(crate) async fn parts_before(&self, from: u64, count: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let Some(newest) = self.newest().await? else { return Ok(Vec::new()) };
        let base = self.segment(newest, None).await?.0.base;
        let numbers =
            (from..from + count).map_while(|back| base.checked_sub(back + 1)).take_while(|it| *it > 0);
        let segments = iter(numbers).map(|number| self.segment_if_there(number)).buffered(AT_ONCE);
        let in_a_row = segments.try_take_while(|segment| std::future::ready(Ok(segment.is_some())));
        in_a_row.map_ok(|segment| segment.map_or_else(Vec::new, |(_, lines)| lines)).try_collect().await
    }

    /// A segment, if it is there and is one.
    pub(crate) async fn segment_if_there(&self, number: u64) -> Result<Option<(Frame, Vec<u8>)>, StoreError> {
        let key = self.segment_key(number);
        let object = self.objects.get(&key).await.map_err(|error| self.io("read", &key, error))?;
        let Some(object) = object.filter(|object| is_segment(&object.body, number)) else { return Ok(None) };
        Ok(split(&object.body).map(|(frame, lines)| (frame, lines.to_vec())))
    }

    async fn write(&self, end: End, appended: &[u8], removed: bool) -> Result<Version, StoreError> {
        let End { segment, base } = end;
        let session = match self.session.load(Ordering::Relaxed) {
            0 => None,
            session => Some(session).filter(|_| segment == base),
        };
        let (write, sum) = (self.host.unique(), sum_of(appended));
        let frame = Frame { segment, base, write, sum, session, removed };
        let mut body = serde_json::to_vec(&frame).expect("a struct of texts and numbers is JSON");
        body.push(b'\n');
        body.extend(appended);
        let key = self.segment_key(segment);
        let written = self.objects.put(&key, &body, Condition::New, Kept::Current).await;
        match written.map_err(|error| self.io("write", &key, error))? {
            Some(_) => {
                // A journal's first segment is its header. What a session appends first says whose it is.
                match segment == base {
                    true => self.session.store(0, Ordering::Relaxed),
                    false => {
                        let order = Ordering::Relaxed;
                        let _ = self.session.compare_exchange(0, segment, order, order);
                    }
                }
                Ok(end.version())
            }
            None => Err(self.changed(File::Journal)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_segment_is_listed_first_and_its_name_says_its_number() {
        let names: Vec<String> = [1, 2, 9, 10, 11, 99_999, 100_000].map(name_of).to_vec();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.reverse();
        assert_eq!(names, sorted);
        assert_eq!(names[0], "999999999998.1");
        assert_eq!(number_of("team/dev/journal/999999999998.1"), Some(1));
        for foreign in ["team/dev/journal/1", "team/dev/journal/999999999998.2", "team/dev/journal/x.1", ""] {
            assert_eq!(number_of(foreign), None, "{foreign}");
        }
    }
}
