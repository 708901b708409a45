//! What a role was granted, and by whom: memberships in other roles, and privileges on a database or a schema.
//!
//! As PostgreSQL has it from version 16 on ("GRANT", "REVOKE"; tried on 16.2): a role can be a member of another one by several grants,
//! one of each grantor, and `REVOKE` takes back the one of a single grantor: the role that runs it, unless `GRANTED BY` names another one,
//! whose privileges it must have. A grant of somebody else stays, with no more than a warning, which the Data API does not pass on. The
//! same holds for privileges, where `GRANTED BY` can name nobody else. What a role has granted itself with an option that it loses keeps
//! it from losing that, unless it is to lose all of it (`CASCADE`).
//!
//! Whatever the master user grants, it may: of the roles of RDS, because it is a member of `rds_superuser`; of its own, because it made
//! them; of itself, PostgreSQL lets it since before 16 only.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::sql::{On, error};
use crate::protocol::response::{Refusal, ensure, refuse_if};

/// A role is a member of another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Kept")]
pub(super) struct Membership {
    pub(super) role: String,
    /// `None` for the master user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grantor: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) admin: bool,
}

/// As it is kept: the name of the role alone, where nothing else was known.
#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Name(String),
    #[serde(rename_all = "camelCase")]
    Whole {
        role: String,
        grantor: Option<String>,
        #[serde(default)]
        admin: bool,
    },
}

impl From<Kept> for Membership {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Name(role) => Membership { role, grantor: None, admin: false },
            Kept::Whole { role, grantor, admin } => Membership { role, grantor, admin },
        }
    }
}

impl Membership {
    pub(super) fn is_by(&self, role: &str, grantor: Option<&str>) -> bool {
        self.role == role && self.grantor.as_deref() == grantor
    }
}

/// A privilege of a role, on a database or on a schema in one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Grant {
    pub(super) database: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) schema: Option<String>,
    pub(super) privilege: String,
    pub(super) role: String,
    /// `None` for the master user, who owns the databases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) grantor: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) grantable: bool,
}

impl Grant {
    /// Whether both are the same privilege on the same object, whoever has it.
    pub(super) fn is_of(&self, other: &Grant) -> bool {
        (&self.database, &self.schema, &self.privilege) == (&other.database, &other.schema, &other.privilege)
    }
}

/// Grants a privilege; one that may be passed on already still may.
pub(super) fn grant(grants: &mut BTreeSet<Grant>, mut new: Grant) {
    let with = Grant { grantable: true, ..new.clone() };
    new.grantable |= grants.contains(&with);
    grants.remove(&Grant { grantable: !new.grantable, ..new.clone() });
    grants.insert(new);
}

/// Takes back the privilege that this grantor granted, or only the option of it.
pub(super) fn revoke(
    grants: &mut BTreeSet<Grant>,
    of: &Grant,
    option_only: bool,
    cascade: bool,
) -> Result<(), Refusal> {
    let with = Grant { grantable: true, ..of.clone() };
    let without = Grant { grantable: false, ..of.clone() };
    let was_grantable = grants.remove(&with);
    let was = grants.remove(&without) || was_grantable;
    if option_only && was {
        grants.insert(without);
    }
    let may_still = grants.iter().any(|grant| grant.is_of(of) && grant.role == of.role && grant.grantable);
    if !was_grantable || may_still {
        return Ok(());
    }
    let passed_on = |grant: &&Grant| grant.is_of(of) && grant.grantor.as_deref() == Some(of.role.as_str());
    let passed_on: Vec<Grant> = grants.iter().filter(passed_on).cloned().collect();
    refuse_if(!passed_on.is_empty() && !cascade, dependent)?;
    passed_on.iter().try_for_each(|grant| revoke(grants, grant, false, true))
}

/// What somebody was granted by the one who is to lose that option.
pub(super) fn dependent() -> Refusal {
    error("2BP01", "dependent privileges exist")
}

/// A privilege that such an object has (PostgreSQL, "Privileges").
pub(super) fn known(privilege: String, on: &On) -> Result<String, Refusal> {
    let known: &[&str] = match on {
        On::Database(_) => &["CONNECT", "CREATE", "TEMPORARY"],
        On::Schema(_) => &["CREATE", "USAGE"],
    };
    ensure(known.contains(&privilege.as_str()), || {
        error("22023", format!("unrecognized privilege type: \"{privilege}\""))
    })?;
    Ok(privilege)
}
