//! Services: what comes back, what is refused, and what may be repeated.

use aws_sdk_ecs::types::{
    AssignPublicIp, AvailabilityZoneRebalancing, AwsVpcConfiguration, CapacityProviderStrategyItem,
    DeploymentAlarms, DeploymentCircuitBreaker, DeploymentConfiguration, DeploymentStrategy, LaunchType,
    NetworkConfiguration, PropagateTags, SchedulingStrategy, Service, ServiceField, TaskField,
};
use emulator::Emulator;

use super::{Shop, tag};
use crate::rows::check;
use crate::support::code;

async fn shop_with_web() -> Shop {
    let shop = Shop::new().await;
    shop.task("web").send().await.unwrap();
    shop
}

fn percents(most: i32, least: i32) -> DeploymentConfiguration {
    DeploymentConfiguration::builder().maximum_percent(most).minimum_healthy_percent(least).build()
}

#[tokio::test(start_paused = true)]
async fn everything_that_a_service_is_told_comes_back() {
    let shop = shop_with_web().await;
    let alarms = DeploymentAlarms::builder().alarm_names("5xx").enable(true).rollback(true).build().unwrap();
    let breaker = DeploymentCircuitBreaker::builder().enable(true).rollback(true).build();
    let configuration = DeploymentConfiguration::builder()
        .deployment_circuit_breaker(breaker)
        .maximum_percent(150)
        .minimum_healthy_percent(50)
        .alarms(alarms)
        .strategy(DeploymentStrategy::Rolling)
        .bake_time_in_minutes(5)
        .build();
    let made = shop
        .service("web", "web")
        .client_token("once")
        .platform_version("1.4.0")
        .deployment_configuration(configuration.clone())
        .availability_zone_rebalancing(AvailabilityZoneRebalancing::Disabled)
        .tags(tag("Tier", "ecs"))
        .enable_ecs_managed_tags(true)
        .propagate_tags(PropagateTags::Service)
        .enable_execute_command(true)
        .send()
        .await
        .unwrap()
        .service
        .unwrap();
    assert_eq!(made.service_arn(), Some("arn:aws:ecs:ap-southeast-1:123456789012:service/shop/web"));
    let describe = shop.ecs.describe_services().cluster("shop").services("web").include(ServiceField::Tags);
    let found = describe.send().await.unwrap().services.unwrap().remove(0);
    assert_eq!(found, made);
    assert_eq!(found.status(), Some("ACTIVE"));
    assert_eq!((found.desired_count(), found.running_count(), found.pending_count()), (2, 2, 0));
    assert_eq!(found.launch_type(), Some(&LaunchType::Fargate));
    assert_eq!(
        found.network_configuration().unwrap().awsvpc_configuration().unwrap().subnets(),
        shop.subnets
    );
    assert_eq!(found.deployment_configuration(), Some(&configuration));
    assert_eq!(found.availability_zone_rebalancing(), Some(&AvailabilityZoneRebalancing::Disabled));
    assert_eq!(found.tags(), [tag("Tier", "ecs")]);
    assert!(found.enable_ecs_managed_tags() && found.enable_execute_command());
    assert_eq!(found.propagate_tags(), Some(&PropagateTags::Service));
    assert_eq!(found.deployments().len(), 1);
    assert!(found.events()[0].message().unwrap().contains("steady state"));

    // Its tasks: spread over the subnets, with an interface each and the tags of the service.
    let listed = shop.ecs.list_tasks().cluster("shop").service_name("web").send().await.unwrap();
    let tasks =
        shop.ecs.describe_tasks().cluster("shop").set_tasks(listed.task_arns).include(TaskField::Tags);
    let tasks = tasks.send().await.unwrap().tasks.unwrap();
    assert_eq!(tasks.len(), 2);
    let detail = |index: usize, name: &str| {
        let details = tasks[index].attachments()[0].details();
        details.iter().find(|one| one.name() == Some(name)).unwrap().value().unwrap().to_owned()
    };
    let mut subnets = vec![detail(0, "subnetId"), detail(1, "subnetId")];
    subnets.sort();
    let mut expected = shop.subnets.clone();
    expected.sort();
    assert_eq!(subnets, expected);
    assert!(tasks[0].tags().contains(&tag("Tier", "ecs")));
    assert!(tasks[0].tags().contains(&tag("aws:ecs:serviceName", "web")));
    assert_eq!(shop.interfaces().await, 2);
    let delete = shop.cloud.ec2.delete_subnet().subnet_id(&shop.subnets[0]).send().await;
    assert_eq!(code(delete), "DependencyViolation");
    let delete = shop.cloud.ec2.delete_security_group().group_id(&shop.group).send().await;
    assert_eq!(code(delete), "DependencyViolation");

    let update = shop.ecs.tag_resource().resource_arn(found.service_arn().unwrap()).tags(tag("Owner", "me"));
    update.send().await.unwrap();
    let untag = shop.ecs.untag_resource().resource_arn(found.service_arn().unwrap()).tag_keys("Tier");
    untag.send().await.unwrap();
    let tags =
        shop.ecs.list_tags_for_resource().resource_arn(found.service_arn().unwrap()).send().await.unwrap();
    assert_eq!(tags.tags(), [tag("Owner", "me")]);
}

