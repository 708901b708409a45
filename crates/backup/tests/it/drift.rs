//! What somebody else changes is seen, by its property, and repaired.

use aws_sdk_backup::types::{BackupPlanInput, BackupRuleInput};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{DeadLetterConfig, Environment, LoggingConfig, TracingConfig, TracingMode};
use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState, Target};
use aws_sdk_sqs::types::QueueAttributeName;
use backup::Tier;
use testing::World;

use crate::support::{
    CLUSTER, FUNCTION, QUEUE, SCHEDULE, VAULT, lambda, scheduler, sqs, tier, vaults, with_everything, world,
};

/// What was changed is all that is seen, and is repaired.
async fn assert_repaired(world: &World, tier: &Tier, inputs: &backup::Inputs, seen: &[&str]) {
    let mut drift = world.drift::<Tier>().await;
    drift.sort();
    assert_eq!(drift, seen);
    world.assert_repairs(tier, inputs).await;
}

#[tokio::test(start_paused = true)]
async fn of_the_function() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let lambda = lambda(&world);
    let change = lambda
        .update_function_configuration()
        .function_name(FUNCTION)
        .description("mine")
        .handler("index.other")
        .memory_size(1024)
        .timeout(10)
        .environment(Environment::builder().variables("CLUSTER_ID", "other").build())
        .dead_letter_config(DeadLetterConfig::builder().target_arn("").build())
        .tracing_config(TracingConfig::builder().mode(TracingMode::PassThrough).build())
        .logging_config(LoggingConfig::builder().log_format("Text".into()).log_group("/mine").build());
    change.send().await.unwrap();
    lambda.delete_function_concurrency().function_name(FUNCTION).send().await.unwrap();
    let seen = [
        "Description",
        "Handler",
        "MemorySize",
        "Timeout",
        "Environment",
        "DeadLetterConfig",
        "TracingConfig",
        "LoggingConfig",
        "ReservedConcurrentExecutions",
    ];
    let drift = world.drift::<Tier>().await;
    for property in seen {
        assert!(
            drift.iter().any(|line| *line == format!("backup/function: {property}")),
            "{property}: {drift:?}"
        );
    }
    assert!(drift.iter().all(|line| line.starts_with("backup/function: ")), "{drift:?}");
    world.create(&tier, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn of_the_code() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let lambda = lambda(&world);
    let hash = || async {
        let live = lambda.get_function_configuration().function_name(FUNCTION).send().await.unwrap();
        live.code_sha256.unwrap()
    };
    let ours = hash().await;
    // An empty file called a, as `zip -0` writes it.
    let mut archive = b"PK\x03\x04\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a".to_vec();
    archive.extend(b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0");
    archive.extend([0; 16]);
    archive.extend(b"aPK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0\x1f\0\0\0\0\0");
    let change = lambda.update_function_code().function_name(FUNCTION).zip_file(Blob::new(archive));
    change.send().await.unwrap();
    assert_ne!(hash().await, ours);
    world.mutations();
    assert_repaired(&world, &tier, &inputs, &["backup/function: CodeSha256"]).await;
    assert_eq!(hash().await, ours);
}

#[tokio::test(start_paused = true)]
async fn of_how_events_are_tried_again() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let change = lambda(&world).put_function_event_invoke_config().function_name(FUNCTION);
    change.maximum_retry_attempts(1).send().await.unwrap();
    let seen = [
        "backup/event-invoke-config: MaximumEventAgeInSeconds",
        "backup/event-invoke-config: MaximumRetryAttempts",
    ];
    assert_repaired(&world, &tier, &inputs, &seen).await;
    let delete = lambda(&world).delete_function_event_invoke_config().function_name(FUNCTION);
    delete.send().await.unwrap();
    assert_repaired(&world, &tier, &inputs, &["backup/event-invoke-config: gone"]).await;
}

