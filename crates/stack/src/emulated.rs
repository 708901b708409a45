//! `stack emulator`: the embedded AWS by itself, for other clients and for looking at it.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use emulator::{Emulator, EmulatorError, FaultPlan, Object};
use engine::visible;
use serde_json::json;
use tokio::net::TcpListener;

use crate::cli::{EmulatorCommand, Options, Serve};
use crate::codes::Code;
use crate::config::DEFAULT_REGION;
use crate::exit::{Exit, Failure};
use crate::input;
use crate::output::{Lines, note, print, print_json, tell};
use crate::question::agreed;
use crate::signals::Signals;

/// Where the embedded AWS lives in a state directory.
#[must_use]
pub(crate) fn directory(state_dir: &Path) -> PathBuf {
    state_dir.join("emulator")
}

/// How long requests under way may take when the server is to end.
const TO_ANSWER: Duration = Duration::from_secs(1);

/// Runs one of the commands.
pub(crate) async fn run(
    command: EmulatorCommand,
    options: &Options,
    signals: &Signals,
) -> Result<Exit, Failure> {
    let directory = directory(&options.state_dir);
    match command {
        EmulatorCommand::Serve(serve) => serve_on_loopback(&serve, &directory, options, signals).await,
        EmulatorCommand::Reset => reset(&directory, options, signals).await,
        EmulatorCommand::List { all } => {
            let listed = signals.unless(list(&directory, all, options.json)).await;
            listed.unwrap_or(Ok(Exit::Interrupted))
        }
    }
}

pub(crate) fn unusable(directory: &Path, error: &EmulatorError) -> Failure {
    Failure::from_error(Exit::Configuration, error)
        .coded(Code::Emulator)
        .hint(format!("the embedded AWS lives in {}", directory.display()))
}

/// The embedded AWS of a directory, all of whose files can be read.
pub(crate) fn open(directory: &Path) -> Result<Emulator, Failure> {
    let emulator = Emulator::open(directory).map_err(|error| unusable(directory, &error))?;
    match emulator.unreadable().first() {
        Some(error) => Err(unusable(directory, error)),
        None => Ok(emulator),
    }
}

async fn serve_on_loopback(
    serve: &Serve,
    directory: &Path,
    options: &Options,
    signals: &Signals,
) -> Result<Exit, Failure> {
    let mut builder = Emulator::builder().latency(serve.latency).throttling(serve.throttling);
    if let Some(file) = &serve.faults {
        let plan = fault_plan(file)?;
        let rules = match plan.rules.len() {
            1 => "1 rule".to_owned(),
            count => format!("{count} rules"),
        };
        tell(&format!(
            "faults are on: calls go wrong as {} says ({rules}, seed {}). Without --faults they do not",
            file.display(),
            plan.seed
        ));
        builder = builder.faults(plan);
    }
    let emulator = builder.open(directory).map_err(|error| unusable(directory, &error))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, serve.port));
    for error in emulator.unreadable() {
        tell(&format!("{error}. Until then that service refuses all calls, and the others work"));
    }
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::from_error(Exit::Failed, &error)
            .context(format!("cannot listen on {address}"))
            .coded(Code::Emulator)
            .hint("another process may use the port: choose one with --port, or --port 0 for any free one")
    })?;
    let unserved = |error: &dyn Error| Failure::from_error(Exit::Failed, error).coded(Code::Emulator);
    let address = listener.local_addr().map_err(|error| unserved(&error))?;
    let region = options.region.as_deref().unwrap_or(DEFAULT_REGION);
    note(examples(directory, &format!("http://{address}"), region));
    match options.json {
        true => print_json(&json!({ "url": format!("http://{address}") }))?,
        false => print(&Lines::from(&format!("http://{address}")))?,
    }
    let cancel = signals.cancel();
    tokio::select! {
        served = emulator::serve(emulator, listener, cancel.cancelled()) => {
            served.map_err(|error| unserved(&error))?;
        }
        // A client that neither finishes its request nor goes away is not waited for.
        () = async { cancel.cancelled().await; tokio::time::sleep(TO_ANSWER).await } => {}
        () = cancel.abandoned() => {}
    }
    Ok(Exit::Done)
}

