//! Rules of AWS's as rows: what is tried, the code that should come, and the code that came. All rows that are wrong are
//! shown at once.

/// Collects rows of calls that build on each other.
#[derive(Default)]
pub(crate) struct Rows(Vec<String>);

impl Rows {
    pub(crate) fn row(&mut self, what: &str, wanted: &str, got: String) {
        if got != wanted {
            self.0.push(format!("{what}: wanted {wanted}, got {got}"));
        }
    }
}

impl Drop for Rows {
    #[track_caller]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.0.is_empty(), "{:#?}", self.0);
        }
    }
}

/// Fails with all rows that are wrong.
#[track_caller]
pub(crate) fn check<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str, String)>) {
    let mut wrong = Vec::new();
    for (what, wanted, got) in rows {
        if got != wanted {
            wrong.push(format!("{what}: wanted {wanted}, got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
