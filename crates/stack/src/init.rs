//! `stack init`: a configuration file with comments, after four questions. An answer that cannot be right is asked for again.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::path::Path;

use engine::DeclareError;
use serde_json::json;

use crate::cli::{DEFAULT_ENVIRONMENT, Init, Options};
use crate::codes::Code;
use crate::config::{DEFAULT_FILE, DEFAULT_REGION, Sources, check_project, check_region};
use crate::environment::{self, Environment};
use crate::exit::{Exit, Failure};
use crate::export::check_place_of;
use crate::open_settings::is_production;
use crate::output::{print_json, tell};
use crate::program::Program;
use crate::question::{Answer, typed};
use crate::repeat::quoted_path;
use crate::run::configuration;
use crate::signals::Signals;
use crate::stack::{Place, StackError, argument_error};

/// A name that a certificate can have.
const EXAMPLE_DOMAIN: &str = "payments.example.com";

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
    check_place_of("--config", path)?;
    let answers = match answers(program, init, options, signals).await {
        Ok(answers) => answers,
        Err(Ended::Failed(failure)) => return Err(failure),
        Err(Ended::Cancelled(exit)) => return Ok(exit),
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

/// Why there are no answers.
enum Ended {
    Failed(Failure),
    Cancelled(Exit),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Ended::Failed(failure)
    }
}

/// Asks for what no option gives, where somebody can be asked.
struct Asking<'a> {
    asks: bool,
    signals: &'a Signals,
}

