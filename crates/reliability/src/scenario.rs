//! What is done to the whole stack.

use std::sync::Arc;

use engine::{Address, Choice, Component, Graph, Selector};
use stack::{Config, Stack};

use crate::import::without_state;
use crate::kept::Backend;
use crate::meddle::{self, SOMEBODY, Targets};
use crate::world::{Ended, Fate, Run, Sight, World, place};

/// What is done to the whole stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Scenario {
    /// Everything is created.
    Up,
    /// Of what is there, in every tier, some is changed in place, some is replaced, some comes and some goes.
    Update,
    /// The same without the database, and without what cannot be done without its changes.
    Part,
    /// Everything that is there is deleted.
    Destroy,
    /// Everything is there, made by somebody else; it is adopted, and then brought to what is wanted.
    Import,
    /// What somebody has changed and deleted is taken into the state (`refresh --accept`).
    Accept,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Scenario; 6] = [
        Scenario::Up,
        Scenario::Update,
        Scenario::Part,
        Scenario::Destroy,
        Scenario::Import,
        Scenario::Accept,
    ];

    /// As it is written in a case's id.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scenario::Up => "up",
            Scenario::Update => "update",
            Scenario::Part => "part",
            Scenario::Destroy => "destroy",
            Scenario::Import => "import",
            Scenario::Accept => "accept",
        }
    }
}

/// A scenario that can begin: the world before it, what is wanted, and what happens when nothing goes wrong.
#[derive(Debug)]
pub struct Stage {
    /// Which scenario.
    pub scenario: Scenario,
    /// How the state is kept.
    pub state: Backend,
    /// The world before it. Copy it.
    pub before: World,
    /// What is wanted.
    pub wanted: Arc<Graph>,
    /// The run in which nothing goes wrong.
    pub clean: Run,
    /// What is there and what is recorded before it.
    pub was: Sight,
    /// The same after the run in which nothing goes wrong.
    pub is: Sight,
    /// What of it somebody else could meddle with.
    pub(crate) targets: Targets,
}

/// Why a scenario cannot begin: without any fault, something does not work.
#[derive(Debug, thiserror::Error)]
#[error("{scenario:?} does not work when nothing goes wrong: {reason}")]
pub struct Broken {
    scenario: Scenario,
    reason: String,
}

impl Stage {
    /// Sets a scenario up, with the state kept in this way.
    ///
    /// # Errors
    /// [`Broken`] if it does not work when nothing goes wrong.
    pub fn set(scenario: Scenario, state: Backend) -> Result<Self, Broken> {
        let mut before = World::kept_in(state);
        if scenario == Scenario::Import {
            before.project = SOMEBODY;
        }
        if scenario != Scenario::Up {
            clean(&mut before, scenario, &first())?;
        }
        if scenario == Scenario::Part {
            let database = Selector::tier(<database::Tier as Component>::NAME);
            before.choose(Choice::all().called("up --exclude database").except(database));
        }
        if scenario == Scenario::Import {
            before = without_state(before, state).map_err(|reason| Broken { scenario, reason })?;
        }
        let wanted = match scenario {
            Scenario::Up | Scenario::Import => first(),
            Scenario::Update | Scenario::Part => second(),
            Scenario::Destroy => Arc::default(),
            Scenario::Accept => third(),
        };
        if scenario == Scenario::Accept {
            let made = meddle::become_like(&mut before, &wanted);
            made.map_err(|reason| Broken { scenario, reason })?;
            before.accepts();
        }
        let mut after = before.copy();
        let clean = clean(&mut after, scenario, &wanted)?;
        let look = |world: &World| world.look().map_err(|reason| Broken { scenario, reason });
        let (was, is) = (look(&before)?, look(&after)?);
        let targets = Targets::of(scenario, &wanted, &was.state, &is.state);
        Ok(Self { scenario, state, before, wanted, clean, was, is, targets })
    }
}

