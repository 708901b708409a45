//! The parameters of Aurora PostgreSQL that the emulator knows, out of the several hundred that there are.
//!
//! From the Aurora User Guide, "Aurora PostgreSQL parameters", "Aurora PostgreSQL cluster-level parameters" and
//! "instance-level parameters", and what DescribeEngineDefaultClusterParameters answers. A parameter that is not in the
//! table is refused as one that does not exist is.

use serde_json::{Value, json};

use super::kind::{combination, invalid};
use crate::protocol::response::{Refusal, refuse_if};

/// A parameter.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// Whether a change works only after a restart.
    is_static: bool,
    /// Whether groups of instances have it too, besides groups of clusters.
    pub(super) in_instances: bool,
    takes: Takes,
    default: Option<&'static str>,
}

/// What a parameter can be set to.
enum Takes {
    /// Nothing: RDS sets it.
    Nothing,
    /// 0 or 1.
    Flag,
    /// A whole number in this range.
    Number(i64, i64),
    /// One of these.
    One(&'static [&'static str]),
    /// A list of these, joined by commas.
    Many(&'static [&'static str]),
    /// Any text.
    Text,
}

/// How a change is to be applied.
pub(super) const IMMEDIATE: &str = "immediate";
pub(super) const PENDING_REBOOT: &str = "pending-reboot";

const LEVELS: &[&str] = &[
    "debug5", "debug4", "debug3", "debug2", "debug1", "info", "notice", "warning", "error", "log", "fatal",
    "panic",
];
const TLS: &[&str] = &["TLSv1.1", "TLSv1.2", "TLSv1.3"];
const LIBRARIES: &[&str] = &[
    "auto_explain",
    "orafce",
    "pgaudit",
    "pg_bigm",
    "pg_cron",
    "pg_hint_plan",
    "pg_prewarm",
    "pg_similarity",
    "pg_stat_statements",
    "pg_tle",
    "pglogical",
    "plprofiler",
    "plrust",
];
const AUDITED: &[&str] = &[
    "ddl",
    "function",
    "misc",
    "read",
    "role",
    "write",
    "none",
    "all",
    "-ddl",
    "-function",
    "-misc",
    "-read",
    "-role",
    "-write",
];
const LARGEST: i64 = 2_147_483_647;

/// In the order of their names.
static PARAMETERS: [Parameter; 40] = [
    dynamic("auto_explain.log_analyze", Takes::Flag, None),
    dynamic("auto_explain.log_min_duration", Takes::Number(-1, LARGEST), None),
    dynamic("autovacuum", Takes::Flag, Some("1")),
    of_clusters(fixed("autovacuum_max_workers", Takes::Number(1, 262_143), None)),
    of_clusters(fixed("data_directory", Takes::Nothing, Some("/rdsdbdata/db"))),
    dynamic("deadlock_timeout", Takes::Number(1, LARGEST), None),
    dynamic("idle_in_transaction_session_timeout", Takes::Number(0, LARGEST), Some("86400000")),
    dynamic("idle_session_timeout", Takes::Number(0, LARGEST), None),
    dynamic("lock_timeout", Takes::Number(0, LARGEST), None),
    dynamic("log_autovacuum_min_duration", Takes::Number(-1, LARGEST), Some("10000")),
    dynamic("log_checkpoints", Takes::Flag, None),
    dynamic("log_connections", Takes::Flag, None),
    dynamic("log_disconnections", Takes::Flag, None),
    dynamic("log_duration", Takes::Flag, None),
    dynamic("log_error_verbosity", Takes::One(&["terse", "default", "verbose"]), None),
    dynamic("log_lock_waits", Takes::Flag, None),
    dynamic("log_min_duration_statement", Takes::Number(-1, LARGEST), None),
    dynamic("log_min_error_statement", Takes::One(LEVELS), None),
    dynamic("log_min_messages", Takes::One(LEVELS), None),
    dynamic("log_rotation_age", Takes::Number(1, 1440), Some("60")),
    dynamic("log_statement", Takes::One(&["none", "ddl", "mod", "all"]), None),
    dynamic("log_temp_files", Takes::Number(-1, LARGEST), None),
    fixed("max_connections", Takes::Number(6, 262_143), Some("LEAST({DBInstanceClassMemory/9531392},5000)")),
    of_clusters(dynamic("password_encryption", Takes::One(&["md5", "scram-sha-256"]), Some("scram-sha-256"))),
    fixed("pg_stat_statements.max", Takes::Number(100, LARGEST), None),
    dynamic("pg_stat_statements.track", Takes::One(&["top", "all", "none"]), None),
    dynamic("pgaudit.log", Takes::Many(AUDITED), None),
    dynamic("pgaudit.log_catalog", Takes::Flag, None),
    dynamic("pgaudit.log_parameter", Takes::Flag, None),
    dynamic("pgaudit.role", Takes::One(&["rds_pgaudit"]), None),
    of_clusters(dynamic(
        "rds.accepted_password_auth_method",
        Takes::One(&["md5+scram", "scram"]),
        Some("md5+scram"),
    )),
    of_clusters(dynamic("rds.force_ssl", Takes::Flag, None)),
    of_clusters(dynamic("rds.log_retention_period", Takes::Number(1440, 10_080), Some("4320"))),
    of_clusters(fixed("rds.logical_replication", Takes::Flag, Some("0"))),
    of_clusters(fixed("rds.restrict_password_commands", Takes::Flag, None)),
    fixed("shared_preload_libraries", Takes::Many(LIBRARIES), Some("pg_stat_statements")),
    of_clusters(dynamic("ssl_max_protocol_version", Takes::One(TLS), None)),
    of_clusters(dynamic("ssl_min_protocol_version", Takes::One(TLS), Some("TLSv1.2"))),
    dynamic("statement_timeout", Takes::Number(0, LARGEST), None),
    of_clusters(dynamic("timezone", Takes::Text, Some("UTC"))),
];

