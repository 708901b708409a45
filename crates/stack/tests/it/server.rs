//! The embedded AWS in a process of its own, and `stack` on it as on a real account.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::command::{Ended, Workplace};

/// A server in another process, which dies with this.
pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(place: &Workplace) -> Self {
        Self::start_with(place, &[])
    }

    /// A server on which things go wrong as planned.
    pub(crate) fn with_faults(place: &Workplace, faults: &serde_json::Value, options: &[&str]) -> Self {
        place.write("faults.json", &faults.to_string());
        Self::start_with(place, &[&["--faults", "faults.json"], options].concat())
    }

    pub(crate) fn start_with(place: &Workplace, options: &[&str]) -> Self {
        let mut command = place.command(&["emulator", "serve", "--port", "0", "--state-dir", "served"]);
        let mut process = command.args(options).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let url = url.trim().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        Self { process, url }
    }

    /// A server, and what it says on standard error before it is ready.
    pub(crate) fn start_and_listen(place: &Workplace, options: &[&str]) -> (Self, Vec<String>) {
        let mut command = place.command(&["emulator", "serve", "--port", "0", "--state-dir", "served"]);
        let command = command.args(options).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let lines = read(process.stderr.take().unwrap());
        let server = Self { process, url: url.trim().to_owned() };
        // The last line stands before the address.
        let mut said = Vec::new();
        while said.last().is_none_or(|line: &String| !line.contains("curl")) {
            said.push(lines.recv().unwrap_or_else(|_| panic!("it ended early:\n{}", said.join("\n"))));
        }
        (server, said)
    }

    /// Moves the server's clock.
    pub(crate) fn advance(&self, seconds: u64) {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        let body = format!("{{\"seconds\": {seconds}}}");
        let head = format!("POST /_emulator/advance HTTP/1.1\r\nhost: {address}\r\nconnection: close");
        write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Runs a command, and moves the server's clock on for as long as it takes.
    pub(crate) fn run_in_time(&self, place: &Workplace, arguments: &[&str]) -> Ended {
        let mut running = self.begin(place, arguments);
        while running.process.try_wait().unwrap().is_none() {
            self.advance(5);
        }
        running.end()
    }

    /// Makes a command find this server where the real AWS would be.
    pub(crate) fn reached_by<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.envs(self.variables())
    }

    /// The variables by which a command finds it.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_REGION", "ap-southeast-1"),
            ("AWS_ACCESS_KEY_ID", "any"),
            ("AWS_SECRET_ACCESS_KEY", "any"),
        ]
    }

    /// Ends the server with a signal; how it ended and how long it took.
    pub(crate) fn end_by(mut self, name: &str) -> (std::process::ExitStatus, Duration) {
        let begun = std::time::Instant::now();
        send(name, self.process.id());
        (self.process.wait().unwrap(), begun.elapsed())
    }

    pub(crate) fn command(&self, place: &Workplace, arguments: &[&str]) -> Command {
        let mut command = place.command(arguments);
        self.reached_by(command.args(["--target", "aws", "--yes"]));
        command
    }

    /// Runs a command on the real target, which is this server.
    pub(crate) fn run(&self, place: &Workplace, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(place, arguments).output().unwrap())
    }

    /// Begins a command, and does not wait for its end.
    pub(crate) fn begin(&self, place: &Workplace, arguments: &[&str]) -> Running {
        Running::begin(&mut self.command(place, arguments))
    }
}

impl Drop for Server {
    /// SIGKILL: the process can do nothing more.
    fn drop(&mut self) {
        // It may have been ended already.
        let _ = self.process.kill();
        self.process.wait().unwrap();
    }
}

/// A command that runs.
pub(crate) struct Running {
    process: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Running {
    pub(crate) fn begin(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = read(process.stderr.take().unwrap());
        Self { process, lines, said: Vec::new() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it has said so many lines that begin like this.
    pub(crate) fn after(&mut self, count: usize, beginning: &str) {
        let mut seen = 0;
        while seen < count {
            let line =
                self.lines.recv().unwrap_or_else(|_| panic!("it ended early:\n{}", self.said.join("\n")));
            seen += usize::from(line.starts_with(beginning));
            self.said.push(line);
        }
    }

    /// Waits until it has said nothing for half a second, since it waits for AWS itself.
    pub(crate) fn quiet(&mut self) {
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(500)) {
            self.said.push(line);
        }
    }

    /// Sends a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        send(name, self.id());
    }

    /// Sends a signal; how it ended, and how long after that.
    pub(crate) fn end_by(self, name: &str) -> (Ended, Duration) {
        let begun = std::time::Instant::now();
        self.signal(name);
        let ended = self.end();
        (ended, begun.elapsed())
    }

    /// How it ended; the code is -1 if a signal ended it.
    pub(crate) fn end(mut self) -> Ended {
        let status = self.process.wait().unwrap();
        self.said.extend(self.lines.iter());
        Ended { code: status.code().unwrap_or(-1), out: String::new(), err: self.said.join("\n") }
    }
}

/// Sends a signal to a process.
pub(crate) fn send(name: &str, process: u32) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status().unwrap();
    assert!(sent.success());
}

fn read(stderr: ChildStderr) -> Receiver<String> {
    let (send, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
