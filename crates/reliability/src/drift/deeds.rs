//! What somebody does that is not another value of a property: adds something, takes a tag off, moves a weight.

use std::pin::Pin;

use alb::resources::{Listener, ListenerRule, LoadBalancer, TargetGroup};
use apigw::resources::{ApiResource, Deployment, RestApi, UsagePlan, UsagePlanKey, VpcLink};
use aws::resources::{
    Key, LogGroup, Queue, Role, SecurityGroup, SecurityGroupEgress, SecurityGroupIngress, ServiceLinkedRole,
};
use aws_sdk_ec2::types::{IpPermission, IpRange, RuleAction, Tag};
use backup::resources::{BackupSelection, Function};
use database::resources::Cluster;
use ecs::resources::{Repository, Service};
use engine::{Resolved, Resource};
use monitoring::resources::{Subscription, Topic};
use vpc::resources::{DefaultSecurityGroup, NetworkAcl, RouteTable, Vpc};

use super::{Hand, Seen};

/// What must come of a deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `refresh` shows this property of this object as drift, and nothing else; `up` takes it back.
    Repaired(&'static str, &'static str),
    /// `refresh` says so in a remark that begins with this address; `up` leaves it.
    Kept(&'static str),
    /// Nobody says anything, because of this.
    NotSeen(&'static str),
}

type Doing<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// What somebody does with a plain client.
#[derive(Clone, Copy)]
pub struct Deed {
    /// Its name, by which it is run alone.
    pub id: &'static str,
    /// The kind that it is done to.
    pub kind: &'static str,
    /// The command, in short.
    pub command: &'static str,
    /// What must come of it.
    pub expected: Expected,
    /// Checks of `verify` that must fail, beside those that fail for every drift.
    pub fails: &'static [&'static str],
    /// Does it.
    pub act: for<'a> fn(&'a Hand<'a>) -> Doing<'a>,
}

impl Deed {
    /// Whether what came of it is what must.
    #[must_use]
    pub fn is_as_expected(&self, seen: &Seen) -> bool {
        let failures: Vec<&str> = seen.failures.iter().copied().collect();
        if seen.refused.is_some() || seen.up.is_some() || failures != self.fails {
            return false;
        }
        match self.expected {
            Expected::Repaired(address, property) => {
                let alone = seen.drift.len() == 1
                    && seen.drift.iter().all(|(found, changed)| found == address && changed == property);
                alone && seen.is_repaired() && seen.changed.iter().all(|changed| changed == address)
            }
            Expected::Kept(address) => {
                let is_said = seen.remarks.iter().any(|remark| remark.starts_with(address));
                is_said && seen.drift.is_empty() && seen.changed.is_empty()
            }
            Expected::NotSeen(_) => {
                seen.drift.is_empty()
                    && seen.remarks.is_empty()
                    && seen.changed.is_empty()
                    && !seen.verify_fails
            }
        }
    }
}

impl std::fmt::Debug for Deed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deed").field("id", &self.id).field("expected", &self.expected).finish_non_exhaustive()
    }
}

/// Kinds that nobody can change in place and to which nothing can be added, and why there is no entry.
pub const UNTOUCHED: &[(&str, &str)] = &[
    (Deployment::<Resolved>::KIND, "a deployment never changes; what it serves is seen at its stage"),
    (
        ApiResource::<Resolved>::KIND,
        "a path never changes; what is added below it is served by another deployment only",
    ),
    (UsagePlanKey::<Resolved>::KIND, "it is there or not; keys that are added are seen at their plan"),
    (VpcLink::<Resolved>::KIND, "with private ingress only; the contract of its tier has every property"),
    (BackupSelection::<Resolved>::KIND, "a selection never changes; one more backs up more"),
    (
        SecurityGroupEgress::<Resolved>::KIND,
        "a rule never changes; for its tags see the rules that let something in",
    ),
    (ServiceLinkedRole::KIND, "AWS lets nobody change it"),
    (
        Subscription::<Resolved>::KIND,
        "an e-mail address is pending on the embedded AWS; the contract of its tier sets a filter",
    ),
];

const ANYWHERE: &str = "0.0.0.0/0";

