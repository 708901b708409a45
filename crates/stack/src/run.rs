//! What each command does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::{Choice, Engine, Graph, Observer, Plan, Registry, State};
use tokio::sync::OnceCell;

use crate::account;
use crate::across;
use crate::anchor::Anchors;
use crate::binding;
use crate::chosen::Asked;
use crate::cli::{
    Applied, Cli, Command, EnvCommand, ExportCommand, Options, Shown, StateCommand, Target, Up,
};
use crate::codes::{self, Code};
use crate::completions;
use crate::config::{self, ConfigError, Loaded, Sources};
use crate::conveniences::{self, blamed};
use crate::deploy::UntilAccepted;
use crate::deployed;
use crate::emulated;
use crate::environment::{self, Environment};
use crate::error_json;
use crate::events::{Both, Events};
use crate::exit::{Exit, Failure};
use crate::export;
use crate::failures::engine_failure;
use crate::heading::heading;
use crate::init;
use crate::moved::Kept;
use crate::output::{self, Lines, note, print, print_json, tell};
use crate::outputs::NEXT_STEPS;
use crate::plans::document::Running;
use crate::plans::title::Title;
use crate::program::{Program, defective};
use crate::progress::Screen;
use crate::render::Counts;
use crate::signals::Signals;
use crate::stack::{Place, StackError, argument_error};
use crate::state_protect;
use crate::target::{self, Cloud, NOTHING_REAL};
use crate::written;

/// Everything that a command works with.
pub(crate) struct Work {
    pub(crate) program: Program,
    pub(crate) options: Options,
    pub(crate) loaded: Loaded,
    pub(crate) environment: Environment,
    /// Where the state is kept, once it was asked for.
    pub(crate) kept: OnceCell<Kept>,
    /// The plan that the command line names.
    pub(crate) plan_file: Option<PathBuf>,
    /// Which part the command line asks for.
    pub(crate) asked: Asked,
    /// Variables that set values of the configuration.
    pub(crate) variables: Vec<(String, String)>,
    /// Whether the command line says that an environment is to be created.
    pub(crate) new_environment: bool,
    /// The image that is deployed, whatever the configuration says.
    pub(crate) image: Option<String>,
    /// Whether an image whose deployment has failed is to be deployed again.
    pub(crate) retry: bool,
    /// What ends the run once ECS has accepted a deployment, if that is enough.
    pub(crate) until_accepted: Option<Arc<UntilAccepted>>,
    /// The command, as it is recorded of who runs it.
    pub(crate) purpose: &'static str,
    /// Who follows what happens, beside the person at the terminal.
    pub(crate) events: Option<Arc<Events>>,
}

/// What every command that plans needs.
pub(crate) struct Prepared {
    pub(crate) engine: Engine,
    pub(crate) graph: Arc<Graph>,
    pub(crate) place: Place,
    pub(crate) anchors: Option<Anchors>,
    pub(crate) title: Title,
    /// Whether nothing was ever recorded of the environment.
    pub(crate) is_new: bool,
    /// Whether the environment is one that nothing knows.
    pub(crate) is_unknown: bool,
}

