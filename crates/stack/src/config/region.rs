//! Regions: their form, and which there are.

use super::keys::closest;
use super::{ConfigError, Loaded};

/// Regions of other partitions than `aws`, which the embedded AWS does not have.
const ELSEWHERE: [&str; 5] =
    ["cn-north-1", "cn-northwest-1", "eusc-de-east-1", "us-gov-east-1", "us-gov-west-1"];

/// Such as `ap-southeast-1` or `us-gov-west-1`.
pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let number =
        parts.last().is_some_and(|last| !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()));
    (3..=5).contains(&parts.len()) && parts[..parts.len() - 1].iter().all(letters) && number
}

/// The region that is meant by one that is not known, if one is close.
fn meant(region: &str) -> Option<&'static str> {
    match ELSEWHERE.contains(&region) {
        true => None,
        false => closest(region, emulator::regions().chain(ELSEWHERE), 2),
    }
}

impl Loaded {
    /// What may be a slip in the region. AWS opens new ones, so that one that is not known is no error.
    pub(crate) fn remark_on_region(&self) -> Option<String> {
        let region = self.config.region.as_str();
        let meant = meant(region).filter(|meant| *meant != region)?;
        Some(format!("{region} is not a region that this version knows; did you mean {meant}?"))
    }

    /// Whether the embedded AWS has the region.
    ///
    /// # Errors
    /// Names the place of the value, and the regions that there are.
    pub(crate) fn check_embedded_region(&self) -> Result<(), ConfigError> {
        let region = self.config.region.as_str();
        if emulator::regions().any(|known| known == region) {
            return Ok(());
        }
        let meant = meant(region).map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
        let all: Vec<&str> = emulator::regions().collect();
        let hint = format!("{meant}It has: {}", all.join(", "));
        Err(self.error("region", format!("the embedded AWS has no region `{region}`"), hint))
    }
}
