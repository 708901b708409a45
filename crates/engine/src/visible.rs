//! Text from outside, as a person or a log may see it.
//!
//! A tag, a message or a file can hold characters that a terminal obeys instead of showing: a newline begins what looks like
//! a line of ours, an escape sequence repaints the screen, a bidirectional override shows text backwards, a zero-width
//! character makes two names look alike. [`visible`] writes each of them as an escape instead.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Control and format characters (`Cc`, `Cf`), line and paragraph separators (`Zl`, `Zp`), what is shown as nothing
/// (`Default_Ignorable_Code_Point`), and noncharacters. Unicode Character Database, `UnicodeData.txt`,
/// `DerivedCoreProperties.txt` and `PropList.txt`. The noncharacters at the end of each plane are found by their last bits.
const HIDDEN: [(char, char); 28] = [
    ('\0', '\u{1f}'),
    ('\u{7f}', '\u{9f}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fdd0}', '\u{fdef}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether a character does something other than to show itself.
#[must_use]
pub fn is_hidden(one: char) -> bool {
    if matches!(one, ' '..='~') {
        return false;
    }
    let after = HIDDEN.partition_point(|(_, last)| *last < one);
    let in_range = HIDDEN.get(after).is_some_and(|(first, _)| *first <= one);
    in_range || u32::from(one) & 0xfffe == 0xfffe
}

/// The text with every hidden character escaped as in Rust: `\n`, `\t`, `\u{1b}`, `\u{202e}`. It is one line, and nothing in
/// it moves the cursor, changes a colour or turns the order of what stands beside it.
///
/// A backslash stays as it is, so that paths and what is escaped already remain readable: this is for reading, and cannot be
/// turned back. To escape twice changes nothing.
///
/// ```
/// let tag = "team-a\nok       access/api-key\u{202e}";
/// assert_eq!(engine::visible(tag), r"team-a\nok       access/api-key\u{202e}");
/// assert_eq!(engine::visible("Zürich, 東京"), "Zürich, 東京");
/// ```
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for one in text.chars() {
        match one {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            one if is_hidden(one) => shown.extend(one.escape_unicode()),
            one => shown.push(one),
        }
    }
    Cow::Owned(shown)
}

/// JSON text with every hidden character in its strings written as JSON escapes it (RFC 8259, section 7): the same data, and
/// safe to look at. Newlines stay, since JSON itself has them only between values.
#[must_use]
pub fn visible_json(text: &str) -> Cow<'_, str> {
    let hidden = |one: char| one != '\n' && is_hidden(one);
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for one in text.chars() {
        if hidden(one) {
            for unit in one.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(one);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    #[test]
    fn what_is_hidden_is_what_unicode_says() {
        let classes =
            r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]";
        let known = Regex::new(classes).unwrap();
        let all = '\0'..=char::MAX;
        let wrong: Vec<char> =
            all.filter(|one| known.is_match(one.encode_utf8(&mut [0; 4])) != is_hidden(*one)).collect();
        assert_eq!(wrong, []);
    }

    #[test]
    fn ranges_are_sorted_so_that_they_can_be_searched() {
        assert!(HIDDEN.windows(2).all(|pair| pair[0].1 < pair[1].0));
        assert!(HIDDEN.iter().all(|(first, last)| first <= last));
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in ["", "a b", "C:\\new", "Zürich", "東京　支店", "e\u{301}", "हिन्दी", "\u{1f600}", "\\n"]
        {
            assert_eq!(visible(text), text);
        }
        assert_eq!(visible("a\r\n\tb\u{1b}[31m\u{85}"), r"a\r\n\tb\u{1b}[31m\u{85}");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_and_a_second_time_changes_nothing(text in any::<String>()) {
            let shown = visible(&text);
            prop_assert!(!shown.contains(is_hidden));
            prop_assert_eq!(visible(&shown), shown.clone());
        }

        #[test]
        fn json_stays_the_same_data(text in any::<String>(), key in any::<String>()) {
            let value = serde_json::json!({ key: [text] });
            let plain = format!("{value:#}");
            let shown = visible_json(&plain);
            prop_assert!(!shown.replace('\n', "").contains(is_hidden));
            prop_assert_eq!(shown.lines().count(), 5);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }
    }
}
