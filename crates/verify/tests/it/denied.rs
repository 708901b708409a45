//! Somebody who only looks may be allowed less than who deploys.

use verify::http::Endpoints;
use verify::{Check, Outcome, verify};

use crate::world::{World, failures, findings, outcome};

#[tokio::test]
async fn what_may_not_be_read_fails_what_is_about_it_and_hides_nothing_else() {
    let deployed = World::deployed("dev").await;
    assert_eq!(failures(&deployed.subject().await), Vec::<&str>::new());
    let auditor = deployed.without_leave(&["DescribeDBClusters", "GetSchedule"]);
    let subject = auditor.subject().await;
    let checks = verify(&subject);
    assert_eq!(
        failures(&subject),
        [
            "encryption/database",
            "encryption/database-parameters",
            "access/database",
            "monitoring/database-logs",
            "backup/retention",
            "backup/verification",
            "completeness/resources",
            "completeness/database"
        ]
    );
    let said = findings(&checks, "completeness/resources");
    assert_eq!(said.len(), 3, "{said:?}");
    for (line, address, kind, operation) in [
        (&said[0], "backup/schedule", "AWS::Scheduler::Schedule", "GetSchedule"),
        (&said[1], "database/application-user", "Custom::DatabaseUser", "DescribeDBClusters"),
        (&said[2], "database/cluster", "AWS::RDS::DBCluster", "DescribeDBClusters"),
    ] {
        let start = format!("{address}: expected {kind}");
        let found = format!("; found this identity may not look: {operation}: AccessDeniedException: ");
        assert!(line.starts_with(&start) && line.contains(&found), "{line}");
    }
    for check in checks.iter().filter_map(Check::refuted) {
        assert!(check.starts_with("not known: "), "{check}");
    }
    let told = serde_json::to_value(&checks).unwrap();
    let resources =
        told.as_array().unwrap().iter().find(|check| check["id"] == "completeness/resources").unwrap();
    assert_eq!(resources["findings"][0]["denied"], true);
    assert!(resources["advice"].as_str().unwrap().starts_with("allow this identity the call"));
    // What was looked at is judged as before, and nobody says that something is gone, or that it was changed.
    assert_eq!(outcome(&checks, "completeness/unchanged"), &Outcome::Passed);
}

#[tokio::test]
async fn an_alarm_that_may_not_be_read_is_not_said_to_be_missing() {
    let auditor = World::deployed("dev").await.without_leave(&["DescribeAlarms"]);
    let checks = verify(&auditor.subject().await);
    for check in ["monitoring/alarms", "monitoring/alarm-coverage"] {
        let said = findings(&checks, check);
        assert!(said.iter().all(|line| line.contains("found this identity may not look")), "{said:?}");
    }
}

#[tokio::test]
async fn whom_to_ask_is_taken_from_what_was_deployed_where_nobody_may_look() {
    for environment in ["dev", "prod"] {
        let deployed = World::deployed(environment).await;
        let operations =
            ["DescribeLoadBalancers", "DescribeTargetGroups", "DescribeServices", "GetMethod", "GetRestApi"];
        let live = Ok(deployed.live_api().await);
        let auditor = deployed.without_leave(&operations);
        let (all, less) = (deployed.subject().await, auditor.subject().await);
        assert_ne!(failures(&less), Vec::<&str>::new());
        assert_eq!(Endpoints::of(&less, &live), Endpoints::of(&all, &live));
    }
}

#[tokio::test]
async fn whoever_wants_to_change_something_must_see_all_of_it() {
    let auditor = World::deployed("dev").await.without_leave(&["DescribeDBClusters"]);
    let error = auditor.engine.drift(&engine::Selector::all()).await.unwrap_err();
    // Whichever answers first, of the two that need the call.
    let said = error.to_string();
    let addresses = ["database/application-user", "database/cluster"];
    assert!(addresses.iter().any(|address| said == format!("{address} cannot be read")), "{said}");
}
