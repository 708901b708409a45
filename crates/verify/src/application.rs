//! Whether the application is there that was deployed: what its tasks run, and whether requests reach them.

use std::collections::BTreeMap;

use alb::resources::Serving;
use ecs::resources::Tasks;

use crate::http::Unasked;
use crate::result::{Check, Finding, Verdict};

const HEALTH: &str = "`stack logs` shows what the application prints; look at its health check, and at the weights of the rule, which the \
                      next deployment moves";
const IMAGE: &str = "`refresh` says what was changed; `up` deploys the recorded image again";

/// The check that there are healthy targets in each target group to which the production rule sends requests, by its weights. `address`
/// is that of the service; `seen` what [`alb::resources::serving`] found, or why it was not asked.
#[must_use]
pub fn targets(address: &str, seen: Result<Option<Vec<Serving>>, Unasked>) -> Check {
    let judge = |seen: Option<Vec<Serving>>| {
        let Some(groups) = seen else {
            return vec![Finding::new(address, "a rule that sends requests to the tasks", "no such rule")];
        };
        if groups.is_empty() {
            let expected = "a rule that sends requests to the tasks";
            return vec![Finding::new(address, expected, "a rule that sends them to no target group")];
        }
        let ill = groups.iter().filter(|group| group.healthy == 0);
        ill.map(|group| {
            let others = group.others.iter().map(|(state, count)| format!("{count} {state}"));
            let others: Vec<String> = others.collect();
            let found = match others.as_slice() {
                [] => "no targets".to_owned(),
                others => format!("no healthy ones: {}", others.join(", ")),
            };
            Finding::new(address, format!("healthy targets in {}, which gets requests", group.group), found)
        })
        .collect()
    };
    let verdict = seen.map_or_else(|unasked| unasked.verdict(), |seen| Verdict::Judged(judge(seen)));
    verdict.of("completeness/targets", "requests go only to target groups that have healthy targets", HEALTH)
}

/// The check that containers run the images that are recorded, where those name a digest. `images` are the recorded ones, by the names of
/// the containers; `seen` what [`ecs::resources::tasks`] found, or why it was not asked.
#[must_use]
pub fn running_images(
    address: &str,
    images: &BTreeMap<String, String>,
    seen: Result<Option<Tasks>, Unasked>,
) -> Check {
    let verdict = match seen {
        Err(unasked) => unasked.verdict(),
        Ok(None) => Verdict::Judged(vec![Finding::new(address, "a service", "nothing").missing()]),
        Ok(Some(tasks)) => running(address, images, &tasks),
    };
    verdict.of("completeness/running-images", "the tasks run the images that were deployed", IMAGE)
}

fn running(address: &str, images: &BTreeMap<String, String>, tasks: &Tasks) -> Verdict {
    let digests: BTreeMap<&String, (&String, &str)> = images
        .iter()
        .filter_map(|(container, image)| Some((container, (image, image.split_once('@')?.1))))
        .collect();
    if digests.is_empty() {
        return Verdict::skipped("no image is named by its digest");
    }
    if tasks.is_deploying {
        return Verdict::skipped("a deployment is running");
    }
    if tasks.containers.is_empty() {
        return Verdict::skipped("no task runs");
    }
    let wrong = tasks.containers.iter().filter_map(|running| {
        let (image, digest) = digests.get(&running.container)?;
        let pulled = running.digest.as_deref();
        // Of an image for several platforms, what was pulled may have a digest of its own.
        if running.image.ends_with(digest) || pulled == Some(digest) {
            return None;
        }
        let found =
            pulled.map_or_else(|| running.image.clone(), |pulled| format!("{} ({pulled})", running.image));
        Some(Finding::new(address, format!("{image} in the container {}", running.container), found))
    });
    Verdict::Judged(wrong.collect())
}

#[cfg(test)]
mod tests {
    use ecs::resources::RunningImage;

    use super::*;
    use crate::result::Outcome;

    fn findings(check: Check) -> Vec<String> {
        match check.outcome {
            Outcome::Failed { findings, .. } => findings.iter().map(ToString::to_string).collect(),
            Outcome::Passed => Vec::new(),
            Outcome::Skipped { reason } => vec![reason],
        }
    }

    #[test]
    fn each_group_that_gets_requests_needs_a_healthy_target() {
        let serving = |healthy, others: &[(&str, usize)]| Serving {
            group: "payment-green-dev".to_owned(),
            healthy,
            others: others.iter().map(|(state, count)| ((*state).to_owned(), *count)).collect(),
        };
        let found = |seen| findings(targets("ecs/service", Ok(seen)));
        assert_eq!(found(Some(vec![serving(1, &[("unhealthy", 1)])])), [""; 0]);
        let expected =
            "ecs/service: expected healthy targets in payment-green-dev, which gets requests; found";
        let ill = serving(0, &[("draining", 1), ("unhealthy (Target.Timeout)", 2)]);
        let wanted = format!("{expected} no healthy ones: 1 draining, 2 unhealthy (Target.Timeout)");
        assert_eq!(found(Some(vec![serving(2, &[]), ill])), [wanted]);
        assert_eq!(found(Some(vec![serving(0, &[])])), [format!("{expected} no targets")]);
        assert!(found(Some(Vec::new()))[0].ends_with("found a rule that sends them to no target group"));
        assert!(found(None)[0].ends_with("found no such rule"));
        let skipped = targets("ecs/service", Err(Unasked::Skipped("no tasks".to_owned())));
        assert_eq!(findings(skipped), ["no tasks"]);
    }

    #[test]
    fn an_image_is_the_recorded_one_by_its_name_or_by_what_was_pulled() {
        let images = |image: &str| BTreeMap::from([("app".to_owned(), image.to_owned())]);
        let tasks = |image: &str, digest: Option<&str>, is_deploying| {
            let (container, image) = ("app".to_owned(), image.to_owned());
            let running = RunningImage { container, image, digest: digest.map(str::to_owned) };
            Ok(Some(Tasks { is_deploying, containers: [running].into() }))
        };
        let found = |recorded, seen| findings(running_images("ecs/service", &images(recorded), seen));
        assert_eq!(
            found("shop@sha256:a", tasks("shop@sha256:a", Some("sha256:of-a-platform"), false)),
            [""; 0]
        );
        assert_eq!(found("shop@sha256:a", tasks("shop:1", Some("sha256:a"), false)), [""; 0]);
        let wrong = "ecs/service: expected shop@sha256:a in the container app; found shop:2 (sha256:b)";
        assert_eq!(found("shop@sha256:a", tasks("shop:2", Some("sha256:b"), false)), [wrong]);
        assert_eq!(
            found("shop@sha256:a", tasks("shop:2", Some("sha256:b"), true)),
            ["a deployment is running"]
        );
        assert_eq!(found("shop:1", tasks("shop:2", None, false)), ["no image is named by its digest"]);
        assert!(found("shop@sha256:a", Ok(None))[0].ends_with("expected a service; found nothing"));
    }
}
