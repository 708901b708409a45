//! `stack verify`: the checks of a deployed stack, and how a person reads them.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use ::verify::http::{self, Client, Endpoints};
use ::verify::{Check, Finding, Outcome, Report, Subject};
use serde_json::json;

use crate::cli::Target;
use crate::exit::{Exit, Failure};
use crate::export::write_named;
use crate::render::{BOLD, DIM, GREEN, PLAIN, RED, YELLOW};
use crate::run::{Work, api_key_id, engine_failure, fetch_api_key, print, print_json};
use crate::stack::Place;
use crate::target::Cloud;

impl Work {
    /// Reads the live stack, asks it over HTTP, judges, and tells. Changes nothing and takes no lock.
    pub(crate) async fn verify(&self, junit: Option<&Path>, timeout: Duration) -> Result<Exit, Failure> {
        if let Some(file) = junit {
            check_place_of(file)?;
        }
        self.declare(&Place::imagined(&self.loaded.config))?;
        let recorded = self.recorded().await?;
        if recorded.is_empty() {
            let env = &self.environment;
            let message = format!("{}: nothing is deployed here", self.title());
            return Err(Failure::new(Exit::Configuration, message).hint(format!(
                "`stack up --env {env}` deploys it; --env, --target and --state-dir say where to look"
            )));
        }
        let cloud = self.connect().await?;
        let unreachable = self.unreachable(&cloud);
        let place = Place::new(&cloud, &recorded);
        let graph = self.declare(&place)?;
        // Fetched only where it is used.
        let key = match &unreachable {
            None => match api_key_id(&recorded) {
                Ok(id) => fetch_api_key(&cloud.context, &id).await,
                Err(failure) => Err(failure),
            }
            .map_err(|failure| failure.render().trim_end().replace('\n', "; ")),
            Some(reason) => Err(reason.clone()),
        };
        let survey = self.engine(cloud).survey(None).await.map_err(engine_failure)?;
        let subject = Subject::new(self.environment.as_str(), &place.aws(), &graph, &survey);
        let endpoints = match &unreachable {
            Some(reason) => Endpoints::unreachable(reason),
            None => Endpoints::of(&subject),
        };
        let over_http = http::checks(&Client::new(timeout), &endpoints, &key).await;
        let mut checks = ::verify::verify(&subject);
        checks.extend(over_http);
        let report = Report { checks };

        if let Some(file) = junit {
            write_junit(&report, &self.title(), file)?;
        }
        match self.options.json {
            true => print_json(&self.json(&report))?,
            false => print(&text(&report, &self.title()))?,
        }
        Ok(if report.is_good() { Exit::Done } else { Exit::Failed })
    }

    /// Why the names of load balancer and API lead nowhere, if they do.
    fn unreachable(&self, cloud: &Cloud) -> Option<String> {
        match (self.options.target, &cloud.endpoint_url) {
            (Target::Embedded, _) => {
                Some("the embedded AWS has no load balancers and APIs that answer over HTTP".to_owned())
            }
            (Target::Aws, Some(url)) => {
                Some(format!("AWS_ENDPOINT_URL or the profile names {url}: what is made there is not in DNS"))
            }
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

/// The directory must be there before anything is called.
fn check_place_of(file: &Path) -> Result<(), Failure> {
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let problem = if file.is_dir() {
        "it is a directory".to_owned()
    } else if !directory.is_dir() {
        format!("there is no directory {}", directory.display())
    } else {
        return Ok(());
    };
    Err(Failure::new(Exit::Usage, format!("--junit: cannot write {}: {problem}", file.display()))
        .hint("name a file in a directory that exists"))
}

fn write_junit(report: &Report, title: &str, file: &Path) -> Result<(), Failure> {
    let mut xml = Vec::new();
    ::verify::junit(report, title, &mut xml).map_err(|error| {
        Failure::from_error(Exit::Failed, &error).context(format!("cannot write {}", file.display()))
    })?;
    write_named(file, &xml)
}

/// A line for each check; below a failed one what is wrong and what to do.
fn text(report: &Report, title: &str) -> String {
    let mut text = String::new();
    let width = report.checks.iter().map(|check| check.id.len()).max().unwrap_or(0);
    for check in &report.checks {
        let Check { id, verifies, outcome } = check;
        let _ = match outcome {
            Outcome::Passed => writeln!(text, "{GREEN}ok{PLAIN}       {id:width$}  {verifies}"),
            Outcome::Skipped { reason } => {
                writeln!(text, "{YELLOW}skipped{PLAIN}  {id:width$}  {DIM}{reason}{PLAIN}")
            }
            Outcome::Failed { findings, advice } => {
                let refuted = check.refuted().unwrap_or_default();
                let _ = writeln!(text, "{RED}FAILED{PLAIN}   {BOLD}{id:width$}{PLAIN}  {refuted}");
                self::findings(&mut text, findings);
                writeln!(text, "         to do: {advice}")
            }
        };
    }
    let counts = report.counts();
    let _ = writeln!(
        text,
        "{title}: {} passed, {} failed, {} skipped",
        counts.passed, counts.failed, counts.skipped
    );
    text
}

/// The first ones; a whole tier that is missing is not read line by line. `--json` has all.
fn findings(text: &mut String, findings: &[Finding]) {
    const SHOWN: usize = 8;
    for finding in findings.iter().take(SHOWN) {
        let _ = writeln!(text, "         {finding}");
    }
    if findings.len() > SHOWN {
        let _ = writeln!(text, "         and {} more: `--json` lists all", findings.len() - SHOWN);
    }
}
