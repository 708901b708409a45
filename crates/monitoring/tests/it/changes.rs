//! What changes in place, what is replaced, and in which order.

use std::collections::BTreeMap;

use engine::{Action, Component};
use monitoring::{Args, Inputs, Thresholds, Tracing};
use testing::place;

use crate::support::{inputs, tier, with_email, with_tasks, world};

fn is_update(action: &Action) -> bool {
    *action == Action::Update
}

fn is_replace(action: &Action) -> bool {
    matches!(action, Action::Replace { .. })
}

#[tokio::test(start_paused = true)]
async fn settings_change_in_place() {
    let world = world().await;
    let before = world.create(&tier(with_email()), &inputs()).await;
    let changed = tier(Args {
        thresholds: Thresholds {
            task_cpu_percent: 70.0,
            target_error_percent: 2.0,
            api_anomaly_deviations: 2.0,
            ..Thresholds::default()
        },
        tracing: Tracing { fixed_rate: 0.5, ..Tracing::default() },
        error_pattern: "ERROR".to_owned(),
        ..with_email()
    });
    assert_eq!(world.planned(&changed, &inputs(), is_replace).await, [""; 0]);
    let mut updated = world.planned(&changed, &inputs(), is_update).await;
    updated.sort();
    assert_eq!(
        updated,
        [
            "monitoring/alarm-alb-target-errors",
            "monitoring/alarm-api-requests",
            "monitoring/alarm-ecs-cpu",
            "monitoring/payment-errors",
            "monitoring/sampling-rule",
        ]
    );
    assert_eq!(world.create(&changed, &inputs()).await, before);
    world.assert_settled(&changed, &inputs()).await;
}

#[tokio::test(start_paused = true)]
async fn another_period_changes_the_alarms_and_the_dashboard() {
    let world = world().await;
    let before = world.create(&tier(with_email()), &inputs()).await;
    let minute = tier(Args { period: 60, ..with_email() });
    // All alarms but the two with a period of their own, and the dashboard.
    assert_eq!(world.planned(&minute, &inputs(), is_update).await.len(), 26 - 2 + 1);
    assert_eq!(world.create(&minute, &inputs()).await, before);
    world.assert_settled(&minute, &inputs()).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_tag_is_changed_in_place_everywhere() {
    let world = world().await;
    let before = world.create(&tier(with_email()), &inputs()).await;
    let author = BTreeMap::from([("Author".to_owned(), "ops".to_owned())]);
    for tags in [author, BTreeMap::new()] {
        let tagged = tier(Args { tags, ..with_email() });
        // 25 alarms and the one on them, key, topic, dashboard, sampling rule, group, four subscriptions of events.
        assert_eq!(world.planned(&tagged, &inputs(), is_update).await.len(), 36);
        assert_eq!(world.create(&tagged, &inputs()).await, before);
        world.assert_settled(&tagged, &inputs()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_left_out_leaves_the_one_on_all_of_them_first() {
    let world = world().await;
    world.create(&tier(with_email()), &inputs()).await;
    let fewer = tier(Args {
        disabled_alarms: ["ecs-cpu", "database-storage"].map(str::to_owned).to_vec(),
        ..with_email()
    });
    world.mutations();
    world.create(&fewer, &inputs()).await;
    let calls = world.mutations();
    let place = |name: &str| calls.iter().position(|call| call == name).unwrap();
    assert!(place("PutCompositeAlarm") < place("DeleteAlarms"), "{calls:?}");
    world.assert_settled(&fewer, &inputs()).await;
    world.create(&tier(with_email()), &inputs()).await;
    world.assert_settled(&tier(with_email()), &inputs()).await;
}

#[tokio::test(start_paused = true)]
async fn another_environment_is_another_set_of_names() {
    let world = world().await;
    world.create(&tier(with_email()), &inputs()).await;
    let other = tier(Args { environment: "prod".to_owned(), ..with_email() });
    let after = world.create(&other, &inputs()).await;
    assert_eq!(after.sampling_rule_name.unwrap().as_str(), "payment-traces-prod");
    assert!(after.alarm_names.iter().all(|name| name.as_str().ends_with("-prod")));
    world.assert_settled(&other, &inputs()).await;
}

#[tokio::test(start_paused = true)]
async fn every_choice_can_be_changed_to_every_other_one_and_back() {
    let world = world().await;
    let before = world.left().await;
    let off = Args { tracing: Tracing { enabled: false, ..Tracing::default() }, ..Args::default() };
    let choices = [
        (with_email(), inputs()),
        (off, with_tasks(None)),
        (Args::default(), Inputs::new(place())),
        (Args { disabled_alarms: vec!["critical".to_owned()], ..with_email() }, inputs()),
    ];
    for (args, inputs) in &choices {
        for (other, others) in &choices {
            world.create(&tier(args.clone()), inputs).await;
            world.create(&tier(other.clone()), others).await;
            world.assert_settled(&tier(other.clone()), others).await;
        }
    }
    tier(Args::default()).delete(&world.engine, &inputs()).await.unwrap();
    let mut left = world.left().await;
    left.retain(|(kind, _)| kind != "AWS::KMS::Key");
    assert_eq!(left, before);
}
