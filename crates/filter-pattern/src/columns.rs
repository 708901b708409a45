//! Columns of events that have spaces between them: `[time, level = ERROR || level = FATAL, ...]`.

use std::collections::BTreeSet;

use crate::Wrong;
use crate::scanner::{Scanner, is_word};
use crate::value;

/// Goes past a pattern, of which the bracket is here.
pub(crate) fn parse(scanner: &mut Scanner) -> Result<(), Wrong> {
    let from = scanner.place();
    scanner.next();
    let (mut names, mut has_others, mut regular_expressions) = (BTreeSet::new(), false, 0);
    loop {
        scanner.skip_blanks();
        let place = scanner.place();
        if scanner.takes("...") || scanner.takes("\u{2026}") {
            if std::mem::replace(&mut has_others, true) {
                return Err(scanner.wrong_at(place, "`...` can stand there once only"));
            }
        } else {
            let name = column(scanner, &mut regular_expressions)?;
            // A column that nobody asks for needs no name.
            if !name.is_empty() && !names.insert(name.clone()) {
                return Err(scanner.wrong_at(place, format!("there is a column `{name}` already")));
            }
        }
        scanner.skip_blanks();
        match scanner.peek() {
            Some(',') => scanner.next(),
            Some(']') => {
                scanner.next();
                return match names.is_empty() && !has_others {
                    true => Err(scanner.wrong_at(from, "there is no column between the brackets")),
                    false => Ok(()),
                };
            }
            None => {
                return Err(
                    scanner.wrong_at(from, "this bracket is not closed: a pattern for columns ends with `]`")
                );
            }
            Some('&') => return Err(scanner.wrong("conditions are joined by `&&`")),
            Some('|') => return Err(scanner.wrong("conditions are joined by `||`")),
            Some(_) => return Err(scanner.unexpected("`,` or `]`")),
        };
    }
}

/// A name, and what its column has to be: `level = ERROR && level != "ERROR 0"`.
fn column(scanner: &mut Scanner, regular_expressions: &mut usize) -> Result<String, Wrong> {
    let name = scanner.run(is_word);
    if name.is_empty() {
        return match scanner.peek() {
            Some(',' | ']') | None => Ok(name),
            Some(_) => Err(scanner.unexpected("the name of a column, of letters, digits and `_`")),
        };
    }
    scanner.skip_blanks();
    if !scanner.peek().is_some_and(|one| "=!<>".contains(one)) {
        return Ok(name);
    }
    loop {
        value::comparison(scanner, regular_expressions)?;
        scanner.skip_blanks();
        if !scanner.takes("&&") && !scanner.takes("||") {
            return Ok(name);
        }
        scanner.skip_blanks();
        let place = scanner.place();
        let other = scanner.run(is_word);
        if other != name {
            return Err(scanner.wrong_at(
                place,
                format!("the conditions of a column are all about its own name, `{name}`"),
            ));
        }
        scanner.skip_blanks();
    }
}
