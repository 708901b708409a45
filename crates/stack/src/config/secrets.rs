//! Secrets that have got into the configuration, where everybody reads them: in tags, in the application's variables.
//!
//! What looks like a secret by its value is refused everywhere; by its name only where the user chooses the name, since other keys
//! are known. The value itself is never part of a message.

use toml::{Table, Value};

use super::keys::{Keys, join};

/// The key of the first secret, and what it is.
pub(super) fn find(keys: &Keys, values: &Table) -> Option<(String, &'static str)> {
    in_table(Some(keys), values, &mut Vec::new())
}

fn in_table(keys: Option<&Keys>, table: &Table, path: &mut Vec<String>) -> Option<(String, &'static str)> {
    let is_free = matches!(keys, Some(Keys::Free(_)));
    table.iter().find_map(|(name, value)| {
        path.push(name.clone());
        let found = match value {
            Value::Table(inner) => in_table(keys.and_then(|keys| keys.get(name)), inner, path),
            Value::String(text) => {
                let chosen = if is_free { name.as_str() } else { "" };
                secrets::of(chosen, text).map(|what| (join(path), what))
            }
            Value::Array(items) => {
                let mut texts = items.iter().enumerate().filter_map(|(at, item)| Some((at, item.as_str()?)));
                texts.find_map(|(at, text)| Some((format!("{}[{at}]", join(path)), secrets::in_text(text)?)))
            }
            _ => None,
        };
        path.pop();
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(String, &'static str)> {
        find(crate::payment::program().catalogue().keys(), &text.parse().unwrap())
    }

    #[test]
    fn what_looks_like_a_secret_is_found_with_its_key() {
        // Put together here, so that nobody takes the source for a leak.
        let token = format!("glpat-{}", "A7".repeat(20));
        for (secret, what) in [
            (token.as_str(), "a token of GitLab"),
            ("postgres://u:hunter2@h/db", "a password in a URL"),
            ("password=Sup3rS3cret!", "a password behind `=`"),
        ] {
            let table = format!("[tags]\nAuthor = \"me\"\n\"a b\" = \"{secret}\"\n");
            assert_eq!(found(&table), Some(("tags.\"a b\"".to_owned(), what)));
            let list = format!("[monitoring]\nalarm_emails = [\"x\", \"{secret}\"]\n");
            assert_eq!(found(&list).unwrap().0, "monitoring.alarm_emails[1]");
        }
    }

    #[test]
    fn a_name_that_the_user_chose_may_say_that_it_is_a_secret_and_a_key_of_the_program_does_not() {
        for name in ["STRIPE_SECRET_KEY", "PASSWORD", "TOKEN", "PGPASSWORD", "DBPASS", "DB_PWD"] {
            for table in ["ecs.environment_variables", "tags"] {
                let (key, what) = found(&format!("[{table}]\n{name} = \"Sup3rSecret\"\n")).unwrap();
                assert_eq!((key, what), (format!("{table}.{name}"), "what its name says is a secret"));
            }
        }
        let others = "TOKEN_TTL = \"15m\"\nSECRET_ARN = \"x\"\nMAX_TOKEN = \"12\"\nUSE_TOKEN = \"true\"\n";
        assert_eq!(found(&format!("[ecs.environment_variables]\n{others}PASSWORD = \"\"\n")), None);
        assert_eq!(found("[ecs]\ndatabase_credentials = \"master_secret\"\n"), None);
    }
}
