//! Names in PostgreSQL and of the cluster: which ones work, and which are somebody else's.

use engine::DeclareError;

use crate::Args;

/// Roles of RDS and PostgreSQL, and the names that an attacker tries first (Aurora User Guide, "Quotas and constraints"; Security
/// Hub RDS.24).
const RESERVED: [&str; 7] = ["admin", "administrator", "none", "postgres", "public", "rdsadmin", "root"];

/// Roles that RDS has made in a cluster before there is a master user (Aurora User Guide, "Understanding Aurora PostgreSQL roles and
/// databases").
const OF_RDS: [&str; 11] = [
    "rds_ad",
    "rds_extension",
    "rds_iam",
    "rds_password",
    "rds_replication",
    "rds_reserved",
    "rds_superuser",
    "rdsadmin",
    "rdsrepladmin",
    "rdstopmgr",
    "rdswriteforwarduser",
];

/// PostgreSQL's key words that are reserved and begin with a letter (PostgreSQL, "SQL Key Words"). Quoted they would do as names,
/// but whoever writes one without quotes gets something else, such as the current user for `user`.
const KEY_WORDS: &str = "all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate \
    collation column concurrently constraint create cross current_catalog current_date current_role current_schema current_time \
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from full \
    grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime \
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning right \
    select session_user similar some symmetric system_user table tablesample then to trailing true union unique user using \
    variadic verbose when where window with";

/// Checks every name that the tier can be told.
pub(crate) fn check(args: &Args) -> Result<(), DeclareError> {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.len() <= 63
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    for (argument, name) in
        [("database_name", &args.database_name), ("master_username", &args.master_username)]
    {
        if !is_name(name) {
            let reason = format!("`{name}` is not a name for PostgreSQL");
            let hint = "use a letter, then letters, digits and underscores, at most 63";
            return Err(DeclareError::argument(argument, reason, hint));
        }
    }
    // What is there in each cluster before anybody makes a database (Aurora User Guide, "Understanding Aurora PostgreSQL roles and
    // databases"), and what nobody could name without quotes.
    let database = args.database_name.as_str();
    if matches!(database, "postgres" | "template0" | "template1" | "rdsadmin") || is_key_word(database) {
        let reason = format!("`{database}` is reserved by PostgreSQL or RDS");
        return Err(DeclareError::argument(
            "database_name",
            reason,
            "use a name of your own, such as payments",
        ));
    }
    let master = args.master_username.as_str();
    if is_key_word(master) || master.to_ascii_lowercase().starts_with("pg_") || OF_RDS.contains(&master) {
        let reason = format!("`{master}` is reserved by PostgreSQL or RDS");
        return Err(DeclareError::argument(
            "master_username",
            reason,
            "use a name of your own, such as payments_owner",
        ));
    }
    // Aurora User Guide, "Quotas and constraints": reserved words; and the names of Security Hub RDS.24.
    if matches!(master, "admin" | "administrator" | "postgres" | "root") {
        let reason = format!("`{master}` is reserved, or the first that an attacker tries");
        let hint = "use a name of your own, such as payments_owner";
        return Err(DeclareError::argument("master_username", reason, hint));
    }
    application_user(&args.application_user, &args.master_username)?;
    for (index, name) in args.allow_data_loss.iter().enumerate() {
        if !is_cluster(name) {
            let reason = format!("`{name}` is not the name of a cluster");
            let hint = format!(
                "write the whole name of one, such as {}aurora-{}",
                aws::NAME_PREFIX,
                args.environment
            );
            return Err(DeclareError::argument(format!("allow_data_loss[{index}]"), reason, hint));
        }
    }
    args.cluster_name.as_deref().map_or(Ok(()), |name| cluster(name, &args.environment))
}

/// Whether PostgreSQL reads a name as a key word. It does so in whatever case.
fn is_key_word(name: &str) -> bool {
    KEY_WORDS.split_whitespace().any(|word| word.eq_ignore_ascii_case(name))
}

/// A role's name: in lower case, so that it is the same with quotes, without, and in an IAM policy.
fn application_user(name: &str, master: &str) -> Result<(), DeclareError> {
    let refused = |reason: String, hint: &str| Err(DeclareError::argument("application_user", reason, hint));
    let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.len() <= 63
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !is_name {
        let hint = "use a lower-case letter, then lower-case letters, digits and underscores, at most 63";
        return refused(format!("`{name}` is not a user name for PostgreSQL"), hint);
    }
    let is_of_service = ["pg_", "rds"].iter().any(|prefix| name.starts_with(prefix));
    if RESERVED.contains(&name) || is_of_service || is_key_word(name) {
        let hint = "use a name of your own, such as payments_app";
        return refused(format!("`{name}` is reserved by PostgreSQL or RDS"), hint);
    }
    if name.eq_ignore_ascii_case(master) {
        let hint = "choose another name: with IAM authentication the master user would lose its password";
        return refused(format!("`{name}` is the master user"), hint);
    }
    Ok(())
}

/// RDS API Reference, CreateDBCluster, `DBClusterIdentifier`.
fn is_cluster(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(allowed)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
}

/// `payment-WHAT-ENVIRONMENT`, as everything is named, and as RDS takes it (RDS API Reference, CreateDBCluster).
fn cluster(name: &str, environment: &str) -> Result<(), DeclareError> {
    let what = name
        .strip_prefix(aws::NAME_PREFIX)
        .and_then(|rest| rest.strip_suffix(environment)?.strip_suffix('-'))
        .unwrap_or_default();
    let is_part = what.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if is_part && !what.is_empty() && name.len() <= 63 {
        return Ok(());
    }
    let hint =
        format!("write it like {0}<what>-{environment}, such as {0}cluster-{environment}", aws::NAME_PREFIX);
    Err(DeclareError::argument("cluster_name", format!("`{name}` is not the name of a cluster here"), hint))
}
