//! AWS Backup's vaults, plans and selections.

use std::time::Duration;

use aws_sdk_backup::Client;
use aws_sdk_backup::operation::create_backup_selection::builders::CreateBackupSelectionFluentBuilder;
use aws_sdk_backup::types::builders::BackupRuleInputBuilder;
use aws_sdk_backup::types::{
    AdvancedBackupSetting, BackupPlanInput, BackupRuleInput, BackupSelection, Condition, ConditionType,
    CopyAction, IndexAction, Lifecycle, MalwareScanner, ScanAction, ScanMode, ScanSetting,
};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use emulator::Emulator;

use crate::support::{Cloud, REGION, code, config, said};

const ROLE: &str = "arn:aws:iam::123456789012:role/backup";

fn client(emulator: &Emulator) -> Client {
    Client::new(&config(emulator, REGION))
}

async fn vault(client: &Client, name: &str) {
    client.create_backup_vault().backup_vault_name(name).send().await.unwrap();
}

async fn role(emulator: &Emulator, name: &str, service: &str) {
    let cloud = Cloud::of(emulator.clone());
    cloud.role_for(name, service).await;
    let policy = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup";
    cloud.iam.attach_role_policy().role_name(name).policy_arn(policy).send().await.unwrap();
}

fn rule() -> BackupRuleInputBuilder {
    BackupRuleInput::builder().rule_name("daily").target_backup_vault_name("vault")
}

fn plan(name: &str, rule: BackupRuleInputBuilder) -> BackupPlanInput {
    BackupPlanInput::builder().backup_plan_name(name).rules(rule.build().unwrap()).build().unwrap()
}

async fn made_plan(client: &Client) -> String {
    let made = client.create_backup_plan().backup_plan(plan("p", rule())).send().await.unwrap();
    made.backup_plan_id.unwrap()
}

fn lifecycle(cold: Option<i64>, delete: i64) -> Lifecycle {
    Lifecycle::builder().set_move_to_cold_storage_after_days(cold).delete_after_days(delete).build()
}

