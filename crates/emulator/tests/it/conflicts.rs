//! What AWS refuses, with AWS's code: one row for each rule.

use aws_sdk_ec2::types::{
    FlowLogsResourceType, IpPermission, IpRange, LogDestinationType, RuleAction, TrafficType, VpcEndpointType,
};

use crate::rows::Rows;
use crate::support::{Cloud, REGION, TRUST, code, tag, tagged};

const NO_ID: &str = "00000000000000000";

#[tokio::test(start_paused = true)]
async fn an_unknown_id_is_refused_with_the_code_of_its_kind() {
    let Cloud { ec2, .. } = &Cloud::in_memory();
    let mut rows = Rows::default();
    let id = |prefix: &str| format!("{prefix}-{NO_ID}");
    let r = &mut rows;
    r.row("DescribeVpcs", "InvalidVpcID.NotFound", code(ec2.describe_vpcs().vpc_ids(id("vpc")).send().await));
    r.row("DeleteVpc", "InvalidVpcID.NotFound", code(ec2.delete_vpc().vpc_id(id("vpc")).send().await));
    r.row(
        "DescribeSubnets",
        "InvalidSubnetID.NotFound",
        code(ec2.describe_subnets().subnet_ids(id("subnet")).send().await),
    );
    r.row(
        "DescribeInternetGateways",
        "InvalidInternetGatewayID.NotFound",
        code(ec2.describe_internet_gateways().internet_gateway_ids(id("igw")).send().await),
    );
    r.row(
        "DescribeAddresses",
        "InvalidAllocationID.NotFound",
        code(ec2.describe_addresses().allocation_ids(id("eipalloc")).send().await),
    );
    r.row(
        "ReleaseAddress",
        "InvalidAllocationID.NotFound",
        code(ec2.release_address().allocation_id(id("eipalloc")).send().await),
    );
    r.row(
        "DescribeNatGateways",
        "NatGatewayNotFound",
        code(ec2.describe_nat_gateways().nat_gateway_ids(id("nat")).send().await),
    );
    r.row(
        "DeleteNatGateway",
        "NatGatewayNotFound",
        code(ec2.delete_nat_gateway().nat_gateway_id(id("nat")).send().await),
    );
    r.row(
        "DescribeRouteTables",
        "InvalidRouteTableID.NotFound",
        code(ec2.describe_route_tables().route_table_ids(id("rtb")).send().await),
    );
    r.row(
        "DisassociateRouteTable",
        "InvalidAssociationID.NotFound",
        code(ec2.disassociate_route_table().association_id(id("rtbassoc")).send().await),
    );
    r.row(
        "DescribeSecurityGroups",
        "InvalidGroup.NotFound",
        code(ec2.describe_security_groups().group_ids(id("sg")).send().await),
    );
    r.row(
        "DescribeSecurityGroupRules",
        "InvalidSecurityGroupRuleId.NotFound",
        code(ec2.describe_security_group_rules().security_group_rule_ids(id("sgr")).send().await),
    );
    r.row(
        "DescribeFlowLogs",
        "InvalidFlowLogId.NotFound",
        code(ec2.describe_flow_logs().flow_log_ids(id("fl")).send().await),
    );
    r.row(
        "DescribeVpcEndpoints",
        "InvalidVpcEndpointId.NotFound",
        code(ec2.describe_vpc_endpoints().vpc_endpoint_ids(id("vpce")).send().await),
    );
    r.row(
        "DescribeNetworkAcls",
        "InvalidNetworkAclID.NotFound",
        code(ec2.describe_network_acls().network_acl_ids(id("acl")).send().await),
    );
    r.row(
        "CreateTags",
        "InvalidVpcID.NotFound",
        code(ec2.create_tags().resources(id("vpc")).tags(tag("a", "b")).send().await),
    );
    r.row(
        "CreateTags of an unknown kind",
        "InvalidID",
        code(ec2.create_tags().resources("xyz-1").tags(tag("a", "b")).send().await),
    );
}

