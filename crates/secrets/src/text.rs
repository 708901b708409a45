//! Texts that are, or have in them, a secret.

use crate::name::is_named;

/// What tokens begin with, how many characters they have at least, and what they are.
const TOKENS: [(&str, usize, &str); 20] = [
    ("AIza", 39, "a key of Google"),
    ("AKIA", 20, "an access key of AWS"),
    ("ASIA", 20, "an access key of AWS"),
    ("ghp_", 36, "a token of GitHub"),
    ("gho_", 36, "a token of GitHub"),
    ("ghr_", 36, "a token of GitHub"),
    ("ghs_", 36, "a token of GitHub"),
    ("ghu_", 36, "a token of GitHub"),
    ("github_pat_", 36, "a token of GitHub"),
    ("glpat-", 20, "a token of GitLab"),
    ("npm_", 36, "a token of npm"),
    ("pypi-", 40, "a token of PyPI"),
    ("rk_live_", 20, "a key of Stripe"),
    ("rk_test_", 20, "a key of Stripe"),
    ("sk_live_", 20, "a key of Stripe"),
    ("sk_test_", 20, "a key of Stripe"),
    ("whsec_", 20, "a secret of Stripe"),
    ("xapp-", 20, "a token of Slack"),
    ("xoxb-", 20, "a token of Slack"),
    ("xoxp-", 20, "a token of Slack"),
];

/// Whether a text has a secret of one sort in it.
type Recogniser = fn(&str) -> bool;

/// What a text has in it that is a secret, in words.
#[must_use]
pub fn in_text(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let is_part = |one: char| one.is_ascii_alphanumeric() || one == '_' || one == '-';
    let token = text.split(|one: char| !is_part(one)).find_map(token);
    let rest: [(&'static str, Recogniser); 4] = [
        ("what looks like a secret access key of AWS", has_access_key),
        ("a JSON Web Token", has_web_token),
        ("a password in a URL", has_url),
        ("a password behind `=`", has_assignment),
    ];
    token.or_else(|| rest.into_iter().find_map(|(what, is_in)| is_in(text).then_some(what)))
}

fn token(word: &str) -> Option<&'static str> {
    let of = |(prefix, length, _): &&(&str, usize, &str)| {
        word.starts_with(prefix)
            && word.len() >= *length
            // The ids of AWS's keys are upper case, and have this length.
            && (prefix.len() > 4 || *length != 20 || is_key_id(word))
    };
    TOKENS.iter().find(of).map(|(_, _, what)| *what)
}

/// IAM API Reference, AccessKey: `AKIA` of a user or `ASIA` of a session, then capital letters and digits.
fn is_key_id(word: &str) -> bool {
    word.len() == 20 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// 40 characters of base64 in which letters and digits alternate as at random. A path and a name of several words have them in rows,
/// and the hash of a commit has no letter in both cases.
fn has_access_key(text: &str) -> bool {
    const LENGTH: usize = 40;
    const CHANGES: usize = 15;
    let class = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let is_part = |one: char| one.is_ascii_alphanumeric() || one == '/' || one == '+';
    text.split(|one: char| !is_part(one)).filter(|word| word.len() == LENGTH).any(|word| {
        let classes: Vec<u8> = word.bytes().map(class).collect();
        let changes = classes.windows(2).filter(|two| two[0] != two[1]).count();
        changes >= CHANGES && (0..3).all(|class| classes.contains(&class))
    })
}

/// RFC 7515, "JWS Compact Serialization": three parts in base64url, of which the first is an object of JSON.
fn has_web_token(text: &str) -> bool {
    let is_part = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '-' | '.');
    text.split(|one: char| !is_part(one)).any(|word| {
        let mut parts = word.split('.');
        let is_head = parts.next().is_some_and(|head| head.starts_with("eyJ") && head.len() >= 12);
        is_head && parts.next().is_some_and(|body| body.len() >= 8) && parts.next().is_some()
    })
}

/// Before the host (RFC 3986, section 3.2.1, "user:password"), or where whoever knows the URL may use what it leads to.
fn has_url(text: &str) -> bool {
    text.contains("hooks.slack.com/services/T")
        || text.match_indices("://").any(|(at, separator)| {
            let has_scheme = text[..at].ends_with(|last: char| last.is_ascii_alphanumeric());
            let rest = &text[at + separator.len()..];
            let end =
                rest.find(|one: char| one.is_whitespace() || matches!(one, '"' | '\'' | '/' | '?' | '#'));
            let user = rest[..end.unwrap_or(rest.len())].rsplit_once('@').map(|(user, _)| user);
            let password = user.and_then(|user| user.split_once(':')).map(|(_, password)| password);
            has_scheme && password.is_some_and(|password| !password.is_empty() && !stands_for_one(password))
        })
}

/// `password=…`, as in connection strings, queries of URLs and command lines.
fn has_assignment(text: &str) -> bool {
    text.match_indices('=').any(|(at, _)| {
        let is_part = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '-' | '.');
        let name = text[..at].rsplit(|one| !is_part(one)).next().unwrap_or_default();
        if !is_named(name) {
            return false;
        }
        let rest = &text[at + 1..];
        let value = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest[1..].split(quote).next(),
            _ => rest
                .split(|one: char| one.is_whitespace() || matches!(one, ';' | '&' | ',' | '"' | '\''))
                .next(),
        };
        value.is_some_and(|value| !value.starts_with('=') && may_be_one(value))
    })
}

