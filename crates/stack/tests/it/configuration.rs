//! The configuration as people meet it: `stack config`, the schema for editors, and the `stack.toml` of this repository.

use std::path::Path;

use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use crate::command::{Ended, Workplace};

/// A file at the top of the repository.
fn at_the_top(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn schema() -> Json {
    Workplace::new().run(&["config", "--schema"]).expect(0).json()
}

/// The schema that a reference stands for.
fn resolved<'a>(schema: &'a Json, root: &'a Json) -> &'a Json {
    let reference = schema["$ref"].as_str();
    reference.map_or(schema, |path| root.pointer(path.strip_prefix('#').unwrap()).unwrap())
}

/// What is wrong with a value, by the words of JSON schema that this schema uses; others make it panic.
fn check(value: &Json, schema: &Json, root: &Json, path: &str) -> Result<(), String> {
    const ABOUT: [&str; 6] = ["$schema", "title", "description", "default", "definitions", "propertyNames"];
    let schema = resolved(schema, root).as_object().unwrap();
    let number = |value: &Json| value.as_f64().unwrap_or(f64::NAN);
    for (word, wanted) in schema {
        let fits = match word.as_str() {
            "type" => match wanted.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64() || value.is_u64(),
                "number" => value.is_number(),
                other => panic!("{path}: {other}"),
            },
            "enum" => wanted.as_array().unwrap().contains(value),
            "const" => wanted == value,
            "oneOf" => {
                wanted.as_array().unwrap().iter().filter(|one| check(value, one, root, path).is_ok()).count()
                    == 1
            }
            "minimum" => number(value) >= number(wanted),
            "maximum" => number(value) <= number(wanted),
            "multipleOf" => (number(value) / number(wanted)).fract() == 0.0,
            "minLength" => value.as_str().map(|text| text.len() as f64) >= wanted.as_f64(),
            "maxLength" => value.as_str().map(|text| text.len() as f64) <= wanted.as_f64(),
            "pattern" => regex::Regex::new(wanted.as_str().unwrap())
                .unwrap()
                .is_match(value.as_str().unwrap_or_default()),
            "items" => {
                let items = value.as_array().unwrap();
                items.iter().try_for_each(|item| check(item, wanted, root, path))?;
                true
            }
            "properties" | "additionalProperties" => true,
            word if ABOUT.contains(&word) => true,
            word => panic!("{path}: what does `{word}` mean?"),
        };
        if !fits {
            return Err(format!("{path}: {value} is against {word} {wanted}"));
        }
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let known = schema.get("properties").and_then(|properties| properties.get(name));
        match known.or(schema.get("additionalProperties")) {
            Some(Json::Bool(false)) | None => return Err(format!("{path}: there is no such key")),
            Some(schema) => check(inner, schema, root, &path)?,
        }
    }
    Ok(())
}

