//! All that the program says, and the only way out for it.
//!
//! A person reads [`Lines`]. They are put together from parts, each of which is escaped when it is added
//! ([`engine::visible`]), so that no tag, message, name or file can begin a line of its own, change a colour, or turn text
//! around: a line ends where [`Lines::end`] says so, and colours are a [`Style`] beside the text, not codes in it. `clippy.toml`
//! of this crate forbids to write to a stream anywhere else.
//!
//! Programs read JSON, whose strings escape the same characters ([`engine::visible_json`]), or a single value
//! ([`print_value`]).

use std::fmt::{self, Display};
use std::io::{ErrorKind, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::CommandFactory as _;
use clap::builder::StyledStr;
use clap::error::ContextValue;
use engine::{is_hidden, visible, visible_json};
use serde_json::Value;

use crate::cli::{Cli, Color, Options};
use crate::codes::Code;
use crate::exit::{Exit, Failure};
use crate::footer;

/// How a part of a line looks on a terminal. Elsewhere there are no colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Green,
    Yellow,
    Red,
    Blue,
    Magenta,
    Cyan,
    Dim,
    Bold,
    /// Red and bold.
    Loud,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Style::Green => "\x1b[32m",
            Style::Yellow => "\x1b[33m",
            Style::Red => "\x1b[31m",
            Style::Blue => "\x1b[34m",
            Style::Magenta => "\x1b[35m",
            Style::Cyan => "\x1b[36m",
            Style::Dim => "\x1b[2m",
            Style::Bold => "\x1b[1m",
            Style::Loud => "\x1b[31m\x1b[1m",
        }
    }
}

const PLAIN: &str = "\x1b[0m";

/// Lines for a person. Whatever is added to a line stays in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(String);

impl Lines {
    /// No lines.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part to the line.
    pub fn add(&mut self, part: impl Display) -> &mut Self {
        self.0.push_str(&visible(&part.to_string()));
        self
    }

    /// Adds a part with a style to the line.
    pub(crate) fn styled(&mut self, style: Style, part: impl Display) -> &mut Self {
        self.0.push_str(style.code());
        self.add(part).0.push_str(PLAIN);
        self
    }

    /// Ends the line.
    pub fn end(&mut self) -> &mut Self {
        self.0.push('\n');
        self
    }

    /// Adds a last part to the line and ends it.
    pub fn line(&mut self, part: impl Display) -> &mut Self {
        self.add(part).end()
    }

    /// Adds lines below these.
    pub fn append(&mut self, below: &Lines) -> &mut Self {
        self.0.push_str(&below.0);
        self
    }

    /// Without colours.
    pub(crate) fn plain(&self) -> String {
        anstream::adapter::strip_str(&self.0).to_string()
    }

