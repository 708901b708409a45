//! Tokens for the registry: `AWS:` and a password, in base64, for 12 hours (ECR API Reference, GetAuthorizationToken).
//!
//! A password says for which region it was given and when it ends, so that nothing is kept of it. It is a key to nothing but the
//! emulator, which checks no signature either; what it is there for is that a client which sends none, or one that is too old, is
//! refused as on AWS.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Uri;
use serde_json::json;

use crate::protocol::bounds::{is_region, is_the_server};
use crate::services::{ACCOUNT_ID, Answer, Call, Cx};

const HOURS: i64 = 60 * 60 * 1000;
const GOOD_FOR_MILLIS: i64 = 12 * HOURS;
/// What a password begins with.
const MARK: &str = "emulator";

/// A token that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) region: String,
    pub(super) ends_at_millis: i64,
}

impl Token {
    fn written(&self) -> String {
        BASE64_STANDARD.encode(format!("AWS:{MARK}.{}.{}", self.region, self.ends_at_millis))
    }

    /// Reads the value of an `Authorization`.
    pub(super) fn read(authorization: &str) -> Option<Token> {
        let (scheme, encoded) = authorization.trim().split_once(' ')?;
        let decoded =
            BASE64_STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let decoded = String::from_utf8(decoded).ok()?;
        let mut parts = decoded.strip_prefix("AWS:")?.split('.');
        let (mark, region, ends) = (parts.next()?, parts.next()?, parts.next()?);
        let token = Token { region: region.to_owned(), ends_at_millis: ends.parse().ok()? };
        (mark == MARK && is_region(region) && parts.next().is_none()).then_some(token)
    }
}

/// Where the registry of a region is: on AWS, or on the server that was asked, which serves all regions and knows by the token
/// which one is meant.
fn endpoint(call: &Call) -> String {
    let asked = call.http.uri.parse::<Uri>().ok();
    let served = asked.as_ref().filter(|uri| uri.host().is_some_and(is_the_server));
    match served.and_then(|uri| uri.scheme_str().zip(uri.authority())) {
        Some((scheme, authority)) => format!("{scheme}://{authority}"),
        None => format!("https://{ACCOUNT_ID}.dkr.ecr.{}.amazonaws.com", call.region),
    }
}

pub(super) fn get(cx: &Cx<'_>, call: &Call) -> Answer {
    let token = Token { region: cx.region.to_owned(), ends_at_millis: cx.now_millis + GOOD_FOR_MILLIS };
    Ok(json!({"authorizationData": [{
        "authorizationToken": token.written(),
        "expiresAt": token.ends_at_millis as f64 / 1000.0,
        "proxyEndpoint": endpoint(call),
    }]}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let token = Token { region: "eu-west-1".to_owned(), ends_at_millis: 12 };
        assert_eq!(Token::read(&format!("Basic {}", token.written())), Some(token.clone()));
        assert_eq!(Token::read(&format!("bearer {}", token.written())), None);
        for other in
            ["AWS:x", "me:emulator.eu-west-1.12", "AWS:emulator.../../x.12", "AWS:emulator.eu-west-1.12.3"]
        {
            assert_eq!(Token::read(&format!("Basic {}", BASE64_STANDARD.encode(other))), None, "{other}");
        }
        assert_eq!(Token::read("Basic %%%"), None);
    }
}
