//! EventBridge Scheduler: schedules and their groups. Nothing is called when a schedule is due. What is to be deleted after its
//! last call is, at the time of it.

mod expression;
mod group;
mod joins;
mod schedule;
mod target;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::group::Group;
use self::schedule::Schedule;
use super::{
    ACCOUNT_ID, Answer, Api, Call, Cx, IdSource, Limit, Next, Object, ServiceLimits, Spread, Tags, Tokens,
    rate, refusals, spread, unknown_operation,
};

/// Estimate.
const CALL: Spread = spread(0.5, 0.3, 1.0);
/// How long a client token is good for. AWS publishes nothing; a day is what most services have.
const TOKENS_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Everything in one region.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    groups: BTreeMap<String, Group>,
    /// By group and name.
    schedules: BTreeMap<String, Schedule>,
    tokens: Tokens,
}

impl Api for State {
    const INVALID: &'static str = "ValidationException";
    // EventBridge Scheduler User Guide, "Quotas for EventBridge Scheduler": 50 and more calls a second for schedules, 10
    // for groups.
    const LIMITS: ServiceLimits = ServiceLimits::each(&[
        Limit::of(
            &["CreateScheduleGroup", "GetScheduleGroup", "DeleteScheduleGroup", "ListScheduleGroups"],
            rate(10.0, 10.0),
        ),
        Limit::of(&["TagResource", "UntagResource", "ListTagsForResource"], rate(10.0, 10.0)),
        Limit::any(rate(50.0, 50.0)),
    ])
    .throttled("ThrottlingException", 429);
    const CALLS: &'static [(&'static str, Spread)] =
        &[("CreateSchedule", CALL), ("UpdateSchedule", CALL), ("DeleteSchedule", CALL)];

    fn new(_ids: IdSource, region: &str) -> Self {
        let default = Group::default_of(region);
        State {
            groups: BTreeMap::from([(group::DEFAULT.to_owned(), default)]),
            schedules: BTreeMap::new(),
            tokens: Tokens::default(),
        }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateSchedule" => once(cx, call, schedule::create),
            "GetSchedule" => schedule::get(cx, call),
            "UpdateSchedule" => once(cx, call, schedule::update),
            "DeleteSchedule" => once(cx, call, schedule::delete),
            "ListSchedules" => schedule::list(cx, call),

            "CreateScheduleGroup" => once(cx, call, group::create),
            "GetScheduleGroup" => group::get(cx, call),
            "DeleteScheduleGroup" => once(cx, call, group::delete),
            "ListScheduleGroups" => group::list(cx, call),

            "TagResource" => group::TAGS.tag(cx, call),
            "UntagResource" => group::TAGS.untag(cx, call),
            "ListTagsForResource" => group::TAGS.list(cx, call),
            _ => Err(unknown_operation(call)),
        }
    }

    fn settle(cx: &mut Cx<'_>) {
        let (now_millis, now) = (cx.now_millis, cx.now_seconds());
        cx.r.scheduler.groups.retain(|_, group| Next::due(&mut group.next, now_millis).is_none());
        cx.r.scheduler.schedules.retain(|_, schedule| !schedule.goes_by_itself(now));
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        let kind = "AWS::Scheduler::ScheduleGroup";
        let groups = self.groups.values().filter(|group| !group.is_as_from_the_start()).map(|group| {
            Object::new("scheduler", home, kind, &group.name, group.tags.clone())
                .named(&group.name)
                .by_default(group.is_default())
        });
        let schedules = self.schedules.values().map(|schedule| {
            let object =
                Object::new("scheduler", home, "AWS::Scheduler::Schedule", &schedule.name, Tags::new());
            object.named(&schedule.name).part_of(&schedule.group_name)
        });
        groups.chain(schedules).collect()
    }
}

/// Answers a call with a client token once: the same call again gets the same answer (EventBridge Scheduler API Reference,
/// "ClientToken" of the operations that have one).
fn once(cx: &mut Cx<'_>, call: &Call, operation: impl FnOnce(&mut Cx<'_>, &Call) -> Answer) -> Answer {
    let token = call.parameters.get("ClientToken").and_then(|token| token.as_str());
    let Some(token) = token else {
        return operation(cx, call);
    };
    let other = || conflict("The client token was used for another request.");
    if let Some(answer) = cx.r.scheduler.tokens.look(cx.now_millis, TOKENS_MILLIS, call, token, other)? {
        return Ok(answer);
    }
    let answer = operation(cx, call)?;
    cx.r.scheduler.tokens.note(cx.now_millis, call, token, &answer);
    Ok(answer)
}

fn arn(region: &str, resource: &str) -> String {
    format!("arn:aws:scheduler:{region}:{ACCOUNT_ID}:{resource}")
}

// EventBridge Scheduler API Reference, the errors of each operation.

refusals! {
    invalid: "ValidationException";
    conflict: "ConflictException", 409;
    not_found: "ResourceNotFoundException", 404;
}
