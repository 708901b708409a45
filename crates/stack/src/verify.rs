//! `stack verify`: the checks of a deployed stack, and how a person reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use ::verify::http::{self, Client, Endpoints, Unasked};
use ::verify::{Check, Finding, Outcome, Report, Subject, running_images, targets};
use alb::resources::serving;
use apigw::resources::{RestApi, RestApiStage};
use apigw::{ApiKeyValue, LiveApi};
use backup::resources::BackupVault;
use ecs::resources::{Service, TaskDefinition, tasks};
use engine::{
    Address, CallError, Component as _, ErrorClass, Host as _, Resolved, Resource, Selector, State, Survey,
    SystemHost,
};
use serde::Deserialize as _;
use serde_json::json;

use crate::cli::Target;
use crate::codes::Code;
use crate::exit::{Exit, Failure};
use crate::export::{check_place_of, write_named};
use crate::failures::engine_failure;
use crate::output::{Lines, Style, note, print, print_json};
use crate::outputs::{api_key_id, fetch_api_key};
use crate::run::Work;
use crate::stack::Place;
use crate::target::Cloud;
use crate::working::Working;

impl Work {
    /// Reads the live stack, asks it over HTTP, judges, and tells. Changes nothing and takes no lock.
    pub(crate) async fn verify(&self, junit: Option<&Path>, timeout: Duration) -> Result<Exit, Failure> {
        if let Some(file) = junit {
            check_place_of("--junit", file)?;
        }
        self.declare(&Place::imagined(&self.loaded.config))?;
        let recorded = self.recorded().await?;
        if recorded.is_empty() {
            return Err(self.nothing_deployed());
        }
        let cloud = self.connect().await?;
        let working = self.who_works().await?;
        let unreachable = self.unreachable(&cloud).or_else(|| working.as_ref().map(Working::told));
        let place = Place::new(&cloud, &recorded);
        let graph = self.declare(&place)?;
        // Both are fetched only where they are used, and the key only if there is an API of ours to send it to.
        let api = match &unreachable {
            None => live_api(&cloud, &recorded).await,
            Some(reason) => Err(Unasked::Skipped(reason.clone())),
        };
        let key = match &api {
            Ok(_) => api_key(&cloud, &recorded).await,
            Err(_) => Err("it was not fetched, since the API is not asked".to_owned()),
        };
        let first_copy = first_copy(&cloud, &recorded).await;
        let application = application(&cloud, &recorded).await;
        let mut survey = self.engine(cloud).await?.survey(&Selector::all()).await.map_err(engine_failure)?;
        if working.is_some() {
            survey = survey.followed_by(&self.recorded().await?);
        }
        let survey = survey.relocated(&graph).ignoring(&graph);
        let subject = Subject::new(self.environment.as_str(), &place.aws(), &graph, &survey);
        let endpoints = match &unreachable {
            Some(reason) => Endpoints::unreachable(reason),
            None => Endpoints::of(&subject, &api),
        };
        let over_http = http::checks(&Client::new(timeout), &endpoints, &key).await;
        let mut checks = self.program.judge(&subject);
        checks.extend(first_copy);
        checks.extend(application);
        checks.extend(over_http);
        let mut report = Report { checks };
        if let Some(run) = &working {
            note(&run.so("what it has in hand, or has still to do, is left out"));
            let in_hand = in_hand(&survey, &subject);
            let is_left_out = |check: &Check, finding: &Finding| {
                let place = finding.place.as_str();
                let Some((tier, _)) = place.split_once('/') else {
                    // An output, or a tier.
                    return subject.output(place).is_none();
                };
                // Beside that everything is there and as it was, checks are about what belongs together.
                let whole_tier = check.group() != "completeness";
                in_hand.iter().any(|at| *at == place || (whole_tier && at.split('/').next() == Some(tier)))
            };
            report = report.without(is_left_out, &run.told());
        }

        if let Some(file) = junit {
            write_junit(&report, &self.title(), file)?;
        }
        match self.options.json {
            true => print_json(&self.json(&report))?,
            false => print(&lines(&report, &self.title()))?,
        }
        Ok(if report.is_good() { Exit::Done } else { Exit::Failed })
    }

    /// There is nothing that could be looked at.
    pub(crate) fn nothing_deployed(&self) -> Failure {
        let message = format!("{}: nothing is deployed here", self.title());
        Failure::new(Exit::Configuration, message).coded(Code::NothingRecorded).hint(format!(
            "{} deploys it; --env, --target and --state-dir say where to look",
            self.command("up")
        ))
    }

