//! Adopting what this program did not make: by hand, by another tool, or with a record that was lost.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aws::Registry;
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use emulator::Emulator;
use engine::{Graph, Provider as _, State};
use serde_json::Value;
use stack::{Config, Environment, Place, Stack};

use crate::command::{Ended, Workplace};
use crate::transcripts::Transcript;

const NO_VPC: &str = "vpc-0123456789abcdef0";

fn registry() -> Registry {
    let mut registry = Registry::new(testing::context(&Emulator::in_memory()));
    stack::kinds(&mut registry);
    registry
}

fn graph() -> std::sync::Arc<Graph> {
    let dev: Environment = "dev".parse().unwrap();
    let config = Config::default();
    let place = Place::imagined(&config);
    Stack::new(config, &dev).declare(&place).unwrap()
}

fn declared(address: &str, property: &str) -> String {
    graph().get(address).unwrap().properties[property].as_str().unwrap().to_owned()
}

async fn vpc(place: &Workplace, tags: &[(&str, &str)]) -> String {
    let made = place.ec2().create_vpc().cidr_block(declared("vpc/vpc", "CidrBlock"));
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build());
    let specification =
        TagSpecification::builder().resource_type(ResourceType::Vpc).set_tags(Some(tags.collect()));
    let made = made.tag_specifications(specification.build()).send().await.unwrap();
    made.vpc.unwrap().vpc_id.unwrap()
}

async fn subnet(place: &Workplace, vpc: &str, address: &str) -> String {
    let zone = format!("ap-southeast-1{}", address.chars().last().unwrap());
    let made = place.ec2().create_subnet().vpc_id(vpc).availability_zone(zone);
    let made = made.cidr_block(declared(address, "CidrBlock")).send().await.unwrap();
    made.subnet.unwrap().subnet_id.unwrap()
}

async fn gateway(place: &Workplace, vpc: &str) -> String {
    let made = place.ec2().create_internet_gateway().send().await.unwrap().internet_gateway.unwrap();
    let id = made.internet_gateway_id.unwrap();
    place.ec2().attach_internet_gateway().internet_gateway_id(&id).vpc_id(vpc).send().await.unwrap();
    id
}

async fn tags_of(place: &Workplace, vpc: &str) -> BTreeMap<String, String> {
    let found = place.ec2().describe_vpcs().vpc_ids(vpc).send().await.unwrap().vpcs.unwrap();
    let tags = found.into_iter().flat_map(|vpc| vpc.tags.unwrap_or_default());
    tags.map(|tag| (tag.key.unwrap(), tag.value.unwrap())).collect()
}

#[tokio::test]
async fn a_vpc_and_its_subnets_that_somebody_made_are_adopted_and_brought_to_what_is_declared() {
    let place = Workplace::new();
    let id = vpc(&place, &[("Name", "by-hand")]).await;
    let mut told = Transcript::new();
    told.run(&place, &["import", "vpc/vpc"]);
    let ended = place.run(&["import", "vpc/vpc", &id]);
    assert_eq!(ended.code, 64, "{}", ended.err);
    told.note(&["import", "vpc/vpc", &id], &ended);
    told.run(&place, &["import", "vpc/vpc", &id, "--yes"]);
    told.run(&place, &["import", "vpc/vpc", &id, "--yes"]);
    // Only tags that say whose it is.
    let tags = tags_of(&place, &id).await;
    let keys: Vec<&str> = tags.keys().map(String::as_str).collect();
    assert_eq!(keys, ["Name", "stack:address", "stack:environment", "stack:project"]);
    assert_eq!(tags["stack:address"], "vpc/vpc");

    let mut file = String::new();
    for tier in ["public", "private", "database"] {
        for zone in ["a", "b", "c"] {
            let address = format!("vpc/{tier}-subnet-{zone}");
            file += &format!("\"{address}\" = \"{}\"\n", subnet(&place, &id, &address).await);
        }
    }
    let gateway = gateway(&place, &id).await;
    file += &format!("\"vpc/igw\" = \"{gateway}\"\n\"vpc/igw-attachment\" = \"{id}\"\n");
    place.write("network.toml", &file);
    told.run(&place, &["import", "--all", "network.toml", "--yes"]);
    told.run(&place, &["import", "--all", "network.toml", "--yes"]);
    told.compare("import");

    let preview = place.run(&["preview"]).expect(0).out;
    assert!(preview.contains("159 to create, 1 to adopt, 11 to change, 1 unchanged"), "{preview}");
    place.run(&["up"]).expect(0);
    let subnets = place.ec2().describe_subnets().send().await.unwrap().subnets.unwrap();
    assert_eq!(subnets.iter().filter(|subnet| subnet.vpc_id() == Some(&id)).count(), 9);
    assert!(place.run(&["preview"]).expect(0).out.contains("nothing to do"));
}

