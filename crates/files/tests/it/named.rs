//! Files that somebody names.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{lchown, symlink};
use std::path::Path;

use files::{FileError, read_named, write_named};

use crate::{make_fifo, mode, names, set_mode};

#[test]
fn an_existing_file_keeps_its_mode_and_is_replaced_as_a_whole() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("report.xml");
    fs::write(&file, "old").unwrap();
    set_mode(&file, 0o640);
    let open_before = fs::File::open(&file).unwrap();
    write_named(&file, b"new").unwrap();
    assert_eq!((mode(&file), fs::read_to_string(&file).unwrap().as_str()), (0o640, "new"));
    // Who reads the old one reads it to its end.
    assert_eq!(std::io::read_to_string(open_before).unwrap(), "old");
    assert_eq!(names(place.path()), ["report.xml"]);
}

#[test]
fn a_link_that_somebody_named_is_followed_even_to_what_is_not_there_yet() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    fs::create_dir(at("artifacts")).unwrap();
    symlink("artifacts/report.xml", at("link")).unwrap();
    symlink(at("link"), at("chain")).unwrap();
    for (content, through) in [("one", "link"), ("two", "chain")] {
        write_named(&at(through), content.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(at("artifacts/report.xml")).unwrap(), content);
    }
    assert!(at("link").is_symlink() && at("chain").is_symlink());
    symlink(at("loop"), at("loop")).unwrap();
    assert!(write_named(&at("loop"), b"x").is_err());
}

/// Only root can give a link to somebody else; the rule is the same for everybody.
fn is_root(place: &Path) -> bool {
    lchown(place, None, None).is_ok()
        && std::os::unix::fs::MetadataExt::uid(&fs::metadata(place).unwrap()) == 0
}

#[test]
fn a_link_that_another_user_put_where_others_can_write_is_not_followed() {
    let place = tempfile::tempdir().unwrap();
    if !is_root(place.path()) {
        eprintln!("skipped: only root can make a link that belongs to somebody else");
        return;
    }
    let at = |name: &str| place.path().join(name);
    fs::write(at("victim"), "theirs").unwrap();
    symlink(at("victim"), at("planted")).unwrap();
    lchown(at("planted"), Some(12345), Some(12345)).unwrap();
    for shared in [0o1777, 0o777, 0o770] {
        set_mode(place.path(), shared);
        let error = write_named(&at("planted"), b"ours").unwrap_err();
        assert!(matches!(error, FileError::Planted { .. }), "{error}");
    }
    assert_eq!(fs::read_to_string(at("victim")).unwrap(), "theirs");
    // Where nobody else can write, nobody else can have planted it.
    set_mode(place.path(), 0o755);
    write_named(&at("planted"), b"ours").unwrap();
    assert_eq!(fs::read_to_string(at("victim")).unwrap(), "ours");
}

#[test]
fn devices_and_fifos_are_written_to_and_directories_are_an_error() {
    let place = tempfile::tempdir().unwrap();
    write_named(Path::new("/dev/null"), b"x").unwrap();
    let fifo = place.path().join("fifo");
    make_fifo(&fifo);
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || {
            let mut text = String::new();
            fs::File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
            text
        }
    });
    write_named(&fifo, b"through").unwrap();
    assert_eq!(reader.join().unwrap(), "through");
    let error = write_named(place.path(), b"x").unwrap_err();
    assert_eq!(error.to_string(), "it is a directory, not a file");
}

#[test]
fn a_file_is_written_where_nobody_may_list_the_directory() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("drop");
    fs::create_dir(&directory).unwrap();
    set_mode(&directory, 0o300);
    let written = write_named(&directory.join("report"), b"x");
    set_mode(&directory, 0o700);
    written.unwrap();
    assert_eq!(names(&directory), ["report"]);
}

#[test]
fn what_was_named_is_read_through_a_link_and_nothing_but_a_regular_file_is() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    fs::write(at("file"), "text").unwrap();
    symlink("file", at("link")).unwrap();
    assert_eq!(read_named(&at("link"), 4).unwrap(), b"text");
    make_fifo(&at("fifo"));
    for (path, limit, said) in [
        (at("link"), 3, "it has 4 bytes, and at most 3 are read"),
        (at("fifo"), 4, "it is a FIFO, not a regular file"),
        (place.path().to_owned(), 4, "it is a directory, not a regular file"),
        ("/dev/zero".into(), 4, "it is a device, not a regular file"),
    ] {
        assert_eq!(read_named(&path, limit).unwrap_err().to_string(), said);
    }
}
