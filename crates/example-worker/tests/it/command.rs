//! Runs `example-worker` in a directory of its own.

use std::path::Path;
use std::process::Command;

use emulator::{Emulator, Object};

/// A directory with nothing in it but what the commands leave.
pub(crate) struct Workplace {
    directory: tempfile::TempDir,
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- out\n{}\n--- err\n{}", self.out, self.err);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

impl Workplace {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// One with this configuration.
    pub(crate) fn with(text: &str) -> Self {
        let place = Self::new();
        std::fs::write(place.path().join("stack.toml"), text).unwrap();
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, &[])
    }

    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_example-worker"));
        command.current_dir(self.path()).args(arguments).env_clear().envs(variables.iter().copied());
        let output = command.output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn emulator(&self) -> Emulator {
        Emulator::open(&self.path().join(".stack/emulator")).unwrap()
    }

    /// What is there, without what AWS makes by itself.
    pub(crate) async fn objects(&self) -> Vec<Object> {
        let mut objects = self.emulator().objects().await.unwrap();
        objects.retain(|object| !object.made_by_default);
        objects
    }

    /// A client that works behind the program's back.
    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&testing::config(&self.emulator()))
    }
}
