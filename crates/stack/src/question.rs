//! Asking the person.

use std::io::IsTerminal as _;

use crate::cli::Options;
use crate::codes::Code;
use crate::exit::{Exit, Failure};
use crate::output::{note, prompt};
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

/// What is said after any other answer than yes.
pub(crate) const CANCELLED: &str = "Cancelled; nothing changed.";

/// Asks for a `yes`, unless it was given on the command line.
pub(crate) async fn agreed(options: &Options, question: &str, signals: &Signals) -> Result<Answer, Failure> {
    can_ask(options)?;
    if options.yes {
        return Ok(Answer::Yes);
    }
    let typed = typed(&format!("{question}? Type \"yes\" to continue: "), signals).await?;
    Ok(match typed {
        None => Answer::Interrupted,
        Some(line) if line.trim() == "yes" => Answer::Yes,
        Some(_) => Answer::No,
    })
}

/// What somebody types behind a prompt; `None` if a signal came first.
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
            note("");
            return Ok(None);
        }
        Some(Ok(line)) => line,
        Some(Err(_)) => Err(std::io::ErrorKind::UnexpectedEof.into()),
    };
    let line =
        line.map_err(|error| Failure::new(Exit::Failed, format!("cannot read the answer: {error}")))?;
    if line.is_empty() {
        note("");
    }
    Ok(Some(line))
}
