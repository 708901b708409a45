//! A regular expression between two `%` (CloudWatch Logs User Guide, "Supported regular expressions (regex) syntax").

use crate::Wrong;
use crate::scanner::Scanner;

/// Symbols that stand for themselves.
const SYMBOLS: &str = "_#=@/;,-:";
/// Operators. There are no parentheses.
const OPERATORS: &str = "^$?[]{}|\\*+.";

/// What makes a class of characters, or one by its number, of a backslash.
const ESCAPES: &str = "dDsSwWx";

/// How many a pattern for JSON or for columns may have.
pub(crate) const MOST: usize = 2;

/// Goes past one, of which the first `%` is here.
pub(crate) fn parse(scanner: &mut Scanner) -> Result<(), Wrong> {
    let from = scanner.place();
    scanner.next();
    let mut expression = String::new();
    let mut is_escaped = false;
    loop {
        match scanner.peek() {
            None => return Err(scanner.wrong_at(from, "this regular expression has no second `%`")),
            Some('%') if !is_escaped => break,
            Some(one) if is_escaped && one.is_ascii_alphanumeric() && !ESCAPES.contains(one) => {
                return Err(scanner
                    .wrong(&format!("`\\{one}` means nothing in a regular expression of CloudWatch Logs")));
            }
            Some(one) if is_allowed(one) => {
                is_escaped = one == '\\' && !is_escaped;
                expression.push(one);
                scanner.next();
            }
            Some(' ') => return Err(scanner.wrong("a regular expression has no blank: write `\\s`")),
            Some(one) => {
                let reason = format!("a regular expression of CloudWatch Logs cannot have `{one}`");
                return Err(scanner.wrong(&reason));
            }
        }
    }
    scanner.next();
    if expression.is_empty() {
        return Err(scanner.wrong_at(from, "there is no regular expression between the two `%`"));
    }
    // What is allowed means the same to this library, which finds classes that are not closed and repetitions of nothing.
    match regex::Regex::new(&expression) {
        Ok(_) => Ok(()),
        Err(_) => Err(scanner.wrong_at(from, format!("`{expression}` is not a regular expression"))),
    }
}

fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || SYMBOLS.contains(character) || OPERATORS.contains(character)
}
