//! Task definitions: what comes back, and what Fargate refuses.

use aws_sdk_ecs::types::{
    ApplicationProtocol, Compatibility, ContainerCondition, ContainerDefinition, ContainerDependency,
    EphemeralStorage, HealthCheck, HostVolumeProperties, KernelCapabilities, KeyValuePair, LinuxParameters,
    LogConfiguration, LogDriver, MountPoint, NetworkMode, PortMapping, RuntimePlatform, Secret,
    TaskDefinitionField, Ulimit, UlimitName, Volume,
};
use aws_sdk_ecs::types::{CpuArchitecture, OsFamily, SortOrder, TaskDefinitionStatus};

use super::{Shop, container, role, tag};
use crate::support::{REGION, code};

const SECRET: &str = "arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:db-AbCdEf";

fn logs(driver: LogDriver, options: &[(&str, &str)]) -> LogConfiguration {
    let mut logs = LogConfiguration::builder().log_driver(driver);
    for (key, value) in options {
        logs = logs.options(*key, *value);
    }
    logs.build().unwrap()
}

fn awslogs(group: &str) -> LogConfiguration {
    let options = [("awslogs-group", group), ("awslogs-region", REGION), ("awslogs-stream-prefix", "app")];
    logs(LogDriver::Awslogs, &options)
}

fn secret(value_from: &str) -> Secret {
    Secret::builder().name("PASSWORD").value_from(value_from).build().unwrap()
}

fn health(command: &[&str]) -> HealthCheck {
    let command = command.iter().map(|part| (*part).to_owned()).collect();
    HealthCheck::builder()
        .set_command(Some(command))
        .interval(10)
        .timeout(5)
        .retries(3)
        .start_period(30)
        .build()
        .unwrap()
}

fn waits_for(name: &str, condition: ContainerCondition) -> ContainerDependency {
    ContainerDependency::builder().container_name(name).condition(condition).build().unwrap()
}

/// A container with all that the stack tells one.
fn full() -> ContainerDefinition {
    let port =
        PortMapping::builder().container_port(8080).name("http").app_protocol(ApplicationProtocol::Http);
    ContainerDefinition::builder()
        .name("app")
        .image(format!("123456789012.dkr.ecr.{REGION}.amazonaws.com/shop:1"))
        .cpu(256)
        .memory(512)
        .memory_reservation(256)
        .port_mappings(port.build())
        .essential(true)
        .entry_point("/app")
        .command("serve")
        .environment(KeyValuePair::builder().name("PORT").value("8080").build())
        .mount_points(
            MountPoint::builder().source_volume("tmp").container_path("/tmp").read_only(false).build(),
        )
        .linux_parameters(
            LinuxParameters::builder()
                .init_process_enabled(true)
                .capabilities(KernelCapabilities::builder().add("SYS_PTRACE").drop("ALL").build())
                .build(),
        )
        .secrets(secret(&format!("{SECRET}:password::")))
        .depends_on(waits_for("xray", ContainerCondition::Start))
        .start_timeout(60)
        .stop_timeout(30)
        .user("10001:10001")
        .working_directory("/srv")
        .privileged(false)
        .readonly_root_filesystem(true)
        .docker_labels("team", "payments")
        .ulimits(
            Ulimit::builder().name(UlimitName::Nofile).soft_limit(1024).hard_limit(4096).build().unwrap(),
        )
        .log_configuration(awslogs("/ecs/app"))
        .health_check(health(&["CMD-SHELL", "wget -qO- localhost:8080/health"]))
        .build()
}

#[tokio::test(start_paused = true)]
async fn everything_that_a_task_definition_is_told_comes_back() {
    let shop = Shop::new().await;
    let xray =
        ContainerDefinition::builder().name("xray").image("public.ecr.aws/xray/xray:1").essential(false);
    let platform = RuntimePlatform::builder()
        .cpu_architecture(CpuArchitecture::Arm64)
        .operating_system_family(OsFamily::Linux)
        .build();
    let registered = shop
        .task_of("web", full())
        .container_definitions(xray.build())
        .cpu(".5 vCPU")
        .memory("1 GB")
        .execution_role_arn(role("execution"))
        .task_role_arn(role("task"))
        .volumes(Volume::builder().name("tmp").build())
        .ephemeral_storage(EphemeralStorage::builder().size_in_gib(30).build())
        .runtime_platform(platform.clone())
        .tags(tag("Tier", "ecs"))
        .send()
        .await
        .unwrap();
    let told = registered.task_definition.unwrap();
    assert_eq!(
        told.task_definition_arn(),
        Some("arn:aws:ecs:ap-southeast-1:123456789012:task-definition/web:1")
    );
    let describe =
        shop.ecs.describe_task_definition().task_definition("web").include(TaskDefinitionField::Tags);
    let found = describe.send().await.unwrap();
    assert_eq!(found.tags(), [tag("Tier", "ecs")]);
    let found = found.task_definition.unwrap();
    assert_eq!(found, told);
    assert_eq!((found.cpu(), found.memory()), (Some("512"), Some("1024")));
    assert_eq!(
        (found.execution_role_arn(), found.task_role_arn()),
        (Some(&*role("execution")), Some(&*role("task")))
    );
    assert_eq!(found.runtime_platform(), Some(&platform));
    assert_eq!(found.ephemeral_storage().map(EphemeralStorage::size_in_gib), Some(30));
    assert_eq!(found.volumes()[0].name(), Some("tmp"));
    let mut app = found.container_definitions()[0].clone();
    // What AWS completes: the host's port and protocol.
    let mapped = app.port_mappings.as_mut().unwrap();
    assert_eq!(
        (mapped[0].host_port, mapped[0].protocol.take().unwrap().as_str().to_owned()),
        (Some(8080), "tcp".to_owned())
    );
    mapped[0].host_port = None;
    assert_eq!(app.volumes_from.take(), Some(Vec::new()));
    assert_eq!(app.system_controls.take(), Some(Vec::new()));
    app.log_configuration.as_mut().unwrap().secret_options = None;
    assert_eq!(app, full());
}

