//! The state directory is for its owner only, and nothing but regular files is used in it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use engine::{File, LocalStore, Store, StoreError};

/// All names that the store gives to files.
const NAMES: [&str; 5] = ["state.json", "journal.jsonl", "lock.json", ".guard", ".holder"];

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A store in which every file is there.
async fn full(directory: &Path) {
    let store = LocalStore::new(directory);
    for file in [File::State, File::Journal, File::Lock] {
        store.replace(file, None, b"head\n".to_vec()).await.unwrap();
    }
    drop(store.mark().await);
    fs::write(directory.join(".holder"), "").unwrap();
}

async fn change(directory: &Path) -> Result<(), StoreError> {
    let store = LocalStore::new(directory);
    // Whatever is there, something is written.
    for file in [File::State, File::Journal, File::Lock] {
        let version = store.read(file).await?.map(|content| content.version);
        store.replace(file, version.as_ref(), b"new\n".to_vec()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_directory_and_what_is_above_it_and_all_files_are_private() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join(".stack/aws/dev");
    full(&directory).await;
    for above in [".stack", ".stack/aws", ".stack/aws/dev"] {
        assert_eq!(mode(&place.path().join(above)), 0o700, "{above}");
    }
    for name in NAMES {
        assert_eq!(mode(&directory.join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn what_was_open_to_others_is_made_private_by_the_next_change_and_not_by_reading() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("aws/dev");
    full(&directory).await;
    let wide = |path: PathBuf, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    wide(place.path().join("aws"), 0o755);
    wide(directory.clone(), 0o755);
    for name in NAMES {
        wide(directory.join(name), 0o664);
    }
    fs::write(directory.join(".lock.json.0f.new"), "left by a process that died").unwrap();
    LocalStore::new(&directory).read(File::State).await.unwrap();
    assert_eq!((mode(&directory), mode(&directory.join("state.json"))), (0o755, 0o664));
    change(&directory).await.unwrap();
    assert_eq!((mode(&directory), mode(&place.path().join("aws"))), (0o700, 0o755));
    for name in NAMES {
        assert_eq!(mode(&directory.join(name)), 0o600, "{name}");
    }
    assert!(!directory.join(".lock.json.0f.new").exists());
}

#[tokio::test]
async fn a_link_a_fifo_a_directory_or_a_device_in_place_of_any_file_is_an_error() {
    for name in NAMES {
        for what in ["a symbolic link", "a FIFO", "a directory", "a device"] {
            let place = tempfile::tempdir().unwrap();
            let (directory, victim) = (place.path().join("dev"), place.path().join("victim"));
            full(&directory).await;
            let path = directory.join(name);
            fs::rename(&path, &victim).unwrap();
            let before = fs::read(&victim).unwrap();
            let run = |program: &str, arguments: &[&str]| {
                Command::new(program).arg(&path).args(arguments).status().unwrap().success()
            };
            match what {
                "a symbolic link" => symlink(&victim, &path).unwrap(),
                "a FIFO" => assert!(run("mkfifo", &[])),
                "a directory" => fs::create_dir(&path).unwrap(),
                // Only root may make one; /dev/null is.
                _ if !run("mknod", &["c", "1", "3"]) => {
                    eprintln!("skipped: mknod is not permitted");
                    continue;
                }
                _ => {}
            }
            let error = change(&directory).await.unwrap_err();
            let text = error.to_string();
            assert!(matches!(error, StoreError::Unusable { .. }), "{what} as {name}: {text}");
            assert!(text.contains(what) && text.contains(name), "{what} as {name}: {text}");
            assert_eq!(fs::read(&victim).unwrap(), before, "{what} as {name}");
        }
    }
}

#[tokio::test]
async fn a_file_that_is_too_long_is_refused_before_it_is_read() {
    let place = tempfile::tempdir().unwrap();
    full(place.path()).await;
    for (file, name, limit) in [
        (File::State, "state.json", 1_u64 << 30),
        (File::Journal, "journal.jsonl", 1 << 30),
        (File::Lock, "lock.json", 65536),
    ] {
        fs::File::create(place.path().join(name)).unwrap().set_len(limit + 1).unwrap();
        let error = LocalStore::new(place.path()).read(file).await.unwrap_err();
        let expected = format!("it has {} bytes, and at most {limit} are read", limit + 1);
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
}
