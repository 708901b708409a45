//! Faults that somebody makes in the account behind the program's back.

use aws_sdk_apigateway::types::{Op, PatchOperation};
use aws_sdk_ecs::types::{ClusterSetting, ClusterSettingName};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, FixedResponseActionConfig, RedirectActionConfig, RedirectActionStatusCodeEnum,
};
use aws_sdk_rds::types::{ApplyMethod, CloudwatchLogsExportConfiguration, Parameter};
use aws_sdk_scheduler::types::ScheduleState;
use aws_sdk_sqs::types::QueueAttributeName;
use aws_sdk_xray::types::SamplingRuleUpdate;
use verify::{Subject, verify};

use crate::world::{World, failures, findings, live_of};

/// Besides the check that is about it, one sees that something differs, another that something is gone.
const DIFFERS: &str = "completeness/unchanged";
const GONE: &str = "completeness/resources";

struct Scene {
    world: World,
    good: Subject,
}

impl Scene {
    async fn of(environment: &str) -> Self {
        let world = World::deployed(environment).await;
        let good = world.subject().await;
        assert_eq!(failures(&good), Vec::<&str>::new());
        Self { world, good }
    }

    fn output(&self, name: &str) -> &str {
        self.good.outputs[name].as_str().unwrap()
    }

    /// A property of a resource.
    fn property(&self, address: &str, name: &str) -> &str {
        let resource = self.good.resources.iter().find(|one| one.address == address).unwrap();
        resource.recorded[name].as_str().unwrap()
    }

    /// Exactly these checks fail, and the first of them because of this resource; the next run repairs it.
    #[track_caller]
    fn expect(&self, failing: &[&str], address: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let subject = self.world.subject().await;
            let mut wanted = failing.to_vec();
            let mut found = failures(&subject);
            wanted.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, wanted, "{caller}");
            let said = findings(&verify(&subject), failing[0]);
            assert!(said.iter().any(|line| line.starts_with(address)), "{caller}: {said:?}");
            self.world.up().await;
            assert_eq!(failures(&self.world.subject().await), Vec::<&str>::new(), "{caller}");
        }
    }
}

/// Case 05, among others.
#[tokio::test]
async fn weakened_encryption_and_access_are_found() {
    let scene = Scene::of("dev").await;
    let world = &scene.world;
    let key = scene.output("databaseKeyArn");
    let kms = world.client(aws_sdk_kms::Client::new);
    kms.disable_key_rotation().key_id(key).send().await.unwrap();
    scene.expect(&["encryption/key-rotation", DIFFERS], "database/key").await;

    kms.disable_key().key_id(scene.output("alarmTopicKeyArn")).send().await.unwrap();
    // Nor can anything be published to a topic whose key cannot be used.
    let silent = "monitoring/database-events";
    scene.expect(&["encryption/key-enabled", DIFFERS, silent], "monitoring/key").await;

    let rds = world.client(aws_sdk_rds::Client::new);
    let group = scene.property("database/parameter-group", "DBClusterParameterGroupName");
    let off = Parameter::builder()
        .parameter_name("rds.force_ssl")
        .parameter_value("0")
        .apply_method(ApplyMethod::Immediate)
        .build();
    let request = rds.modify_db_cluster_parameter_group().db_cluster_parameter_group_name(group);
    request.parameters(off).send().await.unwrap();
    scene.expect(&["encryption/database-tls", DIFFERS], "database/parameter-group").await;

    let sns = world.client(aws_sdk_sns::Client::new);
    let request = sns.set_topic_attributes().topic_arn(scene.output("alarmTopicArn"));
    request.attribute_name("KmsMasterKeyId").attribute_value("").send().await.unwrap();
    scene.expect(&["encryption/topics", DIFFERS], "monitoring/topic").await;

    let sqs = world.client(aws_sdk_sqs::Client::new);
    let request = sqs.set_queue_attributes().queue_url(scene.output("backupDeadLetterQueueUrl"));
    request.attributes(QueueAttributeName::SqsManagedSseEnabled, "false").send().await.unwrap();
    scene.expect(&["encryption/queues", DIFFERS], "backup/dead-letter-queue").await;

    let s3 = world.client(aws_sdk_s3::Client::new);
    let bucket = scene.output("albLogBucketName");
    s3.delete_public_access_block().bucket(bucket).send().await.unwrap();
    scene.expect(&["access/buckets", DIFFERS], "alb/log-bucket").await;

    let gateway = world.client(aws_sdk_apigateway::Client::new);
    let method = "apigw/payments-method";
    let patch = PatchOperation::builder().op(Op::Replace).path("/apiKeyRequired").value("false").build();
    let request = gateway.update_method().rest_api_id(scene.property(method, "RestApiId"));
    let request = request.resource_id(scene.property(method, "ResourceId")).http_method("ANY");
    request.patch_operations(patch).send().await.unwrap();
    scene.expect(&["access/api-key", DIFFERS], method).await;
}