#[tokio::test(start_paused = true)]
async fn a_wrong_address_range_is_refused() {
    let cloud = Cloud::in_memory();
    let (ec2, vpc) = (&cloud.ec2, cloud.vpc().await);
    cloud.subnet(&vpc, "10.0.0.0/24").await;
    let subnet = |block: &str| ec2.create_subnet().vpc_id(&vpc).cidr_block(block).send();
    let mut rows = Rows::default();
    let r = &mut rows;
    r.row("same block", "InvalidSubnet.Conflict", code(subnet("10.0.0.0/24").await));
    r.row("block around it", "InvalidSubnet.Conflict", code(subnet("10.0.0.0/20").await));
    r.row("block inside it", "InvalidSubnet.Conflict", code(subnet("10.0.0.128/25").await));
    r.row("outside the VPC", "InvalidSubnet.Range", code(subnet("10.1.0.0/24").await));
    r.row("too small", "InvalidSubnet.Range", code(subnet("10.0.1.0/29").await));
    r.row("no block", "InvalidParameterValue", code(subnet("10.0.1").await));
    r.row("VPC too large", "InvalidVpc.Range", code(ec2.create_vpc().cidr_block("10.0.0.0/8").send().await));
    let elsewhere = ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.9.0/24");
    r.row(
        "zone of another region",
        "InvalidParameterValue",
        code(elsewhere.availability_zone("us-east-1a").send().await),
    );
}

#[tokio::test(start_paused = true)]
async fn a_gateway_is_attached_once() {
    let cloud = Cloud::in_memory();
    let (ec2, vpc) = (&cloud.ec2, cloud.vpc().await);
    let other = cloud.vpc_with("10.1.0.0/16").await;
    let gateway = cloud.gateway(&vpc).await;
    let spare = ec2.create_internet_gateway().send().await.unwrap();
    let spare = spare.internet_gateway.unwrap().internet_gateway_id.unwrap();
    let attach = |gateway: &str, vpc: &str| {
        ec2.attach_internet_gateway().internet_gateway_id(gateway).vpc_id(vpc).send()
    };
    let detach = ec2.detach_internet_gateway().internet_gateway_id(&spare).vpc_id(&vpc);
    let mut rows = Rows::default();
    let r = &mut rows;
    r.row("again", "Resource.AlreadyAssociated", code(attach(&gateway, &vpc).await));
    r.row("elsewhere", "Resource.AlreadyAssociated", code(attach(&gateway, &other).await));
    r.row("a second one", "InvalidParameterValue", code(attach(&spare, &vpc).await));
    r.row("detach what is not attached", "Gateway.NotAttached", code(detach.send().await));
}

