//! `stack deployments`: which images were deployed.

use serde_json::{Value, json};

use crate::deployed::{Deployment, Deployments, Outcome};
use crate::exit::{Exit, Failure};
use crate::output::{Lines, Style, note, print, print_json};
use crate::run::Work;
use crate::time::rfc3339;

impl Work {
    pub(crate) async fn list_deployments(&self) -> Result<Exit, Failure> {
        let deployments = Deployments::of(&self.recorded_resources().await?).unwrap_or_default();
        let under_way = deployments.attempt.iter().filter(|attempt| attempt.ended.is_none());
        let all: Vec<&Deployment> = under_way.chain(&deployments.past).collect();
        if self.options.json {
            let all: Vec<Value> = all.iter().map(|one| as_json(one, &deployments)).collect();
            print_json(&json!({ "image": deployments.image, "deployments": all }))?;
            return Ok(Exit::Done);
        }
        if all.is_empty() {
            note(&format!(
                "{}: nothing was deployed with {} yet",
                self.title(),
                self.command("deploy IMAGE")
            ));
            return Ok(Exit::Done);
        }
        print(&table(&all, &deployments))?;
        Ok(Exit::Done)
    }
}

/// `payment-app-dev:7`, or what stands for it where there is none.
fn revision(deployment: &Deployment) -> &str {
    deployment.revision.as_deref().and_then(|arn| arn.rsplit('/').next()).unwrap_or("-")
}

/// Whether it is the one that runs: the last one that succeeded with the image that runs.
fn runs(deployment: &Deployment, all: &Deployments) -> bool {
    let of_image = |one: &&Deployment| {
        Some(&one.image) == all.image.as_ref()
            && one.ended.as_ref().is_some_and(|ended| ended.outcome == Outcome::Succeeded)
    };
    all.past.iter().find(of_image).is_some_and(|one| std::ptr::eq(one, deployment))
}

fn outcome(deployment: &Deployment, all: &Deployments) -> &'static str {
    match &deployment.ended {
        None => "under way, or interrupted",
        Some(_) if runs(deployment, all) => "runs",
        Some(ended) => ended.outcome.name(),
    }
}

fn as_json(deployment: &Deployment, all: &Deployments) -> Value {
    json!({
        "revision": deployment.revision,
        "image": deployment.image,
        "command": deployment.command,
        "who": deployment.who,
        "began": rfc3339(deployment.began),
        "ended": deployment.ended.as_ref().map(|ended| rfc3339(ended.at)),
        "outcome": deployment.ended.as_ref().map(|ended| ended.outcome),
        "runs": runs(deployment, all),
    })
}

/// A line a deployment.
fn table(all: &[&Deployment], deployments: &Deployments) -> Lines {
    let width = |of: &dyn Fn(&Deployment) -> usize| all.iter().map(|one| of(one)).max().unwrap_or(0);
    let revisions = width(&|one| revision(one).len());
    let images = width(&|one| short(&one.image).len());
    let outcomes = width(&|one| outcome(one, deployments).len());
    let commands = width(&|one| one.command.len());
    let mut lines = Lines::new();
    for one in all {
        let began = rfc3339(one.began);
        let told = format!("{:outcomes$}", outcome(one, deployments));
        lines.add(format!("{:revisions$}  {:images$}  {began}  ", revision(one), short(&one.image)));
        match &one.ended {
            Some(ended) if ended.outcome == Outcome::Succeeded => lines.styled(Style::Green, told),
            Some(_) => lines.styled(Style::Red, told),
            None => lines.add(told),
        };
        lines.add(format!("  {:commands$}  {}", one.command, one.who));
        lines.end();
    }
    lines
}

/// A digest without what nobody compares by eye; `rollback --to` takes this.
fn short(image: &str) -> &str {
    match image.rsplit_once("@sha256:") {
        Some((_, digest)) => digest.get(..12).unwrap_or(digest),
        None => image,
    }
}
