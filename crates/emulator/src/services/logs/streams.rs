//! Log streams of a log group.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::events::Event;
use super::{Answer, Cx, invalid, listed, one_group};
use crate::services::{Call, Table};

/// A log stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogStream {
    log_stream_name: String,
    creation_time: i64,
    arn: String,
    /// Always zero (CloudWatch Logs API Reference, LogStream).
    stored_bytes: u64,
    /// In the order of time. State of an earlier version has none.
    #[serde(rename = "_events", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) events: Vec<Event>,
    /// Whether a service of AWS made it for what it writes.
    #[serde(rename = "_ofAService", default, skip_serializing_if = "is_not")]
    is_of_a_service: bool,
}

fn is_not(so: &bool) -> bool {
    !so
}

impl LogStream {
    pub(super) fn new(group_arn: &str, name: String, creation_time: i64) -> Self {
        LogStream {
            arn: format!("{group_arn}:log-stream:{name}"),
            log_stream_name: name,
            creation_time,
            stored_bytes: 0,
            events: Vec::new(),
            is_of_a_service: false,
        }
    }

    pub(super) fn of_a_service(self) -> Self {
        LogStream { is_of_a_service: true, ..self }
    }

    pub(super) fn is_of_a_service(&self) -> bool {
        self.is_of_a_service
    }

    fn last_event(&self) -> Option<i64> {
        self.events.last().map(Event::timestamp)
    }

    /// AWS says when the last event was within an hour ("typically"); here it is said at once.
    fn value(&self) -> Value {
        let mut value = json!(LogStream { events: Vec::new(), ..self.clone() });
        if let (Some(first), Some(last)) = (self.events.first(), self.last_event()) {
            value["firstEventTimestamp"] = first.timestamp().into();
            value["lastEventTimestamp"] = last.into();
            value["lastIngestionTime"] =
                self.events.iter().map(Event::ingestion_time).max().unwrap_or_default().into();
        }
        value
    }
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (log_group_name, log_stream_name): (String, String) =
        call.members(&["logGroupName", "logStreamName"])?;
    let group = cx.r.logs.groups.find_mut(&log_group_name)?;
    group.streams.check_free(&log_stream_name)?;
    let stream = LogStream::new(group.log_group_arn(), log_stream_name.clone(), cx.now_millis);
    group.streams.insert(log_stream_name, stream);
    Ok(Value::Null)
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum OrderBy {
    #[default]
    LogStreamName,
    LastEventTime,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DescribeLogStreams {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    #[serde(default)]
    order_by: OrderBy,
    #[serde(default)]
    descending: bool,
    limit: Option<usize>,
    next_token: Option<String>,
}

/// CloudWatch Logs API Reference, DescribeLogStreams: how the group is named, and that the prefix is for the order by
/// name.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: DescribeLogStreams = call.input()?;
    let name = one_group(cx, given.log_group_name.as_deref(), given.log_group_identifier.as_deref())?;
    if given.order_by == OrderBy::LastEventTime && given.log_stream_name_prefix.is_some() {
        return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let prefix = given.log_stream_name_prefix.as_deref().unwrap_or_default();
    let streams = cx.r.logs.groups.find(name)?.streams.values();
    let streams = streams.filter(|stream| stream.log_stream_name.starts_with(prefix));
    let mut streams: Vec<_> = streams.collect();
    if given.order_by == OrderBy::LastEventTime {
        streams.sort_by_key(|stream| stream.last_event());
    }
    let mut streams: Vec<Value> = streams.into_iter().map(LogStream::value).collect();
    if given.descending {
        streams.reverse();
    }
    listed("logStreams", streams, given.limit, given.next_token.as_deref())
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (log_group_name, log_stream_name): (String, String) =
        call.members(&["logGroupName", "logStreamName"])?;
    let group = cx.r.logs.groups.find_mut(&log_group_name)?;
    group.check_unprotected()?;
    group.streams.take(&log_stream_name)?;
    Ok(Value::Null)
}
