//! Rules of AWS's as rows: what is tried, the code that comes, and the code that should.

/// One try.
pub(crate) type Row = (&'static str, String, &'static str);

/// Fails with all rows that are wrong.
#[track_caller]
pub(crate) fn check(rows: &[Row]) {
    let wrong: Vec<&Row> = rows.iter().filter(|(_, found, expected)| found != expected).collect();
    assert!(wrong.is_empty(), "(rule, found, expected): {wrong:#?}");
}
