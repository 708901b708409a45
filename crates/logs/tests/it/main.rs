//! The logs tier, declared and on the embedded AWS.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod declaration;
mod life;
mod protection;
