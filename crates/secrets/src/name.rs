//! Names that say that what is called so is a secret.

/// What a word of such a name ends with: `PASSWORD`, and `PGPASSWORD`.
const ENDINGS: [&str; 11] = [
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PRIVATEKEY",
    "PWD",
    "SECRET",
    "SECRETKEY",
    "TOKEN",
];

/// Two words that only together say it.
const PAIRS: [(&str, &str); 2] = [("API", "KEY"), ("PRIVATE", "KEY")];

/// English words that end with `PASS`, unlike `DBPASS`.
const NO_PASS: [&str; 7] = ["BYPASS", "COMPASS", "ENCOMPASS", "OVERPASS", "SURPASS", "TRESPASS", "UNDERPASS"];

/// What the last word of a name is if the name is about a secret, which it is not itself: `DB_SECRET_ARN`, `TOKEN_TTL`.
const ABOUT: [&str; 23] = [
    "ALGORITHM",
    "ARN",
    "AUDIENCE",
    "DIR",
    "ENDPOINT",
    "EXPIRY",
    "FILE",
    "FILENAME",
    "HEADER",
    "HOST",
    "HOSTNAME",
    "ID",
    "ISSUER",
    "LENGTH",
    "NAME",
    "PATH",
    "POLICY",
    "REGION",
    "TTL",
    "TYPE",
    "URI",
    "URL",
    "USERNAME",
];

/// Whether a name says that its value is a secret: one of its words is `PASSWORD`, `PASSWD`, `PWD`, `PASS`, `PASSPHRASE`, `SECRET`,
/// `TOKEN`, `APIKEY`, `API_KEY`, `PRIVATE_KEY` or `CREDENTIAL`, or ends so, and the last one is not about it, such as `ARN` or
/// `NAME`. Words end at `_`, `-`, `.` and the like, at digits, and where lower case meets upper case.
#[must_use]
pub fn is_named(name: &str) -> bool {
    let words = words(name);
    if words.last().is_some_and(|word| ABOUT.contains(&word.as_str())) {
        return false;
    }
    let is_pair = |two: &[String]| PAIRS.iter().any(|(first, second)| two[0] == *first && two[1] == *second);
    words.iter().any(|word| is_secret(word)) || words.windows(2).any(is_pair)
}

fn is_secret(word: &str) -> bool {
    let is_pass = word.ends_with("PASS") && !NO_PASS.contains(&word);
    is_pass || ENDINGS.iter().any(|end| word.ends_with(end))
}

/// The words of a name, in upper case.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, &one) in letters.iter().enumerate() {
        if !one.is_alphabetic() {
            words.push(String::new());
            continue;
        }
        let before = at.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(at + 1);
        // `dbPassword`, and `APIKey`.
        let begins = one.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if begins {
            words.push(String::new());
        }
        words.last_mut().expect("there is always one").extend(one.to_uppercase());
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_names_are_told_apart() {
        for (name, wanted) in [
            ("DB_PASSWORD", vec!["DB", "PASSWORD"]),
            ("dbPassword2", vec!["DB", "PASSWORD"]),
            ("APIKey", vec!["API", "KEY"]),
            ("api-key.value", vec!["API", "KEY", "VALUE"]),
            ("", vec![]),
        ] {
            assert_eq!(words(name), wanted, "{name}");
        }
    }

    #[test]
    fn a_name_says_that_it_is_a_secret() {
        for name in [
            "password",
            "DB_PASSWORD",
            "PGPASSWORD",
            "PASSWORD2",
            "dbPassword",
            "MYSQL_PWD",
            "DBPASS",
            "DB_PASS",
            "smtp-passwd",
            "STRIPE_SECRET_KEY",
            "ClientSecret",
            "TOKEN",
            "github.token",
            "AuthToken",
            "API_KEY",
            "apiKey",
            "APIKEY",
            "APIKey",
            "SSH_PRIVATE_KEY",
            "GOOGLE_CREDENTIALS",
            "Credential",
            "KEY_PASSPHRASE",
        ] {
            assert!(is_named(name), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_about_a_secret_or_about_something_else_does_not() {
        for name in [
            "",
            "Owner",
            "DB_SECRET_ARN",
            "SecretArn",
            "TOKEN_TTL",
            "ApiKeySourceType",
            "ApiKeyId",
            "PASSWORD_FILE",
            "SECRET_NAME",
            "CREDENTIALS_PATH",
            "TOKEN_URL",
            "API_KEY_HEADER",
            "DB_USERNAME",
            "KmsKeyId",
            "KEY",
            "BYPASS_CACHE",
            "Compass",
            "Secretary",
            "HttpTokens",
            "MAX_TOKENS",
            "Passenger",
            "monkey",
            "PrivateIp",
            "PublicKey",
            "MonitoringRoleArn",
        ] {
            assert!(!is_named(name), "{name}");
        }
    }
}
