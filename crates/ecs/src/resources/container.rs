//! One container of a task definition: what is declared of it, and the same read from AWS.
//!
//! The surprise: AWS completes what it is sent, with empty lists, a CPU share of 0, a host port, an empty host of a
//! volume. So what is read back is compared by meaning: only what can be declared is read, and lists without an order
//! are sorted.

use aws::{count, number};
use std::collections::BTreeMap;

use aws_sdk_ecs::types::{
    ContainerDefinition as Live, HealthCheck as LiveHealthCheck, KernelCapabilities,
    KeyValuePair as LivePair, LinuxParameters as LiveLinuxParameters, LogConfiguration as LiveLogs,
    LogDriver, MountPoint as LiveMountPoint, PortMapping as LivePortMapping, Secret as LiveSecret,
    TransportProtocol,
};
use engine::{Declared, Resolved, Stage};
use serde::{Deserialize, Serialize};

/// The properties of a container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ContainerDefinition<S: Stage = Declared> {
    /// Its name, unique in the task.
    pub name: String,
    /// The image, with tag or digest.
    pub image: S::Of<String>,
    /// Whether the task ends when it does.
    pub essential: bool,
    /// What it runs, where that is not what the image says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Where it answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub port_mappings: Vec<PortMapping>,
    /// Its environment variables, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<KeyValuePair<S>>,
    /// Environment variables that are secret, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret<S>>,
    /// Where volumes of the task are in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mount_points: Vec<MountPoint>,
    /// What its processes may do.
    pub linux_parameters: LinuxParameters,
    /// The user and group that it runs as; the image's where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Whether it can write to volumes only.
    pub readonly_root_filesystem: bool,
    /// How long it has to end after it was asked to, in seconds: at most 120 on Fargate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<u32>,
    /// How ECS checks that it is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<ContainerHealthCheck>,
    /// Where its output goes.
    pub log_configuration: LogConfiguration<S>,
}

/// A port on which a container answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PortMapping {
    /// The port.
    pub container_port: u16,
    /// `tcp` or `udp`.
    pub protocol: String,
}

/// An environment variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct KeyValuePair<S: Stage = Declared> {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: S::Of<String>,
}

/// An environment variable that is secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Secret<S: Stage = Declared> {
    /// Its name.
    pub name: String,
    /// Where its value is: `ARN:JSON-KEY:VERSION-STAGE:VERSION-ID` of Secrets Manager.
    pub value_from: S::Of<String>,
}

/// Where a volume of the task is in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MountPoint {
    /// The volume's name.
    pub source_volume: String,
    /// The path.
    pub container_path: String,
    /// Whether it can only be read.
    pub read_only: bool,
}

/// What the processes of a container may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LinuxParameters {
    /// The capabilities of its root user.
    pub capabilities: Capabilities,
    /// Whether there is a first process that passes signals on.
    pub init_process_enabled: bool,
}

/// Changes to Docker's usual capabilities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Capabilities {
    /// Those that are taken away; `ALL` for all.
    pub drop: Vec<String>,
}

/// How ECS checks that a container is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ContainerHealthCheck {
    /// `CMD` and the words of a command, or `CMD-SHELL` and a text.
    pub command: Vec<String>,
    /// Seconds between checks.
    pub interval: u32,
    /// After how many seconds without an end a check has failed.
    pub timeout: u32,
    /// How many checks in a row must fail.
    pub retries: u32,
    /// For how many seconds after the start failures do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_period: Option<u32>,
}

/// Where the output of a container goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct LogConfiguration<S: Stage = Declared> {
    /// `awslogs`.
    pub log_driver: String,
    /// What the driver is told.
    pub options: BTreeMap<String, S::Of<String>>,
}

