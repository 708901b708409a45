//! What somebody changes by hand is seen by a read, and repaired by an update.

use aws_sdk_ec2::types::{IpPermission, IpRange, Tag};
use engine::{Readiness, Resolved, Resource, Search};
use testing::{ACCOUNT, REGION, config, identity};
use vpc::resources::*;

use crate::life_cycles::{endpoint, vpc};
use crate::support::{Cloud, differing, intent, tags};

#[tokio::test(start_paused = true)]
async fn a_rule_in_the_default_security_group_is_stripped_again() {
    let cloud = Cloud::new();
    let wanted = DefaultSecurityGroup::<Resolved> {
        vpc_id: cloud.vpc().await,
        security_group_ingress: Vec::new(),
        security_group_egress: Vec::new(),
        tags: tags("payment-default-sg-dev"),
    };
    let outputs = cloud.make("default-security-group", &wanted).await;
    let rule = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(22)
        .to_port(22)
        .ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build())
        .build();
    let ec2 = cloud.cx.ec2();
    let request = ec2.authorize_security_group_ingress().group_id(outputs.group_id.as_str());
    request.ip_permissions(rule).send().await.unwrap();

    let live = wanted.read(&cloud.cx, &outputs).await.unwrap().unwrap();
    assert_eq!(differing(&wanted, &live), ["SecurityGroupIngress"]);
    assert_eq!(live.security_group_ingress[0].peer, "0.0.0.0/0");
    cloud.update(&wanted, &outputs).await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_was_opened_to_everybody_is_closed_again() {
    let cloud = Cloud::new();
    let (wanted, _) = endpoint(&cloud).await;
    let outputs = cloud.make("kms-endpoint", &wanted).await;
    let id = outputs.id.as_str();
    let default = cloud.cx.ec2().describe_security_groups();
    let default = default.filters(aws::ec2::filter("group-name", ["default"])).send().await.unwrap();
    let default = default.security_groups()[0].group_id().unwrap().to_owned();
    let open = cloud.cx.ec2().modify_vpc_endpoint().vpc_endpoint_id(id).reset_policy(true);
    open.private_dns_enabled(false).add_security_group_ids(default).send().await.unwrap();

    let live = wanted.read(&cloud.cx, &outputs).await.unwrap().unwrap();
    assert_eq!(differing(&wanted, &live), ["PolicyDocument", "PrivateDnsEnabled", "SecurityGroupIds"]);
    cloud.mutations();
    cloud.update(&wanted, &outputs).await;
    assert_eq!(cloud.mutations(), ["ModifyVpcEndpoint"]);
}

#[tokio::test(start_paused = true)]
async fn tags_that_somebody_changed_are_put_back_and_identity_tags_stay() {
    let cloud = Cloud::new();
    let outputs = cloud.make("vpc", &vpc()).await;
    let id = outputs.vpc_id.as_str();
    let ec2 = cloud.cx.ec2();
    let tag = |key, value| Tag::builder().key(key).value(value).build();
    let create = ec2.create_tags().resources(id).tags(tag("Name", "mine")).tags(tag("Extra", "1"));
    create.send().await.unwrap();
    let delete = ec2.delete_tags().resources(id).tags(Tag::builder().key("Environment").build());
    delete.send().await.unwrap();

    let live = vpc().read(&cloud.cx, &outputs).await.unwrap().unwrap();
    assert_eq!(differing(&vpc(), &live), ["Tags"]);
    cloud.update(&vpc(), &outputs).await;
    assert_eq!(vpc().find(&cloud.cx, &Search::made_by(&intent("vpc"))).await, Ok(Some(outputs)));
}

#[tokio::test(start_paused = true)]
async fn fifty_reads_of_one_kind_are_one_call() {
    let cloud = Cloud::new();
    let vpc_id = cloud.vpc().await;
    let mut subnets = Vec::new();
    for number in 0..50 {
        subnets
            .push(cloud.subnet(&format!("subnet-{number}"), &vpc_id, &format!("10.0.{number}.0/24")).await);
    }
    cloud.emulator.clear_calls();
    let cx = &cloud.cx;
    let reads = subnets.into_iter().map(|subnet_id| async move {
        let outputs = SubnetOutputs { subnet_id };
        assert!(matches!(Subnet::poll_ready(cx, &outputs).await.unwrap(), Readiness::Ready(_)));
    });
    futures::future::join_all(reads).await;
    assert_eq!(cloud.emulator.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_tier_needs_to_know_is_asked_of_aws() {
    let cloud = Cloud::new();
    let cx = aws::Context::connect(&config(&cloud.emulator), identity()).await.unwrap();
    assert_eq!((cx.account_id(), cx.partition(), cx.region()), (ACCOUNT, "aws", REGION));
    let zones = aws::zones(&cx).await.unwrap();
    assert_eq!(zones, ["ap-southeast-1a", "ap-southeast-1b", "ap-southeast-1c"]);
}
