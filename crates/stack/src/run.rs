//! What each command does.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use engine::{Engine, Graph, Holder, Observer, Plan, Registry, State, lock_holder};
use regex::{Captures, Regex};
use tokio::sync::OnceCell;

use crate::across;
use crate::anchor::Anchors;
use crate::binding;
use crate::cli::{
    Applied, Cli, Command, DEFAULT_ENVIRONMENT, DEFAULT_STATE_DIR, EnvCommand, ExportCommand, Options, Shown,
    StateCommand, Target,
};
use crate::codes::{self, Code};
use crate::config::{self, ConfigError, Loaded, Sources};
use crate::conveniences;
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
use crate::target::{self, Cloud, NOTHING_REAL};
use crate::time::rfc3339;
use crate::unlock::ago;

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
            (None, Target::Embedded) => Command::Up(Applied::default()),
            // What costs money is asked for by its name.
            (None, Target::Aws) => return Err(conveniences::no_command(self)),
        };
        let json = options.json;
        let Some((running, applied)) = applies(&command) else {
            let ended = Box::pin(run(self, command, options, None)).await;
            if let (true, Err(failure)) = (json, &ended) {
                error_json::print(failure);
            }
            return ended;
        };
        let events = match Events::wanted(json, applied.events.as_deref()) {
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
        if let Some(events) = events {
            events.ended(&ended);
        }
        ended
    }
}

/// Whether a command changes the stack, and what it was told of how.
fn applies(command: &Command) -> Option<(Running, &Applied)> {
    match command {
        Command::Up(applied) => Some((Running::Up, applied)),
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
        Command::Explain { code } => return codes::explain(code.as_deref()),
        Command::Completions { shell } => return conveniences::completions(program, shell),
        Command::Man { directory } => return conveniences::manual(program, &directory),
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
            Failure::new(Exit::Configuration, format!("--env: {error}"))
                .hint(environment::RULE)
                .coded(Code::Environment)
        })?;
    let variables = config::variables(std::env::vars_os()).map_err(configuration)?;
    let sources = Sources {
        file: options.config.as_deref(),
        environment: &environment,
        variables: &variables,
        settings: &options.set,
        region: options.region.as_deref(),
    };
    let loaded = program.load(&sources).map_err(configuration)?;
    // Those refuse it, where nothing is deployed there.
    if !matches!(command, Command::Up(_) | Command::Preview(_)) {
        loaded.remark.iter().for_each(note);
    }
    let plan_file = applies(&command).and_then(|(_, applied)| applied.plan.clone());
    let kept = OnceCell::new();
    let work = Work { program: program.clone(), options, loaded, environment, kept, plan_file, events };
    // Boxed, since the compiler gives up on types of futures that are nested deeper.
    let done = match command {
        Command::Up(_) => Box::pin(work.up(&signals)).await,
        Command::Destroy { preview: false, .. } => Box::pin(work.change(Running::Destroy, &signals)).await,
        Command::Bootstrap(wanted) => Box::pin(work.bootstrap(wanted, &signals)).await,
        Command::State(StateCommand::Push) => Box::pin(work.push(&signals)).await,
        Command::State(StateCommand::Pull) => Box::pin(work.pull(&signals)).await,
        Command::Unlock { id, force } => Box::pin(work.unlock(id, force, &signals)).await,
        Command::Refresh(wanted) if wanted.accept => Box::pin(work.accept(&wanted, &signals)).await,
        // The others change nothing and hold no lock, so they can be dropped at any time.
        command => {
            let looked = signals.unless(Box::pin(work.look(command))).await;
            looked.unwrap_or_else(|| Ok(nothing_changed()))
        }
    };
    done.map_err(|failure| work.complete(failure))
}

/// A command of this program in a text: `stack state push`.
static COMMAND: LazyLock<Regex> = LazyLock::new(|| {
    let commands = "up|preview|refresh|outputs|verify|destroy|bootstrap|unlock|state|env";
    Regex::new(&format!("`stack ((?:{commands})(?: [^`]*)?)`")).expect("it is one")
});

