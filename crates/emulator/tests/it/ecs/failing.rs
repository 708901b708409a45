//! Tasks that write to their logs, and tasks that a plan of faults lets fail.

use aws_sdk_ecs::types::{
    ContainerDefinition, DeploymentCircuitBreaker, DeploymentConfiguration, DesiredStatus, HealthCheck,
    HealthStatus, LogConfiguration, LogDriver, Task, TaskStopCode,
};
use emulator::{ContainerFault, Emulator, FaultPlan};

use super::load_balancing::{Front, blue_green};
use super::{Shop, container, role, seconds};
use crate::support::REGION;

const GOOD: &str = "public.ecr.aws/shop/web:1";
const BAD: &str = "public.ecr.aws/shop/web:2";

fn breaker() -> DeploymentConfiguration {
    let breaker = DeploymentCircuitBreaker::builder().enable(true).rollback(true).build();
    DeploymentConfiguration::builder().deployment_circuit_breaker(breaker).build()
}

fn logging(image: &str) -> ContainerDefinition {
    let logs = LogConfiguration::builder()
        .log_driver(LogDriver::Awslogs)
        .options("awslogs-group", "/ecs/web")
        .options("awslogs-region", REGION)
        .options("awslogs-stream-prefix", "web")
        .build()
        .unwrap();
    container(image).log_configuration(logs).build()
}

fn emulator(fault: ContainerFault, latency: f64) -> Emulator {
    let plan = FaultPlan::default().with_container(Some("web:2"), fault);
    Emulator::builder().faults(plan).latency(latency).in_memory()
}

fn exit() -> ContainerFault {
    let lines = ["starting", "panic: no database"].map(str::to_owned).to_vec();
    ContainerFault::Exit { code: 3, lines }
}

impl Shop {
    async fn register(&self, family: &str, one: ContainerDefinition) {
        self.task_of(family, one).execution_role_arn(role("execution")).send().await.unwrap();
    }

    /// A service `web` of a good image, and a family `bad`.
    async fn with_both(emulator: Emulator, health: Option<HealthCheck>) -> Self {
        let shop = Shop::of(emulator).await;
        shop.cloud.logs.create_log_group().log_group_name("/ecs/web").send().await.unwrap();
        shop.register("good", logging(GOOD)).await;
        let mut bad = logging(BAD);
        bad.health_check = health;
        shop.register("bad", bad).await;
        shop.service("web", "good").deployment_configuration(breaker()).send().await.unwrap();
        seconds(200).await;
        shop
    }

    async fn update(&self, family: &str) {
        self.ecs
            .update_service()
            .cluster("shop")
            .service("web")
            .task_definition(family)
            .send()
            .await
            .unwrap();
    }

    async fn ended(&self) -> String {
        for _ in 0..3600 {
            let status = self.latest("web").await.status().unwrap().as_str().to_owned();
            if !matches!(status.as_str(), "PENDING" | "IN_PROGRESS" | "ROLLBACK_IN_PROGRESS") {
                return status;
            }
            seconds(1).await;
        }
        panic!("it never ended");
    }

    async fn tasks(&self, family: &str, status: DesiredStatus) -> Vec<Task> {
        let list = self.ecs.list_tasks().cluster("shop").family(family).desired_status(status);
        let arns = list.send().await.unwrap().task_arns;
        let found = self.ecs.describe_tasks().cluster("shop").set_tasks(arns).send().await.unwrap();
        found.tasks.unwrap()
    }

