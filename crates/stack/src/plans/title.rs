//! What a plan or a run is about: which stack, where, as whom, and by which program.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cli::Target;
use crate::run::Work;
use crate::target::Cloud;

/// What a plan or a run is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Title {
    /// The project.
    pub(crate) project: String,
    /// The environment.
    pub(crate) environment: String,
    /// `embedded` or `aws`.
    pub(crate) target: String,
    /// The AWS region.
    pub(crate) region: String,
    /// The AWS account; `null` before anybody has asked for it.
    pub(crate) account: Option<String>,
    /// The alias of the account; `null` where it has none, the identity may not ask, and on the embedded AWS.
    pub(crate) account_alias: Option<String>,
    /// The ARN of the caller; `null` on the embedded AWS.
    pub(crate) caller: Option<String>,
    /// The endpoint that is used instead of AWS's own; `null` where none is.
    pub(crate) endpoint: Option<String>,
    /// The program.
    pub(crate) program: String,
    /// Its version.
    pub(crate) version: String,
}

impl Title {
    /// What is known before anything is called.
    pub(crate) fn expected(work: &Work) -> Self {
        let config = &work.loaded.config;
        Self {
            project: config.project.clone(),
            environment: work.environment.as_str().to_owned(),
            target: work.options.target.name().to_owned(),
            region: config.region.clone(),
            account: None,
            account_alias: None,
            caller: None,
            endpoint: None,
            program: work.program.name().to_owned(),
            version: work.program.version().to_owned(),
        }
    }

    /// The same with what the target has answered.
    pub(crate) fn connected(self, cloud: &Cloud) -> Self {
        let is_real = self.target == Target::Aws.name();
        Self {
            region: cloud.context.region().to_owned(),
            account: Some(cloud.context.account_id().to_owned()),
            account_alias: cloud.account_alias.clone(),
            caller: cloud.context.caller_arn().filter(|_| is_real).map(str::to_owned),
            endpoint: cloud.endpoint_url.clone(),
            ..self
        }
    }

    /// What somebody who is asked says yes to: of real AWS, also which account it is.
    pub(crate) fn asked_about(&self) -> String {
        let place = match (self.target == Target::Aws.name(), &self.account, &self.account_alias) {
            (true, Some(account), Some(alias)) => format!("account {account} ({alias})"),
            (true, Some(account), None) => format!("account {account}"),
            _ => self.target.clone(),
        };
        format!("{} {} ({place}, {})", self.project, self.environment, self.region)
    }
}
