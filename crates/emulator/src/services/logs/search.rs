//! FilterLogEvents: the events of many streams of a group, in one order.
//!
//! As the CloudWatch Logs API Reference has it (2026): both ends of the range belong to it; events come by time, then by when they were
//! received, then by id; `interleaved` changes nothing; no stream is listed as searched. A page ends after 10,000 events or 1 MB *that were
//! looked at*, so one may be short or empty although others follow: the end is where there is no token. Tokens are good for
//! 24 hours. Newest first (`startFromHead` false) needs a start of 2024 or later; AWS tells no code for what refuses an earlier one.
//!
//! An id of an event is 56 digits, as in AWS, and stays.

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::events::{DAY, Event, PAGE, PAGE_BYTES};
use super::matching::Matching;
use super::{Answer, Cx, invalid, one_group};
use crate::services::{Call, Refusal, Table, refuse_if};

/// 2024-01-01T00:00:00Z.
const NEWEST_FIRST_SINCE: i64 = 1_704_067_200_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FilterLogEvents {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Option<Vec<String>>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    #[serde(default)]
    filter_pattern: String,
    next_token: Option<String>,
    limit: Option<usize>,
    #[serde(rename = "interleaved")]
    _interleaved: Option<bool>,
    start_from_head: Option<bool>,
}

/// Where an event is among those of all streams.
type Key = (i64, i64, String);

/// An event of a stream.
struct Found<'a> {
    key: Key,
    stream: &'a str,
    event: &'a Event,
}

impl<'a> Found<'a> {
    fn of(stream: &'a str, event: &'a Event) -> Self {
        let hash = Sha256::digest(stream.as_bytes());
        let hash = hash.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let id = format!("{:018}{hash:020}{:018}", event.ingestion_time(), event.number());
        Found { key: (event.timestamp(), event.ingestion_time(), id), stream, event }
    }

    fn output(&self) -> Value {
        json!({
            "logStreamName": self.stream,
            "timestamp": self.event.timestamp(),
            "message": self.event.message(),
            "ingestionTime": self.event.ingestion_time(),
            "eventId": self.key.2,
        })
    }
}

/// A token says when it was given and after which event the next page begins.
fn token(now: i64, (timestamp, ingestion, id): &Key) -> String {
    format!("{now}/{timestamp}/{ingestion}/{id}")
}

fn read_token(token: &str, now: i64) -> Option<Key> {
    let mut parts = token.split('/');
    let given: i64 = parts.next()?.parse().ok()?;
    let key = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.to_owned());
    (parts.next().is_none() && now - given < DAY).then_some(key)
}

pub(super) fn filter(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: FilterLogEvents = call.input()?;
    let name = one_group(cx, given.log_group_name.as_deref(), given.log_group_identifier.as_deref())?;
    refuse_if(given.log_stream_names.is_some() && given.log_stream_name_prefix.is_some(), || {
        invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
    })?;
    let newest_first = given.start_from_head == Some(false);
    refuse_if(newest_first && given.start_time.unwrap_or(0) < NEWEST_FIRST_SINCE, || {
        invalid("startFromHead can be false only with a startTime of 2024-01-01T00:00:00Z or later.")
    })?;
    let matching = Matching::of(&given.filter_pattern)?;
    let now = cx.now_millis;
    let after = match &given.next_token {
        None => None,
        Some(token) => {
            Some(read_token(token, now).ok_or_else(|| invalid("The specified nextToken is invalid."))?)
        }
    };
    let group = cx.r.logs.groups.find(name)?;
    if let Some(names) = &given.log_stream_names {
        for name in names {
            group.streams.find(name)?;
        }
    }
    let is_asked_for = |stream: &str| {
        let prefix = given.log_stream_name_prefix.as_deref().unwrap_or_default();
        let names = given.log_stream_names.as_ref();
        stream.starts_with(prefix) && names.is_none_or(|names| names.iter().any(|name| name == stream))
    };
    let kept_since = group.retention_in_days().map_or(0, |days| now - days * DAY);
    let since = given.start_time.unwrap_or(0).max(kept_since);
    let until = given.end_time.unwrap_or(i64::MAX);
    let streams = group.streams.iter().filter(|(name, _)| is_asked_for(name));
    let mut events: Vec<Found<'_>> = streams
        .flat_map(|(name, stream)| stream.events.iter().map(move |event| (name.as_str(), event)))
        .filter(|(_, event)| event.is_shown(now) && (since..=until).contains(&event.timestamp()))
        .map(|(name, event)| Found::of(name, event))
        .collect();
    events.sort_by(|one, other| one.key.cmp(&other.key));
    if newest_first {
        events.reverse();
    }
    let is_over = |found: &&Found<'_>| {
        after.as_ref().is_none_or(|after| if newest_first { found.key < *after } else { found.key > *after })
    };
    let limit = given.limit.unwrap_or(PAGE);
    let (mut page, mut bytes, mut last) = (Vec::new(), 0, None);
    let mut rest = events.iter().filter(is_over).peekable();
    while let Some(found) = rest
        .next_if(|found| page.len() < limit && (last.is_none() || bytes + found.event.bytes() <= PAGE_BYTES))
    {
        bytes += found.event.bytes();
        last = Some(&found.key);
        if matching.fits(found.event.message()) {
            page.push(found.output());
        }
    }
    let next = last.filter(|_| rest.peek().is_some()).map(|key| token(now, key));
    Ok(json!({"events": page, "nextToken": next, "searchedLogStreams": []}))
}

/// A live tail is a stream of answers, which the emulator cannot give. The error is one of those of StartLiveTail.
pub(super) fn no_live_tail() -> Refusal {
    let message = "The emulator has no live tail. Follow a log group with FilterLogEvents instead.";
    Refusal::new("InvalidOperationException", message)
}
