//! What the tier can be told: the section `[worker]` of `stack.toml`.

use aws::resources::RetentionDays;
use engine::DeclareError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the tier can be told. Everything has a default; without an image there are only the queues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Args {
    /// The image that tasks run: its whole name, with a tag or a digest. It is in the application's repository or in a public
    /// one. Without it no task runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What tasks run, where that is not what the image says.
    pub command: Vec<String>,
    /// The user, and group, that tasks run as (Security Hub ECS.20).
    pub user: String,
    /// How many tasks there are.
    #[schemars(range(min = 1, max = 100))]
    pub tasks: u32,
    /// How long a task may work on a message, in seconds: 1 to 43200. After that, another one receives it.
    #[schemars(range(min = 1, max = 43_200))]
    pub seconds_per_message: u32,
    /// How often a message is received before it moves to the dead letter queue: 1 to 1000.
    #[schemars(range(min = 1, max = 1000))]
    pub attempts: u32,
    /// How long logs are kept, in days: one of the periods that CloudWatch Logs knows.
    #[schemars(with = "RetentionDays")]
    pub log_retention_in_days: u32,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            image: None,
            command: Vec::new(),
            user: "10001:10001".to_owned(),
            tasks: 2,
            seconds_per_message: 60,
            attempts: 5,
            log_retention_in_days: 2557,
        }
    }
}

impl Args {
    /// What can be said to be wrong before any call. The names in these errors are keys of the section, so that they name the
    /// line of the file.
    pub(crate) fn check(&self) -> Result<(), DeclareError> {
        DeclareError::within("tasks", self.tasks, 1..=100, "")?;
        // SQS API Reference, SetQueueAttributes: VisibilityTimeout, and maxReceiveCount of RedrivePolicy. A time of 0 would hide
        // no message from the other tasks.
        DeclareError::within("seconds_per_message", self.seconds_per_message, 1..=43_200, "")?;
        DeclareError::within("attempts", self.attempts, 1..=1000, "")?;
        self.retention()?;
        match self.image.as_deref() {
            Some(image) if !is_image(image) => {
                let reason = format!("`{image}` is not the whole name of an image with a tag or a digest");
                let hint = "write it like public.ecr.aws/example/worker:1.4";
                Err(DeclareError::argument("image", reason, hint))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn retention(&self) -> Result<RetentionDays, DeclareError> {
        RetentionDays::argument("log_retention_in_days", self.log_retention_in_days)
    }
}

/// `HOST/PATH:TAG` or `HOST/PATH@DIGEST`.
fn is_image(name: &str) -> bool {
    let Some((host, rest)) = name.split_once('/') else { return false };
    let reference = rest.split_once('@').or_else(|| rest.rsplit_once(':'));
    let parts = reference.is_some_and(|(path, reference)| !path.is_empty() && !reference.is_empty());
    !host.is_empty() && parts && name.bytes().all(|byte| byte.is_ascii_graphic())
}
