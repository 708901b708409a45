//! One key for the log groups of all tiers: turned on, turned off, and destroyed.

use std::path::Path;
use std::sync::Arc;

use aws::{Account, Context, Identity, Registry};
use aws_config::Region;
use emulator::Emulator;
use engine::{Component as _, Engine, Graph, MemoryStore, Selector};
use serde_json::{Value, json};
use stack::{Config, Environment, Place, Sources, Stack};

const REGION: &str = "ap-southeast-1";

fn graph(config: &Config, place: &Place) -> Arc<Graph> {
    let dev: Environment = "dev".parse().unwrap();
    Stack::new(config.clone(), &dev).declare(place).unwrap()
}

fn with_key(customer_key: bool) -> Config {
    let mut config = Config::default();
    config.logs.customer_key = customer_key;
    config
}

#[test]
fn in_prod_every_log_group_has_the_key_and_in_dev_there_is_none() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack.toml");
    for (environment, key) in [("prod", json!({ "$ref": "logs/key", "attr": "Arn" })), ("dev", Value::Null)] {
        let environment: Environment = environment.parse().unwrap();
        let config = stack::load(&Sources::file(Some(&file), &environment)).unwrap().config;
        let place = Place::imagined(&config);
        let graph = Stack::new(config, &environment).declare(&place).unwrap();
        let groups = graph.nodes().iter().filter(|node| node.kind == "AWS::Logs::LogGroup");
        let without = groups
            .clone()
            .filter(|node| node.properties.get("KmsKeyId") != Some(&key).filter(|key| !key.is_null()));
        let without: Vec<String> = without.map(|node| node.address.to_string()).collect();
        assert_eq!(without, [""; 0], "{environment}");
        assert_eq!(groups.count(), 9, "{environment}");
    }
}

struct World {
    engine: Engine,
    cx: Context,
}

impl World {
    fn new() -> Self {
        let emulator = Emulator::in_memory();
        let sdk = stack::embedded(&emulator, Region::new(REGION));
        let cx = || {
            let identity = Identity { project: "payment".to_owned(), environment: "dev".to_owned() };
            let account = Account { id: emulator::ACCOUNT_ID.to_owned(), partition: "aws".to_owned() };
            Context::from_config(&sdk, identity, account).unwrap()
        };
        let mut registry = Registry::new(cx());
        stack::kinds(&mut registry);
        Self { engine: Engine::new(Arc::new(registry), Arc::new(MemoryStore::new())), cx: cx() }
    }

    /// The place as the state knows it.
    async fn place(&self, config: &Config) -> Place {
        let place = Place { account_id: emulator::ACCOUNT_ID.to_owned(), ..Place::imagined(config) };
        place.as_recorded_in(&self.engine.state().await.unwrap())
    }

    async fn up(&self, config: &Config) {
        let graph = graph(config, &self.place(config).await);
        let session = self.engine.open().await.unwrap();
        let plan = session.plan(Arc::clone(&graph), &Selector::all()).await.unwrap();
        let report = session.apply(&plan).await.unwrap();
        assert!(report.is_complete(), "{report:?}");
        session.close().await.unwrap();
        let plan = self.engine.preview(graph, &Selector::all()).await.unwrap();
        assert!(plan.is_empty(), "{:?}", plan.steps());
    }

    async fn destroy(&self, config: &Config) {
        let graph = Graph::clone(&graph(config, &self.place(config).await)).into_guards();
        let session = self.engine.open().await.unwrap();
        let plan = session.plan(Arc::new(graph), &Selector::all()).await.unwrap();
        assert!(session.apply(&plan).await.unwrap().is_complete());
        session.close().await.unwrap();
    }

    /// The keys of all log groups.
    async fn keys(&self) -> Vec<Option<String>> {
        let groups = self.cx.logs().describe_log_groups().into_paginator().items().send();
        let groups = groups.try_collect().await.unwrap();
        groups.into_iter().map(|group| group.kms_key_id).collect()
    }

    async fn recorded_key(&self) -> Option<String> {
        let state = self.engine.state().await.unwrap();
        let key = state.current(&format!("{}/key", logs::Tier::NAME))?;
        Some(key.outputs["Arn"].as_str().unwrap().to_owned())
    }

    async fn is_going(&self, key: &str) -> bool {
        let kms = self.cx.client(aws_sdk_kms::Client::new);
        kms.describe_key().key_id(key).send().await.unwrap().key_metadata.unwrap().deletion_date().is_some()
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_live_stack_it_is_turned_on_and_off_and_stays_until_the_logs_go() {
    let world = World::new();
    world.up(&with_key(false)).await;
    assert_eq!(world.keys().await, vec![None; 9]);
    assert_eq!(world.recorded_key().await, None);

    world.up(&with_key(true)).await;
    let key = world.recorded_key().await.unwrap();
    assert_eq!(world.keys().await, vec![Some(key.clone()); 9]);

    // What was written meanwhile can be read only with the key.
    world.up(&with_key(false)).await;
    assert_eq!(world.keys().await, vec![None; 9]);
    assert_eq!(world.recorded_key().await.as_ref(), Some(&key));
    assert!(!world.is_going(&key).await);

    world.destroy(&with_key(false)).await;
    assert!(world.is_going(&key).await);
    assert_eq!(world.keys().await, []);
}

#[tokio::test(start_paused = true)]
async fn turned_off_it_stays_with_logs_that_outlive_the_stack() {
    let kept = |customer_key| {
        let mut config = with_key(customer_key);
        config.logs.keep_on_destroy = true;
        config
    };
    let world = World::new();
    world.up(&kept(true)).await;
    let key = world.recorded_key().await.unwrap();
    world.up(&kept(false)).await;
    world.destroy(&kept(false)).await;
    assert_eq!(world.keys().await, vec![None; 9]);
    assert!(!world.is_going(&key).await);
}
