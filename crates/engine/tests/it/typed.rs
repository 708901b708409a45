//! A small tier with typed resources on the fake cloud.

use async_trait::async_trait;
use engine::{
    CallError, Changed, Component, Data, DeclareError, Declared, Declares, Facts, Intent, Readiness,
    Registry, Resolved, Resource, Scope, Search, Settle, Stage,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::facts::FACTS;
use crate::fake_cloud::{Call, FakeCloud, Inner, KINDS, Spec, is_gone, live, readiness};
use crate::life::Life;

engine::id! {
    /// A network's id.
    pub(crate) struct NetworkId;
    /// A host's id.
    pub(crate) struct HostId;
}

/// What the calls need: the cloud, and the process that calls.
pub(crate) struct Cloud {
    cloud: FakeCloud,
    life: Life,
}

impl engine::Caller for Cloud {}

impl Cloud {
    async fn mutate<T: Send + 'static>(
        &self,
        what: &'static str,
        address: &str,
        properties: Value,
        effect: impl FnOnce(&mut Inner) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, CallError> {
        let (by, address, at) = (self.life.clone(), address.to_owned(), Instant::now());
        self.cloud.call(&self.life, Some(Call { by, what, address, properties, at }), effect).await
    }

    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Inner) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, CallError> {
        self.cloud.call(&self.life, None, move |inner| look(inner)).await
    }
}

/// All kinds of the tier.
pub(crate) fn registry(cloud: &FakeCloud, life: &Life) -> Registry<Cloud> {
    let mut registry = Registry::new(Cloud { cloud: cloud.clone(), life: life.clone() });
    registry.register::<Network<Resolved>>().register::<Host<Resolved>>();
    registry
}

fn spec(name: &str) -> Spec {
    *KINDS.iter().find(|spec| spec.name == name).unwrap()
}

fn typed<T: Data>(value: &Value) -> T {
    T::deserialize(value).unwrap()
}

