//! What a property or a column is compared with.

use crate::scanner::Scanner;
use crate::{Wrong, regular};

/// Reads an operator and what stands after it, and counts regular expressions.
pub(crate) fn comparison(scanner: &mut Scanner, regular_expressions: &mut usize) -> Result<(), Wrong> {
    let place = scanner.place();
    let operator = scanner.run(|one| "=!<>".contains(one));
    let is_order = match operator.as_str() {
        "=" | "!=" => false,
        "<" | "<=" | ">" | ">=" => true,
        "" => return Err(scanner.unexpected("an operator")),
        "==" => return Err(scanner.wrong_at(place, "`==` is no operator: write `=`")),
        "=!" | "<>" => {
            return Err(scanner.wrong_at(place, format!("`{operator}` is no operator: write `!=`")));
        }
        other => {
            return Err(scanner
                .wrong_at(place, format!("`{other}` is no operator: there are =, !=, <, <=, > and >=")));
        }
    };
    scanner.skip_blanks();
    let place = scanner.place();
    match scanner.peek() {
        Some('"' | '%') if is_order => {
            Err(scanner.wrong_at(place, format!("only a number can stand after `{operator}`")))
        }
        Some('"') => scanner.quoted().map(drop),
        Some('%') => {
            *regular_expressions += 1;
            if *regular_expressions > regular::MOST {
                let reason = format!("a pattern has at most {} regular expressions", regular::MOST);
                return Err(scanner.wrong_at(place, reason));
            }
            regular::parse(scanner)
        }
        _ => {
            let value = scanner.run(|one| one.is_ascii_alphanumeric() || "_.*+-".contains(one));
            let is_text =
                |text: &str| text.chars().all(|one| one.is_ascii_alphanumeric() || "_.*".contains(one));
            match (value.as_str(), is_order) {
                ("", _) => Err(match scanner.peek() {
                    Some(other) if !"})],&|".contains(other) && !other.is_whitespace() => {
                        scanner.wrong(&format!("`{other}` can only stand between quotation marks"))
                    }
                    _ => scanner.unexpected("a value"),
                }),
                (value, _) if is_number(value) => Ok(()),
                (_, true) => {
                    Err(scanner.wrong_at(place, format!("only a number can stand after `{operator}`")))
                }
                (value, false) if is_text(value) => Ok(()),
                (value, false) => {
                    Err(scanner.wrong_at(place, format!("`{value}` can only stand between quotation marks")))
                }
            }
        }
    }
}

/// "An integer with an optional + or - sign, a decimal with an optional + or - sign, or a number in scientific notation."
fn is_number(text: &str) -> bool {
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).unwrap_or(text).to_owned();
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa = unsigned(mantissa);
    let is_mantissa = match mantissa.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(&mantissa),
    };
    is_mantissa && exponent.is_none_or(|exponent| is_digits(&unsigned(exponent)))
}
