//! What the state in S3 adds to a deployment of the whole stack, in virtual time:
//!
//! ```text
//! cargo test -p stack --test it -- --ignored --nocapture state_cost
//! ```
//!
//! S3 answers each request after 40 ms, which is more than it takes from inside the region; the other state takes no time at all.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration,
};
use emulator::{Call, Emulator, Layer, Next, Reply};
use engine::{Engine, Graph, MemoryStore, Selector, Store, TestHost};
use s3_store::{Location, S3Store};
use stack::{Config, Environment, Stack};
use tokio::time::Instant;

use crate::live::{self, registry};

const REGION: &str = "ap-southeast-1";
const BUCKET: &str = "payment-state";
const ANSWERED_AFTER: Duration = Duration::from_millis(40);

/// Each request takes its time.
struct Far;

#[async_trait]
impl Layer for Far {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        tokio::time::sleep(ANSWERED_AFTER).await;
        next.run(call).await
    }
}

async fn in_s3(emulator: &Emulator) -> S3Store {
    let sdk = testing::config(emulator);
    let client = Client::new(&sdk);
    let region = BucketLocationConstraint::from(testing::REGION);
    let region = CreateBucketConfiguration::builder().location_constraint(region).build();
    client.create_bucket().bucket(BUCKET).create_bucket_configuration(region).send().await.unwrap();
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    client.put_bucket_versioning().bucket(BUCKET).versioning_configuration(on).send().await.unwrap();
    let location = Location {
        bucket: BUCKET.to_owned(),
        prefix: "payment/dev".to_owned(),
        account_id: None,
        kms_key_arn: None,
    };
    S3Store::new(&sdk, location)
}

/// How long it takes to deploy, to find nothing to do, and to destroy.
async fn life(store: Arc<dyn Store>) -> [Duration; 3] {
    let environment: Environment = "dev".parse().unwrap();
    let emulator = Emulator::builder().latency(1.0).throttling(true).in_memory();
    let engine = Engine::new(Arc::new(registry(&emulator, REGION, "dev")), store)
        .with_host(Arc::new(TestHost::new("test", 1, Instant::now())));
    let wanted = Stack::new(Config::default(), &environment).declare(&live::place(REGION, "abc")).unwrap();
    let run = async |graph: Arc<Graph>| {
        let start = Instant::now();
        let session = engine.open().await.unwrap();
        let plan = session.plan(graph, &Selector::all()).await.unwrap();
        let report = session.apply(&plan).await.unwrap();
        assert!(report.is_complete(), "{report:#?}");
        session.close().await.unwrap();
        start.elapsed()
    };
    [run(Arc::clone(&wanted)).await, run(wanted).await, run(Arc::default()).await]
}

#[tokio::test(start_paused = true)]
#[ignore = "a measurement: `cargo test -p stack --test it -- --ignored --nocapture state_cost` runs it"]
async fn what_it_adds_to_up_is_less_than_one_percent() {
    let nearby = life(Arc::new(MemoryStore::new())).await;
    let emulator = Emulator::builder().layer(Far).in_memory();
    let store = in_s3(&emulator).await;
    emulator.clear_calls();
    let far = life(Arc::new(store)).await;
    for (what, nearby, far) in
        [("up", nearby[0], far[0]), ("up again", nearby[1], far[1]), ("destroy", nearby[2], far[2])]
    {
        let added = far.as_secs_f64() - nearby.as_secs_f64();
        let share = 100.0 * added / nearby.as_secs_f64();
        println!("{what}: {:.1} s, with the state in S3 {added:+.1} s ({share:+.2} %)", nearby.as_secs_f64());
    }
    println!("{} requests for the state", emulator.calls().len());
    let added = far[0].saturating_sub(nearby[0]);
    assert!(added < nearby[0] / 100, "up takes {added:?} longer than {:?}", nearby[0]);
}
