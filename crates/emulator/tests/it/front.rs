//! What the tests of load balancers and web ACLs begin with: a VPC, subnets in three zones, a security group.

use std::time::Duration;

use aws_sdk_elasticloadbalancingv2 as elbv2;
use aws_sdk_elasticloadbalancingv2::operation::create_listener::builders::CreateListenerFluentBuilder;
use aws_sdk_elasticloadbalancingv2::operation::create_load_balancer::builders::CreateLoadBalancerFluentBuilder;
use aws_sdk_elasticloadbalancingv2::operation::create_rule::builders::CreateRuleFluentBuilder;
use aws_sdk_elasticloadbalancingv2::operation::create_target_group::builders::CreateTargetGroupFluentBuilder;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, FixedResponseActionConfig, PathPatternConditionConfig, ProtocolEnum,
    RuleCondition, TargetTypeEnum,
};
use emulator::Emulator;

use crate::support::{Cloud, REGION, allow, config, policy};

pub(crate) const CERTIFICATE: &str =
    "arn:aws:acm:ap-southeast-1:123456789012:certificate/12345678-1234-1234-1234-123456789012";

pub(crate) struct Front {
    pub(crate) cloud: Cloud,
    pub(crate) elb: elbv2::Client,
    pub(crate) waf: aws_sdk_wafv2::Client,
    pub(crate) vpc: String,
    pub(crate) gateway: String,
    /// One in each zone.
    pub(crate) subnets: Vec<String>,
    pub(crate) group: String,
}

impl Front {
    pub(crate) async fn in_memory() -> Self {
        Front::of(Emulator::in_memory()).await
    }

    /// At AWS's own pace.
    pub(crate) async fn at_aws_pace() -> Self {
        Front::of(Emulator::builder().latency(1.0).in_memory()).await
    }

    pub(crate) async fn of(emulator: Emulator) -> Self {
        let config = config(&emulator, REGION);
        let cloud = Cloud::of(emulator);
        let vpc = cloud.vpc().await;
        // Until what is new is seen, if that takes time.
        seconds(3).await;
        let gateway = cloud.ec2.create_internet_gateway().send().await.unwrap();
        let gateway = gateway.internet_gateway.unwrap().internet_gateway_id.unwrap();
        seconds(3).await;
        let attach = cloud.ec2.attach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&vpc);
        attach.send().await.unwrap();
        let mut subnets = Vec::new();
        for (at, zone) in ["a", "b", "c"].into_iter().enumerate() {
            subnets.push(subnet(&cloud, &vpc, &format!("10.0.{at}.0/24"), zone).await);
        }
        let group = cloud.group(&vpc, "balancer").await;
        seconds(3).await;
        let elb = elbv2::Client::new(&config);
        let waf = aws_sdk_wafv2::Client::new(&config);
        Front { cloud, elb, waf, vpc, gateway, subnets, group }
    }

    /// An internet-facing one in the first two subnets.
    pub(crate) fn load_balancer(&self, name: &str) -> CreateLoadBalancerFluentBuilder {
        let call = self.elb.create_load_balancer().name(name).security_groups(&self.group);
        call.subnets(&self.subnets[0]).subnets(&self.subnets[1])
    }

    pub(crate) async fn made_load_balancer(&self, name: &str) -> String {
        let made = self.load_balancer(name).send().await.unwrap();
        made.load_balancers()[0].load_balancer_arn().unwrap().to_owned()
    }

    pub(crate) fn target_group(&self, name: &str) -> CreateTargetGroupFluentBuilder {
        let call = self.elb.create_target_group().name(name).vpc_id(&self.vpc);
        call.protocol(ProtocolEnum::Http).port(8080).target_type(TargetTypeEnum::Ip)
    }

    pub(crate) async fn made_target_group(&self, name: &str) -> String {
        let made = self.target_group(name).send().await.unwrap();
        made.target_groups()[0].target_group_arn().unwrap().to_owned()
    }

    pub(crate) fn listener(&self, load_balancer: &str, port: i32) -> CreateListenerFluentBuilder {
        let call = self.elb.create_listener().load_balancer_arn(load_balancer);
        call.protocol(ProtocolEnum::Http).port(port)
    }

    /// One that answers 404.
    pub(crate) async fn made_listener(&self, load_balancer: &str, port: i32) -> String {
        let made = self.listener(load_balancer, port).default_actions(not_found()).send().await.unwrap();
        made.listeners()[0].listener_arn().unwrap().to_owned()
    }

    /// Makes a bucket into which load balancers may write their logs under a prefix.
    pub(crate) async fn log_bucket(&self, name: &str, prefix: &str) -> aws_sdk_s3::Client {
        let files = format!("arn:aws:s3:::{name}/{prefix}/AWSLogs/123456789012/*");
        let service = "logdelivery.elasticloadbalancing.amazonaws.com";
        self.cloud.bucket_with(name, &policy(&[&allow(service, &["s3:PutObject"], &files)])).await
    }

    pub(crate) fn rule(&self, listener: &str, priority: i32) -> CreateRuleFluentBuilder {
        self.elb.create_rule().listener_arn(listener).priority(priority)
    }

    /// One for a path, that answers 404.
    pub(crate) async fn made_rule(&self, listener: &str, priority: i32) -> String {
        let call = self.rule(listener, priority).conditions(path("/pay/*")).actions(not_found());
        call.send().await.unwrap().rules()[0].rule_arn().unwrap().to_owned()
    }
}

pub(crate) async fn subnet(cloud: &Cloud, vpc: &str, block: &str, zone: &str) -> String {
    let call = cloud.ec2.create_subnet().vpc_id(vpc).cidr_block(block);
    let made = call.availability_zone(format!("{REGION}{zone}")).send().await.unwrap();
    made.subnet.unwrap().subnet_id.unwrap()
}

pub(crate) async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}

pub(crate) fn action(kind: ActionTypeEnum) -> elbv2::types::builders::ActionBuilder {
    Action::builder().r#type(kind)
}

pub(crate) fn forward(target_group: &str) -> Action {
    action(ActionTypeEnum::Forward).target_group_arn(target_group).build()
}

pub(crate) fn not_found() -> Action {
    let config = FixedResponseActionConfig::builder().status_code("404").content_type("text/plain");
    action(ActionTypeEnum::FixedResponse).fixed_response_config(config.message_body("no").build()).build()
}

pub(crate) fn path(pattern: &str) -> RuleCondition {
    let config = PathPatternConditionConfig::builder().values(pattern).build();
    RuleCondition::builder().field("path-pattern").path_pattern_config(config).build()
}
