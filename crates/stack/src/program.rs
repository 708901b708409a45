//! A program: which tiers it has, and its command line.

use std::collections::BTreeSet;
use std::fmt;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use ::verify::{Check, Subject};
use clap::{CommandFactory as _, FromArgMatches as _};
use engine::{Component, State};
use serde_json::Value as Json;

use crate::cli::Cli;
use crate::cli_advice::with_advice;
use crate::codes::Code;
use crate::completions;
use crate::config::{Catalogue, Config, ConfigError, Loaded, Sources, load_from};
use crate::conveniences;
use crate::environment::Environment;
use crate::error_json;
use crate::exit::{Exit, Failure};
use crate::output::{print_usage, set_color, tell};
use crate::stack::Stack;
use crate::tier::{Handle, Registered, Registration, Tier, Wired};

/// Names at the top of the configuration, or of its schema, that no tier can have.
const TAKEN: [&str; 10] = [
    "allow_unknown_region",
    "aws",
    "environment",
    "environments",
    "ignore",
    "logs",
    "project",
    "region",
    "state",
    "tags",
];

/// Tiers that do not go together: a defect of the program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// Two tiers have the same name, and so the same section of the configuration.
    #[error("two tiers are called `{name}`, which is also the name of their section")]
    SectionTwice {
        /// The name.
        name: &'static str,
    },
    /// A tier has the name of a key that every configuration has.
    #[error("a tier cannot be called `{name}`: every configuration has a key of this name")]
    SectionTaken {
        /// The name.
        name: &'static str,
    },
    /// The name of a tier cannot be a key, part of a variable's name, and the beginning of addresses.
    #[error("a tier cannot be called `{name}`: use lower case letters and digits, beginning with a letter")]
    SectionName {
        /// The name.
        name: &'static str,
    },
    /// The arguments of a tier are not a struct with named fields.
    #[error(
        "the arguments of the tier `{tier}` are not a table, so they cannot be a section of the configuration"
    )]
    NotATable {
        /// The tier.
        tier: &'static str,
    },
    /// Two tiers have an output of the same name.
    #[error("the tiers `{first}` and `{second}` both have an output `{output}`")]
    OutputTwice {
        /// The name.
        output: String,
        /// The tier that was registered first.
        first: &'static str,
        /// The other tier.
        second: &'static str,
    },
    /// An output has a name that the command `outputs` gives a meaning of its own.
    #[error("the tier `{tier}` cannot have an output `{output}`: `outputs {output}` fetches the API's key")]
    ReservedOutput {
        /// The name.
        output: String,
        /// The tier.
        tier: &'static str,
    },
    /// The outputs of a tier are not a struct with named fields.
    #[error("the outputs of the tier `{tier}` have no names")]
    OutputsWithoutNames {
        /// The tier.
        tier: &'static str,
    },
}

/// Registers kinds.
type Kinds = fn(&mut aws::Registry);

/// A state has a tier that the program does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this state has a tier `{tier}`, which `{program}` does not have: another program recorded it")]
#[non_exhaustive]
pub struct UnknownTier {
    /// The tier, as the addresses in the state begin with it.
    pub tier: String,
    /// The program that does not know it.
    pub program: &'static str,
}

