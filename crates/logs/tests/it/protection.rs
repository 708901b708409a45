//! A deletion protection that somebody has switched on.

use aws::resources::LogGroup;
use engine::{Component, ComponentError, EngineError, Fate, PlanError, Selector};
use logs::{Args, Tier};
use testing::World;

use crate::life::{GROUP, WithGroup, inputs, up};

/// A world with a protected group.
async fn protected(tier: &WithGroup) -> World {
    let world = World::new(|_| ());
    up(&world, tier).await;
    protect(&world, true).await;
    world
}

async fn protect(world: &World, on: bool) {
    let call = world.cx.logs().put_log_group_deletion_protection().log_group_identifier(GROUP);
    call.deletion_protection_enabled(on).send().await.unwrap();
    world.mutations();
}

/// What somebody reads who asks for what must not be.
fn refusal<T: std::fmt::Debug>(refused: Result<T, ComponentError>) -> String {
    let error = refused.unwrap_err();
    let ComponentError::Engine(EngineError::Plan(PlanError::Protected { resources })) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(resources[0].name.as_deref(), Some(GROUP));
    error.to_string()
}

const SAYS: &str = "protected, but would be deleted or replaced: logs/group (DeletionProtectionEnabled as changed outside of this program)";

#[tokio::test(start_paused = true)]
async fn a_protected_log_group_is_said_and_left_as_it_is() {
    let tier = WithGroup::default();
    let world = protected(&tier).await;
    let survey = world.engine.look(&Selector::all()).await.unwrap();
    let [remark] = &survey.remarks()[..] else { panic!("{:?}", survey.remarks()) };
    assert_eq!(
        (remark.address.as_str(), remark.accepted.property.as_str()),
        ("logs/group", "DeletionProtectionEnabled")
    );
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs()).await;
    protect(&world, false).await;
    assert_eq!(world.engine.look(&Selector::all()).await.unwrap().remarks(), []);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_would_delete_a_protected_log_group_is_refused_before_any_call() {
    let tier = WithGroup::default();
    let world = protected(&tier).await;
    let without = WithGroup { without: true, ..WithGroup::default() };
    let renamed = WithGroup { name: "/ecs/payment-other-dev", ..WithGroup::default() };
    assert_eq!(refusal(tier.delete(&world.engine, &inputs()).await), SAYS);
    assert_eq!(refusal(without.create(&world.engine, &inputs()).await), SAYS);
    assert_eq!(refusal(renamed.create(&world.engine, &inputs()).await), SAYS);
    assert_eq!(world.mutations(), [""; 0]);
    protect(&world, false).await;
    tier.delete(&world.engine, &inputs()).await.unwrap();
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn a_protected_log_group_that_stays_is_not_in_the_way() {
    let tier = WithGroup { args: Args { keep_logs: true, ..Args::default() }, ..WithGroup::default() };
    let world = protected(&tier).await;
    let plan = world.plan(&WithGroup { without: true, ..tier.clone() }, &inputs()).await;
    assert_eq!(plan.step("logs/group").unwrap().removal().unwrap().fate, Fate::Retained);
    tier.delete(&world.engine, &inputs()).await.unwrap();
    world.assert_nothing_recorded().await;
    // It is taken back, still protected.
    up(&world, &tier).await;
    let found = world.cx.logs().describe_log_groups().log_group_name_prefix(GROUP).send().await.unwrap();
    assert_eq!(found.log_groups()[0].deletion_protection_enabled(), Some(true));
    world.assert_settled(&tier, &inputs()).await;
}

#[test]
fn the_command_that_lifts_a_protection_names_the_group() {
    let command = LogGroup::unprotecting("DeletionProtectionEnabled", GROUP).unwrap();
    assert!(command.starts_with("aws logs put-log-group-deletion-protection ") && command.ends_with(GROUP));
    assert_eq!(LogGroup::unprotecting("KmsKeyId", GROUP), None);
}
