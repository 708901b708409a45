//! CloudWatch Logs: what real AWS answered, recorded, row by row. The next recorded answer is one row more.

use std::sync::{Arc, Mutex};

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::{MetricTransformation, StandardUnit};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::{Value, json};

use crate::rows::check;
use crate::support::{Cloud, REGION, answered};

const REFUSED: &str = "InvalidParameterException 400";

/// The body of an answer, for what the client does not show: whether a flag that is false is there.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<u8>>>);

impl Intercept for Seen {
    fn name(&self) -> &'static str {
        "seen"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        *self.0.lock().unwrap() = context.response().body().bytes().unwrap().to_vec();
        Ok(())
    }
}

fn statement(service: Value, resource: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"Service": service}, "Action": "logs:PutLogEvents", "Resource": resource})
}

/// A policy as it comes back.
async fn rewritten(logs: &Client, document: Value) -> Value {
    let call = logs.put_resource_policy().policy_name("p").policy_document(document.to_string());
    call.send().await.unwrap();
    let found = logs.describe_resource_policies().send().await.unwrap();
    serde_json::from_str(found.resource_policies()[0].policy_document().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn resource_policies_are_rewritten() {
    let Cloud { logs, .. } = Cloud::in_memory();
    let (one, two) = (json!("es.amazonaws.com"), json!(["es.amazonaws.com", "route53.amazonaws.com"]));
    let rows = [
        (
            "B17 a list of one service",
            json!({"Version": "2012-10-17", "Statement": [statement(json!([one]), "*")]}),
            json!({"Version": "2012-10-17", "Statement": [statement(one.clone(), "*")]}),
        ),
        (
            "B17 no version",
            json!({"Statement": [statement(one.clone(), "*")]}),
            json!({"Version": "2008-10-17", "Statement": [statement(one.clone(), "*")]}),
        ),
        (
            "a list of two services",
            json!({"Version": "2008-10-17", "Statement": [statement(two.clone(), "*")]}),
            json!({"Version": "2008-10-17", "Statement": [statement(two, "*")]}),
        ),
        (
            "D44 a resource that is no ARN",
            json!({"Version": "2012-10-17", "Statement": [statement(one.clone(), "log_arn")]}),
            json!({"Version": "2012-10-17", "Statement": [statement(one, "log_arn")]}),
        ),
    ];
    for (name, given, wanted) in rows {
        assert_eq!(rewritten(&logs, given).await, wanted, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn metric_filters_as_they_are_shown() {
    let Cloud { logs, .. } = Cloud::in_memory();
    logs.create_log_group().log_group_name("g").send().await.unwrap();
    let metric = |namespace: &str| {
        MetricTransformation::builder().metric_name("m").metric_namespace(namespace).metric_value("1")
    };
    let put = |name: &str, metric: aws_sdk_cloudwatchlogs::types::builders::MetricTransformationBuilder| {
        let call = logs.put_metric_filter().log_group_name("g").filter_name(name).filter_pattern("ERROR");
        call.metric_transformations(metric.build().unwrap())
    };
    check([
        ("a filter", "ok", answered(put("a", metric("n")).send().await)),
        ("a filter with a unit", "ok", answered(put("b", metric("n").unit(StandardUnit::None)).send().await)),
        ("D44 a colon in a namespace", "ok", answered(put("c", metric("my:space")).send().await)),
        ("a star in a namespace", REFUSED, answered(put("d", metric("my*space")).send().await)),
        (
            "a filter of events as they came",
            "ok",
            answered(put("a", metric("n")).apply_on_transformed_logs(false).send().await),
        ),
        (
            "a filter of transformed events without a transformer",
            REFUSED,
            answered(put("a", metric("n")).apply_on_transformed_logs(true).send().await),
        ),
    ]);
    let seen = Seen::default();
    let call = logs.describe_metric_filters().log_group_name("g");
    let found = call.customize().interceptor(seen.clone()).send().await.unwrap();
    let [plain, with_unit, _] = found.metric_filters() else { panic!("{found:?}") };
    assert_eq!(plain.metric_transformations()[0].unit(), None, "B24: a unit that was not given");
    assert_eq!(with_unit.metric_transformations()[0].unit(), Some(&StandardUnit::None));
    let body: Value = serde_json::from_slice(&seen.0.lock().unwrap()).unwrap();
    assert_eq!(
        body["metricFilters"][0]["applyOnTransformedLogs"],
        json!(false),
        "B24: applyOnTransformedLogs"
    );
}

#[tokio::test(start_paused = true)]
async fn log_groups_by_pattern() {
    let Cloud { logs, .. } = Cloud::in_memory();
    logs.create_log_group().log_group_name("/a/group").send().await.unwrap();
    let found = logs.describe_log_groups().log_group_name_pattern("group").send().await.unwrap();
    let [group] = found.log_groups() else { panic!("{found:?}") };
    let arn = format!("arn:aws:logs:{REGION}:123456789012:log-group:/a/group");
    check([
        ("B24 logGroupArn", arn.as_str(), group.log_group_arn().unwrap_or("absent").to_owned()),
        (
            "B24 logGroupClass",
            "STANDARD",
            group.log_group_class().map_or("absent", |class| class.as_str()).to_owned(),
        ),
        ("B24 metricFilterCount", "Some(0)", format!("{:?}", group.metric_filter_count())),
        ("arn", &format!("{arn}:*"), group.arn().unwrap_or("absent").to_owned()),
        ("storedBytes", "None", format!("{:?}", group.stored_bytes())),
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_group_is_named_once() {
    let Cloud { logs, .. } = Cloud::in_memory();
    logs.create_log_group().log_group_name("g").send().await.unwrap();
    logs.create_log_stream().log_group_name("g").log_stream_name("s").send().await.unwrap();
    let arn = format!("arn:aws:logs:{REGION}:123456789012:log-group:g");
    let streams = || logs.describe_log_streams();
    let events = || logs.get_log_events().log_stream_name("s");
    let both = "ValidationException 400";
    check([
        ("C38 both", both, answered(streams().log_group_name("g").log_group_identifier(&arn).send().await)),
        ("the name", "ok", answered(streams().log_group_name("g").send().await)),
        ("the ARN", "ok", answered(streams().log_group_identifier(&arn).send().await)),
        ("neither", REFUSED, answered(streams().send().await)),
        (
            "both, for events",
            both,
            answered(events().log_group_name("g").log_group_identifier(&arn).send().await),
        ),
        ("the ARN, for events", "ok", answered(events().log_group_identifier(&arn).send().await)),
    ]);
}
