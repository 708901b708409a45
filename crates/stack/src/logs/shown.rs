//! Log events as a person or a program reads them.
//!
//! A person gets a line for each event, whatever is in it: control characters are shown as escapes on a terminal and in a pipe, so that
//! no event can look like two, or paint the screen of whoever reads a file later. A program gets the message as it is, in JSON.

use aws::LogEvent;
use serde_json::json;

use super::Group;
use crate::output::{Lines, Offered, Style, json_line};
use crate::time::rfc3339;

/// The version of the lines for programs.
const FORMAT_VERSION: &str = "1.0";

/// How much of a task's id is shown. It is enough to tell the tasks of a service apart.
const SHORT: usize = 8;

/// Colours of streams, in turn. None of them means anything.
const COLORS: [Style; 5] = [Style::Cyan, Style::Green, Style::Magenta, Style::Yellow, Style::Blue];

/// Makes lines of the events of a log group.
pub(super) struct Shown<'a> {
    group: &'a Group,
    json: bool,
    /// Streams, in the order in which they were seen.
    streams: Vec<String>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(group: &'a Group, json: bool) -> Self {
        Self { group, json, streams: Vec::new() }
    }

    pub(super) fn all(&mut self, events: &[LogEvent]) -> Offered {
        if self.json {
            return Offered::Text(events.iter().map(|event| self.line_of_json(event)).collect());
        }
        let mut lines = Lines::new();
        for event in events {
            self.add(&mut lines, event);
        }
        Offered::Lines(lines)
    }

    fn line_of_json(&self, event: &LogEvent) -> String {
        json_line(&json!({
            "format_version": FORMAT_VERSION,
            "event": "log",
            "time": rfc3339(event.millis),
            "source": self.group.source.name(),
            "group": self.group.name,
            "stream": event.stream,
            "id": event.id,
            "message": event.message,
        }))
    }

    fn add(&mut self, lines: &mut Lines, event: &LogEvent) {
        let stream = match self.group.source.is_of_tasks() {
            true => task(&event.stream),
            false => &event.stream,
        };
        lines.styled(Style::Dim, time(event.millis)).add(" ");
        lines.styled(self.color(stream), stream).add(" ");
        // A tab does no harm but as an escape; columns are not kept anyway.
        lines.line(event.message.trim_end_matches(['\r', '\n']).replace('\t', " "));
    }

    fn color(&mut self, stream: &str) -> Style {
        let at = self.streams.iter().position(|known| known == stream).unwrap_or_else(|| {
            self.streams.push(stream.to_owned());
            self.streams.len() - 1
        });
        COLORS[at % COLORS.len()]
    }
}

/// The beginning of a task's id, which is the last part of its stream's name.
fn task(stream: &str) -> &str {
    let id = stream.rsplit('/').next().unwrap_or(stream);
    id.get(..SHORT).unwrap_or(id)
}

/// `2026-11-30T13:40:17.250Z`: always as long, so that columns stand below each other.
fn time(millis: u64) -> String {
    let whole = rfc3339(millis - millis % 1000);
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), millis % 1000)
}

#[cfg(test)]
mod tests {
    use engine::is_hidden;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::LogSource;
    use super::*;

    fn group(source: LogSource) -> Group {
        Group { source, name: "/ecs/payment-app-dev".to_owned(), key: None }
    }

    fn event(stream: &str, message: &str) -> LogEvent {
        let (id, millis) = ("1".to_owned(), 1_800_000_000_050);
        LogEvent { id, millis, stream: stream.to_owned(), message: message.to_owned() }
    }

    fn lines(source: LogSource, events: &[LogEvent]) -> Lines {
        match Shown::new(&group(source), false).all(events) {
            Offered::Lines(lines) => lines,
            Offered::Text(text) => panic!("{text}"),
        }
    }

    #[test]
    fn a_line_has_time_task_and_message() {
        let message = "{\"level\":\"info\",\"text\":\"a b\"}\n";
        let shown = lines(LogSource::App, &[event("app/app/0123456789abcdef", message)]);
        let wanted = "2027-01-15T08:00:00.050Z 01234567 {\"level\":\"info\",\"text\":\"a b\"}\n";
        assert_eq!(shown.plain(), wanted);
        let shown = lines(LogSource::Backup, &[event("2027/01/15/[$LATEST]0a", "a\tb\r\n")]);
        assert_eq!(shown.plain(), "2027-01-15T08:00:00.050Z 2027/01/15/[$LATEST]0a a b\n");
    }

    #[test]
    fn each_stream_has_a_colour_and_keeps_it() {
        let events = ["a/b/1", "a/b/2", "a/b/1"].map(|stream| event(stream, "x"));
        let shown = lines(LogSource::App, &events).to_string();
        let colors: Vec<&str> = shown
            .lines()
            .map(|line| line.split_once("m \x1b[").unwrap().1.split_once('m').unwrap().0)
            .collect();
        assert!(colors[0] == colors[2] && colors[0] != colors[1], "{shown:?}");
    }

    proptest! {
        #[test]
        fn an_event_is_one_line_that_no_terminal_obeys_and_json_has_it_as_it_is(
            stream in any::<String>(), message in any::<String>()
        ) {
            let event = event(&stream, &message);
            for source in [LogSource::App, LogSource::Database] {
                let plain = lines(source, std::slice::from_ref(&event)).plain();
                prop_assert_eq!(plain.matches('\n').count(), 1);
                prop_assert!(!plain.trim_end_matches('\n').contains(is_hidden), "{:?}", plain);
            }
            let group = group(LogSource::App);
            let Offered::Text(text) = Shown::new(&group, true).all(&[event]) else { panic!("no text") };
            prop_assert_eq!(text.lines().count(), 1);
            let told: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!((told["message"].as_str(), told["stream"].as_str()), (Some(&*message), Some(&*stream)));
        }
    }
}
