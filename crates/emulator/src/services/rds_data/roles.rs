//! The roles of a cluster, and what they were granted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::sql::{Attribute, Column, Granted, On, Scalar, Statement, error};
use crate::response::Refusal;

/// Every role is a member of it, without being one (PostgreSQL, "GRANT").
const PUBLIC: &str = "public";
/// The master user is a member of it (Aurora User Guide, "The rds_superuser role").
const SUPERUSER: &str = "rds_superuser";
/// Members log in with IAM (Aurora User Guide, "Creating a database account using IAM authentication").
const IAM: &str = "rds_iam";
/// The roles that RDS makes, which its users cannot alter.
const OWN: [&str; 6] = ["rds_ad", IAM, "rds_password", "rds_replication", SUPERUSER, "rdsadmin"];
/// The schema that every database begins with.
const SCHEMA: &str = "public";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Role {
    login: bool,
    create_db: bool,
    create_role: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    member_of: BTreeSet<String>,
}

/// A privilege of a role, on a database or on a schema in one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grant {
    database: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    privilege: String,
    role: String,
}

/// What is kept of a cluster's databases. All have the same roles.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Database {
    master: String,
    databases: BTreeSet<String>,
    roles: BTreeMap<String, Role>,
    grants: BTreeSet<Grant>,
}

impl Database {
    /// A new cluster: the master user, RDS's roles, and what PostgreSQL grants everybody (PostgreSQL, "Privileges": `CONNECT` and
    /// `TEMPORARY` on databases; since 15 only `USAGE` on the schema `public`).
    pub(super) fn new(master: &str, database: Option<&str>) -> Self {
        let mut roles: BTreeMap<String, Role> =
            OWN.iter().map(|name| ((*name).to_owned(), Role::default())).collect();
        // PostgreSQL folds the name that CreateDBCluster was given.
        let master = master.to_ascii_lowercase();
        let member_of = BTreeSet::from([SUPERUSER.to_owned()]);
        let role = Role { login: true, create_db: true, create_role: true, comment: None, member_of };
        roles.insert(master.clone(), role);
        let databases: BTreeSet<String> =
            ["postgres"].into_iter().chain(database).map(str::to_owned).collect();
        let everybodys = |database: &String| {
            let schema = Some(SCHEMA.to_owned());
            let granted = [(None, "CONNECT"), (None, "TEMPORARY"), (schema, "USAGE")];
            granted.map(|(schema, privilege)| Grant {
                database: database.clone(),
                schema,
                privilege: privilege.to_owned(),
                role: PUBLIC.to_owned(),
            })
        };
        let grants = databases.iter().flat_map(everybodys).collect();
        Database { master, databases, roles, grants }
    }

    /// Refuses the master user's password once the master user logs in with IAM (Aurora User Guide, "Creating a database account
    /// using IAM authentication": IAM authentication takes precedence over password authentication).
    pub(super) fn check_login(&self, master: &str) -> Result<(), Refusal> {
        match self.is_member(&self.master, IAM) {
            true => {
                let message = format!("PAM authentication failed for user \"{master}\"");
                Err(Refusal::new("DatabaseErrorException", format!("FATAL: {message}; SQLState: 28000")))
            }
            false => Ok(()),
        }
    }

