//! `stack verify`: what a person, a script and a CI system get.

use std::path::Path;
use std::sync::Arc;

use aws_sdk_ec2::types::AttributeBooleanValue;
use engine::{Engine, LocalStore, Registry};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use crate::command::{Ended, Workplace, files_in};
use crate::server::Server;

/// Elements of an XML file, with the attributes that are asked for.
fn elements(xml: &str, attributes: &[&str]) -> Vec<(String, Vec<String>)> {
    let mut reader = Reader::from_str(xml);
    let mut elements = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return elements,
            Event::Start(start) | Event::Empty(start) => {
                let value = |name: &&str| {
                    let found = start.try_get_attribute(name).unwrap();
                    let value =
                        found.map(|one| quick_xml::escape::unescape(&one.value).unwrap().into_owned());
                    value.unwrap_or_default()
                };
                elements.push((start.name().as_ref().to_owned(), attributes.iter().map(value).collect()));
            }
            _ => {}
        }
    }
}

/// The ids of checks with a result.
fn with_result<'a>(json: &'a Value, result: &str) -> Vec<&'a str> {
    let checks = json["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["result"] == result).map(|check| check["id"].as_str().unwrap()).collect()
}

/// Turns a VPC's DNS names off and deletes its flow log.
fn meddle(place: &Workplace) -> impl Future<Output = ()> {
    let ec2 = place.ec2();
    let vpc = place.run(&["outputs", "vpcId"]).expect(0).out.trim_end().to_owned();
    async move {
        let off = AttributeBooleanValue::builder().value(false).build();
        let request = ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(off);
        request.send().await.unwrap();
        let logs = ec2.describe_flow_logs().send().await.unwrap();
        let id = logs.flow_logs()[0].flow_log_id().unwrap().to_owned();
        ec2.delete_flow_logs().flow_log_ids(&id).send().await.unwrap();
    }
}

