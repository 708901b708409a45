//! One writer at a time.

use std::sync::Arc;

use engine::{Engine, LocalStore, Registry};

use crate::command::Workplace;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_writer_is_told_who_holds_the_lock_and_exits_with_75() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let store = Arc::new(LocalStore::new(place.state_directory("dev")));
    let session = Engine::new(Arc::new(Registry::new(())), store).open().await.unwrap();
    let mut command = place.command(&["up"]);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(75), "{error}");
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    // Reading needs no lock.
    let looked = place.run(&["preview", "--detailed-exitcode"]).expect(0);
    let line = looked.err.lines().find(|line| line.ends_with(": the plan may change")).unwrap();
    assert!(line.contains(&format!("process {} is under way since 2", std::process::id())), "{line}");
    session.close().await.unwrap();
    let looked = place.run(&["preview", "--detailed-exitcode"]).expect(0);
    assert!(!looked.err.contains("the plan may change"), "{}", looked.err);
    place.run(&["up"]).expect(0);
}
