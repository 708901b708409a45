//! The contract of every kind that tiers share.

use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::*;
use aws::{DeletionPolicy, KeyAlias, LogGroupName, SecurityGroupId, Tags, TopicArn, VpcId, WebAclArn};
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerSchemeEnum;
use aws_sdk_wafv2::types::{
    AllowAction, DefaultAction as LiveDefault, Scope, VisibilityConfig as Visibility,
};
use engine::Input;
use testing::contract::{Around, Entry};
use testing::{ACCOUNT, REGION, World};

testing::contract!(aws::kinds, around network, {
    role,
    service_linked_role,
    log_group,
    log_group_of_a_service,
    key,
    alarm,
    alarm_on_a_percentile,
    alarm_on_an_expression,
    alias,
    security_group,
    ingress,
    ingress_from_a_group,
    egress,
    egress_to_addresses,
    web_acl,
    logging_configuration,
    web_acl_association,
    queue,
    queue_with_dead_letters,
});

/// Two VPCs, two load balancers in the first, and two web ACLs.
#[derive(Clone)]
pub(crate) struct Network {
    vpcs: [VpcId; 2],
    load_balancers: [String; 2],
    web_acls: [WebAclArn; 2],
}

type Inside = Around<Network>;

async fn network(world: &World) -> Network {
    let ec2 = world.cx.ec2();
    let mut vpcs = Vec::new();
    let mut subnets = Vec::new();
    for number in 0..2 {
        let vpc = ec2.create_vpc().cidr_block(format!("10.{number}.0.0/16")).send().await.unwrap();
        let vpc = vpc.vpc.unwrap().vpc_id.unwrap();
        for (third, zone) in (0..).zip(["a", "b"]) {
            let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block(format!("10.{number}.{third}.0/24"));
            let subnet = subnet.availability_zone(format!("{REGION}{zone}")).send().await.unwrap();
            subnets.push(subnet.subnet.unwrap().subnet_id.unwrap());
        }
        vpcs.push(VpcId::from(vpc));
    }
    let elb = world.cx.client(aws_sdk_elasticloadbalancingv2::Client::new);
    let waf = world.cx.client(aws_sdk_wafv2::Client::new);
    let mut load_balancers = Vec::new();
    let mut web_acls = Vec::new();
    for name in ["front", "other"] {
        let made = elb.create_load_balancer().name(name).scheme(LoadBalancerSchemeEnum::Internal);
        let made = made.set_subnets(Some(subnets[..2].to_vec())).send().await.unwrap();
        load_balancers.push(made.load_balancers()[0].load_balancer_arn().unwrap().to_owned());
        let config = Visibility::builder()
            .sampled_requests_enabled(false)
            .cloud_watch_metrics_enabled(false)
            .metric_name(name);
        let allow = LiveDefault::builder().allow(AllowAction::builder().build()).build();
        let made = waf.create_web_acl().name(name).scope(Scope::Regional).default_action(allow);
        let made = made.visibility_config(config.build().unwrap()).send().await.unwrap();
        web_acls.push(WebAclArn::from(made.summary.unwrap().arn.unwrap()));
    }
    Network {
        vpcs: vpcs.try_into().unwrap(),
        load_balancers: load_balancers.try_into().unwrap(),
        web_acls: web_acls.try_into().unwrap(),
    }
}

fn tags(name: &str) -> Tags {
    Tags::new().with("Name", name).with("Environment", "dev")
}

fn trusting(service: &str) -> PolicyDocument {
    let trust = Statement::allow(["sts:AssumeRole"]).principal(Principal::Service(service.to_owned()));
    PolicyDocument::new([trust.when("StringEquals", "aws:SourceAccount", [ACCOUNT.into()])])
}

fn inline(name: &str, action: &str) -> InlinePolicy {
    let statement = Statement::allow([action]).resources(["arn:aws:logs:*:*:log-group:a:*".into()]);
    InlinePolicy { policy_name: name.to_owned(), policy_document: PolicyDocument::new([statement]) }
}

