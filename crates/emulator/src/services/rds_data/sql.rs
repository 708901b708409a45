//! The statements that are understood: those about roles, what they are granted, and one query of them.

use crate::protocol::response::Refusal;

/// What a role may do as such (PostgreSQL, "CREATE ROLE"). Everything else that a role can be given is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    Login,
    CreateDb,
    CreateRole,
    BypassRls,
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
    /// The role's rows of `pg_auth_members`, as the text of a JSON array: role, grantor, whether it may pass it on.
    Memberships,
    /// The role's entries in the list of privileges of an object, in the same way: privilege, grantor, whether it may pass it on.
    Privileges(On),
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
        /// `WITH ADMIN OPTION`, `WITH GRANT OPTION`
        with_option: bool,
        /// `GRANTED BY`
        by: Option<String>,
    },
    Revoke {
        granted: Granted,
        from: String,
        /// `ADMIN OPTION FOR`, `GRANT OPTION FOR`
        option_only: bool,
        by: Option<String>,
        cascade: bool,
    },
    /// `DO`: all of them or none.
    Block(Vec<Statement>),
    /// `SET ROLE`, and `RESET ROLE` as `None`. It holds to the end of its block: here no session outlives a call.
    SetRole(Option<String>),
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
