//! Secrets that have got into the configuration, where everybody reads them: in tags, in the application's variables.
//!
//! Only what cannot be anything else is recognised, by the forms that those who issue them publish. The value itself is never
//! part of a message.

use toml::{Table, Value};

use super::keys::join;

/// What tokens begin with, how many characters they have at least, and what they are.
const TOKENS: [(&str, usize, &str); 11] = [
    ("AKIA", 20, "an access key of AWS"),
    ("ASIA", 20, "an access key of AWS"),
    ("sk_live_", 20, "a key of Stripe"),
    ("rk_live_", 20, "a key of Stripe"),
    ("ghp_", 36, "a token of GitHub"),
    ("gho_", 36, "a token of GitHub"),
    ("ghs_", 36, "a token of GitHub"),
    ("github_pat_", 36, "a token of GitHub"),
    ("glpat-", 20, "a token of GitLab"),
    ("xoxb-", 20, "a token of Slack"),
    ("xoxp-", 20, "a token of Slack"),
];

/// The key of the first secret, and what it is.
pub(super) fn find(values: &Table) -> Option<(String, &'static str)> {
    in_table(values, &mut Vec::new())
}

fn in_table(table: &Table, path: &mut Vec<String>) -> Option<(String, &'static str)> {
    table.iter().find_map(|(name, value)| {
        path.push(name.clone());
        let found = match value {
            Value::Table(inner) => in_table(inner, path),
            Value::String(text) => recognised(text).map(|what| (join(path), what)),
            Value::Array(items) => {
                let mut texts = items.iter().enumerate().filter_map(|(at, item)| Some((at, item.as_str()?)));
                texts.find_map(|(at, text)| Some((format!("{}[{at}]", join(path)), recognised(text)?)))
            }
            _ => None,
        };
        path.pop();
        found
    })
}

/// What a text has in it that is a secret.
pub(crate) fn recognised(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let is_part = |one: char| one.is_ascii_alphanumeric() || one == '_' || one == '-';
    text.split(|one: char| !is_part(one)).find_map(|word| {
        let of = |(prefix, length, _): &&(&str, usize, &str)| {
            word.starts_with(prefix)
                && word.len() >= *length
                // The ids of AWS's keys are upper case, and have this length.
                && (prefix.len() > 4 || *length != 20 || is_key_id(word))
        };
        TOKENS.iter().find(of).map(|(_, _, what)| *what)
    })
}

/// IAM API Reference, AccessKey: `AKIA` of a user or `ASIA` of a session, then capital letters and digits.
fn is_key_id(word: &str) -> bool {
    word.len() == 20 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_surely_a_secret_is_found_with_its_key() {
        // Put together here, so that nobody takes the source for a leak.
        let token = |prefix: &str| format!("{prefix}{}", "A7".repeat(20));
        let (key_id, pem) = (format!("AKIA{}", "A7".repeat(8)), "-----BEGIN RSA PRIVATE KEY-----\\nMII");
        for (secret, what) in [
            (key_id.as_str(), "an access key of AWS"),
            (&token("sk_live_"), "a key of Stripe"),
            (&format!("https://{}@github.com/x", token("ghp_")), "a token of GitHub"),
            (pem, "a private key"),
        ] {
            let table = format!("[tags]\nAuthor = \"me\"\n\"a b\" = \"{secret}\"\n");
            assert_eq!(find(&table.parse().unwrap()), Some(("tags.\"a b\"".to_owned(), what)));
            let list = format!("[monitoring]\nalarm_emails = [\"x\", \"{secret}\"]\n");
            assert_eq!(find(&list.parse().unwrap()).unwrap().0, "monitoring.alarm_emails[1]");
        }
    }

    #[test]
    fn what_may_be_something_else_is_left_alone() {
        for text in [
            "AKIA",
            "AKIArest",
            "ASIA-PACIFIC-SINGAPORE",
            "sk_live_",
            "-----BEGIN CERTIFICATE-----",
            "ghp_short",
        ] {
            let table: Table = [("x".to_owned(), Value::from(text))].into_iter().collect();
            assert_eq!(find(&table), None, "{text}");
        }
    }
}
