//! Containers of a task definition, and the rules of Fargate for them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::client;
use super::fargate::Size;
use super::lookup::is_private_registry;
use crate::protocol::response::{Refusal, ensure, refuse_if};

/// ECS API Reference, ContainerDefinition: what Fargate has of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) image: String,
    #[serde(default)]
    cpu: u32,
    memory: Option<u32>,
    memory_reservation: Option<u32>,
    repository_credentials: Option<RepositoryCredentials>,
    #[serde(default)]
    pub(super) port_mappings: Vec<PortMapping>,
    #[serde(default = "yes")]
    pub(super) essential: bool,
    restart_policy: Option<RestartPolicy>,
    entry_point: Option<Vec<String>>,
    command: Option<Vec<String>>,
    #[serde(default)]
    environment: Vec<Pair>,
    environment_files: Option<Vec<EnvironmentFile>>,
    #[serde(default)]
    mount_points: Vec<MountPoint>,
    #[serde(default)]
    volumes_from: Vec<VolumeFrom>,
    linux_parameters: Option<LinuxParameters>,
    pub(super) secrets: Option<Vec<Secret>>,
    depends_on: Option<Vec<Dependency>>,
    start_timeout: Option<u32>,
    stop_timeout: Option<u32>,
    version_consistency: Option<String>,
    user: Option<String>,
    working_directory: Option<String>,
    privileged: Option<bool>,
    readonly_root_filesystem: Option<bool>,
    interactive: Option<bool>,
    pseudo_terminal: Option<bool>,
    docker_labels: Option<BTreeMap<String, String>>,
    ulimits: Option<Vec<Ulimit>>,
    pub(super) log_configuration: Option<LogConfiguration>,
    pub(super) health_check: Option<HealthCheck>,
    #[serde(default)]
    system_controls: Vec<SystemControl>,
    firelens_configuration: Option<Firelens>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RepositoryCredentials {
    credentials_parameter: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct PortMapping {
    pub(super) container_port: u16,
    host_port: Option<u16>,
    #[serde(default = "tcp")]
    protocol: String,
    name: Option<String>,
    app_protocol: Option<String>,
}

fn tcp() -> String {
    "tcp".to_owned()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RestartPolicy {
    enabled: bool,
    ignored_exit_codes: Option<Vec<i32>>,
    restart_attempt_period: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvironmentFile {
    value: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MountPoint {
    source_volume: Option<String>,
    container_path: Option<String>,
    read_only: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct VolumeFrom {
    source_container: Option<String>,
    read_only: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LinuxParameters {
    capabilities: Option<Capabilities>,
    init_process_enabled: Option<bool>,
    devices: Option<Vec<serde_json::Value>>,
    shared_memory_size: Option<u32>,
    tmpfs: Option<Vec<serde_json::Value>>,
    max_swap: Option<u32>,
    swappiness: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Capabilities {
    add: Option<Vec<String>>,
    drop: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Secret {
    name: String,
    pub(super) value_from: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Dependency {
    container_name: String,
    condition: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Ulimit {
    name: String,
    soft_limit: u64,
    hard_limit: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct LogConfiguration {
    pub(super) log_driver: String,
    #[serde(default)]
    pub(super) options: BTreeMap<String, String>,
    #[serde(default)]
    secret_options: Vec<Secret>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct HealthCheck {
    command: Vec<String>,
    #[serde(default = "thirty")]
    interval: u32,
    #[serde(default = "five")]
    timeout: u32,
    #[serde(default = "three")]
    retries: u32,
    start_period: Option<u32>,
}

fn thirty() -> u32 {
    30
}

fn five() -> u32 {
    5
}

fn three() -> u32 {
    3
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SystemControl {
    namespace: Option<String>,
    value: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Firelens {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    options: BTreeMap<String, String>,
}

/// Checks all containers of a task definition, and completes what was left open.
pub(super) fn check(
    containers: &mut [Container],
    volumes: &BTreeSet<&str>,
    size: Size,
    has_execution_role: bool,
) -> Result<(), Refusal> {
    check_names(containers)?;
    if !containers.iter().any(|container| container.essential) {
        return Err(client("At least one container must be marked as essential."));
    }
    check_room(containers, size)?;
    check_dependencies(containers)?;
    for container in containers {
        container.check_limits()?;
        container.check_ports()?;
        container.check_linux()?;
        container.check_mounts(volumes)?;
        container.check_health()?;
        container.check_logs()?;
        container.check_secrets()?;
        container.check_role(has_execution_role)?;
    }
    Ok(())
}

/// ECS API Reference, ContainerDefinition, `name` and `image`.
fn check_names(containers: &[Container]) -> Result<(), Refusal> {
    let mut names = BTreeSet::new();
    for Container { name, image, .. } in containers {
        ensure(super::is_name(name), || client(format!("Invalid container name {name}.")))?;
        if image.is_empty() || image.contains(char::is_whitespace) {
            return Err(client(format!("Container.image of {name} is not an image.")));
        }
        ensure(names.insert(name), || client(format!("The container name {name} is used more than once.")))?;
    }
    match containers.len() {
        1..=10 => Ok(()),
        // ECS Developer Guide, "Amazon ECS service quotas": 10 container definitions.
        _ => Err(client("A task definition has 1 to 10 containers.")),
    }
}

/// ECS API Reference, ContainerDefinition, `cpu` and `memory`: together not more than the task has.
fn check_room(containers: &[Container], size: Size) -> Result<(), Refusal> {
    if containers.iter().map(|container| container.cpu).sum::<u32>() > size.cpu {
        return Err(client("The containers reserve more CPU than the task has."));
    }
    for Container { name, memory, memory_reservation, .. } in containers {
        if memory.is_some_and(|memory| memory > size.memory) {
            let message =
                format!("Invalid setting for container '{name}'. 'memory' is more than the task has.");
            return Err(client(message));
        }
        if let (Some(memory), Some(reserved)) = (memory, memory_reservation)
            && reserved > memory
        {
            let message =
                format!("Invalid setting for container '{name}'. 'memoryReservation' is above 'memory'.");
            return Err(client(message));
        }
    }
    let reserved =
        containers.iter().map(|container| container.memory_reservation.or(container.memory).unwrap_or(0));
    refuse_if(reserved.sum::<u32>() > size.memory, || {
        client("The containers reserve more memory than the task has.")
    })
}

/// ECS API Reference, ContainerDependency: known containers, no cycles, `COMPLETE` and `SUCCESS` not of an essential
/// container, `HEALTHY` only of one with a health check.
fn check_dependencies(containers: &[Container]) -> Result<(), Refusal> {
    let find = |name: &str| containers.iter().find(|container| container.name == name);
    for container in containers {
        for Dependency { container_name, condition } in container.depends_on.iter().flatten() {
            let name = &container.name;
            let Some(other) = find(container_name) else {
                return Err(client(format!(
                    "{name} depends on {container_name}, which is not in the task definition."
                )));
            };
            if matches!(condition.as_str(), "COMPLETE" | "SUCCESS") && other.essential {
                let message = format!("{name} waits for the end of {container_name}, which is essential.");
                return Err(client(message));
            }
            if condition == "HEALTHY" && other.health_check.is_none() {
                let message =
                    format!("{name} waits for the health of {container_name}, which has no health check.");
                return Err(client(message));
            }
        }
    }
    // Containers that wait for nobody start; whoever waits for them can follow. If somebody is left, there is a cycle.
    let mut started = BTreeSet::new();
    loop {
        let ready = |container: &&Container| {
            let mut waits = container.depends_on.iter().flatten();
            !started.contains(&container.name)
                && waits.all(|dependency| started.contains(&dependency.container_name))
        };
        let next: Vec<String> =
            containers.iter().filter(ready).map(|container| container.name.clone()).collect();
        if next.is_empty() {
            break;
        }
        started.extend(next);
    }
    ensure(started.len() == containers.len(), || {
        client("There is a cycle in the dependencies of the containers.")
    })
}

impl Container {
    /// What Fargate does not have (ECS Developer Guide, "Amazon ECS task definition differences for Fargate"), and limits
    /// of times and numbers.
    fn check_limits(&self) -> Result<(), Refusal> {
        let name = &self.name;
        if self.privileged == Some(true) {
            return Err(client("Fargate does not support privileged containers."));
        }
        // ECS API Reference, ContainerDefinition, `startTimeout` and `stopTimeout`: 120 s at most on Fargate.
        for (what, seconds) in [("startTimeout", self.start_timeout), ("stopTimeout", self.stop_timeout)] {
            if seconds.is_some_and(|seconds| seconds > 120) {
                return Err(client(format!("{what} of container {name} is more than 120 seconds.")));
            }
        }
        if let Some(limit) = self.ulimits.iter().flatten().find(|limit| limit.soft_limit > limit.hard_limit) {
            return Err(client(format!(
                "The soft limit {} of container {name} is above the hard one.",
                limit.name
            )));
        }
        Ok(())
    }

    /// ECS API Reference, PortMapping: in `awsvpc` mode the host port is the container port, and a port is mapped once.
    fn check_ports(&mut self) -> Result<(), Refusal> {
        let mut seen = BTreeSet::new();
        for PortMapping { container_port, host_port, protocol, .. } in &mut self.port_mappings {
            refuse_if(*container_port == 0, || client("A container port is 1 to 65535."))?;
            if host_port.unwrap_or(*container_port) != *container_port {
                return Err(client(
                    "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
                ));
            }
            if !seen.insert((*container_port, protocol.clone())) {
                return Err(client(format!("The port {container_port} of {} is mapped twice.", self.name)));
            }
            *host_port = Some(*container_port);
        }
        Ok(())
    }

    /// ECS API Reference, KernelCapabilities and LinuxParameters: what Fargate has of them.
    fn check_linux(&self) -> Result<(), Refusal> {
        let Some(linux) = &self.linux_parameters else { return Ok(()) };
        let absent = [
            ("devices", linux.devices.is_some()),
            ("sharedMemorySize", linux.shared_memory_size.is_some()),
            ("tmpfs", linux.tmpfs.is_some()),
            ("maxSwap", linux.max_swap.is_some()),
            ("swappiness", linux.swappiness.is_some()),
        ];
        if let Some((name, _)) = absent.iter().find(|(_, is_given)| *is_given) {
            return Err(client(format!("The '{name}' parameter is not supported on Fargate.")));
        }
        let Some(Capabilities { add, drop }) = &linux.capabilities else { return Ok(()) };
        if let Some(name) = add.iter().flatten().find(|name| *name != "SYS_PTRACE") {
            return Err(client(format!("The capability {name} cannot be added on Fargate.")));
        }
        match drop.iter().flatten().find(|name| !CAPABILITIES.contains(&name.as_str())) {
            Some(name) => Err(client(format!("There is no capability {name} to drop."))),
            None => Ok(()),
        }
    }

    /// ECS API Reference, MountPoint: of volumes of the task definition.
    fn check_mounts(&self, volumes: &BTreeSet<&str>) -> Result<(), Refusal> {
        for MountPoint { source_volume, container_path, .. } in &self.mount_points {
            let volume = source_volume.as_deref().unwrap_or_default();
            ensure(volumes.contains(volume), || client(format!("Unknown volume '{volume}'.")))?;
            if container_path.as_deref().is_none_or(str::is_empty) {
                return Err(client(format!("The mount point of volume '{volume}' has no container path.")));
            }
        }
        Ok(())
    }

    /// ECS API Reference, HealthCheck.
    fn check_health(&self) -> Result<(), Refusal> {
        let Some(HealthCheck { command, interval, timeout, retries, start_period }) = &self.health_check
        else {
            return Ok(());
        };
        let is_command = match command.first().map(String::as_str) {
            Some("CMD" | "CMD-SHELL") => command.len() > 1,
            Some("NONE") => true,
            _ => false,
        };
        let is_fine = is_command
            && (5..=300).contains(interval)
            && (2..=120).contains(timeout)
            && (1..=10).contains(retries)
            && start_period.is_none_or(|seconds| seconds <= 300);
        ensure(is_fine, || client(format!("The health check of container {} is out of range.", self.name)))
    }

    /// ECS API Reference, LogConfiguration; ECS Developer Guide, "Send Amazon ECS logs to CloudWatch".
    fn check_logs(&self) -> Result<(), Refusal> {
        let Some(LogConfiguration { log_driver, options, secret_options }) = &self.log_configuration else {
            return Ok(());
        };
        secret_options.iter().try_for_each(Secret::check)?;
        match log_driver.as_str() {
            "awslogs" => {}
            "splunk" | "awsfirelens" => return Ok(()),
            other => return Err(client(format!("The log driver {other} is not supported on Fargate."))),
        }
        let needed = ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"];
        if let Some(name) = needed.iter().find(|name| !options.contains_key(**name)) {
            return Err(client(format!("Log driver awslogs requires options: {name}.")));
        }
        match options.keys().find(|name| !AWSLOGS_OPTIONS.contains(&name.as_str())) {
            Some(name) => Err(client(format!("Log driver awslogs disallows options: {name}."))),
            None => Ok(()),
        }
    }

    fn check_secrets(&self) -> Result<(), Refusal> {
        self.secrets.iter().flatten().try_for_each(Secret::check)?;
        let mut names = BTreeSet::new();
        let given = self.environment.iter().map(|pair| &pair.name);
        let mut all = given.chain(self.secrets.iter().flatten().map(|secret| &secret.name));
        match all.find(|name| !names.insert(*name)) {
            Some(name) => {
                Err(client(format!("The name {name} is used for more than one variable or secret.")))
            }
            None => Ok(()),
        }
    }

    /// ECS Developer Guide, "Amazon ECS task execution IAM role": what the agent of Fargate does with the role.
    fn check_role(&self, has_execution_role: bool) -> Result<(), Refusal> {
        if has_execution_role {
            return Ok(());
        }
        let is_logged = self.log_configuration.as_ref().is_some_and(|logs| logs.log_driver == "awslogs");
        let needs = [
            (is_private_registry(&self.image), "ECR images"),
            (is_logged, "log driver awslogs"),
            (self.secrets.is_some() || self.repository_credentials.is_some(), "container secrets"),
        ];
        match needs.iter().find(|(is_needed, _)| *is_needed) {
            Some((_, what)) => {
                let message =
                    format!("Fargate requires task definition to have execution role ARN to support {what}.");
                Err(client(message))
            }
            None => Ok(()),
        }
    }

    /// The log group that must be there before the task starts, and its region.
    pub(super) fn needed_log_group(&self) -> Option<(&str, &str)> {
        let options = &self.log_configuration.as_ref().filter(|logs| logs.log_driver == "awslogs")?.options;
        let makes = options.get("awslogs-create-group").is_some_and(|text| text == "true");
        let group = options.get("awslogs-group").filter(|_| !makes)?;
        Some((options.get("awslogs-region")?, group))
    }

    /// The region of CloudWatch Logs that its log driver writes to, if it does.
    pub(super) fn log_region(&self) -> Option<&str> {
        let logs = self.log_configuration.as_ref().filter(|logs| logs.log_driver == "awslogs")?;
        logs.options.get("awslogs-region").map(String::as_str)
    }

    /// How long a health check that never succeeds takes to say so, if there is one.
    pub(super) fn seconds_until_unhealthy(&self) -> Option<u32> {
        let HealthCheck { interval, retries, start_period, .. } = self.health_check.as_ref()?;
        Some(interval.saturating_mul(*retries).saturating_add(start_period.unwrap_or_default()))
    }

    pub(super) fn has_port(&self, port: u16) -> bool {
        self.port_mappings.iter().any(|mapping| mapping.container_port == port)
    }
}

/// ECS Developer Guide, "Example Amazon ECS task definition: Route logs to CloudWatch", options of `awslogs`.
const AWSLOGS_OPTIONS: [&str; 8] = [
    "awslogs-create-group",
    "awslogs-datetime-format",
    "awslogs-group",
    "awslogs-multiline-pattern",
    "awslogs-region",
    "awslogs-stream-prefix",
    "max-buffer-size",
    "mode",
];

/// ECS API Reference, KernelCapabilities, `drop`.
const CAPABILITIES: [&str; 38] = [
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "SYSLOG",
    "WAKE_ALARM",
];

impl Secret {
    /// ECS Developer Guide, "Pass Secrets Manager secrets through Amazon ECS environment variables":
    /// `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME` and, together, `:JSON-KEY:VERSION-STAGE:VERSION-ID`; of
    /// Systems Manager, the ARN or the name of a parameter.
    fn check(&self) -> Result<(), Refusal> {
        let Secret { name, value_from } = self;
        let parts: Vec<&str> = value_from.split(':').collect();
        let is_fine = match parts.as_slice() {
            ["arn", _, "secretsmanager", region, account, "secret", secret, rest @ ..] => {
                let is_whole = !region.is_empty() && account.len() == 12 && !secret.is_empty();
                // A stage and an id of a version exclude each other.
                let is_version = rest.len() != 3 || rest[1].is_empty() || rest[2].is_empty();
                is_whole && matches!(rest.len(), 0 | 3) && is_version
            }
            ["arn", _, "ssm", _, _, resource] => resource.starts_with("parameter/"),
            [parameter] => !parameter.is_empty() && !parameter.contains(char::is_whitespace),
            _ => false,
        };
        ensure(is_fine, || client(format!("The secret {name} has an invalid valueFrom: {value_from}.")))
    }

    /// The ARN of the secret of Secrets Manager, without what may follow it.
    pub(super) fn secret_arn(&self) -> Option<String> {
        let parts: Vec<&str> = self.value_from.split(':').collect();
        (parts.len() >= 7 && parts[2] == "secretsmanager").then(|| parts[..7].join(":"))
    }
}
