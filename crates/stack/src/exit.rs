//! How the program ends, and how it says why.

use std::error::Error;

use crate::codes::Code;
use crate::output::Lines;

/// The exit codes. Scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; nothing to do is done, too.
    Done = 0,
    /// Failed (run again to resume), or a `verify` check failed.
    Failed = 1,
    /// There are changes or drift. Only with `--detailed-exitcode`.
    Changes = 2,
    /// The command line is wrong.
    Usage = 64,
    /// The configuration, the state or a plan file is wrong, or something is protected. Nothing was changed.
    Configuration = 65,
    /// Another process works on the same state.
    Locked = 75,
    /// Interrupted; run again to resume.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        (exit as u8).into()
    }
}

/// Why the program ends without having done what it was asked for: one message, what led to it, and advice.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What kind of error it is; by the exit code where nobody says it.
    pub code: Option<Code>,
    /// What failed.
    pub message: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// What to do.
    pub hint: Option<String>,
    /// What belongs to the advice and is copied as it stands, a line each: a command, a policy's statement.
    pub to_copy: Vec<String>,
    /// The resource that it is about, where it is about one.
    pub address: Option<String>,
}

impl Failure {
    /// A failure without causes.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            code: None,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            to_copy: Vec::new(),
            address: None,
        }
    }

    /// A failure whose message and causes are those of an error.
    #[must_use]
    pub fn from_error(exit: Exit, error: &dyn Error) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        Self { causes, ..Self::new(exit, error.to_string()) }
    }

    /// The same, as the cause of a wider failure.
    #[must_use]
    pub fn context(mut self, message: impl Into<String>) -> Self {
        let cause = std::mem::replace(&mut self.message, message.into());
        self.causes.insert(0, cause);
        self
    }

    /// The same with what led to it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same as an error of this kind.
    #[must_use]
    pub fn coded(self, code: Code) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The same as an error of this kind, unless it has a kind already.
    #[must_use]
    pub(crate) fn or_coded(self, code: Code) -> Self {
        Self { code: self.code.or(Some(code)), ..self }
    }

    /// What kind of error it is.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code.unwrap_or_else(|| Code::of_exit(self.exit))
    }

    /// As it is printed: `error[CODE]: …`, `cause: …` for each cause, `hint: …`, a line each, and what is to be copied.
    #[must_use]
    pub fn render(&self) -> Lines {
        let mut lines = Lines::new();
        lines.add(format!("error[{}]: ", self.code())).line(&self.message);
        for cause in &self.causes {
            lines.add("cause: ").line(cause);
        }
        if let Some(hint) = &self.hint {
            lines.add("hint: ").line(hint);
        }
        for line in &self.to_copy {
            lines.add("  ").line(line);
        }
        lines
    }

    /// The same in one line, for a report.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let causes = self.causes.iter().map(|cause| format!("; cause: {cause}"));
        let hint = self.hint.iter().map(|hint| format!("; hint: {hint}"));
        let first = format!("error[{}]: {}", self.code(), self.message);
        std::iter::once(first).chain(causes).chain(hint).collect()
    }
}