/// What somebody adds beside the API: to the role that all stacks of a region share, and to the API itself.
#[tokio::test]
async fn doors_beside_the_api_are_found() {
    const ROLE: &str = "payment-apigw-logs-ap-southeast-1";
    let scene = Scene::of("dev").await;
    let world = &scene.world;
    let iam = world.client(aws_sdk_iam::Client::new);
    let everything =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let put = iam.put_role_policy().role_name(ROLE).policy_name("theirs").policy_document(everything);
    put.send().await.unwrap();
    scene.expect(&["access/log-role", DIFFERS], "apigw/account").await;

    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"}]}"#;
    let patch = PatchOperation::builder().op(Op::Replace).path("/policy").value(policy).build();
    let gateway = world.client(aws_sdk_apigateway::Client::new);
    let request = gateway.update_rest_api().rest_api_id(scene.property("apigw/payments-method", "RestApiId"));
    request.patch_operations(patch).send().await.unwrap();
    scene.expect(&["access/api-policy", DIFFERS], "apigw/rest-api").await;
}

/// What a look at the service finds, which no run changes.
#[tokio::test]
async fn an_image_that_is_gone_fails_and_so_does_one_that_may_not_be_looked_at() {
    let mut subject = World::deployed("dev").await.subject().await;
    let service = subject.resources.iter_mut().find(|one| one.address == "ecs/service").unwrap();
    let image = "123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/payment-app-dev@sha256:0f";
    live_of(service)["MissingImages"] = serde_json::json!([{ "Image": image }]);
    assert_eq!(failures(&subject), ["completeness/images"]);
    let said = findings(&verify(&subject), "completeness/images");
    assert_eq!(said, [format!("ecs/service: expected the image {image}; found it is not in its repository")]);

    let service = subject.resources.iter_mut().find(|one| one.address == "ecs/service").unwrap();
    live_of(service)["MissingImages"] = serde_json::json!([{ "Image": image, "Denied": true }]);
    let checks = verify(&subject);
    let check = checks.iter().find(|check| check.id == "completeness/images").unwrap();
    assert!(check.refuted().unwrap().starts_with("not known: "), "{check:?}");
}

#[tokio::test]
async fn a_method_that_leaves_the_name_of_the_stage_in_the_path_is_found() {
    let scene = Scene::of("prod").await;
    let gateway = scene.world.client(aws_sdk_apigateway::Client::new);
    let method = "apigw/payments-method";
    for patch in [
        PatchOperation::builder().op(Op::Remove).path("/requestTemplates/application~1json"),
        PatchOperation::builder().op(Op::Replace).path("/passthroughBehavior").value("WHEN_NO_MATCH"),
    ] {
        let request = gateway.update_integration().rest_api_id(scene.property(method, "RestApiId"));
        let request = request.resource_id(scene.property(method, "ResourceId")).http_method("ANY");
        request.patch_operations(patch.build()).send().await.unwrap();
        scene.expect(&["access/api-path", DIFFERS], method).await;
    }
}

#[tokio::test]
async fn a_stopped_database_fails_verify_and_is_left_alone_until_somebody_starts_it() {
    const STOPPED: &str = "completeness/database";
    let scene = Scene::of("dev").await;
    let rds = scene.world.client(aws_sdk_rds::Client::new);
    let id = scene.property("database/cluster", "DBClusterIdentifier");
    rds.stop_db_cluster().db_cluster_identifier(id).send().await.unwrap();
    for _ in 0..2 {
        let subject = scene.world.subject().await;
        assert_eq!(failures(&subject), [STOPPED]);
        let said = findings(&verify(&subject), STOPPED);
        assert!(said.len() == 1 && said[0].starts_with("database/cluster"), "{said:?}");
        assert!(said[0].contains("stopped") && said[0].contains("AutomaticRestartTime"), "{said:?}");
        scene.world.up().await;
    }
    rds.start_db_cluster().db_cluster_identifier(id).send().await.unwrap();
    assert_eq!(failures(&scene.world.subject().await), Vec::<&str>::new());
}

