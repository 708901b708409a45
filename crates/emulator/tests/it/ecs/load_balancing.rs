//! Services behind load balancers: what they ask of target groups, rules and roles.

use aws_sdk_ecs::types::{
    AdvancedConfiguration, DeploymentConfiguration, DeploymentLifecycleHook, DeploymentLifecycleHookStage,
    DeploymentStrategy, LoadBalancer,
};
use aws_sdk_elasticloadbalancingv2 as elbv2;
use elbv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, LoadBalancerSchemeEnum, PathPatternConditionConfig,
    ProtocolEnum, RuleCondition, TargetGroupTuple, TargetTypeEnum,
};
use emulator::Emulator;

use super::{ACCOUNT, Shop, container, role, seconds};
use crate::lambda::Functions;
use crate::support::{REGION, code, config};

/// A shop with a load balancer, whose production and test rules forward to a blue and a green group.
pub(super) struct Front {
    pub(super) shop: Shop,
    pub(super) elb: elbv2::Client,
    pub(super) load_balancer: String,
    pub(super) listener: String,
    pub(super) blue: String,
    pub(super) green: String,
    pub(super) production: String,
    pub(super) test: String,
}

impl Front {
    pub(super) async fn new() -> Self {
        Front::of(Shop::new().await).await
    }

    /// With AWS's own times, and a load balancer that is active.
    pub(super) async fn at_aws_pace() -> Self {
        let front = Front::early().await;
        seconds(200).await;
        front
    }

    /// With AWS's own times, and a load balancer that is new.
    pub(super) async fn early() -> Self {
        Front::of(Shop::at_aws_pace().await).await
    }

    /// In an account of one's own, with a load balancer that is active.
    pub(super) async fn with(emulator: Emulator) -> Self {
        let front = Front::of(Shop::of(emulator).await).await;
        seconds(200).await;
        front
    }

    async fn of(mut shop: Shop) -> Self {
        let zone = shop.cloud.ec2.create_subnet().vpc_id(&shop.vpc).cidr_block("10.0.2.0/24");
        let zone = zone.availability_zone(format!("{REGION}b")).send().await.unwrap();
        shop.subnets[1] = zone.subnet.unwrap().subnet_id.unwrap();
        seconds(3).await;
        let elb = elbv2::Client::new(&config(&shop.cloud.emulator, REGION));
        let made = elb.create_load_balancer().name("front").scheme(LoadBalancerSchemeEnum::Internal);
        let made =
            made.security_groups(&shop.group).set_subnets(Some(shop.subnets.clone())).send().await.unwrap();
        let load_balancer = made.load_balancers()[0].load_balancer_arn().unwrap().to_owned();
        let blue = group(&elb, "blue", &shop.vpc, TargetTypeEnum::Ip).await;
        let green = group(&elb, "green", &shop.vpc, TargetTypeEnum::Ip).await;
        let listener =
            elb.create_listener().load_balancer_arn(&load_balancer).protocol(ProtocolEnum::Http).port(80);
        let listener = listener.default_actions(forward(&[(&blue, 100)])).send().await.unwrap();
        let listener = listener.listeners()[0].listener_arn().unwrap().to_owned();
        let production = rule(&elb, &listener, 10, forward(&[(&blue, 100), (&green, 0)])).await;
        let test = rule(&elb, &listener, 5, forward(&[(&blue, 100), (&green, 0)])).await;
        shop.task("web").send().await.unwrap();
        Front { shop, elb, load_balancer, listener, blue, green, production, test }
    }

    pub(super) fn balancer(&self) -> aws_sdk_ecs::types::builders::LoadBalancerBuilder {
        LoadBalancer::builder().target_group_arn(&self.blue).container_name("app").container_port(8080)
    }

    pub(super) fn advanced(&self) -> aws_sdk_ecs::types::builders::AdvancedConfigurationBuilder {
        AdvancedConfiguration::builder()
            .alternate_target_group_arn(&self.green)
            .production_listener_rule(&self.production)
            .test_listener_rule(&self.test)
            .role_arn(role("infrastructure"))
    }

    /// A service that moves traffic between its two groups.
    pub(super) fn shifting(
        &self,
        configuration: DeploymentConfiguration,
    ) -> aws_sdk_ecs::operation::create_service::builders::CreateServiceFluentBuilder {
        let balancer = self.balancer().advanced_configuration(self.advanced().build()).build();
        self.shop.service("web", "web").load_balancers(balancer).deployment_configuration(configuration)
    }

    /// How many targets a group has.
    pub(super) async fn targets(&self, group: &str) -> usize {
        let found = self.elb.describe_target_health().target_group_arn(group).send().await.unwrap();
        found.target_health_descriptions().len()
    }

