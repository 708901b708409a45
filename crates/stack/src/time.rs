//! Times as people and other programs read them.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// `2026-11-30T13:40:17.25Z`, as in RFC 3339, from milliseconds since the Unix epoch.
pub(crate) fn rfc3339(millis: u64) -> String {
    let time = DateTime::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
    // Only years that no clock shows have no such form.
    time.fmt(Format::DateTime).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_utc() {
        assert_eq!(rfc3339(1_800_000_000_000), "2027-01-15T08:00:00Z");
        assert_eq!(rfc3339(1_800_000_000_250), "2027-01-15T08:00:00.25Z");
    }
}