fn role(_around: &mut Inside) -> Entry<Role> {
    let role = Role {
        role_name: "payment-task-dev".into(),
        assume_role_policy_document: trusting("ecs-tasks.amazonaws.com"),
        description: Some("Writes logs".to_owned()),
        max_session_duration: None,
        policies: vec![inline("write", "logs:PutLogEvents")],
        managed_policy_arns: Vec::new(),
        tags: tags("payment-task-dev"),
    };
    let managed = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole";
    Entry::of(role)
        .other("RoleName", |role| role.role_name = "payment-other-dev".into())
        .other("AssumeRolePolicyDocument", |role| {
            role.assume_role_policy_document = trusting("lambda.amazonaws.com");
        })
        .other("Description", |role| role.description = None)
        .other("MaxSessionDuration", |role| role.max_session_duration = Some(7200))
        .other("Policies", |role| {
            role.policies =
                vec![inline("second", "logs:PutLogEvents"), inline("write", "logs:CreateLogStream")];
        })
        .other("ManagedPolicyArns", |role| role.managed_policy_arns = vec![managed.into()])
        .other("Tags", |role| role.tags = tags("renamed"))
}

fn service_linked_role(_around: &mut Inside) -> Entry<ServiceLinkedRole> {
    Entry::of(ServiceLinkedRole::of("ecs.amazonaws.com"))
        .other("AWSServiceName", |role| role.aws_service_name = "rds.amazonaws.com".to_owned())
        .fixed(["DeletionPolicy"], "it always stays")
        .stays("the account shares it")
}

fn a_log_group() -> LogGroup {
    LogGroup {
        log_group_name: LogGroupName::from("/ecs/payment-app-dev").into(),
        made_by_service: false,
        deletion_protection_enabled: false,
        retention_in_days: Some(RetentionDays::try_from(30).unwrap()),
        kms_key_id: None,
        deletion_policy: DeletionPolicy::Delete,
        tags: tags("payment-app-dev"),
    }
}

fn log_group(around: &mut Inside) -> Entry<LogGroup> {
    let key = around.add("key", Key { key_policy: for_logs(), ..a_key() }).arn;
    Entry::of(a_log_group())
        .other("LogGroupName", |group| group.log_group_name = LogGroupName::from("/ecs/other").into())
        .other("RetentionInDays", |group| group.retention_in_days = None)
        .other("KmsKeyId", |group| group.kms_key_id = Some(key))
        .recorded("DeletionPolicy", |group| group.deletion_policy = DeletionPolicy::Retain)
        .recorded("MadeByService", |group| group.made_by_service = true)
        .fixed(["DeletionProtectionEnabled"], "it is never declared")
        .other("Tags", |group| group.tags = tags("renamed"))
}

fn log_group_of_a_service(_around: &mut Inside) -> Entry<LogGroup> {
    let group = LogGroup {
        log_group_name: LogGroupName::from("API-Gateway-Execution-Logs_a1b2c3/dev").into(),
        made_by_service: true,
        deletion_protection_enabled: false,
        retention_in_days: None,
        kms_key_id: None,
        deletion_policy: DeletionPolicy::Delete,
        tags: tags("execution-logs"),
    };
    Entry::of(group)
        .other("RetentionInDays", |group| {
            group.retention_in_days = Some(RetentionDays::try_from(30).unwrap());
        })
        .other("Tags", |group| group.tags = Tags::new())
        .rest_elsewhere()
}

pub(crate) fn for_the_account() -> Statement {
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    Statement::allow(["kms:*"]).sid("Account").principal(Principal::Aws(root.into())).resources(["*".into()])
}

fn for_logs() -> PolicyDocument {
    let service = Principal::Service(format!("logs.{REGION}.amazonaws.com"));
    let logs = Statement::allow([
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey*",
        "kms:ReEncrypt*",
        "kms:Describe*",
    ])
    .sid("Logs")
    .principal(service)
    .resources(["*".into()]);
    PolicyDocument::new([for_the_account(), logs])
}

pub(crate) fn a_key() -> Key {
    Key {
        description: "Encrypts the ledger".to_owned(),
        enabled: true,
        deletion_date: None,
        enable_key_rotation: true,
        rotation_period_in_days: None,
        key_policy: PolicyDocument::new([for_the_account()]),
        pending_window_in_days: 30,
        deletion_policy: DeletionPolicy::Delete,
        tags: tags("payment-key-dev"),
    }
}

