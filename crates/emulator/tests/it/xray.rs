//! X-Ray's sampling rules and groups.

use std::time::Duration;

use aws_sdk_xray::Client;
use aws_sdk_xray::types::builders::{SamplingRuleBuilder, SamplingRuleUpdateBuilder};
use aws_sdk_xray::types::{InsightsConfiguration, SamplingRule, SamplingRuleUpdate, Tag};
use emulator::Emulator;

use crate::support::{REGION, code, config};

fn client(emulator: &Emulator) -> Client {
    Client::new(&config(emulator, REGION))
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

fn rule(name: &str) -> SamplingRuleBuilder {
    let rule =
        SamplingRule::builder().rule_name(name).priority(100).fixed_rate(0.1).reservoir_size(0).version(1);
    rule.resource_arn("*")
        .service_name("payments")
        .service_type("*")
        .host("*")
        .http_method("*")
        .url_path("/payments/*")
}

fn update(name: &str) -> SamplingRuleUpdateBuilder {
    SamplingRuleUpdate::builder().rule_name(name)
}

#[tokio::test(start_paused = true)]
async fn a_sampling_rule_comes_back_as_it_was_made() {
    let emulator = Emulator::in_memory();
    let client = client(&emulator);
    let made = rule("payments").attributes("tier", "gold").build().unwrap();
    let call = client.create_sampling_rule().sampling_rule(made).tags(tag("Author", "Zoë"));
    let record = call.send().await.unwrap().sampling_rule_record.unwrap();
    let arn = format!("arn:aws:xray:{REGION}:123456789012:sampling-rule/payments");
    assert_eq!(record.sampling_rule().unwrap().rule_arn(), Some(arn.as_str()));

    let found = client.get_sampling_rules().send().await.unwrap();
    let [ours, default] = found.sampling_rule_records() else { panic!("{found:?}") };
    assert_eq!(ours, &record);
    let rule = ours.sampling_rule().unwrap();
    assert_eq!((rule.priority(), rule.fixed_rate(), rule.reservoir_size(), rule.version()), (100, 0.1, 0, 1));
    assert_eq!((rule.service_name(), rule.url_path(), rule.http_method()), ("payments", "/payments/*", "*"));
    assert_eq!(rule.attributes().unwrap()["tier"], "gold");
    let default = default.sampling_rule().unwrap();
    assert_eq!(
        (default.rule_name(), default.priority(), default.fixed_rate()),
        (Some("Default"), 10_000, 0.05)
    );
    let tags = client.list_tags_for_resource().resource_arn(&arn).send().await.unwrap();
    assert_eq!(tags.tags(), [tag("Author", "Zoë")]);
    // The default rule is nobody's.
    let objects = emulator.objects().await.unwrap();
    let [object] = objects.as_slice() else { panic!("{objects:?}") };
    assert_eq!((object.kind.as_str(), object.id.as_str()), ("AWS::XRay::SamplingRule", arn.as_str()));

    tokio::time::advance(Duration::from_secs(9)).await;
    let change = update("payments").fixed_rate(0.2).host("api").build();
    let changed = client.update_sampling_rule().sampling_rule_update(change).send().await.unwrap();
    let changed = changed.sampling_rule_record.unwrap();
    assert_eq!(changed.modified_at().unwrap().secs() - changed.created_at().unwrap().secs(), 9);
    let rule = changed.sampling_rule().unwrap();
    assert_eq!((rule.fixed_rate(), rule.host(), rule.priority()), (0.2, "api", 100));
    client.delete_sampling_rule().rule_arn(&arn).send().await.unwrap();
    assert_eq!(client.get_sampling_rules().send().await.unwrap().sampling_rule_records().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_group_comes_back_as_it_was_made() {
    let client = client(&Emulator::in_memory());
    let insights =
        InsightsConfiguration::builder().insights_enabled(true).notifications_enabled(true).build();
    let filter = "service(\"payments\") { fault = true }";
    let call = client.create_group().group_name("faults").filter_expression(filter).tags(tag("Name", "n"));
    let group = call.insights_configuration(insights.clone()).send().await.unwrap().group.unwrap();
    let arn = group.group_arn().unwrap();
    assert!(arn.starts_with(&format!("arn:aws:xray:{REGION}:123456789012:group/faults/")), "{arn}");
    assert_eq!(client.get_group().group_arn(arn).send().await.unwrap().group(), Some(&group));
    assert_eq!((group.filter_expression(), group.insights_configuration()), (Some(filter), Some(&insights)));
    client.update_group().group_name("faults").filter_expression("error = true").send().await.unwrap();
    let all = client.get_groups().send().await.unwrap();
    assert_eq!(all.groups()[0].filter_expression(), Some("error = true"));
    assert_eq!(all.groups()[0].insights_configuration(), Some(&insights));

    client.tag_resource().resource_arn(arn).tags(tag("Name", "m")).tags(tag("x", "y")).send().await.unwrap();
    client.untag_resource().resource_arn(arn).tag_keys("x").send().await.unwrap();
    let tags = client.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tags(), [tag("Name", "m")]);
    client.delete_group().group_name("faults").send().await.unwrap();
    assert_eq!(code(client.get_group().group_name("faults").send().await), "InvalidRequestException");
}

#[tokio::test(start_paused = true)]
async fn what_x_ray_refuses() {
    let client = client(&Emulator::in_memory());
    let create =
        |rule: SamplingRuleBuilder| client.create_sampling_rule().sampling_rule(rule.build().unwrap()).send();
    let rows = [
        ("all is well", rule("a"), "ok"),
        ("the same name", rule("a").priority(5), "InvalidRequestException"),
        ("the name of the default rule", rule("Default"), "InvalidRequestException"),
        ("no name", rule("b").set_rule_name(None), "InvalidRequestException"),
        ("an ARN", rule("b").rule_arn("arn"), "InvalidRequestException"),
        ("version 2", rule("b").version(2), "InvalidRequestException"),
        ("a long name", rule(&"b".repeat(33)), "ValidationException"),
        ("priority 0", rule("b").priority(0), "ValidationException"),
        ("priority 10000", rule("b").priority(10_000), "ValidationException"),
        ("more than everything", rule("b").fixed_rate(1.1), "ValidationException"),
        ("a negative reservoir", rule("b").reservoir_size(-1), "ValidationException"),
    ];
    for (name, rule, wanted) in rows {
        assert_eq!(code(create(rule).await), wanted, "{name}");
    }
    let change = |update: SamplingRuleUpdateBuilder| {
        client.update_sampling_rule().sampling_rule_update(update.build()).send()
    };
    let rows = [
        ("no rule", SamplingRuleUpdate::builder(), "InvalidRequestException"),
        ("an unknown rule", update("none"), "InvalidRequestException"),
        ("priority 0", update("a").priority(0), "InvalidRequestException"),
        ("a rate of 2", update("a").fixed_rate(2.0), "InvalidRequestException"),
        ("the default rule's path", update("Default").url_path("/"), "InvalidRequestException"),
        ("the default rule's rate", update("Default").fixed_rate(0.1), "ok"),
    ];
    for (name, update, wanted) in rows {
        assert_eq!(code(change(update).await), wanted, "{name}");
    }
    let delete = |name: &str| client.delete_sampling_rule().rule_name(name).send();
    assert_eq!(code(delete("Default").await), "InvalidRequestException");
    assert_eq!(code(delete("none").await), "InvalidRequestException");

    let group = |name: &str| client.create_group().group_name(name);
    let loud = InsightsConfiguration::builder().notifications_enabled(true).build();
    let rows = [
        ("all is well", group("g"), "ok"),
        ("the same name", group("g"), "InvalidRequestException"),
        ("the reserved name", group("Default"), "InvalidRequestException"),
        ("a filter that does not close", group("h").filter_expression("(fault"), "InvalidRequestException"),
        (
            "notifications without insights",
            group("h").insights_configuration(loud),
            "InvalidRequestException",
        ),
    ];
    for (name, call, wanted) in rows {
        assert_eq!(code(call.send().await), wanted, "{name}");
    }
    let unknown = client.list_tags_for_resource().resource_arn("arn:aws:xray:x").send().await;
    assert_eq!(code(unknown), "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn there_are_25_rules_at_most() {
    let client = client(&Emulator::in_memory());
    for n in 0..25 {
        let rule = rule(&format!("r{n}")).build().unwrap();
        client.create_sampling_rule().sampling_rule(rule).send().await.unwrap();
    }
    let more = client.create_sampling_rule().sampling_rule(rule("more").build().unwrap()).send().await;
    assert_eq!(code(more), "RuleLimitExceededException");
}

#[tokio::test]
async fn rules_and_groups_are_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let objects = {
        let emulator = Emulator::open(directory.path()).unwrap();
        let client = client(&emulator);
        client.create_sampling_rule().sampling_rule(rule("a").build().unwrap()).send().await.unwrap();
        client.create_group().group_name("g").tags(tag("a", "b")).send().await.unwrap();
        emulator.objects().await.unwrap()
    };
    let emulator = Emulator::open(directory.path()).unwrap();
    assert_eq!(emulator.objects().await.unwrap(), objects);
    assert_eq!(client(&emulator).get_sampling_rules().send().await.unwrap().sampling_rule_records().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn too_many_calls_are_throttled() {
    let client = client(&Emulator::builder().throttling(true).in_memory());
    let mut codes = Vec::new();
    for _ in 0..11 {
        codes.push(code(client.get_sampling_rules().send().await));
    }
    assert_eq!(codes.pop().as_deref(), Some("ThrottledException"));
    assert!(codes.iter().all(|code| code == "ok"));
}
