//! `stack state show`: all that is recorded of one resource.

use engine::{Did, History, Object, Older, PastRun, Slot, State, Which};
use secrets::masked;
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::history::short;
use crate::output::{Lines, print, print_json};
use crate::run::Work;
use crate::state_list::{phase, protection, unfinished};
use crate::state_records::{Ids, addresses, meant, only_intended};
use crate::time::rfc3339;

/// When a run did something to a resource.
struct When<'r> {
    at: u64,
    run: &'r PastRun,
}

impl When<'_> {
    fn text(&self) -> String {
        let purpose =
            self.run.purpose.as_deref().map_or(String::new(), |purpose| {
                format!(" ({})", purpose.split(", ").next().unwrap_or(purpose))
            });
        format!("{} by run {}{purpose}", rfc3339(self.at), short(&self.run.id))
    }

    fn json(&self) -> Value {
        json!({ "at": rfc3339(self.at), "run": self.run.id })
    }
}

/// When the object was made and last changed, as far as the journal goes back.
fn times<'r>(
    state: &State,
    history: &'r History,
    address: &str,
    object: &Object,
) -> (Option<When<'r>>, Option<When<'r>>) {
    let own = object.seq.record();
    // From then on, changes are those of the object that replaced it.
    let others = state.slot(address).into_iter().flat_map(Slot::objects);
    let until = others.map(|other| other.seq.record()).filter(|other| *other > own).min();
    // The oldest first.
    let steps = history.runs.iter().rev().flat_map(|run| run.steps.iter().map(move |step| (run, step)));
    let (mut created, mut changed) = (None, None);
    for (run, step) in
        steps.filter(|(_, step)| step.address.as_ref().is_some_and(|it| it.as_str() == address))
    {
        let Some(at) = step.ended else { continue };
        match step.did {
            Did::Created | Did::Adopted if step.record == own => created = Some(When { at, run }),
            Did::Changed | Did::LookedUp { .. } | Did::Recorded
                if step.record > own && until.is_none_or(|until| step.record < until) =>
            {
                changed = Some(When { at, run });
            }
            _ => {}
        }
    }
    (created, changed)
}

impl Work {
    pub(crate) async fn show_resource(&self, text: &str) -> Result<Exit, Failure> {
        let state = self.recorded_resources().await?;
        let address = meant(text, &addresses(&state))?;
        let Some(slot) = state.slot(address.as_str()) else { return Ok(Exit::Done) };
        let ids = self.ids()?;
        let oldest = slot.objects().map(|object| object.seq.record()).min();
        let history = match oldest {
            Some(record) => self.past(&Which::Since(record)).await?,
            None => History { runs: Vec::new(), older: Older::Nothing },
        };
        if self.options.json {
            let objects: Vec<Value> = slot
                .objects()
                .map(|object| object_json(&ids, &state, &history, address.as_str(), object))
                .collect();
            print_json(&json!({
                "address": address,
                "protected": state.is_protected(address.as_str()),
                "needed_by": needed_by(&state, address.as_str()),
                "open": slot.open.iter().map(|open| json!({
                    "operation": open.mutation.operation(),
                    "record": open.seq.record(),
                    "properties": masked(&open.properties),
                })).collect::<Vec<_>>(),
                "objects": objects,
            }))?;
            return Ok(Exit::Done);
        }
        let mut lines = Lines::new();
        lines.line(format!("address       {address}"));
        if let Some(kind) = only_intended(slot) {
            lines.line(format!("kind          {kind}"));
        }
        for (position, object) in slot.objects().enumerate() {
            if position > 0 {
                lines.end().line("replaced, and not deleted yet:");
            }
            lines.append(&object_lines(&ids, &state, &history, address.as_str(), object));
        }
        for open in &slot.open {
            lines.line(format!(
                "open          {} (record {}): how it ended is not known; the next run looks it up",
                open.mutation.operation(),
                open.seq
            ));
        }
        print(&lines)?;
        Ok(Exit::Done)
    }
}

fn needed_by(state: &State, address: &str) -> Vec<String> {
    let needs = |object: &Object| object.dependencies.iter().any(|needed| needed.as_str() == address);
    let mut all: Vec<String> =
        state.objects().filter(|(_, object)| needs(object)).map(|(by, _)| by.to_string()).collect();
    all.dedup();
    all
}

fn object_lines(ids: &Ids, state: &State, history: &History, address: &str, object: &Object) -> Lines {
    let mut lines = Lines::new();
    let (created, changed) = times(state, history, address, object);
    lines.line(format!("kind          {}", object.kind));
    lines.line(format!("id            {}", ids.of(object).as_deref().unwrap_or("not known yet")));
    lines.line(format!("state         {}", unfinished(object).unwrap_or("ready")));
    let protected = protection(state.is_protected(address), object.protect);
    let protected = protected.map_or("no", |text| {
        text.strip_prefix("protected").map_or(text, |more| match more {
            "" => "yes",
            more => more.trim_start_matches([',', ' ']),
        })
    });
    lines.line(format!("protected     {protected}"));
    let adopted = if object.adopted { "adopted       " } else { "created       " };
    let unknown = "not known: the journal does not go back that far";
    lines.line(format!("{adopted}{}", created.map_or(unknown.to_owned(), |when| when.text())));
    if let Some(changed) = changed {
        lines.line(format!("last changed  {}", changed.text()));
    }
    if let Some(former) = &object.made_at {
        lines.line(format!("made as       {former}"));
    }
    let names = |label: &str, names: Vec<String>| match names.is_empty() {
        true => String::new(),
        false => format!("{label}{}", names.join(", ")),
    };
    let needs: Vec<String> = object.dependencies.iter().map(ToString::to_string).collect();
    for line in [names("depends on    ", needs), names("needed by     ", needed_by(state, address))] {
        if !line.is_empty() {
            lines.line(line);
        }
    }
    for (label, value) in [("properties", &object.properties), ("outputs", &object.outputs)] {
        lines.line(label);
        for line in format!("{:#}", masked(value)).lines() {
            lines.line(format!("  {line}"));
        }
    }
    lines
}

fn object_json(ids: &Ids, state: &State, history: &History, address: &str, object: &Object) -> Value {
    let (created, changed) = times(state, history, address, object);
    let is_current = state.current(address).is_some_and(|current| current.seq == object.seq);
    json!({
        "kind": object.kind,
        "id": ids.of(object),
        "phase": phase(object),
        "replaced": !is_current,
        "protected_as_configured": object.protect,
        "adopted": object.adopted,
        "created": created.as_ref().map(When::json),
        "last_changed": changed.as_ref().map(When::json),
        "made_at": object.made_at,
        "dependencies": object.dependencies,
        "properties": masked(&object.properties),
        "outputs": masked(&object.outputs),
    })
}
