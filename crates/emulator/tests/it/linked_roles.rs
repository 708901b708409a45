//! Roles that belong to services, in an account that never had them, at AWS's own pace.

use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ServiceNamespace,
    TargetTrackingScalingPolicyConfiguration,
};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use emulator::Emulator;

use crate::ecs::{Shop, seconds};
use crate::front::Front;
use crate::support::{Cloud, REGION, config};

/// Longer than services take to know a role.
const KNOWN: u64 = 13;

fn cloud() -> Cloud {
    Cloud::of(Emulator::builder().latency(1.0).in_memory())
}

/// Code and message of a refusal.
fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata, R>(
    answer: Result<T, SdkError<E, R>>,
) -> (String, String) {
    let Err(error) = answer else { panic!("it is not refused") };
    (error.code().unwrap().to_owned(), error.message().unwrap().to_owned())
}

impl Cloud {
    async fn has_role(&self, name: &str) -> bool {
        self.iam.get_role().role_name(name).send().await.is_ok()
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_cluster_of_ecs_makes_its_role_and_is_refused() {
    let cloud = cloud();
    let ecs = aws_sdk_ecs::Client::new(&config(&cloud.emulator, REGION));
    let create = || ecs.create_cluster().cluster_name("shop").send();
    assert!(!cloud.has_role("AWSServiceRoleForECS").await);
    let (code, message) = refusal(create().await);
    assert_eq!(code, "InvalidParameterException");
    assert!(message.starts_with("Unable to assume the service linked role."), "{message}");
    assert!(cloud.has_role("AWSServiceRoleForECS").await);
    let found = ecs.describe_clusters().clusters("shop").send().await.unwrap();
    assert_eq!(found.failures()[0].reason(), Some("MISSING"));
    seconds(KNOWN).await;
    create().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_role_that_was_made_beforehand_is_known_once_it_is_old_enough() {
    let cloud = cloud();
    let ecs = aws_sdk_ecs::Client::new(&config(&cloud.emulator, REGION));
    cloud.link("ecs.amazonaws.com").await;
    assert_eq!(
        refusal(ecs.create_cluster().cluster_name("shop").send().await).0,
        "InvalidParameterException"
    );
    seconds(KNOWN).await;
    ecs.create_cluster().cluster_name("shop").send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_first_objects_of_rds_make_its_role_and_are_refused() {
    let cloud = cloud();
    let rds = aws_sdk_rds::Client::new(&config(&cloud.emulator, REGION));
    let vpc = cloud.vpc().await;
    seconds(3).await;
    let mut subnets = Vec::new();
    for (zone, block) in [("a", "10.0.0.0/24"), ("b", "10.0.1.0/24")] {
        let call = cloud.ec2.create_subnet().vpc_id(&vpc).cidr_block(block);
        let made = call.availability_zone(format!("{REGION}{zone}")).send().await.unwrap();
        subnets.push(made.subnet.unwrap().subnet_id.unwrap());
    }
    seconds(3).await;
    let group = rds.create_db_subnet_group().db_subnet_group_name("db").db_subnet_group_description("x");
    let group = group.set_subnet_ids(Some(subnets));
    let cluster = rds.create_db_cluster().db_cluster_identifier("db").engine("aurora-postgresql");
    let cluster = cluster.db_subnet_group_name("db").master_username("m").manage_master_user_password(true);
    for (code, message) in [refusal(group.clone().send().await), refusal(cluster.clone().send().await)] {
        assert_eq!(code, "InvalidParameterValue");
        assert!(
            message.starts_with("Unable to create the resource. Verify that you have permission"),
            "{message}"
        );
    }
    assert!(cloud.has_role("AWSServiceRoleForRDS").await);
    seconds(KNOWN).await;
    group.send().await.unwrap();
    cluster.send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_first_scalable_target_is_refused_and_its_first_policy_too() {
    const RESOURCE: &str = "service/shop/web";
    let shop = Shop::without_scaling_role(Emulator::builder().latency(1.0).in_memory()).await;
    shop.task("web").send().await.unwrap();
    shop.service("web", "web").send().await.unwrap();
    let client = aws_sdk_applicationautoscaling::Client::new(&config(&shop.cloud.emulator, REGION));
    let register = client
        .register_scalable_target()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(RESOURCE)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .min_capacity(1)
        .max_capacity(3);
    let (code, message) = refusal(register.clone().send().await);
    assert_eq!(code, "ValidationException");
    assert!(message.starts_with("Unable to assume IAM role: arn:aws:iam::123456789012:role/"), "{message}");
    seconds(KNOWN).await;
    register.send().await.unwrap();

    let metric = PredefinedMetricSpecification::builder();
    let metric = metric.predefined_metric_type(MetricType::EcsServiceAverageCpuUtilization);
    let tracking = TargetTrackingScalingPolicyConfiguration::builder().target_value(60.0);
    let tracking = tracking.predefined_metric_specification(metric.build().unwrap()).build().unwrap();
    let put = client
        .put_scaling_policy()
        .policy_name("cpu")
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(RESOURCE)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .policy_type(PolicyType::TargetTrackingScaling)
        .target_tracking_scaling_policy_configuration(tracking);
    assert_eq!(refusal(put.clone().send().await).0, "FailedResourceAccessException");
    seconds(41).await;
    put.send().await.unwrap();
    let listed = client.describe_scaling_policies().service_namespace(ServiceNamespace::Ecs).send().await;
    assert_eq!(listed.unwrap().scaling_policies().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_log_of_a_web_acl_is_refused() {
    use aws_sdk_wafv2::types::{AllowAction, DefaultAction, LoggingConfiguration, Scope, VisibilityConfig};
    let front = Front::at_aws_pace().await;
    let seen = VisibilityConfig::builder().sampled_requests_enabled(false).cloud_watch_metrics_enabled(false);
    let allow = DefaultAction::builder().allow(AllowAction::builder().build()).build();
    let made = front.waf.create_web_acl().name("a").scope(Scope::Regional).default_action(allow);
    let made = made.visibility_config(seen.metric_name("a").build().unwrap()).send().await.unwrap();
    let acl = made.summary.unwrap().arn.unwrap();
    front.cloud.logs.create_log_group().log_group_name("aws-waf-logs-a").send().await.unwrap();
    seconds(60).await;
    let group = "arn:aws:logs:ap-southeast-1:123456789012:log-group:aws-waf-logs-a";
    let logging = LoggingConfiguration::builder().resource_arn(acl).log_destination_configs(group);
    let logging = logging.build().unwrap();
    let put = || front.waf.put_logging_configuration().logging_configuration(logging.clone()).send();
    assert_eq!(refusal(put().await).0, "WAFServiceLinkedRoleErrorException");
    assert!(front.cloud.has_role("AWSServiceRoleForWAFV2Logging").await);
    seconds(KNOWN).await;
    put().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn load_balancers_make_their_role_without_a_refusal() {
    let front = Front::at_aws_pace().await;
    front.made_load_balancer("a").await;
    assert!(front.cloud.has_role("AWSServiceRoleForElasticLoadBalancing").await);
}
