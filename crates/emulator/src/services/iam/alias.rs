//! The alias of the account, a name for people.
//!
//! There is one, and a new one takes its place (AWS Sign-In User Guide, "Creating, deleting, and listing an AWS account
//! alias"; so observed on a live account, floci-io/floci#2103). `EntityAlreadyExists` is for a name that is taken, also by
//! the account itself. There is one account here, so no other has taken one.

use serde_json::{Value, json};

use super::{Answer, State, listed, missing};
use crate::services::{Call, Refusal, ensure, refuse_if};

/// The pattern of the API model looks ahead, which `regex` cannot: `^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`. The
/// model's lengths are checked before.
fn check(alias: &str) -> Result<(), Refusal> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_good = alias.bytes().all(allowed)
        && !alias.starts_with('-')
        && !alias.ends_with('-')
        && !alias.contains("--");
    // The message as reported from real AWS (app-sre/qontract-schemas#824).
    ensure(is_good, || {
        Refusal::new(
            "ValidationError",
            "The specified value for accountAlias is invalid. It must be a minimum length of 3 characters and maximum \
             length of 63 characters, contain only digits, lowercase letters, and hyphens (-), but cannot begin or end \
             with a hyphen.",
        )
    })
}

impl State {
    /// IAM API Reference, CreateAccountAlias; the message as reported from real AWS (awslabs/aws-deployment-framework#465).
    pub(super) fn create_account_alias(&mut self, call: &Call) -> Answer {
        let alias: String = call.member("AccountAlias")?;
        check(&alias)?;
        refuse_if(self.alias.as_ref() == Some(&alias), || {
            let message = format!("The account alias {alias} already exists.");
            Refusal::new("EntityAlreadyExists", message).with_status(409)
        })?;
        self.alias = Some(alias);
        Ok(json!({}))
    }

    /// Only the alias that the account has (IAM API Reference, DeleteAccountAlias, `NoSuchEntity`). The message of AWS is
    /// not published.
    pub(super) fn delete_account_alias(&mut self, call: &Call) -> Answer {
        let alias: String = call.member("AccountAlias")?;
        check(&alias)?;
        ensure(self.alias.as_ref() == Some(&alias), || {
            missing(format!("The account alias {alias} cannot be found."))
        })?;
        self.alias = None;
        Ok(json!({}))
    }

    /// A list of one at most (IAM API Reference, ListAccountAliases).
    pub(super) fn list_account_aliases(&self, call: &Call) -> Answer {
        let (max_items, marker): (Option<usize>, Option<String>) = call.members(&["MaxItems", "Marker"])?;
        let aliases = self.alias.iter().map(|alias| Value::from(alias.as_str())).collect();
        listed("AccountAliases", aliases, max_items, marker.as_deref())
    }
}