impl Program {
    /// Runs a command line that was parsed.
    ///
    /// # Errors
    /// What to print, and the exit code.
    pub async fn run(&self, cli: Cli) -> Result<Exit, Failure> {
        self.check().map_err(|error| defective(&error))?;
        let Cli { command, options } = cli;
        output::set_up(&options);
        let command = match (command, options.target) {
            (Some(command), _) => command,
            (None, Target::Embedded) => Command::Up(Up::default()),
            // What costs money is asked for by its name.
            (None, Target::Aws) => return Err(conveniences::no_command(self, &options)),
        };
        let json = options.json;
        let Some((running, applied)) = applies(&command) else {
            let by_line = matches!(command, Command::Logs(_));
            let ended = match written::check(&command, &options) {
                Ok(()) => Box::pin(run(self, command, options, None)).await,
                Err(failure) => Err(failure),
            };
            if let (true, Err(failure)) = (json, &ended) {
                match by_line {
                    true => error_json::print_line(failure),
                    false => error_json::print(failure),
                }
            }
            return ended;
        };
        let events = match written::check(&command, &options)
            .and_then(|()| Events::wanted(json, applied.events.as_deref()))
        {
            Ok(events) => events,
            Err(failure) => {
                if json {
                    error_json::print(&failure);
                }
                return Err(failure);
            }
        };
        if let Some(events) = &events {
            events.run_started(running, self.name(), self.version(), &options.env);
        }
        let beating = events.as_ref().map(Events::beating);
        let ended = Box::pin(run(self, command, options, events.clone())).await;
        drop(beating);
        match events {
            Some(events) => events.ended(ended),
            None => ended,
        }
    }
}

/// Whether a command reads no more of the configuration than where the state is.
fn only_needs_the_state(command: &Command) -> bool {
    matches!(
        command,
        Command::Unlock { .. }
            | Command::State(_)
            | Command::Env(_)
            | Command::Outputs { .. }
            | Command::Logs(_)
            | Command::History { .. }
            | Command::Deployments
    )
}

/// Whether a command changes the stack, and what it was told of how.
fn applies(command: &Command) -> Option<(Running, &Applied)> {
    match command {
        Command::Up(Up { applied, .. }) => Some((Running::Up, applied)),
        Command::Destroy { applied, preview: false, .. } => Some((Running::Destroy, applied)),
        _ => None,
    }
}

