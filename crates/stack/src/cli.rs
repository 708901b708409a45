//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use engine::Selector;

use crate::chosen::{Chosen, Part};
use crate::config::Setting;
use crate::logs::ReadLogs;

/// Where resources are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// An AWS inside this process, kept in the state directory. Nothing real, no cost, no account.
    Embedded,
    /// The AWS account of your credentials, or whatever AWS_ENDPOINT_URL names.
    Aws,
}

impl Target {
    /// As on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Target::Embedded => "embedded",
            Target::Aws => "aws",
        }
    }
}

/// When to print in colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal that can show colours.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Deploys a highly available payment-processing stack to AWS: plan, apply, read back, destroy.
///
/// Without a command it is `up`, on the embedded target. The default target is an AWS inside this process, so that trying it costs nothing;
/// real AWS is used only with `--target aws`. A run that is killed is resumed by the next one.
#[derive(Debug, Parser)]
#[command(name = "stack", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of every command.
    #[command(flatten)]
    pub options: Options,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done, or nothing to do
  1    failed (run again to resume), or a `verify` check failed
  2    changes or drift are present (only with --detailed-exitcode)
  64   the command line is wrong, or there is no terminal to ask on
  65   the configuration, the state or a plan file is wrong, or something is protected; nothing was changed
  75   another process works on the same state
  130  interrupted; run again to resume";

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Create what is missing, change what differs, delete what is no longer declared (the default).
    Up(Up),
    /// Show what `up` would do. Changes nothing.
    Preview {
        /// How to show it.
        #[command(flatten)]
        shown: Shown,
        /// Which part of it.
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Compare live AWS with the recorded state, property by property. Changes nothing; the next `up` repairs drift.
    ///
    /// With --accept it takes what is live into the state instead, once you have agreed, and prints the lines of the configuration
    /// that say the same. With --orphans it lists objects that carry the tags of this environment and that nothing recorded stands
    /// for. Neither calls anything that changes something in AWS.
    Refresh(Refresh),
    /// Print the stack's outputs, or the one named. Calls nothing, except for `apiKey`, the API's key, which is never
    /// stored, but fetched from AWS when you ask for it.
    Outputs {
        /// Print only this one, without its name.
        name: Option<String>,
    },
    /// Print the logs of the application, or of another source, oldest first; or follow them. Takes no lock.
    ///
    /// A line has time (UTC), stream (for tasks: the beginning of the id) and message, with control characters as escapes; --json has a
    /// line of JSON for each event. Exits with 65 if the environment has no such logs.
    Logs(ReadLogs),
    /// Check a deployed stack: outputs, answers over HTTP, encryption, monitoring, names, completeness. Changes nothing.
    ///
    /// Resources are read as `refresh` reads them; then requests are sent to the load balancer and the API. Takes no lock, like
    /// `outputs`: while another process changes the stack, checks fail that pass afterwards. Exits with 1 if a check fails.
    Verify {
        /// Also write the results to this file, as JUnit XML.
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
        /// How long an HTTP request may take.
        #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=300), allow_hyphen_values = true)]
        timeout: u64,
    },
    /// Delete everything recorded for the environment.
    Destroy {
        /// Which plan to run, and who follows it.
        #[command(flatten)]
        applied: Applied,
        /// Only show what would be deleted. Changes nothing.
        #[arg(long, conflicts_with_all = ["plan", "events"])]
        preview: bool,
        /// How to show it.
        #[command(flatten)]
        shown: Shown,
        /// Which part of it.
        #[command(flatten)]
        part: Part,
    },
    /// Adopt an object that exists in AWS for a resource that declares it. Shows what the next `up` would change of it, and asks.
    ///
    /// The object is recorded, and gets the tags that say whose it is; nothing else of it is changed. Which form the id has depends
    /// on the kind of the resource: `import --kinds` shows them, and so does docs/import.md. An object of another project or
    /// environment is refused.
    Import(Import),
    /// Deploy an image of the application: push it into the environment's repository, and let ECS replace the tasks.
    ///
    /// From then on, `up` keeps this image unless the configuration names one. The tier `ecs` is brought to what is declared along with
    /// it, with what it needs; with the first image everything is. What was begun and killed goes on with the next `up` or `deploy`.
    Deploy(Deploy),
    /// Go back to the image that ran before, or to the one that --to names.
    ///
    /// While ECS is still deploying or keeps the old tasks for the bake time, it is told to go back to them first, which is fast. Then a
    /// revision of that image is deployed like a new one. After a failed deployment that is the image that serves.
    Rollback(Rollback),
    /// List the deployments of images: which, when, by whom, and how they ended. Takes no lock, calls nothing.
    Deployments,
    /// Print the effective configuration, each value and its source, as TOML. Calls nothing.
    ///
    /// Everything in it is shown, `ecs.environment_variables` too: the configuration is no place for secrets.
    Config {
        /// Print the JSON schema of the configuration file instead, for editors.
        #[arg(long)]
        schema: bool,
    },
    /// Write what is declared for other tools. Calls nothing.
    #[command(subcommand)]
    Export(ExportCommand),
    /// The record of what was deployed, by itself.
    #[command(subcommand)]
    State(StateCommand),
    /// Make the S3 bucket that `state.bucket` names as it must be to keep states, or bring it back to that. Shows what differs
    /// and asks.
    ///
    /// That is: versioning, encryption, no public access, no access without TLS, and what expires when. A bucket of
    /// somebody else is refused. It is never emptied, replaced or deleted. Can be run again at any time.
    Bootstrap(Bootstrap),
    /// List past runs, the newest first: when, by whom, what came of them. Or show each step of one.
    ///
    /// Takes no lock. Calls nothing with the state in the state directory; with the state in S3, it reads the bucket.
    History {
        /// Show the steps of this run: its id, or the beginning of it.
        #[arg(conflicts_with = "limit")]
        run: Option<String>,
        /// How many runs to list.
        #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Take the lock away from a run that has died.
    ///
    /// If this machine knows that the process has ended, at once. Otherwise the lock is watched for as long as a lease lasts:
    /// a run that lives renews it in that time, and keeps it. Exits with 75 if it lives.
    Unlock {
        /// The id of the holder, as `state lock` shows it: any other one keeps the lock.
        id: Option<String>,
        /// Take the lock away from a run that lives. It stops at its next call. Wants the id, here or typed.
        #[arg(long)]
        force: bool,
    },
    /// The environments.
    #[command(subcommand)]
    Env(EnvCommand),
    /// The embedded AWS by itself: serve it to other clients, list what is in it, empty it.
    #[command(subcommand)]
    Emulator(EmulatorCommand),
    /// Write a configuration file with comments, after four questions. Never overwrites a file.
    ///
    /// On a terminal it asks for what no option gives, again if an answer cannot be right; elsewhere, and with --yes, the defaults are taken. The file is `stack.toml`,
    /// or the one that --config names.
    Init(Init),
    /// Explain an error by its code, such as E0301; without a code, list all codes.
    Explain {
        /// The code.
        code: Option<String>,
    },
    /// Print what a shell needs to complete commands, options, values, and the names of environments, resources and outputs.
    ///
    /// For bash, put `source <(stack completions bash)` into ~/.bashrc. For zsh, put `source <(stack completions zsh)` into ~/.zshrc,
    /// after `compinit`. For fish, put `stack completions fish | source` into ~/.config/fish/config.fish. The names are those in the configuration file and in the state
    /// directory; no call is made. Load it when the shell starts rather than from a file: it belongs to this version of the program.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages, one for each command, into a directory.
    Man {
        /// The directory; it is made if it does not exist.
        directory: PathBuf,
    },
}

/// Which image is deployed, and how.
#[derive(Clone, Debug, Args)]
pub struct Deploy {
    /// An OCI layout (a directory or an archive), an archive of `docker save`, a reference in another registry
    /// (registry.example/app:1), or what is in the environment's repository already (:1 or @sha256:…).
    pub image: String,
    /// End as soon as ECS has accepted it. `up` or `deploy` follows it to its end later.
    #[arg(long)]
    pub no_wait: bool,
    /// Create an environment that the configuration has no section for, though it has sections for others.
    #[arg(long)]
    pub new_environment: bool,
}

/// To which image it goes back.
#[derive(Clone, Debug, Args)]
pub struct Rollback {
    /// The image, as `deployments` lists it: its revision (payment-app-dev:7, or 7) or the beginning of its digest.
    #[arg(long, value_name = "REVISION")]
    pub to: Option<String>,
}

/// Which objects are adopted, and for which resources.
#[derive(Clone, Debug, Args)]
pub struct Import {
    /// The resource, such as vpc/vpc.
    #[arg(conflicts_with_all = ["all", "kinds"])]
    pub address: Option<String>,
    /// The id of the object, such as vpc-0a1b2c3d4e5f60718. Parts are joined by `|`.
    #[arg(conflicts_with_all = ["all", "kinds"])]
    pub id: Option<String>,
    /// Adopt all that this file names, as TOML or as lines of JSON: "ADDRESS" = "ID". All of it, or nothing.
    #[arg(long, value_name = "FILE", conflicts_with = "kinds")]
    pub all: Option<PathBuf>,
    /// Also adopt what carries the tags of another project, environment or resource.
    #[arg(long)]
    pub take_over: bool,
    /// Show which form the ids of each kind of resource have. Calls nothing.
    #[arg(long)]
    pub kinds: bool,
}

/// What the new configuration file says.
#[derive(Clone, Debug, Args)]
pub struct Init {
    /// The project, part of the tags of everything [default: payment].
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// The environments; those that are called prod, production or live get safe settings [default: dev,prod].
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub environments: Vec<String>,
    /// The ARN of a certificate in ACM, for HTTPS. Without one, the load balancer takes HTTP.
    #[arg(long, value_name = "ARN", requires = "domain")]
    pub certificate: Option<String>,
    /// The name on the certificate, such as payments.example.com.
    #[arg(long, value_name = "DOMAIN", requires = "certificate")]
    pub domain: Option<String>,
}

/// How to bring the stack to what is declared.
#[derive(Clone, Debug, Default, Args)]
pub struct Up {
    /// Which plan to run, and who follows it.
    #[command(flatten)]
    pub applied: Applied,
    /// Also deploy an image whose deployment has failed; without this, the one that runs is kept.
    #[arg(long, conflicts_with = "plan")]
    pub retry: bool,
    /// Create an environment that the configuration has no section for, though it has sections for others.
    #[arg(long, conflicts_with = "plan")]
    pub new_environment: bool,
    /// Which part of it.
    #[command(flatten)]
    pub chosen: Chosen,
}

/// What to compare, and what to do with what differs.
#[derive(Clone, Debug, Default, Args)]
pub struct Refresh {
    /// Exit with 2 if there is drift, or with --orphans an orphan.
    #[arg(long, conflicts_with = "accept")]
    pub detailed_exitcode: bool,
    /// Take what is live into the state, and print what to write into the configuration, so that the next `up` keeps it.
    #[arg(long)]
    pub accept: bool,
    /// With --accept, only these: addresses, tiers or types, where `*` stands for any text.
    #[arg(value_name = "ADDRESS", requires = "accept", conflicts_with = "orphans")]
    pub addresses: Vec<Selector>,
    /// List objects that nothing recorded stands for. Takes no lock.
    #[arg(long, conflicts_with = "accept")]
    pub orphans: bool,
}

/// Which plan to run, and who follows it.
#[derive(Clone, Debug, Default, Args)]
pub struct Applied {
    /// Run exactly this plan, which `preview --out` wrote. Refused if anything has changed since it was made.
    #[arg(value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// Also write what happens to this file as it happens, a line of JSON each, as --json does to standard output.
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
}

/// How to show a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Shown {
    /// Name everything that would be created, with its properties, and show long values whole.
    #[arg(long)]
    pub details: bool,
    /// Exit with 2 if there are changes.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Also write the plan to this file, for `up FILE` or `destroy FILE`. Only you can read it.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print Markdown for a pull request: what cannot be undone first, details folded, less than 60,000 characters.
    #[arg(long)]
    pub markdown: bool,
}

