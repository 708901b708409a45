//! What can be seen from outside: objects, calls, and the seam for layers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_ec2::error::SdkError;
use aws_sdk_xray::types::SamplingRuleUpdate;
use emulator::{Call, Emulator, Layer, Lost, Next, Object, Outcome, Refusal, Reply};

use crate::support::{Cloud, REGION, code, config, tagged};

#[tokio::test(start_paused = true)]
async fn objects_say_what_somebody_made_and_what_came_by_itself() {
    let cloud = Cloud::in_memory();
    let call = cloud.ec2.create_vpc().cidr_block("10.0.0.0/16");
    let call = call.tag_specifications(tagged("vpc", &[("Name", "dev-vpc"), ("A", "b")]));
    let vpc = call.send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
    cloud.role("flow").await;
    let objects = cloud.emulator.objects().await.unwrap();
    let made: Vec<&Object> = objects.iter().filter(|o| !o.made_by_default).collect();
    let [found, role] = made[..] else { panic!("{made:#?}") };
    assert_eq!((found.kind.as_str(), &found.id), ("AWS::EC2::VPC", &vpc));
    assert_eq!((found.service.as_str(), found.region.as_str()), ("ec2", REGION));
    assert_eq!(found.name.as_deref(), Some("dev-vpc"));
    assert_eq!(found.tags["A"], "b");
    assert_eq!((role.kind.as_str(), role.region.as_str()), ("AWS::IAM::Role", "global"));

    let whole = |o: &&Object| o.made_by_default && o.part_of.is_none();
    let mut by_default: Vec<&str> = objects.iter().filter(whole).map(|o| o.kind.as_str()).collect();
    by_default.sort_unstable();
    let wanted = ["AWS::EC2::NetworkAcl", "AWS::EC2::RouteTable", "AWS::EC2::SecurityGroup"];
    assert_eq!(by_default, wanted);
    assert!(objects.iter().any(|o| o.part_of.is_some()));
}