    /// What a task has written.
    async fn lines(&self, task: &Task) -> Vec<String> {
        let id = task.task_arn().unwrap().rsplit('/').next().unwrap();
        let get = self.cloud.logs.get_log_events().log_group_name("/ecs/web").start_from_head(true);
        let got = get.log_stream_name(format!("web/app/{id}")).send().await.unwrap();
        got.events().iter().map(|event| event.message().unwrap().to_owned()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_write_when_they_start_and_stop() {
    let shop = Shop::with_both(Emulator::in_memory(), None).await;
    let task = shop.tasks("good", DesiredStatus::Running).await.remove(0);
    let started = ["[emulator] image public.ecr.aws/shop/web:1", "[emulator] container app has started"];
    assert_eq!(shop.lines(&task).await, started);
    shop.ecs.update_service().cluster("shop").service("web").desired_count(0).send().await.unwrap();
    assert_eq!(
        shop.lines(&task).await[2..],
        ["[emulator] container app has received SIGTERM", "[emulator] container app has exited with code 0",]
    );
    let task = shop.tasks("good", DesiredStatus::Stopped).await.remove(0);
    assert_eq!(task.containers()[0].exit_code(), Some(0));
    assert_eq!(task.stop_code(), Some(&TaskStopCode::ServiceSchedulerInitiated));
    // ECS made the streams, and they go with their group.
    let objects = shop.cloud.emulator.objects().await.unwrap();
    let streams: Vec<_> = objects.iter().filter(|object| object.kind == "AWS::Logs::LogStream").collect();
    assert_eq!((streams.len(), streams.iter().all(|stream| stream.made_by_default)), (2, true));
}

#[tokio::test(start_paused = true)]
async fn containers_that_exit_trip_the_breaker_and_leave_their_code_and_lines() {
    for latency in [0.0, 1.0] {
        let shop = Shop::with_both(emulator(exit(), latency), None).await;
        shop.update("bad").await;
        seconds(5).await;
        assert_eq!(shop.ended().await, "ROLLBACK_SUCCESSFUL", "{latency}");
        let deployment = shop.latest("web").await;
        let circuit = deployment.deployment_circuit_breaker().unwrap();
        assert_eq!((circuit.threshold(), circuit.failure_count()), (3, 4));
        let found = shop.look("web").await;
        assert!(found.task_definition().unwrap().ends_with("good:1"));
        assert_eq!(found.running_count(), 2);
        let stopped = shop.tasks("bad", DesiredStatus::Stopped).await;
        assert_eq!(stopped.len(), 4);
        for task in &stopped {
            assert_eq!(task.stop_code(), Some(&TaskStopCode::EssentialContainerExited));
            assert_eq!(task.stopped_reason(), Some("Essential container in task exited"));
            assert_eq!(task.containers()[0].exit_code(), Some(3));
            assert!(task.started_at().is_some());
            assert_eq!(shop.lines(task).await[2..], ["starting", "panic: no database"]);
        }
        seconds(120).await;
        assert_eq!(shop.interfaces().await, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_not_essential_exits_and_its_task_goes_on() {
    let shop = Shop::of(emulator(exit(), 0.0)).await;
    let side = ContainerDefinition::builder().name("side").image(BAD).essential(false).build();
    let task = shop.task_of("web", container(GOOD).build()).container_definitions(side);
    task.send().await.unwrap();
    shop.service("web", "web").send().await.unwrap();
    assert_eq!(shop.latest("web").await.status().unwrap().as_str(), "SUCCESSFUL");
    let task = shop.tasks("web", DesiredStatus::Running).await.remove(0);
    let container =
        |name: &str| task.containers().iter().find(|one| one.name() == Some(name)).unwrap().clone();
    assert_eq!((container("side").last_status(), container("side").exit_code()), (Some("STOPPED"), Some(3)));
    assert_eq!((container("app").last_status(), container("app").exit_code()), (Some("RUNNING"), None));
}

#[tokio::test(start_paused = true)]
async fn an_image_that_the_plan_does_not_find_cannot_be_pulled() {
    let shop = Shop::with_both(emulator(ContainerFault::NoImage, 0.0), None).await;
    shop.update("bad").await;
    assert_eq!(shop.ended().await, "ROLLBACK_SUCCESSFUL");
    let task = shop.tasks("bad", DesiredStatus::Stopped).await.remove(0);
    assert_eq!(task.stop_code(), Some(&TaskStopCode::TaskFailedToStart));
    assert!(task.stopped_reason().unwrap().starts_with("CannotPullContainerError"));
    assert_eq!(task.containers()[0].exit_code(), None);
}

#[tokio::test(start_paused = true)]
async fn tasks_whose_own_health_check_fails_are_replaced_until_the_breaker_trips() {
    let check =
        HealthCheck::builder().command("CMD").command("true").interval(10).retries(3).start_period(30);
    let shop = Shop::with_both(emulator(ContainerFault::Unhealthy, 1.0), Some(check.build().unwrap())).await;
    shop.update("bad").await;
    seconds(75).await;
    let task = shop.tasks("bad", DesiredStatus::Running).await.remove(0);
    let health = task.health_status().map(HealthStatus::as_str);
    assert_eq!((task.last_status(), health), (Some("RUNNING"), Some("UNKNOWN")));
    assert_eq!(shop.ended().await, "ROLLBACK_SUCCESSFUL");
    let task = shop.tasks("bad", DesiredStatus::Stopped).await.remove(0);
    assert_eq!(task.stopped_reason(), Some("Task failed container health checks"));
    assert_eq!(task.health_status(), Some(&HealthStatus::Unhealthy));
    assert_eq!(task.stop_code(), Some(&TaskStopCode::ServiceSchedulerInitiated));
}

#[tokio::test(start_paused = true)]
async fn a_blue_green_deployment_whose_targets_fail_their_checks_never_gets_traffic() {
    let plan = FaultPlan::default().with_container(Some(BAD), ContainerFault::Unhealthy);
    let front = Front::with(Emulator::builder().faults(plan).latency(1.0).in_memory()).await;
    let mut configuration = blue_green(10);
    configuration.deployment_circuit_breaker = breaker().deployment_circuit_breaker;
    front.shifting(configuration).send().await.unwrap();
    seconds(200).await;
    assert_eq!(front.weights(&front.production).await, (0, 100));
    front.shop.register("bad", container(BAD).build()).await;
    front.shop.update("bad").await;
    let mut seen = false;
    for _ in 0..120 {
        seconds(1).await;
        let health = front.elb.describe_target_health().target_group_arn(&front.blue).send().await.unwrap();
        let mut health = health.target_health_descriptions().iter().filter_map(|one| one.target_health());
        seen |= health.any(|health| health.state().is_some_and(|state| state.as_str() == "unhealthy"));
        assert_eq!(front.weights(&front.production).await, (0, 100));
    }
    assert!(seen, "no target was unhealthy");
    assert_eq!(front.shop.ended().await, "ROLLBACK_SUCCESSFUL");
    assert_eq!(front.weights(&front.production).await, (0, 100));
    let task = front.shop.tasks("bad", DesiredStatus::Stopped).await.remove(0);
    let reason = format!("Task failed ELB health checks in (target-group {})", front.blue);
    assert_eq!(task.stopped_reason(), Some(&*reason));
    assert_eq!((front.targets(&front.blue).await, front.targets(&front.green).await), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_first_deployment_that_fails_has_nothing_to_go_back_to() {
    let shop = Shop::of(emulator(exit(), 1.0)).await;
    shop.task_of("bad", container(BAD).build()).send().await.unwrap();
    shop.service("web", "bad").deployment_configuration(breaker()).send().await.unwrap();
    assert_eq!(shop.ended().await, "STOPPED");
    assert_eq!(shop.look("web").await.running_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_breaker_tasks_are_started_again_and_again() {
    let shop = Shop::of(emulator(exit(), 1.0)).await;
    shop.task_of("bad", container(BAD).build()).send().await.unwrap();
    shop.service("web", "bad").send().await.unwrap();
    for _ in 0..10 {
        seconds(60).await;
        shop.look("web").await;
    }
    assert_eq!(shop.latest("web").await.status().unwrap().as_str(), "IN_PROGRESS");
    assert!(shop.tasks("bad", DesiredStatus::Stopped).await.len() > 10);
    let mended = shop.task_of("bad", container(GOOD).build()).send().await.unwrap();
    let arn = mended.task_definition().unwrap().task_definition_arn().unwrap();
    shop.update(arn).await;
    seconds(5).await;
    assert_eq!(shop.ended().await, "SUCCESSFUL");
}
