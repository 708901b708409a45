//! Application Auto Scaling of ECS services.

use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::operation::put_scaling_policy::builders::PutScalingPolicyFluentBuilder;
use aws_sdk_applicationautoscaling::operation::register_scalable_target::builders::RegisterScalableTargetFluentBuilder;
use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ScalableTarget,
    ServiceNamespace, SuspendedState, TargetTrackingScalingPolicyConfiguration,
};
use aws_sdk_cloudwatch::types::MetricAlarm;

use crate::ecs::{Shop, seconds};
use crate::support::{REGION, code, config};

const RESOURCE: &str = "service/shop/web";

struct Scaling {
    shop: Shop,
    client: Client,
}

impl Scaling {
    async fn of(shop: Shop) -> Self {
        shop.task("web").send().await.unwrap();
        shop.service("web", "web").send().await.unwrap();
        let client = Client::new(&config(&shop.cloud.emulator, REGION));
        Scaling { shop, client }
    }

    async fn new() -> Self {
        Scaling::of(Shop::new().await).await
    }

    fn register(&self, min: i32, max: i32) -> RegisterScalableTargetFluentBuilder {
        self.change().min_capacity(min).max_capacity(max)
    }

    fn change(&self) -> RegisterScalableTargetFluentBuilder {
        self.client
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(RESOURCE)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
    }

    fn put(
        &self,
        name: &str,
        configuration: TargetTrackingScalingPolicyConfiguration,
    ) -> PutScalingPolicyFluentBuilder {
        self.client
            .put_scaling_policy()
            .policy_name(name)
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(RESOURCE)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .policy_type(PolicyType::TargetTrackingScaling)
            .target_tracking_scaling_policy_configuration(configuration)
    }

    async fn targets(&self) -> Vec<ScalableTarget> {
        let call = self.client.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
        call.send().await.unwrap().scalable_targets.unwrap()
    }

    async fn policies(&self) -> Vec<aws_sdk_applicationautoscaling::types::ScalingPolicy> {
        let call = self.client.describe_scaling_policies().service_namespace(ServiceNamespace::Ecs);
        call.send().await.unwrap().scaling_policies.unwrap()
    }

    async fn alarms(&self) -> Vec<MetricAlarm> {
        let cloudwatch = aws_sdk_cloudwatch::Client::new(&config(&self.shop.cloud.emulator, REGION));
        cloudwatch.describe_alarms().send().await.unwrap().metric_alarms.unwrap()
    }
}

fn tracking(
    metric: MetricType,
    label: Option<&str>,
    target: f64,
) -> TargetTrackingScalingPolicyConfiguration {
    let metric = PredefinedMetricSpecification::builder().predefined_metric_type(metric);
    TargetTrackingScalingPolicyConfiguration::builder()
        .predefined_metric_specification(metric.set_resource_label(label.map(str::to_owned)).build().unwrap())
        .target_value(target)
        .scale_out_cooldown(60)
        .scale_in_cooldown(300)
        .disable_scale_in(false)
        .build()
        .unwrap()
}

fn cpu(target: f64) -> TargetTrackingScalingPolicyConfiguration {
    tracking(MetricType::EcsServiceAverageCpuUtilization, None, target)
}