/// What is served, and how clients come to it. Credentials must be there, and may be any.
fn examples(directory: &Path, url: &str, region: &str) -> Lines {
    let mut lines = Lines::from(&format!(
        "the embedded AWS in {} is served until Ctrl-C, to any AWS client:",
        directory.display()
    ));
    lines.line(format!(
        "  AWS_ENDPOINT_URL={url} AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION={region} \
         aws ec2 describe-vpcs"
    ));
    lines.line(format!(
        "  boto3.client(\"ec2\", endpoint_url=\"{url}\", region_name=\"{region}\", \
         aws_access_key_id=\"any\", aws_secret_access_key=\"any\").describe_vpcs()"
    ));
    lines.line("to move its clock an hour forward:");
    lines.line(format!("  curl --data '{{\"seconds\": 3600}}' {url}/_emulator/advance"));
    lines
}

fn fault_plan(file: &Path) -> Result<FaultPlan, Failure> {
    let text = input::read(file).map_err(|error| {
        let place = error.line().map(|line| format!(", line {line}")).unwrap_or_default();
        Failure::new(Exit::Configuration, format!("{}{place}: {error}", file.display()))
            .hint(error.hint())
            .coded(Code::Emulator)
    })?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::from_error(Exit::Configuration, &error)
            .context(format!("{} is not a valid fault plan", file.display()))
            .coded(Code::Emulator)
            .hint("crates/emulator/README.md, section Faults, shows what it looks like")
    })
}

async fn reset(directory: &Path, options: &Options, signals: &Signals) -> Result<Exit, Failure> {
    let question = format!("DELETE everything in the embedded AWS in {}", directory.display());
    if let Some(exit) = agreed(options, &question, signals).await?.cancelled() {
        return Ok(exit);
    }
    let files = emulator::reset(directory).map_err(|error| unusable(directory, &error))?;
    let what = if files == 0 { "it was empty" } else { "everything in it is gone" };
    tell(&format!(
        "the embedded AWS in {}: {what}. What `up` recorded there is kept; the next `up` notices that its \
         resources have disappeared, and creates them anew",
        directory.display()
    ));
    if options.json {
        print_json(&json!({ "directory": directory.display().to_string(), "files": files }))?;
    }
    Ok(Exit::Done)
}

async fn list(directory: &Path, all: bool, json: bool) -> Result<Exit, Failure> {
    let objects = match directory.exists() {
        // Looking must not make a directory.
        false => Vec::new(),
        true => {
            let emulator = open(directory)?;
            emulator.objects().await.map_err(|error| unusable(directory, &error))?
        }
    };
    let wanted: Vec<Object> = objects.into_iter().filter(|object| all || !object.made_by_default).collect();
    if json {
        print_json(&secrets::masked(&json!(wanted)))?;
        return Ok(Exit::Done);
    }
    if wanted.is_empty() {
        note("nothing is there");
    }
    print(&table(&wanted))?;
    Ok(Exit::Done)
}

/// A line for each object: kind, id, name, and where it is.
fn table(objects: &[Object]) -> Lines {
    let width = |column: fn(&Object) -> &str| {
        objects.iter().map(|object| visible(column(object)).chars().count()).max().unwrap_or_default()
    };
    let (kinds, ids) = (width(|object| &object.kind), width(|object| &object.id).min(60));
    let mut lines = Lines::new();
    for object in objects {
        let (kind, id) = (visible(&object.kind), visible(&object.id));
        let name = object.name.as_deref().unwrap_or("-");
        lines.line(format!("{kind:kinds$}  {id:ids$}  {name}  ({})", object.region));
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects {
        *counts.entry(&object.region).or_default() += 1;
    }
    for (region, count) in counts {
        lines.line(format!("{region}: {count}"));
    }
    lines
}
