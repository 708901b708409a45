//! The whole tier through the engine: created, read, deleted.

use alb::{AccessLogs, Args, Ingress, Waf};
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerAttribute;
use emulator::Emulator;
use engine::{Component, ComponentError};

use crate::support::{BUCKET, elb, s3, tier, weights, with_certificate, world, world_on};

fn private() -> Args {
    Args { ingress: Ingress::Private, ..Args::default() }
}

fn bare() -> Args {
    Args {
        access_logs: AccessLogs { enabled: false, ..AccessLogs::default() },
        waf: Waf { enabled: false, ..Waf::default() },
        ..Args::default()
    }
}

#[tokio::test(start_paused = true)]
async fn created_it_reads_back_as_declared_and_there_is_nothing_left_to_do() {
    for args in [Args::default(), with_certificate(), private(), bare()] {
        let (world, inputs) = world().await;
        let tier = tier(args);
        let outputs = world.create(&tier, &inputs).await;
        let internal = if outputs.alb_scheme == "internal" { "internal-" } else { "" };
        assert!(outputs.alb_dns_name.starts_with(&format!("{internal}payment-alb-dev-")), "{outputs:?}");
        assert!(
            outputs.alb_url.starts_with(&format!("{}://{internal}payment-alb-dev-", outputs.alb_protocol))
        );
        assert!(outputs.alb_full_name.starts_with("app/payment-alb-dev/"));
        assert!(outputs.blue_target_group_full_name.starts_with("targetgroup/payment-blue-dev/"));
        let reading = tier.read(&world.engine, &inputs).await.unwrap();
        assert_eq!(reading.drift, []);
        assert_eq!(reading.outputs, Some(outputs));
        world.assert_settled(&tier, &inputs).await;
    }
}

#[tokio::test(start_paused = true)]
async fn deleted_it_leaves_nothing() {
    let (world, inputs) = world().await;
    let before = world.left().await;
    for args in [Args::default(), with_certificate()] {
        world.create(&tier(args.clone()), &inputs).await;
        tier(args).delete(&world.engine, &inputs).await.unwrap();
        assert_eq!(world.left().await, before);
        world.assert_nothing_recorded().await;
    }
}

#[tokio::test(start_paused = true)]
async fn at_awss_own_pace_it_comes_and_goes_just_the_same() {
    let emulator = Emulator::builder().latency(1.0).throttling(true).in_memory();
    let (world, inputs) = world_on(emulator).await;
    let before = world.left().await;
    let tier = tier(with_certificate());
    let start = tokio::time::Instant::now();
    world.create(&tier, &inputs).await;
    let seconds = start.elapsed().as_secs();
    // What takes long is the load balancer; what hangs on it takes seconds more.
    assert!((130..300).contains(&seconds), "{seconds}");
    world.assert_settled(&tier, &inputs).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(world.left().await, before);
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn rules_are_there_long_before_the_load_balancer_is_active() {
    let (world, inputs) = world_on(Emulator::builder().latency(1.0).in_memory()).await;
    let begun = tokio::time::Instant::now();
    let tier = tier(Args::default());
    let rules = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            let calls = world.emulator.calls();
            if calls.iter().filter(|call| call.operation == "CreateRule").count() == 2 {
                return begun.elapsed().as_secs();
            }
        }
    };
    let (_, rules) = tokio::join!(world.create(&tier, &inputs), rules);
    assert!(rules < 60, "{rules}");
}

#[tokio::test(start_paused = true)]
async fn logs_go_with_their_bucket_old_versions_and_all() {
    let (world, inputs) = world().await;
    let before = world.left().await;
    let tier = tier(Args::default());
    world.create(&tier, &inputs).await;
    for key in ["AWSLogs/a.log.gz", "AWSLogs/b.log.gz"] {
        for _ in 0..2 {
            s3(&world).put_object().bucket(BUCKET).key(key).send().await.unwrap();
        }
    }
    s3(&world).delete_object().bucket(BUCKET).key("AWSLogs/a.log.gz").send().await.unwrap();
    tier.delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(world.left().await, before);
}

#[tokio::test(start_paused = true)]
async fn what_is_protected_stays_until_it_is_said_that_it_may_go() {
    let keep_logs = AccessLogs { delete_logs: false, ..AccessLogs::default() };
    for args in [
        Args { access_logs: keep_logs, ..Args::default() },
        Args { deletion_protection: true, ..Args::default() },
    ] {
        let (world, inputs) = world().await;
        let protected = tier(args);
        world.create(&protected, &inputs).await;
        world.assert_settled(&protected, &inputs).await;
        let there = world.left().await;
        let error = protected.delete(&world.engine, &inputs).await.unwrap_err();
        assert!(matches!(error, ComponentError::Engine(_)), "{error:?}");
        assert_eq!(world.left().await, there);
        // Saying so once is enough.
        world.create(&tier(Args::default()), &inputs).await;
        tier(Args::default()).delete(&world.engine, &inputs).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_protection_that_somebody_switched_on_stops_a_deletion_before_any_call() {
    let (world, inputs) = world().await;
    let tier = tier(Args::default());
    let arn = world.create(&tier, &inputs).await.alb_arn;
    let on = LoadBalancerAttribute::builder().key("deletion_protection.enabled").value("true").build();
    let change = elb(&world).modify_load_balancer_attributes().load_balancer_arn(arn.as_str());
    change.attributes(on).send().await.unwrap();
    world.mutations();
    let error = tier.delete(&world.engine, &inputs).await.unwrap_err().to_string();
    assert!(
        error.contains("alb/load-balancer (LoadBalancerAttributes as changed outside of this"),
        "{error}"
    );
    assert_eq!(world.mutations(), [""; 0]);
    world.assert_repaired(&tier, &inputs, &["alb/load-balancer: LoadBalancerAttributes"]).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn requests_go_to_blue_at_first_and_test_requests_to_green() {
    let (world, inputs) = world().await;
    let outputs = world.create(&tier(Args::default()), &inputs).await;
    let groups = [outputs.blue_target_group_arn.as_str(), outputs.green_target_group_arn.as_str()];
    let production = weights(&world, outputs.production_rule_arn.as_str(), groups).await;
    assert_eq!(production, [Some(100), Some(0)]);
    assert_eq!(weights(&world, outputs.test_rule_arn.as_str(), groups).await, [Some(0), Some(100)]);
}
