//! Past runs, as the segments that are history tell them.

use emulator::Emulator;
use engine::{End, Older, Outcome, Which, history};
use tokio::time::Instant;

use crate::place::{Place, engine, note};

const ALL: Which = Which::Newest(100);

/// The segment of this number, without the prefix of its environment.
fn segment(number: u64) -> String {
    format!("journal/{:012}.{number}", 999_999_999_999 - number)
}

async fn run(place: &Place, number: u64, started: Instant) {
    let engine = engine(place.open(), number, started).with_purpose(format!("run {number}"));
    let session = engine.open().await.unwrap();
    note(&session, &format!("{number}")).await.unwrap();
    session.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn runs_are_told_though_each_has_ended_its_journal_until_their_history_has_expired() {
    let account = Place::new(Emulator::in_memory()).await;
    let (place, started) = (account.elsewhere(), Instant::now());
    for number in 1..=3 {
        run(&place, number, started).await;
    }
    // One that was killed: its journal goes on, and the next run ends it.
    let killed = engine(place.open(), 4, started).with_purpose("run 4").open().await.unwrap();
    note(&killed, "4").await.unwrap();
    let holder = engine::lock_holder(&*place.open()).await.unwrap().unwrap();
    let told = history(&*place.open(), &Which::Newest(1)).await.unwrap();
    assert_eq!((&told.runs[0].id, told.runs[0].end), (&holder.id, End::UnderWay { lives: false }));
    assert_eq!((told.runs.len(), told.older), (1, Older::More));
    assert!(engine::unlock(&*place.open(), &holder.id).await.unwrap());
    run(&place, 5, started).await;
    drop(killed);

    let told = history(&*place.open(), &ALL).await.unwrap();
    let purposes: Vec<&str> = told.runs.iter().filter_map(|run| run.purpose.as_deref()).collect();
    assert_eq!(purposes, ["run 5", "run 4", "run 3", "run 2", "run 1"]);
    let ends: Vec<End> = told.runs.iter().map(|run| run.end).collect();
    let done = End::Said(Outcome::Done);
    assert_eq!(ends, [done, End::Killed, done, done, done]);
    assert_eq!(told.older, Older::Nothing);
    let third = history(&*place.open(), &Which::Id(told.runs[2].id.clone())).await.unwrap();
    assert_eq!(third.runs, &told.runs[2..3]);

    // The first segment is the header, the second what the first run began with.
    place.by_hand().delete_for_good(&segment(2)).await;
    let expired = history(&*place.open(), &ALL).await.unwrap();
    assert_eq!(expired.runs, &told.runs[..4]);
    assert_eq!(expired.older, Older::NotKept { first: 2 });
}
