//! What the embedded AWS keeps is for its owner only, and only files are used.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use emulator::{Emulator, EmulatorError};

use crate::support::Cloud;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

async fn with_group(directory: &Path) {
    let cloud = Cloud::of(Emulator::open(directory).unwrap());
    cloud.logs.create_log_group().log_group_name("g").send().await.unwrap();
}

const STATE: &str = "logs@ap-southeast-1.json";

#[tokio::test]
async fn directory_and_files_are_for_their_owner_only_also_those_that_were_not() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("a/emulator");
    with_group(&directory).await;
    for (path, expected) in [("a", 0o700), ("a/emulator", 0o700), ("a/emulator/lock", 0o600)] {
        assert_eq!(mode(&place.path().join(path)), expected, "{path}");
    }
    assert_eq!(mode(&directory.join(STATE)), 0o600);
    let wide = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    wide(&directory, 0o755);
    wide(&directory.join("lock"), 0o644);
    wide(&directory.join(STATE), 0o644);
    fs::write(directory.join(".logs@ap-southeast-1.json.0123.new"), "left by a process that died").unwrap();
    let cloud = Cloud::of(Emulator::open(&directory).unwrap());
    cloud.role("r").await;
    assert_eq!((mode(&directory), mode(&directory.join("lock"))), (0o700, 0o600));
    assert_eq!((mode(&directory.join(STATE)), mode(&directory.join("iam@global.json"))), (0o600, 0o600));
    assert!(!directory.join(".logs@ap-southeast-1.json.0123.new").exists());
}

fn plant(path: &Path, what: &str, victim: &Path) {
    let _ = fs::remove_file(path);
    match what {
        "a symbolic link" => symlink(victim, path).unwrap(),
        "a FIFO" => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
        _ => fs::create_dir(path).unwrap(),
    }
}

/// The error of whoever opens the directory and looks at what is in it.
async fn unusable(directory: &Path) -> EmulatorError {
    match Emulator::open(directory) {
        Err(error) => error,
        Ok(emulator) => emulator.objects().await.unwrap_err(),
    }
}

#[tokio::test]
async fn a_link_a_fifo_or_a_directory_in_place_of_a_file_is_an_error() {
    for what in ["a symbolic link", "a FIFO", "a directory"] {
        for name in ["lock", STATE] {
            let place = tempfile::tempdir().unwrap();
            let (directory, victim) = (place.path().join("emulator"), place.path().join("victim"));
            with_group(&directory).await;
            fs::copy(directory.join(name), &victim).unwrap();
            let before = fs::read(&victim).unwrap();
            plant(&directory.join(name), what, &victim);
            let error = unusable(&directory).await;
            assert!(matches!(error, EmulatorError::Unusable { .. }), "{what} {name}: {error}");
            assert!(error.to_string().contains(what) && error.to_string().contains(name), "{error}");
            assert_eq!(fs::read(&victim).unwrap(), before);
        }
    }
}

#[tokio::test]
async fn a_state_file_that_is_too_long_is_refused_before_it_is_read() {
    let place = tempfile::tempdir().unwrap();
    with_group(place.path()).await;
    fs::File::create(place.path().join(STATE)).unwrap().set_len(1 << 42).unwrap();
    let error = unusable(place.path()).await;
    assert!(error.to_string().contains("at most 1073741824 are read"), "{error}");
}