    /// The database that a statement is sent to.
    pub(super) fn connected<'a>(&self, asked: Option<&'a str>) -> Result<&'a str, Refusal> {
        let name = asked.filter(|name| !name.is_empty()).unwrap_or("postgres");
        match self.databases.contains(name) {
            true => Ok(name),
            false => Err(error("3D000", format!("database \"{name}\" does not exist"))),
        }
    }

    /// Does what a statement says, and gives the rows that it asks for. After an error, the roles are not what they were.
    pub(super) fn run(&mut self, connected: &str, statement: Statement) -> Result<Vec<Vec<Scalar>>, Refusal> {
        match statement {
            Statement::Select { columns, role } => return self.select(connected, &columns, role.as_deref()),
            Statement::Block(statements) => {
                for statement in statements {
                    self.run(connected, statement)?;
                }
            }
            Statement::CreateRole { role, attributes } => self.create(role, &attributes)?,
            Statement::AlterRole { role, attributes } => {
                let role = self.own(&role)?;
                attributes.iter().for_each(|(attribute, on)| role.set(*attribute, *on));
            }
            Statement::DropRole { role } => self.drop_role(&role)?,
            Statement::CommentOnRole { role, text } => self.own(&role)?.comment = text,
            Statement::Grant { granted: Granted::Roles(roles), to } => {
                for role in roles {
                    self.role(&role)?;
                    self.own(&to)?.member_of.insert(role);
                }
            }
            Statement::Revoke { granted: Granted::Roles(roles), from } => {
                for role in roles {
                    self.role(&role)?;
                    self.own(&from)?.member_of.remove(&role);
                }
            }
            Statement::Grant { granted: Granted::Privileges(privileges, on), to } => {
                let grants = self.grants_of(connected, privileges, &on, &to)?;
                self.grants.extend(grants);
            }
            Statement::Revoke { granted: Granted::Privileges(privileges, on), from } => {
                for grant in self.grants_of(connected, privileges, &on, &from)? {
                    self.grants.remove(&grant);
                }
            }
        }
        Ok(Vec::new())
    }

    fn create(&mut self, name: String, attributes: &[(Attribute, bool)]) -> Result<(), Refusal> {
        if name.starts_with("pg_") || matches!(name.as_str(), PUBLIC | "none") {
            return Err(error("42939", format!("role name \"{name}\" is reserved")));
        }
        if self.roles.contains_key(&name) {
            return Err(error("42710", format!("role \"{name}\" already exists")));
        }
        let mut role = Role::default();
        attributes.iter().for_each(|(attribute, on)| role.set(*attribute, *on));
        self.roles.insert(name, role);
        Ok(())
    }

    fn drop_role(&mut self, name: &str) -> Result<(), Refusal> {
        self.own(name)?;
        if self.grants.iter().any(|grant| grant.role == name) {
            let message = format!("role \"{name}\" cannot be dropped because some objects depend on it");
            return Err(error("2BP01", message));
        }
        self.roles.remove(name);
        self.roles.values_mut().for_each(|role| {
            role.member_of.remove(name);
        });
        Ok(())
    }

    fn role(&self, name: &str) -> Result<&Role, Refusal> {
        self.roles.get(name).ok_or_else(|| no_role(name))
    }

    /// A role that is not RDS's.
    fn own(&mut self, name: &str) -> Result<&mut Role, Refusal> {
        if OWN.contains(&name) {
            return Err(error("42501", format!("permission denied to alter role \"{name}\"")));
        }
        self.roles.get_mut(name).ok_or_else(|| no_role(name))
    }

    fn grants_of(
        &self,
        connected: &str,
        privileges: Vec<String>,
        on: &On,
        role: &str,
    ) -> Result<Vec<Grant>, Refusal> {
        if role != PUBLIC {
            self.role(role)?;
        }
        let (database, schema) = self.place(connected, on)?;
        let grant = |privilege: String| Grant {
            database: database.clone(),
            schema: schema.clone(),
            privilege,
            role: role.to_owned(),
        };
        privileges.into_iter().map(|privilege| Ok(grant(known(privilege, on)?))).collect()
    }

    /// The database and the schema of an object.
    fn place(&self, connected: &str, on: &On) -> Result<(String, Option<String>), Refusal> {
        match on {
            On::Database(name) => Ok((self.connected(Some(name))?.to_owned(), None)),
            On::Schema(name) if name == SCHEMA => Ok((connected.to_owned(), Some(name.clone()))),
            On::Schema(name) => Err(error("3F000", format!("schema \"{name}\" does not exist"))),
        }
    }

    fn select(
        &self,
        connected: &str,
        columns: &[Column],
        role: Option<&str>,
    ) -> Result<Vec<Vec<Scalar>>, Refusal> {
        let roles = self.roles.iter().filter(|(name, _)| role.is_none_or(|wanted| wanted == name.as_str()));
        roles
            .map(|(name, role)| {
                columns.iter().map(|column| self.column(connected, column, name, role)).collect()
            })
            .collect()
    }

    fn column(&self, connected: &str, column: &Column, name: &str, role: &Role) -> Result<Scalar, Refusal> {
        Ok(match column {
            Column::Name => Scalar::Text(name.to_owned()),
            Column::Has(attribute) => Scalar::Boolean(role.has(*attribute)),
            Column::MemberOf(other) => {
                self.role(other)?;
                Scalar::Boolean(self.is_member(name, other))
            }
            Column::May(privilege, on) => {
                let (database, schema) = self.place(connected, on)?;
                let privilege = known(privilege.clone(), on)?;
                let is_it = |grant: &Grant| {
                    (&grant.database, &grant.schema, &grant.privilege) == (&database, &schema, &privilege)
                        && (grant.role == PUBLIC || self.is_member(name, &grant.role))
                };
                // The master user owns the databases.
                Scalar::Boolean(name == self.master || self.grants.iter().any(is_it))
            }
            Column::Description => role.comment.clone().map_or(Scalar::Null, Scalar::Text),
        })
    }

    /// Whether a role is the other one, or a member of it by however many steps.
    fn is_member(&self, name: &str, other: &str) -> bool {
        let mut reached = BTreeSet::from([name]);
        let mut next = vec![name];
        while let Some(role) = next.pop().and_then(|name| self.roles.get(name)) {
            next.extend(role.member_of.iter().map(String::as_str).filter(|name| reached.insert(name)));
        }
        reached.contains(other)
    }
}

impl Role {
    fn has(&self, attribute: Attribute) -> bool {
        match attribute {
            Attribute::Login => self.login,
            Attribute::CreateDb => self.create_db,
            Attribute::CreateRole => self.create_role,
        }
    }

    fn set(&mut self, attribute: Attribute, on: bool) {
        match attribute {
            Attribute::Login => self.login = on,
            Attribute::CreateDb => self.create_db = on,
            Attribute::CreateRole => self.create_role = on,
        }
    }
}

/// A privilege that such an object has (PostgreSQL, "Privileges").
fn known(privilege: String, on: &On) -> Result<String, Refusal> {
    let known: &[&str] = match on {
        On::Database(_) => &["CONNECT", "CREATE", "TEMPORARY"],
        On::Schema(_) => &["CREATE", "USAGE"],
    };
    match known.contains(&privilege.as_str()) {
        true => Ok(privilege),
        false => Err(error("22023", format!("unrecognized privilege type: \"{privilege}\""))),
    }
}

fn no_role(name: &str) -> Refusal {
    error("42704", format!("role \"{name}\" does not exist"))
}