async fn run(
    program: &Program,
    command: Command,
    options: Options,
    events: Option<Arc<Events>>,
) -> Result<Exit, Failure> {
    let signals = Signals::listen();
    let command = match command {
        Command::Explain { code } => return codes::explain(code.as_deref(), options.json),
        Command::Completions { shell } => return completions::script(program, shell),
        Command::Man { directory } => return conveniences::manual(program, &directory, options.json),
        Command::Init(init) => return init::run(program, init, &options, &signals).await,
        Command::Emulator(command) => return emulated::run(command, &options, &signals).await,
        Command::Config { schema: true } => return print_json(&program.schema()).map(|()| Exit::Done),
        command => command,
    };
    if options.target == Target::Embedded && !matches!(command, Command::Config { .. }) {
        note(NOTHING_REAL);
    }
    if let Command::Destroy { preview: false, shown, .. } = &command
        && *shown != Shown::default()
    {
        return Err(Failure::new(
            Exit::Usage,
            "--out, --markdown, --details and --detailed-exitcode need --preview",
        )
        .hint("`destroy --preview` shows what would be deleted; nothing was changed"));
    }
    let environment: Environment =
        options.env.parse().map_err(|error: environment::InvalidEnvironment| {
            let by = blamed("--env", "STACK_ENV");
            Failure::new(Exit::Configuration, format!("{by}: {error}"))
                .hint(environment::RULE)
                .coded(Code::Environment)
        })?;
    let mut variables = config::variables(std::env::vars_os()).map_err(configuration)?;
    if only_needs_the_state(&command) {
        variables.retain(|(name, _)| program.catalogue().wants(name));
    }
    let sources = Sources {
        file: options.config.as_deref(),
        environment: &environment,
        variables: &variables,
        settings: &options.set,
        region: options.region.as_deref(),
    };
    let loaded = program.load(&sources).map_err(configuration)?;
    // Those refuse it, where nothing is deployed there.
    if !matches!(command, Command::Up(_) | Command::Preview { .. }) {
        loaded.remark.iter().for_each(tell);
    }
    tell(loaded.remark_ignored());
    let plan_file = applies(&command).and_then(|(_, applied)| applied.plan.clone());
    let new_environment = match &command {
        Command::Up(up) => up.new_environment,
        Command::Deploy(deploy) => deploy.new_environment,
        _ => false,
    };
    let purpose = match &command {
        Command::Deploy(_) => "deploy",
        Command::Rollback(_) => "rollback",
        Command::Destroy { .. } => Running::Destroy.name(),
        _ => Running::Up.name(),
    };
    let retry = matches!(&command, Command::Up(up) if up.retry);
    variables.retain(|(name, _)| !loaded.ignored.contains(name));
    let (kept, asked) = (OnceCell::new(), Asked::of(&command));
    let mut work = Work {
        program: program.clone(),
        options,
        loaded,
        environment,
        kept,
        plan_file,
        asked,
        variables,
        new_environment,
        image: None,
        retry,
        until_accepted: None,
        purpose,
        events,
    };
    // Boxed, since the compiler gives up on types of futures that are nested deeper.
    let done = match command {
        Command::Up(_) => Box::pin(work.up(&signals)).await,
        Command::Destroy { preview: false, .. } => Box::pin(work.change(Running::Destroy, &signals)).await,
        Command::Deploy(wanted) => Box::pin(work.deploy(&wanted, &signals)).await,
        Command::Rollback(wanted) => Box::pin(work.roll_back(&wanted, &signals)).await,
        Command::Import(wanted) => Box::pin(work.import(&wanted, &signals)).await,
        Command::Bootstrap(wanted) => Box::pin(work.bootstrap(wanted, &signals)).await,
        Command::State(StateCommand::Push) => Box::pin(work.push(&signals)).await,
        Command::State(StateCommand::Pull) => Box::pin(work.pull(&signals)).await,
        Command::Unlock { id, force } => Box::pin(work.unlock(id, force, &signals)).await,
        Command::State(StateCommand::Forget { addresses }) => {
            Box::pin(work.forget(&addresses, &signals)).await
        }
        Command::State(StateCommand::Protect { addresses }) => {
            Box::pin(work.protect(&addresses, &signals)).await
        }
        Command::State(StateCommand::Unprotect { addresses }) => {
            Box::pin(work.unprotect(&addresses, &signals)).await
        }
        Command::Logs(wanted) => Box::pin(work.logs(&wanted, &signals)).await,
        Command::Refresh(wanted) if wanted.accept => Box::pin(work.accept(&wanted, &signals)).await,
        // The others change nothing and hold no lock, so they can be dropped at any time.
        command => {
            let looked = signals.unless(Box::pin(work.look(command))).await;
            looked.unwrap_or_else(|| Ok(nothing_changed()))
        }
    };
    done.map_err(|failure| work.complete(failure))
}

/// The end of a command that was interrupted before it changed anything.
pub(crate) fn nothing_changed() -> Exit {
    tell("Interrupted; nothing changed.");
    Exit::Interrupted
}

pub(crate) fn configuration(error: ConfigError) -> Failure {
    Failure::new(Exit::Configuration, error.to_string()).hint(error.hint).coded(Code::Configuration)
}

