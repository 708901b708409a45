//! The tiers, wired together by their typed outputs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws::KeyArn;
use aws::resources::LogGroup;
use engine::{Component as _, DeclareError, Graph, GraphError, Input, Scope, State};
use serde_json::{Map, Value as Json};

use crate::across;
use crate::config::{self, Config, Loaded};
use crate::deployed::{self, Image};
use crate::environment::Environment;
use crate::ignored;
use crate::outputs::API_KEY;
use crate::payment;
use crate::program::ProgramError;
use crate::target::Cloud;
use crate::tier::{Registered, Shared, Wired};

/// What is known of the place before anything is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The account: twelve digits.
    pub account_id: String,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The region.
    pub region: String,
    /// Its availability zones, those to use first in front.
    pub availability_zones: Vec<String>,
    /// Whether the stack has a key of its own for logs, so that there may be logs which need it.
    pub has_log_key: bool,
    /// What the state knows of the network's zones, and of the database's instances in them.
    pub recorded: Recorded,
}

/// What the state knows that tells which object is whose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The network's zones.
    pub network: vpc::Recorded,
    /// The database's instances.
    pub database: database::Recorded,
    /// The image that was deployed, which runs unless the configuration names another.
    pub image: Option<Image>,
}

impl Place {
    /// The place of a connected target. Zones in which the state has subnets already come first, in their order: AWS
    /// adds zones and takes them out of service, and neither may move a subnet.
    #[must_use]
    pub fn new(cloud: &Cloud, state: &State) -> Self {
        let place = Self {
            account_id: cloud.context.account_id().to_owned(),
            partition: cloud.context.partition().to_owned(),
            region: cloud.context.region().to_owned(),
            availability_zones: cloud.zones.clone(),
            has_log_key: false,
            recorded: Recorded::default(),
        };
        place.as_recorded_in(state)
    }

    /// The same place, with what only the state knows of it: the zones that have subnets already, which come first, what is in
    /// them, and whether there is a key for logs.
    #[must_use]
    pub fn as_recorded_in(mut self, state: &State) -> Self {
        let recorded = Recorded {
            network: vpc::Recorded::of(state),
            database: database::Recorded::of(state),
            image: Image::recorded_in(state),
        };
        let mut zones: Vec<String> = recorded.network.zones().into_iter().map(str::to_owned).collect();
        self.availability_zones.retain(|zone| !zones.contains(zone));
        zones.append(&mut self.availability_zones);
        let has_log_key = state.current(&format!("{}/key", logs::Tier::NAME)).is_some();
        Self { availability_zones: zones, has_log_key, recorded, ..self }
    }
}

impl Place {
    /// Whether it is one that only looks like the account and the region that are meant.
    pub(crate) fn is_imagined(&self) -> bool {
        self.account_id == aws::Place::UNKNOWN_ACCOUNT
    }

    /// As the tiers want to know it.
    #[must_use]
    pub fn aws(&self) -> aws::Place {
        aws::Place {
            region: self.region.clone(),
            account_id: self.account_id.clone(),
            partition: self.partition.clone(),
        }
    }

    /// A place that looks like one in the configured region: enough to check every argument but the names of zones before
    /// anything is called.
    #[must_use]
    pub fn imagined(config: &Config) -> Self {
        let in_region = || ('a'..='f').map(|letter| format!("{}{letter}", config.region)).collect();
        Self {
            account_id: aws::Place::UNKNOWN_ACCOUNT.to_owned(),
            partition: config::partition(&config.region).to_owned(),
            region: config.region.clone(),
            availability_zones: config
                .get::<vpc::Tier>()
                .and_then(|network| network.availability_zones.clone())
                .unwrap_or_else(in_region),
            has_log_key: false,
            recorded: Recorded::default(),
        }
    }
}

/// Why the stack cannot be declared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StackError {
    /// A tier cannot be declared: mostly, an argument cannot work.
    #[error("the {tier} tier cannot be declared")]
    Declare {
        /// The tier.
        tier: &'static str,
        /// Why.
        source: DeclareError,
    },
    /// The tiers are wired wrongly: a defect of this program.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The tiers do not go together: a defect of this program.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The outputs cannot be written as JSON: a defect of this program.
    #[error("the stack's outputs cannot be serialised")]
    Outputs(#[from] serde_json::Error),
}

/// The whole stack for one environment.
#[derive(Clone)]
pub struct Stack {
    tiers: Vec<Arc<dyn Registered>>,
    defects: Result<(), ProgramError>,
    config: Config,
    shared: Shared,
}

impl Stack {
    /// The payment stack that a configuration describes. [`Program::stack`](crate::Program::stack) makes the stack of a program
    /// with other tiers.
    #[must_use]
    pub fn new(config: Config, environment: &Environment) -> Self {
        payment::program().stack(config, environment)
    }

