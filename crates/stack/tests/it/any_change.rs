//! Whatever the configuration was and becomes: nothing that either side protects goes, and every loss is in the plan.
//!
//! The stack is declared by its real tiers and planned by its real kinds. Only the calls are left out: an object is created
//! with made-up outputs, read as it was recorded, and what is deleted is written down.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws::{Account, Context, Identity};
use aws_sdk_ec2::config::Region;
use emulator::Emulator;
use engine::{
    CallError, Contents, Engine, EngineError, Facts, Graph, Intent, Kind, MemoryStore, PlanError, Provider,
    Readiness, Search, Selector, Settle, Term,
};
use proptest::prelude::*;
use serde_json::{Map, Value};
use stack::{Config, Environment, Place, Stack};

const CLUSTER: &str = "payment-aurora-dev";

/// The outputs of each resource that something refers to.
type Attributes = HashMap<String, BTreeSet<String>>;

fn attributes(value: &Value, found: &mut Attributes) {
    match Term::of(value) {
        Term::Reference { address, attr } => {
            found.entry(address.to_owned()).or_default().insert(attr.to_owned());
        }
        Term::Join(parts) => parts.iter().for_each(|part| attributes(part, found)),
        Term::Plain(Value::Object(object)) => object.values().for_each(|inner| attributes(inner, found)),
        Term::Plain(Value::Array(items)) => items.iter().for_each(|inner| attributes(inner, found)),
        Term::Plain(_) => {}
    }
}

#[derive(Default)]
struct Shared {
    attributes: Attributes,
    /// Kind and properties of what was deleted.
    deleted: Mutex<Vec<(String, Value)>>,
}

/// The stack's kinds, without their calls.
struct Kinds(HashMap<String, Recorded>);

impl Provider for Kinds {
    fn kind(&self, name: &str) -> Option<&dyn Kind> {
        Some(self.0.get(name)?)
    }
}

struct Recorded {
    name: String,
    registry: Arc<aws::Registry>,
    shared: Arc<Shared>,
}

impl Recorded {
    fn real(&self) -> &dyn Kind {
        self.registry.kind(&self.name).expect("the stack declares kinds that it has")
    }
}

#[async_trait]
impl Kind for Recorded {
    fn facts(&self) -> &Facts {
        self.real().facts()
    }

    fn settle(&self) -> Settle {
        self.real().settle()
    }

    fn is_revision(&self) -> bool {
        self.real().is_revision()
    }

    fn volatile(&self) -> &[&'static str] {
        self.real().volatile()
    }

    fn properties(&self) -> &'static [&'static str] {
        self.real().properties()
    }

    fn outputs(&self) -> &'static [&'static str] {
        self.real().outputs()
    }

    fn claim(&self, properties: &Value) -> Option<String> {
        self.real().claim(properties)
    }

    fn coexists(&self, new: &Value, old: &Value) -> bool {
        self.real().coexists(new, old)
    }

    async fn find(&self, _: &Value, _: &Search) -> Result<Option<Value>, CallError> {
        Ok(None)
    }

    async fn create(&self, _: &Value, intent: &Intent) -> Result<Value, CallError> {
        let address = &intent.address;
        let attributes = self.shared.attributes.get(address.as_str()).into_iter().flatten();
        let outputs: Map<String, Value> =
            attributes.map(|attr| (attr.clone(), format!("{address}.{attr}").into())).collect();
        Ok(Value::Object(outputs))
    }

    async fn poll_ready(&self, outputs: &Value) -> Result<Readiness<Value>, CallError> {
        Ok(Readiness::Ready(outputs.clone()))
    }

    async fn configure(&self, _: &Value, _: &Value) -> Result<(), CallError> {
        Ok(())
    }

    async fn read(&self, properties: &Value, _: &Value) -> Result<Option<Value>, CallError> {
        Ok(Some(properties.clone()))
    }

    async fn update(
        &self,
        _: &Value,
        outputs: &Value,
        _: &Value,
        _: Vec<String>,
    ) -> Result<Value, CallError> {
        Ok(outputs.clone())
    }

    /// There is something in everything.
    async fn contents(&self, _: &Value, _: &Value) -> Result<Contents, CallError> {
        Ok(Contents::Some { words: "something".to_owned(), parts: Vec::new() })
    }

    async fn delete(&self, properties: &Value, _: &Value) -> Result<(), CallError> {
        self.shared.deleted.lock().unwrap().push((self.name.clone(), properties.clone()));
        Ok(())
    }

    async fn poll_gone(&self, _: &Value, _: &Value) -> Result<bool, CallError> {
        Ok(true)
    }
}