#[tokio::test(start_paused = true)]
async fn of_the_schedule() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let scheduler = scheduler(&world);
    let live = scheduler.get_schedule().name(SCHEDULE).send().await.unwrap();
    let target = live.target().unwrap();
    let window =
        FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Flexible).maximum_window_in_minutes(5);
    let change = scheduler
        .update_schedule()
        .name(SCHEDULE)
        .schedule_expression("rate(5 days)")
        .state(ScheduleState::Disabled)
        .flexible_time_window(window.build().unwrap())
        .target(Target::builder().arn(target.arn()).role_arn(target.role_arn()).build().unwrap());
    change.send().await.unwrap();
    let drift = world.drift::<Tier>().await;
    for property in ["Description", "ScheduleExpression", "State", "FlexibleTimeWindow", "Target"] {
        assert!(
            drift.iter().any(|line| *line == format!("backup/schedule: {property}")),
            "{property}: {drift:?}"
        );
    }
    world.create(&tier, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
    scheduler.delete_schedule().name(SCHEDULE).send().await.unwrap();
    assert_repaired(&world, &tier, &inputs, &["backup/schedule: gone"]).await;
}

#[tokio::test(start_paused = true)]
async fn of_the_queue() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    let outputs = world.create(&tier, &inputs).await;
    let url = outputs.backup_dead_letter_queue_url.as_str();
    let change = sqs(&world)
        .set_queue_attributes()
        .queue_url(url)
        .attributes(QueueAttributeName::MessageRetentionPeriod, "60")
        .attributes(QueueAttributeName::SqsManagedSseEnabled, "false");
    change.send().await.unwrap();
    sqs(&world).tag_queue().queue_url(url).tags("Name", QUEUE.to_uppercase()).send().await.unwrap();
    let seen = [
        "backup/dead-letter-queue: MessageRetentionPeriod",
        "backup/dead-letter-queue: SqsManagedSseEnabled",
        "backup/dead-letter-queue: Tags",
    ];
    assert_repaired(&world, &tier, &inputs, &seen).await;
}

#[tokio::test(start_paused = true)]
async fn of_vault_and_plan() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let vaults = vaults(&world);
    let unlock = vaults.delete_backup_vault_lock_configuration().backup_vault_name(VAULT);
    unlock.send().await.unwrap();
    let plans = vaults.list_backup_plans().send().await.unwrap();
    let plan = &plans.backup_plans_list()[0];
    let rule = BackupRuleInput::builder().rule_name("mine").target_backup_vault_name(VAULT).build().unwrap();
    let name = plan.backup_plan_name().unwrap();
    let document = BackupPlanInput::builder().backup_plan_name(name).rules(rule).build().unwrap();
    let change = vaults.update_backup_plan().backup_plan_id(plan.backup_plan_id().unwrap());
    change.backup_plan(document).send().await.unwrap();
    let tag = vaults.tag_resource().resource_arn(plan.backup_plan_arn().unwrap());
    tag.tags("Name", "mine").send().await.unwrap();
    let drift = world.drift::<Tier>().await;
    for line in ["backup/vault: LockConfiguration", "backup/plan: BackupPlan", "backup/plan: BackupPlanTags"]
    {
        assert!(drift.iter().any(|seen| seen == line), "{line}: {drift:?}");
    }
    world.create(&tier, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_plan_that_somebody_deleted_with_its_selection() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let vaults = vaults(&world);
    let plans = vaults.list_backup_plans().send().await.unwrap();
    let plan = plans.backup_plans_list()[0].backup_plan_id().unwrap();
    let selections = vaults.list_backup_selections().backup_plan_id(plan).send().await.unwrap();
    let id = selections.backup_selections_list()[0].selection_id().unwrap();
    vaults.delete_backup_selection().backup_plan_id(plan).selection_id(id).send().await.unwrap();
    vaults.delete_backup_plan().backup_plan_id(plan).send().await.unwrap();
    let seen = ["backup/plan: gone", "backup/selection: gone"];
    assert_repaired(&world, &tier, &inputs, &seen).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_selection_that_somebody_deleted() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let vaults = vaults(&world);
    let plans = vaults.list_backup_plans().send().await.unwrap();
    let plan = plans.backup_plans_list()[0].backup_plan_id().unwrap();
    let selections = vaults.list_backup_selections().backup_plan_id(plan).send().await.unwrap();
    let id = selections.backup_selections_list()[0].selection_id().unwrap();
    let live = vaults.get_backup_selection().backup_plan_id(plan).selection_id(id).send().await.unwrap();
    assert_eq!(live.backup_selection().unwrap().resources(), [CLUSTER]);
    vaults.delete_backup_selection().backup_plan_id(plan).selection_id(id).send().await.unwrap();
    assert_repaired(&world, &tier, &inputs, &["backup/selection: gone"]).await;
}
