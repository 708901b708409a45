//! A role of PostgreSQL: the words that say what it is and may, the query that reads them, and the statements that change them.

use std::collections::BTreeSet;

use aws_sdk_rdsdata::types::Field;
use serde::{Deserialize, Serialize};

use crate::data_api::{identifier, literal};

/// The schema that every database begins with.
const SCHEMA: &str = "public";
/// What the comment of a role has in it that has been let go.
const RETIRED: &str = "stack:retired=true";

/// What a role may do as such (PostgreSQL, "CREATE ROLE").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RoleAttribute {
    /// Make databases.
    CreateDb,
    /// Make other roles.
    CreateRole,
    /// Log in.
    Login,
}

/// A role of RDS's that another role can be a member of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Members log in with IAM, and with no password.
    RdsIam,
    /// Members may do nearly everything, as the master user.
    RdsSuperuser,
}

/// What a role may do in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DatabasePrivilege {
    /// Connect to it.
    Connect,
    /// Make schemas.
    Create,
}

/// What a role may do in the schema `public`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SchemaPrivilege {
    /// Make tables, which it then owns.
    Create,
    /// Use what is in it, as far as it may.
    Usage,
}

/// Words that are in a set or not.
trait Word: Copy + Ord + 'static {
    const ALL: &'static [Self];
    fn word(self) -> &'static str;
}

macro_rules! words {
    ($of:ident: $($variant:ident => $word:literal),+) => {
        impl Word for $of {
            const ALL: &'static [Self] = &[$($of::$variant),+];
            fn word(self) -> &'static str {
                match self { $($of::$variant => $word),+ }
            }
        }
    };
}

words!(RoleAttribute: CreateDb => "CREATEDB", CreateRole => "CREATEROLE", Login => "LOGIN");
words!(Group: RdsIam => "rds_iam", RdsSuperuser => "rds_superuser");
words!(DatabasePrivilege: Connect => "CONNECT", Create => "CREATE");
words!(SchemaPrivilege: Create => "CREATE", Usage => "USAGE");

/// What a role is and may.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Role {
    pub(super) attributes: BTreeSet<RoleAttribute>,
    pub(super) member_of: BTreeSet<Group>,
    pub(super) database: BTreeSet<DatabasePrivilege>,
    pub(super) schema: BTreeSet<SchemaPrivilege>,
}

/// A role as the database shows it.
#[derive(Clone, Debug)]
pub(super) struct LiveRole {
    pub(super) role: Role,
    pub(super) comment: String,
}

/// The query for the role of a name. Privileges are asked for as they work, whoever has them: the role itself, a role that it is a
/// member of, or everybody.
pub(super) fn query(user: &str, database: &str) -> String {
    let attributes = RoleAttribute::ALL.iter().map(|attribute| {
        let column = match attribute {
            RoleAttribute::CreateDb => "rolcreatedb",
            RoleAttribute::CreateRole => "rolcreaterole",
            RoleAttribute::Login => "rolcanlogin",
        };
        column.to_owned()
    });
    let groups = Group::ALL.iter().map(|group| format!("pg_has_role(rolname, '{}', 'MEMBER')", group.word()));
    let may = |what: &str, of: &str, privilege: &str| {
        format!("has_{what}_privilege(rolname, {}, '{privilege}')", literal(of))
    };
    let in_database =
        DatabasePrivilege::ALL.iter().map(|privilege| may("database", database, privilege.word()));
    let in_schema = SchemaPrivilege::ALL.iter().map(|privilege| may("schema", SCHEMA, privilege.word()));
    let comment = std::iter::once("shobj_description(oid, 'pg_authid')".to_owned());
    let columns: Vec<String> =
        attributes.chain(groups).chain(in_database).chain(in_schema).chain(comment).collect();
    format!("SELECT {} FROM pg_roles WHERE rolname = {}", columns.join(", "), literal(user))
}

/// The answer to [`query`]; `None` where it has another shape.
pub(super) fn read(row: &[Field]) -> Option<LiveRole> {
    let mut fields = row.iter();
    let role = Role {
        attributes: taken(&mut fields)?,
        member_of: taken(&mut fields)?,
        database: taken(&mut fields)?,
        schema: taken(&mut fields)?,
    };
    let comment = fields.next()?.as_string_value().map_or_else(|_| String::new(), Clone::clone);
    Some(LiveRole { role, comment })
}

/// The words that are true.
fn taken<'a, W: Word>(fields: &mut impl Iterator<Item = &'a Field>) -> Option<BTreeSet<W>> {
    let mut words = BTreeSet::new();
    for word in W::ALL {
        if *fields.next()?.as_boolean_value().ok()? {
            words.insert(*word);
        }
    }
    Some(words)
}

impl Role {
    /// The statements that make the role, with this comment.
    pub(super) fn created(&self, user: &str, database: &str, comment: &str) -> Vec<String> {
        let name = identifier(user);
        let mut statements =
            vec![format!("CREATE ROLE {name} WITH {}", self.attributes_in_words()), commented(user, comment)];
        let bare = Self { attributes: self.attributes.clone(), ..Self::default() };
        statements.extend(bare.becomes(self, user, database));
        statements
    }

