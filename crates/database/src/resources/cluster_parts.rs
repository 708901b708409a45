//! What the properties of a cluster are made of.

use aws::{KeyArn, number};
use aws_sdk_rds::types::ServerlessV2ScalingConfiguration;
use engine::{Declared, Stage};
use serde::{Deserialize, Serialize};

/// What becomes of the data when the cluster is deleted (CloudFormation's attribute of the same name).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeletionPolicy {
    /// It goes.
    Delete,
    /// A last snapshot is taken, which stays until somebody deletes it.
    Snapshot,
}

/// How large the cluster's instances may become and how small.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServerlessScaling {
    /// In Aurora capacity units of about 2 GiB of memory, in halves: 0 to 256. With 0 the cluster pauses.
    pub min_capacity: f64,
    /// In Aurora capacity units, in halves: 1 to 256.
    pub max_capacity: f64,
    /// After how long without a connection it pauses, in seconds: 300 to 86400. Only with a minimum of 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_until_auto_pause: Option<u32>,
}

impl ServerlessScaling {
    pub(super) fn for_call(self) -> ServerlessV2ScalingConfiguration {
        ServerlessV2ScalingConfiguration::builder()
            .min_capacity(self.min_capacity)
            .max_capacity(self.max_capacity)
            .set_seconds_until_auto_pause(self.seconds_until_auto_pause.map(number))
            .build()
    }
}

/// How RDS keeps the password of the master user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct MasterUserSecret<S: Stage = Declared> {
    /// The key that encrypts the secret.
    pub kms_key_id: S::Of<KeyArn>,
}
