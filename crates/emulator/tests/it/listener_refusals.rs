//! What listeners, actions and rules are refused, with its code: one row for each rule.

use aws_sdk_elasticloadbalancingv2::types::builders::RedirectActionConfigBuilder;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, Certificate, FixedResponseActionConfig, ForwardActionConfig,
    HostHeaderConditionConfig, HttpHeaderConditionConfig, PathPatternConditionConfig, ProtocolEnum,
    RedirectActionConfig, RedirectActionStatusCodeEnum, RuleCondition, SourceIpConditionConfig,
    TargetGroupTuple,
};

use crate::front::{CERTIFICATE, Front, action, forward, not_found, path};
use crate::rows::check;
use crate::support::{REGION, code};

#[tokio::test(start_paused = true)]
async fn a_listener_that_cannot_be_is_refused() {
    let front = Front::in_memory().await;
    let load_balancer = front.made_load_balancer("a").await;
    front.made_listener(&load_balancer, 80).await;
    let https = |port| {
        front.listener(&load_balancer, port).protocol(ProtocolEnum::Https).default_actions(not_found())
    };
    let certificate = |arn: &str| Certificate::builder().certificate_arn(arn).build();
    let http = |port| front.listener(&load_balancer, port).default_actions(not_found());
    let foreign = CERTIFICATE.replace(REGION, "us-east-1");
    let stranger = CERTIFICATE.replace("123456789012:certificate", "210987654321:certificate");
    let malformed = format!("arn:aws:acm:{REGION}:123456789012:certificate/mine");
    let good = || certificate(CERTIFICATE);
    let bare = || front.elb.create_listener().load_balancer_arn(&load_balancer).default_actions(not_found());
    check([
        (
            "another listener on the port",
            "DuplicateListener",
            code(https(80).certificates(good()).send().await),
        ),
        ("no protocol", "ValidationError", code(bare().port(81).send().await)),
        ("no port", "ValidationError", code(bare().protocol(ProtocolEnum::Http).send().await)),
        ("TCP", "UnsupportedProtocol", code(http(81).protocol(ProtocolEnum::Tcp).send().await)),
        ("no certificate", "ValidationError", code(https(443).send().await)),
        (
            "two certificates",
            "ValidationError",
            code(https(443).certificates(good()).certificates(good()).send().await),
        ),
        (
            "a foreign region's",
            "CertificateNotFound",
            code(https(443).certificates(certificate(&foreign)).send().await),
        ),
        (
            "another account's",
            "CertificateNotFound",
            code(https(443).certificates(certificate(&stranger)).send().await),
        ),
        (
            "a malformed one",
            "CertificateNotFound",
            code(https(443).certificates(certificate(&malformed)).send().await),
        ),
        ("a certificate on HTTP", "ValidationError", code(http(81).certificates(good()).send().await)),
        (
            "a policy on HTTP",
            "ValidationError",
            code(http(81).ssl_policy("ELBSecurityPolicy-2016-08").send().await),
        ),
        (
            "an unknown policy",
            "SSLPolicyNotFound",
            code(https(443).certificates(good()).ssl_policy("TLS13").send().await),
        ),
        (
            "an ALPN policy",
            "UnknownParameter",
            code(https(443).certificates(good()).alpn_policy("HTTP2Only").send().await),
        ),
        (
            "no action",
            "ValidationError",
            code(front.listener(&load_balancer, 81).set_default_actions(Some(vec![])).send().await),
        ),
    ]);
    let made = https(443).certificates(good()).send().await.unwrap();
    assert_eq!(made.listeners()[0].ssl_policy(), Some("ELBSecurityPolicy-2016-08"));
    let arn = made.listeners()[0].listener_arn().unwrap();
    check([
        (
            "moving to a taken port",
            "DuplicateListener",
            code(front.elb.modify_listener().listener_arn(arn).port(80).send().await),
        ),
        (
            "becoming HTTP",
            "ok",
            code(front.elb.modify_listener().listener_arn(arn).protocol(ProtocolEnum::Http).send().await),
        ),
        (
            "becoming HTTPS",
            "ValidationError",
            code(front.elb.modify_listener().listener_arn(arn).protocol(ProtocolEnum::Https).send().await),
        ),
    ]);
}