/// What to do with the record of what was deployed.
#[derive(Clone, Debug, Subcommand)]
pub enum StateCommand {
    /// Check snapshot and journal, hash by hash, and print the last record's hash. Takes no lock, changes nothing.
    ///
    /// The chain of hashes finds damage and careless edits. Whoever can write the state directory can rewrite all of it: only a
    /// hash that was noted elsewhere shows that. With `state.anchor_log_group` in the configuration, each run notes one there,
    /// and this command compares all of them, which calls AWS; otherwise nothing is called. Exits with 65 if a check fails.
    Verify,
    /// Move the state of the environment from the state directory to the S3 bucket that is configured.
    ///
    /// What is in the bucket must be a beginning of it, or nothing; it asks before it overwrites that. What stays here is marked, and
    /// refused from then on.
    Push,
    /// Move the state of the environment from the S3 bucket that is configured to the state directory.
    ///
    /// What is in the directory must be a beginning of it, or nothing; it asks before it overwrites that. What stays in the bucket is
    /// marked, and refused from then on.
    Pull,
    /// Show who holds the lock: who, since when, what for, and whether it is known to have ended. Changes nothing.
    Lock,
    /// List the recorded resources: address, kind, id, and what is special about them. Takes no lock, calls nothing.
    List {
        /// Only these: a tier (`vpc`), an address (`vpc/igw`, `vpc/public-*`) or a type (`AWS::EC2::*`).
        what: Option<String>,
    },
    /// Show everything recorded for one resource: properties, outputs, dependencies, when it was created and last changed.
    /// Takes no lock, calls nothing.
    Show {
        /// Its address, as `state list` prints it.
        address: String,
    },
    /// Take resources out of the state. Nothing is deleted in AWS: their objects stay there, and are no longer managed.
    ///
    /// Shows what will no longer be managed, and what in the state depends on it, and asks. Take it out of the configuration first:
    /// what is still declared is looked for by the next `up`, and adopted or created.
    Forget {
        /// The addresses, as `state list` prints them.
        #[arg(required = true, value_name = "ADDRESS")]
        addresses: Vec<String>,
    },
    /// Protect resources: every plan that would delete or replace them is refused, and `destroy` too, whatever is configured.
    Protect {
        /// The addresses, as `state list` prints them.
        #[arg(required = true, value_name = "ADDRESS")]
        addresses: Vec<String>,
    },
    /// Lift the protection of `state protect`. What the configuration protects stays protected.
    Unprotect {
        /// The addresses, as `state list` prints them.
        #[arg(required = true, value_name = "ADDRESS")]
        addresses: Vec<String>,
    },
}

