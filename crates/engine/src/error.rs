//! What can go wrong in a call to the cloud, classed once.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a failed call means for what happens next. Decided from the error's code and kind, never from its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorClass {
    /// The object does not exist. A delete treats this as done.
    NotFound,
    /// An object with this natural key exists already. A create looks whether it is ours.
    AlreadyExists,
    /// Something else still depends on the object. A delete waits and tries again.
    DependencyViolation,
    /// Too many calls. Nothing happened; wait and send the same call again.
    Throttled,
    /// Something that the call needs exists but is not visible everywhere yet (a new IAM role), or the object, or what it is a
    /// part of, is being changed. Nothing happened; wait and send the same call again, for as long as the kind may take.
    NotYet,
    /// No connection could be made: refused, no such host, no trust in the certificate. Nothing was sent; wait and send
    /// the same call again.
    Unreachable,
    /// The credentials have expired, or can no longer be obtained. Nothing happened, and no further call can succeed until
    /// somebody signs in again.
    Expired,
    /// Not allowed. Nothing happened, and waiting will not help.
    Denied,
    /// The request is wrong, or a limit is reached. Nothing happened, and waiting will not help.
    Invalid,
    /// The object exists but is not ours, or it is no longer what the plan saw. Nothing happened.
    Conflict,
    /// The call may have taken effect: a time-out, a reset connection, a server error.
    Ambiguous,
}

impl ErrorClass {
    /// Whether the cloud surely did nothing.
    #[must_use]
    pub fn is_certain(self) -> bool {
        self != ErrorClass::Ambiguous
    }

    /// Whether sending the same call again later may succeed, and cannot do harm.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self, ErrorClass::Throttled | ErrorClass::NotYet | ErrorClass::Unreachable)
    }
}

/// A failed call to the cloud.
///
/// Reads `CreateVpc: VpcLimitExceeded: The maximum number of VPCs has been reached. (request 4f2…)`.
#[derive(Clone, Debug, PartialEq)]
pub struct CallError {
    /// What it means.
    pub class: ErrorClass,
    /// The call that failed, in the cloud's own spelling.
    pub operation: String,
    /// The cloud's error code, where it gave one.
    pub code: Option<String>,
    /// The cloud's own words, or ours where no answer came.
    pub message: String,
    /// The cloud's id of the request, for its support.
    pub request_id: Option<String>,
}

impl CallError {
    /// An error without code or request id.
    #[must_use]
    pub fn new(class: ErrorClass, operation: impl Into<String>, message: impl Into<String>) -> Self {
        Self { class, operation: operation.into(), code: None, message: message.into(), request_id: None }
    }

    /// The object exists already and does not carry our tags, or is not what the plan saw.
    #[must_use]
    pub fn conflict(operation: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Conflict, operation, message)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.operation)?;
        if let Some(code) = &self.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for CallError {}
