//! The process that takes what is live into the state.

use engine::{EngineError, Selector, Session};

/// Takes what is live into the state, and ends the session: how much was taken.
pub(crate) async fn accept(session: Session) -> Result<usize, EngineError> {
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
