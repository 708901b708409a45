//! Tags of topics (SNS API Reference, TagResource).

use super::invalid;
use crate::services::{Refusal, Tag, Tagging, Tags, refuse_if, support};

pub(super) const TAGS: Tagging = Tagging {
    finds_first: true,
    ..Tagging::new(
        |cx, arn| {
            let topic = cx.r.sns.topics.get_mut(arn).map(|topic| &mut topic.tags);
            topic.ok_or_else(|| Refusal::new("ResourceNotFound", "Resource does not exist").with_status(404))
        },
        read,
        |_| too_many(),
    )
};

pub(super) fn read(given: Vec<Tag>) -> Result<Tags, Refusal> {
    refuse_if(given.len() > 50, too_many)?;
    support::tags(given, |message| invalid(format!("Tags Reason: {message}")))
}

fn too_many() -> Refusal {
    Refusal::new("TagLimitExceeded", "A topic can have 50 tags at most.")
}
