"""The network tier."""

from .looking import IDENTITY, REGION, client, pages, tags_of


def audit(audit):
    for part in (network, routes, isolation, gateways, tags):
        part(audit)


def network(audit):
    audit.check("vpc/cidr", "10.0.0.0/16", audit.vpc["CidrBlock"])
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        answer = client("ec2").describe_vpc_attribute(VpcId=audit.vpc["VpcId"], Attribute=attribute)
        key = attribute[0].upper() + attribute[1:]
        audit.check(f"vpc/{attribute}", True, answer[key]["Value"])
    for tier, first in (("public", 0), ("private", 10), ("database", 20)):
        subnets = audit.subnets[tier]
        wanted = sorted(f"10.0.{first + zone}.0/24" for zone in range(3))
        audit.check(f"subnets/{tier}", wanted, sorted(subnet["CidrBlock"] for subnet in subnets))
        audit.check(f"subnets/{tier}/zones", 3, len({subnet["AvailabilityZone"] for subnet in subnets}))
        public = [subnet["MapPublicIpOnLaunch"] for subnet in subnets]
        audit.check(f"subnets/{tier}/public-addresses", [False] * 3, public)


def route_tables(audit):
    tables = pages("ec2", "describe_route_tables", "RouteTables", Filters=audit.inside)
    return {one["SubnetId"]: table for table in tables for one in table["Associations"] if "SubnetId" in one}


def default_route(table):
    routes = [route for route in table["Routes"] if route.get("DestinationCidrBlock") == "0.0.0.0/0"]
    return routes[0] if routes else {}


def nats(audit):
    found = pages("ec2", "describe_nat_gateways", "NatGateways", Filter=audit.inside)
    return [one for one in found if one["State"] == "available"]


def routes(audit):
    tables, subnets = route_tables(audit), audit.subnets
    for subnet in subnets["public"]:
        target = default_route(tables[subnet["SubnetId"]]).get("GatewayId", "")
        audit.holds(f"routes/{subnet['CidrBlock']}", target.startswith("igw-"), f"the default route leads to {target!r}")
    gateways = {one["NatGatewayId"]: one for one in nats(audit)}
    zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in subnets["public"]}
    for subnet in subnets["private"]:
        nat = gateways.get(default_route(tables[subnet["SubnetId"]]).get("NatGatewayId"), {})
        audit.check(f"routes/{subnet['CidrBlock']}", subnet["AvailabilityZone"], zones.get(nat.get("SubnetId")))


def isolation(audit):
    """Nothing leads out of the database subnets, and only PostgreSQL leads in."""
    tables, subnets = route_tables(audit), audit.subnets["database"]
    for subnet in subnets:
        routes = tables[subnet["SubnetId"]]["Routes"]
        targets = [route.get("GatewayId") or route.get("NatGatewayId") for route in routes]
        audit.check(f"isolation/routes/{subnet['CidrBlock']}", ["local"], targets)
    ids = {subnet["SubnetId"] for subnet in subnets}
    acls = pages("ec2", "describe_network_acls", "NetworkAcls", Filters=audit.inside)
    acls = [acl for acl in acls if {one["SubnetId"] for one in acl["Associations"]} & ids]
    audit.check("isolation/acl", 1, len(acls))
    covered = {one["SubnetId"] for acl in acls for one in acl["Associations"]}
    audit.check("isolation/acl/subnets", ids, covered)
    allowed = [entry for acl in acls for entry in acl["Entries"] if entry["RuleAction"] == "allow"]
    # One for all protocols has no ports.
    inward = sorted((entry.get("CidrBlock"), entry.get("PortRange", {}).get("From"), entry.get("PortRange", {}).get("To"))
                    for entry in allowed if not entry["Egress"])
    # The second three are the database subnets, among themselves.
    wanted = [(f"10.0.{zone}.0/24", 5432, 5432) for zone in (10, 11, 12)]
    wanted += [(f"10.0.{zone}.0/24", 1024, 65535) for zone in (20, 21, 22)]
    audit.check("isolation/acl/in", wanted, inward)
    outward = sorted(entry.get("CidrBlock") for entry in allowed if entry["Egress"])
    audit.check("isolation/acl/out", [f"10.0.{zone}.0/24" for zone in (10, 11, 12, 20, 21, 22)], outward)
    group = audit.cluster["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
    rules = pages("ec2", "describe_security_group_rules", "SecurityGroupRules",
                  Filters=[{"Name": "group-id", "Values": [group]}])
    peers = [(rule["IsEgress"], rule["FromPort"], rule["ToPort"], rule.get("CidrIpv4")) for rule in rules]
    audit.check("isolation/security-group", [(False, 5432, 5432, None)], peers)


def gateways(audit):
    audit.check("nat/count", 3, len(nats(audit)))
    igws = pages("ec2", "describe_internet_gateways", "InternetGateways",
                 Filters=[{"Name": "attachment.vpc-id", "Values": [audit.vpc["VpcId"]]}])
    audit.check("igw/count", 1, len(igws))
    flow_logs = client("ec2").describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [audit.vpc["VpcId"]]}])
    audit.check("flow-logs/traffic", ["ALL"], [log["TrafficType"] for log in flow_logs["FlowLogs"]])
    audit.check("flow-logs/interval", [60], [log["MaxAggregationInterval"] for log in flow_logs["FlowLogs"]])
    endpoints = pages("ec2", "describe_vpc_endpoints", "VpcEndpoints", Filters=audit.inside)
    wanted = [f"com.amazonaws.{REGION}.{service}" for service in audit.wanted.endpoints]
    audit.check("endpoints", wanted, sorted(one["ServiceName"] for one in endpoints))
    default = pages("ec2", "describe_security_groups", "SecurityGroups",
                    Filters=[*audit.inside, {"Name": "group-name", "Values": ["default"]}])[0]
    audit.check("default-security-group/rules", ([], []), (default["IpPermissions"], default["IpPermissionsEgress"]))


