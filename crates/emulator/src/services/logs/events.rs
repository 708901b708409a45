//! Log events of a stream: put in batches, never changed, gone only with their stream or when their group keeps them no
//! longer.
//!
//! The rules are those of the CloudWatch Logs API Reference, PutLogEvents and GetLogEvents (as of 2026, when an event could
//! have 1 MB; it was 256 KB before). Sequence tokens are accepted and ignored, as there. Entities, which only group events on
//! a console page, and data protection (`unmask`) are not modelled.
//!
//! The references promise nothing about when an event that was accepted is shown. With latency it takes a few seconds.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::streams::LogStream;
use super::{Answer, Cx, invalid, one_group};
use crate::services::{Call, Spread, Table, spread};

/// From the call that puts events until they are read. Estimate: AWS gives no number.
const SHOWN: Spread = spread(4.0, 1.0, 8.0);

const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
pub(super) const DAY: i64 = 24 * HOUR;

/// What a batch may have in all: its messages, and [`OVERHEAD`] for each event. So no event is longer either.
const BATCH_AT_MOST: usize = 1_048_576;
const OVERHEAD: usize = 26;
/// Events that a page has at the most, and their bytes.
pub(super) const PAGE: usize = 10_000;
pub(super) const PAGE_BYTES: usize = 1_048_576;

