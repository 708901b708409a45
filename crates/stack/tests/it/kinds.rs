//! What is known of the kinds, against what they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aws::Registry;
use emulator::Emulator;

fn registry() -> Registry {
    let mut registry = Registry::new(testing::context(&Emulator::in_memory()));
    stack::kinds(&mut registry);
    registry
}

/// A fact about a property that does not exist would be true of nothing.
#[test]
fn every_property_that_a_fact_names_exists() {
    let registry = registry();
    let mut wrong = Vec::new();
    for (name, kind) in registry.kinds() {
        assert!(!kind.properties().is_empty() && !kind.outputs().is_empty(), "{name}");
        wrong.extend(
            kind.facts()
                .properties()
                .chain(kind.order().widened_first.iter().copied())
                .filter(|property| !kind.properties().contains(property))
                .map(|property| format!("{name} has no property {property}")),
        );
        let import = kind.facts().import;
        assert_eq!(import.parts.len(), import.example.split('|').count(), "{name}: {import:?}");
        let exists = |part: &&str| kind.properties().contains(part) || kind.outputs().contains(part);
        let unknown = import.parts.iter().filter(|part| !exists(part));
        wrong.extend(unknown.map(|part| format!("{name} has neither property nor output {part}")));
        let outputs = kind.facts().template.outputs.iter().map(|(output, _)| *output);
        wrong.extend(
            outputs
                .chain(kind.volatile().iter().copied())
                .filter(|output| !kind.outputs().contains(output))
                .map(|output| format!("{name} has no output {output}")),
        );
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// All Rust sources in a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Whether a line of code, which is not a comment, has this name in it and not just the beginning of a longer one.
fn has_name(line: &str, name: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == ':');
    !line.trim_start().starts_with("//")
        && line.match_indices(name).any(|(at, _)| ends(&line[at + name.len()..]))
}

/// Code that compares with the name of a kind decides what should be a fact of that kind, and still compiles when the name is
/// wrong. The embedded AWS is another program: it knows types by AWS's names.
#[test]
fn the_name_of_a_kind_is_written_once_where_its_constant_is() {
    let registry = registry();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for member in std::fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path()) {
        if member.ends_with("emulator") || !member.join("src").is_dir() {
            continue;
        }
        for file in sources(&member.join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            let is_of_a_kind = text.contains("const KIND: &'static str =");
            for (number, line) in text.lines().enumerate() {
                for (name, _) in registry.kinds().filter(|(name, _)| has_name(line, name)) {
                    let place = format!("{}:{}", file.strip_prefix(crates).unwrap().display(), number + 1);
                    if !is_of_a_kind {
                        wrong.push(format!("{place}: {name}, in a file that has no KIND"));
                    }
                    places.entry(name).or_default().push(place);
                }
            }
        }
    }
    for (name, _) in registry.kinds() {
        match places.get(name).map_or([].as_slice(), Vec::as_slice) {
            [_] => {}
            places => wrong.push(format!("{name} is written {} times: {}", places.len(), places.join(", "))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
