//! Filters: AND between them, OR between values, wildcards, and no silent ignoring.

use aws_sdk_ec2::types::Filter;

use crate::support::{Cloud, REGION, code, filter, tag, tagged};

async fn subnets(cloud: &Cloud, filters: Vec<Filter>) -> Vec<String> {
    let call = cloud.ec2.describe_subnets().set_filters(Some(filters));
    let found = call.send().await.unwrap();
    let mut blocks: Vec<String> =
        found.subnets().iter().map(|subnet| subnet.cidr_block().unwrap().to_owned()).collect();
    blocks.sort_unstable();
    blocks
}

#[tokio::test(start_paused = true)]
async fn filters_are_joined_by_and_and_values_by_or() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let other = cloud.vpc_with("10.1.0.0/16").await;
    for (vpc, block, name) in [
        (&vpc, "10.0.0.0/24", "dev-public-1"),
        (&vpc, "10.0.1.0/24", "dev-private-1"),
        (&vpc, "10.0.2.0/24", "test-public-1"),
        (&other, "10.1.0.0/24", "dev-public-1"),
    ] {
        let call = cloud.ec2.create_subnet().vpc_id(vpc).cidr_block(block);
        let call = call.tag_specifications(tagged("subnet", &[("Name", name), ("Tier", "vpc")]));
        call.send().await.unwrap();
    }
    let in_vpc = filter("vpc-id", &[&vpc]);
    let cases: [(Vec<Filter>, &[&str]); 7] = [
        (vec![in_vpc.clone()], &["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]),
        (vec![in_vpc.clone(), filter("tag:Name", &["dev-*"])], &["10.0.0.0/24", "10.0.1.0/24"]),
        (
            vec![in_vpc.clone(), filter("tag:Name", &["dev-public-?", "test-*"])],
            &["10.0.0.0/24", "10.0.2.0/24"],
        ),
        (vec![filter("cidr-block", &["10.1.0.0/24"])], &["10.1.0.0/24"]),
        (vec![filter("tag-key", &["Tier"]), filter("vpc-id", &[&other])], &["10.1.0.0/24"]),
        (vec![filter("tag:Name", &["DEV-*"])], &[]),
        (vec![filter("tag:Missing", &["*"])], &[]),
    ];
    for (filters, wanted) in cases {
        assert_eq!(subnets(&cloud, filters.clone()).await, wanted, "{filters:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_is_not_known_is_an_error() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let call = cloud.ec2.describe_vpcs().filters(filter("colour", &["red"]));
    assert_eq!(code(call.send().await), "InvalidParameterValue");
    let call = cloud.ec2.describe_vpcs().filters(Filter::builder().name("vpc-id").build());
    assert_eq!(code(call.send().await), "InvalidParameterValue");
    let call = cloud.ec2.describe_vpcs().vpc_ids(&vpc).filters(filter("vpc-id", &["vpc-1"]));
    assert_eq!(call.send().await.unwrap().vpcs(), []);
}

/// Every filter that callers rely on finds the one object and not another.
#[tokio::test(start_paused = true)]
async fn each_kind_is_found_by_the_filters_that_callers_rely_on() {
    let cloud = Cloud::in_memory();
    let ec2 = &cloud.ec2;
    let vpc = cloud.vpc().await;
    let gateway = cloud.gateway(&vpc).await;
    let subnet = cloud.subnet(&vpc, "10.0.0.0/24").await;
    let address = cloud.address().await;
    let nat = cloud.nat(&subnet, &address).await;
    let table = cloud.table(&vpc).await;
    cloud.associate(&table, &subnet).await;
    let group = cloud.group(&vpc, "web").await;
    let endpoint = cloud.endpoint(&vpc, &table).await;
    let acl = cloud.acl(&vpc).await;
    for id in [&gateway, &address, &nat, &table, &group, &endpoint, &acl] {
        ec2.create_tags().resources(id).tags(tag("Mine", "yes")).send().await.unwrap();
    }
    let mine = || ("tag:Mine", "yes");
    macro_rules! found {
        ($call:ident, $add:ident, $list:ident, [$($filter:expr),+]) => {
            let filters: &[(&str, &str)] = &[$($filter),+];
            for (name, value) in filters {
                let (name, value) = (*name, *value);
                let found = ec2.$call().$add(filter(name, &[value])).send().await.unwrap();
                assert_eq!(found.$list().len(), 1, "{} by {name}", stringify!($call));
                let found = ec2.$call().$add(filter(name, &["no-*-such"])).send().await.unwrap();
                assert_eq!(found.$list().len(), 0, "{} by {name}", stringify!($call));
            }
        };
    }
    found!(
        describe_vpcs,
        filters,
        vpcs,
        [("vpc-id", &vpc), ("state", "available"), ("cidr-block", "10.0.0.0/16")]
    );
    found!(
        describe_subnets,
        filters,
        subnets,
        [("subnet-id", &subnet), ("vpc-id", &vpc), ("state", "available")]
    );
    found!(
        describe_internet_gateways,
        filters,
        internet_gateways,
        [("internet-gateway-id", &gateway), ("attachment.vpc-id", &vpc), mine()]
    );
    found!(describe_addresses, filters, addresses, [("allocation-id", &address), mine()]);
    found!(
        describe_nat_gateways,
        filter,
        nat_gateways,
        [("nat-gateway-id", &nat), ("vpc-id", &vpc), ("subnet-id", &subnet), ("state", "available"), mine()]
    );
    found!(
        describe_route_tables,
        filters,
        route_tables,
        [("route-table-id", &table), ("association.subnet-id", &subnet), mine()]
    );
    found!(
        describe_security_groups,
        filters,
        security_groups,
        [("group-id", &group), ("group-name", "web"), mine()]
    );
    found!(
        describe_vpc_endpoints,
        filters,
        vpc_endpoints,
        [
            ("vpc-endpoint-id", &endpoint),
            ("vpc-id", &vpc),
            mine(),
            ("service-name", &format!("com.amazonaws.{REGION}.s3"))
        ]
    );
    found!(
        describe_network_acls,
        filters,
        network_acls,
        [("network-acl-id", &acl), ("default", "true"), ("association.subnet-id", &subnet), mine()]
    );
}

#[tokio::test(start_paused = true)]
async fn tags_are_added_changed_and_removed() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let group = cloud.group(&vpc, "web").await;
    let change = || cloud.ec2.create_tags().resources(&vpc).resources(&group);
    change().tags(tag("A", "1")).tags(tag("B", "2")).send().await.unwrap();
    change().tags(tag("B", "3")).send().await.unwrap();
    let tags = async || {
        let call = cloud.ec2.describe_vpcs().vpc_ids(&vpc);
        let found = call.send().await.unwrap();
        crate::support::pairs(found.vpcs()[0].tags())
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(tags().await, ["A=1", "B=3"]);
    let delete = || cloud.ec2.delete_tags().resources(&vpc);
    // With a value, only a tag that has this value goes.
    delete().tags(tag("A", "other")).tags(tag("B", "3")).send().await.unwrap();
    assert_eq!(tags().await, ["A=1"]);
    let key_only = aws_sdk_ec2::types::Tag::builder().key("A").build();
    delete().tags(key_only).send().await.unwrap();
    assert!(tags().await.is_empty());
}
