//! What only the account can say, asked before there is a plan: a run that would fail at its end for it does not begin.

use crate::exit::{Exit, Failure};
use crate::run::Work;
use crate::target::Cloud;

impl Work {
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