    pub(crate) fn of(
        tiers: Vec<Arc<dyn Registered>>,
        defects: Result<(), ProgramError>,
        mut config: Config,
        environment: &Environment,
    ) -> Self {
        tiers.iter().for_each(|tier| tier.complete(&mut config));
        let shared = Shared::of(&config, environment.as_str());
        Self { tiers, defects, config, shared }
    }

    /// Declares all tiers. Pure: no call is made. The order of the graph comes from the references among them.
    ///
    /// # Errors
    /// [`StackError::Declare`] names the argument that cannot work.
    pub fn declare(&self, place: &Place) -> Result<Arc<Graph>, StackError> {
        self.defects.clone()?;
        let config = deployed::effective(&self.config, place);
        across::check(&config, &place.aws())?;
        let mut scope = Scope::new();
        // Also those of a tier that this program does not have any more.
        LogGroup::guard(&mut scope, self.shared.keep_logs);
        let mut wired = Wired::new(place, &config);
        let mut exports = Exports::default();
        let log_key = self.log_key(&mut scope, place, &mut exports)?;
        let shared = Shared { log_key, ..self.shared.clone() };
        for tier in &self.tiers {
            let (outputs, exported) = tier.declare(&mut scope, &wired, &shared)?;
            exports.add(tier.name(), exported)?;
            wired.add(tier.name(), outputs);
        }
        let graph = Graph::new(scope)?.with_exports(Json::Object(exports.values));
        let ignored = ignored::resolve(&graph, &self.config.ignore, place)
            .map_err(|source| StackError::Declare { tier: ignored::KEY, source })?;
        Ok(Arc::new(graph.with_ignored(ignored)))
    }

    /// The key for the log groups of all tiers, which therefore is not a tier among them. One that is there stays declared
    /// after it was turned off: see [`logs`].
    fn log_key(
        &self,
        scope: &mut Scope,
        place: &Place,
        exports: &mut Exports,
    ) -> Result<Option<Input<KeyArn>>, StackError> {
        let is_wanted = self.config.logs.customer_key;
        if !is_wanted && !place.has_log_key {
            return Ok(None);
        }
        let Shared { environment, tags, keep_logs, .. } = self.shared.clone();
        let tier = logs::Tier::new(logs::Args { environment, tags, keep_logs });
        let outputs = tier
            .declare_in(scope, &logs::Inputs { place: place.aws() })
            .map_err(|source| StackError::Declare { tier: logs::Tier::NAME, source })?;
        exports.add(logs::Tier::NAME, serde_json::to_value(&outputs)?)?;
        Ok(is_wanted.then_some(outputs.log_key_arn))
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tiers: Vec<_> = self.tiers.iter().map(|tier| tier.name()).collect();
        f.debug_struct("Stack").field("tiers", &tiers).field("config", &self.config).finish_non_exhaustive()
    }
}

/// The outputs of all tiers together, each with the tier that it is from. A tier may pass on an output of another tier under
/// its own name.
#[derive(Default)]
struct Exports {
    values: Map<String, Json>,
    of: BTreeMap<String, &'static str>,
}

impl Exports {
    fn add(&mut self, tier: &'static str, outputs: Json) -> Result<(), ProgramError> {
        let outputs = match outputs {
            Json::Object(outputs) => outputs,
            // A tier that has none.
            Json::Null => return Ok(()),
            _ => return Err(ProgramError::OutputsWithoutNames { tier }),
        };
        for (output, value) in outputs {
            if output == API_KEY {
                return Err(ProgramError::ReservedOutput { output, tier });
            }
            match self.of.get(&output) {
                Some(first) if self.values.get(&output) != Some(&value) => {
                    return Err(ProgramError::OutputTwice { output, first, second: tier });
                }
                Some(_) => {}
                None => {
                    self.of.insert(output.clone(), tier);
                    self.values.insert(output, value);
                }
            }
        }
        Ok(())
    }
}

/// Registers every kind of resource that the payment stack, or a state that it wrote, can contain.
pub fn kinds(registry: &mut aws::Registry) {
    payment::program().register(registry);
}

/// The error of a tier's argument as one of the configuration, which names the file and the line that set it.
#[must_use]
pub(crate) fn argument_error(
    loaded: &Loaded,
    tier: &str,
    error: &DeclareError,
) -> Option<crate::config::ConfigError> {
    let DeclareError::Argument { argument, reason, hint } = error else { return None };
    // The tags of all tiers are one table at the top.
    let key = match argument.strip_prefix("tags.") {
        Some(tag) => crate::config::path_of_keys(&["tags", tag]),
        None if argument == "tags" => argument.clone(),
        None => format!("{tier}.{argument}"),
    };
    Some(loaded.error(&key, reason, hint))
}
