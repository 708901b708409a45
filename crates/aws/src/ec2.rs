//! What the EC2 resources of every tier share.

use std::fmt::Display;

use aws_sdk_ec2::types::{Filter, UnsuccessfulItem};
use engine::{CallError, Intent, Readiness};

use crate::Context;
use crate::error::{Called, class_of};
use crate::tags::{INTENT, Tags, ec2_tags};

/// A filter of a Describe call: objects whose `name` is one of `values`.
pub fn filter<V: Display>(name: &str, values: impl IntoIterator<Item = V>) -> Filter {
    let values = values.into_iter().map(|value| value.to_string()).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

/// Finds the object that `intent` created, by the tag that the create call set.
#[must_use]
pub fn by_intent(intent: &Intent) -> Filter {
    filter(&format!("tag:{INTENT}"), [&intent.token])
}

/// Ready as soon as a Describe call shows the object: EC2's reads lag behind its writes by up to seconds, and a
/// dependent that went on earlier would be told that the object does not exist.
pub fn ready_when_seen<T, O: Clone>(seen: Option<T>, outputs: &O) -> Readiness<O> {
    match seen {
        Some(_) => Readiness::Ready(outputs.clone()),
        None => Readiness::Pending("not visible yet".to_owned()),
    }
}

/// Changes the tags of an EC2 object from `before` to `wanted`. Sends nothing where they are the same.
///
/// # Errors
/// As the calls fail.
pub async fn retag(cx: &Context, id: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    let changes = before.changes_to(wanted);
    // First what goes, so that the object never has more tags than AWS allows.
    if !changes.remove.is_empty() {
        // A tag is named by its key alone: with a value, it would only be deleted while it has that value.
        let keys = changes.remove.iter().map(|key| aws_sdk_ec2::types::Tag::builder().key(key).build());
        let request = cx.ec2().delete_tags().resources(id).set_tags(Some(keys.collect()));
        request.send().await.called("DeleteTags")?;
    }
    if !changes.set.is_empty() {
        let request = cx.ec2().create_tags().resources(id).set_tags(Some(ec2_tags(&changes.set)));
        request.send().await.called("CreateTags")?;
    }
    Ok(())
}

/// Some calls take a list and answer 200 even where they did nothing; what failed is in the answer.
///
/// # Errors
/// The first failure, classed by its code.
pub fn none_unsuccessful(operation: &str, items: Option<&[UnsuccessfulItem]>) -> Result<(), CallError> {
    let Some(error) = items.unwrap_or_default().iter().find_map(|item| item.error.as_ref()) else {
        return Ok(());
    };
    let code = error.code.clone().unwrap_or_default();
    Err(CallError {
        class: class_of(&code, None),
        operation: operation.to_owned(),
        code: Some(code),
        message: error.message.clone().unwrap_or_default(),
        request_id: None,
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::UnsuccessfulItemError;
    use engine::ErrorClass;

    use super::*;

    #[test]
    fn a_failure_inside_a_successful_answer_is_an_error() {
        assert_eq!(none_unsuccessful("DeleteFlowLogs", None), Ok(()));
        let error =
            UnsuccessfulItemError::builder().code("InvalidFlowLogId.NotFound").message("gone").build();
        let items = [UnsuccessfulItem::builder().error(error).build()];
        let error = none_unsuccessful("DeleteFlowLogs", Some(&items)).unwrap_err();
        assert_eq!(error.class, ErrorClass::NotFound);
        assert_eq!(error.to_string(), "DeleteFlowLogs: InvalidFlowLogId.NotFound: gone");
    }
}
