//! Two machines race for the same environment, again and again, with the state in S3 and everything over HTTP.
//!
//! They are engines in this process with clients and stores of their own, on one served account: so what happens there is seen in
//! the order in which it takes effect, which no log of two processes shows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws::resources::LogGroup;
use aws::{Account, Context, DeletionPolicy, Identity, LogGroupName, Registry, Tags};
use aws_config::{Region, SdkConfig};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use emulator::{Call, Emulator, Layer, Next, Reply};
use engine::{Engine, Graph, Host, Scope, Selector, SystemHost};
use reliability::REGION;
use s3_store::{Location, S3Store};
use serde_json::Value;
use tokio::net::TcpListener;

const BUCKET: &str = "payment-state-123456789012";

/// Environments are raced for side by side, since whoever comes second mostly waits.
const ENVIRONMENTS: usize = 20;
/// How often each of them is raced for.
const RACES: usize = 10;

/// The periods that each racer wants logs to be kept for, in turn: a call says so whose it is.
const PERIODS: [[u32; 2]; 2] = [[30, 90], [60, 120]];

/// What took effect in the account, in its order.
#[derive(Clone, Debug, Default)]
struct Witness(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    /// Who holds the lock of each environment.
    holders: HashMap<String, String>,
    /// How often a lock was taken.
    taken: usize,
    /// How many sessions opened a journal.
    opened: usize,
    /// How many changes were made to resources.
    changes: usize,
    /// What must not happen.
    wrong: Vec<String>,
}

impl Witness {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Layer for Witness {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        let reply = next.run(call).await;
        if reply.as_ref().is_ok_and(|response| response.error.is_none()) {
            self.seen().took_effect(call);
        }
        reply
    }
}

impl Seen {
    fn took_effect(&mut self, call: &Call) {
        let text = |name: &str| call.parameters[name].as_str().unwrap_or_default();
        match call.operation.as_str() {
            "PutObject" => {
                let body = BASE64_STANDARD.decode(text("Body")).unwrap();
                self.written(text("Key"), std::str::from_utf8(&body).unwrap());
            }
            "DeleteObject" => {
                let (environment, file) = text("Key").split_once('/').unwrap();
                assert_eq!(file, "lock.json");
                self.holders.remove(environment);
            }
            "PutRetentionPolicy" => {
                let days = call.parameters["retentionInDays"].as_u64().unwrap();
                let racer = PERIODS.iter().position(|periods| periods.contains(&(days as u32))).unwrap();
                self.changes += 1;
                self.only_holder(text("logGroupName"), &name_of(racer), "changes a resource");
            }
            _ => {}
        }
    }

    fn written(&mut self, key: &str, body: &str) {
        let (environment, file) = key.split_once('/').unwrap();
        let first: Value = serde_json::from_str(body.lines().next().unwrap()).unwrap();
        if file == "lock.json" {
            let holder = first["holder"].as_str().unwrap().to_owned();
            match self.holders.insert(environment.to_owned(), holder.clone()) {
                Some(before) if before != holder => {
                    self.wrong.push(format!("{holder} takes the lock of {environment} from {before}"));
                }
                Some(_) => {}
                None => self.taken += 1,
            }
        }
        if file.starts_with("journal/") {
            let writer = first["write"].as_str().unwrap().split('-').next().unwrap();
            self.opened += body.matches("\"opened\"").count();
            self.only_holder(environment, writer, "writes to the journal");
        }
    }

    fn only_holder(&mut self, environment: &str, who: &str, what: &str) {
        let holder = self.holders.get(environment).map_or("nobody", String::as_str);
        if holder != who {
            self.wrong.push(format!("{who} {what} of {environment} while {holder} has the lock"));
        }
    }
}

fn name_of(racer: usize) -> String {
    format!("racer{racer}")
}

/// A machine whose writes can be told from those of others.
struct Machine(usize);

impl Host for Machine {
    fn now_millis(&self) -> u64 {
        SystemHost.now_millis()
    }

    fn unique(&self) -> String {
        format!("{}-{}", name_of(self.0), SystemHost.unique())
    }

    fn holder(&self) -> String {
        name_of(self.0)
    }
}

/// A log group that is called as its environment is.
fn wanted(environment: &str, days: u32) -> Arc<Graph> {
    let mut scope = Scope::new();
    let group = LogGroup {
        log_group_name: LogGroupName::from(environment.to_owned()).into(),
        made_by_service: false,
        retention_in_days: Some(days.try_into().unwrap()),
        kms_key_id: None,
        deletion_protection_enabled: false,
        deletion_policy: DeletionPolicy::retain_if(false),
        tags: Tags::new(),
    };
    scope.add("log-group", group).unwrap();
    Arc::new(Graph::new(scope).unwrap())
}