#[tokio::test(start_paused = true)]
async fn services_refuse_what_ecs_refuses() {
    let shop = shop_with_web().await;
    shop.task("old").send().await.unwrap();
    shop.ecs.deregister_task_definition().task_definition("old:1").send().await.unwrap();
    let elsewhere = shop.cloud.vpc_with("10.9.0.0/16").await;
    let elsewhere = shop.cloud.subnet(&elsewhere, "10.9.0.0/24").await;
    let network = |subnets: &[&str], group: &str| {
        let subnets = subnets.iter().map(|id| (*id).to_owned()).collect();
        let inside = AwsVpcConfiguration::builder().set_subnets(Some(subnets)).security_groups(group);
        NetworkConfiguration::builder().awsvpc_configuration(inside.build().unwrap()).build()
    };
    let new = || shop.service("x", "web");
    let own = shop.subnets[0].as_str();
    let spot =
        CapacityProviderStrategyItem::builder().capacity_provider("FARGATE_SPOT").weight(1).build().unwrap();
    let strategy = |strategy| DeploymentConfiguration::builder().strategy(strategy);
    let no_alarms = DeploymentAlarms::builder().set_alarm_names(Some(vec![])).enable(true).rollback(true);
    let no_alarms = DeploymentConfiguration::builder().alarms(no_alarms.build().unwrap()).build();
    let bake = strategy(DeploymentStrategy::BlueGreen).bake_time_in_minutes(1441).build();
    let invalid = "InvalidParameterException";
    let rows = [
        ("cluster", "ClusterNotFoundException", code(new().cluster("none").send().await)),
        ("name", invalid, code(shop.service("a b", "web").send().await)),
        ("task definition", "ClientException", code(shop.service("x", "none").send().await)),
        ("inactive task definition", "ClientException", code(shop.service("x", "old:1").send().await)),
        ("no desired count", invalid, code(new().set_desired_count(None).send().await)),
        ("negative count", invalid, code(new().desired_count(-1).send().await)),
        ("no network", invalid, code(new().set_network_configuration(None).send().await)),
        (
            "subnet",
            invalid,
            code(new().network_configuration(network(&["subnet-0"], &shop.group)).send().await),
        ),
        ("group", invalid, code(new().network_configuration(network(&[own], "sg-0")).send().await)),
        (
            "two VPCs",
            invalid,
            code(new().network_configuration(network(&[own, &elsewhere], &shop.group)).send().await),
        ),
        (
            "group of another VPC",
            invalid,
            code(new().network_configuration(network(&[&elsewhere], &shop.group)).send().await),
        ),
        (
            "launch type and strategy",
            invalid,
            code(new().capacity_provider_strategy(spot.clone()).send().await),
        ),
        (
            "provider that the cluster has not",
            invalid,
            code(new().set_launch_type(None).capacity_provider_strategy(spot).send().await),
        ),
        ("neither", invalid, code(new().set_launch_type(None).send().await)),
        ("launch type", "UnknownParameter", code(new().launch_type(LaunchType::Ec2).send().await)),
        ("daemon", invalid, code(new().scheduling_strategy(SchedulingStrategy::Daemon).send().await)),
        ("platform", "PlatformUnknownException", code(new().platform_version("9.9.9").send().await)),
        ("grace period", invalid, code(new().health_check_grace_period_seconds(60).send().await)),
        ("percents", invalid, code(new().deployment_configuration(percents(100, 100)).send().await)),
        ("room", invalid, code(new().deployment_configuration(percents(90, 50)).send().await)),
        ("room to rebalance", invalid, code(new().deployment_configuration(percents(100, 50)).send().await)),
        ("bake time", invalid, code(new().deployment_configuration(bake).send().await)),
        ("alarms", invalid, code(new().deployment_configuration(no_alarms).send().await)),
        ("token", invalid, code(new().client_token("a b").send().await)),
        ("tag", invalid, code(new().tags(tag("aws:x", "")).send().await)),
    ];
    check(rows);
    assert!(shop.ecs.list_services().cluster("shop").send().await.unwrap().service_arns().is_empty());
    assert_eq!(shop.interfaces().await, 0);

    let ecs = &shop.ecs;
    shop.service("web", "web").send().await.unwrap();
    let update = || ecs.update_service().cluster("shop").service("web");
    let many = (0..11).map(|number| number.to_string()).collect();
    let rows = [
        ("update unknown", "ServiceNotFoundException", code(update().service("none").send().await)),
        ("update cluster", "ClusterNotFoundException", code(update().cluster("none").send().await)),
        ("update task definition", "ClientException", code(update().task_definition("old:1").send().await)),
        (
            "update percents",
            invalid,
            code(update().deployment_configuration(percents(100, 100)).send().await),
        ),
        ("update platform", "PlatformUnknownException", code(update().platform_version("0").send().await)),
        (
            "delete unknown",
            "ServiceNotFoundException",
            code(ecs.delete_service().cluster("shop").service("none").send().await),
        ),
        (
            "delete with tasks",
            invalid,
            code(ecs.delete_service().cluster("shop").service("web").send().await),
        ),
        (
            "too many",
            invalid,
            code(ecs.describe_services().cluster("shop").set_services(Some(many)).send().await),
        ),
        (
            "cluster in use",
            "ClusterContainsServicesException",
            code(ecs.delete_cluster().cluster("shop").send().await),
        ),
        (
            "deployments",
            "ServiceNotFoundException",
            code(ecs.list_service_deployments().cluster("shop").service("none").send().await),
        ),
        (
            "stop",
            "ServiceDeploymentNotFoundException",
            code(ecs.stop_service_deployment().service_deployment_arn("none").send().await),
        ),
    ];
    check(rows);
}

