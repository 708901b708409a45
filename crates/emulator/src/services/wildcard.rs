//! Texts with `*` in them.

/// Whether a text is what a pattern says in which `*` stands for anything.
pub(crate) fn fits_stars(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(tail) = text.strip_prefix(start) else { return false };
    let mut ends = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
    ends.any(|at| fits_stars(rest, &tail[at..]))
}

#[cfg(test)]
mod tests {
    use super::fits_stars;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text) in [
            ("latest", "latest"),
            ("dev-*", "dev-1"),
            ("*", ""),
            ("a*c*e", "abcde"),
            ("*-rc", "1-rc"),
            ("*é", "éé"),
        ] {
            assert!(fits_stars(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("latest", "later"), ("dev-*", "prod-1"), ("a*c", "abcd")] {
            assert!(!fits_stars(pattern, text), "{pattern} {text}");
        }
    }
}
