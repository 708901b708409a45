//! Images that the tests make, read and pushed to the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod damage;
mod made;
mod permissions;
mod pushes;
mod registries;
mod sources;