impl Work {
    /// The commands that change nothing.
    async fn look(&self, command: Command) -> Result<Exit, Failure> {
        match command {
            Command::Preview { shown, .. } => self.preview(Running::Up, &shown).await,
            Command::Destroy { preview: true, shown, .. } => self.preview(Running::Destroy, &shown).await,
            Command::Refresh(wanted) => self.refresh(&wanted).await,
            Command::Outputs { name } => self.outputs(name.as_deref()).await,
            Command::Verify { junit, timeout } => {
                self.verify(junit.as_deref(), Duration::from_secs(timeout)).await
            }
            Command::Config { .. } => self.config(),
            Command::Export(ExportCommand::Cloudformation { out }) => self.export(out.as_deref()).await,
            Command::State(StateCommand::Verify) => self.verify_state().await,
            Command::State(StateCommand::Lock) => self.show_lock().await,
            Command::State(StateCommand::List { what }) => self.list_state(what.as_deref()).await,
            Command::State(StateCommand::Show { address }) => self.show_resource(&address).await,
            Command::History { run: None, limit } => self.list_history(limit).await,
            Command::History { run: Some(run), .. } => self.show_run(&run).await,
            Command::Deployments => self.list_deployments().await,
            Command::Env(EnvCommand::List) => self.list_environments().await,
            Command::Up(_)
            | Command::Destroy { .. }
            | Command::Bootstrap(_)
            | Command::Deploy(_)
            | Command::Rollback(_)
            | Command::Import(_)
            | Command::Logs(_)
            | Command::State(
                StateCommand::Push
                | StateCommand::Pull
                | StateCommand::Forget { .. }
                | StateCommand::Protect { .. }
                | StateCommand::Unprotect { .. },
            )
            | Command::Unlock { .. }
            | Command::Emulator(_)
            | Command::Init(_)
            | Command::Explain { .. }
            | Command::Completions { .. }
            | Command::Man { .. } => {
                unreachable!("they were run elsewhere")
            }
        }
    }

    /// The recorded state, without touching the target.
    pub(crate) async fn recorded(&self) -> Result<State, Failure> {
        let engine = self.records().await?.of_stack(self.stack_name());
        let state = engine.state().await.map_err(engine_failure)?;
        match binding::other_environment(&state, self.environment.as_str()) {
            Some(recorded) => {
                let message =
                    format!("this state describes environment {recorded}, not {}", self.environment);
                Err(Failure::new(Exit::Configuration, message)
                    .hint("use its own --env, or another --state-dir")
                    .coded(Code::StateElsewhere))
            }
            None => Ok(state),
        }
    }

    /// What a state belongs to, beside account and region.
    pub(crate) fn stack_name(&self) -> String {
        format!("project {}, environment {}", self.loaded.config.project, self.environment)
    }

    pub(crate) async fn connect(&self) -> Result<Cloud, Failure> {
        let Options { target, state_dir, .. } = &self.options;
        self.loaded.check_region(*target).map_err(configuration)?;
        target::connect(*target, &self.loaded.config, &self.environment, state_dir).await
    }

    /// Connects, and declares the stack there: to deploy it, or to destroy it.
    pub(crate) async fn prepare(&self, declared: bool, choice: &Choice) -> Result<Prepared, Failure> {
        self.declare(&Place::imagined(&self.loaded.config))?;
        let state = self.recorded().await?;
        self.program.recognises(&state).map_err(|unknown| {
            let hint = format!(
                "run that program, or use another --env or --state-dir; if `{}` had the tier once, its `main` must say so with \
                 `Program::removed`, and the next `up` deletes what is left of it",
                unknown.program
            );
            Failure::from_error(Exit::Configuration, &unknown).hint(hint).coded(Code::StateElsewhere)
        })?;
        match declared {
            true => self.check_environment(&state).await?,
            false => {
                self.check_made_with()?;
                // Of a part, the plan knows what goes.
                if !choice.is_part() {
                    state_protect::check_unprotected(&state, &self.loaded.config)?;
                }
            }
        }
        let is_unknown = self.is_unknown(&state);
        if declared && state.is_empty() {
            note(self.remark_no_file());
        }
        let mut cloud = self.connect().await?;
        if self.options.target == Target::Aws {
            cloud.account_alias = account::alias(&cloud.context).await;
        }
        tell(self.heading(&cloud));
        let title = Title::expected(self).connected(&cloud);
        let place = self.with_image(Place::new(&cloud, &state), &state);
        let graph = self.declare(&place)?;
        if declared {
            across::remark(&deployed::effective(&self.loaded.config, &place), &place.aws())
                .iter()
                .for_each(tell);
            tell(self.remark_image(&state));
            tell(self.remark_settings());
            tell(self.remark_unfinished());
            self.check_account(&cloud, |tier| choice.leaves_out(tier, &graph, &state)).await?;
        }
        let anchors = Anchors::of(&self.loaded.config, &self.environment, &cloud);
        let is_new = state.records == 0;
        Ok(Prepared { engine: self.engine(cloud).await?, graph, place, anchors, title, is_new, is_unknown })
    }

