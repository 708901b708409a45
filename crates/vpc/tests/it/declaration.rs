//! What the tier declares. Where the reference has a unit test for its VPC stack, the name here says the same.

use std::collections::BTreeMap;

use engine::{Declaration, Graph};
use serde_json::{Value, json};
use vpc::{Args, FlowLogs, NatMode};

use crate::support::{ACCOUNT, REGION, declare, inputs_with, try_declare, with_endpoints};

fn of_kind<'a>(graph: &'a Graph, kind: &str) -> Vec<&'a Declaration> {
    graph.nodes().iter().filter(|node| node.kind == kind).collect()
}

fn count(graph: &Graph, kind: &str) -> usize {
    of_kind(graph, kind).len()
}

fn properties<'a>(graph: &'a Graph, address: &str) -> &'a Value {
    &graph.get(address).unwrap_or_else(|| panic!("{address} is not declared")).properties
}

fn tag(properties: &Value, key: &str) -> Option<String> {
    let tags = properties["Tags"].as_array()?;
    let tag = tags.iter().find(|tag| tag["Key"] == key)?;
    tag["Value"].as_str().map(str::to_owned)
}

fn reference(address: &str, attr: &str) -> Value {
    json!({ "$ref": address, "attr": attr })
}

/// Name tag, CIDR, zone and tier of the subnets of one group.
fn subnets(graph: &Graph, group: &str) -> Vec<[String; 4]> {
    let of_group = |node: &&Declaration| node.address.as_str().starts_with(&format!("vpc/{group}-subnet-"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    of_kind(graph, "AWS::EC2::Subnet")
        .into_iter()
        .filter(of_group)
        .map(|node| {
            let subnet = &node.properties;
            let (name, tier) = (tag(subnet, "Name").unwrap(), tag(subnet, "Tier").unwrap());
            [name, text(&subnet["CidrBlock"]), text(&subnet["AvailabilityZone"]), tier]
        })
        .collect()
}

fn plain() -> Args {
    let flow_logs = FlowLogs { enabled: false, ..FlowLogs::default() };
    Args { flow_logs, s3_endpoint: false, database_acl: false, ..Args::default() }
}

#[test]
fn vpc_creation() {
    let (graph, _) = declare(Args::default());
    let vpc = properties(&graph, "vpc/vpc");
    assert_eq!(vpc["CidrBlock"], "10.0.0.0/16");
    assert_eq!(vpc["EnableDnsSupport"], true);
    assert_eq!(vpc["EnableDnsHostnames"], true);
    assert_eq!(tag(vpc, "Name").unwrap(), "payment-vpc-dev");
}

#[test]
fn vpc_id_output() {
    let (_, outputs) = declare(Args::default());
    let outputs = serde_json::to_value(outputs).unwrap();
    assert_eq!(outputs["vpcId"], reference("vpc/vpc", "VpcId"));
}

#[test]
fn three_public_subnets_across_availability_zones() {
    let (graph, outputs) = declare(Args::default());
    let expected = [
        ["payment-public-subnet-1-dev", "10.0.0.0/24", "ap-southeast-1a", "Public"],
        ["payment-public-subnet-2-dev", "10.0.1.0/24", "ap-southeast-1b", "Public"],
        ["payment-public-subnet-3-dev", "10.0.2.0/24", "ap-southeast-1c", "Public"],
    ];
    assert_eq!(subnets(&graph, "public"), expected);
    assert_eq!(outputs.public_subnet_ids.len(), 3);
}

#[test]
fn three_private_subnets_across_availability_zones() {
    let (graph, outputs) = declare(Args::default());
    let expected = [
        ["payment-private-subnet-1-dev", "10.0.10.0/24", "ap-southeast-1a", "Private"],
        ["payment-private-subnet-2-dev", "10.0.11.0/24", "ap-southeast-1b", "Private"],
        ["payment-private-subnet-3-dev", "10.0.12.0/24", "ap-southeast-1c", "Private"],
    ];
    assert_eq!(subnets(&graph, "private"), expected);
    assert_eq!(outputs.private_subnet_ids.len(), 3);
}

#[test]
fn three_database_subnets_across_availability_zones() {
    let (graph, outputs) = declare(Args::default());
    let expected = [
        ["payment-database-subnet-1-dev", "10.0.20.0/24", "ap-southeast-1a", "Database"],
        ["payment-database-subnet-2-dev", "10.0.21.0/24", "ap-southeast-1b", "Database"],
        ["payment-database-subnet-3-dev", "10.0.22.0/24", "ap-southeast-1c", "Database"],
    ];
    assert_eq!(subnets(&graph, "database"), expected);
    assert_eq!(outputs.database_subnet_ids.len(), 3);
}

#[test]
fn private_subnet_cidrs_array() {
    let (_, outputs) = declare(Args::default());
    let outputs = serde_json::to_value(outputs).unwrap();
    assert_eq!(outputs["privateSubnetCidrs"], json!(["10.0.10.0/24", "10.0.11.0/24", "10.0.12.0/24"]));
    assert_eq!(outputs["databaseSubnetCidrs"], json!(["10.0.20.0/24", "10.0.21.0/24", "10.0.22.0/24"]));
}

#[test]
fn outputs_have_the_references_names() {
    let (_, outputs) = declare(Args::default());
    let outputs = serde_json::to_value(outputs).unwrap();
    let names: Vec<_> = outputs.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names,
        [
            "availabilityZones",
            "databaseSubnetCidrs",
            "databaseSubnetIds",
            "defaultSecurityGroupId",
            "endpointSecurityGroupId",
            "flowLogGroupName",
            "interfaceEndpointIds",
            "natGatewayIds",
            "natPublicIps",
            "privateRouteTableIds",
            "privateSubnetCidrs",
            "privateSubnetIds",
            "publicSubnetIds",
            "s3EndpointId",
            "vpcCidr",
            "vpcId",
        ]
    );
    assert_eq!(outputs["natPublicIps"][2], reference("vpc/nat-eip-c", "PublicIp"));
    assert_eq!(outputs["privateRouteTableIds"][0], reference("vpc/private-rt-a", "RouteTableId"));
}

#[test]
fn the_plain_tier_is_the_references_38_resources_and_the_stripped_default_group() {
    let (graph, _) = declare(plain());
    let counts = [
        ("AWS::EC2::VPC", 1),
        ("AWS::EC2::InternetGateway", 1),
        ("AWS::EC2::VPCGatewayAttachment", 1),
        ("AWS::EC2::Subnet", 9),
        ("AWS::EC2::EIP", 3),
        ("AWS::EC2::NatGateway", 3),
        ("AWS::EC2::RouteTable", 7),
        ("AWS::EC2::Route", 4),
        ("AWS::EC2::SubnetRouteTableAssociation", 9),
        ("Custom::DefaultSecurityGroup", 1),
    ];
    for (kind, expected) in counts {
        assert_eq!(count(&graph, kind), expected, "{kind}");
    }
    assert_eq!(graph.nodes().len(), 39);
}

#[test]
fn by_default_there_is_a_flow_log_an_s3_endpoint_and_a_database_acl() {
    let (graph, _) = declare(Args::default());
    let counts = [
        ("AWS::EC2::FlowLog", 1),
        ("AWS::Logs::LogGroup", 1),
        ("AWS::IAM::Role", 1),
        ("AWS::EC2::VPCEndpoint", 1),
        ("AWS::EC2::NetworkAcl", 1),
        ("AWS::EC2::NetworkAclEntry", 12),
        ("AWS::EC2::SubnetNetworkAclAssociation", 3),
    ];
    for (kind, expected) in counts {
        assert_eq!(count(&graph, kind), expected, "{kind}");
    }
    assert_eq!(graph.nodes().len(), 59);
}

#[test]
fn everything_is_named_as_in_the_reference() {
    let args = Args { environment: "pr1234".to_owned(), ..Args::default() };
    let (graph, _) = declare(args);
    for (address, name) in [
        ("vpc/vpc", "payment-vpc-pr1234"),
        ("vpc/igw", "payment-igw-pr1234"),
        ("vpc/public-subnet-a", "payment-public-subnet-1-pr1234"),
        ("vpc/nat-eip-a", "payment-nat-eip-1-pr1234"),
        ("vpc/nat-c", "payment-nat-3-pr1234"),
        ("vpc/public-rt", "payment-public-rt-pr1234"),
        ("vpc/private-rt-a", "payment-private-rt-1-pr1234"),
        ("vpc/db-rt-b", "payment-db-rt-2-pr1234"),
    ] {
        assert_eq!(tag(properties(&graph, address), "Name").unwrap(), name);
    }
}

#[test]
fn the_given_tags_are_on_everything_that_can_have_tags() {
    let tags = [("Environment", "dev"), ("Repository", "payments"), ("Author", "team")];
    let tags: BTreeMap<_, _> = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let (graph, _) = declare(Args { tags: tags.clone(), ..Args::default() });
    let untaggable = ["Route", "NetworkAclEntry", "Attachment", "Association"];
    for node in graph.nodes().iter().filter(|node| !untaggable.iter().any(|end| node.kind.ends_with(end))) {
        for (key, value) in &tags {
            assert_eq!(tag(&node.properties, key).as_ref(), Some(value), "{} of {}", key, node.address);
        }
        assert!(tag(&node.properties, "Name").is_some(), "{} has no name", node.address);
    }
}

#[test]
fn public_addresses_on_launch_are_off_and_can_be_turned_on_for_public_subnets_only() {
    let on = |args: Args| {
        let (graph, _) = declare(args);
        let subnets = of_kind(&graph, "AWS::EC2::Subnet");
        let on = subnets.iter().filter(|node| node.properties["MapPublicIpOnLaunch"] == true);
        on.map(|node| node.address.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(on(Args::default()), [""; 0]);
    let expected = ["vpc/public-subnet-a", "vpc/public-subnet-b", "vpc/public-subnet-c"];
    assert_eq!(on(Args { map_public_ip_on_launch: true, ..Args::default() }), expected);
}

#[test]
fn database_route_tables_have_no_route_and_no_endpoint() {
    let (graph, _) = declare(Args::default());
    for node in of_kind(&graph, "AWS::EC2::Route") {
        let table = node.properties["RouteTableId"]["$ref"].as_str().unwrap();
        assert!(!table.starts_with("vpc/db-"), "{} is in {table}", node.address);
    }
    assert!(!properties(&graph, "vpc/s3-endpoint")["RouteTableIds"].to_string().contains("db-rt"));
}

#[test]
fn nothing_of_the_databases_waits_for_a_nat_gateway_or_the_internet() {
    let (graph, _) = declare(Args::default());
    for node in graph.nodes() {
        let address = node.address.as_str();
        if address.starts_with("vpc/database-") || address.starts_with("vpc/db-") {
            for far in ["vpc/nat-a", "vpc/nat-eip-a", "vpc/igw", "vpc/igw-attachment"] {
                assert!(!graph.reaches(address, far), "{address} waits for {far}");
            }
        }
    }
}

#[test]
fn what_needs_the_internet_comes_after_the_gateway_is_attached() {
    let (graph, _) = declare(Args::default());
    for zone in ["a", "b", "c"] {
        for needs in [format!("vpc/nat-{zone}"), format!("vpc/public-subnet-{zone}")] {
            assert!(graph.reaches(&needs, "vpc/igw-attachment"), "{needs}");
        }
    }
    assert!(graph.reaches("vpc/public-route", "vpc/igw-attachment"));
    assert_eq!(
        properties(&graph, "vpc/public-route")["GatewayId"],
        reference("vpc/igw-attachment", "InternetGatewayId")
    );
}

#[test]
fn each_zone_leaves_through_its_own_nat_gateway() {
    let (graph, outputs) = declare(Args::default());
    for zone in ["a", "b", "c"] {
        let nat = properties(&graph, &format!("vpc/nat-{zone}"));
        assert_eq!(nat["SubnetId"], reference(&format!("vpc/public-subnet-{zone}"), "SubnetId"));
        assert_eq!(nat["AllocationId"], reference(&format!("vpc/nat-eip-{zone}"), "AllocationId"));
        let route = properties(&graph, &format!("vpc/private-route-{zone}"));
        assert_eq!(route["DestinationCidrBlock"], "0.0.0.0/0");
        assert_eq!(route["NatGatewayId"], reference(&format!("vpc/nat-{zone}"), "NatGatewayId"));
        assert!(route.get("GatewayId").is_none());
    }
    assert_eq!(outputs.nat_public_ips.len(), 3);
}

#[test]
fn with_a_single_nat_gateway_all_zones_leave_through_the_first() {
    let (graph, outputs) = declare(Args { nat: NatMode::Single, ..Args::default() });
    assert_eq!(count(&graph, "AWS::EC2::NatGateway"), 1);
    assert_eq!(count(&graph, "AWS::EC2::EIP"), 1);
    for zone in ["a", "b", "c"] {
        let route = properties(&graph, &format!("vpc/private-route-{zone}"));
        assert_eq!(route["NatGatewayId"], reference("vpc/nat-a", "NatGatewayId"));
    }
    assert_eq!(outputs.nat_gateway_ids.len(), 1);
}

#[test]
fn without_nat_private_subnets_have_a_table_and_no_way_out() {
    let (graph, outputs) = declare(Args { nat: NatMode::None, ..Args::default() });
    assert_eq!(count(&graph, "AWS::EC2::NatGateway"), 0);
    assert_eq!(count(&graph, "AWS::EC2::EIP"), 0);
    assert_eq!(count(&graph, "AWS::EC2::Route"), 1);
    assert_eq!(count(&graph, "AWS::EC2::RouteTable"), 7);
    assert!(outputs.nat_public_ips.is_empty());
}

#[test]
fn two_to_six_zones_work_and_keep_the_addresses_of_the_first_ones() {
    let (three, _) = declare(Args::default());
    for zones in 2..=6 {
        let (graph, outputs) = declare(Args { zone_count: Some(zones), ..Args::default() });
        assert_eq!(count(&graph, "AWS::EC2::Subnet"), 3 * zones);
        assert_eq!(count(&graph, "AWS::EC2::RouteTable"), 1 + 2 * zones);
        assert_eq!(count(&graph, "AWS::EC2::NatGateway"), zones);
        assert_eq!(count(&graph, "AWS::EC2::NetworkAclEntry"), 4 * zones);
        assert_eq!(outputs.availability_zones.len(), zones);
        for group in ["public", "private", "database"] {
            let (these, those) = (subnets(&graph, group), subnets(&three, group));
            let common = these.len().min(those.len());
            assert_eq!(these[..common], those[..common]);
        }
    }
}

#[test]
fn zones_can_be_named_and_their_order_means_nothing() {
    let named = |letters: &str| {
        let zones = letters.chars().map(|letter| format!("{REGION}{letter}")).collect();
        declare(Args { availability_zones: Some(zones), ..with_endpoints() })
    };
    let (graph, outputs) = named("ca");
    let live: Vec<_> =
        subnets(&graph, "public").into_iter().map(|[name, block, zone, _]| [name, block, zone]).collect();
    assert_eq!(
        live,
        [
            ["payment-public-subnet-1-dev", "10.0.0.0/24", "ap-southeast-1a"],
            ["payment-public-subnet-3-dev", "10.0.2.0/24", "ap-southeast-1c"],
        ]
    );
    let (other, others) = named("ac");
    assert_eq!(others, outputs);
    let data = |graph: &Graph| {
        let nodes = graph.nodes().iter();
        nodes.map(|node| (node.address.clone(), node.properties.clone())).collect::<Vec<_>>()
    };
    assert_eq!(data(&other), data(&graph));
    // And what a zone has is the same beside any other one.
    let of_c = |graph: &Graph| {
        data(graph).into_iter().filter(|(address, _)| address.as_str().ends_with("-c")).collect::<Vec<_>>()
    };
    assert_eq!(of_c(&named("cf").0), of_c(&graph));
    assert!(of_c(&graph).len() > 10);
}

#[test]
fn given_blocks_go_to_the_zones_in_the_order_in_which_these_are_named() {
    let given = |letters: &str, blocks: [&str; 2]| {
        let zones = letters.chars().map(|letter| format!("{REGION}{letter}")).collect();
        let blocks = blocks.map(|block| block.parse().unwrap()).to_vec();
        let args =
            Args { availability_zones: Some(zones), private_subnet_cidrs: Some(blocks), ..Args::default() };
        subnets(&declare(args).0, "private")
    };
    let live = given("ca", ["10.0.104.0/22", "10.0.100.0/22"]);
    assert_eq!(live, given("ac", ["10.0.100.0/22", "10.0.104.0/22"]));
    assert_eq!([&live[0][1], &live[0][2]], ["10.0.100.0/22", "ap-southeast-1a"]);
}

#[test]
fn smaller_blocks_are_carved_so_that_everything_fits() {
    for (cidr, first) in [
        ("10.1.0.0/18", ["10.1.0.0/24", "10.1.10.0/24", "10.1.20.0/24"]),
        ("10.1.0.0/20", ["10.1.0.0/25", "10.1.5.0/25", "10.1.10.0/25"]),
        ("10.1.0.0/23", ["10.1.0.0/28", "10.1.0.160/28", "10.1.1.64/28"]),
        ("10.1.0.0/24", ["10.1.0.0/28", "10.1.0.80/28", "10.1.0.160/28"]),
    ] {
        let (graph, _) = declare(Args { cidr: cidr.parse().unwrap(), ..Args::default() });
        let blocks = ["public", "private", "database"].map(|group| subnets(&graph, group)[0][1].clone());
        assert_eq!(blocks, first, "{cidr}");
    }
}

#[test]
fn given_subnets_are_taken_as_they_are() {
    let blocks = ["10.0.100.0/22", "10.0.104.0/22", "10.0.108.0/22"];
    let given = blocks.map(|block| block.parse().unwrap()).to_vec();
    let (graph, _) = declare(Args { private_subnet_cidrs: Some(given), ..Args::default() });
    let live: Vec<_> = subnets(&graph, "private").into_iter().map(|[_, block, _, _]| block).collect();
    assert_eq!(live, blocks);
    assert_eq!(subnets(&graph, "database")[0][1], "10.0.20.0/24");
}

#[test]
fn the_database_acl_lets_postgresql_in_from_private_subnets_and_answers_out() {
    let (graph, _) = declare(Args::default());
    let entry = |address: &str| properties(&graph, address).clone();
    assert_eq!(
        entry("vpc/db-acl-in-b"),
        json!({
            "NetworkAclId": { "$ref": "vpc/db-acl", "attr": "Id" },
            "RuleNumber": 110,
            "Egress": false,
            "Protocol": 6,
            "RuleAction": "allow",
            "CidrBlock": "10.0.11.0/24",
            "PortRange": { "From": 5432, "To": 5432 },
        })
    );
    let out = entry("vpc/db-acl-out-b");
    assert_eq!(out["Egress"], true);
    assert_eq!(out["CidrBlock"], "10.0.11.0/24");
    assert_eq!(out["PortRange"], json!({ "From": 1024, "To": 65535 }));
    // Among themselves, the database subnets may talk.
    for (name, egress) in [("in", false), ("out", true)] {
        let inner = entry(&format!("vpc/db-acl-inner-{name}-c"));
        assert_eq!((&inner["Egress"], &inner["RuleNumber"]), (&json!(egress), &json!(220)));
        assert_eq!(inner["CidrBlock"], "10.0.22.0/24");
        assert_eq!(inner["PortRange"], json!({ "From": 1024, "To": 65535 }));
    }
    for zone in ["a", "b", "c"] {
        let association = entry(&format!("vpc/db-acl-association-{zone}"));
        assert_eq!(association["SubnetId"], reference(&format!("vpc/database-subnet-{zone}"), "SubnetId"));
    }
}

#[test]
fn the_flow_log_records_all_traffic_for_seven_years_with_a_role_that_can_do_nothing_else() {
    let (graph, _) = declare(Args::default());
    let flow_log = properties(&graph, "vpc/flow-log");
    assert_eq!(flow_log["TrafficType"], "ALL");
    assert_eq!(flow_log["MaxAggregationInterval"], 60);
    assert_eq!(flow_log["DeliverLogsPermissionArn"], reference("vpc/flow-log-role", "Arn"));

    let group = properties(&graph, "vpc/flow-log-group");
    assert_eq!(group["LogGroupName"], "/aws/vpc/payment-flow-logs-dev");
    assert_eq!(group["RetentionInDays"], 2557);

    let role = properties(&graph, "vpc/flow-log-role");
    let trust = &role["AssumeRolePolicyDocument"]["Statement"][0];
    assert_eq!(trust["Principal"], json!({ "Service": "vpc-flow-logs.amazonaws.com" }));
    assert_eq!(trust["Condition"]["StringEquals"]["aws:SourceAccount"], json!([ACCOUNT]));
    assert_eq!(
        trust["Condition"]["ArnLike"]["aws:SourceArn"],
        json!([format!("arn:aws:ec2:{REGION}:{ACCOUNT}:vpc-flow-log/*")])
    );
    let write = &role["Policies"][0]["PolicyDocument"]["Statement"][0];
    assert_eq!(write["Resource"], json!([{ "$join": [reference("vpc/flow-log-group", "Arn")] }]));
    assert!(!write["Action"].to_string().contains('*'));
}

#[test]
fn the_s3_endpoint_lets_our_account_and_image_layers_through() {
    let (graph, _) = declare(Args::default());
    let endpoint = properties(&graph, "vpc/s3-endpoint");
    assert_eq!(endpoint["ServiceName"], "com.amazonaws.ap-southeast-1.s3");
    assert_eq!(endpoint["RouteTableIds"].as_array().unwrap().len(), 3);
    let statements = &endpoint["PolicyDocument"]["Statement"];
    assert_eq!(statements[0]["Condition"]["StringEquals"]["aws:PrincipalAccount"], json!([ACCOUNT]));
    assert_eq!(
        statements[1]["Resource"],
        json!(["arn:aws:s3:::prod-ap-southeast-1-starport-layer-bucket/*"])
    );
}

#[test]
fn interface_endpoints_are_in_every_private_subnet_under_the_services_own_names() {
    let (graph, outputs) = declare(with_endpoints());
    assert_eq!(count(&graph, "AWS::EC2::VPCEndpoint"), 8);
    let subnets = ["a", "b", "c"].map(|zone| reference(&format!("vpc/private-subnet-{zone}"), "SubnetId"));
    for service in ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "kms", "xray", "monitoring"] {
        let name = format!("{}-endpoint", service.replace('.', "-"));
        assert_eq!(
            properties(&graph, &format!("vpc/{name}")),
            &json!({
                "VpcId": reference("vpc/vpc", "VpcId"),
                "ServiceName": format!("com.amazonaws.ap-southeast-1.{service}"),
                "VpcEndpointType": "Interface",
                "SubnetIds": subnets,
                "SecurityGroupIds": [reference("vpc/endpoint-security-group", "GroupId")],
                "PrivateDnsEnabled": true,
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{
                        "Sid": "OurAccount",
                        "Effect": "Allow",
                        "Principal": "*",
                        "Action": ["*"],
                        "Resource": ["*"],
                        "Condition": { "StringEquals": { "aws:PrincipalAccount": [ACCOUNT] } },
                    }],
                },
                "Tags": [{ "Key": "Name", "Value": format!("payment-{name}-dev") }],
            })
        );
    }
    assert_eq!(outputs.interface_endpoint_ids.len(), 7);
    let outputs = serde_json::to_value(outputs).unwrap();
    assert_eq!(outputs["interfaceEndpointIds"][0], reference("vpc/ecr-api-endpoint", "Id"));
    assert_eq!(outputs["endpointSecurityGroupId"], reference("vpc/endpoint-security-group", "GroupId"));
}