    /// The statements that bring a role that is like this one to what is wanted. None where it is so.
    pub(super) fn becomes(&self, wanted: &Self, user: &str, database: &str) -> Vec<String> {
        let name = identifier(user);
        let mut statements = Vec::new();
        if self.attributes != wanted.attributes {
            statements.push(format!("ALTER ROLE {name} WITH {}", wanted.attributes_in_words()));
        }
        grants(&mut statements, &self.member_of, &wanted.member_of, "", &name);
        let on = format!(" ON DATABASE {}", identifier(database));
        grants(&mut statements, &self.database, &wanted.database, &on, &name);
        let on = format!(" ON SCHEMA {SCHEMA}");
        grants(&mut statements, &self.schema, &wanted.schema, &on, &name);
        statements
    }

    fn attributes_in_words(&self) -> String {
        let words = RoleAttribute::ALL.iter().map(|attribute| {
            let no = if self.attributes.contains(attribute) { "" } else { "NO" };
            format!("{no}{}", attribute.word())
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

fn grants<W: Word>(
    statements: &mut Vec<String>,
    live: &BTreeSet<W>,
    wanted: &BTreeSet<W>,
    on: &str,
    name: &str,
) {
    for word in wanted.difference(live) {
        statements.push(format!("GRANT {}{on} TO {name}", word.word()));
    }
    for word in live.difference(wanted) {
        statements.push(format!("REVOKE {}{on} FROM {name}", word.word()));
    }
}

fn commented(user: &str, comment: &str) -> String {
    format!("COMMENT ON ROLE {} IS {}", identifier(user), literal(comment))
}

impl LiveRole {
    /// Whether the stack has let it go.
    pub(super) fn is_retired(&self) -> bool {
        self.comment.split_whitespace().any(|word| word == RETIRED)
    }

    /// The statements after which nobody logs in as it any more. What it owns, and may otherwise, stays.
    pub(super) fn retired(&self, user: &str, database: &str) -> Vec<String> {
        let mut wanted = self.role.clone();
        wanted.attributes.clear();
        wanted.member_of.clear();
        let mut statements = self.role.becomes(&wanted, user, database);
        statements.push(commented(user, format!("{} {RETIRED}", self.comment).trim_start()));
        statements
    }

    /// The statements that bring it to what is wanted. None where it is so.
    pub(super) fn becomes(&self, wanted: &Role, user: &str, database: &str) -> Vec<String> {
        let mut statements = self.role.becomes(wanted, user, database);
        if self.is_retired() {
            let words = self.comment.split_whitespace().filter(|word| *word != RETIRED);
            statements.push(commented(user, &words.collect::<Vec<_>>().join(" ")));
        }
        statements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role() -> Role {
        Role {
            attributes: BTreeSet::from([RoleAttribute::Login]),
            member_of: BTreeSet::from([Group::RdsIam]),
            database: BTreeSet::from([DatabasePrivilege::Connect]),
            schema: BTreeSet::from([SchemaPrivilege::Create, SchemaPrivilege::Usage]),
        }
    }

    #[test]
    fn a_new_role_gets_everything_by_name_and_one_that_is_as_wanted_gets_nothing() {
        assert_eq!(
            role().created("app", "payments", "ours"),
            [
                "CREATE ROLE \"app\" WITH NOCREATEDB NOCREATEROLE LOGIN",
                "COMMENT ON ROLE \"app\" IS 'ours'",
                "GRANT rds_iam TO \"app\"",
                "GRANT CONNECT ON DATABASE \"payments\" TO \"app\"",
                "GRANT CREATE ON SCHEMA public TO \"app\"",
                "GRANT USAGE ON SCHEMA public TO \"app\"",
            ]
        );
        assert_eq!(role().becomes(&role(), "app", "payments"), [""; 0]);
    }

    #[test]
    fn what_is_too_much_is_taken_away_and_retiring_is_undone() {
        let mut wrong = role();
        wrong.attributes = BTreeSet::from([RoleAttribute::CreateRole]);
        wrong.member_of = BTreeSet::from([Group::RdsSuperuser]);
        let statements = wrong.becomes(&role(), "app", "payments");
        assert_eq!(
            statements,
            [
                "ALTER ROLE \"app\" WITH NOCREATEDB NOCREATEROLE LOGIN",
                "GRANT rds_iam TO \"app\"",
                "REVOKE rds_superuser FROM \"app\"",
            ]
        );
        let live = LiveRole { role: role(), comment: "a=b c=d".to_owned() };
        assert_eq!(
            live.retired("app", "payments"),
            [
                "ALTER ROLE \"app\" WITH NOCREATEDB NOCREATEROLE NOLOGIN",
                "REVOKE rds_iam FROM \"app\"",
                "COMMENT ON ROLE \"app\" IS 'a=b c=d stack:retired=true'",
            ]
        );
        let retired = LiveRole { role: Role::default(), comment: "a=b c=d stack:retired=true".to_owned() };
        assert!(retired.is_retired());
        assert_eq!(
            retired.becomes(&Role::default(), "app", "payments"),
            ["COMMENT ON ROLE \"app\" IS 'a=b c=d'"]
        );
    }
}
