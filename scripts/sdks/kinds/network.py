"""EC2: the network."""

from ..steps import REGION, Kind, call, pages, pairs, tagged, until, wait


def by(name, value):
    return [{"Name": name, "Values": [value]}]


def ec2_tags(what, show, member, answer):
    return tagged(("ec2.CreateTags", {"Resources": [what], "Tags": pairs()}),
                  (f"ec2.{show}", {member: [what]}),
                  ("ec2.DeleteTags", {"Resources": [what], "Tags": [{"Key": "Author"}]}), f"{answer}[0].Tags")


HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "in"}]}

KINDS = [
    Kind(
        "AWS::EC2::VPC",
        make=[
            call("ec2.CreateVpc", CidrBlock="10.0.0.0/16", save={"vpc": "Vpc.VpcId"},
                 TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "check"}]}],
                 expect={"Vpc.CidrBlock": "10.0.0.0/16", "Vpc.Tags[Key=Name].Value": "check"}),
            wait("ec2.VpcExists", VpcIds=["{vpc}"]),
            wait("ec2.VpcAvailable", VpcIds=["{vpc}"]),
            call("ec2.ModifyVpcAttribute", VpcId="{vpc}", EnableDnsHostnames={"Value": True}),
            call("ec2.DescribeVpcAttribute", VpcId="{vpc}", Attribute="enableDnsHostnames",
                 expect={"EnableDnsHostnames.Value": True}),
            pages("ec2.DescribeVpcs", size=5, expect={"Vpcs[VpcId={vpc}].IsDefault": False}),
        ],
        tag=ec2_tags("{vpc}", "DescribeVpcs", "VpcIds", "Vpcs"),
        remove=[
            call("ec2.DeleteVpc", VpcId="{vpc}"),
            call("ec2.DescribeVpcs", VpcIds=["{vpc}"], refused="InvalidVpcID.NotFound"),
        ],
    ),
    Kind(
        "AWS::EC2::InternetGateway",
        make=[
            call("ec2.CreateInternetGateway", save={"igw": "InternetGateway.InternetGatewayId"}),
            wait("ec2.InternetGatewayExists", InternetGatewayIds=["{igw}"]),
            pages("ec2.DescribeInternetGateways", size=5,
                  expect={"InternetGateways[InternetGatewayId={igw}].OwnerId": "123456789012"}),
        ],
        tag=ec2_tags("{igw}", "DescribeInternetGateways", "InternetGatewayIds", "InternetGateways"),
        remove=[
            call("ec2.DeleteInternetGateway", InternetGatewayId="{igw}"),
            call("ec2.DescribeInternetGateways", InternetGatewayIds=["{igw}"], refused="InvalidInternetGatewayID.NotFound"),
        ],
    ),
    Kind(
        "AWS::EC2::VPCGatewayAttachment",
        make=[
            call("ec2.AttachInternetGateway", InternetGatewayId="{igw}", VpcId="{vpc}"),
            call("ec2.DescribeInternetGateways", Filters=by("attachment.vpc-id", "{vpc}"),
                 expect={"InternetGateways[0].Attachments[0].State": "available"}),
        ],
        remove=[
            call("ec2.DeleteInternetGateway", InternetGatewayId="{igw}", refused="DependencyViolation"),
            call("ec2.DetachInternetGateway", InternetGatewayId="{igw}", VpcId="{vpc}"),
            call("ec2.DescribeInternetGateways", InternetGatewayIds=["{igw}"],
                 expect={"InternetGateways[0].Attachments[0]": None}),
        ],
    ),
    Kind(
        "AWS::EC2::Subnet",
        make=[
            call("ec2.CreateSubnet", VpcId="{vpc}", CidrBlock="10.0.1.0/24", AvailabilityZone=f"{REGION}a",
                 save={"subnet": "Subnet.SubnetId"}, expect={"Subnet.AvailabilityZone": f"{REGION}a"}),
            call("ec2.CreateSubnet", VpcId="{vpc}", CidrBlock="10.0.2.0/24", AvailabilityZone=f"{REGION}b",
                 save={"other_subnet": "Subnet.SubnetId"}),
            wait("ec2.SubnetAvailable", SubnetIds=["{subnet}", "{other_subnet}"]),
            call("ec2.ModifySubnetAttribute", SubnetId="{subnet}", MapPublicIpOnLaunch={"Value": True}),
            pages("ec2.DescribeSubnets", size=5, Filters=by("vpc-id", "{vpc}"),
                  expect={"Subnets[SubnetId={subnet}].MapPublicIpOnLaunch": True,
                          "Subnets[SubnetId={subnet}].AvailableIpAddressCount": 251,
                          "Subnets[SubnetId={other_subnet}].MapPublicIpOnLaunch": False}),
        ],
        tag=ec2_tags("{subnet}", "DescribeSubnets", "SubnetIds", "Subnets"),
        remove=[
            call("ec2.DeleteVpc", VpcId="{vpc}", refused="DependencyViolation"),
            call("ec2.DeleteSubnet", SubnetId="{subnet}"),
            call("ec2.DeleteSubnet", SubnetId="{other_subnet}"),
            call("ec2.DescribeSubnets", SubnetIds=["{subnet}"], refused="InvalidSubnetID.NotFound"),
        ],
    ),
    Kind(
        "AWS::EC2::RouteTable",
        make=[
            call("ec2.CreateRouteTable", VpcId="{vpc}", ClientToken="check", save={"table": "RouteTable.RouteTableId"}),
            call("ec2.CreateRouteTable", VpcId="{vpc}", ClientToken="check", expect={"RouteTable.RouteTableId": "{table}"}),
            pages("ec2.DescribeRouteTables", size=5, Filters=by("route-table-id", "{table}"),
                  expect={"RouteTables[0].Routes[0].GatewayId": "local"}),
        ],
        tag=ec2_tags("{table}", "DescribeRouteTables", "RouteTableIds", "RouteTables"),
        remove=[
            call("ec2.DeleteRouteTable", RouteTableId="{table}"),
            call("ec2.DescribeRouteTables", RouteTableIds=["{table}"], refused="InvalidRouteTableID.NotFound"),
        ],
    ),
    Kind(
        "AWS::EC2::Route",
        make=[
            call("ec2.CreateRoute", RouteTableId="{table}", DestinationCidrBlock="0.0.0.0/0", GatewayId="{igw}",
                 expect={"Return": True}),
            call("ec2.DescribeRouteTables", RouteTableIds=["{table}"],
                 expect={"RouteTables[0].Routes[DestinationCidrBlock=0.0.0.0/0].State": "active"}),
        ],
        remove=[
            call("ec2.DeleteRoute", RouteTableId="{table}", DestinationCidrBlock="0.0.0.0/0"),
            call("ec2.DeleteRoute", RouteTableId="{table}", DestinationCidrBlock="0.0.0.0/0", refused="InvalidRoute.NotFound"),
        ],
    ),
    Kind(
        "AWS::EC2::SubnetRouteTableAssociation",
        make=[
            call("ec2.AssociateRouteTable", RouteTableId="{table}", SubnetId="{subnet}",
                 save={"association": "AssociationId"}, expect={"AssociationState.State": "associated"}),
            call("ec2.AssociateRouteTable", RouteTableId="{table}", SubnetId="{other_subnet}",
                 save={"other_association": "AssociationId"}),
            call("ec2.DescribeRouteTables", Filters=by("association.subnet-id", "{subnet}"),
                 expect={"RouteTables[0].RouteTableId": "{table}"}),
        ],
        remove=[
            call("ec2.DisassociateRouteTable", AssociationId="{association}"),
            call("ec2.DisassociateRouteTable", AssociationId="{other_association}"),
            call("ec2.DisassociateRouteTable", AssociationId="{association}", refused="InvalidAssociationID.NotFound"),
        ],
    ),
    Kind(
        "AWS::EC2::NetworkAcl",
        make=[
            call("ec2.CreateNetworkAcl", VpcId="{vpc}", save={"acl": "NetworkAcl.NetworkAclId"},
                 expect={"NetworkAcl.IsDefault": False}),
            pages("ec2.DescribeNetworkAcls", size=5, expect={"NetworkAcls[NetworkAclId={acl}].VpcId": "{vpc}"}),
        ],
        tag=ec2_tags("{acl}", "DescribeNetworkAcls", "NetworkAclIds", "NetworkAcls"),
        remove=[
            call("ec2.DeleteNetworkAcl", NetworkAclId="{acl}"),
            call("ec2.DescribeNetworkAcls", NetworkAclIds=["{acl}"], refused="InvalidNetworkAclID.NotFound"),
        ],
    ),
    Kind(
        "AWS::EC2::NetworkAclEntry",
        make=[
            call("ec2.CreateNetworkAclEntry", NetworkAclId="{acl}", RuleNumber=100, Protocol="6", RuleAction="allow",
                 Egress=False, CidrBlock="10.0.0.0/16", PortRange={"From": 5432, "To": 5432}),
            call("ec2.DescribeNetworkAcls", NetworkAclIds=["{acl}"],
                 expect={"NetworkAcls[0].Entries[RuleNumber=100].PortRange.From": 5432,
                         "NetworkAcls[0].Entries[RuleNumber=100].Egress": False}),
        ],
        remove=[
            call("ec2.DeleteNetworkAclEntry", NetworkAclId="{acl}", RuleNumber=100, Egress=False),
            call("ec2.DescribeNetworkAcls", NetworkAclIds=["{acl}"],
                 expect={"NetworkAcls[0].Entries[RuleNumber=100]": None}),
        ],
    ),
    Kind(
        "AWS::EC2::SubnetNetworkAclAssociation",
        make=[
            call("ec2.DescribeNetworkAcls", Filters=by("association.subnet-id", "{other_subnet}"),
                 save={"old_acl": "NetworkAcls[0].NetworkAclId",
                       "acl_association": "NetworkAcls[0].Associations[SubnetId={other_subnet}].NetworkAclAssociationId"}),
            call("ec2.ReplaceNetworkAclAssociation", AssociationId="{acl_association}", NetworkAclId="{acl}",
                 save={"acl_association": "NewAssociationId"}),
            call("ec2.DescribeNetworkAcls", NetworkAclIds=["{acl}"],
                 expect={"NetworkAcls[0].Associations[0].SubnetId": "{other_subnet}"}),
        ],
        remove=[
            call("ec2.DeleteNetworkAcl", NetworkAclId="{acl}", refused="DependencyViolation"),
            call("ec2.ReplaceNetworkAclAssociation", AssociationId="{acl_association}", NetworkAclId="{old_acl}"),
            call("ec2.DescribeNetworkAcls", NetworkAclIds=["{acl}"], expect={"NetworkAcls[0].Associations[0]": None}),
        ],
    ),
    Kind(
        "AWS::EC2::SecurityGroup",
        make=[
            call("ec2.CreateSecurityGroup", GroupName="check", Description="for a check", VpcId="{vpc}",
                 save={"group": "GroupId"}),
            wait("ec2.SecurityGroupExists", GroupIds=["{group}"]),
            call("ec2.AuthorizeSecurityGroupIngress", GroupId="{group}", IpPermissions=[HTTPS],
                 expect={"SecurityGroupRules[0].CidrIpv4": "10.0.0.0/8", "SecurityGroupRules[0].IsEgress": False}),
            call("ec2.AuthorizeSecurityGroupIngress", GroupId="{group}", IpPermissions=[HTTPS],
                 refused="InvalidPermission.Duplicate"),
            pages("ec2.DescribeSecurityGroups", size=5, Filters=by("vpc-id", "{vpc}"),
                  expect={"SecurityGroups[GroupId={group}].IpPermissions[0].IpRanges[0].Description": "in"}),
            pages("ec2.DescribeSecurityGroupRules", size=5, Filters=by("group-id", "{group}"),
                  expect={"SecurityGroupRules[FromPort=443].IpProtocol": "tcp",
                          "SecurityGroupRules[IsEgress=True].CidrIpv4": "0.0.0.0/0"}),
        ],
        tag=ec2_tags("{group}", "DescribeSecurityGroups", "GroupIds", "SecurityGroups"),
        remove=[
            call("ec2.RevokeSecurityGroupIngress", GroupId="{group}", IpPermissions=[HTTPS], expect={"Return": True}),
            call("ec2.DeleteSecurityGroup", GroupId="{group}"),
            call("ec2.DescribeSecurityGroups", GroupIds=["{group}"], refused="InvalidGroup.NotFound"),
        ],
    ),
    Kind(
        "Custom::DefaultSecurityGroup",
        make=[
            call("ec2.DescribeSecurityGroups",
                 Filters=[*by("vpc-id", "{vpc}"), *by("group-name", "default")],
                 save={"default_group": "SecurityGroups[0].GroupId"},
                 expect={"SecurityGroups[0].IpPermissionsEgress[0].IpProtocol": "-1"}),
            call("ec2.RevokeSecurityGroupEgress", GroupId="{default_group}",
                 IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]),
            call("ec2.DescribeSecurityGroups", GroupIds=["{default_group}"],
                 expect={"SecurityGroups[0].IpPermissionsEgress[0]": None}),
        ],
        remove=[call("ec2.DeleteSecurityGroup", GroupId="{default_group}", refused="CannotDelete")],
    ),
    Kind(
        "AWS::EC2::EIP",
        make=[
            call("ec2.AllocateAddress", Domain="vpc", save={"address": "AllocationId", "ip": "PublicIp"}),
            call("ec2.DescribeAddresses", AllocationIds=["{address}"], expect={"Addresses[0].PublicIp": "{ip}"}),
        ],
        tag=ec2_tags("{address}", "DescribeAddresses", "AllocationIds", "Addresses"),
        remove=[
            call("ec2.ReleaseAddress", AllocationId="{address}"),
            call("ec2.DescribeAddresses", AllocationIds=["{address}"], refused="InvalidAllocationID.NotFound"),
        ],
    ),
    Kind(
        "AWS::EC2::NatGateway",
        make=[
            call("ec2.CreateNatGateway", SubnetId="{subnet}", AllocationId="{address}", ClientToken="check",
                 save={"nat": "NatGateway.NatGatewayId"}, expect={"NatGateway.State": "pending"}),
            wait("ec2.NatGatewayAvailable", NatGatewayIds=["{nat}"]),
            pages("ec2.DescribeNatGateways", size=5, Filter=by("vpc-id", "{vpc}"),
                  expect={"NatGateways[0].NatGatewayAddresses[0].PublicIp": "{ip}"}),
        ],
        tag=ec2_tags("{nat}", "DescribeNatGateways", "NatGatewayIds", "NatGateways"),
        remove=[
            call("ec2.ReleaseAddress", AllocationId="{address}", refused="InvalidIPAddress.InUse"),
            call("ec2.DeleteNatGateway", NatGatewayId="{nat}", expect={"NatGatewayId": "{nat}"}),
            wait("ec2.NatGatewayDeleted", NatGatewayIds=["{nat}"]),
        ],
    ),
    Kind(
        "AWS::EC2::VPCEndpoint",
        make=[
            call("ec2.CreateVpcEndpoint", VpcId="{vpc}", ServiceName=f"com.amazonaws.{REGION}.s3", VpcEndpointType="Gateway",
                 RouteTableIds=["{table}"], save={"endpoint": "VpcEndpoint.VpcEndpointId"}),
            call("ec2.CreateVpcEndpoint", VpcId="{vpc}", ServiceName=f"com.amazonaws.{REGION}.logs",
                 VpcEndpointType="Interface", SubnetIds=["{subnet}"], SecurityGroupIds=["{group}"], PrivateDnsEnabled=True,
                 save={"interface_endpoint": "VpcEndpoint.VpcEndpointId"}),
            until("ec2.DescribeVpcEndpoints", VpcEndpointIds=["{interface_endpoint}"],
                  expect={"VpcEndpoints[0].State": "available", "VpcEndpoints[0].PrivateDnsEnabled": True}),
            pages("ec2.DescribeVpcEndpoints", size=5,
                  expect={"VpcEndpoints[VpcEndpointId={endpoint}].RouteTableIds[0]": "{table}"}),
        ],
        tag=ec2_tags("{endpoint}", "DescribeVpcEndpoints", "VpcEndpointIds", "VpcEndpoints"),
        remove=[
            call("ec2.DeleteVpcEndpoints", VpcEndpointIds=["{endpoint}", "{interface_endpoint}"],
                 expect={"Unsuccessful[0]": None}),
            until("ec2.DescribeVpcEndpoints", VpcEndpointIds=["{interface_endpoint}"],
                  refused="InvalidVpcEndpointId.NotFound"),
        ],
    ),
    Kind(
        "AWS::EC2::FlowLog",
        make=[
            call("ec2.CreateFlowLogs", ResourceIds=["{vpc}"], ResourceType="VPC", TrafficType="ALL", LogGroupName="check",
                 DeliverLogsPermissionArn="{role}", MaxAggregationInterval=60, save={"flow_log": "FlowLogIds[0]"},
                 expect={"Unsuccessful[0]": None}),
            pages("ec2.DescribeFlowLogs", size=5,
                  expect={"FlowLogs[FlowLogId={flow_log}].FlowLogStatus": "ACTIVE",
                          "FlowLogs[FlowLogId={flow_log}].MaxAggregationInterval": 60}),
        ],
        tag=ec2_tags("{flow_log}", "DescribeFlowLogs", "FlowLogIds", "FlowLogs"),
        remove=[
            call("ec2.DeleteFlowLogs", FlowLogIds=["{flow_log}"], expect={"Unsuccessful[0]": None}),
            call("ec2.DescribeFlowLogs", expect={"FlowLogs[0]": None}),
        ],
    ),
]
