//! What a role of PostgreSQL was granted itself: memberships in other roles, and privileges on its database and schema.
//!
//! Not what it may in effect, to which other roles and everybody add: only what was granted to the role itself can be taken from it.

use aws_sdk_rdsdata::types::Field;

use super::role::{DatabasePrivilege, SCHEMA, SchemaPrivilege, Word};
use crate::data_api::{identifier, literal};

/// What makes the roles of RDS. Nobody but AWS has its privileges.
const RDS: &str = "rdsadmin";

/// What can be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// Membership in a role.
    Role(String),
    Database(DatabasePrivilege),
    Schema(SchemaPrivilege),
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) right: Right,
    /// Of one right there may be several grants, each of another role (PostgreSQL; of memberships since 16).
    pub(super) grantor: String,
    /// Whether the role may pass it on: `WITH ADMIN OPTION`, `WITH GRANT OPTION`.
    pub(super) grantable: bool,
}

impl Right {
    /// For people.
    pub(super) fn words(&self, database: &str) -> String {
        match self {
            Right::Role(role) => role.clone(),
            Right::Database(privilege) => format!("{} ON DATABASE {database}", privilege.word()),
            Right::Schema(privilege) => format!("{} ON SCHEMA {SCHEMA}", privilege.word()),
        }
    }

    fn sql(&self, database: &str) -> String {
        match self {
            Right::Role(role) => identifier(role),
            Right::Database(_) => self.words(&identifier(database)),
            Right::Schema(_) => self.words(database),
        }
    }

    pub(super) fn granted(&self, user: &str, database: &str) -> String {
        format!("GRANT {} TO {}", self.sql(database), identifier(user))
    }
}

impl Grant {
    /// Takes it back.
    pub(super) fn revoked(&self, user: &str, database: &str) -> String {
        format!("REVOKE {} FROM {}{}", self.right.sql(database), identifier(user), self.by())
    }

    /// Takes back that it may be passed on.
    pub(super) fn kept_to_itself(&self, user: &str, database: &str) -> String {
        let option = match self.right {
            Right::Role(_) => "ADMIN",
            Right::Database(_) | Right::Schema(_) => "GRANT",
        };
        let (right, user) = (self.right.sql(database), identifier(user));
        format!("REVOKE {option} OPTION FOR {right} FROM {user}{}", self.by())
    }

    /// Whose grant is meant. Without it PostgreSQL means the master user's alone, and says nothing where that has made none. Of
    /// privileges nobody else's can be meant; of what RDS itself has granted, RDS decides who may take it back.
    fn by(&self) -> String {
        match self.right {
            Right::Role(_) if self.grantor != RDS => format!(" GRANTED BY {}", identifier(&self.grantor)),
            _ => String::new(),
        }
    }
}

/// The columns that list what a role of `pg_roles` was granted: each the text of a JSON array, of what, by whom, and whether it may be
/// passed on; or nothing.
pub(super) fn columns(database: &str) -> [String; 3] {
    let listed = |what: &str, option: &str, from: &str| {
        format!(
            "(SELECT CAST(json_agg(json_build_array({what}, pg_get_userbyid(grantor), {option})) AS text) FROM {from} = \
             pg_roles.oid)"
        )
    };
    let privileges = |table: &str, list: &str, name: &str, of: &str| {
        let from = format!("{table}, aclexplode({list}) WHERE {name} = {} AND grantee", literal(of));
        listed("privilege_type", "is_grantable", &from)
    };
    [
        listed("pg_get_userbyid(roleid)", "admin_option", "pg_auth_members WHERE member"),
        privileges("pg_database", "datacl", "datname", database),
        privileges("pg_namespace", "nspacl", "nspname", SCHEMA),
    ]
}

/// The answer in those columns; `None` where it has another shape.
pub(super) fn read<'a>(fields: &mut impl Iterator<Item = &'a Field>) -> Option<Vec<Grant>> {
    let mut grants = Vec::new();
    let kinds: [fn(String) -> Option<Right>; 3] = [
        |role| Some(Right::Role(role)),
        // Others, such as TEMPORARY, everybody has.
        |word| DatabasePrivilege::of(&word).map(Right::Database),
        |word| SchemaPrivilege::of(&word).map(Right::Schema),
    ];
    for right in kinds {
        let rows: Vec<(String, String, bool)> = match fields.next()? {
            Field::IsNull(_) => Vec::new(),
            field => serde_json::from_str(field.as_string_value().ok()?).ok()?,
        };
        let rows = rows.into_iter().filter_map(|(what, grantor, grantable)| {
            right(what).map(|right| Grant { right, grantor, grantable })
        });
        grants.extend(rows);
    }
    Some(grants)
}