    /// Whether there is nothing in them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// With the codes for colours, for a stream that takes them out where nobody can see them.
impl Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Lines {
    /// One line.
    fn from(text: &str) -> Self {
        let mut lines = Self::new();
        lines.line(text);
        lines
    }
}

impl From<&String> for Lines {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Lines> for Lines {
    fn from(lines: &Lines) -> Self {
        lines.clone()
    }
}

/// Whether only the summary and errors are told, and whether each call is.
static QUIET: AtomicBool = AtomicBool::new(false);
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// How much is told from now on, and in which colours. The streams are those of the process, and so is this.
pub(crate) fn set_up(options: &Options) {
    QUIET.store(options.quiet, Ordering::Relaxed);
    VERBOSE.store(options.verbose, Ordering::Relaxed);
    set_color(options.color);
}

/// In which colours it is told from now on.
pub(crate) fn set_color(color: Color) {
    let choice = match color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// Whether each call is told.
pub(crate) fn is_verbose() -> bool {
    VERBOSE.load(Ordering::Relaxed)
}

/// Tells the person, beside the data on standard output; not with `--quiet`.
pub fn note(lines: impl Into<Lines>) {
    if !QUIET.load(Ordering::Relaxed) {
        to_stderr(&lines.into());
    }
}

/// Tells the person what `--quiet` does not leave out: the summary, errors, and what a question is about.
pub(crate) fn tell(lines: impl Into<Lines>) {
    to_stderr(&lines.into());
}

/// Asks the person; the answer is typed behind the question.
pub(crate) fn prompt(question: &str) {
    to_stderr(Lines::new().add(question));
}

#[expect(clippy::disallowed_methods, reason = "this is the way out")]
fn to_stderr(lines: &Lines) {
    footer::above(|| {
        let mut err = anstream::stderr();
        // Nobody is left to tell if standard error is closed.
        let _ = write!(err, "{lines}").and_then(|()| err.flush());
    });
}

/// Whether the person sees standard error on a terminal where rows can be redrawn. `TERM=dumb` says that they cannot.
#[expect(clippy::disallowed_methods, reason = "it is only looked at")]
pub(crate) fn is_watched() -> bool {
    let lines_alone = QUIET.load(Ordering::Relaxed) || is_verbose();
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !lines_alone && !is_dumb && std::io::stderr().is_terminal()
}

/// Prints lines for a person on standard output.
#[expect(clippy::disallowed_methods, reason = "this is the way out")]
pub(crate) fn print(lines: &Lines) -> Result<(), Failure> {
    write_all(anstream::stdout(), &lines.0)
}

/// Prints a text on standard output as it is: what is from outside in it was escaped, or nothing is.
#[expect(clippy::disallowed_methods, reason = "this is the way out")]
pub(crate) fn print_text(text: &str) -> Result<(), Failure> {
    write_all(std::io::stdout(), text)
}

/// A part of what a command prints that goes on for as long as somebody reads.
#[derive(Clone, Debug)]
pub(crate) enum Offered {
    /// For a person.
    Lines(Lines),
    /// As it is, like that of [`print_text`].
    Text(String),
}

/// Prints a part on standard output. Whether somebody is there to read the next one.
#[expect(clippy::disallowed_methods, reason = "this is the way out")]
pub(crate) fn offer(part: &Offered) -> Result<bool, Failure> {
    match part {
        Offered::Lines(lines) => write_if_read(anstream::stdout(), &lines.0),
        Offered::Text(text) => write_if_read(std::io::stdout(), text),
    }
}

/// Standard output, for what writes to it line by line.
#[expect(clippy::disallowed_methods, reason = "this is the way out")]
pub(crate) fn standard_output() -> std::io::Stdout {
    std::io::stdout()
}

/// Prints JSON on standard output.
#[expect(clippy::disallowed_methods, reason = "this is the way out")]
pub(crate) fn print_json(value: &Value) -> Result<(), Failure> {
    write_all(std::io::stdout(), &json(value))
}

/// JSON in one line, as it is written to a stream of lines.
pub(crate) fn json_line(value: &Value) -> String {
    format!("{}\n", visible_json(&value.to_string()))
}

/// JSON as it is written, to standard output or a file.
pub(crate) fn json(value: &Value) -> String {
    format!("{}\n", visible_json(&format!("{value:#}")))
}

/// Prints one value on standard output: as it is for a program, which may want to compare or hash it or pass it on; escaped
/// on a terminal, which would obey what is in it.
#[expect(clippy::disallowed_methods, reason = "this is the way out")]
pub(crate) fn print_value(value: &str) -> Result<(), Failure> {
    let out = std::io::stdout();
    let text = value_for(value, out.is_terminal());
    write_all(out, &text)
}

fn value_for(value: &str, terminal: bool) -> String {
    match terminal {
        true => format!("{}\n", visible(value)),
        false => format!("{value}\n"),
    }
}

fn write_all(out: impl Write, text: &str) -> Result<(), Failure> {
    write_if_read(out, text).map(drop)
}

/// Whether somebody is there to read it.
fn write_if_read(mut out: impl Write, text: &str) -> Result<bool, Failure> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new(Exit::Failed, format!("cannot write to standard output: {error}"))),
    }
}

/// Prints what is wrong with the command line, or the help that was asked for. What was typed is escaped in it.
pub fn print_usage(error: clap::Error) {
    let error = escaped(error);
    let text = error.render().ansi().to_string();
    match error.use_stderr() {
        true => to_streams(&with_code(&text), Stream::Error),
        false => to_streams(&text, Stream::Out),
    }
}

/// Shows the help where no command was given.
pub(crate) fn print_help(mut command: clap::Command) {
    to_streams(&command.render_help().ansi().to_string(), Stream::Error);
}

enum Stream {
    Out,
    Error,
}

/// Writes what clap has made, colours included, which the streams take out where nobody can see them.
#[expect(clippy::disallowed_methods, reason = "this is the way out")]
fn to_streams(text: &str, stream: Stream) {
    // Nobody is left to tell if the stream is closed.
    let _ = match stream {
        Stream::Out => write_all(anstream::stdout(), text),
        Stream::Error => write_all(anstream::stderr(), text),
    };
}

/// The error with its code. Help that is shown for want of a command has none.
fn with_code(text: &str) -> String {
    let word = "error:";
    match text.find(word) {
        // Only codes for colours are before it.
        Some(at) if text[..at].bytes().all(|byte| !byte.is_ascii_alphabetic() || byte == b'm') => {
            let code = Code::CommandLine;
            format!("{}error[{code}]:{}", &text[..at], &text[at + word.len()..])
        }
        _ => text.to_owned(),
    }
}

