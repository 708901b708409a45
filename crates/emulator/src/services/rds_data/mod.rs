//! The RDS Data API: SQL statements to an Aurora cluster, by HTTPS and without a connection.
//!
//! There is no PostgreSQL behind it. What is kept of a cluster's database is its roles and what they were granted
//! ([`roles`], [`grants`]); the statements about them are understood exactly ([`sql`]), and every other statement is a database error that
//! says so. A cluster answers if its HTTP endpoint is on, its writer is available, the secret is its own managed one and active,
//! and the key of that secret can be used (Aurora User Guide, "Using RDS Data API", and the errors of the API's model). A cluster
//! that has paused is woken by the first call, which is refused with `DatabaseResumingException` (Aurora User Guide, "Scaling to
//! Zero ACUs with automatic pause and resume": about 15 seconds).

mod grants;
mod parse;
mod roles;
mod sql;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use self::roles::Database;
use self::sql::Scalar;
use super::rds::{Served, Writer};
use super::{
    Answer, Api, Call, Cx, IdSource, Object, Refusal, ServiceLimits, Spread, ensure, rate, spread,
    unknown_operation,
};

/// Aurora User Guide, "Scaling to Zero ACUs with automatic pause and resume".
const RESUME: Spread = spread(15.0, 12.0, 30.0);

/// Whether a call is an SQL statement that only reads.
pub(crate) fn only_reads(call: &Call) -> bool {
    let sql = call.parameters["sql"].as_str().unwrap_or_default().trim_start();
    let reads = sql.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"));
    call.operation == "ExecuteStatement" && reads
}

/// The databases of one region, by the resource id of their cluster, from the first call on.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    databases: BTreeMap<String, Kept>,
}

/// What is kept of a cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    database: Database,
    /// When it was last called.
    called_millis: Option<i64>,
    /// Until when it wakes up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resumes_millis: Option<i64>,
}

impl Api for State {
    const INVALID: &'static str = "BadRequestException";
    // Aurora User Guide, "Quotas and constraints": 1,000 requests a second for each cluster.
    const LIMITS: ServiceLimits = ServiceLimits::together(rate(1_000.0, 1_000.0));

