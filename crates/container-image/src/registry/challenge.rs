//! What a registry asks for before it answers (RFC 9110, "WWW-Authenticate"; Distribution, "Token Authentication Specification").

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A user and a password.
    Basic,
    /// A token, which this URL gives.
    Bearer { url: String },
}

impl Challenge {
    /// Reads the header; `scope` is what is asked for where the registry does not say.
    pub(crate) fn read(header: &str, scope: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Challenge::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest);
        let get =
            |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let realm = get("realm")?;
        let mut url = realm.to_owned();
        let pairs = [("service", get("service")), ("scope", get("scope").or(Some(scope)))];
        for (key, value) in pairs.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(key);
            url.push('=');
            url.extend(utf8_percent_encode(value, PLAIN));
        }
        Some(Challenge::Bearer { url })
    }
}

/// `key="value"` and `key=value`, with commas between them.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => {
                let end = after.find(',').unwrap_or(after.len());
                after.split_at(end)
            }
        };
        let key = key.trim_matches([' ', ',']).to_ascii_lowercase();
        found.push((key, value.trim().to_owned()));
        rest = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_registry_asks_in_its_own_way() {
        let url = |text: &str| Challenge::read(text, "repository:app:pull");
        let bearer = |url: &str| Some(Challenge::Bearer { url: url.to_owned() });
        for (header, wanted) in [
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull,push""#,
                bearer(
                    "https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Alibrary%2Fnginx%3Apull%2Cpush",
                ),
            ),
            (
                r#"bearer service=x, realm="https://a.example/t?a=b""#,
                bearer("https://a.example/t?a=b&service=x&scope=repository%3Aapp%3Apull"),
            ),
            (r#"Basic realm="https://x/",service="ecr.amazonaws.com""#, Some(Challenge::Basic)),
            ("Basic", Some(Challenge::Basic)),
            ("Bearer", None),
            ("Bearer service=\"x", None),
            ("Negotiate", None),
            ("", None),
        ] {
            assert_eq!(url(header), wanted, "{header}");
        }
    }
}
