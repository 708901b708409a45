//! What the tier can be told.

use std::collections::BTreeMap;

use aws::resources::RetentionDays;
use aws::{KeyArn, Place};
use engine::{DeclareError, Input};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::containers;
use crate::fargate;
use crate::image::Image;

/// What the tier can be told. The default is the reference service, and everything has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Args {
    /// The environment, part of every name.
    #[serde(skip)]
    pub environment: String,
    /// The image that the application runs: `@sha256:…` or `:tag` in the tier's own repository, or the whole name of
    /// one elsewhere. Without it no task runs. A digest says exactly what runs; tags of the repository cannot be
    /// moved either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// CPU of a task, in units of which 1024 are one vCPU.
    #[schemars(extend("enum" = [256, 512, 1024, 2048, 4096, 8192, 16384]))]
    pub cpu: u32,
    /// Memory of a task, in MiB.
    #[schemars(range(min = 512, max = 122_880))]
    pub memory: u32,
    /// The processor for which the image is built.
    pub architecture: Architecture,
    /// How many tasks there always are.
    #[schemars(range(min = 1, max = 5000))]
    pub desired_min: u32,
    /// How many tasks there are under the highest load.
    #[schemars(range(min = 1, max = 5000))]
    pub desired_max: u32,
    /// The average CPU load at which the number of tasks is right, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub cpu_target: u32,
    /// The average use of memory at which the number of tasks is right, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub memory_target: u32,
    /// How long after adding tasks more may be added, in seconds.
    pub scale_out_cooldown: u32,
    /// How long after taking tasks away more may be taken, in seconds.
    pub scale_in_cooldown: u32,
    /// The port on which the application answers requests, and the load balancer's health check.
    #[schemars(range(min = 1, max = 65535))]
    pub container_port: u16,
    /// The user and group that the application runs as: names that the image knows, or numbers from 0 to 2147483647. What it
    /// writes into `/tmp` needs `VOLUME /tmp` in the image, with rights for this user: an empty volume of Fargate belongs to root.
    pub user: String,
    /// Environment variables of the application, beside those that the tier gives it: `PORT`, `AWS_REGION`, with a
    /// database `DB_HOST`, `DB_READER_HOST`, `DB_PORT`, `DB_NAME`, `DB_USERNAME`, `DB_AUTHENTICATION` and `DB_CA_BUNDLE`, with the
    /// master user's secret also `DB_SECRET_ARN` and `DB_PASSWORD`, and with tracing where traces go. No secrets: they can be read
    /// with the task definition.
    pub environment_variables: BTreeMap<String, String>,
    /// How ECS itself checks that the application is well, by a command in its container. The load balancer checks it in
    /// any case; an image without a shell has nothing that could run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// For how long after its start a task may fail health checks, in seconds.
    pub health_check_grace_period_seconds: u32,
    /// What takes traces to X-Ray.
    pub tracing: Tracing,
    /// The image of the tracing container, of the same kind as `image`: default AWS's own in public ECR. A network without a way
    /// to the internet needs a copy in ECR.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracing_image: Option<String>,
    /// The user, and group, that the tracing container runs as (Security Hub ECS.20). Default: the user of its image, `aoc` or
    /// `xray`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracing_user: Option<String>,
    /// As whom tasks log in to the database.
    pub database_credentials: DatabaseCredentials,
    /// Where in the image the certificates are that the database's is checked with: the bundle of all regions that RDS offers. The
    /// application gets the path as `DB_CA_BUNDLE`; nobody puts the file there but the image. Empty leaves the variable out.
    #[schemars(regex(pattern = r"^(/\S+)?$"))]
    pub database_ca_bundle: String,
    /// For how many minutes the tasks before a deployment stay, so that going back to them takes no time: 0 to 1440.
    #[schemars(range(max = 1440))]
    pub bake_time_minutes: u32,
    /// How long logs are kept, in days: one of the periods that CloudWatch Logs knows. The default is the reference's
    /// seven years.
    #[schemars(with = "RetentionDays")]
    pub log_retention_in_days: u32,
    /// Whether one can run commands in containers (`aws ecs execute-command`). Its agent needs a file system that it can
    /// write to, so the application's is not read-only then.
    pub execute_command: bool,
    /// The repository of images.
    pub repository: Repository,
    /// Container Insights: `enhanced`, `enabled` or `disabled` (Security Hub ECS.12). `enhanced` measures tasks too.
    #[schemars(extend("enum" = ["enhanced", "enabled", "disabled"]))]
    pub insights: String,
    /// Whether log groups, and the logs in them, stay when the stack is destroyed.
    #[serde(skip)]
    pub keep_logs: bool,
    /// The KMS key that encrypts log groups, such as that of the logs tier; a key of CloudWatch Logs where it is not given.
    #[serde(skip)]
    pub log_key: Option<Input<KeyArn>>,
    /// Tags for everything that can have tags; `Name` is added.
    #[serde(skip)]
    pub tags: BTreeMap<String, String>,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            environment: "dev".to_owned(),
            image: None,
            cpu: 512,
            memory: 1024,
            architecture: Architecture::default(),
            desired_min: 2,
            desired_max: 10,
            cpu_target: 70,
            memory_target: 80,
            scale_out_cooldown: 60,
            scale_in_cooldown: 300,
            container_port: 8080,
            user: "10001:10001".to_owned(),
            environment_variables: BTreeMap::new(),
            health_check: None,
            health_check_grace_period_seconds: 60,
            tracing: Tracing::default(),
            tracing_image: None,
            tracing_user: None,
            database_credentials: DatabaseCredentials::default(),
            database_ca_bundle: "/etc/ssl/rds/global-bundle.pem".to_owned(),
            bake_time_minutes: 10,
            log_retention_in_days: 2557,
            execute_command: false,
            repository: Repository::default(),
            insights: "enhanced".to_owned(),
            keep_logs: false,
            log_key: None,
            tags: BTreeMap::new(),
        }
    }
}

