//! The database's user that the application logs in as: a role of PostgreSQL, which logs in with IAM and has no password.
//! CloudFormation has no type for what is inside a database, hence the `Custom::` name; a template leaves it out.
//!
//! It is made by SQL statements that the [RDS Data API](crate::data_api) takes, in the name of the master user, whose password this
//! program never sees. A comment on the role says whose it is, as tags do elsewhere: a role of that name without it is somebody
//! else's and is not taken over.
//!
//! The surprises:
//! - `rds_iam` must never be granted to the master user, nor a role that has it: IAM would take the place of its password, for the
//!   Data API too. Then nobody can be asked about the user any more, and it is taken to be as recorded.
//! - A role may own tables, and dropping it would mean dropping them or giving them away. So it is not dropped: once it is not
//!   declared any more, it loses its login and `rds_iam`, and stays with what it owns. Declared again, it gets them back. Sessions
//!   that are open go on until they end. Where the cluster is going too, its Data API is off, or its master user cannot log in,
//!   nothing is done; while its writer is busy, that is waited for.
//!   With `DeletionPolicy: Retain`, the role stays as it is.
//!
//! What is asked of every kind:
//! - *Which errors mean "wait"?* The cluster's endpoint, its writer and its secret become ready in their own time:
//!   `HttpEndpointNotEnabledException`, `DatabaseNotFoundException`, `DatabaseUnavailableException`, `SecretsErrorException`,
//!   `InvalidSecretException` and `InvalidResourceStateException`. `DatabaseResumingException` comes from a cluster that paused; each
//!   look at the user wakes it.
//! - *What is rewritten on read?* Nothing. While the cluster cannot be asked, or not by this identity, the role is taken to be as recorded: otherwise nothing could be planned that
//!   repairs the cluster, and whoever may not read the master user's secret could plan nothing at all.
//! - *What does an update silently not do?* `REVOKE` takes back what the master user has granted, and says nothing where somebody else
//!   has granted the same. Of memberships it can say whose grant it means (`GRANTED BY`), and does. Of privileges it cannot: so after an
//!   update the role is looked at again, and what had no effect is an error that says who can take it back.
//! - *Which states are terminal?* None.
//!
//! What somebody grants is compared as it was granted to the role itself, never as it works in effect: what comes through another role, or
//! from `PUBLIC`, could not be taken from this one.
//! - **Compared and taken back:** memberships in any role, by whomever they were granted; `CONNECT` and `CREATE` on the database, `CREATE`
//!   and `USAGE` on the schema `public`; the option to pass any of these on; `LOGIN`, `CREATEDB`, `CREATEROLE` and `BYPASSRLS`.
//! - **Shown and left:** membership in `rds_superuser`, and `CREATE` on the database or the schema, where they come from elsewhere. A
//!   database that began before PostgreSQL 15 grants `CREATE` on `public` to everybody, and its applications may need that.
//! - **Not compared:** `SUPERUSER` and `REPLICATION`, which nobody but AWS can give (for replication there is a role, `rds_replication`,
//!   and so a membership); privileges on tables, sequences and functions, also those of `PUBLIC`, and default privileges: these are the
//!   application's own, and its migrations grant and revoke them; settings of the role, its limit of connections and `VALID UNTIL`, by
//!   which operators tune it and which give no rights (a password is of no use to a member of `rds_iam`).