/// Registers one container with changes and gives the code.
async fn with(shop: &Shop, one: aws_sdk_ecs::types::builders::ContainerDefinitionBuilder) -> String {
    code(shop.task_of("x", one.build()).execution_role_arn(role("execution")).send().await)
}

#[tokio::test(start_paused = true)]
async fn containers_refuse_what_fargate_refuses() {
    let shop = Shop::new().await;
    let app = || container("public.ecr.aws/nginx/nginx:1");
    let linux =
        |linux: aws_sdk_ecs::types::builders::LinuxParametersBuilder| app().linux_parameters(linux.build());
    let adds =
        |name: &str| LinuxParameters::builder().capabilities(KernelCapabilities::builder().add(name).build());
    let drops = |name: &str| {
        LinuxParameters::builder().capabilities(KernelCapabilities::builder().drop(name).build())
    };
    let port = |host| PortMapping::builder().container_port(9090).host_port(host).build();
    let limit = Ulimit::builder().name(UlimitName::Nofile).soft_limit(2).hard_limit(1).build().unwrap();
    let options = [("awslogs-group", "g"), ("awslogs-region", REGION)];
    let unknown = [options[0], options[1], ("awslogs-stream-prefix", "a"), ("awslogs-colour", "red")];
    let rows = [
        ("name", app().name("a b")),
        ("no essential container", app().essential(false)),
        ("more CPU than the task", app().cpu(1024)),
        ("more memory than the task", app().memory(2048)),
        ("reservation above memory", app().memory(256).memory_reservation(512)),
        ("privileged", app().privileged(true)),
        ("stop timeout", app().stop_timeout(121)),
        ("host port", app().port_mappings(port(9091))),
        ("port twice", app().port_mappings(port(9090)).port_mappings(port(9090))),
        ("ulimit", app().ulimits(limit)),
        ("capability to add", linux(adds("NET_ADMIN"))),
        ("capability to drop", linux(drops("FLYING"))),
        ("shared memory", linux(LinuxParameters::builder().shared_memory_size(64))),
        ("swap", linux(LinuxParameters::builder().max_swap(64))),
        ("volume", app().mount_points(MountPoint::builder().source_volume("x").container_path("/x").build())),
        ("dependency", app().depends_on(waits_for("x", ContainerCondition::Start))),
        ("dependency on itself", app().depends_on(waits_for("app", ContainerCondition::Start))),
        ("health check command", app().health_check(health(&["wget"]))),
        ("log driver", app().log_configuration(logs(LogDriver::Syslog, &[]))),
        ("stream prefix", app().log_configuration(logs(LogDriver::Awslogs, &options))),
        ("log option", app().log_configuration(logs(LogDriver::Awslogs, &unknown))),
        ("secret ARN with too few parts", app().secrets(secret(&format!("{SECRET}:password")))),
        ("secret ARN with stage and version", app().secrets(secret(&format!("{SECRET}:a:b:c")))),
        ("secret of another service", app().secrets(secret("arn:aws:s3:::bucket"))),
        ("secret twice", app().secrets(secret(SECRET)).secrets(secret(SECRET))),
    ];
    for (rule, one) in rows {
        assert_eq!(with(&shop, one).await, "ClientException", "{rule}");
    }
    let fine = [
        SECRET.to_owned(),
        format!("{SECRET}:key::"),
        format!("{SECRET}::AWSCURRENT:"),
        "parameter".to_owned(),
    ];
    for value in fine {
        assert_eq!(with(&shop, app().secrets(secret(&value))).await, "ok", "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn task_definitions_refuse_what_fargate_refuses() {
    let shop = Shop::new().await;
    let task = || shop.task("x");
    let other = |name: &str| ContainerDefinition::builder().name(name).image("public.ecr.aws/a/b:1");
    let waiting =
        |name: &str, on: &str| other(name).depends_on(waits_for(on, ContainerCondition::Start)).build();
    let after = |condition| other("b").depends_on(waits_for("app", condition)).build();
    let source = HostVolumeProperties::builder().source_path("/x").build();
    let private = container("123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/shop:1");
    let logging = container("public.ecr.aws/a/b:1").log_configuration(awslogs("g"));
    let secretive = container("public.ecr.aws/a/b:1").secrets(secret(SECRET));
    let volume = |name: &str| Volume::builder().name(name).build();
    let storage = |size| EphemeralStorage::builder().size_in_gib(size).build();
    let rows = [
        ("size", code(task().memory("512").send().await)),
        ("no CPU", code(task().set_cpu(None).send().await)),
        ("network mode", code(task().network_mode(NetworkMode::Bridge).send().await)),
        ("no network mode", code(task().set_network_mode(None).send().await)),
        ("family", code(shop.task("a b").send().await)),
        ("role", code(task().execution_role_arn("execution").send().await)),
        ("two containers of a name", code(task().container_definitions(other("app").build()).send().await)),
        (
            "cycle",
            code(
                task()
                    .container_definitions(waiting("b", "c"))
                    .container_definitions(waiting("c", "b"))
                    .send()
                    .await,
            ),
        ),
        (
            "end of an essential one",
            code(task().container_definitions(after(ContainerCondition::Success)).send().await),
        ),
        (
            "health of one without",
            code(task().container_definitions(after(ContainerCondition::Healthy)).send().await),
        ),
        (
            "volume of the host",
            code(task().volumes(Volume::builder().name("v").host(source).build()).send().await),
        ),
        ("two volumes of a name", code(task().volumes(volume("v")).volumes(volume("v")).send().await)),
        ("storage", code(task().ephemeral_storage(storage(20)).send().await)),
        ("more storage", code(task().ephemeral_storage(storage(201)).send().await)),
        ("ECR without a role", code(shop.task_of("x", private.build()).send().await)),
        ("logs without a role", code(shop.task_of("x", logging.build()).send().await)),
        ("secrets without a role", code(shop.task_of("x", secretive.build()).send().await)),
        ("unknown", code(shop.ecs.describe_task_definition().task_definition("x").send().await)),
    ];
    for (rule, got) in rows {
        assert_eq!(got, "ClientException", "{rule}");
    }
    let for_ec2 = task().set_requires_compatibilities(Some(vec![Compatibility::Ec2])).send().await;
    assert_eq!(code(for_ec2), "UnknownParameter");
    assert!(shop.ecs.list_task_definitions().send().await.unwrap().task_definition_arns().is_empty());
}

#[tokio::test(start_paused = true)]
async fn revisions_are_counted_deregistered_and_deleted() {
    let shop = Shop::new().await;
    for expected in 1..=3 {
        let made = shop.task("web").send().await.unwrap().task_definition.unwrap();
        assert_eq!(made.revision(), expected);
    }
    shop.task("api").send().await.unwrap();
    let deregister = |name: &str| shop.ecs.deregister_task_definition().task_definition(name);
    assert_eq!(code(deregister("web").send().await), "InvalidParameterException");
    let gone = deregister("web:3").send().await.unwrap().task_definition.unwrap();
    assert_eq!(gone.status(), Some(&TaskDefinitionStatus::Inactive));
    assert!(gone.deregistered_at().is_some());
    assert_eq!(code(deregister("web:3").send().await), "ClientException");
    let latest = shop.ecs.describe_task_definition().task_definition("web").send().await.unwrap();
    assert_eq!(latest.task_definition.unwrap().revision(), 2);

    let list = || shop.ecs.list_task_definitions();
    let short = |arns: &[String]| -> Vec<String> {
        arns.iter().map(|arn| arn.rsplit('/').next().unwrap().to_owned()).collect()
    };
    let all = list().sort(SortOrder::Desc).send().await.unwrap();
    assert_eq!(short(all.task_definition_arns()), ["web:2", "web:1", "api:1"]);
    let first = list().family_prefix("web").max_results(1).send().await.unwrap();
    assert_eq!(short(first.task_definition_arns()), ["web:1"]);
    let second =
        list().family_prefix("web").max_results(1).set_next_token(first.next_token).send().await.unwrap();
    assert_eq!((short(second.task_definition_arns()), second.next_token), (vec!["web:2".to_owned()], None));

    let delete = shop.ecs.delete_task_definitions().task_definitions("web:3").task_definitions("web:1");
    let deleted = delete.task_definitions("web:9").send().await.unwrap();
    assert_eq!(deleted.task_definitions()[0].status(), Some(&TaskDefinitionStatus::DeleteInProgress));
    assert_eq!(deleted.failures().len(), 2);
    assert_eq!(
        code(shop.ecs.describe_task_definition().task_definition("web:3").send().await),
        "ClientException"
    );
    // A number is never given twice.
    assert_eq!(shop.task("web").send().await.unwrap().task_definition.unwrap().revision(), 4);
}
