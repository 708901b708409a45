//! A whole life on a provider in memory: declare, plan, apply, read, destroy.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Engine, ErrorClass, Facts, Graph, ImportId, Intent,
    Loss, MemoryStore, Named, Reads, Registry, Resolved, Resource, Scope, Search, Selector, Settle, Span,
    Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

// ---- A kind of resource, and the provider that it lives in: a disk with folders. ----

engine::id! {
    /// A folder's id.
    struct FolderId;
}

/// A folder, in another one or at the top. In `Folder<Declared>`, the parent may be the output of a folder that does not
/// exist yet; in `Folder<Resolved>`, it is an id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase")]
struct Folder<S: Stage = Declared> {
    name: String,
    owner: String,
    parent: Option<S::Of<FolderId>>,
}

/// What other resources can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase")]
struct FolderOutputs<S: Stage> {
    id: S::Of<FolderId>,
}

/// The provider. A real one has clients here. Folders by name, which is unique.
#[derive(Default)]
struct Disk(Mutex<BTreeMap<String, Folder<Resolved>>>);

impl engine::Caller for Disk {}

impl Disk {
    fn folders(&self) -> MutexGuard<'_, BTreeMap<String, Folder<Resolved>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn id_of(name: &str) -> FolderId {
    FolderId::from(format!("folder-{name}"))
}

impl Declares for Folder<Declared> {
    type Resolved = Folder<Resolved>;
}

#[async_trait]
impl Resource for Folder<Resolved> {
    const KIND: &'static str = "Disk::Folder";
    const FACTS: Facts = Facts {
        name: Named::ByName("Name"),
        create_only: CreateOnly::These(&["Name", "Parent"]), // Another name or place is another folder.
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 60 }, gone: Span { typical: 1, longest: 60 } },
        import: ImportId { parts: &["Name"], words: "the folder's name", example: "home" },
        reads: Reads { least: 1, most: 1, together: None },
        cost: None,
    };
    /// A create whose answer was lost is settled by looking for the name.
    const SETTLE: Settle = Settle::Key;
    type Context = Disk;
    type Declared = Folder<Declared>;
    type Outputs<S: Stage> = FolderOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.name.clone())
    }

    async fn find(&self, disk: &Disk, _: &Search) -> Result<Option<FolderOutputs<Resolved>>, CallError> {
        let is_there = disk.folders().contains_key(&self.name);
        Ok(is_there.then(|| FolderOutputs { id: id_of(&self.name) }))
    }

    async fn create(&self, disk: &Disk, _: &Intent) -> Result<FolderOutputs<Resolved>, CallError> {
        disk.folders().insert(self.name.clone(), self.clone());
        Ok(FolderOutputs { id: id_of(&self.name) })
    }

    async fn read(&self, disk: &Disk, _: &FolderOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        Ok(disk.folders().get(&self.name).cloned())
    }

    async fn update(
        &self,
        disk: &Disk,
        outputs: &FolderOutputs<Resolved>,
        _: &Changed<Self>,
    ) -> Result<FolderOutputs<Resolved>, CallError> {
        disk.folders().insert(self.name.clone(), self.clone());
        Ok(outputs.clone())
    }

    async fn delete(&self, disk: &Disk, outputs: &FolderOutputs<Resolved>) -> Result<(), CallError> {
        let mut folders = disk.folders();
        if folders.values().any(|folder| folder.parent.as_ref() == Some(&outputs.id)) {
            return Err(CallError::new(ErrorClass::DependencyViolation, "DeleteFolder", "it is not empty"));
        }
        folders.remove(&self.name);
        Ok(())
    }
}

// ---- A program that uses it. ----

fn declared(owner: &str) -> Result<Arc<Graph>, Box<dyn Error>> {
    let mut scope = Scope::new();
    let home = Folder { name: "home".to_owned(), owner: "root".to_owned(), parent: None };
    let home = scope.add("disk/home", home)?;
    let ada = Folder { name: "ada".to_owned(), owner: owner.to_owned(), parent: Some(home.id.clone()) };
    scope.add("disk/ada", ada)?;
    Ok(Arc::new(Graph::new(scope)?.with_exports(json!({ "homeId": home.id }))))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // What the engine can make, and where it remembers what it has made: `LocalStore` does so in a directory.
    let mut registry = Registry::new(Disk::default());
    registry.register::<Folder<Resolved>>();
    let engine = Engine::new(Arc::new(registry), Arc::new(MemoryStore::new()));
    let everything = Selector::all();

    // Plan and apply, under the lock. The order follows from the reference.
    let graph = declared("root")?;
    let session = engine.open().await?;
    let plan = session.plan(Arc::clone(&graph), &everything).await?;
    assert_eq!(plan.steps().len(), 2);
    let report = session.apply(&plan).await?;
    assert!(report.is_complete(), "{:?}", report.failed);
    session.close().await?;

    // Read: neither a lock nor a call that changes anything.
    let state = engine.state().await?;
    assert_eq!(state.exports()["homeId"], "folder-home");
    assert_eq!(state.current("disk/ada").map(|ada| &ada.properties["Parent"]), Some(&json!("folder-home")));
    assert!(engine.drift(&everything).await?.is_empty());
    assert!(engine.preview(graph, &everything).await?.is_empty());

    // A change: the plan says which properties differ.
    let graph = declared("ada")?;
    let plan = engine.preview(Arc::clone(&graph), &"disk/ada".parse()?).await?;
    assert_eq!(plan.steps()[0].changes[0].path, "Owner");

    // Destroy: nothing is wanted any more, but what is declared may still protect itself.
    let session = engine.open().await?;
    let plan = session.plan(Arc::new(graph.as_ref().clone().into_guards()), &everything).await?;
    let report = session.apply(&plan).await?;
    assert!(report.is_complete(), "{:?}", report.failed);
    session.close().await?;
    assert!(engine.state().await?.is_empty());
    Ok(())
}
