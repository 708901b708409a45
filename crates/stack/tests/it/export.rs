//! `stack export`.

use serde_json::Value;

use crate::command::Workplace;

#[test]
fn a_template_is_written_without_calling_anything() {
    let place = Workplace::new();
    let printed = place.run(&["export", "cloudformation"]).expect(0).json();
    assert_eq!(printed["AWSTemplateFormatVersion"], "2010-09-09");
    let resources = printed["Resources"].as_object().unwrap();
    assert_eq!(resources["VpcVpc"]["Properties"]["CidrBlock"], "10.0.0.0/16");
    assert_eq!(printed["Outputs"]["vpcId"]["Value"]["Ref"], "VpcVpc");
    assert!(!place.path().join(".stack/emulator").exists(), "no target is touched");

    place.run(&["export", "cloudformation", "--out", "template.json", "--target", "aws"]).expect(0);
    let written = std::fs::read_to_string(place.path().join("template.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), printed, "it is the same for every target");
}

#[test]
fn a_template_has_no_account_and_no_region_in_it() {
    let place = Workplace::new();
    let text = place.run(&["export", "cloudformation", "--region", "us-east-1"]).expect(0).out;
    assert!(!text.contains("000000000000") && !text.contains("arn:aws:"));
    let in_region = text.lines().filter(|line| line.contains("us-east-1"));
    assert!(
        in_region.clone().all(|line| line.contains("\"Default\": \"us-east-1")),
        "only defaults of zones"
    );
    assert_eq!(in_region.count(), 3);
}

#[test]
fn a_configuration_that_cannot_work_is_said_as_everywhere() {
    let place = Workplace::new();
    place.write("stack.toml", "[vpc]\nzone_count = 1\n");
    let ended = place.run(&["export", "cloudformation"]).expect(65);
    assert!(ended.err.contains("zone_count"), "{}", ended.err);
}
