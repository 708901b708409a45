//! Roles that belong to services: shared by everybody in the account, and nobody's.

use std::sync::Arc;

use aws::resources::ServiceLinkedRole;
use emulator::{Counted, Emulator, Fault, FaultPlan, When};
use engine::{Graph, Scope, Selector};
use testing::World;

const ROLE: &str = "AWSServiceRoleForECS";

fn role(scope: &mut Scope, tier: &str) {
    scope.within(tier, |scope| scope.add("linked-role", ServiceLinkedRole::of("ecs.amazonaws.com"))).unwrap();
}

/// Brings everything to what is declared.
async fn bring(world: &World, declare: impl FnOnce(&mut Scope)) {
    let mut scope = Scope::new();
    declare(&mut scope);
    let session = world.engine.open().await.unwrap();
    let plan = session.plan(Arc::new(Graph::new(scope).unwrap()), &Selector::all()).await.unwrap();
    let report = session.apply(&plan).await.unwrap();
    session.close().await.unwrap();
    assert!(report.is_complete(), "{report:#?}");
}

async fn exists(world: &World) -> bool {
    world.cx.iam().get_role().role_name(ROLE).send().await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn one_that_exists_is_used_as_it_is_and_not_made() {
    let world = World::new(aws::kinds);
    let make = world.cx.iam().create_service_linked_role().aws_service_name("ecs.amazonaws.com");
    make.description("by hand").send().await.unwrap();
    world.mutations();
    bring(&world, |scope| role(scope, "ecs")).await;
    assert_eq!(world.mutations(), [""; 0]);
    let state = world.engine.state().await.unwrap();
    assert!(state.current("ecs/linked-role").unwrap().adopted);
}

#[tokio::test(start_paused = true)]
async fn several_tiers_may_declare_the_same_and_none_takes_it_away() {
    let world = World::new(aws::kinds);
    bring(&world, |scope| ["ecs", "worker"].into_iter().for_each(|tier| role(scope, tier))).await;
    assert_eq!(world.mutations(), ["CreateServiceLinkedRole"]);
    bring(&world, |scope| role(scope, "worker")).await;
    bring(&world, |_| ()).await;
    assert_eq!(world.mutations(), [""; 0]);
    assert!(exists(&world).await);
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn where_it_may_not_be_made_it_is_left_to_the_service() {
    let denied = Fault::Error { code: "AccessDenied".to_owned(), status: 403 };
    let operation = Counted::Operation("CreateServiceLinkedRole".to_owned());
    let faults = FaultPlan::default().with(operation, When::Share(1.0), denied);
    let world = World::on(Emulator::builder().faults(faults).in_memory(), aws::kinds);
    for _ in 0..2 {
        bring(&world, |scope| role(scope, "ecs")).await;
        assert!(!exists(&world).await);
    }
    assert_eq!(world.mutations(), ["CreateServiceLinkedRole"]);
}

#[test]
fn what_needs_it_waits_for_it() {
    let mut scope = Scope::new();
    let declared = scope.within("t", |scope| {
        scope.add("first", ServiceLinkedRole::of("rds.amazonaws.com")).unwrap();
        let missing = ServiceLinkedRole::before(scope, "other", "wafv2.amazonaws.com", &["nothing"]);
        assert_eq!(missing.unwrap_err().to_string(), "t/nothing is not declared");
        ServiceLinkedRole::before(scope, "linked-role", "ecs.amazonaws.com", &["first"])
    });
    declared.unwrap();
    let graph = Graph::new(scope).unwrap();
    assert!(graph.reaches("t/first", "t/linked-role") && !graph.reaches("t/linked-role", "t/first"));
}
