//! What an image runs on.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// An operating system and an architecture, as images name them: `linux/amd64`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct Platform {
    os: std::borrow::Cow<'static, str>,
    architecture: std::borrow::Cow<'static, str>,
    #[serde(default)]
    variant: Option<String>,
}

impl Platform {
    /// What ECS calls `X86_64`.
    pub const LINUX_AMD64: Platform = Platform::linux("amd64");
    /// What ECS calls `ARM64`.
    pub const LINUX_ARM64: Platform = Platform::linux("arm64");

    const fn linux(architecture: &'static str) -> Self {
        use std::borrow::Cow::Borrowed;
        Self { os: Borrowed("linux"), architecture: Borrowed(architecture), variant: None }
    }

    /// The platform of `cpuArchitecture` in a task definition; `None` for a name that ECS does not have.
    #[must_use]
    pub fn of_ecs(cpu_architecture: &str) -> Option<Self> {
        match cpu_architecture {
            "X86_64" => Some(Self::LINUX_AMD64),
            "ARM64" => Some(Self::LINUX_ARM64),
            _ => None,
        }
    }

    /// Whether an image for `self` runs where `wanted` is asked for. Variants that every machine of an architecture has are the same
    /// as none; `amd64/v3` needs processors that Fargate does not promise.
    pub(crate) fn runs_on(&self, wanted: &Platform) -> bool {
        let baseline = match &*self.architecture {
            "amd64" => "v1",
            "arm64" => "v8",
            _ => "",
        };
        let variant = self.variant.as_deref().filter(|variant| !variant.is_empty());
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && variant.is_none_or(|variant| variant == baseline)
    }

    /// What BuildKit gives to what is not an image to run, but a statement about one.
    pub(crate) fn is_unknown(&self) -> bool {
        self.os == "unknown" && self.architecture == "unknown"
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match self.variant.as_deref() {
            None | Some("") => Ok(()),
            Some(variant) => write!(f, "/{variant}"),
        }
    }
}

/// Why a text is not a platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform: write it like linux/amd64")]
pub struct NotAPlatform(String);

impl FromStr for Platform {
    type Err = NotAPlatform;

    fn from_str(text: &str) -> Result<Self, NotAPlatform> {
        let mut parts = text.split('/').map(str::to_owned);
        let (os, architecture, variant) = (parts.next(), parts.next(), parts.next());
        match (os, architecture, parts.next()) {
            (Some(os), Some(architecture), None) if !os.is_empty() && !architecture.is_empty() => {
                Ok(Self { os: os.into(), architecture: architecture.into(), variant })
            }
            _ => Err(NotAPlatform(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_that_every_machine_has_is_the_same_as_none() {
        for (image, wanted, runs) in [
            ("linux/amd64", Platform::LINUX_AMD64, true),
            ("linux/amd64/v1", Platform::LINUX_AMD64, true),
            ("linux/amd64/v3", Platform::LINUX_AMD64, false),
            ("linux/arm64", Platform::LINUX_ARM64, true),
            ("linux/arm64/v8", Platform::LINUX_ARM64, true),
            ("linux/arm64/v9", Platform::LINUX_ARM64, false),
            ("linux/arm/v7", Platform::LINUX_ARM64, false),
            ("linux/arm64", Platform::LINUX_AMD64, false),
            ("windows/amd64", Platform::LINUX_AMD64, false),
        ] {
            let platform: Platform = image.parse().unwrap();
            assert_eq!(platform.runs_on(&wanted), runs, "{image} on {wanted}");
            assert_eq!(platform.to_string(), image);
        }
    }

    #[test]
    fn what_ecs_calls_it() {
        assert_eq!(Platform::of_ecs("X86_64").unwrap().to_string(), "linux/amd64");
        assert_eq!(Platform::of_ecs("ARM64").unwrap().to_string(), "linux/arm64");
        assert_eq!(Platform::of_ecs("amd64"), None);
        for text in ["", "linux", "linux/", "/amd64", "a/b/c/d"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }
}