fn key(_around: &mut Inside) -> Entry<Key> {
    Entry::of(a_key())
        .remains("AWS::KMS::Key", "its deletion is only scheduled")
        .emptied("DeletionDate", "until the waiting period is over it can be saved")
        .emptied("Enabled", "it cannot be used meanwhile")
        .emptied("EnableKeyRotation", "nor is it rotated")
        .other("Enabled", |key| key.enabled = false)
        .fixed(["DeletionDate"], "it is never declared")
        .other("Description", |key| key.description = "Encrypts more".to_owned())
        .other("EnableKeyRotation", |key| key.enable_key_rotation = false)
        .other("RotationPeriodInDays", |key| key.rotation_period_in_days = Some(180))
        .other("KeyPolicy", |key| key.key_policy = for_logs())
        .recorded("PendingWindowInDays", |key| key.pending_window_in_days = 7)
        .recorded("DeletionPolicy", |key| key.deletion_policy = DeletionPolicy::Retain)
        .other("Tags", |key| key.tags = tags("renamed"))
}

fn alias(around: &mut Inside) -> Entry<Alias> {
    let key = around.add("key", a_key()).key_id;
    let other_key = around.add("key-2", a_key()).key_id;
    let alias = Alias { alias_name: KeyAlias::from("alias/payment-ledger-dev"), target_key_id: key };
    Entry::of(alias)
        .other("AliasName", |alias| alias.alias_name = KeyAlias::from("alias/payment-other-dev"))
        .other("TargetKeyId", |alias| alias.target_key_id = other_key)
}

fn topic(name: &str) -> Vec<Input<TopicArn>> {
    vec![TopicArn::from(format!("arn:aws:sns:{REGION}:{ACCOUNT}:{name}")).into()]
}

fn dimension(value: &str) -> Vec<Dimension> {
    vec![Dimension { name: "ClusterName".to_owned(), value: value.into() }]
}

fn an_alarm() -> Alarm {
    let name = "payment-ecs-cpu-dev";
    Alarm {
        ok_actions: topic("alarms"),
        namespace: Some("AWS/ECS".to_owned()),
        metric_name: Some("CPUUtilization".to_owned()),
        dimensions: dimension("payment-cluster-dev"),
        statistic: Some("Average".to_owned()),
        period: Some(60),
        threshold: Some(80.0),
        comparison_operator: "GreaterThanThreshold".to_owned(),
        evaluation_periods: 3,
        ..Alarm::silent(name, "CPU is high", &topic("alarms"), tags(name))
    }
}

fn alarm(_around: &mut Inside) -> Entry<Alarm> {
    Entry::of(an_alarm())
        .other("AlarmName", |alarm| alarm.alarm_name = "payment-other-dev".into())
        .other("AlarmDescription", |alarm| alarm.alarm_description = "It is high".to_owned())
        .other("ActionsEnabled", |alarm| alarm.actions_enabled = false)
        .other("AlarmActions", |alarm| alarm.alarm_actions = topic("other"))
        .other("OKActions", |alarm| alarm.ok_actions = Vec::new())
        .other("InsufficientDataActions", |alarm| alarm.insufficient_data_actions = topic("other"))
        .other("Namespace", |alarm| alarm.namespace = Some("ECS/ContainerInsights".to_owned()))
        .other("MetricName", |alarm| alarm.metric_name = Some("MemoryUtilization".to_owned()))
        .other("Dimensions", |alarm| alarm.dimensions = dimension("other"))
        .other("Statistic", |alarm| alarm.statistic = Some("Maximum".to_owned()))
        .other("Period", |alarm| alarm.period = Some(300))
        .other("Unit", |alarm| alarm.unit = Some("Percent".to_owned()))
        .other("Threshold", |alarm| alarm.threshold = Some(90.5))
        .other("ComparisonOperator", |alarm| {
            alarm.comparison_operator = "GreaterThanOrEqualToThreshold".to_owned();
        })
        .other("EvaluationPeriods", |alarm| alarm.evaluation_periods = 5)
        .other("DatapointsToAlarm", |alarm| alarm.datapoints_to_alarm = Some(2))
        .other("EvaluationWindow", |alarm| {
            let wall_clock_window = WallClockWindow { timezone: Some("Asia/Tokyo".to_owned()) };
            alarm.evaluation_window = Some(EvaluationWindow { wall_clock_window });
        })
        .other("WarmUpConfiguration", |alarm| {
            alarm.warm_up_configuration = Some(WarmUpConfiguration {
                warm_up_period_duration_in_minutes: 15,
                only_start_evaluating_after_warm_up_period_ends: true,
            });
        })
        .other("TreatMissingData", |alarm| alarm.treat_missing_data = Some("notBreaching".to_owned()))
        .other("Tags", |alarm| alarm.tags = tags("renamed"))
        .rest_elsewhere()
}

