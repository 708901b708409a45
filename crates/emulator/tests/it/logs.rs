//! CloudWatch log groups.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata as _;
use aws_sdk_cloudwatchlogs::types::{
    LogGroupClass, MetricTransformation, ParseJson, Processor, StandardUnit, TrimString,
};
use emulator::Emulator;

use crate::rows::check;
use crate::support::{Cloud, NO_KEY, REGION, code, config, policy, said};

/// Logs, as the policies of keys name it.
const LOGS: &str = "logs.ap-southeast-1.amazonaws.com";

#[tokio::test(start_paused = true)]
async fn a_log_group_comes_back_as_it_was_made() {
    let cloud = Cloud::in_memory();
    let key = cloud.key_for(LOGS).await;
    let call = cloud.logs.create_log_group().log_group_name("/vpc/flow");
    let call = call.kms_key_id(&key).tags("Author", "Zoë").tags("Name", "x");
    call.deletion_protection_enabled(false).send().await.unwrap();
    let call = cloud.logs.put_retention_policy().log_group_name("/vpc/flow");
    call.retention_in_days(2557).send().await.unwrap();

    let call = cloud.logs.describe_log_groups().log_group_name_prefix("/vpc/flow");
    let found = call.send().await.unwrap();
    let [group] = found.log_groups() else { panic!("{found:?}") };
    let arn = format!("arn:aws:logs:{REGION}:123456789012:log-group:/vpc/flow");
    assert_eq!(group.log_group_arn(), Some(arn.as_str()));
    assert_eq!(group.arn(), Some(format!("{arn}:*").as_str()));
    assert_eq!(group.retention_in_days(), Some(2557));
    assert_eq!(group.kms_key_id(), Some(key.as_str()));
    assert_eq!(group.creation_time(), Some(1_767_225_600_000));
    assert_eq!(group.deletion_protection_enabled(), Some(false));

    let call = cloud.logs.tag_resource().resource_arn(&arn).tags("Name", "y");
    call.send().await.unwrap();
    let call = cloud.logs.untag_resource().resource_arn(&arn).tag_keys("Author");
    call.send().await.unwrap();
    let tags = cloud.logs.list_tags_for_resource().resource_arn(&arn).send().await;
    let tags = tags.unwrap().tags.unwrap();
    assert_eq!(tags, [("Name".to_owned(), "y".to_owned())].into());

    let call = cloud.logs.delete_log_group().log_group_name("/vpc/flow");
    call.send().await.unwrap();
    let all = cloud.logs.describe_log_groups().send().await.unwrap();
    assert_eq!(all.log_groups(), []);
}

