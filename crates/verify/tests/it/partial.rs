//! A deployment that did not come to its end.

use std::time::Duration;

use emulator::Emulator;
use verify::{Outcome, verify};

use crate::world::{World, failures, findings, outcome};

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cut_off_is_seen_and_the_next_one_makes_it_good() {
    let world = World::new(Emulator::builder().latency(1.0).in_memory(), "dev");
    let cut = tokio::time::timeout(Duration::from_secs(100), world.up()).await;
    assert!(cut.is_err(), "it was done too soon");
    let subject = world.subject().await;
    let checks = verify(&subject);
    assert!(!findings(&checks, "completeness/finished").is_empty());
    assert!(findings(&checks, "outputs/required")[0].contains("dashboardUrl"), "{checks:#?}");
    let missing = findings(&checks, "completeness/declared");
    let dashboard = "monitoring/dashboard: expected a deployed resource; found nothing is recorded of it";
    assert!(missing.iter().any(|line| line == dashboard), "{missing:?}");
    // What is not there because it was never made has not disappeared.
    assert_eq!(outcome(&checks, "completeness/resources"), &Outcome::Passed);
    // The lock of the dead run has to go stale first.
    tokio::time::sleep(Duration::from_secs(600)).await;
    world.up().await;
    assert_eq!(failures(&world.subject().await), Vec::<&str>::new());
}