fn alarm_on_a_percentile(_around: &mut Inside) -> Entry<Alarm> {
    let alarm = Alarm { statistic: None, extended_statistic: Some("p99".to_owned()), ..an_alarm() };
    Entry::of(alarm)
        .other("ExtendedStatistic", |alarm| alarm.extended_statistic = Some("p95".to_owned()))
        .other("EvaluateLowSampleCountPercentile", |alarm| {
            alarm.evaluate_low_sample_count_percentile = Some("ignore".to_owned());
        })
        .rest_elsewhere()
}

fn alarm_on_an_expression(_around: &mut Inside) -> Entry<Alarm> {
    let metric = |id: &str, name: &str| {
        let metric = Metric {
            namespace: "AWS/ECS".to_owned(),
            metric_name: name.to_owned(),
            dimensions: dimension("payment-cluster-dev"),
        };
        let stat = MetricStat { metric, period: 60, stat: "Average".to_owned(), unit: None };
        MetricDataQuery { return_data: true, ..MetricDataQuery::metric(id, stat) }
    };
    let band = |id: &str| MetricDataQuery {
        label: Some("expected".to_owned()),
        ..MetricDataQuery::expression(id, "ANOMALY_DETECTION_BAND(cpu, 2)".to_owned())
    };
    let alarm = Alarm {
        namespace: None,
        metric_name: None,
        dimensions: Vec::new(),
        statistic: None,
        period: None,
        threshold: None,
        comparison_operator: "GreaterThanUpperThreshold".to_owned(),
        metrics: vec![metric("cpu", "CPUUtilization"), band("band")],
        threshold_metric_id: Some("band".to_owned()),
        ..an_alarm()
    };
    Entry::of(alarm)
        .other("Metrics", |alarm| alarm.metrics = vec![metric("cpu", "MemoryUtilization"), band("band")])
        .other("ComparisonOperator", |alarm| {
            alarm.comparison_operator = "LessThanLowerOrGreaterThanUpperThreshold".to_owned();
        })
        .fixed(["ThresholdMetricId"], "it is the id of one of the metrics")
        .rest_elsewhere()
}

fn a_group(vpc_id: &VpcId) -> SecurityGroup {
    SecurityGroup {
        group_name: "payment-app-dev".to_owned(),
        group_description: "Tasks".to_owned(),
        vpc_id: vpc_id.clone().into(),
        security_group_ingress: Vec::new(),
        security_group_egress: Vec::new(),
        tags: tags("payment-app-dev"),
    }
}

fn security_group(around: &mut Inside) -> Entry<SecurityGroup> {
    let [vpc, other_vpc] = around.inputs.vpcs.clone();
    Entry::of(a_group(&vpc))
        .other("GroupName", |group| group.group_name = "payment-other-dev".to_owned())
        .other("GroupDescription", |group| group.group_description = "Other tasks".to_owned())
        .other("VpcId", |group| group.vpc_id = other_vpc.into())
        .other("Tags", |group| group.tags = tags("renamed"))
        .fixed(["SecurityGroupIngress", "SecurityGroupEgress"], "rules are resources of their own")
}

/// Two groups.
fn groups(around: &mut Inside) -> [Input<SecurityGroupId>; 2] {
    let [vpc, _] = around.inputs.vpcs.clone();
    ["first", "second"].map(|name| {
        let group = SecurityGroup { group_name: name.to_owned(), ..a_group(&vpc) };
        around.add(name, group).group_id
    })
}

fn an_ingress(group_id: Input<SecurityGroupId>) -> SecurityGroupIngress {
    SecurityGroupIngress {
        group_id,
        ip_protocol: "tcp".to_owned(),
        from_port: Some(443),
        to_port: Some(443),
        cidr_ip: Some("10.0.0.0/16".into()),
        source_security_group_id: None,
        source_prefix_list_id: None,
        description: "HTTPS".to_owned(),
        tags: Tags::new(),
    }
}

fn ingress(around: &mut Inside) -> Entry<SecurityGroupIngress> {
    let [group, other_group] = groups(around);
    Entry::of(an_ingress(group))
        .other("GroupId", |rule| rule.group_id = other_group)
        .other("IpProtocol", |rule| rule.ip_protocol = "udp".to_owned())
        .other("FromPort", |rule| rule.from_port = Some(442))
        .other("ToPort", |rule| rule.to_port = Some(444))
        .other("CidrIp", |rule| rule.cidr_ip = Some("10.1.0.0/16".into()))
        .other("Description", |rule| rule.description = "TLS".to_owned())
        .fixed(["SourceSecurityGroupId", "SourcePrefixListId"], "a rule has one peer")
        .fixed(["Tags"], "only those that say whose it is")
}

