//! Which events a filter pattern fits (CloudWatch Logs User Guide, "Filter pattern syntax").
//!
//! [`filter_pattern`] says what is a pattern, as for metric filters; here it has been asked already. Terms fit wherever they stand in
//! a message, upper and lower case apart. The guide does not say what becomes of a term inside of a word (`ERROR` in `ERRORS`): here it
//! fits. Patterns of columns are not modelled.

use regex::Regex;
use serde_json::Value;

use super::invalid;
use crate::services::{Refusal, fits_stars};

/// What fits.
#[derive(Debug)]
pub(super) enum Matching {
    Terms { needed: Vec<String>, optional: Vec<String>, excluded: Vec<String> },
    Regular(Regex),
    Json(Condition),
}

/// A condition on an event that is JSON.
#[derive(Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    NotExists(Vec<Step>),
    Is(Vec<Step>, Value),
    Compare(Vec<Step>, String, Operand),
}

/// One step of `$.list[*].name`.
#[derive(Debug)]
pub(super) enum Step {
    Name(String),
    Index(usize),
    Every,
}

#[derive(Debug)]
pub(super) enum Operand {
    Number(f64),
    /// A text in which `*` stands for anything.
    Text(String),
    Regular(Regex),
}

impl Matching {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// If it is none, or one of columns.
    pub(super) fn of(pattern: &str) -> Result<Matching, Refusal> {
        let bad = || invalid("Invalid filter pattern");
        let kind = filter_pattern::parse(pattern).map_err(|wrong| match wrong.character {
            Some(character) => invalid(format!("Invalid character(s) in term '{character}'")),
            None => bad(),
        })?;
        let mut reader = Reader { rest: pattern.trim() };
        match kind {
            filter_pattern::Pattern::Columns => Err(Refusal::new(
                "UnknownParameter",
                "The emulator does not model FilterLogEvents with a pattern of columns.",
            )),
            filter_pattern::Pattern::Json => {
                reader.takes("{");
                reader.any().map(Matching::Json).ok_or_else(bad)
            }
            filter_pattern::Pattern::Terms(_) if reader.rest.starts_with('%') => {
                reader.regular().map(Matching::Regular).ok_or_else(bad)
            }
            filter_pattern::Pattern::Terms(terms) => Ok(reader.terms(terms.ignore_optional)),
        }
    }

    pub(super) fn fits(&self, message: &str) -> bool {
        match self {
            Matching::Terms { needed, optional, excluded } => {
                let has = |term: &String| message.contains(term.as_str());
                needed.iter().all(has)
                    && (optional.is_empty() || optional.iter().any(has))
                    && !excluded.iter().any(has)
            }
            Matching::Regular(regular) => regular.is_match(message),
            Matching::Json(condition) => serde_json::from_str(message)
                .is_ok_and(|event: Value| event.is_object() && condition.holds(&event)),
        }
    }
}

impl Condition {
    fn holds(&self, event: &Value) -> bool {
        match self {
            Condition::All(all) => all.iter().all(|one| one.holds(event)),
            Condition::Any(any) => any.iter().any(|one| one.holds(event)),
            Condition::NotExists(path) => found(event, path).is_empty(),
            Condition::Is(path, wanted) => found(event, path).into_iter().any(|value| value == wanted),
            Condition::Compare(path, operator, operand) => {
                found(event, path).into_iter().any(|value| operand.compares(operator, value))
            }
        }
    }
}

/// The values that a path leads to.
fn found<'a>(event: &'a Value, path: &[Step]) -> Vec<&'a Value> {
    let Some((step, rest)) = path.split_first() else { return vec![event] };
    let next: Vec<&Value> = match step {
        Step::Name(name) => event.get(name).into_iter().collect(),
        Step::Index(index) => event.get(index).into_iter().collect(),
        Step::Every => match event {
            Value::Array(items) => items.iter().collect(),
            Value::Object(members) => members.values().collect(),
            _ => Vec::new(),
        },
    };
    next.into_iter().flat_map(|value| found(value, rest)).collect()
}

