//! `stack state list`: what is recorded, a line a resource.

use engine::{Address, Graph, InvalidSelector, Object, Phase, Selector, Slot, State};
use serde_json::{Value, json};

use crate::codes::Code;
use crate::exit::{Exit, Failure};
use crate::output::{Lines, note, print, print_json};
use crate::run::Work;
use crate::state_records::{Ids, Row, only_intended, rows};

/// How far an object has come, in words; `None` for one that is as it should be.
pub(crate) fn unfinished(object: &Object) -> Option<&'static str> {
    match object.phase {
        _ if object.removing => Some("being deleted"),
        Phase::Creating => Some("being created"),
        Phase::Changing => Some("being changed"),
        Phase::Broken => Some("broken"),
        Phase::Ready => None,
    }
}

/// The same for programs.
pub(crate) fn phase(object: &Object) -> &'static str {
    match object.phase {
        Phase::Creating => "creating",
        Phase::Ready => "ready",
        Phase::Changing => "changing",
        Phase::Broken => "broken",
    }
}

/// Who protects an object, beside AWS.
pub(crate) fn protection(by_itself: bool, declared: bool) -> Option<&'static str> {
    match (by_itself, declared) {
        (true, true) => Some("protected, also as configured"),
        (true, false) => Some("protected"),
        (false, true) => Some("protected as configured"),
        (false, false) => None,
    }
}

fn remarks(state: &State, address: &Address, object: &Object, is_replaced: bool) -> String {
    let parts = [
        is_replaced.then_some("replaced, not deleted yet"),
        unfinished(object),
        protection(state.is_protected(address.as_str()), object.protect),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What an address without an object has to say.
fn intended(address: &Address, slot: &Slot) -> Option<(Row, String)> {
    let kind = only_intended(slot)?.to_owned();
    let row = Row { address: address.clone(), kind, id: None };
    Some((row, "its creation was begun; the next `up` finds out".to_owned()))
}

impl Work {
    pub(crate) async fn list_state(&self, what: Option<&str>) -> Result<Exit, Failure> {
        let state = self.recorded_resources().await?;
        let selector: Selector = match what {
            None => Selector::all(),
            Some(what) => what.parse().map_err(|error: InvalidSelector| {
                Failure::from_error(Exit::Usage, &error).coded(Code::CommandLine)
            })?,
        };
        let selection = selector.resolve(&Graph::default(), &state);
        let ids = self.ids()?;
        let slots: Vec<(&Address, &Slot)> =
            state.slots().filter(|(address, _)| selection.contains(address.as_str())).collect();
        if let (true, Some(what)) = (slots.is_empty(), what) {
            let message = format!("nothing recorded matches `{}`", engine::visible(what));
            return Err(Failure::new(Exit::Configuration, message)
                .coded(Code::NothingRecorded)
                .hint("`stack state list` lists everything; `*` stands for any text"));
        }
        // What is protected, and has no object: it disappeared, and is protected again once it is made again.
        let waiting: Vec<&Address> = state
            .protected()
            .filter(|address| what.is_none() && state.slot(address.as_str()).is_none())
            .collect();
        if self.options.json {
            let mut all: Vec<Value> = Vec::new();
            for (address, slot) in slots {
                all.extend(resource_json(&ids, &state, address, slot));
            }
            print_json(&Value::Array(all))?;
            return Ok(Exit::Done);
        }
        let mut table = Vec::new();
        for (address, slot) in &slots {
            let objects = slot.current.iter().chain(&slot.deposed);
            for ((row, is_replaced), object) in Work::rows_of(&ids, address, slot).into_iter().zip(objects) {
                table.push((row, remarks(&state, address, object, is_replaced)));
            }
            table.extend(intended(address, slot));
        }
        let mut lines = Lines::new();
        rows(&mut lines, "", &table);
        print(&lines)?;
        for address in waiting {
            note(&format!("{address} is protected, and nothing is recorded there now"));
        }
        let of = match what {
            Some(_) => format!(" of {}", state.slots().count()),
            None => String::new(),
        };
        let counted = if what.is_some() { state.slots().count() } else { slots.len() };
        let resources = if counted == 1 { "resource" } else { "resources" };
        note(&format!("{}: {}{of} {resources}", self.title(), slots.len()));
        Ok(Exit::Done)
    }
}

fn resource_json(ids: &Ids, state: &State, address: &Address, slot: &Slot) -> Vec<Value> {
    let one = |object: &Object, is_replaced: bool| {
        json!({
            "address": address,
            "kind": object.kind,
            "id": ids.of(object),
            "phase": phase(object),
            "replaced": is_replaced,
            "protected": state.is_protected(address.as_str()),
            "protected_as_configured": object.protect,
        })
    };
    let current = slot.current.iter().map(|object| one(object, false));
    let all = current.chain(slot.deposed.iter().map(|object| one(object, true)));
    let begun = only_intended(slot).map(|kind| {
        json!({
            "address": address,
            "kind": kind,
            "id": null,
            "phase": "intended",
            "replaced": false,
            "protected": state.is_protected(address.as_str()),
            "protected_as_configured": slot.open.iter().any(|open| open.protect),
        })
    });
    all.chain(begun).collect()
}
