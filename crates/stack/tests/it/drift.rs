//! Changes behind the program's back.

use crate::command::Workplace;

#[tokio::test]
async fn drift_is_found_property_by_property_and_repaired_by_the_next_up() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    place.run(&["refresh", "--detailed-exitcode"]).expect(0);
    let vpc = place.run(&["outputs", "vpcId"]).expect(0).out.trim_end().to_owned();
    let ec2 = place.ec2();
    ec2.modify_vpc_attribute()
        .vpc_id(&vpc)
        .enable_dns_hostnames(aws_sdk_ec2::types::AttributeBooleanValue::builder().value(false).build())
        .send()
        .await
        .unwrap();
    let tag = aws_sdk_ec2::types::Tag::builder().key("Author").value("somebody").build();
    ec2.create_tags().resources(&vpc).tags(tag).send().await.unwrap();
    let before = place.emulator_bytes();
    let refresh = place.run(&["refresh", "--detailed-exitcode"]).expect(2);
    assert!(refresh.out.contains("~ vpc/vpc"), "{}", refresh.out);
    assert!(refresh.out.contains("EnableDnsHostnames: true → false"), "{}", refresh.out);
    assert!(refresh.out.contains("Tags[Author].Value: \"unknown\" → \"somebody\""), "{}", refresh.out);
    assert_eq!(place.emulator_bytes(), before);
    place.run(&["up"]).expect(0);
    let clean = place.run(&["refresh", "--detailed-exitcode"]).expect(0);
    assert!(clean.out.contains("no drift"), "{}", clean.out);
}

#[tokio::test]
async fn an_object_that_disappeared_is_reported_and_made_again() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let ec2 = place.ec2();
    let tables = ec2.describe_route_tables().send().await.unwrap().route_tables.unwrap();
    let public = tables
        .iter()
        .find(|table| table.tags().iter().any(|tag| tag.value() == Some("payment-public-rt-dev")))
        .unwrap();
    ec2.delete_route()
        .route_table_id(public.route_table_id().unwrap())
        .destination_cidr_block("0.0.0.0/0")
        .send()
        .await
        .unwrap();
    let refresh = place.run(&["refresh", "--json"]).expect(0).json();
    assert_eq!(refresh[0]["address"], "vpc/public-route");
    assert_eq!(refresh[0]["missing"], true);
    let up = place.run(&["up"]).expect(0);
    assert!(up.err.contains("created vpc/public-route"), "{}", up.err);
    place.run(&["refresh", "--detailed-exitcode"]).expect(0);
}
