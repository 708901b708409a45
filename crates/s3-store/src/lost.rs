//! What is missing in the bucket or was altered there, and how it is had back: from the old versions that the bucket keeps.
//!
//! A segment of ours has its number and its checksum in its first line, and goes on from the journal by the hash of the record
//! before. So of an object that was deleted it can be told whether it was recorded by a run, and is missed, or was put there by
//! somebody else, and is not.

use engine::{StoreError, goes_on_after, goes_on_from};

use crate::error::S3Error;
use crate::journal::{is_segment, split};
use crate::store::S3Store;

/// What the versions of an object say.
struct Found {
    /// The delete marker that is its newest version.
    marker: Option<String>,
    /// The newest version that has what was recorded.
    ours: Option<String>,
}

impl S3Store {
    /// The error for an object that is missing or was altered, with what a person can do. `is_ours` knows the content that it had.
    pub(crate) async fn lost(&self, key: &str, reason: &str, is_ours: impl Fn(&[u8]) -> bool) -> StoreError {
        let remedy = match self.found(key, is_ours).await {
            Ok(found) => self.remedy(key, &found),
            Err(error) => self.unseen(key, &error),
        };
        StoreError::Lost { name: self.url(key), reason: reason.to_owned(), remedy }
    }

    /// The same for the newest object below the journal's prefix. Where no version of it is ours, it is somebody else's, and the
    /// journal ends before it.
    pub(crate) async fn damaged_end(
        &self,
        key: &str,
        reason: &str,
        is_ours: impl Fn(&[u8]) -> bool,
    ) -> StoreError {
        let remedy = match self.found(key, is_ours).await {
            Ok(Found { ours: None, .. }) => format!(
                "nothing was changed. No version of it that the bucket keeps was written by a run. Unless somebody deleted versions for \
                 good, it is somebody else's: move it away, {}. It stays as an old version, and the state ends with the segment before \
                 it",
                self.shell("delete-object", &format!("--key {}", quoted(key))),
            ),
            Ok(found) => self.remedy(key, &found),
            Err(error) => self.unseen(key, &error),
        };
        StoreError::Lost { name: self.url(key), reason: reason.to_owned(), remedy }
    }

    async fn found(&self, key: &str, is_ours: impl Fn(&[u8]) -> bool) -> Result<Found, S3Error> {
        let mut versions = self.objects.versions(key).await?.into_iter().peekable();
        let marker = versions.peek().filter(|newest| newest.body.is_none()).map(|newest| newest.id.clone());
        let ours = versions.find(|version| version.body.as_deref().is_some_and(&is_ours));
        Ok(Found { marker, ours: ours.map(|ours| ours.id) })
    }

    fn remedy(&self, key: &str, found: &Found) -> String {
        match (&found.marker, &found.ours) {
            (Some(marker), Some(version)) => format!(
                "nothing was changed. Version {version} of it has what was recorded: take away the delete marker before it, {}. Where \
                 that is forbidden, by the bucket's policy (`stack bootstrap --protect`) or because this identity lacks \
                 s3:DeleteObjectVersion, put the version back instead: {}",
                self.shell("delete-object", &format!("--key {} --version-id {marker}", quoted(key))),
                self.put_back(key, version),
            ),
            (None, Some(version)) => format!(
                "nothing was changed. Version {version} of it has what was recorded: put it back, {}",
                self.put_back(key, version),
            ),
            (_, None) => format!(
                "nothing was changed. No version of it that the bucket keeps is what was recorded: leave the bucket as it is, and look \
                 for a copy in a replica or a backup of it, or in the state directory from which the state was pushed. Without one, \
                 `state.prefix` with another value begins a new state: `stack up` then takes over what has the tags of this stack, and \
                 the history is lost. All versions: {}",
                self.shell("list-object-versions", &format!("--prefix {}", quoted(key))),
            ),
        }
    }

    fn unseen(&self, key: &str, error: &S3Error) -> String {
        format!(
            "nothing was changed. The bucket keeps old versions, but this identity could not look at them ({error}): {} lists them. If \
             one has what was recorded, put it back: {}",
            self.shell("list-object-versions", &format!("--prefix {}", quoted(key))),
            self.put_back(key, "VERSION"),
        )
    }

    fn shell(&self, command: &str, more: &str) -> String {
        format!("`aws s3api {command} --bucket {} {more}`", self.objects.bucket)
    }

    fn put_back(&self, key: &str, version: &str) -> String {
        let key = quoted(key);
        format!(
            "{}, then {}",
            self.shell("get-object", &format!("--key {key} --version-id {version} restored")),
            self.shell("put-object", &format!("--key {key} --body restored")),
        )
    }

    /// Fails where the segment that would come next was deleted and is missed: without it, the journal would only look shorter.
    /// `journal` is what is there, and `base` the number that it begins with.
    pub(crate) async fn check_deleted_end(
        &self,
        next: u64,
        base: u64,
        journal: &[u8],
    ) -> Result<(), StoreError> {
        let key = self.segment_key(next);
        let is_ours = |body: &[u8]| {
            let Some((frame, lines)) = split(body).filter(|_| is_segment(body, next)) else { return false };
            match frame.base {
                // The removal of a journal has no lines.
                own if own == next => frame.removed || goes_on_from(journal, lines),
                own => own == base && goes_on_from(journal, lines),
            }
        };
        self.check_deleted(&key, is_ours).await
    }

    /// Fails where an object that was deleted had what was recorded, or nobody can look whether it had.
    pub(crate) async fn check_deleted(
        &self,
        key: &str,
        is_ours: impl Fn(&[u8]) -> bool,
    ) -> Result<(), StoreError> {
        let is_missed = match self.objects.versions(key).await {
            Ok(versions) => versions.iter().any(|version| version.body.as_deref().is_some_and(&is_ours)),
            Err(_) => true,
        };
        match is_missed {
            true => Err(self.lost(key, "it was deleted outside stack", is_ours).await),
            false => Ok(()),
        }
    }

    /// Fails where the journal that is there goes on from a snapshot: then its absence is a loss. A copy of a state without one
    /// takes it away as well.
    pub(crate) async fn check_snapshot_not_needed(&self, key: &str) -> Result<(), StoreError> {
        let Some(newest) = self.newest().await? else { return Ok(()) };
        // What is wrong with the journal is said where that is read.
        let Ok(Some((frame, _))) = self.segment_if_there(newest).await else { return Ok(()) };
        let Ok(Some((_, lines))) = self.segment_if_there(frame.base).await else { return Ok(()) };
        let after = goes_on_after(&lines);
        if after == 0 {
            return Ok(());
        }
        let reason = format!(
            "it was deleted outside stack, and {} goes on after record {after}, which it had",
            self.url(&self.key("journal/"))
        );
        let is_ours = |body: &[u8]| body.starts_with(b"{\"format\":\"stack-state\"");
        Err(self.lost(key, &reason, is_ours).await)
    }
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    match text.bytes().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_key_is_one_word_of_a_shell() {
        assert_eq!(quoted("team/dev/journal/999999999998.1"), "team/dev/journal/999999999998.1");
        assert_eq!(quoted("it's (new)/dev"), r"'it'\''s (new)/dev'");
    }
}