    /// The weights of blue and green in a rule.
    pub(super) async fn weights(&self, rule: &str) -> (i32, i32) {
        let found = self.elb.describe_rules().rule_arns(rule).send().await.unwrap();
        let config = found.rules()[0].actions()[0].forward_config().unwrap().clone();
        let weight = |arn: &str| {
            let groups = config.target_groups();
            groups
                .iter()
                .find(|group| group.target_group_arn() == Some(arn))
                .map_or(-1, |group| group.weight().unwrap())
        };
        (weight(&self.blue), weight(&self.green))
    }
}

pub(super) async fn group(elb: &elbv2::Client, name: &str, vpc: &str, kind: TargetTypeEnum) -> String {
    let call = elb.create_target_group().name(name).vpc_id(vpc).protocol(ProtocolEnum::Http).port(8080);
    let made = call.target_type(kind).send().await.unwrap();
    made.target_groups()[0].target_group_arn().unwrap().to_owned()
}

pub(super) fn forward(groups: &[(&str, i32)]) -> Action {
    let tuple = |(arn, weight): &(&str, i32)| {
        TargetGroupTuple::builder().target_group_arn(*arn).weight(*weight).build()
    };
    let groups = groups.iter().map(tuple).collect();
    let config = ForwardActionConfig::builder().set_target_groups(Some(groups)).build();
    Action::builder().r#type(ActionTypeEnum::Forward).forward_config(config).build()
}

pub(super) async fn rule(elb: &elbv2::Client, listener: &str, priority: i32, action: Action) -> String {
    let path = PathPatternConditionConfig::builder().values("/*").build();
    let path = RuleCondition::builder().field("path-pattern").path_pattern_config(path).build();
    let call = elb.create_rule().listener_arn(listener).priority(priority).conditions(path).actions(action);
    call.send().await.unwrap().rules()[0].rule_arn().unwrap().to_owned()
}

pub(super) fn blue_green(bake: i32) -> DeploymentConfiguration {
    DeploymentConfiguration::builder()
        .strategy(DeploymentStrategy::BlueGreen)
        .bake_time_in_minutes(bake)
        .build()
}

