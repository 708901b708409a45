//! A bucket, and stores in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration,
};
use emulator::Emulator;
use engine::{Host as _, SystemHost};
use s3_store::{Location, S3Store};

pub(crate) const BUCKET: &str = "payment-state-123456789012";

/// An account with a bucket for states.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) emulator: Emulator,
    prefix: String,
}

static PLACES: AtomicU64 = AtomicU64::new(0);

impl Place {
    /// A bucket as it must be.
    pub(crate) async fn new(emulator: Emulator) -> Self {
        let client = aws_sdk_s3::Client::new(&testing::config(&emulator));
        let region = BucketLocationConstraint::from(testing::REGION);
        let region = CreateBucketConfiguration::builder().location_constraint(region).build();
        client.create_bucket().bucket(BUCKET).create_bucket_configuration(region).send().await.unwrap();
        let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        client.put_bucket_versioning().bucket(BUCKET).versioning_configuration(on).send().await.unwrap();
        Self { emulator, prefix: "team/dev".to_owned() }
    }

    /// Another environment in the same bucket.
    pub(crate) fn elsewhere(&self) -> Self {
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        Self { prefix: format!("team/{}-{number}", &SystemHost.unique()[..8]), ..self.clone() }
    }

    pub(crate) fn location(&self) -> Location {
        Location {
            bucket: BUCKET.to_owned(),
            prefix: self.prefix.clone(),
            account_id: Some(testing::ACCOUNT.to_owned()),
            kms_key_arn: None,
        }
    }

    /// As another process opens it.
    pub(crate) fn open(&self) -> Arc<S3Store> {
        Arc::new(S3Store::new(&testing::config(&self.emulator), self.location()))
    }
}