/// Takes all that says whose objects are out of what the embedded AWS keeps: as if another tool had made them from our template.
fn take_tags_off(directory: &Path) -> usize {
    let mut taken = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let mut state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        taken += without_tags(&mut state);
        std::fs::write(&path, serde_json::to_vec(&state).unwrap()).unwrap();
    }
    taken
}

fn without_tags(value: &mut Value) -> usize {
    let ours = |key: &str| key.starts_with("stack:");
    let is_tag = |one: &Value| {
        let key = ["Key", "key", "TagKey", "tagKey"].iter().find_map(|name| one.get(*name)?.as_str());
        key.is_some_and(ours)
    };
    match value {
        Value::Object(members) => {
            let before = members.len();
            members.retain(|key, _| !ours(key));
            before - members.len() + members.values_mut().map(without_tags).sum::<usize>()
        }
        Value::Array(items) => {
            let before = items.len();
            items.retain(|one| !is_tag(one));
            before - items.len() + items.iter_mut().map(without_tags).sum::<usize>()
        }
        _ => 0,
    }
}

fn ids(state: &State) -> BTreeMap<String, String> {
    let registry = registry();
    let id = |(address, object): (&engine::Address, &engine::Object)| {
        let form = registry.kind(&object.kind).unwrap().facts().import;
        (address.to_string(), form.of(&object.properties, &object.outputs).unwrap())
    };
    state.objects().map(id).collect()
}

/// The whole stack as another tool would have made it from `export cloudformation`: the embedded AWS has no CloudFormation, so that
/// it is made by `up`, and then its record and all of its tags are taken away.
#[tokio::test]
async fn a_whole_stack_without_record_and_tags_is_adopted_and_nothing_is_left_to_do() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let ids = ids(&place.state("dev").await);
    let objects = place.objects().await.len();
    assert!(take_tags_off(&place.path().join(".stack/emulator")) > 300);
    std::fs::remove_dir_all(place.state_directory("dev")).unwrap();
    // It cannot be taken for ours: what has a name is refused, the rest would be there twice.
    let plan = place.run(&["preview", "--json"]).expect(0).json();
    let changes = plan["changes"].as_array().unwrap();
    let found: Vec<&Value> = changes.iter().filter(|change| change["action"] == "adopt").collect();
    // What belongs to the account or to its region, whoever uses it, has no tags that say whose it is.
    let found: Vec<&str> = found.iter().map(|change| change["address"].as_str().unwrap()).collect();
    let is_shared = |address: &&str| address.ends_with("linked-role") || *address == "apigw/account";
    assert_eq!(found.len(), 6, "{found:?}");
    assert!(found.iter().all(is_shared), "{found:?}");
    assert_eq!(changes.len(), 172);

    let lines: String = ids.iter().map(|one| format!("{}\n", serde_json::json!({ one.0: one.1 }))).collect();
    place.write("all.jsonl", &lines);
    let ended = place.run(&["import", "--all", "all.jsonl", "--yes", "--json", "--verbose"]).expect(0);
    let said = ended.json();
    assert_eq!(said["adopted"].as_array().unwrap().len(), ids.len(), "{}", ended.err);
    let differs = |one: &&Value| one["action"] != "unchanged";
    let differing: Vec<&Value> = said["next_up"].as_array().unwrap().iter().filter(differs).collect();
    assert_eq!(differing, Vec::<&Value>::new());
    assert_eq!(called(&ended).into_iter().filter(|call| !is_harmless(call)).collect::<Vec<_>>(), [""; 0]);

    let mut told = Transcript::new();
    told.run(&place, &["import", "--all", "all.jsonl", "--yes"]);
    told.run(&place, &["preview"]);
    told.run(&place, &["refresh"]);
    told.run(&place, &["up"]);
    told.compare("import-everything");
    assert_eq!(place.objects().await.len(), objects);
}

/// The operations that a command called.
fn called(ended: &Ended) -> BTreeSet<String> {
    let line = regex::Regex::new(r"^call \S+ (\w+):").unwrap();
    let calls: BTreeSet<String> =
        ended.err.lines().filter_map(|call| Some(line.captures(call)?[1].to_owned())).collect();
    assert!(calls.len() > 50, "{}", ended.err);
    calls
}

/// Whether an operation only looks, or only tags.
fn is_harmless(operation: &str) -> bool {
    ["Describe", "Get", "List", "Head", "Tag", "BatchGet", "Lookup"]
        .iter()
        .any(|start| operation.starts_with(start))
        || ["CreateTags", "AddTags", "AddTagsToResource", "PutBucketTagging", "ExecuteStatement"]
            .contains(&operation)
}

