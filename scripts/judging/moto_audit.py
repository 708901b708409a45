"""Looks with boto3 at what `stack up` has made in moto. Runs in moto's environment: scripts/judges calls it.

    moto_audit.py audit ENVIRONMENT          checks deployed properties against the reference document's list
    moto_audit.py drift ENVIRONMENT          changes some objects by hand, and says which
    moto_audit.py left  ENVIRONMENT          lists what is left of the stack

The answer is JSON on standard output.
"""

import json
import sys

import boto3

REGION = "ap-southeast-1"
SEVEN_YEARS = 2557
IDENTITY = {"stack:project", "stack:environment"}
SHOWN = {"Environment", "Repository", "Author"}


def client(service):
    return boto3.client(service, region_name=REGION)


def pages(service, operation, key, **arguments):
    """All items of a call that may have pages."""
    api = client(service)
    if not api.can_paginate(operation):
        return getattr(api, operation)(**arguments)[key]
    return [item for page in api.get_paginator(operation).paginate(**arguments) for item in page[key]]


def tags_of(pairs):
    pairs = pairs or []
    if isinstance(pairs, dict):
        return pairs
    name = next((name for name in ("Key", "key", "TagKey") if pairs and name in pairs[0]), "Key")
    return {pair[name]: pair[name.replace("Key", "Value").replace("key", "value")] for pair in pairs}


