//! Parts of objects.
//!
//! One range of bytes is answered with that part. What is no range that RFC 9110 (section 14.2) knows, or several of them, is
//! answered with the whole object (S3 API Reference, GetObject, `Range`).

use crate::protocol::response::Refusal;

/// The first byte of a part and the one after the last.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Part {
    /// As the header `Content-Range` names it.
    pub(super) fn shown(&self, length: usize) -> String {
        format!("bytes {}-{}/{length}", self.start, self.end - 1)
    }
}

/// The part that is asked for; `None` for the whole.
///
/// # Errors
///
/// There is nothing in that range.
pub(super) fn part(range: Option<&str>, length: usize) -> Result<Option<Part>, Refusal> {
    let Some((range, (first, last))) = range.and_then(|range| Some((range, bounds(range)?))) else {
        return Ok(None);
    };
    let part = match (first, last) {
        (Some(start), last) => {
            let end = last.map_or(length, |last| last.saturating_add(1).min(length));
            Part { start, end }
        }
        (None, Some(count)) => Part { start: length.saturating_sub(count), end: length },
        (None, None) => return Ok(None),
    };
    match (first, last) {
        (Some(first), Some(last)) if first > last => Ok(None),
        _ if part.start < part.end => Ok(Some(part)),
        _ => {
            let refusal =
                Refusal::new("InvalidRange", "The requested range is not satisfiable").with_status(416);
            let refusal = refusal.with_detail("ActualObjectSize", length.to_string());
            Err(refusal.with_detail("RangeRequested", range))
        }
    }
}

/// The two numbers of `bytes=0-9`, `bytes=10-` or `bytes=-5`.
fn bounds(range: &str) -> Option<(Option<usize>, Option<usize>)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        digits => digits.parse().ok().map(Some),
    };
    Some((number(first)?, number(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_parts_of_what_is_there() {
        let of_ten = |range: &str| match part(Some(range), 10) {
            Ok(part) => part.map_or("all".to_owned(), |part| part.shown(10)),
            Err(refusal) => refusal.code,
        };
        for (range, answer) in [
            ("bytes=0-3", "bytes 0-3/10"),
            ("bytes=8-", "bytes 8-9/10"),
            ("bytes=-1", "bytes 9-9/10"),
            ("bytes=-20", "bytes 0-9/10"),
            ("bytes=5-100", "bytes 5-9/10"),
            ("bytes=10-", "InvalidRange"),
            ("bytes=10-20", "InvalidRange"),
            ("bytes=-0", "InvalidRange"),
            ("bytes=8-7", "all"),
            ("bytes=0-1,3-4", "all"),
            ("bytes=-", "all"),
            ("lines=0-1", "all"),
        ] {
            assert_eq!(of_ten(range), answer, "{range}");
        }
        assert_eq!(part(None, 10), Ok(None));
    }
}