impl Asking<'_> {
    /// What an option says, what somebody types, or the default.
    async fn answer<T>(
        &self,
        given: Option<T>,
        question: &str,
        default: Option<&str>,
        read: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<T, Ended> {
        match given {
            Some(given) => Ok(given),
            None if !self.asks => Ok(read(default.unwrap_or_default())?),
            None => self.ask(question, default, read).await,
        }
    }

    /// Asks until the answer can be right.
    async fn ask<T>(
        &self,
        question: &str,
        default: Option<&str>,
        read: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<T, Ended> {
        let shown = match default {
            None => String::new(),
            Some("") => " [none]".to_owned(),
            Some(default) => format!(" [{default}]"),
        };
        loop {
            let answer = match typed(&format!("{question}{shown}: "), self.signals).await? {
                Some(line) if line.is_empty() => Err(Answer::No),
                Some(line) => Ok(line),
                None => Err(Answer::Interrupted),
            };
            let line = match answer {
                Ok(line) => line,
                Err(answer) => return Err(Ended::Cancelled(answer.cancelled().unwrap_or(Exit::Failed))),
            };
            let text = if line.trim().is_empty() { default.unwrap_or_default() } else { line.trim() };
            match read(text) {
                Ok(answer) => return Ok(answer),
                Err(Failure { message, hint, .. }) => {
                    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
                    tell(&format!("{message}{hint}"));
                }
            }
        }
    }
}

/// What options say, what somebody types, and the defaults.
async fn answers(
    program: &Program,
    init: Init,
    options: &Options,
    signals: &Signals,
) -> Result<Answers, Ended> {
    // Before anything is asked.
    let project = option("--project", init.project, project)?;
    let names = (!init.environments.is_empty()).then(|| init.environments.join(","));
    let environments = option("--environments", names, named)?;
    let region = option("--region", options.region.clone(), region)?;

    let asking = Asking { asks: !options.yes && std::io::stdin().is_terminal(), signals };
    let project = asking.answer(project, "Project", Some("payment"), self::project).await?;
    let question = "Environments, with commas between them";
    let environments = asking.answer(environments, question, Some("dev,prod"), named).await?;
    let region = asking.answer(region, "Region", Some(DEFAULT_REGION), self::region).await?;
    let certificate = |arn: &str| match arn {
        "" => Ok(None),
        arn => check_tls(program, &region, arn, EXAMPLE_DOMAIN).map(|()| Some(arn.to_owned())),
    };
    let given = option("--certificate", init.certificate, certificate)?;
    let question = "ARN of a certificate in ACM, for HTTPS";
    let tls = match asking.answer(given, question, Some(""), certificate).await? {
        None => None,
        Some(arn) => {
            let domain = |domain: &str| match domain {
                "" => Err(Failure::new(Exit::Usage, "with a certificate, the name on it is needed")),
                domain => check_tls(program, &region, &arn, domain).map(|()| domain.to_owned()),
            };
            let given = option("--domain", init.domain, domain)?;
            let question = format!("Name on the certificate, such as {EXAMPLE_DOMAIN}");
            let domain = asking.answer(given, &question, None, domain).await?;
            Some((arn, domain))
        }
    };
    Ok(Answers { project, environments, region, tls })
}

/// What an option says, if it is given.
fn option<T>(
    name: &str,
    given: Option<String>,
    read: impl Fn(&str) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let read = given.map(|given| read(&given)).transpose();
    read.map_err(|failure| Failure { message: format!("{name}: {}", failure.message), ..failure })
}

fn wrong(reason: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure::new(Exit::Configuration, reason).hint(hint).coded(Code::Configuration)
}

fn project(name: &str) -> Result<String, Failure> {
    check_project(name).map(|()| name.to_owned()).map_err(|(reason, hint)| wrong(reason, hint))
}

fn region(name: &str) -> Result<String, Failure> {
    check_region(name).map(|()| name.to_owned()).map_err(|(reason, hint)| wrong(reason, hint))
}

/// Whether the stack can be declared with a certificate and the name on it, and otherwise with the defaults.
fn check_tls(program: &Program, region: &str, arn: &str, domain: &str) -> Result<(), Failure> {
    let mut config = program.default_config();
    config.region = region.to_owned();
    if config.get::<alb::Tier>().is_none() || config.get::<apigw::Tier>().is_none() {
        return Ok(());
    }
    config.section_mut::<alb::Tier>().certificate_arn = Some(arn.to_owned());
    config.section_mut::<apigw::Tier>().backend_domain = Some(domain.to_owned());
    let environment: Environment = DEFAULT_ENVIRONMENT.parse().map_err(invalid)?;
    let place = Place::imagined(&config);
    match program.stack(config, &environment).declare(&place) {
        Err(StackError::Declare { source: DeclareError::Argument { reason, hint, .. }, .. }) => {
            Err(wrong(reason, hint))
        }
        // Whatever else is wrong is told of the whole file.
        _ => Ok(()),
    }
}

fn invalid(error: environment::InvalidEnvironment) -> Failure {
    Failure::new(Exit::Configuration, error.to_string()).hint(environment::RULE).coded(Code::Environment)
}

fn named(names: &str) -> Result<Vec<Environment>, Failure> {
    let mut environments: Vec<Environment> = Vec::new();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let environment: Environment = name.parse().map_err(invalid)?;
        if !environments.contains(&environment) {
            environments.push(environment);
        }
    }
    match environments.is_empty() {
        true => Err(Failure::new(Exit::Usage, "no environment is named").hint("name some, such as dev,prod")),
        false => Ok(environments),
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// What is said of the image in each environment, since each has a repository of its own.
const IMAGE: &str = "# The image that the tasks run, once it is pushed: `up` prints the commands.";

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
                line("");
                line(IMAGE);
                line(&format!("# [environments.{environment}.ecs]"));
                line("# image = \":v1\"");
                if environment.as_str() != DEFAULT_ENVIRONMENT {
                    line("");
                    line(
                        "# Without this, `destroy` refuses to delete the environment's database with its data.",
                    );
                    line(&format!("# [environments.{environment}.database]"));
                    line(&format!("# allow_data_loss = [\"{}aurora-{environment}\"]", aws::NAME_PREFIX));
                }
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
    line("# AWS's own services without the internet, for about 200 USD a month.");
    line(&format!("[environments.{environment}.vpc.interface_endpoints]"));
    line("enabled = true");
    line("");
    line(&format!("[environments.{environment}.database]"));
    line("deletion_protection = true");
    line("final_snapshot = true");
    line("backup_retention_in_days = 35");
    line("# With one zone gone, there are still two.");
    line("instances = 3");
    line("");
    line("# AWS advises 2 units at least where Performance Insights is on.");
    line(&format!("[environments.{environment}.database.capacity]"));
    line("min = 2.0");
    line("max = 16.0");
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
    line("desired_max = 30");
    line(IMAGE);
    line("# image = \":v1\"");
    line("");
    line(&format!("[environments.{environment}.ecs.repository]"));
    line("delete_images = false");
}
