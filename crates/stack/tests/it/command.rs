//! Runs `stack` in a directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use aws_sdk_ec2::config::Region;
use emulator::{Emulator, Object};
use engine::{Engine, LocalStore, Registry, State};

/// Objects, without what AWS makes by itself, and without the role that all environments share and none deletes.
pub(crate) fn own(mut objects: Vec<Object>) -> Vec<Object> {
    let shared = apigw::logs_role_name("ap-southeast-1");
    objects.retain(|object| !object.made_by_default && object.id != shared);
    objects
}

/// A directory with nothing in it but what the commands leave.
pub(crate) struct Workplace {
    directory: tempfile::TempDir,
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- out\n{}\n--- err\n{}", self.out, self.err);
        self
    }

    /// The lines of standard output, each as JSON.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<serde_json::Value> {
        let parsed =
            |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(parsed).collect()
    }

    /// The only event of a name.
    #[track_caller]
    pub(crate) fn event(&self, name: &str) -> serde_json::Value {
        let mut found = self.events();
        found.retain(|event| event["event"] == name);
        assert_eq!(found.len(), 1, "{name}: {}", self.out);
        found.remove(0)
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

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
        command.current_dir(self.path()).args(arguments).env_clear();
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().unwrap())
    }

    pub(crate) fn state_directory(&self, environment: &str) -> PathBuf {
        self.path().join(".stack/embedded").join(environment)
    }

    /// What is recorded of an environment.
    pub(crate) async fn state(&self, environment: &str) -> State {
        recorded_in(&self.state_directory(environment)).await
    }

    pub(crate) fn emulator(&self) -> Emulator {
        Emulator::open(&self.path().join(".stack/emulator")).unwrap()
    }

    /// What environments made for themselves.
    pub(crate) async fn objects(&self) -> Vec<Object> {
        own(self.emulator().objects().await.unwrap())
    }

    /// All bytes that the embedded AWS keeps: if they stay the same, no call has changed anything.
    pub(crate) fn emulator_bytes(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = files_in(&self.path().join(".stack/emulator"));
        files.retain(|(path, _)| path.extension().is_some_and(|extension| extension == "json"));
        files
    }

    /// All that is recorded of an environment, byte by byte.
    pub(crate) fn files(&self, environment: &str) -> Vec<(PathBuf, Vec<u8>)> {
        files_in(&self.state_directory(environment))
    }

    /// A client that works behind the program's back.
    pub(crate) fn ec2(&self) -> aws_sdk_ec2::Client {
        let config = stack::embedded(&self.emulator(), Region::new("ap-southeast-1"));
        aws_sdk_ec2::Client::new(&config)
    }

    /// The same for databases.
    pub(crate) fn rds(&self) -> aws_sdk_rds::Client {
        aws_sdk_rds::Client::new(&stack::embedded(&self.emulator(), Region::new("ap-southeast-1")))
    }
}

/// The state in a directory.
pub(crate) async fn recorded_in(directory: &Path) -> State {
    let store = LocalStore::new(directory);
    Engine::new(std::sync::Arc::new(Registry::new(())), std::sync::Arc::new(store)).state().await.unwrap()
}

/// All files in a directory, byte by byte.
pub(crate) fn files_in(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    files.sort();
    files
}
