//! What time brings to objects: pending ones become available, deleted ones go.
//!
//! States and their order are those of the EC2 API Reference (Vpc, Subnet, NatGateway and VpcEndpoint, `State`). Nothing
//! runs in the background: whoever looks at a region first lets everything happen that has become due.

use super::describe::Record;
use super::latency::LONGEST_UNSEEN;
use super::{Cx, Region};
use crate::machine::latency::Spread;

impl Cx<'_> {
    /// When something that begins now is over; `None` where it takes no time.
    pub(super) fn after(&self, spread: Spread, about: &str) -> Option<i64> {
        if self.latencies.are_off() {
            None
        } else {
            Some(self.now_millis + self.latencies.millis(spread, about))
        }
    }

    /// Until when an object that is made now stays unseen.
    pub(super) fn unseen_until<R: Record>(&self, id: &str) -> Option<i64> {
        if self.latencies.are_off() {
            return None;
        }
        let millis = if R::KIND.starts_pending {
            self.latencies.unseen_early_millis(R::KIND.latency, LONGEST_UNSEEN, id)
        } else {
            self.latencies.unseen_millis(R::KIND.latency, LONGEST_UNSEEN, id)
        };
        Some(self.now_millis + millis)
    }
}

impl Region {
    /// Brings the region to a time: everything happens that has become due.
    pub(super) fn settle(&mut self, now_millis: i64) {
        for (id, next) in self.vpcs.due(now_millis) {
            if let Some(vpc) = self.vpcs.get_mut(&id) {
                vpc.state = next.state;
            }
        }
        for (id, next) in self.subnets.due(now_millis) {
            if let Some(subnet) = self.subnets.get_mut(&id) {
                subnet.state = next.state;
            }
        }
        for (id, next) in self.nat_gateways.due(now_millis) {
            self.nat_gateway_is(&id, &next.state, next.at_millis);
        }
        for (id, next) in self.vpc_endpoints.due(now_millis) {
            self.vpc_endpoint_is(&id, &next.state);
        }
        // These have no states that time changes; they only come into sight.
        self.internet_gateways.due(now_millis);
        self.addresses.due(now_millis);
        self.route_tables.due(now_millis);
        self.security_groups.due(now_millis);
        self.security_group_rules.due(now_millis);
        self.flow_logs.due(now_millis);
        self.network_acls.due(now_millis);
        self.dhcp_options.due(now_millis);
        self.forget_old(now_millis);
    }
}
