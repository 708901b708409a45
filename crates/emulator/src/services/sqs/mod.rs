//! SQS: queues. Messages are counted, and nobody receives them.

mod attributes;
mod message_attributes;
mod policy;
mod queue;
mod send;
mod tags;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use self::queue::Queue;
pub(crate) use self::send::is_message_id;
use self::tags::TAGS;
use super::{
    ACCOUNT_ID, Answer, Api, Call, Cx, IdSource, Object, Refusal, ServiceLimits, Spread, Table, kinds,
    spread, unknown_operation,
};

/// How long the name of a deleted queue is held (SQS API Reference, DeleteQueue).
const HELD_MILLIS: i64 = 60_000;

/// The queues of one region, by name.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    ids: IdSource,
    queues: BTreeMap<String, Queue>,
    /// When queues were deleted whose names are held, in milliseconds since 1970.
    deleted: BTreeMap<String, i64>,
}

impl State {
    /// A queue, by its ARN.
    pub(crate) fn queue_by_arn(&self, arn: &str) -> Option<&Queue> {
        self.queues.values().find(|queue| queue.arn() == arn)
    }

    /// A queue, by its URL. The end point in the URL may be any; the account is ours
    /// (SQS Developer Guide, "Queue URLs"). The name alone is accepted (recorded from real AWS).
    fn find(&self, url: &str) -> Result<&Queue, Refusal> {
        self.queues.find(name_in(url)?)
    }

    fn find_mut(&mut self, url: &str) -> Result<&mut Queue, Refusal> {
        self.queues.find_mut(name_in(url)?)
    }
}

fn name_in(url: &str) -> Result<&str, Refusal> {
    let mut parts = url.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some(name), Some(ACCOUNT_ID)) => Ok(name),
        (Some(_), Some(_)) => Err(no_queue()),
        (Some(name), None) if !name.is_empty() => Ok(name),
        _ => {
            Err(Refusal::new("InvalidAddress", format!("The address {url} is not valid for this endpoint.")))
        }
    }
}

kinds! {
    Queue: |_| no_queue();
}

impl Api for State {
    // The model of SQS has no lengths and ranges: what it can refuse are names of attributes.
    const INVALID: &'static str = "InvalidAttributeName";
    const MISSING: &'static str = "MissingParameter";
    // SQS publishes no limit for operations on queues.
    const LIMITS: ServiceLimits = ServiceLimits::each(&[]).throttled("RequestThrottled", 403);
    /// Estimate.
    const CALLS: &'static [(&'static str, Spread)] =
        &[("CreateQueue", spread(0.5, 0.3, 1.0)), ("DeleteQueue", spread(0.5, 0.3, 1.0))];

    fn new(ids: IdSource, _region: &str) -> Self {
        State { ids, queues: BTreeMap::new(), deleted: BTreeMap::new() }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateQueue" => queue::create(cx, call),
            "DeleteQueue" => queue::delete(cx, call),
            "GetQueueUrl" => cx.r.sqs.get_queue_url(call),
            "ListQueues" => cx.r.sqs.list_queues(call),
            "GetQueueAttributes" => queue::get_attributes(cx, call),
            "SetQueueAttributes" => queue::set_attributes(cx, call),

            "SendMessage" => send::send(cx, call),

            "TagQueue" => TAGS.tag(cx, call),
            "UntagQueue" => TAGS.untag(cx, call),
            "ListQueueTags" => TAGS.list(cx, call),

            _ => Err(unknown_operation(call)),
        }
    }

    fn settle(cx: &mut Cx<'_>) {
        let now_millis = cx.now_millis;
        let State { queues, deleted, .. } = &mut cx.r.sqs;
        deleted.retain(|_, at| now_millis - *at < HELD_MILLIS);
        queues.values_mut().for_each(|queue| queue.forget_old_messages(now_millis));
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        self.queues.values().map(|queue| queue.object(home)).collect()
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterValue", message)
}

fn no_queue() -> Refusal {
    Refusal::new("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}
