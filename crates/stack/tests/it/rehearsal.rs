//! The whole stack at AWS's own pace, in virtual time: everything is pending before it is there, new roles cannot be
//! assumed for seconds, new objects are not seen at once, and calls that come too fast are refused.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use emulator::Emulator;
use engine::{Action, Engine, Graph, MemoryStore, Plan, Report, Selector, TestHost};
use stack::{Config, Environment, Program, Sources, Stack};
use tokio::time::Instant;

use crate::command::own;
use crate::live::{self, registry};

const REGION: &str = "ap-southeast-1";

struct Rehearsal {
    emulator: Emulator,
    engine: Engine,
    environment: Environment,
}

impl Rehearsal {
    fn new() -> Self {
        Self::of("dev")
    }

    fn of(environment: &str) -> Self {
        let emulator = Emulator::builder().latency(1.0).throttling(true).in_memory();
        let registry = registry(&emulator, REGION, environment);
        let engine = Engine::new(Arc::new(registry), Arc::new(MemoryStore::new()))
            .with_host(Arc::new(TestHost::new("test", 1, Instant::now())));
        Self { emulator, engine, environment: environment.parse().unwrap() }
    }

    fn graph(&self, config: Config) -> Arc<Graph> {
        Stack::new(config, &self.environment).declare(&live::place(REGION, "abc")).unwrap()
    }

    /// Plans and applies, and says how long that took.
    async fn run(&self, graph: Arc<Graph>) -> (Plan, Report, Duration) {
        let start = Instant::now();
        let session = self.engine.open().await.unwrap();
        let plan = session.plan(graph, &Selector::all()).await.unwrap();
        let report = session.apply(&plan).await.unwrap();
        session.close().await.unwrap();
        (plan, report, start.elapsed())
    }
}

#[tokio::test(start_paused = true)]
async fn at_aws_pace_it_comes_stays_and_goes() {
    let rehearsal = Rehearsal::new();
    let wanted = rehearsal.graph(Config::default());

    let (_, report, took) = rehearsal.run(Arc::clone(&wanted)).await;
    assert!(report.is_complete(), "{report:#?}");
    // An Aurora instance after its cluster is the longest of all; nothing else may add to it.
    assert!((400..1200).contains(&took.as_secs()), "up took {took:?}");

    let (plan, _, _) = rehearsal.run(wanted).await;
    assert!(plan.is_empty());

    let (_, report, took) = rehearsal.run(Arc::default()).await;
    assert!(report.is_complete(), "{report:#?}");
    assert!((100..1200).contains(&took.as_secs()), "destroy took {took:?}");
    assert_eq!(own(rehearsal.emulator.objects().await.unwrap()), []);
}

/// The hardened environment of the repository's `stack.toml`, in an account in which no service has a role yet.
#[tokio::test(start_paused = true)]
async fn the_hardened_environment_comes_in_one_run_in_a_new_account() {
    let rehearsal = Rehearsal::of("prod");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack.toml");
    let mut program = Program::new("stack", "1.0.0");
    program.payment();
    let config = program.load(&Sources::file(Some(&file), &rehearsal.environment)).unwrap().config;
    let wanted = rehearsal.graph(config);

    let (_, report, took) = rehearsal.run(Arc::clone(&wanted)).await;
    assert!(report.is_complete(), "{report:#?}");
    assert!((400..1500).contains(&took.as_secs()), "up took {took:?}");
    let calls = rehearsal.emulator.calls();
    assert!(calls.iter().any(|call| call.operation == "CreateServiceLinkedRole"));
    let (plan, _, _) = rehearsal.run(wanted).await;
    assert!(plan.is_empty());
}

/// When a resource was done, among all.
fn place(report: &Report, address: &str) -> usize {
    let found = report.done.iter().position(|done| done.address.as_str() == address);
    found.unwrap_or_else(|| panic!("{address} was not done"))
}

/// With an image, tasks start: only when a database instance answers and there is a way out, while everything that is only
/// text goes ahead.
#[tokio::test(start_paused = true)]
async fn tasks_start_once_what_they_need_is_ready() {
    let rehearsal = Rehearsal::new();
    let mut config = Config::default();
    config.section_mut::<ecs::Tier>().image = Some("registry.internal/payment:1".to_owned());
    config.section_mut::<ecs::Tier>().tracing = ecs::Tracing::None;

    let (_, report, took) = rehearsal.run(rehearsal.graph(config.clone())).await;
    assert!(report.is_complete(), "{report:#?}");
    // A service after an instance after a cluster.
    assert!((450..1500).contains(&took.as_secs()), "up took {took:?}");
    for needed in [
        "database/instance-1",
        "vpc/nat-a",
        "vpc/nat-b",
        "vpc/nat-c",
        "vpc/private-route-c",
        "vpc/private-rta-c",
        "vpc/s3-endpoint",
        "alb/production-rule",
    ] {
        assert!(place(&report, needed) < place(&report, "ecs/service"), "{needed}");
    }
    assert!(place(&report, "ecs/task-definition") < place(&report, "database/instance-1"));

    // Another way out: the service is not deployed anew for that.
    config.section_mut::<vpc::Tier>().nat = vpc::NatMode::None;
    config.section_mut::<vpc::Tier>().interface_endpoints.enabled = true;
    rehearsal.emulator.clear_calls();
    let (plan, report, _) = rehearsal.run(rehearsal.graph(config.clone())).await;
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(plan.step("ecs/service").unwrap().action, Action::Update);
    assert!(rehearsal.emulator.calls().iter().all(|call| call.operation != "UpdateService"));
    let (plan, _, _) = rehearsal.run(rehearsal.graph(config)).await;
    assert!(plan.is_empty());

    let (_, report, _) = rehearsal.run(Arc::default()).await;
    assert!(report.is_complete(), "{report:#?}");
    assert!(place(&report, "ecs/service") < place(&report, "database/instance-1"));
    assert_eq!(own(rehearsal.emulator.objects().await.unwrap()), []);
}
