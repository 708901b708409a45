//! Interface endpoints: what comes back, what they hold, and what is refused.

use aws_sdk_ec2::operation::create_vpc_endpoint::builders::CreateVpcEndpointFluentBuilder;
use aws_sdk_ec2::types::{AttributeBooleanValue, VpcEndpoint, VpcEndpointType};

use crate::rows::Rows;
use crate::support::{Cloud, REGION, code};

/// A VPC with names in DNS, two subnets in zone a and one in zone b, and a security group.
struct Network {
    cloud: Cloud,
    vpc: String,
    subnets: [String; 3],
    group: String,
}

impl Network {
    async fn new() -> Self {
        let cloud = Cloud::in_memory();
        let vpc = cloud.vpc().await;
        let on = AttributeBooleanValue::builder().value(true).build();
        let names = cloud.ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(on);
        names.send().await.unwrap();
        let subnet = async |third: u8, zone: &str| {
            let call = cloud.ec2.create_subnet().vpc_id(&vpc).cidr_block(format!("10.0.{third}.0/24"));
            let made = call.availability_zone(format!("{REGION}{zone}")).send().await.unwrap();
            made.subnet.unwrap().subnet_id.unwrap()
        };
        let subnets = [subnet(0, "a").await, subnet(1, "a").await, subnet(2, "b").await];
        let group = group(&cloud, &vpc).await;
        Self { vpc, subnets, group, cloud }
    }

    /// An endpoint for KMS in the first and the last subnet.
    fn endpoint(&self) -> CreateVpcEndpointFluentBuilder {
        let [first, _, last] = &self.subnets;
        let call = self.cloud.ec2.create_vpc_endpoint().vpc_endpoint_type(VpcEndpointType::Interface);
        let call = call.vpc_id(&self.vpc).service_name(format!("com.amazonaws.{REGION}.kms"));
        call.subnet_ids(first).subnet_ids(last).security_group_ids(&self.group)
    }

    async fn look(&self, id: &str) -> VpcEndpoint {
        let found = self.cloud.ec2.describe_vpc_endpoints().vpc_endpoint_ids(id).send().await.unwrap();
        found.vpc_endpoints.unwrap().remove(0)
    }
}

async fn group(cloud: &Cloud, vpc: &str) -> String {
    let made = cloud.ec2.create_security_group().group_name("endpoints").description("e").vpc_id(vpc);
    made.send().await.unwrap().group_id.unwrap()
}

fn id_of(endpoint: &VpcEndpoint) -> String {
    endpoint.vpc_endpoint_id().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn it_has_an_interface_in_each_subnet_and_the_services_own_name() {
    let network = Network::new().await;
    let made = network.endpoint().send().await.unwrap().vpc_endpoint.unwrap();
    let shown = network.look(&id_of(&made)).await;
    assert_eq!(shown.subnet_ids(), [network.subnets[0].clone(), network.subnets[2].clone()]);
    assert_eq!(shown.network_interface_ids().len(), 2);
    assert_eq!(shown.groups()[0].group_id(), Some(network.group.as_str()));
    assert_eq!(shown.private_dns_enabled(), Some(true));
    let names: Vec<_> = shown.dns_entries().iter().filter_map(|entry| entry.dns_name()).collect();
    assert!(names.contains(&format!("kms.{REGION}.amazonaws.com").as_str()), "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn what_it_is_in_stays_until_it_is_gone() {
    let network = Network::new().await;
    let id = id_of(&network.endpoint().send().await.unwrap().vpc_endpoint.unwrap());
    let ec2 = &network.cloud.ec2;
    let mut rows = Rows::default();
    let subnet = || ec2.delete_subnet().subnet_id(&network.subnets[0]);
    let group = || ec2.delete_security_group().group_id(&network.group);
    rows.row("its subnet", "DependencyViolation", code(subnet().send().await));
    rows.row("its group", "DependencyViolation", code(group().send().await));
    rows.row("another subnet", "ok", code(ec2.delete_subnet().subnet_id(&network.subnets[1]).send().await));
    ec2.delete_vpc_endpoints().vpc_endpoint_ids(id).send().await.unwrap();
    rows.row("subnet of one that is gone", "ok", code(subnet().send().await));
    rows.row("group of one that is gone", "ok", code(group().send().await));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_refused() {
    let network = Network::new().await;
    let ec2 = &network.cloud.ec2;
    let elsewhere = network.cloud.vpc_with("10.1.0.0/16").await;
    let subnet_elsewhere = network.cloud.subnet(&elsewhere, "10.1.0.0/24").await;
    let group_elsewhere = group(&network.cloud, &elsewhere).await;
    let endpoint = || network.endpoint();
    let mut rows = Rows::default();
    let r = &mut rows;
    r.row(
        "two subnets in a zone",
        "DuplicateSubnetsInSameZone",
        code(endpoint().subnet_ids(&network.subnets[1]).send().await),
    );
    r.row(
        "a subnet of another VPC",
        "InvalidParameter",
        code(endpoint().subnet_ids(subnet_elsewhere).send().await),
    );
    r.row(
        "a group of another VPC",
        "InvalidParameter",
        code(endpoint().security_group_ids(group_elsewhere).send().await),
    );
    r.row(
        "no such service",
        "InvalidServiceName",
        code(endpoint().service_name(format!("com.amazonaws.{REGION}.kmx")).send().await),
    );
    r.row(
        "private DNS without DNS",
        "InvalidParameter",
        code(endpoint().vpc_id(&elsewhere).set_subnet_ids(None).set_security_group_ids(None).send().await),
    );
    let id = id_of(&endpoint().send().await.unwrap().vpc_endpoint.unwrap());
    r.row("a second for the service", "InvalidParameter", code(endpoint().send().await));
    let second = endpoint().private_dns_enabled(false).send().await;
    r.row("a second without private DNS", "ok", code(second));
    let modify = || ec2.modify_vpc_endpoint().vpc_endpoint_id(&id);
    r.row(
        "a second subnet in a zone",
        "DuplicateSubnetsInSameZone",
        code(modify().add_subnet_ids(&network.subnets[1]).send().await),
    );
    r.row(
        "no group",
        "InvalidParameter",
        code(modify().remove_security_group_ids(&network.group).send().await),
    );
    r.row("no subnet", "ok", code(modify().remove_subnet_ids(&network.subnets[0]).send().await));
    r.row("then another one", "ok", code(modify().add_subnet_ids(&network.subnets[1]).send().await));
    let shown = network.look(&id).await;
    assert_eq!(shown.subnet_ids(), [network.subnets[2].clone(), network.subnets[1].clone()]);
}

#[tokio::test(start_paused = true)]
async fn services_that_have_endpoints_are_listed_and_others_are_unknown() {
    let cloud = Cloud::in_memory();
    let all = cloud.ec2.describe_vpc_endpoint_services().send().await.unwrap();
    let name = |service: &str| format!("com.amazonaws.{REGION}.{service}");
    for service in ["ecr.api", "ecr.dkr", "logs", "xray", "s3"] {
        assert!(all.service_names().contains(&name(service)), "{service}");
    }
    let one = cloud.ec2.describe_vpc_endpoint_services().service_names(name("kms")).send().await.unwrap();
    assert_eq!(one.service_names(), [name("kms")]);
    let kind = one.service_details()[0].service_type()[0].service_type().unwrap();
    assert_eq!(kind.as_str(), "Interface");
    let unknown = cloud.ec2.describe_vpc_endpoint_services().service_names(name("ecr"));
    assert_eq!(code(unknown.send().await), "InvalidServiceName");
}
