//! Whether requests are answered while something changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws::tags;
use emulator::{Call, Layer, Next, Reply};
use serde_json::Value as Json;
use tokio::time::Instant;

use crate::world::REGION;

/// Looks after each call, inside its turn, whether a healthy target is behind the production rule.
#[derive(Clone, Default)]
pub(super) struct Traffic(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    down_since: Option<Instant>,
    down: Duration,
    interruptions: usize,
    after: Option<String>,
}

/// How long nobody answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Outage {
    pub(super) seconds: u64,
    pub(super) interruptions: usize,
    /// The call after which it began for the first time.
    pub(super) after: Option<String>,
}

impl Traffic {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn outage(&self) -> Outage {
        let seen = self.seen();
        let seconds = seen.down.as_secs() + u64::from(seen.down.subsec_nanos() > 0);
        Outage { seconds, interruptions: seen.interruptions, after: seen.after.clone() }
    }
}

#[async_trait]
impl Layer for Traffic {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        let reply = next.run(call).await;
        let state = next.world().state("elasticloadbalancing", REGION).await;
        let answers = state.is_ok_and(|state| state.is_some_and(|state| is_served(&state)));
        let now = Instant::now();
        let mut seen = self.seen();
        match (answers, seen.down_since) {
            (true, Some(since)) => {
                seen.down += now - since;
                seen.down_since = None;
            }
            (false, Some(since)) => {
                seen.down += now - since;
                seen.down_since = Some(now);
            }
            (false, None) => {
                seen.down_since = Some(now);
                seen.interruptions += 1;
                seen.after.get_or_insert_with(|| format!("{}:{}", call.service, call.operation));
            }
            (true, None) => {}
        }
        reply
    }
}

/// Whether a load balancer that is active has a production rule with a target that is not draining behind it.
fn is_served(state: &Json) -> bool {
    let all = |of: &str| state[of].as_object().into_iter().flat_map(|records| records.values());
    let is_up = |rule: &Json| {
        let listener = all("listeners").find(|one| one["ListenerArn"] == rule["_listenerArn"]);
        let balancer = listener.and_then(|listener| {
            all("load_balancers").find(|one| one["LoadBalancerArn"] == listener["LoadBalancerArn"])
        });
        balancer.is_some_and(|balancer| balancer["State"]["Code"] == "active")
    };
    let has_target = |group: &Json| {
        let weighs = group["Weight"].as_i64().unwrap_or(1) > 0;
        let found = all("target_groups").find(|one| one["TargetGroupArn"] == group["TargetGroupArn"]);
        let targets = found.and_then(|found| found["_targets"].as_array()).into_iter().flatten();
        weighs && targets.into_iter().any(|target| target["_goneAtMillis"].is_null())
    };
    let answers = |rule: &&Json| {
        let actions = rule["Actions"].as_array().into_iter().flatten();
        let mut groups = actions
            .flat_map(|action| action["ForwardConfig"]["TargetGroups"].as_array().into_iter().flatten());
        is_up(rule) && groups.any(has_target)
    };
    all("rules")
        .filter(|rule| rule["_tags"][tags::ADDRESS] == "alb/production-rule")
        .any(|rule| answers(&rule))
}
