//! The containers of a task: the application, and beside it what takes its traces to X-Ray.

use std::collections::BTreeMap;

use aws::LogGroupName;
use engine::{DeclareError, Declared, Input};

use crate::args::{Args, DatabaseCredentials, HealthCheck, Tracing};
use crate::inputs::{DatabaseInputs, Inputs};
use crate::resources::{
    Capabilities, ContainerDefinition, ContainerHealthCheck, KeyValuePair, LinuxParameters, LogConfiguration,
    MountPoint, PortMapping, Secret,
};

/// The name of the application's container.
pub(crate) const APP: &str = "app";
/// The volume that the application can write to.
pub(crate) const SCRATCH: &str = "tmp";
/// How long the application has to end what it is doing, in seconds. Fargate allows 120.
const STOP_SECONDS: u32 = 30;

const ADOT_IMAGE: &str = "public.ecr.aws/aws-observability/aws-otel-collector:v0.48.0";
/// A configuration in the image: OTLP and X-Ray's own protocol in, X-Ray out.
const ADOT_CONFIG: &str = "--config=/etc/ecs/ecs-xray.yaml";
/// The image's own user, said once more since Security Hub ECS.20 looks at the task definition alone. By name: the image has
/// it in its `/etc/passwd` (aws-observability/aws-otel-collector, `cmd/awscollector/Dockerfile`, #3136).
const ADOT_USER: &str = "aoc";
const ADOT_ENDPOINT: &str = "http://localhost:4318";
const XRAY_IMAGE: &str = "public.ecr.aws/xray/aws-xray-daemon:3.3.15";
/// Likewise (aws/aws-xray-daemon, `Dockerfile`).
const XRAY_USER: &str = "xray";
const XRAY_PORT: u16 = 2000;

/// What the application's container is made from.
pub(crate) struct App<'a> {
    pub(crate) args: &'a Args,
    pub(crate) inputs: &'a Inputs,
    pub(crate) service: String,
    pub(crate) image: Input<String>,
    pub(crate) log_group: &'a Input<LogGroupName>,
}

impl App<'_> {
    pub(crate) fn container(self) -> Result<ContainerDefinition, DeclareError> {
        let Self { args, inputs, .. } = &self;
        let environment = self.environment()?;
        Ok(ContainerDefinition {
            name: APP.to_owned(),
            essential: true,
            command: Vec::new(),
            port_mappings: vec![tcp(args.container_port)],
            environment: environment
                .into_iter()
                .map(|(name, value)| KeyValuePair { name: name.to_owned(), value })
                .collect(),
            secrets: match args.database_credentials {
                DatabaseCredentials::Iam => Vec::new(),
                DatabaseCredentials::MasterSecret => inputs.database.iter().flat_map(secrets).collect(),
            },
            mount_points: vec![MountPoint {
                source_volume: SCRATCH.to_owned(),
                container_path: format!("/{SCRATCH}"),
                read_only: false,
            }],
            linux_parameters: hardened(),
            user: Some(args.user.clone()),
            readonly_root_filesystem: !args.execute_command,
            stop_timeout: Some(STOP_SECONDS),
            health_check: args.health_check.as_ref().map(health_check),
            log_configuration: logs(self.log_group, &inputs.place.region, APP),
            image: self.image,
        })
    }

    /// By name, as AWS has no order of them.
    fn environment(&self) -> Result<BTreeMap<&str, Input<String>>, DeclareError> {
        let Self { args, inputs, .. } = self;
        let mut environment: BTreeMap<&str, Input<String>> = BTreeMap::from([
            ("AWS_REGION", inputs.place.region.clone().into()),
            ("PORT", args.container_port.to_string().into()),
        ]);
        if let Some(database) = &inputs.database {
            environment.extend([
                ("DB_HOST", database.endpoint.clone()),
                ("DB_READER_HOST", database.reader_endpoint.clone()),
                ("DB_PORT", port(database)?.to_string().into()),
                ("DB_NAME", database.name.clone()),
            ]);
            environment.extend(match args.database_credentials {
                DatabaseCredentials::Iam => {
                    [("DB_AUTHENTICATION", "iam".into()), ("DB_USERNAME", database.user.clone())]
                }
                DatabaseCredentials::MasterSecret => {
                    [("DB_AUTHENTICATION", "password".into()), ("DB_SECRET_ARN", database.secret_arn.text())]
                }
            });
            if !args.database_ca_bundle.is_empty() {
                environment.insert("DB_CA_BUNDLE", args.database_ca_bundle.clone().into());
            }
        }
        match args.tracing {
            Tracing::Adot => environment.extend([
                ("OTEL_EXPORTER_OTLP_ENDPOINT", ADOT_ENDPOINT.into()),
                ("OTEL_SERVICE_NAME", self.service.clone().into()),
            ]),
            Tracing::XrayDaemon => {
                environment.extend([
                    ("AWS_XRAY_DAEMON_ADDRESS", format!("localhost:{XRAY_PORT}").into()),
                    ("AWS_XRAY_TRACING_NAME", self.service.clone().into()),
                ]);
            }
            Tracing::None => {}
        }
        for (name, value) in &args.environment_variables {
            let own = ["DB_CA_BUNDLE", "DB_PASSWORD", "DB_SECRET_ARN", "DB_USERNAME"];
            let is_own = inputs.database.is_some() && own.contains(&name.as_str());
            if is_own || environment.contains_key(name.as_str()) {
                let argument = format!("environment_variables.{name}");
                return Err(DeclareError::argument(argument, "the tier sets this itself", "leave it out"));
            }
            environment.insert(name, value.clone().into());
        }
        Ok(environment)
    }
}

