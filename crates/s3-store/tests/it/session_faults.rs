//! A whole session, and each of its requests going wrong in each way: what was acknowledged is there for the next one.

use std::sync::Arc;
use std::time::Duration;

use emulator::{Emulator, Moment};
use engine::{EngineError, Proof, Store, inspect};
use tokio::time::{Instant, sleep};

use crate::place::{Place, engine, note, noted, told};
use crate::trouble::{Harm, PASSING, Trouble};

/// One of each kind that a session can tell from the others.
const HARMS: [Harm; 6] = [
    Harm::Refused("ConditionalRequestConflict", 409),
    Harm::ErrorAfterEffect,
    Harm::Reset(Moment::BeforeEffect),
    Harm::Silence(Moment::AfterEffect),
    Harm::Refused("AccessDenied", 403),
    Harm::Refused("ExpiredToken", 400),
];

/// Opens, records, renews, records, compacts and releases. What was acknowledged last, and how it ended.
async fn life(place: &Place, started: Instant, which: usize) -> (Option<String>, Result<(), EngineError>) {
    let mut acknowledged = None;
    let lived = async {
        let session = engine(place.open(), 1, started).open().await?;
        let worked = async {
            for number in 1..=2 {
                let text = format!("note {which}.{number}");
                note(&session, &text).await?;
                acknowledged = Some(text);
                // Long enough to renew.
                sleep(Duration::from_secs(9)).await;
            }
            Ok(())
        };
        let worked: Result<(), EngineError> = worked.await;
        let closed = session.close().await;
        worked.and(closed)
    };
    let lived = lived.await;
    (acknowledged, lived)
}

async fn account() -> (Place, Trouble) {
    let trouble = Trouble::default();
    let emulator = Emulator::builder().layer(trouble.clone()).in_memory();
    (Place::new(emulator).await, trouble)
}

#[tokio::test(start_paused = true)]
async fn whichever_request_goes_wrong_nothing_that_was_acknowledged_is_lost() {
    let (account, trouble) = account().await;
    let started = Instant::now();
    account.emulator.clear_calls();
    let place = account.elsewhere();
    life(&place, started, 1).await.1.unwrap();
    life(&place, started, 2).await.1.unwrap();
    let requests = account.emulator.calls().len();
    assert!(requests > 20, "{requests}");
    for harm in HARMS {
        for position in 0..requests {
            let place = account.elsewhere();
            let case = format!("request {position}, {harm:?}");
            trouble.after(position, harm);
            let mut acknowledged = None;
            let mut ended = Vec::new();
            for which in 1..=2 {
                let (noted, lived) = life(&place, started, which).await;
                acknowledged = noted.or(acknowledged);
                ended.push(lived);
            }
            assert_eq!(trouble.end(), 1, "{case}");
            for lived in &ended {
                if PASSING.contains(&harm) {
                    assert!(lived.is_ok(), "{case}: {}", told(lived.as_ref().unwrap_err()));
                }
            }
            let store = place.open() as Arc<dyn Store>;
            let kept = noted(Arc::clone(&store)).await;
            // A record whose answer was lost may be there as well.
            assert!(kept >= acknowledged, "{case}: {kept:?} of {acknowledged:?}");
            // The next one works, once the lease of one that could not give it back has run out.
            let next = engine(Arc::clone(&store), 2, started).open().await;
            let next = next.unwrap_or_else(|error| panic!("{case}: {}", told(&error)));
            let head = next.head();
            next.close().await.unwrap();
            let inspection = inspect(&*store).await.unwrap().unwrap();
            assert_eq!(inspection.compare(&head), Proof::Contained, "{case}");
        }
    }
}

/// Three renewals in a row may fail; the lock is kept, and its holder works on.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_gone_for_less_than_the_lease_costs_no_lock() {
    let (place, trouble) = account().await;
    let started = Instant::now();
    let session = engine(place.open(), 1, started).open().await.unwrap();
    trouble.always("PutObject", Harm::Refused("ServiceUnavailable", 503));
    sleep(Duration::from_secs(22)).await;
    assert!(trouble.end() > 3);
    sleep(Duration::from_secs(5)).await;
    note(&session, "still here").await.unwrap();
    session.close().await.unwrap();
    assert_eq!(noted(place.open()).await.as_deref(), Some("still here"));
}

/// The journal is compacted all the same, and what stays unmarked is only kept for longer.
#[tokio::test(start_paused = true)]
async fn history_that_cannot_be_marked_holds_up_no_session() {
    for harm in [Harm::Silence(Moment::BeforeEffect), Harm::Refused("AccessDenied", 403)] {
        let (place, trouble) = account().await;
        let session = engine(place.open(), 1, Instant::now()).open().await.unwrap();
        for number in 0..100 {
            note(&session, &format!("note {number}")).await.unwrap();
        }
        trouble.always("PutObjectTagging", harm);
        let begun = Instant::now();
        session.close().await.unwrap();
        assert!(trouble.end() >= 32);
        assert!(begun.elapsed() <= Duration::from_secs(11), "{harm:?}: {:?}", begun.elapsed());
        let names = place.by_hand().names().await;
        assert!(
            names.contains(&"state.json".to_owned()) && !names.contains(&"lock.json".to_owned()),
            "{names:?}"
        );
        assert_eq!(noted(place.open()).await.as_deref(), Some("note 99"));
    }
}
