//! A pseudo-terminal on which `stack` runs, and a terminal emulator that keeps its screen.

use std::io::{Read as _, Write as _};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use regex::Regex;

use crate::command::Workplace;

/// Far more than anything takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program on a terminal, and its screen.
pub(crate) struct Terminal {
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
    pub(crate) fn begin(
        place: &Workplace,
        (columns, rows): (u16, u16),
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Self {
        let (pty, other) = open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
        command = command.args(arguments).current_dir(place.path()).env_clear().env("TERM", "xterm-256color");
        for (name, value) in variables {
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

    pub(crate) fn lines(&self) -> Vec<String> {
        self.screen.screen().contents().lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Waits until the screen is as it should be. `never` is looked at after everything that is written.
    pub(crate) fn until(
        &mut self,
        what: &str,
        holds: impl Fn(&[String]) -> bool,
        never: impl Fn(&[String]) -> bool,
    ) {
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

    pub(crate) fn resize(&mut self, (columns, rows): (u16, u16)) {
        self.pty.resize(Size::new(rows, columns)).unwrap();
        self.screen.screen_mut().set_size(cells(rows), cells(columns));
    }

    pub(crate) fn key(&mut self, key: &[u8]) {
        self.pty.write_all(key).unwrap();
    }

    /// The exit code, and all of the screen.
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<String>, Vec<u8>) {
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
pub(crate) fn count(lines: &[String], pattern: &str) -> usize {
    let pattern = Regex::new(pattern).unwrap();
    lines.iter().filter(|line| pattern.is_match(line)).count()
}
