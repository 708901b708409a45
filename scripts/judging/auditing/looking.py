"""Looking at AWS with boto3, and keeping what was seen."""

import dataclasses
import functools

import boto3

REGION = "ap-southeast-1"
SEVEN_YEARS = 2557
IDENTITY = {"stack:project", "stack:environment"}
SHOWN = {"Environment", "Repository", "Author"}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What environments differ in: the reference document's values in `dev`, and in `prod` those of stack.toml, each of which is
    a stricter one. What the reference document fixes is not here, but where it is checked."""

    instances: int
    capacity: tuple
    connections: float
    backup_days: int
    protected: bool
    tasks: tuple
    scheme: str
    listeners: list
    endpoints: list


WANTED = {
    "dev": Wanted(
        instances=2, capacity=(0.5, 2.0), connections=320.0, backup_days=7, protected=False, tasks=(2, 10),
        scheme="internet-facing", listeners=[(80, "HTTP")], endpoints=["s3"],
    ),
    "prod": Wanted(
        # 80 percent of the 3360 connections of 16 ACU (Aurora User Guide, "Maximum connections for Aurora Serverless v2").
        instances=3, capacity=(2.0, 16.0), connections=2688.0, backup_days=35, protected=True, tasks=(3, 30),
        scheme="internal", listeners=[(80, "HTTP"), (443, "HTTPS")],
        endpoints=["ecr.api", "ecr.dkr", "kms", "logs", "monitoring", "s3", "secretsmanager", "xray"],
    ),
}


@functools.cache
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
        self.wanted = WANTED[environment]
        self.checks = []

    def name(self, what):
        return f"payment-{what}-{self.environment}"

    def check(self, check, wanted, found):
        self.checks.append({"check": check, "ok": wanted == found, "text": f"wanted {wanted!r}, found {found!r}"})

    def holds(self, check, condition, text):
        self.checks.append({"check": check, "ok": bool(condition), "text": str(text)})

    def some(self, check, items):
        """The items, of which there must be one at least: what is said of each of none is always true."""
        items = list(items)
        self.holds(f"{check}/some", items, f"{len(items)} found")
        return items

    def tagged(self, what, pairs):
        """Every taggable object has what people see, and what identifies the stack."""
        tags = tags_of(pairs)
        missing = sorted((SHOWN | IDENTITY) - set(tags))
        self.holds(f"tags/{what}", not missing, f"missing {missing}")
        if not missing:
            named = (tags["Environment"], tags["stack:environment"], tags["stack:project"])
            self.check(f"tags/{what}/values", (self.environment, self.environment, "payment"), named)

    @functools.cached_property
    def vpc(self):
        named = [{"Name": "tag:Name", "Values": [self.name("vpc")]}]
        vpcs = pages("ec2", "describe_vpcs", "Vpcs", Filters=named)
        if len(vpcs) != 1:
            raise SystemExit(f"there are {len(vpcs)} VPCs of the stack")
        return vpcs[0]

    @property
    def inside(self):
        return [{"Name": "vpc-id", "Values": [self.vpc["VpcId"]]}]

    @functools.cached_property
    def subnets(self):
        """By the tier of the network that they are in."""
        found = pages("ec2", "describe_subnets", "Subnets", Filters=self.inside)
        by_tier = {"public": [], "private": [], "database": []}
        for subnet in sorted(found, key=lambda subnet: subnet["CidrBlock"]):
            name = tags_of(subnet["Tags"]).get("Name", "")
            tier = next((tier for tier in by_tier if f"-{tier}-" in name), None)
            if tier:
                by_tier[tier].append(subnet)
        return by_tier

    @functools.cached_property
    def cluster(self):
        """The database's."""
        return client("rds").describe_db_clusters(DBClusterIdentifier=self.name("aurora"))["DBClusters"][0]

    @functools.cached_property
    def balancer(self):
        return client("elbv2").describe_load_balancers(Names=[self.name("alb")])["LoadBalancers"][0]

    @functools.cached_property
    def topic(self):
        """The ARN of the topic that alarms go to."""
        found = pages("sns", "list_topics", "Topics")
        return next((one["TopicArn"] for one in found if one["TopicArn"].endswith(f":{self.name('alarms')}")), None)
