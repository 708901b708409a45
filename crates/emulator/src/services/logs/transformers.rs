//! Transformers of log groups. They are kept and shown; events stay as they were put.
//!
//! Policies of the account by which all groups have one are not modelled.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, Cx, identified, invalid};
use crate::services::{Call, Refusal, Table, to_json};

/// What is done to each event of a group, and since when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Transformer {
    creation_time: i64,
    last_modified_time: i64,
    transformer_config: Vec<Value>,
}

/// CloudWatch Logs API Reference, PutTransformer: for groups of the Standard class; it takes the place of the one before it.
/// A processor does one thing, and the first of them parses the events ("Processors that you can use").
pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (log_group_identifier, transformer_config): (String, Vec<Value>) =
        call.members(&["logGroupIdentifier", "transformerConfig"])?;
    let name = identified(cx, &log_group_identifier)?;
    let now = cx.now_millis;
    let group = cx.r.logs.groups.find_mut(name)?;
    if !group.is_standard() {
        let message = "Log transformers are only supported by log groups of the Standard class.";
        return Err(Refusal::new("InvalidOperationException", message));
    }
    let kinds = transformer_config.iter().map(kind).collect::<Option<Vec<_>>>();
    let kinds = kinds.ok_or_else(|| invalid("Each processor has exactly one kind."))?;
    if !kinds.first().is_some_and(|kind| kind.starts_with("parse") || matches!(*kind, "csv" | "grok")) {
        return Err(invalid("The first processor of a transformer must be a parser."));
    }
    let creation_time = group.transformer.as_ref().map_or(now, |before| before.creation_time);
    group.transformer = Some(Transformer { creation_time, last_modified_time: now, transformer_config });
    Ok(Value::Null)
}

fn kind(processor: &Value) -> Option<&str> {
    let mut members = processor.as_object()?.keys();
    members.next().filter(|_| members.next().is_none()).map(String::as_str)
}

/// CloudWatch Logs API Reference, GetTransformer: nothing is said of one that is not there.
pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let log_group_identifier: String = call.member("logGroupIdentifier")?;
    let group = cx.r.logs.groups.find(identified(cx, &log_group_identifier)?)?;
    let Some(transformer) = &group.transformer else { return Ok(json!({})) };
    let mut answer = to_json(transformer);
    answer["logGroupIdentifier"] = group.log_group_arn().into();
    Ok(answer)
}

/// CloudWatch Logs API Reference, DeleteTransformer.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let log_group_identifier: String = call.member("logGroupIdentifier")?;
    let name = identified(cx, &log_group_identifier)?;
    cx.r.logs.groups.find_mut(name)?.transformer = None;
    Ok(Value::Null)
}