/// `stack.toml` above the sections, with what is commented out.
fn everything_that_is_shown() -> String {
    let text = at_the_top("stack.toml");
    let (text, _) = text.split_once("\n[environments.").unwrap();
    let is_key = regex::Regex::new(r#"^# ([A-Za-z0-9_]+ = |\[[a-z_.]+\]$)"#).unwrap();
    text.lines()
        .map(|line| if is_key.is_match(line) { &line[2..] } else { line })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every path of keys to a value in a schema; tables whose keys the user chooses are one.
fn paths(schema: &Json, root: &Json, path: &str, all: &mut Vec<String>) {
    match resolved(schema, root)["properties"].as_object() {
        Some(properties) => properties
            .iter()
            .filter(|(name, _)| *name != "environments")
            .for_each(|(name, inner)| paths(inner, root, &format!("{path}.{name}"), all)),
        None => all.push(path.to_owned()),
    }
}

fn find<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    let (tables, last) = path.rsplit_once('.')?;
    tables.split('.').skip(1).try_fold(table, |table, key| table.get(key)?.as_table())?.get(last)
}

#[test]
fn the_schema_at_the_top_is_the_one_that_the_program_prints() {
    let printed = Workplace::new().run(&["config", "--schema"]).expect(0);
    assert!(
        printed.out == at_the_top("stack.schema.json"),
        "bring it up to date: cargo run -p stack -- config --schema > stack.schema.json"
    );
    assert_eq!(printed.err, "");
}

#[test]
fn the_file_at_the_top_shows_every_key_with_its_default_and_fits_its_schema() {
    let (schema, text) = (schema(), everything_that_is_shown());
    let shown: Table = text.parse().unwrap_or_else(|error| panic!("{error}: {text}"));
    check(&serde_json::to_value(&shown).unwrap(), &schema, &schema, "").unwrap();
    let real: Table = at_the_top("stack.toml").parse().unwrap();
    check(&serde_json::to_value(&real).unwrap(), &schema, &schema, "").unwrap();

    let defaults = Table::try_from(stack::Config::default()).unwrap();
    let mut all = Vec::new();
    paths(&schema, &schema, "", &mut all);
    assert!(all.len() > 60, "{all:?}");
    for path in &all {
        assert!(find(&shown, path).is_some(), "stack.toml does not show {path}");
        // What is there and not commented out is the default.
        if let Some(value) = find(&real, path) {
            assert_eq!(Some(value), find(&defaults, path), "{path}");
        }
        assert!(find(&real, path).is_some() || find(&defaults, path).is_none(), "{path} is commented out");
    }
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let schema = schema();
    for text in [
        "regoin = \"x\"",
        "region = \"mars\"",
        "[vpc]\nzone_count = 7",
        "[vpc]\ncidr = \"10.0.0.0\"",
        "[vpc]\nnat = \"two\"",
        "[vpc.flow_logs]\nretention_in_days = 2556",
        "[database.capacity]\nmin = 0.7",
        "[environments.prod]\nregon = \"x\"",
        "[environments.prod.alb.waf]\nenabled = \"no\"",
        "[tags]\nOwner = 1",
    ] {
        let table: Table = text.parse().unwrap();
        assert!(check(&serde_json::to_value(&table).unwrap(), &schema, &schema, "").is_err(), "{text}");
        let place = Workplace::new();
        place.write("stack.toml", text);
        let environment = if text.contains("prod") { "prod" } else { "dev" };
        place.run(&["config", "--env", environment]).expect(65);
    }
}

#[test]
fn config_prints_toml_that_gives_the_same_configuration_and_touches_nothing() {
    let place = Workplace::new();
    place.write("stack.toml", &at_the_top("stack.toml"));
    for environment in ["dev", "prod", "pr1"] {
        let shown = place.run(&["config", "--env", environment]).expect(0);
        assert_eq!(shown.err, "");
        place.write("shown.toml", &shown.out);
        let values = |file: &str| {
            let json =
                place.run(&["config", "--env", environment, "--json", "--config", file]).expect(0).json();
            let values = json.as_object().unwrap().iter();
            values.map(|(key, value)| (key.clone(), value["value"].clone())).collect::<Map<_, _>>()
        };
        assert_eq!(values("stack.toml"), values("shown.toml"), "{environment}");
        assert!(values("stack.toml").len() > 60);
    }
    assert!(!place.path().join(".stack").exists());
}

#[test]
fn config_says_where_each_value_comes_from() {
    let place = Workplace::new();
    place.write("stack.toml", "project = \"pay\"\n[environments.prod.vpc]\nzone_count = 2\n");
    let mut command =
        place.command(&["config", "--env", "prod", "--set", "tags.Owner=me", "--region", "eu-west-1"]);
    let shown = command.env("STACK_VPC__NAT", "single").output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for (value, origin) in [
        ("project = \"pay\"", "stack.toml:1"),
        ("zone_count = 2", "stack.toml:3 [environments.prod]"),
        ("nat = \"single\"", "STACK_VPC__NAT"),
        ("Owner = \"me\"", "--set tags.Owner"),
        ("region = \"eu-west-1\"", "--region"),
        ("s3_endpoint = true", "default"),
        ("# image =", "not set"),
    ] {
        let line =
            shown.lines().find(|line| line.starts_with(value)).unwrap_or_else(|| panic!("{value}: {shown}"));
        assert_eq!(line[value.len()..].trim(), format!("# {origin}"), "{line}");
    }
}

#[test]
fn config_refuses_what_up_refuses() {
    let place = Workplace::new();
    let ended = place.run(&["config", "--set", "vpc.zone_count=9"]).expect(65);
    assert!(ended.err.contains("`--set vpc.zone_count`: "), "{}", ended.err);
    assert_eq!((ended.out.as_str(), ended.err.matches("hint: ").count()), ("", 1), "{}", ended.err);
    place.run(&["config", "--set", "vpc.zone_count"]).expect(64);
    let mut command = place.command(&["up"]);
    let ended = command.env("STACK_VPC__ZONES", "3").output().unwrap();
    assert_eq!(ended.status.code(), Some(65));
    let error = String::from_utf8(ended.stderr).unwrap();
    assert!(error.contains("error[E0102]: `STACK_VPC__ZONES`: there is no such key"), "{error}");
    assert!(!place.path().join(".stack").exists());
}

/// Systems for continuous integration set variables such as `STACK_NAME`.
#[test]
fn a_variable_that_is_no_key_is_a_warning_and_a_slip_an_error_and_commands_on_the_state_ignore_it() {
    let place = Workplace::new();
    let run = |arguments: &[&str], variable: &str, code: i32| {
        Ended::of(&place.command(arguments).env(variable, "3").output().unwrap()).expect(code)
    };
    let warning = "warning: ignored variables that are no key of the configuration: STACK_NAME\n";
    assert_eq!(run(&["config"], "STACK_NAME", 0).err, warning);
    let preview = run(&["preview", "--quiet"], "STACK_NAME", 0);
    assert_eq!(preview.err.matches("STACK_NAME").count(), 1, "{}", preview.err);
    for slip in ["STACK_REGOIN", "STACK_VPC__ZONES", "STACK_NO__SUCH"] {
        let ended = run(&["preview"], slip, 65);
        assert!(
            ended.err.contains(&format!("error[E0102]: `{slip}`: there is no such key")),
            "{}",
            ended.err
        );
    }
    for variable in ["STACK_NAME", "STACK_VPC__ZONES"] {
        for command in [["unlock"].as_slice(), &["state", "lock"], &["env", "list"]] {
            assert!(!run(command, variable, 0).err.contains(variable));
        }
        assert!(!run(&["outputs"], variable, 65).err.contains(variable));
    }
    // Where the state is depends on those.
    run(&["state", "lock"], "STACK_STATE__BUKCET", 65);
}

#[test]
fn a_wrong_variable_is_named_and_not_the_flag_that_it_stands_for() {
    let place = Workplace::new();
    for (variable, value, code, says) in [
        ("STACK_ENV", "DEV", 65, "error[E0104]: STACK_ENV: `DEV` is not the name of an environment\n"),
        ("STACK_ENV", "", 65, "error[E0104]: STACK_ENV: `` is not the name of an environment\n"),
        ("STACK_TARGET", "AWS", 64, "error[E0101]: invalid value 'AWS' for 'STACK_TARGET'\n"),
        (
            "STACK_CONFIG",
            "",
            64,
            "error[E0101]: a value is required for 'STACK_CONFIG' but none was supplied\n",
        ),
        ("STACK_STATE_DIR", "", 64, "error[E0101]: a value is required for 'STACK_STATE_DIR' but none was"),
        ("STACK_CONFIG", "no.toml", 65, "leave out --config (or STACK_CONFIG)\n"),
    ] {
        let ended =
            Ended::of(&place.command(&["preview"]).env(variable, value).output().unwrap()).expect(code);
        assert!(ended.err.contains(says), "{}", ended.err);
        let tip = format!("correct the variable {variable}, or unset it\n");
        assert_eq!(ended.err.contains(&tip), code == 64, "{}", ended.err);
    }
    let mut flag = place.command(&["preview", "--json", "--target=Aws", "--env", "DEV"]);
    let ended = Ended::of(&flag.env("STACK_TARGET", "AWS").output().unwrap()).expect(64);
    assert!(ended.err.contains("invalid value 'Aws' for '--target <TARGET>'"), "{}", ended.err);
    let mut flag = place.command(&["preview", "--env", "DEV"]);
    let ended = Ended::of(&flag.env("STACK_ENV", "dev").output().unwrap()).expect(65);
    assert!(ended.err.contains("error[E0104]: --env: `DEV`"), "{}", ended.err);
}

/// The way that the comments of `stack.toml` and the hints lead.
#[tokio::test]
async fn prod_is_protected_until_somebody_takes_that_back() {
    let place = Workplace::new();
    place.write("stack.toml", &at_the_top("stack.toml"));
    place.run(&["up", "--env", "prod"]).expect(0);
    place.run(&["preview", "--env", "prod", "--detailed-exitcode"]).expect(0);
    assert_eq!(place.run(&["outputs", "--env", "prod", "albScheme"]).expect(0).out, "internal\n");
    assert_eq!(place.run(&["outputs", "--env", "prod", "albProtocol"]).expect(0).out, "https\n");
    let before = place.emulator_bytes();
    let refused = place.run(&["destroy", "--yes", "--env", "prod"]).expect(65);
    for key in
        ["`database.deletion_protection ", "`alb.deletion_protection ", "`alb.access_logs.delete_logs "]
    {
        assert!(refused.err.contains(key), "{}", refused.err);
    }
    assert_eq!(place.emulator_bytes(), before);

    let file = at_the_top("stack.toml");
    let flags: Vec<&str> = file
        .lines()
        .filter(|line| line.starts_with("#  "))
        .flat_map(str::split_whitespace)
        .filter(|word| word.contains('='))
        .collect();
    assert_eq!((flags.len(), &flags[..4]), (8, &flags[4..]), "the same settings for both commands");
    let taken_back: Vec<&str> = flags[..4].iter().flat_map(|flag| ["--set", flag]).collect();
    place.run(&[["up", "--env", "prod"].as_slice(), &taken_back].concat()).expect(0);
    // What is configured protects, whatever the last `up` said.
    place.run(&["destroy", "--yes", "--env", "prod"]).expect(65);
    let destroyed =
        place.run(&[["destroy", "--yes", "--env", "prod"].as_slice(), &taken_back].concat()).expect(0);
    assert!(destroyed.err.contains("a final snapshot is kept"), "{}", destroyed.err);
    let left = place.objects().await;
    let count = |kind: &str| left.iter().filter(|object| object.kind.contains(kind)).count();
    let (snapshots, keys, groups) = (count("Snapshot"), count("KMS::Key"), count("LogGroup"));
    // The database's key, for the snapshot, and that of the logs.
    assert_eq!((snapshots > 0, keys, groups > 5), (true, 2, true), "{left:?}");
    assert_eq!(left.len(), snapshots + keys + groups, "{left:?}");
}

#[test]
fn the_example_certificate_is_refused_in_another_region_by_file_line_and_key() {
    let place = Workplace::new();
    place.write("stack.toml", &at_the_top("stack.toml"));
    let ended = place.run(&["up", "--env", "prod", "--region", "eu-west-1"]).expect(65);
    assert!(ended.err.contains("stack.toml, line "), "{}", ended.err);
    assert!(
        ended.err.contains("`environments.prod.alb.certificate_arn`: the certificate is in "),
        "{}",
        ended.err
    );
    assert!(!place.path().join(".stack").exists());
}

#[test]
fn the_example_certificate_is_refused_in_an_account_that_is_not_the_embedded_one() {
    let (file, prod) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack.toml"), "prod".parse().unwrap());
    let config = stack::load(&stack::Sources::file(Some(&file), &prod)).unwrap().config;
    let embedded = stack::Place { account_id: "123456789012".to_owned(), ..stack::Place::imagined(&config) };
    let other = stack::Place { account_id: "999999999999".to_owned(), ..embedded.clone() };
    let stack = stack::Stack::new(config, &prod);
    assert!(stack.declare(&embedded).is_ok());
    let stack::StackError::Declare { tier: "alb", source } = stack.declare(&other).unwrap_err() else {
        panic!()
    };
    assert!(format!("{source:?}").contains("is of account 123456789012"), "{source:?}");
}

/// The README shows from which line of the file a value comes, and one number of records.
#[test]
fn the_samples_in_the_readme_name_the_line_and_the_records_that_there_are() {
    let (readme, file) = (include_str!("../../../../README.md"), include_str!("../../../../stack.toml"));
    let number = |before: &str| -> usize {
        let rest = readme.split(before).nth(1).unwrap_or_else(|| panic!("no {before}"));
        rest.split(|one: char| !one.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    let line = number("cidr = \"10.0.0.0/16\"                                       # stack.toml:");
    let there = file.lines().position(|line| line.starts_with("cidr = ")).unwrap() + 1;
    assert_eq!(line, there, "the README says that vpc.cidr is in line {line} of stack.toml");
    assert_eq!(number("journal: 5b0d21… (record "), number("records  "));
}
