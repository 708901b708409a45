//! Which key of the configuration a refusal of AWS is about.
//!
//! AWS names its own parameters and the values that it got, not keys. A value of the configuration that stands in the message as
//! such is most likely the one; after that a key that has the name of a parameter in the message. Both are only a pointer for the
//! reader: nothing depends on it.

use toml::Value;

use super::Loaded;
use super::keys::{join, written};
use super::layers::Origin;

/// The shortest text that is searched for where nobody wrote it.
const SHORTEST_DEFAULT: usize = 5;
/// The longest value that is repeated.
const LONGEST: usize = 100;

/// A key, how sure it is, and its value.
struct Found<'a> {
    rank: (bool, bool, usize),
    path: Vec<String>,
    value: &'a Value,
}

impl Loaded {
    /// The key of a tier that a message is about, with its value and where that comes from: `` `vpc.cidr` is "10.0.0.0/8"
    /// (stack.toml:21) ``.
    pub(crate) fn blamed(&self, tier: &str, message: &str) -> Option<String> {
        let mut best: Option<Found<'_>> = None;
        for top in [tier, "tags", "logs"] {
            let Some(value) = self.layers.values.get(top) else { continue };
            self.search(&mut vec![top.to_owned()], value, message, &mut best);
        }
        let Found { path, value, .. } = best?;
        let origin = match self.origin(&path) {
            Some(origin) => origin.to_string(),
            None => "the default".to_owned(),
        };
        let shown = written(value);
        // What the application gets is not repeated, though it should hold no secret.
        let is_shown =
            shown.chars().count() <= LONGEST && !path.iter().any(|key| key == "environment_variables");
        let is = if is_shown { format!(" is {shown}") } else { String::new() };
        Some(format!("`{}`{is} ({origin})", join(&path)))
    }

    fn origin(&self, path: &[String]) -> Option<&Origin> {
        self.layers.origins.get(&join(path)).filter(|origin| **origin != Origin::Default)
    }

    fn search<'a>(
        &self,
        path: &mut Vec<String>,
        value: &'a Value,
        message: &str,
        best: &mut Option<Found<'a>>,
    ) {
        if let Value::Table(table) = value {
            for (name, inner) in table {
                path.push(name.clone());
                self.search(path, inner, message, best);
                path.pop();
            }
            return;
        }
        let is_chosen = self.origin(path).is_some();
        let length = match value {
            Value::Array(items) => items.iter().filter_map(|item| length_in(item, message, is_chosen)).max(),
            value => length_in(value, message, is_chosen),
        };
        let is_named = || path.last().is_some_and(|key| names(message, key));
        let rank = match length {
            Some(length) => (true, is_chosen, length),
            None if is_named() => (false, is_chosen, 0),
            None => return,
        };
        if best.as_ref().is_none_or(|best| best.rank < rank) {
            *best = Some(Found { rank, path: path.clone(), value });
        }
    }
}

/// The length of the value's text, if that stands in the message.
fn length_in(value: &Value, message: &str, is_chosen: bool) -> Option<usize> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        _ => return None,
    };
    // Short ones, and numbers that nobody wrote, stand in any message by chance.
    let is_telling = match value {
        Value::String(_) if is_chosen => text.len() > 1,
        Value::String(_) => text.len() >= SHORTEST_DEFAULT,
        _ => is_chosen && text.len() > 1,
    };
    (is_telling && stands_alone(message, &text)).then_some(text.len())
}

/// Whether a text is in another one, and is not part of a longer name there.
fn stands_alone(message: &str, text: &str) -> bool {
    let belongs = |one: char| one.is_alphanumeric() || matches!(one, '-' | '_' | '/' | '.' | ':' | '@');
    message.match_indices(text).any(|(at, _)| {
        let before = message[..at].chars().next_back();
        let mut after = message[at + text.len()..].chars();
        // A full stop or a colon may end the sentence.
        let ends = match after.next() {
            Some('.' | ':') => after.next().is_none_or(char::is_whitespace),
            Some(one) => !belongs(one),
            None => true,
        };
        ends && before.is_none_or(|one| !belongs(one))
    })
}