impl ContainerDefinition<Resolved> {
    pub(super) fn for_call(&self) -> Live {
        let pair = |KeyValuePair { name, value }: &KeyValuePair<Resolved>| {
            LivePair::builder().name(name).value(value).build()
        };
        let secret = |Secret { name, value_from }: &Secret<Resolved>| {
            let secret = LiveSecret::builder().name(name).value_from(value_from);
            secret.build().expect("a name and a value are given")
        };
        Live::builder()
            .name(&self.name)
            .image(&self.image)
            .essential(self.essential)
            .set_command(listed(self.command.iter().cloned()))
            .set_port_mappings(listed(self.port_mappings.iter().map(PortMapping::for_call)))
            .set_environment(listed(self.environment.iter().map(pair)))
            .set_secrets(listed(self.secrets.iter().map(secret)))
            .set_mount_points(listed(self.mount_points.iter().map(MountPoint::for_call)))
            .linux_parameters(self.linux_parameters.for_call())
            .set_user(self.user.clone())
            .readonly_root_filesystem(self.readonly_root_filesystem)
            .set_stop_timeout(self.stop_timeout.map(number))
            .set_health_check(self.health_check.as_ref().map(ContainerHealthCheck::for_call))
            .log_configuration(self.log_configuration.for_call())
            .build()
    }

    pub(super) fn live(live: &Live) -> Self {
        let mut environment: Vec<_> = live
            .environment()
            .iter()
            .map(|pair| KeyValuePair {
                name: pair.name().unwrap_or_default().to_owned(),
                value: pair.value().unwrap_or_default().to_owned(),
            })
            .collect();
        environment.sort_by(|one, other| one.name.cmp(&other.name));
        let mut secrets: Vec<_> = live
            .secrets()
            .iter()
            .map(|secret| Secret {
                name: secret.name().to_owned(),
                value_from: secret.value_from().to_owned(),
            })
            .collect();
        secrets.sort_by(|one, other| one.name.cmp(&other.name));
        Self {
            name: live.name().unwrap_or_default().to_owned(),
            image: live.image().unwrap_or_default().to_owned(),
            essential: live.essential().unwrap_or(true),
            command: live.command().to_vec(),
            port_mappings: live.port_mappings().iter().map(PortMapping::live).collect(),
            environment,
            secrets,
            mount_points: live.mount_points().iter().map(MountPoint::live).collect(),
            linux_parameters: LinuxParameters::live(live.linux_parameters()),
            user: live.user().filter(|user| !user.is_empty()).map(str::to_owned),
            readonly_root_filesystem: live.readonly_root_filesystem().unwrap_or_default(),
            stop_timeout: live.stop_timeout().map(count),
            health_check: live.health_check().map(ContainerHealthCheck::live),
            log_configuration: LogConfiguration::live(live.log_configuration()),
        }
    }
}

/// A list for a call; AWS is told nothing of an empty one.
fn listed<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    let items: Vec<T> = items.collect();
    (!items.is_empty()).then_some(items)
}

impl PortMapping {
    fn for_call(&self) -> LivePortMapping {
        LivePortMapping::builder()
            .container_port(i32::from(self.container_port))
            .protocol(TransportProtocol::from(self.protocol.as_str()))
            .build()
    }

    fn live(live: &LivePortMapping) -> Self {
        Self {
            container_port: live
                .container_port()
                .and_then(|port| u16::try_from(port).ok())
                .unwrap_or_default(),
            protocol: live.protocol().map_or("tcp", TransportProtocol::as_str).to_owned(),
        }
    }
}

impl MountPoint {
    fn for_call(&self) -> LiveMountPoint {
        LiveMountPoint::builder()
            .source_volume(&self.source_volume)
            .container_path(&self.container_path)
            .read_only(self.read_only)
            .build()
    }

    fn live(live: &LiveMountPoint) -> Self {
        Self {
            source_volume: live.source_volume().unwrap_or_default().to_owned(),
            container_path: live.container_path().unwrap_or_default().to_owned(),
            read_only: live.read_only().unwrap_or_default(),
        }
    }
}

impl LinuxParameters {
    fn for_call(&self) -> LiveLinuxParameters {
        let Capabilities { drop } = &self.capabilities;
        LiveLinuxParameters::builder()
            .capabilities(KernelCapabilities::builder().set_drop(listed(drop.iter().cloned())).build())
            .init_process_enabled(self.init_process_enabled)
            .build()
    }

