//! The process that takes what is live into the state.

use engine::{Engine, EngineError, Selector, Session};

use crate::world::{Ended, words};

/// Takes what is live into the state.
pub(crate) async fn accept(engine: &Engine) -> Ended {
    let work = async { accept_in(engine.open().await?).await };
    match work.await {
        Ok(changes) => Ended::Complete { changes },
        Err(error) => Ended::Refused(words::<EngineError>(&error)),
    }
}

/// The same in a session, which it ends: how much was taken.
pub(crate) async fn accept_in(session: Session) -> Result<usize, EngineError> {
    let accepted = async {
        let found = session.look(&Selector::all()).await?.acceptances();
        session.accept(&found).await?;
        Ok(found.len())
    };
    let accepted: Result<usize, EngineError> = accepted.await;
    let closed = session.close().await;
    let accepted = accepted?;
    closed?;
    Ok(accepted)
}
