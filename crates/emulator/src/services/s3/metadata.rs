//! User-defined metadata that is not ASCII.
//!
//! Headers are ASCII, so such values come and go as encoded words (RFC 2047): S3 keeps what they mean, and encodes what needs it
//! (S3 User Guide, "Working with object metadata"; that words are read is recorded from real AWS). Bytes that come as they are,
//! it takes for Latin-1.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How long an encoded word may be without `=?UTF-8?Q?` and `?=` (RFC 2047, section 2).
const LONGEST: usize = 63;

/// What a value means.
pub(super) fn decoded(value: &str) -> String {
    if !value.is_ascii() {
        return latin_1(value.as_bytes());
    }
    let mut out = String::new();
    let mut rest = value;
    let mut after_word = false;
    while let Some(end) = rest.find(|c: char| !c.is_ascii_whitespace()) {
        let (space, text) = rest.split_at(end);
        let end = text.find(|c: char| c.is_ascii_whitespace()).unwrap_or(text.len());
        let (word, next) = text.split_at(end);
        let meaning = word_meaning(word);
        // Space between two encoded words is what keeps them short, and no part of the value.
        if !(after_word && meaning.is_some()) {
            out.push_str(space);
        }
        after_word = meaning.is_some();
        out.push_str(meaning.as_deref().unwrap_or(word));
        rest = next;
    }
    out.push_str(rest);
    out
}

/// What an encoded word means: `=?UTF-8?B?w6Q=?=` is `ä`.
fn word_meaning(word: &str) -> Option<String> {
    let mut parts = word.strip_prefix("=?")?.strip_suffix("?=")?.splitn(3, '?');
    let (charset, encoding, text) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = match encoding.to_ascii_uppercase().as_str() {
        "B" => STANDARD.decode(text).ok()?,
        "Q" => unquoted(text)?,
        _ => return None,
    };
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "us-ascii" => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(latin_1(&bytes)),
        _ => None,
    }
}

fn unquoted(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'_' => b' ',
            b'=' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            other => other,
        });
    }
    Some(bytes)
}

fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// A value as a header carries it: in base64 where most of it is not ASCII.
pub(super) fn encoded(value: &str) -> String {
    if value.is_ascii() {
        return value.to_owned();
    }
    let ascii = value.chars().filter(char::is_ascii).count();
    let mut words = Vec::new();
    add_words(&mut words, value, ascii * 2 > value.chars().count());
    words.join(" ")
}

/// A value that is too long for one word is halved.
fn add_words(words: &mut Vec<String>, value: &str, quoted: bool) {
    let text = if quoted { quote(value) } else { STANDARD.encode(value) };
    let characters = value.chars().count();
    if text.len() > LONGEST && characters > 1 {
        let middle = value.char_indices().nth(characters / 2).map_or(value.len(), |(at, _)| at);
        let (first, second) = value.split_at(middle);
        add_words(words, first, quoted);
        add_words(words, second, quoted);
        return;
    }
    let encoding = if quoted { 'Q' } else { 'B' };
    words.push(format!("=?UTF-8?{encoding}?{text}?="));
}

fn quote(value: &str) -> String {
    value.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b' ' => out.push('_'),
            b'=' | b'_' | b'?' => out.push_str(&format!("={byte:02X}")),
            b'!'..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("={byte:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_read_and_what_is_none_stays() {
        for (value, meaning) in [
            ("plain text", "plain text"),
            ("=?UTF-8?B?w6Q=?=", "ä"),
            ("=?utf-8?q?f=C3=BCr_dich?= = und mich", "für dich = und mich"),
            ("=?UTF-8?Q?a?= =?ISO-8859-1?Q?=E4?=  b", "aä  b"),
            ("=?UTF-8?Q?ascii?=", "ascii"),
            ("=?UTF-8?Q?=G0?=", "=?UTF-8?Q?=G0?="),
            ("=?KOI8-R?B?w6Q=?=", "=?KOI8-R?B?w6Q=?="),
            (" a  ", " a  "),
            ("ä", "Ã¤"),
        ] {
            assert_eq!(decoded(value), meaning, "{value}");
        }
    }

    #[test]
    fn what_is_written_is_short_and_means_the_same() {
        assert_eq!(encoded("plain = text"), "plain = text");
        assert_eq!(encoded("für dich"), "=?UTF-8?Q?f=C3=BCr_dich?=");
        assert_eq!(encoded("äöü"), "=?UTF-8?B?w6TDtsO8?=");
        let long = "Zoë wrote ".repeat(20);
        let written = encoded(&long);
        assert!(written.split(' ').all(|word| word.len() <= 75), "{written}");
        assert_eq!(decoded(&written), long);
    }
}
