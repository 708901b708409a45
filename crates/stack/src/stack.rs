//! The tiers, wired together by their typed outputs.

use std::sync::Arc;

use engine::{Component, DeclareError, Declared, Graph, GraphError, Input, Scope, Stage, State};
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
        let place = Self {
            account_id: cloud.context.account_id().to_owned(),
            partition: cloud.context.partition().to_owned(),
            region: cloud.context.region().to_owned(),
            availability_zones: cloud.zones.clone(),
        };
        place.in_zones_of(state)
    }

    /// The same place, the zones in front in which the state has subnets already.
    #[must_use]
    pub fn in_zones_of(mut self, state: &State) -> Self {
        let mut zones: Vec<String> = (1..)
            .map_while(|number| state.current(&format!("{}/public-subnet-{number}", vpc::Tier::NAME)))
            .filter_map(|subnet| Some(subnet.properties.get("AvailabilityZone")?.as_str()?.to_owned()))
            .collect();
        self.availability_zones.retain(|zone| !zones.contains(zone));
        zones.append(&mut self.availability_zones);
        Self { availability_zones: zones, ..self }
    }
}

impl Place {
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
    /// The database.
    #[serde(flatten)]
    pub database: database::Outputs<S>,
    /// The load balancer.
    #[serde(flatten)]
    pub alb: alb::Outputs<S>,
    /// The application's containers.
    #[serde(flatten)]
    pub ecs: ecs::Outputs<S>,
    /// The API.
    #[serde(flatten)]
    pub apigw: apigw::Outputs<S>,
    /// Alarms, dashboard, tracing.
    #[serde(flatten)]
    pub monitoring: monitoring::Outputs<S>,
    /// The daily verification of the database's backup.
    #[serde(flatten)]
    pub backup: backup::Outputs<S>,
}

/// What is watched.
struct Watched<'a> {
    network: &'a vpc::Outputs<Declared>,
    database: &'a database::Outputs<Declared>,
    alb: &'a alb::Outputs<Declared>,
    ecs: &'a ecs::Outputs<Declared>,
    apigw: &'a apigw::Outputs<Declared>,
}

/// The whole stack for one environment.
#[derive(Clone, Debug)]
pub struct Stack {
    config: Config,
}

