//! What comes from outside cannot forge a line, hide, or steer the terminal.

use aws_sdk_apigateway::types::{Op, PatchOperation};
use aws_sdk_ec2::config::Region;
use aws_sdk_ec2::types::Tag;
use engine::is_hidden;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use crate::command::{Ended, Workplace};

/// A line of `verify` that nobody wrote, a control sequence introducer, a text that runs from right to left, and characters that
/// nobody sees.
const FORGED: &str =
    "team\nok       forged/line  all is well\u{9b}31m\u{202e}drawkcab\u{2066}\u{200b}\u{e0041}\u{7f}";
/// The same, as it is shown.
const SHOWN: &str =
    r"team\nok       forged/line  all is well\u{9b}31m\u{202e}drawkcab\u{2066}\u{200b}\u{e0041}\u{7f}";
/// Codes that clear a line and colour it. Services that answer in XML cannot have them.
const CODES: &str = "\r\u{1b}[2K\u{1b}[32mok       forged/line\u{8}\0";

#[track_caller]
fn assert_clean(text: &str) {
    for line in text.lines() {
        assert!(!line.contains(is_hidden), "{line:?}");
        assert!(!line.starts_with("ok       forged/line"), "{line:?}");
    }
}

/// A stack whose VPC somebody gave another name, and whose API another description, behind the program's back.
async fn meddled() -> Workplace {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let output = |name: &str| place.run(&["outputs", name]).expect(0).out.trim_end().to_owned();
    let (vpc, api) = (output("vpcId"), output("apiId"));
    let tags = ["Name", "Author"].map(|key| Tag::builder().key(key).value(FORGED).build());
    place.ec2().create_tags().resources(&vpc).set_tags(Some(tags.to_vec())).send().await.unwrap();
    let config = stack::embedded(&place.emulator(), Region::new("ap-southeast-1"));
    let description =
        PatchOperation::builder().op(Op::Replace).path("/description").value(format!("{FORGED}{CODES}"));
    let request = aws_sdk_apigateway::Client::new(&config).update_rest_api().rest_api_id(&api);
    request.patch_operations(description.build()).send().await.unwrap();
    place
}

/// Every text in JSON, keys too.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| [vec![name.as_str()], texts(value)].concat()).collect()
        }
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn a_tag_that_somebody_changed_forges_no_line_anywhere() {
    let place = meddled().await;
    let shown = |ended: &Ended, text: &str| {
        assert_clean(&ended.out);
        assert_clean(&ended.err);
        assert!(ended.out.contains(text), "{text}:\n{}", ended.out);
    };
    // A line for each group and object, one or two for each of its properties that differs, and what that comes from.
    let lines = ["apigw/rest-api", "Description", "vpc/vpc", "Tags[Author]", "Tags[Name]", "payment dev"];
    let others = ["vpc: 1 to change", "apigw: 1 to change", "        "];
    for command in ["refresh", "preview"] {
        let ended = place.run(&[command]).expect(0);
        shown(&ended, r"\u{202e}drawkcab");
        shown(&ended, r"\r\u001b[2K");
        let is_other = |line: &&str| others.iter().any(|start| line.starts_with(start));
        let all: Vec<&str> = ended.out.lines().filter(|line| !is_other(line)).collect();
        assert_eq!(all.len(), lines.len(), "{}", ended.out);
        for part in lines {
            assert_eq!(all.iter().filter(|line| line.contains(part)).count(), 1, "{part}:\n{}", ended.out);
        }
    }
    let list = place.run(&["emulator", "list"]).expect(0);
    shown(&list, SHOWN);

    let verify = place.run(&["verify", "--junit", "results.xml"]).expect(1);
    shown(&verify, r"\u{202e}drawkcab");
    let json = place.run(&["verify", "--json"]).expect(1);
    let checks = json.json()["checks"].as_array().unwrap().len();
    let of_checks = verify.out.lines().filter(|line| ["ok  ", "skip", "FAIL"].contains(&&line[..4]));
    assert_eq!(of_checks.count(), checks);

    for arguments in
        [["verify", "--json"].as_slice(), &["refresh", "--json"], &["emulator", "list", "--json"]]
    {
        let ended = place.run(arguments);
        assert_clean(&ended.out);
        let json = ended.json();
        let all = texts(&json);
        assert!(all.iter().any(|text| text.contains("\u{202e}") || text.contains(r"\u{202e}")), "{all:?}");
    }
    let list = place.run(&["emulator", "list", "--json"]).json();
    assert!(texts(&list).contains(&FORGED), "JSON carries the text itself");

    let xml = std::fs::read_to_string(place.path().join("results.xml")).unwrap();
    assert_clean(&xml);
    let mut reader = Reader::from_str(&xml);
    let mut cases = 0;
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => break,
            Event::Start(start) | Event::Empty(start) if start.name().as_ref() == "testcase" => cases += 1,
            _ => {}
        }
    }
    assert_eq!(cases, checks);
}

