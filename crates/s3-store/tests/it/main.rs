//! The store in S3, on the embedded AWS.

mod contract;
mod place;
