//! The tier itself: a key and its alias.

use std::collections::BTreeMap;

use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::{Alias, Key};
use aws::{DeletionPolicy, KeyArn, Names, Place};
use engine::{Component, DeclareError, Declared, Scope, Stage};
use serde::{Deserialize, Serialize};

/// For how many days a deleted key can be restored: as long as KMS allows, since without it the logs cannot be read.
const KEY_WINDOW: u32 = 30;

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    /// The name of the environment, part of every name.
    pub environment: String,
    /// Whether log groups, and the logs in them, stay when the stack is destroyed: then the key stays too.
    pub keep_logs: bool,
    /// Tags for everything that can have tags; `Name` and `Tier` are added.
    pub tags: BTreeMap<String, String>,
}

impl Default for Args {
    fn default() -> Self {
        Self { environment: "dev".to_owned(), keep_logs: false, tags: BTreeMap::new() }
    }
}

/// What the tier needs to know of the place that it is made in. It needs nothing of other tiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Where it is made.
    pub place: Place,
}

/// What the tiers after it can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Outputs<S: Stage> {
    /// The key that encrypts the log groups of all tiers.
    pub log_key_arn: S::Of<KeyArn>,
}

engine::tier! {
    /// The logs tier.
    pub struct Tier(Args);
}

impl Component for Tier {
    const NAME: &'static str = "logs";
    type Inputs = Inputs;
    type Outputs<S: Stage> = Outputs<S>;

    fn declare(&self, scope: &mut Scope, inputs: &Inputs) -> Result<Outputs<Declared>, DeclareError> {
        let names = Names::new(&self.args.environment, &self.args.tags)?;
        let key = Key {
            description: "Encrypts the logs of the payment stack".to_owned(),
            enabled: true,
            deletion_date: None,
            enable_key_rotation: true,
            rotation_period_in_days: None,
            key_policy: key_policy(&inputs.place, names.environment()),
            pending_window_in_days: KEY_WINDOW,
            // Logs that stay can be read only while their key is there.
            deletion_policy: DeletionPolicy::retain_if(self.args.keep_logs),
            tags: names.tags("logs-key"),
        };
        let key = scope.add("key", key)?;
        let alias =
            Alias { alias_name: format!("alias/{}", names.name("logs")).into(), target_key_id: key.key_id };
        scope.add("key-alias", alias)?;
        Ok(Outputs { log_key_arn: key.arn })
    }
}

/// IAM policies of the account decide who manages the key; CloudWatch Logs uses it for the environment's log groups.
fn key_policy(place: &Place, environment: &str) -> PolicyDocument {
    let Place { region, account_id, partition } = place;
    let root = format!("arn:{partition}:iam::{account_id}:root");
    // In China the principals of regional services end like the names of their endpoints.
    let suffix = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    let groups = log_groups(environment).map(|name| place.arn("logs", &format!("log-group:{name}")).into());
    let logs = Principal::Service(format!("logs.{region}.{suffix}"));
    PolicyDocument::new([
        Statement::allow(["kms:*"])
            .sid("Account")
            .principal(Principal::Aws(root.into()))
            .resources(["*".into()]),
        Statement::allow(["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*"])
            .sid("Logs")
            .principal(logs.clone())
            .resources(["*".into()])
            .when("ArnLike", "kms:EncryptionContext:aws:logs:arn", groups),
        // Describing a key has no encryption context, so under that condition it would be refused.
        Statement::allow(["kms:DescribeKey"]).sid("DescribeForLogs").principal(logs).resources(["*".into()]),
    ])
}

/// Patterns of the names of the environment's log groups. Their exact names are not known here: that of API Gateway's
/// execution logs has the API's id in it.
fn log_groups(environment: &str) -> [String; 3] {
    let prefix = aws::NAME_PREFIX;
    [
        // `/ecs/payment-app-dev`, `aws-waf-logs-payment-alb-dev`
        format!("*{prefix}*-{environment}"),
        // `/aws/rds/cluster/payment-cluster-dev/postgresql`
        format!("*{prefix}*-{environment}/*"),
        format!("API-Gateway-Execution-Logs_*/{environment}"),
    ]
}