/// As a new process on its machine opens it.
fn engine(config: &SdkConfig, environment: &str, racer: usize) -> Engine {
    let identity = Identity { project: "payment".to_owned(), environment: environment.to_owned() };
    let account = Account { id: emulator::ACCOUNT_ID.to_owned(), partition: "aws".to_owned() };
    let mut registry = Registry::new(Context::from_config(config, identity, account).unwrap());
    stack::kinds(&mut registry);
    let location = Location {
        bucket: BUCKET.to_owned(),
        prefix: environment.to_owned(),
        account_id: Some(emulator::ACCOUNT_ID.to_owned()),
        kms_key_arn: None,
    };
    let host: Arc<dyn Host> = Arc::new(Machine(racer));
    let store = S3Store::new(config, location).with_host(Arc::clone(&host));
    Engine::new(Arc::new(registry), Arc::new(store))
        .with_host(host)
        .with_lock_timeout(Duration::from_secs(600))
}

/// A run as `stack up` makes it; how many changes it made.
async fn up(engine: Engine, wanted: Arc<Graph>) -> usize {
    let session = engine.open().await.unwrap();
    let plan = session.plan(wanted, &Selector::all()).await.unwrap();
    let report = session.apply(&plan).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    session.close().await.unwrap();
    plan.steps().iter().filter(|step| step.is_change()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_machines_that_race_never_write_at_the_same_time_and_lose_nothing() {
    let witness = Witness::default();
    let emulator = Emulator::builder().rule(witness.clone()).in_memory();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(emulator::serve(emulator.clone(), listener, std::future::pending()));
    let mut config = stack::embedded(&emulator, Region::new(REGION)).into_builder();
    config.set_http_client(None);
    let config = config.endpoint_url(url).build();
    let s3 = aws_sdk_s3::Client::from_conf(
        aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build(),
    );
    let region =
        aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(REGION.into()).build();
    s3.create_bucket().bucket(BUCKET).create_bucket_configuration(region).send().await.unwrap();
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(on).send().await.unwrap();

    let races = (0..ENVIRONMENTS).map(|number| {
        let config = config.clone();
        tokio::spawn(async move {
            let environment = format!("env{number}");
            for race in 0..RACES {
                let racers = [0, 1].map(|racer| {
                    let days = PERIODS[racer][race % 2];
                    tokio::spawn(up(engine(&config, &environment, racer), wanted(&environment, days)))
                });
                for racer in racers {
                    assert_eq!(racer.await.unwrap(), 1, "race {race} for {environment}");
                }
            }
            // What was recorded last is what is there: one of the two is the last one, and has nothing to do any more.
            let mut left = Vec::new();
            for periods in PERIODS {
                let plan = engine(&config, &environment, 0)
                    .preview(wanted(&environment, periods[(RACES - 1) % 2]), &Selector::all())
                    .await;
                left.push(plan.unwrap().steps().iter().filter(|step| step.is_change()).count());
            }
            left.sort_unstable();
            assert_eq!(left, [0, 1], "{environment}");
        })
    });
    for race in races.collect::<Vec<_>>() {
        race.await.unwrap();
    }
    served.abort();
    let seen = witness.seen();
    let runs = ENVIRONMENTS * RACES * 2;
    assert_eq!(seen.wrong, Vec::<String>::new());
    assert_eq!((seen.taken, seen.opened, seen.changes), (runs, runs, runs));
    assert!(seen.holders.is_empty(), "{:?}", seen.holders);
}

#[test]
fn a_second_writer_would_be_seen() {
    let mut seen = Seen::default();
    let lock = |racer| format!("{{\"holder\":\"racer{racer}\"}}\n");
    let segment = |racer| format!("{{\"segment\":1,\"base\":1,\"write\":\"racer{racer}-0f\"}}\n");
    seen.written("env/journal/999999999998.1", &segment(0));
    seen.written("env/lock.json", &lock(0));
    seen.written("env/journal/999999999998.1", &segment(0));
    seen.written("env/lock.json", &lock(0));
    seen.written("env/journal/999999999998.1", &segment(1));
    seen.written("env/lock.json", &lock(1));
    seen.only_holder("env", "racer0", "changes a resource");
    assert_eq!(
        seen.wrong,
        [
            "racer0 writes to the journal of env while nobody has the lock",
            "racer1 writes to the journal of env while racer0 has the lock",
            "racer1 takes the lock of env from racer0",
            "racer0 changes a resource of env while racer1 has the lock",
        ]
    );
}
