//! Filter patterns of CloudWatch Logs: which log events a metric filter counts.
//!
//! [`parse`] reads one as the CloudWatch Logs User Guide describes them ("Filter pattern syntax"), and says where it is wrong. There are
//! three forms:
//!
//! - terms: `ERROR`, `"exact phrase"`, `?FATAL ?PANIC` (one is enough), `-healthcheck` (must not be there), or one regular expression
//!   between `%`;
//! - for events that are JSON: `{ $.level = "error" && $.attempts > 3 }`;
//! - for events of columns with spaces between them: `[time, level = ERROR || level = FATAL, ...]`.
//!
//! It is strict: what the guide does not describe is refused, also where CloudWatch Logs may take it, because a pattern that it refuses
//! would stop a deployment halfway. Whatever can be said can be said in a form that is described, mostly with quotation marks.
//!
//! ```
//! assert!(filter_pattern::parse("?ERROR ?FATAL").is_ok());
//! let wrong = filter_pattern::parse("ERROR level:fatal").unwrap_err();
//! assert_eq!(wrong.position, 12);
//! assert_eq!(wrong.to_string(), "at character 12: `:` can only stand between quotation marks");
//! ```

mod columns;
mod json;
mod regular;
mod scanner;
mod terms;
mod value;

use scanner::Scanner;

/// The most characters that a pattern may have (CloudWatch Logs API Reference, PutMetricFilter, `filterPattern`).
pub const LONGEST: usize = 1024;

/// What a pattern looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Terms, or one regular expression, in events of any form.
    Terms(Terms),
    /// Properties of events that are JSON.
    Json,
    /// Columns of events that have spaces between them.
    Columns,
}

/// What is to be known of a pattern of terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether every event fits: it has no term, or none but blanks between quotation marks.
    pub fit_everything: bool,
    /// Whether it has terms with a question mark beside others. CloudWatch Logs then ignores those with a question mark.
    pub ignore_optional: bool,
}

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {reason}")]
pub struct Wrong {
    /// Where it is wrong: the first character is 1.
    pub position: usize,
    /// Why.
    pub reason: String,
    /// The character that cannot stand there, if it is one by itself.
    pub character: Option<char>,
}

/// Reads a pattern.
///
/// # Errors
/// The first place at which it is none.
pub fn parse(pattern: &str) -> Result<Pattern, Wrong> {
    let mut scanner = Scanner::of(pattern);
    if let Some(position) = scanner.past(LONGEST) {
        return Err(Wrong {
            position,
            reason: format!("it is longer than the {LONGEST} characters that CloudWatch Logs takes"),
            character: None,
        });
    }
    scanner.skip_blanks();
    let found = match scanner.peek() {
        Some('{') => json::parse(&mut scanner).map(|()| Pattern::Json)?,
        Some('[') => columns::parse(&mut scanner).map(|()| Pattern::Columns)?,
        _ => return terms::parse(&mut scanner).map(Pattern::Terms),
    };
    scanner.skip_blanks();
    match scanner.peek() {
        None => Ok(found),
        Some(_) => Err(scanner.wrong("the pattern has ended before it")),
    }
}