class Audit:
    """Checks, each with a name, and what was found."""

    def __init__(self, environment):
        self.environment = environment
        self.checks = []
        vpcs = pages("ec2", "describe_vpcs", "Vpcs", Filters=[{"Name": "tag:Name", "Values": [f"payment-vpc-{environment}"]}])
        if len(vpcs) != 1:
            raise SystemExit(f"there are {len(vpcs)} VPCs of the stack")
        self.vpc = vpcs[0]
        self.inside = [{"Name": "vpc-id", "Values": [self.vpc["VpcId"]]}]

    def name(self, what):
        return f"payment-{what}-{self.environment}"

    def check(self, check, wanted, found):
        self.checks.append({"check": check, "ok": wanted == found, "text": f"wanted {wanted!r}, found {found!r}"})

    def holds(self, check, condition, text):
        self.checks.append({"check": check, "ok": bool(condition), "text": str(text)})

    def tagged(self, what, pairs):
        """Every taggable object has what people see, and what identifies the stack."""
        missing = sorted((SHOWN | IDENTITY) - set(tags_of(pairs)))
        self.checks.append({"check": f"tags/{what}", "ok": not missing, "text": f"missing {missing}"})

    def run(self):
        for part in (self.network, self.routes, self.isolation, self.gateways, self.logs, self.database, self.keys,
                     self.balancer, self.bucket, self.waf, self.containers, self.scaling, self.roles, self.tagged_network):
            part()
        return self.checks

    def subnets(self):
        found = pages("ec2", "describe_subnets", "Subnets", Filters=self.inside)
        by_tier = {"public": [], "private": [], "database": []}
        for subnet in sorted(found, key=lambda subnet: subnet["CidrBlock"]):
            name = tags_of(subnet["Tags"]).get("Name", "")
            tier = next((tier for tier in by_tier if f"-{tier}-" in name), None)
            if tier:
                by_tier[tier].append(subnet)
        return by_tier

    def network(self):
        self.check("vpc/cidr", "10.0.0.0/16", self.vpc["CidrBlock"])
        for attribute in ("enableDnsSupport", "enableDnsHostnames"):
            answer = client("ec2").describe_vpc_attribute(VpcId=self.vpc["VpcId"], Attribute=attribute)
            key = attribute[0].upper() + attribute[1:]
            self.check(f"vpc/{attribute}", True, answer[key]["Value"])
        subnets = self.subnets()
        for tier, first in (("public", 0), ("private", 10), ("database", 20)):
            wanted = sorted(f"10.0.{first + zone}.0/24" for zone in range(3))
            self.check(f"subnets/{tier}", wanted, sorted(subnet["CidrBlock"] for subnet in subnets[tier]))
            zones = {subnet["AvailabilityZone"] for subnet in subnets[tier]}
            self.check(f"subnets/{tier}/zones", 3, len(zones))
            public = [subnet["MapPublicIpOnLaunch"] for subnet in subnets[tier]]
            self.check(f"subnets/{tier}/public-addresses", [False] * 3, public)

    def route_tables(self):
        tables = pages("ec2", "describe_route_tables", "RouteTables", Filters=self.inside)
        return {one["SubnetId"]: table for table in tables for one in table["Associations"] if "SubnetId" in one}

    def default_route(self, table):
        routes = [route for route in table["Routes"] if route.get("DestinationCidrBlock") == "0.0.0.0/0"]
        return routes[0] if routes else {}

    def routes(self):
        tables, subnets = self.route_tables(), self.subnets()
        for subnet in subnets["public"]:
            target = self.default_route(tables[subnet["SubnetId"]]).get("GatewayId", "")
            self.holds(f"routes/{subnet['CidrBlock']}", target.startswith("igw-"), f"the default route leads to {target!r}")
        gateways = {one["NatGatewayId"]: one for one in self.nats()}
        zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in subnets["public"]}
        for subnet in subnets["private"]:
            nat = gateways.get(self.default_route(tables[subnet["SubnetId"]]).get("NatGatewayId"), {})
            self.check(f"routes/{subnet['CidrBlock']}", subnet["AvailabilityZone"], zones.get(nat.get("SubnetId")))

    def nats(self):
        found = pages("ec2", "describe_nat_gateways", "NatGateways", Filter=self.inside)
        return [one for one in found if one["State"] == "available"]

    def isolation(self):
        """Nothing leads out of the database subnets, and only PostgreSQL leads in."""
        tables, subnets = self.route_tables(), self.subnets()
        for subnet in subnets["database"]:
            routes = tables[subnet["SubnetId"]]["Routes"]
            targets = [route.get("GatewayId") or route.get("NatGatewayId") for route in routes]
            self.check(f"isolation/routes/{subnet['CidrBlock']}", ["local"], targets)
        ids = {subnet["SubnetId"] for subnet in subnets["database"]}
        acls = pages("ec2", "describe_network_acls", "NetworkAcls", Filters=self.inside)
        acls = [acl for acl in acls if {one["SubnetId"] for one in acl["Associations"]} & ids]
        self.check("isolation/acl", 1, len(acls))
        allowed = [entry for acl in acls for entry in acl["Entries"] if entry["RuleAction"] == "allow"]
        inward = sorted((entry["CidrBlock"], entry["PortRange"]["From"], entry["PortRange"]["To"])
                        for entry in allowed if not entry["Egress"])
        self.check("isolation/acl/in", [(f"10.0.{zone}.0/24", 5432, 5432) for zone in (10, 11, 12)], inward)
        outward = sorted(entry["CidrBlock"] for entry in allowed if entry["Egress"])
        self.check("isolation/acl/out", [f"10.0.{zone}.0/24" for zone in (10, 11, 12)], outward)
        group = self.cluster()["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
        rules = pages("ec2", "describe_security_group_rules", "SecurityGroupRules",
                      Filters=[{"Name": "group-id", "Values": [group]}])
        peers = [(rule["IsEgress"], rule["FromPort"], rule["ToPort"], rule.get("CidrIpv4")) for rule in rules]
        self.check("isolation/security-group", [(False, 5432, 5432, None)], peers)

    def gateways(self):
        self.check("nat/count", 3, len(self.nats()))
        igws = pages("ec2", "describe_internet_gateways", "InternetGateways",
                     Filters=[{"Name": "attachment.vpc-id", "Values": [self.vpc["VpcId"]]}])
        self.check("igw/count", 1, len(igws))
        flow_logs = client("ec2").describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [self.vpc["VpcId"]]}])
        self.check("flow-logs/traffic", ["ALL"], [log["TrafficType"] for log in flow_logs["FlowLogs"]])
        self.check("flow-logs/interval", [60], [log["MaxAggregationInterval"] for log in flow_logs["FlowLogs"]])
        endpoints = pages("ec2", "describe_vpc_endpoints", "VpcEndpoints", Filters=self.inside)
        self.check("endpoints/s3", [f"com.amazonaws.{REGION}.s3"], [one["ServiceName"] for one in endpoints])
        default = pages("ec2", "describe_security_groups", "SecurityGroups",
                        Filters=[*self.inside, {"Name": "group-name", "Values": ["default"]}])[0]
        self.check("default-security-group/rules", ([], []), (default["IpPermissions"], default["IpPermissionsEgress"]))

    def logs(self):
        groups = pages("logs", "describe_log_groups", "logGroups")
        self.holds("logs/count", len(groups) >= 5, f"{len(groups)} log groups")
        for group in groups:
            self.check(f"logs/retention{group['logGroupName']}", SEVEN_YEARS, group.get("retentionInDays"))
            arn = group["arn"].removesuffix(":*")
            self.tagged(group["logGroupName"], client("logs").list_tags_for_resource(resourceArn=arn)["tags"])

    def cluster(self):
        name = self.name("cluster")
        return client("rds").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]

    def database(self):
        cluster = self.cluster()
        wanted = {
            "Engine": "aurora-postgresql", "StorageEncrypted": True, "BackupRetentionPeriod": 7,
            "PreferredBackupWindow": "03:00-04:00", "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
            "EnabledCloudwatchLogsExports": ["postgresql"], "CopyTagsToSnapshot": True,
            "IAMDatabaseAuthenticationEnabled": True, "Port": 5432,
        }
        for key, value in wanted.items():
            self.check(f"database/{key}", value, cluster.get(key))
        scaling = cluster["ServerlessV2ScalingConfiguration"]
        self.check("database/capacity", (0.5, 2.0), (scaling["MinCapacity"], scaling["MaxCapacity"]))
        self.holds("database/key", cluster["KmsKeyId"].startswith("arn:aws:kms:"), cluster["KmsKeyId"])
        self.holds("database/secret", "MasterUserSecret" in cluster, "a secret that RDS manages")
        instances = pages("rds", "describe_db_instances", "DBInstances")
        self.check("database/instances", ["db.serverless"] * 2, [one["DBInstanceClass"] for one in instances])
        self.check("database/zones", 2, len({one["AvailabilityZone"] for one in instances}))
        self.check("database/public", [False] * 2, [one["PubliclyAccessible"] for one in instances])
        parameters = pages("rds", "describe_db_cluster_parameters", "Parameters",
                           DBClusterParameterGroupName=cluster["DBClusterParameterGroup"])
        values = {one["ParameterName"]: one.get("ParameterValue") for one in parameters}
        self.check("database/force-ssl", "1", values.get("rds.force_ssl"))
        self.tagged("database-cluster", cluster["TagList"])
        for instance in instances:
            self.tagged(instance["DBInstanceIdentifier"], instance["TagList"])
        group = client("rds").describe_db_subnet_groups(DBSubnetGroupName=cluster["DBSubnetGroup"])["DBSubnetGroups"][0]
        self.check("database/subnets", {one["SubnetId"] for one in self.subnets()["database"]},
                   {one["SubnetIdentifier"] for one in group["Subnets"]})
        arn = group["DBSubnetGroupArn"]
        self.tagged("subnet-group", client("rds").list_tags_for_resource(ResourceName=arn)["TagList"])

    def keys(self):
        aliases = [one for one in pages("kms", "list_aliases", "Aliases") if one["AliasName"].startswith("alias/payment-")]
        self.holds("keys/count", aliases, f"{len(aliases)} keys of the stack")
        for alias in aliases:
            key = alias["TargetKeyId"]
            status = client("kms").get_key_rotation_status(KeyId=key)
            self.check(f"keys/rotation/{alias['AliasName']}", True, status["KeyRotationEnabled"])
            self.tagged(alias["AliasName"], client("kms").list_resource_tags(KeyId=key)["Tags"])

    def balancer(self):
        elbv2 = client("elbv2")
        balancer = elbv2.describe_load_balancers(Names=[self.name("alb")])["LoadBalancers"][0]
        arn = balancer["LoadBalancerArn"]
        self.check("alb/scheme", "internet-facing", balancer["Scheme"])
        self.check("alb/zones", 3, len(balancer["AvailabilityZones"]))
        attributes = elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
        values = {one["Key"]: one["Value"] for one in attributes}
        self.check("alb/invalid-headers", "true", values.get("routing.http.drop_invalid_header_fields.enabled"))
        self.check("alb/access-logs", "true", values.get("access_logs.s3.enabled"))
        arns = {"alb": arn}
        for color in ("blue", "green"):
            group = elbv2.describe_target_groups(Names=[self.name(color)])["TargetGroups"][0]
            arns[color] = group["TargetGroupArn"]
            health = tuple(group[key] for key in ("HealthCheckPath", "HealthCheckIntervalSeconds",
                           "HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount", "Port"))
            self.check(f"target-group/{color}", ("/health", 15, 5, 2, 3, 8080), health)
            attributes = elbv2.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]
            values = {one["Key"]: one["Value"] for one in attributes}
            self.check(f"target-group/{color}/delay", "30", values.get("deregistration_delay.timeout_seconds"))
        listeners = elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]
        arns |= {f"listener-{one['Port']}": one["ListenerArn"] for one in listeners}
        for listener in listeners:
            for rule in elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                if not rule["IsDefault"]:
                    arns[f"rule-{rule['Priority']}"] = rule["RuleArn"]
        for what, arn in arns.items():
            answer = elbv2.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]
            self.tagged(what, answer["Tags"])

    def bucket(self):
        s3 = client("s3")
        buckets = [one["Name"] for one in s3.list_buckets()["Buckets"] if f"-{self.environment}-" in one["Name"]]
        self.holds("bucket/count", buckets, f"{len(buckets)} buckets")
        for name in buckets:
            rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
            algorithm = rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
            self.check("bucket/encryption", "AES256", algorithm)
            block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
            self.check("bucket/public", {True}, set(block.values()))
            self.check("bucket/versioning", "Enabled", s3.get_bucket_versioning(Bucket=name).get("Status"))
            rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
            self.holds("bucket/lifecycle", any(one.get("Expiration", {}).get("Days") == SEVEN_YEARS for one in rules), rules)
            policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
            denies = [one for one in policy["Statement"] if one["Effect"] == "Deny"]
            self.holds("bucket/tls", any("aws:SecureTransport" in json.dumps(one) for one in denies), denies)
            self.tagged(name, s3.get_bucket_tagging(Bucket=name)["TagSet"])

    def waf(self):
        waf = client("wafv2")
        acls = [one for one in waf.list_web_acls(Scope="REGIONAL")["WebACLs"] if one["Name"].endswith(self.environment)]
        self.check("waf/count", 1, len(acls))
        for acl in acls:
            answer = waf.get_web_acl(Name=acl["Name"], Scope="REGIONAL", Id=acl["Id"])["WebACL"]
            names = json.dumps(answer["Rules"])
            for group in ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet", "RateBasedStatement"):
                self.holds(f"waf/{group}", group in names, "in the rules")
            found = waf.list_tags_for_resource(ResourceARN=acl["ARN"])["TagInfoForResource"]["TagList"]
            self.tagged("web-acl", found)
            balancer = client("elbv2").describe_load_balancers(Names=[self.name("alb")])["LoadBalancers"][0]
            on = waf.get_web_acl_for_resource(ResourceArn=balancer["LoadBalancerArn"])
            self.check("waf/associated", acl["ARN"], on.get("WebACL", {}).get("ARN"))

    def containers(self):
        ecs, name = client("ecs"), self.name("cluster")
        cluster = ecs.describe_clusters(clusters=[name], include=["TAGS", "SETTINGS"])["clusters"][0]
        self.check("ecs/insights", [{"name": "containerInsights", "value": "enhanced"}], cluster["settings"])
        self.tagged("ecs-cluster", cluster["tags"])
        service = ecs.describe_services(cluster=name, services=[self.name("service")], include=["TAGS"])["services"][0]
        self.check("ecs/launch-type", "FARGATE", service["launchType"])
        network = service["networkConfiguration"]["awsvpcConfiguration"]
        self.check("ecs/public-address", "DISABLED", network["assignPublicIp"])
        private = {subnet["SubnetId"] for subnet in self.subnets()["private"]}
        self.check("ecs/subnets", private, set(network["subnets"]))
        self.tagged("ecs-service", service["tags"])
        task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"], include=["TAGS"])
        self.tagged("task-definition", task["tags"])
        task = task["taskDefinition"]
        self.check("ecs/size", ("512", "1024"), (task["cpu"], task["memory"]))
        self.check("ecs/containers", 2, len(task["containerDefinitions"]))
        repositories = client("ecr").describe_repositories(repositoryNames=[self.name("app")])["repositories"]
        self.check("ecr/tags", "IMMUTABLE", repositories[0]["imageTagMutability"])
        self.check("ecr/scan", True, repositories[0]["imageScanningConfiguration"]["scanOnPush"])
        self.check("ecr/encryption", "AES256", repositories[0]["encryptionConfiguration"]["encryptionType"])
        arn = repositories[0]["repositoryArn"]
        self.tagged("repository", client("ecr").list_tags_for_resource(resourceArn=arn)["tags"])

    def scaling(self):
        """Where there is an image: 2 to 10 tasks, 70 % of CPU, 80 % of memory, 60 s out, 300 s in."""
        scaling = client("application-autoscaling")
        targets = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
        self.check("scaling/capacity", [(2, 10)], [(one["MinCapacity"], one["MaxCapacity"]) for one in targets])
        found = {}
        for policy in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]:
            tracking = policy["TargetTrackingScalingPolicyConfiguration"]
            metric = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
            found[metric] = (tracking["TargetValue"], tracking["ScaleOutCooldown"], tracking["ScaleInCooldown"])
        for metric, target in (("CPU", 70.0), ("Memory", 80.0)):
            self.check(f"scaling/{metric}", (target, 60, 300), found.get(f"ECSServiceAverage{metric}Utilization"))

    def roles(self):
        for role in pages("iam", "list_roles", "Roles"):
            if role["RoleName"].startswith("payment-"):
                trust = json.dumps(role["AssumeRolePolicyDocument"])
                self.holds(f"roles/{role['RoleName']}/account", "aws:SourceAccount" in trust, trust)
                self.tagged(role["RoleName"], client("iam").list_role_tags(RoleName=role["RoleName"])["Tags"])

    def tagged_network(self):
        """Rules of security groups have the tags that identify the stack, and none for people: they are many, and are read
        inside of their group."""
        ec2 = client("ec2")
        kinds = [
            ("Subnets", "SubnetId", ec2.describe_subnets(Filters=self.inside)),
            ("RouteTables", "RouteTableId", ec2.describe_route_tables(Filters=self.inside)),
            ("NatGateways", "NatGatewayId", ec2.describe_nat_gateways(Filter=self.inside)),
            ("SecurityGroups", "GroupId", ec2.describe_security_groups(Filters=self.inside)),
            ("VpcEndpoints", "VpcEndpointId", ec2.describe_vpc_endpoints(Filters=self.inside)),
            ("NetworkAcls", "NetworkAclId", ec2.describe_network_acls(Filters=self.inside)),
            ("Addresses", "AllocationId", ec2.describe_addresses()),
            ("FlowLogs", "FlowLogId", ec2.describe_flow_logs()),
            ("InternetGateways", "InternetGatewayId", ec2.describe_internet_gateways()),
        ]
        self.tagged("vpc", self.vpc["Tags"])
        for kind, key, answer in kinds:
            for item in answer[kind]:
                # AWS makes a main route table and a default network ACL by itself, which nothing here uses.
                made_by_aws = item.get("IsDefault") or any(one.get("Main") for one in item.get("Associations", []))
                default_vpc = item.get("VpcId", self.vpc["VpcId"]) != self.vpc["VpcId"]
                if not made_by_aws and not default_vpc and not self.foreign(item):
                    self.tagged(item[key], item.get("Tags"))
        groups = [one["GroupId"] for one in ec2.describe_security_groups(Filters=self.inside)["SecurityGroups"]]
        for rule in pages("ec2", "describe_security_group_rules", "SecurityGroupRules",
                          Filters=[{"Name": "group-id", "Values": groups}]):
            missing = sorted(IDENTITY - set(tags_of(rule.get("Tags"))))
            self.holds(f"tags/{rule['SecurityGroupRuleId']}", not missing, f"missing {missing}")

    def foreign(self, item):
        """An internet gateway of another VPC."""
        attached = [one.get("VpcId") for one in item.get("Attachments", [])]
        return bool(attached) and self.vpc["VpcId"] not in attached


