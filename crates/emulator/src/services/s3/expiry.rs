//! When lifecycle rules will remove an object, which is shown with it. Nothing is removed.
//!
//! S3 User Guide, "Expiring objects": days are counted from when the object was put, up to the midnight that follows, and the
//! earliest rule that is for the object is shown.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::Deserialize;

use super::lifecycle::{Filter, Lifecycle, Rule};
use super::version::Stored;
use crate::services::support::Tag;

const DAY_SECONDS: f64 = 86_400.0;

impl Lifecycle {
    /// The header `x-amz-expiration` of the newest version of an object, which was put at a time.
    pub(super) fn expiration(&self, key: &str, put: f64, object: &Stored) -> Option<String> {
        let rules = self.rules.iter().filter_map(|rule| Rule::deserialize(rule).ok());
        let due =
            rules.filter(|rule| rule.is_for(key, object)).filter_map(|rule| Some((rule.due(put)?, rule.id)));
        let (due, id) = due.min_by(|(one, _), (other, _)| one.total_cmp(other))?;
        let date = DateTime::from_secs_f64(due).fmt(Format::HttpDate).ok()?;
        Some(format!("expiry-date=\"{date}\", rule-id=\"{}\"", id.unwrap_or_default()))
    }
}

impl Rule {
    fn is_for(&self, key: &str, object: &Stored) -> bool {
        self.status == "Enabled"
            && self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix))
            && self.filter.iter().flat_map(Filter::parts).all(|part| part.lets(key, object))
    }

    fn due(&self, put: f64) -> Option<f64> {
        let expiration = self.expiration.as_ref()?;
        let after = |days: i64| ((put / DAY_SECONDS).floor() + days as f64 + 1.0) * DAY_SECONDS;
        expiration.date.or_else(|| expiration.days.map(after))
    }
}

impl Filter {
    fn lets(&self, key: &str, object: &Stored) -> bool {
        let size = i64::try_from(object.content_length).unwrap_or(i64::MAX);
        let has = |tag: &Tag| object.tags.get(&tag.key) == Some(&tag.value);
        self.tag.iter().chain(&self.tags).all(has)
            && self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix))
            && self.object_size_greater_than.is_none_or(|least| size > least)
            && self.object_size_less_than.is_none_or(|most| size < most)
    }
}
