//! Nobody else can read or plant what the program keeps, whatever the umask; a file that somebody asked for is like any other.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Ended, Workplace};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Runs `stack` under a umask.
fn run_under(place: &Workplace, umask: &str, arguments: &[&str]) -> Ended {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_stack")]);
    command.args(arguments).current_dir(place.path()).env_clear();
    Ended::of(&command.output().unwrap())
}

/// Everything below a directory, itself included.
fn below(directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![directory.to_owned()];
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(below(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn whatever_the_umask_state_and_embedded_aws_are_for_their_owner_only() {
    for umask in ["000", "022", "077", "277"] {
        let place = Workplace::new();
        run_under(&place, umask, &["up", "--set", "vpc.nat=none"]).expect(0);
        run_under(&place, umask, &["up"]).expect(0);
        let all = below(&place.path().join(".stack"));
        assert!(all.len() > 10, "{all:?}");
        for path in all {
            let expected = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode(&path), expected, "umask {umask}: {}", path.display());
        }
    }
}

#[test]
fn a_state_that_was_readable_by_others_is_made_private_by_the_next_run() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let state = place.state_directory("dev");
    for path in below(&place.path().join(".stack")) {
        let wide = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(wide)).unwrap();
    }
    place.run(&["outputs"]).expect(0);
    assert_eq!(mode(&state), 0o755, "reading changes nothing");
    place.run(&["up"]).expect(0);
    for path in below(&state) {
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
    // What is above was there before, and is not ours alone to decide on.
    assert_eq!(mode(&place.path().join(".stack")), 0o755);
}

#[test]
fn what_is_planted_in_place_of_a_state_file_is_one_error_and_no_hang() {
    for (name, commands) in [
        ("journal.jsonl", [["up"].as_slice(), &["preview"], &["outputs"], &["state", "verify"]].as_slice()),
        ("lock.json", &[&["up"]]),
        (".guard", &[&["up"]]),
    ] {
        for what in ["a symbolic link", "a FIFO", "a directory"] {
            let place = Workplace::new();
            place.run(&["up"]).expect(0);
            let (path, victim) = (place.state_directory("dev").join(name), place.path().join("victim"));
            fs::write(&victim, "theirs").unwrap();
            let _ = fs::remove_file(&path);
            match what {
                "a symbolic link" => symlink(&victim, &path).unwrap(),
                "a FIFO" => assert!(Command::new("mkfifo").arg(&path).status().unwrap().success()),
                _ => fs::create_dir(&path).unwrap(),
            }
            for command in commands {
                let ended = place.run(command).expect(65);
                let expected = format!("{name}: it is {what}, not a regular file");
                assert!(ended.err.contains(&expected), "{command:?}:\n{}", ended.err);
                assert_eq!(ended.err.matches("error[E").count(), 1, "{}", ended.err);
                assert_eq!(fs::read_to_string(&victim).unwrap(), "theirs");
            }
        }
    }
}

#[test]
fn a_full_disk_is_told_once() {
    let place = Workplace::new();
    let directory = place.path().join(".stack/embedded");
    fs::create_dir_all(&directory).unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=200k,mode=700", "tmpfs"])
        .arg(&directory)
        .output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        eprintln!("skipped: mounting a tmpfs is not permitted");
        return;
    }
    let mounted = Mounted(directory);
    let ended = place.run(&["up"]);
    let ended = ended.expect(1);
    assert_eq!(ended.err.matches("No space left on device").count(), 1, "{}", ended.err);
    let told = ended.err.matches("error[E").count();
    assert_eq!(told, 1, "{}", ended.err);
    assert!(!ended.err.contains("lost"), "{}", ended.err);
    // The lock is given back; with more room the next run goes on.
    assert!(!mounted.0.join("dev/lock.json").exists());
    let more = Command::new("mount").args(["-o", "remount,size=8m"]).arg(&mounted.0).status().unwrap();
    assert!(more.success());
    place.run(&["up"]).expect(0);
    place.run(&["preview", "--detailed-exitcode"]).expect(0);
}

/// Unmounted also where a test fails.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_template_follows_the_umask_and_the_names_that_people_give() {
    let place = Workplace::new();
    let at = |name: &str| place.path().join(name);
    let export = ["export", "cloudformation", "--out"];
    let export_to = |name: &str| run_under(&place, "027", &[export.as_slice(), &[name]].concat());
    export_to("new.json").expect(0);
    assert_eq!(mode(&at("new.json")), 0o640);
    // An existing file keeps its mode, and a link leads where it leads.
    fs::set_permissions(at("new.json"), fs::Permissions::from_mode(0o664)).unwrap();
    symlink("new.json", at("link.json")).unwrap();
    let template = fs::read(at("new.json")).unwrap();
    fs::write(at("new.json"), "old").unwrap();
    export_to("link.json").expect(0);
    assert_eq!((mode(&at("new.json")), fs::read(at("new.json")).unwrap()), (0o664, template.clone()));
    assert!(at("link.json").is_symlink());
    let ended = export_to("/dev/stdout").expect(0);
    assert_eq!(ended.out.as_bytes(), template);
    let ended = export_to(".").expect(1);
    assert!(ended.err.contains("it is a directory, not a file"), "{}", ended.err);
    let mut names: Vec<_> =
        fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort_unstable();
    assert_eq!(names, ["link.json", "new.json"]);
}

#[test]
fn a_template_that_cannot_be_written_leaves_the_old_one() {
    let place = Workplace::new();
    // A directory without room, if that can be had.
    let directory = place.path().join("full");
    fs::create_dir(&directory).unwrap();
    let mount =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=8k", "tmpfs"]).arg(&directory).output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        eprintln!("skipped: mounting a tmpfs is not permitted");
        return;
    }
    let mounted = Mounted(directory);
    let file = mounted.0.join("t.json");
    fs::write(&file, "old").unwrap();
    let ended = place.run(&["export", "cloudformation", "--out", "full/t.json"]).expect(1);
    assert!(
        ended.err.contains("cannot write full/t.json") && ended.err.contains("No space"),
        "{}",
        ended.err
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(fs::read_dir(&mounted.0).unwrap().count(), 1);
}
