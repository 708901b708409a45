//! `stack init`: a configuration file with comments, after four questions.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use crate::cli::{Init, Options};
use crate::codes::Code;
use crate::config::{DEFAULT_FILE, DEFAULT_REGION, Sources};
use crate::environment::{self, Environment};
use crate::exit::{Exit, Failure};
use crate::open_settings::is_production;
use crate::output::{print_json, tell};
use crate::program::Program;
use crate::question::{CANCELLED, typed};
use crate::repeat::quoted_path;
use crate::run::configuration;
use crate::signals::Signals;
use crate::stack::{Place, StackError, argument_error};

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answers {
    project: String,
    environments: Vec<Environment>,
    region: String,
    /// The certificate, and the name on it.
    tls: Option<(String, String)>,
}

/// Asks, writes the file, and checks that it can be deployed with.
pub(crate) async fn run(
    program: &Program,
    init: Init,
    options: &Options,
    signals: &Signals,
) -> Result<Exit, Failure> {
    let path = options.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
    // Before anything is asked.
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(there_is_one(path));
    }
    let Some(answers) = answers(init, options, signals).await? else {
        tell(CANCELLED);
        return Ok(Exit::Interrupted);
    };
    write_new(path, &text(&answers))?;
    if let Err(failure) = check(program, path, &answers) {
        // It is not one that works, and nobody has it yet.
        let _ = std::fs::remove_file(path);
        return Err(failure);
    }
    let first = answers.environments.first().map_or("dev", Environment::as_str);
    let named = options.config.as_deref().map(|path| format!(" --config {}", quoted_path(path)));
    let named = named.unwrap_or_default();
    tell(&format!(
        "{} is written: `{} preview --env {first}{named}` shows what it deploys",
        path.display(),
        program.name()
    ));
    if options.json {
        let environments: Vec<&str> = answers.environments.iter().map(Environment::as_str).collect();
        print_json(&json!({
            "file": path.display().to_string(),
            "project": answers.project,
            "region": answers.region,
            "environments": environments,
        }))?;
    }
    Ok(Exit::Done)
}

fn there_is_one(path: &Path) -> Failure {
    Failure::new(Exit::Usage, format!("{} exists already; `init` overwrites nothing", path.display()))
        .hint("change it by hand, or write another file: --config FILE")
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => there_is_one(path),
        _ => Failure::from_error(Exit::Failed, &error).context(format!("cannot write {}", path.display())),
    })
}

/// Whether each of the environments can be declared with the file.
fn check(program: &Program, path: &Path, answers: &Answers) -> Result<(), Failure> {
    for environment in &answers.environments {
        let loaded = program.load(&Sources::file(Some(path), environment)).map_err(configuration)?;
        let declared =
            program.stack(loaded.config.clone(), environment).declare(&Place::imagined(&loaded.config));
        declared.map_err(|error| match &error {
            StackError::Declare { tier, source } => match argument_error(&loaded, tier, source) {
                Some(error) => configuration(error),
                None => Failure::from_error(Exit::Failed, &error).coded(Code::Defect),
            },
            _ => Failure::from_error(Exit::Failed, &error).coded(Code::Defect),
        })?;
    }
    Ok(())
}

/// What options say, what somebody types, and the defaults; `None` if somebody interrupts.
async fn answers(init: Init, options: &Options, signals: &Signals) -> Result<Option<Answers>, Failure> {
    let asks = !options.yes && std::io::stdin().is_terminal();
    let ask = async |question: &str, given: Option<String>, default: &str| match given {
        Some(given) => Ok(Some(given)),
        None if !asks => Ok(Some(default.to_owned())),
        None => {
            let shown = if default.is_empty() { "none" } else { default };
            let line = typed(&format!("{question} [{shown}]: "), signals).await?;
            Ok::<_, Failure>(line.map(|line| match line.trim() {
                "" => default.to_owned(),
                line => line.to_owned(),
            }))
        }
    };
    let Some(project) = ask("Project", init.project, "payment").await? else { return Ok(None) };
    let given = (!init.environments.is_empty()).then(|| init.environments.join(","));
    let Some(names) = ask("Environments, with commas between them", given, "dev,prod").await? else {
        return Ok(None);
    };
    let Some(region) = ask("Region", options.region.clone(), DEFAULT_REGION).await? else { return Ok(None) };
    let question = "ARN of a certificate in ACM, for HTTPS";
    let Some(certificate) = ask(question, init.certificate, "").await? else { return Ok(None) };
    let tls = match certificate.as_str() {
        "" => None,
        _ => {
            let question = "Name on the certificate, such as payments.example.com";
            let Some(domain) = ask(question, init.domain, "").await? else { return Ok(None) };
            Some((certificate, domain))
        }
    };
    Ok(Some(Answers { project, environments: named(&names)?, region, tls }))
}

