//! What somebody else made and has our name is left alone, and said.

use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, Target};
use backup::{Args, Tier, Vault};
use engine::Component;
use testing::World;

use crate::support::{
    FUNCTION, QUEUE, SCHEDULE, VAULT, lambda, scheduler, sqs, tier, vaults, with_everything, world,
};

async fn refused(world: &World, tier: &Tier, inputs: &backup::Inputs) -> String {
    tier.create(&world.engine, inputs).await.unwrap_err().to_string()
}

#[tokio::test(start_paused = true)]
async fn a_queue_even_with_the_same_attributes() {
    let (world, inputs) = world().await;
    let made = sqs(&world)
        .create_queue()
        .queue_name(QUEUE)
        .attributes(aws_sdk_sqs::types::QueueAttributeName::MessageRetentionPeriod, "1209600");
    made.send().await.unwrap();
    let said = refused(&world, &tier(Args::default()), &inputs).await;
    assert!(said.contains("backup/dead-letter-queue failed") && said.contains("exists already"), "{said}");
    let url = sqs(&world).get_queue_url().queue_name(QUEUE).send().await.unwrap().queue_url.unwrap();
    let tags = sqs(&world).list_queue_tags().queue_url(url).send().await.unwrap();
    assert_eq!(tags.tags().map_or(0, std::collections::HashMap::len), 0);
}

#[tokio::test(start_paused = true)]
async fn a_function_and_a_schedule() {
    let (world, inputs) = world().await;
    // Of another project: the same tier, with its own names for roles only.
    let tier = tier(Args::default());
    let outputs = world.create(&tier, &inputs).await;
    let lambda = lambda(&world);
    let live = lambda.get_function_configuration().function_name(FUNCTION).send().await.unwrap();
    let untag = lambda.untag_resource().resource(outputs.backup_function_arn.as_str());
    untag.tag_keys("stack:project").send().await.unwrap();
    let scheduler = scheduler(&world);
    let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().unwrap();
    scheduler.delete_schedule().name(SCHEDULE).send().await.unwrap();
    let role = live.role().unwrap().replace("-verification-", "-schedule-");
    let other = role.replace("payment-backup", "other");
    let iam = world.cx.iam();
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"scheduler.amazonaws.com"}}]}"#;
    let name = other.rsplit('/').next().unwrap();
    iam.create_role().role_name(name).assume_role_policy_document(trust).send().await.unwrap();
    let target = Target::builder().arn(live.function_arn().unwrap()).role_arn(&other).build().unwrap();
    let made = scheduler.create_schedule().name(SCHEDULE).schedule_expression("rate(1 day)");
    made.flexible_time_window(window).target(target).send().await.unwrap();

    // A state that knows nothing of what is there.
    let fresh = world.that_lost_its_state(backup::kinds);
    let said = refused(&fresh, &tier, &inputs).await;
    assert!(said.contains("backup/function failed"), "{said}");
    assert!(said.contains("its tags do not say that it is backup/function"), "{said}");
    let tag = lambda.tag_resource().resource(outputs.backup_function_arn.as_str());
    tag.tags("stack:project", "payment").send().await.unwrap();
    let said = refused(&fresh, &tier, &inputs).await;
    assert!(said.contains("backup/schedule failed") && said.contains("does not call in the role"), "{said}");
    let live = scheduler.get_schedule().name(SCHEDULE).send().await.unwrap();
    assert_eq!(live.target().unwrap().role_arn(), other);
}

#[tokio::test(start_paused = true)]
async fn what_is_ours_is_taken_up_by_a_state_that_lost_it() {
    let (world, inputs) = world().await;
    let tier = tier(Args::default());
    let outputs = world.create(&tier, &inputs).await;
    let before = world.left().await;
    let fresh = world.that_lost_its_state(backup::kinds);
    assert_eq!(fresh.create(&tier, &inputs).await, outputs);
    assert_eq!(world.left().await, before);
    fresh.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_vault() {
    let (world, inputs) = world().await;
    vaults(&world).create_backup_vault().backup_vault_name(VAULT).send().await.unwrap();
    let said = refused(&world, &tier(with_everything()), &inputs).await;
    assert!(said.contains("backup/vault failed") && said.contains("exists already"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn an_account_with_too_few_executions_says_so() {
    let (world, inputs) = world().await;
    let greedy = tier(Args { reserved_concurrency: Some(900), ..Args::default() });
    world.create(&greedy, &inputs).await;
    let other =
        tier(Args { environment: "test".to_owned(), reserved_concurrency: Some(1), ..Args::default() });
    let fresh = world.that_lost_its_state(backup::kinds);
    let said = refused(&fresh, &other, &inputs).await;
    assert!(said.contains("backup.reserved_concurrency") && said.contains("100"), "{said}");
    // Before anything is made that would have to be finished.
    let functions = lambda(&world).list_functions().send().await.unwrap();
    assert_eq!(functions.functions().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_account_in_which_aws_backup_leaves_aurora_out_says_so_and_is_left_alone() {
    let (world, inputs) = world().await;
    let args = Args { vault: Vault { enabled: true, ..Vault::default() }, ..Args::default() };
    let said = refused(&world, &tier(args), &inputs).await;
    assert!(said.contains("backup/selection failed") && said.contains("backup.vault.opt_in"), "{said}");
    let settings = vaults(&world).describe_region_settings().send().await.unwrap();
    assert!(!settings.resource_type_opt_in_preference().unwrap()["Aurora"]);
}
