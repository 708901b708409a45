//! Asking the person. A question that is answered otherwise than with yes ends the command, in the same way everywhere.

use std::io::IsTerminal as _;

use crate::cli::Options;
use crate::codes::Code;
use crate::exit::{Exit, Failure};
use crate::output::{Lines, note, prompt, tell};
use crate::signals::Signals;

/// Whether there is somebody to ask, or no need to.
fn can_ask(options: &Options) -> Result<(), Failure> {
    match options.yes || std::io::stdin().is_terminal() {
        true => Ok(()),
        false => Err(Failure::new(Exit::Usage, "there is no terminal to ask on")
            .hint("if that is what you want, add --yes")
            .coded(Code::NoTerminal)),
    }
}

/// What somebody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// A signal came first.
    Interrupted,
}

impl Answer {
    /// How the command ends, after it was said that nothing changed; `None` after a yes.
    pub(crate) fn cancelled(self) -> Option<Exit> {
        let exit = match self {
            Answer::Yes => return None,
            Answer::No => Exit::Failed,
            Answer::Interrupted => Exit::Interrupted,
        };
        tell("Cancelled; nothing changed.");
        Some(exit)
    }
}

/// Says what a question is about, also with `--quiet` if it is asked.
pub(crate) fn introduce(options: &Options, lines: impl Into<Lines>) {
    match options.yes {
        true => note(lines),
        false => tell(lines),
    }
}

/// Asks for a `yes`, unless it was given on the command line.
pub(crate) async fn agreed(options: &Options, question: &str, signals: &Signals) -> Result<Answer, Failure> {
    can_ask(options)?;
    if options.yes {
        return Ok(Answer::Yes);
    }
    confirmed(&format!("{question}? Type \"yes\" to continue: "), "yes", signals).await
}

/// Asks for a text; anything else is a no.
pub(crate) async fn confirmed(prompt: &str, wanted: &str, signals: &Signals) -> Result<Answer, Failure> {
    forget_what_was_typed();
    Ok(match typed(prompt, signals).await? {
        None => Answer::Interrupted,
        Some(line) if line.trim() == wanted => Answer::Yes,
        Some(_) => Answer::No,
    })
}

/// Throws away what was typed before there was a question: nobody can agree to a plan that they have not seen. What somebody pipes in
/// is no terminal, and stays.
fn forget_what_was_typed() {
    #[cfg(unix)]
    {
        use rustix::termios::{QueueSelector, tcflush};
        let input = std::io::stdin();
        if input.is_terminal() {
            // Where it cannot be thrown away, the question is asked all the same.
            let _ = tcflush(&input, QueueSelector::IFlush);
        }
    }
}

/// What somebody types behind a prompt, with the end of the line; empty at the end of the input, and `None` if a signal came first.
pub(crate) async fn typed(question: &str, signals: &Signals) -> Result<Option<String>, Failure> {
    prompt(question);
    let (answer, answered) = tokio::sync::oneshot::channel();
    // A thread that nobody waits for: nothing can take back that it reads.
    std::thread::spawn(move || {
        let mut line = String::new();
        // Where nobody listens any more, the question is settled.
        let _ = answer.send(std::io::stdin().read_line(&mut line).map(|_| line));
    });
    let line = match signals.unless(answered).await {
        None => {
            // The question has no end of line yet.
            tell("");
            return Ok(None);
        }
        Some(Ok(line)) => line,
        Some(Err(_)) => Err(std::io::ErrorKind::UnexpectedEof.into()),
    };
    let line =
        line.map_err(|error| Failure::new(Exit::Failed, format!("cannot read the answer: {error}")))?;
    if line.is_empty() {
        tell("");
    }
    Ok(Some(line))
}
