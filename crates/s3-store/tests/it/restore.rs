//! What is missing or was altered in the bucket: which version has what was recorded, told by the error, and what is not missed.

use emulator::{Counted, Emulator, Fault, FaultPlan, When};
use engine::{CallError, ErrorClass, File, Store as _, StoreError};
use s3_store::{Location, S3Store, Unfit};
use tokio::time::Instant;

use crate::by_hand::{FIRST, NEWEST, environment};
use crate::place::{Place, engine, note, noted};

const AFTER: &str = "journal/999999999992.7";
const MIDDLE: &str = "journal/999999999994.5";

/// What a person is told to do.
async fn remedy(place: &Place) -> String {
    let store = place.open();
    let read = match store.read(File::State).await {
        Ok(_) => store.read(File::Journal).await,
        failed => failed,
    };
    match read {
        Err(StoreError::Lost { remedy, .. }) => remedy,
        other => panic!("{other:?}"),
    }
}

/// The words of a text behind this option, up to the next space or backquote.
fn option<'a>(text: &'a str, name: &str) -> &'a str {
    let rest = text.split(name).nth(1).unwrap_or_else(|| panic!("{name} is not in {text}"));
    rest.trim_start().split([' ', '`']).next().unwrap()
}

/// Does what the advice says last: an old version is written again.
async fn put_back(place: &Place, name: &str, remedy: &str) {
    let version = option(remedy.split("get-object").nth(1).unwrap(), "--version-id");
    let by_hand = place.by_hand();
    let body = by_hand.version(name, version).await;
    by_hand.put(name, &body).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_is_had_back_by_its_marker_or_by_its_version() {
    let account = Place::new(Emulator::in_memory()).await;
    for name in [FIRST, MIDDLE, NEWEST, "state.json"] {
        for by_marker in [true, false] {
            let place = environment(&account).await;
            let marker = place.by_hand().delete(name).await;
            let told = remedy(&place).await;
            assert_eq!(
                option(&told, "delete-object --bucket payment-state-123456789012 --key"),
                place.by_hand().key(name)
            );
            match by_marker {
                true => place.by_hand().delete_version(name, option(&told, "--version-id")).await,
                // A protected bucket forbids that.
                false => put_back(&place, name, &told).await,
            }
            assert_eq!(option(&told, "--version-id"), marker);
            assert!(told.contains("--protect"), "{told}");
            assert_eq!(noted(place.open()).await.as_deref(), Some("three"), "{name}");
            engine(place.open(), 2, Instant::now()).open().await.unwrap().close().await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_altered_is_had_back_from_the_version_that_a_run_wrote() {
    let account = Place::new(Emulator::in_memory()).await;
    for name in [FIRST, MIDDLE, NEWEST] {
        let place = environment(&account).await;
        // Two hands, one after the other.
        for body in [&b"hello\n"[..], b"{}\n"] {
            place.by_hand().put(name, body).await;
        }
        let told = remedy(&place).await;
        assert!(!told.contains("delete-object"), "{told}");
        put_back(&place, name, &told).await;
        assert_eq!(noted(place.open()).await.as_deref(), Some("three"), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_put_at_the_end_is_moved_away_and_then_not_missed() {
    let account = Place::new(Emulator::in_memory()).await;
    let place = environment(&account).await;
    let newest = String::from_utf8(place.by_hand().get(NEWEST).await).unwrap();
    let renumbered = newest.replacen("\"segment\":6", "\"segment\":7", 1);
    let forged = [b"mine\n".to_vec(), newest.clone().into_bytes(), renumbered.into_bytes()];
    for body in &forged[..2] {
        place.by_hand().put(AFTER, body).await;
        let told = remedy(&place).await;
        assert!(told.contains("was written by a run"), "{told}");
        assert_eq!(option(&told, "--key"), place.by_hand().key(AFTER));
        assert!(!told.contains("--version-id"), "{told}");
    }
    // One with a right first line is only seen by the chain of hashes.
    place.by_hand().put(AFTER, &forged[2]).await;
    assert!(engine(place.open(), 2, Instant::now()).state().await.is_err());
    place.by_hand().delete(AFTER).await;
    assert_eq!(noted(place.open()).await.as_deref(), Some("three"));
    let session = engine(place.open(), 2, Instant::now()).open().await.unwrap();
    note(&session, "four").await.unwrap();
    session.close().await.unwrap();
    assert_eq!(noted(place.open()).await.as_deref(), Some("four"));
}

/// One that somebody put over the marker of ours does not hide that ours is missing.
#[tokio::test(start_paused = true)]
async fn a_segment_of_ours_below_a_forged_one_is_missed() {
    let account = Place::new(Emulator::in_memory()).await;
    let place = environment(&account).await;
    place.by_hand().put(NEWEST, b"mine\n").await;
    place.by_hand().delete(NEWEST).await;
    let told = remedy(&place).await;
    put_back(&place, NEWEST, &told).await;
    assert_eq!(noted(place.open()).await.as_deref(), Some("three"));
}

#[tokio::test(start_paused = true)]
async fn where_no_version_is_left_nothing_is_said_that_leads_into_loss() {
    let account = Place::new(Emulator::in_memory()).await;
    let place = environment(&account).await;
    place.by_hand().delete_for_good(MIDDLE).await;
    let told = remedy(&place).await;
    assert!(told.contains("leave the bucket as it is") && told.contains("`state.prefix`"), "{told}");
    assert!(!told.contains("delete-object"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn who_may_not_look_at_old_versions_is_told_how_to_and_goes_on_with_nothing() {
    let denied = Fault::Error { code: "AccessDenied".to_owned(), status: 403 };
    let of = Counted::Operation("ListObjectVersions".to_owned());
    let plan = FaultPlan::default().with(of, When::Share(1.0), denied);
    let account = Place::new(Emulator::builder().faults(plan).in_memory()).await;
    let place = account.elsewhere();
    let store = place.open();
    let first = store.replace(File::Journal, None, b"head\n".to_vec()).await.unwrap();
    store.append(File::Journal, &first, b"one\n".to_vec()).await.unwrap();
    place.by_hand().delete("journal/999999999997.2").await;
    let told = remedy(&place).await;
    assert!(told.contains("AccessDenied") && told.contains("list-object-versions"), "{told}");
}

/// A run that was killed leaves its journal to the next one, which ends it.
#[tokio::test(start_paused = true)]
async fn the_last_session_is_the_one_that_ended_the_journal() {
    let account = Place::new(Emulator::in_memory()).await;
    let place = account.elsewhere();
    let killed = engine(place.open(), 1, Instant::now()).open().await.unwrap();
    note(&killed, "one").await.unwrap();
    let holder = engine::lock_holder(&*place.open()).await.unwrap().unwrap();
    assert!(engine::unlock(&*place.open(), &holder.id).await.unwrap());
    let next = engine(place.open(), 2, Instant::now()).open().await.unwrap();
    note(&next, "two").await.unwrap();
    next.close().await.unwrap();
    drop(killed);
    let lines = place.open().session_before().await.unwrap().unwrap();
    assert_eq!(engine::last_opened(&lines).unwrap().holder, "ada@machine-2");
}

#[tokio::test(start_paused = true)]
async fn an_account_that_does_not_have_the_bucket_is_named_and_a_call_that_is_denied_is_not_taken_for_it() {
    let account = Place::new(Emulator::in_memory()).await;
    let location = Location { account_id: Some("210987654321".to_owned()), ..account.location() };
    let store = S3Store::new(&testing::config(&account.emulator), location);
    let Err(Unfit::Call(error)) = store.check().await else { panic!("it is fit") };
    assert_eq!(error.not_of.as_deref(), Some("210987654321"));
    assert!(error.hint().contains("does not belong to account 210987654321"), "{}", error.hint());

    let denied = Fault::Error { code: "AccessDenied".to_owned(), status: 403 };
    let of = Counted::Operation("GetObject".to_owned());
    let plan = FaultPlan::default().with(of, When::Share(1.0), denied);
    let account = Place::new(Emulator::builder().faults(plan).in_memory()).await;
    let StoreError::Io { source, .. } = account.open().read(File::State).await.unwrap_err() else {
        panic!("another error")
    };
    let error: &s3_store::S3Error = source.get_ref().unwrap().downcast_ref().unwrap();
    let CallError { class, .. } = &error.call;
    assert_eq!((*class, error.not_of.as_ref()), (ErrorClass::Denied, None));
    assert!(error.hint().contains("s3:GetObject"), "{}", error.hint());
}