/// Whether a value can be a secret: no ARN, number or word for yes and no, and not only a place for one.
pub(crate) fn may_be_one(value: &str) -> bool {
    const WORDS: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "null", "none"];
    let value = value.trim();
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    let is_word = WORDS.iter().any(|word| value.eq_ignore_ascii_case(word));
    !(is_number || is_word || value.starts_with("arn:") || stands_for_one(value))
}

/// Whether it is a place for a secret: `${NAME}`, `{{NAME}}`, `<password>`, stars, or a variable of API Gateway.
fn stands_for_one(text: &str) -> bool {
    let within = |open: &str, close: &str| text.starts_with(open) && text.ends_with(close);
    let is_place = within("${", "}") || within("{", "}") || within("<", ">") || within("(", ")");
    let is_variable =
        ["$context.", "$input.", "$stageVariables."].iter().any(|start| text.starts_with(start));
    (is_place && text != super::SHOWN) || is_variable || text.bytes().all(|byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Put together here, so that nobody takes the source for a leak.
    fn token_of(prefix: &str) -> String {
        format!("{prefix}{}", "A7".repeat(20))
    }

    fn access_key() -> String {
        // The example of AWS's documentation.
        ["wJalrXUtnFEMI", "/K7MDENG/", "bPxRfiCYEXAMPLEKEY"].concat()
    }

    fn web_token() -> String {
        ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxIn0", "c2lnbmF0dXJl"].join(".")
    }

    #[test]
    fn what_is_surely_a_secret_is_told_what_it_is() {
        for (secret, what) in [
            (format!("AKIA{}", "A7".repeat(8)), "an access key of AWS"),
            (token_of("sk_live_"), "a key of Stripe"),
            (format!("https://{}@github.com/x", token_of("ghp_")), "a token of GitHub"),
            ("-----BEGIN RSA PRIVATE KEY-----\\nMII".to_owned(), "a private key"),
            (access_key(), "what looks like a secret access key of AWS"),
            (format!("key: \"{}\"", access_key()), "what looks like a secret access key of AWS"),
            (web_token(), "a JSON Web Token"),
            (format!("Bearer {}", web_token()), "a JSON Web Token"),
            ("password=Sup3rS3cret!".to_owned(), "a password behind `=`"),
            ("Server=db;User Id=app;Pwd='a b'".to_owned(), "a password behind `=`"),
            ("run --api-key=abc".to_owned(), "a password behind `=`"),
            (["https://hooks.slack.com", "services", "T0", "B0", "x"].join("/"), "a password in a URL"),
        ] {
            assert_eq!(in_text(&secret), Some(what), "{secret}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_seen_wherever_it_stands() {
        for url in [
            "postgres://app:hunter2@db.example:5432/payments",
            "postgresql+psycopg://app:hunter2@db.example/payments?sslmode=require",
            "redis://:hunter2@cache.example:6379/0",
            "https://user:p%40ss@example.com",
            "amqps://app:pa@ss@mq.example",
            "jdbc:postgresql://db.example/payments?user=app&password=hunter2",
            "primary=postgres://db/x standby='postgres://app:hunter2@db2/x'",
        ] {
            assert!(in_text(url).is_some(), "{url}");
        }
    }

    #[test]
    fn what_is_something_else_is_left_alone() {
        for text in [
            "",
            "info",
            "AKIA",
            "AKIArest",
            "ASIA-PACIFIC-SINGAPORE",
            "sk_live_",
            "-----BEGIN CERTIFICATE-----",
            "ghp_short",
            // Hashes of a commit and of an image.
            &"0a1b2c3d".repeat(5),
            &format!("sha256:{}", "0f".repeat(32)),
            // Forty characters in words.
            "service/PaymentProcessing/ProductionV001",
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/payment-blue-dev/0123456789abcdef",
            "https://example.com/path?user=app",
            "https://example.com:8443/a:b@c",
            "postgres://app@db.example/payments",
            "postgres://app:@db.example/payments",
            "postgres://app:${DB_PASSWORD}@db.example/payments",
            "postgres://app:{{ password }}@db.example/payments",
            "postgres://app:<password>@db.example/payments",
            "postgres://app:*****@db.example/payments",
            "jdbc:postgresql://db.example/payments?password=${DB_PASSWORD}",
            "user:password@host",
            "://user:password@host",
            "password=",
            "token==x",
            "password_file=/run/secrets/db",
            "token_ttl=60s max_tokens=100 token=true",
            "the password is in Secrets Manager",
            "{ $.token = \"x\" }",
            "payment-eyJ.example.com",
            r#"{"apiKey":"$context.identity.apiKeyId"}"#,
        ] {
            assert_eq!(in_text(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in any::<String>(), more in "[a-z:/@=?&{}$]{0,40}") {
            let _ = in_text(&format!("{text}{more}"));
            let _ = in_text(&format!("password={text}://{more}"));
        }
    }
}
