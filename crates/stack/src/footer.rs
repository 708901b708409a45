//! Rows that stay at the foot of the terminal, below everything that is said.
//!
//! Whoever writes to standard error writes through [`above`], which takes the rows away, and puts them back below. How many rows
//! of the screen they take is reckoned for the width that it has now: a terminal that was made narrower has wrapped them.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use console::{Term, measure_text_width};

/// The widths of the rows that are on the screen. A panic elsewhere leaves them whole: they are set in one step.
static SHOWN: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Shows these rows in place of those that are there; none takes them away. Each is a line without codes.
pub(crate) fn show(rows: &[String]) {
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut text = taken_away(&shown);
    for row in rows {
        text.push_str(row);
        text.push('\n');
    }
    *shown = rows.iter().map(|row| measure_text_width(row)).collect();
    if !text.is_empty() {
        write(&text);
    }
}

/// Writes while no rows are there. They are back as soon as they are shown again.
pub(crate) fn above(write_lines: impl FnOnce()) {
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let text = taken_away(&shown);
    shown.clear();
    if !text.is_empty() {
        write(&text);
    }
    write_lines();
}

/// The size of the terminal: rows, and columns.
pub(crate) fn size() -> (usize, usize) {
    let (rows, columns) = Term::stderr().size();
    (usize::from(rows), usize::from(columns))
}

/// To the first of the rows, then everything from there on is cleared.
fn taken_away(shown: &[usize]) -> String {
    if shown.is_empty() {
        return String::new();
    }
    let (height, width) = size();
    let rows: usize = shown.iter().map(|row| row.div_ceil(width.max(1)).max(1)).sum();
    // What has left the screen at its top cannot be reached any more.
    format!("\x1b[{}F\x1b[J", rows.min(height.saturating_sub(1).max(1)))
}

#[expect(clippy::disallowed_methods, reason = "this is the way out")]
fn write(text: &str) {
    let mut err = std::io::stderr().lock();
    // Nobody is left to tell if the terminal is gone.
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}
