//! Whether what is known of a kind is true.

use std::collections::BTreeMap;

use aws::tags;
use engine::{Address, Contents, ForeignId, How, Intent, Keep, Loss, Readiness, Tagging};
use serde_json::Value;

use super::bench::Bench;
use super::{Broken, hold};
use crate::identity;

/// Name, import id, reads and contents of the subject.
pub(super) async fn are_true(bench: &Bench) -> Result<(), Broken> {
    let facts = bench.kind().facts();
    let recorded = bench.recorded().await?;
    if let Some(name) = facts.name.property() {
        let named = recorded.properties.get(name).is_some_and(Value::is_string);
        hold!(named, "its name should be in {name}: {}", recorded.properties);
    }
    let parts = |id: &str| id.split('|').count();
    let id = facts.import.of(&recorded.properties, &recorded.outputs);
    let whole = id.as_deref().is_some_and(|id| parts(id) == parts(facts.import.example));
    hold!(whole, "the import id is {id:?}, the example {}", facts.import.example);

    is_found_by(bench, &recorded.properties, &recorded.outputs, &id.unwrap_or_default()).await?;

    bench.emulator.clear_calls();
    bench.live(&recorded).await?;
    let calls: Vec<_> = bench.emulator.calls().into_iter().map(|call| call.operation).collect();
    let most = usize::try_from(facts.reads.most).unwrap_or(usize::MAX);
    let least = usize::try_from(facts.reads.least).unwrap_or(usize::MAX);
    hold!((least..=most).contains(&calls.len()), "a read should make {least} to {most} calls: {calls:?}");

    if facts.loss != Loss::Nothing {
        let contents = bench.kind().contents(&recorded.properties, &recorded.outputs).await;
        // Where a look decides whether the object may go, it must tell that nothing is there.
        let decides = |keep: &Keep| keep.how == How::ForbidUnlessEmpty;
        let told = match facts.keeps.iter().any(decides) {
            true => contents == Ok(Contents::Empty),
            false => matches!(contents, Ok(Contents::Empty | Contents::Unknown)),
        };
        hold!(told, "contents of a new object: {contents:?}");
    }
    Ok(())
}

/// Somebody who has only the id must get to the same object, also where the declaration does not lead there.
async fn is_found_by(bench: &Bench, properties: &Value, outputs: &Value, id: &str) -> Result<(), Broken> {
    let kind = bench.kind();
    let address = Address::new(bench.subject.address()).map_err(|error| error.to_string())?;
    let form = kind.facts().import;
    let Some(named) = ForeignId::parse(&address, &form, id) else {
        return Err(format!("the import id {id} has not the form of {}", form.example));
    };
    let found = kind.identify(properties, &named).await.map_err(|error| format!("identify {id}: {error}"))?;
    let Some((_, found)) = found else { return Err(format!("nothing is found by the import id {id}")) };
    let ready = kind.poll_ready(&found).await.map_err(|error| format!("after identify {id}: {error}"))?;
    let Readiness::Ready(found) = ready else {
        return Err(format!("what is found by the import id {id} is not ready: {ready:?}"));
    };
    for (name, is) in outputs.as_object().into_iter().flatten() {
        let same = found.get(name) == Some(is) || kind.volatile().contains(&name.as_str());
        hold!(same, "by the import id {id}, {name} is {:?}, not {is}", found.get(name));
    }
    Ok(())
}

/// The tags of an object right after it is created.
pub(super) async fn tags(bench: &Bench) -> Result<(), Broken> {
    let entry = &bench.subject.entry;
    if entry.stays {
        return Ok(());
    }
    let before = bench.objects().await;
    let properties = bench.resolved(&bench.subject.properties()).await?;
    let address = Address::new(bench.subject.address()).map_err(|error| error.to_string())?;
    let intent = Intent { address, token: "0123456789abcdef0123456789abcdef".to_owned() };
    bench.kind().create(&properties, &intent).await.map_err(|error| format!("create: {error}"))?;
    let objects = bench.emulator.objects().await.map_err(|error| error.to_string())?;
    let is_new = |object: &&emulator::Object| {
        object.kind == entry.kind
            && !object.made_by_default
            && !before.contains(&(object.kind.clone(), object.id.clone()))
    };
    let Some(object) = objects.iter().find(is_new) else {
        hold!(bench.kind().facts().tags == Tagging::None, "there is no object of this kind: {objects:?}");
        return Ok(());
    };

    let mut wanted = BTreeMap::new();
    if bench.kind().facts().tags != Tagging::None {
        let identity = identity();
        wanted.insert(tags::PROJECT.to_owned(), identity.project);
        wanted.insert(tags::ENVIRONMENT.to_owned(), identity.environment);
        wanted.insert(tags::ADDRESS.to_owned(), intent.address.to_string());
        wanted.insert(tags::INTENT.to_owned(), intent.token);
    }
    if let Tagging::WithCreate(property) = bench.kind().facts().tags {
        let declared = declared(&properties[property]);
        hold!(!declared.is_empty(), "the entry should declare tags");
        wanted.extend(declared);
    }
    hold!(object.tags == wanted, "it has the tags {:?}, and should have {wanted:?}", object.tags);
    Ok(())
}

/// Tags as a list of keys and values, or as a map.
fn declared(tags: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match tags {
        Value::Array(list) => list.iter().map(|tag| (text(&tag["Key"]), text(&tag["Value"]))).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
        _ => BTreeMap::new(),
    }
}
