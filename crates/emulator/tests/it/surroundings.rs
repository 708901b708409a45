//! What is around a VPC: DHCP options and Block Public Access.

use aws_sdk_ec2::types::{InternetGatewayBlockMode, NewDhcpConfiguration};

use crate::rows::check;
use crate::support::{Cloud, code, filter};

fn option(key: &str, value: &str) -> NewDhcpConfiguration {
    NewDhcpConfiguration::builder().key(key).values(value).build()
}

/// VPC User Guide, "DHCP option sets in Amazon VPC"; EC2 API Reference, AssociateDhcpOptions and DeleteDhcpOptions.
#[tokio::test(start_paused = true)]
async fn a_vpc_has_the_default_dhcp_options_until_it_is_given_others() {
    let cloud = Cloud::in_memory();
    let (ec2, vpc) = (&cloud.ec2, cloud.vpc().await);
    let of_vpc = async || {
        let found = ec2.describe_vpcs().vpc_ids(&vpc).send().await.unwrap();
        found.vpcs()[0].dhcp_options_id().unwrap().to_owned()
    };
    let by_default = of_vpc().await;
    let found = ec2.describe_dhcp_options().dhcp_options_ids(&by_default).send().await.unwrap();
    let options = found.dhcp_options()[0].dhcp_configurations();
    let servers = options.iter().find(|one| one.key() == Some("domain-name-servers")).unwrap();
    assert_eq!(servers.values()[0].value(), Some("AmazonProvidedDNS"));
    let domain = options.iter().find(|one| one.key() == Some("domain-name")).unwrap();
    assert_eq!(domain.values()[0].value(), Some("ap-southeast-1.compute.internal"));

    let made = ec2.create_dhcp_options().dhcp_configurations(option("domain-name-servers", "10.9.9.9"));
    let made = made.send().await.unwrap().dhcp_options.unwrap().dhcp_options_id.unwrap();
    let found = ec2.describe_dhcp_options().filters(filter("value", &["10.9.9.9"])).send().await.unwrap();
    assert_eq!(found.dhcp_options()[0].dhcp_options_id(), Some(made.as_str()));
    let associate =
        async |id: &str| code(ec2.associate_dhcp_options().vpc_id(&vpc).dhcp_options_id(id).send().await);
    let delete = async |id: &str| code(ec2.delete_dhcp_options().dhcp_options_id(id).send().await);
    let unknown = ec2.create_dhcp_options().dhcp_configurations(option("nameserver", "10.9.9.9"));
    check([
        ("others", "ok", associate(&made).await),
        ("some that are not there", "InvalidDhcpOptionID.NotFound", associate("dopt-0").await),
        ("deleting used ones", "DependencyViolation", delete(&made).await),
        ("none", "ok", associate("default").await),
        ("deleting unused ones", "ok", delete(&made).await),
        ("those of the region again", "ok", associate(&by_default).await),
        ("an unknown option", "InvalidParameterValue", code(unknown.send().await)),
    ]);
    assert_eq!(of_vpc().await, by_default);
}

/// VPC User Guide, "Block public access to VPCs and subnets".
#[tokio::test(start_paused = true)]
async fn block_public_access_is_shown_by_the_region_and_by_its_vpcs() {
    let cloud = Cloud::in_memory();
    let (ec2, vpc) = (&cloud.ec2, cloud.vpc().await);
    let shown = async || {
        let options = ec2.describe_vpc_block_public_access_options().send().await.unwrap();
        let options = options.vpc_block_public_access_options.unwrap();
        let vpcs = ec2.describe_vpcs().vpc_ids(&vpc).send().await.unwrap();
        let state = vpcs.vpcs()[0].block_public_access_states().unwrap().clone();
        let modes = (options.internet_gateway_block_mode, state.internet_gateway_block_mode);
        (modes.0.unwrap().as_str().to_owned(), modes.1.unwrap().as_str().to_owned())
    };
    assert_eq!(shown().await, ("off".to_owned(), "off".to_owned()));
    let modify = ec2.modify_vpc_block_public_access_options();
    let modify = modify.internet_gateway_block_mode(InternetGatewayBlockMode::BlockBidirectional);
    modify.send().await.unwrap();
    assert_eq!(shown().await, ("block-bidirectional".to_owned(), "block-bidirectional".to_owned()));
}