impl Stage {
    /// Whether a run leaves a resource as it is, whatever happens to it.
    pub(crate) fn leaves_out(&self, address: &Address) -> bool {
        let Some(plan) = self.clean.plan.as_ref().filter(|plan| plan.narrowed().is_part()) else {
            return false;
        };
        let is_declared = self.wanted.get(address.as_str()).is_some();
        let left_out = plan.narrowed().left_out().iter().any(|left| left.address == *address);
        left_out || (is_declared && !plan.selection().contains(address.as_str()))
    }
}

fn clean(world: &mut World, scenario: Scenario, wanted: &Arc<Graph>) -> Result<Run, Broken> {
    let run = world.run(wanted, &Fate::default());
    match run.ended {
        Ended::Complete { .. } => Ok(run),
        ended => Err(Broken { scenario, reason: format!("{ended:?}") }),
    }
}

/// The stack as it is at first: the defaults, and an application that runs.
#[must_use]
pub fn first() -> Arc<Graph> {
    graph(config())
}

/// The stack as it is wanted then.
#[must_use]
pub fn second() -> Arc<Graph> {
    let mut config = config();
    config.tags.insert("Author".to_owned(), "somebody else".to_owned());
    // Goes: two NAT gateways, their addresses, a load of routes. Comes: one more instance. Changes: nearly all.
    config.section_mut::<vpc::Tier>().nat = vpc::NatMode::Single;
    config.section_mut::<vpc::Tier>().flow_logs.retention_in_days = 365;
    config.section_mut::<database::Tier>().capacity.max = 4.0;
    config.section_mut::<database::Tier>().instances = 3;
    config.section_mut::<database::Tier>().backup_retention_in_days = 14;
    // Replaced: target groups, whose port cannot be changed, with all that refers to them.
    config.section_mut::<alb::Tier>().target_port = 9090;
    config.section_mut::<alb::Tier>().idle_timeout = 90;
    config.section_mut::<alb::Tier>().waf.rate_limit = Some(100_000);
    config.section_mut::<ecs::Tier>().container_port = 9090;
    config.section_mut::<ecs::Tier>().image = Some("registry.example.com/payment:2".to_owned());
    config.section_mut::<ecs::Tier>().memory = 2048;
    config.section_mut::<ecs::Tier>().desired_max = 8;
    config.section_mut::<ecs::Tier>().cpu_target = 60;
    // Another deployment of the API.
    config.section_mut::<apigw::Tier>().backend_path = "/v2".to_owned();
    config.section_mut::<apigw::Tier>().monthly_quota = 2_000_000;
    config.section_mut::<monitoring::Tier>().alarm_emails = vec!["ops@example.com".to_owned()];
    config.section_mut::<monitoring::Tier>().thresholds.response_seconds = 3.0;
    config.section_mut::<monitoring::Tier>().disabled_alarms = vec!["api-latency".to_owned()];
    config.section_mut::<monitoring::Tier>().tracing.fixed_rate = 0.2;
    config.section_mut::<backup::Tier>().timeout = 200;
    config.section_mut::<backup::Tier>().schedule_expression = "cron(30 6 * * ? *)".to_owned();
    config.section_mut::<backup::Tier>().vault.enabled = true;
    config.section_mut::<backup::Tier>().vault.opt_in = true;
    graph(config)
}

/// What somebody made of it behind its back, as the configuration would say it.
#[must_use]
pub fn third() -> Arc<Graph> {
    let mut config = config();
    // Goes. Nothing else waits for it: a name in another resource's DependsOn would be left to do.
    config.section_mut::<vpc::Tier>().flow_logs.enabled = false;
    config.section_mut::<database::Tier>().backup_retention_in_days = 14;
    config.section_mut::<alb::Tier>().idle_timeout = 90;
    config.section_mut::<apigw::Tier>().monthly_quota = 2_000_000;
    config.section_mut::<monitoring::Tier>().thresholds.response_seconds = 3.0;
    graph(config)
}

fn config() -> Config {
    let mut config = Config::default();
    config.section_mut::<ecs::Tier>().image = Some("registry.example.com/payment:1".to_owned());
    config
}

fn graph(config: Config) -> Arc<Graph> {
    let environment = "dev".parse().expect("it is a name of an environment");
    Stack::new(config, &environment)
        .declare(&place())
        .expect("the configuration of the matrix can be declared")
}
