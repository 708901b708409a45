//! From the creation of an object to its deletion, with every change on the way.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::{Action, Change, Drift, Note, Object, Plan, Selector};
use serde_json::Value;

use super::bench::{Bench, Saved, difference, text};
use super::entry::differing;
use super::{Broken, hold};

/// Creates the subject. The moment after, and the calls that it took.
pub(super) async fn created(bench: &Bench) -> Result<(Saved, Vec<String>), Broken> {
    let base = bench.subject.properties();
    let applied = bench.bring(Some(&base)).await?;
    let step = bench.only_step(&applied.plan)?;
    hold!(step.action == Action::Create, "the plan says {}", text(&applied.plan));
    bench.reads_as(&base).await?;
    Ok((bench.save().await?, applied.calls))
}

/// There is nothing to do, and doing it sends nothing.
pub(super) async fn settled(bench: &Bench) -> Result<(), Broken> {
    let base = bench.subject.properties();
    bench.is_done(&base).await?;
    let applied = bench.bring(Some(&base)).await?;
    hold!(applied.calls.is_empty(), "it sends {:?}", applied.calls);
    // A run that is killed configures once more.
    let recorded = bench.recorded().await?;
    let configured = bench.kind().configure(&recorded.properties, &recorded.outputs).await;
    hold!(configured == Ok(()), "configured once more: {configured:?}");
    bench.reads_as(&base).await?;
    bench.is_done(&base).await
}

fn only_changes(bench: &Bench, plan: &Plan, properties: &BTreeSet<&str>) -> Result<(), Broken> {
    let step = bench.only_step(plan)?;
    let changed: BTreeSet<_> = step.changes.iter().map(engine::PropertyChange::property).collect();
    let alone = step.action == Action::Update && changed == *properties;
    hold!(alone, "the plan says {}", text(plan));
    Ok(())
}

/// A property is changed and changed back. The calls of the change, and the moment after it.
pub(super) async fn changed(
    bench: &Bench,
    property: &str,
    other: &Value,
) -> Result<(Vec<String>, Saved), Broken> {
    let base = bench.subject.properties();
    let properties = &differing(&base, other);
    let made = bench.save().await?;
    only_changes(bench, &bench.plan(Some(other)).await?, properties)?;
    let applied = bench.bring(Some(other)).await?;
    hold!(!applied.calls.is_empty(), "it sends nothing");
    bench.reads_as(other).await?;
    bench.is_done(other).await?;
    let then = bench.save().await?;
    if bench.subject.entry.one_way.contains(property) {
        return Ok((applied.calls, then));
    }
    only_changes(bench, &bench.plan(Some(&base)).await?, properties)
        .map_err(|reason| format!("back: {reason}"))?;
    bench.bring(Some(&base)).await.map_err(|reason| format!("back: {reason}"))?;
    bench.reads_as(&base).await.map_err(|reason| format!("back: {reason}"))?;
    bench.is_done(&base).await.map_err(|reason| format!("back: {reason}"))?;
    bench.as_many_as(&made).await?;
    Ok((applied.calls, then))
}

/// A property that AWS does not have: changing it is shown, recorded, and sends nothing.
pub(super) async fn only_recorded(bench: &Bench, property: &str, other: &Value) -> Result<(), Broken> {
    let plan = bench.plan(Some(other)).await?;
    let changes = &bench.only_step(&plan)?.changes;
    let shown = changes.iter().all(|change| change.property() == property);
    hold!(shown, "the plan says {}", text(&plan));
    let applied = bench.bring(Some(other)).await?;
    hold!(applied.calls.is_empty(), "it sends {:?}", applied.calls);
    bench.reads_as(other).await?;
    bench.is_done(other).await
}

