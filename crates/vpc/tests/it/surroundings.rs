//! What somebody changes around the VPC: its default network ACL, its DHCP options, and what is blocked in the whole region.

use aws::ec2::filter;
use aws_sdk_ec2::types::{
    InternetGatewayBlockMode, NetworkAcl, NetworkAclEntry, NewDhcpConfiguration, PortRange, RuleAction,
};
use engine::Selector;
use testing::World;
use vpc::{Args, Inputs, Tier};

use crate::support::inputs_with;

async fn world() -> (World, Tier, Inputs, String) {
    let world = World::new(vpc::kinds);
    let (tier, inputs) = (Tier::new(Args::default()), inputs_with(3));
    let outputs = world.create(&tier, &inputs).await;
    (world, tier, inputs, outputs.vpc_id.to_string())
}

async fn default_acl(world: &World, vpc: &str) -> NetworkAcl {
    let found = world.cx.ec2().describe_network_acls().filters(filter("vpc-id", [vpc]));
    let found = found.filters(filter("default", ["true"])).send().await.unwrap();
    found.network_acls.unwrap().remove(0)
}

async fn entries(world: &World, vpc: &str) -> Vec<NetworkAclEntry> {
    let mut entries = default_acl(world, vpc).await.entries.unwrap();
    entries.sort_by_key(|entry| (entry.egress(), entry.rule_number()));
    entries
}

/// The remarks, by their properties.
async fn remarks(world: &World) -> Vec<(String, String)> {
    let survey = world.engine.look(&Selector::all()).await.unwrap();
    let remarks = survey.remarks().into_iter();
    remarks.map(|remark| (remark.accepted.property, remark.accepted.because)).collect()
}

/// Public and private subnets have it at their border.
#[tokio::test(start_paused = true)]
async fn whatever_somebody_changes_of_the_default_network_acl_is_drift() {
    const SEEN: &[&str] = &["vpc/vpc: DefaultNetworkAclEntries"];
    let (world, tier, inputs, vpc) = world().await;
    let made = entries(&world, &vpc).await;
    let acl = default_acl(&world, &vpc).await;
    let (acl, used) = (acl.network_acl_id.unwrap(), acl.associations.unwrap().len());
    assert_eq!(used, 6, "the public and the private subnets");
    let ec2 = world.cx.ec2();

    // An entry before AWS's own that cuts off, and one behind it, which does nothing as long as that is there.
    for number in [50, 200] {
        let deny = ec2.create_network_acl_entry().network_acl_id(&acl).rule_number(number).egress(false);
        let deny = deny.protocol("6").port_range(PortRange::builder().from(443).to(443).build());
        deny.rule_action(RuleAction::Deny).cidr_block("0.0.0.0/0").send().await.unwrap();
        world.assert_repaired(&tier, &inputs, SEEN).await;
        assert_eq!(entries(&world, &vpc).await, made);
    }

    // AWS's own, narrowed, and taken away.
    let narrow = ec2.replace_network_acl_entry().network_acl_id(&acl).rule_number(100).egress(true);
    let narrow = narrow.protocol("-1").rule_action(RuleAction::Allow).cidr_block("10.0.0.0/16");
    narrow.send().await.unwrap();
    world.assert_repaired(&tier, &inputs, SEEN).await;
    for egress in [false, true] {
        let delete = ec2.delete_network_acl_entry().network_acl_id(&acl).rule_number(100);
        delete.egress(egress).send().await.unwrap();
    }
    world.assert_repaired(&tier, &inputs, SEEN).await;
    assert_eq!(entries(&world, &vpc).await, made);

    // It is open again before anything is taken away.
    let block = ec2.create_network_acl_entry().network_acl_id(&acl).rule_number(10).egress(false);
    let block = block.protocol("-1").rule_action(RuleAction::Deny).cidr_block("0.0.0.0/0");
    block.send().await.unwrap();
    let delete = ec2.delete_network_acl_entry().network_acl_id(&acl).rule_number(100).egress(false);
    delete.send().await.unwrap();
    world.mutations();
    world.create(&tier, &inputs).await;
    assert_eq!(world.mutations(), ["CreateNetworkAclEntry", "DeleteNetworkAclEntry"]);
}

/// Where the VPC gets IPv6 addresses, AWS itself adds entries for them (VPC User Guide, "Default network ACL").
#[tokio::test(start_paused = true)]
async fn what_aws_adds_for_ipv6_is_not_drift() {
    let (world, tier, inputs, vpc) = world().await;
    let acl = default_acl(&world, &vpc).await.network_acl_id.unwrap();
    for egress in [false, true] {
        let added = world.cx.ec2().create_network_acl_entry().network_acl_id(&acl).rule_number(101);
        let added = added.egress(egress).protocol("-1").rule_action(RuleAction::Allow);
        added.ipv6_cidr_block("::/0").send().await.unwrap();
    }
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn name_servers_of_somebody_else_are_said_and_left_as_they_are() {
    let (world, tier, inputs, vpc) = world().await;
    assert_eq!(remarks(&world).await, []);
    let ec2 = world.cx.ec2();
    let servers =
        NewDhcpConfiguration::builder().key("domain-name-servers").values("10.9.9.9").values("10.9.9.8");
    let made = ec2.create_dhcp_options().dhcp_configurations(servers.build()).send().await.unwrap();
    let made = made.dhcp_options.unwrap().dhcp_options_id.unwrap();
    ec2.associate_dhcp_options().vpc_id(&vpc).dhcp_options_id(&made).send().await.unwrap();
    let said = remarks(&world).await;
    let [(property, because)] = &said[..] else { panic!("{said:?}") };
    assert_eq!(property, "DomainNameServers");
    assert!(because.starts_with("asks the name servers 10.9.9.9, 10.9.9.8 of its DHCP options"), "{because}");
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
    // Other options, such as a domain, are nobody's concern; nor are none at all.
    let domain = NewDhcpConfiguration::builder().key("domain-name").values("corp.example").build();
    let amazon =
        NewDhcpConfiguration::builder().key("domain-name-servers").values("AmazonProvidedDNS").build();
    let made = ec2.create_dhcp_options().dhcp_configurations(domain).dhcp_configurations(amazon);
    let made = made.send().await.unwrap().dhcp_options.unwrap().dhcp_options_id.unwrap();
    for id in [&made, "default"] {
        ec2.associate_dhcp_options().vpc_id(&vpc).dhcp_options_id(id).send().await.unwrap();
        assert_eq!(remarks(&world).await, []);
    }
}

#[tokio::test(start_paused = true)]
async fn block_public_access_of_the_region_is_said_and_left_as_it_is() {
    let (world, tier, inputs, _) = world().await;
    for (mode, says) in [
        (InternetGatewayBlockMode::BlockBidirectional, "all traffic to and from the internet"),
        (InternetGatewayBlockMode::BlockIngress, "what comes in from the internet"),
    ] {
        let modify = world.cx.ec2().modify_vpc_block_public_access_options();
        modify.internet_gateway_block_mode(mode).send().await.unwrap();
        let said = remarks(&world).await;
        let [(property, because)] = &said[..] else { panic!("{said:?}") };
        assert!(property == "BlockPublicAccess" && because.contains(says), "{said:?}");
        assert_eq!(world.drift::<Tier>().await, [""; 0]);
        world.assert_settled(&tier, &inputs).await;
    }
}
