//! A role of PostgreSQL: the words that say what it is and may, the query that reads them, and the statements that change them.

use std::collections::BTreeSet;

use aws_sdk_rdsdata::types::Field;
use serde::{Deserialize, Serialize};

use super::grant::{self, Grant, Right};
use crate::DatabaseRoleName;
use crate::data_api::{identifier, literal};

/// The schema that every database begins with.
pub(super) const SCHEMA: &str = "public";
/// What the comment of a role has in it that has been let go.
const RETIRED: &str = "stack:retired=true";

/// What a role may do as such (PostgreSQL, "CREATE ROLE").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RoleAttribute {
    /// Read all rows of tables that show others only some of them.
    BypassRls,
    /// Make databases.
    CreateDb,
    /// Make other roles.
    CreateRole,
    /// Log in.
    Login,
}

/// Members log in with IAM, and with no password.
pub(crate) const IAM: &str = "rds_iam";
/// Members may do nearly everything, as the master user.
const SUPERUSER: &str = "rds_superuser";

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
pub(super) trait Word: Copy + Ord + 'static {
    const ALL: &'static [Self];
    fn word(self) -> &'static str;
    fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.word() == word)
    }
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

words!(RoleAttribute: BypassRls => "BYPASSRLS", CreateDb => "CREATEDB", CreateRole => "CREATEROLE", Login => "LOGIN");
words!(DatabasePrivilege: Connect => "CONNECT", Create => "CREATE");
words!(SchemaPrivilege: Create => "CREATE", Usage => "USAGE");

/// What a role is and may.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Role {
    pub(super) attributes: BTreeSet<RoleAttribute>,
    pub(super) member_of: BTreeSet<DatabaseRoleName>,
    pub(super) database: BTreeSet<DatabasePrivilege>,
    pub(super) schema: BTreeSet<SchemaPrivilege>,
}

/// A role as the database shows it.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveRole {
    attributes: BTreeSet<RoleAttribute>,
    grants: Vec<Grant>,
    /// What it may in effect, whoever has it: the role itself, one that it is a member of, or everybody. Only what is far too much
    /// for an application is asked for.
    may: Vec<Right>,
    pub(super) comment: String,
}

/// What is asked for in effect.
fn far_too_much() -> [Right; 3] {
    [
        Right::Role(SUPERUSER.to_owned()),
        Right::Database(DatabasePrivilege::Create),
        Right::Schema(SchemaPrivilege::Create),
    ]
}

/// The query for the role of a name.
pub(super) fn query(user: &str, database: &str) -> String {
    let attributes = RoleAttribute::ALL.iter().map(|attribute| {
        let column = match attribute {
            RoleAttribute::BypassRls => "rolbypassrls",
            RoleAttribute::CreateDb => "rolcreatedb",
            RoleAttribute::CreateRole => "rolcreaterole",
            RoleAttribute::Login => "rolcanlogin",
        };
        column.to_owned()
    });
    let may = far_too_much().map(|right| match right {
        Right::Role(role) => format!("pg_has_role(rolname, {}, 'MEMBER')", literal(&role)),
        Right::Database(privilege) => {
            format!("has_database_privilege(rolname, {}, '{}')", literal(database), privilege.word())
        }
        Right::Schema(privilege) => {
            format!("has_schema_privilege(rolname, {}, '{}')", literal(SCHEMA), privilege.word())
        }
    });
    let comment = "shobj_description(oid, 'pg_authid')".to_owned();
    let columns = attributes.chain(may).chain([comment]).chain(grant::columns(database));
    let columns: Vec<String> = columns.collect();
    format!("SELECT {} FROM pg_roles WHERE rolname = {}", columns.join(", "), literal(user))
}

/// The answer to [`query`]; `None` where it has another shape.
pub(super) fn read(row: &[Field]) -> Option<LiveRole> {
    let mut fields = row.iter();
    let mut is_true = || fields.next()?.as_boolean_value().ok().copied();
    let mut attributes = BTreeSet::new();
    for attribute in RoleAttribute::ALL {
        if is_true()? {
            attributes.insert(*attribute);
        }
    }
    let mut may = Vec::new();
    for right in far_too_much() {
        if is_true()? {
            may.push(right);
        }
    }
    let comment = fields.next()?.as_string_value().map_or_else(|_| String::new(), Clone::clone);
    let grants = grant::read(&mut fields)?;
    Some(LiveRole { attributes, grants, may, comment })
}

impl Role {
    /// The statements that make the role, with this comment.
    pub(super) fn created(&self, user: &str, database: &str, comment: &str) -> Vec<String> {
        // To name this one at all, one must have it oneself.
        let named = |it: &RoleAttribute| *it != RoleAttribute::BypassRls || self.attributes.contains(it);
        let named = RoleAttribute::ALL.iter().copied().filter(named);
        let words = self.attributes_in_words(named);
        let mut statements =
            vec![format!("CREATE ROLE {} WITH {words}", identifier(user)), commented(user, comment)];
        let bare = LiveRole { attributes: self.attributes.clone(), ..LiveRole::default() };
        statements.extend(bare.becomes(self, user, database));
        statements
    }

