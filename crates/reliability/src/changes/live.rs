//! Live stacks: what every case begins with.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_config::Region;
use engine::{Graph, State, Survey};
use stack::{Config, Environment, Place, Setting, Sources, Stack};
use verify::{Outcome, Subject};

use super::compare::Moment;
use crate::world::{self, Ended, Fate, REGION, World, context, words};

/// The environments in which everything is tried: the defaults, and the hardened one of the repository's `stack.toml`.
pub const ENVIRONMENTS: [&str; 2] = ["dev", "prod"];

/// What every stack here runs.
const IMAGE: &str = "ecs.image=:v1";

/// What lets `destroy` work, as `stack.toml` says.
const UNPROTECTED: [&str; 4] = [
    "database.deletion_protection=false",
    "alb.deletion_protection=false",
    "alb.access_logs.delete_logs=true",
    "ecs.repository.delete_images=true",
];

/// The configuration of an environment with these settings on top.
pub(super) fn load(environment: &str, settings: &[String]) -> Result<Config, String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack.toml");
    let environment: Environment = environment.parse().map_err(|error| words(&error))?;
    let settings = std::iter::once(IMAGE).chain(settings.iter().map(String::as_str));
    let settings: Vec<Setting> =
        settings.map(str::parse).collect::<Result<_, _>>().map_err(|error| format!("--set: {error}"))?;
    let sources = Sources { settings: &settings, ..Sources::file(Some(&file), &environment) };
    Ok(stack::load(&sources).map_err(|error| words(&error))?.config)
}

/// The settings with which a stack of these settings can be destroyed.
pub(super) fn unprotected(environment: &str, settings: &[String]) -> Vec<String> {
    let mut all = settings.to_vec();
    all.extend(UNPROTECTED.map(str::to_owned));
    // The data of `prod` is kept in a snapshot; that of `dev` may go, unless a case says otherwise.
    if environment == "dev" {
        all.push("database.allow_data_loss=[\"payment-aurora-dev\"]".to_owned());
    }
    all
}

/// Declares a stack as the program does: in the zones that are recorded, and not where the account forbids it.
pub(super) fn declare(
    world: &mut World,
    environment: &'static str,
    config: &Config,
) -> Result<Arc<Graph>, String> {
    let state = world.look()?.state;
    let vault = &config.section::<backup::Tier>().vault;
    // What the program asks the account before there is a plan.
    if vault.enabled && !vault.opt_in {
        let cx = async |emulator: &emulator::Emulator| {
            backup::resources::has_aurora(&context(emulator, "payment", environment)).await
        };
        if !world.within(cx).map_err(|error| words(&error))? {
            return Err("backup.vault: AWS Backup does not back up Aurora clusters here".to_owned());
        }
    }
    graph(environment, config, &place(&state))
}

fn graph(environment: &str, config: &Config, place: &Place) -> Result<Arc<Graph>, String> {
    let environment: Environment = environment.parse().map_err(|error| words(&error))?;
    Stack::new(config.clone(), &environment).declare(place).map_err(|error| words(&error))
}

fn place(state: &State) -> Place {
    world::place().as_recorded_in(state)
}

/// The checks of `verify` that fail, with what they found.
pub(super) fn failing(environment: &str, graph: &Graph, survey: &Survey) -> Vec<(String, String)> {
    let subject = Subject::new(environment, &place(&survey.state).aws(), graph, survey);
    let failed = verify::verify(&subject).into_iter().filter_map(|check| match check.outcome {
        Outcome::Failed { findings, .. } => {
            let findings: Vec<String> = findings.iter().take(3).map(ToString::to_string).collect();
            Some((check.id.to_owned(), findings.join("; ")))
        }
        _ => None,
    });
    failed.collect()
}

/// A stack that runs.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) world: World,
    pub(super) moment: Moment,
    /// What `verify` finds wrong from the start.
    pub(super) failing: BTreeSet<String>,
}

impl Base {
    /// Deploys it, pushes images, runs tasks, and waits until all has settled.
    fn deploy(environment: &'static str, born: &[String]) -> Result<Self, String> {
        let mut world = World::of(environment);
        let config = load(environment, born)?;
        let mut without_image = config.clone();
        without_image.section_mut::<ecs::Tier>().image = None;
        for (config, pushes) in [(without_image, true), (config.clone(), false)] {
            let wanted = declare(&mut world, environment, &config)?;
            let run = world.run(&wanted, &Fate::default());
            if !matches!(run.ended, Ended::Complete { .. }) {
                return Err(format!("{environment} cannot be deployed: {:?}", run.ended));
            }
            if pushes {
                push(&mut world, environment, &["v1", "v2"])?;
            }
            world.wait(Duration::from_secs(3600));
        }
        let wanted = declare(&mut world, environment, &config)?;
        let moment = Moment::of(&world)?;
        let failing = failing(environment, &wanted, &moment.survey).into_iter().map(|(id, _)| id).collect();
        Ok(Self { world, moment, failing })
    }
}

/// Pushes images into the stack's repository.
fn push(world: &mut World, environment: &str, images: &[&str]) -> Result<(), String> {
    world.within(async |emulator| {
        let ecr = aws_sdk_ecr::Client::new(&stack::embedded(emulator, Region::new(REGION)));
        for (size, image) in images.iter().enumerate() {
            let manifest = format!(
                r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"size":{size}}}}}"#
            );
            let put = ecr.put_image().repository_name(format!("payment-app-{environment}"));
            put.image_manifest(manifest).image_tag(*image).send().await.map_err(|error| words(&error))?;
        }
        Ok(())
    })
}

type Kept = Arc<OnceLock<Result<Base, String>>>;

/// Live stacks, each deployed once.
#[derive(Debug, Default)]
pub struct Bases(Mutex<HashMap<(&'static str, Vec<String>), Kept>>);

impl Bases {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The stack of an environment that has these settings from the beginning.
    pub(super) fn with<T>(
        &self,
        environment: &'static str,
        born: &[String],
        work: impl FnOnce(&Base) -> T,
    ) -> Result<T, String> {
        let kept = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry((environment, born.to_vec())).or_default())
        };
        match kept.get_or_init(|| Base::deploy(environment, born)) {
            Ok(base) => Ok(work(base)),
            Err(error) => Err(error.clone()),
        }
    }
}
