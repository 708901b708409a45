//! Web ACLs and IP sets: what is sent comes back, what is refused, and what takes time.

use std::collections::HashMap;

use aws_sdk_wafv2::operation::create_web_acl::builders::CreateWebACLFluentBuilder;
use aws_sdk_wafv2::types::{
    AllowAction, AndStatement, BlockAction, ByteMatchStatement, CountAction, CustomResponse,
    CustomResponseBody, DefaultAction, FieldToMatch, GeoMatchStatement, IpSetReferenceStatement,
    LoggingConfiguration, ManagedRuleGroupStatement, NoneAction, OverrideAction, PositionalConstraint,
    QueryString, RateBasedStatement, ResourceType, ResponseContentType, Rule, RuleAction, RuleActionOverride,
    RuleGroupReferenceStatement, Scope, SingleHeader, SingleQueryArgument, Statement, Tag,
    TextTransformation, TextTransformationType, UriPath, VisibilityConfig,
};
use aws_smithy_types::Blob;
use emulator::Emulator;

use crate::apigateway::Gateway;
use crate::front::{Front, seconds};
use crate::rows::check;
use crate::support::{REGION, code, config};

fn seen(name: &str) -> VisibilityConfig {
    let config = VisibilityConfig::builder().sampled_requests_enabled(true).cloud_watch_metrics_enabled(true);
    config.metric_name(name).build().unwrap()
}

fn allow() -> DefaultAction {
    DefaultAction::builder().allow(AllowAction::builder().build()).build()
}

fn block() -> RuleAction {
    RuleAction::builder().block(BlockAction::builder().build()).build()
}

fn none() -> OverrideAction {
    OverrideAction::builder().none(NoneAction::builder().build()).build()
}

fn managed(name: &str) -> Statement {
    let group = ManagedRuleGroupStatement::builder().vendor_name("AWS").name(name).build().unwrap();
    Statement::builder().managed_rule_group_statement(group).build()
}

fn rate(limit: i64) -> Statement {
    let statement = RateBasedStatement::builder().limit(limit).aggregate_key_type("IP".into());
    Statement::builder().rate_based_statement(statement.evaluation_window_sec(300).build().unwrap()).build()
}

fn geo(country: &str) -> Statement {
    let statement = GeoMatchStatement::builder().country_codes(country.into()).build();
    Statement::builder().geo_match_statement(statement).build()
}

fn rule(name: &str, priority: i32, statement: Statement) -> aws_sdk_wafv2::types::builders::RuleBuilder {
    Rule::builder().name(name).priority(priority).statement(statement).visibility_config(seen(name))
}

fn group(name: &str, priority: i32) -> Rule {
    rule(name, priority, managed(name)).override_action(none()).build().unwrap()
}

fn blocking(name: &str, priority: i32, statement: Statement) -> Rule {
    rule(name, priority, statement).action(block()).build().unwrap()
}

/// The rules of a payment stack.
fn payment_rules() -> Vec<Rule> {
    let count = RuleAction::builder().count(CountAction::builder().build()).build();
    let count =
        RuleActionOverride::builder().name("SizeRestrictions_BODY").action_to_use(count).build().unwrap();
    let common = ManagedRuleGroupStatement::builder().vendor_name("AWS").name("AWSManagedRulesCommonRuleSet");
    let common = common.rule_action_overrides(count).build().unwrap();
    let common = Statement::builder().managed_rule_group_statement(common).build();
    vec![
        blocking("rate", 0, rate(2000)),
        group("AWSManagedRulesAmazonIpReputationList", 1),
        group("AWSManagedRulesKnownBadInputsRuleSet", 2),
        rule("common", 3, common).override_action(none()).build().unwrap(),
        group("AWSManagedRulesSQLiRuleSet", 4),
        group("AWSManagedRulesLinuxRuleSet", 5),
    ]
}

fn acl(front: &Front, name: &str) -> CreateWebACLFluentBuilder {
    let call = front.waf.create_web_acl().name(name).scope(Scope::Regional).default_action(allow());
    call.visibility_config(seen(name))
}