#[tokio::test(start_paused = true)]
async fn routes_and_associations_do_not_double() {
    let cloud = Cloud::in_memory();
    let (ec2, vpc) = (&cloud.ec2, cloud.vpc().await);
    let other_vpc = cloud.vpc_with("10.1.0.0/16").await;
    let gateway = cloud.gateway(&vpc).await;
    let subnet = cloud.subnet(&vpc, "10.0.0.0/24").await;
    let (table, other) = (cloud.table(&vpc).await, cloud.table(&vpc).await);
    let foreign = cloud.table(&other_vpc).await;
    let association = cloud.associate(&table, &subnet).await;
    let create = |table: &str, gateway: &str| {
        let call = ec2.create_route().route_table_id(table);
        call.destination_cidr_block("0.0.0.0/0").gateway_id(gateway).send()
    };
    let replace = ec2.replace_route().route_table_id(&table);
    let replace = replace.destination_cidr_block("0.0.0.0/0").gateway_id(&gateway);
    let delete = |block: &str| ec2.delete_route().route_table_id(&table).destination_cidr_block(block).send();
    let associate = |table: &str| ec2.associate_route_table().route_table_id(table).subnet_id(&subnet).send();
    let move_to = |table: &str| {
        let call = ec2.replace_route_table_association().association_id(&association);
        call.route_table_id(table).send()
    };
    let mut rows = Rows::default();
    let r = &mut rows;
    r.row("replace what is not there", "InvalidParameterValue", code(replace.send().await));
    r.row("delete what is not there", "InvalidRoute.NotFound", code(delete("0.0.0.0/0").await));
    r.row("delete the local route", "InvalidParameterValue", code(delete("10.0.0.0/16").await));
    r.row("first route", "ok", code(create(&table, &gateway).await));
    r.row("same route", "RouteAlreadyExists", code(create(&table, &gateway).await));
    r.row(
        "no such gateway",
        "InvalidGatewayID.NotFound",
        code(create(&other, &format!("igw-{NO_ID}")).await),
    );
    r.row("other VPC's gateway", "InvalidParameterValue", code(create(&foreign, &gateway).await));
    let nat = ec2.create_route().route_table_id(&other).destination_cidr_block("0.0.0.0/0");
    r.row(
        "no such NAT gateway",
        "InvalidNatGatewayID.NotFound",
        code(nat.nat_gateway_id(format!("nat-{NO_ID}")).send().await),
    );
    r.row("same table", "Resource.AlreadyAssociated", code(associate(&table).await));
    r.row("another table", "Resource.AlreadyAssociated", code(associate(&other).await));
    r.row("other VPC's table", "InvalidParameterValue", code(associate(&foreign).await));
    r.row("move to other VPC's table", "InvalidParameterValue", code(move_to(&foreign).await));
    let tables = ec2.describe_route_tables().route_table_ids(&table).send().await.unwrap();
    assert_eq!(tables.route_tables()[0].associations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn security_groups_refuse_what_does_not_fit() {
    let cloud = Cloud::in_memory();
    let (ec2, vpc) = (&cloud.ec2, cloud.vpc().await);
    let group = cloud.group(&vpc, "web").await;
    let other_vpc = cloud.vpc_with("10.1.0.0/16").await;
    cloud.group(&other_vpc, "web").await;
    let make = |name: &str| {
        let call = ec2.create_security_group().vpc_id(&vpc).group_name(name);
        call.description("d").send()
    };
    let https = |range: &str| {
        let range = IpRange::builder().cidr_ip(range).build();
        let rule = IpPermission::builder().ip_protocol("tcp").from_port(443).to_port(443);
        rule.ip_ranges(range).build()
    };
    let allow = |range: &str| {
        let call = ec2.authorize_security_group_ingress().group_id(&group);
        call.ip_permissions(https(range)).send()
    };
    let revoke = ec2.revoke_security_group_ingress().group_id(&group);
    let revoke = revoke.ip_permissions(https("10.9.0.0/16"));
    let mut rows = Rows::default();
    let r = &mut rows;
    r.row("same name", "InvalidGroup.Duplicate", code(make("web").await));
    r.row("reserved name", "InvalidGroup.Duplicate", code(make("default").await));
    r.row("name like an id", "InvalidParameterValue", code(make("sg-1").await));
    r.row("a rule", "ok", code(allow("10.0.0.0/8").await));
    r.row("same rule", "InvalidPermission.Duplicate", code(allow("10.0.0.0/8").await));
    r.row("bad range", "InvalidParameterValue", code(allow("10.0.0.0/99").await));
    r.row("revoke what is not there", "InvalidPermission.NotFound", code(revoke.send().await));
}

#[tokio::test(start_paused = true)]
async fn network_acl_entries_do_not_double() {
    let cloud = Cloud::in_memory();
    let (ec2, vpc) = (&cloud.ec2, cloud.vpc().await);
    let acl = cloud.acl(&vpc).await;
    let create = |number: i32| {
        let call = ec2.create_network_acl_entry().network_acl_id(&acl).rule_number(number);
        let call = call.protocol("-1").rule_action(RuleAction::Allow).egress(false);
        call.cidr_block("10.0.0.0/16").send()
    };
    let replace = ec2.replace_network_acl_entry().network_acl_id(&acl).rule_number(7);
    let replace = replace.protocol("-1").rule_action(RuleAction::Allow).egress(false);
    let delete = ec2.delete_network_acl_entry().network_acl_id(&acl).rule_number(7);
    let ports = ec2.create_network_acl_entry().network_acl_id(&acl).rule_number(8);
    let ports = ports.protocol("6").rule_action(RuleAction::Allow).egress(false);
    let mut rows = Rows::default();
    let r = &mut rows;
    r.row("an entry", "ok", code(create(100).await));
    r.row("same number", "NetworkAclEntryAlreadyExists", code(create(100).await));
    r.row("the last rule", "InvalidParameterValue", code(create(32767).await));
    r.row("TCP without ports", "MissingParameter", code(ports.cidr_block("10.0.0.0/16").send().await));
    r.row(
        "replace what is not there",
        "InvalidNetworkAclEntry.NotFound",
        code(replace.cidr_block("10.0.0.0/16").send().await),
    );
    r.row(
        "delete what is not there",
        "InvalidNetworkAclEntry.NotFound",
        code(delete.egress(false).send().await),
    );
}

#[tokio::test(start_paused = true)]
async fn flow_logs_and_endpoints_refuse_what_does_not_fit() {
    let cloud = Cloud::in_memory();
    let (ec2, vpc) = (&cloud.ec2, cloud.vpc().await);
    let log = |vpc: &str| {
        let call = ec2.create_flow_logs().resource_ids(vpc).traffic_type(TrafficType::All);
        call.resource_type(FlowLogsResourceType::Vpc).log_group_name("g")
    };
    let role = cloud.role("flow").await;
    let other_role = cloud.role_for("other", "ecs.amazonaws.com").await;
    let whole = |vpc: &str| log(vpc).deliver_logs_permission_arn(&role);
    let bucket = log(&vpc).set_log_group_name(None).log_destination_type(LogDestinationType::S3);
    let bucket = bucket.log_destination("arn:aws:s3:::flow-logs/vpc");
    let endpoint = |service: &str| ec2.create_vpc_endpoint().vpc_id(&vpc).service_name(service);
    let s3 = format!("com.amazonaws.{REGION}.s3");
    let table = cloud.table(&vpc).await;
    let elsewhere = cloud.table(&cloud.vpc_with("10.1.0.0/16").await).await;
    let mut rows = Rows::default();
    let r = &mut rows;
    r.row("no role", "InvalidParameter", code(log(&vpc).send().await));
    r.row("no VPC", "InvalidVpcID.NotFound", code(whole(&format!("vpc-{NO_ID}")).send().await));
    r.row("interval", "InvalidParameterValue", code(whole(&vpc).max_aggregation_interval(61).send().await));
    let with_role = |role: &str| log(&vpc).deliver_logs_permission_arn(role);
    r.row("no such role", "InvalidParameter", code(with_role(&format!("{role}s")).send().await));
    r.row("role of another service", "InvalidParameter", code(with_role(&other_role).send().await));
    let with_role = bucket.clone().deliver_logs_permission_arn(&role);
    r.row("role for a bucket", "InvalidParameter", code(with_role.send().await));
    let failed = bucket.clone().send().await.unwrap();
    assert_eq!((failed.flow_log_ids().len(), failed.unsuccessful().len()), (0, 1), "no such bucket");
    cloud.bucket("flow-logs").await;
    assert_eq!(bucket.send().await.unwrap().flow_log_ids().len(), 1, "a bucket");
    r.row("a flow log", "ok", code(whole(&vpc).send().await));
    r.row("same flow log", "FlowLogAlreadyExists", code(whole(&vpc).send().await));
    r.row(
        "service of another region",
        "InvalidServiceName",
        code(endpoint("com.amazonaws.us-east-1.s3").send().await),
    );
    r.row("broken policy", "MalformedPolicyDocument", code(endpoint(&s3).policy_document("{").send().await));
    r.row(
        "no table",
        "InvalidRouteTableID.NotFound",
        code(endpoint(&s3).route_table_ids(format!("rtb-{NO_ID}")).send().await),
    );
    r.row(
        "table of another VPC",
        "InvalidParameter",
        code(endpoint(&s3).route_table_ids(&elsewhere).send().await),
    );
    r.row(
        "a kind not modelled",
        "InvalidParameterValue",
        code(endpoint(&s3).vpc_endpoint_type(VpcEndpointType::GatewayLoadBalancer).send().await),
    );
    r.row("an endpoint", "ok", code(endpoint(&s3).route_table_ids(&table).send().await));
    r.row(
        "a second for the table",
        "RouteAlreadyExists",
        code(endpoint(&s3).route_table_ids(&table).send().await),
    );
}

#[tokio::test(start_paused = true)]
async fn names_that_are_taken_or_missing_are_refused() {
    let cloud = Cloud::in_memory();
    let Cloud { iam, logs, .. } = &cloud;
    cloud.role("r").await;
    logs.create_log_group().log_group_name("g").send().await.unwrap();
    let role =
        |name: &str, trust: &str| iam.create_role().role_name(name).assume_role_policy_document(trust).send();
    let retain = |name: &str, days: i32| {
        logs.put_retention_policy().log_group_name(name).retention_in_days(days).send()
    };
    let policy = || iam.get_role_policy().role_name("r").policy_name("p").send();
    let mut rows = Rows::default();
    let r = &mut rows;
    r.row("CreateRole again", "EntityAlreadyExists", code(role("r", TRUST).await));
    r.row("CreateRole in other case", "EntityAlreadyExists", code(role("R", TRUST).await));
    r.row("CreateRole without JSON", "MalformedPolicyDocument", code(role("s", "x").await));
    r.row("CreateRole with a bad name", "ValidationError", code(role("a b", TRUST).await));
    r.row("GetRole", "NoSuchEntity", code(iam.get_role().role_name("x").send().await));
    r.row("DeleteRole", "NoSuchEntity", code(iam.delete_role().role_name("x").send().await));
    r.row("GetRolePolicy", "NoSuchEntity", code(policy().await));
    r.row("ListRolePolicies", "NoSuchEntity", code(iam.list_role_policies().role_name("x").send().await));
    r.row(
        "CreateLogGroup again",
        "ResourceAlreadyExistsException",
        code(logs.create_log_group().log_group_name("g").send().await),
    );
    r.row("PutRetentionPolicy", "ResourceNotFoundException", code(retain("x", 7).await));
    r.row("retention", "InvalidParameterException", code(retain("g", 2556).await));
    r.row(
        "DeleteLogGroup",
        "ResourceNotFoundException",
        code(logs.delete_log_group().log_group_name("x").send().await),
    );
    let arn = format!("arn:aws:logs:{REGION}:123456789012:log-group:x");
    r.row(
        "ListTagsForResource",
        "ResourceNotFoundException",
        code(logs.list_tags_for_resource().resource_arn(arn).send().await),
    );
}

#[tokio::test(start_paused = true)]
async fn tags_that_aws_would_not_take_are_refused() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let ec2 = &cloud.ec2;
    let make = |kind: &str, tags: &[(&str, &str)]| {
        let call = ec2.create_vpc().cidr_block("10.0.0.0/16");
        call.tag_specifications(tagged(kind, tags)).send()
    };
    let many = (0..51).map(|n| tag(&format!("k{n}"), "v")).collect();
    let long = "x".repeat(257);
    let mut rows = Rows::default();
    let r = &mut rows;
    r.row("wrong kind", "InvalidParameterValue", code(make("subnet", &[("a", "b")]).await));
    r.row("same key", "InvalidParameterValue", code(make("vpc", &[("a", "b"), ("a", "c")]).await));
    r.row("reserved key", "InvalidParameterValue", code(make("vpc", &[("aws:x", "b")]).await));
    r.row("long value", "InvalidParameterValue", code(make("vpc", &[("a", &long)]).await));
    r.row(
        "51 tags",
        "TagLimitExceeded",
        code(ec2.create_tags().resources(&vpc).set_tags(Some(many)).send().await),
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_modelled_is_refused_by_name() {
    let cloud = Cloud::in_memory();
    let mut rows = Rows::default();
    let r = &mut rows;
    r.row(
        "operation of EC2",
        "InvalidAction",
        code(cloud.ec2.run_instances().min_count(1).max_count(1).send().await),
    );
    r.row(
        "operation of Logs",
        "UnknownOperationException",
        code(cloud.logs.describe_lookup_tables().send().await),
    );
    r.row(
        "parameter",
        "UnknownParameter",
        code(
            cloud
                .ec2
                .create_vpc()
                .cidr_block("10.0.0.0/16")
                .amazon_provided_ipv6_cidr_block(true)
                .send()
                .await,
        ),
    );
    r.row(
        "dry run",
        "DryRunOperation",
        code(cloud.ec2.create_vpc().cidr_block("10.0.0.0/16").dry_run(true).send().await),
    );
    let error = cloud.ec2.run_instances().min_count(1).max_count(1).send().await.unwrap_err();
    let message = format!("{:?}", error.into_service_error());
    assert!(message.contains("RunInstances"), "{message}");
    assert_eq!(cloud.left_behind().await, []);
}