/// A program with the command line of `stack`, and the tiers that it registers.
///
/// The program `stack` itself registers the seven tiers of the payment stack with [`payment`](Self::payment). A program of
/// your own adds tiers to them with [`tier`](Self::tier), which gives each a section of `stack.toml` with schema, defaults
/// and errors that name file and line, and its outputs a line of `outputs`:
///
/// ```
/// # mod queue {
/// #     use engine::{Component, DeclareError, Declared, Input, Scope, Stage};
/// #     #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
/// #     #[serde(default, deny_unknown_fields)]
/// #     pub struct Args { pub depth: u32 }
/// #     #[derive(Clone)]
/// #     pub struct Inputs { pub place: aws::Place, pub vpc_id: Input<aws::VpcId> }
/// #     #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// #     #[serde(bound = "")]
/// #     pub struct Outputs<S: Stage> { pub queue_depth: S::Of<u32> }
/// #     pub struct Tier(Args);
/// #     impl Component for Tier {
/// #         const NAME: &'static str = "queue";
/// #         type Inputs = Inputs;
/// #         type Outputs<S: Stage> = Outputs<S>;
/// #         fn declare(&self, _: &mut Scope, _: &Inputs) -> Result<Outputs<Declared>, DeclareError> {
/// #             Ok(Outputs { queue_depth: Input::Literal(self.0.depth) })
/// #         }
/// #     }
/// #     impl stack::Tier for Tier {
/// #         type Args = Args;
/// #         const ABOUT: &'static str = "The queue.";
/// #         fn in_environment(args: Args, _: &stack::Shared) -> Self { Self(args) }
/// #         fn register(_: &mut aws::Registry) {}
/// #     }
/// # }
/// let mut program = stack::Program::new("payments", "1.0.0");
/// let payment = program.payment();
/// program.tier::<queue::Tier>(move |wired| queue::Inputs {
///     place: wired.place(),
///     vpc_id: wired[&payment.network].vpc_id.clone(),
/// });
/// // In `main`, the last line is `program.main()`. As a library:
/// let dev = "dev".parse().unwrap();
/// let config = program.default_config();
/// let graph = program.stack(config.clone(), &dev).declare(&stack::Place::imagined(&config)).unwrap();
/// assert_eq!(graph.exports()["queue_depth"], 0);
/// ```
///
/// Wiring that is wrong does not compile. A handle exists only once its tier is registered:
///
/// ```compile_fail,E0425
/// # struct Inputs { vpc_id: engine::Input<aws::VpcId> }
/// let program = stack::Program::new("payments", "1.0.0");
/// // The payment stack is not registered.
/// let inputs = move |wired: &stack::Wired<'_>| Inputs { vpc_id: wired[&payment.network].vpc_id.clone() };
/// ```
///
/// And an output has its own type:
///
/// ```compile_fail,E0308
/// # struct Inputs { vpc_id: engine::Input<aws::VpcId> }
/// let mut program = stack::Program::new("payments", "1.0.0");
/// let payment = program.payment();
/// let inputs = move |wired: &stack::Wired<'_>| Inputs {
///     // The ARN of the load balancer is not the id of a VPC.
///     vpc_id: wired[&payment.alb].alb_arn.clone(),
/// };
/// ```
#[derive(Clone)]
pub struct Program {
    name: &'static str,
    version: &'static str,
    tiers: Vec<Arc<dyn Registered>>,
    removed: Vec<(&'static str, Kinds)>,
    checks: Vec<fn(&Subject) -> Vec<Check>>,
    catalogue: OnceLock<Arc<Catalogue>>,
}

impl Program {
    /// A program without tiers. Its name and version are those of `--help` and `--version`; `env!("CARGO_BIN_NAME")` and
    /// `env!("CARGO_PKG_VERSION")` have them.
    #[must_use]
    pub fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            name,
            version,
            tiers: Vec::new(),
            removed: Vec::new(),
            checks: Vec::new(),
            catalogue: OnceLock::new(),
        }
    }

    /// Registers a tier. `inputs` makes its inputs from the place and the outputs of tiers that were registered before.
    ///
    /// A name that another tier has, or that cannot be a section, is an error as soon as the program starts; so is an output
    /// with the name of another tier's, as soon as the tiers are declared. Both are before any call.
    pub fn tier<T: Tier>(
        &mut self,
        inputs: impl Fn(&Wired<'_>) -> T::Inputs + Send + Sync + 'static,
    ) -> Handle<T> {
        self.tiers.push(Arc::new(Registration::<T, _>::new(inputs)));
        self.catalogue = OnceLock::new();
        Handle::new()
    }

    /// Names a tier that the program had once, and registers the kinds of its resources. What a state still has of that tier
    /// is planned for deletion. A state with a tier that the program neither has nor had is refused: it is another program's.
    pub fn removed(&mut self, tier: &'static str, kinds: fn(&mut aws::Registry)) -> &mut Self {
        self.removed.push((tier, kinds));
        self
    }

    /// Whether a state can be this program's: every tier in it is one that the program has, or [had](Self::removed).
    ///
    /// # Errors
    /// The first tier that the program does not know. A plan of this program would delete all that is in it.
    pub fn recognises(&self, state: &State) -> Result<(), UnknownTier> {
        let known = self.tiers.iter().map(|tier| tier.name());
        // Every program has the key for logs, if the configuration says so.
        let known = known.chain([<logs::Tier as Component>::NAME]);
        let known: BTreeSet<&str> = known.chain(self.removed.iter().map(|(tier, _)| *tier)).collect();
        match state.slots().map(|(address, _)| address.tier()).find(|tier| !known.contains(tier)) {
            None => Ok(()),
            Some(tier) => Err(UnknownTier { tier: tier.to_owned(), program: self.name }),
        }
    }

    /// Adds checks to `verify`, after those that were added before.
    pub fn checks(&mut self, checks: fn(&Subject) -> Vec<Check>) -> &mut Self {
        self.checks.push(checks);
        self
    }

    /// Registers every kind of resource that the program, or a state that it wrote, can contain.
    pub fn register(&self, registry: &mut aws::Registry) {
        aws::kinds(registry);
        self.tiers.iter().for_each(|tier| tier.register(registry));
        self.removed.iter().for_each(|(_, kinds)| kinds(registry));
    }

    /// Reads the layers of the configuration and puts them on top of each other.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn load(&self, sources: &Sources<'_>) -> Result<Loaded, ConfigError> {
        load_from(self.catalogue(), sources)
    }

    /// The JSON schema of the configuration file, draft 7, which all editors know. A section of `environments` has all keys
    /// that the file has.
    #[must_use]
    pub fn schema(&self) -> Json {
        self.catalogue().schema()
    }

    /// The configuration where nobody says anything.
    #[must_use]
    pub fn default_config(&self) -> Config {
        self.catalogue().default_config()
    }

    /// The stack that a configuration describes. A section that the configuration does not have, since another program made
    /// it, has its defaults.
    #[must_use]
    pub fn stack(&self, config: Config, environment: &Environment) -> Stack {
        Stack::of(self.tiers.clone(), self.check(), config, environment)
    }

    /// Whether the tiers go together.
    ///
    /// # Errors
    /// What is wrong with the program: names of its tiers. Whether two outputs have the same name is known when they are
    /// declared.
    pub fn check(&self) -> Result<(), ProgramError> {
        let mut names = BTreeSet::new();
        for tier in &self.tiers {
            let name = tier.name();
            if TAKEN.contains(&name) {
                return Err(ProgramError::SectionTaken { name });
            }
            if !is_section(name) {
                return Err(ProgramError::SectionName { name });
            }
            if !names.insert(name) {
                return Err(ProgramError::SectionTwice { name });
            }
            if !tier.defaults().value().is_ok_and(|value| value.is_table()) {
                return Err(ProgramError::NotATable { tier: name });
            }
        }
        Ok(())
    }

    /// What the configuration can have.
    ///
    /// # Panics
    /// If the tiers do not go together: see [`check`](Self::check).
    pub(crate) fn catalogue(&self) -> &Arc<Catalogue> {
        self.catalogue.get_or_init(|| {
            if let Err(error) = self.check() {
                panic!("{error}");
            }
            Arc::new(Catalogue::new(self.tiers.clone()))
        })
    }

    /// The command line, as clap knows it.
    pub(crate) fn command_line(&self) -> clap::Command {
        Cli::command().name(self.name).version(self.version)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn version(&self) -> &'static str {
        self.version
    }

    /// Judges a deployed stack.
    pub(crate) fn judge(&self, subject: &Subject) -> Vec<Check> {
        self.checks.iter().flat_map(|checks| checks(subject)).collect()
    }

    /// Runs the command line, as `main` of the program: parses the arguments, does what they say, and prints what comes of
    /// it.
    #[must_use]
    pub fn main(self) -> ExitCode {
        if let Err(error) = self.check() {
            tell(defective(&error).render());
            return Exit::Failed.into();
        }
        if let Some(answered) = completions::answer(&self) {
            return answered.into();
        }
        // What is wrong with the command line is said before that is read.
        conveniences::color(std::env::args_os()).into_iter().for_each(set_color);
        let cli = self.command_line().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
        let cli = match cli {
            Ok(cli) => cli,
            Err(error) => {
                let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
                let error = with_advice(error, &self.command_line());
                if exit == Exit::Usage && std::env::args_os().any(|argument| argument == "--json") {
                    error_json::print_usage(&error);
                }
                print_usage(error);
                return exit.into();
            }
        };
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tell(Failure::new(Exit::Failed, format!("cannot start: {error}")).render());
                return Exit::Failed.into();
            }
        };
        let ended = runtime.block_on(self.run(cli));
        // What still runs in the background, such as a look-up of a name that nobody waits for any more, must not hold the end.
        runtime.shutdown_background();
        match ended {
            Ok(exit) => exit.into(),
            Err(failure) => {
                tell(failure.render());
                failure.exit.into()
            }
        }
    }
}

/// What is said of a program whose tiers do not go together.
pub(crate) fn defective(error: &ProgramError) -> Failure {
    Failure::from_error(Exit::Failed, error)
        .coded(Code::Defect)
        .hint("this is a defect of the program: its tiers are registered in its `main`; nothing was called")
}

/// Whether a name can be a key of the configuration and part of a variable's name, where a hyphen cannot stand, and the first
/// segment of addresses, where an underscore cannot.
fn is_section(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.bytes().all(allowed) && name.starts_with(|first: char| first.is_ascii_lowercase())
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tiers: Vec<_> = self.tiers.iter().map(|tier| tier.name()).collect();
        f.debug_struct("Program").field("name", &self.name).field("tiers", &tiers).finish_non_exhaustive()
    }
}
