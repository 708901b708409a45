//! The payment stack: its seven tiers, wired together by their typed outputs.

use std::sync::LazyLock;

use engine::{Declared, Input};

use crate::program::Program;
use crate::tier::{Handle, Shared, Tier, Wired};

/// The tiers of the payment stack, for tiers that use their outputs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Payment {
    /// The network.
    pub network: Handle<vpc::Tier>,
    /// The database.
    pub database: Handle<database::Tier>,
    /// The load balancer.
    pub alb: Handle<alb::Tier>,
    /// The application's containers.
    pub ecs: Handle<ecs::Tier>,
    /// The API.
    pub apigw: Handle<apigw::Tier>,
    /// Alarms, dashboard, tracing.
    pub monitoring: Handle<monitoring::Tier>,
    /// The daily verification of the database's backup.
    pub backup: Handle<backup::Tier>,
}

/// The program `stack`, for those that use it as a library.
pub(crate) fn program() -> &'static Program {
    static PROGRAM: LazyLock<Program> = LazyLock::new(|| {
        let mut program = Program::new("stack", env!("CARGO_PKG_VERSION"));
        program.payment();
        program
    });
    &PROGRAM
}

impl Program {
    /// Registers the seven tiers of the payment stack, and the checks of [`verify`](::verify::verify).
    pub fn payment(&mut self) -> Payment {
        self.checks(::verify::verify);
        let network = self.tier::<vpc::Tier>(|wired| vpc::Inputs {
            place: wired.place(),
            availability_zones: wired.availability_zones().to_vec(),
            recorded: wired.recorded().network.clone(),
        });
        let database = self.tier::<database::Tier>(move |wired| database::Inputs {
            place: wired.place(),
            vpc_id: wired[&network].vpc_id.clone(),
            subnet_ids: wired[&network].database_subnet_ids.clone(),
            availability_zones: wired[&network].availability_zones.clone(),
            recorded: wired.recorded().database.clone(),
            // Clients add rules of their own to its group.
            client_security_group_ids: Vec::new(),
        });
        // Registered below: only its configuration is asked before.
        let api = Handle::<apigw::Tier>::new();
        let alb = self.tier::<alb::Tier>(move |wired| alb::Inputs {
            place: wired.place(),
            vpc_id: wired[&network].vpc_id.clone(),
            vpc_cidr: wired[&network].vpc_cidr.clone(),
            public_subnet_ids: wired[&network].public_subnet_ids.clone(),
            private_subnet_ids: wired[&network].private_subnet_ids.clone(),
            client_security_group_ids: Vec::new(),
            api_requests: Some(wired.args(&api).most_requests(aws::firewall::RATE_WINDOW)),
        });
        let ecs = self.tier::<ecs::Tier>(move |wired| containers(wired, network, database, alb));
        let apigw = self.tier::<apigw::Tier>(move |wired| apigw::Inputs {
            place: wired.place(),
            vpc_id: wired[&network].vpc_id.clone(),
            private_subnet_ids: wired[&network].private_subnet_ids.clone(),
            backend: apigw::Backend {
                alb_dns_name: wired[&alb].alb_dns_name.clone(),
                alb_arn: wired[&alb].alb_arn.clone(),
                alb_security_group_id: wired[&alb].alb_security_group_id.clone(),
                https: wired.args(&alb).certificate_arn.is_some(),
                private: wired.args(&alb).ingress == alb::Ingress::Private,
            },
            ready: vec![wired[&alb].production_rule_arn.text()],
        });
        let watched = Watched { network, database, alb, ecs, apigw };
        let monitoring = self.tier::<monitoring::Tier>(move |wired| watched.inputs(wired));
        let backup = self.tier::<backup::Tier>(move |wired| backup::Inputs {
            place: wired.place(),
            database: backup::DatabaseInputs {
                cluster_id: wired[&database].database_cluster_id.clone(),
                cluster_arn: wired[&database].database_cluster_arn.clone(),
                key_arn: wired[&database].database_key_arn.clone(),
            },
            alarm_topic_arn: Some(wired[&monitoring].alarm_topic_arn.clone()),
            alarm_topic_key_arn: Some(wired[&monitoring].alarm_topic_key_arn.clone()),
        });
        Payment { network, database, alb, ecs, apigw, monitoring, backup }
    }
}

