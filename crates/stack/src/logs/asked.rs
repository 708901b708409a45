//! What the command line asks of `logs`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use clap::Args;
use engine::visible;

use super::LogSource;

/// Which log events, and how long.
#[derive(Clone, Debug, Args)]
pub struct ReadLogs {
    /// Which logs.
    #[arg(default_value = "app", value_name = "SOURCE")]
    pub source: LogSource,
    /// Start here: a duration ago, such as 30s, 15m, 2h or 3d, or a time such as 2026-11-30T13:40:00Z.
    #[arg(long, default_value = "1h", value_name = "WHEN", allow_hyphen_values = true)]
    pub since: Since,
    /// Only events that contain this text; upper and lower case differ. A text that begins with one of { [ " ? - % is a filter
    /// pattern of CloudWatch Logs, such as '{ $.level = "error" }', '?ERROR ?FATAL' or '%time.?out%'.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub filter: Option<Pattern>,
    /// Print new events as they come, until Ctrl-C.
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// Print only this many of the newest events. With --follow, later ones are printed too.
    #[arg(long, short = 'n', value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

/// From when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// So long ago.
    Ago(Duration),
    /// A time, in milliseconds since the Unix epoch.
    At(u64),
}

impl Since {
    /// In milliseconds since the Unix epoch.
    pub(super) fn millis(self, now: u64) -> u64 {
        match self {
            Self::Ago(long) => now.saturating_sub(u64::try_from(long.as_millis()).unwrap_or(u64::MAX)),
            Self::At(millis) => millis,
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ago = || {
            let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
            let seconds = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                "d" => 86_400,
                _ => return None,
            };
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            let number: u32 = number.parse().ok().filter(|_| is_number)?;
            Some(Self::Ago(Duration::from_secs(u64::from(number) * seconds)))
        };
        let at = || {
            let time = DateTime::from_str(text, Format::DateTimeWithOffset).ok()?;
            u64::try_from(time.to_millis().ok()?).ok().map(Self::At)
        };
        ago().or_else(at).ok_or_else(|| {
            "give a number with s, m, h or d, such as 15m, or a time with an offset, such as 2026-11-30T13:40:00Z".to_owned()
        })
    }
}

/// As somebody may have typed it.
impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ago(long) => write!(f, "{}s", long.as_secs()),
            Self::At(millis) => f.write_str(&crate::time::rfc3339(*millis)),
        }
    }
}

/// What log events are filtered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    ignores_optional: bool,
}

impl Pattern {
    /// As CloudWatch Logs reads it.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether CloudWatch Logs ignores a part of it.
    pub(super) fn ignores_optional(&self) -> bool {
        self.ignores_optional
    }
}

/// A plain text is one term, which is found as it is; what begins as only patterns do is one.
impl FromStr for Pattern {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        if typed.trim().is_empty() {
            return Err("it is empty; leave out --filter to print all events".to_owned());
        }
        let is_pattern = typed.starts_with(['{', '[', '"', '?', '-', '%']);
        let text = match is_pattern {
            true => typed.to_owned(),
            false => format!("\"{}\"", typed.replace('\\', r"\\").replace('"', "\\\"")),
        };
        match filter_pattern::parse(&text) {
            Ok(filter_pattern::Pattern::Terms(terms)) => {
                Ok(Self { text, ignores_optional: terms.ignore_optional })
            }
            Ok(_) => Ok(Self { text, ignores_optional: false }),
            Err(wrong) if is_pattern => {
                let advice = "text that begins with { [ \" ? - or % is read as a filter pattern of CloudWatch Logs; put \" around plain text";
                Err(format!("{}; {advice}", visible(&wrong.to_string())))
            }
            Err(wrong) => Err(visible(&wrong.to_string()).into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_duration_or_a_time_says_since_when() {
        let now = 1_800_000_000_000;
        for (text, millis) in [
            ("0s", now),
            ("30s", now - 30_000),
            ("15m", now - 900_000),
            ("2h", now - 7_200_000),
            ("3d", now - 259_200_000),
            ("99999999d", 0),
            ("2027-01-15T08:00:00Z", now),
            ("2027-01-15T10:00:00.25+02:00", now + 250),
        ] {
            assert_eq!(text.parse::<Since>().map(|since| since.millis(now)), Ok(millis), "{text}");
        }
        for text in [
            "",
            "h",
            "1",
            "1w",
            "-1h",
            "+1h",
            "1.5h",
            "1h30m",
            "yesterday",
            "2027-01-15",
            "1969-12-31T00:00:00Z",
            "5€",
        ] {
            let error = text.parse::<Since>().unwrap_err();
            assert!(error.starts_with("give a number with s, m, h or d"), "{text}");
        }
    }

    #[test]
    fn a_text_is_quoted_and_a_pattern_is_not() {
        for (typed, wanted) in [
            ("error", r#""error""#),
            ("time out: 5", r#""time out: 5""#),
            (r#"say "no""#, r#""say \"no\"""#),
            (r"C:\temp", r#""C:\\temp""#),
            (r#""exact" -other"#, r#""exact" -other"#),
            (r#"{ $.level = "error" }"#, r#"{ $.level = "error" }"#),
            ("?ERROR ?FATAL", "?ERROR ?FATAL"),
            ("-healthcheck", "-healthcheck"),
            ("%time.?out%", "%time.?out%"),
            ("[a, b, ...]", "[a, b, ...]"),
        ] {
            assert_eq!(typed.parse::<Pattern>().unwrap().as_str(), wanted, "{typed}");
        }
        assert!("?a b".parse::<Pattern>().unwrap().ignores_optional());
        for (typed, says) in
            [("", "it is empty"), ("  ", "it is empty"), ("{ $.a", "a filter pattern"), ("-", "`-`")]
        {
            let error = typed.parse::<Pattern>().unwrap_err();
            assert!(error.contains(says), "{typed}: {error}");
        }
    }

    proptest! {
        #[test]
        fn every_text_that_is_not_too_long_can_be_looked_for(text in "[^{\\[\"?%\\-\\s].{0,200}") {
            prop_assert!(text.parse::<Pattern>().is_ok(), "{text:?}");
        }
    }
}