fn redirect(change: impl FnOnce(RedirectActionConfigBuilder) -> RedirectActionConfigBuilder) -> Action {
    let config = RedirectActionConfig::builder().status_code(RedirectActionStatusCodeEnum::Http301);
    action(ActionTypeEnum::Redirect).redirect_config(change(config).build()).build()
}

fn weighted(groups: &[(&str, Option<i32>)]) -> Action {
    let groups = groups
        .iter()
        .map(|(arn, weight)| TargetGroupTuple::builder().target_group_arn(*arn).set_weight(*weight).build());
    let config = ForwardActionConfig::builder().set_target_groups(Some(groups.collect())).build();
    action(ActionTypeEnum::Forward).forward_config(config).build()
}

#[tokio::test(start_paused = true)]
async fn an_action_that_cannot_be_is_refused() {
    let front = Front::in_memory().await;
    let load_balancer = front.made_load_balancer("a").await;
    let (blue, green) = (front.made_target_group("blue").await, front.made_target_group("green").await);
    let elsewhere = front.made_target_group("elsewhere").await;
    let other = front.made_load_balancer("b").await;
    front.listener(&other, 80).default_actions(forward(&elsewhere)).send().await.unwrap();
    let far_vpc = front.cloud.vpc_with("10.1.0.0/16").await;
    let far = front.target_group("far").vpc_id(&far_vpc).send().await.unwrap();
    let far = far.target_groups()[0].target_group_arn().unwrap().to_owned();
    let listen = async |actions: Vec<Action>| {
        code(front.listener(&load_balancer, 80).set_default_actions(Some(actions)).send().await)
    };
    let mut six = Vec::new();
    for at in 0..6 {
        six.push(front.made_target_group(&format!("six{at}")).await);
    }
    let six: Vec<(&str, Option<i32>)> = six.iter().map(|arn| (arn.as_str(), Some(1))).collect();
    let fixed = FixedResponseActionConfig::builder().status_code("200").content_type("text/xml").build();
    let wrong = "InvalidLoadBalancerAction";
    check([
        (
            "no such group",
            "TargetGroupNotFound",
            listen(vec![forward(&format!(
                "arn:aws:elasticloadbalancing:{REGION}:123456789012:targetgroup/n/0123456789abcdef"
            ))])
            .await,
        ),
        (
            "another load balancer's group",
            "TargetGroupAssociationLimit",
            listen(vec![forward(&elsewhere)]).await,
        ),
        ("a group of another VPC", "InvalidConfigurationRequest", listen(vec![forward(&far)]).await),
        ("no group", wrong, listen(vec![action(ActionTypeEnum::Forward).build()]).await),
        (
            "a weight of 1000",
            "ValidationError",
            listen(vec![weighted(&[(&blue, Some(1000)), (&green, Some(1))])]).await,
        ),
        (
            "two groups without weights",
            "ValidationError",
            listen(vec![weighted(&[(&blue, None), (&green, None)])]).await,
        ),
        (
            "a group twice",
            "ValidationError",
            listen(vec![weighted(&[(&blue, Some(1)), (&blue, Some(2))])]).await,
        ),
        ("six groups", "TooManyTargetGroups", listen(vec![weighted(&six)]).await),
        ("two actions", "TooManyActions", listen(vec![forward(&blue), not_found()]).await),
        (
            "a redirect without its configuration",
            wrong,
            listen(vec![action(ActionTypeEnum::Redirect).build()]).await,
        ),
        ("a loop", wrong, listen(vec![redirect(|config| config)]).await),
        (
            "a loop by its values",
            wrong,
            listen(vec![redirect(|config| config.protocol("HTTP").port("80"))]).await,
        ),
        ("a port of 65536", wrong, listen(vec![redirect(|config| config.port("65536"))]).await),
        ("a path without a slash", wrong, listen(vec![redirect(|config| config.path("x"))]).await),
        ("an unknown placeholder", wrong, listen(vec![redirect(|config| config.path("/#{query}"))]).await),
        (
            "a protocol that AWS does not have",
            "ValidationError",
            listen(vec![redirect(|config| config.protocol("FTP"))]).await,
        ),
        ("a response of 300", "ValidationError", {
            let config = FixedResponseActionConfig::builder().status_code("300").build();
            listen(vec![action(ActionTypeEnum::FixedResponse).fixed_response_config(config).build()]).await
        }),
        (
            "an unknown content type",
            wrong,
            listen(vec![action(ActionTypeEnum::FixedResponse).fixed_response_config(fixed).build()]).await,
        ),
        ("a forward with a redirect", wrong, {
            let config = redirect(|config| config).redirect_config;
            listen(vec![
                action(ActionTypeEnum::Forward).target_group_arn(&blue).set_redirect_config(config).build(),
            ])
            .await
        }),
        (
            "authentication",
            "UnknownParameter",
            listen(vec![action(ActionTypeEnum::JwtValidation).build()]).await,
        ),
        ("one group without a weight", "ok", listen(vec![weighted(&[(&blue, None)])]).await),
    ]);
    let https = front.listener(&load_balancer, 443).protocol(ProtocolEnum::Https);
    let https = https.certificates(Certificate::builder().certificate_arn(CERTIFICATE).build());
    let down = https.default_actions(redirect(|config| config.protocol("HTTP").port("80"))).send().await;
    assert_eq!(code(down), wrong);
}

