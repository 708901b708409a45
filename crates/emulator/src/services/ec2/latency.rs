//! How long EC2's kinds take to be made and deleted. Where the numbers are from is said in [`crate::machine::latency`].

use crate::machine::latency::{Latency, latency, spread};

pub(super) const VPC: Latency = latency(spread(1.1, 1.0, 8.0), spread(1.0, 1.0, 2.0));
pub(super) const SUBNET: Latency = latency(spread(1.5, 1.0, 2.0), spread(1.0, 0.5, 60.0));
/// Deleting includes detaching, which is what takes long.
pub(super) const INTERNET_GATEWAY: Latency = latency(spread(1.5, 1.0, 2.0), spread(11.0, 1.0, 66.0));
pub(super) const ADDRESS: Latency = latency(spread(2.4, 1.0, 6.0), spread(1.0, 1.0, 9.0));
pub(super) const NAT_GATEWAY: Latency = latency(spread(105.0, 85.0, 130.0), spread(56.0, 37.0, 79.0));
pub(super) const ROUTE_TABLE: Latency = latency(spread(1.0, 1.0, 5.0), spread(1.0, 1.0, 1.0));
pub(super) const ROUTE: Latency = latency(spread(1.0, 1.0, 2.0), spread(1.0, 0.5, 1.0));
pub(super) const ASSOCIATION: Latency = latency(spread(1.0, 1.0, 2.0), spread(1.0, 1.0, 1.0));
pub(super) const SECURITY_GROUP: Latency = latency(spread(2.0, 1.9, 7.0), spread(1.1, 1.0, 36.0));
/// Deleting: estimate.
pub(super) const GATEWAY_ENDPOINT: Latency = latency(spread(8.0, 5.0, 9.0), spread(10.0, 5.0, 20.0));
/// Estimate.
pub(super) const INTERFACE_ENDPOINT: Latency = latency(spread(75.0, 45.0, 150.0), spread(60.0, 30.0, 120.0));
/// Estimate.
pub(super) const FLOW_LOG: Latency = latency(spread(1.5, 1.0, 3.0), spread(1.0, 1.0, 2.0));

/// Nobody waits longer than this to see an EC2 object that is there (EC2 Developer Guide, "Eventual
/// consistency", gives no number; this one is of the order that clients report).
pub(super) const LONGEST_UNSEEN: f64 = 2.0;
