//! SQL statements to the database by the RDS Data API: over HTTPS, from wherever this program runs, without a way into the VPC.
//! The API reads the master user's password itself, from the secret that is named to it.

use aws::rds::client;
use aws::{CallResult, Called, Context};
use aws_sdk_rds::types::{DbCluster, Filter};
use aws_sdk_rdsdata::types::Field;
use engine::{CallError, ErrorClass};

use crate::resources::status;

const OPERATION: &str = "ExecuteStatement";

/// What is answered while a cluster pauses, which the call itself ends (Aurora User Guide, "Scaling to Zero ACUs with automatic
/// pause and resume").
const RESUMING: &str = "DatabaseResumingException";

/// What is answered while a cluster cannot be asked (RDS Data API Reference, ExecuteStatement): its endpoint was switched on a moment
/// ago, there is no instance, or none that writes, or RDS has not set the password yet, or the secret's key is disabled. Nothing
/// happened.
const CLOSED: [&str; 6] = [
    "DatabaseNotFoundException",
    "DatabaseUnavailableException",
    "HttpEndpointNotEnabledException",
    "InvalidResourceStateException",
    "InvalidSecretException",
    "SecretsErrorException",
];

/// The cluster of a resource id.
pub(crate) async fn cluster(cx: &Context, resource_id: &str) -> Result<Option<DbCluster>, CallError> {
    let filter = Filter::builder().name("db-cluster-resource-id").values(resource_id).build();
    let answer = client(cx).describe_db_clusters().filters(filter).send().await;
    let clusters = answer.called("DescribeDBClusters")?.db_clusters.unwrap_or_default();
    Ok(clusters.into_iter().find(|live| live.db_cluster_resource_id() == Some(resource_id)))
}

/// How a cluster can be asked.
pub(crate) enum Reach {
    /// There is no such cluster, or it is being deleted.
    Gone,
    /// Not now, for this reason.
    Closed(&'static str),
    /// Not before somebody starts the cluster.
    Stopped,
    /// Not yet: the cluster is starting, or stopping, and may have been stopped when that is over.
    Turning,
    /// By its Data API.
    Open(DataApi),
}

/// A cluster that can be asked.
pub(crate) struct DataApi {
    arn: String,
    secret_arn: String,
}

impl Reach {
    /// Looks at the cluster of this resource id.
    pub(crate) async fn of(cx: &Context, resource_id: &str) -> Result<Self, CallError> {
        Ok(cluster(cx, resource_id).await?.map_or(Reach::Gone, |live| Self::now(&live)))
    }

    fn now(live: &DbCluster) -> Self {
        let Some(secret) = live.master_user_secret() else {
            return Reach::Closed("RDS does not manage the master user's password");
        };
        let (Some(arn), Some(secret_arn)) = (live.db_cluster_arn(), secret.secret_arn()) else {
            return Reach::Closed("its secret is not known yet");
        };
        match live.status().unwrap_or_default() {
            "deleting" => return Reach::Gone,
            "creating" => return Reach::Closed("the cluster is being created"),
            "stopped" => return Reach::Stopped,
            "starting" | "stopping" => return Reach::Turning,
            _ => {}
        }
        if live.http_endpoint_enabled() != Some(true) {
            return Reach::Closed("its Data API is off");
        }
        if live.db_cluster_members().is_empty() {
            return Reach::Closed("it has no instance");
        }
        if secret.secret_status() == Some("creating") {
            return Reach::Closed("the master user's secret is being created");
        }
        Reach::Open(DataApi { arn: arn.to_owned(), secret_arn: secret_arn.to_owned() })
    }

    /// The Data API, for a call that can wait until it is there.
    pub(crate) fn or_wait(self) -> Result<DataApi, CallError> {
        let reason = match self {
            Reach::Open(api) => return Ok(api),
            Reach::Stopped => return Err(status::stopped(OPERATION)),
            Reach::Turning => "the cluster is starting or stopping",
            Reach::Gone => "the cluster cannot be seen",
            Reach::Closed(reason) => reason,
        };
        Err(CallError::new(ErrorClass::NotYet, OPERATION, format!("the database cannot be asked: {reason}")))
    }
}

impl DataApi {
    /// The first row of a query, or none.
    pub(crate) async fn row(
        &self,
        cx: &Context,
        database: &str,
        sql: &str,
    ) -> Result<Option<Vec<Field>>, CallError> {
        let records = self.execute(cx, database, sql).await?;
        Ok(records.into_iter().next())
    }

    /// Does all of these, or none of them. A block of PL/pgSQL is one statement, and so one transaction.
    pub(crate) async fn together(
        &self,
        cx: &Context,
        database: &str,
        statements: &[String],
    ) -> Result<(), CallError> {
        let body = statements.join("; ");
        if body.contains("$stack$") {
            return Err(CallError::new(ErrorClass::Invalid, OPERATION, "a name has `$stack$` in it"));
        }
        self.execute(cx, database, &format!("DO $stack$ BEGIN {body}; END $stack$")).await.map(drop)
    }

    async fn execute(&self, cx: &Context, database: &str, sql: &str) -> Result<Vec<Vec<Field>>, CallError> {
        let request = cx
            .client(aws_sdk_rdsdata::Client::new)
            .execute_statement()
            .resource_arn(&self.arn)
            .secret_arn(&self.secret_arn)
            .database(database)
            .sql(sql);
        let answer = request.send().await.called(OPERATION);
        let answer = answer.classed(&CLOSED, ErrorClass::NotYet).classed(&[RESUMING], ErrorClass::NotYet);
        // It may have been done after all.
        let answer = answer.classed(&["StatementTimeoutException"], ErrorClass::Ambiguous);
        Ok(answer?.records.unwrap_or_default())
    }
}

/// Whether an answer says that the cluster cannot be asked, or not by this identity. One that is waking up can, in a moment.
pub(crate) fn is_closed(error: &CallError) -> bool {
    error.class == ErrorClass::Denied
        || error.code.as_deref().is_some_and(|code| CLOSED.contains(&code))
        || is_locked_out(error)
}

/// Whether PostgreSQL does not let the master user in (SQLSTATE 28000 and 28P01), as once it is a member of `rds_iam`, itself or
/// through another role (Aurora User Guide, "Creating a database account using IAM authentication").
pub(crate) fn is_locked_out(error: &CallError) -> bool {
    error.code.as_deref() == Some("DatabaseErrorException")
        && ["28000", "28P01", "authentication failed"].iter().any(|sign| error.message.contains(sign))
}

/// A name of PostgreSQL's, quoted.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text of PostgreSQL's, quoted.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_end_their_quotes() {
        assert_eq!(identifier("a\"; DROP ROLE b"), "\"a\"\"; DROP ROLE b\"");
        assert_eq!(literal("it's"), "'it''s'");
    }
}
