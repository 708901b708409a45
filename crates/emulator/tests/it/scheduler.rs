//! Schedules and their groups.

use std::time::Duration;

use aws_sdk_scheduler::operation::create_schedule::builders::CreateScheduleFluentBuilder;
use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types::builders::TargetBuilder;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, EcsParameters, FlexibleTimeWindow, FlexibleTimeWindowMode,
    RetryPolicy, ScheduleState, SqsParameters, Tag, Target,
};
use emulator::Emulator;

use crate::rows::Rows;
use crate::support::{Cloud, NO_KEY, REGION, code, config, said};

const INVALID: &str = "ValidationException";
const MISSING: &str = "ResourceNotFoundException";
const CONFLICT: &str = "ConflictException";
/// When time begins in memory.
const NOW: i64 = 1_767_225_600;

struct Schedules {
    cloud: Cloud,
    scheduler: aws_sdk_scheduler::Client,
}

impl Schedules {
    fn of(emulator: Emulator) -> Self {
        let scheduler = aws_sdk_scheduler::Client::new(&config(&emulator, REGION));
        Schedules { cloud: Cloud::of(emulator), scheduler }
    }

    async fn role(&self) -> String {
        self.cloud.role_for("schedules", "scheduler.amazonaws.com").await
    }

    fn create(&self, name: &str, role: &str) -> CreateScheduleFluentBuilder {
        let call = self.scheduler.create_schedule().name(name).schedule_expression("rate(1 day)");
        call.flexible_time_window(window(FlexibleTimeWindowMode::Off, None))
            .target(target(role).build().unwrap())
    }
}

fn window(mode: FlexibleTimeWindowMode, minutes: Option<i32>) -> FlexibleTimeWindow {
    let window = FlexibleTimeWindow::builder().mode(mode);
    window.set_maximum_window_in_minutes(minutes).build().unwrap()
}

fn target(role: &str) -> TargetBuilder {
    let function = format!("arn:aws:lambda:{REGION}:123456789012:function:backup");
    Target::builder().arn(function).role_arn(role)
}

