//! What is looked at before there is a plan: a run that would fail at its end for it does not begin.

use std::io::IsTerminal as _;

use engine::{Component, State};

use crate::cli::{DEFAULT_ENVIRONMENT, Target};
use crate::codes::Code;
use crate::config::{DEFAULT_FILE, closest};
use crate::environment::{self, Environment};
use crate::exit::{Exit, Failure};
use crate::question::{Answer, agreed};
use crate::run::Work;
use crate::signals::Signals;
use crate::stack::Place;
use crate::target::Cloud;

impl Work {
    /// Whether an environment in which nothing is deployed has the name that was meant: a slip of the finger would create
    /// everything once more, and a run without a terminal asks nobody. The file says that a name is meant by a section for it.
    pub(crate) async fn check_environment(&self, state: &State) -> Result<(), Failure> {
        let name = self.environment.as_str();
        if !state.is_empty() || self.loaded.is_named || self.new_environment || name == DEFAULT_ENVIRONMENT {
            return Ok(());
        }
        let deployed = self.recorded_environments().await?;
        let others = deployed.iter().map(Environment::as_str);
        let Some(meant) = self.loaded.meant.as_deref().or_else(|| environment::meant(name, others)) else {
            return Ok(());
        };
        let message =
            format!("nothing is deployed in environment {name}, and there is one that is called {meant}");
        Err(Failure::new(Exit::Configuration, message).hint(format!(
            "did you mean --env {meant}? If {name} is meant, say so with a section [environments.{name}] in {}; it may be empty. \
             `up` also takes --new-environment",
            self.file_name()
        ))
        .coded(Code::Environment))
    }

    /// The configuration file, whether it is there or not.
    fn file_name(&self) -> String {
        self.options.config.as_deref().unwrap_or(DEFAULT_FILE.as_ref()).display().to_string()
    }

    /// Whether the environment's name needs nobody's word: the configuration has a section for it, the command line says that it is
    /// new, or it is the embedded AWS's first.
    fn name_is_meant(&self) -> bool {
        let is_first =
            self.options.target == Target::Embedded && self.environment.as_str() == DEFAULT_ENVIRONMENT;
        self.loaded.is_named || self.new_environment || is_first
    }

    /// Whether the environment is one that neither the state nor the configuration knows, though the configuration knows others.
    pub(crate) fn is_unknown(&self, state: &State) -> bool {
        state.is_empty() && !self.name_is_meant() && !self.loaded.sections.is_empty()
    }

    /// What is said of such an environment.
    pub(crate) fn unknown(&self) -> String {
        let name = &self.environment;
        format!(
            "nothing is recorded for {}, and {} has no section [environments.{name}]; it has sections for {}",
            self.title(),
            self.file_name(),
            self.loaded.sections.join(", ")
        )
    }

    /// Asks whether an environment that neither the configuration nor the state knows is meant, before everything is planned for it.
    /// Where nobody can be asked, it is refused if the configuration has sections for others: a wrong name would create a second
    /// stack, without the settings of the one that was meant. `says_so` is the flag of the command that says that it is meant.
    pub(crate) async fn agreed_to_new(
        &self,
        says_so: Option<&str>,
        signals: &Signals,
    ) -> Result<Answer, Failure> {
        let asks = !self.options.yes && std::io::stdin().is_terminal();
        if self.name_is_meant() || (!asks && self.loaded.sections.is_empty()) {
            return Ok(Answer::Yes);
        }
        self.declare(&Place::imagined(&self.loaded.config))?;
        let Some(state) = signals.unless(self.recorded()).await else { return Ok(Answer::Interrupted) };
        let state = state?;
        if !state.is_empty() {
            return Ok(Answer::Yes);
        }
        self.check_environment(&state).await?;
        let name = &self.environment;
        if !asks {
            let or = says_so.map_or_else(String::new, |flag| format!(", or pass {flag}"));
            let hint = format!(
                "if a new environment is meant, add a section [environments.{name}] to {}, which may be empty{or}; `stack env list` \
                 shows those that have a state",
                self.file_name()
            );
            return Err(Failure::new(Exit::Configuration, self.unknown())
                .hint(hint)
                .coded(Code::Environment));
        }
        let question = format!(
            "Nothing is recorded for {} and the configuration has no section [environments.{name}]. Create a new environment {name}",
            self.title()
        );
        agreed(&self.options, &question, signals).await
    }

    /// Whether the account lets the configuration do what it says, but for tiers that are left out. Changes nothing.
    pub(crate) async fn check_account(
        &self,
        cloud: &Cloud,
        leaves_out: impl Fn(&str) -> bool,
    ) -> Result<(), Failure> {
        if !leaves_out(<vpc::Tier as Component>::NAME) {
            self.check_endpoint_services(cloud).await?;
        }
        if !leaves_out(<backup::Tier as Component>::NAME) {
            self.check_backup_opt_in(cloud).await?;
        }
        Ok(())
    }

    /// Whether AWS has the services that the configuration names for endpoints, also where these are off: a slip would show only when
    /// somebody turns them on. Those of the default are not looked up: nobody wrote them.
    async fn check_endpoint_services(&self, cloud: &Cloud) -> Result<(), Failure> {
        const KEY: &str = "vpc.interface_endpoints.services";
        let Some(network) = self.loaded.config.get::<vpc::Tier>() else { return Ok(()) };
        let services = &network.interface_endpoints.services;
        if *services == vpc::InterfaceEndpoints::default().services {
            return Ok(());
        }
        // An identity that may not look, or a call that failed, is told of where the answer is needed.
        let Ok(known) = vpc::services_with_endpoints(&cloud.context).await else { return Ok(()) };
        let Some((index, wrong)) = services.iter().enumerate().find(|(_, name)| !known.contains(*name))
        else {
            return Ok(());
        };
        let message = format!(
            "{KEY}[{index}]: AWS has no VPC endpoints of a service `{wrong}` in {}",
            cloud.context.region()
        );
        // Short names are all close to each other.
        let slips = (wrong.len() / 4).min(2);
        let meant = closest(wrong, known.iter().map(String::as_str), slips);
        let meant = meant.map_or_else(String::new, |name| format!("did you mean `{name}`? "));
        Err(Failure::new(Exit::Configuration, message).hint(format!(
            "{meant}`aws ec2 describe-vpc-endpoint-services` lists those of the region; correct the name in `{KEY}`, or leave it out"
        ))
        .coded(Code::Account))
    }

    async fn check_backup_opt_in(&self, cloud: &Cloud) -> Result<(), Failure> {
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
                Err(Failure::new(Exit::Configuration, message).coded(Code::Account).hint(
                    "set `backup.vault.opt_in = true`, which turns it on for the whole account in this region; or turn it \
                     on in the console of AWS Backup, under Settings",
                ))
            }
        }
    }
}
