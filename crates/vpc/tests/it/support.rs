//! What the tests here begin with: a declared tier, an empty cloud, and the steps of a life cycle.

use std::ops::Deref;
use std::time::Duration;

use aws::{Context, Tags};
use engine::{
    Address, CallError, Changed, DeclareError, Declared, ErrorClass, Graph, Intent, Readiness, Resolved,
    Resource,
};
pub(crate) use testing::{ACCOUNT, REGION};
use testing::{World, place};
use vpc::{Args, Inputs, InterfaceEndpoints, Outputs, Recorded, Tier};

pub(crate) fn inputs_with(zones: usize) -> Inputs {
    let zones = ["a", "b", "c", "d", "e", "f"].iter().take(zones);
    Inputs {
        place: place(),
        availability_zones: zones.map(|zone| format!("{REGION}{zone}")).collect(),
        recorded: Recorded::default(),
    }
}

pub(crate) fn try_declare(args: Args, inputs: &Inputs) -> Result<(Graph, Outputs<Declared>), DeclareError> {
    testing::declare(&Tier::new(args), inputs)
}

/// The tier in a region with six zones.
pub(crate) fn declare(args: Args) -> (Graph, Outputs<Declared>) {
    try_declare(args, &inputs_with(6)).unwrap()
}

/// With interface endpoints for the services of the default.
pub(crate) fn with_endpoints() -> Args {
    let interface_endpoints = InterfaceEndpoints { enabled: true, ..InterfaceEndpoints::default() };
    Args { interface_endpoints, ..Args::default() }
}

/// An account in which single resources live.
pub(crate) struct Cloud(pub(crate) World);

impl Deref for Cloud {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl Cloud {
    pub(crate) fn new() -> Self {
        Self(World::new(vpc::kinds))
    }

    /// Creates a resource, waits until it is ready and configured, and checks that it reads back as declared.
    pub(crate) async fn make<R: Resource<Context = Context>>(
        &self,
        name: &str,
        wanted: &R,
    ) -> R::Outputs<Resolved> {
        let outputs = wanted.create(&self.cx, &intent(name)).await.unwrap();
        let outputs = self.ready::<R>(outputs).await.unwrap();
        wanted.configure(&self.cx, &outputs).await.unwrap();
        let live = wanted.read(&self.cx, &outputs).await.unwrap().map(unmarked);
        assert_eq!(live.as_ref(), Some(wanted), "{name}");
        outputs
    }

    pub(crate) async fn ready<R: Resource<Context = Context>>(
        &self,
        outputs: R::Outputs<Resolved>,
    ) -> Result<R::Outputs<Resolved>, String> {
        for _ in 0..300 {
            match R::poll_ready(&self.cx, &outputs).await.unwrap() {
                Readiness::Ready(outputs) => return Ok(outputs),
                Readiness::Failed(reason) => return Err(reason),
                Readiness::Pending(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
        panic!("{} did not become ready", R::KIND);
    }

    /// Brings a live object to what is wanted, as the engine does.
    pub(crate) async fn update<R: Resource<Context = Context>>(
        &self,
        wanted: &R,
        outputs: &R::Outputs<Resolved>,
    ) -> R::Outputs<Resolved> {
        let before = unmarked(wanted.read(&self.cx, outputs).await.unwrap().unwrap());
        let properties = differing(wanted, &before);
        let changed = Changed { before, properties };
        let outputs = wanted.update(&self.cx, outputs, &changed).await.unwrap();
        let live = wanted.read(&self.cx, &outputs).await.unwrap().map(unmarked);
        assert_eq!(live.as_ref(), Some(wanted));
        outputs
    }

    /// Deletes an object and waits until it is gone; deleting it once more is fine.
    pub(crate) async fn unmake<R: Resource<Context = Context>>(
        &self,
        made: &R,
        outputs: &R::Outputs<Resolved>,
    ) {
        made.delete(&self.cx, outputs).await.unwrap();
        for _ in 0..300 {
            if made.poll_gone(&self.cx, outputs).await.unwrap() {
                made.delete(&self.cx, outputs).await.unwrap();
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("{} did not go", R::KIND);
    }
}

/// Live properties without the tags that say whose the object is: those are no property of what is declared.
pub(crate) fn unmarked<R: Resource>(live: R) -> R {
    let mut live = serde_json::to_value(live).unwrap();
    if let Some(tags) = live.get_mut("Tags").and_then(|tags| tags.as_array_mut()) {
        tags.retain(|tag| !tag["Key"].as_str().unwrap().starts_with("stack:"));
    }
    R::deserialize(live).unwrap()
}

pub(crate) fn differing<R: Resource>(left: &R, right: &R) -> Vec<String> {
    let (left, right) = (&unmarked(left.clone()), &unmarked(right.clone()));
    let (left, right) = (serde_json::to_value(left).unwrap(), serde_json::to_value(right).unwrap());
    let (left, right) = (left.as_object().unwrap().clone(), right.as_object().unwrap().clone());
    let names: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
    names.into_iter().filter(|name| left.get(*name) != right.get(*name)).cloned().collect()
}

/// The intent to create the resource of this name; always the same token for the same name.
pub(crate) fn intent(name: &str) -> Intent {
    let fnv = |hash: u128, byte: u8| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    };
    let token = name.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, fnv);
    Intent { address: Address::new(&format!("vpc/{name}")).unwrap(), token: format!("{token:032x}") }
}

pub(crate) fn tags(name: &str) -> Tags {
    Tags::new().with("Name", name).with("Environment", "dev")
}

pub(crate) fn class<T: std::fmt::Debug>(result: Result<T, CallError>) -> ErrorClass {
    result.unwrap_err().class
}
