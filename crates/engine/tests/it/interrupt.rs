//! Interrupted runs, and runs whose credentials expire: they end at once, leave the next run nothing but its work, and
//! call nothing a failure that is none.

use std::sync::Arc;
use std::time::Duration;

use engine::{
    Cancel, Cause, EngineError, ErrorClass, Graph, InProgress, LockError, Observer, Operation, Phase,
    Progress, Report, Selector,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::fake_cloud::{CallEnd, Fault, KINDS};
use crate::world::{GRACE, Listener, World, graph, reference, resource};

fn named(name: &str) -> Value {
    json!({ "Name": name, "Size": 1 })
}

fn below(name: &str, parent: &str) -> Value {
    json!({ "Name": name, "Size": 1, "Parents": [reference(parent, "Id")] })
}

/// Cancels ten seconds after the apply begins, and gives up calls in flight two seconds later. Checks that it ends in
/// time, and that nobody has the lock then.
async fn interrupted(world: &World, wanted: &Arc<Graph>) -> Report {
    let session = world.process().engine.open().await.unwrap();
    let plan = session.plan(Arc::clone(wanted), &Selector::all()).await.unwrap();
    let cancel = session.cancel();
    let begun = Instant::now();
    let (report, ()) = tokio::join!(session.apply(&plan), async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        cancel.cancel();
        tokio::time::sleep(Duration::from_secs(2)).await;
        cancel.abandon();
    });
    session.close().await.unwrap();
    assert!(begun.elapsed() <= Duration::from_millis(12_100), "{:?}", begun.elapsed());
    assert_eq!(world.files().await[2], None, "the lock is still there");
    report.unwrap()
}