/// A log event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    timestamp: i64,
    message: String,
    ingestion_time: i64,
    /// How many events the stream had before it. State of an earlier version does not say so.
    #[serde(default, skip_serializing_if = "is_zero")]
    number: u64,
    /// When it is shown, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shown_at: Option<i64>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Event {
    pub(super) fn is_shown(&self, now: i64) -> bool {
        self.shown_at.is_none_or(|at| at <= now)
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// What it takes of a page.
    pub(super) fn bytes(&self) -> usize {
        self.message.len() + OVERHEAD
    }

    fn output(&self) -> Value {
        json!({
            "timestamp": self.timestamp,
            "message": self.message,
            "ingestionTime": self.ingestion_time,
        })
    }

    pub(super) fn timestamp(&self) -> i64 {
        self.timestamp
    }

    pub(super) fn ingestion_time(&self) -> i64 {
        self.ingestion_time
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InputLogEvent {
    timestamp: i64,
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PutLogEvents {
    log_group_name: String,
    log_stream_name: String,
    log_events: Vec<InputLogEvent>,
    #[serde(rename = "sequenceToken")]
    _sequence_token: Option<String>,
}

/// Where a batch, which is in the order of time, is accepted: events before the first position are too old, those from the
/// second one on too new.
struct Accepted {
    too_old: usize,
    expired: usize,
    too_new: usize,
}

impl Accepted {
    fn of(events: &[InputLogEvent], now: i64, retention_in_days: Option<i64>) -> Self {
        let before = |time: i64| events.partition_point(|event| event.timestamp < time);
        Accepted {
            too_old: before(now - 14 * DAY),
            expired: retention_in_days.map_or(0, |days| before(now - days * DAY)),
            too_new: events.partition_point(|event| event.timestamp <= now + 2 * HOUR),
        }
    }

    fn first(&self) -> usize {
        self.too_old.max(self.expired)
    }

    /// What is rejected is said in a success.
    fn rejected(&self, count: usize) -> Value {
        let mut info = json!({});
        if self.too_old > 0 {
            info["tooOldLogEventEndIndex"] = self.too_old.into();
        }
        if self.expired > 0 {
            info["expiredLogEventEndIndex"] = self.expired.into();
        }
        if self.too_new < count {
            info["tooNewLogEventStartIndex"] = self.too_new.into();
        }
        if info.as_object().is_some_and(serde_json::Map::is_empty) { Value::Null } else { info }
    }
}

pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: PutLogEvents = call.input()?;
    let now = cx.now_millis;
    let about = format!("{}/{} events at {now}", given.log_group_name, given.log_stream_name);
    let shown_at = cx.after(SHOWN, &about);
    let group = cx.r.logs.groups.find_mut(&given.log_group_name)?;
    let retention = group.retention_in_days();
    let stream = group.streams.find_mut(&given.log_stream_name)?;
    let events = given.log_events;

    let bytes: usize = events.iter().map(|event| event.message.len() + OVERHEAD).sum();
    if bytes > BATCH_AT_MOST {
        return Err(invalid(format!("Upload too large: {bytes} bytes exceeds limit of {BATCH_AT_MOST}")));
    }
    if !events.is_sorted_by_key(|event| event.timestamp) {
        return Err(invalid("Log events in a single PutLogEvents request must be in chronological order."));
    }
    let accepted = Accepted::of(&events, now, retention);
    let rejected = accepted.rejected(events.len());
    let count = accepted.too_new.saturating_sub(accepted.first());
    let events: Vec<Event> = events
        .into_iter()
        .skip(accepted.first())
        .take(count)
        .zip(stream.events.len() as u64..)
        .map(|(InputLogEvent { timestamp, message }, number)| Event {
            timestamp,
            message,
            ingestion_time: now,
            number,
            shown_at,
        })
        .collect();
    if let (Some(first), Some(last)) = (events.first(), events.last())
        && last.timestamp - first.timestamp > DAY
    {
        return Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    stream.events.extend(events);
    // Events of the same time stay in the order in which they came.
    stream.events.sort_by_key(|event| event.timestamp);
    let mut answer = json!({ "nextSequenceToken": stream.events.len().to_string() });
    if !rejected.is_null() {
        answer["rejectedLogEventsInfo"] = rejected;
    }
    Ok(answer)
}

/// What a service writes to a stream of its own, which is made with the first line. Where the group is not there, the lines are lost.
///
/// Many lines of one moment are events of that moment, in their order.
pub(crate) fn write(cx: &mut Cx<'_>, group: &str, stream: &str, at_millis: i64, lines: &[String]) {
    let shown_at = cx.latencies.millis(SHOWN, &format!("{group}/{stream} events at {at_millis}"));
    let shown_at = (shown_at > 0).then_some(at_millis + shown_at);
    let Some(group) = cx.r.logs.groups.get_mut(group).filter(|_| !lines.is_empty()) else { return };
    let arn = group.log_group_arn().to_owned();
    let stream = group.streams.entry(stream.to_owned()).or_insert_with(|| {
        let name = stream.to_owned();
        LogStream::new(&arn, name, at_millis).of_a_service()
    });
    let numbers = stream.events.len() as u64..;
    stream.events.extend(numbers.zip(lines).map(|(number, line)| Event {
        timestamp: at_millis,
        message: line.clone(),
        ingestion_time: at_millis,
        number,
        shown_at,
    }));
    stream.events.sort_by_key(|event| event.timestamp);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GetLogEvents {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: String,
    start_time: Option<i64>,
    end_time: Option<i64>,
    next_token: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    start_from_head: bool,
}

/// Where a page lies in what was asked for.
enum Page {
    /// It begins here.
    Begin(usize),
    /// It ends before this.
    End(usize),
}

impl Page {
    fn token(token: &str) -> Option<Page> {
        match token.split_once('/')? {
            ("f", position) => Some(Page::Begin(position.parse().ok()?)),
            ("b", position) => Some(Page::End(position.parse().ok()?)),
            _ => None,
        }
    }
}

/// The last events, or the first ones with `startFromHead`; oldest first either way. There is always a token for the next
/// page in both directions; at an end it is the one that was given.
pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: GetLogEvents = call.input()?;
    let name = one_group(cx, given.log_group_name.as_deref(), given.log_group_identifier.as_deref())?;
    let group = cx.r.logs.groups.find(name)?;
    let kept_since = group.retention_in_days().map_or(0, |days| cx.now_millis - days * DAY);
    let stream = group.streams.find(&given.log_stream_name)?;
    let since = given.start_time.unwrap_or(0).max(kept_since);
    let events: Vec<&Event> = stream
        .events
        .iter()
        .filter(|event| event.is_shown(cx.now_millis))
        .filter(|event| event.timestamp >= since && given.end_time.is_none_or(|end| event.timestamp < end))
        .collect();

    let page = match &given.next_token {
        Some(token) => Page::token(token).ok_or_else(|| invalid("The specified nextToken is invalid."))?,
        None if given.start_from_head => Page::Begin(0),
        None => Page::End(events.len()),
    };
    let limit = given.limit.unwrap_or(PAGE);
    let (begin, end) = match page {
        Page::Begin(begin) => {
            let begin = begin.min(events.len());
            (begin, begin + fitting(events[begin..].iter(), limit))
        }
        Page::End(end) => {
            let end = end.min(events.len());
            (end - fitting(events[..end].iter().rev(), limit), end)
        }
    };
    Ok(json!({
        "events": events[begin..end].iter().map(|event| event.output()).collect::<Vec<_>>(),
        "nextForwardToken": format!("f/{end}"),
        "nextBackwardToken": format!("b/{begin}"),
    }))
}

/// How many of these events fit on a page.
fn fitting<'a>(events: impl Iterator<Item = &'a &'a Event>, limit: usize) -> usize {
    let mut bytes = 0;
    let fits = |event: &&&Event| {
        bytes += event.bytes();
        bytes <= PAGE_BYTES
    };
    events.take(limit).take_while(fits).count()
}