    fn live(live: Option<&LiveLinuxParameters>) -> Self {
        let capabilities = live.and_then(LiveLinuxParameters::capabilities);
        Self {
            capabilities: Capabilities {
                drop: capabilities.map(|live| live.drop().to_vec()).unwrap_or_default(),
            },
            init_process_enabled: live
                .and_then(LiveLinuxParameters::init_process_enabled)
                .unwrap_or_default(),
        }
    }
}

impl ContainerHealthCheck {
    fn for_call(&self) -> LiveHealthCheck {
        LiveHealthCheck::builder()
            .set_command(Some(self.command.clone()))
            .interval(number(self.interval))
            .timeout(number(self.timeout))
            .retries(number(self.retries))
            .set_start_period(self.start_period.map(number))
            .build()
            .expect("a command is given")
    }

    fn live(live: &LiveHealthCheck) -> Self {
        Self {
            command: live.command().to_vec(),
            interval: live.interval().map(count).unwrap_or_default(),
            timeout: live.timeout().map(count).unwrap_or_default(),
            retries: live.retries().map(count).unwrap_or_default(),
            start_period: live.start_period().map(count),
        }
    }
}

impl LogConfiguration<Resolved> {
    fn for_call(&self) -> LiveLogs {
        LiveLogs::builder()
            .log_driver(LogDriver::from(self.log_driver.as_str()))
            .set_options(Some(self.options.clone().into_iter().collect()))
            .build()
            .expect("a driver is given")
    }

    fn live(live: Option<&LiveLogs>) -> Self {
        let options = live.and_then(LiveLogs::options).cloned().unwrap_or_default();
        Self {
            log_driver: live.map(|live| live.log_driver().as_str().to_owned()).unwrap_or_default(),
            options: options.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> ContainerDefinition<Resolved> {
        ContainerDefinition {
            name: "app".to_owned(),
            image: "nginx:1.29".to_owned(),
            essential: true,
            command: Vec::new(),
            port_mappings: vec![PortMapping { container_port: 8080, protocol: "tcp".to_owned() }],
            environment: ["A", "B"]
                .map(|name| KeyValuePair { name: name.to_owned(), value: "1".to_owned() })
                .to_vec(),
            secrets: vec![Secret {
                name: "S".to_owned(),
                value_from: "arn:…:secret:s:password::".to_owned(),
            }],
            mount_points: vec![MountPoint {
                source_volume: "tmp".to_owned(),
                container_path: "/tmp".to_owned(),
                read_only: false,
            }],
            linux_parameters: LinuxParameters {
                capabilities: Capabilities { drop: vec!["ALL".to_owned()] },
                init_process_enabled: true,
            },
            user: Some("10001:10001".to_owned()),
            readonly_root_filesystem: true,
            stop_timeout: Some(30),
            health_check: Some(ContainerHealthCheck {
                command: vec!["CMD".to_owned(), "/healthy".to_owned()],
                interval: 30,
                timeout: 5,
                retries: 3,
                start_period: None,
            }),
            log_configuration: LogConfiguration {
                log_driver: "awslogs".to_owned(),
                options: BTreeMap::from([("awslogs-group".to_owned(), "/ecs/app".to_owned())]),
            },
        }
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        let container = container();
        assert_eq!(ContainerDefinition::live(&container.for_call()), container);
    }

    #[test]
    fn what_aws_completes_is_no_difference() {
        let container = container();
        let mut live = container.for_call();
        live.cpu = 0;
        live.volumes_from = Some(Vec::new());
        live.system_controls = Some(Vec::new());
        live.command = Some(Vec::new());
        live.environment.iter_mut().for_each(|pairs| pairs.reverse());
        for mapping in live.port_mappings.iter_mut().flatten() {
            mapping.host_port = Some(8080);
        }
        assert_eq!(ContainerDefinition::live(&live), container);
    }
}