#[tokio::test(start_paused = true)]
async fn load_balancers_are_refused_as_ecs_refuses_them() {
    let front = Front::new().await;
    let shop = &front.shop;
    let loose = group(&front.elb, "loose", &shop.vpc, TargetTypeEnum::Ip).await;
    let instances = group(&front.elb, "instances", &shop.vpc, TargetTypeEnum::Instance).await;
    rule(&front.elb, &front.listener, 20, forward(&[(&instances, 1)])).await;
    let missing = front.blue.replace("/blue/", "/none/");
    let with =
        async |balancer: LoadBalancer| code(shop.service("x", "web").load_balancers(balancer).send().await);
    let shifting = async |advanced: AdvancedConfiguration| {
        let balancer = front.balancer().advanced_configuration(advanced).build();
        let call = shop.service("x", "web").load_balancers(balancer).deployment_configuration(blue_green(0));
        code(call.send().await)
    };
    let functions = Functions::of(shop.cloud.emulator.clone());
    functions.create("check", &functions.role().await).send().await.unwrap();
    let hook = |function: &str, of: &str, stages: &[DeploymentLifecycleHookStage]| {
        DeploymentLifecycleHook::builder()
            .hook_target_arn(format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"))
            .role_arn(role(of))
            .set_lifecycle_stages(Some(stages.to_vec()))
            .build()
    };
    let stage = [DeploymentLifecycleHookStage::PostScaleUp];
    let hooked = async |hook: DeploymentLifecycleHook| {
        let configuration = DeploymentConfiguration::builder().strategy(DeploymentStrategy::BlueGreen);
        code(front.shifting(configuration.lifecycle_hooks(hook).build()).send().await)
    };
    let plain = shop.service("x", "web").load_balancers(front.balancer().build());
    let plain = plain.deployment_configuration(blue_green(0)).send().await;
    let advanced = || front.advanced();
    let rows = [
        ("group", with(front.balancer().target_group_arn(missing.clone()).build()).await),
        ("group without load balancer", with(front.balancer().target_group_arn(&loose).build()).await),
        ("group of instances", with(front.balancer().target_group_arn(&instances).build()).await),
        ("container", with(front.balancer().container_name("none").build()).await),
        ("port", with(front.balancer().container_port(81).build()).await),
        ("no advanced configuration", code(plain)),
        ("no alternate group", shifting(advanced().set_alternate_target_group_arn(None).build()).await),
        ("no production rule", shifting(advanced().set_production_listener_rule(None).build()).await),
        ("no role", shifting(advanced().set_role_arn(None).build()).await),
        ("alternate group", shifting(advanced().alternate_target_group_arn(missing).build()).await),
        (
            "alternate group without load balancer",
            shifting(advanced().alternate_target_group_arn(&loose).build()).await,
        ),
        ("the same group twice", shifting(advanced().alternate_target_group_arn(&front.blue).build()).await),
        ("listener", shifting(advanced().production_listener_rule(&front.listener).build()).await),
        (
            "rule",
            shifting(advanced().production_listener_rule(format!("{}0", front.production)).build()).await,
        ),
        ("test rule", shifting(advanced().test_listener_rule("").build()).await),
        ("the same rule twice", shifting(advanced().test_listener_rule(&front.production).build()).await),
        ("role that is not there", shifting(advanced().role_arn(role("none")).build()).await),
        ("role that ECS cannot assume", shifting(advanced().role_arn(role("execution")).build()).await),
        ("hook without stages", hooked(hook("check", "infrastructure", &[])).await),
        ("hook's role", hooked(hook("check", "execution", &stage)).await),
        ("hook's function", hooked(hook("none", "infrastructure", &stage)).await),
    ];
    for (rule, got) in rows {
        assert_eq!(got, "InvalidParameterException", "{rule}");
    }
    assert!(shop.ecs.list_services().cluster("shop").send().await.unwrap().service_arns().is_empty());
    assert_eq!(front.weights(&front.production).await, (100, 0));
}

#[tokio::test(start_paused = true)]
async fn tasks_are_registered_while_they_run() {
    let front = Front::new().await;
    let ecs = &front.shop.ecs;
    let create = front.shop.service("web", "web").load_balancers(front.balancer().build());
    let made = create.health_check_grace_period_seconds(60).send().await.unwrap().service.unwrap();
    assert_eq!(made.health_check_grace_period_seconds(), Some(60));
    assert_eq!(made.load_balancers(), [front.balancer().build()]);
    assert_eq!(front.targets(&front.blue).await, 2);
    ecs.update_service().cluster("shop").service("web").desired_count(1).send().await.unwrap();
    assert_eq!(front.targets(&front.blue).await, 1);
    ecs.update_service().cluster("shop").service("web").force_new_deployment(true).send().await.unwrap();
    assert_eq!(front.targets(&front.blue).await, 1);
    ecs.delete_service().cluster("shop").service("web").force(true).send().await.unwrap();
    assert_eq!(front.targets(&front.blue).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_is_steady_once_its_load_balancer_is_active() {
    let front = Front::early().await;
    let create = front.shop.service("web", "web").load_balancers(front.balancer().build());
    create.send().await.unwrap();
    seconds(80).await;
    let latest = front.shop.latest("web").await;
    assert_eq!(latest.status().unwrap().as_str(), "IN_PROGRESS");
    assert_eq!(front.shop.look("web").await.running_count(), 2);
    seconds(150).await;
    assert_eq!(front.shop.latest("web").await.status().unwrap().as_str(), "SUCCESSFUL");
}

#[tokio::test(start_paused = true)]
async fn targets_are_drained_before_tasks_stop() {
    let front = Front::at_aws_pace().await;
    front.shop.service("web", "web").load_balancers(front.balancer().build()).send().await.unwrap();
    seconds(80).await;
    let delete = front.shop.ecs.delete_service().cluster("shop").service("web").force(true);
    delete.send().await.unwrap();
    assert_eq!(front.targets(&front.blue).await, 0);
    // The group's deregistration delay is 300 s.
    seconds(290).await;
    assert_eq!(front.shop.look("web").await.status(), Some("DRAINING"));
    seconds(15).await;
    assert_eq!(front.shop.look("web").await.status(), Some("INACTIVE"));
    let again = front.elb.delete_load_balancer().load_balancer_arn(&front.load_balancer).send().await;
    assert_eq!(code(again), "ok");
}

#[tokio::test(start_paused = true)]
async fn keys_and_secrets_must_be_there() {
    let shop = Shop::of(Emulator::in_memory()).await;
    let configured = aws_sdk_ecs::types::ManagedStorageConfiguration::builder();
    let configured = configured.fargate_ephemeral_storage_kms_key_id("alias/none").build();
    let configured =
        aws_sdk_ecs::types::ClusterConfiguration::builder().managed_storage_configuration(configured);
    let cluster = shop.ecs.create_cluster().cluster_name("x").configuration(configured.build()).send().await;
    assert_eq!(code(cluster), "InvalidParameterException");

    let arn = "arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:db-AbCdEf";
    let secret = aws_sdk_ecs::types::Secret::builder().name("PASSWORD").value_from(arn).build().unwrap();
    let app = container("public.ecr.aws/nginx/nginx:1").secrets(secret).build();
    shop.task_of("web", app).execution_role_arn(role("execution")).send().await.unwrap();
    let made = shop.service("web", "web").send().await.unwrap().service.unwrap();
    assert_eq!(made.running_count(), 0);
    assert!(made.events()[0].message().unwrap().contains("ResourceInitializationError"));
}
