//! What is looked at before there is a plan: a run that would fail at its end for it does not begin.

use engine::State;

use crate::cli::DEFAULT_ENVIRONMENT;
use crate::config::DEFAULT_FILE;
use crate::environment::{self, Environment};
use crate::exit::{Exit, Failure};
use crate::run::Work;
use crate::target::Cloud;

impl Work {
    /// Whether an environment in which nothing is deployed has the name that was meant: a slip of the finger would create
    /// everything once more, and a run without a terminal asks nobody. The file says that a name is meant by a section for it.
    pub(crate) async fn check_environment(&self, state: &State) -> Result<(), Failure> {
        let name = self.environment.as_str();
        if !state.is_empty() || self.loaded.is_named || name == DEFAULT_ENVIRONMENT {
            return Ok(());
        }
        let deployed = self.recorded_environments().await?;
        let others = deployed.iter().map(Environment::as_str);
        let Some(meant) = self.loaded.meant.as_deref().or_else(|| environment::meant(name, others)) else {
            return Ok(());
        };
        let message =
            format!("nothing is deployed in environment {name}, and there is one that is called {meant}");
        let file = self.options.config.as_deref().unwrap_or(DEFAULT_FILE.as_ref()).display();
        Err(Failure::new(Exit::Configuration, message).hint(format!(
            "did you mean --env {meant}? If {name} is meant, say so with a section [environments.{name}] in {file}; it may be empty"
        )))
    }

    /// Whether the account lets the configuration do what it says. Changes nothing.
    pub(crate) async fn check_account(&self, cloud: &Cloud) -> Result<(), Failure> {
        let Some(backup) = self.loaded.config.get::<backup::Tier>() else { return Ok(()) };
        if !backup.vault.enabled || backup.vault.opt_in {
            return Ok(());
        }
        match backup::resources::has_aurora(&cloud.context).await {
            // An identity that may not look, or a call that failed, is told of where the answer is needed.
            Ok(true) | Err(_) => Ok(()),
            Ok(false) => {
                let message = format!(
                    "backup.vault: AWS Backup does not back up Aurora clusters in {}: its service opt-in for Aurora is off",
                    cloud.context.region()
                );
                Err(Failure::new(Exit::Configuration, message).hint(
                    "set `backup.vault.opt_in = true`, which turns it on for the whole account in this region; or turn it \
                     on in the console of AWS Backup, under Settings",
                ))
            }
        }
    }
}
