//! Plans as files, as data and as Markdown, and what a run tells other programs.

use std::path::Path;

use aws_sdk_ec2::types::AttributeBooleanValue;
use engine::digest;
use serde_json::{Value, json};

use crate::command::{Ended, Workplace};
use crate::transcripts::Transcript;

fn deployed() -> Workplace {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    place
}

/// Runs a command that must be refused, with exit code 65, before anything is changed in the cloud.
#[track_caller]
fn refused(place: &Workplace, arguments: &[&str]) -> Ended {
    let cloud = place.emulator_bytes();
    let ended = place.run(arguments).expect(65);
    assert_eq!(place.emulator_bytes(), cloud, "{}", ended.err);
    assert!(ended.err.contains("nothing was changed"), "{}", ended.err);
    ended
}

fn read(place: &Workplace, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(place.path().join(name)).unwrap()).unwrap()
}

/// Writes a plan file as if this program had.
fn write_signed(place: &Workplace, name: &str, mut file: Value) {
    file["digest"] = digest(&json!([file["plan_file"], file["made_from"], file["plan"]])).into();
    place.write(name, &file.to_string());
}

#[test]
fn a_plan_in_a_file_is_run_once_and_only_with_what_it_was_made_from() {
    let place = Workplace::new();
    let preview = place.run(&["preview", "--out", "plan.json"]).expect(0);
    assert!(preview.err.contains("plan written to plan.json; `stack up plan.json` runs"), "{}", preview.err);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(place.path().join("plan.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let file = read(&place, "plan.json");
    let title = &file["plan"]["title"];
    for (member, wanted) in [
        ("project", json!("payment")),
        ("environment", json!("dev")),
        ("target", json!("embedded")),
        ("region", json!("ap-southeast-1")),
        ("account", json!("123456789012")),
        ("program", json!("stack")),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(title[member], wanted, "{member}");
    }
    assert!(file["made_from"]["configuration"]["vpc.cidr"].as_str().unwrap().len() == 32);

    let up = place.run(&["up", "plan.json"]).expect(0);
    assert!(up.err.contains("running the plan plan.json, made at 20"), "{}", up.err);
    let again = refused(&place, &["up", "plan.json"]);
    let message = "error[E0603]: plan.json cannot be run: the recorded state has changed since it was made";
    assert!(again.err.contains(message), "{}", again.err);
    assert!(again.err.contains("cause: the plan was made at record 0 of the state"), "{}", again.err);

    // The configuration, by key and with its value now.
    let setting = ["--set", "alb.idle_timeout=70"];
    place.run(&[["preview", "--out", "plan.json"].as_slice(), &setting].concat()).expect(0);
    let other = refused(&place, &["up", "plan.json"]);
    assert!(other.err.contains("the configuration has changed since it was made"), "{}", other.err);
    assert!(other.err.contains("cause: alb.idle_timeout is now 60\n"), "{}", other.err);
    place.run(&[["up", "plan.json"].as_slice(), &setting].concat()).expect(0);
    place.run(&[["preview", "--detailed-exitcode"].as_slice(), &setting].concat()).expect(0);
}

#[tokio::test]
async fn a_live_object_that_changed_since_is_named_with_its_property_and_what_it_is_now() {
    let place = deployed();
    let change = ["--set", "alb.idle_timeout=70"];
    place.run(&[["preview", "--out", "plan.json"].as_slice(), &change].concat()).expect(0);
    let vpc = place.run(&["outputs", "vpcId"]).expect(0).out.trim_end().to_owned();
    let switch = async |on: bool| {
        let value = AttributeBooleanValue::builder().value(on).build();
        let modify = place.ec2().modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(value);
        modify.send().await.unwrap();
    };
    switch(false).await;
    let up = [["up", "plan.json"].as_slice(), &change].concat();
    let ended = refused(&place, &up);
    assert!(ended.err.contains("live objects have changed since it was made"), "{}", ended.err);
    let cause = "cause: vpc/vpc: EnableDnsHostnames was changed outside of this program, and is now false\n";
    assert!(ended.err.contains(cause), "{}", ended.err);
    // Whoever puts it back makes the plan good again: the refused run has recorded nothing of any object.
    switch(true).await;
    place.run(&up).expect(0);
}

#[test]
fn a_plan_for_another_place_program_or_command_is_refused_and_so_is_one_that_was_changed() {
    let place = Workplace::new();
    place.run(&["preview", "--out", "plan.json"]).expect(0);
    for (arguments, cause) in [
        (["--env", "test"], "environment: the plan is for dev, and this is test"),
        (["--region", "eu-west-1"], "region: the plan is for ap-southeast-1, and this is eu-west-1"),
        (["--set", "project=other"], "project: the plan is for payment, and this is other"),
        (["--target", "aws"], "target: the plan is for embedded, and this is aws"),
    ] {
        let ended = refused(&place, &[["up", "plan.json"], arguments].concat());
        assert!(ended.err.contains(cause), "{}", ended.err);
    }
    let file = read(&place, "plan.json");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut file = file.clone();
        change(&mut file);
        file
    };
    let account = with(&|file| file["plan"]["title"]["account"] = json!("210987654321"));
    let endpoint = with(&|file| file["plan"]["title"]["endpoint"] = json!("http://127.0.0.1:4566"));
    let version = with(&|file| file["plan"]["title"]["version"] = json!("0.0.1"));
    let decided = with(&|file| file["made_from"]["basis"]["steps"][0]["decision"] = json!("0"));
    for (changed, cause) in [
        (&account, "account: the plan is for 210987654321, and this is 123456789012"),
        (&endpoint, "endpoint: the plan is for http://127.0.0.1:4566, and this is none"),
        (
            &version,
            "the program has changed since it was made\ncause: it was made by stack 0.0.1, and this is stack",
        ),
        (&decided, "something else would be done with it now"),
    ] {
        write_signed(&place, "other.json", changed.clone());
        let ended = refused(&place, &["up", "other.json"]);
        assert!(ended.err.contains(cause), "{cause}\n{}", ended.err);
    }
    let form = with(&|file| file["plan_file"] = json!("2.0"));
    let more = with(&|file| file["more"] = json!(1));
    for (changed, cause) in [
        (account.to_string(), "its content does not match its digest"),
        (form.to_string(), "has the form 2.0 of plan files, and this version reads 1.0"),
        (more.to_string(), "unknown field `more`"),
        ("{}".to_owned(), "is not a plan that `preview --out` wrote"),
        ("not JSON".to_owned(), "is not a plan that `preview --out` wrote"),
    ] {
        place.write("other.json", &changed);
        let ended = refused(&place, &["up", "other.json"]);
        assert!(ended.err.contains(cause), "{cause}\n{}", ended.err);
    }
    let none = refused(&place, &["up", "none.json"]);
    assert!(none.err.contains("error[E0603]: cannot read the plan none.json"), "{}", none.err);
    let ended = refused(&place, &["destroy", "plan.json", "--yes"]);
    assert!(ended.err.contains("plan.json is a plan of `up`"), "{}", ended.err);
    // Nothing was refused for another reason.
    place.run(&["up", "plan.json"]).expect(0);
}

#[tokio::test]
async fn what_destroy_would_do_is_shown_kept_and_done_and_still_asked_for() {
    let place = deployed();
    let bytes = (place.emulator_bytes(), place.files("dev"));
    let shown = place.run(&["destroy", "--preview", "--out", "gone.json"]).expect(0);
    assert!(
        shown.out.contains("- vpc/vpc") && shown.out.contains("DATA LOSS: database/cluster"),
        "{}",
        shown.out
    );
    assert!(shown.err.contains("`stack destroy gone.json` runs exactly that"), "{}", shown.err);
    place.run(&["destroy", "--preview", "--detailed-exitcode"]).expect(2);
    assert_eq!((place.emulator_bytes(), place.files("dev")), bytes);
    let up = refused(&place, &["up", "gone.json"]);
    assert!(up.err.contains("gone.json is a plan of `destroy`"), "{}", up.err);
    place.run(&["destroy", "gone.json"]).expect(64);
    for wrong in [["destroy", "--markdown"], ["destroy", "--details"]] {
        place.run(&wrong).expect(64);
    }
    place.run(&["destroy", "--preview", "gone.json"]).expect(64);
    place.run(&["destroy", "gone.json", "--yes"]).expect(0);
    assert_eq!(place.objects().await, []);
}

/// What is wrong with a value, by the words of JSON schema that this schema uses; others make it panic.
fn check(value: &Value, schema: &Value, root: &Value, path: &str) -> Result<(), String> {
    const ABOUT: [&str; 6] = ["$schema", "title", "description", "definitions", "format", "default"];
    let Value::Object(words) = schema else {
        assert_eq!(schema, &json!(true), "{path}");
        return Ok(());
    };
    let is_a = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "null" => value.is_null(),
        other => panic!("{path}: {other}"),
    };
    for (word, wanted) in words {
        let all = || wanted.as_array().unwrap().iter();
        let fitting = || all().filter(|one| check(value, one, root, path).is_ok()).count();
        let fits = match word.as_str() {
            "$ref" => {
                let target = root.pointer(wanted.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                check(value, target, root, path)?;
                true
            }
            "type" if wanted.is_array() => all().any(is_a),
            "type" => is_a(wanted),
            "enum" => all().any(|one| one == value),
            "const" => wanted == value,
            "minimum" => value.as_f64() >= wanted.as_f64(),
            "oneOf" => fitting() == 1,
            "anyOf" => fitting() > 0,
            "allOf" => fitting() == all().count(),
            "required" => all().all(|name| value.get(name.as_str().unwrap()).is_some()),
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                for (at, item) in items {
                    check(item, wanted, root, &format!("{path}[{at}]"))?;
                }
                true
            }
            "additionalProperties" => {
                assert_eq!(wanted, &json!(false), "{path}");
                let known = &words["properties"];
                value.as_object().into_iter().flatten().all(|(name, _)| known.get(name).is_some())
            }
            "properties" => {
                for (name, schema) in wanted.as_object().unwrap() {
                    if let Some(inner) = value.get(name) {
                        check(inner, schema, root, &format!("{path}.{name}"))?;
                    }
                }
                true
            }
            word if ABOUT.contains(&word) => true,
            word => panic!("{path}: what does `{word}` mean?"),
        };
        if !fits {
            return Err(format!("{path}: {value} is against {word} {wanted}"));
        }
    }
    Ok(())
}