#[test]
fn a_good_stack_passes_and_nothing_is_changed() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let key = place.run(&["outputs", "apiKey"]).expect(0).out.trim_end().to_owned();
    let (cloud, state) = (place.emulator_bytes(), place.files("dev"));

    let text = place.run(&["verify"]).expect(0);
    let json = place.run(&["verify", "--json", "--junit", "results.xml"]).expect(0);
    assert_eq!((place.emulator_bytes(), place.files("dev")), (cloud, state));

    let (results, xml) = (json.json(), std::fs::read_to_string(place.path().join("results.xml")).unwrap());
    assert_eq!(results["good"], true);
    assert_eq!((&results["environment"], &results["target"]), (&"dev".into(), &"embedded".into()));
    assert_eq!(with_result(&results, "failed"), Vec::<&str>::new());
    let (passed, skipped) = (with_result(&results, "passed"), with_result(&results, "skipped"));
    assert_eq!(results["counts"]["passed"], passed.len());
    assert_eq!(passed.len() + skipped.len(), results["checks"].as_array().unwrap().len());
    // There is neither a certificate nor an image.
    let others = ["https/load-balancer", "completeness/targets", "completeness/running-images"];
    assert!(skipped.iter().all(|id| id.starts_with("http/") || others.contains(id)), "{skipped:?}");
    assert_eq!(skipped.len(), 11);

    let lines: Vec<&str> = text.out.lines().collect();
    assert_eq!(lines.len(), passed.len() + skipped.len() + 1);
    for id in &passed {
        assert!(lines.iter().any(|line| line.starts_with(&format!("ok       {id} "))), "{id}");
    }
    for id in &skipped {
        assert!(lines.iter().any(|line| line.starts_with(&format!("skipped  {id} "))), "{id}");
    }
    let last =
        format!("payment dev (embedded, ap-southeast-1): {} passed, 0 failed, 11 skipped", passed.len());
    assert_eq!(lines.last(), Some(&&*last));

    let found = elements(&xml, &["name", "tests", "failures", "skipped"]);
    let all = (passed.len() + skipped.len()).to_string();
    let all = ("testsuites", ["payment dev (embedded, ap-southeast-1)", &*all, "0", "11"]);
    assert_eq!((found[0].0.as_str(), found[0].1.as_slice()), (all.0, all.1.map(str::to_owned).as_slice()));
    assert_eq!(found.iter().filter(|(name, _)| name == "testcase").count(), passed.len() + skipped.len());
    for shown in [text.out, text.err, json.out, json.err, xml] {
        assert!(!shown.contains(&key), "the key is shown");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_with_place_expectation_finding_and_advice() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    meddle(&place).await;
    let text = place.run(&["verify"]).expect(1);
    let passed = text.out.lines().filter(|line| line.starts_with("ok ")).count();
    let summary = format!("payment dev (embedded, ap-southeast-1): {passed} passed, 3 failed, 11 skipped");
    for line in [
        "FAILED   monitoring/flow-logs            not so: a flow log records all traffic of the stack's VPC",
        "         vpc/flow-log: expected AWS::EC2::FlowLog; found nothing: it has disappeared",
        "         vpc/vpc: expected EnableDnsHostnames: true; found false",
        "         to do: `up` brings it back to what is declared; `preview` shows how",
        &summary,
    ] {
        assert!(text.out.lines().any(|one| one == line), "{line}\n{}", text.out);
    }
    let json = place.run(&["verify", "--json", "--junit", "results.xml"]).expect(1).json();
    let failed = ["monitoring/flow-logs", "completeness/resources", "completeness/unchanged"];
    assert_eq!(with_result(&json, "failed"), failed);
    assert_eq!((&json["good"], &json["counts"]["failed"]), (&false.into(), &3.into()));
    let checks = json["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["id"] == "completeness/unchanged").unwrap();
    assert_eq!(
        check["findings"],
        serde_json::json!([{ "where": "vpc/vpc", "expected": "EnableDnsHostnames: true", "found": "false" }])
    );
    let xml = std::fs::read_to_string(place.path().join("results.xml")).unwrap();
    let failures = elements(&xml, &["message"]).into_iter().filter(|(name, _)| name == "failure");
    assert_eq!(failures.count(), 3);
    place.run(&["up"]).expect(0);
    place.run(&["verify"]).expect(0);
}

#[test]
fn who_may_not_look_is_told_so_and_gets_everything_else() {
    let place = Workplace::new();
    Server::start(&place).run(&place, &["up"]).expect(0);
    let refusal = r#"{"error": {"code": "AccessDenied", "status": 403}}"#;
    let rule =
        format!(r#"{{"of": {{"operation": "GetSchedule"}}, "when": {{"share": 1}}, "fault": {refusal}}}"#);
    std::fs::write(place.path().join("faults.json"), format!(r#"{{"rules": [{rule}]}}"#)).unwrap();
    let server = Server::start_with(&place, &["--faults", "faults.json"]);

    let text = server.run(&place, &["verify", "--junit", "results.xml"]).expect(1);
    let passed = text.out.lines().filter(|line| line.starts_with("ok ")).count();
    let summary = format!("payment dev (aws, ap-southeast-1): {passed} passed, 2 failed, 11 skipped");
    for start in [
        "FAILED   backup/verification             not known: backups are verified on a schedule that is on",
        "FAILED   completeness/resources          not known: every recorded resource exists",
        "         backup/schedule: expected AWS::Scheduler::Schedule; found this identity may not look: GetSchedule: AccessDenied: ",
        "         to do: allow this identity the call that AWS refused, or use one that may read all of it",
        &summary,
    ] {
        assert!(text.out.lines().any(|line| line.starts_with(start)), "{start}\n{}", text.out);
    }
    let xml = std::fs::read_to_string(place.path().join("results.xml")).unwrap();
    let failures = elements(&xml, &["message"]).into_iter().filter(|(name, _)| name == "failure");
    assert!(failures.clone().all(|(_, message)| message[0].starts_with("not known: ")));
    assert_eq!(failures.count(), 2);

    let refresh = server.run(&place, &["refresh"]).expect(1);
    assert!(refresh.err.contains("error[E0301]: backup/schedule cannot be read\n"), "{}", refresh.err);
    let hint = "hint: nothing was changed; allow this identity the call, or use one that may make it";
    assert!(refresh.err.contains(hint), "{}", refresh.err);
}

/// The sample of the README is what is printed, line by line.
#[tokio::test]
async fn the_sample_in_the_readme_is_what_is_printed() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let objects = place.objects().await;
    let is_key = |object: &&emulator::Object| {
        object.kind == "AWS::KMS::Key"
            && object.tags.get("stack:address").is_some_and(|at| at == "database/key")
    };
    let key = objects.iter().find(is_key).unwrap();
    let sdk = stack::embedded(&place.emulator(), aws_sdk_ec2::config::Region::new("ap-southeast-1"));
    aws_sdk_kms::Client::new(&sdk).disable_key_rotation().key_id(&key.id).send().await.unwrap();
    let printed = place.run(&["verify"]).expect(1).out;
    let readme = include_str!("../../../../README.md");
    let sample = readme.split("$ aws kms disable-key-rotation").nth(1).unwrap().split("```").next().unwrap();
    let lines: Vec<&str> = sample.lines().skip(2).filter(|line| *line != "…").collect();
    assert!(lines.len() > 8, "{sample}");
    for line in lines {
        assert!(printed.lines().any(|one| one == line), "not printed: {line}\n{printed}");
    }
}

#[test]
fn without_a_stack_it_says_what_to_do_and_calls_nothing() {
    let place = Workplace::new();
    let nothing = place.run(&["verify", "--env", "staging"]).expect(65);
    assert!(nothing.err.contains("payment staging (embedded, ap-southeast-1): nothing is deployed here"));
    assert!(nothing.err.contains("hint: `stack up --env staging` deploys it"), "{}", nothing.err);
    assert!(!place.path().join(".stack/emulator").exists());
    place.run(&["up"]).expect(0);
    place.run(&["destroy", "--yes"]).expect(0);
    place.run(&["verify"]).expect(65);
}

#[test]
fn bad_arguments_are_refused_before_anything_is_called() {
    let place = Workplace::new();
    let missing = place.run(&["verify", "--junit", "none/results.xml"]).expect(64);
    let message = "error[E0101]: --junit: cannot write none/results.xml: there is no directory none";
    assert!(missing.err.contains(message), "{}", missing.err);
    let directory = place.run(&["verify", "--junit", "."]).expect(64);
    assert!(directory.err.contains("cannot write .: it is a directory"), "{}", directory.err);
    for timeout in ["0", "301", "soon"] {
        let refused = place.run(&["verify", "--timeout", timeout]).expect(64);
        assert!(refused.err.contains("--timeout"), "{}", refused.err);
    }
    assert!(!place.path().join(".stack").exists());
}

#[tokio::test]
async fn a_configuration_that_asks_for_more_than_was_deployed_is_not_satisfied() {
    let place = Workplace::new();
    place.run(&["up", "--set", "vpc.flow_logs.enabled=false"]).expect(0);
    let json = place.run(&["verify", "--json"]).expect(1).json();
    assert_eq!(with_result(&json, "failed"), ["completeness/declared"]);
    assert!(with_result(&json, "skipped").contains(&"monitoring/flow-logs"));
    place.run(&["verify", "--set", "vpc.flow_logs.enabled=false"]).expect(0);
}

#[test]
fn the_hardened_environment_passes_with_https() {
    let place = Workplace::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../stack.toml");
    std::fs::copy(file, place.path().join("stack.toml")).unwrap();
    place.run(&["up", "--env", "prod"]).expect(0);
    let json = place.run(&["verify", "--env", "prod", "--json"]).expect(0).json();
    assert!(with_result(&json, "passed").contains(&"https/load-balancer"));
    let others = ["completeness/targets", "completeness/running-images"];
    let skipped = with_result(&json, "skipped");
    assert!(skipped.iter().all(|id| id.starts_with("http/") || others.contains(id)), "{skipped:?}");
}

/// Copies the files of a directory into another one.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for (path, bytes) in files_in(from) {
        std::fs::write(to.join(path.file_name().unwrap()), bytes).unwrap();
    }
}

#[tokio::test]
async fn requests_that_reach_nobody_and_another_image_than_the_recorded_one_are_found() {
    let place = Workplace::new();
    let image = |digit: &str| format!("ecs.image=public.ecr.aws/nginx/nginx@sha256:{}", digit.repeat(64));
    let (first, second) = (image("a"), image("b"));
    place.run(&["up", "--set", &first]).expect(0);
    let verify = |code| place.run(&["verify", "--json", "--set", &first]).expect(code).json();
    let both = ["completeness/targets", "completeness/running-images"];
    let good = verify(0);
    assert!(both.iter().all(|id| with_result(&good, "passed").contains(id)), "{good:#}");

    // Somebody moves all requests to the group without targets.
    let state = place.state("dev").await;
    let service = &state.current("ecs/service").unwrap().properties["LoadBalancers"][0];
    let rule = service["AdvancedConfiguration"]["ProductionListenerRule"].as_str().unwrap();
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&stack::embedded(
        &place.emulator(),
        aws_sdk_ec2::config::Region::new("ap-southeast-1"),
    ));
    let swap = || async {
        let rules = elb.describe_rules().rule_arns(rule).send().await.unwrap();
        let mut actions = rules.rules()[0].actions().to_vec();
        let mut groups = actions[0].forward_config.as_ref().unwrap().target_groups().to_vec();
        for group in &mut groups {
            group.weight = Some(100 - group.weight.unwrap());
        }
        actions[0].forward_config.as_mut().unwrap().target_groups = Some(groups);
        elb.modify_rule().rule_arn(rule).set_actions(Some(actions)).send().await.unwrap();
    };
    swap().await;
    let moved = verify(1);
    assert!(with_result(&moved, "failed").contains(&both[0]), "{moved:#}");
    let text = moved["checks"].to_string();
    assert!(text.contains("\"found\":\"no targets\"") && text.contains("which gets requests"), "{text}");
    swap().await;
    verify(0);

    // A run of somebody else deploys another image, which this copy of the state does not know.
    let kept = place.path().join("kept");
    copy(&place.state_directory("dev"), &kept);
    place.run(&["up", "--set", &second]).expect(0);
    std::fs::remove_dir_all(place.state_directory("dev")).unwrap();
    copy(&kept, &place.state_directory("dev"));
    let other = verify(1);
    assert!(with_result(&other, "failed").contains(&both[1]), "{other:#}");
    assert!(with_result(&other, "passed").contains(&both[0]), "{other:#}");
    let text = other["checks"].to_string();
    let found = format!("\"found\":\"{}", second.trim_start_matches("ecs.image="));
    assert!(text.contains(&found) && text.contains("in the container app"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_endpoint_is_read_and_not_asked_over_http_and_a_lock_is_no_hindrance() {
    let place = Workplace::new();
    let server = Server::start(&place);
    server.run(&place, &["up"]).expect(0);
    let store = Arc::new(LocalStore::new(place.path().join(".stack/aws/dev")));
    let session = Engine::new(Arc::new(Registry::new(())), store).open().await.unwrap();
    let json = server.run(&place, &["verify", "--json"]).expect(0).json();
    session.close().await.unwrap();
    assert_skipped(&json, &server.url);
}

/// All checks over HTTP are skipped, because of this endpoint.
#[track_caller]
fn assert_skipped(json: &Value, url: &str) {
    let start = format!("custom endpoint {url} (");
    let checks = json["checks"].as_array().unwrap();
    let over_http = checks.iter().filter(|check| check["id"].as_str().unwrap().starts_with("http/"));
    let reasons: Vec<&str> = over_http.filter_map(|check| check["reason"].as_str()).collect();
    assert_eq!(reasons.len(), 8, "{json:#}");
    for reason in reasons {
        assert!(reason.starts_with(&start) && reason.ends_with("HTTP checks skipped"), "{reason}");
    }
}

/// The services that the stack uses, as the AWS SDKs Reference Guide spells their variables.
const SERVICES: [&str; 23] = [
    "API_GATEWAY",
    "APIGATEWAYV2",
    "APPLICATION_AUTO_SCALING",
    "BACKUP",
    "CLOUDWATCH",
    "CLOUDWATCH_LOGS",
    "EC2",
    "ECR",
    "ECS",
    "ELASTIC_LOAD_BALANCING_V2",
    "IAM",
    "KMS",
    "LAMBDA",
    "RDS",
    "RDS_DATA",
    "S3",
    "SCHEDULER",
    "SECRETS_MANAGER",
    "SNS",
    "SQS",
    "STS",
    "WAFV2",
    "XRAY",
];

#[test]
fn an_endpoint_of_single_services_is_noticed_too_in_variables_and_in_the_profile() {
    let place = Workplace::new();
    let server = Server::start(&place);
    server.run(&place, &["up"]).expect(0);
    let verify = || {
        let mut command = place.command(&["verify", "--json", "--target", "aws"]);
        server.reached_by(&mut command).env_remove("AWS_ENDPOINT_URL");
        command
    };
    let mut by_variables = verify();
    for service in SERVICES {
        by_variables.env(format!("AWS_ENDPOINT_URL_{service}"), &server.url);
    }
    assert_skipped(&Ended::of(&by_variables.output().unwrap()).expect(0).json(), &server.url);

    // The SDK for Rust spells them with hyphens, where the reference guide has underscores.
    let entries = SERVICES.map(|service| {
        format!("{} =\n  endpoint_url = {}\n", service.to_lowercase().replace('_', "-"), server.url)
    });
    place.write("profile", &format!("[default]\nservices = served\n[services served]\n{}", entries.concat()));
    let mut by_profile = verify();
    by_profile.env("AWS_CONFIG_FILE", place.path().join("profile"));
    assert_skipped(&Ended::of(&by_profile.output().unwrap()).expect(0).json(), &server.url);
}