#[tokio::test(start_paused = true)]
async fn what_every_account_has_is_listed_once_somebody_has_changed_it() {
    let cloud = Cloud::in_memory();
    let config = config(&cloud.emulator, REGION);
    let (scheduler, xray) = (aws_sdk_scheduler::Client::new(&config), aws_sdk_xray::Client::new(&config));
    scheduler.get_schedule_group().name("default").send().await.unwrap();
    xray.get_sampling_rules().send().await.unwrap();
    assert_eq!(cloud.emulator.objects().await.unwrap(), []);

    let group = format!("arn:aws:scheduler:{REGION}:123456789012:schedule-group/default");
    let tag = aws_sdk_scheduler::types::Tag::builder().key("a").value("b").build().unwrap();
    scheduler.tag_resource().resource_arn(&group).tags(tag).send().await.unwrap();
    let rate = SamplingRuleUpdate::builder().rule_name("Default").fixed_rate(0.2).build();
    xray.update_sampling_rule().sampling_rule_update(rate).send().await.unwrap();
    let objects = cloud.emulator.objects().await.unwrap();
    let kinds: Vec<&str> = objects.iter().map(|object| object.kind.as_str()).collect();
    assert_eq!(kinds, ["AWS::Scheduler::ScheduleGroup", "AWS::XRay::SamplingRule"]);
    assert!(objects.iter().all(|object| object.made_by_default));

    scheduler.untag_resource().resource_arn(&group).tag_keys("a").send().await.unwrap();
    let rate = SamplingRuleUpdate::builder().rule_name("Default").fixed_rate(0.05).build();
    xray.update_sampling_rule().sampling_rule_update(rate).send().await.unwrap();
    assert_eq!(cloud.emulator.objects().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn the_call_log_says_what_was_asked_and_what_became_of_it() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let _ = cloud.ec2.delete_vpc().vpc_id("vpc-1").send().await;
    let secret = tagged("vpc", &[("db-password", "hunter2")]);
    let call = cloud.ec2.create_vpc().cidr_block("10.1.0.0/16");
    call.tag_specifications(secret).send().await.unwrap();
    cloud.ec2.describe_vpcs().send().await.unwrap();
    let calls = cloud.emulator.calls();
    let seen: Vec<_> = calls
        .iter()
        .map(|c| (c.sequence, c.service.as_str(), c.operation.as_str(), c.mutating, c.outcome.to_string()))
        .collect();
    let wanted = [
        (1, "ec2", "CreateVpc", true, "ok".to_owned()),
        (2, "ec2", "DeleteVpc", true, "InvalidVpcID.NotFound".to_owned()),
        (3, "ec2", "CreateVpc", true, "ok".to_owned()),
        (4, "ec2", "DescribeVpcs", false, "ok".to_owned()),
    ];
    assert_eq!(seen, wanted);
    assert_eq!(calls[0].region, REGION);
    assert_eq!(calls[0].parameters["CidrBlock"], "10.0.0.0/16");
    let text = format!("{calls:?}");
    assert!(!text.contains("hunter2") && text.contains("(redacted)"), "{text}");
    assert!(vpc.starts_with("vpc-"));

    cloud.emulator.clear_calls();
    cloud.ec2.describe_vpcs().send().await.unwrap();
    let sequences: Vec<u64> = cloud.emulator.calls().iter().map(|c| c.sequence).collect();
    assert_eq!(sequences, [5]);
}

#[tokio::test(start_paused = true)]
async fn the_same_calls_give_the_same_ids() {
    let (one, two) = (Cloud::in_memory(), Cloud::in_memory());
    assert_eq!(one.vpc().await, two.vpc().await);
    let seeded = Cloud::of(Emulator::builder().seed(7).in_memory());
    assert_ne!(seeded.vpc().await, Cloud::in_memory().vpc().await);
}

#[tokio::test(start_paused = true)]
async fn regions_do_not_see_each_other() {
    let cloud = Cloud::in_memory();
    cloud.vpc().await;
    let config = config(&cloud.emulator, "eu-west-1");
    let elsewhere = aws_sdk_ec2::Client::new(&config);
    assert_eq!(elsewhere.describe_vpcs().send().await.unwrap().vpcs(), []);
}

/// Takes a second, lets every third call be answered and the answer lost, refuses every fourth.
struct Weather {
    calls: Arc<AtomicU32>,
}

#[async_trait]
impl Layer for Weather {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        tokio::time::sleep(Duration::from_secs(1)).await;
        match self.calls.fetch_add(1, Ordering::Relaxed) % 4 {
            2 => next.run(call).await.and(Err(Lost::ConnectionReset)),
            3 => Ok(call.refuse(Refusal::new("RequestLimitExceeded", "slow down").with_status(503))),
            _ => next.run(call).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_can_delay_lose_and_refuse() {
    let calls = Arc::new(AtomicU32::new(0));
    let layer = Weather { calls: calls.clone() };
    let cloud = Cloud::of(Emulator::builder().layer(layer).in_memory());
    let start = tokio::time::Instant::now();
    cloud.vpc().await;
    cloud.vpc().await;
    let make = || cloud.ec2.create_vpc().cidr_block("10.0.0.0/16").send();
    assert!(matches!(make().await, Err(SdkError::DispatchFailure(_))));
    assert_eq!(code(make().await), "RequestLimitExceeded");
    assert_eq!(start.elapsed(), Duration::from_secs(4));
    // The lost answer's effect is there.
    let found = cloud.ec2.describe_vpcs().send().await.unwrap();
    assert_eq!(found.vpcs().len(), 3);
    let outcomes: Vec<Outcome> = cloud.emulator.calls().into_iter().map(|c| c.outcome).collect();
    assert_eq!(outcomes[2], Outcome::Lost(Lost::ConnectionReset));
    assert_eq!(outcomes[3], Outcome::Error("RequestLimitExceeded".to_owned()));
}

/// Allows one VPC, by looking at the state that the call will meet.
struct OneVpc;

#[async_trait]
impl Layer for OneVpc {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        let objects = next.world().objects().await.unwrap();
        let state = next.world().state("ec2", &call.region).await.unwrap().unwrap();
        let vpcs = objects.iter().filter(|o| o.kind == "AWS::EC2::VPC").count();
        assert_eq!(state["vpcs"].as_object().unwrap().len(), vpcs);
        match call.operation.as_str() {
            "CreateVpc" if vpcs > 0 => Ok(call.refuse(Refusal::new("VpcLimitExceeded", "one is enough"))),
            _ => next.run(call).await,
        }
    }
}

#[tokio::test]
async fn a_rule_sees_the_state_that_its_call_will_meet() {
    let directory = tempfile::tempdir().unwrap();
    for emulator in [
        Emulator::builder().rule(OneVpc).in_memory(),
        Emulator::builder().rule(OneVpc).open(directory.path()).unwrap(),
    ] {
        let cloud = Cloud::of(emulator);
        let make = || cloud.ec2.create_vpc().cidr_block("10.0.0.0/16").send();
        let (a, b, c) = tokio::join!(make(), make(), make());
        let codes = [code(a), code(b), code(c)];
        assert_eq!(codes.iter().filter(|code| *code == "ok").count(), 1, "{codes:?}");
    }
}

#[tokio::test]
async fn a_layer_sees_the_state_too() {
    struct Looks;
    #[async_trait]
    impl Layer for Looks {
        async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
            let before = next.world().objects().await.unwrap().len();
            let reply = next.run(call).await;
            let after = next.world().objects().await.unwrap().len();
            assert!(call.operation != "CreateVpc" || after > before);
            reply
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let cloud = Cloud::of(Emulator::builder().layer(Looks).open(directory.path()).unwrap());
    cloud.vpc().await;
}
