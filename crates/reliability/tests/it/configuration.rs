//! Whatever is in the configuration, it is read or refused with one error that helps, and nothing panics.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use stack::{Environment, Place, Sources, Stack, load};

fn file() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack.toml");
    std::fs::read_to_string(path).unwrap()
}

/// What stands where something else was.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        (-9.0..9.0_f64).prop_map(|number| format!("{number:.3}")),
        any::<bool>().prop_map(|flag| flag.to_string()),
        "[ -~]{0,24}".prop_map(|text| format!("{text:?}")),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("\"10.0.0.0/28\"".to_owned()),
        Just("nan".to_owned()),
        Just("2026-01-01".to_owned()),
        "\\PC{0,12}",
    ]
}

#[derive(Clone, Debug)]
enum Edit {
    Value(prop::sample::Index, String),
    Remove(prop::sample::Index),
    Double(prop::sample::Index),
    Uncomment(prop::sample::Index),
    Insert(prop::sample::Index, String),
}

fn edit() -> impl Strategy<Value = Edit> {
    let line = any::<prop::sample::Index>;
    prop_oneof![
        6 => (line(), value()).prop_map(|(line, value)| Edit::Value(line, value)),
        1 => line().prop_map(Edit::Remove),
        1 => line().prop_map(Edit::Double),
        2 => line().prop_map(Edit::Uncomment),
        1 => (line(), "\\PC{0,20}").prop_map(|(line, text)| Edit::Insert(line, text)),
    ]
}

impl Edit {
    fn apply(&self, lines: &mut Vec<String>) {
        let count = lines.len();
        match self {
            Edit::Value(line, value) => {
                let with_value: Vec<usize> = (0..count).filter(|&line| lines[line].contains(" = ")).collect();
                if with_value.is_empty() {
                    return;
                }
                let line = &mut lines[with_value[line.index(with_value.len())]];
                let (key, _) = line.split_once(" = ").unwrap();
                *line = format!("{} = {value}", key.trim_start_matches("# "));
            }
            Edit::Remove(line) => drop(lines.remove(line.index(count))),
            Edit::Double(line) => lines.push(lines[line.index(count)].clone()),
            Edit::Uncomment(line) => {
                let line = &mut lines[line.index(count)];
                *line = line.trim_start_matches("# ").to_owned();
            }
            Edit::Insert(line, text) => lines.insert(line.index(count), text.clone()),
        }
    }
}

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("configuration.toml");
        Self(path)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_configuration_is_declared_or_refused_with_a_reason_and_a_hint(edits in prop::collection::vec(edit(), 1..4)) {
        let mut lines: Vec<String> = file().lines().map(str::to_owned).collect();
        edits.iter().for_each(|edit| edit.apply(&mut lines));
        let scratch = Scratch::new();
        std::fs::write(&scratch.0, lines.join("\n")).unwrap();
        let environment: Environment = "dev".parse().unwrap();
        match load(&Sources::file(Some(&scratch.0), &environment)) {
            Err(error) => {
                prop_assert!(!error.reason.is_empty() && !error.hint.is_empty(), "{error:?}");
                prop_assert_eq!(error.file.as_ref(), Some(&scratch.0), "{:?}", error);
            }
            Ok(loaded) => {
                let place = Place::imagined(&loaded.config);
                match Stack::new(loaded.config, &environment).declare(&place) {
                    Ok(graph) => prop_assert!(!graph.nodes().is_empty()),
                    Err(stack::StackError::Declare { source, .. }) => {
                        prop_assert!(
                            matches!(source, engine::DeclareError::Argument { .. }),
                            "{source}, which names no argument"
                        );
                    }
                    Err(other) => prop_assert!(false, "{other}"),
                }
            }
        }
    }
}