#[tokio::test]
async fn plans_as_data_are_as_their_schema_says_and_add_up() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plan.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let place = Workplace::new();
    let plan = |arguments: &[&str]| {
        let plan = place.run(&[arguments, &["--json"]].concat()).expect(0).json();
        check(&plan, &schema, &schema, "plan").unwrap_or_else(|wrong| panic!("{arguments:?}: {wrong}"));
        for (action, count) in plan["summary"].as_object().unwrap() {
            let changes = plan["changes"].as_array().unwrap();
            let of_it = match action.as_str() {
                "unchanged" => plan["unchanged"].as_array().unwrap().len(),
                action => changes.iter().filter(|change| change["action"] == action).count(),
            };
            assert_eq!(count.as_u64(), Some(of_it as u64), "{arguments:?}: {action}");
            assert!(changes.iter().all(|change| !change["reasons"].as_array().unwrap().is_empty()));
        }
        plan
    };
    let of = |plan: &Value, address: &str| {
        let changes = plan["changes"].as_array().unwrap();
        changes.iter().find(|change| change["address"] == address).unwrap().clone()
    };
    let first = plan(&["preview"]);
    assert_eq!((&first["format_version"], &first["nothing_recorded"]), (&json!("1.0"), &json!(true)));
    let subnet = of(&first, "vpc/private-subnet-a");
    let vpc_id = subnet["properties"].as_array().unwrap().iter().find(|one| one["path"] == "VpcId").unwrap();
    assert_eq!(vpc_id["known_after"], json!(["vpc/vpc"]));
    assert!(first["typical_seconds"].as_u64() > of(&first, "database/cluster")["typical_seconds"].as_u64());

    place.run(&["up"]).expect(0);
    assert_eq!(plan(&["preview"])["empty"], true);
    let update = plan(&["preview", "--set", "alb.idle_timeout=70"]);
    let balancer = of(&update, "alb/load-balancer");
    assert_eq!(balancer["reasons"], json!([{ "reason": "configuration" }]));
    assert_eq!((&balancer["drift"], &balancer["replacement"]), (&json!([]), &Value::Null));

    let replaced = plan(&["preview", "--set", "vpc.cidr=10.1.0.0/16"]);
    let vpc = of(&replaced, "vpc/vpc");
    assert_eq!(vpc["replacement"], json!({ "forced_by": ["CidrBlock"], "order": "create_first" }));
    let because = json!({ "reason": "reference_changes", "address": "vpc/vpc" });
    assert!(of(&replaced, "vpc/private-subnet-a")["reasons"].as_array().unwrap().contains(&because));

    let vpc = place.run(&["outputs", "vpcId"]).expect(0).out.trim_end().to_owned();
    let off = AttributeBooleanValue::builder().value(false).build();
    place.ec2().modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(off).send().await.unwrap();
    let tag = aws_sdk_ec2::types::Tag::builder();
    // Put together here, so that nobody takes the source for a leak.
    let secret = format!("AKIA{}", "A7".repeat(8));
    let tag = tag.key("Author").value(&secret).build();
    place.ec2().create_tags().resources(&vpc).tags(tag).send().await.unwrap();
    let drifted = of(&plan(&["preview"]), "vpc/vpc");
    assert_eq!((&drifted["properties"], &drifted["reasons"]), (&json!([]), &json!([{ "reason": "drift" }])));
    let hostnames = json!({
        "path": "EnableDnsHostnames", "recorded": true, "live": false, "declared": true, "put_back": true,
    });
    assert!(drifted["drift"].as_array().unwrap().contains(&hostnames), "{drifted}");
    for arguments in
        [["preview"].as_slice(), &["preview", "--markdown"], &["refresh"], &["preview", "--json"]]
    {
        let ended = place.run(arguments).expect(0);
        assert!(!ended.out.contains(&secret) && ended.out.contains("(secret)"), "{}", ended.out);
    }
    place.run(&["preview", "--out", "plan.json"]).expect(0);
    assert!(!std::fs::read_to_string(place.path().join("plan.json")).unwrap().contains(&secret));

    let gone = plan(&["destroy", "--preview"]);
    assert_eq!((&gone["command"], &gone["summary"]["create"]), (&json!("destroy"), &json!(0)));
    let losses = gone["losses"].as_array().unwrap();
    let cluster = losses.iter().find(|loss| loss["address"] == "database/cluster").unwrap();
    assert_eq!((&cluster["fate"], &cluster["name"]), (&json!("lost"), &json!("payment-aurora-dev")));
    assert_eq!(cluster["loses"], "all its data and automated backups");
}

