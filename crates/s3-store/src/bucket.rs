//! The bucket for states: made as it must be, and brought back to that.
//!
//! Each setting is one call that replaces all of it, and each may be sent again. So nothing is recorded: a run that was killed is
//! run again, and does what is left. What others have set beside ours stays: tags, statements of the policy, lifecycle rules, and
//! a default encryption with a key of KMS where none is configured, as long as that key can be used.
//!
//! The surprises:
//! - `NoSuchBucket` for a bucket that was just created means wait, for up to minutes. `OperationAborted` likewise.
//! - In us-east-1 a second CreateBucket of one's own bucket succeeds, so what is there is asked before and after.
//! - 403 does not say whether the bucket belongs to somebody else or this identity may not look.
//! - Versioning takes up to 15 minutes to spread when it is turned on for the first time (S3 User Guide, "Enabling versioning on
//!   buckets").

mod error;
mod lifecycle;
mod policy;
mod settings;

use std::collections::BTreeMap;
use std::time::Duration;

use aws::tags::{ADDRESS, PROJECT};
use aws_config::SdkConfig;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tag};
use engine::{Backoff, Host as _, Pace, SystemHost};

pub use self::error::BucketError;
pub use self::settings::Change;
use crate::error::S3Error;
use crate::objects::{Condition, Kept, Objects, tag};
use crate::store::client_of;

/// What the tag with the address says, which tells it from the buckets that a stack makes.
const STATE: &str = "state/bucket";

/// The region that has no name in S3, for it was the first.
const FIRST_REGION: &str = "us-east-1";

/// How often a bucket that was just created is asked for.
const PACE: Pace = Pace { first: Duration::from_secs(1), factor: 1.5, longest: Duration::from_secs(10) };

/// How long.
const VISIBLE_WITHIN: Duration = Duration::from_secs(300);

/// How a bucket for states must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketWish {
    /// Its name, unique in the world.
    pub name: String,
    /// Its region.
    pub region: String,
    /// The account that it must belong to, 12 digits.
    pub account_id: String,
    /// `aws`, `aws-cn` or `aws-us-gov`: the second part of its ARN.
    pub partition: String,
    /// The project that it is for.
    pub project: String,
    /// What the keys of the project's states begin with, without a slash at the end.
    pub prefix: String,
    /// The ARN of the KMS key that objects are encrypted with; `None` for any encryption by default.
    pub kms_key_arn: Option<String>,
    /// Where no key is configured: why the KMS key that is the default cannot be used, as [`StateBucket::unusable_key`] says. Then S3
    /// encrypts with keys of its own instead.
    pub unusable_key: Option<String>,
    /// After how many days history expires.
    pub history_days: u32,
    /// Whether its policy forbids to delete it and old versions in it; `None` leaves that as it is.
    pub protect: Option<bool>,
    /// The tags that people see.
    pub tags: BTreeMap<String, String>,
}

impl BucketWish {
    /// All tags of it.
    fn all_tags(&self) -> BTreeMap<String, String> {
        let ours = [(PROJECT, self.project.as_str()), (ADDRESS, STATE)];
        let ours = ours.map(|(key, value)| (key.to_owned(), value.to_owned()));
        self.tags.clone().into_iter().chain(ours).collect()
    }
}

/// What is there, and what would change.
#[derive(Clone, Debug)]
pub struct Look {
    /// Whether there is such a bucket.
    pub exists: bool,
    /// Whether it has our tags. Otherwise somebody else made it, for something else perhaps.
    pub is_ours: bool,
    /// Whether there is no object in it.
    pub is_empty: bool,
    /// What differs, in the order in which it is to be set.
    pub changes: Vec<Change>,
}

/// A bucket for states.
pub struct StateBucket {
    objects: Objects,
    wish: BucketWish,
}

impl StateBucket {
    /// The bucket that is wished for. Calls nothing.
    #[must_use]
    pub fn new(sdk: &SdkConfig, wish: BucketWish) -> Self {
        let objects = Objects::new(client_of(sdk), wish.name.clone(), Some(wish.account_id.clone()), None);
        Self { objects, wish }
    }

    /// Compares what is there with what is wished for. Changes nothing.
    ///
    /// # Errors
    /// [`BucketError`] says why the bucket cannot be used or not be looked at.
    pub async fn look(&self) -> Result<Look, BucketError> {
        match self.is_there().await? {
            true => self.look_at_settings().await,
            false => Ok(Look { exists: false, is_ours: true, is_empty: true, changes: self.all_changes() }),
        }
    }

