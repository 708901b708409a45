//! The fake cloud as one process sees it: the engine's provider.

use std::collections::HashMap;

use async_trait::async_trait;
use engine::{CallError, Contents, Facts, Intent, Kind, Order, Provider, Readiness, Search, Settle};
use serde_json::Value;
use tokio::time::Instant;

use crate::facts::{CIPHER, contents, facts};
use crate::fake_cloud::{
    Call, FakeCloud, GROUP, HELD, KINDS, MEMBER, PART, REVISION, Spec, is_gone, live, readiness,
};
use crate::life::Life;

/// All kinds of the fake cloud, for one process.
pub(crate) struct Client {
    kinds: HashMap<&'static str, FakeKind>,
}

impl Client {
    pub(crate) fn new(cloud: &FakeCloud, life: &Life) -> Self {
        let kind = |spec: &Spec| FakeKind {
            cloud: cloud.clone(),
            life: life.clone(),
            spec: *spec,
            facts: facts(spec),
        };
        Self {
            kinds: KINDS
                .iter()
                .chain([&REVISION, &CIPHER, &GROUP, &MEMBER, &HELD, &PART])
                .map(|spec| (spec.name, kind(spec)))
                .collect(),
        }
    }

    /// Without one kind: an older program.
    pub(crate) fn without(mut self, kind: &str) -> Self {
        self.kinds.remove(kind);
        self
    }
}

impl Provider for Client {
    fn kind(&self, name: &str) -> Option<&dyn Kind> {
        Some(self.kinds.get(name)?)
    }
}

struct FakeKind {
    cloud: FakeCloud,
    life: Life,
    spec: Spec,
    facts: Facts,
}

impl FakeKind {
    fn address_of(&self, outputs: &Value) -> String {
        self.cloud.lock().by_id(outputs).map(|thing| thing.address.clone()).unwrap_or_default()
    }
}

#[async_trait]
impl Kind for FakeKind {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn settle(&self) -> Settle {
        self.spec.settle
    }

    fn is_revision(&self) -> bool {
        self.spec == REVISION
    }

    fn volatile(&self) -> &[&'static str] {
        &["Version"]
    }

    fn order(&self) -> Order {
        let widened_first: &[&str] = if self.spec == GROUP { &["Mentions", "Grants"] } else { &[] };
        Order {
            widened_first,
            relieved: self.spec == MEMBER,
            held: self.spec == HELD,
            held_by: if self.spec == HELD { &["Test::Token"] } else { &[] },
            part_of: (self.spec == PART).then_some(HELD.name),
        }
    }

    fn properties(&self) -> &'static [&'static str] {
        &[]
    }

    fn outputs(&self) -> &'static [&'static str] {
        &[]
    }

    fn claim(&self, properties: &Value) -> Option<String> {
        let named = self.spec.settle == Settle::Key;
        named.then(|| properties.get("Name")?.as_str().map(str::to_owned)).flatten()
    }

    fn coexists(&self, _: &Value, _: &Value) -> bool {
        false
    }

    async fn find(&self, properties: &Value, search: &Search) -> Result<Option<Value>, CallError> {
        let (spec, search, properties) = (self.spec, search.clone(), properties.clone());
        self.cloud.call(&self.life, None, move |inner| inner.find(spec, &search, &properties)).await
    }

    async fn create(&self, properties: &Value, intent: &Intent) -> Result<Value, CallError> {
        let (spec, intent, properties) = (self.spec, intent.clone(), properties.clone());
        let call = Call {
            by: self.life.clone(),
            what: "create",
            address: intent.address.to_string(),
            properties: properties.clone(),
            at: Instant::now(),
        };
        let effect = move |inner: &mut crate::fake_cloud::Inner| {
            inner.create(spec, intent.address.as_str(), &intent.token, &properties)
        };
        self.cloud.call(&self.life, Some(call), effect).await
    }

    async fn poll_ready(&self, outputs: &Value) -> Result<Readiness<Value>, CallError> {
        let outputs = outputs.clone();
        let seen = self.cloud.call(&self.life, None, move |inner| readiness(inner, &outputs)).await?;
        Ok(match seen {
            None => Readiness::Failed("failed".to_owned()),
            Some((true, outputs)) => Readiness::Ready(outputs),
            Some((false, _)) => Readiness::Pending("pending".to_owned()),
        })
    }

    async fn configure(&self, _: &Value, _: &Value) -> Result<(), CallError> {
        Ok(())
    }

    async fn read(&self, _: &Value, outputs: &Value) -> Result<Option<Value>, CallError> {
        let outputs = outputs.clone();
        self.cloud.call(&self.life, None, move |inner| Ok(live(inner, &outputs))).await
    }

    async fn update(
        &self,
        properties: &Value,
        outputs: &Value,
        _: &Value,
        changed: Vec<String>,
    ) -> Result<Value, CallError> {
        let (properties, outputs) = (properties.clone(), outputs.clone());
        let call = Call {
            by: self.life.clone(),
            what: "update",
            address: self.address_of(&outputs),
            properties: properties.clone(),
            at: Instant::now(),
        };
        let effect =
            move |inner: &mut crate::fake_cloud::Inner| inner.update(&outputs, &properties, &changed);
        self.cloud.call(&self.life, Some(call), effect).await
    }

    /// Not counted as a call, so that faults and deaths hit what they are meant for.
    async fn contents(&self, _: &Value, outputs: &Value) -> Result<Contents, CallError> {
        Ok(contents(&self.cloud.lock(), outputs))
    }

    async fn delete(&self, properties: &Value, outputs: &Value) -> Result<(), CallError> {
        let (spec, outputs) = (self.spec, outputs.clone());
        let call = Call {
            by: self.life.clone(),
            what: "delete",
            address: self.address_of(&outputs),
            properties: properties.clone(),
            at: Instant::now(),
        };
        self.cloud.call(&self.life, Some(call), move |inner| inner.delete(spec, &outputs)).await
    }

    async fn poll_gone(&self, _: &Value, outputs: &Value) -> Result<bool, CallError> {
        let outputs = outputs.clone();
        self.cloud.call(&self.life, None, move |inner| Ok(is_gone(inner, &outputs))).await
    }
}
