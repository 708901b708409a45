//! Names: `payment-<what>-<environment>`, and tags that say the same.

use std::collections::{BTreeMap, BTreeSet};

use aws::resources::LogGroup;
use aws::{NAME_PREFIX, Tags};
use engine::{Facts, Named, Resolved, Tagging};
use serde::Deserialize as _;
use serde_json::Value;

use crate::result::{Check, Finding, Verdict};
use crate::subject::{Resource, Subject};

const RENAME: &str = "somebody changed it outside of this program: `up` puts tags back and makes objects of other names \
                      anew; `preview` shows which";

/// All checks of names.
pub(crate) fn checks(subject: &Subject) -> Vec<Check> {
    vec![
        names(subject).of(
            "naming/names",
            "every object that has a name is called payment-<what>-<environment>",
            RENAME,
        ),
        tags(subject).of(
            "naming/tags",
            "the tags Name and Environment of every tagged object say the same",
            RENAME,
        ),
    ]
}

/// Whether a name has `payment-` and the environment in it, each as a part between `-` and `/`. A path may stand before it, as
/// in a log group's name, and an account or a region after it, as in a bucket's.
fn is_conventional(name: &str, environment: &str) -> bool {
    let Some((_, rest)) = split_at_part(name, NAME_PREFIX) else { return false };
    names_environment(rest, environment)
}

/// Whether the environment is a part of a name, with something before it.
pub(crate) fn names_environment(name: &str, environment: &str) -> bool {
    let Some((before, after)) = split_at_part(name, environment) else { return false };
    !before.is_empty() && (after.is_empty() || after.starts_with(['-', '/']))
        // `payment-dev-tools-dev`: the first place need not be the right one.
        || names_environment(after, environment)
}

/// What is before and after the first place where a part of a name begins with this.
fn split_at_part<'a>(name: &'a str, part: &str) -> Option<(&'a str, &'a str)> {
    let begins = |at: usize| at == 0 || name[..at].ends_with(['-', '/']);
    let (at, _) = name.match_indices(part).find(|(at, _)| begins(*at))?;
    Some((&name[..at], &name[at + part.len()..]))
}

/// What AWS shows. That it does not show something is `completeness/resources`'s to say.
fn living(subject: &Subject) -> impl Iterator<Item = (&Resource, Facts, &Value)> {
    subject.resources.iter().filter_map(|resource| Some((resource, resource.facts?, resource.found().ok()?)))
}

fn names(subject: &Subject) -> Verdict {
    let environment = &subject.environment;
    let by_service: BTreeSet<&str> = subject
        .of::<LogGroup<Resolved>>()
        .filter(|group| group.found().is_ok_and(|group| group.made_by_service))
        .map(|group| group.address())
        .collect();
    let mut findings = Vec::new();
    let mut looked = false;
    for (resource, facts, live) in living(subject) {
        let Named::ByName(property) = facts.name else { continue };
        looked = true;
        let name = live[property].as_str().unwrap_or_default();
        // A log group that a service of AWS makes by itself has a name of the service's choice, such as
        // `API-Gateway-Execution-Logs_<API>/<stage>`: only the environment in it is ours.
        let (good, expected) = match by_service.contains(resource.address.as_str()) {
            true => (names_environment(name, environment), format!("<what>/{environment}")),
            false => (is_conventional(name, environment), format!("{NAME_PREFIX}<what>-{environment}")),
        };
        if !good {
            findings.push(resource.wrong(property, &expected, &live[property]));
        }
    }
    if looked { Verdict::Judged(findings) } else { Verdict::skipped("nothing that has a name is deployed") }
}

fn tags(subject: &Subject) -> Verdict {
    let mut findings = Vec::new();
    let mut looked = false;
    for (resource, facts, live) in living(subject) {
        let Tagging::WithCreate(property) = facts.tags else { continue };
        if resource.recorded.get(property).is_none() {
            continue;
        }
        looked = true;
        let place = |tag: &str| format!("{}: tag {tag}", resource.address);
        let shown = |found: &str| if found.is_empty() { "not set" } else { found }.to_owned();
        let live = match read_tags(&live[property]) {
            Ok(live) => live,
            Err(error) => {
                let found = format!("not tags: {error}");
                findings.push(Finding::new(&resource.address, format!("{property}: tags"), found));
                continue;
            }
        };
        let tag = |key| live.get(key).unwrap_or_default();
        let (name, environment) = (tag("Name"), tag("Environment"));
        let ending = format!("-{}", subject.environment);
        if !name.starts_with(NAME_PREFIX) || !name.ends_with(&ending) {
            findings.push(Finding::new(place("Name"), format!("{NAME_PREFIX}<what>{ending}"), shown(name)));
        }
        if environment != subject.environment {
            findings.push(Finding::new(place("Environment"), &subject.environment, shown(environment)));
        }
    }
    if looked { Verdict::Judged(findings) } else { Verdict::skipped("nothing that has tags is deployed") }
}

/// Tags as most kinds have them, a list, or as a map.
fn read_tags(tags: &Value) -> Result<Tags, serde_json::Error> {
    if !tags.is_object() {
        return Tags::deserialize(tags);
    }
    let pairs = BTreeMap::<String, String>::deserialize(tags)?;
    Ok(pairs.into_iter().fold(Tags::new(), |tags, (key, value)| tags.with(key, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_prefix_and_the_environment_as_parts() {
        for (name, environment) in [
            ("payment-alb-dev", "dev"),
            ("/aws/rds/cluster/payment-aurora-dev/postgresql", "dev"),
            ("payment-alb-logs-dev-123456789012-ap-southeast-1", "dev"),
            ("aws-waf-logs-payment-alb-blue-green-1", "blue-green-1"),
            ("alias/payment-database-pr1234", "pr1234"),
            ("payment-dev-tools-dev", "dev"),
            ("payment-devices-dev", "dev"),
        ] {
            assert!(is_conventional(name, environment), "{name}");
        }
        for (name, environment) in [
            ("", "dev"),
            ("payment-alb", "dev"),
            ("payment-alb-prod", "dev"),
            ("payment-alb-develop", "dev"),
            ("payment-alb-predev", "dev"),
            ("alb-dev", "dev"),
            ("prepayment-alb-dev", "dev"),
            ("payment-dev", "dev"),
            ("dev-payment-alb", "dev"),
        ] {
            assert!(!is_conventional(name, environment), "{name}");
        }
    }
}
