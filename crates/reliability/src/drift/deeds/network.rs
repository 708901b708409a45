//! What is done to the network and to the load balancer.

use alb::resources::{Listener, ListenerRule, LoadBalancer, TargetGroup};
use aws::resources::{SecurityGroup, SecurityGroupIngress};
use aws_sdk_ec2::types::{Filter, IpPermission, IpRange, PortRange, RuleAction, Tag};
use aws_sdk_elasticloadbalancingv2::types as elb;
use engine::{Resolved, Resource as _};
use vpc::resources::{DefaultSecurityGroup, NetworkAcl, RouteTable, Vpc};

use super::{Deed, Expected, done, words};

const ANYWHERE: &str = "0.0.0.0/0";

pub(super) const DEEDS: &[Deed] = &[
    Deed {
        id: "route-table/route",
        kind: RouteTable::<Resolved>::KIND,
        command: "ec2 create-route: 0.0.0.0/0 to the internet gateway in a table of database subnets",
        expected: Expected::Repaired("vpc/db-rt-c", "Routes"),
        fails: &["access/database-routes"],
        act: |hand| {
            Box::pin(async move {
                let table = hand.output("vpc/db-rt-c", "RouteTableId")?;
                let gateway = hand.output("vpc/igw", "InternetGatewayId")?;
                let request = hand.cx().ec2().create_route().route_table_id(table).gateway_id(gateway);
                done(request.destination_cidr_block(ANYWHERE).send().await)
            })
        },
    },
    Deed {
        id: "network-acl/entry",
        kind: NetworkAcl::<Resolved>::KIND,
        command: "ec2 create-network-acl-entry: allow everything",
        expected: Expected::Repaired("vpc/db-acl", "Entries"),
        fails: &["access/database-acl"],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().ec2().create_network_acl_entry().rule_number(50).protocol("-1");
                let request = request.network_acl_id(hand.output("vpc/db-acl", "Id")?).egress(false);
                let request = request.rule_action(RuleAction::Allow).cidr_block(ANYWHERE);
                done(request.send().await)
            })
        },
    },
    Deed {
        id: "security-group/rule",
        kind: SecurityGroup::<Resolved>::KIND,
        command: "ec2 authorize-security-group-ingress: 5432 from everywhere",
        expected: Expected::Repaired("database/security-group", "SecurityGroupIngress"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let group = hand.output("database/security-group", "GroupId")?;
                let request = hand.cx().ec2().authorize_security_group_ingress().group_id(group);
                done(request.ip_permissions(from_anywhere(5432)).send().await)
            })
        },
    },
    Deed {
        id: "default-security-group/rule",
        kind: DefaultSecurityGroup::<Resolved>::KIND,
        command: "ec2 authorize-security-group-ingress: 22 from everywhere, in the VPC's default group",
        expected: Expected::Repaired("vpc/default-security-group", "SecurityGroupIngress"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let group = hand.output("vpc/default-security-group", "GroupId")?;
                let request = hand.cx().ec2().authorize_security_group_ingress().group_id(group);
                done(request.ip_permissions(from_anywhere(22)).send().await)
            })
        },
    },
    Deed {
        id: "security-group-rule/all-tags",
        kind: SecurityGroupIngress::<Resolved>::KIND,
        command: "ec2 delete-tags: all tags that say whose the rule is",
        expected: Expected::Repaired("alb/ingress-80-from-0-0-0-0-0", "Tags"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let rule = hand.output("alb/ingress-80-from-0-0-0-0-0", "Id")?;
                let keys =
                    [aws::tags::PROJECT, aws::tags::ENVIRONMENT, aws::tags::ADDRESS, aws::tags::INTENT];
                let tags = keys.map(|key| Tag::builder().key(key).build()).to_vec();
                done(hand.cx().ec2().delete_tags().resources(rule).set_tags(Some(tags)).send().await)
            })
        },
    },
    Deed {
        id: "vpc/identity-tag",
        kind: Vpc::KIND,
        command: "ec2 delete-tags stack:project",
        expected: Expected::Repaired("vpc/vpc", "Tags"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let tag = Tag::builder().key(aws::tags::PROJECT).build();
                let request = hand.cx().ec2().delete_tags().resources(hand.output("vpc/vpc", "VpcId")?);
                done(request.tags(tag).send().await)
            })
        },
    },
    Deed {
        id: "vpc/tag",
        kind: Vpc::KIND,
        command: "ec2 create-tags CostCenter",
        expected: Expected::Repaired("vpc/vpc", "Tags"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let tag = Tag::builder().key("CostCenter").value("42").build();
                let request = hand.cx().ec2().create_tags().resources(hand.output("vpc/vpc", "VpcId")?);
                done(request.tags(tag).send().await)
            })
        },
    },
    Deed {
        id: "vpc/subnet",
        kind: Vpc::KIND,
        command: "ec2 create-subnet in the stack's VPC",
        expected: Expected::NotSeen(
            "an object of somebody's own. It reaches nothing of ours: security groups name each other and not the VPC, and the \
             network ACL lets only private subnets to the databases",
        ),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().ec2().create_subnet().vpc_id(hand.output("vpc/vpc", "VpcId")?);
                done(request.cidr_block("10.0.200.0/24").send().await)
            })
        },
    },
    Deed {
        id: "listener/rule",
        kind: Listener::<Resolved>::KIND,
        command: "elbv2 create-rule: priority 1, for every path",
        expected: Expected::Repaired("alb/http-listener", "Rules"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let answer = elb::FixedResponseActionConfig::builder().status_code("200").build();
                let action = elb::Action::builder()
                    .r#type(elb::ActionTypeEnum::FixedResponse)
                    .fixed_response_config(answer)
                    .build();
                let every = elb::PathPatternConditionConfig::builder().values("*").build();
                let every = elb::RuleCondition::builder().field("path-pattern").path_pattern_config(every);
                let listener = hand.output("alb/http-listener", "ListenerArn")?;
                let request = hand.elb().create_rule().listener_arn(listener).priority(1);
                done(request.conditions(every.build()).actions(action).send().await)
            })
        },
    },
    Deed {
        id: "load-balancer/listener",
        kind: LoadBalancer::<Resolved>::KIND,
        command: "elbv2 create-listener on port 8080",
        expected: Expected::NotSeen(
            "nobody reaches it: the load balancer's security group lets in the declared ports only, and a rule that is added to \
             it is seen",
        ),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let answer = elb::FixedResponseActionConfig::builder().status_code("200").build();
                let action = elb::Action::builder()
                    .r#type(elb::ActionTypeEnum::FixedResponse)
                    .fixed_response_config(answer)
                    .build();
                let balancer = hand.output("alb/load-balancer", "LoadBalancerArn")?;
                let request = hand.elb().create_listener().load_balancer_arn(balancer).port(8080);
                let request = request.protocol(elb::ProtocolEnum::Http).default_actions(action);
                done(request.send().await)
            })
        },
    },
    Deed {
        id: "listener-rule/weights",
        kind: ListenerRule::<Resolved>::KIND,
        command: "elbv2 modify-rule: both groups with weight 50",
        expected: Expected::Kept("alb/production-rule"),
        fails: &["access/targets"],
        act: |hand| {
            Box::pin(async move {
                let rule = hand.output("alb/production-rule", "RuleArn")?;
                let groups = ["alb/blue-target-group", "alb/green-target-group"];
                let groups = groups.map(|group| hand.output(group, "TargetGroupArn"));
                let mut tuples = Vec::new();
                for group in groups {
                    tuples.push(elb::TargetGroupTuple::builder().target_group_arn(group?).weight(50).build());
                }
                let config = elb::ForwardActionConfig::builder().set_target_groups(Some(tuples)).build();
                let action =
                    elb::Action::builder().r#type(elb::ActionTypeEnum::Forward).forward_config(config);
                let request = hand.elb().modify_rule().rule_arn(rule).actions(action.build());
                done(request.send().await)
            })
        },
    },
    Deed {
        id: "target-group/target",
        kind: TargetGroup::<Resolved>::KIND,
        command: "elbv2 register-targets: an address of somebody's own",
        expected: Expected::NotSeen(
            "ECS puts tasks in and takes them out all the time, and which address is a task of the service is known to ECS alone",
        ),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let group = hand.output("alb/blue-target-group", "TargetGroupArn")?;
                let target = elb::TargetDescription::builder().id("10.0.10.250").port(8080).build();
                done(hand.elb().register_targets().target_group_arn(group).targets(target).send().await)
            })
        },
    },
    Deed {
        id: "vpc/default-network-acl",
        kind: Vpc::KIND,
        command: "ec2 create-network-acl-entry in the default ACL: nothing comes in on port 443",
        expected: Expected::Repaired("vpc/vpc", "DefaultNetworkAclEntries"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let of = |name: &str, value: String| Filter::builder().name(name).values(value).build();
                let found = hand.cx().ec2().describe_network_acls().filters(of("default", "true".to_owned()));
                let found = found.filters(of("vpc-id", hand.output("vpc/vpc", "VpcId")?)).send().await;
                let found = found.map_err(|error| words(&error))?;
                let acl = found.network_acls().first().and_then(|acl| acl.network_acl_id());
                let entry = hand.cx().ec2().create_network_acl_entry();
                let entry = entry.network_acl_id(acl.ok_or("the VPC has no default ACL")?).rule_number(50);
                let https = PortRange::builder().from(443).to(443).build();
                let entry = entry.egress(false).protocol("6").port_range(https).cidr_block(ANYWHERE);
                done(entry.rule_action(RuleAction::Deny).send().await)
            })
        },
    },
    Deed {
        id: "load-balancer/attribute",
        kind: LoadBalancer::<Resolved>::KIND,
        command: "elbv2 modify-load-balancer-attributes: X-Forwarded-For as clients send it",
        expected: Expected::Repaired("alb/load-balancer", "LoadBalancerAttributes"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let attribute = elb::LoadBalancerAttribute::builder();
                let attribute = attribute.key("routing.http.xff_header_processing.mode").value("preserve");
                let request = hand.elb().modify_load_balancer_attributes().attributes(attribute.build());
                let balancer = hand.output("alb/load-balancer", "LoadBalancerArn")?;
                done(request.load_balancer_arn(balancer).send().await)
            })
        },
    },
];

fn from_anywhere(port: i32) -> IpPermission {
    let anywhere = IpRange::builder().cidr_ip(ANYWHERE).build();
    IpPermission::builder().ip_protocol("tcp").from_port(port).to_port(port).ip_ranges(anywhere).build()
}
