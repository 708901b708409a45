//! Texts that are longer than a line has room for.

use engine::visible;

/// So much of a value is shown, from both ends.
pub(crate) const VALUE: usize = 100;

/// A long text without its middle, and how long it is: `abc…xyz (23,512 characters)`.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let text = visible(text);
    let length = text.chars().count();
    // What says how long it is would be longer than what is left out.
    if length <= most + 20 {
        return text.into_owned();
    }
    let half = most / 2;
    let start: String = text.chars().take(half).collect();
    let end: String = text.chars().skip(length - half).collect();
    format!("{start}…{end} ({} characters)", thousands(length))
}

/// Two texts, where both are long only around what differs.
pub(crate) fn around_difference(before: &str, after: &str) -> (String, String) {
    const AROUND: usize = 24;
    let (one, other): (Vec<char>, Vec<char>) =
        (visible(before).chars().collect(), visible(after).chars().collect());
    let shorter = one.len().min(other.len());
    if shorter <= VALUE {
        return (cut(before, VALUE), cut(after, VALUE));
    }
    let same = |pair: &(&char, &char)| pair.0 == pair.1;
    let head = one.iter().zip(&other).take_while(same).count();
    let tail = one.iter().rev().zip(other.iter().rev()).take_while(same).count().min(shorter - head);
    let part = |text: &[char]| {
        let (start, end) = (head.saturating_sub(AROUND), (text.len() - tail + AROUND).min(text.len()));
        let shown = text[start..end].iter().collect::<String>();
        let (left, right) = (if start > 0 { "…" } else { "" }, if end < text.len() { "…" } else { "" });
        match (left, right) {
            ("", "") => cut(&shown, VALUE),
            _ => format!("{left}{}{right} ({} characters)", cut(&shown, VALUE), thousands(text.len())),
        }
    };
    (part(&one), part(&other))
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cut_keeps_both_ends(text in "[a-z]{0,400}") {
            let cut = cut(&text, 100);
            prop_assert!(cut.chars().count() <= 120);
            let is_whole = cut == text;
            let keeps_ends = text.len() > 120
                && cut.starts_with(&text[..50])
                && cut.contains(&format!("{} (", &text[text.len() - 50..]));
            prop_assert!(is_whole || keeps_ends, "{}", cut);
        }
    }

    #[test]
    fn a_long_value_says_how_long_it_is() {
        assert_eq!(cut(&"ab".repeat(11_756), 10), "ababa…babab (23,512 characters)");
        assert_eq!([7, 999, 1000, 1_234_567].map(thousands), ["7", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn of_long_texts_the_part_that_differs_is_shown() {
        let rule = |names: &[&str]| {
            names.iter().map(|name| format!("ALARM({name})")).collect::<Vec<_>>().join(" OR ")
        };
        let all: Vec<String> = (10..40).map(|number| format!("alarm-{number}")).collect();
        let mut names: Vec<&str> = all.iter().map(String::as_str).collect();
        let before = rule(&names);
        names.insert(20, "new");
        let (before, after) = around_difference(&before, &rule(&names));
        assert!(after.contains("ALARM(new)") && after.ends_with("… (580 characters)"), "{after}");
        assert!(
            !before.contains("new") && before.starts_with('…') && before.chars().count() < 120,
            "{before}"
        );
        assert_eq!(around_difference("a", "b"), ("a".to_owned(), "b".to_owned()));
    }
}