def drift(environment):
    """Changes one thing in each of several tiers, as a person at the console would."""
    audit = Audit(environment)
    rds, logs, ec2 = client("rds"), client("logs"), client("ec2")
    rds.modify_db_cluster(DBClusterIdentifier=audit.name("cluster"), BackupRetentionPeriod=1, ApplyImmediately=True)
    group = f"/aws/rds/cluster/{audit.name('cluster')}/postgresql"
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    ec2.modify_vpc_attribute(VpcId=audit.vpc["VpcId"], EnableDnsHostnames={"Value": False})
    role = f"payment-ecs-execution-{REGION}-{environment}"
    client("iam").tag_role(RoleName=role, Tags=[{"Key": "Environment", "Value": "wrong"}])
    alb = client("elbv2").describe_target_groups(Names=[audit.name("blue")])["TargetGroups"][0]["TargetGroupArn"]
    client("elbv2").modify_target_group(TargetGroupArn=alb, HealthCheckPath="/wrong")
    return {
        "database/cluster": "BackupRetentionPeriod", "database/log-group": "RetentionInDays",
        "vpc/vpc": "EnableDnsHostnames", "alb/blue-target-group": "HealthCheckPath", "ecs/execution-role": "Tags[Environment].Value",
    }


def left(environment):
    """What is left of the stack. A deleted key of KMS stays for its waiting period, and a revision of a task definition as
    INACTIVE, as on AWS."""
    found = [one["VpcId"] for one in pages("ec2", "describe_vpcs", "Vpcs") if not one["IsDefault"]]
    found += [one["AllocationId"] for one in client("ec2").describe_addresses()["Addresses"]]
    nats = pages("ec2", "describe_nat_gateways", "NatGateways")
    found += [one["NatGatewayId"] for one in nats if one["State"] != "deleted"]
    found += [one["DBClusterIdentifier"] for one in pages("rds", "describe_db_clusters", "DBClusters")]
    found += [one["DBInstanceIdentifier"] for one in pages("rds", "describe_db_instances", "DBInstances")]
    found += [one["DBSubnetGroupName"] for one in pages("rds", "describe_db_subnet_groups", "DBSubnetGroups")]
    found += [one["logGroupName"] for one in pages("logs", "describe_log_groups", "logGroups")]
    found += [one["RoleName"] for one in pages("iam", "list_roles", "Roles") if one["RoleName"].startswith("payment-")]
    found += [one["Name"] for one in client("s3").list_buckets()["Buckets"]]
    found += [one["LoadBalancerArn"] for one in pages("elbv2", "describe_load_balancers", "LoadBalancers")]
    found += [one["TargetGroupArn"] for one in pages("elbv2", "describe_target_groups", "TargetGroups")]
    found += [one["Name"] for one in client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]]
    clusters = client("ecs").describe_clusters(clusters=[f"payment-cluster-{environment}"])["clusters"]
    found += [one["clusterArn"] for one in clusters if one["status"] != "INACTIVE"]
    found += [one["repositoryName"] for one in pages("ecr", "describe_repositories", "repositories")]
    found += [one["AliasName"] for one in pages("kms", "list_aliases", "Aliases") if "payment" in one["AliasName"]]
    for key in pages("kms", "list_keys", "Keys"):
        state = client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if state["KeyManager"] == "CUSTOMER" and state["KeyState"] != "PendingDeletion":
            found.append(key["KeyArn"])
    targets = client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    found += [one["ResourceId"] for one in targets]
    return found


def main():
    what, environment = sys.argv[1:]
    answer = {"audit": lambda name: Audit(name).run(), "drift": drift, "left": left}[what](environment)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