/// All of them.
pub const DEEDS: &[Deed] = &[
    Deed {
        id: "role/managed-policy",
        kind: Role::<Resolved>::KIND,
        command: "iam attach-role-policy",
        expected: Expected::Repaired("ecs/task-role", "ManagedPolicyArns"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let role = hand.output("ecs/task-role", "RoleName")?;
                let policy = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole";
                let request = hand.cx().iam().attach_role_policy().role_name(role).policy_arn(policy);
                done(request.send().await)
            })
        },
    },
    Deed {
        id: "role/inline-policy",
        kind: Role::<Resolved>::KIND,
        command: "iam put-role-policy",
        expected: Expected::Repaired("ecs/task-role", "Policies"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let role = hand.output("ecs/task-role", "RoleName")?;
                let request = hand.cx().iam().put_role_policy().role_name(role).policy_name("more");
                done(request.policy_document(POLICY).send().await)
            })
        },
    },
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
                use aws_sdk_elasticloadbalancingv2::types as elb;
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
                use aws_sdk_elasticloadbalancingv2::types as elb;
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
                use aws_sdk_elasticloadbalancingv2::types as elb;
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
                use aws_sdk_elasticloadbalancingv2::types as elb;
                let group = hand.output("alb/blue-target-group", "TargetGroupArn")?;
                let target = elb::TargetDescription::builder().id("10.0.10.250").port(8080).build();
                done(hand.elb().register_targets().target_group_arn(group).targets(target).send().await)
            })
        },
    },
    Deed {
        id: "service/identity-tag",
        kind: Service::<Resolved>::KIND,
        command: "ecs untag-resource stack:project",
        expected: Expected::Repaired("ecs/service", "Tags"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_ecs::Client::new).untag_resource();
                let request = request.resource_arn(hand.output("ecs/service", "ServiceArn")?);
                done(request.tag_keys(aws::tags::PROJECT).send().await)
            })
        },
    },
    Deed {
        id: "repository/policy",
        kind: Repository::KIND,
        command: "ecr set-repository-policy: another account may push",
        expected: Expected::Repaired("ecs/repository", "RepositoryPolicyText"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_ecr::Client::new).set_repository_policy();
                let request = request.repository_name(hand.property("ecs/repository", "RepositoryName")?);
                let policy = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Push","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":["ecr:PutImage"]}]}"#;
                done(request.policy_text(policy).send().await)
            })
        },
    },
    Deed {
        id: "cluster/instance",
        kind: Cluster::<Resolved>::KIND,
        command: "rds create-db-instance in the stack's cluster",
        expected: Expected::Kept("database/cluster"),
        fails: &["access/database"],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_rds::Client::new).create_db_instance();
                let cluster = hand.output("database/cluster", "DBClusterIdentifier")?;
                let request =
                    request.db_instance_identifier("payment-by-hand").db_cluster_identifier(cluster);
                let request = request.engine("aurora-postgresql").db_instance_class("db.serverless");
                done(request.send().await)?;
                // Until it is there.
                tokio::time::sleep(std::time::Duration::from_secs(1800)).await;
                Ok(())
            })
        },
    },
    Deed {
        id: "key/alias",
        kind: Key::KIND,
        command: "kms create-alias for the stack's key",
        expected: Expected::NotSeen("a name gives nobody access: the key's policy decides, and is read"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_kms::Client::new).create_alias();
                let request = request.target_key_id(hand.output("database/key", "KeyId")?);
                done(request.alias_name("alias/somebody").send().await)
            })
        },
    },
    Deed {
        id: "log-group/metric-filter",
        kind: LogGroup::<Resolved>::KIND,
        command: "logs put-metric-filter",
        expected: Expected::NotSeen("it counts lines for somebody and changes nothing"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                use aws_sdk_cloudwatchlogs::types::MetricTransformation;
                let counted = MetricTransformation::builder().metric_name("n").metric_namespace("their");
                let counted = counted.metric_value("1").build().map_err(|error| error.to_string())?;
                let group = hand.property("ecs/app-log-group", "LogGroupName")?;
                let request =
                    hand.cx().logs().put_metric_filter().log_group_name(group).filter_name("theirs");
                done(request.filter_pattern("ERROR").metric_transformations(counted).send().await)
            })
        },
    },
    Deed {
        id: "topic/subscription",
        kind: Topic::<Resolved>::KIND,
        command: "sns subscribe: one more address",
        expected: Expected::NotSeen(
            "to be told of alarms is what the topic is for, people and tools subscribe themselves; who may do so, the topic's \
             policy says, and it is read",
        ),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_sns::Client::new).subscribe().protocol("email");
                let request = request.topic_arn(hand.output("monitoring/topic", "TopicArn")?);
                done(request.endpoint("somebody@example.com").send().await)
            })
        },
    },
    Deed {
        id: "queue/policy",
        kind: Queue::<Resolved>::KIND,
        command: "sqs set-queue-attributes Policy: another account may receive",
        expected: Expected::Repaired("backup/dead-letter-queue", "Policy"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let arn = hand.output("backup/dead-letter-queue", "Arn")?;
                let policy = format!(
                    r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"123456789012"}},"Action":"sqs:ReceiveMessage","Resource":"{arn}"}}]}}"#
                );
                let request = hand.cx().client(aws_sdk_sqs::Client::new).set_queue_attributes();
                let request = request.queue_url(hand.output("backup/dead-letter-queue", "QueueUrl")?);
                let name = aws_sdk_sqs::types::QueueAttributeName::Policy;
                done(request.attributes(name, policy).send().await)
            })
        },
    },
    Deed {
        id: "function/concurrency",
        kind: Function::<Resolved>::KIND,
        command: "lambda put-function-concurrency 0: it never runs again",
        expected: Expected::Repaired("backup/function", "ReservedConcurrentExecutions"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_lambda::Client::new).put_function_concurrency();
                let request = request.function_name(hand.output("backup/function", "FunctionName")?);
                done(request.reserved_concurrent_executions(0).send().await)
            })
        },
    },
    Deed {
        id: "function/permission",
        kind: Function::<Resolved>::KIND,
        command: "lambda add-permission: another service may invoke it",
        expected: Expected::NotSeen(
            "who invokes it can make it look at the backups once more and report to our topic, and sees nothing of it",
        ),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let request = hand.cx().client(aws_sdk_lambda::Client::new).add_permission();
                let request = request.function_name(hand.output("backup/function", "FunctionName")?);
                let request = request.statement_id("theirs").action("lambda:InvokeFunction");
                done(request.principal("events.amazonaws.com").send().await)
            })
        },
    },
    Deed {
        id: "usage-plan/key",
        kind: UsagePlan::<Resolved>::KIND,
        command: "apigateway create-api-key, create-usage-plan-key: lets somebody in",
        expected: Expected::Repaired("apigw/usage-plan", "Keys"),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let gateway = hand.cx().client(aws_sdk_apigateway::Client::new);
                let key = gateway.create_api_key().name("somebody").enabled(true).send().await;
                let key = key.map_err(|error| words(&error))?.id.ok_or("the key has no id")?;
                let request = gateway.create_usage_plan_key().key_id(key).key_type("API_KEY");
                done(request.usage_plan_id(hand.output("apigw/usage-plan", "Id")?).send().await)
            })
        },
    },
    Deed {
        id: "rest-api/resource",
        kind: RestApi::KIND,
        command: "apigateway create-resource, put-method without a key",
        expected: Expected::NotSeen(
            "it is not served before somebody deploys the API: then the stage has another deployment, which is drift; \
             a plan of ours that would deploy it is refused, and names it",
        ),
        fails: &[],
        act: |hand| {
            Box::pin(async move {
                let gateway = hand.cx().client(aws_sdk_apigateway::Client::new);
                let api = hand.output("apigw/rest-api", "RestApiId")?;
                let root = hand.output("apigw/rest-api", "RootResourceId")?;
                let request = gateway.create_resource().rest_api_id(&api).parent_id(root).path_part("open");
                let made = request.send().await.map_err(|error| words(&error))?;
                let request =
                    gateway.put_method().rest_api_id(api).http_method("GET").authorization_type("NONE");
                done(request.resource_id(made.id.unwrap_or_default()).send().await)
            })
        },
    },
];

const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;

impl Hand<'_> {
    fn elb(&self) -> aws_sdk_elasticloadbalancingv2::Client {
        self.cx().client(aws_sdk_elasticloadbalancingv2::Client::new)
    }
}

fn from_anywhere(port: i32) -> IpPermission {
    let anywhere = IpRange::builder().cidr_ip(ANYWHERE).build();
    IpPermission::builder().ip_protocol("tcp").from_port(port).to_port(port).ip_ranges(anywhere).build()
}

fn done<T, E: std::error::Error + 'static>(answer: Result<T, E>) -> Result<(), String> {
    answer.map(drop).map_err(|error| words(&error))
}

fn words<E: std::error::Error>(error: &E) -> String {
    crate::world::words(error)
}
