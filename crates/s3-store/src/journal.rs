//! The journal: numbered segments that are written once.

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
struct Frame {
    /// Its number.
    segment: u64,
    /// The number of the segment that this journal begins with.
    base: u64,
    /// Tells it from what another process would have written in its place.
    write: String,
    /// SHA-256 of what was appended. The journal's chain of hashes shows that something was altered; this shows in which object.
    sum: String,
    /// The journal was removed here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
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
fn split(body: &[u8]) -> Option<(Frame, &[u8])> {
    let end = body.iter().position(|byte| *byte == b'\n')?;
    Some((serde_json::from_slice(&body[..end]).ok()?, &body[end + 1..]))
}

impl S3Store {
    fn segment_key(&self, segment: u64) -> String {
        self.key(&format!("journal/{}", name_of(segment)))
    }

    fn damaged(&self, segment: u64, reason: &str) -> StoreError {
        StoreError::Unusable { name: self.url(&self.segment_key(segment)), reason: reason.to_owned() }
    }

    /// The number of the newest segment, of whichever journal.
    async fn newest(&self) -> Result<Option<u64>, StoreError> {
        let prefix = self.key("journal/");
        let keys =
            self.objects.first_keys(&prefix, 1).await.map_err(|error| self.io("list", &prefix, error))?;
        let Some(key) = keys.first() else { return Ok(None) };
        let foreign = || StoreError::Unusable {
            name: self.url(key),
            reason: "it is not a segment of the journal".to_owned(),
        };
        number_of(key).map(Some).ok_or_else(foreign)
    }

    /// Whether nothing was ever recorded here. It asks for one key, however long the journal is.
    ///
    /// # Errors
    /// Where the bucket cannot be listed.
    pub async fn is_new(&self) -> Result<bool, StoreError> {
        Ok(self.newest().await?.is_none())
    }

    async fn segment(&self, number: u64) -> Result<(Frame, Vec<u8>), StoreError> {
        let there = self.segment_if_there(number).await?;
        let (frame, appended) = there.ok_or_else(|| self.damaged(number, "it is missing"))?;
        match frame.segment == number {
            true => Ok((frame, appended)),
            false => Err(self.damaged(number, &format!("it says that it is segment {}", frame.segment))),
        }
    }

    /// Fails where the segment that would come next was there and was deleted, by a person or by a lifecycle rule that is too
    /// wide: without it, the journal would only look shorter.
    async fn check_end(&self, next: u64) -> Result<(), StoreError> {
        self.check_not_deleted(&self.segment_key(next)).await
    }

    async fn check_not_deleted(&self, key: &str) -> Result<(), StoreError> {
        let deleted = self.objects.was_deleted(key).await.map_err(|error| self.io("read", key, error))?;
        if !deleted {
            return Ok(());
        }
        let name = self.url(key);
        let reason = "it was deleted outside stack. Restore it: delete its delete marker with `aws s3api delete-object` and the \
                      marker's version id, which `aws s3api list-object-versions` shows"
            .to_owned();
        Err(StoreError::Unusable { name, reason })
    }

    pub(crate) async fn read_journal(&self) -> Result<Option<Content>, StoreError> {
        let Some(newest) = self.newest().await? else {
            // There is no journal yet, unless all of it was deleted: then the first segment or the snapshot left a delete marker.
            self.check_end(1).await?;
            self.check_not_deleted(&self.key("state.json")).await?;
            return Ok(None);
        };
        let ((frame, last), ()) = tokio::try_join!(self.segment(newest), self.check_end(newest + 1))?;
        if frame.removed {
            return Ok(None);
        }
        let base = frame.base;
        let before = iter(base..newest).map(|number| async move {
            let (frame, appended) = self.segment(number).await?;
            match frame.base == base && !frame.removed {
                true => Ok(appended),
                false => Err(self.damaged(number, "it belongs to another journal than the one after it")),
            }
        });
        let mut bytes: Vec<u8> = before.buffered(AT_ONCE).try_concat().await?;
        bytes.extend(last);
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
                Some(newest) if self.segment(newest).await?.0.removed => newest,
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

    /// What the session before the present journal recorded first: lines of a journal that is not read any more. `None` where
    /// there is none, or its history has expired.
    ///
    /// # Errors
    /// Where the bucket cannot be read.
    pub async fn session_before(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(newest) = self.newest().await? else { return Ok(None) };
        let base = self.segment(newest).await?.0.base;
        let Some(before) = self.segment_if_there(base.saturating_sub(1)).await? else { return Ok(None) };
        // The first segment is the header alone, the second what the session began with.
        Ok(self.segment_if_there(before.0.base + 1).await?.map(|(_, lines)| lines))
    }

    async fn segment_if_there(&self, number: u64) -> Result<Option<(Frame, Vec<u8>)>, StoreError> {
        let key = self.segment_key(number);
        let object = self.objects.get(&key).await.map_err(|error| self.io("read", &key, error))?;
        let Some(object) = object else { return Ok(None) };
        let (frame, lines) =
            split(&object.body).ok_or_else(|| self.damaged(number, "it does not begin as a segment does"))?;
        match frame.sum == sum_of(lines) {
            true => Ok(Some((frame, lines.to_vec()))),
            false => Err(self.damaged(number, "its content does not match its checksum: it was altered")),
        }
    }

    async fn write(&self, end: End, appended: &[u8], removed: bool) -> Result<Version, StoreError> {
        let End { segment, base } = end;
        let frame = Frame { segment, base, write: self.host.unique(), sum: sum_of(appended), removed };
        let mut body = serde_json::to_vec(&frame).expect("a struct of texts and numbers is JSON");
        body.push(b'\n');
        body.extend(appended);
        let key = self.segment_key(segment);
        let written = self.objects.put(&key, &body, Condition::New, Kept::Current).await;
        match written.map_err(|error| self.io("write", &key, error))? {
            Some(_) => Ok(end.version()),
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