    /// Why the names of load balancer and API lead nowhere, if they do.
    fn unreachable(&self, cloud: &Cloud) -> Option<String> {
        match (self.options.target, &cloud.endpoint_url) {
            (Target::Embedded, _) => {
                Some("the embedded AWS has no load balancers and APIs that answer over HTTP".to_owned())
            }
            (Target::Aws, Some(url)) => Some(format!(
                "custom endpoint {url} (AWS_ENDPOINT_URL, the variable of one service, or the profile): HTTP checks \
                     skipped"
            )),
            (Target::Aws, None) => None,
        }
    }

    fn json(&self, report: &Report) -> serde_json::Value {
        json!({
            "project": self.loaded.config.project,
            "environment": self.environment.as_str(),
            "region": self.loaded.config.region,
            "target": self.options.target.name(),
            "good": report.is_good(),
            "counts": report.counts(),
            "checks": report.checks,
        })
    }
}

/// The addresses of what a run has in hand or has still to do.
fn in_hand<'a>(survey: &'a Survey, subject: &'a Subject) -> BTreeSet<&'a str> {
    let begun = survey.in_hand().into_iter().map(Address::as_str);
    begun.chain(subject.missing.iter().map(String::as_str)).collect()
}

fn write_junit(report: &Report, title: &str, file: &Path) -> Result<(), Failure> {
    let mut xml = Vec::new();
    ::verify::junit(report, title, &mut xml).map_err(|error| {
        Failure::from_error(Exit::Failed, &error).context(format!("cannot write {}", file.display()))
    })?;
    write_named(file, &xml)
}

/// Where API Gateway says that the recorded API answers.
async fn live_api(cloud: &Cloud, recorded: &State) -> Result<LiveApi, Unasked> {
    let tier = apigw::Tier::NAME;
    let (api, stage) =
        (deployed::<RestApi>(recorded, tier), deployed::<RestApiStage<Resolved>>(recorded, tier));
    let (Some((address, api)), Some((_, stage))) = (api, stage) else {
        return Err(Unasked::Skipped("no API is deployed".to_owned()));
    };
    let live = apigw::live_api(&cloud.context, address, &api.rest_api_id, &stage.stage_name).await;
    live.map_err(|error| Unasked::unread(address.as_str(), &error))
}

/// Whether AWS Backup has made a copy, where there is a vault for them.
async fn first_copy(cloud: &Cloud, recorded: &State) -> Option<Check> {
    type Vault = BackupVault<Resolved>;
    let (address, vault) = deployed::<Vault>(recorded, backup::Tier::NAME)?;
    let seen = backup::resources::copies(&cloud.context, &vault.backup_vault_name).await;
    let seen = seen.map_err(|error| unseen(address, Vault::KIND, &error));
    let now_millis = i64::try_from(SystemHost.now_millis()).unwrap_or(i64::MAX);
    Some(::verify::first_copy(address.as_str(), seen, now_millis))
}

/// Whether the application that was deployed runs, and requests reach it.
async fn application(cloud: &Cloud, recorded: &State) -> Vec<Check> {
    let tier = ecs::Tier::NAME;
    let Some((address, known)) = deployed::<Service<Resolved>>(recorded, tier) else { return Vec::new() };
    let at = address.as_str();
    let (service, definition) =
        (declared::<Service<Resolved>>(recorded, tier), declared::<TaskDefinition<Resolved>>(recorded, tier));
    let (Some(service), Some(definition)) = (service, definition) else { return Vec::new() };
    let idle = "no tasks are to run: `ecs.image` is not set";
    if service.desired_count == 0 {
        let unasked = || Unasked::Skipped(idle.to_owned());
        return vec![targets(at, Err(unasked())), running_images(at, &BTreeMap::new(), Err(unasked()))];
    }
    let unseen = |error| Unasked::Unknown(unseen(address, "a service that answers", &error));
    let rules = service.load_balancers.iter();
    let mut checks = Vec::new();
    // There is one.
    for rule in rules.map(|balancer| &balancer.advanced_configuration.production_listener_rule).take(1) {
        checks.push(targets(at, serving(&cloud.context, rule).await.map_err(unseen)));
    }
    let images = definition.container_definitions.into_iter().map(|one| (one.name, one.image)).collect();
    let seen = tasks(&cloud.context, &known.service_arn).await;
    checks.push(running_images(at, &images, seen.map_err(unseen)));
    checks
}