/// The processor that tasks run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Architecture {
    /// Intel or AMD.
    #[default]
    #[serde(rename = "X86_64", alias = "x86_64")]
    X8664,
    /// Graviton, which costs a fifth less.
    #[serde(rename = "ARM64", alias = "arm64")]
    Arm64,
}

impl Architecture {
    /// As ECS spells it.
    /// As ECS spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Architecture::X8664 => "X86_64",
            Architecture::Arm64 => "ARM64",
        }
    }

    /// As `docker build --platform` spells it.
    pub(crate) fn platform(self) -> &'static str {
        match self {
            Architecture::X8664 => "linux/amd64",
            Architecture::Arm64 => "linux/arm64",
        }
    }
}

/// As whom tasks log in to the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseCredentials {
    /// As the application's user, with a token of IAM instead of a password.
    #[default]
    Iam,
    /// As the master user, with the password that RDS rotates: for an application that knows nothing else yet.
    MasterSecret,
}

impl DatabaseCredentials {
    /// As the configuration spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            DatabaseCredentials::Iam => "iam",
            DatabaseCredentials::MasterSecret => "master_secret",
        }
    }
}

/// What takes traces to X-Ray: a container beside the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tracing {
    /// The collector of the AWS Distro for OpenTelemetry: OTLP on ports 4317 and 4318, and what X-Ray's SDKs send.
    #[default]
    Adot,
    /// The X-Ray daemon, as in the reference document. AWS ends its support on 2027-02-25.
    XrayDaemon,
    /// Nothing.
    None,
}

impl Tracing {
    /// Ports of the container beside the application. Containers of a task share their ports.
    fn ports(self) -> &'static [u16] {
        match self {
            Tracing::Adot => &[2000, 4317, 4318, 13_133],
            Tracing::XrayDaemon => &[2000],
            Tracing::None => &[],
        }
    }
}

/// How ECS checks that the application is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// `CMD` and the words of a command, or `CMD-SHELL` and one text for the container's shell.
    pub command: Vec<String>,
    /// Seconds between checks: 5 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 5, max = 300))]
    pub interval: u32,
    /// After how many seconds without an end a check has failed: 2 to 120.
    #[serde(default = "five")]
    #[schemars(range(min = 2, max = 120))]
    pub timeout: u32,
    /// How many checks in a row must fail: 1 to 10.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 10))]
    pub retries: u32,
    /// For how many seconds after the start failures do not count: 0 to 300.
    #[serde(default = "sixty")]
    #[schemars(range(max = 300))]
    pub start_period: u32,
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

fn sixty() -> u32 {
    60
}

/// The repository of images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Repository {
    /// How images are encrypted. Another way needs another repository, and the images are lost.
    pub encryption: Encryption,
    /// The KMS key, with the encryption `KMS`; a key of AWS's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub kms_key_arn: Option<KeyArn>,
    /// How many images are kept; older ones are deleted.
    #[schemars(range(min = 1, max = 10_000))]
    pub keep_images: u32,
    /// Whether images are deleted with the repository. Otherwise one with images in it cannot be deleted.
    pub delete_images: bool,
}

impl Default for Repository {
    fn default() -> Self {
        Self { encryption: Encryption::default(), kms_key_arn: None, keep_images: 30, delete_images: true }
    }
}