/// The ARN, the id and the lock token of a new one.
async fn made(call: CreateWebACLFluentBuilder) -> [String; 3] {
    let summary = call.send().await.unwrap().summary.unwrap();
    [summary.arn.unwrap(), summary.id.unwrap(), summary.lock_token.unwrap()]
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_web_acl_comes_back_as_it_was_made() {
    let front = Front::in_memory().await;
    let waf = &front.waf;
    let call = acl(&front, "payments").description("common attacks").set_rules(Some(payment_rules()));
    let [arn, id, token] = made(call.tags(tag("Stack", "Zoë"))).await;
    assert_eq!(arn, format!("arn:aws:wafv2:{REGION}:123456789012:regional/webacl/payments/{id}"));

    let get = || waf.get_web_acl().name("payments").scope(Scope::Regional).id(&id);
    let found = get().send().await.unwrap();
    assert_eq!(found.lock_token(), Some(token.as_str()));
    let found = found.web_acl().unwrap();
    assert_eq!(found.rules(), payment_rules());
    assert_eq!(found.default_action(), Some(&allow()));
    assert_eq!(found.description(), Some("common attacks"));
    assert_eq!(found.visibility_config(), Some(&seen("payments")));
    assert_eq!(found.capacity(), 2 + 25 + 200 + 700 + 200 + 200);
    assert_eq!(found.label_namespace(), Some("awswaf:123456789012:webacl:payments:"));
    let by_arn = waf.get_web_acl().arn(&arn).send().await.unwrap();
    assert_eq!(by_arn.web_acl(), Some(found));
    let all = waf.list_web_acls().scope(Scope::Regional).send().await.unwrap();
    assert_eq!((all.web_acls().len(), all.web_acls()[0].arn()), (1, Some(arn.as_str())));

    let update = |token: &str| {
        let call = waf.update_web_acl().name("payments").scope(Scope::Regional).id(&id).lock_token(token);
        call.default_action(allow()).visibility_config(seen("payments")).rules(blocking("rate", 0, rate(500)))
    };
    let next = update(&token).send().await.unwrap().next_lock_token.unwrap();
    assert_ne!(next, token);
    assert_eq!(code(update(&token).send().await), "WAFOptimisticLockException");
    let found = get().send().await.unwrap();
    assert_eq!(found.lock_token(), Some(next.as_str()));
    let found = found.web_acl().unwrap();
    assert_eq!((found.rules().len(), found.capacity(), found.description()), (1, 2, None));

    waf.tag_resource().resource_arn(&arn).tags(tag("Tier", "waf")).send().await.unwrap();
    waf.untag_resource().resource_arn(&arn).tag_keys("Stack").send().await.unwrap();
    let tags = waf.list_tags_for_resource().resource_arn(&arn).send().await.unwrap();
    assert_eq!(tags.tag_info_for_resource().unwrap().tag_list(), [tag("Tier", "waf")]);

    let delete = waf.delete_web_acl().name("payments").scope(Scope::Regional).id(&id).lock_token(&next);
    delete.send().await.unwrap();
    assert_eq!(code(get().send().await), "WAFNonexistentItemException");
}

fn starts_with(path: &str) -> Statement {
    let field = FieldToMatch::builder().uri_path(UriPath::builder().build()).build();
    let lowercase = TextTransformation::builder().priority(0).r#type(TextTransformationType::Lowercase);
    let statement = ByteMatchStatement::builder().search_string(Blob::new(path)).field_to_match(field);
    let statement = statement.text_transformations(lowercase.build().unwrap());
    let statement = statement.positional_constraint(PositionalConstraint::StartsWith).build().unwrap();
    Statement::builder().byte_match_statement(statement).build()
}

#[tokio::test(start_paused = true)]
async fn nested_statements_come_back_and_are_counted() {
    let front = Front::in_memory().await;
    let both =
        AndStatement::builder().statements(starts_with("/admin")).statements(geo("SG")).build().unwrap();
    let both = blocking("both", 1, Statement::builder().and_statement(both).build());
    let call = front.waf.check_capacity().scope(Scope::Regional).rules(both.clone());
    assert_eq!(call.send().await.unwrap().capacity(), 2 + 10 + 1);
    let body = CustomResponseBody::builder().content_type(ResponseContentType::TextPlain).content("no");
    let bodies = HashMap::from([("no".to_owned(), body.build().unwrap())]);
    let response =
        CustomResponse::builder().response_code(429).custom_response_body_key("no").build().unwrap();
    let refusing =
        RuleAction::builder().block(BlockAction::builder().custom_response(response).build()).build();
    let limited = rule("rate", 2, rate(100)).action(refusing).build().unwrap();
    let call = acl(&front, "a").rules(both.clone()).rules(limited.clone());
    let [arn, ..] = made(call.set_custom_response_bodies(Some(bodies.clone()))).await;
    let found = front.waf.get_web_acl().arn(&arn).send().await.unwrap();
    let found = found.web_acl().unwrap();
    assert_eq!(found.rules(), [both, limited]);
    assert_eq!(found.custom_response_bodies(), Some(&bodies));
}

#[tokio::test(start_paused = true)]
async fn an_ip_set_comes_back_and_stays_while_it_is_used() {
    let front = Front::in_memory().await;
    let waf = &front.waf;
    let create = |name: &str| {
        let call = waf.create_ip_set().name(name).scope(Scope::Regional).ip_address_version("IPV4".into());
        call.description("partners").addresses("10.0.0.0/8")
    };
    let summary = create("partners").send().await.unwrap().summary.unwrap();
    let (arn, id, token) = (summary.arn.unwrap(), summary.id.unwrap(), summary.lock_token.unwrap());
    let reference = IpSetReferenceStatement::builder().arn(&arn).build().unwrap();
    let reference = Statement::builder().ip_set_reference_statement(reference).build();
    let [_, acl_id, acl_token] = made(acl(&front, "a").rules(blocking("set", 0, reference))).await;
    let update = |token: &str, address: &str| {
        let call = waf.update_ip_set().name("partners").scope(Scope::Regional).id(&id).lock_token(token);
        call.addresses(address)
    };
    let next = update(&token, "192.0.2.0/24").send().await.unwrap().next_lock_token.unwrap();
    let found = waf.get_ip_set().name("partners").scope(Scope::Regional).id(&id).send().await.unwrap();
    assert_eq!(found.ip_set().unwrap().addresses(), ["192.0.2.0/24"]);
    let delete =
        |token: &str| waf.delete_ip_set().name("partners").scope(Scope::Regional).id(&id).lock_token(token);
    check([
        ("an old token", "WAFOptimisticLockException", code(update(&token, "10.0.0.0/8").send().await)),
        ("no block", "WAFInvalidParameterException", code(update(&next, "10.0.0.1").send().await)),
        ("everything", "WAFInvalidParameterException", code(update(&next, "0.0.0.0/0").send().await)),
        (
            "the other version",
            "WAFInvalidParameterException",
            code(update(&next, "2001:db8::/32").send().await),
        ),
        ("the same name", "WAFDuplicateItemException", code(create("partners").send().await)),
        ("while it is used", "WAFAssociatedItemException", code(delete(&next).send().await)),
    ]);
    let call = waf.delete_web_acl().name("a").scope(Scope::Regional).id(acl_id).lock_token(acl_token);
    call.send().await.unwrap();
    delete(&next).send().await.unwrap();
    assert_eq!(waf.list_ip_sets().scope(Scope::Regional).send().await.unwrap().ip_sets(), []);
}

#[tokio::test(start_paused = true)]
async fn a_web_acl_that_cannot_be_is_refused() {
    let front = Front::in_memory().await;
    let waf = &front.waf;
    made(acl(&front, "taken")).await;
    let with = async |rules: Vec<Rule>| code(acl(&front, "n").set_rules(Some(rules)).send().await);
    let wrong = "WAFInvalidParameterException";
    let missing = "WAFNonexistentItemException";
    let vendor = ManagedRuleGroupStatement::builder().vendor_name("F5").name("Rules").build().unwrap();
    let vendor = Statement::builder().managed_rule_group_statement(vendor).build();
    let set = |arn: &str| {
        let reference = IpSetReferenceStatement::builder().arn(arn).build().unwrap();
        Statement::builder().ip_set_reference_statement(reference).build()
    };
    let window =
        RateBasedStatement::builder().limit(100).aggregate_key_type("IP".into()).evaluation_window_sec(90);
    let window = Statement::builder().rate_based_statement(window.build().unwrap()).build();
    let constant =
        RateBasedStatement::builder().limit(100).aggregate_key_type("CONSTANT".into()).build().unwrap();
    let constant = Statement::builder().rate_based_statement(constant).build();
    let and = |statements: Vec<Statement>| {
        let and = AndStatement::builder().set_statements(Some(statements)).build().unwrap();
        Statement::builder().and_statement(and).build()
    };
    let eight: Vec<Rule> = (0..8)
        .map(|at| {
            rule(&at.to_string(), at, managed("AWSManagedRulesCommonRuleSet"))
                .override_action(none())
                .build()
                .unwrap()
        })
        .collect();
    let response =
        CustomResponse::builder().response_code(429).custom_response_body_key("no").build().unwrap();
    let response = BlockAction::builder().custom_response(response).build();
    let here =
        format!("arn:aws:wafv2:{REGION}:123456789012:regional/ipset/a/12345678-1234-1234-1234-123456789012");
    let action = |action: RuleAction, statement| rule("r", 0, statement).action(action).build().unwrap();
    check([
        ("the same name", "WAFDuplicateItemException", code(acl(&front, "taken").send().await)),
        ("a name with a dot", "ValidationException", code(acl(&front, "a.b").send().await)),
        ("CloudFront from here", wrong, code(acl(&front, "n").scope(Scope::Cloudfront).send().await)),
        (
            "no default action",
            wrong,
            code(acl(&front, "n").default_action(DefaultAction::builder().build()).send().await),
        ),
        ("a name twice", wrong, with(vec![blocking("r", 0, geo("SG")), blocking("r", 1, geo("SG"))]).await),
        (
            "a priority twice",
            wrong,
            with(vec![blocking("r", 0, geo("SG")), blocking("s", 0, geo("SG"))]).await,
        ),
        ("no action", wrong, with(vec![rule("r", 0, geo("SG")).build().unwrap()]).await),
        ("an empty action", wrong, with(vec![action(RuleAction::builder().build(), geo("SG"))]).await),
        (
            "an override of one rule",
            wrong,
            with(vec![rule("r", 0, geo("SG")).override_action(none()).build().unwrap()]).await,
        ),
        (
            "an action for a group",
            wrong,
            with(vec![action(block(), managed("AWSManagedRulesCommonRuleSet"))]).await,
        ),
        ("no statement", wrong, with(vec![blocking("r", 0, Statement::builder().build())]).await),
        ("an unknown group", missing, with(vec![group("AWSManagedRulesNoSuchRuleSet", 0)]).await),
        (
            "an unknown vendor",
            missing,
            with(vec![rule("r", 0, vendor).override_action(none()).build().unwrap()]).await,
        ),
        ("a group without its configuration", wrong, with(vec![group("AWSManagedRulesATPRuleSet", 0)]).await),
        ("no such IP set", missing, with(vec![blocking("r", 0, set(&here))]).await),
        (
            "an IP set elsewhere",
            wrong,
            with(vec![blocking("r", 0, set(&here.replace(REGION, "us-east-1")))]).await,
        ),
        ("a limit of 9", "ValidationException", with(vec![blocking("r", 0, rate(9))]).await),
        ("a window of 90 s", wrong, with(vec![blocking("r", 0, window)]).await),
        ("a constant without scope", wrong, with(vec![blocking("r", 0, constant)]).await),
        ("a conjunction of one", wrong, with(vec![blocking("r", 0, and(vec![geo("SG")]))]).await),
        ("a nested rate", wrong, with(vec![blocking("r", 0, and(vec![geo("SG"), rate(100)]))]).await),
        ("5600 units", "WAFLimitsExceededException", with(eight.clone()).await),
        ("4900 units", "ok", with(eight[..7].to_vec()).await),
        (
            "an undefined body",
            wrong,
            with(vec![action(RuleAction::builder().block(response).build(), geo("SG"))]).await,
        ),
        ("neither ARN nor name", wrong, code(waf.get_web_acl().send().await)),
        ("a reserved tag", wrong, code(acl(&front, "m").tags(tag("aws:a", "b")).send().await)),
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_resource_has_one_web_acl_and_keeps_it() {
    let front = Front::in_memory().await;
    let waf = &front.waf;
    let balancer = front.made_load_balancer("a").await;
    let [first, id, token] = made(acl(&front, "first")).await;
    let [second, ..] = made(acl(&front, "second")).await;
    let associate =
        |acl: &str, resource: &str| waf.associate_web_acl().web_acl_arn(acl).resource_arn(resource);
    let of = async |resource: &str| {
        let found = waf.get_web_acl_for_resource().resource_arn(resource).send().await.unwrap();
        found.web_acl.map(|acl| acl.name)
    };
    let (api, _) = Gateway::of(front.cloud.emulator.clone()).staged().await;
    let stage = format!("arn:aws:apigateway:{REGION}::/restapis/{api}/stages/v1");
    assert_eq!(of(&balancer).await, None);
    associate(&first, &balancer).send().await.unwrap();
    associate(&first, &stage).send().await.unwrap();
    assert_eq!(of(&balancer).await, Some("first".to_owned()));
    let list = async |kind: Option<ResourceType>| {
        let call = waf.list_resources_for_web_acl().web_acl_arn(&first).set_resource_type(kind);
        call.send().await.unwrap().resource_arns.unwrap_or_default()
    };
    assert_eq!(list(None).await, [balancer.as_str()]);
    assert_eq!(list(Some(ResourceType::ApiGateway)).await, [stage.as_str()]);
    associate(&second, &balancer).send().await.unwrap();
    assert_eq!(of(&balancer).await, Some("second".to_owned()));

    let nobody = first.replace("first", "nobody");
    let missing = balancer.replace("/a/", "/b/");
    let bucket = "arn:aws:s3:::a-bucket-of-mine";
    let elsewhere = balancer.replace(REGION, "us-east-1");
    let delete = || waf.delete_web_acl().name("first").scope(Scope::Regional).id(&id).lock_token(&token);
    check([
        ("while associated", "WAFAssociatedItemException", code(delete().send().await)),
        ("no such web ACL", "WAFNonexistentItemException", code(associate(&nobody, &balancer).send().await)),
        (
            "no such load balancer",
            "WAFNonexistentItemException",
            code(associate(&first, &missing).send().await),
        ),
        (
            "no such stage",
            "WAFNonexistentItemException",
            code(associate(&first, &stage.replace("v1", "v2")).send().await),
        ),
        ("a bucket", "WAFInvalidParameterException", code(associate(&first, bucket).send().await)),
        ("another region", "WAFInvalidParameterException", code(associate(&first, &elsewhere).send().await)),
    ]);
    waf.disassociate_web_acl().resource_arn(&stage).send().await.unwrap();
    let again = waf.disassociate_web_acl().resource_arn(&stage).send().await;
    assert_eq!(code(again), "WAFNonexistentItemException");
    delete().send().await.unwrap();
    front.elb.delete_load_balancer().load_balancer_arn(&balancer).send().await.unwrap();
    let left = front.cloud.left_behind().await;
    assert!(left.iter().all(|(kind, _)| kind != "AWS::WAFv2::WebACLAssociation"), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn an_association_waits_for_both_sides() {
    let front = Front::at_aws_pace().await;
    let balancer = front.made_load_balancer("a").await;
    let [arn, ..] = made(acl(&front, "a")).await;
    let associate =
        async || code(front.waf.associate_web_acl().web_acl_arn(&arn).resource_arn(&balancer).send().await);
    assert_eq!(associate().await, "WAFUnavailableEntityException");
    seconds(187).await;
    assert_eq!(associate().await, "ok");
    let [fresh, ..] = made(acl(&front, "b")).await;
    let call = front.waf.associate_web_acl().web_acl_arn(&fresh).resource_arn(&balancer);
    assert_eq!(code(call.clone().send().await), "WAFUnavailableEntityException");
    seconds(9).await;
    call.send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn changes_come_one_a_second() {
    let emulator = Emulator::builder().throttling(true).in_memory();
    let waf = aws_sdk_wafv2::Client::new(&config(&emulator, REGION));
    let create = |name: &str| {
        let call = waf.create_web_acl().name(name).scope(Scope::Regional).default_action(allow());
        call.visibility_config(seen(name))
    };
    assert_eq!(code(create("a").send().await), "ok");
    assert_eq!(code(create("b").send().await), "ThrottlingException");
    assert_eq!(code(waf.list_web_acls().scope(Scope::Regional).send().await), "ok");
    seconds(1).await;
    assert_eq!(code(create("b").send().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn logging_goes_to_a_group_whose_name_begins_as_it_must() {
    let front = Front::in_memory().await;
    let waf = &front.waf;
    for name in ["aws-waf-logs-payments", "payments"] {
        front.cloud.logs.create_log_group().log_group_name(name).send().await.unwrap();
    }
    let [arn, id, token] = made(acl(&front, "a")).await;
    let group = |name: &str| format!("arn:aws:logs:{REGION}:123456789012:log-group:{name}");
    let configuration = |destination: &str| {
        LoggingConfiguration::builder().resource_arn(&arn).log_destination_configs(destination)
    };
    let header = SingleHeader::builder().name("authorization").build().unwrap();
    let header = FieldToMatch::builder().single_header(header).build();
    let query = FieldToMatch::builder().query_string(QueryString::builder().build()).build();
    let put = |configuration: LoggingConfiguration| {
        waf.put_logging_configuration().logging_configuration(configuration)
    };
    let get = || waf.get_logging_configuration().resource_arn(&arn);
    assert_eq!(code(get().send().await), "WAFNonexistentItemException");
    let wanted =
        configuration(&group("aws-waf-logs-payments")).redacted_fields(header).redacted_fields(query);
    put(wanted.build().unwrap()).send().await.unwrap();
    let found = get().send().await.unwrap().logging_configuration.unwrap();
    assert_eq!(found.log_destination_configs(), [group("aws-waf-logs-payments")]);
    assert_eq!(found.redacted_fields().len(), 2);

    let argument = SingleQueryArgument::builder().name("card").build().unwrap();
    let argument = FieldToMatch::builder().single_query_argument(argument).build();
    let good = group("aws-waf-logs-payments");
    let wrong = "WAFInvalidParameterException";
    let of_nobody = configuration(&good).resource_arn(arn.replace("webacl/a", "webacl/b")).build().unwrap();
    let denied = "WAFLogDestinationPermissionIssueException";
    check([
        ("another name", wrong, code(put(configuration(&group("payments")).build().unwrap()).send().await)),
        (
            "another region",
            wrong,
            code(put(configuration(&good.replace(REGION, "us-east-1")).build().unwrap()).send().await),
        ),
        (
            "no such group",
            denied,
            code(put(configuration(&group("aws-waf-logs-x")).build().unwrap()).send().await),
        ),
        (
            "no such bucket",
            denied,
            code(put(configuration("arn:aws:s3:::aws-waf-logs-x").build().unwrap()).send().await),
        ),
        (
            "two destinations",
            wrong,
            code(put(configuration(&good).log_destination_configs(&good).build().unwrap()).send().await),
        ),
        (
            "a query argument",
            wrong,
            code(put(configuration(&good).redacted_fields(argument).build().unwrap()).send().await),
        ),
        ("no such web ACL", "WAFNonexistentItemException", code(put(of_nobody).send().await)),
    ]);
    waf.delete_logging_configuration().resource_arn(&arn).send().await.unwrap();
    assert_eq!(code(get().send().await), "WAFNonexistentItemException");
    put(configuration(&good).build().unwrap()).send().await.unwrap();
    let call = waf.delete_web_acl().name("a").scope(Scope::Regional).id(id).lock_token(token);
    call.send().await.unwrap();
    assert_eq!(code(get().send().await), "WAFNonexistentItemException");
}

#[tokio::test(start_paused = true)]
async fn a_log_group_of_a_moment_ago_cannot_be_written_to_yet() {
    let front = Front::at_aws_pace().await;
    let [arn, ..] = made(acl(&front, "a")).await;
    front.cloud.logs.create_log_group().log_group_name("aws-waf-logs-a").send().await.unwrap();
    let put = async || {
        let group = format!("arn:aws:logs:{REGION}:123456789012:log-group:aws-waf-logs-a");
        let configuration =
            LoggingConfiguration::builder().resource_arn(&arn).log_destination_configs(group).build();
        let call = front.waf.put_logging_configuration().logging_configuration(configuration.unwrap());
        code(call.send().await)
    };
    assert_eq!(put().await, "WAFLogDestinationPermissionIssueException");
    seconds(10).await;
    // The first delivery makes WAF's own role, which takes a moment too.
    assert_eq!(put().await, "WAFServiceLinkedRoleErrorException");
    seconds(30).await;
    assert_eq!(put().await, "ok");
}

#[tokio::test(start_paused = true)]
async fn shields_group_of_rules_can_be_in_a_web_acl_and_no_other_one_of_somebody_else() {
    let front = Front::in_memory().await;
    let of = |name: &str| {
        let arn = format!("arn:aws:wafv2:{REGION}:153427709519:regional/rulegroup/{name}/1");
        let group = RuleGroupReferenceStatement::builder().arn(arn).build().unwrap();
        let statement = Statement::builder().rule_group_reference_statement(group).build();
        rule(name, 10_000_000, statement).override_action(none()).build().unwrap()
    };
    let shield = of("ShieldMitigationRuleGroup_123456789012_1_2");
    let [arn, ..] = made(acl(&front, "a").rules(shield.clone())).await;
    let found = front.waf.get_web_acl().arn(&arn).send().await.unwrap();
    let found = found.web_acl().unwrap();
    assert_eq!((found.rules(), found.capacity()), ([shield].as_slice(), 150));
    assert_eq!(code(acl(&front, "b").rules(of("Theirs")).send().await), "WAFNonexistentItemException");
}

/// API Reference, UpdateWebACL: "This operation completely replaces the mutable specifications".
#[tokio::test(start_paused = true)]
async fn an_update_takes_away_what_it_does_not_mention() {
    let front = Front::in_memory().await;
    let body = CustomResponseBody::builder().content_type(ResponseContentType::TextPlain).content("no");
    let bodies = HashMap::from([("no".to_owned(), body.build().unwrap())]);
    let call = acl(&front, "a").set_custom_response_bodies(Some(bodies)).token_domains("pay.example.com");
    let [arn, id, token] = made(call).await;
    let update = front.waf.update_web_acl().name("a").scope(Scope::Regional).id(id).lock_token(token);
    update.default_action(allow()).visibility_config(seen("a")).send().await.unwrap();
    let found = front.waf.get_web_acl().arn(&arn).send().await.unwrap();
    let found = found.web_acl().unwrap();
    assert_eq!(found.custom_response_bodies(), None);
    assert!(found.token_domains().is_empty());
}
