"""Load balancers and their web ACL."""

from ..steps import ACCOUNT, REGION, Kind, call, pages, pairs, tagged, until, wait

VISIBLE = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "check"}
RULES = [{
    "Name": "common", "Priority": 0, "OverrideAction": {"None": {}}, "VisibilityConfig": VISIBLE,
    "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}},
}, {
    "Name": "rate", "Priority": 1, "Action": {"Block": {}}, "VisibilityConfig": VISIBLE,
    "Statement": {"RateBasedStatement": {"Limit": 2000, "AggregateKeyType": "IP"}},
}]
WAF_LOG = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:aws-waf-logs-check"


def elb_tags(arn):
    return tagged(("elbv2.AddTags", {"ResourceArns": [arn], "Tags": pairs()}),
                  ("elbv2.DescribeTags", {"ResourceArns": [arn]}),
                  ("elbv2.RemoveTags", {"ResourceArns": [arn], "TagKeys": ["Author"]}), "TagDescriptions[0].Tags")


KINDS = [
    Kind(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        make=[
            call("elbv2.CreateTargetGroup", Name="check", Protocol="HTTP", Port=8080, VpcId="{vpc}", TargetType="ip",
                 HealthCheckPath="/health", Matcher={"HttpCode": "200-299"},
                 save={"target_group": "TargetGroups[0].TargetGroupArn"},
                 expect={"TargetGroups[0].HealthCheckEnabled": True, "TargetGroups[0].Matcher.HttpCode": "200-299"}),
            call("elbv2.CreateTargetGroup", Name="other", Protocol="HTTP", Port=8080, VpcId="{vpc}", TargetType="ip",
                 save={"other_target_group": "TargetGroups[0].TargetGroupArn"}),
            call("elbv2.ModifyTargetGroupAttributes", TargetGroupArn="{target_group}",
                 Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]),
            call("elbv2.DescribeTargetGroupAttributes", TargetGroupArn="{target_group}",
                 expect={"Attributes[Key=deregistration_delay.timeout_seconds].Value": "30"}),
            pages("elbv2.DescribeTargetGroups", size=1,
                  expect={"TargetGroups[TargetGroupArn={target_group}].HealthCheckPath": "/health",
                          "TargetGroups[TargetGroupArn={other_target_group}].Port": 8080}),
        ],
        tag=elb_tags("{target_group}"),
        remove=[
            call("elbv2.DeleteTargetGroup", TargetGroupArn="{target_group}"),
            call("elbv2.DeleteTargetGroup", TargetGroupArn="{other_target_group}"),
            call("elbv2.DescribeTargetGroups", TargetGroupArns=["{target_group}"],
                 refused=("TargetGroupNotFound", "TargetGroupNotFoundException")),
        ],
    ),
    Kind(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        make=[
            call("elbv2.CreateLoadBalancer", Name="check", Subnets=["{subnet}", "{other_subnet}"],
                 SecurityGroups=["{group}"], Scheme="internet-facing", Type="application",
                 save={"balancer": "LoadBalancers[0].LoadBalancerArn"},
                 expect={"LoadBalancers[0].State.Code": "provisioning"}),
            wait("elbv2.LoadBalancerExists", LoadBalancerArns=["{balancer}"]),
            wait("elbv2.LoadBalancerAvailable", LoadBalancerArns=["{balancer}"]),
            call("elbv2.ModifyLoadBalancerAttributes", LoadBalancerArn="{balancer}",
                 Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "90"}]),
            call("elbv2.DescribeLoadBalancerAttributes", LoadBalancerArn="{balancer}",
                 expect={"Attributes[Key=idle_timeout.timeout_seconds].Value": "90"}),
            pages("elbv2.DescribeLoadBalancers", size=1,
                  expect={"LoadBalancers[0].AvailabilityZones[SubnetId={subnet}].ZoneName": f"{REGION}a",
                          "LoadBalancers[0].SecurityGroups[0]": "{group}"}),
        ],
        tag=elb_tags("{balancer}"),
        remove=[
            call("elbv2.DeleteLoadBalancer", LoadBalancerArn="{balancer}"),
            wait("elbv2.LoadBalancersDeleted", LoadBalancerArns=["{balancer}"]),
            # Its interfaces outlive it by some minutes.
            until("ec2.DescribeNetworkInterfaces", Filters=[{"Name": "group-id", "Values": ["{group}"]}],
                  expect={"NetworkInterfaces[InterfaceType=interface]": None}),
        ],
    ),
    Kind(
        "AWS::ElasticLoadBalancingV2::Listener",
        make=[
            call("elbv2.CreateListener", LoadBalancerArn="{balancer}", Protocol="HTTP", Port=80,
                 DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": [
                     {"TargetGroupArn": "{target_group}", "Weight": 100},
                     {"TargetGroupArn": "{other_target_group}", "Weight": 0}]}}],
                 save={"listener": "Listeners[0].ListenerArn"}),
            pages("elbv2.DescribeListeners", LoadBalancerArn="{balancer}", size=1,
                  expect={"Listeners[0].DefaultActions[0].ForwardConfig.TargetGroups"
                          "[TargetGroupArn={other_target_group}].Weight": 0}),
            call("elbv2.DeleteTargetGroup", TargetGroupArn="{target_group}",
                 refused=("ResourceInUse", "ResourceInUseException")),
        ],
        tag=elb_tags("{listener}"),
        remove=[
            call("elbv2.DeleteListener", ListenerArn="{listener}"),
            call("elbv2.DescribeListeners", ListenerArns=["{listener}"],
                 refused=("ListenerNotFound", "ListenerNotFoundException")),
        ],
    ),
    Kind(
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        make=[
            call("elbv2.CreateRule", ListenerArn="{listener}", Priority=10,
                 Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a/*", "/b/*"]}}],
                 Actions=[{"Type": "fixed-response", "FixedResponseConfig": {
                     "StatusCode": "404", "ContentType": "text/plain", "MessageBody": "none"}}],
                 save={"rule": "Rules[0].RuleArn"}, expect={"Rules[0].Priority": "10", "Rules[0].IsDefault": False}),
            pages("elbv2.DescribeRules", ListenerArn="{listener}", size=1,
                  expect={"Rules[RuleArn={rule}].Actions[0].FixedResponseConfig.StatusCode": "404",
                          "Rules[RuleArn={rule}].Conditions[0].PathPatternConfig.Values[1]": "/b/*",
                          "Rules[IsDefault=True].Priority": "default"}),
        ],
        tag=elb_tags("{rule}"),
        remove=[
            call("elbv2.DeleteRule", RuleArn="{rule}"),
            call("elbv2.DescribeRules", RuleArns=["{rule}"], refused=("RuleNotFound", "RuleNotFoundException")),
        ],
    ),
    Kind(
        "AWS::WAFv2::WebACL",
        make=[
            call("wafv2.CreateWebACL", Name="check", Scope="REGIONAL", DefaultAction={"Allow": {}}, Rules=RULES,
                 VisibilityConfig=VISIBLE, Description="for a check", save={"acl_id": "Summary.Id", "acl_arn": "Summary.ARN"}),
            call("wafv2.GetWebACL", Name="check", Scope="REGIONAL", Id="{acl_id}", save={"lock": "LockToken"},
                 expect={"WebACL.Rules[Name=rate].Statement.RateBasedStatement.Limit": 2000, "WebACL.Capacity": 702}),
            call("wafv2.UpdateWebACL", Name="check", Scope="REGIONAL", Id="{acl_id}", LockToken="{lock}",
                 DefaultAction={"Allow": {}}, Rules=RULES, VisibilityConfig=VISIBLE),
            call("wafv2.DeleteWebACL", Name="check", Scope="REGIONAL", Id="{acl_id}", LockToken="{lock}",
                 refused="WAFOptimisticLockException"),
            call("wafv2.ListWebACLs", Scope="REGIONAL", Limit=1, expect={"WebACLs[0].ARN": "{acl_arn}"}),
        ],
        tag=tagged(("wafv2.TagResource", {"ResourceARN": "{acl_arn}", "Tags": pairs()}),
                   ("wafv2.ListTagsForResource", {"ResourceARN": "{acl_arn}"}),
                   ("wafv2.UntagResource", {"ResourceARN": "{acl_arn}", "TagKeys": ["Author"]}),
                   "TagInfoForResource.TagList"),
        remove=[
            call("wafv2.GetWebACL", Name="check", Scope="REGIONAL", Id="{acl_id}", save={"lock": "LockToken"}),
            call("wafv2.DeleteWebACL", Name="check", Scope="REGIONAL", Id="{acl_id}", LockToken="{lock}"),
            call("wafv2.GetWebACL", Name="check", Scope="REGIONAL", Id="{acl_id}", refused="WAFNonexistentItemException"),
        ],
    ),
    Kind(
        "AWS::WAFv2::WebACLAssociation",
        make=[
            call("wafv2.AssociateWebACL", WebACLArn="{acl_arn}", ResourceArn="{balancer}"),
            call("wafv2.GetWebACLForResource", ResourceArn="{balancer}", expect={"WebACL.ARN": "{acl_arn}"}),
            call("wafv2.ListResourcesForWebACL", WebACLArn="{acl_arn}", expect={"ResourceArns[0]": "{balancer}"}),
        ],
        remove=[
            call("wafv2.GetWebACL", Name="check", Scope="REGIONAL", Id="{acl_id}", save={"lock": "LockToken"}),
            call("wafv2.DeleteWebACL", Name="check", Scope="REGIONAL", Id="{acl_id}", LockToken="{lock}",
                 refused="WAFAssociatedItemException"),
            call("wafv2.DisassociateWebACL", ResourceArn="{balancer}"),
            call("wafv2.GetWebACLForResource", ResourceArn="{balancer}", expect={"WebACL": None}),
        ],
    ),
    Kind(
        "AWS::WAFv2::LoggingConfiguration",
        make=[
            # The role that WAF makes for it has to spread.
            until("wafv2.PutLoggingConfiguration", LoggingConfiguration={
                "ResourceArn": "{acl_arn}", "LogDestinationConfigs": [WAF_LOG],
                "RedactedFields": [{"SingleHeader": {"Name": "authorization"}}]}),
            call("wafv2.GetLoggingConfiguration", ResourceArn="{acl_arn}",
                 expect={"LoggingConfiguration.LogDestinationConfigs[0]": WAF_LOG,
                         "LoggingConfiguration.RedactedFields[0].SingleHeader.Name": "authorization"}),
        ],
        remove=[
            call("wafv2.DeleteLoggingConfiguration", ResourceArn="{acl_arn}"),
            call("wafv2.GetLoggingConfiguration", ResourceArn="{acl_arn}", refused="WAFNonexistentItemException"),
        ],
    ),
]
