//! Is all of it there, as it was deployed?

use database::resources::{Cluster, Instance};
use ecs::resources::Service;
use engine::Resolved;

use crate::result::{Check, Finding, Verdict};
use crate::subject::{Subject, brief};
use crate::typed::Property;

const PUSH: &str = "push the same image again, so that it has this digest, or deploy another one with `ecs.image`; `refresh` says more";
const UP: &str = "`up` brings it back to what is declared; `preview` shows how";

const RUN: &str = "if it was stopped, `aws rds start-db-cluster` starts it; what another state means and what to do, \
                   `refresh` says";

/// All checks of completeness.
pub(crate) fn checks(subject: &Subject) -> Vec<Check> {
    let all_tiers = match subject.tiers.len() {
        7 => "all seven tiers are deployed",
        _ => "every declared tier is deployed",
    };
    vec![
        tiers(subject).of("completeness/tiers", all_tiers, UP),
        declared(subject).of("completeness/declared", "all that the configuration asks for was deployed", UP),
        finished(subject).of("completeness/finished", "no run left anything unfinished", UP),
        resources(subject).of("completeness/resources", "every recorded resource exists", UP),
        unchanged(subject).of("completeness/unchanged", "every resource is as it was deployed", UP),
        database(subject).of(
            "completeness/database",
            "the database is not stopped, and in no state in which it does not work",
            RUN,
        ),
        images(subject).of("completeness/images", "every image that runs is still in its repository", PUSH),
    ]
}

fn tiers(subject: &Subject) -> Verdict {
    let there = subject.deployed_tiers();
    let missing = subject.tiers.iter().filter(|tier| !there.contains(tier.as_str()));
    Verdict::Judged(missing.map(|tier| Finding::new(tier, "a tier with resources", "nothing")).collect())
}

fn declared(subject: &Subject) -> Verdict {
    let finding =
        |address: &String| Finding::new(address, "a deployed resource", "nothing is recorded of it");
    Verdict::Judged(subject.missing.iter().map(finding).collect())
}

fn finished(subject: &Subject) -> Verdict {
    let finding = |(address, what): &(String, String)| {
        Finding::new(address, "a resource that is ready", format!("it {what}"))
    };
    Verdict::Judged(subject.unfinished.iter().map(finding).collect())
}

fn resources(subject: &Subject) -> Verdict {
    Verdict::Judged(subject.resources.iter().filter_map(|resource| resource.found().err()).collect())
}

fn unchanged(subject: &Subject) -> Verdict {
    let mut findings = Vec::new();
    for drift in &subject.drift {
        // What has disappeared is another check's.
        for change in drift.changes.iter().flatten() {
            let shown = |value: &Option<serde_json::Value>| match value {
                Some(value) => brief(&secrets::masked_at(&change.path, value).to_string()),
                None => "not set".to_owned(),
            };
            let expected = format!("{}: {}", secrets::shown_path(&change.path), shown(&change.before));
            findings.push(Finding::new(drift.address.as_str(), expected, shown(&change.after)));
        }
    }
    Verdict::Judged(findings)
}

/// Whoever stopped it may have meant to, so that it is no drift; but nobody can pay.
fn database(subject: &Subject) -> Verdict {
    const NONE: &str = "no database is deployed";
    let (outage, instance_outage) = (Property::new("Outage"), Property::new("Outage"));
    let cluster = subject.every::<Cluster<Resolved>>(NONE, |cluster| match cluster.live.outage {
        Some(_) => vec![cluster.wrong(&outage, "a cluster that runs")],
        None => Vec::new(),
    });
    cluster.and(subject.every::<Instance<Resolved>>(NONE, |instance| match instance.live.outage {
        Some(_) => vec![instance.wrong(&instance_outage, "an instance that works")],
        None => Vec::new(),
    }))
}

fn images(subject: &Subject) -> Verdict {
    subject.every::<Service<Resolved>>("no service is deployed", |service| {
        let finding = |missing: &ecs::resources::MissingImage| {
            let expected = format!("the image {}", missing.image);
            match missing.denied {
                true => {
                    let found = "this identity may not look: ecr:DescribeImages was denied";
                    Finding::new(service.address, expected, found).denied()
                }
                false => Finding::new(service.address, expected, "it is not in its repository"),
            }
        };
        service.live.missing_images.iter().map(finding).collect()
    })
}