fn containers(
    wired: &Wired<'_>,
    network: Handle<vpc::Tier>,
    database: Handle<database::Tier>,
    alb: Handle<alb::Tier>,
) -> ecs::Inputs {
    let (network, database, alb) = (&wired[&network], &wired[&database], &wired[&alb]);
    ecs::Inputs {
        place: wired.place(),
        vpc_id: network.vpc_id.clone(),
        private_subnet_ids: network.private_subnet_ids.clone(),
        // Its names are known once the cluster is begun, so task definition and rules need not wait for instances.
        database: Some(ecs::DatabaseInputs {
            endpoint: database.database_endpoint.clone(),
            reader_endpoint: database.database_reader_endpoint.clone(),
            port: database.database_port.clone(),
            name: database.database_name.clone(),
            user: database.database_application_user.clone(),
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
        ready: ready_for_tasks(network, database),
    }
}

/// What a task needs as soon as it starts: a database that answers, with a user to log in as, and a way to AWS out of its subnet.
fn ready_for_tasks(
    network: &vpc::Outputs<Declared>,
    database: &database::Outputs<Declared>,
) -> Vec<Input<String>> {
    let ready = database.database_ready.iter().cloned();
    let gateways = network.nat_gateway_ids.iter().map(Input::text);
    let endpoints = network.interface_endpoint_ids.iter().chain(&network.s3_endpoint_id).map(Input::text);
    let ways = network.private_ways.iter().cloned();
    ready.chain(gateways).chain(endpoints).chain(ways).collect()
}

/// What is watched.
#[derive(Clone, Copy)]
struct Watched {
    network: Handle<vpc::Tier>,
    database: Handle<database::Tier>,
    alb: Handle<alb::Tier>,
    ecs: Handle<ecs::Tier>,
    apigw: Handle<apigw::Tier>,
}

impl Watched {
    fn inputs(&self, wired: &Wired<'_>) -> monitoring::Inputs {
        let (network, database, alb) = (&wired[&self.network], &wired[&self.database], &wired[&self.alb]);
        let (ecs, apigw) = (&wired[&self.ecs], &wired[&self.apigw]);
        let (database_args, ecs_args) = (wired.args(&self.database), wired.args(&self.ecs));
        monitoring::Inputs {
            place: wired.place(),
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
            api_web_acl_name: apigw.api_web_acl_name.clone(),
            nat_gateway_ids: network.nat_gateway_ids.clone(),
            flow_log_group_name: network.flow_log_group_name.clone(),
        }
    }
}

impl Tier for vpc::Tier {
    type Args = vpc::Args;
    const ABOUT: &'static str = "The network.";

    fn in_environment(args: vpc::Args, shared: &Shared) -> Self {
        let Shared { environment, tags, keep_logs, log_key } = shared.clone();
        Self::new(vpc::Args { environment, tags, keep_logs, log_key, ..args })
    }

    fn register(registry: &mut aws::Registry) {
        vpc::kinds(registry);
    }
}

impl Tier for database::Tier {
    type Args = database::Args;
    const ABOUT: &'static str = "The database.";

    fn defaults() -> database::Args {
        // An environment to try things in: `destroy` takes its data along. No other cluster is named.
        database::Args { allow_data_loss: vec!["payment-aurora-dev".to_owned()], ..database::Args::default() }
    }

    fn in_environment(args: database::Args, shared: &Shared) -> Self {
        let Shared { environment, tags, keep_logs, log_key } = shared.clone();
        Self::new(database::Args { environment, tags, keep_logs, log_key, ..args })
    }

    fn register(registry: &mut aws::Registry) {
        database::kinds(registry);
    }
}

impl Tier for alb::Tier {
    type Args = alb::Args;
    const ABOUT: &'static str = "The load balancer.";

    fn in_environment(args: alb::Args, shared: &Shared) -> Self {
        let Shared { environment, tags, keep_logs, log_key } = shared.clone();
        Self::new(alb::Args { environment, tags, keep_logs, log_key, ..args })
    }

    fn register(registry: &mut aws::Registry) {
        alb::kinds(registry);
    }
}

impl Tier for ecs::Tier {
    type Args = ecs::Args;
    const ABOUT: &'static str = "The application's containers.";

    fn in_environment(args: ecs::Args, shared: &Shared) -> Self {
        let Shared { environment, tags, keep_logs, log_key } = shared.clone();
        Self::new(ecs::Args { environment, tags, keep_logs, log_key, ..args })
    }

    fn register(registry: &mut aws::Registry) {
        ecs::kinds(registry);
    }
}

impl Tier for apigw::Tier {
    type Args = apigw::Args;
    const ABOUT: &'static str = "The API.";

    fn in_environment(args: apigw::Args, shared: &Shared) -> Self {
        let Shared { environment, tags, keep_logs, log_key } = shared.clone();
        Self::new(apigw::Args { environment, tags, keep_logs, log_key, ..args })
    }

    fn register(registry: &mut aws::Registry) {
        apigw::kinds(registry);
    }
}

impl Tier for monitoring::Tier {
    type Args = monitoring::Args;
    const ABOUT: &'static str = "Alarms, the dashboard, and tracing.";

    fn in_environment(args: monitoring::Args, shared: &Shared) -> Self {
        let Shared { environment, tags, .. } = shared.clone();
        Self::new(monitoring::Args { environment, tags, ..args })
    }

    fn register(registry: &mut aws::Registry) {
        monitoring::kinds(registry);
    }
}

impl Tier for backup::Tier {
    type Args = backup::Args;
    const ABOUT: &'static str = "The daily verification of the database's backup.";

    fn in_environment(args: backup::Args, shared: &Shared) -> Self {
        let Shared { environment, tags, keep_logs, log_key } = shared.clone();
        Self::new(backup::Args { environment, tags, keep_logs, log_key, ..args })
    }

    fn register(registry: &mut aws::Registry) {
        backup::kinds(registry);
    }
}
