//! What holds data is not replaced because something that it depends on has disappeared: the plan stops, and says what to choose.
//!
//! AWS itself refuses to delete a subnet group, a parameter group or a security group that is in use, so here each is hidden: every
//! call that asks for it is answered as if it were gone. A KMS key really goes, once its waiting period is over.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_ec2::config::Region;
use emulator::{Call, Emulator, Layer, Next, Refusal, Reply};
use engine::{Action, Engine, EngineError, Graph, MemoryStore, Plan, PlanError, Selector, TestHost};
use stack::{Config, Place, Stack};
use tokio::time::Instant;

use crate::live::{place, registry};

const REGION: &str = "ap-southeast-1";

/// Answers every call of an operation that names something as if that were not there.
struct Hides {
    operation: &'static str,
    name: String,
    code: &'static str,
}

#[async_trait]
impl Layer for Hides {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        match call.operation == self.operation && call.parameters.to_string().contains(&self.name) {
            true => Ok(call.refuse(Refusal::new(self.code, "it is hidden").with_status(400))),
            false => next.run(call).await,
        }
    }
}

/// What holds data, here and in what follows from it.
const WITH_DATA: [&str; 3] = ["backup/vault", "database/cluster", "ecs/repository"];

struct Deployed {
    emulator: Emulator,
    store: MemoryStore,
    graph: Arc<Graph>,
}

impl Deployed {
    async fn new() -> Self {
        let mut config = Config::default();
        config.section_mut::<backup::Tier>().vault.enabled = true;
        config.section_mut::<backup::Tier>().vault.opt_in = true;
        config.logs.customer_key = true;
        let place = Place { has_log_key: true, ..place(REGION, "abc") };
        let graph = Stack::new(config, &"dev".parse().unwrap()).declare(&place).unwrap();
        let deployed = Self { emulator: Emulator::in_memory(), store: MemoryStore::new(), graph };
        let session = deployed.engine(&deployed.emulator).open().await.unwrap();
        let plan = session.plan(Arc::clone(&deployed.graph), &Selector::all()).await.unwrap();
        assert!(session.apply(&plan).await.unwrap().is_complete());
        session.close().await.unwrap();
        deployed
    }

    fn engine(&self, emulator: &Emulator) -> Engine {
        let registry = registry(emulator, REGION, "dev");
        Engine::new(Arc::new(registry), Arc::new(self.store.clone()))
            .with_host(Arc::new(TestHost::new("test", 1, Instant::now())))
            .with_settle_grace(std::time::Duration::ZERO)
    }

    async fn output(&self, address: &str, name: &str) -> String {
        let state = self.engine(&self.emulator).state().await.unwrap();
        let value = state.output(address, name).unwrap_or_else(|| panic!("{address} has no {name}")).clone();
        value.as_str().unwrap().to_owned()
    }

    /// The plan where something is hidden.
    async fn plan_without(&self, hides: Hides) -> Result<Plan, EngineError> {
        let emulator = Emulator::builder().layer(hides).going_on(&self.emulator.snapshot().unwrap());
        self.engine(&emulator).preview(Arc::clone(&self.graph), &Selector::all()).await
    }
}

/// Nothing with data would go; or the plan stops, which names what would have gone and what is missing.
#[track_caller]
fn check_nothing_goes(missing: &str, plan: Result<Plan, EngineError>) -> String {
    match plan {
        Err(EngineError::Plan(PlanError::OnlyBecauseMissing { address, missing: named, .. })) => {
            assert_eq!(named.as_str(), missing, "{address}");
            assert!(WITH_DATA.contains(&address.as_str()), "{address}");
            format!("stops for {address}")
        }
        // What would be left without its subnet cannot move either.
        Err(EngineError::Plan(PlanError::Refused { address, .. })) => format!("stops for {address}"),
        Err(other) => panic!("without {missing}: {other:?}"),
        Ok(plan) => {
            for step in plan.steps().iter().filter(|step| WITH_DATA.contains(&step.address.as_str())) {
                let goes = matches!(step.action, Action::Replace { .. } | Action::Delete);
                assert!(!goes, "without {missing}: {} {:?}", step.address, step.action);
            }
            "nothing goes".to_owned()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_database_depends_on_is_no_reason_to_replace_it() {
    let deployed = Deployed::new().await;
    for (address, output, operation, code) in [
        (
            "database/subnet-group",
            "DBSubnetGroupName",
            "DescribeDBSubnetGroups",
            "DBSubnetGroupNotFoundFault",
        ),
        (
            "database/parameter-group",
            "DBClusterParameterGroupName",
            "DescribeDBClusterParameterGroups",
            "DBParameterGroupNotFound",
        ),
        ("database/security-group", "GroupId", "DescribeSecurityGroups", "InvalidGroup.NotFound"),
        ("database/key", "KeyId", "DescribeKey", "NotFoundException"),
        ("database/log-group", "LogGroupName", "DescribeLogGroups", "ResourceNotFoundException"),
        ("logs/key", "KeyId", "DescribeKey", "NotFoundException"),
        ("vpc/database-subnet-a", "SubnetId", "DescribeSubnets", "InvalidSubnetID.NotFound"),
        ("vpc/vpc", "VpcId", "DescribeVpcs", "InvalidVpcID.NotFound"),
    ] {
        let name = deployed.output(address, output).await;
        let plan = deployed.plan_without(Hides { operation, name, code }).await;
        check_nothing_goes(address, plan);
    }
}

/// The key of the database, and of the vault, which is the same one. What it encrypted is lost with it, but deleting what is left
/// is not for a plan to decide.
#[tokio::test(start_paused = true)]
async fn a_key_that_is_gone_for_good_stops_the_plan_with_the_choices() {
    let deployed = Deployed::new().await;
    let key = deployed.output("database/key", "KeyId").await;
    let kms = aws_sdk_kms::Client::new(&stack::embedded(&deployed.emulator, Region::new(REGION)));
    kms.schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await.unwrap();
    // It can be saved meanwhile.
    let engine = deployed.engine(&deployed.emulator);
    let plan = engine.preview(Arc::clone(&deployed.graph), &Selector::all()).await.unwrap();
    assert_eq!(plan.step("database/key").unwrap().action, Action::Update);
    assert_eq!(plan.step("database/cluster").unwrap().action, Action::Unchanged);
    tokio::time::sleep(std::time::Duration::from_secs(8 * 24 * 3600)).await;
    let plan = engine.preview(Arc::clone(&deployed.graph), &Selector::all()).await;
    assert!(check_nothing_goes("database/key", plan).starts_with("stops for "));
}
