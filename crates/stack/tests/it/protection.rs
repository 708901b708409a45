//! Nothing that is protected is lost, and what is lost is in the plan.

use aws_sdk_ec2::config::Region;

use crate::command::{Ended, Workplace};

/// A deployed `dev`, whose data may go, as by default.
fn deployed() -> Workplace {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    place
}

/// Runs a command that must be refused before anything changes.
#[track_caller]
fn refused(place: &Workplace, arguments: &[&str]) -> Ended {
    let (cloud, files) = (place.emulator_bytes(), journal(place, "dev"));
    let ended = place.run(arguments).expect(65);
    assert_eq!(place.emulator_bytes(), cloud, "{}", ended.err);
    assert_eq!(journal(place, "dev"), files);
    ended
}

/// The intents that were recorded: a refused run records none.
fn journal(place: &Workplace, environment: &str) -> usize {
    let journal = std::fs::read_to_string(place.state_directory(environment).join("journal.jsonl")).unwrap();
    journal.matches("\"event\":\"intent\"").count()
}

impl Workplace {
    pub(crate) fn sdk(&self) -> aws_config::SdkConfig {
        stack::embedded(&self.emulator(), Region::new("ap-southeast-1"))
    }

    /// Pushes an image behind the program's back.
    async fn push(&self, tag: &str) {
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"size":{}}}}}"#,
            tag.len()
        );
        let put = aws_sdk_ecr::Client::new(&self.sdk()).put_image().repository_name("payment-app-dev");
        put.image_manifest(manifest).image_tag(tag).send().await.unwrap();
    }

    async fn snapshots(&self) -> Vec<aws_sdk_rds::types::DbClusterSnapshot> {
        let rds = aws_sdk_rds::Client::new(&self.sdk());
        let found = rds.describe_db_cluster_snapshots().snapshot_type("manual").send().await.unwrap();
        found.db_cluster_snapshots.unwrap_or_default()
    }
}

/// Case 01.
#[test]
fn a_database_is_not_replaced_where_the_configuration_forbids_it_in_the_same_change() {
    let place = deployed();
    let protected = "hint: database/cluster (payment-aurora-dev): set `database.deletion_protection = false`; then run `stack up";
    let unnamed = "hint: database/cluster (payment-aurora-dev): set `database.final_snapshot = true` (keeps the data) or \
                   `database.allow_data_loss = [\"payment-aurora-dev\"]` (loses it); then run `stack up";
    for replaces in ["database.database_name=pay2", "database.master_username=owner2", "vpc.cidr=10.2.0.0/16"]
    {
        for (forbids, hint) in
            [("database.allow_data_loss=[]", unnamed), ("database.deletion_protection=true", protected)]
        {
            for command in ["up", "preview"] {
                let ended = refused(&place, &[command, "--yes", "--set", replaces, "--set", forbids]);
                assert!(ended.err.contains("database/cluster (as configured now)"), "{}", ended.err);
                assert!(ended.err.contains(hint), "{}", ended.err);
            }
        }
    }
}

#[test]
fn an_environment_of_a_pull_request_goes_by_the_settings_and_commands_that_the_refusal_names() {
    const ALLOW: &str = "database.allow_data_loss=[\"payment-aurora-pr7\"]";
    let place = Workplace::new();
    place.write("stack.toml", "[environments.pr7.vpc]\nnat = \"single\"\n");
    // Where nothing ever was, the list of all environments is named.
    let ended = place.run(&["destroy", "--env", "pr7", "--yes"]).expect(0);
    assert!(ended.err.contains("`stack env list` shows those that have a state"), "{}", ended.err);
    let up = place.run(&["up", "--env", "pr7"]).expect(0);
    assert!(up.err.contains("next: Deploy it: `stack deploy app.tar --env pr7`\n"), "{}", up.err);
    let commands = "run `stack up --env pr7` and `stack destroy --env pr7`\n";
    let ended = place.run(&["destroy", "--env", "pr7", "--yes"]).expect(65);
    let hint = "hint: database/cluster (payment-aurora-pr7): set `database.final_snapshot = true` (keeps the data) or \
                `database.allow_data_loss = [\"payment-aurora-pr7\"]` (loses it); then, with the same settings, ";
    assert!(ended.err.contains(&format!("{hint}{commands}")), "{}", ended.err);
    // What holds already is not asked for.
    let ended = place.run(&["destroy", "--env", "pr7", "--yes", "--set", ALLOW]).expect(65);
    let hint = format!(
        "hint: the configuration allows it by now, so run `stack up --env pr7 --set '{ALLOW}'` and `stack destroy --env pr7 --set \
         '{ALLOW}'`\n"
    );
    assert!(ended.err.contains(&hint), "{}", ended.err);
    place.run(&["up", "--env", "pr7", "--set", ALLOW]).expect(0);
    place.run(&["destroy", "--env", "pr7", "--yes", "--set", ALLOW]).expect(0);
}

