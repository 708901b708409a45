//! The contract of every kind of this tier.

use aws::Tags;
use aws::resources::{Role, SecurityGroup};
use ecs::Inputs;
use ecs::resources::*;
use engine::Declares;
use testing::contract::{Around, Entry};

use crate::support::{tier, with_image};
use crate::world::{PUBLIC, surroundings};

testing::contract!(ecs::kinds, around surroundings, {
    repository,
    cluster,
    task_definition,
    service,
    scalable_target,
    scaling_policy,
});

type Inside = Around<Inputs>;

fn declare(around: &mut Inside) {
    let inputs = around.inputs.clone();
    around.tier(&tier(with_image(PUBLIC)), &inputs);
}

fn entry<D: Declares>(around: &mut Inside, address: &str) -> Entry<D> {
    declare(around);
    around.entry(address)
}

fn renamed() -> Tags {
    Tags::new().with("Name", "renamed").with("Author", "ops")
}

fn repository(around: &mut Inside) -> Entry<Repository> {
    entry::<Repository>(around, "ecs/repository")
        .other("RepositoryName", |repository| repository.repository_name = "payment-other-dev".into())
        .other("ImageTagMutability", |repository| repository.image_tag_mutability = "MUTABLE".to_owned())
        .other("ImageScanningConfiguration", |repository| {
            repository.image_scanning_configuration.scan_on_push = false;
        })
        .other("EncryptionConfiguration", |repository| {
            repository.encryption_configuration.encryption_type = "KMS".to_owned();
        })
        .other("LifecyclePolicy", |repository| repository.lifecycle_policy = None)
        .fixed(["RepositoryPolicyText"], "what somebody has set is never declared")
        .recorded("EmptyOnDelete", |repository| repository.empty_on_delete = !repository.empty_on_delete)
        .other("Tags", |repository| repository.tags = renamed())
}

fn cluster(around: &mut Inside) -> Entry<Cluster> {
    entry::<Cluster>(around, "ecs/cluster")
        .other("ClusterName", |cluster| cluster.cluster_name = "payment-other-dev".into())
        .other("ClusterSettings", |cluster| cluster.cluster_settings[0].value = "disabled".to_owned())
        .fixed(
            ["Configuration", "DefaultCapacityProviderStrategy", "ManagedStorage", "ServiceConnectDefaults"],
            "what somebody has set is never declared",
        )
        .other("Tags", |cluster| cluster.tags = renamed())
}

fn task_definition(around: &mut Inside) -> Entry<TaskDefinition> {
    declare(around);
    let role = around.another::<Role>("ecs/task-role", "other-role", |role| {
        role.role_name = "payment-other-dev".into();
    });
    let other_role = role.arn.clone();
    entry::<TaskDefinition>(around, "ecs/task-definition")
        .other("Family", |definition| definition.family = "payment-other-dev".to_owned())
        .other("Cpu", |definition| definition.cpu = "256".to_owned())
        .other("Memory", |definition| definition.memory = "2048".to_owned())
        .other("RuntimePlatform", |definition| {
            let platform = &mut definition.runtime_platform;
            let other = if platform.cpu_architecture == "ARM64" { "X86_64" } else { "ARM64" };
            platform.cpu_architecture = other.to_owned();
        })
        .other("ExecutionRoleArn", |definition| definition.execution_role_arn = role.arn)
        .other("TaskRoleArn", |definition| definition.task_role_arn = other_role)
        .other("ContainerDefinitions", |definition| {
            definition.container_definitions[0].stop_timeout = Some(77);
        })
        .other("Volumes", |definition| definition.volumes.push(Volume { name: "more".to_owned() }))
        .other("Tags", |definition| definition.tags = renamed())
        .fixed(["NetworkMode", "RequiresCompatibilities"], "Fargate has one")
}

fn service(around: &mut Inside) -> Entry<Service> {
    declare(around);
    let cluster = around.another::<Cluster>("ecs/cluster", "other-cluster", |cluster| {
        cluster.cluster_name = "payment-other-dev".into();
    });
    let definition = around.another::<TaskDefinition>("ecs/task-definition", "other-tasks", |definition| {
        definition.container_definitions[0].stop_timeout = Some(77);
    });
    let group = around.another::<SecurityGroup>("ecs/security-group", "other-group", |group| {
        group.group_name = "payment-other-dev".to_owned();
    });
    let role = around.another::<Role>("ecs/load-balancer-role", "other-role", |role| {
        role.role_name = "payment-other-dev".into();
    });
    entry::<Service>(around, "ecs/service")
        .other("ServiceName", |service| service.service_name = "payment-other-dev".into())
        .other("Cluster", |service| service.cluster = cluster.arn)
        .other("TaskDefinition", |service| service.task_definition = definition.task_definition_arn)
        .other("DesiredCount", |service| service.desired_count = 0)
        .fixed(["Deployment", "MissingImages"], "it is what a look finds, not what anybody wants")
        .other("PlatformVersion", |service| service.platform_version = "1.4.0".to_owned())
        .not_seen("PlatformVersion", "AWS tells which version LATEST is, so the two look alike")
        .other("NetworkConfiguration", |service| {
            service.network_configuration.awsvpc_configuration.security_groups = vec![group.group_id];
        })
        .other("LoadBalancers", |service| {
            service.load_balancers[0].advanced_configuration.role_arn = role.arn;
        })
        .other("HealthCheckGracePeriodSeconds", |service| {
            service.health_check_grace_period_seconds = Some(77)
        })
        .other("DeploymentConfiguration", |service| {
            service.deployment_configuration.bake_time_in_minutes = Some(7);
        })
        .other("AvailabilityZoneRebalancing", |service| {
            service.availability_zone_rebalancing = "DISABLED".to_owned();
        })
        .other("EnableECSManagedTags", |service| service.enable_ecs_managed_tags = false)
        .other("EnableExecuteCommand", |service| {
            service.enable_execute_command = !service.enable_execute_command;
        })
        .other("PropagateTags", |service| service.propagate_tags = "TASK_DEFINITION".to_owned())
        .recorded("DependsOn", |service| service.depends_on.push("later".into()))
        .other("Tags", |service| service.tags = renamed())
        .fixed(["LaunchType", "SchedulingStrategy"], "of a service on Fargate")
        .fixed(["DeploymentController"], "ECS deploys")
}

fn scalable_target(around: &mut Inside) -> Entry<ScalableTarget> {
    entry::<ScalableTarget>(around, "ecs/scalable-target")
        .other("MinCapacity", |target| target.min_capacity = 1)
        .other("MaxCapacity", |target| target.max_capacity = 77)
        .other("SuspendedState", |target| {
            let out = SuspendedState { dynamic_scaling_out_suspended: true, ..SuspendedState::default() };
            target.suspended_state = Some(out);
        })
        .other("Tags", |target| target.tags = renamed())
        .fixed(["ServiceNamespace", "ScalableDimension"], "of the number of tasks of an ECS service")
        .fixed(["ResourceId"], "a second service would need load balancer rules of its own")
}

fn scaling_policy(around: &mut Inside) -> Entry<ScalingPolicy> {
    entry::<ScalingPolicy>(around, "ecs/cpu-policy")
        .other("PolicyName", |policy| policy.policy_name = "payment-other-dev".to_owned())
        .other("TargetTrackingScalingPolicyConfiguration", |policy| {
            policy.target_tracking_scaling_policy_configuration.target_value = 42.0;
        })
        .fixed(["PolicyType"], "the other types are not used")
        .fixed(["ScalingTargetId"], "there is one service; see the scalable target")
}