/// Whether a message names a parameter that is spelled like a key: `CidrBlock`, `retentionInDays`. A word without capitals is only a
/// word.
fn names(message: &str, key: &str) -> bool {
    let plain: String = key.chars().filter(|one| *one != '_').collect();
    let words = message.split(|one: char| !one.is_alphanumeric());
    let mut parameters = words.filter(|word| word.chars().any(char::is_uppercase));
    parameters.any(|word| word.eq_ignore_ascii_case(&plain))
}

#[cfg(test)]
mod tests {
    use super::super::{Sources, load};
    use super::*;

    fn loaded(text: &str, settings: &[&str]) -> Loaded {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stack.toml");
        std::fs::write(&path, text).unwrap();
        let environment = "dev".parse().unwrap();
        let settings: Vec<_> = settings.iter().map(|one| one.parse().unwrap()).collect();
        load(&Sources { settings: &settings, ..Sources::file(Some(&path), &environment) }).unwrap()
    }

    #[track_caller]
    fn check(loaded: &Loaded, tier: &str, message: &str, wanted: Option<&str>) {
        let found = loaded.blamed(tier, message);
        let found = found.map(|found| match found.split_once('(') {
            // Without the directory of the file.
            Some((before, after)) => format!("{before}({}", after.rsplit('/').next().unwrap()),
            None => found,
        });
        assert_eq!(found.as_deref(), wanted, "{message}");
    }

    #[test]
    fn a_value_that_the_message_repeats_is_found_with_its_line() {
        let loaded = loaded(
            "[database]\nengine_version = \"17.99\"\n[environments.dev.vpc]\ncidr = \"10.9.0.0/16\"\n",
            &["ecs.cpu=512", "ecs.memory=1024"],
        );
        check(
            &loaded,
            "database",
            "Cannot find version 17.99 for aurora-postgresql",
            Some("`database.engine_version` is \"17.99\" (stack.toml:2)"),
        );
        check(
            &loaded,
            "vpc",
            "The CIDR '10.9.0.0/16' is invalid.",
            Some("`vpc.cidr` is \"10.9.0.0/16\" (stack.toml:4 [environments.dev])"),
        );
        check(
            &loaded,
            "ecs",
            "No Fargate configuration exists for given values: 512 CPU.",
            Some("`ecs.cpu` is 512 (--set ecs.cpu)"),
        );
    }

    #[test]
    fn a_parameter_that_is_called_like_a_key_is_found() {
        let loaded = loaded("[vpc.flow_logs]\nretention_in_days = 2557\n", &[]);
        check(
            &loaded,
            "vpc",
            "1 validation error detected: Value at 'retentionInDays' failed to satisfy constraint",
            Some("`vpc.flow_logs.retention_in_days` is 2557 (stack.toml:2)"),
        );
    }

    #[test]
    fn what_is_part_of_another_name_or_says_nothing_is_not_blamed() {
        let loaded = loaded("[tags]\nOwner = \"payments\"\n[ecs]\nuser = \"10\"\n", &[]);
        check(&loaded, "vpc", "payments-dev in arn:aws:x:payments/1 is not valid", None);
        check(&loaded, "ecs", "2 of 10.0.0.0/16 for vpc-10", None);
        check(&loaded, "vpc", "An internal error has occurred.", None);
        check(&loaded, "no-such-tier", "anything", None);
    }

    #[test]
    fn what_the_application_gets_is_not_repeated() {
        let loaded = loaded("[ecs.environment_variables]\nMODE = \"blue-green\"\n", &[]);
        check(
            &loaded,
            "ecs",
            "the value blue-green is not valid",
            Some("`ecs.environment_variables.MODE` (stack.toml:2)"),
        );
    }
}
