//! The store in an S3 that others have written, at the endpoint that `S3_STORE_ENDPOINT` names: `scripts/store-judges` serves some, and
//! runs these.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use engine::{ErrorClass, Host as _, Store, SystemHost, inspect};
use s3_store::{Location, S3Store, Unfit};
use tokio::time::Instant;

use crate::place::{engine, note};

/// A new bucket there.
struct Elsewhere {
    sdk: SdkConfig,
    bucket: String,
}

impl Elsewhere {
    async fn new() -> Self {
        let endpoint = std::env::var("S3_STORE_ENDPOINT").expect("S3_STORE_ENDPOINT is the URL of an S3");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            // The one in which a bucket needs no location.
            .region(Region::new("us-east-1"))
            .endpoint_url(endpoint)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "any", "any", None, None, "a test",
            )))
            .build();
        let bucket = format!("state-{}", &SystemHost.unique()[..16]);
        let config = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
        let client = Client::from_conf(config);
        client.create_bucket().bucket(&bucket).send().await.unwrap();
        let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        client.put_bucket_versioning().bucket(&bucket).versioning_configuration(on).send().await.unwrap();
        Self { sdk, bucket }
    }

    fn open(&self, prefix: &str) -> Arc<S3Store> {
        let location = Location {
            bucket: self.bucket.clone(),
            prefix: prefix.to_owned(),
            account_id: None,
            kms_key_arn: None,
        };
        Arc::new(S3Store::new(&self.sdk, location))
    }
}

#[tokio::test]
#[ignore = "needs S3_STORE_ENDPOINT: `scripts/store-judges` runs it"]
async fn it_is_found_fit() {
    let elsewhere = Elsewhere::new().await;
    elsewhere.open("probe").check().await.unwrap();
    elsewhere.open("probe").probe().await.unwrap();
}

/// Before a session begins, whatever it lacks.
#[tokio::test]
#[ignore = "needs S3_STORE_ENDPOINT: `scripts/store-judges` runs it"]
async fn it_is_refused() {
    let elsewhere = Elsewhere::new().await;
    let refused = match elsewhere.open("probe").check().await {
        Ok(()) => elsewhere.open("probe").probe().await,
        refused => refused,
    };
    let refused = refused.unwrap_err();
    println!("refused: {refused}");
    // It has answered, but for the answer that cannot be read.
    let Unfit::Call(error) = &refused else { return };
    assert!(error.call.class.is_certain() && error.call.class != ErrorClass::Unreachable, "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs S3_STORE_ENDPOINT: `scripts/store-judges` runs it"]
async fn the_store_keeps_its_contract_there() {
    let elsewhere = Arc::new(Elsewhere::new().await);
    testing::store::contract(|| {
        let (elsewhere, prefix) = (Arc::clone(&elsewhere), SystemHost.unique());
        move || elsewhere.open(&prefix) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs S3_STORE_ENDPOINT: `scripts/store-judges` runs it"]
async fn sessions_that_race_there_lose_nothing() {
    const MACHINES: u64 = 3;
    const SESSIONS: usize = 3;
    const RECORDS: usize = 3;
    let elsewhere = Arc::new(Elsewhere::new().await);
    let started = Instant::now();
    let writing = Arc::new(tokio::sync::Mutex::new(()));
    let machines = (1..=MACHINES).map(|machine| {
        let (elsewhere, writing) = (Arc::clone(&elsewhere), Arc::clone(&writing));
        tokio::spawn(async move {
            for session in 0..SESSIONS {
                let engine = engine(elsewhere.open("race"), machine, started);
                let opened = engine.with_lock_timeout(Duration::from_secs(120)).open().await.unwrap();
                let alone = writing.try_lock().expect("no other session writes");
                for record in 0..RECORDS {
                    note(&opened, &format!("{machine} {session} {record}")).await.unwrap();
                }
                drop(alone);
                opened.close().await.unwrap();
            }
        })
    });
    for machine in machines.collect::<Vec<_>>() {
        machine.await.unwrap();
    }
    let inspection = inspect(&*elsewhere.open("race")).await.unwrap().unwrap();
    let sessions = MACHINES * SESSIONS as u64;
    assert_eq!(inspection.head.records, sessions * (1 + RECORDS as u64));
}
