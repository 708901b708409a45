//! What a person sees on a terminal while a run goes on: on a real pseudo-terminal, of which a terminal emulator keeps the screen.

use std::io::{Read as _, Write as _};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use regex::Regex;
use serde_json::json;

use crate::command::Workplace;
use crate::server::Server;

/// Far more than anything takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program on a terminal, and its screen.
struct Terminal {
    pty: Pty,
    process: Child,
    read: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// All that was written.
    written: Vec<u8>,
}

fn cells(count: u16) -> std::num::NonZeroU16 {
    count.try_into().unwrap()
}

impl Terminal {
    fn begin(
        place: &Workplace,
        server: &Server,
        (columns, rows): (u16, u16),
        variables: &[(&str, &str)],
    ) -> Self {
        Self::begin_with(place, server, (columns, rows), variables, &["up", "--target", "aws", "--yes"])
    }

    fn begin_with(
        place: &Workplace,
        server: &Server,
        (columns, rows): (u16, u16),
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Self {
        let (pty, other) = open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
        command = command.args(arguments).current_dir(place.path()).env_clear().env("TERM", "xterm-256color");
        for (name, value) in server.variables().into_iter().chain(variables.iter().copied()) {
            command = command.env(name, value);
        }
        let process = command.spawn(other).unwrap();
        let (tell, read) = channel();
        let mut reader: std::fs::File = std::os::fd::AsFd::as_fd(&pty).try_clone_to_owned().unwrap().into();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Ends with an error when the program has ended.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if tell.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let screen = vt100::Parser::new(cells(rows), cells(columns), 1000);
        Self { pty, process, read, screen, written: Vec::new() }
    }

    fn lines(&self) -> Vec<String> {
        self.screen.screen().contents().lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Waits until the screen is as it should be. `never` is looked at after everything that is written.
    fn until(&mut self, what: &str, holds: impl Fn(&[String]) -> bool, never: impl Fn(&[String]) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(&self.lines()) {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.read.recv_timeout(left) else {
                panic!("{what}: not so on this screen:\n{}", self.lines().join("\n"));
            };
            self.screen.process(&bytes);
            self.written.extend(bytes);
            assert!(!never(&self.lines()), "{what}: wrong on this screen:\n{}", self.lines().join("\n"));
        }
    }

    fn resize(&mut self, (columns, rows): (u16, u16)) {
        self.pty.resize(Size::new(rows, columns)).unwrap();
        self.screen.screen_mut().set_size(cells(rows), cells(columns));
    }

    fn key(&mut self, key: &[u8]) {
        self.pty.write_all(key).unwrap();
    }

    /// The exit code, and all of the screen.
    fn end(mut self) -> (Option<i32>, Vec<String>, Vec<u8>) {
        let code = self.process.wait().unwrap().code();
        // The terminal hangs up once nobody has it open any more.
        while let Ok(bytes) = self.read.recv_timeout(Duration::from_millis(500)) {
            self.screen.process(&bytes);
            self.written.extend(bytes);
        }
        let lines = self.lines();
        (code, lines, self.written)
    }
}

/// How many rows look like this.
fn count(lines: &[String], pattern: &str) -> usize {
    let pattern = Regex::new(pattern).unwrap();
    lines.iter().filter(|line| pattern.is_match(line)).count()
}

const TOTAL: &str = r"^\[[#·]{20}\] \d+ of \d+ in \d+:\d\d(, about \d+:\d\d left|, stopping)?$";
const NARROW_TOTAL: &str = r"^\d+/\d+ in \d+:\d\d(, about \d+:\d\d left|, stopping)?$";

/// A server on which three gateways and the cluster stay under way.
fn slow(place: &Workplace) -> Server {
    let rule = |operation: &str| {
        json!({
            "of": { "operation": operation },
            "when": { "share": 1.0 },
            "fault": { "time_out": "after_effect" },
        })
    };
    let rules = json!({ "rules": [rule("CreateNatGateway"), rule("CreateDBCluster")] });
    Server::with_faults(place, &rules, &[])
}

#[test]
fn rows_of_what_is_under_way_fit_the_terminal_also_after_it_was_made_smaller() {
    let place = Workplace::new();
    let server = slow(&place);
    let mut terminal = Terminal::begin(&place, &server, (80, 24), &[("NO_COLOR", "1")]);
    let is_wide = |lines: &[String]| {
        count(lines, TOTAL) == 1
            && count(lines, r"^vpc$") == 1
            && count(lines, r"^  creating nat-[abc] +\d+:\d\d of about \d+:\d\d") == 3
            && count(lines, r"^done: .*vpc \d+") == 1
    };
    terminal.until("80 columns", is_wide, |lines| count(lines, TOTAL) > 1);

    terminal.resize((40, 20));
    let is_narrow = |lines: &[String]| {
        count(lines, NARROW_TOTAL) == 1 && count(lines, r"^  creating nat-[abc] +\d+:\d\d/\d+:\d\d$") == 3
    };
    terminal.until("40 columns", is_narrow, |lines| count(lines, NARROW_TOTAL) > 1);

    terminal.key(b"\x03");
    let (code, lines, written) = terminal.end();
    assert_eq!(code, Some(130), "{}", lines.join("\n"));
    let text = lines.join("");
    assert!(text.contains("Interrupted: "), "{lines:#?}");
    assert_eq!(count(&lines, NARROW_TOTAL) + count(&lines, "^  creating"), 0, "{}", lines.join("\n"));
    let written = String::from_utf8_lossy(&written).into_owned();
    let colours = Regex::new("\x1b\\[[0-9;]*m").unwrap();
    assert!(!colours.is_match(&written), "colours in spite of NO_COLOR: {written:?}");
    // What is done is counted in the rows, and has no line of its own.
    assert!(!written.contains("created vpc/"), "{written}");
}

#[test]
fn a_terminal_that_cannot_redraw_gets_a_line_for_each_event() {
    let place = Workplace::new();
    let server = slow(&place);
    let mut terminal = Terminal::begin(&place, &server, (80, 24), &[("TERM", "dumb")]);
    terminal.until(
        "a dumb terminal",
        |lines| count(lines, "^created ") >= 5,
        |lines| count(lines, TOTAL) > 0,
    );
    terminal.key(b"\x03");
    let (code, lines, written) = terminal.end();
    assert_eq!(code, Some(130), "{}", lines.join("\n"));
    assert!(!written.contains(&0x1b), "{}", String::from_utf8_lossy(&written));
}

#[test]
fn an_interrupt_at_the_prompt_changes_nothing() {
    let place = Workplace::new();
    let server = Server::start(&place);
    let mut terminal = Terminal::begin_with(&place, &server, (100, 24), &[], &["up", "--target", "aws"]);
    terminal.until("the question", |lines| count(lines, "Type \"yes\" to continue:") == 1, |_| false);
    terminal.key(b"\x03");
    let (code, lines, _) = terminal.end();
    assert_eq!(code, Some(130), "{}", lines.join("\n"));
    assert_eq!(lines.iter().rev().find(|line| !line.is_empty()).unwrap(), "Cancelled; nothing changed.");
    let again = server.run(&place, &["up"]).expect(0);
    assert!(!again.err.contains("the lock is held"), "{}", again.err);
}