    /// Creates it with its tags, and waits until it can be seen. Its other settings are those of S3 then: look again.
    ///
    /// # Errors
    /// [`BucketError::Taken`] where somebody else has the name.
    pub async fn create(&self) -> Result<(), BucketError> {
        const OPERATION: &str = "CreateBucket";
        let wish = &self.wish;
        let first = wish.region == FIRST_REGION;
        let location = (!first).then(|| BucketLocationConstraint::from(wish.region.as_str()));
        let tags: Vec<Tag> = wish.all_tags().iter().map(|(key, value)| tag(key, value)).collect();
        let configuration = CreateBucketConfiguration::builder()
            .set_location_constraint(location)
            .set_tags(Some(tags))
            .build();
        let created = self.objects.insisting(OPERATION, &wish.name, || async {
            let call = self.objects.client.create_bucket().bucket(&wish.name);
            let call = call.create_bucket_configuration(configuration.clone());
            call.send().await.map(drop).map_err(|error| self.objects.failed(OPERATION, error))
        });
        match created.await {
            // An attempt before had its effect, or somebody of this account was faster: who it was is looked at next.
            Err(error) if error.code() == "BucketAlreadyOwnedByYou" => {}
            Err(error) if error.code() == "BucketAlreadyExists" => {
                return Err(BucketError::Taken { bucket: wish.name.clone() });
            }
            created => created?,
        }
        let mut backoff = Backoff::new(&wish.name, PACE, VISIBLE_WITHIN);
        while !self.is_there().await? {
            if !backoff.wait().await {
                return Err(BucketError::NotSeen { bucket: wish.name.clone() });
            }
        }
        Ok(())
    }

    /// Why the KMS key that the bucket has by default cannot be used, if it has one that cannot: S3's code. An object is written
    /// and deleted to find out, since who may write need not be allowed to ask KMS.
    ///
    /// # Errors
    /// Where the bucket cannot be looked at.
    pub async fn unusable_key(&self) -> Result<Option<String>, BucketError> {
        if !self.has_key().await? {
            return Ok(None);
        }
        let key = format!("{}/probe/{}", self.wish.prefix, SystemHost.unique());
        match self.objects.put(&key, b"a key", Condition::Absent, Kept::Lock).await {
            Ok(written) => {
                // Whatever is left is in nobody's way.
                let _ = self.objects.delete(&key, &written.unwrap_or_default()).await;
                Ok(None)
            }
            // S3 API Reference, "List of error codes": `KMS.` and KMS's own code.
            Err(error)
                if ["KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.NotFoundException"]
                    .contains(&error.code()) =>
            {
                Ok(Some(error.code().to_owned()))
            }
            // What else is wrong is said by who tries the bucket out.
            Err(_) => Ok(None),
        }
    }

    /// Whether there is such a bucket, in this account and this region.
    async fn is_there(&self) -> Result<bool, BucketError> {
        const OPERATION: &str = "HeadBucket";
        let wish = &self.wish;
        let asked = self.objects.insisting(OPERATION, &wish.name, || async {
            let call = self.objects.client.head_bucket().bucket(&wish.name);
            let answer = call.expected_bucket_owner(&wish.account_id).send().await;
            match answer {
                Ok(answer) => Ok(Ok(answer.bucket_region)),
                Err(error) => {
                    let status = error.raw_response().map(|raw| raw.status().as_u16());
                    let failed = self.objects.failed(OPERATION, error);
                    match status {
                        // An answer to HEAD has no body and so no code.
                        Some(status @ (301 | 400 | 403 | 404)) => Ok(Err((status, failed))),
                        _ => Err(failed),
                    }
                }
            }
        });
        let elsewhere = |region: String| BucketError::Elsewhere { bucket: wish.name.clone(), region };
        match asked.await? {
            Ok(Some(region)) if region != wish.region => Err(elsewhere(region)),
            Ok(_) => Ok(true),
            Err((404, _)) => Ok(false),
            Err((403, failed)) if failed.call.class == engine::ErrorClass::Denied => {
                Err(BucketError::Closed { bucket: wish.name.clone(), account: wish.account_id.clone() })
            }
            Err((_, S3Error { region: Some(region), .. })) if region != wish.region => Err(elsewhere(region)),
            Err((_, failed)) => Err(failed.into()),
        }
    }

    /// A call about a bucket that is there: that it is not found is a matter of time.
    async fn insist<T, F>(&self, operation: &str, mut call: impl FnMut() -> F) -> Result<T, S3Error>
    where
        F: Future<Output = Result<T, S3Error>>,
    {
        let mut backoff = Backoff::new(operation, PACE, VISIBLE_WITHIN);
        loop {
            match self.objects.insisting(operation, &self.wish.name, &mut call).await {
                Err(error) if error.code() == "NoSuchBucket" && backoff.wait().await => {}
                answer => return answer,
            }
        }
    }
}

impl std::fmt::Debug for StateBucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("StateBucket").field(&self.wish).finish()
    }
}
