//! The store in S3, on the embedded AWS.

mod bucket;
mod contract;
mod place;