/// The database's port. Rules of security groups need the number itself.
pub(crate) fn port(database: &DatabaseInputs) -> Result<u16, DeclareError> {
    database.port.literal().copied().ok_or_else(|| {
        DeclareError::argument("database.port", "it is not known before the database", "give the number")
    })
}

/// RDS keeps the user's name and password as one JSON document; ECS takes it apart. By name, as AWS has no order of
/// them.
fn secrets(database: &DatabaseInputs) -> [Secret; 2] {
    [("DB_PASSWORD", "password"), ("DB_USERNAME", "username")].map(|(name, key)| Secret {
        name: name.to_owned(),
        value_from: Input::join([(&database.secret_arn).into(), format!(":{key}::").into()]),
    })
}

/// AWS's image of the container beside the application, if there is one.
pub(crate) fn tracing_image(tracing: Tracing) -> Option<&'static str> {
    match tracing {
        Tracing::Adot => Some(ADOT_IMAGE),
        Tracing::XrayDaemon => Some(XRAY_IMAGE),
        Tracing::None => None,
    }
}

/// The container beside the application, if there is one.
pub(crate) fn sidecar(
    args: &Args,
    image: Input<String>,
    log_group: &Input<LogGroupName>,
    region: &str,
) -> Option<ContainerDefinition> {
    let (name, user, command, port_mappings) = match args.tracing {
        Tracing::Adot => ("adot", ADOT_USER, vec![ADOT_CONFIG.to_owned()], Vec::new()),
        Tracing::XrayDaemon => {
            let daemon = PortMapping { container_port: XRAY_PORT, protocol: "udp".to_owned() };
            ("xray-daemon", XRAY_USER, Vec::new(), vec![daemon])
        }
        Tracing::None => return None,
    };
    Some(ContainerDefinition {
        name: name.to_owned(),
        image,
        // The application goes on without traces.
        essential: false,
        command,
        port_mappings,
        environment: Vec::new(),
        secrets: Vec::new(),
        mount_points: Vec::new(),
        linux_parameters: hardened(),
        user: Some(args.tracing_user.clone().unwrap_or_else(|| user.to_owned())),
        readonly_root_filesystem: true,
        stop_timeout: Some(STOP_SECONDS),
        health_check: None,
        log_configuration: logs(log_group, region, name),
    })
}

fn tcp(container_port: u16) -> PortMapping {
    PortMapping { container_port, protocol: "tcp".to_owned() }
}

/// No capabilities, and a first process that passes signals on and buries what others leave.
fn hardened() -> LinuxParameters {
    LinuxParameters {
        capabilities: Capabilities { drop: vec!["ALL".to_owned()] },
        init_process_enabled: true,
    }
}

fn health_check(check: &HealthCheck) -> ContainerHealthCheck {
    ContainerHealthCheck {
        command: check.command.clone(),
        interval: check.interval,
        timeout: check.timeout,
        retries: check.retries,
        start_period: Some(check.start_period),
    }
}

fn logs(group: &Input<LogGroupName>, region: &str, prefix: &str) -> LogConfiguration<Declared> {
    let options = [
        ("awslogs-group", group.text()),
        ("awslogs-region", region.to_owned().into()),
        ("awslogs-stream-prefix", prefix.to_owned().into()),
    ];
    LogConfiguration {
        log_driver: "awslogs".to_owned(),
        options: options.map(|(name, value)| (name.to_owned(), value)).into(),
    }
}
