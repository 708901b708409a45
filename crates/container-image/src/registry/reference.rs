//! Names of images in registries (OCI Distribution Specification, "Pulling manifests").

use std::fmt;
use std::net::IpAddr;

use crate::{Digest, ImageError};

/// The host that serves Docker Hub, whose images are named without one.
const DOCKER_HUB: &str = "registry-1.docker.io";

/// An image in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Host, and port if it is given.
    pub(crate) host: String,
    /// The name of the repository there.
    pub(crate) repository: String,
    pub(crate) version: Version,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Tag(String),
    Digest(Digest),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Version {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Version::Tag(tag) => tag,
            Version::Digest(digest) => digest.as_str(),
        }
    }
}

impl Reference {
    /// Reads a name that has a tag, a digest, or both; then the digest counts.
    pub(crate) fn parse(text: &str) -> Result<Self, ImageError> {
        let refused = |reason: &str| {
            let (text, reason) = (text.to_owned(), reason.to_owned());
            Err(ImageError::NotASource { text, reason })
        };
        if text.contains("://") {
            return refused("the name of an image has no protocol in it");
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => match Digest::try_from(digest.to_owned()) {
                Ok(digest) => (rest, Some(digest)),
                Err(_) => {
                    return refused("what follows `@` is not a digest: `sha256:` and 64 hexadecimal digits");
                }
            },
            None => (text, None),
        };
        // A colon before the last slash is that of a port.
        let path = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[path..].find(':') {
            Some(colon) => (&rest[..path + colon], Some(&rest[path + colon + 1..])),
            None => (rest, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return refused("what follows `:` is not a tag: up to 128 letters, digits, `_`, `.` and `-`");
        }
        let version = match (digest, tag) {
            (Some(digest), _) => Version::Digest(digest),
            (None, Some(tag)) => Version::Tag(tag.to_owned()),
            (None, None) => {
                return refused("there is no such file, and the name of an image has a tag or a digest");
            }
        };
        let is_host = |first: &str| first.contains(['.', ':']) || first == "localhost";
        let (host, repository) = match name.split_once('/') {
            Some(("docker.io" | "index.docker.io", rest)) => (DOCKER_HUB, rest.to_owned()),
            Some((host, rest)) if is_host(host) => (host, rest.to_owned()),
            _ => (DOCKER_HUB, name.to_owned()),
        };
        let official = host == DOCKER_HUB && !repository.contains('/');
        let repository = if official { format!("library/{repository}") } else { repository };
        let in_host = |byte: u8| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte);
        if !host.bytes().all(in_host) || !repository.split('/').all(is_part) {
            return refused(
                "its name is not that of an image: host/path, the path in lower case and without spaces",
            );
        }
        Ok(Self { host: host.to_owned(), repository, version, text: text.to_owned() })
    }

    /// The region of the private registry of ECR that it is in.
    pub(crate) fn ecr_region(&self) -> Option<&str> {
        let (_, rest) = self.host.split_once(".dkr.ecr.")?;
        rest.split_once(".amazonaws.com").map(|(region, _)| region)
    }

    /// The name of the host in the configuration of Docker.
    pub(crate) fn login_host(&self) -> &str {
        if self.host == DOCKER_HUB { "index.docker.io" } else { &self.host }
    }

    /// Where the registry is.
    pub(crate) fn base(&self) -> String {
        let protocol = if is_loopback(&self.host) { "http" } else { "https" };
        format!("{protocol}://{}/v2/{}", self.host, self.repository)
    }
}

/// Whether a host, with or without a port, is this machine: there, nobody else can listen.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_part(part: &str) -> bool {
    let is_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    bytes.first().copied().is_some_and(is_end)
        && bytes.last().copied().is_some_and(is_end)
        && bytes.iter().all(|byte| is_end(*byte) || b"._-".contains(byte))
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_host_a_repository_and_a_version() {
        let digest = format!("sha256:{}", "0f".repeat(32));
        for (text, base, version) in [
            ("public.ecr.aws/nginx/nginx:1.29", "https://public.ecr.aws/v2/nginx/nginx", "1.29"),
            ("nginx:1", "https://registry-1.docker.io/v2/library/nginx", "1"),
            ("team/app:1", "https://registry-1.docker.io/v2/team/app", "1"),
            ("docker.io/team/app:1", "https://registry-1.docker.io/v2/team/app", "1"),
            ("registry.example:5000/app:1", "https://registry.example:5000/v2/app", "1"),
            ("localhost:5000/app:1", "http://localhost:5000/v2/app", "1"),
            ("127.0.0.1:5000/app:1", "http://127.0.0.1:5000/v2/app", "1"),
            ("[::1]:5000/app:1", "http://[::1]:5000/v2/app", "1"),
            ("localhost.example/app:1", "https://localhost.example/v2/app", "1"),
            (&format!("ghcr.io/app@{digest}"), "https://ghcr.io/v2/app", &digest),
            (&format!("ghcr.io/app:1@{digest}"), "https://ghcr.io/v2/app", &digest),
        ] {
            let reference = Reference::parse(text).unwrap();
            assert_eq!((reference.base().as_str(), reference.version.as_str()), (base, version), "{text}");
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "nginx",
            "host:5000/app",
            "https://ghcr.io/app:1",
            "ghcr.io/App:1",
            "ghcr.io/a b:1",
            "ghcr.io/../app:1",
            "ghcr.io//app:1",
            "ghcr.io/app:",
            "ghcr.io/app:-1",
            "ghcr.io/app@sha256:12",
            "ghcr.io?x/app:1",
            ":1.0",
        ] {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_private_registry_of_ecr_has_a_region() {
        let region = |text: &str| Reference::parse(text).unwrap().ecr_region().map(str::to_owned);
        assert_eq!(
            region("123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1").as_deref(),
            Some("eu-west-1")
        );
        assert_eq!(
            region("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app:1").as_deref(),
            Some("cn-north-1")
        );
        assert_eq!(region("public.ecr.aws/app:1"), None);
    }
}
