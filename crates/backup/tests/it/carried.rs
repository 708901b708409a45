//! Calls that replace everything: what somebody else has set beside what is declared is drift where it matters, and stays where it does
//! not. Nothing goes without a word.

use aws_sdk_backup::types::{
    AdvancedBackupSetting, BackupPlanInput, BackupRuleInput, CopyAction, IndexAction, Lifecycle,
    MalwareScanner, ScanAction, ScanMode, ScanSetting,
};
use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::operation::update_function_configuration::builders::UpdateFunctionConfigurationFluentBuilder;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    DestinationConfig, Environment, EphemeralStorage, FileSystemConfig, OnFailure, VpcConfig,
};
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::operation::update_schedule::builders::UpdateScheduleFluentBuilder;
use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types::{ActionAfterCompletion, Target};
use backup::{Args, Tier, Vault};
use engine::Selector;
use testing::World;

use crate::support::{FUNCTION, SCHEDULE, VAULT, lambda, scheduler, tier, vaults, with_everything, world};

async fn schedule(world: &World) -> GetScheduleOutput {
    scheduler(world).get_schedule().name(SCHEDULE).send().await.unwrap()
}

/// Somebody's change of the schedule that leaves what is declared as it is.
async fn rescheduled(world: &World, with: Target) -> UpdateScheduleFluentBuilder {
    let live = schedule(world).await;
    scheduler(world)
        .update_schedule()
        .name(SCHEDULE)
        .set_description(live.description)
        .set_schedule_expression(live.schedule_expression)
        .set_schedule_expression_timezone(live.schedule_expression_timezone)
        .set_state(live.state)
        .set_flexible_time_window(live.flexible_time_window)
        .target(with)
}

