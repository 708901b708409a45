//! Secrets that another service makes and manages, such as the master user's password of an Aurora cluster
//! (Secrets Manager User Guide, "AWS Secrets Manager secrets managed by other AWS services").

use std::collections::BTreeSet;

use serde_json::json;

use super::State;
use super::create::suffix;
use super::secret::{CURRENT, Content, Secret};
use crate::services::{ACCOUNT_ID, Tags};

/// How often a managed secret of RDS changes (Aurora User Guide, "Password management with Amazon Aurora and AWS Secrets
/// Manager").
const ROTATION_DAYS: i64 = 7;

const DAY_SECONDS: f64 = 86_400.0;

/// What a managed secret is made from.
pub(crate) struct Managed<'a> {
    /// The service, such as `rds`.
    pub(crate) owner: &'a str,
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) kms_key_id: Option<&'a str>,
    /// Whose password it is.
    pub(crate) username: &'a str,
    pub(crate) tags: Tags,
}

impl State {
    /// Makes a secret for a service and gives its ARN. Its value is a name and a password.
    pub(crate) fn create_managed(&mut self, region: &str, now_millis: i64, managed: Managed<'_>) -> String {
        let Managed { owner, name, description, kms_key_id, username, tags } = managed;
        let now = now_millis as f64 / 1000.0;
        let suffix = suffix(&mut self.ids);
        let arn = format!("arn:aws:secretsmanager:{region}:{ACCOUNT_ID}:secret:{name}-{suffix}");
        let mut secret = Secret::new(arn.clone(), name.to_owned(), now);
        secret.description = Some(description.to_owned());
        secret.kms_key_id = kms_key_id.map(str::to_owned);
        secret.owning_service = Some(owner.to_owned());
        secret.tags = tags;
        secret.tags.insert("aws:secretsmanager:owningService".to_owned(), owner.to_owned());
        secret.rotation_enabled = Some(true);
        secret.rotation_rules = Some(json!({"AutomaticallyAfterDays": ROTATION_DAYS}));
        secret.next_rotation_date = Some(now + ROTATION_DAYS as f64 * DAY_SECONDS);
        let version = format!("{:016x}{:016x}", self.ids.number(), self.ids.number());
        let password = format!("{:016x}{:016x}", self.ids.number(), self.ids.number());
        let content = Content::Text(json!({"username": username, "password": password}).to_string());
        secret.add_version(version, content, BTreeSet::from([CURRENT.to_owned()]), now);
        self.secrets.insert(name.to_owned(), secret);
        arn
    }

    /// Removes a secret together with what a service made it for. It does not come back.
    pub(crate) fn delete_managed(&mut self, arn: &str) {
        self.secrets.retain(|_, secret| secret.arn() != arn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::ids::IdSource;
    use crate::services::Api;

    #[test]
    fn a_managed_secret_has_a_value_belongs_to_its_service_and_goes_with_it() {
        let mut state = State::new(IdSource::new(0, "eu-west-1"), "eu-west-1");
        let tags = Tags::from([("aws:rds:primaryDBClusterArn".to_owned(), "arn".to_owned())]);
        let managed = Managed {
            owner: "rds",
            name: "rds!cluster-1",
            description: "d",
            kms_key_id: Some("key"),
            username: "postgres",
            tags,
        };
        let arn = state.create_managed("eu-west-1", 1000, managed);
        assert!(
            arn.starts_with("arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!cluster-1-"),
            "{arn}"
        );
        assert!(state.secret_exists(&arn));
        let secret = state.live(&arn).expect("it is there");
        assert_eq!(secret.check_not_managed().expect_err("it is RDS's").code, "InvalidRequestException");
        assert_eq!(secret.owning_service.as_deref(), Some("rds"));
        assert_eq!(secret.kms_key_id.as_deref(), Some("key"));
        assert_eq!(secret.tags["aws:secretsmanager:owningService"], "rds");
        assert!(secret.version_at(CURRENT).is_some());
        assert!(!format!("{secret:?}").contains("password"));
        assert!(state.objects("eu-west-1").iter().all(|object| object.made_by_default));
        state.delete_managed(&arn);
        assert!(!state.secret_exists(&arn));
    }
}
