//! The journal: numbered segments that are written once.

use engine::{Content, File, StoreError, Version};
use futures::stream::{StreamExt as _, TryStreamExt as _, iter};
use serde::{Deserialize, Serialize};

use crate::objects::{Condition, Kept};
use crate::store::S3Store;

/// How many segments are read at once.
const READ_AT_ONCE: usize = 32;

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

    async fn segment(&self, number: u64) -> Result<(Frame, Vec<u8>), StoreError> {
        let there = self.segment_if_there(number).await?;
        let (frame, appended) = there.ok_or_else(|| self.damaged(number, "it is missing"))?;
        match frame.segment == number {
            true => Ok((frame, appended)),
            false => Err(self.damaged(number, &format!("it says that it is segment {}", frame.segment))),
        }
    }

    pub(crate) async fn read_journal(&self) -> Result<Option<Content>, StoreError> {
        let Some(newest) = self.newest().await? else { return Ok(None) };
        let (frame, last) = self.segment(newest).await?;
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
        let mut bytes: Vec<u8> = before.buffered(READ_AT_ONCE).try_concat().await?;
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
            Some(was) => End::of(was).ok_or_else(|| self.changed(File::Journal))?.segment,
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
        let after = End::of(was).ok_or_else(|| self.changed(File::Journal))?.segment;
        self.write(End { segment: after + 1, base: after + 1 }, &[], true).await.map(drop)
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
        Ok(Some((frame, lines.to_vec())))
    }

    async fn write(&self, end: End, appended: &[u8], removed: bool) -> Result<Version, StoreError> {
        let End { segment, base } = end;
        let frame = Frame { segment, base, write: self.host.unique(), removed };
        let mut body = serde_json::to_vec(&frame).expect("a struct of texts and numbers is JSON");
        body.push(b'\n');
        body.extend(appended);
        let (key, kept) =
            (self.segment_key(segment), if segment == base { Kept::Current } else { Kept::History });
        let written = self.objects.put(&key, &body, Condition::Absent, kept).await;
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