    fn new(_ids: IdSource, _region: &str) -> Self {
        State { databases: BTreeMap::new() }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "ExecuteStatement" => execute(cx, call),
            _ => Err(unknown_operation(call)),
        }
    }

    /// What is in a database goes with its cluster.
    fn settle(cx: &mut Cx<'_>) {
        let rds = &cx.r.rds;
        cx.r.rds_data.databases.retain(|resource_id, _| rds.has_resource(resource_id));
    }

    /// A role of a database is no object of AWS.
    fn objects(&self, _home: &str) -> Vec<Object> {
        Vec::new()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Execute {
    resource_arn: String,
    secret_arn: String,
    sql: String,
    database: Option<String>,
    #[serde(default)]
    parameters: Vec<Parameter>,
    transaction_id: Option<String>,
    #[serde(default)]
    include_result_metadata: bool,
    // Statements are done at once here.
    #[serde(default, rename = "continueAfterTimeout")]
    _continue_after_timeout: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Parameter {
    name: String,
    value: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Value {
    string_value: String,
}

fn execute(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let asked: Execute = call.input()?;
    if asked.include_result_metadata {
        return Err(Refusal::new(
            "UnknownParameter",
            "The emulator does not model includeResultMetadata of ExecuteStatement.",
        ));
    }
    let served = cx.r.rds.served(&asked.resource_arn).ok_or_else(|| {
        Refusal::new("BadRequestException", format!("There is no DB cluster {}.", asked.resource_arn))
    })?;
    check_served(cx, &served, &asked.secret_arn)?;
    if let Some(id) = &asked.transaction_id {
        let message = format!("Transaction {id} is not found");
        return Err(Refusal::new("TransactionNotFoundException", message).with_status(404));
    }
    awake(cx, &served)?;
    let kept = kept(cx, &served);
    let database = kept.database.clone();
    database.check_login(&served.master_username)?;
    let connected = database.connected(asked.database.as_deref())?.to_owned();
    let parameters = asked.parameters.into_iter().map(|Parameter { name, value }| (name, value.string_value));
    let statement = parse::statement(&asked.sql, &parameters.collect())?;
    // A statement that is refused changes nothing, and neither does a block with one in it.
    let mut changed = database;
    let rows = changed.run(&connected, statement)?;
    if let Some(kept) = cx.r.rds_data.databases.get_mut(&served.resource_id) {
        kept.database = changed;
    }
    let records: Vec<Vec<_>> = rows.into_iter().map(|row| row.into_iter().map(field).collect()).collect();
    Ok(if records.is_empty() {
        json!({"numberOfRecordsUpdated": 0})
    } else {
        json!({"numberOfRecordsUpdated": 0, "records": records})
    })
}

/// A value as the Data API writes it (RDS Data API Reference, Field).
fn field(value: Scalar) -> serde_json::Value {
    match value {
        Scalar::Null => json!({"isNull": true}),
        Scalar::Boolean(value) => json!({"booleanValue": value}),
        Scalar::Text(value) => json!({"stringValue": value}),
    }
}

/// Refuses a cluster that cannot be asked, and a secret that does not open it.
fn check_served(cx: &Cx<'_>, served: &Served, secret_arn: &str) -> Result<(), Refusal> {
    if !served.http_endpoint_enabled {
        let message = format!("HttpEndpoint is not enabled for cluster {}.", served.resource_id);
        return Err(Refusal::new("HttpEndpointNotEnabledException", message));
    }
    match served.writer {
        Writer::Available => {}
        Writer::None => {
            let message = "The DB cluster doesn't have a DB instance.";
            return Err(Refusal::new("DatabaseNotFoundException", message).with_status(404));
        }
        Writer::Down => {
            let message = "The writer instance in the DB cluster isn't available.";
            return Err(Refusal::new("DatabaseUnavailableException", message).with_status(504));
        }
    }
    let refused = |message: &str| Refusal::new("SecretsErrorException", message);
    ensure(cx.r.secretsmanager.secret_exists(secret_arn), || refused("The secret provided wasn't found."))?;
    match &served.secret {
        Some((own, key, true)) if own == secret_arn => match cx.r.kms.usable(key) {
            Ok(_) => Ok(()),
            Err(problem) => Err(refused(&format!("The secret couldn't be decrypted: {problem}"))),
        },
        Some((own, _, false)) if own == secret_arn => {
            Err(Refusal::new("InvalidSecretException", "The secret is not active yet."))
        }
        _ => Err(Refusal::new(
            "InvalidSecretException",
            "The emulator lets in with the managed secret of the cluster's master user only.",
        )),
    }
}

/// Wakes a cluster that has paused.
fn awake(cx: &mut Cx<'_>, served: &Served) -> Result<(), Refusal> {
    let resuming = || {
        let message = "The Aurora DB instance is resuming after being auto-paused. Please wait a few seconds and try again.";
        Err(Refusal::new("DatabaseResumingException", message))
    };
    let now_millis = cx.now_millis;
    let called = kept(cx, served);
    if called.resumes_millis.is_some_and(|at_millis| at_millis > now_millis) {
        return resuming();
    }
    let woken = called.resumes_millis.take().is_some();
    let idle_since = called.called_millis.or(served.available_millis).unwrap_or(now_millis);
    let paused = served.pauses_after_seconds.is_some_and(|seconds| now_millis - idle_since >= seconds * 1000);
    called.called_millis = Some(now_millis);
    if !paused || woken {
        return Ok(());
    }
    let about = format!("{} resumes {now_millis}", served.resource_id);
    let at_millis = cx.after(RESUME, &about).unwrap_or(now_millis);
    kept(cx, served).resumes_millis = Some(at_millis);
    resuming()
}

fn kept<'a>(cx: &'a mut Cx<'_>, served: &Served) -> &'a mut Kept {
    let new = || Kept {
        database: Database::new(&served.master_username, served.database_name.as_deref()),
        called_millis: None,
        resumes_millis: None,
    };
    cx.r.rds_data.databases.entry(served.resource_id.clone()).or_insert_with(new)
}
