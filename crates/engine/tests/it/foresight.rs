//! What a kind says of a plan beforehand, and how long is waited for one that is slow to begin.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::{
    CallError, Changed, Declares, Engine, ErrorClass, Facts, Foreseen, Graph, Intent, MemoryStore, Readiness,
    Registry, Report, Resolved, Resource, Scope, Search, Selector, Settle, Span, Stage, TestHost, Times,
    Wish,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::facts::FACTS;

/// What there is of the one machine, and how it behaves.
#[derive(Default)]
struct Cloud {
    live: Option<Machine>,
    /// What a change makes of it, once it has begun and ended.
    change: Option<(Instant, Instant, Machine)>,
    updates: Vec<Vec<String>>,
    /// How an update is refused, and until when.
    refuses: Option<(ErrorClass, Instant)>,
    denies_questions: bool,
}

impl Cloud {
    fn live(&mut self) -> Option<Machine> {
        if let Some((_, _, changed)) = self.change.take_if(|(_, ends, _)| *ends <= Instant::now()) {
            self.live = Some(changed);
        }
        self.live.clone()
    }
}

struct Shared(Mutex<Cloud>);

impl engine::Caller for Shared {}

impl std::ops::Deref for Shared {
    type Target = Mutex<Cloud>;

    fn deref(&self) -> &Mutex<Cloud> {
        &self.0
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Machine {
    name: String,
    version: u32,
    size: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase")]
struct MachineOutputs<S: Stage> {
    id: S::Of<String>,
}

impl Declares for Machine {
    type Resolved = Self;
}

#[async_trait]
impl Resource for Machine {
    const KIND: &'static str = "Test::Machine";
    const FACTS: Facts = Facts {
        times: Times { ready: Span { typical: 1, longest: 3600 }, gone: Span { typical: 1, longest: 60 } },
        ..FACTS
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Shared;
    type Declared = Self;
    type Outputs<S: Stage> = MachineOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.name.clone())
    }

    async fn find(&self, _: &Shared, _: &Search) -> Result<Option<MachineOutputs<Resolved>>, CallError> {
        Ok(None)
    }

    async fn create(&self, cx: &Shared, _: &Intent) -> Result<MachineOutputs<Resolved>, CallError> {
        cx.lock().unwrap().live = Some(self.clone());
        Ok(MachineOutputs { id: self.name.clone() })
    }

    async fn poll_ready(
        cx: &Shared,
        outputs: &MachineOutputs<Resolved>,
    ) -> Result<Readiness<MachineOutputs<Resolved>>, CallError> {
        let mut cloud = cx.lock().unwrap();
        cloud.live();
        Ok(match &cloud.change {
            Some((begins, ..)) if *begins <= Instant::now() => Readiness::Pending("changing".to_owned()),
            _ => Readiness::Ready(outputs.clone()),
        })
    }

    fn lingers(property: &str) -> bool {
        property == "Size"
    }

    fn accepts(property: &str, live: &Value, declared: &Value) -> Option<String> {
        let newer = property == "Version" && live.as_u64() > declared.as_u64();
        newer.then(|| format!("runs version {live}"))
    }

    async fn foresee(cx: &Shared, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        if cx.lock().unwrap().denies_questions {
            return Err(CallError::new(ErrorClass::Denied, "DescribeVersions", "no"));
        }
        let before =
            wish.there.map(|there| (there.live["Version"].clone(), there.recorded["Version"].clone()));
        Ok(match (wish.declared["Version"].as_u64(), before) {
            (Some(13), _) => Foreseen::refusal("there is no version 13", "choose another one"),
            (Some(declared), Some((live, recorded))) if declared > live.as_u64().unwrap() => {
                Foreseen::warning(format!("is upgraded from {live}, declared as {recorded}"))
            }
            _ => Foreseen::nothing(),
        })
    }

    async fn read(&self, cx: &Shared, _: &MachineOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        Ok(cx.lock().unwrap().live())
    }

    async fn update(
        &self,
        cx: &Shared,
        outputs: &MachineOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<MachineOutputs<Resolved>, CallError> {
        let mut cloud = cx.lock().unwrap();
        if let Some((class, until)) = cloud.refuses
            && until > Instant::now()
        {
            return Err(CallError::new(class, "ModifyMachine", "not now"));
        }
        cloud.updates.push(changed.properties.clone());
        let mut live = cloud.live().unwrap();
        if changed.has("Version") {
            live.version = self.version;
        }
        if !changed.has("Size") {
            cloud.live = Some(live);
            return Ok(outputs.clone());
        }
        // It looks ready for 20 seconds, then it is being changed for 40.
        live.size = self.size;
        let now = Instant::now();
        cloud.change = Some((now + Duration::from_secs(20), now + Duration::from_secs(60), live));
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Shared, _: &MachineOutputs<Resolved>) -> Result<(), CallError> {
        cx.lock().unwrap().live = None;
        Ok(())
    }
}

fn wanted(version: u32, size: u32) -> Arc<Graph> {
    let mut scope = Scope::new();
    let machine = Machine { name: "m".to_owned(), version, size };
    scope.within("t", |scope| scope.add("machine", machine)).unwrap();
    Arc::new(Graph::new(scope).unwrap())
}

struct World {
    registry: Arc<Registry<Shared>>,
    engine: Engine,
}

impl World {
    async fn with(version: u32, size: u32) -> Self {
        let mut registry = Registry::new(Shared(Mutex::new(Cloud::default())));
        registry.register::<Machine>();
        let registry = Arc::new(registry);
        let host = TestHost::new("ada@earth", 1, Instant::now());
        let engine = Engine::new(registry.clone(), Arc::new(MemoryStore::new())).with_host(Arc::new(host));
        let world = Self { registry, engine };
        assert!(world.apply(&wanted(version, size)).await.is_complete());
        world
    }

    fn cloud(&self) -> std::sync::MutexGuard<'_, Cloud> {
        self.registry.context().lock().unwrap()
    }

    async fn apply(&self, graph: &Arc<Graph>) -> Report {
        let session = self.engine.open().await.unwrap();
        let plan = session.plan(Arc::clone(graph), &Selector::all()).await.unwrap();
        let report = session.apply(&plan).await.unwrap();
        session.close().await.unwrap();
        report
    }

    async fn preview(&self, graph: &Arc<Graph>) -> Result<engine::Plan, engine::EngineError> {
        self.engine.preview(Arc::clone(graph), &Selector::all()).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_difference_that_is_accepted_is_shown_and_neither_a_change_nor_drift() {
    let world = World::with(7, 1).await;
    world.cloud().live.as_mut().unwrap().version = 9;
    let plan = world.preview(&wanted(7, 1)).await.unwrap();
    assert!(plan.is_empty());
    let [accepted] = plan.step("t/machine").unwrap().accepted() else { panic!("{plan:?}") };
    assert_eq!((accepted.property.as_str(), accepted.because.as_str()), ("Version", "runs version 9"));
    assert_eq!((&accepted.live, &accepted.declared), (&json!(9), &json!(7)));
    let survey = world.engine.look(&Selector::all()).await.unwrap();
    assert_eq!(survey.drift(), []);
    let [remark] = &survey.remarks()[..] else { panic!("{:?}", survey.remarks()) };
    assert_eq!((remark.address.as_str(), &remark.accepted), ("t/machine", accepted));
    // It is left alone also where something else changes, and where it changes once more after the plan was made.
    let session = world.engine.open().await.unwrap();
    let plan = session.plan(wanted(7, 2), &Selector::all()).await.unwrap();
    world.cloud().live.as_mut().unwrap().version = 10;
    let report = session.apply(&plan).await.unwrap();
    session.close().await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(world.cloud().updates, [["Size"]]);
    assert_eq!(world.cloud().live().unwrap(), Machine { name: "m".to_owned(), version: 10, size: 2 });
    // What is not accepted is changed.
    assert!(!world.preview(&wanted(11, 2)).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_before_anything_is_called() {
    let world = World::with(7, 1).await;
    let error = world.preview(&wanted(13, 1)).await.unwrap_err();
    assert_eq!(error.to_string(), "t/machine: there is no version 13");
    let session = world.engine.open().await.unwrap();
    let planned = session.plan(wanted(13, 1), &Selector::all()).await;
    let refused = planned.map(drop).unwrap_err();
    let engine::EngineError::Plan(engine::PlanError::Refused { hint, .. }) = refused else {
        panic!("{refused}")
    };
    assert_eq!(hint, "choose another one");
    session.close().await.unwrap();
    let plan = world.preview(&wanted(8, 1)).await.unwrap();
    assert_eq!(plan.step("t/machine").unwrap().warnings(), ["is upgraded from 7, declared as 7"]);
    // Who may not ask leaves it to the cloud.
    world.cloud().denies_questions = true;
    let plan = world.preview(&wanted(13, 1)).await.unwrap();
    assert_eq!(plan.step("t/machine").unwrap().warnings(), [""; 0]);
    assert_eq!(world.cloud().updates, [[""; 0]; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_the_cloud_is_slow_to_begin_is_waited_for() {
    let world = World::with(7, 1).await;
    let begun = Instant::now();
    assert!(world.apply(&wanted(7, 2)).await.is_complete());
    // Ready was not enough, and now it has ended.
    assert_eq!(world.cloud().live().unwrap().size, 2);
    assert!(begun.elapsed() >= Duration::from_secs(60), "{:?}", begun.elapsed());
    // A property that is changed at once is not waited for.
    let begun = Instant::now();
    assert!(world.apply(&wanted(8, 2)).await.is_complete());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_busy_object_is_waited_for_as_long_as_its_kind_may_take() {
    for (class, seconds, complete) in [(ErrorClass::NotYet, 1200, true), (ErrorClass::NotYet, 100_000, false)]
    {
        let world = World::with(7, 1).await;
        world.cloud().refuses = Some((class, Instant::now() + Duration::from_secs(seconds)));
        let report = world.apply(&wanted(8, 1)).await;
        assert_eq!(report.is_complete(), complete, "{class:?}: {report:?}");
    }
}