fn select(client: &Client, plan: &str, name: &str) -> CreateBackupSelectionFluentBuilder {
    let condition = Condition::builder().condition_type(ConditionType::Stringequals);
    let condition = condition.condition_key("Backup").condition_value("daily").build().unwrap();
    let selection =
        BackupSelection::builder().selection_name(name).iam_role_arn(ROLE).list_of_tags(condition);
    client.create_backup_selection().backup_plan_id(plan).backup_selection(selection.build().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_vault_and_its_lock_come_back() {
    let emulator = Emulator::in_memory();
    let client = client(&emulator);
    let kms = aws_sdk_kms::Client::new(&config(&emulator, REGION));
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    let create = || {
        let create = client.create_backup_vault().backup_vault_name("vault").encryption_key_arn(&key);
        create.backup_vault_tags("Author", "Zoë").creator_request_id("once")
    };
    let made = create().send().await.unwrap();
    let arn = format!("arn:aws:backup:{REGION}:123456789012:backup-vault:vault");
    assert_eq!(made.backup_vault_arn(), Some(arn.as_str()));
    assert_eq!(
        create().send().await.unwrap().creation_date(),
        made.creation_date(),
        "a retry is answered alike"
    );
    assert_eq!(code(create().creator_request_id("twice").send().await), "AlreadyExistsException");
    assert_eq!(code(create().set_creator_request_id(None).send().await), "AlreadyExistsException");

    let lock = client.put_backup_vault_lock_configuration().backup_vault_name("vault");
    lock.min_retention_days(7).max_retention_days(365).changeable_for_days(3).send().await.unwrap();
    let found = client.describe_backup_vault().backup_vault_name("vault").send().await.unwrap();
    assert_eq!((found.encryption_key_arn(), found.number_of_recovery_points()), (Some(key.as_str()), 0));
    assert_eq!(
        (found.locked(), found.min_retention_days(), found.max_retention_days()),
        (Some(true), Some(7), Some(365))
    );
    assert_eq!(found.lock_date().unwrap().secs() - found.creation_date().unwrap().secs(), 3 * 86_400);
    assert_eq!(client.list_backup_vaults().send().await.unwrap().backup_vault_list().len(), 1);
    let tags = client.list_tags().resource_arn(&arn).send().await.unwrap();
    assert_eq!(tags.tags().unwrap()["Author"], "Zoë");
    // The API calls its tags sensitive, so the log of calls does not have them.
    assert!(!format!("{:?}", emulator.calls()).contains("Zoë"));

    // Until the lock date it can be taken away, and not after it.
    let unlock = || client.delete_backup_vault_lock_configuration().backup_vault_name("vault").send();
    unlock().await.unwrap();
    let found = client.describe_backup_vault().backup_vault_name("vault").send().await.unwrap();
    assert_eq!((found.locked(), found.min_retention_days(), found.lock_date()), (Some(false), None, None));
    let lock = || {
        client.put_backup_vault_lock_configuration().backup_vault_name("vault").changeable_for_days(3).send()
    };
    lock().await.unwrap();
    tokio::time::advance(Duration::from_secs(3 * 86_400)).await;
    assert_eq!(code(unlock().await), "InvalidRequestException");
    assert_eq!(code(lock().await), "InvalidRequestException");
    client.delete_backup_vault().backup_vault_name("vault").send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_plan_comes_back_in_all_its_versions() {
    let emulator = Emulator::in_memory();
    let client = client(&emulator);
    vault(&client, "vault").await;
    let copy = CopyAction::builder().lifecycle(lifecycle(None, 30));
    let copy = copy.destination_backup_vault_arn("arn:aws:backup:eu-west-1:123456789012:backup-vault:far");
    let daily =
        rule().schedule_expression("cron(0 3 ? * * *)").schedule_expression_timezone("Asia/Singapore");
    let daily =
        daily.start_window_minutes(60).completion_window_minutes(240).lifecycle(lifecycle(Some(30), 120));
    let daily = daily.recovery_point_tags("a", "b").copy_actions(copy.build().unwrap());
    let create = client.create_backup_plan().backup_plan(plan("p", daily)).backup_plan_tags("Name", "n");
    let made = create.send().await.unwrap();
    let (id, first) = (made.backup_plan_id().unwrap(), made.version_id().unwrap());
    assert_eq!(
        made.backup_plan_arn(),
        Some(format!("arn:aws:backup:{REGION}:123456789012:backup-plan:{id}").as_str())
    );

    let get = || client.get_backup_plan().backup_plan_id(id);
    let found = get().send().await.unwrap();
    let document = found.backup_plan().unwrap();
    let [daily] = document.rules() else { panic!("{document:?}") };
    assert_eq!(daily.schedule_expression(), Some("cron(0 3 ? * * *)"));
    assert_eq!(daily.schedule_expression_timezone(), Some("Asia/Singapore"));
    assert_eq!((daily.start_window_minutes(), daily.completion_window_minutes()), (Some(60), Some(240)));
    assert_eq!(daily.lifecycle(), Some(&lifecycle(Some(30), 120)));
    assert_eq!(daily.recovery_point_tags().unwrap()["a"], "b");
    assert_eq!(daily.copy_actions()[0].lifecycle(), Some(&lifecycle(None, 30)));
    assert!(daily.rule_id().is_some());

    let update = client.update_backup_plan().backup_plan_id(id).backup_plan(plan("q", rule()));
    let second = update.send().await.unwrap().version_id.unwrap();
    assert_ne!(first, second);
    let found = get().send().await.unwrap();
    let document = found.backup_plan().unwrap();
    assert_eq!((document.backup_plan_name(), found.version_id()), ("q", Some(second.as_str())));
    // What is left out has AWS's defaults.
    let [rule] = document.rules() else { panic!("{document:?}") };
    assert_eq!((rule.start_window_minutes(), rule.completion_window_minutes()), (Some(480), Some(10_080)));
    assert_eq!(rule.schedule_expression(), Some("cron(0 5 ? * * *)"));
    let old = get().version_id(first).send().await.unwrap();
    assert_eq!(old.backup_plan().unwrap().backup_plan_name(), "p");

    client.delete_backup_plan().backup_plan_id(id).send().await.unwrap();
    assert_eq!(
        said(get().send().await),
        format!("InvalidParameterValueException: Cannot find Backup plan with ID {id}")
    );
    let list = || client.list_backup_plans();
    assert!(list().send().await.unwrap().backup_plans_list().is_empty());
    assert_eq!(list().include_deleted(true).send().await.unwrap().backup_plans_list().len(), 1);
    assert_eq!(emulator.objects().await.unwrap().iter().filter(|o| o.kind.contains("Plan")).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_new_version_of_a_plan_has_nothing_that_was_not_said_again() {
    let emulator = Emulator::in_memory();
    let client = client(&emulator);
    vault(&client, "vault").await;
    let far = "arn:aws:backup:ap-southeast-1:123456789012:backup-vault:air-gapped";
    let scan = ScanAction::builder().malware_scanner(MalwareScanner::Guardduty).scan_mode(ScanMode::FullScan);
    let full = rule()
        .target_logically_air_gapped_backup_vault_arn(far)
        .enable_continuous_backup(true)
        .lifecycle(lifecycle(None, 35))
        .recovery_point_tags("a", "b")
        .index_actions(IndexAction::builder().resource_types("EBS").build())
        .scan_actions(scan.build());
    let settings =
        AdvancedBackupSetting::builder().resource_type("EC2").backup_options("WindowsVSS", "enabled");
    let scans = ScanSetting::builder().malware_scanner(MalwareScanner::Guardduty).resource_types("EBS");
    let document = BackupPlanInput::builder()
        .backup_plan_name("p")
        .rules(full.build().unwrap())
        .advanced_backup_settings(settings.build())
        .scan_settings(scans.scanner_role_arn(ROLE).build());
    let made = client.create_backup_plan().backup_plan(document.build().unwrap()).send().await.unwrap();
    let id = made.backup_plan_id().unwrap();
    let live =
        async || client.get_backup_plan().backup_plan_id(id).send().await.unwrap().backup_plan.unwrap();
    let found = live().await;
    let [full] = found.rules() else { panic!("{found:?}") };
    assert_eq!(full.target_logically_air_gapped_backup_vault_arn(), Some(far));
    assert_eq!((full.enable_continuous_backup(), full.recovery_point_tags().unwrap().len()), (Some(true), 1));
    assert_eq!((full.index_actions().len(), full.scan_actions().len()), (1, 1));
    assert_eq!((found.advanced_backup_settings().len(), found.scan_settings().len()), (1, 1));

    let update = client.update_backup_plan().backup_plan_id(id).backup_plan(plan("p", rule()));
    update.send().await.unwrap();
    let found = live().await;
    let [bare] = found.rules() else { panic!("{found:?}") };
    assert_eq!(bare.target_logically_air_gapped_backup_vault_arn(), None);
    assert_eq!((bare.enable_continuous_backup(), bare.lifecycle()), (Some(false), None));
    assert_eq!((bare.index_actions(), bare.scan_actions()), (&[][..], &[][..]));
    assert!(bare.recovery_point_tags().is_none_or(|tags| tags.is_empty()));
    assert_eq!((found.advanced_backup_settings().len(), found.scan_settings().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_selection_comes_back_and_keeps_its_plan() {
    let emulator = Emulator::in_memory();
    let client = client(&emulator);
    vault(&client, "vault").await;
    role(&emulator, "backup", "backup.amazonaws.com").await;
    let plan = made_plan(&client).await;
    let made = select(&client, &plan, "tagged").creator_request_id("once").send().await.unwrap();
    let again = select(&client, &plan, "tagged").creator_request_id("once").send().await.unwrap();
    let id = made.selection_id().unwrap();
    assert_eq!(again.selection_id(), Some(id));
    assert_eq!(code(select(&client, &plan, "tagged").send().await), "AlreadyExistsException");
    let get = || client.get_backup_selection().backup_plan_id(&plan).selection_id(id).send();
    let found = get().await.unwrap();
    let selection = found.backup_selection().unwrap();
    assert_eq!((selection.selection_name(), selection.iam_role_arn()), ("tagged", ROLE));
    assert_eq!(selection.list_of_tags()[0].condition_value(), "daily");
    let all = client.list_backup_selections().backup_plan_id(&plan).send().await.unwrap();
    assert_eq!(all.backup_selections_list()[0].selection_name(), Some("tagged"));

    let delete_plan = || client.delete_backup_plan().backup_plan_id(&plan).send();
    assert_eq!(code(delete_plan().await), "InvalidRequestException");
    client.delete_backup_selection().backup_plan_id(&plan).selection_id(id).send().await.unwrap();
    let gone = format!("InvalidParameterValueException: Cannot find backup selection with ID {id}");
    assert_eq!(said(get().await), gone);
    delete_plan().await.unwrap();
    let gone = format!("InvalidParameterValueException: Cannot find Backup plan with ID {plan}");
    assert_eq!(said(client.list_backup_selections().backup_plan_id(&plan).send().await), gone);
    assert_eq!(said(delete_plan().await), gone);
    client.delete_backup_vault().backup_vault_name("vault").send().await.unwrap();
    let left = emulator.objects().await.unwrap();
    assert!(left.iter().all(|object| object.service == "iam" || object.made_by_default), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn rules_of_plans() {
    let client = client(&Emulator::in_memory());
    vault(&client, "vault").await;
    let bad = "InvalidParameterValueException";
    let rows = [
        ("all is well", rule(), "ok"),
        ("the same document", rule(), "AlreadyExistsException"),
        (
            "continuous for 35 days",
            rule().enable_continuous_backup(true).lifecycle(lifecycle(None, 35)),
            "ok",
        ),
        ("an unknown vault", rule().target_backup_vault_name("none"), bad),
        ("a name with a space", rule().rule_name("a b"), bad),
        ("no cron expression", rule().schedule_expression("rate(1 day)"), bad),
        ("no time zone", rule().schedule_expression_timezone("Mars/Phobos"), bad),
        ("another case", rule().schedule_expression_timezone("asia/singapore"), bad),
        ("both days", rule().schedule_expression("cron(0 5 * * * *)"), bad),
        ("a start window of half an hour", rule().start_window_minutes(30), bad),
        ("completion before start", rule().start_window_minutes(60).completion_window_minutes(60), bad),
        ("89 days in cold storage", rule().lifecycle(lifecycle(Some(30), 119)), bad),
        ("deleted at once", rule().lifecycle(lifecycle(None, 0)), bad),
        ("kept for too long", rule().lifecycle(lifecycle(None, 36_501)), bad),
        ("continuous for 36 days", rule().enable_continuous_backup(true).lifecycle(lifecycle(None, 36)), bad),
        (
            "continuous in cold storage",
            rule().enable_continuous_backup(true).lifecycle(lifecycle(Some(1), 91)),
            bad,
        ),
        (
            "a copy to nowhere",
            {
                rule()
                    .copy_actions(CopyAction::builder().destination_backup_vault_arn("far").build().unwrap())
            },
            bad,
        ),
    ];
    for (name, rule, wanted) in rows {
        let create = client.create_backup_plan().backup_plan(plan("p", rule));
        assert_eq!(code(create.send().await), wanted, "{name}");
    }
    let empty = BackupPlanInput::builder().backup_plan_name("p").set_rules(Some(Vec::new())).build().unwrap();
    let none = client.create_backup_plan().backup_plan(empty).send().await;
    assert_eq!(code(none), "MissingParameterValueException");
    let named = client.create_backup_plan().backup_plan(plan("a b", rule())).send().await;
    assert_eq!(code(named), bad);
    let unknown =
        client.update_backup_plan().backup_plan_id("none").backup_plan(plan("p", rule())).send().await;
    assert_eq!(code(unknown), bad);
}

#[tokio::test(start_paused = true)]
async fn roles_of_selections() {
    let emulator = Emulator::builder().latency(1.0).in_memory();
    let client = client(&emulator);
    vault(&client, "vault").await;
    let plan = made_plan(&client).await;
    let select = |name: &str| select(&client, &plan, name).send();
    let bad = "InvalidParameterValueException";
    assert_eq!(code(select("a").await), bad, "there is no role");
    role(&emulator, "backup", "backup.amazonaws.com").await;
    let text = said(select("a").await);
    assert!(text.contains("iam:PassRole"), "the role is too new to be handed over: {text}");
    tokio::time::advance(Duration::from_secs(4)).await;
    let text = said(select("a").await);
    assert!(text.contains("cannot be assumed by AWS Backup"), "the role is too new: {text}");
    tokio::time::advance(Duration::from_secs(8)).await;
    let text = said(select("a").await);
    assert!(text.ends_with("is not authorized to call tag:GetResources"), "and so is its policy: {text}");
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(code(select("a").await), "ok");
    role(&emulator, "other", "ecs.amazonaws.com").await;
    tokio::time::advance(Duration::from_secs(25)).await;
    let selection = BackupSelection::builder().selection_name("b").resources("*");
    let selection = selection.iam_role_arn("arn:aws:iam::123456789012:role/other").build().unwrap();
    let call = client.create_backup_selection().backup_plan_id(&plan).backup_selection(selection);
    assert_eq!(code(call.send().await), bad, "the role trusts another service");
    let nothing = BackupSelection::builder().selection_name("c").iam_role_arn(ROLE).build().unwrap();
    let call = client.create_backup_selection().backup_plan_id(&plan).backup_selection(nothing);
    assert_eq!(code(call.send().await), bad, "nothing is selected");
}

#[tokio::test(start_paused = true)]
async fn a_selection_needs_a_role_that_may_look_for_resources() {
    let cloud = Cloud::in_memory();
    let client = client(&cloud.emulator);
    vault(&client, "vault").await;
    let plan = made_plan(&client).await;
    cloud.role_for("backup", "backup.amazonaws.com").await;
    let select = || select(&client, &plan, "a").send();
    assert_eq!(code(select().await), "InvalidParameterValueException", "it has no policy");
    for (action, wanted) in [("rds:*", "InvalidParameterValueException"), ("tag:Get*", "ok")] {
        let document = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
        );
        let put = cloud.iam.put_role_policy().role_name("backup").policy_name("p").policy_document(document);
        put.send().await.unwrap();
        assert_eq!(code(select().await), wanted, "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_opt_in_of_a_service_is_the_accounts() {
    let emulator = Emulator::in_memory();
    let client = client(&emulator);
    let is_on = async |service: &str| {
        let found = client.describe_region_settings().send().await.unwrap();
        found.resource_type_opt_in_preference().unwrap()[service]
    };
    assert!(!is_on("Aurora").await);
    assert!(is_on("RDS").await);
    let update = |service: &str, is_on| {
        client.update_region_settings().resource_type_opt_in_preference(service, is_on).send()
    };
    update("Aurora", true).await.unwrap();
    update("RDS", false).await.unwrap();
    assert!(is_on("Aurora").await);
    assert!(!is_on("RDS").await);
    assert_eq!(code(update("Ledger", true).await), "InvalidParameterValueException");
    assert!(emulator.objects().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn vaults_that_are_wrong_or_not_there() {
    let client = client(&Emulator::in_memory());
    let create = |name: &str| client.create_backup_vault().backup_vault_name(name);
    let bad = "InvalidParameterValueException";
    assert_eq!(code(create("a b").send().await), bad);
    assert_eq!(code(create("vault").encryption_key_arn("alias/aws/backup").send().await), bad);
    let key = "arn:aws:kms:ap-southeast-1:123456789012:key/8f81f553-3a74-4a3f-893d-b3360dc80c50";
    assert_eq!(code(create("vault").encryption_key_arn(key).send().await), bad, "there is no such key");
    assert_eq!(code(create("vault").creator_request_id("a b").send().await), bad);
    assert_eq!(code(create("vault").backup_vault_tags("aws:x", "y").send().await), bad);
    vault(&client, "vault").await;
    let lock = || client.put_backup_vault_lock_configuration().backup_vault_name("vault");
    assert_eq!(code(lock().changeable_for_days(2).send().await), bad);
    assert_eq!(code(lock().min_retention_days(0).send().await), bad);
    assert_eq!(code(lock().max_retention_days(36_501).send().await), bad);
    assert_eq!(code(lock().min_retention_days(8).max_retention_days(7).send().await), bad);

    let unknown = client.describe_backup_vault().backup_vault_name("none").send().await;
    assert_eq!(code(unknown), "AccessDeniedException");
    let unknown = client.delete_backup_vault().backup_vault_name("none").send().await;
    assert_eq!(code(unknown), "ResourceNotFoundException");
    let unknown = client.list_tags().resource_arn("arn:aws:ec2:x").send().await;
    assert_eq!(code(unknown), bad);
    let arn = format!("arn:aws:backup:{REGION}:123456789012:backup-vault:none");
    let unknown = client.tag_resource().resource_arn(arn).tags("a", "b").send().await;
    assert_eq!(code(unknown), "ResourceNotFoundException");
}

#[tokio::test]
async fn vaults_plans_and_selections_are_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let objects = {
        let emulator = Emulator::open(directory.path()).unwrap();
        let client = client(&emulator);
        vault(&client, "vault").await;
        role(&emulator, "backup", "backup.amazonaws.com").await;
        let plan = made_plan(&client).await;
        select(&client, &plan, "s").send().await.unwrap();
        emulator.objects().await.unwrap()
    };
    let emulator = Emulator::open(directory.path()).unwrap();
    assert_eq!(emulator.objects().await.unwrap(), objects);
    let again = client(&emulator).create_backup_plan().backup_plan(plan("p", rule())).send().await;
    assert_eq!(code(again), "AlreadyExistsException");
}

#[tokio::test(start_paused = true)]
async fn a_vault_stays_while_it_has_a_recovery_point() {
    let cloud = Cloud::in_memory();
    let client = client(&cloud.emulator);
    cloud.role_for("backup", "backup.amazonaws.com").await;
    vault(&client, "vault").await;
    let s3 = cloud.bucket("files").await;
    let start = |vault: &str, arn: &str| {
        let start = client.start_backup_job().backup_vault_name(vault).resource_arn(arn);
        start.iam_role_arn(ROLE).idempotency_token("once").send()
    };
    let files = "arn:aws:s3:::files";
    let bad = "InvalidParameterValueException";
    assert_eq!(code(start("vault", files).await), bad, "it has no versions");
    let versions = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3.put_bucket_versioning().bucket("files").versioning_configuration(versions).send().await.unwrap();
    assert_eq!(code(start("none", files).await), "ResourceNotFoundException");
    assert_eq!(code(start("vault", "arn:aws:rds:ap-southeast-1:123456789012:cluster:c").await), bad);
    let list =
        |vault: &str| client.list_recovery_points_by_backup_vault().backup_vault_name(vault).max_results(1);
    assert!(list("vault").send().await.unwrap().recovery_points().is_empty());
    assert_eq!(code(list("none").send().await), "ResourceNotFoundException");

    let arn = start("vault", files).await.unwrap().recovery_point_arn.unwrap();
    assert_eq!(start("vault", files).await.unwrap().recovery_point_arn.unwrap(), arn, "said twice");
    let found = list("vault").send().await.unwrap();
    assert_eq!(found.recovery_points()[0].recovery_point_arn(), Some(arn.as_str()));
    assert_eq!(found.recovery_points()[0].resource_type(), Some("S3"));
    let found = client.describe_backup_vault().backup_vault_name("vault").send().await.unwrap();
    assert_eq!(found.number_of_recovery_points(), 1);
    let go = || client.delete_backup_vault().backup_vault_name("vault").send();
    assert_eq!(code(go().await), "InvalidRequestException");

    let lock = client.put_backup_vault_lock_configuration().backup_vault_name("vault");
    lock.min_retention_days(7).send().await.unwrap();
    let forget = || client.delete_recovery_point().backup_vault_name("vault").recovery_point_arn(&arn).send();
    assert_eq!(code(forget().await), "InvalidRequestException");
    tokio::time::sleep(Duration::from_secs(7 * 86_400)).await;
    forget().await.unwrap();
    assert_eq!(code(forget().await), "ResourceNotFoundException");
    go().await.unwrap();
}
