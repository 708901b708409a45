//! Where the requests of a listener rule go, and whether somebody answers them there.

use std::collections::BTreeMap;

use aws::{CallResult, Called, Context, ListenerRuleArn};
use engine::CallError;

use super::action::{from_live, gets_requests, group_name};
use super::elb::elb;
use super::listener_rule::by_arn;

/// A target group that gets requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    /// Its name.
    pub group: String,
    /// How many of its targets are healthy.
    pub healthy: usize,
    /// How many others there are, by what the load balancer says of them: `unhealthy (Target.Timeout)`.
    pub others: BTreeMap<String, usize>,
}

/// The target groups that get requests by a rule's weights, as they are now: a deployment of ECS moves them, so that nothing else tells.
/// `None` where there is no such rule. Changes nothing.
///
/// # Errors
/// As the calls fail.
pub async fn serving(cx: &Context, rule: &ListenerRuleArn) -> Result<Option<Vec<Serving>>, CallError> {
    let Some(live) = by_arn(cx, rule).await? else { return Ok(None) };
    let mut all = Vec::new();
    for group in gets_requests(&from_live(live.actions())) {
        let request = elb(cx).describe_target_health().target_group_arn(group.as_str());
        let answer = request.send().await.called("DescribeTargetHealth").if_exists()?;
        let mut serving =
            Serving { group: group_name(&group).to_owned(), healthy: 0, others: BTreeMap::new() };
        for target in answer.iter().flat_map(|answer| answer.target_health_descriptions()) {
            let health = target.target_health();
            let state = health.and_then(|health| health.state()).map_or("unknown", |state| state.as_str());
            match (state, health.and_then(|health| health.reason())) {
                ("healthy", _) => serving.healthy += 1,
                (state, None) => *serving.others.entry(state.to_owned()).or_default() += 1,
                (state, Some(reason)) => {
                    *serving.others.entry(format!("{state} ({})", reason.as_str())).or_default() += 1;
                }
            }
        }
        all.push(serving);
    }
    Ok(Some(all))
}
