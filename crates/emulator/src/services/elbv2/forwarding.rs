//! Which target groups a load balancer may forward to.

use std::collections::BTreeSet;

use super::records::{Action, Rule};
use super::{State, arns, wrong_configuration};
use crate::protocol::response::Refusal;

/// AWS General Reference, "Elastic Load Balancing endpoints and quotas": target groups for an application load balancer.
const MOST_GROUPS: usize = 100;

impl State {
    /// Checks that target groups exist, are in the load balancer's VPC and belong to no other load balancer.
    pub(super) fn check_forwarding(
        &self,
        region: &str,
        actions: &[Action],
        load_balancer_arn: &str,
    ) -> Result<(), Refusal> {
        let load_balancer = arns::find(region, &self.load_balancers, load_balancer_arn)?;
        for arn in actions.iter().flat_map(Action::target_groups) {
            let group = arns::find(region, &self.target_groups, arn)?;
            if group.vpc_id != load_balancer.vpc_id {
                return Err(wrong_configuration(format!(
                    "The following target groups are in a different VPC than load balancer '{load_balancer_arn}': {arn}"
                )));
            }
            if group.load_balancer_arns.iter().any(|other| other != load_balancer_arn) {
                // API Reference, TargetGroup, `LoadBalancerArns`: "You can use each target group with only one load
                // balancer."
                return Err(Refusal::new(
                    "TargetGroupAssociationLimit",
                    format!(
                        "The following target groups cannot be associated with more than one load balancer: {arn}"
                    ),
                ));
            }
        }
        let used = self.rules_of(load_balancer_arn).flat_map(Rule::target_groups);
        let all: BTreeSet<&str> = used.chain(actions.iter().flat_map(Action::target_groups)).collect();
        match all.len() {
            ..=MOST_GROUPS => Ok(()),
            _ => Err(Refusal::new(
                "TooManyUniqueTargetGroupsPerLoadBalancer",
                format!("A load balancer can have {MOST_GROUPS} target groups at most"),
            )),
        }
    }

    /// The rules of all listeners of a load balancer.
    pub(super) fn rules_of(&self, load_balancer_arn: &str) -> impl Iterator<Item = &Rule> {
        self.rules.values().filter(move |rule| {
            let listener = self.listeners.get(&rule.listener_arn);
            listener.is_some_and(|listener| listener.load_balancer_arn == load_balancer_arn)
        })
    }
}
