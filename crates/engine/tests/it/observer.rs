//! The serial form of what happens, which other programs read.

use std::time::Duration;

use engine::{Awaited, ErrorClass, Operation, Progress};
use serde_json::{Value, json};

use crate::world::address;

#[test]
fn each_event_has_a_name_and_members_that_stay_as_they_are() {
    let (at, operation) = (|| address("t/a"), Operation::Create);
    let told = [
        (
            Progress::WaitingForLock {
                holder: "me".to_owned(),
                awaited: Awaited::Expiry,
                left: Duration::from_millis(1500),
            },
            json!({ "event": "lock_waiting", "holder": "me", "awaited": "expiry", "seconds_left": 1.5 }),
        ),
        (Progress::SessionDropped, json!({ "event": "session_dropped" })),
        (
            Progress::Settled { address: at(), operation, took_effect: true },
            json!({ "event": "settled", "address": "t/a", "action": "create", "took_effect": true }),
        ),
        (Progress::Begun { total: 3 }, json!({ "event": "apply_started", "total": 3 })),
        (
            Progress::Started {
                address: at(),
                kind: "K".to_owned(),
                operation,
                typical: Duration::from_secs(60),
                remaining: Duration::from_secs(90),
            },
            json!({
                "event": "resource_started", "address": "t/a", "kind": "K", "action": "create",
                "typical_seconds": 60.0, "remaining_seconds": 90.0,
            }),
        ),
        (
            Progress::Waiting {
                address: at(),
                operation: Some(Operation::Delete),
                on: "in use".to_owned(),
                refused: Some(ErrorClass::DependencyViolation),
            },
            json!({
                "event": "resource_waiting",
                "address": "t/a",
                "action": "delete",
                "waiting_for": "in use",
                "refused": "dependency_violation",
            }),
        ),
        (Progress::Stopping { calls: 2 }, json!({ "event": "stopping", "calls": 2 })),
        (
            Progress::Left { address: at(), operation: Operation::Update },
            json!({ "event": "resource_left", "address": "t/a", "action": "update" }),
        ),
        (
            Progress::Done { address: at(), operation, adopted: false, took: Duration::from_millis(90_250) },
            json!({ "event": "resource_done", "address": "t/a", "action": "create", "adopted": false, "seconds": 90.25 }),
        ),
        (
            Progress::Failed { address: at(), operation, reason: "no".to_owned() },
            json!({ "event": "resource_failed", "address": "t/a", "action": "create", "reason": "no" }),
        ),
        (
            Progress::Skipped { address: at(), operation, because: address("t/b") },
            json!({ "event": "resource_skipped", "address": "t/a", "action": "create", "because": "t/b" }),
        ),
        (Progress::Ended, json!({ "event": "apply_ended" })),
    ];
    for (progress, wanted) in told {
        assert_eq!(serde_json::to_value(&progress).unwrap(), wanted);
    }
    assert_eq!(Progress::FORMAT_VERSION, "1.0");
    assert_eq!(
        serde_json::to_value(Progress::Waiting {
            address: at(),
            operation: None,
            on: String::new(),
            refused: None
        })
        .unwrap()["action"],
        Value::Null,
    );
}