#[test]
fn interface_endpoints_let_https_in_from_the_private_subnets_only() {
    let (graph, _) = declare(with_endpoints());
    let group = properties(&graph, "vpc/endpoint-security-group");
    assert_eq!(group["GroupName"], "payment-endpoint-sg-dev");
    assert_eq!(group["SecurityGroupEgress"], json!([]));
    let rules = of_kind(&graph, "AWS::EC2::SecurityGroupIngress");
    let from = |rule: &&Declaration| {
        let rule = &rule.properties;
        assert_eq!(rule["GroupId"], reference("vpc/endpoint-security-group", "GroupId"));
        assert_eq!(
            (&rule["IpProtocol"], &rule["FromPort"], &rule["ToPort"]),
            (&json!("tcp"), &json!(443), &json!(443))
        );
        rule["CidrIp"].as_str().unwrap().to_owned()
    };
    let sources: Vec<_> = rules.iter().map(from).collect();
    assert_eq!(sources, ["10.0.10.0/24", "10.0.11.0/24", "10.0.12.0/24"]);
    assert_eq!(count(&graph, "AWS::EC2::SecurityGroupEgress"), 0);
}

#[test]
fn without_interface_endpoints_there_is_no_group_for_them() {
    let (graph, outputs) = declare(Args::default());
    assert_eq!(count(&graph, "AWS::EC2::SecurityGroup"), 0);
    assert_eq!((outputs.interface_endpoint_ids, outputs.endpoint_security_group_id), (Vec::new(), None));
}

