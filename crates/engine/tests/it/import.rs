//! Adopting objects that somebody else made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::{
    Action, Address, CallError, Caller, Changed, CreateOnly, Declared, Declares, Engine, Facts, ForeignId,
    Graph, Imports, Input, Intent, MemoryStore, Owner, Phase, Registry, Resolved, Resource, Scope, Search,
    Selector, Settle, Stage, Tagging, Unfit,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::facts::FACTS;

engine::id! {
    /// A chest's id.
    pub(crate) struct ChestId;
}

/// Chests in chests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase")]
struct Chest<S: Stage = Declared> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<S::Of<ChestId>>,
    size: u32,
    /// What the cloud does not show.
    wish: S::Of<String>,
    tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
struct ChestOutputs<S: Stage> {
    id: S::Of<ChestId>,
}

impl Declares for Chest<Declared> {
    type Resolved = Chest<Resolved>;
}

/// All chests, and what was done to them.
#[derive(Clone, Default)]
struct Store {
    chests: Arc<Mutex<BTreeMap<String, Chest<Resolved>>>>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Store {
    fn put(&self, id: &str, parent: Option<&str>, size: u32, tags: &[(&str, &str)]) {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let made = Chest { parent: parent.map(Into::into), size, wish: String::new(), tags };
        self.chests.lock().unwrap().insert(id.to_owned(), made);
    }

    fn done(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

impl Caller for Store {
    fn marked(&self, _: &Facts, address: &Address, properties: &Value) -> Value {
        let mut marked = properties.clone();
        marked["Tags"]["owner"] = "us".into();
        marked["Tags"]["address"] = address.as_str().into();
        marked
    }

    fn owner(&self, _: &Facts, live: &Value) -> Option<Owner> {
        let words = live["Tags"]["owner"].as_str()?.to_owned();
        let address = live["Tags"]["address"].as_str().map(str::to_owned);
        Some(Owner { is_ours: words == "us", words, address })
    }
}

#[async_trait]
impl Resource for Chest<Resolved> {
    const KIND: &'static str = "Test::Chest";
    const FACTS: Facts =
        Facts { create_only: CreateOnly::These(&["Parent"]), tags: Tagging::WithCreate("Tags"), ..FACTS };
    const SETTLE: Settle = Settle::Tag;
    type Context = Store;
    type Declared = Chest<Declared>;
    type Outputs<S: Stage> = ChestOutputs<S>;

    async fn find(&self, _: &Store, _: &Search) -> Result<Option<ChestOutputs<Resolved>>, CallError> {
        Ok(None)
    }

    async fn create(&self, cx: &Store, intent: &Intent) -> Result<ChestOutputs<Resolved>, CallError> {
        let id = format!("made-{}", cx.chests.lock().unwrap().len());
        cx.calls.lock().unwrap().push(format!("create {}", intent.address));
        let mut made = self.clone();
        made.tags.insert("owner".to_owned(), "us".to_owned());
        made.tags.insert("address".to_owned(), intent.address.to_string());
        cx.chests.lock().unwrap().insert(id.clone(), made);
        Ok(ChestOutputs { id: id.into() })
    }

    async fn read(&self, cx: &Store, outputs: &ChestOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let live = cx.chests.lock().unwrap().get(outputs.id.as_str()).cloned();
        Ok(live.map(|live| Self { wish: self.wish.clone(), ..live }))
    }

    async fn update(
        &self,
        cx: &Store,
        outputs: &ChestOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<ChestOutputs<Resolved>, CallError> {
        cx.calls.lock().unwrap().push(format!("update {}: {}", outputs.id, changed.properties.join(", ")));
        cx.chests.lock().unwrap().insert(outputs.id.to_string(), self.clone());
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Store, outputs: &ChestOutputs<Resolved>) -> Result<(), CallError> {
        cx.calls.lock().unwrap().push(format!("delete {}", outputs.id));
        cx.chests.lock().unwrap().remove(outputs.id.as_str());
        Ok(())
    }
}

/// Two chests, one in the other.
fn graph(wish_of_outer: bool) -> Arc<Graph> {
    let mut scope = Scope::new();
    scope.within("t", |scope| {
        let made = |parent, wish: Input<String>| Chest { parent, size: 1, wish, tags: BTreeMap::new() };
        let outer = scope.add("outer", made(None, "".into())).unwrap();
        let wish = if wish_of_outer { outer.id.text() } else { "".into() };
        scope.add("inner", made(Some(outer.id), wish)).unwrap();
    });
    Arc::new(Graph::new(scope).unwrap())
}

fn engine(cloud: &Store) -> Engine {
    let mut registry = Registry::new(cloud.clone());
    registry.register::<Chest<Resolved>>();
    Engine::new(Arc::new(registry), Arc::new(MemoryStore::new())).with_settle_grace(Duration::ZERO)
}

fn ids(graph: &Graph, wanted: &[(&str, &str)]) -> Vec<ForeignId> {
    let id = |(name, id): &(&str, &str)| {
        let declared = graph.get(&format!("t/{name}")).unwrap();
        ForeignId::parse(&declared.address, &declared.facts.import, id).unwrap()
    };
    wanted.iter().map(id).collect()
}

async fn examined(engine: &Engine, graph: &Arc<Graph>, wanted: &[(&str, &str)], take_over: bool) -> Imports {
    let session = engine.open().await.unwrap();
    let imports = session.examine(Arc::clone(graph), &ids(graph, wanted), take_over).await.unwrap();
    if imports.refused.is_empty() {
        assert!(session.adopt(&imports).await.unwrap().is_complete());
    } else {
        assert!(session.state().is_empty());
    }
    session.close().await.unwrap();
    imports
}

fn action(imports: &Imports, address: &str) -> Action {
    imports.plan.as_ref().unwrap().step(address).unwrap().action.clone()
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_recorded_and_marked_and_nothing_else_changes_until_the_next_run() {
    let (cloud, graph) = (Store::default(), graph(false));
    cloud.put("a", None, 7, &[("color", "red")]);
    cloud.put("b", Some("a"), 1, &[]);
    let engine = engine(&cloud);
    // In any order.
    let imports = examined(&engine, &graph, &[("inner", "b"), ("outer", "a")], false).await;
    assert_eq!(cloud.done(), ["update a: Tags", "update b: Tags"]);
    assert_eq!(
        (action(&imports, "t/outer"), action(&imports, "t/inner")),
        (Action::Update, Action::Unchanged)
    );
    let state = engine.state().await.unwrap();
    let outer = state.current("t/outer").unwrap();
    assert_eq!((outer.phase, outer.adopted, &outer.properties["Size"]), (Phase::Ready, true, &json!(7)));
    assert_eq!(state.current("t/inner").unwrap().dependencies, [Address::new("t/outer").unwrap()]);

    let plan = engine.preview(Arc::clone(&graph), &Selector::all()).await.unwrap();
    let step = plan.step("t/outer").unwrap();
    let paths: Vec<&str> = step.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!((paths, step.outside()), (vec!["Size", "Tags.color"], [].as_slice()));
    let again = examined(&engine, &graph, &[("inner", "b"), ("outer", "a")], false).await;
    assert_eq!((again.unchanged.len(), again.adoptions.len()), (2, 0));
    assert_eq!(cloud.done(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_says_that_it_is_somebody_elses_is_adopted_only_if_that_is_wanted() {
    let (cloud, graph) = (Store::default(), graph(false));
    cloud.put("a", None, 1, &[("owner", "them"), ("address", "x/y")]);
    cloud.put("b", None, 1, &[("owner", "us"), ("address", "t/inner")]);
    let engine = engine(&cloud);
    let theirs = examined(&engine, &graph, &[("outer", "a")], false).await;
    let owner = "them, where it is x/y".to_owned();
    assert_eq!(theirs.refused, [(Address::new("t/outer").unwrap(), Unfit::Owned { owner })]);
    let others = examined(&engine, &graph, &[("outer", "b")], false).await;
    let owner = "t/inner of this environment".to_owned();
    assert_eq!(others.refused, [(Address::new("t/outer").unwrap(), Unfit::Owned { owner })]);
    assert_eq!(cloud.done(), [""; 0]);
    examined(&engine, &graph, &[("outer", "a")], true).await;
    assert_eq!(cloud.chests.lock().unwrap()["a"].tags["owner"], "us");
}

#[tokio::test(start_paused = true)]
async fn all_that_is_wrong_is_said_at_once() {
    let (cloud, graph) = (Store::default(), graph(false));
    cloud.put("a", None, 1, &[]);
    let engine = engine(&cloud);
    let imports = examined(&engine, &graph, &[("outer", "x"), ("inner", "x")], false).await;
    let outer = Address::new("t/outer").unwrap();
    let inner = Address::new("t/inner").unwrap();
    let wanted = [(outer.clone(), Unfit::NotThere), (inner.clone(), Unfit::Taken { by: outer.clone() })];
    assert_eq!(imports.refused, wanted);
    examined(&engine, &graph, &[("outer", "a")], false).await;
    let session = engine.open().await.unwrap();
    let wanted = ids(&graph, &[("outer", "b"), ("inner", "a")]);
    let imports = session.examine(Arc::clone(&graph), &wanted, true).await.unwrap();
    let has = Unfit::HasAnother { id: "a".to_owned() };
    assert_eq!(imports.refused, [(outer.clone(), has), (inner, Unfit::Taken { by: outer })]);
    session.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_its_parent_it_would_be_replaced_and_what_only_the_declaration_knows_is_needed() {
    let cloud = Store::default();
    cloud.put("a", None, 1, &[]);
    cloud.put("b", Some("a"), 1, &[]);
    let (plain, wishing) = (graph(false), graph(true));
    let imports = examined(&engine(&cloud), &plain, &[("inner", "b")], false).await;
    assert!(matches!(action(&imports, "t/inner"), Action::Replace { .. }));
    let engine = engine(&cloud);
    let imports = examined(&engine, &wishing, &[("inner", "b")], false).await;
    let needs = Address::new("t/outer").unwrap();
    let unknown = Unfit::Unknown { property: "Wish".to_owned(), needs };
    assert_eq!(imports.refused, [(Address::new("t/inner").unwrap(), unknown)]);
    // It is told only of what is the reason.
    let imports = examined(&engine, &wishing, &[("inner", "b"), ("outer", "x")], false).await;
    assert_eq!(imports.refused, [(Address::new("t/outer").unwrap(), Unfit::NotThere)]);
    let imports = examined(&engine, &wishing, &[("inner", "b"), ("outer", "a")], false).await;
    assert!(imports.refused.is_empty(), "{:?}", imports.refused);
}