    /// An engine on a target and the environment's state.
    pub(crate) async fn engine(&self, cloud: Cloud) -> Result<Engine, Failure> {
        let place = cloud.place;
        let caller = cloud.context.caller_arn().map(str::to_owned);
        let mut registry = Registry::new(cloud.context);
        self.program.register(&mut registry);
        let screen = Arc::new(match self.options.target {
            Target::Embedded => Screen::detect().without_estimates(),
            Target::Aws => Screen::detect(),
        });
        let observer: Arc<dyn Observer> = match &self.events {
            Some(events) => Arc::new(Both(screen, Arc::clone(events) as Arc<dyn Observer>)),
            None => screen,
        };
        let observer: Arc<dyn Observer> = match &self.until_accepted {
            Some(until) => Arc::new(Both(observer, Arc::clone(until) as Arc<dyn Observer>)),
            None => observer,
        };
        let engine = Engine::new(Arc::new(registry), self.store().await?)
            .with_observer(observer)
            .of_stack(self.stack_name())
            .bound_to(place);
        let engine = match caller {
            Some(caller) => engine.with_caller(caller),
            None => engine,
        };
        // The embedded AWS shows a new object at once, so there is nothing to wait for.
        Ok(match self.options.target {
            Target::Embedded => engine.with_settle_grace(Duration::ZERO),
            Target::Aws => engine,
        })
    }

    pub(crate) fn declare(&self, place: &Place) -> Result<Arc<Graph>, Failure> {
        let stack = self.program.stack(self.loaded.config.clone(), &self.environment);
        stack.declare(place).map_err(|error| match &error {
            StackError::Declare { tier, source } => match argument_error(&self.loaded, tier, source) {
                Some(error) => configuration(error),
                None => Failure::from_error(Exit::Failed, &error).coded(Code::Defect),
            },
            StackError::Program(error) => defective(error),
            _ => Failure::from_error(Exit::Failed, &error).coded(Code::Defect),
        })
    }

    /// What a command works on, and as whom.
    pub(crate) fn heading(&self, cloud: &Cloud) -> Lines {
        heading(&self.loaded.config.project, self.environment.as_str(), self.options.target, cloud)
    }

    pub(crate) fn title(&self) -> String {
        let Loaded { config, .. } = &self.loaded;
        let target = self.options.target.name();
        format!("{} {} ({target}, {})", config.project, self.environment, config.region)
    }

    /// Shows the configuration, if the stack can be declared with it.
    fn config(&self) -> Result<Exit, Failure> {
        self.declare(&Place::imagined(&self.loaded.config))?;
        if self.options.json {
            print_json(&self.loaded.to_json())?;
        } else {
            let mut lines = Lines::from(&format!("# The configuration of `{}`.", self.environment));
            print(lines.append(&self.loaded.to_toml()))?;
        }
        Ok(Exit::Done)
    }

    pub(crate) fn summary(&self, plan: &Plan) -> String {
        let counts = Counts::of(plan).text();
        let nothing = if plan.is_empty() { "nothing to do; " } else { "" };
        format!("{}: {nothing}{counts}", self.title())
    }

    /// Declares the stack for an imagined account, in the zones that are recorded: no target is touched.
    async fn export(&self, out: Option<&Path>) -> Result<Exit, Failure> {
        let place = Place::imagined(&self.loaded.config).as_recorded_in(&self.recorded().await?);
        let graph = self.declare(&place)?;
        let config = &self.loaded.config;
        let description = format!("{} {}, exported by stack", config.project, self.environment);
        let template = export::cloudformation(&graph, &place, &description, &[NEXT_STEPS])?;
        export::write(&template, out)?;
        Ok(Exit::Done)
    }
}
