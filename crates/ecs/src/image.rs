//! Which image the application runs.

use aws::Place;
use engine::{DeclareError, Input};

use crate::RepositoryUri;

/// An image, as `image` in [`Args`](crate::Args) names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Image {
    /// In this tier's repository: `:tag` or `@sha256:…`.
    Ours(String),
    /// Anywhere, by its whole name.
    Elsewhere(String),
}

impl Image {
    /// Reads the name of an image, which an argument has.
    pub(crate) fn parse(argument: &str, text: &str) -> Result<Self, DeclareError> {
        let refused = |reason: String, hint: &str| Err(DeclareError::argument(argument, reason, hint));
        let (name, reference) = split(text);
        if reference.is_empty() {
            return refused(
                format!("`{text}` has neither a tag nor a digest"),
                "write `@sha256:…` or `:tag` for an image of the tier's own repository, or the whole name of another one",
            );
        }
        let is_fine = match reference.strip_prefix('@') {
            Some(digest) => is_digest(digest),
            None => is_tag(&reference[1..]),
        };
        if !is_fine {
            return refused(
                format!("`{reference}` is neither a tag nor a digest"),
                "`@sha256:` and 64 hexadecimal digits, or `:` and up to 128 letters, digits, `_`, `.` and `-`",
            );
        }
        match name {
            "" => Ok(Image::Ours(reference.to_owned())),
            name if name.contains("://") => {
                refused(format!("`{name}` has a protocol in it"), "host/path, without https:// before it")
            }
            name if !is_name(name) => refused(
                format!("`{name}` is not the name of an image"),
                "host/path: the path in lower case, and without spaces",
            ),
            name if wrong_account(name) => refused(
                format!(
                    "`{name}` is not in a registry of ECR, whose names begin with the 12 digits of an account"
                ),
                "write it like 123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/team/app:1.0.0",
            ),
            _ => Ok(Image::Elsewhere(text.to_owned())),
        }
    }

    /// The region of the private registry of ECR that it is in, where that is not the tier's own.
    pub(crate) fn registry_region(&self) -> Option<&str> {
        let Image::Elsewhere(name) = self else { return None };
        let (_, rest) = name.split_once('/')?.0.split_once(".dkr.ecr.")?;
        rest.split_once(".amazonaws.com").map(|(region, _)| region)
    }

    /// The whole name.
    pub(crate) fn name(&self, repository: &Input<RepositoryUri>) -> Input<String> {
        match self {
            Image::Ours(reference) => Input::join([repository.into(), reference.as_str().into()]),
            Image::Elsewhere(name) => name.clone().into(),
        }
    }

    /// The repository of ECR that it is in, where that is not the tier's own: tasks need permission to read it.
    pub(crate) fn other_repository_arn(&self, place: &Place) -> Option<String> {
        let Image::Elsewhere(name) = self else { return None };
        let (host, path) = split(name).0.split_once('/')?;
        let (account, rest) = host.split_once(".dkr.ecr.")?;
        let (region, _) = rest.split_once(".amazonaws.com")?;
        Some(format!("arn:{}:ecr:{region}:{account}:repository/{path}", place.partition))
    }
}

/// Whether a text is `:tag` or `@sha256:…`: what an image of the tier's own repository is called by.
///
/// # Errors
/// What is wrong with it.
pub fn check_reference(text: &str) -> Result<(), String> {
    match Image::parse("image", text) {
        Ok(Image::Ours(_)) => Ok(()),
        Ok(Image::Elsewhere(_)) => Err("it is the whole name of an image".to_owned()),
        Err(DeclareError::Argument { reason, .. }) => Err(reason),
        Err(error) => Err(error.to_string()),
    }
}

/// The name before, and `:tag` or `@digest`. A colon before the last slash is that of a port.
fn split(text: &str) -> (&str, &str) {
    let path = text.rfind('/').map_or(0, |slash| slash + 1);
    let at = text.find('@').or_else(|| text[path..].find(':').map(|colon| path + colon));
    text.split_at(at.unwrap_or(text.len()))
}

/// A host, which may be left out, and a path in lower case (OCI distribution specification, "Pulling manifests"; the host is
/// what has a dot, a port, or is `localhost`).
fn is_name(name: &str) -> bool {
    let is_host = |first: &str| first.contains(['.', ':']) || first == "localhost";
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if is_host(host) => (host, path),
        _ => ("", name),
    };
    let is_part = |part: &str| {
        let is_end =
            |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        is_end(part.bytes().next()) && is_end(part.bytes().last()) && part.bytes().all(allowed)
    };
    let in_host = |byte: u8| byte.is_ascii_alphanumeric() || b".:-".contains(&byte);
    host.bytes().all(in_host) && path.split('/').all(is_part)
}

/// Whether a name is in ECR, and of no account.
fn wrong_account(name: &str) -> bool {
    let account =
        name.split('/').next().and_then(|host| host.split_once(".dkr.ecr.")).map(|(account, _)| account);
    account.is_some_and(|account| account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_digest(text: &str) -> bool {
    let hex = |digits: &str| digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.strip_prefix("sha256:").is_some_and(hex)
}

/// ECR API Reference, `imageTag`; the OCI distribution specification says the same.
fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&text.len())
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> String {
        format!("@sha256:{}", "0f".repeat(32))
    }

    #[test]
    fn a_short_name_is_of_the_own_repository() {
        assert_eq!(Image::parse("image", ":v1").unwrap(), Image::Ours(":v1".to_owned()));
        assert_eq!(Image::parse("image", &digest()).unwrap(), Image::Ours(digest()));
        let uri: Input<RepositoryUri> = RepositoryUri::from("host/app").into();
        let name = Image::parse("image", ":v1").unwrap().name(&uri);
        assert_eq!(name, Input::Literal("host/app:v1".to_owned()));
    }

    #[test]
    fn a_whole_name_is_taken_as_it_is() {
        let with_digest = format!("registry.example:5000/app{}", digest());
        for name in [
            "nginx:1.29",
            "team/app_2:1.29",
            "public.ecr.aws/nginx/nginx:1.29",
            "localhost:5000/app:1",
            "Registry.Example/app:1",
            &with_digest,
        ] {
            assert_eq!(Image::parse("image", name).unwrap(), Image::Elsewhere(name.to_owned()));
        }
    }

    #[test]
    fn a_name_that_could_be_any_image_is_refused() {
        for name in [
            "",
            "nginx",
            "host:5000/app",
            ":",
            "@sha256:123",
            ":a b",
            "a b:1",
            ":-x",
            "@v1",
            "https://registry.example/app:1",
            "NGINX:1",
            "registry.example/Team/app:1",
            "registry.example//app:1",
            "registry.example/-app:1",
            "12345.dkr.ecr.ap-southeast-1.amazonaws.com/app:1",
        ] {
            assert!(Image::parse("image", name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_image_of_another_private_repository_needs_permission() {
        let place = Place {
            region: "ap-southeast-1".to_owned(),
            account_id: "123456789012".to_owned(),
            partition: "aws".to_owned(),
        };
        let arn = |name: &str| Image::parse("image", name).unwrap().other_repository_arn(&place);
        assert_eq!(
            arn("210987654321.dkr.ecr.us-east-1.amazonaws.com/team/app:1").as_deref(),
            Some("arn:aws:ecr:us-east-1:210987654321:repository/team/app")
        );
        assert_eq!(arn("public.ecr.aws/nginx/nginx:1.29"), None);
        assert_eq!(arn(":v1"), None);
    }
}
