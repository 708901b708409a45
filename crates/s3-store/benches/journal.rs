//! What a record and a look at a long journal cost: in S3, here the embedded one in this process, beside a directory.
//!
//! A real S3 adds its own time to each request: an append is one, a look is one for each segment, 32 at once.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration,
};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use emulator::Emulator;
use engine::{Engine, File, Graph, LocalStore, MemoryStore, Registry, Selector, Store, Version};
use s3_store::{Location, S3Store};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const COUNTS: [usize; 2] = [1_000, 100_000];

/// As many as are recorded at once where much happens.
const RECORDS_OF_A_SEGMENT: usize = 100;

const BUCKET: &str = "state";

/// A runtime like that of the command line.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime can be made")
}

fn engine(store: Arc<dyn Store>) -> Engine {
    Engine::new(Arc::new(Registry::new(())), store)
}

/// The lines of a journal with so many records.
async fn lines(count: usize) -> Vec<Vec<u8>> {
    let store = MemoryStore::new();
    let session = engine(Arc::new(store.clone())).open().await.expect("nobody else has the lock");
    // The first record says who opened it.
    for number in 1..count {
        let graph = Arc::new(Graph::default().with_exports(json!({ "number": number })));
        let plan = session.plan(graph, &Selector::all()).await.expect("there is a plan");
        session.apply(&plan).await.expect("it is recorded");
    }
    let journal = store.read(File::Journal).await.expect("it can be read").expect("there is one").bytes;
    journal.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Gives the store a journal with so many records.
async fn fill(store: &dyn Store, records: usize) -> Version {
    let lines = lines(records).await;
    let mut version = store.replace(File::Journal, None, lines[0].clone()).await.expect("there is none");
    for segment in lines[1..].chunks(RECORDS_OF_A_SEGMENT) {
        version = store.append(File::Journal, &version, segment.concat()).await.expect("nobody else writes");
    }
    version
}

fn in_a_directory() -> (TempDir, Arc<dyn Store>) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let store = LocalStore::new(directory.path().join("state"));
    (directory, Arc::new(store))
}

async fn in_s3() -> Arc<dyn Store> {
    let sdk = testing::config(&Emulator::in_memory());
    let client = Client::new(&sdk);
    let region = BucketLocationConstraint::from(testing::REGION);
    let region = CreateBucketConfiguration::builder().location_constraint(region).build();
    let created = client.create_bucket().bucket(BUCKET).create_bucket_configuration(region).send().await;
    created.expect("there is no bucket of this name");
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let kept = client.put_bucket_versioning().bucket(BUCKET).versioning_configuration(on).send().await;
    kept.expect("there is the bucket");
    let location = Location {
        bucket: BUCKET.to_owned(),
        prefix: "bench".to_owned(),
        account_id: None,
        kms_key_arn: None,
    };
    Arc::new(S3Store::new(&sdk, location))
}

type Named = (&'static str, Arc<dyn Store>);

/// Both stores, empty.
fn stores(runtime: &Runtime) -> (TempDir, [Named; 2]) {
    let (directory, local) = in_a_directory();
    (directory, [("directory", local), ("s3", runtime.block_on(in_s3()))])
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    // Each iteration makes the journal longer; so few that it stays about as long as it says.
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(1));
    let (runtime, record) = (runtime(), vec![b'x'; 400]);
    for count in COUNTS {
        let (_directory, stores) = stores(&runtime);
        for (name, store) in stores {
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                let there = runtime.block_on(store.read(File::Journal)).expect("it can be read");
                let mut version = match there {
                    Some(there) => there.version,
                    None => runtime.block_on(fill(&*store, count)),
                };
                bencher.iter(|| {
                    let appended = store.append(File::Journal, &version, record.clone());
                    version = runtime.block_on(appended).expect("nobody else writes");
                });
            });
        }
    }
}

fn load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    let runtime = runtime();
    for count in COUNTS {
        let (_directory, stores) = stores(&runtime);
        for (name, store) in stores {
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                if runtime.block_on(store.read(File::Journal)).expect("it can be read").is_none() {
                    runtime.block_on(fill(&*store, count));
                }
                let engine = engine(Arc::clone(&store));
                bencher.iter(|| {
                    let state = runtime.block_on(engine.state()).expect("it can be read");
                    assert_eq!(state.exports()["number"], json!(count - 1));
                });
            });
        }
    }
}

criterion_group!(benches, append, load);
criterion_main!(benches);
