//! Files that a command line names to be written. None of them may be one that the program keeps for itself or is about to read:
//! some are emptied before anything is read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::cli::{Command, ExportCommand, Options, Target};
use crate::config::DEFAULT_FILE;
use crate::emulated;
use crate::exit::{Exit, Failure};

/// What a command would write, with the flag that says so.
fn outputs(command: &Command) -> Vec<(&'static str, &Path)> {
    let (out, events) = match command {
        Command::Up(up) => (None, up.applied.events.as_deref()),
        Command::Preview { shown, .. } => (shown.out.as_deref(), None),
        Command::Destroy { applied, shown, .. } => (shown.out.as_deref(), applied.events.as_deref()),
        Command::Export(ExportCommand::Cloudformation { out }) => (out.as_deref(), None),
        Command::Verify { junit, .. } => {
            return junit.as_deref().map(|path| ("--junit", path)).into_iter().collect();
        }
        _ => (None, None),
    };
    [("--out", out), ("--events", events)]
        .into_iter()
        .filter_map(|(flag, path)| Some((flag, path?)))
        .collect()
}

/// The plan that a command runs.
fn plan(command: &Command) -> Option<&Path> {
    match command {
        Command::Up(up) => up.applied.plan.as_deref(),
        Command::Destroy { applied, .. } => applied.plan.as_deref(),
        _ => None,
    }
}

/// Refuses to write where something would be lost. To be called before anything is opened.
pub(crate) fn check(command: &Command, options: &Options) -> Result<(), Failure> {
    let config = options.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
    for (flag, path) in outputs(command) {
        let what = if is_kept(path, &options.state_dir) {
            format!("it is in the state directory {}", options.state_dir.display())
        } else if is_same(path, config) {
            "it is the configuration".to_owned()
        } else if plan(command).is_some_and(|plan| is_same(path, plan)) {
            "it is the plan that is to be run".to_owned()
        } else {
            continue;
        };
        return Err(Failure::new(Exit::Usage, format!("{flag}: cannot write {}: {what}", path.display()))
            .hint("nothing was written; name another file"));
    }
    Ok(())
}

/// Whether a path leads into the state directory. A state directory that somebody works in has files of theirs, too: there, only
/// what the program has made counts.
fn is_kept(path: &Path, state_dir: &Path) -> bool {
    let (path, state_dir) = (real(path), real(state_dir));
    let works_in_it = std::env::current_dir().is_ok_and(|here| real(&here).starts_with(&state_dir));
    match works_in_it {
        false => path.starts_with(&state_dir),
        true => {
            let targets = [Target::Embedded, Target::Aws].map(|target| state_dir.join(target.name()));
            let own = targets.into_iter().chain([emulated::directory(&state_dir)]);
            own.into_iter().any(|directory| path.starts_with(directory))
        }
    }
}

/// Whether two paths lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    if let (Ok(one), Ok(other)) = (std::fs::metadata(one), std::fs::metadata(other)) {
        use std::os::unix::fs::MetadataExt as _;
        return (one.dev(), one.ino()) == (other.dev(), other.ino());
    }
    real(one) == real(other)
}

/// Where a path leads, links followed as far as there is something.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (mut there, mut missing): (&Path, Vec<OsString>) = (&absolute, Vec::new());
    loop {
        if let Ok(real) = there.canonicalize() {
            return missing.iter().rev().fold(real, |path, name| path.join(name));
        }
        match (there.parent(), there.file_name()) {
            (Some(parent), Some(name)) => {
                missing.push(name.to_owned());
                there = parent;
            }
            _ => return absolute,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_in_the_state_directory_however_it_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let (state, beside) = (directory.path().join("state"), directory.path().join("beside"));
        for made in [&state, &beside] {
            std::fs::create_dir(made).unwrap();
        }
        for path in ["state/embedded/dev/journal.jsonl", "beside/../state/new", "state"] {
            assert!(is_kept(&directory.path().join(path), &state), "{path}");
        }
        for path in ["state.json", "beside/state", "plan.json"] {
            assert!(!is_kept(&directory.path().join(path), &state), "{path}");
        }
        // One that is not there yet.
        assert!(is_kept(&directory.path().join("later/x"), &directory.path().join("later")));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&state, directory.path().join("link")).unwrap();
            assert!(is_kept(&directory.path().join("link/x"), &state));
        }
    }

    #[test]
    fn two_names_of_one_file_are_one() {
        let directory = tempfile::tempdir().unwrap();
        let (file, other) = (directory.path().join("file"), directory.path().join("other"));
        std::fs::write(&file, "").unwrap();
        assert!(is_same(&file, &directory.path().join("./file")));
        assert!(!is_same(&file, &other));
        assert!(is_same(&other, &other));
        std::fs::hard_link(&file, &other).unwrap();
        assert!(is_same(&file, &other));
    }
}
