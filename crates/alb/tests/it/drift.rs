//! What somebody changes by hand is found and repaired; what a deployment changes is left alone.

use alb::{Args, Outputs, Tier};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, ListenerAttribute, LoadBalancerAttribute,
    TargetGroupAttribute, TargetGroupTuple,
};
use aws_sdk_s3::types::{
    BlockedEncryptionTypes, BucketLifecycleConfiguration, BucketVersioningStatus, EncryptionType,
    ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleAndOperator, LifecycleRuleFilter,
    NoncurrentVersionTransition, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging, Transition,
    TransitionStorageClass, VersioningConfiguration,
};
use aws_sdk_wafv2::types::{
    ActionCondition, ActionValue, AllowAction, Condition, CustomResponseBody, Filter, FilterBehavior,
    FilterRequirement, GeoMatchStatement, LoggingFilter, NoneAction, OverrideAction, ResponseContentType,
    Rule, RuleAction, RuleGroupReferenceStatement, Scope, Statement, VisibilityConfig,
};
use engine::Resolved;
use testing::World;

use crate::support::{BUCKET, elb, s3, tier, waf, weights, with_certificate, world};

async fn created() -> (World, alb::Inputs, Outputs<Resolved>) {
    let (world, inputs) = world().await;
    let outputs = world.create(&tier(Args::default()), &inputs).await;
    (world, inputs, outputs)
}

async fn assert_repaired(world: &World, inputs: &alb::Inputs, drift: &[&str]) {
    // A property that differs in several places is named once.
    let mut found = world.drift::<Tier>().await;
    found.dedup();
    assert_eq!(found, drift);
    world.assert_repairs(&tier(Args::default()), inputs).await;
}

