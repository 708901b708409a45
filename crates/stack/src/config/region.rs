//! Regions: their form, and which there are.

use super::keys::closest;
use super::{ConfigError, Loaded};
use crate::cli::Target;

/// Regions that the embedded AWS does not have: those of other partitions than `aws`, and those whose zones are not known yet
/// (botocore's `partitions.json`).
const ELSEWHERE: [&str; 14] = [
    "cn-north-1",
    "cn-northwest-1",
    "eu-isoe-west-1",
    "eusc-de-east-1",
    "me-west-1",
    "sa-west-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
];

/// The partition that a region belongs to, which is the second part of every ARN in it (botocore's `partitions.json`).
pub(crate) fn partition(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
    ];
    PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

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
    /// Whether a target has the region, as far as this version knows. One that AWS opens later has to be allowed.
    ///
    /// # Errors
    /// Names the place of the value, and what would be right.
    pub(crate) fn check_region(&self, target: Target) -> Result<(), ConfigError> {
        let region = self.config.region.as_str();
        let is_known = emulator::regions().any(|known| known == region);
        let meant = || meant(region).map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
        match target {
            _ if is_known => Ok(()),
            Target::Aws if self.config.allow_unknown_region || ELSEWHERE.contains(&region) => Ok(()),
            Target::Aws => {
                let reason = format!("`{region}` is not a region that this version knows");
                let meant = meant();
                let hint = format!("{meant}If AWS has opened it since, set `allow_unknown_region = true`");
                Err(self.error("region", reason, hint))
            }
            Target::Embedded => {
                let all: Vec<&str> = emulator::regions().collect();
                let hint = format!("{}It has: {}", meant(), all.join(", "));
                Err(self.error("region", format!("the embedded AWS has no region `{region}`"), hint))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_follows_from_the_region() {
        for (region, wanted) in [
            ("ap-southeast-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(partition(region), wanted);
        }
    }
}
