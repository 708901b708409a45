//! Metric math: whether an expression can be read, and what it refers to.
//!
//! CloudWatch User Guide, "Using math expressions with CloudWatch metrics". Types are not checked, so an expression that
//! gives a number or many time series passes.

use crate::protocol::response::{ensure, refuse_if};
use std::collections::BTreeSet;

/// What an expression refers to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parsed {
    /// Ids of other metrics and expressions.
    pub(super) ids: BTreeSet<String>,
    /// The functions that it calls.
    pub(super) functions: BTreeSet<String>,
}

const FUNCTIONS: [&str; 39] = [
    "ABS",
    "ANOMALY_DETECTION_BAND",
    "AVG",
    "CEIL",
    "DATAPOINT_COUNT",
    "DATE",
    "DAY",
    "DB_PERF_INSIGHTS",
    "DIFF",
    "DIFF_TIME",
    "EPOCH",
    "FILL",
    "FIRST",
    "FLOOR",
    "HOUR",
    "IF",
    "INSIGHT_RULE_METRIC",
    "LAMBDA",
    "LAST",
    "LOG",
    "LOG10",
    "MAX",
    "METRICS",
    "METRIC_COUNT",
    "MIN",
    "MINUTE",
    "MONTH",
    "PERIOD",
    "RATE",
    "REMOVE_EMPTY",
    "RUNNING_SUM",
    "SEARCH",
    "SERVICE_QUOTA",
    "SLICE",
    "SORT",
    "STDDEV",
    "SUM",
    "TIME_SERIES",
    "YEAR",
];

/// Words that functions take: FILL's and SORT's.
const WORDS: [&str; 8] = ["REPEAT", "LINEAR", "ASC", "DESC", "AVG", "MIN", "MAX", "SUM"];

const OPERATORS: [&str; 15] =
    ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "^", "AND", "OR"];

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Number,
    Text,
    Symbol(&'static str),
}

/// Reads an expression.
///
/// # Errors
///
/// What cannot be read, in words.
pub(super) fn parse(text: &str) -> Result<Parsed, String> {
    // A query in the language of Metrics Insights is not math.
    if text.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select")) {
        return Ok(Parsed::default());
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, parsed: Parsed::default() };
    parser.expression()?;
    refuse_if(parser.at < parser.tokens.len(), || parser.unexpected())?;
    // CloudWatch User Guide, "Using search expressions in graphs": no alarms on them.
    refuse_if(parser.parsed.functions.contains("SEARCH"), || {
        "SEARCH is not supported on Metric Alarms".to_owned()
    })?;
    Ok(parser.parsed)
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SYMBOLS: [&str; 18] =
        ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "^", "(", ")", "[", "]", ","];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_alphabetic() {
            let length = length_while(rest, |c| c.is_ascii_alphanumeric() || c == '_');
            tokens.push(Token::Name(rest[..length].to_owned()));
            length
        } else if first.is_ascii_digit() || first == '.' {
            tokens.push(Token::Number);
            length_while(rest, |c| c.is_ascii_digit() || c == '.')
        } else if first == '"' || first == '\'' {
            let inside = rest[1..].find(first).ok_or("a text is not closed")?;
            tokens.push(Token::Text);
            inside + 2
        } else {
            let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
            let symbol = symbol.ok_or_else(|| format!("{first} is not expected"))?;
            tokens.push(Token::Symbol(symbol));
            symbol.len()
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn length_while(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    parsed: Parsed,
}

impl Parser {
    fn expression(&mut self) -> Result<(), String> {
        self.operand()?;
        while self.takes_operator() {
            self.operand()?;
        }
        Ok(())
    }

    fn operand(&mut self) -> Result<(), String> {
        while self.takes("-") || self.takes("+") {}
        if self.takes("(") {
            self.expression()?;
            return self.expect(")");
        }
        if self.takes("[") {
            return self.list("]");
        }
        match self.tokens.get(self.at).cloned() {
            Some(Token::Number | Token::Text) => {
                self.at += 1;
                Ok(())
            }
            Some(Token::Name(name)) => {
                self.at += 1;
                self.named(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn named(&mut self, name: String) -> Result<(), String> {
        if self.takes("(") {
            ensure(FUNCTIONS.contains(&name.as_str()), || format!("there is no function {name}"))?;
            self.parsed.functions.insert(name);
            return self.list(")");
        }
        if name.starts_with(|c: char| c.is_ascii_lowercase()) {
            self.parsed.ids.insert(name);
            return Ok(());
        }
        ensure(WORDS.contains(&name.as_str()), || format!("{name} is not expected"))
    }

    /// What is between commas, up to the end.
    fn list(&mut self, end: &str) -> Result<(), String> {
        if self.takes(end) {
            return Ok(());
        }
        self.expression()?;
        while self.takes(",") {
            self.expression()?;
        }
        self.expect(end)
    }

    fn takes(&mut self, symbol: &str) -> bool {
        let is_next = matches!(self.tokens.get(self.at), Some(Token::Symbol(next)) if *next == symbol);
        self.at += usize::from(is_next);
        is_next
    }

    fn takes_operator(&mut self) -> bool {
        let is_operator = match self.tokens.get(self.at) {
            Some(Token::Symbol(symbol)) => OPERATORS.contains(symbol),
            Some(Token::Name(name)) => OPERATORS.contains(&name.as_str()),
            _ => false,
        };
        self.at += usize::from(is_operator);
        is_operator
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        ensure(self.takes(symbol), || format!("{symbol} is expected, and {}", self.unexpected()))
    }

    fn unexpected(&self) -> String {
        match self.tokens.get(self.at) {
            Some(Token::Name(name)) => format!("{name} is not expected"),
            Some(Token::Symbol(symbol)) => format!("{symbol} is not expected"),
            Some(Token::Number | Token::Text) => "a value is not expected".to_owned(),
            None => "it ends too early".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_the_stack_are_read() {
        let rows: [(&str, &[&str]); 7] = [
            ("FILL(blue,0)+FILL(green, 0)", &["blue", "green"]),
            ("100 * (m1 + m2) / -m3", &["m1", "m2", "m3"]),
            ("IF(m1 > 100 AND m2 >= 0.5, m1/m2, FILL(m3, REPEAT))", &["m1", "m2", "m3"]),
            ("ANOMALY_DETECTION_BAND(m1, 2)", &["m1"]),
            ("SUM([m1, m2])", &["m1", "m2"]),
            ("SUM(METRICS('errors'))", &[]),
            ("SELECT AVG(CPUUtilization) FROM \"AWS/ECS\"", &[]),
        ];
        for (text, ids) in rows {
            let parsed = parse(text).unwrap_or_else(|reason| panic!("{text}: {reason}"));
            assert_eq!(parsed.ids.iter().map(String::as_str).collect::<Vec<_>>(), ids, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let wrong = [
            "",
            "m1 +",
            "(m1",
            "m1)",
            "m1 m2",
            "NOSUCH(m1)",
            "FILL(m1,",
            "m1 % 2",
            "'open",
            "SEARCH('x', 'Sum', 300)",
        ];
        for text in wrong {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