impl Stack {
    /// The stack that a configuration describes.
    #[must_use]
    pub fn new(config: Config, environment: &Environment) -> Self {
        Self { config: config.for_environment(environment) }
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
    fn wire(&self, scope: &mut Scope, place: &Place) -> Result<Outputs<Declared>, StackError> {
        let network = declare(
            scope,
            &vpc::Tier::new(self.config.vpc.clone()),
            &vpc::Inputs { place: place.aws(), availability_zones: place.availability_zones.clone() },
        )?;
        let database = declare(
            scope,
            &database::Tier::new(self.config.database.clone()),
            &database::Inputs {
                place: place.aws(),
                vpc_id: network.vpc_id.clone(),
                subnet_ids: network.database_subnet_ids.clone(),
                availability_zones: network.availability_zones.clone(),
                // Clients add rules of their own to its group.
                client_security_group_ids: Vec::new(),
            },
        )?;
        let alb = declare(
            scope,
            &alb::Tier::new(self.config.alb.clone()),
            &alb::Inputs {
                place: place.aws(),
                vpc_id: network.vpc_id.clone(),
                vpc_cidr: network.vpc_cidr.clone(),
                public_subnet_ids: network.public_subnet_ids.clone(),
                private_subnet_ids: network.private_subnet_ids.clone(),
                client_security_group_ids: Vec::new(),
            },
        )?;
        let ecs = declare(
            scope,
            &ecs::Tier::new(self.config.ecs.clone()),
            &ecs::Inputs {
                place: place.aws(),
                vpc_id: network.vpc_id.clone(),
                private_subnet_ids: network.private_subnet_ids.clone(),
                // Its names are known once the cluster is begun, so task definition and rules need not wait for instances.
                database: Some(ecs::DatabaseInputs {
                    endpoint: database.database_endpoint.clone(),
                    port: database.database_port.clone(),
                    name: database.database_name.clone(),
                    secret_arn: database.database_secret_arn.clone(),
                    key_arn: database.database_key_arn.clone(),
                    resource_id: database.database_resource_id.clone(),
                    security_group_id: database.database_security_group_id.clone(),
                }),
                load_balancer: ecs::LoadBalancerInputs {
                    security_group_id: alb.alb_security_group_id.clone(),
                    blue_target_group_arn: alb.blue_target_group_arn.clone(),
                    green_target_group_arn: alb.green_target_group_arn.clone(),
                    production_rule_arn: alb.production_rule_arn.clone(),
                    test_rule_arn: Some(alb.test_rule_arn.clone()),
                },
                ready: ready_for_tasks(&network, &database),
            },
        )?;
        let apigw = declare(
            scope,
            &apigw::Tier::new(self.config.apigw.clone()),
            &apigw::Inputs {
                place: place.aws(),
                vpc_id: network.vpc_id.clone(),
                private_subnet_ids: network.private_subnet_ids.clone(),
                backend: apigw::Backend {
                    alb_dns_name: alb.alb_dns_name.clone(),
                    alb_arn: alb.alb_arn.clone(),
                    alb_security_group_id: alb.alb_security_group_id.clone(),
                    https: self.config.alb.certificate_arn.is_some(),
                    private: self.config.alb.ingress == alb::Ingress::Private,
                },
                web_acl_arn: alb.web_acl_arn.clone(),
            },
        )?;
        let watched = Watched { network: &network, database: &database, alb: &alb, ecs: &ecs, apigw: &apigw };
        let monitoring = declare(
            scope,
            &monitoring::Tier::new(self.config.monitoring.clone()),
            &self.monitoring_inputs(place, watched),
        )?;
        let backup = declare(
            scope,
            &backup::Tier::new(self.config.backup.clone()),
            &backup::Inputs {
                place: place.aws(),
                database: backup::DatabaseInputs {
                    cluster_id: database.database_cluster_id.clone(),
                    cluster_arn: database.database_cluster_arn.clone(),
                    key_arn: database.database_key_arn.clone(),
                },
                alarm_topic_arn: Some(monitoring.alarm_topic_arn.clone()),
                alarm_topic_key_arn: Some(monitoring.alarm_topic_key_arn.clone()),
            },
        )?;
        Ok(Outputs { network, database, alb, ecs, apigw, monitoring, backup })
    }
}

impl Stack {
    fn monitoring_inputs(&self, place: &Place, watched: Watched<'_>) -> monitoring::Inputs {
        let Watched { network, database, alb, ecs, apigw } = watched;
        let Config { database: database_args, ecs: ecs_args, .. } = &self.config;
        monitoring::Inputs {
            place: place.aws(),
            load_balancer: Some(monitoring::LoadBalancerInputs {
                full_name: alb.alb_full_name.clone(),
                blue_target_group_full_name: alb.blue_target_group_full_name.clone(),
                green_target_group_full_name: alb.green_target_group_full_name.clone(),
            }),
            containers: Some(monitoring::ContainerInputs {
                cluster_name: ecs.ecs_cluster_name.clone(),
                service_name: ecs.ecs_service_name.clone(),
                app_log_group_name: ecs.app_log_group_name.clone(),
                tasks_expected: ecs_args.image.as_ref().map(|_| ecs_args.desired_min),
            }),
            database: Some(monitoring::DatabaseInputs {
                cluster_id: database.database_cluster_id.clone(),
                instance_ids: database.database_instance_ids.iter().map(Input::text).collect(),
                min_capacity: database_args.capacity.min,
                max_capacity: database_args.capacity.max,
                local_storage_bytes: None,
            }),
            api: Some(monitoring::ApiInputs {
                name: apigw.api_name.clone(),
                stage: apigw.stage_name.text(),
                access_log_group_name: Some(apigw.api_access_log_group_name.clone()),
            }),
            web_acl_name: alb.web_acl_name.clone(),
            nat_gateway_ids: network.nat_gateway_ids.clone(),
            flow_log_group_name: network.flow_log_group_name.clone(),
        }
    }
}

/// What a task needs as soon as it starts: a database that answers, which is the first instance or one that was faster, and a
/// way to AWS out of its subnet.
fn ready_for_tasks(
    network: &vpc::Outputs<Declared>,
    database: &database::Outputs<Declared>,
) -> Vec<Input<String>> {
    let instance = database.database_instance_ids.iter().take(1).map(Input::text);
    let gateways = network.nat_gateway_ids.iter().map(Input::text);
    let endpoints = network.interface_endpoint_ids.iter().map(Input::text);
    instance.chain(gateways).chain(endpoints).collect()
}

fn declare<C: Component>(
    scope: &mut Scope,
    tier: &C,
    inputs: &C::Inputs,
) -> Result<C::Outputs<Declared>, StackError> {
    tier.declare_in(scope, inputs).map_err(|source| StackError::Declare { tier: C::NAME, source })
}

/// Registers every kind of resource that the stack, or a state that it wrote, can contain.
pub fn kinds(registry: &mut aws::Registry) {
    aws::kinds(registry);
    vpc::kinds(registry);
    database::kinds(registry);
    alb::kinds(registry);
    ecs::kinds(registry);
    apigw::kinds(registry);
    monitoring::kinds(registry);
    backup::kinds(registry);
}

/// The error of a tier's argument as one of the configuration, which names the file and the line that set it.
#[must_use]
pub(crate) fn argument_error(
    loaded: &Loaded,
    tier: &str,
    error: &DeclareError,
) -> Option<crate::config::ConfigError> {
    let DeclareError::Argument { argument, reason, hint } = error else { return None };
    let key = match argument.strip_prefix("tags") {
        Some(_) => argument.clone(),
        None => format!("{tier}.{argument}"),
    };
    Some(loaded.error(&key, reason, hint))
}
