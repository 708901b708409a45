//! What a session costs in requests.

use std::collections::BTreeMap;

use emulator::Emulator;
use tokio::time::Instant;

use crate::place::{Place, engine, note};

fn counts(place: &Place) -> Vec<(String, usize)> {
    let mut counts = BTreeMap::new();
    for call in place.emulator.calls() {
        *counts.entry(call.operation).or_insert(0) += 1;
    }
    place.emulator.clear_calls();
    counts.into_iter().collect()
}

fn expected(counts: &[(&str, usize)]) -> Vec<(String, usize)> {
    counts.iter().map(|(operation, count)| ((*operation).to_owned(), *count)).collect()
}

/// S3 takes money and some ten milliseconds for each. A change that makes it more says so here.
#[tokio::test(start_paused = true)]
async fn a_session_makes_these_requests_and_no_more() {
    let place = Place::new(Emulator::in_memory()).await;
    let started = Instant::now();
    place.emulator.clear_calls();
    for (life, records) in [1, 10, 100].into_iter().enumerate() {
        let session = engine(place.open(), 1, started).open().await.unwrap();
        let opened = match life {
            // Lock; snapshot, newest segment and whether something of a journal was deleted; first segment; who opened it.
            0 => expected(&[("GetObject", 4), ("ListObjectsV2", 2), ("PutObject", 3)]),
            // The first segment of the journal is there.
            _ => expected(&[("GetObject", 4), ("ListObjectsV2", 1), ("PutObject", 2)]),
        };
        assert_eq!(counts(&place), opened, "open, {life}");
        for number in 0..records {
            note(&session, &format!("{life} {number}")).await.unwrap();
        }
        assert_eq!(counts(&place), expected(&[("PutObject", records)]), "a record is one request");
        session.close().await.unwrap();
        // A snapshot, a new journal, and what the old one consists of becomes history; the lock.
        let closed = [("DeleteObject", 1), ("PutObject", 2), ("PutObjectTagging", records + 2)];
        assert_eq!(counts(&place), expected(&closed), "close, {life}");
    }
}

/// What is recorded at once is one request.
#[tokio::test(start_paused = true)]
async fn a_journal_that_was_not_compacted_costs_a_request_for_each_segment() {
    use engine::{File, Store as _};
    let place = Place::new(Emulator::in_memory()).await;
    let mut version = place.open().replace(File::Journal, None, b"0\n".to_vec()).await.unwrap();
    for number in 1..50 {
        version =
            place.open().append(File::Journal, &version, format!("{number}\n").into_bytes()).await.unwrap();
    }
    place.emulator.clear_calls();
    place.open().read(File::Journal).await.unwrap();
    // One for whether the end was deleted.
    assert_eq!(counts(&place), expected(&[("GetObject", 51), ("ListObjectsV2", 1)]));
}
