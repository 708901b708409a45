//! How large and how deep a request may be, and whom the server answers.
//!
//! AWS has bounds of its own for each operation. These are wider, and are there so that no request can end the process, fill
//! the memory, or store what cannot be read again.

use std::net::IpAddr;

use crate::protocol::response::ensure;
use serde_json::Value;

/// How deep a value may be nested. The deepest that AWS documents are the statements of a web ACL, with about three levels for
/// each statement in another.
const NESTED_AT_MOST: usize = 64;
/// How many parameters a form may have. The largest that a tool sends have some thousands (PutMetricData, RunInstances).
const PARAMETERS_AT_MOST: usize = 20_000;
/// How long the name of a parameter may be.
const NAME_AT_MOST: usize = 4096;
/// The largest body, unless the service takes larger ones. The largest that AWS takes is a function of 50 MiB in base64 (Lambda Developer Guide,
/// "Lambda quotas").
pub(crate) const BODY_AT_MOST: usize = 72 << 20;
/// The largest body without a signature.
pub(crate) const UNSIGNED_AT_MOST: usize = 1 << 20;

/// How deep a value is nested: 0 for a text or a number.
pub(crate) fn nesting(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(items) => items.iter().map(nesting).max(),
        Value::Object(members) => members.values().map(nesting).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or_default()
}

/// Checks the input of a request.
pub(crate) fn check_nesting(input: &Value) -> Result<(), String> {
    ensure(nesting(input) <= NESTED_AT_MOST, || {
        format!("it is nested more than {NESTED_AT_MOST} levels deep")
    })
}

/// Checks the name of a parameter whose dots are levels, and its position in the form, before it is taken apart.
pub(crate) fn check_parameter(position: usize, name: &str) -> Result<(), String> {
    if position >= PARAMETERS_AT_MOST {
        return Err(format!("the request has more than {PARAMETERS_AT_MOST} parameters"));
    }
    if name.len() > NAME_AT_MOST || name.bytes().filter(|byte| *byte == b'.').count() > NESTED_AT_MOST {
        let beginning: String = name.chars().take(60).collect();
        return Err(format!(
            "the name of a parameter may have {NAME_AT_MOST} bytes and {NESTED_AT_MOST} dots, and one has more: {beginning}…"
        ));
    }
    Ok(())
}

/// Whether something looks like the code of a region, such as `ap-southeast-1` or `us-gov-west-1`.
pub(crate) fn is_region(text: &str) -> bool {
    let mut parts = text.rsplit('-');
    let number = parts.next().is_some_and(|number| {
        (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    let words: Vec<&str> = parts.collect();
    let word =
        |word: &&str| (2..=12).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase());
    number && (2..=4).contains(&words.len()) && words.iter().all(word)
}

/// Whether a `Host` is a loopback address or a name of AWS's. A browser that was led here by the name of another host sends
/// that name (DNS rebinding).
pub(crate) fn is_own_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = name.parse::<IpAddr>() {
        return address.is_loopback();
    }
    const DOMAINS: [&str; 6] = [
        "localhost",
        "amazonaws.com",
        "amazonaws.com.cn",
        "amazonaws.eu",
        "api.aws",
        "api.amazonwebservices.com.cn",
    ];
    // A bucket may stand in front of a loopback address too.
    let below =
        |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    DOMAINS.into_iter().any(below) || below("127.0.0.1")
}

/// Whether a host is the server itself, and not a bucket or a service of AWS.
pub(crate) fn is_the_server(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_and_what_is_none() {
        for region in ["ap-southeast-1", "us-gov-west-1", "eusc-de-east-1", "us-isob-east-1", "il-central-1"]
        {
            assert!(is_region(region), "{region}");
        }
        for other in [
            "",
            "-1",
            "us-1",
            "local",
            "us-east",
            "US-EAST-1",
            "../../x-y-1",
            "us-east-1\n",
            "a-b-1",
            "us-east-100",
        ] {
            assert!(!is_region(other), "{other}");
        }
    }

    #[test]
    fn hosts_of_loopback_and_of_aws() {
        for host in [
            "127.0.0.1:4566",
            "localhost",
            "LOCALHOST:1",
            "[::1]:4566",
            "127.1.2.3",
            "bucket.localhost:4566",
            "ec2.ap-southeast-1.amazonaws.com",
            "bucket.s3.amazonaws.com",
            "sts.api.aws",
            "bucket.127.0.0.1:4566",
        ] {
            assert!(is_own_host(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "10.0.0.1:4566",
            "amazonaws.com.example.com",
            "notlocalhost",
            "[2001:db8::1]:80",
            "xamazonaws.com",
        ] {
            assert!(!is_own_host(host), "{host}");
        }
    }
}
