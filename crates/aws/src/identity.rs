//! Whose objects these are.

/// Whose objects these are. Both go into tags on every object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The project, such as `payment`.
    pub project: String,
    /// The environment, such as `dev`.
    pub environment: String,
}
