//! The store: which file is which object.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use engine::{Content, File, Host, LeaseTerms, LocalStore, Mark, Store, StoreError, SystemHost, Version};

use crate::error::S3Error;
use crate::objects::{Condition, Kept, Object, Objects};

/// A renewal is one request, and three in a row may fail.
const TERMS: LeaseTerms = LeaseTerms {
    lasts: Duration::from_secs(30),
    renewed_every: Duration::from_millis(7_500),
    one_clock: false,
};

/// Where in S3 the state of one environment is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The bucket's name.
    pub bucket: String,
    /// What all keys begin with, without a slash at the end, such as `payments/prod`. Empty for none.
    pub prefix: String,
    /// The account that the bucket must belong to, 12 digits; `None` leaves it open.
    pub account_id: Option<String>,
    /// The ARN of the KMS key for new objects; `None` for the bucket's default encryption.
    pub kms_key_arn: Option<String>,
}

/// The state of one environment in S3. The crate's page has the layout.
///
/// Its lock is a lease of 30 s. Machines that share it need not agree on the time: a lease is taken over by whoever has seen it
/// unchanged for that long. With [`with_mark_of`](Self::with_mark_of), processes of one machine see at once that another one has
/// ended.
#[derive(Clone)]
pub struct S3Store {
    pub(crate) objects: Arc<Objects>,
    prefix: String,
    pub(crate) host: Arc<dyn Host>,
    mark: Option<LocalStore>,
    /// The segment with which the present session began, once it has written one; 0 before.
    pub(crate) session: Arc<AtomicU64>,
}

impl S3Store {
    /// The store at a place. Calls nothing.
    #[must_use]
    pub fn new(sdk: &SdkConfig, location: Location) -> Self {
        let Location { bucket, prefix, account_id, kms_key_arn } = location;
        let client = client_of(sdk);
        let prefix = match prefix.trim_end_matches('/') {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let objects = Arc::new(Objects::new(client, bucket, account_id, kms_key_arn));
        Self { objects, prefix, host: Arc::new(SystemHost), mark: None, session: Arc::default() }
    }

    /// Another source of unique names than the machine's.
    #[must_use]
    pub fn with_host(self, host: Arc<dyn Host>) -> Self {
        Self { host, ..self }
    }

    /// Its holders on this machine show that they live in this directory.
    #[must_use]
    pub fn with_mark_of(self, directory: LocalStore) -> Self {
        Self { mark: Some(directory), ..self }
    }

    /// The names of the environments below the prefix of this store, which then is that of no environment.
    ///
    /// # Errors
    /// Where the bucket cannot be listed.
    pub async fn environments(&self) -> Result<Vec<String>, S3Error> {
        self.objects.folders(&self.prefix).await
    }

    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(crate) fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.objects.bucket)
    }

    pub(crate) fn io(&self, action: &'static str, key: &str, error: S3Error) -> StoreError {
        StoreError::Io { action, name: self.url(key), source: std::io::Error::other(error) }
    }

    fn key_of(&self, file: File) -> String {
        self.key(match file {
            File::State => "state.json",
            File::Journal => "journal/",
            File::Lock => "lock.json",
        })
    }

    pub(crate) fn changed(&self, file: File) -> StoreError {
        StoreError::Changed { name: self.name(file) }
    }
}

impl std::fmt::Debug for S3Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("S3Store").field(&self.url(&self.prefix)).finish()
    }
}

/// A client that sends each call once.
pub(crate) fn client_of(sdk: &SdkConfig) -> aws_sdk_s3::Client {
    let sdk = aws::client_config(sdk);
    let mut config = aws_sdk_s3::config::Builder::from(&sdk);
    if sdk.endpoint_url().is_some() {
        // Another store than Amazon's may have no DNS name for each bucket.
        config = config.force_path_style(true);
    }
    aws_sdk_s3::Client::from_conf(config.build())
}

fn kept(file: File) -> Kept {
    match file {
        File::Lock => Kept::Lock,
        File::State => Kept::Snapshot,
        File::Journal => Kept::Current,
    }
}

#[async_trait]
impl Store for S3Store {
    fn name(&self, file: File) -> String {
        self.url(&self.key_of(file))
    }

    async fn read(&self, file: File) -> Result<Option<Content>, StoreError> {
        if file == File::Journal {
            return self.read_journal().await;
        }
        let key = self.key_of(file);
        let found = self.objects.find(&key).await.map_err(|error| self.io("read", &key, error))?;
        if file == File::State && found.as_ref().is_err_and(|deleted| *deleted) {
            self.check_snapshot_not_needed(&key).await?;
        }
        Ok(found.ok().map(|Object { body, etag }| Content { bytes: body, version: Version(etag) }))
    }

    async fn replace(
        &self,
        file: File,
        expected: Option<&Version>,
        bytes: Vec<u8>,
    ) -> Result<Version, StoreError> {
        if file == File::Journal {
            return self.replace_journal(expected, &bytes).await;
        }
        let key = self.key_of(file);
        let condition = expected.map_or(Condition::Absent, |version| Condition::Is(&version.0));
        let written = self.objects.put(&key, &bytes, condition, kept(file)).await;
        let written = written.map_err(|error| self.io("write", &key, error))?;
        written.map(Version).ok_or_else(|| self.changed(file))
    }

    /// Only the journal grows, one segment each time. The others are read and replaced.
    async fn append(&self, file: File, expected: &Version, bytes: Vec<u8>) -> Result<Version, StoreError> {
        if file == File::Journal {
            return self.append_journal(expected, &bytes).await;
        }
        let there = self.read(file).await?.filter(|there| there.version == *expected);
        let mut content = there.ok_or_else(|| self.changed(file))?.bytes;
        content.extend(bytes);
        self.replace(file, Some(expected), content).await
    }

    async fn remove(&self, file: File, expected: &Version) -> Result<(), StoreError> {
        if file == File::Journal {
            return self.remove_journal(expected).await;
        }
        let key = self.key_of(file);
        let deleted = self.objects.delete(&key, &expected.0).await;
        match deleted.map_err(|error| self.io("delete", &key, error))? {
            true => Ok(()),
            false => Err(self.changed(file)),
        }
    }

    async fn mark(&self) -> Option<Mark> {
        self.mark.as_ref()?.mark().await
    }

    async fn history(&self, back: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.parts_before(back, 1).await?.pop())
    }

    /// Side by side, after one look where the present journal begins.
    async fn history_parts(&self, from: u64, count: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        self.parts_before(from, count).await
    }

    fn lease(&self) -> LeaseTerms {
        TERMS
    }

    /// Always: each append is an object, and whoever reads the journal reads each of them.
    fn compact_after(&self) -> usize {
        0
    }
}