#[tokio::test(start_paused = true)]
async fn a_target_and_its_policies_are_made_changed_and_removed() {
    let scaling = Scaling::new().await;
    let suspended = SuspendedState::builder()
        .dynamic_scaling_in_suspended(true)
        .dynamic_scaling_out_suspended(false)
        .scheduled_scaling_suspended(false)
        .build();
    let register = scaling.register(2, 10).tags("Tier", "ecs").suspended_state(suspended.clone());
    let arn = register.send().await.unwrap().scalable_target_arn.unwrap();
    assert!(
        arn.starts_with("arn:aws:application-autoscaling:ap-southeast-1:123456789012:scalable-target/0ec5"),
        "{arn}"
    );
    let target = scaling.targets().await.remove(0);
    assert_eq!((target.min_capacity(), target.max_capacity()), (2, 10));
    assert_eq!(target.suspended_state(), Some(&suspended));
    assert!(target.role_arn().ends_with("/AWSServiceRoleForApplicationAutoScaling_ECSService"));
    // What is not said stays, and so does the ARN.
    assert_eq!(scaling.change().max_capacity(20).send().await.unwrap().scalable_target_arn.unwrap(), arn);
    let target = scaling.targets().await.remove(0);
    assert_eq!((target.min_capacity(), target.max_capacity()), (2, 20));
    assert_eq!(target.suspended_state(), Some(&suspended));

    let client = &scaling.client;
    client.tag_resource().resource_arn(&arn).tags("Owner", "me").send().await.unwrap();
    client.untag_resource().resource_arn(&arn).tag_keys("Tier").send().await.unwrap();
    let tags = client.list_tags_for_resource().resource_arn(&arn).send().await.unwrap().tags.unwrap();
    assert_eq!(tags.into_iter().collect::<Vec<_>>(), [("Owner".to_owned(), "me".to_owned())]);

    let made = scaling.put("cpu", cpu(70.0)).send().await.unwrap();
    assert!(
        made.policy_arn().ends_with(":resource/ecs/service/shop/web:policyName/cpu"),
        "{}",
        made.policy_arn()
    );
    let names: Vec<&str> = made.alarms().iter().map(|alarm| alarm.alarm_name()).collect();
    assert!(names[0].starts_with("TargetTracking-service/shop/web-AlarmHigh-"), "{names:?}");
    assert!(names[1].starts_with("TargetTracking-service/shop/web-AlarmLow-"), "{names:?}");
    let again = scaling.put("cpu", cpu(60.0)).send().await.unwrap();
    assert_eq!((again.policy_arn(), again.alarms()), (made.policy_arn(), made.alarms()));
    let policy = scaling.policies().await.remove(0);
    assert_eq!(policy.target_tracking_scaling_policy_configuration(), Some(&cpu(60.0)));
    let memory = tracking(MetricType::EcsServiceAverageMemoryUtilization, None, 80.0);
    scaling.put("memory", memory).send().await.unwrap();
    let only =
        client.describe_scaling_policies().service_namespace(ServiceNamespace::Ecs).policy_names("memory");
    assert_eq!(only.send().await.unwrap().scaling_policies().len(), 1);
    let objects = scaling.shop.cloud.emulator.objects().await.unwrap();
    let kinds = objects.iter().filter(|object| object.service == "application-autoscaling");
    assert_eq!(kinds.count(), 3);

    let delete = client.delete_scaling_policy().policy_name("cpu").service_namespace(ServiceNamespace::Ecs);
    let delete = delete.resource_id(RESOURCE).scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
    delete.clone().send().await.unwrap();
    assert_eq!(code(delete.send().await), "ObjectNotFoundException");
    let deregister = client.deregister_scalable_target().service_namespace(ServiceNamespace::Ecs);
    let deregister =
        deregister.resource_id(RESOURCE).scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
    deregister.clone().send().await.unwrap();
    assert!(scaling.targets().await.is_empty() && scaling.policies().await.is_empty());
    assert!(scaling.alarms().await.is_empty());
    assert_eq!(code(deregister.send().await), "ObjectNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn scaling_refuses_what_aws_refuses() {
    let scaling = Scaling::new().await;
    let label = "app/lb/1/targetgroup/blue/2";
    let requests = MetricType::AlbRequestCountPerTarget;
    let before = code(scaling.put("cpu", cpu(70.0)).send().await);
    let rows = [
        ("no service", code(scaling.register(1, 2).resource_id("service/shop/none").send().await)),
        ("resource", code(scaling.register(1, 2).resource_id("shop").send().await)),
        (
            "dimension",
            code(
                scaling
                    .register(1, 2)
                    .scalable_dimension(ScalableDimension::RdsClusterReadReplicaCount)
                    .send()
                    .await,
            ),
        ),
        ("no bounds", code(scaling.change().send().await)),
        ("no maximum", code(scaling.change().min_capacity(1).send().await)),
        ("negative", code(scaling.register(-1, 2).send().await)),
        ("bounds", code(scaling.register(3, 2).send().await)),
        ("tag", code(scaling.register(1, 2).tags("aws:a", "b").send().await)),
    ];
    for (rule, got) in rows {
        assert_eq!(got, "ValidationException", "{rule}");
    }
    assert_eq!(before, "ObjectNotFoundException");
    assert!(scaling.targets().await.is_empty());

    scaling.register(1, 2).send().await.unwrap();
    let step = scaling.put("x", cpu(70.0)).policy_type(PolicyType::StepScaling).send().await;
    assert_eq!(code(step), "UnknownParameter");
    let cpu_label = tracking(MetricType::EcsServiceAverageCpuUtilization, Some(label), 70.0);
    let rows = [
        ("bounds of a change", code(scaling.change().min_capacity(3).send().await)),
        ("tags of a change", code(scaling.change().tags("a", "b").send().await)),
        ("label", code(scaling.put("x", cpu_label).send().await)),
        ("no label", code(scaling.put("x", tracking(requests.clone(), None, 1.0)).send().await)),
        (
            "form of a label",
            code(scaling.put("x", tracking(requests.clone(), Some("app/a"), 1.0)).send().await),
        ),
        ("label without a group", code(scaling.put("x", tracking(requests, Some(label), 1.0)).send().await)),
        (
            "metric of others",
            code(
                scaling
                    .put("x", tracking(MetricType::RdsReaderAverageCpuUtilization, None, 1.0))
                    .send()
                    .await,
            ),
        ),
        ("target", code(scaling.put("x", cpu(0.0)).send().await)),
    ];
    for (rule, got) in rows {
        assert_eq!(got, "ValidationException", "{rule}");
    }
    assert!(scaling.policies().await.is_empty());
    assert!(scaling.alarms().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_desired_count_is_brought_into_the_bounds() {
    let scaling = Scaling::new().await;
    scaling.register(3, 5).send().await.unwrap();
    let found = scaling.shop.look("web").await;
    assert_eq!((found.desired_count(), found.running_count()), (3, 3));
    scaling.register(0, 1).send().await.unwrap();
    let found = scaling.shop.look("web").await;
    assert_eq!((found.desired_count(), found.running_count()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn tasks_for_a_new_minimum_take_their_time() {
    let scaling = Scaling::of(Shop::at_aws_pace().await).await;
    seconds(80).await;
    scaling.register(3, 5).send().await.unwrap();
    let found = scaling.shop.look("web").await;
    assert_eq!((found.desired_count(), found.running_count(), found.pending_count()), (3, 2, 1));
    seconds(51).await;
    assert_eq!(scaling.shop.look("web").await.running_count(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_alarms_of_a_policy_change_and_go_with_it() {
    let scaling = Scaling::new().await;
    let numbers = async || {
        let shown = scaling.alarms().await.into_iter().map(|alarm| {
            (alarm.metric_name.unwrap(), alarm.evaluation_periods.unwrap(), alarm.threshold.unwrap())
        });
        shown.collect::<Vec<_>>()
    };
    scaling.register(2, 5).send().await.unwrap();
    let made = scaling.put("cpu", cpu(70.0)).send().await.unwrap();
    let alarm = &scaling.alarms().await[1];
    assert_eq!(alarm.alarm_arn(), Some(made.alarms()[1].alarm_arn()));
    assert_eq!(alarm.alarm_actions(), [made.policy_arn()]);
    assert_eq!((alarm.namespace(), alarm.statistic().unwrap().as_str()), (Some("AWS/ECS"), "Average"));
    let dimensions: Vec<_> =
        alarm.dimensions().iter().filter_map(|d| Some((d.name()?, d.value()?))).collect();
    assert_eq!(dimensions, [("ClusterName", "shop"), ("ServiceName", "web")]);
    let cpu_alarm = |periods, threshold| ("CPUUtilization".to_owned(), periods, threshold);
    assert_eq!(numbers().await, [cpu_alarm(3, 70.0), cpu_alarm(15, 63.0)]);

    scaling.put("cpu", cpu(60.0)).send().await.unwrap();
    assert_eq!(numbers().await, [cpu_alarm(3, 60.0), cpu_alarm(15, 54.0)]);
    let mut only_out = cpu(60.0);
    only_out.disable_scale_in = Some(true);
    let changed = scaling.put("cpu", only_out).send().await.unwrap();
    assert_eq!(changed.alarms(), &made.alarms()[..1]);
    assert_eq!(numbers().await, [cpu_alarm(3, 60.0)]);
}

#[tokio::test(start_paused = true)]
async fn a_target_goes_with_its_service() {
    let scaling = Scaling::new().await;
    scaling.register(2, 5).send().await.unwrap();
    scaling.put("cpu", cpu(70.0)).send().await.unwrap();
    scaling.shop.ecs.delete_service().cluster("shop").service("web").force(true).send().await.unwrap();
    assert!(scaling.targets().await.is_empty() && scaling.policies().await.is_empty());
    assert!(scaling.alarms().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_suspended_and_what_is_not_scaled_in_is_shown_until_it_is_said_otherwise() {
    let scaling = Scaling::new().await;
    scaling.register(2, 5).send().await.unwrap();
    let state = async || {
        let state = scaling.targets().await.remove(0).suspended_state.unwrap();
        let out = state.dynamic_scaling_out_suspended();
        [state.dynamic_scaling_in_suspended(), out, state.scheduled_scaling_suspended()].map(Option::unwrap)
    };
    assert_eq!(state().await, [false; 3]);
    let out = |is| SuspendedState::builder().dynamic_scaling_out_suspended(is).build();
    scaling.change().suspended_state(out(true)).send().await.unwrap();
    scaling.change().max_capacity(6).send().await.unwrap();
    assert_eq!(state().await, [false, true, false]);
    scaling.change().suspended_state(out(false)).send().await.unwrap();
    assert_eq!(state().await, [false; 3]);

    let mut only_out = cpu(70.0);
    only_out.disable_scale_in = Some(true);
    for configuration in [only_out, cpu(70.0)] {
        scaling.put("cpu", configuration.clone()).send().await.unwrap();
        let policy = scaling.policies().await.remove(0);
        assert_eq!(policy.target_tracking_scaling_policy_configuration(), Some(&configuration));
    }
}
