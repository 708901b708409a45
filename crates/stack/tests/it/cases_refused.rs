//! Cases that users of other tools have reported, as tests of the whole program: what must be refused, or mended, and never
//! half done. Which test stands for which case is in the table of `main.rs`.

use aws_sdk_ec2::config::Region;

use crate::command::{Ended, Workplace};

impl Workplace {
    fn cloud(&self) -> aws_config::SdkConfig {
        stack::embedded(&self.emulator(), Region::new("ap-southeast-1"))
    }

    async fn push_image(&self, tag: &str) {
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"size":{}}}}}"#,
            tag.len()
        );
        let put = aws_sdk_ecr::Client::new(&self.cloud()).put_image().repository_name("payment-app-dev");
        put.image_manifest(manifest).image_tag(tag).send().await.unwrap();
    }

    /// Runs a command that must be refused before anything is called.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> Ended {
        let before = self.emulator_bytes();
        let ended = self.run(arguments).expect(65);
        assert_eq!(self.emulator_bytes(), before, "{}", ended.err);
        ended
    }
}

const NO_NAT: [&str; 2] = ["--set", "vpc.nat=none"];
const ENDPOINTS: [&str; 2] = ["--set", "vpc.interface_endpoints.enabled=true"];
const UNTRACED: [&str; 2] = ["--set", "ecs.tracing=none"];
const IMAGE: [&str; 2] = ["--set", "ecs.image=:v1"];

fn with<'a>(parts: &[&[&'a str]]) -> Vec<&'a str> {
    parts.concat()
}

/// Keys that somebody schedules for deletion are saved, and nothing is replaced for them.
#[tokio::test]
async fn case_04_a_database_key_that_is_pending_deletion_is_saved_and_replaces_nothing() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let key = place.state("dev").await.output("database/key", "KeyId").unwrap().as_str().unwrap().to_owned();
    let kms = aws_sdk_kms::Client::new(&place.cloud());
    kms.schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await.unwrap();
    let drift = place.run(&["refresh", "--detailed-exitcode"]).expect(2);
    assert!(drift.out.contains("database/key") && drift.out.contains("DeletionDate"), "{}", drift.out);
    let plan = place.run(&["preview"]).expect(0);
    assert!(!plan.out.contains("replaced") && !plan.out.contains("DATA LOSS"), "{}", plan.out);
    place.run(&["up"]).expect(0);
    let state = kms.describe_key().key_id(&key).send().await.unwrap().key_metadata.unwrap().key_state;
    assert_eq!(state, Some(aws_sdk_kms::types::KeyState::Enabled));
    place.run(&["refresh", "--detailed-exitcode"]).expect(0);
}

#[tokio::test]
async fn case_05_disabled_keys_are_drift_fail_verify_and_are_enabled() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let kms = aws_sdk_kms::Client::new(&place.cloud());
    let state = place.state("dev").await;
    for address in ["database/key", "monitoring/key"] {
        let key = state.output(address, "KeyId").unwrap().as_str().unwrap();
        kms.disable_key().key_id(key).send().await.unwrap();
    }
    let drift = place.run(&["refresh", "--detailed-exitcode"]).expect(2);
    for address in ["database/key", "monitoring/key"] {
        let line = format!("  ~ {address}  AWS::KMS::Key\n      Enabled: recorded true, now false\n");
        assert!(drift.out.contains(&line), "{}", drift.out);
    }
    let verified = place.run(&["verify"]).expect(1);
    assert!(verified.out.contains("FAILED   encryption/key-enabled"), "{}", verified.out);
    place.run(&["up"]).expect(0);
    place.run(&["verify"]).expect(0);
}

/// Tasks that could reach neither their image nor the services that they need are refused before any call; with what is missing
/// they run.
#[tokio::test]
async fn case_15_an_image_that_nothing_leads_to_is_refused_before_any_call() {
    let place = Workplace::new();
    // Without an image no task runs, so it is only said.
    let ended = place.run(&with(&[&["up"], &NO_NAT])).expect(0);
    assert!(ended.err.contains("once `ecs.image` is set, tasks cannot start"), "{}", ended.err);
    place.push_image("v1").await;
    for command in ["preview", "up"] {
        let ended = place.refused(&with(&[&[command], &NO_NAT, &IMAGE]));
        assert!(
            ended.err.contains("`ecs.tracing`: with `vpc.nat = \"none\"` tasks cannot reach the internet"),
            "{}",
            ended.err
        );
        assert!(ended.err.contains("hint: ") && ended.err.contains("ecs.tracing_image"), "{}", ended.err);
        let ended = place.refused(&with(&[&[command], &NO_NAT, &IMAGE, &UNTRACED]));
        assert!(ended.err.contains("`--set vpc.nat`: tasks cannot start"), "{}", ended.err);
        assert!(ended.err.contains("ecr.api, ecr.dkr, logs"), "{}", ended.err);
    }
    let few = ["--set", "vpc.interface_endpoints.services=[\"logs\"]"];
    let ended = place.refused(&with(&[&["up"], &NO_NAT, &IMAGE, &UNTRACED, &ENDPOINTS, &few]));
    assert!(ended.err.contains("`--set vpc.interface_endpoints.services`: tasks cannot"), "{}", ended.err);
    let elsewhere = ["--set", "ecs.image=nginx:1.29"];
    let ended = place.refused(&with(&[&["up"], &NO_NAT, &UNTRACED, &ENDPOINTS, &elsewhere]));
    assert!(ended.err.contains("`--set ecs.image`: ") && ended.err.contains("the internet"), "{}", ended.err);
    let traced = place.refused(&with(&[&["up"], &NO_NAT, &IMAGE, &ENDPOINTS]));
    assert!(traced.err.contains("`ecs.tracing`: "), "{}", traced.err);
    // With the endpoints, and with a copy of the tracing container in ECR, tasks run: the embedded AWS looks at the ways too.
    place.run(&with(&[&["up"], &NO_NAT, &IMAGE, &UNTRACED, &ENDPOINTS])).expect(0);
    place.push_image("otel").await;
    let own = ["--set", "ecs.tracing_image=:otel"];
    place.run(&with(&[&["up"], &NO_NAT, &IMAGE, &ENDPOINTS, &own])).expect(0);
    let ecs = aws_sdk_ecs::Client::new(&place.cloud());
    let found = ecs.describe_services().cluster("payment-cluster-dev").services("payment-service-dev");
    assert_eq!(found.send().await.unwrap().services()[0].running_count(), 2);
}