/// Another value means another object.
pub(super) async fn replaced(bench: &Bench, other: &Value) -> Result<(), Broken> {
    let base = bench.subject.properties();
    let mut reasons = differing(&base, other);
    reasons.retain(|property| bench.kind().change(property) == Change::Replace);
    let made = bench.save().await?;
    for (wanted, way) in [(other, "there"), (&base, "back")] {
        let old = bench.recorded().await?;
        let plan = bench.plan(Some(wanted)).await?;
        let Action::Replace { because, .. } = &bench.only_step(&plan)?.action else {
            return Err(format!("{way}: the plan says {}", text(&plan)));
        };
        let because: BTreeSet<_> = because.iter().collect();
        hold!(because == reasons, "{way}: replaced because of {because:?}");
        bench.bring(Some(wanted)).await.map_err(|reason| format!("{way}: {reason}"))?;
        bench.reads_as(wanted).await.map_err(|reason| format!("{way}: {reason}"))?;
        bench.is_done(wanted).await.map_err(|reason| format!("{way}: {reason}"))?;
        if !bench.subject.entry.stays {
            bench.as_many_go_as(&made).await.map_err(|reason| format!("{way}: {reason}"))?;
            if bench.recorded().await?.outputs != old.outputs {
                gone(bench, &old).await.map_err(|reason| format!("{way}: the old one: {reason}"))?;
            }
        }
    }
    Ok(())
}

/// A property is changed by calls that the engine does not know of.
pub(super) async fn changed_behind_its_back(
    bench: &Bench,
    property: &str,
    other: &Value,
) -> Result<(), Broken> {
    let base = bench.subject.properties();
    // Where the property is not declared, the cloud may have any value, unless it is a closed one; where it is, none but this.
    let declared = base.get(property).is_some() || bench.kind().closed().contains(&property);
    let (wanted, wrong) = if declared { (&base, other) } else { (other, &base) };
    bench.bring(Some(wanted)).await?;
    let recorded = bench.recorded().await?;
    let live = bench.live(&recorded).await?.ok_or("there is no object")?;
    let wrong = bench.resolved(wrong).await?;
    let properties = &differing(&base, other);
    let changed = properties.iter().map(|name| (*name).to_owned()).collect();
    let updated = bench.kind().update(&wrong, &recorded.outputs, &live, changed).await;
    updated.map_err(|error| format!("update: {error}"))?;

    let drift = bench.engine.drift(&Selector::all()).await.map_err(|error| error.to_string())?;
    let seen: BTreeSet<_> = drift
        .iter()
        .flat_map(|drift| {
            let changes = drift.changes.iter().flatten();
            changes.map(|change| (drift.address.as_str(), change.property()))
        })
        .collect();
    if bench.subject.entry.not_seen.contains(property) {
        hold!(seen.is_empty(), "it is seen: {drift:?}");
        return Ok(());
    }
    // What is not declared is not looked at.
    let is_managed = |name: &&str| wanted.get(*name).is_some() || bench.kind().closed().contains(name);
    let managed: BTreeSet<_> = properties.iter().copied().filter(is_managed).collect();
    let expected = managed.iter().map(|name| (bench.subject.address(), *name)).collect();
    hold!(seen == expected, "the drift is {drift:?}");
    if bench.subject.entry.one_way.contains(property) {
        return Ok(());
    }
    let applied = bench.bring(Some(wanted)).await?;
    only_changes(bench, &applied.plan, &managed)?;
    bench.reads_as(wanted).await?;
    bench.is_done(wanted).await
}

/// Somebody changes a tag that says whose the object is: it is the same object, the tag is drift, and is put back.
pub(super) async fn tags_of_ours_changed(bench: &Bench) -> Result<(), Broken> {
    let base = bench.subject.properties();
    let recorded = bench.recorded().await?;
    let wanted = bench.kind().marked(&bench.address(), &recorded.properties);
    let properties = differing(&recorded.properties, &wanted);
    let [property] = *properties.iter().copied().collect::<Vec<_>>() else { return Ok(()) };
    let live = bench.live(&recorded).await?.ok_or("there is no object")?;
    let mut wrong = wanted.clone();
    match &mut wrong[property] {
        Value::Array(list) => {
            for tag in list.iter_mut().filter(|tag| tag["Key"] == aws::tags::PROJECT) {
                tag["Value"] = "somebody".into();
            }
        }
        map => map[aws::tags::PROJECT] = "somebody".into(),
    }
    let changed = vec![property.to_owned()];
    let updated = bench.kind().update(&wrong, &recorded.outputs, &live, changed).await;
    updated.map_err(|error| format!("update: {error}"))?;
    let drift = bench.engine.drift(&Selector::all()).await.map_err(|error| error.to_string())?;
    let changes: Vec<_> = drift.iter().flat_map(|drift| drift.changes.iter().flatten()).collect();
    let seen = changes.len() == 1 && changes[0].path.starts_with(property);
    hold!(seen && drift[0].address == bench.address(), "the drift is {drift:?}");
    let applied = bench.bring(Some(&base)).await?;
    only_changes(bench, &applied.plan, &[property].into())?;
    bench.reads_as(&base).await?;
    bench.is_done(&base).await
}