fn only(report: &Report) -> &InProgress {
    let [one] = report.in_progress.as_slice() else { panic!("{report:?}") };
    one
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_being_created_is_left_to_the_next_run_and_no_failure() {
    let world = World::new();
    let wanted = graph([
        resource("t/slow", "Test::SlowToken", named("slow")),
        resource("t/after", "Test::Token", below("after", "t/slow")),
        resource("t/quick", "Test::Tag", named("quick")),
    ]);
    let report = interrupted(&world, &wanted).await;
    assert!(report.interrupted && !report.is_complete());
    assert!(report.failed.is_empty() && report.skipped.is_empty(), "{report:?}");
    let left = only(&report);
    assert_eq!((left.address.as_str(), left.operation, left.blocked), ("t/slow", Operation::Create, false));
    assert_eq!(report.not_begun.iter().map(|at| at.as_str()).collect::<Vec<_>>(), ["t/after"]);
    let state = world.state().await;
    assert!(state.slots().all(|(_, slot)| slot.open.is_empty()));
    assert_eq!(state.current("t/slow").unwrap().phase, Phase::Creating);

    world.apply(&wanted).await;
    world.check_cloud_equals_state().await;
    assert_eq!(world.state().await.current("t/slow").unwrap().phase, Phase::Ready);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_throttled_again_and_again_leaves_nothing() {
    for class in [ErrorClass::Throttled, ErrorClass::NotYet, ErrorClass::Unreachable] {
        let world = World::new();
        world.cloud.always("t/a", Fault::Before(class));
        let report = interrupted(&world, &graph([resource("t/a", "Test::Tag", named("a"))])).await;
        assert!(report.failed.is_empty(), "{report:?}");
        assert!(only(&report).blocked && only(&report).during.contains("on demand"), "{report:?}");
        assert!(world.state().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_throttled_again_and_again_is_made_by_the_next_run() {
    let world = World::new();
    world.apply(&graph([resource("t/a", "Test::Token", named("a"))])).await;
    world.cloud.always("t/a", Fault::Before(ErrorClass::Throttled));
    let wanted = graph([resource("t/a", "Test::Token", json!({ "Name": "a", "Size": 2 }))]);
    let report = interrupted(&world, &wanted).await;
    assert!(report.failed.is_empty() && only(&report).operation == Operation::Update, "{report:?}");
    assert!(world.state().await.slot("t/a").unwrap().open.is_empty());
    world.cloud.no_more_faults();
    world.apply(&wanted).await;
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_is_refused_again_and_again_says_why_and_ends_when_interrupted() {
    for class in [ErrorClass::DependencyViolation, ErrorClass::Ambiguous, ErrorClass::Throttled] {
        let world = World::new();
        world.apply(&graph([resource("t/a", "Test::Token", named("a"))])).await;
        world.cloud.always("t/a", Fault::Before(class));
        let report = interrupted(&world, &Arc::new(Graph::default())).await;
        assert!(report.failed.is_empty(), "{report:?}");
        let left = only(&report);
        assert!(left.blocked && left.during.contains(&format!("{class:?} on demand")), "{left:?}");
        assert_eq!(left.operation, Operation::Delete);
        // Only what may have had its effect stays open.
        let open = world.state().await.slot("t/a").unwrap().open.len();
        assert_eq!(open, usize::from(class == ErrorClass::Ambiguous), "{class:?}");
        world.cloud.no_more_faults();
        world.apply(&Arc::new(Graph::default())).await;
        assert!(world.cloud.addresses().is_empty());
        world.check_cloud_equals_state().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_being_deleted_is_left_to_the_next_run_which_waits_until_it_is_gone() {
    let world = World::new();
    world.apply(&graph([resource("t/slow", "Test::SlowKey", named("slow"))])).await;
    let report = interrupted(&world, &Arc::new(Graph::default())).await;
    assert!(report.failed.is_empty(), "{report:?}");
    assert_eq!(only(&report).during, "deleting");
    assert_eq!(world.cloud.addresses(), ["t/slow"]);
    let deletes = world.cloud.log().len();
    world.apply(&Arc::new(Graph::default())).await;
    assert!(world.cloud.addresses().is_empty() && world.state().await.is_empty());
    assert_eq!(world.cloud.log().len(), deletes, "it was deleted once");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_is_given_up_and_looked_up_by_the_next_run() {
    for spec in KINDS {
        let world = World::new();
        world.cloud.set_lag(Duration::from_secs(25));
        world.cloud.set_key_lag(Duration::from_secs(25));
        world.cloud.always("t/a", Fault::NoAnswer);
        let wanted = graph([
            resource("t/a", spec.name, named("a")),
            resource("t/b", "Test::Token", below("b", "t/a")),
        ]);
        let report = interrupted(&world, &wanted).await;
        assert!(report.failed.is_empty(), "{report:?}");
        assert_eq!((only(&report).address.as_str(), report.not_begun.len()), ("t/a", 1));
        assert_eq!(world.state().await.slot("t/a").unwrap().open.len(), 1);
        world.cloud.no_more_faults();
        world.apply(&wanted).await;
        assert_eq!(world.cloud.addresses(), ["t/a", "t/b"], "{}", spec.name);
        world.check_cloud_equals_state().await;
    }
}

#[tokio::test(start_paused = true)]
async fn while_it_waits_it_says_at_once_what_it_waits_for_and_when_it_stops_how_many_calls_are_in_flight() {
    let world = World::new();
    world.apply(&graph([resource("t/a", "Test::Token", named("a"))])).await;
    world.cloud.always("t/a", Fault::Before(ErrorClass::DependencyViolation));
    world.cloud.always("t/b", Fault::NoAnswer);
    let listener = Arc::new(Listener::default());
    let engine = world.process().engine.with_observer(Arc::clone(&listener) as Arc<dyn Observer>);
    let session = engine.open().await.unwrap();
    let wanted = graph([resource("t/b", "Test::Token", named("b"))]);
    let plan = session.plan(wanted, &Selector::all()).await.unwrap();
    let cancel = session.cancel();
    let (report, ()) = tokio::join!(session.apply(&plan), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let told = listener.0.lock().unwrap().iter().any(|progress| {
            matches!(progress, Progress::Waiting { on, refused: Some(ErrorClass::DependencyViolation), .. }
                if on.contains("DependencyViolation on demand"))
        });
        assert!(told, "{:?}", listener.0.lock().unwrap());
        cancel.cancel();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let stopping = |progress: &Progress| *progress == Progress::Stopping { calls: 1 };
        assert!(listener.0.lock().unwrap().iter().any(stopping), "{:?}", listener.0.lock().unwrap());
        cancel.abandon();
    });
    session.close().await.unwrap();
    assert_eq!(report.unwrap().in_progress.len(), 2);
    let told = listener.0.lock().unwrap();
    assert!(!told.iter().any(|progress| matches!(progress, Progress::Failed { .. })), "{told:?}");
    assert_eq!(told.last(), Some(&Progress::Ended));
}

#[tokio::test(start_paused = true)]
async fn looking_for_what_an_earlier_run_left_is_interrupted_at_once_and_gives_the_lock_back() {
    let world = World::new();
    let wanted = graph([resource("t/a", "Test::Tag", named("a"))]);
    world.cloud.die_at(1, CallEnd::Before);
    world.run(&wanted).await;
    world.cloud.no_more_faults();
    let (cancel, listener) = (Cancel::new(), Arc::new(Listener::default()));
    let engine = world.process().engine.with_cancel(cancel.clone());
    let engine = engine.with_observer(Arc::clone(&listener) as Arc<dyn Observer>);
    // The lease of the dead process runs out first.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let begun = Instant::now();
    let interrupt = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        cancel.cancel();
    };
    let (opened, ()) = tokio::join!(engine.open(), interrupt);
    assert!(matches!(opened, Err(EngineError::Interrupted)));
    assert!(begun.elapsed() < GRACE, "{:?}", begun.elapsed());
    assert_eq!(world.files().await[2], None);
    let told = listener.0.lock().unwrap().iter().any(|progress| {
        matches!(progress, Progress::Waiting { operation: Some(Operation::Create), refused: None, .. })
    });
    assert!(told, "it looked in silence");
    for work in [
        engine.preview(Arc::clone(&wanted), &Selector::all()).await.err(),
        engine.drift(&Selector::all()).await.err(),
    ] {
        assert!(matches!(work, Some(EngineError::Interrupted)), "{work:?}");
    }
    assert!(matches!(engine.survey(&Selector::all()).await, Err(EngineError::Interrupted)));
    world.apply(&wanted).await;
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_lock_that_nobody_renews_is_interrupted_at_once() {
    let world = World::new();
    world.cloud.die_at(1, CallEnd::Before);
    world.run(&graph([resource("t/a", "Test::Tag", named("a"))])).await;
    let before = world.files().await;
    let cancel = Cancel::new();
    let engine = world.process().engine.with_cancel(cancel.clone());
    let begun = Instant::now();
    let (opened, ()) = tokio::join!(engine.open(), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cancel.cancel();
    });
    assert!(matches!(opened, Err(EngineError::Interrupted)), "not {:?}", LockError::Interrupted);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(world.files().await, before, "the lock of the other is left as it is");
}

#[tokio::test(start_paused = true)]
async fn reading_is_interrupted_at_once() {
    let world = World::new();
    let wanted = graph([resource("t/a", "Test::Token", named("a"))]);
    world.apply(&wanted).await;
    world.cloud.set_faults((1..1000).map(|call| (call, Fault::Before(ErrorClass::Throttled))));
    let engine = world.process().engine;
    let session = engine.open().await.unwrap();
    let begun = Instant::now();
    let everything = Selector::all();
    let (planned, ()) = tokio::join!(session.plan(wanted, &everything), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        session.cancel().cancel();
    });
    assert!(matches!(planned, Err(EngineError::Interrupted)));
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    session.close().await.unwrap();
    assert_eq!(world.files().await[2], None);
}

/// Case 21.
#[tokio::test(start_paused = true)]
async fn credentials_that_expire_are_one_failure_and_the_next_run_goes_on() {
    let world = World::new();
    let all = ["t/a", "t/b", "t/c", "t/d"];
    let wanted = graph(
        [
            resource("t/base", "Test::Token", named("base")),
            resource("t/slow", "Test::SlowToken", named("slow")),
            resource("t/late", "Test::Token", below("late", "t/slow")),
        ]
        .into_iter()
        .chain(all.map(|at| resource(at, "Test::Key", below(at, "t/base"))))
        .chain([resource("t/after", "Test::Key", below("after", "t/a"))]),
    );
    for at in all {
        world.cloud.always(at, Fault::Before(ErrorClass::Expired));
    }
    let begun = Instant::now();
    let report = world.run(&wanted).await.report();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let [failure] = report.failed.as_slice() else { panic!("{:?}", report.failed) };
    assert!(failure.cause.is_expired() && report.credentials_expired());
    assert!(!report.interrupted, "nobody interrupted it");
    assert!(report.skipped.is_empty(), "{:?}", report.skipped);
    let not_begun: Vec<&str> = report.not_begun.iter().map(|at| at.as_str()).collect();
    assert_eq!(not_begun.len(), 5, "{report:?}");
    assert!(not_begun.contains(&"t/after") && not_begun.contains(&"t/late"), "{not_begun:?}");
    assert_eq!(only(&report).address.as_str(), "t/slow");
    assert!(world.state().await.slots().all(|(_, slot)| slot.open.is_empty()));
    world.cloud.no_more_faults();
    world.apply(&wanted).await;
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn credentials_that_expire_while_it_polls_deletes_or_updates_leave_everything_to_the_next_run() {
    let first =
        graph([resource("t/a", "Test::Token", named("a")), resource("t/b", "Test::SlowKey", named("b"))]);
    let second = graph([
        resource("t/a", "Test::Token", json!({ "Name": "a", "Size": 2 })),
        resource("t/c", "Test::SlowTag", named("c")),
    ]);
    for expires_at in 1..40 {
        let world = World::new();
        world.apply(&first).await;
        let expired = |call| (call, Fault::Before(ErrorClass::Expired));
        world.cloud.set_faults((expires_at..expires_at + 500).map(expired));
        match world.run(&second).await {
            crate::world::Ended::Refused(EngineError::Read { source, .. }) => {
                assert_eq!(source.class, ErrorClass::Expired);
            }
            crate::world::Ended::Reported(report) if report.is_complete() => {}
            crate::world::Ended::Reported(report) => {
                assert_eq!(report.failed.len(), 1, "{expires_at}: {report:?}");
                assert!(report.credentials_expired() && report.skipped.is_empty(), "{report:?}");
            }
            other => panic!("{other:?}"),
        }
        world.cloud.no_more_faults();
        world.apply(&second).await;
        world.check_cloud_equals_state().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_cannot_be_reached_is_waited_for_some_minutes_whatever_is_done() {
    let world = World::new();
    world.apply(&graph([resource("t/a", "Test::Token", named("a"))])).await;
    for at in ["t/a", "t/b"] {
        world.cloud.always(at, Fault::Before(ErrorClass::Unreachable));
    }
    let begun = Instant::now();
    let report = world.run(&graph([resource("t/b", "Test::Token", named("b"))])).await.report();
    assert!((299..320).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert_eq!(report.failed.len(), 2, "{report:?}");
    for failure in &report.failed {
        let unreachable =
            |cause: &Cause| matches!(cause, Cause::Call(error) if error.class == ErrorClass::Unreachable);
        assert!(unreachable(&failure.cause), "{failure:?}");
    }
    world.cloud.no_more_faults();
    world.apply(&graph([resource("t/b", "Test::Token", named("b"))])).await;
    world.check_cloud_equals_state().await;
}

/// It is on its way to what was sent: some of that is set only once it is there.
#[tokio::test(start_paused = true)]
async fn what_an_unfinished_object_lacks_is_not_said_to_be_changed_by_somebody_else() {
    let world = World::new();
    let wanted = graph([
        resource("t/slow", "Test::SlowToken", named("slow")),
        resource("t/a", "Test::Tag", named("a")),
    ]);
    interrupted(&world, &wanted).await;
    world.cloud.tamper("t/slow", "Size", json!(0));
    world.cloud.tamper("t/a", "Size", json!(0));
    let engine = world.process().engine;
    let plan = engine.preview(Arc::clone(&wanted), &Selector::all()).await.unwrap();
    let slow = plan.step("t/slow").unwrap();
    assert!(slow.is_being_created() && slow.outside().is_empty(), "{slow:?}");
    assert_eq!(slow.pending(), ["Size"]);
    let other = plan.step("t/a").unwrap();
    assert_eq!((other.outside().len(), other.pending().len()), (1, 0), "{other:?}");

    // Nor is it drift.
    let survey = engine.look(&Selector::all()).await.unwrap();
    let drifted: Vec<String> = survey.drift().iter().map(|drift| drift.address.to_string()).collect();
    assert_eq!(drifted, ["t/a"]);
    assert_eq!(survey.in_hand().iter().map(|at| at.as_str()).collect::<Vec<_>>(), ["t/slow"]);

    world.apply(&wanted).await;
    let survey = engine.look(&Selector::all()).await.unwrap();
    assert!(survey.drift().is_empty() && survey.in_hand().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_run_changes_while_somebody_looks_is_no_drift() {
    let world = World::new();
    let of = |size: u64| {
        let properties = json!({ "Name": "a", "Size": size });
        graph([resource("t/a", "Test::Token", properties), resource("t/b", "Test::Tag", named("b"))])
    };
    world.apply(&of(1)).await;
    let engine = world.process().engine;
    let before = engine.state().await.unwrap();
    world.apply(&of(2)).await;
    world.cloud.tamper("t/b", "Size", json!(0));
    // A look that has read the state before the run did its work, and the objects after.
    let after = engine.look(&Selector::all()).await.unwrap();
    let mut survey = after;
    survey.state = before;
    let drifted =
        |survey: &engine::Survey| survey.drift().iter().map(|it| it.address.to_string()).collect::<Vec<_>>();
    assert_eq!(drifted(&survey), ["t/a", "t/b"]);
    let survey = survey.followed_by(&engine.state().await.unwrap());
    assert_eq!(drifted(&survey), ["t/b"]);
}