#[tokio::test]
async fn an_instance_with_parameters_of_somebodys_own_is_found_until_it_is_restarted_without() {
    const PARAMETERS: &str = "encryption/database-parameters";
    let scene = Scene::of("dev").await;
    let rds = scene.world.client(aws_sdk_rds::Client::new);
    let make = rds.create_db_parameter_group().db_parameter_group_name("quiet").description("Quiet");
    make.db_parameter_group_family("aurora-postgresql17").send().await.unwrap();
    let id = scene.property("database/instance-1", "DBInstanceIdentifier");
    let modify = rds.modify_db_instance().db_instance_identifier(id).apply_immediately(true);
    modify.db_parameter_group_name("quiet").send().await.unwrap();
    assert_eq!(failures(&scene.world.subject().await), [PARAMETERS, DIFFERS]);
    scene.world.up().await;
    let subject = scene.world.subject().await;
    assert_eq!(failures(&subject), [PARAMETERS]);
    let said = findings(&verify(&subject), PARAMETERS);
    assert!(said[0].contains(&format!("reboot-db-instance --db-instance-identifier {id}")), "{said:?}");
    rds.reboot_db_instance().db_instance_identifier(id).send().await.unwrap();
    assert_eq!(failures(&scene.world.subject().await), Vec::<&str>::new());
}

#[tokio::test]
async fn a_container_that_may_read_the_master_users_secret_is_found_unless_it_is_meant_to() {
    let scene = Scene::of("dev").await;
    let iam = scene.world.client(aws_sdk_iam::Client::new);
    let policy = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": scene.output("databaseSecretArn"),
        },
    });
    let put = iam.put_role_policy().role_name(scene.property("ecs/task-role", "RoleName"));
    put.policy_name("just-for-now").policy_document(policy.to_string()).send().await.unwrap();
    scene.expect(&["access/database-credentials", DIFFERS], "ecs/task-role").await;

    let mut declared = scene.good.clone();
    declared.outputs.insert("databaseCredentials".to_owned(), "master_secret".into());
    let checks = verify(&declared);
    let said = crate::world::reason(&checks, "access/database-credentials");
    assert!(said.contains("`ecs.database_credentials`"), "{said}");
}