fn named(names: &str) -> Result<Vec<Environment>, Failure> {
    let mut environments: Vec<Environment> = Vec::new();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let environment: Environment = name.parse().map_err(|error: environment::InvalidEnvironment| {
            Failure::new(Exit::Configuration, error.to_string())
                .hint(environment::RULE)
                .coded(Code::Environment)
        })?;
        if !environments.contains(&environment) {
            environments.push(environment);
        }
    }
    match environments.is_empty() {
        true => {
            Err(Failure::new(Exit::Usage, "no environment is named").hint("such as --environments dev,prod"))
        }
        false => Ok(environments),
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// The file.
fn text(answers: &Answers) -> String {
    let Answers { project, environments, region, tls } = answers;
    let mut text = String::new();
    let mut line = |line: &str| {
        let _ = writeln!(text, "{line}");
    };
    line(
        "# The configuration of this deployment. Every key that is not here has its default: `stack config` shows all of them, with",
    );
    line("# where each value comes from. No secrets belong here.");
    line("");
    line(
        "# Names what belongs to this stack, in the tag `stack:project`. Do not change it once something is deployed.",
    );
    line(&format!("project = {}", quoted(project)));
    line(&format!("region = {}", quoted(region)));
    line("");
    line("# Tags of every resource.");
    line("[tags]");
    line(&format!("Repository = {}", quoted(project)));
    line("Author = \"unknown\"");
    line("");
    line("# The image that the tasks run, once it is pushed: `up` prints the commands.");
    line("# [ecs]");
    line("# image = \":v1\"");
    for environment in environments {
        line("");
        match is_production(environment.as_str()) {
            false => {
                line(&format!(
                    "# `stack up --env {environment}`. Keys below override those above in this environment."
                ));
                line(&format!("[environments.{environment}.vpc]"));
                line("# One NAT gateway is cheaper; one_per_zone survives the failure of a zone.");
                line("nat = \"single\"");
            }
            true => production(environment, tls.as_ref(), &mut line),
        }
    }
    text
}

fn production(environment: &Environment, tls: Option<&(String, String)>, line: &mut impl FnMut(&str)) {
    line(&format!(
        "# `stack up --env {environment}`, for real payments: what holds data is protected, and `destroy` refuses it."
    ));
    line("# Logs are evidence: they stay after `destroy`, with the key that encrypts them.");
    line(&format!("[environments.{environment}.logs]"));
    line("keep_on_destroy = true");
    line("customer_key = true");
    line("");
    line(&format!("[environments.{environment}.database]"));
    line("deletion_protection = true");
    line("final_snapshot = true");
    line("backup_retention_in_days = 35");
    line("# With one zone gone, there are still two.");
    line("instances = 3");
    line("");
    line(&format!("[environments.{environment}.backup]"));
    line("min_retention_days = 35");
    line("");
    line(&format!("[environments.{environment}.alb]"));
    line("deletion_protection = true");
    match tls {
        Some((certificate, _)) => {
            line("# The load balancer has no address in the internet: requests come through the API only.");
            line("ingress = \"private\"");
            line("ingress_from_vpc = false");
            line(&format!("certificate_arn = {}", quoted(certificate)));
        }
        None => {
            line(
                "# For HTTPS, request a certificate in ACM, and set its ARN here and the name on it in `apigw.backend_domain`.",
            );
            line("# certificate_arn = \"arn:aws:acm:REGION:ACCOUNT:certificate/ID\"");
        }
    }
    line("");
    line(&format!("[environments.{environment}.alb.access_logs]"));
    line("delete_logs = false");
    if let Some((_, domain)) = tls {
        line("");
        line(&format!("[environments.{environment}.apigw]"));
        line(&format!("backend_domain = {}", quoted(domain)));
    }
    line("");
    line(&format!("[environments.{environment}.ecs]"));
    line("# A task in each zone.");
    line("desired_min = 3");
    line("");
    line(&format!("[environments.{environment}.ecs.repository]"));
    line("delete_images = false");
}