/// How images are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Encryption {
    /// With keys of S3's.
    #[default]
    #[serde(rename = "AES256")]
    Aes256,
    /// With a key of KMS.
    #[serde(rename = "KMS")]
    Kms,
}

impl Encryption {
    /// As ECR spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Encryption::Aes256 => "AES256",
            Encryption::Kms => "KMS",
        }
    }
}

impl Args {
    /// What can be said to be wrong before any call.
    pub(crate) fn check(&self, place: &Place) -> Result<(), DeclareError> {
        fargate::check(self.cpu, self.memory)?;
        // ECS Developer Guide, "Amazon ECS service quotas": 5000 tasks of a service.
        DeclareError::within("desired_min", self.desired_min, 1..=5000, "")?;
        DeclareError::within("desired_max", self.desired_max, 1..=5000, "")?;
        if self.desired_max < self.desired_min {
            let reason = format!("{} is less than desired_min, {}", self.desired_max, self.desired_min);
            return Err(DeclareError::argument("desired_max", reason, "use at least desired_min"));
        }
        DeclareError::within("cpu_target", self.cpu_target, 1..=100, "")?;
        DeclareError::within("memory_target", self.memory_target, 1..=100, "")?;
        // ECS API Reference, DeploymentConfiguration: a day.
        DeclareError::within("bake_time_minutes", self.bake_time_minutes, 0..=1440, "")?;
        for (argument, seconds) in [
            ("scale_out_cooldown", self.scale_out_cooldown),
            ("scale_in_cooldown", self.scale_in_cooldown),
            // ECS API Reference, CreateService.
            ("health_check_grace_period_seconds", self.health_check_grace_period_seconds),
        ] {
            DeclareError::within(argument, seconds, 0..=2_147_483_647, " seconds")?;
        }
        DeclareError::within("repository.keep_images", self.repository.keep_images, 1..=10_000, "")?;
        if !matches!(self.insights.as_str(), "enhanced" | "enabled" | "disabled") {
            let reason = format!("there is no mode `{}`", self.insights);
            return Err(DeclareError::argument("insights", reason, "use enhanced, enabled or disabled"));
        }
        if self.repository.kms_key_arn.is_some() && self.repository.encryption == Encryption::Aes256 {
            let reason = "AES256 is encryption without a key of KMS";
            return Err(DeclareError::argument(
                "repository.kms_key_arn",
                reason,
                "leave it out, or set encryption to KMS",
            ));
        }
        self.repository.kms_key_arn.as_ref().map_or(Ok(()), |arn| check_key(arn.as_str(), place))?;
        let tracing_user = self.tracing_user.as_ref().map(|user| ("tracing_user", user));
        for (argument, name) in [("user", &self.user)].into_iter().chain(tracing_user) {
            check_user(argument, name)?;
        }
        self.tracing_container()?;
        let bundle = self.database_ca_bundle.as_str();
        if !bundle.is_empty() && (!bundle.starts_with('/') || bundle.contains(char::is_whitespace)) {
            let reason = format!("`{bundle}` is not the path of a file in the image");
            let hint = "an absolute path, such as /etc/ssl/rds/global-bundle.pem, or nothing";
            return Err(DeclareError::argument("database_ca_bundle", reason, hint));
        }
        self.check_port()?;
        self.check_variables()?;
        self.health_check.as_ref().map_or(Ok(()), HealthCheck::check)
    }

    fn check_port(&self) -> Result<(), DeclareError> {
        if self.container_port == 0 {
            return Err(DeclareError::argument(
                "container_port",
                "0 is no port",
                "use 1 to 65535, such as 8080",
            ));
        }
        if self.tracing.ports().contains(&self.container_port) {
            let reason = format!("{} is a port of the tracing container beside it", self.container_port);
            return Err(DeclareError::argument("container_port", reason, "use another port, such as 8080"));
        }
        Ok(())
    }

    fn check_variables(&self) -> Result<(), DeclareError> {
        for name in self.environment_variables.keys() {
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(is_word) {
                let reason = format!("`{name}` is not the name of a variable");
                return Err(DeclareError::argument(
                    "environment_variables",
                    reason,
                    "use letters, digits and underscores",
                ));
            }
            // AWS SDKs and Tools Reference Guide, "Standardized credential providers": variables come before the task's role.
            if matches!(name.as_str(), "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" | "AWS_SESSION_TOKEN") {
                return Err(DeclareError::argument(
                    format!("environment_variables.{name}"),
                    "it would take the place of the task's role, and everybody who sees the task definition could read it",
                    "leave it out: the application has the credentials of the task's role",
                ));
            }
        }
        for (name, value) in &self.environment_variables {
            if let Some(what) = secrets::of(name, value) {
                return Err(DeclareError::argument(
                    format!("environment_variables.{name}"),
                    format!(
                        "its value is or has {what}, which everybody who sees the configuration, the state or the task definition \
                         could read"
                    ),
                    "take it out and keep it in Secrets Manager. The stack's own database needs none: the application gets DB_HOST \
                     and the like, and logs in with a token of IAM; or, with database_credentials = \"master_secret\", ECS hands it \
                     DB_PASSWORD from the secret",
                ));
            }
        }
        Ok(())
    }