mod grant;
mod role;

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws::tags::{ADDRESS, ENVIRONMENT, LiveTags, PROJECT};
use aws::{Context, DeletionPolicy};
use engine::{
    Address, CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, Foreseen, ImportId,
    Intent, Loss, Named, Order, Reads, Resolved, Resource, Scope, Search, Settle, Span, Stage, Tagging,
    Template, Times, Wish,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::role::IAM;
pub use self::role::{DatabasePrivilege, RoleAttribute, SchemaPrivilege};
use self::role::{LiveRole, Role};
use super::{Cluster, outage};
use crate::data_api::{self, DataApi, Reach, is_closed, is_locked_out};
use crate::{DatabaseRoleName, InstanceId};

/// The properties of a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct DatabaseUser<S: Stage = Declared> {
    /// The cluster that it is in, by the id that no other cluster has or had.
    #[serde(rename = "DBClusterResourceId")]
    pub cluster_resource_id: S::Of<String>,
    /// An instance that must be there before, since without one nobody can ask. The database does not know of it.
    #[serde(rename = "DBInstanceIdentifier")]
    pub instance_identifier: S::Of<InstanceId>,
    /// Its name.
    pub user_name: String,
    /// The database that it works in.
    pub database_name: String,
    /// What it may do as such.
    pub role_attributes: BTreeSet<RoleAttribute>,
    /// The roles that it is a member of itself.
    pub member_of: BTreeSet<DatabaseRoleName>,
    /// What it may do in the database.
    pub database_privileges: BTreeSet<DatabasePrivilege>,
    /// What it may do in the schema `public`.
    pub schema_privileges: BTreeSet<SchemaPrivilege>,
    /// What of all this it may grant to others. Never declared.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub grant_options: BTreeSet<String>,
    /// What is too much for an application and comes through another role, or is everybody's. It is shown and stays. Never declared.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub inherited: BTreeSet<String>,
    /// What becomes of it when it is not declared any more.
    #[serde(default, skip_serializing_if = "DeletionPolicy::is_delete")]
    pub deletion_policy: DeletionPolicy,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct DatabaseUserOutputs<S: Stage> {
    /// The name.
    pub user_name: S::Of<String>,
}

impl Declares for DatabaseUser<Declared> {
    type Resolved = DatabaseUser<Resolved>;
}

impl DatabaseUser<Declared> {
    /// Says of all users of a tier that they stay as they are, also of those that are not declared any more.
    pub(crate) fn keep(scope: &mut Scope) {
        let kind = <DatabaseUser<Resolved> as Resource>::KIND;
        scope.guard_kind(kind, DeletionPolicy::PROPERTY, DeletionPolicy::RETAIN);
    }
}

/// What the database does not know of.
const RECORDED: [&str; 2] = ["DBInstanceIdentifier", DeletionPolicy::PROPERTY];

/// The comment that says whose a role is.
fn marker(cx: &Context, address: &Address) -> String {
    let identity = cx.identity();
    let (project, environment) = (&identity.project, &identity.environment);
    format!("{PROJECT}={project} {ENVIRONMENT}={environment} {ADDRESS}={address}")
}

impl DatabaseUser<Resolved> {
    fn wanted(&self) -> Role {
        Role {
            attributes: self.role_attributes.clone(),
            member_of: self.member_of.clone(),
            database: self.database_privileges.clone(),
            schema: self.schema_privileges.clone(),
        }
    }

    fn outputs(&self) -> DatabaseUserOutputs<Resolved> {
        DatabaseUserOutputs { user_name: self.user_name.clone() }
    }

    async fn reach(&self, cx: &Context) -> Result<Reach, CallError> {
        Reach::of(cx, &self.cluster_resource_id).await
    }

    /// The role of this name, whoever made it.
    async fn look(&self, cx: &Context, api: &DataApi) -> Result<Option<LiveRole>, CallError> {
        let sql = role::query(&self.user_name, &self.database_name);
        let Some(row) = api.row(cx, &self.database_name, &sql).await? else { return Ok(None) };
        let role = role::read(&row);
        let unreadable = || {
            let message = "the answer to the query for the role has another shape";
            CallError::new(ErrorClass::Invalid, "ExecuteStatement", message)
        };
        role.map(Some).ok_or_else(unreadable)
    }

    async fn send(&self, cx: &Context, api: &DataApi, statements: &[String]) -> Result<(), CallError> {
        match statements.is_empty() {
            true => Ok(()),
            false => api.together(cx, &self.database_name, statements).await,
        }
    }

    /// Brings the role to what is declared.
    async fn converge(&self, cx: &Context) -> Result<(), CallError> {
        let api = self.reach(cx).await?.or_wait()?;
        let live = self.look(cx, &api).await?.ok_or_else(|| {
            let message = format!("there is no role {}", self.user_name);
            CallError::new(ErrorClass::NotFound, "ExecuteStatement", message)
        })?;
        let (user, database, wanted) = (&self.user_name, &self.database_name, self.wanted());
        let statements = live.becomes(&wanted, user, database);
        if statements.is_empty() {
            return Ok(());
        }
        self.send(cx, &api, &statements).await?;
        let live = self.look(cx, &api).await?;
        match live.and_then(|live| live.without_effect(&wanted, user, database)) {
            Some(message) => Err(CallError::new(ErrorClass::Invalid, "ExecuteStatement", message)),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Resource for DatabaseUser<Resolved> {
    const KIND: &'static str = "Custom::DatabaseUser";
    const FACTS: Facts = Facts {
        name: Named::Within("UserName"),
        create_only: CreateOnly::These(&["DBClusterResourceId", "DatabaseName", "UserName"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[DeletionPolicy::KEEP],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 2, longest: 900 }, gone: Span { typical: 2, longest: 3600 } },
        import: ImportId {
            parts: &["DBClusterResourceId", "UserName"],
            words: "the resource id of the database cluster and the user's name",
            example: "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ|payments_app",
        },
        reads: Reads { least: 1, most: 2, together: None },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &["GrantOptions", "Inherited"];
    // A cluster that goes may be stopped, or its key disabled: then nobody can log in to take anything away.
    const ORDER: Order = Order { part_of: Some(Cluster::<Resolved>::KIND), ..Order::NONE };
    type Context = Context;
    type Declared = DatabaseUser<Declared>;
    type Outputs<S: Stage> = DatabaseUserOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{}/{}", self.cluster_resource_id, self.user_name))
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<DatabaseUserOutputs<Resolved>>, CallError> {
        let api = self.reach(cx).await?.or_wait()?;
        let Some(live) = self.look(cx, &api).await? else { return Ok(None) };
        let words = live.comment.split_whitespace().filter_map(|word| word.split_once('='));
        let words = words.map(|(key, value)| (Some(key), Some(value)));
        if LiveTags::pairs(words).belongs_to(cx.identity(), search) {
            return Ok(Some(self.outputs()));
        }
        let user = &self.user_name;
        Err(CallError::conflict(
            format!("looking for the database user {user}"),
            format!(
                "a role of this name exists already and its comment does not say that it is {}. Choose another \
                 `application_user`, or give the role to this stack: COMMENT ON ROLE \"{user}\" IS '{}'",
                search.address,
                marker(cx, &search.address)
            ),
        ))
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<DatabaseUserOutputs<Resolved>, CallError> {
        let api = self.reach(cx).await?.or_wait()?;
        // PostgreSQL would refuse a second one, but the Data API tells why only in words.
        if self.look(cx, &api).await?.is_some() {
            let message = format!("the role {} exists already", self.user_name);
            return Err(CallError::new(ErrorClass::AlreadyExists, "ExecuteStatement", message));
        }
        let comment = marker(cx, &intent.address);
        let statements = self.wanted().created(&self.user_name, &self.database_name, &comment);
        self.send(cx, &api, &statements).await?;
        Ok(self.outputs())
    }

    async fn configure(&self, cx: &Context, _: &DatabaseUserOutputs<Resolved>) -> Result<(), CallError> {
        self.converge(cx).await
    }

    async fn read(&self, cx: &Context, _: &DatabaseUserOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let api = match self.reach(cx).await? {
            Reach::Open(api) => api,
            Reach::Closed(_) | Reach::Stopped | Reach::Turning => return Ok(Some(self.clone())),
            Reach::Gone => return Ok(None),
        };
        let live = match self.look(cx, &api).await {
            Err(error) if is_closed(&error) => return Ok(Some(self.clone())),
            live => live?.filter(|live| !live.is_retired()),
        };
        Ok(live.map(|live| {
            let role = live.role();
            Self {
                role_attributes: role.attributes,
                member_of: role.member_of,
                database_privileges: role.database,
                schema_privileges: role.schema,
                grant_options: live.grant_options(&self.database_name),
                inherited: live.inherited(&self.database_name),
                ..self.clone()
            }
        }))
    }

    async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        match wish.declared["DBClusterResourceId"].as_str() {
            Some(cluster) if outage::needs_cluster(wish, &RECORDED) => {
                Ok(outage::foresee_part(data_api::cluster(cx, cluster).await?.as_ref()))
            }
            _ => Ok(Foreseen::nothing()),
        }
    }

    fn accepts(property: &str, live: &Value, _: &Value) -> Option<String> {
        let rights: Vec<&str> = live.as_array()?.iter().filter_map(Value::as_str).collect();
        (property == "Inherited").then(|| {
            format!(
                "has more rights than it was granted itself, through another role or because everybody has them: {}. stack leaves them; \
                 to take one away, revoke it from that role or, as the master user, from PUBLIC",
                rights.join(", ")
            )
        })
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &DatabaseUserOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<DatabaseUserOutputs<Resolved>, CallError> {
        if changed.properties.iter().any(|name| !RECORDED.contains(&name.as_str())) {
            self.converge(cx).await?;
        }
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, _: &DatabaseUserOutputs<Resolved>) -> Result<(), CallError> {
        let api = match self.reach(cx).await? {
            Reach::Gone | Reach::Closed(_) => return Ok(()),
            // It would keep its login.
            reach => reach.or_wait()?,
        };
        let live = match self.look(cx, &api).await {
            Err(error) if is_locked_out(&error) => return Ok(()),
            live => live?,
        };
        match live.filter(|live| !live.is_retired()) {
            Some(live) => self.send(cx, &api, &live.retired(&self.user_name, &self.database_name)).await,
            None => Ok(()),
        }
    }

    /// What could be done is done by the call.
    async fn poll_gone(&self, _: &Context, _: &DatabaseUserOutputs<Resolved>) -> Result<bool, CallError> {
        Ok(true)
    }
}