/// AWS does not tell what is there.
fn unseen(address: &Address, expected: &str, error: &CallError) -> Finding {
    let finding = Finding::new(address.as_str(), expected, format!("it cannot be asked: {error}"));
    if error.class == ErrorClass::Denied { finding.denied() } else { finding }
}

/// The recorded properties of a resource of a kind in a tier.
fn declared<R: Resource>(recorded: &State, tier: &str) -> Option<R> {
    let objects = recorded.slots().filter(|(address, _)| address.tier() == tier);
    let object =
        objects.filter_map(|(_, slot)| slot.current.as_ref()).find(|object| object.kind == R::KIND)?;
    R::deserialize(&object.properties).ok()
}

/// The recorded resource of a kind in a tier, with its outputs. Outputs that this version cannot read are an error of the survey, which reads
/// all of them.
fn deployed<'a, R: Resource>(recorded: &'a State, tier: &str) -> Option<(&'a Address, R::Outputs<Resolved>)> {
    recorded.slots().filter(|(address, _)| address.tier() == tier).find_map(|(address, slot)| {
        let object = slot.current.as_ref().filter(|object| object.kind == R::KIND)?;
        Some((address, R::Outputs::deserialize(&object.outputs).ok()?))
    })
}

async fn api_key(cloud: &Cloud, recorded: &State) -> Result<ApiKeyValue, String> {
    let fetched = match api_key_id(recorded) {
        Ok(id) => fetch_api_key(&cloud.context, &id).await,
        Err(failure) => Err(failure),
    };
    fetched.map_err(|failure| failure.in_one_line())
}

/// A line for each check; below a failed one what is wrong and what to do.
fn lines(report: &Report, title: &str) -> Lines {
    let mut lines = Lines::new();
    let width = report.checks.iter().map(|check| check.id.len()).max().unwrap_or(0);
    for check in &report.checks {
        let Check { id, verifies, outcome } = check;
        match outcome {
            Outcome::Passed => {
                lines.styled(Style::Green, "ok").line(format!("       {id:width$}  {verifies}"));
            }
            Outcome::Skipped { reason } => {
                lines.styled(Style::Yellow, "skipped").add(format!("  {id:width$}  "));
                lines.styled(Style::Dim, reason).end();
            }
            Outcome::Failed { findings, advice } => {
                let refuted = check.refuted().unwrap_or_default();
                lines.styled(Style::Red, "FAILED").add("   ");
                lines.styled(Style::Bold, format!("{id:width$}")).line(format!("  {refuted}"));
                self::findings(&mut lines, findings);
                lines.line(format!("         to do: {advice}"));
            }
        }
    }
    let counts = report.counts();
    lines.line(format!(
        "{title}: {} passed, {} failed, {} skipped",
        counts.passed, counts.failed, counts.skipped
    ));
    lines
}

/// The first ones; a whole tier that is missing is not read line by line. `--json` has all.
fn findings(lines: &mut Lines, findings: &[Finding]) {
    const SHOWN: usize = 8;
    for finding in findings.iter().take(SHOWN) {
        lines.line(format!("         {finding}"));
    }
    if findings.len() > SHOWN {
        lines.line(format!("         and {} more: `--json` lists all", findings.len() - SHOWN));
    }
}

#[cfg(test)]
mod tests {
    use engine::is_hidden;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_check_and_each_finding_is_one_line(
            place in any::<String>(), expected in any::<String>(), found in any::<String>(), title in any::<String>()
        ) {
            let finding = Finding { place, expected, found: found.clone(), denied: false, missing: false };
            let failed = Outcome::Failed { findings: vec![finding.clone(), finding], advice: "repair it" };
            let check = |outcome| Check { id: "naming/tags", verifies: "tags are right", outcome };
            let checks = vec![check(failed), check(Outcome::Skipped { reason: found }), check(Outcome::Passed)];
            let text = lines(&Report { checks }, &title).to_string();
            let text = anstream::adapter::strip_str(&text).to_string();
            let all: Vec<&str> = text.lines().collect();
            prop_assert_eq!(all.len(), 4 + 1 + 1 + 1);
            prop_assert!(all.iter().all(|line| !line.contains(is_hidden)), "{:?}", all);
            let starts = ["FAILED ", "       ", "       ", "       ", "skipped", "ok     "];
            for (line, start) in all.iter().zip(starts) {
                prop_assert!(line.starts_with(start), "{line:?}");
            }
        }
    }
}