fn with_input(target: &Target, input: &str) -> Target {
    let target = Target::builder()
        .arn(target.arn())
        .role_arn(target.role_arn())
        .set_retry_policy(target.retry_policy().cloned())
        .set_dead_letter_config(target.dead_letter_config().cloned())
        .input(input);
    target.build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_keeps_the_verification_from_running_is_drift() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let target = schedule(&world).await.target.unwrap();
    let (later, end) = (DateTime::from_secs(4_000_000_000), DateTime::from_secs(4_100_000_000));
    let change = rescheduled(&world, target.clone()).await.start_date(later).end_date(end);
    change.action_after_completion(ActionAfterCompletion::Delete).send().await.unwrap();
    let seen =
        ["ActionAfterCompletion", "EndDate", "StartDate"].map(|name| format!("backup/schedule: {name}"));
    world.assert_repaired(&tier, &inputs, &seen.each_ref().map(String::as_str)).await;
    let live = schedule(&world).await;
    assert_eq!((live.start_date, live.end_date), (None, None));
    assert_eq!(live.action_after_completion, Some(ActionAfterCompletion::None));

    // One of them alone is enough, and a start that has passed says nothing that could be said again.
    let change = rescheduled(&world, target).await.end_date(end);
    change.send().await.unwrap();
    world.assert_repaired(&tier, &inputs, &["backup/schedule: EndDate"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_was_to_go_after_its_last_call_is_made_again() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let target = schedule(&world).await.target.unwrap();
    let now = schedule(&world).await.last_modification_date.unwrap().secs();
    let change = rescheduled(&world, target).await.end_date(DateTime::from_secs(now + 3600));
    change.action_after_completion(ActionAfterCompletion::Delete).send().await.unwrap();
    tokio::time::advance(std::time::Duration::from_secs(3700)).await;
    world.assert_repaired(&tier, &inputs, &["backup/schedule: gone"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_and_an_input_of_the_schedule_stay() {
    let (world, inputs) = world().await;
    world.create(&tier(with_everything()), &inputs).await;
    let kms = world.cx.client(aws_sdk_kms::Client::new);
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    let target = with_input(&schedule(&world).await.target.unwrap(), r#"{"asked by":"operations"}"#);
    rescheduled(&world, target.clone()).await.kms_key_arn(&key).send().await.unwrap();
    assert_eq!(world.drift::<Tier>().await, [""; 0]);

    let later = tier(Args { schedule_expression: "cron(0 9 * * ? *)".to_owned(), ..with_everything() });
    world.create(&later, &inputs).await;
    let live = schedule(&world).await;
    assert_eq!(live.schedule_expression(), Some("cron(0 9 * * ? *)"));
    assert_eq!((live.kms_key_arn(), live.target()), (Some(key.as_str()), Some(&target)));
    world.assert_settled(&later, &inputs).await;

    // What somebody's other target is told is none of ours.
    let queue = target.dead_letter_config().unwrap().arn().unwrap();
    let other = Target::builder().arn(queue).role_arn(target.role_arn()).input("no JSON").build().unwrap();
    rescheduled(&world, other).await.kms_key_arn(&key).send().await.unwrap();
    world.assert_repaired(&later, &inputs, &["backup/schedule: Target"]).await;
    let live = schedule(&world).await;
    assert_eq!((live.kms_key_arn(), live.target().unwrap().input()), (Some(key.as_str()), None));
}

#[tokio::test(start_paused = true)]
async fn records_of_verifications_that_go_elsewhere_are_drift() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    let outputs = world.create(&tier, &inputs).await;
    let lambda = lambda(&world);
    let queue = OnFailure::builder().destination(outputs.backup_dead_letter_queue_arn.as_str()).build();
    let change = lambda.put_function_event_invoke_config().function_name(FUNCTION).maximum_retry_attempts(0);
    let change = change.maximum_event_age_in_seconds(3600);
    change.destination_config(DestinationConfig::builder().on_failure(queue).build()).send().await.unwrap();
    world.assert_repaired(&tier, &inputs, &["backup/event-invoke-config: DestinationConfig"]).await;
    let live = lambda.get_function_event_invoke_config().function_name(FUNCTION).send().await.unwrap();
    let failed = live.destination_config().and_then(DestinationConfig::on_failure);
    assert_eq!(failed.and_then(OnFailure::destination), None);
}

async fn function(world: &World) -> GetFunctionOutput {
    lambda(world).get_function().function_name(FUNCTION).send().await.unwrap()
}

fn change(world: &World) -> UpdateFunctionConfigurationFluentBuilder {
    lambda(world).update_function_configuration().function_name(FUNCTION)
}

/// Somebody's network.
async fn network(world: &World) -> VpcConfig {
    let ec2 = world.cx.ec2();
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
    let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.0.0/24").send().await.unwrap();
    let group = ec2.create_security_group().vpc_id(&vpc).group_name("theirs").description("theirs");
    let group = group.send().await.unwrap().group_id.unwrap();
    let subnet = subnet.subnet.unwrap().subnet_id.unwrap();
    VpcConfig::builder().subnet_ids(subnet).security_group_ids(group).build()
}

#[tokio::test(start_paused = true)]
async fn code_of_somebody_else_in_the_function_is_drift() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let layer = "arn:aws:lambda:ap-southeast-1:210987654321:layer:theirs:3";
    change(&world).layers(layer).send().await.unwrap();
    world.assert_repaired(&tier, &inputs, &["backup/function: Layers"]).await;

    for (name, value) in [("AWS_LAMBDA_EXEC_WRAPPER", "/opt/theirs"), ("PYTHONPATH", "/mnt/theirs")] {
        let live = function(&world).await.configuration.unwrap();
        let mut variables = live.environment.unwrap().variables.unwrap();
        variables.insert(name.to_owned(), value.to_owned());
        let environment = Environment::builder().set_variables(Some(variables)).build();
        change(&world).layers(layer).environment(environment).send().await.unwrap();
        world
            .assert_repaired(&tier, &inputs, &["backup/function: Environment", "backup/function: Layers"])
            .await;
    }
    let live = function(&world).await.configuration.unwrap();
    assert!(live.layers().is_empty(), "{live:?}");
}

#[tokio::test(start_paused = true)]
async fn a_network_and_a_file_system_that_can_stop_the_function_are_drift() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    let network = network(&world).await;
    change(&world).vpc_config(network.clone()).send().await.unwrap();
    world.assert_repaired(&tier, &inputs, &["backup/function: VpcConfig"]).await;

    let arn = "arn:aws:elasticfilesystem:ap-southeast-1:123456789012:access-point/fsap-0123456789abcdef0";
    let mount = FileSystemConfig::builder().arn(arn).local_mount_path("/mnt/theirs").build().unwrap();
    change(&world).vpc_config(network).file_system_configs(mount).send().await.unwrap();
    let seen = ["backup/function: FileSystemConfigs", "backup/function: VpcConfig"];
    world.assert_repaired(&tier, &inputs, &seen).await;
    let live = function(&world).await.configuration.unwrap();
    assert!(live.vpc_config().is_none_or(|vpc| vpc.subnet_ids().is_empty()), "{live:?}");
    assert!(live.file_system_configs().is_empty(), "{live:?}");
}

#[tokio::test(start_paused = true)]
async fn keys_and_storage_of_the_function_stay() {
    let (world, inputs) = world().await;
    world.create(&tier(with_everything()), &inputs).await;
    let kms = world.cx.client(aws_sdk_kms::Client::new);
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    let storage = EphemeralStorage::builder().size(1024).build().unwrap();
    change(&world).kms_key_arn(&key).ephemeral_storage(storage.clone()).send().await.unwrap();
    // Another package than ours, in the right key.
    let zip = Blob::new(other_package());
    let upload = lambda(&world).update_function_code().function_name(FUNCTION).zip_file(zip);
    upload.source_kms_key_arn(&key).send().await.unwrap();
    let tier = self::tier(Args { reserved_concurrency: None, ..with_everything() });
    let mut drift = world.drift::<Tier>().await;
    drift.dedup();
    assert_eq!(drift, ["backup/function: CodeSha256"]);
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
    let live = function(&world).await;
    assert_eq!(live.code().unwrap().source_kms_key_arn(), Some(key.as_str()));
    let live = live.configuration.unwrap();
    assert_eq!((live.kms_key_arn(), live.ephemeral_storage()), (Some(key.as_str()), Some(&storage)));
}

/// An archive with one empty file.
fn other_package() -> Vec<u8> {
    let header = |signature: &[u8], length: usize| {
        let mut bytes = signature.to_vec();
        bytes.resize(length, 0);
        bytes
    };
    let mut bytes = header(b"PK\x03\x04", 30);
    let at = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    bytes.extend(header(b"PK\x01\x02", 46));
    let mut end = header(b"PK\x05\x06", 22);
    end[10] = 1;
    end[16..20].copy_from_slice(&at);
    bytes.extend(end);
    bytes
}

struct Plan {
    id: String,
    document: aws_sdk_backup::types::BackupPlan,
}

async fn plan(world: &World) -> Plan {
    let plans = vaults(world).list_backup_plans().send().await.unwrap();
    let id = plans.backup_plans_list()[0].backup_plan_id().unwrap().to_owned();
    let found = vaults(world).get_backup_plan().backup_plan_id(&id).send().await.unwrap();
    Plan { id, document: found.backup_plan.unwrap() }
}

/// Our rule as it is, for somebody who changes something else of it.
fn same(rule: &aws_sdk_backup::types::BackupRule) -> aws_sdk_backup::types::builders::BackupRuleInputBuilder {
    BackupRuleInput::builder()
        .rule_name(rule.rule_name())
        .target_backup_vault_name(rule.target_backup_vault_name())
        .set_schedule_expression(rule.schedule_expression.clone())
        .set_schedule_expression_timezone(rule.schedule_expression_timezone.clone())
        .set_start_window_minutes(rule.start_window_minutes)
        .set_completion_window_minutes(rule.completion_window_minutes)
        .set_lifecycle(rule.lifecycle.clone())
}

async fn replan(world: &World, rules: Vec<BackupRuleInput>) {
    let Plan { id, document } = plan(world).await;
    let changed = BackupPlanInput::builder().backup_plan_name(document.backup_plan_name());
    let changed = changed.set_rules(Some(rules)).build().unwrap();
    vaults(world).update_backup_plan().backup_plan_id(id).backup_plan(changed).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn other_copies_and_other_ways_to_keep_them_are_drift() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    let short = Args { vault: Vault { retention_days: 30, ..with_everything().vault }, ..with_everything() };
    let short = self::tier(short);
    let far = "arn:aws:backup:eu-west-1:210987654321:backup-vault:far";
    let copy = CopyAction::builder().destination_backup_vault_arn(far).build().unwrap();
    let cold = Lifecycle::builder().move_to_cold_storage_after_days(1).delete_after_days(91);
    let ours = async || same(&plan(&world).await.document.rules()[0]);

    world.create(&tier, &inputs).await;
    for changed in [
        ours().await.copy_actions(copy),
        ours().await.target_logically_air_gapped_backup_vault_arn(far),
        ours().await.lifecycle(cold.opt_in_to_archive_for_supported_resources(true).build()),
    ] {
        replan(&world, vec![changed.build().unwrap()]).await;
        world.assert_repaired(&tier, &inputs, &["backup/plan: BackupPlan"]).await;
    }
    let theirs = BackupRuleInput::builder().rule_name("theirs").target_backup_vault_name(VAULT);
    replan(&world, vec![theirs.build().unwrap(), ours().await.build().unwrap()]).await;
    world.assert_repaired(&tier, &inputs, &["backup/plan: BackupPlan"]).await;
    // Continuous backups are kept for 35 days at most.
    world.create(&short, &inputs).await;
    replan(&world, vec![ours().await.enable_continuous_backup(true).build().unwrap()]).await;
    world.assert_repaired(&short, &inputs, &["backup/plan: BackupPlan"]).await;

    let live = plan(&world).await.document;
    let [rule] = live.rules() else { panic!("{live:?}") };
    assert!(rule.copy_actions().is_empty() && rule.target_logically_air_gapped_backup_vault_arn().is_none());
    assert_eq!(rule.enable_continuous_backup(), Some(false));
}

#[tokio::test(start_paused = true)]
async fn what_a_plan_says_of_other_things_stays() {
    let (world, inputs) = world().await;
    world.create(&tier(with_everything()), &inputs).await;
    let before = plan(&world).await;
    let scan = ScanAction::builder().malware_scanner(MalwareScanner::Guardduty).scan_mode(ScanMode::FullScan);
    let rule = same(&before.document.rules()[0])
        .recovery_point_tags("CostCenter", "4711")
        .index_actions(IndexAction::builder().resource_types("S3").build())
        .scan_actions(scan.build());
    let settings =
        AdvancedBackupSetting::builder().resource_type("EC2").backup_options("WindowsVSS", "enabled");
    let scans = ScanSetting::builder().malware_scanner(MalwareScanner::Guardduty).resource_types("EBS");
    let scans = scans.scanner_role_arn("arn:aws:iam::123456789012:role/scanner");
    let changed = BackupPlanInput::builder()
        .backup_plan_name(before.document.backup_plan_name())
        .rules(rule.build().unwrap())
        .advanced_backup_settings(settings.build())
        .scan_settings(scans.build());
    let update = vaults(&world).update_backup_plan().backup_plan_id(&before.id);
    update.backup_plan(changed.build().unwrap()).send().await.unwrap();
    let set = plan(&world).await.document;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);

    let longer =
        Args { vault: Vault { retention_days: 365, ..with_everything().vault }, ..with_everything() };
    world.create(&tier(longer.clone()), &inputs).await;
    let live = plan(&world).await.document;
    assert_eq!(live.rules()[0].lifecycle().unwrap().delete_after_days(), Some(365));
    assert_eq!(live.rules()[0].recovery_point_tags(), set.rules()[0].recovery_point_tags());
    assert_eq!(live.rules()[0].recovery_point_tags().unwrap()["CostCenter"], "4711");
    assert_eq!(live.rules()[0].index_actions(), set.rules()[0].index_actions());
    assert_eq!(live.rules()[0].scan_actions(), set.rules()[0].scan_actions());
    assert_eq!(live.advanced_backup_settings(), set.advanced_backup_settings());
    assert_eq!(live.scan_settings(), set.scan_settings());
    world.assert_settled(&tier(longer), &inputs).await;
}

async fn locked(world: &World, least: i64, most: Option<i64>, final_after: Option<i64>) {
    let lock = vaults(world).put_backup_vault_lock_configuration().backup_vault_name(VAULT);
    let lock = lock.min_retention_days(least).set_max_retention_days(most);
    lock.set_changeable_for_days(final_after).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn other_limits_of_a_lock_are_drift() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    // With these, AWS Backup would fail each copy.
    for (least, most) in [(7, Some(60)), (365, None)] {
        locked(&world, least, most, None).await;
        world.assert_repaired(&tier, &inputs, &["backup/vault: LockConfiguration"]).await;
    }
    let live = vaults(&world).describe_backup_vault().backup_vault_name(VAULT).send().await.unwrap();
    assert_eq!((live.min_retention_days(), live.max_retention_days()), (Some(7), None));
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_becomes_final_is_said_and_left_alone() {
    let (world, inputs) = world().await;
    let tier = tier(with_everything());
    world.create(&tier, &inputs).await;
    locked(&world, 14, None, Some(3)).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    let [remark] = &world.engine.look(&Selector::all()).await.unwrap().remarks()[..] else {
        panic!("no remark")
    };
    let said = &remark.accepted.because;
    assert!(said.contains("keeps copies for at least 14 days") && said.contains("2026-01-04"), "{said}");
    world.assert_settled(&tier, &inputs).await;
    // Nor is it changed by an update of something else, or once it is final.
    for days in [1, 4] {
        tokio::time::advance(std::time::Duration::from_secs(days * 86_400)).await;
        let args = Args { tags: [("Day".to_owned(), days.to_string())].into(), ..with_everything() };
        world.create(&self::tier(args), &inputs).await;
        let live = vaults(&world).describe_backup_vault().backup_vault_name(VAULT).send().await.unwrap();
        assert_eq!((live.min_retention_days(), live.locked()), (Some(14), Some(true)));
        assert!(live.lock_date().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_of_somebody_else_stays_and_a_plan_that_it_fails_says_so() {
    let (world, inputs) = world().await;
    let unlocked = Vault { lock_days: None, ..with_everything().vault };
    let tier = tier(Args { vault: unlocked, ..with_everything() });
    world.create(&tier, &inputs).await;
    locked(&world, 30, Some(400), None).await;
    world.assert_settled(&tier, &inputs).await;
    let warnings = async || world.plan(&tier, &inputs).await.step("backup/plan").unwrap().warnings().to_vec();
    assert_eq!(warnings().await, [""; 0]);
    for (least, most, limit) in [(365, None, "at least 365 days"), (30, Some(60), "at most 60 days")] {
        locked(&world, least, most, None).await;
        let said = warnings().await;
        let [said] = &said[..] else { panic!("{said:?}") };
        assert!(said.contains("90 days") && said.contains(limit) && said.contains(VAULT), "{said}");
        let live = vaults(&world).describe_backup_vault().backup_vault_name(VAULT).send().await.unwrap();
        assert_eq!(live.min_retention_days(), Some(least));
    }
}
