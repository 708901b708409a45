//! How something that is protected can be let go: which settings are missing, and which commands come then.

use aws::resources::LogGroup;
use engine::{EngineError, Guarded, PlanError, Sides};

use crate::config::Config;
use crate::exit::Failure;
use crate::failures::engine_failure;
use crate::plans::document::Running;

/// Why there is no plan, with the settings and the commands that would make it possible.
pub(crate) fn plan_failure(error: EngineError, config: &Config, running: Running) -> Failure {
    let hint = match &error {
        EngineError::Plan(PlanError::Protected { resources }) => Some(hint(resources, config, running)),
        _ => None,
    };
    let failure = engine_failure(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The settings that are missing in the configuration to let a protected object go.
fn settings(guarded: &Guarded, config: &Config) -> Vec<String> {
    let mut missing = Vec::new();
    let mut set = |is_missing: bool, text: &str| {
        if is_missing {
            missing.push(text.to_owned());
        }
    };
    match guarded.address.as_str() {
        "database/cluster" => {
            let Some(database) = config.get::<database::Tier>() else { return missing };
            let name = guarded.name.as_deref().unwrap_or("NAME");
            set(database.deletion_protection, "`database.deletion_protection = false`");
            let may_be_lost = database.allow_data_loss.iter().any(|one| one == name);
            // The snapshot that the configuration asks for is one of the cluster that it names.
            let declared = database.cluster_name.as_deref();
            let is_other =
                declared.map_or_else(|| !name.starts_with(USUAL_NAME), |declared| declared != name);
            let loses = format!("`database.allow_data_loss = [\"{name}\"]` (loses it)");
            if is_other {
                let keeps = format!("`database.cluster_name = \"{name}\"` (keeps the cluster)");
                set(!may_be_lost, &format!("{keeps} or {loses}"));
            } else {
                let may_go = may_be_lost || database.final_snapshot;
                set(!may_go, &format!("`database.final_snapshot = true` (keeps the data) or {loses}"));
            }
        }
        "alb/load-balancer" => {
            let is_missing = config.get::<alb::Tier>().is_some_and(|alb| alb.deletion_protection);
            set(is_missing, "`alb.deletion_protection = false`");
        }
        "alb/log-bucket" => {
            let is_missing = config.get::<alb::Tier>().is_some_and(|alb| !alb.access_logs.delete_logs);
            set(is_missing, "`alb.access_logs.delete_logs = true`");
        }
        "ecs/repository" => {
            let is_missing = config.get::<ecs::Tier>().is_some_and(|ecs| !ecs.repository.delete_images);
            set(is_missing, "`ecs.repository.delete_images = true`");
        }
        _ => {}
    }
    missing
}

/// What the names of clusters begin with that the configuration does not choose.
const USUAL_NAME: &str = "payment-aurora-";

/// The command that lifts the protection of a log group, which no setting does.
fn unprotecting(guarded: &Guarded) -> Option<String> {
    LogGroup::unprotecting(guarded.property?, guarded.name.as_deref()?)
}

fn named(guarded: &Guarded) -> String {
    match &guarded.name {
        Some(name) => format!("{} ({name})", guarded.address),
        None => guarded.address.to_string(),
    }
}

fn hint(resources: &[Guarded], config: &Config, running: Running) -> String {
    let mut sentences: Vec<String> = Vec::new();
    // No setting is in the way of what is protected by itself alone.
    for guarded in resources.iter().filter(|guarded| guarded.by != Sides::BY_ITSELF) {
        let settings = settings(guarded, config);
        if !settings.is_empty() {
            sentences.push(format!("{}: set {}", named(guarded), settings.join(", and ")));
        }
        if guarded.address.as_str() == "backup/vault" {
            sentences.push(format!(
                "{}: delete its recovery points first; AWS deletes only an empty vault",
                named(guarded)
            ));
        }
    }
    let commands: Vec<String> = resources.iter().filter_map(unprotecting).collect();
    if !commands.is_empty() {
        sentences.push(format!(
            "to delete these log groups, lift their protection: `{}`; to keep them and their logs, set `logs.keep_on_destroy = true`",
            commands.join("`, `")
        ));
    }
    let by_itself: Vec<&str> = resources
        .iter()
        .filter(|guarded| guarded.by.by_itself)
        .map(|guarded| guarded.address.as_str())
        .collect();
    if !by_itself.is_empty() {
        sentences.push(format!(
            "`stack state protect` protects {}: to lift that, run `stack state unprotect {}`",
            by_itself.join(", "),
            by_itself.join(" ")
        ));
    }
    // Where the cloud itself forbids it, or somebody else, no setting helps.
    let no_setting = |guarded: &Guarded| {
        (guarded.property.is_none() && guarded.contents.is_some())
            || unprotecting(guarded).is_some()
            || guarded.by == Sides::BY_ITSELF
    };
    let applied = !resources.iter().all(no_setting)
        && resources.iter().any(|guarded| guarded.by.recorded || guarded.by.live);
    let is_set = !sentences.is_empty();
    let with =
        if is_set { "then, with the same settings," } else { "the configuration allows it by now, so" };
    sentences.push(match (applied, running) {
        // Both the last `up` and the current configuration must allow it.
        (true, Running::Destroy) => format!("{with} run `stack up` and `stack destroy`"),
        (true, Running::Up) => {
            format!("{with} run `stack up` without the change that deletes or replaces it, and `stack up` again with it")
        }
        (false, _) if resources.iter().all(|guarded| guarded.by == Sides::BY_ITSELF) => {
            format!("then run `stack {}` again", running.name())
        }
        (false, Running::Destroy) => "then run `stack destroy` with the same settings".to_owned(),
        (false, Running::Up) => "then run `stack up` with the same settings".to_owned(),
    });
    sentences.join("; ")
}