#[test]
fn in_china_some_endpoints_are_called_otherwise() {
    let place = aws::Place {
        region: "cn-north-1".to_owned(),
        account_id: ACCOUNT.to_owned(),
        partition: "aws-cn".to_owned(),
    };
    let zones = ["a", "b", "c"].map(|zone| format!("cn-north-1{zone}")).to_vec();
    let inputs = vpc::Inputs { place, availability_zones: zones, recorded: vpc::Recorded::default() };
    let (graph, _) = try_declare(with_endpoints(), &inputs).unwrap();
    let names: Vec<_> = of_kind(&graph, "AWS::EC2::VPCEndpoint")
        .into_iter()
        .map(|node| node.properties["ServiceName"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        names,
        [
            "com.amazonaws.cn-north-1.s3",
            "cn.com.amazonaws.cn-north-1.ecr.api",
            "cn.com.amazonaws.cn-north-1.ecr.dkr",
            "com.amazonaws.cn-north-1.logs",
            "com.amazonaws.cn-north-1.secretsmanager",
            "com.amazonaws.cn-north-1.kms",
            "cn.com.amazonaws.cn-north-1.xray",
            "cn.com.amazonaws.cn-north-1.monitoring",
        ]
    );
}

#[test]
fn another_partition_is_in_every_arn() {
    let place = aws::Place { partition: "aws-cn".to_owned(), ..testing::place() };
    let inputs = vpc::Inputs { place, ..inputs_with(3) };
    let (graph, _) = try_declare(Args::default(), &inputs).unwrap();
    for node in graph.nodes() {
        assert!(!node.properties.to_string().contains("arn:aws:"), "{}", node.address);
    }
}

#[test]
fn every_declared_kind_is_registered() {
    use engine::Provider;

    let emulator = emulator::Emulator::in_memory();
    let mut registry = aws::Registry::new(testing::context(&emulator));
    aws::kinds(&mut registry);
    vpc::kinds(&mut registry);
    for node in declare(with_endpoints()).0.nodes() {
        assert!(registry.kind(&node.kind).is_some(), "{}", node.kind);
    }
}