/// A slip of the finger would make everything once more, and `--yes` asks nobody.
#[test]
fn an_environment_that_looks_like_a_slip_is_refused_where_nothing_is_deployed() {
    let place = Workplace::new();
    place.write("stack.toml", "[environments.prod]\n");
    for command in [["up", "--yes"].as_slice(), &["preview"]] {
        let ended = place.run(&[command, &["--env", "prdo"]].concat()).expect(65);
        let says =
            "error[E0104]: nothing is deployed in environment prdo, and there is one that is called prod\n";
        assert!(ended.err.contains(says), "{}", ended.err);
        assert!(
            ended.err.contains("hint: did you mean --env prod? If prdo is meant, say so with a section"),
            "{}",
            ended.err
        );
        assert!(!place.path().join(".stack").exists());
    }
    place.write("stack.toml", "[environments.prod]\n[environments.prdo]\n");
    place.run(&["preview", "--env", "prdo"]).expect(0);
    // Without a file, by what is deployed.
    std::fs::remove_file(place.path().join("stack.toml")).unwrap();
    place.run(&["up", "--env", "staging", "--set", "vpc.nat=none"]).expect(0);
    let before = place.emulator_bytes();
    let ended = place.run(&["up", "--yes", "--env", "stagin"]).expect(65);
    assert!(ended.err.contains("there is one that is called staging"), "{}", ended.err);
    assert_eq!(place.emulator_bytes(), before);
    for other in ["prod", "dev", "staging2"] {
        place.run(&["preview", "--env", other]).expect(0);
    }
    // What is deployed under its name is no slip any more.
    place.write("stack.toml", "[environments.stagings]\n");
    place.run(&["preview", "--env", "staging"]).expect(0);
}

/// What has to be restarted for its parameters is said at the end of the run that made it so.
#[tokio::test]
async fn an_instance_that_waits_for_a_restart_is_said_at_the_end_of_the_run() {
    use aws_sdk_rds::types::{ApplyMethod, Parameter};
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let state = place.state("dev").await;
    let group = state.output("database/parameter-group", "DBClusterParameterGroupName").unwrap();
    let group = group.as_str().unwrap().to_owned();
    let parameter = Parameter::builder().parameter_name("max_connections").parameter_value("500");
    let call = place.rds().modify_db_cluster_parameter_group().db_cluster_parameter_group_name(group);
    call.parameters(parameter.apply_method(ApplyMethod::PendingReboot).build()).send().await.unwrap();
    // The parameter is taken back, which is as static as it was.
    let ended = place.run(&["up"]).expect(0);
    let told = ended.err.split("journal: ").nth(1).unwrap();
    assert!(told.contains("database/cluster has instances that get some parameters"), "{}", ended.err);
    assert!(
        told.contains("`aws rds reboot-db-instance --db-instance-identifier payment-db-1-dev`"),
        "{told}"
    );
    for instance in ["payment-db-1-dev", "payment-db-2-dev"] {
        place.rds().reboot_db_instance().db_instance_identifier(instance).send().await.unwrap();
    }
    let ended = place.run(&["up", "--set", "database.backup_retention_in_days=9"]).expect(0);
    assert!(!ended.err.contains("reboot-db-instance"), "{}", ended.err);
}

#[test]
fn a_secret_in_the_configuration_is_refused_and_not_repeated() {
    let place = Workplace::new();
    // Put together here, so that nobody takes the source for a leak.
    let (stripe, aws) = (format!("sk_live_{}", "4eC39".repeat(5)), format!("AKIA{}", "Q7".repeat(8)));
    place.write("stack.toml", &format!("[ecs.environment_variables]\nKEY = \"{stripe}\"\n"));
    let ended = place.run(&["up"]).expect(65);
    let says =
        "error[E0102]: stack.toml, line 2: `ecs.environment_variables.KEY`: it is or has a key of Stripe\n";
    assert!(ended.err.contains(says), "{}", ended.err);
    assert!(!ended.err.contains(&stripe) && !place.path().join(".stack").exists());
    place.write("stack.toml", "");
    let ended = place.run(&["config", "--set", &format!("tags.Owner={aws}")]).expect(65);
    assert!(ended.err.contains("`--set tags.Owner`: it is or has an access key of AWS"), "{}", ended.err);
    assert!(!ended.err.contains(&aws), "{}", ended.err);
}