#[tokio::test]
async fn what_belongs_to_another_environment_is_refused_unless_it_is_taken_over() {
    let place = Workplace::new();
    let owned = [("stack:project", "payment"), ("stack:environment", "prod"), ("stack:address", "vpc/vpc")];
    let id = vpc(&place, &owned).await;
    let mut told = Transcript::new();
    told.run(&place, &["import", "vpc/vpc", &id, "--yes"]);
    assert_eq!(tags_of(&place, &id).await["stack:environment"], "prod");
    told.run(&place, &["import", "vpc/vpc", &id, "--yes", "--take-over"]);
    assert_eq!(tags_of(&place, &id).await["stack:environment"], "dev");
    told.compare("import-owned");
    assert!(place.run(&["preview"]).expect(0).out.contains("170 to create, 1 to adopt"));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_all_reasons_at_once_and_nothing_is_recorded() {
    let place = Workplace::new();
    let id = vpc(&place, &[]).await;
    let other = subnet(&place, &id, "vpc/public-subnet-a").await;
    let mut told = Transcript::new();
    let before = place.emulator_bytes();
    told.run(&place, &["import", "vpc/vpc", NO_VPC, "--yes"]);
    told.run(&place, &["import", "vpc/vpc", &other, "--yes"]);
    told.run(&place, &["import", "vpc/vpx", &id, "--yes"]);
    told.run(
        &place,
        &[
            "import",
            "alb/http-listener",
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/x/1/2",
            "--yes",
        ],
    );
    let account = "arn:aws:sns:ap-southeast-1:999988887777:payment-alarms-dev";
    let file = format!(
        "\"vpc/vpc\" = \"{id}\"\n\"vpc/igw\" = \"igw-0123456789abcdef0\"\n\"vpc/public-subnet-b\" = \"{id}\"\n\
         \"monitoring/topics\" = \"{account}\"\n\"monitoring/topic\" = \"{account}\"\n\"vpc/public-subnet-c\" = \"{other}\"\n\
         \"vpc/public-subnet-a\" = \"{other}\"\n"
    );
    place.write("wrong.toml", &file);
    told.run(&place, &["import", "--all", "wrong.toml", "--yes"]);
    assert_eq!(place.emulator_bytes(), before);
    assert!(place.state("dev").await.is_empty());
    told.run(&place, &["import", "vpc/vpc", &id, "--yes"]);
    told.run(&place, &["import", "vpc/vpc", NO_VPC, "--yes"]);
    told.compare("import-refused");
    place.write("broken.toml", "\"vpc/vpc\" = 1\n");
    let ended = place.run(&["import", "--all", "broken.toml"]).expect(64);
    assert!(ended.err.contains("broken.toml: line 1: the id of vpc/vpc is not a string"), "{}", ended.err);
}

#[tokio::test]
async fn a_subnet_of_another_vpc_would_be_replaced_and_that_is_said() {
    let place = Workplace::new();
    let (own, other) = (vpc(&place, &[]).await, vpc(&place, &[]).await);
    let lost = subnet(&place, &other, "vpc/private-subnet-a").await;
    let mut told = Transcript::new();
    place.run(&["import", "vpc/vpc", &own, "--yes"]).expect(0);
    told.run(&place, &["import", "vpc/private-subnet-a", &lost, "--yes"]);
    // What it refers to, though that exists, is not recorded.
    let public = subnet(&place, &own, "vpc/public-subnet-a").await;
    told.run(&place, &["import", "vpc/public-subnet-a", &public, "--yes"]);
    told.compare("import-replaced");
}

#[test]
fn the_forms_of_ids_are_in_the_documentation_and_shown_by_the_command() {
    let registry = registry();
    let mut table = String::from("| kind | the id | such as |\n|---|---|---|\n");
    for (name, kind) in registry.kinds() {
        let form = kind.facts().import;
        table += &format!("| `{name}` | {} | `{}` |\n", form.words, form.example.replace('|', "\\|"));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/import.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (text, is) = page.split_once("| kind | the id | such as |\n").unwrap();
    if std::env::var_os("STACK_TRANSCRIPTS").is_some_and(|wish| wish == "write") {
        std::fs::write(&path, format!("{text}{table}")).unwrap();
        return;
    }
    assert_eq!(format!("| kind | the id | such as |\n{is}"), table, "STACK_TRANSCRIPTS=write writes it anew");

    let said = Workplace::new().run(&["import", "--kinds"]).expect(0).out;
    for node in graph().nodes() {
        let (form, kind) = (node.facts.import, &node.kind);
        assert!(said.contains(&format!("{kind}\n  {}\n  {}\n", form.words, form.example)), "{kind}: {said}");
    }
}
