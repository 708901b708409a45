//! What is judged: a deployed stack, as it is recorded and as AWS shows it.

use std::collections::{BTreeMap, BTreeSet};

use aws::Place;
use engine::{Graph, Phase, Reading, Survey};
use serde_json::Value;

use crate::result::{Finding, Verdict};

/// A resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Its address, such as `vpc/flow-log`.
    pub address: String,
    /// Its kind: CloudFormation's name of the type.
    pub kind: String,
    /// The properties that were sent.
    pub recorded: Value,
    /// What AWS showed a moment ago.
    pub live: Reading,
}

/// A deployed stack.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The environment that is verified, such as `dev`.
    pub environment: String,
    /// The region that it was deployed to.
    pub region: String,
    /// The account that it was deployed to: twelve digits.
    pub account_id: String,
    /// The stack's outputs that are known.
    pub outputs: BTreeMap<String, Value>,
    /// Every recorded resource, but for what waits for its deletion.
    pub resources: Vec<Resource>,
    /// Addresses that are declared and at which nothing is recorded.
    pub missing: Vec<String>,
    /// What differs from what is recorded.
    pub drift: Vec<engine::Drift>,
    /// What an interrupted or failed run left unfinished: address, and what is unfinished, in words.
    pub unfinished: Vec<(String, String)>,
}

impl Subject {
    /// What a survey of the whole stack found, and what is missing of what is declared.
    #[must_use]
    pub fn new(environment: &str, place: &Place, declared: &Graph, survey: &Survey) -> Self {
        let Place { region, account_id, .. } = place;
        let current = |address: &str, seq| survey.state.current(address).is_some_and(|one| one.seq == seq);
        let mut resources = Vec::new();
        let mut unfinished = Vec::new();
        for (address, object, live) in survey.objects() {
            if !current(address.as_str(), object.seq) {
                unfinished.push((address.to_string(), "was replaced and is not deleted yet".to_owned()));
                continue;
            }
            match object.phase {
                Phase::Ready => {}
                Phase::Creating => unfinished.push((address.to_string(), "is not ready yet".to_owned())),
                Phase::Changing => {
                    unfinished.push((address.to_string(), "a change of it was interrupted".to_owned()));
                }
                Phase::Broken => unfinished.push((address.to_string(), "will never be ready".to_owned())),
            }
            resources.push(Resource {
                address: address.to_string(),
                kind: object.kind.clone(),
                recorded: object.properties.clone(),
                live: live.clone(),
            });
        }
        for (address, slot) in survey.state.slots() {
            for open in &slot.open {
                let what = format!("is in between: how its {} ended is not known", open.mutation.operation());
                unfinished.push((address.to_string(), what));
            }
        }
        let addresses = declared.nodes().iter().map(|declaration| declaration.address.as_str());
        let missing = addresses.filter(|address| survey.state.current(address).is_none());
        Self {
            environment: environment.to_owned(),
            missing: missing.map(str::to_owned).collect(),
            region: region.clone(),
            account_id: account_id.clone(),
            outputs: survey.state.exports(),
            resources,
            drift: survey.drift(),
            unfinished,
        }
    }

    /// An output, if it is known and a text.
    pub(crate) fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name)?.as_str()
    }

    /// All resources of these kinds.
    pub(crate) fn of<'a>(&'a self, kinds: &'a [&'a str]) -> impl Iterator<Item = &'a Resource> {
        self.resources.iter().filter(|resource| kinds.contains(&resource.kind.as_str()))
    }

    /// Judges every resource of these kinds by its live properties. Without one there is nothing to judge, because of
    /// `reason`. One that has disappeared, or that nobody may look at, is never as it should be.
    pub(crate) fn every(
        &self,
        kinds: &[&str],
        reason: &str,
        judge: impl Fn(&Resource, &Value) -> Vec<Finding>,
    ) -> Verdict {
        let mut judged = self.of(kinds).peekable();
        if judged.peek().is_none() {
            return Verdict::skipped(reason);
        }
        Verdict::Judged(judged.flat_map(|resource| resource.judged(&judge)).collect())
    }

    /// The first segments of all addresses.
    pub(crate) fn tiers(&self) -> BTreeSet<&str> {
        self.resources.iter().filter_map(|resource| resource.address.split('/').next()).collect()
    }
}

impl Resource {
    /// What is wrong with its live properties.
    pub(crate) fn judged(&self, judge: impl Fn(&Self, &Value) -> Vec<Finding>) -> Vec<Finding> {
        match self.found() {
            Some(live) => judge(self, live),
            None => self.unseen().into_iter().collect(),
        }
    }

    /// The properties that AWS showed.
    pub(crate) fn found(&self) -> Option<&Value> {
        match &self.live {
            Reading::Found(live) => Some(live),
            Reading::Missing | Reading::Denied(_) => None,
        }
    }

    /// The best that is known of what exists: where AWS does not show it, what was sent.
    pub(crate) fn known(&self) -> Option<&Value> {
        match &self.live {
            Reading::Found(live) => Some(live),
            Reading::Missing => None,
            Reading::Denied(_) => Some(&self.recorded),
        }
    }

    /// Why AWS showed nothing, if it did not.
    pub(crate) fn unseen(&self) -> Option<Finding> {
        let finding = |found: String| Finding::new(&self.address, &self.kind, found);
        match &self.live {
            Reading::Found(_) => None,
            Reading::Missing => Some(finding("nothing: it has disappeared".to_owned())),
            Reading::Denied(answer) => {
                Some(finding(format!("this identity may not look: {answer}")).denied())
            }
        }
    }

    /// A finding about one property.
    pub(crate) fn wrong(&self, property: &str, expected: &str, found: &Value) -> Finding {
        let found = match found {
            Value::Null => "not set".to_owned(),
            found => brief(&found.to_string()),
        };
        Finding::new(&self.address, format!("{property}: {expected}"), found)
    }

    /// A finding, unless the property has this value.
    pub(crate) fn must_be(&self, live: &Value, property: &str, wanted: &Value) -> Option<Finding> {
        let found = &live[property];
        (found != wanted).then(|| self.wrong(property, &wanted.to_string(), found))
    }
}

/// A text as it is shown: the body of a dashboard or a policy helps nobody.
pub(crate) fn brief(text: &str) -> String {
    const SHOWN: usize = 160;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The text of a property, or an empty one.
pub(crate) fn text<'a>(value: &'a Value, property: &str) -> &'a str {
    value[property].as_str().unwrap_or_default()
}

/// The items of a list, or none.
pub(crate) fn items<'a>(value: &'a Value, property: &str) -> impl Iterator<Item = &'a Value> {
    value[property].as_array().into_iter().flatten()
}
