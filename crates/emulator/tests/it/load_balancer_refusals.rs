//! What load balancers and target groups are refused, with its code: one row for each rule.

use aws_sdk_elasticloadbalancingv2::types::{
    ListenerAttribute, LoadBalancerAttribute, LoadBalancerSchemeEnum, LoadBalancerTypeEnum, Matcher,
    ProtocolEnum, RulePriorityPair, Tag, TargetDescription, TargetGroupAttribute, TargetTypeEnum,
};
use aws_sdk_s3::types::ServerSideEncryption;

use crate::front::{Front, forward, not_found, subnet};
use crate::rows::{Rows, check};
use crate::s3_buckets::encryption;
use crate::support::{REGION, allow, code, config, policy};

fn arn(resource: &str) -> String {
    format!("arn:aws:elasticloadbalancing:{REGION}:123456789012:{resource}")
}

fn tag(key: &str) -> Tag {
    Tag::builder().key(key).value("x").build()
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_cannot_be_is_refused() {
    let front = Front::in_memory().await;
    let elb = &front.elb;
    let cloud = &front.cloud;
    let [a, b, _] = front.subnets.as_slice() else { panic!("three subnets") };
    front.made_load_balancer("taken").await;
    let second_in_a = subnet(cloud, &front.vpc, "10.0.9.0/24", "a").await;
    let tiny = subnet(cloud, &front.vpc, "10.0.10.0/28", "b").await;
    let other_vpc = cloud.vpc_with("10.1.0.0/16").await;
    let [far_a, far_b] = [
        subnet(cloud, &other_vpc, "10.1.0.0/24", "a").await,
        subnet(cloud, &other_vpc, "10.1.1.0/24", "b").await,
    ];
    let far_group = cloud.group(&other_vpc, "far").await;
    let create = |name: &str| elb.create_load_balancer().name(name);
    let in_a_b = |name: &str| create(name).subnets(a).subnets(b);
    // Leaves seven addresses free.
    for name in ["t1", "t2", "t3", "t4"] {
        let call = create(name).subnets(a).subnets(&tiny);
        call.send().await.unwrap();
    }
    let many_tags = (0..51).map(|at| tag(&at.to_string())).collect();
    check([
        ("a long name", "ValidationError", code(in_a_b(&"x".repeat(33)).send().await)),
        ("a name with an underscore", "ValidationError", code(in_a_b("a_b").send().await)),
        ("a leading hyphen", "ValidationError", code(in_a_b("-a").send().await)),
        ("a trailing hyphen", "ValidationError", code(in_a_b("a-").send().await)),
        ("internal-", "ValidationError", code(in_a_b("internal-a").send().await)),
        ("the longest name", "ok", code(in_a_b(&"x".repeat(32)).send().await)),
        (
            "the same name, other settings",
            "DuplicateLoadBalancerName",
            code(in_a_b("taken").scheme(LoadBalancerSchemeEnum::Internal).send().await),
        ),
        (
            "the same name, other tags",
            "DuplicateLoadBalancerName",
            code(front.load_balancer("taken").tags(tag("a")).send().await),
        ),
        ("no subnets", "ValidationError", code(create("n").send().await)),
        ("one zone", "ValidationError", code(create("n").subnets(a).send().await)),
        (
            "a subnet twice in a zone",
            "InvalidConfigurationRequest",
            code(create("n").subnets(a).subnets(&second_in_a).send().await),
        ),
        (
            "no such subnet",
            "SubnetNotFound",
            code(create("n").subnets(a).subnets("subnet-0123456789abcdef0").send().await),
        ),
        (
            "subnets of two VPCs",
            "InvalidConfigurationRequest",
            code(create("n").subnets(a).subnets(&far_b).send().await),
        ),
        ("a full subnet", "InvalidSubnet", code(create("n").subnets(a).subnets(&tiny).send().await)),
        (
            "no internet gateway",
            "InvalidSubnet",
            code(create("n").subnets(&far_a).subnets(&far_b).send().await),
        ),
        (
            "no such group",
            "InvalidSecurityGroup",
            code(in_a_b("n").security_groups("sg-0123456789abcdef0").send().await),
        ),
        (
            "a group of another VPC",
            "InvalidSecurityGroup",
            code(in_a_b("n").security_groups(&far_group).send().await),
        ),
        ("a tag key twice", "DuplicateTagKeys", code(in_a_b("n").tags(tag("a")).tags(tag("a")).send().await)),
        ("51 tags", "TooManyTags", code(in_a_b("n").set_tags(Some(many_tags)).send().await)),
        ("a reserved tag", "ValidationError", code(in_a_b("n").tags(tag("aws:x")).send().await)),
        (
            "a network load balancer",
            "UnknownParameter",
            code(in_a_b("n").r#type(LoadBalancerTypeEnum::Network).send().await),
        ),
        ("dual stack", "InvalidSubnet", code(in_a_b("n").ip_address_type("dualstack".into()).send().await)),
        (
            "a scheme that AWS does not have",
            "ValidationError",
            code(in_a_b("n").scheme("public".into()).send().await),
        ),
    ]);
    let names = elb.describe_load_balancers().send().await.unwrap();
    assert!(names.load_balancers().iter().all(|found| found.load_balancer_name() != Some("n")));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_has_the_code_of_its_kind() {
    let front = Front::in_memory().await;
    let elb = &front.elb;
    let load_balancer = arn("loadbalancer/app/n/0123456789abcdef");
    let group = arn("targetgroup/n/0123456789abcdef");
    let listener = arn("listener/app/n/0123456789abcdef/0123456789abcdef");
    let rule = arn("listener-rule/app/n/0123456789abcdef/0123456789abcdef/0123456789abcdef");
    let describe = || elb.describe_load_balancers();
    check([
        (
            "describe a load balancer",
            "LoadBalancerNotFound",
            code(describe().load_balancer_arns(&load_balancer).send().await),
        ),
        ("by name", "LoadBalancerNotFound", code(describe().names("n").send().await)),
        (
            "by both",
            "ValidationError",
            code(describe().names("n").load_balancer_arns(&load_balancer).send().await),
        ),
        ("a malformed ARN", "ValidationError", code(describe().load_balancer_arns("n").send().await)),
        (
            "an ARN of another kind",
            "ValidationError",
            code(describe().load_balancer_arns(&group).send().await),
        ),
        (
            "delete a load balancer",
            "ok",
            code(elb.delete_load_balancer().load_balancer_arn(&load_balancer).send().await),
        ),
        (
            "delete a malformed one",
            "ValidationError",
            code(elb.delete_load_balancer().load_balancer_arn("n").send().await),
        ),
        (
            "listen on one",
            "LoadBalancerNotFound",
            code(front.listener(&load_balancer, 80).default_actions(not_found()).send().await),
        ),
        (
            "its listeners",
            "LoadBalancerNotFound",
            code(elb.describe_listeners().load_balancer_arn(&load_balancer).send().await),
        ),
        (
            "its target groups",
            "LoadBalancerNotFound",
            code(elb.describe_target_groups().load_balancer_arn(&load_balancer).send().await),
        ),
        (
            "describe a target group",
            "TargetGroupNotFound",
            code(elb.describe_target_groups().names("n").send().await),
        ),
        (
            "delete a target group",
            "ok",
            code(elb.delete_target_group().target_group_arn(&group).send().await),
        ),
        (
            "its health",
            "TargetGroupNotFound",
            code(elb.describe_target_health().target_group_arn(&group).send().await),
        ),
        (
            "delete a listener",
            "ListenerNotFound",
            code(elb.delete_listener().listener_arn(&listener).send().await),
        ),
        ("its rules", "ListenerNotFound", code(elb.describe_rules().listener_arn(&listener).send().await)),
        ("delete a rule", "RuleNotFound", code(elb.delete_rule().rule_arn(&rule).send().await)),
        ("neither listener nor rules", "ValidationError", code(elb.describe_rules().send().await)),
        (
            "tags of a rule",
            "RuleNotFound",
            code(elb.add_tags().resource_arns(&rule).tags(tag("a")).send().await),
        ),
        (
            "tags of what is no object",
            "ValidationError",
            code(elb.describe_tags().resource_arns(arn("x/y")).send().await),
        ),
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_that_cannot_be_is_refused() {
    let front = Front::in_memory().await;
    let elb = &front.elb;
    front.made_target_group("taken").await;
    let group = |name: &str| front.target_group(name);
    let codes = |codes: &str| Matcher::builder().http_code(codes).build();
    let bare = || elb.create_target_group().name("n");
    let http = || bare().protocol(ProtocolEnum::Http);
    check([
        ("a long name", "ValidationError", code(group(&"x".repeat(33)).send().await)),
        ("a name with a dot", "ValidationError", code(group("a.b").send().await)),
        (
            "the same name, another port",
            "DuplicateTargetGroupName",
            code(group("taken").port(1).send().await),
        ),
        ("no protocol", "ValidationError", code(bare().port(80).vpc_id(&front.vpc).send().await)),
        ("no port", "ValidationError", code(http().vpc_id(&front.vpc).send().await)),
        ("no VPC", "ValidationError", code(http().port(80).send().await)),
        (
            "no such VPC",
            "ValidationError",
            code(http().port(80).vpc_id("vpc-0123456789abcdef0").send().await),
        ),
        ("port 0", "ValidationError", code(group("n").port(0).send().await)),
        (
            "an interval of 4",
            "ValidationError",
            code(group("n").health_check_interval_seconds(4).send().await),
        ),
        (
            "an interval of 301",
            "ValidationError",
            code(group("n").health_check_interval_seconds(301).send().await),
        ),
        (
            "a timeout as long as the interval",
            "ValidationError",
            code(group("n").health_check_interval_seconds(10).health_check_timeout_seconds(10).send().await),
        ),
        ("a threshold of 1", "ValidationError", code(group("n").healthy_threshold_count(1).send().await)),
        ("a threshold of 11", "ValidationError", code(group("n").unhealthy_threshold_count(11).send().await)),
        (
            "a path without a slash",
            "ValidationError",
            code(group("n").health_check_path("health").send().await),
        ),
        ("a port that is a word", "ValidationError", code(group("n").health_check_port("http").send().await)),
        (
            "a TCP check",
            "ValidationError",
            code(group("n").health_check_protocol(ProtocolEnum::Tcp).send().await),
        ),
        ("no check", "ValidationError", code(group("n").health_check_enabled(false).send().await)),
        ("a code of 500", "ValidationError", code(group("n").matcher(codes("500")).send().await)),
        (
            "a range that runs backwards",
            "ValidationError",
            code(group("n").matcher(codes("299-200")).send().await),
        ),
        ("a matcher that is a word", "ValidationError", code(group("n").matcher(codes("ok")).send().await)),
        (
            "a gRPC matcher",
            "ValidationError",
            code(group("n").matcher(Matcher::builder().grpc_code("0").build()).send().await),
        ),
        ("HTTP/3", "ValidationError", code(group("n").protocol_version("HTTP3").send().await)),
        ("a TCP group", "UnknownParameter", code(group("n").protocol(ProtocolEnum::Tcp).send().await)),
        (
            "a Lambda group",
            "UnknownParameter",
            code(group("n").target_type(TargetTypeEnum::Lambda).send().await),
        ),
        ("a control port", "UnknownParameter", code(group("n").target_control_port(1).send().await)),
        ("a gRPC group", "ok", code(group("grpc").protocol_version("GRPC").send().await)),
    ]);
}

#[tokio::test(start_paused = true)]
async fn wrong_attributes_are_refused() {
    let front = Front::in_memory().await;
    let elb = &front.elb;
    let load_balancer = front.made_load_balancer("a").await;
    let group = front.made_target_group("t").await;
    let listener = front.made_listener(&load_balancer, 80).await;
    let of_load_balancer = async |given: &[(&str, &str)]| {
        let given = given.iter().map(|(k, v)| LoadBalancerAttribute::builder().key(*k).value(*v).build());
        let call = elb.modify_load_balancer_attributes().load_balancer_arn(&load_balancer);
        code(call.set_attributes(Some(given.collect())).send().await)
    };
    let of_group = async |given: &[(&str, &str)]| {
        let given = given.iter().map(|(k, v)| TargetGroupAttribute::builder().key(*k).value(*v).build());
        let call = elb.modify_target_group_attributes().target_group_arn(&group);
        code(call.set_attributes(Some(given.collect())).send().await)
    };
    let of_listener = async |key: &str, value: &str| {
        let attribute = ListenerAttribute::builder().key(key).value(value).build();
        code(elb.modify_listener_attributes().listener_arn(&listener).attributes(attribute).send().await)
    };
    let wrong = "InvalidConfigurationRequest";
    let idle = "idle_timeout.timeout_seconds";
    let too_many = [("idle_timeout.timeout_seconds", "60"); 21];
    check([
        ("an unknown key", "ValidationError", of_load_balancer(&[("idle_timeout", "60")]).await),
        (
            "a network load balancer's key",
            wrong,
            of_load_balancer(&[("dns_record.client_routing_policy", "x")]).await,
        ),
        ("a key twice", "ValidationError", of_load_balancer(&[(idle, "1"), (idle, "2")]).await),
        ("21 keys", "ValidationError", of_load_balancer(&too_many).await),
        ("an idle timeout of 4001", wrong, of_load_balancer(&[(idle, "4001")]).await),
        ("an idle timeout of -1", wrong, of_load_balancer(&[(idle, "-1")]).await),
        ("a keep-alive of 59", wrong, of_load_balancer(&[("client_keep_alive.seconds", "59")]).await),
        ("a flag that is a word", wrong, of_load_balancer(&[("waf.fail_open.enabled", "yes")]).await),
        ("an unknown mode", wrong, of_load_balancer(&[("routing.http.desync_mitigation_mode", "off")]).await),
        ("no cross-zone", wrong, of_load_balancer(&[("load_balancing.cross_zone.enabled", "false")]).await),
        ("logs without a bucket", wrong, of_load_balancer(&[("access_logs.s3.enabled", "true")]).await),
        (
            "a prefix that ends with a slash",
            wrong,
            of_load_balancer(&[
                ("connection_logs.s3.enabled", "true"),
                ("connection_logs.s3.bucket", "logs"),
                ("connection_logs.s3.prefix", "alb/"),
            ])
            .await,
        ),
        ("an unknown group key", "ValidationError", of_group(&[("stickiness", "true")]).await),
        ("a TCP group's key", wrong, of_group(&[("preserve_client_ip.enabled", "true")]).await),
        ("a delay of 3601", wrong, of_group(&[("deregistration_delay.timeout_seconds", "3601")]).await),
        ("a slow start of 29", wrong, of_group(&[("slow_start.duration_seconds", "29")]).await),
        ("an unknown algorithm", wrong, of_group(&[("load_balancing.algorithm.type", "random")]).await),
        (
            "slow start with least outstanding requests",
            wrong,
            of_group(&[
                ("slow_start.duration_seconds", "30"),
                ("load_balancing.algorithm.type", "least_outstanding_requests"),
            ])
            .await,
        ),
        (
            "mitigation without weights",
            wrong,
            of_group(&[("load_balancing.algorithm.anomaly_mitigation", "on")]).await,
        ),
        (
            "an app cookie without a name",
            wrong,
            of_group(&[("stickiness.enabled", "true"), ("stickiness.type", "app_cookie")]).await,
        ),
        ("a reserved cookie", wrong, of_group(&[("stickiness.app_cookie.cookie_name", "AWSALBx")]).await),
        ("a NLB listener's key", wrong, of_listener("tcp.idle_timeout.seconds", "350").await),
        (
            "an HTTPS listener's key",
            wrong,
            of_listener("routing.http.response.strict_transport_security.header_value", "max-age=1").await,
        ),
        ("an unknown listener key", "ValidationError", of_listener("server", "false").await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_use_or_protected_stays() {
    let front = Front::in_memory().await;
    let elb = &front.elb;
    let load_balancer = front.made_load_balancer("a").await;
    let listener = front.made_listener(&load_balancer, 80).await;
    let (first, second) = (front.made_rule(&listener, 1).await, front.made_rule(&listener, 2).await);
    let group = front.made_target_group("t").await;
    let call = elb.modify_rule().rule_arn(&first).actions(forward(&group));
    call.send().await.unwrap();
    let rules = elb.describe_rules().listener_arn(&listener).send().await.unwrap();
    let default = rules.rules().last().unwrap().rule_arn().unwrap().to_owned();
    let protect = async |value: &str| {
        let attribute =
            LoadBalancerAttribute::builder().key("deletion_protection.enabled").value(value).build();
        let call = elb.modify_load_balancer_attributes().load_balancer_arn(&load_balancer);
        call.attributes(attribute).send().await.unwrap();
    };
    protect("true").await;
    let priority = |arn: &str, priority| RulePriorityPair::builder().rule_arn(arn).priority(priority).build();
    let delete_group = async || code(elb.delete_target_group().target_group_arn(&group).send().await);
    let permitted = "OperationNotPermitted";
    check([
        ("a group of a rule", "ResourceInUse", delete_group().await),
        ("deleting the default rule", permitted, code(elb.delete_rule().rule_arn(&default).send().await)),
        (
            "changing the default rule",
            permitted,
            code(elb.modify_rule().rule_arn(&default).actions(not_found()).send().await),
        ),
        (
            "ordering the default rule",
            permitted,
            code(elb.set_rule_priorities().rule_priorities(priority(&default, 3)).send().await),
        ),
        (
            "the same priority",
            "PriorityInUse",
            code(elb.set_rule_priorities().rule_priorities(priority(&second, 1)).send().await),
        ),
        (
            "a protected load balancer",
            permitted,
            code(elb.delete_load_balancer().load_balancer_arn(&load_balancer).send().await),
        ),
    ]);
    protect("false").await;
    elb.delete_load_balancer().load_balancer_arn(&load_balancer).send().await.unwrap();
    assert_eq!(code(elb.describe_rules().rule_arns(&first).send().await), "RuleNotFound");
    assert_eq!(delete_group().await, "ok");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_be_is_refused() {
    let front = Front::in_memory().await;
    let group = front.made_target_group("t").await;
    let instances = front.target_group("i").target_type(TargetTypeEnum::Instance).send().await.unwrap();
    let instances = instances.target_groups()[0].target_group_arn().unwrap();
    let register = async |id: &str, zone: Option<&str>| {
        let target =
            TargetDescription::builder().id(id).set_availability_zone(zone.map(str::to_owned)).build();
        code(front.elb.register_targets().target_group_arn(&group).targets(target).send().await)
    };
    let instance = TargetDescription::builder().id("i-0123456789abcdef0").build();
    check([
        ("no address", "ValidationError", register("task", None).await),
        ("a public address", "ValidationError", register("198.51.100.7", Some("all")).await),
        ("outside the VPC", "ValidationError", register("192.168.0.7", None).await),
        ("outside the VPC, in all zones", "ok", register("192.168.0.7", Some("all")).await),
        ("inside the VPC, in all zones", "ValidationError", register("10.0.0.7", Some("all")).await),
        ("inside the VPC", "ok", register("10.0.0.7", None).await),
        (
            "an instance",
            "InvalidTarget",
            code(front.elb.register_targets().target_group_arn(instances).targets(instance).send().await),
        ),
    ]);
}

#[tokio::test(start_paused = true)]
async fn logs_need_a_bucket_that_lets_load_balancers_in() {
    let front = Front::in_memory().await;
    let arn = front.made_load_balancer("a").await;
    let turn_on = async |bucket: &str, prefix: &str| {
        let settings = [("enabled", "true"), ("bucket", bucket), ("prefix", prefix)];
        let attributes = settings.map(|(name, value)| {
            LoadBalancerAttribute::builder().key(format!("access_logs.s3.{name}")).value(value).build()
        });
        let call = front.elb.modify_load_balancer_attributes().load_balancer_arn(&arn);
        code(call.set_attributes(Some(attributes.to_vec())).send().await)
    };
    let s3 = front.log_bucket("logs", "alb").await;
    let encrypt = async |rule| {
        let call = s3.put_bucket_encryption().bucket("logs").server_side_encryption_configuration(rule);
        call.send().await.unwrap();
    };
    let allowed = allow("delivery.logs.amazonaws.com", &["s3:PutObject"], "arn:aws:s3:::other-logs/*");
    front.cloud.bucket_with("other-logs", &policy(&[&allowed])).await;
    let s3_elsewhere = aws_sdk_s3::Client::new(&config(&front.cloud.emulator, "us-east-1"));
    s3_elsewhere.create_bucket().bucket("far-logs").send().await.unwrap();
    let wrong = "InvalidConfigurationRequest";
    let mut rows = Rows::default();
    rows.row("no such bucket", wrong, turn_on("no-logs", "alb").await);
    rows.row("a bucket of another region", wrong, turn_on("far-logs", "alb").await);
    rows.row("a bucket that lets another service in", wrong, turn_on("other-logs", "alb").await);
    rows.row("a prefix that the policy leaves out", wrong, turn_on("logs", "nlb").await);
    let key = front.cloud.key().await;
    encrypt(encryption(ServerSideEncryption::AwsKms, Some(&key))).await;
    rows.row("a bucket that encrypts with a KMS key", wrong, turn_on("logs", "alb").await);
    encrypt(encryption(ServerSideEncryption::Aes256, None)).await;
    rows.row("a bucket as it should be", "ok", turn_on("logs", "alb").await);
    s3.delete_bucket_policy().bucket("logs").send().await.unwrap();
    rows.row("a bucket without a policy", wrong, turn_on("logs", "alb").await);
}