/// How to make the bucket.
#[derive(Clone, Copy, Debug, Args)]
pub struct Bootstrap {
    /// Also use a bucket that somebody made otherwise. What is in it stays.
    #[arg(long)]
    pub adopt: bool,
    /// Forbid everybody to delete the bucket, and old versions of what is in it, by its policy.
    #[arg(long, conflicts_with = "no_protect")]
    pub protect: bool,
    /// Allow it again.
    #[arg(long)]
    pub no_protect: bool,
}

/// What to do with the environments.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum EnvCommand {
    /// List the environments with a state on this target: when they were last run and by whom, and whether a run is under way.
    List,
}

/// In which form to write it.
#[derive(Clone, Debug, Subcommand)]
pub enum ExportCommand {
    /// A CloudFormation template: for review, for tools that judge templates, and as a way out.
    ///
    /// Account, region and partition are pseudo parameters in it, availability zones are parameters.
    Cloudformation {
        /// Write it to this file rather than to standard output. The file is replaced as a whole.
        #[arg(long, short = 'o', value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// What to do with the embedded AWS, which lives in `emulator` of the state directory.
#[derive(Clone, Debug, Subcommand)]
pub enum EmulatorCommand {
    /// Serve it over HTTP on 127.0.0.1, for the `aws` command line or any other client, until Ctrl-C.
    ///
    /// The address is printed on standard output, and examples for `aws` and boto3 on standard error. Several processes may
    /// use one state directory at once.
    ///
    /// Its clock can be moved forward, so that nobody has to wait for what takes its time: `POST /_emulator/advance` with
    /// {"seconds": 3600} or {"to": "2030-01-01T00:00:00Z"}; `GET /_emulator/clock` tells the time. Everything sees it: the states
    /// of objects, calls that are under way, and throttling.
    Serve(Serve),
    /// Delete everything in it. What `stack up` recorded is kept, so the next `up` creates it anew.
    Reset,
    /// List what is in it.
    List {
        /// Also what AWS makes by itself, such as a VPC's default security group.
        #[arg(long)]
        all: bool,
    },
}

/// How to serve the embedded AWS.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// The port; 0 takes any that is free.
    #[arg(long, default_value_t = 4566, value_name = "PORT", allow_hyphen_values = true)]
    pub port: u16,
    /// Latency factor: 1 is as slow as AWS, 0 is instant.
    #[arg(long, default_value_t = 0.0, value_name = "SCALE", value_parser = scale, allow_hyphen_values = true)]
    pub latency: f64,
    /// Refuse calls that come faster than AWS takes them.
    #[arg(long)]
    pub throttling: bool,
    /// Inject the faults listed in this JSON file.
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let wanted = "a number with s, m or h is wanted, such as 90s, 10m or 1h";
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(wanted)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wanted.to_owned()),
    };
    let number: u32 = number.parse().map_err(|_| wanted)?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

