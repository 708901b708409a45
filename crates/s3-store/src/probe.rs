//! Whether a bucket is fit for the state, and its store keeps the rules that the lock rests on.

use aws_sdk_s3::types::BucketVersioningStatus;

use crate::error::S3Error;
use crate::objects::{Condition, Kept};
use crate::store::S3Store;

/// An ETag that no object has.
const OF_NOTHING: &str = "\"00000000000000000000000000000000\"";

/// How often writers race for an object, and how many.
const RACES: usize = 2;
const RACERS: usize = 8;

/// Why a bucket cannot keep a state.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It could not be asked.
    #[error(transparent)]
    Call(#[from] S3Error),
    /// What is overwritten or deleted in it is lost.
    #[error("bucket {bucket} does not keep old versions of its objects")]
    NotVersioned {
        /// The bucket's name.
        bucket: String,
    },
    /// It is not Amazon S3, or something between here and there does not pass conditions on.
    #[error("the store of bucket {bucket} breaks a rule that the lock needs: {rule}")]
    Lacks {
        /// The bucket's name.
        bucket: String,
        /// What it does instead.
        rule: &'static str,
    },
}

impl Unfit {
    /// What a person can do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Unfit::Call(error) => error.hint(),
            Unfit::NotVersioned { bucket } => format!(
                "`stack bootstrap` turns it on, or do: `aws s3api put-bucket-versioning --bucket {bucket} \
                 --versioning-configuration Status=Enabled`"
            ),
            Unfit::Lacks { .. } => "nothing was recorded there. Use Amazon S3, or a store that keeps the rules of its conditional \
                 requests (`If-None-Match` and `If-Match` of PutObject, `If-Match` of DeleteObject)"
                .to_owned(),
        }
    }
}

impl S3Store {
    /// Whether the bucket is there, may be read, and keeps old versions. Changes nothing.
    ///
    /// # Errors
    /// [`Unfit`] says why it cannot keep a state.
    pub async fn check(&self) -> Result<(), Unfit> {
        const OPERATION: &str = "GetBucketVersioning";
        let objects = &self.objects;
        let bucket = &objects.bucket;
        let asked = objects.insisting(OPERATION, bucket, || async {
            let call = objects.client.get_bucket_versioning().bucket(bucket);
            let call = call.set_expected_bucket_owner(objects.owner.clone());
            call.send().await.map_err(|error| objects.failed(OPERATION, error))
        });
        match asked.await?.status {
            Some(BucketVersioningStatus::Enabled) => Ok(()),
            _ => Err(Unfit::NotVersioned { bucket: bucket.clone() }),
        }
    }

    /// Tries the rules that the lock rests on with an object of its own, and deletes that.
    ///
    /// # Errors
    /// [`Unfit::Lacks`] says which rule is broken.
    pub async fn probe(&self) -> Result<(), Unfit> {
        let key = self.key(&format!("probe/{}", self.host.unique()));
        let objects = &self.objects;
        let put = |body: &'static str, condition| objects.put(&key, body.as_bytes(), condition, Kept::Lock);
        let rule = |kept: bool, rule| match kept {
            true => Ok(()),
            false => Err(Unfit::Lacks { bucket: objects.bucket.clone(), rule }),
        };
        let first = put("first", Condition::Absent).await?;
        let first = first.ok_or_else(|| {
            let rule = "an object that does not exist cannot be written with `If-None-Match: *`";
            Unfit::Lacks { bucket: objects.bucket.clone(), rule }
        })?;
        let tried = async {
            let kept = put("second", Condition::Absent).await?.is_none();
            rule(kept, "`If-None-Match: *` overwrites an object that exists")?;
            let kept = put("third", Condition::Is(OF_NOTHING)).await?.is_none();
            rule(kept, "PutObject with `If-Match` overwrites an object with another ETag")?;
            let replaced = put("fourth", Condition::Is(&first)).await?;
            rule(replaced.is_some(), "PutObject with `If-Match` does not replace an object with this ETag")?;
            let kept = !objects.delete(&key, &first).await? && objects.get(&key).await?.is_some();
            rule(kept, "DeleteObject with `If-Match` deletes an object with another ETag")?;
            let deleted = objects.delete(&key, replaced.as_deref().unwrap_or_default()).await?;
            rule(deleted, "DeleteObject with `If-Match` does not delete an object with this ETag")?;
            let again = put("fifth", Condition::Absent).await?;
            rule(again.is_some(), "an object that was deleted cannot be written with `If-None-Match: *`")?;
            let mut there = again.unwrap_or_default();
            // A store may look first and write then. That can be seen only where it happens, so that this proves nothing.
            for round in 0..RACES {
                let replaced = self.raced(&key, Condition::Is(&there)).await?;
                rule(
                    replaced.len() <= 1,
                    "several requests at once with `If-Match` replace one version of an object",
                )?;
                there = replaced.into_iter().next().unwrap_or(there);
                let key = format!("{key}-{round}");
                let written = self.raced(&key, Condition::Absent).await;
                self.clear(&key).await;
                rule(
                    written?.len() <= 1,
                    "several requests at once with `If-None-Match: *` write one object",
                )?;
            }
            Ok(())
        };
        let tried = tried.await;
        self.clear(&key).await;
        tried
    }

    /// Writes an object several times at once; the ETag of each time that this was done.
    async fn raced(&self, key: &str, condition: Condition<'_>) -> Result<Vec<String>, S3Error> {
        let bodies: Vec<String> = (0..RACERS).map(|_| self.host.unique()).collect();
        let racers = bodies.iter().map(|body| self.objects.put(key, body.as_bytes(), condition, Kept::Lock));
        let written = futures::future::try_join_all(racers).await?;
        Ok(written.into_iter().flatten().collect())
    }

    /// Whatever is left is in nobody's way.
    async fn clear(&self, key: &str) {
        if let Ok(Some(left)) = self.objects.get(key).await {
            let _ = self.objects.delete(key, &left.etag).await;
        }
    }
}
