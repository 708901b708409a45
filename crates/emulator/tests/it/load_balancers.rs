//! Load balancers, target groups, listeners and rules: what is sent comes back, and what happens over time.

use aws_sdk_elasticloadbalancingv2::types::{
    ActionTypeEnum, Certificate, ForwardActionConfig, HostHeaderConditionConfig, HttpHeaderConditionConfig,
    HttpRequestMethodConditionConfig, IpAddressType, ListenerAttribute, LoadBalancerAttribute,
    LoadBalancerSchemeEnum, LoadBalancerStateEnum, Matcher, ProtocolEnum, QueryStringConditionConfig,
    QueryStringKeyValuePair, RedirectActionConfig, RedirectActionStatusCodeEnum, RuleCondition,
    RulePriorityPair, SourceIpConditionConfig, Tag, TargetDescription, TargetGroupAttribute,
    TargetGroupStickinessConfig, TargetGroupTuple, TargetHealthStateEnum,
};
use emulator::Emulator;

use crate::front::{CERTIFICATE, Front, action, forward, not_found, path, seconds};
use crate::support::{REGION, code, config, filter};

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

async fn tags_of(front: &Front, arn: &str) -> Vec<(String, String)> {
    let found = front.elb.describe_tags().resource_arns(arn).send().await.unwrap();
    let [description] = found.tag_descriptions() else { panic!("{found:?}") };
    assert_eq!(description.resource_arn(), Some(arn));
    let tags = description.tags().iter();
    tags.map(|tag| (tag.key().unwrap().to_owned(), tag.value().unwrap_or_default().to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_comes_back_as_it_was_made() {
    let front = Front::in_memory().await;
    let call = front.load_balancer("payments").scheme(LoadBalancerSchemeEnum::InternetFacing);
    let call = call.ip_address_type(IpAddressType::Ipv4).tags(tag("Stack", "Zoë")).tags(tag("Tier", "alb"));
    let made = call.send().await.unwrap();
    let arn = made.load_balancers()[0].load_balancer_arn().unwrap();
    let id = arn.strip_prefix(&format!(
        "arn:aws:elasticloadbalancing:{REGION}:123456789012:loadbalancer/app/payments/"
    ));
    let id = id.unwrap();
    assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{arn}");

    let found = front.elb.describe_load_balancers().names("payments").send().await.unwrap();
    assert_eq!(found.load_balancers(), made.load_balancers());
    let found = &found.load_balancers()[0];
    let dns = found.dns_name().unwrap();
    let digits = dns.strip_prefix("payments-").unwrap().strip_suffix(&format!(".{REGION}.elb.amazonaws.com"));
    assert!(matches!(digits.unwrap().len(), 9 | 10), "{dns}");
    assert_eq!(found.canonical_hosted_zone_id(), Some("Z1LMS91P8CMLE5"));
    assert_eq!(found.scheme(), Some(&LoadBalancerSchemeEnum::InternetFacing));
    assert_eq!(found.vpc_id(), Some(front.vpc.as_str()));
    assert_eq!(found.state().unwrap().code(), Some(&LoadBalancerStateEnum::Active));
    assert_eq!(found.security_groups(), [front.group.as_str()]);
    let zones = found.availability_zones().iter().map(|zone| zone.subnet_id().unwrap());
    assert!(zones.eq(&front.subnets[..2]));
    assert_eq!(tags_of(&front, arn).await, [("Stack".into(), "Zoë".into()), ("Tier".into(), "alb".into())]);

    front.elb.add_tags().resource_arns(arn).tags(tag("Tier", "front")).send().await.unwrap();
    front.elb.remove_tags().resource_arns(arn).tag_keys("Stack").send().await.unwrap();
    assert_eq!(tags_of(&front, arn).await, [("Tier".into(), "front".into())]);

    let [a, _, c] = front.subnets.as_slice() else { panic!("three subnets") };
    let call = front.elb.set_subnets().load_balancer_arn(arn).subnets(c).subnets(a);
    assert_eq!(call.send().await.unwrap().availability_zones().len(), 2);
    let call = front.elb.set_ip_address_type().load_balancer_arn(arn).ip_address_type(IpAddressType::Ipv4);
    call.send().await.unwrap();
    let other = front.cloud.group(&front.vpc, "other").await;
    let call = front.elb.set_security_groups().load_balancer_arn(arn).security_groups(&other);
    assert_eq!(call.send().await.unwrap().security_group_ids(), [other.as_str()]);

    let call = front.cloud.ec2.describe_network_interfaces();
    let interfaces = call.filters(filter("description", &[&format!("ELB app/payments/{id}")])).send().await;
    let interfaces = interfaces.unwrap();
    let mut places: Vec<_> = interfaces.network_interfaces().iter().map(|i| i.subnet_id().unwrap()).collect();
    let mut wanted = [a.as_str(), c.as_str()];
    places.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(places, wanted);
    assert!(interfaces.network_interfaces().iter().all(|i| i.groups()[0].group_id() == Some(&other)));
}

#[tokio::test(start_paused = true)]
async fn an_internal_load_balancer_gets_the_default_group_and_needs_no_gateway() {
    let front = Front::in_memory().await;
    let call = front.elb.create_load_balancer().name("inside").scheme(LoadBalancerSchemeEnum::Internal);
    let made = call.subnets(&front.subnets[0]).subnets(&front.subnets[1]).send().await.unwrap();
    let made = &made.load_balancers()[0];
    assert!(made.dns_name().unwrap().starts_with("internal-inside-"));
    let groups = front.cloud.ec2.describe_security_groups().group_ids(&made.security_groups()[0]);
    assert_eq!(groups.send().await.unwrap().security_groups()[0].group_name(), Some("default"));
    let detach = front.cloud.ec2.detach_internet_gateway().internet_gateway_id(&front.gateway);
    detach.vpc_id(&front.vpc).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn attributes_have_defaults_and_come_back_changed() {
    let front = Front::in_memory().await;
    let arn = front.made_load_balancer("a").await;
    front.log_bucket("payment-logs", "alb").await;
    let describe = front.elb.describe_load_balancer_attributes().load_balancer_arn(&arn);
    let found = describe.send().await.unwrap();
    let value = |key: &str| {
        let attribute = found.attributes().iter().find(|attribute| attribute.key() == Some(key));
        attribute.unwrap().value().unwrap_or_default().to_owned()
    };
    assert_eq!(value("idle_timeout.timeout_seconds"), "60");
    assert_eq!(value("routing.http.desync_mitigation_mode"), "defensive");
    let changes = [
        ("routing.http.drop_invalid_header_fields.enabled", "true"),
        ("access_logs.s3.enabled", "true"),
        ("access_logs.s3.bucket", "payment-logs"),
        ("access_logs.s3.prefix", "alb"),
        ("waf.fail_open.enabled", "false"),
        ("zonal_shift.config.enabled", "true"),
    ];
    let changed = changes.map(|(key, value)| LoadBalancerAttribute::builder().key(key).value(value).build());
    let call = front.elb.modify_load_balancer_attributes().load_balancer_arn(&arn);
    let answered = call.set_attributes(Some(changed.to_vec())).send().await.unwrap();
    let found = front.elb.describe_load_balancer_attributes().load_balancer_arn(&arn).send().await.unwrap();
    assert_eq!(found.attributes(), answered.attributes());
    assert!(changed.iter().all(|attribute| found.attributes().contains(attribute)), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_target_group_comes_back_as_it_was_made() {
    let front = Front::in_memory().await;
    let call = front.target_group("blue").health_check_protocol(ProtocolEnum::Http);
    let call = call.health_check_path("/health").health_check_port("traffic-port").health_check_enabled(true);
    let call = call.health_check_interval_seconds(15).health_check_timeout_seconds(5);
    let call = call.healthy_threshold_count(2).unhealthy_threshold_count(3).protocol_version("HTTP1");
    let call = call.matcher(Matcher::builder().http_code("200-299,301").build()).tags(tag("Colour", "blue"));
    let made = call.send().await.unwrap();
    let found = front.elb.describe_target_groups().names("blue").send().await.unwrap();
    assert_eq!(found.target_groups(), made.target_groups());
    let group = &found.target_groups()[0];
    let arn = group.target_group_arn().unwrap();
    assert!(
        arn.starts_with(&format!("arn:aws:elasticloadbalancing:{REGION}:123456789012:targetgroup/blue/"))
    );
    assert_eq!((group.port(), group.vpc_id()), (Some(8080), Some(front.vpc.as_str())));
    assert_eq!(
        (group.health_check_interval_seconds(), group.health_check_timeout_seconds()),
        (Some(15), Some(5))
    );
    assert_eq!((group.healthy_threshold_count(), group.unhealthy_threshold_count()), (Some(2), Some(3)));
    assert_eq!(group.health_check_path(), Some("/health"));
    assert_eq!(group.matcher().unwrap().http_code(), Some("200-299,301"));
    assert_eq!(tags_of(&front, arn).await, [("Colour".into(), "blue".into())]);

    let call = front.elb.modify_target_group().target_group_arn(arn).health_check_interval_seconds(20);
    let changed = call.send().await.unwrap();
    let changed = &changed.target_groups()[0];
    assert_eq!(
        (changed.health_check_interval_seconds(), changed.health_check_path()),
        (Some(20), Some("/health"))
    );

    let attribute = |key: &str, value: &str| TargetGroupAttribute::builder().key(key).value(value).build();
    let wanted = [
        attribute("deregistration_delay.timeout_seconds", "30"),
        attribute("load_balancing.algorithm.type", "least_outstanding_requests"),
    ];
    let call = front.elb.modify_target_group_attributes().target_group_arn(arn);
    call.set_attributes(Some(wanted.to_vec())).send().await.unwrap();
    let found = front.elb.describe_target_group_attributes().target_group_arn(arn).send().await.unwrap();
    assert!(wanted.iter().all(|attribute| found.attributes().contains(attribute)), "{found:?}");
    assert!(found.attributes().contains(&attribute("stickiness.enabled", "false")));
}

#[tokio::test(start_paused = true)]
async fn an_https_listener_with_weighted_groups_comes_back_as_it_was_made() {
    let front = Front::in_memory().await;
    let arn = front.made_load_balancer("a").await;
    let (blue, green) = (front.made_target_group("blue").await, front.made_target_group("green").await);
    let weighted =
        |arn: &str, weight| TargetGroupTuple::builder().target_group_arn(arn).weight(weight).build();
    let stickiness = TargetGroupStickinessConfig::builder().enabled(true).duration_seconds(60).build();
    let config = ForwardActionConfig::builder().target_groups(weighted(&blue, 100));
    let config = config.target_groups(weighted(&green, 0)).target_group_stickiness_config(stickiness).build();
    let both = action(ActionTypeEnum::Forward).forward_config(config).build();
    let call = front.elb.create_listener().load_balancer_arn(&arn).protocol(ProtocolEnum::Https).port(443);
    let call = call.ssl_policy("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09").default_actions(both.clone());
    let call = call.certificates(Certificate::builder().certificate_arn(CERTIFICATE).build());
    let made = call.tags(tag("Port", "443")).send().await.unwrap();
    let found = front.elb.describe_listeners().load_balancer_arn(&arn).send().await.unwrap();
    assert_eq!(found.listeners(), made.listeners());
    let listener = &found.listeners()[0];
    let listener_arn = listener.listener_arn().unwrap();
    assert_eq!(listener_arn.split('/').count(), 5, "{listener_arn}");
    assert_eq!(listener.ssl_policy(), Some("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"));
    assert_eq!(listener.default_actions(), [both]);
    assert_eq!(tags_of(&front, listener_arn).await, [("Port".into(), "443".into())]);
    let call = front.elb.describe_listener_certificates().listener_arn(listener_arn);
    let certificates = call.send().await.unwrap();
    assert_eq!(certificates.certificates()[0].certificate_arn(), Some(CERTIFICATE));

    let groups = front.elb.describe_target_groups().load_balancer_arn(&arn).send().await.unwrap();
    assert_eq!(groups.target_groups().len(), 2);
    assert_eq!(groups.target_groups()[0].load_balancer_arns(), [arn.as_str()]);

    let hsts = "routing.http.response.strict_transport_security.header_value";
    let attribute = ListenerAttribute::builder().key(hsts).value("max-age=31536000").build();
    let call =
        front.elb.modify_listener_attributes().listener_arn(listener_arn).attributes(attribute.clone());
    call.send().await.unwrap();
    let found = front.elb.describe_listener_attributes().listener_arn(listener_arn).send().await.unwrap();
    assert!(found.attributes().contains(&attribute));

    let call = front.elb.modify_listener().listener_arn(listener_arn).default_actions(not_found());
    let changed = call.send().await.unwrap();
    assert_eq!(changed.listeners()[0].default_actions(), [not_found()]);
    assert_eq!(changed.listeners()[0].certificates(), listener.certificates());
    let groups = front.elb.describe_target_groups().load_balancer_arn(&arn).send().await.unwrap();
    assert_eq!(groups.target_groups(), []);
}

#[tokio::test(start_paused = true)]
async fn actions_are_shown_completed() {
    let front = Front::in_memory().await;
    let arn = front.made_load_balancer("a").await;
    let group = front.made_target_group("t").await;
    let redirect = RedirectActionConfig::builder().protocol("HTTPS").port("443");
    let redirect = redirect.status_code(RedirectActionStatusCodeEnum::Http301).build();
    let redirect = action(ActionTypeEnum::Redirect).redirect_config(redirect).build();
    let made = front.listener(&arn, 80).default_actions(redirect).send().await.unwrap();
    let shown = made.listeners()[0].default_actions()[0].redirect_config().unwrap();
    assert_eq!(
        (shown.host(), shown.path(), shown.query()),
        (Some("#{host}"), Some("/#{path}"), Some("#{query}"))
    );
    let made = front.listener(&arn, 81).default_actions(forward(&group)).send().await.unwrap();
    let shown = &made.listeners()[0].default_actions()[0];
    assert_eq!(shown.target_group_arn(), Some(group.as_str()));
    let config = shown.forward_config().unwrap();
    assert_eq!(config.target_groups()[0].target_group_arn(), Some(group.as_str()));
    assert_eq!(config.target_group_stickiness_config().unwrap().enabled(), Some(false));
}

#[tokio::test(start_paused = true)]
async fn a_rule_with_every_condition_comes_back_as_it_was_made() {
    let front = Front::in_memory().await;
    let load_balancer = front.made_load_balancer("a").await;
    let listener = front.made_listener(&load_balancer, 80).await;
    let field = |field: &str| RuleCondition::builder().field(field);
    let host = HostHeaderConditionConfig::builder().values("*.example.com").build();
    let header = HttpHeaderConditionConfig::builder().http_header_name("X-Test").values("yes").build();
    let method = HttpRequestMethodConditionConfig::builder().values("POST").build();
    let pair = QueryStringKeyValuePair::builder().key("v").value("2").build();
    let query = QueryStringConditionConfig::builder().values(pair).build();
    let source = SourceIpConditionConfig::builder().values("10.0.0.0/8").build();
    let first = [
        field("host-header").host_header_config(host).build(),
        field("http-header").http_header_config(header).build(),
        field("http-request-method").http_request_method_config(method).build(),
        field("query-string").query_string_config(query).build(),
        field("source-ip").source_ip_config(source).build(),
    ];
    let call = front.rule(&listener, 5).set_conditions(Some(first.to_vec())).tags(tag("Kind", "test"));
    let made = call.actions(not_found()).send().await.unwrap();
    let rule = made.rules()[0].rule_arn().unwrap();
    assert_eq!(rule.split('/').count(), 6, "{rule}");
    assert_eq!(tags_of(&front, rule).await, [("Kind".into(), "test".into())]);
    let later = front.made_rule(&listener, 10).await;

    let found = front.elb.describe_rules().listener_arn(&listener).send().await.unwrap();
    let priorities: Vec<_> = found.rules().iter().map(|rule| rule.priority().unwrap()).collect();
    assert_eq!(priorities, ["5", "10", "default"]);
    assert_eq!(found.rules()[2].is_default(), Some(true));
    assert_eq!(found.rules()[0].conditions()[1..], first[1..]);
    assert_eq!(found.rules()[0].conditions()[0].values(), ["*.example.com"]);

    let swap = |arn: &str, priority| RulePriorityPair::builder().rule_arn(arn).priority(priority).build();
    let call = front.elb.set_rule_priorities().rule_priorities(swap(rule, 10));
    call.rule_priorities(swap(&later, 5)).send().await.unwrap();
    let call = front.elb.modify_rule().rule_arn(&later).conditions(path("/other"));
    assert_eq!(call.send().await.unwrap().rules()[0].priority(), Some("5"));
    front.elb.delete_rule().rule_arn(rule).send().await.unwrap();
    let found = front.elb.describe_rules().listener_arn(&listener).send().await.unwrap();
    assert_eq!(found.rules().len(), 2);
    assert_eq!(found.rules()[0].conditions()[0].values(), ["/other"]);
}

#[tokio::test(start_paused = true)]
async fn making_the_same_again_returns_what_is_there() {
    let front = Front::in_memory().await;
    let arn = front.made_load_balancer("a").await;
    assert_eq!(front.made_load_balancer("a").await, arn);
    assert_eq!(front.made_target_group("t").await, front.made_target_group("t").await);
    assert_eq!(front.made_listener(&arn, 80).await, front.made_listener(&arn, 80).await);
    assert_eq!(
        front.elb.describe_listeners().load_balancer_arn(&arn).send().await.unwrap().listeners().len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn lists_come_page_by_page() {
    let front = Front::in_memory().await;
    for name in ["a", "b", "c"] {
        front.made_target_group(name).await;
    }
    let first = front.elb.describe_target_groups().page_size(2).send().await.unwrap();
    let names = |groups: &[aws_sdk_elasticloadbalancingv2::types::TargetGroup]| {
        groups.iter().map(|group| group.target_group_name().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(first.target_groups()), ["a", "b"]);
    let rest = front.elb.describe_target_groups().marker(first.next_marker().unwrap()).send().await.unwrap();
    assert_eq!((names(rest.target_groups()), rest.next_marker()), (vec!["c".to_owned()], None));
}

async fn health(front: &Front, group: &str) -> Vec<(String, TargetHealthStateEnum)> {
    let found = front.elb.describe_target_health().target_group_arn(group).send().await.unwrap();
    let targets = found.target_health_descriptions().iter();
    targets
        .map(|found| {
            let state = found.target_health().unwrap().state().unwrap().clone();
            (found.target().unwrap().id().unwrap().to_owned(), state)
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn targets_are_unused_then_healthy_then_drain() {
    let front = Front::at_aws_pace().await;
    let group = front.made_target_group("t").await;
    let target = || TargetDescription::builder().id("10.0.1.7").port(8081).build();
    front.elb.register_targets().target_group_arn(&group).targets(target()).send().await.unwrap();
    assert_eq!(health(&front, &group).await, [("10.0.1.7".into(), TargetHealthStateEnum::Unused)]);
    let arn = front.made_load_balancer("a").await;
    front.listener(&arn, 80).default_actions(forward(&group)).send().await.unwrap();
    assert_eq!(health(&front, &group).await, [("10.0.1.7".into(), TargetHealthStateEnum::Healthy)]);
    front.elb.deregister_targets().target_group_arn(&group).targets(target()).send().await.unwrap();
    assert_eq!(health(&front, &group).await, [("10.0.1.7".into(), TargetHealthStateEnum::Draining)]);
    seconds(301).await;
    assert_eq!(health(&front, &group).await, []);
}

async fn state(front: &Front, arn: &str) -> LoadBalancerStateEnum {
    let found = front.elb.describe_load_balancers().load_balancer_arns(arn).send().await.unwrap();
    found.load_balancers()[0].state().unwrap().code().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_is_provisioned_and_its_interfaces_outlive_it() {
    let front = Front::at_aws_pace().await;
    let ec2 = &front.cloud.ec2;
    let arn = front.made_load_balancer("a").await;
    assert_eq!(state(&front, &arn).await, LoadBalancerStateEnum::Provisioning);
    seconds(134).await;
    assert_eq!(state(&front, &arn).await, LoadBalancerStateEnum::Provisioning);
    seconds(30).await;
    assert_eq!(state(&front, &arn).await, LoadBalancerStateEnum::Active);
    front.elb.delete_load_balancer().load_balancer_arn(&arn).send().await.unwrap();
    let gone = front.elb.describe_load_balancers().load_balancer_arns(&arn).send().await;
    assert_eq!(code(gone), "LoadBalancerNotFound");

    let delete_subnet = async || code(ec2.delete_subnet().subnet_id(&front.subnets[0]).send().await);
    let delete_group = async || code(ec2.delete_security_group().group_id(&front.group).send().await);
    let detach = async || {
        let call = ec2.detach_internet_gateway().internet_gateway_id(&front.gateway);
        code(call.vpc_id(&front.vpc).send().await)
    };
    assert_eq!(delete_subnet().await, "DependencyViolation");
    assert_eq!(delete_group().await, "DependencyViolation");
    assert_eq!(detach().await, "DependencyViolation");
    seconds(60).await;
    assert_eq!([delete_subnet().await, delete_group().await, detach().await], ["ok", "ok", "ok"]);
}

#[tokio::test(start_paused = true)]
async fn without_latency_nothing_lingers() {
    let front = Front::in_memory().await;
    let ec2 = &front.cloud.ec2;
    let arn = front.made_load_balancer("a").await;
    let group = front.made_target_group("t").await;
    let made = front.listener(&arn, 80).default_actions(forward(&group)).send().await.unwrap();
    front.made_rule(made.listeners()[0].listener_arn().unwrap(), 1).await;
    let refused = ec2.delete_subnet().subnet_id(&front.subnets[0]).send().await;
    assert_eq!(code(refused), "DependencyViolation");
    front.elb.delete_load_balancer().load_balancer_arn(&arn).send().await.unwrap();
    front.elb.delete_target_group().target_group_arn(&group).send().await.unwrap();
    for subnet in &front.subnets {
        ec2.delete_subnet().subnet_id(subnet).send().await.unwrap();
    }
    let left = front.cloud.left_behind().await;
    assert!(left.iter().all(|(kind, _)| kind.starts_with("AWS::EC2::")), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn load_balancers_and_web_acls_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (arn, listener) = {
        let front = Front::of(Emulator::open(directory.path()).unwrap()).await;
        let arn = front.made_load_balancer("a").await;
        let group = front.made_target_group("t").await;
        let made = front.listener(&arn, 80).default_actions(forward(&group)).send().await.unwrap();
        (arn, made.listeners()[0].clone())
    };
    let config = config(&Emulator::open(directory.path()).unwrap(), REGION);
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&config);
    let found = elb.describe_listeners().load_balancer_arn(&arn).send().await.unwrap();
    assert_eq!(found.listeners(), [listener]);
}

#[tokio::test(start_paused = true)]
async fn all_calls_share_a_bucket_and_changes_have_their_own_too() {
    let emulator = Emulator::builder().throttling(true).in_memory();
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&config(&emulator, REGION));
    let modify = async || code(elb.modify_target_group().target_group_arn("x").send().await);
    for _ in 0..20 {
        assert_eq!(modify().await, "ValidationError");
    }
    assert_eq!(modify().await, "Throttling");
    for _ in 0..20 {
        assert_eq!(code(elb.describe_load_balancers().send().await), "ok");
    }
    assert_eq!(code(elb.describe_load_balancers().send().await), "Throttling");
    seconds(1).await;
    assert_eq!(code(elb.describe_load_balancers().send().await), "ok");
}
