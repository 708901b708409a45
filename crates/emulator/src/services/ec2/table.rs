//! Objects of one kind by id, with what time still has to bring to each.
//!
//! EC2 is eventually consistent (EC2 Developer Guide, "Eventual consistency"): an object that was just made may not
//! be found yet. So there are two ways to look: [`Table::seen`] and its kin are what a caller may know, by whom an
//! id that is too new does not exist; [`Table::values`] and its kin are the truth, which decides what depends on
//! what. A state that an object will reach is kept with the time at which it will, so it survives on disk and is the
//! same in every process; nothing happens until somebody looks ([`Table::due`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Cx;
use super::describe::Record;

/// Objects of one kind.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Table<R>(BTreeMap<String, Row<R>>);

#[derive(Clone, Serialize, Deserialize)]
struct Row<R> {
    #[serde(flatten)]
    record: R,
    /// Until when the object is not found, in milliseconds since 1970.
    #[serde(rename = "_unseenUntil", default, skip_serializing_if = "Option::is_none")]
    unseen_until: Option<i64>,
    #[serde(rename = "_next", default, skip_serializing_if = "Option::is_none")]
    next: Option<Next>,
}

/// A state that an object will reach.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Next {
    pub(super) state: String,
    /// When, in milliseconds since 1970.
    pub(super) at_millis: i64,
}

impl<R: Record> Table<R> {
    pub(super) fn new() -> Self {
        Table(BTreeMap::new())
    }

    /// Adds an object that will be seen when EC2 shows it.
    pub(super) fn create(&mut self, cx: &Cx<'_>, record: R) {
        let unseen_until = cx.unseen_until::<R>(record.id());
        self.create_unseen(unseen_until, record);
    }

    /// Adds an object that will be seen at the time given, which is that of the object it comes with.
    pub(super) fn create_unseen(&mut self, unseen_until: Option<i64>, record: R) {
        self.0.insert(record.id().to_owned(), Row { record, unseen_until, next: None });
    }

    /// Notes the state that an object will reach next.
    pub(super) fn will_be(&mut self, id: &str, state: &str, at_millis: i64) {
        if let Some(row) = self.0.get_mut(id) {
            row.next = Some(Next { state: state.to_owned(), at_millis });
        }
    }

    /// What has become due: states that objects have now reached, in the order in which they did. Objects whose time
    /// has come are seen from now on.
    pub(super) fn due(&mut self, now_millis: i64) -> Vec<(String, Next)> {
        let mut due = Vec::new();
        for (id, row) in &mut self.0 {
            row.unseen_until.take_if(|until| *until <= now_millis);
            due.extend(row.next.take_if(|next| next.at_millis <= now_millis).map(|next| (id.clone(), next)));
        }
        due.sort_by_key(|(_, next)| next.at_millis);
        due
    }

    /// The object with an id, if a caller may know it.
    pub(super) fn seen(&self, id: &str) -> Option<&R> {
        self.0.get(id).filter(|row| row.unseen_until.is_none()).map(|row| &row.record)
    }

    /// The same, to be changed.
    pub(super) fn seen_mut(&mut self, id: &str) -> Option<&mut R> {
        self.0.get_mut(id).filter(|row| row.unseen_until.is_none()).map(|row| &mut row.record)
    }

    /// The objects that a caller may know.
    pub(super) fn seen_values(&self) -> impl Iterator<Item = &R> {
        self.0.values().filter(|row| row.unseen_until.is_none()).map(|row| &row.record)
    }

    /// The object with an id.
    pub(super) fn get(&self, id: &str) -> Option<&R> {
        self.0.get(id).map(|row| &row.record)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut R> {
        self.0.get_mut(id).map(|row| &mut row.record)
    }

    pub(super) fn contains_key(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// All objects.
    pub(super) fn values(&self) -> impl Iterator<Item = &R> {
        self.0.values().map(|row| &row.record)
    }

    /// All objects, to be changed.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut R> {
        self.0.values_mut().map(|row| &mut row.record)
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Removes all objects but those that are wanted.
    pub(super) fn retain(&mut self, mut wanted: impl FnMut(&R) -> bool) {
        self.0.retain(|_, row| wanted(&row.record));
    }
}
