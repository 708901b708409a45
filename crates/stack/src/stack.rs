//! The tiers, wired together by their typed outputs.

use std::sync::Arc;

use engine::{Component, DeclareError, Declared, Graph, GraphError, Scope, Stage, State};
use serde::{Deserialize, Serialize};

use crate::config::{Config, Loaded};
use crate::environment::Environment;
use crate::target::Cloud;

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
}

impl Place {
    /// The place of a connected target. Zones in which the state has subnets already come first, in their order: AWS
    /// adds zones and takes them out of service, and neither may move a subnet.
    #[must_use]
    pub fn new(cloud: &Cloud, state: &State) -> Self {
        let mut zones: Vec<String> = (1..)
            .map_while(|number| state.current(&format!("{}/public-subnet-{number}", vpc::Tier::NAME)))
            .filter_map(|subnet| Some(subnet.properties.get("AvailabilityZone")?.as_str()?.to_owned()))
            .collect();
        zones.extend(cloud.zones.iter().filter(|zone| !zones.contains(zone)).cloned().collect::<Vec<_>>());
        Self {
            account_id: cloud.context.account_id().to_owned(),
            partition: cloud.context.partition().to_owned(),
            region: cloud.context.region().to_owned(),
            availability_zones: zones,
        }
    }
}

impl Place {
    /// A place that looks like one in the configured region: enough to check every argument but the names of zones before
    /// anything is called.
    #[must_use]
    pub fn imagined(config: &Config) -> Self {
        let in_region = || ('a'..='f').map(|letter| format!("{}{letter}", config.region)).collect();
        Self {
            account_id: "000000000000".to_owned(),
            partition: "aws".to_owned(),
            region: config.region.clone(),
            availability_zones: config.vpc.availability_zones.clone().unwrap_or_else(in_region),
        }
    }
}

/// Why the stack cannot be declared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StackError {
    /// A tier's argument cannot work.
    #[error(transparent)]
    Declare(#[from] DeclareError),
    /// The tiers are wired wrongly: a defect of this program.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The outputs cannot be written as JSON: a defect of this program.
    #[error("the stack's outputs cannot be serialised")]
    Outputs(#[from] serde_json::Error),
}

/// What the stack tells its user, with the reference document's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Outputs<S: Stage> {
    /// The network.
    #[serde(flatten)]
    pub network: vpc::Outputs<S>,
}

/// The whole stack for one environment.
#[derive(Clone, Debug)]
pub struct Stack {
    config: Config,
    environment: Environment,
}

impl Stack {
    /// The stack that a configuration describes.
    #[must_use]
    pub fn new(config: Config, environment: Environment) -> Self {
        Self { config, environment }
    }

    /// Declares all tiers. Pure: no call is made.
    ///
    /// # Errors
    /// [`StackError::Declare`] names the argument that cannot work.
    pub fn declare(&self, place: &Place) -> Result<Arc<Graph>, StackError> {
        let mut scope = Scope::new();
        let outputs = self.wire(&mut scope, place)?;
        let exports = serde_json::to_value(outputs)?;
        Ok(Arc::new(Graph::new(scope)?.with_exports(exports)))
    }

    /// Passes each tier's outputs to the tiers that need them. The order of the graph comes from the references.
    fn wire(&self, scope: &mut Scope, place: &Place) -> Result<Outputs<Declared>, DeclareError> {
        let network = vpc::Tier::new(self.config.vpc_args(&self.environment));
        let network = network.declare_in(
            scope,
            &vpc::Inputs {
                region: place.region.clone(),
                availability_zones: place.availability_zones.clone(),
                account_id: place.account_id.clone(),
                partition: place.partition.clone(),
            },
        )?;
        Ok(Outputs { network })
    }
}

/// Registers every kind of resource that the stack, or a state that it wrote, can contain.
pub fn kinds(registry: &mut aws::Registry) {
    aws::kinds(registry);
    vpc::kinds(registry);
}

/// The error of a tier's argument as one of the configuration, which names the file and the line that set it.
#[must_use]
pub(crate) fn argument_error(loaded: &Loaded, error: &DeclareError) -> Option<crate::config::ConfigError> {
    match error {
        DeclareError::Argument { argument, reason, hint } => {
            let key = match argument.strip_prefix("tags") {
                Some(_) => argument.clone(),
                None => format!("{}.{argument}", vpc::Tier::NAME),
            };
            Some(loaded.error(&key, reason, hint))
        }
        _ => None,
    }
}