#[tokio::test(start_paused = true)]
async fn a_token_repeats_an_answer_and_a_name_is_taken() {
    let shop = shop_with_web().await;
    let create = |token: &str| shop.service("web", "web").client_token(token);
    let first: Service = create("one").send().await.unwrap().service.unwrap();
    let again = create("one").send().await.unwrap().service.unwrap();
    assert_eq!(first, again);
    assert_eq!(shop.interfaces().await, 2);
    let other = create("one").desired_count(3).send().await;
    assert_eq!(code(other), "InvalidParameterException");
    assert_eq!(code(create("two").send().await), "InvalidParameterException");
    assert_eq!(code(shop.service("web", "web").send().await), "InvalidParameterException");

    shop.ecs.delete_service().cluster("shop").service("web").force(true).send().await.unwrap();
    assert_eq!(shop.look("web").await.status(), Some("INACTIVE"));
    assert_eq!(shop.interfaces().await, 0);
    let update = shop.ecs.update_service().cluster("shop").service("web").desired_count(1).send().await;
    assert_eq!(code(update), "ServiceNotFoundException");
    // The token was for the service that is gone.
    let new = create("one").send().await.unwrap().service.unwrap();
    assert_eq!(new.status(), Some("ACTIVE"));
    assert_eq!(shop.interfaces().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_capacity_provider_strategy_stands_in_for_a_launch_type() {
    let shop = shop_with_web().await;
    let item = |name: &str| {
        CapacityProviderStrategyItem::builder().capacity_provider(name).weight(1).build().unwrap()
    };
    let put = shop.ecs.put_cluster_capacity_providers().cluster("shop").capacity_providers("FARGATE");
    put.default_capacity_provider_strategy(item("FARGATE")).send().await.unwrap();
    shop.service("web", "web").set_launch_type(None).send().await.unwrap();
    let found = shop.look("web").await;
    assert_eq!(found.launch_type(), None);
    assert_eq!(found.capacity_provider_strategy(), [item("FARGATE")]);
    let take_away = shop.ecs.put_cluster_capacity_providers().cluster("shop");
    let take_away = take_away.set_capacity_providers(Some(vec![]));
    let taken = take_away.set_default_capacity_provider_strategy(Some(vec![])).send().await;
    assert_eq!(code(taken), "ResourceInUseException");
    let back = shop.ecs.update_service().cluster("shop").service("web").force_new_deployment(true);
    back.set_capacity_provider_strategy(Some(vec![])).send().await.unwrap();
    let found = shop.look("web").await;
    assert_eq!(found.launch_type().map(|kind| kind.as_str()), Some("FARGATE"));
    assert!(found.capacity_provider_strategy().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_public_address_keeps_the_internet_gateway() {
    let shop = shop_with_web().await;
    let gateway = shop.gateway.clone();
    let inside =
        AwsVpcConfiguration::builder().subnets(&shop.subnets[0]).assign_public_ip(AssignPublicIp::Enabled);
    let network = NetworkConfiguration::builder().awsvpc_configuration(inside.build().unwrap()).build();
    shop.service("web", "web").network_configuration(network).send().await.unwrap();
    let detach = || shop.cloud.ec2.detach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&shop.vpc);
    assert_eq!(code(detach().send().await), "DependencyViolation");
    let scale = |count| shop.ecs.update_service().cluster("shop").service("web").desired_count(count);
    assert_eq!(scale(0).send().await.unwrap().service.unwrap().running_count(), 0);
    assert_eq!(code(detach().send().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn services_survive_in_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let (service, deployment) = {
        let shop = Shop::of(Emulator::open(directory.path()).unwrap()).await;
        shop.task("web").tags(tag("a", "b")).send().await.unwrap();
        shop.service("web", "web").client_token("one").send().await.unwrap();
        (shop.look("web").await, shop.latest("web").await)
    };
    let emulator = Emulator::open(directory.path()).unwrap();
    let ecs = aws_sdk_ecs::Client::new(&crate::support::config(&emulator, crate::support::REGION));
    let found = ecs.describe_services().cluster("shop").services("web").send().await.unwrap();
    assert_eq!(found.services(), [service]);
    let arn = deployment.service_deployment_arn().unwrap();
    let found = ecs.describe_service_deployments().service_deployment_arns(arn).send().await.unwrap();
    assert_eq!(found.service_deployments(), [deployment]);
}

#[tokio::test(start_paused = true)]
async fn objects_are_what_somebody_made() {
    let shop = shop_with_web().await;
    shop.service("web", "web").tags(tag("Tier", "ecs")).send().await.unwrap();
    let objects = shop.cloud.emulator.objects().await.unwrap();
    let mine: Vec<(String, String)> = objects
        .into_iter()
        .filter(|object| object.service == "ecs")
        .map(|object| (object.kind, object.id))
        .collect();
    let arn = |resource: &str| format!("arn:aws:ecs:ap-southeast-1:123456789012:{resource}");
    let expected = [
        ("AWS::ECS::Cluster".to_owned(), "shop".to_owned()),
        ("AWS::ECS::Service".to_owned(), arn("service/shop/web")),
        ("AWS::ECS::TaskDefinition".to_owned(), arn("task-definition/web:1")),
    ];
    assert_eq!(mine, expected);
}