fn ingress_from_a_group(around: &mut Inside) -> Entry<SecurityGroupIngress> {
    let [group, other_group] = groups(around);
    let rule = SecurityGroupIngress {
        cidr_ip: None,
        source_security_group_id: Some(group.clone()),
        ..an_ingress(group)
    };
    Entry::of(rule)
        .other("SourceSecurityGroupId", |rule| rule.source_security_group_id = Some(other_group))
        .fixed(["CidrIp", "SourcePrefixListId"], "a rule has one peer")
        .rest_elsewhere()
}

fn an_egress(group_id: Input<SecurityGroupId>) -> SecurityGroupEgress {
    SecurityGroupEgress {
        group_id,
        ip_protocol: "tcp".to_owned(),
        from_port: Some(5432),
        to_port: Some(5432),
        cidr_ip: None,
        destination_security_group_id: None,
        destination_prefix_list_id: None,
        description: "PostgreSQL".to_owned(),
        tags: Tags::new(),
    }
}

fn egress(around: &mut Inside) -> Entry<SecurityGroupEgress> {
    let [group, other_group] = groups(around);
    let rule = SecurityGroupEgress { destination_security_group_id: Some(group.clone()), ..an_egress(group) };
    Entry::of(rule)
        .other("GroupId", |rule| rule.group_id = other_group.clone())
        .other("IpProtocol", |rule| rule.ip_protocol = "udp".to_owned())
        .other("FromPort", |rule| rule.from_port = Some(5431))
        .other("ToPort", |rule| rule.to_port = Some(5433))
        .other("DestinationSecurityGroupId", |rule| {
            rule.destination_security_group_id = Some(other_group.clone());
        })
        .other("Description", |rule| rule.description = "Database".to_owned())
        .fixed(["CidrIp", "DestinationPrefixListId"], "a rule has one peer; see the other entry")
        .fixed(["Tags"], "only those that say whose it is")
}

fn egress_to_addresses(around: &mut Inside) -> Entry<SecurityGroupEgress> {
    let [group, _] = groups(around);
    let rule = SecurityGroupEgress { cidr_ip: Some("0.0.0.0/0".into()), ..an_egress(group) };
    Entry::of(rule)
        .other("CidrIp", |rule| rule.cidr_ip = Some("10.0.0.0/8".into()))
        .fixed(["DestinationSecurityGroupId", "DestinationPrefixListId"], "a rule has one peer")
        .rest_elsewhere()
}

fn web_acl_association(around: &mut Inside) -> Entry<WebAclAssociation> {
    let [load_balancer, other_load_balancer] = around.inputs.load_balancers.clone();
    let [web_acl, other_web_acl] = around.inputs.web_acls.clone();
    let association = WebAclAssociation { resource_arn: load_balancer.into(), web_acl_arn: web_acl.into() };
    Entry::of(association)
        .other("ResourceArn", |association| association.resource_arn = other_load_balancer.into())
        .other("WebACLArn", |association| association.web_acl_arn = other_web_acl.into())
}

fn a_queue(name: &str) -> Queue {
    Queue {
        queue_name: name.into(),
        message_retention_period: 86_400,
        visibility_timeout: None,
        redrive_policy: None,
        sqs_managed_sse_enabled: true,
        policy: None,
        tags: Tags::new().with("Name", name),
    }
}

fn queue(around: &mut Inside) -> Entry<Queue> {
    let dead = around.add("dead-letters", a_queue("payment-dead-dev")).arn;
    Entry::of(a_queue("payment-queue-dev"))
        .other("QueueName", |queue| queue.queue_name = "payment-other-dev".into())
        .other("MessageRetentionPeriod", |queue| queue.message_retention_period = 3600)
        .other("VisibilityTimeout", |queue| queue.visibility_timeout = Some(60))
        .other("RedrivePolicy", |queue| {
            queue.redrive_policy = Some(RedrivePolicy { dead_letter_target_arn: dead, max_receive_count: 3 });
        })
        .other("SqsManagedSseEnabled", |queue| queue.sqs_managed_sse_enabled = false)
        .other("Policy", |queue| {
            queue.policy = Some(
                serde_json::json!({
                    "Version": "2012-10-17",
                    "Statement": [{
                        "Effect": "Allow", "Principal": { "AWS": ACCOUNT }, "Action": "sqs:ReceiveMessage",
                        "Resource": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:payment-queue-dev"),
                    }],
                })
                .to_string(),
            );
        })
        .other("Tags", |queue| queue.tags = Tags::new().with("Name", "renamed"))
}

