//! Where the state is kept between processes, and how each of them opens it: in a directory, or in a bucket of S3.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::{Region, SdkConfig};
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration,
};
use emulator::{Call, CallRecord, Emulator, Layer, Next, Reply, Snapshot};
use engine::{File, Host, MemoryStore, Store};
use s3_store::{Location, S3Store};

use crate::disk::{Disk, Written};
use crate::life::{Life, Wire};
use crate::pause::Pause;
use crate::world::{Fate, REGION};

const BUCKET: &str = "payment-state-123456789012";

/// How long a request to S3 is on its way, there and back: half of the usual time to its answer each.
const ON_ITS_WAY: Duration = Duration::from_millis(15);

/// How the state is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Backend {
    /// In a directory of the machine that all processes run on.
    #[default]
    Local,
    /// In a bucket of S3. Each process runs on a machine of its own, so it can only wait until the lease of one that died has run out.
    S3,
}

/// The state between processes.
#[derive(Debug)]
pub(crate) enum Kept {
    /// A directory.
    Local(MemoryStore),
    /// An account of its own, with a bucket. Its clock stands still while no process runs; nothing there goes by it.
    S3(Snapshot),
}

impl Kept {
    /// A place in which nothing is kept yet.
    pub(crate) async fn empty(backend: Backend) -> Self {
        match backend {
            Backend::Local => Kept::Local(MemoryStore::new()),
            Backend::S3 => Kept::S3(bucket().await),
        }
    }

    /// The same content in a place of its own.
    pub(crate) async fn copy(&self) -> Self {
        match self {
            Kept::Local(store) => {
                let copy = MemoryStore::new();
                for file in [File::State, File::Journal, File::Lock] {
                    if let Ok(Some(content)) = store.read(file).await {
                        // An empty store in memory takes everything.
                        let _ = copy.replace(file, None, content.bytes).await;
                    }
                }
                Kept::Local(copy)
            }
            Kept::S3(bucket) => Kept::S3(bucket.clone()),
        }
    }

    /// As somebody opens it who only reads.
    pub(crate) fn to_read(&self, host: &Arc<dyn Host>) -> Arc<dyn Store> {
        match self {
            Kept::Local(store) => Arc::new(store.clone()),
            Kept::S3(bucket) => store_in(&Emulator::builder().going_on(bucket), host),
        }
    }

    /// As a process opens it to which this happens.
    pub(crate) fn open(&self, life: &Life, fate: &Fate) -> Open {
        match self {
            Kept::Local(store) => Open::Local(Disk::new(store, life, fate.dies_writing)),
            Kept::S3(bucket) => {
                let pause = Pause::of(fate.aside);
                let abort = life.clone();
                let emulator = Emulator::builder()
                    .faults(fate.bucket.clone())
                    .on_abort(move || abort.end())
                    .layer(Wire(life.clone()))
                    .layer(pause.clone())
                    .layer(Distance)
                    .going_on(bucket);
                Open::S3(emulator, pause)
            }
        }
    }
}

/// The state while a process works on it.
pub(crate) enum Open {
    Local(Disk),
    S3(Emulator, Pause),
}

impl Open {
    /// As this process sees it; for S3, another machine sees it so as well.
    pub(crate) fn store(&self, host: &Arc<dyn Host>) -> Arc<dyn Store> {
        match self {
            Open::Local(disk) => Arc::new(disk.clone()),
            Open::S3(emulator, _) => store_in(emulator, host),
        }
    }

    /// Its writes to the directory, in order.
    pub(crate) fn writes(&self) -> Vec<Written> {
        match self {
            Open::Local(disk) => disk.writes(),
            Open::S3(..) => Vec::new(),
        }
    }

    /// Its requests to the bucket, in order.
    pub(crate) fn requests(&self) -> Vec<CallRecord> {
        match self {
            Open::Local(_) => Vec::new(),
            Open::S3(emulator, _) => emulator.calls(),
        }
    }

    /// Where the process can be held up.
    pub(crate) fn pause(&self) -> Option<&Pause> {
        match self {
            Open::Local(_) => None,
            Open::S3(_, pause) => Some(pause),
        }
    }

    /// The bucket as it is now. A directory stays where it is.
    pub(crate) fn bucket(&self) -> Option<Kept> {
        match self {
            Open::Local(_) => None,
            Open::S3(emulator, _) => emulator.snapshot().map(Kept::S3),
        }
    }
}

/// Requests and answers take their time.
struct Distance;

#[async_trait]
impl Layer for Distance {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        tokio::time::sleep(ON_ITS_WAY).await;
        let reply = next.run(call).await;
        tokio::time::sleep(ON_ITS_WAY).await;
        reply
    }
}

fn config(emulator: &Emulator) -> SdkConfig {
    stack::embedded(emulator, Region::new(REGION))
}

fn store_in(emulator: &Emulator, host: &Arc<dyn Host>) -> Arc<dyn Store> {
    let location = Location {
        bucket: BUCKET.to_owned(),
        prefix: "payment/dev".to_owned(),
        account_id: Some(emulator.account_id().to_owned()),
        kms_key_arn: None,
    };
    Arc::new(S3Store::new(&config(emulator), location).with_host(Arc::clone(host)))
}

/// An account with a bucket as `stack bootstrap` makes it, as far as the store depends on it.
async fn bucket() -> Snapshot {
    let emulator = Emulator::in_memory();
    let client = aws_sdk_s3::Client::new(&config(&emulator));
    let region = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(REGION))
        .build();
    let created = client.create_bucket().bucket(BUCKET).create_bucket_configuration(region).send().await;
    created.expect("an empty account has no bucket of this name");
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let versioned = client.put_bucket_versioning().bucket(BUCKET).versioning_configuration(on).send().await;
    versioned.expect("a bucket can keep versions");
    emulator.snapshot().expect("an account in memory has a snapshot")
}