#[tokio::test(start_paused = true)]
async fn log_groups_are_found_by_prefix_pattern_and_identifier() {
    let cloud = Cloud::in_memory();
    for name in ["/a/one", "/a/two", "/b/one"] {
        let call = cloud.logs.create_log_group().log_group_name(name);
        call.send().await.unwrap();
    }
    let names = |found: aws_sdk_cloudwatchlogs::operation::describe_log_groups::DescribeLogGroupsOutput| {
        let names = found.log_groups().iter().map(|g| g.log_group_name().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let call = || cloud.logs.describe_log_groups();
    let found = call().log_group_name_prefix("/a").send().await.unwrap();
    assert_eq!(names(found), ["/a/one", "/a/two"]);
    let found = call().log_group_name_pattern("one").send().await.unwrap();
    assert_eq!(names(found), ["/a/one", "/b/one"]);
    let found = call().log_group_identifiers("/b/one").send().await.unwrap();
    assert_eq!(names(found), ["/b/one"]);
}

#[tokio::test(start_paused = true)]
async fn a_protected_log_group_stays() {
    let cloud = Cloud::in_memory();
    let call = cloud.logs.create_log_group().log_group_name("/audit");
    call.deletion_protection_enabled(true).send().await.unwrap();
    let refused = cloud.logs.delete_log_group().log_group_name("/audit").send().await;
    assert_eq!(code(refused), "ValidationException");
}

#[tokio::test(start_paused = true)]
async fn protection_goes_and_with_it_the_group_and_all_in_it() {
    let cloud = Cloud::in_memory();
    let Cloud { logs, .. } = &cloud;
    let call = logs.create_log_group().log_group_name("/audit").deletion_protection_enabled(true);
    call.send().await.unwrap();
    let stream = logs.create_log_stream().log_group_name("/audit").log_stream_name("s");
    stream.clone().send().await.unwrap();
    assert_eq!(code(stream.send().await), "ResourceAlreadyExistsException");
    let delete = logs.delete_log_stream().log_group_name("/audit").log_stream_name("s");
    assert_eq!(code(delete.send().await), "ValidationException");
    put_filter(&cloud, "/audit", "f", "ERROR", metric()).await.unwrap();
    let ids: Vec<_> = cloud.left_behind().await;
    let kind = |kind: &str, id: &str| (format!("AWS::Logs::{kind}"), id.to_owned());
    assert_eq!(
        ids,
        [kind("LogGroup", "/audit"), kind("LogStream", "/audit|s"), kind("MetricFilter", "/audit|f")]
    );
    let streams = logs.describe_log_streams().log_group_name("/audit").send().await.unwrap();
    let arn = format!("arn:aws:logs:{REGION}:123456789012:log-group:/audit:log-stream:s");
    assert_eq!(streams.log_streams()[0].arn(), Some(arn.as_str()));

    let arn = format!("arn:aws:logs:{REGION}:123456789012:log-group:/audit");
    let call = logs.put_log_group_deletion_protection().log_group_identifier(arn);
    call.deletion_protection_enabled(false).send().await.unwrap();
    logs.delete_log_group().log_group_name("/audit").send().await.unwrap();
    assert_eq!(cloud.left_behind().await, []);
}

fn metric() -> aws_sdk_cloudwatchlogs::types::builders::MetricTransformationBuilder {
    MetricTransformation::builder().metric_name("m").metric_namespace("n").metric_value("1")
}

async fn put_filter(
    cloud: &Cloud,
    group: &str,
    name: &str,
    pattern: &str,
    metric: aws_sdk_cloudwatchlogs::types::builders::MetricTransformationBuilder,
) -> Result<
    aws_sdk_cloudwatchlogs::operation::put_metric_filter::PutMetricFilterOutput,
    aws_sdk_cloudwatchlogs::error::SdkError<
        aws_sdk_cloudwatchlogs::operation::put_metric_filter::PutMetricFilterError,
    >,
> {
    let call = cloud.logs.put_metric_filter().log_group_name(group).filter_name(name);
    call.filter_pattern(pattern).metric_transformations(metric.build().unwrap()).send().await
}

#[tokio::test(start_paused = true)]
async fn metric_filters_come_back_and_are_counted() {
    let cloud = Cloud::in_memory();
    let Cloud { logs, .. } = &cloud;
    logs.create_log_group().log_group_name("g").send().await.unwrap();
    let put =
        async |name: &str, pattern: &str, metric| code(put_filter(&cloud, "g", name, pattern, metric).await);
    let json = "{ $.level = \"error\" }";
    assert_eq!(put("b", json, metric().dimensions("Code", "$.code").unit(StandardUnit::Count)).await, "ok");
    assert_eq!(put("a", "", metric().default_value(0.0)).await, "ok");
    let rows = [
        ("x", metric().dimensions("Code", "$.code")),
        (json, metric().dimensions("Code", "$.code").default_value(0.0)),
        (json, ["A", "B", "C", "D"].into_iter().fold(metric(), |m, name| m.dimensions(name, "$.x"))),
        (json, metric().dimensions("Code", "500")),
        (json, metric().metric_value("one")),
        ("{ $.level = 1", metric()),
        ("{ $.level == 1 }", metric()),
        ("{ level = 1 }", metric()),
        ("[a, b", metric()),
        ("%(a)%", metric()),
        ("ERROR:", metric()),
    ];
    for (pattern, metric) in rows {
        assert_eq!(put("c", pattern, metric).await, "InvalidParameterException", "{pattern}");
    }
    let found = logs.describe_metric_filters().log_group_name("g").send().await.unwrap();
    let names: Vec<_> = found.metric_filters().iter().map(|filter| filter.filter_name().unwrap()).collect();
    assert_eq!(names, ["a", "b"]);
    let metric_of = |at: usize| found.metric_filters()[at].metric_transformations()[0].clone();
    assert_eq!(metric_of(0).default_value(), Some(0.0));
    assert_eq!((metric_of(0).unit(), metric_of(1).unit()), (None, Some(&StandardUnit::Count)));
    assert_eq!(metric_of(1).dimensions().unwrap()["Code"], "$.code");
    let group = logs.describe_log_groups().send().await.unwrap();
    assert_eq!(group.log_groups()[0].metric_filter_count(), Some(2));
    let half = logs.describe_metric_filters().metric_name("m").send().await;
    assert_eq!(code(half), "InvalidParameterException");
    let call = || logs.delete_metric_filter().log_group_name("g").filter_name("a").send();
    call().await.unwrap();
    assert_eq!(code(call().await), "ResourceNotFoundException");
    for number in 1..100 {
        assert_eq!(put(&format!("f{number}"), "x", metric()).await, "ok");
    }
    assert_eq!(put("more", "x", metric()).await, "LimitExceededException");
    assert_eq!(put("f1", "y", metric()).await, "ok");
    let mut pages = logs.describe_metric_filters().into_paginator().items().send();
    let mut count = 0;
    while pages.next().await.is_some() {
        count += 1;
    }
    assert_eq!(count, 100);
}

/// As users report the messages of CloudWatch Logs.
#[tokio::test(start_paused = true)]
async fn a_pattern_that_is_none_is_refused_in_the_words_of_aws() {
    let cloud = Cloud::in_memory();
    cloud.logs.create_log_group().log_group_name("g").send().await.unwrap();
    let put = async |pattern: &str| said(put_filter(&cloud, "g", "f", pattern, metric()).await);
    let refused = |message: &str| format!("InvalidParameterException: {message}");
    assert_eq!(put("?Status: timeout").await, refused("Invalid character(s) in term ':'"));
    assert_eq!(put("{ $.\"sc-status\" = 5* }").await, refused("Invalid character(s) in term '\"'"));
    assert_eq!(put("{ $.eventType > UpdateTrail }").await, refused("Invalid metric filter pattern"));
    assert_eq!(put("?ERROR ?\"Status: 5\"").await, "ok");
}

#[tokio::test(start_paused = true)]
async fn a_metric_filter_of_transformed_and_of_chosen_events_comes_back() {
    let cloud = Cloud::in_memory();
    let Cloud { logs, .. } = &cloud;
    logs.create_log_group().log_group_name("g").send().await.unwrap();
    let put = |pattern: &str| {
        let call = logs.put_metric_filter().log_group_name("g").filter_name("f").filter_pattern(pattern);
        call.metric_transformations(metric().build().unwrap())
    };
    let transformed = || put("ERROR").apply_on_transformed_logs(true).send();
    assert_eq!(code(transformed().await), "InvalidParameterException");
    let parse = Processor::builder().parse_json(ParseJson::builder().build()).build();
    let trim = TrimString::builder().with_keys("level").build().unwrap();
    let trim = Processor::builder().trim_string(trim).build();
    let transform = || logs.put_transformer().log_group_identifier("g");
    assert_eq!(code(transform().transformer_config(trim.clone()).send().await), "InvalidParameterException");
    let config = [parse, trim];
    transform().set_transformer_config(Some(config.to_vec())).send().await.unwrap();
    let transformer = || logs.get_transformer().log_group_identifier("g").send();
    assert_eq!(transformer().await.unwrap().transformer_config(), config);
    transformed().await.unwrap();

    let shown = async || {
        let found = logs.describe_metric_filters().log_group_name("g").send().await.unwrap();
        found.metric_filters.unwrap().remove(0)
    };
    assert!(shown().await.apply_on_transformed_logs);
    let chosen = "@aws.region = \"eu-west-1\"";
    let call = put("ERROR").field_selection_criteria(chosen);
    call.emit_system_field_dimensions("@aws.account").send().await.unwrap();
    let filter = shown().await;
    assert!(!filter.apply_on_transformed_logs);
    assert_eq!(filter.field_selection_criteria(), Some(chosen));
    assert_eq!(filter.emit_system_field_dimensions(), ["@aws.account"]);
    assert_eq!(
        code(put("x").emit_system_field_dimensions("@aws.source").send().await),
        "InvalidParameterException"
    );
    put("ERROR").send().await.unwrap();
    let filter = shown().await;
    assert_eq!((filter.field_selection_criteria(), filter.emit_system_field_dimensions().len()), (None, 0));
    logs.delete_transformer().log_group_identifier("g").send().await.unwrap();
    assert_eq!(transformer().await.unwrap().transformer_config(), []);
}

#[tokio::test(start_paused = true)]
async fn what_logs_refuses() {
    let cloud = Cloud::in_memory();
    let Cloud { logs, .. } = &cloud;
    logs.create_log_group().log_group_name("g").send().await.unwrap();
    let create = |name: &str| logs.create_log_group().log_group_name(name);
    let (invalid, denied) = ("InvalidParameterException", "AccessDeniedException");
    let none = format!("arn:aws:logs:{REGION}:123456789012:log-group:none");
    let retention = |days| logs.put_retention_policy().log_group_name("g").retention_in_days(days).send();
    let key = |arn: &str| logs.associate_kms_key().log_group_name("g").kms_key_id(arn).send();
    let (good, closed, doomed) = (cloud.key_for(LOGS).await, cloud.key().await, cloud.key_for(LOGS).await);
    let elsewhere = cloud.key_for("logs.eu-west-1.amazonaws.com").await;
    cloud.doom_key(&doomed).await;
    let rows = [
        ("name of aws", invalid, code(create("aws/x").send().await)),
        ("name with a space", invalid, code(create("a b").send().await)),
        ("tag of aws", invalid, code(create("x").tags("aws:k", "v").send().await)),
        ("key that is no ARN", invalid, code(create("x").kms_key_id("alias/k").send().await)),
        (
            "class",
            "UnknownParameter",
            code(create("x").log_group_class(LogGroupClass::Delivery).send().await),
        ),
        ("retention of 2", invalid, code(retention(2).await)),
        ("retention of 3653", "ok", code(retention(3653).await)),
        ("no retention", "ok", code(logs.delete_retention_policy().log_group_name("g").send().await)),
        ("key of another region", invalid, code(key("arn:aws:kms:eu-west-1:123456789012:key/k").await)),
        ("no such key", denied, code(key(NO_KEY).await)),
        ("key whose policy lets only the account in", denied, code(key(&closed).await)),
        ("key whose policy lets in Logs of another region", denied, code(key(&elsewhere).await)),
        ("key pending deletion", denied, code(key(&doomed).await)),
        ("new group with such a key", denied, code(create("x").kms_key_id(&doomed).send().await)),
        ("key", "ok", code(key(&good).await)),
        ("no target", invalid, code(logs.disassociate_kms_key().send().await)),
        ("no key", "ok", code(logs.disassociate_kms_key().log_group_name("g").send().await)),
        (
            "tags of none",
            "ResourceNotFoundException",
            code(logs.tag_resource().resource_arn(none).tags("a", "b").send().await),
        ),
        ("not an ARN", invalid, code(logs.list_tags_for_resource().resource_arn("g").send().await)),
        ("token", invalid, code(logs.describe_log_groups().next_token("x").send().await)),
    ];
    check(rows);
}

/// A key whose policy lets Logs use it for log groups of one name.
async fn key_for_groups(cloud: &Cloud, name: &str) -> String {
    let kms = aws_sdk_kms::Client::new(&config(&cloud.emulator, REGION));
    let root = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}"#;
    let groups = format!("arn:aws:logs:{REGION}:123456789012:log-group:{name}");
    let logs = serde_json::json!({
        "Effect": "Allow", "Principal": {"Service": LOGS}, "Action": ["kms:GenerateDataKey*", "kms:Decrypt*"],
        "Resource": "*", "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    });
    let made = kms.create_key().policy(policy(&[root, &logs.to_string()])).send().await.unwrap();
    made.key_metadata.unwrap().arn.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_key_is_used_only_for_groups_that_its_policy_names() {
    let cloud = Cloud::in_memory();
    let key = key_for_groups(&cloud, "/ecs/payment-*-dev").await;
    let create = |name: &str| cloud.logs.create_log_group().log_group_name(name).kms_key_id(&key).send();
    create("/ecs/payment-app-dev").await.unwrap();
    let refused = create("/ecs/payment-app-prod").await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDeniedException"));
    let arn = format!("'arn:aws:logs:{REGION}:123456789012:log-group:/ecs/payment-app-prod'");
    assert!(refused.message().unwrap().ends_with(&arn), "{refused:?}");

    cloud.logs.create_log_group().log_group_name("/ecs/payment-app-prod").send().await.unwrap();
    let call = cloud.logs.associate_kms_key().log_group_name("/ecs/payment-app-prod").kms_key_id(&key);
    assert_eq!(code(call.send().await), "AccessDeniedException");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_made_a_moment_ago_is_not_known_to_logs() {
    let cloud = Cloud::of(Emulator::builder().latency(1.0).in_memory());
    let key = cloud.key_for(LOGS).await;
    let create = || cloud.logs.create_log_group().log_group_name("g").kms_key_id(&key).send();
    let refused = create().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidParameterException"));
    assert!(refused.message().unwrap().contains("KMS Key Id could not be found"), "{refused:?}");
    tokio::time::advance(Duration::from_secs(20)).await;
    create().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn resource_policies_come_back_and_go() {
    let cloud = Cloud::in_memory();
    let Cloud { logs, .. } = &cloud;
    let document = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"es.amazonaws.com"},"Action":["logs:PutLogEvents"],"Resource":"*"}}"#;
    let put = |name: &str, document: &str| {
        logs.put_resource_policy().policy_name(name).policy_document(document).send()
    };
    let made = put("p", document).await.unwrap().resource_policy.unwrap();
    // As Logs writes it.
    let rewritten: serde_json::Value = serde_json::from_str(made.policy_document().unwrap()).unwrap();
    assert_eq!(rewritten["Version"], "2008-10-17");
    assert_eq!(rewritten["Statement"]["Action"], "logs:PutLogEvents");
    let found = logs.describe_resource_policies().send().await.unwrap();
    assert_eq!(found.resource_policies(), [made]);
    assert_eq!(code(put("q", "x").await), "InvalidParameterException");
    assert_eq!(code(put("q", &document.replace("logs:", "s3:")).await), "InvalidParameterException");
    for number in 1..10 {
        put(&number.to_string(), document).await.unwrap();
    }
    assert_eq!(code(put("q", document).await), "LimitExceededException");
    let delete = || logs.delete_resource_policy().policy_name("p").send();
    delete().await.unwrap();
    assert_eq!(code(delete().await), "ResourceNotFoundException");
}