fn scale(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(scale) if scale.is_finite() && scale >= 0.0 => Ok(scale),
        _ => Err("a number from 0 up is wanted, such as 0.1".to_owned()),
    }
}

/// The environment that is meant where none is named.
pub(crate) const DEFAULT_ENVIRONMENT: &str = "dev";

/// Where state is kept where nothing else is said.
pub(crate) const DEFAULT_STATE_DIR: &str = ".stack";

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Options {
    /// The environment: dev, test, staging, prod, pr1234 and the like.
    #[arg(long, global = true, default_value = DEFAULT_ENVIRONMENT, env = "STACK_ENV", value_name = "NAME")]
    pub env: String,
    /// The configuration file [default: stack.toml, if it exists].
    #[arg(long, global = true, env = "STACK_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where state, journal and lock are kept, and the embedded AWS.
    #[arg(long, global = true, default_value = DEFAULT_STATE_DIR, env = "STACK_STATE_DIR", value_name = "DIR")]
    pub state_dir: PathBuf,
    /// Where resources are made.
    #[arg(long, global = true, default_value = "embedded", env = "STACK_TARGET")]
    pub target: Target,
    /// The AWS region [default: the configuration's, ap-southeast-1] [env: STACK_REGION].
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Set a key of the configuration, such as vpc.nat=single; texts as they are, everything else as in the file. Can be
    /// given more than once. A variable does the same: STACK_VPC__NAT=single.
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<Setting>,
    /// How long to wait for another run on the same environment, such as 90s, 10m or 1h. Without it, a run that has died is waited
    /// for until its lock has run out, and one that lives is not.
    #[arg(
        long,
        global = true,
        default_value = "0s",
        value_name = "DURATION",
        value_parser = duration,
        allow_hyphen_values = true
    )]
    pub lock_timeout: Duration,
    /// Skip all confirmation prompts.
    #[arg(long, short = 'y', global = true)]
    pub yes: bool,
    /// Print only data, the summary, warnings and errors.
    #[arg(long, short = 'q', global = true)]
    pub quiet: bool,
    /// Print a line for each AWS call on standard error: service, operation, HTTP status, duration and request id.
    #[arg(long, short = 'v', global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// When to print in colour. `auto` does on a terminal, unless NO_COLOR is set or TERM is dumb.
    #[arg(long, global = true, default_value = "auto", value_name = "WHEN")]
    pub color: Color,
    /// Print JSON on standard output.
    #[arg(long, global = true)]
    pub json: bool,
}
