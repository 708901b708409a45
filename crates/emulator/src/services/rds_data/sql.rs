//! The statements that are understood: those about roles, what they are granted, and one query of them.

use crate::response::Refusal;

/// What a role may do as such (PostgreSQL, "CREATE ROLE"). Everything else that a role can be given is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    Login,
    CreateDb,
    CreateRole,
}

/// What privileges are granted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum On {
    Database(String),
    /// A schema of the database that the statement is sent to.
    Schema(String),
}

/// What is granted, or taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Granted {
    Roles(Vec<String>),
    Privileges(Vec<String>, On),
}

/// What is asked of each role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    Has(Attribute),
    /// `pg_has_role(rolname, 'ROLE', 'MEMBER')`
    MemberOf(String),
    /// `has_database_privilege` and `has_schema_privilege`
    May(String, On),
    /// `shobj_description(oid, 'pg_authid')`
    Description,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    CreateRole {
        role: String,
        attributes: Vec<(Attribute, bool)>,
    },
    AlterRole {
        role: String,
        attributes: Vec<(Attribute, bool)>,
    },
    DropRole {
        role: String,
    },
    CommentOnRole {
        role: String,
        text: Option<String>,
    },
    Grant {
        granted: Granted,
        to: String,
    },
    Revoke {
        granted: Granted,
        from: String,
    },
    /// `DO`: all of them or none.
    Block(Vec<Statement>),
    /// Of `pg_roles`, all or the one of a name.
    Select {
        columns: Vec<Column>,
        role: Option<String>,
    },
}

/// A value in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Null,
    Boolean(bool),
    Text(String),
}

/// An error of PostgreSQL, as the Data API passes it on. The state is one of PostgreSQL's "Error Codes".
pub(super) fn error(state: &str, message: impl std::fmt::Display) -> Refusal {
    Refusal::new("DatabaseErrorException", format!("ERROR: {message}; SQLState: {state}"))
}
