//! Objects that carry this environment's tags and that nothing recorded stands for.

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};

use crate::command::Workplace;
use crate::transcripts::Transcript;

/// The tags that say whose an object is.
fn tags(kind: ResourceType, environment: &str, address: &str) -> TagSpecification {
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    TagSpecification::builder()
        .resource_type(kind)
        .tags(tag("stack:project", "payment"))
        .tags(tag("stack:environment", environment))
        .tags(tag("stack:address", address))
        .build()
}

#[tokio::test]
async fn orphans_and_doubles_are_listed_with_what_looks_at_them_and_takes_them() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let mut shown = Transcript::new();
    shown.run(&place, &["refresh", "--orphans", "--detailed-exitcode"]);
    let ec2 = place.ec2();
    let of = |environment, address| tags(ResourceType::InternetGateway, environment, address);
    ec2.create_internet_gateway().tag_specifications(of("dev", "vpc/old-igw")).send().await.unwrap();
    // Of another environment.
    ec2.create_internet_gateway().tag_specifications(of("prod", "vpc/igw")).send().await.unwrap();
    let twin = tags(ResourceType::Vpc, "dev", "vpc/vpc");
    ec2.create_vpc().cidr_block("10.9.0.0/16").tag_specifications(twin).send().await.unwrap();
    let (before, files) = (place.emulator_bytes(), place.files("dev"));
    shown.run(&place, &["refresh", "--orphans", "--detailed-exitcode"]);
    place.run(&["refresh", "--orphans"]).expect(0);
    let found = place.run(&["refresh", "--orphans", "--json"]).expect(0).json();
    assert_eq!(
        (place.emulator_bytes(), place.files("dev")),
        (before, files),
        "nothing is changed or written"
    );
    let orphans = found["orphans"].as_array().unwrap();
    let told: Vec<_> = orphans
        .iter()
        .map(|one| (one["address"].as_str().unwrap(), one["double"].as_bool().unwrap()))
        .collect();
    assert_eq!(told, [("vpc/old-igw", false), ("vpc/vpc", true)], "{found}");
    assert!(orphans[0]["take"].as_str().unwrap().starts_with("stack import vpc/old-igw 'igw-"), "{found}");
    assert!(
        orphans[1]["look"].as_str().unwrap().contains("--type-name AWS::EC2::VPC --identifier 'vpc-"),
        "{found}"
    );
    shown.compare("orphans");
}

/// An old copy, or none: what the next run would adopt is listed.
#[tokio::test]
async fn without_a_state_everything_that_can_be_found_is_an_orphan() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let state = place.state("dev").await;
    std::fs::remove_dir_all(place.state_directory("dev")).unwrap();
    let found = place.run(&["refresh", "--orphans", "--json", "--detailed-exitcode"]).expect(2).json();
    let addresses: Vec<&str> =
        found["orphans"].as_array().unwrap().iter().filter_map(|one| one["address"].as_str()).collect();
    // Listed by their tags; and one that is found by its name.
    for address in ["vpc/vpc", "vpc/nat-a", "database/key", "apigw/api-key", "vpc/flow-log-group"] {
        assert!(state.current(address).is_some(), "{address} is not an address");
        assert!(addresses.contains(&address), "{address}: {addresses:?}");
    }
    assert!(found["orphans"].as_array().unwrap().iter().all(|one| one["double"] == false), "{found}");
}