/// What matters of a configuration.
#[derive(Clone, Debug)]
struct Choice {
    database_name: &'static str,
    cidr: &'static str,
    snapshot: bool,
    may_lose: bool,
    protects_database: bool,
    protects_balancer: bool,
    delete_logs: bool,
    has_logs: bool,
    encryption: ecs::Encryption,
    delete_images: bool,
    keep_logs: bool,
    log_key: bool,
    vault: bool,
}

fn choice() -> impl Strategy<Value = Choice> {
    (
        (
            prop::sample::select(vec!["payments", "pay2"]),
            prop::sample::select(vec!["10.0.0.0/16", "10.2.0.0/16"]),
            prop::sample::select(vec![ecs::Encryption::Aes256, ecs::Encryption::Kms]),
        ),
        (any::<bool>(), prop::bool::weighted(0.7), prop::bool::weighted(0.2), prop::bool::weighted(0.2)),
        any::<bool>(),
        (
            prop::bool::weighted(0.8),
            prop::bool::weighted(0.8),
            any::<bool>(),
            prop::bool::weighted(0.2),
            prop::bool::weighted(0.6),
        ),
    )
        .prop_map(|((database_name, cidr, encryption), database, log_key, others)| {
            let (snapshot, may_lose, protects_database, protects_balancer) = database;
            let (delete_logs, delete_images, keep_logs, vault, has_logs) = others;
            Choice {
                database_name,
                cidr,
                snapshot,
                may_lose,
                protects_database,
                protects_balancer,
                delete_logs,
                has_logs,
                encryption,
                delete_images,
                keep_logs,
                log_key,
                vault,
            }
        })
}

impl Choice {
    /// `has_log_key`: the state has the key of logs.
    fn declared(&self, has_log_key: bool) -> Arc<Graph> {
        let mut config = Config::default();
        config.section_mut::<database::Tier>().database_name = self.database_name.to_owned();
        config.section_mut::<vpc::Tier>().cidr = self.cidr.parse().unwrap();
        config.section_mut::<database::Tier>().final_snapshot = self.snapshot;
        config.section_mut::<database::Tier>().allow_data_loss =
            if self.may_lose { vec![CLUSTER.to_owned()] } else { Vec::new() };
        config.section_mut::<database::Tier>().deletion_protection = self.protects_database;
        config.section_mut::<alb::Tier>().deletion_protection = self.protects_balancer;
        config.section_mut::<alb::Tier>().access_logs.delete_logs = self.delete_logs;
        config.section_mut::<alb::Tier>().access_logs.enabled = self.has_logs;
        config.section_mut::<vpc::Tier>().flow_logs.enabled = self.has_logs;
        config.section_mut::<ecs::Tier>().repository.encryption = self.encryption;
        config.section_mut::<ecs::Tier>().repository.delete_images = self.delete_images;
        config.logs.keep_on_destroy = self.keep_logs;
        config.logs.customer_key = self.log_key;
        config.section_mut::<backup::Tier>().vault.enabled = self.vault;
        config.section_mut::<backup::Tier>().vault.opt_in = true;
        let environment: Environment = "dev".parse().unwrap();
        let place = Place { has_log_key, ..Place::imagined(&config) };
        Stack::new(config, &environment).declare(&place).unwrap()
    }

    /// Whether this lets an object of a kind go, by a rule of its own.
    fn lets_go(&self, kind: &str) -> bool {
        match kind {
            "AWS::RDS::DBCluster" => !self.protects_database && (self.snapshot || self.may_lose),
            "AWS::ElasticLoadBalancingV2::LoadBalancer" => !self.protects_balancer,
            "AWS::S3::Bucket" => self.delete_logs,
            "AWS::ECR::Repository" => self.delete_images,
            "AWS::Backup::BackupVault" => false,
            _ => true,
        }
    }
}

