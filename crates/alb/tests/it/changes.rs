//! What changes in place, what is replaced, and in which order.

use std::collections::BTreeMap;

use alb::{AccessLogs, Args, HealthCheck, Ingress, TargetProtocol, TestHeader, Waf};
use aws_sdk_elasticloadbalancingv2::types::TargetDescription;
use engine::{Action, Component, ReplaceOrder};

use crate::support::{elb, network, tier, weights, with_certificate, world};

fn is_update(action: &Action) -> bool {
    *action == Action::Update
}

fn is_replace(action: &Action) -> bool {
    matches!(action, Action::Replace { .. })
}

#[tokio::test(start_paused = true)]
async fn settings_change_in_place() {
    let (world, inputs) = world().await;
    let before = world.create(&tier(Args::default()), &inputs).await;
    let changed = tier(Args {
        idle_timeout: 120,
        deregistration_delay: 60,
        health_check: HealthCheck {
            path: "/ready".into(),
            interval: 30,
            timeout: 20,
            healthy: 3,
            unhealthy: 2,
        },
        test_header: TestHeader { name: "x-next".into(), value: "1".into() },
        access_logs: AccessLogs { retention_in_days: 365, ..AccessLogs::default() },
        waf: Waf { rate_limit: Some(100), log_retention_in_days: 365, ..Waf::default() },
        ..Args::default()
    });
    assert_eq!(world.planned(&changed, &inputs, is_replace).await, [""; 0]);
    let mut updated = world.planned(&changed, &inputs, is_update).await;
    updated.sort();
    assert_eq!(
        updated,
        [
            "alb/blue-target-group",
            "alb/green-target-group",
            "alb/load-balancer",
            "alb/log-bucket",
            "alb/test-rule",
            "alb/waf-log-group",
            "alb/web-acl",
        ]
    );
    assert_eq!(world.create(&changed, &inputs).await, before);
    world.assert_settled(&changed, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_tag_is_changed_in_place_everywhere() {
    let (world, inputs) = world().await;
    let before = world.create(&tier(with_certificate()), &inputs).await;
    let author = BTreeMap::from([("Author".to_owned(), "ops".to_owned())]);
    for tags in [author, BTreeMap::new()] {
        let tagged = tier(Args { tags, ..with_certificate() });
        // Group, bucket, load balancer, 2 target groups, 2 listeners, 2 rules, web ACL, log group.
        assert_eq!(world.planned(&tagged, &inputs, is_update).await.len(), 11);
        assert_eq!(world.create(&tagged, &inputs).await, before);
        world.assert_settled(&tagged, &inputs).await;
    }
    tier(with_certificate()).delete(&world.engine, &inputs).await.unwrap();
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn another_port_makes_new_groups_before_the_rules_let_the_old_ones_go() {
    let (world, inputs) = world().await;
    let before = world.create(&tier(Args::default()), &inputs).await;
    let moved = tier(Args { target_port: 9090, ..Args::default() });
    let plan = world.plan(&moved, &inputs).await;
    for group in ["alb/blue-target-group", "alb/green-target-group"] {
        let Action::Replace { order, .. } = plan.step(group).unwrap().action else { panic!("{group}") };
        assert_eq!(order, ReplaceOrder::CreateFirst, "{group}");
    }
    assert_eq!(plan.step("alb/production-rule").unwrap().action, Action::Update);
    let after = world.create(&moved, &inputs).await;
    assert_eq!(after.production_rule_arn, before.production_rule_arn);
    assert_ne!(after.blue_target_group_arn, before.blue_target_group_arn);
    world.assert_settled(&moved, &inputs).await;
    let groups = elb(&world).describe_target_groups().send().await.unwrap();
    assert_eq!(groups.target_groups().len(), 2);
}

/// Security Hub ELB.21 and ELB.22.
#[tokio::test(start_paused = true)]
async fn targets_are_moved_to_tls_and_back_by_new_groups() {
    let (world, inputs) = world().await;
    let plain = world.create(&tier(Args::default()), &inputs).await;
    let secure = tier(Args { target_protocol: TargetProtocol::Https, ..Args::default() });
    let after = world.create(&secure, &inputs).await;
    assert_eq!(after.production_rule_arn, plain.production_rule_arn);
    world.assert_settled(&secure, &inputs).await;
    let groups = elb(&world).describe_target_groups().send().await.unwrap();
    let protocols = groups.target_groups().iter().map(|group| {
        [group.protocol(), group.health_check_protocol()].map(|protocol| protocol.unwrap().as_str())
    });
    assert_eq!(protocols.collect::<Vec<_>>(), [["HTTPS"; 2]; 2]);
    world.create(&tier(Args::default()), &inputs).await;
    world.assert_settled(&tier(Args::default()), &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_certificate_can_be_added_and_taken_away() {
    let (world, inputs) = world().await;
    let plain = world.create(&tier(Args::default()), &inputs).await;
    let secure = world.create(&tier(with_certificate()), &inputs).await;
    assert_eq!(secure.alb_arn, plain.alb_arn);
    assert_ne!(secure.production_listener_arn, plain.production_listener_arn);
    assert!(secure.alb_url.starts_with("https://"));
    world.assert_settled(&tier(with_certificate()), &inputs).await;
    let again = world.create(&tier(Args::default()), &inputs).await;
    assert_eq!(again.production_listener_arn, plain.production_listener_arn);
    world.assert_settled(&tier(Args::default()), &inputs).await;
    tier(Args::default()).delete(&world.engine, &inputs).await.unwrap();
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_moves_to_another_listener_sends_requests_to_where_the_tasks_are() {
    let (world, inputs) = world().await;
    let before = world.create(&tier(Args::default()), &inputs).await;
    let green = before.green_target_group_arn.as_str();
    // As after a first deployment: all tasks are in the green group.
    let task = TargetDescription::builder().id("10.0.10.7").port(8080).build();
    elb(&world).register_targets().target_group_arn(green).targets(task).send().await.unwrap();
    let after = world.create(&tier(with_certificate()), &inputs).await;
    assert_ne!(after.production_rule_arn, before.production_rule_arn);
    let groups = [after.blue_target_group_arn.as_str(), green];
    let live = weights(&world, after.production_rule_arn.as_str(), groups).await;
    assert_eq!(live, [Some(0), Some(100)]);
    world.assert_settled(&tier(with_certificate()), &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_where_nobody_answers_until_there_are_tasks_in_other_groups() {
    const RULE: &str = "alb/production-rule";
    let (world, inputs) = world().await;
    let before = world.create(&tier(Args::default()), &inputs).await;
    let others = tier(Args { target_port: 9090, ..Args::default() });
    // Nobody answers now.
    assert_eq!(world.plan(&others, &inputs).await.step(RULE).unwrap().warnings(), [""; 0]);
    let green = before.green_target_group_arn.as_str();
    let task = TargetDescription::builder().id("10.0.10.7").port(8080).build();
    elb(&world).register_targets().target_group_arn(green).targets(task).send().await.unwrap();
    let plan = world.plan(&others, &inputs).await;
    let [warning] = plan.step(RULE).unwrap().warnings() else { panic!("{plan:?}") };
    let says = "moves to new target groups, which are empty until ECS has started tasks in them: DOWNTIME of some minutes";
    assert_eq!(warning, says);
    // The same groups, with another check, keep their tasks.
    let check = HealthCheck { path: "/ready".into(), ..HealthCheck::default() };
    let same = tier(Args { health_check: check, ..Args::default() });
    assert_eq!(world.plan(&same, &inputs).await.step(RULE).unwrap().warnings(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn private_instead_of_public_replaces_the_load_balancer_and_what_is_at_it() {
    let (world, inputs) = world().await;
    let before = world.create(&tier(with_certificate()), &inputs).await;
    let private = tier(Args { ingress: Ingress::Private, ..with_certificate() });
    let plan = world.plan(&private, &inputs).await;
    for replaced in ["load-balancer", "http-listener", "https-listener", "production-rule", "test-rule"] {
        let Action::Replace { order, .. } = plan.step(&format!("alb/{replaced}")).unwrap().action else {
            panic!("{replaced}")
        };
        // Both cannot have the name, nor the target groups.
        assert_eq!(order, ReplaceOrder::DeleteFirst, "{replaced}");
    }
    for stays in ["blue-target-group", "green-target-group", "web-acl", "log-bucket"] {
        assert_eq!(plan.step(&format!("alb/{stays}")).unwrap().action, Action::Unchanged, "{stays}");
    }
    let after = world.create(&private, &inputs).await;
    assert_ne!(after.alb_arn, before.alb_arn);
    assert_eq!(after.blue_target_group_arn, before.blue_target_group_arn);
    world.assert_settled(&private, &inputs).await;
    private.delete(&world.engine, &inputs).await.unwrap();
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn other_subnets_are_a_change_and_another_vpc_is_another_load_balancer() {
    let (world, inputs) = world().await;
    let before = world.create(&tier(Args::default()), &inputs).await;
    let fewer = alb::Inputs { public_subnet_ids: inputs.public_subnet_ids[1..].to_vec(), ..inputs.clone() };
    assert_eq!(world.planned(&tier(Args::default()), &fewer, is_update).await, ["alb/load-balancer"]);
    assert_eq!(world.create(&tier(Args::default()), &fewer).await, before);
    world.assert_settled(&tier(Args::default()), &fewer).await;
    let elsewhere = network(&world).await;
    let after = world.create(&tier(Args::default()), &elsewhere).await;
    assert_ne!(after.alb_arn, before.alb_arn);
    assert_ne!(after.blue_target_group_arn, before.blue_target_group_arn);
    world.assert_settled(&tier(Args::default()), &elsewhere).await;
    tier(Args::default()).delete(&world.engine, &inputs).await.unwrap();
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn every_choice_can_be_changed_to_every_other_one_and_back() {
    let (world, inputs) = world().await;
    let before = world.left().await;
    let choices = [
        Args::default(),
        Args { waf: Waf { enabled: false, ..Waf::default() }, ..with_certificate() },
        Args { access_logs: AccessLogs { enabled: false, ..AccessLogs::default() }, ..Args::default() },
        Args { ingress: Ingress::Private, target_port: 9090, ..with_certificate() },
        Args { ingress_cidrs: vec!["192.0.2.0/24".parse().unwrap()], ..Args::default() },
        Args { environment: "prod".to_owned(), ..Args::default() },
    ];
    for args in choices.iter().chain(choices.iter().rev()) {
        world.create(&tier(args.clone()), &inputs).await;
        world.assert_settled(&tier(args.clone()), &inputs).await;
    }
    tier(Args::default()).delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(world.left().await, before);
    world.assert_nothing_recorded().await;
}