/// Case 01.
#[tokio::test]
async fn a_final_snapshot_is_taken_where_the_configuration_asks_for_it_in_the_same_change() {
    let place = deployed();
    let change = ["up", "--set", "database.database_name=pay2", "--set", "database.final_snapshot=true"];
    let ended = place.run(&change).expect(0);
    let kept = "DELETED, SNAPSHOT KEPT: database/cluster (payment-aurora-dev) will be deleted, then created empty; a final snapshot is kept";
    assert!(ended.err.contains(kept), "{}", ended.err);
    assert!(!ended.err.contains("DATA LOSS"), "{}", ended.err);
    assert_eq!(place.snapshots().await.len(), 1);
}

#[test]
fn a_database_that_goes_says_so_in_one_sentence() {
    let place = deployed();
    let plan = place.run(&["preview", "--set", "database.database_name=pay2"]).expect(0);
    let line = "DATA LOSS: database/cluster (payment-aurora-dev) will be deleted with all its data and automated backups, \
                then created empty";
    assert!(plan.out.contains(line), "{}", plan.out);
    let plan = place.run(&["preview", "--json", "--set", "database.database_name=pay2"]).expect(0).json();
    let step = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["address"] == "database/cluster")
        .unwrap();
    assert_eq!(step["removal"]["fate"], "lost");
    assert_eq!(step["removal"]["loses"], "all its data and automated backups");
}