#[test]
fn a_page_fits_into_a_comment_and_no_value_ends_its_elements() {
    let place = deployed();
    let evil = "ecs.environment_variables.X=</pre></details>|`@all`";
    for arguments in [
        ["preview", "--markdown", "--set", evil],
        ["preview", "--markdown", "--set", "vpc.cidr=10.1.0.0/16"],
        ["destroy", "--preview", "--markdown", "--json"],
    ] {
        if arguments.contains(&"--json") {
            let ended = place.run(&arguments).expect(64);
            assert_eq!(ended.json()["error"]["exit_code"], 64);
            continue;
        }
        let page = place.run(&arguments).expect(0).out;
        assert!(page.chars().count() < 60_000);
        for (open, close) in [("<pre>", "</pre>"), ("<details", "</details>")] {
            assert_eq!(page.matches(open).count(), page.matches(close).count(), "{page}");
        }
        assert!(!page.contains('`') || page.matches('`').count() == 2, "only around the command: {page}");
    }
    let page = place.run(&["destroy", "--preview", "--markdown"]).expect(0).out;
    assert!(page.chars().count() < 60_000);
    assert!(page.contains("> [!CAUTION]") && page.contains("<b>Deleted: "), "{page}");
}

#[test]
fn an_error_is_data_where_data_is_wanted_and_a_sentence_beside_it() {
    let place = Workplace::new();
    let error = |arguments: &[&str], code: i32| {
        let ended = place.run(arguments).expect(code);
        let document = ended.json();
        let stable = document["error"]["code"].as_str().unwrap();
        assert!(ended.err.contains(&format!("error[{stable}]: ")), "{}", ended.err);
        assert_eq!(document["format_version"], "1.0");
        assert_eq!(document["error"]["exit_code"], code);
        document["error"].clone()
    };
    let wrong = error(&["preview", "--json", "--set", "vpc.nat=two"], 65);
    assert!(wrong["message"].as_str().unwrap().contains("vpc.nat`"), "{wrong}");
    assert!(wrong["hint"].is_string() && wrong["causes"] == json!([]), "{wrong}");
    error(&["preview", "--json", "--nonsense"], 64);
    error(&["outputs", "--json", "vpcId"], 65);
    let ended = place.run(&["up", "--json", "--set", "vpc.nat=two"]).expect(65);
    let events: Vec<Value> = ended.events();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["run_started", "error", "run_ended"]);
    assert!(events[1]["message"].as_str().unwrap().contains("vpc.nat`"));

    place.run(&["up"]).expect(0);
    let kept = ["--json", "--set", "database.deletion_protection=true", "--set", "database.database_name=b"];
    let kept = error(&[["preview"].as_slice(), &kept].concat(), 65);
    assert_eq!(kept["address"], "database/cluster");
}

