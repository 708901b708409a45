//! The whole tier through the engine: created, read, changed, replaced, repaired, deleted.

use std::collections::BTreeMap;

use backup::{Args, Inputs, Vault};
use engine::{Action, Component};

use crate::support::{
    FUNCTION, QUEUE, SCHEDULE, VAULT, lambda, scheduler, sqs, tier, vaults, with_everything, with_vault,
    world,
};

fn is_update(action: &Action) -> bool {
    *action == Action::Update
}

fn is_replace(action: &Action) -> bool {
    matches!(action, Action::Replace { .. })
}

fn is_create(action: &Action) -> bool {
    *action == Action::Create
}

fn is_delete(action: &Action) -> bool {
    *action == Action::Delete
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}

#[tokio::test(start_paused = true)]
async fn created_it_reads_back_as_declared_and_there_is_nothing_left_to_do() {
    let (world, inputs) = world().await;
    for args in [Args::default(), with_everything()] {
        let tier = tier(args);
        let outputs = world.create(&tier, &inputs).await;
        assert!(outputs.backup_function_arn.as_str().ends_with(&format!(":function:{FUNCTION}")));
        assert_eq!(outputs.backup_schedule_name.as_str(), SCHEDULE);
        assert!(outputs.backup_dead_letter_queue_arn.as_str().ends_with(&format!(":{QUEUE}")));
        assert!(outputs.backup_dead_letter_queue_url.as_str().ends_with(&format!("/{QUEUE}")));
        let reading = tier.read(&world.engine, &inputs).await.unwrap();
        assert_eq!(reading.drift, []);
        assert_eq!(reading.outputs, Some(outputs));
        world.assert_settled(&tier, &inputs).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_is_made_in_one_call_with_everything_that_a_call_can_set() {
    let (world, inputs) = world().await;
    world.create(&tier(Args::default()), &inputs).await;
    let calls = world.mutations();
    let of_lambda: Vec<_> = calls.iter().filter(|call| call.contains("Function")).collect();
    assert_eq!(of_lambda, ["CreateFunction", "PutFunctionEventInvokeConfig"]);
}

#[tokio::test(start_paused = true)]
async fn deleted_it_leaves_nothing() {
    let (world, inputs) = world().await;
    let before = world.left().await;
    let tier = tier(with_everything());
    for _ in 0..2 {
        world.create(&tier, &inputs).await;
        tier.delete(&world.engine, &inputs).await.unwrap();
        assert_eq!(world.left().await, before);
        world.assert_nothing_recorded().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_deleted_already_is_no_obstacle() {
    let (world, inputs) = world().await;
    let before = world.left().await;
    let tier = tier(with_everything());
    let outputs = world.create(&tier, &inputs).await;
    lambda(&world).delete_function().function_name(FUNCTION).send().await.unwrap();
    scheduler(&world).delete_schedule().name(SCHEDULE).send().await.unwrap();
    let url = outputs.backup_dead_letter_queue_url.as_str();
    sqs(&world).delete_queue().queue_url(url).send().await.unwrap();
    let vaults = vaults(&world);
    let plans = vaults.list_backup_plans().send().await.unwrap();
    let plan = plans.backup_plans_list()[0].backup_plan_id().unwrap().to_owned();
    let selections = vaults.list_backup_selections().backup_plan_id(&plan).send().await.unwrap();
    let selection = selections.backup_selections_list()[0].selection_id().unwrap();
    let delete = vaults.delete_backup_selection().backup_plan_id(&plan).selection_id(selection);
    delete.send().await.unwrap();
    vaults.delete_backup_plan().backup_plan_id(&plan).send().await.unwrap();
    vaults.delete_backup_vault().backup_vault_name(VAULT).send().await.unwrap();
    tier.delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(world.left().await, before);
}

#[tokio::test(start_paused = true)]
async fn thresholds_sizes_and_times_change_in_place() {
    let (world, inputs) = world().await;
    let before = world.create(&tier(with_everything()), &inputs).await;
    let changed = tier(Args {
        schedule_expression: "rate(12 hours)".to_owned(),
        time_zone: "Asia/Singapore".to_owned(),
        min_retention_days: 14,
        memory: 512,
        timeout: 60,
        reserved_concurrency: Some(2),
        log_retention_in_days: 30,
        vault: Vault { retention_days: 365, lock_days: Some(30), ..with_vault() },
        ..with_everything()
    });
    assert_eq!(
        sorted(world.planned(&changed, &inputs, is_update).await),
        ["backup/function", "backup/log-group", "backup/plan", "backup/schedule", "backup/vault"]
    );
    assert_eq!(world.planned(&changed, &inputs, is_replace).await, [""; 0]);
    world.mutations();
    assert_eq!(world.create(&changed, &inputs).await, before);
    assert_eq!(
        sorted(world.mutations()),
        [
            "PutBackupVaultLockConfiguration",
            "PutFunctionConcurrency",
            "PutRetentionPolicy",
            "UpdateBackupPlan",
            "UpdateFunctionConfiguration",
            "UpdateSchedule",
        ]
    );
    world.assert_settled(&changed, &inputs).await;

    let function = lambda(&world).get_function().function_name(FUNCTION).send().await.unwrap();
    assert_eq!(function.concurrency().unwrap().reserved_concurrent_executions(), Some(2));
    let function = function.configuration().unwrap();
    assert_eq!((function.memory_size(), function.timeout()), (Some(512), Some(60)));
    assert_eq!(function.environment().unwrap().variables().unwrap()["MIN_RETENTION_DAYS"], "14");
    let schedule = scheduler(&world).get_schedule().name(SCHEDULE).send().await.unwrap();
    assert_eq!(schedule.schedule_expression(), Some("rate(12 hours)"));
    assert_eq!(schedule.schedule_expression_timezone(), Some("Asia/Singapore"));
}

#[tokio::test(start_paused = true)]
async fn a_reservation_and_a_lock_come_and_go() {
    let (world, inputs) = world().await;
    let plain = tier(Args { vault: Vault { lock_days: None, ..with_vault() }, ..Args::default() });
    world.create(&plain, &inputs).await;
    for _ in 0..2 {
        let everything = tier(with_everything());
        world.create(&everything, &inputs).await;
        world.assert_settled(&everything, &inputs).await;
        world.mutations();
        world.create(&plain, &inputs).await;
        let calls = sorted(world.mutations());
        assert_eq!(calls, ["DeleteBackupVaultLockConfiguration", "DeleteFunctionConcurrency"]);
        world.assert_settled(&plain, &inputs).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_vault_can_be_added_and_taken_away() {
    let (world, inputs) = world().await;
    let without = tier(Args::default());
    world.create(&without, &inputs).await;
    let before = world.left().await;
    let with = tier(Args { vault: with_vault(), ..Args::default() });
    assert_eq!(
        sorted(world.planned(&with, &inputs, is_create).await),
        ["backup/linked-role", "backup/plan", "backup/selection", "backup/vault", "backup/vault-role"]
    );
    let outputs = world.create(&with, &inputs).await;
    assert_eq!(outputs.backup_vault_name.unwrap().as_str(), VAULT);
    world.assert_settled(&with, &inputs).await;
    assert_eq!(world.planned(&without, &inputs, is_delete).await.len(), 5);
    world.create(&without, &inputs).await;
    assert_eq!(world.left().await, before);
}

#[tokio::test(start_paused = true)]
async fn tags_change_on_everything_that_has_tags() {
    let (world, inputs) = world().await;
    let plain = tier(with_everything());
    world.create(&plain, &inputs).await;
    let tags = BTreeMap::from([("Team".to_owned(), "payments".to_owned())]);
    let tagged = tier(Args { tags, ..with_everything() });
    assert_eq!(world.planned(&tagged, &inputs, is_replace).await, [""; 0]);
    // Three roles, three alarms, the log group, the queue, the function, the vault and the plan. Nothing else has tags.
    assert_eq!(world.planned(&tagged, &inputs, is_update).await.len(), 11);
    world.create(&tagged, &inputs).await;
    world.assert_settled(&tagged, &inputs).await;
    let url = sqs(&world).get_queue_url().queue_name(QUEUE).send().await.unwrap().queue_url.unwrap();
    let live = sqs(&world).list_queue_tags().queue_url(url).send().await.unwrap();
    assert_eq!(live.tags().unwrap()["Team"], "payments");
    world.create(&plain, &inputs).await;
    world.assert_settled(&plain, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn another_environment_is_another_everything() {
    let (world, inputs) = world().await;
    world.create(&tier(with_everything()), &inputs).await;
    let other = tier(Args { environment: "test".to_owned(), ..with_everything() });
    let replaced = sorted(world.planned(&other, &inputs, is_replace).await);
    assert_eq!(
        replaced,
        [
            "backup/dead-letter-queue",
            "backup/errors-alarm",
            "backup/event-invoke-config",
            "backup/function",
            "backup/log-group",
            "backup/schedule",
            "backup/schedule-role",
            "backup/selection",
            "backup/throttles-alarm",
            "backup/unverified-alarm",
            "backup/vault",
            "backup/vault-role",
            "backup/verification-role",
        ]
    );
    world.create(&other, &inputs).await;
    world.assert_settled(&other, &inputs).await;
    let left = world.left().await;
    assert!(left.iter().all(|(_, id)| !id.ends_with("-dev")), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn another_cluster_is_selected_by_another_selection() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let arn = "arn:aws:rds:ap-southeast-1:123456789012:cluster:other";
    let mut other = inputs.clone();
    other.database.cluster_arn = arn.into();
    assert_eq!(world.planned(&tier, &other, is_replace).await, ["backup/selection"]);
    assert_eq!(world.planned(&tier, &other, is_update).await, ["backup/verification-role"]);
    world.create(&tier, &other).await;
    world.assert_settled(&tier, &other).await;
}

#[tokio::test(start_paused = true)]
async fn another_key_is_another_vault() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let kms = world.cx.client(aws_sdk_kms::Client::new);
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    let mut other = inputs.clone();
    other.database.key_arn = aws::KeyArn::from(key).into();
    assert_eq!(world.planned(&tier, &other, is_replace).await, ["backup/vault"]);
    world.create(&tier, &other).await;
    world.assert_settled(&tier, &other).await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_can_be_given_later() {
    let (world, inputs) = world().await;
    let alone = Inputs { alarm_topic_arn: None, alarm_topic_key_arn: None, ..inputs.clone() };
    let tier = tier(Args::default());
    world.create(&tier, &alone).await;
    world.assert_settled(&tier, &alone).await;
    let updated = sorted(world.planned(&tier, &inputs, is_update).await);
    assert_eq!(
        updated,
        [
            "backup/errors-alarm",
            "backup/function",
            "backup/throttles-alarm",
            "backup/unverified-alarm",
            "backup/verification-role",
        ]
    );
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
    world.create(&tier, &alone).await;
    world.assert_settled(&tier, &alone).await;
}
