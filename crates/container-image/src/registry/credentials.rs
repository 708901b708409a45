//! Credentials for registries, as `docker login` keeps them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use crate::ImageError;
use crate::files::cannot_read;

/// A user and a password, as HTTP sends them. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Basic(String);

impl Basic {
    /// `None` for what is not `user:password` in base64.
    pub(crate) fn read(encoded: &str) -> Option<Self> {
        let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let has_password = decoded[colon + 1..].iter().any(|byte| *byte != 0);
        has_password.then(|| Self(encoded.trim().to_owned()))
    }

    /// The value of the header `Authorization`.
    pub(crate) fn header(&self) -> String {
        format!("Basic {}", self.0)
    }
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Basic(…)")
    }
}

/// The credentials in a configuration of Docker, usually `~/.docker/config.json`: those in `auths`, with a user and a password.
/// Credential helpers (`credsStore`, `credHelpers`) are programs; they are not run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DockerConfig {
    auths: BTreeMap<String, Basic>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    #[serde(default)]
    creds_store: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    auth: Option<String>,
}

impl DockerConfig {
    /// Reads a file. One that does not exist has no credentials in it.
    ///
    /// # Errors
    /// [`ImageError::File`] where it cannot be read, and [`ImageError::DockerConfig`] where it is not such a configuration.
    pub fn read(path: &Path) -> Result<Self, ImageError> {
        let place = path.display().to_string();
        match fs::read(path) {
            Ok(text) => Self::parse(&place, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(cannot_read(&place)(error)),
        }
    }

    fn parse(place: &str, text: &[u8]) -> Result<Self, ImageError> {
        // The parser's own words could quote a password.
        let written: Written = serde_json::from_slice(text)
            .map_err(|error| ImageError::DockerConfig { place: place.to_owned(), line: error.line() })?;
        let auths = written
            .auths
            .iter()
            .filter_map(|(key, entry)| Some((host_of(key).to_owned(), Basic::read(entry.auth.as_deref()?)?)));
        let helpers = written.cred_helpers.iter().map(|(key, name)| (host_of(key).to_owned(), name.clone()));
        let store = written.creds_store.filter(|name| !name.is_empty());
        Ok(Self { auths: auths.collect(), helpers: helpers.collect(), store })
    }

    pub(crate) fn of(&self, host: &str) -> Option<&Basic> {
        self.auths.get(host)
    }

    /// The name of the program that may know the credentials of a host.
    pub(crate) fn helper(&self, host: &str) -> Option<&str> {
        self.helpers.get(host).or(self.store.as_ref()).map(String::as_str)
    }
}

/// Hosts stand there as they are, or as URLs: `https://index.docker.io/v1/`.
fn host_of(key: &str) -> &str {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    key.split('/').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_docker_login_wrote_is_found_by_host() {
        let auth = BASE64_STANDARD.encode("user:hunter2");
        let text = format!(
            r#"{{"auths": {{"https://index.docker.io/v1/": {{"auth": "{auth}"}}, "ghcr.io": {{}}, "bad.example": {{"auth": "???"}}}},
                "credHelpers": {{"public.ecr.aws": "ecr-login"}}, "credsStore": "desktop", "HttpHeaders": {{}}}}"#
        );
        let config = DockerConfig::parse("config.json", text.as_bytes()).unwrap();
        assert_eq!(config.of("index.docker.io").unwrap().header(), format!("Basic {auth}"));
        for host in ["ghcr.io", "bad.example", "public.ecr.aws"] {
            assert_eq!(config.of(host), None, "{host}");
        }
        assert_eq!(config.helper("public.ecr.aws"), Some("ecr-login"));
        assert_eq!(config.helper("ghcr.io"), Some("desktop"));
        assert!(!format!("{config:?}").contains(&auth));
    }

    #[test]
    fn a_configuration_that_cannot_be_read_is_not_quoted() {
        let error =
            DockerConfig::parse("config.json", br#"{"auths": {"x": {"auth": ["hunter2"]}}}"#).unwrap_err();
        assert_eq!(error.to_string(), "config.json is not a valid Docker configuration: line 1");
        assert_eq!(DockerConfig::read(Path::new("/nowhere/config.json")).unwrap(), DockerConfig::default());
    }

    #[test]
    fn a_user_without_a_password_is_not_used() {
        for text in ["user:", "user", ""] {
            assert_eq!(Basic::read(&BASE64_STANDARD.encode(text)), None, "{text}");
        }
    }
}
