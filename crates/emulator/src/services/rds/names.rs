//! The rules for identifiers, names and passwords.

use super::kind::invalid;
use crate::protocol::response::{Refusal, ensure};

/// The longest identifier of a cluster or an instance (RDS API Reference, CreateDBCluster, `DBClusterIdentifier`).
pub(super) const LONGEST_IDENTIFIER: usize = 63;
/// The longest name of a group or a snapshot (RDS API Reference, CreateDBParameterGroup).
pub(super) const LONGEST_NAME: usize = 255;

/// An identifier in lower case: letters, digits and hyphens, a letter first, no hyphen last, no two in a row.
pub(super) fn identifier(parameter: &str, given: &str, longest: usize) -> Result<String, Refusal> {
    let characters = given.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let hyphens = !given.ends_with('-') && !given.contains("--");
    let first = given.starts_with(|first: char| first.is_ascii_alphabetic());
    ensure(first && characters && hyphens && given.len() <= longest, || {
        invalid(format!(
            "The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; must contain \
             only ASCII letters, digits, and hyphens; must not end with a hyphen or contain two consecutive hyphens; \
             and have {longest} characters at most."
        ))
    })?;
    Ok(given.to_ascii_lowercase())
}

/// The name of a subnet group in lower case (RDS API Reference, CreateDBSubnetGroup, `DBSubnetGroupName`: "no more
/// than 255 letters, numbers, periods, underscores, spaces, or hyphens. Must not be default. First character must
/// be a letter").
pub(super) fn subnet_group(given: &str) -> Result<String, Refusal> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._ -".contains(&byte);
    let name = given.to_ascii_lowercase();
    let first = name.starts_with(|first: char| first.is_ascii_alphabetic());
    ensure(first && name.bytes().all(allowed) && name.len() <= LONGEST_NAME && name != "default", || {
        invalid(format!("The parameter DBSubnetGroupName is not valid: {given}."))
    })?;
    Ok(name)
}

/// A master user's name (Aurora User Guide, "Settings for Aurora DB clusters", "Master username": 1 to 63 letters,
/// digits and underscores, a letter first, not a reserved word).
pub(super) fn master_user(given: &str) -> Result<(), Refusal> {
    // What RDS keeps for itself, and PostgreSQL's reserved role names.
    const RESERVED: [&str; 12] = [
        "admin",
        "rdsadmin",
        "rdsproxyadmin",
        "rdsrepladmin",
        "rdstopmgr",
        "rdswriteforwarduser",
        "rds_superuser",
        "rds_iam",
        "rds_replication",
        "rds_password",
        "public",
        "none",
    ];
    let name = given.to_ascii_lowercase();
    if RESERVED.contains(&name.as_str()) || name.starts_with("pg_") {
        let message =
            format!("MasterUsername {given} cannot be used as it is a reserved word used by the engine.");
        return Err(invalid(message));
    }
    let first = name.starts_with(|first: char| first.is_ascii_alphabetic());
    let characters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    ensure(first && characters && name.len() <= 63, || {
        invalid("The parameter MasterUsername is not a valid user name.")
    })
}

/// The name of the first database (Aurora User Guide, "Settings for Aurora DB clusters", "Initial database name": 1
/// to 63 alphanumeric characters, a letter first).
pub(super) fn database(given: &str) -> Result<(), Refusal> {
    let first = given.starts_with(|first: char| first.is_ascii_alphabetic());
    let characters = given.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    ensure(first && characters && given.len() <= 63, || {
        invalid("DatabaseName must begin with a letter and contain only alphanumeric characters.")
    })
}

/// A password of the master user (Aurora User Guide, "Settings for Aurora DB clusters", "Master password": 8 to 99
/// printable ASCII characters without `/`, `"`, `@` and space). It is checked and forgotten.
pub(super) fn password(given: &str) -> Result<(), Refusal> {
    let allowed = |byte: u8| byte.is_ascii_graphic() && !b"/\"@".contains(&byte);
    ensure(given.bytes().all(allowed) && (8..=99).contains(&given.len()), || {
        invalid(
            "The parameter MasterUserPassword is not a valid password. It must have 8 to 99 characters. Only printable \
             ASCII characters besides '/', '@', '\"', ' ' may be used.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_what_rds_takes_and_kept_in_lower_case() {
        for (given, kept) in [("Pay-Dev-1", Some("pay-dev-1")), ("a", Some("a"))] {
            assert_eq!(identifier("X", given, 63).ok().as_deref(), kept);
        }
        for given in ["", "1a", "-a", "a-", "a--b", "a_b", "a.b", "ä", &"a".repeat(64)] {
            assert!(identifier("X", given, 63).is_err(), "{given}");
        }
    }
}
