//! Terms in events of any form: `ERROR "exact phrase" -excluded`, `?either ?or`, or one regular expression.

use crate::regular;
use crate::scanner::{Scanner, is_word};
use crate::{Terms, Wrong};

const UNQUOTED: &str = "can only stand between quotation marks";

pub(crate) fn parse(scanner: &mut Scanner) -> Result<Terms, Wrong> {
    if scanner.peek() == Some('%') {
        regular::parse(scanner)?;
        scanner.skip_blanks();
        return match scanner.peek() {
            None => Ok(Terms { fit_everything: false, ignore_optional: false }),
            Some(_) => Err(scanner.wrong("a regular expression stands alone")),
        };
    }
    let (mut optional, mut blank_optional, mut others, mut blank_others) =
        (0_usize, 0_usize, 0_usize, 0_usize);
    while scanner.peek().is_some() {
        let sign = scanner.peek().filter(|sign| "?-".contains(*sign));
        if sign.is_some() {
            scanner.next();
        }
        let is_blank = term(scanner, sign)?;
        match sign {
            Some('?') => {
                optional += 1;
                blank_optional += usize::from(is_blank);
            }
            sign => {
                others += 1;
                blank_others += usize::from(is_blank && sign.is_none());
            }
        }
        if !scanner.skip_blanks()
            && let Some(next) = scanner.peek()
        {
            let reason = match next {
                '"' => "a blank must come before it".to_owned(),
                other => format!("`{other}` {UNQUOTED}"),
            };
            return Err(scanner.wrong(&reason));
        }
    }
    // One of those with a question mark is enough, and of the others all have to be there.
    let fit_everything = match others {
        0 => optional == 0 || blank_optional > 0,
        _ => others == blank_others,
    };
    Ok(Terms { fit_everything, ignore_optional: optional > 0 && others > 0 })
}

/// One term. Whether there is nothing in it but blanks.
fn term(scanner: &mut Scanner, sign: Option<char>) -> Result<bool, Wrong> {
    match scanner.peek() {
        Some('"') => Ok(scanner.quoted()?.trim().is_empty()),
        Some('%') => Err(scanner.wrong("a regular expression stands alone")),
        Some(first) if is_word(first) => {
            scanner.run(is_word);
            Ok(false)
        }
        Some(blank) if blank.is_whitespace() => Err(after(scanner, sign)),
        None => Err(after(scanner, sign)),
        Some(other) => Err(scanner.wrong(&format!("`{other}` {UNQUOTED}"))),
    }
}

fn after(scanner: &Scanner, sign: Option<char>) -> Wrong {
    let sign = sign.unwrap_or_default();
    scanner.wrong_at(scanner.place().saturating_sub(1), format!("a term must follow `{sign}` at once"))
}
