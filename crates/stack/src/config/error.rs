//! One mistake in the configuration: where it is, what is wrong, and what would be right.

use std::path::PathBuf;

/// What is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", place(file, line, key))]
pub struct ConfigError {
    /// The file, if the value comes from one.
    pub file: Option<PathBuf>,
    /// The line in it, counted from 1.
    pub line: Option<usize>,
    /// The key, such as `vpc.cidr`; of a value from elsewhere the variable, such as `STACK_VPC__CIDR`, or the flag.
    pub key: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// What would be right.
    pub hint: String,
}

impl ConfigError {
    /// An error about something that is in no file: a variable or a flag.
    pub(super) fn about(key: impl Into<String>, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { file: None, line: None, key: Some(key.into()), reason: reason.into(), hint: hint.into() }
    }
}

fn place(file: &Option<PathBuf>, line: &Option<usize>, key: &Option<String>) -> String {
    let file = file.as_ref().map(|file| file.display().to_string());
    let file = match (file, line) {
        (Some(file), Some(line)) => Some(format!("{file}, line {line}")),
        (file, _) => file,
    };
    let key = key.as_ref().map(|key| format!("`{key}`"));
    [file, key].into_iter().flatten().map(|part| format!("{part}: ")).collect()
}
