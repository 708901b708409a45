//! A sample of the matrix.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod audit;
mod changes;
mod configuration;
mod drift;
mod hostile;
mod matrix;
mod race;