fn queue_with_dead_letters(around: &mut Inside) -> Entry<Queue> {
    let [dead, other] =
        ["payment-dead-dev", "payment-dead-2-dev"].map(|name| around.add(name, a_queue(name)).arn);
    let policy =
        |arn, max_receive_count| Some(RedrivePolicy { dead_letter_target_arn: arn, max_receive_count });
    let base = Queue {
        visibility_timeout: Some(30),
        redrive_policy: policy(dead, 5),
        ..a_queue("payment-queue-dev")
    };
    Entry::of(base)
        .other("RedrivePolicy", |queue| queue.redrive_policy = policy(other, 3))
        .other("VisibilityTimeout", |queue| queue.visibility_timeout = Some(43_200))
        .rest_elsewhere()
}

fn a_web_acl(name: &str) -> WebAcl {
    let rule = |name: &str, priority, statement, action, override_action| WebAclRule {
        name: name.to_owned(),
        priority,
        statement,
        action,
        override_action,
        visibility_config: VisibilityConfig::metric(name),
    };
    let rate =
        RateBasedStatement { limit: 2000, evaluation_window_sec: 300, aggregate_key_type: "IP".to_owned() };
    let group = ManagedRuleGroupStatement {
        vendor_name: "AWS".to_owned(),
        name: "AWSManagedRulesCommonRuleSet".to_owned(),
    };
    let group = aws::resources::Statement::ManagedRuleGroupStatement(group);
    WebAcl {
        name: name.to_owned(),
        description: "Before something".to_owned(),
        scope: "REGIONAL".to_owned(),
        default_action: DefaultAction::Allow {},
        rules: vec![
            rule(
                "rate",
                0,
                aws::resources::Statement::RateBasedStatement(rate),
                Some(RuleAction::Block {}),
                None,
            ),
            rule("common", 1, group, None, Some(OverrideAction::None {})),
        ],
        visibility_config: VisibilityConfig::metric(name),
        tags: tags(name),
    }
}

fn web_acl(_around: &mut Inside) -> Entry<WebAcl> {
    Entry::of(a_web_acl("payment-waf-dev"))
        .other("Name", |web_acl| web_acl.name = "payment-other-dev".to_owned())
        .other("Description", |web_acl| web_acl.description = "Before something else".to_owned())
        .other("DefaultAction", |web_acl| web_acl.default_action = DefaultAction::Block {})
        .other("Rules", |web_acl| drop(web_acl.rules.remove(1)))
        .other("VisibilityConfig", |web_acl| web_acl.visibility_config.sampled_requests_enabled = true)
        .other("Tags", |web_acl| web_acl.tags = tags("renamed"))
        .fixed(["Scope"], "the other one is for CloudFront, in another region")
}

fn logging_configuration(around: &mut Inside) -> Entry<LoggingConfiguration> {
    let [web_acl, other] =
        ["payment-waf-dev", "payment-other-dev"].map(|name| around.add(name, a_web_acl(name)).arn);
    let [destination, elsewhere] = ["aws-waf-logs-payment-dev", "aws-waf-logs-other"].map(|name| {
        let group = LogGroup { log_group_name: LogGroupName::from(name).into(), ..a_log_group() };
        let group = around.add(name, group).log_group_name;
        Input::join([format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:").into(), (&group).into()])
    });
    let blocked = LogCondition {
        action_condition: Some(ActionCondition { action: "BLOCK".to_owned() }),
        label_name_condition: None,
    };
    let keep = LogFilter {
        behavior: "KEEP".to_owned(),
        requirement: "MEETS_ANY".to_owned(),
        conditions: vec![blocked],
    };
    let filter = LoggingFilter { default_behavior: "DROP".to_owned(), filters: vec![keep] };
    let logging = LoggingConfiguration {
        resource_arn: web_acl,
        log_destination_configs: vec![destination],
        redacted_fields: vec![FieldToMatch::header("authorization")],
        logging_filter: None,
    };
    Entry::of(logging)
        .other("ResourceArn", |logging| logging.resource_arn = other)
        .other("LogDestinationConfigs", |logging| logging.log_destination_configs = vec![elsewhere])
        .other("RedactedFields", |logging| logging.redacted_fields = vec![FieldToMatch::header("x-token")])
        .other("LoggingFilter", |logging| logging.logging_filter = Some(filter))
}