def tags(audit):
    """Rules of security groups have the tags that identify the stack, and none for people: they are many, and are read
    inside of their group."""
    ec2 = client("ec2")
    kinds = [
        ("Subnets", "SubnetId", ec2.describe_subnets(Filters=audit.inside)),
        ("RouteTables", "RouteTableId", ec2.describe_route_tables(Filters=audit.inside)),
        ("NatGateways", "NatGatewayId", ec2.describe_nat_gateways(Filter=audit.inside)),
        ("SecurityGroups", "GroupId", ec2.describe_security_groups(Filters=audit.inside)),
        ("VpcEndpoints", "VpcEndpointId", ec2.describe_vpc_endpoints(Filters=audit.inside)),
        ("NetworkAcls", "NetworkAclId", ec2.describe_network_acls(Filters=audit.inside)),
        ("Addresses", "AllocationId", ec2.describe_addresses()),
        ("FlowLogs", "FlowLogId", ec2.describe_flow_logs()),
        ("InternetGateways", "InternetGatewayId", ec2.describe_internet_gateways()),
    ]
    audit.tagged("vpc", audit.vpc["Tags"])
    for kind, key, answer in kinds:
        # AWS makes a main route table and a default network ACL by itself, which nothing here uses.
        ours = [item for item in answer[kind] if not is_of_aws(item) and not is_foreign(audit, item)]
        for item in audit.some(f"tags/{kind}", ours):
            audit.tagged(item[key], item.get("Tags"))
    groups = [one["GroupId"] for one in ec2.describe_security_groups(Filters=audit.inside)["SecurityGroups"]]
    rules = pages("ec2", "describe_security_group_rules", "SecurityGroupRules",
                  Filters=[{"Name": "group-id", "Values": groups}])
    for rule in audit.some("tags/SecurityGroupRules", rules):
        missing = sorted(IDENTITY - set(tags_of(rule.get("Tags"))))
        audit.holds(f"tags/{rule['SecurityGroupRuleId']}", not missing, f"missing {missing}")


def is_of_aws(item):
    return item.get("IsDefault") or any(one.get("Main") for one in item.get("Associations", []))


def is_foreign(audit, item):
    """Whether it is of another VPC, or an internet gateway of one."""
    attached = [one.get("VpcId") for one in item.get("Attachments", [])]
    elsewhere = item.get("VpcId", audit.vpc["VpcId"]) != audit.vpc["VpcId"]
    return elsewhere or (bool(attached) and audit.vpc["VpcId"] not in attached)


def drift(audit):
    client("ec2").modify_vpc_attribute(VpcId=audit.vpc["VpcId"], EnableDnsHostnames={"Value": False})
    return {"vpc/vpc": "EnableDnsHostnames"}


def left():
    """A VPC's main route table, default network ACL and default security group go with it, which is in the list itself."""
    ec2 = client("ec2")
    vpcs = pages("ec2", "describe_vpcs", "Vpcs")
    defaults = {one["VpcId"] for one in vpcs if one["IsDefault"]}
    yield from (one["VpcId"] for one in vpcs if not one["IsDefault"])
    yield from (one["AllocationId"] for one in ec2.describe_addresses()["Addresses"])
    nats = pages("ec2", "describe_nat_gateways", "NatGateways")
    yield from (one["NatGatewayId"] for one in nats if one["State"] != "deleted")
    yield from (one["FlowLogId"] for one in ec2.describe_flow_logs()["FlowLogs"])
    endpoints = pages("ec2", "describe_vpc_endpoints", "VpcEndpoints")
    yield from (one["VpcEndpointId"] for one in endpoints if one["State"] != "deleted")
    for operation, kind, key in (("describe_subnets", "Subnets", "SubnetId"),
                                 ("describe_security_groups", "SecurityGroups", "GroupId"),
                                 ("describe_route_tables", "RouteTables", "RouteTableId"),
                                 ("describe_network_acls", "NetworkAcls", "NetworkAclId")):
        yield from (one[key] for one in pages("ec2", operation, kind)
                    if one["VpcId"] not in defaults and not is_of_aws(one) and one.get("GroupName") != "default")
    igws = ec2.describe_internet_gateways()["InternetGateways"]
    yield from (one["InternetGatewayId"] for one in igws
                if not {attached.get("VpcId") for attached in one["Attachments"]} & defaults)
