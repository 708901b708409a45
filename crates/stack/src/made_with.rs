//! Which configuration file an environment was last deployed with, so that nobody destroys it with another one by mistake.
//!
//! Its name is kept beside the state on this machine, also where the state itself is in S3: a missing file says that the state is
//! kept here.

use std::path::PathBuf;

use engine::visible;

use crate::codes::Code;
use crate::config::DEFAULT_FILE;
use crate::exit::{Exit, Failure};
use crate::run::Work;

/// The file with the name, in the state directory of the environment.
const NOTE: &str = "made-with";
/// No path is longer.
const LONGEST: u64 = 4096;

impl Work {
    fn made_with_path(&self) -> PathBuf {
        self.local(&self.environment).join(NOTE)
    }

    /// The file of the last `up`, where that had one and none is read now.
    pub(crate) fn missing_file(&self) -> Option<String> {
        if self.loaded.file.is_some() {
            return None;
        }
        let bytes = files::read(&self.made_with_path(), LONGEST).ok().flatten()?;
        let name = String::from_utf8(bytes).ok()?;
        let name = name.trim_end();
        (!name.is_empty()).then(|| visible(name).into_owned())
    }

    /// Whether the file that the environment was deployed with is there, which says what is protected.
    pub(crate) fn check_made_with(&self) -> Result<(), Failure> {
        let Some(file) = self.missing_file() else { return Ok(()) };
        let message = format!("the last `up` of {} used {file}, which is not here", self.environment);
        Err(Failure::new(Exit::Configuration, message).coded(Code::ConfigurationMissing).hint(format!(
            "nothing was changed. Run this where the file is, or name it with --config. If it is lost, an empty {DEFAULT_FILE} says \
             that the defaults are meant; what the last `up` protected stays protected"
        )))
    }

    /// Keeps the name of the file, or that there is none. Only a help: a run does not fail for it.
    pub(crate) fn note_made_with(&self) {
        let path = self.made_with_path();
        let name = self.loaded.file.as_ref().map(|file| format!("{}\n", file.display()).into_bytes());
        let noted = files::read(&path, LONGEST).ok().flatten();
        let _ = match name {
            name if name == noted => Ok(()),
            Some(name) => files::replace(&path, &name),
            None => files::remove(&path),
        };
    }
}