async fn check(old: Choice, new: Choice, destroys: bool) {
    let (before, after) = (old.declared(false), new.declared(old.log_key));
    let wanted = if destroys { Arc::new(Graph::clone(&after).into_guards()) } else { Arc::clone(&after) };
    let mut found = Attributes::new();
    let nodes = || before.nodes().iter().chain(after.nodes());
    nodes().for_each(|node| attributes(&node.properties, &mut found));

    let emulator = Emulator::in_memory();
    let sdk = stack::embedded(&emulator, Region::new("ap-southeast-1"));
    let identity = Identity { project: "payment".to_owned(), environment: "dev".to_owned() };
    let account = Account { id: emulator.account_id().to_owned(), partition: "aws".to_owned() };
    let mut registry = aws::Registry::new(Context::from_config(&sdk, identity, account).unwrap());
    stack::kinds(&mut registry);
    let (registry, shared) =
        (Arc::new(registry), Arc::new(Shared { attributes: found, ..Shared::default() }));
    let recorded = |name: &String| {
        let (registry, shared) = (Arc::clone(&registry), Arc::clone(&shared));
        (name.clone(), Recorded { name: name.clone(), registry, shared })
    };
    let kinds = Kinds(nodes().map(|node| recorded(&node.kind)).collect());
    let engine = Engine::new(Arc::new(kinds), Arc::new(MemoryStore::new())).with_settle_grace(Duration::ZERO);

    let session = engine.open().await.unwrap();
    let plan = session.plan(before, &Selector::all()).await.unwrap();
    assert!(session.apply(&plan).await.unwrap().is_complete());
    assert_eq!(*shared.deleted.lock().unwrap(), []);

    let both_let_go = |kind: &str| old.lets_go(kind) && new.lets_go(kind);
    let plan = match session.plan(wanted, &Selector::all()).await {
        Ok(plan) => plan,
        Err(EngineError::Plan(PlanError::Protected { resources })) => {
            let state = session.state();
            for guarded in resources {
                let kind = &state.current(guarded.address.as_str()).unwrap().kind;
                assert!(!both_let_go(kind), "{guarded} is protected by nobody");
            }
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let losing = plan.steps().iter().filter_map(|step| step.removal()).filter(|removal| removal.loses());
    let mut losing: Vec<String> = losing.map(|removal| removal.kind.clone()).collect();
    let report = session.apply(&plan).await.unwrap();
    assert!(report.is_complete(), "{report:?}");

    for (kind, properties) in std::mem::take(&mut *shared.deleted.lock().unwrap()) {
        assert!(both_let_go(&kind), "{kind} is gone: {properties}");
        let snapshot = old.snapshot || new.snapshot;
        let announced = match kind.as_str() {
            "AWS::RDS::DBCluster" => {
                let policy = if snapshot { "Snapshot" } else { "Delete" };
                assert_eq!(properties["DeletionPolicy"], policy);
                !snapshot
            }
            "AWS::KMS::Key" => {
                let is_database_key = properties["Description"].as_str().unwrap().contains("database");
                assert!(!is_database_key || !snapshot, "the key of a snapshot that stays is gone");
                let is_log_key = properties["Description"].as_str().unwrap().contains("logs");
                let logs_go = destroys && !old.keep_logs && !new.keep_logs;
                assert!(!is_log_key || logs_go, "the key of logs that stay is gone");
                true
            }
            "AWS::Logs::LogGroup" => {
                assert!(!old.keep_logs && !new.keep_logs, "logs are gone: {properties}");
                true
            }
            "AWS::ECR::Repository"
            | "AWS::S3::Bucket"
            | "AWS::SQS::Queue"
            | "AWS::ApiGateway::ApiKey"
            | "AWS::EC2::EIP" => true,
            _ => false,
        };
        if announced {
            let position = losing.iter().position(|one| *one == kind);
            losing.remove(position.unwrap_or_else(|| panic!("{kind} is lost, and no plan said so")));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_either_side_protects_goes_and_no_loss_is_unseen(
        old in choice(), new in choice(), destroys in prop::bool::weighted(0.4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(check(old, new, destroys));
    }
}