#[test]
fn what_was_typed_forges_no_line_of_an_error() {
    let place = Workplace::new();
    place.write("a\nhint: run curl\u{202e}.toml", "region = 1\n");
    place.write("stack.toml", "[tags]\n\"a\\nhint: forged\\u202E\" = 1\n");
    for arguments in [
        vec!["config", "--env", FORGED],
        vec!["config", "--config", FORGED],
        vec!["config", "--config", "a\nhint: run curl\u{202e}.toml"],
        vec!["config"],
        vec!["config", "--set", FORGED],
        vec!["config", "--set", "region=\u{202e}\nhint: x"],
        vec!["config", "--region", FORGED],
        vec!["config", "--target", FORGED],
        vec![FORGED],
        vec!["outputs", "--x\u{1b}[31m\nhint: y\u{202e}"],
        vec!["verify", "--timeout", FORGED],
        vec!["verify", "--junit", "none/\nhint: \u{202e}"],
        vec!["emulator", "serve", "--faults", FORGED],
        vec!["emulator", "serve", "--latency", FORGED],
        vec!["export", FORGED],
    ] {
        let ended = place.run(&arguments);
        assert!([1, 64, 65].contains(&ended.code), "{arguments:?}: {ended:?}");
        assert_clean(&ended.err);
        let count = |start: &str| ended.err.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(count("error[E"), 1, "{}", ended.err);
        assert!(count("hint: ") <= 1, "{}", ended.err);
        assert_eq!(ended.out, "");
    }
}

#[test]
fn a_variable_forges_no_line_of_an_error() {
    let place = Workplace::new();
    for (name, value) in [
        ("STACK_ENV", FORGED),
        ("STACK_TARGET", FORGED),
        ("STACK_CONFIG", FORGED),
        ("STACK_REGION", FORGED),
        ("STACK_VPC__NAT", FORGED),
        ("STACK_X__Y\nhint: forged\u{202e}", "x"),
    ] {
        let ended = Ended::of(&place.command(&["config"]).env(name, value).output().unwrap());
        assert!([64, 65].contains(&ended.code), "{name}: {ended:?}");
        assert_clean(&ended.err);
        let count = |start: &str| ended.err.lines().filter(|line| line.starts_with(start)).count();
        assert!(count("error[E") == 1 && count("hint: ") <= 1, "{}", ended.err);
    }
    let mut ignored = place.command(&["config"]);
    let ended = Ended::of(&ignored.env("STACK_X\nerror: forged\u{202e}", "x").output().unwrap()).expect(0);
    assert_clean(&ended.err);
    assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
}

#[test]
fn the_configuration_that_is_shown_hides_nothing_and_can_be_read_back() {
    let place = Workplace::new();
    let value = "a\u{202e}b\u{e0041}\n\"c\"\\'''\u{7f}";
    place
        .write("stack.toml", &format!("[ecs.environment_variables]\nMOTTO = {}\n", toml::Value::from(value)));
    let shown = place.run(&["config"]).expect(0);
    assert_clean(&shown.out);
    place.write("again.toml", &shown.out);
    let json = place.run(&["config", "--json", "--config", "again.toml"]).expect(0);
    assert_clean(&json.out);
    assert_eq!(json.json()["ecs.environment_variables.MOTTO"]["value"], value);
}