#[test]
fn a_run_tells_each_step_in_order_and_a_file_has_the_same_lines() {
    let place = Workplace::new();
    let up = place.run(&["up", "--json", "--events", "both.jsonl"]).expect(0);
    assert_eq!(std::fs::read_to_string(place.path().join("both.jsonl")).unwrap(), up.out);
    let events = up.events();
    for (position, event) in events.iter().enumerate() {
        assert_eq!((&event["format_version"], &event["sequence"]), (&json!("1.0"), &json!(position + 1)));
    }
    let documentation = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let documentation = std::fs::read_to_string(documentation).unwrap();
    let examples: Vec<Value> =
        documentation.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for event in &events {
        let example = examples.iter().find(|example| example["event"] == event["event"]);
        let names = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
        assert_eq!(example.map(names), Some(names(event)), "{event}");
    }
    let summary = &up.event("planned")["summary"];
    let planned = summary["create"].as_u64().zip(summary["adopt"].as_u64());
    let started: Vec<&Value> = events.iter().filter(|event| event["event"] == "resource_started").collect();
    let done: Vec<&Value> = events.iter().filter(|event| event["event"] == "resource_done").collect();
    assert_eq!(planned.map(|(create, adopt)| create + adopt), Some(done.len() as u64));
    for event in &started {
        let is_it = |one: &&&Value| one["address"] == event["address"] && one["action"] == event["action"];
        let end = done.iter().find(is_it).unwrap();
        assert!(end["sequence"].as_u64() > event["sequence"].as_u64() && end["kind"] == event["kind"]);
    }
    assert_eq!(events.last().unwrap()["event"], "run_ended");
    assert_eq!(events.last().unwrap()["exit_code"], 0);

    // A person reads the terminal.
    let up = place.run(&["up", "--events", "alone.jsonl", "--set", "alb.idle_timeout=70"]).expect(0);
    assert!(up.err.contains("changed alb/load-balancer") && up.out.contains("vpcId"), "{}", up.err);
    let text = std::fs::read_to_string(place.path().join("alone.jsonl")).unwrap();
    assert!(text.lines().last().unwrap().contains(r#""event":"run_ended""#), "{text}");
    let none = place.run(&["up", "--events", "no/such/file"]).expect(1);
    assert!(none.err.contains("cannot write events to no/such/file"), "{}", none.err);
}

#[tokio::test]
async fn plans_read_well() {
    let place = Workplace::new();
    let mut markdown = Transcript::new();
    markdown.run(&place, &["preview", "--markdown"]);
    place.run(&["up"]).expect(0);
    markdown.run(&place, &["preview", "--markdown"]);
    markdown.run(
        &place,
        &["preview", "--markdown", "--set", "alb.idle_timeout=70", "--set", "database.database_name=pay2"],
    );
    markdown.run(&place, &["destroy", "--preview", "--markdown"]);
    markdown.compare("markdown");

    let mut data = Transcript::new();
    data.run(&place, &["preview", "--json", "--set", "ecs.cpu=1024", "--set", "ecs.memory=2048"]);
    data.run(&place, &["preview", "--json", "--set", "vpc.nat=two"]);
    data.compare("plan-json");

    let mut file = Transcript::new();
    let change = ["--set", "alb.idle_timeout=70"];
    file.run(&place, &["preview", "--out", "plan.json", change[0], change[1]]);
    file.run(&place, &["up", "plan.json"]);
    file.run(&place, &["up", "plan.json", "--env", "test"]);
    file.run(&place, &["destroy", "plan.json"]);
    let vpc = place.run(&["outputs", "vpcId"]).expect(0).out.trim_end().to_owned();
    let off = AttributeBooleanValue::builder().value(false).build();
    place.ec2().modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(off).send().await.unwrap();
    file.run(&place, &["up", "plan.json", change[0], change[1]]);
    place.run(&["up"]).expect(0);
    file.run(&place, &["preview", "--out", "plan.json", change[0], change[1]]);
    file.run(&place, &["up", "plan.json", change[0], change[1]]);
    file.run(&place, &["up", "plan.json", change[0], change[1]]);
    file.compare("plan-file");

    let mut events = Transcript::new();
    events.run(&place, &["up", "--json"]);
    events.compare("events");
}
