//! Answers over HTTP: does the deployed stack do for its clients what it should?

mod checks;
mod client;
mod endpoints;

pub use checks::checks;
pub use client::{Answer, Client, Header, HttpError, Stage};
pub use endpoints::{Api, Endpoints, LoadBalancer, Unasked};
