//! Private files.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::symlink;
use std::path::Path;

use files::FileError;

use crate::{make_fifo, mode, names, set_mode};

/// Every way in which a private file is used.
fn uses(path: &Path) -> Vec<(&'static str, Result<(), FileError>)> {
    vec![
        ("read", files::read(path, 100).map(drop)),
        ("open", files::open(path, OpenOptions::new().read(true)).map(drop)),
        ("append_to", files::append_to(path).map(drop)),
        ("open_or_create", files::open_or_create(path).map(drop)),
        ("replace", files::replace(path, b"new")),
        ("remove", files::remove(path)),
    ]
}

#[test]
fn nothing_but_a_regular_file_is_used_and_nothing_is_waited_for() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    fs::write(at("victim"), "theirs").unwrap();
    symlink(at("victim"), at("link")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    make_fifo(&at("fifo"));
    fs::create_dir(at("directory")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    for (name, found) in [
        ("link", "a symbolic link"),
        ("dangling", "a symbolic link"),
        ("fifo", "a FIFO"),
        ("directory", "a directory"),
        ("socket", "a socket"),
    ] {
        for (using, result) in uses(&at(name)) {
            let error = result.unwrap_err();
            assert_eq!(error.to_string(), format!("it is {found}, not a regular file"), "{using} {name}");
        }
    }
    for (using, result) in uses(Path::new("/dev/null")) {
        assert_eq!(result.unwrap_err().to_string(), "it is a device, not a regular file", "{using}");
    }
    assert_eq!(fs::read_to_string(at("victim")).unwrap(), "theirs");
    assert!(!at("nowhere").exists());
    assert_eq!(names(place.path()).len(), 6, "{:?}", names(place.path()));
}

#[test]
fn what_is_not_there_is_none_and_is_made_for_its_owner_only() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    assert_eq!(files::read(&file, 100).unwrap(), None);
    assert!(files::append_to(&file).unwrap().is_none());
    files::open_or_create(&file).unwrap();
    assert_eq!((mode(&file), files::read(&file, 100).unwrap()), (0o600, Some(Vec::new())));
    files::replace(&file, b"content").unwrap();
    assert_eq!((mode(&file), files::read(&file, 100).unwrap()), (0o600, Some(b"content".to_vec())));
    files::remove(&file).unwrap();
    assert_eq!(names(place.path()), [""; 0]);
}

#[test]
fn a_file_that_is_too_long_is_refused_before_it_is_read() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    // Longer than the memory of most machines, though it takes no room on the disk.
    fs::File::create(&file).unwrap().set_len(1 << 42).unwrap();
    let error = files::read(&file, 1 << 30).unwrap_err();
    assert_eq!(error.to_string(), format!("it has {} bytes, and at most {} are read", 1_u64 << 42, 1 << 30));
    assert!(error.is_about_content());
    fs::File::create(&file).unwrap().set_len(100).unwrap();
    assert_eq!(files::read(&file, 100).unwrap().unwrap().len(), 100);
    assert!(files::read(&file, 99).is_err());
}

#[test]
fn directories_are_made_private_and_those_above_that_were_there_stay_as_they_are() {
    let place = tempfile::tempdir().unwrap();
    set_mode(place.path(), 0o755);
    let deep = place.path().join("a/b/c");
    files::make_directory(&deep).unwrap();
    for made in ["a", "a/b", "a/b/c"] {
        assert_eq!(mode(&place.path().join(made)), 0o700, "{made}");
    }
    assert_eq!(mode(place.path()), 0o755);
    set_mode(&deep, 0o775);
    set_mode(&place.path().join("a"), 0o755);
    files::make_directory(&deep).unwrap();
    assert_eq!((mode(&deep), mode(&place.path().join("a"))), (0o700, 0o755));
}

#[test]
fn a_shared_directory_and_a_file_in_place_of_one_are_not_made_private() {
    let place = tempfile::tempdir().unwrap();
    let (shared, file) = (place.path().join("shared"), place.path().join("file"));
    fs::create_dir(&shared).unwrap();
    set_mode(&shared, 0o1777);
    assert!(matches!(files::make_directory(&shared), Err(FileError::Shared)));
    assert_eq!(mode(&shared), 0o1777);
    fs::write(&file, "").unwrap();
    assert!(matches!(files::make_directory(&file), Err(FileError::NotRegular { .. })));
    assert!(files::make_directory(&file.join("below")).is_err());
}

#[test]
fn a_directory_may_be_a_link_to_one_on_another_disk() {
    let place = tempfile::tempdir().unwrap();
    let (real, link) = (place.path().join("real"), place.path().join("link"));
    fs::create_dir(&real).unwrap();
    set_mode(&real, 0o755);
    symlink(&real, &link).unwrap();
    files::make_directory(&link).unwrap();
    files::replace(&link.join("file"), b"x").unwrap();
    assert_eq!((mode(&real), mode(&real.join("file"))), (0o700, 0o600));
}

#[test]
fn adopting_removes_what_a_dead_writer_left_and_closes_what_was_open_to_all() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    for name in [".ours.4f1.new", "ours", "others"] {
        fs::write(at(name), "x").unwrap();
        set_mode(&at(name), 0o644);
    }
    files::adopt(place.path(), |name| name == "ours").unwrap();
    assert_eq!(names(place.path()), ["others", "ours"]);
    assert_eq!((mode(&at("ours")), mode(&at("others"))), (0o600, 0o644));
    fs::remove_file(at("ours")).unwrap();
    symlink(at("others"), at("ours")).unwrap();
    let (path, error) = files::adopt(place.path(), |name| name == "ours").unwrap_err();
    assert_eq!(
        (path, error.to_string()),
        (at("ours"), "it is a symbolic link, not a regular file".to_owned())
    );
    assert_eq!(mode(&at("others")), 0o644);
}

#[test]
fn adopting_touches_nothing_that_a_writer_of_ours_cannot_have_left() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let theirs = [".notes.new", ".others.4f1.new", ".ours..new", ".ours.new", "ours.4f1.new"];
    for name in theirs {
        fs::write(at(name), "x").unwrap();
    }
    fs::create_dir(at(".ours.5a2.new")).unwrap();
    symlink(at("nowhere"), at(".ours.6b3.new")).unwrap();
    fs::write(at(".ours.4f1.new"), "x").unwrap();
    let before = names(place.path());
    files::adopt(place.path(), |name| name == "ours").unwrap();
    let after = names(place.path());
    assert_eq!(before.len(), after.len() + 1);
    assert!(!after.contains(&".ours.4f1.new".to_owned()), "{after:?}");
}

#[test]
fn a_name_that_somebody_planted_for_the_temporary_file_is_not_used() {
    // The name is random, so whoever plants links must guess it; what is there under a guess is not touched by a write.
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    fs::write(at("victim"), "theirs").unwrap();
    for guess in ["file.new", ".file.new", "file.json.new", ".file.0000000000000000.new"] {
        symlink(at("victim"), at(guess)).unwrap();
    }
    files::replace(&at("file"), b"ours").unwrap();
    assert_eq!(fs::read_to_string(at("victim")).unwrap(), "theirs");
    assert_eq!(fs::read_to_string(at("file")).unwrap(), "ours");
}