    fn attributes_in_words(&self, attributes: impl Iterator<Item = RoleAttribute>) -> String {
        let words = attributes.map(|attribute| {
            let no = if self.attributes.contains(&attribute) { "" } else { "NO" };
            format!("{no}{}", attribute.word())
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// The statement that gives a role with other attributes these; only those that differ, since not everybody may name each.
    fn altered(&self, live: &BTreeSet<RoleAttribute>, user: &str) -> Option<String> {
        let differing = live.symmetric_difference(&self.attributes).copied();
        let words = self.attributes_in_words(differing);
        (!words.is_empty()).then(|| format!("ALTER ROLE {} WITH {words}", identifier(user)))
    }

    fn rights(&self) -> Vec<Right> {
        let roles = self.member_of.iter().map(|role| Right::Role(role.to_string()));
        let database = self.database.iter().copied().map(Right::Database);
        roles.chain(database).chain(self.schema.iter().copied().map(Right::Schema)).collect()
    }
}

fn commented(user: &str, comment: &str) -> String {
    format!("COMMENT ON ROLE {} IS {}", identifier(user), literal(comment))
}

impl LiveRole {
    /// What it is, and was granted itself.
    pub(super) fn role(&self) -> Role {
        let mut role = Role { attributes: self.attributes.clone(), ..Role::default() };
        for Grant { right, .. } in &self.grants {
            match right {
                Right::Role(name) => drop(role.member_of.insert(name.as_str().into())),
                Right::Database(privilege) => drop(role.database.insert(*privilege)),
                Right::Schema(privilege) => drop(role.schema.insert(*privilege)),
            }
        }
        role
    }

    /// What it may pass on.
    pub(super) fn grant_options(&self, database: &str) -> BTreeSet<String> {
        let grantable = self.grants.iter().filter(|grant| grant.grantable);
        grantable.map(|grant| grant.right.words(database)).collect()
    }

    /// What of [`far_too_much`] it may, though it was not granted itself.
    pub(super) fn inherited(&self, database: &str) -> BTreeSet<String> {
        let inherited = self.may.iter().filter(|right| self.grants.iter().all(|it| it.right != **right));
        inherited.map(|right| right.words(database)).collect()
    }

    /// Whether the stack has let it go.
    pub(super) fn is_retired(&self) -> bool {
        self.comment.split_whitespace().any(|word| word == RETIRED)
    }

    /// The statements after which nobody logs in as it any more. What it owns, and may otherwise, stays.
    pub(super) fn retired(&self, user: &str, database: &str) -> Vec<String> {
        let mut statements: Vec<String> =
            Role::default().altered(&self.attributes, user).into_iter().collect();
        let memberships = self.grants.iter().filter(|grant| matches!(grant.right, Right::Role(_)));
        statements.extend(memberships.map(|grant| grant.revoked(user, database)));
        statements.push(commented(user, format!("{} {RETIRED}", self.comment).trim_start()));
        statements
    }

    /// The statements that bring it to what is wanted. None where it is so.
    pub(super) fn becomes(&self, wanted: &Role, user: &str, database: &str) -> Vec<String> {
        let mut statements: Vec<String> = wanted.altered(&self.attributes, user).into_iter().collect();
        let rights = wanted.rights();
        let missing = rights.iter().filter(|right| self.grants.iter().all(|it| it.right != **right));
        statements.extend(missing.map(|right| right.granted(user, database)));
        for grant in &self.grants {
            match (rights.contains(&grant.right), grant.grantable) {
                (true, false) => {}
                (true, true) => statements.push(grant.kept_to_itself(user, database)),
                (false, _) => statements.push(grant.revoked(user, database)),
            }
        }
        if self.is_retired() {
            let words = self.comment.split_whitespace().filter(|word| *word != RETIRED);
            statements.push(commented(user, &words.collect::<Vec<_>>().join(" ")));
        }
        statements
    }

    /// What is not as wanted, although the statements that should have made it so were accepted.
    pub(super) fn without_effect(&self, wanted: &Role, user: &str, database: &str) -> Option<String> {
        let left = self.becomes(wanted, user, database);
        let statements = left.join("; ");
        let rights = wanted.rights();
        let foreign = self.grants.iter().filter(|grant| grant.grantable || !rights.contains(&grant.right));
        let by: Vec<String> = foreign
            .map(|Grant { right, grantor, .. }| format!("{} was granted by {grantor}", right.words(database)))
            .collect();
        (!left.is_empty()).then(|| {
            format!(
                "the database accepted these statements, but they had no effect: {statements}. Only the role that granted something \
                 can take it back ({}): run them as that role, then run again",
                by.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role() -> Role {
        Role {
            attributes: BTreeSet::from([RoleAttribute::Login]),
            member_of: BTreeSet::from([IAM.into()]),
            database: BTreeSet::from([DatabasePrivilege::Connect]),
            schema: BTreeSet::from([SchemaPrivilege::Create, SchemaPrivilege::Usage]),
        }
    }

    fn grant(right: Right, grantor: &str, grantable: bool) -> Grant {
        Grant { right, grantor: grantor.to_owned(), grantable }
    }

    fn live() -> LiveRole {
        let grants = role().rights().into_iter().map(|right| grant(right, "owner", false));
        LiveRole { attributes: role().attributes, grants: grants.collect(), ..LiveRole::default() }
    }

    #[test]
    fn a_new_role_gets_everything_by_name_and_one_that_is_as_wanted_gets_nothing() {
        assert_eq!(
            role().created("app", "payments", "ours"),
            [
                "CREATE ROLE \"app\" WITH NOCREATEDB NOCREATEROLE LOGIN",
                "COMMENT ON ROLE \"app\" IS 'ours'",
                "GRANT \"rds_iam\" TO \"app\"",
                "GRANT CONNECT ON DATABASE \"payments\" TO \"app\"",
                "GRANT CREATE ON SCHEMA public TO \"app\"",
                "GRANT USAGE ON SCHEMA public TO \"app\"",
            ]
        );
        assert_eq!(live().role(), role());
        assert_eq!(live().becomes(&role(), "app", "payments"), [""; 0]);
        assert_eq!(live().without_effect(&role(), "app", "payments"), None);
    }

    #[test]
    fn what_is_too_much_is_taken_away_from_whoever_granted_it() {
        let superuser = || Right::Role(SUPERUSER.to_owned());
        let mut wrong = live();
        wrong.attributes = BTreeSet::from([RoleAttribute::BypassRls]);
        wrong.grants[0].grantable = true;
        wrong.grants[1].grantable = true;
        wrong.grants.push(grant(superuser(), "owner", true));
        wrong.grants.push(grant(superuser(), "o\"ps", false));
        wrong.grants.push(grant(superuser(), "rdsadmin", false));
        wrong.grants.push(grant(Right::Database(DatabasePrivilege::Create), "ops", false));
        assert_eq!(
            wrong.becomes(&role(), "app", "payments"),
            [
                "ALTER ROLE \"app\" WITH NOBYPASSRLS LOGIN",
                "REVOKE ADMIN OPTION FOR \"rds_iam\" FROM \"app\" GRANTED BY \"owner\"",
                "REVOKE GRANT OPTION FOR CONNECT ON DATABASE \"payments\" FROM \"app\"",
                "REVOKE \"rds_superuser\" FROM \"app\" GRANTED BY \"owner\"",
                "REVOKE \"rds_superuser\" FROM \"app\" GRANTED BY \"o\"\"ps\"",
                "REVOKE \"rds_superuser\" FROM \"app\"",
                "REVOKE CREATE ON DATABASE \"payments\" FROM \"app\"",
            ]
        );
        let options = ["CONNECT ON DATABASE payments", "rds_iam", "rds_superuser"];
        assert_eq!(wrong.grant_options("payments"), options.map(str::to_owned).into());
    }

    #[test]
    fn what_comes_from_elsewhere_is_told_and_not_taken_away() {
        let role = Role { schema: BTreeSet::new(), ..role() };
        let mut live = live();
        live.grants.retain(|grant| !matches!(grant.right, Right::Schema(_)));
        live.may = vec![Right::Role(SUPERUSER.to_owned()), Right::Schema(SchemaPrivilege::Create)];
        let inherited = ["CREATE ON SCHEMA public", "rds_superuser"];
        assert_eq!(live.inherited("payments"), inherited.map(str::to_owned).into());
        assert_eq!(live.becomes(&role, "app", "payments"), [""; 0]);
    }

    #[test]
    fn what_is_retired_logs_in_no_more_and_comes_back() {
        let live = LiveRole { comment: "a=b c=d".to_owned(), ..live() };
        assert_eq!(
            live.retired("app", "payments"),
            [
                "ALTER ROLE \"app\" WITH NOLOGIN",
                "REVOKE \"rds_iam\" FROM \"app\" GRANTED BY \"owner\"",
                "COMMENT ON ROLE \"app\" IS 'a=b c=d stack:retired=true'",
            ]
        );
        let retired = LiveRole { comment: "a=b c=d stack:retired=true".to_owned(), ..LiveRole::default() };
        assert!(retired.is_retired());
        assert_eq!(
            retired.becomes(&Role::default(), "app", "payments"),
            ["COMMENT ON ROLE \"app\" IS 'a=b c=d'"]
        );
    }
}