fn escaped(mut error: clap::Error) -> clap::Error {
    // What a parser of ours says cannot be replaced alone. Parsers escape what they quote; should one forget it, the message
    // loses its colours.
    let source = std::error::Error::source(&error).map(ToString::to_string);
    if source.is_some_and(|source| source.contains(is_hidden)) {
        return Cli::command().error(error.kind(), visible(&error.to_string()));
    }
    let hides = |value: &ContextValue| match value {
        ContextValue::String(text) => text.contains(is_hidden),
        ContextValue::Strings(all) => all.iter().any(|text| text.contains(is_hidden)),
        _ => false,
    };
    if !error.context().any(|(_, value)| hides(value)) {
        return error;
    }
    let shown = |text: &String| visible(text).into_owned();
    let replaced: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| {
            let value = match value {
                ContextValue::String(text) => ContextValue::String(shown(text)),
                ContextValue::Strings(all) => ContextValue::Strings(all.iter().map(shown).collect()),
                // Advice quotes what was typed among codes for colours, ours and perhaps others: it loses all of them.
                ContextValue::StyledStrs(all) => {
                    let plain = |advice: &StyledStr| StyledStr::from(shown(&advice.to_string()));
                    ContextValue::StyledStrs(all.iter().map(plain).collect())
                }
                _ => return None,
            };
            Some((kind, value))
        })
        .collect();
    for (kind, value) in replaced {
        error.insert(kind, value);
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_line_stays_a_line_whatever_is_in_it(parts in prop::collection::vec(any::<String>(), 1..5)) {
            let mut lines = Lines::new();
            for part in &parts {
                lines.styled(Style::Loud, part).add(" ").line(part);
            }
            let text = lines.to_string();
            prop_assert_eq!(text.lines().count(), parts.len());
            let without = text.replace(Style::Loud.code(), "").replace(PLAIN, "");
            prop_assert!(without.lines().all(|line| !line.contains(is_hidden)), "{:?}", without);
        }

        #[test]
        fn a_failure_has_a_line_for_message_causes_and_hint(
            message in any::<String>(), cause in any::<String>(), hint in any::<String>()
        ) {
            let mut failure = Failure::new(Exit::Failed, message).hint(hint);
            failure.causes = vec![cause.clone(), cause];
            let text = failure.render().to_string();
            let starts: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
            prop_assert_eq!(starts, ["error[E0901]:", "cause:", "cause:", "hint:"]);
            prop_assert!(text.lines().all(|line| !line.contains(is_hidden)));
        }

        #[test]
        fn what_was_typed_is_escaped_in_what_is_said_about_it(typed in any::<String>()) {
            for arguments in [
                vec!["stack".to_owned(), format!("--{typed}")],
                vec!["stack".to_owned(), "outputs".to_owned(), format!("--x{typed}")],
                vec!["stack".to_owned(), format!("x{typed}")],
                vec!["stack".to_owned(), "--target".to_owned(), typed.clone()],
                vec!["stack".to_owned(), "--set".to_owned(), typed.clone()],
                vec!["stack".to_owned(), "verify".to_owned(), "--timeout".to_owned(), typed.clone()],
                vec!["stack".to_owned(), "emulator".to_owned(), "serve".to_owned(), "--latency".to_owned(), typed.clone()],
            ] {
                let Err(error) = Cli::try_parse_from(arguments) else { continue };
                if !error.use_stderr() { continue }
                let lines = error.to_string().lines().count();
                let said = escaped(error).to_string();
                prop_assert!(with_code(&said).starts_with("error[E0101]: "), "{said:?}");
                prop_assert!(said.lines().all(|line| !line.contains(is_hidden)), "{said:?}");
                prop_assert!(said.lines().count() <= lines);
            }
        }
    }

    #[test]
    fn a_value_is_as_it_is_for_a_program_and_escaped_for_a_person() {
        assert_eq!(value_for("a\u{1b}[2J\nb", false), "a\u{1b}[2J\nb\n");
        assert_eq!(value_for("a\u{1b}[2J\nb", true), "a\\u{1b}[2J\\nb\n");
    }

    #[test]
    fn json_is_escaped_json() {
        let value = serde_json::json!({ "a\u{202e}": "\u{9b}31m\u{e0041}\n" });
        assert_eq!(json(&value), "{\n  \"a\\u202e\": \"\\u009b31m\\udb40\\udc41\\n\"\n}\n");
    }
}
