//! Layered graphs, and a provider that does nothing, for the benches.

use std::sync::Arc;

use async_trait::async_trait;
use engine::{
    Address, CallError, Contents, CreateOnly, Declaration, Engine, Facts, Graph, ImportId, Intent, Kind,
    Listed, LocalStore, Loss, Named, Provider, Readiness, Reads, Search, Selector, Session, Settle, Span,
    Tagging, Template, Times,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const WIDTH: usize = 50;

const FACTS: Facts = Facts {
    name: Named::ByName("Name"),
    create_only: CreateOnly::These(&["Parents"]),
    lists: &[Listed::TAGS],
    tags: Tagging::None,
    loss: Loss::Nothing,
    keeps: &[],
    limits: &[],
    template: Template::AS_DECLARED,
    times: Times { ready: Span { typical: 1, longest: 60 }, gone: Span { typical: 1, longest: 60 } },
    import: ImportId { parts: &["Id"], words: "the id", example: "1" },
    reads: Reads { least: 1, most: 1, together: None },
    cost: None,
};

/// Every call is answered at once; a live object is always as it was sent.
pub(crate) struct Nothing;

impl Provider for Nothing {
    fn kind(&self, _: &str) -> Option<&dyn Kind> {
        Some(self)
    }
}

#[async_trait]
impl Kind for Nothing {
    fn facts(&self) -> &Facts {
        &FACTS
    }

    fn settle(&self) -> Settle {
        Settle::Token
    }

    fn is_revision(&self) -> bool {
        false
    }

    fn volatile(&self) -> &[&'static str] {
        &[]
    }

    fn properties(&self) -> &'static [&'static str] {
        &["Parents"]
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["Id"]
    }

    fn claim(&self, _: &Value) -> Option<String> {
        None
    }

    fn coexists(&self, _: &Value, _: &Value) -> bool {
        true
    }

    async fn find(&self, _: &Value, _: &Search) -> Result<Option<Value>, CallError> {
        Ok(None)
    }

    async fn create(&self, _: &Value, intent: &Intent) -> Result<Value, CallError> {
        Ok(json!({ "Id": format!("thing-{}", intent.token) }))
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

    async fn contents(&self, _: &Value, _: &Value) -> Result<Contents, CallError> {
        Ok(Contents::Unknown)
    }

    async fn delete(&self, _: &Value, _: &Value) -> Result<(), CallError> {
        Ok(())
    }

    async fn poll_gone(&self, _: &Value, _: &Value) -> Result<bool, CallError> {
        Ok(true)
    }
}

/// `count` resources in layers of 50, each of which refers to two of the layer before.
pub(crate) fn layered(count: usize) -> Arc<Graph> {
    let at = |position: usize| format!("bench/thing-{position}");
    let declare = |position: usize| {
        let (layer, column) = (position / WIDTH, position % WIDTH);
        let parents: Vec<Value> = match layer {
            0 => Vec::new(),
            _ => [column, (column + 1) % WIDTH]
                .map(|column| json!({ "$ref": at((layer - 1) * WIDTH + column), "attr": "Id" }))
                .to_vec(),
        };
        Declaration {
            address: Address::new(&at(position)).expect("it has only letters, digits and hyphens"),
            kind: "Bench::Thing".to_owned(),
            properties: json!({
                "Name": format!("thing-{position}"),
                "Parents": parents,
                "Tags": [
                    { "Key": "Environment", "Value": "bench" },
                    { "Key": "Author", "Value": "ada" },
                ],
            }),
            protect: false,
            after: Vec::new(),
            facts: &FACTS,
        }
    };
    Arc::new(Graph::from_declarations((0..count).map(declare).collect()).expect("layers make no circle"))
}

/// A runtime like that of the command line.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime can be made")
}

/// An engine whose journal is on disk, in a directory that goes when it is dropped.
pub(crate) fn on_disk() -> (TempDir, Engine) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let store = LocalStore::new(directory.path().join("state"));
    let engine = Engine::new(Arc::new(Nothing), Arc::new(store));
    (directory, engine)
}

/// Plans and applies the graph, with every intent durable before its call.
pub(crate) async fn apply(engine: &Engine, graph: &Arc<Graph>) -> Session {
    let session = engine.open().await.expect("nobody else has the lock");
    let plan = session.plan(Arc::clone(graph), &Selector::all()).await.expect("there is a plan");
    let report = session.apply(&plan).await.expect("the journal can be written");
    assert!(report.is_complete());
    assert_eq!(session.state().objects().count(), graph.nodes().len());
    session
}