/// Gives a rule these groups with these weights.
async fn forward(world: &World, rule: &str, groups: &[(&str, i32)]) {
    let tuple = |(arn, weight): &(&str, i32)| {
        TargetGroupTuple::builder().target_group_arn(*arn).weight(*weight).build()
    };
    let groups = groups.iter().map(tuple).collect();
    let config = ForwardActionConfig::builder().set_target_groups(Some(groups)).build();
    let action = Action::builder().r#type(ActionTypeEnum::Forward).forward_config(config).build();
    elb(world).modify_rule().rule_arn(rule).actions(action).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn attributes_of_the_load_balancer_and_of_a_target_group() {
    let (world, inputs, outputs) = created().await;
    let off = LoadBalancerAttribute::builder().key("access_logs.s3.enabled").value("false").build();
    let unmanaged = LoadBalancerAttribute::builder().key("routing.http2.enabled").value("false").build();
    let modify = elb(&world).modify_load_balancer_attributes().load_balancer_arn(outputs.alb_arn.as_str());
    modify.attributes(off).attributes(unmanaged).send().await.unwrap();
    let delay =
        TargetGroupAttribute::builder().key("deregistration_delay.timeout_seconds").value("300").build();
    let modify = elb(&world).modify_target_group_attributes();
    let modify = modify.target_group_arn(outputs.blue_target_group_arn.as_str());
    modify.attributes(delay).send().await.unwrap();
    let modify = elb(&world).modify_target_group().health_check_path("/");
    modify.target_group_arn(outputs.green_target_group_arn.as_str()).send().await.unwrap();
    let drift = [
        "alb/blue-target-group: TargetGroupAttributes",
        "alb/green-target-group: HealthCheckPath",
        "alb/load-balancer: LoadBalancerAttributes",
    ];
    assert_repaired(&world, &inputs, &drift).await;
}

/// What is not declared, and decides who gets which request with which headers.
#[tokio::test(start_paused = true)]
async fn attributes_that_nobody_declares_and_that_matter() {
    let (world, inputs, outputs) = created().await;
    for (key, value, usual) in [
        ("routing.http.xff_header_processing.mode", "preserve", "append"),
        ("routing.http.preserve_host_header.enabled", "true", "false"),
        ("routing.http2.enabled", "false", "true"),
        ("client_keep_alive.seconds", "604800", "3600"),
    ] {
        let attribute = LoadBalancerAttribute::builder().key(key).value(value).build();
        let arn = outputs.alb_arn.as_str();
        let modify = elb(&world).modify_load_balancer_attributes().load_balancer_arn(arn);
        modify.attributes(attribute).send().await.unwrap();
        assert_repaired(&world, &inputs, &["alb/load-balancer: LoadBalancerAttributes"]).await;
        let live =
            elb(&world).describe_load_balancer_attributes().load_balancer_arn(arn).send().await.unwrap();
        let live = live.attributes().iter().find(|live| live.key() == Some(key)).unwrap();
        assert_eq!(live.value(), Some(usual), "{key}");
    }
    let group = outputs.green_target_group_arn.as_str();
    for changes in [
        vec![("stickiness.enabled", "true", "false"), ("stickiness.type", "lb_cookie", "lb_cookie")],
        vec![
            ("load_balancing.algorithm.type", "round_robin", "least_outstanding_requests"),
            ("slow_start.duration_seconds", "900", "0"),
        ],
        vec![("load_balancing.cross_zone.enabled", "false", "use_load_balancer_configuration")],
        vec![("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1000", "1")],
    ] {
        let attribute = |(key, value, _): &(&str, &str, &str)| {
            TargetGroupAttribute::builder().key(*key).value(*value).build()
        };
        let modify = elb(&world).modify_target_group_attributes().target_group_arn(group);
        modify.set_attributes(Some(changes.iter().map(attribute).collect())).send().await.unwrap();
        assert_repaired(&world, &inputs, &["alb/green-target-group: TargetGroupAttributes"]).await;
        let live =
            elb(&world).describe_target_group_attributes().target_group_arn(group).send().await.unwrap();
        for (key, _, usual) in changes {
            let live = live.attributes().iter().find(|live| live.key() == Some(key)).unwrap();
            assert_eq!(live.value(), Some(usual), "{key}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn headers_that_somebody_lets_a_listener_change() {
    let (world, inputs) = world().await;
    let tier = tier(with_certificate());
    let outputs = world.create(&tier, &inputs).await;
    let listener = outputs.production_listener_arn.as_str();
    for (key, value, usual) in [
        ("routing.http.response.strict_transport_security.header_value", "max-age=0", ""),
        ("routing.http.response.access_control_allow_origin.header_value", "*", ""),
        ("routing.http.response.server.enabled", "false", "true"),
        ("routing.http.request.x_amzn_tls_version.header_name", "X-Theirs", "X-Amzn-Tls-Version"),
    ] {
        let attribute = ListenerAttribute::builder().key(key).value(value).build();
        let modify = elb(&world).modify_listener_attributes().listener_arn(listener);
        modify.attributes(attribute).send().await.unwrap();
        world.assert_repaired(&tier, &inputs, &["alb/https-listener: ListenerAttributes"]).await;
        let live = elb(&world).describe_listener_attributes().listener_arn(listener).send().await.unwrap();
        let live = live.attributes().iter().find(|live| live.key() == Some(key)).unwrap();
        assert_eq!(live.value(), Some(usual), "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn subnets_of_the_load_balancer_and_what_a_listener_answers() {
    let (world, inputs, outputs) = created().await;
    let found = elb(&world).describe_load_balancers().send().await.unwrap();
    let zones = found.load_balancers()[0].availability_zones();
    let two = zones.iter().take(2).map(|zone| zone.subnet_id().unwrap().to_owned()).collect();
    let set = elb(&world).set_subnets().load_balancer_arn(outputs.alb_arn.as_str());
    set.set_subnets(Some(two)).send().await.unwrap();
    let blue = outputs.blue_target_group_arn.as_str();
    let action = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(blue).build();
    let modify = elb(&world).modify_listener().listener_arn(outputs.production_listener_arn.as_str());
    modify.default_actions(action).send().await.unwrap();
    let drift = ["alb/http-listener: DefaultActions", "alb/load-balancer: Subnets"];
    assert_repaired(&world, &inputs, &drift).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_deployment_does_to_weights_is_no_drift() {
    let (world, inputs, outputs) = created().await;
    let groups = [outputs.blue_target_group_arn.as_str(), outputs.green_target_group_arn.as_str()];
    let rule = outputs.production_rule_arn.as_str();
    forward(&world, rule, &[(groups[1], 100), (groups[0], 0)]).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier(Args::default()), &inputs).await;
    // Neither does a change of something else in the rule move them back.
    let tagged = tier(Args { tags: [("Author".to_owned(), "ops".to_owned())].into(), ..Args::default() });
    world.create(&tagged, &inputs).await;
    assert_eq!(weights(&world, rule, groups).await, [Some(0), Some(100)]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_a_rule_lost_comes_back_without_requests() {
    let (world, inputs, outputs) = created().await;
    let groups = [outputs.blue_target_group_arn.as_str(), outputs.green_target_group_arn.as_str()];
    let rule = outputs.production_rule_arn.as_str();
    forward(&world, rule, &[(groups[1], 100)]).await;
    assert_repaired(&world, &inputs, &["alb/production-rule: Actions"]).await;
    assert_eq!(weights(&world, rule, groups).await, [Some(0), Some(100)]);
}

#[tokio::test(start_paused = true)]
async fn rules_of_the_firewall_where_it_stands_and_where_it_writes() {
    let (world, inputs, outputs) = created().await;
    let web_acl = outputs.web_acl_arn.as_ref().unwrap().as_str();
    let found = waf(&world).get_web_acl().arn(web_acl).send().await.unwrap();
    let live = found.web_acl().unwrap();
    let update = waf(&world)
        .update_web_acl()
        .name(live.name())
        .id(live.id())
        .scope(Scope::Regional)
        .lock_token(found.lock_token().unwrap())
        .default_action(live.default_action().unwrap().clone())
        .visibility_config(live.visibility_config().unwrap().clone())
        .set_rules(Some(live.rules()[1..].to_vec()));
    update.send().await.unwrap();
    waf(&world).disassociate_web_acl().resource_arn(outputs.alb_arn.as_str()).send().await.unwrap();
    waf(&world).delete_logging_configuration().resource_arn(web_acl).send().await.unwrap();
    let drift = [
        "alb/web-acl: Description",
        "alb/web-acl: Rules",
        "alb/web-acl-association: gone",
        "alb/web-acl-logging: gone",
    ];
    assert_repaired(&world, &inputs, &drift).await;
}

#[tokio::test(start_paused = true)]
async fn another_web_acl_in_our_place_is_put_aside_in_one_step() {
    let (world, inputs, outputs) = created().await;
    let ours = waf(&world).get_web_acl().arn(outputs.web_acl_arn.as_ref().unwrap().as_str());
    let ours = ours.send().await.unwrap().web_acl.unwrap();
    let create = waf(&world).create_web_acl().name("theirs").scope(Scope::Regional);
    let create = create.default_action(ours.default_action.unwrap());
    let theirs = create.visibility_config(ours.visibility_config.unwrap()).send().await.unwrap();
    let theirs = theirs.summary.unwrap().arn.unwrap();
    let associate = waf(&world).associate_web_acl().resource_arn(outputs.alb_arn.as_str());
    associate.web_acl_arn(theirs).send().await.unwrap();
    assert_eq!(world.drift::<Tier>().await, ["alb/web-acl-association: WebACLArn"]);
    world.mutations();
    world.create(&tier(Args::default()), &inputs).await;
    assert_eq!(world.mutations(), ["AssociateWebACL"]);
    world.assert_settled(&tier(Args::default()), &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn settings_and_policy_of_the_bucket() {
    let (world, inputs, _) = created().await;
    let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    let put = s3(&world).put_bucket_versioning().bucket(BUCKET).versioning_configuration(suspended);
    put.send().await.unwrap();
    s3(&world).delete_public_access_block().bucket(BUCKET).send().await.unwrap();
    s3(&world).delete_bucket_lifecycle().bucket(BUCKET).send().await.unwrap();
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::{BUCKET}/*"}}]}}"#
    );
    s3(&world).put_bucket_policy().bucket(BUCKET).policy(policy).send().await.unwrap();
    let drift = [
        "alb/log-bucket: LifecycleConfiguration",
        "alb/log-bucket: PublicAccessBlockConfiguration",
        "alb/log-bucket: VersioningConfiguration",
        "alb/log-bucket-policy: PolicyDocument",
    ];
    assert_repaired(&world, &inputs, &drift).await;
    s3(&world).delete_bucket_policy().bucket(BUCKET).send().await.unwrap();
    assert_repaired(&world, &inputs, &["alb/log-bucket-policy: gone"]).await;
}

async fn lifecycle(world: &World) -> Vec<LifecycleRule> {
    let live = s3(world).get_bucket_lifecycle_configuration().bucket(BUCKET).send().await.unwrap();
    live.rules.unwrap()
}

async fn put_lifecycle(world: &World, rules: Vec<LifecycleRule>) {
    let rules = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().unwrap();
    let put = s3(world).put_bucket_lifecycle_configuration().bucket(BUCKET).lifecycle_configuration(rules);
    put.send().await.unwrap();
}

fn only(filter: aws_sdk_s3::types::builders::LifecycleRuleFilterBuilder) -> Option<LifecycleRuleFilter> {
    Some(filter.build())
}

#[tokio::test(start_paused = true)]
async fn a_rule_of_the_bucket_that_somebody_narrows_holds_for_all_logs_again() {
    let (world, inputs, _) = created().await;
    let ours = lifecycle(&world).await;
    let filter = LifecycleRuleFilter::builder;
    let some = Tag::builder().key("keep").value("no").build().unwrap();
    let both = LifecycleRuleAndOperator::builder().prefix("elsewhere/").tags(some.clone()).build();
    let large =
        LifecycleRuleAndOperator::builder().object_size_greater_than(1).object_size_less_than(9).build();
    for narrow in [
        only(filter().prefix("elsewhere/")),
        only(filter().tag(some)),
        only(filter().object_size_greater_than(1 << 40)),
        only(filter().object_size_less_than(1)),
        only(filter().and(both)),
        only(filter().and(large)),
    ] {
        let mut narrowed = ours.clone();
        // S3 aborts uploads by prefix alone.
        let by_prefix = narrow.as_ref().is_some_and(|narrow| narrow.prefix().is_some());
        narrowed[0].abort_incomplete_multipart_upload.take_if(|_| !by_prefix);
        narrowed[0].filter = narrow;
        put_lifecycle(&world, narrowed).await;
        assert_repaired(&world, &inputs, &["alb/log-bucket: LifecycleConfiguration"]).await;
        assert_eq!(lifecycle(&world).await, ours);
    }

    // The old way to say a prefix; an empty one is every log, as ours is.
    for (prefix, drift) in [("elsewhere/", &["alb/log-bucket: LifecycleConfiguration"][..]), ("", &[])] {
        let mut old = ours.clone();
        old[0].filter = None;
        #[expect(deprecated, reason = "S3 still takes and shows it")]
        old[0].prefix.replace(prefix.to_owned());
        put_lifecycle(&world, old).await;
        assert_repaired(&world, &inputs, drift).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_of_the_bucket_that_moves_or_keeps_logs_is_drift_and_so_is_another_rule() {
    let (world, inputs, _) = created().await;
    let ours = lifecycle(&world).await;
    let with = |change: &dyn Fn(&mut LifecycleRule)| {
        let mut rules = ours.clone();
        change(&mut rules[0]);
        rules
    };
    let class = TransitionStorageClass::DeepArchive;
    let moved = Transition::builder().days(1).storage_class(class.clone()).build();
    let old = NoncurrentVersionTransition::builder().noncurrent_days(1).storage_class(class).build();
    let theirs = LifecycleRule::builder().id("theirs").status(ExpirationStatus::Enabled);
    let theirs = theirs.filter(LifecycleRuleFilter::builder().prefix("").build());
    let theirs = theirs.expiration(LifecycleExpiration::builder().days(1).build()).build().unwrap();
    for changed in [
        with(&|rule| rule.transitions = Some(vec![moved.clone()])),
        with(&|rule| rule.noncurrent_version_transitions = Some(vec![old.clone()])),
        with(&|rule| {
            rule.noncurrent_version_expiration.as_mut().unwrap().newer_noncurrent_versions = Some(100);
        }),
        ours.iter().chain([&theirs]).cloned().collect(),
        std::iter::once(&theirs).chain(&ours).cloned().collect(),
    ] {
        put_lifecycle(&world, changed).await;
        assert_repaired(&world, &inputs, &["alb/log-bucket: LifecycleConfiguration"]).await;
        assert_eq!(lifecycle(&world).await, ours);
    }
}

#[tokio::test(start_paused = true)]
async fn a_repaired_encryption_of_the_bucket_leaves_bucket_keys_and_what_is_blocked() {
    let (world, inputs, _) = created().await;
    let rule = |algorithm: ServerSideEncryption| {
        let default = ServerSideEncryptionByDefault::builder().sse_algorithm(algorithm).build().unwrap();
        let blocked = BlockedEncryptionTypes::builder().encryption_type(EncryptionType::SseC).build();
        ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(default)
            .bucket_key_enabled(true)
            .blocked_encryption_types(blocked)
            .build()
    };
    let put = async |algorithm: ServerSideEncryption| {
        let given = ServerSideEncryptionConfiguration::builder().rules(rule(algorithm)).build().unwrap();
        let put = s3(&world).put_bucket_encryption().bucket(BUCKET);
        put.server_side_encryption_configuration(given).send().await.unwrap();
    };
    put(ServerSideEncryption::Aes256).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    // With keys of KMS, load balancers cannot write.
    put(ServerSideEncryption::AwsKms).await;
    assert_repaired(&world, &inputs, &["alb/log-bucket: BucketEncryption"]).await;
    let live = s3(&world).get_bucket_encryption().bucket(BUCKET).send().await.unwrap();
    let live = live.server_side_encryption_configuration.unwrap();
    assert_eq!(live.rules(), [rule(ServerSideEncryption::Aes256)]);
}

#[tokio::test(start_paused = true)]
async fn a_repaired_tag_of_the_bucket_leaves_those_that_say_whose_it_is() {
    let (world, inputs, _) = created().await;
    let tags = s3(&world).get_bucket_tagging().bucket(BUCKET).send().await.unwrap().tag_set;
    assert!(tags.iter().any(|tag| tag.key() == "stack:intent"));
    let disturbed = tags.iter().filter(|tag| tag.key() != "Name").cloned();
    let more = Tag::builder().key("Theirs").value("1").build().unwrap();
    let tagging = Tagging::builder().set_tag_set(Some(disturbed.chain([more]).collect())).build().unwrap();
    s3(&world).put_bucket_tagging().bucket(BUCKET).tagging(tagging).send().await.unwrap();
    assert_repaired(&world, &inputs, &["alb/log-bucket: Tags"]).await;
    let mut after = s3(&world).get_bucket_tagging().bucket(BUCKET).send().await.unwrap().tag_set;
    let mut before = tags;
    before.sort_by(|one, other| one.key().cmp(other.key()));
    after.sort_by(|one, other| one.key().cmp(other.key()));
    assert_eq!(after, before);
}

#[tokio::test(start_paused = true)]
async fn rules_and_listeners_that_are_gone() {
    let (world, inputs, outputs) = created().await;
    elb(&world).delete_rule().rule_arn(outputs.test_rule_arn.as_str()).send().await.unwrap();
    assert_repaired(&world, &inputs, &["alb/test-rule: gone"]).await;
    let listener = outputs.production_listener_arn.as_str();
    elb(&world).delete_listener().listener_arn(listener).send().await.unwrap();
    let drift = ["alb/http-listener: gone", "alb/production-rule: gone", "alb/test-rule: gone"];
    assert_repaired(&world, &inputs, &drift).await;
}

/// Puts a rule, bodies of responses and domains of tokens into the web ACL, as somebody, or Shield, does.
async fn add_to_web_acl(world: &World, outputs: &Outputs<Resolved>, rule: Rule) {
    let found = waf(world).get_web_acl().arn(outputs.web_acl_arn.as_ref().unwrap().as_str());
    let found = found.send().await.unwrap();
    let live = found.web_acl().unwrap();
    let body = CustomResponseBody::builder().content_type(ResponseContentType::TextPlain).content("no");
    let update = waf(world).update_web_acl().name(live.name()).id(live.id()).scope(Scope::Regional);
    let update = update.lock_token(found.lock_token().unwrap()).description(live.description().unwrap());
    let update = update.default_action(live.default_action().unwrap().clone());
    let update = update.visibility_config(live.visibility_config().unwrap().clone());
    let update = update.set_rules(Some(live.rules().iter().cloned().chain([rule]).collect()));
    let update = update.custom_response_bodies("no", body.build().unwrap()).token_domains("pay.example.com");
    update.send().await.unwrap();
}

fn added(name: &str, statement: Statement) -> aws_sdk_wafv2::types::builders::RuleBuilder {
    let metric = VisibilityConfig::builder().metric_name("theirs").sampled_requests_enabled(false);
    let metric = metric.cloud_watch_metrics_enabled(true).build().unwrap();
    Rule::builder().name(name).priority(10_000_000).statement(statement).visibility_config(metric)
}

#[tokio::test(start_paused = true)]
async fn shields_rule_and_settings_of_others_stay_in_the_web_acl() {
    let (world, inputs, outputs) = created().await;
    const NAME: &str = "ShieldMitigationRuleGroup_123456789012_1_2";
    let arn = format!("arn:aws:wafv2:ap-southeast-1:153427709519:regional/rulegroup/{NAME}/1");
    let group = RuleGroupReferenceStatement::builder().arn(arn).build().unwrap();
    let none = OverrideAction::builder().none(NoneAction::builder().build()).build();
    let rule = added(NAME, Statement::builder().rule_group_reference_statement(group).build());
    add_to_web_acl(&world, &outputs, rule.override_action(none).build().unwrap()).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    // A change of ours replaces everything, and takes along what is not ours.
    let waf_args = alb::Waf { rate_limit: Some(5000), ..alb::Waf::default() };
    let changed = tier(Args { waf: waf_args, ..Args::default() });
    world.create(&changed, &inputs).await;
    world.assert_settled(&changed, &inputs).await;
    let found = waf(&world).get_web_acl().arn(outputs.web_acl_arn.as_ref().unwrap().as_str());
    let live = found.send().await.unwrap().web_acl.unwrap();
    assert_eq!(live.rules().last().unwrap().name(), NAME);
    assert!(live.custom_response_bodies().unwrap().contains_key("no"));
    assert_eq!(live.token_domains(), ["pay.example.com"]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_somebody_adds_and_a_filter_of_the_log_go_again() {
    let (world, inputs, outputs) = created().await;
    let geo = GeoMatchStatement::builder().country_codes("SG".into()).build();
    let allow = RuleAction::builder().allow(AllowAction::builder().build()).build();
    let rule = added("theirs", Statement::builder().geo_match_statement(geo).build());
    add_to_web_acl(&world, &outputs, rule.action(allow).build().unwrap()).await;
    let arn = outputs.web_acl_arn.as_ref().unwrap().as_str();
    let logging = waf(&world).get_logging_configuration().resource_arn(arn).send().await.unwrap();
    let blocked = ActionCondition::builder().action(ActionValue::Block).build().unwrap();
    let blocked = Condition::builder().action_condition(blocked).build();
    let keep = Filter::builder().behavior(FilterBehavior::Keep).requirement(FilterRequirement::MeetsAny);
    let filter = LoggingFilter::builder().default_behavior(FilterBehavior::Drop);
    let filter = filter.filters(keep.conditions(blocked).build().unwrap()).build().unwrap();
    let mut logging = logging.logging_configuration.unwrap();
    logging.logging_filter = Some(filter);
    waf(&world).put_logging_configuration().logging_configuration(logging).send().await.unwrap();
    assert_repaired(&world, &inputs, &["alb/web-acl: Rules", "alb/web-acl-logging: LoggingFilter"]).await;
}
