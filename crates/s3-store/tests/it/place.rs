//! A bucket, and stores in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration,
};
use emulator::Emulator;
use engine::{
    Engine, EngineError, Graph, Host as _, Registry, Selector, Session, Store, SystemHost, TestHost,
};
use s3_store::{Location, S3Store};
use serde_json::json;
use tokio::time::Instant;

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

    /// As a person looks at it and meddles with it.
    pub(crate) fn by_hand(&self) -> ByHand {
        let client = Client::new(&testing::config(&self.emulator));
        ByHand { client, prefix: self.prefix.clone() }
    }
}

/// The objects of one environment, without the store. Keys are without the prefix.
pub(crate) struct ByHand {
    pub(crate) client: Client,
    prefix: String,
}

impl ByHand {
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("s3://{BUCKET}/{}", self.key(name))
    }

    pub(crate) async fn put(&self, name: &str, body: &[u8]) {
        let put = self.client.put_object().bucket(BUCKET).key(self.key(name)).body(body.to_vec().into());
        put.send().await.unwrap();
    }

    pub(crate) async fn get(&self, name: &str) -> Vec<u8> {
        let got = self.client.get_object().bucket(BUCKET).key(self.key(name)).send().await.unwrap();
        got.body.collect().await.unwrap().to_vec()
    }

    /// The id of the delete marker.
    pub(crate) async fn delete(&self, name: &str) -> String {
        let call = self.client.delete_object().bucket(BUCKET).key(self.key(name));
        call.send().await.unwrap().version_id.unwrap()
    }

    pub(crate) async fn delete_version(&self, name: &str, version: &str) {
        let call = self.client.delete_object().bucket(BUCKET).key(self.key(name)).version_id(version);
        call.send().await.unwrap();
    }

    pub(crate) async fn version(&self, name: &str, version: &str) -> Vec<u8> {
        let call = self.client.get_object().bucket(BUCKET).key(self.key(name)).version_id(version);
        call.send().await.unwrap().body.collect().await.unwrap().to_vec()
    }

    /// With all its versions.
    pub(crate) async fn delete_for_good(&self, name: &str) {
        let call = self.client.list_object_versions().bucket(BUCKET).prefix(self.key(name));
        for version in call.send().await.unwrap().versions() {
            self.delete_version(name, version.version_id().unwrap()).await;
        }
    }

    /// The tags of an object, as `key=value`.
    pub(crate) async fn tags(&self, name: &str) -> Vec<String> {
        let call = self.client.get_object_tagging().bucket(BUCKET).key(self.key(name));
        let tags = call.send().await.unwrap().tag_set;
        tags.into_iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect()
    }

    /// The names of what is there, in S3's order.
    pub(crate) async fn names(&self) -> Vec<String> {
        let (mut names, mut token) = (Vec::new(), None::<String>);
        loop {
            let call = self.client.list_objects_v2().bucket(BUCKET).prefix(self.key(""));
            let page = call.set_continuation_token(token).send().await.unwrap();
            let keys = page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key);
            names.extend(keys.map(|key| key[self.prefix.len() + 1..].to_owned()));
            token = page.next_continuation_token;
            if token.is_none() {
                return names;
            }
        }
    }

    /// All that ever was below a name: the bodies of all versions, without delete markers.
    pub(crate) async fn history(&self, below: &str) -> Vec<String> {
        let mut bodies = Vec::new();
        let call = self.client.list_object_versions().bucket(BUCKET).prefix(self.key(below));
        let listed = call.send().await.unwrap();
        assert_ne!(listed.is_truncated, Some(true));
        for version in listed.versions() {
            let (key, id) = (version.key().unwrap(), version.version_id().unwrap());
            let call = self.client.get_object().bucket(BUCKET).key(key).version_id(id);
            let body = call.send().await.unwrap().body.collect().await.unwrap().to_vec();
            bodies.push(String::from_utf8(body).unwrap());
        }
        bodies
    }
}

/// An engine of this machine, which has no kinds of resources: it records outputs of the stack.
pub(crate) fn engine(store: Arc<dyn Store>, machine: u64, started: Instant) -> Engine {
    let host = TestHost::new(&format!("ada@machine-{machine}"), machine, started);
    Engine::new(Arc::new(Registry::new(())), store).with_host(Arc::new(host))
}

/// One record.
pub(crate) async fn note(session: &Session, text: &str) -> Result<(), EngineError> {
    let graph = Arc::new(Graph::default().with_exports(json!({ "note": text })));
    let plan = session.plan(graph, &Selector::all()).await?;
    session.apply(&plan).await.map(drop)
}

/// What was noted last.
pub(crate) async fn noted(store: Arc<dyn Store>) -> Option<String> {
    let state = engine(store, 999, Instant::now()).state().await.unwrap();
    state.exports().get("note").map(|note| note.as_str().unwrap().to_owned())
}

/// An error and its causes.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
