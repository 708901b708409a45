//! What is judged: a deployed stack, as it is recorded and as AWS shows it.

use std::collections::{BTreeMap, BTreeSet};

use aws::Place;
use engine::{Facts, Graph, Phase, Reading, Survey};
use serde_json::Value;

use crate::result::{Finding, Verdict};
use crate::typed::{Seen, Typed};

/// A resource, as it is recorded and as AWS shows it.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its address, such as `vpc/flow-log`.
    pub address: String,
    /// Its kind: CloudFormation's name of the type.
    pub kind: String,
    /// What is known of the kind; `None` where the program that made the survey does not know it.
    pub facts: Option<Facts>,
    /// The properties that were sent.
    pub recorded: Value,
    /// What it is known by: its recorded outputs.
    pub outputs: Value,
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
    /// The tiers that are declared: the first segments of all declared addresses, in the order in which they are declared.
    pub tiers: Vec<String>,
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
                facts: survey.facts(&object.kind).copied(),
                recorded: object.properties.clone(),
                outputs: object.outputs.clone(),
                live: live.clone(),
            });
        }
        for (address, slot) in survey.state.slots() {
            for open in &slot.open {
                let what = format!("is in between: how its {} ended is not known", open.mutation.operation());
                unfinished.push((address.to_string(), what));
            }
        }
        let mut tiers: Vec<String> = Vec::new();
        for declaration in declared.nodes() {
            let tier = declaration.address.tier();
            if !tiers.iter().any(|known| known == tier) {
                tiers.push(tier.to_owned());
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
            tiers,
            resources,
            drift: survey.drift(),
            unfinished,
        }
    }

    /// An output, if it is known and a text.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name)?.as_str()
    }

    /// All resources of a kind.
    pub fn of<R: engine::Resource>(&self) -> impl Iterator<Item = Typed<'_, R>> {
        self.resources.iter().filter_map(Typed::of)
    }

    /// Judges every resource of a kind by its properties, as they are recorded and as AWS shows them. Without one there is nothing
    /// to judge, because of `reason`. A resource that has disappeared, that this identity may not read, or whose properties are
    /// not those of the kind, is a finding.
    pub fn every<R: engine::Resource>(
        &self,
        reason: &str,
        judge: impl Fn(&Seen<'_, R>) -> Vec<Finding>,
    ) -> Verdict {
        let mut judged = self.of::<R>().peekable();
        if judged.peek().is_none() {
            return Verdict::skipped(reason);
        }
        let mut findings = Vec::new();
        for resource in judged {
            match resource.seen() {
                Ok(seen) => findings.extend(judge(&seen)),
                Err(finding) => findings.push(finding),
            }
        }
        Verdict::Judged(findings)
    }

    /// The first segments of the addresses of all resources.
    pub(crate) fn deployed_tiers(&self) -> BTreeSet<&str> {
        self.resources.iter().filter_map(|resource| resource.address.split('/').next()).collect()
    }
}

impl Resource {
    /// The properties that AWS showed.
    ///
    /// # Errors
    /// Why it showed none: the resource has disappeared, or this identity may not read it.
    pub fn found(&self) -> Result<&Value, Finding> {
        let finding = |found: String| Finding::new(&self.address, &self.kind, found);
        match &self.live {
            Reading::Found(live) => Ok(live),
            Reading::Missing => Err(finding("nothing: it has disappeared".to_owned()).missing()),
            Reading::Denied(answer) => Err(finding(format!("this identity may not look: {answer}")).denied()),
        }
    }

    /// A finding about what is at `place` in its properties.
    pub(crate) fn wrong(&self, place: &str, expected: &str, found: &Value) -> Finding {
        let found = match found {
            Value::Null => "not set".to_owned(),
            found => brief(&secrets::masked_at(place, found).to_string()),
        };
        Finding::new(&self.address, format!("{place}: {expected}"), found)
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
