//! Deploy, look, change, destroy.

use serde_json::json;

use crate::command::Workplace;
use crate::server::Server;

#[tokio::test]
async fn up_deploys_and_a_second_up_has_nothing_to_do_and_makes_no_call_that_changes_anything() {
    let place = Workplace::new();
    let first = place.run(&[]).expect(0);
    assert!(
        first.err.starts_with("embedded AWS: nothing real is created, nothing costs money"),
        "{}",
        first.err
    );
    assert!(first.out.contains("vpcId"), "{}", first.out);
    let before = place.emulator_bytes();
    let second = place.run(&["up"]).expect(0);
    assert!(second.err.contains("nothing to do"), "{}", second.err);
    assert_eq!(second.out, first.out);
    assert_eq!(place.emulator_bytes(), before);
    let preview = place.run(&["preview", "--detailed-exitcode"]).expect(0);
    assert!(preview.out.contains("nothing to do"), "{}", preview.out);
}

#[tokio::test]
async fn everything_in_the_cloud_is_in_state_with_its_address_in_a_tag() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let state = place.state("dev").await;
    let objects = place.objects().await;
    for object in objects.iter().filter(|object| !object.tags.is_empty()) {
        let address = &object.tags["stack:address"];
        assert!(state.current(address).is_some(), "{address} is not in state");
        let mut wanted = vec![("stack:environment", "dev"), ("stack:project", "payment")];
        // CloudFormation knows no tags of a security group's rules: they carry only those that say whose they are.
        if !matches!(object.kind.as_str(), "AWS::EC2::SecurityGroupIngress" | "AWS::EC2::SecurityGroupEgress")
        {
            wanted.push(("Environment", "dev"));
        }
        for (key, value) in wanted {
            assert_eq!(object.tags.get(key).map(String::as_str), Some(value), "{address}");
        }
    }
    assert!(objects.len() > 30, "{}", objects.len());
}

/// Until when a key can be restored is what AWS says, by its own clock.
#[tokio::test]
async fn the_day_on_which_a_key_is_deleted_is_the_one_that_aws_tells() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    place.emulator().advance(std::time::Duration::from_secs(400 * 86_400)).await.unwrap();
    let destroyed = place.run(&["destroy", "--yes"]).expect(0);
    let sdk = stack::embedded(&place.emulator(), aws_sdk_ec2::config::Region::new("ap-southeast-1"));
    let kms = aws_sdk_kms::Client::new(&sdk);
    let mut days = std::collections::BTreeSet::new();
    for key in kms.list_keys().send().await.unwrap().keys() {
        let key =
            kms.describe_key().key_id(key.key_id().unwrap()).send().await.unwrap().key_metadata.unwrap();
        days.extend(key.deletion_date().map(|date| date.to_string()[..10].to_owned()));
    }
    let told: Vec<&str> =
        destroyed.err.lines().filter(|line| line.starts_with("  waits: the key ")).collect();
    assert!(!told.is_empty() && !days.is_empty(), "{}", destroyed.err);
    for line in told {
        assert!(
            days.iter().any(|day| line.ends_with(&format!("until {day}, when AWS deletes it"))),
            "{line} {days:?}"
        );
    }
}

#[tokio::test]
async fn destroy_leaves_nothing_in_the_cloud_and_nothing_in_state() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    place.run(&["destroy", "--yes"]).expect(0);
    assert_eq!(place.objects().await, []);
    assert!(place.state("dev").await.is_empty());
    let again = place.run(&["destroy", "--yes"]).expect(0);
    assert!(again.err.contains("nothing to do"), "{}", again.err);
    place.run(&["up"]).expect(0);
}

#[tokio::test]
async fn a_changed_cidr_is_a_replacement_that_names_the_property_and_what_follows_from_it() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let old = place.run(&["outputs", "vpcId"]).expect(0).out;
    place.write("stack.toml", "[vpc]\ncidr = \"10.1.0.0/16\"\n");
    let preview = place.run(&["preview", "--detailed-exitcode"]).expect(2);
    assert!(preview.out.contains("± vpc/vpc"), "{}", preview.out);
    assert!(preview.out.contains("replaced: CidrBlock cannot be changed"), "{}", preview.out);
    assert!(preview.out.contains("CidrBlock: \"10.0.0.0/16\" → \"10.1.0.0/16\""), "{}", preview.out);
    assert!(
        preview.out.contains("because vpc/vpc is replaced")
            && preview.out.contains("VpcId: \"vpc-")
            && preview.out.contains("→ (known after vpc/vpc)"),
        "{}",
        preview.out
    );
    let plan = place.run(&["preview", "--json"]).expect(0).json();
    let subnet =
        plan["changes"].as_array().unwrap().iter().find(|step| step["address"] == "vpc/nat-a").unwrap();
    assert_eq!(subnet["action"], "replace");
    place.run(&["up"]).expect(0);
    assert_ne!(place.run(&["outputs", "vpcId"]).expect(0).out, old);
    place.run(&["preview", "--detailed-exitcode"]).expect(0);
    place.run(&["destroy", "--yes"]).expect(0);
    assert_eq!(place.objects().await, []);
}