#[tokio::test]
async fn destroy_asks_the_configuration_too() {
    let place = deployed();
    for forbids in
        ["database.allow_data_loss=[]", "database.deletion_protection=true", "alb.deletion_protection=true"]
    {
        refused(&place, &["destroy", "--yes", "--set", forbids]);
    }
    let ended = place.run(&["destroy", "--yes", "--set", "database.final_snapshot=true"]).expect(0);
    assert!(ended.err.contains("a final snapshot is kept"), "{}", ended.err);
    let snapshot = place.snapshots().await.remove(0);
    // A snapshot whose key is gone is no snapshot.
    let kms = aws_sdk_kms::Client::new(&place.sdk());
    let key = kms.describe_key().key_id(snapshot.kms_key_id().unwrap()).send().await.unwrap();
    assert!(key.key_metadata.unwrap().enabled());
    assert!(ended.err.contains("database/key will stay in the account, no longer managed"), "{}", ended.err);
    assert!(
        ended.err.contains("KEY LOST: monitoring/key will be deleted in 30 days; after that"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("LOGS LOST: "), "{}", ended.err);
}

#[tokio::test]
async fn a_protection_that_somebody_switched_on_by_hand_is_found_before_anything_is_deleted() {
    let place = deployed();
    let rds = aws_sdk_rds::Client::new(&place.sdk());
    let modify = rds.modify_db_cluster().db_cluster_identifier("payment-aurora-dev").apply_immediately(true);
    modify.deletion_protection(true).send().await.unwrap();
    let ended = refused(&place, &["destroy", "--yes"]);
    let says = "database/cluster (DeletionProtection as changed outside of this program)";
    assert!(ended.err.contains(says), "{}", ended.err);
    place.run(&["up"]).expect(0);
    place.run(&["destroy", "--yes"]).expect(0);
}

/// A log group's is not declared, so no run takes it back: it is left to whoever switched it on.
#[tokio::test]
async fn log_groups_that_somebody_protected_by_hand_are_found_before_anything_is_deleted() {
    let place = deployed();
    let logs = aws_sdk_cloudwatchlogs::Client::new(&place.sdk());
    let protect = async |on: bool| {
        for group in ["/ecs/payment-app-dev", "/aws/vpc/payment-flow-logs-dev"] {
            let put = logs.put_log_group_deletion_protection().log_group_identifier(group);
            put.deletion_protection_enabled(on).send().await.unwrap();
        }
    };
    protect(true).await;
    let refresh = place.run(&["refresh", "--detailed-exitcode"]).expect(0);
    assert!(refresh.err.contains("vpc/flow-log-group has deletion protection"), "{}", refresh.err);
    let ended = refused(&place, &["destroy", "--yes"]);
    let command =
        "`aws logs put-log-group-deletion-protection --no-deletion-protection-enabled --log-group-identifier";
    for says in [
        "vpc/flow-log-group (DeletionProtectionEnabled as changed outside of this program)".to_owned(),
        format!("hint: to delete these log groups, lift their protection: {command} "),
        format!("{command} /ecs/payment-app-dev`"),
        format!("{command} /aws/vpc/payment-flow-logs-dev`"),
        "then run `stack destroy` with the same settings".to_owned(),
    ] {
        assert!(ended.err.contains(&says), "{says}: {}", ended.err);
    }
    assert!(!ended.err.contains("only these settings"), "{}", ended.err);
    // One that is not declared any more.
    let off = refused(&place, &["up", "--set", "vpc.flow_logs.enabled=false"]);
    assert!(!off.err.contains("/ecs/payment-app-dev"), "{}", off.err);
    protect(false).await;
    place.run(&["destroy", "--yes"]).expect(0);
}

/// Cases 01 and 12.
#[tokio::test]
async fn images_are_not_lost_unseen() {
    let place = deployed();
    place.push("v1").await;
    place.run(&["up", "--set", "ecs.image=:v1"]).expect(0);
    // The image that runs would be gone.
    let kms = ["--set", "ecs.repository.encryption=KMS"];
    let ended = refused(&place, &[["up", "--set", "ecs.image=:v1"].as_slice(), &kms].concat());
    assert!(
        ended.err.contains("ecs/repository would be deleted or replaced, but ecs/task-definition uses "),
        "{}",
        ended.err
    );
    // Nobody may delete images.
    let keep = ["--set", "ecs.repository.delete_images=false"];
    for command in ["up", "destroy"] {
        let ended = refused(&place, &[[command, "--yes"].as_slice(), &kms, &keep].concat());
        assert!(
            ended.err.contains("ecs/repository (with 1 image, EmptyOnDelete as configured now)"),
            "{}",
            ended.err
        );
        assert!(ended.err.contains("`ecs.repository.delete_images = true`"), "{}", ended.err);
    }
    // Without an image that runs, it is the user's decision, and in the plan.
    place.run(&["up"]).expect(0);
    let ended = place.run(&[["up"].as_slice(), &kms].concat()).expect(0);
    let line = "IMAGES LOST: ecs/repository (payment-app-dev) will be deleted with all its images (1 image), then created empty";
    assert!(ended.err.contains(line), "{}", ended.err);
    // An empty one has nothing to lose.
    let ended = place.run(&["destroy", "--yes"]).expect(0);
    assert!(!ended.err.contains("IMAGES LOST"), "{}", ended.err);
}

#[tokio::test]
async fn what_belongs_to_something_that_is_switched_off_is_kept_as_the_configuration_says() {
    let place = deployed();
    let s3 = aws_sdk_s3::Client::new(&place.sdk());
    let state = place.state("dev").await;
    let bucket =
        state.current("alb/log-bucket").unwrap().properties["BucketName"].as_str().unwrap().to_owned();
    let put = s3.put_object().bucket(bucket).key("log");
    put.body(b"line".to_vec().into()).send().await.unwrap();
    let off = ["up", "--set", "alb.access_logs.enabled=false"];
    let ended = refused(&place, &[off.as_slice(), &["--set", "alb.access_logs.delete_logs=false"]].concat());
    assert!(
        ended.err.contains("alb/log-bucket (with 1 object version, DeleteObjects as configured now)"),
        "{}",
        ended.err
    );
    let off = ["up", "--set", "vpc.flow_logs.enabled=false", "--set", "logs.keep_on_destroy=true"];
    let ended = place.run(&off).expect(0);
    let says = "KEPT: vpc/flow-log-group (/aws/vpc/payment-flow-logs-dev) will stay in the account";
    assert!(ended.err.contains(says), "{}", ended.err);
}

/// A snapshot whose key is gone is no snapshot, whichever run kept it.
#[tokio::test]
async fn the_key_of_a_snapshot_that_an_earlier_run_kept_stays() {
    let place = deployed();
    place
        .run(&["up", "--set", "database.final_snapshot=true", "--set", "database.database_name=pay2"])
        .expect(0);
    place.run(&["up", "--set", "database.database_name=pay2"]).expect(0);
    let ended = place.run(&["destroy", "--yes"]).expect(0);
    assert!(ended.err.contains("DATA LOSS: database/cluster"), "{}", ended.err);
    assert!(ended.err.contains("KEPT: database/key will stay in the account"), "{}", ended.err);
    let snapshot = place.snapshots().await.remove(0);
    let kms = aws_sdk_kms::Client::new(&place.sdk());
    let key = kms.describe_key().key_id(snapshot.kms_key_id().unwrap()).send().await.unwrap();
    assert!(key.key_metadata.unwrap().enabled());
}

#[test]
fn a_limit_that_is_lowered_says_what_aws_deletes() {
    let place = deployed();
    let settings = [
        (
            "database.log_retention_in_days=30",
            "LOGS LOST: RetentionInDays of database/log-group (/aws/rds/cluster/payment-aurora-dev/postgresql) is lowered, so AWS will delete logs that are older",
        ),
        (
            "ecs.repository.keep_images=1",
            "IMAGES LOST: LifecyclePolicy of ecs/repository (payment-app-dev) is lowered, so AWS will delete images beyond it",
        ),
        (
            "database.backup_retention_in_days=1",
            "DATA LOSS: BackupRetentionPeriod of database/cluster (payment-aurora-dev) is lowered, so AWS will delete automated backups that are older",
        ),
    ];
    for (setting, line) in settings {
        // Whose backups are kept for less may not be verified to keep them.
        let verified = "backup.min_retention_days=1";
        let plan = place.run(&["preview", "--set", setting, "--set", verified]).expect(0);
        assert!(plan.out.contains(line), "{}", plan.out);
    }
    for raised in ["database.log_retention_in_days=3653", "ecs.repository.keep_images=31"] {
        let plan = place.run(&["preview", "--set", raised]).expect(0);
        assert!(!plan.out.contains("LOST") && plan.out.contains("1 to change"), "{}", plan.out);
    }
}

#[test]
fn without_a_terminal_destroy_shows_what_it_would_do_and_does_nothing() {
    let place = deployed();
    let cloud = place.emulator_bytes();
    let ended = place.run(&["destroy"]).expect(64);
    assert!(
        ended.err.contains("- vpc/vpc") && ended.err.contains("DATA LOSS: database/cluster"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("hint: if that is what you want, add --yes"), "{}", ended.err);
    assert_eq!(place.emulator_bytes(), cloud);
    // A protection comes first: there is nothing to agree to.
    place.run(&["destroy", "--set", "database.deletion_protection=true"]).expect(65);
}

#[tokio::test]
async fn logs_stay_where_the_configuration_asks_for_it() {
    let place = deployed();
    let ended = place.run(&["destroy", "--yes", "--set", "logs.keep_on_destroy=true"]).expect(0);
    assert!(
        ended.err.contains("AWS::Logs::LogGroup will stay in the account, no longer managed:\n"),
        "{}",
        ended.err
    );
    let left = place.objects().await;
    assert!(!left.is_empty() && left.iter().all(|object| object.kind == "AWS::Logs::LogGroup"), "{left:?}");
    assert!(place.state("dev").await.is_empty());
}

/// Case 02.
#[test]
fn a_state_belongs_to_its_project() {
    let place = deployed();
    for command in
        [["up"].as_slice(), &["preview"], &["destroy", "--yes"], &["refresh"], &["outputs"], &["verify"]]
    {
        let ended = refused(&place, &[command, &["--set", "project=paynew"]].concat());
        let says =
            "this state describes project payment, environment dev, not project paynew, environment dev";
        assert!(ended.err.contains(says), "{}", ended.err);
    }
    place.run(&["preview", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_copied_state_does_not_lead_to_the_environment_that_it_was_copied_from() {
    let place = deployed();
    let (dev, qa) = (place.state_directory("dev"), place.state_directory("qa"));
    std::fs::create_dir(&qa).unwrap();
    for entry in std::fs::read_dir(dev).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), qa.join(entry.file_name())).unwrap();
    }
    for command in
        [["destroy", "--yes"].as_slice(), &["up"], &["preview"], &["refresh"], &["outputs"], &["verify"]]
    {
        let ended = refused(&place, &[command, &["--env", "qa"]].concat());
        let says =
            "this state describes project payment, environment dev, not project payment, environment qa";
        assert!(ended.err.contains(says), "{}", ended.err);
    }
}
