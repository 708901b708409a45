//! Results page by page.

use super::invalid;
use crate::protocol::response::Refusal;

/// The page after a marker, and the marker of the next one. A marker is the ARN of the last object shown.
pub(super) fn page<'a, R>(
    all: Vec<&'a R>,
    arn: impl Fn(&R) -> String,
    marker: Option<&str>,
    size: Option<usize>,
) -> Result<(Vec<&'a R>, Option<String>), Refusal> {
    let start = match marker {
        None => 0,
        Some(marker) => all
            .iter()
            .position(|record| arn(record) == marker)
            .map(|at| at + 1)
            .ok_or_else(|| invalid(format!("The marker '{marker}' is not valid")))?,
    };
    // API Reference, DescribeLoadBalancers, `PageSize`: 400 at most.
    let end = all.len().min(start + size.unwrap_or(400));
    let next = (end < all.len() && end > start).then(|| arn(all[end - 1]));
    Ok((all[start..end].to_vec(), next))
}