impl Operand {
    fn compares(&self, operator: &str, value: &Value) -> bool {
        let equal = match (self, value) {
            (Operand::Number(wanted), value) => {
                let Some(number) = value.as_f64() else { return operator == "!=" };
                match operator {
                    "<" => return number < *wanted,
                    "<=" => return number <= *wanted,
                    ">" => return number > *wanted,
                    ">=" => return number >= *wanted,
                    _ => number == *wanted,
                }
            }
            (Operand::Text(pattern), Value::String(text)) => fits_stars(pattern, text),
            (Operand::Regular(regular), Value::String(text)) => regular.is_match(text),
            (Operand::Regular(regular), value) => regular.is_match(&value.to_string()),
            (Operand::Text(_), _) => false,
        };
        equal == (operator == "=")
    }
}

/// A pattern that is known to be one.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn takes(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn run(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|one| !belongs(one)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        run
    }

    /// What is between quotation marks, of which the first one is here.
    fn quoted(&mut self) -> String {
        let (mut text, mut escaped) = (String::new(), false);
        let mut characters = self.rest.char_indices().skip(1);
        for (at, one) in characters.by_ref() {
            match one {
                '"' if !escaped => {
                    self.rest = &self.rest[at + 1..];
                    return text;
                }
                '\\' if !escaped => escaped = true,
                other => {
                    escaped = false;
                    text.push(other);
                }
            }
        }
        self.rest = "";
        text
    }

    /// A regular expression between two `%`, of which the first one is here.
    fn regular(&mut self) -> Option<Regex> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, one)| {
            let ends = *one == '%' && !escaped;
            escaped = *one == '\\' && !escaped;
            ends
        });
        let (end, _) = end?;
        let expression = Regex::new(&self.rest[1..end]).ok()?;
        self.rest = &self.rest[end + 1..];
        Some(expression)
    }

    fn terms(&mut self, ignore_optional: bool) -> Matching {
        let (mut needed, mut optional, mut excluded) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.rest = self.rest.trim_start();
            let sign = self.rest.chars().next().filter(|sign| matches!(sign, '?' | '-'));
            if let Some(sign) = sign {
                self.rest = &self.rest[sign.len_utf8()..];
            }
            let term = match self.rest.chars().next() {
                None => break,
                Some('"') => self.quoted(),
                Some(_) => self.run(|one| !one.is_whitespace()).to_owned(),
            };
            match sign {
                Some('?') => optional.push(term),
                Some(_) => excluded.push(term),
                None => needed.push(term),
            }
        }
        if ignore_optional {
            optional.clear();
        }
        Matching::Terms { needed, optional, excluded }
    }

    /// Conditions with `||` between them, or closer together with `&&`.
    fn any(&mut self) -> Option<Condition> {
        let mut any = Vec::new();
        loop {
            let mut all = vec![self.condition()?];
            while self.takes("&&") {
                all.push(self.condition()?);
            }
            any.push(Condition::All(all));
            if !self.takes("||") {
                return Some(Condition::Any(any));
            }
        }
    }

    fn condition(&mut self) -> Option<Condition> {
        if self.takes("(") {
            let inner = self.any()?;
            return self.takes(")").then_some(inner);
        }
        let path = self.path()?;
        if self.takes("NOT") {
            return self.takes("EXISTS").then_some(Condition::NotExists(path));
        }
        if self.takes("IS") {
            let words = [("NULL", Value::Null), ("TRUE", true.into()), ("FALSE", false.into())];
            let (_, wanted) = words.into_iter().find(|(word, _)| self.takes(word))?;
            return Some(Condition::Is(path, wanted));
        }
        self.takes("");
        let operator = self.run(|one| "=!<>".contains(one)).to_owned();
        self.takes("");
        let operand = match self.rest.chars().next()? {
            '"' => Operand::Text(self.quoted()),
            '%' => Operand::Regular(self.regular()?),
            _ => {
                let text = self.run(|one| one.is_ascii_alphanumeric() || "_.*+-".contains(one));
                text.parse().map_or_else(|_| Operand::Text(text.to_owned()), Operand::Number)
            }
        };
        Some(Condition::Compare(path, operator, operand))
    }

    fn path(&mut self) -> Option<Vec<Step>> {
        if !self.takes("$") {
            return None;
        }
        let mut path = Vec::new();
        loop {
            // Blanks end a path, so that nothing is skipped here.
            let first = self.rest.chars().next();
            match first {
                Some('.') => {
                    self.rest = &self.rest[1..];
                    match self.rest.strip_prefix('*') {
                        Some(rest) => {
                            self.rest = rest;
                            path.push(Step::Every);
                        }
                        None => {
                            let name =
                                self.run(|one| one.is_ascii_alphanumeric() || matches!(one, '_' | '-'));
                            path.push(Step::Name(name.to_owned()));
                        }
                    }
                }
                Some('[') => {
                    let (inner, rest) = self.rest[1..].split_once(']')?;
                    self.rest = rest;
                    path.push(match inner {
                        "*" => Step::Every,
                        number => Step::Index(number.parse().ok()?),
                    });
                }
                _ => return Some(path),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, fitting: &[&str], others: &[&str]) {
        let matching = Matching::of(pattern).expect("it is a pattern");
        for message in fitting {
            assert!(matching.fits(message), "{pattern} does not fit {message}");
        }
        for message in others {
            assert!(!matching.fits(message), "{pattern} fits {message}");
        }
    }

    #[test]
    fn terms_and_phrases() {
        check("", &["", "anything"], &[]);
        check("ERROR", &["an ERROR"], &["an error", ""]);
        check("ERROR \"of a\"", &["ERROR of a kind"], &["ERROR", "of a"]);
        check("ERROR -health", &["ERROR x"], &["ERROR health", "x"]);
        check("?FATAL ?PANIC", &["FATAL", "a PANIC"], &["ERROR"]);
        // Those with a question mark are ignored beside others.
        check("?FATAL ERROR", &["ERROR"], &["FATAL"]);
        check("\"say \\\"no\\\"\"", &["say \"no\""], &["say no"]);
        check("%^5\\d\\d$%", &["503"], &["5035", "403"]);
    }

    #[test]
    fn properties_of_json() {
        let event =
            r#"{"level":"error","attempts":4,"done":false,"none":null,"list":[{"name":"a"},{"name":"b"}]}"#;
        for (pattern, fits) in [
            (r#"{ $.level = "error" }"#, true),
            ("{ $.level = err* }", true),
            (r#"{ $.level != "error" }"#, false),
            ("{ $.level = %^err% }", true),
            ("{ $.attempts > 3 && $.attempts <= 4 }", true),
            ("{ $.attempts = 4 }", true),
            (r#"{ $.attempts = "4" }"#, false),
            (r#"{ $.level = "fatal" || ($.attempts >= 4 && $.done IS FALSE) }"#, true),
            ("{ $.none IS NULL }", true),
            ("{ $.missing IS NULL }", false),
            ("{ $.missing NOT EXISTS }", true),
            (r#"{ $.list[1].name = "b" }"#, true),
            (r#"{ $.list[*].name = "b" }"#, true),
            (r#"{ $.list[0].name = "b" }"#, false),
        ] {
            assert_eq!(Matching::of(pattern).expect("it is a pattern").fits(event), fits, "{pattern}");
        }
        check("{ $.a = 1 }", &[r#"{"a": 1.0}"#], &["a = 1", "[1]", r#"{"a": "1"}"#]);
    }

    #[test]
    fn what_is_none_and_what_is_not_modelled() {
        let code = |pattern: &str| Matching::of(pattern).map(drop).map_err(|refusal| refusal.code);
        assert_eq!(code("level:fatal"), Err("InvalidParameterException".to_owned()));
        assert_eq!(code("{ $.a == 1 }"), Err("InvalidParameterException".to_owned()));
        assert_eq!(code("[a, b = 1]"), Err("UnknownParameter".to_owned()));
    }
}