#[tokio::test(start_paused = true)]
async fn a_schedule_comes_back_and_is_replaced_as_a_whole() {
    let schedules = Schedules::of(Emulator::in_memory());
    let scheduler = &schedules.scheduler;
    let role = schedules.role().await;
    let tag = Tag::builder().key("Name").value("jobs").build().unwrap();
    scheduler.create_schedule_group().name("jobs").tags(tag).send().await.unwrap();
    let queue = schedules.cloud.queue("dead").await;
    let key = schedules.cloud.key().await;
    let retry = RetryPolicy::builder().maximum_event_age_in_seconds(3600).maximum_retry_attempts(2).build();
    let aim = target(&role).input(r#"{"a":1}"#).retry_policy(retry);
    let aim = aim.dead_letter_config(DeadLetterConfig::builder().arn(&queue).build()).build().unwrap();
    let call = schedules.create("backup", &role).group_name("jobs").target(aim).description("Daily");
    let call = call.schedule_expression("cron(0 2 * * ? *)").schedule_expression_timezone("Asia/Singapore");
    let call = call.flexible_time_window(window(FlexibleTimeWindowMode::Flexible, Some(15)));
    let call = call.state(ScheduleState::Disabled).action_after_completion(ActionAfterCompletion::Delete);
    let call = call.start_date(DateTime::from_secs(NOW + 60)).end_date(DateTime::from_secs(NOW + 3600));
    let call = call.kms_key_arn(&key);
    let arn = call.send().await.unwrap().schedule_arn;
    assert_eq!(arn, format!("arn:aws:scheduler:{REGION}:123456789012:schedule/jobs/backup"));

    let get = || scheduler.get_schedule().name("backup").group_name("jobs");
    let found = get().send().await.unwrap();
    assert_eq!((found.arn(), found.description()), (Some(arn.as_str()), Some("Daily")));
    assert_eq!(found.schedule_expression(), Some("cron(0 2 * * ? *)"));
    assert_eq!(found.schedule_expression_timezone(), Some("Asia/Singapore"));
    let window = found.flexible_time_window().unwrap();
    assert_eq!(
        (window.mode(), window.maximum_window_in_minutes()),
        (&FlexibleTimeWindowMode::Flexible, Some(15))
    );
    assert_eq!(found.state(), Some(&ScheduleState::Disabled));
    assert_eq!(found.action_after_completion(), Some(&ActionAfterCompletion::Delete));
    assert_eq!(found.start_date().unwrap().secs(), NOW + 60);
    assert_eq!(found.end_date().unwrap().secs(), NOW + 3600);
    assert_eq!(found.kms_key_arn(), Some(key.as_str()));
    let aim = found.target().unwrap();
    assert_eq!((aim.input(), aim.role_arn()), (Some(r#"{"a":1}"#), role.as_str()));
    let retry = aim.retry_policy().unwrap();
    assert_eq!((retry.maximum_event_age_in_seconds(), retry.maximum_retry_attempts()), (Some(3600), Some(2)));
    assert_eq!(aim.dead_letter_config().unwrap().arn(), Some(queue.as_str()));

    let call =
        scheduler.update_schedule().name("backup").group_name("jobs").schedule_expression("rate(2 hours)");
    let call = call.flexible_time_window(self::window(FlexibleTimeWindowMode::Off, None));
    call.target(target(&role).build().unwrap()).send().await.unwrap();
    let found = get().send().await.unwrap();
    assert_eq!((found.description(), found.kms_key_arn(), found.start_date()), (None, None, None));
    assert_eq!(found.schedule_expression_timezone(), Some("UTC"));
    assert_eq!(found.state(), Some(&ScheduleState::Enabled));
    let retry = found.target().unwrap().retry_policy().unwrap().clone();
    assert_eq!(
        (retry.maximum_event_age_in_seconds(), retry.maximum_retry_attempts()),
        (Some(86_400), Some(185))
    );
    assert_eq!(found.target().unwrap().input(), None);
}

#[tokio::test(start_paused = true)]
async fn schedules_and_groups_are_listed_and_tagged() {
    let schedules = Schedules::of(Emulator::in_memory());
    let scheduler = &schedules.scheduler;
    let role = schedules.role().await;
    let group = scheduler.create_schedule_group().name("jobs").send().await.unwrap().schedule_group_arn;
    for (name, group) in [("a1", "default"), ("a2", "jobs"), ("b1", "jobs")] {
        schedules.create(name, &role).group_name(group).send().await.unwrap();
    }
    let names = |found: aws_sdk_scheduler::operation::list_schedules::ListSchedulesOutput| {
        found.schedules().iter().map(|s| s.name().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(scheduler.list_schedules().name_prefix("a").send().await.unwrap()), ["a1", "a2"]);
    assert_eq!(names(scheduler.list_schedules().group_name("jobs").send().await.unwrap()), ["a2", "b1"]);
    let first = scheduler.list_schedules().max_results(2).send().await.unwrap();
    let rest = scheduler.list_schedules().next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!((names(first), names(rest)), (vec!["a1".to_owned(), "a2".to_owned()], vec!["b1".to_owned()]));
    let groups = scheduler.list_schedule_groups().send().await.unwrap();
    let groups: Vec<_> = groups.schedule_groups().iter().filter_map(|group| group.name()).collect();
    assert_eq!(groups, ["default", "jobs"]);

    let tag = Tag::builder().key("a").value("1").build().unwrap();
    scheduler.tag_resource().resource_arn(&group).tags(tag.clone()).send().await.unwrap();
    let tags = || scheduler.list_tags_for_resource().resource_arn(&group);
    assert_eq!(tags().send().await.unwrap().tags(), [tag]);
    scheduler.untag_resource().resource_arn(&group).tag_keys("a").send().await.unwrap();
    assert_eq!(tags().send().await.unwrap().tags(), []);

    scheduler.delete_schedule_group().name("jobs").send().await.unwrap();
    assert_eq!(names(scheduler.list_schedules().send().await.unwrap()), ["a1"]);
    scheduler.delete_schedule().name("a1").send().await.unwrap();
    let left = schedules.cloud.left_behind().await;
    assert_eq!(left, [("AWS::IAM::Role".to_owned(), "schedules".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn rules_of_schedules() {
    let schedules = Schedules::of(Emulator::in_memory());
    let scheduler = &schedules.scheduler;
    let role = schedules.role().await;
    let other = schedules.cloud.role_for("other", "lambda.amazonaws.com").await;
    let create = || schedules.create("s", &role);
    let aim = |target: TargetBuilder| create().target(target.build().unwrap());
    let mut rows = Rows::default();
    rows.row("expression", INVALID, code(create().schedule_expression("cron(0 2 * * *)").send().await));
    for zone in ["Mars/Olympus", "Asia/Phobos", "asia/singapore", "Singapore"] {
        let created = create().schedule_expression_timezone(zone).send().await;
        assert_eq!(said(created), format!("{INVALID}: Invalid Schedule Expression Timezone {zone}."));
    }
    let open = window(FlexibleTimeWindowMode::Flexible, None);
    rows.row("window without minutes", INVALID, code(create().flexible_time_window(open).send().await));
    let shut = window(FlexibleTimeWindowMode::Off, Some(5));
    rows.row("minutes without window", INVALID, code(create().flexible_time_window(shut).send().await));
    let at = DateTime::from_secs;
    rows.row("early start", INVALID, code(create().start_date(at(NOW - 301)).send().await));
    rows.row("end in the past", INVALID, code(create().end_date(at(NOW)).send().await));
    let turned = create().start_date(at(NOW + 60)).end_date(at(NOW + 30));
    rows.row("end before start", INVALID, code(turned.send().await));
    rows.row("no such role", INVALID, code(aim(target("arn:aws:iam::123456789012:role/none")).send().await));
    rows.row("role of another service", INVALID, code(aim(target(&other)).send().await));
    rows.row(
        "target",
        INVALID,
        code(aim(target(&role).arn("arn:aws:ec2:x:123456789012:vpc/v")).send().await),
    );
    let group = SqsParameters::builder().message_group_id("g").build();
    rows.row("queue's parameters", INVALID, code(aim(target(&role).sqs_parameters(group)).send().await));
    rows.row("text for a function", INVALID, code(aim(target(&role).input("not JSON")).send().await));
    let task = EcsParameters::builder().task_definition_arn("t").build().unwrap();
    rows.row("tasks", "UnknownParameter", code(aim(target(&role).ecs_parameters(task)).send().await));
    rows.row("key", INVALID, code(create().kms_key_arn("no").send().await));
    rows.row("no such key", INVALID, code(create().kms_key_arn(NO_KEY).send().await));
    let key = schedules.cloud.key().await;
    schedules.cloud.doom_key(&key).await;
    rows.row("key pending deletion", INVALID, code(create().kms_key_arn(key).send().await));
    rows.row("no such group", MISSING, code(create().group_name("none").send().await));
    rows.row("schedule", "ok", code(create().send().await));
    rows.row("same schedule", CONFLICT, code(create().send().await));
    rows.row("no such schedule", MISSING, code(scheduler.get_schedule().name("x").send().await));
    rows.row("list of no such group", MISSING, code(scheduler.list_schedules().group_name("x").send().await));
    let update = scheduler.update_schedule().name("x").schedule_expression("rate(1 day)");
    let update = update.flexible_time_window(window(FlexibleTimeWindowMode::Off, None));
    rows.row("update of none", MISSING, code(update.target(target(&role).build().unwrap()).send().await));
    rows.row("default group", CONFLICT, code(scheduler.create_schedule_group().name("default").send().await));
    rows.row("delete the default group", INVALID, {
        code(scheduler.delete_schedule_group().name("default").send().await)
    });
    rows.row("delete no group", MISSING, code(scheduler.delete_schedule_group().name("x").send().await));
    let stray = format!("arn:aws:scheduler:{REGION}:123456789012:schedule-group/x");
    let stray = scheduler.list_tags_for_resource().resource_arn(stray);
    rows.row("tags of no group", MISSING, code(stray.send().await));
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_is_over_goes_by_itself_if_that_was_asked_for() {
    let schedules = Schedules::of(Emulator::in_memory());
    let role = schedules.role().await;
    let create =
        |name: &str| schedules.create(name, &role).action_after_completion(ActionAfterCompletion::Delete);
    let at = DateTime::from_secs;
    create("ends").end_date(at(NOW + 3600)).send().await.unwrap();
    create("never-ends").send().await.unwrap();
    create("once").schedule_expression("at(2026-01-01T00:30:00)").send().await.unwrap();
    let kept = create("kept").action_after_completion(ActionAfterCompletion::None);
    kept.end_date(at(NOW + 3600)).send().await.unwrap();
    let left = async || {
        let found = schedules.scheduler.list_schedules().send().await.unwrap();
        found.schedules().iter().filter_map(|one| one.name().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(left().await, ["ends", "kept", "never-ends", "once"]);
    tokio::time::advance(Duration::from_secs(1801)).await;
    assert_eq!(left().await, ["ends", "kept", "never-ends"]);
    tokio::time::advance(Duration::from_secs(1801)).await;
    assert_eq!(left().await, ["kept", "never-ends"]);
    // What is over and stays says nothing of it.
    let over = schedules.scheduler.get_schedule().name("kept").send().await.unwrap();
    assert_eq!((over.state(), over.end_date()), (Some(&ScheduleState::Enabled), Some(&at(NOW + 3600))));
}

#[tokio::test(start_paused = true)]
async fn a_call_with_the_same_token_has_one_effect() {
    let schedules = Schedules::of(Emulator::in_memory());
    let role = schedules.role().await;
    let create = || schedules.create("s", &role).client_token("token-1");
    let first = create().send().await.unwrap();
    assert_eq!(create().send().await.unwrap().schedule_arn, first.schedule_arn);
    assert_eq!(code(create().description("other").send().await), CONFLICT);
    let delete = || schedules.scheduler.delete_schedule().name("s").client_token("token-2");
    delete().send().await.unwrap();
    delete().send().await.unwrap();
    assert_eq!(code(schedules.scheduler.get_schedule().name("s").send().await), MISSING);
}

#[tokio::test(start_paused = true)]
async fn a_group_goes_away_slowly() {
    let schedules = Schedules::of(Emulator::builder().latency(1.0).in_memory());
    let scheduler = &schedules.scheduler;
    let role = schedules.role().await;
    assert_eq!(code(schedules.create("s", &role).send().await), "AccessDeniedException", "iam:PassRole");
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(code(schedules.create("s", &role).send().await), INVALID, "the role is not known yet");
    tokio::time::sleep(Duration::from_secs(11)).await;
    scheduler.create_schedule_group().name("jobs").send().await.unwrap();
    schedules.create("s", &role).group_name("jobs").send().await.unwrap();
    scheduler.delete_schedule_group().name("jobs").send().await.unwrap();
    let group = scheduler.get_schedule_group().name("jobs").send().await.unwrap();
    assert_eq!(group.state().unwrap().as_str(), "DELETING");
    assert_eq!(code(schedules.create("s", &role).group_name("jobs").send().await), CONFLICT);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(code(scheduler.get_schedule_group().name("jobs").send().await), MISSING);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    {
        let schedules = Schedules::of(Emulator::open(directory.path()).unwrap());
        let role = schedules.role().await;
        schedules.create("s", &role).send().await.unwrap();
    }
    let schedules = Schedules::of(Emulator::open(directory.path()).unwrap());
    let found = schedules.scheduler.get_schedule().name("s").send().await.unwrap();
    assert_eq!(found.schedule_expression(), Some("rate(1 day)"));
}