    /// The image, if there is one.
    pub(crate) fn parsed_image(&self) -> Result<Option<Image>, DeclareError> {
        self.image.as_deref().map(|image| Image::parse("image", image)).transpose()
    }

    /// The image of the container beside the application, if there is one.
    pub(crate) fn tracing_container(&self) -> Result<Option<Image>, DeclareError> {
        let Some(own) = containers::tracing_image(self.tracing) else { return Ok(None) };
        let name = self.tracing_image.as_deref().unwrap_or(own);
        Image::parse("tracing_image", name).map(Some)
    }

    pub(crate) fn retention(&self) -> Result<RetentionDays, DeclareError> {
        RetentionDays::argument("log_retention_in_days", self.log_retention_in_days)
    }
}

/// The largest number of a user or a group. runc and containerd refuse others when a container starts ("uids and gids must be in
/// range 0-2147483647").
const LARGEST_ID: u64 = 2_147_483_647;

/// ECS API Reference, ContainerDefinition, `user`: a user or its number, and a group or its number. What looks like a number is one:
/// with a sign, it is the number that the runtime refuses, and no name.
fn check_user(argument: &str, user: &str) -> Result<(), DeclareError> {
    let parts: Vec<&str> = user.split(':').collect();
    let is_part = |part: &&str| !part.is_empty() && !part.contains(char::is_whitespace);
    if parts.len() > 2 || !parts.iter().all(is_part) {
        let reason = format!("`{user}` is not a user, nor a user and a group");
        return Err(DeclareError::argument(argument, reason, "write it like 10001:10001, without spaces"));
    }
    for part in parts {
        let digits = part.trim_start_matches(['+', '-']);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let has_sign = digits.len() < part.len();
        let fits = digits.parse().is_ok_and(|number: u64| number <= LARGEST_ID);
        if has_sign || (is_number && !fits) {
            let reason = format!("`{part}` is not the number of a user or a group, nor a name");
            let hint =
                format!("use a number from 0 to {LARGEST_ID}, such as 10001, or a name that the image knows");
            return Err(DeclareError::argument(argument, reason, hint));
        }
    }
    Ok(())
}

/// ECR API Reference, EncryptionConfiguration: a key of the repository's region. ECR shows the key's own ARN, whatever it was told.
fn check_key(arn: &str, place: &Place) -> Result<(), DeclareError> {
    let refused = |reason: String| {
        let example = format!(
            "give the ARN of a key of this region, such as {}",
            place.arn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")
        );
        Err(DeclareError::argument("repository.kms_key_arn", reason, example))
    };
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &["arn", partition, "kms", region, account, resource] = parts.as_slice() else {
        return refused(format!("`{arn}` is not the ARN of a KMS key"));
    };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    if !is_account || resource.strip_prefix("key/").is_none_or(str::is_empty) {
        return refused(format!("`{arn}` is not the ARN of a KMS key"));
    }
    if (partition, region) != (place.partition.as_str(), place.region.as_str()) {
        return refused(format!(
            "the key is in {region} ({partition}) and the repository in {} ({})",
            place.region, place.partition
        ));
    }
    Ok(())
}

impl HealthCheck {
    /// ECS API Reference, HealthCheck.
    fn check(&self) -> Result<(), DeclareError> {
        let is_command = matches!(self.command.first().map(String::as_str), Some("CMD" | "CMD-SHELL"));
        if !is_command || self.command.len() < 2 {
            let reason = format!("{:?} is not a command", self.command);
            let hint = r#"write it like ["CMD", "/app/healthy"], or ["CMD-SHELL", "curl -f http://localhost:8080/health"]"#;
            return Err(DeclareError::argument("health_check.command", reason, hint));
        }
        DeclareError::within("health_check.interval", self.interval, 5..=300, "")?;
        DeclareError::within("health_check.timeout", self.timeout, 2..=120, "")?;
        DeclareError::within("health_check.retries", self.retries, 1..=10, "")?;
        DeclareError::within("health_check.start_period", self.start_period, 0..=300, "")
    }
}