#[tokio::test]
async fn monitoring_that_was_taken_away_is_found() {
    let scene = Scene::of("dev").await;
    let world = &scene.world;
    let cloudwatch = world.client(aws_sdk_cloudwatch::Client::new);
    let name = "payment-ecs-memory-dev";
    let live = cloudwatch.describe_alarms().alarm_names(name).send().await.unwrap();
    let live = &live.metric_alarms()[0];
    cloudwatch
        .put_metric_alarm()
        .alarm_name(name)
        .actions_enabled(false)
        .set_alarm_actions(live.alarm_actions.clone())
        .set_namespace(live.namespace.clone())
        .set_metric_name(live.metric_name.clone())
        .set_dimensions(live.dimensions.clone())
        .set_statistic(live.statistic.clone())
        .set_period(live.period)
        .set_evaluation_periods(live.evaluation_periods)
        .set_threshold(live.threshold)
        .set_comparison_operator(live.comparison_operator.clone())
        .send()
        .await
        .unwrap();
    scene.expect(&["monitoring/alarms", DIFFERS], "monitoring/alarm-ecs-memory").await;

    // The composite alarm stands in the way of a metric alarm's deletion, so it goes first.
    cloudwatch.delete_alarms().alarm_names("payment-critical-dev").send().await.unwrap();
    cloudwatch.delete_alarms().alarm_names(name).send().await.unwrap();
    let failing = ["monitoring/alarms", "monitoring/alarm-coverage", GONE];
    scene.expect(&failing, "monitoring/alarm-ecs-memory").await;

    let dashboard = scene.output("dashboardName");
    let text =
        r##"{"widgets":[{"type":"text","x":0,"y":0,"width":3,"height":3,"properties":{"markdown":"#"}}]}"##;
    let request = cloudwatch.put_dashboard().dashboard_name(dashboard);
    request.dashboard_body(text).send().await.unwrap();
    scene.expect(&["monitoring/dashboard", DIFFERS], "monitoring/dashboard").await;
    cloudwatch.delete_dashboards().dashboard_names(dashboard).send().await.unwrap();
    let failing = ["monitoring/dashboard", GONE];
    scene.expect(&failing, "monitoring/dashboard").await;

    let ec2 = world.client(aws_sdk_ec2::Client::new);
    let logs = ec2.describe_flow_logs().send().await.unwrap();
    let id = logs.flow_logs()[0].flow_log_id().unwrap();
    ec2.delete_flow_logs().flow_log_ids(id).send().await.unwrap();
    scene.expect(&["monitoring/flow-logs", GONE], "vpc/flow-log").await;

    let gateway = world.client(aws_sdk_apigateway::Client::new);
    let api = scene.output("apiId");
    let patch = PatchOperation::builder().op(Op::Replace).path("/tracingEnabled").value("false").build();
    let request = gateway.update_stage().rest_api_id(api).stage_name("dev");
    request.patch_operations(patch).send().await.unwrap();
    scene.expect(&["monitoring/tracing", DIFFERS], "apigw/stage").await;
    let patch = PatchOperation::builder().op(Op::Remove).path("/accessLogSettings").build();
    let request = gateway.update_stage().rest_api_id(api).stage_name("dev");
    request.patch_operations(patch).send().await.unwrap();
    scene.expect(&["monitoring/api-access-log", DIFFERS], "apigw/stage").await;

    let xray = world.client(aws_sdk_xray::Client::new);
    let update = SamplingRuleUpdate::builder().rule_name("payment-traces-dev").fixed_rate(0.0).build();
    xray.update_sampling_rule().sampling_rule_update(update).send().await.unwrap();
    scene.expect(&["monitoring/sampling", DIFFERS], "monitoring/sampling-rule").await;

    let ecs = world.client(aws_sdk_ecs::Client::new);
    let off = ClusterSetting::builder().name(ClusterSettingName::ContainerInsights).value("disabled").build();
    let request = ecs.update_cluster_settings().cluster(scene.output("ecsClusterArn"));
    request.settings(off).send().await.unwrap();
    scene.expect(&["monitoring/container-insights", DIFFERS], "ecs/cluster").await;
}

#[tokio::test]
async fn shortened_logs_and_backups_are_found() {
    let scene = Scene::of("dev").await;
    let world = &scene.world;
    let logs = world.client(aws_sdk_cloudwatchlogs::Client::new);
    let group = scene.output("appLogGroupName");
    logs.put_retention_policy().log_group_name(group).retention_in_days(7).send().await.unwrap();
    scene.expect(&["monitoring/log-retention", DIFFERS], "ecs/app-log-group").await;
    logs.delete_retention_policy().log_group_name(group).send().await.unwrap();
    scene.expect(&["monitoring/log-retention", DIFFERS], "ecs/app-log-group").await;

    let rds = world.client(aws_sdk_rds::Client::new);
    let cluster = scene.output("databaseClusterId");
    let request = rds.modify_db_cluster().db_cluster_identifier(cluster).apply_immediately(true);
    request.backup_retention_period(1).send().await.unwrap();
    scene.expect(&["backup/retention", DIFFERS], "database/cluster").await;
    let none = CloudwatchLogsExportConfiguration::builder().disable_log_types("postgresql").build();
    let request = rds.modify_db_cluster().db_cluster_identifier(cluster).apply_immediately(true);
    request.cloudwatch_logs_export_configuration(none).send().await.unwrap();
    scene.expect(&["monitoring/database-logs", DIFFERS], "database/cluster").await;

    let scheduler = world.client(aws_sdk_scheduler::Client::new);
    let name = scene.output("backupScheduleName");
    let live = scheduler.get_schedule().name(name).send().await.unwrap();
    scheduler
        .update_schedule()
        .name(name)
        .schedule_expression(live.schedule_expression().unwrap())
        .set_flexible_time_window(live.flexible_time_window().cloned())
        .set_target(live.target().cloned())
        .state(ScheduleState::Disabled)
        .send()
        .await
        .unwrap();
    scene.expect(&["backup/verification", DIFFERS], "backup/schedule").await;
}