/// The same text with each command as [`Work::command`] has it. One that is that already stays.
fn completed(text: &str, command: impl Fn(&str) -> String) -> String {
    let own = [" --env ", " --target ", " --state-dir ", " --config "];
    let whole = |found: &Captures<'_>| match own.iter().any(|option| found[1].contains(option)) {
        true => found[0].to_owned(),
        false => command(&found[1]),
    };
    COMMAND.replace_all(text, whole).into_owned()
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
            Command::Preview(shown) => self.preview(Running::Up, &shown).await,
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
            Command::Env(EnvCommand::List) => self.list_environments().await,
            Command::Up(_)
            | Command::Destroy { .. }
            | Command::Bootstrap(_)
            | Command::State(StateCommand::Push | StateCommand::Pull)
            | Command::Unlock { .. }
            | Command::Emulator(_)
            | Command::Init(_)
            | Command::Explain { .. }
            | Command::Completions { .. }
            | Command::Man { .. } => {
                unreachable!("they change something and were run elsewhere")
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
    fn stack_name(&self) -> String {
        format!("project {}, environment {}", self.loaded.config.project, self.environment)
    }

    pub(crate) async fn connect(&self) -> Result<Cloud, Failure> {
        let Options { target, state_dir, .. } = &self.options;
        self.loaded.check_region(*target).map_err(configuration)?;
        target::connect(*target, &self.loaded.config, &self.environment, state_dir).await
    }

    /// Connects, and declares the stack there: to deploy it, or to destroy it.
    pub(crate) async fn prepare(&self, declared: bool) -> Result<Prepared, Failure> {
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
            false => self.check_made_with()?,
        }
        let cloud = self.connect().await?;
        note(self.heading(&cloud));
        let title = Title::expected(self).connected(&cloud);
        let place = Place::new(&cloud, &state);
        let graph = self.declare(&place)?;
        if declared {
            across::remark(&self.loaded.config, &place.aws()).iter().for_each(note);
            note(self.remark_settings());
            self.check_account(&cloud).await?;
        }
        let anchors = Anchors::of(&self.loaded.config, &self.environment, &cloud);
        let is_new = state.records == 0;
        Ok(Prepared { engine: self.engine(cloud).await?, graph, place, anchors, title, is_new })
    }

    /// An engine on a target and the environment's state.
    pub(crate) async fn engine(&self, cloud: Cloud) -> Result<Engine, Failure> {
        let place = cloud.place;
        let mut registry = Registry::new(cloud.context);
        self.program.register(&mut registry);
        let screen = Arc::new(Screen::detect());
        let observer: Arc<dyn Observer> = match &self.events {
            Some(events) => Arc::new(Both(screen, Arc::clone(events) as Arc<dyn Observer>)),
            None => screen,
        };
        let engine = Engine::new(Arc::new(registry), self.store().await?)
            .with_observer(observer)
            .of_stack(self.stack_name())
            .bound_to(place);
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

    /// A failure whose advice names commands that can be copied: with the environment, the target and the files of this one.
    fn complete(&self, failure: Failure) -> Failure {
        let hint = failure.hint.map(|hint| completed(&hint, |command| self.command(command)));
        Failure { hint, ..failure }
    }

    /// A command that works on the same stack as this one, between backquotes.
    pub(crate) fn command(&self, command: &str) -> String {
        let mut text = format!("`{} {command}", self.program.name());
        if self.environment.as_str() != DEFAULT_ENVIRONMENT {
            text += &format!(" --env {}", self.environment);
        }
        if self.options.target != Target::Embedded {
            text += &format!(" --target {}", self.options.target.name());
        }
        if self.options.state_dir != Path::new(DEFAULT_STATE_DIR) {
            text += &format!(" --state-dir {}", self.options.state_dir.display());
        }
        if let Some(config) = &self.options.config {
            text += &format!(" --config {}", config.display());
        }
        text + "`"
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

    /// That somebody works on the stack, or may: a run that was killed leaves its lock, and another machine cannot know that at once.
    pub(crate) async fn tell_who_works(&self) -> Result<(), Failure> {
        let store = self.kept().await?.files();
        // What is wrong with the lock is said to who needs it.
        let Ok(Some(Holder { who, purpose, since, is_dead, lives, .. })) = lock_holder(&*store).await else {
            return Ok(());
        };
        let (doing, when) =
            (purpose.as_deref().unwrap_or("a run"), format!("{} ({})", rfc3339(since), ago(since)));
        match (is_dead, lives) {
            (true, _) => {}
            (false, true) => {
                note(&format!("{doing} by {who} is under way since {when}: the plan may change"));
            }
            (false, false) => note(&format!(
                "{who} holds the lock since {when}, for {doing}: if that run is still under way, the plan may change"
            )),
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::completed;

    #[test]
    fn a_command_in_advice_gets_what_it_needs_and_only_once() {
        let command = |command: &str| format!("`pay {command} --env prod --target aws`");
        let text = "run `stack state push`, `stack bootstrap --adopt` or `up`; `aws s3api x` stays, as `stack.toml` does";
        let once = completed(text, command);
        assert_eq!(
            once,
            "run `pay state push --env prod --target aws`, `pay bootstrap --adopt --env prod --target aws` or `up`; `aws s3api x` \
             stays, as `stack.toml` does"
        );
        for whole in ["`stack up --env prod`", "`stack up --target aws`", "`stack up --state-dir x`"] {
            assert_eq!(completed(whole, command), whole);
        }
    }
}