#[test]
fn preview_changes_nothing_on_disk_but_opens_the_embedded_aws() {
    let place = Workplace::new();
    let preview = place.run(&["preview", "--detailed-exitcode"]).expect(2);
    assert!(preview.out.contains("vpc: 5"), "{}", preview.out);
    let details = place.run(&["preview", "--details"]).expect(0);
    assert!(details.out.contains("+ vpc/vpc"), "{}", details.out);
    assert!(!place.state_directory("dev").exists());
}

#[test]
fn outputs_are_data_on_standard_output() {
    let place = Workplace::new();
    let none = place.run(&["outputs", "vpcId"]).expect(65);
    assert!(none.err.contains("hint: nothing is deployed here"), "{}", none.err);
    let none = place.run(&["outputs", "--json"]).expect(65);
    assert!(
        none.err.contains(
            "error[E0206]: payment dev (embedded, ap-southeast-1): nothing was ever deployed here\n"
        )
    );
    assert_eq!(none.json()["error"]["code"], "E0206");
    place.run(&["up"]).expect(0);
    let id = place.run(&["outputs", "vpcId"]).expect(0).out;
    assert!(id.starts_with("vpc-") && id.trim_end().len() == 21, "{id}");
    let all = place.run(&["outputs", "--json"]).expect(0).json();
    assert_eq!(all["vpcId"], id.trim_end());
    for (name, count) in [("publicSubnetIds", 3), ("privateSubnetIds", 3), ("databaseSubnetIds", 3)] {
        assert_eq!(all[name].as_array().unwrap().len(), count, "{name}");
    }
    assert_eq!(
        all["privateSubnetCidrs"],
        serde_json::json!(["10.0.10.0/24", "10.0.11.0/24", "10.0.12.0/24"])
    );
    let unknown = place.run(&["outputs", "vpcID"]).expect(65);
    assert!(unknown.err.contains("hint: did you mean `vpcId`?"), "{}", unknown.err);
    let unknown = place.run(&["outputs", "vpc_id"]).expect(65);
    assert!(unknown.err.contains("hint: did you mean `vpcId`?"), "{}", unknown.err);
    let unknown = place.run(&["outputs", "password"]).expect(65);
    assert!(unknown.err.contains("hint: the outputs are: "), "{}", unknown.err);
}

#[test]
fn up_reports_as_json() {
    let place = Workplace::new();
    let summary = place.run(&["up", "--json"]).expect(0).event("summary");
    assert_eq!(summary["report"]["complete"], true);
    assert!(summary["report"]["done"].as_array().unwrap().len() > 50);
    assert!(summary["outputs"]["vpcId"].as_str().unwrap().starts_with("vpc-"));
}

/// After a release that failed, what ran before runs. The next plan tries again, and says why in words.
#[test]
fn a_release_that_failed_is_planned_again_and_the_plan_says_why() {
    let place = Workplace::new();
    // This identity may not look whether the image is there.
    let denied = json!({ "error": { "code": "AccessDeniedException", "status": 400 } });
    let looks = json!({ "of": { "operation": "DescribeImages" }, "when": { "share": 1.0 }, "fault": denied });
    let server = Server::with_faults(&place, &json!({ "rules": [looks] }), &[]);
    let release = ["--set", "ecs.image=123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/other:none"];
    server.run(&place, &["up"]).expect(0);
    server.run(&place, &[["up"].as_slice(), &release].concat()).expect(1);
    let again = server.run(&place, &[["preview"].as_slice(), &release].concat()).expect(0).out;
    assert!(again.contains("AWS::ECS::Service  the last run did not finish it"), "{again}");
    let order = again.lines().find(|line| line.contains("DependsOn")).unwrap();
    assert!(order.ends_with("(stack's own property)"), "{again}");

    // One that never ran is made anew.
    server.run(&place, &["destroy"]).expect(0);
    server.run(&place, &[["up"].as_slice(), &release].concat()).expect(1);
    let again = server.run(&place, &[["preview"].as_slice(), &release].concat()).expect(0).out;
    assert!(
        again.contains("AWS::ECS::Service\n      replaced: AWS reports that it failed; the old one"),
        "{again}"
    );
}