#[tokio::test]
async fn foreign_tags_are_found() {
    let scene = Scene::of("dev").await;
    let ec2 = scene.world.client(aws_sdk_ec2::Client::new);
    for (key, value) in [("Name", "my-vpc"), ("Environment", "prod")] {
        let tag = aws_sdk_ec2::types::Tag::builder().key(key).value(value).build();
        ec2.create_tags().resources(scene.output("vpcId")).tags(tag).send().await.unwrap();
        scene.expect(&["naming/tags", DIFFERS], "vpc/vpc").await;
    }
}

#[tokio::test]
async fn an_open_door_beside_https_is_found() {
    let scene = Scene::of("prod").await;
    let balancing = scene.world.client(aws_sdk_elasticloadbalancingv2::Client::new);
    let live = balancing.describe_listeners().load_balancer_arn(scene.output("albArn")).send().await.unwrap();
    let arn = |port: i32| {
        let listener = live.listeners().iter().find(|listener| listener.port() == Some(port)).unwrap();
        listener.listener_arn().unwrap().to_owned()
    };
    let fixed = Action::builder()
        .r#type(ActionTypeEnum::FixedResponse)
        .fixed_response_config(FixedResponseActionConfig::builder().status_code("200").build())
        .build();
    let temporary = Action::builder()
        .r#type(ActionTypeEnum::Redirect)
        .redirect_config(
            RedirectActionConfig::builder()
                .protocol("HTTPS")
                .port("443")
                .status_code(RedirectActionStatusCodeEnum::Http302)
                .build(),
        )
        .build();
    for action in [fixed, temporary] {
        let request = balancing.modify_listener().listener_arn(arn(80)).default_actions(action);
        request.send().await.unwrap();
        scene.expect(&["https/load-balancer", DIFFERS], "alb/http-listener").await;
    }
    let request = balancing.modify_listener().listener_arn(arn(443));
    request.ssl_policy("ELBSecurityPolicy-2016-08").send().await.unwrap();
    scene.expect(&["https/load-balancer", DIFFERS], "alb/https-listener").await;
}

/// Case 24: of what is gone, nothing untrue is said.
#[tokio::test]
async fn what_has_disappeared_is_neither_public_nor_unencrypted() {
    let scene = Scene::of("dev").await;
    let rds = scene.world.client(aws_sdk_rds::Client::new);
    let instance = scene.property("database/instance-2", "DBInstanceIdentifier");
    rds.delete_db_instance().db_instance_identifier(instance).send().await.unwrap();
    let gateway = scene.world.client(aws_sdk_apigateway::Client::new);
    gateway.delete_rest_api().rest_api_id(scene.output("apiId")).send().await.unwrap();
    let checks = verify(&scene.world.subject().await);
    let said = |id: &str| checks.iter().find(|check| check.id == id).unwrap().refuted().unwrap();
    assert_eq!(
        said("access/database"),
        "not known: the database has no public address, and no instance that somebody has added"
    );
    assert!(said("https/api").starts_with("not known: "), "{}", said("https/api"));
    let gone = findings(&checks, "access/database");
    assert_eq!(gone.len(), 1);
    assert!(gone[0].starts_with("database/instance-2: "), "{gone:?}");
    assert_eq!(said(GONE), "not so: every recorded resource exists");
    // What is there and wrong stays so beside it.
    let cluster =
        rds.modify_db_instance().db_instance_identifier("payment-db-1-dev").publicly_accessible(true);
    cluster.send().await.unwrap();
    let checks = verify(&scene.world.subject().await);
    let check = checks.iter().find(|check| check.id == "access/database").unwrap();
    assert_eq!(
        check.refuted().unwrap(),
        "not so: the database has no public address, and no instance that somebody has added"
    );
}

#[tokio::test]
async fn a_log_group_without_the_key_that_was_declared_is_found() {
    let scene = Scene::of("prod").await;
    let logs = scene.world.client(aws_sdk_cloudwatchlogs::Client::new);
    let group = scene.property("ecs/app-log-group", "LogGroupName");
    logs.disassociate_kms_key().log_group_name(group).send().await.unwrap();
    scene.expect(&["encryption/logs", DIFFERS], "ecs/app-log-group").await;
    // Without a key of the stack's own there is nothing to compare.
    let dev = World::deployed("dev").await.subject().await;
    assert!(verify(&dev).iter().all(|check| check.id != "encryption/logs"));
}