fn hosts(values: &[&str]) -> RuleCondition {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    let config = HostHeaderConditionConfig::builder().set_values(Some(values)).build();
    RuleCondition::builder().field("host-header").host_header_config(config).build()
}

fn header(name: &str) -> RuleCondition {
    let config = HttpHeaderConditionConfig::builder().http_header_name(name).values("x").build();
    RuleCondition::builder().field("http-header").http_header_config(config).build()
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_cannot_be_is_refused() {
    let front = Front::in_memory().await;
    let load_balancer = front.made_load_balancer("a").await;
    let listener = front.made_listener(&load_balancer, 80).await;
    front.made_rule(&listener, 1).await;
    let rule = async |conditions: Vec<RuleCondition>| {
        let call = front.rule(&listener, 2).set_conditions(Some(conditions));
        code(call.actions(not_found()).send().await)
    };
    let source = SourceIpConditionConfig::builder().values("10.0.0.1/33").build();
    let source = RuleCondition::builder().field("source-ip").source_ip_config(source).build();
    let at = async |priority| {
        code(front.rule(&listener, priority).conditions(path("/x")).actions(not_found()).send().await)
    };
    let wrong = "ValidationError";
    check([
        ("a taken priority", "PriorityInUse", at(1).await),
        ("priority 0", wrong, at(0).await),
        ("priority 50001", wrong, at(50001).await),
        ("no condition", wrong, rule(vec![]).await),
        ("no value", wrong, rule(vec![hosts(&[])]).await),
        (
            "six values",
            wrong,
            rule(vec![hosts(&["a.b", "c.d", "e.f"]), path("/1"), header("X-A"), header("X-B")]).await,
        ),
        ("seven wildcards", wrong, rule(vec![path("/*/*/*/*/*/*/*")]).await),
        ("two paths", wrong, rule(vec![path("/a"), path("/b")]).await),
        ("a host without a dot", wrong, rule(vec![hosts(&["example"])]).await),
        ("a host that ends with a digit", wrong, rule(vec![hosts(&["example.c0m"])]).await),
        ("a long path", wrong, rule(vec![path(&format!("/{}", "x".repeat(128)))]).await),
        ("a path with a space", wrong, rule(vec![path("/a b")]).await),
        ("the host header", wrong, rule(vec![header("Host")]).await),
        ("a header name with a space", wrong, rule(vec![header("X Y")]).await),
        ("a block of 33 bits", wrong, rule(vec![source]).await),
        (
            "an unknown field",
            wrong,
            rule(vec![RuleCondition::builder().field("cookie").values("x").build()]).await,
        ),
        ("another field's configuration", wrong, {
            let config = PathPatternConditionConfig::builder().values("/x").build();
            rule(vec![RuleCondition::builder().field("host-header").path_pattern_config(config).build()])
                .await
        }),
        ("regular expressions", "UnknownParameter", {
            rule(vec![RuleCondition::builder().field("path-pattern").regex_values("/.*").build()]).await
        }),
        ("six wildcards", "ok", rule(vec![path("/*/*/*/*/*/*")]).await),
    ]);
}
