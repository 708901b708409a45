//! A note beside the state, which no run reads or writes: where the state has gone.

use engine::StoreError;

use crate::objects::{Condition, Kept};
use crate::store::S3Store;

/// The object that says where the state has gone.
const MOVED: &str = "moved.json";

impl S3Store {
    /// The note that says where this state has gone, if there is one.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn moved(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let key = self.key(MOVED);
        let object = self.objects.get(&key).await.map_err(|error| self.io("read", &key, error))?;
        Ok(object.map(|object| object.body))
    }

    /// Writes that note, or removes it. Whoever does so holds the lock.
    ///
    /// # Errors
    /// Where it cannot be written, or somebody else writes it at the same time.
    pub async fn set_moved(&self, note: Option<&[u8]>) -> Result<(), StoreError> {
        let key = self.key(MOVED);
        let there = self.objects.get(&key).await.map_err(|error| self.io("read", &key, error))?;
        let done = match (note, &there) {
            (None, None) => true,
            (None, Some(there)) => self
                .objects
                .delete(&key, &there.etag)
                .await
                .map_err(|error| self.io("delete", &key, error))?,
            (Some(note), there) => {
                let condition = there.as_ref().map_or(Condition::Absent, |there| Condition::Is(&there.etag));
                let put = self.objects.put(&key, note, condition, Kept::Snapshot).await;
                put.map_err(|error| self.io("write", &key, error))?.is_some()
            }
        };
        match done {
            true => Ok(()),
            false => Err(StoreError::Changed { name: self.url(&key) }),
        }
    }
}
