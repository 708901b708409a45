//! The roles of a cluster, what they were granted ([`grants`]), and the statements that change both.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::grants::{self, Grant, Membership, dependent, known};
use super::sql::{Attribute, Column, Granted, On, Scalar, Statement, error};
use crate::protocol::response::{Refusal, ensure, refuse_if};

/// Every role is a member of it, without being one (PostgreSQL, "GRANT").
const PUBLIC: &str = "public";
/// The master user is a member of it (Aurora User Guide, "The rds_superuser role").
const SUPERUSER: &str = "rds_superuser";
/// Members log in with IAM (Aurora User Guide, "Creating a database account using IAM authentication").
const IAM: &str = "rds_iam";
/// The roles that RDS makes, which its users cannot alter.
const OWN: [&str; 6] = ["rds_ad", IAM, "rds_password", "rds_replication", SUPERUSER, ADMIN];
/// What makes them is this one, as which nobody but AWS logs in.
const ADMIN: &str = "rdsadmin";
/// The schema that every database begins with.
const SCHEMA: &str = "public";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Role {
    login: bool,
    create_db: bool,
    create_role: bool,
    /// PostgreSQL: a role that has it itself can give it. Whether the master user has it is not known; here it may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    bypass_rls: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    member_of: BTreeSet<Membership>,
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
        let by_rds = Membership { role: SUPERUSER.to_owned(), grantor: Some(ADMIN.to_owned()), admin: true };
        let member_of = BTreeSet::from([by_rds]);
        let role = Role { login: true, create_db: true, create_role: true, member_of, ..Role::default() };
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
                grantor: None,
                grantable: false,
            })
        };
        let grants = databases.iter().flat_map(everybodys).collect();
        Database { master, databases, roles, grants }
    }

    /// Refuses the master user's password once the master user logs in with IAM (Aurora User Guide, "Creating a database account
    /// using IAM authentication": IAM authentication takes precedence over password authentication).
    pub(super) fn check_login(&self, master: &str) -> Result<(), Refusal> {
        refuse_if(self.is_member(&self.master, IAM), || {
            let message = format!("PAM authentication failed for user \"{master}\"");
            Refusal::new("DatabaseErrorException", format!("FATAL: {message}; SQLState: 28000"))
        })
    }

    /// The database that a statement is sent to.
    pub(super) fn connected<'a>(&self, asked: Option<&'a str>) -> Result<&'a str, Refusal> {
        let name = asked.filter(|name| !name.is_empty()).unwrap_or("postgres");
        ensure(self.databases.contains(name), || {
            error("3D000", format!("database \"{name}\" does not exist"))
        })?;
        Ok(name)
    }

    /// Does what a statement says, and gives the rows that it asks for. After an error, the roles are not what they were.
    pub(super) fn run(&mut self, connected: &str, statement: Statement) -> Result<Vec<Vec<Scalar>>, Refusal> {
        match statement {
            Statement::Select { columns, role } => self.select(connected, &columns, role.as_deref()),
            Statement::Block(statements) => {
                // `None` is the master user.
                let mut current = None;
                for statement in statements {
                    self.change(connected, statement, &mut current)?;
                }
                Ok(Vec::new())
            }
            statement => self.change(connected, statement, &mut None).map(|()| Vec::new()),
        }
    }

    /// Does what a statement says, as the current role.
    fn change(
        &mut self,
        connected: &str,
        statement: Statement,
        current: &mut Option<String>,
    ) -> Result<(), Refusal> {
        match statement {
            Statement::Select { .. } | Statement::Block(_) => {
                return Err(error("0A000", "the emulator does not understand this in a block"));
            }
            Statement::CreateRole { role, attributes } => self.create(role, &attributes)?,
            Statement::AlterRole { role, attributes } => {
                let role = self.own(&role)?;
                attributes.iter().for_each(|(attribute, on)| role.set(*attribute, *on));
            }
            Statement::DropRole { role } => self.drop_role(&role)?,
            Statement::CommentOnRole { role, text } => self.own(&role)?.comment = text,
            Statement::SetRole(role) => {
                if let Some(role) = role.as_deref().filter(|role| !self.is_member(&self.master, role)) {
                    return Err(error("42501", format!("permission denied to set role \"{role}\"")));
                }
                *current = role.filter(|role| *role != self.master);
            }
            Statement::Grant { granted: Granted::Roles(roles), to, with_option, by } => {
                let by = self.grantor(by, current.as_deref(), "grant privileges as")?;
                roles.iter().try_for_each(|role| self.join(role, &to, with_option, by.as_deref()))?;
            }
            Statement::Revoke { granted: Granted::Roles(roles), from, option_only, by, cascade } => {
                let by = self.grantor(by, current.as_deref(), "revoke privileges granted by")?;
                for role in roles {
                    self.role(&role)?;
                    self.own(&from)?;
                    self.leave(&role, &from, by.as_deref(), option_only, cascade)?;
                }
            }
            Statement::Grant { granted: Granted::Privileges(privileges, on), to, with_option, by } => {
                self.check_is_current(by, current.as_deref())?;
                for grant in self.grants_of(connected, privileges, &on, &to, current.as_deref())? {
                    self.check_may_pass_on(&grant)?;
                    grants::grant(&mut self.grants, Grant { grantable: with_option, ..grant });
                }
            }
            Statement::Revoke {
                granted: Granted::Privileges(privileges, on),
                from,
                option_only,
                by,
                cascade,
            } => {
                self.check_is_current(by, current.as_deref())?;
                for grant in self.grants_of(connected, privileges, &on, &from, current.as_deref())? {
                    grants::revoke(&mut self.grants, &grant, option_only, cascade)?;
                }
            }
        }
        Ok(())
    }

    /// Who grants or takes back: the current role, or one whose privileges it has.
    fn grantor(
        &self,
        by: Option<String>,
        current: Option<&str>,
        what: &str,
    ) -> Result<Option<String>, Refusal> {
        let Some(by) = by else { return Ok(current.map(str::to_owned)) };
        self.role(&by)?;
        ensure(self.is_member(current.unwrap_or(&self.master), &by), || {
            error("42501", format!("permission denied to {what} role \"{by}\""))
        })?;
        Ok(Some(by).filter(|by| *by != self.master))
    }

    /// Of privileges, the grantor can only be the current role.
    fn check_is_current(&self, by: Option<String>, current: Option<&str>) -> Result<(), Refusal> {
        ensure(by.is_none_or(|by| by == current.unwrap_or(&self.master)), || {
            error("0A000", "grantor must be current user")
        })
    }

    /// Refuses a grant by a role that may not pass the privilege on.
    fn check_may_pass_on(&self, new: &Grant) -> Result<(), Refusal> {
        let Some(grantor) = &new.grantor else { return Ok(()) };
        let may = |grant: &Grant| grant.is_of(new) && grant.role == *grantor && grant.grantable;
        ensure(self.grants.iter().any(may), || {
            error("42501", format!("permission denied for {}", new.database))
        })
    }

    /// Makes a role a member of another one.
    fn join(&mut self, role: &str, member: &str, admin: bool, by: Option<&str>) -> Result<(), Refusal> {
        self.role(role)?;
        self.own(member)?;
        if self.is_member(role, member) {
            return Err(error("0LP01", format!("role \"{member}\" is a member of role \"{role}\"")));
        }
        if let Some(by) = by.filter(|by| !self.may_administer(by, role)) {
            return Err(error("42501", format!("permission denied to grant privileges as role \"{by}\"")));
        }
        let member_of = &mut self.own(member)?.member_of;
        let is_it = |membership: &Membership| membership.is_by(role, by);
        let admin = admin || member_of.iter().any(|membership| is_it(membership) && membership.admin);
        member_of.retain(|membership| !is_it(membership));
        member_of.insert(Membership { role: role.to_owned(), grantor: by.map(str::to_owned), admin });
        Ok(())
    }

    /// Ends what one grantor has granted. What another one has granted stays.
    fn leave(
        &mut self,
        role: &str,
        member: &str,
        by: Option<&str>,
        option_only: bool,
        cascade: bool,
    ) -> Result<(), Refusal> {
        let Some(found) = self.roles.get_mut(member) else { return Ok(()) };
        let known = found.member_of.iter().find(|membership| membership.is_by(role, by)).cloned();
        let Some(known) = known else { return Ok(()) };
        found.member_of.remove(&known);
        if option_only {
            found.member_of.insert(Membership { admin: false, ..known.clone() });
        }
        if !known.admin || self.may_administer(member, role) {
            return Ok(());
        }
        let passed_on = |found: &Role| found.member_of.iter().any(|it| it.is_by(role, Some(member)));
        let others = self.roles.iter().filter(|(_, found)| passed_on(found));
        let others: Vec<String> = others.map(|(name, _)| name.clone()).collect();
        refuse_if(!others.is_empty() && !cascade, dependent)?;
        others.iter().try_for_each(|other| self.leave(role, other, Some(member), false, true))
    }

    /// Whether a role was granted another one with the admin option.
    fn may_administer(&self, member: &str, role: &str) -> bool {
        let member_of = self.roles.get(member).into_iter().flat_map(|found| &found.member_of);
        member_of.into_iter().any(|membership| membership.role == role && membership.admin)
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
        let granted = |role: &Role| role.member_of.iter().any(|it| it.grantor.as_deref() == Some(name));
        if self.grants.iter().any(|grant| grant.role == name || grant.grantor.as_deref() == Some(name))
            || self.roles.values().any(granted)
        {
            let message = format!("role \"{name}\" cannot be dropped because some objects depend on it");
            return Err(error("2BP01", message));
        }
        self.roles.remove(name);
        self.roles.values_mut().for_each(|role| {
            role.member_of.retain(|membership| membership.role != name);
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
        current: Option<&str>,
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
            grantor: current.map(str::to_owned),
            grantable: false,
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
            Column::Memberships => self.listed(role.member_of.iter().map(|membership| {
                (membership.role.as_str(), membership.grantor.as_deref(), membership.admin)
            })),
            Column::Privileges(on) => {
                let (database, schema) = self.place(connected, on)?;
                let is_its = |grant: &&Grant| {
                    grant.role == name && (&grant.database, &grant.schema) == (&database, &schema)
                };
                let grants = self.grants.iter().filter(is_its);
                self.listed(
                    grants.map(|grant| (grant.privilege.as_str(), grant.grantor.as_deref(), grant.grantable)),
                )
            }
        })
    }

    /// What was granted, by whom, and whether it may be passed on, as the text of a JSON array; without any, nothing.
    fn listed<'a>(&'a self, granted: impl Iterator<Item = (&'a str, Option<&'a str>, bool)>) -> Scalar {
        let rows: Vec<_> = granted
            .map(|(what, grantor, option)| json!([what, grantor.unwrap_or(&self.master), option]))
            .collect();
        if rows.is_empty() { Scalar::Null } else { Scalar::Text(serde_json::Value::from(rows).to_string()) }
    }

    /// Whether a role is the other one, or a member of it by however many steps.
    fn is_member(&self, name: &str, other: &str) -> bool {
        let mut reached = BTreeSet::from([name]);
        let mut next = vec![name];
        while let Some(role) = next.pop().and_then(|name| self.roles.get(name)) {
            let roles = role.member_of.iter().map(|membership| membership.role.as_str());
            next.extend(roles.filter(|name| reached.insert(name)));
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
            Attribute::BypassRls => self.bypass_rls,
        }
    }

    fn set(&mut self, attribute: Attribute, on: bool) {
        match attribute {
            Attribute::Login => self.login = on,
            Attribute::CreateDb => self.create_db = on,
            Attribute::CreateRole => self.create_role = on,
            Attribute::BypassRls => self.bypass_rls = on,
        }
    }
}

fn no_role(name: &str) -> Refusal {
    error("42704", format!("role \"{name}\" does not exist"))
}