/// A kind whose name is its natural key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase")]
pub(crate) struct Network<S: Stage = Declared> {
    pub(crate) name: String,
    pub(crate) size: S::Of<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase")]
pub(crate) struct NetworkOutputs<S: Stage> {
    pub(crate) id: S::Of<NetworkId>,
    pub(crate) endpoint: S::Of<String>,
}

/// A kind that stands in networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase")]
pub(crate) struct Host<S: Stage = Declared> {
    pub(crate) name: String,
    pub(crate) parents: Vec<S::Of<NetworkId>>,
    pub(crate) text: S::Of<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase")]
pub(crate) struct HostOutputs<S: Stage> {
    pub(crate) id: S::Of<HostId>,
}

/// Both kinds call alike; only their types differ.
macro_rules! resource {
    ($name:ident, $outputs:ident, $kind:literal, $settle:expr, $claim:expr) => {
        impl Declares for $name<Declared> {
            type Resolved = $name<Resolved>;
        }

        #[async_trait]
        impl Resource for $name<Resolved> {
            const KIND: &'static str = $kind;
            const FACTS: Facts = FACTS;
            const SETTLE: Settle = $settle;
            type Context = Cloud;
            type Declared = $name<Declared>;
            type Outputs<S: Stage> = $outputs<S>;

            fn claim(&self) -> Option<String> {
                let claim: fn(&Self) -> Option<String> = $claim;
                claim(self)
            }

            async fn find(
                &self,
                cx: &Cloud,
                search: &Search,
            ) -> Result<Option<$outputs<Resolved>>, CallError> {
                let (properties, search) = (json!(self), search.clone());
                let found = cx.look(move |inner| inner.find(spec($kind), &search, &properties)).await?;
                Ok(found.as_ref().map(typed))
            }

            async fn create(&self, cx: &Cloud, intent: &Intent) -> Result<$outputs<Resolved>, CallError> {
                let (properties, sent, intent) = (json!(self), json!(self), intent.clone());
                let at = intent.address.to_string();
                let effect = move |inner: &mut Inner| {
                    inner.create(spec($kind), intent.address.as_str(), &intent.token, &properties)
                };
                Ok(typed(&cx.mutate("create", &at, sent, effect).await?))
            }

            async fn poll_ready(
                cx: &Cloud,
                outputs: &$outputs<Resolved>,
            ) -> Result<Readiness<$outputs<Resolved>>, CallError> {
                let outputs = json!(outputs);
                Ok(match cx.look(move |inner| readiness(inner, &outputs)).await? {
                    None => Readiness::Failed("failed".to_owned()),
                    Some((true, outputs)) => Readiness::Ready(typed(&outputs)),
                    Some((false, _)) => Readiness::Pending("pending".to_owned()),
                })
            }

            async fn read(
                &self,
                cx: &Cloud,
                outputs: &$outputs<Resolved>,
            ) -> Result<Option<Self>, CallError> {
                let outputs = json!(outputs);
                Ok(cx.look(move |inner| Ok(live(inner, &outputs))).await?.as_ref().map(typed))
            }

            async fn update(
                &self,
                cx: &Cloud,
                outputs: &$outputs<Resolved>,
                changed: &Changed<Self>,
            ) -> Result<$outputs<Resolved>, CallError> {
                assert!(changed.properties.iter().all(|property| changed.has(property)));
                let at = format!("tier/{}", self.name);
                let (properties, outputs, changed) =
                    (json!(self), json!(outputs), changed.properties.clone());
                let effect = move |inner: &mut Inner| inner.update(&outputs, &properties, &changed);
                Ok(typed(&cx.mutate("update", &at, json!(self), effect).await?))
            }

            async fn delete(&self, cx: &Cloud, outputs: &$outputs<Resolved>) -> Result<(), CallError> {
                let (at, outputs) = (format!("tier/{}", self.name), json!(outputs));
                cx.mutate("delete", &at, Value::Null, move |inner| inner.delete(spec($kind), &outputs)).await
            }

            async fn poll_gone(&self, cx: &Cloud, outputs: &$outputs<Resolved>) -> Result<bool, CallError> {
                let outputs = json!(outputs);
                cx.look(move |inner| Ok(is_gone(inner, &outputs))).await
            }
        }
    };
}

resource!(Network, NetworkOutputs, "Test::SlowKey", Settle::Key, |network| Some(network.name.clone()));
resource!(Host, HostOutputs, "Test::SlowTag", Settle::Tag, |_| None);

/// Another crate's idea of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase")]
struct Cable<S: Stage = Declared> {
    name: S::Of<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase")]
struct CableOutputs<S: Stage> {
    id: S::Of<NetworkId>,
}

resource!(Cable, CableOutputs, "Test::SlowKey", Settle::Key, |cable| Some(cable.name.clone()));

#[test]
#[should_panic(expected = "Test::SlowKey is registered for two types: ")]
fn a_second_type_of_a_kind_is_a_defect_and_the_same_one_is_not() {
    let mut registry = registry(&FakeCloud::default(), &Life::default());
    registry.register::<Network<Resolved>>();
    registry.register::<Cable<Resolved>>();
}

/// A tier of one network and some hosts.
pub(crate) struct Tier {
    pub(crate) size: u32,
    pub(crate) hosts: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase")]
pub(crate) struct TierOutputs<S: Stage> {
    pub(crate) network: S::Of<NetworkId>,
    pub(crate) hosts: Vec<S::Of<HostId>>,
}

impl Component for Tier {
    const NAME: &'static str = "tier";
    type Inputs = engine::Input<String>;
    type Outputs<S: Stage> = TierOutputs<S>;

    fn declare(
        &self,
        scope: &mut Scope,
        greeting: &Self::Inputs,
    ) -> Result<TierOutputs<Declared>, DeclareError> {
        if self.hosts > 9 {
            return Err(DeclareError::argument("hosts", "12 are too many", "at most 9"));
        }
        let network = scope.add("network", Network { name: "network".to_owned(), size: self.size.into() })?;
        let mut hosts = Vec::new();
        for number in 0..self.hosts {
            let host = Host {
                name: format!("host-{number}"),
                parents: vec![network.id.clone()],
                text: engine::Input::join([greeting.into(), " ".into(), (&network.endpoint).into()]),
            };
            hosts.push(scope.add(&format!("host-{number}"), host)?.id);
        }
        Ok(TierOutputs { network: network.id, hosts })
    }
}