/// The object is deleted by calls that the engine does not know of.
pub(super) async fn deleted_behind_its_back(bench: &Bench) -> Result<(), Broken> {
    if bench.subject.entry.stays {
        return Ok(());
    }
    let base = bench.subject.properties();
    let made = bench.save().await?;
    delete(bench, &bench.recorded().await?).await?;

    let drift = bench.engine.drift(&Selector::all()).await.map_err(|error| error.to_string())?;
    let emptied = &bench.subject.entry.emptied;
    let gone = |drift: &Drift| match &drift.changes {
        None => emptied.is_empty(),
        Some(changes) => changes.iter().all(|change| emptied.contains(change.property())),
    };
    let missed = drift.len() == 1 && drift[0].address.as_str() == bench.subject.address() && gone(&drift[0]);
    hold!(missed, "the drift is {drift:?}");
    let applied = bench.bring(Some(&base)).await?;
    match emptied.is_empty() {
        false => only_changes(bench, &applied.plan, emptied)?,
        true => {
            let step = bench.only_step(&applied.plan)?;
            let again = step.action == Action::Create && step.note == Some(Note::Missing);
            hold!(again, "the plan says {}", text(&applied.plan));
        }
    }
    bench.reads_as(&base).await?;
    bench.is_done(&base).await?;
    bench.as_many_go_as(&made).await
}

/// Deletes an object and waits until it is gone, as the engine does.
async fn delete(bench: &Bench, object: &Object) -> Result<(), Broken> {
    let Object { properties, outputs, .. } = object;
    bench.kind().delete(properties, outputs).await.map_err(|error| format!("delete: {error}"))?;
    for _ in 0..bench.kind().facts().times.gone.longest {
        let gone = bench.kind().poll_gone(properties, outputs).await;
        if gone.map_err(|error| format!("poll_gone: {error}"))? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Err("it does not go".to_owned())
}

/// What is gone is deleted once more without an error.
async fn gone(bench: &Bench, object: &Object) -> Result<(), Broken> {
    let Object { properties, outputs, .. } = object;
    let gone = bench.kind().poll_gone(properties, outputs).await;
    hold!(gone == Ok(true), "poll_gone: {gone:?}");
    let deleted = bench.kind().delete(properties, outputs).await;
    hold!(deleted == Ok(()), "deleted once more: {deleted:?}");
    let live = bench.kind().read(properties, outputs).await;
    hold!(live == Ok(None) || !bench.subject.entry.emptied.is_empty(), "read: {live:?}");
    Ok(())
}

/// The subject is not declared any more. The calls that it took.
pub(super) async fn deleted(bench: &Bench, before: &Saved) -> Result<Vec<String>, Broken> {
    let object = bench.recorded().await?;
    let applied = bench.bring(None).await?;
    let step = bench.only_step(&applied.plan)?;
    hold!(step.action == Action::Delete, "the plan says {}", text(&applied.plan));
    hold!(bench.recorded().await.is_err(), "it is still recorded");
    let (left, before) = (bench.that_go(&bench.objects().await), bench.that_go(&before.objects));
    hold!(left == before, "left: {}", difference(&before, &left));
    if bench.subject.entry.stays {
        hold!(applied.calls.is_empty(), "it stays, and yet it sends {:?}", applied.calls);
    } else {
        gone(bench, &object).await?;
    }
    Ok(applied.calls)
}