const fn dynamic(name: &'static str, takes: Takes, default: Option<&'static str>) -> Parameter {
    Parameter { name, is_static: false, in_instances: true, takes, default }
}

const fn fixed(name: &'static str, takes: Takes, default: Option<&'static str>) -> Parameter {
    Parameter { name, is_static: true, in_instances: true, takes, default }
}

const fn of_clusters(parameter: Parameter) -> Parameter {
    Parameter { in_instances: false, ..parameter }
}

/// All parameters that a group of clusters has, or one of instances.
pub(super) fn all(in_instances: bool) -> impl Iterator<Item = &'static Parameter> {
    PARAMETERS.iter().filter(move |parameter| parameter.in_instances || !in_instances)
}

/// The parameter with a name.
pub(super) fn find(name: &str, in_instances: bool) -> Result<&'static Parameter, Refusal> {
    all(in_instances)
        .find(|parameter| parameter.name == name)
        .ok_or_else(|| invalid(format!("Could not find parameter with name: {name}")))
}

impl Parameter {
    /// Refuses what cannot be set, or not like this (RDS API Reference, ModifyDBClusterParameterGroup, `Parameters`:
    /// "You can use the immediate value with dynamic parameters only").
    pub(super) fn check(&self, value: &str, method: &str) -> Result<(), Refusal> {
        let name = self.name;
        if matches!(self.takes, Takes::Nothing) {
            return Err(invalid(format!("The parameter {name} cannot be modified.")));
        }
        if !self.takes.allow(value) {
            let allowed = self.takes.text();
            return Err(invalid(format!(
                "Invalid parameter value: {value} for: {name} allowed values are: {allowed}"
            )));
        }
        self.check_method(method)
    }

    /// Refuses to change a static parameter at once.
    pub(super) fn check_method(&self, method: &str) -> Result<(), Refusal> {
        refuse_if(self.is_static && method == IMMEDIATE, || {
            combination("cannot use immediate apply method for static parameter")
        })
    }

    /// How a reset of all parameters applies to this one.
    pub(super) fn own_method(&self) -> &'static str {
        if self.is_static { PENDING_REBOOT } else { IMMEDIATE }
    }

    /// What Describe operations show: the value that somebody has set, or else what holds. One that was set to what holds
    /// anyway is not the user's: its source stays (hashicorp/terraform-provider-aws#593, and what its `parameter_group.go`
    /// does about it).
    pub(super) fn show(&self, family: &str, set: Option<(&str, &str)>) -> Value {
        let default = self.default_in(family);
        let value = set.map(|(value, _)| value).or(default);
        let source = match (set, value) {
            (Some(_), value) if value != default => "user",
            (_, Some(_)) => "system",
            (_, None) => "engine-default",
        };
        json!({
            "ParameterName": self.name,
            "ParameterValue": value,
            "Source": source,
            "ApplyType": if self.is_static { "static" } else { "dynamic" },
            "DataType": self.takes.data_type(),
            "AllowedValues": Some(self.takes.text()).filter(|text| !text.is_empty()),
            "IsModifiable": !matches!(self.takes, Takes::Nothing),
            "ApplyMethod": set.map_or(PENDING_REBOOT, |(_, method)| method),
            "SupportedEngineModes": ["provisioned"],
        })
    }

    /// The default. Version 17 is the first to force TLS (Aurora User Guide, "Securing Aurora PostgreSQL data with
    /// SSL/TLS").
    fn default_in(&self, family: &str) -> Option<&'static str> {
        match (self.name, family) {
            ("rds.force_ssl", "aurora-postgresql15" | "aurora-postgresql16") => Some("0"),
            ("rds.force_ssl", _) => Some("1"),
            _ => self.default,
        }
    }
}

impl Takes {
    fn allow(&self, value: &str) -> bool {
        match self {
            Takes::Nothing => false,
            Takes::Flag => matches!(value, "0" | "1"),
            Takes::Number(low, high) => {
                value.parse().is_ok_and(|number: i64| (*low..=*high).contains(&number))
            }
            Takes::One(values) => values.contains(&value),
            Takes::Many(values) => value.split(',').all(|item| values.contains(&item.trim())),
            Takes::Text => true,
        }
    }

    fn text(&self) -> String {
        match self {
            Takes::Nothing | Takes::Text => String::new(),
            Takes::Flag => "0,1".to_owned(),
            Takes::Number(low, high) => format!("{low}-{high}"),
            Takes::One(values) | Takes::Many(values) => values.join(","),
        }
    }

    fn data_type(&self) -> &'static str {
        match self {
            Takes::Flag => "boolean",
            Takes::Number(..) => "integer",
            Takes::Many(_) => "list",
            Takes::Nothing | Takes::One(_) | Takes::Text => "string",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_in_the_order_of_their_names() {
        assert!(PARAMETERS.is_sorted_by_key(|parameter| parameter.name));
    }
}
