//! Properties of events that are JSON: `{ ($.level = "error" || $.level = "fatal") && $.attempts > 3 }`.

use crate::Wrong;
use crate::scanner::{Scanner, is_word};
use crate::value;

/// How many selectors of a pattern may have a `[*]` or `.*` in them; one selector has one at most.
const WILDCARDS: usize = 3;
/// How deep parentheses may be. No limit of CloudWatch Logs is known: whoever reads the pattern has one.
const DEEPEST: usize = 32;

/// What is counted in a pattern.
#[derive(Default)]
struct Counts {
    regular_expressions: usize,
    wildcards: usize,
}

/// Goes past a pattern, of which the brace is here.
pub(crate) fn parse(scanner: &mut Scanner) -> Result<(), Wrong> {
    let from = scanner.place();
    scanner.next();
    conditions(scanner, &mut Counts::default(), 0)?;
    match scanner.peek() {
        Some('}') => {
            scanner.next();
            Ok(())
        }
        None => Err(scanner.wrong_at(from, "this brace is not closed: a pattern for JSON ends with `}`")),
        Some('&') => Err(scanner.wrong("conditions are joined by `&&`")),
        Some('|') => Err(scanner.wrong("conditions are joined by `||`")),
        Some(')') => Err(scanner.wrong("there is no parenthesis that it closes")),
        Some(',') => Err(scanner.wrong("conditions are joined by `&&` or `||`, and not by a comma")),
        Some(_) => Err(scanner.unexpected("`&&`, `||` or `}`")),
    }
}

/// Conditions with `&&` or `||` between them.
fn conditions(scanner: &mut Scanner, counts: &mut Counts, depth: usize) -> Result<(), Wrong> {
    loop {
        scanner.skip_blanks();
        match scanner.peek() {
            Some('(') if depth == DEEPEST => return Err(scanner.wrong("too many parentheses are open")),
            Some('(') => {
                let from = scanner.place();
                scanner.next();
                conditions(scanner, counts, depth + 1)?;
                if !scanner.takes(")") {
                    return Err(match scanner.peek() {
                        Some('}') | None => scanner.wrong_at(from, "this parenthesis is not closed"),
                        Some(_) => scanner.unexpected("`&&`, `||` or `)`"),
                    });
                }
            }
            _ => condition(scanner, counts)?,
        }
        scanner.skip_blanks();
        if !scanner.takes("&&") && !scanner.takes("||") {
            return Ok(());
        }
    }
}

fn condition(scanner: &mut Scanner, counts: &mut Counts) -> Result<(), Wrong> {
    selector(scanner, counts)?;
    let has_blank = scanner.skip_blanks();
    if has_blank && scanner.takes_word("IS") {
        scanner.skip_blanks();
        let is_known = ["NULL", "TRUE", "FALSE"].iter().any(|word| scanner.takes_word(word));
        return if is_known { Ok(()) } else { Err(scanner.unexpected("NULL, TRUE or FALSE")) };
    }
    if has_blank && scanner.takes_word("NOT") {
        scanner.skip_blanks();
        return if scanner.takes_word("EXISTS") { Ok(()) } else { Err(scanner.unexpected("EXISTS")) };
    }
    match scanner.peek() {
        Some(first) if is_word(first) => Err(scanner.unexpected(
            "an operator, `IS NULL`, `IS TRUE`, `IS FALSE` or `NOT EXISTS`, in capital letters,",
        )),
        _ => value::comparison(scanner, &mut counts.regular_expressions),
    }
}

/// `$.name`, `$.list[0].name`, `$.list[*].name`.
fn selector(scanner: &mut Scanner, counts: &mut Counts) -> Result<(), Wrong> {
    let from = scanner.place();
    match scanner.peek() {
        Some('$') => scanner.next(),
        _ => return Err(scanner.unexpected("a property, such as `$.level`,")),
    };
    let (mut parts, mut wildcards) = (0_usize, 0_usize);
    loop {
        match scanner.peek() {
            Some('.') => {
                scanner.next();
                if scanner.takes("*") {
                    wildcards += 1;
                } else if scanner.run(|one| is_word(one) || one == '-').is_empty() {
                    return Err(scanner.unexpected("a name of letters, digits, `-` and `_`"));
                }
            }
            Some('[') if parts > 0 => {
                scanner.next();
                if scanner.takes("*") {
                    wildcards += 1;
                } else if scanner.run(|one| one.is_ascii_digit()).is_empty() {
                    return Err(scanner.unexpected("a number or `*`"));
                }
                if !scanner.takes("]") {
                    return Err(scanner.unexpected("`]`"));
                }
            }
            _ => break,
        }
        parts += 1;
    }
    counts.wildcards += usize::from(wildcards > 0);
    match (parts, wildcards) {
        (0, _) => Err(scanner.unexpected("`.` and the name of a property")),
        (_, 2..) => Err(scanner.wrong_at(from, "a property has one `*` at most")),
        _ if counts.wildcards > WILDCARDS => {
            Err(scanner.wrong_at(from, format!("a pattern has at most {WILDCARDS} properties with `*`")))
        }
        _ => Ok(()),
    }
}
